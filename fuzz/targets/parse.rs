//! Whatever the kernel may send is read: nothing panics, nothing goes on for ever, and what is allocated is bounded by what
//! was sent.
//!
//! The first byte of the input says how the rest is wrapped: with its highest bit set it is a whole datagram, else the payload
//! of one message, whose type it chooses among those that something reads.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::hint::black_box;
use sublink::addr::AddressView;
use sublink::link::{Ipv4Setting, Ipv6Setting, KindInfo};
use sublink::neigh::{ForwardingEntry, NeighbourView};
use sublink::nsid::GetNsid;
use sublink::reply::Reply;
use sublink::request::RequestInfo;
use sublink::route::RouteView;
use sublink::wire::{Attributes, Message, Messages};
use sublink::{Error, LinkView};
use sublink_fuzz::{Bounds, bounded};

/// NEWLINK, DELLINK, NEWADDR, DELADDR, NEWROUTE, DELROUTE, ERROR, DONE, NEWNSID, GETLINK, SETLINK, NEWLINKPROP, NEWNEIGH,
/// DELNEIGH.
const TYPES: [u16; 14] = [16, 17, 20, 21, 24, 25, 2, 3, 88, 18, 19, 108, 28, 29];

/// The Debug text of an owned link is what takes most: up to 60 bytes for an entry of 4, and growing doubles it.
const BOUNDS: Bounds = Bounds { peak: (20_000, 400), total: (200_000, 3_000) };

fuzz_target!(|data: &[u8]| {
    let Some((how, rest)) = data.split_first() else { return };
    bounded(data.len(), &BOUNDS, || {
        if how & 0x80 != 0 {
            return datagram(rest);
        }
        let ty = TYPES[usize::from(how & 0x3f) % TYPES.len()];
        let flags = if how & 0x40 != 0 { 0x300 } else { 0x200 }; // NLM_F_ACK_TLVS, with NLM_F_CAPPED or without
        let length = u32::try_from(16 + rest.len()).expect("a short input");
        let head = [ty.to_ne_bytes(), u16::to_ne_bytes(flags)].concat();
        datagram(&[&length.to_ne_bytes(), &head[..], &[0; 8], rest].concat());
    });
});

fn datagram(bytes: &[u8]) {
    let mut messages = Messages::new(bytes);
    let mut left = bytes.len();
    while let Some(read) = messages.next() {
        assert!(messages.rest().len() < left, "no progress");
        left = messages.rest().len();
        match read {
            Ok(read) => {
                assert_eq!(16 + read.payload.len(), read.header.length as usize);
                message(read, bytes);
            }
            Err(malformed) => {
                assert_eq!(left, 0, "something is left behind what cannot be read");
                black_box(malformed.to_string());
            }
        }
    }
    black_box(RequestInfo::of(bytes).map(|info| format!("{info} {info:?}")));
}

fn message(message: Message<'_>, datagram: &[u8]) {
    match Reply::of(message) {
        Ok(Reply::Ack(ack) | Reply::Done(ack)) => {
            black_box((ack.text(), ack.offset(), ack.missing(), ack.policy()));
            let error = Error::refused(&ack, datagram);
            black_box(format!("{error} {error:?} {:?} {:?} {ack:?}", error.class(), error.subject()));
        }
        Ok(other) => drop(black_box(format!("{other:?}"))),
        Err(malformed) => drop(black_box(malformed.to_string())),
    }
    attributes(message.payload, 0);
    if let Some(view) = LinkView::of(message) {
        link(&view);
    }
    if let Some(view) = AddressView::of(message) {
        let owned = view.to_owned();
        assert_eq!((owned.index, owned.addr, owned.scope), (view.index(), view.addr(), view.scope()));
        black_box(format!("{view:?} {owned:?}"));
    }
    if let Some(view) = RouteView::of(message) {
        let owned = view.to_owned();
        assert_eq!((owned.destination, owned.is_onlink), (view.destination(), view.is_onlink()));
        let hops = view.next_hops().map_or(0, |hops| hops.iter().count());
        assert_eq!(owned.next_hops.as_deref().map_or(0, <[_]>::len), hops);
        black_box(format!("{view:?} {owned:?} {:?}", owned.link()));
    }
    if let Some(view) = NeighbourView::of(message) {
        let owned = view.to_owned();
        assert_eq!((owned.index, owned.addr, owned.state), (view.index(), view.addr(), view.state()));
        assert_eq!((owned.mac, owned.flags), (view.mac().mac(), view.flags()));
        assert!(ForwardingEntry::of(message).is_none());
        black_box(format!("{view:?} {owned:?}"));
    }
    black_box(ForwardingEntry::of(message).map(|entry| format!("{entry:?} {}", entry.is_own())));
    black_box(GetNsid::read(message));
}

/// Walks attributes as if all were nests.
fn attributes(bytes: &[u8], depth: usize) {
    let mut read = Attributes::new(bytes);
    let mut left = bytes.len();
    while let Some(attribute) = read.next() {
        assert!(read.rest().len() < left && 4 + attribute.value.len() <= left, "no progress");
        assert_eq!((bytes.len() - read.rest().len()) % 4 * read.rest().len(), 0, "the next one is not aligned");
        left = read.rest().len();
        if depth < 4 {
            attributes(attribute.value, depth + 1);
        }
    }
}

fn link(view: &LinkView<'_>) {
    let owned = view.to_owned();
    black_box(format!("{view:?} {owned:?} {} {} {}", view.name(), view.mac(), view.kind()));
    assert_eq!(owned.index, view.index());
    assert_eq!((owned.mtu, owned.parent, owned.mac), (view.mtu(), view.parent(), view.mac().mac()));
    assert_eq!(owned.alt_names.len(), view.alt_names().iter().count());
    assert!(view.if_name().as_bytes().len() <= 15);
    assert_eq!(owned.kind.name(), view.kind().name());
    let said = |view: &dyn std::fmt::Debug| !format!("{view:?}").is_empty();
    let is_same = match &owned.kind {
        KindInfo::Macvlan(info) => view.macvlan().is_some_and(|view| view.to_owned() == *info && said(&view)),
        KindInfo::Macvtap(info) => view.macvtap().is_some_and(|view| view.to_owned() == *info && said(&view)),
        KindInfo::Vlan(info) => view.vlan().is_some_and(|view| view.to_owned() == *info && said(&view)),
        KindInfo::Ipvlan(info) => view.ipvlan().is_some_and(|view| view.to_owned() == *info && said(&view)),
        _ => view.macvlan().is_none() && view.macvtap().is_none() && view.vlan().is_none() && view.ipvlan().is_none(),
    };
    assert!(is_same, "{owned:?}");
    black_box(view.settings().ipv4(Ipv4Setting::RP_FILTER));
    black_box((view.settings().ipv6(Ipv6Setting::ACCEPT_RA), view.settings().token));
}
