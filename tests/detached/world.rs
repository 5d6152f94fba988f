//! A host, a container, and two namespaces that the container's root has made.
//!
//! ```text
//!   outside ── p1 ── p0, the host's parent ── eth0, in the container     nested     deep
//! ```
//!
//! From each of the three, datagrams are sent to the outside without pause. Each carries a number, so that those of before can
//! be told from those of after.

use crate::common::{mac, name, socket, vid};
use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use sublink::link::IpvlanMode;
use sublink::{Attached, Endpoint, IfIndex, LinkChange, LinkSpec, MacvlanMode, NewAddress, NewLink, Sandbox, Socket};

/// How long it is listened for what must not come.
pub const SILENCE: Duration = Duration::from_secs(3);

/// The longest wait for what must come.
pub const LIMIT: Duration = Duration::from_secs(120);

const OUTSIDE: &str = "10.9.0.254:9999";

pub struct World {
    pub host: Socket,
    pub parent: IfIndex,
    pub pod: Sandbox,
    pub nested: Sandbox,
    pub deep: Sandbox,
    pub attached: Attached,
    senders: Senders,
    outside: UdpSocket,
}

/// Threads that send, until they are dropped.
struct Senders {
    number: Arc<AtomicU8>,
    is_over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

/// What is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Macvlan(MacvlanMode),
    Macvtap,
    Vlan,
    Ipvlan,
}

pub const BRIDGE: Kind = Kind::Macvlan(MacvlanMode::Bridge);

impl World {
    /// The container is attached, and has reached the outside. The calling thread's namespace is the host's.
    pub fn new(kind: Kind) -> Self {
        let mut host = socket();
        let pair = NewLink::veth(NewLink::peer().name(name("p1")).mac(mac(254))).name(name("p0")).up();
        let parent = host.create(&pair).unwrap();
        let p1 = host.index_of("p1").unwrap();
        host.change(&LinkChange::new(p1).up()).unwrap();
        let outside = match kind {
            Kind::Vlan => host.create(&NewLink::vlan(p1, vid(50)).up()).unwrap(),
            _ => p1,
        };
        host.apply(&NewAddress::new(outside, "10.9.0.254/24".parse().unwrap())).unwrap();
        let senders = [mac(254)];
        let link: LinkSpec<'_> = match kind {
            Kind::Macvlan(MacvlanMode::Source) => NewLink::macvlan(parent).source(&senders).into(),
            Kind::Macvlan(mode) => NewLink::macvlan(parent).mode(mode).into(),
            Kind::Macvtap => NewLink::macvtap(parent).mode(MacvlanMode::Bridge).into(),
            Kind::Vlan => NewLink::vlan(parent, vid(50)).into(),
            Kind::Ipvlan => NewLink::ipvlan(parent).mode(IpvlanMode::L2).into(),
        };
        let [mut pod, nested, deep] = [(); 3].map(|()| Sandbox::create().unwrap());
        let endpoint = Endpoint::new(link.name(name("eth0"))).addr("10.9.0.7/24".parse().unwrap());
        let attached = endpoint.attach(&mut host, &mut pod).unwrap();
        let outside = UdpSocket::bind(OUTSIDE).unwrap();
        let senders = Senders::start([&pod, &nested, &deep]);
        let world = Self { host, parent, pod, nested, deep, attached, senders, outside };
        assert!(world.hears(0, LIMIT), "the container does not reach the outside at first");
        world
    }

    /// Whether the outside hears a datagram that was sent from now on, within `limit`.
    pub fn is_reached(&self, limit: Duration) -> bool {
        self.hears(self.senders.number.fetch_add(1, Ordering::SeqCst) + 1, limit)
    }

    fn hears(&self, number: u8, limit: Duration) -> bool {
        let end = Instant::now() + limit;
        self.outside.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let mut buf = [0; 1];
        while Instant::now() < end {
            if self.outside.recv(&mut buf).is_ok() && buf[0] >= number {
                return true;
            }
        }
        false
    }

    /// Brings a link up in a place and gives it an address of the outside's network.
    pub fn settle(place: &mut Sandbox, link: IfIndex, addr: &str) {
        place.socket().change(&LinkChange::new(link).up()).unwrap();
        place.socket().apply(&NewAddress::new(link, addr.parse().unwrap())).unwrap();
    }

    /// Moves a link from one place to another, where it goes on. Its index there.
    pub fn move_on(from: &mut Sandbox, link: IfIndex, to: &mut Sandbox) -> IfIndex {
        let old = from.socket().link_at(link).unwrap().if_name();
        from.socket().change(&LinkChange::move_to(link, to)).unwrap();
        let index = to.socket().index_of(old).unwrap();
        Self::settle(to, index, "10.9.0.7/24");
        index
    }

    /// The container's root stacks a macvlan on its own.
    pub fn stack(&mut self) -> IfIndex {
        let link = NewLink::macvlan(self.attached.index).mode(MacvlanMode::Bridge).name(name("mv1"));
        self.pod.socket().create(&link).unwrap()
    }
}

impl Senders {
    fn start(places: [&Sandbox; 3]) -> Self {
        let (number, is_over) = (Arc::new(AtomicU8::new(0)), Arc::new(AtomicBool::new(false)));
        let start = |place: &Sandbox| {
            let (number, is_over) = (number.clone(), is_over.clone());
            let from = place.run(|| UdpSocket::bind("0.0.0.0:0").unwrap()).unwrap();
            thread::spawn(move || {
                while !is_over.load(Ordering::SeqCst) {
                    let _ = from.send_to(&[number.load(Ordering::SeqCst)], OUTSIDE); // there may be no route
                    thread::sleep(Duration::from_millis(20));
                }
            })
        };
        let threads = places.map(start).into();
        Self { number, is_over, threads }
    }
}

impl Drop for Senders {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
