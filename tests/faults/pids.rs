//! A real limit on threads (`RLIMIT_NPROC`), which `detach_many` meets. It does not hold for root, so the other process is an
//! ordinary user's, in a user namespace of its own, where it is the only one that is counted.

use crate::common::roles::ROLE;
use crate::common::{Skip, enter_user_namespace, name, parent, socket};
use nix::sys::prctl::set_dumpable;
use nix::sys::resource::{Resource, setrlimit};
use nix::unistd::{Gid, Uid, setgid, setuid};
use std::fs;
use std::process::Command;
use std::thread;
use sublink::endpoint::{Detach, Fate, detach_many};
use sublink::{Attached, Endpoint, MacvlanMode, Netns, NewLink, Sandbox, Socket};
use sublink_tests::{kernel_test, role};

const MANY: usize = 20;
const NOBODY: u32 = 65_534;

/// How many threads there can be beside the first.
const ROOM: &str = "SUBLINK_TEST_ROOM";

const FORBIDDEN: &str = "no user namespaces here";

/// Who runs the tests as an ordinary user is in a user namespace already, where the threads of the other tests count too. So
/// there is one more.
fn become_ordinary() -> Result<(), String> {
    let is_root = setgid(Gid::from_raw(NOBODY)).and_then(|()| setuid(Uid::from_raw(NOBODY))).is_ok();
    if is_root {
        set_dumpable(true).map_err(|error| error.to_string())?; // so that /proc/self is its own
    }
    enter_user_namespace()
}

fn threads() -> usize {
    fs::read_dir("/proc/self/task").expect("a list").count()
}

#[role]
fn detach_in_little_room() {
    if let Err(error) = become_ordinary() {
        println!("{FORBIDDEN}: {error}");
        return;
    }
    let room: u64 = std::env::var(ROOM).expect("a number").parse().expect("a number");
    let mut host = socket();
    let endpoints = containers(&mut host);
    while threads() > 1 {
        thread::yield_now(); // one that was waited for is there until the kernel has ended it
    }
    setrlimit(Resource::RLIMIT_NPROC, 1 + room, 1 + room).expect("a limit");
    let detached = detach_many(&mut host, &endpoints, &Detach::new());
    assert_eq!(detached.len(), MANY);
    if room == 0 {
        // It holds for good: nothing was begun, and that is said.
        for result in detached {
            let error = result.expect_err("no thread can be started");
            assert!(error.to_string().starts_with("start a thread: "), "{error}");
        }
        println!("none");
    } else {
        for result in detached {
            assert_eq!(result.expect("it is detached").link, Fate::Deleted);
        }
        println!("all");
    }
}

fn containers(host: &mut Socket) -> Vec<(Netns, Attached)> {
    let endpoint = Endpoint::new(NewLink::macvlan(parent(host)).mode(MacvlanMode::Bridge).name(name("eth0")));
    let attach = |_| {
        let mut pod = Sandbox::create().expect("a container");
        let attached = endpoint.attach(host, &mut pod).expect("it is attached");
        (pod.into_netns(), attached)
    };
    (0..MANY).map(attach).collect()
}

fn detached_in(room: u32) -> Result<String, Skip> {
    let mut command = Command::new("/proc/self/exe");
    let output = command.env(ROLE, "detach_in_little_room").env(ROOM, room.to_string()).output().expect("a process");
    let said = String::from_utf8_lossy(&output.stdout).trim().to_string();
    if said.starts_with(FORBIDDEN) {
        return Err(Skip(said));
    }
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    Ok(said)
}

/// What cannot go in parallel is done one by one.
#[kernel_test]
fn a_limit_on_threads_lets_all_be_detached() -> Result<(), Skip> {
    for room in [1, 2, 7] {
        assert_eq!(detached_in(room)?, "all", "with room for {room}");
    }
    Ok(())
}

#[kernel_test]
fn no_room_for_a_thread_is_told_of_each() -> Result<(), Skip> {
    assert_eq!(detached_in(0)?, "none");
    Ok(())
}
