//! A peer that does not answer: every wait ends by the socket's limit.
//!
//! The kernel always answers, so the socket is connected to another socket of the test's, which never does.

use crate::common::roles::ROLE;
use crate::common::{Skip, mac, name, parent, socket};
use crate::tools::{bare, listening, number, port, reconnect, send_to, start, twin};
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{MsgFlags, recv, setsockopt, sockopt::SendTimeout};
use nix::sys::time::TimeVal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::io::BufReader;
use std::os::fd::{AsRawFd, OwnedFd};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use sublink::batch::Outcome;
use sublink::link::{AddrGenMode, DeleteLink, LinkSettings};
use sublink::socket::AddressWatch;
use sublink::{Batch, ErrorKind, IfIndex, LinkChange, ListLinks, Netns, NewAddress, NewLink, Result, Socket};
use sublink_tests::{kernel_test, role};

const SHORT: Duration = Duration::from_millis(30);
/// When something that must end is given up.
const FOR_EVER: Duration = Duration::from_secs(120);

/// A socket that nobody answers, and the one that keeps silent.
fn unanswered(fd: OwnedFd) -> (Socket, OwnedFd) {
    let (mut socket, mute) = (Socket::from_fd(fd).unwrap(), bare());
    socket.set_time_limit(SHORT);
    reconnect(&socket, port(&mute));
    (socket, mute)
}

fn timed_out<T>(what: &str, result: Result<T>) {
    let Err(error) = result else { panic!("{what} had an answer") };
    assert!(matches!(error.kind(), ErrorKind::TimedOut), "{what}: {error}");
    assert_eq!(error.raw_os_error(), Some(nix::errno::Errno::ETIMEDOUT as i32), "{what}");
    assert!(error.to_string().contains("outcome is unknown"), "{what}: {error}");
}

#[kernel_test]
pub fn every_operation_has_a_time_limit() -> std::result::Result<(), Skip> {
    let (mut socket, _mute) = unanswered(bare());
    let (index, namespace) = (IfIndex::new(1).unwrap(), Netns::current().unwrap());
    timed_out("index_of", socket.index_of("lo"));
    timed_out("link_at", socket.link_at(index).map(|_| ()));
    timed_out("link_by_alt_name", socket.link_by_alt_name("a").map(|_| ()));
    timed_out("create", socket.create(&NewLink::dummy().name(name("d0"))));
    timed_out("create without a name", socket.create(&NewLink::macvlan(index)));
    timed_out("change", socket.change(&LinkChange::new(index).up()));
    timed_out("move", socket.change(&LinkChange::move_to(index, &namespace)));
    timed_out("set", socket.set(&LinkSettings::new(index).addr_gen_mode(AddrGenMode::None)));
    timed_out("delete", socket.delete(index));
    timed_out("delete_group", socket.delete_group(7));
    timed_out("add_alt_name", socket.add_alt_name(index, "a"));
    timed_out("verify", socket.verify(index, &NewLink::macvlan(index).bc_cutoff(3)));
    let mut batch = Batch::new();
    for _ in 0..200 {
        batch.push(&DeleteLink::index(index)).unwrap();
    }
    timed_out("run", socket.run(&mut batch));
    let sent = batch.outcomes().iter().take_while(|outcome| **outcome == Outcome::Unknown).count();
    let unsent = &batch.outcomes()[sent..];
    assert!((1..=128).contains(&sent), "{sent}: as many as the receive buffer holds the answers of");
    assert!(unsent.iter().all(|outcome| *outcome == Outcome::NotSent), "{unsent:?}");
    timed_out("links", socket.links(&ListLinks::new()).unwrap().next().map(|_| ()));
    Ok(())
}

#[kernel_test]
pub fn a_limit_of_zero_is_a_short_one() -> std::result::Result<(), Skip> {
    let (mut socket, mute) = unanswered(bare());
    for limit in [Duration::ZERO, Duration::from_nanos(1), Duration::from_micros(999)] {
        socket.set_time_limit(limit);
        timed_out("index_of", socket.index_of("lo"));
    }
    drop(mute);
    reconnect(&socket, 0);
    for limit in [Duration::MAX, Duration::from_secs(u64::from(u32::MAX)), Duration::from_secs(1)] {
        socket.set_time_limit(limit);
        assert_eq!(socket.index_of("lo").unwrap().get(), 1, "with a limit of {limit:?}");
    }
    Ok(())
}

#[kernel_test]
pub fn the_socket_works_when_the_kernel_answers_again() -> std::result::Result<(), Skip> {
    let (mut socket, mute) = unanswered(bare());
    timed_out("index_of", socket.index_of("lo"));
    timed_out("links", socket.links(&ListLinks::new()).unwrap().next().map(|_| ()));
    reconnect(&socket, 0);
    // The list's end will never come, and the next request must not fail for it.
    assert_eq!(socket.index_of("lo").unwrap().get(), 1);
    let parent = parent(&mut socket);
    let index = socket.create(&NewLink::macvlan(parent).name(name("mv0")).mac(mac(1))).unwrap();
    assert_eq!(socket.links(&ListLinks::new()).unwrap().collect().unwrap().len(), 4);
    socket.delete(index).unwrap();
    drop(mute);
    Ok(())
}

/// Calls `flood` again and again until `work` has ended; fails if that takes for ever.
fn during<T>(mut flood: impl FnMut() + Send, work: impl FnOnce() -> T) -> T {
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let flooding = scope.spawn(|| {
            let since = Instant::now();
            while !ended.load(Ordering::Relaxed) {
                flood();
                if since.elapsed() > FOR_EVER {
                    return false;
                }
            }
            true
        });
        let result = work();
        ended.store(true, Ordering::Relaxed);
        assert!(flooding.join().expect("no panic"), "the wait ended only because the flood did");
        result
    })
}

#[kernel_test]
pub fn foreign_datagrams_do_not_prolong_the_wait() -> std::result::Result<(), Skip> {
    let (mut socket, mute) = unanswered(bare());
    let to = port(&socket);
    let fd = twin(&mute);
    setsockopt(&fd, SendTimeout, &TimeVal::new(0, 1000)).unwrap(); // for when the queue is full
    let flood = |bytes: &'static [u8]| {
        let fd = &fd;
        move || _ = send_to(fd, to, bytes)
    };
    during(flood(&[0; 32]), || timed_out("index_of", socket.index_of("lo")));
    during(flood(&[0xff; 5]), || timed_out("delete", socket.delete(IfIndex::new(1).unwrap())));
    Ok(())
}

/// An event each time that the last one was read: so there always is something to read, and never too much.
#[kernel_test]
pub fn events_do_not_prolong_the_wait() -> std::result::Result<(), Skip> {
    let (mut unanswered, _mute) = unanswered(listening());
    unanswered.set_time_limit(10 * SHORT); // longer than any pause between two events
    let mut other = socket();
    let (parent, fd, mut on) = (parent(&mut other), twin(&unanswered), false);
    let is_read = || recv(fd.as_raw_fd(), &mut [0], MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT).is_err();
    let flood = || {
        if is_read() {
            on = !on;
            other.change(&LinkChange::new(parent).promisc(on)).unwrap();
        }
    };
    timed_out("index_of", during(flood, || unanswered.index_of("lo")));
    Ok(())
}

/// A process that waits for an answer which does not come.
#[role]
fn waiter() {
    let (mut socket, _mute) = unanswered(bare());
    socket.set_time_limit(LONG);
    timed_out("index_of", socket.index_of("lo"));
}

/// A receive with a time limit ends with EINTR when its process is stopped and continued (`man 7 signal`): that is a
/// signal without a handler of its own.
#[kernel_test]
pub fn stops_and_continues_do_not_end_the_wait_or_prolong_it() -> std::result::Result<(), Skip> {
    let mut child = start("waiter");
    let pid = Pid::from_raw(child.id().try_into().unwrap());
    let (since, mut stops) = (Instant::now(), 0);
    let ended = loop {
        assert!(since.elapsed() < FOR_EVER, "{stops} stops later, it still waits");
        match waitpid(pid, Some(WaitPidFlag::WNOHANG)).unwrap() {
            WaitStatus::StillAlive => {}
            ended => break ended,
        }
        if !is_receiving(pid) {
            thread::yield_now();
            continue;
        }
        kill(pid, Signal::SIGSTOP).unwrap();
        match waitpid(pid, Some(WaitPidFlag::WUNTRACED)).unwrap() {
            WaitStatus::Stopped(..) => stops += 1,
            ended => break ended,
        }
        kill(pid, Signal::SIGCONT).unwrap();
    };
    assert_eq!(ended, WaitStatus::Exited(pid, 0));
    assert!(stops > 0, "it was never seen waiting");
    let _ = child.wait(); // it was waited for already
    Ok(())
}

/// A process that waits for what does not come, and prints for how many milliseconds.
fn wait_late(wait: impl FnOnce(&mut Socket)) {
    let (mut socket, _mute) = unanswered(bare());
    socket.set_time_limit(LONG);
    let since = Instant::now();
    wait(&mut socket);
    println!("{}", since.elapsed().as_millis());
}

#[role]
fn late_look() {
    wait_late(|socket| timed_out("index_of", socket.index_of("lo")));
}

#[role]
fn late_batch() {
    let mut batch = Batch::new();
    batch.push(&DeleteLink::index(IfIndex::new(999).unwrap())).unwrap();
    wait_late(|socket| timed_out("run", socket.run(&mut batch)));
}

#[role]
fn late_list() {
    wait_late(|socket| timed_out("links", socket.links(&ListLinks::new()).unwrap().next().map(|_| ())));
}

/// An address is tentative for as long as its link is down.
#[role]
fn late_address() {
    let (mut host, mut watch) = (socket(), AddressWatch::open().unwrap());
    let down = host.create(&NewLink::veth(NewLink::peer())).unwrap();
    let addr = "fd00::7".parse().unwrap();
    host.apply(&NewAddress::new(down, "fd00::7/64".parse().unwrap())).unwrap();
    wait_late(|_| {
        let error = watch.wait(down, &[addr], LONG).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::StillTentative(_)), "{error}");
    });
}

const LONG: Duration = Duration::from_secs(2);

/// One signal near the end of the wait: were the limit counted from there, the wait would be almost twice as long.
#[kernel_test]
pub fn a_late_signal_does_not_prolong_the_wait() -> std::result::Result<(), Skip> {
    let mut waits = Vec::new();
    while waits.len() < 10 {
        let waited = waits_with_a_late_signal()?;
        if waited < LONG * 5 / 4 {
            return Ok(());
        }
        waits.push(waited); // on a busy machine the wait may end late
    }
    panic!("each time it was too long: {waits:?}");
}

/// The longest wait of those that are interrupted near their end. A stopped process would not do: the kernel goes on with its
/// `poll` where that was, and tells nobody.
fn waits_with_a_late_signal() -> std::result::Result<Duration, Skip> {
    // The standard library's own is the first, before `main`.
    let late = format!("--inject=?poll,?ppoll:error=EINTR:delay_enter={}:when=2", (LONG * 3 / 4).as_micros());
    let waiting = ["late_look", "late_batch", "late_list", "late_address"].map(|role| {
        let file = std::env::temp_dir().join(format!("sublink-late-{}-{role}", std::process::id()));
        let mut strace = Command::new("strace");
        strace.args(["-f", "--trace=?poll,?ppoll", &late, "-o"]).arg(&file).arg(std::env::current_exe().unwrap());
        (strace.env(ROLE, role).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn(), file)
    });
    let waits = waiting.map(|(strace, file)| {
        let output = strace.map_err(|error| Skip(format!("no strace here: {error}")))?.wait_with_output().unwrap();
        let trace = std::fs::read_to_string(&file).unwrap_or_default();
        let _ = std::fs::remove_file(&file);
        let said = String::from_utf8_lossy(&output.stderr);
        if said.contains("ptrace") {
            return Err(Skip(format!("strace is forbidden here: {}", said.trim())));
        }
        assert!(output.status.success(), "{said}");
        let interrupted: Vec<_> = trace.lines().filter(|line| line.contains("EINTR")).collect();
        assert!(interrupted.len() == 1 && interrupted[0].contains("POLLIN"), "the library's wait: {trace}");
        Ok(Duration::from_millis(number(&mut BufReader::new(&*output.stdout))))
    });
    let waits: Vec<_> = waits.into_iter().collect::<std::result::Result<_, _>>()?;
    Ok(waits.into_iter().max().unwrap())
}

/// Whether the process waits for its socket.
fn is_receiving(process: Pid) -> bool {
    let call = std::fs::read_to_string(format!("/proc/{process}/syscall")).unwrap_or_default();
    let number = call.split(' ').next().and_then(|number| number.parse().ok());
    [nix::libc::SYS_poll, nix::libc::SYS_ppoll].contains(&number.unwrap_or(-1))
}
