//! An attach × what becomes of the answers of either socket: it ends, and what it says of the link is true.

use super::{Attached, Endpoint};
use crate::error::{Result, Undo};
use crate::link::{MacvlanMode, NewLink};
use crate::netns::Netns;
use crate::sandbox::Sandbox;
use crate::socket::Socket;
use crate::socket::script::{FATES, Fate, Kernel, Shared, socket};
use crate::value::{IfIndex, IfName, MacAddr};
use std::sync::{Arc, Mutex};

const CONTAINER: usize = 1;

/// What an attach leaves in the container, and what it says.
fn attach(kernel: &Shared, host: Socket, inside: Socket) -> Result<Attached> {
    let (mut host, mut pod) = (host, Sandbox::with(Netns::current().unwrap(), inside, None));
    let link = NewLink::macvlan(IfIndex::new(2).unwrap()).mode(MacvlanMode::Bridge);
    let link = link.name(IfName::new("eth0").unwrap()).mac(MacAddr::new([2, 0, 0, 0, 0, 7]).unwrap());
    let endpoint = Endpoint::new(link).addr("10.0.0.7/24".parse().unwrap()).gateway("10.0.0.1".parse().unwrap());
    let attached = endpoint.attach(&mut host, &mut pod);
    let kernel = kernel.lock().unwrap();
    let made = kernel.links[CONTAINER].iter().find(|(_, link)| link.name == "eth0");
    let is_there = |index: IfIndex| made.is_some_and(|(made, _)| *made == index.get());
    match &attached {
        Ok(attached) => {
            let (_, link) = made.filter(|_| is_there(attached.index)).expect("attached, and not there");
            assert!(link.is_up && link.addrs == 1, "{link:?}");
        }
        Err(error) => match error.undo() {
            Some(Undo::Clean | Undo::Gone(_)) | None => assert!(made.is_none(), "{error}: {made:?}"),
            Some(Undo::LeftBehind(index)) => assert!(is_there(index), "{error}: {made:?}"),
            Some(Undo::Unknown(_)) => {}
            Some(undo) => panic!("{undo:?}: {error}: {made:?}"),
        },
    }
    attached
}

#[test]
fn what_is_said_of_the_link_is_true() {
    let harmless = [Fate::Whole, Fate::Doubled, Fate::Forged, Fate::Foreign];
    // Which send of which socket meets it, or all from there on.
    for (fate, is_inside, first, is_always) in FATES.iter().flat_map(|fate| {
        let sends = (0..4).flat_map(|first| [(first, false), (first, true)]);
        sends.flat_map(move |(first, is_always)| [false, true].map(|inside| (*fate, inside, first, is_always)))
    }) {
        // The kernel does not reorder, and an error that is lost in silence is none to a batch with one acknowledgement. What
        // is endless takes the time limit each time.
        if matches!(fate, Fate::FirstLost | Fate::Reversed | Fate::Endless) {
            continue;
        }
        println!("{fate:?}, inside: {is_inside}, from send {first}, always: {is_always}"); // shown when it fails
        let kernel: Shared = Arc::new(Mutex::new(Kernel::with_links(3)));
        let of = |namespace: usize| {
            let mut sends = 0;
            socket(&kernel, namespace, move |request, events, late| {
                let is_met = if is_always { sends >= first } else { sends == first };
                sends += 1;
                let fate = if is_met && is_inside == (namespace == CONTAINER) { fate } else { Fate::Whole };
                fate.befall(request, events, late)
            })
        };
        let attached = attach(&kernel, of(0), of(CONTAINER));
        assert!(attached.is_ok() || !harmless.contains(&fate), "{attached:?}");
    }
}
