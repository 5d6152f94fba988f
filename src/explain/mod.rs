//! Why a request failed. Where the kernel gives a bare error number, a look at how things stand says more. The same look helps
//! where the kernel's words leave a question open, such as which route leads to a gateway.
//!
//! macvlan gives no words with its own errors, and one number has several causes: EINVAL may be the MTU, the parent, or a
//! passthru sibling. [`Error::explained`] asks the kernel what there is, only when it is called, and changes nothing. One table
//! says what each number can mean; each cause compares what was asked for with what there is. `tests/explain/table.rs` lists
//! what the kernel can answer to which request. Sources of the causes: `net/core/rtnetlink.c`, `macvlan_common_newlink` in
//! `drivers/net/macvlan.c`, `net/8021q/vlan_netlink.c`, `net/ipv4/devinet.c`, `net/ipv4/fib_semantics.c`,
//! `net/ipv6/addrconf.c`, `net/ipv6/route.c`, `net/core/neighbour.c`, `net/ipv4/arp.c`, `macvlan_fdb_add`.

mod ip;
mod links;
mod neigh;
mod surroundings;

use crate::error::{Error, ErrorKind, KernelError, Reason};
use crate::socket::Socket;
use crate::value::IfIndex;
use nix::errno::Errno;
use surroundings::Surroundings;

impl Error {
    /// Looks, with the socket on which the request failed, at why it did, and keeps what it sees:
    /// [`Error::reason`]. An error that somebody has looked at already stays as it is.
    ///
    /// A socket of another namespace sees other links, so with one of those nothing is said. Which namespace a socket lives
    /// in is not known on Linux before 5.14 if it came [from outside](Socket::from_fd).
    ///
    /// It sees how things stand now: what was in the way may be gone. Where the library removes a link again that could not
    /// come up, it has looked before that.
    ///
    /// ```no_run
    /// # use sublink::{NewLink, Socket};
    /// let mut host = Socket::open()?;
    /// let eth0 = host.index_of("eth0")?;
    /// if let Err(error) = host.create(&NewLink::macvlan(eth0).mtu(9000)) {
    ///     // create macvlan on eth0: EINVAL (Invalid argument): the MTU 9000 is above the 1500 of the parent eth0
    ///     eprintln!("{}", error.explained(&mut host));
    /// }
    /// # Ok::<(), sublink::Error>(())
    /// ```
    #[must_use]
    pub fn explained(self, socket: &mut Socket) -> Self {
        if self.is_explained() || self.is_of_another_namespace(socket.namespace_number()) {
            return self;
        }
        let reason = self.look_why(socket);
        self.with_reason(reason)
    }

    /// Looks again in the parent's namespace, whether a MAC address that may be in use is in use.
    pub(crate) fn explained_by_parent(self, host: &mut Socket, parent: IfIndex) -> Self {
        match self.reason() {
            Some(&Reason::MacMayBeElsewhere { mac, parent: name }) if links::is_in_use(host, parent, mac) => {
                self.with_reason(Some(Reason::MacElsewhere { mac, parent: name }))
            }
            _ => self,
        }
    }

    /// Looks again in the namespace that a link was to be in, which of its name and its index is taken there.
    pub(crate) fn explained_by_target(self, inside: &mut Socket) -> Self {
        let reason = match self.reason() {
            Some(&Reason::TakenThere { name, index, here, .. }) => {
                let is_here = index.zip(here).map(|(index, owner)| Reason::IndexIsTaken { index, owner });
                links::taken_in(inside, name, index).map(|taken| taken.or(is_here))
            }
            Some(&Reason::ParentIsTaken { parent, index: index @ Some(_) }) => links::taken_in(inside, None, index)
                .map(|taken| taken.or(Some(Reason::ParentIsTaken { parent, index: None }))),
            _ => return self,
        };
        match reason {
            Ok(seen @ Some(_)) => self.with_reason(seen),
            Ok(None) | Err(_) => self, // what could not be looked at is not told
        }
    }

    /// `None` if it cannot be seen, or the error says it all.
    fn look_why(&self, socket: &mut Socket) -> Option<Reason> {
        let ErrorKind::Kernel(kernel) = self.kind() else { return None };
        let causes = Surroundings::causes(kernel);
        let mut surroundings = Surroundings::look(socket, self.request().filter(|_| !causes.is_empty())?, self.sent());
        causes.iter().find_map(|cause| cause(&mut surroundings))
    }
}

/// Looks whether one thing is the cause.
type Cause<S> = fn(&mut S) -> Option<Reason>;

impl<'a> Surroundings<'a> {
    /// What an error number can mean, in the order in which it is looked for: what can be seen comes before what is left
    /// when nothing can. Where the kernel gives words, they mostly say it all, and say which cause it was.
    #[rustfmt::skip]
    fn causes(kernel: &KernelError) -> &'a [Cause<Self>] {
        let text = kernel.text.as_deref();
        let says = |word: &str| text.is_some_and(|text| text.contains(word));
        match (Errno::from_raw(kernel.errno), text) {
            (Errno::EPERM, _) if kernel.is_of_bond() => &[], // a bond's rules, in its own words
            (Errno::EPERM, _) => &[Self::not_permitted, Self::group_zero],
            (Errno::EACCES, _) => &[Self::ipv6_is_off, Self::not_permitted_there],
            (Errno::EBADF, None) => &[Self::not_a_descriptor],
            (Errno::ENODEV, _) => &[
                Self::link_is_gone, Self::hop_is_gone, Self::parent_is_gone, Self::group_is_empty, Self::leads_nowhere,
                Self::no_ipv4, Self::no_ipv6,
            ],
            (Errno::ENOBUFS, _) => &[
                Self::no_ipv4, Self::no_ipv6, Self::link_is_gone, Self::neighbour_table_is_full,
            ],
            (Errno::ENXIO | Errno::EAFNOSUPPORT, _) => &[Self::no_ipv4, Self::no_ipv6, Self::link_is_gone],
            (Errno::EOPNOTSUPP, None) => &[
                Self::station_needs_passthru, Self::of_another_kind, Self::not_deletable, Self::is_no_master, Self::no_ipv6,
            ],
            (Errno::ENETDOWN, _) => &[
                Self::link_is_down, Self::parent_is_down, Self::link_is_gone, Self::parent_is_gone,
            ],
            (Errno::EADDRINUSE, None) => &[
                Self::mac_of_parent, Self::mac_of_sibling, Self::mac_elsewhere, Self::link_is_gone, Self::parent_is_gone,
            ],
            (Errno::EADDRNOTAVAIL, _) => &[Self::not_assignable, Self::no_such_address],
            (Errno::EEXIST, Some("8021q: VLAN device already exists")) => &[
                Self::vlan_is_there, Self::vlan_is_elsewhere, Self::parent_is_gone,
            ],
            (Errno::EEXIST, Some(_)) => &[Self::address_is_there],
            (Errno::EEXIST, None) => &[
                Self::address_is_there, Self::route_is_there, Self::neighbour_is_there, Self::forwarding_is_there,
                Self::name_is_taken, Self::peer_name_is_taken,
                Self::index_is_taken, Self::vlan_is_there, Self::taken_there,
            ],
            (Errno::EBUSY, None) => &[
                Self::link_carries, Self::index_is_taken_there, Self::renamed_while_up, Self::parent_carries,
                Self::parent_is_port, Self::parent_is_taken, Self::link_is_gone, Self::parent_is_gone,
            ],
            (Errno::EMLINK, _) => &[Self::too_deep],
            (Errno::ENETUNREACH | Errno::EHOSTUNREACH, _) => &[
                Self::link_is_down, Self::gateway_is_own, Self::not_a_gateway, Self::gateway_unreachable,
            ],
            (Errno::ESRCH, _) => &[Self::no_such_route],
            (Errno::ENOENT, _) => &[Self::no_such_alt_name, Self::no_such_neighbour, Self::no_such_forwarding],
            (Errno::EINVAL, Some("Unknown network namespace id")) => &[Self::namespace_is_gone],
            (Errno::EINVAL, Some(_)) if says("IPv6 is disabled") => &[Self::no_ipv6, Self::ipv6_is_off],
            (Errno::EINVAL, Some(_)) if says("lifetime") => &[Self::lifetime_is_impossible],
            (Errno::EINVAL, Some(_)) if says("scope value") => &[Self::scope_differs],
            (Errno::EINVAL, Some(_)) if says("immutable") => &[Self::stays_in_namespace],
            (Errno::EINVAL, Some(_)) if says("ateway") || says("ONLINK") => &[Self::gateway_is_own, Self::not_a_gateway],
            (Errno::EINVAL, Some(_)) if says("source") || says("prefsrc") => &[Self::source_is_not_ready],
            (Errno::EINVAL | Errno::ERANGE, None) => &[
                Self::lifetime_is_impossible, Self::no_ipv4, Self::no_ipv6, Self::scope_differs, Self::no_stable_secret,
                Self::not_its_alt_name,
                Self::target_is_gone, Self::no_such_mode, Self::passthru_is_for_life, Self::not_in_source_mode,
                Self::master_is_gone, Self::not_a_port, Self::parent_is_loopback, Self::parent_is_not_ethernet, Self::mtu_above_parent,
                Self::parent_refuses, Self::passthru, Self::is_kept_here, Self::not_a_namespace, Self::unknown,
                Self::link_is_gone, Self::parent_is_gone,
            ],
            _ => &[],
        }
    }
}
