//! macvlan: several links with MAC addresses of their own on one Ethernet parent.
//!
//! ```text
//!   mv0 02:…:01      mv1 02:…:02          private   siblings do not reach each other
//!        \             /                  vepa      only through a switch that sends frames back (hairpin)
//!         eth0 (parent) ── the network    bridge    directly
//!                                         passthru  one child, which takes over the parent's address
//!                                         source    frames in by the *sender's* MAC, from a list
//! ```
//!
//! In no mode do a child and its parent's own stack reach each other. All children of a parent in bridge mode reach each
//! other, in whatever namespace they are. A parent that has a passthru child has no other; one that is a bridge port or
//! carries ipvlan can have none (EBUSY). The kernel gives no text with macvlan's own errors. Source:
//! `drivers/net/macvlan.c`.

use super::encode::{Kind, info_kind};
use super::{KindFacts, LinkChange, NewLink};
use crate::value::{IfIndex, MacAddr, flags, numbers};
use crate::wire::{Compare, Entries, Entry, Row, compare_as_printed, fixed, table};
use std::collections::BTreeSet;

numbers! {
    /// How frames pass between the macvlans of one parent (`MACVLAN_MODE_…`).
    MacvlanMode: u32, "mode" {
        /// Siblings do not reach each other. Against a switch that sends frames back it holds for broadcasts and multicasts
        /// only: who knows a sibling's MAC address gets through.
        1 Private "private",
        /// Siblings reach each other through a switch that sends frames back; the kernel's default.
        2 Vepa "vepa",
        /// Siblings reach each other directly; Docker's default.
        4 Bridge "bridge",
        /// One child takes over the parent. It cannot be changed to or from another mode.
        8 Passthru "passthru",
        /// Frames are delivered by their sender's MAC address, from a list.
        16 Source "source",
        Other "{}"
    }
}

flags! {
    /// A macvlan's flags (`MACVLAN_FLAG_…`). A change replaces all of them.
    ///
    /// ```
    /// use sublink::link::MacvlanFlags;
    /// use sublink::{IfIndex, MacvlanMode, NewLink};
    /// let quiet = NewLink::macvlan(IfIndex::new(2)?).mode(MacvlanMode::Passthru).flags(MacvlanFlags::NOPROMISC);
    /// # Ok::<(), sublink::value::InvalidValue>(())
    /// ```
    MacvlanFlags: u16 {
        /// A passthru child does not make its parent promiscuous. Passthru only.
        1 "MACVLAN_FLAG_NOPROMISC" NOPROMISC "nopromisc",
        /// In source mode, a frame that went to a child by its sender's MAC is not delivered by its receiver's MAC as well
        /// (since Linux 5.13 and in late releases of 5.10; others answer EINVAL).
        2 "MACVLAN_FLAG_NODST" NODST "nodst",
    }
}

compare_as_printed!(MacvlanFlags);

fixed! {
    MacvlanMode: 4 + 0, MacvlanMode::Other(0), |v: MacvlanMode| v.number().to_ne_bytes(), |b| MacvlanMode::from(u32::from_ne_bytes(b));
    MacvlanFlags: 2 + 2, MacvlanFlags::NONE, |v: MacvlanFlags| v.0.to_ne_bytes(), |b| MacvlanFlags(u16::from_ne_bytes(b));
    MacAddrMode: 4 + 0, MacAddrMode(0), |v: MacAddrMode| v.0.to_ne_bytes(), |b| MacAddrMode(u32::from_ne_bytes(b));
}

/// What to do with a source list (`MACVLAN_MACADDR_…`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MacAddrMode(u32);

impl MacAddrMode {
    pub(super) const ADD: Self = Self(0);
    pub(super) const DELETE: Self = Self(1);
    pub(super) const FLUSH: Self = Self(2);
    pub(super) const SET: Self = Self(3);
}

impl Entry for MacAddr {
    const ROW: Row = Row::value(MacvlanView::IFLA_MACVLAN_MACADDR, "IFLA_MACVLAN_MACADDR");
}

/// The kernel reports senders in an order of its own, and each once.
impl Compare for Entries<'_, MacAddr> {
    fn words(&self) -> String {
        format!("{:?}", self.collect::<BTreeSet<_>>())
    }
    fn words_of_none() -> Option<String> {
        Some("{}".into())
    }
}

/// A change of the list of senders that a macvlan in source mode hears. In another mode: EINVAL.
///
/// A request sets at most some 5,450 senders. The kernel lets the list grow beyond, but cannot report a link with a longer one.
///
/// ```
/// use sublink::link::SourceMacs;
/// use sublink::{IfIndex, LinkChange};
/// let change = LinkChange::macvlan(IfIndex::new(7)?).macaddr(SourceMacs::Add("02:00:00:00:00:07".parse()?));
/// # Ok::<(), sublink::value::InvalidValue>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SourceMacs<'a> {
    /// Adds one; that it is there already is no error.
    Add(MacAddr),
    /// Removes one; that it is absent is no error.
    Delete(MacAddr),
    /// Removes all.
    Flush,
    /// Replaces the list by this one.
    Set(&'a [MacAddr]),
}

/// The one table of macvlan and macvtap, which have the same attributes.
macro_rules! macvlan_table {
    ($(#[$cd:meta])* $C:ident, $(#[$hd:meta])* $H:ident, $(#[$vd:meta])* $V:ident, $(#[$id:meta])* $I:ident) => {
        table! {
            $(#[$cd])*
            kind create $C<'a>,
            $(#[$hd])*
            change $H<'a>,
            $(#[$vd])*
            view $V<'a>,
            $(#[$id])*
            info $I {}
            both {
                /// How frames pass between siblings.
                1 IFLA_MACVLAN_MODE pub mode: MacvlanMode,
                /// How many broadcast and multicast packets the parent queues for its children; 1,000 unless set. The
                /// largest request of all children counts (since Linux 5.11; 5.10 ignores it silently).
                7 IFLA_MACVLAN_BC_QUEUE_LEN pub bc_queue_len: u32,
            }
            both {
                /// Flags: all of them, not only those to switch on.
                2 IFLA_MACVLAN_FLAGS pub flags: MacvlanFlags,
                /// Multicast frames are queued once their address has this many users on the parent; -1 queues none. It
                /// holds for all children of the parent together (since Linux 6.4; 6.1 ignores it silently). The kernel
                /// does not report its default, 1.
                9 IFLA_MACVLAN_BC_CUTOFF pub bc_cutoff: i32 where 1 is unreported,
            }
            request {
                3 IFLA_MACVLAN_MACADDR_MODE pub(super) macaddr_mode: MacAddrMode,
            }
            order {
                4 IFLA_MACVLAN_MACADDR pub(super) macaddr_one: MacAddr,
            }
            reply {
                /// The length of the list of senders in source mode.
                6 IFLA_MACVLAN_MACADDR_COUNT pub macaddr_count: u32,
                /// The queue length in force on the parent: the largest that a child asked for.
                8 IFLA_MACVLAN_BC_QUEUE_LEN_USED pub bc_queue_len_used: u32,
            }
            lists {
                /// The senders that are heard in source mode.
                5 IFLA_MACVLAN_MACADDR_DATA pub(super) macaddrs: &'a [MacAddr] => Entries<'a, MacAddr> => Vec<MacAddr>,
            }
        }

        impl $C<'_> {
            /// Whether it takes over its parent's address instead of having one.
            pub(super) fn is_passthru(&self) -> bool {
                self.mode == MacvlanMode::Passthru
            }
        }

        impl<'a> NewLink<'_, $C<'a>> {
            /// In source mode, hearing these senders.
            #[doc(alias = "IFLA_MACVLAN_MACADDR_DATA")]
            #[must_use]
            pub const fn source(self, senders: &'a [MacAddr]) -> Self {
                self.mode(MacvlanMode::Source).macaddr_mode(MacAddrMode::SET).macaddrs(senders)
            }
        }

        impl<'a> LinkChange<'_, $H<'a>> {
            /// Changes the list of senders that are heard in source mode: one change of it per request.
            #[doc(alias = "IFLA_MACVLAN_MACADDR_MODE")]
            #[must_use]
            pub const fn macaddr(mut self, change: SourceMacs<'a>) -> Self {
                let set = self.kind.set.without($V::IFLA_MACVLAN_MACADDR_MODE); // by an earlier call
                self.kind.set = set.without($V::IFLA_MACVLAN_MACADDR).without($V::IFLA_MACVLAN_MACADDR_DATA);
                match change {
                    SourceMacs::Add(mac) => self.macaddr_mode(MacAddrMode::ADD).macaddr_one(mac),
                    SourceMacs::Delete(mac) => self.macaddr_mode(MacAddrMode::DELETE).macaddr_one(mac),
                    SourceMacs::Flush => self.macaddr_mode(MacAddrMode::FLUSH),
                    SourceMacs::Set(senders) => self.macaddr_mode(MacAddrMode::SET).macaddrs(senders),
                }
            }
        }
    };
}
pub(super) use macvlan_table;

macvlan_table! {
    /// What makes a new link a macvlan.
    Macvlan,
    /// What can be changed of a macvlan.
    MacvlanChange,
    /// What only a macvlan has, as the kernel reports it.
    MacvlanView,
    /// What only a macvlan has, owned.
    MacvlanInfo
}

/// Linux before 5.11 ignores the one, before 6.4 the other.
pub(super) const IGNORED_BY_OLDER: &[u16] =
    &[MacvlanView::IFLA_MACVLAN_BC_QUEUE_LEN, MacvlanView::IFLA_MACVLAN_BC_CUTOFF];

pub(super) const FACTS: KindFacts =
    KindFacts { name: "macvlan", module: "macvlan", rows: MacvlanView::ROWS, ignored_by_older: IGNORED_BY_OLDER };

impl Kind for Macvlan<'_> {
    const INFO: Option<[u8; 12]> = Some(info_kind(FACTS.name));
}

impl Kind for MacvlanChange<'_> {
    const INFO: Option<[u8; 12]> = Some(info_kind(FACTS.name));
}

impl NewLink<'_, Macvlan<'_>> {
    /// A macvlan on `parent`, which must be Ethernet-like, and not `lo` (EINVAL). On a parent that is itself a macvlan, it
    /// is attached to that one's parent. The mode is vepa unless [`mode`](Self::mode) says otherwise.
    #[must_use]
    #[inline]
    pub const fn macvlan(parent: IfIndex) -> Self {
        Self::new(Macvlan::NEW).parent(parent)
    }
}

impl LinkChange<'_, MacvlanChange<'_>> {
    /// A change of a macvlan. For a link of another kind: EOPNOTSUPP.
    #[must_use]
    #[inline]
    pub const fn macvlan(index: IfIndex) -> Self {
        Self::of(index, MacvlanChange::NEW)
    }
}

#[cfg(test)]
mod tests {
    use super::super::request::tests::{attributes, info_data, reply};
    use super::*;
    use crate::link::LinkView;
    use crate::value::IfName;

    const PARENT: IfIndex = IfIndex(5);

    fn mac(last: u8) -> MacAddr {
        MacAddr::new([2, 0, 0, 0, 0, last]).unwrap()
    }

    #[test]
    fn a_macvlan_is_these_bytes() {
        let link = NewLink::macvlan(PARENT)
            .name(IfName::new("mv0").unwrap())
            .mac(mac(7))
            .mtu(1400)
            .mode(MacvlanMode::Bridge)
            .bc_queue_len(500)
            .flags(MacvlanFlags::NODST)
            .bc_cutoff(-1);
        #[rustfmt::skip]
        assert_eq!(attributes(&link), [
            8, 0, 5, 0,  5, 0, 0, 0,                            // IFLA_LINK = 5
            10, 0, 1, 0,  2, 0, 0, 0, 0, 7,  0, 0,              // IFLA_ADDRESS = 02:00:00:00:00:07
            8, 0, 4, 0,  0x78, 5, 0, 0,                         // IFLA_MTU = 1400
            8, 0, 3, 0,  b'm', b'v', b'0', 0,                   // IFLA_IFNAME = mv0
            52, 0, 18, 0x80,                                    // IFLA_LINKINFO {
              12, 0, 1, 0,  b'm', b'a', b'c', b'v', b'l', b'a', b'n', 0, // IFLA_INFO_KIND = macvlan
              36, 0, 2, 0x80,                                   //   IFLA_INFO_DATA {
                8, 0, 1, 0,  4, 0, 0, 0,                        //     IFLA_MACVLAN_MODE = bridge
                8, 0, 7, 0,  0xf4, 1, 0, 0,                     //     IFLA_MACVLAN_BC_QUEUE_LEN = 500
                6, 0, 2, 0,  2, 0,  0, 0,                       //     IFLA_MACVLAN_FLAGS = nodst
                8, 0, 9, 0,  0xff, 0xff, 0xff, 0xff,            //     IFLA_MACVLAN_BC_CUTOFF = -1
        ]);
    }

    #[test]
    fn a_source_list_is_set_at_create() {
        let senders = [mac(1), mac(2)];
        #[rustfmt::skip]
        assert_eq!(info_data(&NewLink::macvlan(PARENT).source(&senders)), [
            8, 0, 1, 0,  16, 0, 0, 0,                           // IFLA_MACVLAN_MODE = source
            8, 0, 3, 0,  3, 0, 0, 0,                            // IFLA_MACVLAN_MACADDR_MODE = set
            28, 0, 5, 0x80,                                     // IFLA_MACVLAN_MACADDR_DATA {
              10, 0, 4, 0,  2, 0, 0, 0, 0, 1,  0, 0,            //   IFLA_MACVLAN_MACADDR
              10, 0, 4, 0,  2, 0, 0, 0, 0, 2,  0, 0,            //   IFLA_MACVLAN_MACADDR
        ]);
    }

    #[test]
    fn a_later_change_of_the_list_replaces_an_earlier_one() {
        let senders = [mac(1)];
        let change = LinkChange::macvlan(PARENT).macaddr(SourceMacs::Set(&senders)).macaddr(SourceMacs::Delete(mac(2)));
        #[rustfmt::skip]
        assert_eq!(info_data(&change), [
            8, 0, 3, 0,  1, 0, 0, 0,                            // IFLA_MACVLAN_MACADDR_MODE = del
            10, 0, 4, 0,  2, 0, 0, 0, 0, 2,  0, 0,              // IFLA_MACVLAN_MACADDR
        ]);
        #[rustfmt::skip]
        assert_eq!(info_data(&LinkChange::macvtap(PARENT).macaddr(SourceMacs::Flush)), [
            8, 0, 3, 0,  2, 0, 0, 0,                            // IFLA_MACVLAN_MACADDR_MODE = flush
        ]);
    }

    #[test]
    fn what_is_written_is_read() {
        let senders = [mac(1), mac(2)];
        let bytes = reply(&NewLink::macvlan(PARENT).source(&senders).bc_cutoff(-5).flags(MacvlanFlags::NOPROMISC));
        let link = LinkView::of(bytes.message()).unwrap();
        let macvlan = link.macvlan().unwrap();
        assert_eq!(link.parent(), Some(PARENT));
        assert_eq!(macvlan.mode(), Some(MacvlanMode::Source));
        assert_eq!(macvlan.bc_cutoff(), Some(-5));
        assert_eq!(macvlan.flags(), Some(MacvlanFlags::NOPROMISC));
        assert_eq!(macvlan.to_owned().macaddrs, Some(senders.to_vec()));
        assert!(link.macvtap().is_none() && link.vlan().is_none());
    }

    #[test]
    fn modes_have_the_names_of_ip_and_unknown_ones_survive() {
        for mode in ["private", "vepa", "bridge", "passthru", "source"] {
            assert_eq!(mode.parse::<MacvlanMode>().unwrap().to_string(), mode);
        }
        assert!("veth".parse::<MacvlanMode>().is_err());
        assert_eq!(MacvlanMode::from(64).to_string(), "64");
        assert!((0..100).all(|number| MacvlanMode::from(number).number() == number));
    }
}
