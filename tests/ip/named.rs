//! Requests take what they name: addresses and routes that look alike, and what the kernel does not tell apart.

use crate::{addresses, ip, net, routes, with_addresses};
use std::process::Command;
use sublink::addr::{AddressInfo, DeleteAddress, Lifetime, ListAddresses};
use sublink::error::{Class, Subject};
use sublink::route::{DeleteRoute, ListRoutes, RouteType, Table};
use sublink::{ErrorKind, IfIndex, NewAddress, NewRoute, Socket};
use sublink_tests::{Skip, kernel_test, parent, socket, veth};

const EADDRNOTAVAIL: Option<i32> = Some(99);

fn address(socket: &mut Socket, index: IfIndex, addr: &str) -> Option<AddressInfo> {
    let list = socket.snapshot(&ListAddresses::new().index(index)).unwrap();
    list.into_iter().find(|address| address.addr == Some(net(addr)))
}

fn iproute2(arguments: &str) {
    let done = Command::new("ip").args(arguments.split(' ')).output().expect("ip");
    assert!(done.status.success(), "{arguments}: {}", String::from_utf8_lossy(&done.stderr));
}

#[kernel_test]
fn an_address_of_another_prefix_length_stays() -> Result<(), Skip> {
    let mut socket = socket();
    let p0 = parent(&mut socket);
    for addr in ["10.0.0.7/24", "10.0.0.7/32", "fd00::7/64"] {
        socket.apply(&NewAddress::new(p0, net(addr))).unwrap();
    }
    for absent in ["10.0.0.7/25", "10.0.0.8/24", "fd00::7/128"] {
        let request = DeleteAddress::new(p0, net(absent));
        assert_eq!(socket.apply(&request).unwrap_err().raw_os_error(), EADDRNOTAVAIL, "{absent}");
        let error = socket.delete_address(&request).unwrap_err();
        assert_eq!(error.raw_os_error(), EADDRNOTAVAIL, "{absent}: {error}");
        assert!(error.to_string().starts_with(&format!("delete address {absent} from p0: EADDRNOTAVAIL")), "{error}");
    }
    socket.apply(&DeleteAddress::new(p0, net("10.0.0.7/32"))).unwrap();
    assert_eq!(addresses(&mut socket, p0), ["10.0.0.7/24", "fd00::7/64"].map(net));
    socket.delete_address(&DeleteAddress::new(p0, net("10.0.0.7/24"))).unwrap();
    socket.delete_address(&DeleteAddress::new(p0, net("fd00::7/64"))).unwrap();
    assert_eq!(addresses(&mut socket, p0), []);
    let nowhere = DeleteAddress::new(IfIndex::new(999).unwrap(), net("10.0.0.7/24"));
    let error = socket.delete_address(&nowhere).unwrap_err().to_string();
    assert!(error.starts_with("delete address 10.0.0.7/24 from #999: ENODEV"), "{error}");
    Ok(())
}

/// The kernel takes the first row's request for the address with the peer.
#[kernel_test]
fn an_address_with_another_peer_stays() -> Result<(), Skip> {
    let mut socket = socket();
    let p0 = parent(&mut socket);
    for (addr, peer, other) in [("10.0.0.7/24", "10.0.0.2", "10.0.0.3"), ("fd00::7/64", "fd00:1::2", "fd00:1::3")] {
        let (there, request) = (NewAddress::new(p0, net(addr)).peer(ip(peer)), DeleteAddress::new(p0, net(addr)));
        socket.apply(&there).unwrap();
        for request in [request, request.peer(ip(other))] {
            let error = socket.delete_address(&request).unwrap_err();
            let is_it = |found, its_peer| found == net(addr) && its_peer == Some(ip(peer));
            assert!(
                matches!(*error.kind(), ErrorKind::AnotherAddress { found, peer } if is_it(found, peer)),
                "{error}"
            );
            assert_eq!(
                error.to_string(),
                format!(
                    "delete address {addr} from p0: EADDRNOTAVAIL: the link has {addr} with the peer {peer}, which is \
                     another address"
                )
            );
            assert_eq!(
                (error.raw_os_error(), error.class(), error.subject()),
                (EADDRNOTAVAIL, Class::Gone, Subject::Address)
            );
            assert!(address(&mut socket, p0, addr).is_some());
        }
        socket.delete_address(&request.peer(ip(peer))).unwrap();
        assert!(address(&mut socket, p0, addr).is_none());

        // And the other way round.
        socket.apply(&NewAddress::new(p0, net(addr))).unwrap();
        let same_network = if net(addr).is_ipv4() { ip("10.0.0.9") } else { ip("fd00::9") };
        let error = socket.delete_address(&request.peer(same_network)).unwrap_err().to_string();
        assert!(error.ends_with(&format!("the link has {addr} without a peer, which is another address")), "{error}");
        socket.delete_address(&request).unwrap();

        // As it is documented, a request that is sent without a look takes it.
        socket.apply(&there).unwrap();
        socket.apply(&request).unwrap();
        assert!(address(&mut socket, p0, addr).is_none());
    }
    Ok(())
}

#[kernel_test]
fn of_two_peers_the_one_named_goes() -> Result<(), Skip> {
    let mut socket = socket();
    let p0 = parent(&mut socket);
    for peer in ["10.0.0.2", "10.0.0.3"] {
        socket.apply(&NewAddress::new(p0, net("10.0.0.7/32")).peer(ip(peer))).unwrap();
    }
    socket.delete_address(&DeleteAddress::new(p0, net("10.0.0.7/32")).peer(ip("10.0.0.3"))).unwrap();
    assert_eq!(address(&mut socket, p0, "10.0.0.7/32").unwrap().peer, Some(ip("10.0.0.2")));
    Ok(())
}

/// As [`DeleteAddress`] says.
#[kernel_test]
fn a_primary_takes_its_secondaries() -> Result<(), Skip> {
    let mut socket = socket();
    let p0 = parent(&mut socket);
    std::fs::write("/proc/sys/net/ipv4/conf/all/promote_secondaries", "0").unwrap(); // the machine's is handed down
    for (promotes, left) in [("0", &["10.1.0.7/24"][..]), ("1", &["10.0.0.8/24", "10.1.0.7/24"])] {
        std::fs::write("/proc/sys/net/ipv4/conf/p0/promote_secondaries", promotes).unwrap();
        for addr in ["10.0.0.7/24", "10.0.0.8/24", "10.1.0.7/24"] {
            socket.apply(&NewAddress::new(p0, net(addr)).replace()).unwrap();
        }
        socket.delete_address(&DeleteAddress::new(p0, net("10.0.0.7/24"))).unwrap();
        let mut found = addresses(&mut socket, p0);
        found.sort();
        assert_eq!(found, left.iter().map(|addr| net(addr)).collect::<Vec<_>>(), "{promotes}");
    }
    Ok(())
}

/// As [`NewAddress::replace`] says.
#[kernel_test]
fn what_a_replace_takes_over() -> Result<(), Skip> {
    let mut socket = socket();
    let p0 = parent(&mut socket);
    let lifetime = Lifetime { preferred: 1000, valid: 2000 };
    for (addr, peer, other) in [("10.0.0.7/24", "10.0.0.2", "10.0.0.3"), ("fd00::7/64", "fd00:1::2", "fd00:1::3")] {
        let is_v4 = net(addr).is_ipv4();
        let replace = NewAddress::new(p0, net(addr)).replace();
        socket.apply(&replace.peer(ip(peer))).unwrap();
        socket.apply(&replace.peer(ip(other))).unwrap();
        let taken_over = if is_v4 { peer } else { other };
        assert_eq!(address(&mut socket, p0, addr).unwrap().peer, Some(ip(taken_over)));
        socket.apply(&replace.noprefixroute().metric(7).lifetime(lifetime)).unwrap();
        let found = address(&mut socket, p0, addr).unwrap();
        assert_eq!(found.peer, Some(ip(taken_over)), "without a peer, it stays");
        assert_eq!(found.metric, Some(7));
        assert!(found.lifetime.unwrap().valid <= 2000);
        let flags = found.flags.unwrap();
        assert_eq!(flags.contains(sublink::addr::AddressFlags::NOPREFIXROUTE), !is_v4, "{addr}: {flags:?}");
    }
    Ok(())
}

#[kernel_test]
fn a_route_that_sends_packets_on_is_none_that_drops_them() -> Result<(), Skip> {
    let mut socket = socket();
    let p0 = with_addresses(&mut socket);
    for destination in ["10.9.0.0/16", "fd09::/48"] {
        let list = if net(destination).is_ipv4() { ListRoutes::v4() } else { ListRoutes::v6() }.table(Table(1000));
        let route = NewRoute::new(net(destination)).table(Table(1000));
        socket.apply(&route.index(p0).metric(100)).unwrap();
        for route_type in [RouteType::Blackhole, RouteType::Unreachable, RouteType::Prohibit] {
            let drops = route.route_type(route_type);
            let error = socket.apply(&DeleteRoute::like(drops)).unwrap_err();
            assert!(error.is_no_process(), "{route_type} {destination}: {error}");
            socket.apply(&drops.metric(200)).unwrap();
            socket.apply(&DeleteRoute::like(drops)).unwrap();
            assert_eq!(routes(&mut socket, list), [destination], "{route_type}");
        }
    }
    Ok(())
}

/// As [`DeleteRoute`] says.
#[kernel_test]
fn what_a_route_is_deleted_by() -> Result<(), Skip> {
    let mut socket = socket();
    let p0 = with_addresses(&mut socket);
    let (v4, v6) = (ListRoutes::v4().table(Table(1000)), ListRoutes::v6().table(Table(1000)));
    let to = |destination: &str| NewRoute::new(net(destination)).table(Table(1000));

    // What was not said is not compared, and a metric of 0 is not said.
    for (route, list) in [(to("10.9.0.0/16"), v4), (to("fd09::/48"), v6)] {
        let gateway = ip(if route == to("10.9.0.0/16") { "10.0.0.1" } else { "fd00::1" });
        socket.apply(&route.gateway(gateway).index(p0).metric(5)).unwrap();
        socket.apply(&DeleteRoute::like(route.metric(0))).unwrap();
        assert_eq!(routes(&mut socket, list), [""; 0]);
        socket.apply(&route.gateway(gateway).index(p0).metric(5)).unwrap();
        assert!(socket.apply(&DeleteRoute::like(route.metric(6))).unwrap_err().is_no_process());
        socket.apply(&DeleteRoute::like(route)).unwrap();
    }

    // IPv6 does not compare the type among those that drop packets.
    let drops = |route_type| to("fd09::/48").route_type(route_type);
    socket.apply(&drops(RouteType::Prohibit)).unwrap();
    socket.apply(&DeleteRoute::like(drops(RouteType::Blackhole))).unwrap();
    assert_eq!(routes(&mut socket, v6), [""; 0]);

    // Several next hops.
    let by = |route: NewRoute<'static>, gateway| DeleteRoute::like(route.gateway(ip(gateway)).index(p0));
    iproute2("route add 10.9.0.0/16 table 1000 nexthop via 10.0.0.1 nexthop via 10.0.0.2");
    assert!(socket.apply(&by(to("10.9.0.0/16"), "10.0.0.2")).unwrap_err().is_no_process());
    socket.apply(&by(to("10.9.0.0/16"), "10.0.0.1")).unwrap();
    assert_eq!(routes(&mut socket, v4), [""; 0]);
    iproute2("route add fd09::/48 table 1000 nexthop via fd00::1 nexthop via fd00::2");
    socket.apply(&by(to("fd09::/48"), "fd00::2")).unwrap();
    assert_eq!(routes(&mut socket, v6), ["fd09::/48 via fd00::1"]);
    iproute2("route append fd09::/48 table 1000 via fd00::2");
    socket.apply(&DeleteRoute::like(to("fd09::/48").index(p0))).unwrap();
    assert_eq!(routes(&mut socket, v6), [""; 0]);
    Ok(())
}

/// As [`NewRoute::replace`] says.
#[kernel_test]
fn a_replace_compares_neither_gateway_nor_link() -> Result<(), Skip> {
    let mut socket = socket();
    let p0 = with_addresses(&mut socket);
    let q0 = veth(&mut socket, "q0", "q1");
    for (addr, destination, list) in
        [("10.1.0.7/24", "10.9.0.0/16", ListRoutes::v4()), ("fd01::7/64", "fd09::/48", ListRoutes::v6())]
    {
        socket.apply(&NewAddress::new(q0, net(addr)).nodad()).unwrap();
        let v4 = net(addr).is_ipv4();
        let gateway = |on_q0| {
            ip(match (v4, on_q0) {
                (true, true) => "10.1.0.1",
                (true, false) => "10.0.0.1",
                (false, true) => "fd01::1",
                (false, false) => "fd00::1",
            })
        };
        let route = NewRoute::new(net(destination)).table(Table(1000));
        socket.apply(&route.gateway(gateway(false)).index(p0)).unwrap();
        socket.apply(&route.gateway(gateway(true)).index(q0).replace()).unwrap();
        assert_eq!(routes(&mut socket, list.table(Table(1000))), [format!("{destination} via {}", gateway(true))]);
    }
    Ok(())
}

/// The kernel reports 254.
#[kernel_test]
fn table_0_is_the_main_one() -> Result<(), Skip> {
    let mut socket = socket();
    let p0 = with_addresses(&mut socket);
    for destination in ["10.9.0.0/16", "fd09::/48"] {
        let list = if net(destination).is_ipv4() { ListRoutes::v4() } else { ListRoutes::v6() };
        let route = NewRoute::new(net(destination)).index(p0).table(Table(0));
        socket.apply(&route).unwrap();
        for table in [Table(0), Table::MAIN] {
            assert!(routes(&mut socket, list.table(table)).contains(&destination.to_owned()), "{table:?}");
        }
        socket.apply(&DeleteRoute::like(route)).unwrap();
    }
    Ok(())
}
