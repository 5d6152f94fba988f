//! The default route passes from one network to another.

use crate::common::{Skip, name, parent, socket};
use crate::help::{Pod, bridge_endpoint, ip, net};
use netlink_sys::protocols::NETLINK_ROUTE;
use nix::sys::socket::{setsockopt, sockopt::ReceiveTimeout};
use nix::sys::time::{TimeVal, TimeValLike};
use std::os::fd::AsFd;
use sublink::endpoint::Detach;
use sublink::route::{DeleteRoute, ListRoutes, RouteInfo, RouteType, RouteView, Table};
use sublink::wire::Messages;
use sublink::{Attached, Endpoint, MacvlanMode, NewLink, NewRoute};
use sublink_tests::kernel_test;

/// What is in a container on two networks, of which the first has the default routes.
struct Both {
    pod: Pod,
    attached: [Attached; 2],
    endpoints: [Endpoint<'static>; 2],
}

impl Both {
    fn new() -> Self {
        let (mut host, mut pod) = (socket(), Pod::new());
        let parent = parent(&mut host);
        let first = bridge_endpoint(parent);
        let second = Endpoint::new(NewLink::macvlan(parent).mode(MacvlanMode::Bridge).name(name("eth1")))
            .addr(net("10.0.60.7/24"))
            .addr(net("fd60::7/64"))
            .nodad();
        let attached = [&first, &second].map(|endpoint| pod.attach(&mut host, endpoint).unwrap());
        let second = second.gateway(ip("10.0.60.1")).gateway(ip("fd60::1"));
        Self { pod, attached, endpoints: [first, second] }
    }

    fn hand_over_to(&mut self, number: usize) {
        let other = (&self.endpoints[1 - number], &self.attached[1 - number]);
        self.endpoints[number].take_default_route(&self.attached[number], &[other], &mut self.pod.sandbox).unwrap();
    }

    /// The default routes of either family.
    fn defaults(&mut self) -> [Vec<RouteInfo>; 2] {
        [ListRoutes::v4(), ListRoutes::v6()].map(|list| {
            let routes = self.pod.inside().snapshot(&list.table(Table::MAIN)).unwrap();
            routes.into_iter().filter(is_default).collect()
        })
    }
}

fn is_default(route: &RouteInfo) -> bool {
    route.destination.is_some_and(|destination| destination.prefix() == 0)
}

/// What the kernel tells of the routes of a namespace.
struct Events(netlink_sys::Socket);

impl Events {
    /// From now on, in the calling thread's namespace.
    fn open() -> Self {
        const RTNLGRP_IPV4_ROUTE: u32 = 7;
        const RTNLGRP_IPV6_ROUTE: u32 = 11;
        let mut events = netlink_sys::Socket::new(NETLINK_ROUTE).expect("a socket");
        events.bind_auto().expect("an address");
        for group in [RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE] {
            events.add_membership(group).expect("events");
        }
        setsockopt(&events.as_fd(), ReceiveTimeout, &TimeVal::seconds(120)).expect("a time limit");
        Self(events)
    }

    /// All that was told of routes in the main table, until one to this destination appeared: the message's type and flags,
    /// and the route.
    fn until(&self, destination: &str) -> Vec<(u16, u16, RouteInfo)> {
        let mut told = Vec::new();
        loop {
            let (event, _) = self.0.recv_from_full().expect("an event");
            for message in Messages::new(&event).map(|message| message.expect("a message")) {
                let Some(route) = RouteView::of(message).map(|route| route.to_owned()) else { continue };
                if route.table != Some(Table::MAIN) {
                    continue;
                }
                if route.destination == Some(net(destination)) {
                    return told;
                }
                told.push((message.header.ty, message.header.flags, route));
            }
        }
    }
}

#[kernel_test]
pub fn each_family_has_one_default_route_by_the_one_that_took_it() -> Result<(), Skip> {
    let mut both = Both::new();
    for (number, gateways) in [(1, ["10.0.60.1", "fd60::1"]), (0, ["10.0.50.1", "fd50::1"])] {
        both.hand_over_to(number);
        let found: [Vec<_>; 2] =
            both.defaults().map(|routes| routes.iter().map(|route| (route.gateway, route.index)).collect());
        let index = Some(both.attached[number].index);
        assert_eq!(found, gateways.map(|gateway| vec![(Some(ip(gateway)), index)]));
    }
    let Both { mut pod, attached: [_, second], .. } = both;
    second.detach(&mut socket(), &mut pod.sandbox, &Detach::new()).unwrap();
    assert_eq!(pod.gateway(ListRoutes::v4()), Some(ip("10.0.50.1")), "the one that stays keeps it");
    Ok(())
}

/// By the kernel's events: a default route is added before the other is deleted.
#[kernel_test]
pub fn there_is_no_moment_without_a_default_route() -> Result<(), Skip> {
    const RTM_NEWROUTE: u16 = 24;
    const RTM_DELROUTE: u16 = 25;
    let mut both = Both::new();
    let events = both.pod.sandbox.run(Events::open).unwrap();
    for number in [1, 0, 1] {
        both.hand_over_to(number);
    }
    both.attached[0].detach(&mut socket(), &mut both.pod.sandbox, &Detach::new()).unwrap();
    both.pod.inside().apply(&NewRoute::new(net("10.99.0.0/16")).route_type(RouteType::Blackhole)).unwrap();
    let told = events.until("10.99.0.0/16");
    for is_v4 in [true, false] {
        let is_of_family =
            |route: &RouteInfo| is_default(route) && route.destination.is_some_and(|d| d.is_ipv4() == is_v4);
        let defaults = told.iter().filter(|(.., route)| is_of_family(route));
        let told: Vec<_> = defaults.map(|(ty, _, route)| (*ty, route.link())).collect();
        let [first, second] = both.attached.map(|attached| Some(attached.index));
        let hand_over = |from, to| [(RTM_NEWROUTE, to), (RTM_DELROUTE, from)];
        let [there, back] = [hand_over(first, second), hand_over(second, first)];
        let is_new_way = |(number, told): (usize, &(u16, _))| told.0 == RTM_DELROUTE || is_v4 || number == 0;
        // IPv6 reports the whole set with each addition, the oldest first.
        let without_sets = |told: &[(u16, _)]| -> Vec<_> {
            told.iter().enumerate().map(|told| if is_new_way(told) { *told.1 } else { (told.1.0, None) }).collect()
        };
        let expected = [there, back, there].concat();
        assert_eq!(told.len(), expected.len(), "{told:?}");
        assert_eq!(without_sets(&told), without_sets(&expected));
    }
    Ok(())
}

/// One that the container made for itself, or somebody made by another of its links.
#[kernel_test]
pub fn a_default_route_of_somebody_elses_is_left_alone() -> Result<(), Skip> {
    let mut both = Both::new();
    let first = both.attached[0].index;
    for foreign in ["10.0.50.9", "fd50::9"] {
        let foreign = NewRoute::default_via(ip(foreign)).index(first);
        both.pod.inside().apply(&foreign.append()).unwrap();
        let before = both.defaults();
        let others = [(&both.endpoints[0], &both.attached[0])];
        let taken = both.endpoints[1].take_default_route(&both.attached[1], &others, &mut both.pod.sandbox);
        let error = taken.unwrap_err();
        assert!(error.is_already_there(), "{error}");
        assert_eq!(both.defaults(), before, "{error}");
        both.pod.inside().apply(&DeleteRoute::like(foreign)).unwrap();
    }
    both.hand_over_to(1);
    Ok(())
}

/// Routes of another metric are no matter, and those that only resemble the known one are not touched.
#[kernel_test]
pub fn only_the_known_route_is_deleted() -> Result<(), Skip> {
    let mut both = Both::new();
    let index = both.attached[0].index;
    let by = |gateway: &str| NewRoute::default_via(ip(gateway)).index(index);
    for route in [by("10.0.50.1").metric(77), by("10.0.50.9").metric(77), by("fd50::1").metric(77)] {
        both.pod.inside().apply(&route.append()).unwrap();
    }
    let count = |both: &mut Both| both.defaults().map(|routes| routes.len());
    assert_eq!(count(&mut both), [3, 2]);
    both.hand_over_to(1);
    let [v4, v6] = both.defaults();
    let by_first = |routes: &[RouteInfo]| {
        let routes = routes.iter().filter(|route| route.index == Some(index));
        routes.map(|route| (route.gateway, route.metric)).collect::<Vec<_>>()
    };
    assert_eq!(by_first(&v4), [(Some(ip("10.0.50.1")), Some(77)), (Some(ip("10.0.50.9")), Some(77))]);
    assert_eq!(by_first(&v6), [(Some(ip("fd50::1")), Some(77))]);
    // A second time does no harm.
    both.hand_over_to(1);
    assert_eq!(count(&mut both), [3, 2]);
    Ok(())
}
