//! A request in words, read back from its own bytes: so that one place says what a request is, and it is the message.

use super::kind_facts;
use crate::link::{IfIndex, IfName, KindFacts, Name};
use crate::wire::{Attribute, Attributes, Header};
use netlink_packet_core::{NLM_F_CREATE, NLM_F_DUMP};
use std::fmt;

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
    /// The link's index, chosen or addressed.
    pub index: Option<IfIndex>,
    /// The name behind [`index`](Self::index) when the error arose, where it could be found.
    pub index_name: Option<IfName>,
    /// The index of the parent.
    pub parent: Option<IfIndex>,
    /// The name behind [`parent`](Self::parent) when the error arose, where it could be found.
    pub parent_name: Option<IfName>,
    /// Whether the parent is in another namespace.
    pub parent_is_elsewhere: bool,
}

/// What a request was to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verb {
    /// Create a link.
    Create,
    /// Change a link.
    Change,
    /// Move a link to another namespace.
    Move,
    /// Delete a link.
    Delete,
    /// Delete a group of links.
    DeleteGroup(u32),
    /// Read a link.
    Get,
    /// List links.
    List,
    /// Give a link an alternative name.
    AddAltName,
    /// Take an alternative name from a link.
    DeleteAltName,
    /// A message type that this library does not send.
    Other(u16),
}

impl RequestInfo {
    /// Reads an encoded request about links. `None` if it is too short to be one.
    pub fn of(request: &[u8]) -> Option<Self> {
        let header = Header::parse(request)?;
        let (ifinfomsg, attributes) = request.get(Header::SIZE..)?.split_first_chunk::<16>()?;
        let index = ifinfomsg.get(4..)?.first_chunk().and_then(|b| IfIndex::new(u32::from_ne_bytes(*b)).ok());
        let number = |value: &[u8]| value.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes));
        let mut info = Self {
            verb: match header.ty {
                16 if header.flags & NLM_F_CREATE != 0 => Verb::Create,
                16 | 19 => Verb::Change,
                17 => Verb::Delete,
                18 if header.flags & NLM_F_DUMP != 0 => Verb::List,
                18 => Verb::Get,
                108 => Verb::AddAltName,
                109 => Verb::DeleteAltName,
                other => Verb::Other(other),
            },
            kind: Self::kind_name(attributes).map(|kind| Name(kind).to_string().into()),
            name: None,
            index,
            index_name: None,
            parent: None,
            parent_name: None,
            parent_is_elsewhere: false,
        };
        for Attribute { number: ty, value } in Attributes::new(attributes) {
            match ty {
                3 | 53 => info.name = Some(value.strip_suffix(&[0]).unwrap_or(value).into()),
                5 => info.parent = number(value).and_then(|index| IfIndex::new(index).ok()),
                27 if info.verb == Verb::Delete && index.is_none() => {
                    info.verb = Verb::DeleteGroup(number(value).unwrap_or_default());
                }
                28 if info.verb == Verb::Change => info.verb = Verb::Move,
                37 => info.parent_is_elsewhere = true,
                52 => {
                    info.name = Attributes::new(value)
                        .next()
                        .map(|name| name.value.strip_suffix(&[0]).unwrap_or(name.value).into());
                }
                _ => {}
            }
        }
        Some(info)
    }

    /// What the library knows of the kind of link that an encoded request names.
    pub(super) fn kind_of(request: &[u8]) -> Option<&'static KindFacts> {
        Self::kind_name(request.get(Header::SIZE + 16..)?).and_then(kind_facts)
    }

    fn kind_name(attributes: &[u8]) -> Option<&[u8]> {
        let info = Attributes::new(attributes).find(|attribute| attribute.number == 18)?;
        let kind = Attributes::new(info.value).find(|attribute| attribute.number == 1)?;
        Some(kind.value.strip_suffix(&[0]).unwrap_or(kind.value))
    }
}

impl fmt::Display for RequestInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { verb, kind, name, index, index_name, parent, parent_name, parent_is_elsewhere } = self;
        let kind = kind.as_deref().unwrap_or("link");
        let new_name = name.as_deref().map(Name);
        match verb {
            Verb::Create => {
                write!(f, "create {kind}")?;
                if let Some(name) = new_name {
                    write!(f, " {name}")?;
                }
            }
            Verb::Change => write!(f, "change {kind}")?,
            Verb::Move => write!(f, "move {kind}")?,
            Verb::Delete => write!(f, "delete {kind}")?,
            Verb::DeleteGroup(group) => write!(f, "delete the links of group {group}")?,
            Verb::Get => write!(f, "get {kind}")?,
            Verb::List => f.write_str("list links")?,
            Verb::AddAltName => f.write_str("add alternative name")?,
            Verb::DeleteAltName => f.write_str("delete alternative name")?,
            Verb::Other(ty) => write!(f, "message type {ty}")?,
        }
        match (verb, index_name, index, new_name) {
            (Verb::Create | Verb::List | Verb::DeleteGroup(_), ..) => {}
            (Verb::AddAltName | Verb::DeleteAltName, Some(of), _, Some(name)) => write!(f, " {name} of {of}")?,
            (Verb::AddAltName | Verb::DeleteAltName, None, Some(of), Some(name)) => write!(f, " {name} of #{of}")?,
            (Verb::Get, _, None, Some(name)) => write!(f, " {name}")?,
            (_, Some(name), ..) => write!(f, " {name}")?,
            (_, None, Some(index), _) => write!(f, " #{index}")?,
            (_, None, None, _) => {}
        }
        match (parent_name, parent) {
            (Some(name), _) => write!(f, " on {name}"),
            (None, Some(index)) if *parent_is_elsewhere => write!(f, " on #{index} of another namespace"),
            (None, Some(index)) => write!(f, " on #{index}"),
            (None, None) => Ok(()),
        }
    }
}
