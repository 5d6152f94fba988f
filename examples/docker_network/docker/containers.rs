//! Containers: connected, disconnected, and connected again after a restart.

use super::joined::{self, Joined, USAGE, file_of, name_of};
use super::pool::find;
use super::words::Words;
use super::{Result, Work};
use sublink::endpoint::{self, Detach, Difference};
use sublink::network::{Member, Removal, choose_gateways, restore_networks};
use sublink::{IfName, IpNetwork, ListLinks, Netns, Sandbox, Socket};

/// `connect [FLAG …] NETWORK CONTAINER`
pub fn connect(work: &mut Work<'_>, words: &Words) -> Result {
    let [network, container] = words.names(USAGE)?;
    find(&work.state.pools, network)?;
    let sandbox = Sandbox::open(file_of(container))?;
    let here = joined::in_namespace(&work.state.joined, sandbox.netns());
    if here.iter().any(|number| *work.state.joined[*number].member.network == *network) {
        return Err(format!("the container {container} is in the network {network} already").into());
    }
    join(work, words, sandbox, None)
}

/// Attaches a container to a network, with a link of this name if that is free, and remembers it.
fn join(work: &mut Work<'_>, words: &Words, mut sandbox: Sandbox, name: Option<IfName>) -> Result {
    let [network, container] = words.names(USAGE)?;
    let file = file_of(container);
    let (pools, joined) = (&work.state.pools, &work.state.joined);
    let pool = find(pools, network)?;
    let taken: Vec<_> = joined.iter().flat_map(|joined| &joined.member.connection.addrs).map(IpNetwork::ip).collect();
    let connection = joined::connection(words, pool, free_name(sandbox.socket(), name)?, &taken)?;
    let here = joined::in_namespace(joined, sandbox.netns());
    let others = here.iter().map(|number| joined[*number].member.clone()).collect::<Vec<_>>();
    let member = pool.network.connect(&mut work.host, &work.owner, &mut sandbox, connection, &others)?;

    let (attached, told) = (member.attached, told(name_of(&file), &member, &others));
    let words = joined::with_link(words, &file, &member.connection, &attached);
    let new = Joined::new(words, pools)?;
    work.state.joined.push(new);
    if let Err(error) = work.state.save() {
        work.state.joined.pop();
        let _ = member.disconnect(&mut work.host, &mut sandbox, &others, &Detach::new());
        return Err(error);
    }
    Ok(writeln!(work.out, "{told}")?)
}

/// `ethN`, the first that the container does not have.
fn free_name(inside: &mut Socket, wanted: Option<IfName>) -> Result<IfName> {
    let links = inside.snapshot(&ListLinks::new())?;
    let numbered = (0_u32..).map_while(|number| IfName::new(&format!("eth{number}")).ok());
    let free = wanted.into_iter().chain(numbered).find(|name| !links.iter().any(|link| link.name == *name));
    free.ok_or_else(|| "the container has a link of every name".into())
}

fn told(container: &str, member: &Member, others: &[Member]) -> String {
    let addrs: Vec<_> = member.connection.addrs.iter().map(ToString::to_string).collect();
    let mac = member.attached.mac.map_or_else(String::new, |mac| format!(", MAC address {mac}"));
    let chosen =
        choose_gateways(others.iter().chain([member])).into_iter().filter(|(number, _)| *number == others.len());
    let gateways: Vec<_> = chosen.map(|(_, gateway)| gateway.to_string()).collect();
    let route =
        if gateways.is_empty() { String::new() } else { format!(", default route by {}", gateways.join(" and ")) };
    format!("{container}: {} {}{mac}{route}", member.attached.name, addrs.join(" "))
}

/// `disconnect NETWORK CONTAINER`
pub fn disconnect(work: &mut Work<'_>, words: &Words) -> Result {
    let [network, container] = words.names("disconnect NETWORK CONTAINER")?;
    find(&work.state.pools, network)?;
    let (file, joined) = (file_of(container), &work.state.joined);
    let namespace = open_if_there(&file)?;
    let here = match &namespace {
        Some(namespace) => joined::in_namespace(joined, namespace),
        None => (0..joined.len()).filter(|number| joined[*number].container == file).collect(),
    };
    let (leaving, staying): (Vec<_>, Vec<_>) =
        here.into_iter().partition(|number| *joined[*number].member.network == *network);
    let leaving = *leaving.first().ok_or_else(|| format!("{container} is not in the network {network}"))?;
    let became = match namespace {
        Some(namespace) => {
            let rest: Vec<_> = staying.iter().map(|number| joined[*number].member.clone()).collect();
            let mut sandbox = Sandbox::of(namespace)?;
            Some(joined[leaving].member.disconnect(&mut work.host, &mut sandbox, &rest, &Detach::new())?)
        }
        None => None,
    };
    work.state.joined.remove(leaving);
    work.state.save()?;
    if became.is_some_and(|became| became.link == endpoint::Fate::Replaced) {
        writeln!(work.out, "{container} has another link in its place: that was let alone")?;
    }
    Ok(())
}

/// A container's namespace, unless it has ended.
fn open_if_there(file: &str) -> Result<Option<Netns>> {
    match Netns::open(file) {
        Err(error) if error.is_not_found() => Ok(None), // also if only the file of a named one is left, after a restart
        opened => Ok(Some(opened?)),
    }
}

/// `restore`
pub fn restore(work: &mut Work<'_>, words: &Words) -> Result {
    let [] = words.names("restore")?;
    let mut failed = Vec::new();
    let restored = restore_networks(&mut work.host, &work.owner, &work.state.networks())?;
    for (name, removal) in restored.orphans {
        match removal {
            Ok(Removal::Removed) => writeln!(work.out, "{name}, which no network has, is removed")?,
            Ok(_) => writeln!(work.out, "{name}, which no network has, is kept: it is in use")?,
            Err(error) => failed.push(format!("{name}: {}", work.explained(error.into()))),
        }
    }
    for (network, parent) in restored.parents {
        match parent {
            Ok(up) => writeln!(work.out, "{network}: its parent is link {}", up.index)?,
            Err(error) => failed.push(format!("{network}: {}", work.explained(error.into()))),
        }
    }
    let mut lost = Vec::new();
    for joined in std::mem::take(&mut work.state.joined) {
        match fate(work, &joined) {
            Ok(Fate::Kept) => work.state.joined.push(joined),
            Ok(Fate::Lost(sandbox)) => lost.push((*sandbox, joined)),
            Ok(Fate::Ended) => {}
            Err(error) => {
                failed.push(format!("{joined}: {}", work.explained(error)));
                work.state.joined.push(joined);
            }
        }
    }
    for (sandbox, joined) in lost {
        if let Err(error) = join(work, &joined.words, sandbox, Some(joined.member.connection.name)) {
            failed.push(format!("{joined}: {}", work.explained(error)));
            work.state.joined.push(joined);
        }
    }
    work.state.save()?;
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n").into()) }
}

/// What a restart has made of a container in a network.
enum Fate {
    /// It has its link.
    Kept,
    /// It is there, and its link is not.
    Lost(Box<Sandbox>),
    /// It has ended.
    Ended,
}

fn fate(work: &mut Work<'_>, joined: &Joined) -> Result<Fate> {
    let Some(namespace) = open_if_there(&joined.container)? else {
        writeln!(work.out, "{joined}: it has ended")?;
        return Ok(Fate::Ended);
    };
    let pool = find(&work.state.pools, &joined.member.network)?;
    let parent = work.host.index_of(pool.network.parent_name())?;
    let endpoint = pool.network.endpoint(parent, &joined.member.connection)?;
    let mut sandbox = Sandbox::of(namespace)?;
    let differences = endpoint.check(&joined.member.attached, &mut sandbox)?;
    if differences.contains(&Difference::Gone) {
        return Ok(Fate::Lost(Box::new(sandbox)));
    }
    for difference in differences {
        writeln!(work.out, "{joined}: {difference}")?; // it may do so with what it has
    }
    Ok(Fate::Kept)
}
