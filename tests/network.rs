//! Docker's macvlan networks on the running kernel: parents that come and go, containers that join and leave.

#[path = "network/access.rs"]
mod access;
#[path = "network/alone.rs"]
mod alone;
#[path = "network/busy.rs"]
mod busy;
#[path = "network/chains.rs"]
mod chains;
#[path = "network/down.rs"]
mod down;
#[path = "network/help.rs"]
mod help;
#[path = "network/ipv6.rs"]
mod ipv6;
#[path = "network/members.rs"]
mod members;
#[path = "network/parents.rs"]
mod parents;
#[expect(dead_code, reason = "another suite's, of which a part is used")]
#[path = "attach/help.rs"]
mod pod;
#[path = "network/processes.rs"]
mod processes;
#[path = "network/races.rs"]
mod races;
#[path = "network/refusals.rs"]
mod refusals;
#[path = "network/removal.rs"]
mod removal;
#[path = "network/restart.rs"]
mod restart;
#[path = "network/sharing.rs"]
mod sharing;
#[expect(dead_code, reason = "another suite's, of which a part is used")]
#[path = "kernel/tools.rs"]
mod tools;
#[path = "network/watch.rs"]
mod watch;

use std::process::ExitCode;
use sublink_tests as common;

fn main() -> ExitCode {
    common::main()
}
