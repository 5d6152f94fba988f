//! A scripted peer in the place of the kernel: it answers what a kernel cannot be made to answer.
//!
//! ```text
//!   Socket ─ Channel ──send──► Script ──► Kernel, a model: what is done, and what it answers
//!                ▲                            │ datagrams
//!                └──receive── queue ◄── what becomes of them: lost, late, doubled, cut …
//! ```
//!
//! Nothing here waits for anybody: what is to come is in the queue when the send returns, or comes with a later send.

mod kernel;
mod random;
mod scenes;

pub(crate) use kernel::{Kernel, ack, end};
pub(crate) use scenes::{FATES, Fate, Shared, socket};

use super::Socket;
use super::channel::Channel;
use crate::error::{Error, ErrorKind, Result};
use nix::errno::Errno;
use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Mutex, PoisonError};

/// What a receive finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A datagram of the kernel's.
    Datagram(Vec<u8>),
    /// One of somebody else's.
    Forged(Vec<u8>),
    /// One of the kernel's that comes again and again, until something is sent.
    Endless(Vec<u8>),
    /// ENOBUFS: something was lost.
    Overrun,
    /// A datagram above the buffer.
    TooLong,
}

/// What a send leads to: the events that are in the queue then, or why it failed.
type Answer = dyn FnMut(&[u8]) -> std::result::Result<Vec<Event>, Errno> + Send;

pub(crate) struct Script {
    answer: Mutex<Box<Answer>>,
    queue: Mutex<VecDeque<Event>>,
    /// A descriptor that is always ready, and never read.
    file: File,
}

impl Script {
    pub(crate) fn new(answer: impl FnMut(&[u8]) -> std::result::Result<Vec<Event>, Errno> + Send + 'static) -> Self {
        let file = File::open("/dev/null").unwrap();
        Self { answer: Mutex::new(Box::new(answer)), queue: Mutex::default(), file }
    }

    /// One that answers nothing, and in whose queue these are.
    pub(crate) fn of(events: Vec<Event>) -> Self {
        Self { queue: Mutex::new(events.into()), ..Self::new(|_| Ok(Vec::new())) }
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    pub(super) fn send(&self, bytes: &[u8]) -> Result<()> {
        let events = (self.answer.lock().unwrap_or_else(PoisonError::into_inner))(bytes);
        let events = events.map_err(|errno| Error::io("send to the kernel", errno).not_sent())?;
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.retain(|event| !matches!(event, Event::Endless(_)));
        queue.extend(events);
        Ok(())
    }

    /// As a receive does: `None` for what is not the kernel's.
    pub(super) fn receive(&self, buf: &mut [u8]) -> Result<Option<usize>> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let event = queue.pop_front().ok_or(ErrorKind::TimedOut)?;
        match &event {
            Event::Forged(_) => return Ok(None),
            Event::Overrun => return Err(ErrorKind::Overrun.into()),
            Event::TooLong => return Err(ErrorKind::Truncated(1 << 20).into()),
            Event::Datagram(_) | Event::Endless(_) => {}
        }
        let (Event::Datagram(bytes) | Event::Endless(bytes)) = &event else { return Ok(None) };
        buf.get_mut(..bytes.len()).unwrap().copy_from_slice(bytes);
        let len = bytes.len();
        if matches!(event, Event::Endless(_)) {
            queue.push_front(event);
        }
        Ok(Some(len))
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Script").field(&self.queue).finish()
    }
}

impl Socket {
    /// A socket whose peer is a script. Only what comes without end is waited for.
    pub(crate) fn scripted(script: Script) -> Self {
        Self::of(Channel::scripted(script)).unwrap()
    }
}
