//! A container whose network namespace belongs to a user namespace of its own.

use crate::common::{Skip, name, needs, parent, socket, vid};
use crate::help::{Pod, bridge_endpoint, net, with_addresses};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use sublink::endpoint::{Detach, Fate, detach_many};
use sublink::error::Undo;
use sublink::link::{Ipv4Setting, IpvlanMode};
use sublink::{IfIndex, LinkSpec, MacvlanMode, NewLink, Sandbox};
use sublink_tests::kernel_test;

/// A process that is root in such a namespace, and waits.
struct Container(Child);

impl Container {
    fn start() -> Result<(Self, Pod), Skip> {
        let mut command = Command::new("unshare");
        command.args(["-Urn", "sh", "-c", "echo ready; read end"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut container = Self(command.stderr(Stdio::piped()).spawn().expect("unshare"));
        let mut ready = String::new();
        BufReader::new(container.0.stdout.take().expect("a pipe")).read_line(&mut ready).expect("a line");
        if ready.is_empty() {
            return Err(Skip("no user namespaces here".into()));
        }
        let sandbox = Sandbox::of_pid(container.0.id()).expect("its namespace");
        Ok((container, Pod { sandbox }))
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn is_attached_and_detached(link: impl Fn(IfIndex) -> LinkSpec<'static>) -> Result<(), Skip> {
    let mut host = socket();
    let parent = parent(&mut host);
    let (_container, mut pod) = Container::start()?;
    let empty = pod.contents();
    let endpoint = with_addresses(link(parent).name(name("eth0"))).ipv4(Ipv4Setting::ARP_NOTIFY, 1);
    let attached = pod.attach(&mut host, &endpoint).unwrap();
    assert_eq!(endpoint.check(&attached, &mut pod.sandbox).unwrap(), []);
    let error = pod.attach(&mut host, &endpoint).unwrap_err();
    assert!(error.is_already_there() && error.undo() == Some(Undo::Clean), "{error}");
    assert_eq!(endpoint.check(&attached, &mut pod.sandbox).unwrap(), []);
    assert_eq!(attached.detach(&mut host, &mut pod.sandbox, &Detach::new()).unwrap().link, Fate::Deleted);
    let failing = endpoint.addr(net("10.0.50.7/24"));
    let error = pod.attach(&mut host, &failing).unwrap_err();
    assert_eq!(error.undo(), Some(Undo::Clean), "{error}");
    assert_eq!(pod.contents(), empty);
    Ok(())
}

#[kernel_test]
pub fn a_macvlan_is_put_into_it() -> Result<(), Skip> {
    is_attached_and_detached(|parent| NewLink::macvlan(parent).mode(MacvlanMode::Bridge).into())
}

#[kernel_test]
pub fn a_vlan_is_put_into_it() -> Result<(), Skip> {
    needs("vlan")?;
    is_attached_and_detached(|parent| NewLink::vlan(parent, vid(50)).into())
}

#[kernel_test]
pub fn an_ipvlan_is_put_into_it() -> Result<(), Skip> {
    needs("ipvlan")?;
    is_attached_and_detached(|parent| NewLink::ipvlan(parent).mode(IpvlanMode::L2).into())
}

#[kernel_test]
pub fn many_are_detached_from_such() -> Result<(), Skip> {
    let mut host = socket();
    let endpoint = bridge_endpoint(parent(&mut host));
    let mut containers: Vec<_> = (0..3).map(|_| Container::start()).collect::<Result<_, _>>()?;
    let attached: Vec<_> = containers.iter_mut().map(|(_, pod)| pod.attach(&mut host, &endpoint).unwrap()).collect();
    let endpoints: Vec<_> = containers.iter().map(|(_, pod)| pod.sandbox.netns()).zip(attached).collect();
    for detached in detach_many(&mut host, &endpoints, &Detach::new()) {
        assert_eq!(detached.unwrap().link, Fate::Deleted);
    }
    Ok(())
}
