//! Watching for a moment without a default route.

use crate::pod::Pod;
use netlink_sys::protocols::NETLINK_ROUTE;
use std::io::ErrorKind;
use std::net::IpAddr;
use sublink::route::{ListRoutes, RouteView, Table};
use sublink::wire::Messages;
use sublink::{IfIndex, LinkView, wire};

/// The multicast groups of events about links, IPv4 routes and IPv6 routes.
const GROUPS: [u32; 3] = [1, 7, 11];

const RTM_NEWLINK: u16 = 16;
const RTM_NEWROUTE: u16 = 24;
const RTM_DELROUTE: u16 = 25;

/// A default route: its link and its gateway.
type Way = (Option<IfIndex>, Option<IpAddr>);

/// Hears of every change of routes and links in a namespace, in the kernel's order.
pub struct DefaultRoutes {
    events: netlink_sys::Socket,
    /// The default routes of IPv4 and IPv6, as far as the events tell; the one that counts, or came last, is the last.
    now: [Vec<Way>; 2],
}

impl DefaultRoutes {
    pub fn watch(pod: &mut Pod) -> Self {
        let open = || {
            let mut events = netlink_sys::Socket::new(NETLINK_ROUTE).expect("a socket");
            events.bind_auto().expect("an address");
            for group in GROUPS {
                events.add_membership(group).expect("events");
            }
            events.set_non_blocking(true).expect("no waiting");
            events
        };
        let events = pod.sandbox.run(open).expect("its thread");
        let now = [ListRoutes::v4(), ListRoutes::v6()].map(|list| {
            let route = pod.inside().default_route(&list.table(Table::MAIN)).expect("routes");
            route.map(|route| (route.index, route.gateway)).into_iter().collect()
        });
        Self { events, now }
    }

    /// How often each family's default route was another than before, since the last time; it was never missing.
    #[track_caller]
    pub fn changes(&mut self) -> [usize; 2] {
        let mut changes = [0; 2];
        loop {
            let bytes = match self.events.recv_from_full() {
                Ok((bytes, _)) => bytes,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return changes,
                Err(error) => panic!("an event was lost: {error}"),
            };
            for message in Messages::new(&bytes) {
                let last = |now: &[Vec<Way>; 2]| [0, 1].map(|family: usize| now[family].last().copied());
                let before = last(&self.now);
                self.hear(message.expect("a message"));
                let after = last(&self.now);
                for family in 0..2 {
                    let (was, is) = (before[family], after[family]);
                    assert!(was.is_none() || is.is_some(), "a moment without the default route that was {was:?}");
                    changes[family] += usize::from(was != is);
                }
            }
        }
    }

    fn hear(&mut self, message: wire::Message<'_>) {
        let ty = message.header.ty;
        if let Some(link) = LinkView::of(message) {
            // The kernel tells of an IPv4 route that is deleted, but not of one that goes with its link.
            if ty != RTM_NEWLINK || !link.is_up() {
                self.forget(|(by, _)| by == Some(link.index()));
            }
        }
        let Some(route) = RouteView::of(message).filter(|route| route.table() == Some(Table::MAIN)) else { return };
        let Some(default) = route.destination().filter(|destination| destination.prefix() == 0) else { return };
        let mut ways = vec![(route.index(), route.gateway())];
        if let Some(hops) = route.next_hops() {
            ways = hops.iter().map(|hop| (hop.index, hop.gateway)).collect(); // all that share the traffic
        }
        match ty {
            RTM_NEWROUTE => {
                let now = &mut self.now[usize::from(default.is_ipv6())];
                ways.retain(|way| !now.contains(way));
                now.extend(ways);
            }
            RTM_DELROUTE => self.forget(|was| ways.contains(&was)),
            _ => {}
        }
    }

    fn forget(&mut self, is_gone: impl Fn(Way) -> bool) {
        for now in &mut self.now {
            now.retain(|way| !is_gone(*way));
        }
    }
}
