//! Switching an offload feature, as `ethtool -K` does, and reading it, as `ethtool -k` does: by generic netlink
//! (`include/uapi/linux/ethtool_netlink.h`).

use crate::common::Skip;
use netlink_sys::Socket;
use netlink_sys::protocols::NETLINK_GENERIC;
use sublink::wire::{Attributes, Header, Messages};

const GENL_ID_CTRL: u16 = 16;
const CTRL_CMD_GETFAMILY: u8 = 3;
const CTRL_ATTR_FAMILY_ID: u16 = 1;
const CTRL_ATTR_FAMILY_NAME: u16 = 2;

const ETHTOOL_MSG_FEATURES_GET: u8 = 11;
const ETHTOOL_MSG_FEATURES_SET: u8 = 12;
const ETHTOOL_A_FEATURES_HEADER: u16 = 1;
const ETHTOOL_A_FEATURES_WANTED: u16 = 3;
const ETHTOOL_A_FEATURES_ACTIVE: u16 = 4;
const ETHTOOL_A_HEADER_DEV_NAME: u16 = 2;
const ETHTOOL_A_BITSET_BITS: u16 = 3;
const ETHTOOL_A_BITSET_BITS_BIT: u16 = 1;
const ETHTOOL_A_BITSET_BIT_NAME: u16 = 2;
const ETHTOOL_A_BITSET_BIT_VALUE: u16 = 3;

const REQUEST_ACK: u16 = 5;
const NLMSG_ERROR: u16 = 2;
const EOPNOTSUPP: i32 = 95;
const ENOENT: i32 = 2;

fn attribute(number: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(4 + value.len()).expect("a length");
    let mut bytes = [&length.to_ne_bytes(), &number.to_ne_bytes(), value].concat();
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn nest(number: u16, attributes: &[u8]) -> Vec<u8> {
    const NLA_F_NESTED: u16 = 0x8000;
    attribute(NLA_F_NESTED | number, attributes)
}

fn text(number: u16, value: &str) -> Vec<u8> {
    attribute(number, &[value.as_bytes(), &[0]].concat())
}

/// Sends a request, and reads its answers up to the acknowledgement: the error number, and what stood behind the headers.
fn ask(ty: u16, command: u8, attributes: &[u8]) -> (i32, Vec<u8>) {
    let mut socket = Socket::new(NETLINK_GENERIC).expect("a socket");
    socket.bind_auto().expect("an address");
    let length = u32::try_from(Header::SIZE + 4 + attributes.len()).expect("a length");
    let header = [&length.to_ne_bytes()[..], &ty.to_ne_bytes(), &REQUEST_ACK.to_ne_bytes(), &[1, 0, 0, 0], &[0; 4]];
    let request = [&header.concat()[..], &[command, 1, 0, 0], attributes].concat();
    socket.send(&request, 0).expect("sent");
    let mut answer = Vec::new();
    loop {
        let (bytes, _) = socket.recv_from_full().expect("an answer");
        for message in Messages::new(&bytes).map_while(Result::ok) {
            if message.header.ty == NLMSG_ERROR {
                let errno = message.payload.first_chunk().map_or(0, |bytes| -i32::from_ne_bytes(*bytes));
                return (errno, answer);
            }
            answer = message.payload.get(4..).unwrap_or_default().to_vec();
        }
    }
}

/// The message type of requests about features.
fn message_type() -> Result<u16, Skip> {
    let (errno, family) = ask(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, &text(CTRL_ATTR_FAMILY_NAME, "ethtool"));
    if errno == ENOENT {
        return Err(Skip("this kernel has no ethtool by netlink".into()));
    }
    let id = inside(&family, CTRL_ATTR_FAMILY_ID).expect("a family");
    Ok(u16::from_ne_bytes(*id.first_chunk().expect("its number")))
}

fn inside(nest: &[u8], number: u16) -> Option<&[u8]> {
    Attributes::new(nest).find(|attribute| attribute.number == number).map(|attribute| attribute.value)
}

/// Whether `ethtool -k LINK` shows the feature as on, in the calling thread's namespace.
pub fn has_feature(link: &str, feature: &str) -> Result<bool, Skip> {
    let header = nest(ETHTOOL_A_FEATURES_HEADER, &text(ETHTOOL_A_HEADER_DEV_NAME, link));
    let (errno, answer) = ask(message_type()?, ETHTOOL_MSG_FEATURES_GET, &header);
    assert_eq!(errno, 0, "the features of {link}");
    let active = inside(&answer, ETHTOOL_A_FEATURES_ACTIVE).expect("those that are on");
    let mut bits = Attributes::new(inside(active, ETHTOOL_A_BITSET_BITS).unwrap_or_default());
    let wanted = [feature.as_bytes(), &[0]].concat();
    Ok(bits.any(|bit| inside(bit.value, ETHTOOL_A_BITSET_BIT_NAME) == Some(&wanted)))
}

/// `ethtool -K LINK FEATURE on|off`, in the calling thread's namespace.
pub fn set_feature(link: &str, feature: &str, on: bool) -> Result<(), Skip> {
    let id = message_type()?;
    let value = if on { attribute(ETHTOOL_A_BITSET_BIT_VALUE, &[]) } else { Vec::new() };
    let bit = nest(ETHTOOL_A_BITSET_BITS_BIT, &[text(ETHTOOL_A_BITSET_BIT_NAME, feature), value].concat());
    let wanted = nest(ETHTOOL_A_FEATURES_WANTED, &nest(ETHTOOL_A_BITSET_BITS, &bit));
    let header = nest(ETHTOOL_A_FEATURES_HEADER, &text(ETHTOOL_A_HEADER_DEV_NAME, link));
    match ask(id, ETHTOOL_MSG_FEATURES_SET, &[header, wanted].concat()).0 {
        0 => Ok(()),
        EOPNOTSUPP => Err(Skip(format!("this kernel cannot set {feature} of {link}"))),
        errno => panic!("{feature} of {link}: error {errno}"),
    }
}
