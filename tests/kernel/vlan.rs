//! VLAN: id, protocol, flags and priority maps, as set and as read back.

use crate::common::{Skip, name, needs, parent, socket, vid};
use crate::tools::ip_about_x;
use sublink::link::{
    EgressQos, IngressQos, KindInfo, VlanFlags, VlanFlagsChange, VlanInfo, VlanPriority, VlanProtocol,
};
use sublink::{ErrorKind, IfIndex, LinkChange, NewLink, Socket};
use sublink_tests::kernel_test;

/// What the kernel reports of a VLAN; the view and the owned copy have to agree.
fn read(socket: &mut Socket, index: IfIndex) -> VlanInfo {
    let link = socket.link_at(index).unwrap();
    assert!(link.macvlan().is_none() && link.macvtap().is_none() && link.ipvlan().is_none());
    let view = link.vlan().unwrap_or_else(|| panic!("{link:?} is no VLAN"));
    let KindInfo::Vlan(info) = link.to_owned().kind else { panic!("{:?}", link.to_owned()) };
    assert_eq!((view.id(), view.protocol(), view.flags()), (info.id, info.protocol, info.flags));
    assert_eq!(view.egress_qos().map(Vec::from), info.egress_qos);
    assert_eq!(view.ingress_qos().map(Vec::from), info.ingress_qos);
    info
}

/// The flags that are on. The kernel reports no flags at all for a VLAN without any.
fn bits(socket: &mut Socket, index: IfIndex) -> u32 {
    read(socket, index).flags.bits()
}

#[kernel_test]
pub fn ids_are_0_to_4094() -> Result<(), Skip> {
    needs("vlan")?;
    let mut socket = socket();
    let parent = parent(&mut socket);
    for id in [0, 1, 50, 4094] {
        let index = socket.create(&NewLink::vlan(parent, vid(id)).name(name("x"))).unwrap();
        let vlan = read(&mut socket, index);
        assert_eq!((vlan.id, vlan.protocol), (Some(vid(id)), Some(VlanProtocol::Ieee8021Q)));
        let link = socket.link_at(index).unwrap();
        assert_eq!(link.kind(), "vlan");
        assert_eq!((link.parent(), link.parent_netnsid()), (Some(parent), None));
        socket.delete(index).unwrap();
    }
    Ok(())
}

#[kernel_test]
pub fn ip_says_the_same() -> Result<(), Skip> {
    needs("vlan")?;
    let mut socket = socket();
    let parent = parent(&mut socket);
    let link = NewLink::vlan(parent, vid(5)).name(name("x"));
    let (out, into) = ([egress(1, 3)], [ingress(7, 100)]);
    for (words, link) in [
        ("vlan protocol 802.1Q id 5 <REORDER_HDR> ", link),
        ("vlan protocol 802.1ad id 5 ", link.protocol(VlanProtocol::Ieee8021Ad)),
        ("<REORDER_HDR,GVRP> ", link.flags(VlanFlags::GVRP.on())),
        ("<REORDER_HDR,LOOSE_BINDING> ", link.flags(VlanFlags::LOOSE_BINDING.on())),
        ("<REORDER_HDR,MVRP> ", link.flags(VlanFlags::MVRP.on())),
        ("<REORDER_HDR,BRIDGE_BINDING> ", link.flags(VlanFlags::BRIDGE_BINDING.on())),
        ("<GVRP> ", link.flags(VlanFlags::GVRP.on() | VlanFlags::REORDER_HDR.off())),
        ("egress-qos-map { 1:3 }", link.egress_qos(&out)),
        ("ingress-qos-map { 7:100 }", link.ingress_qos(&into)),
    ] {
        let index = socket.create(&link).unwrap();
        let said = ip_about_x();
        assert!(said.contains(words), "no `{words}`: {said}");
        socket.delete(index).unwrap();
    }
    Ok(())
}

#[kernel_test]
pub fn the_kernel_has_defaults() -> Result<(), Skip> {
    needs("vlan")?;
    let mut socket = socket();
    let parent = parent(&mut socket);
    let of_parent = socket.link_at(parent).unwrap().to_owned();
    let index = socket.create(&NewLink::vlan(parent, vid(5))).unwrap();
    let vlan = read(&mut socket, index);
    let flags = vlan.flags;
    assert!(flags.contains(VlanFlags::REORDER_HDR));
    assert_eq!((flags.bits(), vlan.egress_qos, vlan.ingress_qos), (1, None, None));
    let link = socket.link_at(index).unwrap().to_owned();
    assert_eq!((link.mac, link.mtu), (of_parent.mac, of_parent.mtu));
    Ok(())
}

#[kernel_test]
pub fn both_protocols_and_stacks_of_them() -> Result<(), Skip> {
    needs("vlan")?;
    let mut socket = socket();
    let mut below = parent(&mut socket);
    let (q, ad) = (VlanProtocol::Ieee8021Q, VlanProtocol::Ieee8021Ad);
    // Every protocol on every other: S-tag, C-tag in it, C-tag in that, S-tag in that.
    for (id, protocol) in [(100, ad), (50, q), (50, q), (100, ad)] {
        let index = socket.create(&NewLink::vlan(below, vid(id)).protocol(protocol)).unwrap();
        let vlan = read(&mut socket, index);
        assert_eq!((vlan.id, vlan.protocol), (Some(vid(id)), Some(protocol)));
        assert_eq!(socket.link_at(index).unwrap().parent(), Some(below));
        below = index;
    }
    Ok(())
}

const FLAGS: [(&str, u32, VlanFlags); 5] = [
    ("reorder_hdr", 1, VlanFlags::REORDER_HDR),
    ("gvrp", 2, VlanFlags::GVRP),
    ("loose_binding", 4, VlanFlags::LOOSE_BINDING),
    ("mvrp", 8, VlanFlags::MVRP),
    ("bridge_binding", 16, VlanFlags::BRIDGE_BINDING),
];

fn switch(flag: VlanFlags, on: bool) -> VlanFlagsChange {
    if on { flag.on() } else { flag.off() }
}

const ALL_FLAGS: u32 = 31;

#[kernel_test]
pub fn each_flag_is_set_at_create() -> Result<(), Skip> {
    needs("vlan")?;
    let mut socket = socket();
    let parent = parent(&mut socket);
    for (name, bit, flag) in FLAGS {
        for on in [true, false] {
            let link = NewLink::vlan(parent, vid(5)).flags(switch(flag, on));
            let index = socket.create(&link).unwrap();
            let expected = if on { 1 | bit } else { 1 & !bit };
            assert_eq!(bits(&mut socket, index), expected, "{name} {on}");
            assert_eq!(read(&mut socket, index).flags.contains(flag), on, "{name}");
            socket.delete(index).unwrap();
        }
    }
    Ok(())
}

#[kernel_test]
pub fn a_change_of_each_flag_leaves_the_others() -> Result<(), Skip> {
    needs("vlan")?;
    let mut socket = socket();
    let parent = parent(&mut socket);
    let index = socket.create(&NewLink::vlan(parent, vid(5))).unwrap();
    for others in [0, ALL_FLAGS] {
        for (name, bit, flag) in FLAGS {
            let start = VlanFlags::from(others).on() | VlanFlags::from(ALL_FLAGS & !others).off();
            socket.change(&LinkChange::vlan(index).flags(start)).unwrap();
            assert_eq!(bits(&mut socket, index), others);
            for on in [true, false, true] {
                socket.change(&LinkChange::vlan(index).flags(switch(flag, on))).unwrap();
                let expected = if on { others | bit } else { others & !bit };
                assert_eq!(bits(&mut socket, index), expected, "{name} {on}, among {others}");
            }
        }
    }
    Ok(())
}

#[kernel_test]
pub fn a_change_of_something_else_leaves_flags_and_maps() -> Result<(), Skip> {
    needs("vlan")?;
    let mut socket = socket();
    let parent = parent(&mut socket);
    let (egress, ingress) = ([egress(1, 3)], [ingress(7, 5)]);
    let flags = VlanFlags::GVRP.on() | VlanFlags::LOOSE_BINDING.on();
    let link = NewLink::vlan(parent, vid(5)).flags(flags).egress_qos(&egress).ingress_qos(&ingress);
    let index = socket.create(&link).unwrap();
    let before = read(&mut socket, index);
    assert_eq!(before.flags.bits(), 1 | 2 | 4);
    socket.change(&LinkChange::vlan(index).mtu(1400)).unwrap();
    socket.change(&LinkChange::new(index).txqlen(77).name(name("x"))).unwrap();
    assert_eq!(read(&mut socket, index), before);
    assert_eq!(socket.link_at(index).unwrap().mtu(), 1400);
    Ok(())
}

fn priority(priority: u8) -> VlanPriority {
    VlanPriority::new(priority).unwrap()
}

fn egress(from: u32, to: u8) -> EgressQos {
    EgressQos::new(from, priority(to))
}

fn ingress(from: u8, to: u32) -> IngressQos {
    IngressQos::new(priority(from), to)
}

/// The egress map, sorted, since the kernel's order is that of a hash table.
fn egress_map(socket: &mut Socket, index: IfIndex) -> Vec<(u32, u32)> {
    let mut map: Vec<_> =
        read(socket, index).egress_qos.unwrap_or_default().iter().map(|entry| (entry.from(), entry.to())).collect();
    map.sort_unstable();
    map
}

fn ingress_map(socket: &mut Socket, index: IfIndex) -> Vec<(u32, u32)> {
    read(socket, index).ingress_qos.unwrap_or_default().iter().map(|entry| (entry.from(), entry.to())).collect()
}

/// What a change of a map is, its entries, and the map behind it.
type Step<'a, T> = (&'a str, &'a [T], &'a [(u32, u32)]);

#[kernel_test]
pub fn maps_are_set_at_create() -> Result<(), Skip> {
    needs("vlan")?;
    let mut socket = socket();
    let parent = parent(&mut socket);
    let out = [egress(0, 7), egress(16, 4), egress(1, 3), egress(u32::MAX, 1), egress(2, 0)];
    let into = [ingress(0, 1), ingress(7, u32::MAX), ingress(3, 0)];
    let index = socket.create(&NewLink::vlan(parent, vid(5)).egress_qos(&out).ingress_qos(&into)).unwrap();
    assert_eq!(egress_map(&mut socket, index), [(0, 7), (1, 3), (16, 4), (u32::MAX, 1)]);
    assert_eq!(ingress_map(&mut socket, index), [(0, 1), (7, u32::MAX)]);
    Ok(())
}

#[kernel_test]
pub fn egress_entries_are_added_replaced_and_removed() -> Result<(), Skip> {
    needs("vlan")?;
    let mut socket = socket();
    let parent = parent(&mut socket);
    let into = [ingress(1, 1)];
    let index = socket.create(&NewLink::vlan(parent, vid(5)).ingress_qos(&into)).unwrap();
    let steps: [Step<'_, EgressQos>; 7] = [
        ("added", &[egress(1, 3), egress(17, 5)], &[(1, 3), (17, 5)]),
        ("one more", &[egress(2, 6)], &[(1, 3), (2, 6), (17, 5)]),
        ("replaced", &[egress(1, 4)], &[(1, 4), (2, 6), (17, 5)]),
        ("removed", &[egress(1, 0)], &[(2, 6), (17, 5)]),
        ("an absent one removed", &[egress(9, 0)], &[(2, 6), (17, 5)]),
        ("no entries", &[], &[(2, 6), (17, 5)]),
        ("one removed and one added", &[egress(2, 0), egress(1, 7), egress(17, 0)], &[(1, 7)]),
    ];
    for (what, entries, expected) in steps {
        socket.change(&LinkChange::vlan(index).egress_qos(entries)).unwrap();
        assert_eq!(egress_map(&mut socket, index), expected, "{what}");
        assert_eq!(ingress_map(&mut socket, index), [(1, 1)], "{what}: the other direction");
    }
    Ok(())
}

/// The egress map has no limit in the kernel, which reports one of 5,460 entries and more with a wrong length.
#[kernel_test]
pub fn a_map_of_thousands_is_read_whole_or_is_an_error() -> Result<(), Skip> {
    needs("vlan")?;
    let mut socket = socket();
    let parent = parent(&mut socket);
    let entries: Vec<_> = (0..6000).map(|from| egress(from, 1 + u8::try_from(from % 7).unwrap())).collect();
    let expected: Vec<_> = entries.iter().map(|entry| (entry.from(), entry.to())).collect();
    let (at_create, later) = entries.split_at(5000);
    let index = socket.create(&NewLink::vlan(parent, vid(5)).name(name("x")).egress_qos(at_create)).unwrap();
    assert_eq!(egress_map(&mut socket, index), expected[..5000]);
    socket.change(&LinkChange::vlan(index).egress_qos(&later[..400])).unwrap();
    assert_eq!(egress_map(&mut socket, index), expected[..5400]);
    socket.change(&LinkChange::vlan(index).egress_qos(&later[400..])).unwrap();
    let error = socket.link_at(index).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unexpected), "{error}");
    let none: Vec<_> = entries.iter().map(|entry| egress(entry.from(), 0)).collect();
    for removed in none.chunks(5000) {
        socket.change(&LinkChange::vlan(index).egress_qos(removed)).unwrap();
    }
    assert_eq!(egress_map(&mut socket, index), []);
    Ok(())
}

#[kernel_test]
pub fn ingress_entries_are_added_replaced_and_removed() -> Result<(), Skip> {
    needs("vlan")?;
    let mut socket = socket();
    let parent = parent(&mut socket);
    let out = [egress(1, 1)];
    let index = socket.create(&NewLink::vlan(parent, vid(5)).egress_qos(&out)).unwrap();
    let steps: [Step<'_, IngressQos>; 7] = [
        ("added", &[ingress(1, 3), ingress(7, 100)], &[(1, 3), (7, 100)]),
        ("one more", &[ingress(0, 6)], &[(0, 6), (1, 3), (7, 100)]),
        ("replaced", &[ingress(1, 4)], &[(0, 6), (1, 4), (7, 100)]),
        ("removed", &[ingress(1, 0)], &[(0, 6), (7, 100)]),
        ("an absent one removed", &[ingress(5, 0)], &[(0, 6), (7, 100)]),
        ("no entries", &[], &[(0, 6), (7, 100)]),
        ("two removed and one added", &[ingress(0, 0), ingress(6, 2), ingress(7, 0)], &[(6, 2)]),
    ];
    for (what, entries, expected) in steps {
        socket.change(&LinkChange::vlan(index).ingress_qos(entries)).unwrap();
        assert_eq!(ingress_map(&mut socket, index), expected, "{what}");
        assert_eq!(egress_map(&mut socket, index), [(1, 1)], "{what}: the other direction");
    }
    Ok(())
}
