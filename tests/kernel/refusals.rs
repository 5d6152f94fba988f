//! macvlan and macvtap: what the kernel refuses, as the library says it. The kernel gives no text with most of these.

use crate::common::{Skip, mac, parent, socket};
use crate::tools::{ip, names_of_kind, refusal, try_ip};
use crate::twins::{Change, New, Twin};
use std::fs::File;
use std::os::fd::AsFd;
use sublink::value::NsId;
use sublink::{IfIndex, LinkChange, MacvlanMode, Netns, Socket};
use sublink_tests::kernel_test;

const ABSENT: u32 = 4242;
/// The kernel reads an MTU as a signed number.
const NEGATIVE: u32 = u32::MAX;

fn named() -> New<'static> {
    New { name: Some("x"), ..New::default() }
}

/// Creates as `new` on `parent` and compares the refusal; nothing may be left behind.
#[track_caller]
fn assert_not_created<T: Twin>(socket: &mut Socket, parent: IfIndex, new: &New<'_>, said: &str) {
    let before = names_of_kind(socket, T::KIND);
    assert_eq!(refusal(T::create(socket, parent, new)), format!("create {} {said}", T::KIND));
    assert_eq!(names_of_kind(socket, T::KIND), before, "something was left behind");
}

#[kernel_test(both)]
pub fn a_parent_must_be_there_and_ethernet<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let lo = socket.index_of("lo").unwrap();
    assert_not_created::<T>(&mut socket, lo, &named(), "x on lo: EINVAL (Invalid argument)");
    let absent = IfIndex::new(ABSENT).unwrap();
    assert_not_created::<T>(&mut socket, absent, &named(), "x on #4242: ENODEV (No such device)");
    assert_not_created::<T>(&mut socket, absent, &New::default(), "on #4242: ENODEV (No such device)");
    Ok(())
}

#[kernel_test(both)]
pub fn a_tunnel_cannot_be_a_parent<T: Twin>() -> Result<(), Skip> {
    try_ip("tuntap add dev t0 mode tun").map_err(|error| Skip(format!("no tun here: {}", error.trim())))?;
    let mut socket = socket();
    let tunnel = socket.index_of("t0").unwrap();
    assert_eq!(socket.link_at(tunnel).unwrap().device_type(), 65534, "no hardware at all");
    assert_not_created::<T>(&mut socket, tunnel, &named(), "x on t0: EINVAL (Invalid argument)");
    Ok(())
}

#[kernel_test(both)]
pub fn an_mtu_has_limits<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let index = T::create(&mut socket, parent, &New { name: Some("y"), ..New::default() }).unwrap();
    let (small, large) = (": mtu less than device minimum", ": mtu greater than device maximum");
    let bare = " (Invalid argument)";
    for (mtu, words) in [(0, small), (67, small), (1501, bare), (65535, bare), (65536, large), (NEGATIVE, small)] {
        let new = New { mtu: Some(mtu), ..named() };
        assert_not_created::<T>(&mut socket, parent, &new, &format!("x on p0: EINVAL{words}"));
        let said = refusal(T::change(&mut socket, index, &Change { mtu: Some(mtu), ..Change::default() }));
        assert_eq!(said, format!("change {} y: EINVAL{words}", T::KIND), "{mtu}");
        let said = refusal(socket.change(&LinkChange::new(index).mtu(mtu)));
        assert_eq!(said, format!("change link y: EINVAL{words}"), "{mtu}");
        assert_eq!(socket.link_at(index).unwrap().mtu(), 1500);
    }
    socket.change(&LinkChange::new(parent).mtu(65535)).unwrap();
    for mtu in [68, 1501, 65535] {
        T::change(&mut socket, index, &Change { mtu: Some(mtu), ..Change::default() }).unwrap();
        assert_eq!(socket.link_at(index).unwrap().mtu(), mtu);
        let created = T::create(&mut socket, parent, &New { mtu: Some(mtu), ..named() }).unwrap();
        assert_eq!(socket.link_at(created).unwrap().mtu(), mtu);
        socket.delete(created).unwrap();
    }
    Ok(())
}

#[kernel_test(both)]
pub fn a_taken_name_is_refused<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    for taken in ["p0", "p1", "lo"] {
        let new = New { name: Some(taken), ..New::default() };
        assert_not_created::<T>(&mut socket, parent, &new, &format!("{taken} on p0: EEXIST (File exists)"));
    }
    let error = T::create(&mut socket, parent, &New { name: Some("p1"), ..New::default() }).unwrap_err();
    assert!(error.is_already_there() && !error.is_busy());
    Ok(())
}

#[kernel_test(both)]
pub fn a_mac_in_use_is_refused_only_when_up<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let of_parent = socket.link_at(parent).unwrap().mac().mac();
    T::create(&mut socket, parent, &New { mac: Some(mac(1)), up: true, ..New::default() }).unwrap();
    for (whose, mac) in [("the parent's", of_parent), ("a sibling's", Some(mac(1)))] {
        let new = New { mac, ..named() };
        assert_not_created::<T>(
            &mut socket,
            parent,
            &New { up: true, ..new },
            "x on p0: EADDRINUSE (Address already in use)",
        );
        let index = T::create(&mut socket, parent, &new).unwrap_or_else(|error| panic!("{whose}: {error}"));
        let said = refusal(socket.change(&LinkChange::new(index).up()));
        assert_eq!(said, "bring up x: EADDRINUSE (Address already in use)", "{whose}");
        let said = refusal(T::change(&mut socket, index, &Change { up: true, ..Change::default() }));
        assert_eq!(said, format!("change {} x: EADDRINUSE (Address already in use)", T::KIND), "{whose}");
        assert!(!socket.link_at(index).unwrap().is_up());
        socket.delete(index).unwrap();
    }
    Ok(())
}

#[kernel_test(both)]
pub fn a_mac_in_use_cannot_be_changed_to<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let of_parent = socket.link_at(parent).unwrap().mac().mac().unwrap();
    T::create(&mut socket, parent, &New { mac: Some(mac(1)), up: true, ..New::default() }).unwrap();
    for up in [false, true] {
        let index = T::create(&mut socket, parent, &New { mac: Some(mac(2)), up, ..named() }).unwrap();
        for taken in [of_parent, mac(1)] {
            let said = refusal(socket.change(&LinkChange::new(index).mac(taken)));
            assert_eq!(said, "change link x: EADDRINUSE (Address already in use)", "{taken}, up: {up}");
            let said = refusal(T::change(&mut socket, index, &Change { mac: Some(taken), ..Change::default() }));
            assert_eq!(said, format!("change {} x: EADDRINUSE (Address already in use)", T::KIND), "{taken}, up: {up}");
            assert_eq!(socket.link_at(index).unwrap().mac().mac(), Some(mac(2)));
        }
        socket.delete(index).unwrap();
    }
    Ok(())
}

#[kernel_test(both)]
pub fn a_mac_of_a_sibling_that_is_down_is_free<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let sibling = T::create(&mut socket, parent, &New { mac: Some(mac(1)), ..New::default() }).unwrap();
    T::create(&mut socket, parent, &New { mac: Some(mac(1)), up: true, ..named() }).unwrap();
    assert!(socket.change(&LinkChange::new(sibling).up()).unwrap_err().is_address_in_use());
    Ok(())
}

#[kernel_test(both)]
pub fn a_mac_in_use_in_another_namespace_is_refused<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let other = Netns::create().unwrap();
    let there = New { mac: Some(mac(1)), up: true, netns: Some(other.as_fd()), ..named() };
    T::create(&mut socket, parent, &there).unwrap();
    let here = New { mac: Some(mac(1)), up: true, ..named() };
    assert_not_created::<T>(&mut socket, parent, &here, "x on p0: EADDRINUSE (Address already in use)");
    let error = T::create(&mut socket, parent, &here).unwrap_err();
    assert!(error.is_address_in_use());
    Ok(())
}

#[kernel_test(both)]
pub fn a_bridge_port_is_busy<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    ip("link add br0 type bridge");
    ip("link set p0 master br0");
    assert_not_created::<T>(&mut socket, parent, &named(), "x on p0: EBUSY (Device or resource busy)");
    assert_not_created::<T>(&mut socket, parent, &New::default(), "on p0: EBUSY (Device or resource busy)");
    assert!(T::create(&mut socket, parent, &named()).unwrap_err().is_busy());
    let bridge = socket.index_of("br0").unwrap();
    T::create(&mut socket, bridge, &named()).expect("the bridge itself can be a parent");
    Ok(())
}

#[kernel_test(both)]
pub fn a_parent_cannot_become_a_bridge_port<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    ip("link add br0 type bridge");
    let bridge = socket.index_of("br0").unwrap();
    T::create(&mut socket, parent, &named()).unwrap();
    let said = refusal(socket.change(&LinkChange::new(parent).master(bridge)));
    assert_eq!(said, "change link p0: EBUSY (Device or resource busy)");
    Ok(())
}

#[kernel_test(both)]
pub fn passthru_and_others_exclude_each_other<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let modes = [MacvlanMode::Private, MacvlanMode::Vepa, MacvlanMode::Bridge, MacvlanMode::Source];
    let passthru = MacvlanMode::Passthru;
    let both_orders = modes.into_iter().flat_map(|mode| [(mode, passthru), (passthru, mode)]);
    for (first, second) in both_orders.chain([(passthru, passthru)]) {
        let index = T::create(&mut socket, parent, &New { mode: Some(first), ..New::default() }).unwrap();
        let new = New { mode: Some(second), ..named() };
        let said = refusal(T::create(&mut socket, parent, &new));
        assert_eq!(said, format!("create {} x on p0: EINVAL (Invalid argument)", T::KIND), "{second} after {first}");
        socket.delete(index).unwrap();
        let index = T::create(&mut socket, parent, &new).unwrap_or_else(|error| panic!("{second} alone: {error}"));
        socket.delete(index).unwrap();
    }
    Ok(())
}

#[kernel_test(both)]
pub fn a_file_that_is_no_namespace_is_refused<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    for path in ["/dev/null", "/proc/thread-self/ns/mnt"] {
        let file = File::open(path).unwrap();
        let new = New { netns: Some(file.as_fd()), ..named() };
        assert_not_created::<T>(&mut socket, parent, &new, "x on p0: EINVAL (Invalid argument)");
    }
    let events = netlink_sys::Socket::new(netlink_sys::protocols::NETLINK_ROUTE).unwrap();
    let new = New { netns: Some(events.as_fd()), ..named() };
    assert_not_created::<T>(&mut socket, parent, &new, "x on p0: EINVAL (Invalid argument)");
    Ok(())
}

#[kernel_test(both)]
pub fn an_unknown_number_of_a_namespace_is_refused<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    for nsid in [NsId::new(77).unwrap(), NsId::NOT_ASSIGNED] {
        let new = New { parent_in: Some(nsid), ..named() };
        let said = format!("x on #{parent} of another namespace: EINVAL: Unknown network namespace id");
        assert_not_created::<T>(&mut socket, parent, &new, &said);
        assert_not_created::<T>(&mut socket, parent, &New { up: true, ..new }, &said);
        let error = T::create(&mut socket, parent, &new).unwrap_err();
        let request = error.request().expect("the create");
        assert_eq!(
            (request.parent, request.parent_name),
            (Some(parent), None),
            "the link of that index here is another"
        );
    }
    Ok(())
}

#[kernel_test(both)]
pub fn a_link_of_another_kind_or_none_cannot_be_changed<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let change = Change { mode: Some(MacvlanMode::Bridge), ..Change::default() };
    let error = T::change(&mut socket, parent, &change).unwrap_err();
    assert_eq!(error.to_string(), format!("change {} p0: EOPNOTSUPP (Operation not supported)", T::KIND));
    assert!(error.is_not_supported());
    let absent = IfIndex::new(ABSENT).unwrap();
    let error = T::change(&mut socket, absent, &change).unwrap_err();
    assert_eq!(error.to_string(), format!("change {} #4242: ENODEV (No such device)", T::KIND));
    assert!(error.is_no_device());
    Ok(())
}
