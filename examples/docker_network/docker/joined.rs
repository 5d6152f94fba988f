//! A container in a network.

use super::Result;
use super::pool::{Held, Pool, find};
use super::words::{Flag, Words, refused, value};
use nix::sys::stat::fstat;
use std::fmt;
use std::fs;
use std::net::IpAddr;
use std::path;
use sublink::network::{Connection, Member};
use sublink::{Attached, IfName, IpNetwork, MacAddr, Sandbox, VlanId};

/// The flags of `connect`.
pub const FLAGS: &[Flag] = &[
    refused("alias", "there is no DNS server that would know it"),
    value("driver-opt", "strings", "com.docker.network.endpoint.ifname=NAME: the link's name"),
    value("gw-priority", "int", "The network with the highest has the default route (default 0)"),
    value("ip", "string", "IPv4 address; without it, the first that is free"),
    value("ip6", "string", "IPv6 address; without it, the first that is free"),
    refused("link", "there is no DNS server that would know it"),
    value("link-local-ip", "strings", "One more address, of 169.254.0.0/16 or fe80::/10"),
    value("mac-address", "string", "MAC address; without it, a random one"),
    value("vlan", "int", "VLAN id, in a network of the driver vlan"),
];

/// What the state has besides: the link, and which namespace it is in.
pub const KEPT: &[Flag] = &[value(ATTACHED, "", ""), value(NAMESPACE, "", "")];
const ATTACHED: &str = "attached";
const NAMESPACE: &str = "namespace";

const IFNAME: &str = "com.docker.network.endpoint.ifname";

/// A container in a network, as `connect` was told it.
#[derive(Debug)]
pub struct Joined {
    /// What it was told, and what was chosen then.
    pub words: Words,
    /// The file of the container's namespace.
    pub container: String,
    /// Which namespace that was: see [`identify`].
    pub namespace: String,
    pub member: Member,
}

impl Joined {
    /// The container that these words say, which has its addresses and its link.
    pub fn new(words: Words, pools: &[Pool]) -> Result<Self> {
        let [network, container] = words.names()?.map(str::to_owned);
        let pool = find(pools, &network)?;
        let attached: Attached = words.last(ATTACHED).ok_or("the link is missing")?.parse()?;
        let namespace = words.last(NAMESPACE).ok_or("the namespace is missing")?.to_owned();
        let connection = connection(&words, pool, attached.name, &Held::new())?;
        Ok(Self { words, container, namespace, member: Member::new(&pool.network, connection, attached) })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        name_of(&self.container)
    }

    pub fn is_in(&self, network: &str) -> bool {
        *self.member.network == *network
    }
}

impl fmt::Display for Joined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.name(), self.member.network)
    }
}

/// Those of them that are there still: neither has their namespace ended, nor is another at its path.
pub fn there(joined: &[Joined]) -> impl Iterator<Item = &Joined> {
    let files: Vec<_> = joined.iter().map(|joined| &joined.container).collect();
    let sandboxes = Sandbox::open_all(&files).into_iter();
    let is_there = |(sandbox, joined): (sublink::Result<Sandbox>, &Joined)| match sandbox {
        Ok(mut sandbox) => identify(&mut sandbox).map_or(true, |namespace| namespace == joined.namespace),
        Err(error) => !error.is_not_found(), // one that cannot be looked at may well be there
    };
    let are_there: Vec<_> = sandboxes.zip(joined).map(is_there).collect();
    joined.iter().zip(are_there).filter_map(|(joined, is_there)| is_there.then_some(joined))
}

/// A text that no other namespace has: the machine's start, the device and inode of the namespace's file, and its cookie.
/// An inode number alone passes to the next namespace as soon as the first has ended, and a cookie (since Linux 5.14) is
/// counted anew after each start.
pub fn identify(sandbox: &mut Sandbox) -> Result<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    let file = fstat(sandbox.netns())?;
    let cookie = sandbox.socket().netns_cookie().map_or_else(String::new, |cookie| format!(":{cookie}"));
    Ok(format!("{}:{}:{}{cookie}", boot.trim_end(), file.st_dev, file.st_ino))
}

/// What a container is to have that has a link of this name; addresses that the words do not say are chosen.
pub fn connection(words: &Words, pool: &Pool, name: IfName, held: &Held) -> Result<Connection> {
    let v4 = pool.address(false, words.parsed("ip")?, held)?;
    let v6 = pool.address(true, words.parsed("ip6")?, held)?;
    let addrs: Vec<_> = v4.into_iter().chain(v6).collect();
    let connection = Connection::new(name, &addrs).mac(words.parsed::<MacAddr>("mac-address")?);
    Ok(connection.vlan(words.parsed::<VlanId>("vlan")?).priority(words.parsed("gw-priority")?.unwrap_or(0)))
}

/// The name that the link is to have.
pub fn wanted_name(words: &Words) -> Result<Option<IfName>> {
    let mut wanted = None;
    for option in words.list("driver-opt") {
        match option.split_once('=') {
            Some((IFNAME, name)) => wanted = Some(IfName::new(name)?),
            _ => {
                return Err(format!(
                    "there is no driver option {option:?} for a container here: there is {IFNAME}=NAME"
                )
                .into());
            }
        }
    }
    Ok(wanted)
}

/// The link-local addresses that the link is to have besides.
pub fn link_local_addrs(words: &Words) -> Result<Vec<IpNetwork>> {
    let parse = |text: &str| {
        let prefix = match text.parse() {
            Ok(IpAddr::V4(v4)) if v4.is_link_local() => 16,
            Ok(IpAddr::V6(v6)) if v6.is_unicast_link_local() => 64,
            _ => return Err(format!("--link-local-ip {text}: it is an address of 169.254.0.0/16 or fe80::/10").into()),
        };
        Ok(IpNetwork::new(text.parse()?, prefix)?)
    };
    words.list("link-local-ip").map(parse).collect()
}

/// The words of a connection that has been made.
pub fn with_link(words: &Words, namespace: &str, member: &Member) -> Words {
    let mut words = words.clone();
    for addr in &member.connection.addrs {
        words.set(if addr.is_ipv6() { "ip6" } else { "ip" }, addr.ip().to_string());
    }
    words.set(ATTACHED, member.attached.to_string());
    words.set(NAMESPACE, namespace.to_owned());
    words
}

/// The words of a connection that is to be made again as it was, with the MAC address that was chosen for it.
pub fn again(joined: &Joined) -> Words {
    let mut words = joined.words.clone();
    let attached = &joined.member.attached;
    if let Some(mac) = attached.mac.filter(|_| !attached.has_parents_mac) {
        words.set("mac-address", mac.to_string());
    }
    words
}

/// The file of a container's namespace: of one that `ip netns add` named, of a process, or that file itself.
pub fn file_of(container: &str) -> String {
    if container.contains('/') {
        path::absolute(container).map_or_else(|_| container.to_owned(), |file| file.display().to_string())
    } else if container.bytes().all(|byte| byte.is_ascii_digit()) {
        format!("/proc/{container}/ns/net")
    } else {
        format!("{NAMED}{container}")
    }
}

/// A container's name, the number of its process, or the file of its namespace.
pub fn name_of(file: &str) -> &str {
    let process = file.strip_prefix("/proc/").and_then(|rest| rest.strip_suffix("/ns/net"));
    let process = process.filter(|process| process.bytes().all(|byte| byte.is_ascii_digit()));
    process.or_else(|| file.strip_prefix(NAMED)).unwrap_or(file)
}

const NAMED: &str = "/run/netns/";
