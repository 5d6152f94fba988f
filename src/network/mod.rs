//! Networks as Docker's macvlan driver has them: a parent, a mode, subnets; containers join and leave while they run.
//!
//! ```text
//!   a network:  name, parent, mode, MTU, subnets with gateways        a value, which the caller keeps
//!        │ parent().up
//!        ▼
//!   its Parent: there already │ eth0.50, a VLAN made on demand │ dm-…, a dummy of its own
//!        │ connect: with a container's addresses
//!        ▼
//!   a member:   gateways, connection, attached link                   a value, which the caller keeps
//! ```
//!
//! A [`Parent`] knows nothing of networks. Callers with their own endpoints, such as netavark and CNI plugins, use it alone.
//!
//! The library keeps no state and no files. What it makes is marked in the kernel, in the link's alias
//! (`sublink:OWNER:…`); everything else is in the caller's values.
//!
//! A host and the macvlans on its link do not hear each other, by the kernel's design. A network with [`HostAccess`] gives the
//! host a macvlan of its own beside the containers'.
//!
//! Pure functions decide, from values that were read before: [`Network::validate`], [`Parent::plan_among`],
//! [`Network::endpoint`], [`choose_gateways`]. The others do what these return.

mod access;
mod error;
mod member;
mod on;
mod option;
mod parent;
mod restore;
mod subnet;

pub use access::HostAccess;
pub use error::{Error, InvalidNetwork, Result};
pub use member::{Connection, Member, choose_gateways};
pub use parent::{InvalidParent, Owner, Parent, Plan, Removal, Up, remove_orphans};
pub use restore::{Restored, restore_networks};
pub use subnet::Subnet;

use crate::endpoint::Endpoint;
use crate::link::{Ipv4Setting, Ipv6Setting, LinkSpec, MacvlanMode, NewLink, VlanId, VlanProtocol};
use crate::value::{IPV6_MTU, IfIndex, IfName, maybe};
use ipnetwork::IpNetwork;
use std::net::IpAddr;

/// How a network's containers get their links.
///
/// A container whose link is to be of another kind or mode is given an endpoint of the caller's own: [`Network::join`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Driver {
    /// Each a macvlan on the parent.
    Macvlan(MacvlanMode),
    /// Each a VLAN of its own on the parent, with an id of its own ([`Connection::vlan`]).
    Vlan,
}

/// A network: a value that the caller keeps, and that says nothing of the kernel until its [parent](Self::parent) is brought up.
///
/// ```
/// use sublink::{IfName, MacvlanMode, Network};
/// use sublink::network::{Driver, Subnet};
/// let network = Network::new("pub_net", Driver::Macvlan(MacvlanMode::Bridge))?
///     .on(IfName::new("eth0.50")?) // VLAN 50 of eth0, made when it is not there
///     .subnet(Subnet::new("192.168.50.0/24".parse()?).gateway("192.168.50.1".parse()?)?)
///     .subnet(Subnet::new("fd50::/64".parse()?));
/// network.validate(&[])?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
pub struct Network {
    name: Box<str>,
    id: Box<str>,
    driver: Driver,
    /// The link it was given.
    parent: Option<IfName>,
    /// The VLAN that this link is made as, where its name does not say it.
    parent_vlan: Option<(IfName, VlanId)>,
    parent_protocol: Option<VlanProtocol>,
    parent_up: bool,
    /// The name of the link it gets if it was given none.
    dummy: IfName,
    /// The name of the host's own link to its containers.
    access: IfName,
    host_access: Option<HostAccess>,
    mtu: Option<u32>,
    internal: bool,
    attachable: bool,
    config_only: bool,
    config_from: Option<Box<str>>,
    subnets: Vec<Subnet>,
    nodad: bool,
    announce: bool,
    accept_ra: bool,
}

impl Network {
    maybe!();

    /// A network without a link to be on, which is given a dummy of its own.
    ///
    /// Its id is made from the name: the 64 bits of FNV-1a over its bytes, as 16 lower-case hexadecimal digits. That is a
    /// persistent format, since the id names the dummy.
    ///
    /// ```
    /// use sublink::network::{Driver, Network};
    /// assert_eq!(Network::new("foobar", Driver::Vlan)?.id(), "85944171f73967e8");
    /// # Ok::<(), sublink::network::InvalidNetwork>(())
    /// ```
    pub fn new(name: &str, driver: Driver) -> Result<Self, InvalidNetwork> {
        if name.is_empty() || name.len() > 128 || name.chars().any(char::is_control) {
            return Err(InvalidNetwork::Name);
        }
        if ["host", "none", "bridge", "default"].contains(&name) {
            return Err(InvalidNetwork::NameIsReserved(name.into()));
        }
        let id = format!("{:016x}", fnv(name));
        Ok(Self {
            name: name.into(),
            dummy: short_name("dm", &id)?,
            access: short_name("sh", &id)?,
            id: id.into(),
            driver,
            parent: None,
            parent_vlan: None,
            parent_protocol: None,
            parent_up: false,
            host_access: None,
            mtu: None,
            internal: false,
            attachable: false,
            config_only: false,
            config_from: None,
            subnets: Vec::new(),
            nodad: true,
            announce: true,
            accept_ra: false,
        })
    }

    /// A network with the driver, parent, options and subnets of a config-only one: Docker's `--config-from`. Whether it is
    /// internal or attachable, and how its addresses come up, is set on the network itself.
    ///
    /// # Errors
    /// `config` is not config-only.
    pub fn from_config(name: &str, config: &Self) -> Result<Self, InvalidNetwork> {
        if !config.config_only {
            return Err(InvalidNetwork::NotConfigOnly(config.name.clone()));
        }
        let Self { parent, parent_vlan, parent_protocol, parent_up, mtu, .. } = *config;
        let Self { subnets, host_access, .. } = config.clone();
        let config_from = Some(config.name.clone());
        let new = Self::new(name, config.driver)?;
        Ok(Self { parent, parent_vlan, parent_protocol, parent_up, host_access, mtu, config_from, subnets, ..new })
    }

    /// With the caller's own id, of which the first 12 characters name its dummy, and the host's link to its containers.
    pub fn with_id(self, id: &str) -> Result<Self, InvalidNetwork> {
        Ok(Self { dummy: short_name("dm", id)?, access: short_name("sh", id)?, id: id.into(), ..self })
    }

    /// With this MTU, at most the parent's; a dummy of its own is given it.
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

    /// Docker's `--attachable`: open to containers that no orchestrator started. A note for the caller, which changes nothing here.
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

    /// Whether IPv6 addresses are used at once, without duplicate address detection. The default is true, as with Docker.
    #[must_use]
    pub const fn nodad(mut self, nodad: bool) -> Self {
        self.nodad = nodad;
        self
    }

    /// Whether a link that comes up announces its addresses, so that neighbours learn a new MAC address at once: by a gratuitous
    /// ARP ([`ARP_NOTIFY`](Ipv4Setting::ARP_NOTIFY)) and an unsolicited neighbour advertisement
    /// ([`NDISC_NOTIFY`](Ipv6Setting::NDISC_NOTIFY)). The default is true. Docker sends three of each, a second apart, which takes
    /// a program that stays in the container. If `/proc/sys` is read-only, the neighbour advertisement is left out, and IPv6
    /// neighbours keep the old MAC address for up to a minute.
    #[must_use]
    pub const fn announce(mut self, announce: bool) -> Self {
        self.announce = announce;
        self
    }

    /// Whether links take addresses and routes from router advertisements. The default is false, and an
    /// [internal](Self::is_internal) network never lets them.
    ///
    /// With false, IPv6 is off on a link without IPv6 addresses, as with Docker ([`DISABLE_IPV6`](Ipv6Setting::DISABLE_IPV6)). A
    /// link with IPv6 addresses has it on, whatever the container's defaults are. With true, every link has it on. The connection
    /// is refused if a setting cannot be written and the link does not have the value already.
    #[must_use]
    pub const fn accept_ra(mut self, accept_ra: bool) -> Self {
        self.accept_ra = accept_ra;
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

    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
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

    /// Whether it is [attachable](Self::attachable).
    pub const fn is_attachable(&self) -> bool {
        self.attachable
    }

    /// Whether it is a configuration for other networks only.
    pub const fn is_config_only(&self) -> bool {
        self.config_only
    }

    /// The config-only network that it was made from.
    pub fn config_from(&self) -> Option<&str> {
        self.config_from.as_deref()
    }

    /// Checks it against itself and the caller's `others`: what a caller does before it keeps a new network.
    ///
    /// # Errors
    /// What is wrong, in words for the user.
    pub fn validate(&self, others: &[Self]) -> Result<(), InvalidNetwork> {
        self.check_options()?;
        self.check_config(others)?;
        self.check_host_access()?;
        for (number, subnet) in self.subnets.iter().enumerate() {
            if let Some(reserved) = subnet.reserved() {
                return Err(InvalidNetwork::ReservedSubnet { subnet: subnet.network(), reserved });
            }
            if let Some(other) = self.subnets.iter().take(number).find(|other| other.overlaps(subnet)) {
                return Err(InvalidNetwork::Overlap { subnet: subnet.network(), other: other.network() });
            }
            if subnet.network().is_ipv6() && self.mtu.is_some_and(|mtu| mtu < IPV6_MTU) {
                return Err(InvalidNetwork::MtuOfIpv6(subnet.network()));
            }
        }
        others.iter().try_for_each(|other| self.check_beside(other))
    }

    fn check_config(&self, others: &[Self]) -> Result<(), InvalidNetwork> {
        if self.config_only && (self.internal || self.attachable) {
            return Err(InvalidNetwork::ConfigOnly);
        }
        let Some(name) = &self.config_from else { return Ok(()) };
        if self.config_only {
            return Err(InvalidNetwork::ConfigChain);
        }
        let config = others.iter().find(|other| other.name == *name && other.config_only);
        let config = config.ok_or_else(|| InvalidNetwork::NotConfigOnly(name.clone()))?;
        let configured = |network: &Self| {
            let Self { driver, parent, parent_vlan, parent_protocol, parent_up, mtu, .. } = *network;
            (driver, parent, parent_vlan, parent_protocol, parent_up, mtu)
        };
        let is_as_configured = configured(self) == configured(config)
            && (&self.subnets, &self.host_access) == (&config.subnets, &config.host_access);
        if is_as_configured { Ok(()) } else { Err(InvalidNetwork::ConfiguredElsewhere(name.clone())) }
    }

    /// Networks may share a parent, unless one of them takes it over.
    fn check_beside(&self, other: &Self) -> Result<(), InvalidNetwork> {
        let parent = self.parent_name();
        if other.name == self.name {
            return Err(InvalidNetwork::NameIsTaken(self.name.clone()));
        }
        if !self.is_on(parent) || !other.is_on(parent) {
            return Ok(());
        }
        if self.parent.is_none() && other.parent.is_none() {
            return Err(InvalidNetwork::IdIsTaken(other.name.clone()));
        }
        let how = |network: &Self| (network.parent_vlan, network.parent_protocol);
        if how(self) != how(other) {
            return Err(InvalidNetwork::ParentMadeOtherwise { parent, other: other.name.clone() });
        }
        if self.is_passthru() || other.is_passthru() {
            return Err(InvalidNetwork::Passthru { parent, other: other.name.clone() });
        }
        Ok(())
    }

    fn is_passthru(&self) -> bool {
        self.driver == Driver::Macvlan(MacvlanMode::Passthru)
    }

    /// The endpoint of a connection on the parent with index `parent`, to which the caller may add. It has no default route:
    /// which of a container's networks has that is decided among all of them ([`choose_gateways`]).
    ///
    /// # Errors
    /// An address that no station in one of the subnets can have, a gateway's, the host's, or one with another prefix length than
    /// its subnet's. A connection without a VLAN id to a VLAN network, or with one to a macvlan network. A MAC address in
    /// passthru mode.
    pub fn endpoint(&self, parent: IfIndex, connection: &Connection) -> Result<Endpoint<'static>, InvalidNetwork> {
        if self.config_only {
            return Err(InvalidNetwork::IsConfigOnly(self.name.clone()));
        }
        connection.addrs.iter().try_for_each(|addr| self.check_address(*addr))?;
        let mut endpoint = Endpoint::new(self.link(parent, connection)?);
        if self.nodad {
            endpoint = endpoint.nodad();
        }
        if self.announce {
            endpoint = endpoint.ipv4(Ipv4Setting::ARP_NOTIFY, 1);
        }
        endpoint = self.with_ipv6(endpoint, connection.addrs.iter().any(IpNetwork::is_ipv6));
        Ok(connection.addrs.iter().copied().fold(endpoint, Endpoint::addr))
    }

    fn with_ipv6<'a>(&self, endpoint: Endpoint<'a>, has_addresses: bool) -> Endpoint<'a> {
        let accept_ra = self.accept_ra && !self.is_internal();
        if !has_addresses && !accept_ra {
            return endpoint.ipv6(Ipv6Setting::DISABLE_IPV6, 1);
        }
        let endpoint = endpoint.ipv6(Ipv6Setting::DISABLE_IPV6, 0).ipv6(Ipv6Setting::ACCEPT_RA, accept_ra.into());
        if self.announce { endpoint.ipv6_if_possible(Ipv6Setting::NDISC_NOTIFY, 1) } else { endpoint }
    }

    /// Checks an address of a container.
    fn check_address(&self, addr: IpNetwork) -> Result<(), InvalidNetwork> {
        let subnet = self.subnet_of(addr.ip()).filter(|subnet| subnet.has_station(addr.ip()));
        let Some(subnet) = subnet else {
            return Err(InvalidNetwork::AddressOutside { addr, network: self.name.clone() });
        };
        if addr.prefix() != subnet.network().prefix() {
            return Err(InvalidNetwork::AddressPrefix { addr, subnet: subnet.network() });
        }
        if self.subnets.iter().any(|subnet| subnet.gateway_addr() == Some(addr.ip())) {
            return Err(InvalidNetwork::AddressIsGateway { addr, network: self.name.clone() });
        }
        if self.host_access.as_ref().is_some_and(|access| access.addrs().contains(&addr.ip())) {
            return Err(InvalidNetwork::AddressIsHosts { addr, network: self.name.clone() });
        }
        Ok(())
    }

    fn link(&self, parent: IfIndex, connection: &Connection) -> Result<LinkSpec<'static>, InvalidNetwork> {
        let Connection { name, mac, vlan, .. } = *connection;
        match (self.driver, vlan) {
            (Driver::Macvlan(_), Some(_)) => Err(InvalidNetwork::NotAVlan(self.name.clone())),
            (Driver::Macvlan(MacvlanMode::Passthru), _) if mac.is_some() => {
                Err(InvalidNetwork::MacOfPassthru(self.name.clone()))
            }
            (Driver::Macvlan(mode), None) => {
                let link = NewLink::macvlan(parent).mode(mode).name(name);
                Ok(link.maybe(self.mtu, NewLink::mtu).maybe(mac, NewLink::mac).into())
            }
            (Driver::Vlan, Some(id)) => {
                let link = NewLink::vlan(parent, id).name(name);
                Ok(link.maybe(self.mtu, NewLink::mtu).maybe(mac, NewLink::mac).into())
            }
            (Driver::Vlan, None) => Err(InvalidNetwork::NoVlanId(self.name.clone())),
        }
    }

    /// The gateways of a container with these addresses: of each address, that of the smallest subnet around it. None, if the
    /// network is internal.
    pub fn gateways(&self, addrs: &[IpNetwork]) -> Vec<IpAddr> {
        if self.is_internal() {
            return Vec::new();
        }
        addrs.iter().filter_map(|addr| self.subnet_of(addr.ip())?.gateway_addr()).collect()
    }

    fn subnet_of(&self, addr: IpAddr) -> Option<&Subnet> {
        let around = self.subnets.iter().filter(|subnet| subnet.network().contains(addr));
        around.max_by_key(|subnet| subnet.network().prefix())
    }
}

/// The name of one of the network's own links. A dummy has the same name as with Docker.
fn short_name(prefix: &str, id: &str) -> Result<IfName, InvalidNetwork> {
    let short = id.get(..12).filter(|short| short.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    IfName::new(&format!("{prefix}-{}", short.ok_or(InvalidNetwork::Id)?)).map_err(|_| InvalidNetwork::Id)
}

/// FNV-1a, of 64 bits.
fn fnv(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests;
