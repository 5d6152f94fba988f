//! A blocking rtnetlink socket: the only place that sends and receives.
//!
//! What it takes care of, so that an answer is an answer: it is connected to the kernel, which then itself refuses forged
//! replies; the sender's port is looked at all the same; only our own, randomly started sequence
//! numbers count; one receive buffer of constant size is used (the kernel sizes a dump's datagrams by the largest it has
//! seen, so a smaller one later would lose links), and truncation is looked for; every wait has a limit. Sources:
//! `net/netlink/af_netlink.c`, `man 7 netlink`.

mod carrier;
mod channel;
mod create;
mod find;
mod ip;
mod link_events;
mod list;
mod look_up;
mod neigh;
mod option;
mod run;
#[cfg(test)]
pub(crate) mod script;
mod vlan;
mod watch;
mod whole;

pub use list::{List, Query};
pub use watch::AddressWatch;

pub(crate) use carrier::LostCarrier;
pub(crate) use link_events::LinkEvents;
pub(crate) use vlan::impossible_vlan;

use crate::batch::{Batch, CHUNK};
use crate::error::{Error, ErrorKind, KernelError, Result, Whereabouts};
use crate::link::{AltNameChange, DeleteLink, GetLink, LinkChange, LinkSettings, ignored};
use crate::netns::{Netns, NetnsId, run_in};
use crate::reply::Reply;
use crate::request::{RequestInfo, Verb};
use crate::value::{AltName, IfIndex, random};
use crate::wire::{Command, Message, Messages, Request};
use channel::{Channel, Wait};
use std::cell::Cell;
use std::marker::PhantomData;
use std::ops::Range;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process;
use std::time::Duration;

/// A conversation with the kernel about the links of one network namespace.
///
/// It stays in the namespace it was opened in, and keeps that namespace alive. It can be sent to another thread (`Send`) but
/// not be shared (`Sync`): answers belong to whoever asked. The kernel works inside the call that sends; the time limit is
/// for the wait for its answer.
///
/// ```
/// fn can_be_sent<T: Send>() {}
/// can_be_sent::<sublink::Socket>();
/// ```
///
/// ```compile_fail,E0277
/// fn can_be_shared<T: Sync>() {}
/// can_be_shared::<sublink::Socket>();
/// ```
#[derive(Debug)]
pub struct Socket {
    channel: Channel,
    /// Encoded requests.
    out: Vec<u8>,
    /// The last sequence number used.
    seq: u32,
    /// The sequence number of a dump of which the end has not been read.
    dump: Option<u32>,
    /// Whether the kernel knows that the datagrams of lists may be large.
    has_room: bool,
    /// How many steps of a batch go into one send: fewer once acknowledgements were lost.
    chunk: usize,
    /// Whether that was fitted to the receive buffer, which is done before the first batch of more than a few steps.
    chunk_fits: bool,
    /// The process that opened it.
    process: u32,
    /// The namespace it lives in, where that is known.
    namespace: Option<NetnsId>,
    /// The same, opened, of a socket that was opened from another namespace.
    home: Option<Netns>,
    /// Room for the steps of an attach, so that the next one allocates nothing for them.
    spare: Batch,
    not_sync: PhantomData<Cell<()>>,
}

impl Socket {
    /// Opens a socket in the calling thread's namespace: six system calls, besides those for the random number and the process id.
    ///
    /// Extended acknowledgements (Linux 4.12), capped ones (4.3) and strict checking of dumps (4.20) are switched on; a
    /// kernel without them is spoken to without them.
    pub fn open() -> Result<Self> {
        let mut socket = Self::of(Channel::open(&[])?)?;
        socket.namespace = socket.namespace.or_else(NetnsId::of_thread);
        Ok(socket)
    }

    /// Opens a socket in another namespace, without entering it on the calling thread. That takes a thread, and some 0.3 ms:
    /// keep the socket while it is needed, as a [`Sandbox`](crate::Sandbox) does.
    pub fn open_in(namespace: impl AsFd) -> Result<Self> {
        let mut socket = run_in(namespace.as_fd(), Self::open)??;
        socket.home = Some(Netns::of_clone(namespace.as_fd())?);
        socket.make_buffer();
        Ok(socket)
    }

    /// Makes room for answers, where the socket was opened on a thread for that: see [`Channel::make_buffer`].
    pub(crate) fn make_buffer(&mut self) {
        self.channel.make_buffer();
    }

    /// The namespace it lives in, where that is known: it was opened from outside, or the calling thread is there too.
    pub(crate) fn home(&self) -> Option<Netns> {
        match &self.home {
            Some(home) => home.try_clone().ok(),
            None if self.namespace? == Self::namespace_of_thread()? => Netns::current().ok(),
            None => None,
        }
    }

    /// Which namespace it lives in, where that is known.
    pub(crate) fn namespace(&self) -> Option<NetnsId> {
        self.namespace
    }

    fn namespace_of_thread() -> Option<NetnsId> {
        let socket = netlink_sys::Socket::new(netlink_sys::protocols::NETLINK_ROUTE).ok()?;
        option::netns_cookie(&socket).map(NetnsId::Cookie).or_else(NetnsId::of_thread)
    }

    /// Takes over a NETLINK_ROUTE socket, sets the same options as [`open`](Self::open) and connects it to the kernel.
    /// Whether it is non-blocking does not matter.
    ///
    /// The namespace it lives in is known since Linux 5.14 (SO_NETNS_COOKIE). On an older kernel an
    /// [`Endpoint`](crate::Endpoint) cannot refuse a host socket that lives in the container's own namespace.
    ///
    /// # Errors
    /// [`InvalidValue::NotARouteSocket`](crate::value::InvalidValue::NotARouteSocket) for any other descriptor, such as a netlink socket of another protocol.
    pub fn from_fd(fd: OwnedFd) -> Result<Self> {
        Self::of(Channel::from_fd(fd)?)
    }

    fn of(channel: Channel) -> Result<Self> {
        let namespace = option::netns_cookie(&channel.fd).map(NetnsId::Cookie);
        #[expect(clippy::cast_possible_truncation, reason = "any 32 of the random bits will do")]
        let seq = random() as u32;
        let mut socket = Self {
            channel,
            out: vec![0; 4096],
            seq,
            dump: None,
            has_room: false,
            chunk: CHUNK,
            chunk_fits: false,
            process: process::id(),
            namespace,
            home: None,
            spare: Batch::new(),
            not_sync: PhantomData,
        };
        socket.set_time_limit(Duration::from_secs(10));
        Ok(socket)
    }

    /// Whether both live in the same namespace; `None` if that is not known, which is so on Linux before 5.14 after
    /// [`from_fd`](Self::from_fd), or if `/proc` was not mounted when one of them was opened.
    ///
    /// ```
    /// # use sublink::{Sandbox, Socket};
    /// let mut here = Sandbox::here()?;
    /// assert_eq!(Socket::open()?.is_in_same_namespace(here.socket()), Some(true));
    /// # Ok::<(), sublink::Error>(())
    /// ```
    pub fn is_in_same_namespace(&self, other: &Self) -> Option<bool> {
        Some(self.namespace? == other.namespace?)
    }

    /// The cookie of the namespace it lives in (SO_NETNS_COOKIE, since Linux 5.14): a number that no other namespace has until
    /// the machine restarts. It is for notes that outlive a process: a new namespace under the same path may have the same
    /// inode, but has another cookie. `None` on older kernels.
    ///
    /// ```
    /// # use sublink::{Sandbox, Socket};
    /// let (first, second) = (Sandbox::create()?.socket().netns_cookie(), Sandbox::create()?.socket().netns_cookie());
    /// assert!(first.is_none() || first != second);
    /// # Ok::<(), sublink::Error>(())
    /// ```
    pub const fn netns_cookie(&self) -> Option<u64> {
        match self.namespace {
            Some(NetnsId::Cookie(cookie)) => Some(cookie),
            _ => None,
        }
    }

    /// How long to wait for an answer; 10 seconds unless set. The kernel answers within microseconds of the send, so the
    /// limit is only ever reached when an answer was lost.
    pub fn set_time_limit(&mut self, limit: Duration) {
        self.channel.set_limit(limit);
    }

    /// Changes a link, or moves it to another namespace.
    ///
    /// # Errors
    /// A change is not atomic: what came before the failing part was done ([`LinkChange`]). After a move that failed,
    /// [`Error::link_is`] says which namespace has the link.
    pub fn change<'a, K>(&mut self, change: &LinkChange<'a, K>) -> Result<()>
    where
        LinkChange<'a, K>: Command,
    {
        self.apply(change)
    }

    /// Changes settings of address families on a link.
    pub fn set(&mut self, settings: &LinkSettings) -> Result<()> {
        self.apply(settings)
    }

    /// Deletes the link with this index.
    pub fn delete(&mut self, index: IfIndex) -> Result<()> {
        self.apply(&DeleteLink::index(index))
    }

    /// Deletes **every link of a group in this namespace, whatever its kind**: see [`DeleteLink::group`].
    pub fn delete_group(&mut self, group: u32) -> Result<()> {
        self.apply(&DeleteLink::group(group))
    }

    /// Gives a link one more name, of at most 127 bytes (since Linux 5.5).
    pub fn add_alt_name(&mut self, index: IfIndex, name: impl AsRef<[u8]>) -> Result<()> {
        self.apply(&AltNameChange::add(index, AltName::new(&name)?))
    }

    /// Takes an alternative name from a link.
    pub fn delete_alt_name(&mut self, index: IfIndex, name: impl AsRef<[u8]>) -> Result<()> {
        self.apply(&AltNameChange::delete(index, AltName::new(&name)?))
    }

    /// Whether the kernel was new enough for `request`, which was applied to the link `index`. Older kernels silently ignore
    /// `bc_queue_len` and `bc_cutoff` of a macvlan or macvtap, and `gro_max_size`, `gso_ipv4_max_size` and `gro_ipv4_max_size` of
    /// any link. Other attributes, and values, are not compared: [`Endpoint::check`](crate::Endpoint::check) compares those.
    ///
    /// # Errors
    /// [`ErrorKind::Ignored`], with the attribute's name.
    pub fn verify(&mut self, index: IfIndex, request: &impl Command) -> Result<()> {
        let len = self.encode(request)?;
        let request = self.out.get(..len).unwrap_or_default().to_vec();
        match ignored(&request, &self.link_at(index)?) {
            Some(attribute) => Err(ErrorKind::Ignored(attribute).into()),
            None => Ok(()),
        }
    }

    /// Sends one command and waits for its acknowledgement: to give a link an address, add a route and so on.
    ///
    /// For links there are calls that do more: [`create`](Self::create) returns the index, [`change`](Self::change) says
    /// where a link is after a failed move.
    ///
    /// ```no_run
    /// # use sublink::{NewAddress, NewRoute, Socket};
    /// let mut inside = Socket::open()?;
    /// let eth0 = inside.index_of("eth0")?;
    /// inside.apply(&NewAddress::new(eth0, "10.0.50.7/24".parse()?))?;
    /// inside.apply(&NewRoute::default_via("10.0.50.1".parse()?).index(eth0))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn apply(&mut self, request: &impl Command) -> Result<()> {
        let len = self.encode(request)?;
        self.transact(0..len, &mut |_| {})
    }

    /// As [`apply`](Self::apply), with a question before it in the same send. `on_answer` gets the answer, if there is one:
    /// a question that fails is no failure.
    pub(crate) fn ask_and_apply(
        &mut self,
        question: &GetLink<'_>,
        request: &impl Command,
        on_answer: &mut dyn FnMut(Message<'_>),
    ) -> Result<()> {
        let start = self.encode(question)?;
        let len = self.encode_at(start, request)?;
        self.transact(start..start + len, on_answer)
    }

    /// Encodes into `out`, under the next sequence number.
    fn encode(&mut self, request: &impl Request) -> Result<usize> {
        self.encode_at(0, request)
    }

    /// [Encodes](Self::encode) behind the first `start` bytes of `out`.
    fn encode_at(&mut self, start: usize, request: &impl Request) -> Result<usize> {
        self.seq = self.seq.wrapping_add(1);
        match request.encode(self.seq, self.out.get_mut(start..).unwrap_or_default()) {
            Ok(len) => Ok(len),
            Err(no_room) => {
                self.out.resize(start + no_room.needed, 0);
                Ok(request.encode(self.seq, self.out.get_mut(start..).unwrap_or_default())?)
            }
        }
    }

    /// Sends `out` up to the end of `request`, the place of a request in it, and reads items until its acknowledgement. What
    /// stands before it is a question, of which the number is one less.
    fn transact(&mut self, request: Range<usize>, on_item: &mut dyn FnMut(Message<'_>)) -> Result<()> {
        let answered = self.send_and_wait(request.clone(), on_item);
        answered.map_err(|error| self.describe_own(error, request))
    }

    fn send_and_wait(&mut self, request: Range<usize>, on_item: &mut dyn FnMut(Message<'_>)) -> Result<()> {
        self.begin()?;
        let answered = self.send_and_read(request, on_item);
        self.channel.recover(answered)
    }

    fn send_and_read(&mut self, request: Range<usize>, on_item: &mut dyn FnMut(Message<'_>)) -> Result<()> {
        let Self { channel, out, seq, .. } = self;
        channel.send(out.get(..request.end).unwrap_or_default())?;
        let question = (request.start > 0).then(|| seq.wrapping_sub(1));
        let request = out.get(request).unwrap_or_default();
        let mut wait = Wait::default();
        loop {
            let len = match channel.receive(&mut wait) {
                Err(error) if question.is_some() && matches!(error.kind(), ErrorKind::Truncated(_)) => continue,
                received => received?,
            };
            for message in Messages::new(channel.read(0..len)) {
                let message = message?;
                if question == Some(message.header.sequence) {
                    if let Ok(Reply::Item(message)) = Reply::of(message) {
                        on_item(message);
                    }
                }
                if message.header.sequence != *seq {
                    continue;
                }
                match Reply::of(message)? {
                    Reply::Ack(ack) if ack.errno() == 0 => return Ok(()),
                    Reply::Ack(ack) | Reply::Done(ack) => return Err(KernelError::new(&ack, request).into()),
                    Reply::Overrun => return Err(ErrorKind::Overrun.into()),
                    Reply::Item(message) => on_item(message),
                    Reply::Noop => {}
                }
            }
        }
    }

    /// [Describes](Self::describe) an error of the request in `out`.
    #[cold]
    fn describe_own(&mut self, error: Error, request: Range<usize>) -> Error {
        let out = std::mem::take(&mut self.out);
        let described = self.describe(error, out.get(request).unwrap_or_default());
        self.out = out;
        described
    }

    /// Adds to an error which request failed, in words, with the names that the indexes in it have at this time; and where
    /// the link is, if it was to move.
    #[cold]
    fn describe(&mut self, error: Error, request: &[u8]) -> Error {
        let Some(mut info) = RequestInfo::of(request) else { return error };
        if matches!(error.kind(), ErrorKind::Kernel(_) | ErrorKind::AnotherAddress { .. }) {
            self.find_names(&mut info);
        }
        let error = match info.index {
            Some(index) if info.verb == Verb::Move && !error.is_no_device() => {
                error.with_link(match self.has_link(index) {
                    Ok(true) => Whereabouts::Here,
                    Ok(false) => Whereabouts::There,
                    Err(_) => Whereabouts::Unknown,
                })
            }
            _ => error,
        };
        error.of_request(info, request).in_namespace(self.namespace_number())
    }

    /// The namespace it lives in, as an error notes it.
    pub(crate) fn namespace_number(&self) -> Option<u64> {
        self.namespace.map(NetnsId::number)
    }

    fn find_names(&mut self, info: &mut RequestInfo) {
        if let Some(index) = info.index.filter(|_| info.verb != Verb::Create) {
            info.index_name = self.peek_name(index).ok();
        }
        if let Some(parent) = info.parent.filter(|_| !info.parent_is_elsewhere) {
            info.parent_name = self.peek_name(parent).ok();
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.channel.fd.as_fd()
    }
}
