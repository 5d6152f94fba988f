//! Networks, and what the host has before and after.

use crate::common::{name, socket};
use crate::pod::{Pod, ip, net};
use nix::sched::{CloneFlags, unshare};
use std::fmt::{Debug, Display};
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use sublink::link::LinkFlags;
use sublink::network::{self, Connection, Driver, Member, Subnet};
use sublink::value::Alias;
use sublink::{Error, IfIndex, IfName, LinkChange, ListLinks, MacvlanMode, Network, Owner, Socket};

pub fn owner() -> Owner {
    Owner::new("tests").expect("an owner")
}

pub fn network(name: &str, driver: Driver) -> Network {
    Network::new(name, driver).expect("a network")
}

/// A macvlan network in bridge mode, without a parent.
pub fn macvlan(name: &str) -> Network {
    network(name, Driver::Macvlan(MacvlanMode::Bridge))
}

/// A macvlan network in bridge mode.
pub fn on(parent: &str, network_name: &str) -> Network {
    macvlan(network_name).on(name(parent))
}

pub fn passthru(parent: &str, network_name: &str) -> Network {
    network(network_name, Driver::Macvlan(MacvlanMode::Passthru)).on(name(parent))
}

/// A subnet with a gateway.
pub fn subnet(subnet: &str, gateway: &str) -> Subnet {
    Subnet::new(net(subnet)).gateway(ip(gateway)).expect("a gateway")
}

/// A connection with a link of this name and these addresses.
pub fn connection(link: &str, addrs: &[&str]) -> Connection {
    Connection::new(name(link), &addrs.iter().map(|addr| net(addr)).collect::<Vec<_>>())
}

pub fn connect(
    network: &Network,
    host: &mut Socket,
    pod: &mut Pod,
    connection: Connection,
    others: &[Member],
) -> network::Result<Member> {
    network.connect(host, &owner(), &mut pod.sandbox, connection, others)
}

/// Each link's index, name and mark, and whether it is up.
pub fn links(host: &mut Socket) -> Vec<(IfIndex, IfName, Option<String>, bool)> {
    let links = host.snapshot(&ListLinks::new()).expect("links");
    let words = |alias: Box<[u8]>| String::from_utf8_lossy(&alias).into_owned();
    links.into_iter().map(|l| (l.index, l.name, l.alias.map(words), l.flags.contains(LinkFlags::UP))).collect()
}

/// What is refused, and leaves neither a link nor a descriptor, nor a change of one.
#[track_caller]
pub fn refused<T: Debug>(host: &mut Socket, attempt: impl FnOnce(&mut Socket) -> network::Result<T>) -> network::Error {
    unshare(CloneFlags::CLONE_FILES).expect("descriptors of this thread's own");
    let descriptors = || fs::read_dir("/proc/thread-self/fd").expect("a list").count();
    let before = (links(host), descriptors());
    let error = attempt(host).expect_err("it should have been refused");
    assert_eq!((links(host), descriptors()), before, "{error}");
    error
}

/// Brings the network's parent up.
pub fn up(network: &Network, host: &mut Socket) -> network::Result<IfIndex> {
    Ok(network.parent()?.up(host, &owner())?.index)
}

/// What is refused when the network is brought up.
#[track_caller]
pub fn up_refused(network: &Network) -> String {
    refused(&mut socket(), |host| up(network, host)).to_string()
}

/// A link as the tests' owner marks it for the parent of this name.
pub fn mark(host: &mut Socket, index: IfIndex, parent: impl Display) {
    host.change(&LinkChange::new(index).alias(Alias::new(&format!("sublink:tests:{parent}")).unwrap())).unwrap();
}

/// What failed, of an error that says that something did.
#[track_caller]
pub fn failed(error: &network::Error) -> &Error {
    error.as_failed().unwrap_or_else(|| panic!("{error}"))
}

/// Does `work` while `other` is done over and over on another thread, which ends with it, be it by a panic.
pub fn beside<T>(other: impl Fn() + Sync, work: impl FnOnce() -> T) -> T {
    struct SetWhenDropped<'a>(&'a AtomicBool);
    impl Drop for SetWhenDropped<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                other();
            }
        });
        let _over = SetWhenDropped(&is_over);
        work()
    })
}
