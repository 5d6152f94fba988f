//! The decisions about networks, which are pure functions: what they say holds together, whatever the networks and the links.

#![no_main]

use arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use sublink::link::{LinkFlags, VlanProtocol};
use sublink::network::{Connection, Driver, Member, Network, Owner, Plan, Subnet, choose_gateways};
use sublink::wire::Messages;
use sublink::{Attached, IfIndex, IfName, IpNetwork, LinkInfo, LinkView, MacvlanMode, NewLink, Request, VlanId};
use sublink_fuzz::{any, prints_safely};

const OWNER: &str = "own";
/// Marks of the owner, of others, and what resembles them.
const ALIASES: [&str; 7] =
    ["sublink:own:a", "sublink:own:eth0.50", "sublink:own:", "sublink:own2:eth0.50", "sublink:own", "x", ""];
const NAMES: [&str; 12] = [
    "eth0",
    "eth0.50",
    "eth0.51",
    "eth0.x",
    "eth1.4094",
    "dm-0123456789ab",
    "sl~0123456789ab",
    "lo",
    "eth0.0",
    "eth0.050",
    "a.b.c",
    "eth0.",
];

fuzz_target!(|data: &[u8]| {
    let _ = run(&mut Unstructured::new(data)); // an error says that the input is at its end
});

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    let own = network(u)?;
    let others = several(u, 3, network)?;
    validate(&own, &others);
    if let Ok(made) = Network::from_config("made", &own) {
        assert!(own.is_config_only() && made.subnets() == own.subnets() && made.driver() == own.driver());
    }
    let links = several(u, 5, link)?;
    plan(&own, &links);
    let addrs = several(u, 3, addr)?;
    endpoint(u, &own, &addrs)?;
    if let Some(free) = Subnet::free(&addrs) {
        assert!(!addrs.iter().any(|taken| free.overlaps(&Subnet::new(*taken))));
    }
    Ok(())
}

/// Up to `most` of what `one` makes.
fn several<T>(u: &mut Unstructured<'_>, most: usize, one: fn(&mut Unstructured<'_>) -> Result<T>) -> Result<Vec<T>> {
    (0..u.int_in_range(0..=most)?).map(|_| one(u)).collect()
}

fn validate(own: &Network, others: &[Network]) {
    if let Err(error) = own.validate(others) {
        return prints_safely(&error.to_string());
    }
    assert!(others.iter().all(|other| other.name() != own.name()));
    for (number, subnet) in own.subnets().iter().enumerate() {
        assert!(!own.subnets()[..number].iter().any(|other| other.overlaps(subnet)));
    }
    let is_alone = |network: &Network| network.driver() == Driver::Macvlan(MacvlanMode::Passthru);
    let parents = |network: &Network| network.parent().ok().map(|parent| parent.name());
    for other in others.iter().filter(|other| parents(own).is_some() && parents(other) == parents(own)) {
        assert!(!is_alone(own) && !is_alone(other), "a passthru network shares its parent");
    }
    if str::from_utf8(own.parent_name().as_bytes()).is_err() {
        return; // no option can give it
    }
    let fresh = Network::new(own.name(), own.driver()).expect("its own name");
    let again = own.options().iter().try_fold(fresh, |again, (key, value)| again.option(key, value));
    assert_eq!(again.map(|again| again.options()), Ok(own.options()), "options do not come back");
}

/// A plan is about links that are there, and never finishes a link that the owner has not marked.
fn plan(own: &Network, links: &[LinkInfo]) {
    let owner = Owner::new(OWNER).expect("an owner");
    let Ok(parent) = own.parent() else { return assert!(own.is_config_only()) };
    let has_name = |link: &LinkInfo| link.name == parent.name();
    match parent.plan_among(&owner, links) {
        Ok(Plan::Use(index)) => assert!(links.iter().any(|link| link.index == index && has_name(link))),
        Ok(Plan::Finish(index)) => {
            let is_marked =
                |link: &LinkInfo| link.alias.as_deref().is_some_and(|alias| alias.starts_with(b"sublink:own:"));
            let is_done = |link: &LinkInfo| has_name(link) && link.flags.contains(LinkFlags::UP);
            let fits = |link: &LinkInfo| link.index == index && is_marked(link) && !is_done(link);
            assert!(links.iter().any(fits), "finishes what is not its own: {parent:?} {links:?}");
        }
        Ok(Plan::Vlan { base, id, .. }) => {
            assert!((1..=4094).contains(&id.get()) && links.iter().any(|link| link.index == base));
            assert!(!links.iter().any(has_name));
        }
        Ok(Plan::Dummy) => assert!(!links.iter().any(has_name)),
        Ok(other) => panic!("an unknown plan: {other:?}"),
        Err(error) => prints_safely(&error.to_string()),
    }
}

fn endpoint(u: &mut Unstructured<'_>, own: &Network, addrs: &[IpNetwork]) -> Result<()> {
    let mut connection = Connection::new(name(u)?, addrs).priority(u.arbitrary()?);
    if u.arbitrary()? {
        connection = connection.mac(any::mac(u)?);
    }
    if u.arbitrary()? {
        connection = connection.vlan(VlanId::new(u.int_in_range(0..=4094)?).expect("an id"));
    }
    let parent = any::index(u)?;
    match own.endpoint(parent, &connection) {
        Ok(endpoint) => {
            let is_inside = |addr: &IpNetwork| own.subnets().iter().any(|subnet| subnet.has_station(addr.ip()));
            assert!(addrs.iter().all(is_inside));
            let link = endpoint.link();
            assert_eq!((link.wanted_name(), link.wanted_mac()), (Some(connection.name), connection.mac));
            assert_eq!(link.parent(), Some(parent));
        }
        Err(error) => prints_safely(&error.to_string()),
    }
    let gateways = own.gateways(addrs);
    assert!(gateways.len() <= addrs.len() && (gateways.is_empty() || !own.is_internal()));
    let is_way_out = |gateway: &IpAddr| own.subnets().iter().any(|subnet| subnet.gateway_addr() == Some(*gateway));
    assert!(gateways.iter().all(is_way_out));
    default_routes(u, own, &connection)
}

/// Of each family there is at most one default route, by a gateway of the network that it is said to be of.
fn default_routes(u: &mut Unstructured<'_>, own: &Network, connection: &Connection) -> Result<()> {
    let attached: Attached = "eth0 kind macvlan index 7".parse().expect("an attached link");
    let mut members = vec![Member::new(own, connection.clone(), attached)];
    for other in several(u, 2, network)? {
        members.push(Member::new(&other, connection.clone().priority(u.arbitrary()?), attached));
    }
    let chosen = choose_gateways(&members);
    assert!(chosen.iter().all(|(number, gateway)| members[*number].gateways.contains(gateway)));
    for is_of_family in [IpAddr::is_ipv4, IpAddr::is_ipv6] {
        let is_there = members.iter().any(|member| member.gateways.iter().any(is_of_family));
        assert_eq!(chosen.iter().filter(|(_, gateway)| is_of_family(gateway)).count(), usize::from(is_there));
    }
    Ok(())
}

fn name(u: &mut Unstructured<'_>) -> Result<IfName> {
    if u.ratio(3, 4)? { Ok(IfName::new(u.choose(&NAMES)?).expect("a name")) } else { any::name(u) }
}

/// An address that often is in the subnet of another.
fn addr(u: &mut Unstructured<'_>) -> Result<IpNetwork> {
    let ip = if u.ratio(1, 8)? {
        any::ip(u)?
    } else if u.arbitrary()? {
        Ipv4Addr::new(10, 0, u.int_in_range(0..=3)?, u.arbitrary()?).into()
    } else {
        Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, u.int_in_range(0..=255)?).into()
    };
    any::network(u, ip)
}

fn network(u: &mut Unstructured<'_>) -> Result<Network> {
    let mode = MacvlanMode::from(*u.choose(&[1u32, 2, 4, 8, 16, 99])?);
    let driver = if u.arbitrary()? { Driver::Vlan } else { Driver::Macvlan(mode) };
    let fallback = || Network::new("z", driver).expect("a name");
    let mut network =
        Network::new(u.choose(&["a", "b", "net", "", "\n", "x:y"])?, driver).unwrap_or_else(|_| fallback());
    if u.ratio(1, 4)? {
        let id = *u.choose(&["0123456789abcdef", "0123456789ab", "é23456789abc"])?;
        network = network.with_id(id).unwrap_or_else(|_| fallback());
    }
    if u.arbitrary()? {
        network = network.on(name(u)?);
    }
    if u.arbitrary()? {
        network = network.mtu(u.arbitrary()?);
    }
    for change in [Network::internal, Network::attachable, Network::config_only] {
        if u.ratio(1, 4)? {
            network = change(network);
        }
    }
    for addr in several(u, 3, addr)? {
        let subnet = Subnet::new(addr);
        let gateway = self::addr(u)?.ip();
        network = network.subnet(subnet.gateway(gateway).unwrap_or(subnet));
    }
    Ok(network)
}

/// A link as the kernel would report it: a request as if it were a reply, with flags and an alias.
fn link(u: &mut Unstructured<'_>) -> Result<LinkInfo> {
    let (index, parent, name) = (any::index_to(u, 9)?, any::index_to(u, 9)?, name(u)?);
    let mut bytes = base(u, index, parent, name)?;
    bytes[24] = *u.choose(&[0, 1, 8, 9])?; // IFF_UP, IFF_LOOPBACK
    let alias = *u.choose(&ALIASES)?;
    let length = u16::try_from(4 + alias.len()).expect("a short alias");
    bytes.extend([length.to_ne_bytes(), u16::to_ne_bytes(20)].concat()); // IFLA_IFALIAS
    bytes.extend(alias.as_bytes());
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    let length = u32::try_from(bytes.len()).expect("a short message");
    bytes[..4].copy_from_slice(&length.to_ne_bytes());
    let message = Messages::new(&bytes).next().expect("a message").expect("a true length");
    Ok(LinkView::of(message).expect("a link").to_owned())
}

fn base(u: &mut Unstructured<'_>, index: IfIndex, parent: IfIndex, name: IfName) -> Result<Vec<u8>> {
    let mut bytes = vec![0; 512];
    let length = match u.int_in_range(0..=4)? {
        0 => NewLink::dummy().index(index).name(name).encode(1, &mut bytes),
        1 => {
            let vlan = NewLink::vlan(parent, VlanId::new(u.int_in_range(0..=60)?).expect("an id"));
            let protocol = VlanProtocol::from(*u.choose(&[0x8100u16, 0x88a8, 7])?);
            vlan.protocol(protocol).index(index).name(name).encode(1, &mut bytes)
        }
        2 => NewLink::macvlan(parent).mode(MacvlanMode::Passthru).index(index).name(name).encode(1, &mut bytes),
        3 => NewLink::ipvlan(parent).index(index).name(name).encode(1, &mut bytes),
        _ => NewLink::macvlan(parent).parent_in(any::nsid(u)?).index(index).name(name).encode(1, &mut bytes),
    };
    bytes.truncate(length.expect("room"));
    Ok(bytes)
}
