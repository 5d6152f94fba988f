//! The library against iproute2: what one sets, the other reads, and reads as it would have set it itself.
//!
//! Each row of the tables is done twice, by our API and by `ip`, in two namespaces that are built alike: same names, same
//! indexes, same addresses. So nothing has to be left out of the comparison but what no two links have in common: the
//! address of a link that nobody gave one (no row has such a link).
//!
//! `ip` of Debian 12 (iproute2 6.1) neither sets nor shows `IFLA_MACVLAN_BC_CUTOFF`: `cutoff.rs` asks another crate.

#[path = "iproute2/changes.rs"]
mod changes;
mod common;
#[path = "iproute2/compare.rs"]
mod compare;
#[path = "iproute2/creates.rs"]
mod creates;
#[path = "iproute2/cutoff.rs"]
mod cutoff;
#[path = "iproute2/host.rs"]
mod host;
#[path = "iproute2/neighbours.rs"]
mod neighbours;

use common::{Skip, Test, needs};
use host::{Host, Seen};
use std::process::ExitCode;
use sublink::{Netns, Result};

/// One configuration, made in two ways.
pub(crate) struct Row {
    /// What it shows, as a test's name.
    pub name: &'static str,
    /// Drivers that it needs besides macvlan and veth.
    pub needs: &'static [&'static str],
    /// By `ip link …`, with `;` between commands, `$MAC` for 02:00:00:00:00:07 and `$POD` for the other namespace.
    pub ip: &'static str,
    /// By us.
    pub ours: fn(&mut Host) -> Result<()>,
    /// A part of what `ip` must show of `t0`, so that a row of which both sides do nothing fails.
    pub shows: &'static str,
}

/// Who makes a row's links.
#[derive(Clone, Copy)]
enum By {
    Us,
    Ip,
}

fn main() -> ExitCode {
    let rows = || [creates::ROWS, neighbours::ROWS, changes::ROWS].into_iter().flatten();
    let ours = rows().map(|row| (format!("{}::set_by_us_read_by_ip", row.name), trial(row, ip_reads_what_we_set)));
    let theirs = rows().map(|row| (format!("{}::set_by_ip_read_by_us", row.name), trial(row, we_read_what_ip_sets)));
    let tests = cutoff::TESTS.iter().map(|(name, test)| ((*name).to_owned(), boxed(*test)));
    common::run_each(ours.chain(theirs).chain(tests))
}

type Trial = Box<dyn FnOnce() -> Result<(), Skip> + Send>;

fn boxed(test: Test) -> Trial {
    Box::new(test)
}

fn trial(row: &'static Row, check: fn(&Row)) -> Trial {
    Box::new(move || {
        host::needs_ip()?;
        row.needs.iter().try_for_each(|kind| needs(kind))?;
        check(row);
        Ok(())
    })
}

/// Ours is shown by `ip` as its own is, and as the row says.
fn ip_reads_what_we_set(row: &Row) {
    let (ours, theirs) = (see(row, By::Us), see(row, By::Ip));
    compare::same_json(&ours.shown, &theirs.shown);
    compare::holds(&ours.shown, "t0", row.shows);
}

/// `ip`'s is read by us as our own is, and as `ip` itself shows it.
fn we_read_what_ip_sets(row: &Row) {
    let (ours, theirs) = (see(row, By::Us), see(row, By::Ip));
    compare::same_links(&ours.read, &theirs.read);
    compare::same_json(&compare::as_ip_shows(&theirs.read), &compare::what_we_read_too(&theirs.shown));
}

fn see(row: &Row, by: By) -> Seen {
    let namespace = Netns::create().expect("a namespace");
    let seen = namespace.run(|| {
        let mut host = Host::new();
        match by {
            By::Us => (row.ours)(&mut host).unwrap_or_else(|error| panic!("{}, by us: {error}", row.name)),
            By::Ip => host.ip(row.ip),
        }
        host.see()
    });
    seen.expect("its thread")
}
