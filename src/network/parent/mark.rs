//! What is made as a parent, and how it is known again.
//!
//! ```text
//!   sl~03f91c77d2a0, alias sublink:OWNER:eth0.50, down    one send: made under a random name, and marked by that name
//!        ▼
//!   eth0.50,         alias sublink:OWNER:eth0.50, up      one request: its own name, and up
//! ```
//!
//! So a link of somebody else's is never marked. What is left when the maker ends in between is known by its mark, and is
//! finished or removed later.
//!
//! **Both are persistent formats**: links outlive the program that made them, and another version of this library has to know
//! them again.
//!
//! - The mark is the link's alias: `sublink:`, the owner, a colon, and the name that the link is to have.
//! - A temporary name is `sl~` and twelve lower-case hexadecimal digits, at random.

use super::super::InvalidNetwork;
use crate::batch::Batch;
use crate::error::Result;
use crate::link::{KindInfo, LinkChange, LinkInfo, MacvlanMode, VlanId, VlanProtocol};
use crate::socket::Socket;
use crate::value::{Alias, IfIndex, IfName, InvalidValue, MacAddr};
use crate::wire::Command;

/// Who marks links: the embedder's own word, the same after a restart.
///
/// Several processes may be one owner. Two programs with different owners leave each other's links alone.
///
/// ```
/// use sublink::Owner;
/// let owner = Owner::new("my-runtime")?;
/// assert!(Owner::new("my:runtime").is_err());
/// # Ok::<(), sublink::network::InvalidNetwork>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Owner(Box<str>);

/// What a link is that an owner made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::network) enum Made {
    /// A parent: a dummy, or the VLAN that its name says.
    Parent,
    /// A parent that has not got its name yet: it is being made now, or its maker ended in between.
    Unfinished,
    /// A passthru child, which keeps others off a parent while that is removed.
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

    /// The alias of a link that is made as the parent `name`.
    pub(in crate::network) fn mark(&self, name: IfName) -> Vec<u8> {
        [self.prefix().as_bytes(), name.as_bytes()].concat()
    }

    fn prefix(&self) -> String {
        format!("sublink:{}:", self.0)
    }

    /// Whether a link has a mark of this owner: a hint, and no more.
    pub(super) fn has_marked(&self, link: &LinkInfo) -> bool {
        self.marked_as(link).is_some()
    }

    /// The name of a link, or the one that its mark says where it has a temporary one.
    pub(super) fn name_of(&self, link: &LinkInfo) -> IfName {
        let marked = self.marked_as(link).filter(|_| link.name.is_temporary());
        marked.map_or(link.name, IfName::received)
    }

    /// The name that a link's mark says it is to have.
    fn marked_as<'l>(&self, link: &'l LinkInfo) -> Option<&'l [u8]> {
        link.alias.as_deref()?.strip_prefix(self.prefix().as_bytes())
    }

    /// What a link is that this owner made: its mark, name, kind, parent, protocol and id all have to say so. `links` holds
    /// at least the link that it stands on.
    pub(in crate::network) fn made(&self, link: &LinkInfo, links: &[LinkInfo]) -> Option<Made> {
        let is_finished = self.marked_as(link)? == link.name.as_bytes();
        let is_temporary = link.name.is_temporary();
        match &link.kind {
            KindInfo::Macvlan(macvlan) => {
                (is_temporary && macvlan.mode == Some(MacvlanMode::Passthru)).then_some(Made::Probe)
            }
            KindInfo::Vlan(_) if is_temporary => Some(Made::Unfinished),
            KindInfo::Vlan(_) if is_finished => {
                let (base, id) = base_and_id(&link.name)?;
                let base = links.iter().find(|other| other.name == base)?;
                is_vlan(link, base.index, VlanId::new(id.parse().ok()?).ok()?).then_some(Made::Parent)
            }
            kind if kind.name() != "dummy" => None,
            _ if is_temporary => Some(Made::Unfinished),
            _ => is_finished.then_some(Made::Parent),
        }
    }

    /// Makes a link that is known as this owner's, and as not finished. It is to become the parent `name`, or to be its probe.
    /// `None` if another process of this owner has given it its name by now.
    pub(super) fn make<L: Command>(
        &self,
        host: &mut Socket,
        name: IfName,
        link: impl FnOnce(IfName) -> L,
    ) -> Result<Option<IfIndex>> {
        let (temporary, mark) = (temporary_name()?, self.mark(name));
        let mut batch = Batch::new();
        batch.push(&link(temporary))?;
        batch.push(&LinkChange::named(temporary).alias(Alias::new(&mark)?))?;
        let made = host.run(&mut batch).map_err(|error| error.with_name(name));
        let index = match host.index_of(temporary) {
            Err(error) if !error.is_no_device() => host.index_of(temporary), // were the link not seen, it would be left
            index => index,
        };
        match (made, index) {
            (Ok(()), Err(error)) if error.is_no_device() => Ok(None),
            (Ok(()), index) => index.map(Some),
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

/// The name of a link that is not yet what it is to be. It is random, so that nobody else has it.
pub(super) fn temporary_name() -> Result<IfName, InvalidValue> {
    let random = MacAddr::random().to_string(); // 46 random bits, in 12 digits
    IfName::new(&format!("{}{}", IfName::TEMPORARY, random.replace(':', "")))
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::{child, dummy, index, link, marked, name, named, owner, vlan};
    use super::*;
    use crate::link::{Ipvlan, NewLink};
    use crate::value::NsId;

    /// Links that are marked and named like this are in use: the formats do not change.
    #[test]
    fn marks_and_temporary_names_are_persistent_formats() {
        assert_eq!(Owner::new("my-runtime").unwrap().mark(name("eth0.50")), b"sublink:my-runtime:eth0.50");
        let temporary = temporary_name().unwrap();
        let digits = temporary.as_bytes().strip_prefix(b"sl~").unwrap();
        assert!(digits.len() == 12 && digits.iter().all(|digit| b"0123456789abcdef".contains(digit)), "{temporary}");
        assert_ne!(temporary_name().unwrap(), temporary);
        let longest = Owner::new(&"o".repeat(64)).unwrap().mark(name("fifteen-bytes-x"));
        assert!(Alias::new(&longest).is_ok(), "the longest mark is an alias");
    }

    #[test]
    fn what_an_owner_made_is_known_by_all_of_it() {
        let eth0 = || named("eth0", dummy(2));
        let other_protocol = |link: LinkInfo| match link.kind.clone() {
            KindInfo::Vlan(mut vlan) => {
                vlan.protocol = Some(VlanProtocol::Ieee8021Ad);
                LinkInfo { kind: KindInfo::Vlan(vlan), ..link }
            }
            _ => link,
        };
        let rows = [
            ("eth0.50", vlan(7, 2, 50), Some(Made::Parent)),
            ("eth0.050", vlan(7, 2, 50), Some(Made::Parent)),
            ("eth0.51", vlan(7, 2, 50), None),
            ("eth1.50", vlan(7, 2, 50), None),
            ("eth0.50", vlan(7, 3, 50), None),
            ("eth0.50", other_protocol(vlan(7, 2, 50)), None),
            ("eth0.50", LinkInfo { parent_netnsid: NsId::new(0).ok(), ..vlan(7, 2, 50) }, None),
            ("mine", vlan(7, 2, 50), None),
            ("sl~1", vlan(7, 2, 50), Some(Made::Unfinished)),
            ("dm-0123456789ab", dummy(7), Some(Made::Parent)),
            ("mine", dummy(7), Some(Made::Parent)),
            ("sl~1", dummy(7), Some(Made::Unfinished)),
            ("sl~1", child(7, 2, MacvlanMode::Passthru), Some(Made::Probe)),
            ("sl~1", child(7, 2, MacvlanMode::Bridge), None),
            ("mv0", child(7, 2, MacvlanMode::Passthru), None),
            ("sl~1", link(7, &NewLink::<Ipvlan>::ipvlan(index(2))), None),
        ];
        for (name, link, expected) in rows {
            let link = named(name, link);
            assert_eq!(owner().made(&marked(name, link.clone()), &[eth0()]), expected, "{link:?}");
            let renamed = expected.filter(|made| *made != Made::Parent);
            assert_eq!(owner().made(&marked("other", link.clone()), &[eth0()]), renamed, "made under another name");
            for alias in [None, Some("sublink:test:"), Some("sublink:tests2:"), Some(" sublink:tests:")] {
                let alias = alias.map(|prefix| format!("{prefix}{name}").into_bytes().into());
                let foreign = LinkInfo { alias, ..link.clone() };
                assert_eq!(owner().made(&foreign, &[eth0()]), None, "{foreign:?}");
            }
        }
    }
}
