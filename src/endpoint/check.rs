//! Comparing an endpoint with what the container has now.

use super::{Attached, Endpoint};
use crate::addr::{AddressFlags, ListAddresses};
use crate::error::Result;
use crate::link::{LinkKind, LinkView};
use crate::route::{ListRoutes, RouteInfo, Table};
use crate::sandbox::Sandbox;
use crate::value::{IfIndex, IfName, MacAddr, NsId};
use crate::wire::{CompareRows, Mismatch};
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
    /// Its parent has the right index, and is in another namespace than it should be.
    #[error("the link's parent is in {}", namespace(*.0))]
    ParentIsElsewhere(Option<NsId>),
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
    /// Of the parent's namespace is known only that it is not the container's own, unless the link was to be
    /// [there](Self::allow_same_namespace).
    pub fn check(&self, attached: &Attached, sandbox: &mut Sandbox) -> Result<Vec<Difference>> {
        let inside = sandbox.socket();
        let (settings, mut differences) = match inside.link_at(attached.index) {
            Ok(found) if found.kind() == attached.kind.as_str() => {
                (found.settings(), self.compare_link(attached, &found))
            }
            Ok(found) => {
                let found = found.kind().to_string().into();
                return Ok(vec![Difference::Kind { expected: attached.kind, found }]);
            }
            Err(error) if error.is_no_device() => return Ok(vec![Difference::Gone]),
            Err(error) => return Err(error),
        };
        differences.extend(self.settings.mismatches(&settings).map(Difference::from));
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

impl Endpoint<'_> {
    /// Compares the link, without its addresses, routes and settings of address families.
    fn compare_link(&self, attached: &Attached, found: &LinkView<'_>) -> Vec<Difference> {
        let mut differences = Vec::new();
        let name = found.if_name();
        if name != attached.name {
            differences.push(Difference::Name { expected: attached.name, found: name });
        }
        let mac = attached.mac.filter(|_| !attached.has_parents_mac);
        if let Some(expected) = mac.filter(|mac| found.mac().mac() != Some(*mac)) {
            differences.push(Difference::Mac { expected, found: found.mac().mac() });
        }
        let request = self.link().request_bytes();
        let asked = request.as_deref().and_then(LinkView::of_request);
        if let Some(mtu) = asked.map(|asked| asked.mtu()).filter(|mtu| *mtu != 0 && *mtu != found.mtu()) {
            differences.push(Difference::Mtu { expected: mtu, found: found.mtu() });
        }
        if !found.is_up() {
            differences.push(Difference::Down);
        }
        if let Some(asked) = asked {
            differences.extend(compare_parents(self.allow_same_namespace, attached, &asked, found));
            let of_any_kind = asked.mismatches(found).into_iter();
            let properties = of_any_kind.filter(|mismatch| !HAVE_THEIR_OWN.contains(&mismatch.number));
            differences.extend(properties.map(Difference::from));
            differences.extend(asked.kind().mismatches(&found.kind()).into_iter().map(Difference::from));
        }
        differences
    }
}

/// Attributes that have a [`Difference`] of their own.
const HAVE_THEIR_OWN: [u16; 5] = [
    LinkView::IFLA_ADDRESS,
    LinkView::IFLA_IFNAME,
    LinkView::IFLA_LINK,
    LinkView::IFLA_LINK_NETNSID,
    LinkView::IFLA_MTU,
];

/// An index says little without its namespace: the container may have a link of its own with the parent's.
fn compare_parents(
    may_be_same: bool,
    attached: &Attached,
    asked: &LinkView<'_>,
    found: &LinkView<'_>,
) -> Option<Difference> {
    let parent = asked.parent()?;
    let expected = attached.lower.filter(|_| attached.parent == Some(parent)).unwrap_or(parent);
    let is_elsewhere = match asked.parent_netnsid() {
        Some(nsid) => found.parent_netnsid() != Some(nsid),
        None => found.parent_netnsid().is_none() && !may_be_same,
    };
    if found.parent() != Some(expected) {
        return Some(Difference::Parent { expected, found: found.parent() });
    }
    is_elsewhere.then(|| Difference::ParentIsElsewhere(found.parent_netnsid()))
}

impl From<Mismatch> for Difference {
    fn from(Mismatch { number: _, name, asked, found }: Mismatch) -> Self {
        Self::Property { attribute: name, expected: asked.into(), found: or_none(found).into() }
    }
}

fn or_none(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "none".into(), |value| value.to_string())
}

fn namespace(nsid: Option<NsId>) -> String {
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
