//! What is remembered between commands: a file with a line for each network and each container in one, written as the
//! command that made it, with everything that was chosen then.
//!
//! ```text
//!   sublink docker_network, state 2      the format
//!   create    --subnet=10.1.0.0/24    --opt=parent=eth0    net
//!   connect   --ip=10.1.0.2    --attached=eth0 kind macvlan …    --namespace=…    net    /run/netns/c1
//!   end                                  nothing is cut off
//! ```
//!
//! One command at a time has it: the others wait. It is replaced as a whole, so that it is never half written.

use super::Result;
use super::joined::{self, Joined};
use super::pool::{self, Pool};
use super::words::Words;
use nix::fcntl::{Flock, FlockArg};
use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use sublink::Network;

/// The first line. Its number changes with the format.
const HEAD: &str = "sublink docker_network, state 2";
const END: &str = "end";

/// All networks and all containers in them, until the next command.
#[derive(Debug)]
pub struct State {
    dir: PathBuf,
    _lock: Flock<File>,
    pub pools: Vec<Pool>,
    pub joined: Vec<Joined>,
    /// Those that are about to be connected again. They are remembered as the others are.
    pub lost: VecDeque<Joined>,
}

impl State {
    /// Waits for its turn, and reads it. Where there is none yet, it is empty.
    pub fn open(dir: &Path) -> Result<Self> {
        let at = |error| format!("the state in {}: {error} (another place: --state DIR)", dir.display());
        fs::create_dir_all(dir).map_err(at)?;
        let lock = File::create(dir.join("lock")).map_err(at)?;
        let lock = Flock::lock(lock, FlockArg::LockExclusive).map_err(|(_, error)| at(error.into()))?;
        let mut state =
            Self { dir: dir.into(), _lock: lock, pools: Vec::new(), joined: Vec::new(), lost: VecDeque::new() };
        let file = dir.join("networks");
        let text = match fs::read_to_string(&file) {
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            text => text.map_err(at)?,
        };
        state.read(&text).map_err(|why| {
            format!(
                "{}, {why} (without this file no network is known, and `restore` removes their parents)",
                file.display()
            )
        })?;
        Ok(state)
    }

    fn read(&mut self, text: &str) -> Result {
        let mut lines = (1..).zip(text.lines());
        match lines.next() {
            None => return Ok(()),
            Some((_, HEAD)) => {}
            Some((_, head)) if head.starts_with("sublink docker_network, state ") => {
                return Err(
                    format!("line 1: another version has written it: {head:?}, where this one reads {HEAD:?}").into()
                );
            }
            Some((_, head)) if head.starts_with("create\t") => {
                return Err("line 1: an older version has written it, which noted no version".into());
            }
            Some(_) => return Err("line 1: it is no state of docker_network".into()),
        }
        let mut last = None;
        for (number, line) in lines {
            if last.replace(line) == Some(END) {
                return Err(format!("line {number}: something follows the end").into());
            }
            if line != END {
                self.read_line(line).map_err(|why| format!("line {number}: {why}"))?;
            }
        }
        if last == Some(END) { Ok(()) } else { Err("last line: it is cut off: there should be an end".into()) }
    }

    fn read_line(&mut self, line: &str) -> Result {
        let (command, words) = line.split_once('\t').ok_or("half a line")?;
        let words = |flags: &[_]| Words::read(words.split('\t'), flags);
        match command {
            "create" => self.pools.push(Pool::new(words(pool::FLAGS)?, &self.pools)?),
            "connect" => {
                let flags = [joined::FLAGS, joined::KEPT].concat();
                self.joined.push(Joined::new(words(&flags)?, &self.pools)?);
            }
            _ => return Err(format!("what is {command:?}?").into()),
        }
        Ok(())
    }

    /// Replaces what was remembered.
    pub fn save(&self) -> Result {
        let pools = self.pools.iter().map(|pool| pool.words.line("create"));
        let joined = self.joined.iter().chain(&self.lost).map(|joined| joined.words.line("connect"));
        let lines = [HEAD.to_owned()].into_iter().chain(pools).chain(joined).chain([END.to_owned()]);
        let text: String = lines.map(|line| line + "\n").collect();
        let (new, file) = (self.dir.join("networks.new"), self.dir.join("networks"));
        let write = || {
            let mut to = File::create(&new)?;
            to.write_all(text.as_bytes())?;
            to.sync_all()?;
            fs::rename(&new, &file)
        };
        write().map_err(|error| format!("{}: {error}", file.display()).into())
    }

    /// The networks alone.
    pub fn networks(&self) -> Vec<Network> {
        self.pools.iter().map(|pool| pool.network.clone()).collect()
    }
}
