//! Routes of an endpoint that the kernel does not delete with its link: those of a type that drops packets, those by another
//! of the container's links, and those with several next hops.
//!
//! When an attach fails they are deleted again, each by everything that names it, its link included. Only the kernel knows by
//! which link a route leaves. So the routes are listed before and afterwards, and a route that was there before is not ours.

use super::{Endpoint, EndpointRoute};
use crate::batch::Outcome;
use crate::error::{Partial, Result};
use crate::route::{DeleteRoute, ListRoutes, NewRoute, RouteInfo};
use crate::socket::Socket;
use crate::value::IfIndex;

/// The routes of an endpoint that do not go with its link.
pub(super) struct Apart<'a>(Vec<RouteApart<'a>>);

struct RouteApart<'a> {
    route: NewRoute<'a>,
    /// Its step, counted from the end of the batch.
    from_end: usize,
    /// Routes like it that were there before. `None` if that is not known, because every list was interrupted.
    before: Option<Vec<There<'a>>>,
}

/// A route that is there.
#[derive(PartialEq)]
struct There<'a> {
    /// A request that names it, by its link; the kernel deletes the first one of the same name.
    named: NewRoute<'a>,
    /// What else tells it from others in IPv4. IPv6 has no two of a name.
    info: Option<RouteInfo>,
}

impl<'a> Endpoint<'a> {
    /// The routes that do not go with the link `index`, before they are added. Lists routes if there are any.
    pub(super) fn routes_apart(&self, index: IfIndex, inside: &mut Socket) -> Result<Apart<'a>> {
        let routes = self.routes.iter().rev().enumerate(); // they come last
        let apart = routes.filter(|(_, route)| route.is_apart(index)).map(|(from_end, route)| {
            let route = route.on(index);
            let before = match there(&route, inside) {
                Err(partial) if partial.error.is_interrupted() => None,
                read => Some(read?),
            };
            Ok(RouteApart { route, from_end, before })
        });
        apart.collect::<Result<_>>().map(Apart)
    }
}

impl EndpointRoute<'_> {
    fn is_apart(&self, index: IfIndex) -> bool {
        self.route.on(index).wanted_index() != Some(index) || self.by_any_link
    }
}

impl Apart<'_> {
    /// Deletes those that were added.
    pub(super) fn undo(&self, sent: &[Outcome], inside: &mut Socket) {
        for RouteApart { route, from_end, before } in &self.0 {
            let outcome = sent.iter().rev().nth(*from_end);
            if !matches!(outcome, Some(Outcome::Done | Outcome::Unknown)) {
                continue;
            }
            let Some(before) = before else { continue };
            let now = there(route, inside).unwrap_or_else(|partial| partial.items);
            for added in now.iter().filter(|there| !before.contains(there)) {
                if is_clear(added, &now, before) {
                    let _ = inside.apply(&DeleteRoute::like(added.named));
                }
            }
        }
    }
}

/// Whether deleting a route that was added hits no other route. If two were added by different links, one is somebody else's. If
/// the route stands behind another of the same name, the kernel would delete that one.
fn is_clear(added: &There<'_>, now: &[There<'_>], before: &[There<'_>]) -> bool {
    let gateway = added.named.wanted_gateway();
    let mut by_the_gateway = now.iter().filter(|there| there.named.wanted_gateway() == gateway);
    let is_only_one = by_the_gateway.clone().filter(|there| !before.contains(there)).count() == 1;
    is_only_one && by_the_gateway.find(|there| there.named == added.named) == Some(added)
}

/// The routes like `route` that are there. In IPv6, each next hop is a route by itself.
fn there<'a>(route: &NewRoute<'a>, inside: &mut Socket) -> Result<Vec<There<'a>>, Partial<There<'a>>> {
    let list = if route.destination().is_ipv4() { ListRoutes::v4() } else { ListRoutes::v6() };
    let there = |found: &RouteInfo| {
        let info = Some(found.clone()).filter(|_| route.destination().is_ipv4());
        route.named_as(found).into_iter().map(|named| There { named, info: info.clone() }).collect::<Vec<_>>()
    };
    let named = |found: Vec<RouteInfo>| found.iter().flat_map(there).collect();
    match inside.snapshot(&list.table(route.wanted_table())) {
        Ok(found) => Ok(named(found)),
        Err(Partial { items, error }) => Err(Partial { items: named(items), error }),
    }
}
