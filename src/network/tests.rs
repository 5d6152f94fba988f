//! Networks by themselves and beside others, and the endpoints they give; and the links that these tests share.

use super::parent::Mark;
use super::*;
use crate::link::{LinkFlags, LinkInfo, LinkView, VlanId, VlanProtocol};
use crate::value::MacAddr;
use crate::wire::{Request, encoded as bytes};

pub(super) fn link(number: u32, request: &impl Request) -> LinkInfo {
    LinkInfo { index: index(number), ..LinkView::of_request(&bytes(request)).unwrap().to_owned() }
}

pub(super) fn dummy(number: u32) -> LinkInfo {
    link(number, &NewLink::dummy())
}

pub(super) fn vlan(number: u32, base: u32, id: u16) -> LinkInfo {
    link(number, &NewLink::vlan(index(base), VlanId::new(id).unwrap()).protocol(VlanProtocol::Ieee8021Q))
}

pub(super) fn child(number: u32, parent: u32, mode: MacvlanMode) -> LinkInfo {
    link(number, &NewLink::macvlan(index(parent)).mode(mode))
}

pub(super) fn named(name: &str, link: LinkInfo) -> LinkInfo {
    LinkInfo { name: self::name(name), ..link }
}

pub(super) fn up(link: LinkInfo) -> LinkInfo {
    LinkInfo { flags: LinkFlags::UP, ..link }
}

/// With the mark of the tests' owner for the parent of this name.
pub(super) fn marked(parent: &str, link: LinkInfo) -> LinkInfo {
    LinkInfo { alias: Some(owner().mark(Mark::Named(name(parent))).into()), ..link }
}

pub(super) fn owner() -> Owner {
    Owner::new("tests").unwrap()
}

pub(super) fn index(index: u32) -> IfIndex {
    IfIndex::new(index).unwrap()
}

pub(super) fn name(name: &str) -> IfName {
    IfName::new(name).unwrap()
}

pub(super) fn net(network: &str) -> IpNetwork {
    network.parse().unwrap()
}

pub(super) fn ip(addr: &str) -> IpAddr {
    addr.parse().unwrap()
}

pub(super) fn macvlan(name: &str) -> Network {
    Network::new(name, Driver::Macvlan(MacvlanMode::Bridge)).unwrap()
}

pub(super) fn with_subnet(network: Network, subnet: &str, gateway: &str) -> Network {
    network.subnet(Subnet::new(net(subnet)).gateway(ip(gateway)).unwrap())
}

fn on(parent: &str, network: Network) -> Network {
    network.on(name(parent))
}

fn passthru(name: &str) -> Network {
    Network::new(name, Driver::Macvlan(MacvlanMode::Passthru)).unwrap()
}

fn config() -> Network {
    on("eth0.60", macvlan("config")).mtu(1400).subnet(Subnet::new(net("10.6.0.0/16"))).config_only()
}

#[test]
fn names_and_ids_are_checked() {
    let long = "n".repeat(129);
    for name in ["", "two\nlines", &long] {
        assert_eq!(Network::new(name, Driver::Vlan), Err(InvalidNetwork::Name));
    }
    for name in ["host", "none", "bridge", "default"] {
        assert_eq!(Network::new(name, Driver::Vlan), Err(InvalidNetwork::NameIsReserved(name.into())));
    }
    for id in ["", "0123456789a", "0123456789a-", "0123456789\u{e9}b"] {
        assert_eq!(macvlan("net").with_id(id), Err(InvalidNetwork::Id), "{id}");
    }
    for owner in ["", "a:b", "a\0b", &long[..65]] {
        assert_eq!(Owner::new(owner), Err(InvalidParent::Owner));
    }
}

/// A dummy is found again by the id of its network, so what an id is made from is a format that does not change. The first
/// three rows are the test vectors of FNV-1a's authors.
#[test]
fn the_id_made_from_a_name_is_a_persistent_format() {
    assert_eq!(fnv(""), 0xcbf2_9ce4_8422_2325);
    assert_eq!(fnv("a"), 0xaf63_dc4c_8601_ec8c);
    assert_eq!(fnv("foobar"), 0x8594_4171_f739_67e8);
    let network = macvlan("foobar");
    assert_eq!((network.id(), network.parent_name()), ("85944171f73967e8", name("dm-85944171f739")));
}

#[test]
fn a_network_without_a_parent_is_internal_and_has_a_dummy() {
    let network = with_subnet(macvlan("net"), "10.1.0.0/16", "10.1.0.1");
    assert!(network.is_internal());
    assert_eq!(network.gateways(&[net("10.1.0.7/16")]), [] as [IpAddr; 0]);
    assert_eq!(network.parent_name(), name(&format!("dm-{}", &network.id()[..12])));
    assert_eq!(macvlan("net").with_id("0123456789abcdef").unwrap().parent_name(), name("dm-0123456789ab"));
    assert_ne!(macvlan("other").parent_name(), network.parent_name());
    let network = on("eth0", network);
    assert!(!network.is_internal() && network.clone().internal().is_internal());
    assert_eq!(network.gateways(&[net("10.1.0.7/16")]), [ip("10.1.0.1")]);
    assert_eq!(network.internal().gateways(&[net("10.1.0.7/16")]), [] as [IpAddr; 0]);
}

#[test]
fn subnets_of_a_network_do_not_overlap() {
    let network = |subnets: &[&str]| {
        subnets.iter().fold(macvlan("net"), |network, subnet| network.subnet(Subnet::new(net(subnet)))).validate(&[])
    };
    assert_eq!(network(&["10.1.0.0/16", "10.2.0.0/16", "fd50::/64", "fd51::/64"]), Ok(()));
    let overlap = InvalidNetwork::Overlap { subnet: net("10.1.7.0/24"), other: net("10.1.0.0/16") };
    assert_eq!(network(&["fd50::/64", "10.1.0.0/16", "10.1.7.0/24"]), Err(overlap));
}

#[test]
fn ipv6_needs_its_mtu() {
    let network = |mtu, subnet| macvlan("net").mtu(mtu).subnet(Subnet::new(net(subnet))).validate(&[]);
    assert_eq!(network(1279, "fd50::/64"), Err(InvalidNetwork::MtuOfIpv6(net("fd50::/64"))));
    assert_eq!((network(1280, "fd50::/64"), network(68, "10.1.0.0/16")), (Ok(()), Ok(())));
}

#[test]
fn a_parents_mtu_is_enough_for_ipv6() {
    let network = |subnet| on("eth0", macvlan("net")).subnet(Subnet::new(net(subnet)));
    let parent = |mtu| named("eth0", link(2, &NewLink::dummy().mtu(mtu)));
    let (subnet, mtu) = (net("fd50::/64"), 1279);
    let too_small = InvalidNetwork::MtuOfParent { subnet, parent: name("eth0"), mtu };
    assert_eq!(network("fd50::/64").validate_on(&parent(mtu)), Err(too_small));
    assert_eq!(network("fd50::/64").validate_on(&parent(1280)), Ok(()));
    assert_eq!(network("10.1.0.0/16").validate_on(&parent(mtu)), Ok(()));
}

#[test]
fn reserved_addresses_are_refused() {
    let network = |subnet| macvlan("net").subnet(Subnet::new(net(subnet))).validate(&[]);
    let (subnet, reserved) = (net("127.1.0.0/16"), net("127.0.0.0/8"));
    assert_eq!(network("127.1.0.0/16"), Err(InvalidNetwork::ReservedSubnet { subnet, reserved }));
    assert_eq!(network("192.168.1.1/16"), Ok(()), "host bits are dropped");
}

#[test]
fn networks_share_a_parent_unless_one_is_passthru() {
    let vlan = Network::new("vlan", Driver::Vlan).unwrap();
    let first = on("eth0", macvlan("first"));
    let taken = |other: &str| Err(InvalidNetwork::Passthru { parent: name("eth0"), other: other.into() });
    let rows = [
        (on("eth0", macvlan("net")), first.clone(), Ok(())),
        (on("eth0", vlan.clone()), first.clone(), Ok(())),
        (on("eth0", passthru("net")), first.clone(), taken("first")),
        (on("eth0", macvlan("net")), on("eth0", passthru("all")), taken("all")),
        (on("eth0", vlan), on("eth0", passthru("all")), taken("all")),
        (on("eth1", passthru("net")), first.clone(), Ok(())),
        (passthru("net"), passthru("other"), Ok(())), // each on a dummy of its own
        (on("eth0", passthru("net")).config_only(), first.clone(), Ok(())),
        (on("eth0", passthru("net")), first.clone().config_only(), Ok(())),
        (macvlan("first"), first, Err(InvalidNetwork::NameIsTaken("first".into()))),
    ];
    for (network, other, expected) in rows {
        assert_eq!(network.validate(std::slice::from_ref(&other)), expected, "{network:?} beside {other:?}");
    }
}

#[test]
fn a_dummy_is_one_networks() {
    let with_id = |name| macvlan(name).with_id("0123456789abcdef").unwrap();
    assert_eq!(with_id("net").validate(&[with_id("other")]), Err(InvalidNetwork::IdIsTaken("other".into())));
    assert_eq!(on("dm-0123456789ab", macvlan("net")).validate(&[with_id("other")]), Ok(()), "who names it, wants it");
}

#[test]
fn a_network_is_made_from_a_config() {
    let made = Network::from_config("net", &config()).unwrap();
    assert_eq!(made.validate(&[config()]), Ok(()));
    assert_eq!(
        (made.parent_name(), made.options(), made.subnets()),
        (name("eth0.60"), config().options(), config().subnets())
    );
    assert_eq!((made.config_from(), made.is_config_only(), made.is_internal()), (Some("config"), false, false));
    assert_ne!(made.id(), config().id());
    assert_eq!(made.clone().attachable().internal().validate(&[config()]), Ok(()));
}

#[test]
fn a_config_is_neither_used_nor_altered_nor_chained() {
    let made = || Network::from_config("net", &config()).unwrap();
    let elsewhere = InvalidNetwork::ConfiguredElsewhere("config".into());
    let rows = [
        (config().internal(), InvalidNetwork::ConfigOnly),
        (config().attachable(), InvalidNetwork::ConfigOnly),
        (made().config_only(), InvalidNetwork::ConfigChain),
        (made().mtu(1300), elsewhere.clone()),
        (on("eth0", made()), elsewhere.clone()),
        (made().subnet(Subnet::new(net("10.7.0.0/16"))), elsewhere.clone()),
    ];
    for (network, expected) in rows {
        let others: &[_] = if network.is_config_only() && network.config_from().is_none() { &[] } else { &[config()] };
        assert_eq!(network.validate(others), Err(expected), "{network:?}");
    }
    let none = InvalidNetwork::NotConfigOnly("config".into());
    assert_eq!(made().validate(&[]), Err(none.clone()));
    assert_eq!(made().validate(&[macvlan("config")]), Err(none.clone()), "no longer a config");
    assert_eq!(Network::from_config("net", &macvlan("config")), Err(none));
    assert_eq!(made().option("parent", "eth1"), Err(elsewhere));
    let connection = Connection::new(name("eth0"), &[]);
    assert_eq!(config().endpoint(index(2), &connection), Err(InvalidNetwork::IsConfigOnly("config".into())));
    assert_eq!(config().parent(), Err(InvalidNetwork::IsConfigOnly("config".into())));
}

#[test]
fn an_endpoint_is_what_network_and_connection_say() {
    let network = on("eth0", macvlan("net")).mtu(1400).subnet(Subnet::new(net("10.1.0.0/16")));
    let mac = MacAddr::new([2; 6]).unwrap();
    let connection = Connection::new(name("eth7"), &[net("10.1.0.7/16")]).mac(mac);
    let link = NewLink::macvlan(index(2)).mode(MacvlanMode::Bridge).name(name("eth7")).mtu(1400).mac(mac);
    let plain = Endpoint::new(link).ipv6(Ipv6Setting::DISABLE_IPV6, 1).addr(net("10.1.0.7/16"));
    let endpoint = plain.clone().nodad().ipv4(Ipv4Setting::ARP_NOTIFY, 1);
    assert_eq!(network.endpoint(index(2), &connection), Ok(endpoint));
    assert_eq!(network.nodad(false).announce(false).endpoint(index(2), &connection), Ok(plain));

    let vlans = Network::new("vlans", Driver::Vlan).unwrap();
    let connection = Connection { vlan: VlanId::new(7).ok(), ..Connection::new(name("eth7"), &[]) };
    let link = NewLink::vlan(index(2), VlanId::new(7).unwrap()).name(name("eth7"));
    let endpoint = Endpoint::new(link).nodad().ipv4(Ipv4Setting::ARP_NOTIFY, 1).ipv6(Ipv6Setting::DISABLE_IPV6, 1);
    assert_eq!(vlans.endpoint(index(2), &connection), Ok(endpoint));
}

/// IPv6 is on where the container has IPv6 addresses or is to hear routers, which it is not on an internal network.
#[test]
fn a_link_is_told_what_to_do_with_ipv6() {
    let link = NewLink::macvlan(index(2)).mode(MacvlanMode::Bridge).name(name("eth0"));
    let (v4, v6) = (net("10.1.0.7/16"), net("fd01::7/64"));
    let subnets =
        |network: Network| network.subnet(Subnet::new(net("10.1.0.0/16"))).subnet(Subnet::new(net("fd01::/64")));
    let open = subnets(on("eth0", macvlan("net")));
    let internal = open.clone().internal();
    let is = |network: &Network, addrs: &[IpNetwork], disable_ipv6, accept_ra: Option<i32>| {
        let endpoint = network.endpoint(index(2), &Connection::new(name("eth0"), addrs)).unwrap();
        let expected =
            Endpoint::new(link).nodad().ipv4(Ipv4Setting::ARP_NOTIFY, 1).ipv6(Ipv6Setting::DISABLE_IPV6, disable_ipv6);
        let expected = accept_ra.map_or(expected.clone(), |accept_ra| {
            expected.ipv6(Ipv6Setting::ACCEPT_RA, accept_ra).ipv6_if_possible(Ipv6Setting::NDISC_NOTIFY, 1)
        });
        assert_eq!(endpoint, addrs.iter().copied().fold(expected, Endpoint::addr), "{addrs:?}");
    };
    for network in [&open, &internal, &internal.clone().accept_ra(true)] {
        is(network, &[v4], 1, None);
        is(network, &[], 1, None);
        is(network, &[v4, v6], 0, Some(0));
        is(network, &[v6], 0, Some(0));
    }
    let hearing = open.accept_ra(true);
    for addrs in [&[][..], &[v4], &[v6], &[v4, v6]] {
        is(&hearing, addrs, 0, Some(1));
    }
}

#[test]
fn a_connection_fits_its_network() {
    let (plain, mac) = (Connection::new(name("eth0"), &[]), MacAddr::new([2; 6]).ok());
    let vlans = Network::new("net", Driver::Vlan).unwrap();
    let refused = |addr, why: fn(IpNetwork) -> InvalidNetwork| {
        let (network, addr) = (with_subnet(macvlan("net"), "10.1.0.0/16", "10.1.0.1"), net(addr));
        (network, Connection::new(name("eth0"), &[net("10.1.0.7/16"), addr]), why(addr))
    };
    let outside = |addr| refused(addr, |addr| InvalidNetwork::AddressOutside { addr, network: "net".into() });
    let rows = [
        outside("10.2.0.7/16"),
        outside("10.1.0.0/16"),
        outside("10.1.255.255/16"),
        outside("fd50::7/64"),
        refused("10.1.0.7/24", |addr| InvalidNetwork::AddressPrefix { addr, subnet: net("10.1.0.0/16") }),
        refused("10.1.0.1/16", |addr| InvalidNetwork::AddressIsGateway { addr, network: "net".into() }),
        (vlans, plain.clone(), InvalidNetwork::NoVlanId("net".into())),
        (
            macvlan("net"),
            Connection { vlan: VlanId::new(7).ok(), ..plain.clone() },
            InvalidNetwork::NotAVlan("net".into()),
        ),
        (passthru("net"), Connection { mac, ..plain.clone() }, InvalidNetwork::MacOfPassthru("net".into())),
    ];
    for (network, connection, expected) in rows {
        assert_eq!(network.endpoint(index(2), &connection), Err(expected));
    }
    assert!(passthru("net").endpoint(index(2), &plain).is_ok());
}

#[test]
fn an_addresss_gateway_is_that_of_its_subnet() {
    let network = on("eth0", with_subnet(macvlan("net"), "10.1.0.0/16", "10.1.0.1"));
    let network = with_subnet(network, "10.2.0.0/16", "10.2.0.1").subnet(Subnet::new(net("10.3.0.0/16")));
    let network = with_subnet(network, "fd50::/64", "fd50::1");
    let gateways = |addrs: &[&str]| network.gateways(&addrs.iter().map(|addr| net(addr)).collect::<Vec<_>>());
    assert_eq!(gateways(&["10.2.0.7/16"]), [ip("10.2.0.1")]);
    assert_eq!(gateways(&["10.2.0.7/24", "fd50::7/64"]), [ip("10.2.0.1"), ip("fd50::1")]);
    assert_eq!(gateways(&["10.3.0.7/16", "10.9.0.7/16"]), [] as [IpAddr; 0]);
}

/// Every name that a message of the error tells, with what would clear a screen or turn text around.
#[test]
fn names_print_escaped() {
    let name: Box<str> = "a\u{1b}[2J\u{202e}".into();
    let parent = IfName::new("eth0").unwrap();
    let addr = "10.0.0.1/24".parse().unwrap();
    for error in [
        InvalidNetwork::NameIsTaken(name.clone()),
        InvalidNetwork::IdIsTaken(name.clone()),
        InvalidNetwork::NoVlanId(name.clone()),
        InvalidNetwork::NotAVlan(name.clone()),
        InvalidNetwork::MacOfPassthru(name.clone()),
        InvalidNetwork::IsConfigOnly(name.clone()),
        InvalidNetwork::NotConfigOnly(name.clone()),
        InvalidNetwork::ConfiguredElsewhere(name.clone()),
        InvalidNetwork::Passthru { parent, other: name.clone() },
        InvalidNetwork::AddressOutside { addr, network: name.clone() },
    ] {
        let text = error.to_string();
        assert!(text.contains("a\\u{1b}[2J\\u{202e}"), "{text}");
    }
}
