//! macvlan and macvtap have the same properties under two kinds' names: each test of them is written once, for both.

use crate::common::{Skip, needs};
use std::os::fd::BorrowedFd;
use sublink::link::{KindInfo, Macvlan, MacvlanChange, MacvlanFlags, Macvtap, MacvtapChange, SourceMacs};
use sublink::value::NsId;
use sublink::{IfIndex, IfName, LinkChange, MacAddr, MacvlanMode, NewLink, Result, Socket};

/// The kind macvlan.
pub struct MacvlanKind;
/// The kind macvtap.
pub struct MacvtapKind;

/// A link to create; by default down, without a name, and without properties.
#[derive(Clone, Copy, Default)]
pub struct New<'a> {
    pub name: Option<&'a str>,
    pub mac: Option<MacAddr>,
    pub mtu: Option<u32>,
    pub up: bool,
    pub netns: Option<BorrowedFd<'a>>,
    pub parent_in: Option<NsId>,
    pub mode: Option<MacvlanMode>,
    pub flags: Option<MacvlanFlags>,
    pub bc_queue_len: Option<u32>,
    pub bc_cutoff: Option<i32>,
    /// Sets the mode as well, unless `mode` says another.
    pub senders: Option<&'a [MacAddr]>,
}

/// A change of a link; by default of nothing.
#[derive(Clone, Copy, Default)]
pub struct Change<'a> {
    pub mac: Option<MacAddr>,
    pub mtu: Option<u32>,
    pub up: bool,
    pub mode: Option<MacvlanMode>,
    pub flags: Option<MacvlanFlags>,
    pub bc_queue_len: Option<u32>,
    pub bc_cutoff: Option<i32>,
    pub macaddr: Option<SourceMacs<'a>>,
}

/// What both kinds report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    pub mode: Option<MacvlanMode>,
    pub flags: Option<MacvlanFlags>,
    pub bc_queue_len: Option<u32>,
    pub bc_queue_len_used: Option<u32>,
    pub bc_cutoff: Option<i32>,
    pub macaddr_count: Option<u32>,
    /// Sorted, since the kernel's order is that of a hash table.
    pub senders: Vec<MacAddr>,
}

/// One of the two kinds.
pub trait Twin {
    /// The kernel's name of it.
    const KIND: &'static str;
    /// Creates a link.
    fn create(socket: &mut Socket, parent: IfIndex, new: &New<'_>) -> Result<IfIndex>;
    /// Changes a link.
    fn change(socket: &mut Socket, index: IfIndex, change: &Change<'_>) -> Result<()>;
    /// Whether the kernel took all of what a link was created with.
    fn verify_created(socket: &mut Socket, index: IfIndex, parent: IfIndex, new: &New<'_>) -> Result<()>;
    /// Whether the kernel took all of a change.
    fn verify_changed(socket: &mut Socket, index: IfIndex, change: &Change<'_>) -> Result<()>;
    /// What the kernel reports; the view and the owned copy have to agree.
    fn read(socket: &mut Socket, index: IfIndex) -> Shown;
    /// Whether the driver is there.
    fn needed() -> Result<(), Skip> {
        needs(Self::KIND)
    }
}

macro_rules! set {
    ($link:ident, $from:ident: $($field:ident)*) => {
        $(if let Some(value) = $from.$field { $link = $link.$field(value); })*
    };
}

macro_rules! twin {
    ($Twin:ident, $kind:ident, $other:ident, $New:ident, $Change:ident, $Info:ident) => {
        impl $Twin {
            fn new_link<'a>(parent: IfIndex, new: &'a New<'a>) -> NewLink<'a, $New<'a>> {
                let mut link = NewLink::$kind(parent);
                if let Some(senders) = new.senders {
                    link = link.source(senders);
                }
                if let Some(name) = new.name {
                    link = link.name(IfName::new(name).unwrap());
                }
                if let Some(netns) = &new.netns {
                    link = link.netns(netns);
                }
                set!(link, new: mac mtu parent_in mode flags bc_queue_len bc_cutoff);
                if new.up { link.up() } else { link }
            }

            fn link_change<'a>(index: IfIndex, change: &Change<'a>) -> LinkChange<'a, $Change<'a>> {
                let mut link = LinkChange::$kind(index);
                set!(link, change: mac mtu mode flags bc_queue_len bc_cutoff macaddr);
                if change.up { link.up() } else { link }
            }
        }

        impl Twin for $Twin {
            const KIND: &'static str = stringify!($kind);

            fn create(socket: &mut Socket, parent: IfIndex, new: &New<'_>) -> Result<IfIndex> {
                socket.create(&Self::new_link(parent, new))
            }

            fn change(socket: &mut Socket, index: IfIndex, change: &Change<'_>) -> Result<()> {
                socket.change(&Self::link_change(index, change))
            }

            fn verify_created(socket: &mut Socket, index: IfIndex, parent: IfIndex, new: &New<'_>) -> Result<()> {
                socket.verify(index, &Self::new_link(parent, new))
            }

            fn verify_changed(socket: &mut Socket, index: IfIndex, change: &Change<'_>) -> Result<()> {
                socket.verify(index, &Self::link_change(index, change))
            }

            fn read(socket: &mut Socket, index: IfIndex) -> Shown {
                let link = socket.link_at(index).unwrap();
                assert!(link.$other().is_none() && link.vlan().is_none() && link.ipvlan().is_none());
                let view = link.$kind().unwrap_or_else(|| panic!("{link:?} is no {}", Self::KIND));
                let KindInfo::$Info(info) = link.to_owned().kind else { panic!("{:?}", link.to_owned()) };
                let mut senders = info.macaddrs.clone().unwrap_or_default();
                assert!(view.macaddrs().into_iter().flatten().eq(senders.iter().copied()));
                senders.sort();
                let shown = Shown {
                    mode: view.mode(),
                    flags: view.flags(),
                    bc_queue_len: view.bc_queue_len(),
                    bc_queue_len_used: view.bc_queue_len_used(),
                    bc_cutoff: view.bc_cutoff(),
                    macaddr_count: view.macaddr_count(),
                    senders,
                };
                let owned = Shown {
                    mode: info.mode,
                    flags: info.flags,
                    bc_queue_len: info.bc_queue_len,
                    bc_queue_len_used: info.bc_queue_len_used,
                    bc_cutoff: info.bc_cutoff,
                    macaddr_count: info.macaddr_count,
                    senders: shown.senders.clone(),
                };
                assert_eq!(shown, owned);
                shown
            }
        }
    };
}
twin!(MacvlanKind, macvlan, macvtap, Macvlan, MacvlanChange, Macvlan);
twin!(MacvtapKind, macvtap, macvlan, Macvtap, MacvtapChange, Macvtap);
