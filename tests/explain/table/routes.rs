//! Routes.

use super::Answer::{Explained, Neither, Words};
use super::Scene::{Elsewhere, Never};
use super::addresses::switch_ipv6_off;
use super::{On, Row, World, known, row};
use crate::common::name;
use crate::help::index;
use nix::errno::Errno;
use sublink::route::{CongestionControl, DeleteRoute, NextHop, RouteFeatures, RouteType, Table};
use sublink::value::Scope;
use sublink::{LinkChange, NewAddress, NewLink, NewRoute, Result};

impl World {
    fn with(&mut self, addr: &str) {
        self.socket.apply(&NewAddress::new(self.p0, addr.parse().unwrap()).nodad()).unwrap();
    }

    fn down(&mut self) {
        self.socket.change(&LinkChange::new(self.p0).down()).unwrap();
    }

    /// By p0.
    fn route(&mut self, route: NewRoute<'_>) -> Result<()> {
        self.socket.apply(&route.index(self.p0))
    }

    /// Not by p0, but as it is.
    fn apply(&mut self, route: NewRoute<'_>) -> Result<()> {
        self.socket.apply(&route)
    }

    fn delete_route(&mut self, route: NewRoute<'_>) -> Result<()> {
        self.socket.apply(&DeleteRoute::like(route))
    }
}

fn to(destination: &str) -> NewRoute<'static> {
    NewRoute::new(destination.parse().unwrap())
}

fn via(gateway: &str) -> NewRoute<'static> {
    NewRoute::default_via(gateway.parse().unwrap())
}

fn via_hop(gateway: &str) -> NextHop {
    NextHop::via(gateway.parse().unwrap())
}

const ADD: &str = "add route";
const DELETE: &str = "delete route";

#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    row(ADD, Errno::EEXIST, "a default route of this metric", |w| {
        w.with("10.0.0.7/24");
        w.route(via("10.0.0.3").metric(98)).unwrap();
        w.route(via("10.0.0.1").metric(99)).unwrap();
        w.route(via("10.0.0.2").metric(99))
    }, Explained("RouteIsThere", "there is a route with this metric already: default via 10.0.0.1 dev p0 metric 99")),
    row(ADD, Errno::EEXIST, "a default route of no metric, by another link", |w| {
        w.with("10.0.0.7/24");
        w.socket.apply(&NewAddress::new(w.p1, "10.1.0.7/24".parse().unwrap())).unwrap();
        w.apply(via("10.1.0.1").index(w.p1)).unwrap();
        w.route(via("10.0.0.2"))
    }, Explained("RouteIsThere", "there is a route with this metric already: default via 10.1.0.1 dev p1")),
    row(ADD, Errno::EEXIST, "IPv6", |w| {
        w.with("fd00::7/64");
        w.route(via("fd00::1")).unwrap();
        w.route(via("fd00::2"))
    }, Explained("RouteIsThere", "there is a route with this metric already: default via fd00::1 dev p0 metric 1024")),
    row(ADD, Errno::EEXIST, "one that drops packets", |w| {
        w.apply(to("10.5.0.0/16").route_type(RouteType::Blackhole)).unwrap();
        w.route(to("10.5.0.0/16"))
    }, Explained("RouteIsThere", "there is a route with this metric already: blackhole 10.5.0.0/16")),
    row(ADD, Errno::EEXIST, "the very same, which is not the first of its metric", |w| {
        w.with("10.0.0.7/24");
        w.route(via("10.0.0.1")).unwrap();
        w.route(via("10.0.0.2").append()).unwrap();
        w.route(via("10.0.0.2").prepend())
    }, Explained("RouteIsThere", "there is a route with this metric already: default via 10.0.0.2 dev p0")),
    row(ADD, Errno::EEXIST, "IPv6, one of several next hops", |w| {
        w.with("fd00::7/64");
        w.route(via("fd00::1")).unwrap();
        w.route(via("fd00::2").append()).unwrap();
        w.route(via("fd00::2").append())
    }, Explained("RouteIsThere", "there is a route with this metric already: default via fd00::2 dev p0 metric 1024")),
    row(ADD, Errno::ENETUNREACH, "no network holds the gateway", |w| {
        w.with("10.0.0.7/24");
        w.route(via("10.9.0.1"))
    }, Explained("GatewayUnreachable", "the gateway 10.9.0.1 is in no network of p0 (`onlink` makes it reachable all the same)")),
    row(ADD, Errno::ENETUNREACH, "no network holds the gateway, and no link is said", |w| w.apply(via("10.9.0.1")),
        Explained("GatewayUnreachable", "the gateway 10.9.0.1 is in no network of any link (`onlink` makes it reachable all the same)")),
    row(ADD, Errno::EHOSTUNREACH, "IPv6, no network holds the gateway", |w| {
        w.with("fd00::7/64");
        w.route(via("fd99::1"))
    }, Explained("GatewayUnreachable", "the gateway fd99::1 is in no network of p0 (`onlink` makes it reachable all the same)")),
    row(ADD, Errno::EHOSTUNREACH, "IPv6, a network of another link holds the gateway", |w| {
        w.socket.apply(&NewAddress::new(w.p1, "fd00::7/64".parse().unwrap()).nodad()).unwrap();
        w.route(via("fd00::1"))
    }, Explained("GatewayUnreachable", "the gateway fd00::1 is in no network of p0 (`onlink` makes it reachable all the same)")),
    row(ADD, Errno::ENETDOWN, "the link is down", |w| {
        w.down();
        w.route(to("10.5.0.0/16"))
    }, Explained("LinkIsDown", "p0 is down: bring it up first")),
    row(ADD, Errno::ENETUNREACH, "the link is down, with a gateway", |w| {
        w.with("10.0.0.7/24");
        w.down();
        w.route(via("10.0.0.1"))
    }, Explained("LinkIsDown", "p0 is down: bring it up first")),
    row(ADD, Errno::ENETDOWN, "the link is down, onlink", |w| {
        w.down();
        w.route(via("10.0.0.1").onlink())
    }, Explained("LinkIsDown", "p0 is down: bring it up first")),
    row(ADD, Errno::ENETDOWN, "IPv6, the link is down", |w| {
        w.down();
        w.route(to("fd05::/64"))
    }, Explained("LinkIsDown", "p0 is down: bring it up first")),
    row(ADD, Errno::EHOSTUNREACH, "IPv6, the link is down, with a gateway", |w| {
        w.with("fd00::7/64");
        w.down();
        w.route(via("fd00::1"))
    }, Explained("LinkIsDown", "p0 is down: bring it up first")),
    row(ADD, Errno::ENODEV, "no such link", |w| w.apply(to("10.5.0.0/16").index(index(4242))),
        Explained("LinkIsGone", "the link does not exist, or no longer")),
    row(ADD, Errno::ENODEV, "no such link, IPv6", |w| w.apply(to("fd05::/64").index(index(4242))),
        Explained("LinkIsGone", "the link does not exist, or no longer")),
    row(ADD, Errno::ENODEV, "neither gateway nor link", |w| w.apply(to("10.5.0.0/16")),
        Explained("RouteLeadsNowhere", "the route says neither a gateway nor a link")),
    row(ADD, Errno::ENODEV, "neither gateway nor link, IPv6", |w| w.apply(to("fd05::/64")),
        Explained("RouteLeadsNowhere", "the route says neither a gateway nor a link")),
    row(ADD, Errno::ENODEV, "onlink without a link", |w| w.apply(via("10.0.0.1").onlink()),
        Words("Nexthop device required for onlink")),
    row(ADD, Errno::ENODEV, "an MTU below 68", |w| {
        let tiny = w.tiny();
        w.apply(to("10.5.0.0/16").index(tiny))
    }, Explained("NoIpv4", "tiny has no IPv4: its MTU is 60, and IPv4 needs 68")).on(&[On::Driver("vlan")]),
    row(ADD, Errno::ENODEV, "IPv6, an MTU below 1280", |w| {
        w.mtu(1000);
        w.route(to("fd05::/64"))
    }, Explained("NoIpv6", "p0 has no IPv6: its MTU is 1000, and IPv6 needs 1280")),
    row(ADD, Errno::EACCES, "IPv6 is off on the link", |w| {
        switch_ipv6_off();
        w.route(to("fd05::/64"))
    }, Explained("Ipv6IsOff", "IPv6 is off on p0 (net.ipv6.conf.p0.disable_ipv6)")),
    row(ADD, Errno::EINVAL, "the gateway is its own address, onlink", |w| {
        w.with("10.0.0.7/24");
        w.route(via("10.0.0.7").onlink())
    }, Explained("GatewayIsOwn", "the gateway 10.0.0.7 is an address of p0 itself")),
    row(ADD, Errno::EINVAL, "IPv6, the gateway is its own address", |w| {
        w.with("fd00::7/64");
        w.route(via("fd00::7"))
    }, Explained("GatewayIsOwn", "the gateway fd00::7 is an address of p0 itself")),
    row(ADD, Errno::EINVAL, "the source address is none", |w| w.route(to("10.5.0.0/16").source("10.7.0.1".parse().unwrap())),
        Explained("SourceIsAbsent", "no link of this namespace has the source address 10.7.0.1")),
    row(ADD, Errno::EINVAL, "IPv6, the source address is none", |w| {
        w.with("fd00::7/64");
        w.route(to("fd05::/64").source("fd07::1".parse().unwrap()))
    }, Explained("SourceIsAbsent", "no link of this namespace has the source address fd07::1")),
    row(ADD, Errno::EINVAL, "IPv6, the source address is tentative", |w| {
        w.socket.change(&LinkChange::new(w.p1).down()).unwrap(); // without a carrier it stays so
        w.socket.apply(&NewAddress::new(w.p0, "fd00::7/64".parse().unwrap())).unwrap();
        w.route(to("fd05::/64").source("fd00::7".parse().unwrap()))
    }, Explained("SourceIsTentative",
        "the source address fd00::7 of p0 is still tentative: wait for duplicate address detection")),
    row(ADD, Errno::EINVAL, "IPv6, another station has the source address", |w| {
        let far = sublink::Netns::create().unwrap();
        w.socket.change(&LinkChange::move_to(w.p1, &far)).unwrap();
        let mut there = sublink::Socket::open_in(&far).unwrap();
        there.apply(&NewAddress::new(w.p1, "fd00::7/64".parse().unwrap()).nodad()).unwrap();
        there.change(&LinkChange::new(w.p1).up()).unwrap();
        let mut dad = sublink::socket::AddressWatch::open().unwrap();
        let addr = "fd00::7".parse().unwrap();
        w.socket.apply(&NewAddress::new(w.p0, "fd00::7/64".parse().unwrap())).unwrap();
        dad.wait(w.p0, &[addr], std::time::Duration::from_secs(120)).unwrap_err();
        w.route(to("fd05::/64").source(addr.into()))
    }, Explained("SourceIsDuplicate", "the source address fd00::7 of p0 is in use by another station on the network")),
    row(ADD, Errno::ENETUNREACH, "the gateway is farther than the destination", |w| {
        w.with("10.0.0.7/24");
        w.route(via("10.0.0.1").scope(Scope::LINK))
    }, Words("Nexthop has invalid gateway")),
    row(ADD, Errno::EINVAL, "IPv6, the gateway is multicast", |w| w.route(via("ff02::1")),
        Explained("NotAGateway", "ff02::1 cannot be the address of a gateway")),
    row(ADD, Errno::EINVAL, "IPv6, the gateway is unspecified", |w| w.route(via("::")),
        Explained("NotAGateway", ":: cannot be the address of a gateway")),
    row(ADD, Errno::EINVAL, "onlink, the gateway is multicast", |w| w.route(via("224.0.0.1").onlink()),
        Explained("NotAGateway", "224.0.0.1 cannot be the address of a gateway")),
    row(ADD, Errno::EINVAL, "onlink, the gateway is unspecified", |w| w.route(via("0.0.0.0").onlink()),
        Explained("NotAGateway", "0.0.0.0 cannot be the address of a gateway")),
    row(ADD, Errno::EINVAL, "the gateway is a broadcast address", |w| {
        w.with("10.0.0.7/24");
        w.route(via("10.0.0.255"))
    }, Explained("NotAGateway", "10.0.0.255 cannot be the address of a gateway")),
    row(ADD, Errno::ENETUNREACH, "the gateway is everybody", |w| {
        w.with("10.0.0.7/24");
        w.route(via("255.255.255.255"))
    }, Explained("NotAGateway", "255.255.255.255 cannot be the address of a gateway")),
    row(ADD, Errno::ENETUNREACH, "of two next hops, one has 0.0.0.0, which is none", |w| {
        w.with("10.0.0.7/24");
        let hops = [NextHop::via("0.0.0.0".parse().unwrap()).index(w.p0), NextHop::via("10.9.0.1".parse().unwrap())];
        w.apply(to("10.5.0.0/16").next_hops(&hops))
    }, Explained("GatewayUnreachable",
        "the gateway 10.9.0.1 is in no network of any link (`onlink` makes it reachable all the same)")),
    row(ADD, Errno::EINVAL, "IPv6, a gateway of IPv4", |w| w.route(to("fd05::/64").gateway("10.0.0.1".parse().unwrap())),
        Words("IPv6 does not support RTA_VIA")),
    row(ADD, Errno::EINVAL, "a link-local gateway without a link", |w| w.apply(via("fe80::1")),
        Words("Egress device not specified")),
    row(ADD, Errno::EINVAL, "IPv4, a link-local gateway of IPv6 without a link", |w| {
        w.apply(to("10.5.0.0/16").gateway("fe80::1".parse().unwrap()))
    }, Words("Egress device not specified")),
    row(ADD, Errno::EHOSTUNREACH, "IPv4, no network holds the gateway of IPv6", |w| {
        w.with("fd00::7/64");
        w.route(to("10.5.0.0/16").gateway("fd99::1".parse().unwrap()))
    }, Explained("GatewayUnreachable", "the gateway fd99::1 is in no network of p0 (`onlink` makes it reachable all the same)")),
    row(ADD, Errno::EINVAL, "a congestion control that the kernel lacks", |w| {
        w.route(to("10.5.0.0/16").congctl(CongestionControl::new("nosuch").unwrap()))
    }, Words("congestion algorithm")),
    row(ADD, Errno::EINVAL, "a feature that there is not", |w| w.route(to("10.5.0.0/16").features(RouteFeatures::from(0x80))),
        Words("Unknown flag set in feature mask")),
    row(ADD, Errno::EINVAL, "a gateway, with the scope of the host", |w| {
        w.with("10.0.0.7/24");
        w.route(to("10.5.0.0/16").gateway("10.0.0.1".parse().unwrap()).scope(Scope::HOST))
    }, Words("Route with host scope can not have a gateway")),
    row(ADD, Errno::EINVAL, "a type that there is not", |w| w.route(to("10.5.0.0/16").route_type(RouteType::Other(99))),
        Words("Invalid route type")),
    row(ADD, Errno::EINVAL, "IPv6, a type that there is not", |w| w.route(to("fd05::/64").route_type(RouteType::Other(99))),
        Words("Invalid route type")),
    row(ADD, Errno::EINVAL, "IPv6, a next hop without a gateway", |w| {
        let hops = [NextHop::dev(w.p0), NextHop::dev(w.p1)];
        w.apply(to("fd05::/64").next_hops(&hops))
    }, Words("Device only routes can not be added for IPv6")),
    row(ADD, Errno::EINVAL, "a gateway, and next hops by another", |w| {
        w.with("10.0.0.7/24");
        let hops = [via_hop("10.0.0.1").index(w.p0), via_hop("10.0.0.2").index(w.p0)];
        w.apply(to("10.5.0.0/16").gateway("10.0.0.3".parse().unwrap()).next_hops(&hops))
    }, Words("Nexthop gateway does not match")),
    row(ADD, Errno::ENETUNREACH, "no network holds the gateway of a next hop", |w| {
        w.with("10.0.0.7/24");
        let onlink = via_hop("10.8.0.1").index(w.p0).onlink();
        let hops = [onlink, via_hop("10.0.0.1").index(w.p0), via_hop("10.9.0.1").index(w.p1)];
        w.apply(to("10.5.0.0/16").next_hops(&hops))
    }, Explained("GatewayUnreachable", "the gateway 10.9.0.1 is in no network of p1 (`onlink` makes it reachable all the same)")),
    row(ADD, Errno::EHOSTUNREACH, "IPv6, no network holds the gateway of a next hop", |w| {
        w.with("fd00::7/64");
        let hops = [via_hop("fd00::1").index(w.p0), via_hop("fd99::1").index(w.p1)];
        w.apply(to("fd05::/64").next_hops(&hops))
    }, Explained("GatewayUnreachable", "the gateway fd99::1 is in no network of p1 (`onlink` makes it reachable all the same)")),
    row(ADD, Errno::ENODEV, "no such link of a next hop", |w| {
        let hops = [NextHop::dev(w.p0), NextHop::dev(index(4242))];
        w.apply(to("10.5.0.0/16").next_hops(&hops))
    }, Explained("LinkIsGone", "the link does not exist, or no longer")),
    row(ADD, Errno::ENETDOWN, "the link of a next hop is down", |w| {
        w.socket.change(&LinkChange::new(w.p1).down()).unwrap();
        let hops = [NextHop::dev(w.p0), NextHop::dev(w.p1)];
        w.apply(to("10.5.0.0/16").next_hops(&hops))
    }, Explained("LinkIsDown", "p1 is down: bring it up first")),
    known(ADD, Errno::EPERM, "without CAP_NET_ADMIN", Elsewhere("permissions::it_is_missing_here"),
        Explained("NotPermittedHere", "")),
    row(ADD, Errno::EOPNOTSUPP, "a kernel without IPv6, or booted with ipv6.disable=1", |w| w.route(to("fd05::/64")),
        Explained("NoIpv6", "p0 has no IPv6: this kernel is without it, or was started with ipv6.disable=1")).on(&[On::NoIpv6]),
    known(ADD, Errno::ENOBUFS, "no memory", Never("it takes a machine without memory"), Neither("the number says it")),

    row(DELETE, Errno::ESRCH, "another gateway", |w| {
        w.with("10.0.0.7/24");
        w.route(via("10.0.0.1").metric(7)).unwrap();
        w.delete_route(via("10.0.0.2"))
    }, Explained("AnotherRoute", "there is another route: default via 10.0.0.1 dev p0 metric 7")),
    row(DELETE, Errno::ESRCH, "another metric, IPv6", |w| {
        w.with("fd00::7/64");
        w.route(via("fd00::1").metric(7)).unwrap();
        w.delete_route(via("fd00::1").metric(8))
    }, Explained("AnotherRoute", "there is another route: default via fd00::1 dev p0 metric 7")),
    row(DELETE, Errno::ESRCH, "another table", |w| {
        w.with("10.0.0.7/24");
        w.route(to("10.5.0.0/16").gateway("10.0.0.1".parse().unwrap()).table(Table(77))).unwrap();
        w.delete_route(to("10.5.0.0/16"))
    }, Explained("AnotherRoute", "there is another route: 10.5.0.0/16 via 10.0.0.1 dev p0 table 77")),
    row(DELETE, Errno::ESRCH, "no route to there", |w| {
        w.with("10.0.0.7/24");
        w.delete_route(to("10.5.0.0/16"))
    }, Explained("NoSuchRoute", "there is no route to 10.5.0.0/16")),
    row(DELETE, Errno::ESRCH, "no such table", |w| w.delete_route(to("10.5.0.0/16").table(Table(78))),
        Explained("NoSuchRoute", "there is no route to 10.5.0.0/16")),
    row(DELETE, Errno::ESRCH, "IPv6, no route to there", |w| w.delete_route(to("fd05::/64")),
        Explained("NoSuchRoute", "there is no route to fd05::/64")),
];

/// As a step of an attach, too, it is explained while there is something to be seen.
#[sublink_tests::kernel_test]
fn an_attach_explains_addresses_and_routes() -> Result<(), crate::common::Skip> {
    let mut socket = crate::common::socket();
    let parent = crate::common::parent(&mut socket);
    let mut pod = sublink::Sandbox::create().unwrap();
    let endpoint = |mtu| {
        let link = NewLink::macvlan(parent).name(name("eth0")).mac(crate::common::mac(7)).mtu(mtu);
        sublink::Endpoint::new(link)
    };
    for (endpoint, said) in [
        (
            endpoint(1000).addr("fd00::7/64".parse().unwrap()),
            "add address fd00::7/64 to eth0: EINVAL (Invalid argument): eth0 has no IPv6: its MTU is 1000, and IPv6 \
             needs 1280; no link is left behind",
        ),
        (
            endpoint(1500).addr("10.0.0.7/24".parse().unwrap()).route(via("10.9.0.1").metric(3)),
            "add route default via 10.9.0.1 dev eth0: ENETUNREACH: Nexthop has invalid gateway: the gateway 10.9.0.1 is in \
             no network of eth0 (`onlink` makes it reachable all the same); no link is left behind",
        ),
    ] {
        assert_eq!(endpoint.attach(&mut socket, &mut pod).unwrap_err().to_string(), said);
    }
    Ok(())
}
