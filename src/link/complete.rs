//! Every attribute that the kernel has for our links is in a table, or left out for a reason: `attributes.txt` lists them.

use super::*;
use crate::wire::{Attrs, Inside, Mask};

/// A line of the list.
struct Line {
    number: u16,
    name: &'static str,
    words: Vec<&'static str>,
}

impl Line {
    fn is(&self, word: &str) -> bool {
        self.words.contains(&word)
    }

    fn is_left_out(&self) -> bool {
        self.is("no:")
    }

    /// The attributes that it is inside of.
    fn nests(&self) -> &[&'static str] {
        self.words.iter().position(|word| *word == "inside").map_or(&[], |at| &self.words[at + 1..])
    }
}

/// The attributes of an enum, which is named by its first.
fn listed(first: &str) -> Vec<Line> {
    let lines = include_str!("attributes.txt").lines().skip_while(|line| *line != format!("enum {first}")).skip(1);
    let line = |line: &'static str| {
        let mut words = line.split_whitespace();
        let (number, name) = (words.next().unwrap().parse().unwrap(), words.next().unwrap());
        Line { number, name, words: words.collect() }
    };
    lines.take_while(|line| !line.is_empty()).map(line).collect()
}

/// Compares the list of an enum with what the table has to read, and what of it can be created and changed with.
fn assert_complete(first: &str, rows: &[Row], create: impl Fn(u16) -> bool, change: impl Fn(u16) -> bool) {
    let list = listed(first);
    for (at, line) in list.iter().enumerate() {
        let Line { number, name, words } = line;
        assert_eq!(usize::from(*number), at, "{name}");
        let row = rows.iter().find(|row| row.number == *number);
        assert!(row.is_none_or(|row| row.name == *name), "{name} is {row:?}");
        assert!(!words.is_empty() && words.iter().all(|word| is_known(line, word)), "{name} {words:?}");
        let has_row = line.is("create") || line.is("change") || line.is("status");
        assert_eq!(row.is_some(), has_row, "{name} {words:?}");
        assert!(!(has_row && line.is_left_out()) && words.len() > usize::from(line.is_left_out()), "{name} {words:?}");
        let is_written = |has: &dyn Fn(u16) -> bool| row.is_some() && has(*number);
        assert_eq!((is_written(&create), is_written(&change)), (line.is("create"), line.is("change")), "{name}");
        for nest in line.nests() {
            let is_inside = |row: &Row| row.number == *number && row.name == *name;
            assert!(inside(nest).iter().any(is_inside), "{name} is not inside {nest}");
        }
    }
    let missing = rows.iter().find(|row| !list.iter().any(|line| line.number == row.number));
    assert!(missing.is_none(), "not in the list: {missing:?}");
}

fn is_known(line: &Line, word: &str) -> bool {
    line.is_left_out()
        || line.nests().contains(&word)
        || ["create", "change", "status", "asked", "inside"].contains(&word)
}

/// The attributes inside one of every link or of a VLAN.
fn inside(nest: &str) -> &'static [Row] {
    let rows = LinkView::ROWS.iter().chain(VlanView::ROWS);
    match rows.clone().find(|row| row.name == nest).map(|row| row.inside) {
        Some(Inside::Rows(rows)) => rows,
        other => panic!("{nest}: {other:?}"),
    }
}

/// Compares the list of an enum with its table: a view, and the types that create and change.
macro_rules! complete {
    ($first:literal, $View:ty, $Create:ty, $Change:ty) => {
        let (create, change) = (<$Create as Attrs>::ALL, <$Change as Attrs>::ALL);
        let in_mask = |mask: Mask, number| number <= 64 && mask.has(number);
        assert_complete($first, <$View>::ROWS, |number| in_mask(create, number), |number| in_mask(change, number));
    };
}

#[test]
fn every_attribute_is_in_a_table_or_left_out_for_a_reason() {
    complete!("IFLA_UNSPEC", LinkView<'_>, Common<'_>, CommonChange<'_>);
    complete!("IFLA_MACVLAN_UNSPEC", MacvlanView<'_>, Macvlan<'_>, MacvlanChange<'_>);
    complete!("IFLA_MACVLAN_UNSPEC", MacvtapView<'_>, Macvtap<'_>, MacvtapChange<'_>);
    complete!("IFLA_VLAN_UNSPEC", VlanView<'_>, Vlan<'_>, VlanChange<'_>);
    complete!("IFLA_IPVLAN_UNSPEC", IpvlanView<'_>, Ipvlan, IpvlanChange);
    assert_complete("VETH_INFO_UNSPEC", veth::FACTS.rows, |_| true, |_| false);
    for nested in ["IFLA_PROTO_DOWN_REASON_UNSPEC", "IFLA_INFO_UNSPEC", "IFLA_VLAN_QOS_UNSPEC"] {
        assert_complete(nested, &[], |_| false, |_| false);
    }
}

/// What is left out or only asked for has no row, so the test above sees nothing of it.
#[test]
fn the_list_has_all_numbers_and_no_nest_hides_an_attribute() {
    assert_eq!(listed("IFLA_UNSPEC").len(), 70);
    for nest in ["IFLA_PROTO_DOWN_REASON", "IFLA_LINKINFO", "IFLA_PROP_LIST", "IFLA_VLAN_EGRESS_QOS"] {
        for row in inside(nest) {
            let listed = include_str!("attributes.txt").lines().any(|line| {
                let mut words = line.split_whitespace().skip(1);
                words.next() == Some(row.name) && words.any(|word| word == "inside")
            });
            assert!(listed, "{} of {nest}", row.name);
        }
    }
}
