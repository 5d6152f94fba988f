//! A station: a network namespace with one link, an IPv4 and an IPv6 address on it, and a UDP socket for each.
//!
//! Its sockets were opened inside, and are used from the test's own thread: so that everything is sent in the order in which
//! the test says it.

use crate::capture::Capture;
use crate::common::{mac, name};
use crate::neighbours::Neighbours;
use crate::waits::{uninterrupted, until_usable};
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket};
use std::time::Duration;
use sublink::link::Macvlan;
use sublink::{
    Endpoint, IfIndex, IpNetwork, LinkChange, LinkSpec, MacAddr, MacvlanMode, Netns, NewAddress, NewLink, Sandbox,
    Socket,
};

/// The longest wait for what must come. Nothing waits for what must not.
const LIMIT: Duration = Duration::from_secs(120);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    V4,
    V6,
}

impl Family {
    pub const BOTH: [Self; 2] = [Self::V4, Self::V6];

    /// Every station's. They are two, since an IPv6 socket takes the IPv4 packets of its port too.
    const fn port(self) -> u16 {
        7774 + 2 * self as u16
    }
}

/// Where a station is: 10.0.`subnet`.`host`/24 and fd00:0:0:`subnet`::`host`/64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub subnet: u8,
    pub host: u8,
}

/// A place in the subnet that most tests do with.
pub const fn at(host: u8) -> Place {
    Place { subnet: 0, host }
}

impl Place {
    pub fn addr(self, family: Family) -> IpAddr {
        let Self { subnet, host } = self;
        match family {
            Family::V4 => Ipv4Addr::new(10, 0, subnet, host).into(),
            Family::V6 => Ipv6Addr::new(0xfd00, 0, 0, subnet.into(), 0, 0, 0, host.into()).into(),
        }
    }

    pub fn network(self, family: Family) -> IpNetwork {
        let prefix = if family == Family::V4 { 24 } else { 64 };
        IpNetwork::new(self.addr(family), prefix).expect("a network")
    }
}

#[derive(Debug)]
pub struct Station {
    pub place: Place,
    pub sandbox: Sandbox,
    pub link: IfIndex,
    pub mac: MacAddr,
    neighbours: Neighbours,
    udp: [UdpSocket; 2],
}

/// As its IPv4 address: that is what messages of tests call it.
impl fmt::Display for Station {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.place.addr(Family::V4).fmt(f)
    }
}

/// A link for the container at `host`, which has this number in its MAC address too.
pub fn macvlan(parent: IfIndex, mode: MacvlanMode, host: u8) -> NewLink<'static, Macvlan<'static>> {
    NewLink::macvlan(parent).mode(mode).name(name("eth0")).mac(mac(host))
}

impl Station {
    /// A container in a namespace of its own, attached to a parent in the namespace of `host`.
    pub fn attach<'a>(host: &mut Socket, link: impl Into<LinkSpec<'a>>, place: Place) -> Self {
        Self::attach_as(host, Endpoint::new(link), place)
    }

    /// The same, with more than a link and its addresses.
    pub fn attach_as(host: &mut Socket, endpoint: Endpoint<'_>, place: Place) -> Self {
        let mut sandbox = Sandbox::create().expect("a namespace");
        for links in ["all", "default"] {
            let arp_notify = format!("ipv4/conf/{links}/arp_notify");
            sandbox.set_sysctl(&arp_notify, "0").expect("a setting"); // the machine's is handed down
        }
        let endpoint = Family::BOTH.into_iter().fold(endpoint.nodad(), |e, family| e.addr(place.network(family)));
        let attached = endpoint.attach(host, &mut sandbox).expect("an endpoint");
        Self::open(sandbox, attached.index, place)
    }

    /// A link that is there already, which is given its addresses and brought up.
    pub fn settle(netns: Netns, link: IfIndex, place: Place) -> Self {
        let mut sandbox = Sandbox::of(netns).expect("a socket");
        let inside = sandbox.socket();
        for family in Family::BOTH {
            inside.apply(&NewAddress::new(link, place.network(family)).nodad()).expect("an address");
        }
        inside.change(&LinkChange::new(link).up()).expect("up");
        Self::open(sandbox, link, place)
    }

    /// A namespace with a link that has its addresses and is up.
    pub fn open(mut sandbox: Sandbox, link: IfIndex, place: Place) -> Self {
        let any = [Ipv4Addr::UNSPECIFIED.into(), IpAddr::from(Ipv6Addr::UNSPECIFIED)];
        let bind =
            || Family::BOTH.map(|family| UdpSocket::bind((any[family as usize], family.port())).expect("a port"));
        let udp = sandbox.run(bind).expect("its thread");
        for udp in &udp {
            udp.set_read_timeout(Some(LIMIT)).expect("a limit");
        }
        udp[0].set_broadcast(true).expect("broadcasts");
        until_usable(sandbox.netns(), place.addr(Family::V6));
        let neighbours = sandbox.run(|| Neighbours::open(link)).expect("its thread");
        let read = sandbox.socket().link_at(link).expect("its link");
        let mac = read.mac().mac().expect("its MAC address");
        Self { place, sandbox, link, mac, neighbours, udp }
    }

    /// A netlink socket inside.
    pub fn inside(&mut self) -> &mut Socket {
        self.sandbox.socket()
    }

    pub fn udp(&self, family: Family) -> &UdpSocket {
        &self.udp[family as usize]
    }

    pub fn send(&self, to: &Station, family: Family, text: &str) {
        self.try_send(to, family, text).unwrap_or_else(|error| panic!("{self} sends `{text}`: {error}"));
    }

    pub fn try_send(&self, to: &Station, family: Family, text: &str) -> io::Result<()> {
        self.try_send_to(to.place, family, text)
    }

    pub fn try_send_to(&self, to: Place, family: Family, text: &str) -> io::Result<()> {
        let to = SocketAddr::new(to.addr(family), family.port());
        self.udp(family).send_to(text.as_bytes(), to).map(|_| ())
    }

    /// Sends to all on the link: the subnet's broadcast address, or the group of all IPv6 nodes.
    pub fn broadcast(&self, family: Family, text: &str) {
        let all = match self.place.network(family) {
            IpNetwork::V4(network) => SocketAddr::new(network.broadcast().into(), family.port()),
            IpNetwork::V6(_) => {
                let all_nodes = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
                SocketAddrV6::new(all_nodes, family.port(), 0, self.link.get()).into()
            }
        };
        let sent = self.udp(family).send_to(text.as_bytes(), all);
        sent.unwrap_or_else(|error| panic!("{self} broadcasts `{text}`: {error}"));
    }

    /// Waits for a text. That is the next one for this station, or the test has failed; what is said to others, it ignores.
    #[track_caller]
    pub fn hears(&self, family: Family, expected: &str) {
        let mut buf = [0; 256];
        loop {
            let received = uninterrupted(|| self.udp(family).recv(&mut buf));
            let len = received.unwrap_or_else(|error| panic!("{self} does not hear `{expected}`: {error}"));
            let text = String::from_utf8_lossy(&buf[..len]);
            if text == expected {
                return;
            }
            assert!(!text.ends_with(&format!(" to {self}")), "{self} hears `{text}`, before `{expected}`");
        }
    }

    /// Knows the other's MAC address without asking for it.
    pub fn pin(&self, to: &Station, family: Family) {
        self.neighbours.pin(to.place.addr(family), to.mac);
    }

    /// The MAC address that it knows somebody by.
    pub fn known_mac(&self, addr: IpAddr) -> Option<MacAddr> {
        self.neighbours.get(addr)
    }

    /// Forgets the other's MAC address, and whatever packet waits for it.
    pub fn forget(&self, to: &Station, family: Family) {
        self.neighbours.forget(to.place.addr(family));
    }

    /// From now on keeps every frame of every link in its namespace.
    pub fn capture(&self) -> Capture {
        self.sandbox.run(Capture::open).expect("its thread")
    }
}
