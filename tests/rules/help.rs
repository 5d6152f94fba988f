//! What the rules share: a second opinion (`ip`), a second namespace, and datagrams without the library's socket.

use crate::common::{Skip, kernel, name};
use nix::sched::{CloneFlags, unshare};
use nix::sys::socket::sockopt::{RcvBuf, SndBuf};
use nix::sys::socket::{MsgFlags, getsockopt, recv, send};
use std::fmt::Debug;
use std::fs;
use std::os::fd::{AsFd, AsRawFd};
use std::process::Command;
use sublink::link::{LinkFlags, OperState};
use sublink::reply::Reply;
use sublink::value::NsId;
use sublink::wire::Messages;
use sublink::{IfIndex, LinkInfo, ListLinks, Netns, NewLink, Request, Result, Socket};

/// Whether the kernel looks names and indexes up where the link is to be, and not where the request comes from.
pub fn looks_in_the_target() -> bool {
    kernel() >= (6, 16)
}

/// Skips what takes the room of a socket's usual buffers: 208 KiB for what is sent, and for what is received.
pub fn needs_usual_buffers() -> Result<(), Skip> {
    let socket = Socket::open().expect("a socket");
    let sizes = (getsockopt(&socket, SndBuf).expect("its size"), getsockopt(&socket, RcvBuf).expect("its size"));
    match sizes {
        (200_000.., 200_000..) => Ok(()),
        (sent, received) => Err(Skip(format!("this kernel gives sockets buffers of {sent} and {received} bytes"))),
    }
}

pub fn index(index: u32) -> IfIndex {
    IfIndex::new(index).expect("an index")
}

/// `ip`'s answer, in the calling thread's namespace.
pub fn try_ip(args: &str) -> Result<String, String> {
    let output = Command::new("ip").args(args.split(' ')).output().expect("ip");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

pub fn ip(args: &str) -> String {
    try_ip(args).unwrap_or_else(|error| panic!("ip {args}: {error}"))
}

/// Index and name of every link in the calling thread's namespace, as `ip` sees them.
pub fn seen() -> Vec<(u32, String)> {
    let line = |line: &str| {
        let (index, rest) = line.split_once(": ").expect("an index");
        let name = rest.split(['@', ':']).next().expect("a name");
        (index.parse().expect("a number"), name.to_owned())
    };
    ip("-o link show").lines().map(line).collect()
}

/// As [`seen`], in another namespace.
pub fn seen_in(namespace: &Netns) -> Vec<(u32, String)> {
    namespace.run(seen).expect("its thread")
}

/// Every link of the socket's namespace, without what the kernel sets in its own time: carrier, and what follows from it.
pub fn all(socket: &mut Socket) -> Vec<LinkInfo> {
    let mut links = socket.links(&ListLinks::new()).expect("a list").collect().expect("all of it");
    for link in &mut links {
        link.flags = if link.flags.contains(LinkFlags::UP) { LinkFlags::UP } else { LinkFlags::default() };
        (link.oper_state, link.carrier, link.carrier_changes) = (OperState::Unknown, None, None);
        (link.carrier_up_count, link.carrier_down_count) = (None, None);
    }
    links
}

/// A second namespace, and a socket in it.
pub fn elsewhere() -> (Netns, Socket) {
    let namespace = Netns::create().expect("a namespace");
    let socket = Socket::open_in(&namespace).expect("a socket in it");
    (namespace, socket)
}

/// The number that `of`'s namespace has in the namespace of `inside`: the kernel gives one to the parent's namespace when
/// a link whose parent is elsewhere is read.
pub fn netnsid(of: &mut Socket, parent: IfIndex, inside: &mut Socket, namespace: &Netns) -> NsId {
    let probe = NewLink::macvlan(parent).name(name("probe")).netns(&namespace);
    let probe = of.create(&probe).expect("a probe");
    let nsid = inside.link_at(probe).expect("it").parent_netnsid().expect("a number");
    inside.delete(probe).expect("it gone");
    nsid
}

/// A bridge that is up.
pub fn bridge(socket: &mut Socket, bridge: &str) -> Result<IfIndex, Skip> {
    match try_ip(&format!("link add {bridge} up type bridge")) {
        Ok(_) => Ok(socket.index_of(bridge).expect("the bridge")),
        Err(error) if error.contains("Unknown device type") => Err(Skip("this kernel has no bridge driver".into())),
        Err(error) => panic!("{error}"),
    }
}

pub fn encoded(request: &impl Request) -> Vec<u8> {
    let mut bytes = vec![0; 4096];
    let len = request.encode(7, &mut bytes).expect("room");
    bytes.truncate(len);
    bytes
}

/// `request` with one more flag of its header set.
pub fn flagged(mut request: Vec<u8>, flag: u16) -> Vec<u8> {
    let flags = u16::from_ne_bytes([request[6], request[7]]) | flag;
    request[6..8].copy_from_slice(&flags.to_ne_bytes());
    request
}

/// A message that came back: type, flags, and how it ended the conversation, if it did.
#[derive(Debug)]
pub struct Came {
    pub ty: u16,
    pub flags: u16,
    pub errno: Option<i32>,
}

/// Sends bytes as they are through a socket's descriptor, and reads until the acknowledgement or the end of the dump.
pub fn exchange(socket: &Socket, request: &[u8]) -> Vec<Came> {
    let (fd, mut buf) = (socket.as_fd().as_raw_fd(), vec![0; 64 * 1024]);
    send(fd, request, MsgFlags::empty()).expect("it sent");
    let mut came = Vec::new();
    while came.last().is_none_or(|last: &Came| last.errno.is_none()) {
        let len = recv(fd, &mut buf, MsgFlags::empty()).expect("an answer");
        for message in Messages::new(&buf[..len]) {
            let message = message.expect("a message");
            let errno = match Reply::of(message).expect("a reply") {
                Reply::Ack(ack) | Reply::Done(ack) => Some(ack.errno()),
                _ => None,
            };
            came.push(Came { ty: message.header.ty, flags: message.header.flags, errno });
        }
    }
    came
}

/// The error number that the kernel answers these bytes with; 0 for none.
pub fn errno_of(socket: &Socket, request: &[u8]) -> i32 {
    exchange(socket, request).last().and_then(|came| came.errno).expect("an end")
}

/// What is printed of an error, of which there must be one.
pub fn sentence<T: Debug>(result: Result<T>) -> String {
    result.expect_err("it should have failed").to_string()
}

/// From here on the test's thread, and the threads that it starts, have descriptors of their own: other tests run in this
/// process, and would be counted with them.
pub fn own_descriptors() {
    unshare(CloneFlags::CLONE_FILES).expect("a table of descriptors");
}

/// How many descriptors the thread's table holds.
pub fn descriptors() -> usize {
    fs::read_dir("/proc/thread-self/fd").expect("a folder").count()
}
