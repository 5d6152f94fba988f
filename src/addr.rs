//! IP addresses of links: give, replace, take, list.
//!
//! ```text
//! RTM_NEWADDR | ifaddrmsg: family, prefix length, flags, scope, index | IFA_LOCAL = 10.0.50.7
//!                                                                     | IFA_BROADCAST = 10.0.50.255 …
//! ```
//!
//! An address's prefix also makes a route to its network, unless `noprefixroute` says otherwise. An IPv6 address is
//! *tentative*, and unusable, until nobody has answered to it for a second or two (duplicate address detection):
//! [`AddressWatch`](crate::socket::AddressWatch) waits for that. Sources: `net/ipv4/devinet.c`, `net/ipv6/addrconf.c`,
//! `include/uapi/linux/if_addr.h`, `man 7 rtnetlink`.

use crate::value::{AF_INET, AF_INET6, Given, IfIndex, IfName, InvalidValue, Name, Scope, family, flags, maybe};
use crate::wire::{
    Attrs, Body, Command, Full, Header, Message, NoRoom, Out, Put, Request, Sealed, fixed, header, measured, table,
};
use ipnetwork::IpNetwork;
use netlink_packet_core::{NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REPLACE};
use std::net::IpAddr;

pub(crate) const RTM_NEWADDR: u16 = 20;
pub(crate) const RTM_DELADDR: u16 = 21;
pub(crate) const RTM_GETADDR: u16 = 22;

/// Bytes of `struct ifaddrmsg`.
const IFADDRMSG: usize = 8;

/// A message about an address: `struct ifaddrmsg`, then the attributes of [`AddressView`].
pub(crate) const BODY: Body = Body { header: IFADDRMSG, rows: AddressView::ROWS };

flags! {
    /// An address's flags (`IFA_F_…`).
    ///
    /// ```
    /// use sublink::addr::AddressFlags;
    /// let flags = AddressFlags::from(0x82); // as the kernel reported them
    /// assert!(flags.contains(AddressFlags::PERMANENT));
    /// assert_eq!(flags.to_string(), "<nodad,permanent>");
    /// ```
    AddressFlags: u32 {
        /// Another address of the same subnet came first (IPv4).
        0x01 "IFA_F_SECONDARY" SECONDARY "secondary",
        /// No duplicate address detection (IPv6).
        0x02 "IFA_F_NODAD" NODAD "nodad",
        /// Duplicate address detection found somebody else with the address (IPv6).
        0x08 "IFA_F_DADFAILED" DADFAILED "dadfailed",
        /// Its preferred lifetime is over.
        0x20 "IFA_F_DEPRECATED" DEPRECATED "deprecated",
        /// It is not yet known whether somebody else has it (IPv6).
        0x40 "IFA_F_TENTATIVE" TENTATIVE "tentative",
        /// It was given by an administrator, not learnt.
        0x80 "IFA_F_PERMANENT" PERMANENT "permanent",
        /// It makes no route to its network (since Linux 3.14 for IPv6, 4.4 for IPv4).
        0x200 "IFA_F_NOPREFIXROUTE" NOPREFIXROUTE "noprefixroute",
    }
}

/// How long an address is valid and preferred, in seconds; [`u32::MAX`] is for ever (`struct ifa_cacheinfo`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "the two times of `struct ifa_cacheinfo` that are set")]
pub struct Lifetime {
    /// How long it may be used for new connections.
    pub preferred: u32,
    /// How long it exists. Not 0, and not less than `preferred`.
    pub valid: u32,
}

impl Lifetime {
    /// Valid and preferred for ever.
    pub const FOREVER: Self = Self { preferred: u32::MAX, valid: u32::MAX };

    const fn bytes(self) -> [u8; 16] {
        let ([a, b, c, d], [e, f, g, h]) = (self.preferred.to_ne_bytes(), self.valid.to_ne_bytes());
        [a, b, c, d, e, f, g, h, 0, 0, 0, 0, 0, 0, 0, 0]
    }

    const fn from_bytes(bytes: [u8; 16]) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = bytes;
        Self { preferred: u32::from_ne_bytes([a, b, c, d]), valid: u32::from_ne_bytes([e, f, g, h]) }
    }
}

/// An IPv4 address's label: 1 to 15 bytes without NUL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label(IfName);

impl Label {
    /// Checks `label`.
    pub const fn new(label: &str) -> Result<Self, InvalidValue> {
        if label.is_empty() || label.len() > 15 {
            return Err(InvalidValue::NameLength(Given::new(label.as_bytes())));
        }
        let mut rest = label.as_bytes();
        while let [byte, after @ ..] = rest {
            if *byte == 0 {
                return Err(InvalidValue::NameByte { name: Given::new(label.as_bytes()), byte: 0 });
            }
            rest = after;
        }
        Ok(Self(IfName::received(label.as_bytes())))
    }
}

impl Put for Label {
    const UNSET: Self = Self(IfName::UNSET);
    const MAX: usize = IfName::MAX;
    #[inline(always)]
    fn put<'b>(&self, ty: u16, to: Out<'b>) -> Result<Out<'b>, Full> {
        self.0.put(ty, to)
    }
    fn room(&self) -> usize {
        self.0.room()
    }
}

fixed! {
    AddressFlags: 4 + 0, AddressFlags::NONE, |v: AddressFlags| v.0.to_ne_bytes(), |b| AddressFlags(u32::from_ne_bytes(b));
    Lifetime: 16 + 0, Lifetime::FOREVER, Lifetime::bytes, Lifetime::from_bytes;
}

/// The header that stands before an address's attributes (`struct ifaddrmsg`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IfAddr {
    /// The link that has it.
    pub index: IfIndex,
    /// The length of its network's prefix in bits.
    pub prefix: u8,
    /// How far it is valid.
    pub scope: Scope,
}

table! {
    /// What an address can be given besides its link, its prefix and its scope.
    #[doc(hidden)]
    attrs of NewAddress create AddressAttrs,
    /// An address as the kernel reports it, borrowed from the bytes it came in.
    view AddressView<'a>(IfAddr),
    /// An address as the kernel reported it, owned.
    info AddressInfo {
        /// The link that has it.
        index: IfIndex = |address| address.index(),
        /// The address and its network's prefix. `None` if the kernel sent nothing that is one.
        addr: Option<IpNetwork> = |address| address.addr(),
        /// How far it is valid.
        scope: Scope = |address| address.scope(),
    }
    create {
        /// The address itself.
        2 IFA_LOCAL pub(crate) local: IpAddr,
        /// On a point-to-point link the other end's address, to which the prefix then belongs; else the address itself.
        1 IFA_ADDRESS pub peer: IpAddr,
        /// The subnet's broadcast address. IPv4 only; unless set, all bits behind the prefix are one.
        4 IFA_BROADCAST pub broadcast: IpAddr,
        /// All flags.
        8 IFA_FLAGS pub(crate) flags: AddressFlags,
    }
    create {
        /// A label, which old tools show as the name of an alias link: `eth0:1`. IPv4 only.
        3 IFA_LABEL pub label: Label => Name<'a> => Box<[u8]>,
        /// The metric of the route to its network (since Linux 4.18).
        9 IFA_RT_PRIORITY pub metric: u32,
        /// How long it lasts.
        6 IFA_CACHEINFO pub lifetime: Lifetime,
    }
}

/// An address to give a link (RTM_NEWADDR). That the link has it already is an EEXIST, unless it is to be
/// [replaced](Self::replace).
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
    attrs: AddressAttrs,
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

    /// Takes over the properties given here if the link has the address already (NLM_F_REPLACE).
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

/// An address to take from a link (RTM_DELADDR). That the link does not have it is an EADDRNOTAVAIL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeleteAddress {
    index: IfIndex,
    addr: IpNetwork,
}

impl DeleteAddress {
    /// The address `addr`, with its prefix length, of the link `index`. Taking the first IPv4 address of a subnet takes its
    /// secondaries as well, unless the sysctl `promote_secondaries` is on.
    #[must_use]
    pub const fn new(index: IfIndex, addr: IpNetwork) -> Self {
        Self { index, addr }
    }
}

impl Sealed for DeleteAddress {}
impl Command for DeleteAddress {}

impl Request for DeleteAddress {
    fn encode(&self, seq: u32, buf: &mut [u8]) -> Result<usize, NoRoom> {
        let Self { index, addr } = *self;
        let head = IfAddr { index, prefix: addr.prefix(), scope: Scope::GLOBAL };
        measured(buf, |out| {
            let out = addr
                .ip()
                .put(AddressView::IFA_LOCAL, out.skip(Header::SIZE).put(ifaddrmsg(family(addr.ip()), head))?)?;
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

impl<'a> AddressView<'a> {
    /// Reads a message about an address (RTM_NEWADDR, or RTM_DELADDR of an event). `None` if it is another message, or too
    /// short.
    pub fn of(message: Message<'a>) -> Option<Self> {
        let is_address = matches!(message.header.ty, RTM_NEWADDR | RTM_DELADDR);
        let (header, attributes) = message.payload.split_first_chunk::<IFADDRMSG>().filter(|_| is_address)?;
        let [_family, prefix, _flags, scope, a, b, c, d] = *header;
        let index = IfIndex::new(u32::from_ne_bytes([a, b, c, d])).ok()?;
        Some(Self::new(IfAddr { index, prefix, scope: Scope(scope) }, attributes))
    }

    /// The link that has it.
    pub fn index(&self) -> IfIndex {
        self.head.index
    }

    /// How far it is valid.
    pub fn scope(&self) -> Scope {
        self.head.scope
    }

    /// The address and its network's prefix length. `None` if the kernel sent nothing that is one.
    pub fn addr(&self) -> Option<IpNetwork> {
        let ip = self.local().or(self.peer())?; // an IPv6 address without a peer comes as IFA_ADDRESS alone
        IpNetwork::new(ip, self.head.prefix).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
}
