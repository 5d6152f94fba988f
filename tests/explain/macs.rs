//! EADDRINUSE: whose the MAC address is.

use crate::common::{Skip, mac, name, parent, socket};
use crate::help::{elsewhere, netnsid};
use crate::twins::{Change, New, Twin};
use crate::why::{assert_why, why};
use std::os::fd::AsFd;
use sublink::error::Reason;
use sublink::{IfIndex, LinkChange, MacAddr, NewLink, Socket};
use sublink_tests::kernel_test;

/// `x` that is to come up with this address.
fn up(mac: MacAddr) -> New<'static> {
    New { name: Some("x"), mac: Some(mac), up: true, ..New::default() }
}

fn mac_of(socket: &mut Socket, link: IfIndex) -> MacAddr {
    socket.link_at(link).expect("the link").mac().mac().expect("its address")
}

/// Each way in which `x` can come to an address that is taken.
#[track_caller]
fn assert_whose<T: Twin>(socket: &mut Socket, parent: IfIndex, taken: MacAddr, reason: &Reason, sentence: &str) {
    let created = T::create(socket, parent, &up(taken));
    assert_why(socket, created, reason, sentence);
    let x = T::create(socket, parent, &New { up: false, ..up(taken) }).expect("down it can be made");
    let changed = socket.change(&LinkChange::new(x).up());
    assert_why(socket, changed, reason, sentence);
    let changed = T::change(socket, x, &Change { up: true, ..Change::default() });
    assert_why(socket, changed, reason, sentence);
    socket.delete(x).expect("it gone");
    let x = T::create(socket, parent, &up(mac(9))).expect("another address is free");
    let changed = socket.change(&LinkChange::new(x).mac(taken));
    assert_why(socket, changed, reason, sentence);
    let changed = T::change(socket, x, &Change { mac: Some(taken), ..Change::default() });
    assert_why(socket, changed, reason, sentence);
    socket.delete(x).expect("it gone");
}

#[kernel_test(both)]
pub fn the_parents_own<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let taken = mac_of(&mut socket, parent);
    let reason = Reason::MacOfParent { mac: taken, parent: name("p0") };
    let sentence = format!("the MAC address {taken} is that of the parent p0 itself");
    assert_whose::<T>(&mut socket, parent, taken, &reason, &sentence);
    Ok(())
}

#[kernel_test(both)]
pub fn a_siblings<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    T::create(&mut socket, parent, &New { name: Some("y"), ..up(mac(2)) }).unwrap();
    for kind in ["macvlan", "macvtap"] {
        let owner = NewLink::macvlan(parent).name(name(kind)).mac(mac(1)).up();
        let index = if kind == "macvlan" {
            socket.create(&owner).unwrap()
        } else {
            socket.create(&NewLink::macvtap(parent).name(name(kind)).mac(mac(1)).up()).unwrap()
        };
        let reason = Reason::MacOfSibling { mac: mac(1), owner: name(kind), index };
        let sentence =
            format!("the MAC address 02:00:00:00:00:01 is already used by {kind} (#{index}) on the same parent");
        assert_whose::<T>(&mut socket, parent, mac(1), &reason, &sentence);
        socket.delete(index).unwrap();
    }
    Ok(())
}

#[kernel_test(both)]
pub fn that_of_a_child_in_another_namespace<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let (there, _inside) = elsewhere();
    T::create(&mut socket, parent, &New { netns: Some(there.as_fd()), ..up(mac(1)) }).unwrap();
    let reason = Reason::MacElsewhere { mac: mac(1), parent: name("p0") };
    let sentence = "the MAC address 02:00:00:00:00:01 is in use on p0, by a link of another namespace";
    assert_whose::<T>(&mut socket, parent, mac(1), &reason, sentence);
    Ok(())
}

#[kernel_test(both)]
pub fn a_sibling_that_is_down_is_not_blamed<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let (there, _inside) = elsewhere();
    T::create(&mut socket, parent, &New { netns: Some(there.as_fd()), ..up(mac(1)) }).unwrap();
    T::create(&mut socket, parent, &New { name: Some("y"), up: false, ..up(mac(1)) }).unwrap();
    let created = T::create(&mut socket, parent, &up(mac(1)));
    assert_eq!(why(&mut socket, created), Some(Reason::MacElsewhere { mac: mac(1), parent: name("p0") }));
    Ok(())
}

#[kernel_test(both)]
pub fn that_of_the_macvlan_it_was_to_stand_on<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let below = T::create(&mut socket, parent, &New { name: Some("y"), ..up(mac(1)) }).unwrap();
    let of_parent = mac_of(&mut socket, parent);
    let created = T::create(&mut socket, below, &up(mac(1)));
    let reason = Reason::MacOfSibling { mac: mac(1), owner: name("y"), index: below };
    assert_eq!(why(&mut socket, created), Some(reason), "it was put beside it");
    let created = T::create(&mut socket, below, &up(of_parent));
    assert_eq!(why(&mut socket, created), Some(Reason::MacOfParent { mac: of_parent, parent: name("p0") }));
    Ok(())
}

/// From inside a container: the parent and its children there, and those here.
#[kernel_test(both)]
pub fn one_on_a_parent_in_another_namespace<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let (there, mut inside) = elsewhere();
    let nsid = netnsid(&mut socket, parent, &mut inside, &there);
    let of_parent = mac_of(&mut socket, parent);
    let outside = T::create(&mut socket, parent, &New { name: Some("out"), ..up(mac(1)) }).unwrap();
    let within = New { name: Some("in"), netns: Some(there.as_fd()), ..up(mac(2)) };
    let within = T::create(&mut socket, parent, &within).unwrap();
    let x = New { up: false, parent_in: Some(nsid), ..up(mac(3)) };
    let x = T::create(&mut inside, parent, &x).unwrap();
    for (taken, reason) in [
        (of_parent, Reason::MacOfParent { mac: of_parent, parent: name("p0") }),
        (mac(1), Reason::MacOfSibling { mac: mac(1), owner: name("out"), index: outside }),
        (mac(2), Reason::MacOfSibling { mac: mac(2), owner: name("in"), index: within }),
    ] {
        let changed = inside.change(&LinkChange::new(x).mac(taken));
        assert_eq!(why(&mut inside, changed), Some(reason.clone()), "{taken}, changed");
        // Up to Linux 6.12 it is created down, and removed again when it does not come up.
        let new = New { name: Some("z"), parent_in: Some(nsid), ..up(taken) };
        let created = T::create(&mut inside, parent, &new);
        assert_eq!(why(&mut inside, created), Some(reason), "{taken}, created");
        assert!(inside.index_of("z").is_err());
    }
    Ok(())
}
