//! Who stands on a parent, seen from its own namespace.

use crate::common::{Skip, mac, name, needs, parent, socket, vid};
use sublink::neigh::{Certainty, ListForwarding, MacsOn, NewForwarding};
use sublink::{IfIndex, LinkChange, MacAddr, MacvlanMode, Netns, NewLink, Sandbox, Socket};
use sublink_tests::kernel_test;

fn on(socket: &mut Socket, parent: IfIndex) -> MacsOn {
    socket.macs_on(parent, &[]).expect("a list")
}

/// A macvlan with this number in its MAC address.
fn macvlan(socket: &mut Socket, parent: IfIndex, mode: MacvlanMode, last: u8) -> IfIndex {
    let link = NewLink::macvlan(parent).mode(mode).name(name(&format!("mv{last}"))).mac(mac(last));
    socket.create(&link.up()).expect("a macvlan")
}

#[kernel_test]
fn who_is_up_is_there_wherever_it_is() -> Result<(), Skip> {
    let (mut socket, pod) = (socket(), Netns::create().unwrap());
    let p0 = parent(&mut socket);
    assert_eq!((on(&mut socket, p0).known, on(&mut socket, p0).others), (vec![], vec![]));
    for (mode, last) in
        [(MacvlanMode::Private, 1), (MacvlanMode::Vepa, 2), (MacvlanMode::Bridge, 3), (MacvlanMode::Source, 4)]
    {
        macvlan(&mut socket, p0, mode, last);
    }
    let there = NewLink::macvlan(p0).mode(MacvlanMode::Bridge).name(name("eth0")).mac(mac(5)).netns(&pod);
    socket.create(&there).unwrap();
    assert_eq!(on(&mut socket, p0).others, [1, 2, 3, 4].map(mac), "one is down");
    let mut inside = Socket::open_in(&pod).unwrap();
    let eth0 = inside.index_of("eth0").unwrap();
    inside.change(&LinkChange::new(eth0).up()).unwrap();

    let found = socket.macs_on(p0, &[mac(2), mac(5), mac(9)]).unwrap();
    assert_eq!((&found.known[..], &found.others[..]), (&[mac(2), mac(5)][..], &[1, 3, 4].map(mac)[..]));
    assert!(found.groups.iter().all(|group| group.is_multicast()) && !found.groups.is_empty());
    assert_eq!(found.certainty, Certainty::OneDatagram);
    assert!(found.has(mac(2)) && found.has(mac(1)) && !found.has(mac(9)));

    inside.change(&LinkChange::new(eth0).mac(mac(6))).unwrap();
    assert!(on(&mut socket, p0).has(mac(6)) && !on(&mut socket, p0).has(mac(5)), "its new address");
    inside.change(&LinkChange::new(eth0).down()).unwrap();
    assert!(!on(&mut socket, p0).has(mac(6)));
    Ok(())
}

/// What stands on a child stands on the parent; what is added by hand, and what nobody sees.
#[kernel_test]
fn grandchildren_and_entries_by_hand_are_there() -> Result<(), Skip> {
    let mut socket = socket();
    let p0 = parent(&mut socket);
    let child = macvlan(&mut socket, p0, MacvlanMode::Bridge, 1);
    macvlan(&mut socket, child, MacvlanMode::Bridge, 2);
    socket.apply(&NewForwarding::new(p0, mac(3).into())).unwrap();
    assert_eq!(on(&mut socket, p0).others, [1, 2, 3].map(mac));
    Ok(())
}

#[kernel_test]
fn a_passthru_child_is_not_there() -> Result<(), Skip> {
    let mut socket = socket();
    let p0 = parent(&mut socket);
    let link = NewLink::macvlan(p0).mode(MacvlanMode::Passthru).name(name("mv0"));
    let mv0 = socket.create(&link.up()).unwrap();
    assert_eq!(on(&mut socket, p0).others, []);
    socket.change(&LinkChange::new(mv0).mac(mac(7))).unwrap();
    assert_eq!(on(&mut socket, p0).others, [], "its address is the parent's own");
    Ok(())
}

#[kernel_test]
fn vlans_with_addresses_of_their_own_and_what_stands_on_them_are_there() -> Result<(), Skip> {
    needs("vlan")?;
    let mut socket = socket();
    let p0 = parent(&mut socket);
    let vlan = |id: u16| NewLink::vlan(p0, vid(id)).name(name(&format!("v{id}")));
    let plain = socket.create(&vlan(50).up()).unwrap();
    socket.create(&vlan(51).mac(mac(1)).up()).unwrap();
    macvlan(&mut socket, plain, MacvlanMode::Bridge, 2);
    socket.change(&LinkChange::new(plain).up()).unwrap(); // since Linux 7.2, passes the address on before it is acknowledged
    assert_eq!(on(&mut socket, p0).others, [1, 2].map(mac));
    assert_eq!(on(&mut socket, plain).others, [mac(2)]);
    Ok(())
}

#[kernel_test]
fn an_ipvlan_is_not_there() -> Result<(), Skip> {
    needs("ipvlan")?;
    let mut socket = socket();
    let p0 = parent(&mut socket);
    socket.create(&NewLink::ipvlan(p0).name(name("iv0")).up()).unwrap();
    assert_eq!(on(&mut socket, p0).others, []);
    Ok(())
}

/// Links are made without IPv6 from now on: it joins groups, which come to the parent's list a moment later.
fn without_groups() {
    Sandbox::here().unwrap().set_sysctl("ipv6/conf/default/disable_ipv6", "1").unwrap();
}

/// More than a datagram, and steady: two reads agree.
#[kernel_test]
fn a_long_list_is_read_until_it_agrees() -> Result<(), Skip> {
    let mut socket = socket();
    without_groups();
    let p0 = parent(&mut socket);
    let macs: Vec<MacAddr> = (0..150).map(mac).collect();
    for (number, mac) in macs.iter().enumerate() {
        let link = NewLink::macvlan(p0).mode(MacvlanMode::Bridge).name(name(&format!("mv{number}"))).mac(*mac);
        socket.create(&link.up()).unwrap();
    }
    let found = socket.macs_on(p0, &macs[..100]).unwrap();
    assert_eq!((&found.known[..], &found.others[..]), (&macs[..100], &macs[100..]));
    assert_eq!(found.certainty, Certainty::ReadsAgree);
    assert!(found.certainty.is_whole() && !Certainty::Unsteady.is_whole());
    Ok(())
}

/// For an index that no link has, the kernel's list is empty, as if nothing stood there.
#[kernel_test]
fn a_parent_that_is_gone_is_said() -> Result<(), Skip> {
    let (mut socket, elsewhere) = (socket(), Netns::create().unwrap());
    let p0 = parent(&mut socket);
    macvlan(&mut socket, p0, MacvlanMode::Bridge, 1);
    assert!(on(&mut socket, p0).has(mac(1)));
    socket.change(&LinkChange::move_to(p0, &elsewhere)).unwrap();
    assert_eq!(socket.snapshot(&ListForwarding::new(p0)).unwrap(), []);
    let error = socket.macs_on(p0, &[mac(1)]).unwrap_err();
    assert!(error.is_no_device(), "{error}");
    Ok(())
}

#[kernel_test]
fn a_parent_that_lets_in_nobody_is_there() -> Result<(), Skip> {
    let mut socket = socket();
    let p0 = parent(&mut socket);
    socket.change(&LinkChange::new(p0).down()).unwrap();
    let found = on(&mut socket, p0);
    assert_eq!((found.known, found.others, found.certainty), (vec![], vec![], Certainty::OneDatagram));
    Ok(())
}
