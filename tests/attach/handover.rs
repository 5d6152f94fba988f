//! The default route passes from one network to another.

use crate::common::{Skip, name, parent, socket};
use crate::help::{Pod, bridge_endpoint, ip, net};
use netlink_sys::protocols::NETLINK_ROUTE;
use nix::sys::socket::{setsockopt, sockopt::ReceiveTimeout};
use nix::sys::time::{TimeVal, TimeValLike};
use std::os::fd::AsFd;
use sublink::route::{ListRoutes, RouteInfo, RouteType, RouteView, Table};
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
        self.endpoints[number].take_default_route(&self.attached[number], &mut self.pod.sandbox).unwrap();
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
        setsockopt(&events.as_fd(), ReceiveTimeout, &TimeVal::seconds(20)).expect("a time limit");
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
    second.detach(&mut pod.sandbox).unwrap();
    assert_eq!(pod.gateway(ListRoutes::v4()), Some(ip("10.0.50.1")), "the one that stays keeps it");
    Ok(())
}

/// By the kernel's events: each default route takes the place of another, and none is deleted.
#[kernel_test]
pub fn there_is_no_moment_without_a_default_route() -> Result<(), Skip> {
    const RTM_NEWROUTE: u16 = 24;
    const NLM_F_REPLACE: u16 = 0x100;
    let mut both = Both::new();
    let events = both.pod.sandbox.run(Events::open).unwrap();
    for number in [1, 0, 1] {
        both.hand_over_to(number);
    }
    both.attached[0].detach(&mut both.pod.sandbox).unwrap();
    both.pod.inside().apply(&NewRoute::new(net("10.99.0.0/16")).route_type(RouteType::Blackhole)).unwrap();
    let told = events.until("10.99.0.0/16");
    let defaults: Vec<_> = told.iter().filter(|(.., route)| is_default(route)).collect();
    for (ty, flags, route) in &defaults {
        assert_eq!((*ty, flags & NLM_F_REPLACE), (RTM_NEWROUTE, NLM_F_REPLACE), "{route:?}");
    }
    let is_v4 = |route: &RouteInfo| route.destination.is_some_and(|destination| destination.is_ipv4());
    let count = |v4| defaults.iter().filter(|(.., route)| is_v4(route) == v4).count();
    assert_eq!((count(true), count(false)), (3, 3), "three times, of either family: {defaults:?}");
    Ok(())
}
