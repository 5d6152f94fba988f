//! Parents that are made on demand, and many containers at once.

use crate::common::{Skip, is_emulated, kernel_test, needs, parent, socket};
use crate::runtime::{Pod, Runtime, host_links, ipv4_config, with};
use serde_json::Value;
use std::thread;
use sublink::Netns;

#[kernel_test]
fn a_vlan_is_made_shared_and_removed_with_the_last() -> Result<(), Skip> {
    needs("vlan")?;
    let (runtime, first, second) = (Runtime::new()?, Pod::new("c1"), Pod::new("c2"));
    parent(&mut socket());
    let before = host_links();
    let of = |last| with(&ipv4_config(last), "master", "p0.50");
    let result = runtime.good("ADD", &of(7), &first);
    runtime.good("ADD", &with(&of(8), "name", "net2"), &second);
    assert!(host_links().contains(&"p0.50".into()));
    runtime.good("CHECK", &with(&of(7), "prevResult", result), &first);
    runtime.good("DEL", &of(7), &first);
    assert!(host_links().contains(&"p0.50".into()), "the second one stands on it");
    runtime.good("DEL", &with(&of(8), "name", "net2"), &second);
    assert_eq!(host_links(), before);
    Ok(())
}

/// Its namespace ends before DEL, and with it its link, a moment later.
#[kernel_test]
fn the_last_container_is_gone_already() -> Result<(), Skip> {
    needs("vlan")?;
    let (runtime, pod) = (Runtime::new()?, Pod::new("c1"));
    parent(&mut socket());
    let before = host_links();
    let config = with(&ipv4_config(7), "master", "p0.50");
    // A busy kernel may take longer to end a namespace than the plugin waits. The next round then finds the VLAN.
    for _ in 0..10 {
        runtime.good("ADD", &config, &pod);
        Netns::remove_named("c1").expect("removed");
        runtime.good("DEL", &config, &pod);
        if host_links() == before {
            return Ok(());
        }
        Netns::create_named("c1").expect("created");
    }
    panic!("the VLAN is left, each time: {:?}", host_links());
}

/// Adds and deletes 24 containers at once, `rounds` times; fewer times `if_emulated`, since that takes minutes.
fn many(runtime: &Runtime, rounds: u32, if_emulated: u32, of: impl Fn(u8) -> Value + Sync) {
    let rounds = if is_emulated() { if_emulated } else { rounds };
    let pods: Vec<_> = (1..=24).map(|number| (number, Pod::new(&format!("c{number}")))).collect();
    // Threads of the test's own are in its namespaces.
    thread::scope(|scope| {
        for (number, pod) in &pods {
            let of = &of;
            scope.spawn(move || {
                for _ in 0..rounds {
                    let result = runtime.good("ADD", &of(*number), pod);
                    runtime.good("CHECK", &with(&of(*number), "prevResult", result), pod);
                    runtime.good("DEL", &of(*number), pod);
                }
            });
        }
    });
    for (_, pod) in &pods {
        assert_eq!(pod.links(), [""; 0], "{}", pod.name);
    }
    assert_eq!(runtime.records(), [""; 0]);
}

#[kernel_test]
fn many_at_once() -> Result<(), Skip> {
    let runtime = Runtime::new()?;
    parent(&mut socket());
    let before = host_links();
    many(&runtime, 5, 1, ipv4_config);
    assert_eq!(host_links(), before);
    Ok(())
}

#[kernel_test]
fn many_at_once_on_a_vlan_that_comes_and_goes() -> Result<(), Skip> {
    needs("vlan")?;
    let runtime = Runtime::new()?;
    parent(&mut socket());
    let before = host_links();
    many(&runtime, 3, 2, |number| with(&ipv4_config(number), "master", "p0.50"));
    assert_eq!(host_links(), before);
    Ok(())
}
