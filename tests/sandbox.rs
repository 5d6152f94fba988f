//! Sandboxes and named namespaces on the running kernel: opened in every way, with few threads and no descriptor left,
//! interchangeable with those of `ip netns`.

#[path = "sandbox/loopback.rs"]
mod loopback;
#[path = "sandbox/named.rs"]
mod named;
#[path = "sandbox/open.rs"]
mod open;
#[path = "sandbox/races.rs"]
mod races;
#[path = "sandbox/sysctl.rs"]
mod sysctl;
#[path = "sandbox/traced.rs"]
mod traced;
#[expect(dead_code, reason = "another suite's, of which a part is used")]
#[path = "traffic/waits.rs"]
mod waits;

use std::process::ExitCode;
use sublink_tests as common;

fn main() -> ExitCode {
    common::main()
}
