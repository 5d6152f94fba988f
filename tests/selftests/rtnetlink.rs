//! `net/rtnetlink.sh`: what of it is about VLANs, macvlans and ipvlans, about ports and about aliases.

use crate::common::{Skip, name, needs, parent, socket, vid};
use crate::tools::{await_link, bond, here, run};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use std::fs;
use sublink::addr::ListAddresses;
use sublink::link::IpvlanMode;
use sublink::value::Alias;
use sublink::{IfIndex, LinkChange, LinkSpec, MacvlanMode, Netns, NewAddress, NewLink, Sandbox, Socket};
use sublink_tests::kernel_test;

/// `kci_test_bridge`: a VLAN on a bridge, with addresses.
#[kernel_test]
fn a_bridge_with_a_vlan_on_top() -> Result<(), Skip> {
    needs("vlan")?;
    let mut socket = socket();
    let port = parent(&mut socket);
    run("ip link add br0 type bridge");
    let bridge = socket.index_of("br0").unwrap();
    socket.change(&LinkChange::new(port).master(bridge)).unwrap();
    socket.change(&LinkChange::new(bridge).up()).unwrap();
    let vlan = socket.create(&NewLink::vlan(bridge, vid(1)).name(name("br0.1"))).unwrap();
    for addr in ["10.200.7.23/30", "2001:db8:42::1234/64"] {
        socket.apply(&NewAddress::new(vlan, addr.parse().unwrap())).unwrap();
    }
    let addresses = socket.snapshot(&ListAddresses::new().index(vlan)).unwrap();
    assert_eq!(addresses.len(), 2, "{addresses:?}");
    for gone in [vlan, bridge] {
        socket.delete(gone).unwrap();
    }
    assert_eq!(socket.link_at(port).unwrap().master(), None);
    Ok(())
}

/// `kci_test_ifalias`: an alias is set by netlink and by sysfs, and each shows the other's.
#[kernel_test]
fn an_alias_by_netlink_and_by_sysfs() -> Result<(), Skip> {
    const FILE: &str = "/sys/class/net/p0/ifalias";
    let mut socket = socket();
    let index = parent(&mut socket);
    own_sys()?;
    let alias = |socket: &mut Socket| socket.link_at(index).unwrap().to_owned().alias;
    let set = |socket: &mut Socket, text| {
        socket.change(&LinkChange::new(index).alias(Alias::new(text).unwrap())).unwrap();
    };
    set(&mut socket, "b2a5c1f8-52b0");
    assert_eq!(alias(&mut socket).as_deref(), Some(&b"b2a5c1f8-52b0"[..]));
    assert_eq!(fs::read_to_string(FILE).unwrap(), "b2a5c1f8-52b0\n");
    fs::write(FILE, "another\n").unwrap();
    assert_eq!(alias(&mut socket).as_deref(), Some(&b"another"[..]));
    fs::write(FILE, "\n").unwrap();
    assert_eq!(alias(&mut socket), None, "sysfs takes it away");
    set(&mut socket, "again");
    set(&mut socket, "");
    assert_eq!(alias(&mut socket), None, "and so does netlink");
    Ok(())
}

/// A `/sys` that shows the links of the calling thread's namespace.
fn own_sys() -> Result<(), Skip> {
    const NONE: Option<&str> = None;
    let mounted = unshare(CloneFlags::CLONE_NEWNS)
        .and_then(|()| mount(NONE, "/", NONE, MsFlags::MS_REC | MsFlags::MS_PRIVATE, NONE))
        .and_then(|()| mount(Some("sys"), "/sys", Some("sysfs"), MsFlags::empty(), NONE));
    mounted.map_err(|error| Skip(format!("a /sys of its own cannot be mounted here ({error})")))
}

/// `kci_test_enslave_bonding`: a link that is up becomes a port, taken down by the same request.
#[kernel_test]
fn a_link_that_is_up_becomes_a_port_and_goes_down_in_one_request() -> Result<(), Skip> {
    needs("dummy")?;
    bond("bond123", "mode balance-rr")?;
    let mut socket = socket();
    let master = socket.index_of("bond123").unwrap();
    let dummy = socket.create(&NewLink::dummy().name(name("d0")).up()).unwrap();
    socket.change(&LinkChange::new(dummy).master(master).down()).unwrap();
    assert_eq!(socket.link_at(dummy).unwrap().master(), Some(master));
    Ok(())
}

/// `kci_test_vlan`, `kci_test_macvlan`, `kci_test_ipvlan`: the carrier of what stands on a bond is the bond's, here and in another
/// namespace.
fn follows_the_bond(link: impl Fn(IfIndex) -> LinkSpec<'static>) -> Result<(), Skip> {
    needs("dummy")?;
    bond("bond0", "mode active-backup miimon 10")?;
    let (mut host, mut pod) = (socket(), Sandbox::create().unwrap());
    let bond = host.index_of("bond0").unwrap();
    let dummy = host.create(&NewLink::dummy().name(name("d0"))).unwrap();
    host.change(&LinkChange::new(dummy).master(bond)).unwrap();
    host.change(&LinkChange::new(bond).up()).unwrap();
    let upper = host.create(&link(bond).name(name("upper")).up()).unwrap();
    let flap = |netns: &Netns, index, host: &mut Socket| {
        for up in [true, false, true] {
            let change = LinkChange::new(dummy);
            host.change(&if up { change.up() } else { change.down() }).unwrap();
            await_link(netns, index, "the bond's carrier", |link| link.carrier() == Some(up));
        }
    };
    flap(&here(), upper, &mut host);
    host.change(&LinkChange::move_to(upper, pod.netns()).up()).unwrap();
    let moved = pod.socket().index_of("upper").unwrap();
    flap(pod.netns(), moved, &mut host);
    Ok(())
}

#[kernel_test]
fn a_vlan_follows_the_bond_below() -> Result<(), Skip> {
    needs("vlan")?;
    follows_the_bond(|bond| NewLink::vlan(bond, vid(2)).into())
}

#[kernel_test]
fn a_macvlan_follows_the_bond_below() -> Result<(), Skip> {
    follows_the_bond(|bond| NewLink::macvlan(bond).mode(MacvlanMode::Bridge).into())
}

#[kernel_test]
fn an_ipvlan_follows_the_bond_below() -> Result<(), Skip> {
    needs("ipvlan")?;
    follows_the_bond(|bond| NewLink::ipvlan(bond).mode(IpvlanMode::L2).into())
}
