//! ADD, CHECK, DEL, and what lies between.

use crate::common::{Skip, kernel_test, needs, parent, socket};
use crate::runtime::{Pod, Runtime, config, host_links, ipv4_config, needs_reference, with};
use serde_json::{Value, json};
use sublink::route::ListRoutes;
use sublink::{LinkChange, Netns, NewLink};

/// As libcni does it.
#[kernel_test]
fn add_check_check_after_a_changed_mtu_delete_delete() -> Result<(), Skip> {
    let (runtime, pod) = (Runtime::new()?, Pod::new("c1"));
    parent(&mut socket());
    let before = host_links();
    let config = with(&config(7), "mtu", 1400);
    let result = runtime.good("ADD", &config, &pod);
    let interface = &result["interfaces"][0];
    assert_eq!((&interface["name"], &interface["mtu"]), (&json!("eth0"), &json!(1400)));
    assert_eq!(interface["sandbox"], pod.netns());
    assert_eq!(result["ips"][0]["address"], "10.0.50.7/24");
    assert_eq!(result["ips"][1]["interface"], 0);
    assert_eq!(pod.addresses(), ["10.0.50.7/24", "fd00:50::7/64"]);
    let routes = ["0.0.0.0/0 by 10.0.50.254", "10.9.0.0/16 by 10.0.50.253", "::/0 by fd00:50::fffe"];
    assert_eq!(pod.routes(), routes);
    let index = {
        let mut sandbox = pod.sandbox();
        let link = sandbox.socket().link("eth0").expect("its link").to_owned();
        assert_eq!(link.mac.expect("an address").to_string(), interface["mac"]);
        assert!(link.kind.name() == "macvlan" && link.mtu == 1400, "{link:?}");
        link.index
    };
    assert_eq!(runtime.records(), ["c1@eth0"]);
    let config = with(&config, "prevResult", result);
    runtime.good("CHECK", &config, &pod);
    pod.sandbox().socket().change(&LinkChange::new(index).mtu(1300)).expect("another MTU");
    runtime.good("CHECK", &config, &pod);
    assert_eq!(runtime.good("DEL", &config, &pod), Value::Null);
    assert_eq!(pod.links(), [""; 0]);
    runtime.good("DEL", &config, &pod);
    assert_eq!(runtime.asked_of_ipam(&pod), ["ADD", "CHECK", "CHECK", "DEL", "DEL"]);
    assert_eq!(runtime.records(), [""; 0]);
    assert_eq!(host_links(), before);
    Ok(())
}

/// IPv4 alone and both families, with the IPAM plugin that most people have.
#[kernel_test]
fn addresses_of_host_local() -> Result<(), Skip> {
    needs_reference("host-local")?;
    let (runtime, pod) = (Runtime::new()?, Pod::new("c1"));
    parent(&mut socket());
    let ranges = [
        json!([[{"subnet": "10.0.50.0/24", "rangeStart": "10.0.50.9"}]]),
        json!([[{"subnet": "10.0.50.0/24", "rangeStart": "10.0.50.9"}], [{"subnet": "fd00:50::/64", "rangeStart": "fd00:50::9"}]]),
    ];
    for (ranges, expected) in ranges.into_iter().zip([&["10.0.50.9/24"][..], &["10.0.50.9/24", "fd00:50::9/64"]]) {
        let mut config = with(&config(7), "cniVersion", "1.0.0");
        config["ipam"] = json!({
            "type": "host-local", "dataDir": "/run/cni/ipam", "ranges": ranges, "routes": [{"dst": "0.0.0.0/0"}],
        });
        let result = runtime.good("ADD", &config, &pod);
        assert_eq!(pod.addresses(), expected);
        let config = with(&config, "prevResult", result);
        runtime.good("CHECK", &config, &pod);
        runtime.good("DEL", &config, &pod);
        runtime.good("DEL", &config, &pod);
        assert_eq!(pod.links(), [""; 0]);
        let reserved = std::fs::read_dir("/run/cni/ipam/net1").expect("its folder").flatten();
        let reserved: Vec<_> =
            reserved.map(|file| file.file_name()).filter(|name| name.to_string_lossy().contains("50.9")).collect();
        assert!(reserved.is_empty(), "{reserved:?}");
        std::fs::remove_dir_all("/run/cni/ipam").expect("removed"); // it goes on behind the last one otherwise
    }
    Ok(())
}

/// There is no record of it.
#[kernel_test]
fn what_the_reference_has_attached_is_checked_and_deleted() -> Result<(), Skip> {
    let reference = needs_reference("macvlan")?;
    let (runtime, pod) = (Runtime::new()?, Pod::new("c1"));
    parent(&mut socket());
    let before = host_links();
    let config = with(&config(7), "cniVersion", "1.0.0");
    let added = Runtime::run(runtime.process_of(&reference, "ADD", &pod, &[]), &config);
    assert!(added.is_good, "{added:?}");
    let config = with(&config, "prevResult", added.json);
    runtime.good("CHECK", &config, &pod);
    runtime.good("DEL", &config, &pod);
    assert_eq!((pod.links(), host_links()), (vec![], before));
    Ok(())
}

#[kernel_test]
fn a_check_says_what_is_missing() -> Result<(), Skip> {
    let (runtime, pod) = (Runtime::new()?, Pod::new("c1"));
    parent(&mut socket());
    let config = config(7);
    let result = runtime.good("ADD", &config, &pod);
    let checked = with(&config, "prevResult", result);
    let mut sandbox = pod.sandbox();
    let index = sandbox.socket().index_of("eth0").expect("its link");
    sandbox.socket().change(&LinkChange::new(index).down()).expect("down");
    let error = runtime.bad("CHECK", &checked, &pod);
    assert_eq!(error["code"], 101);
    let words = error["msg"].as_str().expect("words");
    assert!(words.contains("the link is down") && words.contains("0.0.0.0/0 is missing"), "{words}");
    assert!(runtime.bad("CHECK", &config, &pod)["msg"].as_str().expect("words").contains("prevResult"));
    sandbox.socket().delete(index).expect("deleted");
    assert!(runtime.bad("CHECK", &checked, &pod)["msg"].as_str().expect("words").contains("gone"));
    Ok(())
}

#[kernel_test]
fn a_link_without_addresses_is_only_brought_up() -> Result<(), Skip> {
    let (runtime, pod) = (Runtime::new()?, Pod::new("c1"));
    parent(&mut socket());
    let config = with(&config(7), "ipam", json!({}));
    let result = runtime.good("ADD", &config, &pod);
    assert!(result.get("ips").is_none() && runtime.asked_of_ipam(&pod).is_empty());
    assert!(pod.sandbox().socket().link("eth0").expect("its link").is_up());
    runtime.good("CHECK", &with(&config, "prevResult", result), &pod);
    runtime.good("DEL", &config, &pod);
    assert_eq!(pod.links(), [""; 0]);
    Ok(())
}

#[kernel_test]
fn all_modes_of_macvlan() -> Result<(), Skip> {
    let runtime = Runtime::new()?;
    parent(&mut socket());
    for mode in ["bridge", "private", "vepa", "passthru", "source"] {
        let pod = Pod::new(mode);
        let mut config = with(&config(7), "mode", mode);
        config["sourceMacs"] = json!(["02:00:00:00:00:99"]);
        let result = runtime.good("ADD", &config, &pod);
        let found = pod.sandbox().socket().link("eth0").expect("its link").macvlan().and_then(|macvlan| macvlan.mode());
        assert_eq!(found.map(|mode| mode.to_string()).as_deref(), Some(mode));
        runtime.good("CHECK", &with(&config, "prevResult", result), &pod);
        runtime.good("DEL", &config, &pod);
        assert_eq!(pod.links(), [""; 0]);
    }
    Ok(())
}

#[kernel_test]
fn a_vlan() -> Result<(), Skip> {
    needs("vlan")?;
    let (runtime, pod) = (Runtime::new()?, Pod::new("c1"));
    parent(&mut socket());
    let mut config = with(&config(7), "type", "vlan");
    config["vlanId"] = json!(50);
    config["vlanFlags"] = json!({"gvrp": true});
    let result = runtime.good("ADD", &config, &pod);
    let found = pod.sandbox().socket().link("eth0").expect("its link").vlan().and_then(|vlan| vlan.id());
    assert_eq!(found.map(sublink::VlanId::get), Some(50));
    runtime.good("CHECK", &with(&config, "prevResult", result), &pod);
    let again = runtime.bad("ADD", &config, &Pod::new("c2"));
    assert!(again["msg"].as_str().expect("words").contains("EEXIST"), "{again}");
    runtime.good("DEL", &config, &pod);
    assert_eq!(pod.links(), [""; 0]);
    Ok(())
}

/// Its parent is the one interface of the result before, and so are its addresses.
#[kernel_test]
fn an_ipvlan_behind_another_plugin() -> Result<(), Skip> {
    needs("ipvlan")?;
    let (runtime, pod) = (Runtime::new()?, Pod::new("c1"));
    parent(&mut socket());
    let mut config = with(&config(7), "type", "ipvlan");
    config["prevResult"] = config["ipam"]["result"].take();
    config["prevResult"]["interfaces"] = json!([{"name": "p0"}]);
    for field in ["ipam", "master"] {
        config.as_object_mut().expect("an object").remove(field);
    }
    config["mode"] = json!("l3");
    let result = runtime.good("ADD", &config, &pod);
    assert_eq!(result["interfaces"].as_array().map(Vec::len), Some(1));
    assert_eq!(pod.addresses(), ["10.0.50.7/24", "fd00:50::7/64"]);
    runtime.good("DEL", &config, &pod);
    assert_eq!(pod.links(), [""; 0]);
    Ok(())
}

#[kernel_test]
fn a_parent_in_the_container() -> Result<(), Skip> {
    let (runtime, pod) = (Runtime::new()?, Pod::new("c1"));
    {
        let mut sandbox = pod.sandbox();
        parent(sandbox.socket());
    }
    let config = with(&config(7), "linkInContainer", true);
    let result = runtime.good("ADD", &config, &pod);
    runtime.good("CHECK", &with(&config, "prevResult", result), &pod);
    runtime.good("DEL", &config, &pod);
    assert_eq!(pod.links(), ["p1", "p0"]);
    Ok(())
}

#[kernel_test]
fn the_parent_of_the_default_route() -> Result<(), Skip> {
    let (runtime, pod) = (Runtime::new()?, Pod::new("c1"));
    let index = parent(&mut socket());
    let mut host = socket();
    host.apply(&sublink::NewAddress::new(index, "192.0.2.1/24".parse().expect("an address"))).expect("added");
    let mut config = config(7);
    config.as_object_mut().expect("an object").remove("master");
    let error = runtime.bad("ADD", &config, &pod);
    assert!(error["msg"].as_str().expect("words").contains("no default route"), "{error}");
    let route = sublink::NewRoute::default_via("192.0.2.254".parse().expect("a gateway"));
    host.apply(&route).expect("a default route");
    runtime.good("ADD", &config, &pod);
    assert_eq!(pod.links(), ["eth0"]);
    Ok(())
}

#[kernel_test]
fn the_runtimes_mac_address_counts_before_the_callers_and_that_before_the_configurations() -> Result<(), Skip> {
    let (runtime, pod) = (Runtime::new()?, Pod::new("c1"));
    parent(&mut socket());
    let mut config = with(&config(7), "mac", "02:00:00:00:00:01");
    let expect = |config: &Value, args: &str, mac: &str| {
        let mut process = runtime.process("ADD", &pod, &[]);
        process.env("CNI_ARGS", args);
        let answer = Runtime::run(process, config);
        assert_eq!(answer.json["interfaces"][0]["mac"], mac, "{answer:?}");
        runtime.good("DEL", config, &pod);
    };
    expect(&config, "", "02:00:00:00:00:01");
    expect(&config, "IgnoreUnknown=1;MAC=02:00:00:00:00:02", "02:00:00:00:00:02");
    config["args"] = json!({"cni": {"mac": "02:00:00:00:00:03"}});
    expect(&config, "", "02:00:00:00:00:03");
    config["runtimeConfig"] = json!({"mac": "02:00:00:00:00:04"});
    expect(&config, "MAC=02:00:00:00:00:02", "02:00:00:00:00:04");
    Ok(())
}

#[kernel_test]
fn a_link_that_the_container_renamed_is_deleted() -> Result<(), Skip> {
    let (runtime, pod) = (Runtime::new()?, Pod::new("c1"));
    parent(&mut socket());
    let config = config(7);
    runtime.good("ADD", &config, &pod);
    {
        let mut sandbox = pod.sandbox();
        let index = sandbox.socket().index_of("eth0").expect("its link");
        let inside = sandbox.socket();
        inside.change(&LinkChange::new(index).down()).expect("down");
        inside.change(&LinkChange::new(index).name(crate::common::name("mine"))).expect("renamed");
    }
    runtime.good("DEL", &config, &pod);
    assert_eq!(pod.links(), [""; 0]);
    Ok(())
}

#[kernel_test]
fn a_container_that_is_gone_is_detached() -> Result<(), Skip> {
    let (runtime, pod) = (Runtime::new()?, Pod::new("c1"));
    parent(&mut socket());
    let config = config(7);
    runtime.good("ADD", &config, &pod);
    Netns::remove_named("c1").expect("removed");
    runtime.good("DEL", &config, &pod);
    assert_eq!(runtime.records(), [""; 0]);
    std::fs::write(pod.netns(), "").expect("a file that is left");
    runtime.good("DEL", &config, &pod);
    let mut process = runtime.process("DEL", &pod, &[]);
    process.env_remove("CNI_NETNS");
    assert!(Runtime::run(process, &config).is_good, "without a namespace");
    Ok(())
}

#[kernel_test]
fn each_version_has_its_layout() -> Result<(), Skip> {
    let (runtime, pod) = (Runtime::new()?, Pod::new("c1"));
    parent(&mut socket());
    for version in ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"] {
        let config = with(&config(7), "cniVersion", version);
        let result = runtime.good("ADD", &config, &pod);
        assert_eq!(result["cniVersion"], version);
        assert_eq!(result.get("ip4").is_some(), version < "0.3", "{version}");
        let has_family = result["ips"][0].get("version").is_some();
        assert_eq!(has_family, ("0.3".."1").contains(&version), "{version}");
        assert_eq!(result["interfaces"][0].get("mtu").is_some(), version == "1.1.0", "{version}");
        if version >= "0.4" {
            runtime.good("CHECK", &with(&config, "prevResult", result), &pod);
        } else {
            assert_eq!(runtime.bad("CHECK", &config, &pod)["code"], 1, "{version}");
        }
        runtime.good("DEL", &config, &pod);
    }
    let answer = runtime.good("VERSION", &json!({}), &pod);
    assert_eq!(answer["supportedVersions"].as_array().map(Vec::len), Some(7));
    assert_eq!(runtime.bad("ADD", &with(&config(7), "cniVersion", "9.0.0"), &pod)["code"], 1);
    Ok(())
}

#[kernel_test]
fn what_no_valid_attachment_names_is_collected() -> Result<(), Skip> {
    let (runtime, kept, stale) = (Runtime::new()?, Pod::new("c1"), Pod::new("c2"));
    parent(&mut socket());
    runtime.good("ADD", &config(7), &kept);
    runtime.good("ADD", &config(8), &stale);
    let valid = json!([{"containerID": "c1", "ifname": "eth0"}]);
    let mut process = runtime.process("GC", &Pod { name: "none".into() }, &[]);
    process.env_remove("CNI_NETNS").env_remove("CNI_CONTAINERID").env_remove("CNI_IFNAME");
    let answer = Runtime::run(process, &with(&config(0), "cni.dev/valid-attachments", valid));
    assert!(answer.is_good, "{answer:?}");
    assert_eq!((kept.links(), stale.links()), (vec!["eth0".to_owned()], vec![]));
    assert_eq!(runtime.records(), ["c1@eth0"]);
    assert_eq!(runtime.asked_of_ipam(&Pod { name: String::new() }), ["GC"]);
    Ok(())
}

#[kernel_test]
fn a_plugin_whose_parent_is_gone_is_not_ready() -> Result<(), Skip> {
    let (runtime, pod) = (Runtime::new()?, Pod::new("c1"));
    let error = runtime.bad("STATUS", &config(7), &pod);
    assert_eq!(error["code"], 50, "{error}");
    parent(&mut socket());
    runtime.good("STATUS", &config(7), &pod);
    let mut failing = config(7);
    failing["ipam"]["fails"] = json!(["STATUS"]);
    assert_eq!(runtime.bad("STATUS", &failing, &pod)["code"], 109);
    Ok(())
}

/// Two routes of one destination, and what TCP takes for it.
#[kernel_test]
fn routes_with_metrics_and_of_one_destination() -> Result<(), Skip> {
    let (runtime, pod) = (Runtime::new()?, Pod::new("c1"));
    parent(&mut socket());
    let mut config = config(7);
    config["ipam"]["result"]["routes"] = json!([
        {"dst": "10.9.0.0/16", "gw": "10.0.50.253", "mtu": 1300, "advmss": 1200},
        {"dst": "10.9.0.0/16", "gw": "10.0.50.252"},
        {"dst": "0.0.0.0/0", "priority": 99, "table": 100},
        {"dst": "10.8.0.0/16", "scope": 253},
    ]);
    let result = runtime.good("ADD", &config, &pod);
    let (mut sandbox, to) = (pod.sandbox(), |text: &str| Some(text.parse().expect("a destination")));
    let found = sandbox.socket().snapshot(&ListRoutes::v4()).expect("its routes");
    let of = |destination| found.iter().filter(move |route| route.destination == destination);
    let two: Vec<_> = of(to("10.9.0.0/16")).map(|route| route.gateway.expect("a router").to_string()).collect();
    assert_eq!(two, ["10.0.50.252", "10.0.50.253"]);
    let default = of(to("0.0.0.0/0")).next().expect("a default route");
    assert_eq!((default.metric, default.gateway), (Some(99), "10.0.50.254".parse().ok()));
    assert_eq!(of(to("10.8.0.0/16")).next().expect("a route").gateway, None);
    let output = std::process::Command::new("ip").args(["-n", "c1", "route"]).output().expect("ip");
    let output = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.contains("via 10.0.50.253 dev eth0 mtu 1300 advmss 1200"), "{output}");
    runtime.good("CHECK", &with(&config, "prevResult", result), &pod);
    runtime.good("DEL", &config, &pod);
    assert_eq!(pod.links(), [""; 0]);
    Ok(())
}

/// Duplicate address detection would never end.
#[kernel_test]
fn without_a_carrier_it_fails_at_once_and_says_why() -> Result<(), Skip> {
    let (runtime, pod) = (Runtime::new()?, Pod::new("c1"));
    let mut host = socket();
    parent(&mut host);
    let there = host.index_of("p1").expect("the other end");
    host.change(&LinkChange::new(there).down()).expect("down");
    let error = runtime.bad("ADD", &config(7), &pod);
    assert!(error["msg"].as_str().expect("words").contains("carrier"), "{error}");
    assert_eq!((pod.links().len(), runtime.records().len()), (0, 0));
    let result = runtime.good("ADD", &ipv4_config(7), &pod);
    let error = runtime.bad("CHECK", &with(&ipv4_config(7), "prevResult", result), &pod);
    assert!(error["msg"].as_str().expect("words").contains("carrier"), "{error}");
    Ok(())
}

#[kernel_test]
fn settings_of_the_link() -> Result<(), Skip> {
    let (runtime, pod) = (Runtime::new()?, Pod::new("c1"));
    parent(&mut socket());
    let sysctl = json!({"net.ipv4.conf.IFNAME.arp_filter": "1", "net/ipv6/conf/IFNAME/accept_ra": "0"});
    runtime.good("ADD", &with(&config(7), "sysctl", sysctl), &pod);
    let sandbox = pod.sandbox();
    let found = ["ipv4/conf/eth0/arp_filter", "ipv6/conf/eth0/accept_ra", "ipv6/conf/eth0/ndisc_notify"]
        .map(|setting| sandbox.sysctl(setting).expect("a setting").trim().to_owned());
    assert_eq!(found, ["1", "0", "1"]);
    Ok(())
}

/// The container's own link of the name, which it had before, is no attachment.
#[kernel_test]
fn a_link_of_another_kind_is_not_deleted() -> Result<(), Skip> {
    let (runtime, pod) = (Runtime::new()?, Pod::new("c1"));
    parent(&mut socket());
    let pair = NewLink::veth(NewLink::peer().name(crate::common::name("peer"))).name(crate::common::name("eth0"));
    pod.sandbox().socket().create(&pair).expect("a veth pair");
    runtime.good("DEL", &config(7), &pod);
    assert_eq!(pod.links(), ["peer", "eth0"]);
    Ok(())
}
