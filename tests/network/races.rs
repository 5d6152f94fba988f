//! Several at once.

use crate::common::{Skip, name, needs, parent, socket, veth, vid};
use crate::help::{links, macvlan, mark, on, owner, up};
use std::panic::resume_unwind;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use sublink::network::{self, InvalidNetwork, InvalidParent, Parent, Removal, Up};
use sublink::{LinkChange, Netns, Network, NewLink, Owner, Socket};
use sublink_tests::kernel_test;

const THREADS: usize = 4;
const ROUNDS: usize = 10;

/// All of them bring the network up, each on a socket of its own, and have the same link of it then.
#[track_caller]
fn bring_up_at_once(host: &mut Socket, network: &Network, owners: &[Owner]) {
    let here = Netns::current().unwrap();
    let before = links(host);
    for _ in 0..ROUNDS {
        let start = Barrier::new(THREADS);
        let bring_up = |number: usize| {
            let (start, here, owner) = (&start, &here, &owners[number % owners.len()]);
            move || {
                let mut host = Socket::open_in(here).unwrap();
                start.wait();
                network.parent()?.up(&mut host, owner)
            }
        };
        let ups: Vec<Up> = thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS).map(|number| scope.spawn(bring_up(number))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap().unwrap()).collect()
        });
        let made = host.index_of(network.parent_name()).unwrap();
        assert!(ups.iter().all(|up| up.index == made), "{ups:?}");
        assert_eq!(ups.iter().filter(|up| up.made).count(), 1, "one of them made it: {ups:?}");
        assert_eq!(links(host).len(), before.len() + 1);
        assert!(host.link_at(made).unwrap().is_up());
        host.delete(made).unwrap();
        assert_eq!(links(host), before);
    }
}

#[kernel_test]
pub fn a_vlan_is_made_once() -> Result<(), Skip> {
    needs("vlan")?;
    let mut host = socket();
    parent(&mut host);
    bring_up_at_once(&mut host, &on("p0.50", "net"), &[owner()]);
    Ok(())
}

#[kernel_test]
pub fn a_vlan_of_two_owners_is_made_once() -> Result<(), Skip> {
    needs("vlan")?;
    let mut host = socket();
    parent(&mut host);
    bring_up_at_once(&mut host, &on("p0.50", "net"), &[owner(), Owner::new("other").unwrap()]);
    Ok(())
}

#[kernel_test]
pub fn a_dummy_is_made_once() -> Result<(), Skip> {
    needs("dummy")?;
    bring_up_at_once(&mut socket(), &macvlan("net"), &[owner()]);
    Ok(())
}

/// All of them make it and remove it, over and over, and nothing stands on it that would keep it.
#[track_caller]
fn make_and_remove_at_once(host: &mut Socket, parent: Parent) {
    let (here, before) = (Netns::current().unwrap(), links(host));
    let make_and_remove = || {
        let (mut host, owner) = (Socket::open_in(&here).unwrap(), owner());
        for round in 0..5 * ROUNDS {
            parent.up(&mut host, &owner).unwrap_or_else(|error| panic!("round {round}: up: {error}"));
            let removal = parent.remove(&mut host, &owner, &[]);
            let removal = removal.unwrap_or_else(|error| panic!("round {round}: remove: {error}"));
            assert_ne!(removal, Removal::NotOurs, "round {round}");
        }
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(make_and_remove)).collect();
        for thread in threads {
            thread.join().unwrap_or_else(|panic| resume_unwind(panic));
        }
    });
    parent.remove(host, &owner(), &[]).unwrap(); // the last two may each have seen the other's
    assert_eq!(links(host), before);
}

#[kernel_test]
pub fn a_vlan_is_made_and_removed_over_and_over() -> Result<(), Skip> {
    needs("vlan")?;
    let mut host = socket();
    parent(&mut host);
    make_and_remove_at_once(&mut host, Parent::new(name("p0.50")));
    Ok(())
}

#[kernel_test]
pub fn a_dummy_is_made_and_removed_over_and_over() -> Result<(), Skip> {
    needs("dummy")?;
    make_and_remove_at_once(&mut socket(), Parent::dummy(name("lonely")));
    Ok(())
}

/// Between two requests of its maker a VLAN has neither its name nor a mark: whoever wants it waits for that.
#[kernel_test]
pub fn a_vlan_that_is_being_made_is_awaited() -> Result<(), Skip> {
    needs("vlan")?;
    let mut host = socket();
    let base = parent(&mut host);
    for is_ours in [true, false] {
        let half = host.create(&NewLink::vlan(base, vid(50)).name(name("sl~0123456789ab"))).unwrap();
        let here = Netns::current().unwrap();
        let (network, start) = (on("p0.50", "net"), Barrier::new(2));
        let index = thread::scope(|scope| {
            let other = scope.spawn(|| {
                let mut host = Socket::open_in(&here).unwrap();
                start.wait();
                up(&network, &mut host)
            });
            start.wait();
            if is_ours {
                mark(&mut host, half, "p0.50"); // and it is finished by the other
            } else {
                host.change(&LinkChange::new(half).name(name("p0.50")).up()).unwrap();
            }
            other.join().unwrap().unwrap()
        });
        assert_eq!(index, half);
        assert!(host.link_at(half).unwrap().is_up());
        host.delete(half).unwrap();
    }
    Ok(())
}

/// The base comes and goes meanwhile: the parent is made or it is not, and never half.
#[kernel_test]
pub fn a_base_that_vanishes_takes_everything_with_it() -> Result<(), Skip> {
    needs("vlan")?;
    let mut host = socket();
    let before = links(&mut host);
    let (here, is_over) = (Netns::current().unwrap(), AtomicBool::new(false));
    let said = thread::scope(|scope| {
        scope.spawn(|| {
            let mut host = Socket::open_in(&here).unwrap();
            for _ in 0..10 * ROUNDS {
                let base = veth(&mut host, "p0", "p1");
                host.delete(base).unwrap();
            }
            is_over.store(true, Ordering::Relaxed);
        });
        let (network, mut said) = (on("p0.50", "net"), Vec::new());
        while !is_over.load(Ordering::Relaxed) {
            said.extend(up(&network, &mut host).err());
        }
        said
    });
    assert_eq!(links(&mut host), before);
    for error in said {
        let is_expected = match &error {
            network::Error::Invalid(invalid) => matches!(invalid, InvalidNetwork::Parent(InvalidParent::NoBase { .. })),
            network::Error::Failed(failed) => failed.is_no_device() || failed.raw_os_error() == Some(100), // ENETDOWN
        };
        assert!(is_expected, "{error}");
    }
    Ok(())
}
