//! Duplicate address detection as a part of the attach: it returns when the addresses can be used, or says why they cannot.

use crate::common::{Skip, name, parent, socket};
use crate::help::{Pod, net};
use crate::tools::try_ip;
use std::net::Ipv6Addr;
use std::thread;
use std::time::Duration;
use sublink::addr::{AddressFlags, ListAddresses};
use sublink::endpoint::Detach;
use sublink::error::{Class, NoCarrier, Subject, Undo};
use sublink::link::{AddrGenMode, Ipv6Setting};
use sublink::route::RouteType;
use sublink::socket::AddressWatch;
use sublink::value::Scope;
use sublink::{
    Attached, Endpoint, Error, ErrorKind, LinkChange, MacvlanMode, NewAddress, NewLink, NewRoute, Sandbox, Socket,
};
use sublink_tests::kernel_test;

const LIMIT: Duration = Duration::from_secs(120);

const ADDR: Ipv6Addr = Ipv6Addr::new(0xfd50, 0, 0, 0, 0, 0, 0, 7);

fn endpoint(host: &mut Socket) -> Endpoint<'static> {
    let parent = host.index_of("p0").unwrap_or_else(|_| parent(host));
    let link = NewLink::macvlan(parent).mode(MacvlanMode::Bridge).name(name("eth0"));
    Endpoint::new(link).addr(net("10.0.50.7/24")).addr(net("fd50::7/64"))
}

/// The IPv6 addresses of a link, and whether each can be used.
fn addresses(pod: &mut Pod, attached: &Attached) -> Vec<(Scope, bool)> {
    let list = pod.inside().snapshot(&ListAddresses::new().v6().index(attached.index)).expect("addresses");
    list.iter().map(|addr| (addr.scope, !addr.flags.is_some_and(|f| f.contains(AddressFlags::TENTATIVE)))).collect()
}

#[track_caller]
fn refused(pod: &mut Pod, host: &mut Socket, endpoint: &Endpoint<'_>) -> Error {
    let before = pod.contents();
    let error = pod.attach(host, endpoint).expect_err("it should have been refused");
    assert_eq!(error.undo(), Some(Undo::Clean), "{error}");
    assert_eq!(pod.contents(), before, "{error}");
    error
}

#[kernel_test]
fn an_attach_returns_when_the_addresses_can_be_used() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let endpoint = endpoint(&mut host).usable_within(LIMIT);
    let attached = pod.attach(&mut host, &endpoint).unwrap();
    assert!(addresses(&mut pod, &attached).contains(&(Scope::GLOBAL, true)));
    attached.detach(&mut host, &mut pod.sandbox, &Detach::new()).unwrap();
    // Detection of the link-local address begins at a random moment of its own.
    let endpoint = endpoint.with_link_local();
    let attached = pod.attach(&mut host, &endpoint).unwrap();
    let mut found = addresses(&mut pod, &attached);
    found.sort_unstable_by_key(|(scope, _)| u8::from(*scope));
    assert_eq!(found, [(Scope::GLOBAL, true), (Scope::LINK, true)]);
    Ok(())
}

/// What is not detected is not waited for; without IPv6 addresses there is nothing to wait for.
#[kernel_test]
fn what_needs_no_detection_is_not_awaited() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let slow = endpoint(&mut host).ipv6(Ipv6Setting::DAD_TRANSMITS, 1_000_000).usable_within(LIMIT);
    let attached = pod.attach(&mut host, &slow.clone().nodad()).unwrap();
    attached.detach(&mut host, &mut pod.sandbox, &Detach::new()).unwrap();
    let attached = pod.attach(&mut host, &slow.ipv6(Ipv6Setting::ACCEPT_DAD, 0).with_link_local()).unwrap();
    attached.detach(&mut host, &mut pod.sandbox, &Detach::new()).unwrap();
    let link = NewLink::macvlan(host.index_of("p0").unwrap()).name(name("eth0"));
    let v4 = Endpoint::new(link).addr(net("10.0.50.7/24")).ipv6(Ipv6Setting::DAD_TRANSMITS, 1_000_000);
    pod.attach(&mut host, &v4.usable_within(LIMIT)).unwrap();
    Ok(())
}

/// With it go the routes that belong to no link.
#[kernel_test]
fn an_address_of_another_station_undoes_the_attach() -> Result<(), Skip> {
    let (mut host, mut pod, mut other) = (socket(), Pod::new(), Pod::new());
    let endpoint = endpoint(&mut host).usable_within(LIMIT);
    other.attach(&mut host, &endpoint).unwrap();
    let endpoint = endpoint.route(NewRoute::new(net("10.2.0.0/16")).route_type(RouteType::Prohibit));
    let error = refused(&mut pod, &mut host, &endpoint);
    assert!(matches!(error.kind(), ErrorKind::DuplicateAddress(addr) if *addr == ADDR), "{error}");
    assert_eq!((error.class(), error.subject()), (Class::Taken, Subject::Address));
    Ok(())
}

#[kernel_test]
fn a_duplicate_link_local_address_undoes_the_attach() -> Result<(), Skip> {
    let (mut host, mut pod, mut other) = (socket(), Pod::new(), Pod::new());
    let parent = parent(&mut host);
    let link = NewLink::macvlan(parent).mode(MacvlanMode::Bridge).name(name("eth0")).mac(crate::common::mac(7));
    // Two stations of one MAC address have no link-local address of their own; here, another just has it.
    let taken = Endpoint::new(NewLink::macvlan(parent).mode(MacvlanMode::Bridge).name(name("eth0")));
    other.attach(&mut host, &taken.addr(net("fe80::ff:fe00:7/64")).nodad()).unwrap();
    let error = refused(&mut pod, &mut host, &Endpoint::new(link).usable_within(LIMIT).with_link_local());
    let addr: Ipv6Addr = "fe80::ff:fe00:7".parse().unwrap();
    assert!(matches!(error.kind(), ErrorKind::DuplicateAddress(found) if *found == addr), "{error}");
    Ok(())
}

#[kernel_test]
fn a_limit_that_is_too_short_undoes_the_attach() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let slow = endpoint(&mut host).ipv6(Ipv6Setting::DAD_TRANSMITS, 1_000_000);
    let short = Duration::from_millis(20);
    let error = refused(&mut pod, &mut host, &slow.clone().usable_within(short));
    assert!(matches!(error.kind(), ErrorKind::StillTentative(addr) if *addr == ADDR), "{error}");
    let error = refused(&mut pod, &mut host, &slow.nodad().usable_within(short).with_link_local());
    let ErrorKind::StillTentative(addr) = error.kind() else { panic!("{error}") };
    assert!(addr.is_unicast_link_local(), "{error}");
    Ok(())
}

#[kernel_test]
fn nobody_waits_for_a_link_local_address_that_does_not_come() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let endpoint = endpoint(&mut host).nodad().usable_within(LIMIT).with_link_local();
    let error = refused(&mut pod, &mut host, &endpoint.addr_gen_mode(AddrGenMode::None));
    assert!(matches!(error.kind(), ErrorKind::NoLinkLocal(link) if *link == name("eth0")), "{error}");
    let link = NewLink::macvlan(host.index_of("p0").unwrap()).name(name("eth0"));
    let off = Endpoint::new(link).ipv6(Ipv6Setting::DISABLE_IPV6, 1).usable_within(LIMIT).with_link_local();
    let error = refused(&mut pod, &mut host, &off);
    assert!(matches!(error.kind(), ErrorKind::NoLinkLocal(_)), "{error}");
    Ok(())
}

/// Detection would not begin.
#[kernel_test]
fn nobody_waits_without_a_carrier() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let endpoint = endpoint(&mut host).usable_within(LIMIT);
    let p1 = host.index_of("p1").unwrap();
    host.change(&LinkChange::new(p1).down()).unwrap();
    crate::tools::await_link(host.index_of("p0").unwrap(), "the carrier to go", |link| !link.carrier().unwrap_or(true));
    for endpoint in [endpoint.clone(), endpoint.clone().with_link_local(), endpoint.nodad().with_link_local()] {
        let error = refused(&mut pod, &mut host, &endpoint);
        let is_it = matches!(error.kind(), ErrorKind::NoCarrier { link, why: NoCarrier::ParentHasNone } if *link == name("eth0"));
        assert!(is_it, "{error}");
        assert_eq!((error.class(), error.subject()), (Class::Transient, Subject::Parent));
        assert_eq!(
            error.to_string(),
            "eth0 has no carrier, so its IPv6 addresses stay tentative: its parent has none; no link is left behind"
        );
    }
    Ok(())
}

#[kernel_test]
fn a_carrier_that_is_lost_ends_the_wait() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let endpoint = endpoint(&mut host).ipv6(Ipv6Setting::DAD_TRANSMITS, 1_000_000);
    let attached = pod.attach(&mut host, &endpoint).unwrap();
    let mut watch = AddressWatch::open_in(&pod.sandbox).unwrap();
    let p0 = host.index_of("p0").unwrap();
    let error = thread::scope(|scope| {
        let waiting = scope.spawn(move || watch.wait(attached.index, &[ADDR], LIMIT));
        host.change(&LinkChange::new(p0).down()).unwrap();
        waiting.join().unwrap().unwrap_err()
    });
    assert!(matches!(error.kind(), ErrorKind::NoCarrier { why: NoCarrier::ParentIsDown, .. }), "{error}");
    Ok(())
}

/// A bridge without ports has none. On newer kernels a VLAN is for a moment like that, when its parent has just come up.
#[kernel_test]
fn a_carrier_that_no_parent_lacks_is_awaited() -> Result<(), Skip> {
    let mut host = socket();
    let p0 = parent(&mut host);
    if let Err(error) = try_ip("link add br0 up type bridge") {
        return Err(Skip(format!("this kernel has no bridge driver: {error}")));
    }
    let br0 = host.index_of("br0").unwrap();
    host.apply(&NewAddress::new(br0, net("fd50::7/64"))).unwrap();
    let mut watch = AddressWatch::open().unwrap();
    let error = watch.wait(br0, &[ADDR], Duration::from_millis(20)).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::StillTentative(addr) if *addr == ADDR), "{error}");
    let link_local = thread::scope(|scope| {
        let waiting = scope.spawn(move || {
            watch.wait(br0, &[ADDR], LIMIT)?;
            watch.wait_link_local(br0, LIMIT)
        });
        host.change(&LinkChange::new(p0).master(br0)).unwrap();
        waiting.join().unwrap().unwrap()
    });
    assert!(link_local.is_unicast_link_local());
    Ok(())
}

/// What a step of the caller's has added is waited for as little as what it has brought up.
#[kernel_test]
fn a_step_in_between_changes_nothing_about_it() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let endpoint = endpoint(&mut host).usable_within(LIMIT);
    let up = |link: &Attached, pod: &mut Sandbox| pod.socket().change(&LinkChange::new(link.index).up());
    let (attached, ()) = endpoint.attach_with(&mut host, &mut pod.sandbox, up).unwrap();
    assert!(addresses(&mut pod, &attached).contains(&(Scope::GLOBAL, true)));
    assert_eq!(endpoint.check(&attached, &mut pod.sandbox).unwrap(), []);
    Ok(())
}
