//! Parents that are VLANs on VLANs, and those whose name does not say them.

use crate::common::roles::ROLE;
use crate::common::{Skip, name, needs, parent, socket, vid};
use crate::help::{connect, connection, failed, links, mark, on, owner, refused, up};
use crate::pod::{Pod, net};
use crate::tools::try_ip;
use std::process::{Child, Command, Stdio};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};
use sublink::endpoint::{Detach, Fate};
use sublink::link::{KindInfo, VlanProtocol};
use sublink::network::{InvalidNetwork, InvalidParent, Parent, Plan, Removal, Up, restore_networks};
use sublink::value::Alias;
use sublink::{Endpoint, IfIndex, LinkChange, LinkInfo, MacvlanMode, Netns, NewAddress, NewLink, Owner, Socket};
use sublink_tests::{kernel_test, role};

const CHAIN: [&str; 3] = ["p0.10", "p0.10.20", "p0.10.20.30"];

fn chain(depth: usize) -> Parent {
    Parent::new(name(CHAIN[depth - 1]))
}

#[track_caller]
fn bring_up(host: &mut Socket, parent: Parent) -> Up {
    parent.up(host, &owner()).unwrap_or_else(|error| panic!("{}: {error}", parent.name()))
}

#[track_caller]
fn remove(host: &mut Socket, parent: Parent) -> Removal {
    parent.remove(host, &owner(), &[]).unwrap()
}

/// It is this VLAN, up and with the mark that says this.
#[track_caller]
fn is_vlan(link: &LinkInfo, base: IfIndex, protocol: VlanProtocol, id: u16, mark: &str) {
    let KindInfo::Vlan(vlan) = &link.kind else { panic!("{link:?}") };
    assert_eq!((link.parent, vlan.protocol, vlan.id), (Some(base), Some(protocol), Some(vid(id))), "{}", link.name);
    assert_eq!(link.alias.as_deref().map(String::from_utf8_lossy).as_deref(), Some(&*format!("sublink:tests:{mark}")));
}

fn names(host: &mut Socket) -> Vec<String> {
    links(host).into_iter().map(|(_, name, ..)| name.to_string()).collect()
}

#[kernel_test]
pub fn each_dot_is_a_vlan_on_the_one_before() -> Result<(), Skip> {
    needs("vlan")?;
    let mut host = socket();
    let p0 = parent(&mut host);
    let before = links(&mut host);
    let made = bring_up(&mut host, chain(3));
    assert!(made.made && made.down.is_none(), "{made:?}");
    assert_eq!(links(&mut host).len(), before.len() + 3);
    let mut base = p0;
    for (link, id) in CHAIN.into_iter().zip([10, 20, 30]) {
        let link = host.link(link).unwrap().to_owned();
        is_vlan(&link, base, VlanProtocol::Ieee8021Q, id, &link.name.to_string());
        base = link.index;
    }
    assert_eq!(made.index, base);
    let again = bring_up(&mut host, chain(3));
    assert_eq!((again.index, again.made), (base, false));
    assert_eq!(chain(2).plan(&mut host, &owner()).unwrap(), Plan::Use(host.index_of(CHAIN[1]).unwrap()));

    // The inner one first, and all of it.
    assert_eq!(remove(&mut host, chain(2)), Removal::InUse, "p0.10.20.30 stands on it");
    assert_eq!(remove(&mut host, chain(3)), Removal::Removed);
    assert_eq!(links(&mut host), before);
    assert_eq!(remove(&mut host, chain(3)), Removal::NotThere);
    Ok(())
}

/// A provider's VLAN around customers' ones.
#[kernel_test]
pub fn the_outermost_is_of_the_protocol_asked_for() -> Result<(), Skip> {
    needs("vlan")?;
    let mut host = socket();
    let p0 = parent(&mut host);
    let before = links(&mut host);
    let (q, ad) = (VlanProtocol::Ieee8021Q, VlanProtocol::Ieee8021Ad);
    bring_up(&mut host, chain(2).outer_protocol(ad));
    let outer = host.link(CHAIN[0]).unwrap().to_owned();
    is_vlan(&outer, p0, ad, 10, "p0.10:p0:802.1ad:10");
    is_vlan(&host.link(CHAIN[1]).unwrap().to_owned(), outer.index, q, 20, CHAIN[1]);
    bring_up(&mut host, chain(3).outer_protocol(ad));

    // Another VLAN of the same id and base, and one that is refused because of the outermost.
    let customers = Parent::vlan(name("c10"), name("p0"), vid(10));
    is_vlan_at(&mut host, customers, p0, q, "c10:p0:802.1Q:10");
    let error = refused(&mut host, |host| Parent::new(name("c10.20")).outer_protocol(ad).up(host, &owner()));
    let expected = "c10, on which c10.20 would be made, is a VLAN of 802.1Q and not of 802.1ad, as was asked for";
    assert_eq!(error.to_string(), expected);
    assert_eq!(remove(&mut host, customers), Removal::Removed);

    // It is known again as what it is, by whatever value of the name.
    assert_eq!(remove(&mut host, chain(3)), Removal::Removed);
    assert_eq!(links(&mut host), before);
    Ok(())
}

#[track_caller]
fn is_vlan_at(host: &mut Socket, parent: Parent, base: IfIndex, protocol: VlanProtocol, mark: &str) {
    let index = bring_up(host, parent).index;
    is_vlan(&host.link_at(index).unwrap().to_owned(), base, protocol, 10, mark);
}

/// `enp130s0f0np0.10` has 16 bytes.
#[kernel_test]
pub fn base_and_id_are_said_apart_from_the_name() -> Result<(), Skip> {
    needs("vlan")?;
    let mut host = socket();
    let p0 = parent(&mut host);
    host.change(&LinkChange::new(p0).down()).unwrap();
    host.change(&LinkChange::new(p0).name(name("enp130s0f0np0")).up()).unwrap();
    let before = links(&mut host);
    let (q, long) = (VlanProtocol::Ieee8021Q, name("enp130s0f0np0"));
    let parent = Parent::vlan(name("up10"), long, vid(10));
    is_vlan_at(&mut host, parent, p0, q, "up10:enp130s0f0np0:802.1Q:10");
    let up10 = host.index_of("up10").unwrap();
    host.change(&LinkChange::new(up10).down()).unwrap();
    assert_eq!(parent.plan(&mut host, &owner()).unwrap(), Plan::Finish(up10), "it is known as ours");
    assert!(!bring_up(&mut host, parent).made);
    let error = refused(&mut host, |host| Parent::vlan(name("other"), long, vid(10)).up(host, &owner()));
    assert_eq!(error.to_string(), "VLAN 10, which other would be, is there already as up10: make that the parent");
    // A VLAN on it, by its name.
    bring_up(&mut host, Parent::new(name("up10.20")));
    assert_eq!(remove(&mut host, parent), Removal::InUse);
    assert_eq!(remove(&mut host, Parent::new(name("up10.20"))), Removal::Removed);
    assert_eq!(links(&mut host), before, "up10 went as well");

    let network = crate::help::macvlan("net").option("parent_vlan", "enp130s0f0np0.10").unwrap();
    let network = network.option("parent", "up10").unwrap();
    assert_eq!(up(&network, &mut host).unwrap(), host.index_of("up10").unwrap());
    assert_eq!(network.remove_parent(&mut host, &owner(), &[]).unwrap(), Removal::Removed);
    assert_eq!(links(&mut host), before);
    Ok(())
}

/// Each use of the outer one keeps it, and only that; with the last one it goes.
#[kernel_test]
pub fn the_outer_one_goes_with_its_last_use() -> Result<(), Skip> {
    needs("vlan")?;
    let (mut host, mut pod) = (socket(), Pod::new());
    parent(&mut host);
    let before = links(&mut host);
    let (inner, sibling, outer) = (on("p0.10.20", "inner"), on("p0.10.30", "sibling"), on("p0.10", "outer"));
    let member = connect(&inner, &mut host, &mut pod, connection("eth0", &[]), &[]).unwrap();
    up(&sibling, &mut host).unwrap();
    let remove = |host: &mut Socket, network: &sublink::Network, others: &[sublink::Network]| {
        network.remove_parent(host, &owner(), others).unwrap()
    };
    assert_eq!(remove(&mut host, &inner, &[]), Removal::InUse, "a container's");
    member.disconnect(&mut host, &mut pod.sandbox, &[], &Detach::new()).unwrap();
    assert_eq!(remove(&mut host, &outer, std::slice::from_ref(&inner)), Removal::Shared, "it stands on it");
    assert_eq!(remove(&mut host, &inner, &[]), Removal::Removed);
    assert_eq!(names(&mut host).iter().filter(|name| name.starts_with("p0.")).count(), 2, "its sibling's are there");

    // A container on the outer one, another network on it, an address on it.
    let member = connect(&outer, &mut host, &mut pod, connection("eth0", &[]), &[]).unwrap();
    assert_eq!(remove(&mut host, &sibling, &[]), Removal::Removed);
    member.disconnect(&mut host, &mut pod.sandbox, &[], &Detach::new()).unwrap();
    let kept = |host: &mut Socket, others: &[sublink::Network], why: &str| {
        let index = host.index_of("p0.10").unwrap_or_else(|error| panic!("{why}: {error}"));
        up(&inner, host).unwrap();
        assert_eq!(remove(host, &inner, others), Removal::Removed, "{why}");
        assert_eq!(host.index_of("p0.10").ok(), Some(index), "{why}");
        index
    };
    kept(&mut host, std::slice::from_ref(&outer), "another network has it");
    let index = kept(&mut host, &[sibling], "another network is to stand on it");
    host.apply(&NewAddress::new(index, net("10.0.0.1/24"))).unwrap();
    kept(&mut host, &[], "an address of the host's");
    try_ip("address flush dev p0.10").unwrap();
    assert_eq!(remove(&mut host, &inner, &[]), Removal::NotThere, "and what is left below goes");
    assert_eq!(links(&mut host), before);

    // One that somebody else made is not removed, and neither is what that stands on.
    let p0 = host.index_of("p0").unwrap();
    let foreign = host.create(&NewLink::vlan(p0, vid(10)).name(name("p0.10")).up()).unwrap();
    up(&inner, &mut host).unwrap();
    assert_eq!(remove(&mut host, &inner, &[]), Removal::Removed);
    host.link_at(foreign).expect("it is somebody else's");
    Ok(())
}

/// What this call made goes; what was there stays.
#[kernel_test]
pub fn half_made_chains_are_undone() -> Result<(), Skip> {
    needs("vlan")?;
    let mut host = socket();
    let p0 = parent(&mut host);
    let p1 = host.index_of("p1").unwrap();
    host.add_alt_name(p1, CHAIN[2]).unwrap();
    let error = refused(&mut host, |host| chain(3).up(host, &owner()));
    assert!(failed(&error).is_already_there(), "{error}");
    let outer = bring_up(&mut host, chain(1)).index;
    refused(&mut host, |host| chain(3).up(host, &owner()));
    assert_eq!(host.index_of(CHAIN[0]).ok(), Some(outer), "it was there before");
    assert_eq!(remove(&mut host, chain(1)), Removal::Removed);

    // Somebody else's VLAN has the id, in another namespace.
    let pod = Pod::new();
    host.delete_alt_name(p1, CHAIN[2]).unwrap();
    let foreign = host.create(&NewLink::vlan(p0, vid(10)).name(name(CHAIN[0])).up()).unwrap();
    host.create(&NewLink::vlan(foreign, vid(20)).name(name("x")).netns(&pod.sandbox)).unwrap();
    let error = refused(&mut host, |host| chain(3).up(host, &owner()));
    assert!(failed(&error).is_already_there(), "{error}");
    Ok(())
}

/// The MTU is that of the base unless said, and checked before anything is made.
#[kernel_test]
pub fn an_mtu_is_at_most_the_bases() -> Result<(), Skip> {
    needs("vlan")?;
    let mut host = socket();
    parent(&mut host);
    let error = refused(&mut host, |host| chain(2).mtu(1501).up(host, &owner()));
    assert_eq!(error.to_string(), "the MTU 1501 of p0.10.20 is above the 1500 of p0, on which it would be made");
    let invalid = error.as_invalid().unwrap();
    assert!(matches!(invalid, InvalidNetwork::Parent(InvalidParent::MtuAboveBase { .. })), "{invalid:?}");
    let up = bring_up(&mut host, chain(2).mtu(1400));
    assert_eq!((up.mtu, host.link_at(up.index).unwrap().mtu()), (1400, 1400));
    assert_eq!(host.link(CHAIN[0]).unwrap().mtu(), 1500);
    Ok(())
}

#[kernel_test]
pub fn a_chain_is_made_again_and_its_orphans_go() -> Result<(), Skip> {
    needs("vlan")?;
    let mut host = socket();
    let p0 = parent(&mut host);
    let before = links(&mut host);
    let networks = [on(CHAIN[1], "inner"), on("p0.10.30", "sibling")];
    let restored = restore_networks(&mut host, &owner(), &networks).unwrap();
    assert!(restored.parents.iter().all(|(_, up)| up.as_ref().is_ok_and(|up| up.made)), "{restored:?}");
    let outer = host.index_of(CHAIN[0]).unwrap();
    let again = restore_networks(&mut host, &owner(), &networks[..1]).unwrap();
    let orphans: Vec<_> =
        again.orphans.iter().map(|(name, removal)| (name.to_string(), removal.as_ref().unwrap())).collect();
    assert_eq!(orphans, [("p0.10.30".to_owned(), &Removal::Removed)]);
    assert_eq!(host.index_of(CHAIN[0]).ok(), Some(outer), "it has another use");

    // What a killed one left: an outer one without its inner one, and one without its name.
    let inner = host.index_of(CHAIN[1]).unwrap();
    host.delete(inner).unwrap();
    let half = host.create(&NewLink::vlan(outer, vid(40)).name(name("sl~0123456789ab"))).unwrap();
    mark(&mut host, half, "p0.10.40");
    let restored = restore_networks(&mut host, &owner(), &networks[..1]).unwrap();
    assert_eq!(restored.orphans.len(), 1, "{restored:?}");
    assert_eq!(host.index_of(CHAIN[0]).ok(), Some(outer), "it is wanted by what stands on it");
    restore_networks(&mut host, &owner(), &[]).unwrap();
    assert_eq!(links(&mut host), before, "on {p0}");
    Ok(())
}

/// All of them bring it up, each on a socket of its own.
#[kernel_test]
pub fn a_chain_is_made_once() -> Result<(), Skip> {
    const THREADS: usize = 4;
    needs("vlan")?;
    let mut host = socket();
    parent(&mut host);
    let before = links(&mut host);
    let here = Netns::current().unwrap();
    let owners = [owner(), Owner::new("other").unwrap()];
    for round in 0..10 {
        let start = Barrier::new(THREADS);
        let bring_up = |number: usize| {
            let (start, here, owner) = (&start, &here, &owners[number % 2]);
            let parent = chain(2 + number % 2);
            move || {
                let mut host = Socket::open_in(here).unwrap();
                start.wait();
                parent.up(&mut host, owner).unwrap_or_else(|error| panic!("round {round}: {error}"))
            }
        };
        let ups: Vec<Up> = thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS).map(|number| scope.spawn(bring_up(number))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        for (number, up) in ups.iter().enumerate() {
            assert_eq!(host.index_of(CHAIN[1 + number % 2]).ok(), Some(up.index), "{ups:?}");
        }
        assert_eq!(links(&mut host).len(), before.len() + 3);
        let outer = host.index_of(CHAIN[0]).unwrap();
        host.delete(outer).unwrap();
        assert_eq!(links(&mut host), before);
    }
    Ok(())
}

/// Which of the processes it is.
const NUMBER: &str = "SUBLINK_TEST_NUMBER";

fn start(role: &str, number: usize) -> Child {
    let mut command = Command::new(std::env::current_exe().expect("this binary"));
    command
        .env(ROLE, role)
        .env(NUMBER, number.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a process")
}

/// Attaches a container to the chain, detaches it, and removes the chain, over and over.
fn plug_in(depth: usize, endpoint: impl Fn(IfIndex) -> Endpoint<'static>) {
    let (mut host, mut pod, owner, parent) = (socket(), Pod::new(), owner(), chain(depth));
    for round in 0..8 {
        let attached = parent.attach(&mut host, &owner, &mut pod.sandbox, |parent| Ok(endpoint(parent)));
        let (_, attached) = attached.unwrap_or_else(|error| panic!("round {round}: {error}"));
        let detached = attached.detach(&mut host, &mut pod.sandbox, &Detach::new()).expect("detached");
        assert_eq!(detached.link, Fate::Deleted, "round {round}: lost");
        let removal = parent.remove(&mut host, &owner, &[]).unwrap_or_else(|error| panic!("round {round}: {error}"));
        assert!(matches!(removal, Removal::Removed | Removal::InUse | Removal::NotThere), "round {round}: {removal:?}");
    }
}

fn macvlan_on(parent: IfIndex) -> Endpoint<'static> {
    Endpoint::new(NewLink::macvlan(parent).mode(MacvlanMode::Bridge).name(name("eth0"))).addr(net("10.0.50.7/24"))
}

#[role]
fn a_plugin_of_a_chain() {
    plug_in(2, macvlan_on);
}

#[role]
fn a_plugin_of_a_longer_chain() {
    plug_in(3, macvlan_on);
}

/// Each container has a VLAN of its own on the outer one.
#[role]
fn a_plugin_of_vlans() {
    let id = 100 + std::env::var(NUMBER).expect("its number").parse::<u16>().expect("a number");
    plug_in(1, |parent| Endpoint::new(NewLink::vlan(parent, vid(id)).name(name("eth0"))).addr(net("10.0.50.7/24")));
}

/// What one of them removes, others use: nothing that is used is lost, and in the end nothing is left.
#[kernel_test]
pub fn many_processes_share_a_chain() -> Result<(), Skip> {
    needs("vlan")?;
    let mut host = socket();
    parent(&mut host);
    let before = links(&mut host);
    let roles = ["a_plugin_of_a_chain", "a_plugin_of_a_longer_chain", "a_plugin_of_vlans"];
    let plugins: Vec<_> = (0..9).map(|number| start(roles[number % 3], number)).collect();
    let ends: Vec<_> = plugins.into_iter().map(|plugin| plugin.wait_with_output().expect("its end")).collect();
    let failed: Vec<_> = ends.iter().filter(|end| !end.status.success()).collect();
    let said: String = failed.iter().map(|end| String::from_utf8_lossy(&end.stderr)).collect();
    assert!(failed.is_empty(), "{} failed: {said}", failed.len());
    assert_eq!(links(&mut host), before, "none is left");
    Ok(())
}

fn give_notice(host: &mut Socket, index: IfIndex) {
    let alias = "removing-0123456789ab:sublink:tests:p0.10";
    host.change(&LinkChange::new(index).alias(Alias::new(alias).unwrap())).unwrap();
}

/// Who makes a VLAN on it waits for the outcome, which is that the link is kept, or gone and made again.
#[kernel_test]
pub fn a_removal_that_is_under_way_is_awaited() -> Result<(), Skip> {
    needs("vlan")?;
    let mut host = socket();
    parent(&mut host);
    for is_kept in [true, false] {
        let outer = bring_up(&mut host, chain(1)).index;
        let probe = NewLink::macvlan(outer).mode(MacvlanMode::Passthru).name(name("probe"));
        let probe = host.create(&probe).unwrap(); // as every removal has one
        give_notice(&mut host, outer);
        let here = Netns::current().unwrap();
        let inner = thread::scope(|scope| {
            let maker = scope.spawn(|| chain(2).up(&mut Socket::open_in(&here).unwrap(), &owner()).unwrap());
            tools_await(&mut host, outer);
            assert!(!maker.is_finished(), "it has made its VLAN, and waits");
            if is_kept {
                mark(&mut host, outer, "p0.10");
                host.delete(probe).unwrap();
            } else {
                host.delete(outer).unwrap();
            }
            maker.join().unwrap()
        });
        assert_eq!(host.index_of(CHAIN[0]).unwrap() == outer, is_kept);
        assert_eq!(host.index_of(CHAIN[1]).ok(), Some(inner.index));
        assert_eq!(remove(&mut host, chain(2)), Removal::Removed);
        assert!(host.index_of(CHAIN[0]).is_err());
    }
    Ok(())
}

/// Waits until the inner VLAN is there and up.
fn tools_await(host: &mut Socket, outer: IfIndex) {
    let since = Instant::now();
    while !host.link(CHAIN[1]).is_ok_and(|link| link.is_up()) {
        assert!(since.elapsed() < Duration::from_secs(120), "no VLAN on {outer}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// One that was killed has left it.
#[kernel_test]
pub fn a_stale_notice_is_taken_down() -> Result<(), Skip> {
    needs("vlan")?;
    let mut host = socket();
    let p0 = parent(&mut host);
    let outer = bring_up(&mut host, chain(1)).index;
    give_notice(&mut host, outer);
    assert!(bring_up(&mut host, chain(2)).made);
    is_vlan(&host.link_at(outer).unwrap().to_owned(), p0, VlanProtocol::Ieee8021Q, 10, CHAIN[0]);
    give_notice(&mut host, outer);
    assert_eq!(remove(&mut host, chain(1)), Removal::InUse);
    assert_eq!(remove(&mut host, chain(2)), Removal::Removed);
    assert!(host.link_at(outer).unwrap_err().is_no_device(), "it was ours in spite of it");
    Ok(())
}
