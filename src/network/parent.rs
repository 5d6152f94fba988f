//! The parent of a network: found, made on demand, and removed again only when it is surely ours and surely unused.

use super::{InvalidNetwork, Network};
use crate::addr::{ListAddresses, Scope};
use crate::batch::Batch;
use crate::error::{Error, Result, Undo};
use crate::link::{Alias, Command, IfIndex, IfName, KindInfo, LinkChange, LinkFlags, LinkInfo, ListLinks};
use crate::link::{MacvlanMode, NewLink, VlanId, VlanProtocol, random};
use crate::socket::Socket;
use nix::errno::Errno;

/// Who marks links: the embedder's own word, the same after a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner(Box<str>);

impl Owner {
    /// Checks `owner`: 1 to 64 bytes, without colons and control characters.
    pub fn new(owner: &str) -> Result<Self, InvalidNetwork> {
        if owner.is_empty() || owner.len() > 64 || owner.contains(|c: char| c == ':' || c.is_control()) {
            return Err(InvalidNetwork::Owner);
        }
        Ok(Self(owner.into()))
    }

    /// The alias of a link that was made for `network`.
    fn mark(&self, network: &str) -> String {
        format!("sublink:{}:{network}", self.0)
    }

    /// Whether a link has this owner's mark, for whichever network: networks may share a parent, and the one that it was
    /// made for may be gone.
    fn marked(&self, link: &LinkInfo) -> bool {
        link.alias.as_deref().is_some_and(|alias| alias.starts_with(self.mark("").as_bytes()))
    }
}

/// What is to be done for a network to have its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParentPlan {
    /// Nothing: it is there.
    Use(IfIndex),
    /// Make a VLAN.
    Vlan {
        /// The link that it is to stand on.
        base: IfIndex,
        /// Its id.
        id: VlanId,
        /// Its name.
        name: IfName,
    },
    /// Make a dummy.
    Dummy {
        /// Its name.
        name: IfName,
    },
}

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
    /// It is kept: something stands on it, perhaps in another namespace, or it has addresses.
    InUse,
}

/// How the networks stand after a restart.
#[derive(Debug)]
pub struct Restored {
    /// Each network's parent, in the order of the networks, or why it has none. Config-only networks are left out.
    pub parents: Vec<(Box<str>, Result<IfIndex>)>,
    /// Links that were made for networks which are no more, and are removed now.
    pub removed: Vec<IfName>,
    /// Such links that are still in use, and kept.
    pub kept: Vec<IfName>,
}

impl Network {
    /// Says how it gets its parent, from the links there are.
    ///
    /// # Errors
    /// It cannot: see [`InvalidNetwork`].
    pub fn plan(&self, links: &[LinkInfo]) -> Result<ParentPlan, InvalidNetwork> {
        let name = self.parent_name();
        let find = |name: &[u8]| links.iter().find(|link| link.name.as_bytes() == name);
        if let Some(link) = find(name.as_bytes()) {
            let is_loopback = link.flags.contains(LinkFlags::LOOPBACK);
            return if is_loopback { Err(InvalidNetwork::Loopback) } else { Ok(ParentPlan::Use(link.index)) };
        }
        if self.parent.is_none() {
            return Ok(ParentPlan::Dummy { name });
        }
        let (base, id) = base_and_id(&name).ok_or(InvalidNetwork::NoParent(name))?;
        let invalid = || InvalidNetwork::VlanId { parent: name, id: id.into() };
        let number: i64 = id.parse().map_err(|_| invalid())?;
        let base = find(base.as_bytes()).ok_or_else(|| InvalidNetwork::NoBase { parent: name, base: base.into() })?;
        let id = u16::try_from(number).ok().filter(|id| *id > 0).and_then(|id| VlanId::new(id).ok());
        Ok(ParentPlan::Vlan { base: base.index, id: id.ok_or_else(invalid)?, name })
    }

    /// Brings the network up: makes its parent where it is not there (again), marked as `owner`'s, and returns its index.
    /// Doing it twice does no harm.
    ///
    /// # Errors
    /// It cannot have one ([`ErrorKind::Network`](crate::ErrorKind::Network)), or the kernel refused; then nothing is left.
    pub fn up(&self, host: &mut Socket, owner: &Owner) -> Result<IfIndex> {
        match self.try_up(host, owner) {
            Err(error) if error.is_already_there() => self.try_up(host, owner), // somebody else was quicker
            done => done,
        }
    }

    fn try_up(&self, host: &mut Socket, owner: &Owner) -> Result<IfIndex> {
        let links = host.snapshot(&ListLinks::new())?;
        match self.plan(&links)? {
            ParentPlan::Use(index) => {
                let is_ours = |link: &&LinkInfo| link.index == index && owner.marked(link);
                if links.iter().find(is_ours).is_some_and(|link| !link.flags.contains(LinkFlags::UP)) {
                    host.change(&LinkChange::new(index).up())?;
                }
                Ok(index)
            }
            ParentPlan::Vlan { base, id, name } => {
                self.make(host, owner, name, |temporary| NewLink::vlan(base, id).name(temporary))
            }
            ParentPlan::Dummy { name } => self.make(host, owner, name, |temporary| NewLink::dummy().name(temporary)),
        }
    }

    /// Makes a link under a random name, marks it in the same send by that name, and then gives it its own and brings it up.
    /// So a link of somebody else's is never marked, and one that was left half-made is known by its mark.
    fn make<L: Command>(
        &self,
        host: &mut Socket,
        owner: &Owner,
        name: IfName,
        link: impl FnOnce(IfName) -> L,
    ) -> Result<IfIndex> {
        let temporary = temporary_name();
        let mark = owner.mark(&self.name);
        let mut batch = Batch::new();
        batch.push(&link(temporary))?;
        batch.push(&LinkChange::named(temporary).alias(Alias::new(&mark)?))?;
        let made = host.run(&mut batch);
        let index = match (made, host.index_of(temporary)) {
            (Ok(()), Ok(index)) => index,
            (Ok(()), Err(error)) | (Err(error), Err(_)) => return Err(error),
            (Err(error), Ok(index)) => return Err(deleted(host, index, error)),
        };
        match host.change(&LinkChange::new(index).name(name).up()) {
            Ok(()) => Ok(index),
            Err(error) => Err(deleted(host, index, error)),
        }
    }

    /// Removes the parent, if it was made for one of `owner`'s networks, is still what was made, no network of `others` has
    /// it, and nothing stands on it in any namespace. Call it when the network has no containers left.
    ///
    /// A VLAN of a container's own on a parent that was made cannot be seen from here, unlike a macvlan.
    pub fn remove_parent(&self, host: &mut Socket, owner: &Owner, others: &[Self]) -> Result<Removal> {
        let name = self.parent_name();
        let shares = |other: &&Self| !other.config_only && other.name != self.name && other.parent_name() == name;
        if let Some(other) = others.iter().find(shares) {
            return Ok(Removal::Shared(other.name.clone()));
        }
        let links = host.snapshot(&ListLinks::new())?;
        match links.iter().find(|link| link.name == name) {
            Some(link) => remove_if_unused(host, owner, link, &links),
            None => Ok(Removal::NotThere),
        }
    }
}

/// After a restart or a reboot: makes the parents of `networks` that are gone, and removes what was made for networks that
/// are no more.
pub fn restore_networks(host: &mut Socket, owner: &Owner, networks: &[Network]) -> Result<Restored> {
    let (mut removed, mut kept) = (Vec::new(), Vec::new());
    let links = host.snapshot(&ListLinks::new())?;
    let is_named = |link: &LinkInfo| networks.iter().any(|net| !net.config_only && net.parent_name() == link.name);
    for link in links.iter().filter(|link| owner.marked(link) && !is_named(link)) {
        match remove_if_unused(host, owner, link, &links)? {
            Removal::Removed => removed.push(link.name),
            _ => kept.push(link.name),
        }
    }
    let real = networks.iter().filter(|network| !network.config_only);
    let parents = real.map(|network| (network.name.clone(), network.up(host, owner))).collect();
    Ok(Restored { parents, removed, kept })
}

fn remove_if_unused(host: &mut Socket, owner: &Owner, link: &LinkInfo, links: &[LinkInfo]) -> Result<Removal> {
    if !owner.marked(link) || !is_as_made(link, links) {
        return Ok(Removal::NotOurs);
    }
    let index = link.index;
    let stands_on_it = |child: &LinkInfo| child.parent == Some(index) && child.parent_netnsid.is_none();
    let has_children = links.iter().any(|other| stands_on_it(other) || other.master == Some(index));
    let addresses = host.snapshot(&ListAddresses::new().index(index))?;
    if has_children || link.master.is_some() || addresses.iter().any(|address| address.scope != Scope::LINK) {
        return Ok(Removal::InUse);
    }
    // A passthru child has its parent to itself: that one can be made says that there is no macvlan on it, in any namespace,
    // and while it stands no other can be made. It goes with its parent.
    let probe = match host.create(&NewLink::macvlan(index).mode(MacvlanMode::Passthru).name(temporary_name())) {
        Ok(probe) => Some(probe),
        Err(error) if error.is_not_supported() => None, // no driver, and so no macvlan
        Err(error) if error.is_busy() || error.raw_os_error() == Some(Errno::EINVAL as i32) => {
            return Ok(Removal::InUse);
        }
        Err(error) => return Err(error),
    };
    match (host.delete(index), probe) {
        (Ok(()), _) => Ok(Removal::Removed),
        (Err(error), Some(probe)) => Err(deleted(host, probe, error)),
        (Err(error), None) => Err(error),
    }
}

/// Whether a marked link still is such a one as is made here: a dummy, or the VLAN that its name says.
fn is_as_made(link: &LinkInfo, links: &[LinkInfo]) -> bool {
    match &link.kind {
        KindInfo::Vlan(vlan) => {
            let base = links.iter().find(|base| Some(base.index) == link.parent && link.parent_netnsid.is_none());
            let says = base_and_id(&link.name).is_some_and(|(base_name, id)| {
                base.is_some_and(|base| base.name.as_bytes() == base_name.as_bytes())
                    && vlan.id.is_some_and(|vlan| id.parse() == Ok(vlan.get()))
                    && vlan.protocol == Some(VlanProtocol::Ieee8021Q)
            });
            says || is_temporary(&link.name)
        }
        kind => kind.name() == "dummy",
    }
}

/// Takes a link away again after `error`.
fn deleted(host: &mut Socket, index: IfIndex, error: Error) -> Error {
    match host.delete(index) {
        Ok(()) => error.with_undo(Undo::Clean),
        Err(_) => error.with_undo(Undo::LeftBehind(index)),
    }
}

/// `eth0.50` as `eth0` and `50`; a name with no dot or several is none that could be made.
fn base_and_id(name: &IfName) -> Option<(&str, &str)> {
    let (base, id) = std::str::from_utf8(name.as_bytes()).ok()?.split_once('.')?;
    (!base.is_empty() && !id.contains('.')).then_some((base, id))
}

const TEMPORARY: &[u8] = b"sl~";

/// The name of a link that is not yet what it is to be: nobody else has it.
fn temporary_name() -> IfName {
    IfName::received(format!("sl~{:012x}", random() & 0xffff_ffff_ffff).as_bytes())
}

fn is_temporary(name: &IfName) -> bool {
    name.as_bytes().starts_with(TEMPORARY)
}
