//! What a parent stands on: whether all of it is up, and bringing it up.
//!
//! A VLAN comes up and goes down with its base. Since Linux 7.2 a worker of the kernel's sees to that, a moment later
//! (`vlan_dev_work` in `net/8021q/vlan_dev.c`); until then a VLAN on it cannot come up either (ENETDOWN). A request that brings
//! a VLAN up itself is done at once, on every kernel.

use super::mark::vlan_of;
use super::{at, is_up};
use crate::error::Result;
use crate::link::{KindInfo, LinkChange, LinkFlags, LinkInfo, VlanFlags};
use crate::socket::{LinkEvents, Socket};
use crate::value::{IfIndex, IfName};
use std::time::{Duration, Instant};

/// How long a VLAN has to follow its base.
const LIMIT: Duration = Duration::from_secs(3);

/// A stack has no more links below the uppermost; the kernel lets some eight stand on each other (`MAX_NEST_DEV` in
/// `net/core/dev.c`). Links that were read at different moments may seem to stand on each other, in a circle.
pub(super) const DEEPEST: usize = 32;

/// The link that a link of these kinds stands on, if that is in this namespace.
fn below(host: &mut Socket, link: &LinkInfo) -> Result<Option<LinkInfo>> {
    let stands =
        matches!(link.kind, KindInfo::Vlan(_) | KindInfo::Macvlan(_) | KindInfo::Macvtap(_) | KindInfo::Ipvlan(_));
    let lower = link.parent_here().filter(|_| stands);
    lower.map_or(Ok(None), |lower| at(host, lower))
}

/// A link and those that it stands on, each before its base.
pub(super) fn stack(host: &mut Socket, link: LinkInfo) -> Result<Vec<LinkInfo>> {
    let mut stack = vec![link];
    while let Some(link) = stack.last().filter(|_| stack.len() <= DEEPEST) {
        let Some(base) = below(host, link)? else { break };
        stack.push(base);
    }
    Ok(stack)
}

/// The lowest link that is down, of this one and those that it stands on.
pub(super) fn lowest_down(host: &mut Socket, link: LinkInfo) -> Result<Option<IfName>> {
    if link.flags.contains(LinkFlags::UP.with(LinkFlags::LOWER_UP)) {
        return Ok(None);
    }
    let stack = stack(host, link)?;
    Ok(stack.iter().rev().find(|link| !is_up(link)).map(|link| link.name))
}

/// Brings up what a link stands on, and then the link.
pub(super) fn bring_up(host: &mut Socket, index: IfIndex) -> Result<()> {
    let Some(link) = at(host, index)? else { return Ok(()) };
    for link in stack(host, link)?.iter().rev().filter(|link| !is_up(link)) {
        host.change(&LinkChange::new(link.index).up())?;
    }
    Ok(())
}

/// Whether a link that is down comes up because what it stands on has come up. Waits for that, for at most three seconds.
pub(super) fn comes_up(host: &mut Socket, index: IfIndex) -> Result<bool> {
    let since = Instant::now();
    let mut events = None;
    loop {
        let Some(link) = at(host, index)? else { return Ok(false) };
        if is_up(&link) {
            return Ok(true);
        }
        let left = LIMIT.saturating_sub(since.elapsed());
        if left.is_zero() || !follows(host, link)? {
            return Ok(false);
        }
        LinkEvents::open_or_wait(&mut events, host, left)?;
    }
}

/// Whether a link is a VLAN that comes up with its base, and the base is up or follows too.
fn follows(host: &mut Socket, link: LinkInfo) -> Result<bool> {
    let is_bound = |link: &LinkInfo| vlan_of(link).is_some_and(|vlan| !vlan.flags.contains(VlanFlags::LOOSE_BINDING));
    let stack = stack(host, link)?;
    let down = stack.iter().take_while(|link| !is_up(link)).count();
    Ok(down < stack.len() && stack.iter().take(down).all(is_bound))
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::index;
    use super::super::notice::until_firm;
    use super::super::{Owner, Parent};
    use super::*;
    use crate::link::{NewLink, VlanId, VlanProtocol};
    use crate::socket::script::{Kernel, Shared, socket};
    use std::sync::{Arc, Mutex};

    /// A host with VLANs that are down and seem to stand on each other, and how many requests it got.
    fn circle() -> (Socket, Shared) {
        let kernel: Shared = Arc::new(Mutex::new(Kernel::with_links(1)));
        let mut host = socket(&kernel, 0, |_, events, _| Ok(events));
        for (number, base) in [(7, 8), (8, 9), (9, 7)] {
            let link = NewLink::vlan(index(base), VlanId::new(5).unwrap()).protocol(VlanProtocol::Ieee8021Q);
            host.create(&link.index(index(number)).name(IfName::new(&format!("v{number}")).unwrap())).unwrap();
        }
        kernel.lock().unwrap().record.clear();
        (host, kernel)
    }

    #[test]
    fn links_that_seem_to_stand_on_each_other_are_no_endless_stack() {
        type Walk = fn(&mut Socket) -> bool;
        let walks: [(&str, Walk); 5] = [
            ("lowest down", |host| {
                let link = at(host, index(7)).unwrap().unwrap();
                lowest_down(host, link).unwrap().is_some()
            }),
            ("come up", |host| !comes_up(host, index(7)).unwrap()),
            ("bring up", |host| bring_up(host, index(7)).is_ok()),
            ("firm", |host| until_firm(host, index(7)).unwrap()),
            ("plan", |host| {
                let parent = Parent::new(IfName::new("v7.6").unwrap()).outer_protocol(VlanProtocol::Ieee8021Ad);
                parent.plan(host, &Owner::new("tests").unwrap()).is_err() // another protocol
            }),
        ];
        for (what, walk) in walks {
            let (mut host, kernel) = circle();
            assert!(walk(&mut host), "{what}");
            let requests = kernel.lock().unwrap().record.len();
            assert!((DEEPEST..4 * DEEPEST).contains(&requests), "{what}: {requests}");
        }
    }
}
