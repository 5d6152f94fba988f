//! What an attached container has.

use crate::common::{Skip, mac, name, needs, parent, socket, vid};
use crate::help::{Pod, bridge_endpoint, ip, net, with_addresses};
use std::net::Ipv6Addr;
use std::time::Duration;
use sublink::addr::ListAddresses;
use sublink::endpoint::{Detach, Fate};
use sublink::link::{AddrGenMode, Ipv4Setting, IpvlanMode, LinkFlags};
use sublink::route::{ListRoutes, RouteType, Table};
use sublink::socket::AddressWatch;
use sublink::{Endpoint, ErrorKind, IfIndex, LinkSpec, MacvlanMode, Netns, NewLink, NewRoute, Socket};
use sublink_tests::kernel_test;

fn is_attached_whole(link: impl Fn(IfIndex) -> LinkSpec<'static>) -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let empty = pod.contents();
    let parent = parent(&mut host);
    let endpoint = with_addresses(link(parent)).metric(99);
    let attached = pod.attach(&mut host, &endpoint).unwrap();
    assert_eq!(endpoint.check(&attached, &mut pod.sandbox).unwrap(), []);

    let found = pod.link(attached.index);
    assert_eq!((found.name, found.mac, found.parent), (attached.name, attached.mac, Some(parent)));
    assert!(attached.name == name("eth0") && found.flags.contains(LinkFlags::UP));
    assert!((16_384..=32_767).contains(&attached.index.get()), "an index of our choice");
    assert_eq!(pod.gateway(ListRoutes::v4()), Some(ip("10.0.50.1")));
    assert_eq!(pod.gateway(ListRoutes::v6()), Some(ip("fd50::1")));
    let metric = pod.inside().default_route(&ListRoutes::v4().table(Table::MAIN)).unwrap().unwrap().metric;
    assert_eq!(metric, Some(99));
    assert!(host.link_at(attached.index).unwrap_err().is_no_device(), "never in the parent's namespace");

    assert_eq!(attached.detach(&mut host, &mut pod.sandbox, &Detach::new()).unwrap().link, Fate::Deleted);
    assert_eq!(attached.detach(&mut host, &mut pod.sandbox, &Detach::new()).unwrap().link, Fate::Gone, "a second time");
    assert_eq!(pod.contents(), empty);
    host.delete(parent).unwrap();
    Ok(())
}

#[kernel_test]
pub fn a_macvlan_is_attached_whole() -> Result<(), Skip> {
    for mode in
        [MacvlanMode::Bridge, MacvlanMode::Private, MacvlanMode::Vepa, MacvlanMode::Source, MacvlanMode::Passthru]
    {
        is_attached_whole(|parent| NewLink::macvlan(parent).mode(mode).name(name("eth0")).mtu(1400).into())?;
    }
    is_attached_whole(|parent| NewLink::macvlan(parent).mac(mac(7)).name(name("eth0")).into())
}

#[kernel_test]
pub fn a_macvtap_is_attached_whole() -> Result<(), Skip> {
    needs("macvtap")?;
    is_attached_whole(|parent| NewLink::macvtap(parent).mode(MacvlanMode::Bridge).name(name("eth0")).into())
}

#[kernel_test]
pub fn a_vlan_is_attached_whole() -> Result<(), Skip> {
    needs("vlan")?;
    is_attached_whole(|parent| NewLink::vlan(parent, vid(50)).name(name("eth0")).into())
}

#[kernel_test]
pub fn an_ipvlan_is_attached_whole() -> Result<(), Skip> {
    needs("ipvlan")?;
    is_attached_whole(|parent| NewLink::ipvlan(parent).mode(IpvlanMode::L2).name(name("eth0")).into())
}

#[kernel_test]
pub fn a_passthru_macvlan_tells_its_parents_address() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let parent = parent(&mut host);
    let of_parent = host.link_at(parent).unwrap().mac().mac();
    let link = NewLink::macvlan(parent).mode(MacvlanMode::Passthru).name(name("eth0"));
    let attached = pod.attach(&mut host, &Endpoint::new(link)).unwrap();
    assert_eq!(attached.mac, of_parent);
    assert_eq!(attached.detach(&mut host, &mut pod.sandbox, &Detach::new()).unwrap().link, Fate::Deleted);
    Ok(())
}

#[kernel_test]
pub fn a_link_without_a_name_tells_the_kernels() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let parent = parent(&mut host);
    let attached = pod.attach(&mut host, &Endpoint::new(NewLink::macvlan(parent))).unwrap();
    assert_eq!(attached.name, name("macvlan0"));
    Ok(())
}

#[kernel_test]
pub fn the_host_may_own_a_link_of_the_same_name() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let parent = parent(&mut host);
    let own = host.create(&NewLink::macvlan(parent).mode(MacvlanMode::Bridge).name(name("eth0")).mac(mac(1))).unwrap();
    let attached = pod.attach(&mut host, &bridge_endpoint(parent)).unwrap();
    assert_eq!((host.index_of("eth0").unwrap(), pod.inside().index_of("eth0").unwrap()), (own, attached.index));
    Ok(())
}

#[kernel_test]
pub fn there_is_time_between_prepare_and_finish() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let endpoint = bridge_endpoint(parent(&mut host));
    let prepared = endpoint.prepare(&mut host, &mut pod.sandbox).unwrap();
    assert!(!pod.link(prepared.index).flags.contains(LinkFlags::UP));
    assert_eq!(pod.inside().snapshot(&ListAddresses::new().index(prepared.index)).unwrap(), []);
    endpoint.finish(&prepared, &mut pod.sandbox).unwrap();
    assert_eq!(endpoint.check(&prepared, &mut pod.sandbox).unwrap(), []);
    Ok(())
}

#[kernel_test]
pub fn settings_are_in_force() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let endpoint = Endpoint::new(NewLink::macvlan(parent(&mut host)).name(name("eth0")))
        .ipv4(Ipv4Setting::ARP_NOTIFY, 1)
        .ipv4(Ipv4Setting::RP_FILTER, 2)
        .addr_gen_mode(AddrGenMode::None);
    let attached = pod.attach(&mut host, &endpoint).unwrap();
    let settings = pod.link(attached.index).settings;
    let ipv4 = |setting| settings.ipv4(setting);
    assert_eq!((ipv4(Ipv4Setting::ARP_NOTIFY), ipv4(Ipv4Setting::RP_FILTER)), (Some(1), Some(2)));
    assert_eq!(settings.addr_gen_mode, Some(AddrGenMode::None));
    let addresses = pod.inside().snapshot(&ListAddresses::new().index(attached.index)).unwrap();
    assert_eq!(addresses, [], "not even a link-local one");
    Ok(())
}

#[kernel_test]
pub fn a_gateway_outside_every_network_is_on_the_link() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let link = NewLink::macvlan(parent(&mut host)).name(name("eth0"));
    let endpoint = Endpoint::new(link)
        .addr(net("192.0.2.7/32"))
        .addr(net("fd50::7/128"))
        .nodad()
        .gateway(ip("10.0.0.1"))
        .gateway(ip("fe80::1"));
    let attached = pod.attach(&mut host, &endpoint).unwrap();
    assert_eq!(endpoint.check(&attached, &mut pod.sandbox).unwrap(), []);
    let route = pod.inside().default_route(&ListRoutes::v4()).unwrap().unwrap();
    assert!(route.is_onlink);
    assert_eq!(pod.gateway(ListRoutes::v6()), Some(ip("fe80::1")));
    attached.detach(&mut host, &mut pod.sandbox, &Detach::new()).unwrap();

    // An IPv4 link has no link-local network unless it is given an address of it.
    let endpoint = Endpoint::new(link).addr(net("192.0.2.7/32")).gateway(ip("169.254.1.1")).gateway(ip("fd99::1"));
    let attached = pod.attach(&mut host, &endpoint).unwrap();
    assert_eq!(endpoint.check(&attached, &mut pod.sandbox).unwrap(), []);
    assert_eq!(pod.gateway(ListRoutes::v4()), Some(ip("169.254.1.1")));
    assert_eq!(pod.gateway(ListRoutes::v6()), Some(ip("fd99::1")));
    Ok(())
}

/// From a third namespace, and from the container itself: the parent is named by the number that the container's namespace
/// has for the parent's.
#[kernel_test]
pub fn the_parent_may_be_in_yet_another_namespace() -> Result<(), Skip> {
    let (mut host, mut pod, mut third) = (socket(), Pod::new(), Pod::new());
    let parent = parent(&mut host);
    let nsid = pod.inside().nsid_or_new(Netns::current().unwrap()).unwrap();
    let mut by_itself = Socket::open_in(&pod.sandbox).unwrap();
    for from in [third.inside(), &mut by_itself] {
        let link = NewLink::macvlan(parent).mode(MacvlanMode::Bridge).name(name("eth0")).parent_in(nsid);
        let endpoint = with_addresses(link.into());
        let attached = pod.attach(from, &endpoint).unwrap();
        assert_eq!(endpoint.check(&attached, &mut pod.sandbox).unwrap(), []);
        assert_eq!(pod.link(attached.index).parent_netnsid, Some(nsid));
        assert_eq!(attached.detach(&mut host, &mut pod.sandbox, &Detach::new()).unwrap().link, Fate::Deleted);
    }
    Ok(())
}

#[kernel_test]
pub fn more_routes_are_added() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let parent = parent(&mut host);
    let endpoint = bridge_endpoint(parent)
        .route(NewRoute::new(net("10.1.0.0/16")).gateway(ip("10.0.50.2")))
        .route(NewRoute::new(net("fd51::/48")).metric(7))
        .route(NewRoute::new(net("10.2.0.0/16")).route_type(RouteType::Prohibit))
        .route(NewRoute::new(net("10.3.0.0/16")).table(Table(77)));
    let attached = pod.attach(&mut host, &endpoint).unwrap();
    assert_eq!(endpoint.check(&attached, &mut pod.sandbox).unwrap(), []);
    let by_it = pod.inside().snapshot(&ListRoutes::v4().table(Table(77)).index(attached.index)).unwrap();
    assert_eq!(by_it.len(), 1);

    // One that says a link leaves by that, even when it is another.
    let second = Endpoint::new(NewLink::macvlan(parent).mode(MacvlanMode::Bridge).name(name("eth1")))
        .route(NewRoute::new(net("10.4.0.0/16")).index(attached.index));
    let other = pod.attach(&mut host, &second).unwrap();
    assert_eq!(second.check(&other, &mut pod.sandbox).unwrap(), []);
    let routes = pod.inside().snapshot(&ListRoutes::v4().table(Table::MAIN).index(attached.index)).unwrap();
    assert!(routes.iter().any(|route| route.destination == Some(net("10.4.0.0/16"))));
    Ok(())
}

#[kernel_test]
pub fn ipv6_is_awaited() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let link = NewLink::macvlan(parent(&mut host)).mode(MacvlanMode::Bridge).name(name("eth0"));
    let mut watch = AddressWatch::open_in(&pod.sandbox).unwrap();
    let attached = pod.attach(&mut host, &Endpoint::new(link).addr(net("fd50::7/64"))).unwrap();
    let addr: Ipv6Addr = "fd50::7".parse().unwrap();
    watch.wait(attached.index, &[addr], Duration::from_secs(60)).unwrap();

    // A sibling with the same address finds it taken.
    let mut other = Pod::new();
    let mut watch = AddressWatch::open_in(&other.sandbox).unwrap();
    let attached = other.attach(&mut host, &Endpoint::new(link).addr(net("fd50::7/64"))).unwrap();
    let error = watch.wait(attached.index, &[addr], Duration::from_secs(60)).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::DuplicateAddress(_)), "{error}");
    Ok(())
}

/// As [`Endpoint::gateway`] says.
#[kernel_test]
pub fn a_second_gateway_of_a_family_is_refused() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let parent = parent(&mut host);
    let before = pod.contents();
    for second in ["10.0.50.2", "fd50::2"] {
        let endpoint = crate::help::bridge_endpoint(parent).gateway(crate::help::ip(second));
        let error = pod.attach(&mut host, &endpoint).unwrap_err();
        assert!(error.is_already_there() && error.to_string().contains(&format!("default via {second}")), "{error}");
        assert_eq!(pod.contents(), before);
    }
    Ok(())
}
