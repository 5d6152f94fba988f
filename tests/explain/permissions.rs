//! EPERM: CAP_NET_ADMIN is missing, and where.
//!
//! A process in a user namespace of its own lacks it in the test's network namespace. It is this binary again, in a role.

use crate::common::roles::{finish, start};
use crate::common::{Skip, kernel, mac, name, needs, parent, socket};
use crate::why::{assert_why, why};
use netlink_sys::protocols::NETLINK_ROUTE;
use std::io::{BufRead, BufReader, Write, stdin, stdout};
use sublink::error::Reason;
use sublink::link::{GetLink, IpvlanMode};
use sublink::neigh::{DeleteNeighbour, NewForwarding, NewNeighbour};
use sublink::nsid::NewNsid;
use sublink::{Batch, Error, LinkChange, MacvlanMode, Netns, NewAddress, NewLink, NewRoute};
use sublink_tests::{kernel_test, role};

const HERE: &str = "CAP_NET_ADMIN is missing in the user namespace that owns this network namespace";
const AT_PARENT: &str = "CAP_NET_ADMIN is missing in the user namespace that owns the parent's network namespace";
const AT_TARGET: &str =
    "CAP_NET_ADMIN is missing in the user namespace that owns the network namespace the link was to be in";
const THERE: &str = "CAP_NET_ADMIN is missing in the user namespace that owns the other network namespace";

#[kernel_test]
pub fn it_is_missing_here() -> Result<(), Skip> {
    parent(&mut socket());
    finish(start("a_guest", "-U")?);
    Ok(())
}

/// In the test's network namespace, of another user namespace.
#[role]
fn a_guest() {
    let mut socket = socket();
    let parent = socket.index_of("p0").expect("the parent can be seen");
    let there = stdin();
    let address = NewAddress::new(parent, "10.0.0.1/24".parse().unwrap());
    let mut batch = Batch::new();
    batch.push(&NewLink::macvlan(parent)).unwrap();
    for refused in [
        socket.create(&NewLink::macvlan(parent).name(name("x"))).map(drop),
        socket.create(&NewLink::macvtap(parent).mtu(9000)).map(drop),
        socket.create(&NewLink::macvlan(parent).netns(&there)).map(drop),
        socket.change(&LinkChange::new(parent).mtu(9000)),
        socket.change(&LinkChange::move_to(parent, &there)),
        socket.delete(parent),
        socket.delete_group(0),
        socket.add_alt_name(parent, "other"),
        socket.apply(&address),
        socket.apply(&NewRoute::new("10.5.0.0/16".parse().unwrap()).index(parent)),
        socket.apply(&NewNsid::new(&there)),
        socket.apply(&NewNeighbour::new(parent, "10.0.0.7".parse().unwrap(), mac(7))),
        socket.apply(&DeleteNeighbour::proxy(parent, "10.0.0.7".parse().unwrap())),
        socket.apply(&NewForwarding::new(parent, mac(7).into())),
        socket.run(&mut batch),
    ] {
        assert!(refused.as_ref().is_err_and(Error::is_not_permitted), "{refused:?}");
        assert_why(&mut socket, refused, &Reason::NotPermittedHere, HERE);
    }
}

#[kernel_test]
pub fn it_is_missing_in_the_other_namespace() -> Result<(), Skip> {
    parent(&mut socket());
    finish(start("a_tenant", "-Urn")?);
    Ok(())
}

/// Root of a network namespace of its own.
#[role]
fn a_tenant() {
    let (mut socket, there) = (socket(), stdin());
    let parent = parent(&mut socket);
    let nsid = socket.nsid_or_new(&there).expect("an id");
    let (macvlan, macvtap) = (NewLink::macvlan(parent), NewLink::macvtap(parent));
    let to_target = [
        socket.create(&macvlan.netns(&there)).map(drop),
        socket.create(&macvtap.netns(&there).mtu(9000)).map(drop),
        socket.change(&LinkChange::move_to(parent, &there)),
    ];
    let on_parent =
        [socket.create(&macvlan.parent_in(nsid)).map(drop), socket.create(&macvtap.parent_in(nsid).up()).map(drop)];
    let both = [
        socket.create(&macvlan.parent_in(nsid).netns(&there)).map(drop),
        socket.get(&GetLink::index(parent).in_netnsid(nsid)).map(drop),
    ];
    for refused in to_target {
        assert_why(&mut socket, refused, &Reason::NotPermittedAtTarget, AT_TARGET);
    }
    for refused in on_parent {
        assert_why(&mut socket, refused, &Reason::NotPermittedAtParent, AT_PARENT);
    }
    for refused in both {
        assert_why(&mut socket, refused, &Reason::NotPermittedThere, THERE);
    }
    let with_peer = socket.create(&NewLink::veth(NewLink::peer().netns(&there)));
    if kernel() <= (6, 12) {
        with_peer.expect("a veth's other end may be put anywhere");
    } else {
        assert_why(&mut socket, with_peer, &Reason::NotPermittedThere, THERE);
    }
    socket.create(&macvlan).expect("it is root here");
}

#[kernel_test]
pub fn what_a_container_cannot_see_is_not_explained() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let mut container = start("a_container", "-Urn")?;
    let mut lines = BufReader::new(container.stdout.take().expect("a pipe")).lines();
    if let Some(Ok(_)) = lines.next() {
        let inside = Netns::of_pid(container.id()).expect("its namespace");
        socket.create(&NewLink::macvlan(parent).mac(mac(1)).up()).unwrap();
        if needs("ipvlan").is_ok() {
            let on = crate::common::veth(&mut socket, "q0", "q1");
            socket.create(&NewLink::ipvlan(on).name(name("iv0")).netns(&inside)).unwrap();
        }
        // The last, since the container waits for it.
        socket.create(&NewLink::macvlan(parent).name(name("eth0")).mac(mac(2)).netns(&inside)).unwrap();
    }
    finish(container);
    Ok(())
}

/// Root of a network namespace in which the host puts links.
#[role]
fn a_container() {
    const RTNLGRP_LINK: u32 = 1;
    let mut events = netlink_sys::Socket::new(NETLINK_ROUTE).expect("a socket");
    events.bind_auto().expect("an address");
    events.add_membership(RTNLGRP_LINK).expect("events");
    writeln!(stdout(), "ready").expect("the host listens");
    let mut socket = socket();
    let eth0 = loop {
        match socket.index_of("eth0") {
            Ok(eth0) => break eth0,
            Err(_) => drop(events.recv_from_full().expect("an event")),
        }
    };
    for refused in [
        socket.change(&LinkChange::new(eth0).mac(mac(1))),
        socket.change(&LinkChange::new(eth0).mtu(9000)),
        socket.create(&NewLink::macvlan(eth0).mac(mac(1)).up()).map(drop),
        socket.create(&NewLink::macvlan(eth0).mtu(9000)).map(drop),
        socket.create(&NewLink::macvlan(eth0).mode(MacvlanMode::Passthru)).map(drop),
    ] {
        // Since Linux 7.3, it may not even put one beside its own.
        match refused {
            Err(error) if error.is_not_permitted() && kernel() >= (7, 3) => {
                assert_why::<()>(&mut socket, Err(error), &Reason::NotPermittedAtParent, AT_PARENT);
            }
            refused => assert_eq!(why(&mut socket, refused), None, "the parent and its children are the host's"),
        }
    }
    let changed = socket.change(&LinkChange::macvlan(eth0).mode(MacvlanMode::Passthru));
    let reason = Reason::PassthruIsForLife { link: name("eth0"), from: MacvlanMode::Vepa };
    assert_eq!(why(&mut socket, changed), Some(reason), "what it needs is here");
    if let Ok(iv0) = socket.index_of("iv0") {
        let changed = socket.change(&LinkChange::ipvlan(iv0).mode(IpvlanMode::L2));
        assert_why(&mut socket, changed, &Reason::NotPermittedAtParent, AT_PARENT);
    }
}
