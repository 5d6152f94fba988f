//! The host and its containers, before the host has access to them, while it has, and after.

use crate::capture::Frame;
use crate::common::{Skip, mac, name};
use crate::lan::{HOST, Lan, Way, passes};
use crate::station::{Family, Place, Station, at, macvlan};
use sublink::network::{Driver, HostAccess, Parent, Removal, Subnet, restore_networks};
use sublink::{IfIndex, IpNetwork, MacvlanMode, Netns, Network, Owner, Sandbox};
use sublink_tests::kernel_test;

/// The host's place beside its containers.
const SHIM: Place = at(250);

/// There is no broadcast: the access leads to what it says, and to nobody else.
const WAYS: &[Way] = &[Way::Pinned, Way::Discovered];

fn owner() -> Owner {
    Owner::new("tests").unwrap()
}

/// The host as a station, with a link that has its addresses already.
fn host_at(link: IfIndex, place: Place) -> Station {
    Station::open(Sandbox::of(Netns::current().unwrap()).unwrap(), link, place)
}

fn access(to: &[Place]) -> HostAccess {
    let access = Family::BOTH.into_iter().fold(HostAccess::new(), |access, family| access.addr(SHIM.addr(family)));
    let all = to.iter().flat_map(|place| Family::BOTH.map(|family| IpNetwork::from(place.addr(family))));
    all.fold(access, HostAccess::to)
}

#[kernel_test]
pub fn the_host_reaches_its_containers_while_it_has_access() -> Result<(), Skip> {
    let mut lan = Lan::new();
    let host = lan.host_station();
    let containers = [2, 3].map(|number| lan.container(macvlan(lan.parent, MacvlanMode::Bridge, number), number));
    let places = [at(2), at(3)];
    for container in &containers {
        lan.blocks_both_ways(&host, container);
    }
    drop(host); // its ports are the next one's
    let (parent, shim) = (Parent::new(name("p0")), name("shim0"));
    let index = parent.give_host_access(&mut lan.host, &owner(), shim, &access(&places)).unwrap();
    let host = host_at(index, SHIM);
    for container in &containers {
        passes(&host, container, WAYS);
        passes(container, &host, WAYS);
    }
    drop(host);

    // What is outside knows the host by one MAC address, and reaches it as before.
    let host = host_at(lan.parent, HOST);
    passes(&host, &lan.outside, WAYS); // broadcasts come by both links
    passes(&lan.outside, &host, WAYS);
    let (answers, shim_mac) = (lan.outside.capture(), lan.host.link_at(index).unwrap().mac().mac().unwrap());
    lan.outside.forget(&host, Family::V4);
    for text in ["who is it?", "and who else?"] {
        lan.outside.send(&host, Family::V4, text);
        host.hears(Family::V4, text); // what was asked before is answered by now
        host.send(&lan.outside, Family::V4, text);
        lan.outside.hears(Family::V4, text);
    }
    let frames = answers.frames_until("and who else?");
    let is_arp = |frame: &&Frame| frame.bytes[12..14] == [0x08, 0x06];
    let others = frames.iter().filter(is_arp).filter(|frame| frame.sender() == shim_mac.bytes());
    assert_eq!(others.count(), 0, "the other link answers for its own address only");

    assert_eq!(parent.take_host_access(&mut lan.host, &owner(), shim).unwrap(), Removal::Removed);
    for container in &containers {
        lan.blocks_both_ways(&host, container);
    }
    Ok(())
}

/// The whole of a network whose parent the host has no address on.
#[kernel_test]
pub fn a_network_is_reached_again_after_a_restart() -> Result<(), Skip> {
    let mut lan = Lan::new();
    let subnets = Family::BOTH.map(|family| Subnet::new(at(0).network(family)));
    let network = Network::new("net", Driver::Macvlan(MacvlanMode::Bridge)).unwrap().on(name("p0"));
    let network = subnets.into_iter().fold(network, Network::subnet).host_access(access(&[]));
    let container = lan.container(macvlan(lan.parent, MacvlanMode::Bridge, 2).mac(mac(2)), 2);
    for is_restored in [false, true] {
        let index = if is_restored {
            let restored = restore_networks(&mut lan.host, &owner(), std::slice::from_ref(&network)).unwrap();
            *restored.host_access[0].1.as_ref().unwrap()
        } else {
            network.give_host_access(&mut lan.host, &owner()).unwrap()
        };
        let host = host_at(index, SHIM);
        passes(&host, &container, WAYS);
        passes(&container, &host, WAYS);
        // It leads to the rest of the subnet too, by the parent.
        passes(&host, &lan.outside, WAYS);
        passes(&lan.outside, &host, WAYS);
        drop(host);
        lan.host.delete(index).unwrap(); // as a reboot does
    }
    Ok(())
}
