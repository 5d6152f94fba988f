//! What is known when a link was to be detached, in values and in a sentence.

use crate::error::Error;
use crate::value::{IfIndex, IfName, MacAddr, NsId};
use std::fmt;

/// What became of a link that was to be detached, what else stands there, and what proves that the container is off the network.
///
/// It prints as a sentence, which says `off the network` only with a [complete](Proof::is_complete) proof:
///
/// ```text
/// the link is deleted; off the network: the VLAN's id is free on the parent
/// the link is deleted; 1 other link on the same parent is there; whether the container can reach the network was not looked for
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Detached {
    /// What became of the link.
    pub link: Fate,
    /// Other links of the same parent that were [deleted too](super::Detach::others).
    pub swept: Vec<Standing>,
    /// Other links of the same parent that were seen, in the container's namespace and in those that this one has an id for.
    /// The host may have attached them, or the container stacked them on its own: nothing tells which. With
    /// [`link_only`](super::Detach::link_only) they are looked for only where the link is not deleted.
    pub remaining: Vec<Standing>,
    /// Why [`remaining`](Self::remaining) may lack links: a list, or a namespace, could not be read or has too much in it.
    ///
    /// The kernel may end the list of a namespace that the container's has an id for early, and nothing shows it
    /// ([`Socket::links`](crate::Socket::links)). So this is [`ErrorKind::Unchecked`](crate::ErrorKind::Unchecked) whenever such a
    /// namespace was listed, unless something worse is known. `None` with [`link_only`](super::Detach::link_only) where the link
    /// is deleted, as nothing was listed.
    pub unseen: Option<Error>,
    /// What proves that the container is off the network.
    pub proof: Proof,
}

/// What became of a link that was to be detached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fate {
    /// It is deleted. Its parent may have another with its MAC address at once.
    Deleted,
    /// What stood at its index is deleted, without having been looked at: a link with a list of senders or priorities so long
    /// that the kernel cannot report it.
    DeletedUnseen,
    /// The container had moved it to the namespace which its own numbers so, and it is deleted there.
    DeletedIn(NsId),
    /// The container has moved it to the namespace which its own numbers so. It could not be deleted there, and stays.
    OutOfReach(NsId),
    /// It was not there, nor in any namespace that the container's has an id for: the container has deleted it, or moved it
    /// farther away.
    Gone,
    /// The same, and at its index there is a link of another kind or parent, which was let alone. To remove that one all the
    /// same, [`Socket::delete`](crate::Socket::delete) its index.
    Replaced,
}

/// A link of the same parent that stands in a container.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Standing {
    /// Its index, in the namespace where it is.
    pub index: IfIndex,
    /// Its name.
    pub name: IfName,
    /// Its kind, in the kernel's words.
    pub kind: Box<str>,
    /// Its MAC address.
    pub mac: Option<MacAddr>,
    /// The namespace where it is, as the container's numbers it; `None` in the container's own.
    pub nsid: Option<NsId>,
}

/// What proves that a container is off the network that its link led to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Proof {
    /// Complete: the VLAN's id is free on the parent, so the VLAN is in no namespace.
    VlanIsFree,
    /// Complete: nothing stood on the parent, in whatever namespace. A passthru link was made on it, which the kernel does only
    /// where there is nothing else.
    ParentIsEmpty,
    /// Weak: the link's MAC addresses have left the parent's list of addresses. A link of another address that the container has
    /// stacked would not be seen by it, nor one that is down and brought up later.
    AddressIsGone,
    /// None.
    None(Unproven),
}

/// Why nothing proves that a container is off the network.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Unproven {
    /// It was not asked for.
    NotAsked,
    /// The VLAN's id is taken on the parent: the VLAN is in some namespace.
    VlanIsThere,
    /// Something stands on the parent: this container's, or another's.
    ParentIsInUse,
    /// One of the link's MAC addresses is in the parent's list still: something claims it.
    AddressIsThere,
    /// The link's MAC address was not in the parent's list before, so that it is not now says nothing. It was down, or
    /// moved away, or its kind or mode puts none there, or the parent keeps no such list.
    NeverListed,
    /// The parent's list changed while it was read, over and over.
    Unsteady,
    /// Which device the link stands on is not known, or it is in another namespace than the `host` socket.
    NoParent,
    /// It could not be found out.
    Failed(Error),
}

impl Detached {
    /// Whether it is proved that the container is off the network by way of this link.
    pub const fn is_off_the_network(&self) -> bool {
        self.proof.is_complete()
    }
}

impl Fate {
    /// Whether the link is deleted.
    pub const fn is_deleted(self) -> bool {
        matches!(self, Self::Deleted | Self::DeletedUnseen | Self::DeletedIn(_))
    }
}

impl Proof {
    /// Whether it leaves no way for the container, short of those in SECURITY.md.
    pub const fn is_complete(&self) -> bool {
        matches!(self, Self::VlanIsFree | Self::ParentIsEmpty)
    }
}

impl fmt::Display for Detached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { link, swept, remaining, unseen, proof } = self;
        write!(f, "{link}")?;
        for (links, became) in [(swept, "deleted too"), (remaining, "there")] {
            match links.len() {
                0 => {}
                1 => write!(f, "; 1 other link on the same parent is {became}")?,
                many => write!(f, "; {many} other links on the same parent are {became}")?,
            }
        }
        if let Some(error) = unseen {
            write!(f, "; there may be more, which could not be seen ({error})")?;
        }
        write!(f, "; {proof}")
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deleted => f.write_str("the link is deleted"),
            Self::DeletedUnseen => f.write_str("what was at the link's index is deleted, without a look"),
            Self::DeletedIn(nsid) => write!(f, "the link was moved to namespace {nsid}, and is deleted there"),
            Self::OutOfReach(nsid) => {
                write!(f, "the link was moved to namespace {nsid}, and could not be deleted there")
            }
            Self::Gone => f.write_str("the link is gone"),
            Self::Replaced => f.write_str("the link is gone, and another in its place was let alone"),
        }
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::VlanIsFree => f.write_str("off the network: the VLAN's id is free on the parent"),
            Self::ParentIsEmpty => f.write_str("off the network: nothing stood on the parent"),
            Self::AddressIsGone => {
                f.write_str("its MAC addresses have left the parent, which does not exclude links of other addresses")
            }
            Self::None(Unproven::NotAsked) => {
                f.write_str("whether the container can reach the network was not looked for")
            }
            Self::None(why) => write!(f, "the container may reach the network still: {why}"),
        }
    }
}

impl fmt::Display for Unproven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAsked => "that was not looked for",
            Self::VlanIsThere => "the VLAN's id is taken on the parent",
            Self::ParentIsInUse => "something stands on the parent",
            Self::AddressIsThere => "its MAC address is in use on the parent",
            Self::NeverListed => "its MAC address was not in the parent's list before",
            Self::Unsteady => "the parent's list changed while it was read",
            Self::NoParent => "the device that the link stood on is not known",
            Self::Failed(error) => return write!(f, "{error}"),
        })
    }
}
