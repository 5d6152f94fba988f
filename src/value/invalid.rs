//! What a value can be refused for, before the kernel is asked.

use super::Name;
use super::mac::Hex;
use std::fmt;
use std::net::Ipv6Addr;

/// The largest id of a VLAN: the 12 bits of 802.1Q, of which all ones are reserved.
pub(crate) const LAST_VLAN_ID: u16 = 4094;

/// What was given where a value was wanted: its first bytes, kept for the sentence that refuses it.
///
/// It is of constant size, so that values are checked in `const` and without allocating.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Given {
    bytes: [u8; Self::KEPT],
    len: usize,
}

impl Given {
    /// Bytes that are kept.
    const KEPT: usize = 40;

    /// Keeps the first bytes of `given`, and how many there are.
    pub const fn new(given: &[u8]) -> Self {
        let mut bytes = [0; Self::KEPT];
        let (mut from, mut to): (&[u8], &mut [u8]) = (given, &mut bytes);
        while let ([byte, after @ ..], [slot, left @ ..]) = (from, to) {
            *slot = *byte;
            (from, to) = (after, left);
        }
        Self { bytes, len: given.len() }
    }

    /// How many bytes were given.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing was given.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// Quoted and escaped, with an ellipsis where it was longer: `"eth0\u{1b}…"`.
impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = self.bytes.get(..self.len).unwrap_or(&self.bytes);
        write!(f, "\"{}{}\"", Name::new(kept), if self.len > Self::KEPT { "…" } else { "" })
    }
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A value that cannot be what it should be. Each says what was given and what would be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidValue {
    /// See [`IfName`](super::IfName).
    #[error("{0} is not an interface name: it has {n} bytes, not 1 to 15", n = .0.len())]
    NameLength(Given),
    /// See [`IfName`](super::IfName).
    #[error("{name} is not an interface name: it holds {byte:?}", byte = char::from(*.byte))]
    NameByte {
        /// What was given.
        name: Given,
        /// The byte that no name holds.
        byte: u8,
    },
    /// See [`IfName`](super::IfName).
    #[error("{0} is not an interface name: the kernel has files or settings of that name")]
    NameReserved(Given),
    /// See [`AltName`](super::AltName).
    #[error("{0} is not an alternative name: it has {n} bytes, not 1 to 127", n = .0.len())]
    AltNameLength(Given),
    /// See [`Alias`](super::Alias).
    #[error("{0} is not an alias: it has {n} bytes, and at most 255 are allowed", n = .0.len())]
    AliasLength(Given),
    /// See [`IfIndex`](super::IfIndex).
    #[error("an interface index is 1 to 2147483647, not {0}")]
    Index(u32),
    /// See [`NsId`](super::NsId).
    #[error("a namespace id is 0 to 2147483647, not {0}")]
    NsId(i32),
    /// See [`MacAddr`](super::MacAddr).
    #[error("a MAC address of an interface is neither multicast, broadcast nor zero, as {} is", Hex(.0))]
    MacNotUnicast([u8; 6]),
    /// See [`MacAddr`](super::MacAddr).
    #[error("{0} is not a MAC address, which is six hexadecimal bytes, as in 02:00:00:00:00:07")]
    MacSyntax(Given),
    /// See [`EtherAddr`](super::EtherAddr).
    #[error("an Ethernet address is not zero")]
    EtherAddrZero,
    /// A MAC address for a link that has its parent's: the kernel would ignore it.
    #[error("an ipvlan, and a macvlan in passthru mode, has its parent's MAC address, not one of its own")]
    MacIsParents,
    /// See [`VlanId`](crate::VlanId).
    #[error("a VLAN id is 0 to {LAST_VLAN_ID}, not {0}")]
    VlanId(u16),
    /// See [`VlanId`](crate::VlanId).
    #[error("{0} is not a VLAN id, which is a number from 0 to {LAST_VLAN_ID}")]
    VlanIdSyntax(Given),
    /// See [`VlanPriority`](crate::link::VlanPriority).
    #[error("a VLAN priority is 0 to 7, not {0}")]
    VlanPriority(u8),
    /// See [`CongestionControl`](crate::route::CongestionControl).
    #[error("{0} is not the name of a congestion control: it has {n} bytes, not 1 to 15, or holds NUL", n = .0.len())]
    CongestionControl(Given),
    /// See [`Weight`](crate::route::Weight).
    #[error("the weight of a next hop is 1 to 256, not {0}")]
    Weight(u16),
    /// A word that is none of those that a property has.
    #[error("{given} is not a {what}, which is one of {known}")]
    Word {
        /// What was given.
        given: Given,
        /// The property: `mode`, `kind` …
        what: &'static str,
        /// The words it has.
        known: &'static str,
    },
    /// A message above [`NoRoom::LARGEST`](crate::wire::NoRoom::LARGEST), because of a list in it.
    #[error("the request would take {0} bytes, and a netlink attribute holds at most 65535: split its list")]
    TooLong(usize),
    /// See [`Attached`](crate::Attached).
    #[error(
        "{0} is not an attached link, which is written as in `eth0 kind macvlan index 20817 mac 02:00:00:00:00:07 parent 5 lower 5`"
    )]
    Attached(Given),
    /// See [`MovedDevice`](crate::endpoint::MovedDevice).
    #[error(
        "{0} is not a moved device, which is written as in `ctr0 addr 10.0.50.7/24 broadcast 10.0.50.255 addr fd50::7/64 flags 512`"
    )]
    MovedDevice(Given),
    /// A descriptor given for a process that is no pidfd.
    #[error("not a pidfd")]
    NotAPidfd,
    /// A name for `/run/netns` that cannot be the name of a file.
    #[error("{0} is not the name of a namespace, which is that of a file in /run/netns: 1 to 255 bytes without `/`")]
    NamespaceName(Given),
    /// A path below `/proc/sys/net` that could lead elsewhere.
    #[error("{0} is not a setting, which is a path below /proc/sys/net without `.`, `..` and empty parts")]
    SettingPath(Given),
    /// See [`Ipv6Token`](crate::link::Ipv6Token).
    #[error("{0} is not a token, which is the lower half of an address, as in ::7")]
    Ipv6Token(Ipv6Addr),
    /// See [`Ipv6Token`](crate::link::Ipv6Token).
    #[error("{0} is not a token, which is an IPv6 address whose upper half is zero, as in ::7")]
    Ipv6TokenSyntax(Given),
    /// A descriptor given as a socket that is not a NETLINK_ROUTE one.
    #[error("not a NETLINK_ROUTE socket")]
    NotARouteSocket,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_is_said() {
        let long = InvalidValue::NameLength(Given::new(&[b'a'; 50]));
        let start = "a".repeat(40);
        assert_eq!(long.to_string(), format!("\"{start}…\" is not an interface name: it has 50 bytes, not 1 to 15"));
        let escaped = InvalidValue::NameByte { name: Given::new(b"a\x1b b"), byte: b' ' };
        assert_eq!(escaped.to_string(), "\"a\\u{1b} b\" is not an interface name: it holds ' '");
    }
}
