//! Gratuitous ARP: what a container's new link says of itself unasked.

use crate::capture::Frame;
use crate::common::{Skip, mac, name, needs, vid};
use crate::lan::{Lan, words};
use crate::station::{Family, Station, at, macvlan};
use sublink::link::Ipv4Setting;
use sublink::{Endpoint, LinkSpec, MacvlanMode, NewLink};
use sublink_tests::kernel_test;

/// Who says what address it has, to everybody: sender and target of the ARP packet are the same.
fn says_of_itself(frame: &Frame) -> Option<([u8; 6], [u8; 4])> {
    let [ethertype] = frame.words();
    if ethertype != 0x0806 {
        return None;
    }
    let (sender, target): ([u8; 4], &[u8]) =
        (frame.bytes[28..32].try_into().expect("four bytes"), &frame.bytes[38..42]);
    let mac = frame.bytes[22..28].try_into().expect("six bytes");
    (sender == target && frame.receiver() == [0xff; 6]).then_some((mac, sender))
}

/// What is said outside from before a container is attached until it first speaks, to somebody whose MAC address it knows.
fn said_on_attaching<'a>(link: impl FnOnce(&mut Lan) -> LinkSpec<'a>, arp_notify: u32) -> Vec<([u8; 6], [u8; 4])> {
    let mut lan = Lan::new();
    let link = link(&mut lan);
    let capture = lan.outside.capture();
    let endpoint = Endpoint::new(link).ipv4(Ipv4Setting::ARP_NOTIFY, arp_notify);
    let container = Station::attach_as(&mut lan.host, endpoint, at(2));
    let last = words("the first word", &container, &lan.outside);
    container.pin(&lan.outside, Family::V4);
    container.send(&lan.outside, Family::V4, &last);
    capture.frames_until(&last).iter().filter_map(says_of_itself).collect()
}

const ONCE: [([u8; 6], [u8; 4]); 1] = [([2, 0, 0, 0, 0, 2], [10, 0, 0, 2])];

fn a_macvlan(lan: &mut Lan) -> LinkSpec<'static> {
    macvlan(lan.parent, MacvlanMode::Bridge, 2).into()
}

#[kernel_test]
pub fn a_macvlan_says_where_it_is_when_told_to() -> Result<(), Skip> {
    assert_eq!(said_on_attaching(a_macvlan, 1), ONCE);
    Ok(())
}

#[kernel_test]
pub fn a_macvlan_says_nothing_unless_told_to() -> Result<(), Skip> {
    assert_eq!(said_on_attaching(a_macvlan, 0), []);
    Ok(())
}

/// On VLAN 50: outside, the tag is taken off before a packet socket sees the frame.
fn a_vlan(lan: &mut Lan) -> LinkSpec<'static> {
    NewLink::vlan(lan.parent, vid(50)).name(name("eth0")).mac(mac(2)).into()
}

#[kernel_test]
pub fn a_vlan_says_where_it_is_when_told_to() -> Result<(), Skip> {
    needs("vlan")?;
    assert_eq!(said_on_attaching(a_vlan, 1), ONCE);
    Ok(())
}

#[kernel_test]
pub fn a_vlan_says_nothing_unless_told_to() -> Result<(), Skip> {
    needs("vlan")?;
    assert_eq!(said_on_attaching(a_vlan, 0), []);
    Ok(())
}
