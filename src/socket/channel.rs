//! Bytes in and out: a descriptor and the buffer it receives into.

use super::option;
use crate::error::{Error, ErrorKind, KernelError, Result};
use crate::reply::Reply;
use crate::value::InvalidValue;
use crate::wire::Messages;
use netlink_sys::protocols::NETLINK_ROUTE;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, NetlinkAddr, connect, recvmsg, send};
use std::io::IoSliceMut;
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

/// The receive buffer: four times the largest datagram that a dump has. A single link's can be longer than 64 KiB, for a list
/// of senders can fill an attribute of that length, and alternative names another.
const BUFFER: usize = 128 * 1024;

/// How long behind the limit what is there already is still read.
const DRAIN: Duration = Duration::from_millis(100);

/// A netlink socket. netlink-sys has no way to turn its own into an [`OwnedFd`] but a second descriptor.
#[derive(Debug)]
pub(super) enum Descriptor {
    Opened(netlink_sys::Socket),
    Given(OwnedFd),
    /// No socket: a script answers.
    #[cfg(test)]
    Scripted(super::script::Script),
}

impl AsFd for Descriptor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Opened(socket) => socket.as_fd(),
            Self::Given(fd) => fd.as_fd(),
            #[cfg(test)]
            Self::Scripted(script) => script.fd(),
        }
    }
}

/// A wait for answers. The first few are mostly there at once, so the clock is looked at only then when one is not.
#[derive(Debug, Default)]
pub(super) struct Wait {
    since: Option<Instant>,
    /// Datagrams received before the clock was looked at.
    received: u8,
}

impl Wait {
    const WITHOUT_CLOCK: u8 = 4;
}

/// A descriptor and the buffer it receives into.
#[derive(Debug)]
pub(super) struct Channel {
    pub(super) fd: Descriptor,
    /// Its number, for each send and receive.
    number: RawFd,
    /// Made by [`make_buffer`](Self::make_buffer).
    buf: Box<[u8]>,
    limit: Duration,
}

impl Channel {
    /// A new socket in the calling thread's namespace, which hears of the events of these groups.
    pub(super) fn open(groups: &[u32]) -> Result<Self> {
        let failed = |error| Error::io("open a netlink socket", error);
        let socket = netlink_sys::Socket::new(NETLINK_ROUTE).map_err(failed)?;
        groups.iter().try_for_each(|group| option::join(&socket, *group)).map_err(|error| failed(error.into()))?;
        Self::new(Descriptor::Opened(socket))
    }

    /// A socket that somebody else opened.
    pub(super) fn from_fd(fd: OwnedFd) -> Result<Self> {
        if option::is_route_socket(&fd) {
            Self::new(Descriptor::Given(fd))
        } else {
            Err(InvalidValue::NotARouteSocket.into())
        }
    }

    /// Connects `fd` to the kernel, so that it gets nobody else's datagrams. That also gives it a port, if it has none.
    fn new(fd: Descriptor) -> Result<Self> {
        option::set_all(&fd);
        let number = fd.as_fd().as_raw_fd();
        connect(number, &NetlinkAddr::new(0, 0)).map_err(|error| Error::io("connect to the kernel", error))?;
        Ok(Self { fd, number, buf: Box::default(), limit: Duration::ZERO })
    }

    pub(super) fn set_limit(&mut self, limit: Duration) {
        self.limit = limit;
    }

    /// How long a wait may last.
    pub(super) fn limit(&self) -> Duration {
        self.limit
    }

    #[cfg(test)]
    pub(super) fn scripted(script: super::script::Script) -> Self {
        let number = script.fd().as_raw_fd();
        Self { fd: Descriptor::Scripted(script), number, buf: Box::default(), limit: Duration::ZERO }
    }

    pub(super) fn send(&self, bytes: &[u8]) -> Result<()> {
        #[cfg(test)]
        if let Descriptor::Scripted(script) = &self.fd {
            return script.send(bytes);
        }
        loop {
            match send(self.number, bytes, MsgFlags::empty()) {
                Ok(_) => return Ok(()), // a datagram goes whole or not at all
                Err(Errno::EINTR) => {}
                Err(error) => return Err(Error::io("send to the kernel", error).not_sent()),
            }
        }
    }

    /// Receives the next datagram of the kernel's, and returns its length.
    ///
    /// The kernel works inside the send, so mostly the answer is there, and one system call takes it. Where it is not, the
    /// wait ends by the limit, counted from the first look at the clock. Neither a signal nor what nobody asked for (events of a group, stale
    /// answers) makes it longer; what is there already is still read for a moment.
    pub(super) fn receive(&mut self, wait: &mut Wait) -> Result<usize> {
        if wait.since.is_none() && wait.received < Wait::WITHOUT_CLOCK {
            wait.received += 1;
            match self.receive_now() {
                Err(error) if matches!(error.kind(), ErrorKind::TimedOut) => {}
                received => return received,
            }
        }
        let since = *wait.since.get_or_insert_with(Instant::now);
        loop {
            let left = self.limit.saturating_sub(since.elapsed());
            if left.is_zero() && since.elapsed() > self.limit + DRAIN {
                return Err(ErrorKind::TimedOut.into());
            }
            match self.receive_now() {
                Err(error) if matches!(error.kind(), ErrorKind::TimedOut) && !left.is_zero() => self.wait(left)?,
                received => return received,
            }
        }
    }

    /// Waits until there is something to receive, or a signal comes, at most for `limit`.
    fn wait(&self, limit: Duration) -> Result<()> {
        const UNIT: Duration = Duration::from_millis(1);
        #[cfg(test)]
        if matches!(self.fd, Descriptor::Scripted(_)) {
            return Err(ErrorKind::TimedOut.into()); // nothing comes by itself
        }
        let limit = PollTimeout::try_from(limit.saturating_add(UNIT)).unwrap_or(PollTimeout::MAX); // cut to milliseconds
        match poll(&mut [PollFd::new(self.fd.as_fd(), PollFlags::POLLIN)], limit) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(error) => Err(Error::io("wait for the kernel", error)),
        }
    }

    /// Receives what is there, without waiting.
    pub(super) fn receive_now(&mut self) -> Result<usize> {
        loop {
            if let Some(len) = self.receive_once()? {
                return Ok(len);
            }
        }
    }

    /// After an overrun: empties the queue, because the kernel drops what comes next, without a word, until the queue has once
    /// been empty.
    pub(super) fn recover<T>(&mut self, result: Result<T>) -> Result<T> {
        if result.as_ref().is_err_and(|error| matches!(error.kind(), ErrorKind::Overrun)) {
            self.drain();
        }
        result
    }

    /// Takes everything out of the queue, or as much as there is within the limit.
    pub(super) fn drain(&mut self) {
        let since = Instant::now();
        while since.elapsed() <= self.limit {
            match self.receive_now() {
                Err(error) if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::Io { .. }) => break,
                _ => {}
            }
        }
    }

    /// Makes the buffer, on the thread that is to use it, or before the first datagram. Were it made on a thread that has entered a
    /// namespace to open the socket, the C library would clear all of it, page by page: such a thread's heap is not known to be
    /// clean.
    #[inline]
    pub(super) fn make_buffer(&mut self) {
        if self.buf.is_empty() {
            self.buf = vec![0; BUFFER].into_boxed_slice();
        }
    }

    /// `None`: a signal interrupted, or the datagram is not the kernel's. A connected socket gets no others; the check is cheap.
    fn receive_once(&mut self) -> Result<Option<usize>> {
        const FLAGS: MsgFlags = MsgFlags::MSG_DONTWAIT.union(MsgFlags::MSG_TRUNC);
        self.make_buffer();
        #[cfg(test)]
        if let Descriptor::Scripted(script) = &self.fd {
            return script.receive(&mut self.buf);
        }
        let mut buffers = [IoSliceMut::new(&mut self.buf)];
        let received = recvmsg::<NetlinkAddr>(self.number, &mut buffers, None, FLAGS);
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
    pub(super) fn read(&self, place: Range<usize>) -> &[u8] {
        self.buf.get(place).unwrap_or_default()
    }

    /// Sends a request for one item, and finds where that stands in the buffer.
    pub(super) fn send_and_find(&mut self, request: &[u8], seq: u32) -> Result<Range<usize>> {
        self.send(request)?;
        let found = self.find(request, seq);
        self.recover(found)
    }

    fn find(&mut self, request: &[u8], seq: u32) -> Result<Range<usize>> {
        let mut wait = Wait::default();
        loop {
            let len = self.receive(&mut wait)?;
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
}
