//! What the sequences share: `ip` and `bridge`, a link to move about, events, and who hears whom.

use crate::common::{Skip, name, needs};
use netlink_sys::protocols::NETLINK_ROUTE;
use nix::sys::socket::{setsockopt, sockopt::ReceiveTimeout};
use nix::sys::time::{TimeVal, TimeValLike};
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::process::Command;
use std::time::{Duration, Instant};
use sublink::wire::Messages;
use sublink::{IfIndex, LinkView, Netns, NewLink, Result, Socket};

/// The multicast group of events about links.
const RTNLGRP_LINK: u32 = 1;

/// How long to wait for what must come; for an event as well.
const LIMIT: Duration = Duration::from_secs(120);

/// Runs a program in the test's namespace: its error output if it fails.
pub fn try_run(command: &str) -> Result<(), String> {
    let mut words = command.split_whitespace();
    let output = Command::new(words.next().expect("a program")).args(words).output().expect("it starts");
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// Runs a program in the test's namespace.
#[track_caller]
pub fn run(command: &str) {
    try_run(command).unwrap_or_else(|error| panic!("{command}: {error}"));
}

/// Makes a bond, which the library does not.
pub fn bond(bond: &str, options: &str) -> Result<(), Skip> {
    match try_run(&format!("ip link add {bond} type bond {options}")) {
        Err(error) if error.contains("Unknown device type") => Err(Skip("this kernel has no bond driver".into())),
        made => {
            made.unwrap_or_else(|error| panic!("{bond}: {error}"));
            Ok(())
        }
    }
}

/// A link to move about, as the selftests do with a dummy: one, or where there is no such driver, an end of a veth pair.
pub fn spare(socket: &mut Socket, link: &str, index: Option<IfIndex>) -> Result<IfIndex> {
    let name = name(link);
    if needs("dummy").is_ok() {
        return socket.create(&NewLink::dummy().name(name).maybe(index, NewLink::index));
    }
    socket.create(&NewLink::veth(NewLink::peer()).name(name).maybe(index, NewLink::index))
}

/// Events about the links of a namespace, from when it was opened.
pub struct Events(netlink_sys::Socket);

impl Events {
    /// Events of the calling thread's namespace.
    pub fn open() -> Self {
        let mut events = netlink_sys::Socket::new(NETLINK_ROUTE).expect("a socket");
        events.bind_auto().expect("an address");
        events.add_membership(RTNLGRP_LINK).expect("events");
        setsockopt(&events.as_fd(), ReceiveTimeout, &TimeVal::seconds(120)).expect("a time limit");
        Self(events)
    }

    /// The names of the links that the next event is about.
    pub fn next(&self) -> Vec<String> {
        let bytes = loop {
            match self.0.recv_from_full() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {} // by a signal
                received => break received.expect("an event").0,
            }
        };
        let links = Messages::new(&bytes).map_while(Result::ok).filter_map(LinkView::of);
        links.map(|link| link.name().to_string()).collect()
    }
}

/// Waits until a link of a namespace is as wanted: reads it anew at every event about links.
#[track_caller]
pub fn await_link(netns: &Netns, index: IfIndex, what: &str, is_as_wanted: impl Fn(&LinkView<'_>) -> bool + Send) {
    let wait = move || {
        let (events, mut socket) = (Events::open(), Socket::open().expect("a socket"));
        while !is_as_wanted(&socket.link_at(index).expect("the link")) {
            events.next();
        }
    };
    netns.run(wait).unwrap_or_else(|error| panic!("{what}: {error}"));
}

/// The test's own namespace.
pub fn here() -> Netns {
    Netns::current().expect("this namespace")
}

/// Somebody who sends packets and hears them: a UDP socket of a namespace, on one address.
pub struct Peer {
    socket: UdpSocket,
    addr: SocketAddr,
}

impl Peer {
    /// Every peer's port.
    const PORT: u16 = 7777;

    /// An address of a namespace that is there already.
    pub fn new(netns: &Netns, addr: IpAddr) -> Self {
        let addr = SocketAddr::new(addr, Self::PORT);
        let socket = netns.run(|| UdpSocket::bind(addr).expect("its address")).expect("its thread");
        socket.set_read_timeout(Some(Duration::from_millis(200))).expect("a time limit");
        Self { socket, addr }
    }

    /// Waits until the other hears this one. As `ping` does, it sends again and again: an address has to be asked for, and a
    /// switch or bond may have yet to open the way.
    #[track_caller]
    pub fn reaches(&self, other: &Self, what: &str) {
        let (since, mut buf) = (Instant::now(), [0; 64]);
        let text = format!("{} to {}", self.addr, other.addr);
        while since.elapsed() < LIMIT {
            let _ = self.socket.send_to(text.as_bytes(), other.addr); // ENETUNREACH, EHOSTUNREACH: not yet
            match other.socket.recv_from(&mut buf) {
                Ok((len, from)) if from == self.addr && buf.get(..len) == Some(text.as_bytes()) => return,
                _ => {}
            }
        }
        panic!("{what}: {text}: nothing arrives");
    }
}
