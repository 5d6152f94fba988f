//! A parent, removed again only when it is surely ours and surely unused.

use super::mark::{Made, Mark};
use super::notice::Notice;
use super::probe::{Probe, outlive};
use super::stack::DEEPEST;
use super::tunnels::{carries_link, carries_tunnel};
use super::vlans::{carries_vlan, has_any_vlan, listens};
use super::{Error, Owner, Parent, Plan, Result, at, list, split};
use crate::addr::{AddressFlags, AddressInfo, ListAddresses};
use crate::error::ErrorKind;
use crate::link::{LinkInfo, ListLinks};
use crate::socket::{LinkEvents, Socket};
use crate::value::{IfIndex, IfName, Scope};
use nix::errno::Errno;
use std::cmp::Reverse;
use std::time::{Duration, Instant};

/// How long a link that is half-made may still be in the making.
const MAKING: Duration = Duration::from_secs(1);

/// What became of a parent that was to be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Removal {
    /// It is removed.
    Removed,
    /// It was not there.
    NotThere,
    /// It is kept: this owner did not make it, or it is no longer what was made.
    NotOurs,
    /// It is kept: another of the caller's parents is this one too, or stands on it.
    Shared,
    /// It is kept: something stands on it, perhaps in another namespace, or it is a port, or it was given addresses.
    InUse,
}

impl Parent {
    /// Removes it, if `owner` made it, it is still what was made, none of `others` is the same parent or stands on it, and
    /// nothing stands on it in any namespace. Call it when the last container has left.
    ///
    /// A killed maker may have left it without its name. Such a link is removed by the same rule, if nobody gives it the name
    /// within a second.
    ///
    /// What it stood on is removed by the same rule, if it was made as a parent: after eth0.10.20 also eth0.10, unless that has
    /// another use. This happens also if the parent itself is gone already.
    ///
    /// A passthru child shows that no macvlan or ipvlan stands on it: the kernel makes one only where there is none, in whatever
    /// namespace, and while it stands nobody can make another. The host's [access](Parent::give_host_access) to its containers
    /// counts as well, so take that back before.
    ///
    /// Tunnels of the host's namespace that send their packets by it are listed: VXLAN, IPIP, GRE and the like. A tunnel that was
    /// moved to another namespace is not seen, and the kernel deletes a VXLAN with its parent wherever it is.
    ///
    /// The kernel's listening for VLAN registration shows at once that no VLAN stands on it. On a kernel without that, and where
    /// something listens, each VLAN id is asked for, which takes about a tenth of a second. [`up`](Self::up) and
    /// [`attach`](Self::attach) see the removal, so a VLAN that they make meanwhile is not lost. A VLAN that another program makes
    /// meanwhile is.
    ///
    /// # Errors
    /// Why it is not known whether something stands on it, or why the kernel refused to remove it or what it stood on. Then that
    /// link is kept.
    pub fn remove(&self, host: &mut Socket, owner: &Owner, others: &[Self]) -> Result<Removal> {
        if others.iter().any(|other| other.is_on(self.name)) {
            return Ok(Removal::Shared);
        }
        let there = self.find_or_half_made(host, owner)?;
        if there.as_ref().is_some_and(|link| owner.mark_of(link).is_none()) {
            return Ok(Removal::NotOurs); // before its base is asked for
        }
        let below = self.below(host, there.as_ref())?;
        let removal = there.map_or(Ok(Removal::NotThere), |link| remove(host, owner, &link))?;
        if is_gone(removal) {
            remove_below(host, owner, below, others)?;
        }
        Ok(removal)
    }

    /// Removes it **with everything that stands on it, in whatever namespace**, if `owner` made it and it is still what was
    /// made. Containers lose whatever they have on it: links that they were given, and links that they stacked, moved or renamed.
    /// Use it for containers that cannot be trusted to have left the network, when no member is left that should keep its link.
    /// What it stood on is removed by the rule of [`remove`](Self::remove).
    ///
    /// # Errors
    /// The kernel refused. Then it is kept, with everything on it.
    pub fn remove_with_all_on_it(&self, host: &mut Socket, owner: &Owner) -> Result<Removal> {
        let there = self.find_or_half_made(host, owner)?;
        let below = self.below(host, there.as_ref())?;
        let removal = match there {
            None => Removal::NotThere,
            Some(link) => match owner.made(&link, base_of(host, &link)?.as_slice()) {
                Some(Made::Parent | Made::Unfinished) => delete(host, link.index)?,
                _ => Removal::NotOurs,
            },
        };
        if is_gone(removal) {
            remove_below(host, owner, below, &[])?;
        }
        Ok(removal)
    }

    /// The link; or one that was made as it and has no name yet, if nobody gives it the name soon: its maker was killed.
    fn find_or_half_made(&self, host: &mut Socket, owner: &Owner) -> Result<Option<LinkInfo>> {
        let since = Instant::now();
        let mut events = None;
        loop {
            let there = self.find(host)?;
            if there.is_some() {
                return Ok(there);
            }
            let half_made = match self.plan(host, owner) {
                Ok(Plan::Finish(index)) => at(host, index)?,
                Err(failed @ Error::Failed(_)) => return Err(failed),
                _ => None,
            };
            let left = MAKING.saturating_sub(since.elapsed());
            if half_made.is_none() || left.is_zero() {
                return Ok(half_made);
            }
            LinkEvents::open_or_wait(&mut events, host, left)?;
        }
    }

    /// The name of the link that it stands on, or would stand on.
    fn below(&self, host: &mut Socket, there: Option<&LinkInfo>) -> Result<Option<IfName>> {
        let base = there.map(|link| base_of(host, link)).transpose()?.flatten();
        Ok(base.map(|base| base.name).or(self.base_name()))
    }
}

const fn is_gone(removal: Removal) -> bool {
    matches!(removal, Removal::Removed | Removal::NotThere)
}

/// Removes what was made below a parent that is gone, as far down as it has no other use.
fn remove_below(host: &mut Socket, owner: &Owner, below: Option<IfName>, others: &[Parent]) -> Result<()> {
    let mut next = below;
    for _ in 0..=DEEPEST {
        let Some(name) = next.filter(|name| !others.iter().any(|other| other.is_on(*name))) else { break };
        next = match Parent::new(name).find_or_half_made(host, owner)? {
            None => split(&name).map(|(base, _)| base),
            Some(link) => {
                let base = base_of(host, &link)?.map(|base| base.name);
                let removal = remove(host, owner, &link)?;
                base.filter(|_| is_gone(removal))
            }
        };
    }
    Ok(())
}

/// Removes a link that was made by a call that then failed. It is kept if somebody else stands on it by now.
pub(super) fn undo(host: &mut Socket, owner: &Owner, index: IfIndex) {
    if let Ok(Some(link)) = at(host, index) {
        let _ = remove(host, owner, &link);
    }
}

/// Removes what `owner` made as a parent that is none of `wanted` and that none of them stands on, or left half-made, each by
/// the rule of [`Parent::remove`]. Also removes the host's [access](Parent::give_host_access) to parents that are not `wanted`.
/// It is for a start after a crash or a reboot: nobody else may work for the same owner meanwhile.
///
/// Returns the name of each link, and what became of it. A half-made link is named by the parent that it was to become, or that
/// it was to keep others off.
pub fn remove_orphans(host: &mut Socket, owner: &Owner, wanted: &[Parent]) -> Result<Vec<(IfName, Result<Removal>)>> {
    let is_wanted = |name| wanted.iter().any(|parent| parent.is_on(name));
    sweep(host, owner, wanted, |_, parent| is_wanted(parent))
}

/// The same, where `is_wanted` says by name and parent which access of the host's is kept.
pub(in crate::network) fn sweep(
    host: &mut Socket,
    owner: &Owner,
    wanted: &[Parent],
    is_wanted: impl Fn(IfName, IfName) -> bool,
) -> Result<Vec<(IfName, Result<Removal>)>> {
    let mut orphans = Vec::new();
    for kind in ["vlan", "dummy", "macvlan"] {
        for link in list(host, &ListLinks::new().kind(kind))? {
            let is_kept = match owner.mark_of(&link) {
                None => true,
                Some(Mark::Access { name, parent }) => name == link.name && is_wanted(name, parent),
                Some(_) => wanted.iter().any(|parent| parent.is_on(link.name)),
            };
            if !is_kept && owner.made(&link, base_of(host, &link)?.as_slice()).is_some() {
                orphans.push(link);
            }
        }
    }
    orphans.sort_by_key(|link| Reverse(link.index.get())); // what stands on another is newer
    Ok(orphans.into_iter().map(|link| (owner.name_of(&link), discard(host, owner, &link))).collect())
}

fn discard(host: &mut Socket, owner: &Owner, link: &LinkInfo) -> Result<Removal> {
    match owner.made(link, base_of(host, link)?.as_slice()) {
        Some(Made::Probe | Made::Access) => delete(host, link.index),
        _ => remove(host, owner, link),
    }
}

/// The link that a link stands on, if that is in this namespace.
fn base_of(host: &mut Socket, link: &LinkInfo) -> Result<Option<LinkInfo>> {
    let Some(base) = link.parent_here() else { return Ok(None) };
    match host.link_at(base) {
        Ok(base) => Ok(Some(base.to_owned())),
        Err(error) if error.is_no_device() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn remove(host: &mut Socket, owner: &Owner, link: &LinkInfo) -> Result<Removal> {
    if !matches!(owner.made(link, base_of(host, link)?.as_slice()), Some(Made::Parent | Made::Unfinished)) {
        return Ok(Removal::NotOurs);
    }
    match is_used(host, link) {
        Ok(true) => {
            outlive(host, owner, link.index)?; // nobody is to be kept off it
            return Ok(Removal::InUse);
        }
        Err(error) if error.is_no_device() => return Ok(Removal::NotThere),
        found => found?,
    };
    let mut made = Probe::make(host, owner, link);
    if made.as_ref().is_err_and(is_refused) && outlive(host, owner, link.index)? {
        made = Probe::make(host, owner, link);
    }
    let mut probe = match made {
        Err(error) if is_refused(&error) => return Ok(Removal::InUse),
        Err(_) if !host.has_link(link.index).unwrap_or(true) => return Ok(Removal::NotThere), // somebody was quicker
        probe => probe?,
    };
    if probe.is_none() && carries_link(host, link.index)? {
        return Ok(Removal::InUse); // as far as this namespace shows
    }
    let removal = delete_without_vlans(host, link, probe.as_mut());
    match (&removal, probe) {
        (Ok(Removal::Removed | Removal::NotThere), _) | (_, None) => {} // it goes with its parent
        (_, Some(probe)) => probe.delete(host),
    }
    removal
}

/// Whether a link is a port, has an address, or carries a VLAN or a tunnel: what can be seen before a probe is made.
fn is_used(host: &mut Socket, link: &LinkInfo) -> crate::Result<bool> {
    let addresses = ListAddresses::new().index(link.index);
    if link.master.is_some() || host.finds(&addresses, |address| was_given(&address.to_owned()))? {
        return Ok(true);
    }
    if listens(host, link.index) == Some(true) && has_any_vlan(host, link.index)? {
        return Ok(true);
    }
    carries_tunnel(host, link.index)
}

/// Whether the kernel makes no probe because something stands on the link.
fn is_refused(error: &crate::Error) -> bool {
    error.is_busy() || error.raw_os_error() == Some(Errno::EINVAL as i32)
}

/// Deletes a link, unless a VLAN stands on it.
fn delete_without_vlans(host: &mut Socket, link: &LinkInfo, mut probe: Option<&mut Probe>) -> Result<Removal> {
    let notice = match Notice::put(host, link) {
        Err(error) if error.is_no_device() => return Ok(Removal::NotThere),
        notice => notice?,
    };
    let is_free = carries_vlan(host, link.index, probe.as_deref_mut())
        .and_then(|carries| Ok(!carries && (notice.is_late() || notice.stands(host)?)));
    let removal = match is_free {
        Ok(true) if notice.is_late() || !probe.is_none_or(|probe| probe.holds()) => {
            Err(crate::Error::from(ErrorKind::TimedOut).into())
        }
        Ok(true) => delete(host, link.index),
        Ok(false) => Ok(Removal::InUse),
        Err(error) if error.is_no_device() => Ok(Removal::NotThere),
        Err(error) => Err(error.into()),
    };
    if !removal.as_ref().is_ok_and(|removal| is_gone(*removal)) {
        notice.take_down(host);
    }
    removal
}

/// Whether somebody gave the link this address. The kernel's own IPv6 addresses are link-local, or learnt from a router and not
/// permanent.
fn was_given(address: &AddressInfo) -> bool {
    let is_v4 = address.addr.is_some_and(|addr| addr.is_ipv4());
    let is_permanent = address.flags.is_some_and(|flags| flags.contains(AddressFlags::PERMANENT));
    is_v4 || (is_permanent && address.scope != Scope::LINK)
}

pub(super) fn delete(host: &mut Socket, index: IfIndex) -> Result<Removal> {
    match host.delete(index) {
        Ok(()) => Ok(Removal::Removed),
        Err(error) if error.is_no_device() => Ok(Removal::NotThere),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::{dummy, index, marked, named, owner, vlan};
    use super::*;
    use crate::addr::{AddressInfo, NewAddress};
    use crate::socket::script::Script;
    use crate::wire::Messages;

    fn address(request: NewAddress) -> AddressInfo {
        let bytes = crate::wire::encoded(&request);
        crate::addr::AddressView::of(Messages::new(&bytes).next().unwrap().unwrap()).unwrap().to_owned()
    }

    /// What this leads to, with a kernel that answers nothing: nobody asks it.
    #[test]
    fn what_is_not_ours_is_kept() {
        let mut nobody = Socket::scripted(Script::of(Vec::new()));
        let changed = marked("eth0.50", named("eth0.50", LinkInfo { parent: None, ..vlan(7, 2, 50) }));
        for link in [named("dm-1", dummy(7)), marked("dm-2", named("dm-1", dummy(7))), changed] {
            assert_eq!(remove(&mut nobody, &owner(), &link).unwrap(), Removal::NotOurs, "{link:?}");
        }
        let ours = marked("dm-1", named("sl~1", dummy(7)));
        assert!(remove(&mut nobody, &owner(), &ours).is_err(), "it is not known whether it is used");
    }

    #[test]
    fn what_was_given_an_address_is_kept() {
        let given = |addr: &str| NewAddress::new(index(7), addr.parse().unwrap());
        let flagged = |addr: &str, permanent| {
            let flags = if permanent { [0x80, 0, 0, 0] } else { [0; 4] };
            AddressInfo { flags: crate::wire::Get::get(&flags), ..address(given(addr)) }
        };
        let rows = [
            (flagged("10.0.0.1/24", true), true),
            (flagged("10.0.0.1/24", false), true), // by DHCP
            (flagged("fd50::1/64", true), true),
            (flagged("fd50::1/64", false), false), // from a router
            (AddressInfo { scope: Scope::LINK, ..flagged("fe80::1/64", true) }, false),
        ];
        for (address, expected) in rows {
            assert_eq!(was_given(&address), expected, "{address:?}");
        }
    }
}
