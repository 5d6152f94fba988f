//! Addresses, routes, namespace ids on the running kernel. Each test has a network namespace of its own.

#[path = "ip/named.rs"]
mod named;
#[path = "ip/ways.rs"]
mod ways;

use common::{Skip, mac, name, parent, socket, veth};
use std::net::{IpAddr, Ipv6Addr};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use sublink::addr::{AddressFlags, DeleteAddress, Label, Lifetime, ListAddresses};
use sublink::nsid::NewNsid;
use sublink::route::{DeleteRoute, ListRoutes, RouteInfo, RouteType, Table, Via};
use sublink::socket::AddressWatch;
use sublink::value::{NsId, RouteProtocol, Scope};
use sublink::{ErrorKind, IfIndex, IpNetwork, LinkChange, Netns, NewAddress, NewLink, NewRoute, Socket};
use sublink_tests::{self as common, kernel_test};

fn main() -> ExitCode {
    common::main()
}

fn ip(addr: &str) -> IpAddr {
    addr.parse().expect("an address")
}

fn net(addr: &str) -> IpNetwork {
    addr.parse().expect("a network")
}

fn addresses(socket: &mut Socket, index: IfIndex) -> Vec<IpNetwork> {
    let addresses = socket.snapshot(&ListAddresses::new().index(index)).expect("a list");
    addresses.iter().filter_map(|address| address.addr).filter(|a| !a.to_string().starts_with("fe80")).collect()
}

fn routes(socket: &mut Socket, request: ListRoutes) -> Vec<String> {
    let words = |route: &RouteInfo| {
        let gateway = route.gateway.map_or_else(String::new, |gateway| format!(" via {gateway}"));
        format!("{}{gateway}", route.destination.expect("a destination"))
    };
    socket.snapshot(&request).expect("a list").iter().map(words).collect()
}

#[kernel_test]
fn an_address_is_given_read_and_taken() -> Result<(), Skip> {
    let mut socket = socket();
    let p0 = parent(&mut socket);
    for addr in ["10.0.0.7/24", "10.0.0.8/31", "192.0.2.1/32", "fd00::7/64", "fd00::8/128"].map(net) {
        socket.apply(&NewAddress::new(p0, addr)).unwrap();
        assert_eq!(addresses(&mut socket, p0), [addr]);
        socket.apply(&DeleteAddress::new(p0, addr)).unwrap();
        assert_eq!(addresses(&mut socket, p0), [], "{addr}");
    }
    Ok(())
}

#[kernel_test]
fn an_address_given_twice_is_there_already_unless_replaced() -> Result<(), Skip> {
    let mut socket = socket();
    let p0 = parent(&mut socket);
    for addr in ["10.0.0.7/24", "fd00::7/64"].map(net) {
        let address = NewAddress::new(p0, addr);
        socket.apply(&address).unwrap();
        assert!(socket.apply(&address).unwrap_err().is_already_there());
        socket.apply(&address.replace().metric(77)).unwrap();
        let list = socket.snapshot(&ListAddresses::new().index(p0)).unwrap();
        let replaced = list.iter().find(|address| address.addr == Some(addr)).unwrap();
        assert_eq!(replaced.metric, Some(77), "{addr}");
    }
    Ok(())
}

#[kernel_test]
fn every_property_of_an_address_is_read_back() -> Result<(), Skip> {
    let mut socket = socket();
    let p0 = parent(&mut socket);
    let v4 = NewAddress::new(p0, net("10.0.0.7/24"))
        .label(Label::new("p0:1").unwrap())
        .scope(Scope::LINK)
        .noprefixroute()
        .metric(9)
        .lifetime(Lifetime { preferred: 1000, valid: 2000 });
    socket.apply(&v4).unwrap();
    let read = socket.snapshot(&ListAddresses::new().v4()).unwrap().remove(0);
    assert_eq!((read.index, read.scope, read.metric), (p0, Scope::LINK, Some(9)));
    assert_eq!(read.label.as_deref(), Some(&b"p0:1"[..]));
    assert_eq!(read.broadcast, Some(ip("10.0.0.255")));
    assert!(read.flags.unwrap().contains(AddressFlags::NOPREFIXROUTE));
    let lifetime = read.lifetime.unwrap();
    // It counts down, and 500 seconds are more than the test takes.
    assert!((500..=1000).contains(&lifetime.preferred) && (1500..=2000).contains(&lifetime.valid), "{lifetime:?}");
    assert_eq!(routes(&mut socket, ListRoutes::v4().table(Table::MAIN)), [""; 0]);

    let v6 = NewAddress::new(p0, net("fd00::7/64")).peer(ip("fd00:1::1")).nodad();
    socket.apply(&v6).unwrap();
    let list = socket.snapshot(&ListAddresses::new().v6()).unwrap();
    let read = list.iter().find(|address| address.peer == Some(ip("fd00:1::1"))).unwrap();
    assert_eq!(read.addr, Some(net("fd00::7/64")));
    assert!(read.flags.unwrap().contains(AddressFlags::NODAD));
    Ok(())
}

#[kernel_test]
fn addresses_are_listed_by_link_and_family() -> Result<(), Skip> {
    let mut socket = socket();
    let (p0, q0) = (parent(&mut socket), veth(&mut socket, "q0", "q1"));
    for (index, addr) in [(p0, "10.0.0.7/24"), (p0, "fd00::7/64"), (q0, "10.1.0.7/24")] {
        socket.apply(&NewAddress::new(index, net(addr)).nodad()).unwrap();
    }
    assert_eq!(addresses(&mut socket, q0), [net("10.1.0.7/24")]);
    let mut count = |request: ListAddresses| {
        let addresses = socket.snapshot(&request).unwrap();
        addresses.iter().filter(|a| a.scope == Scope::GLOBAL).count()
    };
    assert_eq!(count(ListAddresses::new()), 3);
    assert_eq!(count(ListAddresses::new().v4()), 2);
    assert_eq!(count(ListAddresses::new().v6().index(p0)), 1);
    assert!(socket.snapshot(&ListAddresses::new().index(IfIndex::new(999).unwrap())).is_err_and(|partial| {
        partial.error.is_no_device() && partial.error.to_string() == "list addresses: ENODEV (No such device)"
    }));
    Ok(())
}

#[kernel_test]
fn refusals_of_addresses_are_sentences() -> Result<(), Skip> {
    let mut socket = socket();
    let p0 = parent(&mut socket);
    let absent = IfIndex::new(999).unwrap();
    socket.apply(&NewAddress::new(p0, net("10.0.0.7/24"))).unwrap();
    let mut sentence =
        |request: &dyn Fn(&mut Socket) -> sublink::Result<()>| request(&mut socket).unwrap_err().to_string();
    let again = sentence(&|socket| socket.apply(&NewAddress::new(p0, net("10.0.0.7/24"))));
    assert!(again.starts_with("add address 10.0.0.7/24 to p0: EEXIST"), "{again}"); // newer kernels have words for it
    let nobody = sentence(&|socket| socket.apply(&NewAddress::new(absent, net("fd00::7/64"))));
    assert!(nobody.starts_with("add address fd00::7/64 to #999: ENODEV"), "{nobody}");
    let missing = sentence(&|socket| socket.apply(&DeleteAddress::new(p0, net("10.0.0.9/24"))));
    assert!(missing.starts_with("delete address 10.0.0.9/24 from p0: EADDRNOTAVAIL"), "{missing}");
    Ok(())
}

/// `p0` with 10.0.0.7/24 and fd00::7/64.
fn with_addresses(socket: &mut Socket) -> IfIndex {
    let p0 = parent(socket);
    socket.apply(&NewAddress::new(p0, net("10.0.0.7/24"))).unwrap();
    socket.apply(&NewAddress::new(p0, net("fd00::7/64")).nodad()).unwrap();
    p0
}

#[kernel_test]
fn a_route_is_added_replaced_and_deleted() -> Result<(), Skip> {
    let mut socket = socket();
    let p0 = with_addresses(&mut socket);
    let table = Table(1000);
    for (destination, first, second) in [
        ("10.9.0.0/16", "10.0.0.1", "10.0.0.2"),
        ("fd09::/48", "fd00::1", "fd00::2"),
        ("0.0.0.0/0", "10.0.0.1", "10.0.0.2"),
    ] {
        let list = if net(destination).is_ipv4() { ListRoutes::v4() } else { ListRoutes::v6() }.table(table);
        let route = NewRoute::new(net(destination)).index(p0).table(table);
        socket.apply(&route.gateway(ip(first))).unwrap();
        assert!(socket.apply(&route.gateway(ip(first))).unwrap_err().is_already_there());
        assert_eq!(routes(&mut socket, list), [format!("{destination} via {first}")]);
        socket.apply(&route.gateway(ip(second)).replace()).unwrap();
        assert_eq!(routes(&mut socket, list), [format!("{destination} via {second}")]);
        assert!(
            socket.apply(&DeleteRoute::like(route.gateway(ip(first)))).unwrap_err().is_no_process(),
            "of another gateway"
        );
        socket.apply(&DeleteRoute::like(route)).unwrap();
        assert_eq!(routes(&mut socket, list), [""; 0]);
    }
    Ok(())
}

/// In IPv4 the first counts. In IPv6 all share the traffic, and are one route with several ways.
#[kernel_test]
fn a_route_stands_before_and_behind_another() -> Result<(), Skip> {
    let mut socket = socket();
    let p0 = with_addresses(&mut socket);
    let by = |gateway| NewRoute::default_via(ip(gateway)).index(p0);
    for route in [by("10.0.0.1"), by("10.0.0.2").prepend(), by("10.0.0.3").append()] {
        socket.apply(&route).unwrap();
    }
    for route in [by("10.0.0.2").prepend(), by("10.0.0.2").append(), by("10.0.0.4")] {
        let error = socket.apply(&route).unwrap_err();
        assert!(error.is_already_there(), "{error}");
    }
    let all = ["10.0.0.2", "10.0.0.1", "10.0.0.3"].map(|gateway| format!("0.0.0.0/0 via {gateway}"));
    assert_eq!(routes(&mut socket, ListRoutes::v4().table(Table::MAIN))[..3], all);
    for route in [by("fd00::1"), by("fd00::2").prepend(), by("fd00::3").append()] {
        socket.apply(&route).unwrap();
    }
    let default = socket.default_route(&ListRoutes::v6().table(Table::MAIN)).unwrap().unwrap();
    let gateways: Vec<_> = default.next_hops.unwrap().iter().map(|hop| hop.gateway.unwrap()).collect();
    assert_eq!(gateways, ["fd00::1", "fd00::2", "fd00::3"].map(ip));
    Ok(())
}

#[kernel_test]
fn every_property_of_a_route_is_read_back() -> Result<(), Skip> {
    let mut socket = socket();
    let p0 = with_addresses(&mut socket);
    for (destination, gateway, source) in
        [("10.9.1.2/16", "10.5.0.1", "10.0.0.7"), ("fd09::1/48", "fd05::1", "fd00::7")]
    {
        let route = NewRoute::new(net(destination))
            .index(p0)
            .gateway(ip(gateway))
            .onlink()
            .metric(99)
            .source(ip(source))
            .protocol(RouteProtocol::DHCP)
            .table(Table(255_255));
        socket.apply(&route).unwrap();
        let list = if net(destination).is_ipv4() { ListRoutes::v4() } else { ListRoutes::v6() };
        let read = socket.snapshot(&list.table(Table(255_255))).unwrap().remove(0);
        assert_eq!(read.destination.map(|d| d.ip()), Some(net(destination).network()), "without host bits");
        assert_eq!((read.gateway, read.source), (Some(ip(gateway)), Some(ip(source))));
        assert_eq!((read.metric, read.table, read.protocol), (Some(99), Some(Table(255_255)), RouteProtocol::DHCP));
        assert_eq!((read.index, read.is_onlink, read.route_type), (Some(p0), true, RouteType::Unicast));
    }
    Ok(())
}

#[kernel_test]
fn routes_that_drop_packets() -> Result<(), Skip> {
    let mut socket = socket();
    parent(&mut socket);
    for route_type in [RouteType::Blackhole, RouteType::Unreachable, RouteType::Prohibit] {
        for destination in ["10.9.0.0/16", "fd09::/48"].map(net) {
            let route = NewRoute::new(destination).route_type(route_type);
            socket.apply(&route).unwrap();
            let list = if destination.is_ipv4() { ListRoutes::v4() } else { ListRoutes::v6() };
            let list = socket.snapshot(&list.table(Table::MAIN)).unwrap();
            let read = list.iter().find(|route| route.destination == Some(destination)).unwrap();
            assert_eq!(read.route_type, route_type);
            socket.apply(&DeleteRoute::like(route)).unwrap();
        }
    }
    Ok(())
}

#[kernel_test]
fn an_ipv4_route_by_an_ipv6_router() -> Result<(), Skip> {
    let mut socket = socket();
    let p0 = with_addresses(&mut socket);
    socket.apply(&NewRoute::new(net("10.9.0.0/16")).gateway(ip("fd00::1")).index(p0)).unwrap();
    let list = socket.snapshot(&ListRoutes::v4().table(Table::MAIN)).unwrap();
    let read = list.iter().find(|route| route.destination == Some(net("10.9.0.0/16"))).unwrap();
    assert_eq!((read.via, read.gateway), (Some(Via(ip("fd00::1"))), None));
    Ok(())
}

#[kernel_test]
fn an_empty_table_is_an_empty_list() -> Result<(), Skip> {
    let mut socket = socket();
    for list in [ListRoutes::v4(), ListRoutes::v6()] {
        assert_eq!(routes(&mut socket, list.table(Table::MAIN)), [""; 0]);
        assert_eq!(routes(&mut socket, list.table(Table(4711))), [""; 0]);
        assert!(socket.default_route(&list).unwrap().is_none());
    }
    Ok(())
}

#[kernel_test]
fn routes_are_listed_by_table_and_link() -> Result<(), Skip> {
    let mut socket = socket();
    let p0 = with_addresses(&mut socket);
    let q0 = veth(&mut socket, "q0", "q1");
    socket.apply(&NewRoute::new(net("10.9.0.0/16")).index(p0)).unwrap();
    socket.apply(&NewRoute::new(net("10.8.0.0/16")).index(q0)).unwrap();
    socket.apply(&NewRoute::new(net("10.7.0.0/16")).index(q0).table(Table(77))).unwrap();
    assert_eq!(routes(&mut socket, ListRoutes::v4().table(Table::MAIN).index(q0)), ["10.8.0.0/16"]);
    assert_eq!(routes(&mut socket, ListRoutes::v4().table(Table::MAIN)), ["10.0.0.0/24", "10.8.0.0/16", "10.9.0.0/16"]);
    assert_eq!(routes(&mut socket, ListRoutes::v4().table(Table(77))), ["10.7.0.0/16"]);
    assert!(routes(&mut socket, ListRoutes::v4()).len() > 4, "the local table as well");
    Ok(())
}

#[kernel_test]
fn the_default_route_is_the_one_of_the_lowest_metric() -> Result<(), Skip> {
    let mut socket = socket();
    let p0 = with_addresses(&mut socket);
    let v4 = ListRoutes::v4().table(Table::MAIN);
    for (gateway, metric) in [("10.0.0.1", 300), ("10.0.0.2", 99), ("10.0.0.3", 200), ("fd00::5", 5)] {
        socket.apply(&NewRoute::default_via(ip(gateway)).index(p0).metric(metric)).unwrap();
    }
    socket.apply(&NewRoute::new(net("0.0.0.0/0")).route_type(RouteType::Unreachable).metric(1)).unwrap();
    socket.apply(&NewRoute::default_via(ip("10.0.0.9")).index(p0).table(Table(99))).unwrap();
    let route = socket.default_route(&v4).unwrap().unwrap();
    assert_eq!((route.gateway, route.link()), (Some(ip("10.0.0.2")), Some(p0)));
    let route = socket.default_route(&ListRoutes::v6().table(Table::MAIN)).unwrap().unwrap();
    assert_eq!(route.gateway, Some(ip("fd00::5")));
    Ok(())
}

#[kernel_test]
fn a_default_route_of_several_next_hops_has_a_link() -> Result<(), Skip> {
    let mut socket = socket();
    let p0 = with_addresses(&mut socket);
    let arguments = ["route", "add", "default", "nexthop", "via", "10.0.0.1", "nexthop", "via", "10.0.0.2"];
    assert!(std::process::Command::new("ip").args(arguments).status().unwrap().success());
    let route = socket.default_route(&ListRoutes::v4().table(Table::MAIN)).unwrap().unwrap();
    assert_eq!(route.link(), Some(p0));
    let gateways: Vec<_> = route.next_hops.unwrap().iter().map(|hop| hop.gateway.unwrap()).collect();
    assert_eq!(gateways, [ip("10.0.0.1"), ip("10.0.0.2")]);
    Ok(())
}

#[kernel_test]
fn refusals_of_routes_are_sentences() -> Result<(), Skip> {
    let mut socket = socket();
    let p0 = with_addresses(&mut socket);
    let mut refused = |route: NewRoute<'_>| socket.apply(&route).unwrap_err().to_string();
    assert_eq!(
        refused(NewRoute::default_via(ip("10.5.0.1")).index(p0)),
        "add route default via 10.5.0.1 dev p0: ENETUNREACH: Nexthop has invalid gateway"
    );
    let to_nowhere = refused(NewRoute::new(net("10.9.0.0/16")).index(IfIndex::new(999).unwrap()));
    assert!(to_nowhere.starts_with("add route 10.9.0.0/16 dev #999: ENODEV (No such device)"), "{to_nowhere}");
    let missing = socket.apply(&DeleteRoute::like(NewRoute::new(net("10.9.0.0/16")))).unwrap_err();
    assert!(missing.to_string().starts_with("delete route 10.9.0.0/16: ESRCH (No such process)"), "{missing}");
    Ok(())
}

#[kernel_test]
fn a_default_route_is_replaced_without_a_moment_in_between() -> Result<(), Skip> {
    let mut socket = socket();
    let p0 = with_addresses(&mut socket);
    let q0 = veth(&mut socket, "q0", "q1");
    socket.apply(&NewAddress::new(q0, net("10.1.0.7/24"))).unwrap();
    socket.apply(&NewRoute::default_via(ip("10.0.0.1")).index(p0)).unwrap();
    socket.apply(&NewRoute::default_via(ip("10.1.0.1")).index(q0).replace()).unwrap();
    let default = routes(&mut socket, ListRoutes::v4().table(Table::MAIN));
    assert_eq!(default, ["0.0.0.0/0 via 10.1.0.1", "10.0.0.0/24", "10.1.0.0/24"], "one, of the other link");
    Ok(())
}

#[kernel_test]
fn a_namespace_gets_an_id_and_keeps_it() -> Result<(), Skip> {
    let mut socket = socket();
    let other = Netns::create().unwrap();
    assert_eq!(socket.nsid_of(&other).unwrap(), None);
    let nsid = socket.nsid_or_new(&other).unwrap();
    assert!(nsid.is_assigned());
    assert_eq!((socket.nsid_of(&other).unwrap(), socket.nsid_or_new(&other).unwrap()), (Some(nsid), nsid));
    assert!(socket.apply(&NewNsid::new(&other)).unwrap_err().is_already_there());
    let third = Netns::create().unwrap();
    socket.apply(&NewNsid::new(&third).nsid(NsId::new(77).unwrap())).unwrap();
    assert_eq!(socket.nsid_of(&third).unwrap(), Some(NsId::new(77).unwrap()));
    let file = std::fs::File::open("/dev/null").unwrap();
    let error = socket.nsid_of(&file).unwrap_err().to_string();
    assert_eq!(error, "get the id of a namespace: EINVAL: Peer netns reference is invalid: NETNSA_FD");
    Ok(())
}

const LIMIT: Duration = Duration::from_secs(120);

fn v6(addr: &str) -> Ipv6Addr {
    addr.parse().expect("an IPv6 address")
}

#[kernel_test]
fn detection_is_awaited_by_events() -> Result<(), Skip> {
    let mut socket = socket();
    let p0 = parent(&mut socket);
    let mut watch = AddressWatch::open().unwrap();
    socket.apply(&NewAddress::new(p0, net("fd00::7/64"))).unwrap();
    socket.apply(&NewAddress::new(p0, net("fd00::8/64")).nodad()).unwrap();
    watch.wait(p0, &[v6("fd00::7"), v6("fd00::8")], LIMIT).unwrap();
    let list = socket.snapshot(&ListAddresses::new().index(p0).v6()).unwrap();
    let ours: Vec<_> = list.iter().filter(|address| address.scope == Scope::GLOBAL).collect();
    assert_eq!(ours.len(), 2);
    assert!(ours.iter().all(|address| !address.flags.unwrap().contains(AddressFlags::TENTATIVE)));
    AddressWatch::open().unwrap().wait(p0, &[v6("fd00::7")], LIMIT).expect("opened after the event, it looks first");
    Ok(())
}

#[kernel_test]
fn detection_finds_a_duplicate() -> Result<(), Skip> {
    let mut socket = socket();
    let other = Netns::create().unwrap();
    let pair = NewLink::veth(NewLink::peer().name(name("p1")).netns(&other)).name(name("p0")).up();
    let p0 = socket.create(&pair.mac(mac(1))).unwrap();
    let mut there = Socket::open_in(&other).unwrap();
    let p1 = there.index_of("p1").unwrap();
    there.change(&LinkChange::new(p1).up()).unwrap();
    there.apply(&NewAddress::new(p1, net("fd00::7/64")).nodad()).unwrap();
    // One that is for ever stays, marked; another the kernel deletes.
    for lifetime in [Lifetime::FOREVER, Lifetime { preferred: 1000, valid: 2000 }] {
        let mut watch = AddressWatch::open().unwrap();
        socket.apply(&NewAddress::new(p0, net("fd00::7/64")).lifetime(lifetime)).unwrap();
        let error = watch.wait(p0, &[v6("fd00::7")], LIMIT).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::DuplicateAddress(addr) if *addr == v6("fd00::7")), "{error}");
        let _ = socket.apply(&DeleteAddress::new(p0, net("fd00::7/64")));
    }
    Ok(())
}

#[kernel_test]
fn detection_on_a_link_that_is_down_ends_at_the_limit() -> Result<(), Skip> {
    let mut socket = socket();
    let p0 = parent(&mut socket);
    let mv0 = socket.create(&NewLink::macvlan(p0).name(name("mv0")).mac(mac(7))).unwrap();
    socket.apply(&NewAddress::new(mv0, net("fd00::7/64"))).unwrap();
    let error = AddressWatch::open().unwrap().wait(mv0, &[v6("fd00::7")], Duration::from_millis(20)).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::StillTentative(_)), "{error}");
    Ok(())
}

/// Events of other addresses come all the time, and do not prolong the wait.
#[kernel_test]
fn a_limit_is_for_the_whole_wait() -> Result<(), Skip> {
    let mut socket = socket();
    let p0 = parent(&mut socket);
    let mv0 = socket.create(&NewLink::macvlan(p0).name(name("mv0")).mac(mac(7))).unwrap();
    socket.apply(&NewAddress::new(mv0, net("fd00::7/64"))).unwrap();
    let mut watch = AddressWatch::open().unwrap();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let chatter = scope.spawn(|| {
            let other = NewAddress::new(p0, net("fd01::1/64")).nodad();
            let since = Instant::now();
            while !is_over.load(Ordering::Relaxed) && since.elapsed() < LIMIT {
                socket.apply(&other.replace()).unwrap();
            }
            since.elapsed()
        });
        let error = watch.wait(mv0, &[v6("fd00::7")], Duration::from_millis(50)).unwrap_err();
        is_over.store(true, Ordering::Relaxed);
        assert!(matches!(error.kind(), ErrorKind::StillTentative(_)), "{error}");
        assert!(chatter.join().unwrap() < LIMIT, "it ended before they did");
    });
    Ok(())
}

#[kernel_test]
fn an_address_that_is_taken_ends_the_wait() -> Result<(), Skip> {
    let mut socket = socket();
    let p0 = parent(&mut socket);
    socket.apply(&NewAddress::new(p0, net("fd00::7/64"))).unwrap();
    let mut watch = AddressWatch::open().unwrap();
    let error = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| watch.wait(p0, &[v6("fd00::7")], LIMIT));
        socket.apply(&DeleteAddress::new(p0, net("fd00::7/64"))).unwrap();
        waiting.join().unwrap().unwrap_err()
    });
    assert!(matches!(error.kind(), ErrorKind::AddressGone(_)), "{error}");
    Ok(())
}
