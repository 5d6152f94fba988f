//! What every link has and only a change sets, or only the kernel says.

use crate::common::{Skip, kernel, knows, mac, name, needs, parent, socket, vid};
use crate::tools::{await_link, refusal};
use std::net::UdpSocket;
use sublink::link::{GetLink, LinkFlags, LinkMode, LinkStats, OperState, ProtoDownReasons, ProtoDownReasonsChange};
use sublink::{ErrorKind, IfIndex, LinkChange, LinkInfo, ListLinks, MacAddr, MacvlanMode, NewAddress, NewLink, Socket};
use sublink_tests::kernel_test;

fn reasons(bits: u32) -> ProtoDownReasons {
    ProtoDownReasons::from(bits)
}

/// A macvlan in bridge mode on `p0`, up, with a carrier.
fn macvlan(socket: &mut Socket) -> IfIndex {
    let parent = parent(socket);
    let index = socket.create(&NewLink::macvlan(parent).mode(MacvlanMode::Bridge).name(name("x")).up()).unwrap();
    await_link(index, "its carrier", |link| link.carrier() == Some(true));
    index
}

#[kernel_test]
fn a_macvlan_is_held_down_and_let_up_again() -> Result<(), Skip> {
    let mut socket = socket();
    let index = macvlan(&mut socket);
    assert_eq!(socket.link_at(index).unwrap().proto_down(), Some(false));
    socket.change(&LinkChange::new(index).proto_down(true)).unwrap();
    await_link(index, "no carrier", |link| link.carrier() == Some(false));
    let link = socket.link_at(index).unwrap();
    assert_eq!((link.proto_down(), link.to_owned().proto_down), (Some(true), Some(true)));
    socket.change(&LinkChange::new(index).proto_down(false)).unwrap();
    await_link(index, "its carrier", |link| link.carrier() == Some(true));
    Ok(())
}

#[kernel_test]
fn what_holds_it_down_has_reasons() -> Result<(), Skip> {
    let mut socket = socket();
    let index = macvlan(&mut socket);
    let read = |socket: &mut Socket| {
        let link = socket.link_at(index).unwrap();
        assert_eq!(link.proto_down_reason(), link.to_owned().proto_down_reason);
        (link.proto_down(), link.proto_down_reason())
    };
    let change = LinkChange::new(index);
    socket.change(&change.proto_down(true).proto_down_reason(reasons(1).on() | reasons(1 << 31).on())).unwrap();
    assert_eq!(read(&mut socket), (Some(true), reasons(1 | 1 << 31)));
    let error = socket.change(&change.proto_down(false)).unwrap_err();
    assert!(error.is_busy());
    assert_eq!(error.to_string(), "change link x: EBUSY: Cannot clear protodown, active reasons");
    socket.change(&change.proto_down_reason(reasons(1).off() | reasons(4).on())).unwrap();
    assert_eq!(read(&mut socket), (Some(true), reasons(4 | 1 << 31)), "the others stay");
    socket.change(&change.proto_down_reason(ProtoDownReasonsChange::NONE)).unwrap();
    assert_eq!(read(&mut socket), (Some(true), reasons(4 | 1 << 31)));
    // In one request, the reasons are taken back first.
    socket.change(&change.proto_down(false).proto_down_reason(reasons(u32::MAX).off())).unwrap();
    assert_eq!(read(&mut socket), (Some(false), reasons(0)));
    socket.change(&change.proto_down_reason(reasons(2).on())).unwrap();
    assert_eq!(read(&mut socket), (Some(false), reasons(2)), "a reason alone holds nothing down");
    Ok(())
}

/// One of each kind, by its name, on `p0` where it stands on something.
fn of_each_kind(socket: &mut Socket) -> Vec<(&'static str, IfIndex)> {
    let p0 = parent(socket);
    let p2 = crate::common::veth(socket, "p2", "p3");
    let mut made = vec![
        ("veth", p0),
        ("macvlan", socket.create(&NewLink::macvlan(p0).name(name("macvlan")).up()).unwrap()),
        ("lo", IfIndex::new(1).unwrap()),
    ];
    if needs("macvtap").is_ok() {
        made.push(("macvtap", socket.create(&NewLink::macvtap(p0).name(name("macvtap")).up()).unwrap()));
    }
    if needs("vlan").is_ok() {
        made.push(("vlan", socket.create(&NewLink::vlan(p0, vid(5)).name(name("vlan")).up()).unwrap()));
    }
    if needs("dummy").is_ok() {
        made.push(("dummy", socket.create(&NewLink::dummy().name(name("dummy")).up()).unwrap()));
    }
    if needs("ipvlan").is_ok() {
        made.push(("ipvlan", socket.create(&NewLink::ipvlan(p2).name(name("ipvlan")).up()).unwrap()));
    }
    made
}

#[kernel_test]
fn only_macvlans_and_macvtaps_are_held_down() -> Result<(), Skip> {
    let mut socket = socket();
    for (kind, index) in of_each_kind(&mut socket) {
        for change in [
            LinkChange::new(index).proto_down(true),
            LinkChange::new(index).proto_down(false),
            LinkChange::new(index).proto_down_reason(reasons(1).on()),
        ] {
            let done = socket.change(&change);
            if matches!(kind, "macvlan" | "macvtap") {
                done.unwrap_or_else(|error| panic!("{kind}: {error}"));
            } else {
                let said = refusal(done);
                assert!(said.contains(": EOPNOTSUPP"), "{kind}: {said}");
            }
        }
    }
    Ok(())
}

#[kernel_test]
fn only_a_dummys_carrier_is_set() -> Result<(), Skip> {
    let mut socket = socket();
    for (kind, index) in of_each_kind(&mut socket) {
        let done = socket.change(&LinkChange::new(index).carrier(false));
        if kind != "dummy" {
            assert!(refusal(done).contains(": EOPNOTSUPP"), "{kind}");
            continue;
        }
        done.unwrap();
        let counts = |link: &LinkInfo| (link.carrier, link.carrier_up_count, link.carrier_down_count);
        let before = socket.link_at(index).unwrap().to_owned();
        assert_eq!((before.carrier, before.flags.contains(LinkFlags::LOWER_UP)), (Some(false), false));
        socket.change(&LinkChange::new(index).carrier(true)).unwrap();
        let after = socket.link_at(index).unwrap().to_owned();
        let more = |count: Option<u32>| count.map(|count| count + 1);
        assert_eq!(counts(&after), (Some(true), more(before.carrier_up_count), before.carrier_down_count));
        assert_eq!(after.carrier_changes, more(before.carrier_changes));
        socket.change(&LinkChange::new(index).down().carrier(false)).unwrap();
        assert!(!socket.link_at(index).unwrap().is_up());
    }
    Ok(())
}

#[kernel_test]
fn a_program_has_a_say_in_the_state() -> Result<(), Skip> {
    let mut socket = socket();
    let index = macvlan(&mut socket);
    let state = |socket: &mut Socket| {
        let link = socket.link_at(index).unwrap().to_owned();
        (link.link_mode, link.oper_state, link.flags.contains(LinkFlags::DORMANT))
    };
    await_link(index, "its state", |link| link.oper_state() == OperState::Up);
    assert_eq!(state(&mut socket), (LinkMode::Default, OperState::Up, false));
    socket.change(&LinkChange::new(index).link_mode(LinkMode::Dormant).oper_state(OperState::Dormant)).unwrap();
    assert_eq!(state(&mut socket), (LinkMode::Dormant, OperState::Dormant, false));
    socket.change(&LinkChange::new(index).down()).unwrap();
    socket.change(&LinkChange::new(index).up()).unwrap();
    await_link(index, "its state", |link| link.oper_state() == OperState::Dormant);
    socket.change(&LinkChange::new(index).oper_state(OperState::Up)).unwrap();
    assert_eq!(state(&mut socket).1, OperState::Up, "the program lets it");
    for ignored in [OperState::Down, OperState::LowerLayerDown, OperState::NotPresent] {
        socket.change(&LinkChange::new(index).oper_state(ignored)).unwrap();
        assert_eq!(state(&mut socket).1, OperState::Up, "{ignored}");
    }
    if kernel() >= (5, 8) {
        socket.change(&LinkChange::new(index).link_mode(LinkMode::Testing).oper_state(OperState::Testing)).unwrap();
        assert_eq!(state(&mut socket).0, LinkMode::Testing);
        assert_eq!(state(&mut socket).1, OperState::Testing);
    }
    Ok(())
}

#[kernel_test]
fn limits_of_offload_are_set_later_and_for_ipv4_alone() -> Result<(), Skip> {
    needs("gso_ipv4_max_size")?;
    let mut socket = socket();
    for (kind, index) in of_each_kind(&mut socket) {
        let sizes = |socket: &mut Socket| {
            let link = socket.link_at(index).unwrap().to_owned();
            let gso = (link.gso_max_size, link.gso_ipv4_max_size);
            (gso, (link.gro_max_size, link.gro_ipv4_max_size))
        };
        let both = |size| (Some(size), Some(size));
        let change = LinkChange::new(index);
        socket.change(&change.gso_max_size(30_000).gro_max_size(40_000)).unwrap();
        assert_eq!(sizes(&mut socket), (both(30_000), both(40_000)), "{kind}: one sets the other");
        socket.change(&change.gso_ipv4_max_size(20_000).gro_ipv4_max_size(25_000)).unwrap();
        let apart = ((Some(30_000), Some(20_000)), (Some(40_000), Some(25_000)));
        assert_eq!(sizes(&mut socket), apart, "{kind}");
        socket.change(&change.gso_ipv4_max_size(22_000).gso_max_size(33_000)).unwrap();
        assert_eq!(sizes(&mut socket).0, (Some(33_000), Some(22_000)), "{kind}: the order of the calls is no matter");
    }
    Ok(())
}

#[kernel_test]
fn a_limit_that_is_too_large_is_refused() -> Result<(), Skip> {
    needs("gso_ipv4_max_size")?;
    let mut socket = socket();
    let index = macvlan(&mut socket);
    let change = LinkChange::new(index);
    for (change, property) in [
        (change.gro_max_size(u32::MAX), "gro_max_size"),
        (change.gro_ipv4_max_size(u32::MAX), "gro_ipv4_max_size"),
        (change.gso_ipv4_max_size(u32::MAX), "gso_ipv4_max_size"),
    ] {
        assert_eq!(refusal(socket.change(&change)), format!("change link x: EINVAL: too big {property}"));
    }
    let error = socket.change(&change.gso_ipv4_max_size(10)).unwrap_err();
    let ErrorKind::Kernel(kernel) = error.kind() else { panic!("{error:?}") };
    assert_eq!(kernel.attribute, Some("IFLA_GSO_IPV4_MAX_SIZE"));
    Ok(())
}

/// Older kernels answer OK.
#[kernel_test]
fn a_limit_that_the_kernel_ignores_is_found() -> Result<(), Skip> {
    let mut socket = socket();
    let index = macvlan(&mut socket);
    let change = LinkChange::new(index);
    for (change, attribute, since) in [
        (change.gro_max_size(40_000), "IFLA_GRO_MAX_SIZE", "gro_max_size"),
        (change.gso_ipv4_max_size(40_000), "IFLA_GSO_IPV4_MAX_SIZE", "gso_ipv4_max_size"),
        (change.mtu(1400).gro_ipv4_max_size(40_000), "IFLA_GRO_IPV4_MAX_SIZE", "gso_ipv4_max_size"),
    ] {
        socket.change(&change).unwrap();
        match socket.verify(index, &change) {
            Ok(()) => assert!(knows(since), "{attribute}"),
            Err(error) => {
                assert!(!knows(since), "{attribute}: {error}");
                assert!(matches!(error.kind(), ErrorKind::Ignored(ignored) if *ignored == attribute), "{error:?}");
            }
        }
    }
    Ok(())
}

#[kernel_test]
fn counters_come_where_they_are_asked_for() -> Result<(), Skip> {
    let mut socket = socket();
    let p0 = parent(&mut socket);
    let p1 = socket.index_of("p1").unwrap();
    socket.apply(&NewAddress::new(p0, "10.9.9.1/24".parse().unwrap())).unwrap();
    let read = |socket: &mut Socket| {
        let stats =
            |socket: &mut Socket, index| socket.get(&GetLink::index(index).with_stats()).unwrap().stats().unwrap();
        (stats(socket, p0), stats(socket, p1))
    };
    let (before, before_there) = read(&mut socket);
    let sender = UdpSocket::bind("10.9.9.1:0").unwrap();
    sender.set_broadcast(true).unwrap();
    for _ in 0..3 {
        assert_eq!(sender.send_to(&[0; 1000], "10.9.9.255:9").unwrap(), 1000);
    }
    let (after, after_there) = read(&mut socket);
    assert!(after.tx_packets >= before.tx_packets + 3, "{before:?} {after:?}");
    assert!(after.tx_bytes >= before.tx_bytes + 3_000, "{before:?} {after:?}");
    assert!(after_there.rx_packets >= before_there.rx_packets + 3, "{before_there:?} {after_there:?}");
    let mut links = socket.links(&ListLinks::new().with_stats()).unwrap();
    let mut listed = Vec::new();
    while let Some(link) = links.next().unwrap() {
        listed.push(link.stats().map(|stats| (link.index(), stats.tx_packets)));
    }
    assert_eq!(listed.len(), 3);
    let sent = listed.iter().flatten().find(|(index, _)| *index == p0).map(|(_, sent)| *sent);
    assert!(sent.is_some_and(|sent| sent >= after.tx_packets), "{listed:?}");
    assert!(listed.iter().all(Option::is_some), "{listed:?}");
    let unasked = socket.link_at(p0).unwrap().stats();
    assert_eq!(unasked.is_none(), knows("links without counters"), "{unasked:?}");
    assert_eq!(unasked.unwrap_or_default() == LinkStats::default(), unasked.is_none());
    Ok(())
}

/// The kernel makes room for a link that is longer than usual only where a request has an extent.
#[kernel_test]
fn a_long_link_has_counters_too() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let senders: Vec<_> = (0..4_000).map(mac_of).collect();
    let index = socket.create(&NewLink::macvlan(parent).source(&senders).name(name("x"))).unwrap();
    let mut links = socket.links(&ListLinks::new().kind("macvlan").with_stats()).unwrap();
    let found = links
        .next()
        .unwrap()
        .map(|link| (link.index(), link.stats().is_some(), link.macvlan().unwrap().macaddrs().unwrap().count()));
    assert_eq!(found, Some((index, true, 4_000)));
    Ok(())
}

fn mac_of(number: u32) -> MacAddr {
    let [_, b, c, d] = number.to_be_bytes();
    MacAddr::new([2, 0, 9, b, c, d]).unwrap()
}

#[kernel_test]
fn the_kernel_says_what_it_can_and_counts() -> Result<(), Skip> {
    let mut socket = socket();
    let index = macvlan(&mut socket);
    let link = socket.link_at(index).unwrap();
    assert!(link.qdisc().is_some_and(|qdisc| qdisc == *"noqueue"));
    let link = link.to_owned();
    let since = |property: &str, is_there: bool| assert_eq!(is_there, knows(property), "{property}");
    since("tso_max_size", link.tso_max_size.is_some() && link.tso_max_segs.is_some());
    since("allmulti", link.allmulti == Some(0));
    since("max_pacing_offload_horizon", link.max_pacing_offload_horizon == Some(0));
    since("netns_immutable", link.netns_immutable == Some(false));
    since("headroom", link.headroom.is_some() && link.tailroom.is_some());
    assert!(link.carrier_up_count.is_some() && link.carrier_down_count.is_some());
    assert_eq!((&link.parent_device, &link.parent_device_bus), (&None, &None), "of hardware only");
    assert_eq!((&link.physical_port_id, &link.physical_port_name, &link.physical_switch_id), (&None, &None, &None));
    assert_eq!(link.devlink_port, None);
    socket.change(&LinkChange::new(index).allmulticast(true)).unwrap();
    since("allmulti", socket.link_at(index).unwrap().allmulti() == Some(1));
    since("netns_immutable", socket.link("lo").unwrap().netns_immutable() == Some(true));
    Ok(())
}

/// By index, by name, and where there is none: what a full answer says.
#[kernel_test]
fn a_name_and_an_index_are_those_of_the_whole_link() -> Result<(), Skip> {
    let mut socket = socket();
    let index = macvlan(&mut socket);
    socket.change(&LinkChange::new(index).mac(mac(7))).unwrap();
    socket.add_alt_name(index, "other-name").unwrap();
    assert_eq!((socket.index_of("x").unwrap(), socket.name_of(index).unwrap()), (index, name("x")));
    let link = socket.link("x").unwrap();
    assert_eq!((link.index(), link.if_name(), link.mac().mac()), (index, name("x"), Some(mac(7))), "of the whole link");
    let said = refusal(socket.index_of("other-name"));
    assert_eq!(said, refusal(socket.link("other-name")));
    assert!(
        matches!(socket.index_of("other-name").unwrap_err().kind(), ErrorKind::OnlyAltName { owner, .. } if *owner == name("x"))
    );
    for (short, long) in [
        (refusal(socket.index_of("nosuch0")), refusal(socket.link("nosuch0"))),
        (refusal(socket.name_of(IfIndex::new(4242).unwrap())), refusal(socket.link_at(IfIndex::new(4242).unwrap()))),
    ] {
        assert_eq!(short, long);
        assert!(short.contains("ENODEV"), "{short}");
    }
    Ok(())
}
