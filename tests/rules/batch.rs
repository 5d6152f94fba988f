//! Batches: every step comes out as the kernel did it, one by one; a lost answer is never taken for a good one.

use crate::common::{Skip, name, parent, socket};
use crate::help::{all, index, needs_usual_buffers, seen};
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::{RcvBuf, SndBuf};
use std::collections::HashSet;
use sublink::batch::Outcome;
use sublink::link::{AddrGenMode, AltNameChange, DeleteLink, LinkSettings};
use sublink::value::AltName;
use sublink::{Batch, ErrorKind, IfIndex, IfName, LinkChange, MacAddr, MacvlanMode, NewLink, Socket};
use sublink_tests::kernel_test;

/// No macvlan stands on `lo`: EINVAL.
const LO: IfIndex = match IfIndex::new(1) {
    Ok(index) => index,
    Err(_) => unreachable!(),
};

const EINVAL: i32 = 22;
const EEXIST: i32 = 17;
const ENODEV: i32 = 19;

/// The error number that a step came out with; 0 for done.
fn errno(outcome: &Outcome) -> i32 {
    match outcome {
        Outcome::Done => 0,
        Outcome::Failed(error) => error.errno,
        other => panic!("{other:?}"),
    }
}

fn numbered(step: usize) -> IfName {
    name(&format!("m{step}"))
}

fn names() -> HashSet<String> {
    seen().into_iter().map(|(_, name)| name).collect()
}

/// `count` steps, each of which creates a link; those in `bad` ask for a name that is taken.
fn creates(parent: IfIndex, count: usize, bad: impl Fn(usize) -> bool, mut batch: Batch) -> Batch {
    for step in 0..count {
        let wanted = if bad(step) { name("p1") } else { numbered(step) };
        assert_eq!(batch.push(&NewLink::macvlan(parent).name(wanted)).expect("room"), step);
    }
    batch
}

#[kernel_test]
pub fn every_step_has_its_outcome() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let (a, b) = (index(700), index(701));
    for (mut batch, first) in [(Batch::new(), "a"), (Batch::new().one_ack(), "c")] {
        let link = NewLink::macvlan(parent).name(name(first));
        batch.push(&link.index(a)).unwrap();
        batch.push(&link).unwrap();
        batch.push(&LinkSettings::new(index(999)).addr_gen_mode(AddrGenMode::None)).unwrap();
        batch.push(&LinkChange::new(a).mtu(1300)).unwrap();
        batch.push(&NewLink::macvtap(parent).name(name("b")).index(b)).unwrap();
        batch.push(&LinkChange::macvlan(a).mode(MacvlanMode::Private)).unwrap();
        batch.push(&AltNameChange::add(b, AltName::new("of-b").unwrap())).unwrap();
        batch.push(&DeleteLink::index(index(998))).unwrap();
        batch.push(&LinkChange::new(b).name(name("bb")).group(5)).unwrap();
        assert_eq!((batch.len(), batch.is_empty()), (9, false));
        assert!(batch.outcomes().iter().all(|outcome| *outcome == Outcome::NotSent));

        let error = socket.run(&mut batch).unwrap_err();
        let errnos: Vec<_> = batch.outcomes().iter().map(errno).collect();
        assert_eq!(errnos, [0, EEXIST, ENODEV, 0, 0, 0, 0, ENODEV, 0]);
        assert_eq!(error.to_string(), format!("create macvlan {first} on p0: EEXIST (File exists)"));
        let step = error.step().unwrap();
        assert_eq!((step.index, step.of, error.is_already_there()), (1, 9, true));

        let link = socket.link(first).unwrap();
        assert_eq!((link.mtu(), link.macvlan().unwrap().mode()), (1300, Some(MacvlanMode::Private)));
        let link = socket.link_by_alt_name("of-b").unwrap();
        assert_eq!((link.name().to_string().as_str(), link.group()), ("bb", 5));
        for link in [a, b] {
            socket.delete(link).unwrap();
        }
    }
    Ok(())
}

#[kernel_test]
pub fn an_empty_batch_is_nothing() -> Result<(), Skip> {
    let mut batch = Batch::new();
    socket().run(&mut batch).unwrap();
    assert!(batch.is_empty() && batch.outcomes().is_empty());
    Ok(())
}

/// More than one send; the bad steps stand where sends begin and end.
#[kernel_test]
pub fn more_steps_than_one_send_takes() -> Result<(), Skip> {
    needs_usual_buffers()?;
    let mut socket = socket();
    let parent = parent(&mut socket);
    let none = |_| false;
    let edges = |step| [0, 127, 128, 255, 256, 299].contains(&step);
    let last = |step| step == 299;
    let all = |_| true;
    for (row, batch) in [("acknowledged", Batch::new()), ("one ack", Batch::new().one_ack())] {
        let mut batch = creates(parent, 300, none, batch);
        socket.run(&mut batch).expect(row);
        assert!(batch.outcomes().iter().all(|outcome| *outcome == Outcome::Done), "{row}");
        assert_eq!(clear_away(&mut socket), 300, "{row}");
        for bad in [edges, last, all] as [fn(usize) -> bool; 3] {
            batch.clear();
            batch = creates(parent, 300, bad, batch);
            let first = (0..300).find(|step| bad(*step)).expect("one");
            let error = socket.run(&mut batch).unwrap_err();
            assert_eq!(error.to_string(), "create macvlan p1 on p0: EEXIST (File exists)", "{row}");
            assert_eq!(error.step().map(|step| (step.index, step.of)), Some((first, 300)), "{row}");
            for (step, outcome) in batch.outcomes().iter().enumerate() {
                assert_eq!(errno(outcome), if bad(step) { EEXIST } else { 0 }, "{row}, step {step}");
            }
            let done = (0..300).filter(|step| !bad(*step)).count();
            assert_eq!(clear_away(&mut socket), done, "{row}");
        }
    }
    Ok(())
}

/// Deletes what the steps made, and says how many there were.
fn clear_away(socket: &mut Socket) -> usize {
    let made: Vec<_> = all(socket).into_iter().filter(|link| link.kind.name() == "macvlan").collect();
    let mut group = Batch::new();
    for link in &made {
        group.push(&LinkChange::new(link.index).group(9)).unwrap();
    }
    socket.run(&mut group).unwrap();
    if !made.is_empty() {
        socket.delete_group(9).unwrap();
    }
    made.len()
}

/// A send takes 212,960 bytes, and the refusal of a large request could be as large.
#[kernel_test]
pub fn large_steps_go_in_several_sends() -> Result<(), Skip> {
    needs_usual_buffers()?;
    let mut socket = socket();
    let parent = parent(&mut socket);
    let senders: Vec<_> = (0..5000u16)
        .map(|number| MacAddr::new([2, 0, 0, 1, number.to_be_bytes()[0], number.to_be_bytes()[1]]).expect("unicast"))
        .collect();
    let mut batch = Batch::new();
    for step in 0..8 {
        batch.push(&NewLink::macvlan(parent).name(numbered(step)).source(&senders)).unwrap();
    }
    socket.run(&mut batch).unwrap();
    assert!(batch.outcomes().iter().all(|outcome| *outcome == Outcome::Done));
    // Now all names are taken, and a buffer of two kilobytes has room for the refusals of one send.
    setsockopt(&socket, RcvBuf, &0).expect("a small buffer");
    assert!(socket.run(&mut batch).unwrap_err().is_already_there());
    assert_eq!(batch.outcomes().iter().map(errno).collect::<Vec<_>>(), [EEXIST; 8]);
    Ok(())
}

#[kernel_test]
pub fn a_batch_is_used_again() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let mut batch = creates(parent, 3, |step| step == 1, Batch::new());
    socket.run(&mut batch).unwrap_err();
    // Run again as it is, it fails in every step by now, and forgets how it came out before.
    socket.run(&mut batch).unwrap_err();
    assert_eq!(batch.outcomes().iter().map(errno).collect::<Vec<_>>(), [EEXIST; 3]);
    batch.clear();
    assert!(batch.is_empty() && batch.outcomes().is_empty());
    assert_eq!(batch.push(&NewLink::macvlan(parent).name(name("again"))).unwrap(), 0);
    assert_eq!(batch.outcomes(), [Outcome::NotSent]);
    socket.run(&mut batch).unwrap();
    assert_eq!(batch.outcomes(), [Outcome::Done]);
    assert!(names().contains("again"));
    Ok(())
}

#[kernel_test]
pub fn a_thousand_steps_come_and_go() -> Result<(), Skip> {
    const PAIRS: u32 = 500;
    needs_usual_buffers()?;
    let mut socket = socket();
    let parent = parent(&mut socket);
    let before = seen();
    let mut batch = Batch::new();
    for number in 0..PAIRS {
        batch.push(&NewLink::macvlan(parent).index(index(20_000 + number))).unwrap();
    }
    for number in 0..PAIRS {
        batch.push(&DeleteLink::index(index(20_000 + number))).unwrap();
    }
    assert_eq!(batch.len(), 1000);
    socket.run(&mut batch).unwrap();
    assert!(batch.outcomes().iter().all(|outcome| *outcome == Outcome::Done));
    assert_eq!(seen(), before);
    Ok(())
}

/// A socket whose receive buffer is made as small as the kernel allows, when it has seen that it is large.
fn with_a_shrunken_buffer() -> Socket {
    let mut socket = socket();
    socket.run(&mut creates(LO, 20, |_| false, Batch::new())).unwrap_err();
    setsockopt(&socket, RcvBuf, &0).expect("a small buffer");
    socket
}

/// The sends are as small as the buffer is, from the first on.
#[kernel_test]
pub fn a_small_receive_buffer_loses_nothing() -> Result<(), Skip> {
    for size in [0, 4096, 16_384] {
        let (mut socket, mut second) = (socket(), socket());
        let parent = parent(&mut second);
        setsockopt(&socket, RcvBuf, &size).expect("a small buffer");
        socket
            .run(&mut creates(parent, 100, |_| false, Batch::new()))
            .unwrap_or_else(|error| panic!("{size}: {error}"));
        let mut again = creates(parent, 100, |_| false, Batch::new());
        assert!(socket.run(&mut again).unwrap_err().is_already_there());
        assert!(again.outcomes().iter().all(|outcome| errno(outcome) == EEXIST), "{size}");
        clear_away(&mut second);
        second.delete(parent).unwrap();
    }
    Ok(())
}

/// The answers of a send find no room in the smallest buffer that the kernel gives a socket. What a step came out with is
/// then what the kernel did, or unknown.
#[kernel_test]
pub fn a_lost_answer_is_unknown() -> Result<(), Skip> {
    needs_usual_buffers()?;
    let (mut socket, mut second) = (with_a_shrunken_buffer(), socket());
    let parent = parent(&mut second);
    let every_second: fn(usize) -> bool = |step| step % 2 == 1;
    for (row, batch, bad, loses) in [
        ("acknowledged", Batch::new(), (|_| false) as fn(usize) -> bool, true),
        ("acknowledged, and errors", Batch::new(), every_second, true),
        ("one ack, and errors", Batch::new().one_ack(), every_second, true),
        ("one ack", Batch::new().one_ack(), |_| false, false),
    ] {
        let mut batch = creates(parent, 100, bad, batch);
        let result = socket.run(&mut batch);
        let there = names();
        for (step, outcome) in batch.outcomes().iter().enumerate() {
            assert_eq!(there.contains(&numbered(step).to_string()), !bad(step), "{row}, step {step}: the kernel");
            match outcome {
                Outcome::Done => assert!(!bad(step), "{row}: step {step} was not done"),
                Outcome::Failed(error) => assert!(bad(step) && error.errno == EEXIST, "{row}, step {step}: {error}"),
                Outcome::Unknown => assert!(loses, "{row}, step {step}: nothing was lost"),
                Outcome::NotSent => panic!("{row}, step {step}: it was sent"),
            }
        }
        let unknown = batch.outcomes().iter().filter(|outcome| **outcome == Outcome::Unknown).count();
        assert_eq!((unknown > 0, result.is_err()), (loses, loses), "{row}: {unknown} unknown, {result:?}");
        let failed = batch.outcomes().iter().any(|outcome| matches!(outcome, Outcome::Failed(_)));
        if let Err(error) = result {
            assert_eq!(matches!(error.kind(), ErrorKind::Overrun), !failed, "{row}: {error}");
            assert_eq!(error.is_already_there(), failed, "{row}: {error}");
        }
        // The socket goes on, and takes no late answer for its own.
        assert_eq!(socket.index_of("p0").unwrap(), parent, "{row}");
        assert!(socket.index_of("nobody").unwrap_err().is_no_device(), "{row}");
        clear_away(&mut second);
    }
    Ok(())
}

/// An overrun does not end the run: all steps are sent once, and none is told as done of which that is not known.
#[kernel_test]
pub fn after_a_loss_the_rest_is_sent() -> Result<(), Skip> {
    let (mut socket, mut second) = (with_a_shrunken_buffer(), socket());
    let parent = parent(&mut second);
    let mut batch = creates(parent, 300, |_| false, Batch::new());
    let error = socket.run(&mut batch).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Overrun), "{error}");
    assert_eq!(error.to_string(), "ENOBUFS: answers were lost, and the outcome is unknown");
    let there = names();
    for (step, outcome) in batch.outcomes().iter().enumerate() {
        assert!(matches!(outcome, Outcome::Done | Outcome::Unknown), "step {step}: {outcome:?}");
        assert!(there.contains(&numbered(step).to_string()), "step {step}");
    }
    Ok(())
}

/// What does not fit the send buffer goes in more sends; one request that alone is too large is told of, as not sent.
#[kernel_test]
pub fn a_small_send_buffer_makes_more_sends() -> Result<(), Skip> {
    needs_usual_buffers()?;
    for batch in [Batch::new(), Batch::new().one_ack()] {
        let mut socket = socket();
        setsockopt(&socket, SndBuf, &2304).expect("a small buffer");
        let mut batch = creates(LO, 300, |_| false, batch);
        let error = socket.run(&mut batch).unwrap_err();
        assert_eq!(error.step().map(|step| step.index), Some(0), "{error}");
        assert!(batch.outcomes().iter().all(|outcome| errno(outcome) == EINVAL));
        let senders: Vec<_> = (0..1000u16).map(|_| MacAddr::random()).collect();
        let mut batch = Batch::new();
        batch.push(&NewLink::macvlan(LO).source(&senders)).unwrap();
        let error = socket.run(&mut batch).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(nix::errno::Errno::EMSGSIZE as i32), "{error}");
        assert_eq!(batch.outcomes(), [Outcome::NotSent]);
    }
    Ok(())
}
