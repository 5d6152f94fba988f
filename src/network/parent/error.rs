//! What is wrong with a parent, in words that its user can act on.

use crate::link::{VlanId, VlanProtocol};
use crate::value::{IfName, InvalidValue, LAST_VLAN_ID};

/// Why a parent cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidParent {
    /// An owner that cannot be one.
    #[error("an owner has 1 to 64 bytes, and no colon or control character")]
    Owner,
    /// A name that no interface can have.
    #[error("{name:?} cannot be the name of a parent interface: {why}{}", way_out(.name))]
    Name {
        /// What was said.
        name: Box<str>,
        /// Why it cannot be.
        why: InvalidValue,
    },
    /// What says a VLAN apart from its name, and does not say one.
    #[error("{0:?} is not a VLAN, which is said as BASE.ID, an interface and a number from 1 to {LAST_VLAN_ID}")]
    Vlan(Box<str>),
    /// `lo` as the parent.
    #[error("lo cannot be the parent of a macvlan or VLAN network")]
    Loopback,
    /// A parent that is not there, and is not named as a VLAN that could be made.
    #[error("there is no interface {0}, and it cannot be made: a VLAN that is made is named BASE.ID, as in eth0.50")]
    NoParent(IfName),
    /// The parent, or the base of a VLAN to be made, is an alternative name of a link.
    #[error("{name} is an alternative name of {owner}: use the name {owner}")]
    OnlyAltName {
        /// What was said.
        name: IfName,
        /// The link's own name.
        owner: IfName,
    },
    /// The base of a VLAN to be made is not there.
    #[error("the interface {base}, on which {parent} would be made, does not exist")]
    NoBase {
        /// The parent's name.
        parent: IfName,
        /// The link that it would stand on.
        base: IfName,
    },
    /// The id of a VLAN to be made is none.
    #[error("{id:?} in {parent} is not a VLAN id, which is a number from 1 to {LAST_VLAN_ID}")]
    VlanId {
        /// The parent's name.
        parent: IfName,
        /// What stands behind a dot.
        id: Box<str>,
    },
    /// The VLAN to be made is there under another name.
    #[error("VLAN {id}, which {parent} would be, is there already{}", as_what(*.there))]
    VlanIsThere {
        /// The parent's name.
        parent: IfName,
        /// The VLAN's id.
        id: VlanId,
        /// The link that is this VLAN.
        there: IfName,
    },
    /// The outermost tag was to be of a protocol, and a VLAN that is there has another.
    #[error("{there}, on which {parent} would be made, is a VLAN of {found} and not of {asked}, as was asked for")]
    OuterProtocol {
        /// The parent's name.
        parent: IfName,
        /// The VLAN that it would stand on.
        there: IfName,
        /// Its protocol.
        found: VlanProtocol,
        /// The protocol that was asked for.
        asked: VlanProtocol,
    },
    /// An MTU above that of the link that the parent would be made on.
    #[error("the MTU {mtu} of {parent} is above the {base_mtu} of {base}, on which it would be made")]
    MtuAboveBase {
        /// The parent's name.
        parent: IfName,
        /// The MTU that was asked for.
        mtu: u32,
        /// The link that it would be made on.
        base: IfName,
        /// The MTU of that.
        base_mtu: u32,
    },
    /// The host's access to a parent's containers has a link of its own, and another link has its name.
    #[error("the host's access to what stands on {parent} would be named {name}, and another link is")]
    AccessNameIsTaken {
        /// The parent's name.
        parent: IfName,
        /// The name.
        name: IfName,
    },
    /// The host has a route to what its access would lead to. One of them would take the other's place, and the rest of the
    /// network with it.
    #[error("the host has a route to {to} already, by {by}: say which part of it the containers have")]
    AccessRouteIsThere {
        /// Where it leads.
        to: ipnetwork::IpNetwork,
        /// The link of the other route.
        by: IfName,
    },
    /// The host's access to a parent's containers has no address of a family that it has routes of.
    #[error("the host's access to {0} has no address of that family")]
    AccessWithoutAddress(ipnetwork::IpNetwork),
}

/// What to do where BASE.ID is too long to be a name.
fn way_out(name: &str) -> &'static str {
    let is_vlan = name.len() > 15 && name.rsplit_once('.').is_some_and(|(_, id)| id.parse::<u16>().is_ok());
    if is_vlan { "; the parent can have a name of its own, and the VLAN be said beside it (parent_vlan)" } else { "" }
}

/// A link has a temporary name while it is made.
fn as_what(there: IfName) -> String {
    if there.is_temporary() {
        ", unfinished: another program is making it, or was stopped before it had".into()
    } else {
        format!(" as {there}: make that the parent")
    }
}
