//! The parent's own stack and its children.

use crate::common::{Skip, mac, name};
use crate::lan::{EVERY_WAY, Lan, Way, blocks, is_heard, reach_each_other};
use crate::station::{Station, macvlan};
use sublink::{LinkChange, MacvlanMode, NewLink};
use sublink_tests::kernel_test;

/// Neither hears the other, and both talk with what is outside.
fn are_apart(lan: &Lan, host: &Station, child: &Station) {
    lan.blocks_both_ways(host, child);
    reach_each_other(child, &lan.outside);
    reach_each_other(host, &lan.outside);
}

fn host_and_child_are_apart(mode: MacvlanMode) -> Result<(), Skip> {
    let mut lan = Lan::new();
    let host = lan.host_station();
    let child = lan.container(macvlan(lan.parent, mode, 2), 2);
    are_apart(&lan, &host, &child);
    Ok(())
}

#[kernel_test]
pub fn in_private_mode_host_and_child_are_apart() -> Result<(), Skip> {
    host_and_child_are_apart(MacvlanMode::Private)
}

#[kernel_test]
pub fn in_vepa_mode_host_and_child_are_apart() -> Result<(), Skip> {
    host_and_child_are_apart(MacvlanMode::Vepa)
}

#[kernel_test]
pub fn in_bridge_mode_host_and_child_are_apart() -> Result<(), Skip> {
    host_and_child_are_apart(MacvlanMode::Bridge)
}

#[kernel_test]
pub fn in_source_mode_host_and_child_are_apart() -> Result<(), Skip> {
    let mut lan = Lan::new();
    let host = lan.host_station();
    let senders = [lan.outside.mac, host.mac];
    let new = NewLink::macvlan(lan.parent).source(&senders).name(name("eth0")).mac(mac(2));
    let child = lan.container(new, 2);
    are_apart(&lan, &host, &child);
    Ok(())
}

/// The child takes what is for the parent's MAC address, so the host can still say but no longer hear.
#[kernel_test]
pub fn in_passthru_mode_the_host_is_deaf() -> Result<(), Skip> {
    let mut lan = Lan::new();
    let host = lan.host_station();
    let lo = lan.host.index_of("lo").unwrap();
    lan.host.change(&LinkChange::new(lo).up()).unwrap();
    reach_each_other(&host, &lan.outside);
    let child = lan.container(NewLink::macvlan(lan.parent).mode(MacvlanMode::Passthru).name(name("eth0")), 2);
    reach_each_other(&child, &lan.outside);
    lan.blocks(&host, &child);
    // Nobody else can tell the host that nothing came: it says so itself.
    blocks(&child, &host, EVERY_WAY, [&lan.outside, &host]);
    blocks(&lan.outside, &host, &[Way::Pinned, Way::Discovered], [&child, &host]);
    is_heard(&host, &lan.outside, &[Way::Pinned]);
    Ok(())
}
