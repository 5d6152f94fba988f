//! What is the matter with the parent.

use crate::common::{Skip, mac, name, needs, parent, socket};
use crate::help::{bridge, elsewhere, index, netnsid, try_ip};
use crate::twins::{Change, New, Twin};
use crate::why::{assert_why, why};
use std::os::fd::AsFd;
use sublink::error::Reason;
use sublink::{LinkChange, MacvlanMode, Netns, NewLink};
use sublink_tests::kernel_test;

fn x() -> New<'static> {
    New { name: Some("x"), ..New::default() }
}

#[kernel_test(both)]
pub fn it_is_lo<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let lo = socket.index_of("lo").unwrap();
    for new in [x(), New::default(), New { mtu: Some(1400), ..x() }] {
        let created = T::create(&mut socket, lo, &new);
        let reason = Reason::ParentIsLoopback(name("lo"));
        assert_why(&mut socket, created, &reason, "lo is a loopback, which cannot be a parent");
    }
    Ok(())
}

#[kernel_test(both)]
pub fn it_is_not_ethernet<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let mut lacking = Vec::new();
    // ARPHRD_NONE, ARPHRD_NETLINK, ARPHRD_CAN. None of sit, gre and ipip: with the first one, the kernel puts another into each
    // namespace, those of the tests beside this one among them.
    for (args, device_type) in
        [("tuntap add dev t0 mode tun", 65534), ("link add t1 type nlmon", 824), ("link add t2 type vcan", 280)]
    {
        if let Err(error) = try_ip(args) {
            lacking.push(error);
            continue;
        }
        let link = args.split(' ').find(|word| word.starts_with('t') && word.len() == 2).expect("its name");
        let index = socket.index_of(link).unwrap();
        for new in [x(), New { mtu: Some(9000), ..x() }, New { mode: Some(MacvlanMode::Passthru), ..x() }] {
            let created = T::create(&mut socket, index, &new);
            let reason = Reason::ParentIsNotEthernet { parent: name(link), device_type };
            let sentence = format!("the parent {link} is not Ethernet (hardware type {device_type})");
            assert_why(&mut socket, created, &reason, &sentence);
        }
    }
    if lacking.len() == 3 { Err(Skip(format!("no such link here: {lacking:?}"))) } else { Ok(()) }
}

#[kernel_test(both)]
pub fn it_has_a_smaller_mtu<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let y = T::create(&mut socket, parent, &New { name: Some("y"), mtu: Some(1300), ..New::default() }).unwrap();
    let on_macvlan = T::create(&mut socket, y, &New { mtu: Some(1400), ..New::default() });
    on_macvlan.expect("not the macvlan's MTU counts, but that of its parent");
    for mtu in [1501, 9000] {
        let reason = Reason::MtuAboveParent { mtu, parent: name("p0"), parent_mtu: 1500 };
        let sentence = format!("the MTU {mtu} is above the 1500 of the parent p0");
        for below in [parent, y] {
            let created = T::create(&mut socket, below, &New { mtu: Some(mtu), ..x() });
            assert_why(&mut socket, created, &reason, &sentence);
        }
        let changed = T::change(&mut socket, y, &Change { mtu: Some(mtu), ..Change::default() });
        assert_why(&mut socket, changed, &reason, &sentence);
        let changed = socket.change(&LinkChange::new(y).mtu(mtu));
        assert_why(&mut socket, changed, &reason, &sentence);
    }
    Ok(())
}

#[kernel_test(both)]
pub fn it_has_a_smaller_mtu_in_another_namespace<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let (there, mut inside) = elsewhere();
    let nsid = netnsid(&mut socket, parent, &mut inside, &there);
    let y = T::create(&mut socket, parent, &New { netns: Some(there.as_fd()), ..x() }).unwrap();
    let reason = Reason::MtuAboveParent { mtu: 1501, parent: name("p0"), parent_mtu: 1500 };
    let changed = inside.change(&LinkChange::new(y).mtu(1501));
    assert_eq!(why(&mut inside, changed), Some(reason.clone()));
    let new = New { mtu: Some(1501), ..New::default() };
    let created = T::create(&mut inside, parent, &New { parent_in: Some(nsid), ..new });
    assert_eq!(why(&mut inside, created), Some(reason.clone()), "created on the parent over there");
    let created = T::create(&mut inside, y, &new);
    assert_eq!(why(&mut inside, created), Some(reason), "created on the macvlan here");
    // Which namespace the parent is in is a number of the other one.
    let both = New { netns: Some(there.as_fd()), parent_in: Some(nsid), ..new };
    let created = T::create(&mut socket, parent, &both);
    assert_eq!(why(&mut socket, created), None);
    Ok(())
}

#[kernel_test(both)]
pub fn it_is_a_bridge_port<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let bridge = bridge(&mut socket, "br0")?;
    socket.change(&LinkChange::new(parent).master(bridge)).unwrap();
    let reason = Reason::ParentIsPort { parent: name("p0"), master: name("br0") };
    let sentence = "the parent p0 is a port of br0, which receives its packets";
    for new in [x(), New::default(), New { mode: Some(MacvlanMode::Passthru), mac: Some(mac(1)), up: true, ..x() }] {
        let created = T::create(&mut socket, parent, &new);
        assert_why(&mut socket, created, &reason, sentence);
    }
    let (there, mut inside) = elsewhere();
    let created = T::create(&mut socket, parent, &New { netns: Some(there.as_fd()), ..x() });
    assert_why(&mut socket, created, &reason, sentence);

    let nsid = inside.nsid_or_new(Netns::current().unwrap()).unwrap();
    let created = T::create(&mut inside, parent, &New { parent_in: Some(nsid), ..x() });
    assert_why(&mut inside, created, &reason, sentence);
    Ok(())
}

#[kernel_test(both)]
pub fn it_cannot_become_a_bridge_port<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let bridge = bridge(&mut socket, "br0")?;
    T::create(&mut socket, parent, &x()).unwrap();
    let reason = Reason::ParentCarries { parent: name("p0"), child: name("x"), kind: T::KIND.into() };
    let sentence = format!("p0 carries x, of kind {}, which receives its packets", T::KIND);
    let changed = socket.change(&LinkChange::new(parent).master(bridge));
    assert_why(&mut socket, changed, &reason, &sentence);
    let changed = socket.change(&LinkChange::new(parent).master(index(4242)));
    assert_why(&mut socket, changed, &Reason::MasterIsGone(index(4242)), "the master, link #4242, does not exist");
    Ok(())
}

#[kernel_test(both)]
pub fn it_carries_ipvlan<T: Twin>() -> Result<(), Skip> {
    needs("ipvlan")?;
    let mut socket = socket();
    let parent = parent(&mut socket);
    let ipvlan = socket.create(&NewLink::ipvlan(parent).name(name("iv0"))).unwrap();
    let created = T::create(&mut socket, parent, &x());
    let reason = Reason::ParentCarries { parent: name("p0"), child: name("iv0"), kind: "ipvlan".into() };
    assert_why(&mut socket, created, &reason, "p0 carries iv0, of kind ipvlan, which receives its packets");
    socket.delete(ipvlan).unwrap();

    T::create(&mut socket, parent, &x()).unwrap();
    let created = socket.create(&NewLink::ipvlan(parent).name(name("iv0")));
    let reason = Reason::ParentCarries { parent: name("p0"), child: name("x"), kind: T::KIND.into() };
    assert_why(
        &mut socket,
        created,
        &reason,
        &format!("p0 carries x, of kind {}, which receives its packets", T::KIND),
    );
    Ok(())
}

#[kernel_test(both)]
pub fn it_carries_ipvlan_in_another_namespace<T: Twin>() -> Result<(), Skip> {
    needs("ipvlan")?;
    let mut socket = socket();
    let parent = parent(&mut socket);
    let (there, _inside) = elsewhere();
    socket.create(&NewLink::ipvlan(parent).name(name("iv0")).netns(&there)).unwrap();
    let created = T::create(&mut socket, parent, &x());
    let reason = Reason::ParentIsTaken { parent: name("p0"), index: None };
    let sentence = "an ipvlan or macvlan in another namespace, or a switch, receives the packets of the parent p0, or did until now";
    assert_why(&mut socket, created, &reason, sentence);
    let elsewhere = NewLink::macvlan(parent).name(name("x")).index(index(20000)).netns(&there);
    let created = socket.create(&elsewhere);
    let reason = Reason::ParentIsTaken { parent: name("p0"), index: Some(index(20000)) };
    let sentence = format!("{sentence}; or, up to Linux 6.12, a link of the other namespace has the index 20000");
    assert_why(&mut socket, created, &reason, &sentence);
    Ok(())
}

#[kernel_test(both)]
pub fn it_is_gone<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let absent = index(4242);
    let (there, mut inside) = elsewhere();
    let reason = Reason::ParentIsGone(absent);
    for new in [x(), New::default(), New { netns: Some(there.as_fd()), ..x() }] {
        let created = T::create(&mut socket, absent, &new);
        assert_why(&mut socket, created, &reason, "the parent, link #4242, does not exist");
    }
    let nsid = inside.nsid_or_new(Netns::current().unwrap()).unwrap();
    let created = T::create(&mut inside, absent, &New { parent_in: Some(nsid), ..x() });
    assert_eq!(why(&mut inside, created), Some(reason));
    Ok(())
}
