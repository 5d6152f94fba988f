//! Source mode: a child hears the senders on its list, and nobody else.

use crate::common::{Skip, mac, name};
use crate::lan::{EVERY_WAY, Lan, Way, blocks, is_heard, reach_each_other};
use crate::station::{Station, at, macvlan};
use sublink::link::SourceMacs;
use sublink::{LinkChange, MacvlanMode, NewLink};
use sublink_tests::kernel_test;

/// A child that hears these two, who are outside, as it is told.
struct Listener {
    _lan: Lan,
    child: Station,
    talkers: [Station; 2],
}

impl Listener {
    /// At first it hears the first one.
    fn new() -> Self {
        let mut lan = Lan::new();
        let p1 = lan.outside.link;
        let talkers = [11, 12]
            .map(|host| Station::attach(lan.outside.inside(), macvlan(p1, MacvlanMode::Bridge, host), at(host)));
        let first = [talkers[0].mac];
        let new = NewLink::macvlan(lan.parent).source(&first).name(name("eth0")).mac(mac(2));
        let child = lan.container(new, 2);
        Self { _lan: lan, child, talkers }
    }

    fn change(&mut self, change: SourceMacs<'_>) {
        self.child.sandbox.socket().change(&LinkChange::macvlan(self.child.link).macaddr(change)).unwrap();
    }

    /// The talker of this number is heard, the other one is not.
    #[track_caller]
    fn hears_only(&self, number: usize) {
        let (heard, unheard) = (&self.talkers[number], &self.talkers[1 - number]);
        reach_each_other(heard, &self.child);
        blocks(unheard, &self.child, EVERY_WAY, [heard; 2]);
    }
}

#[kernel_test]
pub fn in_source_mode_only_listed_senders_are_heard() -> Result<(), Skip> {
    let mut listener = Listener::new();
    let [first, second] = [0, 1].map(|number| listener.talkers[number].mac);
    listener.hears_only(0);
    listener.change(SourceMacs::Set(&[second]));
    listener.hears_only(1);
    listener.change(SourceMacs::Add(first));
    listener.talkers.iter().for_each(|talker| reach_each_other(talker, &listener.child));
    listener.change(SourceMacs::Delete(second));
    listener.hears_only(0);
    Ok(())
}

#[kernel_test]
pub fn in_source_mode_an_empty_list_is_deafness() -> Result<(), Skip> {
    let mut listener = Listener::new();
    listener.hears_only(0);
    listener.change(SourceMacs::Flush);
    // Nobody else can tell the child that nothing came: it says so itself.
    let lo = listener.child.inside().index_of("lo").unwrap();
    listener.child.sandbox.socket().change(&LinkChange::new(lo).up()).unwrap();
    let [first, second] = &listener.talkers;
    blocks(first, &listener.child, EVERY_WAY, [second, &listener.child]);
    blocks(second, &listener.child, EVERY_WAY, [first, &listener.child]);
    Ok(())
}

/// It is the sender's MAC address that counts, wherever the frame comes from. The child's own broadcasts, come back, reach
/// no sibling, so it cannot ask for the sibling's MAC address.
#[kernel_test]
pub fn in_source_mode_a_listed_sibling_is_heard_by_a_switch_that_sends_back() -> Result<(), Skip> {
    let mut lan = Lan::with_switch();
    let sibling = lan.container(macvlan(lan.parent, MacvlanMode::Vepa, 3), 3);
    let senders = [sibling.mac, lan.outside.mac];
    let child = lan.container(NewLink::macvlan(lan.parent).source(&senders).name(name("eth0")).mac(mac(2)), 2);
    lan.blocks_both_ways(&sibling, &child);
    lan.set_hairpin(true);
    is_heard(&sibling, &child, EVERY_WAY);
    blocks(&child, &sibling, &[Way::Broadcast], [&lan.outside; 2]);
    Ok(())
}
