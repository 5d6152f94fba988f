//! IPv6 of a link that is attached: settings that are in force before it is up, and addresses that are awaited.
//!
//! ```text
//!   create, down │ write /proc/sys/net/ipv6/conf/eth0/… │ addresses, up, routes │ wait for duplicate address detection
//! ```
//!
//! The kernel takes these settings by file only. The files are those of the sandbox, by its descriptor of their folder: no
//! thread is started for them.

use super::{Attached, Endpoint};
use crate::batch::Outcome;
use crate::error::{Error, Reason, Result};
use crate::link::Ipv6Setting;
use crate::sandbox::Sandbox;
use crate::socket::AddressWatch;
use crate::value::{IfIndex, IfName};
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

impl Endpoint<'_> {
    /// An IPv6 setting of the link, in force before the link has its addresses and is up.
    ///
    /// ```no_run
    /// # use sublink::{Endpoint, IfName, MacvlanMode, NewLink, Sandbox, Socket};
    /// use sublink::link::Ipv6Setting;
    /// # let (mut host, mut pod) = (Socket::open()?, Sandbox::open("/run/netns/c1")?);
    /// # let link = NewLink::macvlan(host.index_of("eth0.50")?).mode(MacvlanMode::Bridge).name(IfName::new("eth0")?);
    /// let endpoint = Endpoint::new(link)
    ///     .addr("fd50::7/64".parse()?)
    ///     .nodad()
    ///     .ipv6(Ipv6Setting::ACCEPT_RA, 0) // no address and no default route from a router's advertisement
    ///     .ipv6_if_possible(Ipv6Setting::NDISC_NOTIFY, 1); // neighbours learn the MAC address at once
    /// let attached = endpoint.attach(&mut host, &mut pod)?;
    /// # Ok::<(), sublink::Error>(())
    /// ```
    ///
    /// It needs a `/proc` that can be written. A setting that cannot be written is no error if the link has the value already.
    /// A link or kernel without IPv6 counts as one with IPv6 off ([`DISABLE_IPV6`](Ipv6Setting::DISABLE_IPV6) is not 0) and
    /// every other setting off. A kernel that is too old for a setting counts as one that has it off.
    ///
    /// Otherwise [`attach`](Self::attach) fails with the error of the file: ENOENT ([`Error::is_not_found`]) without `/proc`,
    /// EROFS where that is read-only, EACCES without CAP_NET_ADMIN, EINVAL for a value that the setting cannot have.
    /// [`Error::reason`] says what the link has ([`Reason::Setting`]), or that it has no IPv6 ([`Reason::NoIpv6`]).
    #[must_use]
    pub fn ipv6(mut self, setting: Ipv6Setting, value: i32) -> Self {
        self.ipv6.set(setting, value);
        self.ipv6_if_possible.unset(setting);
        self
    }

    /// As [`ipv6`](Self::ipv6), but a setting that cannot be written is left as it is, and [`check`](Self::check) does not compare
    /// it.
    #[must_use]
    pub fn ipv6_if_possible(mut self, setting: Ipv6Setting, value: i32) -> Self {
        self.ipv6_if_possible.set(setting, value);
        self.ipv6.unset(setting);
        self
    }

    /// Lets [`attach`](Self::attach) return only when all IPv6 addresses can be used. That is when duplicate address detection
    /// has ended, which takes one to two seconds. Unless the caller is inside the container, a thread enters it for a moment to
    /// open the socket that receives the events.
    ///
    /// ```no_run
    /// # use sublink::{Endpoint, ErrorKind, IfName, MacvlanMode, NewLink, Sandbox, Socket};
    /// # use std::time::Duration;
    /// # let (mut host, mut pod) = (Socket::open()?, Sandbox::open("/run/netns/c1")?);
    /// # let link = NewLink::macvlan(host.index_of("eth0.50")?).mode(MacvlanMode::Bridge).name(IfName::new("eth0")?);
    /// let endpoint = Endpoint::new(link).addr("fd50::7/64".parse()?).usable_within(Duration::from_secs(10));
    /// match endpoint.attach(&mut host, &mut pod) {
    ///     Err(error) if matches!(error.kind(), ErrorKind::DuplicateAddress(_)) => println!("choose another: {error}"),
    ///     attached => println!("{}", attached?),
    /// }
    /// # Ok::<(), sublink::Error>(())
    /// ```
    ///
    /// # Errors
    /// The attach fails, and the link is removed again:
    ///
    /// - [`DuplicateAddress`](crate::ErrorKind::DuplicateAddress) if another station has an address.
    /// - [`StillTentative`](crate::ErrorKind::StillTentative) if it takes longer than `limit`.
    /// - [`NoCarrier`](crate::ErrorKind::NoCarrier), at once, if the link has no carrier because its parent is down or has none:
    ///   detection would not begin.
    ///
    /// The kernel refuses a route whose preferred source is an address that is not usable yet: add such a route afterwards.
    #[must_use]
    pub const fn usable_within(mut self, limit: Duration) -> Self {
        self.usable_within = Some(limit);
        self
    }

    /// Together with [`usable_within`](Self::usable_within), waits for the link-local address as well, which the kernel makes.
    /// Programs that speak with routers, or by multicast, need it.
    ///
    /// # Errors
    /// The attach also fails if the link makes no link-local address ([`NoLinkLocal`](crate::ErrorKind::NoLinkLocal)).
    #[must_use]
    pub const fn with_link_local(mut self) -> Self {
        self.with_link_local = true;
        self
    }

    /// Whether there is something to write, or to wait for.
    #[inline]
    pub(super) const fn has_ipv6_work(&self) -> bool {
        !self.ipv6.is_empty() || !self.ipv6_if_possible.is_empty() || self.usable_within.is_some()
    }

    /// Finishes a link that is down: first the settings, then everything else, then the wait.
    pub(super) fn finish_with_ipv6(&self, attached: &Attached, sandbox: &mut Sandbox) -> Result<()> {
        let prepared = self.write_ipv6(attached, sandbox).and_then(|()| self.open_watch(sandbox));
        let watch = prepared.map_err(|error| error.with_undo(attached.undo(sandbox.socket())))?;
        let inside = sandbox.socket();
        let apart = self.run_steps(attached, inside)?;
        self.wait(attached.index, watch).map_err(|error| {
            apart.undo(&vec![Outcome::Done; self.routes.len()], inside);
            error.with_undo(attached.undo(inside))
        })
    }

    fn write_ipv6(&self, attached: &Attached, sandbox: &mut Sandbox) -> Result<()> {
        for (setting, value) in self.ipv6_if_possible.iter() {
            let _ = sandbox.set_ipv6(attached.name, setting, value);
        }
        let mut name = attached.name;
        for (setting, value) in self.ipv6.iter() {
            if let Err(error) = sandbox.set_ipv6(name, setting, value) {
                name = rescue(error, name, (setting, value), attached.index, sandbox)?;
            }
        }
        Ok(())
    }

    /// Opens what receives the events of duplicate address detection, if that is to be awaited. It receives those from now on.
    fn open_watch(&self, sandbox: &Sandbox) -> Result<Option<AddressWatch>> {
        let has_to_wait = self.with_link_local || self.addrs_to_detect().next().is_some();
        if self.usable_within.is_some() && has_to_wait {
            sandbox.inside(AddressWatch::open)?.map(Some)
        } else {
            Ok(None)
        }
    }

    /// Waits until the addresses can be used.
    fn wait(&self, index: IfIndex, watch: Option<AddressWatch>) -> Result<()> {
        let (Some(limit), Some(mut watch)) = (self.usable_within, watch) else { return Ok(()) };
        let since = Instant::now();
        watch.wait(index, &self.addrs_to_detect().collect::<Vec<_>>(), limit)?;
        if self.with_link_local {
            watch.wait_link_local(index, limit.saturating_sub(since.elapsed()))?;
        }
        Ok(())
    }

    /// The addresses that are not usable at once.
    fn addrs_to_detect(&self) -> impl Iterator<Item = Ipv6Addr> {
        let addrs = self.addrs.iter().filter(|_| !self.nodad);
        addrs.filter_map(|addr| match addr.ip() {
            IpAddr::V6(addr) => Some(addr),
            IpAddr::V4(_) => None,
        })
    }
}

/// A setting could not be written: looks whether the link has another name by now, or has the value already. Returns the link's
/// name.
fn rescue(
    mut error: Error,
    name: IfName,
    (setting, asked): (Ipv6Setting, i32),
    index: IfIndex,
    sandbox: &mut Sandbox,
) -> Result<IfName> {
    let link = sandbox.socket().link_at(index)?;
    let (link, mtu, settings) = (link.if_name(), link.mtu(), link.settings());
    if link != name && error.is_not_found() {
        match sandbox.set_ipv6(link, setting, asked) {
            Ok(()) => return Ok(link),
            Err(again) => error = again,
        }
    }
    let found = settings.ipv6(setting);
    if setting.is_met(asked, found) {
        return Ok(link);
    }
    let has_ipv6 = settings.has_ipv6();
    let of_setting = Reason::Setting { link, setting, asked, found };
    Err(error.with_reason(Some(if has_ipv6 { of_setting } else { Reason::NoIpv6 { link, mtu } })))
}
