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
        let list = ListForwarding::new(parent);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::RTM_GETLINK;
    use crate::neigh::{Certainty, NewForwarding, NewNeighbour, NewProxy, RTM_DELNEIGH, RTM_GETNEIGH};
    use crate::socket::script::{Event, Script, ack, end};
    use crate::value::EtherAddr;
    use crate::wire::{Header, encoded};
    use netlink_packet_core::NLM_F_MULTIPART;
    use std::sync::{Arc, Mutex};

    const INDEX: IfIndex = IfIndex(5);

    fn new(addr: &str) -> NewNeighbour {
        NewNeighbour::new(INDEX, addr.parse().unwrap(), mac(7))
    }

    fn mac(last: u8) -> MacAddr {
        MacAddr::new([2, 0, 0, 0, 0, last]).unwrap()
    }

    /// The kernel filters by link, family and proxy as well. What it lists besides is left out.
    #[test]
    fn a_list_leaves_out_what_it_was_not_asked_for() {
        let stale = encoded(&new("10.0.0.7").stale());
        let takes = |list: ListNeighbours, bytes: &[u8]| {
            let message = Messages::new(bytes).next().unwrap().unwrap();
            list.accepts(&NeighbourView::of(message).unwrap())
        };
        let all = ListNeighbours::new();
        for (list, is_taken) in [
            (all, true),
            (all.v4(), true),
            (all.v6(), false),
            (all.index(INDEX), true),
            (all.index(IfIndex(6)), false),
            (all.state(NeighbourState::Stale), true),
            (all.state(NeighbourState::Permanent), false),
            (all.proxies(), false),
        ] {
            assert_eq!(takes(list, &stale), is_taken, "{list:?}");
        }
        let proxy = encoded(&NewProxy::new(INDEX, "fd00::7".parse().unwrap()));
        assert!(takes(all.proxies().v6().index(INDEX), &proxy) && !takes(all, &proxy));
        let mut nameless = stale;
        nameless[30] = 9; // another attribute in the place of NDA_DST
        assert!(!takes(all, &nameless));
        let entry =
            ForwardingEntry { index: INDEX, addr: None, state: NeighbourState::Permanent, flags: NeighbourFlags::SELF };
        assert!(ListForwarding::new(INDEX).accepts(&entry) && !ListForwarding::new(IfIndex(6)).accepts(&entry));
        assert!(!ListForwarding::new(INDEX).accepts(&ForwardingEntry { flags: NeighbourFlags::MASTER, ..entry }));
    }

    /// A socket on which each list is the next of `lists`, the last for ever, and other requests have this error number; and the
    /// types of the requests that were sent.
    fn listing(mut lists: Vec<Vec<Vec<u8>>>, errno: Errno) -> (Socket, Arc<Mutex<Vec<u16>>>) {
        let sent = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&sent);
        let socket = Socket::scripted(Script::new(move |bytes| {
            let header = Header::parse(bytes).unwrap();
            if header.ty < 16 {
                return Ok(vec![Event::Datagram(ack(header, 0))]); // no request, but an acknowledgement is asked for
            }
            record.lock().unwrap().push(header.ty);
            if header.ty != RTM_GETNEIGH {
                return Ok(vec![Event::Datagram(ack(header, errno as i32))]);
            }
            let list = if lists.len() > 1 { lists.remove(0) } else { lists[0].clone() };
            let items = list.into_iter().map(|mut item| {
                item[6..8].copy_from_slice(&NLM_F_MULTIPART.to_ne_bytes());
                item[8..12].copy_from_slice(&header.sequence.to_ne_bytes());
                item
            });
            Ok(items.chain([end(header)]).map(Event::Datagram).collect())
        }));
        (socket, sent)
    }

    #[test]
    fn a_neighbour_that_goes_by_itself_is_no_failure_of_a_flush() {
        let list =
            vec![encoded(&new("10.0.0.7").stale()), encoded(&new("10.0.0.8")), encoded(&new("10.0.0.9").stale())];
        let (mut socket, sent) = listing(vec![list.clone()], Errno::ENOENT);
        assert_eq!(socket.flush_neighbours(INDEX).unwrap(), 0);
        let sent = sent.lock().unwrap();
        let of_neighbours: Vec<_> = sent.iter().filter(|ty| **ty != RTM_GETLINK).collect(); // that is an error's, for the name
        assert_eq!(of_neighbours, [&RTM_GETNEIGH, &RTM_DELNEIGH, &RTM_DELNEIGH]);
        let (mut socket, sent) = listing(vec![list], Errno::EPERM);
        let error = socket.flush_neighbours(INDEX).unwrap_err();
        assert!(error.is_not_permitted(), "{error}");
        assert_eq!(sent.lock().unwrap()[..2], [RTM_GETNEIGH, RTM_DELNEIGH]);
    }

    fn entries(lasts: std::ops::Range<u8>) -> Vec<Vec<u8>> {
        lasts.map(|last| encoded(&NewForwarding::new(INDEX, mac(last).into()))).collect()
    }

    /// How sure the outcome is, and how often the list was read.
    fn sure(lists: Vec<Vec<Vec<u8>>>) -> (Certainty, usize) {
        let (mut socket, sent) = listing(lists, Errno::ENODEV);
        let found = socket.macs_on(INDEX, &[mac(3)]).unwrap();
        let sent = sent.lock().unwrap();
        assert!(sent.iter().all(|ty| *ty == RTM_GETNEIGH), "the link is not asked for");
        (found.certainty, sent.len())
    }

    #[test]
    fn a_long_list_is_read_until_two_reads_agree_at_most_five_times() {
        assert_eq!(sure(vec![entries(0..64)]), (Certainty::OneDatagram, 1));
        assert_eq!(sure(vec![entries(0..70)]), (Certainty::ReadsAgree, 2));
        assert_eq!(
            sure(vec![entries(0..70), entries(0..71), entries(1..71), entries(1..71)]),
            (Certainty::ReadsAgree, 4)
        );
        assert_eq!(sure((0..5).map(|first| entries(first..80)).collect()), (Certainty::Unsteady, 5));
        assert_eq!(sure(vec![entries(0..70), entries(0..60)]), (Certainty::OneDatagram, 2));
        let group = EtherAddr::new([1, 0, 0x5e, 0, 0, 7]).unwrap();
        assert_eq!(sure(vec![vec![encoded(&NewForwarding::new(INDEX, group))]]), (Certainty::OneDatagram, 1));
    }

    #[test]
    fn an_empty_list_may_be_that_of_no_link() {
        let (mut socket, sent) = listing(vec![Vec::new()], Errno::ENODEV);
        let error = socket.macs_on(INDEX, &[]).unwrap_err();
        assert!(error.is_no_device(), "{error}");
        assert_eq!(sent.lock().unwrap()[..2], [RTM_GETNEIGH, RTM_GETLINK]);
    }
}
