//! The reasons, as values and as sentences.

mod found;
mod words;

pub use found::{FoundNeighbour, FoundRoute};

use crate::link::{Ipv6Setting, MacvlanFlags, MacvlanMode, VlanId};
use crate::value::{EtherAddr, IPV4_MTU, IfIndex, IfName, IpFamily, MacAddr, Name, NsId};
use ipnetwork::IpNetwork;
use std::net::IpAddr;
use words::{
    as_neighbour, by_or_here, called, for_owner, found_or_none, of_kind, or_any, or_elsewhere, or_index, unknown, what,
    why_no_ipv6, with_peer,
};

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
    #[error("the MAC address {mac} is already used by {} (#{index}) on the same parent", called(*.owner))]
    MacOfSibling {
        /// The address.
        mac: MacAddr,
        /// Its owner.
        owner: IfName,
        /// The owner's index.
        index: IfIndex,
    },
    /// The MAC address is that of a link on the same parent, in a namespace that this one does not show: the parent's own list
    /// has it.
    #[error("the MAC address {mac} is in use on {parent}, by a link of another namespace")]
    MacElsewhere {
        /// The address.
        mac: MacAddr,
        /// The parent of both.
        parent: IfName,
    },
    /// As [`MacElsewhere`](Self::MacElsewhere), but the parent's own list does not have the address, or cannot be read. Its owner
    /// may be gone by now.
    #[error("the MAC address {mac} is in use on {parent}, by a link of another namespace, or was until now")]
    MacMayBeElsewhere {
        /// The address.
        mac: MacAddr,
        /// The parent of both.
        parent: IfName,
    },
    /// A passthru link has its parent to itself; these are on it.
    #[error("a passthru link needs its parent to itself, and {parent} has {}", or_elsewhere(.children))]
    Passthru {
        /// The parent.
        parent: IfName,
        /// The links on it in this namespace; if there are none, one in another namespace is in the way.
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
    /// The parent belongs to a bridge, a bond or the like, which receives its packets.
    #[error("the parent {parent} is a port of {master}, which receives its packets")]
    ParentIsPort {
        /// The parent.
        parent: IfName,
        /// The bridge, bond or other master.
        master: IfName,
    },
    /// A link carries macvlans, or carries ipvlans, or is a port: one of the three.
    #[error("{parent} carries {}, of kind {kind}, which receives its packets", called(*.child))]
    ParentCarries {
        /// The parent.
        parent: IfName,
        /// One of its children.
        child: IfName,
        /// That one's kind.
        kind: Box<str>,
    },
    /// Something that this namespace does not show receives the parent's packets.
    #[error(
        "an ipvlan or macvlan in another namespace, or a switch, receives the packets of the parent {parent}, or did until \
         now{}", or_index(*.index)
    )]
    ParentIsTaken {
        /// The parent.
        parent: IfName,
        /// The index that was asked for in another namespace, which may be what is taken (up to Linux 6.12).
        index: Option<IfIndex>,
    },
    /// The parent is down, and the child can only come up after it.
    #[error("the parent {0} is down: bring it up first")]
    ParentIsDown(IfName),
    /// A link of this kind cannot carry one of the kind that was asked for: it hands its packets to no other.
    #[error("{parent} is of kind {kind}, which carries no link of kind {child}")]
    ParentRefuses {
        /// The parent.
        parent: IfName,
        /// Its kind.
        kind: Box<str>,
        /// The kind that was asked for.
        child: Box<str>,
    },
    /// A link on a link on a link: the kernel allows eight.
    #[error("the parent stands on so many others already that no link can stand on it: 8 can stand on one another")]
    TooDeep,
    /// There is no such parent any more.
    #[error("the parent, link #{0}, does not exist")]
    ParentIsGone(IfIndex),
    /// There is no such master any more.
    #[error("the master, link #{0}, does not exist")]
    MasterIsGone(IfIndex),
    /// There is no such link, or no longer.
    #[error("the link does not exist, or no longer")]
    LinkIsGone(IfIndex),
    /// No link is in the group.
    #[error("no link is in group {0}")]
    GroupIsEmpty(u32),
    /// No program has made the link: it is the kernel's own, or that of a device.
    #[error("{0} cannot be deleted: it is the kernel's own, or that of a device")]
    NotDeletable(IfName),
    /// The link cannot leave its namespace.
    #[error("{link} cannot leave its namespace{}", of_kind(.kind))]
    StaysInNamespace {
        /// The link.
        link: IfName,
        /// Its kind; empty for `lo` and devices.
        kind: Box<str>,
    },
    /// The link cannot become a port: it is a loopback, or it is not Ethernet, or the master is of a kind that has no ports.
    #[error("{link} cannot become a port of {master}")]
    NotAPort {
        /// The link.
        link: IfName,
        /// The master that was asked for.
        master: IfName,
    },
    /// The link is of another kind than the change is for.
    #[error("{link} is not of kind {kind}")]
    OfAnotherKind {
        /// The link.
        link: IfName,
        /// What it is not.
        kind: Box<str>,
    },
    /// The VLAN is there already.
    #[error("VLAN {id} is there already: {} (#{index})", called(*.name))]
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
    #[error("the name {} is taken by {} (#{index})", Name(.name), called(*.owner))]
    NameIsTaken {
        /// The name, which may be an alternative one.
        name: Box<[u8]>,
        /// The link that has it.
        owner: IfName,
        /// Its index.
        index: IfIndex,
    },
    /// The name was to be taken from a link, and is not an alternative name of it. This link has it.
    #[error("{} is not an alternative name of the link, but a name of {owner} (#{index})", Name(.name))]
    NotItsAltName {
        /// The name.
        name: Box<[u8]>,
        /// The link that has it, which may be the same link.
        owner: IfName,
        /// Its index.
        index: IfIndex,
    },
    /// No link has the alternative name.
    #[error("no link has the alternative name {}", Name(.0))]
    NoSuchAltName(Box<[u8]>),
    /// The index is another link's.
    #[error("the index {index} is taken by {}", called(*.owner))]
    IndexIsTaken {
        /// The index.
        index: IfIndex,
        /// The link that has it.
        owner: IfName,
    },
    /// The name or the index is taken where the link was to be. An attach looks there, and names the one that is.
    #[error("{} taken in the other namespace{}", what(*.name, *.index, *.or_alt_name), by_or_here(*.name, *.owner, *.here))]
    TakenThere {
        /// The name that the link was to have there.
        name: Option<IfName>,
        /// The index that it was to have there.
        index: Option<IfIndex>,
        /// The link that has it there, where that was looked for.
        owner: Option<IfName>,
        /// The link of this namespace that has them, which counts up to Linux 6.12.
        here: Option<IfName>,
        /// Whether it may be one of the link's alternative names instead, which must be free there too.
        or_alt_name: bool,
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
    /// The link has the address already.
    #[error("{link} has the address {} already", with_peer(*.addr, *.peer))]
    AddressIsThere {
        /// The address that it has.
        addr: IpNetwork,
        /// Its peer, if it has one.
        peer: Option<IpAddr>,
        /// The link.
        link: IfName,
    },
    /// The same IP address is there with another prefix length or peer, or on another link.
    #[error("{link} has {}, which is another address", with_peer(*.addr, *.peer))]
    AnotherAddress {
        /// The address that is there.
        addr: IpNetwork,
        /// Its peer, if it has one.
        peer: Option<IpAddr>,
        /// The link that has it.
        link: IfName,
    },
    /// No link of this namespace has the address.
    #[error("no link of this namespace has the address {0}")]
    NoSuchAddress(IpAddr),
    /// The address is unspecified or multicast, or it is a loopback address and the link is not a loopback.
    #[error("{0} cannot be an address of this link")]
    NotAssignable(IpAddr),
    /// The link has an address of the same subnet with another scope. The kernel takes one scope for each subnet of a link.
    #[error("{link} has {addr}, of the same subnet and of another scope")]
    ScopeDiffers {
        /// The address that is there.
        addr: IpNetwork,
        /// The link.
        link: IfName,
    },
    /// The valid lifetime of an address is 0, or shorter than its preferred lifetime.
    #[error("the valid lifetime of an address is neither 0 nor less than its preferred lifetime")]
    LifetimeImpossible,
    /// The link has no IPv4 at all: its MTU is too small.
    #[error("{link} has no IPv4: its MTU is {mtu}, and IPv4 needs {IPV4_MTU}")]
    NoIpv4 {
        /// The link.
        link: IfName,
        /// Its MTU.
        mtu: u32,
    },
    /// The mode `stable_secret` needs a secret.
    #[error("the mode stable_secret needs a secret (net.ipv6.conf.{0}.stable_secret)")]
    NoStableSecret(IfName),
    /// IPv6 is switched off on the link.
    #[error("IPv6 is off on {0} (net.ipv6.conf.{0}.disable_ipv6)")]
    Ipv6IsOff(IfName),
    /// The link has no IPv6 at all: its MTU is too small, or the kernel has no IPv6.
    #[error("{link} has no IPv6: {}", why_no_ipv6(*.mtu))]
    NoIpv6 {
        /// The link.
        link: IfName,
        /// Its MTU, of which IPv6 needs 1280.
        mtu: u32,
    },
    /// A route's link is down.
    #[error("{0} is down: bring it up first")]
    LinkIsDown(IfName),
    /// There is a route with this destination and metric in this table.
    #[error("there is a route with this metric already: {0}")]
    RouteIsThere(FoundRoute),
    /// There are other routes to this destination. This is the first of them.
    #[error("there is another route: {0}")]
    AnotherRoute(FoundRoute),
    /// There is no route to this destination.
    #[error("there is no route to {0}")]
    NoSuchRoute(IpNetwork),
    /// The gateway is an address of a link of this namespace.
    #[error("the gateway {gateway} is an address of {link} itself")]
    GatewayIsOwn {
        /// The gateway.
        gateway: IpAddr,
        /// The link that has the address.
        link: IfName,
    },
    /// No router can have this address: it is unspecified, a broadcast or a multicast address.
    #[error("{0} cannot be the address of a gateway")]
    NotAGateway(IpAddr),
    /// No route leads to the gateway without another gateway.
    #[error("the gateway {gateway} is in no network of {} (`onlink` makes it reachable all the same)", or_any(*.link))]
    GatewayUnreachable {
        /// The gateway.
        gateway: IpAddr,
        /// The link that the route was to leave by, if it was said.
        link: Option<IfName>,
    },
    /// Duplicate address detection for the source address has not ended.
    #[error("the source address {source_addr} of {link} is still tentative: wait for duplicate address detection")]
    SourceIsTentative {
        /// The address.
        source_addr: IpAddr,
        /// The link that has it.
        link: IfName,
    },
    /// Duplicate address detection has found another station with the source address.
    #[error("the source address {source_addr} of {link} is in use by another station on the network")]
    SourceIsDuplicate {
        /// The address.
        source_addr: IpAddr,
        /// The link that has it.
        link: IfName,
    },
    /// No link of this namespace has the source address.
    #[error("no link of this namespace has the source address {0}")]
    SourceIsAbsent(IpAddr),
    /// The route names neither a gateway nor a link.
    #[error("the route says neither a gateway nor a link")]
    RouteLeadsNowhere,
    /// The link has a neighbour of this address already.
    #[error("there is a neighbour of this address already: {0}")]
    NeighbourIsThere(FoundNeighbour),
    /// The address is a neighbour of another link, or it is a proxy entry and no neighbour, or the other way round.
    #[error("there is another neighbour: {0}")]
    AnotherNeighbour(FoundNeighbour),
    /// No link of this namespace has such a neighbour, or such a proxy entry.
    #[error("there is no {} {addr}", as_neighbour(*.is_proxy))]
    NoSuchNeighbour {
        /// The IP address.
        addr: IpAddr,
        /// Whether a proxy entry was asked for.
        is_proxy: bool,
    },
    /// On a loopback and on a point-to-point link, the kernel keeps one entry for all IPv4 addresses: 0.0.0.0.
    #[error("{0} has one neighbour for all IPv4 addresses, 0.0.0.0: it is a loopback or a point-to-point link")]
    OneNeighbour(IfName),
    /// The machine has no room for one more neighbour that is not permanent, or no memory. The limit counts those of all
    /// namespaces.
    #[error("the table of {0} neighbours is full (net.{0}.neigh.default.gc_thresh3), or there is no memory")]
    NeighbourTableIsFull(IpFamily),
    /// The link has the forwarding entry already.
    #[error("{link} lets in {addr} already{}", for_owner(*.owner))]
    ForwardingIsThere {
        /// The address.
        addr: EtherAddr,
        /// The link.
        link: IfName,
        /// The link of this namespace that stands on it with this address, if there is one.
        owner: Option<IfName>,
    },
    /// The link has no such forwarding entry.
    #[error("{link} has no forwarding entry {addr}")]
    NoSuchForwarding {
        /// The address.
        addr: EtherAddr,
        /// The link.
        link: IfName,
    },
    /// Only a macvlan in passthru mode lets in the address of another station. The other modes let in groups.
    #[error("{link} is in {mode} mode, and only passthru mode lets in the address of another station")]
    StationNeedsPassthru {
        /// The link.
        link: IfName,
        /// Its mode.
        mode: MacvlanMode,
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
    #[error("{}", unknown(*.parent, *.flags))]
    Unknown {
        /// The parent.
        parent: IfName,
        /// The flags asked for of which the kernel may be too old.
        flags: Option<MacvlanFlags>,
    },
}
