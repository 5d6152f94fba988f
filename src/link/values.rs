//! Values that links are made of. Each is checked once, when it is made, and never again.

use crate::wire::{Full, Get, Out, Own, Put, align, fixed};
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

/// A value that cannot be what it should be; each says what would be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidValue {
    /// See [`IfName`].
    #[error("an interface name has 1 to 15 bytes, not {0}")]
    NameLength(usize),
    /// See [`IfName`].
    #[error("an interface name must not hold {:?}", char::from(*.0))]
    NameByte(u8),
    /// See [`IfName`].
    #[error(
        "`.`, `..`, `all` and `default` cannot be interface names: the kernel has files or settings of those names"
    )]
    NameReserved,
    /// See [`AltName`].
    #[error("an alternative name has 1 to 127 bytes, not {0}")]
    AltNameLength(usize),
    /// See [`Alias`].
    #[error("an alias has at most 255 bytes, not {0}")]
    AliasLength(usize),
    /// See [`IfIndex`].
    #[error("an interface index is 1 to 2147483647, not {0}")]
    Index(u32),
    /// See [`MacAddr`].
    #[error("a MAC address of an interface is neither multicast, broadcast nor zero, as {} is", Hex(.0))]
    MacNotUnicast([u8; 6]),
    /// See [`MacAddr`].
    #[error("a MAC address is six hexadecimal bytes, as in 02:00:00:00:00:07")]
    MacSyntax,
    /// See [`VlanId`](crate::VlanId).
    #[error("a VLAN id is 0 to 4094, not {0}")]
    VlanId(u16),
    /// See [`VlanId`](crate::VlanId).
    #[error("a VLAN id is a number from 0 to 4094")]
    VlanIdSyntax,
    /// See [`VlanPriority`](crate::VlanPriority).
    #[error("a VLAN priority is 0 to 7, not {0}")]
    VlanPriority(u8),
    /// A mode's name that the kind does not have; with those it has.
    #[error("the mode is one of {0}")]
    Mode(&'static str),
    /// The name of a kind of link or route that is none of those.
    #[error("the kind is one of {0}")]
    Kind(&'static str),
    /// The name of a state that is none of those.
    #[error("the state is one of {0}")]
    State(&'static str),
    /// The name of a VLAN's protocol that is none of those.
    #[error("the VLAN protocol is one of {0}")]
    VlanProtocol(&'static str),
    /// A message above [`NoRoom::LARGEST`](crate::wire::NoRoom::LARGEST), because of a list in it.
    #[error("the request would take {0} bytes, and a netlink attribute holds at most 65535: split its list")]
    TooLong(usize),
    /// A namespace path or descriptor that is something else.
    #[error("not a namespace: the file is not on nsfs")]
    NotANamespace,
    /// A name for `/run/netns` that holds a `/`, or is `.`, `..` or empty.
    #[error("the name of a namespace is the name of a file in /run/netns")]
    NamespaceName,
    /// A descriptor given as a socket that is not a netlink one.
    #[error("not a netlink socket")]
    NotARouteSocket,
}

/// An interface's name: 1 to 15 bytes, none of which is NUL, `/`, `:`, `%` or white space.
///
/// Not `.`, `..`, `all` or `default` either, which name files below `/proc/sys/net`. The bytes need not be UTF-8, and
/// control characters are allowed by the kernel: so a name is printed escaped. `%` is refused because the kernel takes
/// `eth%d` for a pattern. Source: `dev_valid_name` in `net/core/dev.c`.
///
/// ```
/// # use sublink::{IfName, InvalidValue};
/// assert_eq!(IfName::new("eth0.50")?.to_string(), "eth0.50");
/// assert_eq!(IfName::new("eth0\0x"), Err(InvalidValue::NameByte(0)));
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
            return Err(InvalidValue::NameLength(name.len()));
        }
        let mut rest = name;
        while let [byte, after @ ..] = rest {
            if matches!(byte, 0 | b'/' | b':' | b'%' | b' ' | 0x09..=0x0d | 0xa0) {
                return Err(InvalidValue::NameByte(*byte)); // 0xa0: isspace in the kernel's Latin-1
            }
            rest = after;
        }
        if matches!(name, b"." | b".." | b"all" | b"default") {
            return Err(InvalidValue::NameReserved);
        }
        Ok(Self::received(name))
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

    /// The name as what a view lends: for printing and comparing.
    #[inline]
    pub fn as_name(&self) -> Name<'_> {
        Name(self.as_bytes())
    }
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

impl Own<Name<'_>> for IfName {
    fn own(name: Name<'_>) -> Self {
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
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AltName<'a>(&'a [u8]);

impl<'a> AltName<'a> {
    /// Checks `name`, which is borrowed.
    pub fn new(name: &'a (impl AsRef<[u8]> + ?Sized)) -> Result<Self, InvalidValue> {
        let name = name.as_ref();
        if name.is_empty() || name.len() > 127 {
            return Err(InvalidValue::AltNameLength(name.len()));
        }
        match name.iter().find(|byte| matches!(byte, 0 | b'/' | b':' | b'%' | b' ' | 0x09..=0x0d | 0xa0)) {
            Some(byte) => Err(InvalidValue::NameByte(*byte)),
            None => Ok(Self(name)),
        }
    }

    /// The bytes.
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }
}

/// An alias to give a link: free text of at most 255 bytes; the empty one takes an alias away (`IFLA_IFALIAS`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Alias<'a>(&'a [u8]);

impl<'a> Alias<'a> {
    /// Checks the length of `text`, which is borrowed.
    pub fn new(text: &'a (impl AsRef<[u8]> + ?Sized)) -> Result<Self, InvalidValue> {
        let text = text.as_ref();
        if text.len() > 255 { Err(InvalidValue::AliasLength(text.len())) } else { Ok(Self(text)) }
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

/// An interface's index, which names it in one network namespace: 1 to 2,147,483,647.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IfIndex(pub(crate) u32);

impl IfIndex {
    /// Checks `index`.
    pub const fn new(index: u32) -> Result<Self, InvalidValue> {
        if index == 0 || index > i32::MAX as u32 { Err(InvalidValue::Index(index)) } else { Ok(Self(index)) }
    }

    /// An index to ask for when a link is created: random, from 16,384 to 32,767.
    ///
    /// The kernel counts up from 1 and is not disturbed by it; software that keeps an index in 16 bits is not either.
    pub fn random() -> Self {
        Self(16_384 + u32::from(random_u16() & 0x3fff))
    }

    /// The number.
    #[inline]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// As `ifinfomsg` has it: 0 leaves the choice to the kernel.
    #[inline]
    pub(crate) const fn or_zero(index: Option<Self>) -> u32 {
        match index {
            Some(Self(index)) => index,
            None => 0,
        }
    }
}

fixed! {
    IfIndex: 4 + 0, IfIndex(0), |v: IfIndex| v.0.to_ne_bytes(), |b| IfIndex::new(u32::from_ne_bytes(b)).ok();
}

impl fmt::Display for IfIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<IfIndex> for u32 {
    fn from(index: IfIndex) -> Self {
        index.get()
    }
}

impl TryFrom<u32> for IfIndex {
    type Error = InvalidValue;
    fn try_from(index: u32) -> Result<Self, InvalidValue> {
        Self::new(index)
    }
}

/// The link-layer address of an Ethernet-like interface: six bytes, neither multicast nor zero, as the kernel wants them
/// (`is_valid_ether_addr`).
///
/// ```
/// # use sublink::{InvalidValue, MacAddr};
/// let mac: MacAddr = "02:00:00:00:00:07".parse()?;
/// assert_eq!(mac.to_string(), "02:00:00:00:00:07");
/// assert!(MacAddr::new([1, 0, 0, 0, 0, 7]).is_err()); // multicast
/// # Ok::<(), InvalidValue>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MacAddr([u8; 6]);

impl MacAddr {
    /// Checks `bytes`.
    pub const fn new(bytes: [u8; 6]) -> Result<Self, InvalidValue> {
        match bytes {
            [0, 0, 0, 0, 0, 0] => Err(InvalidValue::MacNotUnicast(bytes)),
            [first, ..] if first & 1 != 0 => Err(InvalidValue::MacNotUnicast(bytes)),
            _ => Ok(Self(bytes)),
        }
    }

    /// A random, locally administered, unicast address: 46 random bits.
    pub fn random() -> Self {
        let [a, b, c, d, e, f, ..] = random().to_ne_bytes();
        Self([a & 0xfc | 0x02, b, c, d, e, f])
    }

    /// The six bytes.
    pub const fn bytes(self) -> [u8; 6] {
        self.0
    }
}

impl TryFrom<[u8; 6]> for MacAddr {
    type Error = InvalidValue;
    fn try_from(bytes: [u8; 6]) -> Result<Self, InvalidValue> {
        Self::new(bytes)
    }
}

fixed! {
    MacAddr:  6 + 2, MacAddr([0; 6]), |v: MacAddr| v.0, |b| MacAddr::new(b).ok();
    Broadcast: 6 + 2, Broadcast([0; 6]), |v: Broadcast| v.0, Broadcast;
}

/// A broadcast address, which may be any six bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Broadcast(pub [u8; 6]);

/// Six bytes as `02:00:00:00:00:07`.
struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for byte in self.0 {
            write!(f, "{separator}{byte:02x}")?;
            separator = ":";
        }
        Ok(())
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Hex(&self.0), f)
    }
}

impl fmt::Debug for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Hex(&self.0), f)
    }
}

impl FromStr for MacAddr {
    type Err = InvalidValue;
    /// Six pairs of hexadecimal digits, with `:` or `-` between them.
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let (mut bytes, mut parts) = ([0; 6], text.split([':', '-']));
        for byte in &mut bytes {
            let digits = parts.next().filter(|part| part.len() == 2 && part.bytes().all(|b| b.is_ascii_hexdigit()));
            *byte = digits.and_then(|d| u8::from_str_radix(d, 16).ok()).ok_or(InvalidValue::MacSyntax)?;
        }
        if parts.next().is_some() { Err(InvalidValue::MacSyntax) } else { Self::new(bytes) }
    }
}

/// A link-layer address as the kernel sent it: six bytes for Ethernet, others for other hardware.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LinkAddress<'a>(&'a [u8]);

impl<'a> LinkAddress<'a> {
    /// The bytes.
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// The address of an Ethernet-like link; `None` for other hardware, and for the zero address of `lo`.
    #[inline]
    pub fn mac(self) -> Option<MacAddr> {
        MacAddr::new(self.0.try_into().ok()?).ok()
    }
}

impl fmt::Display for LinkAddress<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Hex(self.0), f)
    }
}

impl<'a> Get<'a> for LinkAddress<'a> {
    #[inline]
    fn get(value: &'a [u8]) -> Option<Self> {
        Some(Self(value))
    }
}

impl From<LinkAddress<'_>> for Option<MacAddr> {
    fn from(address: LinkAddress<'_>) -> Self {
        address.mac()
    }
}

/// 64 bits that nobody outside can foretell, and that a fork does not repeat.
///
/// The standard library's hash keys come from the operating system once per thread; time, process and a counter keep
/// forked copies of the keys apart.
pub(crate) fn random() -> u64 {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let call = CALLS.fetch_add(1, Ordering::Relaxed) << 32 | u64::from(std::process::id());
    RandomState::new().hash_one((now.as_secs() << 30 | u64::from(now.subsec_nanos()), call))
}

fn random_u16() -> u16 {
    let [a, b, ..] = random().to_ne_bytes();
    u16::from_ne_bytes([a, b])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_the_kernel_takes() {
        for good in ["a", "eth0.50", "fifteen-bytes-x", "a\u{1b}b", "é"] {
            assert_eq!(IfName::new(good).unwrap().as_bytes(), good.as_bytes());
        }
        for (bad, why) in [
            ("", InvalidValue::NameLength(0)),
            ("sixteen-bytes-xx", InvalidValue::NameLength(16)),
            ("ab\0cd", InvalidValue::NameByte(0)),
            ("a/b", InvalidValue::NameByte(b'/')),
            ("a:b", InvalidValue::NameByte(b':')),
            ("eth%d", InvalidValue::NameByte(b'%')),
            ("a b", InvalidValue::NameByte(b' ')),
            ("a\tb", InvalidValue::NameByte(b'\t')),
            (".", InvalidValue::NameReserved),
            ("..", InvalidValue::NameReserved),
            ("all", InvalidValue::NameReserved),
            ("default", InvalidValue::NameReserved),
        ] {
            assert_eq!(IfName::new(bad), Err(why), "{bad:?}");
        }
        assert_eq!(IfName::from_bytes(b"a\xa0b"), Err(InvalidValue::NameByte(0xa0)));
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
    fn macs_are_unicast() {
        assert_eq!("02:00:00:00:00:07".parse(), MacAddr::new([2, 0, 0, 0, 0, 7]));
        assert_eq!("02-00-00-00-00-Af".parse(), MacAddr::new([2, 0, 0, 0, 0, 0xaf]));
        for bad in
            ["", "02:00:00:00:00", "02:00:00:00:00:07:08", "2:0:0:0:0:7", "02:00:00:00:00:0g", "+2:00:00:00:00:00"]
        {
            assert_eq!(bad.parse::<MacAddr>(), Err(InvalidValue::MacSyntax), "{bad}");
        }
        for bad in [[0; 6], [0xff; 6], [1, 0, 0x5e, 0, 0, 1]] {
            assert_eq!(MacAddr::new(bad), Err(InvalidValue::MacNotUnicast(bad)));
        }
    }

    #[test]
    fn random_values_are_valid_and_differ() {
        let macs: std::collections::HashSet<_> = (0..1000).map(|_| MacAddr::random()).collect();
        assert_eq!(macs.len(), 1000);
        assert!(macs.iter().all(|mac| mac.bytes()[0] & 3 == 2));
        assert!((0..1000).all(|_| (16_384..=32_767).contains(&IfIndex::random().get())));
    }

    #[test]
    fn indexes_are_positive() {
        assert_eq!(IfIndex::new(0), Err(InvalidValue::Index(0)));
        assert_eq!(IfIndex::new(1 << 31), Err(InvalidValue::Index(1 << 31)));
        assert_eq!(IfIndex::new(i32::MAX as u32).map(IfIndex::get), Ok(i32::MAX as u32));
    }

    #[test]
    fn alternative_names_and_aliases_have_their_lengths() {
        assert_eq!(AltName::new(&[b'a'; 128]), Err(InvalidValue::AltNameLength(128)));
        assert_eq!(AltName::new("a b"), Err(InvalidValue::NameByte(b' ')));
        assert_eq!(Alias::new(&[b'a'; 256]), Err(InvalidValue::AliasLength(256)));
        assert!(Alias::new("").is_ok());
    }
}
