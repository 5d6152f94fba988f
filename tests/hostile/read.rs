//! Reading bytes in every way that the library offers.

use std::hint::black_box;
use sublink::error::KernelError;
use sublink::link::KindInfo;
use sublink::reply::{Ack, Reply};
use sublink::request::RequestInfo;
use sublink::wire::{Attributes, Message, Messages};
use sublink::{Error, LinkView};

/// Reads a datagram in every way. Each step must bring it nearer to the end, so nothing goes on for ever.
pub fn everything(datagram: &[u8]) {
    let mut messages = Messages::new(datagram);
    let mut left = datagram.len();
    while let Some(read) = messages.next() {
        assert!(messages.rest().len() < left, "no progress at {left} bytes before the end");
        left = messages.rest().len();
        match read {
            Ok(message) => one(message, datagram),
            Err(malformed) => {
                assert_eq!(left, 0, "something was read behind what cannot be read");
                black_box(malformed.to_string());
            }
        }
    }
    black_box(RequestInfo::of(datagram).map(|info| format!("{info} {info:?}")));
}

fn one(message: Message<'_>, datagram: &[u8]) {
    match Reply::of(message) {
        Ok(Reply::Ack(ack) | Reply::Done(ack)) => outcome(&ack, datagram),
        Ok(other) => drop(black_box(format!("{other:?}"))),
        Err(malformed) => drop(black_box(malformed.to_string())),
    }
    attributes(message.payload.get(16..).unwrap_or_default(), 0);
    if let Some(view) = LinkView::of(message) {
        link(&view);
    }
}

/// An outcome, as the answer to `request`.
pub fn outcome(ack: &Ack<'_>, request: &[u8]) {
    black_box((ack.errno(), ack.text(), ack.offset(), ack.missing(), ack.policy()));
    let error = KernelError::new(ack, request);
    black_box(format!("{ack:?} {error} {error:?}"));
    let error = Error::from(error);
    black_box(format!("{error} {:?}", error.raw_os_error()));
}

/// Walks attributes as if all were nests.
fn attributes(bytes: &[u8], depth: usize) {
    let mut attributes_here = Attributes::new(bytes);
    let mut left = bytes.len();
    while let Some(attribute) = attributes_here.next() {
        assert!(attributes_here.rest().len() < left, "no progress at {left} bytes before the end");
        left = attributes_here.rest().len();
        if depth < 8 {
            attributes(attribute.value, depth + 1);
        }
    }
}

/// Calls every getter, by printing the view, and compares the owned copy with it.
pub fn link(view: &LinkView<'_>) {
    let owned = view.to_owned();
    black_box(format!("{view:?} {owned:?} {} {} {}", view.name(), view.mac(), view.kind()));
    black_box(view.alt_names().iter().count());
    assert_eq!(owned.index, view.index());
    assert_eq!((owned.mtu, owned.parent, owned.mac), (view.mtu(), view.parent(), view.mac().mac()));
    let info = &owned.kind;
    assert_eq!(info.name(), view.kind().name());
    let said = |view: &dyn std::fmt::Debug| !black_box(format!("{view:?}")).is_empty();
    let agrees = match info {
        KindInfo::Macvlan(info) => view.macvlan().is_some_and(|view| view.to_owned() == *info && said(&view)),
        KindInfo::Macvtap(info) => view.macvtap().is_some_and(|view| view.to_owned() == *info && said(&view)),
        KindInfo::Vlan(info) => view.vlan().is_some_and(|view| view.to_owned() == *info && said(&view)),
        KindInfo::Ipvlan(info) => view.ipvlan().is_some_and(|view| view.to_owned() == *info && said(&view)),
        _ => [view.macvlan().is_none(), view.macvtap().is_none(), view.vlan().is_none()].iter().all(|none| *none),
    };
    assert!(agrees, "{info:?}");
}

/// Runs `work`, and says which bytes it was when it panics.
pub fn or_say(what: impl std::fmt::Display, work: impl FnOnce() + std::panic::UnwindSafe) {
    if let Err(panic) = std::panic::catch_unwind(work) {
        eprintln!("the bytes were: {what}");
        std::panic::resume_unwind(panic);
    }
}
