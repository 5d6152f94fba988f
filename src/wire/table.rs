//! The attribute table: everything the library knows of an attribute stands in one row.
//!
//! ```text
//! table! {
//!     /// docs …                               the type that creates; then those that change, that lend, that own
//!     kind create Macvlan<'a>, /// … change MacvlanChange<'a>, /// … view MacvlanView<'a>, /// … info MacvlanInfo {}
//!     both {                                   when the kernel takes the rows of this section
//!         /// How frames pass between siblings.
//!         1 "IFLA_MACVLAN_MODE" pub mode: MacvlanMode,
//!     }                          │    │     └ what is set, what is read …
//! }                              │    └ the setter, the getter, the field of the owned copy
//!                                └ who may call the setter; whoever has a view may call the getter
//! ```
//!
//! A row is `number "KERNEL_NAME" vis field: Type`, with `=> Read` where reading gives another type, `=> Owned` behind that
//! where the owned copy has yet another, and `= value` for what a getter answers when the kernel sent nothing (without it,
//! an `Option`).
//!
//! A section says when the kernel takes its rows, and so which of the types have them:
//!
//! | section   | create | change | view, info |                                                              |
//! |-----------|--------|--------|------------|--------------------------------------------------------------|
//! | `create`  | ✓      |        | ✓          | fixed for the link's life                                    |
//! | `change`  |        | ✓      | ✓          | silently ignored at create                                   |
//! | `both`    | ✓      | ✓      | ✓          |                                                              |
//! | `request` | ✓      | ✓      |            | an order, not a property                                     |
//! | `order`   |        | ✓      |            | likewise                                                     |
//! | `reply`   |        |        | ✓          | refused or ignored in requests                               |
//! | `lists`   | ✓      | ✓      | ✓          | of unbounded length; stands last and is written out of line  |
//!
//! Sections may repeat: one test skips a section of which nothing is set, so what is seldom used stands in sections of its
//! own. Numbers of rows that are written are below 64, for the mask of what is set.

use super::{Attribute, Attributes, Full, Out, align};

/// A row of a table, for errors and for comparing with the kernel's headers.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The attribute's number in its nest.
    pub number: u16,
    /// The kernel's name of it.
    pub name: &'static str,
    /// What its value holds.
    pub inside: Inside,
}

/// What an attribute's value holds.
#[derive(Clone, Copy, Debug)]
pub enum Inside {
    /// A value.
    Value,
    /// Attributes, as in this table.
    Rows(&'static [Row]),
    /// Attributes, as in the table of the link's kind (`IFLA_INFO_DATA`).
    Kind,
    /// A header of so many bytes, then the attributes of any link (`VETH_INFO_PEER`).
    Link(usize),
}

/// What a message type has behind its `nlmsghdr`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Body {
    /// Bytes of the fixed header, such as `struct ifinfomsg`.
    pub(crate) header: usize,
    /// The attributes behind it.
    pub(crate) rows: &'static [Row],
}

/// A table as a whole: the attributes of one nest. As it stands, one without rows.
pub(crate) trait Attrs {
    /// Bytes that [`put`](Self::put) touches at most.
    const MAX: usize = 0;
    /// Writes all but the lists.
    #[inline(always)]
    fn put<'b>(&self, to: Out<'b>) -> Result<Out<'b>, Full> {
        Ok(to)
    }
    #[inline(always)]
    fn has_lists(&self) -> bool {
        false
    }
    fn lists_len(&self) -> usize {
        0
    }
    fn put_lists(&self, _: &mut [u8]) -> Result<(), Full> {
        Ok(())
    }
    /// Whether attribute `number` is set.
    fn has(&self, _: u16) -> bool {
        false
    }
    /// Bytes that all of it takes.
    fn room(&self) -> usize {
        0
    }
}

/// What makes an owned value of one that was read: `From`, or what only this crate may do.
pub(crate) trait Own<T> {
    fn own(read: T) -> Self;
}

impl<T, U: From<T>> Own<T> for U {
    fn own(read: T) -> Self {
        read.into()
    }
}

/// The kernel's name of the attribute at `offset` of `attributes`, as an extended ack gives it: the offset of the
/// attribute's header or of anything inside it. `kind` is what `IFLA_INFO_DATA` holds, `link` what every link has.
pub(crate) fn name_at(
    mut attributes: &[u8],
    mut offset: usize,
    mut rows: &[Row],
    kind: &'static [Row],
    link: &'static [Row],
) -> Option<&'static str> {
    let mut name = None;
    loop {
        // A loop and no recursion: a request may be as deep as it is long, with veths in veths.
        let Some((attribute, at)) = attribute_around(attributes, offset) else { return name };
        let Some(row) = rows.iter().find(|row| row.number == attribute.number) else { return name };
        name = Some(row.name);
        let (skip, inside) = match row.inside {
            Inside::Value => return name,
            Inside::Rows(rows) => (0, rows),
            Inside::Kind => (0, kind),
            Inside::Link(header) => (header, link),
        };
        let inner = offset.checked_sub(at + 4 + skip).zip(attribute.value.get(skip..));
        let Some((offset_inside, value)) = inner else { return name };
        (attributes, offset, rows) = (value, offset_inside, inside);
    }
}

/// The attribute that has the byte at `offset`, and where it starts.
fn attribute_around(attributes: &[u8], offset: usize) -> Option<(Attribute<'_>, usize)> {
    let mut at = 0;
    Attributes::new(attributes).find_map(|attribute| {
        let start = at;
        at += align(4 + attribute.value.len());
        (offset < at).then_some((attribute, start))
    })
}

macro_rules! table {
    ($(#[$cd:meta])* $place:ident create $C:ident$(<$c:lifetime>)?,
     $(#[$hd:meta])* change $H:ident$(<$h:lifetime>)?,
     $(#[$vd:meta])* view $V:ident<$v:lifetime>$(($head:ty))?,
     $(#[$id:meta])* info $I:ident { $($extra:tt)* }
     $($section:ident { $($row:tt)* })*) => {
        table!(@sort
            [$(#[$cd])* $place NewLink $C$(<$c>)?]
            [$(#[$hd])* $place LinkChange $H$(<$h>)?]
            [[$(#[$vd])* $V<$v>$(($head))?] [$(#[$id])* $I { $($extra)* }]]
            $($section { $($row)* })*);
    };

    // What is made and deleted, but not changed: one type writes it, `$Of`, which has its attributes in a field `attrs`.
    ($(#[$cd:meta])* attrs of $Of:ident create $C:ident,
     $(#[$vd:meta])* view $V:ident<$v:lifetime>$(($head:ty))?,
     $(#[$id:meta])* info $I:ident { $($extra:tt)* }
     $($section:ident { $($row:tt)* })*) => {
        table!(@sort
            [$(#[$cd])* attrs $Of $C]
            [unchangeable]
            [[$(#[$vd])* $V<$v>$(($head))?] [$(#[$id])* $I { $($extra)* }]]
            $($section { $($row)* })*);
    };
    (@write unchangeable $($rest:tt)*) => {};

    // Each section goes to the types that have it.
    (@sort [$($c:tt)*] [$($h:tt)*] [$($v:tt)*] create $rows:tt $($more:tt)*) =>
        { table!(@sort [$($c)* $rows] [$($h)*] [$($v)* $rows] $($more)*); };
    (@sort [$($c:tt)*] [$($h:tt)*] [$($v:tt)*] change $rows:tt $($more:tt)*) =>
        { table!(@sort [$($c)*] [$($h)* $rows] [$($v)* $rows] $($more)*); };
    (@sort [$($c:tt)*] [$($h:tt)*] [$($v:tt)*] both $rows:tt $($more:tt)*) =>
        { table!(@sort [$($c)* $rows] [$($h)* $rows] [$($v)* $rows] $($more)*); };
    (@sort [$($c:tt)*] [$($h:tt)*] [$($v:tt)*] request $rows:tt $($more:tt)*) =>
        { table!(@sort [$($c)* $rows] [$($h)* $rows] [$($v)* unread $rows] $($more)*); };
    (@sort [$($c:tt)*] [$($h:tt)*] [$($v:tt)*] order $rows:tt $($more:tt)*) =>
        { table!(@sort [$($c)*] [$($h)* $rows] [$($v)* unread $rows] $($more)*); };
    (@sort [$($c:tt)*] [$($h:tt)*] [$($v:tt)*] reply $rows:tt $($more:tt)*) =>
        { table!(@sort [$($c)*] [$($h)*] [$($v)* $rows] $($more)*); };
    (@sort [$($c:tt)*] [$($h:tt)*] [$($v:tt)*] lists $rows:tt) =>
        { table!(@sort [$($c)* lists $rows] [$($h)* lists $rows] [$($v)* lists $rows]); };
    (@sort [$($c:tt)*] [$($h:tt)*] [$($v:tt)*]) =>
        { table!(@write $($c)*); table!(@write $($h)*); table!(@view $($v)*); };

    // ---- what is written: the type, its encoding, its setters ----
    (@write $(#[$doc:meta])* $place:ident $Of:ident $S:ident$(<$l:lifetime>)?
     $({ $($(#[$d:meta])* $n:literal $N:literal $vis:vis $f:ident: $t:ty $(=> $r:ty $(=> $o:ty)?)? $(= $missing:expr)?,)* })*
     $(lists { $($(#[$ld:meta])* $ln:literal $LN:literal $lvis:vis $lf:ident: $lt:ty => $lr:ty => $lo:ty,)* })?) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $S$(<$l>)? { set: u64, $($($f: $t,)*)* $($($lf: $lt,)*)? }

        impl$(<$l>)? $S$(<$l>)? {
            /// Nothing is set.
            pub(crate) const NEW: Self = Self {
                set: 0,
                $($($f: <$t as $crate::wire::Put>::UNSET,)*)*
                $($($lf: &[],)*)?
            };
        }

        impl$(<$l>)? $crate::wire::Attrs for $S$(<$l>)? {
            const MAX: usize = 0 $($(+ <$t as $crate::wire::Put>::MAX)*)*;
            #[inline(always)]
            fn put<'b>(&self, to: $crate::wire::Out<'b>) -> Result<$crate::wire::Out<'b>, $crate::wire::Full> {
                let Self { set, $($($f,)*)* $($($lf: _,)*)? } = self;
                $(let to = if set & (0 $(| 1 << $n)*) == 0 { to } else {
                    $(let to = if set & 1 << $n == 0 { to } else { $crate::wire::Put::put($f, $n, to)? };)*
                    to
                };)*
                let _ = set;
                Ok(to)
            }
            #[inline(always)]
            fn has_lists(&self) -> bool {
                self.set & (0 $($(| 1 << $ln)*)?) != 0
            }
            #[inline(always)]
            fn lists_len(&self) -> usize {
                0 $($(+ $crate::wire::list_len(self.set & 1 << $ln != 0, self.$lf))*)?
            }
            #[inline(always)]
            fn put_lists(&self, to: &mut [u8]) -> Result<(), $crate::wire::Full> {
                $($(let to = if self.set & 1 << $ln == 0 { to } else { $crate::wire::put_list(to, $ln, self.$lf)? };)*)?
                let _ = to;
                Ok(())
            }
            fn has(&self, number: u16) -> bool {
                self.set & 1 << number != 0
            }
            fn room(&self) -> usize {
                self.lists_len()
                    $($(+ if self.set & 1 << $n == 0 { 0 } else { $crate::wire::Put::room(&self.$f) })*)*
            }
        }

        table!(@setters $place $Of $S$(<$l>)? {
            $($($(#[$d])* $n $N $vis $f: $t,)*)* $($($(#[$ld])* $ln $LN $lvis $lf: $lt,)*)?
        });
    };
    (@setters kind $Of:ident $S:ident$(<$l:lifetime>)? { $($row:tt)* }) => {
        impl<'n $(, $l)?> $Of<'n, $S$(<$l>)?> { table!(@setter kind $($row)*); }
    };
    (@setters common $Of:ident $S:ident<$l:lifetime> { $($row:tt)* }) => {
        impl<$l, K> $Of<$l, K> where K: Copy { table!(@setter common $($row)*); }
    };
    (@setters attrs $Of:ident $S:ident { $($row:tt)* }) => {
        impl $Of { table!(@setter attrs $($row)*); }
    };
    (@setter $place:ident $($(#[$d:meta])* $n:literal $N:literal $vis:vis $f:ident: $t:ty,)*) => { $(
        $(#[$d])*
        #[doc = concat!("\n\n`", $N, "`, attribute ", stringify!($n), ".")]
        #[doc(alias = $N)]
        #[must_use]
        #[inline]
        $vis const fn $f(mut self, $f: $t) -> Self {
            self.$place.set |= 1 << $n;
            self.$place.$f = $f;
            self
        }
    )* };

    // ---- what is read: the view, its getters, the owned copy ----
    (@view $view:tt $info:tt $($sections:tt)*) => { table!(@read $view $info {} {} $($sections)*); };
    (@read $view:tt $info:tt { $($read:tt)* } { $($unread:tt)* } lists $rows:tt) =>
        { table!(@read $view $info { $($read)* } { $($unread)* } $rows); };
    (@read $view:tt $info:tt { $($read:tt)* } { $($unread:tt)* } unread { $($row:tt)* } $($more:tt)*) =>
        { table!(@read $view $info { $($read)* } { $($unread)* $($row)* } $($more)*); };
    (@read $view:tt $info:tt { $($read:tt)* } { $($unread:tt)* } { $($row:tt)* } $($more:tt)*) =>
        { table!(@read $view $info { $($read)* $($row)* } { $($unread)* } $($more)*); };
    (@read [$(#[$vd:meta])* $V:ident<$v:lifetime>$(($head:ty))?]
     [$(#[$id:meta])* $I:ident { $($(#[$xd:meta])* $x:ident: $xt:ty = $xf:expr,)* }]
     { $($(#[$d:meta])* $n:literal $N:literal $vis:vis $f:ident: $t:ty $(=> $r:ty $(=> $o:ty)?)? $(= $missing:expr)?,)* }
     { $($(#[$ud:meta])* $un:literal $UN:literal $uvis:vis $uf:ident: $ut:ty,)* }) => {
        $(#[$vd])*
        #[derive(Clone, Copy)]
        pub struct $V<$v> {
            $(pub(crate) head: $head,)?
            pub(crate) attrs: $crate::wire::Index<$v, { let mut max = 0; $(if $n > max { max = $n })* max + 1 }>,
        }

        impl<$v> $V<$v> {
            /// Every attribute that the library knows here, with its number and the kernel's name.
            pub const ROWS: &'static [$crate::wire::Row] = &[
                $($crate::wire::Row {
                    number: $n,
                    name: $N,
                    inside: <table!(@read_type $t $(=> $r)?) as $crate::wire::Get<$v>>::INSIDE,
                },)*
                $($crate::wire::Row { number: $un, name: $UN, inside: $crate::wire::Inside::Value },)*
            ];

            #[inline]
            pub(crate) fn new($(head: $head,)? attributes: &$v [u8]) -> Self {
                Self { $(head: { let head: $head = head; head },)? attrs: $crate::wire::Index::new(attributes) }
            }

            $(table!(@getter [$(#[$d])*] $n $N $f [table!(@read_type $t $(=> $r)?)] $($missing)?);)*

            /// A copy that owns what it holds.
            pub fn to_owned(&self) -> $I {
                $I {
                    $($x: { let read: fn(&Self) -> $xt = $xf; read(self) },)*
                    $($f: table!(@own self.$f(), [table!(@owned_type $t $(=> $r $(=> $o)?)?)] $($missing)?),)*
                }
            }
        }

        impl std::fmt::Debug for $V<'_> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($V))$(.field(stringify!($f), &self.$f()))*.finish_non_exhaustive()
            }
        }

        $(#[$id])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct $I {
            $($(#[$xd])* pub $x: $xt,)*
            $($(#[$d])* pub $f: table!(@field [table!(@owned_type $t $(=> $r $(=> $o)?)?)] $($missing)?),)*
        }
    };
    (@getter [$($d:tt)*] $n:literal $N:literal $f:ident [$r:ty]) => {
        $($d)*
        #[doc = concat!("\n\n`", $N, "`, attribute ", stringify!($n), ".")]
        #[doc(alias = $N)]
        #[inline]
        pub fn $f(&self) -> Option<$r> {
            self.attrs.get($n)
        }
    };
    (@getter [$($d:tt)*] $n:literal $N:literal $f:ident [$r:ty] $missing:expr) => {
        $($d)*
        #[doc = concat!("\n\n`", $N, "`, attribute ", stringify!($n), ".")]
        #[doc(alias = $N)]
        #[inline]
        pub fn $f(&self) -> $r {
            self.attrs.get($n).unwrap_or($missing)
        }
    };
    (@own $read:expr, [$o:ty]) => { $read.map(<$o as $crate::wire::Own<_>>::own) };
    (@own $read:expr, [$o:ty] $missing:expr) => { <$o as $crate::wire::Own<_>>::own($read) };
    (@field [$o:ty]) => { Option<$o> };
    (@field [$o:ty] $missing:expr) => { $o };
    (@read_type $t:ty) => { $t };
    (@read_type $t:ty => $r:ty) => { $r };
    (@owned_type $t:ty) => { $t };
    (@owned_type $t:ty => $r:ty) => { $t };
    (@owned_type $t:ty => $r:ty => $o:ty) => { $o };
}
pub(crate) use table;
