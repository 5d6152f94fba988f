//! Detaching from many containers at a time.

use super::proof::Witness;
use super::{Detach, Detached, Inside};
use crate::endpoint::Attached;
use crate::error::{Error, ErrorKind, Result};
use crate::netns::{Netns, NetnsId, enter, on_a_thread};
use crate::socket::Socket;
use nix::errno::Errno;
use std::collections::VecDeque;
use std::os::fd::AsFd;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How many endpoints are detached at a time at most. Each waits in the kernel, so they may be more than the machine has cores.
const THREADS: usize = 256;

/// What a worker's stack has room for: it encodes and reads a few messages.
const STACK: usize = 256 * 1024;

/// How often a thread is asked for where there is none to be had, and the time in between.
const STARTS: usize = 10;
const PAUSE: Duration = Duration::from_millis(10);

/// Detaches endpoints from many containers, up to 256 at a time, so that the kernel's grace periods overlap. Each container is
/// given by its namespace; the results stand in the order of the endpoints, as those of [`Attached::detach`].
///
/// Each worker is a thread of its own with one socket, and enters one namespace after the other. With room for fewer threads or
/// descriptors, fewer are detached at a time, down to one.
///
/// ```no_run
/// # use sublink::{Attached, Netns, Socket};
/// # use sublink::endpoint::{Detach, detach_many};
/// # let attached: Vec<Attached> = Vec::new();
/// # let containers: Vec<Netns> = Vec::new();
/// let endpoints: Vec<_> = containers.iter().zip(attached).collect();
/// for detached in detach_many(&mut Socket::open()?, &endpoints, &Detach::new()) {
///     println!("{}", detached?);
/// }
/// # Ok::<(), sublink::Error>(())
/// ```
pub fn detach_many<N: AsFd + Sync>(
    host: &mut Socket,
    endpoints: &[(N, Attached)],
    how: &Detach<'_>,
) -> Vec<Result<Detached>> {
    if endpoints.is_empty() {
        return Vec::new();
    }
    let witness = Witness::before(host, endpoints.iter().map(|(_, attached)| attached), how);
    let waiting = Mutex::new((0..endpoints.len()).collect());
    let work = Work { endpoints, how, home: host.home(), host: host.namespace(), waiting, done: Mutex::default() };
    work.in_parallel();
    let mut results = work.one_by_one();
    results.sort_unstable_by_key(|(number, _)| *number);
    let inside = results.into_iter().map(|(_, inside)| inside);
    witness.conclude(host, endpoints.iter().map(|(_, attached)| attached).zip(inside), how)
}

struct Work<'w, N> {
    endpoints: &'w [(N, Attached)],
    how: &'w Detach<'w>,
    /// The namespace of the parents.
    home: Option<Netns>,
    host: Option<NetnsId>,
    /// The numbers of endpoints that nobody works on.
    waiting: Mutex<VecDeque<usize>>,
    done: Mutex<Vec<(usize, Result<Inside>)>>,
}

impl<N: AsFd + Sync> Work<'_, N> {
    /// Works on as many threads as there can be. A worker that has no room ends, and leaves what it had to the others.
    fn in_parallel(&self) {
        thread::scope(|scope| {
            for _ in 0..THREADS.min(self.endpoints.len()) {
                let builder = thread::Builder::new().name("sublink-detach".into()).stack_size(STACK);
                if builder.spawn_scoped(scope, || self.work(true)).is_err() {
                    break; // fewer will do
                }
            }
        });
    }

    /// Works on one thread on what is left.
    fn one_by_one(self) -> Vec<(usize, Result<Inside>)> {
        for start in 1.. {
            if lock(&self.waiting).is_empty() {
                break;
            }
            match on_a_thread(|| self.work(false)) {
                Err(error) if start == STARTS => {
                    let left =
                        lock(&self.waiting).drain(..).map(|number| (number, Err(error.clone()))).collect::<Vec<_>>();
                    lock(&self.done).extend(left);
                }
                Err(_) => thread::sleep(PAUSE),
                Ok(()) => {}
            }
        }
        self.done.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self, may_end: bool) {
        loop {
            let next = lock(&self.waiting).pop_front(); // the lock is not held while the kernel works
            let Some((number, (namespace, attached))) = next.and_then(|next| Some((next, self.endpoints.get(next)?)))
            else {
                break;
            };
            match self.detach(namespace, attached) {
                Err(error) if may_end && is_no_room(&error) => {
                    lock(&self.waiting).push_back(number);
                    break;
                }
                done => lock(&self.done).push((number, done)),
            }
        }
    }

    /// On a thread of the library's, which stays in the namespace until it enters the next.
    fn detach(&self, namespace: &N, attached: &Attached) -> Result<Inside> {
        enter(namespace.as_fd())?;
        let mut inside = Socket::open()?;
        let is_here = self.host.is_some() && self.host == inside.namespace();
        attached.detach_inside(&mut inside, is_here, self.home.as_ref(), self.how)
    }
}

/// Whether a system call failed for want of descriptors or memory, before anything was sent.
fn is_no_room(error: &Error) -> bool {
    const NO_ROOM: [Errno; 5] = [Errno::EMFILE, Errno::ENFILE, Errno::ENOMEM, Errno::ENOBUFS, Errno::EAGAIN];
    let errno = error.raw_os_error();
    matches!(error.kind(), ErrorKind::Io { .. }) && NO_ROOM.iter().any(|no_room| errno == Some(*no_room as i32))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
