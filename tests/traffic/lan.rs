//! A parent with its own stack, what is outside, and the question who reaches whom.
//!
//! ```text
//!    containers: a  b        host (the parent's own stack)
//!                 \  \       /
//!                  p0, the parent ─────── p1 ── outside                Lan::new()
//!                                         p1, a port of br0 ── outside Lan::with_switch()
//! ```
//!
//! That a packet arrives is awaited. That one does *not* arrive is no matter of time either: it is sent first, and behind it,
//! when a witness has told that the sender's packets leave, a marker by which the receiver knows that nothing came before
//! it. The kernel forwards within the call that sends and on its CPU, or by one queue for broadcasts; so a test stays on one
//! CPU, and there is a marker for each of these two ways.

use crate::common::{name, socket};
use crate::station::{Family, Place, Station, at};
use crate::tools::ip;
use crate::waits::until_link_works;
use nix::sched::{CpuSet, sched_getcpu, sched_setaffinity};
use nix::unistd::Pid;
use std::sync::atomic::{AtomicU32, Ordering};
use sublink::{IfIndex, LinkChange, LinkSpec, Netns, NewLink, Socket};

/// How a packet finds its receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The sender knows the receiver's MAC address beforehand.
    Pinned,
    /// The sender asks for the MAC address, by a broadcast; or for its router's.
    Discovered,
    /// To all on the link.
    Broadcast,
}

/// In this order each has to find the receiver for itself.
pub const EVERY_WAY: &[Way] = &[Way::Pinned, Way::Discovered, Way::Broadcast];

/// The host's place, and that of the station behind the parent's other end.
pub const HOST: Place = at(100);
pub const OUTSIDE: Place = at(1);

#[derive(Debug)]
pub struct Lan {
    /// A netlink socket where the parent is: in the test's namespace.
    pub host: Socket,
    pub parent: IfIndex,
    pub outside: Station,
}

impl Lan {
    /// Outside is the parent's other end.
    pub fn new() -> Self {
        Self::on("p0", "p1")
    }

    /// The same, on a parent of that name.
    pub fn on(parent: &str, other_end: &str) -> Self {
        Self::with(parent, other_end, other_end, |_| {})
    }

    /// Outside is a switch, of which the parent's other end is a port. It sends nothing back where it came from.
    pub fn with_switch() -> Self {
        Self::with("p0", "p1", "br0", |there| {
            // Without snooping, it passes every multicast on, as it does broadcasts.
            there.run(|| ip("link add br0 up type bridge mcast_snooping 0")).expect("its thread");
            there.run(|| ip("link set p1 master br0")).expect("its thread");
        })
    }

    fn with(parent: &str, other_end: &str, device_outside: &str, prepare: impl FnOnce(&Netns)) -> Self {
        stay_on_one_cpu();
        let (mut host, there) = (socket(), Netns::create().expect("a namespace"));
        let pair = NewLink::veth(NewLink::peer().name(name(other_end)).netns(&there)).name(name(parent));
        let parent = host.create(&pair.up()).expect("a veth pair");
        prepare(&there);
        let mut inside = Socket::open_in(&there).expect("a socket");
        let other_end = inside.index_of(other_end).expect("its other end");
        inside.change(&LinkChange::new(other_end).up()).expect("up");
        let device = inside.index_of(device_outside).expect("the link outside");
        let outside = Station::settle(there, device, OUTSIDE);
        until_link_works(&Netns::current().expect("this namespace"), parent);
        for index in [other_end, device] {
            until_link_works(outside.sandbox.netns(), index);
        }
        Self { host, parent, outside }
    }

    /// Whether the switch sends back what is for somebody where it came from.
    pub fn set_hairpin(&self, on: bool) {
        let word = if on { "on" } else { "off" };
        let set = || ip(&format!("link set p1 type bridge_slave hairpin {word}"));
        self.outside.sandbox.run(set).expect("its thread");
    }

    pub fn container<'a>(&mut self, link: impl Into<LinkSpec<'a>>, host: u8) -> Station {
        Station::attach(&mut self.host, link, at(host))
    }

    /// The parent's own stack.
    pub fn host_station(&self) -> Station {
        Station::settle(Netns::current().expect("this namespace"), self.parent, HOST)
    }

    /// Nothing of the one reaches the other, while what is outside hears the one and is heard by the other.
    #[track_caller]
    pub fn blocks(&self, from: &Station, to: &Station) {
        blocks(from, to, EVERY_WAY, [&self.outside; 2]);
    }

    #[track_caller]
    pub fn blocks_both_ways(&self, one: &Station, other: &Station) {
        self.blocks(one, other);
        self.blocks(other, one);
    }
}

/// Both hear each other, whichever way it is tried.
#[track_caller]
pub fn reach_each_other(one: &Station, other: &Station) {
    passes(one, other, EVERY_WAY);
    passes(other, one, EVERY_WAY);
}

/// What the one says reaches the other in these ways, and is answered.
#[track_caller]
pub fn passes(from: &Station, to: &Station, ways: &[Way]) {
    for family in Family::BOTH {
        for way in ways {
            let question = say(from, to, family, *way);
            to.hears(family, &question);
            if *way == Way::Pinned {
                to.pin(from, family);
            }
            let answer = words("an answer", to, from);
            to.send(from, family, &answer);
            from.hears(family, &answer);
            if *way == Way::Pinned {
                from.forget(to, family);
                to.forget(from, family);
            }
        }
    }
}

/// What the one says in these ways does not reach the other. The first witness hears the sender, the second one is heard by
/// the receiver.
#[track_caller]
pub fn blocks(from: &Station, to: &Station, ways: &[Way], [hears_sender, heard_by_receiver]: [&Station; 2]) {
    for family in Family::BOTH {
        for way in ways {
            say(from, to, family, *way);
            if *way == Way::Pinned {
                from.forget(to, family);
            }
        }
        for (one, other) in [(from, hears_sender), (heard_by_receiver, to)] {
            let is_near = one.place.subnet == other.place.subnet; // routers pass no broadcasts on
            let markers = if is_near { &[Way::Discovered, Way::Broadcast][..] } else { &[Way::Discovered] };
            for way in markers {
                mark(one, other, family, *way);
            }
        }
        if ways.contains(&Way::Discovered) && from.place.subnet == to.place.subnet {
            from.forget(to, family);
        }
    }
}

/// What the one says in these ways reaches the other. It is not answered: the other direction may be closed.
#[track_caller]
pub fn is_heard(from: &Station, to: &Station, ways: &[Way]) {
    for family in Family::BOTH {
        for way in ways {
            mark(from, to, family, *way);
            if *way == Way::Pinned {
                from.forget(to, family);
            }
        }
    }
}

#[track_caller]
fn mark(from: &Station, to: &Station, family: Family, way: Way) {
    let text = say(from, to, family, way);
    to.hears(family, &text);
}

fn say(from: &Station, to: &Station, family: Family, way: Way) -> String {
    let text = words(&format!("{family:?} {way:?}"), from, to);
    match way {
        Way::Broadcast => from.broadcast(family, &text),
        Way::Discovered => from.send(to, family, &text),
        Way::Pinned => {
            from.pin(to, family);
            from.send(to, family, &text);
        }
    }
    text
}

/// A text that was never said before.
pub fn words(what: &str, from: &Station, to: &Station) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("#{} {what} from {from} to {to}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// The calling thread stays where it is.
fn stay_on_one_cpu() {
    let mut here = CpuSet::new();
    here.set(sched_getcpu().expect("a CPU")).expect("its number");
    sched_setaffinity(Pid::from_raw(0), &here).expect("to stay on it");
}
