//! What a request is to everything that sends one: bytes, and whether an acknowledgement comes back.

use super::NoRoom;

/// Only this crate's types are requests.
pub(crate) mod sealed {
    #[expect(unnameable_types, reason = "so that only this crate can implement it")]
    pub trait Sealed {}
}

/// A request: a typed value that becomes one netlink message.
///
/// Encode it for a socket of your own and read the answer with [`reply`](crate::reply), or give it to
/// [`Socket`](crate::Socket), which does both.
pub trait Request: sealed::Sealed {
    /// Writes the message into the front of `buf` and returns its length. Bytes behind it may be overwritten.
    ///
    /// # Errors
    /// [`NoRoom`], which says how much room is needed. With that much, it succeeds.
    fn encode(&self, seq: u32, buf: &mut [u8]) -> Result<usize, NoRoom>;
}

/// A request that is answered by an acknowledgement (it carries `NLM_F_ACK`), and so can stand in a
/// [`Batch`](crate::Batch).
pub trait Command: Request {}

/// Encodes into a buffer that shows what is left unwritten.
#[cfg(test)]
pub(crate) fn encoded(request: &impl Request) -> Vec<u8> {
    let mut buf = [0xa5; 1024];
    let len = request.encode(7, &mut buf).unwrap();
    buf[..len].to_vec()
}
