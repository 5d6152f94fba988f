//! Values that requests and answers are made of. Each is checked once, when it is made, and never again.
//!
//! The modules above this one ([`link`](crate::link), [`addr`](crate::addr), [`route`](crate::route),
//! [`neigh`](crate::neigh), [`nsid`](crate::nsid)) share these values, so that none of them has to know another.

mod flags;
mod index;
mod invalid;
mod ip;
mod mac;
mod maybe;
mod names;
mod nsid;
mod numbers;
mod random;

pub use index::IfIndex;
pub use invalid::{Given, InvalidValue};
pub use ip::{IpFamily, RouteProtocol, Scope};
pub use mac::{Broadcast, EtherAddr, LinkAddress, MacAddr};
pub use names::{Alias, AltName, IfName, Name};
pub use nsid::NsId;

pub(crate) use flags::{flags, flags_change, write_flags};
pub(crate) use invalid::LAST_VLAN_ID;
pub(crate) use ip::{AF_INET, AF_INET6, IPV4_MTU, IPV6_MTU, everywhere, family};
pub(crate) use maybe::maybe;
pub(crate) use names::unescape;
pub(crate) use numbers::{checked, numbers, transparent};
pub(crate) use random::random;
