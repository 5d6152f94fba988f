//! What can go wrong.

use super::{Error, KernelError};
use crate::value::{IfName, InvalidValue};
use crate::wire::{Malformed, NoRoom};
use ipnetwork::{IpNetwork, IpNetworkError};
use std::io;
use std::net::{AddrParseError, IpAddr, Ipv6Addr};
use std::sync::Arc;

/// What went wrong.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A value cannot be what it should be. Nothing was sent.
    #[error(transparent)]
    Invalid(InvalidValue),
    /// A text is no IP network, such as `10.0.50.7/24`. Nothing was sent.
    #[error("{0}")]
    IpNetwork(IpNetworkError),
    /// A text is no IP address. Nothing was sent.
    #[error(transparent)]
    IpAddr(AddrParseError),
    /// The kernel refused the request.
    #[error(transparent)]
    Kernel(KernelError),
    /// No link has this name; one has it as an alternative name.
    #[error("ENODEV: no link has the name {name}, though {owner} has it as an alternative name")]
    OnlyAltName {
        /// What was asked for.
        name: IfName,
        /// The link that has it as an alternative name.
        owner: IfName,
    },
    /// The link does not have this address; it has one that the kernel would take for it, and delete. Nothing was sent.
    #[error(
        "EADDRNOTAVAIL: the link has {found} {}, which is another address",
        peer.map_or_else(|| "without a peer".into(), |peer| format!("with the peer {peer}"))
    )]
    AnotherAddress {
        /// The address that the link has.
        found: IpNetwork,
        /// Its peer, if it has one.
        peer: Option<IpAddr>,
    },
    /// A device was to move to a namespace in which a link has its name, or has it as an alternative name. Nothing was sent.
    #[error("EEXIST: the name {name} is taken in the other namespace, by {owner}")]
    NameIsTaken {
        /// The name that it was to have.
        name: IfName,
        /// The link that has it there.
        owner: IfName,
    },
    /// The kernel took the request and ignored this attribute: it is too old for it.
    #[error("the kernel ignored {0}: it is too old for it")]
    Ignored(&'static str),
    /// The table changed during the dump, so entries may be missing or there twice. What was read was given out.
    #[error("the list changed while it was read (NLM_F_DUMP_INTR)")]
    Interrupted,
    /// The kernel may have ended a list of links early, with an OK, before a link that no datagram is large enough for. Or a
    /// link was made just behind the end of the list. Entries may be missing. What was read was given out.
    #[error("the kernel may have ended the list early, before a link too large for a datagram")]
    CutShort,
    /// A list of links of another namespace was read to its end, and nothing can show whether the kernel ended it early. It is in
    /// [`Detached::unseen`](crate::endpoint::Detached::unseen).
    #[error("whether the list of another namespace is whole cannot be checked")]
    Unchecked,
    /// The container's namespace is the parent's own.
    #[error("the container's namespace is the one that its parent link is in")]
    SameNamespace,
    /// Somebody else on the network has this IPv6 address: duplicate address detection failed.
    #[error("{0} is in use by another station on the network: duplicate address detection failed")]
    DuplicateAddress(Ipv6Addr),
    /// Duplicate address detection for this IPv6 address has not ended within the limit: it needs a link that is up.
    #[error("{0} is still tentative: duplicate address detection has not ended within the time limit")]
    StillTentative(Ipv6Addr),
    /// The link is up and has no carrier, so duplicate address detection does not begin.
    #[error("{link} has no carrier, so its IPv6 addresses stay tentative: {why}")]
    NoCarrier {
        /// The link.
        link: IfName,
        /// Why it has none.
        why: NoCarrier,
    },
    /// The link makes no IPv6 link-local address: IPv6 is off on it, or the address generation mode is none.
    #[error("{0} makes no link-local address: IPv6 is off on it, or its addr_gen_mode is none")]
    NoLinkLocal(IfName),
    /// This IPv6 address was taken from the link before it could be used.
    #[error("{0} was removed before duplicate address detection ended")]
    AddressGone(Ipv6Addr),
    /// Answers were lost because they were more than the socket's buffer holds. **What was asked may have been done.**
    #[error("ENOBUFS: answers were lost, and the outcome is unknown")]
    Overrun,
    /// The answer did not come within the socket's time limit. **What was asked may have been done.**
    #[error("no answer within the time limit, and the outcome is unknown")]
    TimedOut,
    /// The socket was opened before a fork, by the other process: each would read the other's answers. Open one here.
    #[error("the socket was opened by another process, before a fork: open one in this process")]
    Forked,
    /// A path or descriptor given as a network namespace is something else.
    #[error("{what} is not a network namespace but {found}")]
    NotANamespace {
        /// The path, or the descriptor.
        what: Box<str>,
        /// What it is.
        found: Box<str>,
    },
    /// The file is there, and no namespace is mounted on it as far as this mount namespace shows: as after a reboot, or where
    /// another mount namespace alone has the mount. So the path leads nowhere, which does not say that the namespace has ended.
    #[error("nothing is mounted on {0}: its namespace is gone, or mounted in another mount namespace only")]
    NamespaceGone(Box<str>),
    /// A datagram was larger than any that rtnetlink sends.
    #[error("an answer of {0} bytes is larger than the buffer")]
    Truncated(usize),
    /// An answer could not be read.
    #[error(transparent)]
    Malformed(Malformed),
    /// An answer is not what was asked for, or cannot be told apart: see [`LinkView::of`](crate::LinkView::of).
    #[error("the kernel's answer cannot be read as what was asked for")]
    Unexpected,
    /// A system call failed: which, and how.
    #[error("{doing}: {error}")]
    Io {
        /// What was being done, and to what.
        doing: Box<str>,
        /// How it failed.
        #[source]
        error: Arc<io::Error>,
    },
}

/// Why a link has no carrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum NoCarrier {
    /// Its parent is down.
    #[error("its parent is down")]
    ParentIsDown,
    /// Its parent is up and has no carrier either: a cable is missing, or what it stands on itself is down.
    #[error("its parent has none")]
    ParentHasNone,
    /// The parent could not be seen: before Linux 4.15, or without CAP_NET_ADMIN over the parent's namespace; or it was in
    /// order when it was looked at.
    #[error("why is unknown")]
    Unknown,
}

/// Each type that `?` meets, one by one, so that any of them can be taken back.
macro_rules! from {
    ($($T:ty => $kind:expr;)*) => { $(
        impl From<$T> for Error {
            fn from(value: $T) -> Self {
                let kind: fn($T) -> ErrorKind = $kind;
                Self::new(kind(value))
            }
        }
    )* };
}
from! {
    ErrorKind => |kind| kind;
    InvalidValue => ErrorKind::Invalid;
    KernelError => ErrorKind::Kernel;
    Malformed => ErrorKind::Malformed;
    IpNetworkError => ErrorKind::IpNetwork;
    AddrParseError => ErrorKind::IpAddr;
    // No buffer of the library's is too small for a request that fits a message at all.
    NoRoom => |NoRoom { needed }| ErrorKind::Invalid(InvalidValue::TooLong(needed));
}
