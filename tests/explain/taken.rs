//! EEXIST and EBUSY: whose the name or the index is.

use crate::common::{Skip, kernel, name, needs, parent, socket, veth};
use crate::help::{elsewhere, index, looks_in_the_target};
use crate::twins::{New, Twin};
use crate::why::{assert_why, why};
use std::os::fd::AsFd;
use sublink::error::Reason;
use sublink::{Endpoint, ErrorKind, IfIndex, LinkChange, NewLink, Result, Sandbox, Socket};
use sublink_tests::kernel_test;

/// The name `taken`, which is that of `owner`, or an alternative one.
fn is_taken(taken: &str, owner: &str, index: IfIndex) -> (Reason, String) {
    let reason = Reason::NameIsTaken { name: taken.as_bytes().into(), owner: name(owner), index };
    (reason, format!("the name {taken} is taken by {owner} (#{index})"))
}

#[kernel_test(both)]
pub fn a_name<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    socket.add_alt_name(parent, "other").unwrap();
    for (taken, owner) in [("p1", "p1"), ("lo", "lo"), ("other", "p0")] {
        let index = socket.index_of(owner).unwrap();
        let (reason, sentence) = is_taken(taken, owner, index);
        let created = T::create(&mut socket, parent, &New { name: Some(taken), ..New::default() });
        assert_why(&mut socket, created, &reason, &sentence);
    }
    Ok(())
}

#[kernel_test]
pub fn a_name_of_a_link_without_a_parent() -> Result<(), Skip> {
    let mut socket = socket();
    parent(&mut socket);
    let p1 = socket.index_of("p1").unwrap();
    let (reason, sentence) = is_taken("p1", "p1", p1);
    let created = socket.create(&NewLink::veth(NewLink::peer().name(name("y"))).name(name("p1")));
    assert_why(&mut socket, created, &reason, &sentence);
    Ok(())
}

#[kernel_test]
pub fn a_new_name() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let p1 = socket.index_of("p1").unwrap();
    socket.add_alt_name(parent, "other").unwrap();
    socket.change(&LinkChange::new(p1).down()).unwrap();
    for (taken, owner) in [("p0", "p0"), ("lo", "lo"), ("other", "p0")] {
        let index = socket.index_of(owner).unwrap();
        let (reason, sentence) = is_taken(taken, owner, index);
        let changed = socket.change(&LinkChange::new(p1).name(name(taken)));
        assert_why(&mut socket, changed, &reason, &sentence);
        let added = socket.add_alt_name(p1, taken);
        assert_why(&mut socket, added, &reason, &sentence);
    }
    Ok(())
}

#[kernel_test]
pub fn an_index() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let p1 = socket.index_of("p1").unwrap();
    let reason = Reason::IndexIsTaken { index: p1, owner: name("p1") };
    let sentence = format!("the index {p1} is taken by p1");
    let created = socket.create(&NewLink::macvlan(parent).index(p1));
    assert_why(&mut socket, created, &reason, &sentence);
    let created = socket.create(&NewLink::macvlan(parent).name(name("x")).index(p1));
    assert_why(&mut socket, created, &reason, &sentence);
    Ok(())
}

#[kernel_test(both)]
pub fn a_name_in_another_namespace<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let (there, mut inside) = elsewhere();
    veth(&mut inside, "x", "y");
    let reason = Reason::TakenThere { name: Some(name("x")), index: None, owner: None, here: None, or_alt_name: false };
    let is_there = "the name x is taken in the other namespace";
    // `create` chooses an index, of which nobody needs to hear. With one, the link is not looked for here by its name.
    let created =
        T::create(&mut socket, parent, &New { name: Some("x"), netns: Some(there.as_fd()), ..New::default() });
    assert_eq!(created.as_ref().unwrap_err().request().unwrap().index, None);
    assert_why(&mut socket, created, &reason, is_there);
    let created = socket.apply(&NewLink::macvlan(parent).name(name("x")).netns(&there));
    assert_why(&mut socket, created, &reason, is_there);

    let chosen = NewLink::macvlan(parent).name(name("x")).index(index(20000)).netns(&there);
    let reason = Reason::TakenThere {
        name: Some(name("x")),
        index: Some(index(20000)),
        owner: None,
        here: None,
        or_alt_name: false,
    };
    let sentence = "the name x or the index 20000 is taken in the other namespace";
    let created = socket.create(&chosen);
    assert_why(&mut socket, created, &reason, sentence);
    Ok(())
}

#[kernel_test]
pub fn a_name_here_of_a_link_for_another_namespace() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let (there, mut inside) = elsewhere();
    let created = socket.apply(&NewLink::macvlan(parent).name(name("p1")).netns(&there));
    if looks_in_the_target() {
        created.expect("the name is free there");
        let created = inside.index_of("p1").unwrap();
        inside.delete(created).unwrap();
        veth(&mut inside, "p1", "y");
    } else {
        assert!(created.unwrap_err().is_already_there());
    }
    let created = socket.apply(&NewLink::macvlan(parent).name(name("p1")).netns(&there));
    let reason = Reason::TakenThere {
        name: Some(name("p1")),
        index: None,
        owner: None,
        here: Some(name("p1")),
        or_alt_name: false,
    };
    let sentence = "the name p1 is taken in the other namespace, or, up to Linux 6.12, here by p1";
    assert_why(&mut socket, created, &reason, sentence);
    Ok(())
}

#[kernel_test]
pub fn an_index_in_another_namespace() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let (there, mut inside) = elsewhere();
    veth(&mut inside, "y", "z");
    let taken = index(20000);
    inside.create(&NewLink::veth(NewLink::peer().name(name("v"))).name(name("u")).index(taken)).unwrap();
    let link = NewLink::macvlan(parent).index(taken).netns(&there);
    // An EEXIST on new kernels, and on old ones an EBUSY, which the parent may be the cause of.
    let created = socket.create(&link);
    let is_there = "the index 20000 is taken in the other namespace";
    if looks_in_the_target() {
        let reason = Reason::TakenThere { name: None, index: Some(taken), owner: None, here: None, or_alt_name: false };
        assert_why(&mut socket, created, &reason, is_there);
    } else {
        let reason = Reason::ParentIsTaken { parent: name("p0"), index: Some(taken) };
        assert_eq!(why(&mut socket, created), Some(reason));
    }
    socket.create(&NewLink::macvtap(parent)).expect("so nothing else has the parent");
    let created = socket.create(&link);
    let reason = Reason::TakenThere { name: None, index: Some(taken), owner: None, here: None, or_alt_name: false };
    assert_why(&mut socket, created, &reason, is_there);
    Ok(())
}

/// Newer kernels have words for this, which are enough.
#[track_caller]
fn assert_taken_there(socket: &mut Socket, moved: Result<()>, words: &str, reason: &Reason, sentence: &str) {
    let error = moved.as_ref().expect_err("it should have been refused");
    let ErrorKind::Kernel(kernel) = error.kind() else { panic!("{error}") };
    match kernel.text.as_deref() {
        Some(text) => {
            assert_eq!(text, words);
            assert_eq!(why(socket, moved), None);
        }
        None => assert_why(socket, moved, reason, sentence),
    }
}

#[kernel_test(both)]
pub fn a_name_where_a_link_moves_to<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let (there, mut inside) = elsewhere();
    veth(&mut inside, "x", "y");
    let x = T::create(&mut socket, parent, &New { name: Some("x"), ..New::default() }).unwrap();
    let to = LinkChange::move_to(x, &there);
    for (moved, taken, words) in [
        (socket.change(&to), "x", "An interface with the same name exists in the target netns"),
        (socket.change(&to.name(name("y"))), "y", "Unable to use 'y' for the new interface name in the target netns"),
    ] {
        let reason =
            Reason::TakenThere { name: Some(name(taken)), index: None, owner: None, here: None, or_alt_name: false };
        let sentence = format!("the name {taken} is taken in the other namespace");
        assert_taken_there(&mut socket, moved, words, &reason, &sentence);
    }
    Ok(())
}

/// Linux 6.1 has the check without words.
#[kernel_test(both)]
pub fn an_alternative_name_where_a_link_moves_to<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let (there, mut inside) = elsewhere();
    let y = veth(&mut inside, "y", "z");
    inside.add_alt_name(y, "other").unwrap();
    let x = T::create(&mut socket, parent, &New { name: Some("x"), ..New::default() }).unwrap();
    socket.add_alt_name(x, "other").unwrap();
    let moved = socket.change(&LinkChange::move_to(x, &there));
    if kernel() < (6, 1) && moved.is_ok() {
        return Err(Skip("this kernel leaves alternative names behind".into()));
    }
    let words = "An interface with the altname other exists in the target netns";
    let reason = Reason::TakenThere { name: Some(name("x")), index: None, owner: None, here: None, or_alt_name: true };
    let sentence = "the name x or an alternative name of the link is taken in the other namespace";
    assert_taken_there(&mut socket, moved, words, &reason, sentence);
    Ok(())
}

/// It holds both sockets, and says which of the two is taken, and by what.
#[kernel_test]
pub fn an_attach_says_which_is_taken() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let mut pod = Sandbox::create().unwrap();
    let index = index(20000);
    pod.socket().create(&NewLink::veth(NewLink::peer().name(name("y"))).name(name("x")).index(index)).unwrap();
    pod.socket().add_alt_name(index, "other").unwrap();
    let link = |called: &str| NewLink::macvlan(parent).name(name(called));
    for (link, said) in [
        (link("x"), "the name x is taken in the other namespace"),
        (link("other"), "the name other is taken in the other namespace, by x"),
        (link("free").index(index), "the index 20000 is taken in the other namespace, by x"),
        (link("x").index(index), "the name x is taken in the other namespace"),
        (link("other").index(index), "the name other is taken in the other namespace, by x"),
    ] {
        let error = Endpoint::new(link).attach(&mut socket, &mut pod).unwrap_err();
        assert!(error.to_string().ends_with(&format!(": {said}; no link is left behind")), "{error}");
    }
    Ok(())
}

#[kernel_test(both)]
pub fn an_index_where_a_link_moves_to<T: Twin>() -> Result<(), Skip> {
    needs("index_there")?;
    let mut socket = socket();
    let parent = parent(&mut socket);
    let (there, mut inside) = elsewhere();
    let taken = veth(&mut inside, "y", "z");
    for up in [false, true] {
        let x = T::create(&mut socket, parent, &New { name: Some("x"), up, ..New::default() }).unwrap();
        let moved = socket.change(&LinkChange::move_to(x, &there).name(name("w")).index_there(taken));
        let words = format!("The ifindex {taken} is not available in the target netns");
        let reason = Reason::TakenThere { name: None, index: Some(taken), owner: None, here: None, or_alt_name: false };
        let sentence = format!("the index {taken} is taken in the other namespace");
        assert_taken_there(&mut socket, moved, &words, &reason, &sentence);
        socket.delete(x).unwrap();
    }
    Ok(())
}

#[kernel_test(both)]
pub fn a_link_that_is_up_is_renamed_since_linux_6_2<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let x = T::create(&mut socket, parent, &New { name: Some("x"), up: true, ..New::default() }).unwrap();
    let changed = socket.change(&LinkChange::new(x).name(name("z")));
    if kernel() >= (6, 2) {
        changed.expect("it renamed");
    } else {
        let sentence = "x is up, and this kernel renames only links that are down";
        assert_why(&mut socket, changed, &Reason::RenamedWhileUp(name("x")), sentence);
    }
    Ok(())
}
