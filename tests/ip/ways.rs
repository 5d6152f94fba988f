//! Metrics of routes, several next hops, and the default link.

use crate::{ip, net, routes, with_addresses};
use sublink::addr::DeleteAddress;
use sublink::route::{
    CongestionControl, DeleteRoute, ListRoutes, MetricLocks, MetricsInfo, NextHop, RouteFeatures, RouteInfo, RouteType,
    Table, Weight,
};
use sublink::{IfIndex, NewAddress, NewRoute, Socket};
use sublink_tests::{Skip, kernel_test, socket, veth};

/// A table that nothing else writes to.
const OURS: Table = Table(1000);

const BOTH: [(&str, &str); 2] = [("10.9.0.0/16", "10.0.0.1"), ("fd09::/48", "fd00::1")];

fn list(destination: &str) -> ListRoutes {
    if net(destination).is_ipv4() { ListRoutes::v4() } else { ListRoutes::v6() }
}

fn to(destination: &str) -> NewRoute<'static> {
    NewRoute::new(net(destination)).table(OURS)
}

/// The routes of our table.
fn read(socket: &mut Socket, destination: &str) -> Vec<RouteInfo> {
    socket.snapshot(&list(destination).table(OURS)).expect("a list")
}

fn metrics(socket: &mut Socket, destination: &str) -> MetricsInfo {
    let [route] = &read(socket, destination)[..] else { panic!("one route to {destination}") };
    route.metrics.clone().unwrap_or_default()
}

#[kernel_test]
fn every_metric_is_read_back() -> Result<(), Skip> {
    let mut socket = socket();
    let p0 = with_addresses(&mut socket);
    for (destination, gateway) in BOTH {
        let locks = MetricLocks::MTU | MetricLocks::CWND;
        let route = to(destination).gateway(ip(gateway)).index(p0).mtu(1400).advmss(1360).lock(locks);
        let route = route.window(30_000).rtt(80).rttvar(40).ssthresh(9).cwnd(8).reordering(7).hoplimit(33).initcwnd(6);
        let route = route.features(RouteFeatures::ECN).rto_min(300).initrwnd(5).quickack(1).fastopen_no_cookie(1);
        socket.apply(&route.congctl(CongestionControl::new("reno").unwrap())).unwrap();
        let read = metrics(&mut socket, destination);
        let locks = locks | MetricLocks::RTO_MIN;
        assert_eq!(
            (read.mtu, read.advmss, read.lock, read.window),
            (Some(1400), Some(1360), Some(locks), Some(30_000))
        );
        assert_eq!((read.rtt, read.rttvar, read.ssthresh, read.cwnd), (Some(80), Some(40), Some(9), Some(8)));
        assert_eq!((read.reordering, read.hoplimit, read.initcwnd), (Some(7), Some(33), Some(6)));
        assert_eq!((read.features, read.rto_min, read.initrwnd), (Some(RouteFeatures::ECN), Some(300), Some(5)));
        assert_eq!((read.quickack, read.fastopen_no_cookie), (Some(1), Some(1)));
        assert_eq!(read.congctl.as_deref(), Some(&b"reno"[..]));
    }
    Ok(())
}

#[kernel_test]
fn what_the_kernel_makes_of_large_metrics_is_what_is_sent() -> Result<(), Skip> {
    let mut socket = socket();
    let p0 = with_addresses(&mut socket);
    for (destination, gateway) in BOTH {
        let route = to(destination).gateway(ip(gateway)).index(p0);
        let large = route.mtu(u32::MAX).advmss(u32::MAX).hoplimit(u32::MAX);
        socket.apply(&large).unwrap();
        let read = metrics(&mut socket, destination);
        assert_eq!((read.mtu, read.advmss, read.hoplimit), (Some(65_520), Some(65_495), Some(255)));
        socket.apply(&DeleteRoute::like(large)).unwrap();
        socket.apply(&route.mtu(0).hoplimit(0)).unwrap();
        assert_eq!(metrics(&mut socket, destination), MetricsInfo::default(), "what is 0 is not reported");
    }
    Ok(())
}

/// The kernel has words for it since Linux 5.0.
#[kernel_test]
fn refused_metrics_are_named() -> Result<(), Skip> {
    let mut socket = socket();
    let p0 = with_addresses(&mut socket);
    for (destination, gateway) in BOTH {
        let route = to(destination).gateway(ip(gateway)).index(p0);
        let unknown = route.congctl(CongestionControl::new("nosuch").unwrap());
        let error = socket.apply(&unknown).unwrap_err().to_string();
        let words = format!("add route {destination} via {gateway} dev p0: EINVAL: Unknown tcp congestion algorithm");
        assert!(error.starts_with(&words), "{error}");
        let error = socket.apply(&route.features(RouteFeatures::from(1 << 7))).unwrap_err().to_string();
        assert!(error.contains("EINVAL: Unknown flag set in feature mask in metrics attribute"), "{error}");
    }
    Ok(())
}

/// IPv4 compares metrics where a route is deleted, IPv6 does not.
#[kernel_test]
fn routes_that_differ_in_metrics() -> Result<(), Skip> {
    let mut socket = socket();
    let p0 = with_addresses(&mut socket);
    for (destination, gateway) in BOTH {
        let route = to(destination).gateway(ip(gateway)).index(p0);
        socket.apply(&route.mtu(1400)).unwrap();
        let other = DeleteRoute::like(route.mtu(1300));
        if net(destination).is_ipv4() {
            socket.apply(&route.mtu(1300).prepend()).unwrap();
            socket.apply(&DeleteRoute::like(route.mtu(1400))).unwrap();
            assert_eq!(metrics(&mut socket, destination).mtu, Some(1300));
        } else {
            assert!(socket.apply(&route.mtu(1300).prepend()).unwrap_err().is_already_there());
        }
        socket.apply(&other).unwrap();
        assert_eq!(routes(&mut socket, list(destination).table(OURS)), [""; 0]);
    }
    Ok(())
}

/// `p0` and `q0`, each with an address of either family.
fn two_links(socket: &mut Socket) -> (IfIndex, IfIndex) {
    let (p0, q0) = (with_addresses(socket), veth(socket, "q0", "q1"));
    socket.apply(&NewAddress::new(q0, net("10.1.0.7/24"))).expect("an address");
    socket.apply(&NewAddress::new(q0, net("fd01::7/64")).nodad()).expect("an address");
    (p0, q0)
}

fn weight(weight: u16) -> Weight {
    Weight::new(weight).expect("a weight")
}

#[kernel_test]
fn next_hops_are_added_read_and_deleted() -> Result<(), Skip> {
    let mut socket = socket();
    let (p0, q0) = two_links(&mut socket);
    for (destination, on_p0, on_q0) in [("10.9.0.0/16", "10.0.0.1", "10.1.0.1"), ("fd09::/48", "fd00::1", "fd01::1")] {
        let first = NextHop::via(ip(on_p0)).index(p0).weight(weight(256));
        let (second, far) = (NextHop::via(ip(on_q0)), NextHop::via(ip("fd77::1")).index(q0).onlink());
        let hops = [first, second.weight(weight(3)), far];
        let route = to(destination).metric(50).next_hops(&hops).mtu(1400);
        socket.apply(&route).unwrap();
        let found = read(&mut socket, destination).remove(0);
        let ways = [first, second.index(q0).weight(weight(3)), far];
        assert_eq!(found.next_hops.as_deref(), Some(&ways[..]), "{destination}");
        assert_eq!((found.metric, found.link(), found.metrics.unwrap().mtu), (Some(50), Some(p0), Some(1400)));

        let other = [first, NextHop::via(ip(on_q0)).weight(weight(3))];
        let error = socket.apply(&route).unwrap_err();
        assert!(error.is_already_there(), "{error}");
        assert!(error.to_string().starts_with(&format!("add route {destination} by 3 next hops: EEXIST")), "{error}");
        let delete_others = socket.apply(&DeleteRoute::like(route.next_hops(&other)));
        if net(destination).is_ipv4() {
            assert!(delete_others.unwrap_err().is_no_process(), "it has other next hops");
        } else {
            delete_others.unwrap();
            assert_eq!(read(&mut socket, destination)[0].gateway, Some(ip("fd77::1")), "IPv6 deletes one by one");
            socket.apply(&route.next_hops(&other).append()).unwrap();
        }
        socket.apply(&DeleteRoute::like(route)).unwrap();
        assert_eq!(routes(&mut socket, list(destination).table(OURS)), [""; 0]);
    }
    Ok(())
}

#[kernel_test]
fn a_next_hop_may_be_a_link_alone() -> Result<(), Skip> {
    let mut socket = socket();
    let (p0, q0) = two_links(&mut socket);
    let hops = [NextHop::dev(p0), NextHop::dev(q0).weight(weight(2))];
    socket.apply(&to("10.9.0.0/16").next_hops(&hops)).unwrap();
    assert_eq!(read(&mut socket, "10.9.0.0/16").remove(0).next_hops.as_deref(), Some(&hops[..]));
    Ok(())
}

/// One next hop is reported as a gateway and a link.
#[kernel_test]
fn a_list_of_one_next_hop_is_a_route_by_that() -> Result<(), Skip> {
    let mut socket = socket();
    let p0 = with_addresses(&mut socket);
    for (destination, gateway) in BOTH {
        let hop = [NextHop::via(ip(gateway)).index(p0)];
        socket.apply(&to(destination).next_hops(&hop)).unwrap();
        let found = read(&mut socket, destination).remove(0);
        assert_eq!((found.gateway, found.index, found.next_hops), (Some(ip(gateway)), Some(p0), None));
        let again = socket.apply(&to(destination).gateway(ip(gateway)).index(p0)).unwrap_err();
        assert!(again.is_already_there(), "{again}");
    }
    Ok(())
}

/// A hundred fill more than a small buffer.
#[kernel_test]
fn many_next_hops_are_one_route() -> Result<(), Skip> {
    let mut socket = socket();
    let p0 = with_addresses(&mut socket);
    for (destination, network) in [("10.9.0.0/16", "10.0.0."), ("fd09::/48", "fd00::")] {
        let hops: Vec<_> = (10..110).map(|last| NextHop::via(ip(&format!("{network}{last}"))).index(p0)).collect();
        socket.apply(&to(destination).next_hops(&hops)).unwrap();
        assert_eq!(read(&mut socket, destination).remove(0).next_hops, Some(hops));
    }
    Ok(())
}

/// In IPv6 routes without a gateway share no traffic: prepended and appended ones are routes of their own.
#[kernel_test]
fn ipv6_routes_without_gateways_stay_separate() -> Result<(), Skip> {
    let mut socket = socket();
    let (p0, q0) = two_links(&mut socket);
    let by = |index| to("fd09::/48").index(index);
    socket.apply(&by(p0)).unwrap();
    let error = socket.apply(&by(q0)).unwrap_err();
    assert!(error.is_already_there(), "{error}");
    socket.apply(&by(q0).append()).unwrap();
    let ways = |socket: &mut Socket| read(socket, "fd09::/48").iter().map(|route| route.index).collect::<Vec<_>>();
    assert_eq!(ways(&mut socket), [Some(p0), Some(q0)]);
    socket.apply(&DeleteRoute::like(by(q0))).unwrap();
    socket.apply(&by(q0).prepend()).unwrap();
    assert_eq!(ways(&mut socket), [Some(p0), Some(q0)], "it stands behind all the same");
    assert!(socket.apply(&by(q0).prepend()).unwrap_err().is_already_there());
    Ok(())
}

/// The lower metric of both families counts, whatever its table's other routes say.
#[kernel_test]
fn the_default_link_is_that_of_the_lowest_metric() -> Result<(), Skip> {
    let mut socket = socket();
    assert_eq!(socket.default_link().unwrap(), None);
    let (p0, q0) = two_links(&mut socket);
    assert_eq!(socket.default_link().unwrap(), None, "networks are no default routes");
    let everywhere = |any: &str| NewRoute::new(net(any));
    socket.apply(&everywhere("0.0.0.0/0").route_type(RouteType::Unreachable).metric(1)).unwrap();
    socket.apply(&everywhere("0.0.0.0/0").index(q0).table(Table(77))).unwrap();
    assert_eq!(socket.default_link().unwrap(), None, "what drops packets leads nowhere, and other tables do not count");

    socket.apply(&NewRoute::default_via(ip("fd01::1")).index(q0)).unwrap();
    assert_eq!(socket.default_link().unwrap(), Some(q0), "IPv6 alone, of metric 1024");
    socket.apply(&NewRoute::default_via(ip("10.0.0.1")).index(p0).metric(1024)).unwrap();
    assert_eq!(socket.default_link().unwrap(), Some(p0), "IPv4 comes first where they are equal");
    socket.apply(&NewRoute::default_via(ip("fd01::2")).index(q0).metric(1000)).unwrap();
    assert_eq!(socket.default_link().unwrap(), Some(q0), "the lower one");
    socket.apply(&NewRoute::default_via(ip("10.0.0.2")).index(p0)).unwrap();
    assert_eq!(socket.default_link().unwrap(), Some(p0), "none is 0 in IPv4");
    socket.delete_address(&DeleteAddress::new(p0, net("10.0.0.7/24"))).unwrap();
    assert_eq!(socket.default_link().unwrap(), Some(q0), "its routes went with its address");
    Ok(())
}

#[kernel_test]
fn the_default_link_of_several_next_hops_is_the_first_ones() -> Result<(), Skip> {
    let mut socket = socket();
    let (p0, q0) = two_links(&mut socket);
    let hops = [NextHop::via(ip("10.1.0.1")).index(q0), NextHop::via(ip("10.0.0.1")).index(p0)];
    socket.apply(&NewRoute::new(net("0.0.0.0/0")).next_hops(&hops)).unwrap();
    assert_eq!(socket.default_link().unwrap(), Some(q0));
    Ok(())
}
