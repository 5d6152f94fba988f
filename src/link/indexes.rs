//! The indexes of all links.
//!
//! ```text
//! RTM_GETSTATS | if_stats_msg: index 0, mask = of address families       ──►
//!        ◄── RTM_NEWSTATS | if_stats_msg: index 2 | IFLA_STATS_AF_SPEC, empty      32 bytes a link, whatever the link
//! ```
//!
//! A message about a link grows with the link's lists, and the kernel's list of links may end before one that no longer fits a
//! datagram. These messages do not grow. Sources: `net/core/rtnetlink.c` (`rtnl_stats_dump`), `include/uapi/linux/if_link.h`.

use crate::value::IfIndex;
use crate::wire::{Body, Message, NoRoom, Request, Sealed, header, measured};
use netlink_packet_core::NLM_F_DUMP;

pub(crate) const RTM_NEWSTATS: u16 = 92;
pub(crate) const RTM_GETSTATS: u16 = 94;

/// Bytes of `struct if_stats_msg`.
const IF_STATS_MSG: usize = 12;

/// `IFLA_STATS_FILTER_BIT(IFLA_STATS_AF_SPEC)`: the least there is to ask for, counters of MPLS.
const AF_SPEC: u8 = 1 << 4;

/// A message about a link's counters: `struct if_stats_msg`, then attributes that nobody looks at.
pub(crate) const STATS_BODY: Body = Body { header: IF_STATS_MSG, rows: &[] };

/// Lists the indexes of all links of the socket's namespace (RTM_GETSTATS, NLM_F_DUMP, since Linux 4.7).
#[derive(Clone, Copy, Debug)]
pub(crate) struct ListIndexes;

impl ListIndexes {
    /// Reads an entry. `None` if it is another message, or too short.
    pub(crate) fn read_entry(message: Message<'_>) -> Option<IfIndex> {
        let is_one = message.header.ty == RTM_NEWSTATS;
        let [_, _, _, _, a, b, c, d, ..] = *message.payload.first_chunk::<IF_STATS_MSG>().filter(|_| is_one)?;
        IfIndex::new(u32::from_ne_bytes([a, b, c, d])).ok()
    }
}

impl Sealed for ListIndexes {}

impl Request for ListIndexes {
    fn encode(&self, seq: u32, buf: &mut [u8]) -> Result<usize, NoRoom> {
        let [a, b, c, d] = u32::from(AF_SPEC).to_ne_bytes();
        measured(buf, |out| {
            let out = out.skip(16).put([0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d])?;
            let header = header(out.at(), RTM_GETSTATS, NLM_F_DUMP, seq);
            out.set(0, header)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Messages, encoded};

    #[test]
    #[rustfmt::skip]
    fn all_are_asked_for_and_read() {
        let mut bytes = encoded(&ListIndexes);
        assert_eq!(bytes, [
            28, 0, 0, 0,  94, 0,  1, 3,                         // 28 bytes, RTM_GETSTATS, REQUEST | DUMP
            7, 0, 0, 0,  0, 0, 0, 0,
            0, 0, 0, 0,  0, 0, 0, 0,  16, 0, 0, 0,              // if_stats_msg: IFLA_STATS_AF_SPEC
        ]);
        let read = |bytes: &[u8]| ListIndexes::read_entry(Messages::new(bytes).next().unwrap().unwrap());
        (bytes[4], bytes[20]) = (92, 9);                        // RTM_NEWSTATS
        assert_eq!(read(&bytes), IfIndex::new(9).ok());
        bytes[4] = 16;                                          // RTM_NEWLINK
        assert_eq!(read(&bytes), None);
        (bytes[0], bytes[4]) = (24, 92);
        assert_eq!(read(&bytes[..24]), None, "too short");
    }
}
