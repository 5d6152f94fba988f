//! Parents that are down, and VLANs that follow their base.

use crate::common::{Skip, name, needs, parent, sequence, socket, vid};
use crate::help::{connect, connection, failed, on, owner, refused};
use crate::pod::Pod;
use crate::tools::await_link;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};
use sublink::link::{LinkFlags, VlanFlags};
use sublink::network::{Parent, Up, restore_networks};
use sublink::{Attached, Endpoint, IfIndex, LinkChange, MacvlanMode, Netns, NewLink, Socket};
use sublink_tests::kernel_test;

fn set(host: &mut Socket, index: IfIndex, is_up: bool) {
    let change = LinkChange::new(index);
    host.change(&if is_up { change.up() } else { change.down() }).unwrap();
}

#[track_caller]
fn up(host: &mut Socket, parent: Parent) -> Up {
    parent.up(host, &owner()).unwrap_or_else(|error| panic!("{}: {error}", parent.name()))
}

fn is_up(host: &mut Socket, link: &str) -> bool {
    host.link(link).unwrap().is_up()
}

fn macvlan_on(parent: IfIndex) -> Endpoint<'static> {
    Endpoint::new(NewLink::macvlan(parent).mode(MacvlanMode::Bridge).name(name("eth0")))
}

fn has_carrier(pod: &mut Pod, attached: &Attached) -> bool {
    pod.link(attached.index).flags.contains(LinkFlags::LOWER_UP)
}

/// It is used as it is, and told; with the option it is brought up.
#[kernel_test]
pub fn a_parent_that_is_down_is_told_or_brought_up() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let p0 = parent(&mut host);
    let there = Parent::new(name("p0"));
    assert_eq!(up(&mut host, there).down, None);
    set(&mut host, p0, false);
    assert_eq!(up(&mut host, there).down, Some(name("p0")));
    assert!(!is_up(&mut host, "p0"), "it was not asked for");
    let restored = restore_networks(&mut host, &owner(), &[on("p0", "net")]).unwrap();
    assert_eq!(restored.parents[0].1.as_ref().unwrap().down, Some(name("p0")));

    // A container is attached to it all the same, and hears nothing until somebody brings it up.
    let attach = |host: &mut Socket, pod: &mut Pod, parent: Parent| {
        parent.attach(host, &owner(), &mut pod.sandbox, |parent| Ok(macvlan_on(parent))).unwrap()
    };
    let (told, attached) = attach(&mut host, &mut pod, there);
    assert_eq!((told.down, has_carrier(&mut pod, &attached)), (Some(name("p0")), false));
    pod.inside().delete(attached.index).unwrap();
    let (told, attached) = attach(&mut host, &mut pod, there.bring_up());
    assert_eq!((told.down, has_carrier(&mut pod, &attached)), (None, true));
    pod.inside().delete(attached.index).unwrap();

    set(&mut host, p0, false);
    connect(&on("p0", "net"), &mut host, &mut pod, connection("eth0", &[]), &[]).unwrap();
    assert!(!is_up(&mut host, "p0"));
    connect(&on("p0", "net").parent_up(), &mut host, &mut pod, connection("eth1", &[]), &[]).unwrap();
    assert!(is_up(&mut host, "p0"));
    Ok(())
}

/// What it stands on comes up before it.
#[kernel_test]
pub fn all_that_a_parent_stands_on_is_brought_up() -> Result<(), Skip> {
    needs("vlan")?;
    let mut host = socket();
    let p0 = parent(&mut host);
    let inner = Parent::new(name("p0.10.20"));
    set(&mut host, p0, false);
    let error = refused(&mut host, |host| inner.up(host, &owner()));
    assert!(error.to_string().ends_with("the parent p0 is down: bring it up first"), "{error}");
    let made = up(&mut host, inner.bring_up());
    assert!(made.made && made.down.is_none() && is_up(&mut host, "p0"), "{made:?}");

    // One of somebody else's, on one of somebody else's.
    let v7 = host.create(&NewLink::vlan(p0, vid(7)).name(name("v7")).up()).unwrap();
    let v8 = host.create(&NewLink::vlan(v7, vid(8)).name(name("v8")).up()).unwrap();
    for (down, told) in [(vec![v8], "v8"), (vec![v8, v7], "v7"), (vec![v8, v7, p0], "p0")] {
        for link in down {
            set(&mut host, link, false);
        }
        let there = Parent::new(name("v8"));
        assert_eq!(up(&mut host, there).down, Some(name(told)), "the lowest");
        assert_eq!(up(&mut host, there.bring_up()).down, None);
        assert!(is_up(&mut host, "v8") && is_up(&mut host, "v7") && is_up(&mut host, "p0"), "{told}");
    }
    Ok(())
}

/// A VLAN of somebody else's that is about to follow its base: since Linux 7.2 it does so a moment later, and here, on every
/// kernel, when the test says so.
struct Follower {
    host: Socket,
    here: Netns,
    index: IfIndex,
}

impl Follower {
    fn new(flags: VlanFlags) -> Self {
        let mut host = socket();
        let p0 = parent(&mut host);
        let vlan = NewLink::vlan(p0, vid(10)).flags(flags.on()).name(name("v10"));
        let index = host.create(&vlan).unwrap();
        Self { host, here: Netns::current().unwrap(), index }
    }

    /// Does `work` on another thread, and brings the VLAN up when that waits for it.
    fn follow<T: Send>(&mut self, work: impl FnOnce(&mut Socket) -> T + Send) -> T {
        let start = Barrier::new(2);
        thread::scope(|scope| {
            let other = scope.spawn(|| {
                let mut host = Socket::open_in(&self.here).unwrap();
                start.wait();
                work(&mut host)
            });
            start.wait();
            thread::sleep(Duration::from_millis(200)); // however long: it is waited for
            set(&mut self.host, self.index, true);
            other.join().unwrap()
        })
    }
}

#[kernel_test]
pub fn a_base_that_follows_its_own_is_awaited() -> Result<(), Skip> {
    needs("vlan")?;
    let mut vlan = Follower::new(VlanFlags::NONE);
    let inner = Parent::new(name("v10.20"));
    let made = vlan.follow(|host| inner.up(host, &owner()).unwrap_or_else(|error| panic!("{error}")));
    assert!(made.made && made.down.is_none(), "{made:?}");

    set(&mut vlan.host, vlan.index, false);
    await_link(made.index, "the VLAN to follow its base", |link| !link.is_up());
    let since = Instant::now();
    let error = refused(&mut vlan.host, |host| Parent::new(name("v10.30")).up(host, &owner()));
    assert_eq!(failed(&error).raw_os_error(), Some(100), "{error}");
    assert!(since.elapsed() > Duration::from_secs(1), "it was waited for");
    Ok(())
}

/// A VLAN with a loose binding does not follow, and neither does one whose base is down.
#[kernel_test]
pub fn what_does_not_follow_is_not_awaited() -> Result<(), Skip> {
    needs("vlan")?;
    let mut vlan = Follower::new(VlanFlags::LOOSE_BINDING);
    let inner = Parent::new(name("v10.20"));
    let before = sequence(&mut vlan.host);
    let error = refused(&mut vlan.host, |host| inner.up(host, &owner()));
    assert_eq!(failed(&error).raw_os_error(), Some(100), "{error}");
    let p0 = vlan.host.index_of("p0").unwrap();
    set(&mut vlan.host, p0, false);
    refused(&mut vlan.host, |host| inner.up(host, &owner()));
    let requests = sequence(&mut vlan.host).wrapping_sub(before);
    assert!(requests < 85, "{requests}: it has looked again and again");
    Ok(())
}

#[kernel_test]
pub fn a_container_waits_for_a_parent_that_follows() -> Result<(), Skip> {
    needs("vlan")?;
    let (mut vlan, mut pod) = (Follower::new(VlanFlags::NONE), Pod::new());
    let of_its_own = |parent| Ok(Endpoint::new(NewLink::vlan(parent, vid(20)).name(name("eth0"))));
    let there = Parent::new(name("v10"));
    let (_, attached) = vlan.follow(|host| {
        there.attach(host, &owner(), &mut pod.sandbox, of_its_own).unwrap_or_else(|error| panic!("{error}"))
    });
    assert!(pod.link(attached.index).flags.contains(LinkFlags::UP));
    Ok(())
}

/// With no wait in between, whatever the kernel does at once or a moment later.
#[kernel_test]
pub fn a_base_that_was_just_brought_up_is_used_at_once() -> Result<(), Skip> {
    needs("vlan")?;
    let (mut host, mut pod) = (socket(), Pod::new());
    let p0 = parent(&mut host);
    let v10 = host.create(&NewLink::vlan(p0, vid(10)).name(name("v10")).up()).unwrap();
    let inner = Parent::new(name("v10.20"));
    for round in 0..20 {
        set(&mut host, p0, false);
        await_link(v10, "the VLAN to follow its base", |link| !link.is_up());
        set(&mut host, p0, true);
        assert!(up(&mut host, inner).made, "round {round}");
        let (_, attached) = inner
            .attach(&mut host, &owner(), &mut pod.sandbox, |parent| {
                Ok(Endpoint::new(NewLink::vlan(parent, vid(30)).name(name("eth0"))))
            })
            .unwrap_or_else(|error| panic!("round {round}: {error}"));
        pod.inside().delete(attached.index).unwrap();
        inner.remove(&mut host, &owner(), &[]).unwrap();
        assert_eq!(host.index_of("v10").ok(), Some(v10), "somebody else's");
    }
    Ok(())
}
