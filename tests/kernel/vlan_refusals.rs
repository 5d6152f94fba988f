//! VLAN: what the kernel refuses, as the library says it, and what a VLAN and its parent do to each other.

use crate::common::{Skip, mac, name, needs, parent, socket, vid};
use crate::tools::{await_link, lacks_driver, names_of_kind, refusal};
use sublink::link::{LinkFlags, OperState, Vlan, VlanFlags, VlanProtocol};
use sublink::{Error, ErrorKind, IfIndex, LinkChange, MacvlanMode, Netns, NewLink, Socket};
use sublink_tests::kernel_test;

/// VLAN 5, as `x`.
fn five<'a>(parent: IfIndex) -> NewLink<'a, Vlan<'a>> {
    NewLink::vlan(parent, vid(5)).name(name("x"))
}

/// Creates `link` and compares the refusal; nothing may be left behind.
#[track_caller]
fn assert_not_created(socket: &mut Socket, link: &NewLink<'_, Vlan<'_>>, said: &str) -> Error {
    let before = names_of_kind(socket, "vlan");
    let error = socket.create(link).expect_err(said);
    assert_eq!(error.to_string(), format!("create vlan {said}"));
    assert_eq!(names_of_kind(socket, "vlan"), before, "something was left behind");
    error
}

#[kernel_test]
pub fn without_the_driver_its_module_is_named() -> Result<(), Skip> {
    lacks_driver("vlan", "link add link lo name x type vlan id 5")?;
    let mut socket = socket();
    let lo = socket.index_of("lo").unwrap();
    let said = "x on lo: EOPNOTSUPP: Unknown device type (this kernel lacks the driver: module 8021q)";
    let error = assert_not_created(&mut socket, &five(lo), said);
    let ErrorKind::Kernel(kernel) = error.kind() else { panic!("{error:?}") };
    assert_eq!(kernel.missing_module, Some("8021q"));
    assert!(error.is_not_supported());
    Ok(())
}

#[kernel_test]
pub fn a_parent_must_be_there_and_know_vlans() -> Result<(), Skip> {
    needs("vlan")?;
    let mut socket = socket();
    let lo = socket.index_of("lo").unwrap();
    let said = "x on lo: EOPNOTSUPP: 8021q: VLANs not supported on device";
    let error = assert_not_created(&mut socket, &five(lo), said);
    let ErrorKind::Kernel(kernel) = error.kind() else { panic!("{error:?}") };
    assert_eq!(kernel.missing_module, None, "the driver is there");
    let absent = IfIndex::new(4242).unwrap();
    assert_not_created(&mut socket, &five(absent), "x on #4242: ENODEV: 8021q: link does not exist");
    let unnamed = NewLink::vlan(absent, vid(5));
    assert_not_created(&mut socket, &unnamed, "on #4242: ENODEV: 8021q: link does not exist");
    Ok(())
}

#[kernel_test]
pub fn an_id_is_there_once_per_parent_and_protocol() -> Result<(), Skip> {
    needs("vlan")?;
    let mut socket = socket();
    let parent = parent(&mut socket);
    let ad = VlanProtocol::Ieee8021Ad;
    let first = socket.create(&NewLink::vlan(parent, vid(5)).name(name("y"))).unwrap();
    let said = "x on p0: EEXIST: 8021q: VLAN device already exists";
    let error = assert_not_created(&mut socket, &five(parent), said);
    assert!(error.is_already_there());
    assert_not_created(&mut socket, &five(parent).protocol(VlanProtocol::Ieee8021Q), said);

    let index = socket.create(&five(parent).protocol(ad)).expect("the same id of the other protocol");
    assert_not_created(&mut socket, &NewLink::vlan(parent, vid(5)).protocol(ad), &said[2..]);
    socket.delete(index).unwrap();
    let index = socket.create(&five(first)).expect("the same id on another parent");
    socket.delete(index).unwrap();
    socket.delete(first).unwrap();
    socket.create(&five(parent)).expect("it is free again");
    Ok(())
}

#[kernel_test]
pub fn a_vlan_in_another_namespace_takes_its_id() -> Result<(), Skip> {
    needs("vlan")?;
    let mut socket = socket();
    let parent = parent(&mut socket);
    let other = Netns::create().unwrap();
    socket.create(&five(parent).netns(&other)).unwrap();
    assert_not_created(&mut socket, &five(parent), "x on p0: EEXIST: 8021q: VLAN device already exists");
    Ok(())
}

#[kernel_test]
pub fn a_taken_name_is_an_eexist_without_text() -> Result<(), Skip> {
    needs("vlan")?;
    let mut socket = socket();
    let parent = parent(&mut socket);
    assert_not_created(&mut socket, &five(parent).name(name("p1")), "p1 on p0: EEXIST (File exists)");
    Ok(())
}

#[kernel_test]
pub fn unknown_protocols_are_refused() -> Result<(), Skip> {
    needs("vlan")?;
    let mut socket = socket();
    let parent = parent(&mut socket);
    for ethertype in [0, 0x0081, 0x9100, 0xa888] {
        let link = five(parent).protocol(VlanProtocol::Other(ethertype));
        let error = assert_not_created(&mut socket, &link, "x on p0: EPROTONOSUPPORT: 8021q: Invalid VLAN protocol");
        let ErrorKind::Kernel(kernel) = error.kind() else { panic!("{error:?}") };
        assert_eq!(kernel.text.as_deref(), Some("8021q: Invalid VLAN protocol"));
    }
    Ok(())
}

#[kernel_test]
pub fn an_mtu_is_at_most_the_parents() -> Result<(), Skip> {
    needs("vlan")?;
    let mut socket = socket();
    let parent = parent(&mut socket);
    let (large, above) = ("EINVAL: mtu greater than device maximum", "EINVAL (Invalid argument)");
    for (mtu, words) in [(1501, above), (65535, above), (65536, large)] {
        assert_not_created(&mut socket, &five(parent).mtu(mtu), &format!("x on p0: {words}"));
    }
    let index = socket.create(&five(parent)).unwrap();
    let above = "ERANGE (Numerical result out of range)";
    for (mtu, words) in [(1501, above), (65535, above), (65536, large)] {
        assert_eq!(refusal(socket.change(&LinkChange::vlan(index).mtu(mtu))), format!("change vlan x: {words}"));
        assert_eq!(refusal(socket.change(&LinkChange::new(index).mtu(mtu))), format!("change link x: {words}"));
    }
    for mtu in [1, 67, 1500] {
        socket.change(&LinkChange::vlan(index).mtu(mtu)).unwrap();
        assert_eq!(socket.link_at(index).unwrap().mtu(), mtu, "a VLAN has no minimum");
    }
    socket.change(&LinkChange::new(parent).mtu(1400)).unwrap();
    await_link(index, "the parent's MTU", |vlan| vlan.mtu() == 1400); // on Linux 7.2 a moment later
    Ok(())
}

#[kernel_test]
pub fn it_comes_up_on_a_down_parent_only_when_loosely_bound() -> Result<(), Skip> {
    needs("vlan")?;
    let mut socket = socket();
    let parent = parent(&mut socket);
    let loose = VlanFlags::LOOSE_BINDING.on();
    socket.change(&LinkChange::new(parent).down()).unwrap();
    assert_not_created(&mut socket, &five(parent).up(), "x on p0: ENETDOWN (Network is down)");
    let index = socket.create(&five(parent)).expect("down it can be made");
    assert_eq!(refusal(socket.change(&LinkChange::new(index).up())), "bring up x: ENETDOWN (Network is down)");
    assert_eq!(refusal(socket.change(&LinkChange::vlan(index).up())), "change vlan x: ENETDOWN (Network is down)");
    assert!(!socket.link_at(index).unwrap().is_up());
    socket.change(&LinkChange::vlan(index).flags(loose).up()).expect("loosened and brought up in one change");
    assert!(socket.link_at(index).unwrap().is_up());
    socket.delete(index).unwrap();
    let index = socket.create(&five(parent).flags(loose).up()).unwrap();
    let link = socket.link_at(index).unwrap();
    assert!(link.is_up() && !link.flags().contains(LinkFlags::LOWER_UP));
    Ok(())
}

#[kernel_test]
pub fn it_follows_its_parent_down_and_up_unless_loosely_bound() -> Result<(), Skip> {
    needs("vlan")?;
    let mut socket = socket();
    let parent = parent(&mut socket);
    let bound = socket.create(&five(parent).up()).unwrap();
    let loose = VlanFlags::LOOSE_BINDING.on();
    let loose = socket.create(&NewLink::vlan(parent, vid(6)).flags(loose).up()).unwrap();
    for up in [false, true] {
        let change = LinkChange::new(parent);
        socket.change(&if up { change.up() } else { change.down() }).unwrap();
        await_link(bound, "the parent's state", |link| link.is_up() == up); // on Linux 7.2 a moment later
        assert!(socket.link_at(loose).unwrap().is_up());
    }
    for index in [bound, loose] {
        await_link(index, "the parent's carrier", |link| link.oper_state() == OperState::Up);
    }
    Ok(())
}

#[kernel_test]
pub fn a_deleted_parent_takes_its_vlans_along() -> Result<(), Skip> {
    needs("vlan")?;
    let mut socket = socket();
    let parent = parent(&mut socket);
    let other = Netns::create().unwrap();
    let mut inside = Socket::open_in(&other).unwrap();
    let here = socket.create(&five(parent).up()).unwrap();
    let on_it = socket.create(&NewLink::vlan(here, vid(6))).unwrap();
    let there = socket.create(&NewLink::vlan(parent, vid(7)).netns(&other).up()).unwrap();
    let link = inside.link_at(there).unwrap();
    assert_eq!((link.parent(), link.is_up()), (Some(parent), true));
    assert!(link.parent_netnsid().is_some());
    socket.delete(parent).unwrap();
    for index in [here, on_it] {
        assert!(socket.link_at(index).unwrap_err().is_no_device());
    }
    assert!(inside.link_at(there).unwrap_err().is_no_device());
    Ok(())
}

#[kernel_test]
pub fn vlans_and_macvlans_stand_on_each_other() -> Result<(), Skip> {
    needs("vlan")?;
    let mut socket = socket();
    let parent = parent(&mut socket);
    let vlan = socket.create(&five(parent).up()).unwrap();
    let macvlan = socket.create(&NewLink::macvlan(vlan).mac(mac(1)).up()).unwrap();
    let on_top = socket.create(&NewLink::vlan(macvlan, vid(5)).up()).unwrap();
    assert_eq!(socket.link_at(macvlan).unwrap().parent(), Some(vlan));
    let link = socket.link_at(on_top).unwrap();
    assert_eq!((link.parent(), link.mac().mac()), (Some(macvlan), Some(mac(1))));
    Ok(())
}

#[kernel_test]
pub fn a_link_of_another_kind_cannot_be_changed_as_a_vlan() -> Result<(), Skip> {
    needs("vlan")?;
    let mut socket = socket();
    let parent = parent(&mut socket);
    let macvlan = socket.create(&NewLink::macvlan(parent).name(name("mv0"))).unwrap();
    let flags = VlanFlags::GVRP.on();
    assert_eq!(
        refusal(socket.change(&LinkChange::vlan(macvlan).flags(flags))),
        "change vlan mv0: EOPNOTSUPP (Operation not supported)"
    );
    let vlan = socket.create(&five(parent)).unwrap();
    let change = LinkChange::macvlan(vlan).mode(MacvlanMode::Bridge);
    assert_eq!(refusal(socket.change(&change)), "change macvlan x: EOPNOTSUPP (Operation not supported)");
    let absent = IfIndex::new(4242).unwrap();
    assert_eq!(
        refusal(socket.change(&LinkChange::vlan(absent).flags(flags))),
        "change vlan #4242: ENODEV (No such device)"
    );
    Ok(())
}
