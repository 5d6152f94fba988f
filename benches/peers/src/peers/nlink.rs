//! nlink: its `MacvlanLink` has no namespace and no queue length, so W1 and W2 are made by its public builder of messages.

use super::{CREATE, Macvlan, RTM_NEWLINK, SEQ, Vlan};
use crate::decode::Tally;
use crate::measure::Sink;
use crate::work::kernel::GROUP;
use nlink::netlink::attr::AttrIter;
use nlink::netlink::link::{LinkConfig, MacvlanLink, MacvlanMode};
use nlink::netlink::messages::LinkMessage;
use nlink::netlink::{Connection, FromNetlink, InterfaceRef, MessageBuilder, MessageIter, Route};

fn message(sink: Sink<'_>, attributes: impl FnOnce(&mut MessageBuilder)) {
    let mut message = MessageBuilder::new(RTM_NEWLINK, CREATE);
    message.set_seq(SEQ);
    message.append_bytes(&[0; 16]);
    attributes(&mut message);
    sink(&message.finish());
}

pub fn macvlan(link: &Macvlan, sink: Sink<'_>) {
    message(sink, |message| {
        message.append_attr_str(3, link.name);
        message.append_attr_u32(5, link.parent);
        message.append_attr(1, &link.mac);
        message.append_attr_u32(4, link.mtu);
        message.append_attr_u32(28, link.namespace as u32);
        let info = message.nest_start(18);
        message.append_attr_str(1, "macvlan");
        let data = message.nest_start(2);
        message.append_attr_u32(1, link.mode);
        message.append_attr_u32(7, link.bc_queue_len);
        message.nest_end(data);
        message.nest_end(info);
    });
}

pub fn vlan(link: &Vlan, sink: Sink<'_>) {
    message(sink, |message| {
        message.append_attr_str(3, link.name);
        message.append_attr_u32(5, link.parent);
        let info = message.nest_start(18);
        message.append_attr_str(1, "vlan");
        let data = message.nest_start(2);
        message.append_attr_u16(1, link.id);
        message.append_attr_u16_be(5, link.protocol);
        let words = |a: u32, b: u32| u64::from(b) << 32 | u64::from(a);
        message.append_attr_u64(2, words(link.flags, link.mask));
        for (number, map) in [(3, link.egress), (4, link.ingress)] {
            let nest = message.nest_start(number);
            for (from, to) in map {
                message.append_attr_u64(1, words(from, to));
            }
            message.nest_end(nest);
        }
        message.nest_end(data);
        message.nest_end(info);
    });
}

pub fn read(dump: &[u8]) -> Tally {
    let mut tally = Tally::default();
    for message in MessageIter::new(dump) {
        let (_, payload) = message.unwrap();
        add(&mut tally, &LinkMessage::from_bytes(payload).unwrap());
    }
    tally
}

fn add(tally: &mut Tally, link: &LinkMessage) {
    let info = link.link_info();
    let mut data = AttrIter::new(info.and_then(|info| info.data()).unwrap_or_default());
    let mode = data.find(|(number, _)| *number == 1).and_then(|(_, value)| value.first_chunk().copied());
    let (name, kind) = (link.name().unwrap_or_default(), link.kind().unwrap_or_default());
    let (mac, parent) = (link.address().unwrap_or_default(), link.link().unwrap_or(0));
    tally.add(link.ifindex(), name.as_bytes(), mac, parent, kind.as_bytes(), mode.map_or(0, u32::from_ne_bytes));
}

/// Its connection, with the runtime it needs.
pub struct Nlink {
    runtime: tokio::runtime::Runtime,
    connection: Connection<Route>,
}

impl Nlink {
    pub fn open() -> Self {
        let runtime = super::rtnetlink::runtime();
        let connection = runtime.block_on(async { Connection::<Route>::new().unwrap() });
        Self { runtime, connection }
    }

    pub fn create(&self, parent: u32, name: &str, mac: [u8; 6]) {
        let link = MacvlanLink::with_parent_index(name, parent).mode(MacvlanMode::Bridge).address(mac);
        self.runtime.block_on(self.connection.add_link(Grouped(link))).unwrap();
    }

    pub fn list(&self) -> Tally {
        let mut tally = Tally::default();
        for link in self.runtime.block_on(self.connection.get_links()).unwrap() {
            if link.kind() == Some("macvlan") {
                add(&mut tally, &link);
            }
        }
        tally
    }

    pub fn delete(&self, index: u32) {
        self.runtime.block_on(self.connection.del_link_by_index(index)).unwrap();
    }
}

/// A macvlan in the group that is removed together.
struct Grouped(MacvlanLink);

impl LinkConfig for Grouped {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn kind(&self) -> &str {
        self.0.kind()
    }

    fn parent_ref(&self) -> Option<&InterfaceRef> {
        self.0.parent_ref()
    }

    fn write_to(&self, message: &mut MessageBuilder, parent: Option<u32>) {
        message.append_attr_u32(27, GROUP);
        self.0.write_to(message, parent);
    }
}
