//! A container's namespace and a socket inside it, together.
//!
//! The word is that of CRI and libnetwork. A sandbox holds three descriptors: the namespace, a socket, and the folder of IPv6
//! settings, which is opened on the thread that enters anyway. It holds one more for each other folder of `/proc/sys/net` that
//! a setting was read from or written to. **Holding one keeps the namespace**: after the container has ended, its links live on,
//! and their MAC addresses, VLAN ids and passthru parents stay taken. So a daemon keeps paths or names, and opens a sandbox
//! for as long as it works in it; [`Sandbox::open_all`] opens many on one thread.

use crate::error::{Error, Result};
use crate::link::{Ipv6Setting, LinkChange};
use crate::netns::{Netns, WayBack, enter, on_a_thread, run_in, run_in_new};
use crate::socket::Socket;
use crate::value::{Given, IfIndex, IfName, InvalidValue, Name};
use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::Mode;
use std::cell::RefCell;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A network namespace, and a socket inside it.
///
/// Opening one takes a thread, which enters the namespace and ends, and CAP_SYS_ADMIN, in one's own user namespace and over
/// the network namespace. [`open_on_this_thread`](Self::open_on_this_thread) takes no thread, [`here`](Self::here) neither.
///
/// ```no_run
/// use sublink::{ListLinks, Sandbox};
/// let mut pod = Sandbox::open("/run/netns/c1")?;
/// pod.set_sysctl("ipv4/conf/all/arp_ignore", "1")?;
/// for link in pod.socket().links(&ListLinks::new())?.collect().map_err(|partial| partial.error)? {
///     println!("{}", link.name);
/// }
/// # Ok::<(), sublink::Error>(())
/// ```
///
/// What it costs to hold one: it pins the namespace, its links and their MAC addresses, also when the container has ended.
/// Keep the path, and open a sandbox when there is something to do.
#[derive(Debug)]
pub struct Sandbox {
    netns: Netns,
    socket: Socket,
    /// Folders of `/proc/sys/net` as they are inside, such as `ipv4`.
    folders: RefCell<Vec<(OsString, OwnedFd)>>,
}

impl Sandbox {
    /// The namespace of a file, such as `/run/netns/c1` or `/proc/PID/ns/net`: see [`Netns::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::of(Netns::open(path)?)
    }

    /// As [`open`](Self::open), but the calling thread enters the namespace itself, for a moment, and comes back: some 30 system
    /// calls fewer, and no thread. It is for programs of one thread that end soon, such as a CNI plugin. Other threads stay
    /// where they are; if it is the main thread, `/proc/self/net` and `/proc/self/ns/net` show them the other namespace for that
    /// moment. Where the calling thread could not come back, because it may not enter the namespace that it is in, or `/proc`
    /// is not mounted, a thread is started all the same.
    ///
    /// If the kernel has no memory to let it back, the process is aborted.
    ///
    /// ```no_run
    /// let mut pod = sublink::Sandbox::open_on_this_thread("/run/netns/c1")?;
    /// println!("{}", pod.socket().index_of("eth0")?);
    /// # Ok::<(), sublink::Error>(())
    /// ```
    pub fn open_on_this_thread(path: impl AsRef<Path>) -> Result<Self> {
        let netns = Netns::open(path)?;
        match WayBack::find() {
            Some(_way_back) => Self::entered(netns),
            None => Self::of(netns),
        }
    }

    /// Several at once, in order, each with its own outcome. One thread enters them one after the other, and ends.
    ///
    /// ```no_run
    /// # use sublink::Sandbox;
    /// for pod in Sandbox::open_all(&["/run/netns/c1", "/run/netns/c2"]) {
    ///     match pod {
    ///         Ok(mut pod) => println!("{}", pod.socket().index_of("eth0")?),
    ///         Err(error) if error.is_not_found() => println!("it has ended"),
    ///         Err(error) => return Err(error),
    ///     }
    /// }
    /// # Ok::<(), sublink::Error>(())
    /// ```
    pub fn open_all(paths: &[impl AsRef<Path>]) -> Vec<Result<Self>> {
        if paths.is_empty() {
            return Vec::new();
        }
        let opened: Vec<_> = paths.iter().map(Netns::open).collect(); // here, for a path may be relative to this thread
        let work = || opened.into_iter().map(|netns| netns.and_then(Self::entered)).collect();
        on_a_thread(work).unwrap_or_else(|error| paths.iter().map(|_| Err(error.clone())).collect())
    }

    /// The namespace of this name, which `ip netns add` or [`Netns::create_named`] has made.
    pub fn named(name: impl AsRef<OsStr>) -> Result<Self> {
        Self::of(Netns::named(name)?)
    }

    /// The namespace of a process, by its pidfd: see [`Netns::of_pidfd`].
    pub fn of_pidfd(process: impl AsFd) -> Result<Self> {
        Self::of(Netns::of_pidfd(process)?)
    }

    /// The namespace of a process, by its number. **A race**: see [`Netns::of_pid`].
    pub fn of_pid(pid: u32) -> Result<Self> {
        Self::of(Netns::of_pid(pid)?)
    }

    /// A namespace that is open already.
    pub fn of(netns: Netns) -> Result<Self> {
        let (socket, ipv6) = run_in(netns.as_fd(), || (Socket::open(), open_folder(IPV6)))?;
        let mut socket = socket?;
        socket.make_buffer();
        Ok(Self::with(netns, socket, ipv6.ok()))
    }

    /// The calling thread's own namespace, for a caller that is inside already. No thread is started, and no capability
    /// needed.
    pub fn here() -> Result<Self> {
        Ok(Self::with(Netns::current()?, Socket::open()?, None))
    }

    /// A new namespace: see [`Netns::create`].
    pub fn create() -> Result<Self> {
        let make = || Ok::<_, Error>(Self::with(Netns::current()?, Socket::open()?, open_folder(IPV6).ok()));
        let mut sandbox = run_in_new(make)??;
        sandbox.socket.make_buffer();
        Ok(sandbox)
    }

    /// On a thread of [`on_a_thread`], or one that has a [`WayBack`].
    fn entered(netns: Netns) -> Result<Self> {
        enter(netns.as_fd())?;
        Ok(Self::with(netns, Socket::open()?, open_folder(IPV6).ok()))
    }

    /// With the folder of IPv6 settings, if it could be opened. Without it, the first use opens it or says why not.
    pub(crate) fn with(netns: Netns, socket: Socket, ipv6: Option<OwnedFd>) -> Self {
        let folders = ipv6.into_iter().map(|folder| (IPV6.into(), folder)).collect();
        Self { netns, socket, folders: RefCell::new(folders) }
    }

    /// The socket inside.
    pub const fn socket(&mut self) -> &mut Socket {
        &mut self.socket
    }

    /// The namespace's descriptor and the socket inside, at a time.
    pub(crate) fn parts(&mut self) -> (BorrowedFd<'_>, &mut Socket) {
        (self.netns.as_fd(), &mut self.socket)
    }

    /// The namespace.
    pub const fn netns(&self) -> &Netns {
        &self.netns
    }

    /// The namespace; the socket is closed.
    pub fn into_netns(self) -> Netns {
        self.netns
    }

    /// Runs `work` in the namespace, on a thread of its own, and waits for it: see [`Netns::run`].
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T> {
        self.netns.run(work)
    }

    /// Brings `lo` up, and returns whether it was down. While `lo` is down, nobody in the namespace reaches 127.0.0.1, `::1` or
    /// one of the container's own addresses. [`Network::connect`](crate::Network::connect) calls it.
    ///
    /// # Errors
    /// EPERM without CAP_NET_ADMIN in the namespace. If it fails, `lo` is taken down again, in case only the answer was lost.
    ///
    /// ```no_run
    /// let mut pod = sublink::Sandbox::create()?;
    /// assert!(pod.bring_up_loopback()?);
    /// assert!(!pod.bring_up_loopback()?, "it was up already");
    /// # Ok::<(), sublink::Error>(())
    /// ```
    pub fn bring_up_loopback(&mut self) -> Result<bool> {
        if self.socket.link_at(IfIndex::LOOPBACK)?.is_up() {
            return Ok(false);
        }
        let brought_up = self.socket.change(&LinkChange::new(IfIndex::LOOPBACK).up());
        if brought_up.is_err() {
            self.take_down_loopback(); // perhaps only the answer was lost
        }
        brought_up.map(|()| true)
    }

    /// Takes `lo` down again, where a later step failed.
    pub(crate) fn take_down_loopback(&mut self) {
        let _ = self.socket.change(&LinkChange::new(IfIndex::LOOPBACK).down());
    }

    /// A setting below `/proc/sys/net` of the namespace, such as `ipv6/conf/eth0/disable_ipv6`, without the newline behind it.
    ///
    /// # Errors
    /// As [`set_sysctl`](Self::set_sysctl).
    pub fn sysctl(&self, setting: impl AsRef<Path>) -> Result<String> {
        let setting = setting.as_ref();
        let mut value = String::new();
        let read = self.open_setting(setting, OFlag::O_RDONLY)?.read_to_string(&mut value);
        read.map_err(|error| Error::io(format!("read {}", described(setting)), error))?;
        value.truncate(value.trim_end().len());
        Ok(value)
    }

    /// Writes a setting below `/proc/sys/net` of the namespace. The parts of its path are separated by `/`, so a link may have
    /// dots in its name.
    ///
    /// It is done on the calling thread, through a descriptor of the folder (`ipv4`, `ipv6`, …) which is opened once, inside:
    /// on a short-lived thread, unless the calling thread is in the namespace.
    ///
    /// ```no_run
    /// # let pod = sublink::Sandbox::open("/run/netns/c1")?;
    /// pod.set_sysctl("ipv6/conf/eth0.50/ndisc_notify", "1")?;
    /// assert_eq!(pod.sysctl("ipv6/conf/eth0.50/ndisc_notify")?, "1");
    /// # Ok::<(), sublink::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidValue::SettingPath`]; ENOENT ([`Error::is_not_found`]) if there is no such setting (or no such link), or if
    /// `/proc` is not mounted; EROFS if that is mounted read-only; EACCES ([`Error::is_access_denied`]) without
    /// CAP_NET_ADMIN over the namespace; EINVAL if the setting cannot have the value.
    pub fn set_sysctl(&self, setting: impl AsRef<Path>, value: &str) -> Result<()> {
        let setting = setting.as_ref();
        let written = self.open_setting(setting, OFlag::O_WRONLY)?.write_all(value.as_bytes());
        written.map_err(|error| Error::io(format!("write {}", described(setting)), error))
    }

    /// Writes an IPv6 setting of a link, as [`set_sysctl`](Self::set_sysctl) does.
    pub(crate) fn set_ipv6(&self, link: IfName, setting: Ipv6Setting, value: i32) -> Result<()> {
        let link = Path::new(IPV6).join("conf").join(OsStr::from_bytes(link.as_bytes()));
        self.set_sysctl(link.join(setting.file()), &value.to_string())
    }

    /// What stands in `/proc/sys/net` itself belongs to the namespace of the thread that looks it up; what stands in a folder
    /// there, to the namespace of the folder.
    fn open_setting(&self, setting: &Path, access: OFlag) -> Result<File> {
        if !is_below(setting) {
            return Err(InvalidValue::SettingPath(Given::new(setting.as_os_str().as_bytes())).into());
        }
        let flags = access | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
        let mut parts = setting.iter();
        let (folder, rest) = (parts.next().unwrap_or_default(), parts.as_path());
        let file = if rest.as_os_str().is_empty() {
            self.inside(|| open(&Path::new(SETTINGS).join(folder), flags, Mode::empty()))?
        } else {
            self.in_folder(folder, |folder| openat(folder, rest, flags, Mode::empty()))?
        };
        file.map(File::from).map_err(|error| Error::io(format!("open {}", described(setting)), error))
    }

    /// Gives `work` the descriptor of a folder of settings, which is opened inside the first time.
    fn in_folder<T>(&self, folder: &OsStr, work: impl FnOnce(BorrowedFd<'_>) -> T) -> Result<T> {
        let mut folders = self.folders.borrow_mut();
        if let Some((_, open)) = folders.iter().find(|(name, _)| name == folder) {
            return Ok(work(open.as_fd()));
        }
        let opened = self.inside(|| open_folder(folder))?;
        let opened =
            opened.map_err(|error| Error::io(format!("open {} inside", described(Path::new(folder))), error))?;
        let result = work(opened.as_fd());
        folders.push((folder.to_owned(), opened));
        Ok(result)
    }

    /// Runs `work` inside: on the calling thread if that is there.
    pub(crate) fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T> {
        if self.netns.is_here()? { Ok(work()) } else { run_in(self.as_fd(), work) }
    }
}

impl AsFd for Sandbox {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.netns.as_fd()
    }
}

/// Where the settings of the network are.
const SETTINGS: &str = "/proc/sys/net";

/// The folder there in which an attach writes settings.
const IPV6: &str = "ipv6";

/// Opens a folder of settings of the calling thread's namespace.
fn open_folder(folder: impl AsRef<Path>) -> nix::Result<OwnedFd> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    open(&Path::new(SETTINGS).join(folder), flags, Mode::empty())
}

/// Whether it leads to something below the folder.
fn is_below(setting: &Path) -> bool {
    let is_name = |part: &[u8]| !matches!(part, b"" | b"." | b"..") && !part.contains(&0);
    setting.as_os_str().as_bytes().split(|byte| *byte == b'/').all(is_name)
}

/// `/proc/sys/net/ipv4/conf/eth0/arp_notify`
fn described(setting: &Path) -> String {
    format!("{SETTINGS}/{}", Name::new(setting.as_os_str().as_bytes()))
}
