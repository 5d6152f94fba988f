//! Waiting for IPv6 addresses to become usable: by the kernel's events, on a socket of their own.

use super::Socket;
use super::channel::{Channel, Wait};
use crate::addr::{AddressFlags, AddressView, ListAddresses, RTM_DELADDR};
use crate::error::{ErrorKind, Result};
use crate::netns::run_in;
use crate::value::IfIndex;
use crate::wire::{Message, Messages};
use std::net::{IpAddr, Ipv6Addr};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// `RTNLGRP_IPV6_IFADDR`: events about IPv6 addresses.
const IPV6_ADDRESSES: u32 = 9;

/// Waits for duplicate address detection to end. Open it before the addresses are added, so that it hears of every event.
#[derive(Debug)]
pub struct AddressWatch {
    events: Channel,
    asking: Socket,
}

impl AddressWatch {
    /// Watches the calling thread's namespace.
    pub fn open() -> Result<Self> {
        Ok(Self { events: Channel::open(&[IPV6_ADDRESSES])?, asking: Socket::open()? })
    }

    /// Watches another namespace, without entering it on the calling thread.
    pub fn open_in(namespace: impl AsFd) -> Result<Self> {
        run_in(namespace.as_fd(), Self::open)?
    }

    /// Waits until all of `addrs`, of the link `index`, can be used: usually one to two seconds.
    ///
    /// # Errors
    /// [`ErrorKind::DuplicateAddress`] if another station has one of them, [`ErrorKind::AddressGone`] if one was removed, and
    /// [`ErrorKind::StillTentative`] at the limit.
    pub fn wait(&mut self, index: IfIndex, addrs: &[Ipv6Addr], limit: Duration) -> Result<()> {
        let since = Instant::now();
        let mut waiting = addrs.to_vec();
        self.look(index, &mut waiting)?;
        while let Some(first) = waiting.first() {
            let still = ErrorKind::StillTentative(*first);
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
                    self.look(index, &mut waiting)?;
                    continue;
                }
                Err(error) => return Err(error),
            };
            for message in Messages::new(self.events.read(0..len)) {
                hear(message?, index, &mut waiting)?;
            }
        }
        Ok(())
    }

    /// Reads how things stand: at the start, and after events were lost.
    fn look(&mut self, index: IfIndex, waiting: &mut Vec<Ipv6Addr>) -> Result<()> {
        let addresses = self.asking.snapshot(&ListAddresses::new().v6().index(index))?;
        let of = |wanted: Ipv6Addr| addresses.iter().find(|a| a.addr.is_some_and(|a| a.ip() == IpAddr::V6(wanted)));
        for wanted in waiting.clone() {
            let address = of(wanted).ok_or(ErrorKind::AddressGone(wanted))?;
            settle(wanted, address.flags.unwrap_or_default(), waiting)?;
        }
        Ok(())
    }
}

fn hear(message: Message<'_>, index: IfIndex, waiting: &mut Vec<Ipv6Addr>) -> Result<()> {
    let Some(address) = AddressView::of(message).filter(|address| address.index() == index) else { return Ok(()) };
    let Some(IpAddr::V6(addr)) = address.addr().map(|addr| addr.ip()) else { return Ok(()) };
    let flags = address.flags().unwrap_or_default();
    if !waiting.contains(&addr) {
        return Ok(());
    }
    if message.header.ty == RTM_DELADDR && !flags.contains(AddressFlags::DADFAILED) {
        return Err(ErrorKind::AddressGone(addr).into());
    }
    settle(addr, flags, waiting)
}

fn settle(addr: Ipv6Addr, flags: AddressFlags, waiting: &mut Vec<Ipv6Addr>) -> Result<()> {
    if flags.contains(AddressFlags::DADFAILED) {
        return Err(ErrorKind::DuplicateAddress(addr).into());
    }
    if !flags.contains(AddressFlags::TENTATIVE) {
        waiting.retain(|waiting| *waiting != addr);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addr::{NewAddress, RTM_GETADDR, RTM_NEWADDR};
    use crate::socket::script::{Event, Script, end};
    use crate::wire::{Header, encoded};

    const INDEX: IfIndex = IfIndex(5);

    /// What is still waited for after an event of this type about an address with these flags, or how the wait ended.
    fn heard(ty: u16, index: IfIndex, addr: &str, flags: AddressFlags) -> Result<usize, String> {
        let mut event = encoded(&NewAddress::new(index, addr.parse().unwrap()).flags(flags));
        event[4..6].copy_from_slice(&ty.to_ne_bytes());
        let mut waiting = vec!["fd00::7".parse().unwrap(), "fd00::8".parse().unwrap()];
        let message = Messages::new(&event).next().unwrap().unwrap();
        hear(message, INDEX, &mut waiting).map(|()| waiting.len()).map_err(|error| error.to_string())
    }

    #[test]
    fn events_about_what_is_waited_for_are_heard() {
        let other = IfIndex(6);
        let (none, failed, tentative) = (AddressFlags::default(), AddressFlags::DADFAILED, AddressFlags::TENTATIVE);
        assert_eq!(heard(RTM_NEWADDR, INDEX, "fd00::7/64", none), Ok(1));
        assert_eq!(heard(RTM_NEWADDR, INDEX, "fd00::7/64", tentative), Ok(2));
        assert_eq!(heard(RTM_NEWADDR, INDEX, "fd00::9/64", failed), Ok(2), "another address");
        for ty in [RTM_NEWADDR, RTM_DELADDR] {
            assert_eq!(heard(ty, other, "fd00::7/64", failed), Ok(2), "another link");
            // One that is not for ever is deleted when it fails.
            let duplicate = ErrorKind::DuplicateAddress("fd00::7".parse().unwrap());
            assert_eq!(heard(ty, INDEX, "fd00::7/64", failed), Err(duplicate.to_string()));
        }
        let gone = ErrorKind::AddressGone("fd00::8".parse().unwrap());
        assert_eq!(heard(RTM_DELADDR, INDEX, "fd00::8/64", none), Err(gone.to_string()));
        assert_eq!(heard(RTM_DELADDR, INDEX, "fd00::8/64", tentative), Err(gone.to_string()));
    }

    /// How a wait ends, where the looks find these flags one after the other, and these events come.
    fn waited(looks: &[AddressFlags], events: Vec<Event>) -> Result<(), String> {
        let looks: Vec<_> = looks.into();
        let mut looks = looks.into_iter();
        let answer = move |request: &[u8]| {
            let header = Header::parse(request).unwrap();
            let flags = looks.next().filter(|_| header.ty == RTM_GETADDR).map(|flags| {
                let mut entry = encoded(&NewAddress::new(INDEX, "fd00::7/64".parse().unwrap()).flags(flags));
                entry[8..12].copy_from_slice(&header.sequence.to_ne_bytes());
                entry
            });
            Ok(flags.into_iter().chain([end(header)]).map(Event::Datagram).collect())
        };
        let mut asking = Socket::scripted(Script::new(answer));
        asking.has_room = true;
        let mut watch = AddressWatch { events: Channel::scripted(Script::of(events)), asking };
        let limit = Duration::from_millis(50);
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
