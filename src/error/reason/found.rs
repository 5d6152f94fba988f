//! What was found in the place of what was asked for.

use super::words::called;
use crate::neigh::{NeighbourFlags, NeighbourState};
use crate::route::{RouteType, Table};
use crate::value::{IfName, MacAddr};
use ipnetwork::IpNetwork;
use std::fmt;
use std::net::IpAddr;

/// A route that is there, in the words of `ip route`.
///
/// ```text
/// default via 10.0.50.1 dev eth0 metric 99
/// blackhole 10.1.0.0/16
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FoundRoute {
    /// Where it leads.
    pub destination: IpNetwork,
    /// What happens to a packet.
    pub route_type: RouteType,
    /// The router it goes to. If there are several next hops, that of the first.
    pub gateway: Option<IpAddr>,
    /// The link it leaves by. If there are several next hops, that of the first.
    pub link: Option<IfName>,
    /// Its metric.
    pub metric: u32,
    /// The table that has it.
    pub table: Table,
}

/// `10.1.0.0/16 via 10.0.50.1 dev eth0 metric 99`.
impl fmt::Display for FoundRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { destination, route_type, gateway, link, metric, table } = self;
        if *route_type != RouteType::Unicast {
            write!(f, "{route_type} ")?;
        }
        match destination.prefix() {
            0 => f.write_str("default")?,
            _ => write!(f, "{destination}")?,
        }
        if let Some(gateway) = gateway {
            write!(f, " via {gateway}")?;
        }
        if let Some(link) = link {
            write!(f, " dev {}", called(*link))?;
        }
        if *metric != 0 {
            write!(f, " metric {metric}")?;
        }
        if *table == Table::MAIN { Ok(()) } else { write!(f, " table {}", table.0) }
    }
}

/// A neighbour that is there, in the words of `ip neigh`.
///
/// ```text
/// 10.0.50.1 dev eth0 lladdr 02:00:00:00:00:01 permanent
/// 10.0.50.9 dev eth0 proxy
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FoundNeighbour {
    /// Its IP address.
    pub addr: IpAddr,
    /// The link that it is on.
    pub link: IfName,
    /// Its MAC address, if the kernel knows it.
    pub mac: Option<MacAddr>,
    /// What the kernel knows of it.
    pub state: NeighbourState,
    /// Its flags. [`PROXY`](NeighbourFlags::PROXY) if this host answers for the address.
    pub flags: NeighbourFlags,
}

impl fmt::Display for FoundNeighbour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { addr, link, mac, state, flags } = self;
        write!(f, "{addr} dev {}", called(*link))?;
        if let Some(mac) = mac {
            write!(f, " lladdr {mac}")?;
        }
        if flags.contains(NeighbourFlags::PROXY) { f.write_str(" proxy") } else { write!(f, " {state}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_neighbour_is_in_the_words_of_ip() {
        let (link, mac) = (IfName::new("p0").unwrap(), MacAddr::new([2, 0, 0, 0, 0, 7]).ok());
        let found = |mac, state, flags| {
            FoundNeighbour { addr: "10.0.0.7".parse().unwrap(), link, mac, state, flags }.to_string()
        };
        let none = NeighbourFlags::NONE;
        assert_eq!(found(mac, NeighbourState::Stale, none), "10.0.0.7 dev p0 lladdr 02:00:00:00:00:07 stale");
        assert_eq!(found(None, NeighbourState::Failed, none), "10.0.0.7 dev p0 failed");
        assert_eq!(found(None, NeighbourState::None, NeighbourFlags::PROXY), "10.0.0.7 dev p0 proxy");
    }
}
