//! Containers that join and leave networks while they run, and the default route among the networks of one.

use super::{Network, Owner, Result};
use crate::endpoint::{Attached, Detach, Detached, default_route, pass_on, take};
use crate::link::VlanId;
use crate::route::NewRoute;
use crate::sandbox::Sandbox;
use crate::socket::Socket;
use crate::value::{IfName, MacAddr};
use ipnetwork::IpNetwork;
use std::cmp::Reverse;
use std::net::IpAddr;

/// What a container has in a network: chosen by the caller, who gives out addresses.
///
/// ```
/// use sublink::IfName;
/// use sublink::network::Connection;
/// let connection = Connection::new(IfName::new("eth0")?, &["10.0.50.7/24".parse()?]).priority(10);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connection {
    /// The link's name in the container.
    pub name: IfName,
    /// Its addresses, each with its subnet's prefix length.
    pub addrs: Vec<IpNetwork>,
    /// Its MAC address; unless set, a macvlan has a random one and a VLAN its parent's. A passthru container has its
    /// parent's.
    pub mac: Option<MacAddr>,
    /// Its VLAN id, in a network of VLANs.
    pub vlan: Option<VlanId>,
    /// Its priority when the default gateway is chosen among several networks; the highest wins. Unless set, 0.
    pub priority: i32,
}

impl Connection {
    /// A connection with a link of this name and these addresses.
    #[must_use]
    pub fn new(name: IfName, addrs: &[IpNetwork]) -> Self {
        Self { name, addrs: addrs.into(), mac: None, vlan: None, priority: 0 }
    }

    /// With this MAC address.
    #[must_use]
    pub fn mac(mut self, mac: impl Into<Option<MacAddr>>) -> Self {
        self.mac = mac.into();
        self
    }

    /// With this VLAN id.
    #[must_use]
    pub fn vlan(mut self, vlan: impl Into<Option<VlanId>>) -> Self {
        self.vlan = vlan.into();
        self
    }

    /// With this priority.
    #[must_use]
    pub const fn priority(mut self, priority: i32) -> Self {
        self.priority = priority;
        self
    }
}

/// A container's connection to a network, as it stands: plain data, kept by the caller.
///
/// It holds what is needed of the network, as it was when the container joined.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Member {
    /// The name of the network.
    pub network: Box<str>,
    /// The network's gateways for the connection's addresses.
    pub gateways: Vec<IpAddr>,
    /// What the container has in the network.
    pub connection: Connection,
    /// The link.
    pub attached: Attached,
}

impl Network {
    /// Connects a container, which may have other networks already: `others`, its members. The network's parent is made
    /// where it is not there. The default route goes to this network where [`choose_gateways`] chooses it among all of
    /// them, in the place of the one that had it, with no gap in between. A default route of the same metric that is none of
    /// these networks' is left alone: the connection is refused, as with Docker.
    ///
    /// The link ignores router advertisements, unless the network has [`accept_ra`](Self::accept_ra). A default route that
    /// another link has from a router advertisement is left alone, and is no reason to refuse the connection.
    ///
    /// The container's `lo` is brought up, as Docker does.
    ///
    /// A container that is to have more than the network and the connection say is connected step by step:
    /// [`join`](Self::join).
    ///
    /// # Errors
    /// As [`Parent::attach`](super::Parent::attach), [`endpoint`](Self::endpoint) and
    /// [`join`](Self::join). Then the container is as before; a parent that was made stays.
    pub fn connect(
        &self,
        host: &mut Socket,
        owner: &Owner,
        sandbox: &mut Sandbox,
        connection: Connection,
        others: &[Member],
    ) -> Result<Member> {
        if self.depends_on_mtu() {
            if let Some(parent) = self.parent()?.nearest(host)? {
                self.validate_on(&parent)?;
            }
        }
        let endpoint = |parent| Ok(self.endpoint(parent, &connection)?);
        let (_, attached) = self.parent()?.attach(host, owner, sandbox, endpoint)?;
        self.join(connection, attached, sandbox, others)
    }

    /// Makes a container whose link is attached a member: brings its `lo` up, and gives it the default route if that is this
    /// network's among `others`. It is the last step of [`connect`](Self::connect), for callers with an endpoint of their own:
    ///
    /// ```no_run
    /// # use sublink::{IfName, MacvlanMode, Network, NewRoute, Owner, Sandbox, Socket};
    /// # use sublink::network::{Connection, Driver};
    /// # let (mut host, mut pod, owner) = (Socket::open()?, Sandbox::named("c1")?, Owner::new("my-engine")?);
    /// # let network = Network::new("net", Driver::Macvlan(MacvlanMode::Bridge))?;
    /// let connection = Connection::new(IfName::new("eth0")?, &["10.0.50.7/24".parse()?]);
    /// let parent = network.parent()?.up(&mut host, &owner)?;
    /// let endpoint = network.endpoint(parent.index, &connection)?; // or any other on that parent
    /// let endpoint = endpoint.route(NewRoute::new("10.9.0.0/16".parse()?).gateway("10.0.50.2".parse()?));
    /// let attached = endpoint.attach(&mut host, &mut pod)?;
    /// let member = network.join(connection, attached, &mut pod, &[])?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The default route was refused: with EEXIST, because of one that is none of these networks'. Then the link is detached,
    /// and all default routes are as before.
    pub fn join(
        &self,
        connection: Connection,
        attached: Attached,
        sandbox: &mut Sandbox,
        others: &[Member],
    ) -> Result<Member> {
        let member = Member::new(self, connection, attached);
        let lo = sandbox.bring_up_loopback();
        let lo_was_down = matches!(lo, Ok(true));
        match lo.and_then(|_| member.take_default_routes(others, sandbox.socket())) {
            Ok(()) => Ok(member),
            Err(error) => {
                let error = error.explained(sandbox.socket());
                if lo_was_down {
                    sandbox.take_down_loopback();
                }
                Err(error.with_undo(attached.undo(sandbox.socket())).into())
            }
        }
    }
}

impl Member {
    /// The member that a container is with this connection and this link; nothing is done. It is for callers that have kept
    /// what [`Network::connect`] returned in a form of their own.
    #[must_use]
    pub fn new(network: &Network, connection: Connection, attached: Attached) -> Self {
        Self { network: network.name().into(), gateways: network.gateways(&connection.addrs), connection, attached }
    }

    /// Takes the default routes that this network has among those of the container, in the place of the others', or changes
    /// nothing.
    fn take_default_routes(&self, others: &[Self], inside: &mut Socket) -> crate::Result<()> {
        let chosen = choose_gateways(others.iter().chain([self])).into_iter();
        let own: Vec<_> = chosen
            .filter(|(number, _)| *number == others.len())
            .map(|(_, gateway)| self.default_route(gateway))
            .collect();
        let known: Vec<_> = others.iter().flat_map(Self::default_routes).collect();
        take(&own, &known, inside)
    }

    /// The default routes that it may have.
    fn default_routes(&self) -> impl Iterator<Item = NewRoute<'static>> {
        self.gateways.iter().map(|gateway| self.default_route(*gateway))
    }

    fn default_route(&self, gateway: IpAddr) -> NewRoute<'static> {
        default_route(gateway, self.attached.index, &self.connection.addrs)
    }

    /// Disconnects the container from the network. The default route of each family that it had goes to another of the
    /// container's networks first (`rest`, the members that stay), so that there is no gap in between. Where nobody has a
    /// default route, such a network is given it; where one of these networks or somebody else has it, it stays as it is.
    ///
    /// A network whose link the container has altered so that it cannot have the default route is passed over: nothing that
    /// a container does inside keeps it from being disconnected.
    ///
    /// # Errors
    /// As [`Attached::detach`]. If requests about the default route, or their answers, were lost twice, the link is not touched,
    /// and it can be called again.
    pub fn disconnect(
        &self,
        host: &mut Socket,
        sandbox: &mut Sandbox,
        rest: &[Self],
        how: &Detach<'_>,
    ) -> Result<Detached> {
        let members: Vec<_> = rest.iter().collect();
        let own: Vec<_> = self.default_routes().collect();
        for family in FAMILIES {
            let ranked = rank_gateways(&members, family).into_iter();
            let candidates: Vec<_> =
                ranked.filter_map(|(number, gateway)| Some(rest.get(number)?.default_route(gateway))).collect();
            pass_on(&own, &candidates, sandbox.socket())?;
        }
        Ok(self.attached.detach(host, sandbox, how)?)
    }
}

/// Chooses which of a container's networks has its default route, for each family that one of them has a gateway of: the
/// number of the network in `members`, and its gateway.
///
/// The highest priority wins; then the network that has gateways of more families; then the name that comes first in byte
/// order. An internal network has no gateway. It is Docker's order.
///
/// ```
/// use sublink::network::{Member, choose_gateways};
/// fn print_default_routes(members: &[Member]) {
///     for (number, gateway) in choose_gateways(members) {
///         println!("default route by {gateway}, of the network {}", members[number].network);
///     }
/// }
/// ```
pub fn choose_gateways<'m>(members: impl IntoIterator<Item = &'m Member>) -> Vec<(usize, IpAddr)> {
    let members: Vec<_> = members.into_iter().collect();
    FAMILIES.iter().filter_map(|family| rank_gateways(&members, *family).into_iter().next()).collect()
}

type Family = fn(&IpAddr) -> bool;

const FAMILIES: [Family; 2] = [IpAddr::is_ipv4, IpAddr::is_ipv6];

/// The networks with a gateway of this family, the best first.
fn rank_gateways(members: &[&Member], is_of_family: Family) -> Vec<(usize, IpAddr)> {
    let candidates = members.iter().enumerate().filter_map(|(number, member)| {
        let gateways = &member.gateways;
        let families = FAMILIES.iter().filter(|family| gateways.iter().any(family)).count();
        let order = (Reverse(member.connection.priority), Reverse(families), &member.network);
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
        let network = macvlan(name).on(super::super::tests::name("eth0"));
        let network = if v4 {
            with_subnet(network, &format!("10.{number}.0.0/16"), &format!("10.{number}.0.1"))
        } else {
            network
        };
        if v6 { with_subnet(network, &format!("fd{number}::/64"), &format!("fd{number}::1")) } else { network }
    }

    fn member(number: u8, network: &Network, priority: i32) -> Member {
        let addrs = [net(&format!("10.{number}.0.7/16")), net(&format!("fd{number}::7/64"))];
        let attached = "eth0 kind macvlan index 7".parse().unwrap();
        Member::new(network, Connection::new(name("eth0"), &addrs).priority(priority), attached)
    }

    fn chosen(members: &[(Network, i32)]) -> Vec<(usize, IpAddr)> {
        let members: Vec<_> =
            (1..).zip(members).map(|(number, (network, priority))| member(number, network, *priority)).collect();
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
    fn internal_networks_and_subnets_without_gateways_are_no_gateway_addr() {
        let (internal, plain) = (network("a", 1, true, true).internal(), network("b", 2, false, true));
        assert_eq!(chosen(&[(internal.clone(), 9), (plain, 0)]), [(1, ip("fd2::1"))]);
        assert_eq!(chosen(&[(internal, 0)]), []);
    }
}
