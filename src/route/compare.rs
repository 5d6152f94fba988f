//! Whether a route that is there is the one that was asked for, and which request names it.

use super::metrics::MetricAttrs;
use super::{MetricsView, NewRoute, NextHop, RouteInfo, RouteView};
use crate::wire::{Attrs, CompareRows, Mismatch, Out};

impl NewRoute<'_> {
    /// Whether `found` is a route such as this one, whatever its metrics; what this one leaves open does not matter.
    ///
    /// IPv6 reports routes with gateways, of one destination and metric, as one route with several next hops, whoever added
    /// them.
    pub(crate) fn is_like(&self, found: &RouteInfo) -> bool {
        let (asked, ways) = (self.ways(), found.ways());
        let is_way = |asked: &NextHop, found: &NextHop| asked.is_like(found) && self.has_weight_of(asked, found);
        let goes_all_ways = if self.destination.is_ipv4() {
            asked.len() == ways.len() && asked.iter().zip(&ways).all(|(asked, found)| is_way(asked, found))
        } else {
            asked.iter().all(|asked| ways.iter().any(|found| is_way(asked, found)))
        };
        goes_all_ways && self.is_like_but_for_ways(found)
    }

    fn is_like_but_for_ways(&self, found: &RouteInfo) -> bool {
        let has = |number| self.attrs.has(number);
        found.destination == Some(self.destination())
            && found.table == Some(self.wanted_table())
            && found.route_type == self.route_type
            && self.protocol.is_none_or(|protocol| found.protocol == protocol)
            && (!self.destination.is_ipv4() || self.scope.is_none_or(|scope| found.scope == scope))
            && (!has(RouteView::RTA_PRIORITY) || found.metric.unwrap_or(0) == self.wanted_metric())
            && (!has(RouteView::RTA_PREFSRC) || found.source == Some(self.attrs.source))
    }

    /// `found` as requests that name it and no other, if it is what this one adds. In IPv6 each next hop is a route by itself,
    /// and may be there without the others.
    pub(crate) fn named_as(&self, found: &RouteInfo) -> Vec<Self> {
        let filled = self.filled();
        if !filled.is_like_but_for_ways(found) || found.metric.unwrap_or(0) != self.wanted_metric() {
            return Vec::new();
        }
        let is_whole = !self.has_link() || self.destination.is_ipv4() && !self.hops.is_empty();
        if is_whole {
            return if self.is_like(found) { vec![filled] } else { Vec::new() };
        }
        let (asked, ways) = (self.ways(), found.ways());
        let is_single = self.destination.is_ipv6() || ways.len() == 1;
        let found = ways.iter().filter(|found| is_single && asked.iter().any(|asked| asked.is_like(found)));
        let named =
            |way: &NextHop| filled.next_hops(&[]).maybe(way.gateway, Self::gateway).maybe(way.index, Self::index);
        found.map(named).collect()
    }

    /// A route of one next hop has no weight.
    fn has_weight_of(&self, asked: &NextHop, found: &NextHop) -> bool {
        self.hops.len() < 2 || asked.weight == found.weight
    }

    pub(crate) fn has_metrics(&self) -> bool {
        !self.metrics.is_empty()
    }

    /// Which metrics `found` has otherwise than this one asks for.
    pub(crate) fn unlike_metrics(&self, found: &RouteView<'_>) -> Vec<Mismatch> {
        let mut asked = [0; MetricAttrs::MAX];
        let len = self.metrics.as_kept().put(Out::new(&mut asked)).map_or(0, |out| out.at());
        let found = found.metrics().unwrap_or_else(|| MetricsView::new(&[]));
        MetricsView::new(asked.get(..len).unwrap_or_default()).mismatches(&found)
    }

    /// Its next hops. A route that drops packets has one that names nothing.
    fn ways(&self) -> Vec<NextHop> {
        if self.hops.is_empty() {
            let is_onlink = self.onlink;
            vec![NextHop { index: self.wanted_index(), gateway: self.wanted_gateway(), is_onlink, ..NextHop::NOWHERE }]
        } else {
            self.hops.to_vec()
        }
    }
}

impl RouteInfo {
    /// Its next hops: those that share the traffic, or the only one.
    fn ways(&self) -> Vec<NextHop> {
        if let Some(hops) = &self.next_hops {
            return hops.clone();
        }
        let gateway = self.gateway.or(self.via.map(|via| via.0));
        vec![NextHop { index: self.index, gateway, is_onlink: self.is_onlink, ..NextHop::NOWHERE }]
    }
}
