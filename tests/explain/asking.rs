//! When there is something to explain, what it costs, and what is said when things have changed meanwhile.

use crate::common::{Skip, mac, name, parent, sequence, socket};
use crate::help::{bridge, elsewhere};
use crate::twins::{Change, New, Twin};
use crate::why::{assert_no_more, assert_why, why};
use sublink::error::{Reason, Undo};
use sublink::{Batch, Endpoint, ErrorKind, LinkChange, MacvlanMode, NewLink, Sandbox, Socket};
use sublink_tests::kernel_test;

const GONE: &str = "the link does not exist, or no longer";

fn x() -> New<'static> {
    New { name: Some("x"), mac: Some(mac(1)), up: true, ..New::default() }
}

#[kernel_test(both)]
pub fn a_step_of_a_batch<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let y = T::create(&mut socket, parent, &New { name: Some("y"), ..x() }).unwrap();
    let mut batch = Batch::new();
    batch.push(&NewLink::macvlan(parent).name(name("a"))).unwrap();
    batch.push(&NewLink::macvlan(parent).name(name("b")).mac(mac(1)).up()).unwrap();
    batch.push(&LinkChange::new(y).mtu(9000)).unwrap();
    let run = socket.run(&mut batch);
    let reason = Reason::MacOfSibling { mac: mac(1), owner: name("y"), index: y };
    let sentence = format!("the MAC address 02:00:00:00:00:01 is already used by y (#{y}) on the same parent");
    assert_eq!(run.as_ref().unwrap_err().to_string(), "create macvlan b on p0: EADDRINUSE (Address already in use)");
    assert_why(&mut socket, run, &reason, &sentence);
    Ok(())
}

#[kernel_test]
pub fn an_attach() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let mut there = Sandbox::create().unwrap();
    let owner = socket.create(&NewLink::macvlan(parent).name(name("y")).mac(mac(1)).up()).unwrap();
    let endpoint = |mtu| {
        let link = NewLink::macvlan(parent).name(name("eth0")).mac(mac(1)).mtu(mtu);
        Endpoint::new(link).addr("10.0.50.7/24".parse().unwrap())
    };
    let attached = endpoint(9000).attach(&mut socket, &mut there);
    let reason = Reason::MtuAboveParent { mtu: 9000, parent: name("p0"), parent_mtu: 1500 };
    assert_why(&mut socket, attached, &reason, "the MTU 9000 is above the 1500 of the parent p0");

    // It fails when it is to come up, and is removed: from then on nothing is to be seen.
    let attached = endpoint(1500).attach(&mut socket, &mut there);
    let error = attached.as_ref().unwrap_err();
    assert!(error.is_address_in_use() && error.undo() == Some(Undo::Clean), "{error}");
    let reason = Reason::MacOfSibling { mac: mac(1), owner: name("y"), index: owner };
    let sentence = format!("the MAC address 02:00:00:00:00:01 is already used by y (#{owner}) on the same parent");
    assert_why(there.socket(), attached, &reason, &sentence);
    Ok(())
}

#[kernel_test]
pub fn an_attach_that_is_in_its_own_way() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let mut there = Sandbox::create().unwrap();
    let endpoint = Endpoint::new(NewLink::macvlan(parent).name(name("eth0")).mac(mac(1)))
        .addr("10.0.50.7/24".parse().unwrap())
        .addr("10.0.50.7/24".parse().unwrap());
    let attached = endpoint.attach(&mut socket, &mut there);
    assert!(attached.as_ref().unwrap_err().is_already_there());
    let (addr, link) = ("10.0.50.7/24".parse().unwrap(), name("eth0"));
    let reason = Reason::AddressIsThere { addr, peer: None, link };
    assert_why(there.socket(), attached, &reason, "eth0 has the address 10.0.50.7/24 already");
    Ok(())
}

#[kernel_test(both)]
pub fn words_of_the_kernel_are_enough<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let y = T::create(&mut socket, parent, &New { name: Some("y"), ..New::default() }).unwrap();
    for (mtu, words) in [(67, "mtu less than device minimum"), (65536, "mtu greater than device maximum")] {
        let created = T::create(&mut socket, parent, &New { mtu: Some(mtu), ..x() });
        assert_no_more(&mut socket, created, &format!("create {} x on p0: EINVAL: {words}", T::KIND));
        let changed = T::change(&mut socket, y, &Change { mtu: Some(mtu), ..Change::default() });
        assert_no_more(&mut socket, changed, &format!("change {} y: EINVAL: {words}", T::KIND));
    }
    let error = T::create(&mut socket, parent, &New { mtu: Some(67), ..x() }).unwrap_err();
    socket.delete(parent).unwrap();
    assert_eq!(crate::common::reason(&error, &mut socket), None, "nor was it the parent, which is gone since");
    Ok(())
}

#[kernel_test]
pub fn what_is_no_refusal_has_no_reason() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let mut here = Sandbox::here().unwrap();
    let same = Endpoint::new(NewLink::macvlan(parent)).attach(&mut socket, &mut here);
    assert!(matches!(same.as_ref().unwrap_err().kind(), ErrorKind::SameNamespace));
    assert_eq!(why(&mut socket, same), None);
    let invalid = socket.index_of("a name that is too long");
    assert_eq!(why(&mut socket, invalid), None);
    let deleted = socket.delete_group(0);
    assert_why(&mut socket, deleted, &Reason::GroupZero, "group 0, where every link starts, cannot be deleted");
    Ok(())
}

#[kernel_test(both)]
pub fn it_costs_nothing_unless_asked<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    T::create(&mut socket, parent, &New { name: Some("y"), ..x() }).unwrap();
    for refused in [x(), New { mtu: Some(9000), ..x() }, New { mode: Some(MacvlanMode::Passthru), ..x() }] {
        let before = sequence(&mut socket);
        let error = T::create(&mut socket, parent, &refused).unwrap_err();
        let after = sequence(&mut socket);
        assert_eq!(after.wrapping_sub(before), 3, "the request, the parent's name for the sentence, and this one");
        assert!(crate::common::reason(&error, &mut socket).is_some());
        assert!(sequence(&mut socket).wrapping_sub(after) > 2, "it looks now");
    }
    Ok(())
}

#[kernel_test(both)]
pub fn a_link_or_parent_that_is_gone_since<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    for refused in [x(), New { mtu: Some(9000), ..x() }, New { mode: Some(MacvlanMode::Passthru), ..x() }] {
        let parent = parent(&mut socket);
        let y = T::create(&mut socket, parent, &New { name: Some("y"), ..x() }).unwrap();
        let z = T::create(&mut socket, parent, &New { name: Some("z"), mac: Some(mac(2)), ..New::default() }).unwrap();
        let of_create = T::create(&mut socket, parent, &refused).unwrap_err();
        let of_changes = [
            socket.change(&LinkChange::new(z).mac(mac(1))).unwrap_err(),
            socket.change(&LinkChange::new(z).mtu(9000)).unwrap_err(),
            T::change(&mut socket, z, &Change { mode: Some(MacvlanMode::Passthru), ..Change::default() }).unwrap_err(),
        ];
        socket.delete(z).unwrap();
        for error in &of_changes {
            let reason = crate::common::reason(error, &mut socket).expect("a reason");
            assert_eq!((reason.clone(), reason.to_string()), (Reason::LinkIsGone(z), GONE.to_owned()), "{error}");
        }
        socket.delete(parent).unwrap();
        let reason = crate::common::reason(&of_create, &mut socket).expect("a reason");
        let sentence = format!("the parent, link #{parent}, does not exist");
        assert_eq!((reason.clone(), reason.to_string()), (Reason::ParentIsGone(parent), sentence), "{of_create}");
        assert!(socket.link_at(y).is_err());
    }
    Ok(())
}

#[kernel_test(both)]
pub fn what_was_in_the_way_is_gone_since<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let y = T::create(&mut socket, parent, &New { name: Some("y"), ..x() }).unwrap();
    let passthru = New { mode: Some(MacvlanMode::Passthru), ..x() };
    let twice = T::create(&mut socket, parent, &x()).unwrap_err();
    let occupied = T::create(&mut socket, parent, &passthru).unwrap_err();
    let named = T::create(&mut socket, parent, &New { name: Some("y"), ..x() }).unwrap_err();
    let large = T::create(&mut socket, parent, &New { mtu: Some(1501), ..x() }).unwrap_err();
    socket.delete(y).unwrap();
    let bridge = bridge(&mut socket, "br0")?;
    socket.change(&LinkChange::new(parent).master(bridge)).unwrap();
    let port = T::create(&mut socket, parent, &x()).unwrap_err();
    socket.change(&LinkChange::new(parent).nomaster().mtu(9000)).unwrap();
    let p0 = name("p0");
    for (error, reason) in [
        (twice, Some(Reason::MacMayBeElsewhere { mac: mac(1), parent: p0 })),
        (occupied, Some(Reason::Passthru { parent: p0, children: vec![] })),
        (named, None),
        (large, Some(Reason::Unknown { parent: p0, flags: None })),
        (port, Some(Reason::ParentIsTaken { parent: p0, index: None })),
    ] {
        assert_eq!(crate::common::reason(&error, &mut socket), reason, "{error}");
    }
    Ok(())
}

#[kernel_test(both)]
pub fn a_link_is_not_in_its_own_way<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let y = T::create(&mut socket, parent, &New { name: Some("y"), ..x() }).unwrap();
    let down = T::create(&mut socket, parent, &New { up: false, ..x() }).unwrap();
    let error = socket.change(&LinkChange::new(down).up()).unwrap_err();
    socket.delete(y).unwrap();
    socket.change(&LinkChange::new(down).up()).expect("it is free now");
    assert_eq!(
        crate::common::reason(&error, &mut socket),
        Some(Reason::MacMayBeElsewhere { mac: mac(1), parent: name("p0") })
    );
    Ok(())
}

/// A socket of the same namespace sees why; one of another says nothing, rather than something untrue.
#[kernel_test(both)]
pub fn a_socket_of_another_namespace_says_nothing<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let (_there, mut inside) = elsewhere();
    let error = T::create(&mut socket, parent, &New { mtu: Some(9000), ..x() }).unwrap_err();
    assert_eq!(crate::common::reason(&error, &mut inside), None);
    let mut second = Socket::open().unwrap();
    let reason = Reason::MtuAboveParent { mtu: 9000, parent: name("p0"), parent_mtu: 1500 };
    assert_eq!(crate::common::reason(&error, &mut second), Some(reason));
    Ok(())
}
