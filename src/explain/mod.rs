//! Why: where the kernel gives a bare error number, a look at how things stand says more.
//!
//! macvlan gives no words with its own errors, and one number has several causes: EINVAL may be the MTU, the parent, or a
//! passthru sibling. [`Error::explained`] asks the kernel what there is, only when it is called, and changes nothing. One table
//! says what each number can mean; each cause compares what was asked for with what there is. Sources of the causes:
//! `macvlan_common_newlink` in `drivers/net/macvlan.c`, `net/8021q/vlan_netlink.c`, `net/core/rtnetlink.c`.

mod surroundings;

use crate::error::{Error, ErrorKind, Reason};
use crate::link::{
    Ipv6Setting, KindInfo, LinkChange, LinkFlags, LinkInfo, LinkView, ListLinks, MacvlanMode, Settings, VlanId,
    VlanProtocol, sets_senders,
};
use crate::nsid::GetNsid;
use crate::request::{RequestInfo, Verb};
use crate::socket::Socket;
use crate::value::{IfIndex, NsId};
use nix::errno::Errno;
use surroundings::{Family, Surroundings};

impl Error {
    /// Looks, with the socket on which the request failed, at why it did, and keeps what it sees:
    /// [`Error::reason`]. An error that somebody has looked at already stays as it is.
    ///
    /// A socket of another namespace sees other links, so with one of those nothing is said. Which namespace a socket lives
    /// in is not known on Linux before 5.14 if it came [from outside](Socket::from_fd).
    ///
    /// It sees how things stand now: what was in the way may be gone. Where the library removes a link again that could not
    /// come up, it has looked before that.
    ///
    /// ```no_run
    /// # use sublink::{NewLink, Socket};
    /// let mut host = Socket::open()?;
    /// let eth0 = host.index_of("eth0")?;
    /// if let Err(error) = host.create(&NewLink::macvlan(eth0).mtu(9000)) {
    ///     // create macvlan on eth0: EINVAL (Invalid argument): the MTU 9000 is above the 1500 of the parent eth0
    ///     eprintln!("{}", error.explained(&mut host));
    /// }
    /// # Ok::<(), sublink::Error>(())
    /// ```
    #[must_use]
    pub fn explained(self, socket: &mut Socket) -> Self {
        if self.is_explained() || self.is_of_another_namespace(socket.namespace_number()) {
            return self;
        }
        let reason = self.look_why(socket);
        self.with_reason(reason)
    }

    /// `None` if it cannot be seen, or the error says it all.
    fn look_why(&self, socket: &mut Socket) -> Option<Reason> {
        let ErrorKind::Kernel(kernel) = self.kind() else { return None };
        let causes = Surroundings::causes(Errno::from_raw(kernel.errno), kernel.text.as_deref());
        let mut surroundings = Surroundings::look(socket, self.request().filter(|_| !causes.is_empty())?, self.sent());
        causes.iter().find_map(|cause| cause(&mut surroundings))
    }
}

/// Looks whether one thing is why.
type Cause<S> = fn(&mut S) -> Option<Reason>;

impl<'a> Surroundings<'a> {
    /// What an error number can mean, in the order in which it is looked for: what can be seen comes before what is left
    /// when nothing can. Where the kernel gives words, they mostly say it all.
    #[rustfmt::skip]
    fn causes(errno: Errno, text: Option<&str>) -> &'a [Cause<Self>] {
        match (errno, text) {
            (Errno::EPERM, _) => &[Self::not_permitted, Self::group_zero],
            (Errno::EACCES, None) => &[Self::not_permitted_there, Self::ipv6_is_off],
            (Errno::EAFNOSUPPORT, None) => &[Self::no_ipv6],
            (Errno::EBADF, None) => &[Self::not_a_descriptor],
            (Errno::ENODEV, _) => &[Self::link_is_gone, Self::parent_is_gone],
            (Errno::EOPNOTSUPP, None) => &[Self::of_another_kind, Self::no_ipv6],
            (Errno::ENETDOWN, None) => &[Self::parent_is_down, Self::link_is_gone, Self::parent_is_gone],
            (Errno::EADDRINUSE, None) => &[
                Self::mac_of_parent, Self::mac_of_sibling, Self::mac_elsewhere, Self::link_is_gone, Self::parent_is_gone,
            ],
            (Errno::EEXIST, Some("8021q: VLAN device already exists")) => &[
                Self::vlan_is_there, Self::vlan_is_elsewhere, Self::parent_is_gone,
            ],
            (Errno::EEXIST, None) => &[
                Self::name_is_taken, Self::index_is_taken, Self::vlan_is_there, Self::taken_there,
            ],
            (Errno::EBUSY, None) => &[
                Self::link_carries, Self::index_is_taken_there, Self::renamed_while_up, Self::parent_carries,
                Self::parent_is_port, Self::parent_is_taken, Self::link_is_gone, Self::parent_is_gone,
            ],
            (Errno::EINVAL, Some("Unknown network namespace id")) => &[Self::namespace_is_gone],
            (Errno::EINVAL | Errno::ERANGE, None) => &[
                Self::target_is_gone, Self::no_such_mode, Self::passthru_is_for_life, Self::not_in_source_mode,
                Self::master_is_gone, Self::parent_is_loopback, Self::parent_is_not_ethernet, Self::mtu_above_parent,
                Self::passthru, Self::not_a_namespace, Self::unknown, Self::link_is_gone, Self::parent_is_gone, Self::no_ipv6,
            ],
            _ => &[],
        }
    }
}

/// The causes.
impl Surroundings<'_> {
    fn not_permitted(&mut self) -> Option<Reason> {
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

    fn not_permitted_there(&mut self) -> Option<Reason> {
        self.attribute::<NsId>(LinkView::IFLA_TARGET_NETNSID).and(Some(Reason::NotPermittedThere))
    }

    fn ipv6_is_off(&mut self) -> Option<Reason> {
        let link = self.link.as_ref().filter(|_| self.is_about_ipv6())?;
        let is_off = link.settings.ipv6(Ipv6Setting::DISABLE_IPV6).is_some_and(|value| value != 0);
        is_off.then_some(Reason::Ipv6IsOff(link.name))
    }

    fn no_ipv6(&mut self) -> Option<Reason> {
        let link = self.link.as_ref().filter(|link| self.is_about_ipv6() && !link.settings.has_ipv6())?;
        Some(Reason::NoIpv6 { link: link.name, mtu: link.mtu })
    }

    /// Whether it gives the link an IPv6 address, or IPv6 settings.
    fn is_about_ipv6(&self) -> bool {
        let settings: Option<Settings> = self.attribute(LinkView::IFLA_AF_SPEC);
        let is_asked = settings.is_some_and(|asked| asked.addr_gen_mode.is_some() || asked.token.is_some());
        is_asked || self.request.addr.is_some_and(|addr| addr.is_ipv6())
    }

    fn group_zero(&mut self) -> Option<Reason> {
        (self.request.verb == Verb::DeleteGroup(0)).then_some(Reason::GroupZero)
    }

    fn namespace_is_gone(&mut self) -> Option<Reason> {
        self.attribute(LinkView::IFLA_LINK_NETNSID).map(Reason::NamespaceIsGone)
    }

    fn target_is_gone(&mut self) -> Option<Reason> {
        self.attribute(LinkView::IFLA_TARGET_NETNSID).map(Reason::NamespaceIsGone)
    }

    fn not_a_namespace(&mut self) -> Option<Reason> {
        self.descriptor_is_refused(Errno::EINVAL) // one that was closed since, with EBADF, says nothing of then
    }

    fn not_a_descriptor(&mut self) -> Option<Reason> {
        self.descriptor_is_refused(Errno::EBADF)
    }

    /// Asked for the id of the namespace behind the descriptor, the kernel says whether there is one.
    fn descriptor_is_refused(&mut self, with: Errno) -> Option<Reason> {
        let fd = self.attribute(LinkView::IFLA_NET_NS_FD)?;
        let refused = self.socket.nsid(GetNsid::of_number(fd)).err()?.raw_os_error()?;
        (refused == with as i32).then_some(Reason::NotANamespace)
    }

    fn link_is_gone(&mut self) -> Option<Reason> {
        let index = self.target()?;
        self.is_gone(index, None).then_some(Reason::LinkIsGone(index))
    }

    fn parent_is_gone(&mut self) -> Option<Reason> {
        let (index, nsid) = (self.request.parent?, self.asked.as_ref()?.parent_netnsid);
        if self.request.is_elsewhere && nsid.is_some() {
            return None; // an id of the other namespace's
        }
        self.is_gone(index, nsid).then_some(Reason::ParentIsGone(index))
    }

    fn master_is_gone(&mut self) -> Option<Reason> {
        let index = self.asked.as_ref()?.master?;
        self.is_gone(index, None).then_some(Reason::MasterIsGone(index))
    }

    fn of_another_kind(&mut self) -> Option<Reason> {
        let (asked, link) = self.changed()?;
        let is_other = asked.kind != KindInfo::None && asked.kind.name() != link.kind.name();
        is_other.then(|| Reason::OfAnotherKind { link: link.name, kind: asked.kind.name().to_string().into() })
    }

    fn name_is_taken(&mut self) -> Option<Reason> {
        let name = self.name().filter(|_| !self.request.is_elsewhere)?;
        let (owner, index) = self.owner_of(name)?;
        Some(Reason::NameIsTaken { name, owner, index })
    }

    fn index_is_taken(&mut self) -> Option<Reason> {
        let index = self.request.index.filter(|_| self.request.verb == Verb::Create && !self.request.is_elsewhere)?;
        self.socket.name_of(index).ok().map(|owner| Reason::IndexIsTaken { index, owner })
    }

    /// A name that is taken is an EEXIST; so is an index at create since Linux 6.16. Until then the link is looked for here
    /// as well: by its index if it has chosen one, else by its name.
    fn taken_there(&mut self) -> Option<Reason> {
        let (name, index) = (self.name().filter(|_| self.request.is_elsewhere), self.request.index);
        match self.request.verb {
            Verb::Create => {
                let here = match index {
                    Some(index) => self.socket.name_of(index).ok(),
                    None => self.owner_of(name?).map(|(owner, _)| owner),
                };
                Some(Reason::TakenThere { name, index, here }).filter(|_| self.request.is_elsewhere)
            }
            Verb::Move => {
                let name = name.or(self.link.as_ref().map(|link| link.name));
                Some(Reason::TakenThere { name, index: None, here: None })
            }
            _ => None,
        }
    }

    /// Otherwise a taken index is an EBUSY.
    fn index_is_taken_there(&mut self) -> Option<Reason> {
        let index = self.index_there()?;
        let family = Family::of(&self.asked.as_ref()?.kind).filter(|family| *family != Family::Vlan);
        let is_parent_free = family.is_none_or(|family| self.siblings.iter().any(|sibling| family.has(sibling)));
        is_parent_free.then_some(Reason::TakenThere { name: None, index: Some(index), here: None })
    }

    /// The index that the link was to have in another namespace.
    fn index_there(&self) -> Option<IfIndex> {
        match self.request.verb {
            Verb::Create => self.request.index.filter(|_| self.request.is_elsewhere),
            _ => self.asked.as_ref()?.new_index,
        }
    }

    fn renamed_while_up(&mut self) -> Option<Reason> {
        let link = self.link.as_ref().filter(|link| link.flags.contains(LinkFlags::UP))?;
        self.name().and(Some(Reason::RenamedWhileUp(link.name)))
    }

    fn vlan_is_there(&mut self) -> Option<Reason> {
        let wanted @ (id, _) = vlan_of(self.asked.as_ref()?)?;
        let there = self.siblings.iter().find(|sibling| vlan_of(sibling) == Some(wanted))?;
        Some(Reason::VlanIsThere { id, name: there.name, index: there.index })
    }

    fn vlan_is_elsewhere(&mut self) -> Option<Reason> {
        let (asked, _) = self.created()?;
        vlan_of(asked).map(|(id, _)| Reason::VlanIsElsewhere(id))
    }

    fn mac_of_parent(&mut self) -> Option<Reason> {
        let (mac, parent) = (self.mac()?, self.parent.as_ref()?);
        (parent.mac == Some(mac)).then_some(Reason::MacOfParent { mac, parent: parent.name })
    }

    /// A sibling that is down does not count.
    fn mac_of_sibling(&mut self) -> Option<Reason> {
        let mac = self.mac()?;
        let counts = |link: &&LinkInfo| link.mac == Some(mac) && link.flags.contains(LinkFlags::UP);
        let owner = self.siblings.iter().filter(|sibling| Family::Macvlan.has(sibling)).find(counts)?;
        Some(Reason::MacOfSibling { mac, owner: owner.name, index: owner.index })
    }

    fn mac_elsewhere(&mut self) -> Option<Reason> {
        Some(Reason::MacElsewhere { mac: self.mac()?, parent: self.parent.as_ref()?.name })
    }

    fn parent_is_down(&mut self) -> Option<Reason> {
        let parent = self.parent.as_ref()?;
        (!parent.flags.contains(LinkFlags::UP)).then_some(Reason::ParentIsDown(parent.name))
    }

    fn parent_is_loopback(&mut self) -> Option<Reason> {
        let (_, parent) = self.created()?;
        parent.flags.contains(LinkFlags::LOOPBACK).then_some(Reason::ParentIsLoopback(parent.name))
    }

    fn parent_is_not_ethernet(&mut self) -> Option<Reason> {
        const ETHERNET: u16 = 1;
        let (_, &LinkInfo { name: parent, device_type, .. }) = self.created()?;
        (device_type != ETHERNET).then_some(Reason::ParentIsNotEthernet { parent, device_type })
    }

    fn mtu_above_parent(&mut self) -> Option<Reason> {
        let (mtu, parent) = (self.asked.as_ref()?.mtu, self.parent.as_ref()?);
        (mtu > parent.mtu).then_some(Reason::MtuAboveParent { mtu, parent: parent.name, parent_mtu: parent.mtu })
    }

    fn parent_carries(&mut self) -> Option<Reason> {
        let (asked, parent) = self.created()?;
        let family = Family::of(&asked.kind)?;
        carries(parent, &self.siblings, |other| other != family)
    }

    /// A link that carries macvlans or ipvlans cannot become a port.
    fn link_carries(&mut self) -> Option<Reason> {
        let (asked, link) = self.changed()?;
        let (link, _) = (link.clone(), asked.master?);
        let children = self.socket.snapshot(&ListLinks::new().parent(link.index)).ok()?;
        carries(&link, &children, |_| true)
    }

    fn parent_is_port(&mut self) -> Option<Reason> {
        let (_, &LinkInfo { name: parent, master, .. }) = self.created()?;
        let master = self.at(master?, self.nsid)?.name;
        Some(Reason::ParentIsPort { parent, master })
    }

    fn parent_is_taken(&mut self) -> Option<Reason> {
        let (_, parent) = self.created()?;
        Some(Reason::ParentIsTaken { parent: parent.name, index: self.index_there() })
    }

    fn no_such_mode(&mut self) -> Option<Reason> {
        let mode = mode_of(self.asked.as_ref()?)?;
        matches!(mode, MacvlanMode::Other(_)).then_some(Reason::NoSuchMode(mode))
    }

    fn passthru_is_for_life(&mut self) -> Option<Reason> {
        let (asked, link) = self.changed()?;
        let (wanted, from) = (mode_of(asked)?, mode_of(link)?);
        let is_for_life = wanted != from && [wanted, from].contains(&MacvlanMode::Passthru);
        is_for_life.then_some(Reason::PassthruIsForLife { link: link.name, from })
    }

    /// Of a change, too, the mode comes first.
    fn not_in_source_mode(&mut self) -> Option<Reason> {
        let mode = mode_of(self.asked.as_ref()?).or_else(|| mode_of(self.link.as_ref()?)).unwrap_or(MacvlanMode::Vepa);
        let is_wrong = sets_senders(self.sent) && mode != MacvlanMode::Source;
        is_wrong.then_some(Reason::NotInSourceMode(mode))
    }

    fn passthru(&mut self) -> Option<Reason> {
        let (asked, parent) = self.created()?;
        let macvlans = self.siblings.iter().filter(|sibling| Family::Macvlan.has(sibling));
        let mut all = macvlans.clone().chain([asked]);
        let is_reason = Family::Macvlan.has(asked) && all.any(|link| mode_of(link) == Some(MacvlanMode::Passthru));
        let children = macvlans.map(|sibling| sibling.name).collect();
        is_reason.then_some(Reason::Passthru { parent: parent.name, children })
    }

    fn unknown(&mut self) -> Option<Reason> {
        let (asked, parent) = self.created()?;
        Family::Macvlan.has(asked).then_some(Reason::Unknown(parent.name))
    }
}

/// The child of `parent` that takes its packets, of a family that is `looked_for`.
fn carries(parent: &LinkInfo, children: &[LinkInfo], looked_for: impl Fn(Family) -> bool) -> Option<Reason> {
    let takes = |child: &&LinkInfo| Family::of(&child.kind).is_some_and(|f| f != Family::Vlan && looked_for(f));
    let child = children.iter().find(takes)?;
    Some(Reason::ParentCarries { parent: parent.name, child: child.name, kind: child.kind.name().to_string().into() })
}

fn mode_of(link: &LinkInfo) -> Option<MacvlanMode> {
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
