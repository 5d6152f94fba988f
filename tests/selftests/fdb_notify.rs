//! `net/fdb_notify.sh`: an entry of a macvlan's forwarding table is told of once when it is made, and once when it is deleted.

use crate::common::{Skip, kernel, mac, name, parent, socket};
use crate::tools::run;
use netlink_sys::protocols::NETLINK_ROUTE;
use nix::sys::socket::{setsockopt, sockopt::ReceiveTimeout};
use nix::sys::time::{TimeVal, TimeValLike};
use std::io;
use std::os::fd::AsFd;
use sublink::neigh::{DeleteForwarding, ForwardingEntry, NewForwarding};
use sublink::wire::Messages;
use sublink::{IfIndex, LinkChange, MacAddr, MacvlanMode, NewLink, Socket};
use sublink_tests::kernel_test;

/// The multicast group of events about neighbours and forwarding entries.
const RTNLGRP_NEIGH: u32 = 3;

/// How often an event of `watched` comes before the first of `marker`.
fn count(events: &netlink_sys::Socket, link: IfIndex, watched: MacAddr, marker: MacAddr) -> usize {
    let mut found = 0;
    loop {
        let bytes = match events.recv_from_full() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue, // by a signal
            received => received.expect("an event").0,
        };
        let entries = Messages::new(&bytes).map_while(Result::ok).filter_map(ForwardingEntry::of);
        for entry in entries.filter(|entry| entry.index == link) {
            if entry.addr == Some(marker.into()) {
                return found;
            }
            found += usize::from(entry.addr == Some(watched.into()));
        }
    }
}

fn told_once(socket: &mut Socket, link: IfIndex) {
    let mut events = netlink_sys::Socket::new(NETLINK_ROUTE).unwrap();
    events.bind_auto().unwrap();
    events.add_membership(RTNLGRP_NEIGH).unwrap();
    setsockopt(&events.as_fd(), ReceiveTimeout, &TimeVal::seconds(120)).unwrap();
    let watched = MacAddr::new([0, 0x11, 0x22, 0x33, 0x44, 0x55]).unwrap();
    // Kernels before 6.13 told of it twice.
    let is_right = |told| told == 1 || (told == 2 && kernel() < (6, 13));
    socket.apply(&NewForwarding::new(link, watched.into())).unwrap();
    socket.apply(&NewForwarding::new(link, mac(1).into())).unwrap();
    let told = count(&events, link, watched, mac(1));
    assert!(is_right(told), "told {told} times that it was made");
    socket.apply(&DeleteForwarding::new(link, watched.into())).unwrap();
    socket.apply(&DeleteForwarding::new(link, mac(1).into())).unwrap();
    let told = count(&events, link, watched, mac(1));
    assert!(is_right(told), "told {told} times that it was deleted");
}

fn passthru(socket: &mut Socket) -> IfIndex {
    let parent = parent(socket);
    socket.create(&NewLink::macvlan(parent).mode(MacvlanMode::Passthru).name(name("mv")).up()).unwrap()
}

#[kernel_test]
fn an_entry_of_a_macvlan() -> Result<(), Skip> {
    let mut socket = socket();
    let link = passthru(&mut socket);
    told_once(&mut socket, link);
    Ok(())
}

#[kernel_test]
fn an_entry_of_a_macvlan_that_is_a_port() -> Result<(), Skip> {
    let mut socket = socket();
    run("ip link add name br0 up type bridge");
    let link = passthru(&mut socket);
    let bridge = socket.index_of("br0").unwrap();
    socket.change(&LinkChange::new(link).master(bridge)).unwrap();
    told_once(&mut socket, link);
    Ok(())
}
