//! What went wrong, in which request, what the kernel said of it, and where things stand now.
//!
//! [`Error`] is one word wide, so that the way of success stays cheap. It prints as a sentence, every part of which is a
//! field:
//!
//! ```text
//! bring up eth0: EADDRINUSE (Address already in use): the MAC address 02:00:00:00:00:07 is already used by mv3 (#9) on the
//! same parent; no link is left behind
//! create vlan eth0.50 on eth0: EEXIST: 8021q: VLAN device already exists
//! change macvlan mv0: ERANGE: integer out of range: IFLA_GSO_MAX_SIZE (at least 193)
//! ```

mod class;
mod kernel;
mod kind;
mod outcome;
mod reason;

pub use class::{Class, Subject};
pub use kernel::KernelError;
pub use kind::{ErrorKind, NoCarrier};
pub use outcome::{Step, Undo, Whereabouts};
pub use reason::{FoundNeighbour, FoundRoute, Reason};

use crate::reply::Ack;
use crate::request::{RequestInfo, Verb};
use crate::value::{IfIndex, IfName};
use nix::errno::Errno;
use std::fmt;
use std::io;
use std::sync::Arc;

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
    /// What it is about, where the request does not tell.
    subject: Option<Subject>,
    /// The id of the namespace whose socket it failed on, where that is known.
    namespace: Option<u64>,
    /// Whether the request did not leave: then nothing was done.
    is_not_sent: bool,
    /// Whether answers to other steps of the batch were lost.
    is_lossy: bool,
}

impl Error {
    #[cold]
    fn new(kind: ErrorKind) -> Self {
        Self(Box::new(Inner {
            kind,
            request: None,
            sent: Box::default(),
            step: None,
            link_is: None,
            undo: None,
            is_explained: false,
            reason: None,
            subject: None,
            namespace: None,
            is_not_sent: false,
            is_lossy: false,
        }))
    }

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
            ErrorKind::NameIsTaken { .. } => Some(Errno::EEXIST as i32),
            ErrorKind::AnotherAddress { .. } => Some(Errno::EADDRNOTAVAIL as i32),
            ErrorKind::NamespaceGone(_) => Some(Errno::ENOENT as i32),
            ErrorKind::Overrun => Some(Errno::ENOBUFS as i32),
            ErrorKind::TimedOut => Some(Errno::ETIMEDOUT as i32),
            ErrorKind::Io { error, .. } => error.raw_os_error(),
            _ => None,
        }
    }

    /// Whether a list may lack entries, because it changed while it was read or because the kernel ended it early
    /// ([`ErrorKind::Interrupted`], [`ErrorKind::CutShort`]): read it again, or use what was read as far as it goes.
    pub fn is_interrupted(&self) -> bool {
        matches!(self.kind(), ErrorKind::Interrupted | ErrorKind::CutShort)
    }

    /// Whether a list that ended so may come whole when it is read again. Its entries, or answers of before that nobody has read,
    /// may have been more than the buffer holds; reading it again begins with an empty one.
    pub(crate) fn may_be_read_again(&self) -> bool {
        self.is_interrupted() || matches!(self.kind(), ErrorKind::Overrun)
    }

    fn is(&self, errno: Errno) -> bool {
        self.raw_os_error() == Some(errno as i32)
    }

    pub(crate) fn io(doing: impl Into<Box<str>>, error: impl Into<io::Error>) -> Self {
        ErrorKind::Io { doing: doing.into(), error: Arc::new(error.into()) }.into()
    }

    /// Notes the namespace of the socket that the request was sent on.
    pub(crate) fn in_namespace(mut self, namespace: Option<u64>) -> Self {
        self.0.namespace = namespace;
        self
    }

    /// Whether it surely failed in another namespace than this one, where nothing that is seen would be why.
    pub(crate) fn is_of_another_namespace(&self, namespace: Option<u64>) -> bool {
        self.0.namespace.zip(namespace).is_some_and(|(its, this)| its != this)
    }

    /// An error of a look-up after a request that was sent: what the request did is not known.
    pub(crate) fn behind_a_send(mut self) -> Self {
        self.0.is_not_sent = false;
        self
    }

    /// The send failed, so the kernel has not seen the request.
    pub(crate) fn not_sent(mut self) -> Self {
        self.0.is_not_sent = true;
        self
    }

    /// Answers to other steps of the batch were lost, besides.
    pub(crate) fn with_losses(mut self, are_lost: bool) -> Self {
        self.0.is_lossy |= are_lost;
        self
    }

    /// Whether answers to other steps of the same batch were lost: those steps are
    /// [unknown](crate::batch::Outcome::Unknown).
    pub fn has_lost_answers(&self) -> bool {
        self.0.is_lossy || matches!(self.kind(), ErrorKind::Overrun | ErrorKind::TimedOut)
    }

    pub(crate) fn about(mut self, subject: Subject) -> Self {
        self.0.subject = Some(subject);
        self
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

    /// Forgets the index that a link was to be created with: the library chose it, and took another wherever one was taken.
    pub(crate) fn without_chosen_index(mut self) -> Self {
        if let Some(request) = self.0.request.as_mut().filter(|request| request.verb == Verb::Create) {
            request.index = None;
        }
        self
    }

    /// Names a link by the name that it is to have, instead of the temporary one that it has while it is made.
    pub(crate) fn with_name(mut self, name: IfName) -> Self {
        if let Some(request) = &mut self.0.request {
            let is_temporary = |given: &[u8]| IfName::received(given).is_temporary();
            request.name =
                request.name.take().map(|given| if is_temporary(&given) { name.as_bytes().into() } else { given });
            request.index_name = request.index_name.map(|given| if given.is_temporary() { name } else { given });
        }
        self
    }

    /// Adds the name of a link that the request names by its index only, for the case that no link of the index is left.
    pub(crate) fn naming(mut self, index: IfIndex, name: Option<IfName>) -> Self {
        if let Some(request) = self.0.request.as_mut().filter(|request| request.index == Some(index)) {
            request.index_name = request.index_name.or(name);
            request.index = request.index.filter(|_| request.index_name.is_some());
        }
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
        !self.0.is_not_sent && !matches!(self.kind(), ErrorKind::Kernel(_) | ErrorKind::Invalid(_))
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
    /// ENOENT: there is no such file, namespace or setting.
    is_not_found ENOENT;
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

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner {
            kind,
            request,
            sent: _,
            step,
            link_is,
            undo,
            is_explained: _,
            reason,
            subject: _,
            namespace: _,
            is_not_sent: _,
            is_lossy,
        } = &*self.0;
        match (request, step) {
            (Some(request), _) => write!(f, "{request}: ")?,
            (None, Some(Step { index, of })) => write!(f, "step {} of {of}: ", index + 1)?,
            (None, None) => {}
        }
        kind.fmt(f)?;
        if let Some(reason) = reason {
            write!(f, ": {reason}")?;
        }
        if *is_lossy {
            f.write_str("; answers to other steps were lost, and their outcome is unknown")?;
        }
        if let Some(link_is) = link_is {
            write!(f, "; {link_is}")?;
        }
        match undo {
            Some(undo) => write!(f, "; {undo}"),
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

/// Keeps the sentence and the source; the kind is that of the error number.
impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match error.kind() {
            ErrorKind::Invalid(_)
            | ErrorKind::IpNetwork(_)
            | ErrorKind::IpAddr(_)
            | ErrorKind::SameNamespace
            | ErrorKind::NotANamespace { .. } => io::ErrorKind::InvalidInput,
            ErrorKind::Malformed(_) | ErrorKind::Truncated(_) | ErrorKind::Unexpected => io::ErrorKind::InvalidData,
            ErrorKind::Interrupted | ErrorKind::CutShort => io::ErrorKind::Interrupted,
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
#[expect(clippy::exhaustive_structs, reason = "what was read, and why no more; callers take it apart")]
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
