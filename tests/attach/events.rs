//! The kernel's events about IPv6 addresses.

use netlink_sys::protocols::NETLINK_ROUTE;
use std::io::ErrorKind;

/// `RTNLGRP_IPV6_IFADDR`
const IPV6_ADDRESSES: u32 = 9;

/// Hears of each IPv6 address that is given to a link, or taken from it.
pub struct Addresses(netlink_sys::Socket);

impl Addresses {
    /// In the calling thread's namespace.
    pub fn open() -> Self {
        let mut events = netlink_sys::Socket::new(NETLINK_ROUTE).expect("a socket");
        events.bind_auto().expect("an address");
        events.add_membership(IPV6_ADDRESSES).expect("events");
        events.set_non_blocking(true).expect("no waiting");
        Self(events)
    }

    /// How many there were until now.
    pub fn count(&self) -> usize {
        for count in 0.. {
            match self.0.recv_from_full() {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return count,
                Err(error) => panic!("an event was lost: {error}"),
            }
        }
        unreachable!("it counts on")
    }
}
