//! A notice on a link that is being removed, for others who put a VLAN on it meanwhile.
//!
//! A [probe](super::probe) keeps macvlans and ipvlans off a link. Nothing keeps VLANs off it. So both sides look again:
//!
//! ```text
//!   who removes a link                  who makes a VLAN on it
//!   puts the notice up                  makes the VLAN
//!   looks for VLANs                     looks for the notice
//!   none: deletes the link              none: the VLAN stays
//!   one: takes the notice down          one: waits until the link or the notice is gone
//! ```
//!
//! Whichever looks second sees the other. The notice is in the link's alias, before its mark.
//!
//! A removal that was killed leaves its notice. Whoever meets such a stale notice takes it down. A removal has a probe on its
//! link while its notice stands. So a notice is stale if another probe can be made, or if it has stood for longer than any
//! removal lets its own stand.

use super::at;
use super::mark::{has_notice, vlan_of, with_notice, without_notice};
use super::stack::DEEPEST;
use crate::error::ErrorKind;
use crate::link::{LinkChange, LinkInfo};
use crate::probe::Home;
use crate::socket::{LinkEvents, Socket};
use crate::value::{Alias, IfIndex};
use std::time::{Duration, Instant};

/// A removal does not rely on its notice for longer: others may soon take it for stale.
const HOLDS: Duration = Duration::from_secs(20);

/// A notice that has stood for longer is stale.
const STALE: Duration = Duration::from_secs(30);

/// How long one removal after the other is awaited.
const LIMIT: Duration = Duration::from_secs(120);

/// The time between two tries to make a probe, which shows whether a removal is under way.
const TRY: Duration = Duration::from_millis(200);

#[derive(Debug)]
pub(super) struct Notice {
    index: IfIndex,
    alias: Vec<u8>,
    since: Instant,
}

impl Notice {
    /// Puts one on a link.
    pub(super) fn put(host: &mut Socket, link: &LinkInfo) -> crate::Result<Self> {
        let (alias, since) = (with_notice(link.alias.as_deref().unwrap_or_default()), Instant::now());
        host.change(&LinkChange::new(link.index).alias(Alias::new(&alias)?))?;
        Ok(Self { index: link.index, alias, since })
    }

    /// Whether others may soon take it for stale.
    pub(super) fn is_late(&self) -> bool {
        self.since.elapsed() >= HOLDS
    }

    /// Whether it stands. It does not if somebody has finished the link meanwhile, and so is about to use it.
    pub(super) fn stands(&self, host: &mut Socket) -> crate::Result<bool> {
        Ok(host.link_at(self.index)?.to_owned().alias.as_deref() == Some(&*self.alias))
    }

    /// Takes it down, which is tried once more if that fails. Nobody else puts one up: the removal has a probe on the link.
    pub(super) fn take_down(self, host: &mut Socket) {
        let _ = take_down(host, self.index, &self.alias).or_else(|_| take_down(host, self.index, &self.alias));
    }
}

fn take_down(host: &mut Socket, index: IfIndex, alias: &[u8]) -> crate::Result<()> {
    host.change(&LinkChange::new(index).alias(Alias::new(&without_notice(alias))?))
}

/// Waits until neither the link nor any that it stands on has a notice. Returns whether all of them are there.
pub(super) fn until_firm(host: &mut Socket, index: IfIndex) -> crate::Result<bool> {
    let mut next = Some(index);
    for _ in 0..=DEEPEST {
        let Some(index) = next else { break };
        let Some(link) = outlive_notice(host, index)? else { return Ok(false) };
        next = link.parent_here().filter(|_| vlan_of(&link).is_some());
    }
    Ok(true)
}

/// Waits for the end of a notice, and takes it down if it is stale. Returns the link, unless it is gone.
fn outlive_notice(host: &mut Socket, index: IfIndex) -> crate::Result<Option<LinkInfo>> {
    let (mut since, mut tried) = (Instant::now(), Instant::now());
    let (begun, mut first, mut events) = (Instant::now(), None, None);
    loop {
        let Some(link) = at(host, index)?.filter(has_notice) else { return at(host, index) };
        if first != link.alias {
            (first, since, tried) = (link.alias, Instant::now(), Instant::now()); // another removal's
        } else if since.elapsed() > STALE {
            match take_down(host, index, first.as_deref().unwrap_or_default()) {
                Err(error) if error.is_no_device() => return Ok(None),
                taken => taken?,
            }
        } else if tried.elapsed() > TRY {
            take_down_if_alone(host, index);
            tried = Instant::now();
        }
        if begun.elapsed() > LIMIT {
            return Err(ErrorKind::TimedOut.into()); // one removal after the other
        }
        LinkEvents::open_or_wait(&mut events, host, TRY)?;
    }
}

/// Takes a notice down where no removal is under way.
fn take_down_if_alone(host: &mut Socket, index: IfIndex) {
    let Ok(probe) = Home::make().and_then(|home| home.probe(host, index)) else { return };
    if let Ok(Some(link)) = at(host, index) {
        let _ = take_down(host, index, link.alias.as_deref().unwrap_or_default());
    }
    probe.delete();
}
