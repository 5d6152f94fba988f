//! What it takes to embed each library: a program that creates a macvlan, built from nothing with the default release profile.

use crate::table::{aligned, thousands};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use std::fs;
use std::path::Path;
use std::process::Command;

struct Program {
    what: &'static str,
    source: &'static str,
    dependencies: &'static str,
}

const EMPTY: Program = Program { what: "an empty program", source: "fn main() {}", dependencies: "" };
const PROGRAMS: &[Program] = &[
    Program {
        what: "sublink",
        source: include_str!("../lean/sublink.rs"),
        dependencies: "sublink = { path = \"{sublink}\" }",
    },
    Program {
        what: "sublink, feature packet-route",
        source: include_str!("../lean/sublink.rs"),
        dependencies: "sublink = { path = \"{sublink}\", features = [\"packet-route\"] }",
    },
    Program {
        what: "netlink-packet-route and netlink-sys",
        source: include_str!("../lean/packet_route.rs"),
        dependencies: "netlink-packet-core = \"0.9\"\nnetlink-packet-route = \"0.34\"\nnetlink-sys = \"0.9\"",
    },
    Program {
        what: "rtnetlink and tokio",
        source: include_str!("../lean/rtnetlink.rs"),
        dependencies: "futures-util = { version = \"0.3\", default-features = false }\nrtnetlink = \"0.24\"\n\
                       tokio = { version = \"1\", features = [\"rt\"] }",
    },
];

struct Built {
    crates: usize,
    /// Processor time, which depends less on the machine than the time until it is done.
    seconds: f64,
    size: usize,
}

/// The table, with what is built in `dir`, which is removed.
pub fn table(dir: &Path) -> String {
    let mut rows = vec![["", "crates", "clean build", "of rtnetlink's", "stripped binary grows by"].map(String::from)];
    let empty = build(&EMPTY, dir).size;
    let built: Vec<_> = PROGRAMS.iter().map(|program| build(program, dir)).collect();
    let longest = built.last().map_or(1.0, |rtnetlink| rtnetlink.seconds);
    for (program, Built { crates, seconds, size }) in PROGRAMS.iter().zip(&built) {
        rows.push([
            program.what.into(),
            crates.to_string(),
            format!("{seconds:.1} s"),
            format!("{:.0} %", 100.0 * seconds / longest),
            format!("{} bytes", thousands(size - empty)),
        ]);
    }
    aligned(&rows)
}

fn build(program: &Program, dir: &Path) -> Built {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sublink = here.join("../..").canonicalize().unwrap();
    let dependencies = program.dependencies.replace("{sublink}", &sublink.display().to_string());
    let _ = fs::remove_dir_all(dir);
    fs::create_dir_all(dir.join("src")).unwrap();
    fs::write(dir.join("src/main.rs"), program.source).unwrap();
    // The same versions as everywhere here.
    fs::copy(here.join("Cargo.lock"), dir.join("Cargo.lock")).unwrap();
    let manifest = format!(
        "[package]\nname = \"lean\"\nedition = \"2024\"\n[workspace]\n[profile.release]\nstrip = true\n\
         [dependencies]\n{dependencies}\n"
    );
    fs::write(dir.join("Cargo.toml"), manifest).unwrap();

    let tree = cargo(dir, &["tree", "--edges", "normal", "--prefix", "none", "--no-dedupe", "--offline"]);
    let mut crates: Vec<_> = tree
        .lines()
        .filter(|name| !name.starts_with("lean "))
        .map(|name| name.trim_end_matches(" (proc-macro)"))
        .collect();
    crates.sort_unstable();
    crates.dedup();
    let before = processor_seconds();
    cargo(dir, &["build", "--release", "--quiet", "--offline"]);
    let seconds = processor_seconds() - before;
    let size = fs::metadata(dir.join("target/release/lean")).unwrap().len() as usize;
    fs::remove_dir_all(dir).unwrap();
    Built { crates: crates.len(), seconds, size }
}

fn cargo(dir: &Path, args: &[&str]) -> String {
    let target = dir.join("target");
    let cargo = Command::new("cargo").args(args).current_dir(dir).env("CARGO_TARGET_DIR", target).output().unwrap();
    assert!(cargo.status.success(), "{}", String::from_utf8_lossy(&cargo.stderr));
    String::from_utf8(cargo.stdout).unwrap()
}

/// Of all processes that this one started and that have ended.
fn processor_seconds() -> f64 {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    (usage.user_time() + usage.system_time()).num_microseconds() as f64 / 1e6
}
