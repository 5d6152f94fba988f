//! Addresses and settings of address families.

use super::Answer::{Explained, Neither, Words};
use super::Scene::{Elsewhere, Never};
use super::{On, Row, World, known, row};
use crate::common::{name, vid};
use crate::help::index;
use nix::errno::Errno;
use std::fs;
use sublink::addr::{DeleteAddress, Lifetime};
use sublink::link::{AddrGenMode, Ipv4Setting, Ipv6Token, LinkSettings};
use sublink::value::Scope;
use sublink::{IfIndex, LinkChange, NewAddress, NewLink, Result};

impl World {
    fn add(&mut self, addr: &str) -> Result<()> {
        self.add_to(self.p0, addr)
    }

    fn add_to(&mut self, link: IfIndex, addr: &str) -> Result<()> {
        self.socket.apply(&NewAddress::new(link, addr.parse().unwrap()).nodad())
    }

    fn delete(&mut self, addr: &str) -> Result<()> {
        self.socket.apply(&DeleteAddress::new(self.p0, addr.parse().unwrap()))
    }

    pub(super) fn mtu(&mut self, mtu: u32) {
        self.socket.change(&LinkChange::new(self.p0).mtu(mtu)).unwrap();
    }

    /// A VLAN takes an MTU that is too small for IPv4, which goes when the MTU changes.
    pub(super) fn tiny(&mut self) -> IfIndex {
        let tiny = self.socket.create(&NewLink::vlan(self.p0, vid(5)).name(name("tiny")).up()).unwrap();
        self.socket.change(&LinkChange::new(tiny).mtu(60)).unwrap();
        tiny
    }
}

pub(super) fn switch_ipv6_off() {
    fs::write("/proc/sys/net/ipv6/conf/p0/disable_ipv6", "1").unwrap();
}

const ADD: &str = "add address";
const DELETE: &str = "delete address";
const SET: &str = "set";

#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    row(ADD, Errno::EEXIST, "IPv4, the same", |w| {
        w.add("10.0.0.7/24").unwrap();
        w.add("10.0.0.7/24")
    }, Explained("AddressIsThere", "p0 has the address 10.0.0.7/24 already")),
    row(ADD, Errno::EEXIST, "IPv4, with a peer of the same network", |w| {
        let peer = "10.0.0.2".parse().unwrap();
        w.socket.apply(&NewAddress::new(w.p0, "10.0.0.7/24".parse().unwrap()).peer(peer)).unwrap();
        w.add("10.0.0.7/24")
    }, Explained("AddressIsThere", "p0 has the address 10.0.0.7/24 with the peer 10.0.0.2 already")),
    row(ADD, Errno::EEXIST, "IPv6, with another prefix", |w| {
        w.add("fd00::7/64").unwrap();
        w.add("fd00::7/128")
    }, Explained("AddressIsThere", "p0 has the address fd00::7/64 already")),
    row(ADD, Errno::ENODEV, "no such link", |w| w.add_to(index(4242), "10.0.0.7/24"),
        Explained("LinkIsGone", "the link does not exist, or no longer")),
    row(ADD, Errno::ENODEV, "no such link, IPv6", |w| w.add_to(index(4242), "fd00::7/64"),
        Explained("LinkIsGone", "the link does not exist, or no longer")),
    row(ADD, Errno::ENOBUFS, "an MTU below 68", |w| {
        let tiny = w.tiny();
        w.socket.apply(&NewAddress::new(tiny, "10.0.0.7/24".parse().unwrap()))
    }, Explained("NoIpv4", "tiny has no IPv4: its MTU is 60, and IPv4 needs 68")).on(&[On::Driver("vlan")]),
    row(ADD, Errno::EINVAL, "IPv6, an MTU below 1280", |w| {
        w.mtu(1000);
        w.add("fd00::7/64")
    }, Explained("NoIpv6", "p0 has no IPv6: its MTU is 1000, and IPv6 needs 1280")),
    row(ADD, Errno::EACCES, "IPv6 is off on the link", |w| {
        switch_ipv6_off();
        w.add("fd00::7/64")
    }, Explained("Ipv6IsOff", "IPv6 is off on p0 (net.ipv6.conf.p0.disable_ipv6)")),
    row(ADD, Errno::EADDRNOTAVAIL, "IPv6, multicast", |w| w.add("ff02::1:7/64"),
        Explained("NotAssignable", "ff02::1:7 cannot be an address of this link")),
    row(ADD, Errno::EADDRNOTAVAIL, "IPv6, unspecified", |w| w.add("::/64"),
        Explained("NotAssignable", ":: cannot be an address of this link")),
    row(ADD, Errno::EADDRNOTAVAIL, "IPv6, a loopback address", |w| w.add("::1/128"),
        Explained("NotAssignable", "::1 cannot be an address of this link")),
    row(ADD, Errno::EINVAL, "the lifetime ends before it is preferred no longer", |w| {
        let address = NewAddress::new(w.p0, "10.0.0.7/24".parse().unwrap());
        w.socket.apply(&address.lifetime(Lifetime { preferred: 9, valid: 8 }))
    }, Explained("LifetimeImpossible", "the valid lifetime of an address is neither 0 nor less than its preferred lifetime")),
    row(ADD, Errno::EINVAL, "IPv6, a lifetime of 0", |w| {
        let address = NewAddress::new(w.p0, "fd00::7/64".parse().unwrap());
        w.socket.apply(&address.lifetime(Lifetime { preferred: 0, valid: 0 }))
    }, Explained("LifetimeImpossible", "the valid lifetime of an address is neither 0 nor less than its preferred lifetime")),
    row(ADD, Errno::EINVAL, "IPv4, another scope than in the subnet", |w| {
        w.add("10.0.0.7/24").unwrap();
        w.socket.apply(&NewAddress::new(w.p0, "10.0.0.8/24".parse().unwrap()).scope(Scope::LINK))
    }, Explained("ScopeDiffers", "p0 has 10.0.0.7/24, of the same subnet and of another scope")),
    row(ADD, Errno::EADDRINUSE, "another ipvlan of the parent has it", |w| {
        let first = w.socket.create(&NewLink::ipvlan(w.p0).name(name("iv0"))).unwrap();
        let second = w.socket.create(&NewLink::ipvlan(w.p0).name(name("iv1"))).unwrap();
        w.add_to(first, "10.0.0.7/24").unwrap();
        w.add_to(second, "10.0.0.7/24")
    }, Words("Address already assigned to an ipvlan device")).on(&[On::Driver("ipvlan")]),
    known(ADD, Errno::EPERM, "without CAP_NET_ADMIN", Elsewhere("permissions::it_is_missing_here"),
        Explained("NotPermittedHere", "")),
    row(ADD, Errno::EOPNOTSUPP, "a kernel without IPv6, or booted with ipv6.disable=1", |w| w.add("fd00::7/64"),
        Explained("NoIpv6", "p0 has no IPv6: this kernel is without it, or was started with ipv6.disable=1")).on(&[On::NoIpv6]),
    known(ADD, Errno::EINVAL, "a prefix longer than the address", Never("IpNetwork is none"), Words("Invalid prefix length")),
    known(ADD, Errno::ENOMEM, "no memory", Never("it takes a machine without memory"), Neither("the number says it")),

    row(DELETE, Errno::EADDRNOTAVAIL, "IPv4, another prefix", |w| {
        w.add_to(w.p1, "10.0.0.7/25").unwrap();
        w.add("10.0.0.7/24").unwrap();
        w.delete("10.0.0.7/32")
    }, Explained("AnotherAddress", "p0 has 10.0.0.7/24, which is another address")),
    row(DELETE, Errno::EADDRNOTAVAIL, "IPv4, with a peer", |w| {
        let peer = "10.0.1.2".parse().unwrap();
        w.socket.apply(&NewAddress::new(w.p0, "10.0.0.7/32".parse().unwrap()).peer(peer)).unwrap();
        w.delete("10.0.0.7/32")
    }, Explained("AnotherAddress", "p0 has 10.0.0.7/32 with the peer 10.0.1.2, which is another address")),
    row(DELETE, Errno::EADDRNOTAVAIL, "another link has it", |w| {
        w.add_to(w.p1, "10.0.0.7/24").unwrap();
        w.delete("10.0.0.7/24")
    }, Explained("AnotherAddress", "p1 has 10.0.0.7/24, which is another address")),
    row(DELETE, Errno::EADDRNOTAVAIL, "no link has it", |w| w.delete("10.0.0.7/24"),
        Explained("NoSuchAddress", "no link of this namespace has the address 10.0.0.7")),
    row(DELETE, Errno::EADDRNOTAVAIL, "IPv6, another prefix", |w| {
        w.add("fd00::7/64").unwrap();
        w.delete("fd00::7/128")
    }, Explained("AnotherAddress", "p0 has fd00::7/64, which is another address")),
    row(DELETE, Errno::EADDRNOTAVAIL, "IPv6, no link has it", |w| w.delete("fd00::7/64"),
        Explained("NoSuchAddress", "no link of this namespace has the address fd00::7")),
    row(DELETE, Errno::ENODEV, "no such link", |w| {
        w.socket.apply(&DeleteAddress::new(index(4242), "10.0.0.7/24".parse().unwrap()))
    }, Explained("LinkIsGone", "the link does not exist, or no longer")),
    row(DELETE, Errno::ENXIO, "IPv6, an MTU below 1280", |w| {
        w.mtu(1000);
        w.delete("fd00::7/64")
    }, Explained("NoIpv6", "p0 has no IPv6: its MTU is 1000, and IPv6 needs 1280")),

    row(SET, Errno::EAFNOSUPPORT, "IPv6, an MTU below 1280", |w| {
        w.mtu(1000);
        w.socket.set(&LinkSettings::new(w.p0).addr_gen_mode(AddrGenMode::None))
    }, Explained("NoIpv6", "p0 has no IPv6: its MTU is 1000, and IPv6 needs 1280")),
    row(SET, Errno::EAFNOSUPPORT, "IPv6, an MTU below 1280, a token", |w| {
        w.mtu(1000);
        w.socket.set(&LinkSettings::new(w.p0).token(Ipv6Token::new("::7".parse().unwrap()).unwrap()))
    }, Explained("NoIpv6", "p0 has no IPv6: its MTU is 1000, and IPv6 needs 1280")),
    row(SET, Errno::EAFNOSUPPORT, "IPv6, an MTU below 1280, and an IPv4 setting", |w| {
        w.mtu(1000);
        w.socket.set(&LinkSettings::new(w.p0).addr_gen_mode(AddrGenMode::Eui64).ipv4(Ipv4Setting::ARP_NOTIFY, 1))
    }, Explained("NoIpv6", "p0 has no IPv6: its MTU is 1000, and IPv6 needs 1280")),
    row(SET, Errno::EAFNOSUPPORT, "IPv4, an MTU below 68", |w| {
        let tiny = w.tiny();
        w.socket.set(&LinkSettings::new(tiny).ipv4(Ipv4Setting::ARP_NOTIFY, 1))
    }, Explained("NoIpv4", "tiny has no IPv4: its MTU is 60, and IPv4 needs 68")).on(&[On::Driver("vlan")]),
    row(SET, Errno::EAFNOSUPPORT, "a kernel without IPv6, or booted with ipv6.disable=1", |w| {
        w.socket.set(&LinkSettings::new(w.p0).addr_gen_mode(AddrGenMode::None))
    }, Explained("NoIpv6", "p0 has no IPv6: this kernel is without it, or was started with ipv6.disable=1")).on(&[On::NoIpv6]),
    row(SET, Errno::EINVAL, "stable_secret without a secret", |w| {
        w.socket.set(&LinkSettings::new(w.p0).addr_gen_mode(AddrGenMode::StablePrivacy))
    }, Explained("NoStableSecret", "the mode stable_secret needs a secret (net.ipv6.conf.p0.stable_secret)")),
    known(SET, Errno::EIO, "a file of /proc/sys/net cannot be written", Never("tests/attach/ipv6.rs does"),
        Explained("Setting", "")),
    row(SET, Errno::EINVAL, "a token, without advertisements accepted", |w| {
        let token = Ipv6Token::new("::7".parse().unwrap()).unwrap();
        fs::write("/proc/sys/net/ipv6/conf/p0/accept_ra", "0").unwrap();
        w.socket.set(&LinkSettings::new(w.p0).token(token))
    }, Words("advertisement")).on(&[On::Since(5, 12)]),
    row(SET, Errno::EINVAL, "a token, of a loopback", |w| {
        let lo = w.socket.index_of("lo").unwrap();
        w.socket.set(&LinkSettings::new(lo).token(Ipv6Token::new("::7".parse().unwrap()).unwrap()))
    }, Words("loopback")).on(&[On::Since(5, 12)]),
    row(SET, Errno::EINVAL, "a token, without router solicitations", |w| {
        fs::write("/proc/sys/net/ipv6/conf/p0/router_solicitations", "0").unwrap();
        w.socket.set(&LinkSettings::new(w.p0).token(Ipv6Token::new("::7".parse().unwrap()).unwrap()))
    }, Words("solicitation")).on(&[On::Since(5, 12)]),
    row(SET, Errno::EINVAL, "a token, without advertisements accepted, before Linux 5.12", |w| {
        let token = Ipv6Token::new("::7".parse().unwrap()).unwrap();
        fs::write("/proc/sys/net/ipv6/conf/p0/accept_ra", "0").unwrap();
        w.socket.set(&LinkSettings::new(w.p0).token(token))
    }, Neither("its documentation says it, and newer kernels do")).on(&[On::Before(5, 12)]),
    row(SET, Errno::EINVAL, "a mode that there is not", |w| {
        w.socket.set(&LinkSettings::new(w.p0).addr_gen_mode(AddrGenMode::Other(9)))
    }, Neither("the caller has made the number up")),
    row(SET, Errno::ENODEV, "no such link", |w| {
        w.socket.set(&LinkSettings::new(index(4242)).addr_gen_mode(AddrGenMode::None))
    }, Explained("LinkIsGone", "the link does not exist, or no longer")),
];
