//! Unsolicited neighbour advertisements: the IPv6 counterpart of gratuitous ARP, by a setting that is in force before the link
//! has its addresses.

use crate::capture::Frame;
use crate::common::{Skip, mac, name, needs, vid};
use crate::lan::{Lan, words};
use crate::station::{Family, Station, at, macvlan};
use std::net::Ipv6Addr;
use sublink::link::Ipv6Setting;
use sublink::{Endpoint, LinkSpec, MacvlanMode, NewLink};
use sublink_tests::kernel_test;

/// The MAC address and the IPv6 address in an unsolicited neighbour advertisement to all nodes.
fn advertised(frame: &Frame) -> Option<([u8; 6], Ipv6Addr)> {
    const ALL_NODES: [u8; 6] = [0x33, 0x33, 0, 0, 0, 1];
    const SOLICITED: u8 = 0x40;
    let packet = frame.bytes.get(14..)?;
    let (kind, flags) = (packet.get(40)?, packet.get(44)?);
    let is_advert = frame.words() == [0x86dd] && packet[6] == 58 && *kind == 136 && flags & SOLICITED == 0;
    let target: [u8; 16] = packet.get(48..64)?.try_into().ok()?;
    // The option: the link-layer address of the target, of eight bytes.
    let mac = packet.get(64..72)?.strip_prefix(&[2, 1])?.try_into().ok()?;
    (is_advert && frame.receiver() == ALL_NODES).then_some((mac, target.into()))
}

fn attach<'a>(lan: &mut Lan, link: impl Into<LinkSpec<'a>>, ndisc_notify: i32) -> Station {
    let endpoint = Endpoint::new(link).ipv6(Ipv6Setting::NDISC_NOTIFY, ndisc_notify);
    Station::attach_as(&mut lan.host, endpoint, at(2))
}

fn is_advertised(link: impl FnOnce(&mut Lan) -> LinkSpec<'static>) {
    let mut lan = Lan::new();
    let link = link(&mut lan);
    let capture = lan.outside.capture();
    let container = attach(&mut lan, link, 1);
    let global = container.place.addr(Family::V6);
    // The kernel's worker sends it in its own time, and perhaps that of the link-local address before.
    let found = capture.first(|frame| advertised(frame).filter(|(_, addr)| global == *addr));
    assert_eq!(found.0, mac(2).bytes());
}

#[kernel_test]
pub fn a_macvlan_advertises_its_address_when_told_to() -> Result<(), Skip> {
    is_advertised(|lan| macvlan(lan.parent, MacvlanMode::Bridge, 2).into());
    Ok(())
}

/// On VLAN 50: outside, the tag is taken off before a packet socket sees the frame.
#[kernel_test]
pub fn a_vlan_advertises_its_address_when_told_to() -> Result<(), Skip> {
    needs("vlan")?;
    is_advertised(|lan| NewLink::vlan(lan.parent, vid(50)).name(name("eth0")).mac(mac(2)).into());
    Ok(())
}

/// Until its address is usable, and it has spoken.
#[kernel_test]
pub fn a_macvlan_advertises_nothing_unless_told_to() -> Result<(), Skip> {
    let mut lan = Lan::new();
    let capture = lan.outside.capture();
    let link = macvlan(lan.parent, MacvlanMode::Bridge, 2);
    let container = attach(&mut lan, link, 0);
    let last = words("the first word", &container, &lan.outside);
    container.pin(&lan.outside, Family::V6);
    container.send(&lan.outside, Family::V6, &last);
    let adverts: Vec<_> = capture.frames_until(&last).iter().filter_map(advertised).collect();
    assert_eq!(adverts, []);
    Ok(())
}
