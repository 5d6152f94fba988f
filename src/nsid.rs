//! Namespace ids: the numbers by which one network namespace knows others.
//!
//! A link whose parent is in another namespace is reported with that namespace's id
//! ([`LinkView::parent_netnsid`](crate::LinkView::parent_netnsid)). Ids are relative: each namespace numbers the others for
//! itself. Source: `net/core/net_namespace.c`, `include/uapi/linux/net_namespace.h`.

use crate::value::NsId;
use crate::wire::{Attributes, Body, Command, Get, Header, Message, NoRoom, Request, Row, Sealed, header, measured};
use netlink_packet_core::{NLM_F_ACK, NLM_F_DUMP};
use std::marker::PhantomData;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

pub(crate) const RTM_NEWNSID: u16 = 88;
pub(crate) const RTM_GETNSID: u16 = 90;

/// Bytes of `struct rtgenmsg`, padded.
const RTGENMSG: usize = 4;

/// A message about a namespace id: `struct rtgenmsg`, then these attributes.
pub(crate) const BODY: Body =
    Body { header: RTGENMSG, rows: &[Row::value(NETNSA_NSID, "NETNSA_NSID"), Row::value(NETNSA_FD, "NETNSA_FD")] };

const NETNSA_NSID: u16 = 1;
const NETNSA_FD: u16 = 3;

/// Asks for the id of a namespace (RTM_GETNSID, since Linux 4.0). [`Socket::nsid_of`](crate::Socket::nsid_of) sends it.
#[derive(Clone, Copy, Debug)]
pub struct GetNsid<'a>(RawFd, PhantomData<BorrowedFd<'a>>);

impl<'a> GetNsid<'a> {
    /// The id of `namespace`, in the namespace of the socket.
    #[must_use]
    pub fn new(namespace: &'a impl AsFd) -> Self {
        Self::of_number(namespace.as_fd().as_raw_fd())
    }

    /// By the number of a descriptor, which may be closed by now.
    pub(crate) const fn of_number(namespace: RawFd) -> Self {
        Self(namespace, PhantomData)
    }

    /// Reads the answer: the id, or [`NsId::NOT_ASSIGNED`]. `None` if it is another message.
    pub fn read(message: Message<'_>) -> Option<NsId> {
        read(message)
    }
}

impl Sealed for GetNsid<'_> {}

impl Request for GetNsid<'_> {
    fn encode(&self, seq: u32, buf: &mut [u8]) -> Result<usize, NoRoom> {
        encode(RTM_GETNSID, 0, Some(self.0), None, seq, buf)
    }
}

/// Lists the ids that the socket's namespace has for others (RTM_GETNSID, NLM_F_DUMP, since Linux 4.0). What it has no id for
/// is not in it.
///
/// ```no_run
/// # use sublink::{Sandbox, nsid::ListNsids};
/// let mut pod = Sandbox::named("c1")?;
/// println!("{:?}", pod.socket().snapshot(&ListNsids::new())?);
/// # Ok::<(), sublink::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ListNsids;

impl ListNsids {
    /// All ids.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }

    /// Reads an entry. `None` if it is another message.
    pub(crate) fn read_entry(message: Message<'_>) -> Option<NsId> {
        read(message)
    }
}

impl Sealed for ListNsids {}

impl Request for ListNsids {
    fn encode(&self, seq: u32, buf: &mut [u8]) -> Result<usize, NoRoom> {
        encode(RTM_GETNSID, NLM_F_DUMP, None, None, seq, buf)
    }
}

fn read(message: Message<'_>) -> Option<NsId> {
    let is_nsid = message.header.ty == RTM_NEWNSID;
    let (_rtgenmsg, attributes) = message.payload.split_first_chunk::<RTGENMSG>().filter(|_| is_nsid)?;
    let nsid = Attributes::new(attributes).find(|attribute| attribute.number == NETNSA_NSID)?;
    Get::get(nsid.value)
}

/// Gives a namespace an id (RTM_NEWNSID, since Linux 4.0), for good. EEXIST if the namespace has one
/// already, or if another has the id that was asked for (`rtnl_net_newid` of `net/core/net_namespace.c`).
#[derive(Clone, Copy, Debug)]
pub struct NewNsid<'a> {
    namespace: BorrowedFd<'a>,
    nsid: NsId,
}

impl<'a> NewNsid<'a> {
    /// An id of the kernel's choice for `namespace`.
    #[must_use]
    pub fn new(namespace: &'a impl AsFd) -> Self {
        Self { namespace: namespace.as_fd(), nsid: NsId::NOT_ASSIGNED }
    }

    /// This id.
    #[must_use]
    pub const fn nsid(mut self, nsid: NsId) -> Self {
        self.nsid = nsid;
        self
    }
}

impl Sealed for NewNsid<'_> {}
impl Command for NewNsid<'_> {}

impl Request for NewNsid<'_> {
    fn encode(&self, seq: u32, buf: &mut [u8]) -> Result<usize, NoRoom> {
        encode(RTM_NEWNSID, NLM_F_ACK, Some(self.namespace.as_raw_fd()), Some(self.nsid), seq, buf)
    }
}

fn encode(
    ty: u16,
    flags: u16,
    namespace: Option<RawFd>,
    nsid: Option<NsId>,
    seq: u32,
    buf: &mut [u8],
) -> Result<usize, NoRoom> {
    measured(buf, |out| {
        let out = out.skip(Header::SIZE).put([0; RTGENMSG])?;
        let out = match namespace {
            Some(namespace) => out.one(NETNSA_FD, &namespace)?,
            None => out,
        };
        let out = match nsid {
            Some(nsid) => out.one(NETNSA_NSID, &nsid)?,
            None => out,
        };
        let header = header(out.at(), ty, flags, seq);
        out.set(0, header)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Messages, encoded};

    #[test]
    fn an_id_is_asked_for_and_given_by_descriptor() {
        let file = std::fs::File::open("/dev/null").unwrap();
        let fd = u8::try_from(file.as_fd().as_raw_fd()).unwrap();
        #[rustfmt::skip]
        assert_eq!(encoded(&GetNsid::new(&file)), [
            28, 0, 0, 0,  90, 0,  1, 0,                         // 28 bytes, RTM_GETNSID, REQUEST
            7, 0, 0, 0,  0, 0, 0, 0,
            0, 0, 0, 0,                                         // rtgenmsg
            8, 0, 3, 0,  fd, 0, 0, 0,                           // NETNSA_FD
        ]);
        #[rustfmt::skip]
        assert_eq!(encoded(&NewNsid::new(&file))[16..], [
            0, 0, 0, 0,
            8, 0, 3, 0,  fd, 0, 0, 0,
            8, 0, 1, 0,  255, 255, 255, 255,                    // NETNSA_NSID = of the kernel's choice
        ]);
    }

    #[test]
    #[rustfmt::skip]
    fn all_ids_are_asked_for_without_a_namespace() {
        assert_eq!(encoded(&ListNsids::new()), [
            20, 0, 0, 0,  90, 0,  1, 3,                         // 20 bytes, RTM_GETNSID, REQUEST | DUMP
            7, 0, 0, 0,  0, 0, 0, 0,
            0, 0, 0, 0,                                         // rtgenmsg
        ]);
    }

    #[test]
    fn an_answer_is_an_id_or_none() {
        let file = std::fs::File::open("/dev/null").unwrap();
        let read = |bytes: Vec<u8>| GetNsid::read(Messages::new(&bytes).next().unwrap().unwrap());
        let seven = NsId::new(7).unwrap();
        assert_eq!(read(encoded(&NewNsid::new(&file).nsid(seven))), Some(seven));
        assert_eq!(read(encoded(&NewNsid::new(&file))), Some(NsId::NOT_ASSIGNED));
        assert_eq!(read(encoded(&GetNsid::new(&file))), None);
    }
}
