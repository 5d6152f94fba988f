//! Values of the library, made from the fuzzer's bytes.

use arbitrary::{Result, Unstructured};
use std::net::IpAddr;
use sublink::link::{VlanFlags, VlanFlagsChange};
use sublink::route::{NextHop, Weight};
use sublink::value::{EtherAddr, NsId};
use sublink::{IfIndex, IfName, IpNetwork, MacAddr};

pub fn index(u: &mut Unstructured<'_>) -> Result<IfIndex> {
    index_to(u, i32::MAX as u32)
}

/// An index from 1 to `last`.
pub fn index_to(u: &mut Unstructured<'_>, last: u32) -> Result<IfIndex> {
    Ok(IfIndex::new(u.int_in_range(1..=last)?).expect("an index"))
}

/// A name of 1 to 15 bytes, which may be anything that the kernel takes.
pub fn name(u: &mut Unstructured<'_>) -> Result<IfName> {
    let length = u.int_in_range(1..=15)?;
    Ok(IfName::from_bytes(u.bytes(length)?).unwrap_or(IfName::new("fallback0").expect("a name")))
}

pub fn mac(u: &mut Unstructured<'_>) -> Result<MacAddr> {
    let mut bytes: [u8; 6] = u.arbitrary()?;
    bytes[0] &= 0xfe; // no multicast
    bytes[5] |= 1; // not all zeros
    Ok(MacAddr::new(bytes).expect("an address of one station"))
}

/// An address of one station or of a group.
pub fn ether_addr(u: &mut Unstructured<'_>) -> Result<EtherAddr> {
    let bytes: [u8; 6] = u.arbitrary()?;
    EtherAddr::new(bytes).or_else(|_| mac(u).map(EtherAddr::from))
}

/// How long a list is: short, or now and then about as long as a message can hold.
pub fn length(u: &mut Unstructured<'_>) -> Result<usize> {
    if u.ratio(1, 30)? { u.int_in_range(5300..=5600) } else { u.int_in_range(0..=40) }
}

pub fn macs(u: &mut Unstructured<'_>) -> Result<Vec<MacAddr>> {
    let first = mac(u)?;
    (0..length(u)?).map(|at| if at < 5 { mac(u) } else { Ok(first) }).collect()
}

pub fn ip(u: &mut Unstructured<'_>) -> Result<IpAddr> {
    Ok(if u.arbitrary()? { u.arbitrary::<[u8; 4]>()?.into() } else { u.arbitrary::<[u8; 16]>()?.into() })
}

/// An address with a prefix length that its family has.
pub fn network(u: &mut Unstructured<'_>, ip: IpAddr) -> Result<IpNetwork> {
    let prefix = u.int_in_range(0..=if ip.is_ipv4() { 32 } else { 128 })?;
    Ok(IpNetwork::new(ip, prefix).expect("a prefix length of the family"))
}

pub fn nsid(u: &mut Unstructured<'_>) -> Result<NsId> {
    Ok(NsId::new(u.int_in_range(0..=i32::MAX)?).expect("an id"))
}

pub fn vlan_flags(u: &mut Unstructured<'_>) -> Result<VlanFlagsChange> {
    let flags = [VlanFlags::GVRP, VlanFlags::REORDER_HDR, VlanFlags::BRIDGE_BINDING];
    let [first, second] = [*u.choose(&flags)?, *u.choose(&flags)?];
    Ok(first.on() | if u.arbitrary()? { second.on() } else { second.off() })
}

/// Next hops of a route: mostly none, else as many as [`length`] says.
pub fn next_hops(u: &mut Unstructured<'_>) -> Result<Vec<NextHop>> {
    if u.ratio(2, 3)? {
        return Ok(Vec::new());
    }
    let first = next_hop(u)?;
    (0..length(u)?).map(|at| if at < 5 { next_hop(u) } else { Ok(first) }).collect()
}

fn next_hop(u: &mut Unstructured<'_>) -> Result<NextHop> {
    let hop = if u.arbitrary()? { NextHop::via(ip(u)?) } else { NextHop::dev(index(u)?) };
    let hop = if u.arbitrary()? { hop.index(index(u)?) } else { hop };
    let hop = if u.arbitrary()? { hop.onlink() } else { hop };
    Ok(hop.weight(Weight::new(u.int_in_range(1..=256)?).expect("a weight")))
}
