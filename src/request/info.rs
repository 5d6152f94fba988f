//! A request in words, read back from its own bytes: the message itself is the only place that says what was asked for.

use super::types::MessageType;
use crate::addr::AddressView;
use crate::link::{AltNames, IfInfo, KindFacts, KindView, LinkFlags, LinkView};
use crate::neigh::{ForwardingEntry, NeighbourFlags, NeighbourView};
use crate::route::RouteView;
use crate::value::{EtherAddr, IfIndex, IfName, Name};
use crate::wire::{Attribute, Attributes, Header, Message, Messages};
use ipnetwork::IpNetwork;
use netlink_packet_core::NLM_F_CREATE;
use std::fmt;
use std::net::IpAddr;

/// What a request asked for. It prints as `create macvlan eth0 on eth0.50`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestInfo {
    /// What was to be done.
    pub verb: Verb,
    /// The kind of link, where the request named it.
    pub kind: Option<Box<str>>,
    /// The name that the link was to get, or was asked for by.
    pub name: Option<Box<[u8]>>,
    /// The link's index, chosen or addressed; a route's link.
    pub index: Option<IfIndex>,
    /// The name behind [`index`](Self::index) when the error arose, where it could be found.
    pub index_name: Option<IfName>,
    /// The index of the parent.
    pub parent: Option<IfIndex>,
    /// The name behind [`parent`](Self::parent) when the error arose, where it could be found.
    pub parent_name: Option<IfName>,
    /// Whether the parent is in another namespace.
    pub parent_is_elsewhere: bool,
    /// Whether the link was to be in another namespace.
    pub is_elsewhere: bool,
    /// The IP address with its prefix length; a route's destination; a neighbour's address.
    pub addr: Option<IpNetwork>,
    /// The address of a forwarding entry.
    pub ether_addr: Option<EtherAddr>,
    /// A route's gateway.
    pub gateway: Option<IpAddr>,
    /// How many next hops a route has, if they are given as a list.
    pub next_hops: usize,
}

macro_rules! verbs {
    ($($(#[$d:meta])* $V:ident $words:literal,)*) => {
        /// What a request was to do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Verb {
            $($(#[$d])* $V,)*
            /// Delete a group of links.
            DeleteGroup(u32),
            /// A message type that this library does not send.
            Other(u16),
        }

        impl fmt::Display for Verb {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$V => f.write_str($words),)*
                    Self::DeleteGroup(group) => write!(f, "delete the links of group {group}"),
                    Self::Other(ty) => write!(f, "message type {ty}"),
                }
            }
        }
    };
}
verbs! {
    /// Create a link.
    Create "create",
    /// Change a link.
    Change "change",
    /// Bring a link up, and nothing else.
    Up "bring up",
    /// Take a link down, and nothing else.
    Down "take down",
    /// Move a link to another namespace.
    Move "move",
    /// Delete a link.
    Delete "delete",
    /// Read a link.
    Get "get",
    /// List links.
    List "list links",
    /// Give a link an alternative name.
    AddAltName "add alternative name",
    /// Take an alternative name from a link.
    DeleteAltName "delete alternative name",
    /// Give a link an address.
    AddAddress "add address",
    /// Give a link an address, which it may have already.
    ReplaceAddress "replace address",
    /// Take an address from a link.
    DeleteAddress "delete address",
    /// List addresses.
    ListAddresses "list addresses",
    /// Add a route.
    AddRoute "add route",
    /// Add a route in the place of another.
    ReplaceRoute "replace route",
    /// Delete a route.
    DeleteRoute "delete route",
    /// List routes.
    ListRoutes "list routes",
    /// Add a neighbour.
    AddNeighbour "add neighbour",
    /// Add a neighbour, or change one that is there.
    ReplaceNeighbour "replace neighbour",
    /// Change a neighbour that is there.
    ChangeNeighbour "change neighbour",
    /// Delete a neighbour.
    DeleteNeighbour "delete neighbour",
    /// Read a neighbour.
    GetNeighbour "get neighbour",
    /// Ask the network for a neighbour.
    AskNeighbour "ask for neighbour",
    /// Add an address that this host answers for.
    AddProxy "add proxy",
    /// Delete an address that this host answers for.
    DeleteProxy "delete proxy",
    /// Read an address that this host answers for.
    GetProxy "get proxy",
    /// List neighbours.
    ListNeighbours "list neighbours",
    /// Add a forwarding entry.
    AddForwarding "add forwarding entry",
    /// Delete a forwarding entry.
    DeleteForwarding "delete forwarding entry",
    /// List forwarding entries.
    ListForwarding "list forwarding entries",
    /// Ask for a namespace's id.
    GetNsid "get the id of a namespace",
    /// List the ids of namespaces.
    ListNsids "list the ids of namespaces",
    /// Give a namespace an id.
    NewNsid "give a namespace an id",
}

impl RequestInfo {
    /// Reads an encoded request. `None` if it is not whole, or too short to be one.
    pub fn of(request: &[u8]) -> Option<Self> {
        let message = Messages::new(request).next()?.ok()?;
        let info = Self {
            verb: MessageType::of(message.header).map_or(Verb::Other(message.header.ty), |(_, verb)| verb),
            kind: None,
            name: None,
            index: None,
            index_name: None,
            parent: None,
            parent_name: None,
            parent_is_elsewhere: false,
            is_elsewhere: false,
            addr: None,
            ether_addr: None,
            gateway: None,
            next_hops: 0,
        };
        match MessageType::of(message.header) {
            Some((ty, _)) if ty.is_about_a_link() => info.of_link(message.payload),
            _ => Some(info.of_ip(message)),
        }
    }

    /// With what a message about an address, a route or a neighbour says.
    fn of_ip(self, message: Message<'_>) -> Self {
        if let Some(address) = AddressView::of(message) {
            return Self { index: Some(address.index()), addr: address.addr(), ..self };
        }
        if let Some(route) = RouteView::of(message) {
            let gateway = route.gateway().or(route.via().map(|via| via.0));
            let next_hops = route.next_hops().map_or(0, |hops| hops.iter().count());
            return Self { index: route.index(), addr: route.destination(), gateway, next_hops, ..self };
        }
        if let Some(neighbour) = NeighbourView::of(message) {
            let has = |flag| neighbour.flags().contains(flag);
            let verb = match self.verb {
                Verb::AddNeighbour if has(NeighbourFlags::PROXY) => Verb::AddProxy,
                Verb::DeleteNeighbour if has(NeighbourFlags::PROXY) => Verb::DeleteProxy,
                Verb::GetNeighbour if has(NeighbourFlags::PROXY) => Verb::GetProxy,
                Verb::ReplaceNeighbour if has(NeighbourFlags::USE) => Verb::AskNeighbour,
                Verb::ReplaceNeighbour if message.header.flags & NLM_F_CREATE == 0 => Verb::ChangeNeighbour,
                verb => verb,
            };
            return Self { verb, index: neighbour.index(), addr: neighbour.addr().map(IpNetwork::from), ..self };
        }
        if let Some(entry) = ForwardingEntry::of(message) {
            let verb = match self.verb {
                Verb::AddNeighbour | Verb::ReplaceNeighbour => Verb::AddForwarding,
                Verb::DeleteNeighbour => Verb::DeleteForwarding,
                _ => Verb::ListForwarding,
            };
            return Self { verb, index: Some(entry.index), ether_addr: entry.addr, ..self };
        }
        self
    }

    fn of_link(mut self, payload: &[u8]) -> Option<Self> {
        let (ifinfomsg, attributes) = payload.split_first_chunk::<{ IfInfo::SIZE }>()?;
        let number = |value: &[u8]| value.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes));
        self.kind = Self::kind_name(attributes).map(|kind| Name(kind).to_string().into());
        self.index = ifinfomsg.get(IfInfo::INDEX..).and_then(number).and_then(|index| IfIndex::new(index).ok());
        if self.verb == Verb::Change && attributes.is_empty() {
            self.verb = Self::switch(ifinfomsg).unwrap_or(self.verb);
        }
        for Attribute { number: ty, value } in Attributes::new(attributes) {
            match ty {
                LinkView::IFLA_IFNAME | AltNames::IFLA_ALT_IFNAME => {
                    self.name = Some(value.strip_suffix(&[0]).unwrap_or(value).into());
                }
                LinkView::IFLA_LINK => self.parent = number(value).and_then(|index| IfIndex::new(index).ok()),
                LinkView::IFLA_GROUP if self.verb == Verb::Delete && self.index.is_none() => {
                    self.verb = Verb::DeleteGroup(number(value).unwrap_or_default());
                }
                LinkView::IFLA_NET_NS_FD => {
                    self.is_elsewhere = true;
                    if self.verb == Verb::Change {
                        self.verb = Verb::Move;
                    }
                }
                LinkView::IFLA_LINK_NETNSID => self.parent_is_elsewhere = true,
                LinkView::IFLA_PROP_LIST => {
                    let name = Attributes::new(value).next().map(|name| name.value);
                    self.name = name.map(|name| name.strip_suffix(&[0]).unwrap_or(name).into());
                }
                _ => {}
            }
        }
        Some(self)
    }

    /// What a change without attributes does, if it switches `IFF_UP` only.
    fn switch(ifinfomsg: &[u8; IfInfo::SIZE]) -> Option<Verb> {
        let [.., f0, f1, f2, f3, m0, m1, m2, m3] = *ifinfomsg;
        let (flags, mask) = (u32::from_ne_bytes([f0, f1, f2, f3]), u32::from_ne_bytes([m0, m1, m2, m3]));
        let verb = if flags & mask == 0 { Verb::Down } else { Verb::Up };
        (mask == LinkFlags::UP.bits()).then_some(verb)
    }

    /// What the library knows of the kind of link that an encoded request names.
    pub(crate) fn kind_of(request: &[u8]) -> Option<&'static KindFacts> {
        Self::kind_name(request.get(Header::SIZE + IfInfo::SIZE..)?).and_then(KindFacts::of)
    }

    fn kind_name(attributes: &[u8]) -> Option<&[u8]> {
        let info = Attributes::new(attributes).find(|attribute| attribute.number == LinkView::IFLA_LINKINFO)?;
        let kind = Attributes::new(info.value).find(|attribute| attribute.number == KindView::IFLA_INFO_KIND)?;
        Some(kind.value.strip_suffix(&[0]).unwrap_or(kind.value))
    }
}

impl RequestInfo {
    fn fmt_route(&self, link: &WordFor, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " {}", Destination(self.addr))?;
        if let Some(gateway) = self.gateway {
            write!(f, " via {gateway}")?;
        }
        if self.index.is_some() {
            write!(f, " dev {link}")?;
        }
        if self.next_hops > 0 {
            write!(f, " by {} next hops", self.next_hops)?;
        }
        Ok(())
    }
}

impl fmt::Display for RequestInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind.as_deref().unwrap_or("link");
        let name = self.name.as_deref().filter(|name| !IfName::received(name).is_temporary());
        let by_name = name.filter(|_| self.index.is_none()).map(IfName::received);
        let link = WordFor(self.index_name.or(by_name), self.index);
        write!(f, "{}", self.verb)?;
        match (self.verb, name.map(Name)) {
            (Verb::Create, Some(name)) => write!(f, " {kind} {name}")?,
            (Verb::Create, None) => write!(f, " {kind}")?,
            (Verb::Get, Some(name)) if self.index.is_none() => write!(f, " {kind} {name}")?,
            (Verb::Up | Verb::Down, _) => write!(f, " {link}")?,
            (Verb::Change | Verb::Move | Verb::Delete | Verb::Get, _) if link.is_known() => {
                write!(f, " {kind} {link}")?;
            }
            (Verb::Change | Verb::Move | Verb::Delete | Verb::Get, _) => write!(f, " the new {kind}")?,
            (Verb::AddAltName | Verb::DeleteAltName, Some(name)) => write!(f, " {name} of {link}")?,
            (Verb::AddAddress | Verb::ReplaceAddress, _) => write!(f, " {} to {link}", Destination(self.addr))?,
            (Verb::DeleteAddress, _) => write!(f, " {} from {link}", Destination(self.addr))?,
            (Verb::AddRoute | Verb::ReplaceRoute | Verb::DeleteRoute, _) => self.fmt_route(&link, f)?,
            (
                Verb::AddNeighbour
                | Verb::ReplaceNeighbour
                | Verb::ChangeNeighbour
                | Verb::DeleteNeighbour
                | Verb::GetNeighbour
                | Verb::AskNeighbour
                | Verb::AddProxy
                | Verb::DeleteProxy
                | Verb::GetProxy,
                _,
            ) => {
                let addr = self.addr.map_or_else(|| "of no address".into(), |addr| addr.ip().to_string());
                write!(f, " {addr} on {link}")?;
            }
            (Verb::AddForwarding | Verb::DeleteForwarding, _) => {
                let addr = self.ether_addr.map_or_else(|| "of no address".into(), |addr| addr.to_string());
                write!(f, " {addr} on {link}")?;
            }
            _ => {}
        }
        match self.parent {
            Some(index) if self.parent_is_elsewhere => write!(f, " on #{index} of another namespace"),
            parent @ Some(_) => write!(f, " on {}", WordFor(self.parent_name, parent)),
            None => Ok(()),
        }
    }
}

/// A link's name if it is known, else its index: `eth0`, `#7`. A temporary name does not count.
struct WordFor(Option<IfName>, Option<IfIndex>);

impl WordFor {
    fn is_known(&self) -> bool {
        self.0.is_some_and(|name| !name.is_temporary()) || (self.0.is_none() && self.1.is_some())
    }
}

impl fmt::Display for WordFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0, self.1) {
            (Some(name), _) if !name.is_temporary() => write!(f, "{name}"),
            (None, Some(index)) => write!(f, "#{index}"),
            _ => f.write_str("the new link"),
        }
    }
}

/// An address or a destination, as `ip` says it: `10.1.0.0/16`, `default`.
struct Destination(Option<IpNetwork>);

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(everywhere) if everywhere.prefix() == 0 => f.write_str("default"),
            Some(network) => write!(f, "{network}"),
            None => f.write_str("of no kind"),
        }
    }
}
