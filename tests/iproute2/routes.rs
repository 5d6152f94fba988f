//! Routes: what we add, `ip` shows as its own; what `ip` adds, we read as our own.

use super::compare;
use super::host::{ip, needs_ip};
use crate::common::{NamedTest, socket, veth};
use serde_json::Value;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use sublink::route::{
    CongestionControl, DeleteRoute, ListRoutes, MetricLocks, NextHop, RouteFeatures, RouteInfo, RouteType, Table,
    Weight,
};
use sublink::value::{RouteProtocol, Scope};
use sublink::{IfIndex, IpNetwork, Netns, NewAddress, NewRoute, Socket};

/// A route, or some, made in two ways.
struct Row {
    /// What it shows, as a test's name.
    name: &'static str,
    /// By `ip route …`, with `;` between commands.
    ip: &'static str,
    /// By us, with the indexes of `p0` and `q0`.
    ours: fn(&mut Socket, IfIndex, IfIndex) -> sublink::Result<()>,
    /// A part of what `ip` must show of the first route, so that a row of which both sides do nothing fails.
    shows: &'static str,
}

/// What there is of routes besides those that the kernel makes.
struct Seen {
    shown: Value,
    read: Vec<RouteInfo>,
}

fn at(addr: &str) -> IpAddr {
    addr.parse().expect("an address")
}

fn to(network: &str) -> NewRoute<'static> {
    NewRoute::new(network.parse::<IpNetwork>().expect("a network"))
}

fn weight(weight: u16) -> Weight {
    Weight::new(weight).expect("a weight")
}

const ROWS: &[Row] = &[
    Row {
        name: "route_default",
        ip: "add default via 10.0.0.1 dev p0 metric 99",
        ours: |socket, p0, _| socket.apply(&NewRoute::default_via(at("10.0.0.1")).index(p0).metric(99)),
        shows: r#"{"dst": "default", "gateway": "10.0.0.1", "dev": "p0", "metric": 99, "protocol": "boot"}"#,
    },
    Row {
        name: "route_on_the_link",
        ip: "add 10.9.0.0/16 dev p0 proto static src 10.0.0.7",
        ours: |socket, p0, _| {
            socket.apply(&to("10.9.0.0/16").index(p0).protocol(RouteProtocol::STATIC).source(at("10.0.0.7")))
        },
        shows: r#"{"dst": "10.9.0.0/16", "scope": "link", "prefsrc": "10.0.0.7", "protocol": "static"}"#,
    },
    Row {
        name: "route_of_another_scope",
        ip: "add 10.9.0.0/16 dev p0 scope host",
        ours: |socket, p0, _| socket.apply(&to("10.9.0.0/16").index(p0).scope(Scope::HOST)),
        shows: r#"{"scope": "host"}"#,
    },
    Row {
        name: "route_onlink",
        ip: "add 10.9.0.0/16 via 10.5.0.1 dev p0 onlink",
        ours: |socket, p0, _| socket.apply(&to("10.9.0.0/16").gateway(at("10.5.0.1")).index(p0).onlink()),
        shows: r#"{"flags": ["onlink"]}"#,
    },
    Row {
        name: "route_that_drops_packets",
        ip: "add prohibit 10.9.0.0/16; add blackhole fd09::/48",
        ours: |socket, _, _| {
            socket.apply(&to("10.9.0.0/16").route_type(RouteType::Prohibit))?;
            socket.apply(&to("fd09::/48").route_type(RouteType::Blackhole))
        },
        shows: r#"{"type": "prohibit", "dst": "10.9.0.0/16"}"#,
    },
    Row {
        name: "route_by_another_family",
        ip: "add 10.9.0.0/16 via inet6 fd00::1 dev p0",
        ours: |socket, p0, _| socket.apply(&to("10.9.0.0/16").gateway(at("fd00::1")).index(p0)),
        shows: r#"{"via": {"family": "inet6", "host": "fd00::1"}}"#,
    },
    Row {
        name: "route_mtu_and_advmss",
        ip: "add 10.9.0.0/16 via 10.0.0.1 mtu 1400 advmss 1360",
        ours: |socket, _, _| socket.apply(&to("10.9.0.0/16").gateway(at("10.0.0.1")).mtu(1400).advmss(1360)),
        shows: r#"{"metrics": [{"mtu": 1400, "advmss": 1360}]}"#,
    },
    Row {
        name: "route_with_a_locked_mtu",
        ip: "add fd09::/48 via fd00::1 dev p0 mtu lock 1400",
        ours: |socket, p0, _| {
            let route = to("fd09::/48").gateway(at("fd00::1")).index(p0);
            socket.apply(&route.mtu(1400).lock(MetricLocks::MTU))
        },
        shows: r#"{"dst": "fd09::/48"}"#,
    },
    Row {
        name: "route_with_all_metrics",
        ip: "add 10.9.0.0/16 via 10.0.0.1 mtu 1400 advmss 1360 window 30000 rtt 10ms rttvar 10ms ssthresh 9 cwnd lock 8 \
             reordering 7 hoplimit 33 initcwnd 6 features ecn rto_min 300ms initrwnd 5 quickack 1 congctl reno \
             fastopen_no_cookie 1",
        ours: |socket, _, _| {
            let route = to("10.9.0.0/16").gateway(at("10.0.0.1")).mtu(1400).advmss(1360).window(30_000);
            let route = route.rtt(80).rttvar(40).ssthresh(9).cwnd(8).reordering(7);
            let route = route.hoplimit(33).initcwnd(6).features(RouteFeatures::ECN).rto_min(300).initrwnd(5);
            let reno = CongestionControl::new("reno").expect("a name");
            socket.apply(&route.quickack(1).congctl(reno).fastopen_no_cookie(1))
        },
        shows: r#"{"dst": "10.9.0.0/16", "gateway": "10.0.0.1"}"#,
    },
    Row {
        name: "route_by_several_next_hops",
        ip: "add 10.9.0.0/16 metric 5 nexthop via 10.0.0.1 dev p0 weight 256 nexthop via inet6 fd01::1 dev q0 \
             nexthop via 10.77.0.1 dev q0 onlink weight 3",
        ours: |socket, p0, q0| {
            let hops = [
                NextHop::via(at("10.0.0.1")).index(p0).weight(weight(256)),
                NextHop::via(at("fd01::1")).index(q0),
                NextHop::via(at("10.77.0.1")).index(q0).onlink().weight(weight(3)),
            ];
            socket.apply(&to("10.9.0.0/16").metric(5).next_hops(&hops))
        },
        shows: r#"{"dst": "10.9.0.0/16", "metric": 5}"#,
    },
    Row {
        name: "route_by_several_next_hops_of_ipv6",
        ip: "add fd09::/48 mtu 1400 nexthop via fd00::1 dev p0 weight 2 nexthop via fd01::1 dev q0",
        ours: |socket, p0, q0| {
            let hops = [NextHop::via(at("fd00::1")).index(p0).weight(weight(2)), NextHop::via(at("fd01::1")).index(q0)];
            socket.apply(&to("fd09::/48").mtu(1400).next_hops(&hops))
        },
        shows: r#"{"dst": "fd09::/48", "metrics": [{"mtu": 1400}]}"#,
    },
    Row {
        name: "route_prepended_and_appended",
        ip: "add default via 10.0.0.1; prepend default via 10.0.0.2; append default via 10.0.0.3; \
             add default via fd00::1; prepend default via fd00::2; append default via fd00::3",
        ours: |socket, _, _| {
            for [first, before, behind] in [["10.0.0.1", "10.0.0.2", "10.0.0.3"], ["fd00::1", "fd00::2", "fd00::3"]] {
                socket.apply(&NewRoute::default_via(at(first)))?;
                socket.apply(&NewRoute::default_via(at(before)).prepend())?;
                socket.apply(&NewRoute::default_via(at(behind)).append())?;
            }
            Ok(())
        },
        shows: r#"{"gateway": "10.0.0.2"}"#,
    },
    Row {
        name: "route_replaced_and_deleted",
        ip: "add 10.8.0.0/16 via 10.0.0.1; add 10.9.0.0/16 via 10.0.0.1; replace 10.9.0.0/16 via 10.0.0.2; \
             del 10.8.0.0/16",
        ours: |socket, _, _| {
            let (one, other) = (to("10.8.0.0/16"), to("10.9.0.0/16"));
            socket.apply(&one.gateway(at("10.0.0.1")))?;
            socket.apply(&other.gateway(at("10.0.0.1")))?;
            socket.apply(&other.gateway(at("10.0.0.2")).replace())?;
            socket.apply(&DeleteRoute::like(one))
        },
        shows: r#"{"dst": "10.9.0.0/16", "gateway": "10.0.0.2"}"#,
    },
    Row {
        name: "route_deleted_by_its_next_hops",
        ip: "add 10.9.0.0/16 nexthop via 10.0.0.1 nexthop via 10.1.0.1; \
             append 10.9.0.0/16 nexthop via 10.0.0.2 nexthop via 10.1.0.2; \
             del 10.9.0.0/16 nexthop via 10.0.0.1 nexthop via 10.1.0.1",
        ours: |socket, _, _| {
            let first = ["10.0.0.1", "10.1.0.1"].map(|gateway| NextHop::via(at(gateway)));
            let second = ["10.0.0.2", "10.1.0.2"].map(|gateway| NextHop::via(at(gateway)));
            let route = to("10.9.0.0/16");
            socket.apply(&route.next_hops(&first))?;
            socket.apply(&route.next_hops(&second).append())?;
            socket.apply(&DeleteRoute::like(route.next_hops(&first)))
        },
        shows: r#"{"dst": "10.9.0.0/16"}"#,
    },
];

/// Two tests of each row.
pub fn tests() -> impl Iterator<Item = NamedTest> {
    let twins = ROWS.iter().map(|row| (row, Arc::new(OnceLock::new())));
    twins.flat_map(|(row, twins)| {
        let ours = trial("set_by_us_read_by_ip", row, Arc::clone(&twins), |row, [ours, theirs]| {
            compare::same_json(&ours.shown, &theirs.shown);
            compare::shows(&ours.shown[0], row.shows);
        });
        let theirs = trial("set_by_ip_read_by_us", row, twins, |_, [ours, theirs]| {
            assert!(!ours.read.is_empty());
            assert_eq!(ours.read, theirs.read);
        });
        [ours, theirs]
    })
}

type Check = fn(&Row, &[Seen; 2]);

fn trial(direction: &str, row: &'static Row, twins: Arc<OnceLock<[Seen; 2]>>, check: Check) -> NamedTest {
    let test = move || {
        needs_ip()?;
        check(row, twins.get_or_init(|| make(row)));
        Ok(())
    };
    (format!("{}::{direction}", row.name), Box::new(test))
}

/// Ours, then `ip`'s.
fn make(row: &'static Row) -> [Seen; 2] {
    let by_us = |socket: &mut Socket, p0, q0| {
        (row.ours)(socket, p0, q0).unwrap_or_else(|error| panic!("{}, by us: {error}", row.name));
    };
    let by_ip = |_: &mut Socket, _, _| {
        row.ip.split(';').for_each(|command| _ = ip(&format!("route {}", command.trim())));
    };
    [in_a_fresh_namespace(by_us), in_a_fresh_namespace(by_ip)]
}

fn in_a_fresh_namespace(work: impl FnOnce(&mut Socket, IfIndex, IfIndex) + Send) -> Seen {
    let namespace = Netns::create().expect("a namespace");
    let seen = namespace.run(|| {
        let mut socket = socket();
        let (p0, q0) = (veth(&mut socket, "p0", "p1"), veth(&mut socket, "q0", "q1"));
        for (link, addr) in [(p0, "10.0.0.7/24"), (p0, "fd00::7/64"), (q0, "10.1.0.7/24"), (q0, "fd01::7/64")] {
            let address = NewAddress::new(link, addr.parse().expect("a network"));
            socket.apply(&address.nodad()).expect("an address");
        }
        work(&mut socket, p0, q0);
        Seen { shown: show(), read: read(&mut socket) }
    });
    seen.expect("its thread")
}

/// The main table of both families by `ip`, without the kernel's own routes.
fn show() -> Value {
    let of = |family: &str| {
        let shown: Value = serde_json::from_str(&ip(&format!("{family} -d -j route show"))).expect("JSON");
        shown.as_array().expect("a list").clone()
    };
    let all = [of("-4"), of("-6")].concat();
    all.into_iter().filter(|route| route["protocol"] != "kernel").collect()
}

fn read(socket: &mut Socket) -> Vec<RouteInfo> {
    let lists = [ListRoutes::v4(), ListRoutes::v6()].map(|list| list.table(Table::MAIN));
    let routes = lists.iter().flat_map(|list| socket.snapshot(list).expect("routes"));
    routes.filter(|route| route.protocol != RouteProtocol::KERNEL).collect()
}
