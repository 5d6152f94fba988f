//! Where a route goes: a router of another family, and several next hops.

use super::{ONLINK, RouteView};
use crate::value::{IfIndex, InvalidValue, checked, family};
use crate::wire::{Attribute, Attributes, Full, Get, Out, Put, align, head};
use std::fmt;
use std::net::IpAddr;

/// A router of another family than the destination's (`struct rtvia`): for an IPv4 route by an IPv6 neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "any address is one")]
pub struct Via(pub IpAddr);

impl Put for Via {
    const UNSET: Self = Self(IpAddr::UNSET);
    const MAX: usize = 24;
    fn put<'b>(&self, ty: u16, to: Out<'b>) -> Result<Out<'b>, Full> {
        let [a, b] = u16::from(family(self.0)).to_ne_bytes();
        match self.0 {
            IpAddr::V4(v4) => to.put(head(10, ty))?.put([a, b])?.put(v4.octets())?.put([0, 0]),
            IpAddr::V6(v6) => to.put(head(22, ty))?.put([a, b])?.put(v6.octets())?.put([0, 0]),
        }
    }
    fn room(&self) -> usize {
        if self.0.is_ipv4() { 12 } else { 24 }
    }
}

impl Get<'_> for Via {
    fn get(value: &[u8]) -> Option<Self> {
        let (_family, octets) = value.split_first_chunk::<2>()?;
        IpAddr::get(octets).map(Self)
    }
}

/// How much of the traffic goes by a next hop, in proportion to the weights of the others: 1 to 256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Weight(u8); // as `rtnh_hops` says it: one less

impl Weight {
    /// The weight of a next hop that sets none.
    pub const ONE: Self = Self(0);

    /// Checks `weight`.
    pub const fn new(weight: u16) -> Result<Self, InvalidValue> {
        match weight {
            #[expect(clippy::cast_possible_truncation, reason = "it is at most 256")]
            1..=256 => Ok(Self((weight - 1) as u8)),
            _ => Err(InvalidValue::Weight(weight)),
        }
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0 as u16 + 1
    }
}

checked!(Weight: u16);

/// One of the ways that a route goes (`struct rtnexthop`).
///
/// ```
/// use sublink::{IfIndex, NewRoute};
/// use sublink::route::{NextHop, Weight};
/// let (eth0, eth1) = (IfIndex::new(2)?, IfIndex::new(3)?);
/// let hops = [
///     NextHop::via("10.0.50.1".parse()?).index(eth0).weight(Weight::new(3)?),
///     NextHop::via("10.0.60.1".parse()?).index(eth1),
/// ];
/// let route = NewRoute::new("0.0.0.0/0".parse()?).next_hops(&hops); // three packets of four by eth0
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NextHop {
    /// The link it leaves by. Unless set, the kernel looks for the one that leads to the router.
    pub index: Option<IfIndex>,
    /// The router it goes to, of whatever family.
    pub gateway: Option<IpAddr>,
    /// How many packets go by it.
    pub weight: Weight,
    /// Whether its gateway counts as reachable on the link, whatever other routes say.
    pub is_onlink: bool,
}

impl NextHop {
    /// Bytes of `struct rtnexthop`.
    const HEADER: usize = 8;

    pub(crate) const NOWHERE: Self = Self { index: None, gateway: None, weight: Weight::ONE, is_onlink: false };

    /// By this router.
    #[must_use]
    pub const fn via(gateway: IpAddr) -> Self {
        Self { gateway: Some(gateway), ..Self::NOWHERE }
    }

    /// Straight out of this link.
    #[must_use]
    pub const fn dev(index: IfIndex) -> Self {
        Self { index: Some(index), ..Self::NOWHERE }
    }

    /// By this link.
    #[must_use]
    pub const fn index(mut self, index: IfIndex) -> Self {
        self.index = Some(index);
        self
    }

    /// With this weight; 1 unless set.
    #[must_use]
    pub const fn weight(mut self, weight: Weight) -> Self {
        self.weight = weight;
        self
    }

    /// Treats the gateway as reachable on the link, whatever other routes say (`RTNH_F_ONLINK`).
    #[must_use]
    pub const fn onlink(mut self) -> Self {
        self.is_onlink = true;
        self
    }

    /// Writes it, as one of a route of this family.
    pub(super) fn put<'b>(&self, family_of_route: u8, to: Out<'b>) -> Result<Out<'b>, Full> {
        let Self { index, gateway, weight, is_onlink } = *self;
        let at = to.at();
        let to = to.skip(Self::HEADER);
        let to = match gateway {
            Some(gateway) if family(gateway) == family_of_route => gateway.put(RouteView::RTA_GATEWAY, to)?,
            Some(gateway) => Via(gateway).put(RouteView::RTA_VIA, to)?,
            None => to,
        };
        #[expect(clippy::cast_possible_truncation, reason = "at most 32 bytes")]
        let [l0, l1] = ((to.at() - at) as u16).to_ne_bytes();
        let [a, b, c, d] = IfIndex::or_zero(index).to_ne_bytes();
        to.set(at, [l0, l1, if is_onlink { ONLINK } else { 0 }, weight.0, a, b, c, d])
    }

    /// Bytes that it takes in a route of this family.
    pub(super) fn room(&self, family_of_route: u8) -> usize {
        let gateway = match self.gateway {
            Some(gateway) if family(gateway) == family_of_route => gateway.room(),
            Some(gateway) => Via(gateway).room(),
            None => 0,
        };
        Self::HEADER + gateway
    }

    /// Whether `found` is this way; what this one leaves open does not matter.
    pub(crate) fn is_like(&self, found: &Self) -> bool {
        let Self { index, gateway, weight: _, is_onlink } = *self;
        gateway == found.gateway && (index.is_none() || index == found.index) && (!is_onlink || found.is_onlink)
    }
}

/// The next hops of a route that has several (`RTA_MULTIPATH`).
#[derive(Clone, Copy)]
pub struct NextHops<'a>(&'a [u8]);

impl<'a> NextHops<'a> {
    /// The next hops, in the kernel's order.
    pub fn iter(&self) -> impl Iterator<Item = NextHop> + use<'a> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            // Its length counts the attributes behind it.
            let ([l0, l1, flags, hops, a, b, c, d], _) = rest.split_first_chunk::<{ NextHop::HEADER }>()?;
            let length = usize::from(u16::from_ne_bytes([*l0, *l1]));
            let attributes = rest.get(NextHop::HEADER..length)?;
            rest = rest.get(align(length)..).unwrap_or_default();
            let hop = |number| Attributes::new(attributes).find(|Attribute { number: n, .. }| *n == number);
            let gateway = hop(RouteView::RTA_GATEWAY).and_then(|a| IpAddr::get(a.value));
            Some(NextHop {
                index: IfIndex::new(u32::from_ne_bytes([*a, *b, *c, *d])).ok(),
                gateway: gateway.or_else(|| hop(RouteView::RTA_VIA).and_then(|a| Via::get(a.value)).map(|via| via.0)),
                weight: Weight(*hops),
                is_onlink: flags & ONLINK != 0,
            })
        })
    }
}

impl<'a> Get<'a> for NextHops<'a> {
    fn get(value: &'a [u8]) -> Option<Self> {
        Some(Self(value))
    }
}

impl fmt::Debug for NextHops<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl From<NextHops<'_>> for Vec<NextHop> {
    fn from(hops: NextHops<'_>) -> Self {
        hops.iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_hops_are_read_and_spoilt_ones_end_the_list() {
        #[rustfmt::skip]
        let hops = [
            16, 0, 4, 2,  5, 0, 0, 0,  8, 0, 5, 0,  10, 0, 0, 1, // rtnexthop: onlink, weight 3, index 5, RTA_GATEWAY
            8, 0, 0, 0,  6, 0, 0, 0,                             // index 6
            4, 0, 0, 0,  7, 0, 0, 0,                             // shorter than itself
        ];
        let first = NextHop::via("10.0.0.1".parse().unwrap()).index(IfIndex(5)).weight(Weight(2)).onlink();
        let read: Vec<_> = NextHops(&hops).into();
        assert_eq!(read, [first, NextHop::dev(IfIndex(6))]);
        for len in 0..hops.len() {
            assert!(NextHops(&hops[..len]).iter().count() <= 2);
        }
    }

    #[test]
    fn a_weight_is_1_to_256() {
        for weight in [1, 2, 256] {
            assert_eq!(Weight::new(weight).unwrap().get(), weight);
        }
        for bad in [0, 257, u16::MAX] {
            assert_eq!(Weight::new(bad), Err(InvalidValue::Weight(bad)));
        }
    }
}
