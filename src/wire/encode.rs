//! Writing: a bounded cursor over the caller's buffer.
//!
//! Two things make it fast. Each attribute of constant size is one store of an array, not a store for each primitive. And
//! [`Out`] is passed by value, so it stays in registers: if a caller has tested that the buffer has room for every attribute
//! of constant size, the compiler leaves out the tests of each.

use super::{NESTED, align, head, message_length};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

/// The buffer is too small. What was written to it is not a message.
///
/// If [`needed`](Self::needed) is above [`NoRoom::LARGEST`], no buffer is large enough: a nest's length has 16 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the one number that is missing; tests compare it")]
pub struct NoRoom {
    /// Bytes of the whole message.
    pub needed: usize,
}

impl NoRoom {
    /// The largest message this crate encodes.
    pub const LARGEST: usize = 65_535;
}

impl fmt::Display for NoRoom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.needed > Self::LARGEST {
            write!(f, "the message would take {} bytes, and netlink carries at most {}", self.needed, Self::LARGEST)
        } else {
            write!(f, "the message takes {} bytes, more than the buffer has", self.needed)
        }
    }
}

impl std::error::Error for NoRoom {}

/// The buffer is too small. It has no field, so that the hot path carries no error value; whoever reports it computes what
/// is needed ([`NoRoom`]).
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full;

/// A buffer, and how much of it is written.
pub(crate) struct Out<'b> {
    buf: &'b mut [u8],
    at: usize,
}

impl<'b> Out<'b> {
    #[inline(always)]
    pub(crate) fn new(buf: &'b mut [u8]) -> Self {
        Self { buf, at: 0 }
    }

    #[inline(always)]
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Skips `n` bytes, which the caller [`set`](Self::set)s when it knows them.
    #[inline(always)]
    pub(crate) fn skip(self, n: usize) -> Self {
        Self { at: self.at + n, ..self }
    }

    /// The `N` bytes at `at`.
    #[inline(always)]
    fn room<const N: usize>(&mut self, at: usize) -> Result<&mut [u8; N], Full> {
        self.buf.get_mut(at..).and_then(|free| free.first_chunk_mut()).ok_or(Full)
    }

    #[inline(always)]
    pub(crate) fn set<const N: usize>(mut self, at: usize, bytes: [u8; N]) -> Result<Self, Full> {
        *self.room(at)? = bytes;
        Ok(self)
    }

    #[inline(always)]
    pub(crate) fn put<const N: usize>(self, bytes: [u8; N]) -> Result<Self, Full> {
        let at = self.at;
        Ok(self.set(at, bytes)?.skip(N))
    }

    /// An attribute of constant size.
    #[inline(always)]
    pub(crate) fn one<T: Fixed>(self, ty: u16, value: &T) -> Result<Self, Full> {
        let to = self.buf.get_mut(self.at..).and_then(|free| free.get_mut(..T::SIZE)).ok_or(Full)?;
        value.fill(ty, to);
        Ok(self.skip(T::SIZE))
    }

    /// An attribute whose value is the first `len` of `N` bytes (`N` is a power of two). Where there is room, all `N` are
    /// stored, which takes one or two instructions; the next attribute overwrites the rest.
    #[inline(always)]
    pub(crate) fn padded<const N: usize>(self, ty: u16, bytes: &[u8; N], len: usize) -> Result<Self, Full> {
        const { assert!(N.is_power_of_two()) };
        let len = len & (2 * N - 1); // changes nothing, but gives the compiler a bound
        let out = self.put(head(4 + len, ty))?;
        let at = out.at;
        let mut out = out.skip(align(len));
        match out.room(at) {
            Ok(to) => *to = *bytes,
            Err(Full) => return out.padded_at_the_end(at, bytes),
        }
        Ok(out)
    }

    /// Bytes that [`padded`](Self::padded) may touch. Four more than it does, because the compiler's bound is less exact.
    pub(crate) const fn padded_max(n: usize) -> usize {
        4 + 2 * n + 4
    }

    #[cold]
    fn padded_at_the_end(self, at: usize, bytes: &[u8]) -> Result<Self, Full> {
        let to = self.buf.get_mut(at..self.at).ok_or(Full)?;
        to.iter_mut().zip(bytes).for_each(|(to, byte)| *to = *byte);
        Ok(self)
    }

    /// An attribute of any length, padded with zeros. Slower than the others.
    pub(crate) fn bytes(self, ty: u16, value: &[u8]) -> Result<Self, Full> {
        let out = self.put(head(4 + value.len(), ty))?;
        let to = out.buf.get_mut(out.at..).and_then(|free| free.get_mut(..align(value.len()))).ok_or(Full)?;
        to.iter_mut().zip(value.iter().copied().chain(std::iter::repeat(0))).for_each(|(to, byte)| *to = byte);
        Ok(out.skip(align(value.len())))
    }

    /// A nest around what `inside` writes.
    #[inline(always)]
    pub(crate) fn nest(self, ty: u16, inside: impl FnOnce(Self) -> Result<Self, Full>) -> Result<Self, Full> {
        let at = self.at;
        let out = inside(self.skip(4))?;
        let len = out.at - at;
        if len > NoRoom::LARGEST {
            return Err(Full); // the length of a nest has 16 bits
        }
        out.set(at, head(len, NESTED | ty))
    }

    /// Writes the length at the front of a message that ends here.
    #[inline(always)]
    pub(crate) fn end(self) -> Result<Self, Full> {
        let len = self.at;
        self.set(0, message_length(len))
    }

    /// The free part of the buffer.
    #[inline(always)]
    pub(crate) fn rest(self) -> Result<&'b mut [u8], Full> {
        self.buf.get_mut(self.at..).ok_or(Full)
    }
}

/// More bytes than any request has that is [`measured`].
const SMALL: usize = 512;

/// Encodes a request that is known to be small. If the buffer is too small, the error says how large the request is.
pub(crate) fn measured(buf: &mut [u8], encode: impl Fn(Out<'_>) -> Result<Out<'_>, Full>) -> Result<usize, NoRoom> {
    if let Ok(out) = encode(Out::new(buf)) {
        return Ok(out.at());
    }
    let mut scratch = [0; SMALL];
    Err(NoRoom { needed: encode(Out::new(&mut scratch)).map_or(SMALL, |out| out.at()) })
}

/// What can be written as an attribute.
pub(crate) trait Put: Sized {
    /// The content of a field that is not set. It is never written.
    const UNSET: Self;
    /// Bytes that [`put`](Self::put) touches at most.
    const MAX: usize;
    fn put<'b>(&self, ty: u16, to: Out<'b>) -> Result<Out<'b>, Full>;
    /// Bytes that [`put`](Self::put) writes. Only needed when there was no room.
    fn room(&self) -> usize;
}

/// An attribute of constant size: header, value and padding are `SIZE` bytes, and `to` has that many.
pub(crate) trait Fixed: Copy {
    const SIZE: usize;
    const ZERO: Self;
    fn fill(&self, ty: u16, to: &mut [u8]);
}

impl<T: Fixed> Put for T {
    const UNSET: Self = T::ZERO;
    const MAX: usize = T::SIZE;
    #[inline(always)]
    fn put<'b>(&self, ty: u16, to: Out<'b>) -> Result<Out<'b>, Full> {
        to.one(ty, self)
    }
    fn room(&self) -> usize {
        T::SIZE
    }
}

/// Which attributes of a table are set: a bit for each number from 1 to 64. No attribute has number 0, so 64 has its bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mask(u64);

impl Mask {
    pub(crate) const EMPTY: Self = Self(0);

    #[inline(always)]
    const fn bit(number: u16) -> u64 {
        debug_assert!(0 < number && number <= 64);
        1 << (number % 64)
    }

    #[inline(always)]
    pub(crate) const fn with(self, number: u16) -> Self {
        Self(self.0 | Self::bit(number))
    }

    #[inline(always)]
    pub(crate) const fn without(self, number: u16) -> Self {
        Self(self.0 & !Self::bit(number))
    }

    #[inline(always)]
    pub(crate) const fn has(self, number: u16) -> bool {
        self.0 & Self::bit(number) != 0
    }

    #[inline(always)]
    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    #[inline(always)]
    pub(crate) const fn has_any(self, of: Self) -> bool {
        self.0 & of.0 != 0
    }
}

/// What a request sets of a table's attributes. The default methods are those of a table without rows.
pub(crate) trait Attrs {
    /// Every attribute of the table that can be set.
    #[cfg(test)]
    const ALL: Mask = Mask::EMPTY;
    /// Bytes that [`put`](Self::put) touches at most.
    const MAX: usize = 0;
    /// Writes all but the lists.
    #[inline(always)]
    fn put<'b>(&self, to: Out<'b>) -> Result<Out<'b>, Full> {
        Ok(to)
    }
    #[inline(always)]
    fn has_lists(&self) -> bool {
        false
    }
    fn lists_len(&self) -> usize {
        0
    }
    fn put_lists(&self, _: &mut [u8]) -> Result<(), Full> {
        Ok(())
    }
    /// Whether attribute `number` is set.
    fn has(&self, _: u16) -> bool {
        false
    }
    /// Bytes that all of it takes.
    fn room(&self) -> usize {
        0
    }
}

/// An attribute that repeats inside a nest of its own.
pub(crate) trait Entry: Fixed + for<'a> super::Get<'a> {
    /// Its number in the nest.
    const ROW: super::Row;
}

/// Bytes of a list. A list that is not set has no entries.
#[inline(always)]
pub(crate) fn list_len<T: Entry>(is_set: bool, entries: &[T]) -> usize {
    4 * usize::from(is_set) + T::SIZE * entries.len()
}

#[inline(always)]
pub(crate) fn put_list<'b, T: Entry>(to: &'b mut [u8], ty: u16, entries: &[T]) -> Result<&'b mut [u8], Full> {
    let (header, mut free) = to.split_first_chunk_mut().ok_or(Full)?;
    *header = head(list_len(true, entries), NESTED | ty);
    let mut entries = entries;
    while let Some((pair, rest)) = entries.split_first_chunk::<2>() {
        let (slots, left) = free.split_at_mut_checked(2 * T::SIZE).ok_or(Full)?;
        slots.chunks_exact_mut(T::SIZE).zip(pair).for_each(|(slot, entry)| entry.fill(T::ROW.number, slot));
        (entries, free) = (rest, left);
    }
    if let Some(last) = entries.first() {
        let (slot, left) = free.split_at_mut_checked(T::SIZE).ok_or(Full)?;
        last.fill(T::ROW.number, slot);
        free = left;
    }
    Ok(free)
}

/// `bytes` with zeros behind them.
#[inline(always)]
pub(crate) const fn padded<const V: usize, const N: usize>(bytes: [u8; V]) -> [u8; N] {
    let mut padded = [0; N];
    if let Some((value, _)) = padded.split_first_chunk_mut() {
        *value = bytes;
    }
    padded
}

/// Types of constant size: `Type: bytes + padding, value of a field that is not set, to bytes, from bytes`. The last may answer
/// an `Option`.
macro_rules! fixed {
    ($($T:ty: $V:literal + $P:literal, $zero:expr, $put:expr, $get:expr;)*) => { $(
        impl $crate::wire::Fixed for $T {
            const SIZE: usize = 4 + $V + $P;
            const ZERO: Self = $zero;
            #[inline(always)]
            fn fill(&self, ty: u16, to: &mut [u8]) {
                let Some((head, to)) = to.split_first_chunk_mut::<4>() else { return };
                *head = $crate::wire::head(4 + $V, ty);
                if $V + $P == 4 {
                    let Some(word) = to.first_chunk_mut::<4>() else { return };
                    *word = $crate::wire::padded($put(*self)); // one store
                } else {
                    let Some((value, padding)) = to.split_first_chunk_mut::<$V>() else { return };
                    *value = $put(*self);
                    if let Some(padding) = padding.first_chunk_mut::<$P>() {
                        *padding = [0; $P];
                    }
                }
            }
        }
        impl $crate::wire::Get<'_> for $T {
            #[inline]
            fn get(value: &[u8]) -> Option<Self> {
                value.first_chunk::<$V>().and_then(|bytes| Option::<Self>::from($get(*bytes)))
            }
        }
    )* };
}
pub(crate) use fixed;

fixed! {
    bool: 1 + 3, false, |v| [u8::from(v)], |[b]: [u8; 1]| b != 0;
    u8:  1 + 3, 0, u8::to_ne_bytes, u8::from_ne_bytes;
    u16: 2 + 2, 0, u16::to_ne_bytes, u16::from_ne_bytes;
    u32: 4 + 0, 0, u32::to_ne_bytes, u32::from_ne_bytes;
    i32: 4 + 0, 0, i32::to_ne_bytes, i32::from_ne_bytes;
}

/// Four bytes or sixteen, in network byte order.
impl Put for IpAddr {
    const UNSET: Self = Self::V4(Ipv4Addr::UNSPECIFIED);
    const MAX: usize = 20;
    #[inline(always)]
    fn put<'b>(&self, ty: u16, to: Out<'b>) -> Result<Out<'b>, Full> {
        match self {
            Self::V4(v4) => to.put(head(8, ty))?.put(v4.octets()),
            Self::V6(v6) => to.put(head(20, ty))?.put(v6.octets()),
        }
    }
    fn room(&self) -> usize {
        if self.is_ipv4() { 8 } else { 20 }
    }
}

impl super::Get<'_> for IpAddr {
    fn get(value: &[u8]) -> Option<Self> {
        match value.len() {
            4 => value.first_chunk::<4>().map(|octets| Self::from(*octets)),
            16 => value.first_chunk::<16>().map(|octets| Self::from(*octets)),
            _ => None,
        }
    }
}
