//! Networks: made and removed.

use super::filter::Filters;
use super::joined::{Joined, there};
use super::pool::{Pool, find, find_if_there};
use super::words::{Flag, Words, switch, value};
use super::{Result, Work};
use sublink::addr::ListAddresses;
use sublink::network::{Removal, Subnet};
use sublink::route::ListRoutes;
use sublink::{IpNetwork, MacAddr};

/// The flags of `rm`.
pub const RM_FLAGS: &[Flag] = &[switch("force", "Do not fail if a network is not there").letter('f')];

/// The flags of `prune`.
pub const PRUNE_FLAGS: &[Flag] =
    &[value("filter", "filter", "KEY=VALUE: remove these networks only"), switch("force", "Do not ask").letter('f')];

/// `create [OPTIONS] NETWORK`
pub fn create(work: &mut Work<'_>, words: &Words) -> Result {
    let mut words = words.clone();
    let [name] = words.names()?;
    if work.state.pools.iter().any(|pool| pool.network.name() == name) {
        return Err(format!("network with name {name} already exists").into());
    }
    if let Some(config) = words.last("config-from") {
        let config =
            find_if_there(&work.state.pools, config)?.map_or(config, |config| config.network.name()).to_owned();
        words.set("config-from", config);
    }
    choose_subnets(work, &mut words)?;
    let pool = Pool::new(words, &work.state.pools)?;
    let (network, others) = (pool.network.clone(), work.state.networks());
    network.validate(&others)?;
    if let Ok(parent) = network.parent() {
        if let Ok(link) = work.host.link(parent.name()) {
            network.validate_on(&link.to_owned())?;
        }
        let up = parent.up(&mut work.host, &work.owner)?; // a config-only network has none
        if let Some(down) = up.down {
            eprintln!("{down} is down: the network's containers hear nothing until it is up (-o parent_up=true)");
        }
        let has_access = network.wanted_host_access().is_some();
        if let Some(Err(error)) = has_access.then(|| network.give_host_access(&mut work.host, &work.owner)) {
            let _ = network.remove_parent(&mut work.host, &work.owner, &others);
            return Err(error.into());
        }
    }
    work.state.pools.push(pool);
    if let Err(error) = work.state.save() {
        let _ = network.remove_parent(&mut work.host, &work.owner, &others);
        return Err(error);
    }
    Ok(writeln!(work.out, "{}", network.id())?)
}

/// Gives a network that says no subnets free ones.
fn choose_subnets(work: &mut Work<'_>, words: &mut Words) -> Result {
    if words.last("config-from").is_some() {
        return Ok(());
    }
    let said = ["gateway", "ip-range", "aux-address"].into_iter().find(|flag| words.last(flag).is_some());
    if let Some(flag) = said.filter(|_| words.last("subnet").is_none()) {
        return Err(format!("every --{flag} lies in a subnet, and no --subnet is said").into());
    }
    let (v4, v6) = (words.parsed("ipv4")?, words.is_set("ipv6")?);
    let has = |v6: bool| words.list("subnet").any(|subnet| subnet.contains(':') == v6);
    let (has_any, has_v6) = (words.last("subnet").is_some(), has(true));
    let wants_v4 = if has_any { v4 == Some(true) && !has(false) } else { v4 != Some(false) };
    if !has_any && !wants_v4 && !v6 {
        return Err("a network has IPv4 or IPv6 addresses: --ipv4=false is for one with --ipv6".into());
    }
    if wants_v4 {
        let free = Subnet::free(&taken_networks(work)?).ok_or("no private subnet is free: say one with --subnet")?;
        words.add("subnet", free.network().to_string());
    }
    if v6 && !has_v6 {
        let [_, a, b, c, d, e] = MacAddr::random().bytes(); // a unique local one is of 40 random bits
        words.add("subnet", format!("fd{a:02x}:{b:02x}{c:02x}:{d:02x}{e:02x}::/64"));
    }
    Ok(())
}

/// What another network has, or the host has an address in or a route to.
fn taken_networks(work: &mut Work<'_>) -> Result<Vec<IpNetwork>> {
    let subnets = work.state.pools.iter().flat_map(|pool| pool.network.subnets());
    let mut taken: Vec<_> = subnets.map(Subnet::network).collect();
    let addresses = work.host.snapshot(&ListAddresses::new().v4())?;
    taken.extend(addresses.iter().filter_map(|address| address.addr));
    let routes = work.host.snapshot(&ListRoutes::v4())?;
    taken.extend(routes.iter().filter_map(|route| route.destination).filter(|to| to.prefix() > 0));
    Ok(taken)
}

/// `rm [OPTIONS] NETWORK…`: each that can be removed is, and then it is said which could not.
pub fn rm(work: &mut Work<'_>, words: &Words) -> Result {
    let force = words.is_set("force")?;
    let mut failed = Vec::new();
    for word in &words.names {
        let removed = match find_if_there(&work.state.pools, word) {
            Ok(None) if force => continue,
            Ok(_) => find(&work.state.pools, word).map(|pool| pool.network.name().to_owned()),
            Err(error) => Err(error),
        };
        match removed.and_then(|name| remove(work, &name)) {
            Ok(kept) => {
                writeln!(work.out, "{word}")?;
                kept.map_or(Ok(()), |kept| writeln!(work.out, "    {kept}"))?;
            }
            Err(error) => failed.push(work.explained(error).to_string()),
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n").into()) }
}

/// Removes a network without containers; those that have ended are none. Says if its parent is kept.
fn remove(work: &mut Work<'_>, name: &str) -> Result<Option<String>> {
    let network = find(&work.state.pools, name)?.network.clone();
    let joined = there(&work.state.joined).filter(|joined| joined.is_in(name));
    let containers: Vec<_> = joined.map(Joined::name).collect();
    if !containers.is_empty() {
        let containers = containers.join(", ");
        return Err(format!("network {name} has active endpoints: first disconnect {containers}").into());
    }
    let others = work.state.networks();
    if let Some(other) = others.iter().find(|other| other.config_from() == Some(name)) {
        return Err(format!("configuration network {name} is in use: {} is made from it", other.name()).into());
    }
    let removal = network.remove_parent(&mut work.host, &work.owner, &others)?;
    work.state.pools.retain(|pool| pool.network.name() != name);
    work.state.joined.retain(|joined| !joined.is_in(name));
    work.state.save()?;
    Ok((removal == Removal::InUse).then(|| format!("{} is kept: somebody else uses it", network.parent_name())))
}

/// `prune [OPTIONS]`: removes the networks that no container is in, config-only ones excepted.
pub fn prune(work: &mut Work<'_>, words: &Words) -> Result {
    let filters = Filters::read(words, &["label", "label!"])?;
    if !words.is_set("force")? {
        writeln!(work.out, "WARNING! This will remove all custom networks not used by at least one container.")?;
        write!(work.out, "Are you sure you want to continue? [y/N] ")?;
        work.out.flush()?;
        let mut answer = String::new();
        work.input.read_line(&mut answer)?;
        if !matches!(answer.trim(), "y" | "Y") {
            return Ok(());
        }
    }
    let joined: Vec<_> = there(&work.state.joined).collect();
    let is_unused = |pool: &&Pool| {
        let network = &pool.network;
        !network.is_config_only() && !joined.iter().any(|joined| joined.is_in(network.name()))
    };
    let unused = work.state.pools.iter().filter(is_unused).filter(|pool| filters.match_pool(pool, false));
    let names: Vec<_> = unused.map(|pool| pool.network.name().to_owned()).collect();
    let (mut removed, mut failed) = (Vec::new(), Vec::new());
    for name in names {
        match remove(work, &name) {
            Ok(_) => removed.push(name + "\n"),
            Err(error) => failed.push(work.explained(error).to_string()),
        }
    }
    if !removed.is_empty() {
        writeln!(work.out, "Deleted Networks:\n{}", removed.concat())?;
    }
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n").into()) }
}
