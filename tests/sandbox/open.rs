//! The ways to a sandbox.

use crate::common::roles::{ROLE, finish, start};
use crate::common::{Skip, kernel, own_run};
use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::socket::getsockopt;
use nix::sys::socket::sockopt::PeerPidfd;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Child, Command, Stdio};
use sublink::value::InvalidValue;
use sublink::*;
use sublink_tests::{kernel_test, role};

/// A process, ended with this value.
struct Process(Child);

impl Process {
    fn start(program: &str, args: &[&str], role: &str) -> Self {
        let mut command = Command::new(program);
        Self(command.args(args).env(ROLE, role).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect(program))
    }

    fn end(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

#[track_caller]
fn assert_is(mut found: Sandbox, expected: &Netns) {
    assert!(found.netns().is_same_as(expected).unwrap());
    assert!(expected.is_same_as(&found).unwrap(), "as a descriptor");
    let there = Socket::open_in(expected).unwrap();
    assert_ne!(there.is_in_same_namespace(found.socket()), Some(false));
    assert!(found.run(Netns::current).unwrap().unwrap().is_same_as(expected).unwrap());
    assert!(found.into_netns().is_same_as(expected).unwrap());
}

#[kernel_test]
fn each_way_leads_to_the_same_namespace() -> Result<(), Skip> {
    own_run()?;
    let there = Netns::create_named("c1").unwrap();
    let process = there.run(|| Process::start("sleep", &["1000"], "")).unwrap();
    let pid = process.0.id();
    assert_is(Sandbox::open("/run/netns/c1").unwrap(), &there);
    assert_is(Sandbox::open(format!("/proc/{pid}/ns/net")).unwrap(), &there);
    assert_is(Sandbox::named("c1").unwrap(), &there);
    assert_is(Sandbox::of_pid(pid).unwrap(), &there);
    assert_is(Sandbox::of(there.try_clone().unwrap()).unwrap(), &there);
    assert_is(there.run(Sandbox::here).unwrap().unwrap(), &there);
    let here = Netns::current().unwrap();
    assert_is(Sandbox::here().unwrap(), &here);
    let new = Sandbox::create().unwrap();
    assert!(!new.netns().is_same_as(&here).unwrap() && !new.netns().is_same_as(&there).unwrap());
    let of_new = new.netns().try_clone().unwrap();
    assert_is(new, &of_new);
    Ok(())
}

/// A role: connects to the socket that the test listens on, and waits for its end.
#[role]
fn connect() {
    let path = std::env::args().nth(1).expect("a path");
    let _stream = UnixStream::connect(path).expect("the test listens");
    let _ = std::io::stdin().read(&mut [0]);
}

/// The calling thread enters and comes back, also from a file that cannot be entered.
#[kernel_test]
fn this_thread_comes_back() -> Result<(), Skip> {
    own_run()?;
    let (here, there) = (Netns::current().unwrap(), Netns::create_named("c1").unwrap());
    let is_here = || here.is_same_as(Netns::current().unwrap()).unwrap();
    assert_is(Sandbox::open_on_this_thread("/run/netns/c1").unwrap(), &there);
    assert!(is_here());
    fs::write("/run/uts", "").unwrap();
    mount(Some("/proc/self/ns/uts"), "/run/uts", None::<&str>, MsFlags::MS_BIND, None::<&str>).unwrap();
    let error = Sandbox::open_on_this_thread("/run/uts").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NotANamespace { .. }), "{error}");
    assert!(is_here());
    Ok(())
}

/// A role: in the namespace of another user, which it may not enter again.
#[role]
fn without_a_way_back() {
    let (here, there) = (Netns::current().unwrap(), Netns::create().unwrap());
    here.run(|| ()).unwrap_err();
    let path = format!("/proc/self/fd/{}", there.as_fd().as_raw_fd());
    assert_is(Sandbox::open_on_this_thread(path).unwrap(), &there);
    assert!(here.is_same_as(Netns::current().unwrap()).unwrap());
}

#[kernel_test]
fn a_thread_that_could_not_come_back_stays() -> Result<(), Skip> {
    finish(start("without_a_way_back", "-Ur")?);
    Ok(())
}

#[kernel_test]
fn a_pidfd_leads_to_the_namespace_of_its_process() -> Result<(), Skip> {
    let path = std::env::temp_dir().join(format!("sublink-{}-pidfd", std::process::id()));
    let _ = fs::remove_file(&path);
    let (listener, there) = (UnixListener::bind(&path).unwrap(), Netns::create().unwrap());
    let this = std::env::current_exe().unwrap();
    let (this, argument) = (this.to_str().unwrap(), path.to_str().unwrap());
    let mut process = there.run(|| Process::start(this, &[argument], "connect")).unwrap();
    let (stream, _) = listener.accept().unwrap();
    fs::remove_file(&path).unwrap();
    let pidfd = match getsockopt(&stream, PeerPidfd) {
        Err(Errno::ENOPROTOOPT) => {
            assert!(kernel() < (6, 5));
            return Err(Skip(
                "this kernel is too old for SO_PEERPIDFD, the only safe way to a pidfd here (Linux 6.5)".into(),
            ));
        }
        pidfd => pidfd.unwrap(),
    };
    assert_is(Sandbox::of_pidfd(&pidfd).unwrap(), &there);
    assert_is(Sandbox::of_pidfd(pidfd.as_fd()).unwrap(), &there);
    process.end();
    let error = Sandbox::of_pidfd(&pidfd).unwrap_err();
    assert!(error.is_no_process(), "{error}");
    let error = Sandbox::of_pidfd(&stream).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Invalid(InvalidValue::NotAPidfd)), "{error}");
    Ok(())
}

#[kernel_test]
fn one_that_fails_does_not_stop_the_others() -> Result<(), Skip> {
    own_run()?;
    let [a, b] = ["a", "b"].map(|name| Netns::create_named(name).unwrap());
    let paths = ["/run/netns/a", "/run/netns/absent", "/proc/self/ns/uts", "/proc/self/status", "/run/netns/b"];
    let mut opened = Sandbox::open_all(&paths).into_iter();
    assert_is(opened.next().unwrap().unwrap(), &a);
    assert!(opened.next().unwrap().unwrap_err().is_not_found());
    let error = opened.next().unwrap().unwrap_err();
    assert_eq!(error.to_string(), "/proc/self/ns/uts is not a network namespace but a namespace of another kind (uts)");
    let error = opened.next().unwrap().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NotANamespace { .. }), "{error}");
    assert_is(opened.next().unwrap().unwrap(), &b);
    assert!(opened.next().is_none());
    assert!(Sandbox::open_all(&[""; 0]).is_empty());
    Ok(())
}

/// Of the calling thread, which has a table of its own.
fn descriptors() -> usize {
    fs::read_dir("/proc/thread-self/fd").expect("a folder").count()
}

#[kernel_test]
fn a_sandbox_is_three_descriptors() -> Result<(), Skip> {
    own_run()?;
    unshare(CloneFlags::CLONE_FILES).unwrap();
    let before = descriptors();
    for _ in 0..3 {
        drop(Netns::create_named("c1").unwrap());
        assert_eq!(descriptors(), before, "a named namespace takes none");
        let pod = Sandbox::named("c1").unwrap();
        assert_eq!(descriptors(), before + 3, "the namespace, a socket, the folder of IPv6 settings");
        assert_eq!(pod.sysctl("ipv6/conf/all/accept_ra").unwrap(), "1");
        assert_eq!(descriptors(), before + 3);
        pod.set_sysctl("ipv4/conf/all/arp_notify", "1").unwrap();
        assert_eq!(pod.sysctl("ipv4/conf/all/arp_notify").unwrap(), "1");
        assert_eq!(descriptors(), before + 4, "another folder of settings, and no setting");
        let netns = pod.into_netns();
        assert_eq!(descriptors(), before + 1);
        drop(Sandbox::of(netns).unwrap());
        let pods = Sandbox::open_all(&["/run/netns/c1", "/run/netns/absent", "/run/netns/c1", "/proc/self/ns/uts"]);
        assert_eq!(descriptors(), before + 6);
        drop(pods);
        drop([Sandbox::here().unwrap(), Sandbox::create().unwrap()]);
        Netns::create_named("c1").unwrap_err();
        Sandbox::open("/proc/self/ns/uts").unwrap_err();
        Netns::remove_named("c1").unwrap();
        Netns::remove_named("c1").unwrap_err();
        assert_eq!(descriptors(), before);
    }
    Ok(())
}

/// One that belongs to a user namespace of its own, as a rootless container's does.
#[kernel_test]
fn the_namespace_of_another_user_is_opened() -> Result<(), Skip> {
    let mut process = Process::start("unshare", &["-Urn", "sh", "-c", "echo ready; read end"], "");
    let mut ready = String::new();
    BufReader::new(process.0.stdout.take().expect("a pipe")).read_line(&mut ready).expect("a line");
    if ready.is_empty() {
        return Err(Skip("no user namespaces here".into()));
    }
    let mut pod = Sandbox::of_pid(process.0.id()).unwrap();
    assert_eq!(pod.socket().index_of("lo").unwrap().get(), 1);
    pod.set_sysctl("ipv4/conf/lo/arp_notify", "1").unwrap();
    assert_eq!(pod.sysctl("ipv4/conf/lo/arp_notify").unwrap(), "1");
    let error = Sandbox::here().unwrap().netns().is_same_as(&pod).unwrap();
    assert!(!error);
    Ok(())
}
