//! The fault matrix: each system call of each operation goes wrong once, from there on, or is the last one of a process that
//! is killed. Afterwards what there is must be what the outcome says, and the next call must go well.
//!
//! The rows are made from a recording of the operation, so a new call of the library's is a new row; a call that stands in no
//! row of `calls::TABLE` fails the test. Calls are one site, and one row, if they and the calls before them in their thread are
//! about the same: of those of a loop, the first, the second and the last go wrong.

#[cfg(target_arch = "x86_64")]
#[path = "faults/attach.rs"]
mod attach;
#[cfg(target_arch = "x86_64")]
#[path = "faults/calls.rs"]
mod calls;
#[cfg(target_arch = "x86_64")]
#[path = "faults/detach.rs"]
mod detach;
#[cfg(target_arch = "x86_64")]
#[path = "faults/devices.rs"]
mod devices;
#[cfg(target_arch = "x86_64")]
#[path = "faults/matrix.rs"]
mod matrix;
#[cfg(target_arch = "x86_64")]
#[path = "faults/network.rs"]
mod network;
#[cfg(target_arch = "x86_64")]
#[path = "faults/parents.rs"]
mod parents;
#[path = "faults/pids.rs"]
mod pids;
#[cfg(target_arch = "x86_64")]
#[expect(dead_code, reason = "another suite's, of which a part is used")]
#[path = "attach/help.rs"]
mod pod;
#[cfg(target_arch = "x86_64")] // whose registers it reads and writes
#[path = "faults/tracer.rs"]
mod tracer;
#[cfg(target_arch = "x86_64")]
#[path = "faults/world.rs"]
mod world;

use std::process::ExitCode;
use sublink_tests as common;

/// Elsewhere the matrix is missing, and says so.
#[cfg(not(target_arch = "x86_64"))]
#[sublink_tests::kernel_test]
fn the_matrix() -> Result<(), common::Skip> {
    Err(common::Skip("calls are made to go wrong by the registers of x86_64".into()))
}

fn main() -> ExitCode {
    common::main()
}
