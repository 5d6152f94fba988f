//! Looking for a link by something that the kernel cannot look it up by.

use super::Socket;
use super::list::{List, Query};
use crate::error::{Error, Result};
use crate::link::{LinkInfo, LinkView, ListLinks};
use crate::wire::{Message, NoRoom, Request, Sealed};
use nix::errno::Errno;

/// How often a list is read that changes meanwhile.
const READS: usize = 4;

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
    /// Whether a link of this kind is such a one; or any link, if no kind is said. Links of the kind whose messages take more than
    /// 32 KiB are not seen. A list that changes again and again while it is read is taken as it is.
    ///
    /// The kernel lists a kind by itself since Linux 4.6. It gives all links where it has no driver of the kind, so no link of the
    /// kind is there if the first one has another. The rest of that list is left off: the kernel makes it as it is read, so a
    /// socket that is then closed is not kept waiting for it.
    pub(crate) fn finds(&mut self, kind: Option<&str>, is_it: impl Fn(&LinkView<'_>) -> bool) -> Result<bool> {
        let list = kind.map_or(ListLinks::new(), |kind| ListLinks::new().kind(kind).without_room());
        let mut lost = None;
        for _ in 0..READS {
            let mut links = List::start(self, AsGiven(list))?;
            loop {
                match links.next() {
                    Ok(Some(link)) if kind.is_some_and(|kind| link.kind() != kind) => return Ok(false),
                    Ok(Some(link)) if is_it(&link) => return Ok(true),
                    Ok(Some(_)) => {}
                    Ok(None) => return Ok(false),
                    // A link of more than 32 KiB comes first, of this kind or of another; newer kernels leave it out.
                    Err(error) if kind.is_some() && is_too_long(&error) => return Ok(false),
                    Err(error) if !error.may_be_read_again() => return Err(error),
                    Err(error) => {
                        lost = Some(error).filter(|error| !error.is_interrupted());
                        break;
                    }
                }
            }
        }
        lost.map_or(Ok(false), Err)
    }
}
