//! This library and its peers on the same work: what it costs in instructions, allocations and time.
//!
//! ```console
//! $ cargo run --release --manifest-path benches/peers/Cargo.toml                  # prints the table
//! $ cargo run --release --manifest-path benches/peers/Cargo.toml -- w1 attach     # prints a part of it
//! $ cargo run --release --manifest-path benches/peers/Cargo.toml -- lean          # what it takes to embed each
//! $ cargo run --release --manifest-path benches/peers/Cargo.toml -- --markdown    # all, and writes BENCHMARKS.md
//! ```
//!
//! No root is needed. Counts need valgrind.

mod chart;
mod count;
mod decode;
mod encode;
mod kernel;
mod lean;
mod measure;
mod peers;
mod report;
mod table;
#[path = "../../work/mod.rs"]
mod work;

use measure::{Cost, Work, be_measured, measure};
use std::{env, process};
use sublink::{IfIndex, Socket};
use work::callgrind::MEASURED;

type Build = fn() -> Work;
type BuildWithKernel = fn(IfIndex) -> Work;

const WITHOUT_KERNEL: &[(&str, Build)] = &[("w1", encode::macvlan), ("w2", encode::vlan), ("w3", decode::work)];
/// The one that leaves a thousand links behind comes last.
const WITH_KERNEL: &[(&str, BuildWithKernel)] = &[
    ("create", kernel::create),
    ("attach", kernel::attach),
    ("detach", kernel::detach),
    ("delete", kernel::delete),
    ("list", kernel::list),
];

fn main() {
    if let Ok(what) = env::var(MEASURED) {
        let (id, way) = what.split_once('/').expect("a work and the number of a way");
        let work = work_without_kernel(id).unwrap_or_else(|| {
            work_with_kernel(id, parent_in_fresh_namespace().expect("a namespace")).expect("a work")
        });
        return be_measured(work, way.parse().expect("a number"));
    }
    let mut wanted: Vec<_> = env::args().skip(1).collect();
    let is_report = wanted.iter().any(|argument| argument == "--markdown");
    wanted.retain(|argument| argument != "--markdown");
    let all = wanted.is_empty();
    if all || wanted.iter().any(|wanted| wanted != "lean") {
        let costs = costs(|id| all || wanted.iter().any(|wanted| wanted == id));
        print!("{}", table::text(&costs));
        if is_report && all {
            report::write_costs(&costs);
        }
    }
    if wanted.iter().any(|wanted| wanted == "lean") || (all && is_report) {
        let table = lean::table(&env::temp_dir().join(format!("sublink-lean-{}", process::id())));
        print!("{table}");
        if is_report {
            report::write_lean(&table);
        }
    }
}

fn costs(is_wanted: impl Fn(&str) -> bool) -> Vec<(&'static str, Vec<Cost>)> {
    let mut costs = Vec::new();
    let mut measured = |mut work: Work| {
        let cost = measure(&mut work);
        costs.push((work.what, cost));
    };
    for (_, build) in WITHOUT_KERNEL.iter().filter(|(id, _)| is_wanted(id)) {
        measured(build());
    }
    let with_kernel: Vec<_> = WITH_KERNEL.iter().filter(|(id, _)| is_wanted(id)).collect();
    if with_kernel.is_empty() {
        return costs;
    }
    match parent_in_fresh_namespace() {
        Ok(parent) => with_kernel.iter().for_each(|(_, build)| measured(build(parent))),
        Err(why) => println!("the kernel's part is skipped: {why}"),
    }
    costs
}

fn work_without_kernel(id: &str) -> Option<Work> {
    WITHOUT_KERNEL.iter().find(|work| work.0 == id).map(|(_, build)| build())
}

fn work_with_kernel(id: &str, parent: IfIndex) -> Option<Work> {
    WITH_KERNEL.iter().find(|work| work.0 == id).map(|(_, build)| build(parent))
}

fn parent_in_fresh_namespace() -> Result<IfIndex, String> {
    work::kernel::enter_fresh_namespace()?;
    let mut host = Socket::open().map_err(|error| error.to_string())?;
    work::kernel::parent(&mut host).map_err(|error| error.to_string())
}
