//! Containers that join and leave networks while they run, and the default route among the networks of one.

use super::{Network, Owner};
use crate::batch::Batch;
use crate::endpoint::{Attached, Detached};
use crate::error::Result;
use crate::link::VlanId;
use crate::route::NewRoute;
use crate::socket::Socket;
use crate::value::{IfName, MacAddr};
use ipnetwork::IpNetwork;
use std::cmp::Reverse;
use std::net::IpAddr;
use std::os::fd::AsFd;

/// What a container has in a network: chosen by the caller, who gives out addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The link's name in the container.
    pub name: IfName,
    /// Its addresses, each with its subnet's prefix length.
    pub addrs: Vec<IpNetwork>,
    /// Its MAC address; unless said, a macvlan has a random one and a VLAN its parent's. A passthru container has its
    /// parent's.
    pub mac: Option<MacAddr>,
    /// Its VLAN id, in a network of VLANs.
    pub vlan: Option<VlanId>,
    /// Its priority when the default gateway is chosen among several networks; the highest wins.
    pub priority: i32,
}

impl Connection {
    /// A connection with a link of this name and these addresses.
    #[must_use]
    pub fn new(name: IfName, addrs: &[IpNetwork]) -> Self {
        Self { name, addrs: addrs.into(), mac: None, vlan: None, priority: 0 }
    }
}

/// A container's connection to a network, as it stands: plain data, kept by the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member<'n> {
    /// The network.
    pub network: &'n Network,
    /// What the container has in it.
    pub connection: Connection,
    /// The link.
    pub attached: Attached,
}

impl Network {
    /// Connects a container, which may have other networks already: `others`, its members. The network's parent is made
    /// where it is not there. The default route goes to this network where [`choose_gateways`] chooses it among all of
    /// them, in the place of the one that had it, without a moment in between.
    ///
    /// Routers advertise themselves too: a container that is to have no IPv6 default route but these has to be told so
    /// before (`net.ipv6.conf.default.accept_ra`).
    ///
    /// # Errors
    /// As [`up`](Self::up), [`endpoint`](Self::endpoint) and [`Endpoint::attach`](crate::Endpoint::attach).
    /// Then the container is as before, but for a default route that was none of these networks'; a parent that was made stays.
    pub fn connect<'n>(
        &'n self,
        host: &mut Socket,
        owner: &Owner,
        namespace: impl AsFd,
        inside: &mut Socket,
        connection: Connection,
        others: &[Member<'_>],
    ) -> Result<Member<'n>> {
        let parent = self.up(host, owner)?;
        let attached = self.endpoint(parent, &connection)?.attach(host, namespace, inside)?;
        let member = Member { network: self, connection, attached };
        match member.take_default_routes(others, inside) {
            Ok(()) => Ok(member),
            Err(error) => {
                let error = error.explained(inside);
                settle_default_routes(others, inside); // one of them may have been replaced already
                Err(error.with_undo(attached.undo(inside)))
            }
        }
    }
}

impl Member<'_> {
    /// Takes the default routes that this network has among those of the container: in the place of another's, so that there
    /// is no moment without.
    fn take_default_routes(&self, others: &[Self], inside: &mut Socket) -> Result<()> {
        let mut batch = Batch::new();
        let all: Vec<_> = others.iter().chain([self]).map(|member| (member.network, &member.connection)).collect();
        for (number, gateway) in choose_gateways(&all) {
            if number == others.len() {
                batch.push(&self.default_route(gateway))?;
            }
        }
        inside.run(&mut batch)
    }

    /// The default route by this gateway.
    fn default_route(&self, gateway: IpAddr) -> NewRoute {
        let route = NewRoute::default_via(gateway).index(self.attached.index).replace();
        let is_reachable = self.connection.addrs.iter().any(|addr| addr.contains(gateway));
        if is_reachable { route } else { route.onlink() }
    }

    /// Disconnects the container from the network. Its default route goes to another of its networks first (`rest`, the
    /// members that stay), so that there is no moment without.
    ///
    /// A network whose link the container has altered so that it cannot have the default route is passed over: nothing that
    /// a container does inside keeps it from being disconnected.
    ///
    /// # Errors
    /// As [`Attached::detach`].
    pub fn disconnect(&self, inside: &mut Socket, rest: &[Member<'_>]) -> Result<Detached> {
        settle_default_routes(rest, inside);
        self.attached.detach(inside)
    }
}

/// Gives the default route of each family to the best of the networks that can have it.
fn settle_default_routes(members: &[Member<'_>], inside: &mut Socket) {
    let networks: Vec<_> = members.iter().map(|member| (member.network, &member.connection)).collect();
    for candidates in FAMILIES.map(|family| rank_gateways(&networks, family)) {
        let mut candidates =
            candidates.into_iter().filter_map(|(number, gateway)| Some((members.get(number)?, gateway)));
        let _ =
            candidates.any(|(member, gateway): (&Member<'_>, _)| inside.apply(&member.default_route(gateway)).is_ok());
    }
}

/// Chooses which of a container's networks has its default route, for each family that one of them has a gateway of: the
/// number of the network in `members`, and its gateway.
///
/// The highest priority wins; then the network that has gateways of more families; then the name that comes first in byte
/// order. An internal network has no gateway. It is Docker's order.
///
/// ```
/// use sublink::{IfName, Network};
/// use sublink::network::{Connection, Driver, Subnet, choose_gateways};
/// let network = |name, subnet: &str, gateway: &str| {
///     let subnet = Subnet::new(subnet.parse()?).gateway(gateway.parse()?)?;
///     Ok::<_, Box<dyn std::error::Error>>(Network::new(name, Driver::Vlan)?.parent(IfName::new("eth0")?).subnet(subnet))
/// };
/// let (shop, back) = (network("shop", "10.1.0.0/16", "10.1.0.1")?, network("back", "10.2.0.0/16", "10.2.0.1")?);
/// let in_shop = Connection::new(IfName::new("eth0")?, &["10.1.0.7/16".parse()?]);
/// let mut in_back = Connection::new(IfName::new("eth1")?, &["10.2.0.7/16".parse()?]);
/// assert_eq!(choose_gateways(&[(&shop, &in_shop), (&back, &in_back)]), [(1, "10.2.0.1".parse()?)]);
/// in_back.priority = -1;
/// assert_eq!(choose_gateways(&[(&shop, &in_shop), (&back, &in_back)]), [(0, "10.1.0.1".parse()?)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn choose_gateways(members: &[(&Network, &Connection)]) -> Vec<(usize, IpAddr)> {
    FAMILIES.iter().filter_map(|family| rank_gateways(members, *family).into_iter().next()).collect()
}

type Family = fn(&IpAddr) -> bool;

const FAMILIES: [Family; 2] = [IpAddr::is_ipv4, IpAddr::is_ipv6];

/// The networks with a gateway of this family, the best first.
fn rank_gateways(members: &[(&Network, &Connection)], is_of_family: Family) -> Vec<(usize, IpAddr)> {
    let candidates = members.iter().enumerate().filter_map(|(number, (network, connection))| {
        let gateways = network.gateways(&connection.addrs);
        let families = FAMILIES.iter().filter(|family| gateways.iter().any(family)).count();
        let order = (Reverse(connection.priority), Reverse(families), network.name());
        Some((order, number, gateways.iter().copied().find(is_of_family)?))
    });
    let mut candidates: Vec<_> = candidates.collect();
    candidates.sort_by_key(|(order, ..)| *order);
    candidates.into_iter().map(|(_, number, gateway)| (number, gateway)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{ip, macvlan, name, net, with_subnet};
    use super::*;

    /// A network on eth0 of which 10.N.0.0/16 and fdN::/64 have gateways, or one of both.
    fn network(name: &str, number: u8, v4: bool, v6: bool) -> Network {
        let network = macvlan(name).parent(super::super::tests::name("eth0"));
        let network = if v4 {
            with_subnet(network, &format!("10.{number}.0.0/16"), &format!("10.{number}.0.1"))
        } else {
            network
        };
        if v6 { with_subnet(network, &format!("fd{number}::/64"), &format!("fd{number}::1")) } else { network }
    }

    fn connection(number: u8, priority: i32) -> Connection {
        let addrs = [net(&format!("10.{number}.0.7/16")), net(&format!("fd{number}::7/64"))];
        Connection { priority, ..Connection::new(name("eth0"), &addrs) }
    }

    fn chosen(members: &[(Network, i32)]) -> Vec<(usize, IpAddr)> {
        let connections: Vec<_> =
            (1..).zip(members).map(|(number, (_, priority))| connection(number, *priority)).collect();
        let members: Vec<_> = members.iter().map(|(network, _)| network).zip(&connections).collect();
        choose_gateways(&members)
    }

    #[test]
    fn the_first_name_in_byte_order_wins() {
        let v4 = |name, number| (network(name, number, true, false), 0);
        assert_eq!(chosen(&[]), []);
        assert_eq!(chosen(&[v4("b", 1), v4("a", 2), v4("c", 3)]), [(1, ip("10.2.0.1"))]);
        assert_eq!(chosen(&[v4("a", 1), v4("B", 2)]), [(1, ip("10.2.0.1"))], "B is 66, a is 97");
        assert_eq!(chosen(&[v4("net10", 1), v4("net9", 2)]), [(0, ip("10.1.0.1"))]);
    }

    #[test]
    fn more_families_win_before_the_name_and_priority_before_both() {
        let (v4, both) = (network("a", 1, true, false), network("b", 2, true, true));
        let members = |priority| [(v4.clone(), priority), (both.clone(), 0)];
        assert_eq!(chosen(&members(0)), [(1, ip("10.2.0.1")), (1, ip("fd2::1"))]);
        assert_eq!(chosen(&members(1)), [(0, ip("10.1.0.1")), (1, ip("fd2::1"))], "each family by itself");
        assert_eq!(chosen(&members(-1)), [(1, ip("10.2.0.1")), (1, ip("fd2::1"))]);
    }

    #[test]
    fn internal_networks_and_subnets_without_gateways_are_no_way_out() {
        let (internal, plain) = (network("a", 1, true, true).internal(), network("b", 2, false, true));
        assert_eq!(chosen(&[(internal.clone(), 9), (plain, 0)]), [(1, ip("fd2::1"))]);
        assert_eq!(chosen(&[(internal, 0)]), []);
    }
}
