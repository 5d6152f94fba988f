//! What a container of a network has of IPv6: its addresses, and nothing that a router says.

use crate::common::{Skip, name, own_run, socket, veth};
use crate::help::{connect, connection, failed, on, subnet};
use crate::pod::{Pod, ip, net};
use nix::mount::{MsFlags, mount};
use sublink::endpoint::Detach;
use sublink::error::{Reason, Undo};
use sublink::link::{Ipv4Setting, Ipv6Setting};
use sublink::network::Member;
use sublink::{Network, NewAddress, NewLink, NewRoute, Socket};
use sublink_tests::kernel_test;

/// 10.1.0.0/16 and fd01::/64 on a parent `p0`, with gateways.
fn network(host: &mut Socket) -> Network {
    veth(host, "p0", "q0");
    on("p0", "net").subnet(subnet("10.1.0.0/16", "10.1.0.1")).subnet(subnet("fd01::/64", "fd01::1"))
}

const V4: &[&str] = &["10.1.0.7/16"];
const BOTH: &[&str] = &["10.1.0.7/16", "fd01::7/64"];

/// `disable_ipv6`, `accept_ra`, `ndisc_notify` and `arp_notify`.
fn settings(pod: &mut Pod, member: &Member) -> [i64; 4] {
    let settings = pod.link(member.attached.index).settings;
    let ipv6 = [Ipv6Setting::DISABLE_IPV6, Ipv6Setting::ACCEPT_RA, Ipv6Setting::NDISC_NOTIFY];
    let [disable_ipv6, accept_ra, ndisc_notify] = ipv6.map(|setting| settings.ipv6(setting).expect("a value").into());
    let arp_notify = settings.ipv4(Ipv4Setting::ARP_NOTIFY).expect("a value").into();
    [disable_ipv6, accept_ra, ndisc_notify, arp_notify]
}

#[kernel_test]
fn ipv6_is_on_where_there_are_addresses_or_routers_are_heard() -> Result<(), Skip> {
    let mut host = socket();
    let network = network(&mut host);
    let hearing = network.clone().accept_ra(true);
    let rows: [(Network, &[&str], [i64; 4]); 6] = [
        (network.clone(), V4, [1, 1, 0, 1]), // what routers say is not heard where IPv6 is off
        (network.clone(), BOTH, [0, 0, 1, 1]),
        (network.announce(false), BOTH, [0, 0, 0, 0]),
        (hearing.clone(), V4, [0, 1, 1, 1]),
        (hearing.clone().internal(), V4, [1, 1, 0, 1]),
        (hearing.internal(), BOTH, [0, 0, 1, 1]),
    ];
    for default in ["0", "1"] {
        for (network, addrs, expected) in &rows {
            let mut pod = Pod::new();
            pod.sandbox.set_sysctl("ipv6/conf/default/disable_ipv6", default).unwrap();
            pod.sandbox.set_sysctl("ipv4/conf/default/arp_notify", "0").unwrap(); // the machine's is handed down
            let connection = connection("eth0", addrs);
            let member = connect(network, &mut host, &mut pod, connection.clone(), &[]).unwrap();
            assert_eq!(settings(&mut pod, &member), *expected, "{network:?} {addrs:?} {default}");
            let endpoint = network.endpoint(host.index_of("p0").unwrap(), &connection).unwrap();
            assert_eq!(endpoint.check(&member.attached, &mut pod.sandbox).unwrap(), []);
            member.disconnect(&mut host, &mut pod.sandbox, &[], &Detach::new()).unwrap();
        }
    }
    Ok(())
}

/// A container in which a link without IPv6 addresses would have IPv6 is not connected, as with Docker.
#[kernel_test]
fn what_cannot_be_switched_off_refuses_the_connection() -> Result<(), Skip> {
    const NONE: Option<&str> = None;
    own_run()?;
    let mut host = socket();
    let network = network(&mut host);
    let read_only = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY;
    mount(Some("/proc/sys"), "/proc/sys", NONE, MsFlags::MS_BIND, NONE).unwrap();
    mount(NONE, "/proc/sys", NONE, read_only, NONE).unwrap();
    let mut pod = Pod::new();
    let before = pod.contents();
    for (addrs, setting, asked, found) in [(V4, Ipv6Setting::DISABLE_IPV6, 1, 0), (BOTH, Ipv6Setting::ACCEPT_RA, 0, 1)]
    {
        let error = connect(&network, &mut host, &mut pod, connection("eth0", addrs), &[]).unwrap_err();
        let error = failed(&error);
        let reason = Reason::Setting { link: name("eth0"), setting, asked, found: Some(found) };
        assert_eq!((error.reason(), error.undo()), (Some(&reason), Some(Undo::Clean)), "{error}");
        assert_eq!(pod.contents(), before);
    }
    // What is so already needs not be written; what only helps is left out.
    let hearing = network.accept_ra(true);
    let member = connect(&hearing, &mut host, &mut pod, connection("eth0", BOTH), &[]).unwrap();
    assert_eq!(settings(&mut pod, &member), [0, 1, 0, 1]);
    Ok(())
}

/// As Docker does; it stays up when the container leaves.
#[kernel_test]
fn the_loopback_comes_up_with_the_first_network() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let network = network(&mut host);
    let lo = pod.inside().index_of("lo").unwrap();
    assert!(!pod.link(lo).is_up());
    let member = connect(&network, &mut host, &mut pod, connection("eth0", BOTH), &[]).unwrap();
    assert!(pod.link(lo).is_up());
    member.disconnect(&mut host, &mut pod.sandbox, &[], &Detach::new()).unwrap();
    assert!(pod.link(lo).is_up());
    Ok(())
}

/// A default route that is somebody else's refuses the connection behind that.
#[kernel_test]
fn the_loopback_stays_down_where_a_connection_is_refused() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let network = network(&mut host);
    let pair = NewLink::veth(NewLink::peer().name(name("b"))).name(name("a")).up();
    let own = pod.inside().create(&pair).unwrap();
    pod.inside().apply(&NewAddress::new(own, net("10.9.0.7/24"))).unwrap();
    pod.inside().apply(&NewRoute::default_via(ip("10.9.0.1")).index(own)).unwrap();
    let lo = pod.inside().index_of("lo").unwrap();
    for is_up in [false, true] {
        let error = connect(&network, &mut host, &mut pod, connection("eth0", V4), &[]).unwrap_err();
        assert!(failed(&error).is_already_there(), "{error}");
        assert_eq!(pod.link(lo).is_up(), is_up);
        assert_eq!(pod.sandbox.bring_up_loopback().unwrap(), !is_up); // and so it stays
    }
    Ok(())
}
