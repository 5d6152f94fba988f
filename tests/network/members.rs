//! Containers that join and leave networks while they run.

use crate::common::{Skip, mac, name, socket, veth};
use crate::help::{connect, connection, failed, macvlan, on, owner, subnet};
use crate::pod::{Pod, ip, links, net};
use crate::watch::DefaultRoutes;
use std::net::IpAddr;
use sublink::addr::DeleteAddress;
use sublink::endpoint::{Detach, Fate};
use sublink::error::Undo;
use sublink::link::KindInfo;
use sublink::network::{Connection, Subnet};
use sublink::route::{DeleteRoute, ListRoutes, RouteInfo, Table};
use sublink::{ErrorKind, IfIndex, LinkChange, MacvlanMode, Network, NewAddress, NewLink, NewRoute, Sandbox, Socket};
use sublink_tests::kernel_test;

/// The networks of these tests, each on a parent of its own: 10.N.0.0/16 and fd0N::/64, with or without gateways.
fn network(host: &mut Socket, number: u8, network_name: &str, gateways: [bool; 2]) -> Network {
    let parent = format!("p{number}");
    if host.index_of(&parent).is_err() {
        veth(host, &parent, &format!("q{number}"));
    }
    let subnets = [("10.", ".0.0/16", ".0.1"), ("fd0", "::/64", "::1")];
    let network = on(&parent, network_name);
    subnets.into_iter().zip(gateways).fold(network, |network, ((before, net, gateway), has_gateway)| {
        let with_gateway = subnet(&format!("{before}{number}{net}"), &format!("{before}{number}{gateway}"));
        network.subnet(if has_gateway { with_gateway } else { Subnet::new(with_gateway.network()) })
    })
}

/// `ethN`, with an address of both families.
fn in_network(number: u8) -> Connection {
    connection(&format!("eth{number}"), &[&format!("10.{number}.0.7/16"), &format!("fd0{number}::7/64")])
}

const BOTH: [bool; 2] = [true, true];
const V4: [bool; 2] = [true, false];
const V6: [bool; 2] = [false, true];
const NONE: [bool; 2] = [false, false];

/// The numbers of the networks that have the default routes of IPv4 and IPv6; 0 if there is none. There is never more than
/// one.
fn defaults(pod: &mut Pod) -> [u8; 2] {
    [ListRoutes::v4(), ListRoutes::v6()].map(|list| {
        let mut routes = pod.inside().snapshot(&list.table(Table::MAIN)).unwrap();
        routes.retain(|route| route.destination.is_some_and(|destination| destination.prefix() == 0));
        let [route] = &routes[..] else {
            assert!(routes.is_empty(), "{routes:?}");
            return 0;
        };
        let number = match route.gateway {
            Some(IpAddr::V4(gateway)) => gateway.octets()[1],
            Some(IpAddr::V6(gateway)) => gateway.octets()[1],
            None => panic!("{route:?}"),
        };
        let link = pod.inside().index_of(format!("eth{number}")).unwrap();
        assert_eq!(route.index, Some(link), "by the link of the gateway's network");
        number
    })
}

#[kernel_test]
pub fn a_connected_container_has_what_was_said() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    pod.sandbox.bring_up_loopback().unwrap(); // which stays up
    let before = pod.contents();
    let network = network(&mut host, 1, "net", BOTH).option("macvlan_mode", "private").unwrap().mtu(1400);
    let connection = in_network(1).mac(mac(7));
    let member = connect(&network, &mut host, &mut pod, connection.clone(), &[]).unwrap();
    let link = pod.link(member.attached.index);
    assert_eq!((link.name, link.mac, link.mtu), (name("eth1"), Some(mac(7)), 1400));
    let KindInfo::Macvlan(macvlan) = &link.kind else { panic!("{link:?}") };
    assert_eq!(macvlan.mode, Some(MacvlanMode::Private));
    let endpoint = network.endpoint(host.index_of("p1").unwrap(), &connection).unwrap();
    assert_eq!(endpoint.check(&member.attached, &mut pod.sandbox).unwrap(), []);
    assert_eq!(defaults(&mut pod), [1, 1]);

    let mut other = Pod::new();
    let random = crate::help::connection("eth1", &["10.1.0.8/16", "fd01::8/64"]);
    let random = connect(&network, &mut host, &mut other, random, &[]).unwrap().attached.mac.unwrap();
    assert_eq!(random.bytes()[0] & 3, 2, "{random} is locally administered, and one station's");

    assert_eq!(member.disconnect(&mut host, &mut pod.sandbox, &[], &Detach::new()).unwrap().link, Fate::Deleted);
    assert_eq!(pod.contents(), before);
    Ok(())
}

/// A network that joins, and which networks have the default routes then.
struct Row {
    name: &'static str,
    gateways: [bool; 2],
    priority: i32,
    internal: bool,
    defaults: [u8; 2],
}

/// The networks join one after the other, and leave in the same order.
fn come_and_go(rows: &[Row], after_leaving: &[[u8; 2]]) {
    let (mut host, mut pod) = (socket(), Pod::new());
    let networks: Vec<_> = (1..)
        .zip(rows)
        .map(|(number, row)| {
            let network = network(&mut host, number, row.name, row.gateways);
            if row.internal { network.internal() } else { network }
        })
        .collect();
    let mut watch = DefaultRoutes::watch(&mut pod);
    let (mut members, mut before) = (Vec::new(), [0, 0]);
    let mut has_changed = |pod: &mut Pod, expected: [u8; 2], what: &str| {
        let is = defaults(pod);
        assert_eq!(is, expected, "{what}");
        let once = [0, 1].map(|family| usize::from(is[family] != before[family]));
        if (0..2).any(|family| before[family] != 0 && is[family] == 0) {
            watch = DefaultRoutes::watch(pod); // there is none to be had any more
        } else {
            assert_eq!(watch.changes(), once, "{what}: as often as it had to");
        }
        before = is;
    };
    for ((number, row), network) in (1..).zip(rows).zip(&networks) {
        let connection = in_network(number).priority(row.priority);
        members.push(connect(network, &mut host, &mut pod, connection, &members).unwrap());
        has_changed(&mut pod, row.defaults, &format!("{} has joined", row.name));
    }
    for (row, expected) in rows.iter().zip(after_leaving) {
        let member = members.remove(0);
        assert_eq!(
            member.disconnect(&mut host, &mut pod.sandbox, &members, &Detach::new()).unwrap().link,
            Fate::Deleted
        );
        has_changed(&mut pod, *expected, &format!("{} has left", row.name));
    }
}

const fn row(name: &'static str, gateways: [bool; 2], priority: i32, defaults: [u8; 2]) -> Row {
    Row { name, gateways, priority, internal: false, defaults }
}

#[kernel_test]
pub fn the_first_name_in_byte_order_has_the_default_routes() -> Result<(), Skip> {
    let rows = [
        row("b", BOTH, 0, [1, 1]),
        row("c", BOTH, 0, [1, 1]),
        row("a", BOTH, 0, [3, 3]),
        row("B", BOTH, 0, [4, 4]),
        row("a10", BOTH, 0, [4, 4]),
    ];
    come_and_go(&rows, &[[4, 4], [4, 4], [4, 4], [5, 5], [0, 0]]);
    Ok(())
}

#[kernel_test]
pub fn priority_comes_before_the_name() -> Result<(), Skip> {
    let rows =
        [row("a", BOTH, 0, [1, 1]), row("b", BOTH, 7, [2, 2]), row("c", BOTH, -1, [2, 2]), row("d", V4, 8, [4, 2])];
    come_and_go(&rows, &[[4, 2], [4, 3], [4, 0], [0, 0]]);
    Ok(())
}

#[kernel_test]
pub fn more_gateways_come_before_the_name() -> Result<(), Skip> {
    let rows = [row("a", V4, 0, [1, 0]), row("b", V6, 0, [1, 2]), row("c", BOTH, 0, [3, 3]), row("d", NONE, 9, [3, 3])];
    come_and_go(&rows, &[[3, 3], [3, 3], [0, 0], [0, 0]]);
    Ok(())
}

#[kernel_test]
pub fn an_internal_network_has_no_default_route() -> Result<(), Skip> {
    let internal = Row { internal: true, ..row("a", BOTH, 9, [0, 0]) };
    come_and_go(&[internal, row("b", BOTH, 0, [2, 2])], &[[2, 2], [0, 0]]);
    Ok(())
}

/// The container has the gateway's address itself, in IPv6: so the default route of IPv4 is taken before it fails.
#[kernel_test]
pub fn a_failed_connect_leaves_the_container_as_before() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let first = network(&mut host, 1, "b", BOTH);
    let members = [connect(&first, &mut host, &mut pod, in_network(1), &[]).unwrap()];
    let second = network(&mut host, 2, "a", BOTH);
    let of_parent = host.link("p2").unwrap().mac().mac();
    let (lo, gateway) = (pod.inside().index_of("lo").unwrap(), "fd02::1/128".parse().unwrap());
    pod.inside().apply(&NewAddress::new(lo, gateway)).unwrap();
    let (before, mut watch) = (pod.contents(), DefaultRoutes::watch(&mut pod));
    let mut fails = |connection: Connection, sentence: &str| {
        let error = connect(&second, &mut host, &mut pod, connection, &members).unwrap_err();
        assert!(error.to_string().starts_with(sentence), "{error}");
        assert_eq!(failed(&error).undo(), Some(Undo::Clean), "{error}");
        assert_eq!(defaults(&mut pod), [1, 1], "{error}");
        assert_eq!(pod.contents(), before, "{error}");
        watch.changes()
    };
    let own = connection("eth2", &["10.2.0.7/16", "fd02::7/64"]);
    let back_and_forth = fails(
        own,
        "add route default via fd02::1 dev eth2: EINVAL: Gateway can not be a local address: the gateway fd02::1 is an address of lo itself;",
    );
    assert_eq!(back_and_forth, [2, 0], "with no gap");
    let taken = connection("eth1", &["10.2.0.7/16"]);
    let sentence = "create macvlan eth1 on p2: EEXIST (File exists): the name eth1 is taken in the other namespace;";
    assert_eq!(fails(taken, sentence), [0, 0]);
    let twice = connection("eth2", &["10.2.0.7/16", "10.2.0.7/16"]);
    assert_eq!(fails(twice, "add address 10.2.0.7/16 to eth2: EEXIST"), [0, 0]);
    let duplicate = in_network(2).mac(of_parent);
    let sentence = format!(
        "bring up eth2: EADDRINUSE (Address already in use): the MAC address {} is that of the parent p2 itself;",
        of_parent.unwrap()
    );
    assert_eq!(fails(duplicate, &sentence), [0, 0]);

    pod.inside().apply(&DeleteAddress::new(lo, gateway)).unwrap();
    connect(&second, &mut host, &mut pod, in_network(2), &members).unwrap();
    assert_eq!((defaults(&mut pod), watch.changes()), ([2, 2], [1, 1]));
    Ok(())
}

#[kernel_test]
pub fn an_address_outside_is_refused() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let network = network(&mut host, 1, "net", BOTH);
    let before = pod.contents();
    for addr in ["10.2.0.7/16", "10.1.0.0/16", "10.1.255.255/16", "fd02::7/64"] {
        let error = connect(&network, &mut host, &mut pod, connection("eth0", &[addr]), &[]).unwrap_err();
        let expected = format!("the address {addr} is not that of a station in a subnet of the network net");
        assert_eq!(error.to_string(), expected);
        assert_eq!(pod.contents(), before);
    }
    Ok(())
}

/// Nothing that the container does inside keeps it from leaving.
#[kernel_test]
pub fn a_network_that_cannot_have_the_default_route_is_passed_over() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let networks =
        [(1, "a"), (2, "b"), (3, "c"), (4, "d")].map(|(number, name)| network(&mut host, number, name, BOTH));
    let mut members = Vec::new();
    for (number, network) in (1..).zip(&networks) {
        members.push(connect(network, &mut host, &mut pod, in_network(number), &members).unwrap());
    }
    pod.inside().change(&LinkChange::new(members[1].attached.index).down()).unwrap();
    pod.inside().delete(members[2].attached.index).unwrap();
    let first = members.remove(0);
    assert_eq!(first.disconnect(&mut host, &mut pod.sandbox, &members, &Detach::new()).unwrap().link, Fate::Deleted);
    assert_eq!(defaults(&mut pod), [4, 4]);
    let third = members.remove(1);
    assert_eq!(third.disconnect(&mut host, &mut pod.sandbox, &members, &Detach::new()).unwrap().link, Fate::Gone);
    Ok(())
}

/// What the container has got from elsewhere: another program's default route, by a link that is none of these networks'.
fn foreign_default_routes(pod: &mut Pod) -> [NewRoute<'static>; 2] {
    let by = pod.inside().create(&NewLink::veth(NewLink::peer().name(name("far"))).name(name("near")).up()).unwrap();
    let far = pod.inside().index_of("far").unwrap();
    pod.inside().change(&LinkChange::new(far).up()).unwrap();
    pod.inside().apply(&NewAddress::new(by, net("10.9.0.7/16"))).unwrap();
    pod.inside().apply(&NewAddress::new(by, net("fd09::7/64")).nodad()).unwrap();
    ["10.9.0.1", "fd09::1"].map(|gateway| NewRoute::default_via(ip(gateway)).index(by))
}

/// All default routes: each one's link and gateway.
fn all_defaults(pod: &mut Pod) -> Vec<(Option<IfIndex>, Option<IpAddr>)> {
    let lists = [ListRoutes::v4(), ListRoutes::v6()];
    let mut routes: Vec<_> =
        lists.iter().flat_map(|list| pod.inside().snapshot(&list.table(Table::MAIN)).unwrap()).collect();
    routes.retain(|route| route.destination.is_some_and(|destination| destination.prefix() == 0));
    let hops = |route: RouteInfo| match route.next_hops {
        Some(hops) => hops.into_iter().map(|hop| (hop.index, hop.gateway)).collect(),
        None => vec![(route.index, route.gateway)],
    };
    routes.into_iter().flat_map(hops).collect()
}

#[kernel_test]
pub fn a_default_route_of_somebody_elses_refuses_a_connection_without_a_trace() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    for route in foreign_default_routes(&mut pod) {
        pod.inside().apply(&route).unwrap();
        let is_there = |pod: &mut Pod| (links(pod.inside()), all_defaults(pod)); // link-local addresses come when they come
        let before = is_there(&mut pod);
        let network = network(&mut host, 1, "net", BOTH);
        let error = connect(&network, &mut host, &mut pod, in_network(1), &[]).unwrap_err();
        assert!(failed(&error).is_already_there(), "{error}");
        assert_eq!(failed(&error).undo(), Some(Undo::Clean), "{error}");
        assert_eq!(is_there(&mut pod), before, "{error}");
        pod.inside().apply(&DeleteRoute::like(route)).unwrap();
    }
    Ok(())
}

/// The foreign ones came when the members were there.
#[kernel_test]
pub fn a_default_route_of_somebody_elses_survives_those_who_come_and_go() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let first = network(&mut host, 1, "b", BOTH);
    let member = connect(&first, &mut host, &mut pod, in_network(1), &[]).unwrap();
    let foreign = foreign_default_routes(&mut pod);
    let by = pod.inside().index_of("near").unwrap();
    for route in foreign {
        pod.inside().apply(&route.append()).unwrap();
    }
    let before = all_defaults(&mut pod);
    assert_eq!(before.len(), 4, "{before:?}");
    // It would have the default routes, and cannot.
    let second = network(&mut host, 2, "a", BOTH);
    let error = connect(&second, &mut host, &mut pod, in_network(2), std::slice::from_ref(&member)).unwrap_err();
    assert!(failed(&error).is_already_there(), "{error}");
    assert_eq!(all_defaults(&mut pod), before);
    // It need not have them.
    let third = network(&mut host, 3, "c", BOTH);
    let rest = [connect(&third, &mut host, &mut pod, in_network(3), std::slice::from_ref(&member)).unwrap()];
    assert_eq!(all_defaults(&mut pod), before);
    assert_eq!(member.disconnect(&mut host, &mut pod.sandbox, &rest, &Detach::new()).unwrap().link, Fate::Deleted);
    assert_eq!(all_defaults(&mut pod), [(Some(by), Some(ip("10.9.0.1"))), (Some(by), Some(ip("fd09::1")))]);
    assert_eq!(rest[0].disconnect(&mut host, &mut pod.sandbox, &[], &Detach::new()).unwrap().link, Fate::Deleted);
    assert_eq!(all_defaults(&mut pod), [(Some(by), Some(ip("10.9.0.1"))), (Some(by), Some(ip("fd09::1")))]);
    Ok(())
}

/// Its default routes go with the link when that goes down. Another network can have them.
#[kernel_test]
pub fn nobody_leaves_a_container_without_the_default_route_that_another_can_have() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let networks = [(1, "a"), (2, "b"), (3, "c")].map(|(number, name)| network(&mut host, number, name, BOTH));
    let mut members = Vec::new();
    for (number, network) in (1..).zip(&networks) {
        members.push(connect(network, &mut host, &mut pod, in_network(number), &members).unwrap());
    }
    pod.inside().change(&LinkChange::new(members[0].attached.index).down()).unwrap();
    assert_eq!(all_defaults(&mut pod), []);
    let last = members.pop().unwrap(); // which never had them
    assert_eq!(last.disconnect(&mut host, &mut pod.sandbox, &members, &Detach::new()).unwrap().link, Fate::Deleted);
    assert_eq!(defaults(&mut pod), [2, 2], "the first cannot have them");
    Ok(())
}

/// Who was killed between adding and deleting leaves two; the next one leaves one.
#[kernel_test]
pub fn a_hand_over_that_was_cut_short_is_finished_by_the_next() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let networks = [(1, "c"), (2, "b"), (3, "a")].map(|(number, name)| network(&mut host, number, name, BOTH));
    let first = connect(&networks[0], &mut host, &mut pod, in_network(1), &[]).unwrap();
    let mut members = vec![first];
    members.push(connect(&networks[1], &mut host, &mut pod, in_network(2), &members).unwrap());
    let eth1 = members[0].attached.index;
    for gateway in ["10.1.0.1", "fd01::1"] {
        pod.inside().apply(&NewRoute::default_via(ip(gateway)).index(eth1).append()).unwrap();
    }
    assert_eq!(all_defaults(&mut pod).len(), 4);
    members.push(connect(&networks[2], &mut host, &mut pod, in_network(3), &members).unwrap());
    assert_eq!(defaults(&mut pod), [3, 3]);
    Ok(())
}

/// The default routes of a container with these addresses.
fn gateways(network: &Network, addrs: &[&str]) -> [Option<IpAddr>; 2] {
    let (mut host, mut pod) = (socket(), Pod::new());
    if host.index_of("p0").is_err() {
        veth(&mut host, "p0", "q0");
    }
    connect(network, &mut host, &mut pod, connection("eth0", addrs), &[]).unwrap();
    [pod.gateway(ListRoutes::v4()), pod.gateway(ListRoutes::v6())]
}

#[kernel_test]
pub fn the_gateway_is_that_of_the_addresss_subnet() -> Result<(), Skip> {
    let network = on("p0", "net")
        .subnet(subnet("10.1.0.0/16", "10.1.0.1"))
        .subnet(subnet("10.2.0.0/16", "10.2.0.1"))
        .subnet(Subnet::new("10.3.0.0/16".parse().unwrap()))
        .subnet(subnet("fd01::/64", "fd01::1"))
        .subnet(subnet("fd02::/64", "fd02::1"));
    network.validate(&[]).unwrap();
    assert_eq!(gateways(&network, &["10.1.0.7/16"]), [Some(ip("10.1.0.1")), None]);
    assert_eq!(gateways(&network, &["10.2.0.7/16", "fd02::7/64"]), [Some(ip("10.2.0.1")), Some(ip("fd02::1"))]);
    assert_eq!(
        gateways(&network, &["10.3.0.7/16", "fd01::7/64"]),
        [None, Some(ip("fd01::1"))],
        "none there: on-link only"
    );
    let both = ["10.2.0.7/16", "10.1.0.7/16"];
    assert_eq!(gateways(&network, &both), [Some(ip("10.2.0.1")), None], "its first address's");
    Ok(())
}

#[kernel_test]
pub fn the_smallest_subnet_around_an_address_is_its_own() -> Result<(), Skip> {
    let network = on("p0", "net").subnet(subnet("10.1.0.0/16", "10.1.0.1")).subnet(subnet("10.1.7.0/24", "10.1.7.1"));
    let network = network.subnet(subnet("fd01::/48", "fd01::1")).subnet(subnet("fd01:0:0:7::/64", "fd01:0:0:7::1"));
    assert_eq!(
        gateways(&network, &["10.1.7.7/24", "fd01:0:0:7::7/64"]),
        [Some(ip("10.1.7.1")), Some(ip("fd01:0:0:7::1"))]
    );
    assert_eq!(gateways(&network, &["10.1.8.7/16", "fd01:0:0:8::7/48"]), [Some(ip("10.1.0.1")), Some(ip("fd01::1"))]);
    Ok(())
}

/// Every IPv6 link reaches it.
#[kernel_test]
pub fn a_gateway_may_be_link_local() -> Result<(), Skip> {
    let network = on("p0", "net").subnet(subnet("10.1.0.0/16", "10.1.0.1")).subnet(subnet("fd01::/64", "fe80::1"));
    let expected = [Some(ip("10.1.0.1")), Some(ip("fe80::1"))];
    assert_eq!(gateways(&network, &["10.1.0.7/16", "fd01::7/64"]), expected);
    Ok(())
}

/// The parent is below what IPv6 needs: the reason is said, and nothing is attached.
#[kernel_test]
pub fn a_parent_with_a_small_mtu_carries_no_ipv6() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let p0 = veth(&mut host, "p0", "q0");
    host.change(&LinkChange::new(p0).mtu(1000)).unwrap();
    let before = pod.contents();
    let network = on("p0", "net").subnet(subnet("10.1.0.0/16", "10.1.0.1")).subnet(subnet("fd01::/64", "fd01::1"));
    let error = connect(&network, &mut host, &mut pod, connection("eth0", &["10.1.0.7/16"]), &[]).unwrap_err();
    let expected = "the subnet fd01::/64 needs an MTU of at least 1280, as IPv6 does, and the parent p0 has 1000";
    assert_eq!(error.to_string(), expected);
    assert_eq!(pod.contents(), before);
    Ok(())
}

#[kernel_test]
pub fn a_network_may_join_its_own_hosts_namespace_never() -> Result<(), Skip> {
    let (mut host, mut here) = (socket(), Sandbox::here().unwrap());
    let network = network(&mut host, 1, "net", BOTH);
    let error = network.connect(&mut host, &owner(), &mut here, in_network(1), &[]).unwrap_err();
    assert!(matches!(failed(&error).kind(), ErrorKind::SameNamespace), "{error}");
    assert!(macvlan("net").is_internal());
    Ok(())
}
