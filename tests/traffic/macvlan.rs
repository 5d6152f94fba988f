//! What passes between the macvlans of one parent, in each mode.

use crate::common::{Skip, mac, name};
use crate::lan::{Lan, Way, blocks, passes, reach_each_other, words};
use crate::station::{Family, Station, macvlan};
use sublink::{LinkChange, MacvlanMode, NewLink};
use sublink_tests::kernel_test;

fn siblings(lan: &mut Lan, mode: MacvlanMode) -> [Station; 2] {
    [2, 3].map(|host| lan.container(macvlan(lan.parent, mode, host), host))
}

#[kernel_test]
pub fn in_bridge_mode_siblings_reach_each_other_directly() -> Result<(), Skip> {
    let mut lan = Lan::new();
    let [a, b] = siblings(&mut lan, MacvlanMode::Bridge);
    let capture = lan.outside.capture();
    reach_each_other(&a, &b);
    let last = words("the last word", &a, &lan.outside);
    a.send(&lan.outside, Family::V4, &last);
    let macs = [a.mac.bytes(), b.mac.bytes()];
    for frame in capture.frames_until(&last) {
        let is_between_them = macs.iter().all(|mac| mac == frame.sender() || mac == frame.receiver());
        assert!(!is_between_them, "it was seen outside: {frame:?}");
    }
    Ok(())
}

#[kernel_test]
pub fn in_vepa_mode_siblings_reach_each_other_only_by_a_switch_that_sends_back() -> Result<(), Skip> {
    let mut lan = Lan::with_switch();
    let [a, b] = siblings(&mut lan, MacvlanMode::Vepa);
    lan.blocks_both_ways(&a, &b);
    lan.set_hairpin(true);
    reach_each_other(&a, &b);
    lan.set_hairpin(false);
    lan.blocks_both_ways(&a, &b);
    Ok(())
}

/// Such a switch gets through what has the MAC address of a sibling, but no broadcast, and so nothing that finds it out.
#[kernel_test]
pub fn in_private_mode_siblings_reach_each_other_only_by_such_a_switch_and_a_known_mac() -> Result<(), Skip> {
    let mut lan = Lan::with_switch();
    let [a, b] = siblings(&mut lan, MacvlanMode::Private);
    lan.blocks_both_ways(&a, &b);
    lan.set_hairpin(true);
    for (from, to) in [(&a, &b), (&b, &a)] {
        blocks(from, to, &[Way::Broadcast, Way::Discovered], [&lan.outside; 2]);
        passes(from, to, &[Way::Pinned]);
    }
    lan.set_hairpin(false);
    lan.blocks_both_ways(&a, &b);
    Ok(())
}

#[kernel_test]
pub fn siblings_of_different_modes_reach_each_other_as_the_stricter_one_allows() -> Result<(), Skip> {
    let mut lan = Lan::new();
    let bridge = lan.container(macvlan(lan.parent, MacvlanMode::Bridge, 2), 2);
    for (host, mode) in [(3, MacvlanMode::Vepa), (4, MacvlanMode::Private)] {
        let other = lan.container(macvlan(lan.parent, mode, host), host);
        lan.blocks_both_ways(&bridge, &other);
    }
    Ok(())
}

#[kernel_test]
pub fn a_change_of_mode_changes_what_passes() -> Result<(), Skip> {
    let mut lan = Lan::new();
    let [mut a, mut b] = siblings(&mut lan, MacvlanMode::Private);
    lan.blocks_both_ways(&a, &b);
    for (mode, is_open) in [(MacvlanMode::Bridge, true), (MacvlanMode::Vepa, false), (MacvlanMode::Bridge, true)] {
        for station in [&mut a, &mut b] {
            station.sandbox.socket().change(&LinkChange::macvlan(station.link).mode(mode)).unwrap();
        }
        if is_open {
            reach_each_other(&a, &b);
        } else {
            lan.blocks_both_ways(&a, &b);
        }
    }
    Ok(())
}

#[kernel_test]
pub fn in_passthru_mode_the_parents_mac_follows_the_childs() -> Result<(), Skip> {
    let mut lan = Lan::new();
    let new = NewLink::macvlan(lan.parent).mode(MacvlanMode::Passthru).name(name("eth0"));
    let mut child = lan.container(new, 2);
    let mac_of_parent = |lan: &mut Lan| lan.host.link_at(lan.parent).unwrap().mac().mac();
    assert_eq!(Some(child.mac), mac_of_parent(&mut lan), "the child's is the parent's, at first");
    reach_each_other(&child, &lan.outside);

    child.sandbox.socket().change(&LinkChange::new(child.link).mac(mac(77))).unwrap();
    child.mac = mac(77);
    assert_eq!(mac_of_parent(&mut lan), Some(child.mac));
    for family in Family::BOTH {
        lan.outside.forget(&child, family);
    }
    let capture = lan.outside.capture();
    reach_each_other(&child, &lan.outside);
    let last = words("the last word", &child, &lan.outside);
    child.send(&lan.outside, Family::V4, &last);
    let frames = capture.frames_until(&last);
    assert_eq!(frames.last().unwrap().sender(), mac(77).bytes(), "the frames have it");
    Ok(())
}
