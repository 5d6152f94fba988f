//! A socket whose peer lies, keeps silent, floods or interrupts; descriptors of every sort; and what is left behind.

#[path = "attacks/descriptors.rs"]
mod descriptors;
#[path = "attacks/errors.rs"]
mod errors;
#[path = "attacks/forged.rs"]
mod forged;
#[path = "attacks/fork.rs"]
mod fork;
#[path = "attacks/lists.rs"]
mod lists;
#[path = "attacks/overrun.rs"]
mod overrun;
#[path = "attacks/silent.rs"]
mod silent;
#[path = "attacks/tools.rs"]
mod tools;

use std::process::ExitCode;
use sublink_tests as common;

fn main() -> ExitCode {
    common::main()
}
