//! An attach as strace sees it: how many system calls it is, and what is left when one of them fails.
//!
//! The attach happens in this binary again, in a role, behind strace: between two calls that mark its start and its end.

use crate::common::{Skip, parent, socket};
use crate::help::{Pod, bridge_endpoint, links, port_of_a_bridge};
use std::fs;
use std::process::{Command, ExitCode};
use std::thread;
use sublink::*;

const ROLE: &str = "SUBLINK_TEST_ROLE";
const MARK: &str = "/sublink-test-mark";

/// What this process is to do if it has a role: attach, and tell how that went.
pub fn role() -> Option<ExitCode> {
    std::env::var_os(ROLE)?;
    let mark = || drop(fs::metadata(MARK));
    mark(); // the first such call of a process is two
    let (mut host, mut pod) = (socket(), Pod::new());
    let parent = host.index_of("p0").expect("the parent");
    let endpoint = bridge_endpoint(parent).ipv4(Ipv4Setting::ARP_NOTIFY, 1);
    let left = |pod: &mut Pod| {
        let descriptors = fs::read_dir("/proc/self/fd").expect("a list").count();
        (pod.contents(), links(&mut socket()), descriptors)
    };
    let before = left(&mut pod);
    mark();
    let attached = pod.attach(&mut host, &endpoint);
    mark();
    match attached {
        Ok(_) => println!("attached"),
        Err(error) => {
            let rest = if left(&mut pod) == before { "nothing" } else { "something" };
            println!("{rest} is left, {:?}: {error}", error.undo().expect("what became of the link"));
        }
    }
    Some(ExitCode::SUCCESS)
}

/// What the role said, and the system calls of its first thread.
struct Trace {
    said: String,
    calls: Vec<String>,
}

impl Trace {
    /// Of an attach to `p0`, in which this goes wrong.
    fn new(fault: Option<&str>) -> Result<Self, Skip> {
        let probe = Command::new("strace").args(["-f", "-o", "/dev/null", "true"]).output();
        let probe = probe.map_err(|error| Skip(format!("no strace here: {error}")))?;
        if !probe.status.success() {
            return Err(Skip(format!("strace is forbidden here: {}", String::from_utf8_lossy(&probe.stderr).trim())));
        }
        let number = format!("{}-{:?}", std::process::id(), thread::current().id());
        let file = std::env::temp_dir().join(format!("sublink-trace-{number}"));
        let fault = fault.map(|fault| format!("--inject={fault}"));
        let mut strace = Command::new("strace");
        strace.args(["-f", "-o"]).arg(&file).args(fault).arg(std::env::current_exe().expect("this binary"));
        let output = strace.env(ROLE, "attach").output().expect("strace");
        let trace = fs::read_to_string(&file).expect("a trace");
        fs::remove_file(&file).expect("a file");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let said = String::from_utf8(output.stdout).expect("text").trim().to_string();
        // `1235  sendto(4, …`: the thread, and its call, unless that is a signal (---) or the end (+++).
        let lines = || trace.lines().filter_map(|line| line.split_once(' '));
        let first = lines().next().expect("a call").0;
        let calls = lines().filter(|(thread, _)| *thread == first).map(|(_, call)| call.trim_start().to_string());
        Ok(Self { said, calls: calls.filter(|call| !call.starts_with(['-', '+'])).collect() })
    }

    /// The calls of the attach, each with the how manieth of its name it is in the process.
    fn of_attach(&self) -> Vec<(&str, usize)> {
        let name = |call: &'_ String| call.split('(').next().map(str::to_string);
        let marks: Vec<_> = (0..self.calls.len()).filter(|at| self.calls[*at].contains(MARK)).collect();
        let &[.., start, end] = &marks[..] else { panic!("no marks") };
        let number = |at: usize| self.calls[..=at].iter().filter(|call| name(call) == name(&self.calls[at])).count();
        (start + 1..end).map(|at| (&*self.calls[at], number(at))).collect()
    }

    /// How often it was tried to create a link.
    fn creates(&self) -> usize {
        // Where the kernel does not tell strace that it is a socket of rtnetlink, there are numbers.
        let is_about =
            |call: &str| ["RTM_NEWLINK", "0x10 "].iter().any(|ty| call.contains(&format!("nlmsg_type={ty}")));
        let is_create = |call: &str| call.starts_with("sendto") && is_about(call);
        self.of_attach().into_iter().filter(|(call, _)| is_create(call)).count()
    }
}

pub fn an_attach_is_at_most_ten_calls() -> Result<(), Skip> {
    parent(&mut socket());
    let trace = Trace::new(None)?;
    assert_eq!(trace.said, "attached");
    // The time is no system call, except where the machine's clock is too slow for the vDSO.
    let calls: Vec<_> = trace.of_attach().into_iter().filter(|(call, _)| !call.starts_with("clock_gettime")).collect();
    let sends = calls.iter().filter(|(call, _)| call.starts_with("sendto")).count();
    assert!(calls.len() <= 10 && sends == 2, "{calls:#?}");
    Ok(())
}

pub fn a_parent_that_is_a_bridge_port_is_tried_once() -> Result<(), Skip> {
    let parent = parent(&mut socket());
    port_of_a_bridge(parent)?;
    let trace = Trace::new(None)?;
    assert!(trace.said.starts_with("nothing is left, Clean: create macvlan eth0 on p0: EBUSY"), "{}", trace.said);
    assert_eq!(trace.creates(), 1);
    Ok(())
}

/// Sending fails, or the answer is lost, or none comes: then it is not known whether there is a link, so it is looked for.
pub fn a_call_that_fails_leaves_nothing() -> Result<(), Skip> {
    parent(&mut socket());
    let whole = Trace::new(None)?;
    let mut tried = 0;
    for (call, number) in whole.of_attach() {
        let errors = match call.split('(').next() {
            Some("sendto") => &["EIO", "ENOBUFS"][..],
            Some("recvmsg") => &["ENOBUFS", "EAGAIN", "EIO"],
            _ => continue,
        };
        for error in errors {
            let name = call.split('(').next().expect("a name");
            let trace = Trace::new(Some(&format!("{name}:error={error}:when={number}")))?;
            assert!(trace.said.starts_with("nothing is left, Clean: "), "{call}: {error}: {}", trace.said);
            tried += 1;
        }
    }
    assert_eq!(tried, 10, "two sends and two answers");
    Ok(())
}

/// The answer to the create is lost, and so is every answer to a look.
pub fn what_cannot_be_looked_for_is_unknown() -> Result<(), Skip> {
    parent(&mut socket());
    let whole = Trace::new(None)?;
    let first = whole.of_attach().iter().find(|(call, _)| call.starts_with("recvmsg")).expect("an answer").1;
    let trace = Trace::new(Some(&format!("recvmsg:error=EIO:when={first}..{}", first + 2)))?;
    assert!(trace.said.starts_with("something is left, Unknown("), "{}", trace.said);
    assert!(trace.said.ends_with(" may be left behind in the container)"), "{}", trace.said);
    Ok(())
}
