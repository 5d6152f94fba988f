//! A network, and the addresses that it gives out.

use super::Result;
use super::words::{Flag, Words, refused, switch, value};
use std::collections::BTreeMap;
use std::mem::discriminant;
use std::net::IpAddr;
use sublink::network::{Driver, InvalidNetwork, Subnet};
use sublink::{IpNetwork, MacvlanMode, Network};

/// The flags of `create`.
pub const FLAGS: &[Flag] = &[
    switch("attachable", "A note: containers of no orchestrator may join"),
    value("aux-address", "map", "NAME=ADDRESS of another device: it is given to no container"),
    value("config-from", "string", "The network to take driver, options and subnets from"),
    switch("config-only", "A configuration for other networks, without a parent and containers"),
    value("driver", "string", "macvlan (default) or vlan").letter('d'),
    value("gateway", "strings", "The router of the subnet in which this address lies"),
    refused("ingress", "it is a part of Docker's swarm"),
    switch("internal", "No default route"),
    value("ip-range", "strings", "The part of a subnet from which addresses are given out"),
    value("ipam-driver", "string", "default: this command gives out the addresses"),
    value("ipam-opt", "map", "Kept and shown, and changes nothing"),
    switch("ipv4", "IPv4 addresses, also where only IPv6 subnets are said"),
    switch("ipv6", "IPv6 addresses, also where only IPv4 subnets are said"),
    value("label", "list", "KEY=VALUE, to find the network by"),
    value("opt", "map", "KEY=VALUE: see below").letter('o'),
    value("scope", "string", "Kept nowhere: there is no swarm"),
    value("subnet", "strings", "ADDRESS/LENGTH; without one, a private subnet that is free"),
];

/// Addresses that are in use, and what each is.
pub type Held = BTreeMap<IpAddr, String>;

/// What a network that is made from a config has from there.
const FROM_CONFIG: [&str; 9] =
    ["subnet", "gateway", "ip-range", "aux-address", "ipv4", "ipv6", "ipam-driver", "ipam-opt", "label"];

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
    pub labels: Vec<(String, String)>,
    pub ipam_options: Vec<(String, String)>,
}

impl Pool {
    /// The network that these words say, beside those there are.
    pub fn new(words: Words, others: &[Self]) -> Result<Self> {
        let [name] = words.names()?;
        let is_letter = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        if !name.chars().all(is_letter) || !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return Err(format!("{name:?} is no network's name: that is of letters, digits, dots, - and _").into());
        }
        check_words(&words)?;
        let config = words.last("config-from").map(|config| find_config(config, &words, others)).transpose()?;
        let network = match config {
            Some(config) => Network::from_config(name, &config.network)?,
            None => Network::new(name, words.last("driver").map_or(Ok(MACVLAN), driver)?)?,
        };
        let network = with_options(network, &words)?;
        let source = config.map_or(&words, |config| &config.words);
        let network =
            if config.is_some() { network } else { subnets(&words)?.into_iter().fold(network, Network::subnet) };
        let ranges = parse_ranges(&network, source)?;
        let mut reserved =
            source.all("aux-address").map(|aux| parse_reserved(&network, aux)).collect::<Result<Vec<_>>>()?;
        let hosts = network.wanted_host_access().map_or_else(Vec::new, |access| access.addrs().to_vec());
        reserved.extend(hosts.into_iter().map(|addr| ("the host".to_owned(), addr)));
        let owned = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
        let labels = source.pairs("label").map(owned).collect();
        let ipam_options = source.pairs("ipam-opt").map(owned).collect();
        Ok(Self { words, network, ranges, reserved, labels, ipam_options })
    }

    /// An address of this family for a container: the one that it wants, or the first that is free. A network without
    /// subnets of the family gives none.
    pub fn address(&self, v6: bool, wanted: Option<IpAddr>, held: &Held) -> Result<Option<IpNetwork>> {
        if let Some(addr) = wanted {
            return self.wanted(v6, addr, held).map(Some);
        }
        let subnets: Vec<_> = self.network.subnets().iter().filter(|subnet| subnet.network().is_ipv6() == v6).collect();
        for subnet in &subnets {
            let whole = subnet.network();
            let ranges: Vec<_> = self.ranges.iter().filter(|range| whole.contains(range.ip())).collect();
            let ranges = if ranges.is_empty() { vec![&whole] } else { ranges };
            let is_free = |addr: &IpAddr| {
                subnet.has_station(*addr) && kept_in(subnet).iter().all(|kept| kept != addr) && !held.contains_key(addr)
            };
            if let Some(addr) = ranges.into_iter().flat_map(IpNetwork::iter).find(is_free) {
                return Ok(Some(IpNetwork::new(addr, whole.prefix())?));
            }
        }
        if subnets.is_empty() { Ok(None) } else { Err(self.is_full(v6, &subnets, held).into()) }
    }

    fn wanted(&self, v6: bool, addr: IpAddr, held: &Held) -> Result<IpNetwork> {
        let subnet = smallest_around(self.network.subnets(), addr).filter(|_| addr.is_ipv6() == v6);
        let Some(subnet) = subnet else {
            let flag = if v6 { "--ip6" } else { "--ip" };
            let name = self.network.name();
            return Err(format!("{flag} {addr}: no configured subnet of the network {name} contains it").into());
        };
        let whole = subnet.network();
        if !subnet.has_station(addr) {
            return Err(format!("{addr} names the subnet {whole} or all its stations, and no container").into());
        }
        match held.get(&addr) {
            Some(holder) => Err(format!("Address already in use: {addr} is {holder}").into()),
            None => Ok(IpNetwork::new(addr, whole.prefix())?),
        }
    }

    /// The addresses that devices besides containers have, in this network or in another on the same LAN.
    pub fn held_besides(&self, all: &[Self]) -> Held {
        let mut held = Held::new();
        for other in all.iter().filter(|other| self.shares_lan(other)) {
            let name = other.network.name();
            let gateways = other.network.subnets().iter().filter_map(Subnet::gateway_addr);
            held.extend(gateways.map(|gateway| (gateway, format!("the gateway of the network {name}"))));
            let reserved = other.reserved.iter();
            held.extend(reserved.map(|(who, addr)| (*addr, format!("reserved for {who} in the network {name}"))));
        }
        held
    }

    /// Whether the containers of both are on one LAN, that of a parent of both.
    pub fn shares_lan(&self, other: &Self) -> bool {
        let (own, other) = (&self.network, &other.network);
        let is_on_parent = self.is_on_parents_lan() && other.driver() != Driver::Vlan;
        own.name() == other.name() || is_on_parent && own.parent_name() == other.parent_name()
    }

    /// Whether its containers are on the LAN that its parent is on; those with a VLAN of their own are not.
    pub fn is_on_parents_lan(&self) -> bool {
        self.network.driver() != Driver::Vlan
    }

    /// Why there is no address: also that one is kept, and how to have it.
    fn is_full(&self, v6: bool, subnets: &[&Subnet], held: &Held) -> String {
        let family = if v6 { "IPv6" } else { "IPv4" };
        let full = format!("no available {family} addresses in the network {}", self.network.name());
        let router = subnets.iter().filter_map(|subnet| router_of(subnet)).find(|addr| !held.contains_key(addr));
        let flag = if v6 { "--ip6" } else { "--ip" };
        router
            .map_or(full.clone(), |addr| format!("{full}: {addr} is kept for a router, and {flag} {addr} gives it out"))
    }
}

/// The first address of a subnet that says no gateway. A router has it as a rule, so no container is given it unless it
/// asks: what Docker does too. A subnet of one or two addresses has none to spare.
fn router_of(subnet: &Subnet) -> Option<IpAddr> {
    let whole = subnet.network();
    let has_room = whole.prefix() + 1 < if whole.is_ipv6() { 128 } else { 32 };
    if subnet.gateway_addr().is_some() || !has_room { None } else { whole.iter().nth(1) }
}

/// What is chosen for no container: a router's address, and the one of an IPv6 subnet that stands for any router
/// (RFC 4291, section 2.6.1).
fn kept_in(subnet: &Subnet) -> Vec<IpAddr> {
    let whole = subnet.network();
    let any_router = (whole.is_ipv6() && whole.prefix() < 127).then_some(whole.ip());
    any_router.into_iter().chain(router_of(subnet)).collect()
}

/// The network that a word means, as Docker looks for it: its id, its name, or how its id begins, if that of no other does.
pub fn find<'p>(pools: &'p [Pool], word: &str) -> Result<&'p Pool> {
    find_if_there(pools, word)?.ok_or_else(|| format!("network {word} not found").into())
}

/// The same, where it need not be there.
pub fn find_if_there<'p>(pools: &'p [Pool], word: &str) -> Result<Option<&'p Pool>> {
    if word.is_empty() {
        return Err("invalid network name or ID: value is empty".into());
    }
    let find = |is_meant: &dyn Fn(&Network) -> bool| pools.iter().find(|pool| is_meant(&pool.network));
    if let Some(pool) = find(&|network| network.id() == word).or_else(|| find(&|network| network.name() == word)) {
        return Ok(Some(pool));
    }
    let meant: Vec<_> = pools.iter().filter(|pool| pool.network.id().starts_with(word)).collect();
    match meant[..] {
        [] => Ok(None),
        [pool] => Ok(Some(pool)),
        _ => Err(format!("network {word} is ambiguous ({} matches found based on ID prefix)", meant.len()).into()),
    }
}

const MACVLAN: Driver = Driver::Macvlan(MacvlanMode::Bridge);

fn driver(word: &str) -> Result<Driver> {
    match word {
        "macvlan" => Ok(MACVLAN),
        "vlan" => Ok(Driver::Vlan),
        _ => Err(format!("there is no driver {word:?} here: there are macvlan and vlan").into()),
    }
}

/// Refuses flags that do not go together, or have a value that means nothing here.
fn check_words(words: &Words) -> Result {
    let ipam = words.last("ipam-driver").unwrap_or_default();
    if !matches!(ipam, "" | "default") {
        return Err(format!("there is no IPAM driver {ipam:?} here: there is default").into());
    }
    let scope = words.last("scope").unwrap_or_default();
    if !matches!(scope, "" | "local" | "swarm" | "global") {
        return Err(format!("{scope:?} is no scope: it is local, swarm or global").into());
    }
    if !scope.is_empty() && words.is_set("config-only")? {
        return Err("a config-only network has no scope: those that are made from it have".into());
    }
    if let Some(pair) = words.all("label").find(|label| label.starts_with('=')) {
        return Err(format!("invalid label {pair:?}: empty name").into());
    }
    for (flag, family) in [("ipv4", "an IPv4"), ("ipv6", "an IPv6")] {
        let is_off = words.parsed(flag)? == Some(false);
        let own = words.list("subnet").find(|subnet| is_off && subnet.contains(':') == (flag == "ipv6"));
        if let Some(subnet) = own {
            return Err(format!("{subnet} is {family} subnet, and --{flag}=false wants none").into());
        }
    }
    Ok(())
}

/// The config of a network that is made from one, and so says little itself.
fn find_config<'p>(name: &str, words: &Words, others: &'p [Pool]) -> Result<&'p Pool> {
    let config = others.iter().find(|other| other.network.name() == name);
    let config = config.ok_or_else(|| InvalidNetwork::NotConfigOnly(name.into()))?;
    let own = words.last("driver").map(driver).transpose()?;
    let is_other_driver = own.is_some_and(|own| discriminant(&own) != discriminant(&config.network.driver()));
    let is_default = |flag| matches!((flag, words.last(flag)), ("ipv4", Some("true")) | ("ipv6", Some("false")));
    let said = FROM_CONFIG.into_iter().find(|flag| words.last(flag).is_some() && !is_default(*flag));
    match said.or(is_other_driver.then_some("driver")) {
        Some(flag) => Err(format!("--{flag}: {}", InvalidNetwork::ConfiguredElsewhere(name.into())).into()),
        None => Ok(config),
    }
}

fn with_options(mut network: Network, words: &Words) -> Result<Network> {
    for (key, value) in words.pairs("opt") {
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

/// The subnets, each with the gateway that lies in it. A link-local gateway is that of the first IPv6 subnet.
fn subnets(words: &Words) -> Result<Vec<Subnet>> {
    let subnets = words.list("subnet").map(|subnet| Ok(Subnet::new(parse_network(subnet)?)));
    let mut subnets = subnets.collect::<Result<Vec<_>>>()?;
    for gateway in words.list("gateway") {
        let addr: IpAddr = gateway.parse().map_err(|_| format!("--gateway {gateway}: it is no IP address"))?;
        let around = subnets.iter_mut().filter(|subnet| subnet.network().contains(addr) || is_link_local(addr, subnet));
        let subnet = around.rev().max_by_key(|subnet| subnet.network().prefix());
        let subnet = subnet.ok_or_else(|| format!("no matching subnet for gateway {addr}"))?;
        if let Some(other) = subnet.gateway_addr() {
            return Err(format!("the subnet {} has two gateways, {other} and {addr}", subnet.network()).into());
        }
        *subnet = subnet.gateway(addr)?;
    }
    Ok(subnets)
}

fn is_link_local(addr: IpAddr, subnet: &Subnet) -> bool {
    subnet.network().is_ipv6() && matches!(addr, IpAddr::V6(v6) if v6.is_unicast_link_local())
}

/// The ranges, one for each subnet at most.
fn parse_ranges(network: &Network, words: &Words) -> Result<Vec<IpNetwork>> {
    let mut ranges = Vec::<IpNetwork>::new();
    for range in words.list("ip-range") {
        let range = Subnet::new(parse_network(range)?).network();
        let is_around = |subnet: &&Subnet| subnet.network().prefix() <= range.prefix();
        let subnet = smallest_around(network.subnets(), range.ip()).filter(is_around);
        let whole = subnet.ok_or_else(|| format!("no matching subnet for range {range}"))?.network();
        if let Some(other) = ranges.iter().find(|other| whole.contains(other.ip())) {
            return Err(format!("the subnet {whole} has two ranges, {other} and {range}").into());
        }
        ranges.push(range);
    }
    Ok(ranges)
}

fn parse_reserved(network: &Network, aux: &str) -> Result<(String, IpAddr)> {
    let wrong = || format!("--aux-address {aux}: it is NAME=ADDRESS");
    let (name, addr) = aux.split_once('=').ok_or_else(wrong)?;
    let addr = addr.parse().map_err(|_| wrong())?;
    match smallest_around(network.subnets(), addr) {
        Some(_) => Ok((name.to_owned(), addr)),
        None => Err(format!("no matching subnet for aux-address {addr} of {name}").into()),
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
