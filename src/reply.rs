//! Answers: the half of a conversation that needs no socket. Bytes in; items, acknowledgements and ends out.
//!
//! ```text
//! request seq 7 (NLM_F_ACK)  ──►                request seq 8 (NLM_F_DUMP)  ──►
//!           ◄── NLMSG_ERROR seq 7: errno                  ◄── RTM_NEWLINK seq 8 …  (NLM_F_MULTI, several datagrams)
//!               errno 0 is success                        ◄── NLMSG_DONE seq 8: errno
//! ```
//!
//! An embedder with a socket of its own reads each datagram with [`wire::Messages`](crate::wire::Messages), keeps to the
//! sequence numbers it gave, and asks [`Reply::of`] what a message is. Three things must not be forgotten: the sender's
//! port must be 0 (the kernel); a dump is only right if no message of it has [`INTERRUPTED`] set; and what was lost by
//! ENOBUFS or NLMSG_OVERRUN may have been a failure. Source: `net/netlink/af_netlink.c`, `man 7 netlink`.

use crate::wire::{Attributes, Header, Malformed, Message, align};
use netlink_packet_core::{NLM_F_ACK_TLVS, NLM_F_CAPPED, NLM_F_DUMP_INTR};
use netlink_packet_core::{NLMSG_DONE, NLMSG_ERROR, NLMSG_NOOP, NLMSG_OVERRUN};

/// The flag on a message of a dump which says that the table changed meanwhile, so that the dump may lack entries or have
/// them twice (`NLM_F_DUMP_INTR`). It may stand on any one of the messages.
pub const INTERRUPTED: u16 = NLM_F_DUMP_INTR;

/// What a message of an answer is.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_enums, reason = "what netlink has: who reads answers must not forget one")]
pub enum Reply<'a> {
    /// A part of the answer, such as a link.
    Item(Message<'a>),
    /// The outcome of a request (NLMSG_ERROR, which also says success).
    Ack(Ack<'a>),
    /// The end of a dump, with its outcome (NLMSG_DONE).
    Done(Ack<'a>),
    /// The kernel lost answers (NLMSG_OVERRUN; no kernel of today sends it).
    Overrun,
    /// Nothing (NLMSG_NOOP).
    Noop,
}

impl<'a> Reply<'a> {
    /// Says what `message` is.
    ///
    /// # Errors
    /// An outcome that is too short to hold an errno.
    #[inline]
    pub fn of(message: Message<'a>) -> Result<Self, Malformed> {
        Ok(match message.header.ty {
            NLMSG_ERROR => Self::Ack(Ack::parse(message, true)?),
            NLMSG_DONE => Self::Done(Ack::parse(message, false)?),
            NLMSG_OVERRUN => Self::Overrun,
            NLMSG_NOOP => Self::Noop,
            _ => Self::Item(message),
        })
    }
}

/// The outcome of a request, with what the kernel says about it (extended acknowledgement, since Linux 4.12).
#[derive(Clone, Copy, Debug)]
pub struct Ack<'a> {
    errno: i32,
    extended: Attributes<'a>,
}

const NLMSGERR_ATTR_MSG: u16 = 1;
const NLMSGERR_ATTR_OFFS: u16 = 2;
const NLMSGERR_ATTR_POLICY: u16 = 4;
const NLMSGERR_ATTR_MISS_TYPE: u16 = 5;

impl<'a> Ack<'a> {
    /// The errno is a negative number, or 0. In NLMSG_ERROR the request follows: only its header if NLM_F_CAPPED is set (as
    /// it is with NETLINK_CAP_ACK, and always on success), and the whole of it if not.
    #[inline]
    fn parse(message: Message<'a>, echoes_request: bool) -> Result<Self, Malformed> {
        let Message { header, payload } = message;
        let malformed = Malformed { length: Header::SIZE + 4, left: Header::SIZE + payload.len() };
        let (errno, rest) = match payload.split_first_chunk() {
            Some((errno, rest)) => (i32::from_ne_bytes(*errno), rest),
            None if !echoes_request => (0, payload), // an end that says nothing
            None => return Err(malformed),
        };
        let extended = if header.flags & NLM_F_ACK_TLVS == 0 {
            &[]
        } else if !echoes_request {
            rest
        } else if header.flags & NLM_F_CAPPED != 0 {
            rest.get(Header::SIZE..).unwrap_or_default()
        } else {
            let request = Header::parse(rest).ok_or(malformed)?;
            let length = rest.len().min(request.length as usize); // which may be any number, and is rounded up
            rest.get(align(length)..).unwrap_or_default()
        };
        Ok(Self { errno: errno.checked_neg().unwrap_or(i32::MAX), extended: Attributes::new(extended) })
    }

    /// The error number, positive; 0 is success.
    #[inline]
    pub fn errno(&self) -> i32 {
        self.errno
    }

    fn find(&self, number: u16) -> Option<&'a [u8]> {
        let mut extended = self.extended;
        extended.find(|attribute| attribute.number == number).map(|attribute| attribute.value)
    }

    fn number(&self, number: u16) -> Option<u32> {
        self.find(number)?.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes))
    }

    /// The kernel's words: the reason of a failure, or a warning with a success.
    pub fn text(&self) -> Option<&'a [u8]> {
        self.find(NLMSGERR_ATTR_MSG).map(|text| text.strip_suffix(&[0]).unwrap_or(text))
    }

    /// Where the offending attribute starts, in bytes from the start of the request's header.
    pub fn offset(&self) -> Option<usize> {
        self.number(NLMSGERR_ATTR_OFFS).map(|offset| offset as usize)
    }

    /// The number of an attribute that is missing (since Linux 6.1).
    pub fn missing(&self) -> Option<u32> {
        self.number(NLMSGERR_ATTR_MISS_TYPE)
    }

    /// What the offending attribute may hold (since Linux 5.10).
    pub fn policy(&self) -> Option<Policy> {
        self.find(NLMSGERR_ATTR_POLICY).map(Policy::parse)
    }
}

/// What an attribute may hold, by the kernel's own table (`NL_POLICY_TYPE_ATTR_…`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Policy {
    /// The smallest number.
    pub min: Option<i128>,
    /// The largest number.
    pub max: Option<i128>,
    /// The least bytes.
    pub min_length: Option<u32>,
    /// The most bytes.
    pub max_length: Option<u32>,
}

const NL_POLICY_TYPE_ATTR_MIN_VALUE_S: u16 = 2;
const NL_POLICY_TYPE_ATTR_MAX_VALUE_S: u16 = 3;
const NL_POLICY_TYPE_ATTR_MIN_VALUE_U: u16 = 4;
const NL_POLICY_TYPE_ATTR_MAX_VALUE_U: u16 = 5;
const NL_POLICY_TYPE_ATTR_MIN_LENGTH: u16 = 6;
const NL_POLICY_TYPE_ATTR_MAX_LENGTH: u16 = 7;

impl Policy {
    fn parse(nest: &[u8]) -> Self {
        let mut policy = Self::default();
        for attribute in Attributes::new(nest) {
            let eight = || attribute.value.first_chunk().copied();
            let four = || attribute.value.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes));
            match attribute.number {
                NL_POLICY_TYPE_ATTR_MIN_VALUE_S => policy.min = eight().map(|bytes| i64::from_ne_bytes(bytes).into()),
                NL_POLICY_TYPE_ATTR_MAX_VALUE_S => policy.max = eight().map(|bytes| i64::from_ne_bytes(bytes).into()),
                NL_POLICY_TYPE_ATTR_MIN_VALUE_U => policy.min = eight().map(|bytes| u64::from_ne_bytes(bytes).into()),
                NL_POLICY_TYPE_ATTR_MAX_VALUE_U => policy.max = eight().map(|bytes| u64::from_ne_bytes(bytes).into()),
                NL_POLICY_TYPE_ATTR_MIN_LENGTH => policy.min_length = four(),
                NL_POLICY_TYPE_ATTR_MAX_LENGTH => policy.max_length = four(),
                _ => {}
            }
        }
        policy
    }
}
