//! A refusal and the request that it refuses, both of them anything, make an error that prints safely.
//!
//! The input: an errno, two bytes and a bit of an offset, how it is put together, attributes, a request.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::hint::black_box;
use std::io;
use sublink::Error;
use sublink::reply::Reply;
use sublink::request::RequestInfo;
use sublink::wire::Messages;
use sublink_fuzz::{Bounds, bounded, prints_safely};

/// The types of all requests.
const TYPES: [u16; 14] = [16, 17, 18, 19, 20, 21, 22, 24, 25, 26, 88, 90, 108, 109];

const BOUNDS: Bounds = Bounds { peak: (20_000, 100), total: (100_000, 400) };

const CAPPED: u16 = 0x100;
const TLVS: u16 = 0x200;

fuzz_target!(|data: &[u8]| {
    let [errno, o0, o1, o2, how, rest @ ..] = data else { return };
    let (attributes, request) = rest.split_at(usize::from(how & 0x3f).min(rest.len()));
    let request = request_of(request, how & 0x40 != 0);
    let offset = u32::from_le_bytes([*o0, *o1, o2 & 1, 0]);
    bounded(data.len(), &BOUNDS, || {
        let answer = refusal(i32::from(*errno) % 140, offset, how & 0x80 != 0, attributes, &request);
        let read = Messages::new(&answer).next().expect("a message").expect("a true length");
        let Ok(Reply::Ack(ack)) = Reply::of(read) else { return }; // an echo is not whole
        if how & 0x80 != 0 {
            assert_eq!((ack.errno(), ack.offset()), (i32::from(*errno) % 140, Some(offset as usize)));
        }
        let error = Error::refused(&ack, &request);
        prints_safely(&error.to_string());
        black_box(format!("{error:?} {:?} {:?}", error.class(), error.subject()));
        assert!(error.request().is_none() || RequestInfo::of(&request).is_some());
        prints_safely(&io::Error::from(error).to_string());
        if let Some(info) = RequestInfo::of(&request) {
            prints_safely(&info.to_string());
        }
    });
});

/// A request: these bytes, or these bytes with a right length and the type of a request.
fn request_of(bytes: &[u8], mend: bool) -> Vec<u8> {
    let mut request = bytes.to_vec();
    if mend && request.len() >= 16 {
        let length = u32::try_from(request.len()).expect("a short input");
        let ty = TYPES[usize::from(request[4]) % TYPES.len()];
        request[..4].copy_from_slice(&length.to_ne_bytes());
        request[4..6].copy_from_slice(&ty.to_ne_bytes());
    }
    request
}

/// NLMSG_ERROR, with an echo of the request that is capped or whole. The offset is the first attribute.
fn refusal(errno: i32, offset: u32, is_capped: bool, attributes: &[u8], request: &[u8]) -> Vec<u8> {
    let mut echo = if is_capped { vec![0; 16] } else { request.to_vec() };
    echo.resize(echo.len().next_multiple_of(4), 0);
    let offset = [&[8, 0, 2, 0][..], &offset.to_ne_bytes()].concat();
    let payload = [&(-errno).to_ne_bytes(), &echo[..], &offset, attributes].concat();
    let length = u32::try_from(16 + payload.len()).expect("a short input");
    let flags = TLVS | if is_capped { CAPPED } else { 0 };
    let head = [u16::to_ne_bytes(2), flags.to_ne_bytes()].concat();
    [&length.to_ne_bytes(), &head[..], &[0; 8], &payload].concat()
}
