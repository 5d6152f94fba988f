//! A step of the caller's own while a container is attached: part of the whole, undone with it.

use crate::common::{Skip, name, parent, socket};
use crate::help::{Pod, bridge_endpoint, net};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use sublink::addr::ListAddresses;
use sublink::endpoint::{Detach, Fate};
use sublink::error::Undo;
use sublink::{Attached, Endpoint, Error, LinkChange, MacvlanMode, NewAddress, NewLink, Sandbox};
use sublink_tests::kernel_test;

/// As an engine has one.
#[derive(Debug)]
enum EngineError {
    NoAddressLeft,
    Link(Error),
}

impl From<Error> for EngineError {
    fn from(error: Error) -> Self {
        Self::Link(error)
    }
}

#[kernel_test]
fn what_the_step_does_comes_before_the_addresses() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let endpoint = bridge_endpoint(parent(&mut host));
    let step = |link: &Attached, pod: &mut Sandbox| -> Result<_, EngineError> {
        let found = pod.socket().link_at(link.index)?;
        assert!(!found.is_up() && found.name() == "eth0");
        assert_eq!(pod.socket().snapshot(&ListAddresses::new().index(link.index)).unwrap(), []);
        pod.set_sysctl(format!("ipv6/conf/{}/accept_ra", link.name), "0")?;
        pod.socket().apply(&NewAddress::new(link.index, net("10.0.60.7/24")))?;
        Ok("a lease")
    };
    let (attached, lease) = endpoint.attach_with(&mut host, &mut pod.sandbox, step).unwrap();
    assert_eq!(lease, "a lease");
    assert_eq!(endpoint.check(&attached, &mut pod.sandbox).unwrap(), []);
    assert_eq!(endpoint.clone().addr(net("10.0.60.7/24")).check(&attached, &mut pod.sandbox).unwrap(), []);
    assert_eq!(pod.sandbox.sysctl("ipv6/conf/eth0/accept_ra").unwrap(), "0");
    assert_eq!(attached.detach(&mut host, &mut pod.sandbox, &Detach::new()).unwrap().link, Fate::Deleted);
    Ok(())
}

#[kernel_test]
fn a_step_that_fails_leaves_nothing() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let (endpoint, before) = (bridge_endpoint(parent(&mut host)), pod.contents());
    let failed = endpoint.attach_with(&mut host, &mut pod.sandbox, |_, _| Err::<(), _>(EngineError::NoAddressLeft));
    assert!(matches!(failed, Err(EngineError::NoAddressLeft)), "{failed:?}");
    assert_eq!(pod.contents(), before);
    Ok(())
}

#[kernel_test]
fn what_fails_around_the_step_leaves_nothing() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let parent = parent(&mut host);
    let before = pod.contents();
    let mut steps = 0;
    let mut attach = |endpoint: &Endpoint<'_>| {
        endpoint.attach_with(&mut host, &mut pod.sandbox, |_, _| {
            steps += 1;
            Ok::<_, EngineError>(())
        })
    };
    let cannot_be_made = Endpoint::new(NewLink::macvlan(parent).mtu(9000).name(name("eth0")));
    let EngineError::Link(error) = attach(&cannot_be_made).unwrap_err() else { panic!("the link's") };
    assert_eq!(error.undo(), Some(Undo::Clean), "{error}");
    let cannot_be_finished = bridge_endpoint(parent).addr(net("10.0.50.7/24"));
    let EngineError::Link(error) = attach(&cannot_be_finished).unwrap_err() else { panic!("the link's") };
    assert!(error.is_already_there() && error.undo() == Some(Undo::Clean), "{error}");
    assert_eq!(steps, 1, "only where there was a link");
    assert_eq!(pod.contents(), before);
    Ok(())
}

#[kernel_test]
fn a_step_that_panics_leaves_nothing() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let (endpoint, before) = (bridge_endpoint(parent(&mut host)), pod.contents());
    let mut attach = || {
        endpoint.attach_with(&mut host, &mut pod.sandbox, |_, _| -> Result<(), Error> {
            resume_unwind(Box::new("in the step")) // a panic that prints nothing
        })
    };
    let panic = catch_unwind(AssertUnwindSafe(&mut attach)).expect_err("it goes on in the caller");
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"in the step"));
    assert_eq!(pod.contents(), before);
    Ok(())
}

/// A container that is up to something deletes the link meanwhile: it is gone, and nothing else is touched.
#[kernel_test]
fn a_link_that_vanished_in_the_step_is_gone() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let (endpoint, before) = (bridge_endpoint(parent(&mut host)), pod.contents());
    let step = |link: &Attached, pod: &mut Sandbox| pod.socket().delete(link.index);
    let error = endpoint.attach_with(&mut host, &mut pod.sandbox, step).unwrap_err();
    assert!(matches!(error.undo(), Some(Undo::Gone(_))), "{error}");
    assert_eq!(pod.contents(), before);
    Ok(())
}

/// As a DHCP client wants it, which gives it its addresses.
#[kernel_test]
fn a_link_without_addresses_is_brought_up() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let link = NewLink::macvlan(parent(&mut host)).mode(MacvlanMode::Bridge).name(name("eth0"));
    let endpoint = Endpoint::new(link);
    let attached = endpoint.attach(&mut host, &mut pod.sandbox).unwrap();
    assert!(pod.inside().link_at(attached.index).unwrap().is_up());
    pod.inside().apply(&NewAddress::new(attached.index, net("10.0.50.7/24"))).unwrap();
    attached.detach(&mut host, &mut pod.sandbox, &Detach::new()).unwrap();
    // Or in the step, before the addresses that it finds out.
    let step = |link: &Attached, pod: &mut Sandbox| pod.socket().change(&LinkChange::new(link.index).up());
    let endpoint = endpoint.addr(net("10.0.50.7/24"));
    let (attached, ()) = endpoint.attach_with(&mut host, &mut pod.sandbox, step).unwrap();
    assert_eq!(endpoint.check(&attached, &mut pod.sandbox).unwrap(), []);
    Ok(())
}
