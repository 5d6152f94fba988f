//! What the kernel does with proto_down: the steps of a report to its developers (a macvlan on a dummy, held down, and the dummy
//! taken down and up), and of `man 8 ip-link`.

use crate::common::{Skip, name, parent, socket};
use crate::tools::{await_link, here};
use sublink::link::{OperState, ProtoDownReasons};
use sublink::{LinkChange, MacvlanMode, NewLink};
use sublink_tests::kernel_test;

/// It would rather stay as it was asked for; up to Linux 7.3 it does not.
#[kernel_test]
fn a_macvlan_that_is_held_down_gets_its_carrier_back_with_its_parent() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    // Every change of the parent's state, which the kernel tells of a moment later, gives the macvlan its carrier back.
    let await_parent = || await_link(&here(), parent, "the parent", |link| link.oper_state() == OperState::Up);
    await_parent();
    let index = socket.create(&NewLink::macvlan(parent).mode(MacvlanMode::Bridge).name(name("mv0")).up()).unwrap();
    let await_carrier = |is_there: bool| {
        await_link(&here(), index, "a carrier", |link| link.carrier() == Some(is_there));
    };
    await_carrier(true);
    let hold = LinkChange::new(index).proto_down(true);
    socket.change(&hold).unwrap();
    await_carrier(false);
    socket.change(&LinkChange::new(parent).down()).unwrap();
    socket.change(&LinkChange::new(parent).up()).unwrap();
    await_parent();
    await_carrier(true);
    assert_eq!(socket.link_at(index).unwrap().proto_down(), Some(true), "it still says that it is held down");
    socket.change(&hold).unwrap(); // holds it down again
    await_carrier(false);
    socket.change(&LinkChange::new(index).proto_down(false)).unwrap();
    await_carrier(true);
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
