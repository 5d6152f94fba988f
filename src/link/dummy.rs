//! dummy: a link that drops what it is sent. Docker's macvlan networks stand on one when they have no parent.
//!
//! It has no attributes of its own. Source: `drivers/net/dummy.c`.

use super::encode::{Kind, info_kind};
use super::{KindFacts, NewLink};
use crate::wire::Attrs;

/// What makes a new link a dummy: nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dummy;

impl Attrs for Dummy {}

pub(super) const FACTS: KindFacts = KindFacts { name: "dummy", module: "dummy", rows: &[], ignored_by_older: &[] };

impl Kind for Dummy {
    const INFO: Option<[u8; 12]> = Some(info_kind(FACTS.name));
}

impl NewLink<'_, Dummy> {
    /// A dummy.
    #[must_use]
    #[inline]
    pub const fn dummy() -> Self {
        Self::new(Dummy)
    }
}
