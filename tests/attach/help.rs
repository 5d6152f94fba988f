//! A container, and what can be seen in it.

use crate::common::{Skip, name};
use std::net::IpAddr;
use std::process::Command;
use sublink::addr::ListAddresses;
use sublink::route::{ListRoutes, Table};
use sublink::{
    Attached, Endpoint, IfIndex, IpNetwork, LinkChange, LinkInfo, LinkSpec, ListLinks, MacvlanMode, NewLink, Result,
    Sandbox, Socket,
};

/// A container's namespace.
pub struct Pod {
    pub sandbox: Sandbox,
}

/// What a namespace holds that an attach could leave behind: links, addresses, routes.
#[derive(Debug, PartialEq, Eq)]
pub struct Contents(Vec<IfIndex>, Vec<Option<IpNetwork>>, Vec<Option<IpNetwork>>);

impl Pod {
    pub fn new() -> Self {
        Self { sandbox: Sandbox::create().expect("a namespace") }
    }

    /// The socket in it.
    pub fn inside(&mut self) -> &mut Socket {
        self.sandbox.socket()
    }

    pub fn attach(&mut self, host: &mut Socket, endpoint: &Endpoint<'_>) -> Result<Attached> {
        endpoint.attach(host, &mut self.sandbox)
    }

    pub fn contents(&mut self) -> Contents {
        let addresses = self.inside().snapshot(&ListAddresses::new()).expect("addresses");
        let mut routes = self.inside().snapshot(&ListRoutes::v4()).expect("routes");
        routes.extend(self.inside().snapshot(&ListRoutes::v6()).expect("routes"));
        Contents(
            links(self.inside()),
            addresses.iter().map(|address| address.addr).collect(),
            // What the kernel's workers have to do with its own routes to addresses, they do when they get to it.
            routes.iter().filter(|route| route.table != Some(Table::LOCAL)).map(|route| route.destination).collect(),
        )
    }

    pub fn link(&mut self, index: IfIndex) -> LinkInfo {
        self.inside().link_at(index).expect("the link").to_owned()
    }

    pub fn gateway(&mut self, list: ListRoutes) -> Option<IpAddr> {
        let route = self.inside().default_route(&list.table(Table::MAIN)).expect("routes");
        route.and_then(|route| route.gateway)
    }
}

/// The links of the socket's namespace.
pub fn links(socket: &mut Socket) -> Vec<IfIndex> {
    socket.snapshot(&ListLinks::new()).expect("links").iter().map(|link| link.index).collect()
}

pub fn ip(addr: &str) -> IpAddr {
    addr.parse().expect("an address")
}

pub fn net(addr: &str) -> IpNetwork {
    addr.parse().expect("a network")
}

/// `eth0` in bridge mode, with an address and a gateway of either family.
pub fn bridge_endpoint(parent: IfIndex) -> Endpoint<'static> {
    with_addresses(NewLink::macvlan(parent).mode(MacvlanMode::Bridge).name(name("eth0")).into())
}

pub fn with_addresses(link: LinkSpec<'static>) -> Endpoint<'static> {
    Endpoint::new(link)
        .addr(net("10.0.50.7/24"))
        .addr(net("fd50::7/64"))
        .nodad()
        .gateway(ip("10.0.50.1"))
        .gateway(ip("fd50::1"))
}

/// Makes the link a port of a bridge.
pub fn port_of_a_bridge(link: IfIndex) -> Result<(), Skip> {
    let made = Command::new("ip").args(["link", "add", "br0", "type", "bridge"]).output().expect("ip");
    match String::from_utf8_lossy(&made.stderr) {
        error if error.contains("Unknown device type") => return Err(Skip("this kernel has no bridge driver".into())),
        error => assert!(made.status.success(), "{error}"),
    }
    let mut socket = Socket::open().expect("a socket");
    let bridge = socket.index_of("br0").expect("the bridge");
    socket.change(&LinkChange::new(link).master(bridge)).expect("its port");
    Ok(())
}
