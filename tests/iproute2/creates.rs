//! macvlans and macvtaps to create.

use super::Row;
use super::host::index;
use crate::common::{mac, name, vid};
use std::os::fd::AsFd;
use sublink::link::MacvlanFlags;
use sublink::value::Broadcast;
use sublink::{MacvlanMode, NewLink};

pub const ROWS: &[Row] = &[
    Row {
        name: "macvlan_private",
        needs: &[],
        ip: "add t0 link p0 address $MAC type macvlan mode private",
        ours: |host| host.add_with_mac(NewLink::macvlan(host.p0).mode(MacvlanMode::Private)),
        shows: r#"{"linkinfo": {"info_kind": "macvlan", "info_data": {"mode": "private"}}}"#,
    },
    Row {
        name: "macvlan_vepa",
        needs: &[],
        ip: "add t0 link p0 address $MAC type macvlan mode vepa",
        ours: |host| host.add_with_mac(NewLink::macvlan(host.p0).mode(MacvlanMode::Vepa)),
        shows: r#"{"linkinfo": {"info_kind": "macvlan", "info_data": {"mode": "vepa"}}}"#,
    },
    Row {
        name: "macvlan_bridge",
        needs: &[],
        ip: "add t0 link p0 address $MAC type macvlan mode bridge",
        ours: |host| host.add_with_mac(NewLink::macvlan(host.p0).mode(MacvlanMode::Bridge)),
        shows: r#"{"linkinfo": {"info_kind": "macvlan", "info_data": {"mode": "bridge"}}}"#,
    },
    Row {
        name: "macvlan_passthru",
        needs: &[],
        ip: "add t0 link p0 address $MAC type macvlan mode passthru",
        ours: |host| host.add_with_mac(NewLink::macvlan(host.p0).mode(MacvlanMode::Passthru)),
        shows: r#"{"linkinfo": {"info_kind": "macvlan", "info_data": {"mode": "passthru"}}}"#,
    },
    Row {
        name: "macvlan_source",
        needs: &[],
        ip: "add t0 link p0 address $MAC type macvlan mode source",
        ours: |host| host.add_with_mac(NewLink::macvlan(host.p0).mode(MacvlanMode::Source)),
        shows: r#"{"linkinfo": {"info_kind": "macvlan", "info_data": {"mode": "source"}}}"#,
    },
    Row {
        name: "macvlan_of_no_mode_is_vepa",
        needs: &[],
        ip: "add t0 link p0 address $MAC type macvlan",
        ours: |host| host.add_with_mac(NewLink::macvlan(host.p0)),
        shows: r#"{"linkinfo": {"info_kind": "macvlan", "info_data": {"mode": "vepa"}}}"#,
    },
    Row {
        name: "macvlan_passthru_nopromisc",
        needs: &[],
        ip: "add t0 link p0 address $MAC type macvlan mode passthru flag nopromisc",
        ours: |host| {
            host.add_with_mac(NewLink::macvlan(host.p0).mode(MacvlanMode::Passthru).flags(MacvlanFlags::NOPROMISC))
        },
        shows: r#"{"linkinfo": {"info_kind": "macvlan", "info_data": {"nopromisc": true}}}"#,
    },
    Row {
        name: "macvlan_source_nodst",
        needs: &[],
        ip: "add t0 link p0 address $MAC type macvlan mode source flag nodst",
        ours: |host| host.add_with_mac(NewLink::macvlan(host.p0).mode(MacvlanMode::Source).flags(MacvlanFlags::NODST)),
        shows: r#"{"linkinfo": {"info_kind": "macvlan", "info_data": {"nodst": true}}}"#,
    },
    Row {
        name: "macvlan_bc_queue_len_0",
        needs: &["bc_queue_len"],
        ip: "add t0 link p0 address $MAC type macvlan mode bridge bcqueuelen 0",
        ours: |host| host.add_with_mac(NewLink::macvlan(host.p0).mode(MacvlanMode::Bridge).bc_queue_len(0)),
        shows: r#"{"linkinfo": {"info_kind": "macvlan", "info_data": {"bcqueuelen": 0, "usedbcqueuelen": 0}}}"#,
    },
    Row {
        name: "macvlan_bc_queue_len_500",
        needs: &["bc_queue_len"],
        ip: "add t0 link p0 address $MAC type macvlan mode bridge bcqueuelen 500",
        ours: |host| host.add_with_mac(NewLink::macvlan(host.p0).mode(MacvlanMode::Bridge).bc_queue_len(500)),
        shows: r#"{"linkinfo": {"info_kind": "macvlan", "info_data": {"bcqueuelen": 500, "usedbcqueuelen": 500}}}"#,
    },
    Row {
        name: "macvlan_bc_queue_len_4294967295",
        needs: &["bc_queue_len"],
        ip: "add t0 link p0 address $MAC type macvlan mode bridge bcqueuelen 4294967295",
        ours: |host| host.add_with_mac(NewLink::macvlan(host.p0).mode(MacvlanMode::Bridge).bc_queue_len(4_294_967_295)),
        shows: r#"{"linkinfo": {"info_kind": "macvlan", "info_data": {"bcqueuelen": 4294967295, "usedbcqueuelen": 4294967295}}}"#,
    },
    Row {
        name: "macvlan_hears_two_senders",
        needs: &[],
        ip: "add t0 link p0 address $MAC type macvlan mode source macaddr set 02:00:00:00:00:01 02:00:00:00:00:02",
        ours: |host| host.add_with_mac(NewLink::macvlan(host.p0).source(&[mac(1), mac(2)])),
        shows: r#"{"linkinfo": {"info_kind": "macvlan", "info_data": {"macaddr_count": 2}}}"#,
    },
    Row {
        name: "macvlan_hears_no_sender",
        needs: &[],
        ip: "add t0 link p0 address $MAC type macvlan mode source macaddr set",
        ours: |host| host.add_with_mac(NewLink::macvlan(host.p0).source(&[])),
        shows: r#"{"linkinfo": {"info_kind": "macvlan", "info_data": {"macaddr_count": 0}}}"#,
    },
    Row {
        name: "macvlan_up",
        needs: &[],
        ip: "add t0 link p0 up address $MAC type macvlan mode bridge",
        ours: |host| host.add_with_mac(NewLink::macvlan(host.p0).mode(MacvlanMode::Bridge).up()),
        shows: r#"{"operstate": "UP"}"#,
    },
    Row {
        name: "macvlan_mtu",
        needs: &[],
        ip: "add t0 link p0 address $MAC mtu 1400 type macvlan",
        ours: |host| host.add_with_mac(NewLink::macvlan(host.p0).mtu(1400)),
        shows: r#"{"mtu": 1400}"#,
    },
    Row {
        name: "macvlan_smallest_mtu",
        needs: &[],
        ip: "add t0 link p0 address $MAC mtu 68 type macvlan",
        ours: |host| host.add_with_mac(NewLink::macvlan(host.p0).mtu(68)),
        shows: r#"{"mtu": 68}"#,
    },
    Row {
        name: "macvlan_txqlen",
        needs: &[],
        ip: "add t0 link p0 address $MAC txqueuelen 50 type macvlan",
        ours: |host| host.add_with_mac(NewLink::macvlan(host.p0).txqlen(50)),
        shows: r#"{"txqlen": 50}"#,
    },
    Row {
        name: "macvlan_group",
        needs: &[],
        ip: "add t0 link p0 address $MAC group 7 type macvlan",
        ours: |host| host.add_with_mac(NewLink::macvlan(host.p0).group(7)),
        shows: r#"{"group": "7"}"#,
    },
    Row {
        name: "macvlan_broadcast",
        needs: &[],
        ip: "add t0 link p0 address $MAC broadcast 02:00:00:00:00:ff type macvlan",
        ours: |host| host.add_with_mac(NewLink::macvlan(host.p0).broadcast(Broadcast([2, 0, 0, 0, 0, 0xff]))),
        shows: r#"{"broadcast": "02:00:00:00:00:ff"}"#,
    },
    Row {
        name: "macvlan_queues",
        needs: &[],
        ip: "add t0 link p0 address $MAC numtxqueues 4 numrxqueues 3 type macvlan",
        ours: |host| host.add_with_mac(NewLink::macvlan(host.p0).tx_queues(4).rx_queues(3)),
        shows: r#"{"num_tx_queues": 4, "num_rx_queues": 3}"#,
    },
    Row {
        name: "macvlan_gso_limits",
        needs: &["a GSO limit at create"],
        ip: "add t0 link p0 address $MAC gso_max_size 30000 gso_max_segs 20 type macvlan",
        ours: |host| host.add_with_mac(NewLink::macvlan(host.p0).gso_max_size(30_000).gso_max_segs(20)),
        shows: r#"{"gso_max_size": 30000, "gso_max_segs": 20}"#,
    },
    Row {
        name: "macvlan_index",
        needs: &[],
        ip: "add t0 link p0 address $MAC index 77 type macvlan",
        ours: |host| host.add_with_mac(NewLink::macvlan(host.p0).index(index(77))),
        shows: r#"{"ifindex": 77}"#,
    },
    Row {
        name: "macvlan_of_a_bridge",
        needs: &[],
        ip: "add br0 address 02:00:00:00:00:b2 type bridge; add t0 link p0 master br0 address $MAC type macvlan",
        ours: |host| {
            host.ip("add br0 address 02:00:00:00:00:b2 type bridge");
            let br0 = host.socket.index_of("br0")?;
            host.add_with_mac(NewLink::macvlan(host.p0).master(br0))
        },
        shows: r#"{"master": "br0"}"#,
    },
    Row {
        name: "macvlan_on_a_macvlan_stands_on_its_parent",
        needs: &[],
        ip: "add m0 link p0 address 02:00:00:00:00:08 type macvlan mode bridge; add t0 link m0 address $MAC type macvlan mode bridge",
        ours: |host| {
            let lower = NewLink::macvlan(host.p0).mode(MacvlanMode::Bridge).name(name("m0")).mac(mac(8));
            let m0 = host.socket.create(&lower)?;
            host.add_with_mac(NewLink::macvlan(m0).mode(MacvlanMode::Bridge))
        },
        shows: r#"{"link": "p0"}"#,
    },
    Row {
        name: "macvlan_on_a_vlan",
        needs: &["vlan"],
        ip: "add v0 link p0 type vlan id 50; add t0 link v0 address $MAC type macvlan mode bridge",
        ours: |host| {
            let v0 = host.socket.create(&NewLink::vlan(host.p0, vid(50)).name(name("v0")))?;
            host.add_with_mac(NewLink::macvlan(v0).mode(MacvlanMode::Bridge))
        },
        shows: r#"{"link": "v0"}"#,
    },
    Row {
        name: "macvlan_in_another_namespace",
        needs: &[],
        ip: "add t0 link p0 netns $POD index 77 up address $MAC type macvlan mode bridge",
        ours: |host| {
            let link =
                NewLink::macvlan(host.p0).mode(MacvlanMode::Bridge).index(index(77)).name(name("t0")).mac(mac(7)).up();
            let pod = host.pod().as_fd().try_clone_to_owned().expect("a descriptor");
            host.socket.create(&link.netns(&pod)).map(|_| ())
        },
        shows: r#"{"ifindex": 77, "link_netnsid": 0, "flags": ["BROADCAST", "MULTICAST", "UP", "LOWER_UP"]}"#,
    },
    Row {
        name: "macvlan_of_everything",
        needs: &["bc_queue_len", "a GSO limit at create"],
        ip: "add t0 link p0 up index 77 address $MAC mtu 1400 txqueuelen 50 broadcast 02:00:00:00:00:ff numtxqueues 4 numrxqueues 3 gso_max_size 30000 gso_max_segs 20 group 7 type macvlan mode source flag nodst bcqueuelen 500 macaddr set 02:00:00:00:00:01",
        ours: |host| {
            let senders = [mac(1)];
            let link = NewLink::macvlan(host.p0).source(&senders).flags(MacvlanFlags::NODST).bc_queue_len(500);
            let link = link.index(index(77)).mtu(1400).txqlen(50).group(7).broadcast(Broadcast([2, 0, 0, 0, 0, 0xff]));
            host.add_with_mac(link.tx_queues(4).rx_queues(3).gso_max_size(30_000).gso_max_segs(20).up())
        },
        shows: r#"{"ifindex": 77, "mtu": 1400, "group": "7", "linkinfo": {"info_data": {"macaddr_data": ["02:00:00:00:00:01"], "bcqueuelen": 500}}}"#,
    },
    Row {
        name: "macvtap_bridge",
        needs: &["macvtap"],
        ip: "add t0 link p0 address $MAC type macvtap mode bridge",
        ours: |host| host.add_with_mac(NewLink::macvtap(host.p0).mode(MacvlanMode::Bridge)),
        shows: r#"{"linkinfo": {"info_kind": "macvtap", "info_data": {"mode": "bridge"}}}"#,
    },
    Row {
        name: "macvtap_private_up",
        needs: &["macvtap"],
        ip: "add t0 link p0 up address $MAC type macvtap mode private",
        ours: |host| host.add_with_mac(NewLink::macvtap(host.p0).mode(MacvlanMode::Private).up()),
        shows: r#"{"linkinfo": {"info_kind": "macvtap", "info_data": {"mode": "private"}}}"#,
    },
    Row {
        name: "macvtap_passthru_nopromisc",
        needs: &["macvtap"],
        ip: "add t0 link p0 address $MAC type macvtap mode passthru flag nopromisc",
        ours: |host| {
            host.add_with_mac(NewLink::macvtap(host.p0).mode(MacvlanMode::Passthru).flags(MacvlanFlags::NOPROMISC))
        },
        shows: r#"{"linkinfo": {"info_kind": "macvtap", "info_data": {"nopromisc": true}}}"#,
    },
    Row {
        name: "macvtap_hears_a_sender",
        needs: &["macvtap"],
        ip: "add t0 link p0 address $MAC type macvtap mode source macaddr set 02:00:00:00:00:01",
        ours: |host| host.add_with_mac(NewLink::macvtap(host.p0).source(&[mac(1)])),
        shows: r#"{"linkinfo": {"info_kind": "macvtap", "info_data": {"macaddr_data": ["02:00:00:00:00:01"]}}}"#,
    },
    Row {
        name: "macvtap_bc_queue_len_and_mtu",
        needs: &["macvtap", "bc_queue_len"],
        ip: "add t0 link p0 address $MAC mtu 1400 type macvtap mode vepa bcqueuelen 20",
        ours: |host| host.add_with_mac(NewLink::macvtap(host.p0).mode(MacvlanMode::Vepa).bc_queue_len(20).mtu(1400)),
        shows: r#"{"linkinfo": {"info_kind": "macvtap", "info_data": {"bcqueuelen": 20}}}"#,
    },
];
