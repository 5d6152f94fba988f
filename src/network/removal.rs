//! The parent of a network, removed again only when it is surely ours and surely unused; and all of them after a restart.

use super::mark::Made;
use super::{Network, Owner};
use crate::addr::{AddressFlags, AddressInfo, ListAddresses};
use crate::batch::{Batch, Outcome};
use crate::error::Result;
use crate::link::{LinkInfo, ListLinks, MacvlanMode, NewLink, VlanFlags, VlanId, VlanProtocol};
use crate::socket::Socket;
use crate::value::{IfIndex, IfName, Scope};
use nix::errno::Errno;
use std::cmp::Reverse;

/// The largest id of a VLAN.
const LAST_ID: u16 = 4094;

/// What became of a network's parent when the network was removed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Removal {
    /// It is removed.
    Removed,
    /// It was not there.
    NotThere,
    /// It is kept: it was not made for one of this owner's networks, or is no longer what was made.
    NotOurs,
    /// It is kept: it is the parent of this network as well.
    Shared(Box<str>),
    /// It is kept: something stands on it, perhaps in another namespace, or it is a port, or it was given addresses.
    InUse,
}

/// How things stand after a restart.
#[derive(Debug)]
pub struct Restored {
    /// Each network's parent, in the order of the networks, or why it has none. Config-only networks are left out.
    pub parents: Vec<(Box<str>, Result<IfIndex>)>,
    /// Links that were made for networks which are no more, or were left half-made, and what became of them.
    pub orphans: Vec<(IfName, Result<Removal>)>,
}

impl Network {
    /// Removes the parent, if it was made for one of `owner`'s networks, is still what was made, no network of `others` has
    /// it, and nothing stands on it in any namespace. Call it when the network has no containers left.
    ///
    /// That no macvlan or ipvlan stands on it is seen by a passthru child: one can be made only where there is none, in
    /// whatever namespace, and while it stands nobody can make another. VLANs are asked for id by id, which takes about a
    /// tenth of a second; one may be made behind that.
    pub fn remove_parent(&self, host: &mut Socket, owner: &Owner, others: &[Self]) -> Result<Removal> {
        let name = self.parent_name();
        if self.config_only {
            return Ok(Removal::NotThere);
        }
        if let Some(other) = others.iter().find(|other| other.name != self.name && other.is_on(name)) {
            return Ok(Removal::Shared(other.name.clone()));
        }
        let links = host.snapshot(&ListLinks::new())?;
        match links.iter().find(|link| link.name == name) {
            Some(link) => remove(host, owner, &self.name, link, &links),
            None => Ok(Removal::NotThere),
        }
    }
}

/// After a restart or a reboot: removes what was made for networks that are no more, or was left half-made, and makes the
/// parents of `networks` that are gone.
///
/// Nobody else may work for the same owner meanwhile.
pub fn restore_networks(host: &mut Socket, owner: &Owner, networks: &[Network]) -> Result<Restored> {
    let links = host.snapshot(&ListLinks::new())?;
    let is_wanted = |link: &LinkInfo| networks.iter().any(|network| network.is_on(link.name));
    let is_left_over = |link: &&LinkInfo| owner.made(link, &links).is_some() && !is_wanted(link);
    let mut left_over: Vec<_> = links.iter().filter(is_left_over).collect();
    left_over.sort_by_key(|link| Reverse(link.index.get())); // what stands on another is newer
    let orphans = left_over.into_iter().map(|link| (link.name, discard(host, owner, link))).collect();
    let real = networks.iter().filter(|network| !network.config_only);
    let parents = real.map(|network| (network.name.clone(), network.up(host, owner))).collect();
    Ok(Restored { parents, orphans })
}

fn discard(host: &mut Socket, owner: &Owner, link: &LinkInfo) -> Result<Removal> {
    let links = host.snapshot(&ListLinks::new())?;
    match owner.made(link, &links) {
        Some(Made::Probe) => delete(host, link.index),
        _ => remove(host, owner, "", link, &links),
    }
}

fn remove(host: &mut Socket, owner: &Owner, network: &str, link: &LinkInfo, links: &[LinkInfo]) -> Result<Removal> {
    let addresses = host.snapshot(&ListAddresses::new().index(link.index))?;
    let stale = links.iter().find(|child| is_probe_on(owner, link, child, links)).map(|probe| probe.index);
    if let Some(kept) = is_kept(owner, link, links, &addresses) {
        let _ = stale.map(|probe| host.delete(probe));
        return Ok(kept);
    }
    let probe = if stale.is_some() { Ok(stale) } else { probe(host, owner, network, link.index) };
    let probe = match probe {
        Err(error) if error.is_busy() || error.raw_os_error() == Some(Errno::EINVAL as i32) => {
            return Ok(Removal::InUse);
        }
        Err(error) if error.is_no_device() => return Ok(Removal::NotThere),
        probe => probe?,
    };
    let removal = match carries_vlan(host, link) {
        Ok(false) => delete(host, link.index),
        Ok(true) => Ok(Removal::InUse),
        Err(error) => Err(error),
    };
    if !matches!(removal, Ok(Removal::Removed | Removal::NotThere)) {
        let _ = probe.map(|probe| host.delete(probe));
    }
    removal
}

/// Why a link is to be kept, as far as that can be seen in its own namespace.
fn is_kept(owner: &Owner, link: &LinkInfo, links: &[LinkInfo], addresses: &[AddressInfo]) -> Option<Removal> {
    if !matches!(owner.made(link, links), Some(Made::Parent | Made::Unfinished)) {
        return Some(Removal::NotOurs);
    }
    let is_used = link.master.is_some()
        || links.iter().any(|child| stands_on(link, child) && !is_probe_on(owner, link, child, links))
        || addresses.iter().any(was_given);
    is_used.then_some(Removal::InUse)
}

/// Whether somebody gave an address. The kernel's own IPv6 ones are of the link only, or learnt from a router and not
/// permanent.
fn was_given(address: &AddressInfo) -> bool {
    let is_v4 = address.addr.is_some_and(|addr| addr.is_ipv4());
    let is_permanent = address.flags.is_some_and(|flags| flags.contains(AddressFlags::PERMANENT));
    is_v4 || (is_permanent && address.scope != Scope::LINK)
}

/// Whether `child` is a probe on `link`: one that was left when who removed the link ended in between. It proves as much as
/// a new one.
fn is_probe_on(owner: &Owner, link: &LinkInfo, child: &LinkInfo, links: &[LinkInfo]) -> bool {
    stands_on(link, child) && owner.made(child, links) == Some(Made::Probe)
}

fn stands_on(link: &LinkInfo, child: &LinkInfo) -> bool {
    child.parent == Some(link.index) && child.parent_netnsid.is_none()
}

/// Makes a passthru child, which goes with its parent. Where there is no driver of macvlans there is no macvlan.
fn probe(host: &mut Socket, owner: &Owner, network: &str, parent: IfIndex) -> Result<Option<IfIndex>> {
    let probe = |name| NewLink::macvlan(parent).mode(MacvlanMode::Passthru).name(name);
    match owner.make(host, network, probe) {
        Err(error) if error.is_not_supported() => Ok(None),
        made => made.map(Some),
    }
}

/// Whether a VLAN stands on a link, in whatever namespace. One of each id is asked for, with a flag that there is not: that is
/// refused, but first it is said if there is one (`vlan_newlink` in `net/8021q/vlan_netlink.c`).
fn carries_vlan(host: &mut Socket, link: &LinkInfo) -> Result<bool> {
    let vlan = |id, protocol| NewLink::vlan(link.index, id).protocol(protocol).flags(VlanFlags::IMPOSSIBLE);
    let first = host.apply(&vlan(VlanId::new(0)?, VlanProtocol::Ieee8021Q));
    if first.is_err_and(|error| error.is_not_supported()) {
        return Ok(false); // there is no driver, which the kernel looks for each time
    }
    for protocol in [VlanProtocol::Ieee8021Q, VlanProtocol::Ieee8021Ad] {
        let mut batch = Batch::new();
        for id in 0..=LAST_ID {
            batch.push(&vlan(VlanId::new(id)?, protocol))?;
        }
        match host.run(&mut batch) {
            Err(error) if error.step().is_none() => return Err(error),
            _ => {}
        }
        let is_there =
            |outcome: &Outcome| matches!(outcome, Outcome::Failed(error) if error.errno == Errno::EEXIST as i32);
        if batch.outcomes().iter().any(is_there) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn delete(host: &mut Socket, index: IfIndex) -> Result<Removal> {
    match host.delete(index) {
        Ok(()) => Ok(Removal::Removed),
        Err(error) if error.is_no_device() => Ok(Removal::NotThere),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{child, dummy, index, link, marked, named, owner, vlan};
    use super::*;
    use crate::addr::NewAddress;
    use crate::wire::Messages;

    fn ours() -> LinkInfo {
        marked("net", named("eth0.50", vlan(7, 2, 50)))
    }

    fn kept(parent: &LinkInfo, others: &[LinkInfo], addresses: &[AddressInfo]) -> Option<Removal> {
        let links: Vec<_> = [named("eth0", dummy(2)), parent.clone()].iter().chain(others).cloned().collect();
        is_kept(&owner(), parent, &links, addresses)
    }

    fn address(request: NewAddress) -> AddressInfo {
        let bytes = crate::wire::encoded(&request);
        crate::addr::AddressView::of(Messages::new(&bytes).next().unwrap().unwrap()).unwrap().to_owned()
    }

    #[test]
    fn what_is_not_ours_is_kept() {
        assert_eq!(kept(&ours(), &[], &[]), None);
        assert_eq!(kept(&named("eth0.50", vlan(7, 2, 50)), &[], &[]), Some(Removal::NotOurs));
        assert_eq!(kept(&marked("net", named("eth0.50", vlan(7, 2, 51))), &[], &[]), Some(Removal::NotOurs));
        assert_eq!(kept(&marked("net", named("sl~1", dummy(7))), &[], &[]), None);
    }

    #[test]
    fn what_something_stands_on_is_kept() {
        let probe = |mark: fn(LinkInfo) -> LinkInfo| mark(named("sl~1", child(9, 7, MacvlanMode::Passthru)));
        let rows = [
            (child(9, 7, MacvlanMode::Bridge), Some(Removal::InUse)),
            (vlan(9, 7, 1), Some(Removal::InUse)),
            (link(9, &NewLink::ipvlan(index(7))), Some(Removal::InUse)),
            (child(9, 2, MacvlanMode::Bridge), None),
            (LinkInfo { parent_netnsid: Some(0), ..vlan(9, 7, 1) }, None), // on a link 7 of elsewhere
            (probe(|probe| marked("net", probe)), None),
            (probe(|probe| probe), Some(Removal::InUse)),
        ];
        for (child, expected) in rows {
            assert_eq!(kept(&ours(), std::slice::from_ref(&child), &[]), expected, "{child:?}");
        }
        let port = LinkInfo { master: Some(index(3)), ..ours() };
        assert_eq!(kept(&port, &[], &[]), Some(Removal::InUse));
    }

    #[test]
    fn what_was_given_an_address_is_kept() {
        let given = |addr: &str| NewAddress::new(index(7), addr.parse().unwrap());
        let flagged = |addr: &str, permanent| {
            let flags = if permanent { [0x80, 0, 0, 0] } else { [0; 4] };
            AddressInfo { flags: crate::wire::Get::get(&flags), ..address(given(addr)) }
        };
        let rows = [
            (flagged("10.0.0.1/24", true), Some(Removal::InUse)),
            (flagged("10.0.0.1/24", false), Some(Removal::InUse)), // by DHCP
            (flagged("fd50::1/64", true), Some(Removal::InUse)),
            (flagged("fd50::1/64", false), None), // from a router
            (AddressInfo { scope: Scope::LINK, ..flagged("fe80::1/64", true) }, None),
        ];
        for (address, expected) in rows {
            assert_eq!(kept(&ours(), &[], std::slice::from_ref(&address)), expected, "{address:?}");
        }
    }
}
