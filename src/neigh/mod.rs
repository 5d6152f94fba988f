//! Neighbours: which MAC address is behind an IP address, and which MAC addresses a link lets in.
//!
//! ```text
//! RTM_NEWNEIGH | ndmsg: AF_INET,   index, state, flags | NDA_DST = 10.0.50.1 | NDA_LLADDR = 02:00:00:00:00:01 …
//! RTM_NEWNEIGH | ndmsg: AF_BRIDGE, index, state, flags = NTF_SELF            | NDA_LLADDR = 01:80:c2:00:00:21 …
//! ```
//!
//! Two tables share a message. A **neighbour** is an entry of the ARP or NDP table: [`NewNeighbour`], what `ip neigh` shows. A
//! **forwarding entry** is an address in a link's own list, which it lets in besides its own: [`NewForwarding`], what
//! `bridge fdb show dev eth0` prints with the word `self`. Macvlans that are up stand in their parent's list, in whatever
//! namespace they are: [`MacsOn`].
//!
//! A link that goes down, or moves to another namespace, loses both. Sources: `net/core/neighbour.c`, `net/core/rtnetlink.c`
//! (`rtnl_fdb_add`, `rtnl_fdb_dump`), `drivers/net/macvlan.c` (`macvlan_fdb_add`), `include/uapi/linux/neighbour.h`,
//! `man 8 ip-neighbour`, `man 8 bridge`.

mod fdb;
mod request;
mod standing;

pub use fdb::{DeleteForwarding, ForwardingEntry, ListForwarding, NewForwarding};
pub use request::{AskNeighbour, DeleteNeighbour, GetNeighbour, ListNeighbours, NewNeighbour, NewProxy};
pub use standing::{Certainty, MacsOn};

use crate::value::{IfIndex, LinkAddress, MacAddr, RouteProtocol, flags, numbers};
use crate::wire::{Body, Get, Message, fixed, table};
use std::net::IpAddr;

pub(crate) const RTM_NEWNEIGH: u16 = 28;
pub(crate) const RTM_DELNEIGH: u16 = 29;
pub(crate) const RTM_GETNEIGH: u16 = 30;

/// Bytes of `struct ndmsg`.
const NDMSG: usize = 12;

/// `AF_BRIDGE` of `include/linux/socket.h`.
const AF_BRIDGE: u8 = 7;

/// Asks for the entries of one link; only asked, so no table has it.
const NDA_IFINDEX: u16 = 8;

/// A message about a neighbour: `struct ndmsg`, then the attributes of [`NeighbourView`].
pub(crate) const BODY: Body = Body { header: NDMSG, rows: NeighbourView::ROWS };

numbers! {
    /// What the kernel knows of a neighbour (`NUD_…`).
    NeighbourState: u16, "state" {
        /// Nothing yet.
        0x00 None "none",
        /// It is being asked for.
        0x01 Incomplete "incomplete",
        /// It answered lately.
        0x02 Reachable "reachable",
        /// It is used, and asked for again when it is.
        0x04 Stale "stale",
        /// It is used, and about to be asked for again.
        0x08 Delay "delay",
        /// It is being asked for again.
        0x10 Probe "probe",
        /// It did not answer.
        0x20 Failed "failed",
        /// It is never asked for: a multicast address, or one that somebody gave.
        0x40 Noarp "noarp",
        /// It is never asked for and never forgotten.
        0x80 Permanent "permanent",
        Other "{}"
    }
}

flags! {
    /// A neighbour's flags (`NTF_…`).
    NeighbourFlags: u8 {
        /// The kernel is to ask for it at once. Only requests have it.
        0x01 "NTF_USE" USE "use",
        /// A forwarding entry of the link's own.
        0x02 "NTF_SELF" SELF "self",
        /// A forwarding entry of the bridge that the link is a port of.
        0x04 "NTF_MASTER" MASTER "master",
        /// This host answers for the address.
        0x08 "NTF_PROXY" PROXY "proxy",
        /// A program such as a routing daemon has learnt it. The kernel does not drop it when the table is full.
        0x10 "NTF_EXT_LEARNED" EXTERN_LEARN "extern_learn",
        /// The hardware has it too.
        0x20 "NTF_OFFLOADED" OFFLOADED "offload",
        /// A forwarding entry of a bridge that stays at its port.
        0x40 "NTF_STICKY" STICKY "sticky",
        /// It is a router (IPv6).
        0x80 "NTF_ROUTER" ROUTER "router",
    }
}

/// How long ago something happened to a neighbour, in hundredths of a second (`struct nda_cacheinfo`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "the fields of `struct nda_cacheinfo`")]
pub struct NeighbourAges {
    /// Since it was last known to be reachable.
    pub confirmed: u32,
    /// Since something was last sent to it.
    pub used: u32,
    /// Since its address or state last changed.
    pub updated: u32,
    /// How many parts of the kernel hold it.
    pub references: u32,
}

impl Get<'_> for NeighbourAges {
    fn get(value: &[u8]) -> Option<Self> {
        let [c0, c1, c2, c3, u0, u1, u2, u3, d0, d1, d2, d3, r0, r1, r2, r3] = *value.first_chunk::<16>()?;
        Some(Self {
            confirmed: u32::from_ne_bytes([c0, c1, c2, c3]),
            used: u32::from_ne_bytes([u0, u1, u2, u3]),
            updated: u32::from_ne_bytes([d0, d1, d2, d3]),
            references: u32::from_ne_bytes([r0, r1, r2, r3]),
        })
    }
}

/// The header that stands before a neighbour's attributes (`struct ndmsg`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NdMsg {
    family: u8,
    index: Option<IfIndex>,
    state: NeighbourState,
    flags: NeighbourFlags,
}

impl NdMsg {
    const fn bytes(self) -> [u8; NDMSG] {
        let Self { family, index, state, flags } = self;
        let ([a, b, c, d], [s, t]) = (IfIndex::or_zero(index).to_ne_bytes(), state.number().to_ne_bytes());
        [family, 0, 0, 0, a, b, c, d, s, t, flags.bits(), 0]
    }

    /// The header and the attributes of a message about a neighbour, of whatever family.
    fn split<'a>(message: &Message<'a>) -> Option<(Self, &'a [u8])> {
        let is_one = matches!(message.header.ty, RTM_NEWNEIGH | RTM_DELNEIGH | RTM_GETNEIGH);
        let (header, attributes) = message.payload.split_first_chunk::<NDMSG>().filter(|_| is_one)?;
        let [family, _, _, _, a, b, c, d, s, t, flags, _] = *header;
        let index = IfIndex::new(u32::from_ne_bytes([a, b, c, d])).ok();
        let state = u16::from_ne_bytes([s, t]).into();
        Some((Self { family, index, state, flags: flags.into() }, attributes))
    }
}

fixed! {
    RouteProtocol: 1 + 3, RouteProtocol(0), |v: RouteProtocol| [v.0], |b| RouteProtocol(u8::from_ne_bytes(b));
}

table! {
    /// What a neighbour can be given besides its link, state and flags.
    #[doc(hidden)]
    attrs of NewNeighbour create NeighbourAttrs,
    /// A neighbour as the kernel reports it, borrowed from the bytes it came in.
    view NeighbourView<'a>(NdMsg),
    /// A neighbour as the kernel reported it, owned.
    info NeighbourInfo {
        /// The link that it is on.
        index: Option<IfIndex> = |neighbour| neighbour.index(),
        /// What the kernel knows of it.
        state: NeighbourState = |neighbour| neighbour.state(),
        /// Its flags.
        flags: NeighbourFlags = |neighbour| neighbour.flags(),
    }
    create {
        /// Its IP address.
        1 NDA_DST pub(crate) addr: IpAddr,
        /// Its MAC address. `None` while it is asked for, for a [proxy](NeighbourFlags::PROXY), and on links without MAC
        /// addresses.
        2 NDA_LLADDR pub(crate) mac: MacAddr => LinkAddress<'a> => Option<MacAddr> = LinkAddress::default(),
        /// Who made it (since Linux 5.0).
        12 NDA_PROTOCOL pub protocol: RouteProtocol,
    }
    reply {
        /// How long ago something happened to it.
        3 NDA_CACHEINFO pub ages: NeighbourAges,
        /// How often it was asked for without an answer.
        4 NDA_PROBES pub probes: u32,
        /// More flags (since Linux 5.16): the bit 1 is for one that the kernel keeps resolved by itself (`NTF_EXT_MANAGED`).
        15 NDA_FLAGS_EXT pub ext_flags: u32,
    }
}

impl<'a> NeighbourView<'a> {
    /// Reads a message about a neighbour (RTM_NEWNEIGH, or RTM_DELNEIGH of an event). `None` if it is another message, too
    /// short, or about a [forwarding entry](ForwardingEntry).
    pub fn of(message: Message<'a>) -> Option<Self> {
        let (head, attributes) = NdMsg::split(&message).filter(|(head, _)| head.family != AF_BRIDGE)?;
        Some(Self::new(head, attributes))
    }

    /// The link that it is on. `None` for an entry for all links, which a proxy may be.
    pub fn index(&self) -> Option<IfIndex> {
        self.head.index
    }

    /// What the kernel knows of it.
    pub fn state(&self) -> NeighbourState {
        self.head.state
    }

    /// Its flags.
    pub fn flags(&self) -> NeighbourFlags {
        self.head.flags
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Messages;

    #[test]
    fn a_neighbour_is_read() {
        #[rustfmt::skip]
        let mut bytes = [
            80, 0, 0, 0,  28, 0, 2, 0,  7, 0, 0, 0,  0, 0, 0, 0,        // nlmsghdr: RTM_NEWNEIGH, MULTI
            2, 0, 0, 0,  5, 0, 0, 0,  4, 0, 0x90, 1,                    // ndmsg: AF_INET, index 5, stale, extern_learn router
            8, 0, 1, 0,  10, 0, 0, 7,                                   // NDA_DST
            10, 0, 2, 0,  2, 0, 0, 0, 0, 7,  0, 0,                      // NDA_LLADDR
            8, 0, 4, 0,  3, 0, 0, 0,                                    // NDA_PROBES
            20, 0, 3, 0,  1, 0, 0, 0,  2, 0, 0, 0,  3, 0, 0, 0,  4, 0, 0, 0, // NDA_CACHEINFO
            4, 0, 12, 0,                                                // NDA_PROTOCOL, too short
        ];
        let read = |bytes: &[u8]| {
            let message = Messages::new(bytes).next().unwrap().unwrap();
            NeighbourView::of(message).map(|neighbour| neighbour.to_owned())
        };
        let neighbour = read(&bytes).unwrap();
        assert_eq!((neighbour.index, neighbour.state), (Some(IfIndex(5)), NeighbourState::Stale));
        assert_eq!(neighbour.flags, NeighbourFlags::EXTERN_LEARN | NeighbourFlags::ROUTER);
        let mac = MacAddr::new([2, 0, 0, 0, 0, 7]).ok();
        assert_eq!((neighbour.addr, neighbour.mac), (Some("10.0.0.7".parse().unwrap()), mac));
        assert_eq!((neighbour.probes, neighbour.protocol), (Some(3), None));
        assert_eq!(neighbour.ages, Some(NeighbourAges { confirmed: 1, used: 2, updated: 3, references: 4 }));
        bytes[16] = AF_BRIDGE;
        assert_eq!(read(&bytes), None);
        bytes[16] = 2;
        bytes[4] = 29; // RTM_DELNEIGH
        assert!(read(&bytes).is_some());
        bytes[4] = 24; // RTM_NEWROUTE
        assert_eq!(read(&bytes), None);
    }
}
