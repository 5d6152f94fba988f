//! Values that are only ever read: header, flags, state, kind, alternative names.

use super::{
    IpvlanInfo, IpvlanView, KindFacts, LinkView, MacvlanInfo, MacvlanView, MacvtapInfo, MacvtapView, RTM_NEWLINK,
    VlanInfo, VlanView, ipvlan, macvlan, macvtap, vlan,
};
use crate::value::{IfIndex, Name, flags, numbers};
use crate::wire::{Attribute, Attributes, CompareRows, Get, Header, Inside, Message, Mismatch, Row, fixed};
use std::fmt;

/// The address family of a message about a link itself.
const AF_UNSPEC: u8 = 0;

/// The header that stands before a link's attributes (`struct ifinfomsg`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IfInfo {
    /// The link's index.
    pub index: IfIndex,
    /// The hardware type, `ARPHRD_…`.
    pub device_type: u16,
    /// What is switched on.
    pub flags: LinkFlags,
}

impl IfInfo {
    /// Bytes of `struct ifinfomsg`.
    pub(crate) const SIZE: usize = 16;
    /// Where the index stands in it (`ifi_index`).
    pub(crate) const INDEX: usize = 4;

    /// Splits a link message's payload into header and attributes. `None` if it is too short, names no link, or its
    /// attributes cannot be told apart, so that none goes missing or is made up without a word.
    #[inline]
    pub(crate) fn split(payload: &[u8]) -> Option<(Self, &[u8])> {
        Self::split_or(payload, None)
    }

    /// Likewise, with an index for where there is none, as in a request.
    #[inline]
    pub(crate) fn split_or(payload: &[u8], index: Option<IfIndex>) -> Option<(Self, &[u8])> {
        let (header, attributes) =
            payload.split_first_chunk::<{ Self::SIZE }>().filter(|(_, attributes)| are_whole(attributes))?;
        let [family, _, t0, t1, i0, i1, i2, i3, f0, f1, f2, f3, _, _, _, _] = *header;
        if family != AF_UNSPEC {
            return None; // AF_BRIDGE: about a bridge's port, not about the link
        }
        let index = IfIndex::new(u32::from_ne_bytes([i0, i1, i2, i3])).ok().or(index)?;
        let flags = LinkFlags(u32::from_ne_bytes([f0, f1, f2, f3]));
        Some((Self { index, device_type: u16::from_ne_bytes([t0, t1]), flags }, attributes))
    }
}

/// Whether a link's attributes can be told apart.
///
/// Several requests can make a list of senders or priorities longer than the 16 bits of a nest's length can say. Kernels
/// before 7.3 then report the length without its upper bits, so that 64 KiB of the list read as attributes of the link, and
/// whoever filled the list chose them.
///
/// It can only have happened in a message of more than 64 KiB. In one of less than 128 KiB, where it can have happened once
/// only, the attributes are right if none is there twice, none has number 0, and all are short but the two that can be long:
/// `IFLA_LINKINFO`, which such a list is part of, and `IFLA_PROP_LIST`.
#[inline]
fn are_whole(attributes: &[u8]) -> bool {
    const LONGEST_NEST: usize = 0xffff;
    attributes.len() <= LONGEST_NEST || (attributes.len() <= 2 * LONGEST_NEST && are_there_once(attributes))
}

#[cold]
fn are_there_once(attributes: &[u8]) -> bool {
    const LONG: [u16; 2] = [LinkView::IFLA_LINKINFO, LinkView::IFLA_PROP_LIST];
    const SHORT: usize = 0x8000;
    let (mut seen, mut short, mut attributes) = (1u128, 0, Attributes::new(attributes));
    let is_new = |Attribute { number, value }| {
        let bit = 1u128.checked_shl(number.into()).unwrap_or_default(); // the kernel's numbers are below 128
        let is_new = seen & bit == 0;
        seen |= bit;
        short += if LONG.contains(&number) { 0 } else { value.len() };
        is_new
    };
    attributes.by_ref().all(is_new) && attributes.rest().is_empty() && short < SHORT
}

flags! {
    /// A link's flags (`IFF_…`, `man 7 netdevice`).
    ///
    /// ```
    /// use sublink::link::LinkFlags;
    /// let flags = LinkFlags::UP | LinkFlags::BROADCAST;
    /// assert!(flags.contains(LinkFlags::UP));
    /// assert_eq!(flags.to_string(), "<UP,BROADCAST>");
    /// ```
    LinkFlags: u32 {
        /// It was brought up.
        0x1 "IFF_UP" UP "UP",
        /// It has a broadcast address.
        0x2 "IFF_BROADCAST" BROADCAST "BROADCAST",
        /// It is a loopback.
        0x8 "IFF_LOOPBACK" LOOPBACK "LOOPBACK",
        /// It is point to point.
        0x10 "IFF_POINTOPOINT" POINTOPOINT "POINTOPOINT",
        /// It does not use ARP.
        0x80 "IFF_NOARP" NOARP "NOARP",
        /// It receives every packet.
        0x100 "IFF_PROMISC" PROMISC "PROMISC",
        /// It receives every multicast packet.
        0x200 "IFF_ALLMULTI" ALLMULTI "ALLMULTI",
        /// It can send multicast.
        0x1000 "IFF_MULTICAST" MULTICAST "MULTICAST",
        /// It has resources: up, and operational.
        0x40 "IFF_RUNNING" RUNNING "RUNNING",
        /// The driver signals a carrier.
        0x1_0000 "IFF_LOWER_UP" LOWER_UP "LOWER_UP",
        /// The driver signals dormancy.
        0x2_0000 "IFF_DORMANT" DORMANT "DORMANT",
    }
}

numbers! {
    /// The operational state of a link (RFC 2863, `IF_OPER_…`).
    OperState: u8, "state" {
        /// The driver does not say.
        0 Unknown "UNKNOWN",
        /// Some hardware is missing.
        1 NotPresent "NOTPRESENT",
        /// It is down.
        2 Down "DOWN",
        /// The parent is down, or has no carrier.
        3 LowerLayerDown "LOWERLAYERDOWN",
        /// It is being tested.
        4 Testing "TESTING",
        /// It waits for an event, such as authentication.
        5 Dormant "DORMANT",
        /// It can carry packets.
        6 Up "UP",
        Other "{}"
    }
}

numbers! {
    /// Who says that a link can carry packets (`IF_LINK_MODE_…`). The kernel takes any number.
    LinkMode: u8, "mode" {
        /// The driver: a link with a carrier is [`OperState::Up`].
        0 Default "DEFAULT",
        /// A program as well, such as 802.1X's: a link with a carrier is [`OperState::Dormant`] until the program says
        /// [`OperState::Up`].
        1 Dormant "DORMANT",
        /// As `Dormant`, with [`OperState::Testing`] (since Linux 5.8).
        2 Testing "TESTING",
        Other "{}"
    }
}

fixed! {
    LinkMode: 1 + 3, LinkMode::Default, |v: LinkMode| [v.number()], |[b]: [u8; 1]| LinkMode::from(b);
    OperState: 1 + 3, OperState::Unknown, |v: OperState| [v.number()], |[b]: [u8; 1]| OperState::from(b);
}

/// A link's kind and what only that kind has (`IFLA_LINKINFO`). It prints as its name; physical links and `lo` have none.
#[derive(Clone, Copy)]
pub struct KindView<'a> {
    name: Name<'a>,
    data: &'a [u8],
}

impl<'a> KindView<'a> {
    pub(crate) const NONE: Self = Self { name: Name(&[]), data: &[] };
    /// The number of the kind's name.
    pub const IFLA_INFO_KIND: u16 = 1;
    /// The number of the nest that holds what only the kind has.
    pub const IFLA_INFO_DATA: u16 = 2;

    /// The kernel's name of the kind; empty if there is none.
    #[inline]
    pub fn name(&self) -> Name<'a> {
        self.name
    }

    /// What an encoded request says of its link's kind.
    pub(super) fn of_request(request: &'a [u8]) -> Option<Self> {
        let mut attributes = Attributes::new(request.get(Header::SIZE + IfInfo::SIZE..)?);
        attributes.find(|attribute| attribute.number == LinkView::IFLA_LINKINFO).and_then(|info| Self::get(info.value))
    }

    /// The value of an attribute that only this kind has.
    pub(super) fn attribute(&self, number: u16) -> Option<&'a [u8]> {
        Attributes::new(self.data).find(|attribute| attribute.number == number).map(|attribute| attribute.value)
    }

    /// The attributes of the kind that `self`, a request, sets and `found` reports differently. Empty if the kinds differ.
    pub(crate) fn mismatches(&self, found: &Self) -> Vec<Mismatch> {
        fn compare<V: CompareRows>(asked: Option<V>, found: Option<V>) -> Vec<Mismatch> {
            asked.zip(found).map_or_else(Vec::new, |(asked, found)| asked.mismatches(&found))
        }
        let mut mismatches = compare(self.macvlan(), found.macvlan());
        mismatches.extend(compare(self.macvtap(), found.macvtap()));
        mismatches.extend(compare(self.vlan(), found.vlan()));
        mismatches.extend(compare(self.ipvlan(), found.ipvlan()));
        mismatches
    }

    #[inline]
    fn data(&self, kind: &str) -> Option<&'a [u8]> {
        (self.name == *kind).then_some(self.data)
    }

    /// See [`LinkView::macvlan`](super::LinkView::macvlan).
    #[inline]
    pub fn macvlan(&self) -> Option<MacvlanView<'a>> {
        self.data(macvlan::FACTS.name).map(MacvlanView::new)
    }

    /// See [`LinkView::macvtap`](super::LinkView::macvtap).
    #[inline]
    pub fn macvtap(&self) -> Option<MacvtapView<'a>> {
        self.data(macvtap::FACTS.name).map(MacvtapView::new)
    }

    /// See [`LinkView::vlan`](super::LinkView::vlan).
    #[inline]
    pub fn vlan(&self) -> Option<VlanView<'a>> {
        self.data(vlan::FACTS.name).map(VlanView::new)
    }

    /// See [`LinkView::ipvlan`](super::LinkView::ipvlan).
    #[inline]
    pub fn ipvlan(&self) -> Option<IpvlanView<'a>> {
        self.data(ipvlan::FACTS.name).map(IpvlanView::new)
    }
}

/// What a link stands on, read from a message about it in one pass: all that an attach wants to know of a parent.
pub(crate) struct LowerLink<'a> {
    pub(crate) index: IfIndex,
    pub(crate) kind: KindView<'a>,
    pub(crate) parent: Option<IfIndex>,
    pub(crate) parent_is_elsewhere: bool,
}

impl<'a> LowerLink<'a> {
    /// The index alone.
    pub(crate) fn index_of(message: Message<'_>) -> Option<IfIndex> {
        IfInfo::split(message.payload).filter(|_| message.header.ty == RTM_NEWLINK).map(|(head, _)| head.index)
    }

    pub(crate) fn of(message: Message<'a>) -> Option<Self> {
        let (head, attributes) = IfInfo::split(message.payload).filter(|_| message.header.ty == RTM_NEWLINK)?;
        let mut lower_link = Self { index: head.index, kind: KindView::NONE, parent: None, parent_is_elsewhere: false };
        for Attribute { number, value } in Attributes::new(attributes) {
            match number {
                LinkView::IFLA_LINK => lower_link.parent = Get::get(value),
                LinkView::IFLA_LINKINFO => lower_link.kind = KindView::get(value)?,
                LinkView::IFLA_LINK_NETNSID => lower_link.parent_is_elsewhere = true,
                _ => {}
            }
        }
        Some(lower_link)
    }
}

impl<'a> Get<'a> for KindView<'a> {
    const INSIDE: Inside = Inside::Rows(&[
        Row::value(Self::IFLA_INFO_KIND, "IFLA_INFO_KIND"),
        Row { number: Self::IFLA_INFO_DATA, name: "IFLA_INFO_DATA", inside: Inside::Kind },
    ]);
    #[inline]
    fn get(value: &'a [u8]) -> Option<Self> {
        let mut view = Self::NONE;
        for Attribute { number, value } in Attributes::new(value) {
            match number {
                Self::IFLA_INFO_KIND => view.name = Name::get(value)?,
                Self::IFLA_INFO_DATA => view.data = value,
                _ => {}
            }
        }
        Some(view)
    }
}

impl fmt::Debug for KindView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)
    }
}

impl fmt::Display for KindView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)
    }
}

impl PartialEq<&str> for KindView<'_> {
    fn eq(&self, kind: &&str) -> bool {
        self.name == *kind
    }
}

/// A link's kind and what only that kind has, owned.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KindInfo {
    /// It has no kind: a physical link, or `lo`.
    None,
    /// A macvlan.
    Macvlan(MacvlanInfo),
    /// A macvtap.
    Macvtap(MacvtapInfo),
    /// A VLAN.
    Vlan(VlanInfo),
    /// An ipvlan.
    Ipvlan(IpvlanInfo),
    /// A kind of which nothing more is read here, by its name: `dummy`, `veth`, `bridge` …
    Other(Box<[u8]>),
}

impl KindInfo {
    /// The kernel's name of the kind; empty if there is none.
    pub fn name(&self) -> Name<'_> {
        Name(match self {
            Self::None => b"",
            Self::Macvlan(_) => macvlan::FACTS.name.as_bytes(),
            Self::Macvtap(_) => macvtap::FACTS.name.as_bytes(),
            Self::Vlan(_) => vlan::FACTS.name.as_bytes(),
            Self::Ipvlan(_) => ipvlan::FACTS.name.as_bytes(),
            Self::Other(name) => name,
        })
    }
}

impl From<KindView<'_>> for KindInfo {
    fn from(kind: KindView<'_>) -> Self {
        let is = |facts: KindFacts| kind.name == facts.name;
        match kind.name.as_bytes() {
            b"" => Self::None,
            _ if is(macvlan::FACTS) => Self::Macvlan(MacvlanView::new(kind.data).to_owned()),
            _ if is(macvtap::FACTS) => Self::Macvtap(MacvtapView::new(kind.data).to_owned()),
            _ if is(vlan::FACTS) => Self::Vlan(VlanView::new(kind.data).to_owned()),
            _ if is(ipvlan::FACTS) => Self::Ipvlan(IpvlanView::new(kind.data).to_owned()),
            other => Self::Other(other.into()),
        }
    }
}

/// The alternative names of a link (`IFLA_PROP_LIST` of `IFLA_ALT_IFNAME`).
#[derive(Clone, Copy)]
pub struct AltNames<'a>(Attributes<'a>);

impl<'a> AltNames<'a> {
    /// The number of each name in the list.
    pub const IFLA_ALT_IFNAME: u16 = 53;
    pub(crate) const NONE: Self = Self(Attributes::EMPTY);

    /// The names, in the kernel's order.
    pub fn iter(&self) -> impl Iterator<Item = Name<'a>> + use<'a> {
        self.0.filter(|entry| entry.number == Self::IFLA_ALT_IFNAME).filter_map(|entry| Name::get(entry.value))
    }
}

impl<'a> Get<'a> for AltNames<'a> {
    const INSIDE: Inside = Inside::Rows(&[Row::value(Self::IFLA_ALT_IFNAME, "IFLA_ALT_IFNAME")]);
    fn get(value: &'a [u8]) -> Option<Self> {
        Some(Self(Attributes::new(value)))
    }
}

impl fmt::Debug for AltNames<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl From<AltNames<'_>> for Vec<Box<[u8]>> {
    fn from(names: AltNames<'_>) -> Self {
        names.iter().map(Box::from).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_about_a_bridge_port_is_no_link() {
        let mut payload = [0; 16];
        payload[4] = 5; // its index
        assert!(IfInfo::split(&payload).is_some());
        payload[0] = 7; // AF_BRIDGE
        assert!(IfInfo::split(&payload).is_none());
    }

    #[test]
    fn unknown_states_survive() {
        assert_eq!(OperState::from(6), OperState::Up);
        assert_eq!(OperState::from(200), OperState::Other(200));
        assert!((0..=255).all(|n| OperState::from(n).number() == n));
    }
}
