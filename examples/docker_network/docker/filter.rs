//! Which networks are shown or removed: `--filter KEY=VALUE`.

use super::Result;
use super::pool::Pool;
use super::show::driver_word;
use super::words::Words;

/// Keys and values. A network must match one value of each key, and each value of `label`.
pub struct Filters(Vec<(String, String)>);

impl Filters {
    /// The filters of a command that has these keys.
    pub fn read(words: &Words, keys: &[&str]) -> Result<Self> {
        let mut filters = Vec::new();
        for filter in words.all("filter") {
            let wrong =
                || format!("invalid filter {filter:?}: it is KEY=VALUE, and a KEY is one of {}", keys.join(", "));
            let (key, value) = filter.split_once('=').filter(|(key, _)| keys.contains(key)).ok_or_else(wrong)?;
            check(key, value)?;
            filters.push((key.to_owned(), value.to_owned()));
        }
        Ok(Self(filters))
    }

    /// Whether they let a network pass, which is in use or not.
    pub fn match_pool(&self, pool: &Pool, is_used: bool) -> bool {
        self.0.iter().all(|(key, value)| match key.as_str() {
            "label" => has_label(pool, value),
            "label!" => !has_label(pool, value),
            key => self.0.iter().any(|(other, value)| other == key && matches(pool, key, value, is_used)),
        })
    }
}

/// Refuses values with a meaning that is not understood here.
fn check(key: &str, value: &str) -> Result {
    let is_one = match key {
        "type" => matches!(value, "custom" | "builtin"),
        "dangling" => matches!(value, "0" | "1" | "true" | "false"),
        "name" | "id" => {
            let inner = value.strip_prefix('^').unwrap_or(value);
            !inner.strip_suffix('$').unwrap_or(inner).contains(|c: char| r"^$*+?()[]{}|\".contains(c))
        }
        _ => true,
    };
    let hint = match key {
        "type" => "it is custom or builtin",
        "dangling" => "it is true or false",
        _ => "of regular expressions, only ^ and $ are understood here",
    };
    if is_one { Ok(()) } else { Err(format!("invalid filter '{key}={value}': {hint}").into()) }
}

fn matches(pool: &Pool, key: &str, value: &str, is_used: bool) -> bool {
    let network = &pool.network;
    match key {
        "driver" => driver_word(network.driver()) == value,
        "name" => matches_text(network.name(), value),
        "id" => matches_text(network.id(), value),
        "scope" => value == "local",
        "type" => value == "custom", // those that Docker has by itself are not here
        "dangling" => matches!(value, "1" | "true") != is_used,
        _ => false,
    }
}

/// A part of the text, or how it begins or ends: `^text`, `text$`.
fn matches_text(text: &str, pattern: &str) -> bool {
    let (start, inner) = pattern.strip_prefix('^').map_or((false, pattern), |inner| (true, inner));
    let (end, inner) = inner.strip_suffix('$').map_or((false, inner), |inner| (true, inner));
    match (start, end) {
        (true, true) => text == inner,
        (true, false) => text.starts_with(inner),
        (false, true) => text.ends_with(inner),
        (false, false) => text.contains(inner),
    }
}

fn has_label(pool: &Pool, wanted: &str) -> bool {
    let (key, value) = wanted.split_once('=').map_or((wanted, None), |(key, value)| (key, Some(value)));
    pool.labels.iter().any(|(own, own_value)| own == key && value.is_none_or(|value| value == own_value))
}
