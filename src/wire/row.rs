//! Rows as data: a number, the kernel's name of it, and what is inside. Errors find an attribute's name by them.

use super::{Attribute, Attributes, align};

/// A row of a table, for errors and for comparing with the kernel's headers.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
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
#[expect(clippy::exhaustive_enums, reason = "hidden: only tests of this repository match it")]
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

impl Row {
    /// The row of an attribute that holds a value.
    pub(crate) const fn value(number: u16, name: &'static str) -> Self {
        Self { number, name, inside: Inside::Value }
    }
}

/// Finds the kernel's name of the attribute at `offset` of `attributes`. An extended acknowledgement gives the offset of the
/// attribute's header, or of a byte inside it. `kind` is the table of `IFLA_INFO_DATA`, `link` the table of every link.
pub(crate) fn name_at(
    mut attributes: &[u8],
    mut offset: usize,
    mut rows: &[Row],
    kind: &'static [Row],
    link: &'static [Row],
) -> Option<&'static str> {
    let mut name = None;
    loop {
        // A loop and no recursion, because a request can nest veths in veths as deep as it is long.
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
