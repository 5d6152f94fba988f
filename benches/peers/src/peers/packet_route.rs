//! netlink-packet-route: a message is a vector of attributes, which is written into a buffer that is kept.

use super::{CREATE, Macvlan, SEQ, Vlan};
use crate::decode::Tally;
use crate::measure::Sink;
use netlink_packet_core::{NetlinkHeader, NetlinkMessage, NetlinkPayload};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{
    InfoData, InfoKind, InfoMacVlan, InfoVlan, LinkAttribute, LinkInfo, LinkMessage, MacVlanMode, VlanFlags,
    VlanProtocol, VlanQosMapping,
};

/// As a socket would send it.
pub fn emit(link: LinkMessage, buf: &mut [u8], sink: Sink<'_>) {
    let mut header = NetlinkHeader::default();
    (header.flags, header.sequence_number) = (CREATE, SEQ);
    let mut message = NetlinkMessage::new(header, NetlinkPayload::from(RouteNetlinkMessage::NewLink(link)));
    message.finalize();
    message.serialize(buf);
    sink(&buf[..message.buffer_len()]);
}

fn message(mut attributes: Vec<LinkAttribute>, kind: InfoKind, data: InfoData) -> LinkMessage {
    attributes.push(LinkAttribute::LinkInfo(vec![LinkInfo::Kind(kind), LinkInfo::Data(data)]));
    let mut message = LinkMessage::default();
    message.attributes = attributes;
    message
}

pub fn macvlan(link: &Macvlan) -> LinkMessage {
    let attributes = vec![
        LinkAttribute::IfName(link.name.into()),
        LinkAttribute::Link(link.parent),
        LinkAttribute::Address(link.mac.to_vec()),
        LinkAttribute::Mtu(link.mtu),
        LinkAttribute::NetNsFd(link.namespace),
    ];
    let data = vec![InfoMacVlan::Mode(MacVlanMode::from(link.mode)), InfoMacVlan::BcQueueLen(link.bc_queue_len)];
    message(attributes, InfoKind::MacVlan, InfoData::MacVlan(data))
}

pub fn vlan(link: &Vlan) -> LinkMessage {
    let map = |map: [(u32, u32); 2]| map.map(|(from, to)| VlanQosMapping::Mapping(from, to)).to_vec();
    let data = vec![
        InfoVlan::Id(link.id),
        InfoVlan::Protocol(VlanProtocol::from(link.protocol)),
        InfoVlan::Flags((VlanFlags::from_bits_retain(link.flags), VlanFlags::from_bits_retain(link.mask))),
        InfoVlan::EgressQos(map(link.egress)),
        InfoVlan::IngressQos(map(link.ingress)),
    ];
    let attributes = vec![LinkAttribute::IfName(link.name.into()), LinkAttribute::Link(link.parent)];
    message(attributes, InfoKind::Vlan, InfoData::Vlan(data))
}

pub fn read(dump: &[u8]) -> Tally {
    let mut tally = Tally::default();
    let mut rest = dump;
    while !rest.is_empty() {
        let message = NetlinkMessage::<RouteNetlinkMessage>::deserialize(rest).unwrap();
        rest = &rest[message.header.length as usize..];
        if let NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewLink(link)) = message.payload {
            add(&mut tally, &link);
        }
    }
    tally
}

pub fn add(tally: &mut Tally, link: &LinkMessage) {
    let (mut name, mut mac, mut parent, mut kind, mut mode) = ("", &[][..], 0, String::new(), 0);
    for attribute in &link.attributes {
        match attribute {
            LinkAttribute::IfName(value) => name = value,
            LinkAttribute::Address(value) => mac = value,
            LinkAttribute::Link(value) => parent = *value,
            LinkAttribute::LinkInfo(info) => {
                for info in info {
                    match info {
                        LinkInfo::Kind(value) => kind = value.to_string(),
                        LinkInfo::Data(InfoData::MacVlan(data)) => {
                            mode = data
                                .iter()
                                .find_map(|data| match data {
                                    InfoMacVlan::Mode(mode) => Some(u32::from(*mode)),
                                    _ => None,
                                })
                                .unwrap_or(0);
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    tally.add(link.header.index, name.as_bytes(), mac, parent, kind.as_bytes(), mode);
}
