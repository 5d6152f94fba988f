//! Links of each kind, and changes of them.

use super::{LONG, encoded, message};
use arbitrary::{Result, Unstructured};
use netlink_packet_core::NetlinkPayload;
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{InfoData, InfoMacVlan, InfoVlan, LinkAttribute, LinkInfo as RouteInfo, LinkMessage};
use std::fs::File;
use std::hint::black_box;
use sublink::link::*;
use sublink::value::{Alias, Broadcast};
use sublink::*;
use sublink_fuzz::any;

/// What was set of any link.
#[derive(Default)]
struct Asked {
    index: Option<IfIndex>,
    name: Option<IfName>,
    mac: Option<MacAddr>,
    mtu: Option<u32>,
    txqlen: Option<u32>,
    group: Option<u32>,
    master: Option<IfIndex>,
    gso_max_size: Option<u32>,
    gso_max_segs: Option<u32>,
    tx_queues: Option<u32>,
    parent: Option<IfIndex>,
    parent_is_elsewhere: bool,
    up: bool,
}

/// Sets some of what every request about a link can set.
macro_rules! common {
    ($u:ident $link:ident $asked:ident) => {
        set! { $u $link:
            name = any::name($u)? => $asked.name;
            mac = any::mac($u)? => $asked.mac;
            mtu = $u.arbitrary()? => $asked.mtu;
            txqlen = $u.arbitrary()? => $asked.txqlen;
            group = $u.arbitrary()? => $asked.group;
            master = any::index($u)? => $asked.master;
            gso_max_size = $u.arbitrary()? => $asked.gso_max_size;
            gso_max_segs = $u.arbitrary()? => $asked.gso_max_segs;
        }
        if $u.ratio(1, 4)? {
            $link = $link.broadcast(Broadcast($u.arbitrary()?));
        }
    };
}

/// Sets some of what every new link can set, and always an index, without which it would not be read as a link.
macro_rules! new {
    ($u:ident $link:ident $asked:ident $file:ident) => {
        common!($u $link $asked);
        set! { $u $link: tx_queues = $u.arbitrary()? => $asked.tx_queues; }
        let index = any::index($u)?;
        $link = $link.index(index);
        $asked.index = Some(index);
        if $u.ratio(1, 4)? {
            $link = $link.netns($file);
        }
        if $u.ratio(1, 4)? {
            $link = $link.parent_in(any::nsid($u)?);
            $asked.parent_is_elsewhere = true;
        }
        if $u.arbitrary()? {
            $link = $link.up();
            $asked.up = true;
        }
    };
}

/// Reads a request as if it were a reply: it has what was set.
fn read_back(bytes: &[u8], asked: &Asked) -> LinkInfo {
    let view = LinkView::of(message(bytes)).expect("a link");
    assert_eq!(Some(view.index()), asked.index);
    assert_eq!(view.is_up(), asked.up);
    assert_eq!(view.name().as_bytes(), asked.name.as_ref().map_or(&[][..], |name| name.as_bytes()));
    assert_eq!((view.mac().mac(), view.master(), view.parent()), (asked.mac, asked.master, asked.parent));
    let (mtu, txqlen, group) = (asked.mtu, asked.txqlen, asked.group);
    let numbers = [mtu, txqlen, group].map(Option::unwrap_or_default);
    assert_eq!([view.mtu(), view.txqlen(), view.group()], numbers);
    let queues = [view.gso_max_size(), view.gso_max_segs(), view.tx_queues()];
    assert_eq!(queues, [asked.gso_max_size, asked.gso_max_segs, asked.tx_queues]);
    assert_eq!(view.parent_netnsid().is_some(), asked.parent_is_elsewhere);
    view.to_owned()
}

/// What netlink-packet-route reads of the same request. It refuses some values that the kernel takes.
fn route_reads(request: &impl Request, asked: &Asked) -> Option<LinkMessage> {
    let read = packet_route::message(request, 9).ok()?;
    let NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewLink(link)) = read.payload else {
        panic!("no link: {read:?}")
    };
    let index = |index: Option<IfIndex>| index.map(IfIndex::get);
    assert_eq!(Some(link.header.index), index(asked.index));
    let expected = [
        asked.mtu.map(LinkAttribute::Mtu),
        asked.txqlen.map(LinkAttribute::TxQueueLen),
        asked.group.map(LinkAttribute::Group),
        asked.gso_max_size.map(LinkAttribute::GsoMaxSize),
        asked.gso_max_segs.map(LinkAttribute::GsoMaxSegs),
        asked.tx_queues.map(LinkAttribute::NumTxQueues),
        index(asked.parent).map(LinkAttribute::Link),
        index(asked.master).map(LinkAttribute::Controller),
        asked.mac.map(|mac| LinkAttribute::Address(mac.bytes().into())),
    ];
    for attribute in expected.into_iter().flatten() {
        assert!(link.attributes.contains(&attribute), "no {attribute:?} in {link:?}");
    }
    let info = LinkInfo::try_from(&link).ok()?;
    assert_eq!((Some(info.index), info.parent, info.mac), (asked.index, asked.parent, asked.mac));
    Some(link)
}

/// The data of its kind.
fn data(link: &LinkMessage) -> Option<&InfoData> {
    let infos = link.attributes.iter().filter_map(|attribute| match attribute {
        LinkAttribute::LinkInfo(infos) => Some(infos),
        _ => None,
    });
    infos.flatten().find_map(|info| match info {
        RouteInfo::Data(data) => Some(data),
        _ => None,
    })
}

pub fn macvlan(u: &mut Unstructured<'_>, file: &File) -> Result<()> {
    let senders = any::macs(u)?;
    let parent = any::index(u)?;
    let (mut link, mut asked) = (NewLink::macvlan(parent), Asked { parent: Some(parent), ..Asked::default() });
    new!(u link asked file);
    let (mut mode, mut queue, mut cutoff, mut macs) = (None, None, None, None);
    set! { u link:
        mode = MacvlanMode::from(u.arbitrary::<u32>()?) => mode;
        bc_queue_len = u.arbitrary()? => queue;
        bc_cutoff = u.arbitrary()? => cutoff;
    }
    if u.arbitrary()? {
        (link, mode, macs) = (link.source(&senders), Some(MacvlanMode::Source), Some(senders.clone()));
    }
    let Some(bytes) = encoded(&link, u)? else {
        assert!(macs.is_some() && senders.len() > LONG);
        return Ok(());
    };
    assert_eq!(encoded(&LinkSpec::from(link), &mut Unstructured::new(&[]))?.map(|spec| spec.len()), Some(bytes.len()));
    let KindInfo::Macvlan(read) = read_back(&bytes, &asked).kind else { panic!("no macvlan") };
    assert_eq!((read.mode, read.bc_queue_len, read.bc_cutoff, read.macaddrs), (mode, queue, cutoff, macs));
    if let Some(InfoData::MacVlan(infos)) = route_reads(&link, &asked).as_ref().and_then(data) {
        assert!(queue.is_none_or(|queue| infos.contains(&InfoMacVlan::BcQueueLen(queue))), "{infos:?}");
    }
    Ok(())
}

pub fn macvtap(u: &mut Unstructured<'_>, file: &File) -> Result<()> {
    let senders = any::macs(u)?;
    let parent = any::index(u)?;
    let (mut link, mut asked) = (NewLink::macvtap(parent), Asked { parent: Some(parent), ..Asked::default() });
    new!(u link asked file);
    let has_senders = u.arbitrary()?;
    if has_senders {
        link = link.source(&senders);
    }
    let Some(bytes) = encoded(&link, u)? else {
        assert!(has_senders && senders.len() > LONG);
        return Ok(());
    };
    let KindInfo::Macvtap(read) = read_back(&bytes, &asked).kind else { panic!("no macvtap") };
    assert_eq!(read.macaddrs, has_senders.then_some(senders));
    Ok(())
}

pub fn vlan(u: &mut Unstructured<'_>, file: &File) -> Result<()> {
    let priority = |u: &mut Unstructured<'_>| Ok(VlanPriority::new(u.int_in_range(0..=7)?).expect("a priority"));
    let id = VlanId::new(u.int_in_range(0..=4094)?).expect("an id");
    let (mut egress, mut ingress) = (Vec::new(), Vec::new());
    for at in 0..any::length(u)? {
        let from = if at < 9 { u.arbitrary()? } else { u32::try_from(at).expect("a short list") };
        egress.push(EgressQos::new(from, priority(u)?));
    }
    for _ in 0..u.int_in_range(0..=8)? {
        ingress.push(IngressQos::new(priority(u)?, u.arbitrary()?));
    }
    let parent = any::index(u)?;
    let (mut link, mut asked) = (NewLink::vlan(parent, id), Asked { parent: Some(parent), ..Asked::default() });
    new!(u link asked file);
    let (mut protocol, mut mappings) = (None, (None, None));
    set! { u link: protocol = VlanProtocol::from(u.arbitrary::<u16>()?) => protocol; }
    if u.arbitrary()? {
        link = link.flags(any::vlan_flags(u)?);
    }
    if u.arbitrary()? {
        (link, mappings.0) = (link.egress_qos(&egress), Some(egress.clone()));
    }
    if u.arbitrary()? {
        (link, mappings.1) = (link.ingress_qos(&ingress), Some(ingress.clone()));
    }
    let Some(bytes) = encoded(&link, u)? else {
        assert!(mappings.0.is_some() && egress.len() > LONG);
        return Ok(());
    };
    let KindInfo::Vlan(read) = read_back(&bytes, &asked).kind else { panic!("no VLAN") };
    assert_eq!((read.id, read.protocol), (Some(id), protocol));
    assert_eq!((read.egress_qos, read.ingress_qos), mappings);
    if let Some(InfoData::Vlan(infos)) = route_reads(&link, &asked).as_ref().and_then(data) {
        assert!(infos.contains(&InfoVlan::Id(id.get())), "{infos:?}");
    }
    Ok(())
}

pub fn ipvlan(u: &mut Unstructured<'_>, file: &File) -> Result<()> {
    let parent = any::index(u)?;
    let mode = IpvlanMode::from(u.arbitrary::<u16>()?);
    let (link, mut asked) = (NewLink::ipvlan(parent), Asked { parent: Some(parent), ..Asked::default() });
    let mut link = link.mode(mode);
    new!(u link asked file);
    let bytes = encoded(&link, u)?.expect("it is short");
    let KindInfo::Ipvlan(read) = read_back(&bytes, &asked).kind else { panic!("no ipvlan") };
    assert_eq!(read.mode, Some(mode));
    route_reads(&link, &asked);
    Ok(())
}

/// A veth pair, and a dummy.
pub fn pairs(u: &mut Unstructured<'_>, file: &File) -> Result<()> {
    let (mut peer, mut asked) = (NewLink::peer(), Asked::default());
    common!(u peer asked);
    black_box(asked.name);
    let (mut link, mut asked) = (NewLink::veth(peer), Asked::default());
    new!(u link asked file);
    let bytes = encoded(&link, u)?.expect("it is short");
    assert_eq!(read_back(&bytes, &asked).kind.name(), "veth");
    let (mut link, mut asked) = (NewLink::dummy(), Asked::default());
    new!(u link asked file);
    let bytes = encoded(&link, u)?.expect("it is short");
    assert_eq!(read_back(&bytes, &asked).kind.name(), "dummy");
    route_reads(&link, &asked);
    Ok(())
}

pub fn change(u: &mut Unstructured<'_>, file: &File) -> Result<()> {
    let (senders, one) = (any::macs(u)?, any::mac(u)?);
    let length = u.int_in_range(0..=255)?;
    let alias = Alias::new(u.bytes(length)?).expect("at most 255 bytes");
    let index = any::index(u)?;
    let mut asked = Asked { index: Some(index), ..Asked::default() };
    macro_rules! change {
        ($link:expr) => {{
            let mut link = $link;
            common!(u link asked);
            if u.arbitrary()? {
                link = link.alias(alias);
            }
            match u.int_in_range(0..=3)? {
                0 => (link, asked.up) = (link.up(), true),
                1 => link = link.down(),
                2 => link = link.promisc(true).allmulticast(false),
                _ => {}
            }
            link
        }};
    }
    let bytes = match u.int_in_range(0..=4)? {
        0 => encoded(&change!(LinkChange::new(index)), u)?,
        1 => encoded(&change!(LinkChange::move_to(index, file)).index_there(any::index(u)?), u)?,
        2 => {
            let link = change!(LinkChange::macvlan(index));
            let senders = match u.int_in_range(0..=3)? {
                0 => SourceMacs::Add(one),
                1 => SourceMacs::Delete(one),
                2 => SourceMacs::Flush,
                _ => SourceMacs::Set(&senders),
            };
            encoded(&link.macaddr(senders), u)?
        }
        3 => {
            let flags = any::vlan_flags(u)?;
            encoded(&change!(LinkChange::vlan(index)).flags(flags), u)?
        }
        _ => {
            let flag = IpvlanFlag::from(u.arbitrary::<u16>()?);
            encoded(&change!(LinkChange::ipvlan(index)).flag(flag), u)?
        }
    };
    let Some(bytes) = bytes else {
        assert!(senders.len() > LONG);
        return Ok(());
    };
    if LinkView::of(message(&bytes)).is_some() {
        read_back(&bytes, &asked); // some changes are an RTM_SETLINK, which is never a reply
    }
    Ok(())
}
