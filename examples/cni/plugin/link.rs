//! The links, by sublink: what each command does in the kernel.

use super::config::{Config, required};
use super::ipam::Ipam;
use super::master::{self, master, owner};
use super::place::{Place, endpoint};
use super::protocol::{DIFFERS, Error, Interface, Result, Success};
use super::record::{Key, Record};
use super::routes::with_result;
use sublink::endpoint::{Detach, Difference, Fate};
use sublink::network::Parent;
use sublink::{Attached, Endpoint, IfName, Sandbox, Socket};

/// Makes the link. A record is written beforehand.
pub fn add(config: &Config, key: &Key, ipam: Option<&Ipam<'_>>) -> Result<Success> {
    let records = config.records()?;
    let mut place = Place::open(config, required("CNI_NETNS")?)?;
    place.refuse_host(config)?;
    let parent = Parent::new(master(config, &mut place.host)?);
    let mut record = Record { netns: place.netns.clone(), attached: String::new(), master: parent.name().to_string() };
    let is_first = records.reserve(key, &record)?;
    let added = add_to(config, key, ipam, &mut place, &parent, &mut record);
    if added.is_err() {
        let _ = match &*record.attached {
            "" if is_first => records.withdraw(key),
            "" => Ok(()), // another's
            _ => records.remove(key),
        };
    }
    added
}

fn add_to(
    config: &Config,
    key: &Key,
    ipam: Option<&Ipam<'_>>,
    place: &mut Place,
    parent: &Parent,
    record: &mut Record,
) -> Result<Success> {
    let (lists, owner) = (config.lists()?, owner()?);
    let up = parent.up(&mut place.host, &owner)?;
    let mut prepare = || {
        let link = endpoint(config, &lists, key, up.index, up.mtu)?;
        let on = |index| Ok(link.clone().on(index));
        let (_, attached) = parent.prepare(&mut place.host, &owner, &mut place.pod, on)?;
        Ok((link, attached))
    };
    let (link, attached) = prepare().inspect_err(|_: &Error| {
        let _ = master::remove(parent, &mut place.host, false);
    })?;
    record.attached = attached.to_string();
    configure(config, key, ipam, place, link, &attached, record).inspect_err(|_| {
        let _ = attached.detach(&mut place.host, &mut place.pod, &Detach::new().link_only());
        let _ = ipam.map(|ipam| ipam.call("DEL"));
        let _ = master::remove(parent, &mut place.host, false);
    })
}

/// Writes the record of the link that was made, and gives the link its addresses.
fn configure(
    config: &Config,
    key: &Key,
    ipam: Option<&Ipam<'_>>,
    place: &mut Place,
    link: Endpoint<'_>,
    attached: &Attached,
    record: &Record,
) -> Result<Success> {
    config.records()?.write(key, record)?;
    let chained = config.prev_result.clone().filter(|previous| ipam.is_none() && !previous.ips.is_empty());
    let mut result = match (chained, ipam) {
        (Some(previous), _) => previous,
        (None, Some(ipam)) => ipam.add()?,
        (None, None) => Success::default(),
    };
    place.finish(config, link, attached, &result)?;
    result.interfaces = vec![place.interface(attached)?];
    result.ips.iter_mut().for_each(|ip| ip.interface = Some(0));
    if !config.dns.is_empty() {
        result.dns.clone_from(&config.dns);
    }
    Ok(result)
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
    let record = config.records()?.read(key)?;
    let master = match &record {
        Some(record) => IfName::new(&record.master)?, // the default route may lead elsewhere by now
        None => master(config, &mut place.host)?,
    };
    let (parent, most) = {
        let link = place.host.link(master)?;
        (link.index(), link.mtu())
    };
    let mut attached =
        attached(config, key, record.as_ref(), &mut place.pod)?.ok_or_else(|| Error::new(DIFFERS, Difference::Gone))?;
    attached.kind = config.kind()?;
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
fn attached(config: &Config, key: &Key, record: Option<&Record>, pod: &mut Sandbox) -> Result<Option<Attached>> {
    let recorded = record.and_then(|record| record.attached.parse().ok());
    match recorded {
        Some(attached) => Ok(Some(attached)),
        None => {
            Ok(Attached::find(pod, &key.ifname)?.filter(|found| config.kind().is_ok_and(|kind| kind == found.kind)))
        }
    }
}

/// Deletes the link, and its parent with the last one. What is gone already is no error. `netns` is the
/// runtime's; without it, the record's is used.
pub fn delete(config: &Config, key: &Key, netns: Option<String>) -> Result<()> {
    let records = config.records()?;
    let record = records.read(key)?;
    let netns = netns.or_else(|| record.as_ref().map(|record| record.netns.clone()));
    let mut place = netns.map(|netns| Place::open_unless_ended(config, netns)).transpose()?.flatten();
    if let Some(place) = &mut place {
        if let Some(attached) = attached(config, key, record.as_ref(), &mut place.pod)? {
            let fate = attached.detach(&mut place.host, &mut place.pod, &Detach::new().link_only())?.link;
            if let Fate::OutOfReach(_) = fate {
                return Err(Error::new(11, format!("{}: the container has moved it out of reach", key.ifname)));
            }
        }
    }
    let name = record.map(|record| record.master).or_else(|| config.master().map(str::to_owned));
    if let Some(parent) = name.as_deref().map(IfName::new).transpose()?.map(Parent::new) {
        match &mut place {
            Some(place) => master::remove(&parent, &mut place.host, false)?,
            None if config.link_in_container => {} // it went with the container
            None => master::remove(&parent, &mut Socket::open()?, true)?,
        }
    }
    records.remove(key)
}

/// Deletes what no valid attachment names.
pub fn collect(config: &Config) -> Result<()> {
    let valid = config.valid_attachments.as_deref();
    let valid = valid.ok_or_else(|| Error::configuration("cni.dev/valid-attachments is missing"))?;
    let stale = config.records()?.keys()?.into_iter().filter(|key| !valid.contains(key));
    // A failure does not stop the others.
    stale.map(|key| delete(config, &key, None).map_err(|error| error.during(&key.container))).fold(Ok(()), Result::and)
}

pub fn status(config: &Config) -> Result<()> {
    if config.link_in_container {
        return Ok(()); // it has no container to look in
    }
    let mut host = Socket::open()?;
    let is_ready = master(config, &mut host).and_then(|name| Ok(Parent::new(name).plan(&mut host, &owner()?)?));
    is_ready.map(drop).map_err(|error| Error { code: 50, ..error })
}
