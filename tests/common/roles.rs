//! A test binary that starts itself again as another process: with less rights, or at the same time.

use super::Skip;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use sublink::Netns;

/// The environment variable that names the role.
pub const ROLE: &str = "SUBLINK_TEST_ROLE";

/// A function that `#[role]` has found.
#[derive(Debug)]
pub struct Role {
    /// The function's name.
    pub name: &'static str,
    /// What the process does.
    pub run: fn(),
}

inventory::collect!(Role);

/// What this process was started for, if it was started for a role.
pub fn of_this_process() -> Option<fn()> {
    let wanted = std::env::var(ROLE).ok()?;
    let role = inventory::iter::<Role>().find(|role| role.name == wanted);
    Some(role.unwrap_or_else(|| panic!("no role {wanted}")).run)
}

/// Starts this binary in a role, behind `unshare`; its standard input is the test's network namespace.
pub fn start(role: &str, unshare: &str) -> Result<Child, Skip> {
    let probe = Command::new("unshare").args([unshare, "true"]).output().expect("unshare");
    if !probe.status.success() {
        return Err(Skip(format!("no user namespaces here: {}", String::from_utf8_lossy(&probe.stderr).trim())));
    }
    let here: OwnedFd = Netns::current().expect("a namespace").into();
    let mut command = Command::new("unshare");
    command.arg(unshare).arg(std::env::current_exe().expect("this binary")).env(ROLE, role);
    Ok(command.stdin(here).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs"))
}

/// Waits for its end, which has to be a good one.
#[track_caller]
pub fn finish(child: Child) {
    let output = child.wait_with_output().expect("its end");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
