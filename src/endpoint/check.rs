//! Comparing an endpoint with what the container has now.

use super::{Attached, Endpoint};
use crate::addr::{AddressFlags, AddressInfo, ListAddresses};
use crate::error::{NoCarrier, Result};
use crate::link::{LinkKind, LinkView};
use crate::route::{ListRoutes, NewRoute};
use crate::sandbox::Sandbox;
use crate::socket::{LostCarrier, Socket};
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
    /// It is up and has no carrier: nothing comes or goes by it.
    #[error("the link has no carrier: {0}")]
    NoCarrier(NoCarrier),
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
    /// A metric of a route is another.
    #[error("{attribute} of the route to {destination} is {found}, not {expected}")]
    RouteMetric {
        /// Where it leads.
        destination: IpNetwork,
        /// The kernel's name of the metric.
        attribute: &'static str,
        /// The endpoint's value.
        expected: Box<str>,
        /// The container's.
        found: Box<str>,
    },
}

impl Endpoint<'_> {
    /// Says how the container's link, addresses and routes differ from what this endpoint asks for; of what it does not ask
    /// for, nothing is said.
    ///
    /// What others may change after the attach, such as the MTU, is left out by leaving out its difference:
    ///
    /// ```no_run
    /// # use sublink::{Attached, Endpoint, Sandbox};
    /// use sublink::endpoint::Difference;
    /// # fn check(endpoint: &Endpoint<'_>, attached: &Attached, pod: &mut Sandbox) -> sublink::Result<()> {
    /// let mut differences = endpoint.check(attached, pod)?;
    /// differences.retain(|difference| !matches!(difference, Difference::Mtu { .. } | Difference::Mac { .. }));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// It reads the link, its addresses and, for each family that the endpoint has routes of, the routes: one list each, and
    /// one more for each route with metrics. IPv6 reports routes of one destination and metric by several gateways as one route;
    /// that one counts for each of its gateways.
    ///
    /// The parent's index is not compared where [`Attached::lower`] is not known.
    ///
    /// The parent's namespace is not compared, except that it must not be the container's own, unless that was
    /// [allowed](Self::allow_same_namespace).
    pub fn check(&self, attached: &Attached, sandbox: &mut Sandbox) -> Result<Vec<Difference>> {
        let inside = sandbox.socket();
        let (settings, lost_carrier, mut differences) = match inside.link_at(attached.index) {
            Ok(found) if found.kind() == attached.kind.as_str() => {
                (found.settings(), LostCarrier::of(&found), self.compare_link(attached, &found))
            }
            Ok(found) => {
                let found = found.kind().to_string().into();
                return Ok(vec![Difference::Kind { expected: attached.kind, found }]);
            }
            Err(error) if error.is_no_device() => return Ok(vec![Difference::Gone]),
            Err(error) => return Err(error),
        };
        differences.extend(self.settings.mismatches(&settings).map(Difference::from));
        differences.extend(self.ipv6.mismatches(settings.ipv6_values()).map(Difference::from));
        if let Some(lost) = lost_carrier {
            differences.push(Difference::NoCarrier(lost.why(inside)));
        }
        let addresses = inside.snapshot(&ListAddresses::new().index(attached.index))?;
        differences.extend(self.addrs.iter().filter_map(|addr| compare_address(*addr, &addresses)));
        self.compare_routes(attached.index, inside, &mut differences)?;
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

    /// Compares the routes with one list of each family.
    fn compare_routes(&self, index: IfIndex, inside: &mut Socket, differences: &mut Vec<Difference>) -> Result<()> {
        let routes: Vec<_> = self.all_routes(index).collect();
        for (is_v4, list) in [(true, ListRoutes::v4()), (false, ListRoutes::v6())] {
            let expected: Vec<_> = routes.iter().filter(|route| route.destination().is_ipv4() == is_v4).collect();
            let Some(table) = expected.first().map(|route| route.wanted_table()) else { continue };
            let is_one_table = expected.iter().all(|route| route.wanted_table() == table);
            let list = if is_one_table { list.table(table) } else { list };
            let found = inside.snapshot(&list)?;
            let is_there = |route: &NewRoute<'_>| found.iter().any(|found| route.is_like(found));
            let (there, missing): (Vec<_>, Vec<_>) = expected.into_iter().partition(|route| is_there(route));
            differences.extend(missing.into_iter().map(Difference::from));
            for route in there.into_iter().filter(|route: &&NewRoute<'_>| route.has_metrics()) {
                differences.extend(compare_metrics(route, &list, inside)?);
            }
        }
        Ok(())
    }
}

/// Compares one address with all that the link has.
fn compare_address(addr: IpNetwork, found: &[AddressInfo]) -> Option<Difference> {
    let is_it = |found: &&AddressInfo| found.addr == Some(addr) && found.peer.is_none_or(|peer| peer == addr.ip());
    let Some(found) = found.iter().find(is_it) else { return Some(Difference::Address(addr)) };
    let is_duplicate = found.flags.is_some_and(|flags| flags.contains(AddressFlags::DADFAILED));
    is_duplicate.then_some(Difference::DuplicateAddress(addr))
}

/// Compares the metrics of a route that is there. If there are several like it, one with all the metrics is enough. A list
/// that changes meanwhile is read again, since it may lack that one.
fn compare_metrics(route: &NewRoute<'_>, list: &ListRoutes, inside: &mut Socket) -> Result<Vec<Difference>> {
    const READS: usize = 5;
    let mut unlike = least_unlike(route, list, inside);
    for _ in 1..READS {
        match &unlike {
            Err(error) if error.is_interrupted() => unlike = least_unlike(route, list, inside),
            _ => break,
        }
    }
    let differs = |Mismatch { number: _, name, asked, found }| Difference::RouteMetric {
        destination: route.destination(),
        attribute: name,
        expected: asked.into(),
        found: or_none(found).into(),
    };
    Ok(unlike?.into_iter().map(differs).collect())
}

/// In what the route that is most like `route` is unlike it.
fn least_unlike(route: &NewRoute<'_>, list: &ListRoutes, inside: &mut Socket) -> Result<Vec<Mismatch>> {
    let mut least: Option<Vec<Mismatch>> = None;
    let mut routes = inside.routes(list)?;
    while let Some(found) = routes.next()? {
        if route.is_like(&found.to_owned()) {
            let unlike = route.unlike_metrics(&found);
            least = least.filter(|least| least.len() <= unlike.len()).or(Some(unlike));
        }
    }
    Ok(least.unwrap_or_default())
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
    // On a link of the same kind it stands on that one's lower device: without knowing that, there is nothing to compare with.
    let expected = if attached.parent == Some(parent) { attached.lower } else { Some(parent) };
    let is_elsewhere = match asked.parent_netnsid() {
        Some(nsid) => found.parent_netnsid() != Some(nsid),
        None => found.parent_netnsid().is_none() && !may_be_same,
    };
    if let Some(expected) = expected.filter(|expected| found.parent() != Some(*expected)) {
        return Some(Difference::Parent { expected, found: found.parent() });
    }
    is_elsewhere.then(|| Difference::ParentIsElsewhere(found.parent_netnsid()))
}

impl From<Mismatch> for Difference {
    fn from(Mismatch { number: _, name, asked, found }: Mismatch) -> Self {
        Self::Property { attribute: name, expected: asked.into(), found: or_none(found).into() }
    }
}

impl From<&NewRoute<'_>> for Difference {
    fn from(route: &NewRoute<'_>) -> Self {
        Self::Route { destination: route.destination(), gateway: route.wanted_gateway() }
    }
}

fn or_none(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "none".into(), |value| value.to_string())
}

fn namespace(nsid: Option<NsId>) -> String {
    nsid.map_or_else(|| "the container's own namespace".into(), |nsid| format!("the namespace of the id {nsid}"))
}
