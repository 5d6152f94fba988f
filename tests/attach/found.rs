//! A link is known by the device that it really stands on, and is found again by who has nothing written down.

use crate::common::{Skip, mac, name, needs, parent, socket};
use crate::help::{Pod, bridge_endpoint, with_addresses};
use sublink::endpoint::{Detach, Fate};
use sublink::link::{IpvlanMode, LinkKind};
use sublink::{Attached, Endpoint, IfIndex, LinkSpec, MacvlanMode, NewLink, Socket};
use sublink_tests::kernel_test;

/// A link of the same kind as a container's, on the same parent, in the host.
fn stacked(host: &mut Socket, link: &impl sublink::link::Create) -> IfIndex {
    host.create(link).expect("a link to stand on")
}

fn stands_on(host: &mut Socket, link: impl Into<LinkSpec<'static>>, parent: IfIndex, lower: IfIndex) {
    let mut pod = Pod::new();
    let endpoint = with_addresses(link.into());
    let attached = pod.attach(host, &endpoint).unwrap();
    assert_eq!((attached.parent, attached.lower), (Some(parent), Some(lower)));
    assert_eq!(pod.link(attached.index).parent, Some(lower), "as the kernel reports it");
    assert_eq!(endpoint.check(&attached, &mut pod.sandbox).unwrap(), []);
    assert_eq!(attached.detach(host, &mut pod.sandbox, &Detach::new()).unwrap().link, Fate::Deleted);
}

#[kernel_test]
fn a_macvlan_on_a_macvlan_stands_on_that_ones_parent() -> Result<(), Skip> {
    let mut host = socket();
    let p0 = parent(&mut host);
    let macvlan = |parent| NewLink::macvlan(parent).mode(MacvlanMode::Bridge);
    let mv0 = stacked(&mut host, &macvlan(p0).name(name("mv0")).up());
    stands_on(&mut host, macvlan(p0).name(name("eth0")), p0, p0);
    stands_on(&mut host, macvlan(mv0).name(name("eth0")), mv0, p0);
    needs("macvtap")?;
    stands_on(&mut host, NewLink::macvtap(mv0).mode(MacvlanMode::Bridge).name(name("eth0")), mv0, p0);
    let tap = stacked(&mut host, &NewLink::macvtap(p0).mode(MacvlanMode::Bridge).name(name("tap0")).up());
    stands_on(&mut host, macvlan(tap).name(name("eth0")), tap, p0);
    Ok(())
}

#[kernel_test]
fn a_vlan_on_a_macvlan_stands_on_it() -> Result<(), Skip> {
    needs("vlan")?;
    let mut host = socket();
    let p0 = parent(&mut host);
    let mv0 = stacked(&mut host, &NewLink::macvlan(p0).mode(MacvlanMode::Bridge).name(name("mv0")).up());
    let vlan = |parent| NewLink::vlan(parent, crate::common::vid(5));
    stands_on(&mut host, vlan(mv0).name(name("eth0")), mv0, mv0);
    let v7 = stacked(&mut host, &NewLink::vlan(p0, crate::common::vid(7)).name(name("v7")).up());
    stands_on(&mut host, vlan(v7).name(name("eth0")), v7, v7);
    stands_on(&mut host, NewLink::macvlan(v7).mode(MacvlanMode::Bridge).name(name("eth0")), v7, v7);
    Ok(())
}

#[kernel_test]
fn an_ipvlan_on_an_ipvlan_stands_on_that_ones_parent() -> Result<(), Skip> {
    needs("ipvlan")?;
    let mut host = socket();
    let p0 = parent(&mut host);
    let ipvlan = |parent| NewLink::ipvlan(parent).mode(IpvlanMode::L2);
    let iv0 = stacked(&mut host, &ipvlan(p0).name(name("iv0")).up());
    stands_on(&mut host, ipvlan(p0).name(name("eth0")), p0, p0);
    stands_on(&mut host, ipvlan(iv0).name(name("eth0")), iv0, p0);
    Ok(())
}

/// What that one stands on has a number in the other namespace only.
#[kernel_test]
fn what_a_parents_parent_is_elsewhere_is_not_known() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let p0 = parent(&mut host);
    let mut middle = Pod::new();
    let mv0 = pod_link(&mut host, &middle, p0);
    let endpoint = Endpoint::new(NewLink::macvlan(mv0).mode(MacvlanMode::Bridge).name(name("eth0")));
    let attached = endpoint.attach(middle.inside(), &mut pod.sandbox).unwrap();
    assert_eq!((attached.parent, attached.lower), (Some(mv0), None));
    Ok(())
}

fn pod_link(host: &mut Socket, pod: &Pod, parent: IfIndex) -> IfIndex {
    host.create(&NewLink::macvlan(parent).mode(MacvlanMode::Bridge).netns(&pod.sandbox)).expect("a link there")
}

#[kernel_test]
fn a_link_is_found_by_name_and_by_mac() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let p0 = parent(&mut host);
    let attached = pod.attach(&mut host, &bridge_endpoint(p0)).unwrap();
    let found = Attached::find(&mut pod.sandbox, "eth0").unwrap().expect("it is there");
    assert_eq!(found, attached);
    let mac = attached.mac.unwrap();
    assert_eq!(Attached::find_mac(&mut pod.sandbox, mac).unwrap(), [attached]);
    let read: Attached = found.to_string().parse().unwrap();
    assert_eq!(read.detach(&mut host, &mut pod.sandbox, &Detach::new()).unwrap().link, Fate::Deleted);
    assert_eq!(Attached::find(&mut pod.sandbox, "eth0").unwrap(), None);
    assert_eq!(Attached::find_mac(&mut pod.sandbox, mac).unwrap(), []);
    Ok(())
}

/// It takes over its parent's address, also when that changes.
#[kernel_test]
fn a_passthru_macvlan_is_found_as_one() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let p0 = parent(&mut host);
    let link = NewLink::macvlan(p0).mode(MacvlanMode::Passthru).name(name("eth0"));
    let attached = pod.attach(&mut host, &Endpoint::new(link)).unwrap();
    let found = Attached::find(&mut pod.sandbox, "eth0").unwrap().expect("it is there");
    assert!(found == attached && found.has_parents_mac, "{found:?}");
    Ok(())
}

/// Those are not what containers get, and not what is to be deleted.
#[kernel_test]
fn links_of_other_kinds_are_not_found() -> Result<(), Skip> {
    let mut pod = Pod::new();
    let pair = NewLink::veth(NewLink::peer().name(name("v1"))).name(name("v0")).mac(mac(1));
    pod.inside().create(&pair).unwrap();
    for link in ["lo", "v0", "absent"] {
        assert_eq!(Attached::find(&mut pod.sandbox, link).unwrap(), None, "{link}");
    }
    assert_eq!(Attached::find_mac(&mut pod.sandbox, mac(1)).unwrap(), []);
    assert!(Attached::find(&mut pod.sandbox, "").is_err());
    Ok(())
}

/// The recipe: index and address are chosen, written down, and only then is it attached.
#[kernel_test]
fn what_was_chosen_before_is_found_after_a_crash() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let p0 = parent(&mut host);
    let index = IfIndex::random();
    let link = NewLink::macvlan(p0).mode(MacvlanMode::Bridge).index(index).mac(mac(7));
    Endpoint::new(link).prepare(&mut host, &mut pod.sandbox).unwrap(); // and here it crashes
    let found = Attached::find_mac(&mut pod.sandbox, mac(7)).unwrap();
    let [found] = &found[..] else { panic!("{found:?}") };
    assert_eq!((found.index, found.kind), (index, LinkKind::Macvlan));
    assert_eq!(found.detach(&mut host, &mut pod.sandbox, &Detach::new()).unwrap().link, Fate::Deleted);
    Ok(())
}
