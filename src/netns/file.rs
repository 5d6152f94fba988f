//! The file of a namespace, whoever has put something else in its place.
//!
//! A path to a namespace may lead into a container, which can plant a device, a FIFO or a file of a slow filesystem there. So
//! the path is opened without opening the file (O_PATH), the filesystem is asked for, and only what is on nsfs is opened for
//! reading, by its descriptor. Sources: `man 2 open`, `fs/nsfs.c`.

use crate::error::{Error, ErrorKind, Result, Subject};
use crate::value::Name;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open, readlink};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat};
use nix::sys::statfs::{NSFS_MAGIC, PROC_SUPER_MAGIC, fstatfs};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Opens the namespace of `path`.
pub(super) fn open_namespace(path: &Path) -> Result<OwnedFd> {
    let place = open(path, OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty()).map_err(|error| failed(path, error))?;
    if !is_on_nsfs(&place).map_err(|error| failed(path, error))? {
        return Err(what_is_there(path, &place));
    }
    let by_descriptor = format!("/proc/thread-self/fd/{}", place.as_raw_fd());
    // As `net:[4026531840]`, but for a file that a namespace is mounted on: that shows its path.
    match readlink(by_descriptor.as_str()).ok().as_ref().and_then(|link| link.to_str()?.split_once(":[")) {
        Some((kind, _)) if kind != "net" && !kind.contains('/') => {
            return Err(no_namespace(words(path), format!("a namespace of another kind ({kind})")));
        }
        _ => {}
    }
    let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC;
    open(by_descriptor.as_str(), flags, Mode::empty()).map_err(|error| match error {
        // Not ENOENT: the namespace is there.
        Errno::ENOENT => failed_by_proc(path),
        error => failed(path, error),
    })
}

fn failed_by_proc(path: &Path) -> Error {
    let doing = format!("open namespace {}, which takes a mounted /proc", words(path));
    Error::io(doing, Errno::EIO).about(Subject::Namespace)
}

/// Opens a file below `/proc`, which only the kernel puts there.
pub(super) fn open_trusted(path: &Path) -> Result<OwnedFd> {
    open(path, OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty()).map_err(|error| failed(path, error))
}

/// The same descriptor, if it is that of a namespace.
pub(super) fn checked(fd: OwnedFd) -> Result<OwnedFd> {
    match is_on_nsfs(&fd) {
        Ok(true) => Ok(fd),
        Ok(false) => Err(no_namespace(format!("descriptor {}", fd.as_raw_fd()), NOT_ON_NSFS.into())),
        Err(error) => Err(Error::io("fstatfs of namespace", error).about(Subject::Namespace)),
    }
}

const NOT_ON_NSFS: &str = "a file that is not on nsfs";

fn is_on_nsfs(file: &impl AsFd) -> nix::Result<bool> {
    fstatfs(file).map(|fs| fs.filesystem_type() == NSFS_MAGIC)
}

/// An empty file is what `ip netns` mounts a namespace on, and what stays when that was unmounted, by a reboot for example.
fn what_is_there(path: &Path, place: &OwnedFd) -> Error {
    let is_empty_file =
        |stat: FileStat| stat.st_mode & SFlag::S_IFMT.bits() == SFlag::S_IFREG.bits() && stat.st_size == 0;
    let is_of_proc = fstatfs(place).is_ok_and(|fs| fs.filesystem_type() == PROC_SUPER_MAGIC); // those all seem empty
    if !is_of_proc && fstat(place).is_ok_and(is_empty_file) {
        return Error::from(ErrorKind::NamespaceGone(words(path).into())).about(Subject::Namespace);
    }
    no_namespace(words(path), NOT_ON_NSFS.into())
}

pub(super) fn no_namespace(what: String, found: String) -> Error {
    Error::from(ErrorKind::NotANamespace { what: what.into(), found: found.into() }).about(Subject::Namespace)
}

fn failed(path: &Path, error: Errno) -> Error {
    Error::io(format!("open namespace {}", words(path)), error).about(Subject::Namespace)
}

fn words(path: &Path) -> String {
    Name::new(path.as_os_str().as_bytes()).to_string()
}
