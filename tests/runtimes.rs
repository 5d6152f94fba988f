//! The example `cni` under container runtimes: `examples/cni/runtimes.sh`, one test a runtime.
//!
//! This binary is the plugin as well, so that a guest needs no second program: runtimes call plugins with CNI_COMMAND.

#[path = "../examples/cni/plugin/mod.rs"]
mod plugin;

use std::fs;
use std::process::{Command, ExitCode};
use std::sync::{Mutex, PoisonError};
use sublink_tests as common;
use sublink_tests::{Skip, kernel_test, own_run};

const SCRIPT: &str = "/run/runtimes.sh";

/// What the script exits with where a runtime cannot run.
const CANNOT_RUN: i32 = 2;

/// They wait for each other for seconds only, which on an emulated machine is not enough for two at once.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

#[kernel_test]
fn podman() -> Result<(), Skip> {
    under("podman")
}

#[kernel_test]
fn containerd() -> Result<(), Skip> {
    under("containerd")
}

/// A container gets its address by this plugin, and nothing of it is left.
fn under(runtime: &str) -> Result<(), Skip> {
    own_run()?;
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    fs::write(SCRIPT, include_str!("../examples/cni/runtimes.sh")).expect("a script");
    let plugin = std::env::current_exe().expect("this binary");
    let output = Command::new("bash").arg(SCRIPT).arg(plugin).arg(runtime).output();
    let output = output.map_err(|error| Skip(format!("no bash here: {error}")))?;
    let said = String::from_utf8_lossy(&output.stdout);
    match output.status.code() {
        Some(0) => Ok(()),
        Some(CANNOT_RUN) => Err(Skip(said.lines().last().unwrap_or_default().to_owned())),
        _ => panic!("{}: {said}{}", output.status, String::from_utf8_lossy(&output.stderr)),
    }
}

fn main() -> ExitCode {
    if std::env::var_os("CNI_COMMAND").is_some() { plugin::main() } else { common::main() }
}
