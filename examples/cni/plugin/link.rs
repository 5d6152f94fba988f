//! The links, by sublink: what each command does in the kernel.

use super::config::{Config, Lists, required};
use super::ipam::Ipam;
use super::protocol::{DIFFERS, Error, Interface, Result, Success, is_ended};
use super::record::{Key, Record};
use super::routes::with_result;
use std::env;
use std::thread;
use std::time::{Duration, Instant};
use sublink::endpoint::{Detach, Difference, Fate};
use sublink::link::{Ipv4Setting, Ipv6Setting, LinkKind};
use sublink::network::{Parent, Removal};
use sublink::{Attached, Endpoint, IfIndex, IfName, Owner, Sandbox, Socket, network};

/// How long duplicate address detection may take.
const DAD: Duration = Duration::from_secs(10);

/// How long the links of a namespace that has just ended may still stand on their parent.
const DYING: Duration = Duration::from_secs(1);

/// Whose mark the VLANs have that are made on demand.
fn owner() -> Result<Owner> {
    Ok(Owner::new("cni").map_err(network::Error::from)?)
}

/// A container, and a socket where the parent is.
struct Place {
    netns: String,
    host: Socket,
    pod: Sandbox,
}

impl Place {
    fn open(config: &Config, netns: String) -> Result<Self> {
        let pod = Sandbox::open(&netns)?;
        let host = if config.link_in_container { Socket::open_in(pod.netns())? } else { Socket::open()? };
        Ok(Self { netns, host, pod })
    }

    /// Gives the link its settings, addresses and routes, brings it up, and waits until its addresses can be used.
    fn finish(&mut self, config: &Config, link: Endpoint<'_>, attached: &Attached, result: &Success) -> Result<()> {
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

    fn interface(&mut self, attached: &Attached) -> Result<Interface> {
        let link = self.pod.socket().link_at(attached.index)?;
        let (name, mac) = (attached.name.to_string(), link.mac().to_string());
        Ok(Interface { name, mac, mtu: Some(link.mtu()), sandbox: self.netns.clone() })
    }
}

/// The endpoint on `parent`, as yet without addresses.
fn endpoint<'l>(config: &Config, lists: &'l Lists, key: &Key, parent: IfIndex, most: u32) -> Result<Endpoint<'l>> {
    let link = config.link(lists, IfName::new(&key.ifname)?, parent, most)?;
    let endpoint = Endpoint::new(link);
    let may_be_same = matches!(env::var("CNI_NETNS_OVERRIDE").as_deref(), Ok("1" | "true" | "TRUE" | "True"));
    Ok(if may_be_same || config.link_in_container { endpoint.allow_same_namespace() } else { endpoint })
}

/// The name of the parent: the configured one, else the interface of `prevResult`, else the link of the default route.
fn master(config: &Config, host: &mut Socket) -> Result<IfName> {
    if let Some(name) = config.master() {
        return Ok(IfName::new(name)?);
    }
    if config.kind()? == LinkKind::Vlan {
        return Err(Error::configuration("master is missing: the name of the link that the VLAN is to stand on"));
    }
    if let Some(previous) = &config.prev_result {
        return match &*previous.interfaces {
            [one] if !one.name.is_empty() => Ok(IfName::new(&one.name)?),
            _ => {
                Err(Error::configuration("master is missing, and prevResult has not one interface that could be meant"))
            }
        };
    }
    if let Some(index) = host.default_link()? {
        return Ok(host.link_at(index)?.if_name());
    }
    Err(Error::configuration("master is missing, and there is no default route whose link could be meant"))
}

pub fn add(config: &Config, key: &Key, ipam: Option<&Ipam<'_>>) -> Result<Success> {
    let (lists, records, owner) = (config.lists()?, config.records(), owner()?);
    let mut place = Place::open(config, required("CNI_NETNS")?)?;
    let parent = Parent::new(master(config, &mut place.host)?);
    let up = parent.up(&mut place.host, &owner)?;
    let most = place.host.link_at(up.index)?.mtu();
    let link = endpoint(config, &lists, key, up.index, most)?;
    let (_, attached) = parent.prepare(&mut place.host, &owner, &mut place.pod, |index| Ok(link.clone().on(index)))?;
    let mut configure = || {
        let (netns, master) = (place.netns.clone(), parent.name().to_string());
        records.write(key, &Record { netns, attached: attached.to_string(), master })?;
        let chained = config.prev_result.clone().filter(|previous| ipam.is_none() && !previous.ips.is_empty());
        let mut result = match (chained, ipam) {
            (Some(previous), _) => previous,
            (None, Some(ipam)) => ipam.add()?,
            (None, None) => Success::default(),
        };
        place.finish(config, link.clone(), &attached, &result)?;
        result.interfaces = vec![place.interface(&attached)?];
        result.ips.iter_mut().for_each(|ip| ip.interface = Some(0));
        if !config.dns.is_empty() {
            result.dns.clone_from(&config.dns);
        }
        Ok(result)
    };
    configure().inspect_err(|_| {
        let _ = attached.detach(&mut place.host, &mut place.pod, &Detach::new());
        let _ = ipam.map(|ipam| ipam.call("DEL"));
        let _ = parent.remove(&mut place.host, &owner, &[]);
        let _ = records.remove(key);
    })
}

pub fn check(config: &Config, key: &Key) -> Result<()> {
    let (lists, previous) = (config.lists()?, config.prev_result.as_ref());
    let previous = previous.ok_or_else(|| Error::configuration("prevResult is missing"))?;
    let mut place = Place::open(config, required("CNI_NETNS")?)?;
    let is_ours = |interface: &&Interface| interface.name == key.ifname && interface.sandbox == place.netns;
    let interface = previous.interfaces.iter().find(is_ours);
    let interface = interface.ok_or_else(|| {
        Error::configuration(format!("prevResult has no interface {} in {}", key.ifname, place.netns))
    })?;
    let master = master(config, &mut place.host)?;
    let (parent, most) = {
        let link = place.host.link(master)?;
        (link.index(), link.mtu())
    };
    let mut attached = attached(config, key, &mut place.pod)?.ok_or_else(|| Error::new(DIFFERS, Difference::Gone))?;
    attached.mac = interface.mac.parse().ok(); // a later plugin may have changed it
    let endpoint = with_result(endpoint(config, &lists, key, parent, most)?, previous);
    let differences = endpoint.check(&attached, &mut place.pod)?;
    // Later plugins of a list may change the MTU.
    let wrong: Vec<_> = differences.iter().filter(|one| !matches!(one, Difference::Mtu { .. })).collect();
    if wrong.is_empty() {
        return Ok(());
    }
    let words: Vec<_> = wrong.iter().map(ToString::to_string).collect();
    Err(Error::new(DIFFERS, format!("{}: {}", key.ifname, words.join("; "))))
}

/// The link, whatever name it has now. Without a record, the link of the name.
fn attached(config: &Config, key: &Key, pod: &mut Sandbox) -> Result<Option<Attached>> {
    let recorded = config.records().read(key)?.and_then(|record| record.attached.parse().ok());
    match recorded {
        Some(attached) => Ok(Some(attached)),
        None => {
            Ok(Attached::find(pod, &key.ifname)?.filter(|found| config.kind().is_ok_and(|kind| kind == found.kind)))
        }
    }
}

/// Deletes the link, and its parent with the last one. What is gone already is no error.
pub fn delete(config: &Config, key: &Key) -> Result<()> {
    let (records, owner) = (config.records(), owner()?);
    let record = records.read(key)?;
    let netns = required("CNI_NETNS").ok().or_else(|| record.as_ref().map(|record| record.netns.clone()));
    let mut is_ended = true;
    if let Some(mut place) = netns.map(|netns| open_unless_ended(config, netns)).transpose()?.flatten() {
        is_ended = false;
        if let Some(attached) = attached(config, key, &mut place.pod)? {
            let fate = attached.detach(&mut place.host, &mut place.pod, &Detach::new())?.link;
            if let Fate::OutOfReach(_) = fate {
                return Err(Error::new(11, format!("{}: the container has moved it out of reach", key.ifname)));
            }
        }
    }
    let master = record.map(|record| record.master).or_else(|| config.master().map(str::to_owned));
    if let Some(master) = master.filter(|_| !config.link_in_container) {
        remove_parent(Parent::new(IfName::new(&master)?), &owner, is_ended)?;
    }
    records.remove(key)
}

/// Opens the container's namespace. `None` if it has ended: its links are gone with it.
fn open_unless_ended(config: &Config, netns: String) -> Result<Option<Place>> {
    match Sandbox::open(&netns) {
        Err(error) if is_ended(&error) => Ok(None),
        Err(error) => Err(error.into()),
        Ok(_) => Place::open(config, netns).map(Some),
    }
}

/// Removes the parent. Links of a namespace that has just ended still stand on it for a moment.
fn remove_parent(parent: Parent, owner: &Owner, is_ended: bool) -> Result<()> {
    let (mut host, since) = (Socket::open()?, Instant::now());
    while parent.remove(&mut host, owner, &[])? == Removal::InUse && is_ended && since.elapsed() < DYING {
        thread::sleep(DYING / 20);
    }
    Ok(())
}

/// Deletes what no valid attachment names.
pub fn collect(config: &Config) -> Result<()> {
    let valid = config.valid_attachments.as_deref();
    let valid = valid.ok_or_else(|| Error::configuration("cni.dev/valid-attachments is missing"))?;
    let stale = config.records().keys()?.into_iter().filter(|key| !valid.contains(key));
    // A failure does not stop the others.
    stale.map(|key| delete(config, &key).map_err(|error| error.during(&key.container))).fold(Ok(()), Result::and)
}

pub fn status(config: &Config) -> Result<()> {
    if config.link_in_container {
        return Ok(()); // it has no container to look in
    }
    let mut host = Socket::open()?;
    let is_ready = master(config, &mut host).and_then(|name| Ok(Parent::new(name).plan(&mut host, &owner()?)?));
    is_ready.map(drop).map_err(|error| Error { code: 50, ..error })
}
