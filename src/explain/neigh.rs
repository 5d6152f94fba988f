//! Causes that are about neighbours and forwarding entries.

use super::links::mode_of;
use super::surroundings::{Family, Surroundings};
use crate::error::{FoundNeighbour, Reason};
use crate::link::{LinkFlags, LinkInfo, ListLinks, MacvlanMode};
use crate::neigh::{ForwardingEntry, ListForwarding, ListNeighbours, NeighbourFlags, NeighbourInfo, NeighbourState};
use crate::neigh::{GetNeighbour, NeighbourView};
use crate::request::Verb;
use crate::value::{EtherAddr, IpFamily};

/// Neighbours.
impl Surroundings<'_> {
    pub(super) fn neighbour_is_there(&mut self) -> Option<Reason> {
        let asked = self.neighbour_to(&[Verb::AddNeighbour])?;
        let (addr, link) = (asked.addr?, self.link_name()?);
        let there = self.socket.neighbour(&GetNeighbour::new(asked.index?, addr)).ok()?;
        Some(Reason::NeighbourIsThere(FoundNeighbour {
            addr,
            link,
            mac: there.mac,
            state: there.state,
            flags: there.flags,
        }))
    }

    /// A neighbour or a proxy entry is not there: which one is there instead, on the link or on another.
    pub(super) fn no_such_neighbour(&mut self) -> Option<Reason> {
        const OF_NEIGHBOURS: [Verb; 3] = [Verb::DeleteNeighbour, Verb::ChangeNeighbour, Verb::GetNeighbour];
        const OF_PROXIES: [Verb; 2] = [Verb::DeleteProxy, Verb::GetProxy];
        let verb = self.request.verb;
        let is_proxy = OF_PROXIES.contains(&verb);
        let asked = self.neighbour_to(if is_proxy { &OF_PROXIES } else { &OF_NEIGHBOURS })?;
        let link = self.link.clone()?;
        let addr = asked.addr?;
        if !is_proxy && addr.is_ipv4() && has_one_neighbour(&link) {
            return Some(Reason::OneNeighbour(link.name));
        }
        let mut found = self.neighbours(is_proxy)?;
        found.extend(self.neighbours(!is_proxy)?);
        found.retain(|found| found.addr == Some(addr));
        found.sort_by_key(|found| found.index != Some(link.index)); // a stable sort: the same table comes first
        let has_come_since = found.first().is_some_and(|it| it.index == Some(link.index) && is_a_proxy(it) == is_proxy);
        if has_come_since {
            return None;
        }
        let describe = |found: &NeighbourInfo| {
            let link = self.at(found.index?, None)?.name;
            Some(FoundNeighbour { addr, link, mac: found.mac, state: found.state, flags: found.flags })
        };
        let says_it_all = matches!(verb, Verb::GetNeighbour | Verb::GetProxy); // the kernel has words for these
        match found.iter().find_map(describe) {
            Some(other) => Some(Reason::AnotherNeighbour(other)),
            None => (!says_it_all).then_some(Reason::NoSuchNeighbour { addr, is_proxy }),
        }
    }

    /// The table has a limit, for the neighbours of all namespaces that the kernel may forget.
    pub(super) fn neighbour_table_is_full(&mut self) -> Option<Reason> {
        let asked = self.neighbour_to(&[Verb::AddNeighbour, Verb::ReplaceNeighbour, Verb::AskNeighbour])?;
        let counts = asked.state != NeighbourState::Permanent && !asked.flags.contains(NeighbourFlags::EXTERN_LEARN);
        let family = IpFamily::of(asked.addr?);
        counts.then_some(Reason::NeighbourTableIsFull(family))
    }

    fn neighbours(&mut self, proxies: bool) -> Option<Vec<NeighbourInfo>> {
        let list = ListNeighbours::new();
        self.socket.snapshot(&if proxies { list.proxies() } else { list }).ok()
    }

    /// The neighbour of the request, if it does one of these things.
    fn neighbour_to(&self, verbs: &[Verb]) -> Option<NeighbourInfo> {
        self.neighbour().filter(|_| verbs.contains(&self.request.verb))
    }

    pub(super) fn neighbour(&self) -> Option<NeighbourInfo> {
        self.message().and_then(NeighbourView::of).map(|neighbour| neighbour.to_owned())
    }
}

fn is_a_proxy(neighbour: &NeighbourInfo) -> bool {
    neighbour.flags.contains(NeighbourFlags::PROXY)
}

/// `arp_constructor` of `net/ipv4/arp.c` gives the neighbours of such a link the address 0.0.0.0.
fn has_one_neighbour(link: &LinkInfo) -> bool {
    link.flags.contains(LinkFlags::LOOPBACK) || link.flags.contains(LinkFlags::POINTOPOINT)
}

/// Forwarding entries.
impl Surroundings<'_> {
    pub(super) fn forwarding_is_there(&mut self) -> Option<Reason> {
        let addr = self.forwarding_to(&[Verb::AddForwarding])?;
        let (link, index) = self.link.as_ref().map(|link| (link.name, link.index))?;
        if !self.lets_in(addr)? {
            return None; // it has gone since
        }
        let on_it = self.socket.snapshot(&ListLinks::new().parent(index)).unwrap_or_default();
        let owner = on_it.into_iter().find(|child| child.mac.is_some() && child.mac == addr.mac());
        Some(Reason::ForwardingIsThere { addr, link, owner: owner.map(|owner| owner.name) })
    }

    pub(super) fn no_such_forwarding(&mut self) -> Option<Reason> {
        let addr = self.forwarding_to(&[Verb::DeleteForwarding])?;
        let link = self.link_name()?;
        (!self.lets_in(addr)?).then_some(Reason::NoSuchForwarding { addr, link })
    }

    pub(super) fn station_needs_passthru(&mut self) -> Option<Reason> {
        let addr = self.forwarding_to(&[Verb::AddForwarding, Verb::DeleteForwarding])?;
        let link = self.link.as_ref().filter(|link| Family::Macvlan.has(link))?;
        let mode = mode_of(link)?;
        let is_refused = !addr.is_multicast() && mode != MacvlanMode::Passthru;
        is_refused.then_some(Reason::StationNeedsPassthru { link: link.name, mode })
    }

    /// Whether the link has this forwarding entry.
    fn lets_in(&mut self, addr: EtherAddr) -> Option<bool> {
        let entries = self.socket.snapshot(&ListForwarding::new(self.request.index?)).ok()?;
        Some(entries.iter().any(|entry| entry.addr == Some(addr)))
    }

    /// The address of the forwarding entry of the request, if it does one of these things.
    fn forwarding_to(&self, verbs: &[Verb]) -> Option<EtherAddr> {
        let entry = self.message().and_then(ForwardingEntry::of).filter(|_| verbs.contains(&self.request.verb))?;
        entry.addr
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::neigh::{AskNeighbour, NewNeighbour, NewProxy};
    use crate::socket::Socket;
    use crate::socket::script::{Event, Script, ack};
    use crate::value::{IfIndex, MacAddr};
    use crate::wire::{Command, Header};
    use nix::errno::Errno;

    /// What is said where the kernel answers ENOBUFS to everything. The table of the machine cannot be filled by a test: other
    /// namespaces would have no room either.
    fn why_enobufs(request: &impl Command) -> Option<Reason> {
        let refuse =
            |bytes: &[u8]| Ok(vec![Event::Datagram(ack(Header::parse(bytes).unwrap(), Errno::ENOBUFS as i32))]);
        let mut socket = Socket::scripted(Script::new(refuse));
        let error = socket.apply(request).unwrap_err().explained(&mut socket);
        assert_eq!(error.raw_os_error(), Some(Errno::ENOBUFS as i32), "{error}");
        error.reason().cloned()
    }

    #[test]
    fn a_table_may_be_full_for_what_the_kernel_may_forget() {
        let mac = MacAddr::new([2, 0, 0, 0, 0, 7]).unwrap();
        let on = |addr: &str| NewNeighbour::new(IfIndex(5), addr.parse().unwrap(), mac);
        let full = |family| Some(Reason::NeighbourTableIsFull(family));
        assert_eq!(why_enobufs(&on("10.0.0.7").stale()), full(IpFamily::V4));
        assert_eq!(why_enobufs(&on("fd00::7").reachable().replace()), full(IpFamily::V6));
        assert_eq!(why_enobufs(&AskNeighbour::new(IfIndex(5), "fd00::7".parse().unwrap())), full(IpFamily::V6));
        // There is always room for these.
        assert_eq!(why_enobufs(&on("10.0.0.7")), None);
        assert_eq!(why_enobufs(&on("10.0.0.7").stale().extern_learn()), None);
        assert_eq!(why_enobufs(&NewProxy::new(IfIndex(5), "10.0.0.7".parse().unwrap())), None);
        let said = full(IpFamily::V4).map(|reason| reason.to_string());
        let words = "the table of ipv4 neighbours is full (net.ipv4.neigh.default.gc_thresh3), or there is no memory";
        assert_eq!(said.as_deref(), Some(words));
    }
}
