//! Why a request failed: each cause is brought about on the kernel, and looked into.

#[path = "explain/asking.rs"]
mod asking;
#[expect(dead_code, reason = "another suite's, of which a part is used")]
#[path = "rules/help.rs"]
mod help;
#[path = "explain/macs.rs"]
mod macs;
#[path = "explain/made.rs"]
mod made;
#[path = "explain/modes.rs"]
mod modes;
#[path = "explain/namespaces.rs"]
mod namespaces;
#[path = "explain/parents.rs"]
mod parents;
#[path = "explain/permissions.rs"]
mod permissions;
#[path = "explain/table.rs"]
mod table;
#[path = "explain/taken.rs"]
mod taken;
#[expect(dead_code, reason = "another suite's, of which a part is used")]
#[path = "kernel/twins.rs"]
mod twins;
#[path = "explain/vlans.rs"]
mod vlans;
#[path = "explain/why.rs"]
mod why;

use std::process::ExitCode;
use sublink_tests as common;

fn main() -> ExitCode {
    common::main_with(table::tests())
}
