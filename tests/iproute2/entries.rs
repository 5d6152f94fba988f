//! Neighbours and forwarding entries: what we add, `ip neigh` and `bridge fdb` show as their own; what they add, we read as our
//! own.

use super::compare;
use super::host::{ip, needs_ip};
use crate::common::{NamedTest, Skip, mac, name, socket, veth};
use serde_json::Value;
use std::net::IpAddr;
use std::process::Command;
use std::sync::{Arc, OnceLock};
use sublink::neigh::{
    DeleteForwarding, DeleteNeighbour, ForwardingEntry, ListForwarding, ListNeighbours, NeighbourInfo, NewForwarding,
    NewNeighbour, NewProxy,
};
use sublink::value::EtherAddr;
use sublink::value::RouteProtocol;
use sublink::{IfIndex, MacAddr, MacvlanMode, Netns, NewLink, Socket};

/// Entries, made in two ways.
struct Row {
    /// What it shows, as a test's name.
    name: &'static str,
    /// By `ip neigh …` and `bridge fdb …`, with `;` between commands. `p0` has a passthru macvlan, `mv0`.
    ip: &'static str,
    /// By us, with the indexes of `p0` and `mv0`.
    ours: fn(&mut Socket, IfIndex, IfIndex) -> sublink::Result<()>,
    /// A part of what is shown of the first entry.
    shows: &'static str,
}

fn at(addr: &str) -> IpAddr {
    addr.parse().expect("an address")
}

const ROWS: &[Row] = &[
    Row {
        name: "neighbour_permanent",
        ip: "ip neigh add 10.0.0.7 lladdr 02:00:00:00:00:07 dev p0",
        ours: |socket, p0, _| socket.apply(&NewNeighbour::new(p0, at("10.0.0.7"), mac(7))),
        shows: r#"{"dst": "10.0.0.7", "dev": "p0", "lladdr": "02:00:00:00:00:07", "state": ["PERMANENT"]}"#,
    },
    Row {
        name: "neighbour_replaced_and_changed",
        ip: "ip neigh add fd00::7 lladdr 02:00:00:00:00:07 dev p0; \
             ip neigh replace fd00::7 lladdr 02:00:00:00:00:08 dev p0 nud stale router; \
             ip neigh replace fd00::9 lladdr 02:00:00:00:00:09 dev p0; \
             ip neigh change fd00::9 lladdr 02:00:00:00:00:0a dev p0 nud noarp",
        ours: |socket, p0, _| {
            let [one, other] = ["fd00::7", "fd00::9"].map(at);
            socket.apply(&NewNeighbour::new(p0, one, mac(7)))?;
            socket.apply(&NewNeighbour::new(p0, one, mac(8)).stale().router().replace())?;
            socket.apply(&NewNeighbour::new(p0, other, mac(9)).replace())?;
            socket.apply(&NewNeighbour::new(p0, other, mac(10)).noarp().change())
        },
        shows: r#"{"dst": "fd00::7", "lladdr": "02:00:00:00:00:08", "router": null, "state": ["STALE"]}"#,
    },
    Row {
        name: "neighbour_learnt_by_a_program",
        ip: "ip neigh add 10.0.0.7 lladdr 02:00:00:00:00:07 dev p0 extern_learn protocol static",
        ours: |socket, p0, _| {
            socket.apply(&NewNeighbour::new(p0, at("10.0.0.7"), mac(7)).extern_learn().protocol(RouteProtocol::STATIC))
        },
        shows: r#"{"extern_learn": null, "protocol": "static"}"#,
    },
    Row {
        name: "neighbour_deleted",
        ip: "ip neigh add 10.0.0.7 lladdr 02:00:00:00:00:07 dev p0; \
             ip neigh add 10.0.0.8 lladdr 02:00:00:00:00:08 dev p0; ip neigh del 10.0.0.7 dev p0",
        ours: |socket, p0, _| {
            socket.apply(&NewNeighbour::new(p0, at("10.0.0.7"), mac(7)))?;
            socket.apply(&NewNeighbour::new(p0, at("10.0.0.8"), mac(8)))?;
            socket.apply(&DeleteNeighbour::new(p0, at("10.0.0.7")))
        },
        shows: r#"{"dst": "10.0.0.8"}"#,
    },
    Row {
        name: "neighbour_proxy",
        ip: "ip neigh add proxy 10.0.0.7 dev p0; ip neigh add proxy fd00::7 dev p0 router; \
             ip neigh add proxy 10.0.0.8 dev p0; ip neigh del proxy 10.0.0.8 dev p0",
        ours: |socket, p0, _| {
            socket.apply(&NewProxy::new(p0, at("10.0.0.7")))?;
            socket.apply(&NewProxy::new(p0, at("fd00::7")).router())?;
            socket.apply(&NewProxy::new(p0, at("10.0.0.8")))?;
            socket.apply(&DeleteNeighbour::proxy(p0, at("10.0.0.8")))
        },
        shows: r#"{"dst": "10.0.0.7", "dev": "p0", "proxy": null}"#,
    },
    Row {
        name: "forwarding_entries",
        ip: "bridge fdb add 02:00:00:00:00:55 dev mv0 self; bridge fdb add 01:00:5e:00:77:01 dev mv0 self; \
             bridge fdb add 02:00:00:00:00:56 dev mv0 self; bridge fdb del 02:00:00:00:00:56 dev mv0 self; \
             bridge fdb add 02:00:00:00:00:57 dev p0 self",
        ours: |socket, p0, mv0| {
            let one = |last: u8| MacAddr::into(mac(last));
            socket.apply(&NewForwarding::new(mv0, one(0x55)))?;
            socket.apply(&NewForwarding::new(mv0, [1, 0, 0x5e, 0, 0x77, 1].try_into().expect("a group")))?;
            socket.apply(&NewForwarding::new(mv0, one(0x56)))?;
            socket.apply(&DeleteForwarding::new(mv0, one(0x56)))?;
            socket.apply(&NewForwarding::new(p0, one(0x57)))
        },
        shows: r#"{"mac": "02:00:00:00:00:55", "ifname": "mv0", "flags": ["self"], "state": "permanent"}"#,
    },
];

struct Seen {
    shown: Value,
    neighbours: Vec<NeighbourInfo>,
    entries: Vec<ForwardingEntry>,
}

/// Two tests of each row.
pub fn tests() -> impl Iterator<Item = NamedTest> {
    let twins = ROWS.iter().map(|row| (row, Arc::new(OnceLock::new())));
    twins.flat_map(|(row, twins)| {
        let ours = trial("set_by_us_read_by_ip", row, Arc::clone(&twins), |row, [ours, theirs]| {
            compare::same_json(&ours.shown, &theirs.shown);
            compare::shows(&ours.shown[0], row.shows);
        });
        let theirs = trial("set_by_ip_read_by_us", row, twins, |_, [ours, theirs]| {
            assert!(!ours.neighbours.is_empty() || ours.entries.len() > 2);
            assert_eq!((&ours.neighbours, &ours.entries), (&theirs.neighbours, &theirs.entries));
        });
        [ours, theirs]
    })
}

type Check = fn(&Row, &[Seen; 2]);

fn trial(direction: &str, row: &'static Row, twins: Arc<OnceLock<[Seen; 2]>>, check: Check) -> NamedTest {
    let test = move || {
        needs_ip()?;
        if row.ip.contains("bridge") && Command::new("bridge").arg("-V").output().is_err() {
            return Err(Skip("no `bridge` here".into()));
        }
        check(row, twins.get_or_init(|| make(row)));
        Ok(())
    };
    (format!("{}::{direction}", row.name), Box::new(test))
}

/// Ours, then iproute2's.
fn make(row: &'static Row) -> [Seen; 2] {
    let by_us = |socket: &mut Socket, p0, mv0| {
        (row.ours)(socket, p0, mv0).unwrap_or_else(|error| panic!("{}, by us: {error}", row.name));
    };
    let by_them = |_: &mut Socket, _, _| row.ip.split(';').for_each(|command| _ = run(command.trim()));
    [in_a_fresh_namespace(row, by_us), in_a_fresh_namespace(row, by_them)]
}

/// Runs `ip` or `bridge`.
fn run(command: &str) -> String {
    match command.split_once(' ') {
        Some(("ip", arguments)) => ip(arguments),
        Some(("bridge", arguments)) => {
            let output = Command::new("bridge").args(arguments.split_whitespace()).output().expect("bridge");
            assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8_lossy(&output.stdout).into_owned()
        }
        _ => panic!("{command}"),
    }
}

fn in_a_fresh_namespace(row: &Row, work: impl FnOnce(&mut Socket, IfIndex, IfIndex) + Send) -> Seen {
    let namespace = Netns::create().expect("a namespace");
    let seen = namespace.run(|| {
        let mut socket = socket();
        let p0 = veth(&mut socket, "p0", "p1");
        let mv0 = socket.create(&NewLink::macvlan(p0).mode(MacvlanMode::Passthru).name(name("mv0")).up()).expect("mv0");
        work(&mut socket, p0, mv0);
        Seen { shown: show(row), neighbours: read(&mut socket), entries: entries(&mut socket, &[p0, mv0]) }
    });
    seen.expect("its thread")
}

fn show(row: &Row) -> Value {
    let of = |command: &str| {
        let shown: Value = serde_json::from_str(&run(command)).expect("JSON");
        let mut shown = shown.as_array().expect("a list").clone();
        shown.sort_by_key(|entry| format!("{} {}", entry["ifname"], entry["dst"]));
        shown
    };
    if row.ip.contains("bridge") {
        let mut shown = of("bridge -j fdb show");
        shown.retain(|entry| entry["mac"].as_str().is_some_and(|mac| is_of_a_row(mac.parse().expect("an address"))));
        shown.sort_by_key(|entry| {
            (entry["ifname"] != "mv0", entry["mac"] != "02:00:00:00:00:55", entry["mac"].to_string())
        });
        return shown.into();
    }
    let mut shown = [of("ip -j neigh show nud all"), of("ip -j neigh show proxy")].concat();
    shown.retain(|entry| !entry["dst"].as_str().is_some_and(|dst| dst.starts_with("ff") || dst.starts_with("224.")));
    shown.into()
}

fn read(socket: &mut Socket) -> Vec<NeighbourInfo> {
    let mut found = socket.snapshot(&ListNeighbours::new()).expect("neighbours");
    found.extend(socket.snapshot(&ListNeighbours::new().proxies()).expect("proxies"));
    found.retain(|found| found.addr.is_some_and(|addr| !addr.is_multicast()));
    found.sort_by_key(|found| found.addr);
    for found in &mut found {
        found.ages = None; // of two moments
    }
    found
}

fn entries(socket: &mut Socket, links: &[IfIndex]) -> Vec<ForwardingEntry> {
    let entries = links.iter().flat_map(|link| socket.snapshot(&ListForwarding::new(*link)).expect("entries"));
    let mut entries: Vec<_> = entries.filter(|entry| entry.addr.is_some_and(is_of_a_row)).collect();
    entries.sort_by_key(|entry| (entry.index, entry.addr));
    entries
}

/// Whether a row made the entry. The kernel makes others: the groups of its own, some with bytes of a random MAC address, at
/// a moment of its choice.
fn is_of_a_row(addr: EtherAddr) -> bool {
    matches!(addr.bytes(), [2, 0, 0, 0, 0, 0x55..=0x57] | [1, 0, 0x5e, 0, 0x77, 1])
}
