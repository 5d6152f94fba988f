//! netlink-bindings: made from the kernel's YNL specifications, which have no macvlan. Appends to a vector that is kept.

use super::{CREATE, Macvlan, RTM_NEWLINK, SEQ, Vlan};
use crate::decode::Tally;
use crate::measure::Sink;
use netlink_bindings::builtin::Nlmsghdr;
use netlink_bindings::rt_link::{
    Ifinfomsg, IflaVlanFlags, IflaVlanQosMapping, LinkAttrs, LinkinfoAttrs, OpGetlinkDump, OpNewlinkDo, PushLinkAttrs,
};
use netlink_bindings::traits::{NetlinkRequest, Pusher};
use netlink_bindings::utils::{finalize_nested_header, find_attr, push_header, push_nested_header};
use sublink::wire::Messages;

/// A message in `buf`, of which `attributes` writes what is behind the headers.
fn message(buf: &mut Vec<u8>, sink: Sink<'_>, attributes: impl FnOnce(PushLinkAttrs<&mut Vec<u8>>)) {
    let mut header = Nlmsghdr::new();
    (header.r#type, header.flags, header.seq) = (RTM_NEWLINK, CREATE, SEQ);
    buf.clear();
    buf.extend_from_slice(header.as_slice());
    attributes(OpNewlinkDo::encode_request(buf, &Ifinfomsg::new()));
    let len = buf.len() as u32;
    buf[..4].copy_from_slice(&len.to_ne_bytes());
    sink(buf);
}

pub fn macvlan(link: &Macvlan, buf: &mut Vec<u8>, sink: Sink<'_>) {
    message(buf, sink, |attributes| {
        let mut info = attributes
            .push_ifname_bytes(link.name.as_bytes())
            .push_link(link.parent)
            .push_address(&link.mac)
            .push_mtu(link.mtu)
            .push_net_ns_fd(link.namespace as u32)
            .nested_linkinfo()
            .push_kind(c"macvlan");
        let buf = info.as_vec_mut();
        let data = push_nested_header(buf, 2);
        push_header(buf, 1, 4);
        buf.extend(link.mode.to_ne_bytes());
        push_header(buf, 7, 4);
        buf.extend(link.bc_queue_len.to_ne_bytes());
        finalize_nested_header(buf, data);
        info.end_nested();
    });
}

pub fn vlan(link: &Vlan, buf: &mut Vec<u8>, sink: Sink<'_>) {
    message(buf, sink, |attributes| {
        let mut flags = IflaVlanFlags::new();
        (flags.flags, flags.mask) = (link.flags, link.mask);
        attributes
            .push_ifname_bytes(link.name.as_bytes())
            .push_link(link.parent)
            .nested_linkinfo()
            .nested_data_vlan()
            .push_id(link.id)
            .push_flags(flags)
            .push_protocol(link.protocol)
            .nested_egress_qos()
            .push_mapping(mapping(link.egress[0]))
            .push_mapping(mapping(link.egress[1]))
            .end_nested()
            .nested_ingress_qos()
            .push_mapping(mapping(link.ingress[0]))
            .push_mapping(mapping(link.ingress[1]))
            .end_nested()
            .end_nested()
            .end_nested();
    });
}

fn mapping((from, to): (u32, u32)) -> IflaVlanQosMapping {
    let mut mapping = IflaVlanQosMapping::new();
    (mapping.from, mapping.to) = (from, to);
    mapping
}

/// In one pass, which is faster here than its getters are: each of them searches from the start.
pub fn read(dump: &[u8]) -> Tally {
    let mut tally = Tally::default();
    for message in Messages::new(dump).map_while(Result::ok) {
        let (header, attributes) = OpGetlinkDump::decode_reply(message.payload);
        let (mut name, mut mac, mut parent, mut kind, mut mode) = (&[][..], &[][..], 0, &[][..], 0);
        for attribute in attributes.flatten() {
            match attribute {
                LinkAttrs::Ifname(value) => name = value.to_bytes(),
                LinkAttrs::Address(value) => mac = value,
                LinkAttrs::Link(value) => parent = value,
                LinkAttrs::Linkinfo(info) => {
                    let data = find_attr(info.get_buf(), 2).and_then(|data| find_attr(data, 1));
                    mode = data.and_then(|mode| mode.first_chunk()).map_or(0, |mode| u32::from_ne_bytes(*mode));
                    for attribute in info.flatten() {
                        if let LinkinfoAttrs::Kind(value) = attribute {
                            kind = value.to_bytes();
                        }
                    }
                }
                _ => {}
            }
        }
        tally.add(header.ifi_index as u32, name, mac, parent, kind, mode);
    }
    tally
}
