//! `drivers/net/bonding/bond_vlan_real_dev.sh`: what becomes of a parent comes to its VLANs, since Linux 7.2 a moment later; and
//! the links that once made the kernel wait for itself.

use crate::common::{Skip, name, needs, socket, vid};
use crate::ethtool::{has_feature, set_feature};
use crate::tools::{await_link, bond, here};
use sublink::link::LinkFlags;
use sublink::{IfIndex, LinkChange, NewLink, Socket};
use sublink_tests::kernel_test;

fn dummy_and_vlan(mtu: u32) -> Result<(Socket, IfIndex, IfIndex), Skip> {
    needs("vlan")?;
    needs("dummy")?;
    let mut socket = socket();
    let dummy = socket.create(&NewLink::dummy().name(name("d0")).mtu(mtu)).unwrap();
    let vlan = socket.create(&NewLink::vlan(dummy, vid(100)).name(name("d0.100"))).unwrap();
    Ok((socket, dummy, vlan))
}

#[kernel_test]
fn a_vlan_goes_up_and_down_with_its_parent() -> Result<(), Skip> {
    let (mut socket, dummy, vlan) = dummy_and_vlan(1500)?;
    socket.change(&LinkChange::new(dummy).up()).unwrap();
    await_link(&here(), vlan, "the VLAN up", |link| link.flags().contains(LinkFlags::UP));
    socket.change(&LinkChange::new(dummy).down()).unwrap();
    await_link(&here(), vlan, "the VLAN down", |link| !link.flags().contains(LinkFlags::UP));
    Ok(())
}

#[kernel_test]
fn a_vlans_mtu_is_cut_to_its_parents() -> Result<(), Skip> {
    let (mut socket, dummy, vlan) = dummy_and_vlan(2000)?;
    assert_eq!(socket.link_at(vlan).unwrap().mtu(), 2000, "it has its parent's");
    socket.change(&LinkChange::new(dummy).mtu(1500)).unwrap();
    await_link(&here(), vlan, "the VLAN's MTU", |link| link.mtu() == 1500);
    Ok(())
}

/// A veth has features that its VLANs share.
#[kernel_test]
fn a_vlans_offload_features_are_its_parents() -> Result<(), Skip> {
    const FEATURE: &str = "tx-scatter-gather";
    needs("vlan")?;
    let mut socket = socket();
    let pair = NewLink::veth(NewLink::peer().name(name("v1"))).name(name("v0"));
    let veth = socket.create(&pair).unwrap();
    let vlan = socket.create(&NewLink::vlan(veth, vid(100)).name(name("v0.100"))).unwrap();
    assert!(has_feature("v0.100", FEATURE)?, "inherited");
    for on in [false, true] {
        set_feature("v0", FEATURE, on)?;
        // A change of features is an event about the link.
        await_link(&here(), vlan, "the VLAN's features", |_| {
            has_feature("v0.100", FEATURE).is_ok_and(|found| found == on)
        });
    }
    for gone in [vlan, veth] {
        socket.delete(gone).unwrap();
    }
    Ok(())
}

#[kernel_test]
fn a_vlan_and_its_parent_are_ports_of_two_bonds() -> Result<(), Skip> {
    let (mut socket, dummy, vlan) = dummy_and_vlan(1500)?;
    socket.change(&LinkChange::new(dummy).up()).unwrap();
    await_link(&here(), vlan, "the VLAN up", |link| link.flags().contains(LinkFlags::UP));
    for (link, master) in [(vlan, "bond0"), (dummy, "bond1")] {
        bond(master, "mode active-backup")?;
        let master = socket.index_of(master).unwrap();
        socket.change(&LinkChange::new(link).down()).unwrap();
        socket.change(&LinkChange::new(link).master(master)).unwrap(); // which brings it up: there the kernel stood still
        assert_eq!(socket.link_at(link).unwrap().master(), Some(master));
    }
    for gone in ["bond1", "bond0", "d0.100", "d0"] {
        let index = socket.index_of(gone).unwrap();
        socket.delete(index).unwrap();
    }
    Ok(())
}
