//! Causes that are about addresses and routes.

use super::surroundings::Surroundings;
use crate::addr::{AddressFlags, AddressInfo, AddressView, ListAddresses};
use crate::error::{FoundRoute, Reason};
use crate::link::{AddrGenMode, Ipv6Setting, LinkFlags, LinkInfo};
use crate::request::Verb;
use crate::route::{ListRoutes, NewRoute, NextHop, RouteInfo, RouteType, RouteView, Table};
use crate::value::{IPV4_MTU, IfIndex, IfName};
use crate::wire::{Header, Message, Messages};
use ipnetwork::IpNetwork;
use netlink_packet_core::NLM_F_EXCL;
use std::net::IpAddr;

/// Addresses.
impl Surroundings<'_> {
    pub(super) fn address_is_there(&mut self) -> Option<Reason> {
        let asked = self.address_to(&[Verb::AddAddress])?;
        let (addr, peer) = (asked.addr?, peer_of(&asked));
        let is_it = |found: &AddressInfo| match addr {
            IpNetwork::V4(_) => found.addr == Some(addr) && same_network(addr, found.peer, peer),
            IpNetwork::V6(_) => found.addr.is_some_and(|found| found.ip() == addr.ip()),
        };
        let there = self.addresses_of(asked.index)?.into_iter().find(is_it)?;
        let (peer, addr) = (peer_of(&there), there.addr?);
        Some(Reason::AddressIsThere { addr, peer, link: self.link_name()? })
    }

    /// An address was to be deleted and is not there: which one is there instead, on the link or on another.
    pub(super) fn no_such_address(&mut self) -> Option<Reason> {
        let asked = self.address_to(&[Verb::DeleteAddress])?;
        let (index, addr) = (asked.index, asked.addr?);
        let mut found = self.socket.snapshot(&ListAddresses::new()).ok()?;
        found.retain(|found| found.addr.is_some_and(|found| found.ip() == addr.ip()));
        found.sort_by_key(|found| found.index != index);
        let Some(other) = found.first() else { return Some(Reason::NoSuchAddress(addr.ip())) };
        let is_same = |other: &AddressInfo| other.addr == Some(addr) && peer_of(other) == peer_of(&asked);
        if other.index == index && is_same(other) {
            return None; // it has come since
        }
        let (peer, found, link) = (peer_of(other), other.addr?, self.at(other.index, None)?.name);
        Some(Reason::AnotherAddress { addr: found, peer, link })
    }

    /// IPv6 looks at the address; IPv4 takes any.
    pub(super) fn not_assignable(&mut self) -> Option<Reason> {
        let IpAddr::V6(addr) = self.address_to(&[Verb::AddAddress, Verb::ReplaceAddress])?.addr?.ip() else {
            return None;
        };
        let is_loopback = self.link.as_ref()?.flags.contains(LinkFlags::LOOPBACK);
        let is_none = addr.is_unspecified() || addr.is_multicast() || (addr.is_loopback() && !is_loopback);
        is_none.then_some(Reason::NotAssignable(addr.into()))
    }

    pub(super) fn lifetime_is_impossible(&mut self) -> Option<Reason> {
        let times = self.address_to(&[Verb::AddAddress, Verb::ReplaceAddress])?.lifetime?;
        (times.valid == 0 || times.preferred > times.valid).then_some(Reason::LifetimeImpossible)
    }

    /// The IPv4 addresses of one subnet.
    pub(super) fn scope_differs(&mut self) -> Option<Reason> {
        let asked = self.address_to(&[Verb::AddAddress])?;
        let (addr, scope) = (asked.addr.filter(IpNetwork::is_ipv4)?, asked.scope);
        let is_other = |found: &AddressInfo| {
            let has_same_prefix = found.addr.is_some_and(|found| found.prefix() == addr.prefix());
            let peer = found.peer.or(found.addr.map(|found| found.ip()));
            has_same_prefix && found.scope != scope && same_network(addr, peer, peer_of(&asked))
        };
        let there = self.addresses_of(asked.index)?.into_iter().find(is_other)?;
        Some(Reason::ScopeDiffers { addr: there.addr?, link: self.link_name()? })
    }

    /// The kernel removes an address family from a link whose MTU is too small, and answers as if the link had never had it.
    pub(super) fn no_ipv4(&mut self) -> Option<Reason> {
        let &LinkInfo { name: link, mtu, .. } = self.link.as_ref().filter(|link| link.mtu < IPV4_MTU)?;
        (self.needs_ipv6() == Some(false)).then_some(Reason::NoIpv4 { link, mtu })
    }

    pub(super) fn no_ipv6(&mut self) -> Option<Reason> {
        let &LinkInfo { name: link, mtu, .. } = self.link.as_ref().filter(|link| !link.settings.has_ipv6())?;
        (self.needs_ipv6() == Some(true)).then_some(Reason::NoIpv6 { link, mtu })
    }

    pub(super) fn no_stable_secret(&mut self) -> Option<Reason> {
        let mode = self.asked.as_ref()?.settings.addr_gen_mode?;
        let link = self.link_name().filter(|_| mode == AddrGenMode::StablePrivacy)?;
        Some(Reason::NoStableSecret(link))
    }

    pub(super) fn ipv6_is_off(&mut self) -> Option<Reason> {
        let link = self.link.as_ref().filter(|_| self.needs_ipv6() == Some(true))?;
        let is_off = link.settings.ipv6(Ipv6Setting::DISABLE_IPV6).is_some_and(|value| value != 0);
        is_off.then_some(Reason::Ipv6IsOff(link.name))
    }

    /// Whether the request is about IPv6, or about IPv4.
    fn needs_ipv6(&self) -> Option<bool> {
        if let Some(address) = self.address() {
            return address.addr.map(|addr| addr.is_ipv6());
        }
        if let Some(route) = self.route() {
            let gateway = route.gateway.or(route.via.map(|via| via.0));
            return Some(route.destination?.is_ipv6() || gateway.is_some_and(|gateway| gateway.is_ipv6()));
        }
        if let Some(neighbour) = self.neighbour() {
            return neighbour.addr.map(|addr| addr.is_ipv6());
        }
        let settings = &self.asked.as_ref()?.settings;
        let of_ipv6 = settings.addr_gen_mode.is_some() || settings.token.is_some();
        of_ipv6.then_some(true).or_else(|| settings.has_ipv4().then_some(false))
    }

    pub(super) fn link_name(&self) -> Option<IfName> {
        self.link.as_ref().map(|link| link.name)
    }

    fn addresses_of(&mut self, index: IfIndex) -> Option<Vec<AddressInfo>> {
        self.socket.snapshot(&ListAddresses::new().index(index)).ok()
    }

    /// The address of the request, if it does one of these things.
    fn address_to(&self, verbs: &[Verb]) -> Option<AddressInfo> {
        self.address().filter(|_| verbs.contains(&self.request.verb))
    }

    fn address(&self) -> Option<AddressInfo> {
        self.message().and_then(AddressView::of).map(|address| address.to_owned())
    }

    fn route(&self) -> Option<RouteInfo> {
        self.message().and_then(RouteView::of).map(|route| route.to_owned())
    }

    pub(super) fn message(&self) -> Option<Message<'_>> {
        Messages::new(self.sent).next()?.ok()
    }
}

/// An address without a peer is reported as its own.
fn peer_of(address: &AddressInfo) -> Option<IpAddr> {
    address.peer.filter(|peer| address.addr.is_some_and(|addr| addr.ip() != *peer))
}

/// Whether two peers agree under the prefix of `addr`, which stands for one that is not there.
fn same_network(addr: IpNetwork, one: Option<IpAddr>, other: Option<IpAddr>) -> bool {
    let network = |peer: Option<IpAddr>| {
        let network = IpNetwork::new(peer.unwrap_or(addr.ip()), addr.prefix());
        network.map(|network| network.network()).ok()
    };
    network(one) == network(other)
}

/// Routes.
impl Surroundings<'_> {
    pub(super) fn route_is_there(&mut self) -> Option<Reason> {
        let (asked, mut found) = self.routes_of(Verb::AddRoute)?;
        found.retain(|found| table_of(found) == table_of(&asked) && metric_of(found) == metric_of(&asked));
        let is_alone = Header::parse(self.sent)?.flags & NLM_F_EXCL != 0;
        let (there, way) = if is_alone {
            let first = found.into_iter().next()?;
            let way = ways(&first).into_iter().next();
            (first, way)
        } else {
            found.into_iter().find_map(|found| Some((found.clone(), Some(shared_way(&asked, &found)?))))?
        };
        self.describe_route(&there, way).map(Reason::RouteIsThere)
    }

    /// A route was to be deleted and is not there: which one is there instead, in its table or in another.
    pub(super) fn no_such_route(&mut self) -> Option<Reason> {
        let (asked, mut found) = self.routes_of(Verb::DeleteRoute)?;
        found.sort_by_key(|found| table_of(found) != table_of(&asked));
        match found.first() {
            Some(other) if has_come_since(&asked, other) => None,
            Some(other) => self.describe_route(other, ways(other).into_iter().next()).map(Reason::AnotherRoute),
            None => asked.destination.map(Reason::NoSuchRoute),
        }
    }

    /// A route that was to be added or deleted, and those that lead to the same destination.
    fn routes_of(&mut self, verb: Verb) -> Option<(RouteInfo, Vec<RouteInfo>)> {
        let asked = self.route().filter(|_| self.request.verb == verb)?;
        let destination = asked.destination?;
        let mut found = self.all_routes(destination)?;
        found.retain(|found| found.destination == Some(destination));
        Some((asked, found))
    }

    fn all_routes(&mut self, like: IpNetwork) -> Option<Vec<RouteInfo>> {
        let list = if like.is_ipv6() { ListRoutes::v6() } else { ListRoutes::v4() };
        self.socket.snapshot(&list).ok()
    }

    /// A route, by this one of its ways.
    fn describe_route(&mut self, route: &RouteInfo, way: Option<NextHop>) -> Option<FoundRoute> {
        let gateway = way.and_then(|way| way.gateway);
        let is_sent_on = route.route_type == RouteType::Unicast; // IPv6 has the others on `lo`
        let index = way.and_then(|way| way.index).filter(|_| is_sent_on);
        let link = index.and_then(|index| self.at(index, None)).map(|link| link.name);
        Some(FoundRoute {
            destination: route.destination?,
            route_type: route.route_type,
            gateway,
            link,
            metric: route.metric.unwrap_or(0),
            table: table_of(route),
        })
    }

    pub(super) fn leads_nowhere(&mut self) -> Option<Reason> {
        let route = self.route().filter(|_| matches!(self.request.verb, Verb::AddRoute | Verb::ReplaceRoute))?;
        let is_by =
            route.gateway.is_some() || route.via.is_some() || route.index.is_some() || route.next_hops.is_some();
        (!is_by && route.route_type == RouteType::Unicast).then_some(Reason::RouteLeadsNowhere)
    }

    pub(super) fn link_is_down(&mut self) -> Option<Reason> {
        let links = self.links_of_route()?;
        let link = links
            .into_iter()
            .filter_map(|index| self.at(index, None))
            .find(|link| !link.flags.contains(LinkFlags::UP))?;
        Some(Reason::LinkIsDown(link.name))
    }

    /// One of several next hops may leave by a link that does not exist.
    pub(super) fn hop_is_gone(&mut self) -> Option<Reason> {
        let gone = self.links_of_route()?.into_iter().find(|index| self.is_gone(*index, None))?;
        Some(Reason::LinkIsGone(gone))
    }

    fn links_of_route(&self) -> Option<Vec<IfIndex>> {
        let route = self.route()?;
        let of_hops = route.next_hops.into_iter().flatten().filter_map(|hop| hop.index);
        Some(route.index.into_iter().chain(of_hops).collect())
    }

    pub(super) fn gateway_is_own(&mut self) -> Option<Reason> {
        self.hops()?.into_iter().filter_map(|hop| hop.gateway).find_map(|gateway| {
            let (_, link) = self.holder_of(gateway)?;
            Some(Reason::GatewayIsOwn { gateway, link })
        })
    }

    /// The kernel takes no address that its own table of local addresses has as a broadcast.
    pub(super) fn not_a_gateway(&mut self) -> Option<Reason> {
        let hops = self.hops()?;
        let broadcasts = self.socket.snapshot(&ListRoutes::v4().table(Table::LOCAL)).unwrap_or_default();
        let is_broadcast = |gateway: IpAddr| {
            let is_it = |route: &RouteInfo| route.destination == Some(gateway.into());
            broadcasts.iter().any(|route| route.route_type == RouteType::Broadcast && is_it(route))
        };
        let is_none = |hop: &NextHop, gateway: IpAddr| match gateway {
            // IPv4 takes 0.0.0.0 for no gateway, and refuses it where it is to be on-link.
            IpAddr::V4(v4) if v4.is_unspecified() => hop.is_onlink,
            IpAddr::V4(v4) => v4.is_multicast() || v4.is_broadcast() || is_broadcast(gateway),
            IpAddr::V6(v6) => v6.is_unspecified() || v6.is_multicast(),
        };
        let mut gateways = hops.iter().filter_map(|hop| Some((hop, hop.gateway?)));
        gateways.find(|(hop, gateway)| is_none(hop, *gateway)).map(|(_, gateway)| Reason::NotAGateway(gateway))
    }

    /// A gateway is reachable by a route that has none itself.
    pub(super) fn gateway_unreachable(&mut self) -> Option<Reason> {
        let hops = self.hops()?.into_iter().filter(|hop| !hop.is_onlink);
        let mut gateways =
            hops.filter_map(|hop| Some((hop.gateway.filter(|gateway| !gateway.is_unspecified())?, hop.index)));
        gateways.find_map(|(gateway, index)| {
            let leads_there = |route: &RouteInfo| {
                let has_gateway = route.gateway.is_some() || route.via.is_some();
                let is_direct = route.route_type == RouteType::Unicast && !has_gateway;
                let is_by = index.is_none() || route.index == index;
                is_direct && is_by && route.destination.is_some_and(|network| network.contains(gateway))
            };
            let is_reachable = self.all_routes(gateway.into())?.iter().any(leads_there);
            let link = index.and_then(|index| self.at(index, None)).map(|link| link.name);
            (!is_reachable).then_some(Reason::GatewayUnreachable { gateway, link })
        })
    }

    /// The ways of a route that was to be added.
    fn hops(&self) -> Option<Vec<NextHop>> {
        let route = self.route().filter(|_| matches!(self.request.verb, Verb::AddRoute | Verb::ReplaceRoute))?;
        Some(ways(&route))
    }

    /// Which link has the route's source address, and whether the address can be used yet.
    pub(super) fn source_is_not_ready(&mut self) -> Option<Reason> {
        let source_addr = self.route()?.source?;
        let Some((flags, link)) = self.holder_of(source_addr) else { return Some(Reason::SourceIsAbsent(source_addr)) };
        if flags.contains(AddressFlags::DADFAILED) {
            return Some(Reason::SourceIsDuplicate { source_addr, link });
        }
        flags.contains(AddressFlags::TENTATIVE).then_some(Reason::SourceIsTentative { source_addr, link })
    }

    /// The link of this namespace that has an address, and the address's flags.
    fn holder_of(&mut self, addr: IpAddr) -> Option<(AddressFlags, IfName)> {
        let addresses = self.socket.snapshot(&ListAddresses::new()).ok()?;
        let found = addresses.into_iter().find(|found| found.addr.is_some_and(|found| found.ip() == addr))?;
        Some((found.flags.unwrap_or(AddressFlags::NONE), self.at(found.index, None)?.name))
    }
}

/// The ways that a route goes: its next hops, or the one that it has itself.
fn ways(route: &RouteInfo) -> Vec<NextHop> {
    let gateway = route.gateway.or(route.via.map(|via| via.0));
    let own = NextHop { index: route.index, gateway, is_onlink: route.is_onlink, ..NextHop::NOWHERE };
    route.next_hops.clone().unwrap_or_else(|| vec![own])
}

/// What makes `found` the very same route as `asked`, where there can be several of one metric: the way that both go. IPv4
/// compares all of their ways and their source addresses, among others: the first route that agrees in these is named. IPv6 has a
/// route for each way.
fn shared_way(asked: &RouteInfo, found: &RouteInfo) -> Option<NextHop> {
    let (wanted, there) = (ways(asked), ways(found));
    let is_v6 = asked.destination.is_some_and(|destination| destination.is_ipv6());
    let is_same_list = wanted.len() == there.len() && wanted.iter().zip(&there).all(|(one, other)| one.is_like(other));
    let is_same = asked.route_type == found.route_type && (is_v6 || (is_same_list && asked.source == found.source));
    let is_shared = |way: &NextHop| wanted.iter().any(|wanted| wanted.is_like(way));
    there.into_iter().filter(|_| is_same).find(is_shared)
}

/// Whether a route is as the one that was to be deleted, in what the kernel tells routes apart by.
fn has_come_since(asked: &RouteInfo, found: &RouteInfo) -> bool {
    table_of(asked) == table_of(found)
        && (asked.gateway.is_none() || asked.gateway == found.gateway)
        && (asked.via.is_none() || asked.via == found.via)
        && (asked.index.is_none() || asked.index == found.index)
        && (asked.metric.is_none() || metric_of(asked) == metric_of(found))
        && asked.route_type == found.route_type
}

fn table_of(route: &RouteInfo) -> Table {
    route.table.unwrap_or(Table::MAIN)
}

/// The metric that counts.
fn metric_of(route: &RouteInfo) -> u32 {
    match (route.metric.unwrap_or(0), route.destination) {
        (0, Some(IpNetwork::V6(_))) => NewRoute::IPV6_METRIC,
        (metric, _) => metric,
    }
}
