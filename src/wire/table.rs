//! The attribute table: all that the library knows of an attribute stands in one row.
//!
//! ```text
//! table! {
//!     /// docs …                         four types: what creates, what changes, what is read, and what owns it
//!     kind create Macvlan<'a>, /// … change MacvlanChange<'a>, /// … view MacvlanView<'a>, /// … info MacvlanInfo {}
//!     both {                             the section says when the kernel takes its rows
//!         /// How frames pass between siblings.
//!         1 IFLA_MACVLAN_MODE pub mode: MacvlanMode,
//!     }   │ │                 │   │     └ the type
//! }       │ │                 │   └ the setter, the getter, and the field of the owned copy
//!         │ │                 └ who may call the setter; the getter is always public
//!         │ └ the kernel's name, and the name of the constant: `MacvlanView::IFLA_MACVLAN_MODE`
//!         └ the number
//! ```
//!
//! **To add an attribute, add its row.** The setter, encoding, getter, owned field, constant, name in errors and comparison
//! all come from it. `expanded.rs`, beside this file, shows a table of three rows and the code that it stands for; a test
//! keeps the two the same. Read that first.
//!
//! A row is `number KERNEL_NAME vis field: Type`, followed by what applies of these, in this order:
//!
//! - `=> Read`: the type that is read, if it is another than the one that is set.
//! - `=> Owned`, after `=> Read`: the type of the owned copy, if it is yet another.
//! - `where VALUE is unreported`: the kernel does not report this value, so its absence is no mismatch.
//! - `= value`: what the getter answers if the kernel sent nothing. Without it, the getter answers an `Option`.
//!
//! A section says when the kernel takes its rows, and so which of the types have them:
//!
//! | section   | create | change | view, info | compared |                                                        |
//! |-----------|--------|--------|------------|----------|--------------------------------------------------------|
//! | `create`  | ✓      |        | ✓          | ✓        | fixed for the link's life                              |
//! | `change`  |        | ✓      | ✓          | ✓        | silently ignored at create                             |
//! | `both`    | ✓      | ✓      | ✓          | ✓        |                                                        |
//! | `request` | ✓      | ✓      |            |          | an order, not a property                               |
//! | `order`   |        | ✓      |            |          | an order, not a property                               |
//! | `reply`   |        |        | ✓          |          | refused or ignored in requests                         |
//! | `viewed`  |        |        | view only  |          | as `reply`; an owned copy would change or allocate     |
//! | `lists`   | ✓      | ✓      | ✓          | ✓        | of unbounded length; stands last, written out of line  |
//!
//! Sections may repeat. Encoding skips a section of which nothing is set with one test, so rows that are seldom used stand
//! in sections of their own. Numbers of rows that are written are at most 64 ([`Mask`](super::Mask)).
//!
//! The first word says what the request types are:
//!
//! - `kind`: the field `kind` of `NewLink<K>` and `LinkChange<K>`, for one `K`.
//! - `common`: the field `common` of both, for every `K`.
//! - `FIELD of Request`: the field `FIELD` of `Request`. There is no type that changes, and nothing is compared, unless the
//!   table says `compared`.
//!
//! How it works: `table!` takes the table apart and hands its rows to `hand_out!`, which passes to each macro below the
//! sections that concern it. Each of those macros makes one thing, and matches the same row.

/// A table: see the module's documentation.
macro_rules! table {
    ($(#[$create_doc:meta])* $place:ident create $C:ident$(<$c:lifetime>)?,
     $(#[$change_doc:meta])* change $H:ident$(<$h:lifetime>)?,
     $(#[$view_doc:meta])* view $V:ident<$v:lifetime>$(($head:ty))?,
     $(#[$info_doc:meta])* info $I:ident { $($extra:tt)* }
     $($section:ident $rows:tt)*) => {
        $crate::wire::table::hand_out! {
            [$(#[$create_doc])* $C$(<$c>)?, $place NewLink]
            [$(#[$change_doc])* $H$(<$h>)?, $place LinkChange]
            [$(#[$view_doc])* $V<$v>$(($head))?]
            [$(#[$info_doc])* $I { $($extra)* } of $V<$v>]
            [compared $V<$v>]
            $($section $rows);*
        }
    };
    ($(#[$create_doc:meta])* $place:ident of $Of:ident$(<$of:lifetime>)? create $C:ident $($compared:ident)?,
     $(#[$view_doc:meta])* view $V:ident<$v:lifetime>$(($head:ty))?,
     $(#[$info_doc:meta])* info $I:ident { $($extra:tt)* }
     $($section:ident $rows:tt)*) => {
        $crate::wire::table::hand_out! {
            [$(#[$create_doc])* $C, $place $Of$(<$of>)?]
            [nothing]
            [$(#[$view_doc])* $V<$v>$(($head))?]
            [$(#[$info_doc])* $I { $($extra)* } of $V<$v>]
            [$($compared)? $V<$v>]
            $($section $rows);*
        }
    };
}
pub(crate) use table;

/// Passes to each macro the sections that concern it: this is the table of sections in the module's documentation.
macro_rules! hand_out {
    ([$($create:tt)*] [$($change:tt)*] [$($view:tt)*] [$($info:tt)*] [$($compared:tt)*]
     $(
        $(create $in_create:tt)?
        $(change $in_change:tt)?
        $(both $in_both:tt)?
        $(request $in_request:tt)?
        $(order $in_order:tt)?
        $(reply $in_reply:tt)?
        $(viewed $in_viewed:tt)?
        $(lists $in_lists:tt)?
     );*) => {
        $crate::wire::table::request! {
            $($create)* [$($($in_create)? $($in_both)? $($in_request)?)*] lists [$($($in_lists)?)*]
        }
        $crate::wire::table::request! {
            $($change)* [$($($in_change)? $($in_both)? $($in_request)? $($in_order)?)*] lists [$($($in_lists)?)*]
        }
        $crate::wire::table::view! {
            $($view)*
            [$($($in_create)? $($in_change)? $($in_both)? $($in_reply)? $($in_viewed)? $($in_lists)?)*]
            unread [$($($in_request)? $($in_order)?)*]
        }
        $crate::wire::table::info! {
            $($info)* [$($($in_create)? $($in_change)? $($in_both)? $($in_reply)? $($in_lists)?)*]
        }
        $crate::wire::table::compared! {
            $($compared)* [$($($in_create)? $($in_change)? $($in_both)? $($in_lists)?)*]
        }
    };
}
pub(crate) use hand_out;

/// What is written: the type, its encoding, its setters.
macro_rules! request {
    (nothing $($rest:tt)*) => {};
    ($(#[$doc:meta])* $S:ident$(<$l:lifetime>)?, $place:ident $Of:ident$(<$of:lifetime>)?
     [$({ $($row:tt)* })*] lists [$({ $($list:tt)* })*]) => {
        $crate::wire::table::request_type! { $(#[$doc])* $S$(<$l>)? [$($($row)*)*] lists [$($($list)*)*] }
        $crate::wire::table::encoding! { $S$(<$l>)? [$({ $($row)* })*] lists [$($($list)*)*] }
        $crate::wire::table::setters! { $place $Of$(<$of>)? $S$(<$l>)? [$($($row)*)* $($($list)*)*] }
    };
}
pub(crate) use request;

/// The type that is written: a field for each row, and a mask of those that are set.
macro_rules! request_type {
    ($(#[$doc:meta])* $S:ident$(<$l:lifetime>)?
     [$($(#[$d:meta])* $n:literal $N:ident $vis:vis $f:ident: $t:ty $(=> $r:ty $(=> $o:ty)?)?
        $(where $u:tt is unreported)? $(= $missing:expr)?,)*]
     lists [$($(#[$ld:meta])* $ln:literal $LN:ident $lvis:vis $lf:ident: $lt:ty => $lr:ty => $lo:ty,)*]) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $S$(<$l>)? {
            set: $crate::wire::Mask,
            $($f: $t,)*
            $($lf: $lt,)*
        }

        impl$(<$l>)? $S$(<$l>)? {
            /// Nothing is set.
            pub(crate) const NEW: Self = Self {
                set: $crate::wire::Mask::EMPTY,
                $($f: <$t as $crate::wire::Put>::UNSET,)*
                $($lf: &[],)*
            };
        }
    };
}
pub(crate) use request_type;

/// The encoding of the type that is written, section by section.
macro_rules! encoding {
    ($S:ident$(<$l:lifetime>)?
     [$({ $($(#[$d:meta])* $n:literal $N:ident $vis:vis $f:ident: $t:ty $(=> $r:ty $(=> $o:ty)?)?
          $(where $u:tt is unreported)? $(= $missing:expr)?,)* })*]
     lists [$($(#[$ld:meta])* $ln:literal $LN:ident $lvis:vis $lf:ident: $lt:ty => $lr:ty => $lo:ty,)*]) => {
        impl$(<$l>)? $crate::wire::Attrs for $S$(<$l>)? {
            #[cfg(test)]
            const ALL: $crate::wire::Mask = $crate::wire::Mask::EMPTY$($(.with($n))*)*$(.with($ln))*;
            const MAX: usize = 0 $($(+ <$t as $crate::wire::Put>::MAX)*)*;
            #[inline(always)]
            fn put<'b>(&self, to: $crate::wire::Out<'b>) -> Result<$crate::wire::Out<'b>, $crate::wire::Full> {
                let Self { set, $($($f,)*)* $($lf: _,)* } = self;
                $(let to = if set.has_any($crate::wire::Mask::EMPTY$(.with($n))*) {
                    $(let to = if set.has($n) { $crate::wire::Put::put($f, $n, to)? } else { to };)*
                    to
                } else {
                    to
                };)*
                let _ = set; // of a table without rows
                Ok(to)
            }
            #[inline(always)]
            fn has_lists(&self) -> bool {
                self.set.has_any($crate::wire::Mask::EMPTY$(.with($ln))*)
            }
            #[inline(always)]
            fn lists_len(&self) -> usize {
                0 $(+ $crate::wire::list_len(self.set.has($ln), self.$lf))*
            }
            #[inline(always)]
            fn put_lists(&self, to: &mut [u8]) -> Result<(), $crate::wire::Full> {
                $(let to = if self.set.has($ln) { $crate::wire::put_list(to, $ln, self.$lf)? } else { to };)*
                let _ = to; // what is free behind the last list
                Ok(())
            }
            fn has(&self, number: u16) -> bool {
                self.set.has(number)
            }
            fn room(&self) -> usize {
                self.lists_len() $($(+ if self.set.has($n) { $crate::wire::Put::room(&self.$f) } else { 0 })*)*
            }
        }
    };
}
pub(crate) use encoding;

/// The setters: methods of the request that has the type in its field `kind`, `common` or another.
macro_rules! setters {
    (kind $Of:ident $S:ident$(<$l:lifetime>)? [$($row:tt)*]) => {
        impl<'n $(, $l)?> $Of<'n, $S$(<$l>)?> { $crate::wire::table::setter! { kind $($row)* } }
    };
    (common $Of:ident $S:ident<$l:lifetime> [$($row:tt)*]) => {
        impl<$l, K: Copy> $Of<$l, K> { $crate::wire::table::setter! { common $($row)* } }
    };
    ($place:ident $Of:ident$(<$of:lifetime>)? $S:ident [$($row:tt)*]) => {
        impl$(<$of>)? $Of$(<$of>)? { $crate::wire::table::setter! { $place $($row)* } }
    };
}
pub(crate) use setters;

macro_rules! setter {
    ($place:ident
     $($(#[$d:meta])* $n:literal $N:ident $vis:vis $f:ident: $t:ty $(=> $r:ty $(=> $o:ty)?)?
       $(where $u:tt is unreported)? $(= $missing:expr)?,)*) => { $(
        $(#[$d])*
        #[doc = concat!("\n\n`", stringify!($N), "`, attribute ", stringify!($n), ".")]
        #[must_use]
        #[inline]
        $vis const fn $f(mut self, $f: $t) -> Self {
            self.$place.set = self.$place.set.with($n);
            self.$place.$f = $f;
            self
        }
    )* };
}
pub(crate) use setter;

/// What is read: the view, with its constants, its rows and its getters.
macro_rules! view {
    ($(#[$doc:meta])* $V:ident<$v:lifetime>$(($head:ty))?
     [$({ $($row:tt)* })*] unread [$({ $($unread:tt)* })*]) => {
        $crate::wire::table::view_type! { $(#[$doc])* $V<$v>$(($head))? [$($($row)*)*] }
        $crate::wire::table::rows! { $V<$v> [$($($row)*)*] unread [$($($unread)*)*] }
        $crate::wire::table::getters! { $V<$v> [$($($row)*)*] }
    };
}
pub(crate) use view;

/// The type that is read: the header, and where each attribute is.
macro_rules! view_type {
    ($(#[$doc:meta])* $V:ident<$v:lifetime>$(($head:ty))?
     [$($(#[$d:meta])* $n:literal $N:ident $vis:vis $f:ident: $t:ty $(=> $r:ty $(=> $o:ty)?)?
        $(where $u:tt is unreported)? $(= $missing:expr)?,)*]) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $V<$v> {
            $(pub(crate) head: $head,)?
            pub(crate) attrs: $crate::wire::Index<$v, { let mut max = 0; $(if $n > max { max = $n })* max + 1 }>,
        }

        impl<$v> $V<$v> {
            #[inline]
            pub(crate) fn new($(head: $head,)? attributes: &$v [u8]) -> Self {
                Self { $(head: { let head: $head = head; head },)? attrs: $crate::wire::Index::new(attributes) }
            }
        }

        impl std::fmt::Debug for $V<'_> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($V))$(.field(stringify!($f), &self.$f()))*.finish_non_exhaustive()
            }
        }
    };
}
pub(crate) use view_type;

/// The numbers as constants, and the rows as data.
macro_rules! rows {
    ($V:ident<$v:lifetime>
     [$($(#[$d:meta])* $n:literal $N:ident $vis:vis $f:ident: $t:ty $(=> $r:ty $(=> $o:ty)?)?
        $(where $u:tt is unreported)? $(= $missing:expr)?,)*]
     unread [$($(#[$ud:meta])* $un:literal $UN:ident $uvis:vis $uf:ident: $ut:ty,)*]) => {
        impl<$v> $V<$v> {
            $(
                #[doc = concat!("The number of [`", stringify!($f), "`](Self::", stringify!($f), ").")]
                pub const $N: u16 = $n;
            )*
            $(
                /// The number of an attribute that is only sent, never reported.
                pub const $UN: u16 = $un;
            )*

            /// Every attribute that the library knows here, with its number and the kernel's name.
            #[doc(hidden)]
            pub const ROWS: &'static [$crate::wire::Row] = &[
                $($crate::wire::Row {
                    number: $n,
                    name: stringify!($N),
                    inside: <$crate::wire::table::read_type!($t $(=> $r)?) as $crate::wire::Get<$v>>::INSIDE,
                },)*
                $($crate::wire::Row::value($un, stringify!($UN)),)*
            ];
        }
    };
}
pub(crate) use rows;

macro_rules! getters {
    ($V:ident<$v:lifetime>
     [$($(#[$d:meta])* $n:literal $N:ident $vis:vis $f:ident: $t:ty $(=> $r:ty $(=> $o:ty)?)?
        $(where $u:tt is unreported)? $(= $missing:expr)?,)*]) => {
        impl<$v> $V<$v> { $(
            $(#[$d])*
            #[doc = concat!("\n\n[`", stringify!($N), "`](Self::", stringify!($N), "), attribute ", stringify!($n), ".")]
            #[inline]
            pub fn $f(&self) -> $crate::wire::table::answer!([$crate::wire::table::read_type!($t $(=> $r)?)] $($missing)?) {
                self.attrs.get($n)$(.unwrap_or($missing))?
            }
        )* }
    };
}
pub(crate) use getters;

/// The owned copy: what comes from the header, then a field for each row.
macro_rules! info {
    ($(#[$doc:meta])* $I:ident { $($(#[$xd:meta])* $x:ident: $xt:ty = $from_head:expr,)* } of $V:ident<$v:lifetime>
     [$({ $($row:tt)* })*]) => {
        $crate::wire::table::info_type! {
            $(#[$doc])* $I { $($(#[$xd])* $x: $xt = $from_head,)* } of $V<$v> [$($($row)*)*]
        }
    };
}
pub(crate) use info;

macro_rules! info_type {
    ($(#[$doc:meta])* $I:ident { $($(#[$xd:meta])* $x:ident: $xt:ty = $from_head:expr,)* } of $V:ident<$v:lifetime>
     [$($(#[$d:meta])* $n:literal $N:ident $vis:vis $f:ident: $t:ty $(=> $r:ty $(=> $o:ty)?)?
        $(where $u:tt is unreported)? $(= $missing:expr)?,)*]) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct $I {
            $($(#[$xd])* pub $x: $xt,)*
            $(
                $(#[$d])*
                pub $f: $crate::wire::table::answer!(
                    [$crate::wire::table::owned_type!($t $(=> $r $(=> $o)?)?)] $($missing)?
                ),
            )*
        }

        $crate::wire::table::default_info! { $I of $V $($x)* }

        impl<$v> $V<$v> {
            /// A copy that owns what it holds.
            pub fn to_owned(&self) -> $I {
                $I {
                    $($x: { let from_head: fn(&Self) -> $xt = $from_head; from_head(self) },)*
                    $($f: $crate::wire::table::owned!(self.$f(), $($missing)?),)*
                }
            }
        }
    };
}
pub(crate) use info_type;

/// The default of an owned copy that has nothing from a header.
macro_rules! default_info {
    ($I:ident of $V:ident) => {
        /// What is read where the kernel sent nothing.
        impl Default for $I {
            fn default() -> Self {
                $V::new(&[]).to_owned()
            }
        }
    };
    ($I:ident of $V:ident $($from_head:ident)+) => {};
}
pub(crate) use default_info;

/// The comparison of a request with a report.
macro_rules! compared {
    (compared $V:ident<$v:lifetime>
     [$({ $($(#[$d:meta])* $n:literal $N:ident $vis:vis $f:ident: $t:ty $(=> $r:ty $(=> $o:ty)?)?
          $(where $unreported:tt is unreported)? $(= $missing:expr)?,)* })*]) => {
        impl<$v> $crate::wire::CompareRows for $V<$v> {
            fn mismatches(&self, found: &Self) -> Vec<$crate::wire::Mismatch> {
                let mismatches = [$($({
                    let asked: Option<$crate::wire::table::read_type!($t $(=> $r)?)> = self.attrs.get($n);
                    let found = found.attrs.get($n)$(.or(Some($missing)))?;
                    $(let asked = asked.filter(|asked| found.is_some() || *asked != $unreported);)?
                    let found = found.map(|found| $crate::wire::Compare::limited_to(found, self.attrs.get($n).unwrap_or_default()));
                    $crate::wire::mismatch($n, stringify!($N), asked, found)
                },)*)*];
                mismatches.into_iter().flatten().collect()
            }
        }
    };
    ($V:ident<$v:lifetime> [$($rows:tt)*]) => {};
}
pub(crate) use compared;

// ---- what a row leaves out ----

/// What is read: unless the row says another type, the one that is set.
macro_rules! read_type {
    ($t:ty) => {
        $t
    };
    ($t:ty => $r:ty) => {
        $r
    };
}
pub(crate) use read_type;

/// What the owned copy has: unless the row says another type, the one that is set.
macro_rules! owned_type {
    ($t:ty $(=> $r:ty)?) => {
        $t
    };
    ($t:ty => $r:ty => $o:ty) => {
        $o
    };
}
pub(crate) use owned_type;

/// An `Option`, unless the row says what an absent attribute means.
macro_rules! answer {
    ([$T:ty]) => { Option<$T> };
    ([$T:ty] $missing:expr) => { $T };
}
pub(crate) use answer;

/// The owned value of what a getter answers.
macro_rules! owned {
    ($read:expr,) => {
        $read.map($crate::wire::FromWire::from_wire)
    };
    ($read:expr, $missing:expr) => {
        $crate::wire::FromWire::from_wire($read)
    };
}
pub(crate) use owned;

#[cfg(test)]
mod expanded;
