//! System calls: what each is about, and how each can fail.

use crate::tracer::How::{self, Fails, Lost};
use nix::errno::Errno;
use nix::libc::{self, c_long, user_regs_struct};
use nix::unistd::Pid;
use std::collections::HashMap;
use std::fmt;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;

/// A system call, and what it is about: the types of the messages that are sent, the request that an answer is to, a path, an
/// option.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Call {
    pub is_of_a_helper: bool,
    pub number: c_long,
    pub about: String,
}

/// A system call that the library's operations make, and how it can go wrong besides being the last of a process that is killed.
pub struct Row {
    number: c_long,
    pub name: &'static str,
    /// Each once; and from there on, unless that would be for ever, or the end of the process.
    pub faults: &'static [How],
    /// Whether it is met each time, and not only where other threads are slow or memory is short.
    pub is_sure: bool,
}

/// Calls that can fail. What the kernel answers to a request is another matter: here the call itself fails.
const TABLE: &[Row] = &[
    sure(libc::SYS_sendto, "sendto", &[Fails(Errno::ENOBUFS), Fails(Errno::EINTR)]),
    sure(libc::SYS_recvmsg, "recvmsg", &[Lost(Errno::ENOBUFS), Fails(Errno::EAGAIN)]),
    sure(libc::SYS_poll, "poll", &[Fails(Errno::ENOMEM), Fails(Errno::EINTR)]),
    sure(libc::SYS_socket, "socket", &[Fails(Errno::EMFILE)]),
    sure(libc::SYS_bind, "bind", &[Fails(Errno::ENOMEM)]),
    sure(libc::SYS_connect, "connect", &[Fails(Errno::ENOMEM)]),
    sure(libc::SYS_setsockopt, "setsockopt", &[Fails(Errno::ENOPROTOOPT)]),
    sure(libc::SYS_getsockopt, "getsockopt", &[Fails(Errno::ENOPROTOOPT)]),
    sure(libc::SYS_getsockname, "getsockname", &[Fails(Errno::ENOBUFS)]),
    sure(libc::SYS_setns, "setns", &[Fails(Errno::EPERM)]),
    sure(libc::SYS_unshare, "unshare", &[Fails(Errno::EPERM)]),
    sure(libc::SYS_openat, "openat", &[Fails(Errno::EMFILE), Fails(Errno::ENOENT)]),
    sure(libc::SYS_fcntl, "fcntl", &[Fails(Errno::EMFILE)]),
    sure(libc::SYS_statx, "statx", &[Fails(Errno::ENOENT)]),
    sure(libc::SYS_newfstatat, "newfstatat", &[Fails(Errno::ENOENT)]),
    sure(libc::SYS_fstat, "fstat", &[Fails(Errno::ENOMEM)]),
    sure(libc::SYS_fstatfs, "fstatfs", &[Fails(Errno::ENOMEM)]),
    sure(libc::SYS_readlink, "readlink", &[Fails(Errno::ENOENT)]),
    sure(libc::SYS_read, "read", &[Fails(Errno::EIO), Fails(Errno::EINTR)]),
    sure(libc::SYS_write, "write", &[Fails(Errno::EPERM), Fails(Errno::EINTR)]),
    sure(libc::SYS_lseek, "lseek", &[Fails(Errno::ESPIPE)]),
    sure(libc::SYS_close, "close", &[Lost(Errno::EINTR)]),
    sure(libc::SYS_clone3, "clone3", &[Fails(Errno::EAGAIN)]),
    sure(libc::SYS_clone, "clone", &[Fails(Errno::EAGAIN)]),
    sure(libc::SYS_getrandom, "getrandom", &[Fails(Errno::EINTR)]),
    sure(libc::SYS_clock_nanosleep, "clock_nanosleep", &[Fails(Errno::EINTR)]),
    // The stack of a thread that is started. A thread itself asks for a second one, without which Rust ends the process.
    by_chance(libc::SYS_mmap, "mmap", &[Fails(Errno::ENOMEM)]),
    // What cannot fail, and what the C library does for itself: with memory and threads.
    sure(libc::SYS_getpid, "getpid", &[]),
    sure(libc::SYS_gettid, "gettid", &[]),
    by_chance(libc::SYS_clock_gettime, "clock_gettime", &[]),
    by_chance(libc::SYS_futex, "futex", &[]),
    by_chance(libc::SYS_brk, "brk", &[]),
    by_chance(libc::SYS_munmap, "munmap", &[]),
    by_chance(libc::SYS_mprotect, "mprotect", &[]),
    by_chance(libc::SYS_mremap, "mremap", &[]),
    by_chance(libc::SYS_madvise, "madvise", &[]),
    by_chance(libc::SYS_sched_yield, "sched_yield", &[]),
    by_chance(libc::SYS_restart_syscall, "restart_syscall", &[]),
    by_chance(libc::SYS_rt_sigprocmask, "rt_sigprocmask", &[]),
    by_chance(libc::SYS_rt_sigaction, "rt_sigaction", &[]),
    by_chance(libc::SYS_sigaltstack, "sigaltstack", &[]),
    by_chance(libc::SYS_set_robust_list, "set_robust_list", &[]),
    by_chance(libc::SYS_rseq, "rseq", &[]),
    by_chance(libc::SYS_prctl, "prctl", &[]),
    by_chance(libc::SYS_sched_getaffinity, "sched_getaffinity", &[]),
    by_chance(libc::SYS_exit, "exit", &[]),
];

const fn sure(number: c_long, name: &'static str, faults: &'static [How]) -> Row {
    Row { number, name, faults, is_sure: true }
}

const fn by_chance(number: c_long, name: &'static str, faults: &'static [How]) -> Row {
    Row { number, name, faults, is_sure: false }
}

/// The types of messages.
const MESSAGES: &[(u16, &str)] = &[
    (16, "NEWLINK"),
    (17, "DELLINK"),
    (18, "GETLINK"),
    (19, "SETLINK"),
    (20, "NEWADDR"),
    (21, "DELADDR"),
    (22, "GETADDR"),
    (24, "NEWROUTE"),
    (25, "DELROUTE"),
    (26, "GETROUTE"),
    (28, "NEWNEIGH"),
    (30, "GETNEIGH"),
    (88, "NEWNSID"),
    (90, "GETNSID"),
];

/// `MAP_STACK` among the flags of a mapping.
const STACK: u64 = libc::MAP_STACK as u64;

impl Call {
    /// Its row; none if nobody has thought of it.
    pub fn row(&self) -> Option<&'static Row> {
        TABLE.iter().find(|row| row.number == self.number)
    }

    /// How it can go wrong.
    pub fn faults(&self) -> &'static [How] {
        let row = self.row().filter(|_| self.number != libc::SYS_mmap || self.about == "stack");
        row.map_or(&[], |row| row.faults)
    }
}

impl How {
    /// Whether calls like this one can go on going wrong.
    pub fn lasts(self, call: &Call) -> bool {
        match self {
            Fails(Errno::EINTR) | Lost(Errno::EINTR) | How::Killed => false,
            Fails(Errno::EAGAIN) => call.number != libc::SYS_recvmsg,
            Fails(_) => call.number != libc::SYS_mmap,
            Lost(_) => true,
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.row() {
            Some(row) => f.write_str(row.name)?,
            None => write!(f, "system call {}", self.number)?,
        }
        write!(f, "{}{}", if self.about.is_empty() { "" } else { " " }, self.about)?;
        f.write_str(if self.is_of_a_helper { " of a helper" } else { "" })
    }
}

/// Reads the call that a thread is about to make. `requests` are the last ones that were sent by each descriptor.
pub fn read(
    leader: Pid,
    thread: Pid,
    memory: &File,
    requests: &mut HashMap<u64, String>,
    registers: &user_regs_struct,
) -> Call {
    let user_regs_struct { orig_rax, rdi, rsi, rdx, r10, .. } = *registers;
    let number = c_long::try_from(orig_rax).unwrap_or(-1);
    let path = |at| without_numbers(&string_at(memory, at));
    let about = match number {
        libc::SYS_sendto => {
            let request = messages_at(memory, rsi, rdx);
            requests.insert(rdi, request.clone());
            request
        }
        libc::SYS_recvmsg => requests.get(&rdi).map(|request| format!("answer to {request}")).unwrap_or_default(),
        libc::SYS_openat | libc::SYS_newfstatat | libc::SYS_statx => path(rsi),
        libc::SYS_readlink => path(rdi),
        libc::SYS_setsockopt | libc::SYS_getsockopt => format!("{rsi}:{rdx}"),
        libc::SYS_close
        | libc::SYS_fstat
        | libc::SYS_fstatfs
        | libc::SYS_lseek
        | libc::SYS_read
        | libc::SYS_write
        | libc::SYS_fcntl => {
            let file = fs::read_link(format!("/proc/{leader}/fd/{rdi}")).unwrap_or_default();
            without_numbers(&file.to_string_lossy())
        }
        libc::SYS_mmap if r10 & STACK != 0 && thread == leader => "stack".into(),
        _ => String::new(),
    };
    Call { is_of_a_helper: thread != leader, number, about }
}

/// Numbers differ from run to run: of processes, descriptors, namespaces.
fn without_numbers(text: &str) -> String {
    let mut words = String::new();
    for character in text.chars() {
        match character {
            '0'..='9' if words.ends_with('N') => {}
            '0'..='9' => words.push('N'),
            other => words.push(other),
        }
    }
    words
}

fn string_at(memory: &File, at: u64) -> String {
    let mut bytes = [0; 64];
    let len = memory.read_at(&mut bytes, at).unwrap_or(0);
    let text = bytes[..len].split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).into_owned()
}

/// `GETLINK, NEWLINK`; of several alike `NEWROUTE…`, and a list is `GETLINK list`.
fn messages_at(memory: &File, at: u64, len: u64) -> String {
    let mut words: Vec<String> = Vec::new();
    let (mut from, end) = (at, at + len);
    let mut header = [0; 16];
    while from + 16 <= end && memory.read_exact_at(&mut header, from).is_ok() {
        let [l0, l1, l2, l3, t0, t1, f0, f1, ..] = header;
        let ty = u16::from_ne_bytes([t0, t1]);
        let word = MESSAGES
            .iter()
            .find(|(number, _)| *number == ty)
            .map_or_else(|| ty.to_string(), |(_, word)| (*word).into());
        let is_list = word.starts_with("GET") && u16::from_ne_bytes([f0, f1]) & 0x300 == 0x300;
        let word = if is_list { word + " list" } else { word };
        match words.last_mut() {
            Some(last) if last.trim_end_matches('…') == word => *last = word + "…",
            _ => words.push(word),
        }
        from += u64::from(u32::from_ne_bytes([l0, l1, l2, l3]).max(16)).next_multiple_of(4);
    }
    words.join(", ")
}
