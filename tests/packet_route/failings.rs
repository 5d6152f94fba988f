//! Where netlink-packet-route 0.34 errs. When a test fails here, a release of it does better: move the request to its
//! neighbours.

use super::{encoded, index, link, name, parsed, read};
use netlink_packet_core::{DefaultNla, Emitable, NLM_F_REQUEST};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{
    InfoData, InfoVlan, LinkAttribute as A, LinkFlags, LinkInfo, VlanProtocol as Protocol,
};
use std::panic::catch_unwind;
use sublink::Request as _;
use sublink::link::{AltNameChange, GetLink, VlanProtocol};
use sublink::value::{AltName, InvalidValue};
use sublink::wire::Attributes;
use sublink::{IfName, MacAddr, NewLink, VlanId};

#[test]
fn an_unknown_vlan_protocol_becomes_802_1q() {
    let request = NewLink::vlan(index(5), VlanId::new(1).expect("an id")).protocol(VlanProtocol::Other(0x9100));
    let (_, RouteNetlinkMessage::NewLink(link)) = parsed(&request) else { panic!("no create") };
    let infos = link.attributes.iter().find_map(|attribute| match attribute {
        A::LinkInfo(infos) => Some(infos),
        _ => None,
    });
    let data = infos.expect("a kind").iter().find_map(|info| match info {
        LinkInfo::Data(InfoData::Vlan(data)) => Some(data),
        _ => None,
    });
    assert!(data.expect("data").contains(&InfoVlan::Protocol(Protocol::Ieee8021Q)));
    assert!(encoded(&request).windows(6).any(|bytes| bytes == [6, 0, 5, 0, 0x91, 0]), "ours says what it was told");
}

#[test]
fn requests_about_alternative_names_are_not_read() {
    let other_name = AltName::new("other").expect("a name");
    for (request, ty) in
        [(AltNameChange::add(index(8), other_name), 108), (AltNameChange::delete(index(8), other_name), 109)]
    {
        let error = read(&encoded(&request)).expect_err("an unknown message");
        assert!(error.to_string().contains(&ty.to_string()), "{error}");
    }
}

/// So our own reader says what is in them.
#[test]
fn requests_about_alternative_names_hold_a_list_of_one() {
    let bytes = encoded(&AltNameChange::add(index(8), AltName::new("other").expect("a name")));
    assert_eq!(bytes[16..32], [0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "ifinfomsg");
    let list: Vec<_> = Attributes::new(&bytes[32..]).collect();
    let [list] = *list else { panic!("{list:?}") };
    let names: Vec<_> = Attributes::new(list.value).map(|name| (name.number, name.value)).collect();
    assert_eq!((list.number, names), (52, vec![(53, &b"other\0"[..])]));
}

/// Outside a list they have no name in that crate.
#[test]
fn an_alternative_name_to_look_up_is_an_unknown_attribute() {
    let (flags, message) = parsed(&GetLink::alt_name(AltName::new("other").expect("a name")));
    let RouteNetlinkMessage::GetLink(read) = message else { panic!("{message:?}") };
    assert_eq!(flags, NLM_F_REQUEST);
    assert!(read.attributes.contains(&A::Other(DefaultNla::new(53, b"other\0".to_vec()))), "{read:?}");
}

#[test]
fn a_name_that_is_no_utf_8_fails_the_whole_message() {
    let request = NewLink::dummy().name(IfName::from_bytes(b"d\xff").expect("a name"));
    let error = read(&encoded(&request)).expect_err("a name of text only");
    assert!(error.to_string().contains("IFLA_IFNAME"), "{error}");
}

fn emitted(attribute: A) -> Vec<u8> {
    let message = link(0, LinkFlags::empty(), LinkFlags::empty(), vec![attribute]);
    let mut bytes = vec![0; message.buffer_len()];
    message.emit(&mut bytes);
    bytes.split_off(16)
}

#[test]
fn a_name_with_a_nul_in_it_is_sent_and_names_another_link() {
    assert_eq!(emitted(A::IfName("ab\0cd".into()))[4..], *b"ab\0cd\0\0\0");
    assert!(matches!(IfName::new("ab\0cd"), Err(InvalidValue::NameByte { byte: 0, .. })));
}

#[test]
fn a_name_and_an_address_of_any_length_are_sent() {
    assert_eq!(emitted(A::IfName("a".repeat(20)))[..2], 25u16.to_ne_bytes());
    assert!(matches!(IfName::new(&"a".repeat(20)), Err(InvalidValue::NameLength(given)) if given.len() == 20));
    assert_eq!(emitted(A::Address(vec![2, 0, 0, 1]))[..2], 8u16.to_ne_bytes());
    // Ours has six bytes, by its type.
}

#[test]
fn an_address_too_long_for_an_attribute_panics() {
    assert!(catch_unwind(|| emitted(A::Address(vec![0; 65_532]))).is_err());
    let senders = vec![MacAddr::new([2, 0, 0, 0, 0, 1]).expect("an address"); 6000];
    let too_long = NewLink::macvlan(index(5)).source(&senders).name(name("mv0")).encode(1, &mut vec![0; 100_000]);
    assert!(too_long.is_err_and(|no_room| no_room.needed > 65_535), "ours says so");
}
