//! Several requests in one buffer and one send.
//!
//! The kernel works through them in order, and **an error does not stop the later ones**: so later steps must not depend on
//! the success of earlier ones, unless they fail harmlessly when those did. In particular, never put a create with a chosen
//! index and messages to that index into one batch: when the index is taken, they hit the link that has it.
//!
//! A message and its acknowledgement cost less in a batch than alone, and with [`Batch::one_ack`] next to nothing; what the
//! kernel does in it costs as much as ever.
//!
//! [`Socket::run`](crate::Socket::run) sends steps as they are. What [`Socket::create`](crate::Socket::create) does besides is
//! not done here: on Linux up to 6.12 a link whose parent is in another namespace stays down.

use crate::error::{KernelError, Result};
use crate::wire::{Command, NoRoom};
use netlink_packet_core::NLM_F_ACK;
use std::ops::Range;

/// Steps that go into one send at most: a receive buffer of the default size (212,992) holds 256 acknowledgements.
pub(crate) const CHUNK: usize = 128;

/// There is always as much room as this for the next request: in it, all but long lists fit, and encode fastest.
const ROOM: usize = 512;

/// Requests to send together, and, after [`Socket::run`](crate::Socket::run), how each came out.
///
/// It can be used again after [`clear`](Self::clear), and then allocates nothing.
///
/// ```no_run
/// # use sublink::{Batch, IfIndex, IfName, MacvlanMode, NewLink, Socket};
/// # let eth0 = IfIndex::new(2)?;
/// let mut batch = Batch::new();
/// for name in ["mv0", "mv1", "mv2"] {
///     batch.push(&NewLink::macvlan(eth0).mode(MacvlanMode::Bridge).name(IfName::new(name)?).up())?;
/// }
/// Socket::open()?.run(&mut batch)?;
/// # Ok::<(), sublink::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Batch {
    /// Room, of which [`used`](Self::used) bytes are messages.
    bytes: Vec<u8>,
    used: usize,
    /// Where each step's message starts.
    starts: Vec<usize>,
    outcomes: Vec<Outcome>,
    one_ack: bool,
}

/// How a step of a batch came out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no other: a match must not take one for another")]
pub enum Outcome {
    /// It was not sent: the batch was not run, or ended before it.
    NotSent,
    /// It was done.
    Done,
    /// The kernel refused it.
    Failed(KernelError),
    /// Its answer was lost or did not come: it may have been done.
    Unknown,
}

impl Batch {
    /// No steps.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: Vec::new(), used: 0, starts: Vec::new(), outcomes: Vec::new(), one_ack: false }
    }

    /// Asks for an acknowledgement of the last step only. Errors of the others come back all the same.
    #[must_use]
    pub const fn one_ack(mut self) -> Self {
        self.one_ack = true;
        self
    }

    /// Adds a step, and returns its number, from 0.
    ///
    /// # Errors
    /// [`InvalidValue::TooLong`](crate::value::InvalidValue::TooLong); then nothing was added.
    #[inline]
    pub fn push(&mut self, request: &impl Command) -> Result<usize> {
        if self.bytes.len() - self.used < ROOM {
            self.grow(ROOM);
        }
        let len = match request.encode(0, self.free()) {
            Ok(len) => len,
            Err(no_room) => self.push_large(request, no_room.needed)?,
        };
        self.starts.push(self.used);
        self.outcomes.push(Outcome::NotSent);
        self.used += len;
        Ok(self.starts.len() - 1)
    }

    #[inline]
    fn free(&mut self) -> &mut [u8] {
        self.bytes.get_mut(self.used..).unwrap_or_default()
    }

    #[cold]
    fn grow(&mut self, needed: usize) {
        self.bytes.resize((self.used + needed + ROOM).max(2 * self.bytes.len()), 0);
    }

    #[cold]
    fn push_large(&mut self, request: &impl Command, needed: usize) -> Result<usize> {
        if needed <= NoRoom::LARGEST {
            self.grow(needed);
        }
        Ok(request.encode(0, self.free())?) // a refused one leaves the buffer as it is
    }

    /// Takes all steps out and keeps the room.
    pub fn clear(&mut self) {
        self.used = 0;
        self.starts.clear();
        self.outcomes.clear();
    }

    /// How many steps there are.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether there is no step.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// How each step came out, in order.
    pub fn outcomes(&self) -> &[Outcome] {
        &self.outcomes
    }

    /// The messages, for a socket of your own: step `i` gets the sequence number `first + i`.
    pub fn number(&mut self, first: u32) -> &[u8] {
        let steps = self.starts.len();
        self.prepare(0, steps, first);
        self.bytes.get(..self.used).unwrap_or_default()
    }

    /// Steps from `from` on that go into one send: at most `steps`, and no more bytes than a send buffer of the default size
    /// holds (212,960).
    pub(crate) fn chunk_end(&self, from: usize, steps: usize) -> usize {
        const BYTES: usize = 128 * 1024;
        let start = self.start(from);
        let fits = (from + 1..=self.starts.len()).take(steps).take_while(|end| self.start(*end) - start <= BYTES);
        fits.last().unwrap_or(from + 1)
    }

    /// Where step `index` starts, or the last one ends.
    fn start(&self, index: usize) -> usize {
        self.starts.get(index).copied().unwrap_or(self.used)
    }

    /// Gives steps `from..to` their sequence numbers and flags.
    pub(crate) fn prepare(&mut self, from: usize, to: usize, first_seq: u32) {
        for (seq, step) in (from..to).enumerate() {
            let (start, is_last) = (self.start(step), step + 1 == to);
            let ack = if self.one_ack && !is_last { 0 } else { NLM_F_ACK };
            let Some([_, _, _, _, _, _, f0, f1, s0, s1, s2, s3]) =
                self.bytes.get_mut(start..).and_then(|message| message.first_chunk_mut::<12>())
            else {
                continue;
            };
            [*f0, *f1] = (u16::from_ne_bytes([*f0, *f1]) & !NLM_F_ACK | ack).to_ne_bytes();
            #[expect(clippy::cast_possible_truncation, reason = "a chunk has at most 128 steps, and numbers wrap")]
            let seq = first_seq.wrapping_add(seq as u32);
            [*s0, *s1, *s2, *s3] = seq.to_ne_bytes();
        }
    }

    /// The messages of steps `from..to`.
    pub(crate) fn messages(&self, from: usize, to: usize) -> &[u8] {
        self.bytes.get(self.start(from)..self.start(to)).unwrap_or_default()
    }

    /// Whether only the last step of a send asks for an acknowledgement.
    pub(crate) const fn has_one_ack(&self) -> bool {
        self.one_ack
    }

    pub(crate) fn set_outcome(&mut self, step: usize, outcome: Outcome) {
        if let Some(slot) = self.outcomes.get_mut(step) {
            *slot = outcome;
        }
    }

    pub(crate) fn outcomes_mut(&mut self, steps: Range<usize>) -> &mut [Outcome] {
        self.outcomes.get_mut(steps).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::NewLink;
    use crate::value::{IfIndex, MacAddr};

    #[test]
    fn a_refused_request_takes_no_memory() {
        let senders = vec![MacAddr::new([2; 6]).unwrap(); 5_455]; // one more than fits
        let link = NewLink::macvlan(IfIndex::new(5).unwrap()).source(&senders);
        let mut batch = Batch::new();
        batch.push(&NewLink::dummy()).unwrap();
        let before = batch.bytes.capacity();
        for _ in 0..16 {
            batch.push(&link).unwrap_err();
            batch.clear();
        }
        assert_eq!(batch.bytes.capacity(), before);
    }
}
