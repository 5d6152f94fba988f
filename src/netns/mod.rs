//! Network namespaces: the only place that enters them.
//!
//! The calling thread does not change its namespace. What must happen inside one happens on a short-lived thread of its own,
//! which ends there: no thread is left behind in a container's namespace, none has to find its way back, and a runtime's
//! worker threads stay where they are. The one exception is asked for by name, and makes sure of its way back beforehand.
//! Sources: `man 7 network_namespaces`, `man 2 setns`, `fs/nsfs.c`.

mod file;
mod named;

#[cfg(doc)]
use crate::error::ErrorKind;
use crate::error::{Error, Result, Subject};
use crate::value::InvalidValue;
use nix::errno::Errno;
use nix::libc::{dev_t, ino_t};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::stat::{FileStat, fstat, stat};
use std::fs;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::thread;

/// A network namespace, kept alive by an open file.
///
/// To enter one takes CAP_SYS_ADMIN over it and in one's own user namespace.
#[derive(Debug)]
pub struct Netns(OwnedFd);

impl Netns {
    /// The namespace of a file, such as `/run/netns/c1` or `/proc/PID/ns/net`. It takes a mounted `/proc`.
    ///
    /// Nothing but a file on nsfs is opened, so a FIFO or a device that somebody has planted there does no harm.
    ///
    /// # Errors
    /// ENOENT ([`Error::is_not_found`]) if there is no such file, or no namespace is mounted on it any more
    /// ([`ErrorKind::NamespaceGone`]); [`ErrorKind::NotANamespace`] for another file, or a namespace of another kind. A file
    /// that such a namespace is mounted on shows its kind only when it is entered, by the same error.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        file::open_namespace(path.as_ref()).map(Self)
    }

    /// The namespace of a descriptor on nsfs. That it is one of another kind, such as a mount namespace, shows when it is
    /// entered.
    ///
    /// # Errors
    /// [`ErrorKind::NotANamespace`].
    pub fn from_fd(fd: OwnedFd) -> Result<Self> {
        file::checked(fd).map(Self)
    }

    /// The calling thread's own namespace.
    pub fn current() -> Result<Self> {
        file::open_trusted(Path::new(OF_THREAD)).map(Self)
    }

    /// The namespace of a process, by its pidfd (since Linux 5.3): no other process can come in between. It is looked up in
    /// `/proc`, which must show the process.
    ///
    /// # Errors
    /// [`InvalidValue::NotAPidfd`]; ESRCH ([`Error::is_no_process`]) if the process has ended.
    pub fn of_pidfd(process: impl AsFd) -> Result<Self> {
        let process = process.as_fd();
        let pid = pid_of(process)?;
        let namespace = Self::of_pid(pid)?;
        // A number passes to another process only after its own has lost it.
        if pid_of(process)? == pid { Ok(namespace) } else { Err(process_ended()) }
    }

    /// The namespace of a process, by its number. **A race**: when the process has ended, another may have its number. With
    /// a pidfd there is none: [`of_pidfd`](Self::of_pidfd).
    ///
    /// # Errors
    /// ESRCH ([`Error::is_no_process`]) if there is no such process, or it has ended.
    pub fn of_pid(pid: u32) -> Result<Self> {
        let opened = file::open_trusted(Path::new(&format!("/proc/{pid}/ns/net"))).map(Self);
        match opened {
            Err(error) if error.is_not_found() && Path::new(OF_THREAD).exists() => {
                Err(Error::io(format!("open the namespace of process {pid}"), Errno::ESRCH).about(Subject::Namespace))
            }
            opened => opened,
        }
    }

    /// A new namespace, which holds a `lo` that is down. It ends when nothing keeps it open. With a name it is kept:
    /// [`create_named`](Self::create_named).
    pub fn create() -> Result<Self> {
        run_in_new(Self::current)?
    }

    /// One more descriptor of the same namespace.
    pub fn try_clone(&self) -> Result<Self> {
        self.0.try_clone().map(Self).map_err(|error| Error::io("duplicate a namespace's descriptor", error))
    }

    /// A descriptor of a namespace that was entered, and so is one.
    pub(crate) fn of_clone(namespace: BorrowedFd<'_>) -> Result<Self> {
        let clone = namespace.try_clone_to_owned();
        clone.map(Self).map_err(|error| Error::io("duplicate a namespace's descriptor", error))
    }

    /// Whether both are the same namespace.
    pub fn is_same_as(&self, other: impl AsFd) -> Result<bool> {
        Ok(self.id()? == NetnsId::of_file(other.as_fd())?)
    }

    /// Whether the calling thread is in it.
    pub(crate) fn is_here(&self) -> Result<bool> {
        Ok(NetnsId::of_thread() == Some(self.id()?))
    }

    fn id(&self) -> Result<NetnsId> {
        NetnsId::of_file(self.as_fd())
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

/// The file of the calling thread's namespace; `/proc/self` would be the main thread's.
const OF_THREAD: &str = "/proc/thread-self/ns/net";

/// Which namespace it is. On one kernel, all sockets have an id of one form, and all files have one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NetnsId {
    /// The number that a socket tells (SO_NETNS_COOKIE, since Linux 5.14).
    Cookie(u64),
    /// Device and inode of the file on nsfs.
    File(dev_t, ino_t), // which differ in size from platform to platform
}

impl NetnsId {
    fn of_file(namespace: BorrowedFd<'_>) -> Result<Self> {
        fstat(namespace).map(Self::of_stat).map_err(|error| Error::io("fstat of namespace", error))
    }

    /// The calling thread's, if `/proc` is mounted.
    pub(crate) fn of_thread() -> Option<Self> {
        stat(OF_THREAD).ok().map(Self::of_stat)
    }

    /// The id as a number, to be kept with an error.
    #[expect(clippy::unnecessary_cast, reason = "dev_t and ino_t are not 64 bits wide everywhere")]
    pub(crate) const fn number(self) -> u64 {
        match self {
            Self::Cookie(number) => number,
            Self::File(device, inode) => (device as u64).rotate_left(32) ^ inode as u64,
        }
    }

    fn of_stat(stat: FileStat) -> Self {
        Self::File(stat.st_dev, stat.st_ino)
    }
}

/// The process of a pidfd, in the numbers of this `/proc`.
fn pid_of(process: BorrowedFd<'_>) -> Result<u32> {
    let file = format!("/proc/thread-self/fdinfo/{}", process.as_raw_fd());
    let info = fs::read_to_string(file).map_err(|error| Error::io("look up the process of a pidfd", error))?;
    let pid = info.lines().find_map(|line| line.strip_prefix("Pid:")).ok_or(InvalidValue::NotAPidfd)?;
    match pid.trim().parse() {
        Ok(0) | Err(_) => Err(process_ended()), // 0: this /proc does not show it; -1: it has ended
        Ok(pid) => Ok(pid),
    }
}

fn process_ended() -> Error {
    Error::io("look up the process of a pidfd", Errno::ESRCH).about(Subject::Namespace)
}

/// [`Netns::run`] for any descriptor.
pub(crate) fn run_in<T: Send>(namespace: BorrowedFd<'_>, work: impl FnOnce() -> T + Send) -> Result<T> {
    on_a_thread(move || enter(namespace).map(|()| work()))?
}

/// Runs `work` in a new namespace, on a thread of its own.
pub(crate) fn run_in_new<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T> {
    on_a_thread(|| unshare(CloneFlags::CLONE_NEWNET).map_err(enter_error).map(|()| work()))?
}

/// Runs `work` on a thread of its own, which may [enter] namespaces. A panic in it goes on in the caller.
pub(crate) fn on_a_thread<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T> {
    thread::scope(|scope| {
        let builder = thread::Builder::new().name("sublink-netns".into());
        let thread = builder.spawn_scoped(scope, work).map_err(|error| Error::io("start a thread", error))?;
        Ok(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

/// Takes the calling thread back to the namespace that it is in now, when it is dropped.
#[derive(Debug)]
pub(crate) struct WayBack(Netns);

impl WayBack {
    /// How often coming back is tried.
    const TRIES: usize = 100;

    /// `None` if the thread could not come back: it has no right to enter the namespace that it is in.
    pub(crate) fn find() -> Option<Self> {
        let here = Netns::current().ok()?;
        enter(here.as_fd()).ok()?; // takes the same right, and changes nothing
        Some(Self(here))
    }
}

impl Drop for WayBack {
    /// It is allowed, so only a lack of memory can be in the way. A process that worked on in a container's namespace would take
    /// the container's links for the host's, so it ends instead.
    fn drop(&mut self) {
        if !(0..Self::TRIES).any(|_| enter(self.0.as_fd()).is_ok()) {
            std::process::abort();
        }
    }
}

/// Moves the calling thread, which must be one of [`on_a_thread`] or have a [`WayBack`], into a namespace.
pub(crate) fn enter(namespace: BorrowedFd<'_>) -> Result<()> {
    setns(namespace, CloneFlags::CLONE_NEWNET).map_err(enter_error)
}

fn enter_error(error: Errno) -> Error {
    match error {
        Errno::EINVAL => file::no_namespace("what was to be entered".into(), "a namespace of another kind".into()),
        error => Error::io("enter namespace", error).about(Subject::Namespace),
    }
}
