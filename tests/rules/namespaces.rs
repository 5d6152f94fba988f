//! Namespaces: found by whatever names them, entered on threads of their own, kept by what is open and by nothing else.

use crate::common::{Skip, kernel, mac, name, own_run, parent, socket};
use crate::help::{descriptors, elsewhere, ip, own_descriptors, seen, seen_in, sentence};
use nix::errno::Errno;
use nix::sys::socket::getsockopt;
use nix::sys::socket::sockopt::PeerPidfd;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use std::fs::{self, File};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::panic::{catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};
use sublink::value::InvalidValue;
use sublink::{ErrorKind, LinkChange, Netns, NewLink, Result, Socket};
use sublink_tests::kernel_test;

/// The calling thread's namespace as the kernel names it: `net:[4026531840]`.
fn mine() -> PathBuf {
    fs::read_link("/proc/thread-self/ns/net").expect("a link")
}

/// A process that lives in `namespace` until it is ended.
struct Inhabitant(Child);

impl Inhabitant {
    fn of(namespace: &Netns) -> Self {
        let spawn = || Command::new("sleep").arg("1000").spawn().expect("sleep");
        Self(namespace.run(spawn).expect("its thread"))
    }
}

impl Drop for Inhabitant {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[kernel_test]
pub fn a_namespace_is_found_by_what_names_it() -> Result<(), Skip> {
    let there = Netns::create().unwrap();
    let process = Inhabitant::of(&there);
    let pid = process.0.id();
    let is_there = |found: Result<Netns>| found.expect("a namespace").is_same_as(&there).expect("a comparison");
    assert!(is_there(Netns::of_pid(pid)));
    assert!(is_there(Netns::open(format!("/proc/{pid}/ns/net"))));
    assert!(is_there(there.run(Netns::current).unwrap()));
    assert!(is_there(Netns::from_fd(there.as_fd().try_clone_to_owned().unwrap())));
    assert!(is_there(Netns::from_fd(OwnedFd::from(Netns::of_pid(pid).unwrap()))));
    assert!(!is_there(Netns::current()));
    assert!(!is_there(Netns::create()));
    assert_eq!(there.run(mine).unwrap(), fs::read_link(format!("/proc/{pid}/ns/net")).unwrap());
    Ok(())
}

/// The main thread of this process is in the namespace that it started in.
#[kernel_test]
pub fn a_pidfd_names_its_process() -> Result<(), Skip> {
    let (stream, _other) = UnixStream::pair().unwrap();
    let process = match getsockopt(&stream, PeerPidfd) {
        Err(Errno::ENOPROTOOPT) => {
            assert!(kernel() < (6, 5));
            return Err(Skip("this kernel is too old for SO_PEERPIDFD, which is of Linux 6.5".into()));
        }
        process => process.unwrap(),
    };
    let before = mine();
    let found = Netns::of_pidfd(&process).unwrap();
    assert!(found.is_same_as(Netns::open("/proc/self/ns/net").unwrap()).unwrap());
    assert!(!found.is_same_as(Netns::current().unwrap()).unwrap());
    assert_eq!(mine(), before);
    let no_pidfd = File::open("/proc/self/status").unwrap();
    assert_eq!(sentence(Netns::of_pidfd(no_pidfd)), "not a pidfd");
    Ok(())
}

#[kernel_test]
pub fn a_named_namespace_is_a_file_in_run_netns() -> Result<(), Skip> {
    own_run()?;
    ip("netns add c1");
    let there = Netns::named("c1").unwrap();
    assert!(there.is_same_as(Netns::open("/run/netns/c1").unwrap()).unwrap());
    assert!(!there.is_same_as(Netns::current().unwrap()).unwrap());
    there.run(|| ip("link add only type veth peer name there")).unwrap();
    assert!(ip("-n c1 -o link show").contains("only"));
    assert_eq!(sentence(Netns::named("c2")), "open namespace /run/netns/c2: No such file or directory (os error 2)");
    // As `ip` leaves it when a reboot has unmounted what was on it.
    File::create("/run/netns/stale").unwrap();
    assert_eq!(
        sentence(Netns::named("stale")),
        "nothing is mounted on /run/netns/stale: its namespace is gone, or mounted in another mount namespace only"
    );
    for outside in ["../netns/c1", "/run/netns/c1", "./c1", "c1/", "", ".", "..", "c1\0"] {
        let error = Netns::named(outside).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Invalid(InvalidValue::NamespaceName(_))), "{outside:?}: {error}");
    }
    Ok(())
}

/// A planted file is refused, and a FIFO among them is not waited for.
#[kernel_test]
pub fn what_is_no_namespace_is_refused() -> Result<(), Skip> {
    let folder = std::env::temp_dir().join(format!("sublink-{}-files", std::process::id()));
    let _ = fs::remove_dir_all(&folder); // of a run that was killed
    fs::create_dir(&folder).unwrap();
    let (fifo, file) = (folder.join("fifo"), folder.join("file"));
    mkfifo(&fifo, Mode::S_IRWXU).unwrap();
    fs::write(&file, "net:[4026531840]").unwrap();
    let refused = [&file, &folder, Path::new("/dev/null"), Path::new("/proc/self/status")]
        .map(|path| (path, Netns::open(path).map(drop)));
    let waited = opened_without_waiting(&fifo);
    fs::remove_dir_all(&folder).unwrap();
    for (path, opened) in refused.into_iter().chain([(&*fifo, waited)]) {
        let error = opened.expect_err("no namespace");
        assert!(matches!(error.kind(), ErrorKind::NotANamespace { .. }), "{}: {error}", path.display());
    }
    for (opened, path) in
        [(Netns::open(&file), file.display().to_string()), (Netns::open("/a\x1b[2J"), "/a\\u{1b}[2J".into())]
    {
        assert_eq!(sentence(opened), format!("open namespace {path}: No such file or directory (os error 2)"));
    }
    let error = Netns::of_pid(u32::MAX).unwrap_err();
    assert!(error.is_no_process(), "as by pidfd: {error}");
    Ok(())
}

/// Who waits for a FIFO's writer gets one in the end, so that the test fails instead of standing still.
fn opened_without_waiting(fifo: &Path) -> Result<()> {
    let (tell, told) = channel();
    thread::scope(|scope| {
        scope.spawn(move || tell.send(Netns::open(fifo).map(drop)));
        told.recv_timeout(Duration::from_secs(60)).unwrap_or_else(|_| {
            drop(File::options().write(true).open(fifo));
            panic!("it waited for a writer")
        })
    })
}

/// It is on nsfs, and yet cannot be entered as a network namespace; nothing runs in its stead.
#[kernel_test]
pub fn a_namespace_of_another_kind_is_not_entered() -> Result<(), Skip> {
    let refused = sentence(Netns::open("/proc/self/ns/uts"));
    assert_eq!(refused, "/proc/self/ns/uts is not a network namespace but a namespace of another kind (uts)");
    let uts = Netns::from_fd(File::open("/proc/self/ns/uts").unwrap().into()).unwrap();
    let mut ran = false;
    let expected = "what was to be entered is not a network namespace but a namespace of another kind";
    assert_eq!(sentence(uts.run(|| ran = true)), expected);
    assert!(!ran);
    assert_eq!(sentence(Socket::open_in(&uts)), expected);
    let mut socket = socket();
    let parent = parent(&mut socket);
    let before = seen();
    let error = socket.create(&NewLink::macvlan(parent).name(name("x")).netns(&uts)).unwrap_err();
    assert_eq!(error.to_string(), "create macvlan x on p0: EINVAL (Invalid argument)");
    assert_eq!(seen(), before);
    Ok(())
}

#[kernel_test]
pub fn a_new_namespace_is_empty() -> Result<(), Skip> {
    let (there, mut inside) = elsewhere();
    assert_eq!(seen_in(&there), [(1, "lo".to_owned())]);
    let lo = inside.link("lo").unwrap();
    assert_eq!((lo.index().get(), lo.is_up(), lo.mac().mac()), (1, false, None));
    Ok(())
}

#[kernel_test]
pub fn work_in_a_namespace_is_waited_for() -> Result<(), Skip> {
    let (there, before) = (Netns::create().unwrap(), mine());
    let mut lent = vec![1, 2];
    let length = there.run(|| {
        lent.push(3);
        assert_ne!(mine(), before);
        lent.len()
    });
    assert_eq!((length.unwrap(), lent), (3, vec![1, 2, 3]));
    let panic = catch_unwind(|| there.run(|| resume_unwind(Box::new("inside")))).expect_err("it goes on in the caller");
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"inside"));
    assert_eq!(mine(), before);
    Ok(())
}

/// Everything that enters a namespace, well and ill: the thread that asks stays, and no descriptor is left.
#[kernel_test]
pub fn nothing_stays_behind() -> Result<(), Skip> {
    own_descriptors();
    let (mut socket, (there, mut inside)) = (socket(), elsewhere());
    let parent = parent(&mut socket);
    let uts = Netns::from_fd(File::open("/proc/self/ns/uts").unwrap().into()).unwrap();
    let (held, home) = (descriptors(), mine());
    let mut round = || {
        drop(Netns::create().unwrap());
        drop(Netns::current().unwrap());
        drop(Netns::open("/proc/self/ns/net").unwrap());
        drop(Socket::open().unwrap());
        drop(Socket::open_in(&there).unwrap());
        assert_eq!(there.run(|| 1).unwrap(), 1);
        let link = NewLink::macvlan(parent).netns(&there);
        let made = socket.create(&link).unwrap();
        inside.delete(made).unwrap();
        let moved = socket.create(&NewLink::macvlan(parent)).unwrap();
        socket.change(&LinkChange::move_to(moved, &there)).unwrap();
        inside.delete(moved).unwrap();

        Netns::open("/proc/self/status").unwrap_err();
        Netns::open("/nowhere").unwrap_err();
        uts.run(|| ()).unwrap_err();
        Socket::open_in(&uts).unwrap_err();
        Socket::open_in(&uts).unwrap_err();
        Socket::from_fd(File::open("/dev/null").unwrap().into()).unwrap_err();
        Netns::from_fd(File::open("/dev/null").unwrap().into()).unwrap_err();
        socket.create(&link.mtu(9000)).unwrap_err();
        socket.create(&NewLink::macvlan(parent).netns(&uts)).unwrap_err();
        let (open, place) = (descriptors(), mine());
        assert_eq!((open, &place), (held, &home));
    };
    (0..3).for_each(|_| round());
    Ok(())
}

/// A child's address is taken on the parent for as long as the namespace lives, and that is as long as the socket.
#[kernel_test]
pub fn a_socket_keeps_its_namespace() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let (there, mut inside) = elsewhere();
    let link = NewLink::macvlan(parent).name(name("a")).mac(mac(1)).up();
    let made = socket.create(&link.netns(&there)).unwrap();
    drop(there);
    assert!(inside.link_at(made).unwrap().is_up());
    assert!(socket.create(&link).unwrap_err().is_address_in_use());
    drop(inside);
    // The kernel takes a namespace down in its own time, and tells nobody here.
    let deadline = Instant::now() + Duration::from_secs(120);
    while let Err(error) = socket.create(&link) {
        assert!(error.is_address_in_use() && Instant::now() < deadline, "{error}");
    }
    Ok(())
}
