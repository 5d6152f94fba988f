//! An ADD that fails leaves nothing: no link, no address that IPAM takes for used, no record, no VLAN.

use crate::common::{Skip, kernel_test, mac, name, needs, parent, socket};
use crate::runtime::{Pod, Runtime, config, host_links, with};
use serde_json::{Value, json};
use sublink::{NewAddress, NewLink};

/// Fails, with these words, and leaves nothing.
#[track_caller]
fn leaves_nothing(runtime: &Runtime, config: &Value, pod: &Pod, words: &str) -> Value {
    let (before, of_host) = (pod.links(), host_links());
    let error = runtime.bad("ADD", config, pod);
    let said = error["msg"].as_str().unwrap_or_default();
    assert!(said.contains(words), "{error}");
    assert!(!said.contains("sl~"), "a temporary name: {error}");
    assert_eq!((pod.links(), host_links()), (before, of_host), "links: {error}");
    assert_eq!(runtime.records(), [""; 0], "records: {error}");
    let asked = runtime.asked_of_ipam(pod);
    assert_ne!(asked.last().map(String::as_str), Some("ADD"), "the address is taken still: {error}");
    error
}

#[kernel_test]
fn ipam_fails() -> Result<(), Skip> {
    let (runtime, pod) = (Runtime::new()?, Pod::new("c1"));
    parent(&mut socket());
    let mut failing = config(7);
    failing["ipam"]["fails"] = json!(["ADD"]);
    let error = leaves_nothing(&runtime, &failing, &pod, "IPAM plugin fake: no address is free");
    assert_eq!(error["code"], 109, "{error}");
    let mut empty = config(7);
    empty["ipam"]["result"] = json!({"cniVersion": "1.0.0"});
    leaves_nothing(&runtime, &empty, &pod, "returned no address");
    let missing = with(&config(7), "ipam", json!({"type": "nosuch"}));
    leaves_nothing(&runtime, &missing, &pod, "no IPAM plugin \"nosuch\" in CNI_PATH");
    let elsewhere = with(&config(7), "ipam", json!({"type": "../cni/fake"}));
    leaves_nothing(&runtime, &elsewhere, &pod, "no IPAM plugin");
    Ok(())
}

#[kernel_test]
fn a_route_fails() -> Result<(), Skip> {
    let (runtime, pod) = (Runtime::new()?, Pod::new("c1"));
    parent(&mut socket());
    let mut config = config(7);
    config["ipam"]["result"]["routes"] = json!([{"dst": "10.9.0.0/16", "gw": "192.0.2.1"}]);
    leaves_nothing(&runtime, &config, &pod, "10.9.0.0/16");
    Ok(())
}

#[kernel_test]
fn another_station_has_the_address() -> Result<(), Skip> {
    let (runtime, pod) = (Runtime::new()?, Pod::new("c1"));
    let mut host = socket();
    parent(&mut host);
    let there = host.index_of("p1").expect("the other end");
    let taken = NewAddress::new(there, "fd00:50::7/64".parse().expect("an address")).nodad();
    host.apply(&taken).expect("the address there");
    leaves_nothing(&runtime, &config(7), &pod, "fd00:50::7");
    Ok(())
}

#[kernel_test]
fn the_mac_address_is_taken() -> Result<(), Skip> {
    let (runtime, pod, other) = (Runtime::new()?, Pod::new("c1"), Pod::new("c2"));
    parent(&mut socket());
    let first = with(&with(&config(7), "mac", mac(7).to_string()), "dataDir", "/run/cni/others");
    runtime.good("ADD", &first, &other);
    let error = leaves_nothing(&runtime, &with(&config(8), "mac", mac(7).to_string()), &pod, "02:00:00:00:00:07");
    assert_eq!(error["code"], 11, "{error}");
    Ok(())
}

#[kernel_test]
fn the_name_is_taken() -> Result<(), Skip> {
    let (runtime, pod) = (Runtime::new()?, Pod::new("c1"));
    parent(&mut socket());
    let pair = NewLink::veth(NewLink::peer().name(name("peer"))).name(name("eth0"));
    pod.sandbox().socket().create(&pair).expect("a veth pair");
    leaves_nothing(&runtime, &config(7), &pod, "EEXIST");
    Ok(())
}

#[kernel_test]
fn there_is_no_parent() -> Result<(), Skip> {
    let (runtime, pod) = (Runtime::new()?, Pod::new("c1"));
    let error = leaves_nothing(&runtime, &config(7), &pod, "p0");
    assert_eq!(error["code"], 7, "{error}");
    let error = leaves_nothing(&runtime, &with(&config(7), "master", "p0.50"), &pod, "p0");
    assert_eq!(error["code"], 7, "{error}");
    Ok(())
}

#[kernel_test]
fn the_namespaces_file_is_stale() -> Result<(), Skip> {
    let runtime = Runtime::new()?;
    parent(&mut socket());
    std::fs::create_dir_all("/run/netns").expect("a folder");
    std::fs::write("/run/netns/stale", "").expect("a file");
    for pod in ["stale", "nosuch"] {
        let pod = Pod { name: pod.into() };
        let error = runtime.bad("ADD", &config(7), &pod);
        assert_eq!(error["code"], 8, "{error}");
        assert!(error["msg"].as_str().expect("words").contains(&pod.netns()), "{error}");
        assert_eq!(runtime.asked_of_ipam(&pod), [""; 0]);
    }
    Ok(())
}

#[kernel_test]
fn a_setting_cannot_be_written() -> Result<(), Skip> {
    let (runtime, pod) = (Runtime::new()?, Pod::new("c1"));
    parent(&mut socket());
    let sysctl = json!({"net.ipv4.conf.IFNAME.nosuch": "1"});
    leaves_nothing(&runtime, &with(&config(7), "sysctl", sysctl), &pod, "nosuch");
    Ok(())
}

/// Found only when the VLAN that was made for it has said how much it can carry.
#[kernel_test]
fn the_mtu_is_too_large_for_a_parent_that_was_made_for_it() -> Result<(), Skip> {
    needs("vlan")?;
    let (runtime, pod) = (Runtime::new()?, Pod::new("c1"));
    parent(&mut socket());
    let config = with(&with(&config(7), "master", "p0.50"), "mtu", 9000);
    let error = leaves_nothing(&runtime, &config, &pod, "mtu");
    assert_eq!(error["code"], 7, "{error}");
    Ok(())
}

/// The VLAN that was made for it goes too, and one that others use stays.
#[kernel_test]
fn on_a_parent_that_was_made_for_it() -> Result<(), Skip> {
    needs("vlan")?;
    let (runtime, pod, other) = (Runtime::new()?, Pod::new("c1"), Pod::new("c2"));
    parent(&mut socket());
    let mut failing = with(&config(7), "master", "p0.50");
    failing["ipam"]["fails"] = json!(["ADD"]);
    leaves_nothing(&runtime, &failing, &pod, "no address is free");
    runtime.good("ADD", &with(&with(&config(8), "master", "p0.50"), "dataDir", "/run/cni/others"), &other);
    leaves_nothing(&runtime, &failing, &pod, "no address is free");
    assert!(host_links().contains(&"p0.50".into()));
    Ok(())
}

#[kernel_test]
fn what_the_environment_lacks_is_named() -> Result<(), Skip> {
    let (runtime, pod) = (Runtime::new()?, Pod::new("c1"));
    parent(&mut socket());
    for variable in ["CNI_COMMAND", "CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"] {
        let mut process = runtime.process("ADD", &pod, &[]);
        process.env_remove(variable);
        let answer = Runtime::run(process, &config(7));
        assert!(!answer.is_good && answer.json["code"] == 4, "{answer:?}");
        assert!(answer.json["msg"].as_str().expect("words").contains(variable), "{answer:?}");
    }
    for (variable, value) in [("CNI_IFNAME", "a/b"), ("CNI_CONTAINERID", "../x"), ("CNI_COMMAND", "JUMP")] {
        let mut process = runtime.process("ADD", &pod, &[]);
        process.env(variable, value);
        let answer = Runtime::run(process, &config(7));
        assert!(!answer.is_good && answer.json["code"] == 4, "{answer:?}");
    }
    assert_eq!(runtime.bad("ADD", &json!("no object"), &pod)["code"], 6);
    assert_eq!(runtime.bad("ADD", &with(&config(7), "name", "a b"), &pod)["code"], 7);
    Ok(())
}
