//! Numbers that have names: each enum's numbers, variants and words stand in one table.

/// `number Variant "word"`: the kernel's number, and the word that `ip` has for it. A number that is not in the table is
/// `Other`, which prints as the format behind it says. Text that is none of the words is the error, which lists them.
macro_rules! numbers {
    ($(#[$d:meta])* $T:ident: $int:ty, $what:literal {
        $(#[$d0:meta])* $n0:literal $V0:ident $w0:literal,
        $($(#[$dn:meta])* $n:literal $V:ident $w:literal,)*
        Other $other:literal
    }) => {
        $(#[$d])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[repr($int)] // the kernel's numbers, so that encoding has nothing to look up
        pub enum $T {
            $(#[$d0])* $V0 = $n0,
            $($(#[$dn])* $V = $n,)*
            /// A number that this library does not know.
            Other($int) = <$int>::MAX,
        }

        impl $T {
            #[inline(always)]
            pub(crate) const fn number(self) -> $int {
                if let Self::Other(number) = self {
                    return number;
                }
                match self {
                    Self::$V0 => $n0,
                    $(Self::$V => $n,)*
                    Self::Other(_) => <$int>::MAX,
                }
            }
        }

        impl From<$int> for $T {
            fn from(number: $int) -> Self {
                match number {
                    $n0 => Self::$V0,
                    $($n => Self::$V,)*
                    _ => Self::Other(number),
                }
            }
        }

        impl From<$T> for $int {
            fn from(value: $T) -> Self {
                value.number()
            }
        }

        /// As `ip` prints it.
        impl std::fmt::Display for $T {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self {
                    Self::$V0 => f.pad($w0),
                    $(Self::$V => f.pad($w),)*
                    Self::Other(number) => f.pad(&format!($other, number)),
                }
            }
        }

        $crate::wire::compare_as_printed!($T);

        /// As it prints.
        impl std::str::FromStr for $T {
            type Err = $crate::value::InvalidValue;
            fn from_str(word: &str) -> Result<Self, Self::Err> {
                match word {
                    $w0 => Ok(Self::$V0),
                    $($w => Ok(Self::$V),)*
                    _ => Err($crate::value::InvalidValue::Word {
                        given: $crate::value::Given::new(word.as_bytes()),
                        what: $what,
                        known: concat!($w0 $(, ", ", $w)*),
                    }),
                }
            }
        }
    };
}
pub(crate) use numbers;

/// Conversions both ways, for a type that any number is a value of. It prints as the number.
macro_rules! transparent {
    ($T:ident: $int:ty) => {
        impl From<$int> for $T {
            fn from(number: $int) -> Self {
                Self(number)
            }
        }

        impl From<$T> for $int {
            fn from(value: $T) -> Self {
                value.0
            }
        }

        impl std::fmt::Display for $T {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}
pub(crate) use transparent;

/// Conversions both ways, for a type that has `new`, which checks a number, and `get`. It prints as the number.
macro_rules! checked {
    ($T:ident: $int:ty) => {
        impl From<$T> for $int {
            fn from(value: $T) -> Self {
                value.get()
            }
        }

        impl TryFrom<$int> for $T {
            type Error = $crate::value::InvalidValue;
            fn try_from(number: $int) -> Result<Self, Self::Error> {
                Self::new(number)
            }
        }

        impl std::fmt::Display for $T {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.get().fmt(f)
            }
        }
    };
}
pub(crate) use checked;

#[cfg(test)]
mod tests {
    use crate::link::{AddrGenMode, IpvlanFlag, IpvlanMode, MacvlanMode, OperState, VlanProtocol};
    use crate::route::RouteType;

    #[test]
    fn numbers_and_words_come_back() {
        macro_rules! check {
            ($($T:ident: $int:ty, $named:literal;)*) => { $({
                let mut named = 0;
                for number in (0..=<$int>::MAX).take(1 << 16) {
                    let value = $T::from(number);
                    assert_eq!(<$int>::from(value), number, "{value:?}");
                    let is_known = !matches!(value, $T::Other(_));
                    assert_eq!(value.to_string().parse() == Ok(value), is_known, "{value:?} prints as {value}");
                    named += usize::from(is_known);
                }
                assert_eq!(named, $named, stringify!($T));
            })* };
        }
        check! {
            MacvlanMode: u32, 5;
            IpvlanMode: u16, 3;
            IpvlanFlag: u16, 3;
            VlanProtocol: u16, 2;
            AddrGenMode: u8, 4;
            OperState: u8, 7;
            RouteType: u8, 9;
        }
    }

    #[test]
    fn what_is_no_word_gets_the_words() {
        let error = "veth".parse::<MacvlanMode>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "\"veth\" is not a mode, which is one of private, vepa, bridge, passthru, source"
        );
        assert_eq!(format!("{:>5} {}", IpvlanMode::L2, VlanProtocol::Other(0x9100)), "   l2 0x9100");
    }
}
