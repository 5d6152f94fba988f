//! Command lines as Docker reads them, and the lines of the state, which are the same.
//!
//! Flags may stand anywhere and may be repeated: `--subnet X`, `--subnet=X`, `--subnet=X,Y`, `-o parent=eth0`, `-d=macvlan`.

use super::Result;
use std::error::Error;
use std::str::FromStr;

/// A flag that a command has.
pub struct Flag {
    long: &'static str,
    letter: Option<char>,
    takes_value: bool,
}

/// A flag with a value.
pub const fn value(long: &'static str) -> Flag {
    Flag { long, letter: None, takes_value: true }
}

/// The same, with a letter too.
pub const fn lettered(long: &'static str, letter: char) -> Flag {
    Flag { long, letter: Some(letter), takes_value: true }
}

/// A flag that is there or not.
pub const fn switch(long: &'static str) -> Flag {
    Flag { long, letter: None, takes_value: false }
}

/// The words that follow a command, sorted.
#[derive(Clone, Debug)]
pub struct Words {
    flags: Vec<(&'static str, String)>,
    /// What is no flag: names.
    pub names: Vec<String>,
}

impl Words {
    /// Sorts the words of a command that has these flags.
    pub fn read<'w>(words: impl IntoIterator<Item = &'w str>, known: &[Flag]) -> Result<Self> {
        let (mut flags, mut names) = (Vec::new(), Vec::new());
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            if word.contains(char::is_control) {
                return Err(format!("{word:?} has a control character").into());
            }
            if !word.starts_with('-') {
                names.push(word.to_owned());
                continue;
            }
            let (flag, value) = find(word, known).ok_or_else(|| format!("there is no flag {word}"))?;
            let value = match value {
                None if flag.takes_value => words.next().ok_or_else(|| format!("{word} wants a value"))?,
                None => "true",
                Some(value) => value,
            };
            flags.push((flag.long, value.to_owned()));
        }
        Ok(Self { flags, names })
    }

    /// The words as one line, from which they can be read again.
    pub fn line(&self, command: &str) -> String {
        let flags = self.flags.iter().map(|(flag, value)| format!("--{flag}={value}"));
        [command.to_owned()].into_iter().chain(flags).chain(self.names.iter().cloned()).collect::<Vec<_>>().join("\t")
    }

    /// The names, if they are this many.
    pub fn names<const N: usize>(&self, usage: &str) -> Result<[&str; N]> {
        let names: Vec<_> = self.names.iter().map(String::as_str).collect();
        names.try_into().map_err(|_| format!("usage: {usage}").into())
    }

    /// Each value of a flag.
    pub fn all(&self, flag: &str) -> impl Iterator<Item = &str> {
        self.flags.iter().filter(move |(given, _)| *given == flag).map(|(_, value)| value.as_str())
    }

    /// Each value of a flag that may hold several, with commas between.
    pub fn list(&self, flag: &str) -> impl Iterator<Item = &str> {
        self.all(flag).flat_map(|values| values.split(','))
    }

    /// The last value of a flag.
    pub fn last(&self, flag: &str) -> Option<&str> {
        self.all(flag).last()
    }

    /// The last value of a flag, read.
    pub fn parsed<T: FromStr<Err: Error>>(&self, flag: &str) -> Result<Option<T>> {
        let parse = |value: &str| value.parse().map_err(|why| format!("--{flag} {value}: {why}").into());
        self.last(flag).map(parse).transpose()
    }

    /// Whether a flag is there, and not `--flag=false`.
    pub fn is_set(&self, flag: &str) -> Result<bool> {
        Ok(self.parsed(flag)?.unwrap_or(false))
    }

    /// Gives a flag this value, in the place of any it had.
    pub fn set(&mut self, flag: &'static str, value: String) {
        self.flags.retain(|(given, _)| *given != flag);
        self.add(flag, value);
    }

    /// Gives a flag one more value.
    pub fn add(&mut self, flag: &'static str, value: String) {
        self.flags.push((flag, value));
    }
}

/// The flag that a word is, and the value that it holds.
fn find<'k, 'w>(word: &'w str, known: &'k [Flag]) -> Option<(&'k Flag, Option<&'w str>)> {
    if let Some(long) = word.strip_prefix("--") {
        let (name, value) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
        let flag = known.iter().find(|flag| flag.long == name)?;
        return Some((flag, value));
    }
    let mut rest = word.strip_prefix('-')?.chars();
    let letter = rest.next()?;
    let flag = known.iter().find(|flag| flag.letter == Some(letter))?;
    let value = rest.as_str();
    Some((flag, (!value.is_empty()).then(|| value.strip_prefix('=').unwrap_or(value))))
}
