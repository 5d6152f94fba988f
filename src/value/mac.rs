//! Link-layer addresses.

use super::{Given, InvalidValue, random};
use crate::wire::{Compare, Get, compare_as_printed, fixed};
use std::fmt;
use std::str::FromStr;

/// The link-layer address of an Ethernet-like interface: six bytes, neither multicast nor zero, as the kernel wants them
/// (`is_valid_ether_addr`).
///
/// ```
/// # use sublink::MacAddr;
/// # use sublink::value::InvalidValue;
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

impl From<MacAddr> for [u8; 6] {
    fn from(mac: MacAddr) -> Self {
        mac.bytes()
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
    EtherAddr: 6 + 2, EtherAddr([0; 6]), |v: EtherAddr| v.0, |b| EtherAddr::new(b).ok();
    Broadcast: 6 + 2, Broadcast([0; 6]), |v: Broadcast| v.0, Broadcast;
}

/// A broadcast address, which may be any six bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[expect(clippy::exhaustive_structs, reason = "any six bytes are one")]
pub struct Broadcast(pub [u8; 6]);

impl From<[u8; 6]> for Broadcast {
    fn from(bytes: [u8; 6]) -> Self {
        Self(bytes)
    }
}

impl From<Broadcast> for [u8; 6] {
    fn from(address: Broadcast) -> Self {
        address.0
    }
}

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
        Self::new(six_bytes(text)?)
    }
}

fn six_bytes(text: &str) -> Result<[u8; 6], InvalidValue> {
    let invalid = InvalidValue::MacSyntax(Given::new(text.as_bytes()));
    let (mut bytes, mut parts) = ([0; 6], text.split([':', '-']));
    for byte in &mut bytes {
        let digits = parts.next().filter(|part| part.len() == 2 && part.bytes().all(|b| b.is_ascii_hexdigit()));
        *byte = digits.and_then(|d| u8::from_str_radix(d, 16).ok()).ok_or(invalid)?;
    }
    if parts.next().is_some() { Err(invalid) } else { Ok(bytes) }
}

/// A destination of Ethernet frames: the address of one interface, or of a group (multicast, broadcast). Six bytes, not all zero.
///
/// ```
/// use sublink::MacAddr;
/// use sublink::value::EtherAddr;
/// let group: EtherAddr = "01:00:5e:00:00:01".parse()?;
/// assert!(group.is_multicast() && group.mac().is_none());
/// assert_eq!(EtherAddr::from(MacAddr::new([2, 0, 0, 0, 0, 7])?).to_string(), "02:00:00:00:00:07");
/// # Ok::<(), sublink::value::InvalidValue>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EtherAddr([u8; 6]);

impl EtherAddr {
    /// Checks `bytes`.
    pub const fn new(bytes: [u8; 6]) -> Result<Self, InvalidValue> {
        match bytes {
            [0, 0, 0, 0, 0, 0] => Err(InvalidValue::EtherAddrZero),
            _ => Ok(Self(bytes)),
        }
    }

    /// The six bytes.
    pub const fn bytes(self) -> [u8; 6] {
        self.0
    }

    /// Whether it is that of a group.
    pub const fn is_multicast(self) -> bool {
        let [first, ..] = self.0;
        first & 1 != 0
    }

    /// The address of one interface; `None` if it is that of a group.
    pub const fn mac(self) -> Option<MacAddr> {
        if self.is_multicast() { None } else { Some(MacAddr(self.0)) }
    }
}

impl From<MacAddr> for EtherAddr {
    fn from(mac: MacAddr) -> Self {
        Self(mac.0)
    }
}

impl From<EtherAddr> for [u8; 6] {
    fn from(addr: EtherAddr) -> Self {
        addr.0
    }
}

impl TryFrom<[u8; 6]> for EtherAddr {
    type Error = InvalidValue;
    fn try_from(bytes: [u8; 6]) -> Result<Self, InvalidValue> {
        Self::new(bytes)
    }
}

impl FromStr for EtherAddr {
    type Err = InvalidValue;
    /// Reads the text forms of a [`MacAddr`].
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        Self::new(six_bytes(text)?)
    }
}

impl fmt::Display for EtherAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Hex(&self.0), f)
    }
}

impl fmt::Debug for EtherAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Hex(&self.0), f)
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

compare_as_printed!(LinkAddress<'_>);

impl Compare for Broadcast {
    fn words(&self) -> String {
        Hex(&self.0).to_string()
    }
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
            assert_eq!(bad.parse::<MacAddr>(), Err(InvalidValue::MacSyntax(Given::new(bad.as_bytes()))));
        }
        for bad in [[0; 6], [0xff; 6], [1, 0, 0x5e, 0, 0, 1]] {
            assert_eq!(MacAddr::new(bad), Err(InvalidValue::MacNotUnicast(bad)));
        }
    }

    #[test]
    fn an_address_of_ethernet_is_an_interfaces_or_a_groups() {
        let addr = |text: &str| text.parse::<EtherAddr>();
        let (one, group) = (addr("02:00:00:00:00:07").unwrap(), addr("33:33:00:00:00:01").unwrap());
        assert_eq!((one.mac(), group.mac()), (MacAddr::new([2, 0, 0, 0, 0, 7]).ok(), None));
        assert!(!one.is_multicast() && group.is_multicast() && addr("ff:ff:ff:ff:ff:ff").unwrap().is_multicast());
        assert_eq!(addr("00:00:00:00:00:00"), Err(InvalidValue::EtherAddrZero));
        assert_eq!((group.to_string(), format!("{one:?}")), ("33:33:00:00:00:01".into(), "02:00:00:00:00:07".into()));
    }

    #[test]
    fn random_addresses_are_valid_and_differ() {
        let macs: std::collections::HashSet<_> = (0..1000).map(|_| MacAddr::random()).collect();
        assert_eq!(macs.len(), 1000);
        assert!(macs.iter().all(|mac| mac.bytes()[0] & 3 == 2));
        let bits = |mac: &MacAddr| mac.bytes().into_iter().fold(0, |bits, byte| bits << 8 | u64::from(byte));
        let (seen, always) = (macs.iter().map(bits)).fold((0, !0), |(seen, always), bits| (seen | bits, always & bits));
        assert_eq!((seen, always), (0xfeff_ffff_ffff, 0x0200_0000_0000), "46 bits differ");
    }
}
