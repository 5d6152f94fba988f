//! A network, and the addresses that it gives out.

use super::Result;
use super::words::{Flag, Words, lettered, switch, value};
use std::mem::discriminant;
use std::net::IpAddr;
use sublink::network::{Driver, InvalidNetwork, Subnet};
use sublink::{IpNetwork, MacvlanMode, Network};

/// The flags of `create`.
pub const FLAGS: &[Flag] = &[
    lettered("driver", 'd'),
    lettered("opt", 'o'),
    value("subnet"),
    value("gateway"),
    value("ip-range"),
    value("aux-address"),
    value("config-from"),
    value("scope"), // a swarm's or not: here that is no difference
    switch("attachable"),
    switch("config-only"),
    switch("internal"),
    switch("ipv6"),
];

/// A network as `create` was told it.
#[derive(Debug)]
pub struct Pool {
    /// What it was told, and what was chosen then.
    pub words: Words,
    pub network: Network,
    /// Where addresses are chosen from; in a subnet without a range, all of it.
    pub ranges: Vec<IpNetwork>,
    /// Addresses that others have, by name: routers, printers.
    pub reserved: Vec<(String, IpAddr)>,
}

impl Pool {
    /// The network that these words say, beside those there are.
    pub fn new(words: Words, others: &[Self]) -> Result<Self> {
        let [name] = words.names("create [FLAG …] NETWORK")?;
        let is_letter = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        if !name.chars().all(is_letter) || !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return Err(format!("{name:?} is no network's name: that is of letters, digits, dots, - and _").into());
        }
        let config = words.last("config-from").map(|config| find_config(config, &words, others)).transpose()?;
        let network = match config {
            Some(config) => Network::from_config(name, &config.network)?,
            None => Network::new(name, words.last("driver").map_or(Ok(MACVLAN), driver)?)?,
        };
        let network = with_options(network, &words)?;
        let addresses = config.map_or(&words, |config| &config.words);
        let network =
            if config.is_some() { network } else { subnets(&words)?.into_iter().fold(network, Network::subnet) };
        let ranges = addresses.list("ip-range").map(|range| parse_range(&network, range)).collect::<Result<_>>()?;
        let reserved = addresses.all("aux-address").map(|aux| parse_reserved(&network, aux)).collect::<Result<_>>()?;
        Ok(Self { words, network, ranges, reserved })
    }

    /// An address of this family for a container: the one that it wants, or the first that is free. A network without
    /// subnets of the family gives none.
    pub fn address(&self, v6: bool, wanted: Option<IpAddr>, taken: &[IpAddr]) -> Result<Option<IpNetwork>> {
        let name = self.network.name();
        if let Some(addr) = wanted {
            let subnet = smallest_around(self.network.subnets(), addr);
            let subnet = subnet.filter(|subnet| subnet.has_station(addr) && addr.is_ipv6() == v6);
            let subnet = subnet.ok_or_else(|| format!("{addr} is no container's address in the network {name}"))?;
            if self.is_taken(addr, taken) {
                return Err(format!("the address {addr} is in use").into());
            }
            return Ok(Some(IpNetwork::new(addr, subnet.network().prefix())?));
        }
        let subnets: Vec<_> = self.network.subnets().iter().filter(|subnet| subnet.network().is_ipv6() == v6).collect();
        if subnets.is_empty() {
            return Ok(None);
        }
        for subnet in subnets {
            let whole = subnet.network();
            let ranges: Vec<_> = self.ranges.iter().filter(|range| whole.contains(range.ip())).collect();
            let ranges = if ranges.is_empty() { vec![&whole] } else { ranges };
            let is_free = |addr: &IpAddr| {
                // The first address of an IPv6 subnet is any router's.
                subnet.has_station(*addr) && !(v6 && *addr == whole.ip()) && !self.is_taken(*addr, taken)
            };
            if let Some(addr) = ranges.into_iter().flat_map(IpNetwork::iter).find(is_free) {
                return Ok(Some(IpNetwork::new(addr, whole.prefix())?));
            }
        }
        Err(format!("the network {name} has no free address left").into())
    }

    fn is_taken(&self, addr: IpAddr, taken: &[IpAddr]) -> bool {
        self.network.subnets().iter().any(|subnet| subnet.gateway_addr() == Some(addr))
            || self.reserved.iter().any(|(_, reserved)| *reserved == addr)
            || taken.contains(&addr)
    }
}

/// The network of this name.
pub fn find<'p>(pools: &'p [Pool], name: &str) -> Result<&'p Pool> {
    let found = pools.iter().find(|pool| pool.network.name() == name);
    found.ok_or_else(|| format!("there is no network {name}").into())
}

const MACVLAN: Driver = Driver::Macvlan(MacvlanMode::Bridge);

fn driver(word: &str) -> Result<Driver> {
    match word {
        "macvlan" => Ok(MACVLAN),
        "vlan" => Ok(Driver::Vlan),
        _ => Err(format!("there is no driver {word:?} here: there are macvlan and vlan").into()),
    }
}

/// The config of a network that is made from one, and so says little itself.
fn find_config<'p>(name: &str, words: &Words, others: &'p [Pool]) -> Result<&'p Pool> {
    let config = others.iter().find(|other| other.network.name() == name);
    let config = config.ok_or_else(|| InvalidNetwork::NotConfigOnly(name.into()))?;
    let own = words.last("driver").map(driver).transpose()?;
    let is_other_driver = own.is_some_and(|own| discriminant(&own) != discriminant(&config.network.driver()));
    let from_config = ["subnet", "gateway", "ip-range", "aux-address"];
    if is_other_driver || from_config.iter().any(|flag| words.last(flag).is_some()) {
        return Err(InvalidNetwork::ConfiguredElsewhere(name.into()).into());
    }
    Ok(config)
}

fn with_options(mut network: Network, words: &Words) -> Result<Network> {
    for option in words.all("opt") {
        let (key, value) = option.split_once('=').unwrap_or((option, ""));
        network = network.option(key, value)?;
    }
    if words.is_set("attachable")? {
        network = network.attachable();
    }
    if words.is_set("config-only")? {
        network = network.config_only();
    }
    if words.is_set("internal")? {
        network = network.internal();
    }
    Ok(network)
}

/// The subnets, each with the gateway that lies in it.
fn subnets(words: &Words) -> Result<Vec<Subnet>> {
    let subnets = words.list("subnet").map(|subnet| Ok(Subnet::new(parse_network(subnet)?)));
    let mut subnets = subnets.collect::<Result<Vec<_>>>()?;
    for gateway in words.list("gateway") {
        let addr: IpAddr = gateway.parse().map_err(|_| format!("--gateway {gateway}: it is no IP address"))?;
        let around = subnets.iter_mut().filter(|subnet| subnet.network().contains(addr));
        let subnet = around.max_by_key(|subnet| subnet.network().prefix());
        let subnet = subnet.ok_or_else(|| format!("the gateway {addr} lies in none of the subnets"))?;
        if let Some(other) = subnet.gateway_addr() {
            return Err(format!("the subnet {} has two gateways, {other} and {addr}", subnet.network()).into());
        }
        *subnet = subnet.gateway(addr)?;
    }
    Ok(subnets)
}

fn parse_range(network: &Network, range: &str) -> Result<IpNetwork> {
    let range = Subnet::new(parse_network(range)?).network();
    let is_around = |subnet: &&Subnet| subnet.network().prefix() <= range.prefix();
    match smallest_around(network.subnets(), range.ip()).filter(is_around) {
        Some(_) => Ok(range),
        None => Err(format!("the range {range} lies in none of the subnets").into()),
    }
}

fn parse_reserved(network: &Network, aux: &str) -> Result<(String, IpAddr)> {
    let wrong = || format!("--aux-address {aux}: it is NAME=ADDRESS");
    let (name, addr) = aux.split_once('=').ok_or_else(wrong)?;
    let addr = addr.parse().map_err(|_| wrong())?;
    match smallest_around(network.subnets(), addr) {
        Some(_) => Ok((name.to_owned(), addr)),
        None => Err(format!("the address {addr} of {name} lies in none of the subnets").into()),
    }
}

/// A subnet, which is written with its length: one without would be read as a single address.
fn parse_network(text: &str) -> Result<IpNetwork> {
    let network = text.parse().ok().filter(|_| text.contains('/'));
    network.ok_or_else(|| format!("{text:?} is no subnet: it is ADDRESS/LENGTH, as in 192.168.50.0/24").into())
}

fn smallest_around(subnets: &[Subnet], addr: IpAddr) -> Option<&Subnet> {
    subnets.iter().filter(|subnet| subnet.network().contains(addr)).max_by_key(|subnet| subnet.network().prefix())
}
