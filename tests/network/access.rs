//! The host's own link beside the containers': given, taken back, restored, and out of the way of everything else. That it
//! leads to them is in the suite `traffic`.

use crate::common::{Skip, mac, name, needs, parent, socket, veth};
use crate::help::{connect, connection, failed, links, macvlan, mark, on, owner, refused, subnet, up};
use crate::pod::{Pod, ip, net};
use crate::tools::try_ip;
use std::sync::Barrier;
use std::thread;
use sublink::addr::ListAddresses;
use sublink::endpoint::Detach;
use sublink::link::{KindInfo, VlanId};
use sublink::network::{self, HostAccess, InvalidNetwork, InvalidParent, Parent, Removal, restore_networks};
use sublink::route::{ListRoutes, Table};
use sublink::value::Alias;
use sublink::{Endpoint, IfIndex, IpNetwork, LinkChange, MacvlanMode, Netns, Network, NewLink, Owner, Socket};
use sublink_tests::kernel_test;

fn access() -> HostAccess {
    HostAccess::new().addr(ip("10.0.50.250")).addr(ip("fd50::250")).to(net("10.0.50.64/26")).to(net("fd50::/64"))
}

fn p0() -> Parent {
    Parent::new(name("p0"))
}

#[track_caller]
fn give(host: &mut Socket, parent: Parent, link: &str, access: &HostAccess) -> IfIndex {
    parent.give_host_access(host, &owner(), name(link), access).unwrap()
}

#[track_caller]
fn take(host: &mut Socket, parent: Parent, link: &str) -> Removal {
    parent.take_host_access(host, &owner(), name(link)).unwrap()
}

/// The link's addresses and the routes by it, without those that the kernel makes by itself.
fn contents(host: &mut Socket, index: IfIndex) -> (Vec<IpNetwork>, Vec<IpNetwork>) {
    let addresses = host.snapshot(&ListAddresses::new().index(index)).unwrap();
    let own = |addr: &IpNetwork| !addr.to_string().starts_with("fe80:");
    let mut routes = host.snapshot(&ListRoutes::v4().table(Table::MAIN).index(index)).unwrap();
    routes.extend(host.snapshot(&ListRoutes::v6().table(Table::MAIN).index(index)).unwrap());
    let of_its_own = |to: &IpNetwork| own(to) && (to.is_ipv4() || to.prefix() < 128);
    let mut addrs: Vec<_> = addresses.into_iter().filter_map(|address| address.addr).filter(own).collect();
    addrs.sort();
    (addrs, routes.into_iter().filter_map(|route| route.destination).filter(of_its_own).collect())
}

#[track_caller]
fn is_given(host: &mut Socket, index: IfIndex, parent: IfIndex, mark: &str) {
    let link = host.link_at(index).unwrap().to_owned();
    let KindInfo::Macvlan(macvlan) = &link.kind else { panic!("{link:?}") };
    assert_eq!((macvlan.mode, link.parent), (Some(MacvlanMode::Bridge), Some(parent)));
    assert_eq!(link.alias.as_deref().map(String::from_utf8_lossy).as_deref(), Some(&*format!("sublink:tests:{mark}")));
    let expected = [net("10.0.50.250/32"), net("fd50::250/128")];
    assert_eq!(contents(host, index), (expected.into(), vec![net("10.0.50.64/26"), net("fd50::/64")]));
    let ignore = std::fs::read_to_string(format!("/proc/sys/net/ipv4/conf/{}/arp_ignore", link.name));
    assert!(ignore.is_err() || ignore.unwrap().trim() == "1", "it answers for its own addresses only");
}

#[kernel_test]
pub fn it_is_given_and_taken_back() -> Result<(), Skip> {
    let mut host = socket();
    let parent = parent(&mut host);
    let before = links(&mut host);
    let index = give(&mut host, p0(), "shim0", &access().mac(mac(9)));
    is_given(&mut host, index, parent, "shim0:p0");
    assert_eq!(host.link_at(index).unwrap().mac().mac(), Some(mac(9)));
    assert!(host.link_at(index).unwrap().is_up());
    let now = links(&mut host);
    assert_eq!(give(&mut host, p0(), "shim0", &access()), index, "a second time");
    assert_eq!(links(&mut host), now);
    is_given(&mut host, index, parent, "shim0:p0");

    // What somebody has taken from it comes back.
    try_ip("address flush dev shim0").unwrap();
    try_ip("link set shim0 down").unwrap();
    assert_eq!(give(&mut host, p0(), "shim0", &access()), index);
    is_given(&mut host, index, parent, "shim0:p0");

    assert_eq!(take(&mut host, p0(), "shim0"), Removal::Removed);
    assert_eq!(links(&mut host), before);
    assert_eq!(take(&mut host, p0(), "shim0"), Removal::NotThere);
    Ok(())
}

/// A route without a link of its own, or with several, is taken for its own no more than another link's.
#[kernel_test]
pub fn a_route_of_no_single_link_is_not_its_own() -> Result<(), Skip> {
    let mut host = socket();
    parent(&mut host);
    veth(&mut host, "q0", "q1");
    try_ip("address add 10.1.0.1/24 dev q0").unwrap();
    let before = links(&mut host);
    let two = "route add 10.0.50.64/26 nexthop via 10.1.0.2 dev q0 nexthop via 10.1.0.3 dev q0";
    for route in ["route add blackhole 10.0.50.64/26", two] {
        try_ip(route).unwrap();
        let error = p0().give_host_access(&mut host, &owner(), name("shim0"), &access()).unwrap_err();
        assert!(error.as_failed().is_some_and(sublink::Error::is_already_there), "{route}: {error}");
        assert_eq!(links(&mut host), before, "{route}");
        try_ip("route del 10.0.50.64/26").unwrap();
    }
    Ok(())
}

#[kernel_test]
pub fn several_networks_share_a_parent() -> Result<(), Skip> {
    let mut host = socket();
    let parent = parent(&mut host);
    let before = links(&mut host);
    let access = |addr: &str, to: &str| HostAccess::new().addr(ip(addr)).to(net(to));
    let networks = ["a", "b"].map(|network| on("p0", network));
    let [a, b] = networks.map(|network| {
        let number = if network.name() == "a" { 1 } else { 2 };
        let subnet = subnet(&format!("10.{number}.0.0/16"), &format!("10.{number}.0.1"));
        network.subnet(subnet).host_access(access(&format!("10.{number}.9.9"), &format!("10.{number}.1.0/24")))
    });
    let all = [a.clone(), b.clone()];
    a.validate(&all[1..]).unwrap();
    let [of_a, of_b] = [&a, &b].map(|network| network.give_host_access(&mut host, &owner()).unwrap());
    assert_eq!(host.link_at(of_a).unwrap().name(), a.host_access_name());
    for index in [of_a, of_b] {
        assert_eq!(host.link_at(index).unwrap().parent(), Some(parent));
    }
    assert_eq!(a.remove_parent(&mut host, &owner(), &all).unwrap(), Removal::Shared);
    assert!(host.link_at(of_a).unwrap_err().is_no_device(), "it goes with its network");
    host.link_at(of_b).expect("the other's");
    assert_eq!(b.take_host_access(&mut host, &owner()).unwrap(), Removal::Removed);
    assert_eq!(b.remove_parent(&mut host, &owner(), &[]).unwrap(), Removal::NotOurs);
    assert_eq!(links(&mut host), before);
    Ok(())
}

/// A parent that was made goes with its network, although the host had access.
#[kernel_test]
pub fn it_goes_with_the_parent() -> Result<(), Skip> {
    needs("vlan")?;
    let (mut host, mut pod) = (socket(), Pod::new());
    parent(&mut host);
    let before = links(&mut host);
    let network = on("p0.50", "net").subnet(subnet("10.0.50.0/24", "10.0.50.1"));
    let network = network.host_access(HostAccess::new().addr(ip("10.0.50.250")));
    let index = network.give_host_access(&mut host, &owner()).unwrap();
    assert_eq!(
        contents(&mut host, index),
        (vec![net("10.0.50.250/32")], vec![net("10.0.50.0/24")]),
        "all of the subnet"
    );
    let member = connect(&network, &mut host, &mut pod, connection("eth0", &["10.0.50.7/24"]), &[]).unwrap();
    let error = connect(&network, &mut host, &mut pod, connection("eth1", &["10.0.50.250/24"]), &[]).unwrap_err();
    assert_eq!(error.to_string(), "the address 10.0.50.250/24 is the host's in the network net");
    member.disconnect(&mut host, &mut pod.sandbox, &[], &Detach::new()).unwrap();

    let vlan = network.parent().unwrap();
    assert_eq!(vlan.remove(&mut host, &owner(), &[]).unwrap(), Removal::InUse, "by the host");
    host.link_at(index).expect("it is there");
    assert_eq!(network.remove_parent(&mut host, &owner(), &[]).unwrap(), Removal::Removed);
    assert_eq!(links(&mut host), before);
    Ok(())
}

#[kernel_test]
pub fn it_is_restored_and_its_orphans_go() -> Result<(), Skip> {
    let mut host = socket();
    parent(&mut host);
    let before = links(&mut host);
    let network = on("p0", "net").subnet(subnet("10.0.50.0/24", "10.0.50.1"));
    let network = network.host_access(HostAccess::new().addr(ip("10.0.50.250")));
    let restore = |host: &mut Socket, networks: &[Network]| restore_networks(host, &owner(), networks).unwrap();
    let restored = restore(&mut host, std::slice::from_ref(&network));
    let (of, index) = &restored.host_access[0];
    let index = *index.as_ref().unwrap();
    assert_eq!((&**of, contents(&mut host, index).1), ("net", vec![net("10.0.50.0/24")]));
    let again = restore(&mut host, std::slice::from_ref(&network));
    assert_eq!((again.orphans.len(), *again.host_access[0].1.as_ref().unwrap()), (0, index), "it is there already");

    // One that was left half-made is finished; that of a network which is no more goes, with its like.
    host.delete(index).unwrap();
    let p0 = host.index_of("p0").unwrap();
    let half = NewLink::macvlan(p0).mode(MacvlanMode::Bridge).mac(mac(5)).name(name("sl~0123456789ab"));
    let half = host.create(&half).unwrap();
    mark(&mut host, half, format!("{}:p0", network.host_access_name()));
    assert_eq!(network.give_host_access(&mut host, &owner()).unwrap(), half);
    let other = on("p0", "other").subnet(subnet("10.0.60.0/24", "10.0.60.1"));
    let gone =
        other.host_access(HostAccess::new().addr(ip("10.0.60.250"))).give_host_access(&mut host, &owner()).unwrap();
    let foreign = host.create(&NewLink::macvlan(p0).mode(MacvlanMode::Bridge).mac(mac(6)).name(name("x"))).unwrap();
    let restored = restore(&mut host, std::slice::from_ref(&network));
    assert_eq!(restored.orphans.len(), 1, "{restored:?}");
    assert!(host.link_at(gone).unwrap_err().is_no_device());
    host.link_at(foreign).expect("somebody else's");
    host.delete(foreign).unwrap();

    // Who has no networks keeps what stands on the parents that are wanted.
    assert_eq!(network::remove_orphans(&mut host, &owner(), &[self::p0()]).unwrap().len(), 0);
    restore(&mut host, &[]);
    assert_eq!(links(&mut host), before);
    Ok(())
}

#[kernel_test]
pub fn what_cannot_be_is_refused_and_leaves_nothing() -> Result<(), Skip> {
    let (mut host, pod) = (socket(), Pod::new());
    let parent = parent(&mut host);
    let with = |parent: Parent, access: HostAccess| {
        move |host: &mut Socket| parent.give_host_access(host, &owner(), name("shim0"), &access)
    };
    let v4 = || HostAccess::new().addr(ip("10.0.50.250"));

    // Another link has the name, or it as another name.
    let foreign = veth(&mut host, "shim0", "x");
    let error = refused(&mut host, with(p0(), access()));
    assert_eq!(error.to_string(), "the host's access to what stands on p0 would be named shim0, and another link is");
    assert_eq!(take(&mut host, p0(), "shim0"), Removal::NotOurs);
    mark(&mut host, foreign, "shim0:p0");
    assert_eq!(take(&mut host, p0(), "shim0"), Removal::NotOurs, "a mark is not enough");
    host.delete(foreign).unwrap();
    host.add_alt_name(parent, "shim0").unwrap();
    let error = refused(&mut host, with(p0(), access()));
    assert!(failed(&error).is_already_there(), "{error}");
    host.delete_alt_name(parent, "shim0").unwrap();

    // The host has a route there, as by its own address on the parent.
    try_ip("address add 10.0.50.9/24 dev p0").unwrap();
    let error = refused(&mut host, with(p0(), v4().to(net("10.0.50.0/24"))));
    let expected = "the host has a route to 10.0.50.0/24 already, by p0: say which part of it the containers have";
    assert_eq!(error.to_string(), expected);
    let error = refused(&mut host, with(p0(), v4().to(net("fd50::/64"))));
    assert_eq!(error.to_string(), "the host's access to fd50::/64 has no address of that family");
    let no_base = refused(&mut host, with(Parent::new(name("p9.50")), access()));
    assert!(matches!(no_base.as_invalid(), Some(InvalidNetwork::Parent(InvalidParent::NoBase { .. }))), "{no_base}");

    // A passthru child has the parent to itself.
    let passthru = NewLink::macvlan(parent).mode(MacvlanMode::Passthru).name(name("eth0")).netns(&pod.sandbox);
    host.create(&passthru).unwrap();
    let error = refused(&mut host, with(p0(), v4().to(net("10.0.50.64/26"))));
    assert_eq!(failed(&error).raw_os_error(), Some(22), "{error}");
    let private = network::Network::new("net", network::Driver::Macvlan(MacvlanMode::Private)).unwrap().on(name("p0"));
    let private = private.subnet(subnet("10.0.50.0/24", "10.0.50.1")).host_access(v4());
    let error = refused(&mut host, |host| private.give_host_access(host, &owner()));
    let expected = "the host is given access to a macvlan network in bridge mode only, and net is in private mode";
    assert_eq!(error.to_string(), expected);
    let error = refused(&mut host, |host| macvlan("net").give_host_access(host, &owner()));
    assert_eq!(error.to_string(), "the host has no address in the network net: say one that no container is given");
    Ok(())
}

#[kernel_test]
pub fn what_somebody_elses_is_not_taken() -> Result<(), Skip> {
    let mut host = socket();
    parent(&mut host);
    let index = give(&mut host, p0(), "shim0", &access());
    let stranger = Owner::new("other").unwrap();
    assert_eq!(p0().take_host_access(&mut host, &stranger, name("shim0")).unwrap(), Removal::NotOurs);
    let q0 = veth(&mut host, "q0", "q1");
    assert_eq!(take(&mut host, Parent::new(name("q0")), "shim0"), Removal::NotOurs, "it is on p0");
    for alias in ["sublink:tests:shim0:q0", "sublink:tests:shim0", "sublink:tests:shim1:p0"] {
        host.change(&LinkChange::new(index).alias(Alias::new(alias).unwrap())).unwrap();
        assert_eq!(take(&mut host, p0(), "shim0"), Removal::NotOurs, "{alias}");
    }
    host.link_at(index).expect("it is there");
    host.link_at(q0).expect("it is there");
    Ok(())
}

/// Containers come and go beside it, and are detached by what is said of each alone.
#[kernel_test]
pub fn a_container_that_leaves_does_not_take_it_along() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let parent = parent(&mut host);
    let index = give(&mut host, p0(), "shim0", &access());
    let link = NewLink::macvlan(parent).mode(MacvlanMode::Bridge).name(name("eth0"));
    let attached = pod.attach(&mut host, &Endpoint::new(link).addr(net("10.0.50.70/24"))).unwrap();
    let detached = attached.detach(&mut host, &mut pod.sandbox, &Detach::new().others(&[])).unwrap();
    assert!(detached.swept.is_empty() && detached.remaining.is_empty(), "{detached}");
    is_given(&mut host, index, parent, "shim0:p0");
    Ok(())
}

#[kernel_test]
pub fn it_is_made_once() -> Result<(), Skip> {
    let mut host = socket();
    parent(&mut host);
    let before = links(&mut host);
    let here = Netns::current().unwrap();
    for round in 0..10 {
        let start = Barrier::new(4);
        let give = || {
            let mut host = Socket::open_in(&here).unwrap();
            start.wait();
            let given = p0().give_host_access(&mut host, &owner(), name("shim0"), &access());
            given.unwrap_or_else(|error| panic!("round {round}: {error}"))
        };
        let given: Vec<IfIndex> = thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(give)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let index = host.index_of("shim0").unwrap();
        assert!(given.iter().all(|given| *given == index), "{given:?}");
        assert_eq!(links(&mut host).len(), before.len() + 1);
        host.delete(index).unwrap();
    }
    Ok(())
}

/// A parent that is a VLAN, made for it.
#[kernel_test]
pub fn its_parent_is_brought_up() -> Result<(), Skip> {
    needs("vlan")?;
    let mut host = socket();
    let p0 = parent(&mut host);
    host.change(&LinkChange::new(p0).down()).unwrap();
    let vlan = Parent::vlan(name("up50"), name("p0"), VlanId::new(50).unwrap());
    let error = refused(&mut host, |host| vlan.give_host_access(host, &owner(), name("shim0"), &access()));
    assert_eq!(failed(&error).raw_os_error(), Some(100), "{error}");
    give(&mut host, vlan.bring_up(), "shim0", &access());
    assert!(host.link_at(p0).unwrap().is_up());
    assert_eq!(take(&mut host, vlan, "shim0"), Removal::Removed);
    assert_eq!(vlan.remove(&mut host, &owner(), &[]).unwrap(), Removal::Removed);
    up(&on("p0", "net"), &mut host).unwrap();
    Ok(())
}
