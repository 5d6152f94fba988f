//! The host's own child of a parent, by which it reaches the others: see [`HostAccess`].

use super::attach::{Patience, is_kept_off};
use super::mark::{Made, Mark};
use super::removal::delete;
use super::{COLLIDING, Error, InvalidParent, Owner, Parent, Removal, Result, at, find, list};
use crate::addr::NewAddress;
use crate::batch::Batch;
use crate::link::{Ipv4Setting, LinkChange, LinkInfo, LinkKind, LinkSettings, ListLinks, MacvlanMode, NewLink};
use crate::network::HostAccess;
use crate::request::Verb;
use crate::route::{ListRoutes, NewRoute, Table};
use crate::socket::Socket;
use crate::value::{Alias, IfIndex, IfName, MacAddr};
use ipnetwork::IpNetwork;

impl Parent {
    /// Gives the host access to the containers on this parent: brings it up, and makes a macvlan of the host's own on it, in
    /// bridge mode, with this name and the addresses and routes of `access`. If it is there already, what it lacks is added.
    /// Returns the index of that link.
    ///
    /// The link is marked as `owner`'s, and stands until it is [taken back](Self::take_host_access). One parent can have
    /// several, for several networks.
    ///
    /// ```no_run
    /// # use sublink::{IfName, Owner, Socket};
    /// # use sublink::network::{HostAccess, Parent};
    /// # let (mut host, owner) = (Socket::open()?, Owner::new("my-runtime")?);
    /// let (parent, shim) = (Parent::new(IfName::new("eth0")?), IfName::new("shim0")?);
    /// let access = HostAccess::new().addr("192.168.1.250".parse()?).to("192.168.1.192/27".parse()?);
    /// parent.give_host_access(&mut host, &owner, shim, &access)?;
    /// // … the host and the containers at 192.168.1.192/27 reach each other, until:
    /// parent.take_host_access(&mut host, &owner, shim)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`up`](Self::up); [`InvalidParent::AccessNameIsTaken`], [`InvalidParent::AccessRouteIsThere`] and
    /// [`InvalidParent::AccessWithoutAddress`]; and what the kernel refused: EINVAL if a passthru child stands on the parent,
    /// EBUSY if it carries ipvlans. Then no link of the host's is left that this call has made; a parent that was made stays.
    #[doc(alias = "shim")]
    pub fn give_host_access(
        &self,
        host: &mut Socket,
        owner: &Owner,
        name: IfName,
        access: &HostAccess,
    ) -> Result<IfIndex> {
        if let Some(to) = access.destinations().iter().find(|to| access.source(**to).is_none()) {
            return Err(InvalidParent::AccessWithoutAddress(*to).into());
        }
        let (mut patience, mut collisions) = (Patience::new(), Patience::of(COLLIDING));
        loop {
            let up = self.up(host, owner)?;
            let error = match self.try_access(host, owner, up.index, name, access) {
                Ok(index) => return Ok(index),
                Err(error) => error,
            };
            let may_pass = match &error {
                Error::Invalid(_) => false,
                // Somebody else has made it.
                Error::Failed(failed) if failed.is_already_there() => collisions.lasts(Some(up.index)),
                Error::Failed(failed) => {
                    failed.is_no_device()
                        || is_up_unnamed(failed)
                        || !host.has_link(up.index)?
                        || is_kept_off(failed, LinkKind::Macvlan) && super::attach::is_of(owner, host, up.index)?
                }
            };
            if !may_pass || !patience.wait(Some(up.index)) {
                return Err(error);
            }
        }
    }

    /// Takes the host's access to the containers on this parent back: the link goes, with its addresses and routes.
    ///
    /// # Errors
    /// Why it could not be looked for, or why the kernel refused to delete it.
    #[doc(alias = "shim")]
    pub fn take_host_access(&self, host: &mut Socket, owner: &Owner, name: IfName) -> Result<Removal> {
        let Some(link) = find(host, name)? else { return Ok(Removal::NotThere) };
        let parent = self.find(host)?;
        match owner.made(&link, parent.as_slice()) {
            Some(Made::Access) => delete(host, link.index),
            _ => Ok(Removal::NotOurs),
        }
    }

    fn try_access(
        &self,
        host: &mut Socket,
        owner: &Owner,
        parent: IfIndex,
        name: IfName,
        access: &HostAccess,
    ) -> Result<IfIndex> {
        let mark = Mark::Access { name, parent: self.name() };
        let there = match find(host, name)? {
            Some(link) if is_access(owner, &link, mark, parent) => Some(link.index),
            Some(_) => return Err(InvalidParent::AccessNameIsTaken { parent: self.name(), name }.into()),
            None => half_made(host, owner, mark, parent)?,
        };
        refuse_known_routes(host, access, |link| is_access(owner, link, mark, parent))?;
        let mac = access.wanted_mac().unwrap_or_else(MacAddr::random);
        let link = NewLink::macvlan(parent).mode(MacvlanMode::Bridge).mac(mac);
        let (index, is_made) = match there {
            Some(index) => (index, false),
            None => match owner.make(host, mark, |temporary| link.name(temporary)) {
                Ok(Some(index)) => (index, true),
                Ok(None) => (host.index_of(name)?, false),
                Err(error) => return Err(error.explained(host).with_name(name).into()),
            },
        };
        let settled = settle(host, owner, index, mark, name, access);
        settled.map(|()| index).map_err(|error| {
            let error = error.explained(host).with_name(name);
            let is_anothers = is_up_unnamed(&error) && host.link_at(index).is_ok_and(|link| link.name() == name);
            if is_made && !is_anothers {
                let _ = host.delete(index);
            }
            error.into()
        })
    }
}

/// Up to Linux 6.1 a link that is up gets no name. Another process has named this one meanwhile; or was too late with one of its
/// own, which is up under its temporary name until that process removes it.
fn is_up_unnamed(error: &crate::Error) -> bool {
    error.is_busy() && error.request().is_some_and(|request| request.verb == Verb::Change)
}

/// Whether a link is this access, finished or not.
fn is_access(owner: &Owner, link: &LinkInfo, mark: Mark, parent: IfIndex) -> bool {
    link.parent_here() == Some(parent) && link.kind.name() == "macvlan" && owner.mark_of(link) == Some(mark)
}

/// The link of a maker that ended before it gave the link its name.
fn half_made(host: &mut Socket, owner: &Owner, mark: Mark, parent: IfIndex) -> Result<Option<IfIndex>> {
    let children = list(host, &ListLinks::new().kind("macvlan").parent(parent))?;
    let half = children.iter().find(|link| link.name.is_temporary() && is_access(owner, link, mark, parent));
    Ok(half.map(|link| link.index))
}

/// Refuses a destination that has a route by another link: one of the two routes would no longer be used.
fn refuse_known_routes(host: &mut Socket, access: &HostAccess, is_its_own: impl Fn(&LinkInfo) -> bool) -> Result<()> {
    for list in [ListRoutes::v4(), ListRoutes::v6()] {
        let of_family: Vec<_> =
            access.destinations().iter().filter(|to| to.is_ipv4() == (list == ListRoutes::v4())).collect();
        if of_family.is_empty() {
            continue;
        }
        for route in super::list(host, &list.table(Table::MAIN))? {
            let is_there = |to: &&&IpNetwork| route.destination == Some(NewRoute::new(***to).destination());
            let (Some(to), Some(by)) = (of_family.iter().find(is_there), route.index) else { continue };
            match at(host, by)? {
                Some(link) if !is_its_own(&link) => {
                    return Err(InvalidParent::AccessRouteIsThere { to: **to, by: link.name }.into());
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// Gives the link what it lacks of its name, addresses and routes.
fn settle(
    host: &mut Socket,
    owner: &Owner,
    index: IfIndex,
    mark: Mark,
    name: IfName,
    access: &HostAccess,
) -> crate::Result<()> {
    let mut batch = Batch::new();
    batch.push(&LinkSettings::new(index).ipv4(Ipv4Setting::ARP_IGNORE, 1))?;
    if host.link_at(index)?.name() != name {
        let mark = owner.mark(mark);
        batch.push(&LinkChange::new(index).name(name).alias(Alias::new(&mark)?))?;
    }
    for addr in access.addrs() {
        let address = NewAddress::new(index, IpNetwork::from(*addr)).replace();
        batch.push(&if addr.is_ipv6() { address.nodad() } else { address })?;
    }
    batch.push(&LinkChange::new(index).up())?;
    host.run(&mut batch)?;
    for to in access.destinations() {
        let route = NewRoute::new(*to).index(index).maybe(access.source(*to), NewRoute::source);
        match host.apply(&route) {
            Err(error) if error.is_already_there() && has_route(host, index, &route)? => {}
            done => done?,
        }
    }
    Ok(())
}

/// Whether the link has the route to this destination already.
fn has_route(host: &mut Socket, link: IfIndex, route: &NewRoute<'_>) -> crate::Result<bool> {
    let list = if route.destination().is_ipv4() { ListRoutes::v4() } else { ListRoutes::v6() };
    let routes = host.snapshot(&list.table(Table::MAIN).index(link))?;
    Ok(routes.iter().any(|found| found.destination == Some(route.destination())))
}
