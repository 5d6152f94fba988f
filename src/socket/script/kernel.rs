//! A model of the kernel: links in two namespaces, and a record of what was done.

use super::Event;
use crate::addr::{RTM_GETADDR, RTM_NEWADDR};
use crate::link::{IfInfo, LinkView, RTM_DELLINK, RTM_GETLINK, RTM_GETSTATS, RTM_NEWLINK, RTM_NEWSTATS, RTM_SETLINK};
use crate::nsid::{RTM_GETNSID, RTM_NEWNSID};
use crate::route::RTM_NEWROUTE;
use crate::wire::{Attributes, Header, Message, Messages};
use netlink_packet_core::{NLM_F_ACK, NLM_F_CAPPED, NLM_F_CREATE, NLM_F_DUMP, NLM_F_ECHO, NLM_F_MULTIPART};
use netlink_packet_core::{NLMSG_DONE, NLMSG_ERROR};
use nix::errno::Errno;
use std::collections::BTreeMap;

const IFF_UP: u32 = 1;
const IFLA_NET_NS_FD: u16 = 28;

/// How many links go into a datagram of a list.
const LINKS: usize = 3;

/// A link of the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) name: String,
    pub(crate) is_up: bool,
    pub(crate) addrs: usize,
    /// What it was made with, as attributes of its message.
    attributes: Vec<u8>,
}

impl Link {
    /// Whether it was made by a request; the others have no kind.
    pub(crate) fn is_macvlan(&self) -> bool {
        !self.attributes.is_empty()
    }
}

/// What was done for a request: 0, or the error number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) seq: u32,
    pub(crate) ty: u16,
    pub(crate) errno: i32,
}

/// The host's namespace is number 0, the container's number 1.
#[derive(Debug, Default)]
pub(crate) struct Kernel {
    pub(crate) links: [BTreeMap<u32, Link>; 2],
    pub(crate) record: Vec<Done>,
}

impl Kernel {
    /// With `lo`, and `count` links besides, in the host's namespace.
    pub(crate) fn with_links(count: u32) -> Self {
        let link = |name: String| Link { name, is_up: false, addrs: 0, attributes: Vec::new() };
        let links = (2..2 + count).map(|index| (index, link(format!("v{index}"))));
        let lo = [(1, link("lo".into()))];
        Self { links: [lo.iter().cloned().chain(links).collect(), lo.into()], record: Vec::new() }
    }

    /// Works through the requests of one send, from a socket in a namespace, and answers as the kernel does.
    pub(crate) fn work(&mut self, bytes: &[u8], namespace: usize) -> Vec<Event> {
        let mut events = Vec::new();
        for message in Messages::new(bytes) {
            let message = message.expect("a request that is well-formed");
            let Header { ty, flags, sequence: seq, .. } = message.header;
            let items = self.act(message, namespace);
            self.record.push(Done { seq, ty, errno: items.as_ref().err().map_or(0, |errno| *errno as i32) });
            let is_dump = flags & NLM_F_DUMP == NLM_F_DUMP && items.is_ok();
            match items {
                Ok(items) if is_dump => {
                    events.extend(items.chunks(LINKS).map(<[Vec<u8>]>::concat));
                    events.push(end(message.header));
                }
                Ok(items) => {
                    events.extend(items);
                    events.extend((flags & NLM_F_ACK != 0).then(|| ack(message.header, 0)));
                }
                Err(errno) => events.push(ack(message.header, errno as i32)),
            }
        }
        events.into_iter().map(Event::Datagram).collect()
    }

    fn act(&mut self, message: Message<'_>, namespace: usize) -> Result<Vec<Vec<u8>>, Errno> {
        let Header { ty, flags, .. } = message.header;
        let index = message.payload.get(4..8).map_or(0, |index| u32::from_ne_bytes(index.try_into().unwrap()));
        let name = text(message, LinkView::IFLA_IFNAME);
        let links = &mut self.links[namespace];
        let by_name = |links: &BTreeMap<u32, Link>, name: &str| {
            links.iter().find(|(_, link)| link.name == name).map(|(index, _)| *index)
        };
        match ty {
            RTM_NEWLINK if flags & NLM_F_CREATE != 0 => {
                let is_elsewhere = attribute(message, IFLA_NET_NS_FD).is_some();
                let links = if is_elsewhere { &mut self.links[1 - namespace] } else { links };
                let index = if index == 0 { links.keys().last().unwrap_or(&0) + 1 } else { index };
                let name = name.unwrap_or_else(|| format!("macvlan{index}"));
                if links.contains_key(&index) || by_name(links, &name).is_some() {
                    return Err(Errno::EEXIST);
                }
                let attributes = [LinkView::IFLA_ADDRESS, LinkView::IFLA_LINK, LinkView::IFLA_LINKINFO];
                let attributes = attributes.iter().flat_map(|number| copy(message, *number)).collect();
                links.insert(index, Link { name, is_up: false, addrs: 0, attributes });
                let echo = (flags & NLM_F_ECHO != 0).then(|| link_message(message.header, 0, index, &links[&index]));
                Ok(echo.into_iter().collect())
            }
            RTM_NEWLINK | RTM_SETLINK => {
                let link = links.get_mut(&index).ok_or(Errno::ENODEV)?;
                link.is_up |= message.payload.get(8..12).is_some_and(|flags| flags[0] & 1 != 0);
                Ok(Vec::new())
            }
            RTM_DELLINK => links.remove(&index).map(|_| Vec::new()).ok_or(Errno::ENODEV),
            RTM_GETLINK if flags & NLM_F_DUMP == NLM_F_DUMP => Ok(links
                .iter()
                .map(|(index, link)| link_message(message.header, NLM_F_MULTIPART, *index, link))
                .collect()),
            RTM_GETLINK => {
                let index = name.map_or(Some(index), |name| by_name(links, &name)).ok_or(Errno::ENODEV)?;
                let link = links.get(&index).ok_or(Errno::ENODEV)?;
                Ok(vec![link_message(message.header, 0, index, link)])
            }
            RTM_GETSTATS => Ok(links.keys().map(|index| stats(message.header, *index)).collect()),
            RTM_NEWADDR => {
                links.get_mut(&index).ok_or(Errno::ENODEV)?.addrs += 1;
                Ok(Vec::new())
            }
            RTM_NEWROUTE if !links.values().any(|link| link.is_up) => Err(Errno::ENETUNREACH),
            RTM_GETNSID | RTM_GETADDR | RTM_NEWNSID | RTM_NEWROUTE => Ok(Vec::new()),
            _ if ty < 16 => Ok(Vec::new()), // no request, but an acknowledgement is asked for
            _ => Err(Errno::EOPNOTSUPP),
        }
    }
}

fn attribute(message: Message<'_>, number: u16) -> Option<&[u8]> {
    let mut attributes = Attributes::new(message.payload.get(IfInfo::SIZE..)?);
    attributes.find(|attribute| attribute.number == number).map(|attribute| attribute.value)
}

/// An attribute of a request, as it is.
fn copy(message: Message<'_>, number: u16) -> Vec<u8> {
    attribute(message, number).map_or_else(Vec::new, |value| put(number, value))
}

fn put(number: u16, value: &[u8]) -> Vec<u8> {
    let head = [u16::try_from(4 + value.len()).unwrap(), number].map(u16::to_ne_bytes).concat();
    let mut bytes = [&head, value].concat();
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn text(message: Message<'_>, number: u16) -> Option<String> {
    let text = attribute(message, number)?;
    Some(String::from_utf8_lossy(text.split(|byte| *byte == 0).next()?).into_owned())
}

/// A message of the kernel's.
fn message(ty: u16, flags: u16, seq: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(Header::SIZE + payload.len()).unwrap().to_ne_bytes();
    let header = [&length[..], &ty.to_ne_bytes(), &flags.to_ne_bytes(), &seq.to_ne_bytes(), &[0; 4]].concat();
    let mut bytes = [&header, payload].concat();
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// What the kernel answers to a request of this header.
pub(crate) fn ack(request: Header, errno: i32) -> Vec<u8> {
    let echoed = message(request.ty, request.flags, request.sequence, &[]);
    message(NLMSG_ERROR, NLM_F_CAPPED, request.sequence, &[&(-errno).to_ne_bytes()[..], &echoed].concat())
}

/// The end of a list.
pub(crate) fn end(request: Header) -> Vec<u8> {
    message(NLMSG_DONE, NLM_F_MULTIPART, request.sequence, &[0; 4])
}

fn link_message(request: Header, flags: u16, index: u32, link: &Link) -> Vec<u8> {
    let up = if link.is_up { IFF_UP } else { 0 };
    let ifinfo = [0, index, up, 0].map(u32::to_ne_bytes).concat();
    let name = put(LinkView::IFLA_IFNAME, &[link.name.as_bytes(), &[0]].concat());
    message(RTM_NEWLINK, flags, request.sequence, &[&ifinfo[..], &name, &link.attributes].concat())
}

fn stats(request: Header, index: u32) -> Vec<u8> {
    let payload = [0, index, 16].map(u32::to_ne_bytes).concat();
    message(RTM_NEWSTATS, NLM_F_MULTIPART, request.sequence, &payload)
}
