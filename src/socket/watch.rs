//! Waiting for IPv6 addresses to become usable: by the kernel's events, on a socket of their own.

use super::Socket;
use super::carrier::LostCarrier;
use super::channel::{Channel, Wait};
use crate::addr::{AddressFlags, AddressView, ListAddresses, RTM_DELADDR};
use crate::error::{ErrorKind, NoCarrier, Result};
use crate::link::LinkView;
use crate::netns::run_in;
use crate::value::{IfIndex, IfName};
use crate::wire::{Message, Messages};
use std::net::{IpAddr, Ipv6Addr};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// `RTNLGRP_LINK`: events about links.
pub(super) const LINKS: u32 = 1;

/// `RTNLGRP_IPV6_IFADDR`: events about IPv6 addresses.
const IPV6_ADDRESSES: u32 = 9;

/// Waits for duplicate address detection to end. Open it before the addresses are added, so that it hears of every event.
///
/// An attach waits by itself when it is told to:
/// [`Endpoint::usable_within`](crate::Endpoint::usable_within).
///
/// ```no_run
/// # use sublink::{LinkChange, NewAddress, Socket};
/// use sublink::socket::AddressWatch;
/// # use std::time::Duration;
/// let mut socket = Socket::open()?;
/// let eth0 = socket.index_of("eth0")?;
/// let mut watch = AddressWatch::open()?;
/// socket.apply(&NewAddress::new(eth0, "fd50::7/64".parse()?))?;
/// watch.wait(eth0, &["fd50::7".parse()?], Duration::from_secs(10))?;
/// # Ok::<(), sublink::Error>(())
/// ```
#[derive(Debug)]
pub struct AddressWatch {
    events: Channel,
    asking: Socket,
}

impl AddressWatch {
    /// Watches the calling thread's namespace.
    pub fn open() -> Result<Self> {
        Ok(Self { events: Channel::open(&[LINKS, IPV6_ADDRESSES])?, asking: Socket::open()? })
    }

    /// Watches another namespace, without entering it on the calling thread.
    pub fn open_in(namespace: impl AsFd) -> Result<Self> {
        run_in(namespace.as_fd(), Self::open)?
    }

    /// Waits until all of `addrs`, of the link `index`, can be used: usually one to two seconds.
    ///
    /// # Errors
    /// [`ErrorKind::DuplicateAddress`] if another station has one of them, [`ErrorKind::AddressGone`] if one was removed, and
    /// [`ErrorKind::StillTentative`] at the limit. [`ErrorKind::NoCarrier`] at once if the link is up and has no carrier because
    /// of its parent, or loses its carrier so. If the parent has a carrier, the link's is awaited.
    pub fn wait(&mut self, index: IfIndex, addrs: &[Ipv6Addr], limit: Duration) -> Result<()> {
        self.wait_for(Waiting { index, addrs: addrs.to_vec(), link_local: false, seen: None }, limit).map(drop)
    }

    /// Waits until the link `index` has a link-local address that can be used, and returns that.
    ///
    /// # Errors
    /// As [`wait`](Self::wait), and [`ErrorKind::NoLinkLocal`] if the link makes none.
    pub fn wait_link_local(&mut self, index: IfIndex, limit: Duration) -> Result<Ipv6Addr> {
        let waited = self.wait_for(Waiting { index, addrs: Vec::new(), link_local: true, seen: None }, limit)?;
        waited.seen.ok_or_else(|| ErrorKind::Unexpected.into())
    }

    fn wait_for(&mut self, mut waiting: Waiting, limit: Duration) -> Result<Waiting> {
        let since = Instant::now();
        let name = self.look(&mut waiting)?;
        while let Some(still) = waiting.still(name) {
            let left = limit.saturating_sub(since.elapsed());
            if left.is_zero() {
                return Err(still.into());
            }
            self.events.set_limit(left);
            let len = match self.events.receive(&mut Wait::default()) {
                Ok(len) => len,
                Err(error) if matches!(error.kind(), ErrorKind::TimedOut) => return Err(still.into()),
                Err(error) if matches!(error.kind(), ErrorKind::Overrun) => {
                    // The events that are still queued are older than what a look sees.
                    self.events.drain();
                    self.look(&mut waiting)?;
                    continue;
                }
                Err(error) => return Err(error),
            };
            for message in Messages::new(self.events.read(0..len)) {
                if let Some(lost) = waiting.hear(message?)? {
                    refuse_without_carrier(name, lost, &mut self.asking)?;
                }
            }
        }
        Ok(waiting)
    }

    /// Reads how things stand: at the start, and after events were lost. The link is read before the addresses. If it came up
    /// between the two the other way round, its link-local address would seem to be missing.
    fn look(&mut self, waiting: &mut Waiting) -> Result<IfName> {
        let link = self.asking.link_at(waiting.index)?;
        let (name, is_up, lost) = (link.if_name(), link.is_up(), LostCarrier::of(&link));
        let has_carrier = is_up && lost.is_none();
        let addresses = self.asking.snapshot(&ListAddresses::new().v6().index(waiting.index))?;
        let addresses: Vec<_> = addresses
            .iter()
            .filter_map(|address| match address.addr?.ip() {
                IpAddr::V6(addr) => Some((addr, address.flags.unwrap_or_default())),
                IpAddr::V4(_) => None,
            })
            .collect();
        if let Some(gone) = waiting.addrs.iter().find(|wanted| addresses.iter().all(|(addr, _)| addr != *wanted)) {
            return Err(ErrorKind::AddressGone(*gone).into());
        }
        for (addr, flags) in &addresses {
            waiting.settle(*addr, *flags)?;
        }
        if let Some(lost) = lost.filter(|_| waiting.still(name).is_some()) {
            refuse_without_carrier(name, lost, &mut self.asking)?;
        }
        if waiting.link_local && waiting.seen.is_none() && has_carrier {
            return Err(ErrorKind::NoLinkLocal(name).into());
        }
        Ok(name)
    }
}

/// Fails if the parent has no carrier. If it has one, the link's will follow.
fn refuse_without_carrier(link: IfName, lost: LostCarrier, asking: &mut Socket) -> Result<()> {
    match lost.why(asking) {
        NoCarrier::Unknown => Ok(()),
        why => Err(ErrorKind::NoCarrier { link, why }.into()),
    }
}

/// What is waited for.
struct Waiting {
    index: IfIndex,
    /// Those that cannot be used yet.
    addrs: Vec<Ipv6Addr>,
    /// Whether a link-local address is waited for, whichever.
    link_local: bool,
    /// The link-local address.
    seen: Option<Ipv6Addr>,
}

impl Waiting {
    /// What there is to say at the limit; `None` if there is nothing to wait for.
    fn still(&self, link: IfName) -> Option<ErrorKind> {
        let tentative = self.addrs.first().copied().or(self.seen.filter(|_| self.link_local));
        match tentative {
            Some(addr) => Some(ErrorKind::StillTentative(addr)),
            None => self.link_local.then_some(ErrorKind::NoLinkLocal(link)),
        }
    }

    /// Hears of an event. Returns what tells that the link has no carrier.
    fn hear(&mut self, message: Message<'_>) -> Result<Option<LostCarrier>> {
        if let Some(link) = LinkView::of(message) {
            return Ok(LostCarrier::of(&link).filter(|_| link.index() == self.index));
        }
        let Some(address) = AddressView::of(message).filter(|address| address.index() == self.index) else {
            return Ok(None);
        };
        let Some(IpAddr::V6(addr)) = address.addr().map(|addr| addr.ip()) else { return Ok(None) };
        let flags = address.flags().unwrap_or_default();
        if message.header.ty == RTM_DELADDR && !flags.contains(AddressFlags::DADFAILED) {
            return if self.addrs.contains(&addr) { Err(ErrorKind::AddressGone(addr).into()) } else { Ok(None) };
        }
        self.settle(addr, flags).map(|()| None)
    }

    fn settle(&mut self, addr: Ipv6Addr, flags: AddressFlags) -> Result<()> {
        let is_link_local = self.link_local && addr.is_unicast_link_local();
        if !is_link_local && !self.addrs.contains(&addr) {
            return Ok(());
        }
        if flags.contains(AddressFlags::DADFAILED) {
            return Err(ErrorKind::DuplicateAddress(addr).into());
        }
        let is_usable = !flags.contains(AddressFlags::TENTATIVE);
        if is_link_local {
            self.seen = Some(addr);
            self.link_local = !is_usable;
        }
        if is_usable {
            self.addrs.retain(|waiting| *waiting != addr);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addr::{NewAddress, RTM_GETADDR, RTM_NEWADDR};
    use crate::socket::script::{Event, Kernel, Script, end};
    use crate::wire::{Header, encoded};

    const INDEX: IfIndex = IfIndex(5);

    /// How many are still waited for after an event of this type about an address with these flags, or how the wait ended.
    fn heard(ty: u16, index: IfIndex, addr: &str, flags: AddressFlags) -> Result<usize, String> {
        let mut event = encoded(&NewAddress::new(index, addr.parse().unwrap()).flags(flags));
        event[4..6].copy_from_slice(&ty.to_ne_bytes());
        let addrs = vec!["fd00::7".parse().unwrap(), "fd00::8".parse().unwrap()];
        let mut waiting = Waiting { index: INDEX, addrs, link_local: true, seen: None };
        let message = Messages::new(&event).next().unwrap().unwrap();
        let heard = waiting.hear(message).map_err(|error| error.to_string())?;
        assert!(heard.is_none());
        Ok(waiting.addrs.len() + usize::from(waiting.link_local))
    }

    #[test]
    fn events_about_what_is_waited_for_are_heard() {
        let other = IfIndex(6);
        let (none, failed, tentative) = (AddressFlags::default(), AddressFlags::DADFAILED, AddressFlags::TENTATIVE);
        assert_eq!(heard(RTM_NEWADDR, INDEX, "fd00::7/64", none), Ok(2));
        assert_eq!(heard(RTM_NEWADDR, INDEX, "fd00::7/64", tentative), Ok(3));
        assert_eq!(heard(RTM_NEWADDR, INDEX, "fd00::9/64", failed), Ok(3), "another address");
        for (addr, is_awaited) in [("fd00::7", true), ("fe80::7", true), ("fd00::9", false)] {
            for ty in [RTM_NEWADDR, RTM_DELADDR] {
                assert_eq!(heard(ty, other, &format!("{addr}/64"), failed), Ok(3), "another link");
                // One that is not for ever is deleted when it fails.
                let duplicate = ErrorKind::DuplicateAddress(addr.parse().unwrap()).to_string();
                let expected = if is_awaited { Err(duplicate) } else { Ok(3) };
                assert_eq!(heard(ty, INDEX, &format!("{addr}/64"), failed), expected);
            }
        }
        let gone = ErrorKind::AddressGone("fd00::8".parse().unwrap());
        assert_eq!(heard(RTM_DELADDR, INDEX, "fd00::8/64", none), Err(gone.to_string()));
        assert_eq!(heard(RTM_DELADDR, INDEX, "fd00::8/64", tentative), Err(gone.to_string()));
    }

    #[test]
    fn any_link_local_address_will_do() {
        let (none, tentative) = (AddressFlags::default(), AddressFlags::TENTATIVE);
        assert_eq!(heard(RTM_NEWADDR, INDEX, "fe80::7/64", none), Ok(2));
        assert_eq!(heard(RTM_NEWADDR, INDEX, "fe80::7/64", tentative), Ok(3));
        assert_eq!(heard(RTM_DELADDR, INDEX, "fe80::7/64", none), Ok(3), "there may be another");
    }

    /// How a wait ends, where the looks find these flags one after the other, and these events come.
    fn waited(looks: &[AddressFlags], events: Vec<Event>) -> Result<(), String> {
        let looks: Vec<_> = looks.into();
        let mut looks = looks.into_iter();
        let mut kernel = Kernel::with_links(4);
        kernel.links[0].get_mut(&INDEX.get()).unwrap().is_up = true;
        let answer = move |request: &[u8]| {
            let header = Header::parse(request).unwrap();
            if header.ty != RTM_GETADDR {
                return Ok(kernel.work(request, 0));
            }
            let entry = looks.next().map(|flags| {
                let mut entry = encoded(&NewAddress::new(INDEX, "fd00::7/64".parse().unwrap()).flags(flags));
                entry[8..12].copy_from_slice(&header.sequence.to_ne_bytes());
                entry
            });
            Ok(entry.into_iter().chain([end(header)]).map(Event::Datagram).collect())
        };
        let asking = Socket::scripted(Script::new(answer));
        // Only what comes without end is stopped by the limit; where nothing comes, a script waits for nothing.
        let is_endless = events.iter().any(|event| matches!(event, Event::Endless(_)));
        let limit = if is_endless { Duration::from_millis(50) } else { Duration::from_secs(60) };
        let mut watch = AddressWatch { events: Channel::scripted(Script::of(events)), asking };
        watch.wait(INDEX, &["fd00::7".parse().unwrap()], limit).map_err(|error| error.to_string())
    }

    #[test]
    fn a_wait_ends_whatever_comes() {
        const TENTATIVE: AddressFlags = AddressFlags::TENTATIVE;
        let event = |flags| encoded(&NewAddress::new(INDEX, "fd00::7/64".parse().unwrap()).flags(flags));
        let other = encoded(&NewAddress::new(IfIndex(6), "fd00::7/64".parse().unwrap()));
        let still = Err(ErrorKind::StillTentative("fd00::7".parse().unwrap()).to_string());
        let usable = event(AddressFlags::default());
        assert_eq!(waited(&[TENTATIVE], vec![Event::Datagram(usable.clone())]), Ok(()));
        assert_eq!(waited(&[TENTATIVE], vec![]), still, "nothing comes");
        assert_eq!(waited(&[TENTATIVE], vec![Event::Forged(usable.clone())]), still, "from somebody else");
        assert_eq!(waited(&[TENTATIVE], vec![Event::Endless(other)]), still, "other addresses, without end");
        let stale = vec![Event::Overrun, Event::Datagram(event(TENTATIVE))];
        assert_eq!(waited(&[TENTATIVE, AddressFlags::default()], stale.clone()), Ok(()), "what was lost said so");
        let failed = Err(ErrorKind::DuplicateAddress("fd00::7".parse().unwrap()).to_string());
        assert_eq!(waited(&[TENTATIVE, AddressFlags::DADFAILED], stale), failed);
        let gone = Err(ErrorKind::AddressGone("fd00::7".parse().unwrap()).to_string());
        assert_eq!(waited(&[], vec![]), gone);
        let cut = usable.get(..30).unwrap().to_vec();
        let said = waited(&[TENTATIVE], vec![Event::Datagram(cut)]).unwrap_err();
        assert!(said.starts_with("a netlink message says"), "{said}");
        let said = waited(&[TENTATIVE], vec![Event::TooLong]).unwrap_err();
        assert!(!said.contains("tentative"), "{said}");
    }
}
