//! Requests that delete and list routes.

use super::request::NewRoute;
use super::{RTM_DELROUTE, RTM_GETROUTE, RouteView, Table};
use crate::value::{AF_INET, AF_INET6, IfIndex, RouteProtocol, Scope};
use crate::wire::{Command, Header, NoRoom, Request, Sealed, header, measured};
use netlink_packet_core::{NLM_F_ACK, NLM_F_DUMP};

/// A route to delete (RTM_DELROUTE): the first that has the destination, the table and everything else that was given. The
/// kernel answers ESRCH if there is none.
///
/// What was not given is not compared, so give gateway, link and metric where there may be other routes. A metric of 0 counts as
/// not given. The kernel does not compare everything:
///
/// - IPv4 compares one next hop: a route with several is deleted as a whole, by its first gateway and link. If the
///   [list](NewRoute::next_hops) is given, the route with exactly these next hops is deleted.
/// - IPv6 compares neither type, source, scope nor metrics. A route of a type that drops packets is named by the link `lo`,
///   which has only such routes; which of these types it has is not compared.
/// - IPv6 deletes all routes of a destination and metric that have gateways, unless the gateway is given. It deletes a list of
///   next hops one after the other.
///
/// ```
/// use sublink::{IfIndex, NewRoute};
/// use sublink::route::DeleteRoute;
/// let route = NewRoute::default_via("10.0.50.1".parse()?).index(IfIndex::new(2)?).metric(100);
/// let delete = DeleteRoute::like(route);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeleteRoute<'a>(NewRoute<'a>);

impl<'a> DeleteRoute<'a> {
    /// The route like this one.
    #[must_use]
    pub const fn like(route: NewRoute<'a>) -> Self {
        Self(route)
    }
}

impl Sealed for DeleteRoute<'_> {}
impl Command for DeleteRoute<'_> {}

impl Request for DeleteRoute<'_> {
    fn encode(&self, seq: u32, buf: &mut [u8]) -> Result<usize, NoRoom> {
        const ANY: (Scope, RouteProtocol) = (Scope(255), RouteProtocol(0)); // RT_SCOPE_NOWHERE, RTPROT_UNSPEC
        let Self(route) = *self;
        // IPv6 compares no types: without the link it would delete a route that forwards packets.
        let route =
            if route.has_link() || route.destination().is_ipv4() { route } else { route.index(IfIndex::LOOPBACK) };
        route.put(RTM_DELROUTE, NLM_F_ACK, ANY, seq, buf)
    }
}

/// Lists the routes of a family (RTM_GETROUTE, NLM_F_DUMP): [`ListRoutes::v4`], [`ListRoutes::v6`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListRoutes {
    pub(crate) family: u8,
    pub(crate) table: Option<Table>,
    pub(crate) index: Option<IfIndex>,
}

impl ListRoutes {
    /// IPv4 routes of all tables.
    #[must_use]
    pub const fn v4() -> Self {
        Self { family: AF_INET, table: None, index: None }
    }

    /// IPv6 routes of all tables.
    #[must_use]
    pub const fn v6() -> Self {
        Self { family: AF_INET6, table: None, index: None }
    }

    /// Those of one table. Filtered by the kernel (since Linux 4.20), and here.
    #[must_use]
    pub const fn table(mut self, table: Table) -> Self {
        self.table = Some(table.as_reported());
        self
    }

    /// Those that leave by this link. Filtered by the kernel (since Linux 4.20), and here.
    #[must_use]
    pub const fn index(mut self, index: IfIndex) -> Self {
        self.index = Some(index);
        self
    }
}

impl Sealed for ListRoutes {}

impl Request for ListRoutes {
    fn encode(&self, seq: u32, buf: &mut [u8]) -> Result<usize, NoRoom> {
        let Self { family, table, index } = *self;
        measured(buf, |out| {
            let out = out.skip(Header::SIZE).put([family, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])?;
            let out = match table {
                Some(table) => out.one(RouteView::RTA_TABLE, &table)?,
                None => out,
            };
            let out = match index {
                Some(index) => out.one(RouteView::RTA_OIF, &index)?,
                None => out,
            };
            let header = header(out.at(), RTM_GETROUTE, NLM_F_DUMP, seq);
            out.set(0, header)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::RouteType;
    use super::*;
    use crate::wire::encoded;

    #[test]
    fn a_delete_names_no_more_than_was_said() {
        let route = NewRoute::new("fd00:1::/32".parse().unwrap()).route_type(RouteType::Blackhole);
        #[rustfmt::skip]
        assert_eq!(encoded(&DeleteRoute::like(route)), [
            56, 0, 0, 0,  25, 0,  5, 0,                         // RTM_DELROUTE, REQUEST ACK
            7, 0, 0, 0,  0, 0, 0, 0,
            10, 32, 0, 0,  254, 0, 255, 6,  0, 0, 0, 0,         // any protocol, any scope, blackhole
            20, 0, 1, 0,  0xfd, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            8, 0, 4, 0,  1, 0, 0, 0,                            // RTA_OIF = lo, which has IPv6's routes that drop packets
        ]);
    }
}
