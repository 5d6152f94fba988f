//! Detaching: one link, one that the container has moved, one with others that it has stacked, and many.

use crate::common::{Skip, name, needs, vid};
use crate::matrix::{self, LARGE, Operation, Outcome, SMALL};
use crate::pod::net;
use crate::world::{Near, Scene, eth0, failure, is_usable, perform};
use serde_json::{Value, json};
use sublink::endpoint::{Detach, Detached, Fate, Proof, detach_many};
use sublink::{Attached, Endpoint, Error, IfIndex, LinkChange, MacvlanMode, NewLink, Sandbox};
use sublink_tests::{kernel_test, role};

fn endpoint(parent: IfIndex) -> Endpoint<'static> {
    Endpoint::new(NewLink::macvlan(parent).mode(MacvlanMode::Bridge).name(eth0())).addr(net("10.0.50.7/24"))
}

/// Two kinds of links that a container may have besides: `mv1`, stacked, and `mv2`, stacked and moved.
fn everything() -> Detach<'static> {
    Detach::new().others(&[]).prove_empty_parent().prove_address()
}

pub fn told(result: &Result<Detached, Error>) -> Value {
    let detached = match result {
        Ok(detached) => detached,
        Err(error) => return failure(error),
    };
    let names =
        |links: &[sublink::endpoint::Standing]| links.iter().map(|link| link.name.to_string()).collect::<Vec<_>>();
    let link = match detached.link {
        Fate::Deleted => "deleted",
        Fate::DeletedIn(_) => "deleted there",
        Fate::OutOfReach(_) => "out of reach",
        Fate::Gone => "gone",
        other => panic!("nobody replaces links here: {other:?}"),
    };
    json!({
        "ok": detached.to_string(),
        "link": link,
        "swept": names(&detached.swept),
        "remaining": names(&detached.remaining),
        "unseen": detached.unseen.as_ref().map(ToString::to_string),
        "is_complete": detached.is_off_the_network(),
        "address_is_gone": matches!(detached.proof, Proof::AddressIsGone),
    })
}

/// Whether what is said of the container in one place is true; its root may have made the namespace in another.
pub fn judge_one(outcome: &Outcome<'_>, said: &Value, pod: usize, nested: Option<usize>) -> Result<(), String> {
    let links = |place: Option<usize>| place.into_iter().flat_map(|place| outcome.after.0[place].links.keys());
    let words = |list: &Value| -> Vec<String> {
        list.as_array().into_iter().flatten().filter_map(|word| word.as_str().map(Into::into)).collect()
    };
    let (swept, remaining) = (words(&said["swept"]), words(&said["remaining"]));
    let (is_here, is_there) = (links(Some(pod)).any(|link| link == "eth0"), links(nested).any(|link| link == "eth0"));
    let is_seen = said["unseen"].is_null();
    match said["link"].as_str() {
        None => return Ok(()), // a failure: then it is not known
        Some("deleted" | "deleted there") if is_here || is_there => return Err("it is not deleted".into()),
        Some("out of reach") if !is_there => return Err("it is not out of reach".into()),
        Some("gone") if is_here || is_there && is_seen => return Err("it is not gone".into()),
        Some(_) => {}
    }
    let others: Vec<_> = links(Some(pod)).chain(links(nested)).filter(|link| link.starts_with("mv")).cloned().collect();
    if swept.iter().any(|link| others.contains(link)) {
        return Err(format!("{swept:?} are not deleted: there are {others:?}"));
    }
    if is_seen && remaining != others || remaining.iter().any(|link| !others.contains(link)) {
        return Err(format!("{remaining:?} are not all that remains: {others:?} do"));
    }
    let is_on_the_network = is_here || is_there || !others.is_empty();
    if said["is_complete"] == true && is_on_the_network {
        return Err("something stands on the parent".into());
    }
    if said["address_is_gone"] == true && (is_here || is_there) {
        return Err("the link stands on the parent".into());
    }
    Ok(())
}

/// Nothing has come, and nothing has gone but what was to go.
pub fn nothing_else_is_touched(outcome: &Outcome<'_>, may_go: &[&str]) -> Result<(), String> {
    for (number, (after, before)) in outcome.after.0.iter().zip(&outcome.before.0).enumerate() {
        let gone: Vec<_> = before.links.keys().filter(|link| !after.links.contains_key(*link)).collect();
        let come = after.links_beyond(before);
        let is_spared = gone.iter().all(|link| number > 0 && may_go.contains(&link.as_str()));
        if !is_spared || !come.is_empty() {
            return Err(format!("in place {number}, {gone:?} are gone and {come:?} have come"));
        }
    }
    Ok(())
}

fn judge(outcome: &mut Outcome<'_>) -> Result<(), String> {
    judge_one(outcome, &outcome.said, 1, Some(2))?;
    nothing_else_is_touched(outcome, &["eth0"])
}

fn judge_swept(outcome: &mut Outcome<'_>) -> Result<(), String> {
    judge_one(outcome, &outcome.said, 1, Some(2))?;
    nothing_else_is_touched(outcome, &["eth0", "mv1", "mv2"])?;
    is_usable(&mut outcome.scene.host, "p0");
    Ok(())
}

fn judge_many(outcome: &mut Outcome<'_>) -> Result<(), String> {
    for pod in 0..MANY {
        judge_one(outcome, &outcome.said["each"][pod], 1 + pod, (pod == 0).then_some(1 + MANY))?;
    }
    nothing_else_is_touched(outcome, &["eth0"])
}

/// A container with a link, and a namespace that its root has made.
fn prepare() -> Scene {
    attached(1)
}

/// The last container is a namespace that the others' root has made.
fn attached(pods: usize) -> Scene {
    let mut scene = Scene::new(pods + 1);
    let Scene { host, parent, pods, told } = &mut scene;
    let (_, containers) = pods.split_last_mut().expect("several");
    for pod in containers {
        told.push(endpoint(*parent).attach(host, pod).expect("it is attached").to_string());
    }
    scene
}

/// The container has moved its link away.
fn moved(mut scene: Scene) -> Scene {
    let link: Attached = scene.told[0].parse().expect("a link");
    let nested = scene.pods.pop().expect("a namespace");
    let change = LinkChange::move_to(link.index, &nested);
    scene.pods[0].socket().change(&change).expect("it is moved");
    scene.pods.push(nested);
    scene
}

fn prepare_vlan() -> Scene {
    let mut scene = Scene::new(2);
    let vlan = Endpoint::new(NewLink::vlan(scene.parent, vid(50)).name(eth0())).addr(net("10.0.50.7/24"));
    scene.told = vec![vlan.attach(&mut scene.host, &mut scene.pods[0]).expect("it is attached").to_string()];
    scene
}

fn prepare_stacked() -> Scene {
    let mut scene = attached(1);
    let link: Attached = scene.told[0].parse().expect("a link");
    let [pod, nested] = &mut scene.pods[..] else { panic!("two namespaces") };
    for mv in ["mv1", "mv2"] {
        let stacked = NewLink::macvlan(link.index).mode(MacvlanMode::Bridge).name(name(mv)).up();
        let stacked = pod.socket().create(&stacked).expect("it is stacked");
        if mv == "mv2" {
            pod.socket().change(&LinkChange::move_to(stacked, &nested)).expect("it is moved");
        }
    }
    scene
}

const MANY: usize = 4;

fn prepare_many() -> Scene {
    moved(attached(MANY))
}

fn detach_by(near: &mut Near, how: &Detach<'_>) -> Value {
    let attached: Attached = near.told(0);
    told(&attached.detach(&mut near.host, &mut near.pods[0], how))
}

#[role]
fn detach() {
    perform(|near| detach_by(near, &Detach::new()));
}

#[role]
fn detach_swept() {
    perform(|near| detach_by(near, &everything()));
}

#[role]
fn detach_all() {
    perform(|near| {
        let attached = (0..MANY).map(|number| near.told(number));
        let endpoints: Vec<_> = near.pods.iter().map(Sandbox::netns).zip(attached).collect();
        let each: Vec<_> = detach_many(&mut near.host, &endpoints, &Detach::new()).iter().map(told).collect();
        let all = each.iter().all(|said| !said["ok"].is_null()).then_some(true);
        json!({ "ok": all, "each": each })
    });
}

fn detach_again(scene: &mut Scene, how: &Detach<'_>) {
    let attached: Attached = scene.told[0].parse().expect("a link");
    let detached = attached.detach(&mut scene.host, &mut scene.pods[0], how).expect("it is detached");
    assert!(detached.link.is_deleted() || detached.link == Fate::Gone, "{detached}");
}

#[kernel_test]
fn detaching() -> Result<(), Skip> {
    let again = |scene: &mut Scene| detach_again(scene, &Detach::new());
    matrix::run(&Operation { name: "detach", role: "detach", prepare, judge, again, share: SMALL })
}

#[kernel_test]
fn detaching_what_was_moved() -> Result<(), Skip> {
    let again = |scene: &mut Scene| detach_again(scene, &Detach::new());
    let (name, prepare) = ("detach what was moved", || moved(prepare()));
    matrix::run(&Operation { name, role: "detach", prepare, judge, again, share: SMALL })
}

/// Each time a proof shows that the VLAN is gone.
#[kernel_test]
fn detaching_a_vlan() -> Result<(), Skip> {
    needs("vlan")?;
    let again = |scene: &mut Scene| detach_again(scene, &Detach::new());
    let (name, prepare) = ("detach a VLAN that was moved", || moved(prepare_vlan()));
    matrix::run(&Operation { name, role: "detach", prepare, judge, again, share: LARGE })
}

#[kernel_test]
fn detaching_with_what_is_stacked_and_proofs() -> Result<(), Skip> {
    let again = |scene: &mut Scene| {
        detach_again(scene, &everything());
        is_usable(&mut scene.host, "p0");
    };
    let (name, role, prepare) = ("detach with what is stacked", "detach_swept", prepare_stacked);
    matrix::run(&Operation { name, role, prepare, judge: judge_swept, again, share: SMALL })
}

#[kernel_test]
fn detaching_many() -> Result<(), Skip> {
    let again = |scene: &mut Scene| {
        let Scene { host, pods, told, .. } = scene;
        let attached = told.iter().map(|text| text.parse::<Attached>().expect("a link"));
        let endpoints: Vec<_> = pods.iter().map(Sandbox::netns).zip(attached).collect();
        for detached in detach_many(host, &endpoints, &Detach::new()) {
            let detached = detached.expect("it is detached");
            assert!(detached.link.is_deleted() || detached.link == Fate::Gone, "{detached}");
        }
    };
    let (name, role, prepare) = ("detach many", "detach_all", prepare_many);
    matrix::run(&Operation { name, role, prepare, judge: judge_many, again, share: SMALL })
}
