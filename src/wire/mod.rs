//! Bytes: what a netlink message looks like, how one is written and how one is read.
//!
//! ```text
//!          0        4      6      8        12       16
//! message  | length | type | flags | sequence | port | payload …                  (nlmsghdr)
//!                                                     | ifinfomsg | attributes …   (a link)
//!          0        2      4
//! attribute| length | type | value … | padding to a multiple of 4                  (nlattr)
//! nest     | length | type | attribute | attribute | …
//! ```
//!
//! Lengths count their header but not the padding. Everything has the host's byte order unless an attribute says
//! otherwise (`IFLA_VLAN_PROTOCOL`). An attribute's length has 16 bits, so nothing in it, nests included, is longer than
//! 65,535 bytes. Two bits of the type are flags: `NLA_F_NESTED` and `NLA_F_NET_BYTEORDER`.
//!
//! This module knows bytes only: no sockets and no policy. Writing and reading allocate nothing; owned copies and
//! comparisons do. Sources: `man 7 netlink`,
//! `include/uapi/linux/netlink.h`, `include/net/netlink.h`.

mod compare;
mod decode;
mod encode;
mod request;
mod row;
pub(crate) mod table;

pub use decode::{Attribute, Attributes, Entries, Header, Malformed, Message, Messages};
pub use encode::NoRoom;
pub use request::{Command, Request};
#[doc(hidden)] // for tests
pub use row::{Inside, Row};

pub(crate) use compare::{Compare, CompareRows, Mismatch, compare_as_printed, mismatch};
pub(crate) use decode::{FromWire, Get, Index};
pub(crate) use encode::{Attrs, Entry, Fixed, Full, Mask, Out, Put, fixed, list_len, measured, padded, put_list};
#[cfg(test)]
pub(crate) use request::encoded;
pub(crate) use request::sealed::Sealed;
pub(crate) use row::{Body, name_at};
pub(crate) use table::table;

use netlink_packet_core::NLM_F_REQUEST;

/// The flag in an attribute's type which says that its value is attributes (`NLA_F_NESTED`).
pub(crate) const NESTED: u16 = 0x8000;
/// The bits of an attribute's type that are its number (`NLA_TYPE_MASK`).
const NUMBER: u16 = 0x3fff;

/// Rounds up to the next multiple of four (`NLMSG_ALIGN`, `NLA_ALIGN`).
#[inline]
pub(crate) const fn align(len: usize) -> usize {
    (len + 3) & !3
}

/// The length at the front of a message. `len` is at most [`NoRoom::LARGEST`].
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "`len` has 16 bits")]
pub(crate) const fn message_length(len: usize) -> [u8; 4] {
    (len as u32).to_ne_bytes()
}

/// The header of a request to the kernel (`struct nlmsghdr`). The kernel's port is 0.
#[inline(always)]
pub(crate) const fn header(len: usize, ty: u16, flags: u16, seq: u32) -> [u8; Header::SIZE] {
    let [l0, l1, l2, l3] = message_length(len);
    let [t0, t1] = ty.to_ne_bytes();
    let [f0, f1] = (NLM_F_REQUEST | flags).to_ne_bytes();
    let [s0, s1, s2, s3] = seq.to_ne_bytes();
    [l0, l1, l2, l3, t0, t1, f0, f1, s0, s1, s2, s3, 0, 0, 0, 0]
}

/// An attribute's header. `len` has at most 16 bits: the caller checks it when it adds up a nest.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "`len` has 16 bits")]
pub(crate) const fn head(len: usize, ty: u16) -> [u8; 4] {
    let (len, ty) = (len as u32, ty as u32);
    if cfg!(target_endian = "little") { (ty << 16) | len } else { (len << 16) | ty }.to_ne_bytes()
}

/// The length and type of an attribute's header.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "each is a half of the word")]
const fn unhead(head: [u8; 4]) -> (usize, u16) {
    let word = u32::from_ne_bytes(head);
    let (low, high) = (word as u16, (word >> 16) as u16);
    let (len, ty) = if cfg!(target_endian = "little") { (low, high) } else { (high, low) };
    (len as usize, ty)
}
