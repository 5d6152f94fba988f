//! The example `docker_network`: Docker's commands as Docker's users write them, on the running kernel.
//!
//! Its commands are part of this suite, so that they run in each test's own namespace and need no second program, which in a
//! guest would have to be found; all that is left out is how the words get from the command line.

#[path = "docker_network/daily.rs"]
mod daily;
#[path = "../examples/docker_network/docker/mod.rs"]
mod docker;
#[path = "docker_network/gone.rs"]
mod gone;
#[path = "docker_network/life.rs"]
mod life;
#[path = "docker_network/messages.rs"]
mod messages;
#[path = "docker_network/restart.rs"]
mod restart;
#[path = "docker_network/shell.rs"]
mod shell;
#[path = "docker_network/tutorial.rs"]
mod tutorial;
#[path = "traffic/waits.rs"]
#[expect(dead_code, reason = "the suite of what passes uses the rest")]
mod waits;

use std::process::ExitCode;
use sublink_tests as common;

fn main() -> ExitCode {
    common::main()
}
