//! `IFLA_MACVLAN_BC_CUTOFF`, which iproute2 knows since 6.4, later than Debian 12's: so netlink-packet-route sets and reads
//! it in `ip`'s place, over a socket without anything of ours.

use crate::common::{Skip, knows, mac, name, parent, socket};
use netlink_packet_core::{NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{InfoData, InfoKind, InfoMacVlan, LinkAttribute, LinkInfo as Info, LinkMessage};
use netlink_sys::protocols::NETLINK_ROUTE;
use sublink::{ErrorKind, IfIndex, MacvlanMode, NewLink};
use sublink_tests::kernel_test;

/// What the kernel reports of a cutoff that was asked for: nothing of its default, 1, and nothing at all up to 6.3.
fn reported(asked: i32) -> Option<i32> {
    Some(asked).filter(|cutoff| *cutoff != 1 && knows("bc_cutoff"))
}

const CUTOFFS: [i32; 5] = [-1, 0, 1, 5, i32::MAX];

#[kernel_test]
fn set_by_us_read_by_packet_route() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    for cutoff in CUTOFFS {
        let link = NewLink::macvlan(parent).mode(MacvlanMode::Bridge).bc_cutoff(cutoff).name(name("t0")).mac(mac(7));
        let index = socket.create(&link).expect("a macvlan");
        assert_eq!(cutoff_by_packet_route(index), reported(cutoff), "{cutoff}");
        let was_ignored = match socket.verify(index, &link) {
            Ok(()) => false,
            Err(error) => matches!(error.kind(), ErrorKind::Ignored("IFLA_MACVLAN_BC_CUTOFF")),
        };
        assert_eq!(was_ignored, !knows("bc_cutoff") && cutoff != 1, "{cutoff}");
        socket.delete(index).expect("a delete");
    }
    Ok(())
}

#[kernel_test]
fn set_by_packet_route_read_by_us() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    for cutoff in CUTOFFS {
        create_by_packet_route(parent, cutoff);
        let link = socket.link("t0").expect("the link");
        let (index, macvlan) = (link.index(), link.macvlan().expect("a macvlan"));
        assert_eq!(macvlan.bc_cutoff(), reported(cutoff), "{cutoff}");
        socket.delete(index).expect("a delete");
    }
    Ok(())
}

fn create_by_packet_route(parent: IfIndex, cutoff: i32) {
    let mut link = LinkMessage::default();
    link.attributes = vec![
        LinkAttribute::IfName("t0".into()),
        LinkAttribute::Link(parent.get()),
        LinkAttribute::LinkInfo(vec![
            Info::Kind(InfoKind::MacVlan),
            Info::Data(InfoData::MacVlan(vec![InfoMacVlan::BcCutoff(cutoff)])),
        ]),
    ];
    let flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
    match exchange(RouteNetlinkMessage::NewLink(link), flags) {
        NetlinkPayload::Error(outcome) => assert_eq!(outcome.code, None, "{outcome:?}"),
        other => panic!("{other:?}"),
    }
}

fn cutoff_by_packet_route(index: IfIndex) -> Option<i32> {
    let mut request = LinkMessage::default();
    request.header.index = index.get();
    let NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewLink(link)) =
        exchange(RouteNetlinkMessage::GetLink(request), NLM_F_REQUEST)
    else {
        panic!("no link");
    };
    let infos = link.attributes.iter().filter_map(|attribute| match attribute {
        LinkAttribute::LinkInfo(infos) => Some(infos),
        _ => None,
    });
    let data = infos.flatten().find_map(|info| match info {
        Info::Data(InfoData::MacVlan(data)) => Some(data),
        _ => None,
    });
    data.expect("a macvlan").iter().find_map(|attribute| match attribute {
        InfoMacVlan::BcCutoff(cutoff) => Some(*cutoff),
        _ => None,
    })
}

/// One request of that crate, and the first message of the answer.
fn exchange(request: RouteNetlinkMessage, flags: u16) -> NetlinkPayload<RouteNetlinkMessage> {
    let mut message = NetlinkMessage::from(request);
    message.header.flags = flags;
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    let socket = netlink_sys::Socket::new(NETLINK_ROUTE).expect("a socket");
    socket.send(&bytes, 0).expect("a send");
    let (answer, _) = socket.recv_from_full().expect("an answer");
    NetlinkMessage::deserialize(&answer).expect("a message").payload
}
