//! The words of the CNI specification: versions, errors and results.
//!
//! ```text
//!   runtime ── environment: CNI_COMMAND, CNI_CONTAINERID, CNI_NETNS, CNI_IFNAME, CNI_ARGS, CNI_PATH
//!           ── stdin: the configuration ──►  plugin
//!   runtime ◄── stdout: a result, or an error and exit code 1 ──  plugin
//! ```
//!
//! Source: SPEC.md 1.1.0 of containernetworking/cni. The layouts of results: `ip4` and `ip6` in 0.1 and 0.2, a list with a
//! `version` at each address from 0.3 to 0.4, the list without it since 1.0.

use super::json;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::str::FromStr;
use sublink::error::{Class, Subject};
use sublink::{ErrorKind, IpNetwork, network};

pub type Result<T, E = Error> = std::result::Result<T, E>;

// ---- Versions ----

/// A version of the specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(u32, u32, u32);

impl Version {
    pub const V0_1: Self = Self(0, 1, 0);
    pub const V0_3: Self = Self(0, 3, 0);
    pub const V0_4: Self = Self(0, 4, 0);
    pub const V1_0: Self = Self(1, 0, 0);
    pub const V1_1: Self = Self(1, 1, 0);

    /// Those that this plugin speaks.
    pub const ALL: [Self; 7] =
        [Self::V0_1, Self(0, 2, 0), Self::V0_3, Self(0, 3, 1), Self::V0_4, Self::V1_0, Self::V1_1];

    /// What a configuration names; one that names none is of the first version.
    pub fn of(named: Option<&str>) -> Result<Self> {
        let Some(named) = named.filter(|named| !named.is_empty()) else { return Ok(Self::V0_1) };
        let known = named.parse().ok().filter(|version| Self::ALL.contains(version));
        known.ok_or_else(|| {
            let all: Vec<_> = Self::ALL.iter().map(Self::to_string).collect();
            Error::new(
                1,
                format!("the configuration is of version {named:?}, and this plugin knows {}", all.join(", ")),
            )
        })
    }

    /// The answer to VERSION.
    pub fn answer() -> Value {
        let all: Vec<_> = Self::ALL.iter().map(Self::to_string).collect();
        serde_json::json!({ "cniVersion": Self::V1_1.to_string(), "supportedVersions": all })
    }
}

impl FromStr for Version {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let numbers: Vec<u32> = text.split('.').map(str::parse).collect::<Result<_, _>>().map_err(|_| ())?;
        let [major, minor, patch] = numbers[..] else { return Err(()) };
        Ok(Self(major, minor, patch))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

// ---- Errors ----

/// Codes from 100 on are this plugin's: see its README.
pub const REFUSED: u32 = 100;
pub const DIFFERS: u32 = 101;

/// What a plugin answers when it fails.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Error {
    #[serde(default)]
    pub cni_version: String,
    pub code: u32,
    pub msg: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub details: String,
}

impl Error {
    pub fn new(code: u32, msg: impl fmt::Display) -> Self {
        Self { cni_version: Version::V1_1.to_string(), code, msg: msg.to_string(), details: String::new() }
    }

    /// The environment lacks what a command needs, or has a value that cannot be used.
    pub fn environment(msg: impl fmt::Display) -> Self {
        Self::new(4, msg)
    }

    /// The configuration cannot be used.
    pub fn configuration(msg: impl fmt::Display) -> Self {
        Self::new(7, msg)
    }

    /// With words that say where it happened.
    pub fn during(self, what: impl fmt::Display) -> Self {
        Self { msg: format!("{what}: {}", self.msg), ..self }
    }
}

impl From<sublink::Error> for Error {
    fn from(error: sublink::Error) -> Self {
        let code = match (error.class(), error.subject()) {
            (Class::Invalid | Class::Gone, Subject::Namespace) => 8,
            (Class::Invalid, _) | (Class::Gone, Subject::Parent) => 7,
            (Class::Busy | Class::Transient, _) => 11,
            // Perhaps that of a container that has just ended.
            (Class::Taken, _) if error.is_address_in_use() => 11,
            (Class::Io, _) => 5,
            _ => REFUSED,
        };
        let undo = error.undo().map(|undo| undo.to_string()).unwrap_or_default();
        Self { details: undo, ..Self::new(code, &error) }
    }
}

impl From<network::Error> for Error {
    fn from(error: network::Error) -> Self {
        match error {
            network::Error::Invalid(invalid) => Self::configuration(invalid),
            network::Error::Failed(error) => error.into(),
        }
    }
}

impl From<sublink::value::InvalidValue> for Error {
    fn from(invalid: sublink::value::InvalidValue) -> Self {
        Self::configuration(invalid)
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::new(6, error)
    }
}

/// Whether a namespace is gone, or its file is none: a container that has ended.
pub fn is_ended(error: &sublink::Error) -> bool {
    let is_no_file =
        error.raw_os_error().is_some_and(|errno| io::Error::from_raw_os_error(errno).kind() == io::ErrorKind::NotFound);
    is_no_file || matches!(error.kind(), ErrorKind::NamespaceGone(_) | ErrorKind::NotANamespace { .. })
}

// ---- Results ----

/// What ADD answers, and what later commands get as `prevResult`.
#[derive(Clone, Debug, Serialize, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct Success {
    pub cni_version: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub interfaces: Vec<Interface>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ips: Vec<Ip>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<Route>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ip4: Option<OldIp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ip6: Option<OldIp>,
    pub dns: Map<String, Value>,
}

#[derive(Clone, Debug, Serialize, Deserialize, Default)]
#[serde(default)]
pub struct Interface {
    pub name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mac: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub sandbox: String,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Ip {
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<char>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interface: Option<usize>,
    #[serde(with = "text")]
    pub address: IpNetwork,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway: Option<IpAddr>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Route {
    #[serde(with = "text")]
    pub dst: IpNetwork,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gw: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advmss: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<u8>,
}

/// The addresses of one family, in versions 0.1 and 0.2.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct OldIp {
    #[serde(with = "text")]
    ip: IpNetwork,
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    routes: Vec<Route>,
}

/// A value as the text that it prints and is read from.
mod text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use std::fmt::Display;
    use std::str::FromStr;

    pub fn serialize<S: Serializer>(value: &impl Display, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub fn deserialize<'de, T: FromStr<Err: Display>, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
        String::deserialize(from)?.parse().map_err(Error::custom)
    }
}

impl Success {
    /// Reads a result of any version, into the newest layout.
    pub fn read(json: &[u8]) -> Result<Self> {
        Ok(json::read::<Self>(json)?.modern())
    }

    pub fn modern(mut self) -> Self {
        for OldIp { ip, gateway, routes } in [self.ip4.take(), self.ip6.take()].into_iter().flatten() {
            self.ips.push(Ip { version: None, interface: None, address: ip, gateway });
            self.routes.extend(routes);
        }
        self
    }

    /// In the layout of `version`.
    pub fn of_version(mut self, version: Version) -> Self {
        self.cni_version = version.to_string();
        if version < Version::V1_0 {
            for ip in &mut self.ips {
                ip.version = Some(if ip.address.is_ipv4() { '4' } else { '6' });
            }
        }
        if version < Version::V1_1 {
            self.interfaces.iter_mut().for_each(|interface| interface.mtu = None);
        }
        if version < Version::V0_3 {
            let (ip4, ip6) = (self.old(true), self.old(false));
            return Self { cni_version: self.cni_version, ip4, ip6, dns: self.dns, ..Self::default() };
        }
        self
    }

    /// The first address of a family, and all of its routes: no more can be said there.
    fn old(&self, is_ipv4: bool) -> Option<OldIp> {
        let Ip { address, gateway, .. } = *self.ips.iter().find(|ip| ip.address.is_ipv4() == is_ipv4)?;
        let routes = self.routes.iter().filter(|route| route.dst.is_ipv4() == is_ipv4).copied().collect();
        Some(OldIp { ip: address, gateway, routes })
    }
}
