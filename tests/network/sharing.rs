//! Several networks and containers on one parent, and what the kernel refuses there.

use crate::common::{Skip, mac, name, needs, parent, socket, vid};
use crate::help::{connect, connection, failed, network, on, passthru};
use crate::pod::Pod;
use sublink::endpoint::Detach;
use sublink::error::Undo;
use sublink::link::KindInfo;
use sublink::network::{Connection, Driver};
use sublink::{Network, NewLink, Socket};
use sublink_tests::kernel_test;

/// What is said when a container is refused; it is as before then.
#[track_caller]
fn refused(host: &mut Socket, network: &Network, connection: Connection) -> String {
    let mut pod = Pod::new();
    let before = pod.contents();
    let error = connect(network, host, &mut pod, connection, &[]).unwrap_err();
    let error = failed(&error);
    assert_eq!(error.undo(), Some(Undo::Clean), "{error}");
    assert_eq!(pod.contents(), before);
    error.to_string()
}

#[kernel_test]
pub fn networks_share_a_parent() -> Result<(), Skip> {
    let mut host = socket();
    let parent = parent(&mut host);
    let networks = [on("p0", "a"), on("p0", "b").option("macvlan_mode", "vepa").unwrap()];
    networks[0].validate(&networks[1..]).unwrap();
    for network in &networks {
        for _ in 0..2 {
            let mut pod = Pod::new();
            let member = connect(network, &mut host, &mut pod, connection("eth0", &[]), &[]).unwrap();
            assert_eq!(pod.link(member.attached.index).parent, Some(parent));
        }
    }
    Ok(())
}

#[kernel_test]
pub fn a_passthru_network_shares_its_parent_with_none() -> Result<(), Skip> {
    let mut host = socket();
    parent(&mut host);
    let (shared, alone) = (on("p0", "shared"), passthru("p0", "alone"));
    let sentence =
        |other| format!("p0 is the parent of the network {other}, and a passthru network shares its parent with none");
    assert_eq!(alone.validate(std::slice::from_ref(&shared)).unwrap_err().to_string(), sentence("shared"));
    assert_eq!(shared.validate(std::slice::from_ref(&alone)).unwrap_err().to_string(), sentence("alone"));

    // Who does not ask is told by the kernel.
    let mut pod = Pod::new();
    let member = connect(&alone, &mut host, &mut pod, connection("eth0", &[]), &[]).unwrap();
    let parents = host.link("p0").unwrap().mac().mac();
    assert_eq!(member.attached.mac, parents);
    let einval = "create macvlan eth0 on p0: EINVAL (Invalid argument): ";
    let said = refused(&mut host, &shared, connection("eth0", &[]));
    let unseen = "nothing that this namespace shows is in the way: a passthru link on p0 in another namespace may be, or \
        what was is gone by now";
    assert_eq!(said, format!("{einval}{unseen}; no link is left behind"));
    let for_itself = format!(
        "{einval}a passthru link needs its parent to itself, and p0 has one in another namespace, or had until now; \
         no link is left behind"
    );
    assert_eq!(refused(&mut host, &alone, connection("eth0", &[])), for_itself);
    member.disconnect(&mut host, &mut pod.sandbox, &[], &Detach::new()).unwrap();
    let member = connect(&shared, &mut host, &mut pod, connection("eth0", &[]), &[]).unwrap();
    assert_eq!(refused(&mut host, &alone, connection("eth0", &[])), for_itself);
    member.disconnect(&mut host, &mut pod.sandbox, &[], &Detach::new()).unwrap();
    connect(&alone, &mut host, &mut pod, connection("eth0", &[]), &[]).unwrap();
    Ok(())
}

#[kernel_test]
pub fn a_parent_that_carries_ipvlan_is_busy() -> Result<(), Skip> {
    needs("ipvlan")?;
    let (mut host, pod) = (socket(), Pod::new());
    let parent = parent(&mut host);
    let network = on("p0", "net");
    let before = "create macvlan eth0 on p0: EBUSY (Device or resource busy): ";
    let after = "; no link is left behind";
    let here = host.create(&NewLink::ipvlan(parent).name(name("iv0"))).unwrap();
    let why = "p0 carries iv0, of kind ipvlan, which receives its packets";
    assert_eq!(refused(&mut host, &network, connection("eth0", &[])), format!("{before}{why}{after}"));
    host.delete(here).unwrap();
    host.create(&NewLink::ipvlan(parent).name(name("iv0")).netns(&pod.sandbox)).unwrap();
    let said = refused(&mut host, &network, connection("eth0", &[]));
    let why = "an ipvlan or macvlan in another namespace, or a switch, receives the packets of the parent p0, or did until \
        now";
    assert_eq!(said, format!("{before}{why}{after}"));
    Ok(())
}

#[kernel_test]
pub fn a_mac_address_is_one_containers() -> Result<(), Skip> {
    let mut host = socket();
    parent(&mut host);
    let (network, mut pod) = (on("p0", "net"), Pod::new());
    let with_mac = || connection("eth0", &[]).mac(mac(7));
    let member = connect(&network, &mut host, &mut pod, with_mac(), &[]).unwrap();
    let said = refused(&mut host, &network, with_mac());
    let expected = "bring up eth0: EADDRINUSE (Address already in use): the MAC address 02:00:00:00:00:07 is in use \
        on p0, by a link of another namespace; no link is left behind";
    assert_eq!(said, expected);
    member.disconnect(&mut host, &mut pod.sandbox, &[], &Detach::new()).unwrap();
    connect(&network, &mut host, &mut pod, with_mac(), &[]).expect("at once");
    Ok(())
}

#[kernel_test]
pub fn an_mtu_is_at_most_the_parents() -> Result<(), Skip> {
    let mut host = socket();
    parent(&mut host);
    let said = refused(&mut host, &on("p0", "net").mtu(9000), connection("eth0", &[]));
    let expected = "create macvlan eth0 on p0: EINVAL (Invalid argument): the MTU 9000 is above the 1500 of the parent \
        p0; no link is left behind";
    assert_eq!(said, expected);
    // Nothing is made for it.
    let mut pod = Pod::new();
    for parent in ["p0.50", "p0.10.20"] {
        let network = on(parent, "net").mtu(9000);
        let connect = |host: &mut Socket| connect(&network, host, &mut pod, connection("eth0", &[]), &[]);
        let said = crate::help::refused(&mut host, connect).to_string();
        assert_eq!(said, "the MTU 9000 is above the 1500 of p0, on which the parent would be made");
    }
    Ok(())
}

#[kernel_test]
pub fn each_container_has_a_vlan_of_its_own() -> Result<(), Skip> {
    needs("vlan")?;
    let mut host = socket();
    let parent = parent(&mut host);
    let network = network("net", Driver::Vlan).on(name("p0")).mtu(1400);
    let with_id = |id| connection("eth0", &[]).vlan(vid(id));
    let [mut a, mut b] = [Pod::new(), Pod::new()];
    for (pod, id) in [(&mut a, 7), (&mut b, 8)] {
        let member = connect(&network, &mut host, pod, with_id(id), &[]).unwrap();
        let link = pod.link(member.attached.index);
        let KindInfo::Vlan(vlan) = &link.kind else { panic!("{link:?}") };
        assert_eq!((link.parent, link.mtu, vlan.id), (Some(parent), 1400, Some(vid(id))));
    }
    let said = refused(&mut host, &network, with_id(7));
    let expected = "create vlan eth0 on p0: EEXIST: 8021q: VLAN device already exists: \
        VLAN 7 is there already, in another namespace, or was until now; no link is left behind";
    assert_eq!(said, expected);
    host.create(&NewLink::vlan(parent, vid(9)).name(name("uplink"))).unwrap();
    let said = refused(&mut host, &network, with_id(9));
    let index = host.index_of("uplink").unwrap();
    assert!(said.ends_with(&format!(": VLAN 9 is there already: uplink (#{index}); no link is left behind")), "{said}");
    Ok(())
}
