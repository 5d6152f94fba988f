//! Other processes, which are this test binary in another role, and the netlink sockets that both sides use.

use crate::common::{roles::ROLE, sequence};
use nix::sys::socket::{AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType};
use nix::sys::socket::{bind, connect, getsockname, sendto, socket};
use std::io::{BufRead, BufReader, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::str::FromStr;
use sublink::Socket;

/// Starts this binary in a role, in the network namespace of the calling thread.
pub fn start(role: &str) -> Child {
    let mut command = Command::new("/proc/self/exe");
    command.env(ROLE, role).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("another process")
}

/// A number that a line from another process holds.
pub fn number<T: FromStr<Err: std::fmt::Debug>>(from: &mut impl BufRead) -> T {
    let mut line = String::new();
    from.read_line(&mut line).expect("a line");
    line.trim().parse().expect("a number")
}

/// A forger that has told its port, and forges when told to.
pub struct Forger {
    process: Child,
    answers: BufReader<std::process::ChildStdout>,
    pub port: u32,
}

impl Forger {
    pub fn start() -> Self {
        let mut process = start("forger");
        let mut answers = BufReader::new(process.stdout.take().expect("its output"));
        let port = number(&mut answers);
        Self { process, answers, port }
    }

    /// Lets it send answers with 16 sequence numbers from `first` on to `port`; returns how many were delivered and how
    /// many refused.
    pub fn forge(&mut self, port: u32, first: u32) -> (usize, usize) {
        writeln!(self.process.stdin.as_ref().expect("its input"), "{port}\n{first}").expect("an order");
        (number(&mut self.answers), number(&mut self.answers))
    }
}

impl Drop for Forger {
    fn drop(&mut self) {
        drop(self.process.stdin.take()); // which ends it
        let _ = self.process.wait();
    }
}

/// A NETLINK_ROUTE socket of which nothing is set, bound.
pub fn bare() -> OwnedFd {
    let fd = unbound(SockProtocol::NetlinkRoute, SockFlag::empty());
    bind(fd.as_raw_fd(), &NetlinkAddr::new(0, 0)).expect("bind");
    fd
}

pub fn unbound(protocol: SockProtocol, flags: SockFlag) -> OwnedFd {
    socket(AddressFamily::Netlink, SockType::Raw, flags | SockFlag::SOCK_CLOEXEC, protocol).expect("a netlink socket")
}

/// A bound NETLINK_ROUTE socket that hears what happens to links (RTNLGRP_LINK).
pub fn listening() -> OwnedFd {
    let mut socket = netlink_sys::Socket::new(netlink_sys::protocols::NETLINK_ROUTE).expect("a socket");
    socket.bind_auto().expect("bind");
    socket.add_membership(1).expect("its group");
    socket.as_fd().try_clone_to_owned().expect("a descriptor")
}

pub fn port(fd: impl AsFd) -> u32 {
    getsockname::<NetlinkAddr>(fd.as_fd().as_raw_fd()).expect("its address").pid()
}

/// A second descriptor of the same socket: what an embedder could keep.
pub fn twin(socket: impl AsFd) -> OwnedFd {
    socket.as_fd().try_clone_to_owned().expect("a second descriptor")
}

/// Connects the socket to another port, behind its owner's back; 0 is the kernel's.
pub fn reconnect(socket: impl AsFd, port: u32) {
    connect(socket.as_fd().as_raw_fd(), &NetlinkAddr::new(port, 0)).expect("connect");
}

pub fn send_to(fd: impl AsFd, port: u32, bytes: &[u8]) -> nix::Result<usize> {
    sendto(fd.as_fd().as_raw_fd(), bytes, &NetlinkAddr::new(port, 0), MsgFlags::empty())
}

/// The socket's next sequence number.
pub fn next_sequence(socket: &mut Socket) -> u32 {
    sequence(socket).wrapping_add(1)
}

/// A message with these flags and attributes about the link `index`.
pub fn message(ty: u16, flags: u16, seq: u32, index: u32, attributes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(32 + attributes.len()).expect("a short message");
    let mut bytes = [&length.to_ne_bytes()[..], &ty.to_ne_bytes(), &flags.to_ne_bytes()].concat();
    bytes.extend([seq, 0, 0, index, 0, 0].iter().flat_map(|word| word.to_ne_bytes()));
    bytes.extend_from_slice(attributes);
    bytes
}
