//! A namespace with a parent in it, another one that links can be moved to, and the ways to look at both.

use crate::common::{Skip, mac, name};
use netlink_sys::{Socket as Events, SocketAddr, protocols::NETLINK_ROUTE};
use nix::sys::socket::{setsockopt, sockopt::ReceiveTimeout};
use nix::sys::time::{TimeVal, TimeValLike};
use serde_json::Value;
use std::os::fd::{AsFd, AsRawFd};
use std::process::{Command, id};
use sublink::link::{EgressQos, IngressQos, LinkFlags, LinkMode, OperState, VlanPriority};
use sublink::{IfIndex, LinkChange, LinkInfo, ListLinks, Netns, NewLink, Result, Socket};

/// `RTMGRP_LINK`.
const LINK_EVENTS: u32 = 1;

/// A namespace with the veth pair `p0`, `p1`, both up.
pub(crate) struct Host {
    pub socket: Socket,
    pub p0: IfIndex,
    here: Watch,
    pod: Option<(Netns, Watch)>,
}

/// All links of the host and, where a row uses it, of the pod behind them.
pub(crate) struct Seen {
    /// By `ip -d -j link show`: an array for each namespace.
    pub shown: Value,
    /// By us.
    pub read: Vec<Vec<LinkInfo>>,
}

/// Does something in a fresh host, and says what there is afterwards.
pub(crate) fn in_a_fresh_one(work: impl FnOnce(&mut Host) + Send) -> Seen {
    let namespace = Netns::create().expect("a namespace");
    let seen = namespace.run(|| {
        let mut host = Host::new();
        work(&mut host);
        host.see()
    });
    seen.expect("its thread")
}

impl Host {
    fn new() -> Self {
        let (mut socket, mut here) = (Socket::open().expect("a socket"), Watch::new());
        let pair = NewLink::veth(NewLink::peer().name(name("p1")).mac(mac(0xb1))).name(name("p0")).mac(mac(0xb0));
        let p0 = socket.create(&pair.up()).expect("a veth pair");
        let p1 = socket.index_of("p1").expect("its peer");
        socket.change(&LinkChange::new(p1).up()).expect("its peer up");
        here.settled_links(); // or the parent's late carrier would come upon a child in the midst of its test
        Self { socket, p0, here, pod: None }
    }

    /// Creates `t0`.
    pub fn add<'a, K: Copy>(&mut self, link: NewLink<'a, K>) -> Result<()>
    where
        NewLink<'a, K>: sublink::link::Create,
    {
        self.socket.create(&link.name(name("t0"))).map(|_| ())
    }

    /// Creates `t0` with the address that rows call `$MAC`.
    pub fn add_with_mac<'a, K: Copy>(&mut self, link: NewLink<'a, K>) -> Result<()>
    where
        NewLink<'a, K>: sublink::link::Create,
    {
        self.add(link.mac(mac(7)))
    }

    /// Changes `t0`.
    pub fn change<'c, K: Copy>(&mut self, change: impl FnOnce(IfIndex) -> LinkChange<'c, K>) -> Result<()>
    where
        LinkChange<'c, K>: sublink::wire::Command,
    {
        let t0 = self.socket.index_of("t0")?;
        self.socket.change(&change(t0))
    }

    /// The other namespace.
    pub fn pod(&mut self) -> &Netns {
        let (pod, _) = self.pod.get_or_insert_with(|| {
            let pod = Netns::create().expect("a pod");
            let watch = pod.run(Watch::new).expect("its thread");
            (pod, watch)
        });
        pod
    }

    /// Runs a row's `ip link …` commands.
    pub fn ip(&mut self, commands: &str) {
        for command in commands.split(';') {
            let mut command = format!("link {}", command.trim()).replace("$MAC", &mac(7).to_string());
            if command.contains("$POD") {
                // A path, which `ip` takes where it expects a name because of the slashes in it.
                let path = format!("/proc/{}/fd/{}", id(), self.pod().as_fd().as_raw_fd());
                command = command.replace("$POD", &path);
            }
            ip(&command);
        }
    }

    fn see(mut self) -> Seen {
        let mut read = vec![self.here.settled_links()];
        let mut shown = vec![show()];
        if let Some((pod, watch)) = &mut self.pod {
            read.push(watch.settled_links());
            shown.push(pod.run(show).expect("its thread"));
        }
        Seen { shown: shown.into(), read }
    }
}

/// Reads a namespace's links, and hears of changes.
struct Watch {
    socket: Socket,
    events: Events,
}

impl Watch {
    fn new() -> Self {
        let mut events = Events::new(NETLINK_ROUTE).expect("a socket for events");
        events.bind(&SocketAddr::new(0, LINK_EVENTS)).expect("events");
        setsockopt(&events, ReceiveTimeout, &TimeVal::seconds(120)).expect("a time limit");
        Self { socket: Socket::open().expect("a socket"), events }
    }

    /// The links, once Linux has set the operational states of those that are up, which it does after the request that
    /// causes them. An event tells.
    fn settled_links(&mut self) -> Vec<LinkInfo> {
        loop {
            let links = self.socket.links(&ListLinks::new()).expect("a list").collect().expect("its links");
            if links.iter().all(is_settled) {
                return links;
            }
            self.events.recv_from_full().expect("an event within two minutes");
        }
    }
}

fn is_settled(link: &LinkInfo) -> bool {
    let runs = link.flags.contains(LinkFlags::RUNNING);
    match (link.carrier, link.oper_state) {
        _ if !link.flags.contains(LinkFlags::UP) => true,
        _ if link.kind.name() == "dummy" => Some(runs) == link.carrier, // it never says more
        (Some(true), OperState::Dormant) if link.link_mode == LinkMode::Dormant => !runs,
        (Some(true), state) => runs && state == OperState::Up,
        (_, state) => !runs && matches!(state, OperState::Down | OperState::LowerLayerDown),
    }
}

fn show() -> Value {
    serde_json::from_str(&ip("-d -j link show")).expect("JSON")
}

/// Runs `ip` in the calling thread's namespace.
pub fn ip(arguments: &str) -> String {
    let output = Command::new("ip").args(arguments.split_whitespace()).output().expect("ip");
    let (out, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "ip {arguments}: {out}{errors}");
    out.into_owned()
}

/// Skips where there is no `ip`, or one that cannot print JSON, as busybox's.
pub fn needs_ip() -> Result<(), Skip> {
    match Command::new("ip").args(["-d", "-j", "link", "show"]).output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(_) => Err(Skip("this `ip` is not iproute2's".into())),
        Err(error) => Err(Skip(format!("no `ip` here ({error})"))),
    }
}

pub fn index(index: u32) -> IfIndex {
    IfIndex::new(index).expect("an index")
}

pub fn ingress(from: u8, to: u32) -> IngressQos {
    IngressQos::new(VlanPriority::new(from).expect("a priority"), to)
}

pub fn egress(from: u32, to: u8) -> EgressQos {
    EgressQos::new(from, VlanPriority::new(to).expect("a priority"))
}
