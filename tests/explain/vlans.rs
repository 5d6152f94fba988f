//! What VLANs and ipvlans have of their own.

use crate::common::{Skip, mac, name, needs, parent, socket, vid};
use crate::help::{elsewhere, netnsid, try_ip};
use crate::why::{assert_no_more, assert_why, why};
use sublink::error::Reason;
use sublink::link::{Vlan, VlanFlags, VlanProtocol};
use sublink::{IfIndex, LinkChange, NewLink};
use sublink_tests::kernel_test;

fn five<'a>(parent: IfIndex) -> NewLink<'a, Vlan<'a>> {
    NewLink::vlan(parent, vid(5)).name(name("x"))
}

#[kernel_test]
pub fn a_vlan_that_is_there_has_a_name() -> Result<(), Skip> {
    needs("vlan")?;
    let mut socket = socket();
    let parent = parent(&mut socket);
    socket.create(&NewLink::vlan(parent, vid(6)).name(name("six"))).unwrap();
    let ad = socket.create(&five(parent).name(name("ad")).protocol(VlanProtocol::Ieee8021Ad)).unwrap();
    let q = socket.create(&five(parent).name(name("q"))).unwrap();
    for (link, index, name) in [
        (five(parent), q, name("q")),
        (five(parent).protocol(VlanProtocol::Ieee8021Q), q, name("q")),
        (five(parent).protocol(VlanProtocol::Ieee8021Ad), ad, name("ad")),
        (NewLink::vlan(parent, vid(5)), q, name("q")),
    ] {
        let created = socket.create(&link);
        let sentence = format!("VLAN 5 is there already: {name} (#{index})");
        assert_why(&mut socket, created, &Reason::VlanIsThere { id: vid(5), name, index }, &sentence);
    }
    Ok(())
}

#[kernel_test]
pub fn a_vlan_may_be_in_another_namespace() -> Result<(), Skip> {
    needs("vlan")?;
    let mut socket = socket();
    let parent = parent(&mut socket);
    let (there, mut inside) = elsewhere();
    let index = socket.create(&five(parent).netns(&there)).unwrap();
    let sentence = "VLAN 5 is there already, in another namespace, or was until now";
    for link in [five(parent), five(parent).name(name("y")).netns(&there)] {
        let created = socket.create(&link);
        assert_why(&mut socket, created, &Reason::VlanIsElsewhere(vid(5)), sentence);
    }
    // Seen from over there, it is a link like any other.
    let nsid = netnsid(&mut socket, parent, &mut inside, &there);
    let created = inside.create(&five(parent).name(name("y")).parent_in(nsid));
    assert_eq!(why(&mut inside, created), Some(Reason::VlanIsThere { id: vid(5), name: name("x"), index }));
    Ok(())
}

#[kernel_test]
pub fn a_name_comes_before_the_vlan() -> Result<(), Skip> {
    needs("vlan")?;
    let mut socket = socket();
    let parent = parent(&mut socket);
    let x = socket.create(&five(parent)).unwrap();
    let p1 = socket.index_of("p1").unwrap();
    for (taken, index) in [("p1", p1), ("x", x)] {
        let created = socket.create(&five(parent).name(name(taken)));
        let reason = Reason::NameIsTaken { name: taken.as_bytes().into(), owner: name(taken), index };
        assert_eq!(why(&mut socket, created), Some(reason));
    }
    let created = socket.create(&five(parent).name(name("y")).index(p1));
    assert_eq!(why(&mut socket, created), Some(Reason::IndexIsTaken { index: p1, owner: name("p1") }));
    Ok(())
}

#[kernel_test]
pub fn an_mtu_is_at_most_the_parents() -> Result<(), Skip> {
    needs("vlan")?;
    let mut socket = socket();
    let parent = parent(&mut socket);
    let x = socket.create(&five(parent)).unwrap();
    let reason = Reason::MtuAboveParent { mtu: 1501, parent: name("p0"), parent_mtu: 1500 };
    let sentence = "the MTU 1501 is above the 1500 of the parent p0";
    let created = socket.create(&NewLink::vlan(parent, vid(6)).mtu(1501));
    assert_why(&mut socket, created, &reason, sentence);
    let changed = socket.change(&LinkChange::vlan(x).mtu(1501));
    assert_why(&mut socket, changed, &reason, sentence);
    let changed = socket.change(&LinkChange::new(x).mtu(1501));
    assert_why(&mut socket, changed, &reason, sentence);
    Ok(())
}

/// A macvlan on a macvlan is put beside it, but a VLAN stands on it.
#[kernel_test]
pub fn the_parent_may_be_a_macvlan() -> Result<(), Skip> {
    needs("vlan")?;
    let mut socket = socket();
    let parent = parent(&mut socket);
    let macvlan = socket.create(&NewLink::macvlan(parent).name(name("mv0")).mtu(1300).up()).unwrap();
    let created = socket.create(&five(macvlan).mtu(1400));
    let reason = Reason::MtuAboveParent { mtu: 1400, parent: name("mv0"), parent_mtu: 1300 };
    assert_eq!(why(&mut socket, created), Some(reason));
    let index = socket.create(&five(macvlan)).unwrap();
    let created = socket.create(&five(macvlan).name(name("y")));
    assert_eq!(why(&mut socket, created), Some(Reason::VlanIsThere { id: vid(5), name: name("x"), index }));
    Ok(())
}

#[kernel_test]
pub fn it_waits_for_its_parent() -> Result<(), Skip> {
    needs("vlan")?;
    let mut socket = socket();
    let parent = parent(&mut socket);
    socket.change(&LinkChange::new(parent).down()).unwrap();
    let (reason, sentence) = (Reason::ParentIsDown(name("p0")), "the parent p0 is down: bring it up first");
    let created = socket.create(&five(parent).up());
    assert_why(&mut socket, created, &reason, sentence);
    let x = socket.create(&five(parent)).unwrap();
    let changed = socket.change(&LinkChange::new(x).up());
    assert_why(&mut socket, changed, &reason, sentence);
    let error = socket.change(&LinkChange::vlan(x).up()).unwrap_err();
    socket.change(&LinkChange::new(parent).up()).unwrap();
    assert_eq!(crate::common::reason(&error, &mut socket), None, "nothing is in the way any more");
    Ok(())
}

#[kernel_test]
pub fn a_vlan_with_the_mac_is_not_blamed() -> Result<(), Skip> {
    needs("vlan")?;
    let mut socket = socket();
    let parent = parent(&mut socket);
    let (there, _inside) = elsewhere();
    socket.create(&NewLink::macvlan(parent).mac(mac(1)).up().netns(&there)).unwrap();
    socket.create(&five(parent).mac(mac(1)).up()).unwrap();
    let created = socket.create(&NewLink::macvlan(parent).mac(mac(1)).up());
    assert_eq!(why(&mut socket, created), Some(Reason::MacMayBeElsewhere { mac: mac(1), parent: name("p0") }));
    Ok(())
}

#[kernel_test]
pub fn its_own_words_say_it_all() -> Result<(), Skip> {
    needs("vlan")?;
    let mut socket = socket();
    let lo = socket.index_of("lo").unwrap();
    let created = socket.create(&five(lo));
    assert_no_more(&mut socket, created, "create vlan x on lo: EOPNOTSUPP: 8021q: VLANs not supported on device");
    let parent = parent(&mut socket);
    let created = socket.create(&five(parent).protocol(VlanProtocol::Other(1)));
    assert_no_more(&mut socket, created, "create vlan x on p0: EPROTONOSUPPORT: 8021q: Invalid VLAN protocol");
    let created = socket.create(&five(parent).mtu(65536));
    assert_no_more(&mut socket, created, "create vlan x on p0: EINVAL: mtu greater than device maximum");
    let absent = IfIndex::new(4242).unwrap();
    let created = socket.create(&five(absent));
    assert_eq!(why(&mut socket, created), Some(Reason::ParentIsGone(absent)), "the same reason as for every kind");
    Ok(())
}

#[kernel_test]
pub fn a_change_of_a_vlan_is_for_vlans() -> Result<(), Skip> {
    needs("vlan")?;
    let mut socket = socket();
    let parent = parent(&mut socket);
    let macvlan = socket.create(&NewLink::macvlan(parent).name(name("mv0"))).unwrap();
    let changed = socket.change(&LinkChange::vlan(macvlan).flags(VlanFlags::GVRP.on()));
    let reason = Reason::OfAnotherKind { link: name("mv0"), kind: "vlan".into() };
    assert_why(&mut socket, changed, &reason, "mv0 is not of kind vlan");
    Ok(())
}

#[kernel_test]
pub fn an_ipvlan_is_no_child_of_a_port_or_of_lo() -> Result<(), Skip> {
    needs("ipvlan")?;
    let mut socket = socket();
    let lo = socket.index_of("lo").unwrap();
    let created = socket.create(&NewLink::ipvlan(lo));
    assert_eq!(why(&mut socket, created), Some(Reason::ParentIsLoopback(name("lo"))));
    let parent = parent(&mut socket);
    let bridge = crate::help::bridge(&mut socket, "br0")?;
    socket.change(&LinkChange::new(parent).master(bridge)).unwrap();
    let created = socket.create(&NewLink::ipvlan(parent));
    let reason = Reason::ParentIsPort { parent: name("p0"), master: name("br0") };
    assert_eq!(why(&mut socket, created), Some(reason));
    let absent = IfIndex::new(4242).unwrap();
    let created = socket.create(&NewLink::ipvlan(absent));
    assert_eq!(why(&mut socket, created), Some(Reason::ParentIsGone(absent)));
    Ok(())
}

#[kernel_test]
pub fn a_driver_that_is_missing_is_named() -> Result<(), Skip> {
    let mut socket = socket();
    let lo = socket.index_of("lo").unwrap();
    let mut lacking = 0;
    for (module, link, made) in [
        ("8021q", "vlan x on lo", socket.create(&five(lo))),
        ("ipvlan", "ipvlan on lo", socket.create(&NewLink::ipvlan(lo))),
        ("dummy", "dummy", socket.create(&NewLink::dummy())),
    ] {
        let kind = if module == "8021q" { "vlan" } else { module };
        if !try_ip(&format!("link add link lo name y type {kind}{}", if kind == "vlan" { " id 9" } else { "" }))
            .is_err_and(|e| e.contains("Unknown device type"))
        {
            continue; // it is there
        }
        lacking += 1;
        let why = format!("Unknown device type (this kernel lacks the driver: module {module})");
        assert_no_more(&mut socket, made, &format!("create {link}: EOPNOTSUPP: {why}"));
    }
    if lacking == 0 { Err(Skip("this kernel has all drivers".into())) } else { Ok(()) }
}
