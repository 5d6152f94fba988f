//! Networks as Docker's macvlan driver has them: a parent, a mode, subnets; containers join and leave while they run.
//!
//! ```text
//!   a network:  name, parent, mode, MTU, subnets with gateways        a value, which the caller keeps
//!        │ plan: with the links there are                             pure
//!        ▼
//!   its parent: there already │ eth0.50, a VLAN made on demand │ dm-…, a dummy of its own
//!        │ connect: with a container's addresses
//!        ▼
//!   a member:   network, connection, attached link                    a value, which the caller keeps
//! ```
//!
//! The library keeps no state and no files. What it makes for a network is marked in the kernel, in the link's alias
//! (`sublink:OWNER:NETWORK`); everything else is the caller's networks. A mark is a hint and never enough: before a parent is
//! removed, its kind, parent, protocol and id are looked at, and whether anything else stands on it.

mod error;
mod member;
mod parent;

pub use error::InvalidNetwork;
pub use member::{Connection, Member, choose_gateways};
pub use parent::{Owner, ParentPlan, Removal, Restored, restore_networks};

use crate::endpoint::Endpoint;
use crate::link::{IfIndex, IfName, Ipv4Setting, LinkSpec, MacvlanMode, NewLink};
use ipnetwork::IpNetwork;
use std::net::IpAddr;

/// How a network's containers get their links.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Driver {
    /// Each a macvlan on the parent.
    Macvlan(MacvlanMode),
    /// Each a VLAN of its own on the parent, with an id of its own ([`Connection::vlan`]).
    Vlan,
}

/// A network: a value that the caller keeps, and that says nothing of the kernel until it is [brought up](Self::up).
///
/// ```
/// use sublink::{Driver, IfName, MacvlanMode, Network, Subnet};
/// let network = Network::new("pub_net", Driver::Macvlan(MacvlanMode::Bridge))?
///     .parent(IfName::new("eth0.50")?) // VLAN 50 of eth0, made when it is not there
///     .subnet(Subnet::new("192.168.50.0/24".parse()?).gateway("192.168.50.1".parse()?)?)
///     .subnet(Subnet::new("fd50::/64".parse()?));
/// network.validate(&[])?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    name: Box<str>,
    id: Box<str>,
    driver: Driver,
    parent: Option<IfName>,
    mtu: Option<u32>,
    internal: bool,
    attachable: bool,
    config_only: bool,
    config_from: Option<Box<str>>,
    subnets: Vec<Subnet>,
}

/// A subnet of a network, with the gateway that leads out of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Subnet {
    network: IpNetwork,
    gateway: Option<IpAddr>,
}

impl Subnet {
    /// A subnet; host bits are dropped: `192.168.1.1/16` means 192.168.0.0/16, as it does to Docker.
    #[must_use]
    pub fn new(network: IpNetwork) -> Self {
        Self { network: without_host_bits(network), gateway: None }
    }

    /// With a gateway, which must be one of its addresses.
    pub fn gateway(mut self, gateway: IpAddr) -> Result<Self, InvalidNetwork> {
        let is_host = match self.network {
            IpNetwork::V4(v4) => v4.prefix() > 30 || (gateway != v4.network() && gateway != v4.broadcast()),
            IpNetwork::V6(_) => true,
        };
        if !self.network.contains(gateway) || !is_host {
            return Err(InvalidNetwork::GatewayOutside { gateway, subnet: self.network });
        }
        self.gateway = Some(gateway);
        Ok(self)
    }

    /// The subnet, without host bits.
    pub const fn network(&self) -> IpNetwork {
        self.network
    }

    /// Whether both have an address in common.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.network.contains(other.network.ip()) || other.network.contains(self.network.ip())
    }

    /// A private subnet of /16 (or, when those are used up, /20) that overlaps none of `taken`: what Docker gives a network
    /// that asks for none.
    pub fn free(taken: &[IpNetwork]) -> Option<Self> {
        let sixteens = (17..32).map(|second| ([172, second, 0, 0], 16));
        let twenties = (0..16).map(|third| ([192, 168, third * 16, 0], 20));
        let mut pool =
            sixteens.chain(twenties).filter_map(|(octets, prefix)| IpNetwork::new(octets.into(), prefix).ok());
        let taken: Vec<_> = taken.iter().copied().map(Self::new).collect();
        pool.by_ref().map(Self::new).find(|free| !taken.iter().any(|taken| taken.overlaps(free)))
    }
}

fn without_host_bits(network: IpNetwork) -> IpNetwork {
    IpNetwork::new(network.network(), network.prefix()).unwrap_or(network) // the prefix has been one before
}

impl Network {
    /// A network without a parent, which is given a dummy of its own. Its id is made from the name.
    pub fn new(name: &str, driver: Driver) -> Result<Self, InvalidNetwork> {
        if name.is_empty() || name.len() > 128 || name.chars().any(char::is_control) {
            return Err(InvalidNetwork::Name);
        }
        Ok(Self {
            name: name.into(),
            id: format!("{:016x}", fnv(name)).into(),
            driver,
            parent: None,
            mtu: None,
            internal: false,
            attachable: false,
            config_only: false,
            config_from: None,
            subnets: Vec::new(),
        })
    }

    /// A network with the parent, subnets and options of a config-only one: Docker's `--config-from`.
    ///
    /// # Errors
    /// `config` is not config-only: configs do not chain.
    pub fn from_config(name: &str, config: &Self) -> Result<Self, InvalidNetwork> {
        if !config.config_only {
            return Err(InvalidNetwork::NotConfigOnly(config.name.clone()));
        }
        let Self { name, id, .. } = Self::new(name, config.driver)?;
        Ok(Self { name, id, config_only: false, config_from: Some(config.name.clone()), ..config.clone() })
    }

    /// Sets options as Docker's `-o KEY=VALUE` gives them: `parent`, `macvlan_mode`, and `com.docker.network.driver.mtu`.
    ///
    /// # Errors
    /// A key or value that is none, with what would be one; and any option of a network that is made from a config.
    pub fn option(mut self, key: &str, value: &str) -> Result<Self, InvalidNetwork> {
        if let Some(config) = &self.config_from {
            return Err(InvalidNetwork::ConfiguredElsewhere(config.clone()));
        }
        match (key, self.driver) {
            ("parent", _) => {
                self.parent = Some(IfName::new(value).map_err(|_| InvalidNetwork::Parent(value.into()))?);
            }
            ("macvlan_mode", Driver::Macvlan(_)) => self.driver = Driver::Macvlan(docker_mode(value)?),
            ("com.docker.network.driver.mtu", _) => {
                let mtu = value.parse().ok().filter(|mtu| *mtu >= 68);
                self.mtu = Some(mtu.ok_or_else(|| InvalidNetwork::Mtu(value.into()))?);
            }
            _ => return Err(InvalidNetwork::UnknownOption(key.into())),
        }
        Ok(self)
    }

    /// The options, as [`option`](Self::option) reads them.
    pub fn options(&self) -> Vec<(&'static str, String)> {
        let mode = match self.driver {
            Driver::Macvlan(mode) => Some(("macvlan_mode", mode.to_string())),
            Driver::Vlan => None,
        };
        let parent = self.parent.map(|parent| ("parent", parent.to_string()));
        let mtu = self.mtu.map(|mtu| ("com.docker.network.driver.mtu", mtu.to_string()));
        mode.into_iter().chain(parent).chain(mtu).collect()
    }

    /// With the caller's own id, of which the first 12 characters name its dummy.
    #[must_use]
    pub fn id(mut self, id: &str) -> Self {
        self.id = id.into();
        self
    }

    /// On this link. `BASE.ID` that is not there is made: the VLAN `ID` of the link `BASE`.
    #[must_use]
    pub const fn parent(mut self, parent: IfName) -> Self {
        self.parent = Some(parent);
        self
    }

    /// With this MTU, at most the parent's.
    #[must_use]
    pub const fn mtu(mut self, mtu: u32) -> Self {
        self.mtu = Some(mtu);
        self
    }

    /// Without a default route.
    #[must_use]
    pub const fn internal(mut self) -> Self {
        self.internal = true;
        self
    }

    /// Open to containers that no orchestrator started: Docker's `--attachable`, which a config-only network cannot be.
    #[must_use]
    pub const fn attachable(mut self) -> Self {
        self.attachable = true;
        self
    }

    /// A configuration for other networks only: Docker's `--config-only`.
    #[must_use]
    pub const fn config_only(mut self) -> Self {
        self.config_only = true;
        self
    }

    /// One more subnet.
    #[must_use]
    pub fn subnet(mut self, subnet: Subnet) -> Self {
        self.subnets.push(subnet);
        self
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How its containers get their links.
    pub const fn driver(&self) -> Driver {
        self.driver
    }

    /// Its subnets.
    pub fn subnets(&self) -> &[Subnet] {
        &self.subnets
    }

    /// Whether its containers get no default route from it: it was made internal, or has no parent that leads anywhere.
    pub const fn is_internal(&self) -> bool {
        self.internal || self.parent.is_none()
    }

    /// Whether it is a configuration for other networks only.
    pub const fn is_config_only(&self) -> bool {
        self.config_only
    }

    /// The name of its parent: the link it was given, or the dummy of its own.
    pub fn parent_name(&self) -> IfName {
        let short: String = self.id.chars().filter(char::is_ascii_alphanumeric).take(12).collect();
        self.parent.unwrap_or_else(|| IfName::received(format!("dm-{short}").as_bytes()))
    }

    /// Checks it against itself and the caller's `others`: what a caller does before it keeps a new network.
    ///
    /// # Errors
    /// What is wrong, in words for the user.
    pub fn validate(&self, others: &[Self]) -> Result<(), InvalidNetwork> {
        if self.parent.is_some_and(|parent| parent.as_bytes() == b"lo") {
            return Err(InvalidNetwork::Loopback);
        }
        if self.config_only && (self.internal || self.attachable) {
            return Err(InvalidNetwork::ConfigOnly);
        }
        if let Some(config) = &self.config_from {
            let config = others.iter().find(|other| other.name == *config && other.config_only);
            let config =
                config.ok_or_else(|| InvalidNetwork::NotConfigOnly(self.config_from.clone().unwrap_or_default()))?;
            if config.subnets != self.subnets {
                return Err(InvalidNetwork::ConfiguredElsewhere(config.name.clone()));
            }
        }
        for (number, subnet) in self.subnets.iter().enumerate() {
            if let Some(other) = self.subnets.iter().take(number).find(|other| other.overlaps(subnet)) {
                return Err(InvalidNetwork::Overlap { subnet: subnet.network, other: other.network });
            }
        }
        for other in others {
            if other.name == self.name {
                return Err(InvalidNetwork::NameIsTaken(self.name.clone()));
            }
            let is_shared = !self.config_only && !other.config_only && other.parent_name() == self.parent_name();
            if is_shared && (self.is_passthru() || other.is_passthru()) {
                let parent = self.parent_name();
                return Err(InvalidNetwork::Passthru { parent, other: other.name.clone() });
            }
        }
        Ok(())
    }

    fn is_passthru(&self) -> bool {
        self.driver == Driver::Macvlan(MacvlanMode::Passthru)
    }

    /// The endpoint of a connection on the parent with index `parent`, without a default route: which of a container's
    /// networks has that is decided among all of them ([`choose_gateways`]).
    ///
    /// # Errors
    /// An address that is in none of the subnets, a VLAN network without an id.
    pub fn endpoint(&self, parent: IfIndex, connection: &Connection) -> Result<Endpoint<'static>, InvalidNetwork> {
        if self.config_only {
            return Err(InvalidNetwork::ConfigOnlyConnected(self.name.clone()));
        }
        for addr in &connection.addrs {
            if self.subnet_of(addr.ip()).is_none() {
                return Err(InvalidNetwork::AddressOutside { addr: *addr, network: self.name.clone() });
            }
        }
        let link: LinkSpec<'_> = match (self.driver, connection.vlan) {
            (Driver::Macvlan(mode), _) => {
                let mut link = NewLink::macvlan(parent).mode(mode).name(connection.name);
                if let Some(mtu) = self.mtu {
                    link = link.mtu(mtu);
                }
                connection.mac.into_iter().fold(link, NewLink::mac).into()
            }
            (Driver::Vlan, Some(id)) => {
                let mut link = NewLink::vlan(parent, id).name(connection.name);
                if let Some(mtu) = self.mtu {
                    link = link.mtu(mtu);
                }
                connection.mac.into_iter().fold(link, NewLink::mac).into()
            }
            (Driver::Vlan, None) => return Err(InvalidNetwork::NoVlanId(self.name.clone())),
        };
        let endpoint = Endpoint::new(link).nodad().ipv4(Ipv4Setting::ARP_NOTIFY, 1);
        Ok(connection.addrs.iter().copied().fold(endpoint, Endpoint::addr))
    }

    /// The gateways of a container with these addresses: of each address, that of the smallest subnet around it.
    pub fn gateways(&self, addrs: &[IpNetwork]) -> Vec<IpAddr> {
        if self.is_internal() {
            return Vec::new();
        }
        let mut gateways: Vec<_> = addrs.iter().filter_map(|addr| self.subnet_of(addr.ip())?.gateway).collect();
        gateways.dedup();
        gateways
    }

    fn subnet_of(&self, addr: IpAddr) -> Option<&Subnet> {
        let around = self.subnets.iter().filter(|subnet| subnet.network.contains(addr));
        around.max_by_key(|subnet| subnet.network.prefix())
    }
}

/// Docker's words for the modes, which do not include `source`; a slip is answered with what was probably meant.
fn docker_mode(mode: &str) -> Result<MacvlanMode, InvalidNetwork> {
    match mode {
        "" | "bridge" => Ok(MacvlanMode::Bridge),
        "private" => Ok(MacvlanMode::Private),
        "vepa" => Ok(MacvlanMode::Vepa),
        "passthru" => Ok(MacvlanMode::Passthru),
        _ => {
            let is_near = |known: &&str| {
                let same = known.bytes().zip(mode.bytes()).filter(|(a, b)| a == b).count();
                same * 2 >= known.len().max(mode.len())
            };
            let meant = ["bridge", "private", "vepa", "passthru"].into_iter().find(is_near);
            Err(InvalidNetwork::Mode { mode: mode.into(), meant })
        }
    }
}

/// FNV-1a: 64 bits of a name that are the same on every machine.
fn fnv(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
