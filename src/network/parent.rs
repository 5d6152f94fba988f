//! The parent of a network: found, or made on demand.

use super::mark::{Made, base_and_id, is_temporary, is_vlan};
use super::{InvalidNetwork, Network, Owner};
use crate::error::Result;
use crate::link::{LinkChange, LinkFlags, LinkInfo, ListLinks, NewLink, VlanId};
use crate::socket::Socket;
use crate::value::{IfIndex, IfName};
use std::thread;
use std::time::Duration;

/// How often, and how far apart, it is looked whether somebody else has finished making the VLAN that is wanted. It takes two
/// system calls; one who ended in between never will.
const LOOKS: usize = 50;
const PAUSE: Duration = Duration::from_millis(2);

/// What is to be done for a network to have its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParentPlan {
    /// Nothing: it is there.
    Use(IfIndex),
    /// Give this link its name and bring it up. It was made for a network of this owner, and taken down since; or who was
    /// making it ended halfway.
    Finish(IfIndex),
    /// Make a VLAN.
    Vlan {
        /// The link that it is to stand on.
        base: IfIndex,
        /// Its id.
        id: VlanId,
    },
    /// Make a dummy.
    Dummy {
        /// Its MTU, if the network says one.
        mtu: Option<u32>,
    },
}

impl Network {
    /// Says how it gets its parent, from the links there are.
    ///
    /// # Errors
    /// It cannot: see [`InvalidNetwork`]. Of a name to be made, it is said first that its id is no number, then that its
    /// base is missing, and then that the id is out of range, as Docker does.
    pub fn plan(&self, owner: &Owner, links: &[LinkInfo]) -> Result<ParentPlan, InvalidNetwork> {
        if self.config_only {
            return Err(InvalidNetwork::IsConfigOnly(self.name.clone()));
        }
        let name = self.parent_name();
        match links.iter().find(|link| link.name == name) {
            Some(link) if link.flags.contains(LinkFlags::LOOPBACK) => Err(InvalidNetwork::Loopback),
            Some(link) if link.flags.contains(LinkFlags::UP) || owner.made(link, links).is_none() => {
                Ok(ParentPlan::Use(link.index))
            }
            Some(link) => Ok(ParentPlan::Finish(link.index)),
            None if self.parent.is_some() => plan_vlan(name, owner, links),
            None => Ok(self.plan_dummy(owner, links)),
        }
    }

    fn plan_dummy(&self, owner: &Owner, links: &[LinkInfo]) -> ParentPlan {
        let mark = owner.mark(&self.name);
        let is_for_this = |link: &&LinkInfo| link.alias.as_deref() == Some(mark.as_bytes());
        let mut for_this = links.iter().filter(is_for_this);
        let is_half_made =
            |link: &&LinkInfo| owner.made(link, links) == Some(Made::Unfinished) && link.kind.name() == "dummy";
        match for_this.find(is_half_made) {
            Some(link) => ParentPlan::Finish(link.index),
            None => ParentPlan::Dummy { mtu: self.mtu },
        }
    }

    /// Brings the network up: makes its parent where it is not there (again), marked as `owner`'s, and returns its index.
    /// Doing it twice, or at once, does no harm: a VLAN that somebody else is about to finish is awaited, for 50 looks.
    /// A link that was there before is used as it is.
    ///
    /// # Errors
    /// It cannot have a parent ([`ErrorKind::Network`](crate::ErrorKind::Network)), or the kernel refused; then nothing is
    /// left. Of a link that was removed again, [`Error::explained`](crate::Error::explained) has looked why before.
    pub fn up(&self, host: &mut Socket, owner: &Owner) -> Result<IfIndex> {
        match self.try_up(host, owner) {
            // Somebody else was quicker to make it, or to remove what was planned with.
            Err(error) if error.is_already_there() || error.is_no_device() => self.try_up(host, owner),
            done => done,
        }
    }

    fn try_up(&self, host: &mut Socket, owner: &Owner) -> Result<IfIndex> {
        let index = match self.settled_plan(host, owner)? {
            ParentPlan::Use(index) => return Ok(index),
            ParentPlan::Finish(index) => return self.finish(host, index),
            ParentPlan::Vlan { base, id } => owner.make(host, &self.name, |name| NewLink::vlan(base, id).name(name))?,
            ParentPlan::Dummy { mtu } => owner.make(host, &self.name, |name| {
                let dummy = NewLink::dummy().name(name);
                mtu.into_iter().fold(dummy, NewLink::mtu)
            })?,
        };
        self.finish(host, index).map_err(|error| {
            let error = error.explained(host);
            let _ = host.delete(index); // a half-made one is finished or removed later
            error
        })
    }

    /// The plan, once nobody else is halfway through making the same.
    fn settled_plan(&self, host: &mut Socket, owner: &Owner) -> Result<ParentPlan> {
        // Mostly it is there and up. Then the list of all links, which may be long and changing, says nothing more.
        if let Ok(link) = host.link(self.parent_name()) {
            if link.is_up() {
                return Ok(self.plan(owner, &[link.to_owned()])?);
            }
        }
        let mut looks = 1;
        loop {
            match self.plan(owner, &host.snapshot(&ListLinks::new())?) {
                Err(InvalidNetwork::VlanIsThere { there, .. }) if is_temporary(&there) && looks < LOOKS => looks += 1,
                plan => return Ok(plan?),
            }
            thread::sleep(PAUSE);
        }
    }

    /// Gives a link that was made its name, and brings it up.
    fn finish(&self, host: &mut Socket, index: IfIndex) -> Result<IfIndex> {
        let name = self.parent_name();
        match host.change(&LinkChange::new(index).name(name).up()) {
            Ok(()) => Ok(index),
            // Up to Linux 6.1, one that somebody else has finished meanwhile cannot even be given the name that it has.
            Err(_) if host.link_at(index).is_ok_and(|link| link.name() == name && link.is_up()) => Ok(index),
            Err(error) => Err(error),
        }
    }
}

fn plan_vlan(parent: IfName, owner: &Owner, links: &[LinkInfo]) -> Result<ParentPlan, InvalidNetwork> {
    let (base, id) = base_and_id(&parent).ok_or(InvalidNetwork::NoParent(parent))?;
    let no_id = || InvalidNetwork::VlanId { parent, id: id.into() };
    let number: i64 = id.parse().map_err(|_| no_id())?;
    let no_base = || InvalidNetwork::NoBase { parent, base: base.into() };
    let base = links.iter().find(|link| link.name.as_bytes() == base.as_bytes()).ok_or_else(no_base)?;
    if base.flags.contains(LinkFlags::LOOPBACK) {
        return Err(InvalidNetwork::Loopback);
    }
    let id = u16::try_from(number).ok().filter(|id| *id > 0).and_then(|id| VlanId::new(id).ok());
    let id = id.ok_or_else(no_id)?;
    match links.iter().find(|link| is_vlan(link, base.index, id)) {
        None => Ok(ParentPlan::Vlan { base: base.index, id }),
        Some(link) if owner.made(link, links) == Some(Made::Unfinished) => Ok(ParentPlan::Finish(link.index)),
        Some(link) => Err(InvalidNetwork::VlanIsThere { parent, id, there: link.name }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{dummy, index, macvlan, marked, named, owner, up, vlan};
    use super::*;
    use crate::link::VlanProtocol;

    fn on(parent: &str) -> Network {
        macvlan("net").option("parent", parent).unwrap()
    }

    fn eth0() -> LinkInfo {
        named("eth0", up(dummy(2)))
    }

    fn plan(network: &Network, links: &[LinkInfo]) -> Result<ParentPlan, InvalidNetwork> {
        network.plan(&owner(), links)
    }

    fn fifty() -> VlanId {
        VlanId::new(50).unwrap()
    }

    #[test]
    fn what_is_there_is_used_whatever_its_name() {
        for name in ["eth0", "eth0.10.20", "eth0.", "bond0", "dm-mine"] {
            let down = named(name, dummy(7));
            assert_eq!(plan(&on(name), &[down]), Ok(ParentPlan::Use(index(7))), "{name}");
        }
        let network = macvlan("net");
        let own = LinkInfo { name: network.parent_name(), ..dummy(7) };
        assert_eq!(plan(&network, &[own]), Ok(ParentPlan::Use(index(7))), "a foreign one of the dummy's name");
    }

    #[test]
    fn a_vlan_is_made_of_base_and_id() {
        let made = Ok(ParentPlan::Vlan { base: index(2), id: fifty() });
        assert_eq!(plan(&on("eth0.50"), &[eth0()]), made);
        assert_eq!(plan(&on("eth0.050"), &[eth0()]), made);
        let others = [
            named("eth1.50", vlan(7, 3, 50)),
            named("eth0.51", vlan(8, 2, 51)),
            named("provider", LinkInfo { kind: with_protocol(VlanProtocol::Ieee8021Ad), ..vlan(9, 2, 50) }),
            named("elsewhere", LinkInfo { parent_netnsid: Some(0), ..vlan(10, 2, 50) }),
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
        let config = on("eth0").config_only();
        assert_eq!(plan(&config, &[eth0()]), Err(InvalidNetwork::IsConfigOnly("net".into())));
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
        let ours = marked("net", named("eth0.50", vlan(7, 2, 50)));
        assert_eq!(plan(&on("eth0.50"), &[eth0(), ours.clone()]), Ok(ParentPlan::Finish(index(7))));
        assert_eq!(plan(&on("eth0.50"), &[eth0(), up(ours)]), Ok(ParentPlan::Use(index(7))));
        let no_longer = marked("net", named("eth0.50", vlan(7, 2, 51)));
        assert_eq!(plan(&on("eth0.50"), &[eth0(), no_longer]), Ok(ParentPlan::Use(index(7))), "not what was made");
    }

    #[test]
    fn what_is_half_made_is_finished() {
        let vlan = marked("other", named("sl~0123456789ab", vlan(7, 2, 50)));
        assert_eq!(plan(&on("eth0.50"), &[eth0(), vlan]), Ok(ParentPlan::Finish(index(7))));
        let half = |network: &str| marked(network, named("sl~0123456789ab", dummy(7)));
        assert_eq!(plan(&macvlan("net"), &[half("net")]), Ok(ParentPlan::Finish(index(7))));
        let made = Ok(ParentPlan::Dummy { mtu: None });
        assert_eq!(plan(&macvlan("net"), &[half("other")]), made, "a dummy is one network's");
        assert_eq!(plan(&macvlan("net"), &[named("dm-other", dummy(7))]), made);
        assert_eq!(plan(&macvlan("net").mtu(9000), &[]), Ok(ParentPlan::Dummy { mtu: Some(9000) }));
    }
}
