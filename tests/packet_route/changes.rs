//! Links to change and to move.

use super::{assert_same, index, link, mac, name, parsed};
use netlink_packet_core::{NLM_F_ACK, NLM_F_REQUEST};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{
    self as packet_route, AfSpecInet6, AfSpecUnspec, In6AddrGenMode, InfoData, InfoIpVlan, InfoKind, InfoMacVlan,
    InfoMacVtap, InfoVlan, IpVlanFlags, IpVlanMode, LinkAttribute as A, LinkFlags, LinkInfo, LinkMessage,
    LinkProtocolDownReason, MacVlanFlags, MacVlanMacAddressMode, MacVlanMode, VlanFlags as Flags, VlanQosMapping,
};
use std::fs::File;
use std::os::fd::AsRawFd;
use sublink::link::{
    AddrGenMode, EgressQos, IngressQos, Ipv6Token, IpvlanFlag, IpvlanMode, LinkMode, LinkSettings, MacvlanFlags,
    OperState, ProtoDownReasons, SourceMacs, VlanFlags, VlanPriority,
};
use sublink::value::{Alias, Broadcast};
use sublink::{LinkChange, MacvlanMode, Request};

const NONE: LinkFlags = LinkFlags::empty();

/// A change of what every link has: RTM_SETLINK.
fn set(request: &impl Request) -> LinkMessage {
    match parsed(request) {
        (flags, RouteNetlinkMessage::SetLink(link)) if flags == NLM_F_REQUEST | NLM_F_ACK => link,
        other => panic!("{other:?}"),
    }
}

/// A change of what a kind has: RTM_NEWLINK that creates nothing.
fn set_of_kind(request: &impl Request) -> LinkMessage {
    match parsed(request) {
        (flags, RouteNetlinkMessage::NewLink(link)) if flags == NLM_F_REQUEST | NLM_F_ACK => link,
        other => panic!("{other:?}"),
    }
}

fn info(kind: InfoKind, data: InfoData) -> A {
    A::LinkInfo(vec![LinkInfo::Kind(kind), LinkInfo::Data(data)])
}

#[test]
fn a_change_of_all_that_any_link_has() {
    let request = LinkChange::new(index(8))
        .name(name("d1"))
        .mac(mac(1))
        .mtu(1300)
        .txqlen(9)
        .group(9)
        .master(index(3))
        .broadcast(Broadcast([0xff; 6]))
        .gso_max_size(20_000)
        .gso_max_segs(9)
        .gro_max_size(30_000)
        .gso_ipv4_max_size(20_001)
        .gro_ipv4_max_size(30_001)
        .link_mode(LinkMode::Dormant)
        .proto_down(true)
        .proto_down_reason(ProtoDownReasons::from(2).on() | ProtoDownReasons::from(1).off())
        .carrier(true)
        .oper_state(OperState::Dormant)
        .alias(Alias::new("an alias").expect("an alias"));
    let expected = vec![
        A::IfName("d1".into()),
        A::Address(vec![2, 0, 0, 0, 0, 1]),
        A::Mtu(1300),
        A::TxQueueLen(9),
        A::Group(9),
        A::Controller(3),
        A::Broadcast(vec![0xff; 6]),
        A::GsoMaxSize(20_000),
        A::GsoMaxSegs(9),
        A::GroMaxSize(30_000),
        A::GsoIpv4MaxSize(20_001),
        A::GroIpv4MaxSize(30_001),
        A::Mode(packet_route::LinkMode::Dormant),
        A::ProtoDown(1),
        A::ProtoDownReason(vec![LinkProtocolDownReason::Mask(3), LinkProtocolDownReason::Value(2)]),
        A::Carrier(1),
        A::OperState(packet_route::State::Dormant),
        A::IfAlias("an alias".into()),
    ];
    assert_same(&set(&request), &link(8, NONE, NONE, expected));
}

#[test]
fn flags_with_their_mask() {
    let (up, promisc, all) = (LinkFlags::Up, LinkFlags::Promisc, LinkFlags::Allmulti);
    let change = LinkChange::new(index(8));
    let rows = [
        (change.up(), up, up),
        (change.down(), NONE, up),
        (change.promisc(true), promisc, promisc),
        (change.promisc(false), NONE, promisc),
        (change.allmulticast(true), all, all),
        (change.up().allmulticast(false).promisc(true), up | promisc, up | promisc | all),
        (change.up().down(), NONE, up),
    ];
    for (request, flags, mask) in rows {
        assert_same(&set(&request), &link(8, flags, mask, vec![]));
    }
}

#[test]
fn no_master_is_master_0() {
    assert_same(&set(&LinkChange::new(index(8)).nomaster()), &link(8, NONE, NONE, vec![A::Controller(0)]));
}

#[test]
fn a_move_with_a_new_name_index_and_state() {
    let namespace = File::open("/").expect("a descriptor");
    let request = LinkChange::move_to(index(8), &namespace).name(name("eth0")).index_there(index(42)).mtu(1300).up();
    let expected = vec![A::NetNsFd(namespace.as_raw_fd()), A::IfName("eth0".into()), A::NewIfIndex(42), A::Mtu(1300)];
    assert_same(&set(&request), &link(8, LinkFlags::Up, LinkFlags::Up, expected));
}

#[test]
fn ipv6_address_generation() {
    let modes = [
        (AddrGenMode::Eui64, In6AddrGenMode::Eui64),
        (AddrGenMode::None, In6AddrGenMode::None),
        (AddrGenMode::StablePrivacy, In6AddrGenMode::StablePrivacy),
        (AddrGenMode::Random, In6AddrGenMode::Random),
        (AddrGenMode::Other(9), In6AddrGenMode::Other(9)),
    ];
    for (ours, theirs) in modes {
        let expected = A::AfSpecUnspec(vec![AfSpecUnspec::Inet6(vec![AfSpecInet6::AddrGenMode(theirs)])]);
        let request = LinkSettings::new(index(8)).addr_gen_mode(ours);
        assert_same(&set(&request), &link(8, NONE, NONE, vec![expected]));
    }
}

#[test]
fn an_ipv6_token() {
    let token: Ipv6Token = "::1:2:3:4".parse().expect("a token");
    let inet6 = vec![AfSpecInet6::Token(token.addr()), AfSpecInet6::AddrGenMode(In6AddrGenMode::None)];
    let expected = A::AfSpecUnspec(vec![AfSpecUnspec::Inet6(inet6)]);
    let request = LinkSettings::new(index(8)).addr_gen_mode(AddrGenMode::None).token(token);
    assert_same(&set(&request), &link(8, NONE, NONE, vec![expected]));
}

#[test]
fn a_change_of_a_macvlan() {
    let request = LinkChange::macvlan(index(8))
        .mode(MacvlanMode::Private)
        .flags(MacvlanFlags::NONE)
        .bc_queue_len(7)
        .bc_cutoff(0)
        .mtu(1300);
    let data = vec![
        InfoMacVlan::Mode(MacVlanMode::Private),
        InfoMacVlan::Flags(MacVlanFlags::empty()),
        InfoMacVlan::BcQueueLen(7),
        InfoMacVlan::BcCutoff(0),
    ];
    let expected = vec![A::Mtu(1300), info(InfoKind::MacVlan, InfoData::MacVlan(data))];
    assert_same(&set_of_kind(&request), &link(8, NONE, NONE, expected));
}

#[test]
fn each_change_of_a_list_of_senders() {
    use MacVlanMacAddressMode::{Add, Del, Flush, Set};
    let address = |last| InfoMacVlan::MacAddr([2, 0, 0, 0, 0, last]);
    let senders = [mac(1), mac(2)];
    let rows = [
        (SourceMacs::Add(mac(3)), vec![InfoMacVlan::MacAddrMode(Add), address(3)]),
        (SourceMacs::Delete(mac(4)), vec![InfoMacVlan::MacAddrMode(Del), address(4)]),
        (SourceMacs::Flush, vec![InfoMacVlan::MacAddrMode(Flush)]),
        (
            SourceMacs::Set(&senders),
            vec![InfoMacVlan::MacAddrMode(Set), InfoMacVlan::MacAddrData(vec![address(1), address(2)])],
        ),
        (SourceMacs::Set(&[]), vec![InfoMacVlan::MacAddrMode(Set), InfoMacVlan::MacAddrData(vec![])]),
    ];
    for (change, data) in rows {
        let expected = vec![info(InfoKind::MacVlan, InfoData::MacVlan(data))];
        assert_same(&set_of_kind(&LinkChange::macvlan(index(8)).macaddr(change)), &link(8, NONE, NONE, expected));
    }
}

#[test]
fn a_change_of_a_macvtap() {
    let request = LinkChange::macvtap(index(8)).mode(MacvlanMode::Vepa).macaddr(SourceMacs::Flush);
    let data = vec![InfoMacVtap::Mode(MacVlanMode::Vepa), InfoMacVtap::MacAddrMode(MacVlanMacAddressMode::Flush)];
    let expected = vec![info(InfoKind::MacVtap, InfoData::MacVtap(data))];
    assert_same(&set_of_kind(&request), &link(8, NONE, NONE, expected));
}

#[test]
fn a_change_of_a_vlan() {
    let priority = |priority| VlanPriority::new(priority).expect("a priority");
    let (ingress, egress) = ([IngressQos::new(priority(3), 0)], [EgressQos::new(5, priority(6))]);
    let request = LinkChange::vlan(index(8))
        .flags(VlanFlags::LOOSE_BINDING.on() | VlanFlags::MVRP.off())
        .ingress_qos(&ingress)
        .egress_qos(&egress);
    let data = vec![
        InfoVlan::Flags((Flags::LooseBinding, Flags::LooseBinding | Flags::Mvrp)),
        InfoVlan::IngressQos(vec![VlanQosMapping::Mapping(3, 0)]),
        InfoVlan::EgressQos(vec![VlanQosMapping::Mapping(5, 6)]),
    ];
    let expected = vec![info(InfoKind::Vlan, InfoData::Vlan(data))];
    assert_same(&set_of_kind(&request), &link(8, NONE, NONE, expected));
}

#[test]
fn a_change_of_an_ipvlan() {
    let request = LinkChange::ipvlan(index(8)).mode(IpvlanMode::L3S).flag(IpvlanFlag::Private).up();
    let data = vec![InfoIpVlan::Mode(IpVlanMode::L3S), InfoIpVlan::Flags(IpVlanFlags::Private)];
    let expected = vec![info(InfoKind::IpVlan, InfoData::IpVlan(data))];
    assert_same(&set_of_kind(&request), &link(8, LinkFlags::Up, LinkFlags::Up, expected));
}
