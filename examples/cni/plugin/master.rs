//! The parent of a link: which one it is, made on demand, removed with the last link on it.

use super::config::Config;
use super::protocol::{Error, Result};
use std::thread;
use std::time::{Duration, Instant};
use sublink::error::Class;
use sublink::link::LinkKind;
use sublink::network::{Parent, Removal};
use sublink::{IfName, Owner, Socket, network};

/// How long the links of a namespace that has just ended may still stand on their parent.
const DYING: Duration = Duration::from_secs(1);

/// How often a parent's removal is tried.
const TRIES: u32 = 3;

/// Whose mark the VLANs have that are made on demand.
pub fn owner() -> Result<Owner> {
    Ok(Owner::new("cni").map_err(network::Error::from)?)
}

/// The configured one. Without it, an ipvlan behind another plugin stands on that plugin's one link, and a macvlan or an
/// ipvlan on the link of the default route.
pub fn master(config: &Config, host: &mut Socket) -> Result<IfName> {
    if let Some(name) = config.master() {
        return Ok(IfName::new(name)?);
    }
    match (config.kind()?, &config.prev_result) {
        (LinkKind::Vlan, _) => {
            Err(Error::configuration("master is missing: the name of the link that the VLAN is to stand on"))
        }
        (LinkKind::Ipvlan, Some(previous)) => match &*previous.interfaces {
            [one] if !one.name.is_empty() => Ok(IfName::new(&one.name)?),
            _ => {
                Err(Error::configuration("master is missing, and prevResult has not one interface that could be meant"))
            }
        },
        _ => match host.default_link()? {
            Some(index) => Ok(host.link_at(index)?.if_name()),
            None => {
                Err(Error::configuration("master is missing, and there is no default route whose link could be meant"))
            }
        },
    }
}

/// Removes the parent, if it was made on demand and nothing stands on it. Links of a namespace that has just ended
/// (`is_ended`) still stand on it for a moment. On a very busy machine a removal may be given up as too slow to be sure of: then
/// it is tried again.
pub fn remove(parent: &Parent, host: &mut Socket, is_ended: bool) -> Result<()> {
    let (owner, since, mut tries) = (owner()?, Instant::now(), 1);
    loop {
        match parent.remove(host, &owner, &[]) {
            Ok(Removal::InUse) if is_ended && since.elapsed() < DYING => thread::sleep(DYING / 20),
            Err(network::Error::Failed(error)) if tries < TRIES && error.class() == Class::Transient => tries += 1,
            removal => return Ok(removal.map(drop)?),
        }
    }
}
