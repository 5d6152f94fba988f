//! Encoders and buffers of every length.

use crate::corpus::{encoded, for_each_request, index, mac};
use sublink::link::EgressQos;
use sublink::link::{SourceMacs, VlanPriority};
use sublink::value::InvalidValue;
use sublink::wire::{Header, NoRoom};
use sublink::{Batch, ErrorKind, LinkChange, ListLinks, MacAddr, NewLink, Request};

/// Encodes into every length of buffer: no room until what is needed is there, and from then on the same bytes.
fn fits_exactly(name: &str, request: &dyn Request) {
    let expected = encoded(request);
    let needed = Err(NoRoom { needed: expected.len() });
    let edges = expected.len().saturating_sub(100)..expected.len() + 100;
    for length in (0..edges.start).step_by(97).chain(edges).chain([70_000]) {
        let mut buf = vec![0xa5; length];
        let result = request.encode(7, &mut buf);
        if length < expected.len() {
            assert_eq!(result, needed, "{name} into {length} bytes");
        } else {
            assert_eq!(result, Ok(expected.len()), "{name} into {length} bytes");
            assert_eq!(buf[..expected.len()], expected, "{name} into {length} bytes");
        }
    }
    let header = Header::parse(&expected).unwrap();
    assert_eq!((header.length as usize, header.sequence), (expected.len(), 7), "{name}");
    assert_eq!(expected.len() % 4, 0, "{name}: the next message of a batch would not be aligned");
}

#[test]
fn every_request_fits_a_buffer_of_its_length() {
    for_each_request(fits_exactly);
}

#[test]
fn long_lists_fit_a_buffer_of_their_length() {
    let senders = vec![mac(1); 300];
    let egress = vec![EgressQos::new(1, VlanPriority::new(2).unwrap()); 100];
    fits_exactly("300 senders", &NewLink::macvlan(index(5)).source(&senders));
    fits_exactly("a change of 300 senders", &LinkChange::macvtap(index(5)).macaddr(SourceMacs::Set(&senders)));
    fits_exactly("100 mappings", &LinkChange::vlan(index(5)).egress_qos(&egress));
}

#[test]
fn the_kind_of_a_list_may_be_of_any_length() {
    for length in [0, 1, 16, 400, 500, 512, 600, 5_000, 65_484] {
        fits_exactly(&format!("a kind of {length} bytes"), &ListLinks::new().kind(&"k".repeat(length)));
    }
}

/// What does not fit any message, with 24 bytes or more to spare on both sides of the limit.
#[test]
fn what_no_message_can_hold_is_refused_in_every_buffer() {
    let senders = |n| vec![MacAddr::new([2; 6]).unwrap(); n];
    for (count, fits) in
        [(5_400, true), (5_454, true), (5_455, false), (5_461, false), (5_462, false), (100_000, false)]
    {
        let senders = senders(count);
        let request = NewLink::macvlan(index(5)).source(&senders);
        for length in [0, 100, 65_535, 65_536, 70_000, 2_000_000] {
            let result = request.encode(1, &mut vec![0; length]);
            match result {
                Ok(written) => assert!(fits && written <= NoRoom::LARGEST && written <= length, "{count}: {written}"),
                Err(NoRoom { needed }) if fits => assert!(length < needed && needed <= NoRoom::LARGEST, "{count}"),
                Err(NoRoom { needed }) => assert!(needed > NoRoom::LARGEST, "{count} into {length}: {needed}"),
            }
        }
    }
    for kind in [65_488, 65_500, 65_527, 65_535, 65_600, 131_100, 1_000_000] {
        let kind = "k".repeat(kind);
        for length in [0, 512, 65_536, 2_000_000] {
            let refused = ListLinks::new().kind(&kind).encode(1, &mut vec![0; length]).unwrap_err();
            assert!(refused.needed > NoRoom::LARGEST, "{} into {length}: {}", kind.len(), refused.needed);
        }
    }
}

#[test]
fn a_batch_takes_what_fits_and_stays_as_it_was_after_what_does_not() {
    let (few, many) = (vec![mac(1); 5_000], vec![mac(1); 6_000]);
    let mut batch = Batch::new();
    for step in 0..4 {
        assert_eq!(batch.push(&NewLink::macvlan(index(5)).source(&few)).unwrap(), step);
        let before = batch.number(1).to_vec();
        let refused = batch.push(&NewLink::macvlan(index(5)).source(&many)).unwrap_err();
        assert!(matches!(refused.kind(), ErrorKind::Invalid(InvalidValue::TooLong(_))), "{refused}");
        assert_eq!((batch.len(), batch.number(1)), (step + 1, &before[..]));
    }
    let lengths: Vec<_> = sublink::wire::Messages::new(batch.number(u32::MAX)).map(|m| m.unwrap().header).collect();
    let numbers: Vec<_> = lengths.iter().map(|header| header.sequence).collect();
    assert_eq!(numbers, [u32::MAX, 0, 1, 2]);
}
