//! What the kernel does with proto_down: the steps of a report to its developers (a macvlan on a dummy, held down, and the dummy
//! taken down and up), and of `man 8 ip-link`.

use crate::common::{Skip, kernel, name, parent, socket};
use crate::tools::{await_link, here};
use sublink::link::{OperState, ProtoDownReasons};
use sublink::{LinkChange, MacvlanMode, NewLink};
use sublink_tests::kernel_test;

/// Linux up to 6.18 gives it its carrier back whenever its parent's state changes; 7.2 does not.
#[kernel_test]
fn a_macvlan_that_is_held_down_and_its_parent_comes_back() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    // The kernel tells of a change of the parent's state a moment later.
    let await_parent = || await_link(&here(), parent, "the parent", |link| link.oper_state() == OperState::Up);
    await_parent();
    let link = NewLink::macvlan(parent).mode(MacvlanMode::Bridge).up();
    let (held, free) = ["held", "free"].map(|link_name| socket.create(&link.name(name(link_name))).unwrap()).into();
    let await_carrier = |index, is_there: bool| {
        await_link(&here(), index, "a carrier", |link| link.carrier() == Some(is_there));
    };
    let hold = LinkChange::new(held).proto_down(true);
    await_carrier(held, true);
    socket.change(&hold).unwrap();
    await_carrier(held, false);
    socket.change(&LinkChange::new(parent).down()).unwrap();
    await_carrier(free, false);
    socket.change(&LinkChange::new(parent).up()).unwrap();
    await_parent();
    await_carrier(free, true); // both are told in one walk
    let link = socket.link_at(held).unwrap().to_owned();
    assert_eq!(link.proto_down, Some(true), "it says so either way");
    if kernel() <= (6, 18) {
        assert_eq!(link.carrier, Some(true));
    } else if kernel() >= (7, 2) {
        assert_eq!(link.carrier, Some(false));
    }
    socket.change(&hold).unwrap(); // holds it down again
    await_carrier(held, false);
    socket.change(&LinkChange::new(held).proto_down(false)).unwrap();
    await_carrier(held, true);
    Ok(())
}

/// `man 8 ip-link`: of several programs, none ends what another still wants.
#[kernel_test]
fn the_last_of_several_programs_lets_it_up() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    await_link(&here(), parent, "the parent", |link| link.oper_state() == OperState::Up);
    let index = socket.create(&NewLink::macvlan(parent).name(name("mv0")).up()).unwrap();
    let reasons = [3, 9].map(|bit| ProtoDownReasons::from(1 << bit));
    for reason in reasons {
        socket.change(&LinkChange::new(index).proto_down(true).proto_down_reason(reason.on())).unwrap();
    }
    let ends = |reason: ProtoDownReasons| LinkChange::new(index).proto_down(false).proto_down_reason(reason.off());
    assert!(socket.change(&ends(reasons[0])).unwrap_err().is_busy());
    let link = socket.link_at(index).unwrap();
    assert_eq!(
        (link.proto_down(), link.proto_down_reason()),
        (Some(true), reasons[1]),
        "its reason is gone all the same"
    );
    socket.change(&ends(reasons[1])).unwrap();
    await_link(&here(), index, "its carrier", |link| link.carrier() == Some(true));
    Ok(())
}
