//! Beside the reference plugin, for the same work: how often the kernel is called. `benches/cni.sh` measures the rest.

use crate::common::{Skip, kernel_test, parent, socket};
use crate::killed::needs_strace;
use crate::runtime::{FOLDER, Pod, Runtime, ipv4_config, needs_reference, with};
use serde_json::json;
use std::fs;
use std::path::Path;

/// An ADD and a DEL make less than two fifths of the reference's system calls, start and end of the processes included.
#[kernel_test]
fn system_calls() -> Result<(), Skip> {
    needs_strace()?;
    let reference = needs_reference("macvlan")?;
    let (runtime, pod) = (Runtime::new()?, Pod::new("c1"));
    parent(&mut socket());
    // An IPAM plugin's calls would be counted to both.
    let config = with(&with(&ipv4_config(7), "ipam", json!({})), "cniVersion", "1.0.0");
    let this = std::env::current_exe().expect("this binary");
    let calls = |command: &str, plugin: &Path| {
        let trace = format!("{FOLDER}/trace");
        let process = runtime.process_of(plugin, command, &pod, &["strace", "-f", "-qq", "-o", &trace]);
        let answer = Runtime::run(process, &config);
        assert!(answer.is_good, "{command} of {}: {answer:?}", plugin.display());
        let trace = fs::read_to_string(trace).expect("a trace");
        // `PID NAME(…`; what is resumed, exits and signals begin otherwise.
        trace.lines().filter(|line| line.split_whitespace().nth(1).is_some_and(begins_a_call)).count()
    };
    let both = |plugin: &Path| calls("ADD", plugin) + calls("DEL", plugin);
    let mut seen = Vec::new();
    // How many calls the reference's run-time makes depends on how its threads meet.
    for _ in 0..5 {
        let (ours, theirs) = (both(&this), both(&reference));
        assert!(ours > 100, "{ours} system calls: not counted");
        if ours * 5 < theirs * 2 {
            return Ok(());
        }
        seen.push((ours, theirs));
    }
    panic!("system calls of an ADD and a DEL, and the reference's: {seen:?}")
}

fn begins_a_call(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_lowercase()) && word.contains('(')
}
