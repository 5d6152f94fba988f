//! The table in which a station keeps the MAC addresses of others.

use crate::waits::uninterrupted;
use netlink_packet_core::{NLM_F_ACK, NLM_F_CREATE, NLM_F_REPLACE, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage};
use netlink_packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourHeader, NeighbourMessage, NeighbourState,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_sys::protocols::NETLINK_ROUTE;
use std::net::IpAddr;
use sublink::{IfIndex, MacAddr};

/// A link's part of the table.
#[derive(Debug)]
pub struct Neighbours {
    socket: netlink_sys::Socket,
    link: IfIndex,
}

impl Neighbours {
    /// Of a link in the calling thread's namespace.
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

    /// Strikes an address out. Packets that wait for its MAC address are dropped.
    pub fn forget(&self, addr: IpAddr) {
        self.apply(RouteNetlinkMessage::DelNeighbour(self.message(addr)), 0);
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
        let mut message = NetlinkMessage::new(NetlinkHeader::default(), message.into());
        message.header.flags = NLM_F_REQUEST | NLM_F_ACK | flags;
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        self.socket.send(&bytes, 0).expect("a request");
        let (answer, _) = uninterrupted(|| self.socket.recv_from_full()).expect("an answer");
        assert_eq!(answer[16..20], [0; 4], "{words}");
    }
}
