//! What the library says of numbers: in its public tables, in what it encodes, and in what it makes of numbers.

use super::bytes::{self, encoded, index, inside, mac, number};
use super::{ip, listed};
use sublink::addr::AddressView;
use sublink::link::{
    AddrGenMode, Ipv4Setting, Ipv6Setting, IpvlanFlag, IpvlanMode, IpvlanView, LinkFlags, LinkMode, LinkSettings,
    LinkStats, MacvlanFlags, MacvlanView, MacvtapView, OperState, SourceMacs, VlanFlags, VlanProtocol, VlanView,
};
use sublink::neigh::NeighbourView;
use sublink::route::RouteView;
use sublink::wire::{Inside, Row};
use sublink::{LinkChange, LinkView, MacvlanMode, NewLink, Request};

/// A name of the kernel's, or an expression of C, and the number that the library has for it.
pub type Claim = (String, i128);

/// A test's name, and what it claims.
pub type Group = (&'static str, fn() -> Vec<Claim>);

pub const GROUPS: &[Group] = &[
    ("attributes_of_links", || rows(LinkView::ROWS)),
    ("attributes_of_macvlan", || rows(MacvlanView::ROWS)),
    ("attributes_of_macvtap", || rows(MacvtapView::ROWS)),
    ("attributes_of_vlan", || rows(VlanView::ROWS)),
    ("attributes_of_ipvlan", || rows(IpvlanView::ROWS)),
    ("macvlan_modes", macvlan_modes),
    ("macvlan_flags_and_list_orders", macvlan_flags_and_list_orders),
    ("vlan_flags_and_protocols", vlan_flags_and_protocols),
    ("ipvlan_modes_and_flags", ipvlan_modes_and_flags),
    ("link_flags", link_flags),
    ("operational_states", operational_states),
    ("link_modes", link_modes),
    ("counters_of_links", counters_of_links),
    ("attributes_that_are_listed", listed::attributes),
    ("address_generation_modes", address_generation_modes),
    ("message_types_and_flags", bytes::message_types_and_flags),
    ("attributes_of_requests", bytes::attributes_of_requests),
    ("answers", bytes::answers),
    ("attributes_of_answers", bytes::attributes_of_answers),
    ("sizes", bytes::sizes),
    ("attributes_of_addresses", || rows(AddressView::ROWS)),
    ("attributes_of_routes", || rows(RouteView::ROWS)),
    ("numbers_of_ipv4_settings", || rows(Ipv4Setting::ROWS)),
    ("numbers_of_ipv6_settings", || rows(Ipv6Setting::ROWS)),
    ("message_types_of_addresses_and_routes", ip::message_types),
    ("addresses", ip::addresses),
    ("routes", ip::routes),
    ("attributes_of_neighbours", || rows(NeighbourView::ROWS)),
    ("neighbours", ip::neighbours),
    ("namespace_ids", ip::namespace_ids),
    ("settings_of_ipv4", ip::settings_of_ipv4),
];

pub fn claim(name: &str, number: impl Into<i128>) -> Claim {
    (name.to_owned(), number.into())
}

/// A table, with the tables inside it.
fn rows(table: &[Row]) -> Vec<Claim> {
    let inner = |row: &Row| match row.inside {
        Inside::Rows(inner) => rows(inner),
        Inside::Value | Inside::Kind | Inside::Link(_) => Vec::new(),
    };
    table.iter().flat_map(|row| inner(row).into_iter().chain([claim(row.name, row.number)])).collect()
}

/// What no name stands for: the claim of a library that has no number for a name, or two.
pub const NONE: i128 = -1;

/// The number for which the library says yes.
pub fn the_only<N: Into<i128> + Copy>(numbers: impl IntoIterator<Item = N>, is_it: impl Fn(N) -> bool) -> i128 {
    let found: Vec<_> = numbers.into_iter().filter(|number| is_it(*number)).collect();
    if let [number] = *found { number.into() } else { NONE }
}

/// What stands in the attribute `name` that only the kind has.
fn kind_value(request: &impl Request, rows: &[Row], name: &str) -> i128 {
    let row = rows.iter().find(|row| row.name == name).expect("a row");
    number(inside(&encoded(request), &[18, 2, row.number]))
}

fn macvlan_modes() -> Vec<Claim> {
    let modes = [
        ("PRIVATE", MacvlanMode::Private),
        ("VEPA", MacvlanMode::Vepa),
        ("BRIDGE", MacvlanMode::Bridge),
        ("PASSTHRU", MacvlanMode::Passthru),
        ("SOURCE", MacvlanMode::Source),
    ];
    let both = |(name, mode)| {
        let written = kind_value(&NewLink::macvlan(index()).mode(mode), MacvlanView::ROWS, "IFLA_MACVLAN_MODE");
        let read = the_only(0..100, |number| MacvlanMode::from(number) == mode);
        [written, read].map(|number| (format!("MACVLAN_MODE_{name}"), number))
    };
    modes.into_iter().flat_map(both).collect()
}

fn macvlan_flags_and_list_orders() -> Vec<Claim> {
    let order = |change| {
        kind_value(&LinkChange::macvlan(index()).macaddr(change), MacvlanView::ROWS, "IFLA_MACVLAN_MACADDR_MODE")
    };
    vec![
        claim("MACVLAN_FLAG_NOPROMISC", MacvlanFlags::NOPROMISC.bits()),
        claim("MACVLAN_FLAG_NODST", MacvlanFlags::NODST.bits()),
        claim("MACVLAN_MACADDR_ADD", order(SourceMacs::Add(mac()))),
        claim("MACVLAN_MACADDR_DEL", order(SourceMacs::Delete(mac()))),
        claim("MACVLAN_MACADDR_FLUSH", order(SourceMacs::Flush)),
        claim("MACVLAN_MACADDR_SET", order(SourceMacs::Set(&[mac()]))),
    ]
}

fn vlan_flags_and_protocols() -> Vec<Claim> {
    let table = VlanFlags::ROWS.iter().map(|(name, bit)| claim(name, *bit));
    let set = [
        ("VLAN_FLAG_REORDER_HDR", VlanFlags::REORDER_HDR),
        ("VLAN_FLAG_GVRP", VlanFlags::GVRP),
        ("VLAN_FLAG_LOOSE_BINDING", VlanFlags::LOOSE_BINDING),
        ("VLAN_FLAG_MVRP", VlanFlags::MVRP),
        ("VLAN_FLAG_BRIDGE_BINDING", VlanFlags::BRIDGE_BINDING),
    ];
    let protocols = [("ETH_P_8021Q", VlanProtocol::Ieee8021Q), ("ETH_P_8021AD", VlanProtocol::Ieee8021Ad)];
    let protocols = protocols.into_iter().flat_map(|(name, protocol)| {
        let read = the_only(0..=u16::MAX, |ethertype| VlanProtocol::from(ethertype) == protocol);
        [claim(name, protocol.ethertype()), claim(name, read)]
    });
    table.chain(set.map(|(name, flags)| claim(name, flags.bits()))).chain(protocols).collect()
}

fn ipvlan_modes_and_flags() -> Vec<Claim> {
    let modes = [("L2", IpvlanMode::L2), ("L3", IpvlanMode::L3), ("L3S", IpvlanMode::L3S)];
    let modes = modes.into_iter().flat_map(|(name, mode)| {
        let written = kind_value(&NewLink::ipvlan(index()).mode(mode), IpvlanView::ROWS, "IFLA_IPVLAN_MODE");
        let read = the_only(0..100u16, |number| IpvlanMode::from(number) == mode);
        [written, read].map(|number| (format!("IPVLAN_MODE_{name}"), number))
    });
    let flags = [("PRIVATE", IpvlanFlag::Private), ("VEPA", IpvlanFlag::Vepa)];
    let flags = flags.into_iter().flat_map(|(name, flag)| {
        let written = kind_value(&NewLink::ipvlan(index()).flag(flag), IpvlanView::ROWS, "IFLA_IPVLAN_FLAGS");
        let read = the_only(0..100u16, |number| IpvlanFlag::from(number) == flag);
        [written, read].map(|number| (format!("IPVLAN_F_{name}"), number))
    });
    modes.chain(flags).collect()
}

fn link_flags() -> Vec<Claim> {
    let flags = [
        ("UP", LinkFlags::UP),
        ("BROADCAST", LinkFlags::BROADCAST),
        ("LOOPBACK", LinkFlags::LOOPBACK),
        ("POINTOPOINT", LinkFlags::POINTOPOINT),
        ("NOARP", LinkFlags::NOARP),
        ("PROMISC", LinkFlags::PROMISC),
        ("ALLMULTI", LinkFlags::ALLMULTI),
        ("MULTICAST", LinkFlags::MULTICAST),
        ("RUNNING", LinkFlags::RUNNING),
        ("LOWER_UP", LinkFlags::LOWER_UP),
        ("DORMANT", LinkFlags::DORMANT),
    ];
    flags.map(|(name, flag)| (format!("IFF_{name}"), flag.bits().into())).to_vec()
}

fn operational_states() -> Vec<Claim> {
    let states = [
        ("UNKNOWN", OperState::Unknown),
        ("NOTPRESENT", OperState::NotPresent),
        ("DOWN", OperState::Down),
        ("LOWERLAYERDOWN", OperState::LowerLayerDown),
        ("TESTING", OperState::Testing),
        ("DORMANT", OperState::Dormant),
        ("UP", OperState::Up),
    ];
    let read = |state| the_only(0..=255u8, |number| OperState::from(number) == state);
    states.map(|(name, state)| (format!("IF_OPER_{name}"), read(state))).to_vec()
}

fn link_modes() -> Vec<Claim> {
    let modes = [("DEFAULT", LinkMode::Default), ("DORMANT", LinkMode::Dormant), ("TESTING", LinkMode::Testing)];
    let both = |(name, mode)| {
        let written = number(inside(&encoded(&LinkChange::new(index()).link_mode(mode)), &[17]));
        let read = the_only(0..=255u8, |number| LinkMode::from(number) == mode);
        [written, read].map(|number| (format!("IF_LINK_MODE_{name}"), number))
    };
    modes.into_iter().flat_map(both).collect()
}

fn counters_of_links() -> Vec<Claim> {
    let places = (0..).step_by(8).zip(LinkStats::FIELDS);
    places.map(|(at, field)| (format!("offsetof(struct rtnl_link_stats64,{field})"), at)).collect()
}

fn address_generation_modes() -> Vec<Claim> {
    let modes = [
        ("EUI64", AddrGenMode::Eui64),
        ("NONE", AddrGenMode::None),
        ("STABLE_PRIVACY", AddrGenMode::StablePrivacy),
        ("RANDOM", AddrGenMode::Random),
    ];
    let both = |(name, mode)| {
        let request = encoded(&LinkSettings::new(index()).addr_gen_mode(mode));
        let written = number(inside(&request, &[26, 10, 8]));
        let read = the_only(0..=255u8, |number| AddrGenMode::from(number) == mode);
        [written, read].map(|number| (format!("IN6_ADDR_GEN_MODE_{name}"), number))
    };
    modes.into_iter().flat_map(both).collect()
}
