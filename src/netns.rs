//! Network namespaces: the only place that enters them.
//!
//! The calling thread never changes its namespace. What must happen inside one happens on a short-lived thread of its own,
//! which ends there: no thread is left behind in a container's namespace, none has to find its way back, and a runtime's
//! worker threads stay where they are. Sources: `man 7 network_namespaces`, `man 2 setns`, `fs/nsfs.c`.

use crate::error::{Error, Result, Subject};
use crate::value::{Given, InvalidValue, Name};
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::libc::{dev_t, ino_t};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::stat::{Mode, fstat};
use nix::sys::statfs::{NSFS_MAGIC, fstatfs};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::thread;

/// A network namespace, kept alive by an open file.
///
/// To enter one takes CAP_SYS_ADMIN over it and in one's own user namespace.
#[derive(Debug)]
pub struct Netns(OwnedFd);

impl Netns {
    /// The namespace of a file, such as `/run/netns/c1` or `/proc/PID/ns/net`.
    ///
    /// The file is opened without blocking and must be on nsfs: a FIFO or a device planted there is refused.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let (path, flags) = (path.as_ref(), OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK | OFlag::O_NOCTTY);
        let failed = |error| {
            Error::io(format!("open namespace {}", Name::new(path.as_os_str().as_bytes())), error)
                .about(Subject::Namespace)
        };
        let file = open(path, flags, Mode::empty()).map_err(failed)?;
        Self::from_fd(file)
    }

    /// The namespace of a descriptor on nsfs. That it is one of another kind, such as a mount namespace, shows when it is used
    /// (EINVAL).
    pub fn from_fd(fd: OwnedFd) -> Result<Self> {
        match fstatfs(&fd) {
            Ok(fs) if fs.filesystem_type() == NSFS_MAGIC => Ok(Self(fd)),
            Ok(_) => Err(InvalidValue::NotANamespace.into()),
            Err(error) => Err(Error::io("fstatfs of namespace", error)),
        }
    }

    /// A namespace that `ip netns add` made, by its name: the file of that name in `/run/netns`.
    pub fn named(name: &str) -> Result<Self> {
        if name.is_empty() || name == "." || name == ".." || name.contains(['/', '\0']) {
            return Err(InvalidValue::NamespaceName(Given::new(name.as_bytes())).into());
        }
        Self::open(Path::new("/run/netns").join(name))
    }

    /// The calling thread's own namespace.
    pub fn current() -> Result<Self> {
        Self::open("/proc/thread-self/ns/net") // /proc/self is the main thread's
    }

    /// The namespace of a process, by its pidfd (since Linux 5.8): no other process can come in between.
    pub fn of_pidfd(process: BorrowedFd<'_>) -> Result<Self> {
        inside(move || setns(process, CloneFlags::CLONE_NEWNET), Self::current)?
    }

    /// The namespace of a process, by its number. **A race**: when the process has ended, another may have its number. With
    /// a pidfd there is none: [`of_pidfd`](Self::of_pidfd).
    pub fn of_pid(pid: u32) -> Result<Self> {
        Self::open(format!("/proc/{pid}/ns/net"))
    }

    /// A new namespace, which holds a `lo` that is down. It ends when nothing keeps it open.
    pub fn create() -> Result<Self> {
        inside(|| unshare(CloneFlags::CLONE_NEWNET), Self::current)?
    }

    /// One more descriptor of the same namespace.
    pub fn try_clone(&self) -> Result<Self> {
        self.0.try_clone().map(Self).map_err(|error| Error::io("duplicate a namespace's descriptor", error))
    }

    /// Whether both are the same namespace.
    pub fn is_same_as(&self, other: impl AsFd) -> Result<bool> {
        Ok(self.id()? == NetnsId::of(other.as_fd())?)
    }

    pub(crate) fn id(&self) -> Result<NetnsId> {
        NetnsId::of(self.as_fd())
    }

    /// Runs `work` in the namespace, on a thread of its own, and waits for it. A panic in it goes on in the caller.
    ///
    /// ```no_run
    /// let pod = sublink::Netns::named("c1")?;
    /// pod.run(|| std::fs::write("/proc/sys/net/ipv4/conf/eth0/arp_notify", "1"))??;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T> {
        run_in(self.as_fd(), work)
    }
}

impl AsFd for Netns {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl From<Netns> for OwnedFd {
    fn from(namespace: Netns) -> Self {
        namespace.0
    }
}

/// Which namespace it is: device and inode of its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NetnsId(dev_t, ino_t); // which differ in size from platform to platform

impl NetnsId {
    pub(crate) fn of(namespace: BorrowedFd<'_>) -> Result<Self> {
        let stat = fstat(namespace).map_err(|error| Error::io("fstat of namespace", error))?;
        Ok(Self(stat.st_dev, stat.st_ino))
    }
}

/// [`Netns::run`] for any descriptor.
pub(crate) fn run_in<T: Send>(namespace: BorrowedFd<'_>, work: impl FnOnce() -> T + Send) -> Result<T> {
    inside(move || setns(namespace, CloneFlags::CLONE_NEWNET), work)
}

/// Starts a thread, which enters a namespace and works there. Where it cannot enter, `work` does not run.
fn inside<T: Send>(enter: impl FnOnce() -> nix::Result<()> + Send, work: impl FnOnce() -> T + Send) -> Result<T> {
    let entered = thread::scope(|scope| {
        let builder = thread::Builder::new().name("sublink-netns".into());
        let thread = builder.spawn_scoped(scope, || enter().map(|()| work()));
        let thread = thread.map_err(|error| Error::io("start a thread", error))?;
        Ok(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    entered.and_then(|result: nix::Result<T>| result.map_err(enter_error))
}

fn enter_error(error: Errno) -> Error {
    Error::io("enter namespace", error).about(Subject::Namespace)
}
