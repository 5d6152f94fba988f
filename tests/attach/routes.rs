//! Routes of an endpoint that do not go with its link, what the default route says, and what a check finds of routes.

use crate::common::{Skip, parent, socket, veth};
use crate::help::{Pod, bridge_endpoint, ip, net};
use sublink::endpoint::{Detach, Difference};
use sublink::error::Undo;
use sublink::route::{
    CongestionControl, DeleteRoute, ListRoutes, MetricLocks, NextHop, RouteFeatures, RouteInfo, RouteType, Table,
    Weight,
};
use sublink::value::RouteProtocol;
use sublink::{Endpoint, IfIndex, NewAddress, NewRoute, Socket};
use sublink_tests::kernel_test;

/// All routes but those that the kernel makes for addresses, when it gets to it.
fn routes(socket: &mut Socket) -> Vec<RouteInfo> {
    let mut routes = socket.snapshot(&ListRoutes::v4()).expect("routes");
    routes.extend(socket.snapshot(&ListRoutes::v6()).expect("routes"));
    routes.retain(|route| route.protocol != RouteProtocol::KERNEL);
    routes
}

/// Another link of the container's, with an address of either family.
fn other_link(pod: &mut Pod, this: &str, that: &str, last: u8) -> IfIndex {
    let index = veth(pod.inside(), this, that);
    for addr in [format!("10.60.0.{last}/24"), format!("fd60::{last}/64")] {
        pod.inside().apply(&NewAddress::new(index, net(&addr)).nodad()).expect("an address");
    }
    index
}

const BOTH: [(&str, &str); 2] = [("10.9.0.0/16", "10.60.0.1"), ("fd09::/48", "fd60::1")];

fn by_the_other((destination, gateway): (&str, &str)) -> NewRoute<'static> {
    NewRoute::new(net(destination)).gateway(ip(gateway))
}

/// An endpoint whose last route is refused.
fn refused(endpoint: Endpoint<'_>) -> Endpoint<'_> {
    endpoint.route(NewRoute::new(net("10.66.0.0/16")).gateway(ip("10.8.0.1")))
}

#[kernel_test]
pub fn a_route_leaves_by_any_link() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let q0 = other_link(&mut pod, "q0", "q1", 7);
    let mut endpoint = bridge_endpoint(parent(&mut host));
    for both in BOTH {
        endpoint = endpoint.route_by_any_link(by_the_other(both));
    }
    let own = NewRoute::new(net("10.8.0.0/16")).gateway(ip("10.0.50.2"));
    let endpoint = endpoint.route_by_any_link(own);
    let attached = pod.attach(&mut host, &endpoint).unwrap();
    assert_eq!(endpoint.check(&attached, &mut pod.sandbox).unwrap(), []);
    let link_of = |pod: &mut Pod, destination| {
        let all = routes(pod.inside());
        all.iter().find(|route| route.destination == Some(net(destination))).map(|route| route.link().unwrap())
    };
    assert_eq!(BOTH.map(|(destination, _)| link_of(&mut pod, destination)), [Some(q0); 2]);
    assert_eq!(link_of(&mut pod, "10.8.0.0/16"), Some(attached.index), "or by its own");
    attached.detach(&mut host, &mut pod.sandbox, &Detach::new()).unwrap();
    assert_eq!(BOTH.map(|(destination, _)| link_of(&mut pod, destination)), [Some(q0); 2], "they stay");
    assert_eq!(link_of(&mut pod, "10.8.0.0/16"), None);
    Ok(())
}

#[kernel_test]
pub fn routes_by_other_links_are_undone() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let q0 = other_link(&mut pod, "q0", "q1", 7);
    let good = bridge_endpoint(parent(&mut host));
    let before = routes(pod.inside());
    for both @ (_, gateway) in BOTH {
        let is_v4 = ip(gateway).is_ipv4();
        let own_gateway = ip(if is_v4 { "10.0.50.2" } else { "fd50::2" });
        let two = [NextHop::via(ip(gateway)), NextHop::via(own_gateway)];
        let heavy = [NextHop::via(ip(gateway)).weight(Weight::new(7).unwrap()), NextHop::via(own_gateway)];
        let route = by_the_other(both);
        let plain = NewRoute::new(net(both.0));
        let rows = [
            good.clone().route_by_any_link(route),
            good.clone().route_by_any_link(route.metric(7).table(Table(77)).mtu(1300).protocol(RouteProtocol::STATIC)),
            good.clone().route_by_any_link(route.prepend()).route_by_any_link(route.metric(9).append()),
            good.clone().route(route.index(q0)),
            good.clone().route(plain.index(q0)),
            good.clone().route(plain.next_hops(&two)),
            good.clone().route_by_any_link(plain.next_hops(&heavy).metric(3).mtu(1400)),
            good.clone().route(plain.route_type(RouteType::Blackhole)),
            good.clone().route_by_any_link(plain.route_type(RouteType::Prohibit).metric(8)),
        ];
        for endpoint in rows {
            let attached = pod.attach(&mut host, &endpoint).unwrap();
            attached.detach(&mut host, &mut pod.sandbox, &Detach::new()).unwrap();
            for left in routes(pod.inside()).iter().filter(|route| !before.contains(route)) {
                let drop = NewRoute::new(left.destination.unwrap()).metric(left.metric.unwrap_or(0));
                let drop = drop.table(left.table.unwrap()).route_type(left.route_type);
                pod.inside().apply(&DeleteRoute::like(drop)).unwrap();
            }
            assert_eq!(routes(pod.inside()), before, "the row begins with nothing");

            let error = pod.attach(&mut host, &refused(endpoint.clone())).unwrap_err();
            assert!(
                error.to_string().starts_with("add route 10.66.0.0/16 via 10.8.0.1 dev eth0: ENETUNREACH"),
                "{error}"
            );
            assert_eq!(error.undo(), Some(Undo::Clean));
            assert_eq!(routes(pod.inside()), before, "{endpoint:?}");
        }
    }
    Ok(())
}

/// Each is known from ours by one thing only.
#[kernel_test]
pub fn routes_of_others_stay() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let (q0, r0) = (other_link(&mut pod, "q0", "q1", 7), other_link(&mut pod, "r0", "r1", 8));
    let good = bridge_endpoint(parent(&mut host));
    for both @ (_, gateway) in BOTH {
        let is_v4 = ip(gateway).is_ipv4();
        let another = ip(if is_v4 { "10.60.0.2" } else { "fd60::2" });
        let plain = NewRoute::new(net(both.0));
        let (ours, blackhole) = (by_the_other(both), plain.route_type(RouteType::Blackhole));
        let mut rows = vec![
            (ours, ours.index(q0)),
            (ours.prepend(), ours.index(r0)),
            (ours.prepend(), ours.index(q0).metric(2000)),
            (ours.metric(5), ours.index(q0)),
            (ours.metric(5), ours.index(q0).metric(4)),
            (ours.table(Table(77)), ours.index(q0)),
            (ours.prepend(), ours.gateway(another).index(q0)),
            (ours.index(q0).prepend(), ours.index(r0)),
            (ours.index(q0), ours.index(q0)),
            (blackhole, blackhole),
            (blackhole, blackhole.metric(2000)),
            (blackhole, ours.index(q0).metric(4)),
            (blackhole.metric(8), blackhole.metric(7)),
            (blackhole.metric(8), ours.index(q0).metric(7)),
        ];
        if is_v4 {
            rows.extend([
                (ours.prepend(), ours.index(q0).protocol(RouteProtocol::STATIC)),
                (ours.prepend(), ours.index(q0).source(ip("10.60.0.7"))),
                (ours.prepend(), ours.index(q0).mtu(1400)),
                (ours.prepend().mtu(1300), ours.index(q0).mtu(1400)),
                (ours.append(), ours.index(r0)),
                (blackhole, blackhole.protocol(RouteProtocol::STATIC).metric(3)),
            ]);
        } else {
            rows.push((blackhole, blackhole.metric(5)));
        }
        for (ours, theirs) in rows {
            pod.inside().apply(&theirs).unwrap();
            let before = routes(pod.inside());
            for endpoint in [
                good.clone().route_by_any_link(ours),
                good.clone().route(ours.maybe(ours_link(&ours, q0), NewRoute::index)),
            ] {
                let error = pod.attach(&mut host, &refused(endpoint)).unwrap_err();
                assert_eq!(error.undo(), Some(Undo::Clean), "{error}");
                assert_eq!(routes(pod.inside()), before, "{ours:?} beside {theirs:?}");
            }
            pod.inside().apply(&DeleteRoute::like(theirs)).unwrap();
        }
    }
    Ok(())
}

/// A route that drops packets has no link.
fn ours_link(route: &NewRoute<'_>, link: IfIndex) -> Option<IfIndex> {
    let drops = *route == route.route_type(RouteType::Blackhole);
    Some(link).filter(|_| !drops)
}

#[kernel_test]
pub fn the_default_route_says_who_made_it() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let plain = bridge_endpoint(parent(&mut host));
    let endpoint = plain.clone().protocol(RouteProtocol::STATIC).metric(99);
    let attached = pod.attach(&mut host, &endpoint).unwrap();
    for list in [ListRoutes::v4(), ListRoutes::v6()] {
        let route = pod.inside().default_route(&list.table(Table::MAIN)).unwrap().unwrap();
        assert_eq!((route.protocol, route.metric), (RouteProtocol::STATIC, Some(99)));
    }
    assert_eq!(endpoint.check(&attached, &mut pod.sandbox).unwrap(), []);
    let other = endpoint.clone().protocol(RouteProtocol::DHCP);
    let missing = other.check(&attached, &mut pod.sandbox).unwrap();
    assert!(matches!(missing[..], [Difference::Route { .. }, Difference::Route { .. }]), "{missing:?}");
    assert_eq!(plain.metric(99).check(&attached, &mut pod.sandbox).unwrap(), [], "who made it was not asked for");
    Ok(())
}

/// What is changed of a route's metrics is said by the metric's name.
#[kernel_test]
pub fn metrics_are_compared() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let plain = bridge_endpoint(parent(&mut host));
    for (destination, gateway) in [("10.9.0.0/16", "10.0.50.2"), ("fd09::/48", "fd50::2")] {
        let route = NewRoute::new(net(destination)).gateway(ip(gateway));
        let asked = route.mtu(1400).advmss(u32::MAX).lock(MetricLocks::MTU).features(RouteFeatures::ECN).quickack(0);
        let endpoint = plain.clone().route(asked.congctl(CongestionControl::new("reno").unwrap()));
        let attached = pod.attach(&mut host, &endpoint).unwrap();
        assert_eq!(endpoint.check(&attached, &mut pod.sandbox).unwrap(), []);
        let mut after = |found: NewRoute<'_>| {
            let index = attached.index;
            pod.inside().apply(&DeleteRoute::like(route.index(index))).unwrap();
            pod.inside().apply(&found.index(index)).unwrap();
            let differences = endpoint.check(&attached, &mut pod.sandbox).unwrap();
            differences.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let reno = asked.congctl(CongestionControl::new("reno").unwrap());
        let of = |metric: &str, found: &str, asked: &str| {
            [format!("{metric} of the route to {destination} is {found}, not {asked}")]
        };
        assert_eq!(after(reno.mtu(1300)), of("RTAX_MTU", "1300", "1400"));
        assert_eq!(after(reno.advmss(1000)), of("RTAX_ADVMSS", "1000", "65495"));
        assert_eq!(after(reno.features(RouteFeatures::NONE)), of("RTAX_FEATURES", "none", "<ecn>"));
        assert_eq!(after(asked), of("RTAX_CC_ALGO", "none", "reno"));
        assert_eq!(after(reno.rtt(80)), [""; 0], "what was not asked for");
        assert_eq!(after(route).len(), 5);
        attached.detach(&mut host, &mut pod.sandbox, &Detach::new()).unwrap();
    }
    Ok(())
}

#[kernel_test]
pub fn next_hops_are_compared() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let q0 = other_link(&mut pod, "q0", "q1", 7);
    let plain = bridge_endpoint(parent(&mut host));
    for (destination, ours, theirs) in [("10.9.0.0/16", "10.0.50.2", "10.60.0.1"), ("fd09::/48", "fd50::2", "fd60::1")]
    {
        let [own, other] = [ours, theirs].map(|gateway| NextHop::via(ip(gateway)));
        let weight = |weight| Weight::new(weight).unwrap();
        let hops = [own, other.weight(weight(3)).index(q0)];
        let route = NewRoute::new(net(destination));
        let endpoint = plain.clone().route(route.next_hops(&hops));
        let attached = pod.attach(&mut host, &endpoint).unwrap();
        assert_eq!(endpoint.check(&attached, &mut pod.sandbox).unwrap(), []);
        for found in [&[own, other][..], &[own], &[other.weight(weight(3)), own.weight(weight(2))]] {
            pod.inside().apply(&DeleteRoute::like(route)).unwrap();
            pod.inside().apply(&route.next_hops(found)).unwrap();
            let missing = endpoint.check(&attached, &mut pod.sandbox).unwrap();
            assert!(matches!(missing[..], [Difference::Route { .. }]), "{missing:?}");
        }
        pod.inside().apply(&DeleteRoute::like(route)).unwrap();
        attached.detach(&mut host, &mut pod.sandbox, &Detach::new()).unwrap();
    }
    Ok(())
}
