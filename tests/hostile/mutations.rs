//! Messages with bytes changed: each header's bytes to what hurts most, every byte at least once, and many at random.

use crate::corpus::{Sample, distinct, link, link_info, links, messages, set_length};
use crate::random::Random;
use crate::read;
use sublink::LinkView;
use sublink::wire::{Attributes, Messages};

/// Where the headers of a message's attributes are, nests' included, taking everything for a nest that could be one.
fn header_bytes(message: &[u8]) -> Vec<usize> {
    fn walk(bytes: &[u8], start: usize, places: &mut Vec<usize>) {
        let mut attributes = Attributes::new(bytes);
        let mut at = start;
        while let Some(attribute) = attributes.next() {
            places.extend(at..at + 4);
            if attribute.value.len() >= 4 {
                walk(attribute.value, at + 4, places);
            }
            at = start + bytes.len() - attributes.rest().len();
        }
    }
    let mut places: Vec<_> = (0..message.len().min(32)).collect();
    walk(message.get(32..).unwrap_or_default(), 32, &mut places);
    places
}

#[test]
fn every_byte_of_every_header_can_be_anything() {
    for Sample { name, bytes } in distinct() {
        let mut mutant = bytes.clone();
        for at in header_bytes(&bytes) {
            let was = bytes[at];
            for byte in [0, 3, 4, 0x80, 0xff, was.wrapping_add(4), was.wrapping_sub(1)] {
                mutant[at] = byte;
                read::or_say(format_args!("{name}: {byte:#x} at {at}"), || read::everything(&mutant));
            }
            mutant[at] = was;
        }
    }
}

#[test]
fn every_byte_can_be_flipped() {
    for Sample { name, bytes } in distinct() {
        let mut mutant = bytes.clone();
        for at in 0..bytes.len() {
            mutant[at] = !bytes[at];
            read::or_say(format_args!("{name}: flipped at {at}"), || read::everything(&mutant));
            mutant[at] = bytes[at];
        }
    }
}

#[test]
fn thousands_of_random_mutations_are_read() {
    let samples = messages();
    for seed in 1..=10_000 {
        let mut random = Random::new(seed);
        let Sample { name, bytes } = &samples[random.below(samples.len())];
        let mut mutant = bytes.clone();
        for _ in 0..=random.below(8) {
            let at = random.below(mutant.len());
            match random.below(4) {
                0 => mutant.truncate(at.max(1)),
                1 => mutant.insert(at, random.byte()),
                2 => mutant.extend_from_within(at..),
                _ => mutant[at] = random.byte(),
            }
        }
        if mutant.len() >= 16 && random.below(2) == 0 {
            set_length(&mut mutant); // or most would end at their first message
        }
        read::or_say(format_args!("{name}, seed {seed}: {mutant:02x?}"), || read::everything(&mutant));
    }
}

#[test]
fn random_bytes_are_read() {
    for seed in 1..=2_000 {
        let mut random = Random::new(seed);
        let length = 32 + random.below(300);
        let mut bytes: Vec<_> = (0..length).map(|_| random.byte()).collect();
        bytes[4..6].copy_from_slice(&16u16.to_ne_bytes());
        for at in (33..length).step_by(8) {
            bytes[at] = 0; // lengths that often fit
        }
        set_length(&mut bytes);
        read::or_say(format_args!("seed {seed}: {bytes:02x?}"), || read::everything(&bytes));
    }
}

#[test]
fn each_kinds_data_is_read_under_each_other_kinds_name() {
    for Sample { name, bytes } in links() {
        let all = Attributes::new(&bytes[32..]);
        let info = all.clone().find(|attribute| attribute.number == 18).map(|attribute| attribute.value);
        let data = Attributes::new(info.unwrap_or_default()).find(|attribute| attribute.number == 2);
        for kind in ["macvlan", "macvtap", "vlan", "ipvlan", "veth", "dummy", ""] {
            let bytes = link(&link_info(kind, data.map_or(&[], |data| data.value)));
            let view = LinkView::of(Messages::new(&bytes).next().unwrap().unwrap()).unwrap();
            assert_eq!(view.kind(), kind, "{name}");
            read::everything(&bytes);
        }
    }
}
