//! What these tests need besides the library: `ip` as a second opinion, refusals as sentences, and events.

use crate::common::{Skip, socket};
use netlink_sys::protocols::NETLINK_ROUTE;
use nix::sys::socket::{setsockopt, sockopt::ReceiveTimeout};
use nix::sys::time::{TimeVal, TimeValLike};
use std::fmt::Debug;
use std::os::fd::AsFd;
use std::process::Command;
use sublink::{IfIndex, LinkView, ListLinks, Result, Socket};

/// The multicast group of events about links.
const RTNLGRP_LINK: u32 = 1;

/// Runs `ip` in the test's namespace: its error output if it fails.
pub fn try_ip(arguments: &str) -> Result<(), String> {
    let output = Command::new("ip").args(arguments.split(' ')).output().expect("ip");
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// Runs `ip` in the test's namespace.
pub fn ip(arguments: &str) {
    try_ip(arguments).unwrap_or_else(|error| panic!("ip {arguments}: {error}"));
}

/// What `ip` says of the link `x`: it has numbers and names of its own, so that ours cannot be wrong in both directions.
pub fn ip_about_x() -> String {
    let output = Command::new("ip").args(["-details", "link", "show", "dev", "x"]).output().expect("ip");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Skips the test where the kernel has the driver of this kind, of which `ip` is asked to make a link.
pub fn lacks_driver(kind: &str, arguments: &str) -> Result<(), Skip> {
    match try_ip(arguments) {
        Err(error) if error.contains("Unknown device type") => Ok(()),
        _ => Err(Skip(format!("this kernel has the driver of {kind}"))),
    }
}

/// What the library says of a request that is refused.
#[track_caller]
pub fn refusal<T: Debug>(result: Result<T>) -> String {
    result.expect_err("it should have been refused").to_string()
}

/// The names of all links of this kind in the namespace.
pub fn names_of_kind(socket: &mut Socket, kind: &str) -> Vec<String> {
    let links = socket.links(&ListLinks::new().kind(kind)).expect("a list").collect().expect("all of it");
    links.iter().map(|link| link.name.to_string()).collect()
}

/// Waits until a link is as wanted: reads it anew at every event about links.
#[track_caller]
pub fn await_link(index: IfIndex, what: &str, is_as_wanted: impl Fn(&LinkView<'_>) -> bool) {
    let mut events = netlink_sys::Socket::new(NETLINK_ROUTE).expect("a socket");
    events.bind_auto().expect("an address");
    events.add_membership(RTNLGRP_LINK).expect("events");
    setsockopt(&events.as_fd(), ReceiveTimeout, &TimeVal::seconds(120)).expect("a time limit");
    let mut socket = socket();
    while !is_as_wanted(&socket.link_at(index).expect("the link")) {
        match events.recv_from_full() {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {} // by a signal
            Err(error) => panic!("no event while waiting for {what}: {error}"),
        }
    }
}
