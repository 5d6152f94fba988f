//! Links to change, move and delete.

use super::Row;
use super::host::{egress, ingress};
use crate::common::{mac, name, vid};
use std::os::fd::AsFd;
use sublink::link::{
    AddrGenMode, IpvlanFlag, IpvlanMode, LinkMode, LinkSettings, MacvlanFlags, OperState, ProtoDownReasons, SourceMacs,
    VlanFlags,
};
use sublink::value::{Alias, Broadcast};
use sublink::{LinkChange, MacvlanMode, NewLink};

pub const ROWS: &[Row] = &[
    Row {
        name: "change_mtu",
        needs: &[],
        ip: "add t0 link p0 address $MAC type macvlan mode bridge; set t0 mtu 1300",
        ours: |host| {
            host.add_with_mac(NewLink::macvlan(host.p0).mode(MacvlanMode::Bridge))?;
            host.change(|t0| LinkChange::new(t0).mtu(1300))
        },
        shows: r#"{"mtu": 1300}"#,
    },
    Row {
        name: "change_mac",
        needs: &[],
        ip: "add t0 link p0 address $MAC type macvlan mode bridge; set t0 address 02:00:00:00:00:09",
        ours: |host| {
            host.add_with_mac(NewLink::macvlan(host.p0).mode(MacvlanMode::Bridge))?;
            host.change(|t0| LinkChange::new(t0).mac(mac(9)))
        },
        shows: r#"{"address": "02:00:00:00:00:09"}"#,
    },
    Row {
        name: "change_txqlen",
        needs: &[],
        ip: "add t0 link p0 address $MAC type macvlan mode bridge; set t0 txqueuelen 9",
        ours: |host| {
            host.add_with_mac(NewLink::macvlan(host.p0).mode(MacvlanMode::Bridge))?;
            host.change(|t0| LinkChange::new(t0).txqlen(9))
        },
        shows: r#"{"txqlen": 9}"#,
    },
    Row {
        name: "change_group",
        needs: &[],
        ip: "add t0 link p0 address $MAC type macvlan mode bridge; set t0 group 9",
        ours: |host| {
            host.add_with_mac(NewLink::macvlan(host.p0).mode(MacvlanMode::Bridge))?;
            host.change(|t0| LinkChange::new(t0).group(9))
        },
        shows: r#"{"group": "9"}"#,
    },
    Row {
        name: "change_broadcast",
        needs: &[],
        ip: "add t0 link p0 address $MAC type macvlan mode bridge; set t0 broadcast 02:00:00:00:00:fe",
        ours: |host| {
            host.add_with_mac(NewLink::macvlan(host.p0).mode(MacvlanMode::Bridge))?;
            host.change(|t0| LinkChange::new(t0).broadcast(Broadcast([2, 0, 0, 0, 0, 0xfe])))
        },
        shows: r#"{"broadcast": "02:00:00:00:00:fe"}"#,
    },
    Row {
        name: "change_gso_limits",
        needs: &[],
        ip: "add t0 link p0 address $MAC type macvlan mode bridge; set t0 gso_max_size 20000 gso_max_segs 9",
        ours: |host| {
            host.add_with_mac(NewLink::macvlan(host.p0).mode(MacvlanMode::Bridge))?;
            host.change(|t0| LinkChange::new(t0).gso_max_size(20_000).gso_max_segs(9))
        },
        shows: r#"{"gso_max_size": 20000, "gso_max_segs": 9}"#,
    },
    Row {
        name: "change_alias",
        needs: &[],
        ip: "add t0 link p0 address $MAC type macvlan mode bridge; set t0 alias uplink",
        ours: |host| {
            host.add_with_mac(NewLink::macvlan(host.p0).mode(MacvlanMode::Bridge))?;
            host.change(|t0| LinkChange::new(t0).alias(Alias::new("uplink").expect("an alias")))
        },
        shows: r#"{"ifalias": "uplink"}"#,
    },
    Row {
        name: "change_up",
        needs: &[],
        ip: "add t0 link p0 address $MAC type macvlan mode bridge; set t0 up",
        ours: |host| {
            host.add_with_mac(NewLink::macvlan(host.p0).mode(MacvlanMode::Bridge))?;
            host.change(|t0| LinkChange::new(t0).up())
        },
        shows: r#"{"operstate": "UP"}"#,
    },
    Row {
        name: "change_promisc_and_allmulticast",
        needs: &[],
        ip: "add t0 link p0 address $MAC type macvlan mode bridge; set t0 up promisc on allmulticast on",
        ours: |host| {
            host.add_with_mac(NewLink::macvlan(host.p0).mode(MacvlanMode::Bridge))?;
            host.change(|t0| LinkChange::new(t0).up().promisc(true).allmulticast(true))
        },
        shows: r#"{"promiscuity": 1, "flags": ["BROADCAST", "MULTICAST", "ALLMULTI", "PROMISC", "UP", "LOWER_UP"]}"#,
    },
    Row {
        name: "change_protodown",
        needs: &[],
        ip: "add t0 link p0 address $MAC type macvlan mode bridge; set t0 protodown on",
        ours: |host| {
            host.add_with_mac(NewLink::macvlan(host.p0).mode(MacvlanMode::Bridge))?;
            host.change(|t0| LinkChange::new(t0).proto_down(true))
        },
        shows: r#"{"proto_down": true}"#,
    },
    Row {
        name: "change_protodown_reasons",
        needs: &[],
        ip: "add t0 link p0 address $MAC type macvlan mode bridge; set t0 protodown_reason 3 on; set t0 protodown_reason 5 on; \
             set t0 protodown_reason 3 off",
        ours: |host| {
            host.add_with_mac(NewLink::macvlan(host.p0).mode(MacvlanMode::Bridge))?;
            let reason = |number: u32| ProtoDownReasons::from(1 << number);
            host.change(|t0| LinkChange::new(t0).proto_down_reason(reason(3).on().with(reason(5).on())))?;
            host.change(|t0| LinkChange::new(t0).proto_down_reason(reason(3).off()))
        },
        shows: r#"{"proto_down": null, "proto_down_reason": ["5"]}"#,
    },
    Row {
        name: "change_gro_limit",
        needs: &["gro_max_size"],
        ip: "add t0 link p0 address $MAC type macvlan mode bridge; set t0 gro_max_size 30000",
        ours: |host| {
            host.add_with_mac(NewLink::macvlan(host.p0).mode(MacvlanMode::Bridge))?;
            host.change(|t0| LinkChange::new(t0).gro_max_size(30_000))
        },
        shows: r#"{"gro_max_size": 30000}"#,
    },
    Row {
        name: "change_mode_and_state",
        needs: &[],
        ip: "add t0 link p0 address $MAC type macvlan mode bridge; set t0 up; set t0 mode dormant state dormant",
        ours: |host| {
            host.add_with_mac(NewLink::macvlan(host.p0).mode(MacvlanMode::Bridge))?;
            host.change(|t0| LinkChange::new(t0).up())?;
            host.change(|t0| LinkChange::new(t0).link_mode(LinkMode::Dormant).oper_state(OperState::Dormant))
        },
        shows: r#"{"linkmode": "DORMANT", "operstate": "DORMANT"}"#,
    },
    Row {
        name: "change_carrier",
        needs: &["dummy"],
        ip: "add t0 address $MAC type dummy; set t0 up; set t0 carrier off",
        ours: |host| {
            host.add_with_mac(NewLink::dummy())?;
            host.change(|t0| LinkChange::new(t0).up())?;
            host.change(|t0| LinkChange::new(t0).carrier(false))
        },
        shows: r#"{"flags": ["NO-CARRIER", "BROADCAST", "NOARP", "UP"]}"#,
    },
    Row {
        name: "change_name",
        needs: &[],
        ip: "add t0 link p0 address $MAC type macvlan mode bridge; set t0 name t2",
        ours: |host| {
            host.add_with_mac(NewLink::macvlan(host.p0).mode(MacvlanMode::Bridge))?;
            host.change(|t0| LinkChange::new(t0).name(name("t2")))
        },
        shows: "null",
    },
    Row {
        name: "change_several_at_once",
        needs: &[],
        ip: "add t0 link p0 address $MAC type macvlan mode bridge; set t0 up mtu 1300 address 02:00:00:00:00:09 txqueuelen 9 group 9",
        ours: |host| {
            host.add_with_mac(NewLink::macvlan(host.p0).mode(MacvlanMode::Bridge))?;
            host.change(|t0| LinkChange::new(t0).up().mtu(1300).mac(mac(9)).txqlen(9).group(9))
        },
        shows: r#"{"mtu": 1300, "address": "02:00:00:00:00:09", "txqlen": 9, "group": "9", "operstate": "UP"}"#,
    },
    Row {
        name: "change_down_again",
        needs: &[],
        ip: "add t0 link p0 up address $MAC type macvlan mode bridge; set t0 down",
        ours: |host| {
            host.add_with_mac(NewLink::macvlan(host.p0).mode(MacvlanMode::Bridge).up())?;
            host.change(|t0| LinkChange::new(t0).down())
        },
        shows: r#"{"flags": ["BROADCAST", "MULTICAST"]}"#,
    },
    Row {
        name: "change_master",
        needs: &[],
        ip: "add br0 address 02:00:00:00:00:b2 type bridge; add t0 link p0 address $MAC type macvlan mode bridge; set t0 master br0",
        ours: |host| {
            host.ip("add br0 address 02:00:00:00:00:b2 type bridge");
            let br0 = host.socket.index_of("br0")?;
            host.add_with_mac(NewLink::macvlan(host.p0).mode(MacvlanMode::Bridge))?;
            host.change(|t0| LinkChange::new(t0).master(br0))
        },
        shows: r#"{"master": "br0"}"#,
    },
    Row {
        name: "change_nomaster",
        needs: &[],
        ip: "add br0 address 02:00:00:00:00:b2 type bridge; add t0 link p0 master br0 address $MAC type macvlan; set t0 nomaster",
        ours: |host| {
            host.ip("add br0 address 02:00:00:00:00:b2 type bridge");
            let br0 = host.socket.index_of("br0")?;
            host.add_with_mac(NewLink::macvlan(host.p0).master(br0))?;
            host.change(|t0| LinkChange::new(t0).nomaster())
        },
        shows: r#"{"master": null}"#,
    },
    Row {
        name: "change_addr_gen_mode",
        needs: &[],
        ip: "add t0 link p0 address $MAC type macvlan mode bridge; set t0 addrgenmode none",
        ours: |host| {
            host.add_with_mac(NewLink::macvlan(host.p0).mode(MacvlanMode::Bridge))?;
            let t0 = host.socket.index_of("t0")?;
            host.socket.set(&LinkSettings::new(t0).addr_gen_mode(AddrGenMode::None))
        },
        shows: r#"{"inet6_addr_gen_mode": "none"}"#,
    },
    Row {
        name: "change_alternative_names",
        needs: &[],
        ip: "add t0 link p0 address $MAC type macvlan mode bridge; property add dev t0 altname one altname two; property del dev t0 altname one",
        ours: |host| {
            host.add_with_mac(NewLink::macvlan(host.p0).mode(MacvlanMode::Bridge))?;
            let t0 = host.socket.index_of("t0")?;
            host.socket.add_alt_name(t0, "one")?;
            host.socket.add_alt_name(t0, "two")?;
            host.socket.delete_alt_name(t0, "one")
        },
        shows: r#"{"altnames": ["two"]}"#,
    },
    Row {
        name: "change_namespace_name_and_mtu",
        needs: &[],
        ip: "add t0 link p0 address $MAC type macvlan mode bridge; set t0 netns $POD name t2 mtu 1300",
        ours: |host| {
            host.add_with_mac(NewLink::macvlan(host.p0).mode(MacvlanMode::Bridge))?;
            let t0 = host.socket.index_of("t0")?;
            let pod = host.pod().as_fd().try_clone_to_owned().expect("a descriptor");
            host.socket.change(&LinkChange::move_to(t0, &pod).name(name("t2")).mtu(1300))
        },
        shows: "null",
    },
    Row {
        name: "delete",
        needs: &[],
        ip: "add t0 link p0 address $MAC type macvlan mode bridge; del t0",
        ours: |host| {
            host.add_with_mac(NewLink::macvlan(host.p0).mode(MacvlanMode::Bridge))?;
            let t0 = host.socket.index_of("t0")?;
            host.socket.delete(t0)
        },
        shows: "null",
    },
    Row {
        name: "delete_group",
        needs: &[],
        ip: "add t0 link p0 group 7 address $MAC type macvlan; add t1 link p0 group 8 address 02:00:00:00:00:08 type macvlan; del group 7",
        ours: |host| {
            host.add_with_mac(NewLink::macvlan(host.p0).group(7))?;
            host.socket.create(&NewLink::macvlan(host.p0).group(8).name(name("t1")).mac(mac(8)))?;
            host.socket.delete_group(7)
        },
        shows: "null",
    },
    Row {
        name: "change_macvlan_mode",
        needs: &[],
        ip: "add t0 link p0 address $MAC type macvlan mode bridge; set t0 type macvlan mode private",
        ours: |host| {
            host.add_with_mac(NewLink::macvlan(host.p0).mode(MacvlanMode::Bridge))?;
            host.change(|t0| LinkChange::macvlan(t0).mode(MacvlanMode::Private))
        },
        shows: r#"{"linkinfo": {"info_kind": "macvlan", "info_data": {"mode": "private"}}}"#,
    },
    Row {
        name: "change_macvlan_bc_queue_len",
        needs: &["bc_queue_len"],
        ip: "add t0 link p0 address $MAC type macvlan mode bridge; set t0 type macvlan mode bridge bcqueuelen 77",
        ours: |host| {
            host.add_with_mac(NewLink::macvlan(host.p0).mode(MacvlanMode::Bridge))?;
            host.change(|t0| LinkChange::macvlan(t0).mode(MacvlanMode::Bridge).bc_queue_len(77))
        },
        shows: r#"{"linkinfo": {"info_kind": "macvlan", "info_data": {"bcqueuelen": 77}}}"#,
    },
    Row {
        name: "change_macvlan_mode_and_mtu",
        needs: &[],
        ip: "add t0 link p0 address $MAC type macvlan mode bridge; set t0 mtu 1300 type macvlan mode vepa",
        ours: |host| {
            host.add_with_mac(NewLink::macvlan(host.p0).mode(MacvlanMode::Bridge))?;
            host.change(|t0| LinkChange::macvlan(t0).mode(MacvlanMode::Vepa).mtu(1300))
        },
        shows: r#"{"linkinfo": {"info_kind": "macvlan", "info_data": {"mode": "vepa"}}}"#,
    },
    Row {
        name: "change_macvlan_add_a_sender",
        needs: &[],
        ip: "add t0 link p0 address $MAC type macvlan mode source macaddr set 02:00:00:00:00:01 02:00:00:00:00:02; set t0 type macvlan mode source macaddr add 02:00:00:00:00:03",
        ours: |host| {
            host.add_with_mac(NewLink::macvlan(host.p0).source(&[mac(1), mac(2)]))?;
            host.change(|t0| LinkChange::macvlan(t0).mode(MacvlanMode::Source).macaddr(SourceMacs::Add(mac(3))))
        },
        shows: r#"{"linkinfo": {"info_kind": "macvlan", "info_data": {"macaddr_count": 3}}}"#,
    },
    Row {
        name: "change_macvlan_delete_a_sender",
        needs: &[],
        ip: "add t0 link p0 address $MAC type macvlan mode source macaddr set 02:00:00:00:00:01 02:00:00:00:00:02; set t0 type macvlan mode source macaddr del 02:00:00:00:00:01",
        ours: |host| {
            host.add_with_mac(NewLink::macvlan(host.p0).source(&[mac(1), mac(2)]))?;
            host.change(|t0| LinkChange::macvlan(t0).mode(MacvlanMode::Source).macaddr(SourceMacs::Delete(mac(1))))
        },
        shows: r#"{"linkinfo": {"info_kind": "macvlan", "info_data": {"macaddr_data": ["02:00:00:00:00:02"]}}}"#,
    },
    Row {
        name: "change_macvlan_flush_senders",
        needs: &[],
        ip: "add t0 link p0 address $MAC type macvlan mode source macaddr set 02:00:00:00:00:01 02:00:00:00:00:02; set t0 type macvlan mode source macaddr flush",
        ours: |host| {
            host.add_with_mac(NewLink::macvlan(host.p0).source(&[mac(1), mac(2)]))?;
            host.change(|t0| LinkChange::macvlan(t0).mode(MacvlanMode::Source).macaddr(SourceMacs::Flush))
        },
        shows: r#"{"linkinfo": {"info_kind": "macvlan", "info_data": {"macaddr_count": 0}}}"#,
    },
    Row {
        name: "change_macvlan_set_senders",
        needs: &[],
        ip: "add t0 link p0 address $MAC type macvlan mode source macaddr set 02:00:00:00:00:01 02:00:00:00:00:02; set t0 type macvlan mode source macaddr set 02:00:00:00:00:04",
        ours: |host| {
            host.add_with_mac(NewLink::macvlan(host.p0).source(&[mac(1), mac(2)]))?;
            let senders = [mac(4)];
            host.change(|t0| LinkChange::macvlan(t0).mode(MacvlanMode::Source).macaddr(SourceMacs::Set(&senders)))
        },
        shows: r#"{"linkinfo": {"info_kind": "macvlan", "info_data": {"macaddr_data": ["02:00:00:00:00:04"]}}}"#,
    },
    Row {
        name: "change_macvlan_flags",
        needs: &[],
        ip: "add t0 link p0 address $MAC type macvlan mode source macaddr set 02:00:00:00:00:01 02:00:00:00:00:02; set t0 type macvlan mode source flag nodst",
        ours: |host| {
            host.add_with_mac(NewLink::macvlan(host.p0).source(&[mac(1), mac(2)]))?;
            host.change(|t0| LinkChange::macvlan(t0).mode(MacvlanMode::Source).flags(MacvlanFlags::NODST))
        },
        shows: r#"{"linkinfo": {"info_kind": "macvlan", "info_data": {"nodst": true}}}"#,
    },
    Row {
        name: "change_macvtap_mode",
        needs: &["macvtap"],
        ip: "add t0 link p0 address $MAC type macvtap mode bridge; set t0 type macvtap mode vepa",
        ours: |host| {
            host.add_with_mac(NewLink::macvtap(host.p0).mode(MacvlanMode::Bridge))?;
            host.change(|t0| LinkChange::macvtap(t0).mode(MacvlanMode::Vepa))
        },
        shows: r#"{"linkinfo": {"info_kind": "macvtap", "info_data": {"mode": "vepa"}}}"#,
    },
    Row {
        name: "change_vlan_flags",
        needs: &["vlan"],
        ip: "add t0 link p0 type vlan id 50; set t0 type vlan reorder_hdr off loose_binding on",
        ours: |host| {
            host.add(NewLink::vlan(host.p0, vid(50)))?;
            host.change(|t0| LinkChange::vlan(t0).flags(VlanFlags::REORDER_HDR.off() | VlanFlags::LOOSE_BINDING.on()))
        },
        shows: r#"{"linkinfo": {"info_kind": "vlan", "info_data": {"flags": ["LOOSE_BINDING"]}}}"#,
    },
    Row {
        name: "change_vlan_entries_of_maps",
        needs: &["vlan"],
        ip: "add t0 link p0 type vlan id 50 ingress-qos-map 1:2 3:4 egress-qos-map 5:6; set t0 type vlan ingress-qos-map 1:0 3:5 egress-qos-map 7:7",
        ours: |host| {
            let (ingress_map, egress_map) = ([ingress(1, 2), ingress(3, 4)], [egress(5, 6)]);
            host.add(NewLink::vlan(host.p0, vid(50)).ingress_qos(&ingress_map).egress_qos(&egress_map))?;
            let (ingress_map, egress_map) = ([ingress(1, 0), ingress(3, 5)], [egress(7, 7)]);
            host.change(|t0| LinkChange::vlan(t0).ingress_qos(&ingress_map).egress_qos(&egress_map))
        },
        shows: r#"{"linkinfo": {"info_kind": "vlan", "info_data": {"ingress_qos": [{"from": 3, "to": 5}], "egress_qos": [{"from": 5, "to": 6}, {"from": 7, "to": 7}]}}}"#,
    },
    Row {
        name: "change_ipvlan_mode_and_flag",
        needs: &["ipvlan"],
        ip: "add t0 link p0 type ipvlan mode l2 bridge; set t0 type ipvlan mode l3 private",
        ours: |host| {
            host.add(NewLink::ipvlan(host.p0).mode(IpvlanMode::L2).flag(IpvlanFlag::Bridge))?;
            host.change(|t0| LinkChange::ipvlan(t0).mode(IpvlanMode::L3).flag(IpvlanFlag::Private))
        },
        shows: r#"{"linkinfo": {"info_kind": "ipvlan", "info_data": {"mode": "l3", "private": true}}}"#,
    },
];
