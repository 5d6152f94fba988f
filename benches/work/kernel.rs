//! Work with the kernel, in namespaces of its own: nothing of the machine's is touched.

#![allow(dead_code, reason = "each benchmark uses a part of it")]

use nix::sched::{CloneFlags, unshare};
use std::fs;
use sublink::{IfIndex, IfName, LinkChange, NewLink, Socket};

/// Brings this process, which has one thread as yet, into a fresh network namespace; whoever is not root gets a user
/// namespace first. An `Err` says why that is forbidden.
pub fn enter_fresh_namespace() -> Result<(), String> {
    let (uid, gid) = (nix::unistd::geteuid(), nix::unistd::getegid());
    let user = if uid.is_root() { CloneFlags::empty() } else { CloneFlags::CLONE_NEWUSER };
    unshare(user | CloneFlags::CLONE_NEWNET).map_err(|error| format!("no namespaces here: {error}"))?;
    if !uid.is_root() {
        let write = |file: &str, text: String| fs::write(file, text).map_err(|error| format!("{file}: {error}"));
        write("/proc/self/setgroups", "deny".into())?;
        write("/proc/self/uid_map", format!("0 {uid} 1"))?;
        write("/proc/self/gid_map", format!("0 {gid} 1"))?;
    }
    Ok(())
}

/// A parent to put macvlans on: one end of a veth pair of which both ends are up.
pub fn parent(socket: &mut Socket) -> sublink::Result<IfIndex> {
    let pair = NewLink::veth(NewLink::peer().name(name("p1"))).name(name("p0")).up();
    let index = socket.create(&pair)?;
    let peer = socket.index_of("p1")?;
    socket.change(&LinkChange::new(peer).up())?;
    Ok(index)
}

pub fn name(name: &str) -> IfName {
    IfName::new(name).unwrap()
}
