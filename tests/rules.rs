//! The rules of the socket and of the kernel behind it: what an operation does, what it leaves, and what it says.

#[path = "rules/batch.rs"]
mod batch;
#[path = "rules/change.rs"]
mod change;
#[path = "rules/create.rs"]
mod create;
#[path = "rules/help.rs"]
mod help;
#[path = "rules/lists.rs"]
mod lists;
#[path = "rules/moves.rs"]
mod moves;
#[path = "rules/names.rs"]
mod names;
#[path = "rules/namespaces.rs"]
mod namespaces;
#[path = "rules/scale.rs"]
mod scale;
#[path = "rules/versions.rs"]
mod versions;

use std::process::ExitCode;
use sublink_tests as common;

fn main() -> ExitCode {
    common::main()
}
