//! rtnetlink: builders for netlink-packet-route's messages, and an asynchronous connection, driven by a runtime of one thread.

use super::{Macvlan, Vlan};
use crate::decode::Tally;
use crate::work::kernel::GROUP;
use futures_util::TryStreamExt;
use netlink_packet_route::link::{InfoMacVlan, LinkMessage, MacVlanMode, VlanFlags, VlanProtocol};
use rtnetlink::{Handle, LinkMacVlan, LinkUnspec, LinkVlan, QosMapping, RouteMessageBuilder, new_connection};
use std::net::Ipv4Addr;
use sublink::Netns;
use tokio::runtime::{Builder, Runtime};

pub fn macvlan(link: &Macvlan) -> LinkMessage {
    LinkMacVlan::new(link.name, link.parent, MacVlanMode::from(link.mode))
        .address(link.mac.to_vec())
        .mtu(link.mtu)
        .setns_by_fd(link.namespace)
        .append_info_data(InfoMacVlan::BcQueueLen(link.bc_queue_len))
        .build()
}

pub fn vlan(link: &Vlan) -> LinkMessage {
    let map = |map: [(u32, u32); 2]| map.map(|(from, to)| QosMapping { from, to });
    LinkVlan::new(link.name, link.parent, link.id)
        .protocol(VlanProtocol::from(link.protocol))
        .flags(VlanFlags::from_bits_retain(link.flags), VlanFlags::from_bits_retain(link.mask))
        .qos(map(link.ingress), map(link.egress))
        .build()
}

pub fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Its connection, with the runtime it needs.
pub struct Rtnetlink {
    runtime: Runtime,
    handle: Handle,
}

impl Rtnetlink {
    pub fn open() -> Self {
        let runtime = runtime();
        let handle = {
            let _entered = runtime.enter();
            let (connection, handle, _) = new_connection().unwrap();
            runtime.spawn(connection);
            handle
        };
        Self { runtime, handle }
    }

    pub fn open_in(namespace: &Netns) -> Self {
        namespace.run(Self::open).unwrap()
    }

    pub fn create(&self, parent: u32, name: &str, mac: [u8; 6]) {
        let link = LinkMacVlan::new(name, parent, MacVlanMode::Bridge).address(mac.to_vec()).link_group(GROUP);
        self.runtime.block_on(self.handle.link().add(link.build()).execute()).unwrap();
    }

    /// The link of a container, in its place and up; then an address and a default route.
    pub fn attach(&self, inside: &Self, parent: u32, index: u32, namespace: i32, mac: [u8; 6]) {
        let link = LinkMacVlan::new("eth0", parent, MacVlanMode::Bridge).index(index).setns_by_fd(namespace);
        self.runtime.block_on(self.handle.link().add(link.address(mac.to_vec()).build()).execute()).unwrap();
        inside.runtime.block_on(async {
            let address = Ipv4Addr::new(10, 0, 50, 7).into();
            inside.handle.address().add(index, address, 24).execute().await.unwrap();
            let up = LinkUnspec::new_with_index(index).up().build();
            inside.handle.link().set(up).execute().await.unwrap();
            let gateway = Ipv4Addr::new(10, 0, 50, 1);
            let route = RouteMessageBuilder::<Ipv4Addr>::new().gateway(gateway).output_interface(index).build();
            inside.handle.route().add(route).execute().await.unwrap();
        });
    }

    pub fn list(&self) -> Tally {
        let mut tally = Tally::default();
        let links = self.handle.link().get().execute();
        let of_macvlans = links.try_for_each(|link| {
            super::packet_route::add(&mut tally, &link);
            std::future::ready(Ok(()))
        });
        self.runtime.block_on(of_macvlans).unwrap();
        tally
    }

    pub fn delete(&self, index: u32) {
        self.runtime.block_on(self.handle.link().del(index).execute()).unwrap();
    }
}
