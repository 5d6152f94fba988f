//! Addresses and routes.

use super::{encoded, message};
use arbitrary::{Result, Unstructured};
use std::hint::black_box;
use sublink::addr::{AddressView, DeleteAddress, Label, Lifetime, ListAddresses};
use sublink::request::RequestInfo;
use sublink::route::{DeleteRoute, ListRoutes, MetricLocks, RouteType, RouteView, Table};
use sublink::value::{RouteProtocol, Scope};
use sublink::*;
use sublink_fuzz::any;

pub fn address(u: &mut Unstructured<'_>) -> Result<()> {
    let (index, ip) = (any::index(u)?, any::ip(u)?);
    let addr = any::network(u, ip)?;
    let mut address = NewAddress::new(index, addr);
    let (mut metric, mut lifetime) = (None, None);
    if u.arbitrary()? {
        address = address.replace().noprefixroute();
    }
    if u.arbitrary()? {
        address = address.nodad().nobroadcast();
    }
    if u.arbitrary()? {
        address = address.broadcast(any::ip(u)?);
    }
    set! { u address:
        metric = u.arbitrary()? => metric;
        lifetime = Lifetime { preferred: u.arbitrary()?, valid: u.arbitrary()? } => lifetime;
    }
    if u.arbitrary()? {
        address = address.label(Label::new("eth0:1").expect("a label"));
    }
    let bytes = encoded(&address, u)?.expect("it is short");
    let read = AddressView::of(message(&bytes)).expect("an address").to_owned();
    assert_eq!((read.index, read.addr, read.metric, read.lifetime), (index, Some(addr), metric, lifetime));
    let info = RequestInfo::of(&bytes).expect("a request");
    assert_eq!((info.index, info.addr), (Some(index), Some(addr)));
    encoded(&DeleteAddress::new(index, addr), u)?.expect("it is short");
    encoded(&ListAddresses::new().index(index).v6(), u)?.expect("it is short");
    black_box(packet_route::message(&address, 1).is_ok());
    Ok(())
}

pub fn route(u: &mut Unstructured<'_>) -> Result<()> {
    let ip = any::ip(u)?;
    let destination = any::network(u, ip)?;
    let mut route = NewRoute::new(destination);
    let (mut index, mut gateway, mut metric, mut table) = (None, None, None, None);
    set! { u route:
        gateway = any::ip(u)? => gateway;
        index = any::index(u)? => index;
        metric = u.arbitrary()? => metric;
        table = Table(u.arbitrary()?) => table;
    }
    let (mut mtu, mut advmss, mut rtt, mut locks) = (None, None, None, None);
    set! { u route:
        mtu = u.arbitrary::<u16>()?.into() => mtu;
        advmss = u.arbitrary::<u16>()?.into() => advmss;
        rtt = u.arbitrary()? => rtt;
        lock = MetricLocks::from(u.arbitrary::<u32>()?) => locks;
    }
    let hops = any::next_hops(u)?;
    route = route.next_hops(&hops);
    if u.arbitrary()? {
        route = route.source(any::ip(u)?).onlink().replace();
    }
    if u.arbitrary()? {
        route = route.route_type(RouteType::from(u.arbitrary::<u8>()?)).scope(Scope(u.arbitrary()?));
        route = route.protocol(RouteProtocol(u.arbitrary()?));
    }
    let Some(bytes) = encoded(&route, u)? else {
        assert!(hops.len() > 2_000); // of 32 bytes at most
        return Ok(());
    };
    let read = RouteView::of(message(&bytes)).expect("a route").to_owned();
    assert_eq!(read.next_hops.unwrap_or_default(), hops);
    let metrics = read.metrics.unwrap_or_default();
    assert_eq!((metrics.rtt, metrics.lock), (rtt, locks));
    let kept = |value: Option<u32>, most: u32| value.map(|value| value.min(most));
    assert_eq!((metrics.mtu, metrics.advmss), (kept(mtu, 65_520), kept(advmss, 65_495)));
    let network = IpNetwork::new(destination.network(), destination.prefix()).expect("a prefix");
    assert_eq!((read.destination, read.index, read.metric), (Some(network), index, metric));
    assert_eq!((read.gateway.or(read.via.map(|via| via.0)), read.table), (gateway, table));
    let info = RequestInfo::of(&bytes).expect("a request");
    assert_eq!((info.gateway, info.index), (gateway, index));
    encoded(&DeleteRoute::like(route), u)?;
    encoded(&ListRoutes::v6().table(Table(u.arbitrary()?)).index(any::index(u)?), u)?.expect("it is short");
    black_box(packet_route::message(&route, 1).is_ok());
    Ok(())
}
