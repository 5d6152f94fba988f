//! Causes that are about links.

use super::surroundings::{Family, Surroundings};
use crate::error::{Reason, Result};
use crate::link::{
    ARPHRD_ETHER, KindInfo, LinkChange, LinkFlags, LinkInfo, LinkKind, LinkView, ListLinks, MacvlanFlags, MacvlanMode,
    VlanId, VlanProtocol, peer_name, sets_senders,
};
use crate::nsid::GetNsid;
use crate::request::{RequestInfo, Verb};
use crate::socket::Socket;
use crate::value::{IfIndex, IfName, MacAddr, NsId};
use nix::errno::Errno;

impl Surroundings<'_> {
    pub(super) fn not_permitted(&mut self) -> Option<Reason> {
        // A change of no link is refused for want of the capability before it is refused for want of the link.
        if self.socket.apply(&LinkChange::new(IfIndex(0))).is_err_and(|error| error.is_not_permitted()) {
            return Some(Reason::NotPermittedHere);
        }
        let RequestInfo { verb, is_elsewhere, parent_is_elsewhere, parent, .. } = *self.request;
        let stands_there = |link: Option<LinkInfo>| link.is_some_and(|link| link.parent_netnsid.is_some());
        match (verb, is_elsewhere, parent_is_elsewhere) {
            (Verb::Move, ..) | (Verb::Create, true, false) => Some(Reason::NotPermittedAtTarget),
            (Verb::Create, false, true) => Some(Reason::NotPermittedAtParent),
            // A macvlan on a macvlan stands on that one's parent, whose namespace counts since Linux 7.3.
            (Verb::Create, false, false) if stands_there(parent.and_then(|parent| self.at(parent, None))) => {
                Some(Reason::NotPermittedAtParent)
            }
            (Verb::Create, ..) => Some(Reason::NotPermittedThere), // both, or that of a veth's other end
            (Verb::Change | Verb::Up | Verb::Down, ..) if stands_there(self.link.clone()) => {
                Some(Reason::NotPermittedAtParent)
            } // an ipvlan's
            _ => None,
        }
    }

    pub(super) fn not_permitted_there(&mut self) -> Option<Reason> {
        self.attribute::<NsId>(LinkView::IFLA_TARGET_NETNSID).and(Some(Reason::NotPermittedThere))
    }

    pub(super) fn group_zero(&mut self) -> Option<Reason> {
        (self.request.verb == Verb::DeleteGroup(0)).then_some(Reason::GroupZero)
    }

    pub(super) fn namespace_is_gone(&mut self) -> Option<Reason> {
        self.attribute(LinkView::IFLA_LINK_NETNSID).map(Reason::NamespaceIsGone)
    }

    pub(super) fn target_is_gone(&mut self) -> Option<Reason> {
        self.attribute(LinkView::IFLA_TARGET_NETNSID).map(Reason::NamespaceIsGone)
    }

    pub(super) fn not_a_namespace(&mut self) -> Option<Reason> {
        self.descriptor_is_refused(Errno::EINVAL) // EBADF says only that it was closed since
    }

    pub(super) fn not_a_descriptor(&mut self) -> Option<Reason> {
        self.descriptor_is_refused(Errno::EBADF)
    }

    /// Asked for the id of the namespace behind the descriptor, the kernel says whether there is one.
    fn descriptor_is_refused(&mut self, with: Errno) -> Option<Reason> {
        let fd = self.attribute(LinkView::IFLA_NET_NS_FD)?;
        let refused = self.socket.nsid(GetNsid::of_number(fd)).err()?.raw_os_error()?;
        (refused == with as i32).then_some(Reason::NotANamespace)
    }

    pub(super) fn link_is_gone(&mut self) -> Option<Reason> {
        let (index, nsid) = (self.target()?, self.target_nsid());
        self.is_gone(index, nsid).then_some(Reason::LinkIsGone(index))
    }

    pub(super) fn parent_is_gone(&mut self) -> Option<Reason> {
        let (index, nsid) = (self.request.parent?, self.asked.as_ref()?.parent_netnsid);
        if self.request.is_elsewhere && nsid.is_some() {
            return None; // an id of the other namespace's
        }
        self.is_gone(index, nsid).then_some(Reason::ParentIsGone(index))
    }

    pub(super) fn master_is_gone(&mut self) -> Option<Reason> {
        let index = self.asked.as_ref()?.master?;
        self.is_gone(index, None).then_some(Reason::MasterIsGone(index))
    }

    /// The kernel answers EOPNOTSUPP where the master's kind takes no ports (`do_set_master`).
    pub(super) fn is_no_master(&mut self) -> Option<Reason> {
        let (asked, link) = self.changed()?;
        let (index, link) = (asked.master?, link.name);
        let master = self.at(index, None)?;
        let takes_ports = WITH_PORTS.iter().any(|kind| master.kind.name() == *kind);
        (!takes_ports).then_some(Reason::NotAPort { link, master: master.name })
    }

    /// A bridge takes Ethernet only, and not `lo`.
    pub(super) fn not_a_port(&mut self) -> Option<Reason> {
        let (asked, link) = self.changed()?;
        let is_refused = link.flags.contains(LinkFlags::LOOPBACK) || link.device_type != ARPHRD_ETHER;
        let (index, link) = (asked.master.filter(|_| is_refused)?, link.name);
        let master = self.at(index, None)?;
        (master.kind.name() == "bridge").then_some(Reason::NotAPort { link, master: master.name })
    }

    pub(super) fn of_another_kind(&mut self) -> Option<Reason> {
        let (asked, link) = self.changed()?;
        let is_other = asked.kind != KindInfo::None && asked.kind.name() != link.kind.name();
        is_other.then(|| Reason::OfAnotherKind { link: link.name, kind: asked.kind.name().to_string().into() })
    }

    pub(super) fn group_is_empty(&mut self) -> Option<Reason> {
        let Verb::DeleteGroup(group) = self.request.verb else { return None };
        self.group(group)?.is_empty().then_some(Reason::GroupIsEmpty(group))
    }

    /// The kernel deletes only links that a program has made.
    pub(super) fn not_deletable(&mut self) -> Option<Reason> {
        let is_kept = |link: &LinkInfo| link.kind == KindInfo::None;
        let kept = match self.request.verb {
            Verb::Delete => self.link.clone().filter(is_kept),
            Verb::DeleteGroup(group) => self.group(group)?.into_iter().find(is_kept),
            _ => None,
        };
        kept.map(|link| Reason::NotDeletable(link.name))
    }

    fn group(&mut self, group: u32) -> Option<Vec<LinkInfo>> {
        let mut links = self.socket.snapshot(&ListLinks::new()).ok()?;
        links.retain(|link| link.group == group);
        Some(links)
    }

    /// The kernel says of this link that its namespace is immutable.
    pub(super) fn stays_in_namespace(&mut self) -> Option<Reason> {
        let link = self.link.as_ref().filter(|_| self.request.verb == Verb::Move)?;
        Some(Reason::StaysInNamespace { link: link.name, kind: link.kind.name().to_string().into() })
    }

    /// Up to Linux 6.1 the kernel answers a bare EINVAL. Links of these kinds cannot leave, and neither can `lo`.
    pub(super) fn is_kept_here(&mut self) -> Option<Reason> {
        let link = self.link.as_ref()?;
        let is_kept =
            link.flags.contains(LinkFlags::LOOPBACK) || WITH_PORTS.iter().any(|kind| link.kind.name() == *kind);
        if is_kept { self.stays_in_namespace() } else { None }
    }

    pub(super) fn name_is_taken(&mut self) -> Option<Reason> {
        let name = self.request.name.clone().filter(|_| !self.request.is_elsewhere)?;
        self.is_taken(name)
    }

    pub(super) fn peer_name_is_taken(&mut self) -> Option<Reason> {
        let name = peer_name(self.sent).filter(|_| self.request.verb == Verb::Create)?;
        self.is_taken(name.as_bytes().into())
    }

    fn is_taken(&mut self, name: Box<[u8]>) -> Option<Reason> {
        let (owner, index) = self.owner_of(&name)?;
        Some(Reason::NameIsTaken { name, owner, index })
    }

    pub(super) fn no_such_alt_name(&mut self) -> Option<Reason> {
        let name = self.alt_name_to_delete()?;
        let is_absent = self.socket.link_by_alt_name(&name).is_err_and(|error| error.is_no_device());
        is_absent.then_some(Reason::NoSuchAltName(name))
    }

    pub(super) fn not_its_alt_name(&mut self) -> Option<Reason> {
        let name = self.alt_name_to_delete()?;
        let (owner, index) = self.owner_of(&name)?;
        Some(Reason::NotItsAltName { name, owner, index })
    }

    fn alt_name_to_delete(&self) -> Option<Box<[u8]>> {
        self.request.name.clone().filter(|_| self.request.verb == Verb::DeleteAltName)
    }

    pub(super) fn index_is_taken(&mut self) -> Option<Reason> {
        let index = self.request.index.filter(|_| self.request.verb == Verb::Create && !self.request.is_elsewhere)?;
        self.socket.name_of(index).ok().map(|owner| Reason::IndexIsTaken { index, owner })
    }

    /// A taken name is EEXIST, and since Linux 6.16 so is a taken index in a create. Older kernels look in this namespace as
    /// well: for the index if the request has one, else for the name.
    pub(super) fn taken_there(&mut self) -> Option<Reason> {
        let (name, index) = (self.name().filter(|_| self.request.is_elsewhere), self.request.index);
        match self.request.verb {
            Verb::Create if self.request.is_elsewhere => {
                let here = match (index, name) {
                    (Some(index), _) => self.socket.name_of(index).ok(),
                    (None, None) => return None, // an index that the library chose, and others after it
                    _ if self.has_index() => None,
                    (None, Some(name)) => self.owner_of(name.as_bytes()).map(|(owner, _)| owner),
                };
                Some(Reason::TakenThere { name, index, owner: None, here, or_alt_name: false })
            }
            Verb::Move => {
                let link = self.link.as_ref();
                let or_alt_name = link.is_some_and(|link| !link.alt_names.is_empty());
                let name = name.or(link.map(|link| link.name));
                Some(Reason::TakenThere { name, index: None, owner: None, here: None, or_alt_name })
            }
            _ => None,
        }
    }

    /// Whether an index was chosen, by the caller or by the library.
    fn has_index(&self) -> bool {
        RequestInfo::of(self.sent).is_some_and(|sent| sent.index.is_some())
    }

    /// Where a taken index is no EEXIST ([`taken_there`](Self::taken_there)), it is EBUSY.
    pub(super) fn index_is_taken_there(&mut self) -> Option<Reason> {
        let index = self.index_there()?;
        let family = Family::of(&self.asked.as_ref()?.kind).filter(|family| *family != Family::Vlan);
        let is_parent_free = family.is_none_or(|family| self.siblings.iter().any(|sibling| family.has(sibling)));
        let index = Some(index);
        let taken = Reason::TakenThere { name: None, index, owner: None, here: None, or_alt_name: false };
        is_parent_free.then_some(taken)
    }

    /// The index that the link was to have in another namespace.
    fn index_there(&self) -> Option<IfIndex> {
        match self.request.verb {
            Verb::Create => self.request.index.filter(|_| self.request.is_elsewhere),
            _ => self.asked.as_ref()?.new_index,
        }
    }

    pub(super) fn renamed_while_up(&mut self) -> Option<Reason> {
        let link = self.link.as_ref().filter(|link| link.flags.contains(LinkFlags::UP))?;
        self.name().and(Some(Reason::RenamedWhileUp(link.name)))
    }

    pub(super) fn vlan_is_there(&mut self) -> Option<Reason> {
        let wanted @ (id, _) = vlan_of(self.asked.as_ref()?)?;
        let there = self.siblings.iter().find(|sibling| vlan_of(sibling) == Some(wanted))?;
        Some(Reason::VlanIsThere { id, name: there.name, index: there.index })
    }

    pub(super) fn vlan_is_elsewhere(&mut self) -> Option<Reason> {
        let (asked, _) = self.created()?;
        vlan_of(asked).map(|(id, _)| Reason::VlanIsElsewhere(id))
    }

    pub(super) fn mac_of_parent(&mut self) -> Option<Reason> {
        let (mac, parent) = (self.mac()?, self.parent.as_ref()?);
        (parent.mac == Some(mac)).then_some(Reason::MacOfParent { mac, parent: parent.name })
    }

    /// A sibling that is down does not count.
    pub(super) fn mac_of_sibling(&mut self) -> Option<Reason> {
        let mac = self.mac()?;
        let counts = |link: &&LinkInfo| link.mac == Some(mac) && link.flags.contains(LinkFlags::UP);
        let owner = self.siblings.iter().filter(|sibling| Family::Macvlan.has(sibling)).find(counts)?;
        Some(Reason::MacOfSibling { mac, owner: owner.name, index: owner.index })
    }

    pub(super) fn mac_elsewhere(&mut self) -> Option<Reason> {
        let (mac, parent) = (self.mac()?, self.parent.as_ref()?);
        let (parent, index) = (parent.name, parent.index);
        let is_its_own =
            self.link.as_ref().is_some_and(|link| link.mac == Some(mac) && link.flags.contains(LinkFlags::UP));
        let is_in_use = !is_its_own && self.nsid.is_none() && is_in_use(self.socket, index, mac);
        let elsewhere = Reason::MacElsewhere { mac, parent };
        Some(if is_in_use { elsewhere } else { Reason::MacMayBeElsewhere { mac, parent } })
    }

    pub(super) fn parent_is_down(&mut self) -> Option<Reason> {
        let parent = self.parent.as_ref()?;
        (!parent.flags.contains(LinkFlags::UP)).then_some(Reason::ParentIsDown(parent.name))
    }

    pub(super) fn parent_is_loopback(&mut self) -> Option<Reason> {
        let (_, parent) = self.created()?;
        parent.flags.contains(LinkFlags::LOOPBACK).then_some(Reason::ParentIsLoopback(parent.name))
    }

    pub(super) fn parent_is_not_ethernet(&mut self) -> Option<Reason> {
        let (_, &LinkInfo { name: parent, device_type, .. }) = self.created()?;
        (device_type != ARPHRD_ETHER).then_some(Reason::ParentIsNotEthernet { parent, device_type })
    }

    /// Links of these kinds let no other link receive their packets (`IFF_NO_RX_HANDLER`).
    pub(super) fn parent_refuses(&mut self) -> Option<Reason> {
        let (asked, parent) = self.created()?;
        let (kind, child) = (parent.kind.name(), asked.kind.name());
        let is_refused = match Family::of(&asked.kind)? {
            Family::Macvlan => [LinkKind::Ipvlan.as_str(), "ipvtap", "vrf"].iter().any(|refusing| kind == *refusing),
            Family::Ipvlan => kind == "vrf",
            Family::Vlan => false,
        };
        let (kind, child) = (kind.to_string().into(), child.to_string().into());
        is_refused.then_some(Reason::ParentRefuses { parent: parent.name, kind, child })
    }

    pub(super) fn too_deep(&mut self) -> Option<Reason> {
        self.created().and(Some(Reason::TooDeep))
    }

    pub(super) fn mtu_above_parent(&mut self) -> Option<Reason> {
        let (mtu, parent) = (self.asked.as_ref()?.mtu, self.parent.as_ref()?);
        (mtu > parent.mtu).then_some(Reason::MtuAboveParent { mtu, parent: parent.name, parent_mtu: parent.mtu })
    }

    pub(super) fn parent_carries(&mut self) -> Option<Reason> {
        let (asked, parent) = self.created()?;
        let family = Family::of(&asked.kind)?;
        carries(parent, &self.siblings, |other| other != family)
    }

    /// A link that carries macvlans or ipvlans cannot become a port.
    pub(super) fn link_carries(&mut self) -> Option<Reason> {
        let (asked, link) = self.changed()?;
        let (link, _) = (link.clone(), asked.master?);
        let children = self.socket.snapshot(&ListLinks::new().parent(link.index)).ok()?;
        carries(&link, &children, |_| true)
    }

    pub(super) fn parent_is_port(&mut self) -> Option<Reason> {
        let (_, &LinkInfo { name: parent, master, .. }) = self.created()?;
        let master = self.at(master?, self.nsid)?.name;
        Some(Reason::ParentIsPort { parent, master })
    }

    pub(super) fn parent_is_taken(&mut self) -> Option<Reason> {
        let (_, parent) = self.created()?;
        Some(Reason::ParentIsTaken { parent: parent.name, index: self.index_there() })
    }

    pub(super) fn no_such_mode(&mut self) -> Option<Reason> {
        let mode = mode_of(self.asked.as_ref()?)?;
        matches!(mode, MacvlanMode::Other(_)).then_some(Reason::NoSuchMode(mode))
    }

    pub(super) fn passthru_is_for_life(&mut self) -> Option<Reason> {
        let (asked, link) = self.changed()?;
        let (wanted, from) = (mode_of(asked)?, mode_of(link)?);
        let is_for_life = wanted != from && [wanted, from].contains(&MacvlanMode::Passthru);
        is_for_life.then_some(Reason::PassthruIsForLife { link: link.name, from })
    }

    /// A change that has both sets the mode before the senders, so the new mode counts.
    pub(super) fn not_in_source_mode(&mut self) -> Option<Reason> {
        let mode = mode_of(self.asked.as_ref()?).or_else(|| mode_of(self.link.as_ref()?)).unwrap_or(MacvlanMode::Vepa);
        let is_wrong = sets_senders(self.sent) && mode != MacvlanMode::Source;
        is_wrong.then_some(Reason::NotInSourceMode(mode))
    }

    pub(super) fn passthru(&mut self) -> Option<Reason> {
        let (asked, parent) = self.created()?;
        let macvlans = self.siblings.iter().filter(|sibling| Family::Macvlan.has(sibling));
        let mut all = macvlans.clone().chain([asked]);
        let is_reason = Family::Macvlan.has(asked) && all.any(|link| mode_of(link) == Some(MacvlanMode::Passthru));
        let children = macvlans.map(|sibling| sibling.name).collect();
        is_reason.then_some(Reason::Passthru { parent: parent.name, children })
    }

    /// Kernels before 5.12 know the flag `nopromisc` only.
    pub(super) fn unknown(&mut self) -> Option<Reason> {
        let (asked, parent) = self.created()?;
        let flags = match &asked.kind {
            KindInfo::Macvlan(macvlan) => macvlan.flags,
            KindInfo::Macvtap(macvtap) => macvtap.flags,
            _ => return None,
        };
        let flags = flags.filter(|flags| !MacvlanFlags::NOPROMISC.contains(*flags));
        Some(Reason::Unknown { parent: parent.name, flags })
    }
}

/// The kinds of links that take others as ports. They stay in their namespaces.
const WITH_PORTS: [&str; 4] = ["bridge", "bond", "team", "vrf"];

/// Whether a macvlan that cannot be seen has this address: the parent has it in its list, and no VLAN has put it there.
pub(super) fn is_in_use(socket: &mut Socket, parent: IfIndex, mac: MacAddr) -> bool {
    let lets_in = |socket: &mut Socket, link| socket.macs_on(link, &[]).is_ok_and(|macs| macs.has(mac));
    if !lets_in(socket, parent) {
        return false;
    }
    let vlans = socket.snapshot(&ListLinks::new().kind(LinkKind::Vlan.as_str()).parent(parent));
    vlans.is_ok_and(|vlans| vlans.iter().all(|vlan| vlan.mac != Some(mac) && !lets_in(socket, vlan.index)))
}

/// Which of a name and an index a link of the namespace of `inside` has. `None` if no link has either.
///
/// # Errors
/// Why that is not known.
pub(super) fn taken_in(inside: &mut Socket, name: Option<IfName>, index: Option<IfIndex>) -> Result<Option<Reason>> {
    let taken = |name, index, owner| Reason::TakenThere { name, index, owner, here: None, or_alt_name: false };
    if let Some(wanted) = name {
        let owner = found(inside.link_by_alt_name(wanted.as_bytes()).map(|link| link.if_name()))?;
        if owner.is_some() {
            return Ok(Some(taken(name, None, owner)));
        }
    }
    let Some(wanted) = index else { return Ok(None) };
    Ok(found(inside.name_of(wanted))?.map(|owner| taken(None, index, Some(owner))))
}

/// What was looked for, or `None` if no link is it.
fn found<T>(looked: Result<T>) -> Result<Option<T>> {
    match looked {
        Err(error) if error.is_no_device() => Ok(None),
        looked => looked.map(Some),
    }
}

/// The child of `parent` that receives its packets, of a family that is `looked_for`.
fn carries(parent: &LinkInfo, children: &[LinkInfo], looked_for: impl Fn(Family) -> bool) -> Option<Reason> {
    let takes = |child: &&LinkInfo| Family::of(&child.kind).is_some_and(|f| f != Family::Vlan && looked_for(f));
    let child = children.iter().find(takes)?;
    Some(Reason::ParentCarries { parent: parent.name, child: child.name, kind: child.kind.name().to_string().into() })
}

pub(super) fn mode_of(link: &LinkInfo) -> Option<MacvlanMode> {
    match &link.kind {
        KindInfo::Macvlan(macvlan) => macvlan.mode,
        KindInfo::Macvtap(macvtap) => macvtap.mode,
        _ => None,
    }
}

fn vlan_of(link: &LinkInfo) -> Option<(VlanId, VlanProtocol)> {
    match &link.kind {
        KindInfo::Vlan(vlan) => Some((vlan.id?, vlan.protocol.unwrap_or(VlanProtocol::Ieee8021Q))),
        _ => None,
    }
}
