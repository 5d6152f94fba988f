//! Neighbours, forwarding entries and who stands on a parent, on the running kernel. Each test has a network namespace of its
//! own. What they do to packets is in the suite `traffic`.

#[path = "neigh/entries.rs"]
mod entries;
#[path = "neigh/forwarding.rs"]
mod forwarding;
#[path = "neigh/standing.rs"]
mod standing;

use std::process::ExitCode;
use sublink_tests as common;

fn main() -> ExitCode {
    common::main()
}
