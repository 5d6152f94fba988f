//! Routes: add, replace, delete, list.
//!
//! ```text
//! RTM_NEWROUTE | rtmsg: family, lengths of prefixes, table, protocol, scope, type, flags | RTA_DST = 10.1.0.0
//!                                                                                        | RTA_GATEWAY = 10.0.50.1
//!                                                                                        | RTA_OIF = 7 …
//! ```
//!
//! A route needs its link to be up, and its gateway to be reachable by another route, unless it is `onlink`. To replace one
//! with the same destination, metric and table is atomic: there is no moment without. Sources: `net/ipv4/fib_frontend.c`,
//! `net/ipv6/route.c`, `include/uapi/linux/rtnetlink.h`, `man 7 rtnetlink`, `man 8 ip-route`.

use crate::value::{AF_INET, AF_INET6, IfIndex, Scope, everywhere, family, numbers};
use crate::wire::{
    Attribute, Attributes, Attrs, Body, Command, Full, Get, Header, Message, Messages, NoRoom, Out, Put, Request,
    Sealed, fixed, head, header, measured, table,
};
use ipnetwork::IpNetwork;
use netlink_packet_core::{NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REPLACE};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub(crate) const RTM_NEWROUTE: u16 = 24;
pub(crate) const RTM_DELROUTE: u16 = 25;
pub(crate) const RTM_GETROUTE: u16 = 26;

/// Bytes of `struct rtmsg`.
const RTMSG: usize = 12;

/// A message about a route: `struct rtmsg`, then the attributes of [`RouteView`].
pub(crate) const BODY: Body = Body { header: RTMSG, rows: RouteView::ROWS };

/// `RTNH_F_ONLINK` of `include/uapi/linux/rtnetlink.h`.
const ONLINK: u32 = 4;

/// A routing table, by its number (`RT_TABLE_…`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Table(pub u32);

impl Table {
    /// The one for all that no rule sends elsewhere.
    pub const MAIN: Self = Self(254);
    /// The kernel's own: local addresses and broadcasts.
    pub const LOCAL: Self = Self(255);
}

/// Who made a route (`RTPROT_…`, `/etc/iproute2/rt_protos`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RouteProtocol(pub u8);

impl RouteProtocol {
    /// The kernel, for an address's network.
    pub const KERNEL: Self = Self(2);
    /// Whoever set the machine up: what `ip` says unless told otherwise.
    pub const BOOT: Self = Self(3);
    /// An administrator, to override what is learnt.
    pub const STATIC: Self = Self(4);
    /// Router advertisements.
    pub const RA: Self = Self(9);
    /// A DHCP client.
    pub const DHCP: Self = Self(16);
}

numbers! {
    /// What happens to a packet that a route fits (`RTN_…`).
    RouteType: u8, "route type" {
        /// It is sent on.
        1 Unicast "unicast",
        /// It is dropped without a word.
        6 Blackhole "blackhole",
        /// It is dropped, and the sender told that the destination is unreachable.
        7 Unreachable "unreachable",
        /// It is dropped, and the sender told that it is forbidden.
        8 Prohibit "prohibit",
        Other "{}"
    }
}

/// The header that stands before a route's attributes (`struct rtmsg`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RouteHead {
    family: u8,
    prefix: u8,
    table: u8,
    protocol: RouteProtocol,
    scope: Scope,
    route_type: RouteType,
    flags: u32,
}

impl RouteHead {
    fn bytes(self) -> [u8; RTMSG] {
        let Self { family, prefix, table, protocol, scope, route_type, flags } = self;
        let [a, b, c, d] = flags.to_ne_bytes();
        [family, prefix, 0, 0, table, protocol.0, scope.0, route_type.number(), a, b, c, d]
    }

    fn split(payload: &[u8]) -> Option<(Self, &[u8])> {
        let (header, attributes) = payload.split_first_chunk::<RTMSG>()?;
        let [family, prefix, _, _, table, protocol, scope, route_type, a, b, c, d] = *header;
        let (protocol, scope, route_type) = (RouteProtocol(protocol), Scope(scope), route_type.into());
        let flags = u32::from_ne_bytes([a, b, c, d]);
        Some((Self { family, prefix, table, protocol, scope, route_type, flags }, attributes))
    }
}

/// A router of another family than the destination's (`struct rtvia`): for an IPv4 route by an IPv6 neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Via(pub IpAddr);

impl Put for Via {
    const UNSET: Self = Self(IpAddr::UNSET);
    const MAX: usize = 24;
    fn put<'b>(&self, ty: u16, to: Out<'b>) -> Result<Out<'b>, Full> {
        let [a, b] = u16::from(family(self.0)).to_ne_bytes();
        match self.0 {
            IpAddr::V4(v4) => to.put(head(10, ty))?.put([a, b])?.put(v4.octets())?.put([0, 0]),
            IpAddr::V6(v6) => to.put(head(22, ty))?.put([a, b])?.put(v6.octets())?.put([0, 0]),
        }
    }
    fn room(&self) -> usize {
        if self.0.is_ipv4() { 12 } else { 24 }
    }
}

impl Get<'_> for Via {
    fn get(value: &[u8]) -> Option<Self> {
        let (_family, octets) = value.split_first_chunk::<2>()?;
        IpAddr::get(octets).map(Self)
    }
}

/// The next hops of a route that has several (`RTA_MULTIPATH`).
#[derive(Clone, Copy)]
pub struct NextHops<'a>(&'a [u8]);

/// One way that a route goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextHop {
    /// The link it leaves by.
    pub index: Option<IfIndex>,
    /// The router it goes to.
    pub gateway: Option<IpAddr>,
}

impl<'a> NextHops<'a> {
    /// The next hops, in the kernel's order.
    pub fn iter(&self) -> impl Iterator<Item = NextHop> + use<'a> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            // struct rtnexthop: length, flags, weight, index; its length counts the attributes behind it.
            let ([l0, l1, _, _, a, b, c, d], _) = rest.split_first_chunk::<8>()?;
            let length = usize::from(u16::from_ne_bytes([*l0, *l1]));
            let attributes = rest.get(8..length)?;
            rest = rest.get(crate::wire::align(length)..).unwrap_or_default();
            let hop = |number| Attributes::new(attributes).find(|Attribute { number: n, .. }| *n == number);
            let gateway = hop(RouteView::RTA_GATEWAY).and_then(|a| IpAddr::get(a.value));
            Some(NextHop {
                index: IfIndex::new(u32::from_ne_bytes([*a, *b, *c, *d])).ok(),
                gateway: gateway.or_else(|| hop(RouteView::RTA_VIA).and_then(|a| Via::get(a.value)).map(|via| via.0)),
            })
        })
    }
}

impl<'a> Get<'a> for NextHops<'a> {
    fn get(value: &'a [u8]) -> Option<Self> {
        Some(Self(value))
    }
}

impl fmt::Debug for NextHops<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl From<NextHops<'_>> for Vec<NextHop> {
    fn from(hops: NextHops<'_>) -> Self {
        hops.iter().collect()
    }
}

fixed! {
    Table: 4 + 0, Table(0), |v: Table| v.0.to_ne_bytes(), |b| Table(u32::from_ne_bytes(b));
}

table! {
    /// What a route can be given besides its destination's prefix, its protocol, scope and type.
    #[doc(hidden)]
    attrs of NewRoute create RouteAttrs,
    /// A route as the kernel reports it, borrowed from the bytes it came in.
    view RouteView<'a>(RouteHead),
    /// A route as the kernel reported it, owned.
    info RouteInfo {
        /// Where it leads; a prefix of length 0 is the default route.
        destination: Option<IpNetwork> = |route| route.destination(),
        /// Who made it.
        protocol: RouteProtocol = |route| route.head.protocol,
        /// How far its destination is.
        scope: Scope = |route| route.head.scope,
        /// What happens to a packet.
        route_type: RouteType = |route| route.head.route_type,
        /// Whether its gateway counts as reachable on the link, whatever other routes say.
        is_onlink: bool = |route| route.is_onlink(),
    }
    create {
        /// The destination's address; absent from a default route.
        1 RTA_DST pub(crate) dst: IpAddr,
        /// The router it goes to. One of another family than the destination's is sent and reported as `RTA_VIA` (since
        /// Linux 5.2).
        5 RTA_GATEWAY pub gateway: IpAddr,
        /// The link it leaves by.
        4 RTA_OIF pub index: IfIndex,
        /// The metric: of several routes to a destination, the lowest counts. Unless set, 0 for IPv4 and 1024 for IPv6.
        6 RTA_PRIORITY pub metric: u32,
    }
    create {
        /// The source address that packets get by it.
        7 RTA_PREFSRC pub source: IpAddr,
        /// The table that has it; [`Table::MAIN`] unless set.
        15 RTA_TABLE pub table: Table,
        /// The router, if it is of another family than the destination.
        18 RTA_VIA pub(crate) via: Via,
    }
    reply {
        /// The next hops, where there are several.
        9 RTA_MULTIPATH pub next_hops: NextHops<'a> => NextHops<'a> => Vec<NextHop>,
    }
}

/// A route to add (RTM_NEWROUTE). That there is one with the same destination, metric and table is an EEXIST, unless it is
/// to be [replaced](Self::replace).
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
    replace: bool,
    attrs: RouteAttrs,
}

impl NewRoute {
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
            replace: false,
            attrs: RouteAttrs::NEW,
        };
        if destination.prefix() == 0 { this } else { this.dst(destination.network()) }
    }

    /// The default route of the gateway's family.
    #[must_use]
    pub fn default_via(gateway: IpAddr) -> Self {
        Self::new(everywhere(gateway)).gateway(gateway)
    }

    /// Takes the place of a route with the same destination, metric and table, if there is one, without a moment in between
    /// (NLM_F_REPLACE).
    #[must_use]
    pub const fn replace(mut self) -> Self {
        self.replace = true;
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
        let Self { destination, protocol, scope, route_type, onlink, replace: _, mut attrs } = this;
        let table = if attrs.has(RouteView::RTA_TABLE) { attrs.table } else { Table::MAIN };
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
        let flags = NLM_F_ACK | NLM_F_CREATE | if self.replace { NLM_F_REPLACE } else { NLM_F_EXCL };
        self.put(RTM_NEWROUTE, flags, (scope, RouteProtocol::BOOT), seq, buf)
    }
}

/// A route to delete (RTM_DELROUTE): the first that has the destination and everything else that was said. That there is
/// none is an ESRCH.
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
        self.0.put(RTM_DELROUTE, NLM_F_ACK, ANY, seq, buf)
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
        self.table = Some(table);
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

impl<'a> RouteView<'a> {
    /// Reads a message about a route (RTM_NEWROUTE, or RTM_DELROUTE of an event). `None` if it is another message, or too
    /// short.
    pub fn of(message: Message<'a>) -> Option<Self> {
        let is_route = matches!(message.header.ty, RTM_NEWROUTE | RTM_DELROUTE);
        let (head, attributes) = RouteHead::split(message.payload).filter(|_| is_route)?;
        Some(Self::new(head, attributes))
    }

    /// Where it leads; a prefix of length 0 is the default route.
    pub fn destination(&self) -> Option<IpNetwork> {
        let any = match self.head.family {
            AF_INET => Ipv4Addr::UNSPECIFIED.into(),
            AF_INET6 => Ipv6Addr::UNSPECIFIED.into(),
            _ => return None,
        };
        IpNetwork::new(self.dst().unwrap_or(any), self.head.prefix).ok()
    }

    /// Who made it.
    pub fn protocol(&self) -> RouteProtocol {
        self.head.protocol
    }

    /// How far its destination is.
    pub fn scope(&self) -> Scope {
        self.head.scope
    }

    /// What happens to a packet.
    pub fn route_type(&self) -> RouteType {
        self.head.route_type
    }

    /// Whether its gateway counts as reachable on the link, whatever other routes say.
    pub fn is_onlink(&self) -> bool {
        self.head.flags & ONLINK != 0
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
            48, 0, 0, 0,  25, 0,  5, 0,                         // RTM_DELROUTE, REQUEST ACK
            7, 0, 0, 0,  0, 0, 0, 0,
            10, 32, 0, 0,  254, 0, 255, 6,  0, 0, 0, 0,         // any protocol, any scope, blackhole
            20, 0, 1, 0,  0xfd, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
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

    #[test]
    fn next_hops_are_read_and_spoilt_ones_end_the_list() {
        #[rustfmt::skip]
        let hops = [
            16, 0, 0, 0,  5, 0, 0, 0,  8, 0, 5, 0,  10, 0, 0, 1, // rtnexthop: index 5, RTA_GATEWAY
            8, 0, 0, 0,  6, 0, 0, 0,                             // index 6
            4, 0, 0, 0,  7, 0, 0, 0,                             // shorter than itself
        ];
        let hop = |index, gateway| NextHop { index: IfIndex::new(index).ok(), gateway };
        let read: Vec<_> = NextHops(&hops).into();
        assert_eq!(read, [hop(5, Some("10.0.0.1".parse().unwrap())), hop(6, None)]);
        for len in 0..hops.len() {
            assert!(NextHops(&hops[..len]).iter().count() <= 2);
        }
    }
}
