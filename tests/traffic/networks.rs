//! Containers with several networks: by which of them packets leave for far away.
//!
//! ```text
//!                  ┌─ eth0, network b, on p0 ─────── p1 ── outside, 10.0.0.1 ─┐
//!    the container ┤                                                          ├ both are 10.0.9.9
//!                  └─ eth1, network a, on q0 ─────── q1 ── outside, 10.0.1.1 ─┘
//! ```

use crate::common::{Skip, name};
use crate::lan::{Lan, words};
use crate::station::{Family, Place, Station, at};
use crate::waits::until_usable;
use std::io::ErrorKind;
use sublink::endpoint::{Detach, Fate};
use sublink::network::{Connection, Driver, Member, Subnet};
use sublink::{MacvlanMode, Network, NewAddress, Owner, Sandbox};
use sublink_tests::kernel_test;

/// In no subnet of the container's: it is reached by the default route.
const FAR: Place = Place { subnet: 9, host: 9 };

/// What is outside of a network's parent, and its place there: it is the gateway.
struct Outside {
    lan: Lan,
    gateway: Place,
}

impl Outside {
    fn of(parent: &str, other_end: &str, subnet: u8) -> Self {
        let (mut lan, gateway) = (Lan::on(parent, other_end), Place { subnet, host: 1 });
        let outside = &mut lan.outside;
        let own = outside.place;
        for place in [gateway, FAR].into_iter().filter(|place| *place != own) {
            for family in Family::BOTH {
                outside.sandbox.socket().apply(&NewAddress::new(outside.link, place.network(family)).nodad()).unwrap();
            }
            until_usable(outside.sandbox.netns(), place.addr(Family::V6));
        }
        Self { lan, gateway }
    }

    fn network(&self, network: &str, parent: &str) -> Network {
        let network = Network::new(network, Driver::Macvlan(MacvlanMode::Bridge)).unwrap().on(name(parent));
        Family::BOTH.into_iter().fold(network, |network, family| {
            let subnet = Subnet::new(self.gateway.network(family));
            network.subnet(subnet.gateway(self.gateway.addr(family)).unwrap())
        })
    }

    /// The container joins the network out of which this is the way.
    fn connect(&mut self, network: &Network, link: &str, sandbox: &mut Sandbox, others: &[Member]) -> Member {
        let addrs = Family::BOTH.map(|family| Place { host: 2, ..self.gateway }.network(family));
        let (owner, connection) = (Owner::new("tests").unwrap(), Connection::new(name(link), &addrs));
        let member = network.connect(&mut self.lan.host, &owner, sandbox, connection, others).unwrap();
        until_usable(sandbox.netns(), addrs[1].ip());
        member
    }
}

/// What the container sends far away leaves by the one, and not by the other: what that hears first is what is for itself.
#[track_caller]
fn leaves_by(container: &Station, one: &Outside, other: &Outside) {
    for family in Family::BOTH {
        let text = words("from afar", container, &one.lan.outside);
        container.try_send_to(FAR, family, &text).unwrap();
        one.lan.outside.hears(family, &text);
        let text = words("a word", container, &other.lan.outside);
        container.try_send_to(other.gateway, family, &text).unwrap();
        other.lan.outside.hears(family, &text);
    }
}

#[kernel_test]
pub fn packets_leave_by_the_network_that_has_the_default_route() -> Result<(), Skip> {
    let (mut b, mut a, mut c) = (Outside::of("p0", "p1", 0), Outside::of("q0", "q1", 1), Outside::of("r0", "r1", 2));
    let networks = [b.network("b", "p0"), a.network("a", "q0"), c.network("0", "r0").internal()];
    let mut sandbox = Sandbox::create().unwrap();
    let in_b = b.connect(&networks[0], "eth0", &mut sandbox, &[]);
    let mut container = Station::open(sandbox, in_b.attached.index, at(2));
    let mut members = vec![in_b];
    leaves_by(&container, &b, &b);
    let in_a = a.connect(&networks[1], "eth1", &mut container.sandbox, &members);
    leaves_by(&container, &a, &b);
    members.push(in_a);
    let in_c = c.connect(&networks[2], "eth2", &mut container.sandbox, &members);
    leaves_by(&container, &a, &b);
    leaves_by(&container, &a, &c);
    members.push(in_c);

    let in_a = members.remove(1);
    assert_eq!(
        in_a.disconnect(&mut a.lan.host, &mut container.sandbox, &members, &Detach::new()).unwrap().link,
        Fate::Deleted
    );
    leaves_by(&container, &b, &c);
    let in_b = members.remove(0);
    assert_eq!(
        in_b.disconnect(&mut b.lan.host, &mut container.sandbox, &members, &Detach::new()).unwrap().link,
        Fate::Deleted
    );
    for family in Family::BOTH {
        let error = container.try_send_to(FAR, family, "nothing").expect_err("an internal network leads nowhere");
        assert_eq!(error.kind(), ErrorKind::NetworkUnreachable, "{family:?}");
    }
    Ok(())
}
