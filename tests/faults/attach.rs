//! Attaching, by all calls that do it.

use crate::common::{Skip, mac};
use crate::matrix::{self, Operation, Outcome, SMALL};
use crate::pod::{bridge_endpoint, net};
use crate::world::{Near, Scene, View, eth0, failure, perform};
use serde_json::{Value, json};
use sublink::endpoint::Detach;
use sublink::link::Ipv4Setting;
use sublink::{Attached, Endpoint, Error, IfIndex, MacvlanMode, NewLink, NewRoute, Sandbox, Socket};
use sublink_tests::{kernel_test, role};

fn endpoint(parent: IfIndex) -> Endpoint<'static> {
    bridge_endpoint(parent).ipv4(Ipv4Setting::ARP_NOTIFY, 1)
}

/// With more steps than one send has.
fn endpoint_with_many_routes(parent: IfIndex) -> Endpoint<'static> {
    let route = |number: u32| NewRoute::new(net(&format!("10.{}.{}.0/24", 100 + number / 256, number % 256)));
    (0..300).fold(endpoint(parent), |endpoint, number| endpoint.route(route(number)))
}

/// With an index and a MAC address of the caller's.
fn endpoint_at(parent: IfIndex) -> Endpoint<'static> {
    let link = NewLink::macvlan(parent).mode(MacvlanMode::Bridge).name(eth0());
    Endpoint::new(link.index(IfIndex::new(20_000).expect("an index")).mac(mac(7))).addr(net("10.0.50.7/24"))
}

fn with_settings(endpoint: &Endpoint<'static>, host: &mut Socket, pod: &mut Sandbox) -> Result<Attached, Error> {
    let step = |link: &Attached, pod: &mut Sandbox| {
        pod.set_sysctl(format!("ipv6/conf/{}/accept_ra", link.name), "0")?;
        pod.sysctl(format!("ipv6/conf/{}/accept_ra", link.name))
    };
    endpoint.attach_with(host, pod, step).map(|(attached, _)| attached)
}

fn attach_by(
    near: &mut Near,
    endpoint: fn(IfIndex) -> Endpoint<'static>,
    attach: fn(&Endpoint<'static>, &mut Socket, &mut Sandbox) -> Result<Attached, Error>,
) -> Value {
    match attach(&endpoint(near.parent), &mut near.host, &mut near.pods[0]) {
        Ok(attached) => json!({ "ok": attached.to_string() }),
        Err(error) => failure(&error),
    }
}

#[role]
fn attach() {
    perform(|near| attach_by(near, endpoint, Endpoint::attach));
}

#[role]
fn attach_in_chunks() {
    perform(|near| attach_by(near, endpoint_with_many_routes, Endpoint::attach));
}

#[role]
fn attach_at() {
    perform(|near| attach_by(near, endpoint_at, Endpoint::attach));
}

#[role]
fn attach_with() {
    perform(|near| attach_by(near, endpoint, with_settings));
}

fn prepare() -> Scene {
    Scene::new(1)
}

/// All of it is there, or what the error says is left.
fn judge(outcome: &mut Outcome<'_>) -> Result<(), String> {
    let (before, whole) = (outcome.before, outcome.whole);
    if outcome.is_ok() {
        return outcome.there_is(whole, "it is attached");
    }
    judge_failure(outcome, before)
}

/// A failure that says what became of the link. What goes wrong once is undone.
pub fn judge_failure(outcome: &mut Outcome<'_>, before: &View) -> Result<(), String> {
    let undo = outcome.said["undo"].clone();
    let index = undo[1].as_u64().and_then(|index| u32::try_from(index).ok()).and_then(|index| IfIndex::new(index).ok());
    let is_there = index.is_some_and(|index| outcome.scene.pod_has(0, index));
    match undo[0].as_str() {
        _ if outcome.is_once => outcome.there_is(before, "nothing is left, whatever fails once"),
        None | Some("clean" | "gone") => outcome.there_is(before, "nothing is left"),
        Some("left behind") if !is_there => Err("no link is left behind".into()),
        Some("unknown") if !is_there => outcome.there_is(before, "nothing is left"),
        // What is on it is not told.
        Some("left behind" | "unknown") => {
            let ([host, pod, ..], [host_before, pod_before, ..]) = (&outcome.after.0[..], &before.0[..]) else {
                return Err("there is no container".into());
            };
            let mut beyond = pod.links_beyond(pod_before);
            beyond.retain(|link| link != "lo"); // which `connect` brings up, and cannot always take down
            if host == host_before && beyond == ["eth0"] {
                Ok(())
            } else {
                Err(format!("more is left: {:#?}", outcome.after))
            }
        }
        Some(other) => Err(format!("{other}, which cannot be")),
    }
}

/// What a runtime does after a crash: it looks for the link by its name, and removes it.
fn clear(scene: &mut Scene) {
    let Scene { host, pods, .. } = scene;
    if let Some(found) = Attached::find(&mut pods[0], "eth0").expect("a look") {
        found.detach(host, &mut pods[0], &Detach::new()).expect("it is detached");
    }
}

macro_rules! matrices {
    ($($test:ident: $name:literal, $role:literal, $endpoint:expr, $attach:expr;)*) => { $(
        #[kernel_test]
        fn $test() -> Result<(), Skip> {
            let again = |scene: &mut Scene| {
                clear(scene);
                $attach(&$endpoint(scene.parent), &mut scene.host, &mut scene.pods[0]).expect("it is attached");
            };
            matrix::run(&Operation { name: $name, role: $role, prepare, judge, again, share: SMALL })
        }
    )* };
}
matrices! {
    attaching: "attach", "attach", endpoint, Endpoint::attach;
    attaching_in_several_chunks: "attach in several chunks", "attach_in_chunks", endpoint_with_many_routes, Endpoint::attach;
    attaching_at_an_index: "attach at an index", "attach_at", endpoint_at, Endpoint::attach;
    attaching_with_a_step_in_between: "attach with a step", "attach_with", endpoint, with_settings;
}
