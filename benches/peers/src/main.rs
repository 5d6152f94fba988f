//! This library and its peers on the same work: what it costs in instructions, allocations and time.
//!
//! ```console
//! $ cargo run --release --manifest-path benches/peers/Cargo.toml                # prints the table
//! $ cargo run --release --manifest-path benches/peers/Cargo.toml -- w1 attach   # prints a part of it
//! ```
#![expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "small numbers")]

mod count;
mod decode;
mod encode;
mod kernel;
mod measure;
mod peers;
mod table;
#[path = "../../work/mod.rs"]
mod work;

use measure::{Work, be_measured, measure};
use std::env;
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
    let wanted: Vec<_> = env::args().skip(1).collect();
    let is_wanted = |id: &&str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == id);
    let mut costs = Vec::new();
    for id in WITHOUT_KERNEL.iter().map(|(id, _)| *id).filter(is_wanted) {
        let mut work = work_without_kernel(id).unwrap();
        costs.push((work.what, measure(&mut work)));
    }
    match parent_in_fresh_namespace() {
        Ok(parent) => {
            for id in WITH_KERNEL.iter().map(|(id, _)| *id).filter(is_wanted) {
                let mut work = work_with_kernel(id, parent).unwrap();
                costs.push((work.what, measure(&mut work)));
            }
        }
        Err(why) => println!("the kernel's part is skipped: {why}"),
    }
    print!("{}", table::text(&costs));
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
