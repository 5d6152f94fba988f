//! Requests about addresses: give, replace, take, list.

use super::{
    AddressAttrs, AddressFlags, AddressInfo, AddressView, IFADDRMSG, IfAddr, RTM_DELADDR, RTM_GETADDR, RTM_NEWADDR,
};
use crate::value::{AF_INET, AF_INET6, IfIndex, Scope, family, maybe};
use crate::wire::{Attrs, Command, Header, NoRoom, Put, Request, Sealed, header, measured};
use ipnetwork::IpNetwork;
use netlink_packet_core::{NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REPLACE};
use std::net::IpAddr;

/// An address to give a link (RTM_NEWADDR). EEXIST if the link has it already, unless it is to be [replaced](Self::replace).
///
/// ```
/// use sublink::{IfIndex, NewAddress};
/// let address = NewAddress::new(IfIndex::new(2)?, "10.0.50.7/24".parse()?).noprefixroute();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewAddress {
    head: IfAddr,
    replace: bool,
    pub(super) attrs: AddressAttrs,
}

impl NewAddress {
    maybe!();

    /// The address `addr`, with the prefix length of its network, for the link `index`. Its scope is global; that of
    /// `127.0.0.0/8` and `::1` is the host, as with `ip`.
    ///
    /// Mind that `IpNetwork` reads `10.0.50.7`, without a prefix length, as a network of that one address.
    #[must_use]
    pub fn new(index: IfIndex, addr: IpNetwork) -> Self {
        let scope = if addr.ip().is_loopback() { Scope::HOST } else { Scope::GLOBAL };
        let head = IfAddr { index, prefix: addr.prefix(), scope };
        let this = Self { head, replace: false, attrs: AddressAttrs::NEW }.local(addr.ip());
        match addr {
            IpNetwork::V4(v4) if v4.prefix() < 31 => this.broadcast(v4.broadcast().into()),
            _ => this,
        }
    }

    /// Takes over the properties given here if the link has the address already (NLM_F_REPLACE). IPv4 takes over the metric
    /// and the lifetime, and leaves everything else as it is; IPv6 takes over flags too, and a peer, if one is said.
    ///
    /// **IPv4 takes an address with another peer for the same** if the peers agree under the prefix, and leaves its peer as it
    /// is: `10.0.0.7/24` replaces 10.0.0.7 with the peer 10.0.0.2/24.
    #[must_use]
    pub const fn replace(mut self) -> Self {
        self.replace = true;
        self
    }

    /// How far it is valid.
    #[must_use]
    pub const fn scope(mut self, scope: Scope) -> Self {
        self.head.scope = scope;
        self
    }

    /// Uses it at once, without duplicate address detection (`IFA_F_NODAD`). IPv6 only. What is sent to it in the first
    /// moment is dropped: the route to the address itself is made by a worker of the kernel's.
    #[must_use]
    pub const fn nodad(self) -> Self {
        self.with(AddressFlags::NODAD)
    }

    /// Makes no route to its network (`IFA_F_NOPREFIXROUTE`).
    #[must_use]
    pub const fn noprefixroute(self) -> Self {
        self.with(AddressFlags::NOPREFIXROUTE)
    }

    /// Has no broadcast address.
    #[must_use]
    pub const fn nobroadcast(mut self) -> Self {
        self.attrs.set = self.attrs.set.without(AddressView::IFA_BROADCAST);
        self
    }

    const fn with(self, flag: AddressFlags) -> Self {
        let flags = self.attrs.flags.with(flag);
        self.flags(flags)
    }
}

impl Sealed for NewAddress {}
impl Command for NewAddress {}

impl Request for NewAddress {
    #[inline]
    fn encode(&self, seq: u32, buf: &mut [u8]) -> Result<usize, NoRoom> {
        let Self { head, replace, attrs } = self;
        let flags = NLM_F_ACK | NLM_F_CREATE | if *replace { NLM_F_REPLACE } else { NLM_F_EXCL };
        measured(buf, |out| {
            let out = attrs.put(out.skip(Header::SIZE).put(ifaddrmsg(family(attrs.local), *head))?)?;
            let header = header(out.at(), RTM_NEWADDR, flags, seq);
            out.set(0, header)
        })
    }
}

/// An address to take from a link (RTM_DELADDR). EADDRNOTAVAIL if the link does not have it.
///
/// The kernel compares less than is named here. IPv4 compares the address, the prefix length and, *under that prefix*, the
/// peer, so that `10.0.0.7/24` also means 10.0.0.7 with the peer 10.0.0.2/24. IPv6 compares the address and the prefix length,
/// and no peer. [`Socket::delete_address`](crate::Socket::delete_address) looks first whether the link has the address that is
/// named; [`Socket::apply`](crate::Socket::apply) and a batch send this as it is.
///
/// The first IPv4 address of a subnet takes its secondaries with it, unless the sysctl `promote_secondaries` is on. List the
/// addresses before, and give those back that are to stay.
///
/// ```
/// use sublink::IfIndex;
/// use sublink::addr::DeleteAddress;
/// let address = DeleteAddress::new(IfIndex::new(2)?, "10.0.0.1/32".parse()?).peer("10.0.0.2".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeleteAddress {
    pub(crate) index: IfIndex,
    addr: IpNetwork,
    peer: Option<IpAddr>,
}

impl DeleteAddress {
    /// The address `addr`, with its prefix length, of the link `index`; without a peer.
    #[must_use]
    pub const fn new(index: IfIndex, addr: IpNetwork) -> Self {
        Self { index, addr, peer: None }
    }

    /// With this peer, of the address's family.
    #[must_use]
    pub const fn peer(mut self, peer: IpAddr) -> Self {
        self.peer = Some(peer);
        self
    }

    /// What is sent as IFA_ADDRESS: an address without a peer is its own.
    fn peer_or_itself(&self) -> IpAddr {
        self.peer.unwrap_or(self.addr.ip())
    }

    /// Whether `found` is the address named.
    pub(crate) fn names(&self, found: &AddressInfo) -> bool {
        found.addr == Some(self.addr) && found.peer.unwrap_or(self.addr.ip()) == self.peer_or_itself()
    }

    /// Whether the kernel takes `found` for the address named.
    pub(crate) fn hits(&self, found: &AddressInfo) -> bool {
        let has_same_peer = match (self.peer_or_itself(), found.peer) {
            (IpAddr::V4(own), Some(IpAddr::V4(peer))) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.addr.prefix())).unwrap_or(0);
                (own.to_bits() ^ peer.to_bits()) & mask == 0
            }
            _ => true,
        };
        found.addr == Some(self.addr) && has_same_peer
    }
}

impl Sealed for DeleteAddress {}
impl Command for DeleteAddress {}

impl Request for DeleteAddress {
    fn encode(&self, seq: u32, buf: &mut [u8]) -> Result<usize, NoRoom> {
        let Self { index, addr, peer: _ } = *self;
        let head = IfAddr { index, prefix: addr.prefix(), scope: Scope::GLOBAL };
        measured(buf, |out| {
            let out = out.skip(Header::SIZE).put(ifaddrmsg(family(addr.ip()), head))?;
            let out = addr.ip().put(AddressView::IFA_LOCAL, out)?;
            let out = self.peer_or_itself().put(AddressView::IFA_ADDRESS, out)?;
            let header = header(out.at(), RTM_DELADDR, NLM_F_ACK, seq);
            out.set(0, header)
        })
    }
}

/// Lists the addresses of a namespace (RTM_GETADDR, NLM_F_DUMP).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ListAddresses {
    pub(crate) index: Option<IfIndex>,
    pub(crate) family: Option<u8>,
}

impl ListAddresses {
    /// All addresses.
    #[must_use]
    pub const fn new() -> Self {
        Self { index: None, family: None }
    }

    /// Those of one link. Filtered by the kernel (since Linux 4.20), and here. ENODEV if there is no such link.
    #[must_use]
    pub const fn index(mut self, index: IfIndex) -> Self {
        self.index = Some(index);
        self
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
}

impl Sealed for ListAddresses {}

impl Request for ListAddresses {
    fn encode(&self, seq: u32, buf: &mut [u8]) -> Result<usize, NoRoom> {
        let Self { index, family } = *self;
        let [a, b, c, d] = IfIndex::or_zero(index).to_ne_bytes();
        measured(buf, |out| {
            let out = out.skip(Header::SIZE).put([family.unwrap_or(0), 0, 0, 0, a, b, c, d])?;
            let header = header(out.at(), RTM_GETADDR, NLM_F_DUMP, seq);
            out.set(0, header)
        })
    }
}

const fn ifaddrmsg(family: u8, IfAddr { index, prefix, scope: Scope(scope) }: IfAddr) -> [u8; IFADDRMSG] {
    let [a, b, c, d] = index.get().to_ne_bytes();
    [family, prefix, 0, scope, a, b, c, d] // all flags go in IFA_FLAGS
}

#[cfg(test)]
mod tests {
    use super::super::{Label, Lifetime};
    use super::*;
    use crate::value::{Given, InvalidValue};
    use crate::wire::{Messages, encoded};
    use std::net::Ipv4Addr;

    const INDEX: IfIndex = IfIndex(0x0102);

    #[test]
    fn an_ipv4_address_is_these_bytes() {
        let address = NewAddress::new(INDEX, "10.0.50.7/24".parse().unwrap()).noprefixroute();
        #[rustfmt::skip]
        assert_eq!(encoded(&address), [
            48, 0, 0, 0,  20, 0,  5, 6,                         // 48 bytes, RTM_NEWADDR, REQUEST ACK EXCL CREATE
            7, 0, 0, 0,  0, 0, 0, 0,
            2, 24, 0, 0,  2, 1, 0, 0,                           // AF_INET, /24, scope global, index 0x102
            8, 0, 2, 0,  10, 0, 50, 7,                          // IFA_LOCAL
            8, 0, 4, 0,  10, 0, 50, 255,                        // IFA_BROADCAST
            8, 0, 8, 0,  0, 2, 0, 0,                            // IFA_FLAGS = noprefixroute
        ]);
    }

    #[test]
    fn an_ipv6_address_is_these_bytes() {
        let address = NewAddress::new(INDEX, "fd00::7/64".parse().unwrap()).nodad().noprefixroute().replace();
        #[rustfmt::skip]
        assert_eq!(encoded(&address), [
            52, 0, 0, 0,  20, 0,  5, 5,                         // REQUEST ACK REPLACE CREATE
            7, 0, 0, 0,  0, 0, 0, 0,
            10, 64, 0, 0,  2, 1, 0, 0,
            20, 0, 2, 0,  0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, // IFA_LOCAL
            8, 0, 8, 0,  2, 2, 0, 0,                            // IFA_FLAGS = nodad, noprefixroute
        ]);
    }

    #[test]
    fn a_broadcast_address_is_for_subnets_that_have_one() {
        let broadcast = |addr: &str| {
            let address = NewAddress::new(INDEX, addr.parse().unwrap());
            address.attrs.has(AddressView::IFA_BROADCAST).then_some(address.attrs.broadcast)
        };
        assert_eq!(broadcast("10.0.0.1/30"), Some(Ipv4Addr::new(10, 0, 0, 3).into()));
        assert_eq!((broadcast("10.0.0.1/31"), broadcast("10.0.0.1/32"), broadcast("fd00::1/64")), (None, None, None));
        assert!(
            !NewAddress::new(INDEX, "10.0.0.1/24".parse().unwrap()).nobroadcast().attrs.has(AddressView::IFA_BROADCAST)
        );
    }

    #[test]
    fn what_is_written_is_read() {
        let label = Label::new("eth0:1").unwrap();
        let lifetime = Lifetime { preferred: 60, valid: 120 };
        for addr in ["10.0.50.7/24", "127.0.0.2/8", "fd00::7/64", "::1/128"] {
            let addr: IpNetwork = addr.parse().unwrap();
            let bytes = encoded(&NewAddress::new(INDEX, addr).label(label).metric(7).lifetime(lifetime));
            let message = Messages::new(&bytes).next().unwrap().unwrap();
            let info = AddressView::of(message).unwrap().to_owned();
            assert_eq!(
                (info.index, info.addr, info.metric, info.lifetime),
                (INDEX, Some(addr), Some(7), Some(lifetime))
            );
            assert_eq!(info.scope, if addr.ip().is_loopback() { Scope::HOST } else { Scope::GLOBAL });
            assert_eq!(info.label.as_deref(), Some(&b"eth0:1"[..]));
        }
        assert_eq!(Label::new(""), Err(InvalidValue::NameLength(Given::new(b""))));
        assert_eq!(Label::new("a\0b"), Err(InvalidValue::NameByte { name: Given::new(b"a\0b"), byte: 0 }));
    }

    #[test]
    fn a_delete_names_prefix_and_peer() {
        let delete = DeleteAddress::new(INDEX, "10.0.0.7/24".parse().unwrap());
        #[rustfmt::skip]
        assert_eq!(encoded(&delete), [
            40, 0, 0, 0,  21, 0,  5, 0,                         // 40 bytes, RTM_DELADDR, REQUEST ACK
            7, 0, 0, 0,  0, 0, 0, 0,
            2, 24, 0, 0,  2, 1, 0, 0,                           // AF_INET, /24, index 0x102
            8, 0, 2, 0,  10, 0, 0, 7,                           // IFA_LOCAL
            8, 0, 1, 0,  10, 0, 0, 7,                           // IFA_ADDRESS: no peer
        ]);
        let with_peer = delete.peer(Ipv4Addr::new(10, 0, 0, 2).into());
        assert_eq!(encoded(&with_peer)[32..], [8, 0, 1, 0, 10, 0, 0, 2]);
    }

    #[test]
    fn the_kernel_compares_less_than_is_named() {
        let delete = |addr: &str, peer: Option<&str>| {
            let delete = DeleteAddress::new(INDEX, addr.parse().unwrap());
            peer.map_or(delete, |peer| delete.peer(peer.parse().unwrap()))
        };
        let found = |addr: &str, peer: Option<&str>| {
            let address = NewAddress::new(INDEX, addr.parse().unwrap());
            let address = peer.map_or(address, |peer| address.peer(peer.parse().unwrap()));
            AddressView::of(Messages::new(&encoded(&address)).next().unwrap().unwrap()).unwrap().to_owned()
        };
        let (other, far) = (Some("10.0.0.2"), Some("10.9.0.2"));
        let rows = [
            ("10.0.0.7/24", None, "10.0.0.7/24", None, true, true),
            ("10.0.0.7/24", None, "10.0.0.7/24", Some("10.0.0.7"), true, true),
            ("10.0.0.7/24", None, "10.0.0.7/24", other, false, true),
            ("10.0.0.7/24", None, "10.0.0.7/24", far, false, false),
            ("10.0.0.7/0", None, "10.0.0.7/0", far, false, true),
            ("10.0.0.7/24", Some("10.0.0.3"), "10.0.0.7/24", other, false, true),
            ("10.0.0.7/32", other, "10.0.0.7/32", other, true, true),
            ("10.0.0.7/32", None, "10.0.0.7/24", None, false, false),
            ("10.0.0.7/24", None, "10.0.0.8/24", None, false, false),
            ("fd00::7/64", None, "fd00::7/64", Some("fd00::2"), false, true),
            ("fd00::7/64", None, "fd00::7/65", None, false, false),
        ];
        for (asked, peer, there, its_peer, is_named, is_hit) in rows {
            let (delete, found) = (delete(asked, peer), found(there, its_peer));
            let words = format!("{delete:?} {found:?}");
            assert_eq!((delete.names(&found), delete.hits(&found)), (is_named, is_hit), "{words}");
        }
    }
}
