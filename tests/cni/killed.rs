//! A plugin that is killed at any of its system calls, and deleted afterwards.

use crate::common::{Skip, is_emulated, kernel_test, needs, parent, socket};
use crate::runtime::{Pod, Runtime, host_links, ipv4_config, with};
use serde_json::{Value, json};
use std::process::Command;

/// What changes something: requests to the kernel, files, other programs.
const CALLS: [&str; 9] = ["sendto", "sendmsg", "openat", "mkdir", "write", "linkat", "rename", "unlink", "pipe2"];

pub fn needs_strace() -> Result<(), Skip> {
    let probe = Command::new("strace").args(["-o", "/dev/null", "true"]).output();
    match probe {
        Ok(output) if output.status.success() => Ok(()),
        _ => Err(Skip("strace is not here, or forbidden".into())),
    }
}

/// Kills `command` at each of its calls in turn, until it comes through; each time `after` puts things in order again and
/// looks. An emulated machine, where it takes minutes, does so at every third call, another third for each kind of call.
fn at_each_call(runtime: &Runtime, command: &str, config: &Value, pod: &Pod, after: &mut dyn FnMut(&str)) {
    let step = if is_emulated() { 3 } else { 1 };
    println!("killed at one call in {step}");
    for (kind, call) in CALLS.into_iter().enumerate() {
        for number in (1 + kind % step..).step_by(step) {
            assert!(number < 200, "{call} has no end");
            let inject = format!("inject={call}:signal=KILL:when={number}");
            // The first pipe leads to the IPAM plugin: the link is there, and its record.
            let wrapped = ["strace", "-qq", "-o", "/dev/null", "-e", &*format!("trace={call}"), "-e", &inject];
            let answer = Runtime::run(runtime.process(command, pod, &wrapped), config);
            after(&format!("{command} at {call} {number}"));
            if answer.is_good {
                break;
            }
        }
    }
}

fn killed_and_deleted(master: &str) -> Result<(), Skip> {
    needs_strace()?;
    let (runtime, pod) = (Runtime::new()?, Pod::new("c1"));
    parent(&mut socket());
    let before = host_links();
    let config = with(&ipv4_config(7), "master", master);
    let looks_clean = |at: &str| {
        assert_eq!(pod.links(), [""; 0], "{at}");
        assert_eq!(host_links(), before, "{at}");
        assert_eq!(runtime.records().len(), 0, "{at}");
    };
    at_each_call(&runtime, "ADD", &config, &pod, &mut |at| {
        runtime.good("DEL", &config, &pod);
        looks_clean(at);
    });
    // Deleting is asked for again until it is done.
    runtime.good("ADD", &config, &pod);
    at_each_call(&runtime, "DEL", &config, &pod, &mut |at| {
        runtime.good("DEL", &config, &pod);
        looks_clean(at);
        runtime.good("ADD", &config, &pod);
    });
    runtime.good("DEL", &config, &pod);
    Ok(())
}

#[kernel_test]
fn nothing_is_left() -> Result<(), Skip> {
    killed_and_deleted("p0")
}

#[kernel_test]
fn nothing_is_left_on_a_vlan_made_on_demand() -> Result<(), Skip> {
    needs("vlan")?;
    killed_and_deleted("p0.50")
}

/// What a killed process left is collected even if nobody asks for its deletion.
#[kernel_test]
fn what_is_left_is_collected() -> Result<(), Skip> {
    needs_strace()?;
    let (runtime, pod) = (Runtime::new()?, Pod::new("c1"));
    parent(&mut socket());
    let config = ipv4_config(7);
    // The first pipe leads to the IPAM plugin: the link is there, and its record.
    let wrapped = ["strace", "-qq", "-o", "/dev/null", "-e", "trace=pipe2", "-e", "inject=pipe2:signal=KILL:when=1"];
    let answer = Runtime::run(runtime.process("ADD", &pod, &wrapped), &config);
    assert!(!answer.is_good, "{answer:?}");
    assert_eq!((pod.links().len(), runtime.records().len()), (1, 1));
    let process = runtime.process("GC", &pod, &[]);
    assert!(Runtime::run(process, &with(&config, "cni.dev/valid-attachments", json!([]))).is_good);
    assert_eq!((pod.links().len(), runtime.records().len()), (0, 0));
    Ok(())
}
