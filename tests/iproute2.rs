//! The library against iproute2: what one sets, the other reads, and reads as it would have set it itself.
//!
//! Each row of the tables is done twice, by our API and by `ip`, in two namespaces that are built alike: same names, same
//! indexes, same addresses. So nothing has to be left out of the comparison but what no two links have in common: the
//! address of a link that nobody gave one (no row has such a link).
//!
//! `ip` of Debian 12 (iproute2 6.1) neither sets nor shows `IFLA_MACVLAN_BC_CUTOFF`: `cutoff.rs` asks another crate.

#[path = "iproute2/changes.rs"]
mod changes;
#[path = "iproute2/compare.rs"]
mod compare;
#[path = "iproute2/creates.rs"]
mod creates;
#[path = "iproute2/cutoff.rs"]
mod cutoff;
#[path = "iproute2/entries.rs"]
mod entries;
#[path = "iproute2/host.rs"]
mod host;
#[path = "iproute2/neighbours.rs"]
mod neighbours;
#[path = "iproute2/routes.rs"]
mod routes;
#[path = "iproute2/settings.rs"]
mod settings;

use common::{NamedTest, needs};
use host::{Host, Seen};
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use sublink::Result;
use sublink_tests as common;

/// One configuration, made in two ways.
pub(crate) struct Row {
    /// What it shows, as a test's name.
    pub name: &'static str,
    /// What it needs: drivers besides macvlan and veth, and properties that older kernels ignore.
    pub needs: &'static [&'static str],
    /// By `ip link …`, with `;` between commands, `$MAC` for 02:00:00:00:00:07 and `$POD` for the other namespace.
    pub ip: &'static str,
    /// By us.
    pub ours: fn(&mut Host) -> Result<()>,
    /// A part of what `ip` must show of `t0`, so that a row of which both sides do nothing fails.
    pub shows: &'static str,
}

/// A row's links, made by us and by `ip`.
struct Twins {
    ours: Seen,
    theirs: Seen,
}

fn main() -> ExitCode {
    let rows = [creates::ROWS, neighbours::ROWS, changes::ROWS].into_iter().flatten();
    // Made once for both directions, which stand apart so that threads do not wait for each other.
    let rows: Vec<_> = rows.map(|row| (row, Arc::new(OnceLock::new()))).collect();
    let each = |direction: &'static str, check: Check| {
        let named = move |(row, twins): &(&'static Row, _)| {
            trial(format!("{}::{direction}", row.name), row, Arc::clone(twins), check)
        };
        rows.iter().map(named)
    };
    let ours = each("set_by_us_read_by_ip", ip_reads_what_we_set);
    let theirs = each("set_by_ip_read_by_us", we_read_what_ip_sets);
    common::main_with(ours.chain(theirs).chain(routes::tests()).chain(entries::tests()))
}

type Check = fn(&Row, &Twins);

fn trial(name: String, row: &'static Row, twins: Arc<OnceLock<Twins>>, check: Check) -> NamedTest {
    let test = move || {
        host::needs_ip()?;
        row.needs.iter().try_for_each(|kind| needs(kind))?;
        check(row, twins.get_or_init(|| make(row)));
        Ok(())
    };
    (name, Box::new(test))
}

/// Ours is shown by `ip` as its own is, and as the row says.
fn ip_reads_what_we_set(row: &Row, Twins { ours, theirs }: &Twins) {
    compare::same_json(&ours.shown, &theirs.shown);
    compare::holds(&ours.shown, "t0", row.shows);
}

/// `ip`'s is read by us as our own is, and as `ip` itself shows it.
fn we_read_what_ip_sets(_: &Row, Twins { ours, theirs }: &Twins) {
    compare::same_links(&ours.read, &theirs.read);
    compare::same_json(&compare::as_ip_shows(&theirs.read), &compare::what_we_read_too(&theirs.shown));
}

fn make(row: &Row) -> Twins {
    let ours = host::in_a_fresh_one(|host| {
        (row.ours)(host).unwrap_or_else(|error| panic!("{}, by us: {error}", row.name));
    });
    Twins { ours, theirs: host::in_a_fresh_one(|host| host.ip(row.ip)) }
}
