//! The commands.
//!
//! ```text
//!   words ──► Pool: a network and its addresses ──► sublink::Network: connect, remove_parent …
//!     ▲       Joined: a container in it         ──► sublink::network::Member: disconnect
//!     │
//!   state: the words of every network and container, a line each
//! ```
//!
//! `networks` and `containers` show how the library is used; `words`, `command`, `filter`, `template` and `show` are for those
//! who type and read.

mod command;
mod containers;
mod filter;
mod joined;
mod networks;
mod pool;
mod restart;
mod show;
mod state;
mod template;
mod words;

use state::State;
use std::env;
use std::error::Error;
use std::io::{BufRead, Write};
use std::path::PathBuf;
use sublink::{Owner, Socket, network};
use words::{BadFlag, Words};

pub type Result<T = (), E = Box<dyn Error>> = std::result::Result<T, E>;

/// The variable that says where the state is.
const PLACE: &str = "SUBLINK_DOCKER_NETWORK";

/// What a command works with.
pub struct Work<'w> {
    host: Socket,
    owner: Owner,
    state: State,
    input: &'w mut dyn BufRead,
    out: &'w mut dyn Write,
}

impl Work<'_> {
    /// An error with the reason, where a look at the host's links shows it.
    fn explained(&mut self, error: Box<dyn Error>) -> Box<dyn Error> {
        let failed = error.downcast_ref().or_else(|| error.downcast_ref().and_then(network::Error::as_failed));
        match failed.cloned() {
            Some(failed) => failed.explained(&mut self.host).into(),
            None => error,
        }
    }
}

/// Does what the words of a command line say: reads answers from `input`, and prints on `out`.
pub fn run(words: &[String], input: &mut dyn BufRead, out: &mut dyn Write) -> Result {
    words.iter().try_for_each(|word| words::refuse_hidden(word))?;
    let mut words = words.iter().map(String::as_str).peekable();
    let mut dir = env::var_os(PLACE).map_or_else(|| "/run/sublink-docker-network".into(), PathBuf::from);
    let is_global =
        |word: &str| word == "--state" || word.starts_with("--state=") || matches!(word, "docker" | "network");
    while let Some(word) = words.next_if(|word| is_global(word)) {
        match word.split_once('=') {
            Some((_, value)) => dir = value.into(),
            None if word == "--state" => dir = words.next().ok_or("flag needs an argument: --state")?.into(),
            None => {} // Docker's own first words
        }
    }
    let name = words.next().unwrap_or("help");
    let words: Vec<_> = words.collect();
    if matches!(name, "help" | "--help" | "-h") {
        let help =
            words.first().and_then(|name| command::find(name)).map_or_else(command::help, command::Command::help);
        return Ok(out.write_all(help.as_bytes())?);
    }
    let program = command::PROGRAM;
    let unknown =
        || format!("{program}: unknown command: {program} {name}\n\nRun '{program} --help' for more information");
    let command = command::find(name).ok_or_else(unknown)?;
    if words.iter().any(|word| matches!(*word, "--help" | "-h")) {
        return Ok(out.write_all(command.help().as_bytes())?);
    }
    let words = Words::read(words, command.flags).map_err(|error| with_hint(error, command))?;
    command.check_names(words.names.len())?;
    let (host, owner, state) = (Socket::open()?, Owner::new("docker_network")?, State::open(&dir)?);
    let mut work = Work { host, owner, state, input, out };
    (command.act)(&mut work, &words).map_err(|error| work.explained(error)).map_err(|error| with_hint(error, command))
}

/// What is wrong with a flag, and where to read of it.
fn with_hint(error: Box<dyn Error>, command: &command::Command) -> Box<dyn Error> {
    match error.downcast::<BadFlag>() {
        Ok(bad) => bad.with_hint(&command.hint()).into(),
        Err(error) => error,
    }
}

/// The code that a failed command ends with: Docker's.
pub fn exit_code(error: &(dyn Error + 'static)) -> u8 {
    if error.is::<BadFlag>() { 125 } else { 1 }
}
