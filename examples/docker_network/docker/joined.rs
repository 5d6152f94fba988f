//! A container in a network.

use super::Result;
use super::pool::{Pool, find};
use super::words::{Flag, Words, value};
use std::fmt;
use std::net::IpAddr;
use std::path;
use sublink::network::{Connection, Member};
use sublink::{Attached, IfName, MacAddr, Netns, VlanId};

/// The flags of `connect`. The last is for the state only: the link.
pub const FLAGS: &[Flag] =
    &[value("ip"), value("ip6"), value("mac-address"), value("gw-priority"), value("vlan"), value(ATTACHED)];
const ATTACHED: &str = "attached";

pub const USAGE: &str = "connect [FLAG …] NETWORK CONTAINER";

/// A container in a network, as `connect` was told it.
#[derive(Debug)]
pub struct Joined {
    /// What it was told, and what was chosen then.
    pub words: Words,
    /// The file of the container's namespace.
    pub container: String,
    pub member: Member,
}

impl Joined {
    /// The container that these words say, which has its addresses and its link.
    pub fn new(words: Words, pools: &[Pool]) -> Result<Self> {
        let [network, container] = words.names(USAGE)?.map(str::to_owned);
        let pool = find(pools, &network)?;
        let attached: Attached = words.last(ATTACHED).ok_or("the link is missing")?.parse()?;
        let connection = connection(&words, pool, attached.name, &[])?;
        Ok(Self { words, container, member: Member::new(&pool.network, connection, attached) })
    }
}

impl fmt::Display for Joined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", name_of(&self.container), self.member.network)
    }
}

/// What a container is to have that has a link of this name; addresses that the words do not say are chosen.
pub fn connection(words: &Words, pool: &Pool, name: IfName, taken: &[IpAddr]) -> Result<Connection> {
    let v4 = pool.address(false, words.parsed("ip")?, taken)?;
    let v6 = pool.address(true, words.parsed("ip6")?, taken)?;
    let addrs: Vec<_> = v4.into_iter().chain(v6).collect();
    let connection = Connection::new(name, &addrs).mac(words.parsed::<MacAddr>("mac-address")?);
    Ok(connection.vlan(words.parsed::<VlanId>("vlan")?).priority(words.parsed("gw-priority")?.unwrap_or(0)))
}

/// The words of a connection that has been made.
pub fn with_link(words: &Words, container: &str, connection: &Connection, attached: &Attached) -> Words {
    let mut words = words.clone();
    for addr in &connection.addrs {
        words.set(if addr.is_ipv6() { "ip6" } else { "ip" }, addr.ip().to_string());
    }
    words.set(ATTACHED, attached.to_string());
    if let Some(name) = words.names.last_mut() {
        container.clone_into(name);
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

/// A container's name, or the file of its namespace.
pub fn name_of(file: &str) -> &str {
    file.strip_prefix(NAMED).unwrap_or(file)
}

const NAMED: &str = "/run/netns/";

/// Those of this namespace, by whatever file: the networks of one container.
pub fn in_namespace(joined: &[Joined], namespace: &Netns) -> Vec<usize> {
    let is_here =
        |joined: &Joined| Netns::open(&joined.container).is_ok_and(|n| n.is_same_as(namespace).unwrap_or(false));
    (0..joined.len()).filter(|number| is_here(&joined[*number])).collect()
}
