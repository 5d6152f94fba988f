//! What each kind of link and each mode lets through, between containers, their host and what is outside.

#[path = "traffic/access.rs"]
mod access;
#[path = "traffic/adverts.rs"]
mod adverts;
#[path = "traffic/arp.rs"]
mod arp;
#[path = "traffic/capture.rs"]
mod capture;
#[path = "traffic/entries.rs"]
mod entries;
#[path = "traffic/ipvlan.rs"]
mod ipvlan;
#[path = "traffic/lan.rs"]
mod lan;
#[path = "traffic/macvlan.rs"]
mod macvlan;
#[path = "traffic/neighbours.rs"]
mod neighbours;
#[path = "traffic/networks.rs"]
mod networks;
#[path = "traffic/parents.rs"]
mod parents;
#[path = "traffic/returns.rs"]
mod returns;
#[path = "traffic/routers.rs"]
mod routers;
#[path = "traffic/senders.rs"]
mod senders;
#[path = "traffic/station.rs"]
mod station;
#[path = "traffic/subnets.rs"]
mod subnets;
#[path = "traffic/tags.rs"]
mod tags;
#[path = "kernel/tools.rs"]
#[expect(dead_code, reason = "the suite of the kernel's answers uses the rest")]
mod tools;
#[path = "traffic/vlan.rs"]
mod vlan;
#[path = "traffic/waits.rs"]
mod waits;

use std::process::ExitCode;
use sublink_tests as common;

fn main() -> ExitCode {
    common::main()
}
