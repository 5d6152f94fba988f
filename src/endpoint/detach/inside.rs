//! What is done inside: the link is found, if need be in the namespace that the container moved it to, and deleted.
//!
//! ```text
//!   the container's namespace                     namespaces that it has ids for
//!   ─────────────────────────                     ──────────────────────────────
//!   get #20817: kind, parent, where that is
//!   delete #20817
//!   list the ids  ──────────────────────────────► list links of the kind; delete the one that was moved
//!   list all links                                (RTM_DELLINK with IFLA_TARGET_NETNSID)
//! ```
//!
//! The host's namespace has an id there too, and nothing in it is ever listed or deleted.

use super::{Detach, Fate, Standing};
use crate::batch::Batch;
use crate::endpoint::Attached;
use crate::endpoint::attached::tag_of;
use crate::error::{Error, ErrorKind, Result};
use crate::link::{DeleteLink, GetLink, LinkChange, LinkKind, LinkView, ListLinks, VlanId, VlanProtocol};
use crate::nsid::ListNsids;
use crate::socket::Socket;
use crate::value::{IfIndex, MacAddr, NsId, random};
use nix::errno::Errno;
use std::os::fd::BorrowedFd;

/// How many namespaces are looked into. A container may have made ids without number.
const NAMESPACES: usize = 1024;

/// How often it is swept, where a container makes new links meanwhile.
const ROUNDS: usize = 4;

/// How often a list is read that changes meanwhile.
const READS: usize = 4;

/// Indexes of the library's choice are from here on ([`IfIndex::random`]). The kernel counts up from 1, so a smaller one may be
/// another link's in another namespace, by chance.
const CHOSEN: u32 = 16_384;

/// How the container's namespace numbers others.
#[derive(Debug)]
pub(super) struct Numbers {
    host: Host,
    /// Namespaces of other members.
    members: Vec<NsId>,
}

/// Which namespace the parent is in, seen from the container's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Host {
    /// The container's own.
    Here,
    Id(NsId),
    Unknown,
}

/// What was done and seen inside.
#[derive(Debug)]
pub(super) struct Inside {
    pub(super) link: Fate,
    pub(super) swept: Vec<Standing>,
    pub(super) remaining: Vec<Standing>,
    pub(super) unseen: Option<Error>,
    /// The address that the link had at the end, if it was seen.
    pub(super) mac: Option<MacAddr>,
    pub(super) vlan: Option<(VlanProtocol, VlanId)>,
}

/// Links of the same parent, and why there may be more.
#[derive(Debug, Default)]
struct Survey {
    links: Vec<Standing>,
    unseen: Option<Error>,
}

impl Numbers {
    /// For a caller that does not know the host's namespace: links whose parent is in another namespace than they themselves
    /// are taken for the host's.
    pub(super) const UNKNOWN: Self = Self { host: Host::Unknown, members: Vec::new() };

    /// Asks for them. An id of the host's namespace is made where there is none, so that links can be told by it.
    pub(super) fn ask(
        inside: &mut Socket,
        host: Option<BorrowedFd<'_>>,
        is_here: bool,
        members: &[BorrowedFd<'_>],
    ) -> Result<Self> {
        let host = match host {
            _ if is_here => Host::Here,
            Some(host) => Host::Id(inside.nsid_or_new(host)?),
            None => Host::Unknown,
        };
        let ids = members.iter().map(|member| inside.nsid_of(member)).collect::<Result<Vec<_>>>()?;
        Ok(Self { host, members: ids.into_iter().flatten().collect() })
    }

    /// Whether links of the namespace `nsid` are to be looked at.
    fn is_foreign(&self, nsid: NsId) -> bool {
        self.host == Host::Id(nsid) || self.members.contains(&nsid)
    }

    /// Whether the parent of a link in `nsid` is in the host's namespace, as far as is known.
    fn is_on_host(&self, link: &LinkView<'_>, nsid: Option<NsId>) -> bool {
        match (self.host, link.parent_netnsid()) {
            (Host::Here, parent_in) => parent_in.is_none() && nsid.is_none(),
            (Host::Id(host), parent_in) => parent_in == Some(host),
            (Host::Unknown, None) => nsid.is_none(),
            (Host::Unknown, parent_in) => parent_in != nsid,
        }
    }
}

impl Attached {
    /// Deletes it, as `how` says, and looks what is left.
    pub(super) fn take_away(&self, inside: &mut Socket, numbers: &Numbers, how: &Detach<'_>) -> Result<Inside> {
        let mut done = Inside {
            link: Fate::Gone,
            swept: Vec::new(),
            remaining: Vec::new(),
            unseen: None,
            mac: None,
            vlan: self.vlan,
        };
        let is_there = self.look(inside, numbers, &mut done)?;
        if let Some(keep) = how.others.filter(|_| self.is_swept() && numbers.host != Host::Here) {
            self.sweep(inside, numbers, keep, is_there, &mut done)?;
        } else {
            if is_there && !delete(inside, DeleteLink::index(self.index))? {
                done.link = Fate::Gone; // while it was looked at
            }
            if !(how.link_only && done.link.is_deleted()) {
                let survey = self.survey(inside, numbers, self.kinds_that_stay(done.link.is_deleted()));
                (done.remaining, done.unseen) = (survey.links, survey.unseen);
            }
        }
        if !done.link.is_deleted() {
            self.follow(inside, &mut done)?;
        }
        Ok(done)
    }

    /// Looks at what stands at its index: whether that is to be deleted. Sets the fate to what it is when that is done.
    fn look(&self, inside: &mut Socket, numbers: &Numbers, done: &mut Inside) -> Result<bool> {
        match inside.link_at(self.index) {
            Ok(link) if self.is(&link, numbers) => {
                (done.link, done.mac) = (Fate::Deleted, link.mac().mac());
                done.vlan = done.vlan.or(tag_of(&link));
            }
            Ok(_) => done.link = Fate::Replaced,
            Err(error) if error.is_no_device() => done.link = Fate::Gone,
            Err(error) if error.is_unreportable_link() => done.link = Fate::DeletedUnseen,
            Err(error) => return Err(error),
        }
        Ok(done.link.is_deleted())
    }

    /// Whether the link at its index is this one.
    pub(super) fn is(&self, link: &LinkView<'_>, numbers: &Numbers) -> bool {
        let is_mac = |mac| link.mac().mac() == Some(mac);
        let is_vlan = self.vlan.is_none() || self.vlan == tag_of(link);
        let stands_right = match self.lower {
            Some(lower) => link.parent() == Some(lower) && numbers.is_on_host(link, None),
            None => self.has_parents_mac || self.mac.is_none_or(is_mac),
        };
        link.kind() == self.kind.as_str() && is_vlan && stands_right
    }

    /// Whether links of its kind can stand on the parent beside it, made by the container without the host.
    const fn is_swept(&self) -> bool {
        matches!(self.kind, LinkKind::Macvlan | LinkKind::Macvtap) && self.lower.is_some()
    }

    /// The kinds of links that may be on the parent when it is deleted. What a container puts on a VLAN goes with it.
    const fn kinds_that_stay(&self, is_deleted: bool) -> &'static [&'static str] {
        match self.kind {
            LinkKind::Macvlan | LinkKind::Macvtap => &["macvlan", "macvtap"],
            LinkKind::Ipvlan => &["ipvlan", "ipvtap"],
            LinkKind::Vlan if is_deleted => &[],
            LinkKind::Vlan => &["vlan"],
        }
    }

    /// Lists the links of these kinds on its parent, in the container's namespace and in those that this one has ids for. Only
    /// a list of the container's own namespace can be known to be whole.
    fn survey(&self, inside: &mut Socket, numbers: &Numbers, kinds: &[&str]) -> Survey {
        let mut survey = Survey::default();
        if kinds.is_empty() || self.lower.is_none() {
            return survey;
        }
        let mut nsids = match inside.snapshot(&ListNsids::new()) {
            Ok(nsids) => nsids,
            Err(partial) => {
                survey.unseen = Some(partial.error);
                partial.items
            }
        };
        nsids.retain(|nsid| numbers.host != Host::Here && !numbers.is_foreign(*nsid));
        if nsids.len() > NAMESPACES {
            survey.unseen = Some(Error::io("look into all namespaces that the container has an id for", Errno::E2BIG));
        }
        if let Err(error) = self.list(inside, numbers, kinds, &ListLinks::new(), &mut survey.links) {
            survey.unseen.get_or_insert(error);
        }
        let mut is_unchecked = false;
        for nsid in nsids.into_iter().take(NAMESPACES) {
            for kind in kinds {
                let list = ListLinks::new().kind(kind).in_netnsid(nsid);
                match self.list(inside, numbers, kinds, &list, &mut survey.links) {
                    Err(error) if is_no_namespace(&error) => {} // it has ended meanwhile
                    Err(error) => drop(survey.unseen.get_or_insert(error)),
                    // The kernel may have ended it before a link with thousands of senders, and nothing tells.
                    Ok(()) => is_unchecked = true,
                }
            }
        }
        if is_unchecked {
            survey.unseen.get_or_insert(ErrorKind::Unchecked.into()); // unless something worse is known
        }
        survey
    }

    /// Adds the links of these kinds on its parent that a list has.
    fn list(
        &self,
        inside: &mut Socket,
        numbers: &Numbers,
        kinds: &[&str],
        list: &ListLinks<'_>,
        found: &mut Vec<Standing>,
    ) -> Result<()> {
        let start = found.len();
        for read in 1.. {
            found.truncate(start);
            let mut links = inside.links(list)?;
            let error = loop {
                match links.next() {
                    Ok(Some(link)) if !kinds.iter().any(|kind| link.kind() == *kind) => {}
                    Ok(Some(link)) => found.extend(self.standing(&link, numbers, list.netnsid)),
                    Ok(None) => return Ok(()),
                    Err(error) => break error,
                }
            };
            if !error.may_be_read_again() || read == READS {
                return Err(error);
            }
        }
        Ok(())
    }

    fn standing(&self, link: &LinkView<'_>, numbers: &Numbers, nsid: Option<NsId>) -> Option<Standing> {
        let is_other_vlan = self.vlan.is_some() && self.vlan != tag_of(link);
        if link.parent() != self.lower || !numbers.is_on_host(link, nsid) || is_other_vlan {
            return None;
        }
        let (kind, mac) = (link.kind().to_string().into(), link.mac().mac());
        Some(Standing { index: link.index(), name: link.if_name(), kind, mac, nsid })
    }

    /// Deletes the link where the container has moved it, if it is among those that were seen.
    ///
    /// # Errors
    /// If it is not known whether the link is deleted there.
    fn follow(&self, inside: &mut Socket, done: &mut Inside) -> Result<()> {
        let found = self.find_moved(&done.remaining).cloned();
        let Some((found, nsid)) = found.and_then(|found| found.nsid.map(|nsid| (found, nsid))) else { return Ok(()) };
        done.remaining.retain(|link| *link != found);
        match delete(inside, DeleteLink::index(found.index).in_netnsid(nsid)) {
            Ok(true) => (done.link, done.mac) = (Fate::DeletedIn(nsid), found.mac),
            Ok(false) => {} // it has gone on by itself
            Err(error) => match is_left(inside, found.index, nsid, &error) {
                Some(true) => {
                    done.link = Fate::OutOfReach(nsid);
                    done.unseen = Some(error); // rather than what a list may lack
                }
                Some(false) => (done.link, done.mac) = (Fate::DeletedIn(nsid), found.mac),
                None => return Err(error),
            },
        }
        Ok(())
    }

    /// Deletes it with all others on its parent but those that are to be kept, and again what was made meanwhile.
    fn sweep(
        &self,
        inside: &mut Socket,
        numbers: &Numbers,
        keep: &[IfIndex],
        is_there: bool,
        done: &mut Inside,
    ) -> Result<()> {
        let mut is_own = is_there;
        for round in 0..=ROUNDS {
            let Survey { links, unseen } = self.survey(inside, numbers, self.kinds_that_stay(false));
            let is_kept = |link: &Standing| link.nsid.is_none() && keep.contains(&link.index);
            let is_this = |link: &Standing| link.nsid.is_none() && link.index == self.index;
            let (kept, others): (Vec<_>, Vec<_>) = links.into_iter().partition(is_kept);
            let others: Vec<_> = others.into_iter().filter(|link| !(is_own && is_this(link))).collect();
            if round == ROUNDS || (others.is_empty() && !is_own) {
                (done.remaining, done.unseen) = ([kept, others].concat(), unseen);
                break;
            }
            let here = others.iter().filter(|link| link.nsid.is_none()).map(|link| link.index);
            delete_together(inside, is_own.then_some(self.index).into_iter().chain(here).collect())?;
            let mut elsewhere = Batch::new().one_ack();
            for (index, nsid) in others.iter().filter_map(|link| Some((link.index, link.nsid?))) {
                elsewhere.push(&DeleteLink::index(index).in_netnsid(nsid))?;
            }
            let _ = inside.run(&mut elsewhere); // what could not be deleted is seen in the next round
            if is_own && inside.has_link(self.index)? {
                inside.delete(self.index)?;
            }
            is_own = false;
            done.swept.extend(others);
        }
        done.swept.retain(|link| !done.remaining.contains(link)); // could not be deleted
        let moved = self.find_moved(&done.swept).filter(|_| !done.link.is_deleted()).cloned();
        if let Some((moved, nsid)) = moved.and_then(|moved| moved.nsid.map(|nsid| (moved, nsid))) {
            done.swept.retain(|link| *link != moved);
            (done.link, done.mac) = (Fate::DeletedIn(nsid), moved.mac);
        }
        Ok(())
    }

    /// The link among those that were seen in other namespaces: a VLAN by its id, which is on a parent once, others by their
    /// MAC address, or else by their index.
    fn find_moved<'l>(&self, links: &'l [Standing]) -> Option<&'l Standing> {
        let moved = || links.iter().filter(|link| link.nsid.is_some() && *link.kind == *self.kind.as_str());
        if self.vlan.is_some() {
            return moved().next();
        }
        let has_mac = |link: &&Standing| !self.has_parents_mac && self.mac.is_some() && link.mac == self.mac;
        let is_chosen = self.has_parents_mac || self.index.get() >= CHOSEN;
        moved().find(has_mac).or_else(|| moved().find(|link| is_chosen && link.index == self.index))
    }
}

/// Deletes a link; whether it was there.
fn delete(inside: &mut Socket, request: DeleteLink) -> Result<bool> {
    match inside.apply(&request) {
        Ok(()) => Ok(true),
        Err(error) if error.is_no_device() || is_no_namespace(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether a link is still in the namespace `nsid`, where deleting it has failed with `error`: perhaps only the answer was lost.
/// `None` if that cannot be seen.
fn is_left(inside: &mut Socket, index: IfIndex, nsid: NsId, error: &Error) -> Option<bool> {
    if !error.is_unknown_outcome() {
        return Some(true);
    }
    match inside.get(&GetLink::index(index).in_netnsid(nsid)) {
        Ok(_) => Some(true),
        Err(look) => (look.is_no_device() || is_no_namespace(&look)).then_some(false),
    }
}

/// Deletes links of the container's namespace in one grace period: as a group that only they are in.
fn delete_together(inside: &mut Socket, indexes: Vec<IfIndex>) -> Result<()> {
    if let [index] = *indexes {
        return delete(inside, DeleteLink::index(index)).map(drop);
    }
    #[expect(clippy::cast_possible_truncation, reason = "any 32 of the random bits will do")]
    let group = random() as u32 | 1 << 31; // a random one, which the container cannot foretell
    for index in indexes {
        match inside.apply(&LinkChange::new(index).group(group)) {
            Err(error) if !error.is_no_device() => return Err(error),
            _ => {}
        }
    }
    delete(inside, DeleteLink::group(group)).map(drop)
}

/// Whether the kernel says that there is no namespace of an id that was asked for.
fn is_no_namespace(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Kernel(kernel) if kernel.errno == Errno::EINVAL as i32)
}
