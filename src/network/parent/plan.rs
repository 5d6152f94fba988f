//! What is to be done for a parent to be there, decided from links that were read before.

use super::mark::{Made, Mark, is_vlan, vlan_of};
use super::stack::stack;
use super::{InvalidParent, Make, Owner, Parent, Result, is_up, list, split};
use crate::link::{LinkFlags, LinkInfo, ListLinks, VlanId, VlanProtocol};
use crate::socket::Socket;
use crate::value::{IfIndex, IfName};

/// What is to be done for a parent to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Plan {
    /// Nothing: it is there.
    Use(IfIndex),
    /// Give this link its name and bring it up. This owner made it, and somebody has taken it down since; or who was making
    /// it ended halfway.
    Finish(IfIndex),
    /// First bring this parent up, which it is to stand on, and then plan again.
    Below(Parent),
    /// Make a VLAN.
    #[non_exhaustive]
    Vlan {
        /// The link that it is to stand on.
        base: IfIndex,
        /// Its protocol.
        protocol: VlanProtocol,
        /// Its id.
        id: VlanId,
    },
    /// Make a dummy.
    Dummy,
}

/// The VLANs that are to be made: the link that is there, which the outermost is to stand on, and their ids as they were
/// written, the innermost first.
struct Missing<'l> {
    base: &'l LinkInfo,
    ids: Vec<Box<str>>,
}

impl Parent {
    /// Says what is to be done for it to be there, from `links` that were read before. These have to contain:
    ///
    /// - the link of its name, if there is one; then no other link is needed.
    /// - else the link that it is to stand on, and all that this one stands on. For `eth0.10.20` that is `eth0.10`, or `eth0` if
    ///   there is no `eth0.10`.
    /// - and the VLANs on that link. For a dummy: all dummies instead.
    ///
    /// # Errors
    /// [`InvalidParent`] if it cannot be made. The checks come in Docker's order: each id is a number, the base is there, each id
    /// is in range.
    pub fn plan_among(&self, owner: &Owner, links: &[LinkInfo]) -> Result<Plan, InvalidParent> {
        match links.iter().find(|link| link.name == self.name) {
            Some(link) if link.flags.contains(LinkFlags::LOOPBACK) => Err(InvalidParent::Loopback),
            Some(link) if is_up(link) || owner.made(link, links).is_none() => Ok(Plan::Use(link.index)),
            Some(link) => Ok(Plan::Finish(link.index)),
            None if self.make == Make::Dummy => Ok(self.plan_dummy(owner, links)),
            None => self.plan_vlan(owner, links),
        }
    }

    fn plan_vlan(&self, owner: &Owner, links: &[LinkInfo]) -> Result<Plan, InvalidParent> {
        let parent = self.name;
        let Missing { base, ids } = self.missing(links)?;
        if base.flags.contains(LinkFlags::LOOPBACK) {
            return Err(InvalidParent::Loopback);
        }
        let checked = |id: &str| {
            let number = id.parse().ok().filter(|id| *id > 0).and_then(|id| VlanId::new(id).ok());
            number.ok_or_else(|| InvalidParent::VlanId { parent, id: id.into() })
        };
        let ids = ids.iter().map(|id| checked(id)).collect::<Result<Vec<_>, _>>()?;
        if let Some(mtu) = self.mtu.filter(|mtu| *mtu > base.mtu) {
            return Err(InvalidParent::MtuAboveBase { parent, mtu, base: base.name, base_mtu: base.mtu });
        }
        let protocol = self.protocol_on(base, links)?;
        let id = match (&*ids, self.base()) {
            ([id], _) | ([id, ..], None) => *id,
            (_, Some(below)) => return Ok(Plan::Below(below)),
            ([], None) => return Err(InvalidParent::NoParent(parent)),
        };
        match links.iter().find(|link| is_vlan(link, base.index, protocol, id)) {
            None => Ok(Plan::Vlan { base: base.index, protocol, id }),
            Some(link) if owner.made(link, links) == Some(Made::Unfinished) => Ok(Plan::Finish(link.index)),
            Some(link) => Err(InvalidParent::VlanIsThere { parent, id, there: link.name }),
        }
    }

    /// What is missing, down to the first link that is there.
    fn missing<'l>(&self, links: &'l [LinkInfo]) -> Result<Missing<'l>, InvalidParent> {
        let (parent, mut name, mut ids) = (self.name, self.name, Vec::new());
        let mut step = match self.make {
            Make::Vlan { base, id } => Some((base, id.to_string().into())),
            _ => split_off(&name),
        };
        loop {
            let Some((base, id)) = step else {
                let is_first = name == parent;
                return Err(if is_first {
                    InvalidParent::NoParent(parent)
                } else {
                    InvalidParent::NoBase { parent, base: name }
                });
            };
            if id.parse::<i64>().is_err() {
                return Err(InvalidParent::VlanId { parent, id });
            }
            ids.push(id);
            if let Some(base) = links.iter().find(|link| link.name == base) {
                return Ok(Missing { base, ids });
            }
            name = base;
            step = split_off(&name);
        }
    }

    /// The protocol of a VLAN of this parent on `base`.
    fn protocol_on(&self, base: &LinkInfo, links: &[LinkInfo]) -> Result<VlanProtocol, InvalidParent> {
        let mut outermost = None;
        let mut link = Some(base);
        // Links that were read at different moments may seem to stand on each other.
        for _ in 0..=links.len() {
            let Some((there, vlan)) = link.and_then(|link| Some((link, vlan_of(link)?))) else { break };
            outermost = vlan.protocol.map(|protocol| (there.name, protocol));
            link = links.iter().find(|other| there.parent_here() == Some(other.index));
        }
        match (self.outer, outermost) {
            (Some(asked), Some((there, found))) if found != asked => {
                Err(InvalidParent::OuterProtocol { parent: self.name, there, found, asked })
            }
            (Some(asked), None) => Ok(asked),
            _ => Ok(VlanProtocol::Ieee8021Q),
        }
    }

    fn plan_dummy(&self, owner: &Owner, links: &[LinkInfo]) -> Plan {
        let is_half_made = |link: &&LinkInfo| {
            let is_dummy = link.kind.name() == "dummy" && owner.made(link, links) == Some(Made::Unfinished);
            is_dummy && owner.mark_of(link) == Some(Mark::Named(self.name))
        };
        links.iter().find(is_half_made).map_or(Plan::Dummy, |link| Plan::Finish(link.index))
    }

    /// Reads the links and says what is to be done for it to be there ([`plan_among`](Self::plan_among)). Changes nothing.
    ///
    /// # Errors
    /// As [`plan_among`](Self::plan_among), and why links could not be read.
    pub fn plan(&self, host: &mut Socket, owner: &Owner) -> Result<Plan> {
        let links = self.read(host)?;
        self.plan_among(owner, &links).map_err(|invalid| by_alt_name(invalid, host).into())
    }

    /// The link of its name. If there is none, the first link below it that is there, on which the rest would be made.
    pub(in crate::network) fn nearest(&self, host: &mut Socket) -> Result<Option<LinkInfo>> {
        match (self.find(host)?, self.base_name()) {
            (None, Some(base)) => Self::new(base).nearest(host),
            (there, _) => Ok(there),
        }
    }

    /// Reads what a plan is made from.
    fn read(&self, host: &mut Socket) -> Result<Vec<LinkInfo>> {
        let there = self.find(host)?;
        if there.as_ref().is_some_and(is_up) {
            return Ok(there.into_iter().collect());
        }
        let base = self.base().map(|base| base.nearest(host)).transpose()?.flatten();
        let others = match (self.make, &base) {
            _ if there.is_some() => Vec::new(),
            (Make::Dummy, _) => list(host, &ListLinks::new().kind("dummy"))?,
            (_, None) => Vec::new(),
            (_, Some(base)) => list(host, &ListLinks::new().kind("vlan").parent(base.index))?,
        };
        let base = match base {
            Some(base) if self.outer.is_some() => stack(host, base)?,
            base => base.into_iter().collect(),
        };
        Ok(there.into_iter().chain(base).chain(others).collect())
    }
}

/// If a link was not found, but another has its name as an alternative name, the error says so.
fn by_alt_name(invalid: InvalidParent, host: &mut Socket) -> InvalidParent {
    let name = match &invalid {
        InvalidParent::NoParent(name) => Some(*name),
        InvalidParent::NoBase { base, .. } => Some(*base),
        _ => None,
    };
    let owner = name.and_then(|name| host.link_by_alt_name(name).ok()).map(|link| link.if_name());
    match (name, owner) {
        (Some(name), Some(owner)) if name != owner => InvalidParent::OnlyAltName { name, owner },
        _ => invalid,
    }
}

/// The base of a name, and its id as it is written.
fn split_off(name: &IfName) -> Option<(IfName, Box<str>)> {
    split(name).map(|(base, id)| (base, id.into()))
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::{dummy, index, marked, named, owner, up, vlan};
    use super::*;
    use crate::link::{KindInfo, VlanInfo};
    use crate::value::NsId;

    fn on(parent: &str) -> Parent {
        Parent::new(IfName::new(parent).unwrap())
    }

    fn lonely(name: &str) -> Parent {
        Parent::dummy(IfName::new(name).unwrap())
    }

    fn eth0() -> LinkInfo {
        named("eth0", up(dummy(2)))
    }

    fn plan(parent: &Parent, links: &[LinkInfo]) -> Result<Plan, InvalidParent> {
        parent.plan_among(&owner(), links)
    }

    fn fifty() -> VlanId {
        VlanId::new(50).unwrap()
    }

    /// An index may have passed on from one to the other while they were read.
    #[test]
    fn links_that_seem_to_stand_on_each_other_are_no_endless_chain() {
        let links =
            [named("eth0.5", up(vlan(2, 3, 5))), named("b", up(vlan(3, 2, 7))), named("self", up(vlan(4, 4, 9)))];
        for name in ["eth0.5.6", "self.6"] {
            assert!(matches!(plan(&on(name), &links), Ok(Plan::Vlan { .. })), "{name}");
        }
    }

    #[test]
    fn what_is_there_is_used_whatever_its_name() {
        for name in ["eth0", "eth0.10.20", "eth0.", "bond0", "dm-mine"] {
            let down = named(name, dummy(7));
            assert_eq!(plan(&on(name), &[down]), Ok(Plan::Use(index(7))), "{name}");
        }
        let foreign = named("dm-1", dummy(7));
        assert_eq!(plan(&lonely("dm-1"), &[foreign]), Ok(Plan::Use(index(7))), "a foreign one of the dummy's name");
    }

    #[test]
    fn a_vlan_is_made_of_base_and_id() {
        let made = Ok(Plan::Vlan { base: index(2), protocol: VlanProtocol::Ieee8021Q, id: fifty() });
        assert_eq!(plan(&on("eth0.50"), &[eth0()]), made);
        assert_eq!(plan(&on("eth0.050"), &[eth0()]), made);
        let others = [
            named("eth1.50", vlan(7, 3, 50)),
            named("eth0.51", vlan(8, 2, 51)),
            named("provider", LinkInfo { kind: with_protocol(VlanProtocol::Ieee8021Ad), ..vlan(9, 2, 50) }),
            named("elsewhere", LinkInfo { parent_netnsid: NsId::new(0).ok(), ..vlan(10, 2, 50) }),
        ];
        assert_eq!(plan(&on("eth0.50"), &[[eth0()].as_slice(), &others].concat()), made, "beside others");
    }

    fn with_protocol(protocol: VlanProtocol) -> KindInfo {
        let vlan = vlan_of(&vlan(1, 1, 50)).cloned().unwrap();
        KindInfo::Vlan(VlanInfo { protocol: Some(protocol), ..vlan })
    }

    fn provider(number: u32, id: u16) -> LinkInfo {
        let kind = VlanInfo { protocol: Some(VlanProtocol::Ieee8021Ad), ..vlan_of(&vlan(9, 2, id)).cloned().unwrap() };
        LinkInfo { kind: KindInfo::Vlan(kind), ..vlan(number, 2, id) }
    }

    /// Each dot is a VLAN on the one before, down to the first link that is there.
    #[test]
    fn what_a_vlan_is_to_stand_on_comes_first() {
        let (q, ad) = (VlanProtocol::Ieee8021Q, VlanProtocol::Ieee8021Ad);
        let fifty_on = |base, protocol| Ok(Plan::Vlan { base: index(base), protocol, id: fifty() });
        for (name, below) in [("eth0.10.50", "eth0.10"), ("eth0.1.2.50", "eth0.1.2"), ("eth0.050.50", "eth0.050")] {
            assert_eq!(plan(&on(name), &[eth0()]), Ok(Plan::Below(on(below))), "{name}");
        }
        let there = named("eth0.10", vlan(7, 2, 10));
        assert_eq!(plan(&on("eth0.10.50"), &[eth0(), there.clone()]), fifty_on(7, q));
        assert_eq!(plan(&on("eth0.10.2.50"), &[eth0(), there.clone()]), Ok(Plan::Below(on("eth0.10.2"))));
        assert_eq!(plan(&on("br.lan.50"), &[named("br.lan", dummy(7))]), fifty_on(7, q), "a dot that is no VLAN");

        let of_provider = |name| on(name).outer_protocol(ad).bring_up();
        assert_eq!(plan(&of_provider("eth0.50"), &[eth0()]), fifty_on(2, ad));
        assert_eq!(plan(&of_provider("eth0.10.50"), &[eth0()]), Ok(Plan::Below(of_provider("eth0.10"))));
        let outer = named("eth0.10", provider(7, 10));
        assert_eq!(plan(&of_provider("eth0.10.50"), &[eth0(), outer.clone()]), fifty_on(7, q));
        let middle = named("eth0.10.20", vlan(8, 7, 20));
        assert_eq!(plan(&of_provider("eth0.10.20.50"), &[eth0(), outer, middle]), fifty_on(8, q));
        let parent = IfName::new("eth0.10.50").unwrap();
        let other = InvalidParent::OuterProtocol { parent, there: there.name, found: q, asked: ad };
        assert_eq!(plan(&of_provider("eth0.10.50"), &[eth0(), there]), Err(other));
    }

    #[test]
    fn a_vlan_is_said_apart_from_its_name() {
        let up100 = |base: &str, id| {
            let [name, base] = ["up100", base].map(|name| IfName::new(name).unwrap());
            Parent::vlan(name, base, VlanId::new(id).unwrap())
        };
        let long = || named("enp130s0f0np0", up(dummy(2)));
        let made = Plan::Vlan { base: index(2), protocol: VlanProtocol::Ieee8021Q, id: fifty() };
        assert_eq!(plan(&up100("enp130s0f0np0", 50), &[long()]), Ok(made));
        assert_eq!(plan(&up100("eth0.10", 50), &[eth0()]), Ok(Plan::Below(on("eth0.10"))), "its base is one by name");
        let parent = IfName::new("up100").unwrap();
        let no_base = InvalidParent::NoBase { parent, base: IfName::new("eth9").unwrap() };
        assert_eq!(plan(&up100("eth9", 50), &[eth0()]), Err(no_base));
        assert_eq!(plan(&up100("eth0", 0), &[eth0()]), Err(InvalidParent::VlanId { parent, id: "0".into() }));
        assert_eq!(plan(&up100("eth0", 50), &[named("up100", dummy(7))]), Ok(Plan::Use(index(7))));
    }

    #[test]
    fn an_mtu_is_at_most_that_of_what_it_is_made_on() {
        let small = || LinkInfo { mtu: 1400, ..eth0() };
        for name in ["eth0.50", "eth0.10.50"] {
            let parent = IfName::new(name).unwrap();
            assert!(plan(&on(name).mtu(1400), &[small()]).is_ok());
            let above = InvalidParent::MtuAboveBase { parent, mtu: 1401, base: small().name, base_mtu: 1400 };
            assert_eq!(plan(&on(name).mtu(1401), &[small()]), Err(above));
        }
        let there = named("eth0.50", up(vlan(7, 2, 50)));
        assert_eq!(plan(&on("eth0.50").mtu(9000), &[there]), Ok(Plan::Use(index(7))), "it keeps what it has");
    }

    #[test]
    fn a_missing_parent_says_what_is_wrong_in_dockers_order() {
        let no_parent = |parent: &str| InvalidParent::NoParent(IfName::new(parent).unwrap());
        let no_base = |parent: &str, base: &str| InvalidParent::NoBase {
            parent: IfName::new(parent).unwrap(),
            base: IfName::new(base).unwrap(),
        };
        let no_id =
            |parent: &str, id: &str| InvalidParent::VlanId { parent: IfName::new(parent).unwrap(), id: id.into() };
        let rows = [
            ("eth9", no_parent("eth9")),
            (".50", no_parent(".50")),
            ("eth9.x", no_id("eth9.x", "x")),
            ("eth0.", no_id("eth0.", "")),
            ("eth9.4095", no_base("eth9.4095", "eth9")),
            ("eth9.10.4095", no_base("eth9.10.4095", "eth9")),
            ("eth9.x.20", no_id("eth9.x.20", "x")),
            ("eth0..20", no_id("eth0..20", "")),
            ("eth0.10.4095", no_id("eth0.10.4095", "4095")), // nothing is made before
            ("eth0.0.20", no_id("eth0.0.20", "0")),
            ("eth0.4095", no_id("eth0.4095", "4095")),
            ("eth0.0", no_id("eth0.0", "0")),
            ("eth0.-1", no_id("eth0.-1", "-1")),
            ("eth0.65586", no_id("eth0.65586", "65586")), // 50 in 16 bits
            ("eth0.99999999", no_id("eth0.99999999", "99999999")),
        ];
        for (parent, expected) in rows {
            assert_eq!(plan(&on(parent), &[eth0()]), Err(expected), "{parent}");
        }
        let lo = LinkInfo { flags: LinkFlags::LOOPBACK, ..named("lo0", dummy(1)) };
        for on_it in ["lo0", "lo0.50", "lo0.10.20"] {
            assert_eq!(plan(&on(on_it), std::slice::from_ref(&lo)), Err(InvalidParent::Loopback), "{on_it}");
        }
    }

    #[test]
    fn a_vlan_of_another_name_is_pointed_out() {
        let parent = IfName::new("eth0.50").unwrap();
        for there in ["uplink50", "sl~0123456789ab"] {
            let foreign = named(there, vlan(7, 2, 50));
            let expected = InvalidParent::VlanIsThere { parent, id: fifty(), there: foreign.name };
            assert_eq!(plan(&on("eth0.50"), &[eth0(), foreign]), Err(expected));
        }
    }

    #[test]
    fn what_is_ours_and_down_is_brought_up() {
        let ours = marked("eth0.50", named("eth0.50", vlan(7, 2, 50)));
        assert_eq!(plan(&on("eth0.50"), &[eth0(), ours.clone()]), Ok(Plan::Finish(index(7))));
        assert_eq!(plan(&on("eth0.50"), &[eth0(), up(ours)]), Ok(Plan::Use(index(7))));
        let no_longer = marked("eth0.50", named("eth0.50", vlan(7, 2, 51)));
        assert_eq!(plan(&on("eth0.50"), &[eth0(), no_longer]), Ok(Plan::Use(index(7))), "not what was made");
    }

    #[test]
    fn what_is_half_made_is_finished() {
        let vlan = marked("eth0.050", named("sl~0123456789ab", vlan(7, 2, 50)));
        assert_eq!(plan(&on("eth0.50"), &[eth0(), vlan]), Ok(Plan::Finish(index(7))));
        let half = |name: &str| marked(name, named("sl~0123456789ab", dummy(7)));
        assert_eq!(plan(&lonely("dm-1"), &[half("dm-1")]), Ok(Plan::Finish(index(7))));
        assert_eq!(plan(&lonely("dm-1"), &[half("dm-2")]), Ok(Plan::Dummy), "a dummy is one parent's");
        assert_eq!(plan(&lonely("dm-1"), &[named("dm-2", dummy(7))]), Ok(Plan::Dummy));
    }
}
