//! Looking for an entry of a list, such as a link, by something that the kernel cannot look it up by.

use super::Socket;
use super::list::{List, Query};
use crate::error::{Error, Result};
use crate::link::{LinkInfo, LinkView, ListLinks};
use crate::wire::{Message, NoRoom, Request, Sealed};
use nix::errno::Errno;

/// How often a list is read that changes meanwhile.
const READS: usize = 16;

/// A list of links, as the kernel gives it: it lists all links where it has no driver of the kind that was asked for.
#[derive(Clone, Copy, Debug)]
struct AsGiven<'a>(ListLinks<'a>);

impl Sealed for AsGiven<'_> {}

impl Request for AsGiven<'_> {
    fn encode(&self, seq: u32, buf: &mut [u8]) -> Result<usize, NoRoom> {
        self.0.encode(seq, buf)
    }
}

impl Query for AsGiven<'_> {
    type View<'a> = LinkView<'a>;
    type Info = LinkInfo;
    const ITEM: u16 = ListLinks::ITEM;

    fn read(message: Message<'_>) -> Option<LinkView<'_>> {
        ListLinks::read(message)
    }

    fn accepts(&self, _: &LinkView<'_>) -> bool {
        true
    }

    fn copy(link: &LinkView<'_>) -> LinkInfo {
        ListLinks::copy(link)
    }

    fn links(&self) -> Option<ListLinks<'_>> {
        self.0.links()
    }
}

fn is_too_long(error: &Error) -> bool {
    error.raw_os_error() == Some(Errno::EMSGSIZE as i32)
}

impl Socket {
    /// Whether an entry of a list is such a one.
    ///
    /// # Errors
    /// Why that is not known: an interrupted list may lack entries, so it shows only what is in it. A short list is hardly ever
    /// interrupted: the kernel can notice a change only between two of its datagrams.
    pub(crate) fn finds<Q: Query>(&mut self, query: &Q, is_it: impl Fn(&Q::View<'_>) -> bool) -> Result<bool> {
        self.look_through(query, |entry| is_it(entry).then_some(true))
    }

    /// Whether a link of this kind is such a one.
    ///
    /// The kernel lists a kind by itself since Linux 4.6. It gives all links where it has no driver of the kind, so no link of the
    /// kind is there if the first one has another. The rest of that list is left off: the kernel makes it as it is read, so a
    /// socket that is then closed is not kept waiting for it ([`is_read_out`](Self::is_read_out)).
    ///
    /// `list` may be [without room](ListLinks::without_room) for links of more than 32 KiB. Where one comes first, it is read
    /// again with room. Linux 6.10 and later leave such a link and those behind it out, and say nothing.
    pub(crate) fn finds_of_kind(&mut self, list: ListLinks<'_>, is_it: impl Fn(&LinkView<'_>) -> bool) -> Result<bool> {
        let judge = |link: &LinkView<'_>| {
            let is_other = list.kind.is_some_and(|kind| link.kind() != kind);
            if is_other { Some(false) } else { is_it(link).then_some(true) }
        };
        match self.look_through(&AsGiven(list), judge) {
            Err(error) if is_too_long(&error) => self.look_through(&AsGiven(list.with_room()), judge),
            found => found,
        }
    }

    /// Reads a list up to the entry that decides, or to its end: then `false`.
    fn look_through<Q: Query>(&mut self, query: &Q, judge: impl Fn(&Q::View<'_>) -> Option<bool>) -> Result<bool> {
        let mut read = 1;
        loop {
            let mut list = List::start(self, *query)?;
            let error = loop {
                match list.next() {
                    Ok(Some(entry)) => {
                        if let Some(found) = judge(&entry) {
                            return Ok(found);
                        }
                    }
                    Ok(None) => return Ok(false),
                    Err(error) => break error,
                }
            };
            if !error.may_be_read_again() || read == READS {
                return Err(error);
            }
            read += 1;
        }
    }

    /// Whether the last list was read to its end.
    pub(crate) fn is_read_out(&self) -> bool {
        self.dump.is_none()
    }
}
