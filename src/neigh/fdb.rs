//! Forwarding entries: the MAC addresses that a link lets in besides its own, for the links that stand on it.

use super::request::put;
use super::{
    AF_BRIDGE, NdMsg, NeighbourFlags, NeighbourState, NeighbourView, RTM_DELNEIGH, RTM_GETNEIGH, RTM_NEWNEIGH,
};
use crate::value::{EtherAddr, IfIndex};
use crate::wire::{Attributes, Command, Get, Message, NoRoom, Request, Sealed};
use netlink_packet_core::{NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL};

/// An address for a link to let in (RTM_NEWNEIGH, AF_BRIDGE, `NTF_SELF`), as `bridge fdb add ADDRESS dev LINK self` does. The
/// kernel answers EEXIST if the address is there already, and EINVAL if the link is not Ethernet.
///
/// A macvlan in passthru mode takes any address. With [`NOPROMISC`](crate::link::MacvlanFlags::NOPROMISC) it needs an entry for
/// each MAC address but its own. In other modes a macvlan takes group addresses only, and refuses the address of one station
/// (EOPNOTSUPP).
///
/// The macvlan's parent gets the address too, as long as the macvlan is up. Since Linux 7.2 a worker of the kernel's sees to that
/// a moment later; a change of the macvlan that changes nothing, such as [`up`](crate::LinkChange::up), awaits it. A move to another namespace takes the address away:
/// add it after the move.
///
/// ```
/// use sublink::neigh::NewForwarding;
/// use sublink::{IfIndex, MacAddr};
/// let (mv0, second): (_, MacAddr) = (IfIndex::new(7)?, "02:00:00:00:00:55".parse()?);
/// let let_in = NewForwarding::new(mv0, second.into());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewForwarding {
    index: IfIndex,
    addr: EtherAddr,
}

impl NewForwarding {
    /// The address `addr`, for the link `index`.
    #[must_use]
    pub const fn new(index: IfIndex, addr: EtherAddr) -> Self {
        Self { index, addr }
    }
}

impl Sealed for NewForwarding {}
impl Command for NewForwarding {}

impl Request for NewForwarding {
    fn encode(&self, seq: u32, buf: &mut [u8]) -> Result<usize, NoRoom> {
        let Self { index, addr } = *self;
        let head = head(index, NeighbourState::Permanent, NeighbourFlags::SELF);
        let flags = NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
        put(RTM_NEWNEIGH, flags, head, seq, buf, |out| out.one(NeighbourView::NDA_LLADDR, &addr))
    }
}

/// An address that a link is to let in no longer (RTM_DELNEIGH, AF_BRIDGE, `NTF_SELF`). The kernel answers ENOENT if the link
/// has no such entry.
///
/// ```
/// use sublink::IfIndex;
/// use sublink::neigh::DeleteForwarding;
/// let delete = DeleteForwarding::new(IfIndex::new(7)?, "02:00:00:00:00:55".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeleteForwarding {
    index: IfIndex,
    addr: EtherAddr,
}

impl DeleteForwarding {
    /// The address `addr`, of the link `index`.
    #[must_use]
    pub const fn new(index: IfIndex, addr: EtherAddr) -> Self {
        Self { index, addr }
    }
}

impl Sealed for DeleteForwarding {}
impl Command for DeleteForwarding {}

impl Request for DeleteForwarding {
    fn encode(&self, seq: u32, buf: &mut [u8]) -> Result<usize, NoRoom> {
        let Self { index, addr } = *self;
        let head = head(index, NeighbourState::Permanent, NeighbourFlags::SELF); // other states are refused by most drivers
        put(RTM_DELNEIGH, NLM_F_ACK, head, seq, buf, |out| out.one(NeighbourView::NDA_LLADDR, &addr))
    }
}

/// Lists a link's own forwarding entries (RTM_GETNEIGH, AF_BRIDGE, NLM_F_DUMP), without those of a bridge that it is a port of.
///
/// The kernel filters by the link since Linux 4.20. A list that does not fit a datagram (about 90 entries) may lack entries
/// when it changes while it is read, and does not say so: [`Socket::macs_on`](crate::Socket::macs_on) says how sure it is.
/// The list of an index that no link has is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListForwarding {
    pub(crate) index: IfIndex,
}

impl ListForwarding {
    /// Those of the link `index`.
    #[must_use]
    pub const fn new(index: IfIndex) -> Self {
        Self { index }
    }
}

impl Sealed for ListForwarding {}

impl Request for ListForwarding {
    fn encode(&self, seq: u32, buf: &mut [u8]) -> Result<usize, NoRoom> {
        let head = head(self.index, NeighbourState::None, NeighbourFlags::NONE);
        put(RTM_GETNEIGH, NLM_F_DUMP, head, seq, buf, |out| Ok(out))
    }
}

const fn head(index: IfIndex, state: NeighbourState, flags: NeighbourFlags) -> NdMsg {
    NdMsg { family: AF_BRIDGE, index: Some(index), state, flags }
}

/// A forwarding entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ForwardingEntry {
    /// The link that has it.
    pub index: IfIndex,
    /// The address. `None` if it is not an Ethernet address.
    pub addr: Option<EtherAddr>,
    /// [`Permanent`](NeighbourState::Permanent) for entries that programs and links have made.
    pub state: NeighbourState,
    /// [`SELF`](NeighbourFlags::SELF) for the link's own entries, [`MASTER`](NeighbourFlags::MASTER) for those of its bridge.
    pub flags: NeighbourFlags,
}

impl ForwardingEntry {
    /// Reads a message about a forwarding entry (RTM_NEWNEIGH, or RTM_DELNEIGH of an event). `None` if it is another message,
    /// too short, or names no link.
    pub fn of(message: Message<'_>) -> Option<Self> {
        let (head, attributes) = NdMsg::split(&message).filter(|(head, _)| head.family == AF_BRIDGE)?;
        let NdMsg { family: _, index, state, flags } = head;
        let addr = Attributes::new(attributes).find(|attribute| attribute.number == NeighbourView::NDA_LLADDR);
        let addr = addr.filter(|addr| addr.value.len() == 6).and_then(|addr| EtherAddr::get(addr.value));
        Some(Self { index: index?, addr, state, flags })
    }

    /// Whether it is the link's own, and no bridge's.
    pub const fn is_own(&self) -> bool {
        self.flags.contains(NeighbourFlags::SELF)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Messages, encoded};

    const INDEX: IfIndex = IfIndex(5);

    #[test]
    #[rustfmt::skip]
    fn an_entry_is_added_and_deleted_by_its_address() {
        let addr = EtherAddr::new([1, 0, 0x5e, 0, 0, 7]).unwrap();
        assert_eq!(encoded(&NewForwarding::new(INDEX, addr)), [
            40, 0, 0, 0,  28, 0, 5, 6,  7, 0, 0, 0,  0, 0, 0, 0,   // RTM_NEWNEIGH, REQUEST ACK EXCL CREATE
            7, 0, 0, 0,  5, 0, 0, 0,  0x80, 0, 2, 0,               // AF_BRIDGE, index 5, permanent, NTF_SELF
            10, 0, 2, 0,  1, 0, 0x5e, 0, 0, 7,  0, 0,              // NDA_LLADDR
        ]);
        assert_eq!(encoded(&DeleteForwarding::new(INDEX, addr)), [
            40, 0, 0, 0,  29, 0, 5, 0,  7, 0, 0, 0,  0, 0, 0, 0,   // RTM_DELNEIGH, REQUEST ACK
            7, 0, 0, 0,  5, 0, 0, 0,  0x80, 0, 2, 0,
            10, 0, 2, 0,  1, 0, 0x5e, 0, 0, 7,  0, 0,
        ]);
    }

    #[test]
    #[rustfmt::skip]
    fn a_link_is_asked_for_by_its_index() {
        assert_eq!(encoded(&ListForwarding::new(INDEX)), [
            28, 0, 0, 0,  30, 0, 1, 3,  7, 0, 0, 0,  0, 0, 0, 0,   // nlmsghdr: RTM_GETNEIGH, REQUEST | DUMP
            7, 0, 0, 0,  5, 0, 0, 0,  0, 0, 0, 0,                  // ndmsg: AF_BRIDGE, index 5
        ]);
    }

    #[test]
    #[rustfmt::skip]
    fn an_entry_is_read_with_its_link_and_address() {
        let mut bytes = [
            40, 0, 0, 0,  28, 0, 2, 0,  7, 0, 0, 0,  0, 0, 0, 0,   // nlmsghdr: RTM_NEWNEIGH, MULTI
            7, 0, 0, 0,  5, 0, 0, 0,  128, 0, 2, 0,                // ndmsg: AF_BRIDGE, index 5, permanent, NTF_SELF
            10, 0, 2, 0,  1, 128, 194, 0, 0, 33,  0, 0,            // NDA_LLADDR = 01:80:c2:00:00:21
        ];
        let read = |bytes: &[u8]| Messages::new(bytes).next().unwrap().ok().and_then(ForwardingEntry::of);
        let entry = read(&bytes).unwrap();
        assert!(entry.index == INDEX && entry.is_own() && entry.state == NeighbourState::Permanent);
        assert_eq!(entry.addr, EtherAddr::new([1, 0x80, 0xc2, 0, 0, 0x21]).ok());
        bytes[26] = 4; // NTF_MASTER
        assert!(!read(&bytes).unwrap().is_own());
        let vlan_before = [&bytes[..28], &[6, 0, 5, 0, 50, 0, 0, 0], &bytes[28..]].concat();
        let vlan_before = [&[48][..], &vlan_before[1..]].concat(); // NDA_VLAN = 50, as a bridge reports it
        assert_eq!(read(&vlan_before).unwrap().addr, EtherAddr::new([1, 0x80, 0xc2, 0, 0, 0x21]).ok());
        bytes[28] = 11; // seven bytes
        assert_eq!(read(&bytes).unwrap().addr, None);
        bytes[16] = 2; // AF_INET: a neighbour
        assert!(read(&bytes).is_none());
    }
}
