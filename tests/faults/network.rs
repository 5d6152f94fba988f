//! Connecting a container to a second network and disconnecting it from the first: its default route passes from one to the
//! other.

use crate::attach::judge_failure;
use crate::common::{Skip, name, needs};
use crate::detach::{judge_one, nothing_else_is_touched, told};
use crate::matrix::{self, LARGE, Operation, Outcome, SMALL};
use crate::pod::{ip, net};
use crate::world::{Scene, failure, perform};
use serde_json::json;
use sublink::endpoint::Detach;
use sublink::network::{Connection, Driver, Error, Member, Subnet};
use sublink::{Attached, Endpoint, IfIndex, MacvlanMode, Network, NewLink, Owner, Sandbox, Socket};
use sublink_tests::{kernel_test, role};

pub fn owner() -> Owner {
    Owner::new("tests").expect("an owner")
}

/// The network of `eth0`, which is to have the default route, or that of `eth1`.
fn network(link: &str, parent: &str) -> Network {
    let network = Network::new(link, Driver::Macvlan(MacvlanMode::Bridge)).expect("a network").on(name(parent));
    let subnet = |of: &str, gateway: &str| Subnet::new(net(of)).gateway(ip(gateway)).expect("a gateway");
    match link {
        "eth0" => network.subnet(subnet("10.50.0.0/16", "10.50.0.1")).subnet(subnet("fd50::/64", "fd50::1")),
        _ => network.subnet(subnet("10.60.0.0/16", "10.60.0.1")).subnet(subnet("fd60::/64", "fd60::1")),
    }
}

fn connection(link: &str) -> Connection {
    match link {
        "eth0" => Connection::new(name(link), &[net("10.50.0.7/16"), net("fd50::7/64")]).priority(1),
        _ => Connection::new(name(link), &[net("10.60.0.7/16"), net("fd60::7/64")]),
    }
}

fn connect(link: &str, parent: &str, host: &mut Socket, pod: &mut Sandbox, others: &[Member]) -> Result<Member, Error> {
    network(link, parent).connect(host, &owner(), pod, connection(link), others)
}

fn member(link: &str, attached: Attached) -> Member {
    Member::new(&network(link, "p0"), connection(link), attached)
}

/// A container on the network of `eth1`, which has its default routes.
fn on_one() -> Scene {
    let mut scene = Scene::new(1);
    let member = connect("eth1", "p0", &mut scene.host, &mut scene.pods[0], &[]).expect("it is connected");
    scene.told = vec![member.attached.to_string()];
    scene
}

/// A container on both, of which `eth0`'s has its default routes.
fn on_both() -> Scene {
    let mut scene = on_one();
    let others = [member("eth1", scene.told[0].parse().expect("a link"))];
    let member = connect("eth0", "p0", &mut scene.host, &mut scene.pods[0], &others).expect("it is connected");
    scene.told.push(member.attached.to_string());
    scene
}

#[role]
fn connecting() {
    perform(|near| {
        let others = [member("eth1", near.told(0))];
        match connect("eth0", "p0", &mut near.host, &mut near.pods[0], &others) {
            Ok(member) => json!({ "ok": member.attached.to_string() }),
            Err(error) => failure(error.as_failed().expect("a failure of the kernel's")),
        }
    });
}

#[role]
fn connecting_first() {
    perform(|near| match connect("eth0", "p0", &mut near.host, &mut near.pods[0], &[]) {
        Ok(member) => json!({ "ok": member.attached.to_string() }),
        Err(error) => failure(error.as_failed().expect("a failure of the kernel's")),
    });
}

#[role]
fn connecting_to_a_vlan() {
    perform(|near| match connect("eth0", "p0.50", &mut near.host, &mut near.pods[0], &[]) {
        Ok(member) => json!({ "ok": member.attached.to_string() }),
        Err(error) => failure(error.as_failed().expect("a failure of the kernel's")),
    });
}

#[role]
fn disconnecting() {
    perform(|near| {
        let [eth1, eth0] = [("eth1", 0), ("eth0", 1)].map(|(link, number)| member(link, near.told(number)));
        let detached = eth0.disconnect(&mut near.host, &mut near.pods[0], &[eth1], &Detach::new());
        told(&detached.map_err(|error| error.as_failed().expect("a failure of the kernel's").clone()))
    });
}

/// The endpoint of a link with addresses and gateways of both families.
fn endpoint(link: &str, parent: IfIndex) -> Endpoint<'static> {
    let of = if link == "eth0" { "50" } else { "60" };
    let [v4, v6] = [format!("10.{of}.0.7/16"), format!("fd{of}::7/64")].map(|addr| net(&addr));
    let link = NewLink::macvlan(parent).mode(MacvlanMode::Bridge).name(name(link));
    Endpoint::new(link).addr(v4).addr(v6).nodad()
}

fn with_gateways(link: &str, parent: IfIndex) -> Endpoint<'static> {
    let of = if link == "eth0" { "50" } else { "60" };
    endpoint(link, parent).gateway(ip(&format!("10.{of}.0.1"))).gateway(ip(&format!("fd{of}::1")))
}

/// Both links are attached, and `eth1` has the default routes.
fn with_both_links() -> Scene {
    let mut scene = Scene::new(1);
    for endpoint in [with_gateways("eth1", scene.parent), endpoint("eth0", scene.parent)] {
        let attached = endpoint.attach(&mut scene.host, &mut scene.pods[0]).expect("it is attached");
        scene.told.push(attached.to_string());
    }
    scene
}

fn take(parent: IfIndex, [eth1, eth0]: [Attached; 2], pod: &mut Sandbox) -> sublink::Result<()> {
    with_gateways("eth0", parent).take_default_route(&eth0, &[(&with_gateways("eth1", parent), &eth1)], pod)
}

#[role]
fn taking_the_default_route() {
    perform(|near| {
        let links = [near.told(0), near.told(1)];
        take(near.parent, links, &mut near.pods[0]).map_or_else(|error| failure(&error), |()| json!({ "ok": true }))
    });
}

/// After a failure, all default routes are as before.
fn judge_take(outcome: &mut Outcome<'_>) -> Result<(), String> {
    if outcome.is_ok() {
        return outcome.there_is(outcome.whole, "the default routes are taken");
    }
    if outcome.is_once {
        return outcome.there_is(outcome.before, "the default routes are as before");
    }
    has_default_routes(outcome)
}

/// A container has one default route of each family at least, as long as it has a link.
fn has_default_routes(outcome: &Outcome<'_>) -> Result<(), String> {
    let routes = &outcome.after.0[1].routes;
    let has = |family: &str| routes.iter().any(|route| route.starts_with(family));
    if has("0.0.0.0/0") && has("::/0") { Ok(()) } else { Err(format!("default routes are lost: there are {routes:?}")) }
}

fn judge_connect(outcome: &mut Outcome<'_>) -> Result<(), String> {
    if outcome.is_ok() {
        return outcome.there_is(outcome.whole, "it is connected");
    }
    let before = outcome.before;
    judge_failure(outcome, before)?;
    has_default_routes(outcome)
}

/// A parent that was made stays.
fn judge_connect_first(outcome: &mut Outcome<'_>) -> Result<(), String> {
    if outcome.is_ok() {
        return outcome.there_is(outcome.whole, "it is connected");
    }
    let mut before = outcome.before.clone();
    before.0[0] = outcome.after.0[0].clone();
    judge_failure(outcome, &before)
}

fn judge_disconnect(outcome: &mut Outcome<'_>) -> Result<(), String> {
    if outcome.is_ok() && outcome.said["link"] == "deleted" {
        return outcome.there_is(outcome.whole, "it is disconnected");
    }
    judge_one(outcome, &outcome.said, 1, None)?;
    nothing_else_is_touched(outcome, &["eth0"])?;
    has_default_routes(outcome)
}

fn clear(scene: &mut Scene) {
    if let Some(found) = Attached::find(&mut scene.pods[0], "eth0").expect("a look") {
        found.detach(&mut scene.host, &mut scene.pods[0], &Detach::new()).expect("it is detached");
    }
}

#[kernel_test]
fn connecting_to_a_second_network() -> Result<(), Skip> {
    let again = |scene: &mut Scene| {
        clear(scene);
        let others = [member("eth1", scene.told[0].parse().expect("a link"))];
        connect("eth0", "p0", &mut scene.host, &mut scene.pods[0], &others).expect("it is connected");
    };
    matrix::run(&Operation {
        name: "connect",
        role: "connecting",
        prepare: on_one,
        judge: judge_connect,
        again,
        share: SMALL,
    })
}

#[kernel_test]
fn disconnecting_from_one_of_two() -> Result<(), Skip> {
    let again = |scene: &mut Scene| {
        let [eth1, eth0] =
            [("eth1", 0), ("eth0", 1)].map(|(link, n)| member(link, scene.told[n].parse().expect("a link")));
        eth0.disconnect(&mut scene.host, &mut scene.pods[0], &[eth1], &Detach::new()).expect("it is disconnected");
    };
    matrix::run(&Operation {
        name: "disconnect",
        role: "disconnecting",
        prepare: on_both,
        judge: judge_disconnect,
        again,
        share: SMALL,
    })
}

#[kernel_test]
fn taking_the_default_route_of_another_link() -> Result<(), Skip> {
    let again = |scene: &mut Scene| {
        let links = [0, 1].map(|number| scene.told[number].parse().expect("a link"));
        take(scene.parent, links, &mut scene.pods[0]).expect("it is taken");
    };
    let (name, role, prepare) = ("take the default route", "taking_the_default_route", with_both_links);
    matrix::run(&Operation { name, role, prepare, judge: judge_take, again, share: SMALL })
}

/// `lo` is brought up.
#[kernel_test]
fn connecting_to_a_first_network() -> Result<(), Skip> {
    let again = |scene: &mut Scene| {
        clear(scene);
        connect("eth0", "p0", &mut scene.host, &mut scene.pods[0], &[]).expect("it is connected");
    };
    let (name, role, prepare) = ("connect to a first network", "connecting_first", || Scene::new(1));
    matrix::run(&Operation { name, role, prepare, judge: judge_connect_first, again, share: SMALL })
}

#[kernel_test]
fn connecting_to_a_vlan_made_on_demand() -> Result<(), Skip> {
    needs("vlan")?;
    let again = |scene: &mut Scene| {
        clear(scene);
        connect("eth0", "p0.50", &mut scene.host, &mut scene.pods[0], &[]).expect("it is connected");
    };
    let prepare = || Scene::new(1);
    matrix::run(&Operation {
        name: "connect to a VLAN made on demand",
        role: "connecting_to_a_vlan",
        prepare,
        judge: judge_connect_first,
        again,
        share: LARGE,
    })
}
