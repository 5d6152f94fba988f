//! Moves: one request takes a link to another namespace and makes it what it is to be there; a failure says where it is.

use crate::common::{Skip, knows, mac, name, parent, socket, veth};
use crate::help::{elsewhere, index, ip, seen, sentence};
use nix::fcntl::OFlag;
use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use sublink::error::Whereabouts;
use sublink::link::LinkFlags;
use sublink::{Batch, IfIndex, LinkChange, Netns, NewLink, Socket};
use sublink_tests::kernel_test;

/// A macvlan `mv0` with index 600 on `p0`, up, and the socket that made it.
fn macvlan() -> (Socket, IfIndex) {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let link = NewLink::macvlan(parent).name(name("mv0")).mac(mac(1)).index(index(600)).up();
    let created = socket.create(&link).expect("mv0");
    (socket, created)
}

#[kernel_test]
pub fn one_request_moves_and_makes_ready() -> Result<(), Skip> {
    let (mut socket, mv0) = macvlan();
    let (there, mut inside) = elsewhere();
    let ready = LinkChange::move_to(mv0, &there)
        .name(name("eth0"))
        .mac(mac(2))
        .mtu(1400)
        .txqlen(77)
        .group(9)
        .index_there(index(7000))
        .up();
    socket.change(&ready).unwrap();

    let link = inside.link("eth0").unwrap().to_owned();
    let index_there = if knows("index_there") { 7000 } else { 600 };
    assert_eq!((link.index.get(), link.mac, link.mtu), (index_there, Some(mac(2)), 1400));
    assert_eq!((link.txqlen, link.group), (77, 9));
    assert!(link.flags.contains(LinkFlags::UP));
    assert_eq!(link.parent, Some(socket.index_of("p0").unwrap()));
    assert!(socket.link_at(mv0).unwrap_err().is_no_device());
    assert_eq!(seen().len(), 3, "lo and the veth pair");
    Ok(())
}

#[kernel_test]
pub fn an_index_is_kept_where_it_is_free() -> Result<(), Skip> {
    let (mut socket, mv0) = macvlan();
    let (there, mut inside) = elsewhere();
    socket.change(&LinkChange::move_to(mv0, &there)).unwrap();
    assert_eq!(inside.index_of("mv0").unwrap(), mv0);

    let parent = socket.index_of("p0").unwrap();
    let second = socket.create(&NewLink::macvlan(parent).name(name("mv1")).index(mv0)).unwrap();
    socket.change(&LinkChange::move_to(second, &there)).unwrap();
    assert_ne!(inside.index_of("mv1").unwrap(), mv0);
    assert_eq!(inside.index_of("mv0").unwrap(), mv0);
    Ok(())
}

#[kernel_test]
pub fn a_move_takes_it_down_and_drops_its_addresses() -> Result<(), Skip> {
    let (mut socket, mv0) = macvlan();
    let (there, mut inside) = elsewhere();
    ip("addr add 10.9.0.1/24 dev mv0");
    assert!(ip("-4 -o addr show dev mv0").contains("10.9.0.1"));
    socket.change(&LinkChange::move_to(mv0, &there)).unwrap();
    assert!(!inside.link_at(mv0).unwrap().is_up());
    assert_eq!(there.run(|| ip("-o addr show dev mv0")).unwrap(), "");
    Ok(())
}

#[kernel_test]
pub fn a_move_and_back() -> Result<(), Skip> {
    let (mut socket, mv0) = macvlan();
    let (there, mut inside) = elsewhere();
    let here = Netns::current().unwrap();
    let before = socket.link_at(mv0).unwrap().to_owned();
    socket.change(&LinkChange::move_to(mv0, &there).up()).unwrap();
    inside.change(&LinkChange::move_to(mv0, &here).up()).unwrap();
    let after = socket.link_at(mv0).unwrap().to_owned();
    assert_eq!((after.name, after.mac, after.mtu), (before.name, before.mac, before.mtu));
    assert_eq!((after.index, after.parent, after.parent_netnsid), (before.index, before.parent, None));
    Ok(())
}

/// What is refused before the link leaves.
#[kernel_test]
pub fn a_move_that_did_not_begin_says_so() -> Result<(), Skip> {
    let (mut socket, mv0) = macvlan();
    let (there, mut inside) = elsewhere();
    veth(&mut inside, "mv0", "taken");
    let free = Netns::create().unwrap();
    let (file, path) = (File::open("/proc/self/status").unwrap(), path_only());
    let before = socket.link_at(mv0).unwrap().to_owned();
    let held = inside.index_of("mv0").unwrap();
    let fds = [file.as_fd(), path.as_fd(), there.as_fd(), free.as_fd()];
    let [file, path, there, free] = fds.each_ref().map(|fd| LinkChange::move_to(mv0, fd));
    for (row, moved, errno) in [
        ("no namespace", file, "EINVAL"),
        ("not open", path, "EBADF"),
        ("its name is taken there", there, "EEXIST"),
        ("both names are taken there", there.name(name("taken")), "EEXIST"),
        ("its index is taken there", there.name(name("x")).index_there(held), "EBUSY"),
    ] {
        if row == "its index is taken there" && !knows("index_there") {
            continue;
        }
        let error = socket.change(&moved).expect_err(row);
        assert_eq!(error.link_is(), Some(Whereabouts::Here), "{row}: {error}");
        let said = error.to_string();
        assert!(said.starts_with(&format!("move link mv0: {errno}")), "{row}: {said}");
        assert!(said.ends_with("; the link has not left its namespace"), "{row}: {said}");
        let after = socket.link_at(mv0).unwrap().to_owned();
        assert_eq!((&after.name, after.mac, after.index), (&before.name, before.mac, before.index), "{row}");
        assert!(after.flags.contains(LinkFlags::UP), "{row}");
    }
    socket.change(&free).unwrap();
    Ok(())
}

/// A descriptor that is good for nothing but its path: the kernel takes it for one that is not open.
fn path_only() -> File {
    let options = &mut File::options();
    options.read(true).custom_flags(OFlag::O_PATH.bits()).open("/proc/self/status").expect("a file")
}

/// What is refused after the link left: the kernel does not take it back.
#[kernel_test]
pub fn a_move_that_failed_on_the_way_says_so() -> Result<(), Skip> {
    for (row, expected_name, errno) in [
        ("mtu", "mv0", "EINVAL"),
        ("name", "mv0", "EEXIST"),
        ("mac", "mv0", "EADDRINUSE"),
        ("up", "eth0", "EADDRINUSE"),
        ("master", "eth0", "EINVAL"),
    ] {
        let (mut socket, mv0) = macvlan();
        let (there, mut inside) = elsewhere();
        veth(&mut inside, "taken", "t1");
        let parent = socket.index_of("p0").unwrap();
        socket.change(&LinkChange::new(parent).mac(mac(if row == "up" { 1 } else { 4 }))).unwrap();
        let to = LinkChange::move_to(mv0, &there).name(name("eth0"));
        let moved = match row {
            "mtu" => to.mtu(9000),
            "name" => to.name(name("taken")),
            "mac" => to.mac(mac(4)),
            "up" => to.up(), // it has its parent's address by now
            _ => to.master(index(999)),
        };
        let error = socket.change(&moved).expect_err(row);
        assert_eq!(error.link_is(), Some(Whereabouts::There), "{row}: {error}");
        let said = error.to_string();
        assert!(said.starts_with(&format!("move link #600: {errno}")), "{row}: {said}");
        assert!(said.ends_with("; the link is in the other namespace now"), "{row}: {said}");
        assert!(socket.link_at(mv0).unwrap_err().is_no_device(), "{row}");
        let link = inside.link_at(mv0).unwrap();
        assert_eq!((link.name().to_string().as_str(), link.is_up()), (expected_name, false), "{row}");
        socket.delete(parent).unwrap(); // and with it the link, wherever it is
        assert!(inside.link_at(mv0).unwrap_err().is_no_device(), "{row}");
    }
    Ok(())
}

/// In a batch, and with a step in front of it.
#[kernel_test]
pub fn a_move_that_failed_in_a_batch_says_where_the_link_is() -> Result<(), Skip> {
    let (taken, free) = (name("taken"), name("free"));
    // An older kernel knows no index that could keep the link here.
    let stays = if knows("index_there") { Whereabouts::Here } else { Whereabouts::There };
    for (mtu, to_name, link_is) in [(1400, taken, stays), (9000, free, Whereabouts::There)] {
        let (mut socket, mv0) = macvlan();
        let (there, mut inside) = elsewhere();
        let held = veth(&mut inside, "taken", "t1");
        let mut moved = LinkChange::move_to(mv0, &there).name(to_name).mtu(mtu);
        if to_name == taken {
            moved = moved.index_there(held); // or the kernel moves it, and finds out then
        }
        let mut batch = Batch::new();
        batch.push(&LinkChange::new(mv0).txqlen(77)).unwrap();
        batch.push(&moved).unwrap();
        let error = socket.run(&mut batch).unwrap_err();
        assert_eq!((error.step().map(|step| step.index), error.link_is()), (Some(1), Some(link_is)), "{error}");
        assert_eq!(socket.link_at(mv0).is_ok(), link_is == Whereabouts::Here);
        let parent = socket.index_of("p0").unwrap();
        socket.delete(parent).unwrap(); // and with it the link, wherever it is
    }
    Ok(())
}

#[kernel_test]
pub fn a_link_that_is_not_there_is_not_moved() -> Result<(), Skip> {
    let (mut socket, (there, _)) = (socket(), elsewhere());
    let error = socket.change(&LinkChange::move_to(index(999), &there)).unwrap_err();
    assert_eq!(error.to_string(), "move link #999: ENODEV (No such device)");
    assert_eq!(error.link_is(), None, "it is nowhere");
    let lo = socket.index_of("lo").unwrap();
    let error = sentence(socket.change(&LinkChange::move_to(lo, &there)));
    assert!(error.starts_with("move link lo: EINVAL"), "{error}"); // newer kernels have words for it
    assert!(error.ends_with("; the link has not left its namespace"), "{error}");
    Ok(())
}

/// To where it is: nothing to do, and a failure of the rest leaves it here.
#[kernel_test]
pub fn a_move_to_its_own_namespace_is_a_change() -> Result<(), Skip> {
    let (mut socket, mv0) = macvlan();
    let here = Netns::current().unwrap();
    socket.change(&LinkChange::move_to(mv0, &here).mtu(1400)).unwrap();
    let link = socket.link_at(mv0).unwrap();
    assert_eq!((link.mtu(), link.is_up()), (1400, true), "it was not taken down either");
    let error = socket.change(&LinkChange::move_to(mv0, &here).mtu(9000)).unwrap_err();
    assert_eq!(error.link_is(), Some(Whereabouts::Here));
    let expected = "move link mv0: EINVAL (Invalid argument); the link has not left its namespace";
    assert_eq!(error.to_string(), expected);
    Ok(())
}
