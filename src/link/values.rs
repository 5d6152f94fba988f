//! Values that links are made of, besides names. Each is checked once, when it is made, and never again.

use super::InvalidValue;
use crate::wire::{Compare, Get, compare_as_printed, fixed};
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

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
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Broadcast(pub [u8; 6]);

/// Bytes as `02:00:00:00:00:07`.
pub(super) struct Hex<'a>(pub(super) &'a [u8]);

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
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
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

compare_as_printed!(IfIndex, LinkAddress<'_>);

impl Compare for Broadcast {
    fn words(&self) -> String {
        Hex(&self.0).to_string()
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
    RandomState::new().hash_one((now.as_secs() << 30 | u64::from(now.subsec_nanos())) ^ call)
}

fn random_u16() -> u16 {
    let [a, b, ..] = random().to_ne_bytes();
    u16::from_ne_bytes([a, b])
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let bits = |mac: &MacAddr| mac.bytes().into_iter().fold(0, |bits, byte| bits << 8 | u64::from(byte));
        let (seen, always) = (macs.iter().map(bits)).fold((0, !0), |(seen, always), bits| (seen | bits, always & bits));
        assert_eq!((seen, always), (0xfeff_ffff_ffff, 0x0200_0000_0000), "46 bits differ");
        assert!((0..1000).all(|_| (16_384..=32_767).contains(&IfIndex::random().get())));
    }

    #[test]
    fn indexes_are_positive() {
        assert_eq!(IfIndex::new(0), Err(InvalidValue::Index(0)));
        assert_eq!(IfIndex::new(1 << 31), Err(InvalidValue::Index(1 << 31)));
        assert_eq!(IfIndex::new(i32::MAX as u32).map(IfIndex::get), Ok(i32::MAX as u32));
    }
}
