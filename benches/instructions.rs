//! Instructions of the hot path, with a gate on each count: more is a failure.
//!
//! ```console
//! $ cargo bench --bench instructions
//! ```
//!
//! Callgrind counts what one call executes in user space, from the first instruction of the function that makes it to its
//! return: so the counts do not depend on the machine's speed, or on what else it does. They are of the default release
//! profile: this is another crate than the library, without link-time optimisation. Gates hold for x86-64.

mod work;

use std::fs::File;
use std::hint::black_box;
use std::process::ExitCode;
use sublink::endpoint::Detach;
use sublink::link::{Ipv4Setting, Macvlan, Vlan};
use sublink::wire::NoRoom;
use sublink::{Attached, Batch, Endpoint, IfIndex, MacvlanMode, NewLink, Request, Sandbox, Socket};
use work::callgrind::{MEASURED, callgrind, has_valgrind};
use work::kernel::{enter_fresh_namespace, name, parent};
use work::{LINKS, MacvlanWork, Summary, VlanWork, dump, read_dump};

type Encoded = Result<usize, NoRoom>;

struct Gate {
    /// The function that is measured, without `measure_`.
    function: &'static str,
    what: &'static str,
    /// Divides the count.
    per: usize,
    most: usize,
    needs_kernel: bool,
}

const fn gate(function: &'static str, what: &'static str, most: usize) -> Gate {
    Gate { function, what, per: 1, most, needs_kernel: false }
}

const GATES: &[Gate] = &[
    gate("w1_encode", "W1, encode a macvlan with 8 properties", 120),
    gate("w1_exact", "W1, into a buffer of exactly its size", 240),
    gate("w1_build", "W1, build the request and encode it", 150),
    gate("w1_push", "W1, build it and push it onto a reused batch", 200),
    gate("w2_encode", "W2, encode a VLAN with 2 + 2 QoS entries", 180),
    gate("w2_exact", "W2, into a buffer of exactly its size", 360),
    gate("w2_build", "W2, build the request and encode it", 300),
    Gate { per: LINKS, ..gate("w3_read", "W3, read a link of a dump", 1_450) },
    Gate { needs_kernel: true, ..gate("create", "a whole create: encode, send, receive, read", 1_500) },
    Gate { needs_kernel: true, ..gate("attach", "a whole attach: link, settings, address, up, route", 5_000) },
];

// ---- What is measured: functions of their own, and different enough that the compiler does not make one of two ----

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
fn measure_w1_push(work: &MacvlanWork<'_>, batch: &mut Batch) -> sublink::Result<usize> {
    batch.push(&work.link())
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
fn measure_w3_read(dump: &[u8]) {
    read_dump(dump, |summary: Summary<'_>| {
        black_box(&summary);
    });
}

#[inline(never)]
fn measure_create(host: &mut Socket, link: &NewLink<'_, Macvlan<'_>>) -> sublink::Result<IfIndex> {
    host.create(link)
}

#[inline(never)]
fn measure_attach(endpoint: &Endpoint<'_>, host: &mut Socket, pod: &mut Sandbox) -> sublink::Result<Attached> {
    endpoint.attach(host, pod)
}

fn work_without_kernel() {
    let file = File::open("/dev/null").unwrap();
    let (macvlan, vlan) = (black_box(MacvlanWork::new(&file)), black_box(VlanWork::new()));
    let mut buf = black_box([0; 512]);
    black_box(measure_w1_encode(black_box(&macvlan.link()), black_box(7), black_box(&mut buf)).unwrap());
    black_box(measure_w1_exact(black_box(&mut buf[..116]), black_box(7), black_box(&macvlan.link())).unwrap());
    black_box(measure_w1_build(black_box(&macvlan), black_box(7), black_box(&mut buf)).unwrap());
    black_box(measure_w2_encode(black_box(&vlan.link()), black_box(7), black_box(&mut buf)).unwrap());
    black_box(measure_w2_exact(black_box(&mut buf[..160]), black_box(7), black_box(&vlan.link())).unwrap());
    black_box(measure_w2_build(black_box(&vlan), black_box(7), black_box(&mut buf)).unwrap());
    let mut batch = Batch::new();
    batch.push(&macvlan.link()).unwrap();
    batch.clear();
    black_box(measure_w1_push(black_box(&macvlan), black_box(&mut batch)).unwrap());
    measure_w3_read(black_box(&dump()));
}

fn work_with_kernel() {
    enter_fresh_namespace().unwrap();
    let mut host = Socket::open().unwrap();
    let parent = parent(&mut host).unwrap();
    let link = black_box(NewLink::macvlan(parent).mode(MacvlanMode::Bridge).name(name("mv0")).up());
    let made = measure_create(&mut host, &link).unwrap();
    host.delete(made).unwrap();

    let mut pod = Sandbox::create().unwrap();
    let endpoint = Endpoint::new(NewLink::macvlan(parent).mode(MacvlanMode::Bridge).name(name("eth0")))
        .addr("10.0.50.7/24".parse().unwrap())
        .gateway("10.0.50.1".parse().unwrap())
        .ipv4(Ipv4Setting::ARP_NOTIFY, 1);
    let attached = measure_attach(black_box(&endpoint), &mut host, &mut pod).unwrap();
    attached.detach(&mut host, &mut pod, &Detach::new()).unwrap();
}

// ---- Measuring ----

fn main() -> ExitCode {
    match std::env::var(MEASURED).as_deref() {
        Ok("kernel") => work_with_kernel(),
        Ok(_) => work_without_kernel(),
        Err(_) => return measure(),
    }
    ExitCode::SUCCESS
}

/// Runs this program again, under callgrind, and compares.
fn measure() -> ExitCode {
    if !cfg!(target_arch = "x86_64") {
        println!("skipped: the gates hold for x86-64");
        return ExitCode::SUCCESS;
    }
    if !has_valgrind() {
        println!("skipped: no valgrind here (on Debian: `./netns-test.sh --install` as root)");
        return ExitCode::SUCCESS;
    }
    let mut counts = callgrind("bytes").expect("the measured work");
    // A child, so that this process stays where it is.
    let forbidden = match callgrind("kernel") {
        Ok(kernel) => {
            counts.extend(kernel);
            None
        }
        Err(error) => Some(error),
    };
    let mut failed = false;
    println!("instructions    gate");
    for Gate { function, what, per, most, needs_kernel } in GATES {
        let verdict = match (counts.get(*function), &forbidden) {
            (Some(count), _) => {
                let count = count.div_ceil(*per);
                failed |= count > *most;
                format!("{count:>12}  {most:>6}  {what}{}", if count > *most { "   ABOVE THE GATE" } else { "" })
            }
            (None, Some(why)) if *needs_kernel => format!("{:>12}  {most:>6}  {what}: {why}", "skipped"),
            (None, _) => {
                failed = true;
                format!("{:>12}  {most:>6}  {what}: NOT FOUND", "?")
            }
        };
        println!("{verdict}");
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
