//! Requests that read or delete links, and those for alternative names.

use super::LinkView;
use super::encode::put_header;
use super::request::{RTM_DELLINK, RTM_GETLINK};
use super::status::{AltNames, IfInfo, KindView};
use crate::value::{AltName, IfIndex, IfName, NsId};
use crate::wire::{Command, Fixed, Full, Header, NoRoom, Out, Put, Request, Sealed, align, measured};
use netlink_packet_core::{NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL};

pub(crate) const RTM_NEWLINKPROP: u16 = 108;
pub(crate) const RTM_DELLINKPROP: u16 = 109;

/// Which parts of a link the kernel reports: only asked, so no table has it.
const IFLA_EXT_MASK: u16 = 29;

/// What a link is reported with (`RTEXT_FILTER_…`). A mask of 0 reports everything too, but the kernel makes room for an
/// unusually long link only if the mask is not 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Extent {
    /// Without counters (`RTEXT_FILTER_SKIP_STATS`): IPv6's, 368 bytes a link, and since Linux 6.19 the link's own.
    #[default]
    NoStats,
    /// All. The bit is `RTEXT_FILTER_MRP`, which concerns bridge ports only.
    All,
    /// Without counters, and since Linux 7.2 nothing but index, name and alternative names (`RTEXT_FILTER_NAME_ONLY`): the
    /// kernel then takes no lock for it. Older kernels report as for `NoStats`.
    NameOnly,
    /// All, without room for a link that takes more than 32 KiB. For the room of a list, the kernel looks at each link before it
    /// begins, whatever kind is asked for (`rtnl_calcit` in `net/core/rtnetlink.c`).
    NoRoom,
}

impl Extent {
    const fn mask(self) -> u32 {
        const SKIP_STATS: u32 = 1 << 3;
        const MRP: u32 = 1 << 4;
        const NAME_ONLY: u32 = 1 << 8;
        match self {
            Self::NoStats => SKIP_STATS,
            Self::All => MRP,
            Self::NameOnly => SKIP_STATS | NAME_ONLY,
            Self::NoRoom => 0,
        }
    }
}

/// What a link is asked for by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By<'a> {
    Index(IfIndex),
    Name(IfName),
    AltName(AltName<'a>),
}

/// Asks for one link (RTM_GETLINK). The answer is the link or an error; there is no acknowledgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GetLink<'a> {
    by: By<'a>,
    netnsid: Option<NsId>,
    extent: Extent,
}

impl<'a> GetLink<'a> {
    const fn by(by: By<'a>) -> Self {
        Self { by, netnsid: None, extent: Extent::NoStats }
    }

    /// The link with this index.
    #[must_use]
    pub const fn index(index: IfIndex) -> Self {
        Self::by(By::Index(index))
    }

    /// The link with this name. **The kernel also finds a link by an alternative name of at most 15 bytes**: compare the
    /// answer's name, as [`Socket::link`](crate::Socket::link) does.
    #[must_use]
    pub const fn name(name: IfName) -> Self {
        Self::by(By::Name(name))
    }

    /// The link with this name or alternative name (since Linux 5.5).
    #[must_use]
    pub const fn alt_name(name: AltName<'a>) -> Self {
        Self::by(By::AltName(name))
    }

    /// In the namespace that this one numbers `nsid` (since Linux 4.15), instead of the socket's.
    #[doc(alias = "IFLA_TARGET_NETNSID")]
    #[must_use]
    pub const fn in_netnsid(mut self, nsid: NsId) -> Self {
        self.netnsid = Some(nsid);
        self
    }

    /// With its counters: [`LinkView::stats`].
    #[must_use]
    pub const fn with_stats(mut self) -> Self {
        self.extent = Extent::All;
        self
    }

    /// With index, name and alternative names only, where the kernel can (since Linux 7.2). It then answers without waiting for
    /// the lock of all links (RTNL), however long a create or delete elsewhere holds it. Older kernels report the whole link, so
    /// nothing else may be read from the answer.
    #[must_use]
    pub(crate) const fn name_only(mut self) -> Self {
        self.extent = Extent::NameOnly;
        self
    }
}

impl Sealed for GetLink<'_> {}

impl Request for GetLink<'_> {
    #[inline]
    fn encode(&self, seq: u32, buf: &mut [u8]) -> Result<usize, NoRoom> {
        let Self { by, netnsid, extent } = *self;
        measured(buf, |out| {
            let index = if let By::Index(index) = by { index.get() } else { 0 };
            let out = put_header(out, RTM_GETLINK, 0, seq, index, 0, 0)?;
            let out = match by {
                By::Index(_) => out,
                By::Name(name) => name.put(LinkView::IFLA_IFNAME, out)?,
                By::AltName(name) => out.bytes(AltNames::IFLA_ALT_IFNAME, &nul_terminated(name))?,
            };
            optional(out.one(IFLA_EXT_MASK, &extent.mask())?, LinkView::IFLA_TARGET_NETNSID, netnsid)?.end()
        })
    }
}

/// Lists the links of a namespace (RTM_GETLINK, NLM_F_DUMP), without the counters that the kernel can leave out, unless they are
/// asked for.
///
/// The kernel is asked to filter, and may not: for a kind whose module is not loaded it sends everything, and says nothing.
/// [`Socket::links`](crate::Socket::links) filters again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ListLinks<'a> {
    pub(crate) kind: Option<&'a str>,
    pub(crate) master: Option<IfIndex>,
    pub(crate) netnsid: Option<NsId>,
    pub(crate) parent: Option<IfIndex>,
    pub(crate) parent_netnsid: Option<NsId>,
    pub(crate) extent: Extent,
}

impl<'a> ListLinks<'a> {
    /// All links.
    #[must_use]
    pub const fn new() -> Self {
        Self { kind: None, master: None, netnsid: None, parent: None, parent_netnsid: None, extent: Extent::NoStats }
    }

    /// Links of this kind: `macvlan`, `vlan` … Filtered by the kernel, and here.
    #[must_use]
    pub const fn kind(mut self, kind: &'a str) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Ports of this bridge, bond, team or VRF. Filtered by the kernel, and here.
    #[must_use]
    pub const fn master(mut self, master: IfIndex) -> Self {
        self.master = Some(master);
        self
    }

    /// Links of the namespace that this one numbers `nsid` (since Linux 4.15), instead of the socket's.
    #[doc(alias = "IFLA_TARGET_NETNSID")]
    #[must_use]
    pub const fn in_netnsid(mut self, nsid: NsId) -> Self {
        self.netnsid = Some(nsid);
        self
    }

    /// Links that stand on this one. Filtered here. Children in other namespaces are not in this namespace's list.
    #[must_use]
    pub const fn parent(mut self, parent: IfIndex) -> Self {
        self.parent = Some(parent);
        self
    }

    /// Links whose parent is in the namespace that this one numbers `nsid`. Filtered here.
    #[doc(alias = "IFLA_LINK_NETNSID")]
    #[must_use]
    pub const fn parent_in(mut self, nsid: NsId) -> Self {
        self.parent_netnsid = Some(nsid);
        self
    }

    /// Each with its counters: [`LinkView::stats`].
    #[must_use]
    pub const fn with_stats(mut self) -> Self {
        self.extent = Extent::All;
        self
    }

    /// Without room for links of more than 32 KiB: a list of few links among many is made sooner.
    #[must_use]
    pub(crate) const fn without_room(mut self) -> Self {
        self.extent = Extent::NoRoom;
        self
    }

    /// With room for links of any size.
    #[must_use]
    pub(crate) const fn with_room(mut self) -> Self {
        self.extent = Extent::NoStats;
        self
    }
}

impl Sealed for ListLinks<'_> {}

impl Request for ListLinks<'_> {
    fn encode(&self, seq: u32, buf: &mut [u8]) -> Result<usize, NoRoom> {
        let Self { kind, master, netnsid, parent: _, parent_netnsid: _, extent } = *self;
        let [mask, netnsid_room, master_room] = [1, usize::from(netnsid.is_some()), usize::from(master.is_some())];
        let kind_room = kind.map_or(0, |kind| 4 + 4 + align(kind.len()));
        let needed = Header::SIZE + IfInfo::SIZE + (mask + netnsid_room + master_room) * u32::SIZE + kind_room;
        if needed > NoRoom::LARGEST {
            return Err(NoRoom { needed }); // a kind's name can be of any length
        }
        let encode = |out: Out<'_>| {
            let out = put_header(out, RTM_GETLINK, NLM_F_DUMP, seq, 0, 0, 0)?.one(IFLA_EXT_MASK, &extent.mask())?;
            let out = optional(out, LinkView::IFLA_TARGET_NETNSID, netnsid)?;
            let out = optional(out, LinkView::IFLA_MASTER, master)?;
            let out = match kind {
                Some(kind) => {
                    out.nest(LinkView::IFLA_LINKINFO, |out| out.bytes(KindView::IFLA_INFO_KIND, kind.as_bytes()))?
                }
                None => out,
            };
            out.end().map(|_| needed)
        };
        encode(Out::new(buf)).map_err(|Full| NoRoom { needed })
    }
}

/// Deletes a link or a group of links (RTM_DELLINK).
///
/// A link is named by its index, because a name would also match another link's alternative name. Deleting a parent deletes
/// its children in every namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeleteLink {
    which: Which,
    netnsid: Option<NsId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    Index(IfIndex),
    Group(u32),
}

impl DeleteLink {
    /// The link with this index.
    #[must_use]
    pub const fn index(index: IfIndex) -> Self {
        Self { which: Which::Index(index), netnsid: None }
    }

    /// **Every link of this group in the namespace, whatever its kind**, in one grace period: 200 links take 33 ms instead
    /// of 16 ms each. Group 0 is where every link starts, and is refused by the kernel (EPERM).
    #[must_use]
    pub const fn group(group: u32) -> Self {
        Self { which: Which::Group(group), netnsid: None }
    }

    /// In the namespace that this one numbers `nsid` (since Linux 4.16), instead of the socket's. It takes CAP_NET_ADMIN over
    /// the owners of both. EINVAL if no namespace has the id.
    #[doc(alias = "IFLA_TARGET_NETNSID")]
    #[must_use]
    pub const fn in_netnsid(mut self, nsid: NsId) -> Self {
        self.netnsid = Some(nsid);
        self
    }
}

impl Sealed for DeleteLink {}
impl Command for DeleteLink {}

impl Request for DeleteLink {
    #[inline]
    fn encode(&self, seq: u32, buf: &mut [u8]) -> Result<usize, NoRoom> {
        let Self { which, netnsid } = *self;
        measured(buf, |out| {
            let header = |index| put_header(out, RTM_DELLINK, NLM_F_ACK, seq, index, 0, 0);
            let out = match which {
                Which::Index(index) => header(index.get())?,
                Which::Group(group) => header(0)?.one(LinkView::IFLA_GROUP, &group)?,
            };
            optional(out, LinkView::IFLA_TARGET_NETNSID, netnsid)?.end()
        })
    }
}

/// Gives a link an alternative name, or takes one away (RTM_NEWLINKPROP, RTM_DELLINKPROP, since Linux 5.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AltNameChange<'a> {
    index: IfIndex,
    name: AltName<'a>,
    add: bool,
}

impl<'a> AltNameChange<'a> {
    /// Gives the link `index` one more name. EEXIST if any link has it.
    #[must_use]
    pub const fn add(index: IfIndex, name: AltName<'a>) -> Self {
        Self { index, name, add: true }
    }

    /// Takes an alternative name from the link `index`. ENOENT if no link has it; EINVAL if another link has it, or if it is
    /// a link's name and not an alternative one.
    #[must_use]
    pub const fn delete(index: IfIndex, name: AltName<'a>) -> Self {
        Self { index, name, add: false }
    }
}

impl Sealed for AltNameChange<'_> {}
impl Command for AltNameChange<'_> {}

impl Request for AltNameChange<'_> {
    fn encode(&self, seq: u32, buf: &mut [u8]) -> Result<usize, NoRoom> {
        let Self { index, name, add } = *self;
        let (ty, flags) =
            if add { (RTM_NEWLINKPROP, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL) } else { (RTM_DELLINKPROP, NLM_F_ACK) };
        measured(buf, |out| {
            let out = put_header(out, ty, flags, seq, index.get(), 0, 0)?;
            out.nest(LinkView::IFLA_PROP_LIST, |out| out.bytes(AltNames::IFLA_ALT_IFNAME, &nul_terminated(name)))?.end()
        })
    }
}

/// A name of up to 127 bytes and the NUL that ends it; zeros behind it do no harm, but `bytes` sends only what counts.
fn nul_terminated(name: AltName<'_>) -> impl std::ops::Deref<Target = [u8]> {
    struct Terminated([u8; 128], usize);
    impl std::ops::Deref for Terminated {
        type Target = [u8];
        fn deref(&self) -> &[u8] {
            self.0.get(..self.1).unwrap_or_default()
        }
    }
    let mut bytes = [0; 128];
    bytes.iter_mut().zip(name.as_bytes()).for_each(|(to, byte)| *to = *byte);
    Terminated(bytes, name.as_bytes().len() + 1)
}

fn optional<T: Put>(out: Out<'_>, number: u16, value: Option<T>) -> Result<Out<'_>, Full> {
    match value {
        Some(value) => value.put(number, out),
        None => Ok(out),
    }
}

#[cfg(test)]
mod tests {
    use super::super::request::tests::attributes;
    use super::*;

    #[test]
    fn what_a_link_is_reported_with_is_these_bytes() {
        let get = GetLink::index(IfIndex(5));
        assert_eq!(attributes(&get), [8, 0, 29, 0, 8, 0, 0, 0]); // IFLA_EXT_MASK = SKIP_STATS
        assert_eq!(attributes(&get.with_stats()), [8, 0, 29, 0, 16, 0, 0, 0]); // IFLA_EXT_MASK = MRP
        assert_eq!(attributes(&get.name_only()), [8, 0, 29, 0, 8, 1, 0, 0]); // IFLA_EXT_MASK = SKIP_STATS | NAME_ONLY
        assert_eq!(attributes(&ListLinks::new()), [8, 0, 29, 0, 8, 0, 0, 0]);
        assert_eq!(attributes(&ListLinks::new().with_stats()), [8, 0, 29, 0, 16, 0, 0, 0]);
        assert_eq!(attributes(&ListLinks::new().without_room()), [8, 0, 29, 0, 0, 0, 0, 0]);
    }
}
