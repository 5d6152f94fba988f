//! Who stands on a parent: the MAC addresses in its own list.

use super::ForwardingEntry;
use crate::value::{EtherAddr, MacAddr};

/// A list of at most so many entries came in one datagram, of which the first has room for 94.
const ONE_DATAGRAM: usize = 64;

/// The MAC addresses that a parent lets in besides its own, for the links that stand on it, wherever these are:
/// [`Socket::macs_on`](crate::Socket::macs_on).
///
/// **What is listed:** each macvlan and macvtap that is up, in whatever namespace, of every mode but passthru; macvlans on VLANs
/// of the parent and on its macvlans; VLANs with a MAC address of their own; what somebody put there by hand
/// ([`NewForwarding`](super::NewForwarding)).
///
/// Since Linux 7.2 the addresses on a VLAN come to its parent's list, and leave it, a moment later.
///
/// **What is never listed:** links that are down, a passthru child, ipvlans, VLANs with their parent's MAC address, anything on
/// a VXLAN, and anything on a driver that keeps no such list.
///
/// So a listed address shows that something claims it, but not what. A missing address shows something only if the list is
/// [whole](Certainty::is_whole) and the address was in it before.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MacsOn {
    /// Those that were asked about and are there, in order.
    pub known: Vec<MacAddr>,
    /// The other addresses of single stations, in order.
    pub others: Vec<MacAddr>,
    /// The group addresses, some of which every network stack joins, in order.
    pub groups: Vec<EtherAddr>,
    /// Whether any may be missing.
    pub certainty: Certainty,
}

/// Whether an address may be missing from a list. The kernel does not tell of a change between two datagrams of a list, which
/// may hide addresses that were there all the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Certainty {
    /// None is missing: all came in one datagram.
    OneDatagram,
    /// Hardly any is missing: the list is long, and two reads in a row agreed.
    ReadsAgree,
    /// Some may be missing: the list is long, and no two successive reads of five agreed.
    Unsteady,
}

impl Certainty {
    /// Whether what is missing from the list was not there.
    pub const fn is_whole(self) -> bool {
        matches!(self, Self::OneDatagram | Self::ReadsAgree)
    }
}

impl MacsOn {
    /// What one read showed.
    pub(crate) fn of(entries: &[ForwardingEntry], known: &[MacAddr]) -> Self {
        let mut addrs: Vec<_> = entries.iter().filter_map(|entry| entry.addr).collect();
        addrs.sort_unstable();
        addrs.dedup();
        let groups = addrs.iter().copied().filter(|addr| addr.is_multicast()).collect();
        let (known, others) = addrs.iter().filter_map(|addr| addr.mac()).partition(|mac| known.contains(mac));
        let is_short = entries.len() <= ONE_DATAGRAM;
        let certainty = if is_short { Certainty::OneDatagram } else { Certainty::Unsteady };
        Self { known, others, groups, certainty }
    }

    /// What this read showed behind another.
    pub(crate) fn after(self, other: &Self) -> Self {
        let Self { known, others, groups, certainty } = &self;
        let agrees = (known, others, groups) == (&other.known, &other.others, &other.groups);
        let certainty = if agrees && !certainty.is_whole() { Certainty::ReadsAgree } else { *certainty };
        Self { certainty, ..self }
    }

    pub(crate) fn is_empty(&self) -> bool {
        let Self { known, others, groups, certainty: _ } = self;
        known.is_empty() && others.is_empty() && groups.is_empty()
    }

    /// Whether this address is there.
    pub fn has(&self, mac: MacAddr) -> bool {
        self.known.binary_search(&mac).is_ok() || self.others.binary_search(&mac).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{NeighbourFlags, NeighbourState};
    use super::*;
    use crate::value::IfIndex;

    fn entry(bytes: [u8; 6]) -> ForwardingEntry {
        let (state, flags) = (NeighbourState::Permanent, NeighbourFlags::SELF);
        ForwardingEntry { index: IfIndex(5), addr: EtherAddr::new(bytes).ok(), state, flags }
    }

    fn mac(last: u8) -> MacAddr {
        MacAddr::new([2, 0, 0, 0, 0, last]).unwrap()
    }

    fn list(count: u8) -> MacsOn {
        MacsOn::of(&(0..count).map(|last| entry(mac(last).bytes())).collect::<Vec<_>>(), &[mac(3)])
    }

    #[test]
    fn known_ones_others_and_groups_are_told_apart() {
        let entries = [[2, 0, 0, 0, 0, 9], [0x33, 0x33, 0, 0, 0, 1], [2, 0, 0, 0, 0, 7], [0; 6], [2, 0, 0, 0, 0, 9]];
        let found = MacsOn::of(&entries.map(entry), &[mac(8), mac(7)]);
        assert_eq!((&found.known[..], &found.others[..]), (&[mac(7)][..], &[mac(9)][..]));
        assert_eq!(found.groups, [EtherAddr::new([0x33, 0x33, 0, 0, 0, 1]).unwrap()]);
        assert_eq!([7, 8, 9].map(|last| found.has(mac(last))), [true, false, true]);
    }

    #[test]
    fn a_long_list_is_whole_when_two_reads_agree() {
        assert!(list(64).certainty == Certainty::OneDatagram && list(64).has(mac(63)) && !list(64).has(mac(64)));
        assert_eq!(list(65).certainty, Certainty::Unsteady);
        assert_eq!(list(65).after(&list(65)).certainty, Certainty::ReadsAgree);
        assert_eq!(list(65).after(&list(66)).certainty, Certainty::Unsteady);
        assert_eq!(list(2).after(&list(66)).certainty, Certainty::OneDatagram);
        assert_eq!(list(2).after(&list(2)).certainty, Certainty::OneDatagram);
    }

    #[test]
    fn reads_agree_in_everything() {
        let long = |known: u8, other: u8, group: u8| {
            let mut entries: Vec<_> = (100..170).map(|last| entry(mac(last).bytes())).collect();
            entries.extend([entry(mac(known).bytes()), entry(mac(other).bytes()), entry([0x33, 0x33, 0, 0, 0, group])]);
            MacsOn::of(&entries, &[mac(1), mac(2)])
        };
        let agree = |one: MacsOn, other: &MacsOn| one.after(other).certainty == Certainty::ReadsAgree;
        assert!(agree(long(1, 3, 5), &long(1, 3, 5)));
        for differs in [long(2, 3, 5), long(1, 4, 5), long(1, 3, 6)] {
            assert!(!agree(differs, &long(1, 3, 5)));
        }
    }

    #[test]
    fn a_list_of_groups_only_is_not_empty() {
        let group = [0x33, 0x33, 0, 0, 0, 1];
        assert!(MacsOn::of(&[], &[]).is_empty() && !MacsOn::of(&[entry(group)], &[]).is_empty());
        assert!(!MacsOn::of(&[entry(mac(3).bytes())], &[mac(3)]).is_empty() && !list(1).is_empty());
    }
}
