//! Change: what is asked for is read back, by the message that really does it.

use crate::common::{Skip, knows, mac, name, needs, parent, socket, veth};
use crate::help::{all, bridge, elsewhere, encoded, errno_of, index, ip, sentence};
use sublink::link::{AddrGenMode, AnyKind, LinkFlags, LinkSettings};
use sublink::value::{Alias, Broadcast};
use sublink::{ErrorKind, IfIndex, LinkChange, LinkView, MacvlanMode, NewLink, Socket};
use sublink_tests::kernel_test;

/// A macvlan on `p0`, down, and the socket that made it.
fn macvlan() -> (Socket, IfIndex) {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let index = socket.create(&NewLink::macvlan(parent).mode(MacvlanMode::Bridge).name(name("mv0"))).expect("mv0");
    (socket, index)
}

type Check = fn(&LinkView<'_>) -> bool;

/// Each row was not so before, and is so after.
fn apply(socket: &mut Socket, rows: &[(&str, LinkChange<'_, AnyKind>, Check)]) {
    for (row, change, is_so) in rows {
        let target = encoded(change)[20..24].try_into().map(u32::from_ne_bytes).expect("an index");
        let target = index(target);
        assert!(!is_so(&socket.link_at(target).unwrap()), "{row}: it was so before");
        socket.change(change).unwrap_or_else(|error| panic!("{row}: {error}"));
        let link = socket.link_at(target).unwrap();
        assert!(is_so(&link), "{row}: {:?}", link.to_owned());
    }
}

#[kernel_test]
pub fn what_is_asked_for_is_read_back() -> Result<(), Skip> {
    let (mut socket, index) = macvlan();
    let change = LinkChange::new(index);
    apply(
        &mut socket,
        &[
            ("name", change.name(name("renamed")), |link| link.name() == "renamed"),
            ("mac", change.mac(mac(0x21)), |link| link.mac().mac() == Some(mac(0x21))),
            ("mtu", change.mtu(1280), |link| link.mtu() == 1280),
            ("queue length", change.txqlen(33), |link| link.txqlen() == 33),
            ("group", change.group(4_000_000_000), |link| link.group() == 4_000_000_000),
            ("alias", change.alias(Alias::new("of the \x1b pod").unwrap()), |link| {
                link.alias().is_some_and(|alias| alias == "of the \x1b pod")
            }),
            ("no alias", change.alias(Alias::new("").unwrap()), |link| link.alias().is_none()),
            ("broadcast", change.broadcast(Broadcast([2, 3, 4, 5, 6, 7])), |link| {
                link.broadcast() == Some(Broadcast([2, 3, 4, 5, 6, 7]))
            }),
            ("gso size", change.gso_max_size(20_000), |link| link.gso_max_size() == Some(20_000)),
            ("gso segments", change.gso_max_segs(44), |link| link.gso_max_segs() == Some(44)),
            ("held down", change.proto_down(true), |link| link.proto_down() == Some(true)),
            ("no longer", change.proto_down(false), |link| link.proto_down() == Some(false)),
            ("up", change.up(), |link| link.is_up()),
            ("promiscuous", change.promisc(true), |link| link.flags().contains(LinkFlags::PROMISC)),
            ("all multicast", change.allmulticast(true), |link| link.flags().contains(LinkFlags::ALLMULTI)),
            ("not promiscuous", change.promisc(false), |link| !link.flags().contains(LinkFlags::PROMISC)),
            ("not all multicast", change.allmulticast(false), |link| !link.flags().contains(LinkFlags::ALLMULTI)),
            ("down", change.down(), |link| !link.is_up()),
        ],
    );
    Ok(())
}

/// One request, and nothing else is touched by it.
#[kernel_test]
pub fn several_at_once_leave_the_rest() -> Result<(), Skip> {
    let (mut socket, index) = macvlan();
    socket.change(&LinkChange::new(index).group(3).promisc(true)).unwrap();
    let before = socket.link_at(index).unwrap().to_owned();
    let both = LinkChange::new(index).name(name("eth7")).mtu(1300).txqlen(7).allmulticast(true);
    socket.change(&both).unwrap();
    let after = socket.link_at(index).unwrap().to_owned();
    assert_eq!((after.name.as_bytes(), after.mtu, after.txqlen), (&b"eth7"[..], 1300, 7));
    assert!(after.flags.contains(LinkFlags::ALLMULTI) && after.flags.contains(LinkFlags::PROMISC));
    assert!(!after.flags.contains(LinkFlags::UP));
    assert_eq!((after.group, after.mac, after.kind), (before.group, before.mac, before.kind));
    Ok(())
}

#[kernel_test]
pub fn a_bridge_gains_and_loses_a_port() -> Result<(), Skip> {
    let mut socket = socket();
    let bridge = bridge(&mut socket, "br0")?;
    let port = veth(&mut socket, "v0", "v1");
    assert_eq!(socket.link_at(port).unwrap().master(), None);
    socket.change(&LinkChange::new(port).master(bridge)).unwrap();
    assert_eq!(socket.link_at(port).unwrap().master(), Some(bridge));
    socket.change(&LinkChange::new(port).nomaster()).unwrap();
    assert_eq!(socket.link_at(port).unwrap().master(), None);
    let born = NewLink::veth(NewLink::peer().name(name("w1"))).name(name("w0")).master(bridge);
    let born = socket.create(&born).unwrap();
    assert_eq!(socket.link_at(born).unwrap().master(), Some(bridge), "at create");
    Ok(())
}

#[kernel_test]
pub fn alternative_names_come_and_go() -> Result<(), Skip> {
    let (mut socket, index) = macvlan();
    let long = [b'x'; 127];
    socket.add_alt_name(index, "short").unwrap();
    socket.add_alt_name(index, long).unwrap();
    let names: Vec<Box<[u8]>> = socket.link_at(index).unwrap().to_owned().alt_names;
    assert_eq!(names, [b"short"[..].into(), long[..].into()]);

    for alt in [&b"short"[..], &long, b"mv0"] {
        assert_eq!(socket.link_by_alt_name(alt).unwrap().index(), index);
    }
    let error = socket.index_of("short").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::OnlyAltName { owner, .. } if owner.as_name() == "mv0"), "{error}");
    assert_eq!(error.to_string(), "ENODEV: no link has the name short, though mv0 has it as an alternative name");
    assert!(error.is_no_device());
    assert!(matches!(socket.link("short").unwrap_err().kind(), ErrorKind::OnlyAltName { .. }));

    let error = sentence(socket.add_alt_name(index, "short"));
    assert!(error.starts_with("add alternative name short of mv0: EEXIST (File exists)"), "{error}");
    socket.delete_alt_name(index, "short").unwrap();
    let error = sentence(socket.delete_alt_name(index, "short"));
    assert!(error.starts_with("delete alternative name short of mv0: E"), "{error}");
    let left: Vec<String> = socket.link_at(index).unwrap().alt_names().iter().map(|name| name.to_string()).collect();
    assert_eq!(left, [String::from_utf8_lossy(&long)]);
    assert!(socket.link_by_alt_name("short").unwrap_err().is_no_device());
    Ok(())
}

/// A name leads to one link, and the request names another.
#[kernel_test]
pub fn an_alternative_name_is_taken_from_its_own_link_only() -> Result<(), Skip> {
    let mut socket = socket();
    let p0 = parent(&mut socket);
    let p1 = socket.index_of("p1").unwrap();
    socket.add_alt_name(p1, "of-p1").unwrap();
    for (index, name) in [(p0, "of-p1"), (p0, "p0"), (p0, "p1")] {
        let error = sentence(socket.delete_alt_name(index, name));
        assert!(error.starts_with(&format!("delete alternative name {name} of p0: EINVAL")), "{error}");
    }
    let error = sentence(socket.delete_alt_name(p0, "nosuch"));
    assert!(error.starts_with("delete alternative name nosuch of p0: ENOENT"), "{error}");
    assert_eq!(socket.link_by_alt_name("of-p1").unwrap().index(), p1);
    assert_eq!((socket.index_of("p0").unwrap(), socket.index_of("p1").unwrap()), (p0, p1));
    Ok(())
}

/// RTM_SETLINK ignores what only the kind has, and answers OK: the same bytes under that type change nothing.
#[kernel_test]
pub fn a_kinds_properties_go_by_the_message_that_sets_them() -> Result<(), Skip> {
    let (mut socket, index) = macvlan();
    let change = LinkChange::macvlan(index).mode(MacvlanMode::Private).bc_queue_len(5000);
    let mut ignored = encoded(&change);
    assert_eq!(ignored[4..6], 16u16.to_ne_bytes(), "RTM_NEWLINK");
    ignored[4..6].copy_from_slice(&19u16.to_ne_bytes());
    assert_eq!(errno_of(&socket, &ignored), 0);
    let macvlan = |socket: &mut Socket| {
        let link = socket.link_at(index).unwrap();
        let macvlan = link.macvlan().expect("a macvlan");
        (macvlan.mode(), macvlan.bc_queue_len())
    };
    let queue = |len| knows("bc_queue_len").then_some(len);
    assert_eq!(macvlan(&mut socket), (Some(MacvlanMode::Bridge), queue(1000)));
    socket.change(&change).unwrap();
    assert_eq!(macvlan(&mut socket), (Some(MacvlanMode::Private), queue(5000)));

    // What every link has goes with it.
    socket.change(&LinkChange::macvlan(index).mode(MacvlanMode::Vepa).mtu(1300).name(name("mv1")).up()).unwrap();
    assert_eq!(macvlan(&mut socket).0, Some(MacvlanMode::Vepa));
    let link = socket.link_at(index).unwrap();
    assert_eq!((link.mtu(), link.is_up(), link.name() == "mv1"), (1300, true, true));
    Ok(())
}

#[kernel_test]
pub fn no_link_local_address_is_made_where_none_is_wanted() -> Result<(), Skip> {
    let (mut socket, index) = macvlan();
    if socket.link_at(index).unwrap().settings().addr_gen_mode.is_none() {
        return Err(Skip("this kernel has no IPv6".into()));
    }
    for mode in [AddrGenMode::StablePrivacy, AddrGenMode::Random, AddrGenMode::Eui64, AddrGenMode::None] {
        let set = socket.set(&LinkSettings::new(index).addr_gen_mode(mode));
        if mode == AddrGenMode::StablePrivacy {
            let error = sentence(set); // there is no secret
            assert_eq!(error, "change link mv0: EINVAL (Invalid argument)");
            continue;
        }
        set.unwrap_or_else(|error| panic!("{mode:?}: {error}"));
        assert_eq!(socket.link_at(index).unwrap().settings().addr_gen_mode, Some(mode));
    }
    socket.change(&LinkChange::new(index).up()).unwrap();
    assert_eq!(ip("-6 -o addr show dev mv0"), "");
    // In one request, the kernel brings the link up first: which is why these are two.
    let parent = socket.index_of("p0").unwrap();
    let other = socket.create(&NewLink::macvlan(parent).name(name("mv1"))).unwrap();
    let mut both = encoded(&LinkSettings::new(other).addr_gen_mode(AddrGenMode::None));
    both[24..32].copy_from_slice(&[1u32.to_ne_bytes(), 1u32.to_ne_bytes()].concat()); // IFF_UP of IFF_UP
    assert_eq!(errno_of(&socket, &both), 0);
    assert_eq!(socket.link_at(other).unwrap().settings().addr_gen_mode, Some(AddrGenMode::None));
    assert!(ip("-6 -o addr show dev mv1").contains("fe80::"));
    socket.set(&LinkSettings::new(index).addr_gen_mode(AddrGenMode::Eui64)).unwrap();
    socket.change(&LinkChange::new(index).down()).unwrap();
    socket.change(&LinkChange::new(index).up()).unwrap();
    assert!(ip("-6 -o addr show dev mv0").contains("fe80::"), "and one is made where it is");
    Ok(())
}

/// Links of one namespace only, and of every kind: even one that the caller did not know of.
#[kernel_test]
pub fn a_deleted_group_is_all_of_it_in_one_namespace() -> Result<(), Skip> {
    needs("macvtap")?;
    let (mut socket, (there, mut inside)) = (socket(), elsewhere());
    bridge(&mut socket, "br0")?;
    let parent = parent(&mut socket);
    let link = NewLink::macvlan(parent).group(7);
    socket.create(&link.name(name("a"))).unwrap();
    socket.create(&NewLink::macvtap(parent).group(7).name(name("b"))).unwrap();
    socket.create(&NewLink::veth(NewLink::peer().name(name("c1"))).name(name("c0")).group(7)).unwrap();
    socket.create(&link.group(8).name(name("d"))).unwrap();
    let across = socket.create(&link.name(name("e")).netns(&there)).unwrap();
    ip("link set br0 group 7");
    socket.delete_group(7).unwrap();
    let left: Vec<_> = all(&mut socket).iter().map(|link| link.name.to_string()).collect();
    assert_eq!(left, ["lo", "p1", "p0", "d"], "with one end of a veth goes the other");
    assert_eq!(inside.link_at(across).unwrap().group(), 7, "elsewhere, the group is another");
    assert!(socket.delete_group(7).unwrap_err().is_no_device());
    Ok(())
}

/// The kernel sets the address before it refuses the MTU.
#[kernel_test]
pub fn a_change_stops_where_it_fails() -> Result<(), Skip> {
    let (mut socket, index) = macvlan();
    let change = LinkChange::new(index).name(name("other")).mac(mac(0x33)).mtu(9000).group(5);
    let error = socket.change(&change).unwrap_err();
    assert_eq!(error.to_string(), "change link mv0: EINVAL (Invalid argument)");
    assert_eq!(error.link_is(), None, "it was no move");
    let link = socket.link_at(index).unwrap();
    assert_eq!((link.mac().mac(), link.mtu(), link.group()), (Some(mac(0x33)), 1500, 0));
    assert_eq!(link.name(), "mv0");
    Ok(())
}

#[kernel_test]
pub fn a_refused_change_says_what_it_was() -> Result<(), Skip> {
    let (mut socket, mv0) = macvlan();
    let p0 = socket.index_of("p0").unwrap();
    let change = LinkChange::new(mv0);
    let before = all(&mut socket);
    for (error, expected) in [
        (sentence(socket.change(&LinkChange::new(index(999)).up())), "bring up #999: ENODEV (No such device)"),
        (sentence(socket.change(&change.name(name("p1")))), "change link mv0: EEXIST (File exists)"),
        (sentence(socket.change(&change.mtu(67))), "change link mv0: EINVAL: mtu less than device minimum"),
        (sentence(socket.change(&change.master(p0))), "change link mv0: EOPNOTSUPP (Operation not supported)"),
        (
            sentence(socket.change(&LinkChange::macvlan(p0).mode(MacvlanMode::Vepa))),
            "change macvlan p0: EOPNOTSUPP (Operation not supported)",
        ),
        (
            sentence(socket.change(&LinkChange::macvtap(mv0).mode(MacvlanMode::Vepa))),
            "change macvtap mv0: EOPNOTSUPP (Operation not supported)",
        ),
        (sentence(socket.delete(index(999))), "delete link #999: ENODEV (No such device)"),
        (sentence(socket.delete_group(0)), "delete the links of group 0: EPERM (Operation not permitted)"),
        (sentence(socket.delete_group(77)), "delete the links of group 77: ENODEV (No such device)"),
        (sentence(socket.link_at(index(999)).map(|link| link.index())), "get link #999: ENODEV (No such device)"),
        (sentence(socket.index_of("nobody")), "get link nobody: ENODEV (No such device)"),
    ] {
        assert!(error.starts_with(expected), "{error}, not {expected}");
    }
    assert_eq!(all(&mut socket), before);
    Ok(())
}
