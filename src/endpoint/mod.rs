//! Attaching a container: a link with addresses and routes, whole or not at all.
//!
//! ```text
//!   the parent's namespace                         the container's namespace
//!   ──────────────────────                         ─────────────────────────
//!   create, down, in place: kind, mode, MTU,  ──►  eth0 #20817, down
//!   our MAC, final name, an index of our choice
//!                                                  IPv6 settings, a file each, where asked for
//!                                                  one send: settings, addresses, up, routes
//! ```
//!
//! An attach takes two sends and 0.5 ms; each IPv6 setting takes 7 µs more. A link that is made elsewhere and moved costs the
//! kernel 16 ms of RCU grace periods more. The index is ours to choose, so the second send needs no answer to the first. The
//! index is random, so that no other link has it. The link comes up after its addresses are there. So a gratuitous ARP leaves
//! with [`ARP_NOTIFY`](crate::link::Ipv4Setting::ARP_NOTIFY), and the kernel's IPv6 configures nothing before its settings are
//! there.
//!
//! Nothing that is read inside the container decides about anything outside it, and the index alone is never trusted there:
//! before a link is removed, its kind and its parent are looked at, since the container may have put another in its place. The
//! MAC address is no more than a hint, because the container may change it. [`Detached`] says what is known afterwards.

mod apart;
mod attached;
mod check;
mod default_route;
mod detach;
mod device;
mod ipv6;
#[cfg(test)]
mod scripted;

pub use attached::Attached;
pub use check::Difference;
pub use detach::{Detach, Detached, Fate, Proof, Standing, Unproven, detach_many};
pub use device::{FailedMove, MovedAddress, MovedDevice};

pub(crate) use default_route::{default_route, pass_on, take};

use crate::addr::NewAddress;
use crate::batch::Batch;
use crate::error::{Error, ErrorKind, Result, Undo};
use crate::link::{
    AddrGenMode, GetLink, Ipv4Setting, Ipv6Token, Ipv6Values, LinkChange, LinkKind, LinkSettings, LinkSpec,
};
use crate::route::NewRoute;
use crate::sandbox::Sandbox;
use crate::socket::Socket;
use crate::value::{IfIndex, IfName, RouteProtocol, maybe};
use apart::Apart;
use attached::lower_of;
use ipnetwork::IpNetwork;
use std::net::IpAddr;
use std::panic::{self, AssertUnwindSafe};
use std::time::Duration;

/// A link with addresses and routes, to be attached to a container.
///
/// ```no_run
/// use sublink::{Endpoint, IfName, MacvlanMode, NewLink, Sandbox, Socket};
/// use sublink::endpoint::Detach;
/// use sublink::link::Ipv4Setting;
/// let (mut host, mut pod) = (Socket::open()?, Sandbox::open("/run/netns/c1")?);
/// let parent = host.index_of("eth0.50")?;
/// let attached = Endpoint::new(NewLink::macvlan(parent).mode(MacvlanMode::Bridge).name(IfName::new("eth0")?))
///     .addr("10.0.50.7/24".parse()?)
///     .gateway("10.0.50.1".parse()?)
///     .ipv4(Ipv4Setting::ARP_NOTIFY, 1)
///     .attach(&mut host, &mut pod)?;
/// let detached = attached.detach(&mut host, &mut pod, &Detach::new())?;
/// println!("{detached}");
/// # Ok::<(), sublink::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint<'a> {
    link: LinkSpec<'a>,
    settings: LinkSettings,
    /// IPv6 settings, which are written to files.
    ipv6: Ipv6Values,
    /// Those that are left as they are where they cannot be written.
    ipv6_if_possible: Ipv6Values,
    addrs: Vec<IpNetwork>,
    nodad: bool,
    usable_within: Option<Duration>,
    with_link_local: bool,
    gateways: Vec<IpAddr>,
    metric: Option<u32>,
    protocol: Option<RouteProtocol>,
    routes: Vec<EndpointRoute<'a>>,
    allow_same_namespace: bool,
}

impl<'a> Endpoint<'a> {
    maybe!();

    /// An endpoint with this link, as yet without addresses. The parent's index is one in the namespace of the `host` socket
    /// of [`attach`](Self::attach). Without a MAC address, a macvlan or macvtap is given a random one.
    #[must_use]
    pub fn new(link: impl Into<LinkSpec<'a>>) -> Self {
        Self {
            link: link.into(),
            settings: LinkSettings::new(IfIndex(1)), // until there is one
            ipv6: Ipv6Values::NONE,
            ipv6_if_possible: Ipv6Values::NONE,
            addrs: Vec::new(),
            nodad: false,
            usable_within: None,
            with_link_local: false,
            gateways: Vec::new(),
            metric: None,
            protocol: None,
            routes: Vec::new(),
            allow_same_namespace: false,
        }
    }

    /// One more address, with the prefix length of its network.
    #[must_use]
    pub fn addr(mut self, addr: IpNetwork) -> Self {
        self.addrs.push(addr);
        self
    }

    /// Uses IPv6 addresses at once, without duplicate address detection. With detection, they can be used a second or two
    /// later: [`usable_within`](Self::usable_within) waits for that. Even without detection, what is sent to an address in its
    /// first moment is dropped, because a worker of the kernel makes the route to it.
    #[must_use]
    pub const fn nodad(mut self) -> Self {
        self.nodad = true;
        self
    }

    /// The gateway of its family, for the default route. [`attach`](Self::attach) refuses a second one of a family (EEXIST),
    /// since it would make a second default route of the same metric. A gateway that is in no network of the endpoint's
    /// addresses is taken as reachable on the link.
    #[must_use]
    pub fn gateway(mut self, gateway: IpAddr) -> Self {
        self.gateways.push(gateway);
        self
    }

    /// The metric of the default routes.
    #[must_use]
    pub const fn metric(mut self, metric: u32) -> Self {
        self.metric = Some(metric);
        self
    }

    /// Who made the default routes; [`RouteProtocol::BOOT`] unless set, as with `ip`.
    #[must_use]
    pub const fn protocol(mut self, protocol: RouteProtocol) -> Self {
        self.protocol = Some(protocol);
        self
    }

    /// One more route. A route that names no link leaves by this one. A route of a type that drops packets belongs to no link.
    /// A route with several next hops leaves by the links that these name or lead to.
    ///
    /// A route that does not leave by this link alone is deleted again when the attach fails, unless it was there before. It
    /// stays when the link is detached: [delete](crate::route::DeleteRoute) it.
    #[must_use]
    pub fn route(mut self, route: NewRoute<'a>) -> Self {
        self.routes.push(EndpointRoute { route, by_any_link: false });
        self
    }

    /// One more route, by whichever of the container's links leads to its gateway. The kernel finds that link when this one is
    /// up; it may be another one.
    ///
    /// ```
    /// # use sublink::{Endpoint, NewRoute, NewLink, IfIndex};
    /// # let link = NewLink::macvlan(IfIndex::new(2)?);
    /// let storage = NewRoute::new("10.70.0.0/16".parse()?).gateway("10.60.0.1".parse()?);
    /// let endpoint = Endpoint::new(link).addr("10.0.50.7/24".parse()?).route_by_any_link(storage);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// When the attach fails, the route is deleted again, unless it was there before. If somebody else adds the same route by
    /// another link in that moment, neither of the two is deleted. A route by another link stays when this link is detached.
    #[must_use]
    pub fn route_by_any_link(mut self, route: NewRoute<'a>) -> Self {
        self.routes.push(EndpointRoute { route, by_any_link: true });
        self
    }

    /// An IPv4 setting of the link, in force before its addresses are there.
    #[must_use]
    pub fn ipv4(mut self, setting: Ipv4Setting, value: u32) -> Self {
        self.settings = self.settings.ipv4(setting, value);
        self
    }

    /// How the IPv6 link-local address is made. A link or kernel without IPv6 refuses it (EAFNOSUPPORT).
    #[must_use]
    pub const fn addr_gen_mode(mut self, mode: AddrGenMode) -> Self {
        self.settings = self.settings.addr_gen_mode(mode);
        self
    }

    /// The lower half of the addresses that the link makes of the prefixes that routers advertise: see
    /// [`LinkSettings::token`].
    #[must_use]
    pub const fn token(mut self, token: Ipv6Token) -> Self {
        self.settings = self.settings.token(token);
        self
    }

    /// Does not refuse a target that is the namespace of the `host` socket.
    #[must_use]
    pub const fn allow_same_namespace(mut self) -> Self {
        self.allow_same_namespace = true;
        self
    }

    /// The same endpoint on another parent.
    #[must_use]
    pub fn on(mut self, parent: IfIndex) -> Self {
        self.link = self.link.on(parent);
        self
    }

    /// The link.
    pub const fn link(&self) -> &LinkSpec<'a> {
        &self.link
    }

    /// Attaches it: [`prepare`](Self::prepare) and [`finish`](Self::finish). `host` lives in the namespace of the parent.
    ///
    /// # Errors
    /// Which request failed and why; [`Error::undo`] says what became of the link. It is removed again, unless the kernel
    /// refuses even that.
    pub fn attach(&self, host: &mut Socket, sandbox: &mut Sandbox) -> Result<Attached> {
        let attached = self.prepare(host, sandbox)?;
        self.finish_on(host, &attached, sandbox)?;
        Ok(attached)
    }

    /// Attaches it with a step of the caller's own between [`prepare`](Self::prepare) and [`finish`](Self::finish), when the
    /// link is there, down and without addresses: to write settings, to ask for addresses, to run DHCP. If the step or the
    /// rest fails, or the step panics, the link is removed again. What the step did elsewhere is the caller's to undo.
    ///
    /// ```no_run
    /// # use sublink::{Endpoint, IfName, MacvlanMode, NewLink, Sandbox, Socket};
    /// # let (mut host, mut pod) = (Socket::open()?, Sandbox::named("c1")?);
    /// # let parent = host.index_of("eth0.50")?;
    /// # let link = NewLink::macvlan(parent).mode(MacvlanMode::Bridge).name(IfName::new("eth0")?);
    /// let (attached, ()) = Endpoint::new(link).addr("10.0.50.7/24".parse()?).attach_with(&mut host, &mut pod, |link, pod| {
    ///     pod.set_sysctl(format!("ipv4/neigh/{}/gc_stale_time", link.name), "60")
    /// })?;
    /// # Ok::<(), sublink::Error>(())
    /// ```
    ///
    /// The step may give the link addresses itself, by the sandbox's socket: they are there before it is up, and go with it.
    /// A step that finds out a gateway too stands between `prepare` and `finish`: see there.
    ///
    /// # Errors
    /// The step's own; or, as in [`attach`](Self::attach), an [`Error`] in its place. If the step fails and the link cannot be
    /// removed either, that is the error, with [`Error::undo`].
    pub fn attach_with<T, E: From<Error>>(
        &self,
        host: &mut Socket,
        sandbox: &mut Sandbox,
        step: impl FnOnce(&Attached, &mut Sandbox) -> Result<T, E>,
    ) -> Result<(Attached, T), E> {
        let attached = self.prepare(host, sandbox)?;
        let stepped = panic::catch_unwind(AssertUnwindSafe(|| step(&attached, sandbox))).unwrap_or_else(|panic| {
            attached.undo(sandbox.socket());
            panic::resume_unwind(panic)
        });
        let value = stepped.map_err(|error| attached.undo_for(error, sandbox.socket()))?;
        self.finish_on(host, &attached, sandbox)?;
        Ok((attached, value))
    }

    /// Creates the link in the container, down and without addresses. The caller can now write settings that are to be in force
    /// from the start and that [`ipv6`](Self::ipv6) does not have ([`Sandbox::set_sysctl`]). If that fails,
    /// [`Attached::detach`] removes the link; [`attach_with`](Self::attach_with) does so by itself.
    ///
    /// The endpoint may gain addresses and gateways until [`finish`](Self::finish), which takes any endpoint:
    ///
    /// ```no_run
    /// # use sublink::{Attached, Endpoint, IpNetwork, MacvlanMode, NewLink, Sandbox, Socket};
    /// # use sublink::endpoint::Detach;
    /// # fn lease(_: &Attached) -> sublink::Result<IpNetwork> { Ok("10.0.50.7/24".parse()?) }
    /// # let (mut host, mut pod) = (Socket::open()?, Sandbox::named("c1")?);
    /// # let parent = host.index_of("eth0.50")?;
    /// let endpoint = Endpoint::new(NewLink::macvlan(parent).mode(MacvlanMode::Bridge));
    /// let attached = endpoint.prepare(&mut host, &mut pod)?;
    /// match lease(&attached) {
    ///     Ok(addr) => endpoint.addr(addr).finish(&attached, &mut pod)?,
    ///     Err(error) => {
    ///         attached.detach(&mut host, &mut pod, &Detach::new())?;
    ///         return Err(error);
    ///     }
    /// }
    /// # Ok::<(), sublink::Error>(())
    /// ```
    ///
    /// A DHCP client wants the link up and without addresses. So finish an endpoint without addresses, run the client, and
    /// give the link what it was leased, or bring it up in the step of [`attach_with`](Self::attach_with): what is up already
    /// stays up. In the second case no gratuitous ARP leaves for addresses that are added then.
    ///
    /// # Errors
    /// As [`attach`](Self::attach). A link that has the index which was asked for is never removed, whatever answer is lost
    /// ([`Undo::WasThere`]): an attach can be asked for again. [`ErrorKind::SameNamespace`] if the target is where the parent is, and
    /// [`InvalidValue::MacIsParents`](crate::value::InvalidValue::MacIsParents) if the link cannot have the MAC address that
    /// was asked for.
    pub fn prepare(&self, host: &mut Socket, sandbox: &mut Sandbox) -> Result<Attached> {
        let (namespace, inside) = sandbox.parts();
        self.refuse_same_namespace(host, inside)?;
        let link = self.link.in_namespace(namespace)?;
        let (kind, mac, parent, vlan) = (link.kind(), link.wanted_mac(), link.parent(), link.vlan_tag());
        // A name that is not known yet is never compared.
        let name = link.wanted_name().unwrap_or(IfName::UNKNOWN);
        let (mut tried, mut lower) = (None, parent.filter(|_| kind == LinkKind::Vlan));
        let is_asked = lower.is_none() && !self.link.parent_is_elsewhere();
        let mut create = |host: &mut Socket, index| {
            tried = Some(index);
            let created = match parent.filter(|_| is_asked) {
                Some(parent) => host.ask_and_apply(&GetLink::index(parent), &link.index(index), &mut |answer| {
                    lower = lower_of(kind, answer);
                }),
                None => host.apply(&link.index(index)),
            };
            created.map(|()| index)
        };
        // Looked at first: if the answer to the create is lost, a link that had the index would be taken for the new one.
        let was_there = link.wanted_index().map_or(Ok(false), |index| inside.has_link(index));
        let was_there = was_there.map_err(|error| error.with_undo(Undo::Clean))?;
        let created = match link.wanted_index() {
            Some(index) => create(host, index),
            None => host.at_free_index(|index| inside.has_link(index), create),
        };
        let created = created.map_err(|error| error.explained(host).explained_by_target(inside));
        let made = |index| Attached { index, name, kind, mac, has_parents_mac: mac.is_none(), parent, lower, vlan };
        match (created, tried) {
            (Ok(index), _) if link.wanted_name().is_some() && mac.is_some() => Ok(made(index)),
            (Ok(index), _) => made(index)
                .complete(inside)
                .map_err(|error| error.naming(index, link.wanted_name()).with_undo(made(index).undo(inside))),
            (Err(error), Some(index)) if error.is_unknown_outcome() => {
                let undo = if was_there { Undo::WasThere(index) } else { made(index).undo(inside) };
                Err(error.with_undo(undo))
            }
            (Err(error), _) => Err(error.with_undo(Undo::Clean)),
        }
    }

    fn refuse_same_namespace(&self, host: &Socket, inside: &Socket) -> Result<()> {
        let is_same = !self.allow_same_namespace && host.is_in_same_namespace(inside) == Some(true);
        if is_same && !self.link.parent_is_elsewhere() { Err(ErrorKind::SameNamespace.into()) } else { Ok(()) }
    }

    /// Gives a prepared link its settings and addresses, brings it up and adds its routes, in one send.
    ///
    /// # Errors
    /// As [`attach`](Self::attach).
    pub fn finish(&self, attached: &Attached, sandbox: &mut Sandbox) -> Result<()> {
        if self.has_ipv6_work() {
            self.finish_with_ipv6(attached, sandbox)
        } else {
            self.run_steps(attached, sandbox.socket()).map(drop)
        }
    }

    /// Returns the routes that would not go with the link.
    fn run_steps(&self, attached: &Attached, inside: &mut Socket) -> Result<Apart<'a>> {
        let apart = self.routes_apart(attached.index, inside);
        let apart = apart.map_err(|error| error.with_undo(attached.undo(inside)))?;
        let mut batch = inside.take_spare_batch().one_ack();
        let finished = self.push_steps(attached.index, &mut batch).and_then(|()| inside.run(&mut batch));
        let finished = finished.map_err(|error| {
            let error = error.explained(inside).naming(attached.index, Some(attached.name));
            apart.undo(batch.outcomes(), inside);
            error.with_undo(attached.undo(inside))
        });
        inside.keep_spare_batch(batch);
        finished.map(|()| apart)
    }

    /// As [`finish`](Self::finish). If it fails, the host is asked for the cause too.
    fn finish_on(&self, host: &mut Socket, attached: &Attached, sandbox: &mut Sandbox) -> Result<()> {
        self.finish(attached, sandbox).map_err(|error| match attached.lower {
            Some(lower) if !self.link.parent_is_elsewhere() => error.explained_by_parent(host, lower),
            _ => error,
        })
    }

    fn push_steps(&self, index: IfIndex, batch: &mut Batch) -> Result<()> {
        let Self { settings, addrs, nodad, .. } = self;
        if !settings.is_empty() {
            batch.push(&settings.of(index))?;
        }
        for addr in addrs {
            let address = NewAddress::new(index, *addr);
            batch.push(&if *nodad && addr.is_ipv6() { address.nodad() } else { address })?;
        }
        batch.push(&LinkChange::new(index).up())?;
        for gateway in &self.gateways {
            batch.push(&self.default_route(*gateway, index))?;
        }
        for route in &self.routes {
            batch.push(&route.on(index))?;
        }
        Ok(())
    }

    /// The default routes, then the others, by the link `index` where they are not by another.
    fn all_routes(&self, index: IfIndex) -> impl Iterator<Item = NewRoute<'a>> {
        let default_routes = self.gateways.iter().map(move |gateway| self.default_route(*gateway, index));
        default_routes.chain(self.routes.iter().map(move |route| route.on(index)))
    }
}

/// A route of an endpoint's that is no default route by one of its gateways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct EndpointRoute<'a> {
    route: NewRoute<'a>,
    by_any_link: bool,
}

impl<'a> EndpointRoute<'a> {
    /// What is sent for the link `index`.
    fn on(&self, index: IfIndex) -> NewRoute<'a> {
        if self.by_any_link { self.route } else { self.route.on(index) }
    }
}
