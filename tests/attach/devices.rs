//! Devices that are moved with their addresses.

use crate::common::{Skip, name, parent, socket, veth};
use crate::help::{Pod, ip, net};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use sublink::addr::{AddressFlags, AddressInfo, Label, Lifetime, ListAddresses};
use sublink::endpoint::MovedDevice;
use sublink::error::{Class, Whereabouts};
use sublink::link::LinkFlags;
use sublink::route::{ListRoutes, Table};
use sublink::value::Scope;
use sublink::{ErrorKind, IfIndex, LinkChange, NewAddress, NewLink, Sandbox, Socket};
use sublink_tests::kernel_test;

/// For what must come about by chance.
const LIMIT: Duration = Duration::from_secs(60);

/// The addresses of global scope, without what differs in the other namespace and what the kernel finds out.
fn addresses(socket: &mut Socket, index: IfIndex) -> Vec<AddressInfo> {
    let mut list = socket.snapshot(&ListAddresses::new().index(index)).unwrap();
    list.retain(|address| address.scope == Scope::GLOBAL);
    for address in &mut list {
        address.index = IfIndex::new(1).unwrap();
        let found_out = AddressFlags::TENTATIVE.bits();
        address.flags = address.flags.map(|flags| AddressFlags::from(flags.bits() & !found_out));
    }
    list
}

fn routes(socket: &mut Socket) -> Vec<String> {
    let mut routes = socket.snapshot(&ListRoutes::v4().table(Table::MAIN)).unwrap();
    routes.extend(socket.snapshot(&ListRoutes::v6().table(Table::MAIN)).unwrap());
    let routes = routes.iter().filter_map(|route| Some((route.destination?, route.metric)));
    // The kernel makes a route to an IPv6 peer's network too when the link comes up behind the address.
    let is_made_later = |route: &String| route.starts_with("fe80") || route.starts_with("fd03");
    routes.map(|(to, metric)| format!("{to} {metric:?}")).filter(|route| !is_made_later(route)).collect()
}

#[kernel_test]
pub fn each_address_moves_whole() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let p0 = parent(&mut host);
    let new = |addr| NewAddress::new(p0, net(addr));
    for address in [
        new("10.1.0.1/32").peer(ip("10.1.0.2")),
        new("10.2.0.1/24").noprefixroute().metric(50),
        new("10.2.0.2/24").noprefixroute(), // a secondary
        new("10.3.0.1/24").nobroadcast().label(Label::new("mine").unwrap()),
        new("10.4.0.1/24").broadcast(ip("10.4.0.99")).metric(60),
        new("fd01::1/64").nodad().noprefixroute(),
        new("fd02::1/64").peer(ip("fd03::1")).nodad().metric(70),
        new("fd04::1/64").nodad().lifetime(Lifetime { preferred: 0, ..Lifetime::FOREVER }),
    ] {
        host.apply(&address).unwrap();
    }
    let (before, routes_before) = (addresses(&mut host, p0), routes(&mut host));
    assert_eq!(before.len(), 8);
    // Neither learnt ones nor those of this link alone are moved.
    host.apply(&new("10.5.0.1/24").lifetime(Lifetime { preferred: 1000, valid: 2000 })).unwrap();
    host.apply(&new("10.6.0.1/24").scope(Scope::LINK)).unwrap();

    let moved = MovedDevice::take(&mut host, "p0", &mut pod.sandbox, None).unwrap();
    assert!(host.index_of("p0").unwrap_err().is_no_device());
    let moved: MovedDevice = moved.to_string().parse().unwrap();
    for _ in ["once", "and again"] {
        let index = moved.restore(&mut pod.sandbox).unwrap();
        assert!(pod.link(index).flags.contains(LinkFlags::UP));
        assert_eq!(addresses(pod.inside(), index), before);
        assert_eq!(routes(pod.inside()), routes_before);
    }
    Ok(())
}

#[kernel_test]
pub fn a_label_has_the_new_name() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let p0 = parent(&mut host);
    for (addr, label) in [("10.1.0.1/24", "p0"), ("10.2.0.1/24", "p0:a"), ("10.3.0.1/24", "mine")] {
        host.apply(&NewAddress::new(p0, net(addr)).label(Label::new(label).unwrap())).unwrap();
    }
    let moved = MovedDevice::take(&mut host, "p0", &mut pod.sandbox, Some(name("ctr0"))).unwrap();
    let index = moved.restore(&mut pod.sandbox).unwrap();
    let labels: Vec<_> = addresses(pod.inside(), index).into_iter().filter_map(|address| address.label).collect();
    assert_eq!(labels, [&b"ctr0"[..], b"ctr0:a", b"mine"].map(Box::from));
    Ok(())
}

/// Under its name, or by an alternative one.
#[kernel_test]
pub fn a_name_that_is_taken_is_refused_before_the_move() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let p0 = parent(&mut host);
    host.apply(&NewAddress::new(p0, net("10.0.0.7/24"))).unwrap();
    veth(pod.inside(), "ctr0", "p0");
    let ctr0 = pod.inside().index_of("ctr0").unwrap();
    pod.inside().add_alt_name(ctr0, "other").unwrap();
    for (new_name, taken, owner) in
        [(Some("ctr0"), "ctr0", "ctr0"), (Some("other"), "other", "ctr0"), (None, "p0", "p0")]
    {
        let failed = MovedDevice::take(&mut host, "p0", &mut pod.sandbox, new_name.map(name)).unwrap_err();
        assert!(failed.device.is_none());
        let error = sublink::Error::from(failed);
        let expected = format!(
            "move link p0: EEXIST: the name {taken} is taken in the other namespace, by {owner}; the link has not left its \
             namespace"
        );
        assert_eq!(error.to_string(), expected);
        assert!(matches!(error.kind(), ErrorKind::NameIsTaken { .. }));
        assert!(error.is_already_there() && error.class() == Class::Taken);
        assert_eq!(error.link_is(), Some(Whereabouts::Here));
        let link = host.link_at(p0).unwrap().to_owned();
        assert!(link.name == name("p0") && link.flags.contains(LinkFlags::UP));
        assert_eq!(addresses(&mut host, p0).len(), 1);
    }
    let failed = MovedDevice::take(&mut host, "nothing", &mut pod.sandbox, None).unwrap_err();
    assert!(failed.device.is_none() && failed.error.is_no_device(), "{failed}");
    Ok(())
}

/// A link in the container gets the name when it has been looked at and before the move: tried until that comes about.
#[kernel_test]
pub fn who_takes_the_name_meanwhile_takes_no_addresses() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let mut index = parent(&mut host);
    let mut back = Sandbox::here().unwrap();
    let addr = net("10.0.0.7/24");
    host.apply(&NewAddress::new(index, addr)).unwrap();
    let mut rival = Socket::open_in(&pod.sandbox).unwrap();
    let other = rival.create(&NewLink::veth(NewLink::peer().name(name("b"))).name(name("a"))).unwrap();
    let (is_over, since) = (AtomicBool::new(false), Instant::now());
    let mut seen = false;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) && since.elapsed() < LIMIT {
                for name in ["ctr0", "a"].map(name) {
                    let _ = rival.change(&LinkChange::new(other).name(name)); // it may be the device's already
                }
            }
        });
        while !seen && since.elapsed() < LIMIT {
            let device = match MovedDevice::take(&mut host, "p0", &mut pod.sandbox, Some(name("ctr0"))) {
                Ok(device) => device,
                Err(failed) => match failed.device {
                    None => continue,
                    Some(device) => {
                        seen = true;
                        assert_eq!(failed.error.link_is(), Some(Whereabouts::There), "{}", failed.error);
                        assert_eq!(device.name, name("p0"));
                        device
                    }
                },
            };
            let there = device.restore(&mut pod.sandbox).unwrap();
            assert_eq!(addresses(pod.inside(), there)[0].addr, Some(addr));
            // And back, for the next try.
            let device = MovedDevice::take(pod.inside(), device.name.as_bytes(), &mut back, Some(name("p0"))).unwrap();
            index = device.restore(&mut back).unwrap();
        }
        is_over.store(true, Ordering::Relaxed);
    });
    assert!(seen, "it never came about");
    assert_eq!(addresses(&mut host, index)[0].addr, Some(addr));
    Ok(())
}
