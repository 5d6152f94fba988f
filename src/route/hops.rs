//! Where a route goes: a router of another family, and several next hops.

use super::RouteView;
use crate::value::{IfIndex, family};
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

/// The next hops of a route that has several (`RTA_MULTIPATH`).
#[derive(Clone, Copy)]
pub struct NextHops<'a>(&'a [u8]);

/// One way that a route goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NextHop {
    /// The link it leaves by.
    pub index: Option<IfIndex>,
    /// The router it goes to.
    pub gateway: Option<IpAddr>,
}

impl<'a> NextHops<'a> {
    /// The next hops, in the kernel's order.
    pub fn iter(&self) -> impl Iterator<Item = NextHop> + use<'a> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            // struct rtnexthop: length, flags, weight, index; its length counts the attributes behind it.
            let ([l0, l1, _, _, a, b, c, d], _) = rest.split_first_chunk::<8>()?;
            let length = usize::from(u16::from_ne_bytes([*l0, *l1]));
            let attributes = rest.get(8..length)?;
            rest = rest.get(align(length)..).unwrap_or_default();
            let hop = |number| Attributes::new(attributes).find(|Attribute { number: n, .. }| *n == number);
            let gateway = hop(RouteView::RTA_GATEWAY).and_then(|a| IpAddr::get(a.value));
            Some(NextHop {
                index: IfIndex::new(u32::from_ne_bytes([*a, *b, *c, *d])).ok(),
                gateway: gateway.or_else(|| hop(RouteView::RTA_VIA).and_then(|a| Via::get(a.value)).map(|via| via.0)),
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
            16, 0, 0, 0,  5, 0, 0, 0,  8, 0, 5, 0,  10, 0, 0, 1, // rtnexthop: index 5, RTA_GATEWAY
            8, 0, 0, 0,  6, 0, 0, 0,                             // index 6
            4, 0, 0, 0,  7, 0, 0, 0,                             // shorter than itself
        ];
        let hop = |index, gateway| NextHop { index: IfIndex::new(index).ok(), gateway };
        let read: Vec<_> = NextHops(&hops).into();
        assert_eq!(read, [hop(5, Some("10.0.0.1".parse().unwrap())), hop(6, None)]);
        for len in 0..hops.len() {
            assert!(NextHops(&hops[..len]).iter().count() <= 2);
        }
    }
}
