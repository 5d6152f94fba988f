//! Links to create.

use super::{assert_same, index, link, mac, name, parsed};
use netlink_packet_core::{NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{
    self as packet_route, InfoData, InfoIpVlan, InfoKind, InfoMacVlan, InfoMacVtap, InfoVeth, InfoVlan, IpVlanFlags,
    IpVlanMode, LinkAttribute as A, LinkFlags, LinkInfo, LinkMessage, MacVlanFlags, MacVlanMacAddressMode, MacVlanMode,
    VlanFlags as Flags, VlanProtocol as Protocol, VlanQosMapping,
};
use std::fs::File;
use std::os::fd::AsRawFd;
use sublink::link::{
    EgressQos, IngressQos, IpvlanFlag, IpvlanMode, LinkMode, MacvlanFlags, VlanFlags, VlanPriority, VlanProtocol,
};
use sublink::value::{Broadcast, NsId};
use sublink::{MacvlanMode, NewLink, Request, VlanId};

const DOWN: LinkFlags = LinkFlags::empty();

/// A request that creates a link and never changes one that is there.
fn created(request: &impl Request) -> LinkMessage {
    match parsed(request) {
        (flags, RouteNetlinkMessage::NewLink(link)) => {
            assert_eq!(flags, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
            link
        }
        other => panic!("{other:?}"),
    }
}

fn info(kind: InfoKind, data: InfoData) -> A {
    A::LinkInfo(vec![LinkInfo::Kind(kind), LinkInfo::Data(data)])
}

fn macvlan(data: Vec<InfoMacVlan>) -> A {
    info(InfoKind::MacVlan, InfoData::MacVlan(data))
}

fn vlan(data: Vec<InfoVlan>) -> A {
    info(InfoKind::Vlan, InfoData::Vlan(data))
}

fn dummy() -> A {
    info(InfoKind::Dummy, InfoData::Other(vec![]))
}

#[test]
fn a_dummy_with_all_that_any_link_has() {
    let namespace = File::open("/").expect("a descriptor");
    let request = NewLink::dummy()
        .index(index(42))
        .name(name("d0"))
        .mac(mac(1))
        .mtu(1400)
        .netns(&namespace)
        .txqlen(50)
        .group(7)
        .master(index(3))
        .broadcast(Broadcast([2, 0, 0, 0, 0, 0xff]))
        .gso_max_size(30_000)
        .gso_max_segs(20)
        .gro_max_size(30_001)
        .gso_ipv4_max_size(30_002)
        .gro_ipv4_max_size(30_003)
        .link_mode(LinkMode::Testing)
        .tx_queues(4)
        .rx_queues(3)
        .parent_in(NsId::new(9).unwrap())
        .up();
    let attributes = vec![
        A::IfName("d0".into()),
        A::Address(vec![2, 0, 0, 0, 0, 1]),
        A::Mtu(1400),
        A::NetNsFd(namespace.as_raw_fd()),
        A::TxQueueLen(50),
        A::Group(7),
        A::Controller(3),
        A::Broadcast(vec![2, 0, 0, 0, 0, 0xff]),
        A::GsoMaxSize(30_000),
        A::GsoMaxSegs(20),
        A::GroMaxSize(30_001),
        A::GsoIpv4MaxSize(30_002),
        A::GroIpv4MaxSize(30_003),
        A::Mode(packet_route::LinkMode::Testing),
        A::NumTxQueues(4),
        A::NumRxQueues(3),
        A::LinkNetNsId(9),
        dummy(),
    ];
    assert_same(&created(&request), &link(42, LinkFlags::Up, LinkFlags::Up, attributes));
}

#[test]
fn a_dummy_with_nothing() {
    assert_same(&created(&NewLink::dummy()), &link(0, DOWN, DOWN, vec![dummy()]));
}

#[test]
fn names_of_every_length() {
    for length in 1..=15 {
        let text = "a".repeat(length);
        let expected = link(0, DOWN, DOWN, vec![A::IfName(text.clone()), dummy()]);
        assert_same(&created(&NewLink::dummy().name(name(&text))), &expected);
    }
}

#[test]
fn macvlans_of_every_mode() {
    let modes = [
        (MacvlanMode::Private, MacVlanMode::Private),
        (MacvlanMode::Vepa, MacVlanMode::Vepa),
        (MacvlanMode::Bridge, MacVlanMode::Bridge),
        (MacvlanMode::Passthru, MacVlanMode::Passthrough),
        (MacvlanMode::Source, MacVlanMode::Source),
        (MacvlanMode::Other(64), MacVlanMode::Other(64)),
    ];
    for (ours, theirs) in modes {
        let expected = vec![A::Link(5), macvlan(vec![InfoMacVlan::Mode(theirs)])];
        assert_same(&created(&NewLink::macvlan(index(5)).mode(ours)), &link(0, DOWN, DOWN, expected));
    }
}

#[test]
fn a_macvlan_of_no_mode() {
    assert_same(&created(&NewLink::macvlan(index(5))), &link(0, DOWN, DOWN, vec![A::Link(5), macvlan(vec![])]));
}

#[test]
fn a_macvlan_with_all_that_it_has() {
    let senders = [mac(1), mac(2), mac(3)];
    let flags = MacvlanFlags::NOPROMISC.with(MacvlanFlags::NODST);
    let request = NewLink::macvlan(index(5)).source(&senders).flags(flags).bc_queue_len(500).bc_cutoff(-1);
    let data = vec![
        InfoMacVlan::Mode(MacVlanMode::Source),
        InfoMacVlan::Flags(MacVlanFlags::NoPromisc | MacVlanFlags::NoDst),
        InfoMacVlan::MacAddrMode(MacVlanMacAddressMode::Set),
        InfoMacVlan::MacAddrData((1..=3).map(|last| InfoMacVlan::MacAddr([2, 0, 0, 0, 0, last])).collect()),
        InfoMacVlan::BcQueueLen(500),
        InfoMacVlan::BcCutoff(-1),
    ];
    assert_same(&created(&request), &link(0, DOWN, DOWN, vec![A::Link(5), macvlan(data)]));
}

#[test]
fn a_macvtap_with_all_that_it_has() {
    let senders = [mac(1)];
    let request = NewLink::macvtap(index(5))
        .source(&senders)
        .flags(MacvlanFlags::NODST)
        .bc_queue_len(u32::MAX)
        .bc_cutoff(i32::MAX)
        .name(name("mt0"));
    let data = vec![
        InfoMacVtap::Mode(MacVlanMode::Source),
        InfoMacVtap::Flags(MacVlanFlags::NoDst),
        InfoMacVtap::MacAddrMode(MacVlanMacAddressMode::Set),
        InfoMacVtap::MacAddrData(vec![InfoMacVtap::MacAddr([2, 0, 0, 0, 0, 1])]),
        InfoMacVtap::BcQueueLen(u32::MAX),
        InfoMacVtap::BcCutoff(i32::MAX),
    ];
    let info = info(InfoKind::MacVtap, InfoData::MacVtap(data));
    assert_same(&created(&request), &link(0, DOWN, DOWN, vec![A::Link(5), A::IfName("mt0".into()), info]));
}

#[test]
fn vlans_of_the_least_and_the_largest_id() {
    for id in [0, 4094] {
        let request = NewLink::vlan(index(5), VlanId::new(id).expect("an id"));
        assert_same(&created(&request), &link(0, DOWN, DOWN, vec![A::Link(5), vlan(vec![InfoVlan::Id(id)])]));
    }
}

#[test]
fn a_vlan_with_all_that_it_has() {
    let priority = |priority| VlanPriority::new(priority).expect("a priority");
    let ingress = [IngressQos::new(priority(0), 1), IngressQos::new(priority(7), u32::MAX)];
    let egress = [EgressQos::new(u32::MAX, priority(7)), EgressQos::new(3, priority(0))];
    let request = NewLink::vlan(index(5), VlanId::new(50).expect("an id"))
        .protocol(VlanProtocol::Ieee8021Ad)
        .flags(VlanFlags::REORDER_HDR.off() | VlanFlags::GVRP.on() | VlanFlags::BRIDGE_BINDING.on())
        .ingress_qos(&ingress)
        .egress_qos(&egress)
        .up();
    let data = vec![
        InfoVlan::Id(50),
        InfoVlan::Protocol(Protocol::Ieee8021Ad),
        InfoVlan::Flags((Flags::Gvrp | Flags::BridgeBinding, Flags::ReorderHdr | Flags::Gvrp | Flags::BridgeBinding)),
        InfoVlan::IngressQos(vec![VlanQosMapping::Mapping(0, 1), VlanQosMapping::Mapping(7, u32::MAX)]),
        InfoVlan::EgressQos(vec![VlanQosMapping::Mapping(u32::MAX, 7), VlanQosMapping::Mapping(3, 0)]),
    ];
    assert_same(&created(&request), &link(0, LinkFlags::Up, LinkFlags::Up, vec![A::Link(5), vlan(data)]));
}

#[test]
fn each_flag_of_a_vlan() {
    let flags: [(VlanFlags, Flags); 5] = [
        (VlanFlags::REORDER_HDR, Flags::ReorderHdr),
        (VlanFlags::GVRP, Flags::Gvrp),
        (VlanFlags::LOOSE_BINDING, Flags::LooseBinding),
        (VlanFlags::MVRP, Flags::Mvrp),
        (VlanFlags::BRIDGE_BINDING, Flags::BridgeBinding),
    ];
    for (ours, theirs) in flags {
        let request = NewLink::vlan(index(5), VlanId::new(1).expect("an id")).flags(ours.on());
        let data = vec![InfoVlan::Id(1), InfoVlan::Flags((theirs, theirs))];
        assert_same(&created(&request), &link(0, DOWN, DOWN, vec![A::Link(5), vlan(data)]));
    }
}

#[test]
fn ipvlans_of_every_mode_and_flag() {
    let modes =
        [(IpvlanMode::L2, IpVlanMode::L2), (IpvlanMode::L3, IpVlanMode::L3), (IpvlanMode::L3S, IpVlanMode::L3S)];
    let flags = [
        (IpvlanFlag::Bridge, IpVlanFlags::empty()),
        (IpvlanFlag::Private, IpVlanFlags::Private),
        (IpvlanFlag::Vepa, IpVlanFlags::Vepa),
    ];
    for ((our_mode, mode), (our_flag, flag)) in modes.into_iter().flat_map(|mode| flags.map(|flag| (mode, flag))) {
        let data = InfoData::IpVlan(vec![InfoIpVlan::Mode(mode), InfoIpVlan::Flags(flag)]);
        let expected = vec![A::Link(5), info(InfoKind::IpVlan, data)];
        let request = NewLink::ipvlan(index(5)).mode(our_mode).flag(our_flag);
        assert_same(&created(&request), &link(0, DOWN, DOWN, expected));
    }
}

#[test]
fn a_veth_with_its_other_end() {
    let namespace = File::open("/").expect("a descriptor");
    let peer = NewLink::peer().index(index(9)).name(name("p1")).mac(mac(2)).mtu(9000).netns(&namespace);
    let request = NewLink::veth(peer).name(name("p0")).mac(mac(1));
    let peer = vec![
        A::IfName("p1".into()),
        A::Address(vec![2, 0, 0, 0, 0, 2]),
        A::Mtu(9000),
        A::NetNsFd(namespace.as_raw_fd()),
    ];
    let peer = InfoData::Veth(InfoVeth::Peer(link(9, DOWN, DOWN, peer)));
    let expected = vec![A::IfName("p0".into()), A::Address(vec![2, 0, 0, 0, 0, 1]), info(InfoKind::Veth, peer)];
    assert_same(&created(&request), &link(0, DOWN, DOWN, expected));
}
