//! The reasons, as values and as sentences.

use super::{Class, Subject};
use crate::link::{Ipv6Setting, MacvlanMode, VlanId};
use crate::value::{IPV6_MTU, IfIndex, IfName, MacAddr, NsId};
use std::fmt;

/// Why a request failed. It prints as a sentence.
///
/// A reason about another namespace is inferred: nothing that can be seen here explains the failure. What was in the way may
/// be gone by now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// The MAC address is the parent's own.
    #[error("the MAC address {mac} is that of the parent {parent} itself")]
    MacOfParent {
        /// The address.
        mac: MacAddr,
        /// Its owner.
        parent: IfName,
    },
    /// The MAC address is another child's, which is up.
    #[error("the MAC address {mac} is already used by {owner} (#{index}) on the same parent")]
    MacOfSibling {
        /// The address.
        mac: MacAddr,
        /// Its owner.
        owner: IfName,
        /// The owner's index.
        index: IfIndex,
    },
    /// The MAC address is that of a child which this namespace does not show.
    #[error("the MAC address {mac} is used by a child of {parent} in another namespace, or was until now")]
    MacElsewhere {
        /// The address.
        mac: MacAddr,
        /// The parent of both.
        parent: IfName,
    },
    /// A parent has one passthru child and no other; these are on it.
    #[error("a passthru child shares its parent with no other, and {parent} has {}", or_elsewhere(.children))]
    Passthru {
        /// The parent.
        parent: IfName,
        /// Its children in this namespace; if there are none, one in another namespace is in the way.
        children: Vec<IfName>,
    },
    /// The mode cannot be changed to or from passthru.
    #[error("a mode cannot be changed to or from passthru: {link} is in {from} mode")]
    PassthruIsForLife {
        /// The link.
        link: IfName,
        /// Its mode.
        from: MacvlanMode,
    },
    /// Only source mode has a list of senders.
    #[error("only source mode has a list of senders, {0} mode has none")]
    NotInSourceMode(MacvlanMode),
    /// The kernel has no such mode.
    #[error("there is no mode {0}")]
    NoSuchMode(MacvlanMode),
    /// A child's MTU is at most its parent's.
    #[error("the MTU {mtu} is above the {parent_mtu} of the parent {parent}")]
    MtuAboveParent {
        /// What was asked for.
        mtu: u32,
        /// The parent.
        parent: IfName,
        /// What it has.
        parent_mtu: u32,
    },
    /// `lo` cannot be a parent.
    #[error("{0} is a loopback, which cannot be a parent")]
    ParentIsLoopback(IfName),
    /// A parent must be Ethernet.
    #[error("the parent {parent} is not Ethernet (hardware type {device_type})")]
    ParentIsNotEthernet {
        /// The parent.
        parent: IfName,
        /// `ARPHRD_…`
        device_type: u16,
    },
    /// The parent belongs to a bridge, a bond or the like, which takes its packets.
    #[error("the parent {parent} is a port of {master}, which takes its packets")]
    ParentIsPort {
        /// The parent.
        parent: IfName,
        /// The bridge, bond or other master.
        master: IfName,
    },
    /// A link carries macvlans, ipvlans, or is a port: one of the three.
    #[error("{parent} carries {child}, of kind {kind}, which takes its packets")]
    ParentCarries {
        /// The parent.
        parent: IfName,
        /// One of its children.
        child: IfName,
        /// That one's kind.
        kind: Box<str>,
    },
    /// Something that this namespace does not show takes the parent's packets.
    #[error(
        "the packets of the parent {parent} are taken, or were until now: by an ipvlan or macvlan in another namespace, \
         or by a switch{}", or_index(*.index)
    )]
    ParentIsTaken {
        /// The parent.
        parent: IfName,
        /// The index that was chosen in another namespace, which may be what is taken (up to Linux 6.12).
        index: Option<IfIndex>,
    },
    /// The parent is down, and the child can only come up after it.
    #[error("the parent {0} is down: bring it up first")]
    ParentIsDown(IfName),
    /// There is no such parent any more.
    #[error("there is no link #{0} that could be the parent")]
    ParentIsGone(IfIndex),
    /// There is no such master any more.
    #[error("there is no link #{0} that could be the master")]
    MasterIsGone(IfIndex),
    /// There is no such link any more.
    #[error("there is no link #{0}")]
    LinkIsGone(IfIndex),
    /// The link is of another kind than the change is for.
    #[error("{link} is no {kind}")]
    OfAnotherKind {
        /// The link.
        link: IfName,
        /// What it is not.
        kind: Box<str>,
    },
    /// The VLAN is there already.
    #[error("VLAN {id} is there already: {name} (#{index})")]
    VlanIsThere {
        /// Its id.
        id: VlanId,
        /// Its name.
        name: IfName,
        /// Its index.
        index: IfIndex,
    },
    /// The VLAN is there already, in a namespace that this one does not show.
    #[error("VLAN {0} is there already, in another namespace, or was until now")]
    VlanIsElsewhere(VlanId),
    /// The name is another link's, or an alternative name of one.
    #[error("the name {name} is taken by {owner} (#{index})")]
    NameIsTaken {
        /// The name.
        name: IfName,
        /// The link that has it.
        owner: IfName,
        /// Its index.
        index: IfIndex,
    },
    /// The index is another link's.
    #[error("the index {index} is taken by {owner}")]
    IndexIsTaken {
        /// The index.
        index: IfIndex,
        /// The link that has it.
        owner: IfName,
    },
    /// The name or the index is taken where the link was to be.
    #[error("{} taken in the other namespace{}", what(*.name, *.index), or_here(*.here))]
    TakenThere {
        /// The name that the link was to have there.
        name: Option<IfName>,
        /// The index that it was to have there.
        index: Option<IfIndex>,
        /// The link of this namespace that has them, which counts up to Linux 6.12.
        here: Option<IfName>,
    },
    /// Up to Linux 6.1, a link that is up keeps its name.
    #[error("{0} is up, and this kernel renames only links that are down")]
    RenamedWhileUp(IfName),
    /// No namespace has this id, or none any longer.
    #[error("no network namespace has the id {0}, or none any longer")]
    NamespaceIsGone(NsId),
    /// The descriptor given as a namespace is not one.
    #[error("the descriptor that was given is not that of a network namespace")]
    NotANamespace,
    /// Every link is in group 0 unless told otherwise.
    #[error("group 0, where every link starts, cannot be deleted")]
    GroupZero,
    /// The caller lacks CAP_NET_ADMIN in this socket's namespace.
    #[error("CAP_NET_ADMIN is missing in the user namespace that owns this network namespace")]
    NotPermittedHere,
    /// The caller lacks CAP_NET_ADMIN in the namespace of the parent.
    #[error("CAP_NET_ADMIN is missing in the user namespace that owns the parent's network namespace")]
    NotPermittedAtParent,
    /// The caller lacks CAP_NET_ADMIN in the namespace that the link was to be in.
    #[error("CAP_NET_ADMIN is missing in the user namespace that owns the network namespace the link was to be in")]
    NotPermittedAtTarget,
    /// The caller lacks CAP_NET_ADMIN in another namespace of the request.
    #[error("CAP_NET_ADMIN is missing in the user namespace that owns the other network namespace")]
    NotPermittedThere,
    /// IPv6 is off on the link.
    #[error("IPv6 is off on {0} (disable_ipv6)")]
    Ipv6IsOff(IfName),
    /// The link has no IPv6 at all.
    #[error("{link} has no IPv6: {}", why_no_ipv6(*.mtu))]
    NoIpv6 {
        /// The link.
        link: IfName,
        /// Its MTU, of which IPv6 needs 1280.
        mtu: u32,
    },
    /// A setting could not be written, and the link does not have it as asked for.
    #[error("{}", found_or_none(*.link, *.setting, *.asked, *.found))]
    Setting {
        /// The link.
        link: IfName,
        /// The setting.
        setting: Ipv6Setting,
        /// What was asked for.
        asked: i32,
        /// What the link has; `None` if the kernel has no such setting.
        found: Option<i32>,
    },
    /// Nothing that can be seen from here is in the way.
    #[error(
        "nothing to be seen here is in the way: a passthru child of {0} in another namespace may be, or a property that \
         this kernel is too old for"
    )]
    Unknown(IfName),
}

impl Reason {
    /// What sort of failure the reason makes it, if that says more than the error number.
    pub(super) fn class(&self) -> Option<Class> {
        Some(match self {
            Self::MacOfParent { .. }
            | Self::MacOfSibling { .. }
            | Self::MacElsewhere { .. }
            | Self::VlanIsThere { .. }
            | Self::VlanIsElsewhere(_)
            | Self::NameIsTaken { .. }
            | Self::IndexIsTaken { .. }
            | Self::TakenThere { .. } => Class::Taken,
            Self::Passthru { .. }
            | Self::ParentIsPort { .. }
            | Self::ParentCarries { .. }
            | Self::ParentIsTaken { .. }
            | Self::RenamedWhileUp(_) => Class::Busy,
            Self::ParentIsGone(_) | Self::MasterIsGone(_) | Self::LinkIsGone(_) | Self::NamespaceIsGone(_) => {
                Class::Gone
            }
            Self::GroupZero => Class::Invalid,
            Self::NoIpv6 { mtu, .. } if *mtu < IPV6_MTU => Class::Invalid,
            Self::NoIpv6 { .. } | Self::Setting { found: None, .. } => Class::Kernel,
            _ => return None,
        })
    }

    /// What the reason is about, if that is not the request's own link.
    pub(super) fn subject(&self) -> Option<Subject> {
        Some(match self {
            Self::MtuAboveParent { .. }
            | Self::ParentIsLoopback(_)
            | Self::ParentIsNotEthernet { .. }
            | Self::ParentIsPort { .. }
            | Self::ParentCarries { .. }
            | Self::ParentIsTaken { .. }
            | Self::ParentIsDown(_)
            | Self::ParentIsGone(_)
            | Self::Passthru { .. }
            | Self::NotPermittedAtParent => Subject::Parent,
            Self::NamespaceIsGone(_) | Self::NotANamespace | Self::NotPermittedAtTarget | Self::NotPermittedThere => {
                Subject::Namespace
            }
            Self::Ipv6IsOff(_) | Self::NoIpv6 { .. } | Self::Setting { .. } => Subject::Link,
            _ => return None,
        })
    }
}

/// `mv0, mv1`, or what an empty list means.
fn or_elsewhere(children: &[IfName]) -> String {
    let names: Vec<_> = children.iter().map(ToString::to_string).collect();
    if names.is_empty() { "one in another namespace, or had until now".into() } else { names.join(", ") }
}

fn why_no_ipv6(mtu: u32) -> String {
    if mtu < IPV6_MTU {
        format!("its MTU is {mtu}, and IPv6 needs {IPV6_MTU}")
    } else {
        "this kernel is without it, or was started with ipv6.disable=1".into()
    }
}

fn found_or_none(link: IfName, setting: Ipv6Setting, asked: i32, found: Option<i32>) -> String {
    match found {
        Some(found) => format!("{setting} of {link} is {found}, not {asked}"),
        None => format!("this kernel has no setting {setting}"),
    }
}

fn or_index(index: Option<IfIndex>) -> String {
    index.map_or(String::new(), |index| format!("; or, up to Linux 6.12, the index {index} is, in the other namespace"))
}

fn or_here(owner: Option<IfName>) -> String {
    owner.map_or(String::new(), |owner| format!(", or, up to Linux 6.12, here by {owner}"))
}

fn what(name: Option<IfName>, index: Option<IfIndex>) -> impl fmt::Display {
    match (name, index) {
        (Some(name), Some(index)) => format!("the name {name} or the index {index} is"),
        (Some(name), None) => format!("the name {name} is"),
        (None, Some(index)) => format!("the index {index} is"),
        (None, None) => "the name or the index is".into(),
    }
}
