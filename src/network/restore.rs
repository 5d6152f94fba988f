//! The parents of many networks: removed with a network, and put in order after a restart.

use super::parent::sweep;
use super::{Network, Owner, Removal, Result, Up};
use crate::socket::Socket;
use crate::value::{IfIndex, IfName};

/// How things stand after a restart.
#[derive(Debug)]
#[non_exhaustive]
pub struct Restored {
    /// Each network's parent, in the order of the networks, or why it has none. Config-only networks are left out.
    pub parents: Vec<(Box<str>, Result<Up>)>,
    /// The host's link for each network with [host access](super::HostAccess), or why there is none.
    pub host_access: Vec<(Box<str>, Result<IfIndex>)>,
    /// Links that were made for networks which are no more, or were left half-made, and what became of them.
    pub orphans: Vec<(IfName, Result<Removal>)>,
}

/// After a restart or a reboot: removes what was made for networks that are no more, or was left half-made
/// ([`remove_orphans`](super::remove_orphans)), makes the parents of `networks` that are gone, and gives the host its
/// [access](Network::give_host_access) to the containers of those that have one.
///
/// Nobody else may work for the same owner meanwhile.
///
/// It enters no container's namespace, so it needs none: a caller that keeps [`Member`](super::Member)s keeps the path of each
/// one's namespace beside it, opens a [`Sandbox`](crate::Sandbox) by that path, and connects the container again where its link
/// is [gone](crate::Attached::find).
///
/// ```no_run
/// # use sublink::{Network, Owner, Socket};
/// # let (owner, networks): (Owner, Vec<Network>) = (Owner::new("my-engine")?, Vec::new());
/// let restored = sublink::network::restore_networks(&mut Socket::open()?, &owner, &networks)?;
/// for (network, parent) in restored.parents {
///     match parent {
///         Ok(up) => println!("{network}: its parent is link {}", up.index),
///         Err(error) => eprintln!("{network}: {error}"),
///     }
/// }
/// # Ok::<(), sublink::network::Error>(())
/// ```
pub fn restore_networks(host: &mut Socket, owner: &Owner, networks: &[Network]) -> Result<Restored> {
    let parents = networks.iter().filter_map(|network| Some((network.name(), network.parent().ok()?)));
    let (names, parents): (Vec<_>, Vec<_>) = parents.unzip();
    let with_access: Vec<_> = networks.iter().filter(|network| network.has_host_access()).collect();
    let is_wanted = |name, parent| {
        let mut networks = with_access.iter();
        networks.any(|network| (network.host_access_name(), network.parent_name()) == (name, parent))
    };
    let orphans = sweep(host, owner, &parents, is_wanted)?;
    let parents = names.into_iter().zip(parents).map(|(name, parent)| (name.into(), parent.up(host, owner))).collect();
    let host_access =
        with_access.iter().map(|network| (network.name().into(), network.give_host_access(host, owner))).collect();
    Ok(Restored { parents, host_access, orphans })
}
