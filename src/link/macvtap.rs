//! macvtap: a macvlan whose packets a process reads and writes through `/dev/tapN`, N being the link's index.
//!
//! Virtual machines use it. It has macvlan's attributes, under another kind's name. Source: `drivers/net/macvtap.c`.

use super::encode::{Kind, info_kind};
use super::macvlan::{IGNORED_BY_OLDER, MacAddrMode, macvlan_table};
use super::{KindFacts, LinkChange, MacvlanFlags, MacvlanMode, NewLink, SourceMacs};
use crate::value::{IfIndex, MacAddr};
use crate::wire::{Entries, table};

macvlan_table! {
    /// What makes a new link a macvtap.
    Macvtap,
    /// What can be changed of a macvtap.
    MacvtapChange,
    /// What only a macvtap has, as the kernel reports it.
    MacvtapView,
    /// What only a macvtap has, owned.
    MacvtapInfo
}

pub(super) const FACTS: KindFacts =
    KindFacts { name: "macvtap", module: "macvtap", rows: MacvtapView::ROWS, ignored_by_older: IGNORED_BY_OLDER };

impl Kind for Macvtap<'_> {
    const INFO: Option<[u8; 12]> = Some(info_kind(FACTS.name));
}

impl Kind for MacvtapChange<'_> {
    const INFO: Option<[u8; 12]> = Some(info_kind(FACTS.name));
}

impl NewLink<'_, Macvtap<'_>> {
    /// A macvtap on `parent`, as [`NewLink::macvlan`].
    #[must_use]
    #[inline]
    pub const fn macvtap(parent: IfIndex) -> Self {
        Self::new(Macvtap::NEW).parent(parent)
    }
}

impl LinkChange<'_, MacvtapChange<'_>> {
    /// A change of a macvtap. For a link of another kind: EOPNOTSUPP.
    #[must_use]
    #[inline]
    pub const fn macvtap(index: IfIndex) -> Self {
        Self::of(index, MacvtapChange::NEW)
    }
}
