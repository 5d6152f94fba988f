//! What went wrong, in which request, what the kernel said of it, and where things stand now.
//!
//! [`Error`] is one word wide, so that the way of success stays cheap. It prints as a sentence, every part of which is a
//! field:
//!
//! ```text
//! create macvlan eth0 on eth0.50: EADDRINUSE
//! create vlan eth0.50 on eth0: EEXIST: 8021q: VLAN device already exists
//! step 2 of 3, change macvlan mv0: ERANGE: integer out of range: IFLA_GSO_MAX_SIZE (at least 193)
//! ```

use crate::reply::{Ack, Policy};
use crate::request::{RequestInfo, Verb, attribute_at};
use crate::value::{IfIndex, IfName, InvalidValue, Name};
use crate::wire::{Malformed, NoRoom};
use nix::errno::Errno;
use std::fmt;
use std::io;
use std::net::Ipv6Addr;
use std::sync::Arc;

mod reason;

pub use reason::Reason;

/// A failure, one word wide.
#[derive(Clone)]
pub struct Error(Box<Inner>);

/// The result of what can fail here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Clone, Debug)]
struct Inner {
    kind: ErrorKind,
    request: Option<RequestInfo>,
    /// The request as it was sent.
    sent: Box<[u8]>,
    step: Option<Step>,
    link_is: Option<Whereabouts>,
    undo: Option<Undo>,
    /// Whether somebody has looked at why before the link was removed again, and what was seen.
    is_explained: bool,
    reason: Option<Reason>,
}

/// What went wrong.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A value cannot be what it should be. Nothing was sent.
    #[error(transparent)]
    Invalid(#[from] InvalidValue),
    /// The kernel refused the request.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// No link has this name; one has it as an alternative name.
    #[error("ENODEV: no link has the name {name}, though {owner} has it as an alternative name")]
    OnlyAltName {
        /// What was asked for.
        name: IfName,
        /// The link that has it as an alternative name.
        owner: IfName,
    },
    /// The kernel took the request and ignored this attribute: it is too old for it.
    #[error("the kernel ignored {0}: it is too old for it")]
    Ignored(&'static str),
    /// The table changed during the dump, so entries may be missing or there twice. What was read was given out.
    #[error("the list changed while it was read (NLM_F_DUMP_INTR)")]
    Interrupted,
    /// The container's namespace is the parent's own.
    #[error("the container's namespace is the one that its parent link is in")]
    SameNamespace,
    /// The socket for the inside lives in another namespace than the one given.
    #[error("the socket for the container's inside lives in another namespace")]
    OtherNamespace,
    /// Somebody else on the network has this IPv6 address: duplicate address detection failed.
    #[error("{0} is in use by another station on the network: duplicate address detection failed")]
    DuplicateAddress(Ipv6Addr),
    /// Duplicate address detection for this IPv6 address has not ended within the limit: it needs a link that is up.
    #[error("{0} is still tentative: duplicate address detection has not ended within the time limit")]
    StillTentative(Ipv6Addr),
    /// This IPv6 address was taken from the link before it could be used.
    #[error("{0} was removed before duplicate address detection ended")]
    AddressGone(Ipv6Addr),
    /// Answers were lost because they were more than the socket's buffer holds. **What was asked may have been done.**
    #[error("ENOBUFS: answers were lost, and the outcome is unknown")]
    Overrun,
    /// The answer did not come within the socket's time limit. **What was asked may have been done.**
    #[error("no answer within the time limit, and the outcome is unknown")]
    TimedOut,
    /// A datagram was larger than any that rtnetlink sends.
    #[error("an answer of {0} bytes is larger than the buffer")]
    Truncated(usize),
    /// An answer could not be read.
    #[error(transparent)]
    Malformed(#[from] Malformed),
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

/// The kernel's refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KernelError {
    /// The error number.
    pub errno: i32,
    /// The kernel's words, escaped, if it gave any.
    pub text: Option<Box<str>>,
    /// The kernel's name of the attribute it complains about.
    pub attribute: Option<&'static str>,
    /// What that attribute may hold.
    pub policy: Option<Policy>,
    /// The kernel module that is missing, if the kernel does not know the kind of link.
    pub missing_module: Option<&'static str>,
}

/// Which step of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// From 0.
    pub index: usize,
    /// How many steps the batch has.
    pub of: usize,
}

/// Where a link is after a move that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Whereabouts {
    /// In the namespace it was to leave.
    Here,
    /// In the namespace it was to reach, down, under its old or its new name.
    There,
    /// It could not be found out.
    Unknown,
}

/// What became of a link whose attaching failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Undo {
    /// Nothing is left: it was not made, was removed again, or has left the container.
    Clean,
    /// The container has put another link in its place, or given it another MAC address; that was let alone.
    Replaced(IfIndex),
    /// It is still there, in the container's namespace, under this index: removing it failed.
    LeftBehind(IfIndex),
    /// It could not be found out: it may be there, under this index.
    Unknown(IfIndex),
}

impl Error {
    /// What went wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// The request that failed.
    pub fn request(&self) -> Option<&RequestInfo> {
        self.0.request.as_ref()
    }

    /// The kernel's refusal of `request`, the message as it was sent: for embedders with a socket of their own.
    pub fn refused(ack: &Ack<'_>, request: &[u8]) -> Self {
        Self::from(KernelError::new(ack, request)).of(request)
    }

    /// The step of the batch that failed.
    pub fn step(&self) -> Option<Step> {
        self.0.step
    }

    /// After a move that failed: where the link is now.
    pub fn link_is(&self) -> Option<Whereabouts> {
        self.0.link_is
    }

    /// After an attach that failed: what became of the link.
    pub fn undo(&self) -> Option<Undo> {
        self.0.undo
    }

    /// The error number of the kernel or of a system call.
    pub fn raw_os_error(&self) -> Option<i32> {
        match &self.0.kind {
            ErrorKind::Kernel(kernel) => Some(kernel.errno),
            ErrorKind::OnlyAltName { .. } => Some(Errno::ENODEV as i32),
            ErrorKind::Overrun => Some(Errno::ENOBUFS as i32),
            ErrorKind::TimedOut => Some(Errno::ETIMEDOUT as i32),
            ErrorKind::Io { error, .. } => error.raw_os_error(),
            _ => None,
        }
    }

    /// Whether a list changed while it was read: read it again, or take what was read for what it is.
    pub fn is_interrupted(&self) -> bool {
        matches!(self.kind(), ErrorKind::Interrupted)
    }

    fn is(&self, errno: Errno) -> bool {
        self.raw_os_error() == Some(errno as i32)
    }

    pub(crate) fn io(doing: impl Into<Box<str>>, error: impl Into<io::Error>) -> Self {
        ErrorKind::Io { doing: doing.into(), error: Arc::new(error.into()) }.into()
    }

    /// Says which request failed, without the names of the links in it.
    #[cold]
    pub(crate) fn of(self, sent: &[u8]) -> Self {
        match RequestInfo::of(sent) {
            Some(request) => self.of_request(request, sent),
            None => self,
        }
    }

    pub(crate) fn of_request(mut self, request: RequestInfo, sent: &[u8]) -> Self {
        self.0.request = Some(request);
        self.0.sent = sent.into();
        self
    }

    /// The bytes of the request that failed, for [`explained`](Self::explained).
    pub(crate) fn sent(&self) -> &[u8] {
        &self.0.sent
    }

    /// Keeps what was seen of why, while there was something to be seen.
    pub(crate) fn with_reason(mut self, reason: Option<Reason>) -> Self {
        (self.0.reason, self.0.is_explained) = (reason, true);
        self
    }

    pub(crate) fn is_explained(&self) -> bool {
        self.0.is_explained
    }

    /// Why it failed, if somebody [has looked](Self::explained) and seen it.
    pub fn reason(&self) -> Option<&Reason> {
        self.0.reason.as_ref()
    }

    pub(crate) fn at_step(mut self, index: usize, of: usize) -> Self {
        self.0.step = Some(Step { index, of });
        self
    }

    pub(crate) fn with_undo(mut self, undo: Undo) -> Self {
        self.0.undo = Some(undo);
        self
    }

    /// Whether there is a link with a list so long that the kernel reports it wrongly, or (since Linux 7.3) not at all.
    pub(crate) fn is_unreportable_link(&self) -> bool {
        matches!(self.kind(), ErrorKind::Unexpected | ErrorKind::Truncated(_)) || self.is(Errno::EMSGSIZE)
    }

    /// Whether what was asked may have been done all the same.
    pub(crate) fn is_unknown_outcome(&self) -> bool {
        !matches!(self.kind(), ErrorKind::Kernel(_) | ErrorKind::Invalid(_))
    }

    pub(crate) fn with_link(mut self, whereabouts: Whereabouts) -> Self {
        self.0.link_is = Some(whereabouts);
        self
    }
}

macro_rules! questions {
    ($($(#[$d:meta])* $name:ident $errno:ident;)*) => {
        impl Error {
            $($(#[$d])* pub fn $name(&self) -> bool { self.is(Errno::$errno) })*
        }
    };
}
questions! {
    /// EEXIST: the name, index or VLAN is there already.
    is_already_there EEXIST;
    /// ENODEV: there is no such link.
    is_no_device ENODEV;
    /// ESRCH: there is no such process.
    is_no_process ESRCH;
    /// EPERM: a capability is missing, mostly CAP_NET_ADMIN.
    is_not_permitted EPERM;
    /// EACCES: a file may not be opened.
    is_access_denied EACCES;
    /// EBUSY: the parent is a bridge port or carries another kind, or the index is taken.
    is_busy EBUSY;
    /// EADDRINUSE: a MAC address is in use on the parent.
    is_address_in_use EADDRINUSE;
    /// EOPNOTSUPP: the kernel does not know the kind, or the kind does not do this.
    is_not_supported EOPNOTSUPP;
}

impl KernelError {
    /// Reads the kernel's refusal of `request`, the message as it was sent. [`Error::refused`] also keeps the request.
    pub fn new(ack: &Ack<'_>, request: &[u8]) -> Self {
        let text = ack.text().map(|text| Name(text).to_string().into_boxed_str());
        let kind = RequestInfo::kind_of(request);
        let unknown_kind = ack.errno() == Errno::EOPNOTSUPP as i32
            && RequestInfo::of(request).is_some_and(|request| request.verb == Verb::Create)
            && text.as_deref() == Some("Unknown device type");
        Self {
            errno: ack.errno(),
            attribute: ack.offset().and_then(|offset| attribute_at(request, offset)),
            policy: ack.policy(),
            missing_module: kind.filter(|_| unknown_kind).map(|kind| kind.module),
            text,
        }
    }
}

impl std::error::Error for KernelError {}

/// `ERANGE: Attribute failed policy validation: IFLA_MACVLAN_MODE`
impl fmt::Display for KernelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Errno::from_raw(self.errno) {
            Errno::UnknownErrno => write!(f, "errno {}", self.errno)?,
            errno => write!(f, "{errno:?}")?,
        }
        if let Some(text) = &self.text {
            write!(f, ": {text}")?;
        }
        if let Some(attribute) = self.attribute {
            write!(f, ": {attribute}")?;
        }
        if let Some(policy) = self.policy {
            write_limits(f, policy)?;
        }
        match self.missing_module {
            Some(module) => write!(f, " (this kernel lacks the driver: module {module})"),
            None => Ok(()),
        }
    }
}

/// ` (at least 4 bytes)`. The full range of an integer's type is no news.
fn write_limits(f: &mut fmt::Formatter<'_>, policy: Policy) -> fmt::Result {
    let Policy { min, max, min_length, max_length } = policy;
    let max = max.filter(|max| ![u32::MAX.into(), i32::MAX.into(), u16::MAX.into()].contains(max));
    let limits = [
        ("at least", min.filter(|min| *min != 0 && *min != i32::MIN.into()), ""),
        ("at most", max, ""),
        ("at least", min_length.map(i128::from), " bytes"),
        ("at most", max_length.map(i128::from), " bytes"),
    ];
    let mut separator = " (";
    for (word, limit, unit) in limits {
        if let Some(limit) = limit {
            write!(f, "{separator}{word} {limit}{unit}")?;
            separator = ", ";
        }
    }
    f.write_str(if separator == ", " { ")" } else { "" })
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, request, sent: _, step, link_is, undo, is_explained: _, reason: _ } = &*self.0;
        if let Some(Step { index, of }) = step {
            write!(f, "step {} of {of}, ", index + 1)?;
        }
        if let Some(request) = request {
            write!(f, "{request}: ")?;
        }
        kind.fmt(f)?;
        f.write_str(match link_is {
            Some(Whereabouts::Here) => " (the link has not left its namespace)",
            Some(Whereabouts::There) => " (the link is in the other namespace now)",
            Some(Whereabouts::Unknown) => " (which namespace has the link now is unknown)",
            None => "",
        })?;
        match undo {
            Some(Undo::Clean) => f.write_str(" (no link is left behind)"),
            Some(Undo::Replaced(index)) => {
                write!(f, " (link #{index} of the container is not the one attached, and is let alone)")
            }
            Some(Undo::LeftBehind(index)) => write!(f, " (link #{index} is left behind in the container)"),
            Some(Undo::Unknown(index)) => write!(f, " (link #{index} may be left behind in the container)"),
            None => Ok(()),
        }
    }
}

/// The sentence as well: it is what `main` prints of an error that it returns.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0.kind {
            ErrorKind::Io { error, .. } => Some(&**error),
            _ => None, // the sentence says it all
        }
    }
}

impl<T: Into<ErrorKind>> From<T> for Error {
    fn from(kind: T) -> Self {
        Self(Box::new(Inner {
            kind: kind.into(),
            request: None,
            sent: Box::default(),
            step: None,
            link_is: None,
            undo: None,
            is_explained: false,
            reason: None,
        }))
    }
}

/// No buffer of the library's is too small for a request that fits a message at all.
impl From<NoRoom> for ErrorKind {
    fn from(NoRoom { needed }: NoRoom) -> Self {
        InvalidValue::TooLong(needed).into()
    }
}

/// Keeps the sentence and the source; the kind is that of the error number.
impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match error.kind() {
            ErrorKind::Invalid(_) => io::ErrorKind::InvalidInput,
            ErrorKind::Malformed(_) | ErrorKind::Truncated(_) | ErrorKind::Unexpected => io::ErrorKind::InvalidData,
            ErrorKind::Interrupted => io::ErrorKind::Interrupted,
            _ => error.raw_os_error().map_or(io::ErrorKind::Other, |errno| Self::from_raw_os_error(errno).kind()),
        };
        Self::new(kind, error)
    }
}

/// A list that could not be read to its end, or not rightly: what was read until then, and why.
///
/// `?` turns it into the [`Error`] alone.
#[derive(Debug, thiserror::Error)]
#[error("{error}; {} were read", items.len())]
pub struct Partial<T> {
    /// What was read.
    pub items: Vec<T>,
    /// Why it may not be all, or not right.
    pub error: Error,
}

impl<T> From<Partial<T>> for Error {
    fn from(partial: Partial<T>) -> Self {
        partial.error
    }
}

const _: () = assert!(size_of::<Error>() == size_of::<usize>());
const _: () = {
    const fn is_portable<T: Send + Sync + 'static>() {}
    is_portable::<Error>();
};
