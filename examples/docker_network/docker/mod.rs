//! The commands.
//!
//! ```text
//!   words ──► Pool: a network and its addresses ──► sublink::Network: connect, remove_parent …
//!     ▲       Joined: a container in it         ──► sublink::network::Member: disconnect
//!     │
//!   state: the words of every network and container, a line each
//! ```

mod containers;
mod joined;
mod networks;
mod pool;
mod state;
mod words;

use state::State;
use std::env;
use std::error::Error;
use std::io::Write;
use std::path::PathBuf;
use sublink::{Owner, Socket, network};
use words::{Flag, Words};

pub type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// The variable that says where the state is.
const PLACE: &str = "SUBLINK_DOCKER_NETWORK";

const HELP: &str = "\
Docker's macvlan networks for network namespaces.

  docker_network [--state DIR] COMMAND

  create [-d macvlan|vlan] [-o KEY=VALUE]… [--subnet S]… [--gateway A]… [--ip-range R]…
         [--aux-address NAME=A]… [--ipv6] [--internal] [--attachable] NETWORK
  create --config-only [-d …] [-o …] [--subnet …] NETWORK
  create --config-from NETWORK [--internal] [--attachable] NETWORK
  connect [--ip A] [--ip6 A] [--mac-address M] [--vlan ID] [--gw-priority N] NETWORK CONTAINER
  disconnect NETWORK CONTAINER
  inspect NETWORK…    ls    rm NETWORK…
  restore             after a restart: makes again what is gone, forgets containers that are

A NETWORK of the driver macvlan, which it is unless -d says otherwise, gives each container a macvlan
on its parent, one of the driver vlan a VLAN of its own, of which `connect --vlan` says the id. Options:
  parent=eth0 or eth0.50           VLAN 50 of eth0, made where it is not there; without a parent the
                                   network is internal, on a dummy of its own
  macvlan_mode=bridge              or private, vepa, passthru
  com.docker.network.driver.mtu=N

Without --subnet it gets a private one that is free, and with --ipv6 an IPv6 one as well. Subnets of
networks may overlap, which Docker refuses: no address is given twice. A subnet has the gateway that
lies in it. Without one there is no default route, where Docker would take the first address for a
gateway. The default route of a container in several networks goes by the one with the highest
--gw-priority, then by one with gateways of both families, then by the first name.

A CONTAINER is a name that `ip netns add` gave, the path of a namespace's file, or a process id,
which is good while that process lives.

The state is kept in DIR, else in $SUBLINK_DOCKER_NETWORK, else in /run/sublink-docker-network.
Use one for each host namespace: links that the others made would be taken for left over.
";

/// What a command works with.
struct Work<'w> {
    host: Socket,
    owner: Owner,
    state: State,
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

/// Does what the words of a command line say, and prints on `out`.
pub fn run(words: &[String], out: &mut dyn Write) -> Result {
    let mut words = words.iter().map(String::as_str).peekable();
    let mut dir = env::var_os(PLACE).map_or_else(|| "/run/sublink-docker-network".into(), PathBuf::from);
    while let Some(word) = words.next_if(|word| word.starts_with("--state") || matches!(*word, "docker" | "network")) {
        match word.split_once('=') {
            Some((_, value)) => dir = value.into(),
            None if word == "--state" => dir = words.next().ok_or("--state wants a value")?.into(),
            None => {} // Docker's own first words
        }
    }
    let command = words.next().unwrap_or("help");
    let words: Vec<_> = words.collect();
    if matches!(command, "help" | "--help" | "-h") || words.contains(&"--help") {
        return Ok(out.write_all(HELP.as_bytes())?);
    }
    let (flags, act): (&[Flag], Act) = match command {
        "create" => (pool::FLAGS, networks::create),
        "connect" => (joined::FLAGS, containers::connect),
        "disconnect" => (&[], containers::disconnect),
        "inspect" => (&[], networks::inspect),
        "ls" => (&[], networks::ls),
        "rm" => (&[], networks::rm),
        "restore" => (&[], containers::restore),
        _ => return Err(format!("there is no command {command}: `help` tells which there are").into()),
    };
    let words = Words::read(words, flags)?;
    let (host, owner, state) = (Socket::open()?, Owner::new("docker_network")?, State::open(&dir)?);
    let mut work = Work { host, owner, state, out };
    act(&mut work, &words).map_err(|error| work.explained(error))
}

type Act = fn(&mut Work<'_>, &Words) -> Result;
