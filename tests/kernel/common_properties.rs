//! What every link can be given at create, for links of every kind.

use crate::common::{Skip, kernel, knows, mac, name, needs, parent, socket, vid};
use crate::tools::{ip, refusal};
use sublink::link::{Create, LinkMode};
use sublink::value::Broadcast;
use sublink::{ErrorKind, IfIndex, ListLinks, MacvlanMode, NewLink};
use sublink_tests::kernel_test;

const INDEX: u32 = 20_000;
const BROADCAST: Broadcast = Broadcast([2, 0xff, 0xff, 0xff, 0xff, 0xff]);

/// Whether a kind keeps a MAC address of its own.
#[derive(Clone, Copy, PartialEq)]
enum Mac {
    Own,
    Parents,
}

/// Creates `link` with all that every link has, and reads all of it back.
fn assert_all_is_set<'a, K: Copy>(link: NewLink<'a, K>, kind: &str, its_mac: Mac)
where
    NewLink<'a, K>: Create,
{
    let mut socket = socket();
    let index = IfIndex::new(INDEX).unwrap();
    let link = link
        .name(name("x"))
        .index(index)
        .mac(mac(7))
        .broadcast(BROADCAST)
        .mtu(1400)
        .txqlen(77)
        .group(7)
        .tx_queues(3)
        .rx_queues(2)
        .gso_max_size(20_000)
        .gso_max_segs(30)
        .gro_max_size(30_000)
        .gso_ipv4_max_size(25_000)
        .gro_ipv4_max_size(35_000)
        .link_mode(LinkMode::Dormant);
    assert_eq!(socket.create(&link).unwrap_or_else(|error| panic!("{kind}: {error}")), index);
    let view = socket.link("x").unwrap();
    assert_eq!(view.kind(), kind);
    assert!(view.is_up(), "{kind}");
    let owned = view.to_owned();
    assert_eq!((owned.index, view.index()), (index, index), "{kind}");
    assert_eq!((owned.name.to_string(), owned.mtu, owned.txqlen, owned.group), ("x".into(), 1400, 77, 7), "{kind}");
    assert_eq!((view.mtu(), view.txqlen(), view.group()), (1400, 77, 7), "{kind}");
    assert_eq!(owned.mac, view.mac().mac(), "{kind}");
    assert_eq!(owned.mac == Some(mac(7)), its_mac == Mac::Own, "{kind}");
    assert_eq!((owned.broadcast, view.broadcast()), (Some(BROADCAST), Some(BROADCAST)), "{kind}");
    assert_eq!((owned.tx_queues, owned.rx_queues), (Some(3), Some(2)), "{kind}");
    assert_eq!((view.tx_queues(), view.rx_queues()), (Some(3), Some(2)), "{kind}");
    assert_eq!((owned.gso_max_size, owned.gso_max_segs), (view.gso_max_size(), view.gso_max_segs()), "{kind}");
    let is_kept = knows("a GSO limit at create") || view.parent().is_none() || kind == "veth";
    assert_eq!(view.gso_max_size() == Some(20_000), is_kept, "{kind}");
    assert_eq!(view.gso_max_segs() == Some(30), is_kept, "{kind}");
    let since = |property, size| Some(size).filter(|_| knows(property));
    let gro = since("gro_max_size", 30_000);
    assert_eq!((owned.gro_max_size, view.gro_max_size()), (gro, gro), "{kind}");
    let of_ipv4 = (since("gso_ipv4_max_size", 25_000), since("gso_ipv4_max_size", 35_000));
    assert_eq!((view.gso_ipv4_max_size(), view.gro_ipv4_max_size()), of_ipv4, "{kind}");
    assert_eq!((owned.gso_ipv4_max_size, owned.gro_ipv4_max_size), of_ipv4, "{kind}");
    assert_eq!((owned.link_mode, view.link_mode()), (LinkMode::Dormant, LinkMode::Dormant), "{kind}");
    socket.delete(index).unwrap();
}

#[kernel_test]
pub fn all_is_set_of_a_macvlan() -> Result<(), Skip> {
    let parent = parent(&mut socket());
    assert_all_is_set(NewLink::macvlan(parent).up(), "macvlan", Mac::Own);
    Ok(())
}

#[kernel_test]
pub fn all_is_set_of_a_macvtap() -> Result<(), Skip> {
    needs("macvtap")?;
    let parent = parent(&mut socket());
    assert_all_is_set(NewLink::macvtap(parent).up(), "macvtap", Mac::Own);
    Ok(())
}

#[kernel_test]
pub fn all_is_set_of_a_vlan() -> Result<(), Skip> {
    needs("vlan")?;
    let parent = parent(&mut socket());
    assert_all_is_set(NewLink::vlan(parent, vid(5)).up(), "vlan", Mac::Own);
    Ok(())
}

#[kernel_test]
pub fn all_is_set_of_a_veth() -> Result<(), Skip> {
    assert_all_is_set(NewLink::veth(NewLink::peer()).up(), "veth", Mac::Own);
    Ok(())
}

#[kernel_test]
pub fn all_is_set_of_a_dummy() -> Result<(), Skip> {
    needs("dummy")?;
    assert_all_is_set(NewLink::dummy().up(), "dummy", Mac::Own);
    Ok(())
}

#[kernel_test]
pub fn all_is_set_of_an_ipvlan_but_its_mac() -> Result<(), Skip> {
    needs("ipvlan")?;
    let parent = parent(&mut socket());
    assert_all_is_set(NewLink::ipvlan(parent).up(), "ipvlan", Mac::Parents);
    Ok(())
}

/// Creates `link` as a port of the bridge `br0`.
fn assert_is_port<'a, K: Copy>(link: NewLink<'a, K>, kind: &str)
where
    NewLink<'a, K>: Create,
{
    let mut socket = socket();
    let bridge = socket.index_of("br0").unwrap();
    let index = socket.create(&link.master(bridge)).unwrap_or_else(|error| panic!("{kind}: {error}"));
    let link = socket.link_at(index).unwrap();
    assert_eq!((link.master(), link.to_owned().master), (Some(bridge), Some(bridge)), "{kind}");
    let ports = socket.links(&ListLinks::new().master(bridge)).unwrap().collect().unwrap();
    assert_eq!(ports.iter().map(|port| port.index).collect::<Vec<_>>(), [index], "{kind}");
    socket.delete(index).unwrap();
}

/// A parent, and the bridge `br0`.
fn parent_and_bridge() -> IfIndex {
    ip("link add br0 type bridge");
    parent(&mut socket())
}

#[kernel_test]
pub fn a_macvlan_is_born_as_a_port() -> Result<(), Skip> {
    assert_is_port(NewLink::macvlan(parent_and_bridge()).mode(MacvlanMode::Bridge).up(), "macvlan");
    Ok(())
}

#[kernel_test]
pub fn a_vlan_is_born_as_a_port() -> Result<(), Skip> {
    needs("vlan")?;
    assert_is_port(NewLink::vlan(parent_and_bridge(), vid(5)), "vlan");
    Ok(())
}

#[kernel_test]
pub fn a_veth_is_born_as_a_port() -> Result<(), Skip> {
    parent_and_bridge();
    assert_is_port(NewLink::veth(NewLink::peer()), "veth");
    Ok(())
}

#[kernel_test]
pub fn a_dummy_is_born_as_a_port() -> Result<(), Skip> {
    needs("dummy")?;
    parent_and_bridge();
    assert_is_port(NewLink::dummy(), "dummy");
    Ok(())
}

#[kernel_test]
pub fn a_property_out_of_its_limits_is_refused() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let x = NewLink::macvlan(parent).name(name("x"));
    for (link, said) in [
        (x.tx_queues(0), "EINVAL: Invalid number of transmit queues"),
        (x.tx_queues(5000), "EINVAL: Invalid number of transmit queues"),
        (x.rx_queues(0), "EINVAL: Invalid number of receive queues"),
        (x.master(parent), "EOPNOTSUPP (Operation not supported)"),
        (x.master(IfIndex::new(4242).unwrap()), "EINVAL (Invalid argument)"),
    ] {
        let error = socket.create(&link).expect_err(said);
        assert_eq!(error.to_string(), format!("create macvlan x on p0: {said}"));
        assert!(socket.index_of("x").unwrap_err().is_no_device(), "left behind after {said}");
    }
    Ok(())
}

/// The first of the kernels tested here that looks at the upper limits of segmentation offload at create.
const WITH_GSO_LIMITS: (u32, u32) = (6, 12);

#[kernel_test]
pub fn a_gso_limit_above_the_kernels_is_refused_or_lowered() -> Result<(), Skip> {
    needs("a GSO limit at create")?;
    let mut socket = socket();
    let parent = parent(&mut socket);
    let x = NewLink::macvlan(parent).name(name("x"));
    for (link, property, lowered) in [
        (x.gso_max_size(u32::MAX), "gso_max_size", (524_280, 65_535)),
        (x.gso_max_segs(u32::MAX), "gso_max_segs", (65_536, 65_535)),
    ] {
        let created = socket.create(&link);
        if kernel() >= WITH_GSO_LIMITS {
            assert_eq!(refusal(created), format!("create macvlan x on p0: EINVAL: too big {property}"));
        } else {
            let index = created.unwrap_or_else(|error| panic!("{property}: {error}"));
            let link = socket.link_at(index).unwrap();
            assert_eq!(link.gso_max_size().zip(link.gso_max_segs()), Some(lowered), "{property}");
            socket.delete(index).unwrap();
        }
    }
    Ok(())
}

#[kernel_test]
pub fn a_limit_in_an_error_is_the_limit() -> Result<(), Skip> {
    needs("a GSO limit at create")?;
    let mut socket = socket();
    let parent = parent(&mut socket);
    let x = NewLink::macvlan(parent).name(name("x"));
    let error = socket.create(&x.gso_max_size(10)).unwrap_err();
    let ErrorKind::Kernel(kernel) = error.kind() else { panic!("{error:?}") };
    assert_eq!(kernel.attribute, Some("IFLA_GSO_MAX_SIZE"));
    let least = kernel.policy.and_then(|policy| policy.min).expect("a limit, which depends on the kernel's build");
    let least = u32::try_from(least).unwrap();
    let words = format!("ERANGE: integer out of range: IFLA_GSO_MAX_SIZE (at least {least})");
    for refused in [10, least - 1] {
        let said = refusal(socket.create(&x.gso_max_size(refused)));
        assert_eq!(said, format!("create macvlan x on p0: {words}"));
    }
    socket.create(&x.gso_max_size(least)).unwrap();
    Ok(())
}
