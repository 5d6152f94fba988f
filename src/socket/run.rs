//! Batches: several requests in one send, an outcome for each.

use super::channel::Wait;
use super::{Socket, option};
use crate::batch::{Batch, CHUNK, Outcome};
use crate::error::{Error, ErrorKind, KernelError, Result};
use crate::reply::Reply;
use crate::wire::Messages;
use nix::errno::Errno;

/// What an acknowledgement with a text takes of the receive buffer, with the kernel's own data about it. 128 of them fit a buffer
/// of the default size (212,992).
const ACKNOWLEDGEMENT: usize = 1664;

/// So few steps are not worth a look at the buffer. An attach has no more. What is lost in a tiny buffer is told as unknown.
const FEW: usize = 16;

impl Socket {
    /// Sends all steps of `batch`, in as few sends as their acknowledgements allow, and notes how each came out.
    ///
    /// A send has at most 128 steps, and fewer if they do not fit the send buffer, or if the receive buffer is too small for their
    /// acknowledgements. The receive buffer is looked at once, before the first batch of more than 16 steps. If acknowledgements
    /// are lost all the same, the sends that follow on this socket have half as many steps, and half of that the next time. The
    /// steps whose answers were lost are [unknown](Outcome::Unknown); they are not sent again.
    ///
    /// # Errors
    /// The first step that failed ([`Error::step`]); the later ones were done all the same, and
    /// [`Error::has_lost_answers`] says whether answers to others were lost. Without a failed step, why answers are missing.
    /// When no answer comes within the limit, or a send fails, the steps behind are [not sent](Outcome::NotSent).
    pub fn run(&mut self, batch: &mut Batch) -> Result<()> {
        self.begin()?;
        let steps = batch.len();
        batch.outcomes_mut(0..steps).iter_mut().for_each(|outcome| *outcome = Outcome::NotSent);
        if steps > FEW && !self.chunk_fits {
            self.fit_chunk();
        }
        let (mut from, mut lost) = (0, None);
        while from < steps {
            let to = batch.chunk_end(from, self.chunk);
            if let Err(error) = self.run_chunk(batch, from, to) {
                if error.raw_os_error() == Some(Errno::EMSGSIZE as i32) && to - from > 1 {
                    self.chunk = (to - from) / 2; // nothing was sent
                    continue;
                }
                let is_overrun = matches!(error.kind(), ErrorKind::Overrun);
                lost.get_or_insert(error);
                if !is_overrun {
                    break;
                }
                self.chunk = (self.chunk / 2).max(1);
            }
            from = to;
        }
        self.conclude(batch, lost)
    }

    /// Makes the sends small enough for their acknowledgements to fit the receive buffer.
    #[cold]
    fn fit_chunk(&mut self) {
        self.chunk_fits = true;
        let fitting = option::receive_buffer(&self.channel.fd).map_or(CHUNK, |bytes| bytes / ACKNOWLEDGEMENT);
        self.chunk = self.chunk.min(fitting.max(1));
    }

    /// The first step that failed, or why answers are missing.
    fn conclude(&mut self, batch: &Batch, lost: Option<Error>) -> Result<()> {
        let failed = batch.outcomes().iter().enumerate().find_map(|(step, outcome)| match outcome {
            Outcome::Failed(error) => Some((step, error.clone())),
            _ => None,
        });
        match (failed, lost) {
            (Some((step, error)), lost) => {
                let error = Error::from(error).at_step(step, batch.len()).with_losses(lost.is_some());
                Err(self.describe(error, batch.messages(step, step + 1)))
            }
            (None, Some(lost)) => Err(lost),
            (None, None) => Ok(()),
        }
    }

    /// An empty batch, with the room of the last one that was [kept](Self::keep_spare_batch).
    pub(crate) fn take_spare_batch(&mut self) -> Batch {
        std::mem::take(&mut self.spare)
    }

    pub(crate) fn keep_spare_batch(&mut self, mut batch: Batch) {
        batch.clear();
        self.spare = batch;
    }

    /// Sends steps `from..to` and reads until the last one's acknowledgement.
    fn run_chunk(&mut self, batch: &mut Batch, from: usize, to: usize) -> Result<()> {
        let first = self.seq.wrapping_add(1);
        #[expect(clippy::cast_possible_truncation, reason = "a chunk has at most 128 steps")]
        let count = (to - from) as u32;
        self.seq = self.seq.wrapping_add(count);
        batch.prepare(from, to, first);
        self.channel.send(batch.messages(from, to))?;
        batch.outcomes_mut(from..to).iter_mut().for_each(|outcome| *outcome = Outcome::Unknown);
        self.read_outcomes(batch, from, first, count)?;
        let has_one_ack = batch.has_one_ack();
        let mut unknown = batch.outcomes_mut(from..to).iter_mut().filter(|outcome| matches!(outcome, Outcome::Unknown));
        if has_one_ack {
            unknown.for_each(|outcome| *outcome = Outcome::Done); // nothing was lost, so it did not fail
        } else if unknown.next().is_some() {
            return Err(ErrorKind::Overrun.into());
        }
        Ok(())
    }

    /// After an overrun, what is still in the buffer is read: it says of some steps how they came out.
    fn read_outcomes(&mut self, batch: &mut Batch, from: usize, first: u32, count: u32) -> Result<()> {
        let (mut wait, mut overrun) = (Wait::default(), None);
        loop {
            let read = if overrun.is_some() { self.channel.receive_now() } else { self.channel.receive(&mut wait) };
            let len = match read {
                Ok(len) => len,
                Err(error) if matches!(error.kind(), ErrorKind::Overrun) => {
                    overrun = Some(error);
                    continue;
                }
                Err(error) => return Err(overrun.unwrap_or(error)),
            };
            for message in Messages::new(self.channel.read(0..len)) {
                let message = message?;
                let number = message.header.sequence.wrapping_sub(first);
                if number >= count {
                    continue;
                }
                let step = from + number as usize;
                match Reply::of(message)? {
                    Reply::Ack(ack) if ack.errno() == 0 => batch.set_outcome(step, Outcome::Done),
                    Reply::Ack(ack) => {
                        let error = KernelError::new(&ack, batch.messages(step, step + 1));
                        batch.set_outcome(step, Outcome::Failed(error));
                    }
                    Reply::Overrun => overrun = Some(ErrorKind::Overrun.into()),
                    Reply::Item(_) | Reply::Done(_) | Reply::Noop => continue,
                }
                if number + 1 == count {
                    return overrun.map_or(Ok(()), Err);
                }
            }
        }
    }
}
