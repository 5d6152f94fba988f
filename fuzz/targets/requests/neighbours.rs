//! Neighbours, proxy entries and forwarding entries.

use super::{encoded, message};
use arbitrary::{Result, Unstructured};
use netlink_packet_core::NetlinkPayload;
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::neighbour::{NeighbourAddress, NeighbourAttribute, NeighbourMessage};
use std::net::IpAddr;
use sublink::neigh::*;
use sublink::request::{RequestInfo, Verb};
use sublink::value::RouteProtocol;
use sublink::*;
use sublink_fuzz::any;

/// What a message about a neighbour says, but for its family.
struct Asked {
    index: Option<IfIndex>,
    addr: Option<IpAddr>,
    mac: Option<MacAddr>,
    state: NeighbourState,
    flags: NeighbourFlags,
    protocol: Option<RouteProtocol>,
}

pub fn neighbour(u: &mut Unstructured<'_>) -> Result<()> {
    let (index, addr, mac) = (any::index(u)?, any::ip(u)?, any::mac(u)?);
    let named = |flags| Asked {
        index: Some(index),
        addr: Some(addr),
        mac: None,
        state: NeighbourState::None,
        flags,
        protocol: None,
    };
    let (none, proxy) = (NeighbourFlags::NONE, NeighbourFlags::PROXY);
    match u.int_in_range(0..=7)? {
        0 => says(u, &NewProxy::new(index, addr), Verb::AddProxy, &named(proxy)),
        1 => {
            let flags = proxy | NeighbourFlags::ROUTER;
            says(u, &NewProxy::new(index, addr).router(), Verb::AddProxy, &named(flags))
        }
        2 => says(u, &AskNeighbour::new(index, addr), Verb::AskNeighbour, &named(NeighbourFlags::USE)),
        3 => says(u, &DeleteNeighbour::new(index, addr), Verb::DeleteNeighbour, &named(none)),
        4 => says(u, &DeleteNeighbour::proxy(index, addr), Verb::DeleteProxy, &named(proxy)),
        5 => says(u, &GetNeighbour::new(index, addr), Verb::GetNeighbour, &named(none)),
        6 => says(u, &GetNeighbour::proxy(index, addr), Verb::GetProxy, &named(proxy)),
        _ => new(u, Asked { mac: Some(mac), state: NeighbourState::Permanent, ..named(none) }),
    }?;
    list(u)
}

/// A neighbour to add, which is said to be this and that, the last of which counts.
fn new(u: &mut Unstructured<'_>, mut asked: Asked) -> Result<()> {
    let (index, addr, mac) = (asked.index.expect("a link"), asked.addr.expect("an address"), asked.mac.expect("one"));
    let (mut new, mut verb) = (NewNeighbour::new(index, addr, mac), Verb::AddNeighbour);
    for _ in 0..u.int_in_range(0..=6)? {
        match u.int_in_range(0..=7)? {
            0 => (new, verb) = (new.replace(), Verb::ReplaceNeighbour),
            1 => (new, verb) = (new.change(), Verb::ChangeNeighbour),
            2 => (new, asked.state) = (new.reachable(), NeighbourState::Reachable),
            3 => (new, asked.state) = (new.stale(), NeighbourState::Stale),
            4 => (new, asked.state) = (new.noarp(), NeighbourState::Noarp),
            5 => (new, asked.flags) = (new.router(), asked.flags | NeighbourFlags::ROUTER),
            6 => (new, asked.flags) = (new.extern_learn(), asked.flags | NeighbourFlags::EXTERN_LEARN),
            _ => {
                let protocol = RouteProtocol(u.arbitrary()?);
                (new, asked.protocol) = (new.protocol(protocol), Some(protocol));
            }
        }
    }
    says(u, &new, verb, &asked)
}

/// Reads a request as if it were a reply: it has what was set; and netlink-packet-route reads the same.
fn says(u: &mut Unstructured<'_>, request: &impl Request, verb: Verb, asked: &Asked) -> Result<()> {
    let bytes = encoded(request, u)?.expect("it is short");
    assert_eq!(ForwardingEntry::of(message(&bytes)), None, "it is no forwarding entry");
    let read = NeighbourView::of(message(&bytes)).expect("a neighbour").to_owned();
    assert_eq!((read.index, read.addr, read.mac), (asked.index, asked.addr, asked.mac));
    assert_eq!((read.state, read.flags, read.protocol), (asked.state, asked.flags, asked.protocol));
    assert_eq!((read.ages, read.probes, read.ext_flags), (None, None, None));
    let info = RequestInfo::of(&bytes).expect("a request");
    assert_eq!((info.verb, info.index, info.addr.map(|addr| addr.ip())), (verb, asked.index, asked.addr));
    let addr = asked.addr.map(|addr| match addr {
        IpAddr::V4(addr) => NeighbourAddress::Inet(addr),
        IpAddr::V6(addr) => NeighbourAddress::Inet6(addr),
    });
    route_reads(
        request,
        asked,
        &[
            addr.map(NeighbourAttribute::Destination),
            asked.mac.map(|mac| NeighbourAttribute::LinkLayerAddress(mac.bytes().into())),
            asked.protocol.map(|protocol| NeighbourAttribute::Protocol(protocol.0.into())),
        ],
    );
    Ok(())
}

/// Checks that netlink-packet-route reads the same header and these attributes, and no others.
fn route_reads(request: &impl Request, asked: &Asked, attributes: &[Option<NeighbourAttribute>]) {
    let read = packet_route::message(request, 9).expect("it reads all of these");
    let NetlinkPayload::InnerMessage(
        RouteNetlinkMessage::NewNeighbour(NeighbourMessage { header, attributes: found, .. })
        | RouteNetlinkMessage::DelNeighbour(NeighbourMessage { header, attributes: found, .. })
        | RouteNetlinkMessage::GetNeighbour(NeighbourMessage { header, attributes: found, .. }),
    ) = read.payload
    else {
        panic!("no neighbour: {read:?}")
    };
    assert_eq!(header.ifindex, asked.index.map_or(0, IfIndex::get));
    assert_eq!((u16::from(header.state), header.flags.bits()), (asked.state.into(), asked.flags.bits()));
    assert_eq!(found, attributes.iter().flatten().cloned().collect::<Vec<_>>());
}

fn list(u: &mut Unstructured<'_>) -> Result<()> {
    let (index, state) = (any::index(u)?, NeighbourState::from(u.arbitrary::<u16>()?));
    let mut list = ListNeighbours::new().state(state); // which the kernel is not asked for
    let (mut asked, mut attribute) = (nothing(), None);
    if u.arbitrary()? {
        list = if u.arbitrary()? { list.v4() } else { list.v6() };
    }
    if u.arbitrary()? {
        (list, attribute) = (list.index(index), Some(NeighbourAttribute::IfIndex(index.get())));
    }
    if u.arbitrary()? {
        (list, asked.flags) = (list.proxies(), NeighbourFlags::PROXY);
    }
    encoded(&list, u)?.expect("it is short");
    route_reads(&list, &asked, &[attribute]);
    Ok(())
}

const fn nothing() -> Asked {
    let (state, flags) = (NeighbourState::None, NeighbourFlags::NONE);
    Asked { index: None, addr: None, mac: None, state, flags, protocol: None }
}

pub fn forwarding(u: &mut Unstructured<'_>) -> Result<()> {
    let (index, addr) = (any::index(u)?, any::ether_addr(u)?);
    let (state, flags) = (NeighbourState::Permanent, NeighbourFlags::SELF);
    let asked = Asked { index: Some(index), state, flags, ..nothing() };
    let attributes = [Some(NeighbourAttribute::LinkLayerAddress(addr.bytes().into()))];
    for (bytes, verb) in [
        (encoded(&NewForwarding::new(index, addr), u)?, Verb::AddForwarding),
        (encoded(&DeleteForwarding::new(index, addr), u)?, Verb::DeleteForwarding),
    ] {
        let bytes = bytes.expect("it is short");
        assert!(NeighbourView::of(message(&bytes)).is_none(), "it is no neighbour");
        let read = ForwardingEntry::of(message(&bytes)).expect("a forwarding entry");
        assert_eq!((read.index, read.addr, read.state, read.flags), (index, Some(addr), state, flags));
        assert!(read.is_own());
        let info = RequestInfo::of(&bytes).expect("a request");
        assert_eq!((info.verb, info.index, info.ether_addr), (verb, Some(index), Some(addr)));
    }
    route_reads(&NewForwarding::new(index, addr), &asked, &attributes);
    route_reads(&DeleteForwarding::new(index, addr), &asked, &attributes);
    let list = ListForwarding::new(index);
    encoded(&list, u)?.expect("it is short");
    route_reads(&list, &Asked { index: Some(index), ..nothing() }, &[]);
    Ok(())
}
