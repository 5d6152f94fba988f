//! Networks: shown.

use super::filter::Filters;
use super::joined::{Joined, there};
use super::pool::{Pool, find};
use super::template::Template;
use super::words::{Flag, Words, switch, value};
use super::{Result, Work};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use sublink::IpNetwork;
use sublink::network::{Driver, Subnet};

/// The flags of `ls`.
pub const LS_FLAGS: &[Flag] = &[
    value("filter", "filter", "KEY=VALUE: show these networks only").letter('f'),
    value("format", "string", "json, 'TEMPLATE' or 'table TEMPLATE'"),
    switch("no-trunc", "Whole ids"),
    switch("quiet", "Ids only").letter('q'),
];

/// The flags of `inspect`.
pub const INSPECT_FLAGS: &[Flag] = &[
    value("format", "string", "json or 'TEMPLATE'").letter('f'),
    switch("verbose", "Changes nothing: there is no swarm").letter('v'),
];

const TABLE: &str = r"{{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}\t{{.Parent}}\t{{.Subnets}}";

const HEADS: [(&str, &str); 10] = [
    ("ID", "NETWORK ID"),
    ("Name", "NAME"),
    ("Driver", "DRIVER"),
    ("Scope", "SCOPE"),
    ("IPv4", "IPV4"),
    ("IPv6", "IPV6"),
    ("Internal", "INTERNAL"),
    ("Labels", "LABELS"),
    ("Parent", "PARENT"),
    ("Subnets", "SUBNETS"),
];

/// `ls [OPTIONS]`
pub fn ls(work: &mut Work<'_>, words: &Words) -> Result {
    let filters = Filters::read(words, &["name", "id", "driver", "label", "scope", "type", "dangling"])?;
    let (is_whole, quiet) = (words.is_set("no-trunc")?, words.is_set("quiet")?);
    let joined: Vec<_> = there(&work.state.joined).collect();
    let is_used = |pool: &Pool| joined.iter().any(|joined| joined.is_in(pool.network.name()));
    let mut pools: Vec<_> = work.state.pools.iter().filter(|pool| filters.match_pool(pool, is_used(pool))).collect();
    pools.sort_by_key(|pool| pool.network.name());
    let rows: Vec<_> = pools.into_iter().map(|pool| row(pool, is_whole)).collect();
    let format = words.last("format").unwrap_or("table");
    let text = match format.strip_prefix("table") {
        Some("") if quiet => filled("{{.ID}}", &rows)?,
        Some("") => table(TABLE, &rows)?,
        Some(template) if template.starts_with(' ') => table(template.trim_start(), &rows)?,
        _ => filled(format, &rows)?,
    };
    Ok(work.out.write_all(text.as_bytes())?)
}

/// What a row can show, under Docker's own keys.
fn row(pool: &Pool, is_whole: bool) -> Value {
    let network = &pool.network;
    let id: String = network.id().chars().take(if is_whole { usize::MAX } else { 12 }).collect();
    let has = |v6| network.subnets().iter().any(|subnet| subnet.network().is_ipv6() == v6);
    let labels: Vec<_> = pool.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let subnets: Vec<_> = network.subnets().iter().map(|subnet| subnet.network().to_string()).collect();
    json!({
        "ID": id,
        "Name": network.name(),
        "Driver": driver_word(network.driver()),
        "Scope": "local",
        "IPv4": has(false).to_string(),
        "IPv6": has(true).to_string(),
        "Internal": network.is_internal().to_string(),
        "Labels": labels.join(","),
        "Parent": network.parent().map_or_else(|_| String::new(), |parent| parent.name().to_string()),
        "Subnets": subnets.join(" "),
    })
}

/// A line for each row.
fn filled(template: &str, rows: &[Value]) -> Result<String> {
    let template = Template::read(template)?;
    rows.iter().map(|row| Ok(template.fill(row)? + "\n")).collect()
}

/// The rows below a head, in columns that are as wide as their widest cell.
fn table(template: &str, rows: &[Value]) -> Result<String> {
    let heads: Map<_, _> = HEADS.into_iter().map(|(key, head)| (key.into(), head.into())).collect();
    let text = filled(template, &[&[Value::Object(heads)], rows].concat())?;
    let cells: Vec<Vec<&str>> = text.lines().map(|line| line.split('\t').collect()).collect();
    let wide = |column: usize| cells.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let mut out = String::new();
    for row in &cells {
        let last = row.len().saturating_sub(1);
        for (column, cell) in row.iter().enumerate() {
            let wide = if column == last { 0 } else { wide(column).unwrap_or(0) + 3 };
            let _ = write!(out, "{cell:wide$}");
        }
        out += "\n";
    }
    Ok(out)
}

/// `inspect [OPTIONS] NETWORK…`: those that are there are shown, and then it is said which are not.
pub fn inspect(work: &mut Work<'_>, words: &Words) -> Result {
    let template = words.last("format").map(Template::read).transpose()?;
    let (mut shown, mut failed) = (Vec::new(), Vec::new());
    for word in &words.names {
        match find(&work.state.pools, word) {
            Ok(pool) => shown.push(described(work, pool)),
            Err(error) => failed.push(error.to_string()),
        }
    }
    match template {
        None => writeln!(work.out, "{:#}", Value::from(shown))?,
        Some(template) => {
            for network in &shown {
                writeln!(work.out, "{}", template.fill(network)?)?;
            }
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n").into()) }
}

/// A network under Docker's own keys.
fn described(work: &Work<'_>, pool: &Pool) -> Value {
    let network = &pool.network;
    let joined = there(&work.state.joined).filter(|joined| joined.is_in(network.name()));
    let containers: Map<_, _> = joined.map(|joined| (joined.name().to_owned(), endpoint(joined))).collect();
    let mut options: Map<_, _> = network.options().into_iter().map(|(key, value)| (key.into(), value.into())).collect();
    if let Ok(parent) = network.parent() {
        options.insert("parent".into(), parent.name().to_string().into());
    }
    let has = |v6| network.subnets().iter().any(|subnet| subnet.network().is_ipv6() == v6);
    let config: Vec<_> = network.subnets().iter().map(|subnet| addresses(pool, subnet)).collect();
    json!({
        "Name": network.name(),
        "Id": network.id(),
        "Scope": "local",
        "Driver": driver_word(network.driver()),
        "EnableIPv4": has(false),
        "EnableIPv6": has(true),
        "IPAM": { "Driver": "default", "Options": map_of(&pool.ipam_options), "Config": config },
        "Internal": network.is_internal(),
        "Attachable": network.is_attachable(),
        "Ingress": false,
        "ConfigFrom": { "Network": network.config_from().unwrap_or_default() },
        "ConfigOnly": network.is_config_only(),
        "Containers": containers,
        "Options": options,
        "Labels": map_of(&pool.labels),
    })
}

fn endpoint(joined: &Joined) -> Value {
    let addr = |v6| {
        let addr = joined.member.connection.addrs.iter().find(|addr| addr.is_ipv6() == v6);
        addr.map_or_else(String::new, IpNetwork::to_string)
    };
    json!({
        "Name": joined.name(),
        "Interface": joined.member.attached.name.to_string(),
        "MacAddress": joined.member.attached.mac.map_or_else(String::new, |mac| mac.to_string()),
        "IPv4Address": addr(false),
        "IPv6Address": addr(true),
    })
}

fn map_of(pairs: &[(String, String)]) -> Map<String, Value> {
    pairs.iter().map(|(key, value)| (key.clone(), value.clone().into())).collect()
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

/// Docker's word for a driver.
pub const fn driver_word(driver: Driver) -> &'static str {
    match driver {
        Driver::Vlan => "vlan",
        _ => "macvlan",
    }
}
