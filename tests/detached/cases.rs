//! What a container's root does before its link is detached, and who is reached afterwards.
//!
//! Each case is run with each way of detaching, all at the same time, each in namespaces of its own.

use crate::common::{Skip, mac, name, needs, vid};
use crate::world::{BRIDGE, Kind, LIMIT, SILENCE, World};
use nix::sys::socket::{
    setsockopt,
    sockopt::{SndBuf, SndBufForce},
};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use sublink::endpoint::{Detach, Detached, Fate};
use sublink::link::SourceMacs;
use sublink::{Batch, ErrorKind, IfIndex, LinkChange, MacAddr, MacvlanMode, Netns, NewLink, Sandbox, Socket};
use sublink_tests::kernel_test;

/// How long it is tried at most to catch a list in between.
const TRIED: Duration = Duration::from_secs(20);

/// A way of detaching.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// The link alone, and nothing is proved.
    Alone,
    /// By the parent's list of addresses.
    Address,
    /// With all others on the parent, and by a probe.
    Swept,
}

const WAYS: [Way; 3] = [Way::Alone, Way::Address, Way::Swept];

/// What is known of a case, beside what holds for all: that who is said to be off the network reaches nobody.
struct Case {
    what: &'static str,
    kind: Kind,
    /// What the container's root does before.
    before: fn(&mut World),
    /// And a second afterwards.
    after: fn(&mut World),
    fate: fn(Fate) -> bool,
    /// The ways by which the outside is reached still.
    reached: &'static [Way],
}

impl Case {
    const fn new(what: &'static str, before: fn(&mut World)) -> Self {
        Self { what, kind: BRIDGE, before, after: |_| {}, fate: |fate| matches!(fate, Fate::Deleted), reached: &[] }
    }

    const fn of(kind: Kind, what: &'static str, before: fn(&mut World)) -> Self {
        Self { kind, ..Self::new(what, before) }
    }

    const fn fate(self, fate: fn(Fate) -> bool) -> Self {
        Self { fate, ..self }
    }

    const fn reached(self, reached: &'static [Way]) -> Self {
        Self { reached, ..self }
    }

    fn run(&self, way: Way) {
        let mut world = World::new(self.kind);
        (self.before)(&mut world);
        let detach = Detach::new();
        let how = match way {
            Way::Alone => detach,
            Way::Address => detach.prove_address(),
            Way::Swept => detach.others(&[]).prove_empty_parent(),
        };
        let detached = world.attached.detach(&mut world.host, &mut world.pod, &how).unwrap();
        let early = world.is_reached(SILENCE / 3);
        (self.after)(&mut world);
        let limit = if self.reached.contains(&way) { LIMIT } else { SILENCE * 2 / 3 };
        let is_reached = early || world.is_reached(limit);
        self.judge(way, &detached, is_reached);
    }

    fn judge(&self, way: Way, detached: &Detached, is_reached: bool) {
        let what = format!("{}, {:?}, {way:?}: {detached}; reached: {is_reached}", self.what, self.kind);
        println!("{what}");
        assert!(!(is_reached && detached.is_off_the_network()), "{what}");
        assert_eq!(detached.is_off_the_network(), detached.to_string().contains("off the network:"), "{what}");
        assert!((self.fate)(detached.link), "{what}");
        assert_eq!(is_reached, self.reached.contains(&way), "{what}");
        let is_complete = match self.kind {
            Kind::Vlan => !is_reached,
            _ => way == Way::Swept && !is_reached,
        };
        assert_eq!(detached.is_off_the_network(), is_complete, "{what}");
    }
}

/// Runs them all at the same time.
fn run(cases: &[Case]) {
    thread::scope(|scope| {
        for case in cases {
            for way in WAYS {
                scope.spawn(move || Netns::create().unwrap().run(|| case.run(way)).unwrap());
            }
        }
    });
}

const fn followed(fate: Fate) -> bool {
    matches!(fate, Fate::DeletedIn(_))
}

fn index(world: &World) -> IfIndex {
    world.attached.index
}

fn change(world: &mut World, change: LinkChange<'_, sublink::link::MacvlanChange<'_>>) {
    world.pod.socket().change(&change).unwrap();
}

#[kernel_test]
fn what_was_changed_is_deleted() -> Result<(), Skip> {
    run(&[
        Case::new("nothing", |_| {}),
        Case::new("another MAC address", |world| {
            let link = LinkChange::new(index(world));
            world.pod.socket().change(&link.mac(mac(66))).unwrap();
        }),
        Case::new("another mode", |world| {
            change(world, LinkChange::macvlan(index(world)).mode(MacvlanMode::Vepa));
        }),
        Case::new("another name", |world| {
            let link = LinkChange::new(index(world));
            world.pod.socket().change(&link.down()).unwrap();
            world.pod.socket().change(&link.name(name("mine"))).unwrap();
            World::settle(&mut world.pod, world.attached.index, "10.9.0.8/24");
        }),
        Case::new("down", |world| {
            let link = LinkChange::new(index(world));
            world.pod.socket().change(&link.down()).unwrap();
        }),
    ]);
    Ok(())
}

fn move_once(world: &mut World) -> IfIndex {
    World::move_on(&mut world.pod, world.attached.index, &mut world.nested)
}

#[kernel_test]
fn what_was_moved_is_followed_where_an_id_leads() -> Result<(), Skip> {
    const GONE: fn(Fate) -> bool = |fate| matches!(fate, Fate::Gone);
    run(&[
        Case::new("moved", |world| _ = move_once(world)).fate(followed),
        Case::new("moved, with another MAC address", |world| {
            let moved = move_once(world);
            world.nested.socket().change(&LinkChange::new(moved).mac(mac(66))).unwrap();
        })
        .fate(followed),
        Case::new("moved, to another index", |world| {
            world.nested.socket().create(&NewLink::veth(NewLink::peer()).index(world.attached.index)).unwrap();
            assert_ne!(move_once(world), world.attached.index);
        })
        .fate(followed),
        Case::new("moved twice", |world| {
            let moved = move_once(world);
            World::move_on(&mut world.nested, moved, &mut world.deep);
        })
        .fate(GONE)
        .reached(&WAYS),
        Case::new("moved twice, and the namespace in the middle has ended", |world| {
            let moved = move_once(world);
            World::move_on(&mut world.nested, moved, &mut world.deep);
            world.nested = Sandbox::create().unwrap();
        })
        .fate(GONE)
        .reached(&WAYS),
    ]);
    Ok(())
}

fn stack_elsewhere(world: &mut World) {
    let stacked = world.stack();
    World::move_on(&mut world.pod, stacked, &mut world.nested);
}

#[kernel_test]
fn what_was_stacked_is_reported_or_swept() -> Result<(), Skip> {
    const UNSWEPT: &[Way] = &[Way::Alone, Way::Address];
    run(&[
        Case::new("stacked", |world| {
            let stacked = world.stack();
            World::settle(&mut world.pod, stacked, "10.9.0.8/24");
        })
        .reached(UNSWEPT),
        Case {
            after: |world| {
                if let Ok(stacked) = world.pod.socket().index_of("mv1") {
                    World::settle(&mut world.pod, stacked, "10.9.0.8/24");
                }
            },
            ..Case::new("stacked, down, and up later", |world| _ = world.stack()).reached(UNSWEPT)
        },
        Case::new("stacked and moved", stack_elsewhere).reached(UNSWEPT),
        Case::new("stacked straight into a nested namespace", |world| {
            let link = NewLink::macvlan(index(world)).mode(MacvlanMode::Bridge).name(name("mv1"));
            let stacked = world.pod.socket().create(&link.netns(&world.nested)).unwrap();
            World::settle(&mut world.nested, stacked, "10.9.0.8/24");
        })
        .reached(&WAYS),
    ]);
    Ok(())
}

/// Puts what `link` makes in the place of the link, and keeps one that was stacked for that.
fn replace(world: &mut World, with: impl FnOnce(&mut World, IfIndex)) {
    let stacked = world.stack();
    let own = index(world);
    world.pod.socket().delete(own).unwrap();
    with(world, stacked);
}

#[kernel_test]
fn what_was_put_in_its_place_is_known_by_its_parent() -> Result<(), Skip> {
    const REPLACED: fn(Fate) -> bool = |fate| matches!(fate, Fate::Replaced);
    run(&[
        Case::new("replaced by one of its kind, parent and MAC address", |world| {
            replace(world, |world, stacked| {
                let link = NewLink::macvlan(stacked).mode(MacvlanMode::Bridge).mac(world.attached.mac.unwrap());
                world.pod.socket().create(&link.index(world.attached.index).name(name("eth0"))).unwrap();
                World::settle(&mut world.pod, world.attached.index, "10.9.0.7/24");
            });
        }),
        Case::new("replaced by a veth, and another stacked", |world| {
            replace(world, |world, stacked| {
                let pair = NewLink::veth(NewLink::peer()).mac(world.attached.mac.unwrap());
                world.pod.socket().create(&pair.index(world.attached.index)).unwrap();
                World::settle(&mut world.pod, stacked, "10.9.0.8/24");
            });
        })
        .fate(REPLACED)
        .reached(&[Way::Alone, Way::Address]),
        Case::new("replaced by a macvlan on a parent of the same index in the container", |world| {
            let own = index(world);
            world.pod.socket().delete(own).unwrap();
            let pair = NewLink::veth(NewLink::peer()).index(world.parent);
            let parent = world.pod.socket().create(&pair).unwrap();
            let link = NewLink::macvlan(parent).mode(MacvlanMode::Bridge).mac(world.attached.mac.unwrap());
            world.pod.socket().create(&link.index(own)).unwrap();
        })
        .fate(REPLACED),
    ]);
    Ok(())
}

#[kernel_test]
fn every_mode_is_detached() -> Result<(), Skip> {
    let modes = [MacvlanMode::Private, MacvlanMode::Vepa, MacvlanMode::Passthru, MacvlanMode::Source];
    let cases = modes.map(|mode| Case::of(Kind::Macvlan(mode), "nothing", |_| {}));
    run(&cases);
    Ok(())
}

#[kernel_test]
fn a_macvtap_is_detached() -> Result<(), Skip> {
    needs("macvtap")?;
    run(&[
        Case::of(Kind::Macvtap, "nothing", |_| {}),
        Case::of(Kind::Macvtap, "moved", |world| _ = move_once(world)).fate(followed),
    ]);
    Ok(())
}

#[kernel_test]
fn an_ipvlan_is_detached() -> Result<(), Skip> {
    needs("ipvlan")?;
    run(&[Case::of(Kind::Ipvlan, "nothing", |_| {})]);
    Ok(())
}

#[kernel_test]
fn a_vlan_is_off_the_network_when_its_id_is_free() -> Result<(), Skip> {
    const GONE: fn(Fate) -> bool = |fate| matches!(fate, Fate::Gone);
    needs("vlan")?;
    run(&[
        Case::of(Kind::Vlan, "nothing", |_| {}),
        Case::of(Kind::Vlan, "moved", |world| _ = move_once(world)).fate(followed),
        Case::of(Kind::Vlan, "a VLAN on it", |world| {
            let own = index(world);
            world.pod.socket().create(&NewLink::vlan(own, vid(7)).up()).unwrap();
        }),
        Case::of(Kind::Vlan, "a macvlan on it, moved", stack_elsewhere),
        Case::of(Kind::Vlan, "moved twice", |world| {
            let moved = move_once(world);
            World::move_on(&mut world.nested, moved, &mut world.deep);
        })
        .fate(GONE)
        .reached(&WAYS),
        Case {
            after: |world| {
                let index = world.deep.socket().index_of("eth0").unwrap();
                World::settle(&mut world.deep, index, "10.9.0.7/24");
            },
            ..Case::of(Kind::Vlan, "moved twice, down, and up later", |world| {
                let moved = move_once(world);
                world.nested.socket().change(&LinkChange::move_to(moved, &world.deep)).unwrap();
            })
            .fate(GONE)
            .reached(&WAYS)
        },
    ]);
    Ok(())
}

/// Nothing can show whether the list of a namespace with an id is whole; that of the container's own can be checked.
#[kernel_test]
fn a_list_of_another_namespace_cannot_be_checked() -> Result<(), Skip> {
    let detach = |is_moved| {
        let mut world = World::new(BRIDGE);
        if is_moved {
            move_once(&mut world);
        }
        world.attached.detach(&mut world.host, &mut world.pod, &Detach::new()).unwrap()
    };
    for is_moved in [false, true] {
        let detached = Netns::create().unwrap().run(|| detach(is_moved)).unwrap();
        match detached.unseen {
            None => assert!(!is_moved && detached.link == Fate::Deleted, "{:?}", detached.link),
            Some(error) => {
                assert!(is_moved && matches!(error.kind(), ErrorKind::Unchecked), "{error}");
                assert!(!error.is_interrupted(), "reading again is no help");
            }
        }
    }
    Ok(())
}

/// The senders' list of a stacked link grows while the lists are read, until the kernel cannot report it: then it is said that
/// there may be more.
#[kernel_test]
fn what_cannot_be_listed_is_told() -> Result<(), Skip> {
    let mut world = World::new(BRIDGE);
    let stacked = world.stack();
    World::settle(&mut world.pod, stacked, "10.9.0.8/24");
    let mut batch = Batch::new().one_ack();
    batch.push(&LinkChange::macvlan(stacked).mode(MacvlanMode::Source)).unwrap();
    let mut all: Vec<_> = (0..5_600)
        .map(|number: u16| {
            let [high, low] = number.to_be_bytes();
            MacAddr::new([2, 1, 0, 0, high, low]).unwrap()
        })
        .collect();
    all.push(mac(254));
    for sender in all {
        batch.push(&LinkChange::macvlan(stacked).macaddr(SourceMacs::Add(sender))).unwrap();
    }
    world.pod.socket().run(&mut batch).unwrap();
    let how = Detach::new().others(&[]).prove_empty_parent();
    let detached = world.attached.detach(&mut world.host, &mut world.pod, &how).unwrap();
    let is_reached = world.is_reached(LIMIT);
    assert!(!detached.is_off_the_network() && is_reached, "{detached}");
    assert!(
        detached.unseen.is_some() || !detached.remaining.is_empty() || crate::common::kernel() >= (7, 3),
        "{detached}"
    );
    Ok(())
}

fn senders(count: u16) -> Vec<MacAddr> {
    let sender = |number: u16| {
        let [high, low] = number.to_be_bytes();
        MacAddr::new([2, 1, 0, 0, high, low]).unwrap()
    };
    (0..count).map(sender).collect()
}

/// Stacks a macvlan in source mode behind the container's other links.
fn stack_a_listener(world: &mut World) -> IfIndex {
    let link = NewLink::macvlan(world.attached.index).source(&[]).index(IfIndex::new(32_001).unwrap());
    world.pod.socket().create(&link.name(name("mv1"))).unwrap()
}

/// A request with thousands of senders fits no small send buffer. Only the machine's root may make one larger than
/// `net.core.wmem_max`, whose default is enough.
fn let_send_much(socket: &Socket) {
    const BYTES: usize = 1 << 20;
    setsockopt(socket, SndBufForce, &BYTES).or_else(|_| setsockopt(socket, SndBuf, &BYTES)).unwrap();
}

fn assert_told(detached: &Detached, stacked: IfIndex) {
    let is_seen = detached.remaining.iter().any(|link| link.index == stacked);
    assert!(!detached.is_off_the_network(), "{detached}");
    assert!(is_seen || detached.to_string().contains("; there may be more, which could not be seen"), "{detached}");
}

/// The senders' list of a stacked link grows and shrinks without pause. The kernel then ends lists of links before it, with an
/// OK since Linux 6.10.
#[kernel_test]
fn what_grows_while_it_is_listed_is_told() -> Result<(), Skip> {
    let mut world = World::new(BRIDGE);
    let stacked = stack_a_listener(&mut world);
    let mut other = Socket::open_in(&world.pod).unwrap();
    let_send_much(&other);
    let is_over = AtomicBool::new(false);
    let outcomes = thread::scope(|scope| {
        scope.spawn(|| {
            let (long, mut batch) = (senders(5_000), Batch::new());
            for list in [&long[..], &[]] {
                batch.push(&LinkChange::macvlan(stacked).macaddr(SourceMacs::Set(list))).unwrap();
            }
            while !is_over.load(Ordering::SeqCst) {
                other.run(&mut batch).unwrap();
            }
        });
        let mut detach = || world.attached.detach(&mut world.host, &mut world.pod, &Detach::new());
        let since = Instant::now(); // an emulated machine does some hundred in that time
        let outcomes: Vec<_> = (0..1000).take_while(|_| since.elapsed() < TRIED).map(|_| detach()).collect();
        is_over.store(true, Ordering::SeqCst);
        outcomes
    });
    for detached in outcomes {
        assert_told(&detached.unwrap(), stacked);
    }
    Ok(())
}

/// In a list of another namespace, the kernel leaves out a link with a long list, grown or not, and all behind it.
#[kernel_test]
fn what_was_moved_with_a_long_list_is_told() -> Result<(), Skip> {
    let mut world = World::new(BRIDGE);
    let stacked = stack_a_listener(&mut world);
    let list = senders(5_000);
    let_send_much(world.pod.socket());
    world.pod.socket().change(&LinkChange::macvlan(stacked).macaddr(SourceMacs::Set(&list))).unwrap();
    World::move_on(&mut world.pod, stacked, &mut world.nested);
    let detached = world.attached.detach(&mut world.host, &mut world.pod, &Detach::new()).unwrap();
    assert_told(&detached, stacked);
    Ok(())
}
