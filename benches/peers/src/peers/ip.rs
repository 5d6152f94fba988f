//! iproute2: a process, or more, for each thing to be done.

use std::io::Write as _;
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::process::{self, Command, Stdio};
use sublink::Netns;

/// Whether this machine has it.
pub fn is_here() -> bool {
    Command::new("ip").arg("-Version").output().is_ok()
}

/// A process that does all of `commands`.
pub fn batch(commands: &str) {
    let mut ip = Command::new("ip").args(["-batch", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    ip.stdin.take().unwrap().write_all(commands.as_bytes()).unwrap();
    assert!(ip.wait().unwrap().success());
}

/// A process for each of `commands`.
pub fn each(commands: &str) {
    for command in commands.lines() {
        assert!(Command::new("ip").args(command.split(' ')).stdout(Stdio::null()).status().unwrap().success());
    }
}

pub fn create(name: &str, mac: [u8; 6], group: u32) {
    let [a, b, c, d, e, f] = mac;
    let mac = format!("{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}");
    each(&format!("link add link p0 name {name} address {mac} group {group} type macvlan mode bridge"));
}

/// Attaches a container: the link in its place, then an address, up, and a default route.
pub fn attach(run: fn(&str), pod: &Netns) {
    let namespace = format!("/proc/{}/fd/{}", process::id(), pod.as_fd().as_raw_fd());
    run(&format!("link add link p0 name eth0 netns {namespace} type macvlan mode bridge\n"));
    let inside = "addr add 10.0.50.7/24 dev eth0\nlink set eth0 up\nroute add default via 10.0.50.1\n";
    pod.run(|| run(inside)).unwrap();
}
