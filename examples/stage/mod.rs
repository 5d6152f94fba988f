//! What the examples share: they enter namespaces of their own, and print each step.

use nix::sched::{CloneFlags, unshare};
use std::error::Error;
use std::fs;
use std::process::ExitCode;
use std::time::Instant;
use sublink::Socket;

/// How an example ends.
pub type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// Runs an example in namespaces of its own; the `main` of each.
pub fn run(example: fn() -> Result) -> ExitCode {
    match enter_own_namespaces().and_then(|()| example()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Does one step, and tells how long it took.
pub fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let done = work();
    println!("{:>8.2} ms     {what}", start.elapsed().as_secs_f64() * 1e3);
    done
}

/// Says more about a step, below it.
pub fn note(text: &str) {
    for line in text.lines() {
        println!("{:16}{line}", "");
    }
}

/// An error, with why it is so where a look says more.
pub fn explained(error: &sublink::Error, socket: &mut Socket) -> String {
    error.clone().explained(socket).reason().map_or_else(|| error.to_string(), |why| format!("{error}: {why}"))
}

/// Namespaces are a thread's; entered before there is a second thread, they are the process's.
fn enter_own_namespaces() -> Result {
    let (uid, gid) = (nix::unistd::geteuid(), nix::unistd::getegid());
    if uid.is_root() && unshare(CloneFlags::CLONE_NEWNET).is_ok() {
        return Ok(());
    }
    unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNET).map_err(|error| {
        format!(
            "this machine forbids user namespaces to this user ({error}); root needs none. What decides: the sysctls \
             user.max_user_namespaces, kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns"
        )
    })?;
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("0 {uid} 1"))?;
    fs::write("/proc/self/gid_map", format!("0 {gid} 1"))?;
    Ok(())
}
