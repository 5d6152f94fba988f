//! IP addresses of links: give, replace, take, list.
//!
//! ```text
//! RTM_NEWADDR | ifaddrmsg: family, prefix length, flags, scope, index | IFA_LOCAL = 10.0.50.7
//!                                                                     | IFA_BROADCAST = 10.0.50.255 …
//! ```
//!
//! An address's prefix also makes a route to its network, unless `noprefixroute` says otherwise. An IPv6 address is
//! *tentative*, and unusable, until nobody has answered to it for a second or two (duplicate address detection):
//! [`AddressWatch`](crate::socket::AddressWatch) waits for that.
//!
//! A link may have an address several times: IPv4 tells addresses apart by the address, the prefix length and, under that
//! prefix, the peer; IPv6 by the address alone. Sources: `net/ipv4/devinet.c`, `net/ipv6/addrconf.c`,
//! `include/uapi/linux/if_addr.h`, `man 7 rtnetlink`.

mod request;

pub use request::{DeleteAddress, ListAddresses, NewAddress};

use crate::value::{Given, IfIndex, IfName, InvalidValue, Name, Scope, flags, unescape};
use crate::wire::{Body, Full, Message, Out, Put, fixed, table};
use ipnetwork::IpNetwork;
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
        /// It is used while duplicate address detection goes on (IPv6).
        0x04 "IFA_F_OPTIMISTIC" OPTIMISTIC "optimistic",
        /// Duplicate address detection found somebody else with the address (IPv6).
        0x08 "IFA_F_DADFAILED" DADFAILED "dadfailed",
        /// It is the home address of a mobile host (IPv6).
        0x10 "IFA_F_HOMEADDRESS" HOMEADDRESS "home",
        /// Its preferred lifetime is over.
        0x20 "IFA_F_DEPRECATED" DEPRECATED "deprecated",
        /// It is not yet known whether somebody else has it (IPv6).
        0x40 "IFA_F_TENTATIVE" TENTATIVE "tentative",
        /// It was given by an administrator, not learnt.
        0x80 "IFA_F_PERMANENT" PERMANENT "permanent",
        /// The kernel makes temporary addresses from it (IPv6, since Linux 3.14).
        0x100 "IFA_F_MANAGETEMPADDR" MANAGETEMPADDR "mngtmpaddr",
        /// It makes no route to its network (since Linux 3.14 for IPv6, 4.4 for IPv4).
        0x200 "IFA_F_NOPREFIXROUTE" NOPREFIXROUTE "noprefixroute",
        /// Its multicast group is joined (since Linux 4.1).
        0x400 "IFA_F_MCAUTOJOIN" MCAUTOJOIN "autojoin",
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Label(IfName);

impl Label {
    /// Checks `label`.
    pub const fn new(label: &str) -> Result<Self, InvalidValue> {
        Self::from_bytes(label.as_bytes())
    }

    /// Checks `label`, which need not be UTF-8.
    pub const fn from_bytes(label: &[u8]) -> Result<Self, InvalidValue> {
        if label.is_empty() || label.len() > 15 {
            return Err(InvalidValue::NameLength(Given::new(label)));
        }
        let mut rest = label;
        while let [byte, after @ ..] = rest {
            if *byte == 0 {
                return Err(InvalidValue::NameByte { name: Given::new(label), byte: 0 });
            }
            rest = after;
        }
        Ok(Self(IfName::received(label)))
    }

    /// From text in which `\xNN` is a byte, as [`to_escaped`](Self::to_escaped) writes it.
    ///
    /// # Errors
    /// As [`from_bytes`](Self::from_bytes), and a backslash without `x` and two hexadecimal digits behind it.
    pub fn from_escaped(text: &str) -> Result<Self, InvalidValue> {
        let stray = InvalidValue::NameByte { name: Given::new(text.as_bytes()), byte: b'\\' };
        Self::from_bytes(&unescape(text).ok_or(stray)?)
    }

    /// The label as printable ASCII without spaces, which [`from_escaped`](Self::from_escaped) reads.
    pub fn to_escaped(&self) -> String {
        self.0.to_escaped()
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
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
        /// The other end's address, to which the prefix then belongs. An address without a peer is reported as its own
        /// peer.
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
