//! The list of what the library does with every attribute of links, beside the headers: none may be missing.

use super::claims::{Claim, claim};

const LIST: &str = include_str!("../../src/link/attributes.txt");

/// The numbers and names in the list, of all enums.
pub fn attributes() -> Vec<Claim> {
    let lines = LIST.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_digit()));
    let of_line = |line: &str| {
        let mut words = line.split_whitespace();
        let (number, name) = words.next().zip(words.next()).expect("a number and a name");
        claim(name, number.parse::<u16>().expect("a number"))
    };
    lines.map(of_line).collect()
}

/// The attributes in the enums of these headers that the list does not have. The list's enums are named by their first.
pub fn missing(preprocessed: &str) -> Vec<String> {
    let listed: Vec<String> = attributes().into_iter().map(|(name, _)| name).collect();
    let is_listed = |name: &str| listed.iter().any(|listed| listed == name);
    let mut missing = Vec::new();
    for first in LIST.lines().filter_map(|line| line.strip_prefix("enum ")) {
        let found = enumerators(preprocessed, first);
        assert!(found.len() > 1, "the headers have no enum that begins with {first}");
        // IFLA_IF_NETNSID has got another name, which is listed.
        let has_listed_alias = |name| found.iter().any(|(alias, value)| *value == Some(name) && is_listed(alias));
        let is_attribute = |name: &&str| !name.starts_with("__") && !name.ends_with("_MAX");
        let names = found.iter().map(|(name, _)| *name).filter(is_attribute);
        missing.extend(names.filter(|name| !is_listed(name) && !has_listed_alias(name)).map(str::to_owned));
    }
    missing
}

/// The names in the enum that begins with `first`, and what they are set to.
fn enumerators<'a>(preprocessed: &'a str, first: &str) -> Vec<(&'a str, Option<&'a str>)> {
    let blocks = preprocessed.split("enum").filter_map(|rest| rest.split_once('{')?.1.split_once('}'));
    let names = |block: &'a str| -> Vec<_> {
        // Between the names stand definitions of the same names, and line markers.
        let code = block.lines().filter(|line| !line.trim_start().starts_with('#'));
        let entries = code.flat_map(|line| line.split(',')).map(str::trim).filter(|entry| !entry.is_empty());
        entries
            .map(|entry| entry.split_once('=').map_or((entry, None), |(name, value)| (name.trim(), Some(value.trim()))))
            .collect()
    };
    let begins = |names: &Vec<(&str, _)>| names.first().is_some_and(|(name, _)| *name == first);
    blocks.map(|(block, _)| names(block)).find(begins).unwrap_or_default()
}
