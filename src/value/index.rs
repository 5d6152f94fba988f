//! An interface's index.

use super::{InvalidValue, checked, random};
use crate::wire::{compare_as_printed, fixed};

/// An interface's index, which names it in one network namespace: 1 to 2,147,483,647.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IfIndex(pub(crate) u32);

impl IfIndex {
    /// That of `lo`, in every namespace (`LOOPBACK_IFINDEX` of `include/net/flow.h`).
    pub(crate) const LOOPBACK: Self = Self(1);

    /// Checks `index`.
    pub const fn new(index: u32) -> Result<Self, InvalidValue> {
        if index == 0 || index > i32::MAX as u32 { Err(InvalidValue::Index(index)) } else { Ok(Self(index)) }
    }

    /// An index to ask for when a link is created: random, from 16,384 to 32,767.
    ///
    /// The kernel counts up from 1 and is not disturbed by it; software that keeps an index in 16 bits is not either.
    pub fn random() -> Self {
        let [low, high, ..] = random().to_ne_bytes();
        Self(16_384 + u32::from(u16::from_ne_bytes([low, high]) & 0x3fff))
    }

    /// The number.
    #[inline]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// As `ifinfomsg` has it: 0 leaves the choice to the kernel.
    #[inline]
    pub(crate) const fn or_zero(index: Option<Self>) -> u32 {
        match index {
            Some(Self(index)) => index,
            None => 0,
        }
    }
}

checked!(IfIndex: u32);

fixed! {
    IfIndex: 4 + 0, IfIndex(0), |v: IfIndex| v.0.to_ne_bytes(), |b| IfIndex::new(u32::from_ne_bytes(b)).ok();
}

compare_as_printed!(IfIndex);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_indexes_fit_15_bits() {
        assert!((0..1000).all(|_| (16_384..=32_767).contains(&IfIndex::random().get())));
    }

    #[test]
    fn indexes_are_positive() {
        assert_eq!(IfIndex::new(0), Err(InvalidValue::Index(0)));
        assert_eq!(IfIndex::new(1 << 31), Err(InvalidValue::Index(1 << 31)));
        assert_eq!(IfIndex::new(i32::MAX as u32).map(IfIndex::get), Ok(i32::MAX as u32));
    }
}
