//! How each peer does the work: as its own examples do, and by its generic calls where it does not know an attribute.

pub mod bindings;
pub mod ip;
pub mod neli;
pub mod nlink;
pub mod packet_route;
pub mod rtnetlink;

use netlink_packet_core::{NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST};
use std::hint::black_box;

pub const SEQ: u32 = 7;
pub const RTM_NEWLINK: u16 = 16;
pub const CREATE: u16 = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;

/// What W1 says, as plain values. That it is the same as ours is checked on the bytes.
pub struct Macvlan {
    pub parent: u32,
    pub name: &'static str,
    pub mac: [u8; 6],
    pub mtu: u32,
    pub namespace: i32,
    pub mode: u32,
    pub bc_queue_len: u32,
}

impl Macvlan {
    pub fn new(namespace: i32) -> Self {
        let mac = [2, 0, 0, 0, 0, 7];
        black_box(Self { parent: 2, name: "macv0", mac, mtu: 1400, namespace, mode: 4, bc_queue_len: 2000 })
    }
}

/// What W2 says.
pub struct Vlan {
    pub parent: u32,
    pub name: &'static str,
    pub id: u16,
    pub protocol: u16,
    pub flags: u32,
    pub mask: u32,
    pub egress: [(u32, u32); 2],
    pub ingress: [(u32, u32); 2],
}

impl Vlan {
    pub fn new() -> Self {
        let (name, id, protocol, flags, mask) = ("eth0.4000", 4000, 0x8100, 2, 3);
        let (egress, ingress) = ([(1, 2), (3, 4)], [(5, 6), (7, 8)]);
        black_box(Self { parent: 2, name, id, protocol, flags, mask, egress, ingress })
    }
}
