//! What is wrong with a network or a parent, in words that its user can act on; and the error of what works with them.

use super::InvalidParent;
use crate::error::{Class, Partial, Subject};
use crate::link::MacvlanMode;
use crate::value::{IfName, InvalidValue, Name};
use ipnetwork::{IpNetwork, IpNetworkError};
use std::io;
use std::net::{AddrParseError, IpAddr};

/// Why a network, a parent or a connection could not be had: what was asked for cannot be, or a request failed.
///
/// It prints as what it holds. It has no third variant, and a `match` on it needs no wildcard.
///
/// ```
/// use sublink::network::{self, Owner};
/// let error = network::Error::from(Owner::new("").unwrap_err());
/// assert!(error.as_invalid().is_some() && error.as_failed().is_none());
/// assert_eq!(error.to_string(), "an owner has 1 to 64 bytes, and no colon or control character");
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[expect(clippy::exhaustive_enums, reason = "it is refused before anything is sent, or what is sent fails")]
pub enum Error {
    /// The network, the parent or the connection cannot be what it should be. Nothing was sent.
    #[error(transparent)]
    Invalid(#[from] InvalidNetwork),
    /// A request or a system call failed.
    #[error(transparent)]
    Failed(#[from] crate::Error),
}

/// The result of what works with networks and parents.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// What cannot be, if that is why.
    pub const fn as_invalid(&self) -> Option<&InvalidNetwork> {
        match self {
            Self::Invalid(invalid) => Some(invalid),
            Self::Failed(_) => None,
        }
    }

    /// What failed, if that is why.
    pub const fn as_failed(&self) -> Option<&crate::Error> {
        match self {
            Self::Invalid(_) => None,
            Self::Failed(error) => Some(error),
        }
    }
}

impl Error {
    /// What sort of failure it was, as [`sublink::Error::class`](crate::Error::class).
    pub fn class(&self) -> Class {
        match self {
            Self::Invalid(InvalidNetwork::Parent(
                InvalidParent::NoParent(_) | InvalidParent::NoBase { .. } | InvalidParent::OnlyAltName { .. },
            )) => Class::Gone,
            Self::Invalid(
                InvalidNetwork::NameIsTaken(_)
                | InvalidNetwork::IdIsTaken(_)
                | InvalidNetwork::Parent(InvalidParent::VlanIsThere { .. } | InvalidParent::AccessNameIsTaken { .. }),
            ) => Class::Taken,
            Self::Invalid(_) => Class::Invalid,
            Self::Failed(error) => error.class(),
        }
    }

    /// What it is about, as [`sublink::Error::subject`](crate::Error::subject).
    pub fn subject(&self) -> Subject {
        match self {
            Self::Invalid(InvalidNetwork::Parent(InvalidParent::Owner)) => Subject::Other,
            Self::Invalid(InvalidNetwork::Parent(_)) => Subject::Parent,
            Self::Invalid(_) => Subject::Other,
            Self::Failed(error) => error.subject(),
        }
    }
}

/// What `?` meets beside a network: values that are checked, texts that are read, and lists.
macro_rules! from {
    ($($T:ty),*) => { $(
        impl From<$T> for Error {
            fn from(value: $T) -> Self {
                Self::Failed(value.into())
            }
        }
    )* };
}
from!(InvalidValue, IpNetworkError, AddrParseError);

impl From<InvalidParent> for Error {
    fn from(invalid: InvalidParent) -> Self {
        Self::Invalid(invalid.into())
    }
}

impl<T> From<Partial<T>> for Error {
    fn from(partial: Partial<T>) -> Self {
        Self::Failed(partial.error)
    }
}

/// Keeps the sentence and the source; the kind is that of the error number, or invalid input.
impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid(invalid) => Self::new(io::ErrorKind::InvalidInput, invalid),
            Error::Failed(error) => error.into(),
        }
    }
}

/// Why a network cannot be, or a container cannot join it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidNetwork {
    /// A name that cannot be one.
    #[error("a network's name has 1 to 128 bytes and no control characters")]
    Name,
    /// A name that Docker keeps for networks of its own.
    #[error("no network can be named {0:?}: host, none, bridge and default are Docker's own")]
    NameIsReserved(Box<str>),
    /// Another network has the name.
    #[error("there is a network {} already", printed(.0))]
    NameIsTaken(Box<str>),
    /// An id that cannot name a dummy.
    #[error("a network's id begins with 12 ASCII letters or digits, which name its dummy")]
    Id,
    /// Two networks without a parent would get the same dummy.
    #[error("the id begins as that of the network {}, and each network without a parent has a dummy of its own", printed(.0))]
    IdIsTaken(Box<str>),
    /// The parent cannot be used or made.
    #[error(transparent)]
    Parent(#[from] InvalidParent),
    /// An option that the driver does not have.
    #[error(
        "there is no option {0:?}: there are parent, parent_vlan, parent_protocol, parent_up, \
         com.docker.network.driver.mtu and, with macvlan, macvlan_mode and host_access"
    )]
    UnknownOption(Box<str>),
    /// A mode that is none of a network's, and what may have been meant.
    #[error("{mode:?} is not a macvlan_mode{}: the modes are bridge (the default), private, vepa and passthru", did_you_mean(*.meant))]
    Mode {
        /// What was said.
        mode: Box<str>,
        /// The mode that looks like it.
        meant: Option<&'static str>,
    },
    /// A value that an option cannot have.
    #[error("{value:?} is not a value of {key}, which is {known}")]
    OptionValue {
        /// The option.
        key: &'static str,
        /// What was said.
        value: Box<str>,
        /// What it can have.
        known: &'static str,
    },
    /// An MTU that is none.
    #[error("{0:?} is not an MTU, which is a number from 68 to 65535")]
    Mtu(Box<str>),
    /// An MTU with which a subnet's addresses cannot be.
    #[error("the subnet {0} needs an MTU of at least 1280, as IPv6 does")]
    MtuOfIpv6(IpNetwork),
    /// An MTU above that of the link that the parent is to be made on.
    #[error("the MTU {mtu} is above the {base_mtu} of {base}, on which the parent would be made")]
    MtuAboveBase {
        /// The network's MTU.
        mtu: u32,
        /// The link that the parent is to be made on.
        base: IfName,
        /// Its MTU.
        base_mtu: u32,
    },
    /// A parent with whose MTU a subnet's addresses cannot be.
    #[error("the subnet {subnet} needs an MTU of at least 1280, as IPv6 does, and the parent {parent} has {mtu}")]
    MtuOfParent {
        /// The subnet.
        subnet: IpNetwork,
        /// The parent.
        parent: IfName,
        /// Its MTU.
        mtu: u32,
    },
    /// `parent_vlan` or `parent_protocol` is given without a `parent`.
    #[error("parent_vlan and parent_protocol say what the parent is made as, and there is none: say parent too")]
    NoParentName,
    /// Two networks have one parent, and would make it as different VLANs.
    #[error("{parent} is also the parent of the network {}, which makes another VLAN of it", printed(.other))]
    ParentMadeOtherwise {
        /// The parent of both.
        parent: IfName,
        /// The other network.
        other: Box<str>,
    },
    /// A passthru network shares its parent with none.
    #[error("{parent} is the parent of the network {}, and a passthru network shares its parent with none", printed(.other))]
    Passthru {
        /// The parent of both.
        parent: IfName,
        /// The other network.
        other: Box<str>,
    },
    /// Two subnets of a network have addresses in common.
    #[error("the subnets {subnet} and {other} overlap")]
    Overlap {
        /// One.
        subnet: IpNetwork,
        /// The other.
        other: IpNetwork,
    },
    /// Addresses that no network can have: every address, the host's own, multicast, or those of one link.
    #[error("{subnet} cannot be a subnet of a network: it has addresses of {reserved}")]
    ReservedSubnet {
        /// The subnet.
        subnet: IpNetwork,
        /// What they are reserved in: a network that is the host's own, multicast or one link's; or the subnet, if it is
        /// everything.
        reserved: IpNetwork,
    },
    /// A gateway that no container of the subnet could reach.
    #[error("the gateway {gateway} is not the address of a station in the subnet {subnet}")]
    GatewayOutside {
        /// The gateway.
        gateway: IpAddr,
        /// The subnet.
        subnet: IpNetwork,
    },
    /// An address that no station in one of the network's subnets can have.
    #[error("the address {addr} is not that of a station in a subnet of the network {}", printed(.network))]
    AddressOutside {
        /// The address.
        addr: IpNetwork,
        /// The network.
        network: Box<str>,
    },
    /// An address with another prefix length than its subnet's.
    #[error("the address {addr} has another prefix length than its subnet {subnet}")]
    AddressPrefix {
        /// The address.
        addr: IpNetwork,
        /// The subnet that it is in.
        subnet: IpNetwork,
    },
    /// A container's address that is a gateway's.
    #[error("the address {addr} is that of the gateway of the network {network}")]
    AddressIsGateway {
        /// The address.
        addr: IpNetwork,
        /// The network.
        network: Box<str>,
    },
    /// A container's address that is the host's, by its [access](super::HostAccess) to the containers.
    #[error("the address {addr} is the host's in the network {}", printed(.network))]
    AddressIsHosts {
        /// The address.
        addr: IpNetwork,
        /// The network.
        network: Box<str>,
    },
    /// Host access to a network whose containers hear no link beside theirs.
    #[error(
        "the host is given access to a macvlan network in bridge mode only, and {} is {}",
        printed(.network),
        .mode.map_or_else(|| "one of VLANs".to_owned(), |mode| format!("in {mode} mode"))
    )]
    HostAccessMode {
        /// The network.
        network: Box<str>,
        /// Its mode, if it is one of macvlans.
        mode: Option<MacvlanMode>,
    },
    /// The network has no host access, or one without an address.
    #[error("the host has no address in the network {}: say one that no container is given", printed(.0))]
    NoHostAccess(Box<str>),
    /// A connection to a VLAN network says no VLAN id.
    #[error("a container joins the network {} with a VLAN id of its own, and none was given", printed(.0))]
    NoVlanId(Box<str>),
    /// A connection to a macvlan network says a VLAN id.
    #[error("a container joins the macvlan network {} without a VLAN id: the id is the parent's, as in eth0.50", printed(.0))]
    NotAVlan(Box<str>),
    /// A connection to a passthru network says a MAC address.
    #[error("a container joins the passthru network {} with its parent's MAC address, not with one of its own", printed(.0))]
    MacOfPassthru(Box<str>),
    /// A config-only network that is also internal or attachable.
    #[error("a config-only network is neither internal nor attachable: those that are made from it are")]
    ConfigOnly,
    /// A config-only network that is made from another.
    #[error("a config-only network is not made from another: configurations do not chain")]
    ConfigChain,
    /// A config-only network has no parent and no containers.
    #[error("the network {} is config-only: make one from it, and use that", printed(.0))]
    IsConfigOnly(Box<str>),
    /// The network to take the configuration from is not there, or not config-only.
    #[error("there is no config-only network {} that another could be made from", printed(.0))]
    NotConfigOnly(Box<str>),
    /// A network that is made from a config has options or subnets of its own.
    #[error("parent, options and subnets come from the config {}, and from there only", printed(.0))]
    ConfiguredElsewhere(Box<str>),
}

/// A name, escaped so that it does nothing to a terminal.
fn printed(name: &str) -> Name<'_> {
    Name::new(name.as_bytes())
}

fn did_you_mean(mode: Option<&str>) -> String {
    mode.map_or_else(String::new, |mode| format!(" (did you mean {mode}?)"))
}
