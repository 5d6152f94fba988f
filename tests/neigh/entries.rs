//! Neighbours: added, replaced, changed, deleted, read, listed, flushed.

use crate::common::{Skip, kernel, mac, parent, socket, veth};
use std::net::IpAddr;
use sublink::error::{Class, Subject};
use sublink::neigh::{
    AskNeighbour, DeleteNeighbour, GetNeighbour, ListNeighbours, NeighbourFlags, NeighbourInfo, NeighbourState,
    NewNeighbour, NewProxy,
};
use sublink::value::RouteProtocol;
use sublink::{IfIndex, LinkChange, NewAddress, Socket};
use sublink_tests::kernel_test;

const BOTH: [&str; 2] = ["10.0.0.7", "fd00::7"];

fn ip(addr: &str) -> IpAddr {
    addr.parse().expect("an address")
}

/// The link's neighbours but for those of groups, which the kernel makes.
fn neighbours(socket: &mut Socket, index: IfIndex) -> Vec<NeighbourInfo> {
    let mut found = socket.snapshot(&ListNeighbours::new().index(index)).expect("a list");
    found.retain(|found| found.addr.is_some_and(|addr| !addr.is_multicast()));
    found.sort_by_key(|found| found.addr);
    found
}

fn only(socket: &mut Socket, index: IfIndex) -> NeighbourInfo {
    let found = neighbours(socket, index);
    assert_eq!(found.len(), 1, "{found:?}");
    found.into_iter().next().expect("one")
}

#[kernel_test]
fn a_neighbour_is_added_replaced_changed_and_deleted() -> Result<(), Skip> {
    let mut socket = socket();
    let p0 = parent(&mut socket);
    for addr in BOTH.map(ip) {
        let by = |last| NewNeighbour::new(p0, addr, mac(last));
        socket.apply(&by(1)).unwrap();
        let found = only(&mut socket, p0);
        assert_eq!((found.addr, found.mac, found.index), (Some(addr), Some(mac(1)), Some(p0)));
        assert_eq!((found.state, found.flags), (NeighbourState::Permanent, NeighbourFlags::NONE));

        let error = socket.apply(&by(2)).unwrap_err();
        assert!(error.is_already_there(), "{error}");
        assert!(error.to_string().starts_with(&format!("add neighbour {addr} on p0: EEXIST")), "{error}");
        assert_eq!((error.class(), error.subject()), (Class::Taken, Subject::Neighbour));
        socket.apply(&by(3).replace().stale()).unwrap();
        let found = only(&mut socket, p0);
        assert_eq!((found.mac, found.state), (Some(mac(3)), NeighbourState::Stale));
        socket.apply(&by(4).change().noarp()).unwrap();
        let found = only(&mut socket, p0);
        assert_eq!((found.mac, found.state), (Some(mac(4)), NeighbourState::Noarp));

        socket.apply(&DeleteNeighbour::new(p0, addr)).unwrap();
        assert_eq!(neighbours(&mut socket, p0), []);
        for (error, words) in [
            (socket.apply(&DeleteNeighbour::new(p0, addr)).unwrap_err(), "delete neighbour"),
            (socket.apply(&by(5).change()).unwrap_err(), "change neighbour"),
        ] {
            assert!(error.to_string().starts_with(&format!("{words} {addr} on p0: ENOENT")), "{error}");
            assert_eq!(error.class(), Class::Gone);
        }
    }
    let nowhere = NewNeighbour::new(IfIndex::new(999).unwrap(), ip("10.0.0.7"), mac(7)).replace();
    let error = socket.apply(&nowhere).unwrap_err().to_string();
    assert!(error.starts_with("replace neighbour 10.0.0.7 on #999: ENODEV (No such device)"), "{error}");
    Ok(())
}

#[kernel_test]
fn every_property_of_a_neighbour_is_read_back() -> Result<(), Skip> {
    let mut socket = socket();
    let p0 = parent(&mut socket);
    for addr in BOTH.map(ip) {
        let new =
            NewNeighbour::new(p0, addr, mac(1)).router().extern_learn().reachable().protocol(RouteProtocol::STATIC);
        socket.apply(&new).unwrap();
        let read = only(&mut socket, p0);
        assert_eq!((read.state, read.protocol), (NeighbourState::Reachable, Some(RouteProtocol::STATIC)));
        assert_eq!(read.flags, NeighbourFlags::ROUTER | NeighbourFlags::EXTERN_LEARN);
        assert_eq!(read.probes, Some(0));
        assert!(read.ages.unwrap().updated < 12_000, "it was changed within the last two minutes: {read:?}");
        socket.apply(&DeleteNeighbour::new(p0, addr)).unwrap();
    }
    Ok(())
}

#[kernel_test]
fn one_neighbour_is_read_alone() -> Result<(), Skip> {
    let mut socket = socket();
    let p0 = parent(&mut socket);
    for addr in BOTH.map(ip) {
        socket.apply(&NewNeighbour::new(p0, addr, mac(1)).stale()).unwrap();
        let found = socket.neighbour(&GetNeighbour::new(p0, addr)).unwrap();
        assert_eq!((found.addr, found.mac, found.state), (Some(addr), Some(mac(1)), NeighbourState::Stale));
        socket.apply(&NewProxy::new(p0, addr)).unwrap();
        let proxy = socket.neighbour(&GetNeighbour::proxy(p0, addr)).unwrap();
        assert!(proxy.flags.contains(NeighbourFlags::PROXY) && proxy.mac.is_none(), "{proxy:?}");
    }
    for (request, words) in [
        (GetNeighbour::new(p0, ip("10.0.0.9")), "get neighbour"),
        (GetNeighbour::proxy(p0, ip("10.0.0.9")), "get proxy"),
    ] {
        let error = socket.neighbour(&request).unwrap_err();
        assert!(error.to_string().starts_with(&format!("{words} 10.0.0.9 on p0: ENOENT")), "{error}");
    }
    Ok(())
}

#[kernel_test]
fn a_proxy_is_another_table() -> Result<(), Skip> {
    let mut socket = socket();
    let p0 = parent(&mut socket);
    let proxies = ListNeighbours::new().proxies();
    for addr in BOTH.map(ip) {
        for proxy in [NewProxy::new(p0, addr), NewProxy::new(p0, addr).router()] {
            socket.apply(&proxy).unwrap(); // twice is once
        }
        let [proxy] = &socket.snapshot(&proxies).unwrap()[..] else { panic!("one proxy") };
        assert_eq!((proxy.addr, proxy.index), (Some(addr), Some(p0)));
        assert_eq!(proxy.flags, NeighbourFlags::PROXY | NeighbourFlags::ROUTER);
        assert_eq!(neighbours(&mut socket, p0), []);
        assert!(socket.apply(&DeleteNeighbour::new(p0, addr)).is_err(), "no neighbour");
        socket.apply(&DeleteNeighbour::proxy(p0, addr)).unwrap();
        assert_eq!(socket.snapshot(&proxies).unwrap(), []);
        let error = socket.apply(&DeleteNeighbour::proxy(p0, addr)).unwrap_err().to_string();
        assert!(error.starts_with(&format!("delete proxy {addr} on p0: ENOENT")), "{error}");
    }
    Ok(())
}

/// Without an IPv4 address in the namespace, the kernel takes every IPv4 address for a broadcast one, and asks for none.
#[kernel_test]
fn an_address_is_asked_for() -> Result<(), Skip> {
    let mut socket = socket();
    let p0 = parent(&mut socket);
    socket.apply(&NewAddress::new(p0, "10.0.0.1/24".parse().unwrap())).unwrap();
    for addr in BOTH.map(ip) {
        socket.apply(&AskNeighbour::new(p0, addr)).unwrap();
        let asked = only(&mut socket, p0);
        let is_asked = matches!(asked.state, NeighbourState::Incomplete | NeighbourState::Failed);
        assert!(is_asked && asked.addr == Some(addr) && asked.mac.is_none(), "{asked:?}");
        // It is there, so to add it is too late.
        assert!(socket.apply(&NewNeighbour::new(p0, addr, mac(1))).unwrap_err().is_already_there());
        socket.apply(&NewNeighbour::new(p0, addr, mac(1)).replace()).unwrap();
        assert_eq!(only(&mut socket, p0).mac, Some(mac(1)));
        socket.apply(&DeleteNeighbour::new(p0, addr)).unwrap();
    }
    Ok(())
}

#[kernel_test]
fn neighbours_are_listed_by_link_family_and_state() -> Result<(), Skip> {
    let mut socket = socket();
    let (p0, q0) = (parent(&mut socket), veth(&mut socket, "q0", "q1"));
    for (link, last) in [(p0, 1), (q0, 2)] {
        for addr in BOTH.map(ip) {
            socket.apply(&NewNeighbour::new(link, addr, mac(last)).stale()).unwrap();
        }
    }
    socket.apply(&NewNeighbour::new(q0, ip("10.0.0.8"), mac(3))).unwrap();
    let mut listed = |list: ListNeighbours| {
        let mut found = socket.snapshot(&list).expect("a list");
        found.retain(|found| found.addr.is_some_and(|addr| !addr.is_multicast()));
        let mut found: Vec<_> = found.iter().map(|found| (found.index.unwrap(), found.addr.unwrap())).collect();
        found.sort_unstable();
        found
    };
    let [v4, v6, third] = [ip("10.0.0.7"), ip("fd00::7"), ip("10.0.0.8")];
    let all = ListNeighbours::new();
    assert_eq!(listed(all), [(p0, v4), (p0, v6), (q0, v4), (q0, third), (q0, v6)]);
    assert_eq!(listed(all.v4()), [(p0, v4), (q0, v4), (q0, third)]);
    assert_eq!(listed(all.v6().index(q0)), [(q0, v6)]);
    assert_eq!(listed(all.state(NeighbourState::Permanent)), [(q0, third)]);
    assert_eq!(listed(all.index(p0).state(NeighbourState::Permanent)), []);
    let mut list = socket.neighbours(&all.index(q0).state(NeighbourState::Permanent)).unwrap();
    assert_eq!(list.next().unwrap().and_then(|found| found.addr()), Some(third));
    assert!(list.next().unwrap().is_none());
    Ok(())
}

/// Permanent and noarp ones stay, as with `ip neigh flush dev p0`.
#[kernel_test]
fn a_links_neighbours_are_flushed() -> Result<(), Skip> {
    let mut socket = socket();
    let (p0, q0) = (parent(&mut socket), veth(&mut socket, "q0", "q1"));
    let new = |link, addr| NewNeighbour::new(link, ip(addr), mac(1));
    socket.apply(&NewAddress::new(p0, "10.0.0.9/24".parse().unwrap())).unwrap();
    for neighbour in [
        new(p0, "10.0.0.1"),
        new(p0, "10.0.0.2").noarp(),
        new(p0, "10.0.0.3").reachable(),
        new(p0, "10.0.0.4").stale(),
        new(p0, "fd00::5").stale(),
        new(q0, "10.0.0.6").stale(),
    ] {
        socket.apply(&neighbour).unwrap();
    }
    socket.apply(&AskNeighbour::new(p0, ip("10.0.0.7"))).unwrap();
    assert_eq!(socket.flush_neighbours(p0).unwrap(), 4);
    let left: Vec<_> = neighbours(&mut socket, p0).iter().map(|found| found.addr.unwrap()).collect();
    assert_eq!(left, ["10.0.0.1", "10.0.0.2"].map(ip));
    assert_eq!(only(&mut socket, q0).addr, Some(ip("10.0.0.6")));
    assert_eq!(socket.flush_neighbours(p0).unwrap(), 0);
    Ok(())
}

/// A hundred go in more than one datagram.
#[kernel_test]
fn many_neighbours_are_listed_and_flushed() -> Result<(), Skip> {
    let mut socket = socket();
    let p0 = parent(&mut socket);
    for last in 0..200 {
        socket.apply(&NewNeighbour::new(p0, [10, 0, 1, last].into(), mac(last)).stale()).unwrap();
    }
    assert_eq!(neighbours(&mut socket, p0).len(), 200);
    assert_eq!(socket.flush_neighbours(p0).unwrap(), 200);
    assert_eq!(neighbours(&mut socket, p0), []);
    Ok(())
}

#[kernel_test]
fn a_link_that_goes_down_forgets() -> Result<(), Skip> {
    let mut socket = socket();
    let p0 = parent(&mut socket);
    for addr in BOTH.map(ip) {
        socket.apply(&NewNeighbour::new(p0, addr, mac(1))).unwrap();
    }
    socket.change(&LinkChange::new(p0).down()).unwrap();
    assert_eq!(neighbours(&mut socket, p0), [], "Linux {:?}", kernel());
    Ok(())
}
