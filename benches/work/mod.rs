//! The work that is measured: two creates and a dump, with every value from run time.

#![allow(dead_code, reason = "each benchmark uses a part of it")]

pub mod callgrind;
pub mod kernel;

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use sublink::link::{EgressQos, IngressQos, Macvlan, Vlan, VlanFlags, VlanFlagsChange, VlanPriority, VlanProtocol};
use sublink::value::Name;
use sublink::wire::{Attributes, Messages};
use sublink::{IfIndex, IfName, LinkView, MacAddr, MacvlanMode, NewLink, VlanId};

/// W1: a macvlan with eight properties, 116 bytes.
pub struct MacvlanWork<'a> {
    pub parent: IfIndex,
    pub name: IfName,
    pub mac: MacAddr,
    pub mtu: u32,
    pub namespace: BorrowedFd<'a>,
    pub mode: MacvlanMode,
    pub bc_queue_len: u32,
}

impl<'a> MacvlanWork<'a> {
    /// `namespace` is any open file: nothing is sent.
    pub fn new(namespace: &'a File) -> Self {
        Self {
            parent: IfIndex::new(2).unwrap(),
            name: IfName::new("macv0").unwrap(),
            mac: MacAddr::new([2, 0, 0, 0, 0, 7]).unwrap(),
            mtu: 1400,
            namespace: namespace.as_fd(),
            mode: MacvlanMode::Bridge,
            bc_queue_len: 2000,
        }
    }

    #[inline]
    pub fn link(&self) -> NewLink<'_, Macvlan<'_>> {
        NewLink::macvlan(self.parent)
            .name(self.name)
            .mac(self.mac)
            .mtu(self.mtu)
            .netns(&self.namespace)
            .mode(self.mode)
            .bc_queue_len(self.bc_queue_len)
    }
}

/// W2: a VLAN with flags and two entries in each map, 160 bytes.
pub struct VlanWork {
    pub parent: IfIndex,
    pub name: IfName,
    pub id: VlanId,
    pub protocol: VlanProtocol,
    pub flags: VlanFlagsChange,
    pub egress: [EgressQos; 2],
    pub ingress: [IngressQos; 2],
}

impl VlanWork {
    pub fn new() -> Self {
        let priority = |priority| VlanPriority::new(priority).unwrap();
        Self {
            parent: IfIndex::new(2).unwrap(),
            name: IfName::new("eth0.4000").unwrap(),
            id: VlanId::new(4000).unwrap(),
            protocol: VlanProtocol::Ieee8021Q,
            flags: VlanFlags::GVRP.on() | VlanFlags::REORDER_HDR.off(),
            egress: [EgressQos::new(1, priority(2)), EgressQos::new(3, priority(4))],
            ingress: [IngressQos::new(priority(5), 6), IngressQos::new(priority(7), 8)],
        }
    }

    #[inline]
    pub fn link(&self) -> NewLink<'_, Vlan<'_>> {
        NewLink::vlan(self.parent, self.id)
            .name(self.name)
            .protocol(self.protocol)
            .flags(self.flags)
            .egress_qos(&self.egress)
            .ingress_qos(&self.ingress)
    }
}

/// How many links W3 reads.
pub const LINKS: usize = 1000;

/// W3: a dump of macvlans as Linux 6.18 sends it, 40 attributes a link.
pub fn dump() -> Vec<u8> {
    let link = include_bytes!("../../tests/fixtures/reply-6.18-macvlan-bridge.bin");
    let mut bytes = Vec::with_capacity(LINKS * link.len());
    for index in (1u32..).take(LINKS) {
        let start = bytes.len();
        bytes.extend_from_slice(link);
        bytes[start + 20..start + 24].copy_from_slice(&index.to_ne_bytes());
    }
    bytes
}

/// What W3 reads of a link.
#[derive(Debug, PartialEq)]
pub struct Summary<'a> {
    pub index: IfIndex,
    pub name: Name<'a>,
    pub mac: Option<MacAddr>,
    pub parent: Option<IfIndex>,
    pub kind: Name<'a>,
    pub mode: Option<MacvlanMode>,
}

impl<'a> Summary<'a> {
    #[inline]
    pub fn of(link: &LinkView<'a>) -> Self {
        Self {
            index: link.index(),
            name: link.name(),
            mac: link.mac().mac(),
            parent: link.parent(),
            kind: link.kind().name(),
            mode: link.macvlan().and_then(|macvlan| macvlan.mode()),
        }
    }
}

/// Reads a dump and hands each link's summary on.
#[inline]
pub fn read_dump<'a>(dump: &'a [u8], mut each: impl FnMut(Summary<'a>)) {
    for message in Messages::new(dump).map_while(Result::ok) {
        if let Some(link) = LinkView::of(message) {
            each(Summary::of(&link));
        }
    }
}

/// The floor of W3: steps over each link's attributes without reading one; how many there are.
#[inline]
pub fn walk(dump: &[u8]) -> usize {
    let links = Messages::new(dump).map_while(Result::ok).filter_map(|link| link.payload.get(16..));
    links.map(|attributes| Attributes::new(attributes).count()).sum()
}
