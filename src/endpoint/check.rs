//! Comparing an endpoint with what the container has now.

use super::{Attached, Endpoint};
use crate::addr::ListAddresses;
use crate::error::Result;
use crate::link::{IfIndex, IfName, KindInfo, LinkFlags, LinkInfo, LinkKind, MacAddr};
use crate::route::{ListRoutes, RouteInfo};
use crate::socket::Socket;
use ipnetwork::IpNetwork;
use std::net::IpAddr;

/// A way in which a container's link is not what its endpoint says. It prints as a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Difference {
    /// It is gone.
    #[error("the link is gone")]
    Gone,
    /// It is of another kind; nothing more was compared.
    #[error("the link is a {found}, not a {expected}")]
    Kind {
        /// The endpoint's.
        expected: LinkKind,
        /// The container's.
        found: Box<str>,
    },
    /// It has another name.
    #[error("the link's name is {found}, not {expected}")]
    Name {
        /// The endpoint's.
        expected: IfName,
        /// The container's.
        found: IfName,
    },
    /// It stands on another parent.
    #[error("the link's parent is {}, not {expected}", or_none(*found))]
    Parent {
        /// The endpoint's.
        expected: IfIndex,
        /// The container's.
        found: Option<IfIndex>,
    },
    /// It has another MAC address.
    #[error("the link's MAC address is {}, not {expected}", or_none(*found))]
    Mac {
        /// The endpoint's.
        expected: MacAddr,
        /// The container's.
        found: Option<MacAddr>,
    },
    /// It has another MTU.
    #[error("the link's MTU is {found}, not {expected}")]
    Mtu {
        /// The endpoint's.
        expected: u32,
        /// The container's.
        found: u32,
    },
    /// A property of its kind is another: mode, VLAN id, protocol.
    #[error("{attribute} is {found}, not {expected}")]
    Property {
        /// The kernel's name of the property.
        attribute: &'static str,
        /// The endpoint's value.
        expected: Box<str>,
        /// The container's.
        found: Box<str>,
    },
    /// It is down.
    #[error("the link is down")]
    Down,
    /// It lacks an address.
    #[error("the address {0} is missing")]
    Address(IpNetwork),
    /// A route is missing.
    #[error("the route to {destination} is missing")]
    Route {
        /// Where it should lead.
        destination: IpNetwork,
        /// By which router.
        gateway: Option<IpAddr>,
    },
}

impl Endpoint<'_> {
    /// Says how the container's link, addresses and routes differ from what this endpoint asks for; of what it does not ask
    /// for, nothing is said.
    ///
    /// A macvlan on a macvlan is reported by the kernel as one on that one's parent, and so differs.
    pub fn check(&self, attached: &Attached, inside: &mut Socket) -> Result<Vec<Difference>> {
        let found = match inside.link_at(attached.index) {
            Ok(link) => link.to_owned(),
            Err(error) if error.is_no_device() => return Ok(vec![Difference::Gone]),
            Err(error) => return Err(error),
        };
        if found.kind.name() != attached.kind.as_str() {
            let found = found.kind.name().to_string().into();
            return Ok(vec![Difference::Kind { expected: attached.kind, found }]);
        }
        let mut differences = Vec::new();
        if let Some(expected) = self.link().as_reported() {
            compare_links(attached, &expected, &found, &mut differences);
        }
        let addresses = inside.snapshot(&ListAddresses::new().index(attached.index))?;
        for addr in &self.addrs {
            if !addresses.iter().any(|address| address.addr == Some(*addr)) {
                differences.push(Difference::Address(*addr));
            }
        }
        for expected in self.all_routes(attached.index).filter_map(|route| route.as_reported()) {
            let Some(destination) = expected.destination else { continue };
            let list = if destination.is_ipv4() { ListRoutes::v4() } else { ListRoutes::v6() };
            let list = expected.table.into_iter().fold(list, ListRoutes::table);
            if !inside.snapshot(&list)?.iter().any(|found| is_same_route(&expected, found)) {
                differences.push(Difference::Route { destination, gateway: expected.gateway });
            }
        }
        Ok(differences)
    }
}

fn compare_links(attached: &Attached, expected: &LinkInfo, found: &LinkInfo, differences: &mut Vec<Difference>) {
    if found.name != attached.name {
        differences.push(Difference::Name { expected: attached.name, found: found.name });
    }
    if let Some(parent) = expected.parent.filter(|parent| found.parent != Some(*parent)) {
        differences.push(Difference::Parent { expected: parent, found: found.parent });
    }
    if let Some(mac) = attached.mac.filter(|mac| found.mac != Some(*mac)) {
        differences.push(Difference::Mac { expected: mac, found: found.mac });
    }
    if expected.mtu != 0 && found.mtu != expected.mtu {
        differences.push(Difference::Mtu { expected: expected.mtu, found: found.mtu });
    }
    compare_kinds(&expected.kind, &found.kind, differences);
    if !found.flags.contains(LinkFlags::UP) {
        differences.push(Difference::Down);
    }
}

fn compare_kinds(expected: &KindInfo, found: &KindInfo, differences: &mut Vec<Difference>) {
    let mut compare = |attribute, expected: Option<String>, found: Option<String>| {
        if let Some(expected) = expected.filter(|expected| found.as_ref() != Some(expected)) {
            differences.push(Difference::Property {
                attribute,
                expected: expected.into(),
                found: or_none(found).into(),
            });
        }
    };
    match (expected, found) {
        (KindInfo::Macvlan(expected), KindInfo::Macvlan(found)) => {
            compare("IFLA_MACVLAN_MODE", words(expected.mode), words(found.mode));
        }
        (KindInfo::Macvtap(expected), KindInfo::Macvtap(found)) => {
            compare("IFLA_MACVLAN_MODE", words(expected.mode), words(found.mode));
        }
        (KindInfo::Vlan(expected), KindInfo::Vlan(found)) => {
            compare("IFLA_VLAN_ID", words(expected.id), words(found.id));
            compare("IFLA_VLAN_PROTOCOL", words(expected.protocol), words(found.protocol));
        }
        (KindInfo::Ipvlan(expected), KindInfo::Ipvlan(found)) => {
            compare("IFLA_IPVLAN_MODE", words(expected.mode), words(found.mode));
            compare("IFLA_IPVLAN_FLAGS", words(expected.flag), words(found.flag));
        }
        _ => {}
    }
}

fn or_none(value: Option<impl ToString>) -> String {
    words(value).unwrap_or_else(|| "none".into())
}

fn words(value: Option<impl ToString>) -> Option<String> {
    value.map(|value| value.to_string())
}

/// Whether `found` is a route such as `expected`; what that leaves open does not matter.
fn is_same_route(expected: &RouteInfo, found: &RouteInfo) -> bool {
    expected.destination == found.destination
        && expected.route_type == found.route_type
        && expected.gateway == found.gateway
        && expected.via == found.via
        && (expected.index.is_none() || expected.index == found.index)
        && (expected.metric.is_none() || expected.metric == found.metric)
        && (expected.table.is_none() || expected.table == found.table)
}
