//! Why: where the kernel gives a bare error number, a look at how things stand says more.
//!
//! macvlan gives no words with its own errors, and one number has several causes: EINVAL may be the MTU, the parent, or a
//! passthru sibling. [`Error::explain`] asks the kernel what there is, only when it is called, and only reads. Sources of the
//! causes: `macvlan_common_newlink` in `drivers/net/macvlan.c`, `net/8021q/vlan_netlink.c`, `net/core/rtnetlink.c`.

use crate::error::{Error, ErrorKind, KernelError, RequestInfo, Verb};
use crate::link::{GetLink, IfIndex, IfName, KindInfo, LinkChange, LinkFlags, LinkInfo, LinkView, ListLinks, MacAddr};
use crate::link::{MacvlanMode, VlanId, VlanProtocol, sets_senders};
use crate::socket::Socket;
use nix::errno::Errno;

/// Why a request failed. It prints as a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// The MAC address is the parent's own.
    #[error("the MAC address {mac} is that of the parent {parent} itself")]
    MacOfParent {
        /// The address.
        mac: MacAddr,
        /// Its owner.
        parent: IfName,
    },
    /// The MAC address is another child's.
    #[error("the MAC address {mac} is already used by {owner} (#{index}) on the same parent")]
    MacOfSibling {
        /// The address.
        mac: MacAddr,
        /// Its owner.
        owner: IfName,
        /// The owner's index.
        index: IfIndex,
    },
    /// The MAC address is that of a child which this namespace does not show.
    #[error("the MAC address {mac} is already used by a child of {parent} in another namespace")]
    MacElsewhere {
        /// The address.
        mac: MacAddr,
        /// The parent of both.
        parent: IfName,
    },
    /// A parent has one passthru child and no other; these are on it.
    #[error("a passthru child has its parent {parent} to itself, and it has {}", list(.children))]
    Passthru {
        /// The parent.
        parent: IfName,
        /// Its children in this namespace; if there are none, one in another namespace is in the way.
        children: Vec<IfName>,
    },
    /// The mode cannot be changed to or from passthru.
    #[error("a mode cannot be changed to or from passthru: {link} is in {from} mode")]
    PassthruIsForLife {
        /// The link.
        link: IfName,
        /// Its mode.
        from: MacvlanMode,
    },
    /// Only source mode has a list of senders.
    #[error("only source mode has a list of senders: {link} is in {mode} mode")]
    NotInSourceMode {
        /// The link.
        link: IfName,
        /// Its mode.
        mode: MacvlanMode,
    },
    /// A child's MTU is at most its parent's.
    #[error("the MTU {mtu} is above the {parent_mtu} of the parent {parent}")]
    MtuAboveParent {
        /// What was asked for.
        mtu: u32,
        /// The parent.
        parent: IfName,
        /// What it has.
        parent_mtu: u32,
    },
    /// `lo` cannot be a parent.
    #[error("{0} is a loopback, which cannot be a parent")]
    ParentIsLoopback(IfName),
    /// A parent must be Ethernet.
    #[error("the parent {parent} is not Ethernet (hardware type {device_type})")]
    ParentIsNotEthernet {
        /// The parent.
        parent: IfName,
        /// `ARPHRD_…`
        device_type: u16,
    },
    /// The parent belongs to a bridge, a bond or the like, which takes its packets.
    #[error("the parent {parent} is a port of {master}, which takes its packets")]
    ParentIsPort {
        /// The parent.
        parent: IfName,
        /// The bridge, bond or other master.
        master: IfName,
    },
    /// A parent carries macvlans or ipvlans, not both.
    #[error("the parent {parent} carries {child}, of kind {kind}: it can carry macvlans or ipvlans, not both")]
    ParentCarries {
        /// The parent.
        parent: IfName,
        /// One of its children.
        child: IfName,
        /// That one's kind.
        kind: Box<str>,
    },
    /// Something that this namespace does not show takes the parent's packets.
    #[error("the packets of the parent {0} are taken: by an ipvlan or macvlan in another namespace, or a switch")]
    ParentIsTaken(IfName),
    /// The parent is down, and the child can only come up after it.
    #[error("the parent {0} is down: bring it up first")]
    ParentIsDown(IfName),
    /// There is no such parent any more.
    #[error("there is no link #{0} that could be the parent: it is gone")]
    ParentIsGone(IfIndex),
    /// There is no such link any more.
    #[error("there is no link #{0}: it is gone")]
    LinkIsGone(IfIndex),
    /// The VLAN is there already.
    #[error("VLAN {id} is there already: {name} (#{index})")]
    VlanIsThere {
        /// Its id.
        id: VlanId,
        /// Its name.
        name: IfName,
        /// Its index.
        index: IfIndex,
    },
    /// The VLAN is there already, in a namespace that this one does not show.
    #[error("VLAN {0} is there already, in another namespace")]
    VlanIsElsewhere(VlanId),
    /// The name is another link's.
    #[error("the name {name} is taken by link #{index}")]
    NameIsTaken {
        /// The name.
        name: IfName,
        /// Its owner.
        index: IfIndex,
    },
    /// The index is another link's.
    #[error("the index {index} is taken by {name}")]
    IndexIsTaken {
        /// The index.
        index: IfIndex,
        /// Its owner.
        name: IfName,
    },
    /// The name or the index is taken where the link was to be.
    #[error("the name or the index is taken in the other namespace")]
    TakenThere,
    /// Up to Linux 6.1, a link that is up keeps its name.
    #[error("{0} is up, and this kernel renames only links that are down")]
    RenamedWhileUp(IfName),
    /// No namespace has this id any more, or the descriptor is not a network namespace's.
    #[error("the namespace that was named does not exist, or is no network namespace")]
    NamespaceIsGone,
    /// Every link is in group 0 unless told otherwise.
    #[error("group 0, where every link starts, cannot be deleted")]
    GroupZero,
    /// The caller lacks CAP_NET_ADMIN in this socket's namespace.
    #[error("CAP_NET_ADMIN is missing in the user namespace that owns this network namespace")]
    NotPermittedHere,
    /// The caller lacks CAP_NET_ADMIN in the other namespace of the request.
    #[error("CAP_NET_ADMIN is missing in the user namespace that owns the other network namespace")]
    NotPermittedThere,
    /// The kernel lacks the driver of this kind of link.
    #[error("this kernel lacks the driver: module {0}")]
    DriverIsMissing(&'static str),
    /// Nothing that can be seen from here is in the way.
    #[error(
        "nothing to be seen here is in the way: a passthru child of {0} in another namespace may be, or a property that \
         this kernel is too old for"
    )]
    Unknown(IfName),
}

/// `mv0, mv1`, or what an empty list means.
fn list(children: &[IfName]) -> String {
    let names: Vec<_> = children.iter().map(ToString::to_string).collect();
    if names.is_empty() { "one in another namespace".into() } else { names.join(", ") }
}

impl Error {
    /// Looks, with the socket on which the request failed, at why it did. `None` if that cannot be seen, or the error says
    /// it all.
    ///
    /// What it sees is how things stand now: what was in the way may be gone.
    ///
    /// ```no_run
    /// # use sublink::{NewLink, Socket};
    /// let mut host = Socket::open()?;
    /// let eth0 = host.index_of("eth0")?;
    /// if let Err(error) = host.create(&NewLink::macvlan(eth0).mtu(9000)) {
    ///     // create macvlan on eth0: EINVAL: the MTU 9000 is above the 1500 of the parent eth0
    ///     match error.explain(&mut host) {
    ///         Some(reason) => eprintln!("{error}: {reason}"),
    ///         None => eprintln!("{error}"),
    ///     }
    /// }
    /// # Ok::<(), sublink::Error>(())
    /// ```
    pub fn explain(&self, socket: &mut Socket) -> Option<Reason> {
        let ErrorKind::Kernel(kernel) = self.kind() else { return None };
        if let Some(module) = kernel.missing_module {
            return Some(Reason::DriverIsMissing(module));
        }
        let request = self.request()?;
        match (Errno::from_raw(kernel.errno), request.verb) {
            (Errno::EPERM, Verb::DeleteGroup(0)) => return Some(Reason::GroupZero),
            (Errno::EPERM, _) => return not_permitted(socket),
            (Errno::EBADF, _) => return Some(Reason::NamespaceIsGone),
            (Errno::EINVAL, _) if kernel.text.as_deref() == Some("Unknown network namespace id") => {
                return Some(Reason::NamespaceIsGone);
            }
            _ => {}
        }
        match (request.verb, LinkView::of_request(self.sent())) {
            (Verb::Create, Some(asked)) => explain_create(socket, &asked.to_owned(), request, kernel),
            (Verb::Change | Verb::Move, Some(asked)) => {
                explain_change(socket, request.index?, &asked.to_owned(), sets_senders(self.sent()), kernel)
            }
            _ if kernel.errno == Errno::ENODEV as i32 => gone(socket, request.index?),
            _ => None,
        }
    }
}

/// A change of no link is refused for want of the capability before it is refused for want of the link.
fn not_permitted(socket: &mut Socket) -> Option<Reason> {
    let error = socket.apply(&LinkChange::new(IfIndex(0))).err()?;
    Some(if error.is_not_permitted() { Reason::NotPermittedHere } else { Reason::NotPermittedThere })
}

fn gone(socket: &mut Socket, index: IfIndex) -> Option<Reason> {
    socket.link_at(index).is_err_and(|error| error.is_no_device()).then_some(Reason::LinkIsGone(index))
}

fn explain_create(
    socket: &mut Socket,
    asked: &LinkInfo,
    request: &RequestInfo,
    kernel: &KernelError,
) -> Option<Reason> {
    if Errno::from_raw(kernel.errno) == Errno::EEXIST {
        if let Some(reason) = taken(socket, asked, request) {
            return Some(reason);
        }
    }
    let around = match Around::look(socket, request.parent?, asked.parent_netnsid)? {
        Ok(around) => around,
        Err(gone) => return Some(gone),
    };
    let is_taken_here = |index, socket: &mut Socket| socket.link_at(index).ok().map(|link| link.if_name());
    match Errno::from_raw(kernel.errno) {
        Errno::EADDRINUSE => around.owner_of(asked.mac?),
        Errno::EEXIST => around.same_vlan(asked),
        Errno::ENETDOWN => around.down(),
        Errno::EBUSY => match request.index.and_then(|index| Some((index, is_taken_here(index, socket)?))) {
            Some((index, name)) if !request.is_elsewhere => Some(Reason::IndexIsTaken { index, name }),
            _ => around.taken_by_others(socket, asked).or_else(|| {
                let may_be_index = request.is_elsewhere && request.index.is_some();
                Some(if may_be_index { Reason::TakenThere } else { Reason::ParentIsTaken(around.parent.name) })
            }),
        },
        Errno::EINVAL if kernel.text.is_none() => {
            Some(around.unfit(asked).unwrap_or(Reason::Unknown(around.parent.name)))
        }
        _ => None,
    }
}

/// The name or the index is another link's.
fn taken(socket: &mut Socket, asked: &LinkInfo, request: &RequestInfo) -> Option<Reason> {
    if matches!(asked.kind, KindInfo::Vlan(_)) && request.index.is_none() && !request.is_elsewhere {
        // The kernel looks at the name first, and then at the id.
        let name = IfName::from_bytes(asked.name.as_bytes()).ok()?;
        let link = socket.link(name).ok()?;
        return Some(Reason::NameIsTaken { name, index: link.index() });
    }
    if request.is_elsewhere {
        return (!matches!(asked.kind, KindInfo::Vlan(_))).then_some(Reason::TakenThere);
    }
    if let Some(link) =
        IfName::from_bytes(asked.name.as_bytes()).ok().and_then(|name| socket.link_by_alt_name(name).ok())
    {
        return Some(Reason::NameIsTaken { name: asked.name, index: link.index() });
    }
    let index = request.index?;
    let name = socket.link_at(index).ok()?.if_name();
    Some(Reason::IndexIsTaken { index, name })
}

fn explain_change(
    socket: &mut Socket,
    index: IfIndex,
    asked: &LinkInfo,
    sets_senders: bool,
    kernel: &KernelError,
) -> Option<Reason> {
    let link = match socket.link_at(index) {
        Ok(link) => link.to_owned(),
        Err(error) => return error.is_no_device().then_some(Reason::LinkIsGone(index)),
    };
    let errno = Errno::from_raw(kernel.errno);
    let name = IfName::from_bytes(asked.name.as_bytes()).ok();
    match (errno, name) {
        (Errno::EEXIST, Some(name)) => {
            let owner = socket.link_by_alt_name(name).ok().map(|owner| owner.index());
            return Some(owner.map_or(Reason::TakenThere, |index| Reason::NameIsTaken { name, index }));
        }
        (Errno::EBUSY, Some(_)) if link.flags.contains(LinkFlags::UP) => {
            return Some(Reason::RenamedWhileUp(link.name));
        }
        _ => {}
    }
    if let (Errno::EINVAL, Some(mode)) = (errno, mode_of(&link)) {
        let wanted = mode_asked(asked).filter(|wanted| *wanted != mode);
        if wanted.is_some_and(|wanted| [wanted, mode].contains(&MacvlanMode::Passthru)) {
            return Some(Reason::PassthruIsForLife { link: link.name, from: mode });
        }
        if sets_senders && mode != MacvlanMode::Source && wanted != Some(MacvlanMode::Source) {
            return Some(Reason::NotInSourceMode { link: link.name, mode });
        }
    }
    let around = Around::look(socket, link.parent?, link.parent_netnsid)?.ok()?.without(index);
    match errno {
        Errno::EADDRINUSE => around.owner_of(asked.mac.or(link.mac)?),
        Errno::EINVAL | Errno::ERANGE if kernel.text.is_none() => around.too_large(asked.mtu),
        Errno::ENETDOWN => around.down(),
        _ => None,
    }
}

/// What is around a child: its parent, and the parent's children that can be seen.
struct Around {
    parent: LinkInfo,
    siblings: Vec<LinkInfo>,
}

impl Around {
    /// `Err` says that the parent is gone, `None` that it cannot be seen.
    fn look(socket: &mut Socket, parent: IfIndex, nsid: Option<i32>) -> Option<Result<Self, Reason>> {
        let get = |index| {
            let get = GetLink::index(index);
            nsid.map_or(get, |nsid| get.in_netnsid(nsid))
        };
        let mut found = match socket.get(&get(parent)) {
            Ok(parent) => parent.to_owned(),
            Err(error) => return error.is_no_device().then_some(Err(Reason::ParentIsGone(parent))),
        };
        if let (Some(_), Some(lower), None) = (mode_of(&found), found.parent, found.parent_netnsid) {
            found = socket.get(&get(lower)).ok()?.to_owned(); // a macvlan's children stand on its parent
        }
        let children = ListLinks::new().parent(found.index);
        let mut siblings = socket.snapshot(&nsid.map_or(children, |nsid| children.in_netnsid(nsid))).ok()?;
        if let Some(nsid) = nsid {
            siblings.extend(socket.snapshot(&children.parent_in(nsid)).ok()?);
        }
        siblings.retain(|link| link.kind.name() != "veth"); // whose "parent" is its other end
        Some(Ok(Self { parent: found, siblings }))
    }

    fn without(mut self, index: IfIndex) -> Self {
        self.siblings.retain(|link| link.index != index);
        self
    }

    fn owner_of(&self, mac: MacAddr) -> Option<Reason> {
        let parent = self.parent.name;
        if self.parent.mac == Some(mac) {
            return Some(Reason::MacOfParent { mac, parent });
        }
        Some(match self.siblings.iter().find(|sibling| sibling.mac == Some(mac)) {
            Some(owner) => Reason::MacOfSibling { mac, owner: owner.name, index: owner.index },
            None => Reason::MacElsewhere { mac, parent },
        })
    }

    fn same_vlan(&self, asked: &LinkInfo) -> Option<Reason> {
        let KindInfo::Vlan(vlan) = &asked.kind else { return None };
        let (id, protocol) = (vlan.id?, vlan.protocol.unwrap_or(VlanProtocol::Ieee8021Q));
        let is_same = |sibling: &&LinkInfo| match &sibling.kind {
            KindInfo::Vlan(vlan) => (vlan.id, vlan.protocol) == (Some(id), Some(protocol)),
            _ => false,
        };
        Some(match self.siblings.iter().find(is_same) {
            Some(there) => Reason::VlanIsThere { id, name: there.name, index: there.index },
            None => Reason::VlanIsElsewhere(id),
        })
    }

    fn down(&self) -> Option<Reason> {
        (!self.parent.flags.contains(LinkFlags::UP)).then_some(Reason::ParentIsDown(self.parent.name))
    }

    fn too_large(&self, mtu: u32) -> Option<Reason> {
        let Self { parent, .. } = self;
        (mtu > parent.mtu).then_some(Reason::MtuAboveParent { mtu, parent: parent.name, parent_mtu: parent.mtu })
    }

    /// What makes a parent unfit for a child that was asked for.
    fn unfit(&self, asked: &LinkInfo) -> Option<Reason> {
        const ETHERNET: u16 = 1;
        let Self { parent, siblings } = self;
        if parent.flags.contains(LinkFlags::LOOPBACK) {
            return Some(Reason::ParentIsLoopback(parent.name));
        }
        if parent.device_type != ETHERNET {
            return Some(Reason::ParentIsNotEthernet { parent: parent.name, device_type: parent.device_type });
        }
        if let Some(reason) = self.too_large(asked.mtu) {
            return Some(reason);
        }
        let macvlans: Vec<_> = siblings.iter().filter_map(|link| Some((mode_of(link)?, link.name))).collect();
        let wants_all = mode_of(asked) == Some(MacvlanMode::Passthru);
        let has_all = macvlans.iter().any(|(mode, _)| *mode == MacvlanMode::Passthru);
        let may_have_all = mode_of(asked).is_some() && macvlans.is_empty() && parent.promiscuity > 0;
        (wants_all || has_all || may_have_all).then(|| Reason::Passthru {
            parent: parent.name,
            children: macvlans.iter().map(|(_, name)| *name).collect(),
        })
    }

    /// Who else takes the parent's packets.
    fn taken_by_others(&self, socket: &mut Socket, asked: &LinkInfo) -> Option<Reason> {
        let Self { parent, siblings } = self;
        if let Some(master) = parent.master {
            let master = socket.link_at(master).ok()?.if_name();
            return Some(Reason::ParentIsPort { parent: parent.name, master });
        }
        let is_macvlan = |link: &LinkInfo| mode_of(link).is_some();
        let is_other = |child: &&LinkInfo| match child.kind {
            KindInfo::Ipvlan(_) => is_macvlan(asked),
            _ => is_macvlan(child) && !is_macvlan(asked),
        };
        let child = siblings.iter().find(is_other)?;
        let kind = child.kind.name().to_string().into();
        Some(Reason::ParentCarries { parent: parent.name, child: child.name, kind })
    }
}

/// The mode that a change asks for.
fn mode_asked(change: &LinkInfo) -> Option<MacvlanMode> {
    match &change.kind {
        KindInfo::Macvlan(macvlan) => macvlan.mode,
        KindInfo::Macvtap(macvtap) => macvtap.mode,
        _ => None,
    }
}

/// The mode of a macvlan or macvtap, the kernel's default if it has none; `None` for other kinds.
fn mode_of(link: &LinkInfo) -> Option<MacvlanMode> {
    match &link.kind {
        KindInfo::Macvlan(macvlan) => Some(macvlan.mode.unwrap_or(MacvlanMode::Vepa)),
        KindInfo::Macvtap(macvtap) => Some(macvtap.mode.unwrap_or(MacvlanMode::Vepa)),
        _ => None,
    }
}
