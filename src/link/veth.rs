//! veth: a pair of links; what one is sent, the other receives.
//!
//! Both ends are created by one request, in which the second stands whole: `VETH_INFO_PEER` holds an `ifinfomsg` and any
//! link's attributes. Neither end can be changed through its kind. Source: `drivers/net/veth.c`.

use super::encode::{Kind, info_kind};
use super::{Common, IfInfo, KindFacts, KindView, LinkView, NewLink};
use crate::value::{IfName, Name};
use crate::wire::{Attributes, Attrs, Full, Get, Inside, Out, Row};

/// The other end, whole (`include/uapi/linux/veth.h`).
const VETH_INFO_PEER: u16 = 1;

/// What makes a new link a veth: its other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Veth<'a> {
    peer: Peer<'a>,
}

/// The other end of a veth, described as any link to create: [`NewLink::peer`].
pub type Peer<'a> = NewLink<'a, PeerEnd>;

/// What makes a new link the other end of a veth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerEnd;

impl<'a> NewLink<'_, Veth<'a>> {
    /// A veth pair: this end, and `peer`.
    ///
    /// ```
    /// # use sublink::{IfName, NewLink};
    /// let pair = NewLink::veth(NewLink::peer().name(IfName::new("p1")?)).name(IfName::new("p0")?).up();
    /// # Ok::<(), sublink::value::InvalidValue>(())
    /// ```
    #[must_use]
    #[inline]
    pub const fn veth(peer: Peer<'a>) -> Self {
        Self::new(Veth { peer })
    }
}

impl Peer<'_> {
    /// The other end of a veth, with a name of the kernel's choice unless one is given. It can have a namespace of its own
    /// ([`netns`](Self::netns)). It cannot be brought up in the same request (ENOTCONN). The kernel silently ignores its
    /// [`master`](Self::master), and its [`index`](Self::index) unless the first end asks for one as well.
    #[must_use]
    #[inline]
    pub const fn peer() -> Self {
        Self::new(PeerEnd)
    }
}

pub(super) const FACTS: KindFacts = KindFacts {
    name: "veth",
    module: "veth",
    rows: &[Row { number: VETH_INFO_PEER, name: "VETH_INFO_PEER", inside: Inside::Link(IfInfo::SIZE) }],
    ignored_by_older: &[],
};

/// The name that a request to create a veth gives its other end, unless that goes to another namespace.
pub(crate) fn peer_name(request: &[u8]) -> Option<IfName> {
    let kind = KindView::of_request(request).filter(|kind| *kind == FACTS.name)?;
    let attributes = kind.attribute(VETH_INFO_PEER)?.get(IfInfo::SIZE..)?;
    let find = |number| Attributes::new(attributes).find(|attribute| attribute.number == number);
    let name = find(LinkView::IFLA_IFNAME).filter(|_| find(LinkView::IFLA_NET_NS_FD).is_none())?;
    IfName::from_bytes(Name::get(name.value)?.as_bytes()).ok()
}

impl Kind for Veth<'_> {
    const INFO: Option<[u8; 12]> = Some(info_kind(FACTS.name));
}

impl Attrs for Veth<'_> {
    const MAX: usize = 4 + IfInfo::SIZE + Common::MAX;
    #[inline(always)]
    fn put<'b>(&self, to: Out<'b>) -> Result<Out<'b>, Full> {
        let Self { peer } = self;
        let mut ifinfomsg = [0; IfInfo::SIZE]; // in which only the index counts
        if let Some(index) = ifinfomsg.get_mut(IfInfo::INDEX..).and_then(|index| index.first_chunk_mut()) {
            *index = peer.index.to_ne_bytes();
        }
        to.nest(VETH_INFO_PEER, |to| peer.common.put(to.put(ifinfomsg)?))
    }
    fn room(&self) -> usize {
        4 + IfInfo::SIZE + self.peer.common.room()
    }
}

#[cfg(test)]
mod tests {
    use super::super::request::tests::{attributes, info_data};
    use super::*;
    use crate::value::{IfIndex, IfName};

    #[test]
    fn a_pair_is_these_bytes() {
        let peer = NewLink::peer().name(IfName::new("p1").unwrap()).mtu(1400).index(IfIndex::new(9).unwrap());
        #[rustfmt::skip]
        assert_eq!(info_data(&NewLink::veth(peer)), [
            36, 0, 1, 0x80,                                     // VETH_INFO_PEER {
              0, 0, 0, 0,  9, 0, 0, 0,  0, 0, 0, 0,  0, 0, 0, 0, //  ifinfomsg: index 9
              8, 0, 4, 0,  0x78, 5, 0, 0,                       //   IFLA_MTU = 1400
              7, 0, 3, 0,  b'p', b'1', 0,  0,                   //   IFLA_IFNAME = p1
        ]);
    }

    #[test]
    fn a_dummy_has_a_kind_and_nothing_else() {
        #[rustfmt::skip]
        assert_eq!(attributes(&NewLink::dummy()), [
            20, 0, 18, 0x80,                                    // IFLA_LINKINFO {
              10, 0, 1, 0,  b'd', b'u', b'm', b'm', b'y', 0,  0, 0, // IFLA_INFO_KIND = dummy
              4, 0, 2, 0x80,                                    //   IFLA_INFO_DATA {}
        ]);
    }
}
