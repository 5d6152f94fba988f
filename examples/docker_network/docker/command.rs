//! The commands, and what `--help` says of them.

use super::words::{Flag, Kind, Words};
use super::{Result, Work, containers, joined, networks, pool, restart, show};
use std::fmt::Write;
use std::ops::RangeInclusive;

/// A command: what follows it, what it does, and the words for both.
pub struct Command {
    pub name: &'static str,
    /// Another name of it.
    alias: Option<&'static str>,
    usage: &'static str,
    about: &'static str,
    pub flags: &'static [Flag],
    /// How many names it wants.
    names: RangeInclusive<usize>,
    notes: &'static str,
    pub act: fn(&mut Work<'_>, &Words) -> Result,
}

const ANY: usize = usize::MAX;

pub const COMMANDS: &[Command] = &[
    Command {
        name: "connect",
        alias: None,
        usage: "[OPTIONS] NETWORK CONTAINER",
        about: "Connect a container to a network",
        flags: joined::FLAGS,
        names: 2..=2,
        notes: CONTAINER,
        act: containers::connect,
    },
    Command {
        name: "create",
        alias: None,
        usage: "[OPTIONS] NETWORK",
        about: "Create a network",
        flags: pool::FLAGS,
        names: 1..=1,
        notes: CREATE,
        act: networks::create,
    },
    Command {
        name: "disconnect",
        alias: None,
        usage: "[OPTIONS] NETWORK CONTAINER",
        about: "Disconnect a container from a network",
        flags: containers::FLAGS,
        names: 2..=2,
        notes: CONTAINER,
        act: containers::disconnect,
    },
    Command {
        name: "inspect",
        alias: None,
        usage: "[OPTIONS] NETWORK [NETWORK...]",
        about: "Display detailed information on one or more networks",
        flags: show::INSPECT_FLAGS,
        names: 1..=ANY,
        notes: INSPECT,
        act: show::inspect,
    },
    Command {
        name: "ls",
        alias: Some("list"),
        usage: "[OPTIONS]",
        about: "List networks",
        flags: show::LS_FLAGS,
        names: 0..=0,
        notes: LS,
        act: show::ls,
    },
    Command {
        name: "prune",
        alias: None,
        usage: "[OPTIONS]",
        about: "Remove all unused networks",
        flags: networks::PRUNE_FLAGS,
        names: 0..=0,
        notes: PRUNE,
        act: networks::prune,
    },
    Command {
        name: "restore",
        alias: None,
        usage: "",
        about: "After a restart: make again what is gone, forget containers that are",
        flags: &[],
        names: 0..=0,
        notes: RESTORE,
        act: restart::restore,
    },
    Command {
        name: "rm",
        alias: Some("remove"),
        usage: "[OPTIONS] NETWORK [NETWORK...]",
        about: "Remove one or more networks",
        flags: networks::RM_FLAGS,
        names: 1..=ANY,
        notes: "",
        act: networks::rm,
    },
];

/// The program's name in what it prints.
pub const PROGRAM: &str = "docker_network";

const CREATE: &str = "
Options of the drivers (-o):
  parent=eth0 or eth0.50           VLAN 50 of eth0, made where it is not there; eth0.10.20 is VLAN 20
                                   on that; without a parent the network is internal, on a dummy
  parent_vlan=enp130s0f0np0.100    the VLAN that the parent is made as, whatever its name
  parent_protocol=802.1ad          of the outermost VLAN
  parent_up=true                   a parent that is down is brought up
  macvlan_mode=bridge              or private, vepa, passthru
  host_access=10.1.0.250           the host's own address among the containers, by which both reach each
                                   other; 10.1.0.250,10.1.0.64/26 if it has a route to the rest
  com.docker.network.driver.mtu=N

A network of the driver macvlan gives each container a macvlan on its parent, one of the driver vlan
a VLAN of its own, of which `connect --vlan` says the id.

Subnets of networks may overlap, which Docker refuses: no address is given twice. A subnet without
--gateway has no default route. Its first address, which a router has as a rule, is then given to no
container that does not ask for it with --ip; so a /30 has one address to give out, as with Docker.
A /31, /32, /127 or /128 gives out all that it has.
";

const CONTAINER: &str = "
A CONTAINER is a name that `ip netns add` gave, the path of a namespace's file, or a process id,
which is good while that process lives. Its lo is brought up.

The default route of a container in several networks goes by the one with the highest
--gw-priority, then by one with gateways of both families, then by the first name.
";

const INSPECT: &str = "
Of Go's templates there are {{.Field}}, {{.Field.field}}, {{json .Field}}, {{json .}} and
{{range .Field}}…{{end}}; \\t and \\n.
";

const LS: &str = "
Filters:
  name=TEXT, id=TEXT                 a part of it; ^TEXT begins it, TEXT$ ends it
  driver=macvlan, driver=vlan
  label=KEY, label=KEY=VALUE
  dangling=true, dangling=false      without or with containers
  type=custom, scope=local           as all have

Of Go's templates there are {{.Field}}, {{json .Field}} and {{json .}}; \\t and \\n. The fields are
ID, Name, Driver, Scope, IPv4, IPv6, Internal, Labels, Parent and Subnets.
";

const PRUNE: &str = "
Filters:
  label=KEY, label=KEY=VALUE         with this label
  label!=KEY, label!=KEY=VALUE       without it

Config-only networks stay.
";

const RESTORE: &str = "
A container that comes back under its name or path has its addresses and MAC addresses again.
";

const GENERAL: &str = "
A NETWORK is a name, an id or the beginning of an id.

The state is kept in DIR, else in $SUBLINK_DOCKER_NETWORK, else in /run/sublink-docker-network.
Use one for each host namespace: links that the others made would be taken for left over.
";

/// The command of this name.
pub fn find(name: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.name == name || command.alias == Some(name))
}

/// What there is.
pub fn help() -> String {
    let mut text = format!(
        "Usage:  {PROGRAM} [--state DIR] COMMAND\n\nMacvlan and VLAN networks for network namespaces, in Docker's words\n\nCommands:\n"
    );
    for Command { name, about, .. } in COMMANDS {
        let _ = writeln!(text, "  {name:10}  {about}");
    }
    format!("{text}\nRun '{PROGRAM} COMMAND --help' for more information on a command.\n{GENERAL}")
}

impl Command {
    fn usage(&self) -> String {
        format!("Usage:  {PROGRAM} {} {}", self.name, self.usage).trim_end().to_owned()
    }

    /// What is printed below what was wrong with the words.
    pub fn hint(&self) -> String {
        format!("\n\n{}\n\nRun '{PROGRAM} {} --help' for more information", self.usage(), self.name)
    }

    /// Checks how many names there are.
    pub fn check_names(&self, given: usize) -> Result {
        if self.names.contains(&given) {
            return Ok(());
        }
        let least = *self.names.start();
        let plural = if least == 1 { "" } else { "s" };
        let wants = match (least, *self.names.end()) {
            (0, 0) => "accepts no arguments".to_owned(),
            (least, ANY) => format!("requires at least {least} argument{plural}"),
            (least, _) => format!("requires {least} argument{plural}"),
        };
        Err(format!("{PROGRAM}: '{PROGRAM} {}' {wants}{}", self.name, self.hint()).into())
    }

    /// What it does, and its flags.
    pub fn help(&self) -> String {
        let mut text = format!("{}\n\n{}\n", self.usage(), self.about);
        if let Some(alias) = self.alias {
            let _ = writeln!(text, "\nAliases:\n  {PROGRAM} {}, {PROGRAM} {alias}", self.name);
        }
        let flags: Vec<_> = self.flags.iter().filter(|flag| !matches!(flag.kind, Kind::Refused)).collect();
        let names: Vec<_> = flags.iter().map(|flag| flag_name(flag)).collect();
        let wide = names.iter().map(String::len).max().unwrap_or(0);
        if wide > 0 {
            text += "\nOptions:\n";
        }
        for (flag, name) in flags.iter().zip(names) {
            let _ = writeln!(text, "  {name:wide$}   {}", flag.help);
        }
        text + self.notes
    }
}

/// `-d, --driver string`
fn flag_name(flag: &Flag) -> String {
    let letter = flag.letter.map_or_else(|| "    ".to_owned(), |letter| format!("-{letter}, "));
    let value = if let Kind::Value(value) = flag.kind { format!(" {value}") } else { String::new() };
    format!("{letter}--{}{value}", flag.long)
}
