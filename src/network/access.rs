//! How the host reaches a network's containers: by a link of its own beside theirs.
//!
//! A macvlan and its parent's own stack do not hear each other, by the kernel's design, so the host cannot reach containers
//! by the link that they stand on. A macvlan of the host's own on that link reaches them, in bridge mode: it is called a shim.
//!
//! ```text
//!     host                                        a container
//!     sh-85944171f739  10.0.50.250  ◄─────────►   eth0  10.0.50.7        the kernel passes frames from one to the other
//!           │ 10.0.50.64/26 by it                   │
//!     eth0 ─┴───────────────────────────────────────┘
//! ```

use super::{Driver, InvalidNetwork, Network, Owner, Removal, Result, Subnet};
use crate::link::MacvlanMode;
use crate::socket::Socket;
use crate::value::{IfIndex, IfName, MacAddr};
use ipnetwork::IpNetwork;
use std::net::IpAddr;

/// The host's access to the containers on a parent: addresses for a macvlan of the host's own, and what it leads to.
///
/// - **Addresses**: one of each family that the containers have. Nobody else may have it, and no container may be given it. With
///   Docker, `--aux-address` keeps it free. The host's own address on the parent cannot be used.
/// - **What it leads to** ([`to`](Self::to)): the containers' part of the subnet, or single addresses. If the host has a route to
///   the whole subnet by the parent, as on most LANs, the whole subnet is refused: it would take that route's place.
///   A container reaches the host by the address of the access.
/// - **The MAC address** of the new link is one more on the parent. A network card takes a few of them, and becomes promiscuous
///   when there are more. Wi-Fi, clouds and switch ports that allow one address drop frames with it. The containers are
///   reached all the same, since that traffic does not leave the host.
/// - ARP requests are answered for the addresses of the access only, and not for those of the host's other links
///   ([`ARP_IGNORE`](crate::link::Ipv4Setting::ARP_IGNORE) is 1): so the LAN does not learn two MAC addresses for the host.
/// - Broadcasts and multicasts of the LAN reach the host twice, by the parent and by this link.
/// - It is for bridge mode. In private mode containers hear no sibling, in passthru mode there can be none, and in VEPA mode
///   the switch decides.
///
/// ```
/// use sublink::network::HostAccess;
/// let access = HostAccess::new()
///     .addr("10.0.50.250".parse()?)
///     .to("10.0.50.64/26".parse()?); // where the containers' addresses are from
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "shim")]
#[doc(alias = "macvlan-shim")]
#[doc(alias = "aux-address")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostAccess {
    addrs: Vec<IpAddr>,
    to: Vec<IpNetwork>,
    mac: Option<MacAddr>,
}

impl HostAccess {
    /// An access that has no address yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { addrs: Vec::new(), to: Vec::new(), mac: None }
    }

    /// One more address of the host's. It is added without its subnet: only [`to`](Self::to) makes routes.
    #[must_use]
    pub fn addr(mut self, addr: IpAddr) -> Self {
        self.addrs.push(addr);
        self
    }

    /// One more destination that is reached by it: a subnet, a part of one, or a container's address.
    #[must_use]
    pub fn to(mut self, containers: IpNetwork) -> Self {
        self.to.push(containers);
        self
    }

    /// The MAC address of the link; a random one unless set.
    #[must_use]
    pub const fn mac(mut self, mac: MacAddr) -> Self {
        self.mac = Some(mac);
        self
    }

    /// The host's addresses.
    pub fn addrs(&self) -> &[IpAddr] {
        &self.addrs
    }

    /// What is reached by it.
    pub fn destinations(&self) -> &[IpNetwork] {
        &self.to
    }

    pub(super) const fn wanted_mac(&self) -> Option<MacAddr> {
        self.mac
    }

    /// The address that packets to this destination are sent from: the first of its family.
    pub(super) fn source(&self, to: IpNetwork) -> Option<IpAddr> {
        self.addrs.iter().copied().find(|addr| addr.is_ipv4() == to.is_ipv4())
    }
}

impl Network {
    /// Sets the host's access to the network's containers. The link is made by [`give_host_access`](Self::give_host_access).
    /// Without destinations ([`HostAccess::to`]), the access leads to those of the network's subnets in which it has an address.
    #[doc(alias = "shim")]
    #[must_use]
    pub fn host_access(mut self, access: HostAccess) -> Self {
        self.host_access = Some(access);
        self
    }

    /// The host's access to its containers, if it has one, with all that it leads to.
    pub fn wanted_host_access(&self) -> Option<HostAccess> {
        let access = self.host_access.clone()?;
        if !access.to.is_empty() {
            return Some(access);
        }
        let subnets = self.subnets.iter().map(Subnet::network);
        let to = subnets.filter(|subnet| access.addrs.iter().any(|addr| subnet.contains(*addr))).collect();
        Some(HostAccess { to, ..access })
    }

    pub(super) const fn has_host_access(&self) -> bool {
        self.host_access.is_some() && !self.config_only
    }

    /// The name of the host's link to its containers: `sh-` and the first 12 characters of its id.
    pub const fn host_access_name(&self) -> IfName {
        self.access
    }

    /// Gives the host its access to the network's containers: brings the network's parent up, and makes the link with its
    /// addresses and routes, or what is missing of it. Calling it twice does no harm. Returns the index of the link.
    ///
    /// The link stays until it is [taken back](Self::take_host_access) or the network's [parent is removed](Self::remove_parent);
    /// [`restore_networks`](super::restore_networks) gives it again after a reboot.
    ///
    /// # Errors
    /// [`InvalidNetwork::NoHostAccess`] if the network has none, what [`validate`](Self::validate) says of it, and as
    /// [`Parent::give_host_access`](super::Parent::give_host_access).
    #[doc(alias = "shim")]
    pub fn give_host_access(&self, host: &mut Socket, owner: &Owner) -> Result<IfIndex> {
        let access = self.wanted_host_access().ok_or_else(|| InvalidNetwork::NoHostAccess(self.name.clone()))?;
        self.check_host_access()?;
        self.parent()?.give_host_access(host, owner, self.access, &access)
    }

    /// Takes the host's access to the network's containers back: the link goes, with its addresses and routes.
    ///
    /// # Errors
    /// As [`Parent::take_host_access`](super::Parent::take_host_access).
    pub fn take_host_access(&self, host: &mut Socket, owner: &Owner) -> Result<Removal> {
        self.parent()?.take_host_access(host, owner, self.access)
    }

    /// Checks the host's access to its containers.
    pub(super) fn check_host_access(&self) -> Result<(), InvalidNetwork> {
        let Some(access) = &self.host_access else { return Ok(()) };
        let network = || self.name.clone();
        match self.driver {
            Driver::Macvlan(MacvlanMode::Bridge) => {}
            Driver::Macvlan(mode) => {
                return Err(InvalidNetwork::HostAccessMode { network: network(), mode: Some(mode) });
            }
            Driver::Vlan => return Err(InvalidNetwork::HostAccessMode { network: network(), mode: None }),
        }
        if access.addrs.is_empty() {
            return Err(InvalidNetwork::NoHostAccess(network()));
        }
        for addr in &access.addrs {
            let is_station = self.subnet_of(*addr).is_some_and(|subnet| subnet.has_station(*addr));
            if !is_station {
                return Err(InvalidNetwork::AddressOutside { addr: IpNetwork::from(*addr), network: network() });
            }
            if self.subnets.iter().any(|subnet| subnet.gateway_addr() == Some(*addr)) {
                return Err(InvalidNetwork::AddressIsGateway { addr: IpNetwork::from(*addr), network: network() });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{ip, macvlan, name, net, with_subnet};
    use super::super::{Connection, InvalidNetwork};
    use super::*;

    fn network() -> Network {
        let network = with_subnet(macvlan("foobar").on(name("eth0")), "10.0.50.0/24", "10.0.50.1");
        with_subnet(network, "fd50::/64", "fd50::1")
    }

    fn access(addrs: &[&str]) -> HostAccess {
        addrs.iter().fold(HostAccess::new(), |access, addr| access.addr(ip(addr)))
    }

    #[test]
    fn it_leads_to_the_subnets_of_its_addresses_unless_it_says_more() {
        assert_eq!(network().wanted_host_access(), None);
        assert_eq!(network().host_access_name(), name("sh-85944171f739"), "a persistent format");
        let leads_to = |access| network().host_access(access).wanted_host_access().unwrap().to;
        assert_eq!(leads_to(access(&["10.0.50.250"])), [net("10.0.50.0/24")]);
        assert_eq!(leads_to(access(&["10.0.50.250", "fd50::250"])), [net("10.0.50.0/24"), net("fd50::/64")]);
        assert_eq!(leads_to(access(&["10.0.50.250"]).to(net("10.0.50.7/32"))), [net("10.0.50.7/32")]);
    }

    #[test]
    fn it_is_for_bridge_mode_and_addresses_of_its_own() {
        let checked = |network: Network| network.validate(&[]);
        let shim = || access(&["10.0.50.250", "fd50::250"]);
        assert_eq!(checked(network().host_access(shim())), Ok(()));
        for mode in [MacvlanMode::Private, MacvlanMode::Vepa, MacvlanMode::Passthru] {
            let other = Network { driver: Driver::Macvlan(mode), ..network() };
            let expected = InvalidNetwork::HostAccessMode { network: "foobar".into(), mode: Some(mode) };
            assert_eq!(checked(other.host_access(shim())), Err(expected));
        }
        let vlans = Network { driver: Driver::Vlan, ..network() };
        let expected = InvalidNetwork::HostAccessMode { network: "foobar".into(), mode: None };
        assert_eq!(checked(vlans.host_access(shim())), Err(expected));
        assert_eq!(checked(network().host_access(access(&[]))), Err(InvalidNetwork::NoHostAccess("foobar".into())));
        for addr in ["10.0.51.1", "10.0.50.255", "fd51::1"] {
            let expected = InvalidNetwork::AddressOutside { addr: ip(addr).into(), network: "foobar".into() };
            assert_eq!(checked(network().host_access(access(&[addr]))), Err(expected));
        }
        let gateway = InvalidNetwork::AddressIsGateway { addr: ip("10.0.50.1").into(), network: "foobar".into() };
        assert_eq!(checked(network().host_access(access(&["10.0.50.1"]))), Err(gateway));

        let connection = Connection::new(name("eth0"), &[net("10.0.50.250/24")]);
        let refused = network().host_access(shim()).endpoint(IfIndex::new(2).unwrap(), &connection);
        let hosts = InvalidNetwork::AddressIsHosts { addr: net("10.0.50.250/24"), network: "foobar".into() };
        assert_eq!(refused, Err(hosts), "no container has it");
    }
}
