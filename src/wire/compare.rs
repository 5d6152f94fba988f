//! Comparing what was asked for with what the kernel reports, attribute by attribute.

use std::net::IpAddr;

/// An attribute that is not reported as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mismatch {
    /// Its number in its table.
    pub(crate) number: u16,
    /// The kernel's name of it.
    pub(crate) name: &'static str,
    /// What was asked for, in words.
    pub(crate) asked: String,
    /// What is reported, in the same words; `None` if nothing is.
    pub(crate) found: Option<String>,
}

/// A value that can be asked for and is reported. Values are compared by their words.
pub(crate) trait Compare: Sized {
    /// The value in words.
    fn words(&self) -> String;

    /// The reported value in words, without the parts that `self` does not ask for.
    fn words_of(&self, found: &Self) -> String {
        found.words()
    }

    /// The reported value, without the parts that `asked`, the attribute of the request, says nothing of.
    fn limited_to(self, _asked: &[u8]) -> Self {
        self
    }

    /// What the absence of the attribute means, in words; `None` if it means nothing.
    fn words_of_none() -> Option<String> {
        None
    }
}

/// A table whose attributes can be asked for and are reported.
pub(crate) trait CompareRows {
    /// Every attribute that `self`, a request, asks for and that `found` reports otherwise.
    fn mismatches(&self, found: &Self) -> Vec<Mismatch>;
}

/// Compares one attribute. One that was not asked for is never a mismatch.
pub(crate) fn mismatch<T: Compare>(
    number: u16,
    name: &'static str,
    asked: Option<T>,
    found: Option<T>,
) -> Option<Mismatch> {
    let asked = asked?;
    let found = found.map_or_else(T::words_of_none, |found| Some(asked.words_of(&found)));
    let asked = asked.words();
    (found.as_ref() != Some(&asked)).then_some(Mismatch { number, name, asked, found })
}

/// Values whose words are what they print.
macro_rules! compare_as_printed {
    ($($T:ty),*) => { $(
        impl $crate::wire::Compare for $T {
            fn words(&self) -> String {
                self.to_string()
            }
        }
    )* };
}
pub(crate) use compare_as_printed;

compare_as_printed!(bool, u8, u16, u32, i32, IpAddr);
