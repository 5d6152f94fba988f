//! Namespaces with a name, as `ip netns` has them.
//!
//! ```text
//!   /run/netns      a mount of its own, and shared: a name removed in one mount namespace is removed in all of them, and
//!   │               none keeps the network namespace alive
//!   ├── c1          an empty file; the network namespace is mounted on it
//!   └── c2
//! ```
//!
//! Source: `ip/ipnetns.c` of iproute2; `man 8 ip-netns`; the kernel's `Documentation/filesystems/sharedsubtree.rst`.

use super::Netns;
use crate::error::{Error, Result, Subject};
use crate::value::{Given, InvalidValue, Name};
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag, open};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::stat::{Mode, fstat, lstat};
use std::ffi::{OsStr, OsString};
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// Where the names are.
const FOLDER: &str = "/run/netns";

/// How long another program may hold the lock of the folder.
const LOCK_LIMIT: Duration = Duration::from_secs(5);

/// How many mounts on one name are removed.
const STACKED: usize = 16;

/// Names, which `ip netns` knows too. A name is that of a file in `/run/netns`.
///
/// ```no_run
/// # use sublink::Netns;
/// let pod = Netns::create_named("c1")?; // ip netns add c1
/// assert!(Netns::named("c1")?.is_same_as(&pod)?);
/// Netns::remove_named("c1")?; // ip netns del c1
/// # Ok::<(), sublink::Error>(())
/// ```
impl Netns {
    /// The namespace of this name.
    ///
    /// # Errors
    /// [`InvalidValue::NamespaceName`]; ENOENT ([`Error::is_not_found`]), also if no namespace is mounted on the file, as when
    /// another program is just about to; otherwise as [`open`](Self::open).
    pub fn named(name: impl AsRef<OsStr>) -> Result<Self> {
        Self::open(path_of(name.as_ref())?)
    }

    /// Makes a namespace and gives it a name, under which it stays until that is [removed](Self::remove_named).
    ///
    /// It takes CAP_SYS_ADMIN, also over the calling thread's mount namespace. In one whose mounts are private (`unshare -m`),
    /// the name is seen there only, as with `ip netns`.
    ///
    /// # Errors
    /// [`InvalidValue::NamespaceName`]; EEXIST ([`Error::is_already_there`]) if the name is taken. When it fails, no name is
    /// left behind.
    pub fn create_named(name: impl AsRef<OsStr>) -> Result<Self> {
        keep(&path_of(name.as_ref())?, Self::create)
    }

    /// Gives the namespace a name, beside those it has. It stays until they are all [removed](Self::remove_named).
    ///
    /// # Errors
    /// As [`create_named`](Self::create_named).
    pub fn keep_as(&self, name: impl AsRef<OsStr>) -> Result<()> {
        keep(&path_of(name.as_ref())?, || Ok(self.as_fd())).map(drop)
    }

    /// Removes a name, also one on which no namespace is mounted. The namespace lives on while a process, a socket, an open
    /// file or another name keeps it.
    ///
    /// # Errors
    /// [`InvalidValue::NamespaceName`]; ENOENT ([`Error::is_not_found`]) if there is no such name.
    pub fn remove_named(name: impl AsRef<OsStr>) -> Result<()> {
        let path = path_of(name.as_ref())?;
        let failed = |error| failed_at("remove", &path, error);
        let mut removed = Err(Errno::EBUSY.into());
        for _ in 0..STACKED {
            match umount2(&path, MntFlags::MNT_DETACH | MntFlags::UMOUNT_NOFOLLOW) {
                Ok(()) | Err(Errno::EINVAL | Errno::ENOENT) => {} // EINVAL: nothing is mounted on it
                Err(error) => return Err(failed(error.into())),
            }
            removed = fs::remove_file(&path);
            let is_mounted = |error: &io::Error| error.raw_os_error() == Some(Errno::EBUSY as i32);
            if !removed.as_ref().is_err_and(is_mounted) {
                break; // otherwise it was mounted on twice, or mounted on meanwhile
            }
        }
        removed.map_err(failed)
    }

    /// The names there are, in order. Some may have no namespace mounted on them: [`named`](Self::named) tells.
    pub fn names() -> Result<Vec<OsString>> {
        let failed = |error| Error::io(format!("list {FOLDER}"), error);
        let files = match fs::read_dir(FOLDER) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            files => files.map_err(failed)?,
        };
        let mut names: Vec<_> =
            files.map(|file| file.map(|file| file.file_name())).collect::<Result<_, _>>().map_err(failed)?;
        names.sort_unstable();
        Ok(names)
    }
}

fn path_of(name: &OsStr) -> Result<PathBuf, InvalidValue> {
    let is_bad = |byte: &u8| matches!(byte, b'/' | 0);
    match name.as_bytes() {
        bytes @ (b"" | b"." | b"..") => Err(InvalidValue::NamespaceName(Given::new(bytes))),
        bytes if bytes.len() > 255 || bytes.iter().any(is_bad) => Err(InvalidValue::NamespaceName(Given::new(bytes))),
        _ => Ok(Path::new(FOLDER).join(name)),
    }
}

fn failed_at(doing: &str, path: &Path, error: io::Error) -> Error {
    Error::io(format!("{doing} {}", Name::new(path.as_os_str().as_bytes())), error).about(Subject::Namespace)
}

/// Makes the file `path` and mounts what `namespace` gives on it.
fn keep<N: AsFd>(path: &Path, namespace: impl FnOnce() -> Result<N>) -> Result<N> {
    prepare_folder()?;
    let flags = OFlag::O_RDONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC;
    let file = open(path, flags, Mode::empty()).map_err(|error| failed_at("create", path, error.into()))?;
    let kept = namespace().and_then(|namespace| mount_on(&file, path, &namespace).map(|()| namespace));
    if kept.is_err() && is_still(path, &file) {
        let _ = fs::remove_file(path);
    }
    kept
}

/// Both by their descriptors: a file that another program has put in place of ours meanwhile is not mounted on.
fn mount_on(file: &OwnedFd, path: &Path, namespace: &impl AsFd) -> Result<()> {
    const NONE: Option<&str> = None;
    let of_fd = |fd: i32| format!("/proc/thread-self/fd/{fd}");
    let (from, to) = (of_fd(namespace.as_fd().as_raw_fd()), of_fd(file.as_raw_fd()));
    mount(Some(&*from), &*to, NONE, MsFlags::MS_BIND, NONE)
        .map_err(|error| failed_at("mount the namespace on", path, error.into()))
}

/// Whether the file that we made still has its name.
fn is_still(path: &Path, file: &OwnedFd) -> bool {
    match (lstat(path), fstat(file)) {
        (Ok(named), Ok(ours)) => (named.st_dev, named.st_ino) == (ours.st_dev, ours.st_ino),
        _ => false,
    }
}

/// Makes the folder, and makes it a shared mount, as `ip netns add` does.
fn prepare_folder() -> Result<()> {
    match DirBuilder::new().mode(0o755).create(FOLDER) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(Error::io(format!("create {FOLDER}"), error));
        }
        _ => {}
    }
    if make_shared()? {
        return Ok(());
    }
    let _lock = lock()?; // two mounts one on the other would hide names
    if make_shared()? {
        return Ok(());
    }
    let failed = |error| Error::io(format!("mount {FOLDER} on itself"), error);
    mount(Some(FOLDER), FOLDER, None::<&str>, MsFlags::MS_BIND | MsFlags::MS_REC, None::<&str>).map_err(failed)?;
    match make_shared() {
        Ok(true) => Ok(()),
        shared => {
            let _ = umount2(FOLDER, MntFlags::MNT_DETACH);
            Err(shared.err().unwrap_or_else(|| failed(Errno::EINVAL)))
        }
    }
}

/// Makes the folder's mount a shared one; `false` if the folder is no mount.
fn make_shared() -> Result<bool> {
    match mount(None::<&str>, FOLDER, None::<&str>, MsFlags::MS_SHARED | MsFlags::MS_REC, None::<&str>) {
        Ok(()) => Ok(true),
        Err(Errno::EINVAL) => Ok(false),
        Err(error) => Err(Error::io(format!("make {FOLDER} a shared mount"), error)),
    }
}

/// The lock that `ip netns add` takes too. Any user may hold it, so it is not waited for without a limit.
fn lock() -> Result<Flock<File>> {
    let failed = |error| Error::io(format!("lock {FOLDER}"), error);
    let mut folder = File::open(FOLDER).map_err(failed)?;
    let since = Instant::now();
    loop {
        match Flock::lock(folder, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Ok(lock),
            Err((again, Errno::EWOULDBLOCK | Errno::EINTR)) if since.elapsed() < LOCK_LIMIT => folder = again,
            Err((_, error)) => return Err(failed(error.into())),
        }
        thread::sleep(Duration::from_millis(10));
    }
}
