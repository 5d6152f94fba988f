//! Attaching containers on the running kernel: whole or not at all, whatever the container does meanwhile.

#[path = "attach/behind.rs"]
mod behind;
#[path = "attach/between.rs"]
mod between;
#[path = "attach/checks.rs"]
mod checks;
#[path = "attach/devices.rs"]
mod devices;
#[path = "attach/failures.rs"]
mod failures;
#[path = "attach/found.rs"]
mod found;
#[path = "attach/handover.rs"]
mod handover;
#[path = "attach/help.rs"]
mod help;
#[path = "attach/many.rs"]
mod many;
#[path = "attach/rootless.rs"]
mod rootless;
#[path = "attach/routes.rs"]
mod routes;
#[path = "attach/traced.rs"]
mod traced;
#[path = "attach/whole.rs"]
mod whole;

use std::process::ExitCode;
use sublink_tests as common;

fn main() -> ExitCode {
    common::main()
}
