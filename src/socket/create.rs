//! Creating links: the new link's index is known, and UP is up, whatever the kernel's age.

use super::Socket;
use crate::error::{Error, ErrorKind, Result};
use crate::link::{Create, IfInfo, LinkChange, LinkView, Placement};
use crate::value::{IfIndex, IfName};
use crate::wire::Header;
use netlink_packet_core::NLM_F_ECHO;

/// How often a create with an index of our choice is tried when that index is taken.
const INDEX_TRIES: usize = 4;

impl Socket {
    /// Creates a link and returns its index.
    ///
    /// A link without a name, or one for another namespace, gets an index of our choice unless it asks for one
    /// ([`IfIndex::random`]): so its index is known on every kernel. Otherwise the kernel echoes it (since Linux 6.2), or it
    /// is looked up by name, which tells nothing of a link that another program renamed meanwhile: to be sure on older
    /// kernels, choose the index.
    ///
    /// A link that is to be up, in another namespace, with its parent in yet another one, is looked at in there, which needs
    /// CAP_SYS_ADMIN.
    ///
    /// # Errors
    /// If it fails, no link is left behind. There are two exceptions:
    ///
    /// - If the outcome is [unknown](ErrorKind::TimedOut), a link may be left.
    /// - If the request of the error is `get link`, the link was made and is there under its name, but its index could not be
    ///   looked up.
    pub fn create(&mut self, link: &impl Create) -> Result<IfIndex> {
        let len = self.encode(link)?;
        self.create_encoded(len, link.placement())
    }

    /// The same for links of all kinds, which are the first `len` bytes of `out`.
    fn create_encoded(&mut self, len: usize, placement: Placement<'_>) -> Result<IfIndex> {
        let Placement { index, name, namespace, is_up, parent_is_elsewhere } = placement;
        if is_up && parent_is_elsewhere {
            return self.create_and_bring_up(len, Placement { is_up: false, ..placement });
        }
        if index.is_some() || (name.is_some() && namespace.is_none()) {
            return self.create_as_it_is(len, index, name);
        }
        let is_taken_there = |index| match namespace {
            Some(namespace) => Self::open_in(namespace)?.has_link(index),
            None => Ok(false),
        };
        self.at_free_index(is_taken_there, |socket, index| {
            socket.seq = socket.seq.wrapping_add(1);
            let seq = socket.seq.to_ne_bytes();
            socket.patch(Header::SEQUENCE, |_| seq);
            socket.patch(Header::SIZE + IfInfo::INDEX, |_| index.get().to_ne_bytes());
            socket.create_as_it_is(len, Some(index), name)
        })
    }

    /// Tries random indexes. Only when one is seen to be taken, here or there, is another tried, for EEXIST and EBUSY mean
    /// other things too.
    pub(crate) fn at_free_index<T>(
        &mut self,
        mut is_taken_there: impl FnMut(IfIndex) -> Result<bool>,
        mut create: impl FnMut(&mut Self, IfIndex) -> Result<T>,
    ) -> Result<T> {
        let mut tries = 1;
        loop {
            let index = IfIndex::random();
            match create(self, index) {
                Err(error) if tries < INDEX_TRIES && (error.is_already_there() || error.is_busy()) => {
                    if !self.has_link(index).unwrap_or(false) && !is_taken_there(index).unwrap_or(false) {
                        return Err(error.without_chosen_index()); // or it cannot be seen whether it is taken
                    }
                    tries += 1;
                }
                created => return created.map_err(Error::without_chosen_index),
            }
        }
    }

    fn create_as_it_is(&mut self, len: usize, index: Option<IfIndex>, name: Option<IfName>) -> Result<IfIndex> {
        if index.is_none() {
            self.patch(Header::FLAGS, |flags| u16::to_ne_bytes(u16::from_ne_bytes(flags) | NLM_F_ECHO));
        }
        let mut echoed = None;
        self.transact(0..len, &mut |message| echoed = LinkView::of(message).map(|link| link.index()))?;
        match (index.or(echoed), name) {
            (Some(index), _) => Ok(index),
            (None, Some(name)) => self.index_of(name).map_err(Error::behind_a_send),
            (None, None) => Err(ErrorKind::Unexpected.into()), // a link without either is given an index
        }
    }

    /// Linux up to 6.12 ignores IFF_UP in a create whose parent is in another namespace. Where it does not come up, the
    /// create is said to have failed, as on newer kernels.
    fn create_and_bring_up(&mut self, len: usize, placement: Placement<'_>) -> Result<IfIndex> {
        let mut inside = placement.namespace.map(Self::open_in).transpose()?; // before there is a link to leave behind
        let asked = self.out.get(..len).unwrap_or_default().to_vec();
        let index = self.create_encoded(len, placement)?;
        match inside.as_mut().unwrap_or(self).bring_up_or_delete(index) {
            Ok(()) => Ok(index),
            Err(error) => Err(self.describe(error, &asked)),
        }
    }

    fn bring_up_or_delete(&mut self, index: IfIndex) -> Result<()> {
        let up = match self.link_at(index) {
            Ok(link) if link.is_up() => Ok(()),
            Ok(_) => self.change(&LinkChange::new(index).up()),
            Err(error) => Err(error),
        };
        up.inspect_err(|_| {
            let _ = self.delete(index);
        })
    }

    /// Alters bytes of the encoded request.
    fn patch<const N: usize>(&mut self, at: usize, alter: impl FnOnce([u8; N]) -> [u8; N]) {
        if let Some(bytes) = self.out.get_mut(at..).and_then(|request| request.first_chunk_mut()) {
            *bytes = alter(*bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::KernelError;
    use crate::reply::Reply;
    use crate::wire::Messages;

    fn refused(errno: i32) -> Error {
        // An acknowledgement as the kernel sends it, with nothing but an error number.
        let mut bytes = [0; 36];
        bytes[0] = 36;
        bytes[4] = 2;
        bytes[16..20].copy_from_slice(&(-errno).to_ne_bytes());
        let message = Messages::new(&bytes).next().unwrap().unwrap();
        match Reply::of(message).unwrap() {
            Reply::Ack(ack) => KernelError::new(&ack, &[]).into(),
            other => panic!("{other:?}"),
        }
    }

    /// How often a create is tried when it is refused like this, and the index is taken there or not.
    fn tries(errno: i32, is_taken_there: bool) -> usize {
        let mut tried = Vec::new();
        let result = Socket::open().unwrap().at_free_index(
            |_| Ok(is_taken_there),
            |_, index| {
                tried.push(index);
                Err::<(), _>(refused(errno))
            },
        );
        assert_eq!(result.unwrap_err().raw_os_error(), Some(errno));
        tried.len()
    }

    #[test]
    fn another_index_is_tried_only_when_one_is_seen_to_be_taken() {
        const EEXIST: i32 = 17;
        const EBUSY: i32 = 16;
        const EINVAL: i32 = 22;
        assert_eq!((tries(EEXIST, true), tries(EBUSY, true)), (INDEX_TRIES, INDEX_TRIES));
        assert_eq!((tries(EEXIST, false), tries(EBUSY, false)), (1, 1), "a taken name, a bridge's port");
        assert_eq!(tries(EINVAL, true), 1);
    }
}
