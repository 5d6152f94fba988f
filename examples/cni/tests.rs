//! What needs no kernel: fields of configurations, layouts of results.

use crate::plugin::config::Config;
use crate::plugin::protocol::{Result, Success, Version};
use crate::plugin::record::{Key, Record, Records};
use serde_json::{Value, json};
use sublink::link::{EgressQos, IngressQos, VlanFlags, VlanPriority, VlanProtocol};
use sublink::{IfIndex, IfName, LinkSpec, NewLink, VlanId};

fn config(json: &Value) -> Config {
    Config::read(json.to_string().as_bytes()).unwrap()
}

fn link(json: &Value) -> Result<String> {
    let config = config(json);
    let lists = config.lists()?;
    let link = config.link(&lists, IfName::new("eth0").unwrap(), IfIndex::new(5).unwrap(), 1500)?;
    Ok(format!("{link:?}"))
}

#[test]
fn fields_become_the_librarys_words() {
    let name = IfName::new("eth0").unwrap();
    let parent = IfIndex::new(5).unwrap();
    let vlan = json!({"name": "n", "type": "vlan", "vlanId": 50, "vlanProtocol": "802.1ad", "mtu": 1400,
        "vlanFlags": {"gvrp": true, "reorderHdr": false}, "ingressQosMap": {"3": 7}, "egressQosMap": {"1": 2}});
    let (ingress, egress) =
        ([IngressQos::new(VlanPriority::new(3).unwrap(), 7)], [EgressQos::new(1, VlanPriority::new(2).unwrap())]);
    let expected: LinkSpec<'_> = NewLink::vlan(parent, VlanId::new(50).unwrap())
        .name(name)
        .mtu(1400)
        .protocol(VlanProtocol::Ieee8021Ad)
        .flags(VlanFlags::REORDER_HDR.off() | VlanFlags::GVRP.on())
        .ingress_qos(&ingress)
        .egress_qos(&egress)
        .into();
    assert_eq!(link(&vlan).unwrap(), format!("{expected:?}"));
    let macvlan = json!({"name": "n", "type": "macvlan", "mode": "source", "sourceMacs": ["02:00:00:00:00:07"],
        "mac": "02:00:00:00:00:08", "bcqueuelen": 2000, "bclim": -1});
    let senders = ["02:00:00:00:00:07".parse().unwrap()];
    let expected: LinkSpec<'_> = NewLink::macvlan(parent)
        .name(name)
        .source(&senders)
        .mac("02:00:00:00:00:08".parse().unwrap())
        .bc_queue_len(2000)
        .bc_cutoff(-1)
        .into();
    assert_eq!(link(&macvlan).unwrap(), format!("{expected:?}"));
}

#[test]
fn what_cannot_be_is_refused_with_its_field() {
    for (field, json) in [
        ("mtu", json!({"name": "n", "type": "macvlan", "mtu": 9000})),
        ("mtu", json!({"name": "n", "type": "macvlan", "mtu": -1})),
        ("mode", json!({"name": "n", "type": "ipvlan", "mode": "bridge"})),
        ("vlanId", json!({"name": "n", "type": "vlan"})),
        ("sourceMacs", json!({"name": "n", "type": "macvlan", "mode": "source", "sourceMacs": ["x"]})),
    ] {
        let error = link(&json).unwrap_err();
        assert!(error.code == 7 && error.msg.contains(field), "{field}: {error:?}");
    }
}

/// As Go's decoder, and so the reference plugins, read it.
#[test]
fn the_case_of_a_fields_name_is_no_matter_and_null_is_no_field() {
    let plain = json!({"name": "n", "type": "vlan", "vlanId": 50, "vlanFlags": {"gvrp": true}, "ingressQosMap": {"3": 7},
        "runtimeConfig": {"mac": "02:00:00:00:00:07"}});
    let odd = json!({"NAME": "n", "Type": "vlan", "VlanID": 50, "vlanflags": {"GVRP": true}, "IngressQosMap": {"3": 7},
        "RuntimeConfig": {"MAC": "02:00:00:00:00:07"}, "mtu": null, "ipam": null, "prevResult": null, "EgressQosMap": null});
    assert_eq!(link(&odd).unwrap(), link(&plain).unwrap());
    let both = json!({"name": "n", "type": "vlan", "vlanId": 50, "VLANID": 51, "vlanid": 52});
    assert_eq!(link(&both).unwrap(), link(&json!({"name": "n", "type": "vlan", "vlanId": 50})).unwrap());
    let result = br#"{"CNIVersion": "1.0.0", "interfaces": null, "routes": null, "dns": null,
        "IPs": [{"Address": "10.0.0.7/24", "Gateway": "10.0.0.1", "interface": null}]}"#;
    let result = Success::read(result).unwrap();
    assert_eq!((result.ips.len(), result.ips[0].gateway), (1, "10.0.0.1".parse().ok()));
}

#[test]
fn a_sysctl_is_below_net() {
    let of = |key: &str| {
        let config = config(&json!({"name": "n", "sysctl": {key: "1"}}));
        config.sysctls("eth0.5").map(|all| all[0].0.clone())
    };
    assert_eq!(of("net.ipv4.conf.IFNAME.arp_filter").unwrap(), "ipv4/conf/eth0.5/arp_filter");
    assert_eq!(of("net/ipv6/conf/IFNAME/accept_ra").unwrap(), "ipv6/conf/eth0.5/accept_ra");
    for wrong in ["kernel.panic", "net/../kernel/panic", "net//x"] {
        assert!(of(wrong).is_err(), "{wrong}");
    }
}

fn result() -> Success {
    Success::read(
        br#"{"cniVersion": "1.1.0",
             "interfaces": [{"name": "eth0", "mac": "02:00:00:00:00:07", "mtu": 1400, "sandbox": "/run/netns/c1"}],
             "ips": [{"address": "10.0.0.7/24", "gateway": "10.0.0.1", "interface": 0}, {"address": "fd00::7/64"}],
             "routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0", "gw": "fd00::1", "mtu": 1300}]}"#,
    )
    .unwrap()
}

fn in_version(version: Version) -> Value {
    serde_json::to_value(result().of_version(version)).unwrap()
}

#[test]
fn a_result_has_the_layout_of_its_version() {
    let new = in_version(Version::V1_1);
    assert_eq!(new["interfaces"][0]["mtu"], 1400);
    assert!(new["ips"][0].get("version").is_none());
    let older = in_version(Version::V0_4);
    assert!(older["interfaces"][0].get("mtu").is_none());
    assert_eq!((&older["ips"][0]["version"], &older["ips"][1]["version"]), (&"4".into(), &"6".into()));
    assert_eq!(older["cniVersion"], "0.4.0");
    let first = in_version(Version::V0_1);
    assert_eq!(first["ip4"]["gateway"], "10.0.0.1");
    assert_eq!(first["ip6"]["routes"][0]["gw"], "fd00::1");
    assert!(first.get("ips").is_none() && first.get("interfaces").is_none());
}

#[test]
fn a_result_of_the_first_version_is_read() {
    let old = serde_json::to_vec(&result().of_version(Version::V0_1)).unwrap();
    let read = Success::read(&old).unwrap();
    assert_eq!(read.ips.len(), 2);
    assert_eq!(read.routes.len(), 2);
    assert_eq!(read.ips[0].gateway, "10.0.0.1".parse().ok());
}

#[test]
fn versions() {
    assert_eq!(Version::of(None).unwrap(), Version::V0_1);
    assert_eq!(Version::of(Some("")).unwrap(), Version::V0_1);
    assert_eq!(Version::of(Some("1.1.0")).unwrap(), Version::V1_1);
    for unknown in ["1", "1.2.0", "1.1.0.0", "-1.0.0", "one"] {
        let error = Version::of(Some(unknown)).unwrap_err();
        assert_eq!(error.code, 1, "{unknown}");
    }
}

/// Where a folder can be made: one of a run that was killed may be there, of a process with the same number.
fn folder(name: &str) -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("sublink-cni-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

/// The folder goes with the last record and comes with the first, perhaps of another process at the same moment.
#[test]
fn records_of_many_at_once() {
    let folder = folder("many");
    let records = Records::new(folder.to_str(), "lan");
    let record = Record { netns: "/run/netns/c1".into(), attached: String::new(), master: "p0".into() };
    std::thread::scope(|scope| {
        for number in 0..4 {
            let (records, record) = (&records, &record);
            scope.spawn(move || {
                let key = Key { container: format!("c{number}"), ifname: "eth0".into() };
                for _ in 0..200 {
                    assert!(records.reserve(&key, record).unwrap(), "somebody else's record");
                    records.write(&key, record).unwrap();
                    assert!(records.read(&key).unwrap().is_some());
                    records.remove(&key).unwrap();
                }
            });
        }
    });
    assert_eq!(records.keys().unwrap(), []);
    std::fs::remove_dir(folder).unwrap();
}

/// A link that leads nowhere is there when a folder is to be made, and is no folder at a second look: so is a folder that
/// another process removes in between.
#[test]
fn a_folder_that_is_there_and_gone_is_no_record() {
    let folder = folder("gone");
    std::fs::create_dir(&folder).unwrap();
    std::os::unix::fs::symlink("nowhere", folder.join("lan")).unwrap();
    let key = Key { container: "c1".into(), ifname: "eth0".into() };
    let record = Record { netns: "/run/netns/c1".into(), attached: String::new(), master: "p0".into() };
    let error = Records::new(folder.to_str(), "lan").reserve(&key, &record).unwrap_err();
    assert!(error.code == 5 && error.msg.contains("No such file"), "{error:?}");
    std::fs::remove_dir_all(folder).unwrap();
}
