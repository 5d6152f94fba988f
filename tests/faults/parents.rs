//! Parents that are made on demand, removed and put in order, with something in another namespace on one of them.

use crate::common::{Skip, name, needs, vid};
use crate::matrix::{self, LARGE, Operation, Outcome, SMALL};
use crate::network::owner;
use crate::world::{Near, Scene, View, failure, is_usable, perform};
use serde_json::{Value, json};
use sublink::network::{Driver, Error, Parent, Removal, restore_networks};
use sublink::value::Alias;
use sublink::{LinkChange, MacvlanMode, Network, NewLink, Socket};
use sublink_tests::{kernel_test, role};

fn vlan() -> Parent {
    Parent::new(name("p0.50"))
}

fn dummy() -> Parent {
    Parent::dummy(name("dm-1"))
}

fn there() -> Parent {
    Parent::new(name("p0"))
}

/// What is wanted after a restart: one that is gone, and one that is there.
fn networks() -> [Network; 2] {
    ["p0.50", "p0"].map(|parent| {
        let network = Network::new(parent, Driver::Macvlan(MacvlanMode::Bridge)).expect("a network");
        network.on(name(parent))
    })
}

fn told<T>(result: Result<T, Error>, word: impl FnOnce(T) -> Value) -> Value {
    match result {
        Ok(value) => json!({ "ok": word(value) }),
        Err(error) => failure(error.as_failed().expect("a failure of the kernel's")),
    }
}

fn bring_up(near: &mut Near, parent: Parent) -> Value {
    told(parent.up(&mut near.host, &owner()), |up| up.made.into())
}

#[role]
fn up() {
    perform(|near| bring_up(near, there()));
}

#[role]
fn up_vlan() {
    perform(|near| bring_up(near, vlan()));
}

#[role]
fn up_dummy() {
    perform(|near| bring_up(near, dummy()));
}

#[role]
fn remove() {
    perform(|near| told(there().remove(&mut near.host, &owner(), &[]), |removal| format!("{removal:?}").into()));
}

#[role]
fn remove_vlan() {
    perform(|near| told(vlan().remove(&mut near.host, &owner(), &[]), |removal| format!("{removal:?}").into()));
}

#[role]
fn restore() {
    perform(|near| {
        told(restore_networks(&mut near.host, &owner(), &networks()), |restored| {
            let orphans = restored.orphans.into_iter().map(|(_, removal)| told(removal, |r| format!("{r:?}").into()));
            let parents = restored.parents.into_iter().map(|(_, up)| told(up, |up| up.made.into()));
            json!({ "orphans": orphans.collect::<Vec<_>>(), "parents": parents.collect::<Vec<_>>() })
        })
    });
}

/// A link that a maker has left half-made, whom somebody has killed.
fn half_made(host: &mut Socket, scene_parent: sublink::IfIndex, id: u16) {
    let temporary = name(&format!("sl~0000000000{id:02}"));
    let index = host.create(&NewLink::vlan(scene_parent, vid(id)).name(temporary)).expect("a link");
    let mark = format!("sublink:tests:p0.{id}");
    host.change(&LinkChange::new(index).alias(Alias::new(&mark).expect("a mark"))).expect("it is marked");
}

fn with_half_made() -> Scene {
    let mut scene = Scene::new(0);
    half_made(&mut scene.host, scene.parent, 50);
    scene
}

fn with_vlan() -> Scene {
    let mut scene = Scene::new(1);
    vlan().up(&mut scene.host, &owner()).expect("it is up");
    scene
}

/// A macvlan or a VLAN in another namespace stands on it.
fn with_macvlan_on_vlan() -> Scene {
    let mut scene = with_vlan();
    let parent = scene.host.index_of("p0.50").expect("the VLAN");
    let link = NewLink::macvlan(parent).mode(MacvlanMode::Bridge).name(name("eth0"));
    scene.host.create(&link.netns(&scene.pods[0])).expect("a link");
    scene
}

fn with_vlan_on_vlan() -> Scene {
    let mut scene = with_vlan();
    let parent = scene.host.index_of("p0.50").expect("the VLAN");
    scene.host.create(&NewLink::vlan(parent, vid(7)).name(name("eth0")).netns(&scene.pods[0])).expect("a link");
    scene
}

/// In the order in which they are removed.
const ORPHANS: [&str; 2] = ["sl~000000000061", "p0.60"];

fn with_orphans() -> Scene {
    let mut scene = Scene::new(0);
    Parent::new(name("p0.60")).up(&mut scene.host, &owner()).expect("it is up");
    half_made(&mut scene.host, scene.parent, 61);
    scene
}

/// What there is may lack names: a link that was left half-made is finished or removed by whoever comes next.
fn is_half_made(after: &View, before: &View) -> bool {
    let come = after.0[0].links_beyond(&before.0[0]);
    let is_half_made = |link: &String| {
        let what = &after.0[0].links[link];
        link.starts_with("sl~") && what.starts_with("vlan down") || what.starts_with("dummy down")
    };
    after.0[1..] == before.0[1..] && come.iter().all(is_half_made)
}

fn judge_up(outcome: &mut Outcome<'_>) -> Result<(), String> {
    if outcome.is_ok() {
        return outcome.there_is(outcome.whole, "it is up");
    }
    let is_left = outcome.after != outcome.before && outcome.after != outcome.whole;
    if is_left && !is_half_made(outcome.after, outcome.before) {
        return Err(format!("there is {:#?}", outcome.after));
    }
    // Where answers are lost for good, what was made may be there. What the kernel refused is not.
    if outcome.said["is_known"] == true || outcome.is_once {
        outcome.there_is(outcome.before, "it is undone")
    } else {
        Ok(())
    }
}

fn judge_remove(outcome: &mut Outcome<'_>) -> Result<(), String> {
    match outcome.said["ok"].as_str() {
        Some("Removed") => outcome.there_is(outcome.whole, "it is removed")?,
        Some(other) => return Err(format!("{other}, and nothing stands on it")),
        None if outcome.said["is_known"] == true => outcome.there_is(outcome.before, "it is kept")?,
        None if outcome.after == outcome.whole => {}
        None => outcome.there_is(outcome.before, "it is kept")?,
    }
    is_usable(&mut outcome.scene.host, "p0.50");
    Ok(())
}

/// Whatever goes wrong: it is kept, and so is what stands on it.
fn judge_kept(outcome: &mut Outcome<'_>) -> Result<(), String> {
    match outcome.said["ok"].as_str() {
        None | Some("InUse" | "NotOurs") => outcome.there_is(outcome.before, "it is kept")?,
        Some(other) => return Err(format!("{other}, and something stands on it")),
    }
    is_usable(&mut outcome.scene.host, "p0.50");
    Ok(())
}

fn judge_restore(outcome: &mut Outcome<'_>) -> Result<(), String> {
    let said = &outcome.said["ok"];
    if said.is_null() {
        return outcome.there_is(outcome.before, "nothing is done");
    }
    let links = &outcome.after.0[0].links;
    let (orphans, parents) = (&said["orphans"], &said["parents"]);
    for (number, orphan) in ORPHANS.into_iter().enumerate() {
        let said = &orphans[number];
        let is_there = links.contains_key(orphan);
        match said["ok"].as_str() {
            Some("Removed") if !is_there => {}
            None if said["is_known"] != true || is_there => {}
            _ => return Err(format!("{orphan}: {said}")),
        }
    }
    for orphan in ORPHANS {
        is_usable(&mut outcome.scene.host, orphan);
    }
    if !parents[0]["ok"].is_null() && links.get("p0.50") != outcome.whole.0[0].links.get("p0.50") {
        return Err(format!("p0.50 is not up: {links:?}"));
    }
    Ok(())
}

fn up_again(scene: &mut Scene, parent: Parent) {
    parent.up(&mut scene.host, &owner()).expect("it is up");
}

/// For a moment, the probe of a removal that was killed is in the way.
fn remove_again(scene: &mut Scene, expected: &[Removal]) {
    is_usable(&mut scene.host, "p0.50");
    let removal = vlan().remove(&mut scene.host, &owner(), &[]).expect("it is removed");
    assert!(expected.contains(&removal), "{removal:?}");
}

#[kernel_test]
fn bringing_up_what_is_there() -> Result<(), Skip> {
    let (prepare, again) = (|| Scene::new(0), |scene: &mut Scene| up_again(scene, there()));
    let name = "bring up what is there";
    matrix::run(&Operation { name, role: "up", prepare, judge: judge_up, again, share: SMALL })
}

#[kernel_test]
fn removing_what_is_not_ours() -> Result<(), Skip> {
    let again = |scene: &mut Scene| {
        assert_eq!(there().remove(&mut scene.host, &owner(), &[]).expect("it is kept"), Removal::NotOurs);
    };
    let (name, prepare) = ("remove what is not ours", || Scene::new(0));
    matrix::run(&Operation { name, role: "remove", prepare, judge: judge_kept, again, share: SMALL })
}

#[kernel_test]
fn bringing_up_a_vlan() -> Result<(), Skip> {
    needs("vlan")?;
    let (prepare, again) = (|| Scene::new(0), |scene: &mut Scene| up_again(scene, vlan()));
    matrix::run(&Operation { name: "bring up a VLAN", role: "up_vlan", prepare, judge: judge_up, again, share: LARGE })
}

#[kernel_test]
fn bringing_up_what_is_half_made() -> Result<(), Skip> {
    needs("vlan")?;
    let again = |scene: &mut Scene| up_again(scene, vlan());
    let (name, prepare) = ("bring up a half-made VLAN", with_half_made);
    matrix::run(&Operation { name, role: "up_vlan", prepare, judge: judge_up, again, share: LARGE })
}

#[kernel_test]
fn bringing_up_a_dummy() -> Result<(), Skip> {
    needs("dummy")?;
    let (prepare, again) = (|| Scene::new(0), |scene: &mut Scene| up_again(scene, dummy()));
    let name = "bring up a dummy";
    matrix::run(&Operation { name, role: "up_dummy", prepare, judge: judge_up, again, share: LARGE })
}

#[kernel_test]
fn removing_a_vlan() -> Result<(), Skip> {
    needs("vlan")?;
    let again = |scene: &mut Scene| remove_again(scene, &[Removal::Removed, Removal::NotThere]);
    let (name, prepare) = ("remove a VLAN", with_vlan);
    matrix::run(&Operation { name, role: "remove_vlan", prepare, judge: judge_remove, again, share: SMALL })
}

#[kernel_test]
fn removing_a_vlan_with_a_macvlan_elsewhere() -> Result<(), Skip> {
    needs("vlan")?;
    let again = |scene: &mut Scene| remove_again(scene, &[Removal::InUse]);
    let (name, prepare) = ("remove a VLAN with a macvlan on it", with_macvlan_on_vlan);
    matrix::run(&Operation { name, role: "remove_vlan", prepare, judge: judge_kept, again, share: SMALL })
}

/// Each id is asked for, in several chunks.
#[kernel_test]
fn removing_a_vlan_with_a_vlan_elsewhere() -> Result<(), Skip> {
    needs("vlan")?;
    let again = |scene: &mut Scene| remove_again(scene, &[Removal::InUse]);
    let (name, prepare) = ("remove a VLAN with a VLAN on it", with_vlan_on_vlan);
    matrix::run(&Operation { name, role: "remove_vlan", prepare, judge: judge_kept, again, share: SMALL })
}

#[kernel_test]
fn restoring() -> Result<(), Skip> {
    needs("vlan")?;
    let again = |scene: &mut Scene| {
        for orphan in ORPHANS {
            is_usable(&mut scene.host, orphan);
        }
        let restored = restore_networks(&mut scene.host, &owner(), &networks()).expect("it is in order");
        let all_up = restored.parents.iter().all(|(_, up)| up.is_ok());
        assert!(all_up && restored.orphans.iter().all(|(_, removal)| removal.is_ok()), "{restored:?}");
    };
    let (name, prepare) = ("restore", with_orphans);
    matrix::run(&Operation { name, role: "restore", prepare, judge: judge_restore, again, share: SMALL })
}
