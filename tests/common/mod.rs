//! What the suites share that speak with the kernel: each test runs in a fresh network namespace, on a thread of its own,
//! and says so when the kernel lacks what it needs.
//!
//! An ordinary user gets a user namespace first, entered before any thread starts. Links of the machine are never touched.

#![expect(clippy::missing_panics_doc, reason = "a panic is how a test fails")]

pub mod roles;

pub use inventory;
pub use sublink_tests_macros::{kernel_test, role};

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::socket::{MsgFlags, recv};
use std::fs;
use std::os::fd::{AsFd, AsRawFd};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};
use sublink::Error;
use sublink::error::Reason;
use sublink::link::OperState;
use sublink::wire::Header;
use sublink::{ErrorKind, IfIndex, IfName, LinkChange, ListLinks, MacAddr, Netns, NewLink, Socket, VlanId};

/// How long anything may take that is waited for: far more than it takes on a machine that is emulated and busy.
pub const LIMIT: Duration = Duration::from_secs(120);

/// Why a test did not run.
///
/// A reason that begins with `this kernel` says what the kernel cannot have: a driver that it lacks, a property that it is too
/// old for. Every other reason is the machine's, for example a program that is not installed, and `--strict` makes it a
/// failure.
#[derive(Debug)]
pub struct Skip(pub String);

/// A test that `#[kernel_test]` has found.
#[derive(Debug)]
pub struct KernelTest {
    /// The module's path, which begins with the suite's name.
    pub module: &'static str,
    /// Where the attribute stands: tests run in the order of their files.
    pub line: u32,
    /// The function's name.
    pub function: &'static str,
    /// The kind of link that it is run for, or nothing.
    pub kind: &'static str,
    /// The function. It panics to fail.
    pub run: fn() -> Result<(), Skip>,
}

inventory::collect!(KernelTest);

impl KernelTest {
    /// `module::function`, or `module::function::kind`.
    fn name(&self) -> String {
        let module = self.module.split("::").skip(1); // the first is the suite
        let kind = Some(self.kind).filter(|kind| !kind.is_empty());
        module.chain([self.function]).chain(kind).collect::<Vec<_>>().join("::")
    }
}

/// A test by its name.
pub type NamedTest = (String, Box<dyn FnOnce() -> Result<(), Skip> + Send>);

/// Runs all tests of a suite; the `main` of its binary. In a process that was started for a role, runs the role instead.
pub fn main() -> ExitCode {
    main_with([])
}

/// [`main`] with more tests: those that are made of the rows of a table.
pub fn main_with(tests_of_tables: impl IntoIterator<Item = NamedTest>) -> ExitCode {
    if let Some(role) = roles::of_this_process() {
        role();
        return ExitCode::SUCCESS;
    }
    let forbidden = become_root().err();
    let trial = |(name, test): NamedTest| {
        let forbidden = forbidden.clone();
        Trial::ignorable_test(name, move || match forbidden {
            Some(reason) => Ok(Completion::ignored_with(reason)),
            None => in_fresh_namespace(test),
        })
    };
    let mut found: Vec<_> = inventory::iter::<KernelTest>().collect();
    found.sort_by_key(|test| (test.module, test.line, test.kind));
    let found = found.into_iter().map(|test| (test.name(), Box::new(test.run) as _));
    libtest_mimic::run(&Arguments::from_args(), found.chain(tests_of_tables).map(trial).collect()).exit_code()
}

fn in_fresh_namespace(test: impl FnOnce() -> Result<(), Skip> + Send) -> Result<Completion, Failed> {
    let namespace = Netns::create().map_err(|error| Failed::from(error.to_string()))?;
    // Not by the library's word alone: were it wrong, the test would work on the machine's own links.
    let guarded = || {
        let namespace_of = |task: &str| fs::read_link(format!("/proc/{task}/ns/net")).expect("a namespace");
        assert_ne!(namespace_of("thread-self"), namespace_of("self"), "the namespace is not a fresh one");
        test()
    };
    match namespace.run(guarded) {
        Ok(Ok(())) => Ok(Completion::Completed),
        Ok(Err(Skip(reason))) => Ok(Completion::ignored_with(reason)),
        Err(error) => Err(error.to_string().into()),
    }
}

/// Root of a user namespace of our own, for whoever is not root.
pub fn become_root() -> Result<(), String> {
    if nix::unistd::geteuid().is_root() { Ok(()) } else { enter_user_namespace() }
}

/// Enters a new user namespace, as its root, and a network namespace of it.
pub fn enter_user_namespace() -> Result<(), String> {
    let (uid, gid) = (nix::unistd::geteuid(), nix::unistd::getegid());
    unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNET)
        .map_err(|error| format!("not root, and user namespaces are forbidden ({error})"))?;
    let write = |file: &str, text: String| fs::write(file, text).map_err(|error| format!("{file}: {error}"));
    write("/proc/self/setgroups", "deny".into())?;
    write("/proc/self/uid_map", format!("0 {uid} 1"))?;
    write("/proc/self/gid_map", format!("0 {gid} 1"))
}

/// What a look with `socket` says of why a request failed.
pub fn reason(error: &Error, socket: &mut Socket) -> Option<Reason> {
    error.clone().explained(socket).reason().cloned()
}

/// A socket in the test's namespace.
pub fn socket() -> Socket {
    Socket::open().expect("a socket")
}

/// The sequence number that the socket gives a request now: that of a list which is begun and left off can be peeked at.
pub fn sequence(socket: &mut Socket) -> u32 {
    socket.links(&ListLinks::new()).expect("a list");
    let mut header = [0; Header::SIZE];
    recv(socket.as_fd().as_raw_fd(), &mut header, MsgFlags::MSG_PEEK).expect("its first datagram");
    Header::parse(&header).expect("a header").sequence
}

/// A link's name.
pub fn name(name: &str) -> IfName {
    IfName::new(name).expect("a name")
}

/// A locally administered address that ends with `last`.
pub fn mac(last: u8) -> MacAddr {
    MacAddr::new([2, 0, 0, 0, 0, last]).expect("an address")
}

/// A VLAN's id.
pub fn vid(id: u16) -> VlanId {
    VlanId::new(id).expect("an id")
}

/// A parent to put links on: the end `p0` of a veth pair of which both ends are up.
pub fn parent(socket: &mut Socket) -> IfIndex {
    veth(socket, "p0", "p1")
}

/// A veth pair of which both ends are up and carry packets; the first one's index.
pub fn veth(socket: &mut Socket, this: &str, that: &str) -> IfIndex {
    let pair = NewLink::veth(NewLink::peer().name(name(that))).name(name(this)).up();
    let index = socket.create(&pair).expect("a veth pair");
    let peer = socket.index_of(that).expect("its peer");
    socket.change(&LinkChange::new(peer).up()).expect("its peer up");
    until_up(socket, &[index, peer]);
    index
}

/// Waits until links carry packets. A worker of the kernel's sees to that a moment after their carrier comes: until then a link
/// drops what is sent, its flags are those of before, and the event about it is still to come.
fn until_up(socket: &mut Socket, links: &[IfIndex]) {
    let since = Instant::now();
    let mut is_up = |index: &IfIndex| socket.link_at(*index).expect("the link").oper_state() == OperState::Up;
    while !links.iter().all(&mut is_up) {
        assert!(since.elapsed() < LIMIT, "no carrier");
        thread::sleep(Duration::from_millis(1));
    }
}

/// What a kernel before this version ignores with an OK.
const SINCE: &[(&str, (u32, u32))] = &[
    ("bc_queue_len", (5, 11)),
    ("index_there", (5, 13)),
    ("gro_max_size", (5, 17)),
    ("a GSO limit at create", (5, 19)),
    ("tso_max_size", (5, 19)),
    ("allmulti", (6, 0)),
    ("gso_ipv4_max_size", (6, 3)),
    ("bc_cutoff", (6, 4)),
    ("max_pacing_offload_horizon", (6, 13)),
    ("netns_immutable", (6, 15)),
    ("headroom", (6, 18)),
    ("links without counters", (6, 19)),
];

/// Whether the kernel is new enough for this property.
pub fn knows(property: &str) -> bool {
    let row = SINCE.iter().find(|(name, _)| *name == property);
    kernel() >= row.unwrap_or_else(|| panic!("no version for {property}")).1
}

/// Skips the test where the kernel lacks the driver of this kind of link, or is too old for this property.
pub fn needs(kind: &str) -> Result<(), Skip> {
    if let Some((property, (major, minor))) = SINCE.iter().find(|(name, _)| *name == kind) {
        let too_old = || Skip(format!("this kernel is too old for {property}, which is of Linux {major}.{minor}"));
        return if knows(property) { Ok(()) } else { Err(too_old()) };
    }
    let probe = || {
        let mut socket = Socket::open()?;
        let lo = socket.index_of("lo")?;
        match kind {
            "vlan" => socket.create(&NewLink::vlan(lo, vid(1))),
            "dummy" => socket.create(&NewLink::dummy()),
            "ipvlan" => socket.create(&NewLink::ipvlan(lo)),
            "macvtap" => socket.create(&NewLink::macvtap(lo)),
            "macvlan" => socket.create(&NewLink::macvlan(lo)),
            other => panic!("no probe for {other}"),
        }
    };
    let scratch = Netns::create().expect("a namespace");
    match scratch.run(probe).expect("its thread") {
        Err(error) => match error.kind() {
            ErrorKind::Kernel(kernel) if kernel.missing_module.is_some() => {
                Err(Skip(format!("this kernel has no {kind} driver ({})", kernel.missing_module.unwrap_or_default())))
            }
            _ => Ok(()), // refused for `lo`'s sake
        },
        Ok(_) => Ok(()),
    }
}

/// The running kernel's version: (6, 18).
pub fn kernel() -> (u32, u32) {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").expect("a release");
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok());
    (numbers.next().expect("major"), numbers.next().expect("minor"))
}

/// Whether the machine is an emulated one, on which everything takes twenty times as long.
pub fn is_emulated() -> bool {
    std::fs::read_to_string("/proc/cpuinfo").expect("a processor").contains("QEMU")
}

/// Gives the test's thread a `/run` that nobody else sees.
pub fn own_run() -> Result<(), Skip> {
    const NONE: Option<&str> = None;
    let mounted = unshare(CloneFlags::CLONE_NEWNS)
        .and_then(|()| mount(NONE, "/", NONE, MsFlags::MS_REC | MsFlags::MS_PRIVATE, NONE))
        .and_then(|()| mount(Some("run"), "/run", Some("tmpfs"), MsFlags::empty(), NONE));
    mounted.map_err(|error| Skip(format!("a /run of its own cannot be mounted here ({error})")))
}
