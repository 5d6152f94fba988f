//! Requests about neighbours: add, replace, change, delete, read, list.

use super::{NDA_IFINDEX, NdMsg, NeighbourAttrs, NeighbourFlags, NeighbourState, NeighbourView};
use super::{RTM_DELNEIGH, RTM_GETNEIGH, RTM_NEWNEIGH};
use crate::value::{AF_INET, AF_INET6, IfIndex, MacAddr, family, maybe};
use crate::wire::{Attrs, Command, Full, Header, NoRoom, Out, Put, Request, Sealed, header, measured};
use netlink_packet_core::{NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REPLACE};
use std::net::IpAddr;

/// A neighbour to add (RTM_NEWNEIGH): permanent, unless it is said to be [reachable](Self::reachable), [stale](Self::stale) or
/// [noarp](Self::noarp). The kernel answers EEXIST if the link has a neighbour of this address, unless this one is to
/// [replace](Self::replace) or [change](Self::change) it.
///
/// ```
/// use sublink::neigh::NewNeighbour;
/// use sublink::{IfIndex, MacAddr};
/// let (eth0, mac) = (IfIndex::new(2)?, "02:00:00:00:00:01".parse()?);
/// let gateway = NewNeighbour::new(eth0, "10.0.50.1".parse()?, mac); // never asked for
/// let guess = NewNeighbour::new(eth0, "10.0.50.2".parse()?, mac).stale();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// The kernel makes an entry as soon as a packet is sent to the address, in the state [failed or incomplete](NeighbourState) if
/// nobody answers. So use [`replace`](Self::replace) where packets may have been sent before.
///
/// EINVAL if the link has no IPv4, or no IPv6, for the address: [`Error::explained`](crate::Error::explained) says why. On a
/// loopback and on a point-to-point link the kernel keeps one entry for all IPv4 addresses, 0.0.0.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewNeighbour {
    head: NdMsg,
    /// What becomes of one that is there, as flags of the request.
    if_there: u16,
    pub(super) attrs: NeighbourAttrs,
}

impl NewNeighbour {
    maybe!();

    /// The neighbour `addr` of the link `index`, with this MAC address: permanent.
    #[must_use]
    pub const fn new(index: IfIndex, addr: IpAddr, mac: MacAddr) -> Self {
        let (state, flags) = (NeighbourState::Permanent, NeighbourFlags::NONE);
        let head = NdMsg { family: family(addr), index: Some(index), state, flags };
        Self { head, if_there: NLM_F_CREATE | NLM_F_EXCL, attrs: NeighbourAttrs::NEW }.addr(addr).mac(mac)
    }

    /// Replaces one that is there, whatever its state (NLM_F_REPLACE), as `ip neigh replace` does.
    #[must_use]
    pub const fn replace(mut self) -> Self {
        self.if_there = NLM_F_CREATE | NLM_F_REPLACE;
        self
    }

    /// Changes one that is there (NLM_F_REPLACE without NLM_F_CREATE), as `ip neigh change` does. ENOENT if there is none.
    #[must_use]
    pub const fn change(mut self) -> Self {
        self.if_there = NLM_F_REPLACE;
        self
    }

    /// As if it had just answered: the kernel asks for it again some 30 s later.
    #[must_use]
    pub const fn reachable(self) -> Self {
        self.in_state(NeighbourState::Reachable)
    }

    /// Uses it, and asks for it again as soon as something is sent to it.
    #[must_use]
    pub const fn stale(self) -> Self {
        self.in_state(NeighbourState::Stale)
    }

    /// Never asks for it, but may forget it when it is not used.
    #[must_use]
    pub const fn noarp(self) -> Self {
        self.in_state(NeighbourState::Noarp)
    }

    /// Says that it is a router (IPv6).
    #[must_use]
    pub const fn router(self) -> Self {
        self.flagged(NeighbourFlags::ROUTER)
    }

    /// Says that a program such as a routing daemon has learnt it: the kernel does not drop it when the table is full (since
    /// Linux 4.20).
    #[must_use]
    pub const fn extern_learn(self) -> Self {
        self.flagged(NeighbourFlags::EXTERN_LEARN)
    }

    const fn in_state(mut self, state: NeighbourState) -> Self {
        self.head.state = state;
        self
    }

    const fn flagged(mut self, flag: NeighbourFlags) -> Self {
        self.head.flags = self.head.flags.with(flag);
        self
    }
}

impl Sealed for NewNeighbour {}
impl Command for NewNeighbour {}

impl Request for NewNeighbour {
    fn encode(&self, seq: u32, buf: &mut [u8]) -> Result<usize, NoRoom> {
        let Self { head, if_there, attrs } = self;
        put(RTM_NEWNEIGH, NLM_F_ACK | if_there, *head, seq, buf, |out| attrs.put(out))
    }
}

/// An address that this host answers for on a link, with the link's MAC address (RTM_NEWNEIGH, `NTF_PROXY`), whether or not the
/// link's setting `proxy_arp` is on; in IPv6 only if `proxy_ndp` is. Adding it twice is no error.
///
/// The kernel answers only where a route leads to the address by another link, and after a random time, of up to 0.8 s
/// unless `/proc/sys/net/ipv4/neigh/LINK/proxy_delay` says otherwise.
///
/// ```
/// use sublink::IfIndex;
/// use sublink::neigh::NewProxy;
/// let answered_for = NewProxy::new(IfIndex::new(2)?, "10.0.50.9".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewProxy {
    index: IfIndex,
    addr: IpAddr,
    flags: NeighbourFlags,
}

impl NewProxy {
    /// The address `addr`, on the link `index`.
    #[must_use]
    pub const fn new(index: IfIndex, addr: IpAddr) -> Self {
        Self { index, addr, flags: NeighbourFlags::PROXY }
    }

    /// Answers that it is a router (IPv6).
    #[must_use]
    pub const fn router(mut self) -> Self {
        self.flags = self.flags.with(NeighbourFlags::ROUTER);
        self
    }
}

impl Sealed for NewProxy {}
impl Command for NewProxy {}

impl Request for NewProxy {
    fn encode(&self, seq: u32, buf: &mut [u8]) -> Result<usize, NoRoom> {
        let Self { index, addr, flags } = *self;
        put_named(RTM_NEWNEIGH, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, index, addr, flags, seq, buf)
    }
}

/// An address to ask for at once, as if a packet were sent to it (RTM_NEWNEIGH, `NTF_USE`). The neighbour's
/// [state](NeighbourView::state) shows later whether it answered.
///
/// ```
/// use sublink::IfIndex;
/// use sublink::neigh::AskNeighbour;
/// let gateway = AskNeighbour::new(IfIndex::new(2)?, "10.0.50.1".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AskNeighbour {
    index: IfIndex,
    addr: IpAddr,
}

impl AskNeighbour {
    /// The address `addr`, on the link `index`.
    #[must_use]
    pub const fn new(index: IfIndex, addr: IpAddr) -> Self {
        Self { index, addr }
    }
}

impl Sealed for AskNeighbour {}
impl Command for AskNeighbour {}

impl Request for AskNeighbour {
    fn encode(&self, seq: u32, buf: &mut [u8]) -> Result<usize, NoRoom> {
        let Self { index, addr } = *self;
        let flags = NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE;
        put_named(RTM_NEWNEIGH, flags, index, addr, NeighbourFlags::USE, seq, buf)
    }
}

/// A neighbour to delete (RTM_DELNEIGH), by its link and address only, whatever its state and MAC address. ENOENT if there is
/// none.
///
/// ```
/// use sublink::IfIndex;
/// use sublink::neigh::DeleteNeighbour;
/// let gateway = DeleteNeighbour::new(IfIndex::new(2)?, "10.0.50.1".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeleteNeighbour {
    index: IfIndex,
    addr: IpAddr,
    flags: NeighbourFlags,
}

impl DeleteNeighbour {
    /// The neighbour `addr` of the link `index`.
    #[must_use]
    pub const fn new(index: IfIndex, addr: IpAddr) -> Self {
        Self { index, addr, flags: NeighbourFlags::NONE }
    }

    /// An address that this host answers for.
    #[must_use]
    pub const fn proxy(index: IfIndex, addr: IpAddr) -> Self {
        Self { index, addr, flags: NeighbourFlags::PROXY }
    }
}

impl Sealed for DeleteNeighbour {}
impl Command for DeleteNeighbour {}

impl Request for DeleteNeighbour {
    fn encode(&self, seq: u32, buf: &mut [u8]) -> Result<usize, NoRoom> {
        let Self { index, addr, flags } = *self;
        put_named(RTM_DELNEIGH, NLM_F_ACK, index, addr, flags, seq, buf)
    }
}

/// Asks for one neighbour (RTM_GETNEIGH, since Linux 5.0). The answer is the neighbour or an error, ENOENT if there is none.
///
/// ```no_run
/// # use sublink::Socket;
/// use sublink::neigh::GetNeighbour;
/// let mut socket = Socket::open()?;
/// let eth0 = socket.index_of("eth0")?;
/// let gateway = socket.neighbour(&GetNeighbour::new(eth0, "10.0.50.1".parse()?))?;
/// println!("{:?} {}", gateway.mac, gateway.state);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GetNeighbour {
    index: IfIndex,
    addr: IpAddr,
    flags: NeighbourFlags,
}

impl GetNeighbour {
    /// The neighbour `addr` of the link `index`.
    #[must_use]
    pub const fn new(index: IfIndex, addr: IpAddr) -> Self {
        Self { index, addr, flags: NeighbourFlags::NONE }
    }

    /// An address that this host answers for.
    #[must_use]
    pub const fn proxy(index: IfIndex, addr: IpAddr) -> Self {
        Self { index, addr, flags: NeighbourFlags::PROXY }
    }
}

impl Sealed for GetNeighbour {}

impl Request for GetNeighbour {
    fn encode(&self, seq: u32, buf: &mut [u8]) -> Result<usize, NoRoom> {
        let Self { index, addr, flags } = *self;
        put_named(RTM_GETNEIGH, 0, index, addr, flags, seq, buf)
    }
}

/// Lists the neighbours of a namespace (RTM_GETNEIGH, NLM_F_DUMP), without [proxies](Self::proxies).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ListNeighbours {
    pub(crate) family: Option<u8>,
    pub(crate) index: Option<IfIndex>,
    pub(crate) state: Option<NeighbourState>,
    pub(crate) proxies: bool,
}

impl ListNeighbours {
    /// All neighbours.
    #[must_use]
    pub const fn new() -> Self {
        Self { family: None, index: None, state: None, proxies: false }
    }

    /// IPv4 only.
    #[must_use]
    pub const fn v4(mut self) -> Self {
        self.family = Some(AF_INET);
        self
    }

    /// IPv6 only.
    #[must_use]
    pub const fn v6(mut self) -> Self {
        self.family = Some(AF_INET6);
        self
    }

    /// Those of one link. Filtered by the kernel, and here.
    #[must_use]
    pub const fn index(mut self, index: IfIndex) -> Self {
        self.index = Some(index);
        self
    }

    /// Those in this state. Filtered here: the kernel has no such filter.
    #[must_use]
    pub const fn state(mut self, state: NeighbourState) -> Self {
        self.state = Some(state);
        self
    }

    /// The addresses that this host answers for, instead of neighbours.
    #[must_use]
    pub const fn proxies(mut self) -> Self {
        self.proxies = true;
        self
    }
}

impl Sealed for ListNeighbours {}

impl Request for ListNeighbours {
    fn encode(&self, seq: u32, buf: &mut [u8]) -> Result<usize, NoRoom> {
        let Self { family, index, state: _, proxies } = *self;
        let flags = if proxies { NeighbourFlags::PROXY } else { NeighbourFlags::NONE };
        let head = NdMsg { family: family.unwrap_or(0), index: None, state: NeighbourState::None, flags };
        put(RTM_GETNEIGH, NLM_F_DUMP, head, seq, buf, |out| match index {
            Some(index) => out.one(NDA_IFINDEX, &index),
            None => Ok(out),
        })
    }
}

/// Writes a message that names a neighbour and says no more of it.
fn put_named(
    ty: u16,
    nlm_flags: u16,
    index: IfIndex,
    addr: IpAddr,
    flags: NeighbourFlags,
    seq: u32,
    buf: &mut [u8],
) -> Result<usize, NoRoom> {
    let head = NdMsg { family: family(addr), index: Some(index), state: NeighbourState::None, flags };
    put(ty, nlm_flags, head, seq, buf, |out| addr.put(NeighbourView::NDA_DST, out))
}

/// Writes a message about a neighbour or a forwarding entry.
pub(super) fn put(
    ty: u16,
    flags: u16,
    head: NdMsg,
    seq: u32,
    buf: &mut [u8],
    attributes: impl for<'b> Fn(Out<'b>) -> Result<Out<'b>, Full>,
) -> Result<usize, NoRoom> {
    measured(buf, |out| {
        let out = attributes(out.skip(Header::SIZE).put(head.bytes())?)?;
        let header = header(out.at(), ty, flags, seq);
        out.set(0, header)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::RouteProtocol;
    use crate::wire::encoded;

    const INDEX: IfIndex = IfIndex(0x0102);

    fn neighbour() -> NewNeighbour {
        NewNeighbour::new(INDEX, "10.0.0.7".parse().unwrap(), MacAddr::new([2, 0, 0, 0, 0, 7]).unwrap())
    }

    #[test]
    #[rustfmt::skip]
    fn a_neighbour_is_these_bytes() {
        assert_eq!(encoded(&neighbour().router().extern_learn().protocol(RouteProtocol::STATIC)), [
            56, 0, 0, 0,  28, 0, 5, 6,  7, 0, 0, 0,  0, 0, 0, 0,        // RTM_NEWNEIGH, REQUEST ACK EXCL CREATE
            2, 0, 0, 0,  2, 1, 0, 0,  0x80, 0, 0x90, 0,                 // AF_INET, index, permanent, extern_learn router
            8, 0, 1, 0,  10, 0, 0, 7,                                   // NDA_DST
            10, 0, 2, 0,  2, 0, 0, 0, 0, 7,  0, 0,                      // NDA_LLADDR
            5, 0, 12, 0,  4,  0, 0, 0,                                  // NDA_PROTOCOL
        ]);
    }

    #[test]
    fn what_becomes_of_one_that_is_there_is_said_by_flags() {
        let flags = |neighbour: NewNeighbour| encoded(&neighbour)[6..8].to_vec();
        assert_eq!(flags(neighbour().replace()), [5, 5], "REQUEST ACK REPLACE CREATE");
        assert_eq!(flags(neighbour().replace().change()), [5, 1], "REQUEST ACK REPLACE");
    }

    #[test]
    fn a_neighbour_is_in_the_state_that_was_said_last() {
        let state = |neighbour: NewNeighbour| encoded(&neighbour)[24];
        let states = [neighbour(), neighbour().reachable(), neighbour().stale(), neighbour().stale().noarp()];
        assert_eq!(states.map(state), [0x80, 2, 4, 0x40]);
    }

    #[test]
    #[rustfmt::skip]
    fn who_is_named_only_has_no_mac_address() {
        let addr = "fd00::7".parse().unwrap();
        let rest = [20, 0, 1, 0,  0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]; // NDA_DST
        let head = |state, flags| [10, 0, 0, 0,  2, 1, 0, 0,  state, 0, flags, 0];
        assert_eq!(encoded(&NewProxy::new(INDEX, addr))[16..], [&head(0, 8)[..], &rest].concat());
        assert_eq!(encoded(&NewProxy::new(INDEX, addr).router())[16..], [&head(0, 0x88)[..], &rest].concat());
        assert_eq!(encoded(&AskNeighbour::new(INDEX, addr))[16..], [&head(0, 1)[..], &rest].concat());
        assert_eq!(encoded(&DeleteNeighbour::proxy(INDEX, addr))[16..], [&head(0, 8)[..], &rest].concat());
        assert_eq!(encoded(&DeleteNeighbour::new(INDEX, addr))[16..], [&head(0, 0)[..], &rest].concat());
        assert_eq!(encoded(&GetNeighbour::proxy(INDEX, addr))[16..], [&head(0, 8)[..], &rest].concat());
        assert_eq!(encoded(&GetNeighbour::new(INDEX, addr))[16..], [&head(0, 0)[..], &rest].concat());
    }

    #[test]
    fn each_request_has_its_type_and_flags() {
        let addr = "10.0.0.7".parse().unwrap();
        for (bytes, expected) in [
            (encoded(&NewProxy::new(INDEX, addr)), [28, 0, 5, 6]), // RTM_NEWNEIGH, REQUEST ACK EXCL CREATE
            (encoded(&AskNeighbour::new(INDEX, addr)), [28, 0, 5, 5]), // REQUEST ACK REPLACE CREATE
            (encoded(&DeleteNeighbour::proxy(INDEX, addr)), [29, 0, 5, 0]), // RTM_DELNEIGH, REQUEST ACK
            (encoded(&GetNeighbour::new(INDEX, addr)), [30, 0, 1, 0]), // RTM_GETNEIGH, REQUEST
        ] {
            assert_eq!(bytes[4..8], expected);
        }
    }

    #[test]
    #[rustfmt::skip]
    fn a_list_asks_the_kernel_for_family_link_and_proxies() {
        let list = ListNeighbours::new().v6().index(INDEX).state(NeighbourState::Stale);
        assert_eq!(encoded(&list), [
            36, 0, 0, 0,  30, 0, 1, 3,  7, 0, 0, 0,  0, 0, 0, 0,        // RTM_GETNEIGH, REQUEST DUMP
            10, 0, 0, 0,  0, 0, 0, 0,  0, 0, 0, 0,                      // AF_INET6
            8, 0, 8, 0,  2, 1, 0, 0,                                    // NDA_IFINDEX
        ]);
        assert_eq!(encoded(&ListNeighbours::new().proxies())[16..], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0]);
    }
}
