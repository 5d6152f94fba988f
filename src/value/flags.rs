//! Flags that have names: each type's bits, constants and words stand in one table.

use std::fmt;

/// `bit "KERNEL_NAME" CONSTANT "word"`: the word is the one that `ip` prints. Bits without a row survive, and print as one
/// hexadecimal number.
macro_rules! flags {
    ($(#[$d:meta])* $T:ident: $int:ty {
        $($(#[$fd:meta])* $bit:literal $C:literal $NAME:ident $word:literal,)*
    }) => {
        $(#[$d])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
        pub struct $T(pub(crate) $int);

        impl $T {
            /// No flag.
            pub const NONE: Self = Self(0);
            $($(#[$fd])* #[doc(alias = $C)] pub const $NAME: Self = Self($bit);)*

            /// Each flag's kernel name and bit, for comparing with the kernel's headers.
            #[doc(hidden)]
            pub const ROWS: &'static [(&'static str, $int)] = &[$(($C, $bit)),*];

            /// These flags and `other`.
            #[must_use]
            #[inline]
            pub const fn with(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }

            /// Whether all of `flags` are set.
            #[inline]
            pub const fn contains(self, flags: Self) -> bool {
                self.0 & flags.0 == flags.0
            }

            /// The bits.
            #[inline]
            pub const fn bits(self) -> $int {
                self.0
            }
        }

        impl std::ops::BitOr for $T {
            type Output = Self;
            fn bitor(self, other: Self) -> Self {
                self.with(other)
            }
        }

        impl From<$int> for $T {
            fn from(bits: $int) -> Self {
                Self(bits)
            }
        }

        impl From<$T> for $int {
            fn from(flags: $T) -> Self {
                flags.bits()
            }
        }

        /// In the words of `ip`, between angle brackets; unknown bits as a number.
        impl std::fmt::Display for $T {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                $crate::value::write_flags(f, u32::from(self.0), &[$(($bit, $word)),*])
            }
        }

        impl std::fmt::Debug for $T {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }
    };
}
pub(crate) use flags;

/// A type that says which of some flags to switch on, and which off: 32 bits of values, and a mask of those that are meant.
/// The type of the flags gets `on` and `off`, which make it.
macro_rules! flags_change {
    ($(#[$d:meta])* $Change:ident of $Flags:ident) => {
        impl $Flags {
            /// Switches these flags on.
            #[must_use]
            #[inline]
            pub const fn on(self) -> $Change {
                $Change { flags: self.0, mask: self.0 }
            }

            /// Switches these flags off.
            #[must_use]
            #[inline]
            pub const fn off(self) -> $Change {
                $Change { flags: 0, mask: self.0 }
            }
        }

        $(#[$d])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
        pub struct $Change {
            flags: u32,
            mask: u32,
        }

        impl $Change {
            /// Leaves all flags as they are.
            pub const NONE: Self = $Flags::NONE.off();

            /// This change, then `later`, which wins where both change a flag.
            #[must_use]
            #[inline]
            pub const fn with(self, later: Self) -> Self {
                Self { flags: self.flags & !later.mask | later.flags, mask: self.mask | later.mask }
            }
        }

        impl std::ops::BitOr for $Change {
            type Output = Self;
            fn bitor(self, later: Self) -> Self {
                self.with(later)
            }
        }

        impl std::fmt::Display for $Change {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{} on, {} off", $Flags(self.flags), $Flags(self.mask & !self.flags))
            }
        }

        impl std::fmt::Debug for $Change {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }

        /// Only the flags that were asked for count.
        impl $crate::wire::Compare for $Flags {
            fn words(&self) -> String {
                self.to_string()
            }
            fn limited_to(self, asked: &[u8]) -> Self {
                Self(self.0 & $Change::get(asked).unwrap_or_default().mask)
            }
        }
    };
}
pub(crate) use flags_change;

/// Prints `<UP,BROADCAST,0x80000000>`.
pub(crate) fn write_flags(f: &mut fmt::Formatter<'_>, bits: u32, words: &[(u32, &str)]) -> fmt::Result {
    let (mut unknown, mut separator) = (bits, "");
    f.write_str("<")?;
    for (bit, word) in words.iter().filter(|(bit, _)| bits & bit != 0) {
        write!(f, "{separator}{word}")?;
        (separator, unknown) = (",", unknown & !bit);
    }
    if unknown != 0 {
        write!(f, "{separator}{unknown:#x}")?;
    }
    f.write_str(">")
}

#[cfg(test)]
mod tests {
    use crate::addr::AddressFlags;
    use crate::link::{LinkFlags, MacvlanFlags, VlanFlags};

    #[test]
    fn flags_print_in_the_words_of_ip_and_unknown_bits_survive() {
        assert_eq!(LinkFlags::from(0x1_1043).to_string(), "<UP,BROADCAST,MULTICAST,RUNNING,LOWER_UP>");
        assert_eq!(format!("{:?}", LinkFlags::from(0x8000_0001)), "<UP,0x80000000>");
        assert_eq!(LinkFlags::NONE.to_string(), "<>");
        assert_eq!((AddressFlags::NODAD | AddressFlags::PERMANENT).to_string(), "<nodad,permanent>");
        assert_eq!(MacvlanFlags::from(6).to_string(), "<nodst,0x4>");
        assert_eq!((VlanFlags::REORDER_HDR | VlanFlags::GVRP).to_string(), "<REORDER_HDR,GVRP>");
        assert_eq!(u32::from(LinkFlags::from(0x8000_0001)), 0x8000_0001);
    }

    #[test]
    fn flags_are_put_together() {
        let both = MacvlanFlags::NOPROMISC | MacvlanFlags::NODST;
        assert_eq!(both, MacvlanFlags::NOPROMISC.with(MacvlanFlags::NODST));
        assert_eq!(both.bits(), 3);
        assert!(both.contains(MacvlanFlags::NODST) && both.contains(MacvlanFlags::NONE));
        assert!(!MacvlanFlags::NODST.contains(both));
    }

    #[test]
    fn no_two_flags_have_a_bit_in_common() {
        macro_rules! check {
            ($($T:ident)*) => { $(
                let all = $T::ROWS.iter().fold(0, |seen, (name, bit)| {
                    assert!(bit.is_power_of_two() && seen & bit == 0, "{name}");
                    seen | bit
                });
                assert_eq!($T::from(all).to_string().matches("0x").count(), 0);
            )* };
        }
        check!(LinkFlags AddressFlags MacvlanFlags VlanFlags);
    }
}
