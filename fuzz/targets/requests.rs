//! Requests of every sort, with anything set: each keeps the contract of `encode`, is read back as what was set, and is read
//! as the same by netlink-packet-route.

#![no_main]

use arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use netlink_packet_core::NetlinkPayload;
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{InfoData, InfoMacVlan, InfoVlan, LinkAttribute, LinkInfo as RouteInfo, LinkMessage};
use std::fs::File;
use std::hint::black_box;
use sublink::addr::{AddressView, DeleteAddress, Label, Lifetime, ListAddresses};
use sublink::link::*;
use sublink::nsid::{GetNsid, NewNsid};
use sublink::request::RequestInfo;
use sublink::route::{DeleteRoute, ListRoutes, MetricLocks, RouteProtocol, RouteType, RouteView, Table};
use sublink::value::{Alias, AltName, Broadcast, Scope};
use sublink::wire::{Message, Messages, NoRoom};
use sublink::*;
use sublink_fuzz::{any, prints_safely};

/// No list shorter than this is too long for a message.
const LONG: usize = 5_000;

fuzz_target!(|data: &[u8]| {
    let _ = run(&mut Unstructured::new(data)); // an error says that the input is at its end
});

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    let file = File::open("/dev/null").expect("a descriptor");
    match u.int_in_range(0..=11)? {
        0 | 1 => macvlan(u, &file),
        2 => macvtap(u, &file),
        3 => vlan(u, &file),
        4 => ipvlan(u, &file),
        5 => pairs(u, &file),
        6 | 7 => change(u, &file),
        8 => address(u),
        9 => route(u),
        10 => small(u, &file),
        _ => batch(u),
    }
}

/// Checks the contract of `encode`. Returns the message, if it fits one.
fn encoded(request: &impl Request, u: &mut Unstructured<'_>) -> Result<Option<Vec<u8>>> {
    let sequence = u.arbitrary()?;
    let needed = request.encode(sequence, &mut []).expect_err("nothing needs no room").needed;
    let no_room = Err(NoRoom { needed });
    if needed > NoRoom::LARGEST {
        assert_eq!(request.encode(sequence, &mut vec![0; 300_000]), no_room, "too long for every buffer");
        return Ok(None);
    }
    let mut exact = vec![0xa5; needed];
    assert_eq!(request.encode(sequence, &mut exact), Ok(needed));
    assert_eq!(request.encode(sequence, &mut vec![0x5a; needed - 1]), no_room);
    let mut other = vec![0x77; u.int_in_range(0..=needed + 700)?];
    match request.encode(sequence, &mut other) {
        Ok(length) => assert_eq!((length, &other[..needed]), (needed, &exact[..])),
        too_small => assert!(too_small == no_room && other.len() < needed),
    }
    let header = message(&exact).header;
    assert_eq!((header.length as usize, header.sequence, header.port), (needed, sequence, 0));
    assert_eq!(needed % 4, 0, "the next one of a batch would not be aligned");
    prints_safely(&RequestInfo::of(&exact).expect("it is one of ours").to_string());
    Ok(Some(exact))
}

/// The only message of these bytes.
fn message(bytes: &[u8]) -> Message<'_> {
    let mut messages = Messages::new(bytes);
    let first = messages.next().expect("a message").expect("a true length");
    assert!(messages.next().is_none());
    first
}

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

/// Sets each property, or does not, and notes what was set.
macro_rules! set {
    ($u:ident $request:ident: $($property:ident = $value:expr => $noted:expr;)*) => { $(
        if $u.arbitrary()? {
            let value = $value;
            $request = $request.$property(value);
            $noted = Some(value);
        }
    )* };
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

fn macvlan(u: &mut Unstructured<'_>, file: &File) -> Result<()> {
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

fn macvtap(u: &mut Unstructured<'_>, file: &File) -> Result<()> {
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

fn vlan(u: &mut Unstructured<'_>, file: &File) -> Result<()> {
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

fn ipvlan(u: &mut Unstructured<'_>, file: &File) -> Result<()> {
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
fn pairs(u: &mut Unstructured<'_>, file: &File) -> Result<()> {
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

fn change(u: &mut Unstructured<'_>, file: &File) -> Result<()> {
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

fn address(u: &mut Unstructured<'_>) -> Result<()> {
    let (index, ip) = (any::index(u)?, any::ip(u)?);
    let addr = any::network(u, ip)?;
    let mut address = NewAddress::new(index, addr);
    let (mut metric, mut lifetime) = (None, None);
    if u.arbitrary()? {
        address = address.replace().noprefixroute();
    }
    if u.arbitrary()? {
        address = address.nodad().nobroadcast();
    }
    if u.arbitrary()? {
        address = address.broadcast(any::ip(u)?);
    }
    set! { u address:
        metric = u.arbitrary()? => metric;
        lifetime = Lifetime { preferred: u.arbitrary()?, valid: u.arbitrary()? } => lifetime;
    }
    if u.arbitrary()? {
        address = address.label(Label::new("eth0:1").expect("a label"));
    }
    let bytes = encoded(&address, u)?.expect("it is short");
    let read = AddressView::of(message(&bytes)).expect("an address").to_owned();
    assert_eq!((read.index, read.addr, read.metric, read.lifetime), (index, Some(addr), metric, lifetime));
    let info = RequestInfo::of(&bytes).expect("a request");
    assert_eq!((info.index, info.addr), (Some(index), Some(addr)));
    encoded(&DeleteAddress::new(index, addr), u)?.expect("it is short");
    encoded(&ListAddresses::new().index(index).v6(), u)?.expect("it is short");
    black_box(packet_route::message(&address, 1).is_ok());
    Ok(())
}

fn route(u: &mut Unstructured<'_>) -> Result<()> {
    let ip = any::ip(u)?;
    let destination = any::network(u, ip)?;
    let mut route = NewRoute::new(destination);
    let (mut index, mut gateway, mut metric, mut table) = (None, None, None, None);
    set! { u route:
        gateway = any::ip(u)? => gateway;
        index = any::index(u)? => index;
        metric = u.arbitrary()? => metric;
        table = Table(u.arbitrary()?) => table;
    }
    let (mut mtu, mut advmss, mut rtt, mut locks) = (None, None, None, None);
    set! { u route:
        mtu = u.arbitrary::<u16>()?.into() => mtu;
        advmss = u.arbitrary::<u16>()?.into() => advmss;
        rtt = u.arbitrary()? => rtt;
        lock = MetricLocks::from(u.arbitrary::<u32>()?) => locks;
    }
    let hops = any::next_hops(u)?;
    route = route.next_hops(&hops);
    if u.arbitrary()? {
        route = route.source(any::ip(u)?).onlink().replace();
    }
    if u.arbitrary()? {
        route = route.route_type(RouteType::from(u.arbitrary::<u8>()?)).scope(Scope(u.arbitrary()?));
        route = route.protocol(RouteProtocol(u.arbitrary()?));
    }
    let Some(bytes) = encoded(&route, u)? else {
        assert!(hops.len() > 2_000); // of 32 bytes at most
        return Ok(());
    };
    let read = RouteView::of(message(&bytes)).expect("a route").to_owned();
    assert_eq!(read.next_hops.unwrap_or_default(), hops);
    let metrics = read.metrics.unwrap_or_default();
    assert_eq!((metrics.rtt, metrics.lock), (rtt, locks));
    let kept = |value: Option<u32>, most: u32| value.map(|value| value.min(most));
    assert_eq!((metrics.mtu, metrics.advmss), (kept(mtu, 65_520), kept(advmss, 65_495)));
    let network = IpNetwork::new(destination.network(), destination.prefix()).expect("a prefix");
    assert_eq!((read.destination, read.index, read.metric), (Some(network), index, metric));
    assert_eq!((read.gateway.or(read.via.map(|via| via.0)), read.table), (gateway, table));
    let info = RequestInfo::of(&bytes).expect("a request");
    assert_eq!((info.gateway, info.index), (gateway, index));
    encoded(&DeleteRoute::like(route), u)?;
    encoded(&ListRoutes::v6().table(Table(u.arbitrary()?)).index(any::index(u)?), u)?.expect("it is short");
    black_box(packet_route::message(&route, 1).is_ok());
    Ok(())
}

/// Requests with little to set.
fn small(u: &mut Unstructured<'_>, file: &File) -> Result<()> {
    let index = any::index(u)?;
    let length = u.int_in_range(1..=127)?;
    if let Ok(name) = AltName::new(u.bytes(length)?) {
        encoded(&AltNameChange::add(index, name), u)?.expect("it is short");
        encoded(&AltNameChange::delete(index, name), u)?.expect("it is short");
        encoded(&GetLink::alt_name(name).in_netnsid(any::nsid(u)?), u)?.expect("it is short");
    }
    encoded(&DeleteLink::index(index), u)?.expect("it is short");
    encoded(&DeleteLink::group(u.arbitrary()?), u)?.expect("it is short");
    encoded(&GetLink::name(any::name(u)?), u)?.expect("it is short");
    let kind = "k".repeat(u.int_in_range(0..=70_000)?);
    encoded(&ListLinks::new().kind(&kind).master(index).in_netnsid(any::nsid(u)?), u)?;
    encoded(&NewNsid::new(file).nsid(any::nsid(u)?), u)?.expect("it is short");
    encoded(&GetNsid::new(file), u)?.expect("it is short");
    let mut settings = LinkSettings::new(index);
    if u.arbitrary()? {
        settings = settings.addr_gen_mode(AddrGenMode::from(u.arbitrary::<u8>()?));
    }
    if u.arbitrary()? {
        let token = u.arbitrary::<[u8; 16]>()?;
        if let Ok(token) = Ipv6Token::new(token.into()) {
            settings = settings.token(token);
        }
    }
    for _ in 0..u.int_in_range(0..=6)? {
        let setting = [Ipv4Setting::ARP_NOTIFY, Ipv4Setting::FORWARDING, Ipv4Setting::ROUTE_LOCALNET];
        settings = settings.ipv4(*u.choose(&setting)?, u.arbitrary()?);
    }
    encoded(&settings, u)?.expect("it is short");
    Ok(())
}

/// Steps pushed, refused and cleared, beside a list of what must be in the batch.
fn batch(u: &mut Unstructured<'_>) -> Result<()> {
    let senders = any::macs(u)?;
    let mut batch = if u.arbitrary()? { Batch::new().one_ack() } else { Batch::new() };
    let mut expected: Vec<Vec<u8>> = Vec::new();
    for _ in 0..u.int_in_range(0..=40)? {
        match u.int_in_range(0..=3)? {
            0 => push(&mut batch, &mut expected, &DeleteLink::index(any::index(u)?)),
            1 => push(&mut batch, &mut expected, &NewLink::macvlan(any::index(u)?).source(&senders)),
            2 => push(&mut batch, &mut expected, &LinkChange::new(any::index(u)?).mtu(u.arbitrary()?)),
            _ => {
                batch.clear();
                expected.clear();
            }
        }
        assert_eq!(
            (batch.len(), batch.is_empty(), batch.outcomes().len()),
            (expected.len(), expected.is_empty(), expected.len())
        );
    }
    let first: u32 = u.arbitrary()?;
    let mut messages = Messages::new(batch.number(first));
    for (at, expected) in (0..).zip(&expected) {
        let read = messages.next().expect("a message").expect("a true length");
        assert_eq!((read.header.sequence, read.payload), (first.wrapping_add(at), &expected[16..]));
    }
    assert!(messages.next().is_none());
    Ok(())
}

fn push(batch: &mut Batch, expected: &mut Vec<Vec<u8>>, request: &impl wire::Command) {
    let mut bytes = vec![0; NoRoom::LARGEST];
    match (batch.push(request), request.encode(0, &mut bytes)) {
        (Ok(step), Ok(length)) => {
            assert_eq!(step, expected.len());
            bytes.truncate(length);
            expected.push(bytes);
        }
        (pushed, encoded) => assert!(pushed.is_err() && encoded.is_err()),
    }
}
