//! The request that adds or replaces a route.

use super::metrics::MetricAttrs;
use super::{NextHop, ONLINK, RTM_NEWROUTE, RouteAttrs, RouteHead};
use super::{RouteType, RouteView, Table, Via};
use crate::value::{IfIndex, RouteProtocol, Scope, everywhere, family, maybe};
use crate::wire::{Attrs, Command, Full, Header, NoRoom, Out, Request, Sealed, header, measured};
use ipnetwork::IpNetwork;
use netlink_packet_core::{NLM_F_ACK, NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE};
use std::net::IpAddr;

/// A route to add (RTM_NEWROUTE). The kernel answers EEXIST if there is one with the same destination, metric and table, unless
/// this one is to stand [before](Self::prepend) it, [behind](Self::append) it or in its [place](Self::replace).
///
/// ```
/// use sublink::{IfIndex, NewRoute};
/// use sublink::route::RouteType;
/// let eth0 = IfIndex::new(2)?;
/// let default = NewRoute::default_via("10.0.50.1".parse()?).index(eth0).metric(99);
/// let local = NewRoute::new("10.1.0.0/16".parse()?).gateway("10.0.50.2".parse()?).index(eth0);
/// let narrow = local.mtu(1400).advmss(1360);
/// let forbidden = NewRoute::new("192.168.0.0/16".parse()?).route_type(RouteType::Prohibit);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewRoute<'a> {
    pub(super) destination: IpNetwork,
    pub(super) protocol: Option<RouteProtocol>,
    pub(super) scope: Option<Scope>,
    pub(super) route_type: RouteType,
    pub(super) onlink: bool,
    /// What becomes of a route with the same destination, metric and table, as flags of the request.
    if_there: u16,
    pub(super) attrs: RouteAttrs,
    pub(super) metrics: MetricAttrs,
    /// The next hops, of a route that is given them as a list.
    pub(super) hops: &'a [NextHop],
}

impl<'a> NewRoute<'a> {
    maybe!();

    /// What IPv6 makes of the metric 0, and of none (`IP6_RT_PRIO_USER`).
    pub(crate) const IPV6_METRIC: u32 = 1024;

    /// A route to `destination`; bits behind its prefix are dropped. It needs a [`gateway`](Self::gateway), a link
    /// ([`index`](Self::index)), both, or [several](Self::next_hops), unless it is of a type that drops packets.
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
            metrics: MetricAttrs::NEW,
            hops: &[],
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
    /// [delete](super::DeleteRoute) that by its gateway and link.
    #[must_use]
    pub const fn replace(mut self) -> Self {
        self.if_there = NLM_F_REPLACE;
        self
    }

    /// Adds it before the routes with the same destination, metric and table, as `ip route prepend` does. The first one is
    /// used. The very same route is an EEXIST all the same.
    ///
    /// In IPv6, routes with gateways share the traffic (ECMP) whichever comes first, and are reported as one with several
    /// [next hops](super::RouteInfo::next_hops).
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

    /// Several next hops, each for some of the connections, instead of a gateway and link (`RTA_MULTIPATH`). An empty list takes
    /// them away again.
    ///
    /// IPv6 makes a route of its own of each next hop. It adds them one after the other, and reports them as one route with
    /// several next hops.
    #[must_use]
    pub const fn next_hops(mut self, hops: &'a [NextHop]) -> Self {
        self.hops = hops;
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

    /// How far the destination is. Unless set, as with `ip`: this host for its own addresses, the link for broadcasts and
    /// without a gateway, and else everywhere. IPv6 knows no scope.
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

    /// Whether it belongs to a link, as one that drops packets or sends them to the next table does not.
    pub(crate) const fn has_link(&self) -> bool {
        use RouteType::{Blackhole, Prohibit, Throw, Unreachable};
        !matches!(self.route_type, Blackhole | Unreachable | Prohibit | Throw)
    }

    /// The same, by the link `index` unless it says another or needs none.
    pub(crate) fn on(&self, index: IfIndex) -> Self {
        let says_none = self.hops.is_empty() && !self.attrs.has(RouteView::RTA_OIF);
        if self.has_link() && says_none { self.index(index) } else { *self }
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

    /// The router it goes to, of whatever family.
    pub(crate) fn wanted_gateway(&self) -> Option<IpAddr> {
        self.attrs.has(RouteView::RTA_GATEWAY).then_some(self.attrs.gateway)
    }

    /// The metric that it gets.
    pub(crate) fn wanted_metric(&self) -> u32 {
        match (self.attrs.metric, self.destination.is_ipv4()) {
            (0, false) => Self::IPV6_METRIC,
            (metric, _) => metric,
        }
    }

    /// The link that it was said to leave by.
    pub(crate) fn wanted_index(&self) -> Option<IfIndex> {
        self.attrs.has(RouteView::RTA_OIF).then_some(self.attrs.index)
    }

    /// The same with what [`encode`](Request::encode) fills in, so that a [`DeleteRoute`](super::DeleteRoute) like it fits no
    /// other route. IPv4 has no route of a lower metric than 0, which counts as not said; and the first one is deleted.
    pub(crate) fn filled(&self) -> Self {
        let mut this = *self;
        (this.protocol, this.scope) = (Some(self.sent_protocol()), Some(self.sent_scope()));
        if self.destination.is_ipv6() { this.metric(self.wanted_metric()) } else { this }
    }

    fn sent_protocol(&self) -> RouteProtocol {
        self.protocol.unwrap_or(RouteProtocol::BOOT)
    }

    fn sent_scope(&self) -> Scope {
        let has_gateway = self.attrs.has(RouteView::RTA_GATEWAY) || !self.hops.is_empty();
        let unless_set = match self.route_type {
            _ if self.destination.is_ipv6() => Scope::GLOBAL,
            RouteType::Local => Scope::HOST,
            RouteType::Broadcast | RouteType::Anycast | RouteType::Multicast => Scope::LINK,
            RouteType::Unicast if !has_gateway => Scope::LINK,
            _ => Scope::GLOBAL,
        };
        self.scope.unwrap_or(unless_set)
    }

    /// Writes a message about this route.
    pub(super) fn put(
        &self,
        ty: u16,
        flags: u16,
        unset: (Scope, RouteProtocol),
        seq: u32,
        buf: &mut [u8],
    ) -> Result<usize, NoRoom> {
        let head = self.head(unset);
        let without_hops = |buf: &mut [u8]| {
            measured(buf, |out| {
                let out = self.put_body(head, &[], out)?;
                let header = header(out.at(), ty, flags, seq);
                out.set(0, header)
            })
        };
        if self.hops.is_empty() {
            return without_hops(buf);
        }
        let out = self.put_body(head, self.hops, Out::new(buf)).ok().filter(|out| out.at() <= NoRoom::LARGEST);
        let written = out.and_then(|out| {
            let len = out.at();
            out.set(0, header(len, ty, flags, seq)).ok().map(|_| len)
        });
        written.ok_or_else(|| {
            let list = 4 + self.hops.iter().map(|hop| hop.room(head.family)).sum::<usize>();
            let (Ok(rest) | Err(NoRoom { needed: rest })) = without_hops(&mut []);
            NoRoom { needed: rest + list }
        })
    }

    fn head(&self, unset: (Scope, RouteProtocol)) -> RouteHead {
        let Self { destination, protocol, scope, route_type, onlink, if_there: _, attrs: _, metrics: _, hops: _ } =
            self;
        RouteHead {
            family: family(destination.ip()),
            prefix: destination.prefix(),
            table: u8::try_from(self.wanted_table().0).unwrap_or(0), // RTA_TABLE says it alone
            protocol: protocol.unwrap_or(unset.1),
            scope: scope.unwrap_or(unset.0),
            route_type: *route_type,
            flags: if *onlink { ONLINK.into() } else { 0 },
        }
    }

    /// Writes what stands behind the message's header, for which it leaves room.
    fn put_body<'b>(&self, head: RouteHead, hops: &[NextHop], out: Out<'b>) -> Result<Out<'b>, Full> {
        let out = self.put_attrs(out.skip(Header::SIZE).put(head.bytes())?)?;
        let out = if self.metrics.is_empty() { out } else { put_metrics(&self.metrics, out)? };
        if hops.is_empty() { Ok(out) } else { put_hops(head.family, hops, out) }
    }

    /// A gateway of the other family goes as RTA_VIA.
    fn put_attrs<'b>(&self, out: Out<'b>) -> Result<Out<'b>, Full> {
        let gateway = self.wanted_gateway().filter(|gateway| family(*gateway) != family(self.destination.ip()));
        let Some(gateway) = gateway else { return self.attrs.put(out) };
        let mut attrs = self.via(Via(gateway)).attrs;
        attrs.set = attrs.set.without(RouteView::RTA_GATEWAY);
        attrs.put(out)
    }
}

#[inline(never)]
fn put_metrics<'b>(metrics: &MetricAttrs, out: Out<'b>) -> Result<Out<'b>, Full> {
    out.nest(RouteView::RTA_METRICS, |out| metrics.as_kept().put(out))
}

#[inline(never)]
fn put_hops<'b>(family: u8, hops: &[NextHop], out: Out<'b>) -> Result<Out<'b>, Full> {
    out.nest(RouteView::RTA_MULTIPATH, |out| hops.iter().try_fold(out, |out, hop| hop.put(family, out)))
}

impl Sealed for NewRoute<'_> {}
impl Command for NewRoute<'_> {}

impl Request for NewRoute<'_> {
    #[inline]
    fn encode(&self, seq: u32, buf: &mut [u8]) -> Result<usize, NoRoom> {
        let unset = (self.sent_scope(), self.sent_protocol());
        self.put(RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | self.if_there, unset, seq, buf)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{RouteInfo, Weight};
    use super::*;
    use crate::wire::{Messages, encoded};

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
    fn the_scope_is_that_of_ip_unless_set() {
        let scope = |destination: &str, route_type| {
            let route = NewRoute::new(destination.parse().unwrap()).index(INDEX).route_type(route_type);
            (Scope(encoded(&route)[22]), route.has_link())
        };
        for (route_type, expected, has_link) in [
            (RouteType::Unicast, Scope::LINK, true),
            (RouteType::Local, Scope::HOST, true),
            (RouteType::Broadcast, Scope::LINK, true),
            (RouteType::Blackhole, Scope::GLOBAL, false),
            (RouteType::Throw, Scope::GLOBAL, false),
        ] {
            assert_eq!(scope("10.1.0.0/16", route_type), (expected, has_link), "{route_type}");
            assert_eq!(scope("fd01::/64", route_type), (Scope::GLOBAL, has_link), "{route_type}");
        }
    }

    #[test]
    fn where_it_stands_among_others_is_said_by_flags() {
        let route = NewRoute::default_via("10.0.50.1".parse().unwrap()).index(INDEX);
        let flags = |route: NewRoute<'_>| encoded(&route)[6..8].to_vec();
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
    fn next_hops_stand_in_a_list() {
        let [v4, v6] = ["10.0.0.1", "fd00::1"].map(|gateway| gateway.parse().unwrap());
        let three = [NextHop::via(v4).index(INDEX), NextHop::via(v6).onlink(), NextHop::dev(INDEX)];
        let hops = three.map(|hop| hop.weight(Weight::new(3).unwrap()));
        #[rustfmt::skip]
        assert_eq!(encoded(&NewRoute::new("0.0.0.0/0".parse().unwrap()).next_hops(&hops))[16..], [
            2, 0, 0, 0,  254, 3, 0, 1,  0, 0, 0, 0,             // scope universe, though no gateway stands outside of the list
            60, 0, 9, 0x80,                                     // RTA_MULTIPATH, NLA_F_NESTED
            16, 0, 0, 2,  2, 1, 0, 0,                           // rtnexthop: weight 3, index
            8, 0, 5, 0,  10, 0, 0, 1,                           // RTA_GATEWAY
            32, 0, 4, 2,  0, 0, 0, 0,                           // RTNH_F_ONLINK, no index
            22, 0, 18, 0,  10, 0,  0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,  0, 0, // RTA_VIA, AF_INET6
            8, 0, 0, 2,  2, 1, 0, 0,
        ]);
    }

    #[test]
    fn a_list_of_next_hops_says_how_much_room_it_needs() {
        let hops = vec![NextHop::via("fd00::1".parse().unwrap()); 5_000];
        let route = |count: usize| NewRoute::new("fd09::/48".parse().unwrap()).mtu(1400).next_hops(&hops[..count]);
        for count in [1, 20, 2_000] {
            let NoRoom { needed } = route(count).encode(1, &mut []).unwrap_err();
            assert_eq!(needed, 16 + 12 + 20 + 4 + 8 + 4 + 28 * count);
            assert_eq!(route(count).encode(1, &mut vec![0xa5; needed - 1]), Err(NoRoom { needed }));
            assert_eq!(route(count).encode(1, &mut vec![0xa5; needed]), Ok(needed));
        }
        let too_long = route(5_000).encode(1, &mut vec![0xa5; 200_000]).unwrap_err();
        assert!(too_long.needed > NoRoom::LARGEST, "{too_long}");
        let [longest, longer] = [2_338, 2_339].map(|count| route(count).encode(1, &mut vec![0xa5; 100_000]));
        assert!(longest.is_ok_and(|len| len <= NoRoom::LARGEST) && longer.is_err_and(|e| e.needed > NoRoom::LARGEST));
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
