//! Reading: iterators over bytes from outside. Nothing here trusts a length, indexes a slice or panics.

use super::{NUMBER, align, unhead};
use std::marker::PhantomData;

/// A message's length does not fit its datagram, so the rest of the datagram cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a netlink message says it has {length} bytes, of {left} that are left")]
#[expect(clippy::exhaustive_structs, reason = "the two numbers that contradict each other; a peer says it too")]
pub struct Malformed {
    /// The length in the message's header.
    pub length: usize,
    /// The bytes that are left of the datagram.
    pub left: usize,
}

/// A message's header (`struct nlmsghdr`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the layout of `struct nlmsghdr`, which peers build too")]
pub struct Header {
    /// Bytes of the message, this header included.
    pub length: u32,
    /// `RTM_…` or `NLMSG_…`.
    pub ty: u16,
    /// `NLM_F_…`.
    pub flags: u16,
    /// The number that the requester chose.
    pub sequence: u32,
    /// The port of the receiver, or 0 for the kernel.
    pub port: u32,
}

impl Header {
    /// Bytes of a header (`NLMSG_HDRLEN`).
    pub const SIZE: usize = 16;
    /// Where [`flags`](Self::flags) stand in it.
    pub(crate) const FLAGS: usize = 6;
    /// Where [`sequence`](Self::sequence) stands in it.
    pub(crate) const SEQUENCE: usize = 8;

    /// Reads the header at the front of `bytes`.
    #[inline]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let [l0, l1, l2, l3, t0, t1, f0, f1, s0, s1, s2, s3, p0, p1, p2, p3] =
            *bytes.first_chunk::<{ Self::SIZE }>()?;
        Some(Self {
            length: u32::from_ne_bytes([l0, l1, l2, l3]),
            ty: u16::from_ne_bytes([t0, t1]),
            flags: u16::from_ne_bytes([f0, f1]),
            sequence: u32::from_ne_bytes([s0, s1, s2, s3]),
            port: u32::from_ne_bytes([p0, p1, p2, p3]),
        })
    }
}

/// One message of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a header and what follows it; peers build it too")]
pub struct Message<'a> {
    /// Its header.
    pub header: Header,
    /// What follows the header.
    pub payload: &'a [u8],
}

/// The messages of a datagram.
///
/// If a message's length does not fit, the item is an `Err`, and the last: the next message cannot be found.
#[derive(Clone, Copy, Debug)]
pub struct Messages<'a>(&'a [u8]);

impl<'a> Messages<'a> {
    /// Reads `datagram`.
    #[inline]
    pub fn new(datagram: &'a [u8]) -> Self {
        Self(datagram)
    }

    /// The bytes that are not read yet.
    #[inline]
    pub fn rest(&self) -> &'a [u8] {
        self.0
    }
}

impl<'a> Iterator for Messages<'a> {
    type Item = Result<Message<'a>, Malformed>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let bytes = self.0;
        if bytes.is_empty() {
            return None;
        }
        self.0 = &[];
        let Some(header) = Header::parse(bytes) else {
            return Some(Err(Malformed { length: Header::SIZE, left: bytes.len() }));
        };
        let length = header.length as usize;
        let Some(payload) = bytes.get(Header::SIZE..length) else {
            return Some(Err(Malformed { length, left: bytes.len() }));
        };
        self.0 = bytes.get(align(length)..).unwrap_or_default();
        Some(Ok(Message { header, payload }))
    }
}

/// One attribute (`struct nlattr`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the layout of `struct nlattr`, which peers build too")]
pub struct Attribute<'a> {
    /// Its number, without the flags `NLA_F_NESTED` and `NLA_F_NET_BYTEORDER`.
    pub number: u16,
    /// Its value, without padding.
    pub value: &'a [u8],
}

/// The attributes of a message or a nest.
///
/// It ends at the first header that does not fit, as the kernel's own loop does.
#[derive(Clone, Copy, Debug)]
pub struct Attributes<'a>(&'a [u8]);

impl<'a> Attributes<'a> {
    pub(crate) const EMPTY: Self = Self(&[]);

    /// Reads `bytes`, which start with an attribute's header.
    #[inline]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The bytes that are not read yet. At the end they are empty, unless a header did not fit.
    #[inline]
    pub fn rest(&self) -> &'a [u8] {
        self.0
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Attribute<'a>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let (length, ty) = unhead(*self.0.first_chunk()?);
        let value = self.0.get(4..length)?;
        let end = align(length).min(self.0.len()); // the last one may lack its padding
        self.0 = self.0.get(end..).unwrap_or_default();
        Some(Attribute { number: ty & NUMBER, value })
    }
}

/// A type that is read from an attribute's value. `None` says that the value is too short, or none that the type has.
pub(crate) trait Get<'a>: Sized {
    /// What the value holds, to find an attribute's name by its offset.
    const INSIDE: super::Inside = super::Inside::Value;
    fn get(value: &'a [u8]) -> Option<Self>;
}

impl<'a> Get<'a> for &'a [u8] {
    #[inline]
    fn get(value: &'a [u8]) -> Option<Self> {
        Some(value)
    }
}

/// Eight bytes, or four if the number fits in them: the kernel sends either (`NLA_UINT`).
impl Get<'_> for u64 {
    fn get(value: &[u8]) -> Option<Self> {
        let long = value.first_chunk().map(|bytes| Self::from_ne_bytes(*bytes));
        long.or_else(|| u32::get(value).map(Self::from))
    }
}

/// Makes an owned value of one that was read: by `From`, or by what only this crate may do.
pub(crate) trait FromWire<T> {
    fn from_wire(read: T) -> Self;
}

impl<T, U: From<T>> FromWire<T> for U {
    fn from_wire(read: T) -> Self {
        read.into()
    }
}

/// Finds attributes by their number. One walk notes where each one starts, as the kernel's `tb[]` does; a value is read when
/// it is asked for.
///
/// A start is noted as the distance to the end, in words of four bytes: so 0 says that the attribute is absent. If several
/// attributes have one number, the last counts, as in the kernel.
#[derive(Clone, Copy)]
pub(crate) struct Index<'a, const N: usize> {
    bytes: &'a [u8],
    left: [u16; N],
}

impl<'a, const N: usize> Index<'a, N> {
    /// The most bytes that a start can be noted for. What stands behind them is not found.
    pub(crate) const MAX: usize = 4 * 0xffff;

    #[inline]
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        let bytes = bytes.get(..Self::MAX).unwrap_or(bytes);
        let mut left = [0; N];
        let mut attributes = Attributes::new(bytes);
        loop {
            let here = attributes.rest().len();
            let Some(Attribute { number, .. }) = attributes.next() else { break };
            if let Some(slot) = left.get_mut(usize::from(number)) {
                #[expect(clippy::cast_possible_truncation, reason = "`bytes` was cut to 16 bits of words")]
                let here = (align(here) / 4) as u16;
                *slot = here;
            }
        }
        Self { bytes, left }
    }

    #[inline]
    pub(crate) fn get<T: Get<'a>>(&self, number: u16) -> Option<T> {
        let left = usize::from(*self.left.get(usize::from(number))?);
        let at = align(self.bytes.len()).checked_sub(4 * left)?;
        T::get(Attributes(self.bytes.get(at..)?).next()?.value)
    }
}

/// The entries of a nest that repeats one attribute, such as the senders that a macvlan hears or a VLAN's map of priorities.
/// Entries that cannot be read are left out.
///
/// ```no_run
/// # let mut socket = sublink::Socket::open()?;
/// let link = socket.link("mv0")?;
/// for sender in link.macvlan().and_then(|macvlan| macvlan.macaddrs()).into_iter().flatten() {
///     println!("{sender}");
/// }
/// # Ok::<(), sublink::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct Entries<'a, T> {
    attributes: Attributes<'a>,
    of: PhantomData<T>,
}

/// In the order of the message.
impl<T: super::Entry> Iterator for Entries<'_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        let Self { attributes, of: _ } = self;
        attributes.find_map(|entry| T::get(entry.value).filter(|_| entry.number == T::ROW.number))
    }
}

impl<'a, T: super::Entry> Get<'a> for Entries<'a, T> {
    const INSIDE: super::Inside = super::Inside::Rows(&[T::ROW]);
    #[inline]
    fn get(value: &'a [u8]) -> Option<Self> {
        Some(Self { attributes: Attributes(value), of: PhantomData })
    }
}

impl<T: super::Entry> From<Entries<'_, T>> for Vec<T> {
    fn from(list: Entries<'_, T>) -> Self {
        list.collect()
    }
}

impl<T: super::Entry + std::fmt::Debug> std::fmt::Debug for Entries<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(*self).finish()
    }
}
