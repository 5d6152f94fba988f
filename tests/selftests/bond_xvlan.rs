//! `drivers/net/bonding/bond_macvlan_ipvlan.sh`, on the links of `bond_topo_2d1c.sh`: containers on a bond reach each other and
//! the network, and are reached.
//!
//! ```text
//!   first  second         containers: macvlans in bridge mode, or ipvlans in L2 mode
//!       bond0             the server: the test's own namespace
//!     eth0  eth1
//!     s0      s1
//!        br0              the gateway
//!        c0
//!        eth0             the client
//! ```

use crate::common::{Skip, name, needs, socket};
use crate::tools::{Peer, bond, here, run};
use sublink::link::IpvlanMode;
use sublink::{Endpoint, IfIndex, IpNetwork, LinkChange, LinkSpec, MacvlanMode, NewAddress, NewLink, Sandbox, Socket};
use sublink_tests::kernel_test;

const SERVER: [&str; 2] = ["192.0.2.1/24", "2001:db8::1/64"];
const CLIENT: [&str; 2] = ["192.0.2.10/24", "2001:db8::10/64"];
const FIRST: [&str; 2] = ["192.0.2.11/24", "2001:db8::11/64"];
const SECOND: [&str; 2] = ["192.0.2.12/24", "2001:db8::12/64"];

fn networks(of: [&str; 2]) -> [IpNetwork; 2] {
    of.map(|network| network.parse().unwrap())
}

fn give(inside: &mut Socket, link: IfIndex, addrs: [&str; 2]) {
    for addr in networks(addrs) {
        inside.apply(&NewAddress::new(link, addr).nodad()).unwrap();
    }
}

fn peers(sandbox: &Sandbox, addrs: [&str; 2]) -> [Peer; 2] {
    networks(addrs).map(|addr| Peer::new(sandbox.netns(), addr.ip()))
}

/// A veth pair to the gateway's bridge, of which this end is in `netns`; both ends are up.
fn cable(inside: &mut Socket, this: &str, gateway: &mut Sandbox, that: &str, bridge: IfIndex) -> IfIndex {
    let peer = NewLink::peer().name(name(that)).netns(gateway.netns());
    let index = inside.create(&NewLink::veth(peer).name(name(this))).unwrap();
    let that = gateway.socket().index_of(that).unwrap();
    gateway.socket().change(&LinkChange::new(that).master(bridge)).unwrap();
    gateway.socket().change(&LinkChange::new(that).up()).unwrap();
    index
}

/// Everybody reaches everybody, by IPv4 and IPv6.
fn goes_through(mode: &str, kind: &str, container: impl Fn(IfIndex) -> LinkSpec<'static>) -> Result<(), Skip> {
    bond("bond0", &format!("mode {mode} miimon 100"))?;
    let (mut server, mut gateway, mut client) = (socket(), Sandbox::create().unwrap(), Sandbox::create().unwrap());
    gateway.run(|| run("ip link add br0 up type bridge mcast_snooping 0")).unwrap();
    let bridge = gateway.socket().index_of("br0").unwrap();
    let bond0 = server.index_of("bond0").unwrap();
    for (this, that) in [("eth0", "s0"), ("eth1", "s1")] {
        let port = cable(&mut server, this, &mut gateway, that, bridge);
        server.change(&LinkChange::new(port).master(bond0)).unwrap();
    }
    server.change(&LinkChange::new(bond0).up()).unwrap();
    give(&mut server, bond0, SERVER);
    let eth0 = cable(client.socket(), "eth0", &mut gateway, "c0", bridge);
    client.socket().change(&LinkChange::new(eth0).up()).unwrap();
    give(client.socket(), eth0, CLIENT);

    let attach = |server: &mut Socket, addrs| {
        let mut pod = Sandbox::create().unwrap();
        let endpoint = Endpoint::new(container(bond0).name(name("eth0"))).nodad();
        let endpoint = networks(addrs).into_iter().fold(endpoint, Endpoint::addr);
        endpoint.attach(server, &mut pod).unwrap_or_else(|error| panic!("{mode}, {kind}: {error}"));
        pod
    };
    let (first, second) = (attach(&mut server, FIRST), attach(&mut server, SECOND));
    let here = Sandbox::of(here()).unwrap();
    let [server, client] = [(&here, SERVER), (&client, CLIENT)].map(|(sandbox, addrs)| peers(sandbox, addrs));
    let [first, second] = [(&first, FIRST), (&second, SECOND)].map(|(sandbox, addrs)| peers(sandbox, addrs));
    for (from, to, what) in [
        (&client, &server, "client to server"),
        (&client, &first, "client to first"),
        (&client, &second, "client to second"),
        (&first, &second, "first to second"),
        (&server, &client, "server to client"),
        (&first, &client, "first to client"),
        (&second, &client, "second to client"),
        (&second, &first, "second to first"),
    ] {
        for (from, to) in from.iter().zip(to) {
            from.reaches(to, &format!("{mode}, {kind}, {what}"));
        }
    }
    Ok(())
}

fn macvlan(parent: IfIndex) -> LinkSpec<'static> {
    NewLink::macvlan(parent).mode(MacvlanMode::Bridge).into()
}

fn ipvlan(parent: IfIndex) -> LinkSpec<'static> {
    NewLink::ipvlan(parent).mode(IpvlanMode::L2).into()
}

#[kernel_test]
fn macvlans_on_active_backup() -> Result<(), Skip> {
    goes_through("active-backup", "macvlan", macvlan)
}

#[kernel_test]
fn macvlans_on_balance_tlb() -> Result<(), Skip> {
    goes_through("balance-tlb", "macvlan", macvlan)
}

#[kernel_test]
fn macvlans_on_balance_alb() -> Result<(), Skip> {
    goes_through("balance-alb", "macvlan", macvlan)
}

#[kernel_test]
fn ipvlans_on_active_backup() -> Result<(), Skip> {
    needs("ipvlan")?;
    goes_through("active-backup", "ipvlan", ipvlan)
}

#[kernel_test]
fn ipvlans_on_balance_tlb() -> Result<(), Skip> {
    needs("ipvlan")?;
    goes_through("balance-tlb", "ipvlan", ipvlan)
}

#[kernel_test]
fn ipvlans_on_balance_alb() -> Result<(), Skip> {
    needs("ipvlan")?;
    goes_through("balance-alb", "ipvlan", ipvlan)
}
