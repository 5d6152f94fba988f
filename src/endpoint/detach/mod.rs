//! Taking a link away again, and what is known afterwards.
//!
//! A container that may configure its network can change its link's MAC address, mode and name, move it, put another in its
//! place, and stack links on it that stand on the host's parent as the link itself does, and outlive it. So a link is known by
//! its index, kind and parent, and looked for where the container may have moved it; and what detaching says is three things:
//! what became of the link, what else of the same parent stands there, and what proves that the container is off the network.

mod inside;
mod many;
mod outcome;
mod proof;

pub use many::detach_many;
pub use outcome::{Detached, Fate, Proof, Standing, Unproven};

use super::Attached;
use crate::error::{Error, ErrorKind, Result, Undo};
use crate::netns::Netns;
use crate::request::Verb;
use crate::sandbox::Sandbox;
use crate::socket::Socket;
use crate::value::IfIndex;
use inside::{Inside, Numbers};
use proof::Witness;
use std::os::fd::{AsFd, BorrowedFd};

/// How a link is to be detached: which other links are to go too, and what is to be proved.
///
/// ```no_run
/// use sublink::endpoint::Detach;
/// # use sublink::{Attached, Sandbox, Socket};
/// # fn detach(attached: &Attached, host: &mut Socket, pod: &mut Sandbox) -> sublink::Result<()> {
/// let detached = attached.detach(host, pod, &Detach::new().others(&[]).prove_empty_parent())?;
/// if !detached.is_off_the_network() {
///     eprintln!("{detached}");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Detach<'a> {
    others: Option<&'a [IfIndex]>,
    link_only: bool,
    members: &'a [BorrowedFd<'a>],
    prove_empty_parent: bool,
    prove_address: bool,
}

impl<'a> Detach<'a> {
    /// Deletes that link alone. For a VLAN, asks afterwards whether its id is free on the parent.
    #[must_use]
    pub const fn new() -> Self {
        Self { others: None, link_only: false, members: &[], prove_empty_parent: false, prove_address: false }
    }

    /// Deletes **all other macvlans and macvtaps of the same parent too** that stand in the container's namespace or in one that
    /// this has an id for, except those of the container's namespace with these indexes, and those in namespaces of other
    /// [`members`](Self::members).
    ///
    /// It is for a caller that knows all that the host has attached there: nothing tells a link that the container has stacked
    /// from one that another program has attached. Does nothing for other kinds, nor where the container's namespace is the
    /// parent's.
    #[must_use]
    pub const fn others(mut self, keep: &'a [IfIndex]) -> Self {
        self.others = Some(keep);
        self
    }

    /// Where the link is deleted, does not look what else stands on its parent: [`Detached::remaining`] is empty then. It is for
    /// a caller that does nothing with that, and saves the lists. [`others`](Self::others) looks all the same.
    #[must_use]
    pub const fn link_only(mut self) -> Self {
        self.link_only = true;
        self
    }

    /// Nothing is looked for or deleted in these namespaces, such as those of other containers on the same parent. The
    /// namespace of the `host` socket never is.
    #[must_use]
    pub const fn members(mut self, members: &'a [BorrowedFd<'a>]) -> Self {
        self.members = members;
        self
    }

    /// Proves that nothing stands on the parent, if that is so: by a passthru link in a namespace of its own, which the kernel
    /// makes only where there is no macvlan, macvtap or ipvlan. It is for the last container on a parent. For about 20 ms nobody
    /// else can attach to the parent: the kernel says EINVAL.
    #[must_use]
    pub const fn prove_empty_parent(mut self) -> Self {
        self.prove_empty_parent = true;
        self
    }

    /// Reads the parent's list of addresses before and after, once for each parent: a macvlan or macvtap that is up has its MAC
    /// address there, in whatever namespace it is. That it has left is a [weak proof](Proof::AddressIsGone).
    #[must_use]
    pub const fn prove_address(mut self) -> Self {
        self.prove_address = true;
        self
    }
}

impl Attached {
    /// Deletes the link, wherever the container has it, and says what is known afterwards.
    ///
    /// What stands at its index is the link if it is of its kind (a VLAN, of its id) and on its parent, in the namespace of
    /// `host`; its name, MAC address and mode may have changed. If it is not there, it is looked for in the namespaces that the
    /// container's has an id for, which a move always gives, by its MAC address or its index, and deleted there. In the
    /// namespace of `host` nothing is looked for. Other links are let alone, and [reported](Detached::remaining), unless
    /// [`how`](Detach) says otherwise.
    ///
    /// It takes about 16 ms, the kernel's grace period. Those of many containers overlap: [`detach_many`].
    ///
    /// # What cannot be promised
    /// A deleted link is not yet a container off the network: see [`Detached::proof`]. A container that has had a macvlan may
    /// have stacked another straight into a namespace that its own has no id for, or have moved one through a namespace that has
    /// ended; no list shows those. And one with CAP_NET_ADMIN in the host's user namespace can make itself new links on the
    /// host's parent at any time. What helps then is in SECURITY.md.
    ///
    /// If `host` was neither opened on a thread in the namespace that the calling thread is in, nor by [`Socket::open_in`], its
    /// namespace is not known. Then a link is taken for the host's if its parent is in any namespace but its own.
    ///
    /// # Errors
    /// The kernel refused to tell of the link or to delete it, or its answer was lost: then what became of it is not known.
    pub fn detach(&self, host: &mut Socket, sandbox: &mut Sandbox, how: &Detach<'_>) -> Result<Detached> {
        let witness = Witness::before(host, [self], how);
        let is_here = host.is_in_same_namespace(sandbox.socket()) == Some(true);
        let inside = self.detach_inside(sandbox.socket(), is_here, host.home().as_ref(), how);
        let concluded = witness.conclude(host, [(self, inside)], how).pop();
        concluded.unwrap_or_else(|| Err(ErrorKind::Unexpected.into()))
    }

    /// The part that is done inside.
    fn detach_inside(
        &self,
        inside: &mut Socket,
        is_here: bool,
        home: Option<&Netns>,
        how: &Detach<'_>,
    ) -> Result<Inside> {
        let numbers = Numbers::ask(inside, home.map(AsFd::as_fd), is_here, how.members)?;
        self.take_away(inside, &numbers, how)
    }

    /// Removes it after a failure that is the caller's. If that fails too, the error says so in the place of the caller's.
    pub(super) fn undo_for<E: From<Error>>(&self, error: E, inside: &mut Socket) -> E {
        match self.take_back(inside) {
            (Undo::Clean | Undo::Replaced(_) | Undo::Gone(_), _) | (_, None) => error,
            (undo, Some(removal)) => removal.with_undo(undo).into(),
        }
    }

    /// Removes it after a failure, and says how that went.
    pub(crate) fn undo(&self, inside: &mut Socket) -> Undo {
        self.take_back(inside).0
    }

    /// The same, with what went wrong. It is tried twice, since only an answer may have been lost.
    fn take_back(&self, inside: &mut Socket) -> (Undo, Option<Error>) {
        let index = self.index;
        let mut take_away = || self.take_away(inside, &Numbers::UNKNOWN, &Detach::new().link_only());
        let (taken, was_deleting) = match take_away() {
            Err(error) => {
                let was_deleting = error.request().is_some_and(|request| request.verb == Verb::Delete);
                (take_away().map_err(|_| error), was_deleting)
            }
            taken => (taken, false),
        };
        match taken {
            Ok(Inside { link, unseen, .. }) => match link {
                Fate::Deleted | Fate::DeletedUnseen | Fate::DeletedIn(_) => (Undo::Clean, None),
                Fate::OutOfReach(nsid) => (Undo::OutOfReach(index, nsid), unseen),
                Fate::Gone if was_deleting && unseen.is_none() => (Undo::Clean, None), // by what seemed to fail
                Fate::Gone => (Undo::Gone(index), None),
                Fate::Replaced => (Undo::Replaced(index), None),
            },
            Err(error) => {
                let undo = match inside.link_at(index) {
                    Ok(link) if self.is(&link, &Numbers::UNKNOWN) => Undo::LeftBehind(index),
                    Ok(_) => Undo::Replaced(index),
                    Err(_) => Undo::Unknown(index),
                };
                (undo, Some(error))
            }
        }
    }
}
