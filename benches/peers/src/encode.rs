//! W1 and W2: each encoder builds its request from the same values and makes bytes of it, in memory that it keeps if its
//! design lets it.

use crate::measure::{Sink, Way, Work};
use crate::peers::{self, Macvlan, Vlan, bindings, neli, nlink, packet_route, rtnetlink};
use crate::work::kernel::encoded;
use crate::work::{MacvlanWork, VlanWork};
use netlink_packet_route::link::LinkMessage;
use std::fs::File;
use std::hint::black_box;
use std::os::fd::AsRawFd;
use sublink::Request;
use sublink::wire::{Attributes, Messages};

pub fn macvlan() -> Work {
    // Any open file: nothing is sent.
    let file: &'static File = Box::leak(Box::new(File::open("/dev/null").unwrap()));
    let ours: &'static MacvlanWork = Box::leak(Box::new(black_box(MacvlanWork::new(file))));
    let theirs: &'static Macvlan = Box::leak(Box::new(Macvlan::new(file.as_raw_fd())));
    let (floor, mut buf) = (encoded(&ours.link()), Vec::new());
    let ways = vec![
        Way::new("sublink", encode(move || ours.link())),
        Way::new("netlink-bindings, macvlan by hand", move |sink| bindings::macvlan(theirs, &mut buf, sink)),
        Way::new("nlink's MessageBuilder", |sink| nlink::macvlan(theirs, sink)),
        Way::new("neli", |sink| neli::macvlan(theirs, sink)),
        Way::new("netlink-packet-route", emit(|| packet_route::macvlan(theirs))),
        Way::new("rtnetlink", emit(|| rtnetlink::macvlan(theirs))),
        Way::new("memcpy", copy(floor)),
    ];
    checked(Work::of_bytes("w1", "W1, a macvlan of 8 properties", 1000, ways))
}

pub fn vlan() -> Work {
    let ours = black_box(VlanWork::new());
    let theirs: &'static Vlan = Box::leak(Box::new(Vlan::new()));
    let (floor, mut buf) = (encoded(&ours.link()), Vec::new());
    let ours: &'static VlanWork = Box::leak(Box::new(ours));
    let ways = vec![
        Way::new("sublink", encode(|| ours.link())),
        Way::new("netlink-bindings", move |sink| bindings::vlan(theirs, &mut buf, sink)),
        Way::new("nlink's MessageBuilder", |sink| nlink::vlan(theirs, sink)),
        Way::new("neli", |sink| neli::vlan(theirs, sink)),
        Way::new("netlink-packet-route", emit(|| packet_route::vlan(theirs))),
        Way::new("rtnetlink", emit(|| rtnetlink::vlan(theirs))),
        Way::new("memcpy", copy(floor)),
    ];
    checked(Work::of_bytes("w2", "W2, a VLAN with 2 + 2 priorities", 1000, ways))
}

fn encode<R: Request>(build: impl Fn() -> R) -> impl FnMut(Sink<'_>) {
    let mut buf = vec![0; 512];
    move |sink| {
        let len = build().encode(peers::SEQ, &mut buf).unwrap();
        sink(&buf[..len]);
    }
}

fn emit(build: impl Fn() -> LinkMessage) -> impl FnMut(Sink<'_>) {
    let mut buf = vec![0; 512];
    move |sink| packet_route::emit(build(), &mut buf, sink)
}

fn copy(bytes: Vec<u8>) -> impl FnMut(Sink<'_>) {
    let (bytes, mut buf) = (black_box(bytes), vec![0; 512]);
    move |sink| {
        let to = &mut buf[..bytes.len()];
        to.copy_from_slice(&bytes);
        sink(to);
    }
}

/// Every way must say the same before it is timed.
fn checked(mut work: Work) -> Work {
    let mut first = None;
    for way in &mut work.ways {
        (way.run)(&mut |bytes| {
            let said = meaning(bytes);
            let expected = first.get_or_insert_with(|| said.clone());
            assert_eq!(said, *expected, "{}: {}", work.what, way.name);
        });
    }
    work
}

/// An attribute's numbers, from the outermost nest on, and its value.
type Said = (Vec<u16>, Vec<u8>);

/// What a request says: type and flags, `ifinfomsg`, and each attribute by its path, without padding and the end of strings,
/// in no order, whether or not nests are flagged as such.
fn meaning(bytes: &[u8]) -> (u16, u16, Vec<u8>, Vec<Said>) {
    let message = Messages::new(bytes).next().unwrap().unwrap();
    let (ifinfomsg, attributes) = message.payload.split_at(16);
    let mut said = Vec::new();
    collect(attributes, &[], &mut said);
    said.sort();
    (message.header.ty, message.header.flags, ifinfomsg.to_vec(), said)
}

fn collect(attributes: &[u8], path: &[u16], said: &mut Vec<Said>) {
    for attribute in Attributes::new(attributes) {
        let path = [path, &[attribute.number]].concat();
        match path[..] {
            // IFLA_LINKINFO, IFLA_INFO_DATA, and a VLAN's two maps
            [18] | [18, 2] | [18, 2, 3 | 4] => collect(attribute.value, &path, said),
            // IFLA_IFNAME, IFLA_INFO_KIND
            [3] | [18, 1] => said.push((path, attribute.value.split(|byte| *byte == 0).next().unwrap().to_vec())),
            _ => said.push((path, attribute.value.to_vec())),
        }
    }
}
