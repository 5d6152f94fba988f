//! Addresses, routes and namespace ids.

use super::Socket;
use super::list::{List, Query};
use crate::addr::{AddressInfo, AddressView, DeleteAddress, ListAddresses, RTM_NEWADDR};
use crate::error::{Error, ErrorKind, Result};
use crate::nsid::{GetNsid, ListNsids, NewNsid, RTM_NEWNSID};
use crate::route::{ListRoutes, RTM_NEWROUTE, RouteInfo, RouteType, RouteView, Table};
use crate::value::{IfIndex, NsId, family};
use crate::wire::{Message, Messages};
use nix::errno::Errno;
use std::os::fd::AsFd;

impl Query for ListAddresses {
    type View<'a> = AddressView<'a>;
    type Info = AddressInfo;
    const ITEM: u16 = RTM_NEWADDR;

    fn read(message: Message<'_>) -> Option<AddressView<'_>> {
        AddressView::of(message)
    }

    fn accepts(&self, address: &AddressView<'_>) -> bool {
        let Self { index, family: wanted } = *self;
        index.is_none_or(|index| address.index() == index)
            && wanted.is_none_or(|wanted| address.addr().is_some_and(|addr| family(addr.ip()) == wanted))
    }

    fn copy(address: &AddressView<'_>) -> AddressInfo {
        address.to_owned()
    }
}

impl Query for ListRoutes {
    type View<'a> = RouteView<'a>;
    type Info = RouteInfo;
    const ITEM: u16 = RTM_NEWROUTE;

    fn read(message: Message<'_>) -> Option<RouteView<'_>> {
        RouteView::of(message)
    }

    fn accepts(&self, route: &RouteView<'_>) -> bool {
        let Self { family: wanted, table, index } = *self;
        let leaves_by = |index| {
            let mut hops = route.next_hops().into_iter().flat_map(|hops| hops.iter());
            route.index() == Some(index) || hops.any(|hop| hop.index == Some(index))
        };
        route.destination().is_some_and(|destination| family(destination.ip()) == wanted)
            && table.is_none_or(|table| route.table() == Some(table))
            && index.is_none_or(leaves_by)
    }

    fn copy(route: &RouteView<'_>) -> RouteInfo {
        route.to_owned()
    }

    /// A table that was never written does not exist: ENOENT.
    fn is_nothing(errno: i32) -> bool {
        errno == Errno::ENOENT as i32
    }
}

impl Query for ListNsids {
    type View<'a> = NsId;
    type Info = NsId;
    const ITEM: u16 = RTM_NEWNSID;

    fn read(message: Message<'_>) -> Option<NsId> {
        Self::read_entry(message)
    }

    fn accepts(&self, _: &NsId) -> bool {
        true
    }

    fn copy(nsid: &NsId) -> NsId {
        *nsid
    }
}

impl Socket {
    /// The addresses that `request` asks for, one after the other, each lent from the receive buffer.
    pub fn addresses(&mut self, request: &ListAddresses) -> Result<List<'_, ListAddresses>> {
        List::start(self, *request)
    }

    /// Takes an address from a link, after a look whether the link has the one that is named: the kernel would also take one
    /// with another peer for it ([`DeleteAddress`]). The look is a list of the link's addresses.
    ///
    /// Who replaces an address between the look and the request, by one that only its peer tells from it, has that deleted.
    ///
    /// ```no_run
    /// # use sublink::Socket;
    /// use sublink::addr::DeleteAddress;
    /// let mut inside = Socket::open()?;
    /// let eth0 = inside.index_of("eth0")?;
    /// inside.delete_address(&DeleteAddress::new(eth0, "10.0.50.7/24".parse()?))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::AnotherAddress`] if the kernel would delete another address; else, the kernel's refusal.
    pub fn delete_address(&mut self, address: &DeleteAddress) -> Result<()> {
        let found = match self.snapshot(&ListAddresses::new().index(address.index)) {
            Err(partial) if partial.error.is_no_device() => Vec::new(), // which the kernel says better of the request
            read => read?,
        };
        // IPv4 has no two that the kernel would take for the one named, and IPv6 has each once.
        let taken = found.iter().find(|found| address.hits(found)).filter(|taken| !address.names(taken));
        if let Some(AddressInfo { addr: Some(found), peer, .. }) = taken {
            let peer = peer.filter(|peer| *peer != found.ip());
            let error = Error::from(ErrorKind::AnotherAddress { found: *found, peer }).not_sent();
            let len = self.encode(address)?;
            return Err(self.describe_own(error, 0..len));
        }
        self.apply(address)
    }

    /// The routes that `request` asks for, one after the other, each lent from the receive buffer.
    ///
    /// An IPv4 route with some 2,000 next hops does not fit the kernel's datagram of 32 KiB, and ends the list. Since Linux 6.10
    /// the list ends with an OK then, and **nothing shows it**.
    pub fn routes(&mut self, request: &ListRoutes) -> Result<List<'_, ListRoutes>> {
        List::start(self, *request)
    }

    /// The default route among those that `request` asks for: of several, the one with the lowest metric.
    ///
    /// ```no_run
    /// # use sublink::Socket;
    /// # use sublink::route::{ListRoutes, Table};
    /// let mut host = Socket::open()?;
    /// let default = host.default_route(&ListRoutes::v4().table(Table::MAIN))?;
    /// let gateway = default.and_then(|route| route.gateway);
    /// # Ok::<(), sublink::Error>(())
    /// ```
    ///
    /// [`default_link`](Self::default_link) returns the link alone, and looks at both families.
    pub fn default_route(&mut self, request: &ListRoutes) -> Result<Option<RouteInfo>> {
        let mut routes = self.snapshot(request)?;
        routes.retain(|route| {
            let is_default = route.destination.is_some_and(|destination| destination.prefix() == 0);
            is_default && route.route_type == RouteType::Unicast
        });
        Ok(routes.into_iter().min_by_key(|route| route.metric.unwrap_or(0)))
    }

    /// The link of the default route of the main table: the parent for containers where none is configured. If both families
    /// have a default route, the one with the lower metric counts, and IPv4's if the metrics are equal. `None` if there is no
    /// default route.
    ///
    /// ```no_run
    /// # use sublink::Socket;
    /// let mut host = Socket::open()?;
    /// let parent = match host.default_link()? {
    ///     Some(index) => index,
    ///     None => host.index_of("eth0")?,
    /// };
    /// # Ok::<(), sublink::Error>(())
    /// ```
    pub fn default_link(&mut self) -> Result<Option<IfIndex>> {
        let mut best: Option<RouteInfo> = None;
        for list in [ListRoutes::v4(), ListRoutes::v6()] {
            let route = self.default_route(&list.table(Table::MAIN))?.filter(|route| route.link().is_some());
            let is_better = |best: &RouteInfo| route.as_ref().is_some_and(|route| route.metric < best.metric);
            if best.as_ref().is_none_or(is_better) {
                best = route.or(best);
            }
        }
        Ok(best.and_then(|route| route.link()))
    }

    /// The id by which this socket's namespace knows `namespace`; `None` if it has none (since Linux 4.0).
    pub fn nsid_of(&mut self, namespace: impl AsFd) -> Result<Option<NsId>> {
        self.nsid(GetNsid::new(&namespace))
    }

    pub(crate) fn nsid(&mut self, request: GetNsid<'_>) -> Result<Option<NsId>> {
        let len = self.encode(&request)?;
        let place = self.send_and_find(len).map_err(|error| self.describe_own(error, 0..len))?;
        let nsid = Messages::new(self.channel.read(place)).next().and_then(Result::ok).and_then(GetNsid::read);
        let nsid = nsid.ok_or(ErrorKind::Unexpected)?;
        Ok(Some(nsid).filter(|nsid| nsid.is_assigned()))
    }

    /// The id by which this socket's namespace knows `namespace`; it is given one if it has none.
    pub fn nsid_or_new(&mut self, namespace: impl AsFd) -> Result<NsId> {
        let namespace = namespace.as_fd();
        if let Some(nsid) = self.nsid_of(namespace)? {
            return Ok(nsid);
        }
        match self.apply(&NewNsid::new(&namespace)) {
            Err(error) if !error.is_already_there() => return Err(error), // somebody else may have been quicker
            _ => {}
        }
        self.nsid_of(namespace)?.ok_or_else(|| ErrorKind::Unexpected.into())
    }
}
