//! What is written down of an attachment, and what it is good for: who asks twice, whose configuration changes, whose disk is full.

use crate::common::{Skip, kernel_test, name, needs, parent, socket};
use crate::runtime::{Answer, FOLDER, Pod, Runtime, config, host_links, ipv4_config, with};
use serde_json::{Value, json};
use std::process::Command;
use std::thread;
use sublink::{NewAddress, NewLink, NewRoute};

/// One gets the link. The other one fails and touches nothing of it: neither its record nor its address.
#[kernel_test]
fn two_adds_of_one_attachment() -> Result<(), Skip> {
    let (runtime, pod) = (Runtime::new()?, Pod::new("c1"));
    parent(&mut socket());
    for _ in 0..5 {
        let answers: Vec<Answer> = thread::scope(|scope| {
            let add = || runtime.call("ADD", &ipv4_config(7), &pod);
            let both = [scope.spawn(add), scope.spawn(add)];
            both.map(|one| one.join().expect("an answer")).into_iter().collect()
        });
        let (good, bad): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.is_good);
        assert_eq!((good.len(), bad.len()), (1, 1), "{good:?} {bad:?}");
        assert!(bad[0].json["msg"].as_str().expect("words").contains("EEXIST"), "{bad:?}");
        assert_eq!((pod.links(), runtime.records()), (vec!["eth0".into()], vec!["c1@eth0".into()]));
        assert_eq!(runtime.asked_of_ipam(&pod).last().map(String::as_str), Some("ADD"));
        runtime.good("CHECK", &with(&ipv4_config(7), "prevResult", good[0].json.clone()), &pod);
        runtime.good("DEL", &ipv4_config(7), &pod);
    }
    Ok(())
}

/// The record of a time before a reboot keeps nobody out.
#[kernel_test]
fn a_record_that_is_left_is_replaced() -> Result<(), Skip> {
    let (runtime, pod) = (Runtime::new()?, Pod::new("c1"));
    parent(&mut socket());
    let config = ipv4_config(7);
    runtime.good("ADD", &config, &pod);
    let mut sandbox = pod.sandbox();
    let index = sandbox.socket().index_of("eth0").expect("its link");
    sandbox.socket().delete(index).expect("deleted");
    let result = runtime.good("ADD", &config, &pod);
    runtime.good("CHECK", &with(&config, "prevResult", result), &pod);
    runtime.good("DEL", &config, &pod);
    assert_eq!((pod.links().len(), runtime.records().len()), (0, 0));
    Ok(())
}

/// What no record can be written of is not made.
#[kernel_test]
fn a_full_disk() -> Result<(), Skip> {
    let (runtime, pod) = (Runtime::new()?, Pod::new("c1"));
    parent(&mut socket());
    let before = host_links();
    let folder = format!("{FOLDER}/records");
    std::fs::create_dir(&folder).expect("a folder");
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=4k,nr_inodes=3", "full", &folder]).status();
    assert!(mounted.expect("mount").success());
    std::fs::write(format!("{folder}/full"), [0; 4096]).expect("what fills it");
    let error = runtime.bad("ADD", &config(7), &pod);
    assert!(error["code"] == 5 && error["msg"].as_str().expect("words").contains(&folder), "{error}");
    assert_eq!((pod.links().len(), runtime.asked_of_ipam(&pod).len()), (0, 0));
    assert_eq!(host_links(), before);
    runtime.good("DEL", &config(7), &pod);
    Ok(())
}

/// The default route leads elsewhere by now.
#[kernel_test]
fn a_check_knows_the_parent_that_was_meant() -> Result<(), Skip> {
    let (runtime, pod) = (Runtime::new()?, Pod::new("c1"));
    let mut host = socket();
    let index = parent(&mut host);
    host.apply(&NewAddress::new(index, "192.0.2.1/24".parse().expect("an address"))).expect("added");
    host.apply(&NewRoute::default_via("192.0.2.254".parse().expect("a gateway"))).expect("a default route");
    let mut config = config(7);
    config.as_object_mut().expect("an object").remove("master");
    let result = runtime.good("ADD", &config, &pod);
    let checked = with(&config, "prevResult", result);
    runtime.good("CHECK", &checked, &pod);
    let pair = NewLink::veth(NewLink::peer().name(name("peer"))).name(name("other")).up();
    let other = host.create(&pair).expect("another link");
    host.apply(&NewAddress::new(other, "198.51.100.1/24".parse().expect("an address"))).expect("added");
    let before_the_first = NewRoute::default_via("198.51.100.254".parse().expect("a gateway")).prepend();
    host.apply(&before_the_first).expect("another default route");
    assert_eq!(host.default_link().expect("asked"), Some(other));
    runtime.good("CHECK", &checked, &pod);
    runtime.good("DEL", &checked, &pod);
    assert_eq!(pod.links(), [""; 0]);
    Ok(())
}

/// The network's master was changed between ADD and DEL.
#[kernel_test]
fn the_parent_that_is_removed_is_the_one_that_was_made() -> Result<(), Skip> {
    needs("vlan")?;
    let (runtime, pod) = (Runtime::new()?, Pod::new("c1"));
    parent(&mut socket());
    let before = host_links();
    runtime.good("ADD", &with(&ipv4_config(7), "master", "p0.50"), &pod);
    runtime.good("DEL", &with(&ipv4_config(7), "master", "p0"), &pod);
    assert_eq!(host_links(), before);
    Ok(())
}

/// In the container as on the host.
#[kernel_test]
fn a_parent_made_in_the_container() -> Result<(), Skip> {
    needs("vlan")?;
    let (runtime, pod) = (Runtime::new()?, Pod::new("c1"));
    parent(pod.sandbox().socket());
    let config = with(&with(&ipv4_config(7), "master", "p0.50"), "linkInContainer", true);
    let result = runtime.good("ADD", &config, &pod);
    runtime.good("CHECK", &with(&config, "prevResult", result), &pod);
    runtime.good("DEL", &config, &pod);
    assert_eq!(pod.links(), ["p1", "p0"]);
    Ok(())
}

/// Killed before it wrote its record whole, and nobody asks for its deletion.
#[kernel_test]
fn an_unfinished_file_is_collected() -> Result<(), Skip> {
    let (runtime, pod) = (Runtime::new()?, Pod::new("c1"));
    parent(&mut socket());
    runtime.good("ADD", &ipv4_config(7), &pod);
    let folder = format!("{FOLDER}/records/net1");
    for name in [".c2@eth0.77", ".c1@eth0.78", "c3@eth0", "nobody"] {
        std::fs::write(format!("{folder}/{name}"), "{").expect("a file");
    }
    let mut left = runtime.records();
    let collect = |valid: Value| {
        let mut process = runtime.process("GC", &pod, &[]);
        process.env_remove("CNI_NETNS");
        Runtime::run(process, &with(&ipv4_config(7), "cni.dev/valid-attachments", valid))
    };
    assert!(collect(json!([{"containerID": "c1", "ifname": "eth0"}])).is_good);
    left.retain(|name| ["c1@eth0", ".c1@eth0.78", "nobody"].contains(&name.as_str()));
    let mut found = runtime.records();
    left.sort();
    found.sort();
    assert_eq!(found, left);
    assert!(collect(json!([])).is_good);
    assert_eq!((runtime.records(), pod.links()), (vec!["nobody".to_owned()], vec![]));
    Ok(())
}
