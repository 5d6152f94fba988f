//! What a reason makes of a failure, and words that several sentences share.

use super::Reason;
use crate::error::{Class, Subject};
use crate::link::{Ipv6Setting, MacvlanFlags};
use crate::value::{IPV6_MTU, IfIndex, IfName};
use ipnetwork::IpNetwork;
use std::fmt;
use std::net::IpAddr;

impl Reason {
    /// What sort of failure the reason makes it, if that says more than the error number.
    pub(in crate::error) fn class(&self) -> Option<Class> {
        Some(match self {
            Self::MacOfParent { .. }
            | Self::MacOfSibling { .. }
            | Self::MacElsewhere { .. }
            | Self::MacMayBeElsewhere { .. }
            | Self::VlanIsThere { .. }
            | Self::VlanIsElsewhere(_)
            | Self::NameIsTaken { .. }
            | Self::IndexIsTaken { .. }
            | Self::TakenThere { .. }
            | Self::AddressIsThere { .. }
            | Self::RouteIsThere(_)
            | Self::NeighbourIsThere(_)
            | Self::ForwardingIsThere { .. }
            | Self::SourceIsDuplicate { .. } => Class::Taken,
            Self::Passthru { .. }
            | Self::ParentIsPort { .. }
            | Self::ParentCarries { .. }
            | Self::ParentIsTaken { .. }
            | Self::RenamedWhileUp(_) => Class::Busy,
            Self::ParentIsGone(_)
            | Self::MasterIsGone(_)
            | Self::LinkIsGone(_)
            | Self::NamespaceIsGone(_)
            | Self::GroupIsEmpty(_)
            | Self::NoSuchAltName(_)
            | Self::AnotherAddress { .. }
            | Self::NoSuchAddress(_)
            | Self::AnotherRoute(_)
            | Self::NoSuchRoute(_)
            | Self::AnotherNeighbour(_)
            | Self::NoSuchNeighbour { .. }
            | Self::OneNeighbour(_)
            | Self::NoSuchForwarding { .. }
            | Self::SourceIsAbsent(_) => Class::Gone,
            Self::LinkIsDown(_) | Self::SourceIsTentative { .. } => Class::Transient,
            Self::NoIpv6 { mtu, .. } if *mtu < IPV6_MTU => Class::Invalid,
            Self::NoIpv6 { .. } | Self::Setting { found: None, .. } => Class::Kernel,
            Self::GroupZero
            | Self::NotDeletable(_)
            | Self::TooDeep
            | Self::NotAssignable(_)
            | Self::NoIpv4 { .. }
            | Self::Ipv6IsOff(_)
            | Self::StationNeedsPassthru { .. }
            | Self::NotAGateway(_)
            | Self::RouteLeadsNowhere => Class::Invalid,
            _ => return None,
        })
    }

    /// What the reason is about, if that is not the request's own link.
    pub(in crate::error) fn subject(&self) -> Option<Subject> {
        Some(match self {
            Self::MtuAboveParent { .. }
            | Self::ParentIsLoopback(_)
            | Self::ParentIsNotEthernet { .. }
            | Self::ParentIsPort { .. }
            | Self::ParentCarries { .. }
            | Self::ParentIsTaken { .. }
            | Self::ParentIsDown(_)
            | Self::ParentIsGone(_)
            | Self::ParentRefuses { .. }
            | Self::Passthru { .. }
            | Self::NotPermittedAtParent => Subject::Parent,
            Self::NamespaceIsGone(_) | Self::NotANamespace | Self::NotPermittedAtTarget | Self::NotPermittedThere => {
                Subject::Namespace
            }
            Self::LinkIsGone(_)
            | Self::LinkIsDown(_)
            | Self::NoIpv4 { .. }
            | Self::Ipv6IsOff(_)
            | Self::NoIpv6 { .. }
            | Self::StationNeedsPassthru { .. }
            | Self::Setting { .. } => Subject::Link,
            Self::SourceIsTentative { .. } | Self::SourceIsDuplicate { .. } | Self::SourceIsAbsent(_) => {
                Subject::Address
            }
            _ => return None,
        })
    }
}

/// A link's name. A temporary name, which a link has only while it is made, is not shown: it tells nobody anything.
pub(super) fn called(link: IfName) -> impl fmt::Display {
    if link.is_temporary() { "a temporary link".into() } else { link.to_string() }
}

/// `mv0, mv1`, or what an empty list means.
pub(super) fn or_elsewhere(children: &[IfName]) -> String {
    let names: Vec<_> = children.iter().map(|child| called(*child).to_string()).collect();
    if names.is_empty() { "one in another namespace, or had until now".into() } else { names.join(", ") }
}

pub(super) fn or_index(index: Option<IfIndex>) -> String {
    index.map_or(String::new(), |index| {
        format!("; or, up to Linux 6.12, a link of the other namespace has the index {index}")
    })
}

pub(super) fn by_or_here(name: Option<IfName>, owner: Option<IfName>, here: Option<IfName>) -> String {
    let owner = owner.filter(|_| owner != name).map_or(String::new(), |owner| format!(", by {}", called(owner)));
    here.map_or(owner.clone(), |here| format!("{owner}, or, up to Linux 6.12, here by {}", called(here)))
}

pub(super) fn unknown(parent: IfName, flags: Option<MacvlanFlags>) -> String {
    let or_flags = flags.map_or(String::new(), |flags| format!("; or this kernel is too old for the flags {flags}"));
    let may_be = format!("a passthru link on {parent} in another namespace may be, or what was is gone by now");
    format!("nothing that this namespace shows is in the way: {may_be}{or_flags}")
}

pub(super) fn what(name: Option<IfName>, index: Option<IfIndex>, or_alt_name: bool) -> impl fmt::Display {
    match (name, index) {
        (Some(name), _) if or_alt_name => format!("the name {name} or an alternative name of the link is"),
        (Some(name), Some(index)) => format!("the name {name} or the index {index} is"),
        (Some(name), None) => format!("the name {name} is"),
        (None, Some(index)) => format!("the index {index} is"),
        (None, None) => "the name or the index is".into(),
    }
}

pub(super) fn of_kind(kind: &str) -> String {
    if kind.is_empty() { String::new() } else { format!(": no link of kind {kind} can") }
}

pub(super) fn or_any(link: Option<IfName>) -> String {
    link.map_or_else(|| "any link".into(), |link| link.to_string())
}

pub(super) fn why_no_ipv6(mtu: u32) -> String {
    if mtu < IPV6_MTU {
        format!("its MTU is {mtu}, and IPv6 needs {IPV6_MTU}")
    } else {
        "this kernel is without it, or was started with ipv6.disable=1".into()
    }
}

pub(super) fn found_or_none(link: IfName, setting: Ipv6Setting, asked: i32, found: Option<i32>) -> String {
    match found {
        Some(found) => format!("{setting} of {link} is {found}, not {asked}"),
        None => format!("this kernel has no setting {setting}"),
    }
}

/// `10.0.0.7/24`, or `10.0.0.7/32 with the peer 10.0.0.1`.
pub(super) fn with_peer(addr: IpNetwork, peer: Option<IpAddr>) -> String {
    peer.map_or_else(|| addr.to_string(), |peer| format!("{addr} with the peer {peer}"))
}

pub(super) fn as_neighbour(is_proxy: bool) -> &'static str {
    if is_proxy { "proxy" } else { "neighbour" }
}

pub(super) fn for_owner(owner: Option<IfName>) -> String {
    owner.map_or(String::new(), |owner| format!(", for {}, which stands on it", called(owner)))
}
