//! Random sequences of calls, beside a model of what they must come to: after each call, what is there is what the model has.

use crate::corpus::{index, mac};
use crate::random::Random;
use sublink::batch::Outcome;
use sublink::network::{Driver, Network};
use sublink::wire::{Command, Messages, NoRoom};
use sublink::{Batch, IfIndex, IfName, LinkChange, LinkView, MacAddr, MacvlanMode, NewLink, NewRoute, Request};

const ACK: u16 = 4;

/// A batch and the requests that must be in it.
struct Pair {
    batch: Batch,
    expected: Vec<Vec<u8>>,
}

impl Pair {
    /// Pushes a request. One that is too long is refused.
    fn push(&mut self, request: &impl Command) {
        let mut bytes = vec![0; NoRoom::LARGEST];
        match request.encode(0, &mut bytes) {
            Ok(length) => {
                bytes.truncate(length);
                assert_eq!(self.batch.push(request).unwrap(), self.expected.len());
                self.expected.push(bytes);
            }
            Err(_) => drop(self.batch.push(request).unwrap_err()),
        }
    }

    fn check(&mut self, first: u32, one_ack: bool) {
        let steps = self.expected.len();
        assert_eq!((self.batch.len(), self.batch.is_empty()), (steps, steps == 0));
        assert!(self.batch.outcomes().iter().eq(std::iter::repeat_n(&Outcome::NotSent, steps)));
        let mut messages = Messages::new(self.batch.number(first));
        for (at, expected) in (0..).zip(&self.expected) {
            let read = messages.next().unwrap().unwrap();
            assert_eq!((read.header.sequence, read.payload), (first.wrapping_add(at), &expected[16..]));
            let is_acknowledged = !one_ack || at as usize + 1 == steps;
            assert_eq!(read.header.flags & ACK != 0, is_acknowledged, "step {at} of {steps}");
        }
        assert!(messages.next().is_none());
    }
}

#[test]
fn pushed_cleared_and_refused_in_any_order() {
    let lists = [0, 3, 90, 5_000, 6_000].map(|length| vec![mac(1); length]); // the last is too long for a message
    for seed in 1..=60 {
        let mut random = Random::new(seed);
        let one_ack = random.below(2) == 0;
        let batch = if one_ack { Batch::new().one_ack() } else { Batch::new() };
        let mut pair = Pair { batch, expected: Vec::new() };
        for _ in 0..random.below(60) {
            let link = index(1 + u32::from(random.byte()));
            match random.below(8) {
                0 => {
                    pair.batch.clear();
                    pair.expected.clear();
                }
                1 | 2 => pair.push(&NewLink::macvlan(link).source(&lists[random.below(lists.len())])),
                3 => pair.push(&NewRoute::new("10.1.0.0/16".parse().unwrap()).index(link)),
                _ => pair.push(&LinkChange::new(link).mtu(random.number())),
            }
            pair.check(random.number(), one_ack);
        }
    }
}

/// What was last set of a link.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Set {
    name: Option<IfName>,
    mac: Option<MacAddr>,
    mtu: u32,
    txqlen: u32,
    group: u32,
    master: Option<IfIndex>,
    mode: Option<MacvlanMode>,
    queue: Option<u32>,
    is_up: bool,
}

/// Reads a request as if it were a reply.
fn read(request: &impl Request) -> Set {
    let mut bytes = vec![0xa5; 512];
    let length = request.encode(7, &mut bytes).unwrap();
    bytes[4..6].copy_from_slice(&16u16.to_ne_bytes()); // some changes are an RTM_SETLINK
    let link = LinkView::of(Messages::new(&bytes[..length]).next().unwrap().unwrap()).unwrap();
    let macvlan = link.macvlan();
    Set {
        name: IfName::try_from(link.name()).ok(),
        mac: link.mac().mac(),
        mtu: link.mtu(),
        txqlen: link.txqlen(),
        group: link.group(),
        master: link.master(),
        mode: macvlan.and_then(|macvlan| macvlan.mode()),
        queue: macvlan.and_then(|macvlan| macvlan.bc_queue_len()),
        is_up: link.is_up(),
    }
}

/// Sets one property of a request, whatever was set before, and notes it. An early copy of the request keeps what it had.
macro_rules! set_one {
    ($random:ident $link:ident $set:ident) => {{
        let (number, (before, had)) = ($random.number(), ($link, $set));
        match $random.below(9) {
            0 => {
                let name = IfName::new(&"n".repeat(1 + $random.below(15))).unwrap();
                ($link, $set.name) = ($link.name(name), Some(name));
            }
            1 => ($link, $set.mac) = ($link.mac(mac(number.to_ne_bytes()[0])), Some(mac(number.to_ne_bytes()[0]))),
            2 => ($link, $set.mtu) = ($link.mtu(number), number),
            3 => ($link, $set.txqlen) = ($link.txqlen(number), number),
            4 => ($link, $set.group) = ($link.group(number), number),
            5 => ($link, $set.master) = ($link.master(index(number >> 2 | 1)), Some(index(number >> 2 | 1))),
            6 => ($link, $set.mode) = ($link.mode(number.into()), Some(number.into())),
            7 => ($link, $set.queue) = ($link.bc_queue_len(number), Some(number)),
            _ => ($link, $set.is_up) = ($link.up(), true),
        }
        assert_eq!(read(&$link), $set);
        assert_eq!(read(&before), had);
    }};
}

#[test]
fn set_read_changed_and_read_in_any_order() {
    for seed in 1..=500 {
        let mut random = Random::new(seed);
        let (mut link, mut change) = (NewLink::macvlan(index(5)).index(index(8)), LinkChange::macvlan(index(8)));
        let (mut new, mut changed) = (Set::default(), Set::default());
        for _ in 0..20 {
            set_one!(random link new);
            set_one!(random change changed);
        }
    }
}

#[test]
fn options_set_refused_and_read_in_any_order() {
    let values =
        ["", "eth0", "eth0.50", "back\\slash", "\u{202e}x", "lo", "a b", "bridge", "vepa", "veth", "1500", "67", "-1"];
    let keys = ["parent", "macvlan_mode", "com.docker.network.driver.mtu", "mode"];
    for seed in 1..=500 {
        let mut random = Random::new(seed);
        let fresh = Network::new("net", Driver::Macvlan(MacvlanMode::Bridge)).unwrap();
        let (mut network, mut expected) = (fresh.clone(), [None, Some("bridge"), None]);
        for _ in 0..20 {
            let (key, value) = (random.below(keys.len()), values[random.below(values.len())]);
            let Ok(set) = network.clone().option(keys[key], value) else { continue };
            expected[key] = match (key, value) {
                (1, "") => Some("bridge"),
                (_, "") => None,
                _ => Some(value),
            };
            // A parent's name is escaped, so that every name comes back.
            let written = |key: &str, value: &str| match key {
                "parent" => IfName::new(value).unwrap().to_escaped(),
                _ => value.to_owned(),
            };
            let options = keys.iter().zip(expected).filter_map(|(key, value)| Some((*key, written(key, value?))));
            assert_eq!(set.options(), options.collect::<Vec<_>>());
            let again = set.options().iter().try_fold(fresh.clone(), |again, (key, value)| again.option(key, value));
            assert_eq!(again.as_ref(), Ok(&set));
            network = set;
        }
    }
}
