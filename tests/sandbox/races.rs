//! Makers and removers of names at the same time, `ip netns` among them.

use crate::common::{Skip, own_run};
use crate::named::mounts;
use std::process::Command;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use sublink::*;
use sublink_tests::kernel_test;

#[kernel_test]
fn of_many_makers_one_wins() -> Result<(), Skip> {
    const MAKERS: usize = 8;
    own_run()?;
    for round in 0..20 {
        let (name, start, won) = (format!("c{round}"), Barrier::new(MAKERS), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..MAKERS {
                scope.spawn(|| {
                    start.wait();
                    match Netns::create_named(&name) {
                        Ok(made) => {
                            won.fetch_add(1, Ordering::Relaxed);
                            assert!(Netns::named(&name).unwrap().is_same_as(made).unwrap());
                        }
                        Err(error) => assert!(error.is_already_there(), "{error}"),
                    }
                });
            }
        });
        assert_eq!(won.into_inner(), 1, "round {round}");
    }
    assert_eq!((Netns::names().unwrap().len(), mounts().len()), (20, 21));
    Ok(())
}

#[kernel_test]
fn makers_and_removers_leave_nothing_half_made() -> Result<(), Skip> {
    own_run()?;
    let make = |name: &str| match Netns::create_named(name) {
        Ok(_) => {}
        // A remover took the file away before the namespace was mounted on it.
        Err(error) => assert!(error.is_already_there() || error.is_not_found(), "{error}"),
    };
    let remove = |name: &str| match Netns::remove_named(name) {
        Ok(()) => {}
        Err(error) => assert!(error.is_not_found(), "{error}"),
    };
    let by_ip = |action: &str, name: &str| drop(Command::new("ip").args(["netns", action, name]).output().expect("ip"));
    thread::scope(|scope| {
        for number in 0..3 {
            scope.spawn(move || (0..150).for_each(|round| make(&format!("c{}", (round + number) % 2))));
            scope.spawn(move || (0..150).for_each(|round| remove(&format!("c{}", (round + number) % 2))));
        }
        scope.spawn(|| (0..20).for_each(|_| by_ip("add", "c0")));
        scope.spawn(|| (0..20).for_each(|_| by_ip("del", "c0")));
    });
    for name in Netns::names().unwrap() {
        assert!(Netns::named(&name).is_ok(), "{name:?} has no namespace");
        Netns::remove_named(name).unwrap();
    }
    assert_eq!(mounts().len(), 1, "{:?}", mounts());
    Ok(())
}

/// Two mounts of the folder, one on the other, would hide names.
#[kernel_test]
fn the_folder_is_mounted_once_whoever_is_first() -> Result<(), Skip> {
    const MAKERS: usize = 6;
    own_run()?;
    let start = Barrier::new(MAKERS);
    thread::scope(|scope| {
        for number in 0..MAKERS {
            let start = &start;
            scope.spawn(move || {
                start.wait();
                let name = format!("c{number}");
                if number % 2 == 0 {
                    Netns::create_named(name).unwrap();
                } else {
                    assert!(Command::new("ip").args(["netns", "add", &name]).status().expect("ip").success());
                }
            });
        }
    });
    assert_eq!((Netns::names().unwrap().len(), mounts().len()), (MAKERS, MAKERS + 1), "{:?}", mounts());
    Ok(())
}
