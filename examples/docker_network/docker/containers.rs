//! Containers: connected and disconnected.

use super::joined::{self, Joined, file_of, identify, name_of, there};
use super::pool::{Held, Pool, find};
use super::state::State;
use super::words::{Flag, Words, switch};
use super::{Result, Work};
use sublink::addr::ListAddresses;
use sublink::endpoint::Detach;
use sublink::network::{Member, choose_gateways};
use sublink::{IfName, IpNetwork, ListLinks, MacAddr, NewAddress, Sandbox, Socket};

/// The flags of `disconnect`.
pub const FLAGS: &[Flag] = &[switch("force", "Forget the container also where its link cannot be removed").letter('f')];

/// `connect [OPTIONS] NETWORK CONTAINER`
pub fn connect(work: &mut Work<'_>, words: &Words) -> Result {
    let [network, container] = words.names()?;
    let network = find(&work.state.pools, network)?.network.name().to_owned();
    if container.is_empty() {
        return Err("invalid container name or ID: value is empty".into());
    }
    let file = file_of(container);
    let mut sandbox = open(&file)?.map_err(|why| format!("No such container: {container} ({why})"))?;
    let namespace = identify(&mut sandbox)?;
    let is_same = |joined: &&Joined| joined.is_in(&network) && joined.namespace == namespace;
    if let Some(same) = work.state.joined.iter().find(is_same) {
        let is_gone = sandbox.socket().link_at(same.member.attached.index).is_err_and(|error| error.is_no_device());
        let hint = if is_gone { ": its link is gone, and `restore` makes it again" } else { "" };
        return Err(format!("endpoint with name {container} already exists in network {network}{hint}").into());
    }
    let name = joined::wanted_name(words)?.map_or_else(|| free_name(sandbox.socket(), None), Ok)?;
    let told = join(work, &words.of([network, file]), sandbox, name)?;
    Ok(writeln!(work.out, "{told}")?)
}

/// The namespace of this file; or that there is none, or none any more.
pub fn open(file: &str) -> Result<Result<Sandbox, sublink::Error>> {
    match Sandbox::open(file) {
        Err(error) if error.is_not_found() => Ok(Err(error)), // also if only the file of a named one is left, after a restart
        opened => Ok(Ok(opened?)),
    }
}

/// Attaches a container to a network, remembers it, and tells of it.
pub fn join(work: &mut Work<'_>, words: &Words, mut sandbox: Sandbox, name: IfName) -> Result<String> {
    let [network, file] = words.names()?;
    let namespace = identify(&mut sandbox)?;
    let (pools, all) = (&work.state.pools, &work.state.joined);
    let pool = find(pools, network)?;
    check_mac(&work.state, pool, words)?;
    let connection = joined::connection(words, pool, name, &held(&mut work.host, &work.state, pool)?)?;
    let more = joined::link_local_addrs(words)?;
    let others: Vec<_> =
        all.iter().filter(|other| other.namespace == namespace).map(|other| other.member.clone()).collect();
    let member = pool.network.connect(&mut work.host, &work.owner, &mut sandbox, connection, &others)?;

    let new = Joined::new(joined::with_link(words, &namespace, &member), pools)?;
    let index = member.attached.index;
    let given = more.iter().try_for_each(|addr| sandbox.socket().apply(&NewAddress::new(index, *addr)));
    // Whoever had the path before is gone with that namespace.
    work.state.joined.retain(|other| other.container != file || !other.is_in(network) || other.namespace == namespace);
    work.state.joined.push(new);
    if let Err(error) = given.map_err(Into::into).and_then(|()| work.state.save()) {
        work.state.joined.pop();
        let _ = member.disconnect(&mut work.host, &mut sandbox, &others, &Detach::new());
        return Err(error);
    }
    Ok(told(name_of(file), &member, &others))
}

/// The addresses that are in use: those of all containers that are there, and those of other devices.
fn held(host: &mut Socket, state: &State, pool: &Pool) -> Result<Held> {
    let mut held = pool.held_besides(&state.pools);
    let parent = pool.network.parent_name();
    if let Some(index) = host.index_of(parent).ok().filter(|_| pool.is_on_parents_lan()) {
        let own = host.snapshot(&ListAddresses::new().index(index))?;
        let addrs = own.iter().filter_map(|own| own.addr);
        held.extend(addrs.map(|addr| (addr.ip(), format!("the host's own, on {parent}"))));
    }
    for joined in there(&state.joined) {
        let addrs = joined.member.connection.addrs.iter().map(IpNetwork::ip);
        held.extend(addrs.map(|addr| (addr, format!("that of the container {}", joined.name()))));
    }
    Ok(held)
}

/// Refuses a MAC address that another container has on the same parent: the kernel would, and could not say whose it is.
fn check_mac(state: &State, pool: &Pool, words: &Words) -> Result {
    let Some(mac) = words.parsed::<MacAddr>("mac-address")? else { return Ok(()) };
    let is_same = |joined: &&Joined| {
        let on_parent = find(&state.pools, &joined.member.network).is_ok_and(|other| pool.shares_lan(other));
        on_parent && joined.member.attached.mac == Some(mac)
    };
    match there(&state.joined).find(is_same) {
        Some(other) => Err(format!("the MAC address {mac} is that of the container {other}").into()),
        None => Ok(()),
    }
}

/// This name if the container does not have it, else the first `ethN` that it does not have.
pub fn free_name(inside: &mut Socket, wanted: Option<IfName>) -> Result<IfName> {
    let links = inside.snapshot(&ListLinks::new())?;
    let numbered = (0_u32..).map_while(|number| IfName::new(&format!("eth{number}")).ok());
    let free = wanted.into_iter().chain(numbered).find(|name| !links.iter().any(|link| link.name == *name));
    free.ok_or_else(|| "the container has a link of every name".into())
}

fn told(container: &str, member: &Member, others: &[Member]) -> String {
    let addrs: Vec<_> = member.connection.addrs.iter().map(|addr| format!(" {addr}")).collect();
    let mac = member.attached.mac.map_or_else(String::new, |mac| format!(", MAC address {mac}"));
    let chosen =
        choose_gateways(others.iter().chain([member])).into_iter().filter(|(number, _)| *number == others.len());
    let gateways: Vec<_> = chosen.map(|(_, gateway)| gateway.to_string()).collect();
    let route =
        if gateways.is_empty() { String::new() } else { format!(", default route by {}", gateways.join(" and ")) };
    format!("{container}: {}{}{mac}{route}", member.attached.name, addrs.concat())
}

/// `disconnect [OPTIONS] NETWORK CONTAINER`
pub fn disconnect(work: &mut Work<'_>, words: &Words) -> Result {
    let [network, container] = words.names()?;
    let network = find(&work.state.pools, network)?.network.name().to_owned();
    let (file, force) = (file_of(container), words.is_set("force")?);
    let mut opened = match open(&file) {
        Err(_) if force => None,
        opened => opened?.ok(),
    };
    let namespace = opened.as_mut().map(identify).transpose()?;
    let is_here = |joined: &Joined| Some(&joined.namespace) == namespace.as_ref();
    let all = &mut work.state.joined;
    // What was in a namespace that has ended went with it, and is known by the name of its file.
    let leaving = all.iter().position(|joined| joined.is_in(&network) && is_here(joined));
    let leaving = leaving.or_else(|| all.iter().position(|joined| joined.is_in(&network) && joined.container == file));
    let Some(leaving) = leaving else {
        return Err(match namespace {
            Some(_) => format!("container {container} is not connected to network {network}").into(),
            None => format!("No such container: {container}").into(),
        });
    };
    let leaving = all.remove(leaving);
    let told = match opened.filter(|_| is_here(&leaving)) {
        Some(sandbox) => {
            let rest: Vec<_> = all.iter().filter(|other| is_here(other)).map(|other| other.member.clone()).collect();
            detach(work, &leaving.member, sandbox, &rest, force)?
        }
        None => None,
    };
    work.state.save()?;
    told.map_or(Ok(()), |told| Ok(writeln!(work.out, "{container}: {told}")?))
}

/// Takes a container's link away, and says if it has not been deleted.
fn detach(
    work: &mut Work<'_>,
    member: &Member,
    mut sandbox: Sandbox,
    rest: &[Member],
    force: bool,
) -> Result<Option<String>> {
    match member.disconnect(&mut work.host, &mut sandbox, rest, &Detach::new()) {
        Ok(left) if left.link.is_deleted() => Ok(None),
        Ok(left) => Ok(Some(left.link.to_string())),
        Err(error) if force => Ok(Some(format!("it is forgotten, and its link may be there still: {error}"))),
        Err(error) => Err(error.into()),
    }
}
