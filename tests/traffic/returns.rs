//! A container that comes back with its addresses and a new MAC address: who knew the old one learns the new one unasked, and
//! reaches it. Without that, a neighbour sends to the old one for 37 to 53 seconds.

use crate::common::{Skip, mac, name};
use crate::lan::{Lan, words};
use crate::neighbours::Learned;
use crate::station::{Family, Station, at};
use sublink::endpoint::{Detach, Fate};
use sublink::network::{Connection, Driver, Member, Subnet};
use sublink::{MacAddr, MacvlanMode, Network, Owner, Sandbox};
use sublink_tests::kernel_test;

fn network() -> Network {
    let network = Network::new("net", Driver::Macvlan(MacvlanMode::Bridge)).unwrap().on(name("p0"));
    let subnet = |family| Subnet::new(at(0).network(family));
    Family::BOTH.into_iter().fold(network, |network, family| network.subnet(subnet(family)))
}

fn connect(lan: &mut Lan, network: &Network, mac: MacAddr) -> (Station, Member) {
    connect_in(lan, network, mac, Sandbox::create().unwrap())
}

fn connect_in(lan: &mut Lan, network: &Network, mac: MacAddr, mut sandbox: Sandbox) -> (Station, Member) {
    let addrs = Family::BOTH.map(|family| at(2).network(family));
    let connection = Connection::new(name("eth0"), &addrs).mac(mac);
    let member = network.connect(&mut lan.host, &Owner::new("tests").unwrap(), &mut sandbox, connection, &[]).unwrap();
    (Station::open(sandbox, member.attached.index, at(2)), member)
}

/// Outside speaks to the container, without asking for its MAC address if it knows one.
fn reaches(outside: &Station, container: &Station) {
    for family in Family::BOTH {
        let text = words("a word", outside, container);
        outside.send(container, family, &text);
        container.hears(family, &text);
    }
}

#[kernel_test]
pub fn a_container_with_a_new_mac_address_is_reached_at_once() -> Result<(), Skip> {
    let mut lan = Lan::new();
    let network = network();
    let (mut container, member) = connect(&mut lan, &network, mac(2));
    let learned = lan.outside.sandbox.run(Learned::open).unwrap();
    reaches(&lan.outside, &container);
    for family in Family::BOTH {
        learned.until(at(2).addr(family), mac(2));
    }
    let gone = member.disconnect(&mut lan.host, &mut container.sandbox, &[], &Detach::new()).unwrap();
    assert_eq!(gone.link, Fate::Deleted);
    for family in Family::BOTH {
        assert_eq!(lan.outside.known_mac(at(2).addr(family)), Some(mac(2)), "it is not forgotten");
    }

    let (container, _) = connect(&mut lan, &network, mac(3));
    // Nobody has asked: the container says it of itself, in both families.
    for family in Family::BOTH {
        learned.until(at(2).addr(family), mac(3));
    }
    reaches(&lan.outside, &container);
    Ok(())
}

/// Where IPv6 was switched off for all links that there were, and for all new ones.
#[kernel_test]
pub fn a_container_in_which_ipv6_is_off_is_reached_at_its_address() -> Result<(), Skip> {
    let mut lan = Lan::new();
    let sandbox = Sandbox::create().unwrap();
    sandbox.set_sysctl("ipv6/conf/all/disable_ipv6", "1").unwrap();
    let (container, _) = connect_in(&mut lan, &network(), mac(2), sandbox);
    reaches(&lan.outside, &container);
    Ok(())
}
