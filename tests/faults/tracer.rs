//! Another process, stopped at each of its system calls between two marks, with one of them made to go wrong.
//!
//! `strace --inject` counts calls in each thread from its start, and begins with the program. Here they are counted in all threads
//! together, from the first mark on, and a call is known by what it is about ([`Site`]): so a fault meets the call that it is
//! for, whatever the threads do first. What is before the first mark and behind the second runs without being stopped.

use crate::calls::{self, Call};
use nix::errno::Errno;
use nix::libc::{self, user_regs_struct};
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::process::ChildStdin;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// The path that is looked up at the beginning and at the end of what is to be stopped.
pub const MARK: &str = "/sublink-test-mark";

/// When a process that must end is ended.
const FOR_EVER: Duration = Duration::from_secs(120);

/// A place in the code, as far as that can be seen from outside: a call, and the one before it in the same thread, of those that
/// can fail. Calls of a loop are one site from the second on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Site {
    pub call: Call,
    pub before: Option<Call>,
}

/// How a call goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// The kernel does nothing, and says why.
    Fails(Errno),
    /// The kernel does it, and what it said is lost: the caller is told this instead.
    Lost(Errno),
    /// The process is killed instead.
    Killed,
}

/// One row of the matrix, without its operation.
#[derive(Clone, Debug)]
pub struct Fault {
    pub site: Site,
    /// Which of the calls of that site, from 1.
    pub nth: usize,
    pub how: How,
    /// Whether all calls of the same name go wrong from this one on, until the second mark.
    pub from_here_on: bool,
}

/// What was seen of a process.
#[derive(Debug)]
pub struct Trace {
    /// In the order in which they were made.
    pub sites: Vec<Site>,
    /// Whether the fault's call was made.
    pub is_met: bool,
    /// How the process ended.
    pub end: WaitStatus,
}

#[derive(Default)]
struct Thread {
    before: Option<Call>,
    /// What the call that it is in is to return.
    result: Option<Errno>,
    /// The same, once the kernel has done it.
    loss: Option<Errno>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Before,
    Between,
    Behind,
}

struct Tracer<'f> {
    leader: Pid,
    memory: File,
    fault: Option<&'f Fault>,
    goes_on: bool,
    stage: Stage,
    threads: HashMap<Pid, Thread>,
    /// The last request that was sent by each descriptor.
    requests: HashMap<u64, String>,
    counts: HashMap<Site, usize>,
    trace: Vec<Site>,
    is_met: bool,
}

/// Lets a process that waits for a byte on its standard input go, and stops it at its calls until it ends; or, unless it
/// `goes_on`, until the last call that is to go wrong. It has to be a child of the calling thread.
pub fn trace(process: u32, start: ChildStdin, fault: Option<&Fault>, goes_on: bool) -> nix::Result<Trace> {
    let leader = Pid::from_raw(process.try_into().expect("a process"));
    let (ended, end) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            if end.recv_timeout(FOR_EVER) == Err(mpsc::RecvTimeoutError::Timeout) {
                let _ = kill(leader, Signal::SIGKILL);
            }
        });
        let trace = Tracer::seize(leader, fault, goes_on).and_then(|tracer| tracer.run(start));
        if trace.is_err() {
            let _ = kill(leader, Signal::SIGKILL);
        }
        drop(ended);
        trace
    })
}

impl<'f> Tracer<'f> {
    fn seize(leader: Pid, fault: Option<&'f Fault>, goes_on: bool) -> nix::Result<Self> {
        let options = Options::PTRACE_O_TRACESYSGOOD | Options::PTRACE_O_TRACECLONE | Options::PTRACE_O_EXITKILL;
        ptrace::seize(leader, options)?;
        ptrace::interrupt(leader)?;
        waitpid(leader, Some(WaitPidFlag::__WALL))?;
        ptrace::syscall(leader, None)?;
        Ok(Self {
            leader,
            memory: File::open(format!("/proc/{leader}/mem")).expect("its memory"),
            fault,
            goes_on,
            stage: Stage::Before,
            threads: HashMap::new(),
            requests: HashMap::new(),
            counts: HashMap::new(),
            trace: Vec::new(),
            is_met: false,
        })
    }

    fn run(mut self, mut start: ChildStdin) -> nix::Result<Trace> {
        start.write_all(b"\n").expect("it waits for that");
        let mine = WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD; // other tests have children too
        loop {
            let (thread, signal) = match waitpid(None, Some(mine))? {
                end @ (WaitStatus::Exited(thread, _) | WaitStatus::Signaled(thread, ..)) => {
                    if thread == self.leader {
                        return Ok(Trace { sites: self.trace, is_met: self.is_met, end });
                    }
                    self.threads.remove(&thread);
                    continue;
                }
                WaitStatus::PtraceSyscall(thread) => match self.stop(thread) {
                    Ok(()) => (thread, None),
                    Err(Errno::ESRCH) => continue, // it has been killed meanwhile
                    Err(error) => return Err(error),
                },
                // The start of a thread is a stop too.
                WaitStatus::PtraceEvent(thread, ..) => (thread, None),
                WaitStatus::Stopped(thread, signal) => (thread, Some(signal)),
                _ => continue,
            };
            let go_on = if self.stage == Stage::Behind { ptrace::cont } else { ptrace::syscall::<Option<Signal>> };
            match go_on(thread, signal) {
                Err(error) if error != Errno::ESRCH => return Err(error),
                _ => {}
            }
        }
    }

    /// A thread stands at the entry of a system call, or at its exit.
    fn stop(&mut self, thread: Pid) -> nix::Result<()> {
        if self.stage == Stage::Behind {
            return Ok(());
        }
        let mut registers = ptrace::getregs(thread)?;
        if ptrace::syscall_info(thread)?.op == libc::PTRACE_SYSCALL_INFO_ENTRY {
            return self.enter(thread, registers);
        }
        let state = self.threads.entry(thread).or_default();
        let did_it = i64::from_ne_bytes(registers.rax.to_ne_bytes()) >= 0;
        let loss = state.loss.take().filter(|_| did_it);
        if let Some(error) = state.result.take().or(loss) {
            registers.rax = u64::from_ne_bytes(i64::from(-(error as i32)).to_ne_bytes());
            ptrace::setregs(thread, registers)?;
            if !self.goes_on && self.fault.is_some_and(|fault| !fault.from_here_on) {
                self.stage = Stage::Behind;
            }
        }
        Ok(())
    }

    fn enter(&mut self, thread: Pid, registers: user_regs_struct) -> nix::Result<()> {
        let call = calls::read(self.leader, thread, &self.memory, &mut self.requests, &registers);
        if call.about.contains(MARK) {
            self.stage = if self.stage == Stage::Before { Stage::Between } else { Stage::Behind };
            return Ok(());
        }
        if self.stage != Stage::Between {
            return Ok(());
        }
        let state = self.threads.entry(thread).or_default();
        let site = Site { before: state.before.clone(), call };
        if !site.call.faults().is_empty() {
            state.before = Some(site.call.clone());
        }
        let count = self.counts.entry(site.clone()).or_default();
        *count += 1;
        let is_next = |fault: &&Fault| fault.site == site && fault.nth == *count;
        let goes_on = |fault: &&Fault| fault.from_here_on && fault.site.call.number == site.call.number;
        let is_hit = if self.is_met { self.fault.filter(goes_on) } else { self.fault.filter(is_next) };
        self.trace.push(site);
        match is_hit {
            Some(fault) => {
                self.is_met = true;
                self.inject(thread, fault.how, registers)
            }
            None => Ok(()),
        }
    }

    fn inject(&mut self, thread: Pid, how: How, mut registers: user_regs_struct) -> nix::Result<()> {
        let state = self.threads.entry(thread).or_default();
        match how {
            How::Fails(error) => {
                state.result = Some(error);
                registers.orig_rax = u64::MAX; // no call has that number
                ptrace::setregs(thread, registers)
            }
            How::Lost(error) => {
                state.loss = Some(error);
                Ok(())
            }
            How::Killed => kill(self.leader, Signal::SIGKILL),
        }
    }
}
