//! Comparing an endpoint with what the container has now.

use super::{Attached, Endpoint};
use crate::addr::{AddressFlags, ListAddresses};
use crate::error::Result;
use crate::link::{KindInfo, LinkFlags, LinkInfo, LinkKind, MacvlanFlags, VlanFlags, VlanInfo};
use crate::route::{ListRoutes, RouteInfo, Table};
use crate::socket::Socket;
use crate::value::{IfIndex, IfName, MacAddr};
use ipnetwork::IpNetwork;
use std::collections::{BTreeMap, BTreeSet};
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
    /// Its parent has the right index, and is in another namespace than it should be.
    #[error("the link's parent is in {}", namespace(*.0))]
    ParentIsElsewhere(Option<i32>),
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
    /// A property of its kind, or a setting, is another.
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
    /// It has an address that cannot be used: duplicate address detection found another station with it.
    #[error("the address {0} is in use by another station on the network")]
    DuplicateAddress(IpNetwork),
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
    /// A macvlan on a macvlan is reported by the kernel as one on that one's parent, and so differs. Of the parent's
    /// namespace is known only that it is not the container's own, unless the link was to be
    /// [there](Self::allow_same_namespace).
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
            compare_parents(self.allow_same_namespace, &expected, &found, &mut differences);
            compare_kinds(&expected.kind, &found.kind, &mut differences);
        }
        for (attribute, expected, found) in self.settings.compare(&found.settings) {
            push(attribute, Some(expected), found, &mut differences);
        }
        let addresses = inside.snapshot(&ListAddresses::new().index(attached.index))?;
        for addr in &self.addrs {
            let found = addresses.iter().find(|address| address.addr == Some(*addr));
            let is_duplicate = |flags: AddressFlags| flags.contains(AddressFlags::DADFAILED);
            match found.map(|address| address.flags.is_some_and(is_duplicate)) {
                None => differences.push(Difference::Address(*addr)),
                Some(true) => differences.push(Difference::DuplicateAddress(*addr)),
                Some(false) => {}
            }
        }
        for expected in self.all_routes(attached.index).filter_map(|route| route.as_reported()) {
            let Some(destination) = expected.destination else { continue };
            let list = if destination.is_ipv4() { ListRoutes::v4() } else { ListRoutes::v6() };
            let list = list.table(expected.table.unwrap_or(Table::MAIN));
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
    let mac = attached.mac.filter(|_| !attached.has_parents_mac);
    if let Some(mac) = mac.filter(|mac| found.mac != Some(*mac)) {
        differences.push(Difference::Mac { expected: mac, found: found.mac });
    }
    if expected.mtu != 0 && found.mtu != expected.mtu {
        differences.push(Difference::Mtu { expected: expected.mtu, found: found.mtu });
    }
    if !found.flags.contains(LinkFlags::UP) {
        differences.push(Difference::Down);
    }
}

/// An index says little without its namespace: the container may have a link of its own with the parent's.
fn compare_parents(may_be_same: bool, expected: &LinkInfo, found: &LinkInfo, differences: &mut Vec<Difference>) {
    let Some(parent) = expected.parent else { return };
    let is_elsewhere = match expected.parent_netnsid {
        Some(nsid) => found.parent_netnsid != Some(nsid),
        None => found.parent_netnsid.is_none() && !may_be_same,
    };
    if found.parent != Some(parent) {
        differences.push(Difference::Parent { expected: parent, found: found.parent });
    } else if is_elsewhere {
        differences.push(Difference::ParentIsElsewhere(found.parent_netnsid));
    }
}

fn compare_kinds(expected: &KindInfo, found: &KindInfo, differences: &mut Vec<Difference>) {
    // The two have the same fields, in types of their own.
    macro_rules! compare_macvlans {
        ($expected:ident, $found:ident) => {{
            push("IFLA_MACVLAN_MODE", $expected.mode, $found.mode, differences);
            let flags = |flags: MacvlanFlags| format!("{:#x}", flags.bits());
            push("IFLA_MACVLAN_FLAGS", $expected.flags.map(flags), $found.flags.map(flags), differences);
            push("IFLA_MACVLAN_BC_QUEUE_LEN", $expected.bc_queue_len, $found.bc_queue_len, differences);
            let cutoff = $expected.bc_cutoff.filter(|cutoff| *cutoff != 1 || $found.bc_cutoff.is_some()); // 1 is not reported
            push("IFLA_MACVLAN_BC_CUTOFF", cutoff, $found.bc_cutoff, differences);
            let senders = |macs: &Option<Vec<MacAddr>>| words(macs.iter().flatten().collect::<BTreeSet<_>>());
            let expected = $expected.macaddrs.is_some().then(|| senders(&$expected.macaddrs));
            push("IFLA_MACVLAN_MACADDR_DATA", expected, Some(senders(&$found.macaddrs)), differences);
        }};
    }
    match (expected, found) {
        (KindInfo::Macvlan(expected), KindInfo::Macvlan(found)) => compare_macvlans!(expected, found),
        (KindInfo::Macvtap(expected), KindInfo::Macvtap(found)) => compare_macvlans!(expected, found),
        (KindInfo::Vlan(expected), KindInfo::Vlan(found)) => compare_vlans(expected, found, differences),
        (KindInfo::Ipvlan(expected), KindInfo::Ipvlan(found)) => {
            push("IFLA_IPVLAN_MODE", expected.mode, found.mode, differences);
            push("IFLA_IPVLAN_FLAGS", expected.flag, found.flag, differences);
        }
        _ => {}
    }
}

/// Of flags and maps, what was not asked for may be as it likes.
fn compare_vlans(expected: &VlanInfo, found: &VlanInfo, differences: &mut Vec<Difference>) {
    push("IFLA_VLAN_ID", expected.id, found.id, differences);
    push("IFLA_VLAN_PROTOCOL", expected.protocol, found.protocol, differences);
    let flags = |flags: VlanFlags| Some(words(flags.of_those(expected.flags)));
    push("IFLA_VLAN_FLAGS", flags(expected.flags), flags(found.flags), differences);
    let mut compare = |attribute, mut expected: BTreeMap<u32, u32>, mut found: BTreeMap<u32, u32>| {
        found.retain(|from, _| expected.contains_key(from));
        expected.retain(|_, to| *to != 0); // which removes an entry
        push(attribute, Some(words(expected)), Some(words(found)), differences);
    };
    let egress = |map: &VlanInfo| map.egress_qos.iter().flatten().map(|entry| (entry.from(), entry.to())).collect();
    compare("IFLA_VLAN_EGRESS_QOS", egress(expected), egress(found));
    let ingress = |map: &VlanInfo| map.ingress_qos.iter().flatten().map(|entry| (entry.from(), entry.to())).collect();
    compare("IFLA_VLAN_INGRESS_QOS", ingress(expected), ingress(found));
}

/// Notes a property that was asked for and is another.
fn push<T: ToString>(
    attribute: &'static str,
    expected: Option<T>,
    found: Option<T>,
    differences: &mut Vec<Difference>,
) {
    let (expected, found) = (expected.map(|value| value.to_string()), found.map(|value| value.to_string()));
    if let Some(expected) = expected.filter(|expected| found.as_ref() != Some(expected)) {
        differences.push(Difference::Property { attribute, expected: expected.into(), found: or_none(found).into() });
    }
}

/// A list or a map, as it is compared and printed.
fn words(value: impl std::fmt::Debug) -> String {
    format!("{value:?}")
}

fn or_none(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "none".into(), |value| value.to_string())
}

fn namespace(nsid: Option<i32>) -> String {
    nsid.map_or_else(|| "the container's own namespace".into(), |nsid| format!("the namespace of the id {nsid}"))
}

/// Whether `found` is a route such as `expected`; what that leaves open does not matter.
fn is_same_route(expected: &RouteInfo, found: &RouteInfo) -> bool {
    expected.destination == found.destination
        && expected.route_type == found.route_type
        && expected.gateway == found.gateway
        && expected.via == found.via
        && (expected.index.is_none() || expected.index == found.index)
        && (expected.metric.is_none() || expected.metric == found.metric)
        && (expected.source.is_none() || expected.source == found.source)
}
