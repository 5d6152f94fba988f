//! Networks: made, shown, removed.

use super::joined::name_of;
use super::pool::{Pool, find};
use super::words::Words;
use super::{Result, Work};
use serde_json::{Map, Value, json};
use sublink::addr::ListAddresses;
use sublink::network::{Driver, Removal, Subnet};
use sublink::route::ListRoutes;
use sublink::{IpNetwork, MacAddr};

/// `create [FLAG …] NETWORK`
pub fn create(work: &mut Work<'_>, words: &Words) -> Result {
    let mut words = words.clone();
    choose_subnets(work, &mut words)?;
    let pool = Pool::new(words, &work.state.pools)?;
    let (network, others) = (pool.network.clone(), work.state.networks());
    network.validate(&others)?;
    if let Ok(parent) = network.parent() {
        parent.up(&mut work.host, &work.owner)?; // a config-only network has none
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
    if words.last("subnet").is_none() {
        let free = Subnet::free(&taken_networks(work)?).ok_or("no private subnet is free: say one with --subnet")?;
        words.add("subnet", free.network().to_string());
    }
    if words.is_set("ipv6")? && !words.list("subnet").any(|subnet| subnet.contains(':')) {
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

/// `ls`
pub fn ls(work: &mut Work<'_>, words: &Words) -> Result {
    let [] = words.names("ls")?;
    let pools = &work.state.pools;
    let wide = pools.iter().map(|pool| pool.network.name().len()).fold("NAME".len(), usize::max);
    writeln!(work.out, "NETWORK ID     {:wide$}   DRIVER    PARENT            SUBNETS", "NAME")?;
    for network in pools.iter().map(|pool| &pool.network) {
        let id: String = network.id().chars().take(12).collect();
        let subnets: Vec<_> = network.subnets().iter().map(|subnet| subnet.network().to_string()).collect();
        let (name, driver, parent) = (network.name(), driver_word(network.driver()), network.parent_name());
        writeln!(work.out, "{id:12}   {name:wide$}   {driver:7}   {parent:15}   {}", subnets.join(" "))?;
    }
    Ok(())
}

/// `inspect NETWORK…`
pub fn inspect(work: &mut Work<'_>, words: &Words) -> Result {
    if words.names.is_empty() {
        return Err("usage: inspect NETWORK…".into());
    }
    let networks = words.names.iter().map(|name| Ok(described(work, find(&work.state.pools, name)?)));
    let networks = networks.collect::<Result<Vec<_>>>()?;
    Ok(writeln!(work.out, "{:#}", Value::from(networks))?)
}

/// A network under Docker's own keys.
fn described(work: &Work<'_>, pool: &Pool) -> Value {
    let network = &pool.network;
    let joined = work.state.joined.iter().filter(|joined| *joined.member.network == *network.name());
    let containers: Map<_, _> = joined
        .map(|joined| {
            let addr = |v6| {
                let addr = joined.member.connection.addrs.iter().find(|addr| addr.is_ipv6() == v6);
                addr.map_or_else(String::new, IpNetwork::to_string)
            };
            let mac = joined.member.attached.mac.map_or_else(String::new, |mac| mac.to_string());
            let link = joined.member.attached.name.to_string();
            let endpoint =
                json!({ "Interface": link, "MacAddress": mac, "IPv4Address": addr(false), "IPv6Address": addr(true) });
            (name_of(&joined.container).to_owned(), endpoint)
        })
        .collect();
    let mut options: Map<_, _> = network.options().into_iter().map(|(key, value)| (key.into(), value.into())).collect();
    options.insert("parent".into(), network.parent_name().to_string().into());
    json!({
        "Name": network.name(),
        "Id": network.id(),
        "Driver": driver_word(network.driver()),
        "EnableIPv6": network.subnets().iter().any(|subnet| subnet.network().is_ipv6()),
        "IPAM": { "Config": network.subnets().iter().map(|subnet| addresses(pool, subnet)).collect::<Vec<_>>() },
        "Internal": network.is_internal(),
        "Attachable": network.is_attachable(),
        "ConfigFrom": { "Network": network.config_from().unwrap_or_default() },
        "ConfigOnly": network.is_config_only(),
        "Containers": containers,
        "Options": options,
    })
}

fn addresses(pool: &Pool, subnet: &Subnet) -> Value {
    let network = subnet.network();
    let mut config = json!({ "Subnet": network.to_string() });
    if let Some(gateway) = subnet.gateway_addr() {
        config["Gateway"] = gateway.to_string().into();
    }
    if let Some(range) = pool.ranges.iter().find(|range| network.contains(range.ip())) {
        config["IPRange"] = range.to_string().into();
    }
    for (name, addr) in pool.reserved.iter().filter(|(_, addr)| network.contains(*addr)) {
        config["AuxiliaryAddresses"][name] = addr.to_string().into();
    }
    config
}

const fn driver_word(driver: Driver) -> &'static str {
    match driver {
        Driver::Vlan => "vlan",
        _ => "macvlan",
    }
}

/// `rm NETWORK…`
pub fn rm(work: &mut Work<'_>, words: &Words) -> Result {
    if words.names.is_empty() {
        return Err("usage: rm NETWORK…".into());
    }
    words.names.iter().try_for_each(|name| remove(work, name))
}

fn remove(work: &mut Work<'_>, name: &str) -> Result {
    let network = find(&work.state.pools, name)?.network.clone();
    let joined = work.state.joined.iter().filter(|joined| *joined.member.network == *name);
    let containers: Vec<_> = joined.map(|joined| name_of(&joined.container)).collect();
    if !containers.is_empty() {
        return Err(format!("the network {name} is in use: first disconnect {}", containers.join(", ")).into());
    }
    let others = work.state.networks();
    if let Some(other) = others.iter().find(|other| other.config_from() == Some(name)) {
        return Err(format!("the network {name} is in use: {} is made from it", other.name()).into());
    }
    let removal = network.remove_parent(&mut work.host, &work.owner, &others)?;
    work.state.pools.retain(|pool| pool.network.name() != name);
    work.state.save()?;
    writeln!(work.out, "{name}")?;
    if removal == Removal::InUse {
        writeln!(work.out, "    {} is kept: somebody else uses it", network.parent_name())?;
    }
    Ok(())
}
