//! The one list of message types.

use super::{RequestInfo, Verb};
use crate::addr::{RTM_DELADDR, RTM_GETADDR, RTM_NEWADDR};
use crate::link::{LinkView, RTM_DELLINK, RTM_DELLINKPROP, RTM_GETLINK, RTM_NEWLINK, RTM_NEWLINKPROP, RTM_SETLINK};
use crate::link::{RTM_GETSTATS, STATS_BODY};
use crate::neigh::{RTM_DELNEIGH, RTM_GETNEIGH, RTM_NEWNEIGH};
use crate::nsid::{RTM_GETNSID, RTM_NEWNSID};
use crate::route::{RTM_DELROUTE, RTM_GETROUTE, RTM_NEWROUTE};
use crate::wire::{Body, Header, name_at};
use crate::{addr, link, neigh, nsid, route};
use netlink_packet_core::{NLM_F_CREATE, NLM_F_DUMP, NLM_F_REPLACE};

/// A message type that this library sends.
pub(super) struct MessageType {
    number: u16,
    /// What stands behind `nlmsghdr`.
    pub(super) body: Body,
    /// What a request of this type does.
    verb: Verb,
    /// What it does instead when this flag is set.
    with: Option<(u16, Verb)>,
}

#[rustfmt::skip]
const TYPES: &[MessageType] = &[
    row(RTM_NEWLINK, link::BODY, Verb::Change, Some((NLM_F_CREATE, Verb::Create))),
    row(RTM_SETLINK, link::BODY, Verb::Change, None),
    row(RTM_DELLINK, link::BODY, Verb::Delete, None),
    row(RTM_GETLINK, link::BODY, Verb::Get, Some((NLM_F_DUMP, Verb::List))),
    row(RTM_GETSTATS, STATS_BODY, Verb::List, None),
    row(RTM_NEWLINKPROP, link::BODY, Verb::AddAltName, None),
    row(RTM_DELLINKPROP, link::BODY, Verb::DeleteAltName, None),
    row(RTM_NEWADDR, addr::BODY, Verb::AddAddress, Some((NLM_F_REPLACE, Verb::ReplaceAddress))),
    row(RTM_DELADDR, addr::BODY, Verb::DeleteAddress, None),
    row(RTM_GETADDR, addr::BODY, Verb::ListAddresses, None),
    row(RTM_NEWROUTE, route::BODY, Verb::AddRoute, Some((NLM_F_REPLACE, Verb::ReplaceRoute))),
    row(RTM_DELROUTE, route::BODY, Verb::DeleteRoute, None),
    row(RTM_GETROUTE, route::BODY, Verb::ListRoutes, None),
    row(RTM_NEWNEIGH, neigh::BODY, Verb::AddNeighbour, Some((NLM_F_REPLACE, Verb::ReplaceNeighbour))),
    row(RTM_DELNEIGH, neigh::BODY, Verb::DeleteNeighbour, None),
    row(RTM_GETNEIGH, neigh::BODY, Verb::GetNeighbour, Some((NLM_F_DUMP, Verb::ListNeighbours))),
    row(RTM_NEWNSID, nsid::BODY, Verb::NewNsid, None),
    row(RTM_GETNSID, nsid::BODY, Verb::GetNsid, Some((NLM_F_DUMP, Verb::ListNsids))),
];

const fn row(number: u16, body: Body, verb: Verb, with: Option<(u16, Verb)>) -> MessageType {
    MessageType { number, body, verb, with }
}

impl MessageType {
    /// The type of a request, and what the request does.
    pub(super) fn of(header: Header) -> Option<(&'static Self, Verb)> {
        let ty = TYPES.iter().find(|ty| ty.number == header.ty)?;
        let verb = ty.with.filter(|(flag, _)| header.flags & flag != 0).map_or(ty.verb, |(_, verb)| verb);
        Some((ty, verb))
    }

    /// Whether `struct ifinfomsg` and the attributes of a link stand behind `nlmsghdr`.
    pub(super) fn is_about_a_link(&self) -> bool {
        std::ptr::eq(self.body.rows, LinkView::ROWS)
    }
}

/// The kernel's name of the attribute at `offset` of a request, counted from its `nlmsghdr`.
pub(crate) fn attribute_at(request: &[u8], offset: usize) -> Option<&'static str> {
    let (MessageType { body, .. }, _) = MessageType::of(Header::parse(request)?)?;
    let before = Header::SIZE + body.header;
    let kind = RequestInfo::kind_of(request).map_or(&[][..], |kind| kind.rows);
    name_at(request.get(before..)?, offset.checked_sub(before)?, body.rows, kind, LinkView::ROWS)
}
