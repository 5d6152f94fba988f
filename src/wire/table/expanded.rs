//! A table of three rows, and the code that it stands for. Read [`by_hand`] instead of the macros.
//!
//! The tests at the end keep the two the same: they write, read and compare the same values with both.

#![expect(unreachable_pub, reason = "the types of a table are public")]
#![expect(clippy::wrong_self_convention, reason = "`to_owned` is public in a table, and borrows as that of `str` does")]

use crate::wire::{Attrs, CompareRows, Full, Inside, Out};
use std::marker::PhantomData;

/// Stands for [`NewLink`](crate::link::NewLink), of which a table of a kind fills the field `kind`.
#[derive(Clone, Copy)]
struct NewLink<'a, K> {
    kind: K,
    rest: PhantomData<&'a ()>,
}

/// Stands for [`LinkChange`](crate::link::LinkChange).
#[derive(Clone, Copy)]
struct LinkChange<'a, K> {
    kind: K,
    rest: PhantomData<&'a ()>,
}

mod by_table {
    use super::{LinkChange, NewLink};

    table! {
        /// What makes a new link a toy.
        kind create Toy,
        /// What can be changed of a toy.
        change ToyChange,
        /// What only a toy has, as the kernel reports it.
        view ToyView<'a>,
        /// What only a toy has, owned.
        info ToyInfo {}
        create {
            /// The colour.
            1 IFLA_TOY_COLOR pub color: u16 where 7 is unreported,
        }
        both {
            /// The speed.
            2 IFLA_TOY_SPEED pub speed: u32 = 10,
        }
        reply {
            /// How often it fell.
            3 IFLA_TOY_FALLS pub falls: u32,
        }
    }
}

mod by_hand {
    use super::{LinkChange, NewLink};
    use crate::wire::{
        Attrs, Compare, CompareRows, FromWire, Full, Get, Index, Mask, Mismatch, Out, Put, Row, mismatch,
    };

    // ---- `request!`, for the first type: the rows of the sections `create` and `both` ----

    /// What makes a new link a toy.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Toy {
        set: Mask,
        color: u16,
        speed: u32,
    }

    impl Toy {
        /// Nothing is set.
        pub(crate) const NEW: Self = Self { set: Mask::EMPTY, color: u16::UNSET, speed: u32::UNSET };
    }

    impl Attrs for Toy {
        const ALL: Mask = Mask::EMPTY.with(1).with(2);
        const MAX: usize = <u16 as Put>::MAX + <u32 as Put>::MAX;

        fn put<'b>(&self, to: Out<'b>) -> Result<Out<'b>, Full> {
            let Self { set, color, speed } = self;
            let to =
                if set.has_any(Mask::EMPTY.with(1)) { if set.has(1) { color.put(1, to)? } else { to } } else { to };
            let to =
                if set.has_any(Mask::EMPTY.with(2)) { if set.has(2) { speed.put(2, to)? } else { to } } else { to };
            Ok(to)
        }
        fn has(&self, number: u16) -> bool {
            self.set.has(number)
        }
        fn room(&self) -> usize {
            let lists = 0; // a table with lists adds up their lengths, and has `has_lists` and `put_lists`
            lists
                + if self.set.has(1) { self.color.room() } else { 0 }
                + if self.set.has(2) { self.speed.room() } else { 0 }
        }
    }

    impl NewLink<'_, Toy> {
        /// The colour.
        pub const fn color(mut self, color: u16) -> Self {
            self.kind.set = self.kind.set.with(1);
            self.kind.color = color;
            self
        }

        /// The speed.
        pub const fn speed(mut self, speed: u32) -> Self {
            self.kind.set = self.kind.set.with(2);
            self.kind.speed = speed;
            self
        }
    }

    // ---- `request!`, for the second type: the rows of the section `both` ----

    /// What can be changed of a toy.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct ToyChange {
        set: Mask,
        speed: u32,
    }

    impl ToyChange {
        /// Nothing is set.
        pub(crate) const NEW: Self = Self { set: Mask::EMPTY, speed: u32::UNSET };
    }

    impl Attrs for ToyChange {
        const ALL: Mask = Mask::EMPTY.with(2);
        const MAX: usize = <u32 as Put>::MAX;

        fn put<'b>(&self, to: Out<'b>) -> Result<Out<'b>, Full> {
            let Self { set, speed } = self;
            if set.has(2) { speed.put(2, to) } else { Ok(to) }
        }
        fn has(&self, number: u16) -> bool {
            self.set.has(number)
        }
        fn room(&self) -> usize {
            if self.set.has(2) { self.speed.room() } else { 0 }
        }
    }

    impl LinkChange<'_, ToyChange> {
        /// The speed.
        pub const fn speed(mut self, speed: u32) -> Self {
            self.kind.set = self.kind.set.with(2);
            self.kind.speed = speed;
            self
        }
    }

    // ---- `view!`: the rows of all sections that are read ----

    /// What only a toy has, as the kernel reports it.
    #[derive(Clone, Copy)]
    pub struct ToyView<'a> {
        attrs: Index<'a, 4>, // a place for each number up to the largest
    }

    impl<'a> ToyView<'a> {
        pub(crate) fn new(attributes: &'a [u8]) -> Self {
            Self { attrs: Index::new(attributes) }
        }

        /// The number of [`color`](Self::color).
        pub const IFLA_TOY_COLOR: u16 = 1;
        /// The number of [`speed`](Self::speed).
        pub const IFLA_TOY_SPEED: u16 = 2;
        /// The number of [`falls`](Self::falls).
        pub const IFLA_TOY_FALLS: u16 = 3;

        /// Every attribute that the library knows here, with its number and the kernel's name.
        pub const ROWS: &'static [Row] = &[
            Row { number: 1, name: "IFLA_TOY_COLOR", inside: <u16 as Get<'a>>::INSIDE },
            Row { number: 2, name: "IFLA_TOY_SPEED", inside: <u32 as Get<'a>>::INSIDE },
            Row { number: 3, name: "IFLA_TOY_FALLS", inside: <u32 as Get<'a>>::INSIDE },
        ];

        /// The colour.
        pub fn color(&self) -> Option<u16> {
            self.attrs.get(1)
        }

        /// The speed.
        pub fn speed(&self) -> u32 {
            self.attrs.get(2).unwrap_or(10)
        }

        /// How often it fell.
        pub fn falls(&self) -> Option<u32> {
            self.attrs.get(3)
        }
    }

    impl std::fmt::Debug for ToyView<'_> {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            let mut fields = f.debug_struct("ToyView");
            fields.field("color", &self.color()).field("speed", &self.speed()).field("falls", &self.falls());
            fields.finish_non_exhaustive()
        }
    }

    // ---- `info!`: the same rows ----

    /// What only a toy has, owned.
    #[derive(Clone, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub struct ToyInfo {
        /// The colour.
        pub color: Option<u16>,
        /// The speed.
        pub speed: u32,
        /// How often it fell.
        pub falls: Option<u32>,
    }

    impl Default for ToyInfo {
        fn default() -> Self {
            ToyView::new(&[]).to_owned()
        }
    }

    impl ToyView<'_> {
        /// A copy that owns what it holds.
        pub fn to_owned(&self) -> ToyInfo {
            ToyInfo {
                color: self.color().map(FromWire::from_wire),
                speed: FromWire::from_wire(self.speed()),
                falls: self.falls().map(FromWire::from_wire),
            }
        }
    }

    // ---- `compared!`: the rows of the sections that can be asked for and are reported ----

    impl CompareRows for ToyView<'_> {
        fn mismatches(&self, found: &Self) -> Vec<Mismatch> {
            let color: (Option<u16>, Option<u16>) = (self.attrs.get(1), found.attrs.get(1));
            let asked_color = color.0.filter(|asked| color.1.is_some() || *asked != 7);
            let speed: (Option<u32>, Option<u32>) = (self.attrs.get(2), found.attrs.get(2));
            let asked = |number| self.attrs.get(number).unwrap_or_default();
            let found_color = color.1.map(|found| found.limited_to(asked(1)));
            let found_speed = speed.1.or(Some(10)).map(|found| found.limited_to(asked(2)));
            let mismatches = [
                mismatch(1, "IFLA_TOY_COLOR", asked_color, found_color),
                mismatch(2, "IFLA_TOY_SPEED", speed.0, found_speed),
            ];
            mismatches.into_iter().flatten().collect()
        }
    }
}

fn written(attrs: &impl Attrs) -> Vec<u8> {
    let mut buf = [0xa5; 64];
    let len = attrs.put(Out::new(&mut buf)).map(|out| out.at()).unwrap();
    assert_eq!(attrs.room(), len);
    for len in 0..len {
        assert!(matches!(attrs.put(Out::new(&mut buf[..len])), Err(Full)));
    }
    buf[..len].to_vec()
}

/// What a request sets, and how both write it.
macro_rules! both_write {
    ($link:ident $Toy:ident $(.$set:ident($value:expr))*) => {{
        let by_table = $link { kind: by_table::$Toy::NEW, rest: PhantomData }$(.$set($value))*.kind;
        let by_hand = $link { kind: by_hand::$Toy::NEW, rest: PhantomData }$(.$set($value))*.kind;
        assert_eq!(format!("{by_table:?}"), format!("{by_hand:?}"));
        assert_eq!(written(&by_table), written(&by_hand));
        let has = |has: &dyn Fn(u16) -> bool| (1..=64).map(has).collect::<Vec<_>>();
        assert_eq!(has(&|number| by_table.has(number)), has(&|number| by_hand.has(number)));
        written(&by_table)
    }};
}

#[test]
fn a_table_writes_what_is_written_by_hand() {
    assert_eq!(both_write!(NewLink Toy), [0u8; 0]);
    #[rustfmt::skip]
    assert_eq!(both_write!(NewLink Toy .speed(300).color(5)), [
        6, 0, 1, 0,  5, 0,  0, 0,                               // IFLA_TOY_COLOR = 5
        8, 0, 2, 0,  44, 1, 0, 0,                               // IFLA_TOY_SPEED = 300
    ]);
    both_write!(NewLink Toy .color(1).color(2));
    both_write!(LinkChange ToyChange);
    both_write!(LinkChange ToyChange .speed(7));
    assert_eq!(<by_table::Toy as Attrs>::ALL, <by_hand::Toy as Attrs>::ALL);
    assert_eq!(<by_table::ToyChange as Attrs>::ALL, <by_hand::ToyChange as Attrs>::ALL);
    assert_eq!(<by_table::Toy as Attrs>::MAX, <by_hand::Toy as Attrs>::MAX);
    assert_eq!(<by_table::ToyChange as Attrs>::MAX, <by_hand::ToyChange as Attrs>::MAX);
}

const COLOR: [u8; 8] = [6, 0, 1, 0, 5, 0, 0, 0];
const UNREPORTED: [u8; 8] = [6, 0, 1, 0, 7, 0, 0, 0];
const SPEED: [u8; 8] = [8, 0, 2, 0, 44, 1, 0, 0];
const FALLS: [u8; 8] = [8, 0, 3, 0, 1, 0, 0, 0];
const SPOILT: [u8; 8] = [5, 0, 2, 0, 44, 0, 0, 0];

fn messages() -> [Vec<u8>; 7] {
    [
        Vec::new(),
        COLOR.to_vec(),
        UNREPORTED.to_vec(),
        [COLOR, SPEED, FALLS].concat(),
        [FALLS, SPEED].concat(),
        [COLOR, SPOILT].concat(),
        [SPEED, UNREPORTED].concat(),
    ]
}

#[test]
fn a_table_reads_what_is_read_by_hand() {
    for bytes in messages() {
        let (by_table, by_hand) = (by_table::ToyView::new(&bytes), by_hand::ToyView::new(&bytes));
        assert_eq!(format!("{by_table:?}"), format!("{by_hand:?}"));
        assert_eq!(format!("{:?}", by_table.to_owned()), format!("{:?}", by_hand.to_owned()));
    }
    let bytes = [COLOR, SPEED, FALLS].concat();
    let toy = by_table::ToyView::new(&bytes).to_owned();
    assert_eq!((toy.color, toy.speed, toy.falls), (Some(5), 300, Some(1)));
    let nothing = by_table::ToyView::new(&[]);
    assert_eq!((nothing.color(), nothing.speed(), nothing.falls()), (None, 10, None));
    assert_eq!(by_table::ToyInfo::default(), nothing.to_owned());
    assert_eq!(format!("{:?}", by_table::ToyInfo::default()), format!("{:?}", by_hand::ToyInfo::default()));
}

#[test]
fn a_table_has_the_numbers_that_are_there_by_hand() {
    use by_hand::ToyView as ByHand;
    use by_table::ToyView as ByTable;
    assert_eq!(format!("{:?}", ByTable::ROWS), format!("{:?}", ByHand::ROWS));
    assert!(ByTable::ROWS.iter().all(|row| matches!(row.inside, Inside::Value)));
    assert_eq!(
        [ByTable::IFLA_TOY_COLOR, ByTable::IFLA_TOY_SPEED, ByTable::IFLA_TOY_FALLS],
        [ByHand::IFLA_TOY_COLOR, ByHand::IFLA_TOY_SPEED, ByHand::IFLA_TOY_FALLS],
    );
}

#[test]
fn a_table_compares_what_is_compared_by_hand() {
    for (asked, found) in messages().iter().flat_map(|asked| messages().map(|found| (asked.clone(), found))) {
        let by_table = by_table::ToyView::new(&asked).mismatches(&by_table::ToyView::new(&found));
        let by_hand = by_hand::ToyView::new(&asked).mismatches(&by_hand::ToyView::new(&found));
        assert_eq!(by_table, by_hand, "{asked:?} {found:?}");
    }
    let words = |asked: &[u8], found: &[u8]| {
        let found = by_table::ToyView::new(asked).mismatches(&by_table::ToyView::new(found));
        found.into_iter().map(|found| (found.name, found.asked, found.found)).collect::<Vec<_>>()
    };
    assert_eq!(words(&COLOR, &UNREPORTED), [("IFLA_TOY_COLOR", "5".into(), Some("7".into()))]);
    assert_eq!(words(&COLOR, &[]), [("IFLA_TOY_COLOR", "5".into(), None)]);
    assert_eq!(words(&UNREPORTED, &[]), [], "absent, because the kernel does not report it");
    assert_eq!(words(&SPEED, &[]), [("IFLA_TOY_SPEED", "300".into(), Some("10".into()))], "absent, which means 10");
    assert_eq!(words(&[], &[COLOR, SPEED, FALLS].concat()), [], "nothing was asked for");
}
