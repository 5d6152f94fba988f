//! What the reference plugins' own specifications try, and what they do not: configurations, environments and inputs.

use crate::common::{Skip, kernel_test, mac, needs, parent, socket};
use crate::runtime::{Pod, Runtime, config, host_links, ipv4_config, with};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use sublink::{LinkChange, MacvlanMode};

/// Several subnets, and one family alone.
#[kernel_test]
fn addresses_of_any_number() -> Result<(), Skip> {
    let runtime = Runtime::new()?;
    parent(&mut socket());
    let v6 = json!([{"address": "fd00:51::7/64", "gateway": "fd00:51::1"}]);
    let many = json!([{"address": "10.0.50.7/24"}, {"address": "10.0.51.7/24"}, {"address": "fd00:51::7/64"},
        {"address": "fd00:52::7/64"}]);
    let to_v6 = json!([{"dst": "::/0"}, {"dst": "fd00:9::/64", "gw": "fd00:51::2"}]);
    for (name, ips, routes, expected) in [("six", v6, to_v6, 2), ("many", many, json!([]), 0)] {
        let pod = Pod::new(name);
        let asked: BTreeSet<_> = ips.as_array().expect("a list").iter().map(|ip| ip["address"].to_string()).collect();
        let mut config = config(7);
        config["ipam"]["result"] = json!({"cniVersion": "1.0.0", "ips": ips, "routes": routes});
        let result = runtime.good("ADD", &config, &pod);
        assert_eq!(pod.addresses().iter().map(|found| format!("{found:?}")).collect::<BTreeSet<_>>(), asked);
        assert_eq!(pod.routes().len(), expected);
        runtime.good("CHECK", &with(&config, "prevResult", result), &pod);
        runtime.good("DEL", &config, &pod);
        assert_eq!(pod.links(), [""; 0]);
    }
    Ok(())
}

/// Each way in which the result or the configuration differs from what is there.
#[kernel_test]
fn a_check_compares() -> Result<(), Skip> {
    let (runtime, pod) = (Runtime::new()?, Pod::new("c1"));
    parent(&mut socket());
    let config = ipv4_config(7);
    let good = with(&config, "prevResult", runtime.good("ADD", &config, &pod));
    runtime.good("CHECK", &good, &pod);
    let differs = |path: &str, value: Value, words: &str| {
        let mut other = good.clone();
        *other.pointer_mut(path).expect("a field") = value;
        let error = runtime.bad("CHECK", &other, &pod);
        assert!(error["msg"].as_str().expect("words").contains(words), "{path}: {error}");
        assert_eq!(error["cniVersion"], "1.1.0");
    };
    differs("/prevResult/interfaces/0/mac", json!("02:00:00:00:00:66"), "02:00:00:00:00:66");
    differs("/prevResult/interfaces/0/name", json!("eth1"), "no interface eth0");
    differs("/prevResult/interfaces/0/sandbox", json!("/run/netns/c2"), "no interface eth0");
    differs("/prevResult/ips/0/address", json!("10.0.50.8/24"), "10.0.50.8");
    differs("/prevResult/routes/0", json!({"dst": "10.7.0.0/16", "gw": "10.0.50.1"}), "10.7.0.0/16");
    let error = runtime.bad("CHECK", &with(&good, "mode", "private"), &pod);
    assert!(error["msg"].as_str().expect("words").contains("is bridge, not private"), "{error}");
    let error = runtime.bad("CHECK", &with(&good, "type", "ipvlan"), &pod);
    assert!(error["msg"].as_str().expect("words").contains("ipvlan"), "{error}");
    let mut sandbox = pod.sandbox();
    let index = sandbox.socket().index_of("eth0").expect("its link");
    let change = LinkChange::macvlan(index).mode(MacvlanMode::Private);
    sandbox.socket().change(&change).expect("another mode");
    assert_eq!(runtime.bad("CHECK", &good, &pod)["code"], 101);
    Ok(())
}

#[kernel_test]
fn an_ipvlan_has_its_parents_mac_address_whatever_is_asked_for() -> Result<(), Skip> {
    needs("ipvlan")?;
    let (runtime, pod) = (Runtime::new()?, Pod::new("c1"));
    parent(&mut socket());
    let mut config = with(&ipv4_config(7), "type", "ipvlan");
    config["runtimeConfig"] = json!({"mac": mac(7).to_string()});
    let result = runtime.good("ADD", &config, &pod);
    assert_ne!(result["interfaces"][0]["mac"], mac(7).to_string());
    runtime.good("CHECK", &with(&config, "prevResult", result), &pod);
    runtime.good("DEL", &config, &pod);
    assert_eq!(pod.links(), [""; 0]);
    Ok(())
}

/// As a runtime of version 1.1 says it, and in the version of the configuration.
#[kernel_test]
fn an_error_is_of_the_configurations_version() -> Result<(), Skip> {
    let (runtime, pod) = (Runtime::new()?, Pod::new("c1"));
    parent(&mut socket());
    let mut config = with(&config(7), "cniVersion", "0.4.0");
    assert_eq!(runtime.bad("ADD", &with(&config, "name", "a/b"), &pod)["cniVersion"], "0.4.0");
    assert_eq!(runtime.bad("ADD", &with(&config, "dataDir", "relative"), &pod)["cniVersion"], "0.4.0");
    config["ipam"]["fails"] = json!(["ADD"]);
    let error = runtime.bad("ADD", &config, &pod);
    assert_eq!((&error["cniVersion"], &error["code"]), (&json!("0.4.0"), &json!(109)));
    Ok(())
}

#[kernel_test]
fn what_dns_says_is_passed_on() -> Result<(), Skip> {
    let (runtime, pod) = (Runtime::new()?, Pod::new("c1"));
    parent(&mut socket());
    let mut config = ipv4_config(7);
    config["ipam"]["result"]["dns"] = json!({"nameservers": ["10.0.50.2"]});
    assert_eq!(runtime.good("ADD", &config, &pod)["dns"]["nameservers"], json!(["10.0.50.2"]));
    runtime.good("DEL", &config, &pod);
    config["dns"] = json!({"nameservers": ["10.0.50.3"], "search": ["test"], "options": ["ndots:1"]});
    assert_eq!(runtime.good("ADD", &config, &pod)["dns"], config["dns"]);
    runtime.good("DEL", &config, &pod);
    Ok(())
}

/// The host is no container, unless that is meant.
#[kernel_test]
fn the_hosts_namespace() -> Result<(), Skip> {
    let runtime = Runtime::new()?;
    parent(&mut socket());
    let (before, pod) = (host_links(), Pod { name: "host".into() });
    let run = |config: &Value, is_meant: bool, command: &str| {
        let mut process = runtime.process(command, &pod, &[]);
        process.env("CNI_NETNS", "/proc/self/ns/net");
        if is_meant {
            process.env("CNI_NETNS_OVERRIDE", "true");
        }
        Runtime::run(process, config)
    };
    for config in [ipv4_config(7), with(&ipv4_config(7), "linkInContainer", true)] {
        let answer = run(&config, false, "ADD");
        assert!(!answer.is_good && answer.json["code"] == 8, "{answer:?}");
        assert_eq!((host_links(), runtime.records()), (before.clone(), vec![]));
        let answer = run(&config, true, "ADD");
        assert!(answer.is_good && host_links().contains(&"eth0".into()), "{answer:?}");
        assert!(run(&with(&config, "prevResult", answer.json), true, "CHECK").is_good);
        assert!(run(&config, true, "DEL").is_good);
        assert_eq!(host_links(), before);
    }
    Ok(())
}

/// Nothing is made by a configuration that cannot be.
#[kernel_test]
fn strange_configurations() -> Result<(), Skip> {
    let (runtime, pod) = (Runtime::new()?, Pod::new("c1"));
    parent(&mut socket());
    let before = host_links();
    let deep = serde_json::from_str::<Value>(&format!("{}{}", "[".repeat(100), "]".repeat(100))).expect("JSON");
    let mut rows = vec![(7, with(&config(7), "dataDir", "cni")), (7, with(&config(7), "dataDir", ""))];
    for name in ["", ".", "..", "../x", "a/b", "a\0b", "-a", "ä"] {
        rows.push((7, with(&config(7), "name", name)));
    }
    for master in ["p0\0", "p0/50", "a name that is too long"] {
        rows.push((7, with(&config(7), "master", master)));
    }
    rows.push((7, with(&config(7), "sysctl", json!({"net/../kernel/panic": "1"}))));
    rows.push((7, with(&config(7), "mtu", i64::MAX)));
    rows.push((6, with(&config(7), "mtu", json!(1e300))));
    rows.push((6, with(&config(7), "vlanId", 70_000)));
    rows.push((6, with(&config(7), "prevResult", deep.clone())));
    rows.push((5, with(&config(7), "ipam", json!({"type": "fake\0"}))));
    rows.push((5, with(&config(7), "ipam", json!({"type": "."}))));
    for (code, config) in rows {
        let error = runtime.bad("ADD", &config, &pod);
        assert_eq!(error["code"], code, "{config} {error}");
        assert_eq!((pod.links(), host_links(), runtime.records()), (vec![], before.clone(), vec![]), "{config}");
    }
    // What is other plugins' is none of ours, however deep and large it is.
    let large = with(&with(&ipv4_config(7), "other", deep), "more", "x".repeat(1 << 20));
    runtime.good("ADD", &large, &pod);
    runtime.good("DEL", &large, &pod);
    let mut process = runtime.process("ADD", &pod, &[]);
    process.env("CNI_CONTAINERID", "x".repeat(250));
    assert_eq!(Runtime::run(process, &config(7)).json["code"], 4);
    Ok(())
}

/// An IPAM plugin that says nothing, nonsense or far too much, or is killed.
#[kernel_test]
fn strange_ipam_plugins() -> Result<(), Skip> {
    let (runtime, pod) = (Runtime::new()?, Pod::new("c1"));
    parent(&mut socket());
    let before = host_links();
    for (script, code, words) in [
        ("true", 6, "IPAM plugin strange"),
        ("echo '{'", 6, "IPAM plugin strange"),
        ("echo '[[['; exit 1", 999, "exit status: 1: [[["),
        ("kill -9 $$", 999, "signal: 9"),
        ("head -c 5000000 /dev/zero", 6, "IPAM plugin strange"),
        ("echo '{\"ips\": [{\"address\": \"10.0.0.300/24\"}]}'", 6, "10.0.0.300"),
        ("echo '{\"ips\": [{\"address\": \"10.0.0.3/64\"}]}'", 6, "IPAM plugin strange"),
    ] {
        runtime.plugin("strange", script);
        let error = runtime.bad("ADD", &with(&config(7), "ipam", json!({"type": "strange"})), &pod);
        assert!(error["msg"].as_str().expect("words").contains(words), "{script}: {error}");
        assert_eq!(error["code"], code, "{script}: {error}");
        assert_eq!((pod.links(), host_links(), runtime.records()), (vec![], before.clone(), vec![]), "{script}");
    }
    Ok(())
}

/// A result that nobody can read is no success.
#[kernel_test]
fn an_answer_that_cannot_be_written() -> Result<(), Skip> {
    let (runtime, pod) = (Runtime::new()?, Pod::new("c1"));
    parent(&mut socket());
    let mut process = runtime.process("ADD", &pod, &[]);
    process.stdout(std::fs::OpenOptions::new().write(true).open("/dev/full").expect("/dev/full"));
    assert!(!Runtime::run(process, &ipv4_config(7)).is_good);
    runtime.good("DEL", &ipv4_config(7), &pod);
    assert_eq!((pod.links().len(), runtime.records().len()), (0, 0));
    Ok(())
}
