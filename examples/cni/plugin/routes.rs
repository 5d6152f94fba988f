//! What a result says of addresses and routes, in the library's words.

use super::protocol::{Ip, Success};
use sublink::route::Table;
use sublink::value::Scope;
use sublink::{Endpoint, NewRoute};

/// With the addresses and routes of a result. A route without a gateway has that of its family's first address.
pub fn with_result<'l>(mut endpoint: Endpoint<'l>, result: &Success) -> Endpoint<'l> {
    for ip in &result.ips {
        endpoint = endpoint.addr(ip.address);
    }
    for route in &result.routes {
        let is_on_link = route.scope.is_some_and(|scope| scope >= Scope::LINK.0);
        let of_family = |ip: &&Ip| ip.address.is_ipv4() == route.dst.is_ipv4() && !is_on_link;
        let gateway = route.gw.or_else(|| result.ips.iter().filter(of_family).find_map(|ip| ip.gateway));
        let new = NewRoute::new(route.dst).prepend().maybe(gateway, NewRoute::gateway);
        let new = new.maybe(route.priority, NewRoute::metric).maybe(route.table.map(Table::from), NewRoute::table);
        let new = new.maybe(route.mtu, NewRoute::mtu).maybe(route.advmss, NewRoute::advmss);
        endpoint = endpoint.route(new.maybe(route.scope.map(Scope::from), NewRoute::scope));
    }
    endpoint
}
