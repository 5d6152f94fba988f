//! What macvlans and VLANs stand on, or beside: dummy, veth, ipvlan.

use crate::common::{Skip, knows, mac, name, needs, parent, socket};
use crate::tools::{ip, ip_about_x, lacks_driver, names_of_kind, refusal};
use sublink::link::{IpvlanFlag, IpvlanMode, KindInfo};
use sublink::value::{Alias, Broadcast};
use sublink::{ErrorKind, IfIndex, IfName, LinkChange, Netns, NewLink, Socket};
use sublink_tests::kernel_test;

#[kernel_test]
pub fn without_a_driver_its_module_is_named() -> Result<(), Skip> {
    lacks_driver("dummy", "link add x type dummy")?;
    lacks_driver("ipvlan", "link add link lo name y type ipvlan")?;
    let mut socket = socket();
    let lo = socket.index_of("lo").unwrap();
    let words = |module| format!("EOPNOTSUPP: Unknown device type (this kernel lacks the driver: module {module})");
    let said = refusal(socket.create(&NewLink::dummy().name(name("x"))));
    assert_eq!(said, format!("create dummy x: {}", words("dummy")));
    let said = refusal(socket.create(&NewLink::ipvlan(lo).name(name("x"))));
    assert_eq!(said, format!("create ipvlan x on lo: {}", words("ipvlan")));
    Ok(())
}

#[kernel_test]
pub fn a_dummy_can_be_a_parent() -> Result<(), Skip> {
    needs("dummy")?;
    let mut socket = socket();
    let dummy = socket.create(&NewLink::dummy().name(name("d0")).mac(mac(7)).mtu(9000).up()).unwrap();
    let link = socket.link_at(dummy).unwrap();
    assert_eq!(link.name(), "d0");
    assert_eq!(link.kind(), "dummy");
    assert_eq!((link.mac().mac(), link.mtu(), link.is_up()), (Some(mac(7)), 9000, true));
    assert_eq!((link.parent(), link.to_owned().kind), (None, KindInfo::Other(b"dummy".as_slice().into())));
    let child = socket.create(&NewLink::macvlan(dummy).mtu(9000).up()).unwrap();
    assert_eq!(socket.link_at(child).unwrap().parent(), Some(dummy));
    Ok(())
}

#[kernel_test]
pub fn both_ends_of_a_veth_are_as_asked_for() -> Result<(), Skip> {
    let mut socket = socket();
    let (this, that) = (IfIndex::new(20_001).unwrap(), IfIndex::new(20_002).unwrap());
    let peer = NewLink::peer()
        .name(name("b"))
        .index(that)
        .mac(mac(2))
        .broadcast(Broadcast([2, 0xff, 0xff, 0xff, 0xff, 0xff]))
        .mtu(1400)
        .txqlen(77)
        .group(7)
        .tx_queues(3)
        .rx_queues(2)
        .gso_max_size(20_000)
        .gso_max_segs(30);
    let created = socket.create(&NewLink::veth(peer).name(name("a")).index(this).mac(mac(1)).mtu(1300)).unwrap();
    assert_eq!(created, this);
    let a = socket.link("a").unwrap().to_owned();
    assert_eq!((a.index, a.parent, a.mac, a.mtu, a.group), (this, Some(that), Some(mac(1)), 1300, 0));
    let b = socket.link("b").unwrap().to_owned();
    assert_eq!((b.index, b.parent, b.mac, b.mtu, b.group), (that, Some(this), Some(mac(2)), 1400, 7));
    assert_eq!(b.broadcast, Some(Broadcast([2, 0xff, 0xff, 0xff, 0xff, 0xff])));
    assert_eq!((b.txqlen, b.tx_queues, b.rx_queues), (77, Some(3), Some(2)));
    if knows("a GSO limit at create") {
        assert_eq!((b.gso_max_size, b.gso_max_segs), (Some(20_000), Some(30)));
    }
    assert_eq!((a.kind.name().to_string(), b.kind.name().to_string()), ("veth".into(), "veth".into()));
    Ok(())
}

#[kernel_test]
pub fn a_peer_without_a_name_gets_one() -> Result<(), Skip> {
    let mut socket = socket();
    let this = socket.create(&NewLink::veth(NewLink::peer()).name(name("a"))).unwrap();
    let that = socket.link_at(this).unwrap().parent().expect("its peer");
    assert_eq!(socket.link_at(that).unwrap().name(), "veth0");
    Ok(())
}

#[kernel_test]
pub fn a_peer_is_born_in_another_namespace() -> Result<(), Skip> {
    let mut socket = socket();
    let other = Netns::create().unwrap();
    let mut inside = Socket::open_in(&other).unwrap();
    let peer = NewLink::peer().name(name("eth0")).index(IfIndex::new(20_002).unwrap()).netns(&other);
    // The kernel looks at the peer's index only when this end has one.
    let this = socket.create(&NewLink::veth(peer).name(name("a")).index(IfIndex::new(20_001).unwrap()).up()).unwrap();
    let there = inside.link("eth0").unwrap();
    assert_eq!((there.index().get(), there.parent(), there.is_up()), (20_002, Some(this), false));
    assert!(there.parent_netnsid().is_some());
    let here = socket.link_at(this).unwrap();
    assert_eq!((here.parent(), here.is_up()), (IfIndex::new(20_002).ok(), true));
    assert!(here.parent_netnsid().is_some());
    assert!(socket.index_of("eth0").unwrap_err().is_no_device());
    socket.delete(this).unwrap();
    assert!(inside.index_of("eth0").unwrap_err().is_no_device(), "both ends go together");
    Ok(())
}

#[kernel_test]
pub fn a_veth_that_cannot_be_leaves_no_end_behind() -> Result<(), Skip> {
    let mut socket = socket();
    parent(&mut socket);
    let before = names_of_kind(&mut socket, "veth");
    let peer = |peer| NewLink::veth(NewLink::peer().name(name(peer)));
    for (link, said) in [
        (peer("p0").name(name("a")), "create veth a: EEXIST (File exists)"),
        (peer("a").name(name("a")), "create veth a: EEXIST (File exists)"),
        (peer("b").name(name("p1")), "create veth p1: EEXIST (File exists)"),
        (peer("b").name(name("a")).mtu(67), "create veth a: EINVAL (Invalid argument)"),
        (peer("b").name(name("a")).mtu(65536), "create veth a: EINVAL (Invalid argument)"),
    ] {
        assert_eq!(refusal(socket.create(&link)), said);
        assert_eq!(names_of_kind(&mut socket, "veth"), before, "after {said}");
    }
    Ok(())
}

/// As the documentation of a peer warns.
#[kernel_test]
pub fn a_peers_master_is_ignored_and_so_is_its_index_beside_none() -> Result<(), Skip> {
    let mut socket = socket();
    ip("link add br0 type bridge");
    let bridge = socket.index_of("br0").unwrap();
    let index = IfIndex::new(20_002).unwrap();
    let peer = NewLink::peer().name(name("b")).master(bridge).index(index);
    socket.create(&NewLink::veth(peer).name(name("a"))).unwrap();
    let peer = socket.link("b").unwrap();
    assert_eq!(peer.master(), None);
    assert!(peer.index() != index);
    Ok(())
}

#[kernel_test]
pub fn an_attribute_of_a_peer_is_named_in_errors() -> Result<(), Skip> {
    let mut socket = socket();
    needs("a GSO limit at create")?;
    let peer = NewLink::peer().name(name("b")).gso_max_size(10);
    let error = socket.create(&NewLink::veth(peer).name(name("a"))).unwrap_err();
    let ErrorKind::Kernel(kernel) = error.kind() else { panic!("{error:?}") };
    assert_eq!(kernel.attribute, Some("IFLA_GSO_MAX_SIZE"), "{error}");
    Ok(())
}

fn ipvlan_of(socket: &mut Socket, index: IfIndex) -> (Option<IpvlanMode>, Option<IpvlanFlag>) {
    let link = socket.link_at(index).unwrap();
    assert_eq!(link.kind(), "ipvlan");
    let view = link.ipvlan().expect("an ipvlan");
    let KindInfo::Ipvlan(info) = link.to_owned().kind else { panic!("{:?}", link.to_owned()) };
    assert_eq!((view.mode(), view.flag()), (info.mode, info.flag));
    (info.mode, info.flag)
}

const MODES: [IpvlanMode; 3] = [IpvlanMode::L2, IpvlanMode::L3, IpvlanMode::L3S];
const IPVLAN_FLAGS: [IpvlanFlag; 3] = [IpvlanFlag::Bridge, IpvlanFlag::Private, IpvlanFlag::Vepa];

#[kernel_test]
pub fn every_ipvlan_mode_and_flag_is_set_at_create() -> Result<(), Skip> {
    needs("ipvlan")?;
    let mut socket = socket();
    let parent = parent(&mut socket);
    let of_parent = socket.link_at(parent).unwrap().mac().mac();
    let index = socket.create(&NewLink::ipvlan(parent).mac(mac(7))).unwrap();
    assert_eq!(ipvlan_of(&mut socket, index), (Some(IpvlanMode::L3), Some(IpvlanFlag::Bridge)), "the defaults");
    let link = socket.link_at(index).unwrap();
    assert_eq!((link.parent(), link.mac().mac()), (Some(parent), of_parent), "an address of its own is ignored");
    socket.delete(index).unwrap();
    for mode in MODES {
        for flag in IPVLAN_FLAGS {
            let index = socket.create(&NewLink::ipvlan(parent).mode(mode).flag(flag).up()).unwrap();
            assert_eq!(ipvlan_of(&mut socket, index), (Some(mode), Some(flag)));
            socket.delete(index).unwrap();
        }
    }
    Ok(())
}

#[kernel_test]
pub fn ip_says_the_same_of_an_ipvlan() -> Result<(), Skip> {
    needs("ipvlan")?;
    let mut socket = socket();
    let parent = parent(&mut socket);
    for (mode, mode_word) in MODES.into_iter().zip(["l2", "l3", "l3s"]) {
        for (flag, flag_word) in IPVLAN_FLAGS.into_iter().zip(["bridge", "private", "vepa"]) {
            let index = socket.create(&NewLink::ipvlan(parent).name(name("x")).mode(mode).flag(flag)).unwrap();
            let said = ip_about_x();
            assert!(said.contains(&format!("mode {mode_word} {flag_word} ")), "{mode} {flag:?}: {said}");
            socket.delete(index).unwrap();
        }
    }
    Ok(())
}

#[kernel_test]
pub fn ipvlan_mode_and_flag_hold_for_all_children() -> Result<(), Skip> {
    needs("ipvlan")?;
    let mut socket = socket();
    let parent = parent(&mut socket);
    let first = socket.create(&NewLink::ipvlan(parent).mode(IpvlanMode::L2)).unwrap();
    let second = socket.create(&NewLink::ipvlan(parent).mode(IpvlanMode::L3S).flag(IpvlanFlag::Private)).unwrap();
    assert_eq!(ipvlan_of(&mut socket, first), (Some(IpvlanMode::L3S), Some(IpvlanFlag::Private)));
    for mode in MODES {
        for flag in IPVLAN_FLAGS {
            socket.change(&LinkChange::ipvlan(second).mode(mode).flag(flag)).unwrap();
            assert_eq!(ipvlan_of(&mut socket, first), (Some(mode), Some(flag)));
        }
    }
    socket.change(&LinkChange::ipvlan(first).mode(IpvlanMode::L2)).unwrap();
    assert_eq!(ipvlan_of(&mut socket, second), (Some(IpvlanMode::L2), Some(IpvlanFlag::Vepa)), "the flag is left");
    Ok(())
}

#[kernel_test]
pub fn ipvlan_refuses_unknown_modes_and_flags() -> Result<(), Skip> {
    needs("ipvlan")?;
    let mut socket = socket();
    let parent = parent(&mut socket);
    let x = NewLink::ipvlan(parent).name(name("x"));
    let (mode, both_flags, flag) = (IpvlanMode::Other(3), IpvlanFlag::Other(3), IpvlanFlag::Other(4));
    for link in [x.mode(mode), x.flag(both_flags), x.flag(flag)] {
        assert_eq!(refusal(socket.create(&link)), "create ipvlan x on p0: EINVAL (Invalid argument)", "{link:?}");
        assert_eq!(names_of_kind(&mut socket, "ipvlan"), Vec::<String>::new());
    }
    let index = socket.create(&x).unwrap();
    let change = LinkChange::ipvlan(index);
    for change in [change.mode(mode), change.flag(both_flags), change.flag(flag)] {
        assert_eq!(refusal(socket.change(&change)), "change ipvlan x: EINVAL (Invalid argument)", "{change:?}");
    }
    let lo = socket.index_of("lo").unwrap();
    assert_eq!(
        refusal(socket.create(&NewLink::ipvlan(lo).name(name("y")))),
        "create ipvlan y on lo: EINVAL (Invalid argument)"
    );
    Ok(())
}

#[kernel_test]
pub fn ipvlan_and_macvlan_exclude_each_other() -> Result<(), Skip> {
    needs("ipvlan")?;
    let mut socket = socket();
    let parent = parent(&mut socket);
    let ipvlan = socket.create(&NewLink::ipvlan(parent)).unwrap();
    for (said, refused) in [
        (
            "create macvlan x on p0: EBUSY (Device or resource busy)",
            socket.create(&NewLink::macvlan(parent).name(name("x"))),
        ),
        (
            "create macvtap x on p0: EBUSY (Device or resource busy)",
            socket.create(&NewLink::macvtap(parent).name(name("x"))),
        ),
        ("create macvlan on p0: EBUSY (Device or resource busy)", socket.create(&NewLink::macvlan(parent))),
    ] {
        assert_eq!(refusal(refused), said);
    }
    socket.delete(ipvlan).unwrap();
    socket.create(&NewLink::macvlan(parent)).unwrap();
    let said = refusal(socket.create(&NewLink::ipvlan(parent).name(name("x"))));
    assert_eq!(said, "create ipvlan x on p0: EBUSY (Device or resource busy)");
    Ok(())
}

#[kernel_test]
pub fn unknown_kinds_and_flags_survive() -> Result<(), Skip> {
    let mut socket = socket();
    parent(&mut socket);
    ip("link add br0 type bridge");
    let bridge = socket.link("br0").unwrap().to_owned();
    assert_eq!(bridge.kind, KindInfo::Other(b"bridge".as_slice().into()));
    assert_eq!(socket.link("lo").unwrap().to_owned().kind, KindInfo::None);

    ip("link set dev p0 dynamic on");
    let flags = socket.link("p0").unwrap().flags();
    assert_eq!(flags.bits() & 0x8000, 0x8000, "IFF_DYNAMIC, which has no name here");
    assert_eq!(format!("{flags:?}"), "<UP,BROADCAST,MULTICAST,RUNNING,LOWER_UP,0x8000>");
    Ok(())
}

#[kernel_test]
pub fn unknown_bytes_in_names_survive() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let odd = IfName::from_bytes(b"a\x1b[2J\xff").unwrap();
    let index = socket.create(&NewLink::macvlan(parent).name(odd)).unwrap();
    socket.change(&LinkChange::new(index).alias(Alias::new(b"\xff\n".as_slice()).unwrap())).unwrap();
    socket.add_alt_name(index, b"alt\xfe").unwrap();
    let link = socket.link_at(index).unwrap().to_owned();
    assert_eq!(link.name, odd);
    assert_eq!(link.name.to_string(), r"a\u{1b}[2J\xff");
    assert_eq!(link.alias.as_deref(), Some(b"\xff\n".as_slice()));
    assert_eq!(link.alt_names, [Box::from(b"alt\xfe".as_slice())]);
    let said = refusal(socket.create(&NewLink::macvlan(parent).name(odd)));
    assert_eq!(said, r"create macvlan a\u{1b}[2J\xff on p0: EEXIST (File exists)");
    Ok(())
}

#[kernel_test]
pub fn addresses_of_other_hardware_survive() -> Result<(), Skip> {
    let mut socket = socket();
    let lo = socket.link("lo").unwrap();
    assert_eq!(lo.mac().as_bytes(), [0; 6]);
    assert_eq!((lo.mac().mac(), lo.device_type(), lo.to_owned().mac), (None, 772, None));
    Ok(())
}
