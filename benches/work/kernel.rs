//! Work with the kernel, in namespaces of its own: nothing of the machine's is touched.

#![allow(dead_code, reason = "each benchmark uses a part of it")]

use nix::sched::{CloneFlags, unshare};
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, send, socket,
};
use std::fs;
use std::os::fd::{AsRawFd, OwnedFd};
use sublink::endpoint::{Detach, detach_many};
use sublink::link::Macvlan;
use sublink::reply::Reply;
use sublink::wire::Messages;
use sublink::{Attached, Batch, Endpoint, IfIndex, IfName, LinkChange, MacAddr, Sandbox};
use sublink::{MacvlanMode, Netns, NewAddress, NewLink, NewRoute, Request, Socket};

/// Brings this process, which has one thread as yet, into a fresh network namespace; whoever is not root gets a user
/// namespace first. An `Err` says why that is forbidden.
pub fn enter_fresh_namespace() -> Result<(), String> {
    let (uid, gid) = (nix::unistd::geteuid(), nix::unistd::getegid());
    let user = if uid.is_root() { CloneFlags::empty() } else { CloneFlags::CLONE_NEWUSER };
    unshare(user | CloneFlags::CLONE_NEWNET).map_err(|error| format!("no namespaces here: {error}"))?;
    if !uid.is_root() {
        let write = |file: &str, text: String| fs::write(file, text).map_err(|error| format!("{file}: {error}"));
        write("/proc/self/setgroups", "deny".into())?;
        write("/proc/self/uid_map", format!("0 {uid} 1"))?;
        write("/proc/self/gid_map", format!("0 {gid} 1"))?;
    }
    Ok(())
}

/// A parent to put macvlans on: one end of a veth pair of which both ends are up.
pub fn parent(socket: &mut Socket) -> sublink::Result<IfIndex> {
    let pair = NewLink::veth(NewLink::peer().name(name("p1"))).name(name("p0")).up();
    let index = socket.create(&pair)?;
    let peer = socket.index_of("p1")?;
    socket.change(&LinkChange::new(peer).up())?;
    Ok(index)
}

pub fn name(name: &str) -> IfName {
    IfName::new(name).unwrap()
}

/// A macvlan as the benchmarks make it.
pub type Link = NewLink<'static, Macvlan<'static>>;

/// Macvlan `number` of many.
pub fn macvlan(parent: IfIndex, number: usize) -> Link {
    let [.., high, low] = number.to_be_bytes();
    let mac = MacAddr::new([2, 0, 0, 0, high, low]).unwrap();
    NewLink::macvlan(parent).mode(MacvlanMode::Bridge).mac(mac).name(name(&format!("mv{number}"))).group(GROUP)
}

/// The group that [`macvlan`] is in, to be removed by.
pub const GROUP: u32 = 7;

const ADDR: &str = "10.0.50.7/24";
const GATEWAY: &str = "10.0.50.1";

/// A container's link: a macvlan `eth0`, up, with an address and a default route.
pub fn endpoint(parent: IfIndex) -> Endpoint<'static> {
    let link = NewLink::macvlan(parent).mode(MacvlanMode::Bridge).name(name("eth0"));
    Endpoint::new(link).addr(ADDR.parse().unwrap()).gateway(GATEWAY.parse().unwrap())
}

/// The same as bytes: what is sent outside of the container, then what is sent inside.
pub fn attach_bytes(parent: IfIndex, pod: &Netns) -> (Vec<u8>, Vec<u8>) {
    let index = IfIndex::random();
    let link = NewLink::macvlan(parent).mode(MacvlanMode::Bridge).name(name("eth0")).mac(MacAddr::random());
    let mut inside = Batch::new().one_ack();
    inside.push(&NewAddress::new(index, ADDR.parse().unwrap())).unwrap();
    inside.push(&LinkChange::new(index).up()).unwrap();
    inside.push(&NewRoute::default_via(GATEWAY.parse().unwrap()).index(index)).unwrap();
    (encoded(&link.index(index).netns(&pod)), inside.number(1).to_vec())
}

/// Removes `eth0` from each container that has one, however it came.
pub fn remove_endpoints<'a>(pods: impl IntoIterator<Item = &'a Netns>) {
    let attached = pods.into_iter().filter_map(|pod| {
        let mut sandbox = Sandbox::of(pod.try_clone().unwrap()).unwrap();
        Attached::find(&mut sandbox, "eth0").unwrap().map(|attached| (pod, attached))
    });
    for detached in detach_many(&mut Socket::open().unwrap(), &attached.collect::<Vec<_>>(), &Detach::new()) {
        assert!(detached.unwrap().link.is_deleted());
    }
}

/// `request` as bytes, for [`Plain`].
pub fn encoded(request: &impl Request) -> Vec<u8> {
    let mut buf = vec![0; 1024];
    let len = request.encode(1, &mut buf).unwrap();
    buf.truncate(len);
    buf
}

/// The floor of all work with the kernel: bytes made beforehand, on a socket that does nothing else.
pub struct Plain {
    fd: OwnedFd,
    buf: Vec<u8>,
    /// Bytes of the last answer.
    pub received: usize,
}

impl Plain {
    pub fn open() -> nix::Result<Self> {
        let fd = socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkRoute)?;
        bind(fd.as_raw_fd(), &NetlinkAddr::new(0, 0))?;
        Ok(Self { fd, buf: vec![0; 64 * 1024], received: 0 })
    }

    /// Sends, and reads until the outcome, which must be a success.
    pub fn send(&mut self, bytes: &[u8]) {
        send(self.fd.as_raw_fd(), bytes, MsgFlags::empty()).unwrap();
        self.received = 0;
        loop {
            let len = recv(self.fd.as_raw_fd(), &mut self.buf, MsgFlags::empty()).unwrap();
            self.received += len;
            for message in Messages::new(&self.buf[..len]) {
                if let Reply::Ack(outcome) | Reply::Done(outcome) = Reply::of(message.unwrap()).unwrap() {
                    return assert_eq!(outcome.errno(), 0);
                }
            }
        }
    }
}
