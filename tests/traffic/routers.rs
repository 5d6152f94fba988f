//! A router on the LAN that advertises itself: who hears it has an address of its prefix and a default route by it, and nobody
//! hears it who did not ask.
//!
//! ```text
//!    containers ── p0 ─────── p1 ── outside, which says: fd99::/64 is here, and I am a router
//! ```
//!
//! The advertisement is a multicast, and the marker behind it a broadcast: both go by one queue to all containers, and the kernel
//! takes an advertisement in when it comes. So who has heard the marker has heard the advertisement, if ever.

use crate::common::{Skip, name};
use crate::lan::Lan;
use crate::station::{Family, Station};
use crate::waits::uninterrupted;
use nix::sys::socket::sockopt::Ipv6MulticastHops;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrIn6, bind, sendto, setsockopt, socket,
};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV6, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::Duration;
use sublink::addr::ListAddresses;
use sublink::link::Ipv6Setting;
use sublink::network::{Connection, Driver, Subnet};
use sublink::route::{ListRoutes, Table};
use sublink::socket::AddressWatch;
use sublink::value::RouteProtocol;
use sublink::{Endpoint, IfIndex, IpNetwork, MacvlanMode, Network, NewLink, Owner, Sandbox};
use sublink_tests::kernel_test;

const LIMIT: Duration = Duration::from_secs(120);

/// The port on which stations hear.
const PORT: u16 = 7774;

/// Router and prefix, both for 1,800 seconds.
#[rustfmt::skip]
const ADVERTISEMENT: [u8; 48] = [
    134, 0, 0, 0, // router advertisement; the kernel fills in the checksum
    64, 0, 7, 8, // hop limit, no flags, lifetime as a router
    0, 0, 0, 0, 0, 0, 0, 0,
    3, 4, 64, 0xc0, // prefix of 64 bits, which is on the link and for addresses
    0, 0, 7, 8, 0, 0, 7, 8, 0, 0, 0, 0,
    0xfd, 0x99, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
];

/// Says from outside that there is a router.
fn advertise(outside: &Station) {
    let link = outside.link;
    let own = AddressWatch::open_in(&outside.sandbox).unwrap().wait_link_local(link, LIMIT).unwrap();
    let say = || {
        let raw = socket(AddressFamily::Inet6, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::IcmpV6).unwrap();
        setsockopt(&raw, Ipv6MulticastHops, &255).unwrap();
        let at = |addr| SockaddrIn6::from(SocketAddrV6::new(addr, 0, 0, link.get()));
        bind(raw.as_raw_fd(), &at(own)).unwrap();
        let all_nodes = at(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1));
        sendto(raw.as_raw_fd(), &ADVERTISEMENT, &all_nodes, MsgFlags::empty()).unwrap();
    };
    outside.sandbox.run(say).unwrap();
}

/// A container that may hear a router.
struct Container {
    name: &'static str,
    sandbox: Sandbox,
    link: IfIndex,
    udp: UdpSocket,
}

impl Container {
    fn new(name: &'static str, sandbox: Sandbox, link: IfIndex) -> Self {
        let udp = sandbox.run(|| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, PORT))).unwrap().unwrap();
        udp.set_read_timeout(Some(LIMIT)).unwrap();
        Self { name, sandbox, link, udp }
    }

    fn hears(&self, text: &str) {
        let mut buf = [0; 64];
        let len = uninterrupted(|| self.udp.recv(&mut buf)).unwrap_or_else(|error| panic!("{}: {error}", self.name));
        assert_eq!(String::from_utf8_lossy(&buf[..len]), text, "{}", self.name);
    }

    /// Whether it has an address of the router's prefix, and a default route by the router.
    fn has_heard_router(&mut self) -> (bool, bool) {
        let inside = self.sandbox.socket();
        let prefix: IpNetwork = "fd99::/64".parse().unwrap();
        let addresses = inside.snapshot(&ListAddresses::new().index(self.link)).unwrap();
        let has_address = addresses.iter().any(|addr| addr.addr.is_some_and(|addr| prefix.contains(addr.ip())));
        let routes = inside.snapshot(&ListRoutes::v6().table(Table::MAIN)).unwrap();
        let is_default = |destination: Option<IpNetwork>| destination.is_some_and(|net| net.prefix() == 0);
        let has_route = routes.iter().any(|route| is_default(route.destination) || route.protocol == RouteProtocol::RA);
        (has_address, has_route)
    }
}

const V4: &str = "10.0.0.0/24";
const V6: &str = "fd00::/64";

/// The container number `host` of a network on the LAN's parent.
fn connected(lan: &mut Lan, name_here: &'static str, host: u8, network: &Network, with_v6: bool) -> Container {
    let mut sandbox = Sandbox::create().unwrap();
    let mut addrs: Vec<IpNetwork> = vec![format!("10.0.0.{host}/24").parse().unwrap()];
    if with_v6 {
        addrs.push(format!("fd00::{host}/64").parse().unwrap());
    }
    let connection = Connection::new(name("eth0"), &addrs);
    let member = network.connect(&mut lan.host, &Owner::new("tests").unwrap(), &mut sandbox, connection, &[]).unwrap();
    Container::new(name_here, sandbox, member.attached.index)
}

fn attached(lan: &mut Lan, name_here: &'static str, host: u8, settings: &[(Ipv6Setting, i32)]) -> Container {
    let mut sandbox = Sandbox::create().unwrap();
    let link = NewLink::macvlan(lan.parent).mode(MacvlanMode::Bridge).name(name("eth0"));
    let endpoint = Endpoint::new(link).addr(format!("10.0.0.{host}/24").parse().unwrap());
    let endpoint = settings.iter().fold(endpoint, |endpoint, (setting, value)| endpoint.ipv6(*setting, *value));
    let attached = endpoint.attach(&mut lan.host, &mut sandbox).unwrap();
    Container::new(name_here, sandbox, attached.index)
}

#[kernel_test]
pub fn only_who_asked_hears_a_router() -> Result<(), Skip> {
    use Ipv6Setting as S;
    let mut lan = Lan::new();
    let network = Network::new("net", Driver::Macvlan(MacvlanMode::Bridge)).unwrap().on(name("p0"));
    let network =
        [V4, V6].into_iter().fold(network, |network, subnet| network.subnet(Subnet::new(subnet.parse().unwrap())));
    let hearing = network.clone().accept_ra(true);
    let internal = hearing.clone().internal();
    let deaf = [
        connected(&mut lan, "IPv4 only", 11, &network, false),
        connected(&mut lan, "with an IPv6 address", 12, &network, true),
        connected(&mut lan, "internal, IPv4 only", 13, &internal, false),
        connected(&mut lan, "internal, with an IPv6 address", 14, &internal, true),
        attached(&mut lan, "accept_ra=0", 15, &[(S::ACCEPT_RA, 0)]),
        attached(&mut lan, "a router that does not ask for it", 16, &[(S::FORWARDING, 1), (S::ACCEPT_RA, 1)]),
    ];
    let hears = [
        connected(&mut lan, "IPv4 only, told to hear", 21, &hearing, false),
        connected(&mut lan, "with an IPv6 address, told to hear", 22, &hearing, true),
        attached(&mut lan, "told nothing", 23, &[]),
        attached(&mut lan, "a router that asks for it", 24, &[(S::FORWARDING, 1), (S::ACCEPT_RA, 2)]),
    ];
    advertise(&lan.outside);
    lan.outside.broadcast(Family::V4, "a marker");
    for (containers, expected) in [(deaf.into_iter().collect::<Vec<_>>(), false), (hears.into_iter().collect(), true)] {
        for mut container in containers {
            container.hears("a marker");
            assert_eq!(container.has_heard_router(), (expected, expected), "{}", container.name);
        }
    }
    Ok(())
}

/// An address may be made of it, or a route, or neither.
#[kernel_test]
pub fn who_hears_a_router_may_take_a_part_of_it() -> Result<(), Skip> {
    use Ipv6Setting as S;
    let mut lan = Lan::new();
    let rows = [
        (attached(&mut lan, "no address", 11, &[(S::AUTOCONF, 0)]), (false, true)),
        (attached(&mut lan, "no default route", 12, &[(S::ACCEPT_RA_DEFRTR, 0)]), (true, false)),
        (attached(&mut lan, "no prefix", 13, &[(S::ACCEPT_RA_PINFO, 0)]), (false, true)),
    ];
    advertise(&lan.outside);
    lan.outside.broadcast(Family::V4, "a marker");
    for (mut container, expected) in rows {
        container.hears("a marker");
        assert_eq!(container.has_heard_router(), expected, "{}", container.name);
    }
    Ok(())
}

/// The address that it makes has the lower half that it was told.
#[kernel_test]
pub fn a_token_is_the_lower_half_of_the_address() -> Result<(), Skip> {
    let mut lan = Lan::new();
    let mut sandbox = Sandbox::create().unwrap();
    let link = NewLink::macvlan(lan.parent).mode(MacvlanMode::Bridge).name(name("eth0"));
    let endpoint = Endpoint::new(link).addr("10.0.0.11/24".parse().unwrap()).token("::7".parse().unwrap());
    let attached = endpoint.attach(&mut lan.host, &mut sandbox).unwrap();
    let mut container = Container::new("with a token", sandbox, attached.index);
    advertise(&lan.outside);
    lan.outside.broadcast(Family::V4, "a marker");
    container.hears("a marker");
    let addresses = container.sandbox.socket().snapshot(&ListAddresses::new().index(container.link)).unwrap();
    let token: IpNetwork = "fd99::7/64".parse().unwrap();
    assert!(addresses.iter().any(|addr| addr.addr == Some(token)), "{addresses:?}");
    Ok(())
}
