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
    use crate::addr::{NewAddress, RTM_NEWADDR};
    use crate::wire::encoded;

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
}
