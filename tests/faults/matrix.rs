//! The rows: each call of an operation, as it was recorded, with each way in which it can go wrong.

use crate::common::{Skip, is_emulated, kernel};
use crate::tracer::{Fault, How, Site, Trace, trace};
use crate::world::{Scene, View};
use nix::sys::signal::Signal;
use nix::sys::wait::WaitStatus;
use serde_json::Value;
use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Child;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;
use sublink::Netns;

/// An operation of the library's.
pub struct Operation {
    pub name: &'static str,
    /// The role that does it in another process, between two marks.
    pub role: &'static str,
    /// What there is before. It is made anew for each row.
    pub prepare: fn() -> Scene,
    /// Whether what it said is true.
    pub judge: fn(&mut Outcome<'_>) -> Result<(), String>,
    /// The same again, in the test's process, after one that failed or was killed. It has to go well, whatever that left.
    pub again: fn(&mut Scene),
    /// Which part of the rows is run on an emulated machine, which takes twenty times as long: one of so many. The kernel's
    /// version says which.
    pub share: usize,
}

/// The share of an operation that other machines do too.
pub const SMALL: usize = 8;

/// The share of an operation that only a guest's kernel can do: 6.1 has the rows that 6.12 has not.
pub const LARGE: usize = 2;

/// Runs all rows on an emulated machine too.
const ALL_ROWS: &str = "SUBLINK_TEST_ALL_ROWS";

/// What an operation said, and what there is.
pub struct Outcome<'o> {
    pub scene: &'o mut Scene,
    pub said: Value,
    pub before: &'o View,
    pub after: &'o View,
    /// What there is after the operation where nothing goes wrong.
    pub whole: &'o View,
    /// Whether no more than one call has gone wrong.
    pub is_once: bool,
}

/// What came of one process.
struct Run {
    trace: Trace,
    said: Value,
    /// What is wrong with it.
    wrong: Result<(), String>,
    after: View,
    /// Links that it has left, if it failed or was killed.
    left: Vec<String>,
}

/// How many rows are run at a time where processors are no bottleneck: each waits for the kernel's grace periods most of the time.
const AT_A_TIME: usize = 8;

/// How often a row is tried until its call is made, where that depends on threads.
const TRIES: usize = 5;

/// Runs all rows of an operation, and prints them.
pub fn run(operation: &Operation) -> Result<(), Skip> {
    let (name, since) = (operation.name, Instant::now());
    let whole = run_once(operation, None, None)?;
    whole.wrong.unwrap_or_else(|wrong| panic!("{name}, where nothing goes wrong: {wrong}"));
    let mut rows = rows(&whole.trace.sites);
    let (all, is_emulated) = (rows.len(), is_emulated());
    if is_emulated && std::env::var_os(ALL_ROWS).is_none() {
        let mut at = kernel().1 as usize;
        rows.retain(|_| (at += 1, at % operation.share == 0).1);
    }
    println!("{name}: {} of {all} rows{}", rows.len(), if is_emulated { ", on an emulated machine" } else { "" });
    let (next, results) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    let work = || {
        while let Some((number, row)) = rows.iter().enumerate().nth(next.fetch_add(1, Ordering::Relaxed)) {
            let run = run_row(operation, row, &whole.after);
            results.lock().expect("no panic").insert(number, run);
        }
    };
    let at_a_time = if is_emulated { 2 } else { AT_A_TIME };
    thread::scope(|scope| (0..at_a_time).for_each(|_| drop(scope.spawn(work))));
    let results = results.into_inner().expect("no panic").into_values().collect::<Result<Vec<_>, Skip>>()?;
    report(name, whole.trace.sites.len(), rows.iter().zip(results));
    println!("{name}: {:.1} s", since.elapsed().as_secs_f64());
    Ok(())
}

fn run_row(operation: &Operation, row: &Fault, whole: &View) -> Result<Run, Skip> {
    let mut run = run_once(operation, Some(row), Some(whole))?;
    for _ in 1..TRIES {
        if !run.trace.is_met && run.wrong.is_ok() {
            run = run_once(operation, Some(row), Some(whole))?;
        }
    }
    // How often a call is repeated may differ: the kernel has a write to a setting restarted where it cannot lock at once.
    let is_repeated = row.nth > 1 || row.site.before.as_ref() == Some(&row.site.call);
    let is_sure = row.site.call.row().is_some_and(|row| row.is_sure) && !row.site.call.is_of_a_helper && !is_repeated;
    if is_sure && !run.trace.is_met && run.wrong.is_ok() {
        run.wrong = Err("the call is not made each time".into());
    }
    Ok(run)
}

/// Prints the rows, and fails if one is wrong.
fn report<'r>(name: &str, calls: usize, rows: impl Iterator<Item = (&'r Fault, Run)>) {
    let (mut count, mut missed, mut wrong) = (0, 0, Vec::new());
    for (row, run) in rows {
        let said = match &run.said {
            _ if !run.trace.is_met => "not met".into(),
            Value::Null => "killed".into(),
            said => said.to_string(),
        };
        let left = if run.left.is_empty() { String::new() } else { format!("; left at first: {:?}", run.left) };
        println!("{name}: {row}: {said}{left}");
        count += 1;
        missed += usize::from(!run.trace.is_met);
        wrong.extend(run.wrong.err().map(|wrong| format!("{name}: {row}: {wrong}\n    said: {said}")));
    }
    println!("{name}: {calls} calls, {count} rows, {missed} not met, {} wrong", wrong.len());
    assert!(wrong.is_empty(), "{} of {count} rows are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// If one site makes several calls, the first and the last go wrong.
fn rows(sites: &[Site]) -> Vec<Fault> {
    let mut rows = Vec::new();
    for (at, site) in sites.iter().enumerate() {
        let nth = sites[..=at].iter().filter(|other| *other == site).count();
        let is_last = !sites[at + 1..].contains(site);
        let is_sure = site.call.row().is_some_and(|row| row.is_sure);
        if nth > 1 && !(is_last && is_sure) {
            continue;
        }
        let row = |how, from_here_on| Fault { site: site.clone(), nth, how, from_here_on };
        for how in site.call.faults() {
            rows.push(row(*how, false));
            if how.lasts(&site.call) {
                rows.push(row(*how, true));
            }
        }
        rows.push(row(How::Killed, false));
    }
    rows
}

/// One process, in a world of its own.
fn run_once(operation: &Operation, fault: Option<&Fault>, whole: Option<&View>) -> Result<Run, Skip> {
    Netns::create().expect("a namespace").run(|| run_here(operation, fault, whole)).expect("its thread")
}

fn run_here(operation: &Operation, fault: Option<&Fault>, whole: Option<&View>) -> Result<Run, Skip> {
    let mut scene = (operation.prepare)();
    let before = scene.view();
    let mut child = scene.start(operation.role);
    let start = child.stdin.take().expect("its input");
    let traced = trace(child.id(), start, fault, !is_emulated());
    let _ = child.wait(); // whoever traces it has waited for it, unless that failed
    let trace = traced.map_err(|error| Skip(format!("other processes cannot be traced here ({error})")))?;
    let after = scene.view();
    let (said, mut wrong) = what_it_said(&mut child, &trace, fault);
    if let Some(site) = trace.sites.iter().find(|site| site.call.row().is_none()) {
        wrong = Err(format!("{} is a call that nobody has thought of in `calls::TABLE`", site.call));
    }
    if wrong.is_ok() && !said.is_null() {
        let (scene, said, whole) = (&mut scene, said.clone(), whole.unwrap_or(&after));
        let is_once = fault.is_none_or(|fault| !fault.from_here_on);
        wrong = (operation.judge)(&mut Outcome { scene, said, before: &before, after: &after, whole, is_once });
    }
    let mut left = Vec::new();
    if let Some(whole) = whole.filter(|_| wrong.is_ok() && (said.is_null() || said["ok"].is_null())) {
        left = after.0.iter().zip(&before.0).flat_map(|(after, before)| after.links_beyond(before)).collect();
        wrong = again(operation, &mut scene, whole);
    }
    Ok(Run { trace, said, wrong, after, left })
}

/// What a process said, unless it was killed: then nothing.
fn what_it_said(child: &mut Child, trace: &Trace, fault: Option<&Fault>) -> (Value, Result<(), String>) {
    let (mut out, mut errors) = (String::new(), String::new());
    let _ = child.stdout.as_mut().expect("its output").read_to_string(&mut out);
    let _ = child.stderr.as_mut().expect("its output").read_to_string(&mut errors);
    let is_killed = trace.is_met && fault.is_some_and(|fault| fault.how == How::Killed);
    match trace.end {
        WaitStatus::Signaled(_, Signal::SIGKILL, _) if is_killed => return (Value::Null, Ok(())),
        WaitStatus::Exited(_, 0) => {}
        end => return (Value::Null, Err(format!("it ended with {end:?}: {errors}"))),
    }
    let mut told: Value = serde_json::from_str(out.trim()).unwrap_or_else(|error| panic!("{error}: {out}"));
    let left = (told["before"] != told["after"])
        .then(|| format!("descriptors and threads: {} before, {} after", told["before"], told["after"]));
    (told["said"].take(), left.map_or(Ok(()), Err))
}

/// What is left half-made stands in nobody's way.
fn again(operation: &Operation, scene: &mut Scene, whole: &View) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(|| (operation.again)(scene)))
        .map_err(|panic| format!("the next call fails: {}", words(&*panic)))?;
    let view = scene.view();
    if view == *whole { Ok(()) } else { Err(format!("after the next call there is {view:#?}\ninstead of {whole:#?}")) }
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).into())).unwrap_or_default()
}

impl Outcome<'_> {
    pub fn is_ok(&self) -> bool {
        !self.said["ok"].is_null()
    }

    /// Fails unless there is this, and says what there is. A removal that cannot go on may leave its notice on the link.
    pub fn there_is(&self, expected: &View, why: &str) -> Result<(), String> {
        if self.after == expected || !self.is_ok() && self.after.without_notices() == *expected {
            Ok(())
        } else {
            Err(format!("{why}: there is {:#?}\ninstead of {expected:#?}", self.after))
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { site: Site { call, before }, nth, how, from_here_on } = self;
        write!(f, "{call}")?;
        if let Some(before) = before {
            write!(f, " (behind {before})")?;
        }
        if *nth > 1 {
            write!(f, " #{nth}")?;
        }
        match how {
            How::Fails(error) => write!(f, ": {error:?}")?,
            How::Lost(error) => write!(f, ": done, and then {error:?}")?,
            How::Killed => f.write_str(": killed")?,
        }
        f.write_str(if *from_here_on { " from here on" } else { "" })
    }
}
