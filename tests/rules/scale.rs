//! A thousand links on one parent, from the first to the last, and what is there afterwards.

use crate::common::{Skip, name, parent, socket};
use crate::help::{all, descriptors, needs_usual_buffers, own_descriptors};
use std::collections::BTreeSet;
use sublink::batch::Outcome;
use sublink::{Batch, IfName, LinkChange, ListLinks, MacvlanMode, NewLink};
use sublink_tests::kernel_test;

const LINKS: usize = 1000;
const GROUP: u32 = 1000;

fn numbered(number: usize) -> IfName {
    name(&format!("mv{number}"))
}

#[kernel_test]
pub fn a_thousand_macvlans_come_and_go() -> Result<(), Skip> {
    needs_usual_buffers()?;
    own_descriptors();
    let mut socket = socket();
    let parent = parent(&mut socket);
    let (links, open) = (all(&mut socket), descriptors());
    let mut batch = Batch::new();

    for number in 0..LINKS {
        batch.push(&NewLink::macvlan(parent).name(numbered(number)).group(GROUP)).unwrap();
    }
    socket.run(&mut batch).unwrap();
    assert!(batch.outcomes().iter().all(|outcome| *outcome == Outcome::Done));

    let list = ListLinks::new().kind("macvlan").parent(parent);
    let made = socket.links(&list).unwrap().collect().unwrap();
    let expected: BTreeSet<IfName> = (0..LINKS).map(numbered).collect();
    assert_eq!(made.len(), LINKS, "none is there twice");
    assert_eq!(made.iter().map(|link| link.name).collect::<BTreeSet<_>>(), expected);
    assert_eq!(made.iter().map(|link| link.mac).collect::<BTreeSet<_>>().len(), LINKS);

    batch.clear();
    for (number, link) in made.iter().enumerate() {
        let mtu = u32::try_from(1000 + number % 500).unwrap();
        batch.push(&LinkChange::macvlan(link.index).mode(MacvlanMode::Private).mtu(mtu)).unwrap();
    }
    socket.run(&mut batch).unwrap();
    let mut changed = socket.links(&list).unwrap();
    for (number, link) in made.iter().enumerate() {
        let now = changed.next().unwrap().expect("as many as before");
        assert_eq!((now.index(), now.mtu() as usize), (link.index, 1000 + number % 500));
        assert_eq!(now.macvlan().unwrap().mode(), Some(MacvlanMode::Private));
    }
    assert!(changed.next().unwrap().is_none());

    socket.delete_group(GROUP).unwrap();
    assert_eq!(all(&mut socket), links);
    assert_eq!(descriptors(), open);
    Ok(())
}
