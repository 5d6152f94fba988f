//! Many containers at once.

use crate::common::{Skip, name, parent, socket};
use crate::help::{Pod, bridge_endpoint, net};
use nix::sched::{CloneFlags, unshare};
use std::fs;
use std::os::fd::AsFd;
use std::thread;
use sublink::endpoint::{Detached, detach_many};
use sublink::socket::AddressWatch;
use sublink::{Endpoint, Error, ErrorKind, IfIndex, MacvlanMode, Netns, NewLink, Socket};
use sublink_tests::kernel_test;

const THREADS: u8 = 8;
const ROUNDS: u8 = 13;

/// 104 attaches and detaches from 8 threads, on one parent.
#[kernel_test]
pub fn a_hundred_come_and_go_at_once() -> Result<(), Skip> {
    let mut host = socket();
    let parent = parent(&mut host);
    let here = Netns::current().unwrap();
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let here = &here;
            scope.spawn(move || {
                let (mut host, mut pod) = (Socket::open_in(here).unwrap(), Pod::new());
                let empty = pod.contents();
                for round in 0..ROUNDS {
                    let link = NewLink::macvlan(parent).mode(MacvlanMode::Bridge).name(name("eth0"));
                    let endpoint = Endpoint::new(link).addr(net(&format!("10.{thread}.{round}.7/24")));
                    let attached = pod.attach(&mut host, &endpoint).unwrap();
                    assert_eq!(endpoint.check(&attached, &mut pod.sandbox).unwrap(), []);
                    assert_eq!(attached.detach(&mut pod.sandbox).unwrap(), Detached::Deleted);
                }
                assert_eq!(pod.contents(), empty);
            });
        }
    });
    // No child is left on the parent, in any namespace: the kernel would not allow a passthru one beside it.
    let probe = host.create(&NewLink::macvlan(parent).mode(MacvlanMode::Passthru)).unwrap();
    host.delete(probe).unwrap();
    Ok(())
}

#[kernel_test]
pub fn many_are_detached_together() -> Result<(), Skip> {
    let mut host = socket();
    let endpoint = bridge_endpoint(parent(&mut host));
    let mut pods: Vec<_> = (0..48).map(|_| Pod::new()).collect();
    let attached: Vec<_> = pods.iter_mut().map(|pod| pod.attach(&mut host, &endpoint).unwrap()).collect();
    pods[17].inside().delete(attached[17].index).unwrap();
    let not_a_namespace = fs::File::open("/dev/null").unwrap();
    let mut endpoints: Vec<_> = pods.iter().map(|pod| pod.sandbox.as_fd()).zip(attached).collect();
    endpoints.push((not_a_namespace.as_fd(), endpoints[0].1));
    let results = detach_many(&endpoints);
    assert_eq!(results.len(), 49);
    for (number, result) in results.iter().enumerate() {
        match number {
            17 => assert_eq!(*result.as_ref().unwrap(), Detached::Gone),
            48 => {
                let is_none = |error: &Error| matches!(error.kind(), ErrorKind::NotANamespace { .. });
                assert!(result.as_ref().is_err_and(is_none), "it is no namespace");
            }
            _ => assert_eq!(*result.as_ref().unwrap(), Detached::Deleted, "{number}"),
        }
    }
    assert!(detach_many::<Netns>(&[]).is_empty());
    Ok(())
}

/// Attached, failed and detached, again and again: no descriptor is left.
#[kernel_test]
pub fn nothing_is_left_open() -> Result<(), Skip> {
    unshare(CloneFlags::CLONE_FILES).expect("descriptors of this thread's own");
    let descriptors = || fs::read_dir("/proc/thread-self/fd").expect("a list").count();
    let (mut host, mut pod) = (socket(), Pod::new());
    let endpoint = bridge_endpoint(parent(&mut host));
    let before = descriptors();
    for _ in 0..3 {
        let attached = pod.attach(&mut host, &endpoint).unwrap();
        pod.attach(&mut host, &endpoint).unwrap_err();
        assert_eq!(detach_many(&[(pod.sandbox.netns(), attached)])[0].as_ref().unwrap(), &Detached::Deleted);
        let mut watch = AddressWatch::open_in(&pod.sandbox).unwrap();
        let loopback = IfIndex::new(1).unwrap();
        watch.wait(loopback, &[], std::time::Duration::ZERO).unwrap();
    }
    assert_eq!(descriptors(), before);
    Ok(())
}
