//! VLAN: one tagged network of a trunk as a link of its own.
//!
//! ```text
//!   eth0.50  (id 50)      eth0.60  (id 60)      frames without a tag, for the stack
//!         \                 /
//!          eth0, the trunk ──                   frames with a tag: | 0x8100 | priority 3 bits, id 12 bits |
//! ```
//!
//! Id and protocol are fixed for life: the kernel answers OK to a change of them and ignores it. A VLAN's parent may be a
//! VLAN (QinQ), and its MTU is at most the parent's. It comes up only while the parent is up (ENETDOWN), unless its binding
//! is loose. Source: `net/8021q/vlan_netlink.c`, `include/uapi/linux/if_vlan.h`.

use super::encode::{Kind, info_kind};
use super::{KindFacts, LinkChange, NewLink, VlanFlags, VlanFlagsChange};
use crate::value::{Given, IfIndex, InvalidValue, LAST_VLAN_ID, checked, numbers};
use crate::wire::{Compare, Entries, Entry, Fixed, Get, Row, compare_as_printed, fixed, head, table};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// A VLAN's id: 0 to 4094. Id 0 carries a priority only.
///
/// ```
/// use sublink::VlanId;
/// let id: VlanId = "50".parse()?;
/// assert_eq!((id, u16::from(id)), (VlanId::new(50)?, 50));
/// assert!(VlanId::new(4095).is_err());
/// # Ok::<(), sublink::value::InvalidValue>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VlanId(u16);

impl VlanId {
    /// Checks `id`.
    pub const fn new(id: u16) -> Result<Self, InvalidValue> {
        if id > LAST_VLAN_ID { Err(InvalidValue::VlanId(id)) } else { Ok(Self(id)) }
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }
}

checked!(VlanId: u16);

impl FromStr for VlanId {
    type Err = InvalidValue;
    fn from_str(id: &str) -> Result<Self, InvalidValue> {
        id.parse().map_err(|_| InvalidValue::VlanIdSyntax(Given::new(id.as_bytes()))).and_then(Self::new)
    }
}

numbers! {
    /// The protocol of a VLAN's tags: their Ethernet type, big endian on the wire.
    VlanProtocol: u16, "VLAN protocol" {
        /// A customer's VLAN; the kernel's default.
        0x8100 Ieee8021Q "802.1Q",
        /// A provider's VLAN around customers' ones.
        0x88a8 Ieee8021Ad "802.1ad",
        Other "{:#06x}"
    }
}

impl VlanProtocol {
    /// The Ethernet type.
    #[inline]
    pub const fn ethertype(self) -> u16 {
        self.number()
    }
}

/// A priority in a VLAN's tag (PCP): 0 to 7.
///
/// ```
/// use sublink::link::{EgressQos, VlanPriority};
/// let urgent = VlanPriority::new(6)?;
/// assert_eq!(EgressQos::new(16, urgent).to(), 6); // packets of `skb->priority` 16
/// assert!(VlanPriority::new(8).is_err());
/// # Ok::<(), sublink::value::InvalidValue>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VlanPriority(u8);

impl VlanPriority {
    /// Checks `priority`.
    pub const fn new(priority: u8) -> Result<Self, InvalidValue> {
        if priority > 7 { Err(InvalidValue::VlanPriority(priority)) } else { Ok(Self(priority)) }
    }

    /// The number.
    pub const fn get(self) -> u8 {
        self.0
    }
}

checked!(VlanPriority: u8);

/// An entry of the ingress map: frames with this priority in their tag get that priority in the kernel (`skb->priority`).
///
/// Kept as the attribute that is sent, so that encoding copies it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct IngressQos(Mapping);

impl IngressQos {
    /// Frames with `from` in their tag get priority `to`; with `to` 0, an entry is removed.
    #[must_use]
    pub const fn new(from: VlanPriority, to: u32) -> Self {
        Self(Mapping::new(from.0 as u32, to))
    }

    /// The priority in the tag.
    pub const fn from(self) -> u32 {
        self.0.pair().0
    }

    /// The priority in the kernel.
    pub const fn to(self) -> u32 {
        self.0.pair().1
    }
}

/// An entry of the egress map: packets with this priority in the kernel (`skb->priority`) get that priority in their tag.
///
/// Kept as the attribute that is sent, so that encoding copies it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct EgressQos(Mapping);

impl EgressQos {
    /// Packets with priority `from` get `to` in their tag; with `to` 0, an entry is removed.
    #[must_use]
    pub const fn new(from: u32, to: VlanPriority) -> Self {
        Self(Mapping::new(from, to.0 as u32))
    }

    /// The priority in the kernel.
    pub const fn from(self) -> u32 {
        self.0.pair().0
    }

    /// The priority in the tag.
    pub const fn to(self) -> u32 {
        self.0.pair().1
    }
}

/// `struct ifla_vlan_qos_mapping` with its attribute's header.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Mapping([u8; 12]);

impl Mapping {
    const ROW: Row = Row::value(1, "IFLA_VLAN_QOS_MAPPING");
    const ZERO: Self = Self::new(0, 0);

    const fn new(from: u32, to: u32) -> Self {
        let [h0, h1, h2, h3] = head(12, Self::ROW.number);
        let [f0, f1, f2, f3] = from.to_ne_bytes();
        let [t0, t1, t2, t3] = to.to_ne_bytes();
        Self([h0, h1, h2, h3, f0, f1, f2, f3, t0, t1, t2, t3])
    }

    const fn pair(self) -> (u32, u32) {
        let [_, _, _, _, f0, f1, f2, f3, t0, t1, t2, t3] = self.0;
        (u32::from_ne_bytes([f0, f1, f2, f3]), u32::from_ne_bytes([t0, t1, t2, t3]))
    }

    fn get(value: &[u8]) -> Option<Self> {
        let (from, to) = value.split_first_chunk()?;
        Some(Self::new(u32::from_ne_bytes(*from), u32::from_ne_bytes(*to.first_chunk()?)))
    }
}

macro_rules! mappings {
    ($($T:ident)*) => { $(
        impl Fixed for $T {
            const SIZE: usize = 12;
            const ZERO: Self = Self(Mapping::ZERO);
            #[inline(always)]
            fn fill(&self, _: u16, to: &mut [u8]) {
                if let Some(to) = to.first_chunk_mut() {
                    *to = self.0.0;
                }
            }
        }
        impl Entry for $T {
            const ROW: Row = Mapping::ROW;
        }
        impl Get<'_> for $T {
            fn get(value: &[u8]) -> Option<Self> {
                Mapping::get(value).map(Self)
            }
        }
        impl fmt::Debug for $T {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}:{}", self.from(), self.to())
            }
        }
        /// Only the priorities that were asked for count. An entry that maps to 0 removes one, so it is not reported.
        impl Compare for Entries<'_, $T> {
            fn words(&self) -> String {
                let map: BTreeMap<_, _> = self.map(|entry| (entry.from(), entry.to())).filter(|(_, to)| *to != 0).collect();
                format!("{map:?}")
            }
            fn words_of(&self, found: &Self) -> String {
                let is_asked_for = |found: &$T| self.clone().any(|asked| asked.from() == found.from());
                let map: BTreeMap<_, _> = found.filter(is_asked_for).map(|entry| (entry.from(), entry.to())).collect();
                format!("{map:?}")
            }
            fn words_of_none() -> Option<String> {
                Some("{}".into())
            }
        }
    )* };
}
mappings!(IngressQos EgressQos);

fixed! {
    VlanId: 2 + 2, VlanId(0), |v: VlanId| v.0.to_ne_bytes(), |b| VlanId::new(u16::from_ne_bytes(b)).ok();
    VlanProtocol: 2 + 2, VlanProtocol::Ieee8021Q, |v: VlanProtocol| v.ethertype().to_be_bytes(), |b| VlanProtocol::from(u16::from_be_bytes(b));
}

compare_as_printed!(VlanId);

table! {
    /// What makes a new link a VLAN.
    kind create Vlan<'a>,
    /// What can be changed of a VLAN.
    change VlanChange<'a>,
    /// What only a VLAN has, as the kernel reports it.
    view VlanView<'a>,
    /// What only a VLAN has, owned.
    info VlanInfo {}
    create {
        /// The id in the tag.
        1 IFLA_VLAN_ID pub(super) id: VlanId,
        /// The protocol of the tag (since Linux 3.10).
        5 IFLA_VLAN_PROTOCOL pub protocol: VlanProtocol,
    }
    both {
        /// The flags; a request switches some of them on or off.
        2 IFLA_VLAN_FLAGS pub flags: VlanFlagsChange => VlanFlags => VlanFlags = VlanFlags::NONE,
    }
    lists {
        /// Entries to add to, replace in or remove from the egress map: from the kernel's priority to the tag's. The kernel
        /// cannot report a link with more than about 5,450.
        3 IFLA_VLAN_EGRESS_QOS pub egress_qos: &'a [EgressQos] => Entries<'a, EgressQos> => Vec<EgressQos>,
        /// Entries to add to, replace in or remove from the ingress map: from the tag's priority to the kernel's.
        4 IFLA_VLAN_INGRESS_QOS pub ingress_qos: &'a [IngressQos] => Entries<'a, IngressQos> => Vec<IngressQos>,
    }
}

pub(super) const FACTS: KindFacts =
    KindFacts { name: "vlan", module: "8021q", rows: VlanView::ROWS, ignored_by_older: &[] };

impl Kind for Vlan<'_> {
    const INFO: Option<[u8; 12]> = Some(info_kind(FACTS.name));
}

impl Kind for VlanChange<'_> {
    const INFO: Option<[u8; 12]> = Some(info_kind(FACTS.name));
}

impl NewLink<'_, Vlan<'_>> {
    /// The VLAN `id` on `parent`. EEXIST if the same id and protocol are there already.
    #[must_use]
    #[inline]
    pub const fn vlan(parent: IfIndex, id: VlanId) -> Self {
        Self::new(Vlan::NEW).parent(parent).id(id)
    }
}

impl Vlan<'_> {
    pub(super) const fn tag(&self) -> (VlanProtocol, VlanId) {
        (self.protocol, self.id)
    }
}

impl LinkChange<'_, VlanChange<'_>> {
    /// A change of a VLAN. For a link of another kind: EOPNOTSUPP.
    #[must_use]
    #[inline]
    pub const fn vlan(index: IfIndex) -> Self {
        Self::of(index, VlanChange::NEW)
    }
}

#[cfg(test)]
mod tests {
    use super::super::request::tests::{info_data, reply};
    use super::*;
    use crate::link::LinkView;

    const PARENT: IfIndex = IfIndex(5);

    fn priority(priority: u8) -> VlanPriority {
        VlanPriority::new(priority).unwrap()
    }

    #[test]
    fn a_vlan_is_these_bytes() {
        let (egress, ingress) = ([EgressQos::new(16, priority(4))], [IngressQos::new(priority(7), 5)]);
        let link = NewLink::vlan(PARENT, VlanId::new(50).unwrap())
            .protocol(VlanProtocol::Ieee8021Ad)
            .flags(VlanFlags::GVRP.on() | VlanFlags::REORDER_HDR.off())
            .egress_qos(&egress)
            .ingress_qos(&ingress);
        #[rustfmt::skip]
        assert_eq!(info_data(&link), [
            6, 0, 1, 0,  50, 0,  0, 0,                          // IFLA_VLAN_ID = 50
            6, 0, 5, 0,  0x88, 0xa8,  0, 0,                     // IFLA_VLAN_PROTOCOL = 802.1ad, big endian
            12, 0, 2, 0,  2, 0, 0, 0,  3, 0, 0, 0,              // IFLA_VLAN_FLAGS = gvrp on, reorder_hdr off
            16, 0, 3, 0x80,                                     // IFLA_VLAN_EGRESS_QOS {
              12, 0, 1, 0,  16, 0, 0, 0,  4, 0, 0, 0,           //   IFLA_VLAN_QOS_MAPPING 16:4
            16, 0, 4, 0x80,                                     // IFLA_VLAN_INGRESS_QOS {
              12, 0, 1, 0,  7, 0, 0, 0,  5, 0, 0, 0,            //   IFLA_VLAN_QOS_MAPPING 7:5
        ]);
    }

    #[test]
    fn what_is_written_is_read() {
        let (egress, ingress) = ([EgressQos::new(1, priority(0))], [IngressQos::new(priority(0), u32::MAX)]);
        let request = NewLink::vlan(PARENT, VlanId::new(0).unwrap()).egress_qos(&egress).ingress_qos(&ingress);
        let bytes = reply(&request);
        let vlan = LinkView::of(bytes.message()).unwrap().vlan().unwrap();
        assert_eq!(vlan.id().map(VlanId::get), Some(0));
        assert_eq!(vlan.protocol(), None);
        let vlan = vlan.to_owned();
        assert_eq!((vlan.egress_qos, vlan.ingress_qos), (Some(egress.to_vec()), Some(ingress.to_vec())));
    }

    #[test]
    fn numbers_are_checked_and_unknown_ones_survive() {
        assert_eq!(VlanId::new(4095), Err(InvalidValue::VlanId(4095)));
        assert_eq!(VlanPriority::try_from(8), Err(InvalidValue::VlanPriority(8)));
        assert_eq!(priority(7).to_string(), "7");
        assert_eq!(VlanProtocol::from(0x9100).to_string(), "0x9100");
        assert_eq!(VlanProtocol::from(0x88a8).to_string(), "802.1ad");
    }
}
