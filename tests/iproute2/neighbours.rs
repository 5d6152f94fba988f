//! VLANs, and what macvlans and VLANs stand on or beside: veth, dummy, ipvlan.

use super::Row;
use super::host::{egress, index, ingress};
use crate::common::{mac, name, vid};
use std::os::fd::AsFd;
use sublink::link::{IpvlanFlag, IpvlanMode, VlanFlags, VlanProtocol};
use sublink::{LinkChange, NewLink};

pub const ROWS: &[Row] = &[
    Row {
        name: "veth_pair",
        needs: &[],
        ip: "add t0 address $MAC type veth peer name t1 address 02:00:00:00:00:08",
        ours: |host| host.add_with_mac(NewLink::veth(NewLink::peer().name(name("t1")).mac(mac(8)))),
        shows: r#"{"link": "t1"}"#,
    },
    Row {
        name: "veth_of_unlike_ends",
        needs: &[],
        ip: "add t0 index 77 address $MAC mtu 1400 numtxqueues 3 type veth peer name t1 index 78 address 02:00:00:00:00:08 mtu 9000 txqueuelen 5 numrxqueues 2",
        ours: |host| {
            let peer = NewLink::peer().name(name("t1")).index(index(78)).mac(mac(8)).mtu(9000).txqlen(5).rx_queues(2);
            // Linux takes the peer's index only where this end has asked for one.
            host.add_with_mac(NewLink::veth(peer).index(index(77)).mtu(1400).tx_queues(3))
        },
        shows: r#"{"ifindex": 77, "mtu": 1400, "link": "t1"}"#,
    },
    Row {
        name: "veth_to_another_namespace",
        needs: &[],
        ip: "add t0 address $MAC type veth peer name eth0 address 02:00:00:00:00:08 netns $POD",
        ours: |host| {
            let pod = host.pod().as_fd().try_clone_to_owned().expect("a descriptor");
            host.add_with_mac(NewLink::veth(NewLink::peer().name(name("eth0")).mac(mac(8)).netns(&pod)))
        },
        shows: r#"{"link_netnsid": 0}"#,
    },
    Row {
        name: "vlan_id_0",
        needs: &["vlan"],
        ip: "add t0 link p0 type vlan id 0",
        ours: |host| host.add(NewLink::vlan(host.p0, vid(0))),
        shows: r#"{"linkinfo": {"info_kind": "vlan", "info_data": {"id": 0, "protocol": "802.1Q"}}}"#,
    },
    Row {
        name: "vlan_id_50",
        needs: &["vlan"],
        ip: "add t0 link p0 type vlan id 50",
        ours: |host| host.add(NewLink::vlan(host.p0, vid(50))),
        shows: r#"{"linkinfo": {"info_kind": "vlan", "info_data": {"id": 50, "protocol": "802.1Q"}}}"#,
    },
    Row {
        name: "vlan_id_4094",
        needs: &["vlan"],
        ip: "add t0 link p0 type vlan id 4094",
        ours: |host| host.add(NewLink::vlan(host.p0, vid(4094))),
        shows: r#"{"linkinfo": {"info_kind": "vlan", "info_data": {"id": 4094, "protocol": "802.1Q"}}}"#,
    },
    Row {
        name: "vlan_of_a_provider",
        needs: &["vlan"],
        ip: "add t0 link p0 type vlan proto 802.1ad id 50",
        ours: |host| host.add(NewLink::vlan(host.p0, vid(50)).protocol(VlanProtocol::Ieee8021Ad)),
        shows: r#"{"linkinfo": {"info_kind": "vlan", "info_data": {"protocol": "802.1ad"}}}"#,
    },
    Row {
        name: "vlan_reorder_hdr_off",
        needs: &["vlan"],
        ip: "add t0 link p0 type vlan id 50 reorder_hdr off",
        ours: |host| host.add(NewLink::vlan(host.p0, vid(50)).flags(VlanFlags::REORDER_HDR.off())),
        shows: r#"{"linkinfo": {"info_kind": "vlan", "info_data": {"flags": null}}}"#,
    },
    Row {
        name: "vlan_gvrp",
        needs: &["vlan"],
        ip: "add t0 link p0 type vlan id 50 gvrp on",
        ours: |host| host.add(NewLink::vlan(host.p0, vid(50)).flags(VlanFlags::GVRP.on())),
        shows: r#"{"linkinfo": {"info_kind": "vlan", "info_data": {"flags": ["REORDER_HDR", "GVRP"]}}}"#,
    },
    Row {
        name: "vlan_mvrp",
        needs: &["vlan"],
        ip: "add t0 link p0 type vlan id 50 mvrp on",
        ours: |host| host.add(NewLink::vlan(host.p0, vid(50)).flags(VlanFlags::MVRP.on())),
        shows: r#"{"linkinfo": {"info_kind": "vlan", "info_data": {"flags": ["REORDER_HDR", "MVRP"]}}}"#,
    },
    Row {
        name: "vlan_loose_binding",
        needs: &["vlan"],
        ip: "add t0 link p0 type vlan id 50 loose_binding on",
        ours: |host| host.add(NewLink::vlan(host.p0, vid(50)).flags(VlanFlags::LOOSE_BINDING.on())),
        shows: r#"{"linkinfo": {"info_kind": "vlan", "info_data": {"flags": ["REORDER_HDR", "LOOSE_BINDING"]}}}"#,
    },
    Row {
        name: "vlan_bridge_binding",
        needs: &["vlan"],
        ip: "add t0 link p0 type vlan id 50 bridge_binding on",
        ours: |host| host.add(NewLink::vlan(host.p0, vid(50)).flags(VlanFlags::BRIDGE_BINDING.on())),
        shows: r#"{"linkinfo": {"info_kind": "vlan", "info_data": {"flags": ["REORDER_HDR", "BRIDGE_BINDING"]}}}"#,
    },
    Row {
        name: "vlan_ingress_map",
        needs: &["vlan"],
        ip: "add t0 link p0 type vlan id 50 ingress-qos-map 0:1 7:5",
        ours: |host| host.add(NewLink::vlan(host.p0, vid(50)).ingress_qos(&[ingress(0, 1), ingress(7, 5)])),
        shows: r#"{"linkinfo": {"info_kind": "vlan", "info_data": {"ingress_qos": [{"from": 0, "to": 1}, {"from": 7, "to": 5}]}}}"#,
    },
    Row {
        name: "vlan_egress_map",
        needs: &["vlan"],
        ip: "add t0 link p0 type vlan id 50 egress-qos-map 0:1 5:7",
        ours: |host| host.add(NewLink::vlan(host.p0, vid(50)).egress_qos(&[egress(0, 1), egress(5, 7)])),
        shows: r#"{"linkinfo": {"info_kind": "vlan", "info_data": {"egress_qos": [{"from": 0, "to": 1}, {"from": 5, "to": 7}]}}}"#,
    },
    Row {
        name: "vlan_maps_of_both",
        needs: &["vlan"],
        ip: "add t0 link p0 type vlan id 50 ingress-qos-map 3:4294967295 egress-qos-map 4294967295:3",
        ours: |host| {
            host.add(
                NewLink::vlan(host.p0, vid(50)).ingress_qos(&[ingress(3, u32::MAX)]).egress_qos(&[egress(u32::MAX, 3)]),
            )
        },
        shows: r#"{"linkinfo": {"info_kind": "vlan", "info_data": {"ingress_qos": [{"from": 3, "to": 4294967295}]}}}"#,
    },
    Row {
        name: "vlan_mac_and_mtu",
        needs: &["vlan"],
        ip: "add t0 link p0 address $MAC mtu 1400 type vlan id 50",
        ours: |host| host.add(NewLink::vlan(host.p0, vid(50)).mac(mac(7)).mtu(1400)),
        shows: r#"{"address": "02:00:00:00:00:07", "mtu": 1400}"#,
    },
    Row {
        name: "vlan_up",
        needs: &["vlan"],
        ip: "add t0 link p0 up type vlan id 50",
        ours: |host| host.add(NewLink::vlan(host.p0, vid(50)).up()),
        shows: r#"{"operstate": "UP"}"#,
    },
    Row {
        name: "vlan_in_a_vlan",
        needs: &["vlan"],
        ip: "add v0 link p0 type vlan proto 802.1ad id 100; add t0 link v0 type vlan id 5",
        ours: |host| {
            let outer = NewLink::vlan(host.p0, vid(100)).protocol(VlanProtocol::Ieee8021Ad).name(name("v0"));
            let v0 = host.socket.create(&outer)?;
            host.add(NewLink::vlan(v0, vid(5)))
        },
        shows: r#"{"link": "v0"}"#,
    },
    Row {
        name: "vlan_loose_on_a_parent_that_is_down",
        needs: &["vlan"],
        ip: "set p0 down; add t0 link p0 up type vlan id 50 loose_binding on",
        ours: |host| {
            host.socket.change(&LinkChange::new(host.p0).down())?;
            host.add(NewLink::vlan(host.p0, vid(50)).flags(VlanFlags::LOOSE_BINDING.on()).up())
        },
        shows: r#"{"flags": ["NO-CARRIER", "BROADCAST", "MULTICAST", "UP", "M-DOWN"]}"#,
    },
    Row {
        name: "vlan_in_another_namespace",
        needs: &["vlan"],
        ip: "add t0 link p0 netns $POD index 77 type vlan id 50",
        ours: |host| {
            let pod = host.pod().as_fd().try_clone_to_owned().expect("a descriptor");
            let link = NewLink::vlan(host.p0, vid(50)).index(index(77)).name(name("t0"));
            host.socket.create(&link.netns(&pod)).map(|_| ())
        },
        shows: r#"{"ifindex": 77, "link_netnsid": 0}"#,
    },
    Row {
        name: "dummy",
        needs: &["dummy"],
        ip: "add t0 address $MAC type dummy",
        ours: |host| host.add_with_mac(NewLink::dummy()),
        shows: r#"{"linkinfo": {"info_kind": "dummy"}}"#,
    },
    Row {
        name: "dummy_of_everything",
        needs: &["dummy"],
        ip: "add t0 up address $MAC mtu 9000 txqueuelen 5 group 7 numtxqueues 2 numrxqueues 2 type dummy",
        ours: |host| host.add_with_mac(NewLink::dummy().mtu(9000).txqlen(5).group(7).tx_queues(2).rx_queues(2).up()),
        shows: r#"{"mtu": 9000, "txqlen": 5, "group": "7"}"#,
    },
    Row {
        name: "ipvlan_l2",
        needs: &["ipvlan"],
        ip: "add t0 link p0 type ipvlan mode l2",
        ours: |host| host.add(NewLink::ipvlan(host.p0).mode(IpvlanMode::L2)),
        shows: r#"{"linkinfo": {"info_kind": "ipvlan", "info_data": {"mode": "l2"}}}"#,
    },
    Row {
        name: "ipvlan_l3",
        needs: &["ipvlan"],
        ip: "add t0 link p0 type ipvlan mode l3",
        ours: |host| host.add(NewLink::ipvlan(host.p0).mode(IpvlanMode::L3)),
        shows: r#"{"linkinfo": {"info_kind": "ipvlan", "info_data": {"mode": "l3"}}}"#,
    },
    Row {
        name: "ipvlan_l3s",
        needs: &["ipvlan"],
        ip: "add t0 link p0 type ipvlan mode l3s",
        ours: |host| host.add(NewLink::ipvlan(host.p0).mode(IpvlanMode::L3S)),
        shows: r#"{"linkinfo": {"info_kind": "ipvlan", "info_data": {"mode": "l3s"}}}"#,
    },
    Row {
        name: "ipvlan_of_no_mode_is_l3",
        needs: &["ipvlan"],
        ip: "add t0 link p0 type ipvlan",
        ours: |host| host.add(NewLink::ipvlan(host.p0)),
        shows: r#"{"linkinfo": {"info_kind": "ipvlan", "info_data": {"mode": "l3", "bridge": true}}}"#,
    },
    Row {
        name: "ipvlan_bridge",
        needs: &["ipvlan"],
        ip: "add t0 link p0 type ipvlan mode l2 bridge",
        ours: |host| host.add(NewLink::ipvlan(host.p0).mode(IpvlanMode::L2).flag(IpvlanFlag::Bridge)),
        shows: r#"{"linkinfo": {"info_kind": "ipvlan", "info_data": {"bridge": true}}}"#,
    },
    Row {
        name: "ipvlan_private",
        needs: &["ipvlan"],
        ip: "add t0 link p0 type ipvlan mode l2 private",
        ours: |host| host.add(NewLink::ipvlan(host.p0).mode(IpvlanMode::L2).flag(IpvlanFlag::Private)),
        shows: r#"{"linkinfo": {"info_kind": "ipvlan", "info_data": {"private": true}}}"#,
    },
    Row {
        name: "ipvlan_vepa",
        needs: &["ipvlan"],
        ip: "add t0 link p0 type ipvlan mode l2 vepa",
        ours: |host| host.add(NewLink::ipvlan(host.p0).mode(IpvlanMode::L2).flag(IpvlanFlag::Vepa)),
        shows: r#"{"linkinfo": {"info_kind": "ipvlan", "info_data": {"vepa": true}}}"#,
    },
];
