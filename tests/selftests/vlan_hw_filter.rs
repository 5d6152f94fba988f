//! `net/vlan_hw_filter.sh`: VLANs of id 0 on links whose filter for VLANs is switched off and on. Kernels have crashed on the
//! way, or waited for ever at the end; the script that runs guests looks for the kernel's own warnings.

use crate::common::{Skip, name, needs, socket, vid};
use crate::ethtool::set_feature;
use crate::tools::bond;
use sublink::link::VlanProtocol;
use sublink::{IfIndex, LinkChange, NewLink, Socket};
use sublink_tests::kernel_test;

const FILTER: &str = "rx-vlan-filter";

fn bond0(options: &str) -> Result<(Socket, IfIndex), Skip> {
    needs("vlan")?;
    bond("bond0", options)?;
    let mut socket = socket();
    let index = socket.index_of("bond0").unwrap();
    Ok((socket, index))
}

fn vlan0(socket: &mut Socket, parent: IfIndex, link: &str) -> IfIndex {
    let vlan = NewLink::vlan(parent, vid(0)).protocol(VlanProtocol::Ieee8021Q).name(name(link));
    socket.create(&vlan).unwrap()
}

fn set_up(socket: &mut Socket, index: IfIndex, up: bool) {
    let change = LinkChange::new(index);
    socket.change(&if up { change.up() } else { change.down() }).unwrap();
}

#[kernel_test]
fn a_port_with_a_vlan_is_freed_and_deleted() -> Result<(), Skip> {
    let (mut socket, bond) = bond0("mode 0")?;
    let port = NewLink::veth(NewLink::peer().name(name("veth2"))).name(name("bond_slave_1"));
    let port = socket.create(&port).unwrap();
    socket.change(&LinkChange::new(port).master(bond)).unwrap();
    set_feature("bond0", FILTER, false)?;
    vlan0(&mut socket, port, "bond_slave_1.0");
    vlan0(&mut socket, bond, "bond0.0");
    socket.change(&LinkChange::new(port).nomaster()).unwrap();
    let peer = socket.index_of("veth2").unwrap();
    socket.delete(peer).unwrap();
    assert!(socket.index_of("bond_slave_1.0").unwrap_err().is_no_device());
    Ok(())
}

#[kernel_test]
fn the_filter_is_switched_on_under_a_vlan() -> Result<(), Skip> {
    let (mut socket, bond) = bond0("mode 0")?;
    let vlan = vlan0(&mut socket, bond, "vlan0");
    set_feature("bond0", FILTER, false)?;
    set_up(&mut socket, bond, true);
    set_feature("bond0", FILTER, true)?;
    set_up(&mut socket, bond, false);
    set_up(&mut socket, bond, true);
    socket.delete(vlan).unwrap();
    Ok(())
}

#[kernel_test]
fn a_vlan_is_made_after_the_filter_was_switched_on() -> Result<(), Skip> {
    let (mut socket, bond) = bond0("mode 0")?;
    set_feature("bond0", FILTER, false)?;
    set_up(&mut socket, bond, true);
    set_feature("bond0", FILTER, true)?;
    let vlan = vlan0(&mut socket, bond, "vlan0");
    set_up(&mut socket, bond, false);
    set_up(&mut socket, bond, true);
    socket.delete(vlan).unwrap();
    Ok(())
}

#[kernel_test]
fn a_vlan_is_deleted_while_its_parent_is_down() -> Result<(), Skip> {
    let (mut socket, bond) = bond0("mode 0")?;
    let vlan = vlan0(&mut socket, bond, "vlan0");
    set_feature("bond0", FILTER, false)?;
    set_up(&mut socket, bond, true);
    set_feature("bond0", FILTER, true)?;
    set_up(&mut socket, bond, false);
    socket.delete(vlan).unwrap();
    Ok(())
}

#[kernel_test]
fn a_parent_is_deleted_with_its_filter_off() -> Result<(), Skip> {
    let (mut socket, bond) = bond0("mode 0")?;
    set_up(&mut socket, bond, true);
    set_feature("bond0", FILTER, false)?;
    socket.delete(bond).unwrap();
    Ok(())
}
