//! A passthru child that has a parent to itself: it proves that nobody else is there, and keeps everybody else away.
//!
//! The kernel makes a passthru child only where there is no macvlan, macvtap or ipvlan, in whatever namespace, and while it
//! stands it makes no other (`macvlan_common_newlink` in `drivers/net/macvlan.c`).
//!
//! ```text
//!   the parent's namespace      a namespace of the probe's own
//!   p0.50  ◄─────────────────── macvlan0, down
//! ```
//!
//! The probe lives in a namespace that ends with the process, so that one that is killed leaves none behind: it would keep
//! every container off the parent.

use crate::error::Result;
use crate::link::{MacvlanMode, NewLink};
use crate::netns::Netns;
use crate::socket::Socket;
use crate::value::IfIndex;

/// A probe in a namespace of its own.
#[derive(Debug)]
pub(crate) struct Probe {
    pub(crate) index: IfIndex,
    /// A socket in its namespace, which keeps that alive.
    pub(crate) socket: Socket,
}

/// A namespace for a probe.
#[derive(Debug)]
pub(crate) struct Home(Netns, Socket);

impl Home {
    /// A new one, which takes CAP_SYS_ADMIN.
    pub(crate) fn make() -> Result<Self> {
        let namespace = Netns::create()?;
        let socket = Socket::open_in(&namespace)?;
        Ok(Self(namespace, socket))
    }

    /// Makes a probe there, on `parent`.
    ///
    /// # Errors
    /// EINVAL and EBUSY if something stands on the parent.
    pub(crate) fn probe(self, host: &mut Socket, parent: IfIndex) -> Result<Probe> {
        let Self(namespace, socket) = self;
        let link = NewLink::macvlan(parent).mode(MacvlanMode::Passthru);
        Ok(Probe { index: host.create(&link.netns(&namespace))?, socket })
    }
}

impl Probe {
    /// Removes it, with what stands on it.
    pub(crate) fn delete(mut self) {
        let _ = self.socket.delete(self.index);
    }
}
