//! Encoding a create: W1, a macvlan with eight properties (116 bytes), and W2, a VLAN with two entries in each priority map
//! (160 bytes), against the copying of the same bytes.
//!
//! ```console
//! $ cargo bench --bench encode
//! ```
//!
//! All values are known at run time only, and the buffer is a slice that the compiler knows nothing of. `instructions`
//! counts the same work, and has the gates.

#[path = "work/throughput.rs"]
mod throughput;
mod work;

use criterion::Throughput;
use std::fs::File;
use std::hint::black_box;
use sublink::Batch;
use sublink::wire::Command;
use work::{LINKS, MacvlanWork, VlanWork};

fn main() {
    let namespace = File::open("/dev/null").unwrap();
    let (macvlan, vlan) = (black_box(MacvlanWork::new(&namespace)), black_box(VlanWork::new()));
    encode("encode W1 macvlan", || macvlan.link());
    encode("encode W2 vlan", || vlan.link());
}

/// Every way of encoding what `build` makes.
fn encode<R: Command>(title: &str, build: impl Fn() -> R) {
    let link = black_box(build());
    let mut buf = vec![0; 512];
    let len = link.encode(1, &mut buf).unwrap();
    let bytes = black_box(buf[..len].to_vec());

    let mut criterion = throughput::criterion(1, len);
    let mut group = criterion.benchmark_group(title);
    group.throughput(Throughput::Elements(1));
    group.bench_function("memcpy of the bytes, the floor", |bencher| {
        bencher.iter(|| black_box(&mut buf[..len]).copy_from_slice(black_box(&bytes)));
    });
    group.bench_function("encode", |bencher| {
        bencher.iter(|| black_box(&link).encode(black_box(7), black_box(&mut buf)));
    });
    group.bench_function("encode, exactly enough room", |bencher| {
        bencher.iter(|| black_box(&link).encode(black_box(7), black_box(&mut buf[..len])));
    });
    group.bench_function("build and encode", |bencher| {
        bencher.iter(|| build().encode(black_box(7), black_box(&mut buf)));
    });
    let mut batch = Batch::new();
    group.bench_function("build and push onto a reused batch", |bencher| {
        bencher.iter(|| {
            batch.clear();
            batch.push(&build())
        });
    });

    let mut buf = vec![0; LINKS * len + 512];
    group.throughput(Throughput::Elements(LINKS as u64));
    group.bench_function("1000 into one buffer", |bencher| {
        bencher.iter(|| {
            let mut free = black_box(&mut buf[..]);
            for seq in (0..).take(LINKS) {
                let len = black_box(&link).encode(seq, free).unwrap();
                free = &mut free[len..];
            }
        });
    });
    group.bench_function("1000 onto a reused batch", |bencher| {
        bencher.iter(|| {
            batch.clear();
            for _ in 0..LINKS {
                batch.push(black_box(&link)).unwrap();
            }
            black_box(batch.number(7)).len()
        });
    });
    group.finish();
    criterion.final_summary();
}
