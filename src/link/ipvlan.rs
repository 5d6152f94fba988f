//! ipvlan: several links that share their parent's MAC address and differ in IP addresses.
//!
//! Mode and flag belong to the parent: changing them on one child changes its siblings. A parent carries macvlans or
//! ipvlans, not both (EBUSY). Source: `drivers/net/ipvlan/ipvlan_main.c`.

use super::encode::{Kind, info_kind};
use super::{KindFacts, LinkChange, NewLink};
use crate::value::{IfIndex, numbers};
use crate::wire::{fixed, table};

numbers! {
    /// What an ipvlan's parent does with packets (`IPVLAN_MODE_…`).
    IpvlanMode: u16, "mode" {
        /// Children answer ARP and see broadcasts, as on a switch.
        0 L2 "l2",
        /// The parent routes; children see no broadcasts. The kernel's default.
        1 L3 "l3",
        /// As L3, with the parent's namespace's netfilter.
        2 L3S "l3s",
        Other "{}"
    }
}

numbers! {
    /// Whether an ipvlan's siblings reach each other (`IPVLAN_F_…`, since Linux 4.15): at most one of the two flags.
    IpvlanFlag: u16, "mode" {
        /// Directly; the default.
        0 Bridge "bridge",
        /// Not, except that in L2 mode they hear each other's broadcasts and multicasts.
        1 Private "private",
        /// Through a switch that sends frames back.
        2 Vepa "vepa",
        Other "{}"
    }
}

fixed! {
    IpvlanMode: 2 + 2, IpvlanMode::L3, |v: IpvlanMode| v.number().to_ne_bytes(), |b| IpvlanMode::from(u16::from_ne_bytes(b));
    IpvlanFlag: 2 + 2, IpvlanFlag::Bridge, |v: IpvlanFlag| v.number().to_ne_bytes(), |b| IpvlanFlag::from(u16::from_ne_bytes(b));
}

table! {
    /// What makes a new link an ipvlan.
    kind create Ipvlan,
    /// What can be changed of an ipvlan.
    change IpvlanChange,
    /// What only an ipvlan has, as the kernel reports it.
    view IpvlanView<'a>,
    /// What only an ipvlan has, owned.
    info IpvlanInfo {}
    both {
        /// What the parent does with packets. It holds for all children of the parent.
        1 IFLA_IPVLAN_MODE pub mode: IpvlanMode,
        /// Whether siblings reach each other. It holds for all children of the parent.
        2 IFLA_IPVLAN_FLAGS pub flag: IpvlanFlag,
    }
}

pub(super) const FACTS: KindFacts =
    KindFacts { name: "ipvlan", module: "ipvlan", rows: IpvlanView::ROWS, ignored_by_older: &[] };

impl Kind for Ipvlan {
    const INFO: Option<[u8; 12]> = Some(info_kind(FACTS.name));
}

impl Kind for IpvlanChange {
    const INFO: Option<[u8; 12]> = Some(info_kind(FACTS.name));
}

impl NewLink<'_, Ipvlan> {
    /// An ipvlan on `parent`. It has the parent's MAC address; one of its own is ignored.
    #[must_use]
    #[inline]
    pub const fn ipvlan(parent: IfIndex) -> Self {
        Self::new(Ipvlan::NEW).parent(parent)
    }
}

impl LinkChange<'_, IpvlanChange> {
    /// A change of an ipvlan. For a link of another kind: EOPNOTSUPP.
    #[must_use]
    #[inline]
    pub const fn ipvlan(index: IfIndex) -> Self {
        Self::of(index, IpvlanChange::NEW)
    }
}
