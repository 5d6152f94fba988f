//! VLANs: who is on the same network.

use crate::common::{Skip, mac, name, needs, vid};
use crate::lan::{EVERY_WAY, Lan, blocks, reach_each_other};
use crate::station::{Station, at, macvlan};
use sublink::link::{Vlan, VlanProtocol};
use sublink::{IfIndex, MacvlanMode, NewLink, Socket};
use sublink_tests::kernel_test;

/// VLAN `id` of a trunk, for the container at `host`.
fn vlan(trunk: IfIndex, id: u16, host: u8) -> NewLink<'static, Vlan<'static>> {
    NewLink::vlan(trunk, vid(id)).name(name("eth0")).mac(mac(host))
}

/// A VLAN for others to stand on.
fn trunk(socket: &mut Socket, parent: IfIndex, id: u16, protocol: VlanProtocol) -> IfIndex {
    let link = NewLink::vlan(parent, vid(id)).protocol(protocol).name(name("trunk"));
    socket.create(&link.up()).unwrap()
}

/// A container outside, on VLAN `id` of the parent's other end.
fn outside(lan: &mut Lan, id: u16, host: u8) -> Station {
    let other_end = lan.outside.link;
    Station::attach(lan.outside.inside(), vlan(other_end, id, host), at(host))
}

#[kernel_test]
pub fn the_same_id_on_both_ends_is_one_network_and_another_is_another() -> Result<(), Skip> {
    needs("vlan")?;
    let mut lan = Lan::new();
    let [a50, b60] = [(50, 2), (60, 3)].map(|(id, host)| lan.container(vlan(lan.parent, id, host), host));
    let [c50, d60] = [(50, 12), (60, 13)].map(|(id, host)| outside(&mut lan, id, host));
    reach_each_other(&a50, &c50);
    reach_each_other(&b60, &d60);
    blocks(&a50, &b60, EVERY_WAY, [&c50, &d60]);
    blocks(&a50, &d60, EVERY_WAY, [&c50, &b60]);
    blocks(&d60, &c50, EVERY_WAY, [&b60, &a50]);
    Ok(())
}

#[kernel_test]
pub fn a_vlan_and_its_trunks_untagged_network_are_apart() -> Result<(), Skip> {
    needs("vlan")?;
    let mut lan = Lan::new();
    let host = lan.host_station();
    let a50 = lan.container(vlan(lan.parent, 50, 2), 2);
    let b50 = outside(&mut lan, 50, 12);
    reach_each_other(&a50, &b50);
    reach_each_other(&host, &lan.outside);
    for (untagged, its_friend) in [(&host, &lan.outside), (&lan.outside, &host)] {
        blocks(&a50, untagged, EVERY_WAY, [&b50, its_friend]);
        blocks(untagged, &a50, EVERY_WAY, [its_friend, &b50]);
    }
    Ok(())
}

#[kernel_test]
pub fn macvlans_stand_on_a_vlan() -> Result<(), Skip> {
    needs("vlan")?;
    let mut lan = Lan::new();
    let host = lan.host_station();
    let trunk = trunk(&mut lan.host, lan.parent, 50, VlanProtocol::Ieee8021Q);
    let [a, b] = [2, 3].map(|host| lan.container(macvlan(trunk, MacvlanMode::Bridge, host), host));
    let [c50, d60] = [(50, 12), (60, 13)].map(|(id, host)| outside(&mut lan, id, host));
    let e60 = lan.container(vlan(lan.parent, 60, 4), 4);
    reach_each_other(&a, &b);
    reach_each_other(&a, &c50);
    reach_each_other(&b, &c50);
    blocks(&a, &d60, EVERY_WAY, [&c50, &e60]);
    blocks(&e60, &a, EVERY_WAY, [&d60, &c50]);
    blocks(&host, &a, EVERY_WAY, [&lan.outside, &c50]);
    Ok(())
}

#[kernel_test]
pub fn a_vlan_in_a_vlan_is_a_network_of_its_own() -> Result<(), Skip> {
    needs("vlan")?;
    for protocol in [VlanProtocol::Ieee8021Q, VlanProtocol::Ieee8021Ad] {
        let mut lan = Lan::new();
        let p1 = lan.outside.link;
        let here = trunk(&mut lan.host, lan.parent, 100, protocol);
        let there = trunk(lan.outside.inside(), p1, 100, protocol);
        let a = lan.container(vlan(here, 50, 2), 2);
        let b = Station::attach(lan.outside.inside(), vlan(there, 50, 12), at(12));
        let [c, d] = [lan.container(vlan(lan.parent, 50, 3), 3), outside(&mut lan, 50, 13)];
        reach_each_other(&a, &b);
        reach_each_other(&c, &d);
        blocks(&a, &d, EVERY_WAY, [&b, &c]);
        blocks(&d, &a, EVERY_WAY, [&c, &b]);
        lan.host.delete(lan.parent).unwrap();
    }
    Ok(())
}
