//! Lengths that lie, and messages that end too early.

use crate::corpus::{Sample, attribute, distinct, link, links, message, messages, set_length};
use crate::read;
use sublink::route::RouteView;
use sublink::wire::{Attribute, Attributes, Malformed, Messages};
use sublink::{IfIndex, LinkView};

fn attributes(message: &[u8]) -> Vec<Attribute<'_>> {
    Attributes::new(&message[32..]).collect()
}

#[test]
fn every_prefix_of_every_message_says_that_it_is_one() {
    for Sample { name, bytes } in messages() {
        for end in 0..bytes.len() {
            let prefix = &bytes[..end];
            read::or_say(format_args!("{end} of {name}"), || read::everything(prefix));
            let mut read = Messages::new(prefix);
            let length = if end < 16 { 16 } else { bytes.len() };
            let expected = (end > 0).then_some(Err(Malformed { length, left: end }));
            assert_eq!((read.next(), read.next()), (expected, None), "{end} of {name}");
        }
    }
}

#[test]
fn a_link_that_ends_early_has_whole_attributes_only() {
    for Sample { name, mut bytes } in distinct().into_iter().filter(is_link) {
        let whole = bytes.clone();
        let all = attributes(&whole);
        for end in (32..whole.len()).rev() {
            bytes.truncate(end);
            set_length(&mut bytes);
            read::or_say(format_args!("{end} of {name}"), || read::everything(&bytes));
            let here = attributes(&bytes);
            assert!(all.starts_with(&here), "{end} of {name}: {here:?}");
            let mut rest = Attributes::new(&bytes[32..]);
            rest.by_ref().for_each(drop);
            let padding_at_most = rest.rest().is_empty();
            let lost = all.len() - here.len();
            assert!(!padding_at_most || lost == 0 || is_boundary(&whole, end), "{end} of {name}: cut without a trace");
        }
    }
}

fn is_link(sample: &Sample) -> bool {
    Messages::new(&sample.bytes).next().is_some_and(|message| LinkView::of(message.unwrap()).is_some())
}

/// Whether an attribute of a link message starts at `end`, or only padding was before it.
fn is_boundary(whole: &[u8], end: usize) -> bool {
    let mut attributes = Attributes::new(&whole[32..]);
    while let Some(attribute) = attributes.next() {
        let start_of_next = whole.len() - attributes.rest().len();
        let padding = attribute.value.len().next_multiple_of(4) - attribute.value.len();
        if (start_of_next - padding..=start_of_next).contains(&end) {
            return true;
        }
    }
    end == 32
}

#[test]
fn a_message_that_lies_about_its_length_ends_the_datagram() {
    let whole = message(16, 0, &[0; 40]);
    let honest = u32::try_from(whole.len()).unwrap();
    for lie in [0, 1, 3, 4, 15, honest + 1, honest + 4, 0xffff, 0x7fff_ffff, u32::MAX - 2, u32::MAX] {
        let mut lying = whole.clone();
        lying[..4].copy_from_slice(&lie.to_ne_bytes());
        // It stands between two honest ones only if it is too short; otherwise it is the last.
        let datagram = if lie < 16 { [&whole[..], &lying, &whole].concat() } else { [&whole[..], &lying].concat() };
        read::everything(&datagram);
        let mut messages = Messages::new(&datagram);
        assert!(messages.next().is_some_and(|first| first.is_ok()), "length {lie}");
        let left = datagram.len() - whole.len();
        assert_eq!(messages.next(), Some(Err(Malformed { length: lie as usize, left })), "length {lie}");
        assert_eq!(messages.next(), None, "length {lie}");
    }
}

#[test]
fn messages_shorter_than_a_link_are_no_links() {
    for length in 16..36 {
        let mut short = link(&[])[..length.min(32)].to_vec();
        short.resize(length, 0);
        set_length(&mut short);
        read::everything(&short);
        let message = Messages::new(&short).next().unwrap().unwrap();
        assert_eq!(LinkView::of(message).is_some(), length >= 32, "{length} bytes");
    }
}

#[test]
fn every_type_of_message_is_read() {
    let payload = &links()[0].bytes[16..];
    for ty in 0..=u16::MAX {
        let bytes = message(ty, ty, payload);
        if ty < 128 {
            read::everything(&bytes);
        }
        let view = LinkView::of(Messages::new(&bytes).next().unwrap().unwrap());
        assert_eq!(view.is_some(), ty == 16 || ty == 17, "type {ty}");
    }
}

#[test]
fn an_attribute_that_lies_about_its_length_hides_only_what_follows() {
    let (mtu, group, txqlen) =
        (attribute(4, &[1, 0, 0, 0]), attribute(27, &[2, 0, 0, 0]), attribute(13, &[3, 0, 0, 0]));
    let honest = link(&[&mtu[..], &group, &txqlen].concat());
    // What is read of MTU, group and queue length when the group's attribute says it has so many bytes.
    for (lie, expected) in [
        (0u16, (1, 0, 0)), // less than its header: the end
        (3, (1, 0, 0)),
        (4, (1, 0, 0)), // no value: spoilt; then its old value is taken for a header, of length 2: the end
        (5, (1, 0, 3)), // a short value: spoilt, itself only
        (7, (1, 0, 3)),
        (8, (1, 2, 3)),  // the truth
        (16, (1, 2, 0)), // the one behind is inside of it
        (17, (1, 0, 0)), // more than there is: the end
        (0xffff, (1, 0, 0)),
    ] {
        let mut bytes = honest.clone();
        bytes[40..42].copy_from_slice(&lie.to_ne_bytes());
        read::everything(&bytes);
        let view = LinkView::of(Messages::new(&bytes).next().unwrap().unwrap()).unwrap();
        assert_eq!((view.mtu(), view.group(), view.txqlen()), expected, "length {lie}");
    }
}

#[test]
fn every_attribute_can_lie_about_its_length() {
    for Sample { name, bytes } in links() {
        let mut at = 32;
        while at + 4 <= bytes.len() {
            let length = usize::from(u16::from_ne_bytes([bytes[at], bytes[at + 1]]));
            let before = attributes(&bytes[..at]);
            for lie in [0, 3, 4, 5, length - 1, length + 1, length + 4, bytes.len() - at, bytes.len(), 0xffff] {
                let mut lying = bytes.clone();
                lying[at..at + 2].copy_from_slice(&u16::try_from(lie).unwrap().to_ne_bytes());
                read::or_say(format_args!("{name}: {lie} at {at}"), || read::everything(&lying));
                assert!(attributes(&lying).starts_with(&before), "{name}: {lie} at {at}");
            }
            at += length.next_multiple_of(4);
        }
    }
}

#[test]
fn the_padding_of_the_last_attribute_may_be_missing() {
    let front = [attribute(4, &1400u32.to_ne_bytes()), attribute(52, &attribute(53, b"another\0"))].concat();
    for name in ["e", "et", "eth", "eth0", "eth0.5"] {
        let mut bytes = link(&[&front[..], &attribute(3, name.as_bytes())].concat());
        bytes.truncate(32 + front.len() + 4 + name.len());
        set_length(&mut bytes);
        let view = LinkView::of(Messages::new(&bytes).next().unwrap().unwrap()).unwrap();
        assert_eq!((view.mtu(), view.name().as_bytes()), (1400, name.as_bytes()));
        assert_eq!(view.alt_names().iter().count(), 1, "{name}");
    }
}

#[test]
fn more_than_an_attribute_can_hold_is_read_to_its_end() {
    let mtu = attribute(4, &1400u32.to_ne_bytes());
    let filler = attribute(300, &vec![0xee; 60_000]);
    let bytes = link(&[&mtu[..], &filler, &attribute(27, &[2, 0, 0, 0])].concat());
    let view = LinkView::of(Messages::new(&bytes).next().unwrap().unwrap()).unwrap();
    assert_eq!((view.mtu(), view.group()), (1400, 2));
}

/// Only the kind and the alternative names can be so long.
#[test]
fn a_link_longer_than_its_attributes_can_be_found_in_is_refused_and_not_shortened() {
    let mtu = attribute(4, &1400u32.to_ne_bytes());
    let long = |number, length| {
        link(&[&attribute(52, &vec![0; 60_000])[..], &attribute(number, &vec![0; length]), &mtu].concat())
    };
    for (number, length, is_read) in [(18, 60_000, true), (20, 30_000, true), (20, 60_000, false), (52, 60_000, false)]
    {
        let bytes = long(number, length);
        let view = LinkView::of(Messages::new(&bytes).next().unwrap().unwrap());
        assert_eq!(view.map(|view| view.mtu()), is_read.then_some(1400), "{number}, {length} bytes");
    }
    let filler = attribute(300, &[0xee; 996]);
    for fillers in [60, 65, 66, 130, 262, 263, 300] {
        let bytes = link(&[filler.repeat(fillers), mtu.clone()].concat());
        read::everything(&bytes);
        let view = LinkView::of(Messages::new(&bytes).next().unwrap().unwrap());
        assert_eq!(view.is_some(), bytes.len() - 32 <= 0xffff, "{} bytes", bytes.len());
        assert!(view.is_none_or(|view| view.mtu() == 1400), "{} bytes", bytes.len());
    }
}

#[test]
fn nests_can_be_as_deep_as_a_message_is_long() {
    for number in [18, 26, 52, 1, 2, 5, 10] {
        let mut nest = attribute(4, &[1, 0, 0, 0]);
        while nest.len() < 65_000 {
            let length = u16::try_from(4 + nest.len()).unwrap();
            nest.splice(..0, [length.to_ne_bytes(), u16::to_ne_bytes(number | 0x8000)].concat());
        }
        read::everything(&link(&nest));
    }
}

/// The bytes up to the next multiple of four are no part of anything, whatever they hold.
#[test]
fn what_follows_an_odd_length_is_aligned() {
    for odd in 1..=4 {
        let filler = vec![0xee; 4 - odd];
        let second = message(16, 0, &[7; 20]);
        let datagram = [&message(3, 0, &vec![1; 4 + odd])[..], &filler, &second].concat();
        let read: Vec<_> = Messages::new(&datagram).map(|message| message.unwrap().payload.to_vec()).collect();
        assert_eq!(read, [vec![1; 4 + odd], vec![7; 20]], "messages, {odd} bytes past a word");

        let head = [u16::try_from(4 + odd).unwrap().to_ne_bytes(), 9u16.to_ne_bytes()].concat();
        let nest = [&head[..], &vec![1; odd], &filler, &attribute(10, &[7; 4])].concat();
        let read: Vec<_> =
            Attributes::new(&nest).map(|attribute| (attribute.number, attribute.value.to_vec())).collect();
        assert_eq!(read, [(9, vec![1; odd]), (10, vec![7; 4])], "attributes, {odd} bytes past a word");

        let hop = |length: usize, index: u8| [u16::try_from(length).unwrap().to_ne_bytes(), [0; 2], [index, 0], [0; 2]];
        let hops = [&hop(8 + odd, 5).concat()[..], &vec![0; odd], &filler, &hop(8, 6).concat()].concat();
        let bytes = message(24, 0, &[&[2, 0, 0, 0, 254, 3, 0, 1, 0, 0, 0, 0][..], &attribute(9, &hops)].concat());
        let route = RouteView::of(Messages::new(&bytes).next().unwrap().unwrap()).unwrap();
        let links = route.next_hops().unwrap().iter().map(|hop| hop.index.map(IfIndex::get));
        assert_eq!(links.collect::<Vec<_>>(), [Some(5), Some(6)], "next hops, {odd} bytes past a word");
    }
}
