//! Parents: links that containers' links stand on, found or made on demand, and removed again.
//!
//! ```text
//!   eth0.50  ──►  the link of that name, where it is there      used as it is
//!            ──►  VLAN 50 of eth0, where it is not              made, marked, shared, removed when nothing stands on it
//!   a dummy  ──►  the link of that name, or a dummy             the same
//! ```
//!
//! What is made is marked in the kernel, in the link's alias. A mark is a hint and never enough: before a parent is removed,
//! its kind, base, protocol and id are looked at, and whether anything stands on it.
//!
//! Links are looked up by name, and listed by kind where that does not do: a host's other links cost nothing, and may come
//! and go meanwhile.

mod attach;
mod mark;
mod probe;
mod removal;
mod vlans;

pub use mark::Owner;
pub use removal::{Removal, remove_orphans};

pub(in crate::network) use mark::Made;

use super::{Error, InvalidNetwork, Result};
use crate::link::{LinkChange, LinkFlags, LinkInfo, ListLinks, NewLink, VlanId};
use crate::socket::{Query, Socket};
use crate::value::{Alias, IfIndex, IfName, maybe};
use attach::Patience;
use mark::{base_and_id, is_vlan};

/// How often in a row an EEXIST is taken for another maker's doing. It may be for good: a VLAN of the id that was moved to
/// another namespace.
const COLLISIONS: usize = 25;

/// A link for others to stand on: there already, or made on demand.
///
/// It is what netavark and the CNI plugins call `parent` and `master`.
///
/// ```no_run
/// use sublink::network::{Parent, Removal};
/// use sublink::{Endpoint, IfName, NewLink, Owner, Socket};
/// let (mut host, owner) = (Socket::open()?, Owner::new("my-runtime")?);
/// let parent = Parent::new(IfName::new("eth0.50")?); // VLAN 50 of eth0, made where it is not there
/// let up = parent.up(&mut host, &owner)?;
/// let endpoint = Endpoint::new(NewLink::macvlan(up.index).name(IfName::new("eth0")?));
/// // … and when the last container has left:
/// if parent.remove(&mut host, &owner, &[])? == Removal::InUse {
///     eprintln!("{} is kept: something stands on it", parent.name());
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Parent {
    name: IfName,
    make: Make,
    mtu: Option<u32>,
}

/// What is made where there is no link of the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Make {
    /// The VLAN that the name says.
    VlanByName,
    Dummy,
}

/// What is to be done for a parent to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Plan {
    /// Nothing: it is there.
    Use(IfIndex),
    /// Give this link its name and bring it up. This owner made it, and somebody has taken it down since; or who was making
    /// it ended halfway.
    Finish(IfIndex),
    /// Make a VLAN.
    #[non_exhaustive]
    Vlan {
        /// The link that it is to stand on.
        base: IfIndex,
        /// Its id.
        id: VlanId,
    },
    /// Make a dummy.
    Dummy,
}

/// A parent that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Up {
    /// Its index.
    pub index: IfIndex,
    /// Whether this call made it. Of several callers at once, one made it.
    pub made: bool,
}

impl Parent {
    maybe!();

    /// The link of this name. Where there is none, `BASE.ID` is made: the 802.1Q VLAN `ID` of the link `BASE`.
    #[must_use]
    pub const fn new(name: IfName) -> Self {
        Self { name, make: Make::VlanByName, mtu: None }
    }

    /// The link of this name. Where there is none, a dummy is made: a parent that leads nowhere.
    #[must_use]
    pub const fn dummy(name: IfName) -> Self {
        Self { name, make: Make::Dummy, mtu: None }
    }

    /// With this MTU, if it is made: a VLAN with at most its base's. A link that is there keeps the MTU that it has.
    #[must_use]
    pub const fn mtu(mut self, mtu: u32) -> Self {
        self.mtu = Some(mtu);
        self
    }

    /// Its name.
    pub const fn name(&self) -> IfName {
        self.name
    }

    /// Says what is to be done for it to be there, from links that were read before. They are the link of its name, and the
    /// link of its base; and where there is no link of its name, the VLANs on the base, or the dummies.
    ///
    /// # Errors
    /// It cannot be made: see [`InvalidNetwork`]. The id is checked for being a number first, then it is looked for the base,
    /// and then it is checked whether the id is in range, as Docker does.
    pub fn plan_among(&self, owner: &Owner, links: &[LinkInfo]) -> Result<Plan, InvalidNetwork> {
        match links.iter().find(|link| link.name == self.name) {
            Some(link) if link.flags.contains(LinkFlags::LOOPBACK) => Err(InvalidNetwork::Loopback),
            Some(link) if is_up(link) || owner.made(link, links).is_none() => Ok(Plan::Use(link.index)),
            Some(link) => Ok(Plan::Finish(link.index)),
            None => match self.make {
                Make::VlanByName => self.plan_vlan(owner, links),
                Make::Dummy => Ok(self.plan_dummy(owner, links)),
            },
        }
    }

    fn plan_vlan(&self, owner: &Owner, links: &[LinkInfo]) -> Result<Plan, InvalidNetwork> {
        let parent = self.name;
        let (base, id) = base_and_id(&parent).ok_or(InvalidNetwork::NoParent(parent))?;
        let no_id = || InvalidNetwork::VlanId { parent, id: id.into() };
        let number: i64 = id.parse().map_err(|_| no_id())?;
        let no_base = || InvalidNetwork::NoBase { parent, base: base.into() };
        let base = links.iter().find(|link| link.name == base).ok_or_else(no_base)?;
        if base.flags.contains(LinkFlags::LOOPBACK) {
            return Err(InvalidNetwork::Loopback);
        }
        let id = u16::try_from(number).ok().filter(|id| *id > 0).and_then(|id| VlanId::new(id).ok());
        let id = id.ok_or_else(no_id)?;
        match links.iter().find(|link| is_vlan(link, base.index, id)) {
            None => Ok(Plan::Vlan { base: base.index, id }),
            Some(link) if owner.made(link, links) == Some(Made::Unfinished) => Ok(Plan::Finish(link.index)),
            Some(link) => Err(InvalidNetwork::VlanIsThere { parent, id, there: link.name }),
        }
    }

    fn plan_dummy(&self, owner: &Owner, links: &[LinkInfo]) -> Plan {
        let mark = owner.mark(self.name);
        let is_half_made = |link: &&LinkInfo| {
            let is_dummy = link.kind.name() == "dummy" && owner.made(link, links) == Some(Made::Unfinished);
            is_dummy && link.alias.as_deref() == Some(&*mark)
        };
        links.iter().find(is_half_made).map_or(Plan::Dummy, |link| Plan::Finish(link.index))
    }

    /// Says what is to be done for it to be there, by [`plan_among`](Self::plan_among), and changes nothing.
    pub fn plan(&self, host: &mut Socket, owner: &Owner) -> Result<Plan> {
        let links = self.read(host)?;
        self.plan_among(owner, &links).map_err(|invalid| by_alt_name(invalid, host).into())
    }

    /// Reads what a plan is made from.
    fn read(&self, host: &mut Socket) -> Result<Vec<LinkInfo>> {
        let there = find(host, self.name)?;
        if there.as_ref().is_some_and(is_up) {
            return Ok(there.into_iter().collect());
        }
        let base = base_and_id(&self.name).and_then(|(base, _)| IfName::new(base).ok());
        let base = base.map(|base| find(host, base)).transpose()?.flatten();
        let others = match (self.make, &base) {
            _ if there.is_some() => Vec::new(),
            (Make::VlanByName, None) => Vec::new(),
            (Make::VlanByName, Some(base)) => list(host, &ListLinks::new().kind("vlan").parent(base.index))?,
            (Make::Dummy, _) => list(host, &ListLinks::new().kind("dummy"))?,
        };
        Ok(there.into_iter().chain(base).chain(others).collect())
    }

    /// Makes it where it is not there (again), marked as `owner`'s, and returns its index. Doing it twice, or at once, does
    /// no harm: a link that somebody else is about to finish is awaited, for five seconds. A link that was there before is
    /// used as it is.
    ///
    /// # Errors
    /// It [cannot be made](InvalidNetwork), or the kernel refused, and it has been looked
    /// [why](crate::Error::reason); then nothing is left. (Where answers are lost again and again, a half-made link may be,
    /// which whoever comes next finishes or removes.)
    pub fn up(&self, host: &mut Socket, owner: &Owner) -> Result<Up> {
        let (mut patience, mut collisions) = (Patience::new(), 0);
        loop {
            let error = match self.try_up(host, owner) {
                Ok(up) => return Ok(up),
                Err(error) => error,
            };
            // Somebody else was quicker to make it, is making it, or has removed what was planned with.
            let may_pass = match &error {
                Error::Invalid(InvalidNetwork::VlanIsThere { there, .. }) => there.is_temporary(),
                Error::Invalid(_) => false,
                Error::Failed(failed) if failed.is_already_there() => {
                    collisions += 1;
                    collisions < COLLISIONS
                }
                Error::Failed(failed) => failed.is_no_device(),
            };
            if !may_pass || !patience.wait(None) {
                return Err(match error {
                    Error::Failed(failed) => failed.explained(host).into(),
                    invalid @ Error::Invalid(_) => invalid,
                });
            }
        }
    }

    fn try_up(&self, host: &mut Socket, owner: &Owner) -> Result<Up> {
        let mtu = self.mtu;
        let made = match self.plan(host, owner)? {
            Plan::Use(index) => return Ok(Up { index, made: false }),
            Plan::Finish(index) => {
                self.finish(host, owner, index)?;
                return Ok(Up { index, made: false });
            }
            Plan::Vlan { base, id } => {
                owner.make(host, self.name, |name| NewLink::vlan(base, id).name(name).maybe(mtu, NewLink::mtu))?
            }
            Plan::Dummy => owner.make(host, self.name, |name| NewLink::dummy().name(name).maybe(mtu, NewLink::mtu))?,
        };
        let Some(index) = made else { return Ok(Up { index: host.index_of(self.name)?, made: true }) };
        if let Err(error) = self.finish(host, owner, index) {
            let _ = host.delete(index); // a half-made one is finished or removed later
            return Err(error.into());
        }
        Ok(Up { index, made: true })
    }

    /// Gives a link that was made its name, with the mark of that name, and brings it up.
    fn finish(&self, host: &mut Socket, owner: &Owner, index: IfIndex) -> crate::Result<()> {
        let mark = owner.mark(self.name);
        match host.change(&LinkChange::new(index).name(self.name).alias(Alias::new(&mark)?).up()) {
            // Up to Linux 6.1, one that somebody else has finished meanwhile cannot even be given the name that it has.
            Err(_) if host.link_at(index).is_ok_and(|link| link.name() == self.name && link.is_up()) => Ok(()),
            done => done.map_err(|error| error.explained(host).with_name(self.name)),
        }
    }

    /// The link of its name.
    fn find(&self, host: &mut Socket) -> Result<Option<LinkInfo>> {
        find(host, self.name)
    }
}

/// Where a link was looked for in vain that has the name as an alternative name, that is why.
fn by_alt_name(invalid: InvalidNetwork, host: &mut Socket) -> InvalidNetwork {
    let name = match &invalid {
        InvalidNetwork::NoParent(name) => Some(*name),
        InvalidNetwork::NoBase { base, .. } => IfName::new(base).ok(),
        _ => None,
    };
    let owner = name.and_then(|name| host.link_by_alt_name(name).ok()).map(|link| link.if_name());
    match (name, owner) {
        (Some(name), Some(owner)) if name != owner => InvalidNetwork::OnlyAltName { name, owner },
        _ => invalid,
    }
}

fn is_up(link: &LinkInfo) -> bool {
    link.flags.contains(LinkFlags::UP)
}

/// The link of this name, if there is one.
fn find(host: &mut Socket, name: IfName) -> Result<Option<LinkInfo>> {
    match host.link(name) {
        Ok(link) => Ok(Some(link.to_owned())),
        Err(error) if error.is_no_device() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A list that says what is already there. Where it changes while it is read, over and over, it is taken as it is: what a
/// decision needs for certain is asked of the kernel afterwards, which refuses a second VLAN of an id and a second link of a
/// name.
fn list<Q: Query>(host: &mut Socket, query: &Q) -> Result<Vec<Q::Info>> {
    match host.snapshot(query) {
        Err(partial) if partial.error.is_interrupted() => Ok(partial.items),
        read => Ok(read.map_err(crate::Error::from)?),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{dummy, index, marked, named, owner, up, vlan};
    use super::*;
    use crate::link::VlanProtocol;
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

    fn plan(parent: &Parent, links: &[LinkInfo]) -> Result<Plan, InvalidNetwork> {
        parent.plan_among(&owner(), links)
    }

    fn fifty() -> VlanId {
        VlanId::new(50).unwrap()
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
        let made = Ok(Plan::Vlan { base: index(2), id: fifty() });
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

    fn with_protocol(protocol: VlanProtocol) -> crate::link::KindInfo {
        match vlan(1, 1, 50).kind {
            crate::link::KindInfo::Vlan(vlan) => {
                crate::link::KindInfo::Vlan(crate::link::VlanInfo { protocol: Some(protocol), ..vlan })
            }
            other => other,
        }
    }

    #[test]
    fn a_missing_parent_says_what_is_wrong_in_dockers_order() {
        let no_parent = |parent: &str| InvalidNetwork::NoParent(IfName::new(parent).unwrap());
        let no_base = |parent: &str, base: &str| InvalidNetwork::NoBase {
            parent: IfName::new(parent).unwrap(),
            base: base.into(),
        };
        let no_id =
            |parent: &str, id: &str| InvalidNetwork::VlanId { parent: IfName::new(parent).unwrap(), id: id.into() };
        let rows = [
            ("eth9", no_parent("eth9")),
            ("eth0.10.20", no_parent("eth0.10.20")),
            (".50", no_parent(".50")),
            ("eth9.x", no_id("eth9.x", "x")),
            ("eth0.", no_id("eth0.", "")),
            ("eth9.4095", no_base("eth9.4095", "eth9")),
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
        for on_it in ["lo0", "lo0.50"] {
            assert_eq!(plan(&on(on_it), std::slice::from_ref(&lo)), Err(InvalidNetwork::Loopback), "{on_it}");
        }
    }

    #[test]
    fn a_vlan_of_another_name_is_pointed_out() {
        let parent = IfName::new("eth0.50").unwrap();
        for there in ["uplink50", "sl~0123456789ab"] {
            let foreign = named(there, vlan(7, 2, 50));
            let expected = InvalidNetwork::VlanIsThere { parent, id: fifty(), there: foreign.name };
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
