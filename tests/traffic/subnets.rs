//! Subnets and routers.

use crate::common::{Skip, name};
use crate::lan::{Lan, Way, blocks, passes};
use crate::station::{Family, Place, Station, at, macvlan};
use std::fs;
use std::io::ErrorKind;
use sublink::*;

/// The router's place in each of the two subnets.
const GATEWAYS: [Place; 2] = [at(254), Place { subnet: 1, host: 254 }];

/// A container in one of the two, with its gateway.
fn container(lan: &mut Lan, subnet: u8) -> Station {
    let place = Place { subnet, host: 2 + subnet };
    let link = macvlan(lan.parent, MacvlanMode::Bridge, place.host);
    let gateway = |family| GATEWAYS[usize::from(subnet)].addr(family);
    let endpoint = Endpoint::new(link).gateway(gateway(Family::V4)).gateway(gateway(Family::V6));
    Station::attach_as(&mut lan.host, endpoint, place)
}

/// A station with a leg in each.
fn router(lan: &mut Lan) -> Station {
    let mut router = Station::attach(&mut lan.host, macvlan(lan.parent, MacvlanMode::Bridge, 254), GATEWAYS[0]);
    let leg = macvlan(lan.parent, MacvlanMode::Bridge, 253).name(name("eth1"));
    let leg = Family::BOTH.into_iter().fold(Endpoint::new(leg).nodad(), |e, family| e.addr(GATEWAYS[1].network(family)));
    leg.attach(&mut lan.host, &router.netns, &mut router.inside).unwrap();
    router
}

fn set_forwarding(router: &Station, on: bool) {
    for file in ["/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv6/conf/all/forwarding"] {
        let written = router.netns.run(|| fs::write(file, if on { "1" } else { "0" })).unwrap();
        written.unwrap_or_else(|error| panic!("{file}: {error}"));
    }
}

pub fn without_a_route_nothing_leaves() -> Result<(), Skip> {
    let mut lan = Lan::new();
    let a = lan.container(macvlan(lan.parent, MacvlanMode::Bridge, 2), 2);
    let b = container(&mut lan, 1);
    for family in Family::BOTH {
        let error = a.try_send(&b, family, "nothing").expect_err("there is no route");
        assert_eq!(error.kind(), ErrorKind::NetworkUnreachable, "{family:?}");
    }
    Ok(())
}

pub fn subnets_reach_each_other_by_a_router_that_forwards() -> Result<(), Skip> {
    let mut lan = Lan::new();
    let [a, b] = [0, 1].map(|subnet| container(&mut lan, subnet));
    let router = router(&mut lan);
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
