//! How a network gets its parent.

use crate::common::{Skip, name, needs, parent, socket, veth, vid};
use crate::help::{connect, connection, links, macvlan, mark, network, on, owner, subnet, up_refused};
use crate::pod::Pod;
use sublink::link::{KindInfo, LinkFlags, VlanProtocol};
use sublink::network::{Driver, Removal};
use sublink::route::ListRoutes;
use sublink::{IfIndex, LinkChange, LinkInfo, Network, NewLink, Socket};
use sublink_tests::kernel_test;

/// A VLAN that is to be made on `p0`, and the name that it has while it is made.
const VLAN: &str = "p0.50";
const HALF_MADE: &str = "sl~0123456789ab";

#[track_caller]
fn up(host: &mut Socket, network: &Network) -> IfIndex {
    let index = crate::help::up(network, host).unwrap();
    let before = links(host);
    let again = network.parent().unwrap().up(host, &owner()).unwrap();
    assert_eq!((again.index, again.made), (index, false), "a second time");
    assert_eq!(links(host), before);
    index
}

/// It is what the network's parent is to be when it was made.
#[track_caller]
fn is_made(host: &mut Socket, index: IfIndex, network: &Network) -> LinkInfo {
    let link = host.link_at(index).unwrap().to_owned();
    assert_eq!(link.name, network.parent_name());
    assert!(link.flags.contains(LinkFlags::UP));
    let mark = format!("sublink:tests:{}", network.parent_name());
    assert_eq!(link.alias.as_deref(), Some(mark.as_bytes()));
    link
}

#[track_caller]
fn is_vlan_50(link: &LinkInfo, base: IfIndex) {
    let KindInfo::Vlan(vlan) = &link.kind else { panic!("{link:?}") };
    assert_eq!((link.parent, vlan.id, vlan.protocol), (Some(base), Some(vid(50)), Some(VlanProtocol::Ieee8021Q)));
}

#[kernel_test]
pub fn what_is_there_is_used_whatever_its_name() -> Result<(), Skip> {
    let mut host = socket();
    parent(&mut host);
    for parent in ["p0", "p0.10.20", "p0.4095", "p0.", "eth9.x", "dm-mine"] {
        let index = host.index_of(parent).unwrap_or_else(|_| veth(&mut host, parent, &format!("{parent}-peer")));
        host.change(&LinkChange::new(index).down()).unwrap();
        let before = links(&mut host);
        assert_eq!(up(&mut host, &on(parent, "net")), index, "{parent}");
        assert_eq!(links(&mut host), before, "neither marked nor brought up");
    }
    Ok(())
}

#[kernel_test]
pub fn a_vlan_is_made_on_demand() -> Result<(), Skip> {
    needs("vlan")?;
    let mut host = socket();
    let base = parent(&mut host);
    let network = on(VLAN, "net");
    let before = links(&mut host).len();
    let index = up(&mut host, &network);
    is_vlan_50(&is_made(&mut host, index, &network), base);
    assert_eq!(links(&mut host).len(), before + 1);

    host.change(&LinkChange::new(index).down()).unwrap();
    assert_eq!(up(&mut host, &network), index);
    is_made(&mut host, index, &network);
    assert_eq!(up(&mut host, &on(VLAN, "other")), index, "the parent of both");
    is_made(&mut host, index, &network);
    Ok(())
}

#[kernel_test]
pub fn a_dummy_is_made_for_a_network_without_a_parent() -> Result<(), Skip> {
    needs("dummy")?;
    let (mut host, mut pod) = (socket(), Pod::new());
    let network = macvlan("net").with_id("0123456789abcdef").unwrap().mtu(9000);
    let network = network.subnet(subnet("10.1.0.0/16", "10.1.0.1")).subnet(subnet("fd01::/64", "fd01::1"));
    let index = up(&mut host, &network);
    let dummy = is_made(&mut host, index, &network);
    assert_eq!((dummy.name, dummy.kind.name().to_string(), dummy.mtu), (name("dm-0123456789ab"), "dummy".into(), 9000));

    let member = connect(&network, &mut host, &mut pod, connection("eth0", &["10.1.0.7/16", "fd01::7/64"]), &[]);
    let link = pod.link(member.unwrap().attached.index);
    assert_eq!((link.parent, link.mtu), (Some(index), 9000));
    assert_eq!((pod.gateway(ListRoutes::v4()), pod.gateway(ListRoutes::v6())), (None, None), "it is internal");
    Ok(())
}

#[kernel_test]
pub fn a_network_of_vlans_has_a_dummy_too() -> Result<(), Skip> {
    needs("dummy")?;
    needs("vlan")?;
    let (mut host, mut pod) = (socket(), Pod::new());
    let network = network("net", Driver::Vlan);
    let dummy = up(&mut host, &network);
    let in_it = connection("eth0", &[]).vlan(vid(50));
    let member = connect(&network, &mut host, &mut pod, in_it, &[]).unwrap();
    is_vlan_50(&pod.link(member.attached.index), dummy);
    Ok(())
}

#[kernel_test]
pub fn a_half_made_link_is_finished() -> Result<(), Skip> {
    needs("vlan")?;
    needs("dummy")?;
    let mut host = socket();
    let base = parent(&mut host);
    let half = host.create(&NewLink::vlan(base, vid(50)).name(name(HALF_MADE))).unwrap();
    mark(&mut host, half, "p0.050"); // the same VLAN
    let network = on(VLAN, "net");
    assert_eq!(up(&mut host, &network), half);
    is_vlan_50(&is_made(&mut host, half, &network), base);

    let half = host.create(&NewLink::dummy().name(name(HALF_MADE))).unwrap();
    mark(&mut host, half, macvlan("net").parent_name());
    let other = up(&mut host, &macvlan("other"));
    assert_ne!(other, half, "a dummy is one network's");
    let network = macvlan("net");
    assert_eq!(up(&mut host, &network), half);
    is_made(&mut host, half, &network);
    Ok(())
}

#[kernel_test]
pub fn a_foreign_vlan_of_the_name_is_used_and_not_marked() -> Result<(), Skip> {
    needs("vlan")?;
    let mut host = socket();
    let base = parent(&mut host);
    for id in [50, 51] {
        let foreign = host.create(&NewLink::vlan(base, vid(id)).name(name(VLAN))).unwrap();
        let before = links(&mut host);
        let network = on(VLAN, "net");
        assert_eq!(up(&mut host, &network), foreign);
        assert_eq!(network.remove_parent(&mut host, &owner(), &[]).unwrap(), Removal::NotOurs);
        assert_eq!(links(&mut host), before);
        host.delete(foreign).unwrap();
    }
    Ok(())
}

#[kernel_test]
pub fn a_foreign_vlan_of_another_name_is_pointed_out() -> Result<(), Skip> {
    needs("vlan")?;
    let mut host = socket();
    let base = parent(&mut host);
    let unfinished = "unfinished: another program is making it, or was stopped before it had";
    for (there, how) in [("uplink50", " as uplink50: make that the parent"), (HALF_MADE, &format!(", {unfinished}"))] {
        let foreign = host.create(&NewLink::vlan(base, vid(50)).name(name(there))).unwrap();
        let expected = format!("VLAN 50, which p0.50 would be, is there already{how}");
        assert_eq!(up_refused(&on(VLAN, "net")), expected);
        host.delete(foreign).unwrap();
    }
    // One of another protocol is another.
    host.create(&NewLink::vlan(base, vid(50)).protocol(VlanProtocol::Ieee8021Ad).name(name("provider"))).unwrap();
    let made = up(&mut host, &on(VLAN, "net"));
    is_vlan_50(&host.link_at(made).unwrap().to_owned(), base);
    Ok(())
}
