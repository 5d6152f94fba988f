//! Settings of address families on a link (`IFLA_AF_SPEC`).
//!
//! They are a request of their own, because in one with IFF_UP the kernel would bring the link up before it reads them: a
//! link-local address is made in spite of [`AddrGenMode::None`]. And at create they are refused (EAFNOSUPPORT; Linux 5.10
//! ignores them). So send them between the create and the change that brings the link up; one
//! [`Batch`](crate::Batch) can hold all three.

use super::IfIndex;
use super::request::{Command, RTM_SETLINK, Request, link_header, sealed};
use crate::wire::{Attributes, Get, Inside, NoRoom, Row, fixed, measured};
use netlink_packet_core::NLM_F_ACK;

const AF_SPEC: u16 = 26;
const AF_INET6: u16 = 10;
const INET6_ADDR_GEN_MODE: u16 = 8;

/// How the kernel makes a link's IPv6 link-local address (`IN6_ADDR_GEN_MODE_…`, since Linux 3.17).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AddrGenMode {
    /// From the MAC address.
    Eui64,
    /// Not at all.
    None,
    /// From a secret and the prefix (RFC 7217).
    StablePrivacy,
    /// As `StablePrivacy`, with a random secret if there is none.
    Random,
    /// A number that this library does not know.
    Other(u8),
}

fixed! {
    AddrGenMode: 1 + 3, AddrGenMode::Eui64, |v: AddrGenMode| [v.number()], |[b]: [u8; 1]| AddrGenMode::from(b);
}

impl AddrGenMode {
    const fn number(self) -> u8 {
        match self {
            Self::Eui64 => 0,
            Self::None => 1,
            Self::StablePrivacy => 2,
            Self::Random => 3,
            Self::Other(number) => number,
        }
    }
}

impl From<u8> for AddrGenMode {
    fn from(number: u8) -> Self {
        match number {
            0 => Self::Eui64,
            1 => Self::None,
            2 => Self::StablePrivacy,
            3 => Self::Random,
            _ => Self::Other(number),
        }
    }
}

/// Changes settings of address families on a link. Applied with [`Socket::set`](crate::Socket::set).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkSettings {
    index: IfIndex,
    addr_gen_mode: Option<AddrGenMode>,
}

impl LinkSettings {
    /// Settings of the link `index`.
    #[must_use]
    pub const fn new(index: IfIndex) -> Self {
        Self { index, addr_gen_mode: None }
    }

    /// How the IPv6 link-local address is made, from the next time the link comes up.
    #[doc(alias = "IFLA_INET6_ADDR_GEN_MODE")]
    #[must_use]
    pub const fn addr_gen_mode(mut self, mode: AddrGenMode) -> Self {
        self.addr_gen_mode = Some(mode);
        self
    }
}

impl sealed::Sealed for LinkSettings {}
impl Command for LinkSettings {}

impl Request for LinkSettings {
    fn encode(&self, seq: u32, buf: &mut [u8]) -> Result<usize, NoRoom> {
        let Self { index, addr_gen_mode } = *self;
        measured(buf, |out| {
            let out = out.skip(32).nest(AF_SPEC, |out| match addr_gen_mode {
                Some(mode) => out.nest(AF_INET6, |out| out.one(INET6_ADDR_GEN_MODE, &mode)),
                None => Ok(out),
            })?;
            let header = link_header(out.at(), RTM_SETLINK, NLM_F_ACK, seq, index.get(), 0, 0);
            out.set(0, header)
        })
    }
}

/// Settings of address families as the kernel reports them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// How the IPv6 link-local address is made; `None` if the kernel or the link has no IPv6.
    pub addr_gen_mode: Option<AddrGenMode>,
}

impl Settings {
    pub(crate) const NONE: Self = Self { addr_gen_mode: None };
}

impl Get<'_> for Settings {
    const INSIDE: Inside = Inside::Rows(&[Row {
        number: AF_INET6,
        name: "AF_INET6",
        inside: Inside::Rows(&[Row {
            number: INET6_ADDR_GEN_MODE,
            name: "IFLA_INET6_ADDR_GEN_MODE",
            inside: Inside::Value,
        }]),
    }]);
    fn get(value: &[u8]) -> Option<Self> {
        let inet6 = find(value, AF_INET6).and_then(|inet6| find(inet6, INET6_ADDR_GEN_MODE));
        Some(Self { addr_gen_mode: inet6.and_then(AddrGenMode::get) })
    }
}

fn find(nest: &[u8], number: u16) -> Option<&[u8]> {
    Attributes::new(nest).find(|attribute| attribute.number == number).map(|attribute| attribute.value)
}
