//! Requests that write links: create, change, move.

use super::encode::{Kind, encode, put_header};
use super::{Common, CommonChange, LinkFlags, LinkView};
use crate::value::{IfIndex, IfName, NsId, maybe};
use crate::wire::{Attrs, Command, Fixed, Full, NoRoom, Out, Put, Request, Sealed};
use netlink_packet_core::{NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

pub(crate) const RTM_NEWLINK: u16 = 16;
pub(crate) const RTM_DELLINK: u16 = 17;
pub(crate) const RTM_GETLINK: u16 = 18;
pub(crate) const RTM_SETLINK: u16 = 19;

mod sealed {
    use super::Placement;

    /// What [`Socket::create`](crate::Socket::create) has to know of a link.
    #[expect(unnameable_types, reason = "so that only this crate can implement it")]
    pub trait Create {
        fn placement(&self) -> Placement<'_>;
    }
}
pub(super) use sealed::Create as SealedCreate;

/// A link to create, for [`Socket::create`](crate::Socket::create): a [`NewLink`] of any kind, or a
/// [`LinkSpec`](super::LinkSpec).
pub trait Create: Command + SealedCreate {}

/// What is asked of a new link's place.
#[derive(Clone, Copy, Debug)]
#[expect(unnameable_types, reason = "only a sealed trait mentions it")]
pub struct Placement<'a> {
    pub(crate) index: Option<IfIndex>,
    pub(crate) name: Option<IfName>,
    pub(crate) namespace: Option<BorrowedFd<'a>>,
    pub(crate) is_up: bool,
    pub(crate) parent_is_elsewhere: bool,
}

/// A link to create: RTM_NEWLINK with NLM_F_CREATE and NLM_F_EXCL, so that a link which is there already is never
/// renamed, moved or changed by it.
///
/// It starts with a kind, and with what that kind must have: [`NewLink::macvlan`], [`NewLink::macvtap`],
/// [`NewLink::vlan`], [`NewLink::dummy`], [`NewLink::veth`], [`NewLink::ipvlan`]. Everything else is optional.
///
/// ```
/// use sublink::{IfIndex, IfName, MacvlanMode, NewLink, Request};
/// let eth0 = IfIndex::new(2)?;
/// let link = NewLink::macvlan(eth0).mode(MacvlanMode::Bridge).name(IfName::new("mv0")?).mtu(1400).up();
/// let mut buf = [0; 512];
/// let length = link.encode(1, &mut buf).unwrap();
/// assert_eq!(length, 84);
/// # Ok::<(), sublink::value::InvalidValue>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewLink<'a, K> {
    pub(super) up: bool,
    /// As `ifinfomsg` has it: 0 leaves the choice to the kernel.
    pub(super) index: u32,
    pub(super) common: Common<'a>,
    pub(super) kind: K,
}

impl<'a, K: Copy> NewLink<'a, K> {
    maybe!();

    #[inline]
    pub(super) const fn new(kind: K) -> Self {
        Self { up: false, index: 0, common: Common::NEW, kind }
    }

    /// Asks for this index. Where it is taken: EEXIST; in another namespace ([`netns`](Self::netns)), up to Linux 6.12, EBUSY.
    ///
    /// Up to Linux 6.12 the index must also be free in the namespace of the socket. See [`IfIndex::random`].
    #[must_use]
    #[inline]
    pub const fn index(mut self, index: IfIndex) -> Self {
        self.index = index.get();
        self
    }

    /// Creates the link in this namespace instead of the socket's.
    ///
    /// Up to Linux 6.12, a link of the same name in the *socket's* namespace is an EEXIST, unless [`index`](Self::index) is
    /// given.
    #[must_use]
    #[inline]
    pub fn netns(self, namespace: &'a impl AsFd) -> Self {
        self.netns_fd(NetnsFd(Some(namespace.as_fd())))
    }
}

#[expect(private_bounds, reason = "only this crate's types are kinds")]
impl<K: Kind + Copy> NewLink<'_, K> {
    /// Brings it up (`IFF_UP`). A link that cannot come up is not created.
    ///
    /// One exception: together with [`parent_in`](Self::parent_in), Linux up to 6.12 ignores it;
    /// [`Socket::create`](crate::Socket::create) then brings it up itself.
    #[must_use]
    #[inline]
    pub const fn up(mut self) -> Self {
        self.up = true;
        self
    }

    /// Says that the parent is in another namespace: the one which this namespace numbers `nsid` (`ip netns list-id`).
    /// Together with [`netns`](Self::netns), it is the number in the namespace that the link is created in.
    ///
    /// It needs CAP_NET_ADMIN there as well. Up to Linux 6.12 the name must also be free in the parent's namespace.
    #[doc(alias = "IFLA_LINK_NETNSID")]
    #[must_use]
    #[inline]
    pub const fn parent_in(self, nsid: NsId) -> Self {
        self.parent_netnsid(nsid)
    }
}

impl<K> Sealed for NewLink<'_, K> {}

impl<K: Kind> Command for NewLink<'_, K> {}

impl<K: Kind + Copy> Create for NewLink<'_, K> {}

impl<K: Kind + Copy> SealedCreate for NewLink<'_, K> {
    fn placement(&self) -> Placement<'_> {
        Placement {
            index: IfIndex::new(self.index).ok(),
            name: self.common.has(LinkView::IFLA_IFNAME).then_some(self.common.name),
            namespace: self.common.netns_fd.0,
            is_up: self.up,
            parent_is_elsewhere: self.common.has(LinkView::IFLA_LINK_NETNSID),
        }
    }
}

impl<K: Kind> Request for NewLink<'_, K> {
    #[inline]
    fn encode(&self, seq: u32, buf: &mut [u8]) -> Result<usize, NoRoom> {
        let Self { up, index, common, kind } = self;
        let up = if *up { LinkFlags::UP.0 } else { 0 };
        let (index, flags) = (*index, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
        encode(move |out| put_header(out, RTM_NEWLINK, flags, seq, index, up, up), common, kind, buf)
    }
}

/// A change of a link that is there, by its index.
///
/// [`LinkChange::new`] changes what every link has (RTM_SETLINK). [`LinkChange::macvlan`], [`LinkChange::macvtap`],
/// [`LinkChange::vlan`] and [`LinkChange::ipvlan`] change what the kind has as well (RTM_NEWLINK without NLM_F_CREATE:
/// RTM_SETLINK ignores a kind's properties and answers OK). [`LinkChange::move_to`] moves it to another namespace.
///
/// **A change is not atomic.** The kernel applies it in its own order (the kind's properties, namespace, MAC, MTU, group,
/// name, alias, broadcast, flags, master, queue length …) and stops at the first that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkChange<'a, K> {
    index: IfIndex,
    flags: LinkFlags,
    mask: LinkFlags,
    pub(super) common: CommonChange<'a>,
    pub(super) kind: K,
}

/// A change that holds for links of any kind: see [`LinkChange::new`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AnyKind;

impl Attrs for AnyKind {}
impl Kind for AnyKind {
    const INFO: Option<[u8; 12]> = None;
}

/// A move to another namespace: see [`LinkChange::move_to`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Move;

impl Attrs for Move {}
impl Kind for Move {
    const INFO: Option<[u8; 12]> = None;
}

impl LinkChange<'_, AnyKind> {
    /// A change of what every link has.
    #[must_use]
    #[inline]
    pub const fn new(index: IfIndex) -> Self {
        Self::of(index, AnyKind)
    }

    /// A change of the link with this name, which it keeps. Only for names that no other link can have, not even as an
    /// alternative name.
    pub(crate) const fn named(name: IfName) -> Self {
        Self::of(IfIndex(0), AnyKind).name(name)
    }
}

impl<'a> LinkChange<'a, Move> {
    /// A move into `namespace`, with whatever else is to change there: [`name`](Self::name), [`mac`](Self::mac),
    /// [`mtu`](Self::mtu), [`up`](Self::up) and so on, in one request.
    ///
    /// A move takes the link down, drops its addresses and routes, and keeps its index if that is free there. It costs
    /// about 16 ms of RCU grace periods: creating a link where it belongs is much cheaper ([`NewLink::netns`]).
    #[must_use]
    #[inline]
    pub fn move_to(index: IfIndex, namespace: &'a impl AsFd) -> Self {
        Self::of(index, Move).netns_fd(NetnsFd(Some(namespace.as_fd())))
    }

    /// The index it gets there (since Linux 5.13; 5.10 ignores it). EBUSY if it is taken.
    #[doc(alias = "IFLA_NEW_IFINDEX")]
    #[must_use]
    #[inline]
    pub const fn index_there(self, index: IfIndex) -> Self {
        self.new_index(index)
    }
}

impl<K: Copy> LinkChange<'_, K> {
    maybe!();

    #[inline]
    pub(super) const fn of(index: IfIndex, kind: K) -> Self {
        Self { index, flags: LinkFlags(0), mask: LinkFlags(0), common: CommonChange::NEW, kind }
    }

    #[inline]
    const fn switch(mut self, flag: LinkFlags, on: bool) -> Self {
        self.mask.0 |= flag.0;
        self.flags.0 = if on { self.flags.0 | flag.0 } else { self.flags.0 & !flag.0 };
        self
    }

    /// Brings it up.
    #[must_use]
    #[inline]
    pub const fn up(self) -> Self {
        self.switch(LinkFlags::UP, true)
    }

    /// Takes it down, which drops its IPv6 addresses and its routes.
    #[must_use]
    #[inline]
    pub const fn down(self) -> Self {
        self.switch(LinkFlags::UP, false)
    }

    /// Receives every packet, or no longer does (`IFF_PROMISC`).
    #[must_use]
    #[inline]
    pub const fn promisc(self, on: bool) -> Self {
        self.switch(LinkFlags::PROMISC, on)
    }

    /// Receives every multicast packet, or no longer does (`IFF_ALLMULTI`).
    #[must_use]
    #[inline]
    pub const fn allmulticast(self, on: bool) -> Self {
        self.switch(LinkFlags::ALLMULTI, on)
    }

    /// Makes it a port of nothing: the opposite of [`master`](Self::master).
    #[must_use]
    #[inline]
    pub const fn nomaster(self) -> Self {
        self.master(IfIndex(0))
    }
}

impl<K> Sealed for LinkChange<'_, K> {}

impl<K: Kind> Command for LinkChange<'_, K> {}

impl<K: Kind> Request for LinkChange<'_, K> {
    #[inline]
    fn encode(&self, seq: u32, buf: &mut [u8]) -> Result<usize, NoRoom> {
        let Self { index, flags, mask, common, kind } = self;
        let ty = if K::INFO.is_some() { RTM_NEWLINK } else { RTM_SETLINK };
        let (index, flags, mask) = (index.get(), flags.0, mask.0);
        encode(move |out| put_header(out, ty, NLM_F_ACK, seq, index, flags, mask), common, kind, buf)
    }
}

/// A namespace's descriptor, lent until the request is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NetnsFd<'a>(pub(super) Option<BorrowedFd<'a>>);

impl PartialEq for NetnsFd<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.0.map(|fd| fd.as_raw_fd()) == other.0.map(|fd| fd.as_raw_fd())
    }
}

impl Eq for NetnsFd<'_> {}

impl Put for NetnsFd<'_> {
    const UNSET: Self = Self(None);
    const MAX: usize = i32::SIZE;
    #[inline(always)]
    fn put<'b>(&self, ty: u16, to: Out<'b>) -> Result<Out<'b>, Full> {
        match self.0 {
            Some(fd) => to.one(ty, &fd.as_raw_fd()),
            None => Ok(to),
        }
    }
    fn room(&self) -> usize {
        i32::SIZE
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::link::{IfInfo, KindView, MacvlanMode};
    use crate::value::Alias;
    use crate::wire::{Attributes, Header, Message, Messages, encoded};
    use netlink_packet_core::NLM_F_REQUEST;

    /// An encoded request, read as if the kernel had sent it.
    pub(in crate::link) struct Bytes(Vec<u8>);

    impl Bytes {
        pub(in crate::link) fn message(&self) -> Message<'_> {
            Messages::new(&self.0).next().unwrap().unwrap()
        }
    }

    pub(in crate::link) fn reply(request: &impl Request) -> Bytes {
        let mut bytes = encoded(request);
        bytes[Header::SIZE + IfInfo::INDEX] = 1; // a link has an index
        Bytes(bytes)
    }

    /// What stands behind the headers.
    pub(in crate::link) fn attributes(request: &impl Request) -> Vec<u8> {
        encoded(request).split_off(Header::SIZE + IfInfo::SIZE)
    }

    /// What only the kind has.
    pub(in crate::link) fn info_data(request: &impl Request) -> Vec<u8> {
        let attributes = attributes(request);
        let info = Attributes::new(&attributes).find(|a| a.number == LinkView::IFLA_LINKINFO).unwrap();
        Attributes::new(info.value).find(|a| a.number == KindView::IFLA_INFO_DATA).unwrap().value.to_vec()
    }

    const INDEX: IfIndex = IfIndex(0x0102);

    #[test]
    fn a_create_has_this_header() {
        #[rustfmt::skip]
        assert_eq!(encoded(&NewLink::dummy().index(INDEX).up())[..32], [
            52, 0, 0, 0,  16, 0,  5, 6,                         // 52 bytes, RTM_NEWLINK, REQUEST ACK EXCL CREATE
            7, 0, 0, 0,  0, 0, 0, 0,                            // sequence 7, to the kernel
            0, 0, 0, 0,  2, 1, 0, 0,                            // AF_UNSPEC, index 0x102
            1, 0, 0, 0,  1, 0, 0, 0,                            // IFF_UP of IFF_UP
        ]);
    }

    #[test]
    fn a_change_of_any_link_is_a_setlink() {
        let change = LinkChange::new(INDEX).down().promisc(true).alias(Alias::new("abc").unwrap()).nomaster();
        #[rustfmt::skip]
        assert_eq!(encoded(&change), [
            48, 0, 0, 0,  19, 0,  5, 0,                         // 48 bytes, RTM_SETLINK, REQUEST ACK
            7, 0, 0, 0,  0, 0, 0, 0,
            0, 0, 0, 0,  2, 1, 0, 0,
            0, 1, 0, 0,  1, 1, 0, 0,                            // IFF_PROMISC of IFF_PROMISC | IFF_UP
            8, 0, 10, 0,  0, 0, 0, 0,                           // IFLA_MASTER = none
            7, 0, 20, 0,  b'a', b'b', b'c',  0,                 // IFLA_IFALIAS = abc
        ]);
    }

    #[test]
    fn a_change_of_a_kind_is_a_newlink_that_creates_nothing() {
        let header = Header::parse(&encoded(&LinkChange::vlan(INDEX))).unwrap();
        assert_eq!((header.ty, header.flags), (RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK));
    }

    #[test]
    fn a_repeated_setter_overwrites() {
        let link = NewLink::macvlan(INDEX).mtu(1).mtu(2).mode(MacvlanMode::Vepa).mode(MacvlanMode::Bridge);
        assert_eq!(encoded(&link), encoded(&NewLink::macvlan(INDEX).mtu(2).mode(MacvlanMode::Bridge)));
    }
}
