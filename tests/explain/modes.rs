//! EINVAL: passthru has its parent to itself, only source mode has senders, and there are five modes.

use crate::common::{Skip, mac, name, parent, socket};
use crate::help::elsewhere;
use crate::twins::{Change, New, Twin};
use crate::why::{assert_why, why};
use std::os::fd::AsFd;
use sublink::error::Reason;
use sublink::link::SourceMacs;
use sublink::{IfIndex, MacvlanMode, NewLink, Socket};
use sublink_tests::kernel_test;

const OTHERS: [MacvlanMode; 4] = [MacvlanMode::Private, MacvlanMode::Vepa, MacvlanMode::Bridge, MacvlanMode::Source];
const PASSTHRU: MacvlanMode = MacvlanMode::Passthru;

fn of_mode(name: &str, mode: MacvlanMode) -> New<'_> {
    New { name: Some(name), mode: Some(mode), ..New::default() }
}

#[track_caller]
fn assert_occupied<T: Twin>(socket: &mut Socket, parent: IfIndex, mode: MacvlanMode, by: &[&str]) {
    let created = T::create(socket, parent, &of_mode("x", mode));
    let reason = Reason::Passthru { parent: name("p0"), children: by.iter().map(|child| name(child)).collect() };
    let by = if by.is_empty() { "one in another namespace, or had until now".into() } else { by.join(", ") };
    assert_why(socket, created, &reason, &format!("a passthru link needs its parent to itself, and p0 has {by}"));
}

#[kernel_test(both)]
pub fn passthru_and_others_exclude_each_other<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let y = T::create(&mut socket, parent, &of_mode("y", PASSTHRU)).unwrap();
    for mode in OTHERS.into_iter().chain([PASSTHRU]) {
        assert_occupied::<T>(&mut socket, parent, mode, &["y"]);
    }
    let created = T::create(&mut socket, parent, &New { name: Some("x"), ..New::default() });
    let reason = Reason::Passthru { parent: name("p0"), children: vec![name("y")] };
    assert_eq!(why(&mut socket, created), Some(reason.clone()), "the kernel's default mode");
    let created = T::create(&mut socket, parent, &New { name: Some("x"), mtu: Some(1500), ..New::default() });
    assert_eq!(why(&mut socket, created), Some(reason), "not the MTU, which is the parent's");
    socket.delete(y).unwrap();

    for mode in OTHERS {
        let y = T::create(&mut socket, parent, &of_mode("y", mode)).unwrap();
        assert_occupied::<T>(&mut socket, parent, PASSTHRU, &["y"]);
        let z = socket.create(&NewLink::macvtap(y).name(name("z"))).unwrap();
        assert_occupied::<T>(&mut socket, y, PASSTHRU, &["y", "z"]);
        socket.delete(y).unwrap();
        socket.delete(z).unwrap();
    }
    Ok(())
}

#[kernel_test(both)]
pub fn they_do_from_another_namespace<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let (there, _inside) = elsewhere();
    let y = T::create(&mut socket, parent, &New { netns: Some(there.as_fd()), ..of_mode("y", MacvlanMode::Bridge) });
    y.expect("one in another namespace");
    assert_occupied::<T>(&mut socket, parent, PASSTHRU, &[]);
    Ok(())
}

#[kernel_test(both)]
pub fn a_passthru_child_in_another_namespace_is_not_seen<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let (there, _inside) = elsewhere();
    for up in [false, true] {
        let y = New { netns: Some(there.as_fd()), up, ..of_mode("y", PASSTHRU) };
        let y = T::create(&mut socket, parent, &y).unwrap();
        let created = T::create(&mut socket, parent, &of_mode("x", MacvlanMode::Bridge));
        let sentence = "nothing that this namespace shows is in the way: a passthru link on p0 in another namespace may be, or \
                        what was is gone by now";
        assert_why(&mut socket, created, &Reason::Unknown { parent: name("p0"), flags: None }, sentence);
        Socket::open_in(&there).unwrap().delete(y).unwrap();
    }
    Ok(())
}

#[kernel_test(both)]
pub fn passthru_is_for_life<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    for (from, to) in OTHERS.into_iter().flat_map(|other| [(other, PASSTHRU), (PASSTHRU, other)]) {
        let x = T::create(&mut socket, parent, &of_mode("x", from)).unwrap();
        let changed = T::change(&mut socket, x, &Change { mode: Some(to), ..Change::default() });
        let reason = Reason::PassthruIsForLife { link: name("x"), from };
        let sentence = format!("a mode cannot be changed to or from passthru: x is in {from} mode");
        assert_why(&mut socket, changed, &reason, &sentence);
        socket.delete(x).unwrap();
    }
    Ok(())
}

#[kernel_test(both)]
pub fn only_source_mode_has_senders<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let senders = [mac(1)];
    for mode in [MacvlanMode::Private, MacvlanMode::Vepa, MacvlanMode::Bridge, PASSTHRU] {
        let reason = Reason::NotInSourceMode(mode);
        let sentence = format!("only source mode has a list of senders, {mode} mode has none");
        let created = T::create(&mut socket, parent, &New { senders: Some(&senders), ..of_mode("x", mode) });
        assert_why(&mut socket, created, &reason, &sentence);
        let x = T::create(&mut socket, parent, &of_mode("x", mode)).unwrap();
        for list in [SourceMacs::Add(mac(1)), SourceMacs::Delete(mac(1)), SourceMacs::Flush, SourceMacs::Set(&senders)]
        {
            let changed = T::change(&mut socket, x, &Change { macaddr: Some(list), ..Change::default() });
            assert_why(&mut socket, changed, &reason, &sentence);
        }
        socket.delete(x).unwrap();
    }
    let x = T::create(&mut socket, parent, &of_mode("x", MacvlanMode::Source)).unwrap();
    let leaving = Change { mode: Some(MacvlanMode::Bridge), macaddr: Some(SourceMacs::Flush), ..Change::default() };
    let changed = T::change(&mut socket, x, &leaving);
    assert_eq!(why(&mut socket, changed), Some(Reason::NotInSourceMode(MacvlanMode::Bridge)), "the mode came first");
    Ok(())
}

#[kernel_test(both)]
pub fn there_are_five_modes<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let y = T::create(&mut socket, parent, &New { name: Some("y"), ..New::default() }).unwrap();
    for number in [0, 3, 32] {
        let (mode, sentence) = (MacvlanMode::Other(number), format!("there is no mode {number}"));
        let created = T::create(&mut socket, parent, &of_mode("x", mode));
        assert_why(&mut socket, created, &Reason::NoSuchMode(mode), &sentence);
        let changed = T::change(&mut socket, y, &Change { mode: Some(mode), ..Change::default() });
        assert_why(&mut socket, changed, &Reason::NoSuchMode(mode), &sentence);
    }
    Ok(())
}

#[kernel_test(both)]
pub fn a_change_is_for_one_kind<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let change = Change { mode: Some(MacvlanMode::Bridge), ..Change::default() };
    let lo = socket.index_of("lo").unwrap();
    for (link, named) in [(parent, "p0"), (lo, "lo")] {
        let changed = T::change(&mut socket, link, &change);
        let reason = Reason::OfAnotherKind { link: name(named), kind: T::KIND.into() };
        assert_why(&mut socket, changed, &reason, &format!("{named} is not of kind {}", T::KIND));
    }
    Ok(())
}
