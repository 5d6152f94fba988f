//! A container, and the namespace in which the parent of its link is: the host's, or its own.

use super::config::{Config, Lists};
use super::protocol::{Interface, Result, Success, is_ended};
use super::record::Key;
use super::routes::with_result;
use std::env;
use std::time::Duration;
use sublink::link::{Ipv4Setting, Ipv6Setting};
use sublink::{Attached, Endpoint, ErrorKind, IfIndex, IfName, Netns, Sandbox, Socket};

/// How long duplicate address detection may take.
const DAD: Duration = Duration::from_secs(10);

/// A container, and a socket where the parent is.
pub struct Place {
    pub netns: String,
    pub host: Socket,
    pub pod: Sandbox,
}

impl Place {
    pub fn open(config: &Config, netns: String) -> Result<Self> {
        let pod = Sandbox::open_on_this_thread(&netns)?;
        Self::of(config, netns, pod)
    }

    /// `None` if the container has ended: its links are gone with its namespace.
    pub fn open_unless_ended(config: &Config, netns: String) -> Result<Option<Self>> {
        match Sandbox::open_on_this_thread(&netns) {
            Err(error) if is_ended(&error) => Ok(None),
            pod => Self::of(config, netns, pod?).map(Some),
        }
    }

    fn of(config: &Config, netns: String, pod: Sandbox) -> Result<Self> {
        let host = if config.link_in_container { Socket::open_in(pod.netns())? } else { Socket::open()? };
        Ok(Self { netns, host, pod })
    }

    /// Refuses the host's own namespace, unless the environment allows it.
    pub fn refuse_host(&mut self, config: &Config) -> Result<()> {
        let is_host = if config.link_in_container {
            self.pod.netns().is_same_as(Netns::current()?)?
        } else {
            self.host.is_in_same_namespace(self.pod.socket()) != Some(false)
        };
        if may_be_host() || !is_host { Ok(()) } else { Err(sublink::Error::from(ErrorKind::SameNamespace).into()) }
    }

    /// Gives the link its settings, addresses and routes, brings it up, and waits until its addresses can be used.
    pub fn finish(&mut self, config: &Config, link: Endpoint<'_>, attached: &Attached, result: &Success) -> Result<()> {
        let mut endpoint = with_result(link, result)
            .ipv4(Ipv4Setting::ARP_NOTIFY, 1)
            .ipv6_if_possible(Ipv6Setting::NDISC_NOTIFY, 1)
            .usable_within(DAD);
        if result.ips.iter().any(|ip| ip.address.is_ipv6()) {
            self.pod.set_sysctl("ipv6/conf/lo/disable_ipv6", "0")?; // a container may speak with itself
            endpoint = endpoint.ipv6(Ipv6Setting::DISABLE_IPV6, 0).ipv6_if_possible(Ipv6Setting::KEEP_ADDR_ON_DOWN, 1);
        }
        for (setting, value) in config.sysctls(&attached.name.to_string())? {
            self.pod.set_sysctl(setting, value)?;
        }
        Ok(endpoint.finish(attached, &mut self.pod)?)
    }

    pub fn interface(&mut self, attached: &Attached) -> Result<Interface> {
        let link = self.pod.socket().link_at(attached.index)?;
        let (name, mac) = (attached.name.to_string(), link.mac().to_string());
        Ok(Interface { name, mac, mtu: Some(link.mtu()), sandbox: self.netns.clone() })
    }
}

/// The endpoint on `parent`, as yet without addresses.
pub fn endpoint<'l>(config: &Config, lists: &'l Lists, key: &Key, parent: IfIndex, most: u32) -> Result<Endpoint<'l>> {
    let endpoint = Endpoint::new(config.link(lists, IfName::new(&key.ifname)?, parent, most)?);
    Ok(if may_be_host() || config.link_in_container { endpoint.allow_same_namespace() } else { endpoint })
}

fn may_be_host() -> bool {
    matches!(env::var("CNI_NETNS_OVERRIDE").as_deref(), Ok("1" | "t" | "T" | "true" | "TRUE" | "True"))
}
