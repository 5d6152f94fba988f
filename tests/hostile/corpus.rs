//! The messages that the tests start from: requests of all kinds, the same as replies, and what real kernels sent.

use std::fs::File;
use sublink::link::{
    AddrGenMode, AltNameChange, DeleteLink, EgressQos, GetLink, IngressQos, Ipv4Setting, IpvlanFlag, IpvlanMode,
    LinkMode, LinkSettings, MacvlanFlags, OperState, ProtoDownReasons, SourceMacs, VlanFlags, VlanPriority,
    VlanProtocol,
};
use sublink::value::{Alias, AltName, Broadcast, NsId};
use sublink::{IfIndex, IfName, LinkChange, ListLinks, MacAddr, MacvlanMode, NewLink, Request, VlanId};

pub const RTM_NEWLINK: u16 = 16;
pub const NLMSG_ERROR: u16 = 2;
pub const NLMSG_DONE: u16 = 3;

/// A message and what to call it when a test fails.
#[derive(Clone, Debug)]
pub struct Sample {
    pub name: String,
    pub bytes: Vec<u8>,
}

impl Sample {
    fn new(name: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self { name: name.into(), bytes }
    }
}

pub fn index(index: u32) -> IfIndex {
    IfIndex::new(index).expect("an index")
}

pub fn mac(last: u8) -> MacAddr {
    MacAddr::new([2, 0, 0, 0, 0, last]).expect("an address")
}

pub fn name(name: &str) -> IfName {
    IfName::new(name).expect("a name")
}

fn priority(priority: u8) -> VlanPriority {
    VlanPriority::new(priority).expect("a priority")
}

/// An attribute with its padding.
pub fn attribute(number: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(4 + value.len()).expect("a length of 16 bits");
    let mut bytes = [length.to_ne_bytes(), number.to_ne_bytes()].concat();
    bytes.extend_from_slice(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// A message with sequence number 7.
pub fn message(ty: u16, flags: u16, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(16 + payload.len()).expect("a length of 32 bits");
    let mut bytes = length.to_ne_bytes().to_vec();
    bytes.extend([ty.to_ne_bytes(), flags.to_ne_bytes()].concat());
    bytes.extend([7u32.to_ne_bytes(), [0; 4]].concat());
    bytes.extend_from_slice(payload);
    bytes
}

/// The link 9, with these attributes.
pub fn link(attributes: &[u8]) -> Vec<u8> {
    let ifinfomsg = [[0; 4], 9u32.to_ne_bytes(), 0x1_1043u32.to_ne_bytes(), [0; 4]].concat();
    message(RTM_NEWLINK, 2, &[&ifinfomsg, attributes].concat())
}

/// IFLA_LINKINFO of a kind.
pub fn link_info(kind: &str, data: &[u8]) -> Vec<u8> {
    attribute(18, &[attribute(1, &[kind.as_bytes(), &[0]].concat()), attribute(2, data)].concat())
}

/// Writes the right length into a message's header.
pub fn set_length(message: &mut [u8]) {
    let length = u32::try_from(message.len()).expect("a length of 32 bits");
    message[..4].copy_from_slice(&length.to_ne_bytes());
}

pub fn encoded(request: &dyn Request) -> Vec<u8> {
    let mut buf = vec![0xa5; 65_535];
    let length = request.encode(7, &mut buf).expect("room");
    buf.truncate(length);
    buf
}

/// Calls `work` with a request of each sort, each with all that can be set.
pub fn for_each_request(mut work: impl FnMut(&str, &dyn Request)) {
    let file = File::open("/dev/null").expect("a descriptor");
    let (senders, long) = ([mac(1), mac(2), mac(3)], [b'x'; 127]);
    let egress = [EgressQos::new(16, priority(4)), EgressQos::new(u32::MAX, priority(0))];
    let ingress = [IngressQos::new(priority(7), 5)];
    let (alt, alias) = (AltName::new(&long).expect("a name"), Alias::new("an alias").expect("an alias"));
    let flags = VlanFlags::GVRP.on() | VlanFlags::REORDER_HDR.off();
    let vlan = NewLink::vlan(index(5), VlanId::new(50).expect("an id"));
    let peer = new(NewLink::peer(), &file);

    work("macvlan", &new(NewLink::macvlan(index(5)), &file).mode(MacvlanMode::Bridge).bc_queue_len(9).bc_cutoff(-1));
    work("macvlan source", &NewLink::macvlan(index(5)).flags(MacvlanFlags::NODST).source(&senders).up());
    work("macvtap", &new(NewLink::macvtap(index(5)).mode(MacvlanMode::Vepa), &file).source(&senders));
    let vlan = vlan.protocol(VlanProtocol::Ieee8021Ad).flags(flags).egress_qos(&egress).ingress_qos(&ingress);
    work("vlan", &new(vlan, &file));
    work("dummy", &new(NewLink::dummy(), &file));
    work("veth", &new(NewLink::veth(peer), &file));
    work("ipvlan", &new(NewLink::ipvlan(index(5)), &file).mode(IpvlanMode::L3S).flag(IpvlanFlag::Vepa));

    work("change", &change(LinkChange::new(index(6))).promisc(true).allmulticast(false).alias(alias).up());
    let macvlan = LinkChange::macvlan(index(6)).mode(MacvlanMode::Source);
    work("change macvlan", &change(macvlan).macaddr(SourceMacs::Add(mac(7))));
    work("change macvlan list", &macvlan.macaddr(SourceMacs::Set(&senders)));
    work("change macvtap", &LinkChange::macvtap(index(6)).macaddr(SourceMacs::Flush));
    work("change vlan", &LinkChange::vlan(index(6)).flags(flags).egress_qos(&egress).ingress_qos(&ingress));
    work("change ipvlan", &LinkChange::ipvlan(index(6)).mode(IpvlanMode::L2).flag(IpvlanFlag::Private));
    work("move", &change(LinkChange::move_to(index(6), &file)).index_there(index(7)).alias(alias).down());
    let settings = LinkSettings::new(index(6)).addr_gen_mode(AddrGenMode::None).token("::7".parse().unwrap());
    work("settings", &settings.ipv4(Ipv4Setting::ARP_NOTIFY, 1));
    work("delete", &DeleteLink::index(index(6)));
    work("delete group", &DeleteLink::group(77));
    work("add alternative name", &AltNameChange::add(index(6), alt));
    work("delete alternative name", &AltNameChange::delete(index(6), alt));
    work("get", &GetLink::index(index(6)).in_netnsid(NsId::new(3).unwrap()));
    work("get by name", &GetLink::name(name("fifteen-bytes-x")));
    work("get by alternative name", &GetLink::alt_name(alt).in_netnsid(NsId::new(0).unwrap()));
    work("get with counters", &GetLink::index(index(6)).with_stats());
    work("list", &ListLinks::new());
    work("list with counters", &ListLinks::new().with_stats());
    work(
        "list some",
        &ListLinks::new().kind("macvlan").master(index(3)).in_netnsid(NsId::new(4).unwrap()).parent(index(5)),
    );
}

/// All that any link can be created with.
fn new<'a, K: Copy>(link: NewLink<'a, K>, namespace: &'a File) -> NewLink<'a, K> {
    let link = link.index(index(8)).netns(namespace).mac(mac(9)).mtu(1400).txqlen(10).group(11);
    let link = link.master(index(12)).broadcast(Broadcast([0xff; 6])).gso_max_size(13).gso_max_segs(14);
    let link = link.gro_max_size(17).gso_ipv4_max_size(18).gro_ipv4_max_size(19).link_mode(LinkMode::Dormant);
    link.tx_queues(15).rx_queues(16).name(name("fifteen-bytes-x"))
}

/// All that can be changed of any link.
fn change<K: Copy>(link: LinkChange<'_, K>) -> LinkChange<'_, K> {
    let link = link.mac(mac(9)).mtu(1400).txqlen(10).group(11).nomaster().broadcast(Broadcast([0xff; 6]));
    let link = link.gro_max_size(17).gso_ipv4_max_size(18).gro_ipv4_max_size(19).link_mode(LinkMode::Dormant);
    let reasons = ProtoDownReasons::from(1).on() | ProtoDownReasons::from(2).off();
    let link = link.proto_down_reason(reasons).carrier(true).oper_state(OperState::Up);
    link.gso_max_size(13).gso_max_segs(14).name(name("x")).proto_down(true)
}

pub fn requests() -> Vec<Sample> {
    let mut samples = Vec::new();
    for_each_request(|name, request| samples.push(Sample::new(name, encoded(request))));
    samples
}

/// Links as the kernel reports them: requests as if it had sent them, and its own messages.
pub fn links() -> Vec<Sample> {
    let mut samples = requests();
    for Sample { name, bytes } in &mut samples {
        name.insert_str(0, "reply of ");
        bytes[4..6].copy_from_slice(&RTM_NEWLINK.to_ne_bytes());
        bytes[20] = bytes[20].max(1); // a link has an index
    }
    samples.extend(kernel_lines("REPLY"));
    for (name, bytes) in BINARIES {
        samples.push(Sample::new(*name, bytes.to_vec()));
    }
    samples
}

/// Outcomes of requests as kernels sent them.
pub fn outcomes() -> Vec<Sample> {
    kernel_lines("ERR")
}

pub fn messages() -> Vec<Sample> {
    [requests(), links(), outcomes()].concat()
}

/// Those that differ enough to be worth changing byte by byte: requests as replies, and one kernel's messages.
pub fn distinct() -> Vec<Sample> {
    let mut samples = [links(), outcomes()].concat();
    samples.retain(|sample| !["replies-5.10", "replies-7.2"].iter().any(|kernel| sample.name.starts_with(kernel)));
    samples
}

macro_rules! fixtures {
    ($include:ident $($file:literal)*) => { &[$(($file, $include!(concat!("../fixtures/", $file)))),*] };
}

const BINARIES: &[(&str, &[u8])] = fixtures!(include_bytes "reply-6.18-macvlan-bridge.bin"
    "reply-6.18-macvlan-source-2-macs.bin" "reply-6.18-macvtap.bin" "reply-6.18-veth.bin");
const TEXTS: &[(&str, &str)] = fixtures!(include_str "replies-5.10.0.txt" "replies-6.12.117.txt" "replies-7.2.12.txt");

/// The lines `WHAT name hex` of the text fixtures.
fn kernel_lines(what: &str) -> Vec<Sample> {
    let mut samples = Vec::new();
    for (file, text) in TEXTS {
        for line in text.lines() {
            let mut words = line.split(' ');
            if words.next() == Some(what) {
                let (name, hex) = (words.next().expect("a name"), words.next().expect("bytes"));
                samples.push(Sample::new(format!("{file} {name}"), unhex(hex)));
            }
        }
    }
    assert!(!samples.is_empty(), "no {what} in the fixtures");
    samples
}

fn unhex(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).expect("ASCII"));
    pairs.map(|pair| u8::from_str_radix(pair, 16).expect("two digits")).collect()
}
