//! Instructions and allocations of the hot path, counted, with a gate on each: more is a failure.
//!
//! ```console
//! $ cargo bench --bench instructions
//! ```
//!
//! Callgrind counts what one call executes, from the first instruction of the function that makes it to its return. So the
//! figures hold on any machine of the same architecture, whatever else it does. They are of the default release profile:
//! this is another crate than the library, without link-time optimisation.

mod work;

use std::fs::File;
use std::hint::black_box;
use sublink::wire::NoRoom;
use sublink::{Macvlan, NewLink, Request, Vlan};
use work::{MacvlanWork, Summary, VlanWork, dump, read_dump};

type Encoded = Result<usize, NoRoom>;

#[inline(never)]
fn measure_w1_encode(link: &NewLink<'_, Macvlan<'_>>, seq: u32, buf: &mut [u8]) -> Encoded {
    link.encode(seq, buf)
}

#[inline(never)]
fn measure_w1_exact(buf: &mut [u8], seq: u32, link: &NewLink<'_, Macvlan<'_>>) -> Encoded {
    link.encode(seq, buf)
}

#[inline(never)]
fn measure_w1_build(work: &MacvlanWork<'_>, seq: u32, buf: &mut [u8]) -> Encoded {
    work.link().encode(seq, buf)
}

#[inline(never)]
fn measure_w2_encode(link: &NewLink<'_, Vlan<'_>>, seq: u32, buf: &mut [u8]) -> Encoded {
    link.encode(seq, buf)
}

#[inline(never)]
fn measure_w2_exact(buf: &mut [u8], seq: u32, link: &NewLink<'_, Vlan<'_>>) -> Encoded {
    link.encode(seq, buf)
}

#[inline(never)]
fn measure_w2_build(work: &VlanWork, seq: u32, buf: &mut [u8]) -> Encoded {
    work.link().encode(seq, buf)
}

#[inline(never)]
fn measure_w3(dump: &[u8]) {
    read_dump(dump, keep);
}

/// Takes a summary as a caller's own code would; its instructions are not the library's, and are few.
#[inline(always)]
fn keep(summary: Summary<'_>) {
    black_box(&summary);
}

fn main() {
    let file = File::open("/dev/null").unwrap();
    let (macvlan, vlan) = (black_box(MacvlanWork::new(&file)), black_box(VlanWork::new()));
    let mut buf = black_box([0; 512]);
    black_box(measure_w1_encode(black_box(&macvlan.link()), black_box(7), black_box(&mut buf)).unwrap());
    black_box(measure_w1_exact(black_box(&mut buf[..116]), black_box(7), black_box(&macvlan.link())).unwrap());
    black_box(measure_w1_build(black_box(&macvlan), black_box(7), black_box(&mut buf)).unwrap());
    black_box(measure_w2_encode(black_box(&vlan.link()), black_box(7), black_box(&mut buf)).unwrap());
    black_box(measure_w2_exact(black_box(&mut buf[..160]), black_box(7), black_box(&vlan.link())).unwrap());
    black_box(measure_w2_build(black_box(&vlan), black_box(7), black_box(&mut buf)).unwrap());
    measure_w3(black_box(&dump()));
}
