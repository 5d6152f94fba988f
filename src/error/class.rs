//! Errors in few words, for callers that map them to codes of their own.

use super::{Error, ErrorKind, KernelError, Reason};
use crate::request::Verb;
use nix::errno::Errno;
use std::io;

/// What sort of failure it was: what a caller decides by.
///
/// ```
/// use sublink::error::{Class, Subject};
/// /// The codes of the CNI specification: 4 for invalid environment, 7 for invalid configuration, 11 for "try again later".
/// fn code(error: &sublink::Error) -> u32 {
///     match (error.class(), error.subject()) {
///         (Class::Gone, Subject::Namespace) => 4,
///         (Class::Invalid, _) => 7,
///         (Class::Busy | Class::Transient, _) => 11,
///         _ => 999,
///     }
/// }
/// assert_eq!(code(&sublink::IfName::new("").unwrap_err().into()), 7);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Class {
    /// A value cannot be what was asked for, here or in the kernel's view.
    Invalid,
    /// What was asked for is not there, or no longer.
    Gone,
    /// Something else uses it: try again when that has ended.
    Busy,
    /// Somebody else has the name, index, address or id.
    Taken,
    /// It may succeed when it is tried again; what was asked may have been done.
    Transient,
    /// A capability or a file permission is missing.
    Permission,
    /// The kernel lacks it, or answered what cannot be read.
    Kernel,
    /// A system call failed for another cause.
    Io,
}

/// What a failure is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Subject {
    /// The link that was to be created, changed, deleted or read.
    Link,
    /// The link that it stands on, or was to stand on.
    Parent,
    /// A network namespace.
    Namespace,
    /// An IP address.
    Address,
    /// A route.
    Route,
    /// Something else, such as the socket.
    Other,
}

impl Error {
    /// What sort of failure it was.
    pub fn class(&self) -> Class {
        match self.kind() {
            ErrorKind::Invalid(_)
            | ErrorKind::IpNetwork(_)
            | ErrorKind::IpAddr(_)
            | ErrorKind::SameNamespace
            | ErrorKind::NotANamespace { .. }
            | ErrorKind::Forked => Class::Invalid,
            ErrorKind::OnlyAltName { .. }
            | ErrorKind::AnotherAddress { .. }
            | ErrorKind::AddressGone(_)
            | ErrorKind::NamespaceGone(_) => Class::Gone,
            ErrorKind::DuplicateAddress(_) | ErrorKind::NameIsTaken { .. } => Class::Taken,
            ErrorKind::Interrupted | ErrorKind::Overrun | ErrorKind::TimedOut | ErrorKind::StillTentative(_) => {
                Class::Transient
            }
            ErrorKind::Ignored(_) | ErrorKind::Truncated(_) | ErrorKind::Malformed(_) | ErrorKind::Unexpected => {
                Class::Kernel
            }
            ErrorKind::Kernel(KernelError { errno, .. }) => class_of(*errno).unwrap_or(Class::Kernel),
            ErrorKind::Io { error, .. } => class_of_io(error),
        }
    }

    /// What it is about, as far as the request, the reason and the system call tell.
    pub fn subject(&self) -> Subject {
        let of_reason = self.reason().and_then(Reason::subject);
        of_reason.or(self.0.subject).unwrap_or_else(|| self.subject_of_request())
    }

    fn subject_of_request(&self) -> Subject {
        let Some(request) = self.request() else { return Subject::Other };
        let needs_parent = request.verb == Verb::Create && request.parent.is_some();
        match request.verb {
            Verb::AddAddress | Verb::ReplaceAddress | Verb::DeleteAddress | Verb::ListAddresses => Subject::Address,
            Verb::AddRoute | Verb::ReplaceRoute | Verb::DeleteRoute | Verb::ListRoutes => Subject::Route,
            Verb::GetNsid | Verb::NewNsid => Subject::Namespace,
            // A create names no other link that can be missing or down.
            _ if needs_parent && (self.is(Errno::ENODEV) || self.is(Errno::ENETDOWN)) => Subject::Parent,
            Verb::Other(_) => Subject::Other,
            _ => Subject::Link,
        }
    }
}

fn class_of(errno: i32) -> Option<Class> {
    Some(match Errno::from_raw(errno) {
        Errno::EPERM | Errno::EACCES | Errno::EROFS => Class::Permission,
        Errno::ENODEV | Errno::ENOENT | Errno::ESRCH | Errno::EADDRNOTAVAIL | Errno::ENXIO => Class::Gone,
        Errno::EEXIST | Errno::EADDRINUSE | Errno::ENOSPC => Class::Taken,
        Errno::EBUSY => Class::Busy,
        Errno::EAGAIN | Errno::ENOBUFS | Errno::ENOMEM | Errno::ETIMEDOUT | Errno::EINTR | Errno::ENETDOWN => {
            Class::Transient
        }
        Errno::EINVAL | Errno::ERANGE | Errno::EBADF | Errno::EMSGSIZE | Errno::ENETUNREACH | Errno::EHOSTUNREACH => {
            Class::Invalid
        }
        Errno::EOPNOTSUPP | Errno::EAFNOSUPPORT | Errno::EPROTONOSUPPORT | Errno::ENOTCONN => Class::Kernel,
        _ => return None,
    })
}

/// Of a system call, an invalid argument says nothing about what the caller asked for.
fn class_of_io(error: &io::Error) -> Class {
    let class = error.raw_os_error().and_then(class_of);
    class.filter(|class| !matches!(class, Class::Invalid | Class::Kernel)).unwrap_or(Class::Io)
}
