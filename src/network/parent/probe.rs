//! A passthru child that has a parent to itself: it proves that nobody else is there, and keeps everybody else away.
//!
//! The kernel makes a passthru child only where there is no macvlan, macvtap or ipvlan, in whatever namespace, and while it
//! stands it makes no other (`macvlan_common_newlink` in `drivers/net/macvlan.c`).
//!
//! ```text
//!   the parent's namespace      a namespace of the probe's own
//!   p0.50  ◄─────────────────── sl~03f91c77d2a0, down
//! ```
//!
//! The probe lives in a namespace that ends with the process, so that one that is killed leaves none behind: it would keep
//! every container off the parent. Where no namespace can be made (it takes CAP_SYS_ADMIN), the probe stands beside its
//! parent and is marked; one that is left there is removed by the next who would remove the parent.

use super::Owner;
use super::mark::temporary_name;
use crate::error::{ErrorKind, Result};
use crate::link::{LinkInfo, MacvlanMode, NewLink};
use crate::netns::Netns;
use crate::socket::Socket;
use crate::value::IfIndex;

#[derive(Debug)]
pub(super) struct Probe {
    pub(super) index: IfIndex,
    /// A socket in its own namespace, which keeps that alive; `None` if it stands beside its parent.
    home: Option<Socket>,
}

impl Probe {
    /// One that stands beside its parent.
    pub(super) const fn beside(index: IfIndex) -> Self {
        Self { index, home: None }
    }

    /// Makes one on `parent`. Where there is no driver of macvlans there is no macvlan, and no probe.
    pub(super) fn make(host: &mut Socket, owner: &Owner, parent: &LinkInfo) -> Result<Option<Self>> {
        let link = |name| NewLink::macvlan(parent.index).mode(MacvlanMode::Passthru).name(name);
        let made = match own_namespace() {
            Ok((namespace, home)) => {
                let made = host.create(&link(temporary_name()?).netns(&namespace));
                made.map(|index| Self { index, home: Some(home) })
            }
            Err(_) => match owner.make(host, parent.name, link) {
                Ok(index) => index.map(Self::beside).ok_or_else(|| ErrorKind::Unexpected.into()),
                Err(error) => Err(error),
            },
        };
        match made {
            Err(error) if error.is_not_supported() => Ok(None),
            made => made.map(Some),
        }
    }

    /// A socket in the namespace where it lives.
    pub(super) fn socket<'s>(&'s mut self, host: &'s mut Socket) -> &'s mut Socket {
        self.home.as_mut().unwrap_or(host)
    }

    /// Removes it, with what stands on it.
    pub(super) fn delete(mut self, host: &mut Socket) {
        let index = self.index;
        let _ = self.socket(host).delete(index);
    }
}

fn own_namespace() -> Result<(Netns, Socket)> {
    let namespace = Netns::create()?;
    let inside = Socket::open_in(&namespace)?;
    Ok((namespace, inside))
}
