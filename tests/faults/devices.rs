//! Moving a device that is there already: the move, giving back its addresses, and a plain move of a link.

use crate::common::{Skip, name};
use crate::matrix::{self, Operation, Outcome, SMALL};
use crate::pod::net;
use crate::world::{Scene, failure, perform};
use serde_json::json;
use sublink::endpoint::MovedDevice;
use sublink::{LinkChange, NewAddress, NewLink, Sandbox};
use sublink_tests::{kernel_test, role};

const ADDRESSES: &str = "addr 10.9.0.7/24 addr fd09::7/64 flags 2";

/// `d0`, up, with addresses.
fn prepare() -> Scene {
    let mut scene = Scene::new(1);
    let pair = NewLink::veth(NewLink::peer().name(name("d1"))).name(name("d0")).up();
    let device = scene.host.create(&pair).expect("a device");
    for addr in ["10.9.0.7/24", "fd09::7/64"] {
        let address = NewAddress::new(device, net(addr));
        let address = if addr.starts_with("fd") { address.nodad() } else { address };
        scene.host.apply(&address).expect("an address");
    }
    scene
}

/// It has been moved, and waits for its addresses.
fn prepare_moved() -> Scene {
    let mut scene = prepare();
    let moved = MovedDevice::take(&mut scene.host, "d0", &mut scene.pods[0], Some(name("eth0"))).expect("it is moved");
    scene.told = vec![moved.to_string()];
    scene
}

#[role]
fn take() {
    perform(|near| match MovedDevice::take(&mut near.host, "d0", &mut near.pods[0], Some(name("eth0"))) {
        Ok(moved) => json!({ "ok": moved.to_string() }),
        Err(failed) => {
            let mut said = failure(&failed.error);
            said["device"] = failed.device.map(|device| device.to_string()).into();
            said
        }
    });
}

#[role]
fn give_back() {
    perform(|near| {
        let moved: MovedDevice = near.told(0);
        moved.restore(&mut near.pods[0]).map_or_else(|error| failure(&error), |index| json!({ "ok": index.get() }))
    });
}

#[role]
fn move_link() {
    perform(|near| {
        let device = near.told::<u32>(0).try_into().expect("an index");
        let change = LinkChange::move_to(device, &near.pods[0]);
        near.host.change(&change).map_or_else(|error| failure(&error), |()| json!({ "ok": true }))
    });
}

/// The device is where the error says, under the name that it says.
fn judge_place(outcome: &Outcome<'_>, names: [&str; 2]) -> Result<(), String> {
    let [here, there] = [0, 1].map(|place| {
        let links = &outcome.after.0[place].links;
        names.iter().any(|name| links.contains_key(*name))
    });
    if here == there {
        return Err(format!("it is here: {here}, and there: {there}"));
    }
    match outcome.said["link_is"].as_str() {
        Some("Here") if !here => Err("it is not here".into()),
        Some("There") if !there => Err("it is not there".into()),
        None if !here => Err("it has been moved, and nobody says so".into()),
        _ => Ok(()),
    }
}

fn judge_take(outcome: &mut Outcome<'_>) -> Result<(), String> {
    if let Some(moved) = outcome.said["ok"].as_str() {
        let expected = format!("eth0 {ADDRESSES}");
        if !is_alike(moved, &expected) {
            return Err(format!("{moved} instead of {expected}"));
        }
        return outcome.there_is(outcome.whole, "it is moved");
    }
    judge_place(outcome, ["d0", "eth0"])?;
    match outcome.said["device"].as_str().map(|device| device.parse::<MovedDevice>().expect("a device")) {
        None => outcome.there_is(outcome.before, "the move was not sent"),
        Some(device) => {
            let is_there = outcome.after.0[1].links.contains_key(&device.name.to_string());
            let is_here = outcome.after.0[0].links.contains_key(&device.name.to_string());
            if is_there || is_here || outcome.said["link_is"] == "Unknown" {
                Ok(())
            } else {
                Err(format!("it has not the name {}", device.name))
            }
        }
    }
}

/// With the same addresses, in whatever order and with whatever else.
fn is_alike(moved: &str, expected: &str) -> bool {
    let [moved, expected]: [MovedDevice; 2] = [moved, expected].map(|text| text.parse().expect("a device"));
    let addresses = |device: &MovedDevice| device.addrs.iter().map(|moved| moved.addr).collect::<Vec<_>>();
    moved.name == expected.name && addresses(&moved) == addresses(&expected)
}

fn judge_restore(outcome: &mut Outcome<'_>) -> Result<(), String> {
    if outcome.is_ok() { outcome.there_is(outcome.whole, "its addresses are back") } else { Ok(()) }
}

fn judge_move(outcome: &mut Outcome<'_>) -> Result<(), String> {
    if outcome.is_ok() { outcome.there_is(outcome.whole, "it is moved") } else { judge_place(outcome, ["d0", "d0"]) }
}

#[kernel_test]
fn taking_a_device() -> Result<(), Skip> {
    // Who was killed has not kept what it had: then the device is looked for where it was to go.
    let again = |scene: &mut Scene| {
        let pod: &mut Sandbox = &mut scene.pods[0];
        if pod.socket().index_of("eth0").is_err() {
            MovedDevice::take(&mut scene.host, "d0", pod, Some(name("eth0"))).expect("it is moved");
        }
    };
    matrix::run(&Operation { name: "take a device", role: "take", prepare, judge: judge_take, again, share: SMALL })
}

#[kernel_test]
fn giving_a_device_its_addresses_back() -> Result<(), Skip> {
    let again = |scene: &mut Scene| {
        let moved: MovedDevice = scene.told[0].parse().expect("a device");
        moved.restore(&mut scene.pods[0]).expect("its addresses are back");
    };
    matrix::run(&Operation {
        name: "restore a device",
        role: "give_back",
        prepare: prepare_moved,
        judge: judge_restore,
        again,
        share: SMALL,
    })
}

#[kernel_test]
fn moving_a_link() -> Result<(), Skip> {
    let prepare = || {
        let mut scene = prepare();
        scene.told = vec![scene.host.index_of("d0").expect("a device").to_string()];
        scene
    };
    let again = |scene: &mut Scene| {
        if let Ok(device) = scene.host.index_of("d0") {
            scene.host.change(&LinkChange::move_to(device, &scene.pods[0])).expect("it is moved");
        }
    };
    matrix::run(&Operation { name: "move a link", role: "move_link", prepare, judge: judge_move, again, share: SMALL })
}
