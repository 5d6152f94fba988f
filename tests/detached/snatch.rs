//! A container that moves the link away between the two sends of an attach.

use crate::common::{Skip, name, parent, socket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use sublink::error::Undo;
use sublink::{Endpoint, LinkChange, MacvlanMode, NewLink, Sandbox, Socket};
use sublink_tests::kernel_test;

/// A failed attach that says that no link is left has left none: it was followed.
#[kernel_test]
fn a_link_that_is_snatched_is_taken_back() -> Result<(), Skip> {
    let mut host = socket();
    let parent = parent(&mut host);
    let [mut pod, mut nested] = [(); 2].map(|()| Sandbox::create().unwrap());
    let is_over = AtomicBool::new(false);
    let (from, to) = (pod.netns().try_clone().unwrap(), nested.netns().try_clone().unwrap());
    let snatched = thread::scope(|scope| {
        scope.spawn(|| {
            let mut inside = Socket::open_in(&from).unwrap();
            while !is_over.load(Ordering::SeqCst) {
                if let Ok(index) = inside.index_of("eth0") {
                    let _ = inside.change(&LinkChange::move_to(index, &to));
                }
            }
        });
        let mut snatched = 0;
        for _ in 0..100 {
            let link = NewLink::macvlan(parent).mode(MacvlanMode::Bridge).name(name("eth0"));
            let attached = Endpoint::new(link).addr("10.9.0.7/24".parse().unwrap()).attach(&mut host, &mut pod);
            let left = nested.socket().index_of("eth0").ok();
            if let Err(error) = attached {
                let undo = error.undo().unwrap();
                assert!(!(undo == Undo::Clean && left.is_some()), "{error}");
                assert_eq!(undo == Undo::Clean, error.to_string().ends_with("no link is left behind"), "{error}");
                snatched += usize::from(undo == Undo::Clean);
            }
            if let Some(left) = left {
                nested.socket().delete(left).unwrap();
            }
            if let Ok(left) = pod.socket().index_of("eth0") {
                let _ = pod.socket().delete(left);
            }
        }
        is_over.store(true, Ordering::SeqCst);
        snatched
    });
    println!("taken back {snatched} times");
    Ok(())
}

/// The same in order: between `prepare` and `finish`.
#[kernel_test]
fn what_became_of_it_is_told() -> Result<(), Skip> {
    let mut host = socket();
    let parent = parent(&mut host);
    let [mut pod, mut nested, deep] = [(); 3].map(|()| Sandbox::create().unwrap());
    let link = NewLink::macvlan(parent).mode(MacvlanMode::Bridge).name(name("eth0"));
    let endpoint = Endpoint::new(link).addr("10.9.0.7/24".parse().unwrap());

    let prepared = endpoint.prepare(&mut host, &mut pod).unwrap();
    pod.socket().change(&LinkChange::move_to(prepared.index, &nested)).unwrap();
    let error = endpoint.finish(&prepared, &mut pod).unwrap_err();
    assert_eq!(error.undo(), Some(Undo::Clean), "{error}");
    assert!(nested.socket().index_of("eth0").unwrap_err().is_no_device(), "it was followed");

    let prepared = endpoint.prepare(&mut host, &mut pod).unwrap();
    pod.socket().change(&LinkChange::move_to(prepared.index, &nested)).unwrap();
    nested.socket().change(&LinkChange::move_to(prepared.index, &deep)).unwrap();
    let error = endpoint.finish(&prepared, &mut pod).unwrap_err();
    assert_eq!(error.undo(), Some(Undo::Gone(prepared.index)), "{error}");
    assert!(error.to_string().ends_with("is not in the container, and was not found elsewhere"), "{error}");
    Ok(())
}
