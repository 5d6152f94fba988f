//! What the proofs mean, and what many cost.

use crate::common::roles::ROLE;
use crate::common::{Skip, name, parent, socket};
use crate::world::{BRIDGE, World};
use std::process::Command;
use std::time::{Duration, Instant};
use sublink::endpoint::{Detach, Fate, Proof, Unproven, detach_many};
use sublink::{Attached, Endpoint, LinkChange, MacvlanMode, Netns, NewLink, Sandbox, Socket};
use sublink_tests::{kernel_test, role};

#[kernel_test]
fn an_address_that_was_listed_and_has_left_is_a_weak_proof() -> Result<(), Skip> {
    let mut world = World::new(BRIDGE);
    let how = Detach::new().prove_address();
    let detached = world.attached.detach(&mut world.host, &mut world.pod, &how).unwrap();
    assert!(matches!(detached.proof, Proof::AddressIsGone) && !detached.is_off_the_network(), "{detached}");
    let again = world.attached.detach(&mut world.host, &mut world.pod, &how).unwrap();
    assert!(matches!(again.proof, Proof::None(Unproven::NeverListed)), "{again}");
    Ok(())
}

#[kernel_test]
fn a_link_that_is_down_was_never_listed() -> Result<(), Skip> {
    let mut world = World::new(BRIDGE);
    world.pod.socket().change(&LinkChange::new(world.attached.index).down()).unwrap();
    let how = Detach::new().prove_address();
    let detached = world.attached.detach(&mut world.host, &mut world.pod, &how).unwrap();
    assert!(matches!(detached.proof, Proof::None(Unproven::NeverListed)), "{detached}");
    Ok(())
}

/// A list of more than one datagram, which does not change: two reads agree.
#[kernel_test]
fn a_long_list_proves_as_much_when_two_reads_agree() -> Result<(), Skip> {
    let mut world = World::new(BRIDGE);
    // IPv6 would join groups, which come to the list a moment later.
    Sandbox::here().unwrap().set_sysctl("ipv6/conf/default/disable_ipv6", "1").unwrap();
    for number in 0..150 {
        let link = NewLink::macvlan(world.parent).mode(MacvlanMode::Bridge).name(name(&format!("mv{number}")));
        world.host.create(&link.up()).unwrap();
    }
    let how = Detach::new().prove_address();
    let detached = world.attached.detach(&mut world.host, &mut world.pod, &how).unwrap();
    assert!(matches!(detached.proof, Proof::AddressIsGone), "{detached}");
    Ok(())
}

#[kernel_test]
fn a_parent_with_others_is_not_empty() -> Result<(), Skip> {
    let mut world = World::new(BRIDGE);
    let link = NewLink::macvlan(world.parent).mode(MacvlanMode::Bridge).name(name("mv0"));
    let own = world.host.create(&link).unwrap();
    let how = Detach::new().prove_empty_parent();
    let detached = world.attached.detach(&mut world.host, &mut world.pod, &how).unwrap();
    assert!(matches!(detached.proof, Proof::None(Unproven::ParentIsInUse)), "{detached}");
    world.host.delete(own).unwrap();
    let detached = world.attached.detach(&mut world.host, &mut world.pod, &how).unwrap();
    assert!(matches!(detached.proof, Proof::ParentIsEmpty), "{detached}");
    assert_eq!(detached.link, Fate::Gone);
    world.host.create(&link).expect("the probe is gone");
    Ok(())
}

/// Containers with a link each, on one parent.
fn containers(host: &mut Socket, count: usize) -> Vec<(Netns, Attached)> {
    let link = NewLink::macvlan(parent(host)).mode(MacvlanMode::Bridge).name(name("eth0"));
    let endpoint = Endpoint::new(link);
    let attach = |_| {
        let mut pod = Sandbox::create().unwrap();
        let attached = endpoint.attach(host, &mut pod).unwrap();
        (pod.into_netns(), attached)
    };
    (0..count).map(attach).collect()
}

#[kernel_test]
fn many_are_proved_by_one_look_at_their_parent() -> Result<(), Skip> {
    let mut host = socket();
    let endpoints = containers(&mut host, 20);
    for detached in detach_many(&mut host, &endpoints, &Detach::new().prove_empty_parent()) {
        let detached = detached.unwrap();
        assert!(detached.link == Fate::Deleted && detached.is_off_the_network(), "{detached}");
    }
    Ok(())
}

/// Grace periods overlap. One by one, each takes 16 ms at least. An emulated machine spends most of the time on instructions,
/// which do not overlap, so less than half is asked for there; elsewhere less than a quarter. Measured: a fortieth.
/// A busy machine may have its pause at the wrong moment.
#[kernel_test]
fn many_take_little_more_than_one() -> Result<(), Skip> {
    let is_emulated = std::fs::read_to_string("/proc/cpuinfo").unwrap().contains("QEMU");
    let overlap = if is_emulated { 2 } else { 4 };
    for _ in 0..5 {
        let [one, many] = Netns::create().unwrap().run(one_and_many).unwrap();
        println!("one by one {one:?} each, together {many:?} each");
        if many * overlap < one {
            return Ok(());
        }
    }
    panic!("they do not overlap, each time");
}

/// How long each takes, of a few one by one, and of many together.
fn one_and_many() -> [Duration; 2] {
    const ONES: u32 = 8;
    const MANY: u32 = 256;
    let mut host = socket();
    let mut endpoints = containers(&mut host, (MANY + ONES) as usize);
    let ones = endpoints.split_off(MANY as usize);
    let start = Instant::now();
    for (netns, attached) in ones {
        let mut pod = Sandbox::of(netns).unwrap();
        assert_eq!(attached.detach(&mut host, &mut pod, &Detach::new()).unwrap().link, Fate::Deleted);
    }
    let one = start.elapsed() / ONES;
    let start = Instant::now();
    for detached in detach_many(&mut host, &endpoints, &Detach::new()) {
        assert_eq!(detached.unwrap().link, Fate::Deleted);
    }
    [one, start.elapsed() / MANY]
}

/// A role: detaches twenty, and says so.
#[role]
fn detach_twenty() {
    let mut host = socket();
    let endpoints = containers(&mut host, 20);
    for detached in detach_many(&mut host, &endpoints, &Detach::new()) {
        assert_eq!(detached.unwrap().link, Fate::Deleted);
    }
    println!("detached");
}

/// Runs the role behind another program, in the test's network namespace.
fn behind(program: &str, arguments: &[&str]) -> Result<(), Skip> {
    let mut command = Command::new(program);
    command.args(arguments).arg(std::env::current_exe().unwrap()).env(ROLE, "detach_twenty");
    let output = command.output().map_err(|error| Skip(format!("no {program} here: {error}")))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("PTRACE") || said.contains("ptrace") {
        return Err(Skip(format!("strace is forbidden here: {}", said.trim())));
    }
    assert!(output.status.success() && output.stdout == b"detached\n", "{program} {arguments:?}: {said}");
    Ok(())
}

/// Twenty namespaces are open, and few more can be.
#[kernel_test]
fn few_descriptors_are_enough_for_many() -> Result<(), Skip> {
    behind("prlimit", &["--nofile=30"])
}

/// Making a container starts a thread: those of the workers are the 21st and the following. Two can be started; or none at
/// first.
#[kernel_test]
fn few_threads_are_enough_for_many() -> Result<(), Skip> {
    for when in ["23..60", "21..25"] {
        let host = Netns::create().unwrap();
        let fault = format!("inject=clone3:error=EAGAIN:when={when}");
        host.run(|| behind("strace", &["-f", "-o", "/dev/null", "-e", &fault])).unwrap()?;
    }
    Ok(())
}
