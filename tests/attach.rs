//! Attaching containers on the running kernel: whole or not at all, whatever the container does meanwhile.

#[path = "attach/behind.rs"]
mod behind;
#[path = "attach/between.rs"]
mod between;
#[path = "attach/checks.rs"]
mod checks;
#[path = "attach/devices.rs"]
mod devices;
#[path = "attach/events.rs"]
mod events;
#[path = "attach/failures.rs"]
mod failures;
#[path = "attach/found.rs"]
mod found;
#[path = "attach/handover.rs"]
mod handover;
#[path = "attach/help.rs"]
mod help;
#[path = "attach/ipv6.rs"]
mod ipv6;
#[path = "attach/many.rs"]
mod many;
#[path = "attach/rootless.rs"]
mod rootless;
#[path = "attach/routes.rs"]
mod routes;
#[expect(dead_code, reason = "another suite's, of which a part is used")]
#[path = "kernel/tools.rs"]
mod tools;
#[path = "attach/traced.rs"]
mod traced;
#[path = "attach/usable.rs"]
mod usable;
#[path = "attach/whole.rs"]
mod whole;

use std::process::ExitCode;
use sublink_tests as common;

fn main() -> ExitCode {
    common::main()
}
