//! One type over the kinds that containers get, for callers that choose the kind at run time.

use super::request::{Create, NetnsFd, Placement, SealedCreate};
use super::{
    Ipvlan, LinkMode, LinkView, Macvlan, Macvtap, NewLink, Vlan, VlanId, VlanProtocol, ipvlan, macvlan, macvtap, vlan,
};
use crate::value::{Broadcast, Given, IfIndex, IfName, InvalidValue, MacAddr, NsId, maybe};
use crate::wire::{Attrs, Command, NoRoom, Request, Sealed};
use std::fmt;
use std::os::fd::{AsFd, BorrowedFd};
use std::str::FromStr;

/// A link to create for a container, of a kind that is chosen at run time: each kind's [`NewLink`] turns into it.
///
/// ```
/// use sublink::{IfIndex, LinkSpec, MacvlanMode, NewLink, VlanId};
/// let parent = IfIndex::new(2)?;
/// let wants_vlan = std::env::args().count() > 7;
/// let link: LinkSpec = if wants_vlan {
///     NewLink::vlan(parent, VlanId::new(50)?).into()
/// } else {
///     NewLink::macvlan(parent).mode(MacvlanMode::Bridge).into()
/// };
/// # Ok::<(), sublink::value::InvalidValue>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkSpec<'a> {
    /// A macvlan.
    Macvlan(NewLink<'a, Macvlan<'a>>),
    /// A macvtap.
    Macvtap(NewLink<'a, Macvtap<'a>>),
    /// A VLAN.
    Vlan(NewLink<'a, Vlan<'a>>),
    /// An ipvlan.
    Ipvlan(NewLink<'a, Ipvlan>),
}

/// A kind of link that containers get.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LinkKind {
    /// `macvlan`
    Macvlan,
    /// `macvtap`
    Macvtap,
    /// `vlan`
    Vlan,
    /// `ipvlan`
    Ipvlan,
}

impl LinkKind {
    pub(crate) const ALL: [Self; 4] = [Self::Macvlan, Self::Macvtap, Self::Vlan, Self::Ipvlan];

    /// The kernel's name of it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Macvlan => macvlan::FACTS.name,
            Self::Macvtap => macvtap::FACTS.name,
            Self::Vlan => vlan::FACTS.name,
            Self::Ipvlan => ipvlan::FACTS.name,
        }
    }
}

impl fmt::Display for LinkKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for LinkKind {
    type Err = InvalidValue;
    fn from_str(kind: &str) -> Result<Self, InvalidValue> {
        let found = Self::ALL.into_iter().find(|known| known.as_str() == kind);
        found.ok_or(InvalidValue::Word {
            given: Given::new(kind.as_bytes()),
            what: "kind",
            known: "macvlan, macvtap, vlan, ipvlan",
        })
    }
}

macro_rules! kinds {
    ($($K:ident<$kind:ty>),*) => { $(
        impl<'a> From<NewLink<'a, $kind>> for LinkSpec<'a> {
            fn from(link: NewLink<'a, $kind>) -> Self {
                Self::$K(link)
            }
        }
    )* };
}
kinds!(Macvlan<Macvlan<'a>>, Macvtap<Macvtap<'a>>, Vlan<Vlan<'a>>, Ipvlan<Ipvlan>);

/// Does the same with the link of whatever kind.
macro_rules! each {
    ($spec:expr, $link:ident => $done:expr) => {
        match $spec {
            LinkSpec::Macvlan($link) => $done,
            LinkSpec::Macvtap($link) => $done,
            LinkSpec::Vlan($link) => $done,
            LinkSpec::Ipvlan($link) => $done,
        }
    };
}

impl<'a> LinkSpec<'a> {
    /// Its kind.
    pub const fn kind(&self) -> LinkKind {
        match self {
            Self::Macvlan(_) => LinkKind::Macvlan,
            Self::Macvtap(_) => LinkKind::Macvtap,
            Self::Vlan(_) => LinkKind::Vlan,
            Self::Ipvlan(_) => LinkKind::Ipvlan,
        }
    }

    /// The name that it is to get.
    pub fn wanted_name(&self) -> Option<IfName> {
        self.placement().name
    }

    /// The index that it is to get.
    pub fn wanted_index(&self) -> Option<IfIndex> {
        self.placement().index
    }

    /// The address that it is to get.
    pub fn wanted_mac(&self) -> Option<MacAddr> {
        each!(self, link => link.common.has(LinkView::IFLA_ADDRESS).then_some(link.common.mac))
    }

    /// The link that it is to stand on.
    pub fn parent(&self) -> Option<IfIndex> {
        each!(self, link => link.common.has(LinkView::IFLA_LINK).then_some(link.common.parent))
    }

    /// The protocol and id of a VLAN.
    pub(crate) fn vlan_tag(&self) -> Option<(VlanProtocol, VlanId)> {
        if let Self::Vlan(link) = self { Some(link.kind.tag()) } else { None }
    }

    /// Whether its parent is in another namespace than the one it is created from.
    pub(crate) fn parent_is_elsewhere(&self) -> bool {
        each!(self, link => link.common.has(LinkView::IFLA_LINK_NETNSID))
    }

    /// The same link, in `namespace` and down. A macvlan or macvtap without an address gets a random one: the kernel would
    /// give it one as well, but mark it as random, so that udev may rewrite it. One for a link that has its parent's is
    /// refused: the kernel would ignore it.
    pub(crate) fn in_namespace(&self, namespace: BorrowedFd<'a>) -> Result<Self, InvalidValue> {
        let mut spec = self.netns_fd(namespace);
        each!(&mut spec, link => link.up = false);
        let has_parents_mac = match self {
            Self::Macvlan(link) => link.kind.is_passthru(),
            Self::Macvtap(link) => link.kind.is_passthru(),
            Self::Vlan(_) => return Ok(spec), // its own or its parent's
            Self::Ipvlan(_) => true,
        };
        match self.wanted_mac() {
            Some(_) if has_parents_mac => Err(InvalidValue::MacIsParents),
            None if !has_parents_mac => Ok(spec.mac(MacAddr::random())),
            _ => Ok(spec),
        }
    }

    /// The encoded request; `None` if it is too long for netlink.
    pub(crate) fn request_bytes(&self) -> Option<Vec<u8>> {
        let NoRoom { needed } = self.encode(0, &mut []).err()?;
        let mut bytes = vec![0; needed.min(NoRoom::LARGEST)];
        self.encode(0, &mut bytes).ok()?;
        Some(bytes)
    }
}

macro_rules! setters {
    ($($name:ident($value:ident: $ty:ty),)*) => { $(
        #[doc = concat!("As [`NewLink::", stringify!($name), "`].")]
        #[must_use]
        pub const fn $name(self, $value: $ty) -> Self {
            match self {
                Self::Macvlan(link) => Self::Macvlan(link.$name($value)),
                Self::Macvtap(link) => Self::Macvtap(link.$name($value)),
                Self::Vlan(link) => Self::Vlan(link.$name($value)),
                Self::Ipvlan(link) => Self::Ipvlan(link.$name($value)),
            }
        }
    )* };
}

/// What can be asked of each kind, in the words of [`NewLink`].
impl<'a> LinkSpec<'a> {
    maybe!();

    setters! {
        name(name: IfName),
        mac(mac: MacAddr),
        mtu(mtu: u32),
        txqlen(txqlen: u32),
        group(group: u32),
        master(master: IfIndex),
        broadcast(broadcast: Broadcast),
        gso_max_size(bytes: u32),
        gso_max_segs(segments: u32),
        gro_max_size(bytes: u32),
        gso_ipv4_max_size(bytes: u32),
        gro_ipv4_max_size(bytes: u32),
        link_mode(mode: LinkMode),
        tx_queues(queues: u32),
        rx_queues(queues: u32),
        index(index: IfIndex),
        parent_in(nsid: NsId),
    }

    /// The same link on another parent.
    #[must_use]
    pub fn on(mut self, parent: IfIndex) -> Self {
        each!(&mut self, link => link.common.parent = parent);
        self
    }

    /// As [`NewLink::netns`].
    #[must_use]
    pub fn netns(self, namespace: &'a impl AsFd) -> Self {
        self.netns_fd(namespace.as_fd())
    }

    const fn netns_fd(self, namespace: BorrowedFd<'a>) -> Self {
        let namespace = NetnsFd(Some(namespace));
        match self {
            Self::Macvlan(link) => Self::Macvlan(link.netns_fd(namespace)),
            Self::Macvtap(link) => Self::Macvtap(link.netns_fd(namespace)),
            Self::Vlan(link) => Self::Vlan(link.netns_fd(namespace)),
            Self::Ipvlan(link) => Self::Ipvlan(link.netns_fd(namespace)),
        }
    }

    /// As [`NewLink::up`].
    #[must_use]
    pub fn up(mut self) -> Self {
        each!(&mut self, link => link.up = true);
        self
    }
}

impl Sealed for LinkSpec<'_> {}
impl Command for LinkSpec<'_> {}
impl Create for LinkSpec<'_> {}

impl SealedCreate for LinkSpec<'_> {
    fn placement(&self) -> Placement<'_> {
        each!(self, link => SealedCreate::placement(link))
    }
}

impl Request for LinkSpec<'_> {
    #[inline]
    fn encode(&self, seq: u32, buf: &mut [u8]) -> Result<usize, NoRoom> {
        each!(self, link => link.encode(seq, buf))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::{Common, MacvlanMode, VlanId};
    use crate::wire::encoded;

    const PARENT: IfIndex = IfIndex(5);

    #[test]
    fn a_spec_is_the_bytes_of_its_link() {
        let vlan = NewLink::vlan(PARENT, VlanId::new(50).unwrap()).mtu(1400);
        assert_eq!(encoded(&LinkSpec::from(vlan)), encoded(&vlan));
        let ipvlan = NewLink::ipvlan(PARENT);
        assert_eq!(encoded(&LinkSpec::from(ipvlan)), encoded(&ipvlan));
    }

    #[test]
    fn a_spec_is_asked_for_the_same_as_its_link() {
        let (file, name, mac) = (std::fs::File::open("/dev/null").unwrap(), IfName::new("mv0"), MacAddr::new([2; 6]));
        macro_rules! asked {
            ($link:expr) => {
                $link
                    .name(name.unwrap())
                    .mac(mac.unwrap())
                    .mtu(1400)
                    .txqlen(7)
                    .group(3)
                    .master(PARENT)
                    .broadcast(Broadcast([0xff; 6]))
                    .gso_max_size(65_536)
                    .gso_max_segs(64)
                    .gro_max_size(65_536)
                    .gso_ipv4_max_size(65_536)
                    .gro_ipv4_max_size(65_536)
                    .link_mode(LinkMode::Dormant)
                    .tx_queues(2)
                    .rx_queues(3)
                    .index(PARENT)
                    .netns(&file)
                    .parent_in(NsId::new(4).unwrap())
                    .up()
            };
        }
        let link = NewLink::macvlan(PARENT);
        let spec = asked!(LinkSpec::from(link));
        assert_eq!(spec, LinkSpec::from(asked!(link)));
        let LinkSpec::Macvlan(link) = spec else { panic!("{spec:?}") };
        assert_eq!(link.common, Common { set: Common::ALL, ..link.common }, "a setter that every link has is missing");
    }

    #[test]
    fn only_macvlans_with_an_address_of_their_own_get_one() {
        let file = std::fs::File::open("/dev/null").unwrap();
        let mac = |link: LinkSpec<'_>| link.in_namespace(file.as_fd()).unwrap().wanted_mac();
        let given = MacAddr::new([2; 6]).unwrap();
        assert!(mac(NewLink::macvlan(PARENT).into()).is_some());
        assert!(mac(NewLink::macvtap(PARENT).mode(MacvlanMode::Bridge).into()).is_some());
        assert_eq!(mac(NewLink::macvlan(PARENT).mac(given).up().into()), Some(given));
        assert_eq!(mac(NewLink::macvlan(PARENT).mode(MacvlanMode::Passthru).into()), None);
        assert_eq!(mac(NewLink::ipvlan(PARENT).into()), None);
        let vlan = NewLink::vlan(PARENT, VlanId::new(1).unwrap());
        assert_eq!((mac(vlan.into()), mac(vlan.mac(given).into())), (None, Some(given)));
        for mac_is_parents in
            [NewLink::macvtap(PARENT).mode(MacvlanMode::Passthru).into(), LinkSpec::from(NewLink::ipvlan(PARENT))]
        {
            assert_eq!(mac_is_parents.mac(given).in_namespace(file.as_fd()), Err(InvalidValue::MacIsParents));
        }
    }

    #[test]
    fn a_spec_reads_as_the_kernel_would_report_it() {
        let request =
            LinkSpec::from(NewLink::macvlan(PARENT).mode(MacvlanMode::Vepa).mtu(1400)).request_bytes().unwrap();
        let link = LinkView::of_request(&request).unwrap();
        assert_eq!((link.parent(), link.mtu()), (Some(PARENT), 1400));
        assert_eq!(link.macvlan().and_then(|macvlan| macvlan.mode()), Some(MacvlanMode::Vepa));
    }

    #[test]
    fn kinds_have_the_kernels_names() {
        for kind in LinkKind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        assert!("veth".parse::<LinkKind>().is_err());
    }
}
