//! W3: every reader takes index, name, MAC, parent, kind and mode out of each link of a dump.

use crate::measure::{Way, Work};
use crate::peers::{bindings, neli, nlink, packet_route};
use crate::work::{LINKS, Summary, dump, read_dump, walk};
use std::hint::black_box;
use sublink::MacvlanMode;

/// What was read, summed up: it shows that all read the same.
#[derive(Debug, Default, PartialEq)]
pub struct Tally {
    links: u32,
    sum: u32,
}

impl Tally {
    #[inline]
    pub fn add(&mut self, index: u32, name: &[u8], mac: &[u8], parent: u32, kind: &[u8], mode: u32) {
        if kind == b"macvlan" {
            self.links += 1;
            let (mac, name) = (mac.last().copied().unwrap_or(0), name.iter().map(|byte| u32::from(*byte)).sum::<u32>());
            self.sum = self.sum.wrapping_add(index * 31 + name * 7 + u32::from(mac) * 5 + parent * 3 + mode);
        }
    }

    #[inline]
    pub fn add_ours(&mut self, Summary { index, name, mac, parent, kind, mode }: &Summary<'_>) {
        let mac = mac.map_or([0; 6], |mac| mac.bytes());
        let mode = if *mode == Some(MacvlanMode::Bridge) { 4 } else { 0 };
        self.add(index.get(), name.as_bytes(), &mac, parent.map_or(0, |parent| parent.get()), kind.as_bytes(), mode);
    }

    pub fn bytes(&self) -> [u8; 8] {
        (u64::from(self.links) << 32 | u64::from(self.sum)).to_ne_bytes()
    }
}

pub fn work() -> Work {
    let dump: &'static [u8] = black_box(dump().leak());
    let reader = |name, read: fn(&[u8]) -> Tally| Way::new(name, move |sink| sink(&read(black_box(dump)).bytes()));
    let ways = vec![
        reader("sublink", read),
        reader("nlink", nlink::read),
        reader("netlink-bindings, mode by hand", bindings::read),
        reader("neli", neli::read),
        reader("netlink-packet-route", packet_route::read),
    ];
    let mut expected = None;
    let mut work = Work { per: LINKS, ..Work::of_bytes("w3", "W3, read a link of a dump", 1, ways) };
    for way in &mut work.ways {
        (way.run)(&mut |tally| assert_eq!(tally, *expected.get_or_insert_with(|| tally.to_vec()), "{}", way.name));
    }
    let floor = move |sink: crate::measure::Sink<'_>| sink(&walk(black_box(dump)).to_ne_bytes());
    work.ways.push(Way::new("a walk over the attributes", floor));
    work
}

fn read(dump: &[u8]) -> Tally {
    let mut tally = Tally::default();
    read_dump(dump, |summary| tally.add_ours(&summary));
    tally
}
