//! Attaching and detaching as strace sees it: how many system calls it is, what is left when one fails, what overlaps.
//!
//! It happens in this binary again, in a role, behind strace; an attach between two calls that mark its start and its end.

use crate::common::{Skip, name, parent, roles, socket};
use crate::help::{Pod, bridge_endpoint, links, net, port_of_a_bridge};
use std::collections::HashSet;
use std::fs;
use std::process::Command;
use std::thread;
use sublink::NewRoute;
use sublink::endpoint::{Detach, Fate, detach_many};
use sublink::link::Ipv4Setting;
use sublink::route::Table;
use sublink::{Endpoint, IfIndex, MacAddr, MacvlanMode, NewLink};
use sublink_tests::{kernel_test, role};

const MARK: &str = "/sublink-test-mark";

fn mark() {
    let _ = fs::metadata(MARK);
}

/// Attaches, and tells how that went.
#[role]
fn attach() {
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
}

/// Attaches one with an index and a MAC address of the caller's own choice, and once more, which fails; and tells whether the
/// first one's link is still there.
#[role]
fn attach_again() {
    mark();
    let (mut host, mut pod) = (socket(), Pod::new());
    let parent = host.index_of("p0").expect("the parent");
    let index = IfIndex::new(20_000).expect("an index");
    let link =
        NewLink::macvlan(parent).mode(MacvlanMode::Bridge).name(name("eth0")).index(index).mac(MacAddr::random());
    let endpoint = Endpoint::new(link).addr(net("10.0.50.7/24"));
    pod.attach(&mut host, &endpoint).expect("the first is attached");
    let before = pod.contents();
    mark();
    let error = pod.attach(&mut host, &endpoint).expect_err("it is there already");
    mark();
    let is = if pod.contents() == before { "is there" } else { "is gone" };
    println!("the first {is}, {:?}: {error}", error.undo().expect("what became of the link"));
}

/// Attaches eight, and detaches them together.
#[role]
fn detach() {
    let mut host = socket();
    let endpoint = bridge_endpoint(host.index_of("p0").expect("the parent"));
    let mut pods: Vec<_> = (0..8).map(|_| Pod::new()).collect();
    let attached: Vec<_> = pods.iter_mut().map(|pod| pod.attach(&mut host, &endpoint).expect("attached")).collect();
    let endpoints: Vec<_> = pods.iter().map(|pod| pod.sandbox.netns()).zip(attached).collect();
    for detached in detach_many(&mut host, &endpoints, &Detach::new()) {
        assert_eq!(detached.expect("detached").link, Fate::Deleted);
    }
}

/// Checks an endpoint with three routes of IPv4 and two of IPv6.
#[role]
fn check() {
    mark();
    let (mut host, mut pod) = (socket(), Pod::new());
    let parent = host.index_of("p0").expect("the parent");
    let [v4, other, v6] = ["10.7.0.0/16", "10.8.0.0/16", "fd07::/48"].map(|net| NewRoute::new(crate::help::net(net)));
    let endpoint = bridge_endpoint(parent).route(v4).route(other.table(Table(0))).route(v6);
    let attached = pod.attach(&mut host, &endpoint).expect("attached");
    mark();
    let differences = endpoint.check(&attached, &mut pod.sandbox).expect("a check");
    mark();
    println!("{differences:?}");
}

/// What a role said, and its system calls, each with the thread that makes it.
struct Trace {
    said: String,
    calls: Vec<(String, String)>,
}

impl Trace {
    /// An attach to `p0`, in which these calls go wrong.
    fn new(faults: &[String]) -> Result<Self, Skip> {
        Self::of("attach", faults)
    }

    fn of(role: &str, faults: &[String]) -> Result<Self, Skip> {
        let probe = Command::new("strace").args(["-f", "-o", "/dev/null", "true"]).output();
        let probe = probe.map_err(|error| Skip(format!("no strace here: {error}")))?;
        if !probe.status.success() {
            return Err(Skip(format!("strace is forbidden here: {}", String::from_utf8_lossy(&probe.stderr).trim())));
        }
        let number = format!("{}-{:?}", std::process::id(), thread::current().id());
        let file = std::env::temp_dir().join(format!("sublink-trace-{number}"));
        let faults = faults.iter().map(|fault| format!("--inject={fault}"));
        let mut strace = Command::new("strace");
        strace.args(["-f", "-o"]).arg(&file).args(faults).arg(std::env::current_exe().expect("this binary"));
        let output = strace.env(roles::ROLE, role).output().expect("strace");
        let trace = fs::read_to_string(&file).expect("a trace");
        fs::remove_file(&file).expect("a file");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let said = String::from_utf8(output.stdout).expect("text").trim().to_string();
        // `1235  sendto(4, …`: the thread, and its call, unless that is a signal (---) or the end (+++).
        let lines = trace.lines().filter_map(|line| line.split_once(' '));
        let calls = lines.map(|(thread, call)| (thread.to_string(), call.trim_start().to_string()));
        Ok(Self { said, calls: calls.filter(|(_, call)| !call.starts_with(['-', '+'])).collect() })
    }

    /// The calls of the attach, which the first thread makes, each with the how manieth of its name it is in that thread.
    fn of_attach(&self) -> Vec<(&str, usize)> {
        let first = &self.calls.first().expect("a call").0;
        // A call is in two parts when another thread, which may have ended long ago, is told of in between.
        let is_its = |(thread, call): &&(String, String)| thread == first && !call.starts_with("<... ");
        let calls: Vec<&str> = self.calls.iter().filter(is_its).map(|(_, call)| &**call).collect();
        let name = |at: usize| calls[at].split('(').next();
        let marks: Vec<_> = (0..calls.len()).filter(|at| calls[*at].contains(MARK)).collect();
        let &[.., start, end] = &marks[..] else { panic!("no marks") };
        let number = |at: usize| (0..=at).filter(|before| name(*before) == name(at)).count();
        (start + 1..end).map(|at| (calls[at], number(at))).collect()
    }

    /// How often it was tried to create a link.
    fn creates(&self) -> usize {
        self.of_attach().into_iter().filter(|(call, _)| sends(call, ["RTM_NEWLINK", "0x10 "])).count()
    }

    /// The most links that were being deleted at a time: a call during which another thread does something is in two parts.
    fn deletes_at_a_time(&self) -> usize {
        let (mut deleting, mut most) = (HashSet::new(), 0);
        for (thread, call) in &self.calls {
            if sends(call, ["RTM_DELLINK", "0x11 "]) && call.ends_with("<unfinished ...>") {
                deleting.insert(thread);
                most = most.max(deleting.len());
            } else if call.starts_with("<... sendto resumed>") {
                deleting.remove(thread);
            }
        }
        most
    }
}

/// Whether it sends a message of this type; where the kernel does not tell strace that it is for rtnetlink, that is a number.
fn sends(call: &str, types: [&str; 2]) -> bool {
    call.starts_with("sendto") && types.iter().any(|ty| call.contains(&format!("nlmsg_type={ty}")))
}

#[kernel_test]
pub fn an_attach_is_at_most_ten_calls() -> Result<(), Skip> {
    parent(&mut socket());
    let trace = Trace::new(&[])?;
    assert_eq!(trace.said, "attached");
    // The time is no system call, except where the machine's clock is too slow for the vDSO.
    let calls: Vec<_> = trace.of_attach().into_iter().filter(|(call, _)| !call.starts_with("clock_gettime")).collect();
    let sends = calls.iter().filter(|(call, _)| call.starts_with("sendto")).count();
    assert!(calls.len() <= 10 && sends == 2, "{calls:#?}");
    Ok(())
}

#[kernel_test]
pub fn a_check_lists_routes_once_for_each_family() -> Result<(), Skip> {
    parent(&mut socket());
    let trace = Trace::of("check", &[])?;
    assert_eq!(trace.said, "[]");
    let lists = trace.of_attach().into_iter().filter(|(call, _)| sends(call, ["RTM_GETROUTE", "0x1a "])).count();
    assert_eq!(lists, 2);
    Ok(())
}

#[kernel_test]
pub fn a_parent_that_is_a_bridge_port_is_tried_once() -> Result<(), Skip> {
    let parent = parent(&mut socket());
    port_of_a_bridge(parent)?;
    let trace = Trace::new(&[])?;
    let expected = "nothing is left, Clean: create macvlan eth0 on p0: EBUSY (Device or resource busy): \
        the parent p0 is a port of br0, which receives its packets; no link is left behind";
    assert_eq!(trace.said, expected);
    assert_eq!(trace.creates(), 1);
    Ok(())
}

/// Sending fails, or the answer is lost, or none comes: then it is not known whether there is a link, so it is looked for.
#[kernel_test]
pub fn a_call_that_fails_leaves_nothing() -> Result<(), Skip> {
    parent(&mut socket());
    let whole = Trace::new(&[])?;
    let mut tried = 0;
    for (call, number) in whole.of_attach() {
        let errors = match call.split('(').next() {
            Some("sendto") => &["EIO", "ENOBUFS"][..],
            Some("recvmsg") => &["ENOBUFS", "EIO"],
            _ => continue,
        };
        for error in errors {
            let name = call.split('(').next().expect("a name");
            let trace = Trace::new(&[format!("{name}:error={error}:when={number}")])?;
            assert!(trace.said.starts_with("nothing is left, Clean: "), "{call}: {error}: {}", trace.said);
            tried += 1;
        }
    }
    assert_eq!(tried, 10, "two sends and three answers: the parent, its child, the steps inside");
    Ok(())
}

/// An answer that is lost may have been that the index is taken, by the link of an attach that went well.
#[kernel_test]
pub fn an_attach_that_is_asked_for_again_leaves_the_first_alone() -> Result<(), Skip> {
    parent(&mut socket());
    let whole = Trace::of("attach_again", &[])?;
    assert!(whole.said.starts_with("the first is there, Clean: create macvlan eth0 on p0: E"), "{}", whole.said);
    let (mut said, mut tried) = (Vec::new(), 0);
    for (call, number) in whole.of_attach() {
        let Some(name @ ("sendto" | "recvmsg")) = call.split('(').next() else { continue };
        for error in ["EIO", "ENOBUFS"] {
            let trace = Trace::of("attach_again", &[format!("{name}:error={error}:when={number}")])?;
            assert!(trace.said.starts_with("the first is there, "), "{call}: {error}: {}", trace.said);
            said.extend(trace.said.split_once("; ").map(|(_, undo)| undo.to_string()));
            tried += 1;
        }
    }
    assert!(tried >= 8, "a look and a create: {tried}");
    let there = "link #20000 was there before, and was not touched";
    assert!(said.iter().any(|undo| undo == there), "{said:#?}");
    Ok(())
}

/// The kernel's grace periods can overlap when its calls do. On a busy machine the threads may happen to run one by one.
#[kernel_test]
pub fn many_links_are_deleted_at_a_time() -> Result<(), Skip> {
    parent(&mut socket());
    for _ in 0..20 {
        if Trace::of("detach", &[])?.deletes_at_a_time() > 1 {
            return Ok(());
        }
    }
    panic!("one at a time, each time");
}

/// The number of the first call of this name in an attach.
fn first(name: &str) -> Result<usize, Skip> {
    let whole = Trace::new(&[])?;
    Ok(whole.of_attach().iter().find(|(call, _)| call.starts_with(name)).expect("such a call").1)
}

/// The answer to the create is lost, and so are those to three looks.
#[kernel_test]
pub fn what_cannot_be_looked_for_is_unknown() -> Result<(), Skip> {
    parent(&mut socket());
    let answer = first("recvmsg")?;
    let trace = Trace::new(&[format!("recvmsg:error=EIO:when={answer}..{}", answer + 3)])?;
    assert!(trace.said.starts_with("something is left, Unknown("), "{}", trace.said);
    assert!(trace.said.ends_with(" may be left behind in the container"), "{}", trace.said);
    Ok(())
}

/// The answer to the create is lost, and the link cannot be deleted, which is tried twice, behind a look each: those are the third
/// send and the fifth.
#[kernel_test]
pub fn what_cannot_be_deleted_is_left_behind() -> Result<(), Skip> {
    parent(&mut socket());
    let (answer, send) = (first("recvmsg")?, first("sendto")?);
    let lost = format!("recvmsg:error=EIO:when={answer}");
    let trace = Trace::new(&[lost, format!("sendto:error=EIO:when={}..{}+2", send + 2, send + 4)])?;
    assert!(trace.said.starts_with("something is left, LeftBehind("), "{}", trace.said);
    assert!(trace.said.ends_with(" is left behind in the container"), "{}", trace.said);
    Ok(())
}
