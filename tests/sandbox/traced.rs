//! What it takes to open a sandbox, as strace sees it: threads and system calls.

use crate::common::roles::ROLE;
use crate::common::{Skip, kernel};
use std::fs;
use std::process::Command;
use sublink::*;
use sublink_tests::{kernel_test, role};

const MARK: &str = "/sublink-test-mark-";

/// How a line begins that is no call: a signal, a thread's end (`+++`), the rest of a call during which something else was told.
const NO_CALL: [char; 3] = ['-', '+', '<'];

/// Is given another namespace.
type Step = fn(&Netns);

/// What is counted, one mark before each.
const STEPS: &[(&str, Step)] = &[
    ("a socket", |_| drop(Socket::open().expect("a socket"))),
    ("here", |_| drop(Sandbox::here().expect("a sandbox"))),
    ("create", |_| drop(Sandbox::create().expect("a sandbox"))),
    ("open", |_| drop(Sandbox::open("/proc/thread-self/ns/net").expect("a sandbox"))),
    ("open on this thread", |_| {
        drop(Sandbox::open_on_this_thread("/proc/thread-self/ns/net").expect("a sandbox"));
    }),
    ("open_all", |_| {
        let opened = Sandbox::open_all(&["/proc/thread-self/ns/net"; 5]);
        assert!(opened.iter().all(Result::is_ok), "{opened:?}");
    }),
    ("a setting here", |_| drop(Sandbox::here().expect("a sandbox").sysctl("ipv4/ip_forward").expect("a setting"))),
    ("an IPv6 setting there", |there| {
        let there = Sandbox::of(there.try_clone().expect("a descriptor")).expect("a sandbox");
        there.set_sysctl("ipv6/conf/lo/accept_ra", "1").expect("a setting");
    }),
    ("two settings there", |there| {
        let there = Sandbox::of(there.try_clone().expect("a descriptor")).expect("a sandbox");
        (0..2).for_each(|_| drop(there.sysctl("ipv4/ip_forward").expect("a setting")));
    }),
];

/// A role: does each step, behind a mark.
#[role]
fn calls() {
    let there = Netns::create().expect("a namespace");
    for (_, step) in STEPS {
        step(&there); // once before: a process's first calls are more
    }
    for (name, step) in STEPS {
        let _ = fs::metadata(format!("{MARK}{name}"));
        step(&there);
    }
    let _ = fs::metadata(format!("{MARK}end"));
}

/// The calls of each step, of all threads.
fn trace() -> Result<Vec<(String, Vec<String>)>, Skip> {
    let file = std::env::temp_dir().join(format!("sublink-sandbox-trace-{}", std::process::id()));
    let mut strace = Command::new("strace");
    strace.args(["-f", "-o"]).arg(&file).arg(std::env::current_exe().expect("this binary")).env(ROLE, "calls");
    let output = strace.output().map_err(|error| Skip(format!("no strace here: {error}")))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("PTRACE") || said.contains("ptrace") {
        return Err(Skip(format!("strace is forbidden here: {}", said.trim())));
    }
    assert!(output.status.success(), "{said}");
    let trace = fs::read_to_string(&file).expect("a trace");
    fs::remove_file(&file).expect("a file");
    let mut steps: Vec<(String, Vec<String>)> = Vec::new();
    for call in trace.lines().filter_map(|line| line.split_once(' ')).map(|(_, call)| call.trim_start()) {
        if let Some((_, name)) = call.split_once(MARK) {
            steps.push((name.split('"').next().expect("a name").to_string(), Vec::new()));
        } else if let Some((_, calls)) = steps.last_mut().filter(|_| !call.starts_with(NO_CALL)) {
            calls.push(call.to_string());
        }
    }
    Ok(steps)
}

fn count(calls: &[String], names: &[&str]) -> usize {
    calls.iter().filter(|call| names.iter().any(|name| call.starts_with(&format!("{name}(")))).count()
}

#[kernel_test]
fn what_each_way_costs() -> Result<(), Skip> {
    let steps = trace()?;
    let calls = |name: &str| &steps.iter().find(|(step, _)| step == name).expect(name).1[..];
    let threads = |name: &str| count(calls(name), &["clone", "clone3"]);
    let expected = [
        ("a socket", 0),
        ("here", 0),
        ("create", 1),
        ("open", 1),
        ("open on this thread", 0),
        ("open_all", 1),
        ("a setting here", 0),
        ("an IPv6 setting there", 1),
        ("two settings there", 2),
    ];
    for (name, number) in expected {
        assert_eq!(threads(name), number, "{name}: {:#?}", calls(name));
    }
    // And the call that closes it. Not of the socket are the heap, the random number, and a check of builds for debugging.
    let others = ["brk", "mmap", "munmap", "madvise", "getpid", "getrandom", "fcntl"];
    let socket = calls("a socket").len() - count(calls("a socket"), &others);
    let more = usize::from(kernel() < (5, 14)); // the namespace is looked up in /proc
    assert!(socket <= 8 + more, "{:#?}", calls("a socket"));
    assert_eq!(count(calls("open_all"), &["setns"]), 5);
    Ok(())
}
