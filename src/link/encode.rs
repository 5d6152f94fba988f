//! How the requests that create and change links are written.
//!
//! ```text
//! nlmsghdr | ifinfomsg | IFLA_… of every link | IFLA_LINKINFO { IFLA_INFO_KIND = "macvlan"
//!                                                               IFLA_INFO_DATA { IFLA_MACVLAN_…, then the lists } }
//! ```
//!
//! The length of a list is not known when the library is compiled, so lists stand last, and everything before them is written
//! without a loop.

use super::{IfInfo, KindView, LinkView};
use crate::wire::{Attrs, Full, Header, NESTED, NoRoom, Out, head, header, message_length};

/// Bytes of `IFLA_INFO_KIND`, header and padding included.
const INFO_KIND: usize = 12;

/// A kind of link, and of a change: what stands in `IFLA_LINKINFO`.
pub(crate) trait Kind: Attrs {
    /// `IFLA_INFO_KIND` as it is sent; `None` if there is no `IFLA_LINKINFO`.
    const INFO: Option<[u8; INFO_KIND]>;
}

/// `IFLA_INFO_KIND`, an attribute of constant size: each of our kinds has 4 to 7 letters.
pub(super) const fn info_kind(name: &str) -> [u8; INFO_KIND] {
    let (mut attribute, mut name, [a, b, c, d]) =
        ([0; INFO_KIND], name.as_bytes(), head(5 + name.len(), KindView::IFLA_INFO_KIND));
    let [h0, h1, h2, h3, value @ ..] = &mut attribute;
    (*h0, *h1, *h2, *h3) = (a, b, c, d);
    let mut free: &mut [u8] = value;
    while let ([byte, after @ ..], [slot, left @ ..]) = (name, free) {
        *slot = *byte;
        (name, free) = (after, left);
    }
    assert!(name.is_empty());
    attribute
}

/// Writes a request. If the buffer has room for every attribute of constant size, the compiler leaves out the test before
/// each one; if it has less, the same code runs with all the tests.
#[inline(always)]
pub(super) fn encode<C: Attrs, K: Kind>(
    header: impl PutHeader,
    common: &C,
    kind: &K,
    buf: &mut [u8],
) -> Result<usize, NoRoom> {
    if buf.len() < ROOM_FOR_HEADERS + C::MAX + K::MAX {
        return encode_tight(header, common, kind, buf);
    }
    put(header, common, kind, buf)
}

#[cold]
fn encode_tight<C: Attrs, K: Kind>(
    header: impl PutHeader,
    common: &C,
    kind: &K,
    buf: &mut [u8],
) -> Result<usize, NoRoom> {
    put(header, common, kind, buf)
}

#[inline(always)]
fn put<C: Attrs, K: Kind>(header: impl PutHeader, common: &C, kind: &K, buf: &mut [u8]) -> Result<usize, NoRoom> {
    match put_all_but_lists(header, common, kind, buf) {
        Ok((len, None)) => Ok(len),
        Ok((len, Some(free))) => put_lists(common, kind, free, len),
        Err(Full) => Err(no_room(common, kind)),
    }
}

/// Writes `nlmsghdr` and `ifinfomsg`, without the length.
pub(super) trait PutHeader: FnOnce(Out<'_>) -> Result<Out<'_>, Full> {}
impl<F: FnOnce(Out<'_>) -> Result<Out<'_>, Full>> PutHeader for F {}

/// Writes front to back, so that nothing has to be kept, and each length when it is known. Returns the length of the whole
/// message and, if there are lists, the buffer behind it.
#[inline(always)]
fn put_all_but_lists<'b, C: Attrs, K: Kind>(
    header: impl PutHeader,
    common: &C,
    kind: &K,
    buf: &'b mut [u8],
) -> Result<(usize, Option<&'b mut [u8]>), Full> {
    let out = common.put(header(Out::new(buf))?)?;
    let Some(info_kind) = K::INFO else {
        return Ok((out.end()?.at(), None));
    };
    let info = out.at();
    let out = kind.put(out.skip(4).put(info_kind)?.skip(4))?;
    if !kind.has_lists() {
        let len = out.at();
        finish(out, info, len)?;
        return Ok((len, None));
    }
    let len = out.at() + kind.lists_len();
    if len > NoRoom::LARGEST {
        return Err(Full); // the length of a nest has 16 bits
    }
    Ok((len, Some(finish(out, info, len)?.rest()?)))
}

/// Writes the lengths of the message, of `IFLA_LINKINFO` and of `IFLA_INFO_DATA`, which end together.
#[inline(always)]
fn finish(out: Out<'_>, info: usize, len: usize) -> Result<Out<'_>, Full> {
    let data = info + 4 + INFO_KIND;
    out.set(info, head(len - info, NESTED | LinkView::IFLA_LINKINFO))?
        .set(data, head(len - data, NESTED | KindView::IFLA_INFO_DATA))?
        .set(0, message_length(len))
}

/// Writes the lists. They come last, so the caller has nothing to keep, and out of line, so that loops cost registers only in
/// requests with lists.
#[inline(never)]
fn put_lists<C: Attrs, K: Kind>(common: &C, kind: &K, free: &mut [u8], len: usize) -> Result<usize, NoRoom> {
    match kind.put_lists(free) {
        Ok(()) => Ok(len),
        Err(Full) => Err(no_room(common, kind)),
    }
}

#[cold]
fn no_room<C: Attrs, K: Kind>(common: &C, kind: &K) -> NoRoom {
    let info = if K::INFO.is_some() { 4 + INFO_KIND + 4 } else { 0 };
    NoRoom { needed: Header::SIZE + IfInfo::SIZE + common.room() + info + kind.room() }
}

/// `nlmsghdr` and `ifinfomsg`, `IFLA_LINKINFO`'s header, `IFLA_INFO_KIND`, `IFLA_INFO_DATA`'s header.
const ROOM_FOR_HEADERS: usize = Header::SIZE + IfInfo::SIZE + 4 + INFO_KIND + 4;

/// Writes `nlmsghdr` without its length, and `ifinfomsg`: a store for each word.
#[inline(always)]
pub(super) fn put_header(
    out: Out<'_>,
    ty: u16,
    nlm_flags: u16,
    seq: u32,
    index: u32,
    flags: u32,
    mask: u32,
) -> Result<Out<'_>, Full> {
    let [_, _, _, _, rest @ ..] = header(0, ty, nlm_flags, seq);
    out.skip(4).put(rest)?.put([0; 4])?.put(index.to_ne_bytes())?.put(flags.to_ne_bytes())?.put(mask.to_ne_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::{NewLink, VlanId};
    use crate::value::{IfIndex, IfName, MacAddr};
    use crate::wire::{Request, encoded};

    const INDEX: IfIndex = IfIndex(0x0102);

    #[test]
    fn every_length_of_buffer_gives_the_same_bytes_or_says_what_is_needed() {
        let senders = [MacAddr::new([2; 6]).unwrap(); 20];
        let link =
            NewLink::macvlan(INDEX).name(IfName::new("a-long-name-15b").unwrap()).mtu(1400).source(&senders).up();
        let bytes = encoded(&link);
        let vlan = NewLink::vlan(INDEX, VlanId::new(1).unwrap());
        for len in 0..=1024 {
            let mut buf = vec![0xa5; len];
            match link.encode(7, &mut buf) {
                Ok(written) => assert_eq!(buf[..written], bytes),
                Err(no_room) => assert!(len < no_room.needed && no_room.needed == bytes.len()),
            }
            assert_eq!(vlan.encode(7, &mut buf).is_ok(), len >= 68);
        }
    }

    #[test]
    fn a_nest_never_outgrows_its_sixteen_bits() {
        let mac = MacAddr::new([2; 6]).unwrap();
        let mut buf = vec![0; 200_000];
        for (senders, fits) in [(5_000, true), (5_454, true), (5_455, false), (5_461, false), (10_000, false)] {
            let senders = vec![mac; senders];
            let link = NewLink::macvlan(INDEX).source(&senders);
            match link.encode(1, &mut buf) {
                Ok(len) => assert!(fits && len <= NoRoom::LARGEST),
                Err(no_room) => assert!(!fits && no_room.needed > NoRoom::LARGEST, "{} {no_room}", senders.len()),
            }
        }
    }

    #[test]
    fn a_kind_is_padded_to_twelve_bytes() {
        assert_eq!(info_kind("vlan"), [9, 0, 1, 0, b'v', b'l', b'a', b'n', 0, 0, 0, 0]);
        assert!(KindView::of_request(&encoded(&NewLink::dummy())).is_some_and(|kind| kind == "dummy"));
    }
}
