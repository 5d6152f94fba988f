//! Neighbours, proxy entries and forwarding entries.

use super::Answer::{Explained, Neither, Words};
use super::Scene::{Elsewhere, Never};
use super::addresses::switch_ipv6_off;
use super::{On, Row, World, known, row};
use crate::common::{mac, name};
use crate::help::index;
use nix::errno::Errno;
use std::net::IpAddr;
use sublink::neigh::{
    AskNeighbour, DeleteForwarding, DeleteNeighbour, GetNeighbour, NewForwarding, NewNeighbour, NewProxy,
};
use sublink::{IfIndex, MacvlanMode, NewLink, Result};

const V4: &str = "10.0.0.7";
const V6: &str = "fd00::7";

fn ip(addr: &str) -> IpAddr {
    addr.parse().expect("an address")
}

fn on(link: IfIndex, addr: &str) -> NewNeighbour {
    NewNeighbour::new(link, ip(addr), mac(1))
}

impl World {
    /// A neighbour of p0.
    fn neighbour(&mut self, addr: &str) -> Result<()> {
        self.socket.apply(&on(self.p0, addr))
    }

    fn forget(&mut self, link: IfIndex, addr: &str) -> Result<()> {
        self.socket.apply(&DeleteNeighbour::new(link, ip(addr)))
    }

    fn read(&mut self, link: IfIndex, addr: &str) -> Result<()> {
        self.socket.neighbour(&GetNeighbour::new(link, ip(addr))).map(drop)
    }

    fn let_in(&mut self, link: IfIndex) -> Result<()> {
        self.socket.apply(&NewForwarding::new(link, mac(7).into()))
    }

    fn let_in_no_longer(&mut self, link: IfIndex) -> Result<()> {
        self.socket.apply(&DeleteForwarding::new(link, mac(7).into()))
    }

    fn lo(&mut self) -> IfIndex {
        self.socket.index_of("lo").unwrap()
    }

    /// A macvlan on p0 with the MAC address that the forwarding entries here have.
    fn macvlan(&mut self) -> IfIndex {
        let link = NewLink::macvlan(self.p0).mode(MacvlanMode::Bridge).name(name("mv0")).mac(mac(7));
        self.socket.create(&link.up()).unwrap()
    }
}

const ADD: &str = "add neighbour";
const REPLACE: &str = "replace neighbour";
const CHANGE: &str = "change neighbour";
const DELETE: &str = "delete neighbour";
const GET: &str = "get neighbour";
const ASK: &str = "ask for neighbour";
const LIST: &str = "list neighbours";
const ADD_PROXY: &str = "add proxy";
const DELETE_PROXY: &str = "delete proxy";
const GET_PROXY: &str = "get proxy";
const LET_IN: &str = "add forwarding entry";
const LET_IN_NO_LONGER: &str = "delete forwarding entry";
const LIST_FORWARDING: &str = "list forwarding entries";

#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    // neigh_add
    row(ADD, Errno::EEXIST, "IPv4", |w| {
        w.neighbour(V4).unwrap();
        w.neighbour(V4)
    }, Explained("NeighbourIsThere",
        "there is a neighbour of this address already: 10.0.0.7 dev p0 lladdr 02:00:00:00:00:01 permanent")),
    row(ADD, Errno::EEXIST, "IPv6", |w| {
        w.socket.apply(&on(w.p0, V6).stale()).unwrap();
        w.neighbour(V6)
    }, Explained("NeighbourIsThere",
        "there is a neighbour of this address already: fd00::7 dev p0 lladdr 02:00:00:00:00:01 stale")),
    row(ADD, Errno::ENODEV, "no such link", |w| w.socket.apply(&on(index(4242), V4)),
        Explained("LinkIsGone", "the link does not exist, or no longer")),
    row(ADD, Errno::EINVAL, "IPv6 is off on the link", |w| {
        switch_ipv6_off();
        w.neighbour(V6)
    }, Explained("Ipv6IsOff", "IPv6 is off on p0 (net.ipv6.conf.p0.disable_ipv6)")),
    row(ADD, Errno::EINVAL, "IPv6, an MTU below 1280", |w| {
        w.mtu(1000);
        w.neighbour(V6)
    }, Explained("NoIpv6", "p0 has no IPv6: its MTU is 1000, and IPv6 needs 1280")),
    row(ADD, Errno::EINVAL, "an MTU below 68", |w| {
        let tiny = w.tiny();
        w.socket.apply(&on(tiny, V4))
    }, Explained("NoIpv4", "tiny has no IPv4: its MTU is 60, and IPv4 needs 68")).on(&[On::Driver("vlan")]),
    known(ADD, Errno::EINVAL, "a link whose addresses are longer than MAC addresses",
        Never("it takes InfiniBand or a tunnel"), Words("Invalid link address")),
    row(ADD, Errno::EAFNOSUPPORT, "a kernel without IPv6, or booted with ipv6.disable=1", |w| w.neighbour(V6),
        Explained("NoIpv6", "p0 has no IPv6: this kernel is without it, or was started with ipv6.disable=1")).on(&[On::NoIpv6]),
    known(ADD, Errno::ENOBUFS, "the table is full, and it is not to be permanent",
        Never("other namespaces of the machine would have no room either; a unit test of the library says it"),
        Explained("NeighbourTableIsFull", "")),
    known(ADD, Errno::ENOBUFS, "no memory", Never("it takes a machine without memory"), Neither("the number says it")),
    known(ADD, Errno::EPERM, "without CAP_NET_ADMIN", Elsewhere("permissions::it_is_missing_here"),
        Explained("NotPermittedHere", "")),
    known(ADD, Errno::EPERM, "the kernel forgets it meanwhile", Never("nobody can tell when"), Words("now dead")),
    known(ADD, Errno::EINVAL, "the kernel takes the address family from the link meanwhile", Never("nobody can tell when"),
        Explained("NoIpv6", "")),

    row(REPLACE, Errno::ENODEV, "no such link", |w| w.socket.apply(&on(index(4242), V6).replace()),
        Explained("LinkIsGone", "the link does not exist, or no longer")),
    row(REPLACE, Errno::EINVAL, "IPv6 is off on the link", |w| {
        switch_ipv6_off();
        w.socket.apply(&on(w.p0, V6).replace())
    }, Explained("Ipv6IsOff", "IPv6 is off on p0 (net.ipv6.conf.p0.disable_ipv6)")),
    known(REPLACE, Errno::ENOBUFS, "the table is full, and it is not to be permanent",
        Never("other namespaces of the machine would have no room either; a unit test of the library says it"),
        Explained("NeighbourTableIsFull", "")),
    row(CHANGE, Errno::ENOENT, "there is none", |w| w.socket.apply(&on(w.p0, V4).change()),
        Explained("NoSuchNeighbour", "there is no neighbour 10.0.0.7")),
    row(CHANGE, Errno::ENOENT, "another link has it", |w| {
        w.socket.apply(&on(w.p1, V6).noarp()).unwrap();
        w.socket.apply(&on(w.p0, V6).change())
    }, Explained("AnotherNeighbour", "there is another neighbour: fd00::7 dev p1 lladdr 02:00:00:00:00:01 noarp")),

    // neigh_delete
    row(DELETE, Errno::ENOENT, "there is none", |w| {
        w.socket.apply(&on(w.p0, "10.0.0.8")).unwrap();
        w.forget(w.p0, V4)
    }, Explained("NoSuchNeighbour", "there is no neighbour 10.0.0.7")),
    row(DELETE, Errno::ENOENT, "another link has it", |w| {
        w.socket.apply(&on(w.p1, V4)).unwrap();
        w.forget(w.p0, V4)
    }, Explained("AnotherNeighbour", "there is another neighbour: 10.0.0.7 dev p1 lladdr 02:00:00:00:00:01 permanent")),
    row(DELETE, Errno::ENOENT, "it is a proxy entry, and another link's neighbour", |w| {
        w.socket.apply(&on(w.p1, V6)).unwrap();
        w.socket.apply(&NewProxy::new(w.p0, ip(V6))).unwrap();
        w.forget(w.p0, V6)
    }, Explained("AnotherNeighbour", "there is another neighbour: fd00::7 dev p0 proxy")),
    row(DELETE, Errno::ENOENT, "a loopback has one for all IPv4 addresses", |w| {
        let lo = w.lo();
        w.socket.apply(&on(lo, V4)).unwrap();
        w.forget(lo, V4)
    }, Explained("OneNeighbour",
        "lo has one neighbour for all IPv4 addresses, 0.0.0.0: it is a loopback or a point-to-point link")),
    row(DELETE, Errno::ENOENT, "IPv6, none of a loopback", |w| {
        let lo = w.lo();
        w.forget(lo, V6)
    }, Explained("NoSuchNeighbour", "there is no neighbour fd00::7")),
    row(DELETE, Errno::ENODEV, "no such link", |w| w.forget(index(4242), V4),
        Explained("LinkIsGone", "the link does not exist, or no longer")),
    row(DELETE, Errno::EAFNOSUPPORT, "a kernel without IPv6, or booted with ipv6.disable=1", |w| w.forget(w.p0, V6),
        Explained("NoIpv6", "p0 has no IPv6: this kernel is without it, or was started with ipv6.disable=1")).on(&[On::NoIpv6]),

    // neigh_get
    row(GET, Errno::ENOENT, "there is none", |w| w.read(w.p0, V4), Words("Neighbour entry not found")),
    row(GET, Errno::ENOENT, "another link has it", |w| {
        w.socket.apply(&on(w.p1, V4).stale()).unwrap();
        w.read(w.p0, V4)
    }, Explained("AnotherNeighbour", "there is another neighbour: 10.0.0.7 dev p1 lladdr 02:00:00:00:00:01 stale")),
    row(GET, Errno::ENOENT, "it is a proxy entry", |w| {
        w.socket.apply(&NewProxy::new(w.p1, ip(V4))).unwrap();
        w.read(w.p1, V4)
    }, Explained("AnotherNeighbour", "there is another neighbour: 10.0.0.7 dev p1 proxy")),
    row(GET, Errno::ENOENT, "a loopback has one for all IPv4 addresses", |w| {
        let lo = w.lo();
        w.socket.apply(&on(lo, V4)).unwrap();
        w.read(lo, V4)
    }, Explained("OneNeighbour",
        "lo has one neighbour for all IPv4 addresses, 0.0.0.0: it is a loopback or a point-to-point link")),
    row(GET, Errno::ENODEV, "no such link", |w| w.read(index(4242), V6),
        Explained("LinkIsGone", "the link does not exist, or no longer")),
    row(GET, Errno::EAFNOSUPPORT, "a kernel without IPv6, or booted with ipv6.disable=1", |w| w.read(w.p0, V6),
        Explained("NoIpv6", "p0 has no IPv6: this kernel is without it, or was started with ipv6.disable=1")).on(&[On::NoIpv6]),
    known(GET, Errno::EOPNOTSUPP, "before Linux 5.0", Never("no such kernel is tested"), Neither("its documentation says it")),

    row(ASK, Errno::ENODEV, "no such link", |w| w.socket.apply(&AskNeighbour::new(index(4242), ip(V4))),
        Explained("LinkIsGone", "the link does not exist, or no longer")),
    row(ASK, Errno::EINVAL, "IPv6 is off on the link", |w| {
        switch_ipv6_off();
        w.socket.apply(&AskNeighbour::new(w.p0, ip(V6)))
    }, Explained("Ipv6IsOff", "IPv6 is off on p0 (net.ipv6.conf.p0.disable_ipv6)")),
    row(ASK, Errno::EINVAL, "an MTU below 68", |w| {
        let tiny = w.tiny();
        w.socket.apply(&AskNeighbour::new(tiny, ip(V4)))
    }, Explained("NoIpv4", "tiny has no IPv4: its MTU is 60, and IPv4 needs 68")).on(&[On::Driver("vlan")]),
    known(ASK, Errno::ENOBUFS, "the table is full",
        Never("other namespaces of the machine would have no room either; a unit test of the library says it"),
        Explained("NeighbourTableIsFull", "")),

    known(LIST, Errno::EINVAL, "a header that the kernel does not take", Never("the library writes none"), Words("dump request")),

    // pneigh_create, pneigh_delete
    row(ADD_PROXY, Errno::ENODEV, "no such link", |w| w.socket.apply(&NewProxy::new(index(4242), ip(V4))),
        Explained("LinkIsGone", "the link does not exist, or no longer")),
    row(ADD_PROXY, Errno::ENOBUFS, "IPv6, an MTU below 1280", |w| {
        w.mtu(1000);
        w.socket.apply(&NewProxy::new(w.p0, ip(V6)))
    }, Explained("NoIpv6", "p0 has no IPv6: its MTU is 1000, and IPv6 needs 1280")),
    known(ADD_PROXY, Errno::ENOBUFS, "no memory", Never("it takes a machine without memory"), Neither("the number says it")),
    row(DELETE_PROXY, Errno::ENOENT, "there is none", |w| w.socket.apply(&DeleteNeighbour::proxy(w.p0, ip(V4))),
        Explained("NoSuchNeighbour", "there is no proxy 10.0.0.7")),
    row(DELETE_PROXY, Errno::ENOENT, "it is a neighbour", |w| {
        w.neighbour(V4).unwrap();
        w.socket.apply(&DeleteNeighbour::proxy(w.p0, ip(V4)))
    }, Explained("AnotherNeighbour", "there is another neighbour: 10.0.0.7 dev p0 lladdr 02:00:00:00:00:01 permanent")),
    row(DELETE_PROXY, Errno::ENOENT, "another link has it", |w| {
        w.socket.apply(&NewProxy::new(w.p1, ip(V6))).unwrap();
        w.socket.apply(&DeleteNeighbour::proxy(w.p0, ip(V6)))
    }, Explained("AnotherNeighbour", "there is another neighbour: fd00::7 dev p1 proxy")),
    row(DELETE_PROXY, Errno::ENOENT, "none on a loopback, whose proxies are as many as any other's", |w| {
        let lo = w.lo();
        w.socket.apply(&DeleteNeighbour::proxy(lo, ip(V4)))
    }, Explained("NoSuchNeighbour", "there is no proxy 10.0.0.7")),
    row(DELETE_PROXY, Errno::ENODEV, "no such link", |w| w.socket.apply(&DeleteNeighbour::proxy(index(4242), ip(V4))),
        Explained("LinkIsGone", "the link does not exist, or no longer")),
    row(GET_PROXY, Errno::ENOENT, "there is none", |w| w.socket.neighbour(&GetNeighbour::proxy(w.p0, ip(V4))).map(drop),
        Words("Proxy neighbour entry not found")),
    row(GET_PROXY, Errno::ENOENT, "it is a neighbour", |w| {
        w.neighbour(V6).unwrap();
        w.socket.neighbour(&GetNeighbour::proxy(w.p0, ip(V6))).map(drop)
    }, Explained("AnotherNeighbour", "there is another neighbour: fd00::7 dev p0 lladdr 02:00:00:00:00:01 permanent")),

    // rtnl_fdb_add, ndo_dflt_fdb_add, macvlan_fdb_add
    row(LET_IN, Errno::EEXIST, "it is there", |w| {
        w.let_in(w.p0).unwrap();
        w.let_in(w.p0)
    }, Explained("ForwardingIsThere", "p0 lets in 02:00:00:00:00:07 already")),
    row(LET_IN, Errno::EEXIST, "it is there for a macvlan", |w| {
        w.macvlan();
        w.let_in(w.p0)
    }, Explained("ForwardingIsThere", "p0 lets in 02:00:00:00:00:07 already, for mv0, which stands on it")),
    row(LET_IN, Errno::EEXIST, "a group", |w| {
        let group = NewForwarding::new(w.p0, "01:00:5e:00:77:01".parse().unwrap());
        w.macvlan();
        w.socket.apply(&group).unwrap();
        w.socket.apply(&group)
    }, Explained("ForwardingIsThere", "p0 lets in 01:00:5e:00:77:01 already")),
    row(LET_IN, Errno::EOPNOTSUPP, "a macvlan that is not in passthru mode", |w| {
        let mv0 = w.macvlan();
        w.let_in(mv0)
    }, Explained("StationNeedsPassthru",
        "mv0 is in bridge mode, and only passthru mode lets in the address of another station")),
    row(LET_IN, Errno::EOPNOTSUPP, "a macvtap that is not in passthru mode", |w| {
        let tap = w.socket.create(&NewLink::macvtap(w.p0).mode(MacvlanMode::Vepa).name(name("tap0"))).unwrap();
        w.let_in(tap)
    }, Explained("StationNeedsPassthru",
        "tap0 is in vepa mode, and only passthru mode lets in the address of another station")).on(&[On::Driver("macvtap")]),
    row(LET_IN, Errno::EINVAL, "not Ethernet", |w| {
        let lo = w.lo();
        w.let_in(lo)
    }, Words("only supported for Ethernet devices")),
    known(LET_IN, Errno::EINVAL, "a VXLAN, whose entries name a remote host", Never("these requests are not for it"),
        Neither("the library has no such links")),
    known(LET_IN, Errno::EOPNOTSUPP, "a driver that keeps no such list", Never("it takes such a device"),
        Neither("no look shows it")),
    row(LET_IN, Errno::ENODEV, "no such link", |w| w.let_in(index(4242)),
        Explained("LinkIsGone", "the link does not exist, or no longer")),
    known(LET_IN, Errno::EPERM, "without CAP_NET_ADMIN", Elsewhere("permissions::it_is_missing_here"),
        Explained("NotPermittedHere", "")),
    known(LET_IN, Errno::ENOMEM, "no memory", Never("it takes a machine without memory"), Neither("the number says it")),

    // rtnl_fdb_del, ndo_dflt_fdb_del, macvlan_fdb_del
    row(LET_IN_NO_LONGER, Errno::ENOENT, "there is none", |w| w.let_in_no_longer(w.p0),
        Explained("NoSuchForwarding", "p0 has no forwarding entry 02:00:00:00:00:07")),
    row(LET_IN_NO_LONGER, Errno::ENOENT, "a group, of a macvlan", |w| {
        let mv0 = w.macvlan();
        w.socket.apply(&DeleteForwarding::new(mv0, "01:00:5e:00:77:01".parse().unwrap()))
    }, Explained("NoSuchForwarding", "mv0 has no forwarding entry 01:00:5e:00:77:01")),
    row(LET_IN_NO_LONGER, Errno::EOPNOTSUPP, "a macvlan that is not in passthru mode", |w| {
        let mv0 = w.macvlan();
        w.let_in_no_longer(mv0)
    }, Explained("StationNeedsPassthru",
        "mv0 is in bridge mode, and only passthru mode lets in the address of another station")),
    row(LET_IN_NO_LONGER, Errno::EINVAL, "not Ethernet", |w| {
        let lo = w.lo();
        w.let_in_no_longer(lo)
    }, Words("only supported for Ethernet devices")),
    row(LET_IN_NO_LONGER, Errno::ENODEV, "no such link", |w| w.let_in_no_longer(index(4242)),
        Explained("LinkIsGone", "the link does not exist, or no longer")),

    known(LIST_FORWARDING, Errno::EINVAL, "a header that the kernel does not take", Never("the library writes none"),
        Words("dump request")),
];
