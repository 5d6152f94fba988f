//! What entries made by hand let through: forwarding entries, proxies, permanent neighbours.

use crate::capture::Capture;
use crate::common::{LIMIT, Skip, mac, name};
use crate::lan::{Lan, words};
use crate::neighbours::Learned;
use crate::station::{Family, Station, at};
use crate::tools::{ip, try_ip};
use std::net::IpAddr;
use sublink::link::MacvlanFlags;
use sublink::neigh::{
    AskNeighbour, DeleteForwarding, DeleteNeighbour, GetNeighbour, NeighbourState, NewForwarding, NewNeighbour,
    NewProxy,
};
use sublink::socket::AddressWatch;
use sublink::{IfIndex, LinkChange, MacAddr, MacvlanMode, Netns, NewAddress, NewLink, NewRoute, Socket};
use sublink_tests::kernel_test;

/// A second MAC address, which is behind the container.
const SECOND: u8 = 0x55;

/// A bridge on the parent: what is on it gets only what is for its own MAC addresses, as a network card does that is not
/// promiscuous. The kernel makes a bridge promiscuous as long as it has others to let in.
fn bridge_on(lan: &mut Lan) -> Result<IfIndex, Skip> {
    match try_ip("link add br7 type bridge mcast_snooping 0") {
        Err(error) if error.contains("Unknown device type") => {
            return Err(Skip("this kernel has no bridge driver".into()));
        }
        made => made.expect("a bridge"),
    }
    let bridge = lan.host.index_of("br7").expect("the bridge");
    lan.host.change(&LinkChange::new(lan.parent).master(bridge)).expect("its port");
    lan.host.change(&LinkChange::new(bridge).up()).expect("up");
    crate::waits::until_link_works(&Netns::current().expect("this namespace"), bridge);
    Ok(bridge)
}

/// Sends from outside to a MAC address, and behind that to the container's own. Whether the container sees the first.
fn sees(container: &mut Station, outside: &mut Station, capture: &Capture, to: MacAddr) -> bool {
    let ([first, last], address) = ([words("first", outside, container), words("last", outside, container)], at(77));
    let there = address.addr(Family::V4);
    let link = outside.link;
    outside.inside().apply(&NewNeighbour::new(link, there, to).replace()).expect("a neighbour");
    outside.try_send_to(address, Family::V4, &first).expect("sent");
    outside.pin(container, Family::V4);
    outside.send(container, Family::V4, &last);
    let frames = capture.frames_until(&last);
    let link = container.link.get();
    frames.iter().any(|frame| frame.link == link && frame.holds(&first) && frame.receiver() == to.bytes())
}

/// A passthru macvlan that leaves its parent as it is has the parent's MAC address only, until it is told of others.
#[kernel_test]
pub fn a_passthru_macvlan_gets_frames_for_a_second_mac_only_after_an_entry() -> Result<(), Skip> {
    let mut lan = Lan::new();
    let bridge = bridge_on(&mut lan)?;
    let link = NewLink::macvlan(bridge).mode(MacvlanMode::Passthru).flags(MacvlanFlags::NOPROMISC).name(name("eth0"));
    let mut container = lan.container(link, 2);
    let capture = container.capture();
    let eth0 = container.link;
    let mut is_let_in = |container: &mut Station| sees(container, &mut lan.outside, &capture, mac(SECOND));
    assert!(!is_let_in(&mut container));
    // Since Linux 7.2 a worker of the kernel's passes an entry on to the parent; a change of the link awaits that.
    let up = LinkChange::new(eth0).up();
    container.inside().apply(&NewForwarding::new(eth0, mac(SECOND).into())).unwrap();
    container.inside().change(&up).unwrap();
    assert!(is_let_in(&mut container));
    container.inside().apply(&DeleteForwarding::new(eth0, mac(SECOND).into())).unwrap();
    container.inside().change(&up).unwrap();
    assert!(!is_let_in(&mut container));
    Ok(())
}

/// What is behind a host that routes is found by those who take it to be on their network.
#[kernel_test]
pub fn a_proxy_entry_answers() -> Result<(), Skip> {
    let mut lan = Lan::new();
    let host = lan.host_station();
    let behind = at(9);
    let pair = NewLink::veth(NewLink::peer().name(name("q1"))).name(name("q0"));
    let q0 = lan.host.create(&pair.up()).unwrap();
    let q1 = lan.host.index_of("q1").unwrap();
    lan.host.change(&LinkChange::new(q1).up()).unwrap();
    lan.host.apply(&NewAddress::new(q0, "10.9.9.1/24".parse().unwrap())).unwrap();
    let sandbox = sublink::Sandbox::here().unwrap();
    for (file, value) in [
        ("ipv4/conf/p0/forwarding", "1"),
        ("ipv4/neigh/p0/proxy_delay", "0"),
        ("ipv6/conf/all/forwarding", "1"),
        ("ipv6/conf/p0/proxy_ndp", "1"),
        ("ipv6/neigh/p0/proxy_delay", "0"),
    ] {
        sandbox.set_sysctl(file, value).unwrap_or_else(|error| panic!("{file}: {error}"));
    }
    // Linux asks for a neighbour of IPv6 from its link-local address, and asks nobody before that is usable.
    let outside = lan.outside.link;
    let link_local = lan.outside.sandbox.run(|| AddressWatch::open()?.wait_link_local(outside, LIMIT));
    link_local.expect("its thread").expect("a link-local address");
    for family in Family::BOTH {
        let addr = behind.addr(family);
        lan.host.apply(&NewRoute::new(addr.into()).index(q0)).unwrap();
        let learned = lan.outside.sandbox.run(Learned::open).unwrap();
        lan.outside.inside().apply(&AskNeighbour::new(outside, addr)).unwrap();
        let unanswered = lan.outside.inside().neighbour(&GetNeighbour::new(outside, addr)).unwrap();
        assert_eq!(unanswered.mac, None, "{family:?}: nobody is there");
        strike_out(lan.outside.inside(), outside, addr);

        lan.host.apply(&NewProxy::new(lan.parent, addr)).unwrap();
        lan.outside.inside().apply(&AskNeighbour::new(outside, addr)).unwrap();
        learned.until(addr, host.mac);
        let answered = lan.outside.inside().neighbour(&GetNeighbour::new(outside, addr)).unwrap();
        assert_eq!((answered.mac, answered.state), (Some(host.mac), NeighbourState::Reachable), "{family:?}");
    }
    Ok(())
}

/// Strikes out a neighbour that has not answered. The kernel forgets it by itself when it gets to it.
fn strike_out(socket: &mut Socket, link: IfIndex, addr: IpAddr) {
    if let Err(error) = socket.apply(&DeleteNeighbour::new(link, addr)) {
        assert_eq!(error.raw_os_error(), Some(nix::errno::Errno::ENOENT as i32), "{error}");
    }
}

/// It answers neither ARP nor neighbour discovery.
#[kernel_test]
pub fn a_permanent_neighbour_is_reached_though_it_is_silent() -> Result<(), Skip> {
    let mut lan = Lan::new();
    let mut container = lan.container(crate::station::macvlan(lan.parent, MacvlanMode::Bridge, 2), 2);
    lan.outside.sandbox.run(|| ip("link set p1 arp off")).unwrap();
    let (eth0, silent) = (container.link, lan.outside.mac);
    for family in Family::BOTH {
        let addr = lan.outside.place.addr(family);
        let [lost, heard] = [words("lost", &container, &lan.outside), words("heard", &container, &lan.outside)];
        container.send(&lan.outside, family, &lost);
        let asked = container.inside().neighbour(&GetNeighbour::new(eth0, addr)).unwrap();
        assert_eq!(asked.mac, None, "{family:?}: {asked:?}");
        strike_out(container.inside(), eth0, addr); // with what waits for it

        container.inside().apply(&NewNeighbour::new(eth0, addr, silent)).unwrap();
        container.send(&lan.outside, family, &heard);
        lan.outside.hears(family, &heard);
    }
    Ok(())
}
