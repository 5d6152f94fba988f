//! What a value can be refused for, before the kernel is asked.

use super::mac::Hex;

/// A value that cannot be what it should be; each says what would be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidValue {
    /// See [`IfName`](super::IfName).
    #[error("an interface name has 1 to 15 bytes, not {0}")]
    NameLength(usize),
    /// See [`IfName`](super::IfName).
    #[error("an interface name must not hold {:?}", char::from(*.0))]
    NameByte(u8),
    /// See [`IfName`](super::IfName).
    #[error(
        "`.`, `..`, `all` and `default` cannot be interface names: the kernel has files or settings of those names"
    )]
    NameReserved,
    /// See [`AltName`](super::AltName).
    #[error("an alternative name has 1 to 127 bytes, not {0}")]
    AltNameLength(usize),
    /// See [`Alias`](super::Alias).
    #[error("an alias has at most 255 bytes, not {0}")]
    AliasLength(usize),
    /// See [`IfIndex`](super::IfIndex).
    #[error("an interface index is 1 to 2147483647, not {0}")]
    Index(u32),
    /// See [`MacAddr`](super::MacAddr).
    #[error("a MAC address of an interface is neither multicast, broadcast nor zero, as {} is", Hex(.0))]
    MacNotUnicast([u8; 6]),
    /// See [`MacAddr`](super::MacAddr).
    #[error("a MAC address is six hexadecimal bytes, as in 02:00:00:00:00:07")]
    MacSyntax,
    /// A MAC address for a link that has its parent's: the kernel would ignore it.
    #[error("an ipvlan, and a macvlan in passthru mode, has its parent's MAC address, not one of its own")]
    MacIsParents,
    /// See [`VlanId`](crate::VlanId).
    #[error("a VLAN id is 0 to 4094, not {0}")]
    VlanId(u16),
    /// See [`VlanId`](crate::VlanId).
    #[error("a VLAN id is a number from 0 to 4094")]
    VlanIdSyntax,
    /// See [`VlanPriority`](crate::link::VlanPriority).
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
