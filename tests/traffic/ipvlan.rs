//! ipvlan in its L2 mode: siblings with one MAC address.

use crate::common::{Skip, name, needs};
use crate::lan::{Lan, Way, blocks, is_heard, reach_each_other};
use crate::station::Station;
use sublink::NewLink;
use sublink::link::{IpvlanFlag, IpvlanMode};
use sublink_tests::kernel_test;

fn siblings(lan: &mut Lan, flag: IpvlanFlag) -> [Station; 2] {
    let link = NewLink::ipvlan(lan.parent).mode(IpvlanMode::L2).flag(flag).name(name("eth0"));
    [2, 3].map(|host| lan.container(link, host))
}

#[kernel_test]
pub fn siblings_reach_each_other_with_the_bridge_flag() -> Result<(), Skip> {
    needs("ipvlan")?;
    let mut lan = Lan::new();
    let [a, b] = siblings(&mut lan, IpvlanFlag::Bridge);
    reach_each_other(&a, &b);
    reach_each_other(&a, &lan.outside);
    Ok(())
}

/// It does not hold back broadcasts, so they can ask for a sibling's MAC address, but get no answer.
#[kernel_test]
pub fn siblings_hear_only_broadcasts_with_the_private_flag() -> Result<(), Skip> {
    needs("ipvlan")?;
    let mut lan = Lan::new();
    let [a, b] = siblings(&mut lan, IpvlanFlag::Private);
    for (from, to) in [(&a, &b), (&b, &a)] {
        blocks(from, to, &[Way::Pinned, Way::Discovered], [&lan.outside; 2]);
        is_heard(from, to, &[Way::Broadcast]);
        reach_each_other(from, &lan.outside);
    }
    Ok(())
}

/// They have one MAC address. What a child sends there and no sibling's IP address claims is the host's.
#[kernel_test]
pub fn a_host_hears_what_its_child_sends_to_their_mac_and_else_they_are_apart() -> Result<(), Skip> {
    needs("ipvlan")?;
    let mut lan = Lan::new();
    let host = lan.host_station();
    let [a, b] = siblings(&mut lan, IpvlanFlag::Bridge);
    reach_each_other(&host, &lan.outside);
    for child in [&a, &b] {
        lan.blocks(&host, child);
        blocks(child, &host, &[Way::Broadcast, Way::Discovered], [&lan.outside; 2]);
        is_heard(child, &host, &[Way::Pinned]);
    }
    Ok(())
}
