//! What an attach that fails leaves behind: nothing.

use crate::common::{Skip, kernel, mac, name, parent, socket, veth};
use crate::help::{Pod, bridge_endpoint, ip, links, net, port_of_a_bridge};
use nix::sched::{CloneFlags, unshare};
use std::fs;
use sublink::error::Undo;
use sublink::link::AddrGenMode;
use sublink::route::RouteType;
use sublink::value::InvalidValue;
use sublink::{Attached, Endpoint, ErrorKind, IfIndex, LinkSpec, MacvlanMode, NewLink, NewRoute, Sandbox, Socket};
use sublink_tests::kernel_test;

#[kernel_test]
pub fn the_parents_own_namespace_is_refused() -> Result<(), Skip> {
    let (mut host, mut here) = (socket(), Sandbox::here().unwrap());
    let endpoint = bridge_endpoint(parent(&mut host));
    let error = endpoint.attach(&mut host, &mut here).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::SameNamespace), "{error}");
    assert!(host.index_of("eth0").unwrap_err().is_no_device());
    endpoint.allow_same_namespace().attach(&mut host, &mut here).unwrap();
    assert!(host.index_of("eth0").is_ok());
    Ok(())
}

/// The kernel would ignore it, and the link would not be known again.
#[kernel_test]
pub fn a_mac_for_a_link_that_has_its_parents_is_refused() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let parent = parent(&mut host);
    for link in [
        NewLink::macvlan(parent).mode(MacvlanMode::Passthru).mac(mac(7)).into(),
        NewLink::macvtap(parent).mode(MacvlanMode::Passthru).mac(mac(7)).into(),
        LinkSpec::from(NewLink::ipvlan(parent).mac(mac(7))),
    ] {
        let error = pod.attach(&mut host, &Endpoint::new(link)).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Invalid(InvalidValue::MacIsParents)), "{error}");
    }
    Ok(())
}

/// A link that is there already: down, so that the kernel gives it no addresses in its own time.
fn stand_by(pod: &mut Pod, host: &mut Socket, parent: IfIndex) -> Attached {
    bridge_endpoint(parent).prepare(host, &mut pod.sandbox).unwrap()
}

#[kernel_test]
pub fn a_taken_name_leaves_nothing() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let parent = parent(&mut host);
    stand_by(&mut pod, &mut host, parent);
    let before = pod.contents();
    let error = pod.attach(&mut host, &bridge_endpoint(parent)).unwrap_err();
    assert!(error.is_already_there() && error.undo() == Some(Undo::Clean), "{error}");
    assert_eq!(pod.contents(), before);
    Ok(())
}

#[kernel_test]
pub fn a_taken_index_leaves_the_other_link_alone() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let parent = parent(&mut host);
    let taken = stand_by(&mut pod, &mut host, parent);
    let before = pod.contents();
    let link = NewLink::macvlan(parent).mode(MacvlanMode::Bridge).name(name("eth1")).index(taken.index);
    let error = pod.attach(&mut host, &Endpoint::new(link).addr(net("10.0.51.7/24"))).unwrap_err();
    let expected = if kernel() >= (6, 16) { error.is_already_there() } else { error.is_busy() };
    assert!(expected && error.undo() == Some(Undo::Clean), "{error}");
    assert_eq!(pod.contents(), before, "no address on the link that has the index");
    Ok(())
}

/// Up to Linux 6.12, the index is looked up where the parent is as well.
#[kernel_test]
pub fn an_index_that_the_host_has_taken_is_taken_on_older_kernels() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let parent = parent(&mut host);
    let index = IfIndex::new(20_000).unwrap();
    host.create(&NewLink::macvlan(parent).name(name("own")).index(index)).unwrap();
    let before = pod.contents();
    let link = NewLink::macvlan(parent).mode(MacvlanMode::Bridge).name(name("eth0")).index(index);
    match pod.attach(&mut host, &Endpoint::new(link)) {
        Ok(attached) => assert_eq!((attached.index, kernel() >= (6, 16)), (index, true)),
        Err(error) => {
            assert!(kernel() <= (6, 12) && error.undo() == Some(Undo::Clean), "{error}");
            assert!(error.is_already_there() || error.is_busy(), "{error}");
            assert_eq!(pod.contents(), before);
        }
    }
    assert_eq!(host.index_of("own").unwrap(), index, "it is let alone");
    Ok(())
}

#[kernel_test]
pub fn a_parent_that_is_a_bridge_port_is_busy() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let parent = parent(&mut host);
    port_of_a_bridge(parent)?;
    let before = pod.contents();
    let error = pod.attach(&mut host, &bridge_endpoint(parent)).unwrap_err();
    let expected = "create macvlan eth0 on p0: EBUSY (Device or resource busy): \
        the parent p0 is a port of br0, which receives its packets; no link is left behind";
    assert_eq!(error.to_string(), expected);
    assert_eq!(pod.contents(), before);
    Ok(())
}

#[kernel_test]
pub fn a_parent_that_vanished_is_no_device() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let parent = parent(&mut host);
    let endpoint = bridge_endpoint(parent);
    let before = pod.contents();
    let prepared = endpoint.prepare(&mut host, &mut pod.sandbox).unwrap();
    host.delete(parent).unwrap();
    let error = endpoint.finish(&prepared, &mut pod.sandbox).unwrap_err();
    assert!(error.is_no_device() && error.undo() == Some(Undo::Gone(prepared.index)), "{error}");
    let error = pod.attach(&mut host, &endpoint).unwrap_err();
    assert!(error.to_string().starts_with("create macvlan eth0 on #"), "{error}");
    assert!(error.is_no_device() && error.undo() == Some(Undo::Clean), "{error}");
    assert_eq!(pod.contents(), before);
    Ok(())
}

#[kernel_test]
pub fn a_failure_at_each_step_leaves_nothing() -> Result<(), Skip> {
    unshare(CloneFlags::CLONE_FILES).expect("descriptors of this thread's own");
    let (mut host, mut pod) = (socket(), Pod::new());
    let parent = parent(&mut host);
    let own = host.link_at(parent).unwrap().mac().mac().unwrap();
    let everything = |host: &mut Socket, pod: &mut Pod| {
        let descriptors = fs::read_dir("/proc/thread-self/fd").expect("a list").count();
        (pod.contents(), links(host), descriptors)
    };
    let before = everything(&mut host, &mut pod);
    let link = NewLink::macvlan(parent).mode(MacvlanMode::Bridge).name(name("eth0"));
    let good = || bridge_endpoint(parent);
    let mac_of_parent = format!(
        "bring up eth0: EADDRINUSE (Address already in use): the MAC address {own} is that of the parent p0 itself;"
    );
    let rows = [
        (
            Endpoint::new(link.mtu(9000)),
            "create macvlan eth0 on p0: EINVAL (Invalid argument): the MTU 9000 is above the 1500 of the parent p0;",
        ),
        (good().addr_gen_mode(AddrGenMode::Other(77)), "change link eth0: EINVAL (Invalid argument);"),
        (good().addr(net("10.0.50.7/24")), "add address 10.0.50.7/24 to eth0: EEXIST"), // newer kernels have words for it
        (Endpoint::new(link.mac(own)).addr(net("10.0.50.7/24")), &mac_of_parent),
        (
            good().gateway(ip("10.0.50.2")),
            "add route default via 10.0.50.2 dev eth0: EEXIST (File exists): there is a route with this metric already: ",
        ),
        (
            good().route(NewRoute::new(net("10.9.0.0/16")).gateway(ip("10.8.0.1"))),
            "add route 10.9.0.0/16 via 10.8.0.1 dev eth0: ENETUNREACH: Nexthop has invalid gateway: the gateway 10.8.0.1 is in no ",
        ),
    ];
    for (endpoint, sentence) in rows {
        let error = pod.attach(&mut host, &endpoint).unwrap_err();
        assert!(error.to_string().starts_with(sentence), "{sentence}\n{error}");
        assert!(
            error.to_string().ends_with("; no link is left behind") && error.undo() == Some(Undo::Clean),
            "{error}"
        );
        assert_eq!(everything(&mut host, &mut pod), before, "{sentence}");
    }
    pod.attach(&mut host, &good()).expect("nothing stands in the way of the next");
    Ok(())
}

#[kernel_test]
pub fn a_route_that_drops_packets_is_undone_too() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let parent = parent(&mut host);
    let before = pod.contents();
    let endpoint = bridge_endpoint(parent)
        .route(NewRoute::new(net("10.9.0.0/16")).route_type(RouteType::Blackhole))
        .route(NewRoute::new(net("10.9.0.0/16")).gateway(ip("10.8.0.1")).metric(5));
    let error = pod.attach(&mut host, &endpoint).unwrap_err();
    assert_eq!(error.undo(), Some(Undo::Clean), "{error}");
    assert_eq!(pod.contents(), before);

    // One that was there before, and made the step fail, is not ours to remove.
    pod.inside().apply(&NewRoute::new(net("10.9.0.0/16")).route_type(RouteType::Blackhole)).unwrap();
    let before = pod.contents();
    pod.attach(&mut host, &endpoint).unwrap_err();
    assert_eq!(pod.contents(), before);
    Ok(())
}

/// IPv6 is switched off in the container: its addresses are refused.
#[kernel_test]
pub fn a_closed_door_leaves_nothing() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let parent = veth(&mut host, "q0", "q1");
    let switch = || fs::write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
    pod.sandbox.run(switch).unwrap().map_err(|error| Skip(format!("sysctls cannot be written: {error}")))?;
    let before = pod.contents();
    let error = pod.attach(&mut host, &bridge_endpoint(parent)).unwrap_err();
    assert!(error.to_string().starts_with("add address fd50::7/64 to eth0: EACCES"), "{error}"); // newer kernels have words for it
    assert_eq!(pod.contents(), before);
    let own = NewLink::macvlan(parent).mode(MacvlanMode::Bridge).name(name("eth0")).mac(mac(7));
    pod.attach(&mut host, &Endpoint::new(own).addr(net("10.0.50.7/24"))).unwrap();
    Ok(())
}
