//! Containers that join and leave networks while they run.

use super::{InvalidNetwork, Network, Owner};
use crate::batch::Batch;
use crate::endpoint::{Attached, Detached};
use crate::error::Result;
use crate::link::{IfName, MacAddr, VlanId};
use crate::route::NewRoute;
use crate::socket::Socket;
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
    /// Its MAC address; a random one unless said.
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
    /// Connects a container, which may have other networks already (`others`, its members). The network's parent is made
    /// where it is not there; the default route goes to the network that [`choose_gateways`] chooses among all of them.
    ///
    /// # Errors
    /// As [`Endpoint::attach`](crate::Endpoint::attach): then the container is as before.
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
        let all: Vec<_> = others.iter().chain([&member]).collect();
        match route_defaults(&all, inside) {
            Ok(()) => Ok(member),
            Err(error) => {
                let error = error.with_undo(attached.undo(inside));
                let _ = route_defaults(&others.iter().collect::<Vec<_>>(), inside); // what it had taken over
                Err(error)
            }
        }
    }
}

impl Member<'_> {
    /// Disconnects the container from the network. The default route goes to another of its networks first (`rest`, the
    /// members that stay), so that there is no moment without.
    pub fn disconnect(&self, inside: &mut Socket, rest: &[Member<'_>]) -> Result<Detached> {
        route_defaults(&rest.iter().collect::<Vec<_>>(), inside)?;
        self.attached.detach(inside)
    }
}

fn route_defaults(members: &[&Member<'_>], inside: &mut Socket) -> Result<()> {
    let chosen: Vec<_> = members.iter().map(|member| (member.network, &member.connection)).collect();
    let mut batch = Batch::new();
    for (number, gateway) in choose_gateways(&chosen) {
        if let Some(member) = members.get(number) {
            batch.push(&NewRoute::default_via(gateway).index(member.attached.index).replace())?;
        }
    }
    inside.run(&mut batch)
}

/// Chooses which of a container's networks has its default route, for each family that one of them has a gateway of: the
/// number of the network in `members`, and its gateway.
///
/// The highest priority wins; then the network that has gateways of more families; then the name that comes first in byte
/// order. It is Docker's order.
pub fn choose_gateways(members: &[(&Network, &Connection)]) -> Vec<(usize, IpAddr)> {
    let gateways: Vec<_> = members.iter().map(|(network, connection)| network.gateways(&connection.addrs)).collect();
    let choose = |is_of_family: fn(&IpAddr) -> bool| {
        let candidates = members.iter().zip(&gateways).enumerate();
        let candidates = candidates.filter_map(|(number, ((network, connection), gateways))| {
            let gateway = gateways.iter().copied().find(is_of_family)?;
            let families =
                usize::from(gateways.iter().any(IpAddr::is_ipv4)) + usize::from(gateways.iter().any(IpAddr::is_ipv6));
            let order = (Reverse(connection.priority), Reverse(families), network.name());
            Some((order, number, gateway))
        });
        candidates.min_by_key(|(order, ..)| *order).map(|(_, number, gateway)| (number, gateway))
    };
    [choose(IpAddr::is_ipv4), choose(IpAddr::is_ipv6)].into_iter().flatten().collect()
}

impl From<InvalidNetwork> for std::io::Error {
    fn from(error: InvalidNetwork) -> Self {
        Self::new(std::io::ErrorKind::InvalidInput, error)
    }
}
