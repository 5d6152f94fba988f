use netlink_packet_core::{NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{
    InfoData, InfoKind, InfoMacVlan, LinkAttribute, LinkFlags, LinkInfo, LinkMessage, MacVlanMode,
};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use std::io::{Error, Result};

fn ask(socket: &mut Socket, link: RouteNetlinkMessage, flags: u16) -> Result<NetlinkPayload<RouteNetlinkMessage>> {
    let mut message = NetlinkMessage::from(link);
    message.header.flags = NLM_F_REQUEST | flags;
    message.finalize();
    let mut buf = vec![0; message.buffer_len()];
    message.serialize(&mut buf);
    socket.send(&buf, 0)?;
    let (answer, _) = socket.recv_from_full()?;
    Ok(NetlinkMessage::deserialize(&answer).map_err(Error::other)?.payload)
}

fn main() -> Result<()> {
    let mut socket = Socket::new(NETLINK_ROUTE)?;
    socket.bind_auto()?;
    socket.connect(&SocketAddr::new(0, 0))?;
    let mut by_name = LinkMessage::default();
    by_name.attributes.push(LinkAttribute::IfName("eth0".into()));
    let parent = match ask(&mut socket, RouteNetlinkMessage::GetLink(by_name), 0)? {
        NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewLink(link)) => link.header.index,
        NetlinkPayload::Error(error) => return Err(error.to_io()),
        _ => return Err(Error::other("unexpected")),
    };
    let mut link = LinkMessage::default();
    (link.header.flags, link.header.change_mask) = (LinkFlags::Up, LinkFlags::Up);
    let data = InfoData::MacVlan(vec![InfoMacVlan::Mode(MacVlanMode::Bridge)]);
    link.attributes = vec![
        LinkAttribute::IfName("mv0".into()),
        LinkAttribute::Link(parent),
        LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::MacVlan), LinkInfo::Data(data)]),
    ];
    match ask(&mut socket, RouteNetlinkMessage::NewLink(link), NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL)? {
        NetlinkPayload::Error(error) if error.code.is_some() => Err(error.to_io()),
        _ => Ok(()),
    }
}
