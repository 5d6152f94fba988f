//! Who is detached reaches nobody, whatever it did before, or the outcome does not say that it is off the network: by traffic.

#[path = "detached/cases.rs"]
mod cases;
#[path = "detached/known.rs"]
mod known;
#[path = "detached/snatch.rs"]
mod snatch;
#[path = "detached/spared.rs"]
mod spared;
#[path = "detached/world.rs"]
mod world;

use std::process::ExitCode;
use sublink_tests as common;

fn main() -> ExitCode {
    common::main()
}
