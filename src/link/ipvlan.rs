//! ipvlan: several links that share their parent's MAC address and differ in IP addresses.
//!
//! Mode and flag belong to the parent: changing them on one child changes its siblings. A parent carries macvlans or
//! ipvlans, not both (EBUSY). Source: `drivers/net/ipvlan/ipvlan_main.c`.

use super::request::{Kind, info_kind};
use super::{IfIndex, InvalidValue, KindFacts, LinkChange, NewLink};
use crate::wire::{fixed, table};
use std::fmt;
use std::str::FromStr;

/// What an ipvlan's parent does with packets (`IPVLAN_MODE_…`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IpvlanMode {
    /// Children answer ARP and see broadcasts, as on a switch.
    L2,
    /// The parent routes; children see no broadcasts. The kernel's default.
    L3,
    /// As L3, with the parent's namespace's netfilter.
    L3S,
    /// A number that this library does not know.
    Other(u16),
}

impl IpvlanMode {
    const fn number(self) -> u16 {
        match self {
            Self::L2 => 0,
            Self::L3 => 1,
            Self::L3S => 2,
            Self::Other(number) => number,
        }
    }
}

impl From<u16> for IpvlanMode {
    fn from(number: u16) -> Self {
        match number {
            0 => Self::L2,
            1 => Self::L3,
            2 => Self::L3S,
            _ => Self::Other(number),
        }
    }
}

impl fmt::Display for IpvlanMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::L2 => "l2",
            Self::L3 => "l3",
            Self::L3S => "l3s",
            Self::Other(number) => return number.fmt(f),
        })
    }
}

impl FromStr for IpvlanMode {
    type Err = InvalidValue;
    fn from_str(mode: &str) -> Result<Self, InvalidValue> {
        Ok(match mode {
            "l2" => Self::L2,
            "l3" => Self::L3,
            "l3s" => Self::L3S,
            _ => return Err(InvalidValue::Mode("l2, l3, l3s")),
        })
    }
}

/// Whether an ipvlan's siblings reach each other (`IPVLAN_F_…`, since Linux 4.15): at most one of the two flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IpvlanFlag {
    /// Directly; the default.
    Bridge,
    /// Not, except that in L2 mode they hear each other's broadcasts and multicasts.
    Private,
    /// Through a switch that sends frames back.
    Vepa,
    /// A number that this library does not know.
    Other(u16),
}

impl IpvlanFlag {
    const fn number(self) -> u16 {
        match self {
            Self::Bridge => 0,
            Self::Private => 1,
            Self::Vepa => 2,
            Self::Other(number) => number,
        }
    }
}

impl From<u16> for IpvlanFlag {
    fn from(number: u16) -> Self {
        match number {
            0 => Self::Bridge,
            1 => Self::Private,
            2 => Self::Vepa,
            _ => Self::Other(number),
        }
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
        1 "IFLA_IPVLAN_MODE" pub mode: IpvlanMode,
        /// Whether siblings reach each other. It holds for all children of the parent.
        2 "IFLA_IPVLAN_FLAGS" pub flag: IpvlanFlag,
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
