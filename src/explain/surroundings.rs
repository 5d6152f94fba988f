//! A look around: the link, its parent, and what else stands on that.

use crate::error::Result;
use crate::link::{GetLink, IfInfo, KindInfo, LinkInfo, LinkView, ListLinks};
use crate::request::{RequestInfo, Verb};
use crate::socket::Socket;
use crate::value::{AltName, IfIndex, IfName, MacAddr, NsId};
use crate::wire::{Attributes, Get, Header};

/// What was asked for, and what there is.
pub(super) struct Surroundings<'a> {
    pub(super) socket: &'a mut Socket,
    pub(super) request: &'a RequestInfo,
    pub(super) sent: &'a [u8],
    /// The link as the request would have it, if it creates, changes or moves one.
    pub(super) asked: Option<LinkInfo>,
    /// The link that was there before the request, as it is now.
    pub(super) link: Option<LinkInfo>,
    /// The parent that the kernel goes by, if it can be seen.
    pub(super) parent: Option<LinkInfo>,
    /// The id of the parent's namespace, unless it is this one.
    pub(super) nsid: Option<NsId>,
    /// The other children of the parent that can be seen.
    pub(super) siblings: Vec<LinkInfo>,
}

impl<'a> Surroundings<'a> {
    pub(super) fn look(socket: &'a mut Socket, request: &'a RequestInfo, sent: &'a [u8]) -> Self {
        let asked = LinkView::of_request(sent).map(|asked| asked.to_owned());
        let mut surroundings =
            Surroundings { socket, request, sent, asked, link: None, parent: None, nsid: None, siblings: Vec::new() };
        let nsid = surroundings.target_nsid();
        surroundings.link = surroundings.target().and_then(|index| surroundings.at(index, nsid));
        let _ = surroundings.look_around();
        surroundings
    }

    /// Finds the parent and its children.
    fn look_around(&mut self) -> Option<()> {
        let is_create = self.request.verb == Verb::Create;
        if is_create && self.request.is_elsewhere && self.request.parent_is_elsewhere {
            return None; // the id of the parent's namespace is one of the other namespace's
        }
        let child = if is_create { &self.asked } else { &self.link };
        let &LinkInfo { index, parent, parent_netnsid: mut nsid, ref kind, .. } = child.as_ref()?;
        let family = Family::of(kind)?;
        let mut parent = self.at(parent?, nsid)?;
        // A macvlan that is to stand on a macvlan is put beside it.
        if family != Family::Vlan && Family::of(&parent.kind) == Some(family) {
            nsid = match (nsid, parent.parent_netnsid) {
                (nsid, None) => nsid,
                (None, there) => there,
                _ => return None,
            };
            parent = self.at(parent.parent?, nsid)?;
        }
        let children = ListLinks::new().parent(parent.index);
        let mut siblings = self.socket.snapshot(&nsid.map_or(children, |nsid| children.parent_in(nsid))).ok()?;
        siblings.retain(|sibling| is_create || sibling.index != index);
        if let Some(nsid) = nsid {
            siblings.extend(self.socket.snapshot(&children.in_netnsid(nsid)).ok()?);
        }
        (self.parent, self.nsid, self.siblings) = (Some(parent), nsid, siblings);
        Some(())
    }

    /// A link of this namespace, or of the one with this id.
    pub(super) fn at(&mut self, index: IfIndex, nsid: Option<NsId>) -> Option<LinkInfo> {
        self.find(GetLink::index(index), nsid).ok().map(|link| link.to_owned())
    }

    pub(super) fn is_gone(&mut self, index: IfIndex, nsid: Option<NsId>) -> bool {
        self.find(GetLink::index(index).name_only(), nsid).is_err_and(|error| error.is_no_device())
    }

    fn find(&mut self, get: GetLink<'_>, nsid: Option<NsId>) -> Result<LinkView<'_>> {
        self.socket.get(&nsid.map_or(get, |nsid| get.in_netnsid(nsid)))
    }

    /// The link that has a name, as its own or as an alternative one: its own name and its index.
    pub(super) fn owner_of(&mut self, name: &[u8]) -> Option<(IfName, IfIndex)> {
        let get = AltName::new(name).ok().map(|name| GetLink::alt_name(name).name_only())?;
        self.find(get, None).ok().map(|link| (link.if_name(), link.index()))
    }

    /// The link that was there before the request.
    pub(super) fn target(&self) -> Option<IfIndex> {
        self.request.index.filter(|_| self.request.verb != Verb::Create)
    }

    /// The id of its namespace, where the request said one.
    pub(super) fn target_nsid(&self) -> Option<NsId> {
        self.attribute(LinkView::IFLA_TARGET_NETNSID)
    }

    /// The link that was to be created, and its parent.
    pub(super) fn created(&self) -> Option<(&LinkInfo, &LinkInfo)> {
        Some((self.asked.as_ref().filter(|_| self.request.verb == Verb::Create)?, self.parent.as_ref()?))
    }

    /// The link as the change would have it, and as it is.
    pub(super) fn changed(&self) -> Option<(&LinkInfo, &LinkInfo)> {
        Some((self.asked.as_ref()?, self.link.as_ref()?))
    }

    /// The name that was asked for.
    pub(super) fn name(&self) -> Option<IfName> {
        IfName::from_bytes(self.request.name.as_deref()?).ok()
    }

    /// The address that was asked for, or that the link has.
    pub(super) fn mac(&self) -> Option<MacAddr> {
        let mac = |link: &Option<LinkInfo>| link.as_ref().and_then(|link| link.mac);
        mac(&self.asked).or(mac(&self.link))
    }

    /// An attribute of a request about links.
    pub(super) fn attribute<T: for<'v> Get<'v>>(&self, number: u16) -> Option<T> {
        let is_about_links = self.asked.is_some() || matches!(self.request.verb, Verb::Get | Verb::List | Verb::Delete);
        let mut attributes = Attributes::new(self.sent.get(Header::SIZE + IfInfo::SIZE..).filter(|_| is_about_links)?);
        attributes.find(|found| found.number == number).and_then(|found| T::get(found.value))
    }
}

/// Kinds of links that stand on another, by what takes the other's packets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// macvlan and macvtap.
    Macvlan,
    Ipvlan,
    /// Takes only its own.
    Vlan,
}

impl Family {
    pub(super) fn of(kind: &KindInfo) -> Option<Self> {
        match kind {
            KindInfo::Macvlan(_) | KindInfo::Macvtap(_) => Some(Self::Macvlan),
            KindInfo::Ipvlan(_) => Some(Self::Ipvlan),
            KindInfo::Vlan(_) => Some(Self::Vlan),
            KindInfo::None | KindInfo::Other(_) => None,
        }
    }

    pub(super) fn has(self, link: &LinkInfo) -> bool {
        Self::of(&link.kind) == Some(self)
    }
}
