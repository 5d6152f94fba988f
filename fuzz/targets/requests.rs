//! Requests of every sort, with anything set: each keeps the contract of `encode`, is read back as what was set, and is read
//! as the same by netlink-packet-route.

#![no_main]

use arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use std::fs::File;
use sublink::link::*;
use sublink::nsid::{GetNsid, NewNsid};
use sublink::request::RequestInfo;
use sublink::value::AltName;
use sublink::wire::{Message, Messages, NoRoom};
use sublink::*;
use sublink_fuzz::{any, prints_safely};

/// Sets each property, or does not, and notes what was set.
macro_rules! set {
    ($u:ident $request:ident: $($property:ident = $value:expr => $noted:expr;)*) => { $(
        if $u.arbitrary()? {
            let value = $value;
            $request = $request.$property(value);
            $noted = Some(value);
        }
    )* };
}

#[path = "requests/ip.rs"]
mod ip;
#[path = "requests/links.rs"]
mod links;
#[path = "requests/neighbours.rs"]
mod neighbours;

/// No list shorter than this is too long for a message.
const LONG: usize = 5_000;

fuzz_target!(|data: &[u8]| {
    let _ = run(&mut Unstructured::new(data)); // an error says that the input is at its end
});

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    let file = File::open("/dev/null").expect("a descriptor");
    match u.int_in_range(0..=11)? {
        0 => links::macvlan(u, &file),
        1 => neighbours::neighbour(u),
        2 => links::macvtap(u, &file),
        3 => links::vlan(u, &file),
        4 => links::ipvlan(u, &file),
        5 => links::pairs(u, &file),
        6 => links::change(u, &file),
        7 => neighbours::forwarding(u),
        8 => ip::address(u),
        9 => ip::route(u),
        10 => small(u, &file),
        _ => batch(u),
    }
}

/// Checks the contract of `encode`. Returns the message, if it fits one.
fn encoded(request: &impl Request, u: &mut Unstructured<'_>) -> Result<Option<Vec<u8>>> {
    let sequence = u.arbitrary()?;
    let needed = request.encode(sequence, &mut []).expect_err("nothing needs no room").needed;
    let no_room = Err(NoRoom { needed });
    if needed > NoRoom::LARGEST {
        assert_eq!(request.encode(sequence, &mut vec![0; 300_000]), no_room, "too long for every buffer");
        return Ok(None);
    }
    let mut exact = vec![0xa5; needed];
    assert_eq!(request.encode(sequence, &mut exact), Ok(needed));
    assert_eq!(request.encode(sequence, &mut vec![0x5a; needed - 1]), no_room);
    let mut other = vec![0x77; u.int_in_range(0..=needed + 700)?];
    match request.encode(sequence, &mut other) {
        Ok(length) => assert_eq!((length, &other[..needed]), (needed, &exact[..])),
        too_small => assert!(too_small == no_room && other.len() < needed),
    }
    let header = message(&exact).header;
    assert_eq!((header.length as usize, header.sequence, header.port), (needed, sequence, 0));
    assert_eq!(needed % 4, 0, "the next one of a batch would not be aligned");
    prints_safely(&RequestInfo::of(&exact).expect("it is one of ours").to_string());
    Ok(Some(exact))
}

/// The only message of these bytes.
fn message(bytes: &[u8]) -> Message<'_> {
    let mut messages = Messages::new(bytes);
    let first = messages.next().expect("a message").expect("a true length");
    assert!(messages.next().is_none());
    first
}

/// Requests with little to set.
fn small(u: &mut Unstructured<'_>, file: &File) -> Result<()> {
    let index = any::index(u)?;
    let length = u.int_in_range(1..=127)?;
    if let Ok(name) = AltName::new(u.bytes(length)?) {
        encoded(&AltNameChange::add(index, name), u)?.expect("it is short");
        encoded(&AltNameChange::delete(index, name), u)?.expect("it is short");
        encoded(&GetLink::alt_name(name).in_netnsid(any::nsid(u)?), u)?.expect("it is short");
    }
    encoded(&DeleteLink::index(index), u)?.expect("it is short");
    encoded(&DeleteLink::group(u.arbitrary()?), u)?.expect("it is short");
    encoded(&GetLink::name(any::name(u)?), u)?.expect("it is short");
    let kind = "k".repeat(u.int_in_range(0..=70_000)?);
    encoded(&ListLinks::new().kind(&kind).master(index).in_netnsid(any::nsid(u)?), u)?;
    encoded(&NewNsid::new(file).nsid(any::nsid(u)?), u)?.expect("it is short");
    encoded(&GetNsid::new(file), u)?.expect("it is short");
    let mut settings = LinkSettings::new(index);
    if u.arbitrary()? {
        settings = settings.addr_gen_mode(AddrGenMode::from(u.arbitrary::<u8>()?));
    }
    if u.arbitrary()? {
        let token = u.arbitrary::<[u8; 16]>()?;
        if let Ok(token) = Ipv6Token::new(token.into()) {
            settings = settings.token(token);
        }
    }
    for _ in 0..u.int_in_range(0..=6)? {
        let setting = [Ipv4Setting::ARP_NOTIFY, Ipv4Setting::FORWARDING, Ipv4Setting::ROUTE_LOCALNET];
        settings = settings.ipv4(*u.choose(&setting)?, u.arbitrary()?);
    }
    encoded(&settings, u)?.expect("it is short");
    Ok(())
}

/// Steps pushed, refused and cleared, beside a list of what must be in the batch.
fn batch(u: &mut Unstructured<'_>) -> Result<()> {
    let senders = any::macs(u)?;
    let mut batch = if u.arbitrary()? { Batch::new().one_ack() } else { Batch::new() };
    let mut expected: Vec<Vec<u8>> = Vec::new();
    for _ in 0..u.int_in_range(0..=40)? {
        match u.int_in_range(0..=3)? {
            0 => push(&mut batch, &mut expected, &DeleteLink::index(any::index(u)?)),
            1 => push(&mut batch, &mut expected, &NewLink::macvlan(any::index(u)?).source(&senders)),
            2 => push(&mut batch, &mut expected, &LinkChange::new(any::index(u)?).mtu(u.arbitrary()?)),
            _ => {
                batch.clear();
                expected.clear();
            }
        }
        assert_eq!(
            (batch.len(), batch.is_empty(), batch.outcomes().len()),
            (expected.len(), expected.is_empty(), expected.len())
        );
    }
    let first: u32 = u.arbitrary()?;
    let mut messages = Messages::new(batch.number(first));
    for (at, expected) in (0..).zip(&expected) {
        let read = messages.next().expect("a message").expect("a true length");
        assert_eq!((read.header.sequence, read.payload), (first.wrapping_add(at), &expected[16..]));
    }
    assert!(messages.next().is_none());
    Ok(())
}

fn push(batch: &mut Batch, expected: &mut Vec<Vec<u8>>, request: &impl wire::Command) {
    let mut bytes = vec![0; NoRoom::LARGEST];
    match (batch.push(request), request.encode(0, &mut bytes)) {
        (Ok(step), Ok(length)) => {
            assert_eq!(step, expected.len());
            bytes.truncate(length);
            expected.push(bytes);
        }
        (pushed, encoded) => assert!(pushed.is_err() && encoded.is_err()),
    }
}
