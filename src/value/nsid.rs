//! The number by which one namespace knows another.

use super::{InvalidValue, checked};
use crate::wire::{compare_as_printed, fixed};

/// A network namespace's id, as another namespace numbers it (`ip netns list-id`): 0 to 2,147,483,647. See
/// [`nsid`](crate::nsid).
///
/// ```
/// use sublink::value::{InvalidValue, NsId};
/// assert_eq!(NsId::new(7)?.to_string(), "7");
/// assert!(NsId::new(-1).is_err());
/// # Ok::<(), InvalidValue>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NsId(i32);

impl NsId {
    /// What the kernel reports where it has no id for a namespace (`NETNSA_NSID_NOT_ASSIGNED`, -1): nobody gave it one, or it
    /// is coming to its end. It names no namespace.
    pub const NOT_ASSIGNED: Self = Self(-1);

    /// Checks `nsid`.
    pub const fn new(nsid: i32) -> Result<Self, InvalidValue> {
        if nsid < 0 { Err(InvalidValue::NsId(nsid)) } else { Ok(Self(nsid)) }
    }

    /// The number; -1 of [`NsId::NOT_ASSIGNED`].
    #[inline]
    pub const fn get(self) -> i32 {
        self.0
    }

    /// Whether it names a namespace.
    #[inline]
    pub const fn is_assigned(self) -> bool {
        self.0 >= 0
    }
}

checked!(NsId: i32);

fixed! {
    NsId: 4 + 0, NsId::NOT_ASSIGNED, |v: NsId| v.0.to_ne_bytes(), from_bytes;
}

/// Every negative number is an id that is not assigned: a link whose parent has one stands on a link of elsewhere.
fn from_bytes(bytes: [u8; 4]) -> NsId {
    NsId(i32::from_ne_bytes(bytes).max(NsId::NOT_ASSIGNED.0))
}

compare_as_printed!(NsId);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Get;

    fn read(nsid: i32) -> Option<NsId> {
        Get::get(&nsid.to_ne_bytes())
    }

    #[test]
    fn ids_are_not_negative() {
        assert_eq!(NsId::new(-1), Err(InvalidValue::NsId(-1)));
        assert_eq!(NsId::try_from(i32::MAX).map(i32::from), Ok(i32::MAX));
        assert!(NsId::new(0).unwrap().is_assigned());
    }

    #[test]
    fn a_negative_number_of_the_kernels_is_no_id_and_not_absent() {
        for negative in [-1, -2, i32::MIN] {
            assert_eq!(read(negative), Some(NsId::NOT_ASSIGNED));
        }
        assert_eq!(read(7), NsId::new(7).ok());
        assert!(!NsId::NOT_ASSIGNED.is_assigned());
    }
}
