//! When a network's parent is removed with it, and when it is kept.

use crate::common::{Skip, mac, name, needs, parent, sequence, socket, veth, vid};
use crate::help::{connect, connection, links, macvlan, mark, network, on, owner, passthru, up};
use crate::pod::{Pod, net};
use crate::tools::try_ip;
use sublink::addr::ListAddresses;
use sublink::endpoint::Detach;
use sublink::link::VlanProtocol;
use sublink::network::{Driver, Removal};
use sublink::value::Scope;
use sublink::{Endpoint, IfIndex, LinkChange, MacvlanMode, Netns, Network, NewAddress, NewLink, Owner, Socket};
use sublink_tests::kernel_test;

const VLAN: &str = "p0.50";
const PROBE: &str = "sl~0123456789ab";

#[track_caller]
fn removal(host: &mut Socket, network: &Network, others: &[Network]) -> Removal {
    network.remove_parent(host, &owner(), others).unwrap()
}

/// The parent is kept, for this reason, and looking for it has changed nothing.
#[track_caller]
fn is_kept(host: &mut Socket, network: &Network, expected: Removal, why: &str) {
    let before = links(host);
    assert_eq!(removal(host, network, &[]), expected, "{why}");
    assert_eq!(links(host), before, "{why}");
}

/// The networks of which the parent is made on demand, by the kinds of these that the kernel has.
fn made_on_demand() -> Result<Vec<Network>, Skip> {
    needs("vlan")?;
    needs("dummy")?;
    Ok(vec![on(VLAN, "net"), macvlan("net")])
}

#[kernel_test]
pub fn what_is_unused_is_removed() -> Result<(), Skip> {
    let mut host = socket();
    parent(&mut host);
    for network in made_on_demand()? {
        let before = links(&mut host);
        for _ in ["once", "and again"] {
            up(&network, &mut host).unwrap();
            assert_eq!(removal(&mut host, &network, &[]), Removal::Removed);
            assert_eq!(links(&mut host), before, "with the probe");
        }
        assert_eq!(removal(&mut host, &network, &[]), Removal::NotThere);
    }
    Ok(())
}

/// Its maker was killed. Something may stand on it all the same.
#[kernel_test]
pub fn what_is_half_made_is_removed_by_the_same_rule() -> Result<(), Skip> {
    needs("vlan")?;
    let mut host = socket();
    let base = parent(&mut host);
    let half_made = host.create(&NewLink::vlan(base, vid(50)).name(name(PROBE))).unwrap();
    mark(&mut host, half_made, VLAN);
    let child = host.create(&NewLink::macvlan(half_made).mode(MacvlanMode::Bridge).name(name("m0"))).unwrap();
    is_kept(&mut host, &on(VLAN, "net"), Removal::InUse, "a macvlan stands on it");
    host.delete(child).unwrap();
    assert_eq!(removal(&mut host, &on(VLAN, "net"), &[]), Removal::Removed);
    assert!(host.link_at(half_made).unwrap_err().is_no_device());
    Ok(())
}

/// It does not ask for each VLAN id, of which there are 8,190.
#[kernel_test]
pub fn removing_what_is_unused_takes_few_requests() -> Result<(), Skip> {
    needs("vlan")?;
    let mut host = socket();
    parent(&mut host);
    let network = on(VLAN, "net");
    up(&network, &mut host).unwrap();
    let before = sequence(&mut host);
    assert_eq!(removal(&mut host, &network, &[]), Removal::Removed);
    let requests = sequence(&mut host).wrapping_sub(before);
    assert!(requests < 40, "{requests}");
    Ok(())
}

#[kernel_test]
pub fn what_was_there_is_kept() -> Result<(), Skip> {
    let mut host = socket();
    parent(&mut host);
    is_kept(&mut host, &on("p0", "net"), Removal::NotOurs, "it was there before");
    is_kept(&mut host, &on("p9", "net"), Removal::NotThere, "it never was");
    Ok(())
}

#[kernel_test]
pub fn what_another_network_has_is_kept() -> Result<(), Skip> {
    let mut host = socket();
    parent(&mut host);
    needs("vlan")?;
    let (first, second) = (on(VLAN, "first"), on(VLAN, "second"));
    let parent = up(&first, &mut host).unwrap();
    let all = [first.clone(), second.clone()];
    assert_eq!(removal(&mut host, &first, &all), Removal::Shared);
    assert!(host.link_at(parent).is_ok());
    let config = [on(VLAN, "config").config_only(), on("p0", "base")];
    assert_eq!(removal(&mut host, &second, &config), Removal::Removed, "made for the first, of no use to these");
    Ok(())
}

#[kernel_test]
pub fn what_a_container_has_is_kept() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    parent(&mut host);
    for network in made_on_demand()? {
        let member = connect(&network, &mut host, &mut pod, connection("eth0", &[]), &[]).unwrap();
        is_kept(&mut host, &network, Removal::InUse, "a container's");
        member.disconnect(&mut host, &mut pod.sandbox, &[], &Detach::new()).unwrap();
        assert_eq!(removal(&mut host, &network, &[]), Removal::Removed);
    }
    let vlans = network("vlans", Driver::Vlan);
    let in_it = connection("eth0", &[]).vlan(vid(7));
    let member = connect(&vlans, &mut host, &mut pod, in_it, &[]).unwrap();
    is_kept(&mut host, &vlans, Removal::InUse, "a container's VLAN");
    member.disconnect(&mut host, &mut pod.sandbox, &[], &Detach::new()).unwrap();
    assert_eq!(removal(&mut host, &vlans, &[]), Removal::Removed);
    // One in passthru mode is a child as well.
    let network = passthru(VLAN, "net");
    let member = connect(&network, &mut host, &mut pod, connection("eth0", &[]), &[]).unwrap();
    is_kept(&mut host, &network, Removal::InUse, "a passthru container's");
    member.disconnect(&mut host, &mut pod.sandbox, &[], &Detach::new()).unwrap();
    assert_eq!(removal(&mut host, &network, &[]), Removal::Removed);
    Ok(())
}

/// Makes something stand on the parent in another namespace.
type Use = fn(&mut Socket, IfIndex, &Netns) -> IfIndex;

#[kernel_test]
pub fn what_is_used_from_another_namespace_is_kept() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    parent(&mut host);
    needs("vlan")?;
    needs("macvtap")?;
    needs("ipvlan")?;
    let uses: [(&str, Use); 6] = [
        ("a macvlan made there", |host, parent, there| {
            host.create(&NewLink::macvlan(parent).name(name("x")).netns(&there)).unwrap()
        }),
        ("a macvlan moved there", |host, parent, there| {
            let moved = host.create(&NewLink::macvlan(parent).name(name("x"))).unwrap();
            host.change(&LinkChange::move_to(moved, &there)).unwrap();
            moved
        }),
        ("a macvtap", |host, parent, there| {
            host.create(&NewLink::macvtap(parent).name(name("x")).netns(&there)).unwrap()
        }),
        ("an ipvlan", |host, parent, there| {
            host.create(&NewLink::ipvlan(parent).name(name("x")).netns(&there)).unwrap()
        }),
        ("a VLAN", |host, parent, there| {
            host.create(&NewLink::vlan(parent, vid(4094)).name(name("x")).netns(&there)).unwrap()
        }),
        ("a provider's VLAN", |host, parent, there| {
            let vlan = NewLink::vlan(parent, vid(0)).protocol(VlanProtocol::Ieee8021Ad);
            host.create(&vlan.name(name("x")).netns(&there)).unwrap()
        }),
    ];
    let network = on(VLAN, "net");
    for (what, make) in uses {
        let parent = up(&network, &mut host).unwrap();
        make(&mut host, parent, pod.sandbox.netns());
        is_kept(&mut host, &network, Removal::InUse, what);
        let there = pod.inside().index_of("x").unwrap();
        pod.inside().delete(there).unwrap();
        assert_eq!(removal(&mut host, &network, &[]), Removal::Removed, "without {what}");
    }
    Ok(())
}

#[kernel_test]
pub fn what_somebody_uses_here_is_kept() -> Result<(), Skip> {
    let mut host = socket();
    parent(&mut host);
    needs("vlan")?;
    let network = on(VLAN, "net");
    let uses: &[(&str, &[&str], &str)] = &[
        ("an IPv4 address", &["address add 10.0.0.1/24 dev p0.50"], "address flush dev p0.50"),
        ("an IPv6 address", &["address add fd50::1/64 dev p0.50 nodad"], "address flush dev p0.50"),
        ("a macvlan", &["link add link p0.50 name x type macvlan"], "link delete x"),
        ("a VLAN", &["link add link p0.50 name x type vlan id 7"], "link delete x"),
        ("a bridge", &["link add x type bridge", "link set p0.50 master x"], "link delete x"),
    ];
    for (what, made, unmade) in uses {
        up(&network, &mut host).unwrap();
        made.iter().for_each(|command| try_ip(command).unwrap());
        is_kept(&mut host, &network, Removal::InUse, what);
        try_ip(unmade).unwrap();
        assert_eq!(removal(&mut host, &network, &[]), Removal::Removed, "without {what}");
    }
    // What the kernel gives every link is no use of it.
    let parent = up(&network, &mut host).unwrap();
    let addresses = host.snapshot(&ListAddresses::new().index(parent)).unwrap();
    assert!(addresses.iter().all(|address| address.scope == Scope::LINK));
    assert_eq!(removal(&mut host, &network, &[]), Removal::Removed);
    Ok(())
}

/// A probe can be made beside a tunnel. The kernel deletes a VXLAN with the link that it uses, and leaves others without one.
#[kernel_test]
pub fn what_a_tunnel_uses_is_kept() -> Result<(), Skip> {
    let mut host = socket();
    parent(&mut host);
    needs("vlan")?;
    let network = on(VLAN, "net");
    for tunnel in ["vxlan id 5 group 239.1.1.1 dev p0.50 dstport 4789", "xfrm dev p0.50 if_id 7"] {
        up(&network, &mut host).unwrap();
        match try_ip(&format!("link add x type {tunnel}")) {
            Err(error) if error.contains("Unknown device type") => {
                return Err(Skip(format!("this kernel has no driver of {tunnel}")));
            }
            made => made.unwrap(),
        }
        is_kept(&mut host, &network, Removal::InUse, tunnel);
        try_ip("link delete x").unwrap();
        assert_eq!(removal(&mut host, &network, &[]), Removal::Removed, "without {tunnel}");
    }
    Ok(())
}

/// A list of tunnels has room for those whose messages take more than 32 KiB: since Linux 6.10 the kernel would leave one out, and
/// say nothing.
#[kernel_test]
pub fn what_a_tunnel_with_many_names_uses_is_kept() -> Result<(), Skip> {
    let mut host = socket();
    parent(&mut host);
    needs("vlan")?;
    let network = on(VLAN, "net");
    up(&network, &mut host).unwrap();
    match try_ip("link add x type vxlan id 5 group 239.1.1.1 dev p0.50 dstport 4789") {
        Err(error) if error.contains("Unknown device type") => {
            return Err(Skip("this kernel has no driver of VXLAN".into()));
        }
        made => made.unwrap(),
    }
    let tunnel = host.index_of("x").unwrap();
    for number in 0..330 {
        host.add_alt_name(tunnel, format!("{number:0>120}")).unwrap();
    }
    is_kept(&mut host, &network, Removal::InUse, "a VXLAN with many names");
    host.delete(tunnel).unwrap();
    assert_eq!(removal(&mut host, &network, &[]), Removal::Removed);
    Ok(())
}

/// A mark is not enough.
#[kernel_test]
pub fn what_is_no_longer_what_was_made_is_kept() -> Result<(), Skip> {
    let mut host = socket();
    let base = parent(&mut host);
    let network = on(VLAN, "net");
    let mut row = |network: &Network, made: &dyn Fn(&mut Socket) -> IfIndex, why| {
        let index = made(&mut host);
        mark(&mut host, index, network.parent_name());
        is_kept(&mut host, network, Removal::NotOurs, why);
        host.delete(index).unwrap();
    };
    row(&network, &|host| veth(host, VLAN, "x"), "a veth");
    row(&macvlan("net"), &|host| veth(host, &macvlan("net").parent_name().to_string(), "x"), "a veth as a dummy");
    let bridge = NewLink::macvlan(base).name(name(VLAN)).mac(mac(7));
    row(&network, &|host| host.create(&bridge).unwrap(), "a macvlan");
    needs("vlan")?;
    row(&network, &|host| host.create(&NewLink::vlan(base, vid(51)).name(name(VLAN))).unwrap(), "another id");
    let provider = NewLink::vlan(base, vid(50)).protocol(VlanProtocol::Ieee8021Ad).name(name(VLAN));
    row(&network, &|host| host.create(&provider).unwrap(), "another protocol");
    let other_base = veth(&mut host, "q0", "q1");
    host.create(&NewLink::vlan(other_base, vid(50)).name(name(VLAN))).map(|i| mark(&mut host, i, VLAN)).unwrap();
    is_kept(&mut host, &network, Removal::NotOurs, "another base");
    let there = host.index_of(VLAN).unwrap();
    host.delete(there).unwrap();

    let other = Owner::new("other").unwrap();
    network.parent().unwrap().up(&mut host, &other).unwrap();
    is_kept(&mut host, &network, Removal::NotOurs, "another owner");
    assert_eq!(network.remove_parent(&mut host, &other, &[]).unwrap(), Removal::Removed);
    Ok(())
}

#[kernel_test]
pub fn a_stale_probe_proves_as_much_as_a_new_one() -> Result<(), Skip> {
    let mut host = socket();
    parent(&mut host);
    needs("vlan")?;
    let before = links(&mut host);
    let network = on(VLAN, "net");
    let parent = up(&network, &mut host).unwrap();
    let probe = NewLink::macvlan(parent).mode(MacvlanMode::Passthru).name(name(PROBE));
    let stale = host.create(&probe).unwrap();
    is_kept(&mut host, &network, Removal::InUse, "it is not marked, so it is somebody's");
    mark(&mut host, stale, VLAN);
    assert_eq!(removal(&mut host, &network, &[]), Removal::Removed);
    assert_eq!(links(&mut host), before);
    Ok(())
}

/// It would keep every other macvlan away. The parent is kept for what is seen here, or for what is seen only by asking, and
/// that whatever its MTU.
#[kernel_test]
pub fn a_stale_probe_goes_where_the_parent_is_kept() -> Result<(), Skip> {
    let (mut host, pod) = (socket(), Pod::new());
    let base = parent(&mut host);
    needs("vlan")?;
    host.change(&LinkChange::new(base).mtu(65535)).unwrap();
    let network = on(VLAN, "net");
    let parent = up(&network, &mut host).unwrap();
    host.create(&NewLink::vlan(parent, vid(7)).name(name("v7")).netns(&pod.sandbox)).unwrap();
    let given = NewAddress::new(parent, net("10.0.0.1/24"));
    for is_seen in [false, true] {
        if is_seen {
            host.apply(&given).unwrap();
        }
        let before = links(&mut host);
        let stale = host.create(&NewLink::macvlan(parent).mode(MacvlanMode::Passthru).name(name(PROBE))).unwrap();
        mark(&mut host, stale, VLAN);
        assert_eq!(removal(&mut host, &network, &[]), Removal::InUse, "{is_seen}");
        assert_eq!(links(&mut host), before, "{is_seen}: the probe is gone, and asking made nothing");
    }
    Ok(())
}

/// Nothing is between looking and removing: who comes in between is refused.
#[kernel_test]
pub fn a_probe_keeps_others_away() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let parent = parent(&mut host);
    host.create(&NewLink::macvlan(parent).mode(MacvlanMode::Passthru).name(name(PROBE))).unwrap();
    let child = NewLink::macvlan(parent).mode(MacvlanMode::Bridge).name(name("eth0"));
    let endpoint = Endpoint::new(child).addr(net("10.0.0.7/24"));
    let error = pod.attach(&mut host, &endpoint).unwrap_err();
    let reason = error.reason().unwrap().to_string();
    assert_eq!(reason, "a passthru link needs its parent to itself, and p0 has a temporary link");
    Ok(())
}
