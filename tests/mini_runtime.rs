//! A container runtime in few lines, as an embedder would write one: a test of how the library reads.
//!
//! One process puts twenty containers on a VLAN that it makes on demand, and writes down what it did, as JSON. Another one
//! reads that, detaches them, and removes the VLAN.

use common::{Skip, needs, own_run, parent, socket};
use std::fs;
use std::process::{Command, ExitCode};
use sublink::endpoint::Detach;
use sublink::network::{Parent, Removal};
use sublink::{Attached, Endpoint, IfName, MacvlanMode, Netns, NewLink, Owner, Sandbox, Socket};
use sublink_tests as common;
use sublink_tests::roles::ROLE;
use sublink_tests::{kernel_test, role};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const STATE: &str = "/run/containers.json";

// ---- The runtime ----

fn start() -> Result<()> {
    let (mut host, owner) = (Socket::open()?, Owner::new("mini-runtime")?);
    let vlan = Parent::new(IfName::new("p0.50")?).up(&mut host, &owner)?;
    let mut containers = serde_json::Map::new();
    for number in 1..=20 {
        let name = format!("c{number}");
        let mut pod = Sandbox::of(Netns::create_named(&name)?)?;
        let attached = Endpoint::new(NewLink::macvlan(vlan.index).mode(MacvlanMode::Bridge).name(IfName::new("eth0")?))
            .addr(format!("10.0.50.{number}/24").parse()?)
            .gateway("10.0.50.254".parse()?)
            .attach(&mut host, &mut pod)?;
        containers.insert(name, attached.to_string().into());
    }
    Ok(fs::write(STATE, serde_json::to_string(&containers)?)?)
}

fn stop() -> Result<()> {
    let (mut host, owner) = (Socket::open()?, Owner::new("mini-runtime")?);
    let containers: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&fs::read(STATE)?)?;
    for (name, attached) in &containers {
        let attached: Attached = attached.as_str().unwrap_or_default().parse()?;
        attached.detach(&mut host, &mut Sandbox::named(name)?, &Detach::new())?;
        Netns::remove_named(name)?;
    }
    match Parent::new(IfName::new("p0.50")?).remove(&mut host, &owner, &[])? {
        Removal::Removed => Ok(()),
        kept => Err(format!("the VLAN: {kept:?}").into()),
    }
}

// ---- The test of it ----

#[role]
fn starter() {
    start().expect("it starts");
}

#[role]
fn stopper() {
    stop().expect("it stops");
}

#[kernel_test]
fn twenty_containers_come_and_go() -> std::result::Result<(), Skip> {
    needs("vlan")?;
    own_run()?;
    let mut host = socket();
    parent(&mut host);
    let process = |role: &str| Command::new("/proc/self/exe").env(ROLE, role).status().expect("a process").success();
    assert!(process("starter"), "start");
    assert_eq!(Netns::names().expect("namespaces").len(), 20);
    let mut pod = Sandbox::named("c20").expect("a container");
    assert!(pod.socket().link("eth0").expect("its link").is_up());
    drop(pod);
    assert!(process("stopper"), "stop");
    assert!(host.index_of("p0.50").is_err(), "the VLAN is left");
    assert_eq!(Netns::names().expect("namespaces").len(), 0);
    Ok(())
}

fn main() -> ExitCode {
    common::main()
}
