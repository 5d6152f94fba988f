//! Requests about routes: add, replace, delete, list.

use super::{ONLINK, RTM_DELROUTE, RTM_GETROUTE, RTM_NEWROUTE, RouteAttrs, RouteHead, RouteInfo, RouteProtocol};
use super::{RouteType, RouteView, Table, Via};
use crate::value::{AF_INET, AF_INET6, IfIndex, Scope, everywhere, family, maybe};
use crate::wire::{Attrs, Command, Header, Messages, NoRoom, Request, Sealed, header, measured};
use ipnetwork::IpNetwork;
use netlink_packet_core::{NLM_F_ACK, NLM_F_APPEND, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REPLACE};
use std::net::IpAddr;

/// A route to add (RTM_NEWROUTE). That there is one with the same destination, metric and table is an EEXIST, unless this one
/// is to stand [before](Self::prepend) it, [behind](Self::append) it or in its [place](Self::replace).
///
/// ```
/// use sublink::{IfIndex, NewRoute};
/// use sublink::route::RouteType;
/// let eth0 = IfIndex::new(2)?;
/// let default = NewRoute::default_via("10.0.50.1".parse()?).index(eth0).metric(99);
/// let local = NewRoute::new("10.1.0.0/16".parse()?).gateway("10.0.50.2".parse()?).index(eth0);
/// let forbidden = NewRoute::new("192.168.0.0/16".parse()?).route_type(RouteType::Prohibit);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewRoute {
    destination: IpNetwork,
    protocol: Option<RouteProtocol>,
    scope: Option<Scope>,
    route_type: RouteType,
    onlink: bool,
    /// What becomes of a route with the same destination, metric and table, as flags of the request.
    if_there: u16,
    pub(super) attrs: RouteAttrs,
}

impl NewRoute {
    /// What IPv6 makes of the metric 0, and of none (`IP6_RT_PRIO_USER`).
    pub(crate) const IPV6_METRIC: u32 = 1024;

    maybe!();

    /// A route to `destination`; bits behind its prefix are dropped. It needs a [`gateway`](Self::gateway), a link
    /// ([`index`](Self::index)) or both, unless it is of a type that drops packets.
    #[must_use]
    pub fn new(destination: IpNetwork) -> Self {
        let this = Self {
            destination,
            protocol: None,
            scope: None,
            route_type: RouteType::Unicast,
            onlink: false,
            if_there: NLM_F_EXCL,
            attrs: RouteAttrs::NEW,
        };
        if destination.prefix() == 0 { this } else { this.dst(destination.network()) }
    }

    /// The default route of the gateway's family.
    #[must_use]
    pub fn default_via(gateway: IpAddr) -> Self {
        Self::new(everywhere(gateway)).gateway(gateway)
    }

    /// Replaces the first route with the same destination, metric and table, if there is one, with no gap (NLM_F_REPLACE).
    ///
    /// That is a route by any link, whoever made it, and in IPv6 all routes that share the traffic (ECMP). To hand a
    /// destination over from one link to another, add the new route [before](Self::prepend) the old one and
    /// [delete](DeleteRoute) that by its gateway and link.
    #[must_use]
    pub const fn replace(mut self) -> Self {
        self.if_there = NLM_F_REPLACE;
        self
    }

    /// Adds it before the routes with the same destination, metric and table, as `ip route prepend` does. The first one is
    /// used. The very same route is an EEXIST all the same.
    ///
    /// In IPv6, routes with gateways share the traffic (ECMP) whichever comes first, and are reported as one with several
    /// [next hops](RouteInfo::next_hops).
    ///
    /// ```
    /// # use sublink::{IfIndex, NewRoute, Socket};
    /// use sublink::route::DeleteRoute;
    /// # fn hand_over(socket: &mut Socket, eth0: IfIndex, eth1: IfIndex) -> Result<(), Box<dyn std::error::Error>> {
    /// let (old, new) = ("10.0.50.1".parse()?, "10.0.60.1".parse()?);
    /// socket.apply(&NewRoute::default_via(new).index(eth1).prepend())?;
    /// socket.apply(&DeleteRoute::like(NewRoute::default_via(old).index(eth0)))?; // there was no gap
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn prepend(mut self) -> Self {
        self.if_there = 0;
        self
    }

    /// Adds it behind the routes with the same destination, metric and table (NLM_F_APPEND), as `ip route append` does: it is
    /// used when those are gone. In IPv6 as [`prepend`](Self::prepend).
    #[must_use]
    pub const fn append(mut self) -> Self {
        self.if_there = NLM_F_APPEND;
        self
    }

    /// Treats the gateway as reachable on the link, whatever other routes say (`RTNH_F_ONLINK`).
    #[must_use]
    pub const fn onlink(mut self) -> Self {
        self.onlink = true;
        self
    }

    /// Who made it; [`RouteProtocol::BOOT`] unless set, as with `ip`.
    #[must_use]
    pub const fn protocol(mut self, protocol: RouteProtocol) -> Self {
        self.protocol = Some(protocol);
        self
    }

    /// How far the destination is. Unless set, on the link without a gateway, and else everywhere, as with `ip`. IPv6 knows
    /// no scope.
    #[must_use]
    pub const fn scope(mut self, scope: Scope) -> Self {
        self.scope = Some(scope);
        self
    }

    /// What happens to a packet; it is sent on unless set.
    #[must_use]
    pub const fn route_type(mut self, route_type: RouteType) -> Self {
        self.route_type = route_type;
        self
    }

    /// Whether it belongs to a link, as one that drops packets does not.
    pub(crate) const fn has_link(&self) -> bool {
        matches!(self.route_type, RouteType::Unicast | RouteType::Other(_))
    }

    /// The same, by the link `index` unless it says another or needs none.
    pub(crate) fn on(&self, index: IfIndex) -> Self {
        if self.has_link() && !self.attrs.has(RouteView::RTA_OIF) { self.index(index) } else { *self }
    }

    /// The route as it would be reported, were it just as asked for.
    pub(crate) fn as_reported(&self) -> Option<RouteInfo> {
        let mut bytes = [0; 256];
        let len = self.encode(0, &mut bytes).ok()?;
        let message = Messages::new(bytes.get(..len)?).next()?.ok()?;
        RouteView::of(message).map(|route| route.to_owned())
    }

    /// Its destination, without host bits.
    pub(crate) fn destination(&self) -> IpNetwork {
        let (any, prefix) = (self.destination.ip(), self.destination.prefix());
        IpNetwork::new(self.destination.network(), prefix).unwrap_or_else(|_| everywhere(any)) // the prefix was one before
    }

    /// The table that has it.
    pub(crate) fn wanted_table(&self) -> Table {
        if self.attrs.has(RouteView::RTA_TABLE) { self.attrs.table.as_reported() } else { Table::MAIN }
    }

    /// Whether `found` is a route such as this one; what this one leaves open does not matter.
    ///
    /// IPv6 reports routes with gateways, of one destination and metric, as one route with several next hops, whoever added
    /// them.
    pub(crate) fn is_like(&self, found: &RouteInfo) -> bool {
        let has = |number| self.attrs.has(number);
        let is_v4 = self.destination.is_ipv4();
        let metric = match (self.attrs.metric, is_v4) {
            (0, false) => Self::IPV6_METRIC,
            (metric, _) => metric,
        };
        let is_its_way = match &found.next_hops {
            Some(hops) if !is_v4 => hops.iter().any(|hop| self.goes_by(hop.gateway, hop.index)),
            Some(_) => false,
            None => {
                let gateway = found.gateway.or(found.via.map(|via| via.0));
                self.goes_by(gateway, found.index) && (!self.onlink || found.is_onlink)
            }
        };
        is_its_way
            && found.destination == Some(self.destination())
            && found.table == Some(self.wanted_table())
            && found.route_type == self.route_type
            && self.protocol.is_none_or(|protocol| found.protocol == protocol)
            && (!is_v4 || self.scope.is_none_or(|scope| found.scope == scope))
            && (!has(RouteView::RTA_PRIORITY) || found.metric.unwrap_or(0) == metric)
            && (!has(RouteView::RTA_PREFSRC) || found.source == Some(self.attrs.source))
    }

    /// The router it goes to, of whatever family.
    pub(crate) fn wanted_gateway(&self) -> Option<IpAddr> {
        self.attrs.has(RouteView::RTA_GATEWAY).then_some(self.attrs.gateway)
    }

    /// Whether a next hop is its own: without a gateway it has none, and without a link it takes any.
    fn goes_by(&self, gateway: Option<IpAddr>, index: Option<IfIndex>) -> bool {
        self.wanted_gateway() == gateway && (!self.attrs.has(RouteView::RTA_OIF) || index == Some(self.attrs.index))
    }

    fn put(
        &self,
        ty: u16,
        nlm_flags: u16,
        unset: (Scope, RouteProtocol),
        seq: u32,
        buf: &mut [u8],
    ) -> Result<usize, NoRoom> {
        let (family, gateway_family) = (family(self.destination.ip()), family(self.attrs.gateway));
        let is_other = self.attrs.has(RouteView::RTA_GATEWAY) && gateway_family != family;
        let this = if is_other { self.via(Via(self.attrs.gateway)) } else { *self };
        let Self { destination, protocol, scope, route_type, onlink, if_there: _, mut attrs } = this;
        let table = self.wanted_table();
        if is_other {
            attrs.set = attrs.set.without(RouteView::RTA_GATEWAY); // RTA_VIA has it
        }
        let head = RouteHead {
            family,
            prefix: destination.prefix(),
            table: u8::try_from(table.0).unwrap_or(0), // RTA_TABLE says it alone
            protocol: protocol.unwrap_or(unset.1),
            scope: scope.unwrap_or(unset.0),
            route_type,
            flags: if onlink { ONLINK } else { 0 },
        };
        measured(buf, |out| {
            let out = attrs.put(out.skip(Header::SIZE).put(head.bytes())?)?;
            let header = header(out.at(), ty, nlm_flags, seq);
            out.set(0, header)
        })
    }
}

impl Sealed for NewRoute {}
impl Command for NewRoute {}

impl Request for NewRoute {
    #[inline]
    fn encode(&self, seq: u32, buf: &mut [u8]) -> Result<usize, NoRoom> {
        let is_on_link = self.route_type == RouteType::Unicast && !self.attrs.has(RouteView::RTA_GATEWAY);
        let scope = if is_on_link && self.destination.is_ipv4() { Scope::LINK } else { Scope::GLOBAL };
        self.put(RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | self.if_there, (scope, RouteProtocol::BOOT), seq, buf)
    }
}

/// A route to delete (RTM_DELROUTE): the first that has the destination, the table and everything else that was said. That
/// there is none is an ESRCH.
///
/// What was not said is not compared, so say gateway, link and metric where there may be other routes. A metric of 0 counts as
/// not said. And the kernel does not compare everything:
///
/// - IPv4 compares one next hop: a route with several goes as a whole, by its first gateway and link.
/// - IPv6 compares neither type, source nor scope. A route of a type that drops packets is named by the link `lo`, which has
///   those routes only; which of these types it has is not compared.
/// - IPv6 deletes all routes of a destination and metric that have gateways, unless the gateway is said.
///
/// ```
/// use sublink::{IfIndex, NewRoute};
/// use sublink::route::DeleteRoute;
/// let route = NewRoute::default_via("10.0.50.1".parse()?).index(IfIndex::new(2)?).metric(100);
/// let delete = DeleteRoute::like(route);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeleteRoute(NewRoute);

impl DeleteRoute {
    /// The route like this one.
    #[must_use]
    pub const fn like(route: NewRoute) -> Self {
        Self(route)
    }
}

impl Sealed for DeleteRoute {}
impl Command for DeleteRoute {}

impl Request for DeleteRoute {
    fn encode(&self, seq: u32, buf: &mut [u8]) -> Result<usize, NoRoom> {
        const ANY: (Scope, RouteProtocol) = (Scope(255), RouteProtocol(0)); // RT_SCOPE_NOWHERE, RTPROT_UNSPEC
        let Self(route) = *self;
        // IPv6 compares no types, and would delete a route that sends packets on.
        let route = if route.has_link() || route.destination.is_ipv4() { route } else { route.index(LOOPBACK) };
        route.put(RTM_DELROUTE, NLM_F_ACK, ANY, seq, buf)
    }
}

/// The index of `lo` in every namespace (`LOOPBACK_IFINDEX` of `include/net/flow.h`).
const LOOPBACK: IfIndex = IfIndex(1);

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
    use super::*;
    use crate::wire::encoded;

    const INDEX: IfIndex = IfIndex(0x0102);

    fn read(bytes: &[u8]) -> RouteInfo {
        RouteView::of(Messages::new(bytes).next().unwrap().unwrap()).unwrap().to_owned()
    }

    #[test]
    fn a_default_route_is_these_bytes() {
        let route = NewRoute::default_via("10.0.50.1".parse().unwrap()).index(INDEX).metric(99);
        #[rustfmt::skip]
        assert_eq!(encoded(&route), [
            52, 0, 0, 0,  24, 0,  5, 6,                         // 52 bytes, RTM_NEWROUTE, REQUEST ACK EXCL CREATE
            7, 0, 0, 0,  0, 0, 0, 0,
            2, 0, 0, 0,  254, 3, 0, 1,  0, 0, 0, 0,             // AF_INET, /0, table main, boot, universe, unicast
            8, 0, 5, 0,  10, 0, 50, 1,                          // RTA_GATEWAY
            8, 0, 4, 0,  2, 1, 0, 0,                            // RTA_OIF
            8, 0, 6, 0,  99, 0, 0, 0,                           // RTA_PRIORITY
        ]);
    }

    #[test]
    fn a_route_on_the_link_has_its_scope_and_no_host_bits() {
        let route = NewRoute::new("10.1.2.3/16".parse().unwrap()).index(INDEX).table(Table(1000)).replace();
        #[rustfmt::skip]
        assert_eq!(encoded(&route), [
            52, 0, 0, 0,  24, 0,  5, 5,                         // REQUEST ACK REPLACE CREATE
            7, 0, 0, 0,  0, 0, 0, 0,
            2, 16, 0, 0,  0, 3, 253, 1,  0, 0, 0, 0,            // /16, table below, boot, link, unicast
            8, 0, 1, 0,  10, 1, 0, 0,                           // RTA_DST
            8, 0, 4, 0,  2, 1, 0, 0,                            // RTA_OIF
            8, 0, 15, 0,  0xe8, 3, 0, 0,                        // RTA_TABLE = 1000
        ]);
    }

    #[test]
    fn where_it_stands_among_others_is_said_by_flags() {
        let route = NewRoute::default_via("10.0.50.1".parse().unwrap()).index(INDEX);
        let flags = |route: NewRoute| encoded(&route)[6..8].to_vec();
        assert_eq!(flags(route), [5, 6], "REQUEST ACK EXCL CREATE");
        assert_eq!(flags(route.replace()), [5, 5], "REQUEST ACK REPLACE CREATE");
        assert_eq!(flags(route.prepend()), [5, 4], "REQUEST ACK CREATE");
        assert_eq!(flags(route.append()), [5, 12], "REQUEST ACK CREATE APPEND");
        assert_eq!(flags(route.append().prepend()), [5, 4], "the last counts");
    }

    #[test]
    fn a_gateway_of_the_other_family_goes_as_rta_via() {
        let route = NewRoute::new("10.1.0.0/16".parse().unwrap()).gateway("fe80::1".parse().unwrap()).onlink();
        #[rustfmt::skip]
        assert_eq!(encoded(&route)[16..], [
            2, 16, 0, 0,  254, 3, 0, 1,  4, 0, 0, 0,            // RTNH_F_ONLINK
            8, 0, 1, 0,  10, 1, 0, 0,                           // RTA_DST
            22, 0, 18, 0,  10, 0,  0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,  0, 0, // RTA_VIA, AF_INET6
        ]);
        assert_eq!(read(&encoded(&route)).via, Some(Via("fe80::1".parse().unwrap())));
    }

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

    #[test]
    fn what_is_written_is_read() {
        let destination = "10.1.0.0/16".parse().unwrap();
        let route = NewRoute::new(destination).gateway("10.0.0.1".parse().unwrap()).source("10.0.0.7".parse().unwrap());
        let info = read(&encoded(&route.protocol(RouteProtocol::DHCP).scope(Scope::HOST)));
        assert_eq!((info.destination, info.protocol), (Some(destination), RouteProtocol::DHCP));
        assert_eq!((info.gateway, info.source), (Some("10.0.0.1".parse().unwrap()), Some("10.0.0.7".parse().unwrap())));
        assert_eq!((info.scope, info.route_type, info.is_onlink), (Scope::HOST, RouteType::Unicast, false));
        assert!((0..=255).all(|number| RouteType::from(number).number() == number));
    }
}
