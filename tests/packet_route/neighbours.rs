//! Neighbours and forwarding entries to add, to delete, to read and to list.

use super::{index, mac, parsed};
use netlink_packet_core::{NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REPLACE, NLM_F_REQUEST};
use netlink_packet_route::neighbour::{
    NeighbourAddress as Address, NeighbourAttribute as A, NeighbourFlags as Flags, NeighbourHeader, NeighbourMessage,
    NeighbourState as State,
};
use netlink_packet_route::route::RouteProtocol;
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage as Message};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use sublink::neigh::{
    AskNeighbour, DeleteForwarding, DeleteNeighbour, GetNeighbour, ListForwarding, ListNeighbours, NewForwarding,
    NewNeighbour, NewProxy,
};
use sublink::value::EtherAddr;

const V4: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 7);
const V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 7);
const ADD: u16 = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;

fn header(family: AddressFamily, state: State, flags: Flags) -> NeighbourHeader {
    NeighbourHeader { family, ifindex: 8, state, flags, ..NeighbourHeader::default() }
}

#[track_caller]
fn assert_is(read: &NeighbourMessage, header: &NeighbourHeader, attributes: &[A]) {
    assert_eq!(&read.header, header);
    assert_eq!(read.attributes, attributes);
}

fn added(request: &impl sublink::Request, flags: u16) -> NeighbourMessage {
    match parsed(request) {
        (read, Message::NewNeighbour(neighbour)) if read == flags => neighbour,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_neighbour() {
    let new = NewNeighbour::new(index(8), V4.into(), mac(7));
    let attributes = [A::Destination(Address::Inet(V4)), A::LinkLayerAddress(mac(7).bytes().into())];
    let header = |state| header(AddressFamily::Inet, state, Flags::empty());
    assert_is(&added(&new, ADD), &header(State::Permanent), &attributes);
    let replace = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE;
    assert_is(&added(&new.reachable().replace(), replace), &header(State::Reachable), &attributes);
    let change = NLM_F_REQUEST | NLM_F_ACK | NLM_F_REPLACE;
    assert_is(&added(&new.noarp().change(), change), &header(State::Noarp), &attributes);
}

#[test]
fn a_neighbour_with_everything() {
    let new = NewNeighbour::new(index(8), V6.into(), mac(7))
        .stale()
        .router()
        .extern_learn()
        .protocol(sublink::value::RouteProtocol::STATIC);
    let flags = Flags::Router | Flags::ExtLearned;
    let attributes = [
        A::Destination(Address::Inet6(V6)),
        A::LinkLayerAddress(mac(7).bytes().into()),
        A::Protocol(RouteProtocol::Static),
    ];
    assert_is(&added(&new, ADD), &header(AddressFamily::Inet6, State::Stale, flags), &attributes);
}

#[test]
fn a_proxy_and_one_to_ask_for() {
    let attributes = [A::Destination(Address::Inet(V4))];
    let proxy = NewProxy::new(index(8), V4.into()).router();
    let flags = Flags::Proxy | Flags::Router;
    assert_is(&added(&proxy, ADD), &header(AddressFamily::Inet, State::None, flags), &attributes);
    let ask = added(&AskNeighbour::new(index(8), V4.into()), NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE);
    assert_is(&ask, &header(AddressFamily::Inet, State::None, Flags::Use), &attributes);
}

#[test]
fn neighbours_to_delete_and_to_read() {
    let addr: IpAddr = V6.into();
    let attributes = [A::Destination(Address::Inet6(V6))];
    for (delete, get, flags) in [
        (DeleteNeighbour::new(index(8), addr), GetNeighbour::new(index(8), addr), Flags::empty()),
        (DeleteNeighbour::proxy(index(8), addr), GetNeighbour::proxy(index(8), addr), Flags::Proxy),
    ] {
        let header = header(AddressFamily::Inet6, State::None, flags);
        match (parsed(&delete), parsed(&get)) {
            ((delete, Message::DelNeighbour(deleted)), (get, Message::GetNeighbour(got))) => {
                assert_eq!((delete, get), (NLM_F_REQUEST | NLM_F_ACK, NLM_F_REQUEST));
                assert_is(&deleted, &header, &attributes);
                assert_is(&got, &header, &attributes);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn lists() {
    let listed = |request: &ListNeighbours| match parsed(request) {
        (flags, Message::GetNeighbour(list)) if flags == NLM_F_REQUEST | NLM_F_DUMP => list,
        other => panic!("{other:?}"),
    };
    let header = |family, flags| NeighbourHeader { family, flags, ..NeighbourHeader::default() };
    assert_is(&listed(&ListNeighbours::new()), &header(AddressFamily::Unspec, Flags::empty()), &[]);
    let proxies = listed(&ListNeighbours::new().v6().index(index(8)).proxies());
    assert_is(&proxies, &header(AddressFamily::Inet6, Flags::Proxy), &[A::IfIndex(8)]);
}

#[test]
fn forwarding_entries() {
    let addr = EtherAddr::new([1, 0, 0x5e, 0, 0, 7]).expect("an address");
    let attributes = [A::LinkLayerAddress(addr.bytes().into())];
    let header = |state, flags| header(AddressFamily::Bridge, state, flags);
    let own = header(State::Permanent, Flags::Own);
    assert_is(&added(&NewForwarding::new(index(8), addr), ADD), &own, &attributes);
    match parsed(&DeleteForwarding::new(index(8), addr)) {
        (flags, Message::DelNeighbour(entry)) => {
            assert_eq!(flags, NLM_F_REQUEST | NLM_F_ACK);
            assert_is(&entry, &own, &attributes);
        }
        other => panic!("{other:?}"),
    }
    match parsed(&ListForwarding::new(index(8))) {
        (flags, Message::GetNeighbour(list)) => {
            assert_eq!(flags, NLM_F_REQUEST | NLM_F_DUMP);
            assert_is(&list, &header(State::None, Flags::empty()), &[]);
        }
        other => panic!("{other:?}"),
    }
}
