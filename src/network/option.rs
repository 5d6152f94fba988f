//! Options as Docker's `-o KEY=VALUE` gives them.

use super::{Driver, HostAccess, InvalidNetwork, InvalidParent, Network};
use crate::link::{MacvlanMode, VlanId, VlanProtocol};
use crate::value::IfName;
use ipnetwork::IpNetwork;
use std::net::IpAddr;
use std::ops::RangeInclusive;

const PARENT: &str = "parent";
const PARENT_VLAN: &str = "parent_vlan";
const PARENT_PROTOCOL: &str = "parent_protocol";
const PARENT_UP: &str = "parent_up";
const HOST_ACCESS: &str = "host_access";
const MODE: &str = "macvlan_mode";
const MTU: &str = "com.docker.network.driver.mtu";

/// What the drivers of macvlan and VLAN take.
const MTUS: RangeInclusive<u32> = 68..=65535;

/// The modes that a network can have. In source mode its containers would hear nobody.
const MODES: [(&str, MacvlanMode); 4] = [
    ("bridge", MacvlanMode::Bridge),
    ("private", MacvlanMode::Private),
    ("vepa", MacvlanMode::Vepa),
    ("passthru", MacvlanMode::Passthru),
];

impl Network {
    /// Sets an option:
    ///
    /// - `parent`: the link that it is [on](Self::on). As with Docker, an empty one is none. `\xNN` is a byte
    ///   ([`IfName::from_escaped`]).
    /// - `parent_vlan`: the VLAN that the parent is made as, if its name does not say it, as `BASE.ID` of any length:
    ///   [`parent_vlan`](Self::parent_vlan).
    /// - `parent_protocol`: `802.1Q` or `802.1ad`, of the outermost VLAN: [`parent_protocol`](Self::parent_protocol).
    /// - `parent_up`: `true` or `false`, whether a parent that is down is [brought up](Self::parent_up).
    /// - `com.docker.network.driver.mtu`: the [MTU](Self::mtu) in bytes.
    /// - `macvlan_mode`, of a macvlan network; an empty one is bridge.
    /// - `host_access`, of a macvlan network: the host's [access](Self::host_access) to it, as addresses and, with a prefix
    ///   length, destinations: `10.0.50.250,10.0.50.64/26`.
    ///
    /// ```
    /// use sublink::{MacvlanMode, Network};
    /// use sublink::network::Driver;
    /// let network = Network::new("pub_net", Driver::Macvlan(MacvlanMode::Bridge))?.option("parent", "eth0.50")?;
    /// let error = network.option("macvlan_mode", "veth").unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     r#""veth" is not a macvlan_mode: the modes are bridge (the default), private, vepa and passthru"#
    /// );
    /// # Ok::<(), sublink::network::InvalidNetwork>(())
    /// ```
    ///
    /// # Errors
    /// A key or a value that is none, with what would be one; and any option of a network that is made from a config.
    pub fn option(mut self, key: &str, value: &str) -> Result<Self, InvalidNetwork> {
        if let Some(config) = &self.config_from {
            return Err(InvalidNetwork::ConfiguredElsewhere(config.clone()));
        }
        match (key, self.driver) {
            (PARENT, _) if value.is_empty() => self.parent = None,
            (PARENT, _) => {
                let parent = IfName::from_escaped(value);
                self.parent = Some(parent.map_err(|why| InvalidParent::Name { name: value.into(), why })?);
            }
            (PARENT_VLAN, _) => self.parent_vlan = Some(parent_vlan(value)?),
            (PARENT_PROTOCOL, _) => self.parent_protocol = Some(protocol(value)?),
            (PARENT_UP, _) => self.parent_up = flag(PARENT_UP, value)?,
            (HOST_ACCESS, Driver::Macvlan(_)) => self.host_access = Some(host_access(value)?),
            (MODE, Driver::Macvlan(_)) => self.driver = Driver::Macvlan(mode(value)?),
            (MTU, _) => {
                let mtu = value.parse().ok().filter(|mtu| MTUS.contains(mtu));
                self.mtu = Some(mtu.ok_or_else(|| InvalidNetwork::Mtu(value.into()))?);
            }
            _ => return Err(InvalidNetwork::UnknownOption(key.into())),
        }
        Ok(self)
    }

    /// The options, as [`option`](Self::option) reads them: a network that is given them has the same ones. Unusual bytes of the
    /// parent's name are [escaped](IfName::to_escaped).
    pub fn options(&self) -> Vec<(&'static str, String)> {
        let mode = match self.driver {
            Driver::Macvlan(mode) => Some((MODE, mode.to_string())),
            Driver::Vlan => None,
        };
        let parent = self.parent.map(|parent| (PARENT, parent.to_escaped()));
        let vlan = self.parent_vlan.map(|(base, id)| (PARENT_VLAN, format!("{}.{id}", base.to_escaped())));
        let protocol = self.parent_protocol.map(|protocol| (PARENT_PROTOCOL, protocol.to_string()));
        let up = self.parent_up.then(|| (PARENT_UP, "true".to_owned()));
        let mtu = self.mtu.map(|mtu| (MTU, mtu.to_string()));
        let access = self.host_access.as_ref().map(|access| {
            let addrs = access.addrs().iter().map(IpAddr::to_string);
            let all: Vec<_> = addrs.chain(access.destinations().iter().map(IpNetwork::to_string)).collect();
            (HOST_ACCESS, all.join(","))
        });
        [parent, vlan, protocol, up, mode, mtu, access].into_iter().flatten().collect()
    }

    /// Checks what was set without [`option`](Self::option).
    pub(super) fn check_options(&self) -> Result<(), InvalidNetwork> {
        if self.parent.is_some_and(|parent| parent.as_bytes() == b"lo") {
            return Err(InvalidParent::Loopback.into());
        }
        if self.parent.is_none() && (self.parent_vlan.is_some() || self.parent_protocol.is_some()) {
            return Err(InvalidNetwork::NoParentName);
        }
        if let Some(mtu) = self.mtu.filter(|mtu| !MTUS.contains(mtu)) {
            return Err(InvalidNetwork::Mtu(mtu.to_string().into()));
        }
        match self.driver {
            Driver::Macvlan(own) => mode(&own.to_string()).map(drop),
            Driver::Vlan => Ok(()),
        }
    }
}

/// `enp130s0f0np0.100`: a link and the id of a VLAN on it.
fn parent_vlan(value: &str) -> Result<(IfName, VlanId), InvalidNetwork> {
    let vlan = value.rsplit_once('.').and_then(|(base, id)| {
        let id: u16 = id.parse().ok().filter(|id| *id > 0)?;
        Some((IfName::from_escaped(base).ok()?, VlanId::new(id).ok()?))
    });
    vlan.ok_or_else(|| InvalidParent::Vlan(value.into()).into())
}

fn protocol(value: &str) -> Result<VlanProtocol, InvalidNetwork> {
    let known = [VlanProtocol::Ieee8021Q, VlanProtocol::Ieee8021Ad];
    let protocol = known.into_iter().find(|known| known.to_string() == value);
    protocol.ok_or_else(|| InvalidNetwork::OptionValue {
        key: PARENT_PROTOCOL,
        value: value.into(),
        known: "802.1Q or 802.1ad",
    })
}

/// As Docker reads one.
fn flag(key: &'static str, value: &str) -> Result<bool, InvalidNetwork> {
    match value {
        "true" | "1" | "" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(InvalidNetwork::OptionValue { key, value: value.into(), known: "true or false" }),
    }
}

fn host_access(value: &str) -> Result<HostAccess, InvalidNetwork> {
    let known = "addresses and, with a prefix length, destinations, as in 10.0.50.250,10.0.50.64/26";
    let unknown = || InvalidNetwork::OptionValue { key: HOST_ACCESS, value: value.into(), known };
    value.split(',').try_fold(HostAccess::new(), |access, word| match word.split_once('/') {
        None => word.parse().map(|addr| access.addr(addr)).map_err(|_| unknown()),
        Some(_) => word.parse().map(|to| access.to(to)).map_err(|_| unknown()),
    })
}

/// Docker's word for a mode. A slip is answered with what was probably meant: a word that agrees in more than half.
fn mode(word: &str) -> Result<MacvlanMode, InvalidNetwork> {
    let word = if word.is_empty() { "bridge" } else { word };
    if let Some((_, mode)) = MODES.iter().find(|(known, _)| *known == word) {
        return Ok(*mode);
    }
    let is_near = |known: &&str| {
        let same = known.bytes().zip(word.bytes()).filter(|(a, b)| a == b).count();
        same * 2 > known.len().max(word.len())
    };
    let meant = MODES.iter().map(|(known, _)| *known).find(is_near);
    Err(InvalidNetwork::Mode { mode: word.into(), meant })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{Given, InvalidValue};

    fn macvlan() -> Network {
        Network::new("net", Driver::Macvlan(MacvlanMode::Bridge)).unwrap()
    }

    #[test]
    fn modes_are_dockers_words_there_and_back() {
        for (word, mode) in MODES {
            let network = macvlan().option(MODE, word).unwrap();
            assert_eq!(network.driver(), Driver::Macvlan(mode));
            assert_eq!(network.options(), [(MODE, word.to_owned())]);
        }
        assert_eq!(macvlan().option(MODE, "").unwrap(), macvlan());
    }

    #[test]
    fn a_slip_is_answered_with_what_was_meant() {
        let rows = [
            ("veth", None), // as far from vepa as near
            ("vepq", Some("vepa")),
            ("bridged", Some("bridge")),
            ("brigde", Some("bridge")),
            ("passthrough", Some("passthru")),
            ("Private", Some("private")),
            ("source", None),
            ("l2", None),
        ];
        for (word, meant) in rows {
            let error = macvlan().option(MODE, word).unwrap_err();
            assert_eq!(error, InvalidNetwork::Mode { mode: word.into(), meant });
        }
    }

    #[test]
    fn options_of_the_parent_come_back() {
        let written = [
            (PARENT, "up100"),
            (PARENT_VLAN, "enp130s0f0np0.100"),
            (PARENT_PROTOCOL, "802.1ad"),
            (PARENT_UP, "true"),
            (MODE, "bridge"),
            (HOST_ACCESS, "10.0.50.250,fd50::250,10.0.50.64/26"),
        ];
        let network = written.iter().try_fold(macvlan(), |network, (key, value)| network.option(key, value)).unwrap();
        let options = network.options();
        assert_eq!(options.iter().map(|(key, value)| (*key, &**value)).collect::<Vec<_>>(), written);
        let parent = network.parent().unwrap();
        let base = IfName::new("enp130s0f0np0").unwrap();
        let expected = crate::network::Parent::vlan(IfName::new("up100").unwrap(), base, VlanId::new(100).unwrap());
        assert_eq!(parent, expected.outer_protocol(VlanProtocol::Ieee8021Ad).bring_up());
        let again = written.iter().rev().try_fold(macvlan(), |network, (key, value)| network.option(key, value));
        assert_eq!(again, Ok(network), "in any order");
        assert_eq!(macvlan().option(PARENT_UP, "0"), Ok(macvlan()));
        let alone = macvlan().option(PARENT_VLAN, "eth0.50").unwrap();
        assert_eq!(alone.validate(&[]), Err(InvalidNetwork::NoParentName));
    }

    #[test]
    fn options_of_the_parent_say_what_they_are() {
        for value in ["", "eth0", "eth0.", ".50", "eth0.0", "eth0.4095", "eth0.x", "enp130s0f0np0-xx.50"] {
            let expected = InvalidParent::Vlan(value.into());
            assert_eq!(macvlan().option(PARENT_VLAN, value), Err(expected.into()), "{value}");
        }
        let rows = [
            (PARENT_PROTOCOL, "802.1q", r#""802.1q" is not a value of parent_protocol, which is 802.1Q or 802.1ad"#),
            (PARENT_UP, "yes", r#""yes" is not a value of parent_up, which is true or false"#),
            (
                HOST_ACCESS,
                "10.0.50",
                r#""10.0.50" is not a value of host_access, which is addresses and, with a prefix length, destinations, as in 10.0.50.250,10.0.50.64/26"#,
            ),
        ];
        for (key, value, expected) in rows {
            assert_eq!(macvlan().option(key, value).unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn options_are_read_as_they_are_written() {
        let network = macvlan().option(MTU, "9000").unwrap().option(MODE, "vepa").unwrap();
        let network = network.option(PARENT, "eth0.50").unwrap();
        let options = network.options();
        assert_eq!(options, [(PARENT, "eth0.50".into()), (MODE, "vepa".into()), (MTU, "9000".into())]);
        let again = options.iter().try_fold(macvlan(), |network, (key, value)| network.option(key, value));
        assert_eq!(again, Ok(network));
        assert_eq!(macvlan().option(PARENT, ""), Ok(macvlan()), "no parent");
    }

    /// Whatever the kernel takes for a name. What a name prints as would be read as another name, or as none.
    #[test]
    fn every_parent_comes_back() {
        let is_back = |name: &[u8]| {
            let Ok(parent) = IfName::from_bytes(name) else { return false };
            let network = macvlan().on(parent);
            if let Some((key, value)) = network.options().into_iter().next() {
                assert!(value.bytes().all(|byte| byte.is_ascii_graphic()), "{value}");
                assert_eq!(macvlan().option(key, &value).map(|network| network.parent_name()), Ok(parent), "{value}");
            }
            true
        };
        let mut names = 0;
        for byte in 0..=255 {
            let with =
                [&[byte][..], &[b'\\', byte], &[b'\\', b'x', byte], &[byte, b'\\', b'x', b'4', b'1'], &[0xc3, byte]];
            names += with.into_iter().filter(|name| is_back(name)).count();
        }
        let mut random = 0_u64;
        for _ in 0..20_000 {
            let name: Vec<_> = (0..15)
                .map_while(|_| {
                    random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    let [.., short, byte] = (random >> 16).to_be_bytes();
                    (short > 20).then_some(byte)
                })
                .collect();
            names += usize::from(is_back(&name));
        }
        assert!(names > 10_000, "{names}");
    }

    /// Text of other alphabets can be typed as it is; a backslash cannot.
    #[test]
    fn a_parent_is_read_as_it_is_typed() {
        for (typed, bytes) in
            [("eth0.50", &b"eth0.50"[..]), ("\u{e9}0", b"\xc3\xa90"), (r"a\x5Cb", b"a\\b"), (r"\x65", b"e")]
        {
            assert_eq!(macvlan().option(PARENT, typed).unwrap().parent_name().as_bytes(), bytes, "{typed}");
        }
        for typed in [r"a\b", r"a\", r"\x", r"\x4", r"\x+4", r"\x\x", "\\x\u{e9}", r"\X41"] {
            let name = Given::new(typed.as_bytes());
            let why = InvalidValue::NameByte { name, byte: b'\\' };
            let expected = InvalidNetwork::from(InvalidParent::Name { name: typed.into(), why });
            assert_eq!(macvlan().option(PARENT, typed), Err(expected), "{typed}");
        }
        assert!(macvlan().option(PARENT, r"a\x2fb").is_err(), "a slash, however it is written");
    }

    #[test]
    fn what_is_no_option_says_what_would_be() {
        let vlan = Network::new("net", Driver::Vlan).unwrap();
        let parent = |name: &str, why| InvalidNetwork::from(InvalidParent::Name { name: name.into(), why });
        let rows = [
            (macvlan(), "mode", "bridge", InvalidNetwork::UnknownOption("mode".into())),
            (vlan, MODE, "bridge", InvalidNetwork::UnknownOption(MODE.into())),
            (macvlan(), MTU, "67", InvalidNetwork::Mtu("67".into())),
            (macvlan(), MTU, "65536", InvalidNetwork::Mtu("65536".into())),
            (macvlan(), MTU, "big", InvalidNetwork::Mtu("big".into())),
            (
                macvlan(),
                PARENT,
                "eth 0",
                parent("eth 0", InvalidValue::NameByte { name: Given::new(b"eth 0"), byte: b' ' }),
            ),
            (
                macvlan(),
                PARENT,
                "enp0s31f6-or-longer",
                parent("enp0s31f6-or-longer", InvalidValue::NameLength(Given::new(b"enp0s31f6-or-longer"))),
            ),
        ];
        for (network, key, value, expected) in rows {
            assert_eq!(network.option(key, value), Err(expected), "{key}={value}");
        }
    }

    #[test]
    fn what_was_set_otherwise_is_checked_too() {
        let source = Network::new("net", Driver::Macvlan(MacvlanMode::Source)).unwrap();
        let rows = [
            (source, InvalidNetwork::Mode { mode: "source".into(), meant: None }),
            (macvlan().mtu(10), InvalidNetwork::Mtu("10".into())),
            (macvlan().on(IfName::new("lo").unwrap()), InvalidParent::Loopback.into()),
        ];
        for (network, expected) in rows {
            assert_eq!(network.validate(&[]), Err(expected));
        }
    }
}
