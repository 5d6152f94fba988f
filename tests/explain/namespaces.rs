//! Namespaces that are none, or none any more.

use crate::common::{Skip, name, parent, socket};
use crate::help::{elsewhere, index};
use crate::twins::{New, Twin};
use crate::why::{assert_no_more, assert_why, why};
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use std::fs::File;
use std::os::fd::AsFd;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use sublink::error::Reason;
use sublink::link::GetLink;
use sublink::value::NsId;
use sublink::{LinkChange, Netns, NewAddress, NewLink};
use sublink_tests::kernel_test;

const NO_NAMESPACE: &str = "the descriptor that was given is not that of a network namespace";

#[kernel_test(both)]
pub fn a_descriptor_of_something_else<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let only_a_path = OFlag::O_PATH | OFlag::O_CLOEXEC;
    let files = [
        File::open("/dev/null").unwrap().into(),
        File::open("/proc/thread-self/ns/mnt").unwrap().into(),
        open("/proc/thread-self/ns/net", only_a_path, Mode::empty()).unwrap(), // EBADF
    ];
    for file in files {
        let created =
            T::create(&mut socket, parent, &New { name: Some("x"), netns: Some(file.as_fd()), ..New::default() });
        assert_why(&mut socket, created, &Reason::NotANamespace, NO_NAMESPACE);
        let moved = socket.change(&LinkChange::move_to(parent, &file));
        assert_why(&mut socket, moved, &Reason::NotANamespace, NO_NAMESPACE);
        let created = socket.apply(&NewLink::macvlan(index(4242)).netns(&file));
        assert_eq!(why(&mut socket, created), Some(Reason::NotANamespace), "before the parent is looked for");
    }
    Ok(())
}

#[kernel_test(both)]
pub fn a_descriptor_that_is_closed_by_now_is_nothing_to_look_at<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let file = File::open("/dev/null").unwrap();
    let new = New { name: Some("x"), netns: Some(file.as_fd()), ..New::default() };
    let error = T::create(&mut socket, parent, &new).unwrap_err();
    drop(file);
    let reason = crate::common::reason(&error, &mut socket);
    // Another test may have been given the number meanwhile.
    assert!(matches!(reason, Some(Reason::NotANamespace | Reason::Unknown { .. })), "{reason:?}");
    Ok(())
}

#[kernel_test(both)]
pub fn a_descriptor_that_is_closed_by_now_is_not_to_blame<T: Twin>() -> Result<(), Skip> {
    static ALONE: Mutex<()> = Mutex::new(());
    let mut socket = socket();
    let parent = parent(&mut socket);
    // Files get the lowest free number: with these closed first, no other test gets the one that is closed next.
    let _alone = ALONE.lock();
    let below: Vec<_> = (0..200).map(|_| File::open("/dev/null").unwrap()).collect();
    let (there, _inside) = elsewhere();
    let new = New { name: Some("x"), mtu: Some(9000), netns: Some(there.as_fd()), ..New::default() };
    let created = T::create(&mut socket, parent, &new);
    drop((below, there)); // in this order
    let reason = Reason::MtuAboveParent { mtu: 9000, parent: name("p0"), parent_mtu: 1500 };
    assert_why(&mut socket, created, &reason, "the MTU 9000 is above the 1500 of the parent p0");
    Ok(())
}

#[kernel_test(both)]
pub fn a_number_of_no_namespace<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let (there, _inside) = elsewhere();
    for nsid in [NsId::new(77).unwrap(), NsId::NOT_ASSIGNED] {
        let sentence = format!("no network namespace has the id {nsid}, or none any longer");
        for netns in [None, Some(there.as_fd())] {
            let new = New { name: Some("x"), parent_in: Some(nsid), netns, ..New::default() };
            let created = T::create(&mut socket, parent, &new);
            assert_why(&mut socket, created, &Reason::NamespaceIsGone(nsid), &sentence);
        }
    }
    let asked = socket.get(&GetLink::index(parent).in_netnsid(NsId::new(77).unwrap())).map(|link| link.index());
    assert_eq!(why(&mut socket, asked), Some(Reason::NamespaceIsGone(NsId::new(77).unwrap())));
    Ok(())
}

#[kernel_test(both)]
pub fn a_namespace_that_has_died<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let dying = Netns::create().unwrap();
    let nsid = socket.nsid_or_new(&dying).unwrap();
    let new = New { name: Some("x"), parent_in: Some(nsid), ..New::default() };
    let created = T::create(&mut socket, parent, &new);
    assert_eq!(why(&mut socket, created), Some(Reason::ParentIsGone(parent)), "it lives, and has no such link");
    drop(dying);
    // The thread that made it may hold it for a moment longer.
    let deadline = Instant::now() + Duration::from_secs(120);
    while socket.get(&GetLink::index(index(1)).in_netnsid(nsid)).is_ok() {
        assert!(Instant::now() < deadline, "it lives on");
    }
    let created = T::create(&mut socket, parent, &new);
    let sentence = format!("no network namespace has the id {nsid}, or none any longer");
    assert_why(&mut socket, created, &Reason::NamespaceIsGone(nsid), &sentence);
    Ok(())
}

#[kernel_test(both)]
pub fn a_link_that_is_gone<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let absent = index(4242);
    let (there, _inside) = elsewhere();
    let (reason, sentence) = (Reason::LinkIsGone(absent), "the link does not exist, or no longer");
    let address = NewAddress::new(absent, "10.0.0.1/24".parse().unwrap());
    for failed in [
        T::change(&mut socket, absent, &crate::twins::Change { mtu: Some(1400), ..Default::default() }),
        socket.change(&LinkChange::new(absent).up()),
        socket.change(&LinkChange::move_to(absent, &there).name(name("y"))),
        socket.delete(absent),
        socket.add_alt_name(absent, "other"),
        socket.apply(&address),
        socket.link_at(absent).map(|_| ()),
    ] {
        assert_why(&mut socket, failed, &reason, sentence);
    }
    let asked = socket.index_of("absent");
    assert_no_more(&mut socket, asked, "get link absent: ENODEV (No such device)");
    Ok(())
}
