//! Routes to add, to delete and to list.

use super::{index, parsed};
use netlink_packet_core::{NLM_F_ACK, NLM_F_APPEND, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REQUEST};
use netlink_packet_route::route::{
    RouteAttribute as A, RouteFlags, RouteHeader, RouteMessage, RouteMetric as M, RouteNextHop, RouteNextHopFlags,
    RouteProtocol as Protocol, RouteScope, RouteType as Type,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use std::net::IpAddr;
use sublink::route::{
    CongestionControl, DeleteRoute, ListRoutes, MetricLocks, NextHop, RouteFeatures, RouteType, Table, Weight,
};
use sublink::value::RouteProtocol;
use sublink::{IpNetwork, NewRoute};

fn ip(addr: &str) -> IpAddr {
    addr.parse().expect("an address")
}

fn net(addr: &str) -> IpNetwork {
    addr.parse().expect("a network")
}

/// What that crate reads of a route to add.
fn added(route: NewRoute<'_>, flags: u16) -> RouteMessage {
    match parsed(&route) {
        (read, RouteNetlinkMessage::NewRoute(route)) if read == NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | flags => {
            route
        }
        other => panic!("{other:?}"),
    }
}

/// The header of an IPv4 route that a request says nothing else of.
fn header(prefix: u8, scope: RouteScope) -> RouteHeader {
    RouteHeader {
        address_family: AddressFamily::Inet,
        destination_prefix_length: prefix,
        table: RouteHeader::RT_TABLE_MAIN,
        protocol: Protocol::Boot,
        scope,
        kind: Type::Unicast,
        ..RouteHeader::default()
    }
}

/// The same route, whatever the order of attributes.
fn assert_same(read: &RouteMessage, header: &RouteHeader, attributes: &[A]) {
    assert_eq!(&read.header, header);
    let sorted = |attributes: &[A]| {
        let mut words: Vec<_> = attributes.iter().map(|attribute| format!("{attribute:?}")).collect();
        words.sort();
        words
    };
    assert_eq!(sorted(&read.attributes), sorted(attributes));
}

#[test]
fn a_default_route() {
    let read = added(NewRoute::default_via(ip("10.0.50.1")).index(index(8)).metric(99), NLM_F_EXCL);
    let attributes = vec![A::Gateway(ip("10.0.50.1").into()), A::Oif(8), A::Priority(99)];
    assert_same(&read, &header(0, RouteScope::Universe), &attributes);
}

#[test]
fn a_route_with_everything() {
    let route = NewRoute::new(net("fd09::1/48"))
        .gateway(ip("fd00::1"))
        .index(index(8))
        .onlink()
        .metric(7)
        .source(ip("fd00::7"))
        .table(Table(1000))
        .protocol(RouteProtocol::DHCP);
    let read = added(route.append(), NLM_F_APPEND);
    let attributes = vec![
        A::Destination(ip("fd09::").into()),
        A::Gateway(ip("fd00::1").into()),
        A::Oif(8),
        A::Priority(7),
        A::PrefSource(ip("fd00::7").into()),
        A::Table(1000),
    ];
    let header = RouteHeader {
        address_family: AddressFamily::Inet6,
        table: 0,
        protocol: Protocol::Dhcp,
        flags: RouteFlags::from_bits_retain(4), // RTNH_F_ONLINK
        ..header(48, RouteScope::Universe)
    };
    assert_same(&read, &header, &attributes);
}

#[test]
fn a_route_with_all_metrics() {
    let route = NewRoute::new(net("10.9.0.0/16")).index(index(8));
    let route = route.mtu(1400).advmss(1360).lock(MetricLocks::MTU).window(3).rtt(4).rttvar(5).ssthresh(6).cwnd(7);
    let route = route.reordering(9).hoplimit(10).initcwnd(11).features(RouteFeatures::ECN).rto_min(13).initrwnd(14);
    let route = route.quickack(1).congctl(CongestionControl::new("bbr").unwrap()).fastopen_no_cookie(1);
    let read = added(route.prepend(), 0);
    let metrics = vec![
        M::Mtu(1400),
        M::Advmss(1360),
        M::Lock(4 | 1 << 7 | 1 << 13),
        M::Window(3),
        M::Rtt(4),
        M::RttVar(5),
        M::SsThresh(6),
        M::Cwnd(7),
        M::Reordering(9),
        M::Hoplimit(10),
        M::InitCwnd(11),
        M::Features(1),
        M::RtoMin(13),
        M::InitRwnd(14),
        M::QuickAck(1),
        M::CcAlgo("bbr".into()),
        M::FastopenNoCookie(1),
    ];
    let attributes = vec![A::Destination(ip("10.9.0.0").into()), A::Oif(8), A::Metrics(metrics)];
    assert_same(&read, &header(16, RouteScope::Link), &attributes);
}

fn hop(index: u32, hops: u8, flags: RouteNextHopFlags, attributes: Vec<A>) -> RouteNextHop {
    let mut hop = RouteNextHop::default();
    (hop.interface_index, hop.hops, hop.flags, hop.attributes) = (index, hops, flags, attributes);
    hop
}

#[test]
fn a_route_with_several_next_hops() {
    let hops = [
        NextHop::via(ip("10.0.0.1")).index(index(8)).weight(Weight::new(256).unwrap()),
        NextHop::via(ip("fd00::1")).index(index(9)).onlink(),
        NextHop::dev(index(10)),
        NextHop::via(ip("10.0.0.2")),
    ];
    let read = added(NewRoute::new(net("0.0.0.0/0")).next_hops(&hops), NLM_F_EXCL);
    let none = RouteNextHopFlags::empty();
    let via = |addr: &str| vec![A::Gateway(ip(addr).into())];
    let IpAddr::V6(v6) = ip("fd00::1") else { panic!() };
    let expected = vec![
        hop(8, 255, none, via("10.0.0.1")),
        hop(9, 0, RouteNextHopFlags::Onlink, vec![A::Via(netlink_packet_route::route::RouteVia::Inet6(v6))]),
        hop(10, 0, none, vec![]),
        hop(0, 0, none, via("10.0.0.2")),
    ];
    assert_same(&read, &header(0, RouteScope::Universe), &[A::MultiPath(expected)]);
}

#[test]
fn a_route_to_delete() {
    let route = NewRoute::new(net("10.9.0.0/16")).route_type(RouteType::Blackhole).mtu(1400);
    let (flags, RouteNetlinkMessage::DelRoute(read)) = parsed(&DeleteRoute::like(route)) else { panic!("no delete") };
    assert_eq!(flags, NLM_F_REQUEST | NLM_F_ACK);
    let header = RouteHeader { protocol: Protocol::Unspec, kind: Type::BlackHole, ..header(16, RouteScope::NoWhere) };
    let attributes = vec![A::Destination(ip("10.9.0.0").into()), A::Metrics(vec![M::Mtu(1400)])];
    assert_same(&read, &header, &attributes);
}

#[test]
fn a_list_of_a_table_and_link() {
    let list = ListRoutes::v6().table(Table(1000)).index(index(8));
    let (flags, RouteNetlinkMessage::GetRoute(read)) = parsed(&list) else { panic!("no list") };
    assert_eq!(flags, NLM_F_REQUEST | NLM_F_DUMP);
    let header = RouteHeader { address_family: AddressFamily::Inet6, ..RouteHeader::default() };
    assert_same(&read, &header, &[A::Table(1000), A::Oif(8)]);
}
