//! A request's own bytes, read back for an error: spoilt, and with every offset that the kernel could name.

use crate::corpus::{NLMSG_ERROR, Sample, attribute, message, requests};
use crate::read;
use sublink::error::KernelError;
use sublink::reply::Reply;
use sublink::request::{RequestInfo, Verb};
use sublink::wire::{Attributes, Messages, Row};
use sublink::{Error, LinkView};

/// An EINVAL about the byte at `offset`.
fn refusal(offset: u32) -> Vec<u8> {
    let echo = [0; 16];
    let attributes = attribute(2, &offset.to_ne_bytes());
    message(NLMSG_ERROR, 0x300, &[&(-22i32).to_ne_bytes()[..], &echo, &attributes].concat())
}

fn kernel_error(offset: u32, request: &[u8]) -> KernelError {
    let bytes = refusal(offset);
    let Ok(Reply::Ack(ack)) = Reply::of(Messages::new(&bytes).next().unwrap().unwrap()) else { panic!("an ack") };
    assert_eq!(ack.offset(), Some(offset as usize));
    KernelError::new(&ack, request)
}

fn row(number: u16) -> Option<&'static Row> {
    LinkView::ROWS.iter().find(|row| row.number == number)
}

#[test]
fn every_offset_of_every_request_is_looked_up() {
    for Sample { name, bytes } in requests() {
        let length = u32::try_from(bytes.len()).unwrap();
        for offset in (0..length + 8).chain([0xffff, 0x7fff_ffff, u32::MAX - 3, u32::MAX]) {
            read::or_say(format_args!("{name}: offset {offset}"), || {
                let error = kernel_error(offset, &bytes);
                assert!(!error.attribute.is_some_and(str::is_empty));
                assert!(offset >= 32 && offset < length || error.attribute.is_none(), "{offset}: {error}");
            });
        }
    }
}

#[test]
fn the_offset_of_an_attribute_names_it() {
    let mut named = 0;
    for Sample { name, bytes } in requests() {
        let mut attributes = Attributes::new(&bytes[32..]);
        let mut at = 32;
        while let Some(attribute) = attributes.next() {
            let error = kernel_error(at, &bytes);
            assert_eq!(error.attribute, row(attribute.number).map(|row| row.name), "{name}: offset {at}");
            named += usize::from(error.attribute.is_some());
            at = u32::try_from(bytes.len() - attributes.rest().len()).unwrap();
        }
    }
    assert!(named > 100, "{named} attributes had a name");
}

#[test]
fn every_offset_of_a_request_that_ends_early_is_looked_up() {
    for Sample { name, bytes } in requests().into_iter().filter(|sample| sample.bytes.len() < 400) {
        for end in (0..bytes.len()).step_by(3) {
            for offset in (0..bytes.len()).step_by(5) {
                read::or_say(format_args!("{end} of {name}: offset {offset}"), || {
                    kernel_error(u32::try_from(offset).unwrap(), &bytes[..end]);
                });
            }
        }
    }
}

#[test]
fn every_offset_of_every_spoilt_request_is_looked_up() {
    for Sample { name, bytes } in requests() {
        let mut mutant = bytes.clone();
        for at in 0..bytes.len() {
            for byte in [0, 4, 0x80, !bytes[at]] {
                mutant[at] = byte;
                read::or_say(format_args!("{name}: {byte:#x} at {at}"), || {
                    for offset in [at.saturating_sub(4), at, at + 4, bytes.len() - 4] {
                        let error = Error::from(kernel_error(u32::try_from(offset).unwrap(), &mutant));
                        std::hint::black_box(error.to_string());
                    }
                    std::hint::black_box(RequestInfo::of(&mutant).map(|info| info.to_string()));
                });
            }
            mutant[at] = bytes[at];
        }
    }
}

#[test]
fn a_request_that_is_cut_short_is_none() {
    for Sample { name, bytes } in requests() {
        assert!(RequestInfo::of(&bytes).is_some(), "{name}");
        for end in 0..bytes.len() {
            assert_eq!(RequestInfo::of(&bytes[..end]), None, "{end} of {name}");
        }
    }
}

#[test]
fn a_request_says_what_it_is_whatever_its_attributes() {
    for (ty, flags, verb) in [
        (16, 0x600, Verb::Create),
        (16, 0, Verb::Change),
        (19, 0, Verb::Change),
        (17, 0, Verb::Delete),
        (18, 0, Verb::Get),
        (18, 0x300, Verb::List),
        (108, 0, Verb::AddAltName),
        (109, 0, Verb::DeleteAltName),
        (0xffff, 0xffff, Verb::Other(0xffff)),
    ] {
        for junk in [&[][..], &[0xff; 3], &[0xff; 40], &[0; 40], &[4, 0, 3, 0], &[5, 0, 5, 0, 1, 0, 0, 0]] {
            let bytes = message(ty, flags, &[&[0; 16][..], junk].concat());
            let info = RequestInfo::of(&bytes).unwrap();
            assert_eq!((info.verb, info.parent), (verb, None), "{junk:x?}");
            assert!(!info.to_string().is_empty());
        }
    }
}

#[test]
fn veths_in_veths_are_searched_to_the_innermost() {
    let mtu = attribute(4, &[0; 4]);
    let mut attributes = mtu;
    while attributes.len() < 65_000 {
        let peer = attribute(1, &[&[0; 16][..], &attributes].concat());
        attributes = attribute(18, &[attribute(1, b"veth\0"), attribute(2, &peer)].concat());
    }
    let bytes = message(16, 0x600, &[&[0; 16][..], &attributes].concat());
    let innermost = u32::try_from(bytes.len() - 8).unwrap();
    assert_eq!(kernel_error(innermost, &bytes).attribute, Some("IFLA_MTU"));
    assert_eq!(kernel_error(32, &bytes).attribute, Some("IFLA_LINKINFO"));
}
