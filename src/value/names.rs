//! Names of links: to give, checked once when they are made, and received, taken as they are and printed escaped.

use super::{Given, InvalidValue};
use crate::wire::{FromWire, Full, Get, Out, Put, align, compare_as_printed};
use std::fmt;
use std::str::FromStr;

/// White space is what the kernel's `isspace` takes for it, in Latin-1.
const fn is_forbidden(byte: u8) -> bool {
    matches!(byte, 0 | b'/' | b':' | b'%' | b' ' | 0x09..=0x0d | 0xa0)
}

/// An interface's name: 1 to 15 bytes, none of which is NUL, `/`, `:`, `%` or white space.
///
/// Not `.`, `..`, `all` or `default` either, which name files below `/proc/sys/net`. The bytes need not be UTF-8, and
/// control characters are allowed by the kernel: so a name is printed escaped. `%` is refused because the kernel takes
/// `eth%d` for a pattern. Source: `dev_valid_name` in `net/core/dev.c`.
///
/// ```
/// # use sublink::IfName;
/// # use sublink::value::InvalidValue;
/// assert_eq!(IfName::new("eth0.50")?.to_string(), "eth0.50");
/// assert!(matches!(IfName::new("eth0\0x"), Err(InvalidValue::NameByte { byte: 0, .. })));
/// # Ok::<(), InvalidValue>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IfName {
    padded: [u8; 16],
    /// With the NUL that ends it on the wire.
    size: u8,
}

impl IfName {
    /// No name: of a link that has not told its own yet.
    pub(crate) const UNKNOWN: Self = Self { padded: [0; 16], size: 0 };

    /// From text.
    pub const fn new(name: &str) -> Result<Self, InvalidValue> {
        Self::from_bytes(name.as_bytes())
    }

    /// From bytes that need not be UTF-8.
    pub const fn from_bytes(name: &[u8]) -> Result<Self, InvalidValue> {
        if name.is_empty() || name.len() > 15 {
            return Err(InvalidValue::NameLength(Given::new(name)));
        }
        let mut rest = name;
        while let [byte, after @ ..] = rest {
            if is_forbidden(*byte) {
                return Err(InvalidValue::NameByte { name: Given::new(name), byte: *byte });
            }
            rest = after;
        }
        if matches!(name, b"." | b".." | b"all" | b"default") {
            return Err(InvalidValue::NameReserved(Given::new(name)));
        }
        Ok(Self::received(name))
    }

    /// The beginning of the temporary names that links have while this library makes them.
    pub(crate) const TEMPORARY: &str = "sl~";

    /// Whether it is a temporary name: the link is being made, or its maker ended in between.
    pub(crate) fn is_temporary(&self) -> bool {
        self.as_bytes().starts_with(Self::TEMPORARY.as_bytes())
    }

    /// A name that the kernel sent: cut at 15 bytes, and otherwise taken as it is.
    pub(crate) const fn received(mut name: &[u8]) -> Self {
        let (mut padded, mut size) = ([0; 16], 1);
        let mut free: &mut [u8] = &mut padded;
        while let ([byte, after @ ..], [slot, left @ ..]) = (name, free) {
            if size == 16 {
                break;
            }
            *slot = *byte;
            (name, free) = (after, left);
            size += 1;
        }
        Self { padded, size }
    }

    /// The bytes of the name.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        self.padded.get(..usize::from(self.size).saturating_sub(1)).unwrap_or_default()
    }

    /// The name as text that [`from_escaped`](Self::from_escaped) reads as the same name, whatever its bytes are: for files,
    /// options and command lines. Bytes other than ASCII letters, digits and punctuation, and the backslash, are written as
    /// `\xNN`.
    ///
    /// ```
    /// # use sublink::IfName;
    /// assert_eq!(IfName::new("eth0.50")?.to_escaped(), "eth0.50");
    /// let name = IfName::from_bytes(b"a\\b\xff")?;
    /// assert_eq!(name.to_escaped(), r"a\x5cb\xff");
    /// assert_eq!(IfName::from_escaped(r"a\x5cb\xff")?, name);
    /// # Ok::<(), sublink::value::InvalidValue>(())
    /// ```
    ///
    /// What a name prints as is for people, and may be read as another name.
    pub fn to_escaped(&self) -> String {
        let escaped = self.as_bytes().iter().map(|byte| match byte {
            byte if byte.is_ascii_graphic() && *byte != b'\\' => char::from(*byte).to_string(),
            byte => format!("\\x{byte:02x}"),
        });
        escaped.collect()
    }

    /// From text in which `\xNN` is a byte, as [`to_escaped`](Self::to_escaped) writes it. Everything else is taken as it is,
    /// but for a backslash.
    ///
    /// # Errors
    /// As [`from_bytes`](Self::from_bytes); and a backslash without `x` and two hexadecimal digits behind it.
    pub fn from_escaped(text: &str) -> Result<Self, InvalidValue> {
        let stray = InvalidValue::NameByte { name: Given::new(text.as_bytes()), byte: b'\\' };
        Self::from_bytes(&unescape(text).ok_or(stray)?)
    }

    /// The name as what a view lends: for printing and comparing.
    #[inline]
    pub fn as_name(&self) -> Name<'_> {
        Name(self.as_bytes())
    }
}

/// The bytes of text in which `\xNN` is one; `None` if a backslash has no `x` and two hexadecimal digits behind it.
pub(crate) fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut parts = text.split('\\');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.strip_prefix('x').and_then(|part| part.split_at_checked(2))?;
        let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit()); // from_str_radix takes a sign
        bytes.push(u8::from_str_radix(digits, 16).ok().filter(|_| is_hex)?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    Some(bytes)
}

impl Put for IfName {
    const UNSET: Self = Self::UNKNOWN;
    const MAX: usize = Out::padded_max(16);
    #[inline(always)]
    fn put<'b>(&self, ty: u16, to: Out<'b>) -> Result<Out<'b>, Full> {
        to.padded(ty, &self.padded, usize::from(self.size))
    }
    fn room(&self) -> usize {
        4 + align(usize::from(self.size))
    }
}

impl AsRef<[u8]> for IfName {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl FromStr for IfName {
    type Err = InvalidValue;
    fn from_str(name: &str) -> Result<Self, InvalidValue> {
        Self::new(name)
    }
}

impl fmt::Display for IfName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_name().fmt(f)
    }
}

impl fmt::Debug for IfName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_name().fmt(f)
    }
}

impl FromWire<Name<'_>> for IfName {
    fn from_wire(name: Name<'_>) -> Self {
        Self::received(name.0)
    }
}

impl TryFrom<Name<'_>> for IfName {
    type Error = InvalidValue;
    fn try_from(name: Name<'_>) -> Result<Self, InvalidValue> {
        Self::from_bytes(name.0)
    }
}

impl TryFrom<&[u8]> for IfName {
    type Error = InvalidValue;
    fn try_from(name: &[u8]) -> Result<Self, InvalidValue> {
        Self::from_bytes(name)
    }
}

impl PartialEq<str> for IfName {
    fn eq(&self, other: &str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl PartialEq<&str> for IfName {
    fn eq(&self, other: &&str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

/// A name, an alternative name or an alias as the kernel sent it: bytes, lent by a view.
///
/// It prints escaped, so that a name with control characters in it cannot write to a terminal: `eth0\x1b[2J`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Name<'a>(pub(crate) &'a [u8]);

impl<'a> Name<'a> {
    /// Bytes, as a name to print or compare.
    #[inline]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The bytes, without the NUL that ends them on the wire.
    #[inline]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }
}

impl<'a> Get<'a> for Name<'a> {
    #[inline]
    fn get(value: &'a [u8]) -> Option<Self> {
        Some(Self(value.strip_suffix(&[0]).unwrap_or(value)))
    }
}

compare_as_printed!(Name<'_>);

impl Name<'_> {
    /// Writes it so that nothing in it does anything to a terminal: control, invisible and direction-changing characters are
    /// escaped.
    fn escape(self, to: &mut impl fmt::Write) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for char in chunk.valid().chars() {
                match char {
                    '"' | '\'' => to.write_char(char)?,
                    _ => write!(to, "{}", char.escape_debug())?,
                }
            }
            for byte in chunk.invalid() {
                write!(to, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.width().is_none() {
            return self.escape(f);
        }
        let mut escaped = String::new();
        self.escape(&mut escaped)?;
        f.pad(&escaped)
    }
}

impl fmt::Debug for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl PartialEq<str> for Name<'_> {
    fn eq(&self, other: &str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl PartialEq<&str> for Name<'_> {
    fn eq(&self, other: &&str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl PartialEq<IfName> for Name<'_> {
    fn eq(&self, other: &IfName) -> bool {
        self.0 == other.as_bytes()
    }
}

impl From<Name<'_>> for Box<[u8]> {
    fn from(name: Name<'_>) -> Self {
        name.0.into()
    }
}

/// An alternative name to give a link: 1 to 127 bytes, the same ones as in an [`IfName`] (`IFLA_ALT_IFNAME`, Linux 5.5).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct AltName<'a>(&'a [u8]);

impl<'a> AltName<'a> {
    /// Checks `name`, which is borrowed.
    pub fn new(name: &'a (impl AsRef<[u8]> + ?Sized)) -> Result<Self, InvalidValue> {
        let name = name.as_ref();
        if name.is_empty() || name.len() > 127 {
            return Err(InvalidValue::AltNameLength(Given::new(name)));
        }
        match name.iter().find(|byte| is_forbidden(**byte)) {
            Some(byte) => Err(InvalidValue::NameByte { name: Given::new(name), byte: *byte }),
            None => Ok(Self(name)),
        }
    }

    /// The bytes.
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }
}

/// An alias to give a link: free text of at most 255 bytes; the empty one takes an alias away (`IFLA_IFALIAS`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Alias<'a>(&'a [u8]);

impl<'a> Alias<'a> {
    /// Checks the length of `text`, which is borrowed.
    pub fn new(text: &'a (impl AsRef<[u8]> + ?Sized)) -> Result<Self, InvalidValue> {
        let text = text.as_ref();
        if text.len() > 255 { Err(InvalidValue::AliasLength(Given::new(text))) } else { Ok(Self(text)) }
    }
}

impl Put for Alias<'_> {
    const UNSET: Self = Self(&[]);
    const MAX: usize = 4 + 256;
    fn put<'b>(&self, ty: u16, to: Out<'b>) -> Result<Out<'b>, Full> {
        to.bytes(ty, self.0)
    }
    fn room(&self) -> usize {
        4 + align(self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_the_kernel_takes() {
        for good in ["a", "eth0.50", "fifteen-bytes-x", "a\u{1b}b", "é"] {
            assert_eq!(IfName::new(good).unwrap().as_bytes(), good.as_bytes());
        }
        for bad in ["", "sixteen-bytes-xx"] {
            assert_eq!(IfName::new(bad), Err(InvalidValue::NameLength(Given::new(bad.as_bytes()))));
        }
        let held: [(&[u8], u8); 7] = [
            (b"ab\0cd", 0),
            (b"a/b", b'/'),
            (b"a:b", b':'),
            (b"eth%d", b'%'),
            (b"a b", b' '),
            (b"a\tb", b'\t'),
            (b"a\xa0b", 0xa0),
        ];
        for (bad, byte) in held {
            assert_eq!(IfName::from_bytes(bad), Err(InvalidValue::NameByte { name: Given::new(bad), byte }));
        }
        for bad in [".", "..", "all", "default"] {
            assert_eq!(IfName::new(bad), Err(InvalidValue::NameReserved(Given::new(bad.as_bytes()))));
        }
    }

    #[test]
    fn a_received_name_is_cut_and_never_refused() {
        assert_eq!(IfName::received(b"a-name-of-sixteen-bytes").as_bytes(), b"a-name-of-sixte");
        assert_eq!(IfName::received(b"").as_bytes(), b"");
        assert_eq!(IfName::received(b"all").as_bytes(), b"all");
    }

    #[test]
    fn names_print_escaped() {
        assert_eq!(Name(b"eth0\x1b[2J\xff").to_string(), "eth0\\u{1b}[2J\\xff");
        assert_eq!(Name("a\u{202e}b\u{200b}".as_bytes()).to_string(), "a\\u{202e}b\\u{200b}");
        assert_eq!(format!("{:<7}|{:>7}", Name("größe".as_bytes()), Name(b"it's")), "größe  |   it's");
        assert_eq!(Name("größe".as_bytes()).to_string(), "größe");
        assert_eq!(format!("{:6}|", Name(b"eth0")), "eth0  |");
    }

    #[test]
    fn alternative_names_and_aliases_have_their_lengths() {
        assert_eq!(AltName::new(&[b'a'; 128]), Err(InvalidValue::AltNameLength(Given::new(&[b'a'; 128]))));
        assert!(matches!(AltName::new("a b"), Err(InvalidValue::NameByte { byte: b' ', .. })));
        assert_eq!(Alias::new(&[b'a'; 256]), Err(InvalidValue::AliasLength(Given::new(&[b'a'; 256]))));
        assert!(Alias::new("").is_ok());
    }
}
