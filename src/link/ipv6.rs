//! IPv6 settings of a link: which settings there are, and which values a link has.
//!
//! The kernel reports them by netlink (`IFLA_INET6_CONF`) and takes them by file only, from `/proc/sys/net/ipv6/conf/LINK/`.
//! Two IPv6 properties are set by netlink too, and stand in [`LinkSettings`](super::LinkSettings): how the link-local address is
//! made, and the token. Sources: `net/ipv6/addrconf.c`, `Documentation/networking/ip-sysctl.rst`.

use crate::value::{Given, InvalidValue};
use crate::wire::{Get, Mismatch, Row, compare_as_printed, fixed, mismatch};
use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

/// An IPv6 setting of a link (`DEVCONF_…`). It prints as the name of its file in `/proc/sys/net/ipv6/conf/LINK/`.
///
/// ```
/// use sublink::link::Ipv6Setting;
/// assert_eq!(Ipv6Setting::ACCEPT_RA.to_string(), "accept_ra");
/// ```
///
/// A link takes its first values from `conf/default` of its namespace, when it is made there or moved there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ipv6Setting(u8);

macro_rules! ipv6_settings {
    ($($(#[$d:meta])* $number:literal $C:literal $file:literal $NAME:ident;)*) => {
        /// Where each stands in the table.
        #[expect(non_camel_case_types, reason = "the names are those of the constants")]
        #[expect(clippy::upper_case_acronyms, reason = "the names are those of the constants")]
        enum Place { $($NAME),* }

        impl Ipv6Setting {
            $($(#[$d])* #[doc(alias = $C)] pub const $NAME: Self = Self(Place::$NAME as u8);)*

            /// Each with its number and the kernel's name, for comparing with the kernel's headers.
            #[doc(hidden)]
            pub const ROWS: &'static [Row] = &[$(Row::value($number, $C)),*];

            const FILES: &'static [&'static str] = &[$($file),*];
        }
    };
}
ipv6_settings! {
    /// Whether IPv6 is off on the link: 1 for off. Then the kernel refuses an address (EACCES), and makes none itself.
    26 "DEVCONF_DISABLE_IPV6" "disable_ipv6" DISABLE_IPV6;
    /// Whether the link takes addresses and routes from router advertisements: 0 never, 1 unless it
    /// [forwards](Self::FORWARDING), 2 always.
    3 "DEVCONF_ACCEPT_RA" "accept_ra" ACCEPT_RA;
    /// Whether addresses are made from the prefixes that routers advertise. It works with [`ACCEPT_RA`](Self::ACCEPT_RA) only.
    5 "DEVCONF_AUTOCONF" "autoconf" AUTOCONF;
    /// Whether a default route is made from a router advertisement.
    17 "DEVCONF_ACCEPT_RA_DEFRTR" "accept_ra_defrtr" ACCEPT_RA_DEFRTR;
    /// Whether the prefixes of a router advertisement are used.
    18 "DEVCONF_ACCEPT_RA_PINFO" "accept_ra_pinfo" ACCEPT_RA_PINFO;
    /// Whether the MTU of a router advertisement is used.
    35 "DEVCONF_ACCEPT_RA_MTU" "accept_ra_mtu" ACCEPT_RA_MTU;
    /// How many router solicitations are sent when the link comes up; -1 for as many as it takes until a router answers.
    7 "DEVCONF_RTR_SOLICITS" "router_solicitations" ROUTER_SOLICITATIONS;
    /// Whether redirects from routers are followed: 1 unless the link [forwards](Self::FORWARDING), which follows none.
    4 "DEVCONF_ACCEPT_REDIRECTS" "accept_redirects" ACCEPT_REDIRECTS;
    /// Whether packets that arrive on the link are forwarded to other links: 1 for yes.
    0 "DEVCONF_FORWARDING" "forwarding" FORWARDING;
    /// Tells the neighbours of an address by an unsolicited advertisement when the link comes up or its MAC address changes,
    /// so that they learn the MAC address at once (since Linux 3.8). It leaves only for addresses that are there by then and
    /// usable: see [`NewAddress::nodad`](crate::NewAddress::nodad). With duplicate address detection it leaves when that ends.
    29 "DEVCONF_NDISC_NOTIFY" "ndisc_notify" NDISC_NOTIFY;
    /// Whether addresses stay when the link goes down: 1 for stay (since Linux 4.6).
    42 "DEVCONF_KEEP_ADDR_ON_DOWN" "keep_addr_on_down" KEEP_ADDR_ON_DOWN;
    /// Whether duplicate addresses are detected: 0 for not at all; with 2, a duplicate of the link-local address that is made
    /// of the MAC address switches IPv6 off.
    27 "DEVCONF_ACCEPT_DAD" "accept_dad" ACCEPT_DAD;
    /// How many probes duplicate address detection sends, a second apart; 0 for none.
    6 "DEVCONF_DAD_TRANSMITS" "dad_transmits" DAD_TRANSMITS;
    /// Whether an address can be used while duplicates of it are still looked for. Many kernels are built without it.
    23 "DEVCONF_OPTIMISTIC_DAD" "optimistic_dad" OPTIMISTIC_DAD;
    /// Whether such an address may be the source address of packets. Many kernels are built without it.
    34 "DEVCONF_USE_OPTIMISTIC" "use_optimistic" USE_OPTIMISTIC;
    /// Whether temporary addresses are made (RFC 8981): 0 for none, 1 to make them, 2 to prefer them as well.
    10 "DEVCONF_USE_TEMPADDR" "use_tempaddr" USE_TEMPADDR;
    /// Whether the link answers solicitations for the addresses of [proxy entries](crate::neigh::NewProxy): 1 for yes.
    22 "DEVCONF_PROXY_NDP" "proxy_ndp" PROXY_NDP;
    /// Whether unsolicited neighbour advertisements are dropped: 1 for yes (since Linux 4.6).
    41 "DEVCONF_DROP_UNSOLICITED_NA" "drop_unsolicited_na" DROP_UNSOLICITED_NA;
}

impl Ipv6Setting {
    const COUNT: usize = Self::ROWS.len();

    /// The name of its file.
    pub(crate) fn file(self) -> &'static str {
        Self::FILES.get(usize::from(self.0)).copied().unwrap_or_default()
    }

    fn row(self) -> Option<&'static Row> {
        Self::ROWS.get(usize::from(self.0))
    }

    /// Whether a link has the value `asked`. A link without IPv6, or a kernel without the setting, counts as off.
    pub(crate) fn is_met(self, asked: i32, found: Option<i32>) -> bool {
        let is_off = if self == Self::DISABLE_IPV6 { asked != 0 } else { asked <= 0 };
        found.map_or(is_off, |found| found == asked)
    }
}

impl fmt::Display for Ipv6Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.file())
    }
}

/// Settings with their values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ipv6Values {
    /// A bit for each place of the table.
    set: u32,
    values: [i32; Ipv6Setting::COUNT],
}

impl Ipv6Values {
    pub(crate) const NONE: Self = Self { set: 0, values: [0; Ipv6Setting::COUNT] };

    pub(crate) const fn is_empty(&self) -> bool {
        self.set == 0
    }

    pub(crate) fn set(&mut self, setting: Ipv6Setting, value: i32) {
        if let Some(slot) = self.values.get_mut(usize::from(setting.0)) {
            *slot = value;
            self.set |= 1 << setting.0;
        }
    }

    pub(crate) const fn unset(&mut self, setting: Ipv6Setting) {
        self.set &= !(1 << setting.0);
    }

    pub(crate) fn get(&self, setting: Ipv6Setting) -> Option<i32> {
        let value = self.values.get(usize::from(setting.0));
        value.copied().filter(|_| self.set & 1 << setting.0 != 0)
    }

    /// Those that are set, in the order of the table.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Ipv6Setting, i32)> {
        let settings = (0..).take(Ipv6Setting::COUNT).map(Ipv6Setting);
        settings.filter_map(|setting| Some((setting, self.get(setting)?)))
    }

    /// Each setting that is asked for here and that a link has with another value.
    pub(crate) fn mismatches(&self, found: Option<&Self>) -> impl Iterator<Item = Mismatch> {
        self.iter().filter_map(move |(setting, asked)| {
            let (row, found) = (setting.row()?, found.and_then(|found| found.get(setting)));
            let is_met = setting.is_met(asked, found);
            if is_met { None } else { mismatch(row.number, row.name, Some(asked), found) }
        })
    }

    /// The kernel reports an array, with number 0 first. The array of an older kernel is shorter.
    pub(super) fn of_array(reported: &[u8]) -> Self {
        let mut values = Self::NONE;
        for (setting, row) in (0..).map(Ipv6Setting).zip(Ipv6Setting::ROWS) {
            let at = 4 * usize::from(row.number);
            if let Some(value) = reported.get(at..at + 4).and_then(i32::get) {
                values.set(setting, value);
            }
        }
        values
    }
}

/// The lower half of the addresses that a link makes from advertised prefixes, instead of one that is made from its MAC
/// address (`IFLA_INET6_TOKEN`, `ip token`, since Linux 3.9).
///
/// ```
/// use sublink::link::Ipv6Token;
/// let token: Ipv6Token = "::7".parse()?;
/// assert_eq!(token.to_string(), "::7");
/// assert!("fd00::7".parse::<Ipv6Token>().is_err(), "the upper half is the prefix's");
/// # Ok::<(), sublink::value::InvalidValue>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ipv6Token(Ipv6Addr);

impl Ipv6Token {
    /// No token: addresses are made as [`AddrGenMode`](super::AddrGenMode) says.
    pub const UNSET: Self = Self(Ipv6Addr::UNSPECIFIED);

    /// A token, written as an address of which the upper half is zero.
    ///
    /// # Errors
    /// [`InvalidValue::Ipv6Token`].
    pub const fn new(token: Ipv6Addr) -> Result<Self, InvalidValue> {
        match token.segments() {
            [0, 0, 0, 0, ..] => Ok(Self(token)),
            _ => Err(InvalidValue::Ipv6Token(token)),
        }
    }

    /// As an address of which the upper half is zero.
    pub const fn addr(self) -> Ipv6Addr {
        self.0
    }
}

impl fmt::Display for Ipv6Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Ipv6Token {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let token = text.parse().map_err(|_| InvalidValue::Ipv6TokenSyntax(Given::new(text.as_bytes())))?;
        Self::new(token)
    }
}

fixed! {
    Ipv6Token: 16 + 0, Ipv6Token::UNSET, |v: Ipv6Token| v.0.octets(), |octets: [u8; 16]| Self::new(octets.into()).ok();
}

compare_as_printed!(Ipv6Token);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_from_an_array() {
        let mut array: Vec<u8> = (100..127i32).flat_map(i32::to_ne_bytes).collect();
        let read = Ipv6Values::of_array(&array);
        assert_eq!(read.get(Ipv6Setting::FORWARDING), Some(100));
        assert_eq!(read.get(Ipv6Setting::ACCEPT_RA), Some(103));
        assert_eq!(read.get(Ipv6Setting::DISABLE_IPV6), Some(126));
        assert_eq!(read.get(Ipv6Setting::ACCEPT_DAD), None, "an older kernel's array is shorter");
        array.truncate(26 * 4 + 3);
        assert_eq!(Ipv6Values::of_array(&array).get(Ipv6Setting::DISABLE_IPV6), None);
        assert!(Ipv6Values::of_array(&[]).is_empty());
    }

    #[test]
    fn without_ipv6_everything_is_off() {
        let rows = [
            (Ipv6Setting::DISABLE_IPV6, 1, None, true),
            (Ipv6Setting::DISABLE_IPV6, 0, None, false),
            (Ipv6Setting::ACCEPT_RA, 0, None, true),
            (Ipv6Setting::ACCEPT_RA, 2, None, false),
            (Ipv6Setting::ACCEPT_DAD, 1, None, false),
            (Ipv6Setting::KEEP_ADDR_ON_DOWN, -1, None, true),
            (Ipv6Setting::ROUTER_SOLICITATIONS, -1, None, true),
            (Ipv6Setting::DISABLE_IPV6, 1, Some(0), false),
            (Ipv6Setting::ACCEPT_RA, 0, Some(1), false),
            (Ipv6Setting::ACCEPT_RA, 1, Some(1), true),
        ];
        for (setting, asked, found, is_met) in rows {
            assert_eq!(setting.is_met(asked, found), is_met, "{setting} {asked} {found:?}");
        }
    }

    #[test]
    fn differences_have_the_kernels_name() {
        let (mut asked, mut found) = (Ipv6Values::NONE, Ipv6Values::NONE);
        asked.set(Ipv6Setting::ACCEPT_RA, 0);
        asked.set(Ipv6Setting::AUTOCONF, 1);
        found.set(Ipv6Setting::ACCEPT_RA, 1);
        found.set(Ipv6Setting::AUTOCONF, 1);
        let words = |found: Option<&Ipv6Values>| {
            let words = |m: Mismatch| format!("{} {} {:?}", m.name, m.asked, m.found);
            asked.mismatches(found).map(words).collect::<Vec<_>>()
        };
        assert_eq!(words(Some(&found)), [r#"DEVCONF_ACCEPT_RA 0 Some("1")"#]);
        assert_eq!(words(None), ["DEVCONF_AUTOCONF 1 None"]);
    }

    #[test]
    fn a_token_with_an_upper_half_is_none() {
        assert_eq!(Ipv6Token::get(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]), "::7".parse().ok());
        assert_eq!(Ipv6Token::get(&[0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7]), None);
    }

    #[test]
    fn a_token_is_the_lower_half() {
        assert_eq!("::1:2:3:4".parse().map(Ipv6Token::addr), Ok("::1:2:3:4".parse().unwrap()));
        assert_eq!("::".parse(), Ok(Ipv6Token::UNSET));
        assert_eq!("1::7".parse::<Ipv6Token>(), Err(InvalidValue::Ipv6Token("1::7".parse().unwrap())));
        assert_eq!("7".parse::<Ipv6Token>(), Err(InvalidValue::Ipv6TokenSyntax(Given::new(b"7"))));
    }
}
