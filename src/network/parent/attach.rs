//! Attaching to a parent that others of the same owner make and remove meanwhile.
//!
//! ```text
//!   this process           another one, of the same owner
//!   up: it is there        remove: a probe on it, which keeps everybody off
//!   attach: EINVAL         … and deletes it, or finds it in use and takes the probe away
//!   up: made again
//!   attach
//! ```

use super::notice::until_firm;
use super::probe::outlive;
use super::stack::comes_up;
use super::{Owner, Parent, Result, Up, is_down};
use crate::endpoint::{Attached, Endpoint};
use crate::error::{Error, ErrorKind, Reason, Undo};
use crate::link::LinkKind;
use crate::sandbox::Sandbox;
use crate::socket::Socket;
use crate::value::IfIndex;
use nix::errno::Errno;
use std::thread;
use std::time::{Duration, Instant};

/// How long to wait while somebody else makes or removes one link. It takes a few milliseconds, and more on a busy machine.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often at least to look in any case: on a very busy machine one request takes longer than all the rest.
const LOOKS: usize = 25;

/// How long to wait for all of them together.
const LIMIT: Duration = Duration::from_secs(60);

/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(2);

impl Parent {
    /// Brings it [up](Self::up) and attaches the endpoint that `endpoint` makes from the parent's index. Several processes may
    /// be one owner. If one of them is removing the parent, the end of that is awaited, and the parent is made again.
    ///
    /// ```no_run
    /// # use sublink::{Endpoint, IfName, MacvlanMode, NewLink, Owner, Sandbox, Socket};
    /// # use sublink::network::Parent;
    /// # let (mut host, mut pod, owner) = (Socket::open()?, Sandbox::named("c1")?, Owner::new("my-plugin")?);
    /// let (name, addr) = (IfName::new("eth0")?, "10.0.50.7/24".parse()?);
    /// let parent = Parent::new(IfName::new("eth0.50")?);
    /// let (up, attached) = parent.attach(&mut host, &owner, &mut pod, |parent| {
    ///     Ok(Endpoint::new(NewLink::macvlan(parent).mode(MacvlanMode::Bridge).name(name)).addr(addr))
    /// })?;
    /// println!("{attached}; the parent was made by this call: {}", up.made);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// A removal of an older version that was killed may have left a passthru child on the parent, which keeps everybody off
    /// it. It is removed when it has its owner's mark and has stood for three seconds, which no removal takes.
    ///
    /// # Errors
    /// As [`up`](Self::up) and [`Endpoint::attach`], and what `endpoint` returns. A parent that was made stays. Where a
    /// passthru child stands on a parent that this owner made, it takes five seconds to say so.
    pub fn attach<'a>(
        &self,
        host: &mut Socket,
        owner: &Owner,
        sandbox: &mut Sandbox,
        endpoint: impl Fn(IfIndex) -> Result<Endpoint<'a>>,
    ) -> Result<(Up, Attached)> {
        self.until_it_stands(host, owner, sandbox, endpoint, Endpoint::attach)
    }

    /// The same up to [`Endpoint::prepare`], for a caller that has something to do before [`Endpoint::finish`], such as asking
    /// for addresses. Nobody of the same owner removes the parent from then on: something stands on it.
    ///
    /// # Errors
    /// As [`attach`](Self::attach).
    pub fn prepare<'a>(
        &self,
        host: &mut Socket,
        owner: &Owner,
        sandbox: &mut Sandbox,
        endpoint: impl Fn(IfIndex) -> Result<Endpoint<'a>>,
    ) -> Result<(Up, Attached)> {
        self.until_it_stands(host, owner, sandbox, endpoint, Endpoint::prepare)
    }

    /// Brings the parent up and puts a link on it, again and again while others of the same owner are in the way.
    fn until_it_stands<'a>(
        &self,
        host: &mut Socket,
        owner: &Owner,
        sandbox: &mut Sandbox,
        endpoint: impl Fn(IfIndex) -> Result<Endpoint<'a>>,
        put: impl Fn(&Endpoint<'a>, &mut Socket, &mut Sandbox) -> crate::Result<Attached>,
    ) -> Result<(Up, Attached)> {
        let mut patience = Patience::new();
        let mut was_made = false;
        loop {
            let up = self.up(host, owner)?;
            was_made |= up.made;
            let endpoint = endpoint(up.index)?;
            let kind = endpoint.link().kind();
            let put = put(&endpoint, host, sandbox).and_then(|attached| match kind {
                LinkKind::Vlan => stays(attached, host, sandbox, up.index),
                _ => Ok(attached),
            });
            let error = match put {
                Ok(attached) => return Ok((Up { made: was_made, ..up }, attached)),
                Err(error) => error,
            };
            // A look that fails tells nothing: then the first error is the one to tell of.
            let may_pass = match error.undo() {
                // A link goes with its parent, and is not found then.
                Some(Undo::Clean | Undo::Gone(_)) if host.has_link(up.index).is_ok_and(|is_there| !is_there) => true,
                Some(Undo::Clean) => {
                    is_kept_off(&error, kind) && is_of(owner, host, up.index).unwrap_or(false)
                        || is_down(&error) && comes_up(host, up.index).unwrap_or(false)
                }
                _ => false,
            };
            if !may_pass || outlive(host, owner, up.index).is_err() || !patience.wait(Some(up.index)) {
                return Err(error.into());
            }
        }
    }
}

/// Returns a VLAN that was attached. If its parent is gone, or that cannot be found out, the VLAN is removed again: it has gone
/// with a parent that was deleted, but not with one that was moved to another namespace.
fn stays(attached: Attached, host: &mut Socket, sandbox: &mut Sandbox, parent: IfIndex) -> crate::Result<Attached> {
    let error = match until_firm(host, parent) {
        Ok(true) => return Ok(attached),
        Ok(false) => ErrorKind::TimedOut.into(), // told only where the parent is gone each time
        Err(error) => error,
    };
    Err(error.with_undo(attached.undo(sandbox.socket())))
}

/// Whether a probe may be what is in the way.
pub(super) fn is_kept_off(error: &Error, kind: LinkKind) -> bool {
    match kind {
        LinkKind::Macvlan | LinkKind::Macvtap => {
            let is_possible = matches!(error.reason(), None | Some(Reason::Unknown { .. } | Reason::Passthru { .. }));
            error.raw_os_error() == Some(Errno::EINVAL as i32) && is_possible
        }
        LinkKind::Ipvlan => error.is_busy(),
        LinkKind::Vlan => false,
    }
}

/// Whether the link is marked as one that this owner made, or is gone: probes are put on no others.
pub(super) fn is_of(owner: &Owner, host: &mut Socket, index: IfIndex) -> Result<bool> {
    match host.link_at(index) {
        Ok(link) => Ok(owner.has_marked(&link.to_owned())),
        Err(error) if error.is_no_device() => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// Waits for the work of others. The time begins anew when they have moved on to another link.
pub(super) struct Patience<T> {
    time: Duration,
    begun: Instant,
    since: Instant,
    looks: usize,
    about: Option<T>,
}

impl<T: PartialEq> Patience<T> {
    pub(super) fn new() -> Self {
        Self::of(PATIENCE)
    }

    pub(super) fn of(time: Duration) -> Self {
        let now = Instant::now();
        Self { time, begun: now, since: now, looks: 0, about: None }
    }

    /// Pauses, unless it has taken too long; `about` is the link that is waited for.
    pub(super) fn wait(&mut self, about: Option<T>) -> bool {
        let goes_on = self.lasts(about);
        if goes_on {
            thread::sleep(PAUSE);
        }
        goes_on
    }

    /// Whether to look once more.
    pub(super) fn lasts(&mut self, about: Option<T>) -> bool {
        if about != self.about {
            (self.about, self.since, self.looks) = (about, Instant::now(), 0);
        }
        self.looks += 1;
        (self.looks < LOOKS || self.since.elapsed() < self.time) && self.begun.elapsed() < LIMIT
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::{index, name, owner};
    use super::*;
    use crate::link::{NewLink, RTM_SETLINK, VlanId};
    use crate::netns::Netns;
    use crate::socket::script::{Kernel, Script, Shared, socket};
    use crate::value::MacAddr;
    use crate::wire::Messages;
    use std::sync::{Arc, Mutex};

    fn vlan_on(parent: IfIndex) -> Result<Endpoint<'static>> {
        let mac = MacAddr::new([2, 0, 0, 0, 0, 7]).unwrap();
        Ok(Endpoint::new(NewLink::vlan(parent, VlanId::new(5).unwrap()).name(name("eth0")).mac(mac).index(index(9))))
    }

    /// The link was made and went with its parent before it was finished. Somebody has made the parent again since.
    #[test]
    fn a_link_that_went_with_its_parent_is_made_again() {
        let kernel: Shared = Arc::new(Mutex::new(Kernel::with_links(1)));
        let mut host = socket(&kernel, 0, |_, events, _| Ok(events));
        let (inner, mut was_removed) = (Arc::clone(&kernel), false);
        let inside = Socket::scripted(Script::new(move |request| {
            let mut kernel = inner.lock().unwrap();
            let finishes = Messages::new(request).any(|message| message.unwrap().header.ty == RTM_SETLINK);
            if finishes && !was_removed {
                was_removed = true;
                let parent = kernel.links[0].remove(&2).unwrap();
                kernel.links[0].insert(12, parent);
                kernel.links[1].remove(&9).unwrap();
            }
            Ok(kernel.work(request, 1))
        }));
        let mut pod = Sandbox::with(Netns::current().unwrap(), inside, None);
        let (up, _) = Parent::new(name("v2")).attach(&mut host, &owner(), &mut pod, vlan_on).unwrap();
        assert_eq!(up.index, index(12));
        assert!(kernel.lock().unwrap().links[1].contains_key(&9));
    }

    /// The parent is moved away as soon as the VLAN is attached: the VLAN stays, and is not told as gone.
    #[test]
    fn a_vlan_whose_parent_was_moved_is_removed() {
        let kernel: Shared = Arc::new(Mutex::new(Kernel::with_links(1)));
        let mut host = socket(&kernel, 0, |_, events, _| Ok(events));
        let (inner, mut was_moved) = (Arc::clone(&kernel), false);
        let inside = Socket::scripted(Script::new(move |request| {
            let mut kernel = inner.lock().unwrap();
            let finishes = Messages::new(request).any(|message| message.unwrap().header.ty == RTM_SETLINK);
            let answer = kernel.work(request, 1);
            if finishes && !was_moved {
                was_moved = true;
                kernel.links[0].remove(&2).unwrap();
            }
            Ok(answer)
        }));
        let mut pod = Sandbox::with(Netns::current().unwrap(), inside, None);
        let attached = Parent::new(name("v2")).attach(&mut host, &owner(), &mut pod, vlan_on);
        assert!(attached.is_err(), "{attached:?}");
        assert!(!kernel.lock().unwrap().links[1].contains_key(&9));
    }

    /// Each request of the host's socket fails once, also the look whether the parent stays.
    #[test]
    fn a_vlan_stands_or_is_told_of() {
        let mut stood = Vec::new();
        for failing in 0..12 {
            let kernel: Shared = Arc::new(Mutex::new(Kernel::with_links(1)));
            let mut sends = 0;
            let mut host = socket(&kernel, 0, move |_, events, _| {
                sends += 1;
                if sends == failing + 1 { Err(Errno::ENOMEM) } else { Ok(events) }
            });
            let mut pod = Sandbox::with(Netns::current().unwrap(), socket(&kernel, 1, |_, events, _| Ok(events)), None);
            let attached = Parent::new(name("v2")).attach(&mut host, &owner(), &mut pod, vlan_on);
            let is_there = kernel.lock().unwrap().links[1].contains_key(&9);
            assert_eq!(attached.is_ok(), is_there, "{failing}: {attached:?}");
            stood.push(is_there);
        }
        let fell = stood.iter().filter(|stood| !**stood).count();
        assert!(fell >= 3 && stood.ends_with(&[true; 3]), "{stood:?}");
    }

    #[test]
    fn it_ends_when_both_time_and_looks_are_over() {
        let mut patience = Patience::of(Duration::ZERO);
        let looks = |patience: &mut Patience<u8>, about| (0..100).take_while(|_| patience.lasts(about)).count();
        assert_eq!(looks(&mut patience, None), LOOKS - 1, "though the time was over at once");
        assert_eq!(looks(&mut patience, Some(1)), LOOKS - 1, "anew for another link");
        assert_eq!(looks(&mut patience, Some(1)), 0);
        let mut patience = Patience::of(PATIENCE);
        assert_eq!(looks(&mut patience, None), 100, "though it has looked often");
        patience.begun = Instant::now().checked_sub(LIMIT).unwrap();
        assert_eq!(looks(&mut patience, Some(2)), 0, "and not for ever");
    }
}
