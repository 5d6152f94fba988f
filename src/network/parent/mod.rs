//! Parents: links that containers' links stand on, found or made on demand, and removed again.
//!
//! ```text
//!   eth0.10.20  ──►  the link of that name, where it is there      used as it is
//!               ──►  VLAN 20 of eth0.10, where it is not           made, marked, shared, removed when nothing stands on it
//!                      eth0.10 is a parent too: VLAN 10 of eth0    the same, before it and after it
//!   a dummy     ──►  the link of that name, or a dummy             the same
//! ```
//!
//! What is made is marked in the kernel, in the link's alias. A mark is a hint and never enough: before a parent is removed,
//! its kind, base, protocol and id are looked at, and whether anything stands on it.
//!
//! Links are looked up by name, and listed by kind only where a look-up is not enough. So a host's other links cost nothing, and
//! may come and go meanwhile.

mod access;
mod attach;
mod error;
mod mark;
mod notice;
mod plan;
mod probe;
mod removal;
mod stack;
mod tunnels;
mod vlans;

pub use error::InvalidParent;
pub use mark::Owner;
pub use plan::Plan;
pub use removal::{Removal, remove_orphans};

use super::{Error, InvalidNetwork, Result};
use crate::error::ErrorKind;
use crate::link::{LinkChange, LinkFlags, LinkInfo, NewLink, VlanId, VlanProtocol};
use crate::socket::{Query, Socket};
use crate::value::{Alias, IfIndex, IfName, maybe};
use crate::wire::Command;
use attach::Patience;
pub(in crate::network) use mark::Mark;
use mark::{base_and_id, vlan_of};
use nix::errno::Errno;
use notice::until_firm;
pub(in crate::network) use removal::sweep;
use stack::{bring_up, comes_up, lowest_down};
use std::time::Duration;

/// How long an EEXIST is taken for the work of another maker. It may also be permanent: a VLAN of the id that was moved to
/// another namespace.
const COLLIDING: Duration = Duration::from_secs(1);

/// A link for others to stand on: there already, or made on demand.
///
/// It is what netavark and the CNI plugins call `parent` and `master`.
///
/// ```no_run
/// use sublink::network::{Parent, Removal};
/// use sublink::{Endpoint, IfName, NewLink, Owner, Socket};
/// let (mut host, owner) = (Socket::open()?, Owner::new("my-runtime")?);
/// let parent = Parent::new(IfName::new("eth0.50")?); // VLAN 50 of eth0, made where it is not there
/// let up = parent.up(&mut host, &owner)?;
/// let endpoint = Endpoint::new(NewLink::macvlan(up.index).name(IfName::new("eth0")?));
/// // … and when the last container has left:
/// if parent.remove(&mut host, &owner, &[])? == Removal::InUse {
///     eprintln!("{} is kept: something stands on it", parent.name());
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Parent {
    name: IfName,
    make: Make,
    mtu: Option<u32>,
    outer: Option<VlanProtocol>,
    bring_up: bool,
}

/// What is made where there is no link of the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Make {
    /// The VLAN that the name says.
    VlanByName,
    Vlan {
        base: IfName,
        id: VlanId,
    },
    Dummy,
}

/// A parent that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Up {
    /// Its index.
    pub index: IfIndex,
    /// Whether this call made it. If several callers call at once, this is true for one of them.
    pub made: bool,
    /// Its MTU in bytes. A VLAN on it has at most that; a macvlan or an ipvlan on it has that, unless another one is asked for.
    pub mtu: u32,
    /// The lowest link that is down, so that nothing passes: the parent itself, or one that it stands on. A parent that was
    /// there before is used although it is down, unless it is [to be brought up](Parent::bring_up).
    ///
    /// A VLAN comes up and goes down with its base. Since Linux 7.2 it does so a moment later, so this may name a VLAN whose base
    /// has just come up.
    pub down: Option<IfName>,
}

/// The link of this name, or the VLAN that the name says: [`Parent::new`].
impl From<IfName> for Parent {
    fn from(name: IfName) -> Self {
        Self::new(name)
    }
}

impl Parent {
    maybe!();

    /// The link of this name. Where there is none, `BASE.ID` is made: the VLAN `ID` of the link `BASE`. A base that is not
    /// there is made by the same rule, so `eth0.10.20` is VLAN 20 on VLAN 10 of eth0.
    #[must_use]
    pub const fn new(name: IfName) -> Self {
        Self::of(name, Make::VlanByName)
    }

    /// The link of this name. Where there is none, the VLAN `id` of the link `base` is made and given the name. It is for names
    /// that do not say the VLAN: `enp130s0f0np0.100` is longer than the 15 bytes of a name. A base that is not there is made as
    /// by [`new`](Self::new).
    ///
    /// ```
    /// use sublink::network::Parent;
    /// use sublink::{IfName, VlanId};
    /// let parent = Parent::vlan(IfName::new("up100")?, IfName::new("enp130s0f0np0")?, VlanId::new(100)?);
    /// # Ok::<(), sublink::value::InvalidValue>(())
    /// ```
    #[must_use]
    pub const fn vlan(name: IfName, base: IfName, id: VlanId) -> Self {
        Self::of(name, Make::Vlan { base, id })
    }

    /// The link of this name. Where there is none, a dummy is made: a parent that leads nowhere.
    #[must_use]
    pub const fn dummy(name: IfName) -> Self {
        Self::of(name, Make::Dummy)
    }

    const fn of(name: IfName, make: Make) -> Self {
        Self { name, make, mtu: None, outer: None, bring_up: false }
    }

    /// With this MTU in bytes, if it is made. A VLAN can have at most the MTU of its base. A link that is there keeps its MTU.
    #[must_use]
    pub const fn mtu(mut self, mtu: u32) -> Self {
        self.mtu = Some(mtu);
        self
    }

    /// With this protocol of the outermost VLAN, if it is made: that of eth0.10 for `eth0.10.20`, and of eth0.50 for
    /// `eth0.50`. With [802.1ad](VlanProtocol::Ieee8021Ad) it is a provider's VLAN. Unless said, it is 802.1Q, as VLANs on a
    /// VLAN always are.
    #[must_use]
    pub const fn outer_protocol(mut self, protocol: VlanProtocol) -> Self {
        self.outer = Some(protocol);
        self
    }

    /// Brings it up if it is there and down, after what it stands on: a VLAN comes up only on a base that is up. Without this, a
    /// link that was there before is used as it is, and [`Up::down`] says whether one is down.
    #[must_use]
    pub const fn bring_up(mut self) -> Self {
        self.bring_up = true;
        self
    }

    /// Its name.
    pub const fn name(&self) -> IfName {
        self.name
    }

    /// The link that it is to stand on, if it is a VLAN; that one may be such a parent too.
    fn base_name(&self) -> Option<IfName> {
        match self.make {
            Make::VlanByName => split(&self.name).map(|(base, _)| base),
            Make::Vlan { base, .. } => Some(base),
            Make::Dummy => None,
        }
    }

    /// The parent that it is to stand on.
    fn base(&self) -> Option<Self> {
        let base = self.base_name()?;
        Some(Self { outer: self.outer, bring_up: self.bring_up, ..Self::new(base) })
    }

    /// Whether this link is the parent, or one that it stands on or would be made on.
    fn is_on(&self, link: IfName) -> bool {
        self.name == link || self.base().is_some_and(|base| base.is_on(link))
    }

    /// The mark that it gets if it is made as this VLAN, or as a dummy.
    fn mark(&self, vlan: Option<(VlanProtocol, VlanId)>) -> Mark {
        match (self.make, self.base_name(), vlan) {
            (Make::VlanByName, _, Some((VlanProtocol::Ieee8021Q, _))) | (_, None, _) | (.., None) => {
                Mark::Named(self.name)
            }
            (_, Some(base), Some((protocol, id))) => Mark::Vlan { name: self.name, base, protocol, id },
        }
    }

    /// Makes the parent if it is not there, marked as `owner`'s, and returns its index. Several calls, one after the other or at
    /// once, do no harm: if somebody else is about to finish or to remove the link, that is awaited, for seconds. A link that was
    /// there before is used as it is.
    ///
    /// It does not look at what stands on the link. A passthru child that a removal of an older version has left there does not
    /// disturb this call, only an attach: [`attach`](Self::attach) and [`remove`](Self::remove) remove it.
    ///
    /// # Errors
    /// [`InvalidParent`] if it cannot be made, or what the kernel refused, [with the cause](crate::Error::reason). Then nothing
    /// is left that this call has made. If answers are lost again and again, a half-made link may be left; the next call
    /// finishes or removes it.
    pub fn up(&self, host: &mut Socket, owner: &Owner) -> Result<Up> {
        let mut made = Vec::new();
        let up = self.up_from_below(host, owner, &mut made);
        if up.is_err() {
            // Another process may stand on it by now.
            made.into_iter().rev().for_each(|index| removal::undo(host, owner, index));
        }
        up
    }

    /// The same; what it stands on and was `made` is the caller's to undo.
    fn up_from_below(&self, host: &mut Socket, owner: &Owner, made: &mut Vec<IfIndex>) -> Result<Up> {
        let (mut patience, mut collisions) = (Patience::new(), Patience::of(COLLIDING));
        let mut seen = None;
        loop {
            let error = match self.try_up(host, owner, made) {
                Ok(Some(up)) => return Ok(up),
                Ok(None) => None,
                Err(error) => Some(error),
            };
            // Somebody else was quicker to make it, is making it, or has removed what was planned with. Another link each time
            // means that others make it and remove it again: then nobody is stuck, and the wait begins anew.
            if let Ok(Some(link)) = self.find(host) {
                seen = Some(link.index);
            }
            let mut maker = None;
            let may_pass = match &error {
                None => true,
                Some(Error::Invalid(InvalidNetwork::Parent(InvalidParent::VlanIsThere { there, .. }))) => {
                    maker = Some(*there); // each has a name of its own
                    there.is_temporary()
                }
                Some(Error::Invalid(_)) => false,
                Some(Error::Failed(failed)) if failed.is_already_there() => collisions.lasts(seen),
                Some(Error::Failed(failed)) if is_down(failed) => self.base_comes_up(host).unwrap_or(false),
                Some(Error::Failed(failed)) => failed.is_no_device(),
            };
            if !may_pass || !patience.wait(Some((maker, seen))) {
                return Err(match error {
                    None => crate::Error::from(ErrorKind::TimedOut).into(), // it was gone again, or being removed, each time
                    Some(Error::Failed(failed)) => failed.explained(host).into(),
                    Some(invalid) => invalid,
                });
            }
        }
    }

    /// Does what is planned, and notes what was `made`. `None` if the parent, or what it stands on, may be gone again.
    fn try_up(&self, host: &mut Socket, owner: &Owner, made: &mut Vec<IfIndex>) -> Result<Option<Up>> {
        let mut plan = self.plan(host, owner)?;
        if let Plan::Below(base) = plan {
            base.up_from_below(host, owner, made)?;
            plan = self.plan(host, owner)?;
        }
        if let (true, Plan::Use(index) | Plan::Finish(index) | Plan::Vlan { base: index, .. }) = (self.bring_up, plan) {
            bring_up(host, index)?;
        }
        let index = match plan {
            Plan::Below(_) => return Ok(None),
            Plan::Use(index) => index,
            Plan::Finish(index) => {
                self.finish(host, owner, index)?;
                index
            }
            Plan::Vlan { base, protocol, id } => {
                let link = NewLink::vlan(base, id).protocol(protocol).maybe(self.mtu, NewLink::mtu);
                let index = self.make(host, owner, self.mark(Some((protocol, id))), |name| link.name(name))?;
                made.push(index);
                index
            }
            Plan::Dummy => {
                let link = NewLink::dummy().maybe(self.mtu, NewLink::mtu);
                let index = self.make(host, owner, Mark::Named(self.name), |name| link.name(name))?;
                made.push(index);
                index
            }
        };
        // Where it cannot be seen what becomes of it, that is looked at once more.
        let is_made = made.contains(&index);
        as_it_stands(host, index, is_made).or_else(|_| as_it_stands(host, index, is_made))
    }

    /// Makes it, under its name and up, or leaves nothing.
    fn make<L: Command>(
        &self,
        host: &mut Socket,
        owner: &Owner,
        mark: Mark,
        link: impl FnOnce(IfName) -> L,
    ) -> Result<IfIndex> {
        let Some(index) = owner.make(host, mark, link)? else { return self.index_soon(host) };
        if let Err(error) = self.finish(host, owner, index) {
            let _ = host.delete(index); // a half-made one is finished or removed later
            return Err(error.into());
        }
        Ok(index)
    }

    /// The index of the link, which somebody else is renaming. Since Linux 7.2 a look-up does not wait for the end of a rename,
    /// and in the middle of one the link has neither name (`netif_change_name` in `net/core/dev.c`).
    fn index_soon(&self, host: &mut Socket) -> Result<IfIndex> {
        let mut patience = Patience::<IfName>::new();
        loop {
            match host.index_of(self.name) {
                Err(error) if error.is_no_device() && patience.wait(None) => {}
                found => return Ok(found?),
            }
        }
    }

    /// Gives a link that was made its name, and brings it up.
    fn finish(&self, host: &mut Socket, owner: &Owner, index: IfIndex) -> crate::Result<()> {
        let link = host.link_at(index)?.to_owned();
        let up = LinkChange::new(index).up();
        if link.name == self.name {
            return host.change(&up); // its mark may tell that it is being removed
        }
        let vlan = vlan_of(&link).and_then(|vlan| Some((vlan.protocol?, vlan.id?)));
        let mark = owner.mark(self.mark(vlan));
        let Err(error) = host.change(&up.name(self.name).alias(Alias::new(&mark)?)) else { return Ok(()) };
        match host.link_at(index) {
            // Up to Linux 6.1, one that somebody else has finished meanwhile cannot even be given the name that it has.
            Ok(link) if link.name() == self.name && link.is_up() => Ok(()),
            Err(gone) if gone.is_no_device() => Err(gone), // … and somebody has removed it since
            _ => Err(error.explained(host).with_name(self.name)),
        }
    }

    /// Whether the base has come up, if it is a VLAN that follows another link.
    fn base_comes_up(&self, host: &mut Socket) -> crate::Result<bool> {
        let base = self.base_name().map(|base| find(host, base)).transpose()?.flatten();
        base.map_or(Ok(false), |base| comes_up(host, base.index))
    }

    /// The link of its name.
    fn find(&self, host: &mut Socket) -> crate::Result<Option<LinkInfo>> {
        find(host, self.name)
    }
}

/// Whether everything that a link stands on is there and stays. If somebody is removing it, the end of that is awaited first.
fn stands_firm(host: &mut Socket, link: &LinkInfo) -> crate::Result<bool> {
    match link.parent_here().filter(|_| vlan_of(link).is_some()) {
        Some(base) => until_firm(host, base),
        None => Ok(true),
    }
}

fn is_down(error: &crate::Error) -> bool {
    error.raw_os_error() == Some(Errno::ENETDOWN as i32)
}

/// `eth0.10.20` as `eth0.10` and `20`.
fn split(name: &IfName) -> Option<(IfName, &str)> {
    let (base, id) = base_and_id(name)?;
    Some((IfName::new(base).ok()?, id))
}

fn is_up(link: &LinkInfo) -> bool {
    link.flags.contains(LinkFlags::UP)
}

/// The link of this name, if there is one.
fn find(host: &mut Socket, name: IfName) -> crate::Result<Option<LinkInfo>> {
    match host.link(name) {
        Ok(link) => Ok(Some(link.to_owned())),
        Err(error) if error.is_no_device() => Ok(None),
        Err(error) => Err(error),
    }
}

/// The link of this index, if there is one.
fn at(host: &mut Socket, index: IfIndex) -> crate::Result<Option<LinkInfo>> {
    match host.link_at(index) {
        Ok(link) => Ok(Some(link.to_owned())),
        Err(error) if error.is_no_device() => Ok(None),
        Err(error) => Err(error),
    }
}

/// A parent that was found or made, unless it, or what it stands on, is gone again or being removed.
fn as_it_stands(host: &mut Socket, index: IfIndex, made: bool) -> Result<Option<Up>> {
    let Some(link) = at(host, index)? else { return Ok(None) };
    let is_firm = stands_firm(host, &link)?;
    let mtu = link.mtu;
    let down = lowest_down(host, link)?;
    Ok(is_firm.then_some(Up { index, made, mtu, down }))
}

/// A list of what is already there. If it changes again and again while it is read, it is taken as it is. No decision depends on
/// it alone: the kernel refuses a second VLAN of an id and a second link of a name.
fn list<Q: Query>(host: &mut Socket, query: &Q) -> Result<Vec<Q::Info>> {
    match host.snapshot(query) {
        Err(partial) if partial.error.is_interrupted() => Ok(partial.items),
        read => Ok(read.map_err(crate::Error::from)?),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{index, name, owner};
    use super::*;
    use crate::link::RTM_SETLINK;
    use crate::socket::script::{Event, Kernel, Script, ack};
    use crate::wire::Messages;

    /// Up to Linux 6.1 it is busy for the slower of two who finish it, and it may be gone when that one looks why.
    #[test]
    fn what_another_has_finished_and_removed_is_gone() {
        let mut kernel = Kernel::with_links(3);
        let script = Script::new(move |bytes| {
            let request = Messages::new(bytes).next().unwrap().unwrap().header;
            if request.ty == RTM_SETLINK {
                kernel.links[0].remove(&3);
                return Ok(vec![Event::Datagram(ack(request, Errno::EBUSY as i32))]);
            }
            Ok(kernel.work(bytes, 0))
        });
        let finished = Parent::new(name("eth0.50")).finish(&mut Socket::scripted(script), &owner(), index(3));
        assert!(finished.as_ref().is_err_and(crate::Error::is_no_device), "{finished:?}");
    }
}
