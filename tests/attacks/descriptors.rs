//! Descriptors that an embedder may give to `Socket::from_fd`, and what else it may do with them.

use crate::common::{Skip, kernel, mac, name, parent, socket};
use crate::overrun::many_links;
use crate::tools::{bare, listening, message, next_sequence, send_to, start, twin, unbound};
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType};
use std::fs::{self, File};
use std::net::UdpSocket;
use std::os::fd::{AsFd, OwnedFd};
use sublink::batch::Outcome;
use sublink::error::Partial;
use sublink::link::DeleteLink;
use sublink::value::InvalidValue;
use sublink::{Batch, ErrorKind, IfIndex, LinkChange, ListLinks, MacvlanMode, Netns, NewLink, Socket};
use sublink_tests::{kernel_test, role};

const RTM_GETLINK: u16 = 18;
const RTM_DELLINK: u16 = 17;
const RTM_SETLINK: u16 = 19;
const NLMSG_DONE: u16 = 3;
const REQUEST: u16 = 1;
const ACK: u16 = 4;
const DUMP: u16 = 0x300;

fn is_non_blocking(fd: impl AsFd) -> bool {
    OFlag::from_bits_retain(fcntl(fd.as_fd(), FcntlArg::F_GETFL).unwrap()).contains(OFlag::O_NONBLOCK)
}

/// One of each operation.
fn works(socket: &mut Socket) {
    let parent = parent(socket);
    let link = NewLink::macvlan(parent).name(name("mv0")).mac(mac(1));
    let index = socket.create(&link.mode(MacvlanMode::Bridge)).unwrap();
    assert_eq!(socket.index_of("mv0").unwrap(), index);
    socket.change(&LinkChange::macvlan(index).mode(MacvlanMode::Private)).unwrap();
    assert_eq!(socket.link_at(index).unwrap().macvlan().unwrap().mode(), Some(MacvlanMode::Private));
    assert!(socket.create(&link).unwrap_err().is_already_there());
    assert_eq!(socket.links(&ListLinks::new()).unwrap().collect().unwrap().len(), 4);
    let mut batch = Batch::new();
    batch.push(&DeleteLink::index(index)).unwrap();
    batch.push(&DeleteLink::index(index)).unwrap();
    assert!(socket.run(&mut batch).unwrap_err().is_no_device());
    assert_eq!(batch.outcomes()[0], Outcome::Done);
    socket.delete(parent).unwrap();
}

#[kernel_test]
pub fn a_bare_socket_gives_errors_with_text() -> Result<(), Skip> {
    let (mut bare, mut full) = (Socket::from_fd(bare()).unwrap(), socket());
    works(&mut bare);
    let refused = LinkChange::new(parent(&mut full)).mtu(1);
    let kernel_error = |socket: &mut Socket| {
        let error = socket.change(&refused).unwrap_err();
        let ErrorKind::Kernel(kernel) = error.kind() else { panic!("{error}") };
        kernel.clone()
    };
    let expected = kernel_error(&mut full);
    assert!(expected.text.is_some(), "{expected}");
    assert_eq!(kernel_error(&mut bare), expected);
    Ok(())
}

#[kernel_test]
pub fn a_bare_socket_tells_its_namespace() -> Result<(), Skip> {
    if kernel() < (5, 14) {
        return Err(Skip("this kernel is too old for SO_NETNS_COOKIE, which is of Linux 5.14".into()));
    }
    let there = Netns::create().unwrap();
    let (here, elsewhere) = (bare(), there.run(bare).unwrap());
    let [here, elsewhere] = [here, elsewhere].map(|fd| Socket::from_fd(fd).unwrap());
    assert_eq!(socket().is_in_same_namespace(&here), Some(true));
    assert_eq!(socket().is_in_same_namespace(&elsewhere), Some(false));
    assert_eq!(Socket::open_in(&there).unwrap().is_in_same_namespace(&elsewhere), Some(true));
    Ok(())
}

#[kernel_test]
pub fn a_bare_socket_gives_filtered_lists() -> Result<(), Skip> {
    let mut socket = Socket::from_fd(bare()).unwrap();
    let parent = parent(&mut socket);
    for number in 0..3 {
        socket.create(&NewLink::macvlan(parent).name(name(&format!("mv{number}")))).unwrap();
    }
    for (list, count) in [
        (ListLinks::new(), 6),
        (ListLinks::new().kind("macvlan"), 3),
        (ListLinks::new().kind("veth"), 2),
        (ListLinks::new().kind("no-such-kind"), 0),
        (ListLinks::new().parent(parent), 4), // its peer stands on it, too
        (ListLinks::new().master(parent), 0),
        (ListLinks::new().kind("macvlan").parent(parent), 3),
    ] {
        let found = socket.links(&list).unwrap().collect().unwrap();
        assert_eq!(found.len(), count, "{list:?}");
    }
    Ok(())
}

#[kernel_test]
pub fn a_non_blocking_socket_works_and_stays_so() -> Result<(), Skip> {
    let mut socket = Socket::from_fd(unbound(SockProtocol::NetlinkRoute, SockFlag::SOCK_NONBLOCK)).unwrap();
    works(&mut socket);
    assert!(is_non_blocking(&socket));
    Ok(())
}

#[kernel_test]
pub fn a_socket_made_non_blocking_later_works() -> Result<(), Skip> {
    let mut socket = socket();
    fcntl(twin(&socket), FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
    works(&mut socket);
    assert!(is_non_blocking(&socket), "it is the embedder's to change");
    Ok(())
}

#[kernel_test]
pub fn an_unbound_socket_works() -> Result<(), Skip> {
    works(&mut Socket::from_fd(unbound(SockProtocol::NetlinkRoute, SockFlag::empty())).unwrap());
    Ok(())
}

#[kernel_test]
pub fn what_is_no_netlink_socket_is_refused() -> Result<(), Skip> {
    let (pipe, _end) = nix::unistd::pipe().unwrap();
    let unix = nix::sys::socket::socket(AddressFamily::Unix, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None);
    let others: [(&str, OwnedFd); 6] = [
        ("a file", File::open("/proc/self/exe").unwrap().into()),
        ("a directory", File::open("/").unwrap().into()),
        ("a namespace", Netns::current().unwrap().into()),
        ("a UDP socket", UdpSocket::bind("0.0.0.0:0").unwrap().into()),
        ("a Unix socket", unix.unwrap()),
        ("a pipe", pipe),
    ];
    for (what, fd) in others {
        let error = Socket::from_fd(fd).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Invalid(InvalidValue::NotARouteSocket)), "{what}: {error}");
        assert_eq!(error.to_string(), "not a NETLINK_ROUTE socket", "{what}");
    }
    Ok(())
}

#[kernel_test]
pub fn a_netlink_socket_of_another_protocol_is_refused() -> Result<(), Skip> {
    for protocol in [SockProtocol::NetlinkUserSock, SockProtocol::NetlinkSockDiag, SockProtocol::NetlinkGeneric] {
        let error = Socket::from_fd(unbound(protocol, SockFlag::empty())).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Invalid(InvalidValue::NotARouteSocket)), "{protocol:?}: {error}");
    }
    assert!(socket().index_of("lo").is_ok());
    Ok(())
}

/// Leaves answers in the queue: a link, an error, a success, the end of a list. Their numbers are near our next ones.
fn leave_answers(socket: &mut Socket) {
    let (fd, seq) = (twin(&*socket), next_sequence(socket).wrapping_add(100));
    for (ty, flags, index) in
        [(RTM_GETLINK, 0, 1), (RTM_DELLINK, ACK, 999), (RTM_SETLINK, ACK, 1), (NLMSG_DONE, ACK, 0)]
    {
        send_to(&fd, 0, &message(ty, REQUEST | flags, seq.wrapping_add(index), index, &[])).unwrap();
    }
}

#[kernel_test]
pub fn stale_answers_are_ignored() -> Result<(), Skip> {
    let absent = IfIndex::new(777).unwrap();
    for mut socket in [socket(), Socket::from_fd(bare()).unwrap()] {
        leave_answers(&mut socket);
        assert!(socket.link_at(absent).unwrap_err().is_no_device());
        leave_answers(&mut socket);
        let error = socket.change(&LinkChange::new(absent).up()).unwrap_err();
        assert_eq!(error.to_string(), "bring up #777: ENODEV (No such device)");
        leave_answers(&mut socket);
        let mut batch = Batch::new();
        batch.push(&LinkChange::new(IfIndex::new(1).unwrap()).up()).unwrap();
        batch.push(&DeleteLink::index(absent)).unwrap();
        assert!(socket.run(&mut batch).unwrap_err().is_no_device());
        assert_eq!(batch.outcomes()[0], Outcome::Done);
        leave_answers(&mut socket);
        assert_eq!(socket.links(&ListLinks::new()).unwrap().collect().unwrap().len(), 1);
        leave_answers(&mut socket);
        works(&mut socket);
        // A list that was dropped is not ended by them: while it goes on, there is no other.
        let parent = many_links(&mut socket, 200);
        leave_answers(&mut socket);
        assert_eq!(socket.links(&ListLinks::new()).unwrap().collect().unwrap().len(), 203);
        socket.delete(parent).unwrap();
    }
    Ok(())
}

#[kernel_test]
pub fn a_dump_of_the_embedders_is_not_mixed_with_ours() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    for number in 0..40 {
        socket.create(&NewLink::macvlan(parent).name(name(&format!("mv{number}")))).unwrap();
    }
    let fd = twin(&socket);
    let dump = message(RTM_GETLINK, REQUEST | DUMP, 5, 0, &[]);
    send_to(&fd, 0, &dump).unwrap();
    // The kernel runs one dump a socket.
    let Partial { items, error } = socket.links(&ListLinks::new()).unwrap().collect().unwrap_err();
    assert!(items.is_empty() && error.is_busy(), "{error}, {items:?}");
    assert_eq!(socket.index_of("p0").unwrap(), parent);
    let mut tries = 0..100;
    let links = tries.find_map(|_| socket.links(&ListLinks::new()).unwrap().collect().ok());
    assert_eq!(links.expect("the embedder's dump ends some time").len(), 43);
    Ok(())
}

#[kernel_test]
pub fn a_socket_that_hears_events_is_not_confused_by_them() -> Result<(), Skip> {
    let mut other = socket();
    let mut socket = Socket::from_fd(listening()).unwrap();
    for round in 0..5 {
        works(&mut socket); // and hears what it does itself
        let index = other.create(&NewLink::veth(NewLink::peer()).name(name("v0"))).unwrap();
        assert_eq!(socket.index_of("v0").unwrap(), index, "round {round}");
        other.delete(index).unwrap();
        assert!(socket.index_of("v0").unwrap_err().is_no_device(), "round {round}");
    }
    Ok(())
}

#[kernel_test]
pub fn a_socket_is_not_inherited() -> Result<(), Skip> {
    let namespace = Netns::create().unwrap();
    for fd in [twin(socket()), twin(Socket::open_in(&namespace).unwrap()), namespace.into()] {
        let flags = FdFlag::from_bits_retain(fcntl(&fd, FcntlArg::F_GETFD).unwrap());
        assert!(flags.contains(FdFlag::FD_CLOEXEC));
    }
    let open = socket();
    let flags = FdFlag::from_bits_retain(fcntl(open.as_fd(), FcntlArg::F_GETFD).unwrap());
    assert!(flags.contains(FdFlag::FD_CLOEXEC));
    Ok(())
}

/// A process that opens and closes sockets, and counts its descriptors: alone, for a test's threads share theirs.
#[role]
fn opener() {
    let count = || fs::read_dir("/proc/self/fd").expect("descriptors").count();
    let before = count();
    let mut sockets: Vec<_> = (0..200).map(|_| Socket::open().expect("a socket")).collect();
    assert_eq!(count(), before + 200, "a socket is one descriptor");
    for socket in &mut sockets {
        assert_eq!(socket.index_of("lo").expect("lo").get(), 1);
        let _dropped = socket.links(&ListLinks::new()).expect("a list");
    }
    drop(sockets);
    let namespace = Netns::current().expect("a namespace");
    for _ in 0..50 {
        drop(Socket::open_in(&namespace).expect("a socket"));
        Socket::from_fd(File::open("/").expect("a directory").into()).expect_err("no socket");
        Socket::open_in(File::open("/").expect("a directory")).expect_err("no namespace");
        Netns::open("/").expect_err("no namespace");
        Netns::from_fd(File::open("/").expect("a directory").into()).expect_err("no namespace");
    }
    drop(namespace);
    assert_eq!(count(), before, "left open");
}

#[kernel_test]
pub fn two_hundred_sockets_leave_no_descriptor() -> Result<(), Skip> {
    let output = start("opener").wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    Ok(())
}
