//! The example `cni`: called as a runtime calls plugins, as a process with an environment and a configuration on its stdin.
//!
//! The process is this binary again, in the role `plugin`, so that a guest needs no second program.

#[path = "cni/cheaper.rs"]
mod cheaper;
#[path = "cni/demand.rs"]
mod demand;
#[path = "cni/failures.rs"]
mod failures;
#[path = "cni/killed.rs"]
mod killed;
#[path = "cni/life.rs"]
mod life;
#[path = "../examples/cni/plugin/mod.rs"]
mod plugin;
#[path = "cni/recorded.rs"]
mod recorded;
#[path = "cni/reference.rs"]
mod reference;
#[path = "cni/runtime.rs"]
mod runtime;

use std::process::ExitCode;
use sublink_tests as common;

fn main() -> ExitCode {
    common::main()
}
