//! Whether a list of links is whole: the kernel may end one early, with an OK.
//!
//! ```text
//!   lo  eth0  mv0  (mv1: its list of senders has grown above the datagram)  mv2  mv3  DONE 0
//!   └──────┬────┘   └────────────────────────────┬───────────────────────────────┘
//!      listed                                 missing
//! ```
//!
//! At the start of a dump the kernel makes its datagrams as large as the largest link's message, and at least 32 KiB. A link
//! that grows above that meanwhile fits none. Since Linux 6.10 the dump then ends as it does behind the last link; before, it
//! said EMSGSIZE. Nothing in the answer tells. So the indexes of all links are listed too, in messages that do not grow.
//! Source: `net/core/rtnetlink.c` (`rtnl_dumpit`, `RTNL_FLAG_DUMP_SPLIT_NLM_DONE`).

use super::Socket;
use super::list::{List, Query};
use crate::error::Result;
use crate::link::{ListIndexes, ListLinks, RTM_NEWSTATS};
use crate::value::IfIndex;
use crate::wire::Message;

/// The links that were in the answer to a list, whether they were asked for or not.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Passed {
    count: usize,
    /// The highest index. Since Linux 6.9 links are listed in the order of their indexes.
    highest: u32,
}

impl Passed {
    /// Notes an entry.
    pub(super) fn note(&mut self, message: Message<'_>) {
        let index = message.payload.get(4..).and_then(|behind| behind.first_chunk());
        self.count += 1;
        self.highest = self.highest.max(index.map_or(0, |index| u32::from_ne_bytes(*index)));
    }
}

/// Up to so many links behind the end of a list are looked at one by one.
const FEW: usize = 16;

impl ListLinks<'_> {
    /// Whether a link that was asked for may be missing from a list that has passed these, and then ended with an OK.
    ///
    /// A link that was made since is taken for one.
    pub(super) fn may_lack(self, socket: &mut Socket, passed: Passed) -> Result<bool> {
        let has_senders = self.kind.is_none_or(|kind| matches!(kind, "macvlan" | "macvtap"));
        if !has_senders || self.netnsid.is_some() {
            return Ok(false);
        }
        let (mut count, mut behind) = (0, Vec::new());
        let mut indexes = List::start(socket, ListIndexes)?;
        loop {
            match indexes.next() {
                Ok(Some(index)) => {
                    count += 1;
                    behind.extend(Some(index).filter(|index| index.get() > passed.highest));
                }
                Err(error) if error.is_not_supported() => return Ok(false), // no kernel that ends lists early
                Err(error) if !error.is_interrupted() => return Err(error),
                _ => break, // if it changed meanwhile, what was there all the time is in it
            }
        }
        let is_filtered = self.kind.is_some() || self.master.is_some();
        match behind.len() {
            0 => Ok(!is_filtered && count > passed.count),
            _ if !is_filtered => Ok(true),
            1..=FEW => self.has_asked_for(socket, &behind),
            _ => self.lists(socket, passed.highest, &behind),
        }
    }

    /// Whether one of these links was asked for.
    fn has_asked_for(self, socket: &mut Socket, indexes: &[IfIndex]) -> Result<bool> {
        for index in indexes {
            match socket.link_at(*index) {
                Ok(link) if !self.accepts(&link) => {}
                Err(error) if error.is_no_device() => {}
                Err(error) if !error.is_unreportable_link() => return Err(error),
                _ => return Ok(true),
            }
        }
        Ok(false)
    }

    /// Whether a link behind the index `last` was asked for: lists all links without a filter. If that list ends early too, the
    /// links left are looked at one by one, if they are few.
    fn lists(self, socket: &mut Socket, last: u32, behind: &[IfIndex]) -> Result<bool> {
        let mut links = List::start(socket, Self { kind: None, master: None, ..self })?.unchecked();
        loop {
            match links.next() {
                Ok(Some(link)) if link.index().get() > last && self.accepts(&link) => return Ok(true),
                Ok(Some(_)) => {}
                Err(error) if !error.is_interrupted() => return Err(error),
                _ => break,
            }
        }
        let last = links.passed().highest;
        let left: Vec<_> = behind.iter().copied().filter(|index| index.get() > last).take(FEW + 1).collect();
        if left.len() > FEW { Ok(true) } else { self.has_asked_for(socket, &left) }
    }
}

impl Query for ListIndexes {
    type View<'a> = IfIndex;
    type Info = IfIndex;
    const ITEM: u16 = RTM_NEWSTATS;

    fn read(message: Message<'_>) -> Option<IfIndex> {
        Self::read_entry(message)
    }

    fn accepts(&self, _: &IfIndex) -> bool {
        true
    }

    fn copy(index: &IfIndex) -> IfIndex {
        *index
    }
}
