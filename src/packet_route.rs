//! Conversions to and from netlink-packet-route's messages, for crates that speak through rtnetlink's connection already.
//!
//! Both directions go through the bytes, which are what the two crates agree on. What netlink-packet-route does not know, it
//! keeps as bytes or drops; what it cannot read, it refuses whole. Outside our semver promise: its releases break.

use crate::link::{IfInfo, LinkInfo, LinkView};
use crate::wire::{NoRoom, Request};
use netlink_packet_core::{DecodeError, Emitable, NetlinkMessage};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::LinkMessage;

/// A request as netlink-packet-route's message, with the header it is to be sent with.
///
/// A namespace in it ([`NewLink::netns`](crate::NewLink::netns)) is a descriptor's number there: keep the descriptor open
/// until the message is sent.
///
/// ```
/// use sublink::{IfIndex, IfName, MacvlanMode, NewLink, packet_route};
/// let link = NewLink::macvlan(IfIndex::new(2)?).mode(MacvlanMode::Bridge).name(IfName::new("mv0")?);
/// let message = packet_route::message(&link, 0)?;
/// assert_eq!(message.header.message_type, 16); // RTM_NEWLINK
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// netlink-packet-route cannot read it, or the request is [too long](NoRoom::LARGEST) for any message.
pub fn message(request: &impl Request, seq: u32) -> Result<NetlinkMessage<RouteNetlinkMessage>, DecodeError> {
    let NoRoom { needed } = request.encode(seq, &mut []).err().unwrap_or(NoRoom { needed: 0 });
    let mut bytes = vec![0; needed];
    request.encode(seq, &mut bytes).map_err(|no_room| DecodeError::from(no_room.to_string()))?;
    NetlinkMessage::deserialize(&bytes)
}

/// `None` if the message names no link (index 0). It panics where netlink-packet-route's own encoding of `message` does: an
/// attribute above 65,531 bytes.
impl TryFrom<&LinkMessage> for LinkInfo {
    type Error = DecodeError;

    fn try_from(message: &LinkMessage) -> Result<Self, DecodeError> {
        let mut payload = vec![0; message.buffer_len()];
        message.emit(&mut payload);
        let (head, attributes) = IfInfo::split(&payload).ok_or("the message names no link, or is above 256 KiB")?;
        Ok(LinkView::new(head, attributes).to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::{MacvlanMode, NewLink};
    use crate::value::{IfIndex, IfName, MacAddr};
    use netlink_packet_core::{NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST, NetlinkPayload};
    use netlink_packet_route::link::{InfoData, InfoMacVlan, LinkAttribute, LinkInfo as Info, MacVlanMode};

    const INDEX: IfIndex = IfIndex(0x0102);

    fn link_message(request: &impl Request) -> LinkMessage {
        match message(request, 7).unwrap().payload {
            NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewLink(link)) => link,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_request_becomes_a_message() {
        let link = NewLink::macvlan(INDEX).mode(MacvlanMode::Private).mtu(1400);
        let header = message(&link, 7).unwrap().header;
        assert_eq!(header.flags, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
        assert_eq!(header.sequence_number, 7);
        let attributes = link_message(&link).attributes;
        assert!(attributes.contains(&LinkAttribute::Mtu(1400)), "{attributes:?}");
        let data = Info::Data(InfoData::MacVlan(vec![InfoMacVlan::Mode(MacVlanMode::Private)]));
        assert!(
            attributes.iter().any(|a| matches!(a, LinkAttribute::LinkInfo(info) if info.contains(&data))),
            "{attributes:?}"
        );
    }

    #[test]
    fn a_message_becomes_a_link() {
        let mac = MacAddr::new([2, 0, 0, 0, 0, 7]).unwrap();
        let new = NewLink::macvlan(INDEX).index(INDEX).name(IfName::new("mv0").unwrap()).mac(mac).up();
        let link = LinkInfo::try_from(&link_message(&new.mode(MacvlanMode::Vepa))).unwrap();
        assert_eq!((link.index, link.parent, link.mac), (INDEX, Some(INDEX), Some(mac)));
        assert_eq!(link.name, IfName::new("mv0").unwrap());
        assert!(
            matches!(link.kind, crate::link::KindInfo::Macvlan(macvlan) if macvlan.mode == Some(MacvlanMode::Vepa))
        );
        assert!(LinkInfo::try_from(&LinkMessage::default()).is_err());
    }

    #[test]
    fn a_request_too_long_for_a_message_is_refused() {
        let senders = vec![MacAddr::new([2; 6]).unwrap(); 10_000];
        assert!(message(&NewLink::macvlan(INDEX).source(&senders), 1).is_err());
    }
}
