//! What the library does not know survives: attributes, values, names that are not UTF-8.

use crate::corpus::{Sample, attribute, link, link_info, links};
use crate::read;
use sublink::link::{AddrGenMode, IpvlanFlag, IpvlanMode, KindInfo, MacvlanFlags, OperState, VlanProtocol};
use sublink::value::Name;
use sublink::wire::{Attributes, Messages};
use sublink::{LinkView, MacvlanMode};

/// The link in a message, after everything else has been read of it too.
fn view(bytes: &[u8]) -> LinkView<'_> {
    read::everything(bytes);
    LinkView::of(Messages::new(bytes).next().unwrap().unwrap()).unwrap()
}

fn with_link(bytes: &[u8], look: impl FnOnce(LinkView<'_>)) {
    look(view(bytes));
}

#[test]
fn unknown_attributes_change_nothing_and_are_there_for_who_asks() {
    for Sample { name, bytes } in links() {
        let known = view(&bytes).to_owned();
        for number in [0, 42, 70, 127, 200, 1000, 0x3fff] {
            let unknown = attribute(number, &[0xee; 7]);
            let attributes = [&unknown[..], &bytes[32..], &unknown].concat();
            let mut more = [&bytes[..32], &attributes].concat();
            crate::corpus::set_length(&mut more);
            assert_eq!(view(&more).to_owned(), known, "{name} with attribute {number}");
            let found = Attributes::new(&more[32..]).filter(|a| a.number == number && a.value == [0xee; 7]).count();
            assert_eq!(found, 2, "{name} with attribute {number}");
        }
    }
}

#[test]
fn the_flags_of_an_attributes_type_change_nothing() {
    for Sample { name, bytes } in links() {
        let known = view(&bytes).to_owned();
        for flags in [0x40, 0x80, 0xc0] {
            let (mut flagged, mut at) = (bytes.clone(), 32);
            while at + 4 <= bytes.len() {
                flagged[at + 3] |= flags;
                at += usize::from(u16::from_ne_bytes([bytes[at], bytes[at + 1]])).next_multiple_of(4);
            }
            assert_eq!(view(&flagged).to_owned(), known, "{name} with {flags:#x}");
        }
    }
}

#[test]
fn the_last_of_several_counts_as_in_the_kernel() {
    for spoilt in [&[][..], &[1], &[9, 0, 0, 0]] {
        let bytes = link(&[attribute(4, spoilt), attribute(4, &[7, 0, 0, 0])].concat());
        assert_eq!(view(&bytes).mtu(), 7);
    }
}

#[test]
fn unknown_values_are_their_numbers() {
    let macvlan =
        link(&link_info("macvlan", &[attribute(1, &64u32.to_ne_bytes()), attribute(2, &[0xf0, 0xff])].concat()));
    with_link(&macvlan, |link| {
        let macvlan = link.macvlan().unwrap();
        assert_eq!(macvlan.mode(), Some(MacvlanMode::Other(64)));
        assert_eq!(macvlan.mode().unwrap().to_string(), "64");
        assert_eq!(macvlan.flags().map(MacvlanFlags::bits), Some(0xfff0));
        assert!(matches!(link.to_owned().kind, KindInfo::Macvlan(owned) if owned.mode == Some(MacvlanMode::Other(64))));
    });
    let vlan = link(&link_info("vlan", &[attribute(5, &[0x91, 0]), attribute(2, &[0xff; 8])].concat()));
    with_link(&vlan, |link| {
        let vlan = link.vlan().unwrap();
        assert_eq!(vlan.protocol(), Some(VlanProtocol::Other(0x9100)));
        assert_eq!(vlan.flags().bits(), u32::MAX);
    });
    let ipvlan = link(&link_info("ipvlan", &[attribute(1, &[7, 1]), attribute(2, &[8, 1])].concat()));
    with_link(&ipvlan, |link| {
        let ipvlan = link.ipvlan().unwrap();
        assert_eq!((ipvlan.mode(), ipvlan.flag()), (Some(IpvlanMode::Other(0x107)), Some(IpvlanFlag::Other(0x108))));
    });
    let settings = attribute(26, &attribute(10, &attribute(8, &[99])));
    with_link(&link(&[attribute(16, &[200]), settings].concat()), |link| {
        assert_eq!(link.oper_state(), OperState::Other(200));
        assert_eq!(link.settings().addr_gen_mode, Some(AddrGenMode::Other(99)));
    });
}

#[test]
fn values_that_cannot_be_are_as_if_absent() {
    for index in [0, 1 << 31, u32::MAX] {
        let bytes = link(&[5, 10, 49].map(|number| attribute(number, &index.to_ne_bytes())).concat());
        with_link(&bytes, |link| assert_eq!((link.parent(), link.master(), link.new_index()), (None, None, None)));
        let mut bytes = link(&[]);
        bytes[20..24].copy_from_slice(&index.to_ne_bytes());
        assert!(LinkView::of(Messages::new(&bytes).next().unwrap().unwrap()).is_none(), "a link with index {index}");
    }
    for id in [4095u16, 4096, 0xffff] {
        let bytes = link(&link_info("vlan", &attribute(1, &id.to_ne_bytes())));
        with_link(&bytes, |link| assert_eq!(link.vlan().unwrap().id(), None));
    }
    let senders = [[0; 6], [0xff; 6], [1, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 1]].map(|mac| attribute(4, &mac)).concat();
    with_link(&link(&link_info("macvlan", &attribute(5, &senders))), |link| {
        assert_eq!(link.macvlan().unwrap().macaddrs().unwrap().count(), 1);
    });
}

#[test]
fn unknown_kinds_keep_their_names() {
    for kind in ["wireguard", "macvlan2", "macvla", "VLAN", "\u{1b}[2J"] {
        with_link(&link(&link_info(kind, &[0xff; 20])), |link| {
            assert_eq!(link.kind(), kind);
            assert_eq!(link.to_owned().kind, KindInfo::Other(kind.as_bytes().into()));
            assert!(link.macvlan().is_none() && link.vlan().is_none());
        });
    }
    let no_name = link(&attribute(18, &attribute(2, &attribute(1, &[4, 0, 0, 0]))));
    with_link(&no_name, |link| assert_eq!(link.to_owned().kind, KindInfo::None));
}

#[test]
fn names_need_not_be_text_and_never_reach_a_terminal_raw() {
    for (name, printed) in [
        (&b"\xff\xfeeth\xc3"[..], "\\xff\\xfeeth\\xc3"),
        (b"\x1b]0;x\x07", "\\u{1b}]0;x\\u{7}"),
        ("gr\u{f6}\u{df}e".as_bytes(), "gr\u{f6}\u{df}e"),
        ("\u{9b}2J".as_bytes(), "\\u{9b}2J"),
        (b"a\0b", "a\\0b"),
        ("\u{202e}x".as_bytes(), "\\u{202e}x"),
        (b"back\\slash", "back\\\\slash"),
        (b"", ""),
    ] {
        let terminated = [name, &[0]].concat();
        let names = attribute(52, &[attribute(53, &terminated), attribute(53, &terminated)].concat());
        let attributes = [attribute(3, &terminated), attribute(20, name), names].concat();
        with_link(&link(&attributes), |link| {
            assert_eq!(link.name().as_bytes(), name);
            assert_eq!(link.alias().map(Name::as_bytes), Some(name));
            assert!(link.alt_names().iter().all(|alt| alt.as_bytes() == name));
            assert_eq!(link.alt_names().iter().count(), 2);
            for text in [link.name().to_string(), format!("{:?}", link.alias().unwrap())] {
                assert_eq!(text, printed);
            }
            let owned = link.to_owned();
            assert_eq!(owned.alias.as_deref(), Some(name));
            let text = format!("{link:?} {owned:?} {link:#?}");
            assert!(!text.contains(|char: char| char.is_control() && char != '\n'), "{text:?}");
        });
    }
}

#[test]
fn a_name_longer_than_any_is_lent_whole_and_owned_cut() {
    let long = [b'x'; 300];
    with_link(&link(&attribute(3, &long)), |link| {
        assert_eq!(link.name().as_bytes(), long);
        assert_eq!(link.to_owned().name.as_bytes(), &long[..15]);
    });
}

#[test]
fn unknown_flags_survive() {
    let mut bytes = link(&[]);
    bytes[24..28].copy_from_slice(&[0xff; 4]);
    with_link(&bytes, |link| {
        assert_eq!((link.flags().bits(), link.to_owned().flags.bits()), (u32::MAX, u32::MAX));
        assert!(format!("{:?}", link.flags()).ends_with('>'));
    });
}
