//! Numbers that stand in bytes only: in requests that the library encodes, and in answers that it reads.

use super::claims::{Claim, NONE, claim, the_only};
use sublink::link::{
    AddrGenMode, AltNameChange, DeleteLink, EgressQos, GetLink, Ipv6Token, LinkSettings, VlanFlags, VlanPriority,
};
use sublink::reply::{Ack, INTERRUPTED, Policy, Reply};
use sublink::value::{Alias, AltName, NsId};
use sublink::wire::{Attributes, Header, Messages};
use sublink::{IfIndex, IfName, LinkChange, ListLinks, MacAddr, NewLink, Request};

pub fn index() -> IfIndex {
    IfIndex::new(2).expect("an index")
}

pub fn mac() -> MacAddr {
    MacAddr::new([2, 0, 0, 0, 0, 1]).expect("an address")
}

fn alt_name() -> AltName<'static> {
    AltName::new("a").expect("a name")
}

pub fn encoded(request: &impl Request) -> Vec<u8> {
    let mut bytes = vec![0; 4096];
    let length = request.encode(1, &mut bytes).expect("room");
    bytes.truncate(length);
    bytes
}

/// The attributes of a request about links, behind its two headers.
fn attributes(request: &[u8]) -> Attributes<'_> {
    Attributes::new(&request[32..])
}

/// The value of the attribute at the end of a path of numbers.
pub fn inside<'a>(request: &'a [u8], path: &[u16]) -> Option<&'a [u8]> {
    path.iter().try_fold(&request[32..], |bytes, number| {
        Attributes::new(bytes).find(|attribute| attribute.number == *number).map(|attribute| attribute.value)
    })
}

/// The number in some bytes of the host's order.
pub fn number(bytes: Option<&[u8]>) -> i128 {
    let Some(bytes) = bytes else { return NONE };
    let push = |number: i128, byte: &u8| number << 8 | i128::from(*byte);
    if cfg!(target_endian = "little") { bytes.iter().rev().fold(0, push) } else { bytes.iter().fold(0, push) }
}

pub fn message_types_and_flags() -> Vec<Claim> {
    let all = [
        ("RTM_NEWLINK", "NLM_F_REQUEST|NLM_F_ACK|NLM_F_CREATE|NLM_F_EXCL", encoded(&NewLink::macvlan(index()))),
        ("RTM_NEWLINK", "NLM_F_REQUEST|NLM_F_ACK", encoded(&LinkChange::macvlan(index()))),
        ("RTM_SETLINK", "NLM_F_REQUEST|NLM_F_ACK", encoded(&LinkChange::new(index()))),
        ("RTM_SETLINK", "NLM_F_REQUEST|NLM_F_ACK", encoded(&LinkSettings::new(index()))),
        ("RTM_DELLINK", "NLM_F_REQUEST|NLM_F_ACK", encoded(&DeleteLink::index(index()))),
        ("RTM_GETLINK", "NLM_F_REQUEST", encoded(&GetLink::index(index()))),
        ("RTM_GETLINK", "NLM_F_REQUEST|NLM_F_DUMP", encoded(&ListLinks::new())),
        (
            "RTM_NEWLINKPROP",
            "NLM_F_REQUEST|NLM_F_ACK|NLM_F_CREATE|NLM_F_EXCL",
            encoded(&AltNameChange::add(index(), alt_name())),
        ),
        ("RTM_DELLINKPROP", "NLM_F_REQUEST|NLM_F_ACK", encoded(&AltNameChange::delete(index(), alt_name()))),
    ];
    let claims = all.into_iter().flat_map(|(ty, flags, request)| {
        let header = Header::parse(&request).expect("a header");
        [claim(ty, header.ty), claim(flags, header.flags)]
    });
    claims.chain([claim("NLM_F_DUMP_INTR", INTERRUPTED)]).collect()
}

/// The attributes that a request starts with, in their order, which is the names'.
fn numbers(request: &impl Request, names: &[&str]) -> Vec<Claim> {
    let bytes = encoded(request);
    let mut attributes = attributes(&bytes);
    names.iter().map(|name| claim(name, first(&mut attributes))).collect()
}

fn first(attributes: &mut Attributes<'_>) -> i128 {
    attributes.next().map_or(NONE, |attribute| attribute.number.into())
}

/// The number of the first attribute in the nest at the end of a path.
fn first_in(request: &[u8], path: &[u16]) -> i128 {
    inside(request, path).map_or(NONE, |nest| first(&mut Attributes::new(nest)))
}

pub fn attributes_of_requests() -> Vec<Claim> {
    let get = GetLink::name(IfName::new("a").expect("a name")).in_netnsid(NsId::new(1).unwrap());
    let dump = ListLinks::new().in_netnsid(NsId::new(1).unwrap()).master(index()).kind("vlan");
    let alt_names = AltNameChange::add(index(), alt_name());
    let settings = LinkSettings::new(index()).addr_gen_mode(AddrGenMode::None);
    let token = LinkSettings::new(index()).token(Ipv6Token::UNSET);
    let pair = encoded(&NewLink::veth(NewLink::peer()));
    let mut claims = vec![
        claim("RTEXT_FILTER_SKIP_STATS", number(inside(&encoded(&get), &[29]))),
        claim("RTEXT_FILTER_MRP", number(inside(&encoded(&get.with_stats()), &[29]))),
        claim("RTEXT_FILTER_MRP", number(inside(&encoded(&ListLinks::new().with_stats()), &[29]))),
        claim("IFLA_ALT_IFNAME", first_in(&encoded(&alt_names), &[52])),
        claim("AF_INET6", first_in(&encoded(&settings), &[26])),
        claim("IFLA_INET6_ADDR_GEN_MODE", first_in(&encoded(&settings), &[26, 10])),
        claim("IFLA_INET6_TOKEN", first_in(&encoded(&token), &[26, 10])),
        claim("IFLA_INFO_KIND", first_in(&pair, &[18])),
        claim("VETH_INFO_PEER", first_in(&pair, &[18, 2])),
    ];
    claims.extend(numbers(&get, &["IFLA_IFNAME", "IFLA_EXT_MASK", "IFLA_TARGET_NETNSID"]));
    claims.extend(numbers(&dump, &["IFLA_EXT_MASK", "IFLA_TARGET_NETNSID", "IFLA_MASTER", "IFLA_LINKINFO"]));
    claims.extend(numbers(&GetLink::alt_name(alt_name()), &["IFLA_ALT_IFNAME"]));
    claims.extend(numbers(&DeleteLink::group(1), &["IFLA_GROUP"]));
    claims.extend(numbers(&alt_names, &["IFLA_PROP_LIST"]));
    claims.extend(numbers(&settings, &["IFLA_AF_SPEC"]));
    claims
}

/// A message as the kernel would send it.
fn message(ty: u16, flags: u16, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(16 + payload.len()).expect("a length");
    [&length.to_ne_bytes()[..], &ty.to_ne_bytes(), &flags.to_ne_bytes(), &[0; 8], payload].concat()
}

fn reply(message: &[u8]) -> Reply<'_> {
    let message = Messages::new(message).next().expect("a message").expect("a whole one");
    Reply::of(message).expect("a reply")
}

/// A refusal with one attribute behind the header that it echoes, which says that it stands before `echoed - 16` bytes.
fn refusal(flags: u16, echoed: u32, attribute: u16, value: &[u8]) -> Vec<u8> {
    message(2, flags, &[&[0; 4][..], &echoed.to_ne_bytes(), &[0; 12], &tlv(attribute, value)].concat())
}

fn tlv(number: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(4 + value.len()).expect("a length");
    [&length.to_ne_bytes(), &number.to_ne_bytes(), value].concat()
}

fn ack(message: &[u8]) -> Ack<'_> {
    match reply(message) {
        Reply::Ack(ack) => ack,
        other => panic!("{other:?}"),
    }
}

/// Which numbers the library takes for the types and flags of answers.
pub fn answers() -> Vec<Claim> {
    let ty = |name, is_it: fn(Reply<'_>) -> bool| {
        claim(name, the_only(0..16u16, |ty| is_it(reply(&message(ty, 0, &[0; 20])))))
    };
    let bits = || (0..16).map(|bit| 1u16 << bit);
    let tlvs = the_only(bits(), |bit| ack(&refusal(bit, 16, 1, b"text")).text().is_some());
    let with_tlvs = u16::try_from(tlvs).expect("a flag");
    let says_capped = |bit| ack(&refusal(bit | with_tlvs, 64, 1, b"text")).text().is_some();
    vec![
        ty("NLMSG_NOOP", |reply| matches!(reply, Reply::Noop)),
        ty("NLMSG_ERROR", |reply| matches!(reply, Reply::Ack(_))),
        ty("NLMSG_DONE", |reply| matches!(reply, Reply::Done(_))),
        ty("NLMSG_OVERRUN", |reply| matches!(reply, Reply::Overrun)),
        claim("NLM_F_ACK_TLVS", tlvs),
        claim("NLM_F_CAPPED", the_only(bits(), says_capped)),
    ]
}

/// Which numbers the library takes for the attributes of answers.
pub fn attributes_of_answers() -> Vec<Claim> {
    const TLVS: u16 = 0x200;
    let in_ack = |name, value: &[u8], has: fn(Ack<'_>) -> bool| {
        claim(name, the_only(1..32u16, |number| has(ack(&refusal(TLVS, 16, number, value)))))
    };
    let in_policy = |name, value: &[u8], has: fn(Policy) -> bool| {
        let policy = |number| ack(&refusal(TLVS, 16, 4, &tlv(number, value))).policy();
        claim(name, the_only(1..32u16, |number| policy(number).is_some_and(has)))
    };
    vec![
        in_ack("NLMSGERR_ATTR_MSG", b"text", |ack| ack.text().is_some()),
        in_ack("NLMSGERR_ATTR_OFFS", &[1; 4], |ack| ack.offset().is_some()),
        in_ack("NLMSGERR_ATTR_POLICY", &[], |ack| ack.policy().is_some()),
        in_ack("NLMSGERR_ATTR_MISS_TYPE", &[1; 4], |ack| ack.missing().is_some()),
        // Signed and unsigned ones differ in what 64 set bits are.
        in_policy("NL_POLICY_TYPE_ATTR_MIN_VALUE_S", &[0xff; 8], |policy| policy.min == Some(-1)),
        in_policy("NL_POLICY_TYPE_ATTR_MAX_VALUE_S", &[0xff; 8], |policy| policy.max == Some(-1)),
        in_policy("NL_POLICY_TYPE_ATTR_MIN_VALUE_U", &[0xff; 8], |policy| policy.min == Some(u64::MAX.into())),
        in_policy("NL_POLICY_TYPE_ATTR_MAX_VALUE_U", &[0xff; 8], |policy| policy.max == Some(u64::MAX.into())),
        in_policy("NL_POLICY_TYPE_ATTR_MIN_LENGTH", &[1; 4], |policy| policy.min_length.is_some()),
        in_policy("NL_POLICY_TYPE_ATTR_MAX_LENGTH", &[1; 4], |policy| policy.max_length.is_some()),
    ]
}

pub fn sizes() -> Vec<Claim> {
    let size = |size: usize| i128::try_from(size).expect("a size");
    let longest = |is_valid: fn(&str) -> bool| (0..300).rev().find(|n| is_valid(&"a".repeat(*n))).expect("a length");
    let map = [EgressQos::new(1, VlanPriority::new(2).expect("a priority"))];
    let vlan = encoded(&LinkChange::vlan(index()).flags(VlanFlags::GVRP.on()).egress_qos(&map));
    let at = |path: &[u16]| inside(&vlan, path).map_or(NONE, |value| size(value.len()));
    let nest_type = number(vlan.get(34..36));
    let all_bits = Attributes::new(&tlv(u16::MAX, &[])).next().expect("an attribute").number;
    vec![
        claim("NLMSG_HDRLEN", size(Header::SIZE)),
        claim("NLMSG_HDRLEN+sizeof(struct ifinfomsg)", size(encoded(&LinkChange::new(index())).len())),
        claim("sizeof(struct ifla_vlan_flags)", at(&[18, 2, 2])),
        claim("sizeof(struct ifla_vlan_qos_mapping)", at(&[18, 2, 3, 1])),
        claim("NLA_F_NESTED|IFLA_LINKINFO", nest_type),
        claim("NLA_TYPE_MASK&0xffff", all_bits),
        claim("IFNAMSIZ", size(longest(|name| IfName::new(name).is_ok()) + 1)),
        claim("ALTIFNAMSIZ", size(longest(|name| AltName::new(name).is_ok()) + 1)),
        claim("IFALIASZ", size(longest(|text| Alias::new(text).is_ok()) + 1)),
        claim("ETH_ALEN", size(mac().bytes().len())),
    ]
}
