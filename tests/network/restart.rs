//! After a restart: what vanished is made again, what is left over is removed, and everything else is let alone.

use crate::common::{Skip, name, needs, parent, socket, veth, vid};
use crate::help::{connect, connection, links, macvlan, mark, on, owner, up};
use crate::pod::Pod;
use sublink::endpoint::{Detach, Fate};
use sublink::link::LinkFlags;
use sublink::network::{Removal, Restored, restore_networks};
use sublink::{MacvlanMode, Network, NewLink, Owner, Socket};
use sublink_tests::kernel_test;

#[track_caller]
fn restore(host: &mut Socket, networks: &[Network]) -> Restored {
    restore_networks(host, &owner(), networks).unwrap()
}

/// The links that were left over, and what became of them.
fn orphans(restored: Restored) -> Vec<(String, Removal)> {
    restored.orphans.into_iter().map(|(name, removal)| (name.to_string(), removal.unwrap())).collect()
}

#[kernel_test]
pub fn what_vanished_is_made_again() -> Result<(), Skip> {
    needs("vlan")?;
    needs("dummy")?;
    let (mut host, mut pod) = (socket(), Pod::new());
    let base = parent(&mut host);
    let networks = [on("p0.50", "vlan"), macvlan("dummy"), on("p0.50", "same"), on("p0", "plain"), on("p9.50", "lost")];
    for vanished in ["its parent", "its base"] {
        let member = connect(&networks[0], &mut host, &mut pod, connection("eth0", &[]), &[]).unwrap();
        up(&networks[1], &mut host).unwrap();
        let link = |host: &mut Socket, name| host.index_of(name).unwrap();
        let gone =
            [if vanished == "its base" { "p0" } else { "p0.50" }.to_owned(), networks[1].parent_name().to_string()];
        for gone in &gone {
            let index = link(&mut host, gone);
            host.delete(index).unwrap();
        }
        assert_eq!(
            member.disconnect(&mut host, &mut pod.sandbox, &[], &Detach::new()).unwrap().link,
            Fate::Gone,
            "with {vanished}"
        );
        if vanished == "its base" {
            assert_ne!(parent(&mut host), base);
        }
        let restored = restore(&mut host, &networks);
        assert!(restored.orphans.is_empty(), "{restored:?}");
        let lost = "the interface p9, on which p9.50 would be made, does not exist";
        for (number, (network, parent)) in restored.parents.into_iter().enumerate() {
            assert_eq!(*network, *networks[number].name());
            match parent {
                Ok(up) => assert_eq!(host.link_at(up.index).unwrap().if_name(), networks[number].parent_name()),
                Err(error) => {
                    assert_eq!((&*network, error.to_string()), ("lost", lost.to_owned()), "the others are up");
                }
            }
        }
        let before = links(&mut host);
        restore(&mut host, &networks);
        assert_eq!(links(&mut host), before, "a second time");
    }
    connect(&networks[0], &mut host, &mut pod, connection("eth0", &[]), &[]).unwrap();
    Ok(())
}

#[kernel_test]
pub fn what_is_left_over_is_removed() -> Result<(), Skip> {
    needs("vlan")?;
    needs("dummy")?;
    let mut host = socket();
    let base = parent(&mut host);
    let kept = on("p0.50", "kept");
    up(&kept, &mut host).unwrap();
    let before = links(&mut host);
    up(&on("p0.60", "gone"), &mut host).unwrap();
    let dummy = up(&macvlan("gone"), &mut host).unwrap();
    let half = host.create(&NewLink::vlan(base, vid(70)).name(name("sl~70"))).unwrap();
    mark(&mut host, half, "p0.70");
    let probe = NewLink::macvlan(dummy).mode(MacvlanMode::Passthru).name(name("sl~probe"));
    let probe = host.create(&probe).unwrap();
    mark(&mut host, probe, macvlan("gone").parent_name());

    let mut orphans = orphans(restore(&mut host, &[kept]));
    orphans.sort_by(|one, other| one.0.cmp(&other.0));
    let dummy = macvlan("gone").parent_name().to_string();
    // What has a temporary name is named as the parent that it was to be, or to be removed.
    let expected = [dummy.as_str(), &dummy, "p0.60", "p0.70"].map(|name| (name.to_owned(), Removal::Removed));
    assert_eq!(orphans, expected);
    assert_eq!(links(&mut host), before);
    Ok(())
}

#[kernel_test]
pub fn what_stands_on_another_is_removed_first() -> Result<(), Skip> {
    needs("vlan")?;
    let mut host = socket();
    parent(&mut host);
    let before = links(&mut host);
    let lower = up(&on("p0.50", "lower"), &mut host).unwrap();
    let upper = host.create(&NewLink::vlan(lower, vid(7)).name(name("sl~7"))).unwrap();
    mark(&mut host, upper, "p0.50.7");
    let expected = ["p0.50.7", "p0.50"].map(|name| (name.to_owned(), Removal::Removed));
    assert_eq!(orphans(restore(&mut host, &[])), expected);
    assert_eq!(links(&mut host), before);
    Ok(())
}

#[kernel_test]
pub fn a_container_that_outlives_its_network_keeps_the_parent() -> Result<(), Skip> {
    needs("vlan")?;
    let (mut host, mut pod) = (socket(), Pod::new());
    parent(&mut host);
    let network = on("p0.50", "gone");
    let member = connect(&network, &mut host, &mut pod, connection("eth0", &[]), &[]).unwrap();
    let before = links(&mut host);
    assert_eq!(orphans(restore(&mut host, &[])), [("p0.50".into(), Removal::InUse)]);
    assert_eq!(links(&mut host), before);
    assert!(pod.link(member.attached.index).flags.contains(LinkFlags::UP));
    member.disconnect(&mut host, &mut pod.sandbox, &[], &Detach::new()).unwrap();
    assert_eq!(orphans(restore(&mut host, &[])), [("p0.50".into(), Removal::Removed)]);
    Ok(())
}

#[kernel_test]
pub fn what_is_somebody_elses_is_let_alone() -> Result<(), Skip> {
    let mut host = socket();
    let base = parent(&mut host);
    veth(&mut host, "sl~veth", "sl~peer");
    let marked = veth(&mut host, "dm-0123456789ab", "q1");
    mark(&mut host, marked, "dm-0123456789ab");
    if needs("vlan").is_ok() {
        on("p0.50", "theirs").parent().unwrap().up(&mut host, &Owner::new("other").unwrap()).unwrap();
        host.create(&NewLink::vlan(base, vid(60)).name(name("p0.60"))).unwrap();
        let renamed = host.create(&NewLink::vlan(base, vid(70)).name(name("mine"))).unwrap();
        mark(&mut host, renamed, "p0.70");
    }
    let before = links(&mut host);
    assert!(restore(&mut host, &[]).orphans.is_empty());
    assert_eq!(links(&mut host), before);
    Ok(())
}
