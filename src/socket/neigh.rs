//! Neighbours and forwarding entries.

use super::Socket;
use super::list::{List, Query};
use crate::error::{ErrorKind, Result};
use crate::neigh::{DeleteNeighbour, ForwardingEntry, GetNeighbour, ListForwarding, ListNeighbours, MacsOn};
use crate::neigh::{NeighbourFlags, NeighbourInfo, NeighbourState, NeighbourView, RTM_NEWNEIGH};
use crate::value::{IfIndex, MacAddr, family};
use crate::wire::{Message, Messages};
use nix::errno::Errno;

impl Query for ListNeighbours {
    type View<'a> = NeighbourView<'a>;
    type Info = NeighbourInfo;
    const ITEM: u16 = RTM_NEWNEIGH;

    fn read(message: Message<'_>) -> Option<NeighbourView<'_>> {
        NeighbourView::of(message)
    }

    fn accepts(&self, neighbour: &NeighbourView<'_>) -> bool {
        let Self { family: wanted, index, state, proxies } = *self;
        neighbour.flags().contains(NeighbourFlags::PROXY) == proxies
            && index.is_none_or(|index| neighbour.index() == Some(index))
            && state.is_none_or(|state| neighbour.state() == state)
            && neighbour.addr().is_some_and(|addr| wanted.is_none_or(|wanted| family(addr) == wanted))
    }

    fn copy(neighbour: &NeighbourView<'_>) -> NeighbourInfo {
        neighbour.to_owned()
    }
}

impl Query for ListForwarding {
    type View<'a> = ForwardingEntry;
    type Info = ForwardingEntry;
    const ITEM: u16 = RTM_NEWNEIGH;

    fn read(message: Message<'_>) -> Option<ForwardingEntry> {
        ForwardingEntry::of(message)
    }

    fn accepts(&self, entry: &ForwardingEntry) -> bool {
        entry.index == self.index && entry.is_own()
    }

    fn copy(entry: &ForwardingEntry) -> ForwardingEntry {
        *entry
    }
}

impl Socket {
    /// The neighbours that `request` asks for, one after the other, each lent from the receive buffer.
    ///
    /// ```no_run
    /// # use sublink::Socket;
    /// use sublink::neigh::{ListNeighbours, NeighbourState};
    /// let mut socket = Socket::open()?;
    /// let eth0 = socket.index_of("eth0")?;
    /// let mut failed = socket.neighbours(&ListNeighbours::new().index(eth0).state(NeighbourState::Failed))?;
    /// while let Some(neighbour) = failed.next()? {
    ///     println!("{:?} does not answer", neighbour.addr());
    /// }
    /// # Ok::<(), sublink::Error>(())
    /// ```
    pub fn neighbours(&mut self, request: &ListNeighbours) -> Result<List<'_, ListNeighbours>> {
        List::start(self, *request)
    }

    /// The neighbour that `request` asks for (since Linux 5.0; EOPNOTSUPP before).
    ///
    /// # Errors
    /// ENOENT if there is none.
    pub fn neighbour(&mut self, request: &GetNeighbour) -> Result<NeighbourInfo> {
        let len = self.encode(request)?;
        let place = self.send_and_find(len).map_err(|error| self.describe_own(error, 0..len))?;
        let neighbour = Messages::new(self.channel.read(place)).next().and_then(Result::ok).and_then(NeighbourView::of);
        neighbour.map(|neighbour| neighbour.to_owned()).ok_or_else(|| ErrorKind::Unexpected.into())
    }

    /// Deletes the neighbours of a link except permanent and noarp ones, as `ip neigh flush dev` does, so that the kernel asks
    /// for them anew. Returns how many were deleted.
    ///
    /// The kernel has no such request: they are listed and deleted one by one, by their addresses. One that is learnt
    /// meanwhile stays. One that somebody replaces meanwhile is deleted in its new state, even a permanent one.
    ///
    /// # Errors
    /// As for any list; and why the first neighbour that could not be deleted was not. Those before it are deleted.
    pub fn flush_neighbours(&mut self, link: IfIndex) -> Result<usize> {
        let neighbours = self.snapshot(&ListNeighbours::new().index(link))?;
        let stays = |state| matches!(state, NeighbourState::Permanent | NeighbourState::Noarp);
        let mut deleted = 0;
        for addr in neighbours.iter().filter(|found| !stays(found.state)).filter_map(|found| found.addr) {
            match self.apply(&DeleteNeighbour::new(link, addr)) {
                Err(error) if error.raw_os_error() == Some(Errno::ENOENT as i32) => {} // it went by itself
                done => done.map(|()| deleted += 1)?,
            }
        }
        Ok(deleted)
    }

    /// A link's own forwarding entries, one after the other. [`macs_on`](Self::macs_on) reads them with how sure the list is.
    ///
    /// # Errors
    /// As for any list. An index that no link has is an empty list.
    pub fn forwarding(&mut self, request: &ListForwarding) -> Result<List<'_, ListForwarding>> {
        List::start(self, *request)
    }

    /// Which MAC addresses stand on a parent, wherever the links are that have them, told apart by whether they are `known`
    /// to the caller. The socket lives in the parent's namespace; no capability is needed.
    ///
    /// ```no_run
    /// # use sublink::{MacAddr, Socket};
    /// # fn members() -> Vec<MacAddr> { Vec::new() }
    /// let mut host = Socket::open()?;
    /// let parent = host.index_of("eth0.50")?;
    /// let found = host.macs_on(parent, &members())?;
    /// for stranger in &found.others {
    ///     println!("{stranger} stands on the parent, and is no member's");
    /// }
    /// if found.others.is_empty() && !found.certainty.is_whole() {
    ///     println!("there may be others");
    /// }
    /// # Ok::<(), sublink::Error>(())
    /// ```
    ///
    /// [`MacsOn`] says what such a list shows, and what it never does. A long one is read until two reads agree, at most five
    /// times: each takes some milliseconds for 1,000 links, in which no link of the machine can be created or changed.
    ///
    /// # Errors
    /// As for any list. ENODEV if no link has the index ([`Error::is_no_device`](crate::Error::is_no_device)).
    pub fn macs_on(&mut self, parent: IfIndex, known: &[MacAddr]) -> Result<MacsOn> {
        const READS: usize = 5;
        let list = ListForwarding::of(parent);
        let mut macs = MacsOn::of(&self.snapshot(&list)?, known);
        for _ in 1..READS {
            if macs.certainty.is_whole() {
                break;
            }
            macs = MacsOn::of(&self.snapshot(&list)?, known).after(&macs);
        }
        if macs.is_empty() {
            self.name_of(parent)?; // the kernel lists nothing for an index that no link has
        }
        Ok(macs)
    }
}
