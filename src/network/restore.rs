//! The parents of many networks: removed with a network, and put in order after a restart.

use super::{Network, Owner, Removal, Result, Up, remove_orphans};
use crate::socket::Socket;
use crate::value::IfName;

/// How things stand after a restart.
#[derive(Debug)]
#[non_exhaustive]
pub struct Restored {
    /// Each network's parent, in the order of the networks, or why it has none. Config-only networks are left out.
    pub parents: Vec<(Box<str>, Result<Up>)>,
    /// Links that were made as parents of networks which are no more, or were left half-made, and what became of them.
    pub orphans: Vec<(IfName, Result<Removal>)>,
}

impl Network {
    /// Removes its parent by the rule of [`Parent::remove`](super::Parent::remove): unless another of `networks` has it too.
    /// The network itself may be among them. Call it when the network has no containers left.
    ///
    /// # Errors
    /// As [`Parent::remove`](super::Parent::remove). A config-only network has no parent, and that is none.
    pub fn remove_parent(&self, host: &mut Socket, owner: &Owner, networks: &[Self]) -> Result<Removal> {
        let Ok(parent) = self.parent() else { return Ok(Removal::NotThere) };
        let others = networks.iter().filter(|other| other.name != self.name);
        let others: Vec<_> = others.filter_map(|other| other.parent().ok()).collect();
        parent.remove(host, owner, &others)
    }
}

/// After a restart or a reboot: removes what was made for networks that are no more, or was left half-made
/// ([`remove_orphans`]), and makes the parents of `networks` that are gone.
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
    let orphans = remove_orphans(host, owner, &parents)?;
    let parents = names.into_iter().zip(parents).map(|(name, parent)| (name.into(), parent.up(host, owner)));
    Ok(Restored { parents: parents.collect(), orphans })
}
