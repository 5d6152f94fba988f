//! `net/netns-name.sh`: moves of links whose names are taken.

use crate::common::{Skip, kernel, name, socket};
use crate::tools::{here, spare};
use sublink::endpoint::MovedDevice;
use sublink::error::Whereabouts;
use sublink::{ErrorKind, IfIndex, LinkChange, NewLink, Sandbox};
use sublink_tests::kernel_test;

const DEV: &str = "dummy-dev0";
const DEV2: &str = "dummy-dev1";
const ALT_NAME: &str = "some-alt-name";

#[kernel_test]
fn a_move_without_a_rename() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Sandbox::create().unwrap());
    let index = spare(&mut host, DEV, None).unwrap();
    host.change(&LinkChange::move_to(index, pod.netns())).unwrap();
    assert!(pod.socket().index_of(DEV).is_ok());
    assert!(host.index_of(DEV).unwrap_err().is_no_device());
    Ok(())
}

#[kernel_test]
fn a_move_with_a_conflict_is_refused() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Sandbox::create().unwrap());
    let theirs = spare(pod.socket(), DEV, None).unwrap();
    let index = spare(&mut host, DEV, None).unwrap();
    let error = host.change(&LinkChange::move_to(index, pod.netns())).unwrap_err();
    assert!(error.is_already_there(), "{error}");
    assert_eq!(error.link_is(), Some(Whereabouts::Here));
    let failed = MovedDevice::take(&mut host, DEV, &mut pod, None).unwrap_err();
    assert!(matches!(failed.error.kind(), ErrorKind::NameIsTaken { .. }), "{}", failed.error);
    assert_eq!((host.index_of(DEV).unwrap(), pod.socket().index_of(DEV).unwrap()), (index, theirs));
    Ok(())
}

#[kernel_test]
fn a_move_with_a_conflict_and_a_rename() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Sandbox::create().unwrap());
    for take in [false, true] {
        let theirs = spare(pod.socket(), DEV, None).unwrap();
        let index = spare(&mut host, DEV, None).unwrap();
        if take {
            MovedDevice::take(&mut host, DEV, &mut pod, Some(name(DEV2))).unwrap();
        } else {
            host.change(&LinkChange::move_to(index, pod.netns()).name(name(DEV2))).unwrap();
        }
        let moved = pod.socket().index_of(DEV2).unwrap();
        assert_eq!(pod.socket().index_of(DEV).unwrap(), theirs);
        for gone in [moved, theirs] {
            pod.socket().delete(gone).unwrap();
        }
    }
    Ok(())
}

#[kernel_test]
fn a_move_with_an_alternative_name_that_is_taken_is_refused() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Sandbox::create().unwrap());
    let theirs = spare(pod.socket(), DEV, None).unwrap();
    pod.socket().add_alt_name(theirs, ALT_NAME).unwrap();
    let index = spare(&mut host, DEV2, None).unwrap();
    host.add_alt_name(index, ALT_NAME).unwrap();
    let moved = host.change(&LinkChange::move_to(index, pod.netns()));
    // Linux has looked since 6.6, and in stable releases of those before.
    if let Err(error) = moved {
        assert!(error.is_already_there(), "{error}");
        assert_eq!(error.link_is(), Some(Whereabouts::Here));
        assert_eq!(host.link_by_alt_name(ALT_NAME).unwrap().index(), index);
    } else {
        assert!(kernel() < (6, 6));
    }
    assert_eq!(pod.socket().link_by_alt_name(ALT_NAME).unwrap().if_name(), name(DEV));
    Ok(())
}

#[kernel_test]
fn an_alternative_name_moves_along() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Sandbox::create().unwrap());
    let index = spare(&mut host, DEV, None).unwrap();
    host.add_alt_name(index, ALT_NAME).unwrap();
    host.change(&LinkChange::move_to(index, pod.netns())).unwrap();
    let (here, there) = (host.link_by_alt_name(ALT_NAME), pod.socket().link_by_alt_name(ALT_NAME));
    let (of_the_link, of_none) = if kernel() < (6, 1) { (here, there) } else { (there, here) }; // 5.10 leaves it behind
    assert_eq!(of_the_link.unwrap().if_name(), name(DEV));
    assert!(of_none.unwrap_err().is_no_device(), "it is found in both");
    Ok(())
}

/// The selftest's last step came with Linux 6.15, which looks names and indexes up where the link is to be.
#[kernel_test]
fn the_same_name_and_index_in_two_namespaces() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Sandbox::create().unwrap());
    let index = IfIndex::new(100).unwrap();
    spare(&mut host, DEV, Some(index)).unwrap();
    let here = here();
    let link = NewLink::veth(NewLink::peer().name(name("peer")).netns(&here)).name(name(DEV)).index(index);
    let made = host.create(&link.netns(pod.netns()));
    if kernel() >= (6, 15) {
        assert_eq!(made.unwrap(), index);
        assert_eq!(pod.socket().name_of(index).unwrap(), name(DEV));
        pod.socket().delete(index).unwrap();
    } else {
        let error = made.unwrap_err();
        assert!(error.is_already_there() || error.is_busy(), "{error}");
    }
    assert_eq!(host.index_of(DEV).unwrap(), index);
    Ok(())
}
