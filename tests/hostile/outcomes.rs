//! NLMSG_ERROR and NLMSG_DONE: truncated, contradicting themselves, with extended acknowledgements that are broken.

use crate::corpus::{NLMSG_DONE, NLMSG_ERROR, Sample, attribute, message, outcomes, requests, set_length};
use crate::read;
use sublink::Error;
use sublink::error::KernelError;
use sublink::reply::{Ack, Policy, Reply};
use sublink::request::RequestInfo;
use sublink::wire::{Malformed, Messages};

const CAPPED: u16 = 0x100;
const TLVS: u16 = 0x200;

/// Reads the outcome in these bytes.
fn outcome(bytes: &[u8]) -> Result<Ack<'_>, Malformed> {
    read::everything(bytes);
    match Reply::of(Messages::new(bytes).next().expect("a message").expect("its length"))? {
        Reply::Ack(ack) | Reply::Done(ack) => Ok(ack),
        other => panic!("{other:?}"),
    }
}

/// An outcome whose echoed request is only its header, or nothing in NLMSG_DONE, with these attributes.
fn extended(ty: u16, attributes: &[u8]) -> Vec<u8> {
    let echo: &[u8] = if ty == NLMSG_ERROR { &[0; 16] } else { &[] };
    message(ty, CAPPED | TLVS, &[&(-22i32).to_ne_bytes()[..], echo, attributes].concat())
}

#[test]
fn an_outcome_too_short_for_an_errno_is_malformed() {
    for length in 0..4 {
        let bytes = message(NLMSG_ERROR, TLVS, &[0xff; 4][..length]);
        assert_eq!(outcome(&bytes).unwrap_err(), Malformed { length: 20, left: 16 + length });
    }
    assert!(outcome(&message(NLMSG_ERROR, 0, &[0; 4])).is_ok());
}

#[test]
fn an_end_without_an_errno_is_a_success() {
    for flags in [0, TLVS, CAPPED | TLVS, 0xffff] {
        for length in 0..4 {
            let bytes = message(NLMSG_DONE, flags, &[0xff; 4][..length]);
            let ack = outcome(&bytes).unwrap();
            assert_eq!((ack.errno(), ack.text(), ack.offset()), (0, None, None), "{flags:#x}, {length} bytes");
        }
    }
}

#[test]
fn every_errno_is_read() {
    for (raw, errno) in [
        (0, 0),
        (-1, 1),
        (-95, 95),
        (-4095, 4095),
        (-i32::MAX, i32::MAX),
        (i32::MIN, i32::MAX),
        (5, -5),
        (i32::MAX, -i32::MAX),
    ] {
        for ty in [NLMSG_ERROR, NLMSG_DONE] {
            let bytes = message(ty, 0, &i32::to_ne_bytes(raw));
            let ack = outcome(&bytes).unwrap();
            assert_eq!(ack.errno(), errno);
            let error = Error::from(KernelError::new(&ack, &[]));
            assert_eq!(error.raw_os_error(), Some(errno));
            std::io::Error::from(error).to_string();
        }
    }
}

#[test]
fn outcomes_of_kernels_say_the_same_when_cut_or_say_less() {
    for Sample { name, bytes } in outcomes() {
        let whole = outcome(&bytes).unwrap();
        for end in 20..bytes.len() {
            let mut cut = bytes[..end].to_vec();
            set_length(&mut cut);
            let Ok(ack) = outcome(&cut) else { continue };
            assert_eq!(ack.errno(), whole.errno(), "{end} of {name}");
            assert!(ack.text().is_none() || ack.text() == whole.text(), "{end} of {name}: a shortened text");
            assert!(ack.offset().is_none() || ack.offset() == whole.offset(), "{end} of {name}");
        }
    }
}

#[test]
fn kernels_words_are_read() {
    let texts: Vec<_> = outcomes()
        .iter()
        .filter_map(|sample| Some(String::from_utf8_lossy(outcome(&sample.bytes).unwrap().text()?).into_owned()))
        .collect();
    for text in ["8021q: VLAN device already exists", "Attribute failed policy validation"] {
        assert_eq!(
            texts.iter().filter(|found| *found == text).count(),
            3,
            "{text}, on each of three kernels: {texts:?}"
        );
    }
}

#[test]
fn an_echoed_request_may_have_any_length() {
    let text = attribute(1, b"a text\0");
    let mut request = requests()[0].bytes.clone();
    let whole = u32::try_from(request.len()).unwrap();
    // Only an echo that ends where it says has the attributes behind it.
    for (length, found) in
        [(whole, true), (0, false), (15, false), (whole + 4, false), (whole - 4, false), (u32::MAX, false)]
    {
        request[..4].copy_from_slice(&length.to_ne_bytes());
        let bytes = message(NLMSG_ERROR, TLVS, &[&(-22i32).to_ne_bytes()[..], &request, &text].concat());
        let ack = outcome(&bytes).unwrap();
        assert_eq!(ack.text() == Some(b"a text"), found, "an echo of {length} bytes: {:?}", ack.text());
    }
    for length in 0..16 {
        let bytes = message(NLMSG_ERROR, TLVS, &[&(-22i32).to_ne_bytes()[..], &request[..length]].concat());
        assert!(outcome(&bytes).is_err(), "an echo of {length} bytes");
        let bytes = message(NLMSG_ERROR, TLVS | CAPPED, &[&(-22i32).to_ne_bytes()[..], &request[..length]].concat());
        assert_eq!(outcome(&bytes).unwrap().text(), None, "a capped echo of {length} bytes");
    }
}

#[test]
fn what_follows_an_echo_of_odd_length_is_aligned() {
    let text = attribute(1, b"a text\0");
    for odd in 0..4 {
        let request = message(16, 5, &vec![0xee; 16 + odd]);
        let mut padded = request.clone();
        padded.resize(request.len().next_multiple_of(4), 0xee);
        let bytes = message(NLMSG_ERROR, TLVS, &[&(-22i32).to_ne_bytes()[..], &padded, &text].concat());
        assert_eq!(outcome(&bytes).unwrap().text(), Some(&b"a text"[..]), "an echo of {} bytes", request.len());
    }
}

/// The kernel says each once.
#[test]
fn the_first_of_several_words_counts() {
    let number = |number, value: u32| attribute(number, &value.to_ne_bytes());
    let policy = |most| attribute(4, &number(7, most));
    for ty in [NLMSG_ERROR, NLMSG_DONE] {
        let first = [attribute(1, b"first\0"), number(2, 40), number(5, 9), policy(8)].concat();
        let second = [attribute(1, b"second\0"), number(2, 44), number(5, 10), policy(16)].concat();
        let bytes = extended(ty, &[first, second].concat());
        let ack = outcome(&bytes).unwrap();
        assert_eq!((ack.text(), ack.offset(), ack.missing()), (Some(&b"first"[..]), Some(40), Some(9)));
        assert_eq!(ack.policy().unwrap().max_length, Some(8));
    }
}

#[test]
fn attributes_without_their_flag_are_no_attributes() {
    let bytes = extended(NLMSG_ERROR, &attribute(1, b"a text\0"));
    assert_eq!(outcome(&bytes).unwrap().text(), Some(&b"a text"[..]));
    let mut bytes = bytes;
    bytes[6..8].copy_from_slice(&CAPPED.to_ne_bytes());
    assert_eq!(outcome(&bytes).unwrap().text(), None);
}

#[test]
fn a_broken_attribute_spoils_itself_only() {
    let good = [attribute(1, b"a text\0"), attribute(2, &40u32.to_ne_bytes()), attribute(5, &9u32.to_ne_bytes())];
    for ty in [NLMSG_ERROR, NLMSG_DONE] {
        for size in 0..=9 {
            for spoilt in 0..3 {
                let mut attributes = good.clone();
                attributes[spoilt] = attribute([1, 2, 5][spoilt], &[1; 9][..size]);
                let bytes = extended(ty, &attributes.concat());
                let ack = outcome(&bytes).unwrap();
                let number = (size >= 4).then_some(0x0101_0101);
                let text = if spoilt == 0 { &[1; 9][..size] } else { b"a text" };
                let offset = if spoilt == 1 { number } else { Some(40) };
                let missing = if spoilt == 2 { number } else { Some(9) };
                let read = (ack.text(), ack.offset(), ack.missing().map(|number| number as usize));
                assert_eq!(read, (Some(text), offset, missing), "attribute {spoilt} of {size} bytes");
            }
        }
    }
}

#[test]
fn a_broken_policy_spoils_one_limit_only() {
    let eight = |value: u64| value.to_ne_bytes();
    for size in 0..=9 {
        for number in 0..12u16 {
            let mut nest = Vec::new();
            for (good, value) in [(4, &eight(1)[..]), (5, &eight(9)), (6, &[2, 0, 0, 0]), (7, &[8, 0, 0, 0])] {
                nest.extend(attribute(good, if good == number { &[1; 9][..size] } else { value }));
            }
            nest.extend(attribute(77, &[0xff; 3]));
            let bytes = extended(NLMSG_ERROR, &attribute(4, &nest));
            let Policy { min, max, min_length, max_length, .. } = outcome(&bytes).unwrap().policy().unwrap();
            let intact = (number != 4 || size >= 8) == min.is_some() && (number != 5 || size >= 8) == max.is_some();
            assert!(intact, "attribute {number} of {size} bytes: {min:?} {max:?}");
            assert_eq!(
                (number != 6 || size >= 4, number != 7 || size >= 4),
                (min_length.is_some(), max_length.is_some())
            );
        }
    }
    let limits = [attribute(2, &i64::MIN.to_ne_bytes()), attribute(5, &u64::MAX.to_ne_bytes())].concat();
    let bytes = extended(NLMSG_ERROR, &attribute(4, &limits));
    let policy = outcome(&bytes).unwrap().policy().unwrap();
    assert_eq!((policy.min, policy.max), (Some(i64::MIN.into()), Some(u64::MAX.into())));
}

#[test]
fn the_kernels_words_print_escaped() {
    for (text, printed) in [
        (&b"\x1b[2Jx\xff\0"[..], "EINVAL: \\u{1b}[2Jx\\xff"),
        (b"two\nlines", "EINVAL: two\\nlines"),
        (b"a\0b\0", "EINVAL: a\\0b"),
        (b"", "EINVAL: "),
        (b"\0", "EINVAL: "),
    ] {
        let bytes = extended(NLMSG_ERROR, &attribute(1, text));
        assert_eq!(KernelError::new(&outcome(&bytes).unwrap(), &[]).to_string(), printed);
    }
}

#[test]
fn every_outcome_explains_every_request() {
    for Sample { name, bytes } in outcomes() {
        let ack = outcome(&bytes).unwrap();
        for request in requests() {
            read::or_say(format_args!("{name} of {}", request.name), || read::outcome(&ack, &request.bytes));
            assert!(RequestInfo::of(&request.bytes).is_some());
        }
    }
}
