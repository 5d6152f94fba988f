//! macvlan and macvtap: what a link and the one it stands on do to each other.

use crate::common::{Skip, mac, name, parent, socket};
use crate::tools::await_link;
use crate::twins::{Change, New, Twin};
use std::os::fd::AsFd;
use std::process::Command;
use sublink::link::{LinkFlags, OperState};
use sublink::{LinkChange, MacvlanMode, Netns, NewLink, Socket};
use sublink_tests::kernel_test;

#[kernel_test(both)]
pub fn a_down_parent_is_accepted<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    socket.change(&LinkChange::new(parent).down()).unwrap();
    let index = T::create(&mut socket, parent, &New { up: true, ..New::default() }).unwrap();
    let link = socket.link_at(index).unwrap();
    assert!(link.is_up() && !link.flags().contains(LinkFlags::LOWER_UP));
    assert_eq!((link.oper_state(), link.carrier()), (OperState::LowerLayerDown, Some(false)));

    socket.change(&LinkChange::new(parent).up()).unwrap();
    await_link(index, "the parent's carrier", |link| link.oper_state() == OperState::Up);
    assert_eq!(socket.link_at(index).unwrap().carrier(), Some(true));
    socket.change(&LinkChange::new(parent).down()).unwrap();
    await_link(index, "the loss of it", |link| link.oper_state() == OperState::LowerLayerDown);
    Ok(())
}

#[kernel_test(both)]
pub fn a_deleted_parent_takes_its_children_along<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let other = Netns::create().unwrap();
    let mut inside = Socket::open_in(&other).unwrap();
    let here = T::create(&mut socket, parent, &New { mac: Some(mac(1)), up: true, ..New::default() }).unwrap();
    let new = New { mac: Some(mac(2)), up: true, netns: Some(other.as_fd()), ..New::default() };
    let there = T::create(&mut socket, parent, &new).unwrap();
    let link = inside.link_at(there).unwrap();
    assert_eq!(link.parent(), Some(parent));
    assert!(link.parent_netnsid().is_some() && link.is_up());

    socket.delete(parent).unwrap();
    assert!(socket.link_at(here).unwrap_err().is_no_device());
    assert!(inside.link_at(there).unwrap_err().is_no_device());
    Ok(())
}

#[kernel_test(both)]
pub fn on_a_macvlan_it_gets_the_real_parent<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let below = [
        socket.create(&NewLink::macvlan(parent).name(name("mv0"))).unwrap(),
        T::create(&mut socket, parent, &New { name: Some("x0"), ..New::default() }).unwrap(),
    ];
    for below in below {
        let index = T::create(&mut socket, below, &New::default()).unwrap();
        assert_eq!(socket.link_at(index).unwrap().parent(), Some(parent));
        socket.delete(below).unwrap();
        socket.link_at(index).expect("it does not stand on what was deleted");
        socket.delete(index).unwrap();
    }
    Ok(())
}

#[kernel_test(both)]
pub fn the_mtu_of_a_child_follows_its_parent_down<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let index = T::create(&mut socket, parent, &New::default()).unwrap();
    for (of_parent, of_child) in [(1400, 1400), (1500, 1400)] {
        socket.change(&LinkChange::new(parent).mtu(of_parent)).unwrap();
        assert_eq!(socket.link_at(index).unwrap().mtu(), of_child);
    }
    Ok(())
}

#[kernel_test(both)]
pub fn passthru_shares_the_address_of_its_parent<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let address = |socket: &mut Socket, index| socket.link_at(index).unwrap().mac().mac().unwrap();
    let own = address(&mut socket, parent);
    for up in [false, true] {
        let new = New { mode: Some(MacvlanMode::Passthru), mac: Some(mac(7)), up, ..New::default() };
        let index = T::create(&mut socket, parent, &new).unwrap();
        assert_eq!((address(&mut socket, index), address(&mut socket, parent)), (own, own), "mac is ignored at create");

        T::change(&mut socket, index, &Change { mac: Some(mac(8)), ..Change::default() }).unwrap();
        let now = (address(&mut socket, index), address(&mut socket, parent));
        assert_eq!(now, (mac(8), mac(8)), "a change is the parent's as well");
        socket.delete(index).unwrap();
        assert_eq!(address(&mut socket, parent), own, "and is undone with the link");
    }
    Ok(())
}

#[kernel_test(both)]
pub fn the_address_is_the_one_asked_for_or_random<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let of_parent = socket.link_at(parent).unwrap().mac().mac();
    let asked = T::create(&mut socket, parent, &New { mac: Some(mac(7)), ..New::default() }).unwrap();
    assert_eq!(socket.link_at(asked).unwrap().mac().mac(), Some(mac(7)));
    let random = T::create(&mut socket, parent, &New::default()).unwrap();
    let random = socket.link_at(random).unwrap().mac().mac().expect("an address");
    assert_eq!(random.bytes()[0] & 3, 2, "{random} is locally administered");
    assert!(Some(random) != of_parent && random != mac(7));
    Ok(())
}

/// `NET_ADDR_RANDOM` and `NET_ADDR_SET`: the first is a leave to udev to give the link another one.
#[kernel_test(both)]
pub fn an_address_of_the_kernels_own_is_marked_as_random<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    T::create(&mut socket, parent, &New { name: Some("x"), ..New::default() }).unwrap();
    T::create(&mut socket, parent, &New { name: Some("y"), mac: Some(mac(7)), ..New::default() }).unwrap();
    // What is mounted at /sys shows the links of the namespace it was mounted in.
    let look = "mount -t sysfs sys /sys && cd /sys/class/net && cat x/addr_assign_type y/addr_assign_type";
    let seen = Command::new("unshare").args(["-m", "sh", "-c", look]).output().expect("unshare");
    if !seen.status.success() {
        return Err(Skip(format!("sysfs cannot be mounted: {}", String::from_utf8_lossy(&seen.stderr).trim())));
    }
    assert_eq!(String::from_utf8_lossy(&seen.stdout), "1\n3\n");
    Ok(())
}
