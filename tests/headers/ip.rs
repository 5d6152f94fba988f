//! Numbers of addresses, routes, namespace ids, and of the settings of address families.

use super::bytes::{encoded, index, mac, number};
use super::claims::{Claim, NONE, claim};
use std::fs::File;
use sublink::addr::{AddressFlags, DeleteAddress, Lifetime, ListAddresses};
use sublink::link::{Ipv4Setting, LinkSettings};
use sublink::neigh::{
    AskNeighbour, DeleteNeighbour, GetNeighbour, ListForwarding, ListNeighbours, NeighbourFlags, NeighbourState,
    NewForwarding, NewNeighbour, NewProxy,
};
use sublink::nsid::{GetNsid, NewNsid};
use sublink::route::{DeleteRoute, ListRoutes, MetricLocks, NextHop, RouteFeatures, RouteType, Table};
use sublink::value::{RouteProtocol, Scope};
use sublink::wire::{Attributes, Header};
use sublink::{IpNetwork, NewAddress, NewRoute, Request};

fn net(network: &str) -> IpNetwork {
    network.parse().expect("a network")
}

/// The number at some bytes of the header that stands behind a request's first.
fn at(request: &[u8], place: std::ops::Range<usize>) -> i128 {
    number(request.get(Header::SIZE + place.start..Header::SIZE + place.end))
}

pub fn message_types() -> Vec<Claim> {
    let file = File::open("/dev/null").expect("a file");
    let (address, route) = (NewAddress::new(index(), net("10.0.0.1/24")), NewRoute::new(net("10.0.0.0/8")));
    let all = [
        ("RTM_NEWADDR", "NLM_F_REQUEST|NLM_F_ACK|NLM_F_CREATE|NLM_F_EXCL", encoded(&address)),
        ("RTM_NEWADDR", "NLM_F_REQUEST|NLM_F_ACK|NLM_F_CREATE|NLM_F_REPLACE", encoded(&address.replace())),
        ("RTM_DELADDR", "NLM_F_REQUEST|NLM_F_ACK", encoded(&DeleteAddress::new(index(), net("10.0.0.1/24")))),
        ("RTM_GETADDR", "NLM_F_REQUEST|NLM_F_DUMP", encoded(&ListAddresses::new())),
        ("RTM_NEWROUTE", "NLM_F_REQUEST|NLM_F_ACK|NLM_F_CREATE|NLM_F_EXCL", encoded(&route)),
        ("RTM_NEWROUTE", "NLM_F_REQUEST|NLM_F_ACK|NLM_F_CREATE|NLM_F_REPLACE", encoded(&route.replace())),
        ("RTM_NEWROUTE", "NLM_F_REQUEST|NLM_F_ACK|NLM_F_CREATE", encoded(&route.prepend())),
        ("RTM_NEWROUTE", "NLM_F_REQUEST|NLM_F_ACK|NLM_F_CREATE|NLM_F_APPEND", encoded(&route.append())),
        ("RTM_DELROUTE", "NLM_F_REQUEST|NLM_F_ACK", encoded(&DeleteRoute::like(route))),
        ("RTM_GETROUTE", "NLM_F_REQUEST|NLM_F_DUMP", encoded(&ListRoutes::v4())),
        ("RTM_NEWNSID", "NLM_F_REQUEST|NLM_F_ACK", encoded(&NewNsid::new(&file))),
        ("RTM_GETNSID", "NLM_F_REQUEST", encoded(&GetNsid::new(&file))),
    ];
    let claims = all.into_iter().flat_map(|(ty, flags, request)| {
        let header = Header::parse(&request).expect("a header");
        [claim(ty, header.ty), claim(flags, header.flags)]
    });
    claims.collect()
}

pub fn addresses() -> Vec<Claim> {
    let address = |addr| encoded(&NewAddress::new(index(), net(addr)));
    let flags = [
        ("IFA_F_SECONDARY", AddressFlags::SECONDARY),
        ("IFA_F_NODAD", AddressFlags::NODAD),
        ("IFA_F_DADFAILED", AddressFlags::DADFAILED),
        ("IFA_F_DEPRECATED", AddressFlags::DEPRECATED),
        ("IFA_F_TENTATIVE", AddressFlags::TENTATIVE),
        ("IFA_F_PERMANENT", AddressFlags::PERMANENT),
        ("IFA_F_NOPREFIXROUTE", AddressFlags::NOPREFIXROUTE),
    ];
    let flags = flags.into_iter().map(|(name, flag)| claim(name, flag.bits()));
    let written = NewAddress::new(index(), net("10.0.0.1/32")).lifetime(Lifetime::FOREVER);
    let lifetime = Attributes::new(&encoded(&written)[24..]).last().map_or(0, |attribute| attribute.value.len());
    let head = [
        claim("AF_INET", at(&address("10.0.0.1/24"), 0..1)),
        claim("AF_INET6", at(&address("fd00::1/64"), 0..1)),
        claim("RT_SCOPE_UNIVERSE", at(&address("10.0.0.1/24"), 3..4)),
        claim("RT_SCOPE_HOST", at(&address("127.0.0.1/8"), 3..4)),
        claim("NLMSG_HDRLEN+sizeof(struct ifaddrmsg)", size(encoded(&ListAddresses::new()).len())),
        claim("sizeof(struct ifa_cacheinfo)", size(lifetime)),
    ];
    flags.chain(head).collect()
}

pub fn routes() -> Vec<Claim> {
    let route = NewRoute::new(net("10.0.0.0/8"));
    let of_type = |route_type| at(&encoded(&route.route_type(route_type)), 7..8);
    let by = |protocol: RouteProtocol| i128::from(protocol.0);
    let onlink = encoded(&route.gateway("10.0.0.1".parse().expect("an address")).onlink());
    let hop = NextHop::dev(index()).onlink();
    let with_hop = |hops: &[NextHop]| encoded(&route.next_hops(hops));
    let onlink_hop = number(with_hop(&[hop]).get(Header::SIZE + 12 + 8 + 4 + 2..).and_then(|rest| rest.get(..1)));
    let hop_size = with_hop(&[hop, hop]).len() - with_hop(&[hop]).len();
    let features = RouteFeatures::ROWS.iter().map(|(name, bit)| claim(name, *bit));
    let locks = MetricLocks::ROWS.iter().map(|(name, bit)| claim(&format!("1<<{name}"), *bit));
    let all = [
        claim("RT_TABLE_MAIN", at(&encoded(&route), 4..5)),
        claim("RT_TABLE_MAIN", Table::MAIN.0),
        claim("RT_TABLE_LOCAL", Table::LOCAL.0),
        claim("RTPROT_BOOT", at(&encoded(&route), 5..6)),
        claim("RTPROT_UNSPEC", at(&encoded(&DeleteRoute::like(route)), 5..6)),
        claim("RTPROT_KERNEL", by(RouteProtocol::KERNEL)),
        claim("RTPROT_BOOT", by(RouteProtocol::BOOT)),
        claim("RTPROT_STATIC", by(RouteProtocol::STATIC)),
        claim("RTPROT_RA", by(RouteProtocol::RA)),
        claim("RTPROT_DHCP", by(RouteProtocol::DHCP)),
        claim("RT_SCOPE_LINK", at(&encoded(&route), 6..7)),
        claim("RT_SCOPE_UNIVERSE", at(&onlink, 6..7)),
        claim("RT_SCOPE_NOWHERE", at(&encoded(&DeleteRoute::like(route)), 6..7)),
        claim("RT_SCOPE_UNIVERSE", Scope::GLOBAL.0),
        claim("RT_SCOPE_LINK", Scope::LINK.0),
        claim("RT_SCOPE_HOST", Scope::HOST.0),
        claim("RTN_UNICAST", of_type(RouteType::Unicast)),
        claim("RTN_LOCAL", of_type(RouteType::Local)),
        claim("RTN_BROADCAST", of_type(RouteType::Broadcast)),
        claim("RTN_ANYCAST", of_type(RouteType::Anycast)),
        claim("RTN_MULTICAST", of_type(RouteType::Multicast)),
        claim("RTN_THROW", of_type(RouteType::Throw)),
        claim("RTN_BLACKHOLE", of_type(RouteType::Blackhole)),
        claim("RTN_UNREACHABLE", of_type(RouteType::Unreachable)),
        claim("RTN_PROHIBIT", of_type(RouteType::Prohibit)),
        claim("RTNH_F_ONLINK", at(&onlink, 8..12)),
        claim("RTNH_F_ONLINK", onlink_hop),
        claim("sizeof(struct rtnexthop)", size(hop_size)),
        claim("NLMSG_HDRLEN+sizeof(struct rtmsg)", size(encoded(&ListRoutes::v4()).len())),
    ];
    all.into_iter().chain(features).chain(locks).collect()
}

pub fn neighbours() -> Vec<Claim> {
    let addr = "10.0.0.1".parse().expect("an address");
    let new = NewNeighbour::new(index(), addr, mac());
    let of = |state| i128::from(u16::from(state));
    let all = [
        claim("RTM_NEWNEIGH", header(&new).ty),
        claim("RTM_DELNEIGH", header(&DeleteNeighbour::new(index(), addr)).ty),
        claim("RTM_GETNEIGH", header(&GetNeighbour::new(index(), addr)).ty),
        claim("NLM_F_REQUEST|NLM_F_ACK|NLM_F_CREATE|NLM_F_EXCL", header(&new).flags),
        claim("NLM_F_REQUEST|NLM_F_ACK|NLM_F_CREATE|NLM_F_REPLACE", header(&new.replace()).flags),
        claim("NLM_F_REQUEST|NLM_F_ACK|NLM_F_REPLACE", header(&new.change()).flags),
        claim("NLM_F_REQUEST|NLM_F_DUMP", header(&ListNeighbours::new()).flags),
        claim("NUD_NONE", of(NeighbourState::None)),
        claim("NUD_INCOMPLETE", of(NeighbourState::Incomplete)),
        claim("NUD_REACHABLE", of(NeighbourState::Reachable)),
        claim("NUD_STALE", of(NeighbourState::Stale)),
        claim("NUD_DELAY", of(NeighbourState::Delay)),
        claim("NUD_PROBE", of(NeighbourState::Probe)),
        claim("NUD_FAILED", of(NeighbourState::Failed)),
        claim("NUD_NOARP", of(NeighbourState::Noarp)),
        claim("NUD_PERMANENT", of(NeighbourState::Permanent)),
        claim("NUD_PERMANENT", at(&encoded(&new), 8..10)),
        claim("AF_BRIDGE", at(&encoded(&ListForwarding::new(index())), 0..1)),
        claim("NTF_SELF", at(&encoded(&NewForwarding::new(index(), mac().into())), 10..11)),
        claim("NTF_PROXY", at(&encoded(&NewProxy::new(index(), addr)), 10..11)),
        claim("NTF_USE", at(&encoded(&AskNeighbour::new(index(), addr)), 10..11)),
        claim("NLMSG_HDRLEN+sizeof(struct ndmsg)", size(encoded(&ListNeighbours::new()).len())),
        claim("NDA_IFINDEX", at(&encoded(&ListNeighbours::new().index(index())), 14..16)),
    ];
    let flags = NeighbourFlags::ROWS.iter().map(|(name, bit)| claim(name, *bit));
    all.into_iter().chain(flags).collect()
}

fn header(request: &impl Request) -> Header {
    Header::parse(&encoded(request)).expect("a header")
}

pub fn namespace_ids() -> Vec<Claim> {
    let file = File::open("/dev/null").expect("a file");
    let request = encoded(&NewNsid::new(&file));
    let numbers: Vec<_> = Attributes::new(&request[20..]).map(|attribute| i128::from(attribute.number)).collect();
    let named = |place: usize| numbers.get(place).copied().unwrap_or(NONE);
    vec![claim("NETNSA_FD", named(0)), claim("NETNSA_NSID", named(1))]
}

pub fn settings_of_ipv4() -> Vec<Claim> {
    let bytes = encoded(&LinkSettings::new(index()).ipv4(Ipv4Setting::ARP_NOTIFY, 1));
    let first = |bytes: &[u8]| Attributes::new(bytes).next().map_or(NONE, |attribute| attribute.number.into());
    vec![
        claim("IFLA_AF_SPEC", first(&bytes[32..])),
        claim("AF_INET", first(&bytes[36..])),
        claim("IFLA_INET_CONF", first(&bytes[40..])),
        claim("IPV4_DEVCONF_ARP_NOTIFY", first(&bytes[44..])),
    ]
}

fn size(size: usize) -> i128 {
    i128::try_from(size).expect("a size")
}
