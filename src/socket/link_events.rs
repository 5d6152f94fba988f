//! Waiting for something to happen to a link: by the kernel's events, on a socket of their own.

use super::Socket;
use super::channel::{Channel, Wait};
use super::watch::LINKS;
use crate::error::{ErrorKind, Result};
use crate::netns::run_in;
use std::os::fd::AsFd;
use std::time::Duration;

/// The longest wait for one event. If it is not known in which namespace the socket lives, no event may come.
const PAUSE: Duration = Duration::from_millis(100);

/// Events about the links of a namespace.
#[derive(Debug)]
pub(crate) struct LinkEvents(Channel);

impl LinkEvents {
    /// Those of the namespace in which `socket` lives.
    pub(crate) fn open_beside(socket: &Socket) -> Result<Self> {
        let open = || Channel::open(&[LINKS]).map(Self);
        match socket.home() {
            Some(home) => run_in(home.as_fd(), open)?,
            None => open(),
        }
    }

    /// Opens them, or waits for the next event if they are open. In both cases the caller has to look again.
    pub(crate) fn open_or_wait(events: &mut Option<Self>, beside: &Socket, limit: Duration) -> Result<()> {
        match events {
            None => *events = Some(Self::open_beside(beside)?),
            Some(events) => events.wait(limit)?,
        }
        Ok(())
    }

    /// Waits for the next event, at most for `limit`. The caller has to look again in any case, with an event or without.
    pub(crate) fn wait(&mut self, limit: Duration) -> Result<()> {
        self.0.set_limit(limit.min(PAUSE));
        match self.0.receive(&mut Wait::default()) {
            Err(error) if matches!(error.kind(), ErrorKind::Overrun) => self.0.drain(),
            Err(error) if !matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::Truncated(_)) => return Err(error),
            _ => {}
        }
        Ok(())
    }
}
