//! Bytes in and out: a descriptor and the buffer it receives into.

use crate::error::{Error, ErrorKind, KernelError, Result};
use crate::reply::Reply;
use crate::wire::Messages;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::socket::sockopt::ReceiveTimeout;
use nix::sys::socket::{MsgFlags, NetlinkAddr, connect, recvmsg, send, setsockopt};
use nix::sys::time::{TimeVal, TimeValLike};
use std::io::IoSliceMut;
use std::ops::Range;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

/// The receive buffer: four times the largest datagram that a dump has. A single link's can be longer than 64 KiB, for a list
/// of senders can fill an attribute of that length, and alternative names another.
const BUFFER: usize = 128 * 1024;

/// A descriptor and the buffer it receives into.
#[derive(Debug)]
pub(super) struct Channel {
    pub(super) fd: OwnedFd,
    buf: Box<[u8]>,
    limit: Duration,
}

impl Channel {
    /// Connects `fd` to the kernel, so that it gets nobody else's datagrams.
    pub(super) fn new(fd: OwnedFd) -> Result<Self> {
        connect(fd.as_raw_fd(), &NetlinkAddr::new(0, 0)).map_err(|error| Error::io("connect to the kernel", error))?;
        let channel = Self { fd, buf: vec![0; BUFFER].into_boxed_slice(), limit: Duration::ZERO };
        channel.block()?;
        Ok(channel)
    }

    /// A descriptor that somebody else opened may be non-blocking.
    fn block(&self) -> Result<()> {
        let failed = |error| Error::io("fcntl of the netlink socket", error);
        let flags = OFlag::from_bits_retain(fcntl(&self.fd, FcntlArg::F_GETFL).map_err(failed)?);
        if flags.contains(OFlag::O_NONBLOCK) {
            fcntl(&self.fd, FcntlArg::F_SETFL(flags & !OFlag::O_NONBLOCK)).map_err(failed)?;
        }
        Ok(())
    }

    pub(super) fn set_limit(&mut self, limit: Duration) -> Result<()> {
        const LONGEST: Duration = Duration::from_secs(0x7fff_ffff); // what 32-bit machines can say
        let micros = i64::try_from(limit.min(LONGEST).as_micros()).unwrap_or(i64::MAX).max(1); // 0 would mean for ever
        setsockopt(&self.fd, ReceiveTimeout, &TimeVal::microseconds(micros))
            .map_err(|error| Error::io("set the time limit", error))?;
        self.limit = limit;
        Ok(())
    }

    pub(super) fn send(&self, bytes: &[u8]) -> Result<()> {
        loop {
            match send(self.fd.as_raw_fd(), bytes, MsgFlags::empty()) {
                Ok(_) => return Ok(()), // a datagram goes whole or not at all
                Err(Errno::EINTR) => {}
                Err(error) => return Err(Error::io("send to the kernel", error)),
            }
        }
    }

    /// Receives the next datagram of the kernel's, and returns its length. Past the limit only what is there already, so that
    /// what nobody asked for (events of a group, stale answers) cannot prolong the wait.
    pub(super) fn receive(&mut self, since: Instant) -> Result<usize> {
        loop {
            let is_late = since.elapsed() > self.limit;
            let flags = if is_late { MsgFlags::MSG_DONTWAIT } else { MsgFlags::empty() };
            if let Some(len) = self.receive_once(flags)? {
                return Ok(len);
            }
            if is_late {
                return Err(ErrorKind::TimedOut.into());
            }
        }
    }

    /// Receives what is there, without waiting.
    pub(super) fn receive_now(&mut self) -> Result<usize> {
        loop {
            if let Some(len) = self.receive_once(MsgFlags::MSG_DONTWAIT)? {
                return Ok(len);
            }
        }
    }

    /// After an overrun: takes everything out of the queue, because the kernel drops what comes next, without a word, until the
    /// queue has once been empty.
    pub(super) fn recover<T>(&mut self, result: Result<T>) -> Result<T> {
        let is_overrun = |error: &Error| matches!(error.kind(), ErrorKind::Overrun);
        if result.as_ref().is_err_and(is_overrun) {
            let since = Instant::now();
            while since.elapsed() <= self.limit {
                match self.receive_now() {
                    Err(error) if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::Io { .. }) => break,
                    _ => {}
                }
            }
        }
        result
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
}
