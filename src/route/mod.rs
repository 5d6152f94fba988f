//! Routes: add, replace, delete, list.
//!
//! ```text
//! RTM_NEWROUTE | rtmsg: family, lengths of prefixes, table, protocol, scope, type, flags | RTA_DST = 10.1.0.0
//!                                                                                        | RTA_GATEWAY = 10.0.50.1
//!                                                                                        | RTA_OIF = 7
//!                                                                                        | RTA_METRICS | RTAX_MTU = 1400 …
//! ```
//!
//! A route needs its link to be up, and its gateway to be reachable by another route, unless it is `onlink`.
//! [`NewRoute::replace`] replaces the first route with the same destination, metric and table, whoever made it, with no gap.
//! Sources: `net/ipv4/fib_frontend.c`, `net/ipv6/route.c`, `include/uapi/linux/rtnetlink.h`, `man 7 rtnetlink`,
//! `man 8 ip-route`.

mod compare;
mod hops;
mod metrics;
mod query;
mod request;

pub use hops::{NextHop, NextHops, Via, Weight};
#[doc(hidden)]
pub use metrics::MetricAttrs;
pub use metrics::{CongestionControl, MetricLocks, MetricsInfo, MetricsView, RouteFeatures};
pub use query::{DeleteRoute, ListRoutes};
pub use request::NewRoute;

use crate::value::{AF_INET, AF_INET6, IfIndex, RouteProtocol, Scope, numbers, transparent};
use crate::wire::{Body, Message, fixed, table};
use ipnetwork::IpNetwork;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub(crate) const RTM_NEWROUTE: u16 = 24;
pub(crate) const RTM_DELROUTE: u16 = 25;
pub(crate) const RTM_GETROUTE: u16 = 26;

/// Bytes of `struct rtmsg`.
const RTMSG: usize = 12;

/// A message about a route: `struct rtmsg`, then the attributes of [`RouteView`].
pub(crate) const BODY: Body = Body { header: RTMSG, rows: RouteView::ROWS };

/// `RTNH_F_ONLINK` of `include/uapi/linux/rtnetlink.h`.
const ONLINK: u8 = 4;

/// A routing table, by its number (`RT_TABLE_…`).
///
/// ```
/// use sublink::route::Table;
/// assert_eq!((Table::from(254), u32::from(Table::LOCAL)), (Table::MAIN, 255));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "any number is one: `ip` takes names from a file")]
pub struct Table(pub u32);

impl Table {
    /// The one for all that no rule sends elsewhere.
    pub const MAIN: Self = Self(254);
    /// The kernel's own: local addresses and broadcasts.
    pub const LOCAL: Self = Self(255);

    /// The number that the kernel reports: 0 is the main one, too.
    const fn as_reported(self) -> Self {
        if self.0 == 0 { Self::MAIN } else { self }
    }
}

transparent!(Table: u32);

numbers! {
    /// What happens to a packet that a route fits (`RTN_…`).
    RouteType: u8, "route type" {
        /// It is sent on.
        1 Unicast "unicast",
        /// It is this host's own.
        2 Local "local",
        /// It is this host's own, and goes out as a link-layer broadcast.
        3 Broadcast "broadcast",
        /// It is this host's own, and one of several hosts' (IPv6).
        4 Anycast "anycast",
        /// It goes to a multicast group.
        5 Multicast "multicast",
        /// It is dropped without a word.
        6 Blackhole "blackhole",
        /// It is dropped, and the sender told that the destination is unreachable.
        7 Unreachable "unreachable",
        /// It is dropped, and the sender told that it is forbidden.
        8 Prohibit "prohibit",
        /// It is looked for in the next table that a rule names.
        9 Throw "throw",
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

fixed! {
    Table: 4 + 0, Table(0), |v: Table| v.0.to_ne_bytes(), |b| Table(u32::from_ne_bytes(b));
}

table! {
    /// What a route can be given besides its destination's prefix, its protocol, scope and type.
    #[doc(hidden)]
    attrs of NewRoute<'a> create RouteAttrs,
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
        /// The router it goes to. IPv4 takes 0.0.0.0 for none. One of another family than the destination's is sent and reported
        /// as `RTA_VIA` (since Linux 5.2).
        5 RTA_GATEWAY pub gateway: IpAddr,
        /// The link it leaves by.
        4 RTA_OIF pub index: IfIndex,
        /// The metric: of several routes to a destination, the lowest counts. Unless set, 0 for IPv4 and 1024 for IPv6,
        /// to which 0 means 1024.
        6 RTA_PRIORITY pub metric: u32,
    }
    create {
        /// The source address that packets get by it.
        7 RTA_PREFSRC pub source: IpAddr,
        /// The table that has it; [`Table::MAIN`] unless set. 0 means that one too.
        15 RTA_TABLE pub table: Table,
        /// The router, if it is of another family than the destination.
        18 RTA_VIA pub(crate) via: Via,
    }
    reply {
        /// The metrics, where it has some.
        8 RTA_METRICS pub metrics: MetricsView<'a> => MetricsView<'a> => MetricsInfo,
        /// The next hops, where there are several.
        9 RTA_MULTIPATH pub next_hops: NextHops<'a> => NextHops<'a> => Vec<NextHop>,
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
        self.head.flags & u32::from(ONLINK) != 0
    }
}

impl RouteInfo {
    /// The link that it leaves by; of several next hops, the first one's.
    pub fn link(&self) -> Option<IfIndex> {
        self.index.or_else(|| self.next_hops.iter().flatten().find_map(|hop| hop.index))
    }
}
