//! The kernel's refusal, with all that it says.

use crate::reply::{Ack, Policy};
use crate::request::{RequestInfo, Verb, attribute_at};
use crate::value::Name;
use nix::errno::Errno;
use std::fmt;
use std::io;

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

impl KernelError {
    /// Reads the kernel's refusal of `request`, the message as it was sent. [`Error::refused`](super::Error::refused) also keeps
    /// the request.
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

    /// Whether it is a bond that refuses a port, in its own words.
    pub(crate) fn is_of_bond(&self) -> bool {
        self.text.as_deref().is_some_and(|text| text.contains("nslave"))
    }
}

impl std::error::Error for KernelError {}

/// `ERANGE: Attribute failed policy validation: IFLA_MACVLAN_MODE`; without the kernel's words, those of the error number:
/// `ENODEV (No such device)`.
impl fmt::Display for KernelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Errno::from_raw(self.errno) {
            Errno::UnknownErrno => write!(f, "errno {}", self.errno)?,
            errno => write!(f, "{errno:?}")?,
        }
        match (&self.text, Errno::from_raw(self.errno)) {
            (Some(text), _) => write!(f, ": {text}")?,
            (None, Errno::UnknownErrno) => {}
            (None, _) => write!(f, " ({})", words(self.errno))?,
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

/// The C library's words for an error number: `No such device`.
fn words(errno: i32) -> String {
    let words = io::Error::from_raw_os_error(errno).to_string();
    words.strip_suffix(&format!(" (os error {errno})")).unwrap_or(&words).to_owned()
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
