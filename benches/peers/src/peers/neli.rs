//! neli: typed headers, attributes as buffers of buffers; a number that it does not know is its `UnrecognizedConst`.

use super::{CREATE, Macvlan, SEQ, Vlan};
use crate::decode::Tally;
use crate::measure::Sink;
use neli::attr::Attribute;
use neli::consts::nl::NlmF;
use neli::consts::rtnl::{Ifla, IflaInfo, IflaVlan, IflaVlanQos, RtAddrFamily, RtaType, Rtm};
use neli::nl::{NlPayload, NlmsghdrBuilder};
use neli::rtnl::{Ifinfomsg, IfinfomsgBuilder, Rtattr, RtattrBuilder};
use neli::types::{Buffer, RtBuffer};
use neli::{FromBytesWithInput, Size, ToBytes};
use std::io::Cursor;
use sublink::wire::Messages;

fn attribute<T: RtaType>(number: T, value: impl Size + ToBytes) -> Rtattr<T, Buffer> {
    RtattrBuilder::default().rta_type(number).rta_payload(value).build().unwrap()
}

/// An attribute that it has no names for.
fn nameless(number: u16, value: impl Size + ToBytes) -> Rtattr<IflaVlan, Buffer> {
    attribute(IflaVlan::UnrecognizedConst(number), value)
}

fn message(attributes: Vec<Rtattr<Ifla, Buffer>>, kind: &str, data: Vec<Rtattr<IflaVlan, Buffer>>, sink: Sink<'_>) {
    let mut attributes = RtBuffer::from_iter(attributes);
    let info =
        [attribute(IflaInfo::Kind, kind), attribute(IflaInfo::Data, RtBuffer::<IflaVlan, Buffer>::from_iter(data))];
    attributes.push(attribute(Ifla::Linkinfo, RtBuffer::<IflaInfo, Buffer>::from_iter(info)));
    let link = IfinfomsgBuilder::default().ifi_family(RtAddrFamily::Unspecified).rtattrs(attributes).build().unwrap();
    let message = NlmsghdrBuilder::default()
        .nl_type(Rtm::Newlink)
        .nl_flags(NlmF::from_bits_truncate(CREATE))
        .nl_seq(SEQ)
        .nl_payload(NlPayload::Payload(link))
        .build()
        .unwrap();
    let mut bytes = Cursor::new(Vec::new());
    message.to_bytes(&mut bytes).unwrap();
    sink(bytes.get_ref());
}

pub fn macvlan(link: &Macvlan, sink: Sink<'_>) {
    let attributes = vec![
        attribute(Ifla::Ifname, link.name),
        attribute(Ifla::Link, link.parent),
        attribute(Ifla::Address, link.mac),
        attribute(Ifla::Mtu, link.mtu),
        attribute(Ifla::NetNsFd, link.namespace),
    ];
    message(attributes, "macvlan", vec![nameless(1, link.mode), nameless(7, link.bc_queue_len)], sink);
}

pub fn vlan(link: &Vlan, sink: Sink<'_>) {
    let pair = |(a, b): (u32, u32)| u64::from(b) << 32 | u64::from(a);
    let map = |map: [(u32, u32); 2]| {
        let mappings = map.map(|mapping| attribute(IflaVlanQos::Mapping, pair(mapping)));
        RtBuffer::<IflaVlanQos, Buffer>::from_iter(mappings)
    };
    let data = vec![
        attribute(IflaVlan::Id, link.id),
        attribute(IflaVlan::Protocol, link.protocol.to_be()),
        attribute(IflaVlan::Flags, pair((link.flags, link.mask))),
        attribute(IflaVlan::EgressQos, map(link.egress)),
        attribute(IflaVlan::IngressQos, map(link.ingress)),
    ];
    message(vec![attribute(Ifla::Ifname, link.name), attribute(Ifla::Link, link.parent)], "vlan", data, sink);
}

pub fn read(dump: &[u8]) -> Tally {
    let mut tally = Tally::default();
    for message in Messages::new(dump).map_while(Result::ok) {
        let link = Ifinfomsg::from_bytes_with_input(&mut Cursor::new(message.payload), message.payload.len()).unwrap();
        let attributes = link.rtattrs().get_attr_handle();
        let name: &str = attributes.get_attr_payload_as_with_len_borrowed(Ifla::Ifname).unwrap();
        let mac: &[u8] = attributes.get_attr_payload_as_with_len_borrowed(Ifla::Address).unwrap();
        let parent = attributes.get_attr_payload_as(Ifla::Link).unwrap();
        let info = attributes.get_nested_attributes::<IflaInfo>(Ifla::Linkinfo).unwrap();
        let kind: &str = info.get_attr_payload_as_with_len_borrowed(IflaInfo::Kind).unwrap();
        let data = info.get_nested_attributes::<IflaVlan>(IflaInfo::Data).unwrap();
        let mode = data.get_attrs().iter().find(|attribute| u16::from(*attribute.rta_type()) == 1);
        let mode = mode.map_or(0, |mode| mode.get_payload_as().unwrap());
        let index = (*link.ifi_index()).cast_unsigned();
        let [name, kind] = [name, kind].map(|text| text.trim_end_matches('\0').as_bytes());
        tally.add(index, name, mac, parent, kind, mode);
    }
    tally
}
