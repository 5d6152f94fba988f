//! Links: what every link has, what each kind has, and the requests made of both.
//!
//! ```text
//! RTM_NEWLINK | ifinfomsg: family, type, index, flags, change | IFLA_… | IFLA_LINKINFO { IFLA_INFO_KIND = "macvlan"
//!                                                                                       IFLA_INFO_DATA { IFLA_MACVLAN_… } }
//! ```
//!
//! Configuration, change and status are different types, because the kernel treats them differently and silently ignores
//! what stands in the wrong one: [`NewLink`] creates, [`LinkChange`] alters, [`LinkView`] reads the kernel's buffer and
//! [`LinkInfo`] owns what was read. Each kind is one file and one table. Sources: `net/core/rtnetlink.c`,
//! `include/uapi/linux/if_link.h`, `man 7 rtnetlink`.

#[cfg(test)]
mod complete;
mod dummy;
mod encode;
mod indexes;
mod ipv6;
mod ipvlan;
mod macvlan;
mod macvtap;
mod physical;
mod proto_down;
mod query;
mod request;
mod settings;
mod spec;
mod stats;
mod status;
mod veth;
mod vlan;
mod vlan_flags;

pub use dummy::Dummy;
pub use ipv6::{Ipv6Setting, Ipv6Token};
pub use ipvlan::{Ipvlan, IpvlanChange, IpvlanFlag, IpvlanInfo, IpvlanMode, IpvlanView};
pub use macvlan::{Macvlan, MacvlanChange, MacvlanFlags, MacvlanInfo, MacvlanMode, MacvlanView, SourceMacs};
pub use macvtap::{Macvtap, MacvtapChange, MacvtapInfo, MacvtapView};
pub use physical::DevlinkPort;
pub use proto_down::{ProtoDownReasons, ProtoDownReasonsChange};
pub use query::{AltNameChange, DeleteLink, GetLink, ListLinks};
pub use request::{AnyKind, Create, LinkChange, Move, NewLink};
pub use settings::{AddrGenMode, Ipv4Setting, LinkSettings, Settings};
pub use spec::{LinkKind, LinkSpec};
pub use stats::LinkStats;
pub use status::{AltNames, KindInfo, KindView, LinkFlags, LinkMode, OperState};
pub(crate) use veth::peer_name;
pub use veth::{Peer, PeerEnd, Veth};
pub use vlan::{EgressQos, IngressQos, Vlan, VlanChange, VlanId, VlanInfo, VlanPriority, VlanProtocol, VlanView};
pub use vlan_flags::{VlanFlags, VlanFlagsChange};

pub(crate) use indexes::{ListIndexes, RTM_GETSTATS, RTM_NEWSTATS, STATS_BODY};
pub(crate) use ipv6::Ipv6Values;
pub(crate) use query::{RTM_DELLINKPROP, RTM_NEWLINKPROP};
pub(crate) use request::{Placement, RTM_DELLINK, RTM_GETLINK, RTM_NEWLINK, RTM_SETLINK};
pub(crate) use status::{IfInfo, LowerLink};

use crate::value::{Alias, Broadcast, IfIndex, IfName, LinkAddress, MacAddr, Name, NsId};
use crate::wire::{Body, CompareRows, Get, Message, Messages, Mismatch, Row, table};
use request::NetnsFd;

/// A message about a link: `struct ifinfomsg`, then the attributes of [`LinkView`].
pub(crate) const BODY: Body = Body { header: IfInfo::SIZE, rows: LinkView::ROWS };

table! {
    /// What every link can be given when it is created.
    #[doc(hidden)]
    common create Common<'a>,
    /// What can be changed of every link.
    #[doc(hidden)]
    change CommonChange<'a>,
    /// A link as the kernel reports it, borrowed from the bytes it came in.
    ///
    /// A spoilt attribute reads as if it were absent, and spoils only itself.
    view LinkView<'a>(IfInfo),
    /// A link as the kernel reported it, owned. `None` stands for what the kernel did not send.
    info LinkInfo {
        /// Its index in the namespace it was read from.
        index: IfIndex = |link| link.index(),
        /// What is switched on.
        flags: LinkFlags = |link| link.flags(),
        /// The hardware type, `ARPHRD_…`: 1 for Ethernet.
        device_type: u16 = |link| link.device_type(),
    }
    create {
        /// The link that it stands on. In the namespace of [`parent_netnsid`](LinkView::parent_netnsid) when that is given.
        5 IFLA_LINK pub(crate) parent: IfIndex,
    }
    both {
        /// The link-layer address. Give each link one: a link without is given a random one, which udev may rewrite.
        1 IFLA_ADDRESS pub mac: MacAddr => LinkAddress<'a> => Option<MacAddr> = LinkAddress::default(),
        /// The largest packet in bytes, without the link-layer header. A macvlan's or VLAN's is at most its parent's.
        4 IFLA_MTU pub mtu: u32 = 0,
    }
    request {
        28 IFLA_NET_NS_FD pub(crate) netns_fd: NetnsFd<'a>,
    }
    both {
        /// The length of the transmit queue in packets.
        13 IFLA_TXQLEN pub txqlen: u32 = 0,
        /// The group, an arbitrary number that [`DeleteLink::group`] goes by. 0 is every link's first.
        27 IFLA_GROUP pub group: u32 = 0,
        /// The bridge, bond, team or VRF that it is a port of.
        10 IFLA_MASTER pub master: IfIndex,
        /// The link-layer broadcast address.
        2 IFLA_BROADCAST pub broadcast: Broadcast,
        /// The largest packet in bytes that segmentation offload may build (since Linux 4.14 settable). At create, kernels
        /// before 5.19 give a link that stands on another what its parent has, whatever was asked for: change it then.
        41 IFLA_GSO_MAX_SIZE pub gso_max_size: u32,
        /// The most segments of such a packet (since Linux 4.14 settable). As for the size, before 5.19.
        40 IFLA_GSO_MAX_SEGS pub gso_max_segs: u32,
        /// The largest packet in bytes that receive offload may build (since Linux 5.17; older ones ignore it silently).
        58 IFLA_GRO_MAX_SIZE pub gro_max_size: u32,
        /// As [`gso_max_size`](LinkView::gso_max_size), for IPv4 alone, where more than 65,536 is BIG TCP (since Linux 6.3;
        /// older ones ignore it silently). Setting the limit of all protocols to 65,536 or less sets this one as well; of a
        /// request that has both, this one counts.
        63 IFLA_GSO_IPV4_MAX_SIZE pub gso_ipv4_max_size: u32,
        /// As [`gro_max_size`](LinkView::gro_max_size), for IPv4 alone (since Linux 6.3; older ones ignore it silently), and
        /// set with it like the limit for segmentation.
        64 IFLA_GRO_IPV4_MAX_SIZE pub gro_ipv4_max_size: u32,
        /// Who says that the link can carry packets: the driver alone, or a program as well.
        17 IFLA_LINKMODE pub link_mode: LinkMode = LinkMode::Default,
    }
    create {
        /// The number of transmit queues. Kernels up to 6.18 take at most 4,096.
        31 IFLA_NUM_TX_QUEUES pub tx_queues: u32,
        /// The number of receive queues.
        32 IFLA_NUM_RX_QUEUES pub rx_queues: u32,
        /// The namespace of the parent, as this namespace numbers it; absent when it is this one.
        37 IFLA_LINK_NETNSID pub(crate) parent_netnsid: NsId,
    }
    both {
        /// The name. A change of it needs the link to be down on Linux before 6.2.
        3 IFLA_IFNAME pub name: IfName => Name<'a> = Name(&[]),
    }
    change {
        /// The kernel's own index of a link in the namespace it moves to (since Linux 5.13).
        49 IFLA_NEW_IFINDEX pub(crate) new_index: IfIndex,
        /// Holds the link down at the protocol level: it has no carrier until this is ended. Linux up to 6.18 also gives the
        /// carrier back when the parent's state changes, and still reports this as set: set it again then. Macvlan and
        /// macvtap know it, the other kinds here answer EOPNOTSUPP. EBUSY if it is ended while there are reasons for it.
        39 IFLA_PROTO_DOWN pub proto_down: bool,
        /// The reasons to hold it down, a bit for each program that wants it (since Linux 5.9; older ones ignore it silently).
        /// A reason alone holds nothing down; it only keeps [`proto_down`](LinkView::proto_down) from being ended. The kinds that
        /// know it, and the errors, are the same.
        55 IFLA_PROTO_DOWN_REASON pub proto_down_reason: ProtoDownReasonsChange => ProtoDownReasons => ProtoDownReasons = ProtoDownReasons::NONE,
        /// Whether there is a carrier. A dummy's can be set; the other kinds here answer EOPNOTSUPP. EINVAL while the
        /// link is down.
        33 IFLA_CARRIER pub carrier: bool,
        /// The operational state of RFC 2863. A program sets it where [`link_mode`](LinkView::link_mode) allows that:
        /// [`Up`](OperState::Up), [`Dormant`](OperState::Dormant) or [`Testing`](OperState::Testing). **The kernel silently
        /// ignores** every other state, and these where the link has no carrier or is down.
        16 IFLA_OPERSTATE pub oper_state: OperState = OperState::Unknown,
        /// Free text about the link, of at most 255 bytes.
        20 IFLA_IFALIAS pub alias: Alias<'a> => Name<'a> => Box<[u8]>,
    }
    reply {
        /// The kind, and what it alone has.
        18 IFLA_LINKINFO pub kind: KindView<'a> => KindView<'a> => KindInfo = KindView::NONE,
        /// Settings of address families.
        26 IFLA_AF_SPEC pub settings: Settings = Settings::NONE,
        /// How many users want every packet (promiscuity is a count).
        30 IFLA_PROMISCUITY pub promiscuity: u32 = 0,
        /// How often the carrier came or went.
        35 IFLA_CARRIER_CHANGES pub carrier_changes: u32,
        /// The namespace that the link was read from, where it was asked for by number.
        46 IFLA_TARGET_NETNSID pub netnsid: NsId,
        /// The smallest MTU that the driver takes.
        50 IFLA_MIN_MTU pub min_mtu: u32,
        /// The largest MTU that the driver takes; 0 for no limit.
        51 IFLA_MAX_MTU pub max_mtu: u32,
        /// Alternative names (since Linux 5.5).
        52 IFLA_PROP_LIST pub alt_names: AltNames<'a> => AltNames<'a> => Vec<Box<[u8]>> = AltNames::NONE,
        /// The hardware's own address, where it has one (since Linux 5.6).
        54 IFLA_PERM_ADDRESS pub permanent_address: LinkAddress<'a> => LinkAddress<'a> => Option<MacAddr> = LinkAddress::default(),
        /// How often the carrier came (since Linux 4.16).
        47 IFLA_CARRIER_UP_COUNT pub carrier_up_count: u32,
        /// How often the carrier went (since Linux 4.16).
        48 IFLA_CARRIER_DOWN_COUNT pub carrier_down_count: u32,
        /// The largest packet that the hardware can segment: the limit of [`gso_max_size`](LinkView::gso_max_size) (since Linux
        /// 5.19).
        59 IFLA_TSO_MAX_SIZE pub tso_max_size: u32,
        /// The most segments that the hardware can make of a packet (since Linux 5.19).
        60 IFLA_TSO_MAX_SEGS pub tso_max_segs: u32,
        /// How many users want every multicast packet (since Linux 6.0).
        61 IFLA_ALLMULTI pub allmulti: u32,
        /// How far ahead in time the hardware can be given packets to send, in nanoseconds (since Linux 6.13).
        66 IFLA_MAX_PACING_OFFLOAD_HORIZON pub max_pacing_offload_horizon: u64,
        /// Whether it can never move to another namespace (since Linux 6.15).
        67 IFLA_NETNS_IMMUTABLE pub netns_immutable: bool,
        /// The bytes that it wants free before each packet (since Linux 6.18).
        68 IFLA_HEADROOM pub headroom: u16,
        /// The bytes that it wants free behind each packet (since Linux 6.18).
        69 IFLA_TAILROOM pub tailroom: u16,
    }
    viewed {
        /// The discipline of its transmit queue: `noqueue`, `fq_codel` …
        6 IFLA_QDISC pub qdisc: Name<'a>,
        /// Counters, where they are asked for: [`GetLink::with_stats`], [`ListLinks::with_stats`]. An owned link has none, so that
        /// two reads are equal while only traffic changes; keep them beside it.
        23 IFLA_STATS64 pub stats: LinkStats,
    }
    reply {
        /// The hardware device of the link: `0000:01:00.0`, on the bus `pci` (since Linux 5.14).
        56 IFLA_PARENT_DEV_NAME pub parent_device: Name<'a> => Name<'a> => Box<[u8]>,
        /// The bus of that device (since Linux 5.14).
        57 IFLA_PARENT_DEV_BUS_NAME pub parent_device_bus: Name<'a> => Name<'a> => Box<[u8]>,
        /// Which physical port the link uses, where the hardware has several links on one port.
        34 IFLA_PHYS_PORT_ID pub physical_port_id: &'a [u8] => &'a [u8] => Box<[u8]>,
        /// The name that a switch's driver gives its port.
        38 IFLA_PHYS_PORT_NAME pub physical_port_name: Name<'a> => Name<'a> => Box<[u8]>,
        /// Which hardware switch it is a port of; a VLAN or macvlan on such a port has it as well.
        36 IFLA_PHYS_SWITCH_ID pub physical_switch_id: &'a [u8] => &'a [u8] => Box<[u8]>,
        /// Which devlink port of the hardware it is (since Linux 6.2).
        62 IFLA_DEVLINK_PORT pub devlink_port: DevlinkPort<'a> => DevlinkPort<'a> => String,
    }
}

/// `ARPHRD_ETHER` of `include/uapi/linux/if_arp.h`.
pub(crate) const ARPHRD_ETHER: u16 = 1;

impl<'a> LinkView<'a> {
    /// Reads a message about a link (RTM_NEWLINK, or RTM_DELLINK of an event). `None` if it is another message, too short,
    /// or the kernel had more to tell than it can: of a list of some 5,460 senders or priorities, it sends a wrong length.
    #[inline]
    pub fn of(message: Message<'a>) -> Option<Self> {
        let is_link = matches!(message.header.ty, RTM_NEWLINK | RTM_DELLINK);
        let (head, attributes) = IfInfo::split(message.payload).filter(|_| is_link)?;
        Some(Self::new(head, attributes))
    }

    /// Reads a request to create or change a link as the kernel would report that link, were it just as asked for. Its index
    /// means something only where the request has one.
    pub(crate) fn of_request(request: &'a [u8]) -> Option<Self> {
        let message = Messages::new(request).next()?.ok()?;
        let is_link = matches!(message.header.ty, RTM_NEWLINK | RTM_SETLINK);
        let (head, attributes) = IfInfo::split_or(message.payload, Some(IfIndex(1))).filter(|_| is_link)?;
        Some(Self::new(head, attributes))
    }

    /// Its index in the namespace it was read from.
    #[inline]
    pub fn index(&self) -> IfIndex {
        self.head.index
    }

    /// The name, owned.
    pub fn if_name(&self) -> IfName {
        IfName::received(self.name().as_bytes())
    }

    /// What is switched on.
    #[inline]
    pub fn flags(&self) -> LinkFlags {
        self.head.flags
    }

    /// Whether it was brought up (`IFF_UP`). Whether it can carry packets is [`oper_state`](Self::oper_state).
    #[inline]
    pub fn is_up(&self) -> bool {
        self.head.flags.contains(LinkFlags::UP)
    }

    /// The link that it stands on, if that is in its own namespace: one of elsewhere has an index that another link may have here. A
    /// veth stands on nothing: its parent is its other end.
    pub fn parent_here(&self) -> Option<IfIndex> {
        self.parent().filter(|_| self.parent_netnsid().is_none())
    }

    /// The link by which a VXLAN or AMT link sends its packets, and with which the kernel deletes it. Other tunnels have it in
    /// IFLA_LINK.
    pub(crate) fn tunnel_device(&self) -> Option<IfIndex> {
        const IFLA_VXLAN_LINK: u16 = 3;
        const IFLA_AMT_LINK: u16 = 4;
        let kind = self.kind();
        let number = match kind.name().as_bytes() {
            b"vxlan" => IFLA_VXLAN_LINK,
            b"amt" => IFLA_AMT_LINK,
            _ => return None,
        };
        kind.attribute(number).and_then(Get::get)
    }

    /// The hardware type, `ARPHRD_…`: 1 for Ethernet.
    pub fn device_type(&self) -> u16 {
        self.head.device_type
    }

    /// What only a macvlan has; `None` for other kinds.
    #[inline]
    pub fn macvlan(&self) -> Option<MacvlanView<'a>> {
        self.kind().macvlan()
    }

    /// What only a macvtap has; `None` for other kinds.
    #[inline]
    pub fn macvtap(&self) -> Option<MacvtapView<'a>> {
        self.kind().macvtap()
    }

    /// What only a VLAN has; `None` for other kinds.
    #[inline]
    pub fn vlan(&self) -> Option<VlanView<'a>> {
        self.kind().vlan()
    }

    /// What only an ipvlan has; `None` for other kinds.
    #[inline]
    pub fn ipvlan(&self) -> Option<IpvlanView<'a>> {
        self.kind().ipvlan()
    }
}

impl LinkInfo {
    /// An Ethernet link that is down, with this index and this name, of which the kernel sent nothing else. For tests, which
    /// then set the fields that they are about.
    ///
    /// ```
    /// use sublink::link::{KindInfo, LinkFlags, MacvlanInfo};
    /// use sublink::{IfIndex, IfName, LinkInfo, MacvlanMode};
    /// let mut macvlan = MacvlanInfo::default();
    /// macvlan.mode = Some(MacvlanMode::Bridge);
    /// let mut link = LinkInfo::new(IfIndex::new(7)?, IfName::new("mv0")?);
    /// (link.flags, link.parent, link.kind) = (LinkFlags::UP, IfIndex::new(2).ok(), KindInfo::Macvlan(macvlan));
    /// assert!(link.is_up());
    /// # Ok::<(), sublink::value::InvalidValue>(())
    /// ```
    pub fn new(index: IfIndex, name: IfName) -> Self {
        let head = IfInfo { index, device_type: ARPHRD_ETHER, flags: LinkFlags::NONE };
        Self { name, ..LinkView::new(head, &[]).to_owned() }
    }

    /// The same as [`LinkView::parent_here`].
    pub fn parent_here(&self) -> Option<IfIndex> {
        self.parent.filter(|_| self.parent_netnsid.is_none())
    }

    /// Whether it was brought up (`IFF_UP`).
    pub fn is_up(&self) -> bool {
        self.flags.contains(LinkFlags::UP)
    }
}

/// What the library knows of a kind besides its attributes: for errors.
#[derive(Debug)]
pub(crate) struct KindFacts {
    /// `IFLA_INFO_KIND`.
    pub(crate) name: &'static str,
    /// The kernel module that brings it.
    pub(crate) module: &'static str,
    /// What `IFLA_INFO_DATA` holds.
    pub(crate) rows: &'static [Row],
    /// Attributes that older kernels ignore silently and newer ones report.
    pub(crate) ignored_by_older: &'static [u16],
}

impl KindFacts {
    /// What the library knows of the kind with this name.
    pub(crate) fn of(name: &[u8]) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.name.as_bytes() == name)
    }
}

/// Attributes of every link that older kernels ignore silently and newer ones report.
const IGNORED_BY_OLDER: &[u16] =
    &[LinkView::IFLA_GRO_MAX_SIZE, LinkView::IFLA_GSO_IPV4_MAX_SIZE, LinkView::IFLA_GRO_IPV4_MAX_SIZE];

/// The name of an attribute that an encoded `request` sets and an older kernel ignored, as `link` shows.
pub(crate) fn ignored(request: &[u8], link: &LinkView<'_>) -> Option<&'static str> {
    let asked = LinkView::of_request(request)?;
    let first = |mismatches: Vec<Mismatch>, ignored: &[u16]| {
        let is_ignored = |mismatch: &Mismatch| mismatch.found.is_none() && ignored.contains(&mismatch.number);
        mismatches.into_iter().find(is_ignored).map(|mismatch| mismatch.name)
    };
    let of_kind = || {
        let facts = KINDS.iter().find(|kind| link.kind() == kind.name)?;
        first(asked.kind().mismatches(&link.kind()), facts.ignored_by_older)
    };
    first(asked.mismatches(link), IGNORED_BY_OLDER).or_else(of_kind)
}

/// Whether an encoded `request` changes a macvlan's list of senders.
pub(crate) fn sets_senders(request: &[u8]) -> bool {
    KindView::of_request(request).is_some_and(|kind| {
        let is_set = |number| kind.attribute(number).is_some();
        (kind.macvlan().is_some() && is_set(MacvlanView::IFLA_MACVLAN_MACADDR_MODE))
            || (kind.macvtap().is_some() && is_set(MacvtapView::IFLA_MACVLAN_MACADDR_MODE))
    })
}

/// Every kind that can be created here.
const KINDS: &[KindFacts] = &[macvlan::FACTS, macvtap::FACTS, vlan::FACTS, dummy::FACTS, veth::FACTS, ipvlan::FACTS];
