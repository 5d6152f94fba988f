//! A host with thousands of links, of which one comes and goes without pause: what is needed is looked up, not listed.

use crate::common::roles::ROLE;
use crate::common::{Skip, name, needs, parent, socket, veth};
use crate::help::{beside, connect, connection, on, owner};
use crate::pod::Pod;
use std::fs;
use std::process::Command;
use std::thread;
use sublink::network::{Parent, Removal, remove_orphans, restore_networks};
use sublink::{Batch, IfIndex, MacAddr, MacvlanMode, Netns, NewLink, Socket};
use sublink_tests::{kernel_test, role};

fn make_links(host: &mut Socket, parent: IfIndex, count: usize) {
    let mut batch = Batch::new();
    for number in 0..count {
        let link = NewLink::macvlan(parent).mode(MacvlanMode::Bridge).mac(MacAddr::random());
        batch.push(&link.name(name(&format!("m{number}")))).unwrap();
        if batch.len() == 16 || number + 1 == count {
            host.run(&mut batch).unwrap(); // few at a time: the receive buffer may be a small one
            batch.clear();
        }
    }
}

/// A list of them is interrupted more often than not.
#[kernel_test]
pub fn links_that_come_and_go_interrupt_nothing() -> Result<(), Skip> {
    let mut host = socket();
    let p0 = parent(&mut host);
    make_links(&mut host, p0, 1500);
    let here = Netns::current().unwrap();
    let change = || {
        let mut host = Socket::open_in(&here).unwrap();
        for _ in 0..10 {
            let link = NewLink::macvlan(p0).name(name("busy")).mac(MacAddr::random());
            let index = host.create(&link).unwrap();
            host.delete(index).unwrap();
        }
    };
    beside(change, || {
        let (there, network) = (Parent::new(name("p0")), on("p0", "net"));
        for round in 0..10 {
            let up = there.up(&mut host, &owner()).unwrap_or_else(|error| panic!("round {round}: {error}"));
            assert_eq!((up.index, up.made), (p0, false));
            let removal =
                there.remove(&mut host, &owner(), &[]).unwrap_or_else(|error| panic!("round {round}: {error}"));
            assert_eq!(removal, Removal::NotOurs);
            let orphans = remove_orphans(&mut host, &owner(), &[]);
            assert!(orphans.unwrap_or_else(|error| panic!("round {round}: {error}")).is_empty());
            let restored = restore_networks(&mut host, &owner(), std::slice::from_ref(&network)).unwrap();
            assert_eq!(restored.parents[0].1.as_ref().unwrap().index, p0);
        }
    });
    Ok(())
}

const MARK: &str = "/sublink-test-mark";

/// Connects a container and disconnects it, between two marks.
#[role]
fn a_connection() {
    let (mut host, mut pod) = (socket(), Pod::new());
    let _ = fs::metadata(MARK);
    let network = on("p0", "net").subnet(crate::help::subnet("10.1.0.0/16", "10.1.0.1"));
    let member = connect(&network, &mut host, &mut pod, connection("eth0", &["10.1.0.7/16"]), &[]).expect("a member");
    member.disconnect(&mut host, &mut pod.sandbox, &[], &sublink::endpoint::Detach::new()).expect("left");
    let _ = fs::metadata(MARK);
}

/// Removes the parent between two marks.
#[role]
fn a_removal() {
    let (mut host, parent) = (socket(), Parent::new(name("p0.50")));
    parent.up(&mut host, &owner()).expect("the parent");
    let _ = fs::metadata(MARK);
    assert_eq!(parent.remove(&mut host, &owner(), &[]).expect("a removal"), Removal::Removed);
    let _ = fs::metadata(MARK);
}

/// What a role sends and receives between two marks, call by call, on all its threads.
fn calls(role: &str) -> Result<Vec<String>, Skip> {
    let file = std::env::temp_dir().join(format!("sublink-busy-{}-{:?}", std::process::id(), thread::current().id()));
    let mut strace = Command::new("strace");
    strace.args(["-f", "-o"]).arg(&file).arg(std::env::current_exe().expect("this binary")).env(ROLE, role);
    let output = strace.output().map_err(|error| Skip(format!("no strace here: {error}")))?;
    let trace = fs::read_to_string(&file).unwrap_or_default();
    let _ = fs::remove_file(&file);
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("ptrace") {
        return Err(Skip(format!("strace is forbidden here: {}", said.trim())));
    }
    assert!(output.status.success(), "{said}");
    let between = trace.split(MARK).nth(1).expect("two marks");
    // `1235  sendto(4, …`: the thread, and its call.
    let calls = between.lines().skip(1).filter_map(|line| line.split_once(' ')).map(|(_, call)| call.trim_start());
    let names = calls.filter_map(|call| call.split_once('(')).map(|(name, _)| name.to_string());
    Ok(names.filter(|name| name == "sendto" || name == "recvmsg").collect())
}

#[kernel_test]
pub fn a_connection_costs_the_same_among_thousands_of_links() -> Result<(), Skip> {
    let mut host = socket();
    let p0 = parent(&mut host);
    let few = calls("a_connection")?;
    make_links(&mut host, p0, 4000);
    let many = calls("a_connection")?;
    assert_eq!(few, many);
    assert!(few.len() < 40, "{few:?}");
    Ok(())
}

/// No list of all links is among its calls.
#[kernel_test]
pub fn a_removal_costs_the_same_among_thousands_of_links() -> Result<(), Skip> {
    needs("vlan")?;
    let mut host = socket();
    parent(&mut host);
    let others = veth(&mut host, "q0", "q1");
    let few = calls("a_removal")?;
    make_links(&mut host, others, 2000);
    let many = calls("a_removal")?;
    assert_eq!(few, many);
    assert!(few.len() < 120, "{few:?}");
    Ok(())
}
