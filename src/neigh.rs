//! Forwarding entries: the addresses that a link lets in besides its own, for the links that stand on it.
//!
//! ```text
//! RTM_GETNEIGH | ndmsg: AF_BRIDGE, index, flags = NTF_SELF | NDA_LLADDR = 01:80:c2:00:00:21 …
//! ```
//!
//! It is what `bridge fdb show dev eth0` prints. Sources: `net/core/rtnetlink.c` (`rtnl_fdb_dump`, `ndo_dflt_fdb_dump`),
//! `include/uapi/linux/neighbour.h`.

use crate::value::{IfIndex, MacAddr};
use crate::wire::{Attributes, Body, Inside, Message, NoRoom, Request, Row, Sealed, header, measured};
use netlink_packet_core::NLM_F_DUMP;

pub(crate) const RTM_NEWNEIGH: u16 = 28;
pub(crate) const RTM_GETNEIGH: u16 = 30;

/// Bytes of `struct ndmsg`.
const NDMSG: usize = 12;

/// `AF_BRIDGE` of `include/linux/socket.h`.
const AF_BRIDGE: u8 = 7;

/// `NTF_SELF`: the entry is the link's own, not that of a bridge which the link is a port of.
const NTF_SELF: u8 = 2;

const NDA_LLADDR: u16 = 2;

/// A message about a neighbour: `struct ndmsg`, then attributes.
pub(crate) const BODY: Body =
    Body { header: NDMSG, rows: &[Row { number: NDA_LLADDR, name: "NDA_LLADDR", inside: Inside::Value }] };

/// Lists the forwarding entries of a link (RTM_GETNEIGH, NLM_F_DUMP).
///
/// The kernel filters by the link since Linux 4.20. A list that does not fit a datagram (about 90 entries) may lack entries
/// when it changes while it is read, and does not say so.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ListForwarding(pub(crate) IfIndex);

/// A forwarding entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ForwardingEntry {
    pub(crate) index: IfIndex,
    /// Whether it is the link's own.
    pub(crate) is_own: bool,
    /// Six bytes, of Ethernet; it may be a multicast address.
    pub(crate) addr: Option<[u8; 6]>,
}

/// A list of at most so many entries came in one datagram, of which the first has room for 94.
const ONE_DATAGRAM: usize = 64;

/// The addresses in a link's own list: those that it lets in besides its own, for the links that stand on it.
///
/// A macvlan or macvtap that is up has its MAC address in its parent's list, in whatever namespace it is, and takes it out when
/// it goes down. So do VLANs with addresses of their own. In passthru mode there is none, for an ipvlan neither, and some
/// drivers keep no such list.
///
/// **That an address is in the list shows that something claims it. That one is not says something only if the list is
/// [whole](Self::is_whole), and if the address was in it before.**
#[derive(Clone, Debug)]
pub(crate) struct OwnAddresses {
    addrs: Vec<[u8; 6]>,
    /// Whether none is missing: all came in one datagram, or two reads agree. The kernel does not tell of a change between
    /// datagrams, which may hide others.
    pub(crate) is_whole: bool,
}

impl OwnAddresses {
    /// What one read showed.
    pub(crate) fn of(entries: &[ForwardingEntry]) -> Self {
        let mut addrs: Vec<_> = entries.iter().filter_map(|entry| entry.addr).collect();
        addrs.sort_unstable();
        Self { addrs, is_whole: entries.len() <= ONE_DATAGRAM }
    }

    /// What this read showed behind another.
    pub(crate) fn after(self, other: &Self) -> Self {
        let is_whole = self.is_whole || self.addrs == other.addrs;
        Self { is_whole, ..self }
    }

    /// Whether this address is among them.
    pub(crate) fn has(&self, mac: MacAddr) -> bool {
        self.addrs.binary_search(&mac.bytes()).is_ok()
    }
}

impl Sealed for ListForwarding {}

impl Request for ListForwarding {
    fn encode(&self, seq: u32, buf: &mut [u8]) -> Result<usize, NoRoom> {
        let [a, b, c, d] = self.0.get().to_ne_bytes();
        measured(buf, |out| {
            let out = out.skip(16).put([AF_BRIDGE, 0, 0, 0, a, b, c, d, 0, 0, 0, 0])?;
            let header = header(out.at(), RTM_GETNEIGH, NLM_F_DUMP, seq);
            out.set(0, header)
        })
    }
}

impl ForwardingEntry {
    /// Reads a forwarding entry. `None` if the message is something else, or too short.
    pub(crate) fn of(message: Message<'_>) -> Option<Self> {
        let is_one = message.header.ty == RTM_NEWNEIGH;
        let (ndmsg, attributes) = message.payload.split_first_chunk::<NDMSG>().filter(|_| is_one)?;
        let [AF_BRIDGE, _, _, _, a, b, c, d, _, _, flags, _] = *ndmsg else { return None };
        let index = IfIndex::new(u32::from_ne_bytes([a, b, c, d])).ok()?;
        let addr = Attributes::new(attributes).find(|attribute| attribute.number == NDA_LLADDR);
        Some(Self { index, is_own: flags & NTF_SELF != 0, addr: addr.and_then(|addr| addr.value.try_into().ok()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Messages, encoded};

    #[test]
    #[rustfmt::skip]
    fn a_link_is_asked_for_by_its_index() {
        assert_eq!(encoded(&ListForwarding(IfIndex(5))), [
            28, 0, 0, 0,  30, 0, 1, 3,  7, 0, 0, 0,  0, 0, 0, 0,   // nlmsghdr: RTM_GETNEIGH, REQUEST | DUMP
            7, 0, 0, 0,  5, 0, 0, 0,  0, 0, 0, 0,                  // ndmsg: AF_BRIDGE, index 5
        ]);
    }

    fn list(count: u8) -> OwnAddresses {
        let entry = |last| ForwardingEntry { index: IfIndex(5), is_own: true, addr: Some([2, 0, 0, 0, 0, last]) };
        OwnAddresses::of(&(0..count).map(entry).collect::<Vec<_>>())
    }

    #[test]
    fn a_long_list_is_whole_when_two_reads_agree() {
        let mac = |last| MacAddr::new([2, 0, 0, 0, 0, last]).unwrap();
        assert!(list(64).is_whole && list(64).has(mac(63)) && !list(64).has(mac(64)));
        assert!(!list(65).is_whole);
        assert!(list(65).after(&list(65)).is_whole);
        assert!(!list(65).after(&list(66)).is_whole);
        assert!(list(2).after(&list(66)).is_whole);
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
        assert!(entry.index == IfIndex(5) && entry.is_own);
        assert_eq!(entry.addr, Some([1, 0x80, 0xc2, 0, 0, 0x21]));
        bytes[26] = 4; // NTF_MASTER
        assert!(!read(&bytes).unwrap().is_own);
        bytes[16] = 2; // AF_INET: a neighbour
        assert!(read(&bytes).is_none());
    }
}
