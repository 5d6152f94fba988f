//! Errors in few words, for callers that map them to codes of their own.

use super::{Error, ErrorKind, KernelError, NoCarrier, Reason};
use crate::request::Verb;
use crate::value::InvalidValue;
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
    /// A neighbour or a forwarding entry.
    Neighbour,
    /// Something else, such as the socket.
    Other,
}

impl Error {
    /// What sort of failure it was.
    pub fn class(&self) -> Class {
        match self.kind() {
            ErrorKind::Kernel(KernelError { errno, .. }) => {
                let of_reason = self.reason().and_then(Reason::class);
                of_reason.or_else(|| self.class_of_request()).or_else(|| class_of(*errno)).unwrap_or(Class::Kernel)
            }
            ErrorKind::Invalid(_)
            | ErrorKind::IpNetwork(_)
            | ErrorKind::IpAddr(_)
            | ErrorKind::SameNamespace
            | ErrorKind::NotANamespace { .. }
            | ErrorKind::Forked
            | ErrorKind::NoLinkLocal(_) => Class::Invalid,
            ErrorKind::OnlyAltName { .. }
            | ErrorKind::AnotherAddress { .. }
            | ErrorKind::AddressGone(_)
            | ErrorKind::NamespaceGone(_) => Class::Gone,
            ErrorKind::DuplicateAddress(_) | ErrorKind::NameIsTaken { .. } => Class::Taken,
            ErrorKind::Interrupted
            | ErrorKind::CutShort
            | ErrorKind::Overrun
            | ErrorKind::TimedOut
            | ErrorKind::StillTentative(_)
            | ErrorKind::NoCarrier { .. } => Class::Transient,
            ErrorKind::Ignored(_)
            | ErrorKind::Unchecked
            | ErrorKind::Truncated(_)
            | ErrorKind::Malformed(_)
            | ErrorKind::Unexpected => Class::Kernel,
            ErrorKind::Io { error, .. } => self.reason().and_then(Reason::class).unwrap_or_else(|| class_of_io(error)),
        }
    }

    /// Some numbers mean different things for different requests. A bond answers EPERM for a link that is up. EADDRNOTAVAIL says
    /// that an address is absent only where one was to be deleted.
    fn class_of_request(&self) -> Option<Class> {
        let ErrorKind::Kernel(kernel) = self.kind() else { return None };
        let verb = self.request()?.verb;
        match Errno::from_raw(kernel.errno) {
            Errno::EPERM if kernel.is_of_bond() => Some(Class::Invalid),
            Errno::EADDRNOTAVAIL if verb != Verb::DeleteAddress => Some(Class::Invalid),
            _ => None,
        }
    }

    /// What it is about, as far as the request, the reason and the system call tell.
    pub fn subject(&self) -> Subject {
        let of_reason = self.reason().and_then(Reason::subject);
        of_reason.or(self.0.subject).or_else(|| self.subject_of_kind()).unwrap_or_else(|| self.subject_of_request())
    }

    fn subject_of_kind(&self) -> Option<Subject> {
        Some(match self.kind() {
            ErrorKind::NoCarrier { why: NoCarrier::ParentIsDown | NoCarrier::ParentHasNone, .. } => Subject::Parent,
            ErrorKind::OnlyAltName { .. } | ErrorKind::NoCarrier { .. } => Subject::Link,
            ErrorKind::NoLinkLocal(_)
            | ErrorKind::AddressGone(_)
            | ErrorKind::StillTentative(_)
            | ErrorKind::DuplicateAddress(_) => Subject::Address,
            ErrorKind::SameNamespace
            | ErrorKind::NotANamespace { .. }
            | ErrorKind::NamespaceGone(_)
            | ErrorKind::Invalid(InvalidValue::NamespaceName(_) | InvalidValue::NotAPidfd) => Subject::Namespace,
            _ => return None,
        })
    }

    fn subject_of_request(&self) -> Subject {
        let Some(request) = self.request() else { return Subject::Other };
        let needs_parent = request.verb == Verb::Create && request.parent.is_some();
        match request.verb {
            Verb::AddAddress | Verb::ReplaceAddress | Verb::DeleteAddress | Verb::ListAddresses => Subject::Address,
            Verb::AddRoute | Verb::ReplaceRoute | Verb::DeleteRoute | Verb::ListRoutes => Subject::Route,
            Verb::AddNeighbour
            | Verb::ReplaceNeighbour
            | Verb::ChangeNeighbour
            | Verb::DeleteNeighbour
            | Verb::GetNeighbour
            | Verb::AskNeighbour
            | Verb::AddProxy
            | Verb::DeleteProxy
            | Verb::GetProxy
            | Verb::ListNeighbours
            | Verb::AddForwarding
            | Verb::DeleteForwarding
            | Verb::ListForwarding => Subject::Neighbour,
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
        Errno::ELOOP | Errno::EMLINK => Class::Invalid, // of links on one another
        Errno::EOPNOTSUPP | Errno::EAFNOSUPPORT | Errno::EPROTONOSUPPORT | Errno::ENOTCONN => Class::Kernel,
        _ => return None,
    })
}

/// An EINVAL of a system call says nothing about what the caller asked for.
fn class_of_io(error: &io::Error) -> Class {
    let class = error.raw_os_error().and_then(class_of);
    class.filter(|class| !matches!(class, Class::Invalid | Class::Kernel)).unwrap_or(Class::Io)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addr::DeleteAddress;
    use crate::link::LinkChange;
    use crate::reply::Reply;
    use crate::value::{Given, IfIndex, IfName};
    use crate::wire::{Messages, encoded};

    fn refused(errno: Errno) -> Error {
        let mut bytes = [0; 36];
        bytes[0] = 36;
        bytes[4] = 2; // NLMSG_ERROR
        bytes[16..20].copy_from_slice(&(-(errno as i32)).to_ne_bytes());
        let message = Messages::new(&bytes).next().unwrap().unwrap();
        match Reply::of(message).unwrap() {
            Reply::Ack(ack) => KernelError::new(&ack, &[]).into(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_error_number_is_classed() {
        let rows = [
            (Errno::EPERM, Class::Permission),
            (Errno::ENODEV, Class::Gone),
            (Errno::EEXIST, Class::Taken),
            (Errno::EBUSY, Class::Busy),
            (Errno::ENETDOWN, Class::Transient),
            (Errno::EINVAL, Class::Invalid),
            (Errno::EOPNOTSUPP, Class::Kernel),
            (Errno::EDOM, Class::Kernel),
        ];
        for (errno, class) in rows {
            assert_eq!(refused(errno).class(), class, "{errno}");
        }
    }

    #[test]
    fn a_reason_says_more_than_the_number() {
        let parent = IfName::new("p0").unwrap();
        let index = IfIndex(7);
        let rows = [
            (Errno::EINVAL, Reason::Passthru { parent, children: Vec::new() }, Class::Busy, Subject::Parent),
            (Errno::EINVAL, Reason::MasterIsGone(index), Class::Gone, Subject::Other),
            (Errno::ENODEV, Reason::ParentIsGone(index), Class::Gone, Subject::Parent),
            (
                Errno::EBUSY,
                Reason::TakenThere { name: None, index: Some(index), owner: None, here: None, or_alt_name: false },
                Class::Taken,
                Subject::Other,
            ),
            (Errno::EPERM, Reason::GroupZero, Class::Invalid, Subject::Other),
            (Errno::EACCES, Reason::Ipv6IsOff(parent), Class::Invalid, Subject::Link),
            (Errno::ENODEV, Reason::NoIpv6 { link: parent, mtu: 1000 }, Class::Invalid, Subject::Link),
            (Errno::EINVAL, Reason::SourceIsAbsent("10.0.0.7".parse().unwrap()), Class::Gone, Subject::Address),
            (Errno::ENETUNREACH, Reason::LinkIsDown(parent), Class::Transient, Subject::Link),
            (Errno::EPERM, Reason::NotPermittedAtTarget, Class::Permission, Subject::Namespace),
        ];
        for (errno, reason, class, subject) in rows {
            let error = refused(errno).with_reason(Some(reason.clone()));
            assert_eq!((error.class(), error.subject()), (class, subject), "{reason:?}");
        }
    }

    #[test]
    fn a_number_is_not_the_same_for_each_request() {
        let of = |errno: Errno, text: Option<&str>, request: &[u8]| {
            let mut error = refused(errno).of(request);
            if let ErrorKind::Kernel(kernel) = &mut error.0.kind {
                kernel.text = text.map(Into::into);
            }
            error.class()
        };
        let change = encoded(&LinkChange::new(IfIndex(7)).master(IfIndex(8)));
        assert_eq!(of(Errno::EPERM, None, &change), Class::Permission);
        assert_eq!(of(Errno::EPERM, Some("Device can not be enslaved while up"), &change), Class::Invalid);
        assert_eq!(of(Errno::EADDRNOTAVAIL, None, &change), Class::Invalid);
        assert_eq!(of(Errno::ELOOP, Some("Can not enslave a bridge to a bridge"), &change), Class::Invalid);
        let delete = encoded(&DeleteAddress::new(IfIndex(7), "10.0.0.7/24".parse().unwrap()));
        assert_eq!(of(Errno::EADDRNOTAVAIL, None, &delete), Class::Gone);
    }

    #[test]
    fn a_kind_says_what_it_is_about() {
        let rows = [
            (ErrorKind::SameNamespace, Class::Invalid, Subject::Namespace),
            (ErrorKind::NamespaceGone("/run/netns/c1".into()), Class::Gone, Subject::Namespace),
            (ErrorKind::AddressGone("fd00::1".parse().unwrap()), Class::Gone, Subject::Address),
            (ErrorKind::Invalid(InvalidValue::NamespaceName(Given::new(b".."))), Class::Invalid, Subject::Namespace),
        ];
        for (kind, class, subject) in rows {
            let error = Error::new(kind);
            assert_eq!((error.class(), error.subject()), (class, subject), "{error}");
        }
    }
}
