//! Two containers attached to one VLAN by macvlans, and what they hear: each other and the world outside, not their host. It
//! needs no root, and happens in namespaces of its own, so that no link of the machine is touched. It fails if anything is
//! not as it says.
//!
//! ```text
//!        c1                c2
//!   eth0 10.0.50.11   eth0 10.0.50.12        each a macvlan, in bridge mode
//!         └───────┬────────┘
//!   eth0.50 10.0.50.2, the host              VLAN 50 of eth0, where the kernel has VLANs
//!               eth0
//!                 │ a cable
//!               switch
//!   switch.50 10.0.50.1, outside             the gateway
//! ```
//!
//! ```console
//! $ cargo run --example attach
//! ```

mod stage;

use stage::{note, timed};
use std::io::ErrorKind::{Interrupted, WouldBlock};
use std::net::{IpAddr, UdpSocket};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use sublink::addr::DeleteAddress;
use sublink::endpoint::{Detach, Fate, detach_many};
use sublink::{
    Attached, Endpoint, IfIndex, IfName, IpNetwork, LinkChange, ListLinks, MacAddr, MacvlanMode, Netns, NewAddress,
    NewLink, Sandbox, Socket, VlanId,
};

fn main() -> ExitCode {
    stage::run(example)
}

fn example() -> stage::Result {
    let mut host = Socket::open()?;
    let outside = Netns::create()?;
    let parent = lay_cable(&mut host, &outside)?;
    let host_station = Station::open("the host", Sandbox::here()?, 2)?;
    let outside = Station::open("outside", Sandbox::of(outside)?, 1)?;

    println!();
    let mut c1 = Container::attach(&mut host, parent, "c1", 11)?;
    let c2 = Container::attach(&mut host, parent, "c2", 12)?;

    println!();
    for (from, to) in [(&c1.station, &c2.station), (&c2.station, &c1.station), (&c1.station, &outside)] {
        for family in FAMILIES {
            let what = format!("a UDP packet from {} to {}, {family}", from.name, to.name);
            let heard = timed(&what, || is_heard(from, to, family, PATIENCE))?;
            ensure(heard, || format!("{} was not heard by {}", from.name, to.name))?;
        }
    }
    for (from, to) in [(&host_station, &c1.station), (&c1.station, &host_station)] {
        for family in FAMILIES {
            let what = format!("nothing from {} to {}, {family}: a macvlan and its host are apart", from.name, to.name);
            let heard = timed(&what, || is_heard(from, to, family, SILENCE))?;
            ensure(!heard, || format!("{} was heard by {}", from.name, to.name))?;
        }
    }

    println!();
    c1.check("check c1 against what was asked for", 0)?;
    c1.station.sandbox.socket().apply(&DeleteAddress::new(c1.attached.index, c1.station.addrs[0]))?;
    c1.check("check it again, after it has dropped an address", 2)?;

    println!();
    let both = [c1, c2].map(|container| (container.station.sandbox, container.attached));
    for detached in timed("detach both, together", || {
        detach_many(&mut host, &both.each_ref().map(|(sandbox, attached)| (sandbox.netns(), *attached)), &Detach::new())
    }) {
        let detached = detached?;
        ensure(detached.link == Fate::Deleted, || format!("a link was to be deleted, but {detached}"))?;
    }
    for (mut sandbox, _) in both {
        let left = sandbox.socket().snapshot(&ListLinks::new())?;
        ensure(left.len() == 1, || format!("more than lo is left: {left:?}"))?;
    }
    note("Only lo is left in either.");
    Ok(())
}

/// eth0, its other end outside, and the parent on it: eth0.50, or where the kernel has no VLANs eth0 itself. Host and outside
/// get addresses.
fn lay_cable(host: &mut Socket, outside: &Netns) -> stage::Result<IfIndex> {
    let far_end = NewLink::peer().name(IfName::new("switch")?).netns(&outside);
    let cable = NewLink::veth(far_end).name(IfName::new("eth0")?).up();
    let eth0 = timed("create eth0, and the switch outside that it is plugged into", || host.create(&cable))?;
    let mut beyond = Socket::open_in(outside)?;
    let switch = beyond.index_of("switch")?;
    beyond.change(&LinkChange::new(switch).up())?;

    let vlan_50 = |socket: &mut Socket, trunk, name| {
        let vlan = NewLink::vlan(trunk, VlanId::new(50)?).name(IfName::new(name)?).up();
        socket.create(&vlan)
    };
    let (parent, gateway) = match timed("create eth0.50, VLAN 50 on it", || vlan_50(host, eth0, "eth0.50")) {
        Ok(parent) => (parent, vlan_50(&mut beyond, switch, "switch.50")?),
        Err(error) if error.is_not_supported() => {
            note(&format!("{error}\nThe containers go on eth0 itself instead."));
            (eth0, switch)
        }
        Err(error) => return Err(error.into()),
    };
    for (socket, link, number) in [(&mut *host, parent, 2), (&mut beyond, gateway, 1)] {
        for addr in addrs(number)? {
            socket.apply(&NewAddress::new(link, addr).nodad())?;
        }
    }
    Ok(parent)
}

/// Something attached, and what it was to be.
struct Container {
    station: Station,
    endpoint: Endpoint<'static>,
    attached: Attached,
}

impl Container {
    /// A namespace with a macvlan on `parent`.
    fn attach(host: &mut Socket, parent: IfIndex, name: &'static str, number: u8) -> stage::Result<Self> {
        let mut sandbox = Sandbox::create()?; // a runtime has it already: Sandbox::open("/run/netns/c1")
        let link = NewLink::macvlan(parent).mode(MacvlanMode::Bridge).name(IfName::new("eth0")?).mac(MacAddr::random());
        let [v4, v6] = addrs(number)?;
        let endpoint =
            Endpoint::new(link).addr(v4).addr(v6).nodad().gateway("10.0.50.1".parse()?).gateway("fd50::1".parse()?);
        let what = format!("attach {name}: {v4}, {v6}, two default routes");
        let attached = timed(&what, || endpoint.attach(host, &mut sandbox))?;
        let mac = attached.mac.map_or_else(String::new, |mac| format!(", {mac}"));
        note(&format!("It is {} there, link {}{mac}.", attached.name, attached.index));
        Ok(Self { station: Station::open(name, sandbox, number)?, endpoint, attached })
    }

    /// Compares what there is with what was asked for, and expects this many differences.
    fn check(&mut self, what: &str, expected: usize) -> stage::Result {
        let differences = timed(what, || self.endpoint.check(&self.attached, &mut self.station.sandbox))?;
        note(if differences.is_empty() { "It is all there." } else { "It differs:" });
        for difference in &differences {
            note(&format!("  {difference}"));
        }
        ensure(differences.len() == expected, || format!("{expected} differences were expected"))
    }
}

/// A namespace that sends and receives.
struct Station {
    name: &'static str,
    sandbox: Sandbox,
    addrs: [IpNetwork; 2],
    udp: [UdpSocket; 2],
}

#[derive(Clone, Copy)]
enum Family {
    V4,
    V6,
}

const FAMILIES: [Family; 2] = [Family::V4, Family::V6];

/// How long a packet is waited for that must come; the first may have to wait for the links to be ready.
const PATIENCE: Duration = Duration::from_secs(10);
/// And one that must not come.
const SILENCE: Duration = Duration::from_millis(250);

impl Station {
    /// Opens a socket on each of the addresses, in the namespace; they work from here.
    fn open(name: &'static str, sandbox: Sandbox, number: u8) -> stage::Result<Self> {
        let addrs = addrs(number)?;
        let [v4, v6] = sandbox.run(|| addrs.map(|addr| UdpSocket::bind((addr.ip(), 7777))))?;
        let udp = [v4?, v6?];
        for udp in &udp {
            udp.set_read_timeout(Some(Duration::from_millis(50)))?;
        }
        Ok(Self { name, sandbox, addrs, udp })
    }
}

/// Sends from one to the other until it is heard, for at most this time.
fn is_heard(from: &Station, to: &Station, family: Family, limit: Duration) -> std::io::Result<bool> {
    let (sender, receiver) = (&from.udp[family as usize], &to.udp[family as usize]);
    let text = format!("{} to {}", from.name, to.name);
    let (start, mut buf) = (Instant::now(), [0; 64]);
    while start.elapsed() < limit {
        sender.send_to(text.as_bytes(), receiver.local_addr()?)?;
        match receiver.recv(&mut buf) {
            Ok(len) if buf.get(..len) == Some(text.as_bytes()) => return Ok(true),
            Ok(_) => {} // sent twice, for an earlier step
            Err(error) if matches!(error.kind(), WouldBlock | Interrupted) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

impl std::fmt::Display for Family {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if matches!(self, Self::V4) { "IPv4" } else { "IPv6" })
    }
}

/// The addresses of station `number`.
fn addrs(number: u8) -> stage::Result<[IpNetwork; 2]> {
    let v4 = IpNetwork::new(IpAddr::from([10, 0, 50, number]), 24)?;
    Ok([v4, format!("fd50::{number}/64").parse()?])
}

fn ensure(is_so: bool, otherwise: impl FnOnce() -> String) -> stage::Result {
    if is_so { Ok(()) } else { Err(otherwise().into()) }
}
