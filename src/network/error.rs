//! What is wrong with a network, in words that its user can act on.

use crate::link::IfName;
use ipnetwork::IpNetwork;
use std::net::IpAddr;

/// Why a network cannot be, or a container cannot join it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidNetwork {
    /// A name that cannot be one.
    #[error("a network's name has 1 to 128 bytes and no control characters")]
    Name,
    /// Another network has the name.
    #[error("there is a network {0} already")]
    NameIsTaken(Box<str>),
    /// An owner that cannot be one.
    #[error("an owner has 1 to 64 bytes, and no colon or control character")]
    Owner,
    /// An option that the driver does not have.
    #[error("there is no option {0:?}; the options are parent, macvlan_mode and com.docker.network.driver.mtu")]
    UnknownOption(Box<str>),
    /// A mode that is none, and what may have been meant.
    #[error("{mode:?} is no macvlan_mode{}: it is one of bridge, private, vepa, passthru", did_you_mean(*.meant))]
    Mode {
        /// What was said.
        mode: Box<str>,
        /// The mode that looks like it.
        meant: Option<&'static str>,
    },
    /// An MTU that is none.
    #[error("{0:?} is no MTU: it is a number from 68 on")]
    Mtu(Box<str>),
    /// A parent that cannot be an interface's name.
    #[error("{0:?} cannot be the name of a parent interface")]
    Parent(Box<str>),
    /// `lo` as the parent.
    #[error("lo cannot be the parent of a macvlan or VLAN network")]
    Loopback,
    /// A parent that is not there, and is not named as a VLAN that could be made.
    #[error("there is no interface {0}; one that is to be made is named BASE.ID, as in eth0.50")]
    NoParent(IfName),
    /// The base of a VLAN to be made is not there.
    #[error("the interface {base}, on which {parent} would be made, does not exist")]
    NoBase {
        /// The parent's name.
        parent: IfName,
        /// What stands before the dot.
        base: Box<str>,
    },
    /// The id of a VLAN to be made is none.
    #[error("{id:?} in {parent} is no VLAN id: it is a number from 1 to 4094")]
    VlanId {
        /// The parent's name.
        parent: IfName,
        /// What stands behind the dot.
        id: Box<str>,
    },
    /// A passthru network shares its parent with none.
    #[error("{parent} is the parent of the network {other}, and a passthru network shares its parent with none")]
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
    /// A gateway that no container of the subnet could reach.
    #[error("the gateway {gateway} is not an address of the subnet {subnet}")]
    GatewayOutside {
        /// The gateway.
        gateway: IpAddr,
        /// The subnet.
        subnet: IpNetwork,
    },
    /// An address in none of the network's subnets.
    #[error("the address {addr} is in none of the subnets of the network {network}")]
    AddressOutside {
        /// The address.
        addr: IpNetwork,
        /// The network.
        network: Box<str>,
    },
    /// A connection to a VLAN network says no VLAN id.
    #[error("a container joins the network {0} with a VLAN id of its own")]
    NoVlanId(Box<str>),
    /// A config-only network that is also internal or attachable.
    #[error("a config-only network is neither internal nor attachable: those that are made from it are")]
    ConfigOnly,
    /// A container cannot join a config-only network.
    #[error("the network {0} is config-only: make one from it, and join that")]
    ConfigOnlyConnected(Box<str>),
    /// The network to take the configuration from is not config-only.
    #[error("the network {0} is not config-only, so that no other can be made from it")]
    NotConfigOnly(Box<str>),
    /// A network that is made from a config has options or subnets of its own.
    #[error("parent, options and subnets come from the config {0}, and from there only")]
    ConfiguredElsewhere(Box<str>),
}

fn did_you_mean(mode: Option<&str>) -> String {
    mode.map_or_else(String::new, |mode| format!(" (did you mean {mode}?)"))
}
