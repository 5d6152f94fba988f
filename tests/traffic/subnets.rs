//! Subnets and routers.

use crate::common::{Skip, name};
use crate::lan::{Lan, Way, blocks, passes};
use crate::station::{Family, Place, Station, at, macvlan};
use crate::waits::until_usable;
use std::fs;
use std::io::ErrorKind;
use sublink::{Endpoint, MacvlanMode};
use sublink_tests::kernel_test;

/// The router's place in each of the two subnets.
const GATEWAYS: [Place; 2] = [at(254), Place { subnet: 1, host: 254 }];

/// Two networks, with a parent each.
fn lans() -> [Lan; 2] {
    [Lan::on("p0", "p1"), Lan::on("q0", "q1")]
}

/// A container in one of the two, with its gateway.
fn container(lans: &mut [Lan; 2], subnet: u8) -> Station {
    let lan = &mut lans[usize::from(subnet)];
    let place = Place { subnet, host: 2 + subnet };
    let link = macvlan(lan.parent, MacvlanMode::Bridge, place.host);
    let gateway = |family| GATEWAYS[usize::from(subnet)].addr(family);
    let endpoint = Endpoint::new(link).gateway(gateway(Family::V4)).gateway(gateway(Family::V6));
    Station::attach_as(&mut lan.host, endpoint, place)
}

/// A station with a leg in each.
fn router([one, other]: &mut [Lan; 2]) -> Station {
    let mut router = Station::attach(&mut one.host, macvlan(one.parent, MacvlanMode::Bridge, 254), GATEWAYS[0]);
    let leg = Endpoint::new(macvlan(other.parent, MacvlanMode::Bridge, 254).name(name("eth1"))).nodad();
    let leg = Family::BOTH.into_iter().fold(leg, |leg, family| leg.addr(GATEWAYS[1].network(family)));
    leg.attach(&mut other.host, &mut router.sandbox).unwrap();
    until_usable(router.sandbox.netns(), GATEWAYS[1].addr(Family::V6));
    router
}

fn set_forwarding(router: &Station, on: bool) {
    for file in ["/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv6/conf/all/forwarding"] {
        let written = router.sandbox.run(|| fs::write(file, if on { "1" } else { "0" })).unwrap();
        written.unwrap_or_else(|error| panic!("{file}: {error}"));
    }
}

#[kernel_test]
pub fn without_a_route_nothing_leaves() -> Result<(), Skip> {
    let mut lans = lans();
    let a = lans[0].container(macvlan(lans[0].parent, MacvlanMode::Bridge, 2), 2);
    let b = container(&mut lans, 1);
    for family in Family::BOTH {
        let error = a.try_send(&b, family, "nothing").expect_err("there is no route");
        assert_eq!(error.kind(), ErrorKind::NetworkUnreachable, "{family:?}");
    }
    Ok(())
}

#[kernel_test]
pub fn subnets_reach_each_other_by_a_router_that_forwards() -> Result<(), Skip> {
    let mut lans = lans();
    let [a, b] = [0, 1].map(|subnet| container(&mut lans, subnet));
    let router = router(&mut lans);
    for is_forwarding in [false, true, false] {
        set_forwarding(&router, is_forwarding);
        for (from, to) in [(&a, &b), (&b, &a)] {
            if is_forwarding {
                passes(from, to, &[Way::Discovered]);
            } else {
                blocks(from, to, &[Way::Discovered], [&router; 2]);
            }
        }
    }
    Ok(())
}
