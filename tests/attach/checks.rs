//! What a check finds of what has changed since.

use crate::common::{Skip, kernel, knows, mac, name, needs, parent, socket, vid};
use crate::help::{Pod, bridge_endpoint, ip, net, with_addresses};
use std::time::{Duration, Instant};
use sublink::addr::DeleteAddress;
use sublink::endpoint::{Detach, Difference};
use sublink::error::NoCarrier;
use sublink::link::{
    AddrGenMode, AnyKind, EgressQos, IngressQos, Ipv4Setting, IpvlanFlag, IpvlanMode, LinkFlags, LinkSettings,
    MacvlanFlags, SourceMacs, VlanFlags, VlanPriority, VlanProtocol,
};
use sublink::route::{DeleteRoute, RouteType, Table};
use sublink::socket::AddressWatch;
use sublink::value::{Broadcast, NsId, RouteProtocol, Scope};
use sublink::wire::Command;
use sublink::{Endpoint, IfIndex, LinkChange, LinkSpec, MacvlanMode, NewAddress, NewLink, NewRoute, Socket};
use sublink_tests::kernel_test;

#[kernel_test]
pub fn a_check_names_every_difference() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let link = NewLink::macvlan(parent(&mut host)).mode(MacvlanMode::Bridge).name(name("eth0")).mac(mac(7)).mtu(1400);
    let endpoint = with_addresses(link.into());
    let attached = pod.attach(&mut host, &endpoint).unwrap();
    let mut after = |change: &dyn Fn(&mut Socket, IfIndex)| {
        change(pod.inside(), attached.index);
        let differences = endpoint.check(&attached, &mut pod.sandbox).unwrap();
        differences.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    };
    let change = |socket: &mut Socket, change: LinkChange<'_, AnyKind>| socket.change(&change).unwrap();
    let delete = |socket: &mut Socket, route| socket.apply(&DeleteRoute::like(route)).unwrap();

    let found = after(&|inside, index| delete(inside, NewRoute::default_via(ip("10.0.50.1")).index(index)));
    assert_eq!(found, "the route to 0.0.0.0/0 is missing");
    let found = after(&|inside, index| inside.apply(&DeleteAddress::new(index, net("fd50::7/64"))).unwrap());
    assert_eq!(found, "the address fd50::7/64 is missing; the route to 0.0.0.0/0 is missing");
    let found = after(&|inside, index| inside.change(&LinkChange::macvlan(index).mode(MacvlanMode::Private)).unwrap());
    assert!(found.starts_with("IFLA_MACVLAN_MODE is private, not bridge; "), "{found}");
    let found = after(&|inside, index| change(inside, LinkChange::new(index).mtu(1300)));
    assert!(found.starts_with("the link's MTU is 1300, not 1400; "), "{found}");
    let found = after(&|inside, index| change(inside, LinkChange::new(index).mac(mac(8))));
    assert!(found.contains("the link's MAC address is 02:00:00:00:00:08, not 02:00:00:00:00:07; "), "{found}");
    let found = after(&|inside, index| change(inside, LinkChange::new(index).down()));
    assert!(found.contains("the link is down; "), "{found}");
    let found = after(&|inside, index| change(inside, LinkChange::new(index).name(name("eth9"))));
    assert!(found.starts_with("the link's name is eth9, not eth0; "), "{found}");
    let found = after(&|inside, index| inside.delete(index).unwrap());
    assert_eq!(found, "the link is gone");
    let found = after(&|inside, index| {
        let pair = NewLink::veth(NewLink::peer().name(name("b"))).name(name("a")).index(index);
        inside.create(&pair).unwrap();
    });
    assert_eq!(found, "the link is a veth, not a macvlan");
    Ok(())
}

/// What is found of a container with this link, when it is changed after that.
fn after<'a, K>(link: impl FnOnce(IfIndex) -> LinkSpec<'a>, change: impl FnOnce(IfIndex) -> LinkChange<'a, K>) -> String
where
    LinkChange<'a, K>: Command,
{
    let (mut host, mut pod) = (socket(), Pod::new());
    let parent = parent(&mut host);
    let endpoint = Endpoint::new(link(parent));
    let attached = pod.attach(&mut host, &endpoint).unwrap();
    assert_eq!(endpoint.check(&attached, &mut pod.sandbox).unwrap(), [], "as asked for");
    pod.inside().change(&change(attached.index)).unwrap();
    let differences = endpoint.check(&attached, &mut pod.sandbox).unwrap();
    host.delete(parent).unwrap();
    differences.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Segmentation limits that are asked for at create hold since Linux 5.19.
#[kernel_test]
pub fn what_every_link_has_is_compared() -> Result<(), Skip> {
    let link =
        |parent| NewLink::macvlan(parent).name(name("eth0")).txqlen(700).group(0).tx_queues(2).rx_queues(3).into();
    let found = after(link, |index| LinkChange::new(index).txqlen(800).group(9));
    assert_eq!(found, "IFLA_TXQLEN is 800, not 700; IFLA_GROUP is 9, not 0");
    let broadcast = |last| Broadcast([2, 2, 2, 2, 2, last]);
    let link = |parent| NewLink::macvlan(parent).broadcast(broadcast(1)).into();
    let found = after(link, |index| LinkChange::new(index).broadcast(broadcast(2)));
    assert_eq!(found, "IFLA_BROADCAST is 02:02:02:02:02:02, not 02:02:02:02:02:01");
    let link = |parent| NewLink::macvlan(parent).mode(MacvlanMode::Bridge).into();
    let found = after(link, |index| LinkChange::new(index).txqlen(800).group(9).gso_max_segs(7));
    assert_eq!(found, "", "of what was not asked for, nothing is said");
    if kernel() >= (5, 19) {
        let link = |parent| NewLink::macvlan(parent).gso_max_size(60_000).gso_max_segs(9).into();
        let found = after(link, |index| LinkChange::new(index).gso_max_size(50_000).gso_max_segs(8));
        assert_eq!(found, "IFLA_GSO_MAX_SIZE is 50000, not 60000; IFLA_GSO_MAX_SEGS is 8, not 9");
    }
    Ok(())
}

#[kernel_test]
pub fn what_only_a_macvlan_has_is_compared() -> Result<(), Skip> {
    let (a, b) = (mac(0xa), mac(0xb));
    let (one, two, none) = ([a], [b, a], []);
    let source = |senders| move |parent| NewLink::macvlan(parent).source(senders).name(name("eth0")).into();
    let list = |change| move |index| LinkChange::macvlan(index).macaddr(change);
    let found = after(source(&two), list(SourceMacs::Delete(a)));
    assert_eq!(found, "IFLA_MACVLAN_MACADDR_DATA is {02:00:00:00:00:0b}, not {02:00:00:00:00:0a, 02:00:00:00:00:0b}");
    let found = after(source(&one), list(SourceMacs::Add(b)));
    assert_eq!(found, "IFLA_MACVLAN_MACADDR_DATA is {02:00:00:00:00:0a, 02:00:00:00:00:0b}, not {02:00:00:00:00:0a}");
    let found = after(source(&none), list(SourceMacs::Set(&one)));
    assert_eq!(found, "IFLA_MACVLAN_MACADDR_DATA is {02:00:00:00:00:0a}, not {}");

    let nodst = |parent| NewLink::macvlan(parent).source(&one).flags(MacvlanFlags::NODST).into();
    let found = after(nodst, |index| LinkChange::macvlan(index).flags(MacvlanFlags::NONE));
    assert_eq!(found, "IFLA_MACVLAN_FLAGS is <>, not <nodst>");
    if knows("bc_queue_len") {
        let queue = |parent| NewLink::macvlan(parent).bc_queue_len(500).into();
        let found = after(queue, |index| LinkChange::macvlan(index).bc_queue_len(7));
        assert_eq!(found, "IFLA_MACVLAN_BC_QUEUE_LEN is 7, not 500");
    }
    let bridge = |parent| NewLink::macvlan(parent).mode(MacvlanMode::Bridge).into();
    let found = after(bridge, |index| LinkChange::macvlan(index).bc_queue_len(7).flags(MacvlanFlags::NODST));
    assert_eq!(found, "", "of what was not asked for, nothing is said");
    Ok(())
}

/// It is not reported when it is 1, and ignored before Linux 6.4.
#[kernel_test]
pub fn a_cutoff_is_compared() -> Result<(), Skip> {
    let cutoff = |cutoff| move |parent| LinkSpec::from(NewLink::macvlan(parent).bc_cutoff(cutoff));
    if kernel() < (6, 4) {
        let (mut host, mut pod) = (socket(), Pod::new());
        let endpoint = Endpoint::new(cutoff(-1)(parent(&mut host)));
        let attached = pod.attach(&mut host, &endpoint).unwrap();
        let differences = endpoint.check(&attached, &mut pod.sandbox).unwrap();
        assert_eq!(differences[0].to_string(), "IFLA_MACVLAN_BC_CUTOFF is none, not -1");
        return Ok(());
    }
    let found = after(cutoff(-1), |index| LinkChange::macvlan(index).bc_cutoff(1));
    assert_eq!(found, "IFLA_MACVLAN_BC_CUTOFF is none, not -1");
    let found = after(cutoff(1), |index| LinkChange::macvlan(index).bc_cutoff(5));
    assert_eq!(found, "IFLA_MACVLAN_BC_CUTOFF is 5, not 1");
    Ok(())
}

#[kernel_test]
pub fn what_only_a_macvtap_has_is_compared() -> Result<(), Skip> {
    needs("macvtap")?;
    needs("bc_queue_len")?;
    let link = |parent| NewLink::macvtap(parent).mode(MacvlanMode::Bridge).bc_queue_len(500).into();
    let found = after(link, |index| LinkChange::macvtap(index).mode(MacvlanMode::Vepa).bc_queue_len(7));
    assert_eq!(found, "IFLA_MACVLAN_MODE is vepa, not bridge; IFLA_MACVLAN_BC_QUEUE_LEN is 7, not 500");
    Ok(())
}

#[kernel_test]
pub fn what_only_an_ipvlan_has_is_compared() -> Result<(), Skip> {
    needs("ipvlan")?;
    let link = |parent| NewLink::ipvlan(parent).mode(IpvlanMode::L2).flag(IpvlanFlag::Private).into();
    let found = after(link, |index| LinkChange::ipvlan(index).mode(IpvlanMode::L3).flag(IpvlanFlag::Bridge));
    assert_eq!(found, "IFLA_IPVLAN_MODE is l3, not l2; IFLA_IPVLAN_FLAGS is bridge, not private");
    Ok(())
}

#[kernel_test]
pub fn what_only_a_vlan_has_is_compared() -> Result<(), Skip> {
    needs("vlan")?;
    let pcp = |priority| VlanPriority::new(priority).unwrap();
    let egress = [EgressQos::new(1, pcp(2)), EgressQos::new(3, pcp(4)), EgressQos::new(1, pcp(5))];
    let ingress = [IngressQos::new(pcp(1), 9), IngressQos::new(pcp(2), 0)];
    let flags = VlanFlags::REORDER_HDR.off() | VlanFlags::LOOSE_BINDING.on();
    let link = |parent| {
        NewLink::vlan(parent, vid(5)).flags(flags).egress_qos(&egress).ingress_qos(&ingress).name(name("eth0")).into()
    };
    let other = [EgressQos::new(3, pcp(7)), EgressQos::new(6, pcp(6))];
    let found = after(link, |index| LinkChange::vlan(index).egress_qos(&other));
    assert_eq!(found, "IFLA_VLAN_EGRESS_QOS is {1: 5, 3: 7}, not {1: 5, 3: 4}", "the last entry for 1, and none for 6");
    let other = [IngressQos::new(pcp(1), 0), IngressQos::new(pcp(2), 3)];
    let found = after(link, |index| LinkChange::vlan(index).ingress_qos(&other));
    assert_eq!(found, "IFLA_VLAN_INGRESS_QOS is {2: 3}, not {1: 9}");
    let found = after(link, |index| LinkChange::vlan(index).flags(VlanFlags::REORDER_HDR.on() | VlanFlags::GVRP.on()));
    assert_eq!(found, "IFLA_VLAN_FLAGS is <REORDER_HDR,LOOSE_BINDING>, not <LOOSE_BINDING>");
    // Its id and protocol are for life, but another VLAN can have its place.
    let (mut host, mut pod) = (socket(), Pod::new());
    let parent = parent(&mut host);
    let endpoint = Endpoint::new(NewLink::vlan(parent, vid(5)).name(name("eth0")));
    let attached = pod.attach(&mut host, &endpoint).unwrap();
    pod.inside().delete(attached.index).unwrap();
    let other =
        NewLink::vlan(parent, vid(6)).protocol(VlanProtocol::Ieee8021Ad).name(name("eth0")).index(attached.index);
    pod.attach(&mut host, &Endpoint::new(other)).unwrap();
    let differences = endpoint.check(&attached, &mut pod.sandbox).unwrap();
    let found: Vec<_> = differences.iter().map(ToString::to_string).collect();
    assert_eq!(found, ["IFLA_VLAN_ID is 6, not 5"], "of the protocol nothing was asked");
    Ok(())
}

#[kernel_test]
pub fn settings_are_compared() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let endpoint = bridge_endpoint(parent(&mut host)).ipv4(Ipv4Setting::ARP_NOTIFY, 1).addr_gen_mode(AddrGenMode::None);
    let attached = pod.attach(&mut host, &endpoint).unwrap();
    assert_eq!(endpoint.check(&attached, &mut pod.sandbox).unwrap(), []);
    let other = LinkSettings::new(attached.index).ipv4(Ipv4Setting::ARP_NOTIFY, 0).ipv4(Ipv4Setting::RP_FILTER, 2);
    pod.inside().set(&other.addr_gen_mode(AddrGenMode::Eui64)).unwrap();
    let differences = endpoint.check(&attached, &mut pod.sandbox).unwrap();
    let found: Vec<_> = differences.iter().map(ToString::to_string).collect();
    assert_eq!(found, ["IFLA_INET6_ADDR_GEN_MODE is eui64, not none", "IPV4_DEVCONF_ARP_NOTIFY is 0, not 1"]);
    Ok(())
}

/// A container can make itself a link that looks like the host's, down to the numbers.
#[kernel_test]
pub fn a_parent_of_the_containers_own_is_found() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let parent = parent(&mut host);
    let endpoint = Endpoint::new(NewLink::macvlan(parent).mode(MacvlanMode::Bridge).name(name("eth0")).mac(mac(7)));
    let attached = pod.attach(&mut host, &endpoint).unwrap();
    pod.inside().delete(attached.index).unwrap();
    let pair = NewLink::veth(NewLink::peer().name(name("b"))).name(name("a")).up();
    pod.inside().create(&pair.index(parent)).unwrap();
    let peer = pod.inside().index_of("b").unwrap();
    pod.inside().change(&LinkChange::new(peer).up()).unwrap();
    let link = NewLink::macvlan(parent).mode(MacvlanMode::Bridge).name(name("eth0")).mac(mac(7)).up();
    pod.inside().create(&link.index(attached.index)).unwrap();
    let differences = endpoint.check(&attached, &mut pod.sandbox).unwrap();
    assert_eq!(differences, [Difference::ParentIsElsewhere(None)]);
    assert_eq!(differences[0].to_string(), "the link's parent is in the container's own namespace");
    assert_eq!(endpoint.allow_same_namespace().check(&attached, &mut pod.sandbox).unwrap(), []);
    Ok(())
}

#[kernel_test]
pub fn another_parent_is_found() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let (parent, other) = (parent(&mut host), crate::common::veth(&mut host, "q0", "q1"));
    let link = |on| NewLink::macvlan(on).mode(MacvlanMode::Bridge).name(name("eth0")).mac(mac(7));
    let attached = pod.attach(&mut host, &Endpoint::new(link(parent))).unwrap();
    let found = Endpoint::new(link(other)).check(&attached, &mut pod.sandbox).unwrap();
    assert_eq!(found, [Difference::Parent { expected: other, found: Some(parent) }]);
    // By the number that the container's namespace has for the parent's.
    let nsid = pod.inside().link_at(attached.index).unwrap().parent_netnsid().unwrap();
    let by_number = |nsid| Endpoint::new(link(parent).parent_in(nsid));
    assert_eq!(by_number(nsid).check(&attached, &mut pod.sandbox).unwrap(), []);
    let found = by_number(NsId::new(nsid.get() + 1).unwrap()).check(&attached, &mut pod.sandbox).unwrap();
    assert_eq!(found, [Difference::ParentIsElsewhere(Some(nsid))]);
    Ok(())
}

/// In each row the route that is asked for, and one to the same destination that is not it.
#[kernel_test]
pub fn a_route_that_differs_is_another() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let parent = parent(&mut host);
    let other = Endpoint::new(NewLink::macvlan(parent).mode(MacvlanMode::Bridge).name(name("eth1")));
    let other = pod.attach(&mut host, &other).unwrap().index;
    let destination = net("10.7.0.0/16");
    let route = NewRoute::new(destination);
    let (router, neighbour) = (ip("10.0.50.2"), ip("fd50::2"));
    let prohibit = route.route_type(RouteType::Prohibit);
    for (asked, found) in [
        (route, route.table(Table(77))),
        (route, route.gateway(router)),
        (route, route.index(other)),
        (route, route.gateway(neighbour)),
        (route, prohibit),
        (route.source(ip("10.0.50.7")), route),
        (route.gateway(router), route.gateway(ip("10.0.50.3"))),
        (route.gateway(router), route.gateway(neighbour)),
        (route.gateway(neighbour), route.gateway(ip("fd50::3"))),
        (route.metric(5), route.metric(6)),
        (route.metric(5), route),
        (prohibit, route.route_type(RouteType::Blackhole)),
    ] {
        let endpoint = bridge_endpoint(parent).route(asked);
        let attached = pod.attach(&mut host, &endpoint).unwrap();
        // By the container's link, unless it says another or drops packets.
        let by_it = |route: NewRoute<'static>| {
            let drops = [RouteType::Prohibit, RouteType::Blackhole].map(|route_type| route.route_type(route_type));
            if drops.contains(&route) || route == route.index(other) { route } else { route.index(attached.index) }
        };
        assert_eq!(endpoint.check(&attached, &mut pod.sandbox).unwrap(), [], "{asked:?}");
        pod.inside().apply(&DeleteRoute::like(by_it(asked))).unwrap();
        pod.inside().apply(&by_it(found)).unwrap();
        let differences = endpoint.check(&attached, &mut pod.sandbox).unwrap();
        assert!(
            matches!(differences[..], [Difference::Route { destination: missing, .. }] if missing == destination),
            "{found:?}: {differences:?}"
        );
        pod.inside().apply(&DeleteRoute::like(by_it(found))).unwrap();
        attached.detach(&mut host, &mut pod.sandbox, &Detach::new()).unwrap();
    }
    Ok(())
}

#[kernel_test]
pub fn a_duplicate_address_is_found() -> Result<(), Skip> {
    let (mut host, mut pod, mut other) = (socket(), Pod::new(), Pod::new());
    let link = NewLink::macvlan(parent(&mut host)).mode(MacvlanMode::Bridge);
    let endpoint = Endpoint::new(link.name(name("eth0"))).addr(net("fd50::7/64"));
    other.attach(&mut host, &endpoint.clone().nodad()).unwrap();
    let mut watch = AddressWatch::open_in(&pod.sandbox).unwrap();
    let attached = pod.attach(&mut host, &endpoint).unwrap();
    let addr = "fd50::7".parse().unwrap();
    watch.wait(attached.index, &[addr], Duration::from_secs(60)).unwrap_err();
    let found = endpoint.check(&attached, &mut pod.sandbox).unwrap();
    assert_eq!(found, [Difference::DuplicateAddress(net("fd50::7/64"))]);
    Ok(())
}

/// IPv4 does not report the metric 0, IPv6 makes it 1024, and table 0 is reported as 254.
#[kernel_test]
pub fn what_the_kernel_reports_otherwise_is_not_missing() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let plain = bridge_endpoint(parent(&mut host));
    for destination in ["10.7.0.0/16", "fd07::/48"].map(net) {
        let route = NewRoute::new(destination);
        for (route, other) in [
            (route.metric(0), route.metric(7)),
            (route.table(Table(0)), route.table(Table(7))),
            (route.metric(0).table(Table(0)), route.metric(7)),
        ] {
            let endpoint = plain.clone().metric(0).route(route);
            let attached = pod.attach(&mut host, &endpoint).unwrap();
            assert_eq!(endpoint.check(&attached, &mut pod.sandbox).unwrap(), [], "{route:?}");
            pod.inside().apply(&DeleteRoute::like(route.index(attached.index))).unwrap();
            pod.inside().apply(&other.index(attached.index)).unwrap();
            let found = endpoint.check(&attached, &mut pod.sandbox).unwrap();
            assert!(matches!(found[..], [Difference::Route { .. }]), "{other:?}: {found:?}");
            attached.detach(&mut host, &mut pod.sandbox, &Detach::new()).unwrap();
        }
    }
    Ok(())
}

/// Whoever else has a router of the same metric: IPv6 reports one route with several next hops.
#[kernel_test]
pub fn another_ipv6_router_takes_nothing_away() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let endpoint = bridge_endpoint(parent(&mut host));
    let attached = pod.attach(&mut host, &endpoint).unwrap();
    let ip = |arguments: &[&str]| {
        let done = pod.sandbox.run(|| std::process::Command::new("ip").args(arguments).status().unwrap()).unwrap();
        assert!(done.success(), "{arguments:?}");
    };
    ip(&["-6", "route", "append", "default", "via", "fd50::9", "dev", "eth0"]);
    assert_eq!(endpoint.check(&attached, &mut pod.sandbox).unwrap(), []);
    let first = NewRoute::default_via(crate::help::ip("fd50::1")).index(attached.index);
    pod.inside().apply(&DeleteRoute::like(first)).unwrap();
    let found = endpoint.check(&attached, &mut pod.sandbox).unwrap();
    assert!(matches!(found[..], [Difference::Route { .. }]), "{found:?}");
    Ok(())
}

#[kernel_test]
pub fn all_that_was_asked_of_a_route_is_compared() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let plain = bridge_endpoint(parent(&mut host));
    let route = NewRoute::new(net("10.7.0.0/16"));
    let by_router = route.gateway(ip("10.0.50.2"));
    for (asked, found) in [
        (route.protocol(RouteProtocol::DHCP), route),
        (route.scope(Scope::GLOBAL), route),
        (by_router.onlink(), by_router),
    ] {
        let endpoint = plain.clone().route(asked);
        let attached = pod.attach(&mut host, &endpoint).unwrap();
        assert_eq!(endpoint.check(&attached, &mut pod.sandbox).unwrap(), [], "{asked:?}");
        pod.inside().apply(&DeleteRoute::like(asked.index(attached.index))).unwrap();
        pod.inside().apply(&found.index(attached.index)).unwrap();
        let differences = endpoint.check(&attached, &mut pod.sandbox).unwrap();
        assert!(matches!(differences[..], [Difference::Route { .. }]), "{found:?}: {differences:?}");
        attached.detach(&mut host, &mut pod.sandbox, &Detach::new()).unwrap();
    }
    Ok(())
}

#[kernel_test]
pub fn an_address_with_a_peer_is_another() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let endpoint = Endpoint::new(NewLink::macvlan(parent(&mut host))).addr(net("10.0.50.7/24")).addr(net("fd50::7/64"));
    let attached = pod.attach(&mut host, &endpoint).unwrap();
    for (addr, peer) in [("10.0.50.7/24", "10.0.50.9"), ("fd50::7/64", "fd51::9")] {
        pod.inside().apply(&DeleteAddress::new(attached.index, net(addr))).unwrap();
        pod.inside().apply(&NewAddress::new(attached.index, net(addr)).peer(ip(peer))).unwrap();
    }
    let found = endpoint.check(&attached, &mut pod.sandbox).unwrap();
    assert_eq!(found, ["10.0.50.7/24", "fd50::7/64"].map(|addr| Difference::Address(net(addr))));
    Ok(())
}

#[kernel_test]
pub fn a_missing_carrier_is_found_with_its_cause() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let p0 = parent(&mut host);
    let p1 = host.index_of("p1").unwrap();
    let endpoint = Endpoint::new(NewLink::macvlan(p0).mode(MacvlanMode::Bridge).name(name("eth0")));
    let attached = pod.attach(&mut host, &endpoint).unwrap();
    let mut found = |host: &mut Socket, change: LinkChange<'_, AnyKind>, has_carrier| {
        host.change(&change).unwrap();
        // The carrier follows the parent's by a worker of the kernel's.
        let since = Instant::now();
        while pod.link(attached.index).flags.contains(LinkFlags::LOWER_UP) != has_carrier {
            assert!(since.elapsed() < Duration::from_secs(120), "{change:?}");
            std::thread::yield_now();
        }
        endpoint.check(&attached, &mut pod.sandbox).unwrap()
    };
    let no_cable = found(&mut host, LinkChange::new(p1).down(), false);
    assert_eq!(no_cable, [Difference::NoCarrier(NoCarrier::ParentHasNone)]);
    assert_eq!(no_cable[0].to_string(), "the link has no carrier: its parent has none");
    let down = found(&mut host, LinkChange::new(p0).down(), false);
    assert_eq!(down, [Difference::NoCarrier(NoCarrier::ParentIsDown)]);
    assert_eq!(down[0].to_string(), "the link has no carrier: its parent is down");
    host.change(&LinkChange::new(p0).up()).unwrap();
    assert_eq!(found(&mut host, LinkChange::new(p1).up(), true), []);
    Ok(())
}

/// The inner one stands on the same device as the outer one, in a namespace that neither was asked for in.
#[kernel_test]
pub fn a_macvlan_on_a_macvlan_of_another_namespace_is_as_asked() -> Result<(), Skip> {
    let (mut host, mut outer, mut inner) = (socket(), Pod::new(), Pod::new());
    let p0 = parent(&mut host);
    let link = |parent| NewLink::macvlan(parent).mode(MacvlanMode::Bridge).name(name("eth0"));
    let (there, here) = (outer.attach(&mut host, &Endpoint::new(link(p0))).unwrap(), Endpoint::new(link(p0)));
    assert_eq!(here.check(&there, &mut outer.sandbox).unwrap(), []);
    let stacked = Endpoint::new(link(there.index));
    let attached = match inner.attach(outer.inside(), &stacked) {
        Err(error) if error.is_not_permitted() => return Err(Skip("this kernel refuses it".into())),
        attached => attached.unwrap(),
    };
    assert_eq!(stacked.check(&attached, &mut inner.sandbox).unwrap(), []);
    Ok(())
}

#[kernel_test]
pub fn what_later_programs_change_can_be_left_out() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let endpoint = Endpoint::new(NewLink::macvlan(parent(&mut host)).mtu(1400));
    let attached = pod.attach(&mut host, &endpoint).unwrap();
    pod.inside().change(&LinkChange::new(attached.index).mtu(1300)).unwrap();
    let mut found = endpoint.check(&attached, &mut pod.sandbox).unwrap();
    assert_eq!(found, [Difference::Mtu { expected: 1400, found: 1300 }]);
    found.retain(|difference| !matches!(difference, Difference::Mtu { .. }));
    assert_eq!(found, []);
    Ok(())
}
