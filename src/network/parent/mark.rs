//! What is made as a parent, and how it is known again.
//!
//! ```text
//!   sl~03f91c77d2a0, alias sublink:OWNER:eth0.50, down    one send: made under a random name, and marked by that name
//!        ▼
//!   eth0.50,         alias sublink:OWNER:eth0.50, up      one request: its own name, and up
//! ```
//!
//! So a link of somebody else's is never marked. If the maker ends in between, the link is known by its mark, and is finished or
//! removed later.
//!
//! **Both are persistent formats**: links outlive the program that made them, and another version of this library has to know
//! them again.
//!
//! - The mark is the link's alias: `sublink:`, the owner, a colon, and what the link is. No name of a link has a colon.
//!   - `eth0.50`: a dummy, or the 802.1Q VLAN that its name says.
//!   - `up100:enp130s0f0np0:802.1Q:100`: a VLAN whose name does not say all: its name, base, protocol and id.
//!   - `sh-85944171f739:eth0`: the host's access to the containers of a network on `eth0`, by its name.
//! - Before the mark of a link that is being removed stand `removing-`, twelve random digits and a colon.
//! - A temporary name is `sl~` and twelve lower-case hexadecimal digits, at random.

use super::InvalidParent;
use crate::batch::Batch;
use crate::error::Result;
use crate::link::{KindInfo, LinkChange, LinkInfo, MacvlanMode, VlanId, VlanInfo, VlanProtocol};
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
/// # Ok::<(), sublink::network::InvalidParent>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Owner(Box<str>);

/// The role of a link that an owner made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::network) enum Made {
    /// A parent: a dummy, or the VLAN that its name or its mark says.
    Parent,
    /// A parent that has not got its name yet: it is being made now, or its maker ended in between.
    Unfinished,
    /// A passthru child, which keeps others off a parent while that is removed.
    Probe,
    /// The host's own child of a parent, finished or not.
    Access,
}

/// What a mark says of the link that has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::network) enum Mark {
    /// A link whose name says everything: a dummy, a VLAN, or a probe on the link of this name.
    Named(IfName),
    /// A VLAN whose name does not say all.
    Vlan { name: IfName, base: IfName, protocol: VlanProtocol, id: VlanId },
    /// The host's access to what stands on `parent`.
    Access { name: IfName, parent: IfName },
}

impl Mark {
    fn parse(text: &[u8]) -> Option<Self> {
        let mut fields = text.split(|byte| *byte == b':');
        let mut next = || fields.next();
        let (name, second, protocol, id) = (IfName::from_bytes(next()?).ok()?, next(), next(), next());
        let number = |text| std::str::from_utf8(text).ok()?.parse().ok();
        match (second, protocol, id, next()) {
            (None, ..) => Some(Self::Named(name)),
            (Some(parent), None, ..) => Some(Self::Access { name, parent: IfName::from_bytes(parent).ok()? }),
            (Some(base), Some(protocol), Some(id), None) => {
                let known = [VlanProtocol::Ieee8021Q, VlanProtocol::Ieee8021Ad];
                let protocol = known.into_iter().find(|known| known.to_string().as_bytes() == protocol)?;
                Some(Self::Vlan { name, base: IfName::from_bytes(base).ok()?, protocol, id: number(id)? })
            }
            _ => None,
        }
    }

    fn name(self) -> IfName {
        match self {
            Self::Named(name) | Self::Vlan { name, .. } | Self::Access { name, .. } => name,
        }
    }

    /// The VLAN that the link of this mark is to be: its base, protocol and id.
    fn vlan(self) -> Option<(IfName, VlanProtocol, VlanId)> {
        match self {
            Self::Named(name) => {
                let (base, id) = base_and_id(&name)?;
                Some((IfName::new(base).ok()?, VlanProtocol::Ieee8021Q, id.parse().ok()?))
            }
            Self::Vlan { base, protocol, id, .. } => Some((base, protocol, id)),
            Self::Access { .. } => None,
        }
    }
}

impl Owner {
    /// Checks `owner`: 1 to 64 bytes, without colons and control characters.
    pub fn new(owner: &str) -> Result<Self, InvalidParent> {
        if owner.is_empty() || owner.len() > 64 || owner.contains(|c: char| c == ':' || c.is_control()) {
            return Err(InvalidParent::Owner);
        }
        Ok(Self(owner.into()))
    }

    /// The alias of a link that is made as `what`.
    pub(in crate::network) fn mark(&self, what: Mark) -> Vec<u8> {
        let prefix = self.prefix();
        let fields: [&[u8]; 2] = match &what {
            Mark::Named(name) => [name.as_bytes(), b""],
            Mark::Vlan { name, base, .. } => [name.as_bytes(), base.as_bytes()],
            Mark::Access { name, parent } => [name.as_bytes(), parent.as_bytes()],
        };
        let mut mark = [prefix.as_bytes(), fields[0]].concat();
        if !fields[1].is_empty() {
            mark = [&mark, &b":"[..], fields[1]].concat();
        }
        if let Mark::Vlan { protocol, id, .. } = what {
            mark.extend(format!(":{protocol}:{id}").bytes());
        }
        mark
    }

    fn prefix(&self) -> String {
        format!("sublink:{}:", self.0)
    }

    /// Whether a link has a mark of this owner: a hint, and no more.
    pub(super) fn has_marked(&self, link: &LinkInfo) -> bool {
        self.text_of(link).is_some()
    }

    fn text_of<'l>(&self, link: &'l LinkInfo) -> Option<&'l [u8]> {
        without_notice(link.alias.as_deref()?).strip_prefix(self.prefix().as_bytes())
    }

    /// What a link is to be, by its mark.
    pub(super) fn mark_of(&self, link: &LinkInfo) -> Option<Mark> {
        Mark::parse(self.text_of(link)?)
    }

    /// The name of a link, or the one that its mark says where it has a temporary one.
    pub(super) fn name_of(&self, link: &LinkInfo) -> IfName {
        let mark = self.mark_of(link).filter(|_| link.name.is_temporary());
        mark.map_or(link.name, Mark::name)
    }

    /// The role of a link, if this owner made it: its mark, name, kind, parent, protocol and id all have to agree. `links` holds
    /// at least the link that it stands on.
    pub(in crate::network) fn made(&self, link: &LinkInfo, links: &[LinkInfo]) -> Option<Made> {
        let mark = self.mark_of(link)?;
        let is_finished = mark.name() == link.name;
        let is_temporary = link.name.is_temporary();
        let named = |name: IfName| links.iter().find(|other| other.name == name);
        match (&link.kind, mark) {
            (KindInfo::Macvlan(macvlan), Mark::Access { parent, .. }) => {
                let is_on_it = named(parent).is_some_and(|parent| link.parent_here() == Some(parent.index));
                let is_it = macvlan.mode == Some(MacvlanMode::Bridge) && is_on_it && (is_finished || is_temporary);
                is_it.then_some(Made::Access)
            }
            (KindInfo::Macvlan(macvlan), Mark::Named(_)) => {
                (is_temporary && macvlan.mode == Some(MacvlanMode::Passthru)).then_some(Made::Probe)
            }
            (KindInfo::Vlan(_), _) if is_temporary => Some(Made::Unfinished),
            (KindInfo::Vlan(_), _) if is_finished => {
                let (base, protocol, id) = mark.vlan()?;
                is_vlan(link, named(base)?.index, protocol, id).then_some(Made::Parent)
            }
            (kind, Mark::Named(_)) if kind.name() == "dummy" => {
                if is_temporary {
                    Some(Made::Unfinished)
                } else {
                    is_finished.then_some(Made::Parent)
                }
            }
            _ => None,
        }
    }

    /// Makes a link that is known as this owner's, and as not finished. It is to become `what`, or to be the probe of the
    /// parent of that name. `None` if another process of this owner has given it its name by now.
    pub(super) fn make<L: Command>(
        &self,
        host: &mut Socket,
        what: Mark,
        link: impl FnOnce(IfName) -> L,
    ) -> Result<Option<IfIndex>> {
        let (temporary, mark) = (temporary_name()?, self.mark(what));
        let mut batch = Batch::new();
        batch.push(&link(temporary))?;
        batch.push(&LinkChange::named(temporary).alias(Alias::new(&mark)?))?;
        let made = host.run(&mut batch).map_err(|error| error.with_name(what.name()));
        let index = match host.index_of(temporary) {
            Err(error) if !error.is_no_device() => host.index_of(temporary), // again, or the link would be left
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

/// Whether a link is this VLAN.
pub(super) fn is_vlan(link: &LinkInfo, base: IfIndex, protocol: VlanProtocol, id: VlanId) -> bool {
    let is_on_base = link.parent_here() == Some(base);
    vlan_of(link).is_some_and(|vlan| is_on_base && (vlan.protocol, vlan.id) == (Some(protocol), Some(id)))
}

pub(super) fn vlan_of(link: &LinkInfo) -> Option<&VlanInfo> {
    if let KindInfo::Vlan(vlan) = &link.kind { Some(vlan) } else { None }
}

/// `eth0.10.20` as `eth0.10` and `20`; a name without a dot is none that is made here.
pub(super) fn base_and_id(name: &IfName) -> Option<(&str, &str)> {
    let (base, id) = std::str::from_utf8(name.as_bytes()).ok()?.rsplit_once('.')?;
    (!base.is_empty()).then_some((base, id))
}

/// The name of a link while it is made. It is random, so that nobody else has it.
pub(super) fn temporary_name() -> Result<IfName, InvalidValue> {
    IfName::new(&format!("{}{}", IfName::TEMPORARY, random_digits()))
}

/// 46 random bits, in 12 digits.
fn random_digits() -> String {
    MacAddr::random().to_string().replace(':', "")
}

const REMOVING: &[u8] = b"removing-";

/// This alias with a notice before it: the alias of a link while it is removed.
pub(super) fn with_notice(alias: &[u8]) -> Vec<u8> {
    [REMOVING, random_digits().as_bytes(), b":", without_notice(alias)].concat()
}

/// Whether somebody is removing a link, or ended in between.
pub(super) fn has_notice(link: &LinkInfo) -> bool {
    link.alias.as_deref().is_some_and(|alias| without_notice(alias).len() < alias.len())
}

/// An alias as it was before its link was to be removed.
pub(super) fn without_notice(alias: &[u8]) -> &[u8] {
    let digits = alias.strip_prefix(REMOVING).and_then(|rest| rest.split_at_checked(12));
    digits.and_then(|(_, rest)| rest.strip_prefix(b":")).unwrap_or(alias)
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
        let owner = Owner::new("my-runtime").unwrap();
        assert_eq!(owner.mark(Mark::Named(name("eth0.50"))), b"sublink:my-runtime:eth0.50");
        let vlan = Mark::Vlan {
            name: name("up100"),
            base: name("enp130s0f0np0"),
            protocol: VlanProtocol::Ieee8021Ad,
            id: VlanId::new(100).unwrap(),
        };
        assert_eq!(owner.mark(vlan), b"sublink:my-runtime:up100:enp130s0f0np0:802.1ad:100");
        let access = Mark::Access { name: name("sh-1"), parent: name("eth0") };
        assert_eq!(owner.mark(access), b"sublink:my-runtime:sh-1:eth0");
        for mark in [Mark::Named(name("eth0.50")), vlan, access] {
            let alias = with_notice(&owner.mark(mark));
            assert!(alias.starts_with(b"removing-") && alias.len() == 22 + owner.mark(mark).len());
            assert_eq!(with_notice(&alias).len(), alias.len(), "one notice at a time");
            let link = LinkInfo { alias: Some(alias.into()), ..dummy(7) };
            assert!(has_notice(&link));
            assert_eq!(owner.mark_of(&link), Some(mark));
        }
        let temporary = temporary_name().unwrap();
        let digits = temporary.as_bytes().strip_prefix(b"sl~").unwrap();
        assert!(digits.len() == 12 && digits.iter().all(|digit| b"0123456789abcdef".contains(digit)), "{temporary}");
        assert_ne!(temporary_name().unwrap(), temporary);
        let (longest, fifteen) = (Owner::new(&"o".repeat(64)).unwrap(), name("fifteen-bytes-x"));
        let (protocol, id) = (VlanProtocol::Ieee8021Ad, VlanId::new(4094).unwrap());
        let longest = longest.mark(Mark::Vlan { name: fifteen, base: fifteen, protocol, id });
        assert!(Alias::new(&with_notice(&longest)).is_ok(), "the longest mark is an alias");
    }

    /// What a name does not say, a mark does.
    #[test]
    fn what_a_mark_says_is_compared_too() {
        let links = [named("eth0", dummy(2)), named("eth1", dummy(3))];
        let (q, ad) = (VlanProtocol::Ieee8021Q, VlanProtocol::Ieee8021Ad);
        let vlan_mark = |base: &str, protocol, id| {
            let id = VlanId::new(id).unwrap();
            Mark::Vlan { name: name("up100"), base: name(base), protocol, id }
        };
        let access = |parent: &str| Mark::Access { name: name("up100"), parent: name(parent) };
        let bridge = || child(7, 2, MacvlanMode::Bridge);
        let rows = [
            (vlan_mark("eth0", q, 100), vlan(7, 2, 100), Some(Made::Parent)),
            (vlan_mark("eth0", q, 101), vlan(7, 2, 100), None),
            (vlan_mark("eth1", q, 100), vlan(7, 2, 100), None),
            (vlan_mark("eth9", q, 100), vlan(7, 2, 100), None),
            (vlan_mark("eth0", ad, 100), vlan(7, 2, 100), None),
            (vlan_mark("eth0", q, 100), dummy(7), None),
            (access("eth0"), bridge(), Some(Made::Access)),
            (access("eth1"), bridge(), None),
            (access("eth0"), child(7, 2, MacvlanMode::Passthru), None),
            (access("eth0"), LinkInfo { parent_netnsid: NsId::new(0).ok(), ..bridge() }, None),
            (access("eth0"), vlan(7, 2, 100), None),
        ];
        for (mark, link, expected) in rows {
            let marked = |name, alias: Vec<u8>| named(name, LinkInfo { alias: Some(alias.into()), ..link.clone() });
            let alias = owner().mark(mark);
            assert_eq!(owner().made(&marked("up100", alias.clone()), &links), expected, "{mark:?} {link:?}");
            let notice = marked("up100", with_notice(&alias));
            assert_eq!(owner().made(&notice, &links), expected, "while it is removed");
            assert_eq!(owner().made(&marked("other", alias.clone()), &links), None);
            assert_eq!(owner().made(&marked("up100", [&alias[..], b":x"].concat()), &links), None, "{mark:?}");
            let half_made = expected.map(|made| if made == Made::Parent { Made::Unfinished } else { made });
            let is_vlan = vlan_of(&link).is_some(); // of what is not finished, all is looked at later
            assert_eq!(
                owner().made(&marked("sl~0123456789ab", alias), &links),
                if is_vlan { Some(Made::Unfinished) } else { half_made }
            );
        }
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
            ("eth0.10.50", vlan(7, 2, 50), None), // eth0.10 is not there
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
