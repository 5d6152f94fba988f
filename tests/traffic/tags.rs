//! Tags, as they are on the wire.
//!
//! ```text
//!    container: VLAN 50 ── p0 ─────── p1 ── br0 ── d0, a dummy ── what a packet socket sees leave
//! ```
//!
//! The kernel keeps the tag of a frame that came in beside it, where a packet socket does not show it. So the switch outside
//! passes the frame on to a dummy, which cannot take a tag beside the frame: the kernel writes it back into it.

use crate::common::{Skip, mac, name, needs, vid};
use crate::lan::{Lan, words};
use crate::station::{Family, Station, at};
use nix::sys::socket::{setsockopt, sockopt::Priority};
use sublink::link::{EgressQos, IngressQos, VlanPriority, VlanProtocol};
use sublink::{IfIndex, LinkChange, NewLink};
use sublink_tests::kernel_test;

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
const CUSTOMER: u16 = 0x8100;
const PROVIDER: u16 = 0x88a8;

/// The dummy outside, as a port of the switch.
fn dummy_on(lan: &mut Lan) -> IfIndex {
    let there = lan.outside.inside();
    let switch = there.index_of("br0").unwrap();
    there.create(&NewLink::dummy().name(name("d0")).master(switch).up()).unwrap()
}

fn pcp(priority: u8) -> VlanPriority {
    VlanPriority::new(priority).unwrap()
}

/// What stands in front of an IPv4 and an IPv6 packet that leave the dummy, which the station says to all with this priority.
fn tags<const N: usize>(lan: &Lan, dummy: IfIndex, station: &Station, priority: i32) -> [[u16; N]; 2] {
    Family::BOTH.map(|family| {
        let capture = lan.outside.capture();
        setsockopt(station.udp(family), Priority, &priority).unwrap();
        let text = words("something", station, &lan.outside);
        station.broadcast(family, &text);
        capture.frame_out_of(dummy, &text).words()
    })
}

/// A tag's second half.
const fn control(priority: u16, id: u16) -> u16 {
    priority << 13 | id
}

/// A tag with this type, priority and id, and the packet in it.
const fn tagged(ethertype: u16, priority: u16, id: u16) -> [[u16; 3]; 2] {
    [[ethertype, control(priority, id), IPV4], [ethertype, control(priority, id), IPV6]]
}

#[kernel_test]
pub fn a_frame_has_the_tag_of_its_vlan() -> Result<(), Skip> {
    needs("vlan")?;
    needs("dummy")?;
    let mut lan = Lan::with_switch();
    let dummy = dummy_on(&mut lan);
    for id in [0, 1, 50, 4094] {
        for protocol in [VlanProtocol::Ieee8021Q, VlanProtocol::Ieee8021Ad] {
            let link = NewLink::vlan(lan.parent, vid(id)).protocol(protocol).name(name("eth0")).mac(mac(2));
            let mut station = lan.container(link, 2);
            assert_eq!(tags(&lan, dummy, &station, 0), tagged(protocol.ethertype(), 0, id), "{protocol} id {id}");
            station.sandbox.socket().delete(station.link).unwrap();
        }
    }
    Ok(())
}

#[kernel_test]
pub fn a_tag_has_the_priority_of_the_egress_map() -> Result<(), Skip> {
    needs("vlan")?;
    needs("dummy")?;
    let mut lan = Lan::with_switch();
    let dummy = dummy_on(&mut lan);
    let map = [EgressQos::new(0, pcp(1)), EgressQos::new(3, pcp(5)), EgressQos::new(6, pcp(7))];
    let link = NewLink::vlan(lan.parent, vid(50)).egress_qos(&map).name(name("eth0")).mac(mac(2));
    let mut station = lan.container(link, 2);
    for (priority, expected) in [(0, 1), (1, 0), (3, 5), (6, 7)] {
        assert_eq!(tags(&lan, dummy, &station, priority), tagged(CUSTOMER, expected, 50), "priority {priority}");
    }
    let change = [EgressQos::new(3, pcp(4)), EgressQos::new(6, pcp(0))];
    station.sandbox.socket().change(&LinkChange::vlan(station.link).egress_qos(&change)).unwrap();
    for (priority, expected) in [(0, 1), (3, 4), (6, 0)] {
        assert_eq!(tags(&lan, dummy, &station, priority), tagged(CUSTOMER, expected, 50), "changed, {priority}");
    }
    Ok(())
}

/// Outside, VLAN 50 gives the kernel's packet a priority by the tag's, and the switch passes it on to VLAN 60 on the dummy,
/// which gives its tag a priority by the packet's.
#[kernel_test]
pub fn a_tags_priority_goes_through_the_ingress_map() -> Result<(), Skip> {
    needs("vlan")?;
    needs("dummy")?;
    let mut lan = Lan::with_switch();
    let there = lan.outside.inside();
    let [p1, switch] = ["p1", "br0"].map(|device| there.index_of(device).unwrap());
    there.change(&LinkChange::new(p1).nomaster()).unwrap();
    let dummy = there.create(&NewLink::dummy().name(name("d0")).up()).unwrap();
    let from_tag = [IngressQos::new(pcp(5), 4), IngressQos::new(pcp(1), 6)];
    let to_tag = [EgressQos::new(4, pcp(2)), EgressQos::new(6, pcp(3))];
    let incoming = NewLink::vlan(p1, vid(50)).ingress_qos(&from_tag).name(name("incoming")).master(switch);
    let outgoing = NewLink::vlan(dummy, vid(60)).egress_qos(&to_tag).name(name("outgoing")).master(switch);
    there.create(&incoming.up()).unwrap();
    there.create(&outgoing.up()).unwrap();

    let to_trunk = [EgressQos::new(3, pcp(5)), EgressQos::new(2, pcp(1))];
    let link = NewLink::vlan(lan.parent, vid(50)).egress_qos(&to_trunk).name(name("eth0")).mac(mac(2));
    let station = lan.container(link, 2);
    for (priority, expected) in [(3, 2), (2, 3), (0, 0)] {
        assert_eq!(tags(&lan, dummy, &station, priority), tagged(CUSTOMER, expected, 60), "priority {priority}");
    }
    Ok(())
}

#[kernel_test]
pub fn a_vlan_in_a_vlan_has_two_tags() -> Result<(), Skip> {
    needs("vlan")?;
    needs("dummy")?;
    let mut lan = Lan::with_switch();
    let dummy = dummy_on(&mut lan);
    let outer = NewLink::vlan(lan.parent, vid(100)).protocol(VlanProtocol::Ieee8021Ad).name(name("outer"));
    let outer = lan.host.create(&outer.up()).unwrap();
    let map = [EgressQos::new(3, pcp(5))];
    let inner = NewLink::vlan(outer, vid(50)).egress_qos(&map).name(name("eth0")).mac(mac(2));
    let station = Station::attach(&mut lan.host, inner, at(2));
    let tags: [[u16; 5]; 2] = tags(&lan, dummy, &station, 3);
    assert_eq!(tags, [IPV4, IPV6].map(|packet| [PROVIDER, 100, CUSTOMER, control(5, 50), packet]));
    Ok(())
}
