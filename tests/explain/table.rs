//! What the kernel can answer to each request of the library, and what becomes of that answer: one table.
//!
//! A row is a request, an error number and the condition on which the kernel gives it, as its sources say: it is **explained**
//! by a [`Reason`], or the **kernel's words** say it all, or it is **neither**, for the reason that stands there. A row with a
//! scene is a test, in which the kernel is brought to give that answer. The others say why they have none.
//!
//! Sources: `net/core/rtnetlink.c`, `net/core/dev.c`, `net/core/net_namespace.c`, `drivers/net/{macvlan,macvtap,tap,veth,dummy}.c`,
//! `drivers/net/ipvlan/ipvlan_main.c`, `net/8021q/{vlan,vlan_dev,vlan_netlink}.c`, `net/ipv4/{devinet,fib_frontend,
//! fib_semantics,fib_trie}.c`, `net/ipv6/{addrconf,ip6_fib,ndisc,route}.c`, `net/core/neighbour.c`,
//! `net/ipv4/arp.c`, of Linux 5.10 to 7.3.

#[path = "table/addresses.rs"]
mod addresses;
#[path = "table/links.rs"]
mod links;
#[path = "table/neighbours.rs"]
mod neighbours;
#[path = "table/routes.rs"]
mod routes;

use crate::common::{NamedTest, Skip, kernel, needs, parent, socket};
use crate::help::try_ip;
use nix::errno::Errno;
use std::collections::BTreeSet;
use std::path::Path;
use sublink::{ErrorKind, IfIndex, Result, Socket};

pub struct Row {
    /// What was asked for.
    request: &'static str,
    errno: Errno,
    /// The condition.
    when: &'static str,
    answer: Answer,
    scene: Scene,
    /// The kernels that answer so, and the drivers that it takes.
    on: &'static [On],
}

enum Answer {
    /// A variant of [`Reason`](sublink::error::Reason), and its sentence, in which `#N` is an index.
    Explained(&'static str, &'static str),
    /// The kernel's words, which are enough.
    Words(&'static str),
    /// Neither, and why not.
    Neither(&'static str),
}

enum Scene {
    /// What provokes it.
    Here(fn(&mut World) -> Result<()>),
    /// Another test of this suite does: `module::function`.
    Elsewhere(&'static str),
    /// It is not provoked, and why not.
    Never(&'static str),
}

#[derive(Clone, Copy)]
enum On {
    Driver(&'static str),
    Since(u32, u32),
    Before(u32, u32),
    /// Those that were booted with ipv6.disable=1.
    NoIpv6,
}

/// A namespace with the veth pair p0 and p1, both up.
pub struct World {
    socket: Socket,
    p0: IfIndex,
    p1: IfIndex,
}

const fn row(
    request: &'static str,
    errno: Errno,
    when: &'static str,
    scene: fn(&mut World) -> Result<()>,
    answer: Answer,
) -> Row {
    Row { request, errno, when, answer, scene: Scene::Here(scene), on: &[] }
}

/// A row that has no scene here.
const fn known(request: &'static str, errno: Errno, when: &'static str, scene: Scene, answer: Answer) -> Row {
    Row { request, errno, when, answer, scene, on: &[] }
}

impl Row {
    const fn on(mut self, on: &'static [On]) -> Self {
        self.on = on;
        self
    }

    fn name(&self) -> String {
        format!("table::{} {:?}: {}", self.request, self.errno, self.when)
    }
}

fn rows() -> impl Iterator<Item = &'static Row> {
    [links::ROWS, addresses::ROWS, routes::ROWS, neighbours::ROWS].into_iter().flatten()
}

/// A test of each row that has a scene, and of the table itself.
pub fn tests() -> Vec<NamedTest> {
    let scene = |row: &'static Row| match row.scene {
        Scene::Here(scene) => {
            Some((row.name(), Box::new(move || play(row, scene)) as Box<dyn FnOnce() -> Result<(), Skip> + Send>))
        }
        _ => None,
    };
    rows().filter_map(scene).collect()
}

fn play(row: &Row, scene: fn(&mut World) -> Result<()>) -> Result<(), Skip> {
    for on in row.on {
        match *on {
            On::Driver(driver @ ("bridge" | "bond" | "team" | "vrf")) => needs_by_ip(driver)?,
            On::Driver(driver) => needs(driver)?,
            On::Before(major, minor) if kernel() >= (major, minor) => {
                return Err(Skip(format!("this kernel answers otherwise, as since {major}.{minor}")));
            }
            On::NoIpv6 if Path::new("/proc/net/if_inet6").exists() => return Err(Skip("this kernel has IPv6".into())),
            On::Since(major, minor) if kernel() < (major, minor) => {
                return Err(Skip(format!("this kernel answers otherwise, as before {major}.{minor}")));
            }
            On::Since(..) | On::Before(..) | On::NoIpv6 => {}
        }
    }
    let mut socket = socket();
    let p0 = parent(&mut socket);
    let p1 = socket.index_of("p1").expect("the other end");
    let mut world = World { socket, p0, p1 };
    let error = scene(&mut world).expect_err("it should have been refused");
    assert_eq!(error.raw_os_error(), Some(row.errno as i32), "{error}");
    let explained = error.explained(&mut world.socket);
    let reason = explained.reason().map(|reason| (variant(&format!("{reason:?}")), masked(&reason.to_string())));
    let reason = reason.as_ref().map(|(variant, sentence)| (variant.as_str(), sentence.as_str()));
    match row.answer {
        Answer::Explained(variant, sentence) => assert_eq!(reason, Some((variant, sentence)), "{explained}"),
        Answer::Words(words) => {
            let ErrorKind::Kernel(refusal) = explained.kind() else { panic!("{explained}") };
            let text = refusal.text.as_deref().unwrap_or_default();
            assert!(text.contains(words) && reason.is_none(), "{explained}");
        }
        Answer::Neither(_) => assert_eq!(reason, None, "{explained}"),
    }
    assert!(!explained.to_string().contains("sl~"), "{explained}");
    Ok(())
}

/// As [`needs`], for kinds of links that `ip` makes.
fn needs_by_ip(driver: &str) -> Result<(), Skip> {
    let scratch = sublink::Netns::create().expect("a namespace");
    let table = if driver == "vrf" { " table 10" } else { "" };
    match scratch.run(|| try_ip(&format!("link add probe type {driver}{table}"))).expect("its thread") {
        Err(error) if error.contains("Unknown device type") => Err(Skip(format!("this kernel has no {driver} driver"))),
        made => made.map(drop).map_err(|error| Skip(format!("{driver}: {error}"))),
    }
}

/// The name of a variant, at the start of its `Debug`.
fn variant(debug: &str) -> String {
    debug.chars().take_while(char::is_ascii_alphanumeric).collect()
}

/// With `#N` for each index.
fn masked(sentence: &str) -> String {
    let mut parts = sentence.split('#');
    let mut masked = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        masked += "#N";
        masked += part.trim_start_matches(|char: char| char.is_ascii_digit());
    }
    masked
}

/// Every reason that the library can give stands in the table.
#[sublink_tests::kernel_test]
fn every_reason_has_a_row() -> Result<(), Skip> {
    let source = include_str!("../../src/error/reason.rs");
    let variants = source.split("pub enum Reason {").nth(1).expect("it").split("\n}").next().expect("its end");
    let is_variant = |line: &&str| line.strip_prefix("    ").is_some_and(|line| line.starts_with(char::is_uppercase));
    let of_source: BTreeSet<String> = variants.lines().filter(is_variant).map(|line| variant(line.trim())).collect();
    let of_table: BTreeSet<String> = rows()
        .filter_map(|row| match row.answer {
            Answer::Explained(variant, _) => Some(variant.to_owned()),
            _ => None,
        })
        .collect();
    assert!(of_source.len() > 50, "the source is read");
    assert_eq!(of_source, of_table);
    Ok(())
}

/// A row that is not a test here names one that there is, or says why there is none.
#[sublink_tests::kernel_test]
fn every_row_is_proved_or_says_why_not() -> Result<(), Skip> {
    let mut names = BTreeSet::new();
    for row in rows() {
        assert!(names.insert(row.name()), "twice: {}", row.name());
        match (&row.scene, &row.answer) {
            (Scene::Elsewhere(test), _) => {
                let (module, function) = test.split_once("::").expect("module::function");
                let source = SOURCES.iter().find(|(name, _)| *name == module).expect("a module of this suite").1;
                assert!(source.contains(&format!("fn {function}")), "{test}");
            }
            (Scene::Never(why), _) | (_, Answer::Neither(why)) => assert!(why.len() > 10, "{}", row.name()),
            _ => {}
        }
    }
    Ok(())
}

const SOURCES: &[(&str, &str)] = &[
    ("asking", include_str!("asking.rs")),
    ("macs", include_str!("macs.rs")),
    ("modes", include_str!("modes.rs")),
    ("namespaces", include_str!("namespaces.rs")),
    ("parents", include_str!("parents.rs")),
    ("permissions", include_str!("permissions.rs")),
    ("taken", include_str!("taken.rs")),
    ("vlans", include_str!("vlans.rs")),
];
