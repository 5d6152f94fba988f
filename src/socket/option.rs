//! The options of a netlink socket (`man 7 netlink`, `man 7 socket`), each a type that nix reads or writes.

use nix::libc::{self, c_int};
use nix::sys::socket::{getsockopt, setsockopt};
use nix::{getsockopt_impl, setsockopt_impl, sockopt_impl};
use std::os::fd::AsFd;

sockopt_impl!(ExtendedAcks, SetOnly, libc::SOL_NETLINK, libc::NETLINK_EXT_ACK, bool);
sockopt_impl!(CappedAcks, SetOnly, libc::SOL_NETLINK, libc::NETLINK_CAP_ACK, bool);
sockopt_impl!(StrictChecks, SetOnly, libc::SOL_NETLINK, libc::NETLINK_GET_STRICT_CHK, bool);
sockopt_impl!(AddMembership, SetOnly, libc::SOL_NETLINK, libc::NETLINK_ADD_MEMBERSHIP, u32);
sockopt_impl!(Domain, GetOnly, libc::SOL_SOCKET, libc::SO_DOMAIN, c_int);
sockopt_impl!(Protocol, GetOnly, libc::SOL_SOCKET, libc::SO_PROTOCOL, c_int);
sockopt_impl!(ReceiveBuffer, GetOnly, libc::SOL_SOCKET, libc::SO_RCVBUF, c_int);
sockopt_impl!(NetnsCookie, GetOnly, libc::SOL_SOCKET, libc::SO_NETNS_COOKIE, u64);

/// Switches on what makes answers plain; a kernel without it is spoken to without it.
pub(super) fn set_all(fd: &impl AsFd) {
    let _ = setsockopt(fd, ExtendedAcks, &true);
    let _ = setsockopt(fd, CappedAcks, &true);
    let _ = setsockopt(fd, StrictChecks, &true);
}

/// Hears of the events of a group.
pub(super) fn join(fd: &impl AsFd, group: u32) -> nix::Result<()> {
    setsockopt(fd, AddMembership, &group)
}

/// Whether it is a netlink socket of the protocol NETLINK_ROUTE.
pub(super) fn is_route_socket(fd: &impl AsFd) -> bool {
    getsockopt(fd, Domain) == Ok(libc::AF_NETLINK) && getsockopt(fd, Protocol) == Ok(libc::NETLINK_ROUTE)
}

/// The number of the socket's network namespace. No other has it until the machine restarts.
pub(super) fn netns_cookie(fd: &impl AsFd) -> Option<u64> {
    getsockopt(fd, NetnsCookie).ok()
}

/// The size of the receive buffer in bytes, as the kernel counts them.
pub(super) fn receive_buffer(fd: &impl AsFd) -> Option<usize> {
    getsockopt(fd, ReceiveBuffer).ok().and_then(|bytes| usize::try_from(bytes).ok())
}
