//! What addresses and routes have in common.

use super::transparent;
use ipnetwork::IpNetwork;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub(crate) const AF_INET: u8 = 2;
pub(crate) const AF_INET6: u8 = 10;

/// The least MTU for IPv6, in bytes: on a link with less, the kernel has no IPv6 (RFC 8200, section 5).
pub(crate) const IPV6_MTU: u32 = 1280;

/// The least MTU for IPv4, in bytes: on a link with less, the kernel has no IPv4 (`IPV4_MIN_MTU` of `include/net/ip.h`).
pub(crate) const IPV4_MTU: u32 = 68;

/// `AF_INET` or `AF_INET6`.
pub(crate) const fn family(addr: IpAddr) -> u8 {
    match addr {
        IpAddr::V4(_) => AF_INET,
        IpAddr::V6(_) => AF_INET6,
    }
}

/// `0.0.0.0/0` or `::/0`, of the family of `like`.
pub(crate) fn everywhere(like: IpAddr) -> IpNetwork {
    let any: IpAddr = if like.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    IpNetwork::new(any, 0).unwrap_or_else(|_| IpNetwork::from(any)) // 0 fits both
}

/// A family of IP addresses. It prints as `ipv4` or `ipv6`, as the kernel's settings are named (`net.ipv4.…`).
///
/// ```
/// use sublink::value::IpFamily;
/// let family = IpFamily::of("fd00::7".parse()?);
/// assert_eq!((family, family.to_string()), (IpFamily::V6, "ipv6".into()));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "there are two, as in IpAddr")]
pub enum IpFamily {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl IpFamily {
    /// The family of an address.
    pub const fn of(addr: IpAddr) -> Self {
        match addr {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }
}

impl fmt::Display for IpFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "ipv4",
            Self::V6 => "ipv6",
        })
    }
}

/// How far an address or a route is valid (`RT_SCOPE_…`).
///
/// ```
/// use sublink::value::Scope;
/// assert_eq!((Scope::from(253), u8::from(Scope::HOST)), (Scope::LINK, 254));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "any number is one: `ip` takes names from a file")]
pub struct Scope(pub u8);

impl Scope {
    /// Everywhere.
    pub const GLOBAL: Self = Self(0);
    /// On this link.
    pub const LINK: Self = Self(253);
    /// On this host.
    pub const HOST: Self = Self(254);
}

transparent!(Scope: u8);

/// Who made a route or a neighbour (`RTPROT_…`, `/etc/iproute2/rt_protos`).
///
/// ```
/// use sublink::NewRoute;
/// use sublink::value::RouteProtocol;
/// let route = NewRoute::default_via("10.0.50.1".parse()?).protocol(RouteProtocol::DHCP);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "any number is one: `ip` takes names from a file")]
pub struct RouteProtocol(pub u8);

impl RouteProtocol {
    /// The kernel, for an address's network.
    pub const KERNEL: Self = Self(2);
    /// Whoever set the machine up: what `ip` says unless told otherwise.
    pub const BOOT: Self = Self(3);
    /// An administrator, to override what is learnt.
    pub const STATIC: Self = Self(4);
    /// Router advertisements.
    pub const RA: Self = Self(9);
    /// A DHCP client.
    pub const DHCP: Self = Self(16);
}

transparent!(RouteProtocol: u8);
