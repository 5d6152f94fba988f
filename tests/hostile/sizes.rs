//! Attributes of a wrong size: 0 to 9 bytes for each number that the library knows. Only that field is spoilt.

use crate::corpus::{attribute, link, link_info};
use crate::read;
use sublink::LinkView;
use sublink::link::{IpvlanView, MacvlanView, MacvtapView, VlanView};
use sublink::wire::{Messages, Row};

/// An attribute with a good value, and how its field reads.
struct Field {
    number: u16,
    /// Bytes that it takes; `None` if any number will do.
    size: Option<usize>,
    good: &'static [u8],
    read: fn(&LinkView<'_>) -> String,
}

macro_rules! fields {
    ($($number:literal $size:expr, $good:expr, $view:ident: $read:expr;)*) => {
        &[$(Field { number: $number, size: $size, good: $good, read: |$view| format!("{:?}", $read) }),*]
    };
}

const LINK: &[Field] = fields! {
    1 None, &[2, 0, 0, 0, 0, 7], view: view.mac();
    2 Some(6), &[0xff; 6], view: view.broadcast();
    3 None, b"eth0\0", view: view.name();
    4 Some(4), &[1, 5, 0, 0], view: view.mtu();
    5 Some(4), &[2, 5, 0, 0], view: view.parent();
    6 None, b"noqueue\0", view: view.qdisc();
    10 Some(4), &[3, 5, 0, 0], view: view.master();
    13 Some(4), &[4, 5, 0, 0], view: view.txqlen();
    16 Some(1), &[6], view: view.oper_state();
    17 Some(1), &[1], view: view.link_mode();
    20 None, b"an alias", view: view.alias();
    23 None, &[1, 0, 0, 0, 0, 0, 0, 0], view: view.stats();
    26 None, &[12, 0, 10, 0, 5, 0, 8, 0, 1, 0, 0, 0], view: view.settings();
    27 Some(4), &[5, 5, 0, 0], view: view.group();
    30 Some(4), &[6, 5, 0, 0], view: view.promiscuity();
    31 Some(4), &[7, 5, 0, 0], view: view.tx_queues();
    32 Some(4), &[8, 5, 0, 0], view: view.rx_queues();
    33 Some(1), &[1], view: view.carrier();
    34 None, &[1, 2, 3], view: view.physical_port_id();
    35 Some(4), &[9, 5, 0, 0], view: view.carrier_changes();
    36 None, &[4, 5, 6], view: view.physical_switch_id();
    37 Some(4), &[10, 5, 0, 0], view: view.parent_netnsid();
    38 None, b"p0\0", view: view.physical_port_name();
    39 Some(1), &[1], view: view.proto_down();
    40 Some(4), &[11, 5, 0, 0], view: view.gso_max_segs();
    41 Some(4), &[12, 5, 0, 0], view: view.gso_max_size();
    46 Some(4), &[13, 5, 0, 0], view: view.netnsid();
    47 Some(4), &[17, 5, 0, 0], view: view.carrier_up_count();
    48 Some(4), &[18, 5, 0, 0], view: view.carrier_down_count();
    49 Some(4), &[14, 5, 0, 0], view: view.new_index();
    50 Some(4), &[15, 5, 0, 0], view: view.min_mtu();
    51 Some(4), &[16, 5, 0, 0], view: view.max_mtu();
    52 None, &[7, 0, 53, 0, b'a', b'b', 0, 0], view: view.alt_names();
    54 None, &[2, 0, 0, 0, 0, 8], view: view.permanent_address();
    55 None, &[8, 0, 2, 0, 1, 0, 0, 0], view: view.proto_down_reason();
    56 None, b"0000:01:00.0\0", view: view.parent_device();
    57 None, b"pci\0", view: view.parent_device_bus();
    58 Some(4), &[19, 5, 0, 0], view: view.gro_max_size();
    59 Some(4), &[20, 5, 0, 0], view: view.tso_max_size();
    60 Some(4), &[21, 5, 0, 0], view: view.tso_max_segs();
    61 Some(4), &[22, 5, 0, 0], view: view.allmulti();
    62 None, &[6, 0, 1, 0, b'a', 0, 0, 0, 6, 0, 2, 0, b'b', 0, 0, 0, 8, 0, 3, 0, 7, 0, 0, 0], view: view.devlink_port();
    63 Some(4), &[23, 5, 0, 0], view: view.gso_ipv4_max_size();
    64 Some(4), &[24, 5, 0, 0], view: view.gro_ipv4_max_size();
    66 None, &[25, 5, 0, 0, 1, 0, 0, 0], view: view.max_pacing_offload_horizon();
    67 Some(1), &[1], view: view.netns_immutable();
    68 Some(2), &[26, 5], view: view.headroom();
    69 Some(2), &[27, 5], view: view.tailroom();
};

macro_rules! macvlan_fields {
    ($kind:ident) => {
        fields! {
            1 Some(4), &[4, 0, 0, 0], view: view.$kind().unwrap().mode();
            2 Some(2), &[1, 0], view: view.$kind().unwrap().flags();
            5 None, &[10, 0, 4, 0, 2, 0, 0, 0, 0, 1, 0, 0], view: view.$kind().unwrap().macaddrs();
            6 Some(4), &[1, 0, 0, 0], view: view.$kind().unwrap().macaddr_count();
            7 Some(4), &[2, 5, 0, 0], view: view.$kind().unwrap().bc_queue_len();
            8 Some(4), &[3, 5, 0, 0], view: view.$kind().unwrap().bc_queue_len_used();
            9 Some(4), &[0xff; 4], view: view.$kind().unwrap().bc_cutoff();
        }
    };
}

/// A kind with its fields, its rows, and those of its numbers that are never read.
type Kind = (&'static str, &'static [Field], &'static [Row], &'static [u16]);

const KINDS: &[Kind] = &[
    ("macvlan", macvlan_fields!(macvlan), MacvlanView::ROWS, &[3, 4]),
    ("macvtap", macvlan_fields!(macvtap), MacvtapView::ROWS, &[3, 4]),
    (
        "vlan",
        fields! {
            1 Some(2), &[50, 0], view: view.vlan().unwrap().id();
            2 Some(8), &[1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff], view: view.vlan().unwrap().flags();
            3 None, &[12, 0, 1, 0, 1, 0, 0, 0, 2, 0, 0, 0], view: view.vlan().unwrap().egress_qos();
            4 None, &[12, 0, 1, 0, 3, 0, 0, 0, 4, 0, 0, 0], view: view.vlan().unwrap().ingress_qos();
            5 Some(2), &[0x88, 0xa8], view: view.vlan().unwrap().protocol();
        },
        VlanView::ROWS,
        &[],
    ),
    (
        "ipvlan",
        fields! {
            1 Some(2), &[2, 0], view: view.ipvlan().unwrap().mode();
            2 Some(2), &[1, 0], view: view.ipvlan().unwrap().flag();
        },
        IpvlanView::ROWS,
        &[],
    ),
];

/// The attributes of all fields, with another value, or none at all, for one of them.
fn attributes(fields: &[Field], instead: Option<(u16, Option<&[u8]>)>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for field in fields {
        match instead {
            Some((number, value)) if number == field.number => {
                bytes.extend(value.map(|value| attribute(number, value)).unwrap_or_default());
            }
            _ => bytes.extend(attribute(field.number, field.good)),
        }
    }
    bytes
}

/// How all fields read.
fn readings(fields: &[&[Field]], bytes: &[u8]) -> Vec<(u16, String)> {
    read::everything(bytes);
    let view = LinkView::of(Messages::new(bytes).next().unwrap().unwrap()).unwrap();
    fields.iter().flat_map(|fields| fields.iter()).map(|field| (field.number, (field.read)(&view))).collect()
}

/// Spoils each of `fields`, with which `build` makes a message; `all` is what is read of it.
fn spoil_each(what: &str, fields: &[Field], all: &[&[Field]], build: impl Fn(&[u8]) -> Vec<u8>) {
    let good = readings(all, &build(&attributes(fields, None)));
    let base = all.len() - 1; // `fields` are the last of `all`
    let first = all[..base].iter().map(|fields| fields.len()).sum::<usize>();
    for (position, Field { number, size, good: value, .. }) in fields.iter().enumerate() {
        let mut absent = good.clone();
        absent[first + position] =
            readings(all, &build(&attributes(fields, Some((*number, None))))).swap_remove(first + position);
        assert_ne!(absent, good, "{what} {number}: its good value reads like none");
        for length in 0..=9 {
            let spoilt: Vec<_> = value.iter().copied().chain([0xee; 9]).take(length).collect();
            let mut read = readings(all, &build(&attributes(fields, Some((*number, Some(&spoilt))))));
            match size {
                Some(size) if length < *size => assert_eq!(read, absent, "{what} {number} with {length} bytes"),
                Some(_) => assert_eq!(read, good, "{what} {number} with {length} bytes"),
                None => {
                    read[first + position].clone_from(&good[first + position]);
                    assert_eq!(read, good, "{what} {number} with {length} bytes spoilt another");
                }
            }
        }
    }
}

#[test]
fn an_attribute_of_a_link_spoils_only_itself() {
    let info = link_info("macvlan", &attributes(KINDS[0].1, None));
    for in_front in [true, false] {
        let build = |fields: &[u8]| link(&if in_front { [fields, &info].concat() } else { [&info, fields].concat() });
        spoil_each("link", LINK, &[KINDS[0].1, LINK], build);
    }
}

#[test]
fn an_attribute_of_a_kind_spoils_only_itself() {
    let common = attributes(LINK, None);
    for (kind, fields, ..) in KINDS {
        spoil_each(kind, fields, &[LINK, fields], |data| link(&[&common[..], &link_info(kind, data)].concat()));
    }
}

#[test]
fn a_spoilt_kind_spoils_only_the_kind() {
    let common = attributes(LINK, None);
    let good = readings(&[LINK], &link(&common));
    for length in 0..=9 {
        for byte in [0, 1, 4, 5, 9, 0x80, 0xff] {
            let bytes = link(&[&attribute(18, &[byte; 9][..length])[..], &common].concat());
            assert_eq!(readings(&[LINK], &bytes), good, "{length} bytes of {byte:#x}");
        }
    }
}

#[test]
fn every_known_number_is_in_these_tables() {
    let check = |what: &str, rows: &[Row], fields: &[Field], unread: &[u16]| {
        for Row { number, name, .. } in rows {
            let is_here = fields.iter().any(|field| field.number == *number);
            assert!(is_here || unread.contains(number), "{what}: {name} has no row here");
        }
        assert_eq!(rows.len(), fields.len() + unread.len(), "{what}: a row too many");
    };
    check("link", LinkView::ROWS, LINK, &[18, 28]); // the kind has a test of its own; a namespace is never reported
    for (kind, fields, rows, unread) in KINDS {
        check(kind, rows, fields, unread);
    }
}

#[test]
fn an_entry_of_a_wrong_size_is_left_out_and_the_others_stay() {
    let sender = attribute(4, &[2, 0, 0, 0, 0, 1]);
    let mapping = attribute(1, &[1, 0, 0, 0, 2, 0, 0, 0]);
    let name = attribute(53, b"good\0");
    for length in 0..=9 {
        let senders = [&sender[..], &attribute(4, &[2; 9][..length]), &sender].concat();
        let bytes = link(&link_info("macvlan", &attribute(5, &senders)));
        let view = LinkView::of(Messages::new(&bytes).next().unwrap().unwrap()).unwrap();
        let count = view.macvlan().unwrap().macaddrs().unwrap().count();
        assert_eq!(count, if length < 6 { 2 } else { 3 }, "a sender of {length} bytes");

        let mappings = [&mapping[..], &attribute(1, &[2; 9][..length]), &mapping].concat();
        let bytes = link(&link_info("vlan", &attribute(4, &mappings)));
        let view = LinkView::of(Messages::new(&bytes).next().unwrap().unwrap()).unwrap();
        let count = view.vlan().unwrap().ingress_qos().unwrap().count();
        assert_eq!(count, if length < 8 { 2 } else { 3 }, "a mapping of {length} bytes");

        let names = [&name[..], &attribute(54, &[2; 9][..length]), &name].concat();
        let bytes = link(&attribute(52, &names));
        let view = LinkView::of(Messages::new(&bytes).next().unwrap().unwrap()).unwrap();
        assert!(view.alt_names().iter().eq([&b"good"[..]; 2].map(|_| view.alt_names().iter().next().unwrap())));
    }
}

#[test]
fn an_entry_of_another_number_is_left_out_and_the_others_stay() {
    let (sender, mapping) = ([2, 0, 0, 0, 0, 1], [1, 0, 0, 0, 2, 0, 0, 0]);
    for number in 0..=9 {
        let senders = [attribute(4, &sender), attribute(number, &sender), attribute(4, &sender)].concat();
        let bytes = link(&link_info("macvlan", &attribute(5, &senders)));
        let view = LinkView::of(Messages::new(&bytes).next().unwrap().unwrap()).unwrap();
        let count = view.macvlan().unwrap().macaddrs().unwrap().count();
        assert_eq!(count, if number == 4 { 3 } else { 2 }, "a sender of number {number}");

        let mappings = [attribute(1, &mapping), attribute(number, &mapping), attribute(1, &mapping)].concat();
        let bytes = link(&link_info("vlan", &[attribute(3, &mappings), attribute(4, &mappings)].concat()));
        let view = LinkView::of(Messages::new(&bytes).next().unwrap().unwrap()).unwrap();
        let vlan = view.vlan().unwrap();
        let counts = [vlan.egress_qos().unwrap().count(), vlan.ingress_qos().unwrap().count()];
        assert_eq!(counts, if number == 1 { [3, 3] } else { [2, 2] }, "a mapping of number {number}");
    }
}
