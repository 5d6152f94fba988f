//! The table in which a station keeps the MAC addresses of others.

use crate::waits::uninterrupted;
use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_REPLACE, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourHeader, NeighbourMessage, NeighbourState,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_sys::protocols::NETLINK_ROUTE;
use nix::sys::socket::{setsockopt, sockopt::ReceiveTimeout};
use nix::sys::time::{TimeVal, TimeValLike};
use std::net::IpAddr;
use std::os::fd::AsFd;
use sublink::{IfIndex, MacAddr};

/// A link's part of the table.
#[derive(Debug)]
pub struct Neighbours {
    socket: netlink_sys::Socket,
    link: IfIndex,
}

impl Neighbours {
    /// Neighbours of a link in the calling thread's namespace.
    pub fn open(link: IfIndex) -> Self {
        let mut socket = netlink_sys::Socket::new(NETLINK_ROUTE).expect("a socket");
        socket.bind_auto().expect("an address");
        Self { socket, link }
    }

    /// Writes down an address for good.
    pub fn pin(&self, addr: IpAddr, mac: MacAddr) {
        let mut message = self.message(addr);
        message.header.state = NeighbourState::Permanent;
        message.attributes.push(NeighbourAttribute::LinkLayerAddress(mac.bytes().into()));
        self.apply(RouteNetlinkMessage::NewNeighbour(message), NLM_F_CREATE | NLM_F_REPLACE);
    }

    /// The MAC address that an address is written down with.
    pub fn get(&self, addr: IpAddr) -> Option<MacAddr> {
        let answer = self.ask(RouteNetlinkMessage::GetNeighbour(self.message(addr)), 0);
        entry(&answer).map(|(_, mac)| mac)
    }

    /// Strikes an address out, if it still is there: the kernel forgets one that does not answer. Packets that wait for its MAC
    /// address are dropped.
    pub fn forget(&self, addr: IpAddr) {
        const ENOENT: [u8; 4] = (-2_i32).to_ne_bytes();
        let answer = self.ask(RouteNetlinkMessage::DelNeighbour(self.message(addr)), NLM_F_ACK);
        assert!(answer[16..20] == [0; 4] || answer[16..20] == ENOENT, "{addr}: {answer:?}");
    }

    fn message(&self, addr: IpAddr) -> NeighbourMessage {
        let (family, destination) = match addr {
            IpAddr::V4(v4) => (AddressFamily::Inet, NeighbourAddress::Inet(v4)),
            IpAddr::V6(v6) => (AddressFamily::Inet6, NeighbourAddress::Inet6(v6)),
        };
        let mut message = NeighbourMessage::default();
        message.header = NeighbourHeader { family, ifindex: self.link.get(), ..NeighbourHeader::default() };
        message.attributes.push(NeighbourAttribute::Destination(destination));
        message
    }

    fn apply(&self, message: RouteNetlinkMessage, flags: u16) {
        let words = format!("{message:?}");
        let answer = self.ask(message, NLM_F_ACK | flags);
        assert_eq!(answer[16..20], [0; 4], "{words}");
    }

    fn ask(&self, message: RouteNetlinkMessage, flags: u16) -> Vec<u8> {
        let mut message = NetlinkMessage::new(NetlinkHeader::default(), message.into());
        message.header.flags = NLM_F_REQUEST | flags;
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        self.socket.send(&bytes, 0).expect("a request");
        uninterrupted(|| self.socket.recv_from_full()).expect("an answer").0
    }
}

/// Hears of every MAC address that a namespace learns.
#[derive(Debug)]
pub struct Learned(netlink_sys::Socket);

impl Learned {
    /// In the calling thread's namespace.
    pub fn open() -> Self {
        const RTNLGRP_NEIGH: u32 = 3;
        let mut events = netlink_sys::Socket::new(NETLINK_ROUTE).expect("a socket");
        events.bind_auto().expect("an address");
        events.add_membership(RTNLGRP_NEIGH).expect("events");
        setsockopt(&events.as_fd(), ReceiveTimeout, &TimeVal::seconds(120)).expect("a time limit");
        Self(events)
    }

    /// Waits until this address is known to have this MAC address.
    #[track_caller]
    pub fn until(&self, addr: IpAddr, mac: MacAddr) {
        loop {
            let event = uninterrupted(|| self.0.recv_from_full());
            let (bytes, _) = event.unwrap_or_else(|error| panic!("{addr} is not learned to be at {mac}: {error}"));
            if entry(&bytes) == Some((addr, mac)) {
                return;
            }
        }
    }
}

/// The address and the MAC address of an entry.
fn entry(message: &[u8]) -> Option<(IpAddr, MacAddr)> {
    let message = NetlinkMessage::<RouteNetlinkMessage>::deserialize(message).ok()?;
    let NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewNeighbour(entry)) = message.payload else { return None };
    let addr = entry.attributes.iter().find_map(|attribute| match attribute {
        NeighbourAttribute::Destination(NeighbourAddress::Inet(v4)) => Some(IpAddr::V4(*v4)),
        NeighbourAttribute::Destination(NeighbourAddress::Inet6(v6)) => Some(IpAddr::V6(*v6)),
        _ => None,
    })?;
    let mac = entry.attributes.iter().find_map(|attribute| match attribute {
        NeighbourAttribute::LinkLayerAddress(mac) => MacAddr::new(mac.as_slice().try_into().ok()?).ok(),
        _ => None,
    })?;
    Some((addr, mac))
}
