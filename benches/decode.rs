//! Reading W3, a dump of 1000 macvlans as Linux 6.18 sends it, against a walk over the same attributes.
//!
//! ```console
//! $ cargo bench --bench decode
//! ```

#[path = "work/throughput.rs"]
mod throughput;
mod work;

use criterion::Throughput;
use std::hint::black_box;
use sublink::LinkView;
use sublink::wire::Messages;
use work::{LINKS, dump, read_dump, walk};

fn main() {
    let dump = black_box(dump());
    let mut criterion = throughput::criterion(LINKS, dump.len());
    let mut group = criterion.benchmark_group("decode W3, a dump of 1000 macvlans");
    group.throughput(Throughput::Elements(LINKS as u64));
    group.bench_function("walk over the attributes, the floor", |bencher| bencher.iter(|| walk(black_box(&dump))));
    group.bench_function("LinkView: index, name, MAC, parent, kind, mode", |bencher| {
        bencher.iter(|| {
            read_dump(black_box(&dump), |summary| {
                black_box(&summary);
            });
        });
    });
    group.bench_function("LinkInfo: a copy of everything", |bencher| {
        bencher.iter(|| {
            for message in Messages::new(black_box(&dump)).map_while(Result::ok) {
                black_box(LinkView::of(message).map(|link| link.to_owned()));
            }
        });
    });
    group.finish();
    criterion.final_summary();
}
