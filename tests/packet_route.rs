//! What we encode, netlink-packet-route reads as the same request: bytes only, no kernel. `failings.rs` says where that crate
//! errs, so that a release which does not is noticed.

#[path = "packet_route/changes.rs"]
mod changes;
#[path = "packet_route/creates.rs"]
mod creates;
#[path = "packet_route/failings.rs"]
mod failings;
#[path = "packet_route/neighbours.rs"]
mod neighbours;
#[path = "packet_route/queries.rs"]
mod queries;
#[path = "packet_route/routes.rs"]
mod routes;

use netlink_packet_core::{DecodeError, NetlinkMessage, NetlinkPayload};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{InfoData, InfoVeth, LinkAttribute, LinkFlags, LinkInfo, LinkMessage};
use sublink::{IfIndex, IfName, MacAddr, Request};

fn index(index: u32) -> IfIndex {
    IfIndex::new(index).expect("an index")
}

fn name(name: &str) -> IfName {
    IfName::new(name).expect("a name")
}

fn mac(last: u8) -> MacAddr {
    MacAddr::new([2, 0, 0, 0, 0, last]).expect("an address")
}

fn encoded(request: &impl Request) -> Vec<u8> {
    let mut bytes = vec![0xee; 4096];
    let length = request.encode(7, &mut bytes).expect("room");
    bytes.truncate(length);
    bytes
}

fn read(bytes: &[u8]) -> Result<NetlinkMessage<RouteNetlinkMessage>, DecodeError> {
    NetlinkMessage::deserialize(bytes)
}

/// A request as that crate reads it: its flags, and the message. The header must be right.
fn parsed(request: &impl Request) -> (u16, RouteNetlinkMessage) {
    let bytes = encoded(request);
    let message = read(&bytes).expect("a message");
    assert_eq!(message.header.length as usize, bytes.len());
    assert_eq!((message.header.sequence_number, message.header.port_number), (7, 0));
    match message.payload {
        NetlinkPayload::InnerMessage(inner) => (message.header.flags, inner),
        other => panic!("{other:?}"),
    }
}

/// The message that a request should be read as.
fn link(index: u32, flags: LinkFlags, change_mask: LinkFlags, attributes: Vec<LinkAttribute>) -> LinkMessage {
    let mut link = LinkMessage::default();
    (link.header.index, link.header.flags, link.header.change_mask) = (index, flags, change_mask);
    link.attributes = attributes;
    link
}

/// The same link, whatever the order of attributes, which means nothing.
fn assert_same(read: &LinkMessage, expected: &LinkMessage) {
    assert_eq!(read.header, expected.header);
    assert_eq!(unordered(&read.attributes), unordered(&expected.attributes));
}

fn unordered(attributes: &[LinkAttribute]) -> Vec<String> {
    let mut all: Vec<String> = attributes.iter().flat_map(parts).collect();
    all.sort();
    all
}

fn parts(attribute: &LinkAttribute) -> Vec<String> {
    match attribute {
        LinkAttribute::LinkInfo(infos) => infos.iter().flat_map(info_parts).collect(),
        other => vec![format!("{other:?}")],
    }
}

fn info_parts(info: &LinkInfo) -> Vec<String> {
    fn each<T: std::fmt::Debug>(attributes: &[T]) -> Vec<String> {
        let data = ["data".to_owned()].into_iter();
        data.chain(attributes.iter().map(|attribute| format!("data {attribute:?}"))).collect()
    }
    match info {
        LinkInfo::Data(InfoData::MacVlan(data)) => each(data),
        LinkInfo::Data(InfoData::MacVtap(data)) => each(data),
        LinkInfo::Data(InfoData::Vlan(data)) => each(data),
        LinkInfo::Data(InfoData::IpVlan(data)) => each(data),
        LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(peer))) => {
            let own = unordered(&peer.attributes).into_iter().map(|attribute| format!("peer {attribute}"));
            own.chain([format!("peer {:?}", peer.header)]).collect()
        }
        other => vec![format!("{other:?}")],
    }
}
