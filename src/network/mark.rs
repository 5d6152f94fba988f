//! What is made for networks, and how it is known again.
//!
//! ```text
//!   sl~03f9…, alias sublink:OWNER:NETWORK, down        one send: made under a random name, and marked by that name
//!        ▼
//!   eth0.50,  alias sublink:OWNER:NETWORK, up          one request: its own name, and up
//! ```
//!
//! So a link of somebody else's is never marked; and what is left when it ends in between is known by its mark, and is
//! finished or removed later.

use super::InvalidNetwork;
use crate::batch::Batch;
use crate::error::Result;
use crate::link::{KindInfo, LinkChange, LinkInfo, MacvlanMode, VlanId, VlanProtocol};
use crate::socket::Socket;
use crate::value::{Alias, IfIndex, IfName, InvalidValue, MacAddr};
use crate::wire::Command;

/// Who marks links: the embedder's own word, the same after a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner(Box<str>);

/// What a link is that an owner made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Made {
    /// A network's parent: a dummy, or the VLAN that its name says.
    Parent,
    /// One that has not got its name yet: it is being made now, or its maker ended in between.
    Unfinished,
    /// A passthru child that has a parent to itself while that is removed.
    Probe,
}

impl Owner {
    /// Checks `owner`: 1 to 64 bytes, without colons and control characters.
    pub fn new(owner: &str) -> Result<Self, InvalidNetwork> {
        if owner.is_empty() || owner.len() > 64 || owner.contains(|c: char| c == ':' || c.is_control()) {
            return Err(InvalidNetwork::Owner);
        }
        Ok(Self(owner.into()))
    }

    /// The alias of a link that is made for the network of this name.
    pub(super) fn mark(&self, network: &str) -> String {
        format!("sublink:{}:{network}", self.0)
    }

    /// What a link is that this owner made: its mark, name, kind, parent, protocol and id all have to say so. For which
    /// network does not matter: networks may share a parent, and the one that it was made for may be gone.
    pub(super) fn made(&self, link: &LinkInfo, links: &[LinkInfo]) -> Option<Made> {
        let is_marked = link.alias.as_deref().is_some_and(|alias| alias.starts_with(self.mark("").as_bytes()));
        if !is_marked {
            return None;
        }
        let is_temporary = is_temporary(&link.name);
        match &link.kind {
            KindInfo::Macvlan(macvlan) => {
                (is_temporary && macvlan.mode == Some(MacvlanMode::Passthru)).then_some(Made::Probe)
            }
            KindInfo::Vlan(_) if is_temporary => Some(Made::Unfinished),
            KindInfo::Vlan(_) => {
                let (base, id) = base_and_id(&link.name)?;
                let base = links.iter().find(|other| other.name.as_bytes() == base.as_bytes())?;
                is_vlan(link, base.index, VlanId::new(id.parse().ok()?).ok()?).then_some(Made::Parent)
            }
            kind if kind.name() != "dummy" => None,
            _ if is_temporary => Some(Made::Unfinished),
            _ => link.name.as_bytes().starts_with(b"dm-").then_some(Made::Parent),
        }
    }

    /// Makes a link that is known as this owner's, and as not finished.
    pub(super) fn make<L: Command>(
        &self,
        host: &mut Socket,
        network: &str,
        link: impl FnOnce(IfName) -> L,
    ) -> Result<IfIndex> {
        let (name, mark) = (temporary_name()?, self.mark(network));
        let mut batch = Batch::new();
        batch.push(&link(name))?;
        batch.push(&LinkChange::named(name).alias(Alias::new(&mark)?))?;
        let made = host.run(&mut batch);
        let index = host.index_of(name);
        match (made, index) {
            (Ok(()), index) => index,
            (Err(error), Ok(index)) => {
                let _ = host.delete(index);
                Err(error)
            }
            (Err(error), Err(_)) => Err(error),
        }
    }
}

/// Whether a link is this 802.1Q VLAN.
pub(super) fn is_vlan(link: &LinkInfo, base: IfIndex, id: VlanId) -> bool {
    match &link.kind {
        KindInfo::Vlan(vlan) => {
            let is_here = link.parent == Some(base) && link.parent_netnsid.is_none();
            is_here && vlan.id == Some(id) && vlan.protocol == Some(VlanProtocol::Ieee8021Q)
        }
        _ => false,
    }
}

/// `eth0.50` as `eth0` and `50`; a name with no dot or several is none that is made here.
pub(super) fn base_and_id(name: &IfName) -> Option<(&str, &str)> {
    let (base, id) = std::str::from_utf8(name.as_bytes()).ok()?.split_once('.')?;
    (!base.is_empty() && !id.contains('.')).then_some((base, id))
}

/// Whether a link of this name is being made, or its maker ended in between.
pub(super) fn is_temporary(name: &IfName) -> bool {
    name.as_bytes().starts_with(TEMPORARY.as_bytes())
}

const TEMPORARY: &str = "sl~";

/// The name of a link that is not yet what it is to be. It is random, so that nobody else has it.
fn temporary_name() -> Result<IfName, InvalidValue> {
    let random = MacAddr::random().to_string(); // 46 random bits, in 12 digits
    IfName::new(&format!("{TEMPORARY}{}", random.replace(':', "")))
}
