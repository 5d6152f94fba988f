//! Parents by themselves, as who has endpoints of its own uses them.

use crate::common::roles::ROLE;
use crate::common::{Skip, name, needs, parent, sequence, socket, vid};
use crate::help::{beside, failed, links, on, owner, up};
use crate::pod::Pod;
use crate::tools::try_ip;
use nix::sys::socket::{setsockopt, sockopt};
use std::os::fd::AsFd;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};
use sublink::network::{Parent, Plan, Removal};
use sublink::{Batch, IfIndex, LinkChange, MacvlanMode, Netns, NewLink, Owner, Socket};
use sublink_tests::{kernel_test, role};

const VLAN: &str = "p0.50";

fn vlan() -> Parent {
    Parent::new(name(VLAN))
}

#[track_caller]
fn remove(host: &mut Socket, parent: &Parent) -> Removal {
    parent.remove(host, &owner(), &[]).unwrap()
}

#[kernel_test]
pub fn it_says_whether_it_was_made() -> Result<(), Skip> {
    needs("vlan")?;
    needs("dummy")?;
    let mut host = socket();
    let base = parent(&mut host);
    let before = links(&mut host);
    for parent in [vlan().mtu(1400), Parent::dummy(name("mine")).mtu(1400)] {
        let plan = parent.plan(&mut host, &owner()).unwrap();
        let is_vlan = matches!(plan, Plan::Vlan { base: on, id, .. } if on == base && id == vid(50));
        assert!(is_vlan || plan == Plan::Dummy, "{plan:?}");
        assert_eq!(links(&mut host), before, "a plan changes nothing");
        let made = parent.up(&mut host, &owner()).unwrap();
        assert!(made.made);
        let link = host.link_at(made.index).unwrap();
        assert_eq!((link.if_name(), link.mtu(), link.is_up()), (parent.name(), 1400, true));
        assert_eq!(parent.plan(&mut host, &owner()).unwrap(), Plan::Use(made.index));
        host.change(&LinkChange::new(made.index).down()).unwrap();
        assert_eq!(parent.plan(&mut host, &owner()).unwrap(), Plan::Finish(made.index));
        let again = parent.up(&mut host, &owner()).unwrap();
        assert_eq!((again.index, again.made), (made.index, false));
        assert_eq!(parent.remove(&mut host, &owner(), &[parent]).unwrap(), Removal::Shared);
        assert_eq!(remove(&mut host, &parent), Removal::Removed);
        assert_eq!(remove(&mut host, &parent), Removal::NotThere);
        assert_eq!(links(&mut host), before);
    }
    Ok(())
}

#[kernel_test]
pub fn what_is_there_was_not_made() -> Result<(), Skip> {
    let mut host = socket();
    let p0 = parent(&mut host);
    let there = Parent::new(name("p0")).up(&mut host, &owner()).unwrap();
    assert_eq!((there.index, there.made), (p0, false));
    let there = Parent::dummy(name("p0"));
    assert_eq!(there.up(&mut host, &owner()).unwrap().index, p0, "of whatever kind");
    assert_eq!(remove(&mut host, &there), Removal::NotOurs);
    assert_eq!(there.remove_with_all_on_it(&mut host, &owner()).unwrap(), Removal::NotOurs);
    assert_eq!(Parent::new(name("p9")).remove_with_all_on_it(&mut host, &owner()).unwrap(), Removal::NotThere);
    host.index_of("p0").expect("it is still there");
    Ok(())
}

/// What containers have on it, stacked on that and moved away goes as well.
#[kernel_test]
pub fn all_on_it_goes_with_it() -> Result<(), Skip> {
    needs("vlan")?;
    let (mut host, mut pod, mut other) = (socket(), Pod::new(), Pod::new());
    parent(&mut host);
    let before = links(&mut host);
    let index = vlan().up(&mut host, &owner()).unwrap().index;
    let there = pod.sandbox.as_fd();
    let child = NewLink::macvlan(index).mode(MacvlanMode::Bridge).name(name("eth0")).netns(&there);
    host.create(&child).unwrap();
    host.create(&NewLink::vlan(index, vid(7)).name(name("eth1")).netns(&there)).unwrap();
    let eth0 = pod.inside().index_of("eth0").unwrap();
    let stacked = pod.inside().create(&NewLink::macvlan(eth0).mode(MacvlanMode::Bridge).name(name("x"))).unwrap();
    pod.inside().change(&LinkChange::move_to(stacked, &other.sandbox)).unwrap();
    let moved = other.inside().index_of("x").unwrap();

    let stranger = Owner::new("other").unwrap();
    assert_eq!(vlan().remove_with_all_on_it(&mut host, &stranger).unwrap(), Removal::NotOurs);
    assert_eq!(remove(&mut host, &vlan()), Removal::InUse);
    assert_eq!(vlan().remove_with_all_on_it(&mut host, &owner()).unwrap(), Removal::Removed);
    assert_eq!(links(&mut host), before);
    for link in ["eth0", "eth1"] {
        assert!(pod.inside().index_of(link).unwrap_err().is_no_device(), "{link}");
    }
    assert!(other.inside().link_at(moved).unwrap_err().is_no_device());
    Ok(())
}

/// How many requests a removal takes, by the socket's sequence numbers.
fn requests(host: &mut Socket, expected: Removal) -> u32 {
    let before = sequence(host);
    assert_eq!(remove(host, &vlan()), expected);
    sequence(host).wrapping_sub(before)
}

/// A link that somebody has told to listen for VLAN registration, so that only asking for each id says anything.
fn listen_for_registration() {
    try_ip("maddress add 01:80:c2:00:00:21 dev p0.50").unwrap();
}

#[kernel_test]
pub fn an_unused_one_is_seen_at_a_glance() -> Result<(), Skip> {
    needs("vlan")?;
    let mut host = socket();
    parent(&mut host);
    vlan().up(&mut host, &owner()).unwrap();
    let few = requests(&mut host, Removal::Removed);
    assert!(few < 30, "{few}");
    // Where the kernel's list says nothing, each id is asked for.
    vlan().up(&mut host, &owner()).unwrap();
    listen_for_registration();
    let many = requests(&mut host, Removal::Removed);
    assert!(many > 2 * 4095, "{many}");
    Ok(())
}

/// Who makes it was stopped for so long that a removal took it for killed, and goes on. On a busy machine the removal may be over
/// first.
#[kernel_test]
pub fn what_is_finished_while_it_is_removed_is_kept() -> Result<(), Skip> {
    needs("vlan")?;
    let mut host = socket();
    parent(&mut host);
    let is_kept = (0..20).any(|_| is_kept_if_it_is_finished_in_time(&mut host));
    assert!(is_kept, "every removal was over first");
    Ok(())
}

/// `false` if the removal was over first.
fn is_kept_if_it_is_finished_in_time(host: &mut Socket) -> bool {
    let index = vlan().up(host, &owner()).unwrap().index;
    listen_for_registration(); // so that the removal takes long
    let half_made = LinkChange::new(index).name(name("sl~0123456789ab")).down();
    host.change(&LinkChange::new(index).down()).unwrap();
    host.change(&half_made).unwrap();
    let here = Netns::current().unwrap();
    let (finished, removal) = thread::scope(|scope| {
        let remover = scope.spawn(|| vlan().remove(&mut Socket::open_in(&here).unwrap(), &owner(), &[]));
        while !remover.is_finished() && !has_notice(host, index) {
            thread::yield_now();
        }
        (vlan().up(host, &owner()).unwrap().index, remover.join().unwrap())
    });
    let in_time = finished == index; // or it was removed, and made again
    if in_time {
        assert_eq!(removal.unwrap(), Removal::InUse);
        assert!(host.link_at(index).unwrap().is_up());
    }
    assert_eq!(remove(host, &vlan()), Removal::Removed);
    in_time
}

fn has_notice(host: &mut Socket, index: IfIndex) -> bool {
    let link = host.link_at(index);
    link.is_ok_and(|link| link.alias().is_some_and(|alias| alias.as_bytes().starts_with(b"removing-")))
}

/// The kernel's answers do not fit the socket's buffer. One that is missing is not taken for a free id.
#[kernel_test]
pub fn lost_answers_are_asked_for_again() -> Result<(), Skip> {
    needs("vlan")?;
    let mut pod = Pod::new();
    parent(&mut socket());
    for id in [60, 100, 4094] {
        let mut host = socket(); // a socket that has lost answers asks for fewer at once, or has seen how small its buffer is
        let mut batch = Batch::new();
        for _ in 0..20 {
            batch.push(&NewLink::macvlan(IfIndex::new(1).unwrap())).unwrap(); // none stands on `lo`
        }
        host.run(&mut batch).unwrap_err();
        setsockopt(&host, sockopt::RcvBuf, &8192).unwrap();
        let index = vlan().up(&mut host, &owner()).unwrap().index;
        let there = NewLink::vlan(index, vid(id)).name(name("eth0")).netns(&pod.sandbox);
        host.create(&there).unwrap();
        assert_eq!(remove(&mut host, &vlan()), Removal::InUse, "{id}");
        let there = pod.inside().index_of("eth0").unwrap();
        pod.inside().delete(there).unwrap();
        listen_for_registration();
        assert_eq!(remove(&mut host, &vlan()), Removal::Removed, "{id}");
    }
    Ok(())
}

/// Many links, of which one comes and goes without pause.
fn beside_a_change(host: &mut Socket, work: impl FnOnce(&mut Socket)) {
    let make = |number: u32| {
        NewLink::veth(NewLink::peer().name(name(&format!("b{number}")))).name(name(&format!("a{number}")))
    };
    for number in 0..300 {
        host.create(&make(number)).unwrap();
    }
    let here = Netns::current().unwrap();
    let change = || {
        let mut host = Socket::open_in(&here).unwrap();
        for _ in 0..10 {
            let index = host.create(&make(999)).unwrap();
            host.delete(index).unwrap();
        }
    };
    beside(change, || work(host));
}

#[kernel_test]
pub fn links_that_change_meanwhile_are_no_matter() -> Result<(), Skip> {
    needs("vlan")?;
    let mut host = socket();
    parent(&mut host);
    beside_a_change(&mut host, |host| {
        for round in 0..20 {
            let up = vlan().up(host, &owner()).unwrap_or_else(|error| panic!("round {round}: {error}"));
            assert!(up.made);
            host.change(&LinkChange::new(up.index).down()).unwrap();
            assert!(!vlan().up(host, &owner()).unwrap().made);
            assert_eq!(remove(host, &vlan()), Removal::Removed, "round {round}");
        }
    });
    Ok(())
}

/// A process that makes the parent and removes it, until it is killed.
#[role]
fn a_remover() {
    let mut host = socket();
    loop {
        let _ = vlan().up(&mut host, &owner());
        let _ = try_ip("maddress add 01:80:c2:00:00:21 dev p0.50"); // so that the probe stands for long
        let _ = vlan().remove(&mut host, &owner(), &[]);
    }
}

#[kernel_test]
pub fn a_removal_that_is_killed_keeps_nobody_out() -> Result<(), Skip> {
    needs("vlan")?;
    let (mut host, pod) = (socket(), Pod::new());
    let base = parent(&mut host);
    for round in 0..10 {
        let binary = std::env::current_exe().expect("this binary");
        let mut remover = Command::new(binary).env(ROLE, "a_remover").spawn().expect("a process");
        thread::sleep(Duration::from_millis(300 + 70 * round));
        remover.kill().expect("killed");
        remover.wait().expect("its end");

        let since = Instant::now();
        let child = loop {
            let made = vlan().up(&mut host, &owner()).map_err(|error| error.to_string()).and_then(|up| {
                let child = NewLink::macvlan(up.index).mode(MacvlanMode::Bridge).name(name("eth0"));
                host.create(&child.netns(&pod.sandbox)).map_err(|error| error.to_string())
            });
            match made {
                Ok(child) => break child,
                Err(error) => assert!(since.elapsed() < Duration::from_secs(120), "round {round}: {error}"),
            }
            thread::sleep(Duration::from_millis(5)); // the kernel ends its namespace when it gets to it
        };
        assert_eq!(remove(&mut host, &vlan()), Removal::InUse);
        Socket::open_in(&pod.sandbox).unwrap().delete(child).unwrap();
        assert_eq!(remove(&mut host, &vlan()), Removal::Removed, "round {round}");
    }
    let left: Vec<_> = links(&mut host).into_iter().filter(|link| link.1.as_bytes().starts_with(b"sl~")).collect();
    assert_eq!(left, [], "on {base}");
    Ok(())
}

#[kernel_test]
pub fn a_missing_base_is_no_failure_of_the_kernels() -> Result<(), Skip> {
    let mut host = socket();
    let error = vlan().up(&mut host, &owner()).unwrap_err();
    assert!(error.as_failed().is_none() && error.as_invalid().is_some(), "{error}");
    assert_eq!(error.to_string(), "the interface p0, on which p0.50 would be made, does not exist");
    assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::InvalidInput);
    needs("vlan")?;
    let base = parent(&mut host);
    host.change(&LinkChange::new(base).down()).unwrap();
    let error = up(&on(VLAN, "net"), &mut host).unwrap_err();
    assert_eq!(failed(&error).raw_os_error(), Some(100), "ENETDOWN");
    assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::NetworkDown);
    Ok(())
}
