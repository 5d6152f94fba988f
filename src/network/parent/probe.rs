//! A passthru child that proves that nobody else stands on a parent: see [`crate::probe`].
//!
//! If no namespace can be made for it (that takes CAP_SYS_ADMIN), the probe stands beside its parent and is marked; older
//! versions always did so. A killed removal leaves such a probe. Whoever meets it next removes it, if it is surely stale: if it
//! has stood for longer than any removal lets its own stand.

use super::mark::{Made, Mark};
use super::{Owner, Result, list};
use crate::error::ErrorKind;
use crate::link::{LinkInfo, ListLinks, MacvlanMode, NewLink};
use crate::probe::{self, Home};
use crate::socket::{LinkEvents, Socket};
use crate::value::IfIndex;
use std::time::{Duration, Instant};

/// A removal does not rely on a probe beside its parent for longer: others may soon take it for stale.
const HOLDS: Duration = Duration::from_secs(1);

/// A probe beside its parent that has stood for longer is stale.
const STALE: Duration = Duration::from_secs(3);

#[derive(Debug)]
pub(super) struct Probe {
    pub(super) index: IfIndex,
    since: Instant,
    /// The same in a namespace of its own; `None` if it stands beside its parent.
    apart: Option<probe::Probe>,
}

impl Probe {
    /// Makes one on `parent`. Where there is no driver of macvlans there is no macvlan, and no probe.
    pub(super) fn make(host: &mut Socket, owner: &Owner, parent: &LinkInfo) -> crate::Result<Option<Self>> {
        let since = Instant::now();
        let link = |name| NewLink::macvlan(parent.index).mode(MacvlanMode::Passthru).name(name);
        let made = match Home::make() {
            Ok(home) => {
                let made = home.probe(host, parent.index);
                made.map(|apart| Self { index: apart.index, since, apart: Some(apart) })
            }
            Err(_) => match owner.make(host, Mark::Named(parent.name), link) {
                Ok(Some(index)) => Ok(Self { index, since, apart: None }),
                Ok(None) => Err(ErrorKind::Unexpected.into()), // somebody has removed it
                Err(error) => Err(error),
            },
        };
        match made {
            Err(error) if error.is_not_supported() => Ok(None),
            made => made.map(Some),
        }
    }

    /// Whether it surely stands, and keeps everybody off its parent.
    pub(super) fn holds(&self) -> bool {
        self.apart.is_some() || self.since.elapsed() < HOLDS
    }

    /// A socket in the namespace where it lives.
    pub(super) fn socket<'s>(&'s mut self, host: &'s mut Socket) -> &'s mut Socket {
        self.apart.as_mut().map_or(host, |apart| &mut apart.socket)
    }

    /// Removes it, with what stands on it.
    pub(super) fn delete(mut self, host: &mut Socket) {
        let index = self.index;
        let _ = self.socket(host).delete(index);
    }
}

/// Waits for the end of a probe that stands beside the link `parent`, and removes it if it is stale. Returns whether there
/// was one.
pub(super) fn outlive(host: &mut Socket, owner: &Owner, parent: IfIndex) -> Result<bool> {
    let children = list(host, &ListLinks::new().kind("macvlan").parent(parent))?;
    let Some(probe) = children.iter().find(|child| owner.made(child, &[]) == Some(Made::Probe)) else {
        return Ok(false);
    };
    let (since, mut events) = (Instant::now(), None);
    while host.has_link(probe.index)? {
        let left = STALE.saturating_sub(since.elapsed());
        if left.is_zero() {
            let _ = host.delete(probe.index);
            break;
        }
        LinkEvents::open_or_wait(&mut events, host, left)?;
    }
    Ok(true)
}
