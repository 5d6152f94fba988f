//! The library on the running kernel. Each test has a network namespace of its own.

#[path = "kernel/common_properties.rs"]
mod common_properties;
#[path = "kernel/every_link.rs"]
mod every_link;
#[path = "kernel/macvlan.rs"]
mod macvlan;
#[path = "kernel/macvtap.rs"]
mod macvtap;
#[path = "kernel/neighbours.rs"]
mod neighbours;
#[path = "kernel/parents.rs"]
mod parents;
#[path = "kernel/refusals.rs"]
mod refusals;
#[path = "kernel/senders.rs"]
mod senders;
#[path = "kernel/tools.rs"]
mod tools;
#[path = "kernel/twins.rs"]
mod twins;
#[path = "kernel/vlan.rs"]
mod vlan;
#[path = "kernel/vlan_refusals.rs"]
mod vlan_refusals;

use std::process::ExitCode;
use sublink_tests as common;

fn main() -> ExitCode {
    common::main()
}
