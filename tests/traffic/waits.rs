//! Waiting for the kernel, by its events.

use crate::common::socket;
use netlink_sys::protocols::NETLINK_ROUTE;
use nix::sys::socket::{setsockopt, sockopt::ReceiveTimeout};
use nix::sys::time::{TimeVal, TimeValLike};
use std::io;
use std::net::IpAddr;
use std::os::fd::AsFd;
use sublink::link::OperState;
use sublink::route::{ListRoutes, Table};
use sublink::{IfIndex, Netns, Socket};

/// The multicast groups of events about links and about IPv6 routes.
const RTNLGRP_LINK: u32 = 1;
const RTNLGRP_IPV6_ROUTE: u32 = 11;

/// Calls again when a signal came in between: a socket with a time limit is not read on by itself.
pub fn uninterrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Looks at every event of this group in the namespace.
fn until(netns: &Netns, group: u32, what: &str, is_so: impl Fn(&mut Socket) -> bool + Send) {
    let wait = move || {
        let mut events = netlink_sys::Socket::new(NETLINK_ROUTE).expect("a socket");
        events.bind_auto().expect("an address");
        events.add_membership(group).expect("events");
        setsockopt(&events.as_fd(), ReceiveTimeout, &TimeVal::seconds(120)).expect("a time limit");
        let mut socket = socket();
        while !is_so(&mut socket) {
            let event = uninterrupted(|| events.recv_from_full());
            event.unwrap_or_else(|error| panic!("no event while waiting for {what}: {error}"));
        }
    };
    netns.run(wait).expect("its thread");
}

/// Waits until a link carries packets: until then, the kernel drops what is to be sent.
pub fn until_link_works(netns: &Netns, index: IfIndex) {
    until(netns, RTNLGRP_LINK, "a link to work", |socket| {
        socket.link_at(index).expect("the link").oper_state() == OperState::Up
    });
}

/// Waits until packets to this IPv6 address are taken. Even without duplicate address detection, that is a moment after the
/// address was given: when a worker of the kernel's has made the local route.
pub fn until_usable(netns: &Netns, addr: IpAddr) {
    until(netns, RTNLGRP_IPV6_ROUTE, "a local route", |socket| {
        let routes = socket.snapshot(&ListRoutes::v6().table(Table::LOCAL)).expect("the routes");
        routes.iter().any(|route| route.destination.is_some_and(|destination| destination.ip() == addr))
    });
}
