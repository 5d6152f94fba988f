//! Taking a link away again, if it is still the one that was attached.

use super::Attached;
use crate::error::{Error, Result, Undo};
use crate::link::LinkView;
use crate::sandbox::Sandbox;
use crate::socket::Socket;
use std::os::fd::AsFd;
use std::sync::Mutex;
use std::thread;

/// What became of a link that was to be detached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Detached {
    /// It is deleted. Its parent may have another with its MAC address at once.
    Deleted,
    /// It was not there: the container has deleted it or moved it away.
    Gone,
    /// At its index there is a link of another kind or MAC address, which was let alone: the container has put another in its
    /// place, or given it another address. To remove that one all the same, [`Socket::delete`] its index.
    Replaced,
}

/// How many endpoints are detached at a time by [`detach_many`]. Each waits in the kernel, so they may be more than the
/// machine has cores.
const THREADS: usize = 32;

impl Attached {
    /// Deletes the link, by its index, if its kind and MAC address are still what they were; a new name does not matter, nor
    /// a new address of the parent, if the link [has that](Self::has_parents_mac). A link that the container has given a list of
    /// senders or priorities which the kernel cannot report is deleted unseen.
    ///
    /// It takes about 16 ms, the kernel's grace period. Those of many containers overlap: [`detach_many`].
    pub fn detach(&self, sandbox: &mut Sandbox) -> Result<Detached> {
        self.delete(sandbox.socket())
    }

    fn delete(&self, inside: &mut Socket) -> Result<Detached> {
        match inside.link_at(self.index) {
            Ok(link) if self.is(&link) => {}
            Ok(_) => return Ok(Detached::Replaced),
            Err(error) if error.is_no_device() => return Ok(Detached::Gone),
            Err(error) if error.is_unreportable_link() => {}
            Err(error) => return Err(error),
        }
        match inside.delete(self.index) {
            Ok(()) => Ok(Detached::Deleted),
            Err(error) if error.is_no_device() => Ok(Detached::Gone),
            Err(error) => Err(error),
        }
    }

    pub(super) fn is(&self, link: &LinkView<'_>) -> bool {
        let is_mac = |mac| link.mac().mac() == Some(mac);
        link.kind() == self.kind.as_str() && (self.has_parents_mac || self.mac.is_none_or(is_mac))
    }

    /// Removes it after a failure that is the caller's. If that fails too, the error says so in the place of the caller's.
    pub(super) fn undo_for<E: From<Error>>(&self, error: E, inside: &mut Socket) -> E {
        match self.delete(inside) {
            Ok(_) => error,
            Err(removal) => match self.undo(inside) {
                Undo::Clean | Undo::Replaced(_) => error,
                undo => removal.with_undo(undo).into(),
            },
        }
    }

    /// Removes it after a failure, and says how that went.
    pub(crate) fn undo(&self, inside: &mut Socket) -> Undo {
        match self.delete(inside) {
            Ok(Detached::Deleted | Detached::Gone) => Undo::Clean,
            Ok(Detached::Replaced) => Undo::Replaced(self.index),
            Err(_) => match inside.link_at(self.index) {
                Ok(link) if self.is(&link) => Undo::LeftBehind(self.index),
                Ok(_) => Undo::Replaced(self.index),
                Err(error) if error.is_no_device() => Undo::Clean,
                Err(_) => Undo::Unknown(self.index),
            },
        }
    }
}

/// Detaches endpoints from many containers, up to 32 at a time, so that the kernel's grace periods overlap. Each container is
/// given by its namespace; the results stand in the order of the endpoints.
///
/// ```no_run
/// # use sublink::{Attached, Netns};
/// # use sublink::endpoint::detach_many;
/// # let attached: Vec<Attached> = Vec::new();
/// # let containers: Vec<Netns> = Vec::new();
/// let endpoints: Vec<_> = containers.iter().zip(attached).collect();
/// for detached in detach_many(&endpoints) {
///     println!("{:?}", detached?);
/// }
/// # Ok::<(), sublink::Error>(())
/// ```
pub fn detach_many<N: AsFd + Sync>(endpoints: &[(N, Attached)]) -> Vec<Result<Detached>> {
    let (waiting, results) = (Mutex::new(endpoints.iter().enumerate()), Mutex::new(Vec::new()));
    let work = || {
        loop {
            let next = lock(&waiting).next(); // the lock is not held while the kernel works
            let Some((number, (namespace, attached))) = next else { break };
            let detached = Socket::open_in(namespace).and_then(|mut inside| attached.delete(&mut inside));
            lock(&results).push((number, detached));
        }
    };
    thread::scope(|scope| {
        for _ in 1..THREADS.min(endpoints.len()) {
            let _ = thread::Builder::new().name("sublink-detach".into()).spawn_scoped(scope, work); // fewer will do
        }
        work();
    });
    let mut results = results.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    results.sort_unstable_by_key(|(number, _): &(usize, Result<Detached, Error>)| *number);
    results.into_iter().map(|(_, detached)| detached).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
