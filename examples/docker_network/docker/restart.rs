//! After a restart: what is gone is made again.

use super::containers::{free_name, join, open};
use super::joined::{self, Joined, identify};
use super::pool::find;
use super::words::Words;
use super::{Result, Work};
use sublink::Sandbox;
use sublink::endpoint::Difference;
use sublink::network::{Removal, restore_networks};

/// `restore`
pub fn restore(work: &mut Work<'_>, _: &Words) -> Result {
    let mut failed = restore_parents(work)?;
    for joined in std::mem::take(&mut work.state.joined) {
        match fate(work, &joined) {
            Ok(Fate::Kept) => work.state.joined.push(joined),
            Ok(Fate::Lost) => work.state.lost.push_back(joined),
            Ok(Fate::Ended) => writeln!(work.out, "{joined}: it has ended")?,
            Err(error) => {
                failed.push(format!("{joined}: {}", work.explained(error)));
                work.state.joined.push(joined);
            }
        }
    }
    while let Some(joined) = work.state.lost.pop_front() {
        match rejoin(work, &joined) {
            Ok(told) => writeln!(work.out, "{told}")?,
            Err(error) => {
                failed.push(format!("{joined}: {}", work.explained(error)));
                work.state.joined.push(joined);
            }
        }
    }
    work.state.save()?;
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n").into()) }
}

/// With the same addresses and MAC address, and the same name where that is free.
fn rejoin(work: &mut Work<'_>, joined: &Joined) -> Result<String> {
    let mut sandbox = Sandbox::open(&joined.container)?;
    let name = free_name(sandbox.socket(), Some(joined.member.connection.name))?;
    join(work, &joined::again(joined), sandbox, name)
}

/// Makes the networks' parents again, removes those of no network, and returns what failed.
fn restore_parents(work: &mut Work<'_>) -> Result<Vec<String>> {
    let mut failed = Vec::new();
    let restored = restore_networks(&mut work.host, &work.owner, &work.state.networks())?;
    for (name, removal) in restored.orphans {
        match removal {
            Ok(Removal::Removed) => writeln!(work.out, "{name}, which no network has, is removed")?,
            Ok(_) => writeln!(work.out, "{name}, which no network has, is kept: it is in use")?,
            Err(error) => failed.push(format!("{name}: {}", work.explained(error.into()))),
        }
    }
    for (name, parent) in restored.parents {
        let network = &find(&work.state.pools, &name)?.network;
        match parent {
            Ok(up) if up.made => writeln!(work.out, "{name}: its parent {} is made again", network.parent_name())?,
            Ok(_) => writeln!(work.out, "{name}: its parent {} is there", network.parent_name())?,
            Err(error) => failed.push(format!("{name}: {}", work.explained(error.into()))),
        }
    }
    for (name, access) in restored.host_access {
        if let Err(error) = access {
            failed.push(format!("{name}: the host's access: {}", work.explained(error.into())));
        }
    }
    Ok(failed)
}

/// What a restart has made of a container in a network.
enum Fate {
    /// It has its link.
    Kept,
    /// It is there, or another at its path, and has no link.
    Lost,
    /// It has ended.
    Ended,
}

fn fate(work: &mut Work<'_>, joined: &Joined) -> Result<Fate> {
    let Ok(mut sandbox) = open(&joined.container)? else { return Ok(Fate::Ended) };
    if identify(&mut sandbox)? != joined.namespace {
        // A name or path was given to the new one by who knows it. A process id passes to whatever process comes next.
        return Ok(if joined.container.starts_with("/proc/") { Fate::Ended } else { Fate::Lost });
    }
    let pool = find(&work.state.pools, &joined.member.network)?;
    let parent = work.host.index_of(pool.network.parent_name())?;
    let endpoint = pool.network.endpoint(parent, &joined.member.connection)?;
    let differences = endpoint.check(&joined.member.attached, &mut sandbox)?;
    if differences.contains(&Difference::Gone) {
        return Ok(Fate::Lost);
    }
    for difference in differences {
        writeln!(work.out, "{joined}: {difference}")?; // it may do so with what it has
    }
    Ok(Fate::Kept)
}
