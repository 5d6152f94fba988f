//! Settings of address families on a link (`IFLA_AF_SPEC`).
//!
//! They are a request of their own, because in one with IFF_UP the kernel would bring the link up before it reads them: a
//! link-local address is made in spite of [`AddrGenMode::None`]. And at create they are refused (EAFNOSUPPORT; Linux 5.10
//! ignores them). So send them between the create and the change that brings the link up; one
//! [`Batch`](crate::Batch) can hold all three.

use super::LinkView;
use super::encode::put_header;
use super::ipv6::{Ipv6Setting, Ipv6Token, Ipv6Values};
use super::request::RTM_SETLINK;
use crate::value::{IfIndex, numbers};
use crate::wire::{
    Attributes, Command, Full, Get, Inside, Mismatch, NoRoom, Out, Request, Row, Sealed, fixed, measured, mismatch,
};
use netlink_packet_core::NLM_F_ACK;

const AF_INET: u16 = crate::value::AF_INET as u16;
const AF_INET6: u16 = crate::value::AF_INET6 as u16;
const IFLA_INET_CONF: u16 = 1;
const IFLA_INET6_CONF: u16 = 2;
const IFLA_INET6_TOKEN: u16 = 7;
const IFLA_INET6_ADDR_GEN_MODE: u16 = 8;

numbers! {
    /// How the kernel makes a link's IPv6 link-local address (`IN6_ADDR_GEN_MODE_…`, since Linux 3.17).
    AddrGenMode: u8, "mode" {
        /// From the MAC address.
        0 Eui64 "eui64",
        /// Not at all.
        1 None "none",
        /// From a secret and the prefix (RFC 7217).
        2 StablePrivacy "stable_secret",
        /// As `StablePrivacy`, with a random secret if there is none.
        3 Random "random",
        Other "{}"
    }
}

fixed! {
    AddrGenMode: 1 + 3, AddrGenMode::Eui64, |v: AddrGenMode| [v.number()], |[b]: [u8; 1]| AddrGenMode::from(b);
}

/// An IPv4 setting of a link, by its number (`IPV4_DEVCONF_…`): what `/proc/sys/net/ipv4/conf/LINK/` holds as files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ipv4Setting(u8);

macro_rules! ipv4_settings {
    ($($(#[$d:meta])* $number:literal $C:literal $NAME:ident;)*) => {
        impl Ipv4Setting {
            $($(#[$d])* #[doc(alias = $C)] pub const $NAME: Self = Self($number);)*

            /// Each with its number and the kernel's name, for comparing with the kernel's headers.
            #[doc(hidden)]
            pub const ROWS: &'static [Row] = &[$(Row::value($number, $C)),*];
        }
    };
}
ipv4_settings! {
    /// Passes packets on between links.
    1 "IPV4_DEVCONF_FORWARDING" FORWARDING;
    /// Answers ARP for addresses that are reached by another link.
    3 "IPV4_DEVCONF_PROXY_ARP" PROXY_ARP;
    /// Believes a router that knows a better one.
    4 "IPV4_DEVCONF_ACCEPT_REDIRECTS" ACCEPT_REDIRECTS;
    /// Tells senders of a better router.
    6 "IPV4_DEVCONF_SEND_REDIRECTS" SEND_REDIRECTS;
    /// Drops packets whose sender would be answered by another link: 1 strictly, 2 if no link would.
    8 "IPV4_DEVCONF_RP_FILTER" RP_FILTER;
    /// Which of its addresses an ARP request gives as its sender.
    18 "IPV4_DEVCONF_ARP_ANNOUNCE" ARP_ANNOUNCE;
    /// Which ARP requests it answers: 1 only those for the link's own addresses.
    19 "IPV4_DEVCONF_ARP_IGNORE" ARP_IGNORE;
    /// When a subnet's first address goes, the next takes its place.
    20 "IPV4_DEVCONF_PROMOTE_SECONDARIES" PROMOTE_SECONDARIES;
    /// Learns from gratuitous ARP.
    21 "IPV4_DEVCONF_ARP_ACCEPT" ARP_ACCEPT;
    /// Sends a gratuitous ARP when it comes up or its MAC address changes, so that switches and neighbours learn it.
    22 "IPV4_DEVCONF_ARP_NOTIFY" ARP_NOTIFY;
    /// Accepts packets from this host's own addresses.
    23 "IPV4_DEVCONF_ACCEPT_LOCAL" ACCEPT_LOCAL;
    /// Routes 127.0.0.0/8 like any network.
    26 "IPV4_DEVCONF_ROUTE_LOCALNET" ROUTE_LOCALNET;
}

/// Values by number, from 1; no kernel up to 7.2 has more than 33.
type Ipv4Values = [u32; 34];

/// Changes settings of address families on a link. Applied with [`Socket::set`](crate::Socket::set).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkSettings {
    index: IfIndex,
    token: Option<Ipv6Token>,
    addr_gen_mode: Option<AddrGenMode>,
    ipv4_set: u64,
    ipv4: Ipv4Values,
}

impl LinkSettings {
    /// Settings of the link `index`.
    #[must_use]
    pub const fn new(index: IfIndex) -> Self {
        Self { index, token: None, addr_gen_mode: None, ipv4_set: 0, ipv4: [0; 34] }
    }

    /// The lower half of the IPv6 addresses that the link makes from advertised prefixes.
    ///
    /// The kernel refuses it (EINVAL) if the link takes no router advertisements ([`Ipv6Setting::ACCEPT_RA`]), if it sends no
    /// router solicitations ([`Ipv6Setting::ROUTER_SOLICITATIONS`]), and on a loopback or a link without neighbours
    /// (`IFF_NOARP`). Source: `inet6_set_iftoken` of `net/ipv6/addrconf.c`.
    #[doc(alias = "IFLA_INET6_TOKEN")]
    #[must_use]
    pub const fn token(mut self, token: Ipv6Token) -> Self {
        self.token = Some(token);
        self
    }

    /// How the IPv6 link-local address is made, from the next time the link comes up.
    #[doc(alias = "IFLA_INET6_ADDR_GEN_MODE")]
    #[must_use]
    pub const fn addr_gen_mode(mut self, mode: AddrGenMode) -> Self {
        self.addr_gen_mode = Some(mode);
        self
    }

    /// An IPv4 setting, which the kernel holds ready without a file being opened.
    #[doc(alias = "IFLA_INET_CONF")]
    #[must_use]
    pub fn ipv4(mut self, setting: Ipv4Setting, value: u32) -> Self {
        if let Some(slot) = self.ipv4.get_mut(usize::from(setting.0)) {
            *slot = value;
            self.ipv4_set |= 1 << setting.0;
        }
        self
    }

    pub(crate) const fn of(mut self, index: IfIndex) -> Self {
        self.index = index;
        self
    }

    /// Every setting that is asked for here and that `found` has otherwise.
    pub(crate) fn mismatches(&self, found: &Settings) -> impl Iterator<Item = Mismatch> {
        let (Self { index: _, token, addr_gen_mode, ipv4_set, ipv4 }, found) = (*self, *found);
        // Linux 5.10 reports neither for a link with IPv6. A link without IPv6 makes no addresses itself.
        let has_ipv6 = found.ipv6.is_some();
        let is_known = !has_ipv6 || found.addr_gen_mode.is_some();
        let token = token.filter(|token| is_known && (has_ipv6 || *token != Ipv6Token::UNSET));
        let mode = addr_gen_mode.filter(|mode| is_known && (has_ipv6 || *mode != AddrGenMode::None));
        let found_token = found.ipv6.map(|_| found.token.unwrap_or(Ipv6Token::UNSET));
        let token = mismatch(IFLA_INET6_TOKEN, "IFLA_INET6_TOKEN", token, found_token);
        let mode = mismatch(IFLA_INET6_ADDR_GEN_MODE, "IFLA_INET6_ADDR_GEN_MODE", mode, found.addr_gen_mode);
        let asked = Ipv4Setting::ROWS.iter().filter(move |row| ipv4_set & 1 << row.number != 0);
        let ipv4 = asked.filter_map(move |row| {
            let value = |values: Ipv4Values| values.get(usize::from(row.number)).copied();
            mismatch(row.number, row.name, value(ipv4), found.ipv4.and_then(value))
        });
        token.into_iter().chain(mode).chain(ipv4)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.addr_gen_mode.is_none() && self.token.is_none() && self.ipv4_set == 0
    }
}

impl Sealed for LinkSettings {}
impl Command for LinkSettings {}

impl Request for LinkSettings {
    fn encode(&self, seq: u32, buf: &mut [u8]) -> Result<usize, NoRoom> {
        let Self { index, token, addr_gen_mode, ipv4_set, ipv4 } = self;
        measured(buf, |out| {
            let out = put_header(out, RTM_SETLINK, NLM_F_ACK, seq, index.get(), 0, 0)?;
            let out = out.nest(LinkView::IFLA_AF_SPEC, |out| {
                let out = if token.is_none() && addr_gen_mode.is_none() {
                    out
                } else {
                    out.nest(AF_INET6, |out| put_ipv6(*token, *addr_gen_mode, out))?
                };
                if *ipv4_set == 0 {
                    Ok(out)
                } else {
                    out.nest(AF_INET, |out| out.nest(IFLA_INET_CONF, |out| put_ipv4(*ipv4_set, ipv4, out)))
                }
            })?;
            out.end()
        })
    }
}

fn put_ipv6(token: Option<Ipv6Token>, mode: Option<AddrGenMode>, out: Out<'_>) -> Result<Out<'_>, Full> {
    let out = match token {
        Some(token) => out.one(IFLA_INET6_TOKEN, &token)?,
        None => out,
    };
    match mode {
        Some(mode) => out.one(IFLA_INET6_ADDR_GEN_MODE, &mode),
        None => Ok(out),
    }
}

fn put_ipv4<'b>(mut set: u64, values: &Ipv4Values, mut out: Out<'b>) -> Result<Out<'b>, Full> {
    while let Some(value) = values.get(set.trailing_zeros() as usize) {
        #[expect(clippy::cast_possible_truncation, reason = "it is below 64")]
        let number = set.trailing_zeros() as u16;
        out = out.one(number, value)?;
        set &= set - 1;
    }
    Ok(out)
}

/// Settings of address families as the kernel reports them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// How the IPv6 link-local address is made; `None` if the kernel or the link has no IPv6. Linux 5.10 sends it only with
    /// IPv6's counters, which are not asked for.
    pub addr_gen_mode: Option<AddrGenMode>,
    /// The lower half of addresses that are made from advertised prefixes, if it was set. Linux 5.10 does not send it either.
    pub token: Option<Ipv6Token>,
    ipv4: Option<Ipv4Values>,
    ipv6: Option<Ipv6Values>,
}

impl Settings {
    pub(crate) const NONE: Self = Self { addr_gen_mode: None, token: None, ipv4: None, ipv6: None };

    pub(crate) fn has_ipv4(&self) -> bool {
        self.ipv4.is_some()
    }

    /// An IPv4 setting; `None` if the kernel or the link has no IPv4.
    pub fn ipv4(&self, setting: Ipv4Setting) -> Option<u32> {
        self.ipv4?.get(usize::from(setting.0)).copied()
    }

    /// An IPv6 setting; `None` if the kernel or the link has no IPv6, or the kernel no such setting.
    pub fn ipv6(&self, setting: Ipv6Setting) -> Option<i32> {
        self.ipv6?.get(setting)
    }

    /// Whether the link has IPv6: the kernel has it, it was not switched off when the machine started (`ipv6.disable=1`), and
    /// the link's MTU is at least 1280 bytes. It may be [off](Ipv6Setting::DISABLE_IPV6) all the same.
    pub const fn has_ipv6(&self) -> bool {
        self.ipv6.is_some()
    }

    pub(crate) const fn ipv6_values(&self) -> Option<&Ipv6Values> {
        self.ipv6.as_ref()
    }
}

impl Get<'_> for Settings {
    const INSIDE: Inside = Inside::Rows(&[
        Row {
            number: AF_INET6,
            name: "AF_INET6",
            inside: Inside::Rows(&[
                Row { number: IFLA_INET6_CONF, name: "IFLA_INET6_CONF", inside: Inside::Rows(Ipv6Setting::ROWS) },
                Row::value(IFLA_INET6_TOKEN, "IFLA_INET6_TOKEN"),
                Row::value(IFLA_INET6_ADDR_GEN_MODE, "IFLA_INET6_ADDR_GEN_MODE"),
            ]),
        },
        Row {
            number: AF_INET,
            name: "AF_INET",
            inside: Inside::Rows(&[Row {
                number: IFLA_INET_CONF,
                name: "IFLA_INET_CONF",
                inside: Inside::Rows(Ipv4Setting::ROWS),
            }]),
        },
    ]);
    fn get(value: &[u8]) -> Option<Self> {
        let inet = find(value, AF_INET).and_then(|inet| find(inet, IFLA_INET_CONF));
        let inet6 = find(value, AF_INET6);
        let inet6 = |number| inet6.and_then(|inet6| find(inet6, number));
        Some(Self {
            addr_gen_mode: inet6(IFLA_INET6_ADDR_GEN_MODE).and_then(AddrGenMode::get),
            token: inet6(IFLA_INET6_TOKEN).and_then(Ipv6Token::get).filter(|token| *token != Ipv6Token::UNSET),
            ipv4: inet.map(ipv4_values),
            ipv6: inet6(IFLA_INET6_CONF).map(Ipv6Values::of_array),
        })
    }
}

/// The kernel reports what it takes as attributes as an array, in which number 1 comes first.
fn ipv4_values(reported: &[u8]) -> Ipv4Values {
    let mut values = [0; 34];
    for (slot, value) in values.iter_mut().skip(1).zip(reported.chunks_exact(4)) {
        *slot = u32::get(value).unwrap_or_default();
    }
    values
}

fn find(nest: &[u8], number: u16) -> Option<&[u8]> {
    Attributes::new(nest).find(|attribute| attribute.number == number).map(|attribute| attribute.value)
}

#[cfg(test)]
mod tests {
    use super::super::request::tests::attributes;
    use super::*;

    #[test]
    fn settings_are_these_bytes() {
        let settings = LinkSettings::new(IfIndex(5)).ipv4(Ipv4Setting::ARP_NOTIFY, 1).ipv4(Ipv4Setting::RP_FILTER, 2);
        #[rustfmt::skip]
        assert_eq!(attributes(&settings.addr_gen_mode(AddrGenMode::None).token("::7".parse().unwrap())), [
            60, 0, 26, 0x80,                                    // IFLA_AF_SPEC {
              32, 0, 10, 0x80,                                  //   AF_INET6 {
                20, 0, 7, 0,  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, // IFLA_INET6_TOKEN = ::7
                5, 0, 8, 0,  1, 0, 0, 0,                        //     IFLA_INET6_ADDR_GEN_MODE = none
              24, 0, 2, 0x80,                                   //   AF_INET {
                20, 0, 1, 0x80,                                 //     IFLA_INET_CONF {
                  8, 0, 8, 0,  2, 0, 0, 0,                      //       IPV4_DEVCONF_RP_FILTER = 2
                  8, 0, 22, 0,  1, 0, 0, 0,                     //       IPV4_DEVCONF_ARP_NOTIFY = 1
        ]);
    }

    #[test]
    fn settings_are_read_from_an_array() {
        let reported = Settings { ipv4: Some(ipv4_values(&[[1, 0, 0, 0], [7, 0, 0, 0]].concat())), ..Settings::NONE };
        assert_eq!(reported.ipv4(Ipv4Setting::FORWARDING), Some(1));
        assert_eq!(reported.ipv4(Ipv4Setting::ARP_NOTIFY), Some(0));
        assert_eq!(Settings::NONE.ipv4(Ipv4Setting::FORWARDING), None);
    }
}
