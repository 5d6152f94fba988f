//! What Linux does differently from one version to the next, both ways, and that [`Socket`] hides it where it says so.
//!
//! Requests go out as they are encoded, where `Socket` would choose an index or bring the link up itself.

use crate::common::{Skip, kernel, knows, mac, name, parent, sequence, socket, veth};
use crate::help::{elsewhere, encoded, errno_of, exchange, flagged, index, looks_in_the_target, netnsid, sentence};
use sublink::link::{DeleteLink, MacvlanFlags};
use sublink::{LinkChange, MacvlanMode, NewLink, Socket};
use sublink_tests::kernel_test;

const EBUSY: i32 = 16;
const EEXIST: i32 = 17;
const EINVAL: i32 = 22;
const EAFNOSUPPORT: i32 = 97;

/// Since Linux 6.16, names and indexes are looked up where the link is to be; before, where the request comes from.
#[kernel_test]
pub fn names_and_indexes_are_looked_up_where_the_link_is_to_be() -> Result<(), Skip> {
    let (mut socket, (there, _)) = (socket(), elsewhere());
    let parent = parent(&mut socket);
    let here = socket.create(&NewLink::macvlan(parent).name(name("eth0")).index(index(600))).unwrap();
    let link = NewLink::macvlan(parent).netns(&there);
    let taken = if looks_in_the_target() { 0 } else { EEXIST };
    assert_eq!(errno_of(&socket, &encoded(&link.name(name("eth0")))), taken, "a name");
    assert_eq!(errno_of(&socket, &encoded(&link.name(name("other")).index(here))), taken, "an index");
    // With an index, no name is looked up here.
    let (third, _) = elsewhere();
    let indexed = NewLink::macvlan(parent).netns(&third).name(name("eth0")).index(index(601));
    assert_eq!(errno_of(&socket, &encoded(&indexed)), 0);
    Ok(())
}

#[kernel_test]
pub fn an_index_taken_there_has_its_own_error() -> Result<(), Skip> {
    let (mut socket, (there, _)) = (socket(), elsewhere());
    let parent = parent(&mut socket);
    let link = NewLink::macvlan(parent).netns(&there).index(index(600));
    assert_eq!(errno_of(&socket, &encoded(&link)), 0);
    let taken = if looks_in_the_target() { EEXIST } else { EBUSY };
    assert_eq!(errno_of(&socket, &encoded(&link)), taken);
    Ok(())
}

/// Linux up to 6.12 leaves such a link down and says nothing, and wants its name to be free at the parent's as well.
#[kernel_test]
pub fn a_link_with_its_parent_elsewhere_comes_up() -> Result<(), Skip> {
    let (mut socket, (there, mut inside)) = (socket(), elsewhere());
    let parent = veth(&mut socket, "eth0", "p1");
    let nsid = netnsid(&mut socket, parent, &mut inside, &there);
    let link = NewLink::macvlan(parent).parent_in(nsid).up();
    assert_eq!(errno_of(&inside, &encoded(&link.name(name("a")).mac(mac(1)))), 0);
    assert_eq!(inside.link("a").unwrap().is_up(), looks_in_the_target());
    let clash = if looks_in_the_target() { 0 } else { EEXIST };
    assert_eq!(errno_of(&inside, &encoded(&link.name(name("eth0")).mac(mac(2)))), clash);
    Ok(())
}

/// `NLM_F_ECHO`: a create has it since Linux 6.2, a delete since 5.10 or so.
#[kernel_test]
pub fn a_create_is_echoed() -> Result<(), Skip> {
    const ECHO: u16 = 8;
    let mut socket = socket();
    let parent = parent(&mut socket);
    let types = |request: Vec<u8>, socket: &Socket| -> Vec<u16> {
        exchange(socket, &flagged(request, ECHO)).iter().map(|came| came.ty).collect()
    };
    let created = types(encoded(&NewLink::macvlan(parent).name(name("a"))), &socket);
    assert_eq!(created, if kernel() >= (6, 2) { vec![16, 2] } else { vec![2] });
    let made = socket.index_of("a").unwrap();
    assert_eq!(
        types(encoded(&DeleteLink::index(made)), &socket),
        if kernel() > (5, 10) { vec![17, 2] } else { vec![2] }
    );
    // Either way, its index is returned, and without an echo it takes a look-up.
    let before = sequence(&mut socket);
    let made = socket.create(&NewLink::macvlan(parent).name(name("b"))).unwrap();
    let requests = sequence(&mut socket).wrapping_sub(before) - 1;
    assert_eq!(requests, if kernel() >= (6, 2) { 1 } else { 2 });
    assert_eq!(socket.index_of("b").unwrap(), made);
    Ok(())
}

#[kernel_test]
pub fn a_link_that_is_up_is_renamed() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let link = socket.create(&NewLink::macvlan(parent).name(name("a")).up()).unwrap();
    let renamed = socket.change(&LinkChange::new(link).name(name("b")));
    if kernel() >= (6, 2) {
        renamed.unwrap();
        assert_eq!(socket.index_of("b").unwrap(), link);
    } else {
        assert_eq!(sentence(renamed), "change link a: EBUSY (Device or resource busy)");
        assert_eq!(socket.index_of("a").unwrap(), link);
    }
    assert!(socket.link_at(link).unwrap().is_up());
    Ok(())
}

#[kernel_test]
pub fn a_move_gives_the_index_asked_for() -> Result<(), Skip> {
    let (mut socket, (there, mut inside)) = (socket(), elsewhere());
    let parent = parent(&mut socket);
    let link = socket.create(&NewLink::macvlan(parent).name(name("a")).index(index(600))).unwrap();
    socket.change(&LinkChange::move_to(link, &there).index_there(index(700))).unwrap();
    let expected = if knows("index_there") { 700 } else { 600 };
    assert_eq!(inside.index_of("a").unwrap().get(), expected);
    Ok(())
}

/// Which is why settings of address families are a request of their own.
#[kernel_test]
pub fn address_families_are_not_set_at_create() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let mut request = encoded(&NewLink::macvlan(parent).name(name("a")));
    request.extend([
        16, 0, 26, 0x80, // IFLA_AF_SPEC {
        12, 0, 10, 0x80, //   AF_INET6 {
        5, 0, 8, 0, 1, 0, 0, 0, // IFLA_INET6_ADDR_GEN_MODE = none
    ]);
    let length = u32::try_from(request.len()).expect("a length");
    request[..4].copy_from_slice(&length.to_ne_bytes());
    let is_refused = kernel() > (5, 10);
    assert_eq!(errno_of(&socket, &request), if is_refused { EAFNOSUPPORT } else { 0 });
    assert_eq!(socket.index_of("a").is_err(), is_refused);
    Ok(())
}

#[kernel_test]
pub fn macvlans_know_more_from_version_to_version() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let nodst = NewLink::macvlan(parent).name(name("a")).mode(MacvlanMode::Source).flags(MacvlanFlags::NODST);
    // Late releases of 5.10 know it too.
    let errno = errno_of(&socket, &encoded(&nodst));
    assert!(errno == 0 || (errno == EINVAL && kernel() < (5, 13)), "{errno}");
    if errno == 0 {
        let flags = socket.link("a").unwrap().macvlan().unwrap().flags();
        assert_eq!(flags, Some(MacvlanFlags::NODST));
    }

    let queue = NewLink::macvlan(parent).name(name("b")).bc_queue_len(3000);
    let made = socket.create(&queue).unwrap();
    let read = socket.link_at(made).unwrap().macvlan().unwrap().bc_queue_len();
    assert_eq!(read, knows("bc_queue_len").then_some(3000));
    assert_eq!(socket.verify(made, &queue).is_ok(), knows("bc_queue_len"));

    let cutoff = NewLink::macvlan(parent).name(name("c")).bc_cutoff(5);
    let made = socket.create(&cutoff).unwrap();
    let read = socket.link_at(made).unwrap().macvlan().unwrap().bc_cutoff();
    let verified = socket.verify(made, &cutoff);
    if knows("bc_cutoff") {
        assert_eq!(read, Some(5));
        verified.unwrap();
    } else {
        assert_eq!(read, None);
        assert_eq!(sentence(verified), "the kernel ignored IFLA_MACVLAN_BC_CUTOFF: it is too old for it");
    }
    Ok(())
}
