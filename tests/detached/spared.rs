//! What is not the container's, or not what was asked for, survives.

use crate::common::{Skip, name};
use crate::world::{BRIDGE, World};
use std::os::fd::AsFd;
use sublink::endpoint::{Detach, Fate};
use sublink::{Attached, Endpoint, MacvlanMode, Netns, NewLink, Sandbox, Socket};
use sublink_tests::kernel_test;

/// One more macvlan on the same parent.
fn attach(world: &mut World, link: &str, to: &mut Sandbox) -> Attached {
    let link = NewLink::macvlan(world.parent).mode(MacvlanMode::Bridge).name(name(link));
    Endpoint::new(link).attach(&mut world.host, to).unwrap()
}

#[kernel_test]
fn another_attachment_of_the_container_stays_and_is_reported() -> Result<(), Skip> {
    let mut world = World::new(BRIDGE);
    let mut pod = Sandbox::of(world.pod.netns().try_clone().unwrap()).unwrap();
    let second = attach(&mut world, "eth1", &mut pod);
    let detached = world.attached.detach(&mut world.host, &mut world.pod, &Detach::new()).unwrap();
    assert_eq!(detached.link, Fate::Deleted);
    let remaining: Vec<_> = detached.remaining.iter().map(|link| (link.index, link.mac, link.nsid)).collect();
    assert_eq!(remaining, [(second.index, second.mac, None)], "{detached}");
    assert!(detached.to_string().contains("1 other link on the same parent is there"), "{detached}");
    world.pod.socket().link_at(second.index).unwrap();
    Ok(())
}

/// Another attachment is not looked for, but where the link has been moved.
fn only_the_link(is_moved: bool) {
    let mut world = World::new(BRIDGE);
    let mut pod = Sandbox::of(world.pod.netns().try_clone().unwrap()).unwrap();
    let second = attach(&mut world, "eth1", &mut pod);
    if is_moved {
        World::move_on(&mut world.pod, world.attached.index, &mut world.nested);
    }
    let detached = world.attached.detach(&mut world.host, &mut world.pod, &Detach::new().link_only()).unwrap();
    assert!(detached.link.is_deleted(), "{detached}");
    assert_eq!(matches!(detached.link, Fate::DeletedIn(_)), is_moved, "{detached}");
    assert_eq!(detached.remaining.len(), usize::from(is_moved), "{detached}");
    world.pod.socket().link_at(second.index).unwrap();
}

#[kernel_test]
fn who_asks_for_the_link_only_is_told_of_no_other() -> Result<(), Skip> {
    only_the_link(false);
    Ok(())
}

#[kernel_test]
fn a_link_alone_is_followed_where_it_was_moved() -> Result<(), Skip> {
    only_the_link(true);
    Ok(())
}

#[kernel_test]
fn what_is_to_be_kept_is_not_swept() -> Result<(), Skip> {
    let mut world = World::new(BRIDGE);
    let mut pod = Sandbox::of(world.pod.netns().try_clone().unwrap()).unwrap();
    let second = attach(&mut world, "eth1", &mut pod);
    let [one, two] = ["mv2", "mv3"].map(|stacked| {
        let link = NewLink::macvlan(second.index).mode(MacvlanMode::Bridge).name(name(stacked));
        world.pod.socket().create(&link).unwrap()
    });
    let keep = [second.index];
    let detached = world.attached.detach(&mut world.host, &mut world.pod, &Detach::new().others(&keep)).unwrap();
    assert_eq!(detached.link, Fate::Deleted);
    let mut swept: Vec<_> = detached.swept.iter().map(|link| link.index).collect();
    swept.sort();
    let mut expected = [one, two];
    expected.sort();
    assert_eq!(swept, expected, "{detached}");
    assert_eq!(detached.remaining.iter().map(|link| link.index).collect::<Vec<_>>(), keep);
    world.pod.socket().link_at(second.index).unwrap();
    Ok(())
}

/// The container's namespace has an id for the host's, and reads its links by it.
#[kernel_test]
fn the_hosts_own_macvlan_survives_a_sweep() -> Result<(), Skip> {
    let mut world = World::new(BRIDGE);
    // The same address as the container's had, and its index: all that a link that was moved is known by.
    let attached = world.attached;
    world.pod.socket().delete(attached.index).unwrap();
    let own = NewLink::macvlan(world.parent).mode(MacvlanMode::Bridge).name(name("mv0")).mac(attached.mac.unwrap());
    world.host.create(&own.index(attached.index).up()).unwrap();
    let here = Netns::current().unwrap();
    assert!(world.pod.socket().nsid_of(&here).unwrap().is_some());
    for how in [Detach::new(), Detach::new().others(&[])] {
        let detached = attached.detach(&mut world.host, &mut world.pod, &how).unwrap();
        assert_eq!(detached.link, Fate::Gone, "{detached}");
        assert!(detached.remaining.is_empty() && detached.swept.is_empty(), "{detached}");
        world.host.link_at(attached.index).unwrap();
    }
    Ok(())
}

/// A member whose namespace the container's has an id for.
#[kernel_test]
fn another_member_survives_a_sweep_when_it_is_named() -> Result<(), Skip> {
    let mut world = World::new(BRIDGE);
    let mut other = Sandbox::create().unwrap();
    let attached = attach(&mut world, "eth0", &mut other);
    world.pod.socket().nsid_or_new(&other).unwrap();
    let members = [other.as_fd()];
    let how = Detach::new().others(&[]);
    let detached = world.attached.detach(&mut world.host, &mut world.pod, &how.members(&members)).unwrap();
    assert!(detached.swept.is_empty() && detached.remaining.is_empty(), "{detached}");
    other.socket().link_at(attached.index).unwrap();
    let detached = world.attached.detach(&mut world.host, &mut world.pod, &how).unwrap();
    assert_eq!(detached.swept.len(), 1, "without its name: {detached}");
    other.socket().link_at(attached.index).unwrap_err();
    Ok(())
}

/// The container's namespace is the host's.
#[kernel_test]
fn nothing_is_swept_where_the_parent_is() -> Result<(), Skip> {
    let mut world = World::new(BRIDGE);
    let mut here = Sandbox::here().unwrap();
    let link = NewLink::macvlan(world.parent).mode(MacvlanMode::Bridge);
    let other = world.host.create(&link.name(name("mv0"))).unwrap();
    let endpoint = Endpoint::new(link.name(name("eth0"))).allow_same_namespace();
    let attached = endpoint.attach(&mut world.host, &mut here).unwrap();
    let detached = attached.detach(&mut world.host, &mut here, &Detach::new().others(&[])).unwrap();
    assert_eq!(detached.link, Fate::Deleted);
    assert!(detached.swept.is_empty(), "{detached}");
    world.host.link_at(other).unwrap();
    Ok(())
}

/// By a socket that was opened from elsewhere, and by one of which nothing is known.
#[kernel_test]
fn a_link_is_followed_whoever_asks() -> Result<(), Skip> {
    for is_known in [true, false] {
        let there = Netns::create().unwrap();
        let mut world = there.run(|| World::new(BRIDGE)).unwrap();
        World::move_on(&mut world.pod, world.attached.index, &mut world.nested);
        let known = if is_known { Socket::open_in(&there) } else { there.run(Socket::open).unwrap() };
        let detached = world.attached.detach(&mut known.unwrap(), &mut world.pod, &Detach::new()).unwrap();
        assert!(matches!(detached.link, Fate::DeletedIn(_)), "{is_known}: {detached}");
    }
    Ok(())
}
