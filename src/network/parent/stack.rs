//! What a parent stands on: whether all of it is up, and bringing it up.
//!
//! A VLAN comes up and goes down with its base. Since Linux 7.2 a worker of the kernel's sees to that, a moment later
//! (`vlan_dev_work` in `net/8021q/vlan_dev.c`); until then a VLAN on it cannot come up either (ENETDOWN). A request that brings
//! a VLAN up itself is done at once, on every kernel.

use super::mark::vlan_of;
use super::{Result, at, is_up};
use crate::link::{KindInfo, LinkChange, LinkFlags, LinkInfo, VlanFlags};
use crate::socket::{LinkEvents, Socket};
use crate::value::{IfIndex, IfName};
use std::time::{Duration, Instant};

/// How long a VLAN has to follow its base.
const LIMIT: Duration = Duration::from_secs(3);

/// The link that a link stands on, if that is in this namespace. A veth stands on nothing: its parent is its other end.
fn below(host: &mut Socket, link: &LinkInfo) -> Result<Option<LinkInfo>> {
    let stands =
        matches!(link.kind, KindInfo::Vlan(_) | KindInfo::Macvlan(_) | KindInfo::Macvtap(_) | KindInfo::Ipvlan(_));
    let lower = link.parent.filter(|_| stands && link.parent_netnsid.is_none());
    lower.map_or(Ok(None), |lower| at(host, lower))
}

/// The lowest link that is down, of this one and those that it stands on.
pub(super) fn lowest_down(host: &mut Socket, link: &LinkInfo) -> Result<Option<IfName>> {
    if link.flags.contains(LinkFlags::UP.with(LinkFlags::LOWER_UP)) {
        return Ok(None);
    }
    let mut down = None;
    let mut next = Some(link.clone());
    while let Some(link) = next {
        down = if is_up(&link) { down } else { Some(link.name) };
        next = below(host, &link)?;
    }
    Ok(down)
}

/// Brings up what a link stands on, and then the link.
pub(super) fn bring_up(host: &mut Socket, index: IfIndex) -> Result<()> {
    let mut stack = Vec::new();
    let mut next = at(host, index)?;
    while let Some(link) = next {
        next = below(host, &link)?;
        stack.push(link);
    }
    for link in stack.iter().rev().filter(|link| !is_up(link)) {
        host.change(&LinkChange::new(link.index).up())?;
    }
    Ok(())
}

/// Whether a link that is down comes up because what it stands on has come up. Waits for that, for at most three seconds.
pub(super) fn comes_up(host: &mut Socket, index: IfIndex) -> Result<bool> {
    let since = Instant::now();
    let mut events = None;
    loop {
        let Some(link) = at(host, index)? else { return Ok(false) };
        if is_up(&link) {
            return Ok(true);
        }
        let left = LIMIT.saturating_sub(since.elapsed());
        if left.is_zero() || !follows(host, &link)? {
            return Ok(false);
        }
        match &mut events {
            None => events = Some(LinkEvents::open_beside(host)?), // and look again
            Some(events) => events.wait(left)?,
        }
    }
}

/// Whether a link is a VLAN that comes up with its base, and the base is up or follows too.
fn follows(host: &mut Socket, link: &LinkInfo) -> Result<bool> {
    let is_loose = vlan_of(link).is_none_or(|vlan| vlan.flags.contains(VlanFlags::LOOSE_BINDING));
    match below(host, link)? {
        Some(base) if !is_loose => Ok(is_up(&base) || follows(host, &base)?),
        _ => Ok(false),
    }
}
