//! More answers than the socket's receive buffer holds, and answers larger than ours.

use crate::common::{Skip, kernel, mac, name, parent, socket};
use crate::tools::{bare, listening};
use nix::sys::socket::{setsockopt, sockopt::RcvBuf};
use std::os::fd::AsFd;
use sublink::batch::Outcome;
use sublink::error::Partial;
use sublink::link::{AltNameChange, DeleteLink, SourceMacs};
use sublink::value::{Alias, AltName};
use sublink::{Batch, Error, ErrorKind, IfIndex, LinkChange, ListLinks, MacAddr, MacvlanMode, NewLink, Socket};
use sublink_tests::kernel_test;

const LO: IfIndex = match IfIndex::new(1) {
    Ok(index) => index,
    Err(_) => unreachable!(),
};

/// Makes the receive buffer as small as the kernel lets it be: two kilobytes or so, three acknowledgements.
fn shrink(fd: impl AsFd) {
    setsockopt(&fd.as_fd(), RcvBuf, &1).expect("a small buffer");
}

/// A socket that has seen how large its receive buffer is, which is before its first large batch. A smaller one then surprises it.
fn unsuspecting() -> Socket {
    let mut socket = socket();
    let mut batch = Batch::new();
    for _ in 0..20 {
        batch.push(&DeleteLink::index(IfIndex::new(999).unwrap())).unwrap();
    }
    socket.run(&mut batch).unwrap_err();
    socket
}

fn assert_overrun(error: &Error) {
    assert!(matches!(error.kind(), ErrorKind::Overrun), "{error}");
    assert_eq!(error.raw_os_error(), Some(nix::errno::Errno::ENOBUFS as i32));
}

/// Gives `lo` so many alternative names, in one batch.
fn names(count: usize) -> Batch {
    let mut batch = Batch::new();
    for number in 0..count {
        let name = format!("name-{number}");
        batch.push(&AltNameChange::add(LO, AltName::new(&name).unwrap())).unwrap();
    }
    batch
}

/// Many events about `lo`: each is larger than the smallest buffer.
fn make_events(other: &mut Socket) {
    for on in [true, false].repeat(10) {
        other.change(&LinkChange::new(LO).promisc(on)).unwrap();
    }
}

#[kernel_test]
pub fn lost_acknowledgements_leave_steps_unknown() -> Result<(), Skip> {
    for one_ack in [false, true] {
        let mut socket = unsuspecting();
        shrink(&socket);
        let mut batch = if one_ack { Batch::new().one_ack() } else { Batch::new() };
        for _ in 0..300 {
            batch.push(&DeleteLink::index(IfIndex::new(999).unwrap())).unwrap(); // each answers, with an error
        }
        let error = socket.run(&mut batch).unwrap_err();
        assert!(error.is_no_device(), "the first failure that is known is what is told: {error}");
        assert_eq!(error.step().map(|step| (step.index, step.of)), Some((0, 300)));
        assert!(error.has_lost_answers(), "{error}");
        assert!(
            error.to_string().ends_with("; answers to other steps were lost, and their outcome is unknown"),
            "{error}"
        );
        let outcomes = batch.outcomes();
        assert!(outcomes.contains(&Outcome::Unknown), "nothing was lost");
        let is_honest = |outcome: &Outcome| matches!(outcome, Outcome::Failed(_) | Outcome::Unknown);
        assert!(outcomes.iter().all(is_honest), "nothing was done, and all was sent: {outcomes:?}");

        let mut batch = names(1);
        socket.run(&mut batch).unwrap();
        assert_eq!(batch.outcomes(), [Outcome::Done]);
        socket.delete_alt_name(LO, "name-0").unwrap();
    }
    Ok(())
}

/// Steps that were done, and of which that is not known.
#[kernel_test]
pub fn steps_may_be_done_and_unknown() -> Result<(), Skip> {
    let mut socket = unsuspecting();
    shrink(&socket);
    let mut batch = names(200);
    assert_overrun(&socket.run(&mut batch).unwrap_err());
    let outcomes = batch.outcomes();
    let known = outcomes.iter().filter(|outcome| **outcome == Outcome::Done).count();
    assert!(
        known < 200 && outcomes.iter().all(|outcome| matches!(outcome, Outcome::Done | Outcome::Unknown)),
        "{outcomes:?}"
    );
    assert_eq!(socket.link_at(LO).unwrap().alt_names().iter().count(), 200, "of which {known} are known");
    Ok(())
}

/// 128 acknowledgements with texts do not fit a small buffer; 64 do, or 32.
#[kernel_test]
pub fn later_sends_are_smaller_and_what_was_lost_is_told_beside_a_failure() -> Result<(), Skip> {
    let mut socket = unsuspecting();
    setsockopt(&socket, RcvBuf, &(16 * 1024)).expect("a smaller buffer");
    let mut batch = names(400);
    assert_overrun(&socket.run(&mut batch).unwrap_err());
    let unknown: Vec<_> = (0..400).filter(|step| batch.outcomes()[*step] == Outcome::Unknown).collect();
    assert!(!unknown.is_empty() && unknown.iter().all(|step| *step < 256), "{unknown:?}");
    assert!(batch.outcomes()[256..].iter().all(|outcome| *outcome == Outcome::Done), "smaller sends lose nothing");
    // All of them are there already. The socket has learnt, so each step's answer is known.
    let error = socket.run(&mut batch).unwrap_err();
    assert!(error.is_already_there() && !error.has_lost_answers(), "{error}");
    assert!(batch.outcomes().iter().all(|outcome| matches!(outcome, Outcome::Failed(_))));
    Ok(())
}

#[kernel_test]
pub fn a_list_in_a_small_buffer_is_whole() -> Result<(), Skip> {
    let mut socket = socket();
    many_links(&mut socket, 60);
    shrink(&socket);
    let links = socket.links(&ListLinks::new()).unwrap().collect().unwrap();
    assert_eq!(links.len(), 63);
    Ok(())
}

/// So many macvlans, besides `lo` and the two ends of a veth.
pub fn many_links(socket: &mut Socket, count: u32) -> IfIndex {
    let parent = parent(socket);
    let mut batch = Batch::new();
    for number in 0..count {
        let link = NewLink::macvlan(parent).mode(MacvlanMode::Bridge).name(name(&format!("mv{number}")));
        batch.push(&link).unwrap();
    }
    socket.run(&mut batch).unwrap();
    parent
}

#[kernel_test]
pub fn a_list_says_that_entries_were_lost_and_gives_what_was_read() -> Result<(), Skip> {
    let mut other = socket();
    many_links(&mut other, 60);
    let mut socket = Socket::from_fd(listening()).unwrap();
    shrink(&socket);
    for collect in [true, false] {
        let mut links = socket.links(&ListLinks::new()).unwrap();
        assert_eq!(links.next().unwrap().unwrap().name(), "lo");
        make_events(&mut other);
        let error = if collect {
            let Partial { items, error } = links.collect().unwrap_err();
            assert!(items.len() < 62, "{}", items.len());
            error
        } else {
            let error = loop {
                match links.next() {
                    Ok(link) => assert!(link.is_some(), "the list ended as if nothing were lost"),
                    Err(error) => break error,
                }
            };
            assert!(links.next().unwrap().is_none(), "there is no entry behind an error");
            error
        };
        assert_overrun(&error);
        assert_eq!(error.to_string(), "list links: ENOBUFS: answers were lost, and the outcome is unknown");
        // The kernel still has the rest of that list, which must not get into anything else's way.
        assert_eq!(socket.index_of("lo").unwrap(), LO);
        assert_eq!(socket.links(&ListLinks::new()).unwrap().collect().unwrap().len(), 63);
    }
    Ok(())
}

#[kernel_test]
pub fn a_list_that_could_not_begin_does_not_hold_up_the_next_request() -> Result<(), Skip> {
    let mut other = socket();
    let mut socket = Socket::from_fd(listening()).unwrap();
    socket.snapshot(&ListLinks::new()).unwrap(); // what comes before a socket's first list finds an overrun by itself
    shrink(&socket);
    make_events(&mut other); // the buffer is full: the kernel cannot even say that the list does not begin
    let Partial { items, error } = socket.links(&ListLinks::new()).unwrap().collect().unwrap_err();
    assert!(items.is_empty());
    assert_overrun(&error);
    assert_eq!(socket.index_of("lo").unwrap(), LO);
    assert_eq!(socket.links(&ListLinks::new()).unwrap().collect().unwrap().len(), 1);
    Ok(())
}

/// What is left of a list is read before the next request, so that its answers find the room they need.
#[kernel_test]
pub fn a_dropped_list_takes_no_room_from_answers() -> Result<(), Skip> {
    let (mut socket, mut other) = (socket(), socket());
    let parent = many_links(&mut other, 60);
    let drop_a_list = |socket: &mut Socket| {
        socket.links(&ListLinks::new()).unwrap();
    };
    // For the acknowledgements of one send there is room enough, and for a part of a list besides there is none.
    setsockopt(&socket, RcvBuf, &(60 * 1024)).expect("a smaller buffer");
    let mut batch = names(128);
    socket.snapshot(&ListLinks::new()).unwrap(); // shows the kernel how much goes into a part
    drop_a_list(&mut socket);
    socket.run(&mut batch).unwrap();
    assert!(batch.outcomes().iter().all(|outcome| *outcome == Outcome::Done));
    shrink(&socket);
    drop_a_list(&mut socket);
    socket.change(&LinkChange::new(parent).mtu(1400)).unwrap();
    drop_a_list(&mut socket);
    assert_eq!(socket.index_of("p0").unwrap(), parent);
    Ok(())
}

#[kernel_test]
pub fn lost_events_are_an_overrun_once() -> Result<(), Skip> {
    let mut other = socket();
    let mut socket = Socket::from_fd(listening()).unwrap();
    shrink(&socket);
    make_events(&mut other);
    assert_overrun(&socket.index_of("lo").unwrap_err());
    assert_eq!(socket.index_of("lo").unwrap(), LO);
    make_events(&mut other);
    assert_overrun(&socket.add_alt_name(LO, "a").unwrap_err());
    assert_eq!(socket.link_by_alt_name("a").unwrap().index(), LO, "what was asked may have been done");
    Ok(())
}

/// A macvlan with so many senders: the kernel's message about it is longer than any attribute can be.
#[kernel_test]
pub fn a_link_above_64_kib_is_created_and_read_whole() -> Result<(), Skip> {
    let mut socket = Socket::from_fd(bare()).unwrap();
    let parent = parent(&mut socket);
    let sender = |number: u16| {
        let [high, low] = number.to_be_bytes();
        MacAddr::new([2, 1, 0, 0, high, low]).unwrap()
    };
    let senders: Vec<_> = (0..5_400).map(sender).collect();
    let link = NewLink::macvlan(parent).name(name("mv0")).mac(mac(1)).mtu(1400).source(&senders);
    let index = socket.create(&link).unwrap();
    assert_eq!(socket.index_of("mv0").unwrap(), index);
    socket.change(&LinkChange::new(index).alias(Alias::new("an alias").unwrap())).unwrap();
    socket.add_alt_name(index, "another").unwrap();
    let link = socket.link_at(index).unwrap();
    assert!(link.name() == "mv0" && link.mtu() == 1400, "{link:?}");
    assert_eq!(link.macvlan().unwrap().macaddrs().unwrap().count(), 5_400);
    assert_eq!(link.alt_names().iter().count(), 1, "what stands behind the list is read as well");
    Ok(())
}

/// As a container may make one, to vex its host.
#[kernel_test]
pub fn a_link_above_the_buffer_is_an_error() -> Result<(), Skip> {
    if kernel() >= (7, 3) {
        return Err(Skip("this kernel refuses to report a link with so long a list, as all do since Linux 7.3".into()));
    }
    let mut socket = socket();
    let parent = parent(&mut socket);
    let index = socket.create(&NewLink::macvlan(parent).source(&[])).unwrap();
    let mut batch = Batch::new().one_ack();
    for number in 0..11_000u16 {
        let [high, low] = number.to_be_bytes();
        let sender = MacAddr::new([2, 1, 0, 0, high, low]).unwrap();
        batch.push(&LinkChange::macvlan(index).macaddr(SourceMacs::Add(sender))).unwrap();
    }
    socket.run(&mut batch).unwrap();
    let is_truncated = |error: &Error| matches!(error.kind(), ErrorKind::Truncated(length) if *length > 11_000 * 12);
    let error = socket.link_at(index).unwrap_err();
    assert!(is_truncated(&error), "{error}");
    let partial = socket.links(&ListLinks::new()).unwrap().collect().unwrap_err();
    assert!(is_truncated(&partial.error), "{partial}");
    socket.change(&LinkChange::macvlan(index).macaddr(SourceMacs::Flush)).expect("it can be changed");
    assert_eq!(socket.link_at(index).unwrap().macvlan().unwrap().macaddr_count(), Some(0));
    Ok(())
}
