//! The default route of a container that has several links: which of them has it, and how it passes from one to another.
//!
//! ```text
//!   before     default via 10.0.50.1 dev eth0
//!   add        default via 10.0.60.1 dev eth1        before it; in IPv6 beside it
//!              default via 10.0.50.1 dev eth0
//!   delete     default via 10.0.60.1 dev eth1        by gateway and link
//! ```
//!
//! A replace would do for one route only: it hits the first of the metric, whatever its link, and in IPv6 all that share the
//! traffic. So a route is added first, and then only routes are deleted that the caller knows, by their gateway and link. A
//! default route of somebody else's keeps the caller from adding one, as it does with Docker; one that a router has
//! advertised does not, and is left alone.

use super::{Attached, Endpoint};
use crate::error::{Error, ErrorKind, Result};
use crate::route::{DeleteRoute, ListRoutes, NewRoute, RouteInfo, Table};
use crate::sandbox::Sandbox;
use crate::socket::Socket;
use crate::value::{IfIndex, RouteProtocol};
use ipnetwork::IpNetwork;
use std::net::IpAddr;

impl Endpoint<'_> {
    /// Makes this endpoint's gateways the default ones, in the place of those that `others` have with the same metric, with
    /// no gap in between: when links come and go, call it for the one that is to have the default route, before the one that
    /// had it is detached.
    ///
    /// ```no_run
    /// # use sublink::{Attached, Endpoint, Result, Sandbox, Socket};
    /// # use sublink::endpoint::Detach;
    /// # type Link<'a> = (Endpoint<'a>, Attached);
    /// # fn leave(first: Link, second: Link, host: &mut Socket, pod: &mut Sandbox) -> Result<()> {
    /// let ((leaving, eth0), (staying, eth1)) = (first, second);
    /// staying.take_default_route(&eth1, &[(&leaving, &eth0)], pod)?;
    /// eth0.detach(host, pod, &Detach::new())?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// EEXIST if there is a default route of that metric which is none of theirs, and whatever a route is refused for. Then
    /// all default routes are as before. If requests or answers are lost twice, the default routes of both links may be there.
    pub fn take_default_route(
        &self,
        attached: &Attached,
        others: &[(&Endpoint<'_>, &Attached)],
        sandbox: &mut Sandbox,
    ) -> Result<()> {
        let own: Vec<_> = self.default_routes(attached.index).collect();
        let others: Vec<_> = others.iter().flat_map(|(other, attached)| other.default_routes(attached.index)).collect();
        take(&own, &others, sandbox.socket())
    }

    pub(super) fn default_routes(&self, index: IfIndex) -> impl Iterator<Item = NewRoute<'static>> {
        self.gateways.iter().map(move |gateway| self.default_route(*gateway, index))
    }

    /// The default route by one of its gateways.
    pub(super) fn default_route(&self, gateway: IpAddr, index: IfIndex) -> NewRoute<'static> {
        let mut route = default_route(gateway, index, &self.addrs);
        if let Some(metric) = self.metric {
            route = route.metric(metric);
        }
        if let Some(protocol) = self.protocol {
            route = route.protocol(protocol);
        }
        route
    }
}

/// The default route by `gateway`, on the link `index`, which has these addresses. A gateway that is in no network of theirs
/// is taken as reachable on the link; a link-local one always is, since every link has fe80::/64.
pub(crate) fn default_route(gateway: IpAddr, index: IfIndex, addrs: &[IpNetwork]) -> NewRoute<'static> {
    let route = NewRoute::default_via(gateway).index(index);
    let is_reachable = addrs.iter().any(|addr| addr.contains(gateway));
    let is_link_local = matches!(gateway, IpAddr::V6(v6) if v6.is_unicast_link_local());
    if is_reachable || is_link_local { route } else { route.onlink() }
}

/// Adds the default routes `own` and deletes those of `known`, or changes nothing.
pub(crate) fn take(own: &[NewRoute<'static>], known: &[NewRoute<'static>], inside: &mut Socket) -> Result<()> {
    let (mut added, mut old) = (Vec::new(), Vec::new());
    for route in own {
        match add(route, known, inside) {
            Ok(replaced) => old.extend(replaced),
            Err(error) => {
                delete_all(&added, inside);
                return Err(error);
            }
        }
        added.push(*route);
    }
    for (number, route) in old.iter().enumerate() {
        match delete(route, inside) {
            Err(error) if !error.is_no_process() => {
                for deleted in old.iter().take(number + 1) {
                    let _ = inside.apply(&deleted.prepend()); // its outcome may be unknown
                }
                delete_all(&added, inside);
                return Err(error);
            }
            _ => {}
        }
    }
    Ok(())
}

/// Passes the default route that `leaving` had to the first of `candidates`, all of one family, that can have it; and gives
/// it to that one too where nobody has it. One that anybody else has stays as it is.
///
/// # Errors
/// The kernel was asked twice and did not answer.
pub(crate) fn pass_on(
    leaving: &[NewRoute<'static>],
    candidates: &[NewRoute<'static>],
    inside: &mut Socket,
) -> Result<()> {
    for candidate in candidates {
        match add(candidate, leaving, inside) {
            Ok(old) => {
                delete_all(&old, inside);
                break;
            }
            Err(error) if error.is_already_there() => break,
            Err(error) if is_unanswered(&error) => return Err(error),
            Err(_) => {}
        }
    }
    Ok(())
}

/// Whether a request or its answer was lost, so that nothing is known of the route. Nothing that a container does leads to these
/// errors: its changes lead to refusals, or to answers that cannot be read.
fn is_unanswered(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Io { .. } | ErrorKind::Overrun | ErrorKind::TimedOut)
}

/// Adds a default route, unless somebody has one who is not `known`. Returns the known ones that it took the place of, which
/// are still there. A request that was not answered is sent again, and finds the route there if the first one added it.
fn add(route: &NewRoute<'static>, known: &[NewRoute<'static>], inside: &mut Socket) -> Result<Vec<NewRoute<'static>>> {
    match add_once(route, known, inside) {
        Err(error) if is_unanswered(&error) => add_once(route, known, inside),
        added => added,
    }
}

fn add_once(
    route: &NewRoute<'static>,
    known: &[NewRoute<'static>],
    inside: &mut Socket,
) -> Result<Vec<NewRoute<'static>>> {
    let Err(error) = inside.apply(route) else { return Ok(Vec::new()) };
    if !error.is_already_there() {
        return Err(error);
    }
    let own = Way::of_request(route);
    let there = own.beside(inside)?;
    let known: Vec<_> = known.iter().map(|route| (Way::of_request(route), *route)).collect();
    let is_known = |way: &Way| *way == own || known.iter().any(|(known, _)| known == way);
    if !there.iter().all(is_known) {
        return Err(error);
    }
    match inside.apply(&route.prepend()) {
        Err(error) if !error.is_already_there() => return Err(error),
        _ => {} // the very same one was there
    }
    let replaced = known.into_iter().filter(|(way, _)| *way != own && there.contains(way));
    Ok(replaced.map(|(_, route)| route).collect())
}

fn delete_all(routes: &[NewRoute<'static>], inside: &mut Socket) {
    for route in routes {
        let _ = delete(route, inside);
    }
}

/// Without a metric, the first route that has the gateway and the link would be deleted. That is the right one in IPv4, where
/// no metric is less than none.
fn delete(route: &NewRoute<'static>, inside: &mut Socket) -> Result<()> {
    let way = Way::of_request(route);
    inside.apply(&DeleteRoute::like(if way.is_ipv6() { route.metric(way.metric) } else { *route }))
}

/// By which a default route is known: where it leads, and how much it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Way {
    destination: IpNetwork,
    metric: u32,
    /// `None` if there are none, or several.
    gateway: Option<IpAddr>,
    index: Option<IfIndex>,
}

impl Way {
    fn of_request(route: &NewRoute<'static>) -> Self {
        let (gateway, index) = (route.wanted_gateway(), route.wanted_index());
        Self { destination: route.destination(), metric: route.wanted_metric(), gateway, index }
    }

    fn of(route: &RouteInfo) -> Option<Self> {
        let destination = route.destination?;
        let unset = if destination.is_ipv6() { NewRoute::IPV6_METRIC } else { 0 };
        let metric = route.metric.filter(|metric| *metric > 0).unwrap_or(unset);
        Some(Self { destination, metric, gateway: route.gateway, index: route.index })
    }

    fn is_ipv6(&self) -> bool {
        self.destination.is_ipv6()
    }

    /// The default routes of the same family and metric, but for those that a router advertised.
    fn beside(&self, inside: &mut Socket) -> Result<Vec<Self>> {
        let list = if self.is_ipv6() { ListRoutes::v6() } else { ListRoutes::v4() };
        let routes = match inside.snapshot(&list.table(Table::MAIN)) {
            Err(partial) if partial.error.is_interrupted() => partial.items,
            read => read?,
        };
        let routes = routes.iter().filter(|route| route.protocol != RouteProtocol::RA);
        let ways = routes.flat_map(Self::all_of);
        Ok(ways.filter(|way| (way.destination, way.metric) == (self.destination, self.metric)).collect())
    }

    /// Each of the ways that share the traffic. In IPv6 they are routes that are deleted one by one.
    fn all_of(route: &RouteInfo) -> Vec<Self> {
        let Some(way) = Self::of(route) else { return Vec::new() };
        match &route.next_hops {
            Some(hops) if way.is_ipv6() => {
                hops.iter().map(|hop| Self { gateway: hop.gateway, index: hop.index, ..way }).collect()
            }
            _ => vec![way],
        }
    }
}
