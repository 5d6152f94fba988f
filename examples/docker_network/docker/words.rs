//! Command lines as Docker reads them, and the lines of the state, which are the same.
//!
//! Flags may stand anywhere and may be repeated: `--subnet X`, `--subnet=X`, `--subnet=X,Y`, `-o parent=eth0`, `-d=macvlan`.

use super::Result;
use lexopt::{Arg, Parser};
use std::error::Error;
use std::ffi::OsString;
use std::fmt;
use std::str::FromStr;

/// A flag that a command has.
#[derive(Clone, Copy, Debug)]
pub struct Flag {
    pub long: &'static str,
    pub letter: Option<char>,
    pub kind: Kind,
    /// What it does, for the help; of a refused flag, why it is refused.
    pub help: &'static str,
}

/// What follows a flag.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Nothing; or `=true`, `=false`.
    Switch,
    /// A value, which the help calls by this word.
    Value(&'static str),
    /// A value. Docker has the flag, and this example does not.
    Refused,
}

/// A flag with a value.
pub const fn value(long: &'static str, kind: &'static str, help: &'static str) -> Flag {
    Flag { long, letter: None, kind: Kind::Value(kind), help }
}

/// A flag that is there or not.
pub const fn switch(long: &'static str, help: &'static str) -> Flag {
    Flag { long, letter: None, kind: Kind::Switch, help }
}

/// A flag of Docker's that is refused for this reason.
pub const fn refused(long: &'static str, why: &'static str) -> Flag {
    Flag { long, letter: None, kind: Kind::Refused, help: why }
}

impl Flag {
    /// With a letter too.
    pub const fn letter(self, letter: char) -> Self {
        Self { letter: Some(letter), ..self }
    }
}

/// A flag that cannot be, or cannot have its value. Docker's exit code for it is 125.
#[derive(Debug)]
pub struct BadFlag(String);

impl BadFlag {
    /// With where to read of it.
    pub fn with_hint(self, hint: &str) -> Self {
        Self(self.0 + hint)
    }
}

impl fmt::Display for BadFlag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for BadFlag {}

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
        let words: Vec<_> = words.into_iter().map(str::to_owned).collect();
        let mut parser = Parser::from_args(words);
        while let Some(word) = parser.next().map_err(|why| BadFlag(why.to_string()))? {
            let (flag, unknown) = match word {
                Arg::Value(name) => {
                    names.push(text(name)?);
                    continue;
                }
                Arg::Long(long) => (known.iter().find(|flag| flag.long == long), format!("unknown flag: --{long}")),
                Arg::Short(letter) => {
                    let flag = known.iter().find(|flag| flag.letter == Some(letter));
                    // Other letters may follow that of a switch: `-fq`.
                    if let Some(Flag { long, kind: Kind::Switch, .. }) = flag {
                        flags.push((*long, "true".to_owned()));
                        continue;
                    }
                    (flag, format!("unknown shorthand flag: '{letter}' in -{letter}"))
                }
            };
            let flag = flag.ok_or(BadFlag(unknown))?;
            flags.push((flag.long, value_of(flag, &mut parser)?));
        }
        Ok(Self { flags, names })
    }

    /// The words as one line, from which they can be read again.
    pub fn line(&self, command: &str) -> String {
        let flags = self.flags.iter().map(|(flag, value)| format!("--{flag}={value}"));
        [command.to_owned()].into_iter().chain(flags).chain(self.names.iter().cloned()).collect::<Vec<_>>().join("\t")
    }

    /// The names, if they are this many.
    pub fn names<const N: usize>(&self) -> Result<[&str; N]> {
        let names: Vec<_> = self.names.iter().map(String::as_str).collect();
        names.try_into().map_err(|_| format!("there should be {N} names").into())
    }

    /// The same flags with other names.
    pub fn of<const N: usize>(&self, names: [String; N]) -> Self {
        Self { flags: self.flags.clone(), names: names.into() }
    }

    /// Each value of a flag.
    pub fn all(&self, flag: &str) -> impl Iterator<Item = &str> {
        self.flags.iter().filter(move |(given, _)| *given == flag).map(|(_, value)| value.as_str())
    }

    /// Each value of a flag that may hold several, with commas between.
    pub fn list(&self, flag: &str) -> impl Iterator<Item = &str> {
        self.all(flag).flat_map(|values| values.split(','))
    }

    /// Each `KEY=VALUE` of a flag. A key without a value has an empty one.
    pub fn pairs(&self, flag: &str) -> impl Iterator<Item = (&str, &str)> {
        self.all(flag).map(|pair| pair.split_once('=').unwrap_or((pair, "")))
    }

    /// The last value of a flag.
    pub fn last(&self, flag: &str) -> Option<&str> {
        self.all(flag).last()
    }

    /// The last value of a flag, read.
    pub fn parsed<T: FromStr<Err: Error>>(&self, flag: &str) -> Result<Option<T>> {
        let parse = |value: &str| value.parse().map_err(|why: T::Err| invalid(flag, value, why));
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

/// A word may be printed as it is: nothing in it moves the cursor, is invisible or turns what stands behind it.
pub fn refuse_hidden(word: &str) -> Result {
    let shown = format!("{word:?}");
    let is_hidden = word.contains(char::is_control) || shown.replace("\\\\", "").contains("\\u{");
    if is_hidden { Err(format!("{shown} has a control character or an invisible one").into()) } else { Ok(()) }
}

fn value_of(flag: &Flag, parser: &mut Parser) -> Result<String> {
    let long = flag.long;
    match flag.kind {
        Kind::Refused => Err(format!("--{long} is not supported here: {}", flag.help).into()),
        Kind::Value(_) => text(parser.value().map_err(|_| BadFlag(format!("flag needs an argument: --{long}")))?),
        Kind::Switch => {
            let value = parser.optional_value().map(text).transpose()?;
            let value = value.as_deref().unwrap_or("true");
            match value {
                "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok("true".to_owned()),
                "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok("false".to_owned()),
                _ => Err(invalid(long, value, "it is true or false")),
            }
        }
    }
}

fn invalid(flag: &str, value: &str, why: impl fmt::Display) -> Box<dyn Error> {
    BadFlag(format!("invalid argument {value:?} for \"--{flag}\" flag: {why}")).into()
}

fn text(word: OsString) -> Result<String> {
    word.into_string().map_err(|word| format!("{word:?} is not UTF-8").into())
}
