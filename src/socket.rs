//! A blocking rtnetlink socket: the only place that sends and receives.
//!
//! What it takes care of, so that an answer is an answer: it is bound, then connected to the kernel, so that the kernel
//! itself refuses forged replies; the sender's port is looked at all the same; only our own, randomly started sequence
//! numbers count; one receive buffer of constant size is used (the kernel sizes a dump's datagrams by the largest it has
//! seen, so a smaller one later would lose links), and truncation is looked for; every wait has a limit. Sources:
//! `net/netlink/af_netlink.c`, `man 7 netlink`.

use crate::batch::{Batch, Outcome};
use crate::error::{Error, ErrorKind, KernelError, Partial, RequestInfo, Result, Verb, Whereabouts};
use crate::link::{
    AltName, AltNameChange, Command, DeleteLink, GetLink, IfIndex, IfName, LinkChange, LinkInfo, LinkView,
};
use crate::link::{InvalidValue, LinkSettings, ListLinks, NewLink, Request, ignored, random};
use crate::netns::run_in;
use crate::reply::{INTERRUPTED, Reply};
use crate::wire::{Malformed, Message, Messages};
use netlink_packet_core::NLM_F_ECHO;
use nix::errno::Errno;
use nix::sys::socket::sockopt::ReceiveTimeout;
use nix::sys::socket::{MsgFlags, NetlinkAddr, connect, getsockname, recvmsg, send, setsockopt};
use nix::sys::time::TimeVal;
use std::cell::Cell;
use std::io::IoSliceMut;
use std::marker::PhantomData;
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

/// How often a create with an index of our choice is tried again when that index was taken.
const INDEX_TRIES: usize = 4;

/// A conversation with the kernel about the links of one network namespace.
///
/// It stays in the namespace it was opened in, and keeps that namespace alive. It can be sent to another thread (`Send`) but
/// not be shared (`Sync`): answers belong to whoever asked. The kernel works inside the call that sends; the time limit is
/// for the wait for its answer.
#[derive(Debug)]
pub struct Socket {
    channel: Channel,
    /// Encoded requests.
    out: Vec<u8>,
    /// The last sequence number used.
    seq: u32,
    /// The sequence number of a dump of which the end has not been read.
    dump: Option<u32>,
    not_sync: PhantomData<Cell<()>>,
}

impl Socket {
    /// Opens a socket in the calling thread's namespace.
    ///
    /// Extended acknowledgements (Linux 4.12), capped ones (4.3) and strict checking of dumps (4.20) are switched on; a
    /// kernel without them is spoken to without them.
    pub fn open() -> Result<Self> {
        let open = || {
            let mut socket = netlink_sys::Socket::new(netlink_sys::protocols::NETLINK_ROUTE)?;
            socket.bind_auto()?;
            let _ = socket.set_ext_ack(true);
            let _ = socket.set_cap_ack(true);
            let _ = socket.set_netlink_get_strict_chk(true);
            socket.as_fd().try_clone_to_owned()
        };
        Self::from_fd(open().map_err(|error| Error::io("open a netlink socket", error))?)
    }

    /// Opens a socket in another namespace, without entering it on the calling thread.
    pub fn open_in(namespace: impl AsFd) -> Result<Self> {
        run_in(namespace.as_fd(), Self::open)?
    }

    /// Takes over a NETLINK_ROUTE socket, connects it to the kernel and makes it blocking.
    ///
    /// Its options stay as they are: without NETLINK_EXT_ACK, errors have no text.
    pub fn from_fd(fd: OwnedFd) -> Result<Self> {
        if getsockname::<NetlinkAddr>(fd.as_raw_fd()).is_err() {
            return Err(InvalidValue::NotARouteSocket.into());
        }
        connect(fd.as_raw_fd(), &NetlinkAddr::new(0, 0)).map_err(|error| Error::io("connect to the kernel", error))?;
        let channel = Channel { fd, buf: vec![0; BUFFER].into_boxed_slice(), limit: Duration::ZERO };
        #[expect(clippy::cast_possible_truncation, reason = "any 32 of the random bits will do")]
        let mut socket = Self { channel, out: vec![0; 4096], seq: random() as u32, dump: None, not_sync: PhantomData };
        socket.channel.block()?;
        socket.set_time_limit(Duration::from_secs(10))?;
        Ok(socket)
    }

    /// How long to wait for an answer; 10 seconds unless set. The kernel answers within microseconds of the send, so the
    /// limit is only ever reached when an answer was lost.
    pub fn set_time_limit(&mut self, limit: Duration) -> Result<()> {
        self.channel.set_limit(limit.max(Duration::from_millis(1))) // 0 would mean for ever
    }

    /// Creates a link and returns its index.
    ///
    /// A link without a name, or one for another namespace, gets an index of our choice unless it asks for one
    /// ([`IfIndex::random`]): so its index is known on every kernel. Otherwise the kernel echoes it (since Linux 6.2), or it
    /// is looked up by name.
    ///
    /// # Errors
    /// When it fails, no link is left behind; when the outcome is [unknown](ErrorKind::TimedOut), one may be.
    pub fn create<K: Copy>(&mut self, link: &NewLink<'_, K>) -> Result<IfIndex>
    where
        for<'a> NewLink<'a, K>: Command,
    {
        let may_stay_down = link.wants_up() && link.wants_parent_elsewhere();
        let mut inside = match link.namespace() {
            Some(namespace) if may_stay_down => Some(Self::open_in(namespace)?), // before there is a link to leave behind
            _ => None,
        };
        let is_named_here = link.wanted_name().is_some() && link.namespace().is_none();
        let index = if link.wanted_index().is_some() || is_named_here {
            self.create_as_it_is(link)?
        } else {
            self.create_at_free_index(link)?
        };
        if may_stay_down {
            inside.as_mut().unwrap_or(self).bring_up_or_delete(index)?;
        }
        Ok(index)
    }

    /// Tries random indexes. Only when one is seen to be taken is another tried, for EEXIST and EBUSY mean other things too.
    fn create_at_free_index<K: Copy>(&mut self, link: &NewLink<'_, K>) -> Result<IfIndex>
    where
        for<'a> NewLink<'a, K>: Command,
    {
        let mut tries = 1;
        loop {
            let index = IfIndex::random();
            match self.create_as_it_is(&link.index(index)) {
                Err(error) if tries < INDEX_TRIES && (error.is_already_there() || error.is_busy()) => {
                    let taken_here = self.has_link(index)?;
                    let taken_there = || match link.namespace() {
                        Some(namespace) => Self::open_in(namespace)?.has_link(index),
                        None => Ok(false),
                    };
                    if !taken_here && !taken_there()? {
                        return Err(error);
                    }
                    tries += 1;
                }
                created => return created,
            }
        }
    }

    fn create_as_it_is<K: Copy>(&mut self, link: &NewLink<'_, K>) -> Result<IfIndex>
    where
        for<'a> NewLink<'a, K>: Command,
    {
        let len = self.encode(link)?;
        if link.wanted_index().is_none() {
            if let Some([low, high]) = self.out.get_mut(6..8).and_then(|flags| flags.first_chunk_mut()) {
                [*low, *high] = (u16::from_ne_bytes([*low, *high]) | NLM_F_ECHO).to_ne_bytes();
            }
        }
        let mut echoed = None;
        self.transact(len, |message| echoed = LinkView::of(message).map(|link| link.index()))?;
        match (link.wanted_index().or(echoed), link.wanted_name()) {
            (Some(index), _) => Ok(index),
            (None, Some(name)) => self.index_of(name),
            (None, None) => Err(Malformed { length: 0, left: 0 }.into()), // a link without either is given an index
        }
    }

    /// Linux up to 6.12 ignores IFF_UP in a create whose parent is in another namespace.
    fn bring_up_or_delete(&mut self, index: IfIndex) -> Result<()> {
        let up = match self.link_at(index) {
            Ok(link) if link.is_up() => Ok(()),
            Ok(_) => self.change(&LinkChange::new(index).up()),
            Err(error) => Err(error),
        };
        up.inspect_err(|_| {
            let _ = self.delete(index);
        })
    }

    /// Changes a link, or moves it to another namespace.
    ///
    /// # Errors
    /// A change is not atomic: what came before the failing part was done ([`LinkChange`]). After a move that failed,
    /// [`Error::link_is`] says which namespace has the link.
    pub fn change<K: Copy>(&mut self, change: &LinkChange<'_, K>) -> Result<()>
    where
        for<'a> LinkChange<'a, K>: Command,
    {
        let moved = self.command(change);
        match moved {
            Err(error) if change.namespace().is_some() && !error.is_no_device() => {
                let whereabouts = match self.has_link(change.target()) {
                    Ok(true) => Whereabouts::Here,
                    Ok(false) => Whereabouts::There,
                    Err(_) => Whereabouts::Unknown,
                };
                Err(error.with_link(whereabouts))
            }
            changed => changed,
        }
    }

    /// Changes settings of address families on a link.
    pub fn set(&mut self, settings: &LinkSettings) -> Result<()> {
        self.command(settings)
    }

    /// Deletes the link with this index.
    pub fn delete(&mut self, index: IfIndex) -> Result<()> {
        self.command(&DeleteLink::index(index))
    }

    /// Deletes **every link of a group in this namespace, whatever its kind**: see [`DeleteLink::group`].
    pub fn delete_group(&mut self, group: u32) -> Result<()> {
        self.command(&DeleteLink::group(group))
    }

    /// Gives a link one more name, of at most 127 bytes (since Linux 5.5).
    pub fn add_alt_name(&mut self, index: IfIndex, name: impl AsRef<[u8]>) -> Result<()> {
        self.command(&AltNameChange::add(index, AltName::new(&name)?))
    }

    /// Takes an alternative name from a link.
    pub fn delete_alt_name(&mut self, index: IfIndex, name: impl AsRef<[u8]>) -> Result<()> {
        self.command(&AltNameChange::delete(index, AltName::new(&name)?))
    }

    /// The index of the link with this name. An alternative name is not taken for it: [`ErrorKind::OnlyAltName`].
    pub fn index_of(&mut self, name: impl AsRef<[u8]>) -> Result<IfIndex> {
        self.link(name).map(|link| link.index())
    }

    /// The link with this name, as [`index_of`](Self::index_of).
    pub fn link(&mut self, name: impl AsRef<[u8]>) -> Result<LinkView<'_>> {
        let name = IfName::from_bytes(name.as_ref())?;
        let link = self.get(&GetLink::name(name))?;
        if link.name() != name {
            return Err(ErrorKind::OnlyAltName(link.name().into()).into());
        }
        Ok(link)
    }

    /// The link with this index.
    pub fn link_at(&mut self, index: IfIndex) -> Result<LinkView<'_>> {
        self.get(&GetLink::index(index))
    }

    /// The link with this name or alternative name (since Linux 5.5).
    pub fn link_by_alt_name(&mut self, name: impl AsRef<[u8]>) -> Result<LinkView<'_>> {
        self.get(&GetLink::alt_name(AltName::new(&name)?))
    }

    /// The link that `request` asks for.
    pub fn get(&mut self, request: &GetLink<'_>) -> Result<LinkView<'_>> {
        let len = self.encode(request)?;
        let found = self.send_and_find(len);
        match found {
            Ok(place) => self.channel.view(place),
            Err(error) => Err(self.explain_request(error, len)),
        }
    }

    /// The links that `request` asks for, one after the other, each lent from the receive buffer.
    ///
    /// ```no_run
    /// # use sublink::{ListLinks, Socket};
    /// let mut host = Socket::open()?;
    /// let mut links = host.links(&ListLinks::new().kind("macvlan"))?;
    /// while let Some(link) = links.next()? {
    ///     println!("{} {:?}", link.name(), link.macvlan().and_then(|macvlan| macvlan.mode()));
    /// }
    /// # Ok::<(), sublink::Error>(())
    /// ```
    pub fn links<'s, 'f>(&'s mut self, request: &ListLinks<'f>) -> Result<Links<'s, 'f>> {
        let len = self.encode(request)?;
        self.finish_dump()?;
        self.channel.send(self.out.get(..len).unwrap_or_default())?;
        self.dump = Some(self.seq);
        Ok(Links { socket: self, filter: *request, request: len, read: 0..0, interrupted: false })
    }

    /// Whether the kernel took everything that `request`, done to the link `index`, asked of its kind: what a kernel is too
    /// old for, it ignores and answers OK.
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

    /// Sends all steps of `batch`, in as few sends as their acknowledgements allow (128 steps), and notes how each came out.
    ///
    /// # Errors
    /// The first step that failed ([`Error::step`]); the later ones were done all the same. Or why answers are missing: then
    /// the steps without one are [unknown](Outcome::Unknown), and chunks that were not sent are [so](Outcome::NotSent).
    pub fn run(&mut self, batch: &mut Batch) -> Result<()> {
        self.finish_dump()?;
        let steps = batch.len();
        (0..steps).for_each(|step| batch.set_outcome(step, Outcome::NotSent));
        let (mut from, mut lost) = (0, Ok(()));
        while from < steps && lost.is_ok() {
            let to = batch.chunk_end(from);
            lost = self.run_chunk(batch, from, to);
            from = to;
        }
        let failed = (0..steps).find_map(|step| match batch.outcome(step) {
            Some(Outcome::Failed(error)) => Some((step, error.clone())),
            _ => None,
        });
        match failed {
            Some((step, error)) => {
                let mut info = RequestInfo::of(batch.messages(step, step + 1));
                if let Some(info) = &mut info {
                    self.find_names(info);
                }
                let error = Error::from(error).at_step(step, steps);
                Err(match info {
                    Some(info) => error.of_request(info),
                    None => error,
                })
            }
            None => lost,
        }
    }

    /// Sends steps `from..to` and reads until the last one's acknowledgement.
    fn run_chunk(&mut self, batch: &mut Batch, from: usize, to: usize) -> Result<()> {
        let first = self.seq.wrapping_add(1);
        #[expect(clippy::cast_possible_truncation, reason = "a chunk has at most 128 steps")]
        let count = (to - from) as u32;
        self.seq = self.seq.wrapping_add(count);
        batch.prepare(from, to, first);
        self.channel.send(batch.messages(from, to))?;
        (from..to).for_each(|step| batch.set_outcome(step, Outcome::Unknown));
        let ended = self.read_outcomes(batch, from, first, count);
        if ended.is_ok() && batch.outcome(to - 1) != Some(&Outcome::Unknown) {
            // Nothing was lost, so a step of which nothing came back did not fail.
            for step in from..to {
                if batch.outcome(step) == Some(&Outcome::Unknown) {
                    batch.set_outcome(step, Outcome::Done);
                }
            }
        }
        ended
    }

    /// After an overrun, what is still in the buffer is read: it says of some steps how they came out.
    fn read_outcomes(&mut self, batch: &mut Batch, from: usize, first: u32, count: u32) -> Result<()> {
        let (since, mut overrun) = (Instant::now(), None);
        loop {
            let read = if overrun.is_some() { self.channel.receive_now() } else { self.channel.receive(since) };
            let len = match read {
                Ok(len) => len,
                Err(error) if matches!(error.kind(), ErrorKind::Overrun) => {
                    overrun = Some(error);
                    continue;
                }
                Err(error) => return Err(overrun.unwrap_or(error)),
            };
            for message in Messages::new(self.channel.read(0..len)) {
                let message = message?;
                let number = message.header.sequence.wrapping_sub(first);
                if number >= count {
                    continue;
                }
                let step = from + number as usize;
                match Reply::of(message)? {
                    Reply::Ack(ack) if ack.errno() == 0 => batch.set_outcome(step, Outcome::Done),
                    Reply::Ack(ack) => {
                        let error = KernelError::new(&ack, batch.messages(step, step + 1));
                        batch.set_outcome(step, Outcome::Failed(error));
                    }
                    Reply::Overrun => overrun = Some(ErrorKind::Overrun.into()),
                    Reply::Item(_) | Reply::Done(_) | Reply::Noop => continue,
                }
                if number + 1 == count {
                    return overrun.map_or(Ok(()), Err);
                }
            }
        }
    }

    /// Sends one command and waits for its acknowledgement.
    pub(crate) fn command(&mut self, request: &impl Command) -> Result<()> {
        let len = self.encode(request)?;
        self.transact(len, |_| {})
    }

    /// Encodes into `out`, under the next sequence number.
    fn encode(&mut self, request: &impl Request) -> Result<usize> {
        self.seq = self.seq.wrapping_add(1);
        match request.encode(self.seq, &mut self.out) {
            Ok(len) => Ok(len),
            Err(no_room) => {
                self.out.resize(no_room.needed, 0);
                Ok(request.encode(self.seq, &mut self.out)?)
            }
        }
    }

    /// Sends the `len` bytes of `out` and reads items until the acknowledgement.
    fn transact(&mut self, len: usize, on_item: impl FnMut(Message<'_>)) -> Result<()> {
        let answered = self.send_and_wait(len, on_item);
        answered.map_err(|error| self.explain_request(error, len))
    }

    fn send_and_wait(&mut self, len: usize, mut on_item: impl FnMut(Message<'_>)) -> Result<()> {
        self.finish_dump()?;
        let Self { channel, out, seq, .. } = self;
        let request = out.get(..len).unwrap_or_default();
        channel.send(request)?;
        let since = Instant::now();
        loop {
            let len = channel.receive(since)?;
            for message in Messages::new(channel.read(0..len)) {
                let message = message?;
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

    /// Sends the `len` bytes of `out` and finds the one item of the answer, which has no acknowledgement behind it.
    fn send_and_find(&mut self, len: usize) -> Result<Range<usize>> {
        self.finish_dump()?;
        let request = self.out.get(..len).unwrap_or_default();
        self.channel.send_and_find(request, self.seq)
    }

    /// Reads the rest of a dump that was left off, so that the next request is not refused or answered by it.
    fn finish_dump(&mut self) -> Result<()> {
        let Some(seq) = self.dump.take() else { return Ok(()) };
        let since = Instant::now();
        loop {
            let len = match self.channel.receive(since) {
                Err(error) if matches!(error.kind(), ErrorKind::Overrun | ErrorKind::Truncated(_)) => continue,
                read => read?,
            };
            for message in Messages::new(self.channel.read(0..len)) {
                let Ok(message) = message else { break };
                let is_end = matches!(Reply::of(message), Ok(Reply::Done(_) | Reply::Ack(_)));
                if message.header.sequence == seq && is_end {
                    return Ok(());
                }
            }
        }
    }

    fn has_link(&mut self, index: IfIndex) -> Result<bool> {
        match self.name_of(index) {
            Ok(_) => Ok(true),
            Err(error) if error.is_no_device() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The name of a link, without touching `out`, so that an error about what is in there can say it.
    fn name_of(&mut self, index: IfIndex) -> Result<IfName> {
        let mut buf = [0; 64];
        self.seq = self.seq.wrapping_add(1);
        let len = GetLink::index(index).encode(self.seq, &mut buf)?;
        let place = self.channel.send_and_find(buf.get(..len).unwrap_or_default(), self.seq)?;
        Ok(self.channel.view(place)?.name().into())
    }

    /// Adds to an error which request failed, in words, with the names that the indexes in it have at this time.
    #[cold]
    fn explain_request(&mut self, error: Error, len: usize) -> Error {
        let Some(mut info) = RequestInfo::of(self.out.get(..len).unwrap_or_default()) else { return error };
        if matches!(error.kind(), ErrorKind::Kernel(_)) {
            self.find_names(&mut info);
        }
        error.of_request(info)
    }

    fn find_names(&mut self, info: &mut RequestInfo) {
        if let Some(index) = info.index.filter(|_| info.verb != Verb::Create) {
            info.index_name = self.name_of(index).ok();
        }
        if let Some(parent) = info.parent.filter(|_| !info.parent_is_elsewhere) {
            info.parent_name = self.name_of(parent).ok();
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.channel.fd.as_fd()
    }
}

/// The links of a dump, each lent from the receive buffer until the next is asked for.
///
/// A link of which the kernel's message would be above 32 KiB (a macvlan in source mode with thousands of senders) is left
/// out of dumps by the kernel without a word; [`Socket::link_at`] returns it.
#[derive(Debug)]
pub struct Links<'s, 'f> {
    socket: &'s mut Socket,
    filter: ListLinks<'f>,
    /// The length of the request in `out`.
    request: usize,
    /// The part of the receive buffer that has not been looked at.
    read: Range<usize>,
    interrupted: bool,
}

impl Links<'_, '_> {
    /// The next link, or `None` behind the last.
    ///
    /// # Errors
    /// [`ErrorKind::Interrupted`] behind the last link if the list changed meanwhile, [`ErrorKind::Overrun`] if links were
    /// lost. After an error, there is no further link.
    #[expect(clippy::should_implement_trait, reason = "it lends, which an iterator cannot")]
    pub fn next(&mut self) -> Result<Option<LinkView<'_>>> {
        let place = match self.find_next() {
            Ok(Some(place)) => place,
            Ok(None) if !std::mem::take(&mut self.interrupted) => return Ok(None),
            Ok(None) => return Err(self.explained(ErrorKind::Interrupted.into())),
            Err(error) => return Err(self.explained(error)),
        };
        self.socket.channel.view(place).map(Some)
    }

    /// All links that are left, owned.
    ///
    /// # Errors
    /// As [`next`](Self::next), with what was read.
    pub fn collect(mut self) -> Result<Vec<LinkInfo>, Partial<LinkInfo>> {
        let mut items = Vec::new();
        loop {
            match self.next() {
                Ok(Some(link)) => items.push(link.to_owned()),
                Ok(None) => return Ok(items),
                Err(error) => return Err(Partial { items, error }),
            }
        }
    }

    fn explained(&mut self, error: Error) -> Error {
        self.read = 0..0;
        let info = RequestInfo::of(self.socket.out.get(..self.request).unwrap_or_default());
        info.into_iter().fold(error, Error::of_request)
    }

    /// Where in the receive buffer the next link is that passes the filter.
    fn find_next(&mut self) -> Result<Option<Range<usize>>> {
        while let Some(seq) = self.socket.dump {
            if self.read.is_empty() {
                let since = Instant::now();
                self.read = 0..self.socket.channel.receive(since)?;
            }
            let mut messages = Messages::new(self.socket.channel.read(self.read.clone()));
            let Some(message) = messages.next() else { continue };
            let start = self.read.start;
            self.read.start = self.read.end - messages.rest().len();
            let message = message?;
            if message.header.sequence != seq {
                continue;
            }
            self.interrupted |= message.header.flags & INTERRUPTED != 0;
            match Reply::of(message)? {
                Reply::Item(message) => {
                    if LinkView::of(message).is_some_and(|link| self.filter.accepts(&link)) {
                        return Ok(Some(start..start + message.header.length as usize));
                    }
                }
                Reply::Ack(ack) | Reply::Done(ack) => {
                    self.socket.dump = None;
                    if ack.errno() != 0 {
                        let request = self.socket.out.get(..self.request).unwrap_or_default();
                        return Err(KernelError::new(&ack, request).into());
                    }
                }
                Reply::Overrun => return Err(ErrorKind::Overrun.into()),
                Reply::Noop => {}
            }
        }
        Ok(None)
    }
}

impl ListLinks<'_> {
    fn accepts(&self, link: &LinkView<'_>) -> bool {
        let Self { kind, master, netnsid, parent, parent_netnsid } = self;
        kind.is_none_or(|kind| link.kind() == kind)
            && master.is_none_or(|master| link.master() == Some(master))
            && netnsid.is_none_or(|nsid| link.netnsid() == Some(nsid))
            && parent.is_none_or(|parent| link.parent() == Some(parent))
            && parent_netnsid.is_none_or(|nsid| link.parent_netnsid() == Some(nsid))
    }
}

/// The receive buffer: twice the largest datagram that a dump has.
const BUFFER: usize = 64 * 1024;

/// A descriptor and the buffer it receives into.
#[derive(Debug)]
struct Channel {
    fd: OwnedFd,
    buf: Box<[u8]>,
    limit: Duration,
}

impl Channel {
    /// A descriptor that somebody else opened may be non-blocking.
    fn block(&self) -> Result<()> {
        use nix::fcntl::{FcntlArg, OFlag, fcntl};
        let failed = |error| Error::io("fcntl of the netlink socket", error);
        let flags = OFlag::from_bits_retain(fcntl(&self.fd, FcntlArg::F_GETFL).map_err(failed)?);
        if flags.contains(OFlag::O_NONBLOCK) {
            fcntl(&self.fd, FcntlArg::F_SETFL(flags & !OFlag::O_NONBLOCK)).map_err(failed)?;
        }
        Ok(())
    }

    fn set_limit(&mut self, limit: Duration) -> Result<()> {
        let seconds = i64::try_from(limit.as_secs()).unwrap_or(i64::MAX).min(i32::MAX.into());
        let limit_of_receive = TimeVal::new(seconds, limit.subsec_micros().max(u32::from(seconds == 0)).into());
        setsockopt(&self.fd, ReceiveTimeout, &limit_of_receive)
            .map_err(|error| Error::io("set the time limit", error))?;
        self.limit = limit;
        Ok(())
    }

    fn send(&self, bytes: &[u8]) -> Result<()> {
        loop {
            match send(self.fd.as_raw_fd(), bytes, MsgFlags::empty()) {
                Ok(_) => return Ok(()), // a datagram goes whole or not at all
                Err(Errno::EINTR) => {}
                Err(error) => return Err(Error::io("send to the kernel", error)),
            }
        }
    }

    /// Receives the next datagram of the kernel's, and returns its length.
    fn receive(&mut self, since: Instant) -> Result<usize> {
        loop {
            if let Some(len) = self.receive_once(MsgFlags::empty())? {
                return Ok(len);
            }
            if since.elapsed() > self.limit {
                return Err(ErrorKind::TimedOut.into());
            }
        }
    }

    /// Receives what is there, without waiting.
    fn receive_now(&mut self) -> Result<usize> {
        loop {
            if let Some(len) = self.receive_once(MsgFlags::MSG_DONTWAIT)? {
                return Ok(len);
            }
        }
    }

    /// `None` is a signal, or a datagram of somebody else's: connected, the socket gets none; a look costs nothing.
    fn receive_once(&mut self, flags: MsgFlags) -> Result<Option<usize>> {
        let mut buffers = [IoSliceMut::new(&mut self.buf)];
        let received = recvmsg::<NetlinkAddr>(self.fd.as_raw_fd(), &mut buffers, None, flags | MsgFlags::MSG_TRUNC);
        let datagram = match received {
            Ok(datagram) => datagram,
            Err(Errno::EINTR) => return Ok(None),
            Err(Errno::EAGAIN) => return Err(ErrorKind::TimedOut.into()),
            Err(Errno::ENOBUFS) => return Err(ErrorKind::Overrun.into()),
            Err(error) => return Err(Error::io("receive from the kernel", error)),
        };
        if datagram.address.is_none_or(|sender| sender.pid() != 0) {
            return Ok(None);
        }
        if datagram.flags.contains(MsgFlags::MSG_TRUNC) {
            return Err(ErrorKind::Truncated(datagram.bytes).into());
        }
        Ok(Some(datagram.bytes))
    }

    /// A part of what was received.
    fn read(&self, place: Range<usize>) -> &[u8] {
        self.buf.get(place).unwrap_or_default()
    }

    /// Sends a request for one item, and finds where that stands in the buffer.
    fn send_and_find(&mut self, request: &[u8], seq: u32) -> Result<Range<usize>> {
        self.send(request)?;
        let since = Instant::now();
        loop {
            let len = self.receive(since)?;
            let mut messages = Messages::new(self.read(0..len));
            loop {
                let start = len - messages.rest().len();
                let Some(message) = messages.next() else { break };
                let message = message?;
                if message.header.sequence != seq {
                    continue;
                }
                match Reply::of(message)? {
                    Reply::Item(message) => return Ok(start..start + message.header.length as usize),
                    Reply::Ack(ack) | Reply::Done(ack) => return Err(KernelError::new(&ack, request).into()),
                    Reply::Overrun => return Err(ErrorKind::Overrun.into()),
                    Reply::Noop => {}
                }
            }
        }
    }

    /// The link in the message at `place`.
    fn view(&self, place: Range<usize>) -> Result<LinkView<'_>> {
        let bytes = self.read(place);
        let message = Messages::new(bytes).next().and_then(Result::ok);
        let link = message.and_then(LinkView::of);
        link.ok_or_else(|| Malformed { length: 32, left: bytes.len() }.into())
    }
}
