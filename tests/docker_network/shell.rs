//! A shell in which commands are given, and the containers that they are about.

use crate::docker;
use std::fs;
use std::os::fd::{AsFd, AsRawFd};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use sublink::addr::ListAddresses;
use sublink::route::{ListRoutes, Table};
use sublink::value::Scope;
use sublink::{IpNetwork, LinkInfo, ListLinks, Netns, Socket};

/// How a command failed.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    pub code: u8,
    pub why: String,
}

/// A state of its own, which is gone when it is.
pub struct Shell {
    pub dir: PathBuf,
}

impl Shell {
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("sublink-docker-network-{}-{number}", std::process::id()));
        let _ = fs::remove_dir_all(&dir); // of a run that was killed, by a process with the same number
        Self { dir }
    }

    /// Runs the words of a command line, as a shell would pass them: what stands in single quotes is one word, and double
    /// quotes go. Returns what it printed, and how it ended.
    pub fn type_in(&self, line: &str, input: &str) -> (String, Result<(), Failure>) {
        let line = line.replace('"', "").replace("\\\n", " ");
        let mut words = vec!["--state".into(), self.dir.display().to_string()];
        for (number, part) in line.split('\'').enumerate() {
            if number % 2 == 1 {
                words.push(part.to_owned());
            } else {
                words.extend(part.split_whitespace().map(str::to_owned));
            }
        }
        let mut out = Vec::new();
        let done = docker::run(&words, &mut input.as_bytes(), &mut out);
        let done = done.map_err(|error| Failure { code: docker::exit_code(&*error), why: error.to_string() });
        (String::from_utf8(out).expect("text"), done)
    }

    pub fn attempt(&self, line: &str) -> Result<String, String> {
        let (out, done) = self.type_in(line, "");
        done.map(|()| out).map_err(|failure| failure.why)
    }

    #[track_caller]
    pub fn run(&self, line: &str) -> String {
        self.attempt(line).unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    /// Runs a command that is refused, and returns why.
    #[track_caller]
    pub fn refused(&self, line: &str) -> String {
        self.attempt(line).map_or_else(|error| error, |out| panic!("{line} was not refused: {out}"))
    }

    /// What `inspect` says of one network.
    #[track_caller]
    pub fn inspect(&self, network: &str) -> serde_json::Value {
        let mut all: serde_json::Value = serde_json::from_str(&self.run(&format!("inspect {network}"))).expect("JSON");
        all[0].take()
    }

    /// The lines that are remembered.
    pub fn remembered(&self) -> String {
        fs::read_to_string(self.dir.join("networks")).unwrap_or_default()
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir); // a test that gave no command has none
    }
}

pub fn net(network: &str) -> IpNetwork {
    network.parse().expect("a network")
}

pub fn links_of_kind(socket: &mut Socket, kind: &str) -> usize {
    socket.snapshot(&ListLinks::new().kind(kind)).expect("links").len()
}

/// A namespace to connect.
pub struct Container {
    pub namespace: Netns,
    pub inside: Socket,
}

impl Container {
    pub fn new() -> Self {
        let namespace = Netns::create().expect("a namespace");
        let inside = Socket::open_in(&namespace).expect("a socket in it");
        Self { namespace, inside }
    }

    /// The path of its file.
    pub fn path(&self) -> String {
        format!("/proc/self/fd/{}", self.namespace.as_fd().as_raw_fd())
    }

    pub fn links(&mut self) -> Vec<String> {
        let links = self.inside.snapshot(&ListLinks::new()).expect("links");
        let mut names: Vec<_> = links.iter().map(|link| link.name.to_string()).filter(|name| name != "lo").collect();
        names.sort();
        names
    }

    pub fn link(&mut self, name: &str) -> LinkInfo {
        self.inside.link(name).expect("the link").to_owned()
    }

    /// The addresses that a link was given.
    pub fn addrs(&mut self, name: &str) -> Vec<String> {
        let index = self.link(name).index;
        let addresses = self.inside.snapshot(&ListAddresses::new().index(index)).expect("addresses");
        let given = addresses.iter().filter(|address| address.scope == Scope::GLOBAL);
        given.filter_map(|address| address.addr).map(|addr| addr.to_string()).collect()
    }

    /// The gateways of the default routes, of IPv4 and IPv6.
    pub fn gateways(&mut self) -> [Option<String>; 2] {
        [ListRoutes::v4(), ListRoutes::v6()].map(|routes| {
            let route = self.inside.default_route(&routes.table(Table::MAIN)).expect("routes");
            route.and_then(|route| route.gateway).map(|gateway| gateway.to_string())
        })
    }
}
