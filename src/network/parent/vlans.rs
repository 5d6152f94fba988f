//! Whether a VLAN stands on a link, in whatever namespace.
//!
//! No list shows a VLAN in another namespace. Two things do:
//!
//! - The first VLAN on a link makes the kernel listen there for VLAN registration (GVRP, MVRP): it adds the group address
//!   01:80:c2:00:00:21 to the link's list, and the last VLAN takes it away. It does so for a VLAN in any namespace, up or
//!   down (`register_vlan_dev` in `net/8021q/vlan.c`). A kernel can be built without GVRP and MVRP, so a VLAN of our own on the
//!   probe first shows whether this kernel does it.
//! - A create with an invalid flag. The kernel checks for an existing VLAN before it checks the flags, so an existing one
//!   answers EEXIST and any other EINVAL (`vlan_newlink` in `net/8021q/vlan_netlink.c`). It takes a request for each id, and
//!   a tenth of a second for all.
//!
//! The first can only show that there is no VLAN. Somebody else may listen to that address too; then the second decides.

use super::mark::temporary_name;
use super::probe::Probe;
use crate::batch::{Batch, CHUNK, Outcome};
use crate::error::Result;
use crate::link::{ListLinks, NewLink, VlanId, VlanProtocol};
use crate::neigh::{ListForwarding, MacsOn};
use crate::socket::{Socket, impossible_vlan};
use crate::value::{IfIndex, LAST_VLAN_ID};
use nix::errno::Errno;

/// The group address of GVRP and MVRP.
const REGISTRATION: [u8; 6] = [0x01, 0x80, 0xc2, 0x00, 0x00, 0x21];

/// Whether a VLAN stands on `link`, which has a probe if one could be made.
///
/// # Errors
/// Why it is not known: `false` is never returned while an answer is missing.
pub(super) fn carries_vlan(host: &mut Socket, link: IfIndex, probe: Option<&mut Probe>) -> Result<bool> {
    if probe.is_some_and(|probe| shows_vlans(host, probe)) && listens(host, link) == Some(false) {
        return Ok(false);
    }
    has_any_vlan(host, link)
}

/// The same, by a list of the VLANs here, and by asking for each id.
pub(super) fn has_any_vlan(host: &mut Socket, link: IfIndex) -> Result<bool> {
    let first = host.has_vlan(link, VlanId::new(0)?, VlanProtocol::Ieee8021Q);
    if first.is_err_and(|error| error.is_not_supported()) {
        return Ok(false); // there is no driver, which the kernel looks for each time
    }
    let vlans = ListLinks::new().kind("vlan").without_room();
    if host.finds_of_kind(vlans, |vlan| vlan.parent_here() == Some(link))? {
        return Ok(true); // one of this namespace
    }
    for protocol in [VlanProtocol::Ieee8021Q, VlanProtocol::Ieee8021Ad] {
        if has_any_id(host, link, protocol)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether this kernel listens for registration where a VLAN is: seen by one that is made on `probe`, and goes with it.
fn shows_vlans(host: &mut Socket, probe: &mut Probe) -> bool {
    let index = probe.index;
    let socket = probe.socket(host);
    if listens(socket, index) != Some(false) {
        return false;
    }
    let (Ok(id), Ok(name)) = (VlanId::new(1), temporary_name()) else { return false };
    socket.apply(&NewLink::vlan(index, id).name(name)).is_ok() && listens(socket, index) == Some(true)
}

/// Whether the group address of VLAN registration is in the link's list; `None` if that cannot be said.
pub(super) fn listens(host: &mut Socket, link: IfIndex) -> Option<bool> {
    let found = MacsOn::of(&host.snapshot(&ListForwarding::new(link)).ok()?, &[]);
    found.certainty.is_whole().then(|| found.groups.iter().any(|group| group.bytes() == REGISTRATION))
}

/// Whether any VLAN of this protocol stands on a link. Asking changes nothing, so where an answer was lost, the id is asked
/// for again by itself.
fn has_any_id(host: &mut Socket, link: IfIndex, protocol: VlanProtocol) -> Result<bool> {
    let ids = (0..=LAST_VLAN_ID).map(VlanId::new).collect::<Result<Vec<_>, _>>()?;
    let mut batch = Batch::new();
    for ids in ids.chunks(CHUNK) {
        batch.clear();
        for id in ids {
            batch.push(&impossible_vlan(link, *id, protocol))?;
        }
        let _ = host.run(&mut batch); // each outcome is looked at
        for (id, outcome) in ids.iter().zip(batch.outcomes()) {
            let is_there = is_taken(outcome).map_or_else(|| host.has_vlan(link, *id, protocol), Ok)?;
            if is_there {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Whether a VLAN has the id, by the outcome of a create with invalid flags. `None` if there was no answer, or another one.
fn is_taken(outcome: &Outcome) -> Option<bool> {
    const TAKEN: i32 = Errno::EEXIST as i32;
    const FREE: i32 = Errno::EINVAL as i32;
    match outcome {
        Outcome::Failed(error) if error.errno == TAKEN => Some(true),
        Outcome::Failed(error) if error.errno == FREE => Some(false),
        _ => None,
    }
}
