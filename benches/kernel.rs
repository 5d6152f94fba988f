//! Work with the kernel, against the same bytes made beforehand and sent on a plain socket: nearly all of it is the kernel's.
//!
//! ```console
//! $ cargo bench --bench kernel
//! ```
//!
//! It happens in namespaces of its own and needs no root. What makes ready and tidies up is not measured.

#[path = "work/throughput.rs"]
mod throughput;
mod work;

use criterion::{BenchmarkGroup, SamplingMode, Throughput};
use std::hint::black_box;
use std::time::{Duration, Instant};
use sublink::link::DeleteLink;
use sublink::{IfIndex, LinkChange, ListLinks, MacvlanMode, Netns, Sandbox, Socket};
use throughput::LinksAndBytes;
use work::kernel::{
    GROUP, Link, Plain, attach_bytes, encoded, endpoint, enter_fresh_namespace, macvlan, parent, remove_endpoints,
};
use work::{LINKS, Summary};

type Group<'a> = BenchmarkGroup<'a, LinksAndBytes>;

/// Links, or containers, that are there at a time, where they come and go.
const LINKS_AT_A_TIME: usize = 100;
const PODS: usize = 32;

const FLOOR: &str = "the floor: bytes made beforehand, a plain socket";
const OURS: &str = "Socket";

fn main() {
    // Entered before there is a second thread.
    if let Err(why) = enter_fresh_namespace() {
        println!("skipped: {why}. Run it as root, or let users make user namespaces.");
        return;
    }
    let parent = parent(&mut socket()).unwrap();
    create("create a macvlan", |number| macvlan(parent, number));
    create("create a macvlan, up", |number| macvlan(parent, number).up());
    attach(parent);
    change(parent);
    delete(parent);
    delete_group(parent);
    list(parent);
}

fn socket() -> Socket {
    Socket::open().unwrap()
}

fn plain() -> Plain {
    Plain::open().unwrap()
}

/// Benchmarks of which each call does something to so many links, in so many bytes.
fn group(title: &str, links: usize, bytes: usize, measure: impl FnOnce(&mut Group<'_>)) {
    // What is not measured takes longer than what is: short times are long enough.
    let (warm_up, measurement) = (Duration::from_millis(300), Duration::from_secs(1));
    let criterion = throughput::criterion(links, bytes).warm_up_time(warm_up).measurement_time(measurement);
    let mut criterion = criterion.sample_size(10);
    let mut group = criterion.benchmark_group(title);
    group.sampling_mode(SamplingMode::Flat).throughput(Throughput::Elements(links as u64));
    measure(&mut group);
    group.finish();
    criterion.final_summary();
}

/// Measures `work` on each thing that `before` makes, of which it makes no more than it is told; `after` tidies up.
fn measure<T>(
    group: &mut Group<'_>,
    way: &str,
    mut before: impl FnMut(usize) -> Vec<T>,
    mut work: impl FnMut(T),
    mut after: impl FnMut(),
) {
    let mut timed = |calls: u64| {
        let (mut left, mut time) = (usize::try_from(calls).unwrap(), Duration::ZERO);
        while left > 0 {
            let things = before(left.min(LINKS_AT_A_TIME));
            left -= things.len();
            let start = Instant::now();
            things.into_iter().for_each(&mut work);
            time += start.elapsed();
            after();
        }
        time
    };
    group.bench_function(way, |bencher| bencher.iter_custom(&mut timed));
}

/// Makes so many macvlans.
fn make(parent: IfIndex) -> impl FnMut(usize) -> Vec<IfIndex> {
    let mut host = socket();
    move |count| (0..count).map(|number| host.create(&macvlan(parent, number)).unwrap()).collect()
}

fn remove_all() -> impl FnMut() {
    let mut host = socket();
    move || host.delete_group(GROUP).unwrap()
}

fn create(title: &str, link: impl Fn(usize) -> Link) {
    let links = |count| (0..count).map(&link).collect::<Vec<_>>();
    let bytes = |count| links(count).iter().map(encoded).collect();
    let (mut plain, mut host) = (plain(), socket());
    group(title, 1, encoded(&link(0)).len(), |group| {
        measure(group, FLOOR, bytes, |bytes: Vec<u8>| plain.send(&bytes), remove_all());
        measure(group, OURS, links, |link| _ = host.create(&link).unwrap(), remove_all());
    });
}

fn attach(parent: IfIndex) {
    let pods: Vec<_> = (0..PODS).map(|_| Netns::create().unwrap()).collect();
    let some = |count: usize| (0..count.min(PODS)).collect::<Vec<_>>();
    let remove = || remove_endpoints(&pods);

    let bytes: Vec<_> = pods.iter().map(|pod| attach_bytes(parent, pod)).collect();
    let mut plain_inside: Vec<_> = pods.iter().map(|pod| pod.run(plain).unwrap()).collect();
    let mut sandboxes: Vec<_> = pods.iter().map(|pod| Sandbox::of(pod.try_clone().unwrap()).unwrap()).collect();
    let (mut plain, mut host, endpoint) = (plain(), socket(), endpoint(parent));
    group("attach a container", 1, bytes[0].0.len() + bytes[0].1.len(), |group| {
        let by_bytes = |pod: usize| {
            plain.send(&bytes[pod].0);
            plain_inside[pod].send(&bytes[pod].1);
        };
        measure(group, FLOOR, some, by_bytes, remove);
        let by_endpoint = |pod: usize| _ = endpoint.attach(&mut host, &mut sandboxes[pod]).unwrap();
        measure(group, "Endpoint", some, by_endpoint, remove);
    });
}

fn change(parent: IfIndex) {
    let link = make(parent)(1)[0];
    let changes = [MacvlanMode::Private, MacvlanMode::Vepa].map(|mode| LinkChange::macvlan(link).mode(mode));
    let bytes = changes.each_ref().map(encoded);
    let alternately = |count| (0..count).map(|number| number % 2).collect::<Vec<_>>();
    let (mut plain, mut host) = (plain(), socket());
    group("change a macvlan's mode", 1, bytes[0].len(), |group| {
        measure(group, FLOOR, alternately, |which: usize| plain.send(&bytes[which]), || {});
        measure(group, OURS, alternately, |which: usize| host.change(&changes[which]).unwrap(), || {});
    });
    remove_all()();
}

fn delete(parent: IfIndex) {
    let bytes = |index| encoded(&DeleteLink::index(index));
    let make_bytes = |count| make(parent)(count).into_iter().map(bytes).collect();
    let (mut plain, mut host) = (plain(), socket());
    group("delete macvlans one by one", 1, bytes(parent).len(), |group| {
        measure(group, FLOOR, make_bytes, |bytes: Vec<u8>| plain.send(&bytes), || {});
        measure(group, OURS, make(parent), |index| host.delete(index).unwrap(), || {});
    });
}

fn delete_group(parent: IfIndex) {
    let bytes = encoded(&DeleteLink::group(GROUP));
    let make_one_group = |_| {
        make(parent)(LINKS_AT_A_TIME);
        vec![()]
    };
    let (mut plain, mut host) = (plain(), socket());
    group("delete 100 macvlans by their group", LINKS_AT_A_TIME, bytes.len(), |group| {
        measure(group, FLOOR, make_one_group, |()| plain.send(&bytes), || {});
        measure(group, OURS, make_one_group, |()| host.delete_group(GROUP).unwrap(), || {});
    });
}

fn list(parent: IfIndex) {
    make(parent)(LINKS);
    let request = ListLinks::new().kind("macvlan");
    let bytes = encoded(&request);
    let (mut plain, mut host) = (plain(), socket());
    plain.send(&bytes);
    group("list 1000 macvlans", LINKS, plain.received, |group| {
        group.bench_function(FLOOR, |bencher| bencher.iter(|| plain.send(&bytes)));
        group.bench_function(OURS, |bencher| {
            bencher.iter(|| {
                let mut links = host.links(&request).unwrap();
                while let Some(link) = links.next().unwrap() {
                    black_box(Summary::of(&link));
                }
            });
        });
    });
}
