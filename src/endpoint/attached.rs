//! A link that was attached, as plain data, and finding it again without that.

use crate::error::Result;
use crate::link::{LinkKind, LinkView, ListLinks, LowerLink, MacvlanMode, VlanId, VlanProtocol};
use crate::sandbox::Sandbox;
use crate::socket::Socket;
use crate::value::{Given, IfIndex, IfName, InvalidValue, MacAddr};
use crate::wire::Message;
use std::fmt;
use std::str::FromStr;

/// A link that was attached: plain data, to be kept until it is detached.
///
/// It prints as one line without control characters, and is read from that again:
///
/// ```
/// # use sublink::Attached;
/// let text = "eth0 kind macvlan index 20817 mac 02:00:00:00:00:07 parent 5 lower 5";
/// let attached: Attached = text.parse()?;
/// assert_eq!(attached.index.get(), 20817);
/// assert_eq!(attached.to_string(), text);
/// # Ok::<(), sublink::value::InvalidValue>(())
/// ```
///
/// A process that has no such text finds the link by what it knows: [`find`](Self::find), [`find_mac`](Self::find_mac).
///
/// To lose nothing in a crash between attaching and saving, choose the index and the MAC address, write them down, and
/// attach. What is found under both is the link:
///
/// ```no_run
/// # use sublink::{Attached, Endpoint, IfIndex, MacAddr, MacvlanMode, NewLink, Sandbox, Socket};
/// # use sublink::endpoint::Detach;
/// # fn save(_: IfIndex, _: MacAddr) {}
/// # let (mut host, mut pod) = (Socket::open()?, Sandbox::named("c1")?);
/// # let parent = host.index_of("eth0.50")?;
/// let (index, mac) = (IfIndex::random(), MacAddr::random());
/// save(index, mac);
/// let link = NewLink::macvlan(parent).mode(MacvlanMode::Bridge).index(index).mac(mac);
/// Endpoint::new(link).attach(&mut host, &mut pod)?; // EEXIST or EBUSY if the index is taken: choose another
///
/// // After a crash:
/// if let Some(found) = Attached::find_mac(&mut pod, mac)?.into_iter().find(|found| found.index == index) {
///     found.detach(&mut host, &mut pod, &Detach::new())?;
/// }
/// # Ok::<(), sublink::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Attached {
    /// Its index in the container.
    pub index: IfIndex,
    /// The name it was given there.
    pub name: IfName,
    /// Its kind.
    pub kind: LinkKind,
    /// Its MAC address. `None` on hardware without one.
    pub mac: Option<MacAddr>,
    /// Whether that is its parent's, and changes with it: of an ipvlan, a macvlan in passthru mode, and a VLAN that was not
    /// given one of its own.
    pub has_parents_mac: bool,
    /// The parent that was asked for. If the link was [found](Self::find), the parent that the kernel reports.
    pub parent: Option<IfIndex>,
    /// The device that it really stands on, and that the kernel reports as its parent. It is the parent, except that a macvlan
    /// on a macvlan stands on that one's lower device, and so does an ipvlan on an ipvlan. `None` if it is not known, or in
    /// another namespace than the parent.
    pub lower: Option<IfIndex>,
    /// The protocol and id of a VLAN, which it keeps for life.
    pub vlan: Option<(VlanProtocol, VlanId)>,
}

impl Attached {
    /// The container's link of this name, if there is one of a kind that containers get: for a process that knows no more.
    ///
    /// It may be another than was attached: the container may have renamed links and made new ones.
    pub fn find(sandbox: &mut Sandbox, name: impl AsRef<[u8]>) -> Result<Option<Self>> {
        match sandbox.socket().link(name) {
            Ok(link) => Ok(Self::of(&link)),
            Err(error) if error.is_no_device() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The container's links with this MAC address, of the kinds that containers get. There may be several: ipvlans and VLANs
    /// share their parent's.
    ///
    /// # Errors
    /// As for any list ([`Socket::links`]): when it is incomplete, nothing is returned.
    pub fn find_mac(sandbox: &mut Sandbox, mac: MacAddr) -> Result<Vec<Self>> {
        let mut found = Vec::new();
        let mut links = sandbox.socket().links(&ListLinks::new())?;
        while let Some(link) = links.next()? {
            found.extend(Self::of(&link).filter(|found| found.mac == Some(mac)));
        }
        Ok(found)
    }

    /// As the kernel reports it. Whether a VLAN has its parent's MAC address is not reported: it is taken to have it, so that
    /// it is known again when that changes.
    fn of(link: &LinkView<'_>) -> Option<Self> {
        let kind = LinkKind::ALL.into_iter().find(|kind| link.kind() == kind.as_str())?;
        let (macvlan, macvtap) =
            (link.macvlan().map(|macvlan| macvlan.mode()), link.macvtap().map(|macvtap| macvtap.mode()));
        let has_parents_mac = match kind {
            LinkKind::Macvlan | LinkKind::Macvtap => macvlan.or(macvtap).flatten() == Some(MacvlanMode::Passthru),
            LinkKind::Vlan | LinkKind::Ipvlan => true,
        };
        let (mac, parent, vlan) = (link.mac().mac(), link.parent(), tag_of(link));
        Some(Self {
            index: link.index(),
            name: link.if_name(),
            kind,
            mac,
            has_parents_mac,
            parent,
            lower: parent,
            vlan,
        })
    }

    /// With the name and the address that the kernel chose.
    pub(super) fn complete(self, inside: &mut Socket) -> Result<Self> {
        let link = inside.link_at(self.index)?;
        Ok(Self { name: link.if_name(), mac: link.mac().mac(), ..self })
    }
}

/// The protocol and id of a VLAN.
pub(super) fn tag_of(link: &LinkView<'_>) -> Option<(VlanProtocol, VlanId)> {
    let vlan = link.vlan()?;
    Some((vlan.protocol().unwrap_or(VlanProtocol::Ieee8021Q), vlan.id()?))
}

/// Which device a link of this kind is put on when it is asked for on the parent that `answer` tells of.
pub(super) fn lower_of(kind: LinkKind, answer: Message<'_>) -> Option<IfIndex> {
    let is_macvlan = matches!(kind, LinkKind::Macvlan | LinkKind::Macvtap);
    if is_macvlan && !has_word(answer.payload, *b"macv") {
        return LowerLink::index_of(answer);
    }
    let parent = LowerLink::of(answer)?;
    let passes_on = match parent.kind.name().as_bytes() {
        b"macvlan" | b"macvtap" => is_macvlan,
        b"ipvlan" | b"ipvtap" => kind == LinkKind::Ipvlan,
        _ => false,
    };
    if passes_on { parent.parent.filter(|_| !parent.parent_is_elsewhere) } else { Some(parent.index) }
}

/// Whether the word stands in a message, aligned as the name of a kind is. Where the name's start does not, the kind need not
/// be read, which costs four times as much; where it does, something else may have it too.
#[expect(clippy::needless_bitwise_bool, reason = "without a branch a processor looks at several words at a time")]
fn has_word(message: &[u8], word: [u8; 4]) -> bool {
    message.chunks_exact(4).fold(false, |found, other| found | (other == word))
}

impl fmt::Display for Attached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { index, name, kind, mac, has_parents_mac, parent, lower, vlan } = self;
        write!(f, "{} kind {kind} index {index}", name.to_escaped())?;
        if let Some(mac) = mac {
            write!(f, " mac {mac}")?;
        }
        if let Some(parent) = parent {
            write!(f, " parent {parent}")?;
        }
        if let Some(lower) = lower {
            write!(f, " lower {lower}")?;
        }
        if let Some((protocol, id)) = vlan {
            write!(f, " vlan {protocol} {id}")?;
        }
        f.write_str(if *has_parents_mac { " has_parents_mac" } else { "" })
    }
}

impl FromStr for Attached {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        parse(text).ok_or(InvalidValue::Attached(Given::new(text.as_bytes())))
    }
}

fn parse(text: &str) -> Option<Attached> {
    let mut words = text.split(' ');
    let name = IfName::from_escaped(words.next().filter(|word| word.is_ascii())?).ok()?;
    let (mut kind, mut index, mut mac, mut parent, mut lower, mut vlan, mut has_parents_mac) =
        (None, None, None, None, None, None, false);
    let index_of = |word: Option<&str>| word?.parse().ok().and_then(|index| IfIndex::new(index).ok());
    while let Some(word) = words.next() {
        match word {
            "kind" if kind.is_none() => kind = Some(words.next()?.parse().ok()?),
            "index" if index.is_none() => index = Some(index_of(words.next())?),
            "mac" if mac.is_none() => mac = Some(words.next()?.parse().ok()?),
            "parent" if parent.is_none() => parent = Some(index_of(words.next())?),
            "lower" if lower.is_none() => lower = Some(index_of(words.next())?),
            "vlan" if vlan.is_none() => vlan = Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?)),
            "has_parents_mac" if !has_parents_mac => has_parents_mac = true,
            _ => return None,
        }
    }
    Some(Attached { index: index?, name, kind: kind?, mac, has_parents_mac, parent, lower, vlan })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attached(name: &[u8]) -> Attached {
        Attached {
            index: IfIndex(20_817),
            name: IfName::from_bytes(name).unwrap(),
            kind: LinkKind::Macvlan,
            mac: Some("02:00:00:00:00:07".parse().unwrap()),
            has_parents_mac: false,
            parent: Some(IfIndex(5)),
            lower: Some(IfIndex(2)),
            vlan: None,
        }
    }

    /// Every byte that a name may hold, alone, twice, beside a backslash and as part of what looks like an escape.
    #[test]
    fn every_name_comes_back() {
        let mut names = 0;
        for byte in 0..=255 {
            for name in
                [&[byte][..], &[byte, byte], &[b'\\', byte], &[byte, b'\\', b'x', b'4', b'1'], &[b'a', byte, 0xff]]
            {
                if IfName::from_bytes(name).is_err() {
                    continue;
                }
                let text = attached(name).to_string();
                assert!(text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' '), "{text:?}");
                assert_eq!(text.parse(), Ok(attached(name)), "{text}");
                names += 1;
            }
        }
        assert!(names > 1_200, "{names}");
    }

    #[test]
    fn every_field_comes_back() {
        let whole = attached(b"kind");
        let mac = None;
        for attached in [
            whole,
            Attached { mac, ..whole },
            Attached { has_parents_mac: true, ..whole },
            Attached { parent: None, lower: None, ..whole },
            Attached { vlan: Some((VlanProtocol::Ieee8021Ad, VlanId::new(50).unwrap())), ..whole },
            Attached { kind: LinkKind::Ipvlan, lower: None, index: IfIndex(0x7fff_ffff), ..whole },
        ] {
            assert_eq!(attached.to_string().parse(), Ok(attached), "{attached}");
        }
        let text = "kind kind macvlan index 20817 mac 02:00:00:00:00:07 parent 5 lower 2";
        assert_eq!(whole.to_string(), text);
    }

    #[test]
    fn what_is_no_attached_link_is_refused() {
        let good = attached(b"eth0").to_string();
        let bad = [
            "",
            "eth0",
            "eth0 kind macvlan",
            "eth0 index 7",
            "eth0 kind dummy index 7",
            "eth0 kind vlan index 0",
            "eth0 kind vlan index +x",
            "eth0 kind vlan index 7 index 7",
            "eth0  kind vlan index 7",
            "eth0 kind vlan index 7 ",
            "eth0 kind vlan index 7 mac 02",
            "eth0 kind vlan index 7 colour red",
            "eth0 kind vlan index 7 vlan 802.1Q",
            "eth0 kind vlan index 7 vlan 802.1Q 4095",
            "\\x kind vlan index 7",
            "\\x4 kind vlan index 7",
            "\\x2f kind vlan index 7",
            "\\xzz kind vlan index 7",
            "\\ kind vlan index 7",
            "\u{e9} kind vlan index 7",
            "\\x\u{e9} kind vlan index 7",
            " kind vlan index 7",
        ];
        assert!(good.parse::<Attached>().is_ok());
        for text in bad {
            assert!(matches!(text.parse::<Attached>(), Err(InvalidValue::Attached(_))), "{text:?}");
        }
    }
}
