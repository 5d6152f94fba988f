//! Lists: the kernel's dumps, read one entry at a time.

use super::Socket;
use super::channel::Wait;
use super::whole::Passed;
use crate::error::{Error, ErrorKind, KernelError, Partial, Result};
use crate::link::{LinkInfo, LinkView, ListLinks, RTM_NEWLINK};
use crate::reply::{Ack, INTERRUPTED, Reply};
use crate::wire::{Header, Message, Messages, Request, header};
use netlink_packet_core::{NLM_F_ACK, NLMSG_NOOP};
use std::ops::Range;
use std::process;
use std::time::Instant;

/// A request for a list.
pub trait Query: Request + Copy {
    /// An entry, borrowed from the receive buffer.
    type View<'a>;
    /// An entry, owned.
    type Info;
    /// The type of the messages that entries come in (`RTM_…`).
    const ITEM: u16;
    /// Reads an entry. `None` if the message is something else, or cannot be read.
    fn read(message: Message<'_>) -> Option<Self::View<'_>>;
    /// Whether the entry was asked for: the kernel's own filters may be missing, and do not say so.
    fn accepts(&self, entry: &Self::View<'_>) -> bool;
    /// A copy.
    fn copy(entry: &Self::View<'_>) -> Self::Info;
    /// Whether this error number, at the end of the dump, says no more than that there is nothing to list.
    fn is_nothing(_errno: i32) -> bool {
        false
    }
    /// The query itself, if it lists links: the kernel may end such a list early, with an OK.
    fn links(&self) -> Option<ListLinks<'_>> {
        None
    }
}

impl Query for ListLinks<'_> {
    type View<'a> = LinkView<'a>;
    type Info = LinkInfo;
    const ITEM: u16 = RTM_NEWLINK;

    #[inline]
    fn read(message: Message<'_>) -> Option<LinkView<'_>> {
        LinkView::of(message)
    }

    #[inline]
    fn accepts(&self, link: &LinkView<'_>) -> bool {
        let Self { kind, master, netnsid, parent, parent_netnsid, extent: _ } = self;
        let stands_on = if parent_netnsid.is_some() { link.parent() } else { link.parent_here() };
        kind.is_none_or(|kind| link.kind() == kind)
            && master.is_none_or(|master| link.master() == Some(master))
            && netnsid.is_none_or(|nsid| link.netnsid() == Some(nsid))
            && parent.is_none_or(|parent| stands_on == Some(parent))
            && parent_netnsid.is_none_or(|nsid| link.parent_netnsid() == Some(nsid))
    }

    fn copy(link: &LinkView<'_>) -> LinkInfo {
        link.to_owned()
    }

    fn links(&self) -> Option<ListLinks<'_>> {
        Some(*self)
    }
}

/// A list that is being read. Each entry is lent from the receive buffer until the next is asked for.
///
/// Dropped halfway, it costs the socket's next request the reading of the rest.
#[derive(Debug)]
pub struct List<'s, Q> {
    socket: &'s mut Socket,
    query: Q,
    /// The length of the request in the socket's `out`.
    request: usize,
    /// The part of the receive buffer that has not been looked at.
    unread: Range<usize>,
    passed: Passed,
    /// Whether to check at the end that the list is whole.
    is_checked: bool,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Reading { interrupted: bool },
    Ended,
}

impl<'s, Q: Query> List<'s, Q> {
    pub(super) fn start(socket: &'s mut Socket, query: Q) -> Result<Self> {
        socket.begin()?;
        socket.make_room()?;
        let request = socket.encode(&query)?;
        socket.channel.send(socket.out.get(..request).unwrap_or_default())?;
        socket.dump = Some(socket.seq);
        let (passed, state) = (Passed::default(), State::Reading { interrupted: false });
        Ok(Self { socket, query, request, unread: 0..0, passed, is_checked: true, state })
    }

    /// The same, without the check that it is whole.
    pub(super) fn unchecked(self) -> Self {
        Self { is_checked: false, ..self }
    }

    /// The links that were in it so far.
    pub(super) fn passed(&self) -> Passed {
        self.passed
    }

    /// The next entry, or `None` behind the last.
    ///
    /// # Errors
    /// [`ErrorKind::Interrupted`] behind the last entry if the table changed meanwhile, [`ErrorKind::CutShort`] if the kernel
    /// has ended the list early, [`ErrorKind::Overrun`] if entries were lost. After an error, there is no further entry.
    #[expect(clippy::should_implement_trait, reason = "it lends, which an iterator cannot")]
    pub fn next(&mut self) -> Result<Option<Q::View<'_>>> {
        match self.find_next() {
            Ok(Some(place)) => {
                let message = Messages::new(self.socket.channel.read(place)).next().and_then(Result::ok);
                Ok(message.and_then(Q::read))
            }
            Ok(None) => Ok(None),
            Err(error) => {
                self.state = State::Ended;
                let sent = self.socket.out.get(..self.request).unwrap_or_default();
                Err(error.of(sent))
            }
        }
    }

    /// All entries that are left, owned.
    ///
    /// # Errors
    /// As [`next`](Self::next), with what was read.
    pub fn collect(mut self) -> Result<Vec<Q::Info>, Partial<Q::Info>> {
        let mut items = Vec::new();
        loop {
            match self.next() {
                Ok(Some(entry)) => items.push(Q::copy(&entry)),
                Ok(None) => return Ok(items),
                Err(error) => return Err(Partial { items, error }),
            }
        }
    }

    /// Where in the receive buffer the next entry is that was asked for.
    fn find_next(&mut self) -> Result<Option<Range<usize>>> {
        let mut wait = Wait::default(); // begins anew with each message of the list, and with no other
        while let State::Reading { interrupted } = &mut self.state {
            if self.unread.is_empty() {
                self.unread = 0..self.socket.channel.receive(&mut wait)?;
            }
            let mut messages = Messages::new(self.socket.channel.read(self.unread.clone()));
            let Some(message) = messages.next() else { continue };
            let start = self.unread.start;
            self.unread.start = self.unread.end - messages.rest().len();
            let message = message?;
            if Some(message.header.sequence) != self.socket.dump {
                continue;
            }
            wait = Wait::default();
            *interrupted |= message.header.flags & INTERRUPTED != 0;
            match Reply::of(message)? {
                Reply::Item(message) => {
                    self.passed.note(message);
                    let entry = Q::read(message);
                    if entry.is_none() && message.header.ty == Q::ITEM {
                        return Err(ErrorKind::Unexpected.into()); // rather than a list that is shorter
                    }
                    if entry.is_some_and(|entry| self.query.accepts(&entry)) {
                        return Ok(Some(start..start + message.header.length as usize));
                    }
                }
                Reply::Ack(ack) | Reply::Done(ack) => {
                    let interrupted = *interrupted;
                    (self.socket.dump, self.state) = (None, State::Ended);
                    let request = self.socket.out.get(..self.request).unwrap_or_default();
                    how_it_ended::<Q>(&ack, interrupted, request)?;
                    return self.check().map(|()| None);
                }
                Reply::Overrun => return Err(ErrorKind::Overrun.into()),
                Reply::Noop => {}
            }
        }
        Ok(None)
    }

    /// Checks, after an OK, whether links may be missing.
    fn check(&mut self) -> Result<()> {
        let Some(links) = self.query.links().filter(|_| self.is_checked) else { return Ok(()) };
        let may_lack = links.may_lack(self.socket, self.passed);
        self.request = self.socket.encode(&self.query)?; // requests were sent since, and an error describes this one
        if may_lack? { Err(ErrorKind::CutShort.into()) } else { Ok(()) }
    }
}

fn how_it_ended<Q: Query>(end: &Ack<'_>, interrupted: bool, request: &[u8]) -> Result<()> {
    match end.errno() {
        errno if errno != 0 && !Q::is_nothing(errno) => Err(KernelError::new(end, request).into()),
        _ if interrupted => Err(ErrorKind::Interrupted.into()),
        _ => Ok(()),
    }
}

impl Socket {
    /// The links that `request` asks for, one after the other, each lent from the receive buffer.
    ///
    /// ```no_run
    /// # use sublink::{ListLinks, Socket};
    /// let mut host = Socket::open()?;
    /// let mut links = host.links(&ListLinks::new().kind("macvlan"))?;
    /// while let Some(link) = links.next()? {
    ///     println!("{} {:?}", link.name(), link.macvlan().and_then(|macvlan| macvlan.mode()));
    /// }
    /// # Ok::<(), sublink::Error>(())
    /// ```
    ///
    /// The list has links of any size. A macvlan in source mode with thousands of senders takes more than 32 KiB. The kernel
    /// makes room for it because the request has `IFLA_EXT_MASK`; without that, it would leave the link out and say nothing. A
    /// link with more than some 5,450 senders is reported with a wrong length, which is an error here; Linux 7.3 and later
    /// leave it out and say nothing.
    ///
    /// If a list of senders grows above some 2,700 entries while links are listed, Linux 6.10 and later end the list before that
    /// link, with an OK. So after a list that may have macvlans, the indexes of all links are read, and
    /// [`ErrorKind::CutShort`] says that some may be missing.
    ///
    /// This check is not possible for [other namespaces](ListLinks::in_netnsid). There a link with so many senders ends the
    /// list, grown or not, and **nothing shows it**.
    ///
    /// # Errors
    /// Those of the send; [`List::next`] says those of the list.
    pub fn links<'f>(&mut self, request: &ListLinks<'f>) -> Result<List<'_, ListLinks<'f>>> {
        List::start(self, *request)
    }

    /// Reads a list whole, and again, at most four times, when it changed while it was read or entries were lost.
    ///
    /// # Errors
    /// As [`List::next`], with what was read.
    pub fn snapshot<Q: Query>(&mut self, query: &Q) -> Result<Vec<Q::Info>, Partial<Q::Info>> {
        const TRIES: usize = 4;
        let mut tries = 1;
        loop {
            let list = List::start(self, *query).map_err(|error| Partial { items: Vec::new(), error })?;
            match list.collect() {
                Err(partial) if partial.error.may_be_read_again() && tries < TRIES => tries += 1,
                read => return read,
            }
        }
    }

    /// What comes before each request: the socket is this process's own, and nothing of an earlier answer is left.
    pub(super) fn begin(&mut self) -> Result<()> {
        if self.process != process::id() {
            return Err(Error::from(ErrorKind::Forked).not_sent());
        }
        self.finish_dump()
    }

    /// Makes the kernel use its largest datagrams for lists, 32 KiB, from the first list on. The kernel chooses their size by the
    /// largest receive so far. It may end a list before an entry that does not fit, with an OK: at first, before a route with
    /// 240 next hops. One receive with our large buffer is enough. So an empty message asks for an acknowledgement, and the
    /// answer does not matter.
    fn make_room(&mut self) -> Result<()> {
        if self.has_room {
            return Ok(());
        }
        self.seq = self.seq.wrapping_add(1);
        self.channel.send(&header(Header::SIZE, NLMSG_NOOP, NLM_F_ACK, self.seq))?;
        let received = self.channel.receive_now();
        self.has_room = self.channel.recover(received).is_ok();
        Ok(())
    }

    /// Reads the rest of a dump that was left off, so that the next request is not refused or answered by it.
    ///
    /// Without waiting: the kernel queues a dump's next part when a part of it is read, so where there is none, none comes
    /// (its end was lost, perhaps).
    fn finish_dump(&mut self) -> Result<()> {
        let Some(seq) = self.dump.take() else { return Ok(()) };
        let since = Instant::now();
        while since.elapsed() <= self.channel.limit() {
            let len = match self.channel.receive_now() {
                Err(error) if matches!(error.kind(), ErrorKind::Overrun | ErrorKind::Truncated(_)) => continue,
                Err(error) if matches!(error.kind(), ErrorKind::TimedOut) => return Ok(()),
                read => read?,
            };
            for message in Messages::new(self.channel.read(0..len)) {
                let Ok(message) = message else { break };
                let is_end = matches!(Reply::of(message), Ok(Reply::Done(_) | Reply::Ack(_)));
                if message.header.sequence == seq && is_end {
                    return Ok(());
                }
            }
        }
        Err(Error::from(ErrorKind::TimedOut).not_sent()) // what is to be sent behind it
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::NewLink;
    use crate::value::{IfIndex, NsId};
    use crate::wire::encoded;

    /// Kernels that know a filter leave nothing to it.
    #[test]
    fn a_link_is_accepted_for_what_it_is() {
        let (index, nsid) = (|number| IfIndex::new(number).unwrap(), NsId::new(3).unwrap());
        let mut link = encoded(&NewLink::macvlan(index(5)).parent_in(nsid).master(index(7)));
        link[20] = 1; // its index
        let link = LinkView::of(Messages::new(&link).next().unwrap().unwrap()).unwrap();
        let list = ListLinks::new();
        for accepting in [list, list.kind("macvlan"), list.master(index(7)), list.parent_in(nsid).parent(index(5))] {
            assert!(accepting.accepts(&link), "{accepting:?}");
        }
        let refusing = [list.kind("vlan"), list.kind("macvla"), list.master(index(5)), list.in_netnsid(nsid)];
        for refusing in refusing.into_iter().chain([
            list.parent_in(NsId::new(0).unwrap()),
            list.parent(index(5)),
            list.parent(index(7)),
        ]) {
            assert!(!refusing.accepts(&link), "{refusing:?}");
        }
    }
}
