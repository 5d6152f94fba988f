//! Each kind of operation × what becomes of its answers: it ends, and its outcome is what was done, or that it is not known.

use super::kernel::{Done, Kernel, ack};
use super::{Event, Script};
use crate::batch::{Batch, Outcome};
use crate::error::{Error, ErrorKind};
use crate::link::{
    DeleteLink, LinkChange, LinkInfo, ListLinks, NewLink, RTM_DELLINK, RTM_GETLINK, RTM_NEWLINK, RTM_SETLINK,
};
use crate::socket::Socket;
use crate::value::{IfIndex, IfName};
use crate::wire::Header;
use nix::errno::Errno;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// What becomes of the answers to a send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Whole,
    Lost,
    FirstLost,
    LastLost,
    /// They come with the next send, before its own.
    Late,
    Doubled,
    Reversed,
    /// The last one ends too early, in its payload or in its header.
    Cut(usize),
    /// The last one has this length in its header.
    Length(u32),
    TooLong,
    /// Somebody else's answer to the same request comes first.
    Forged,
    /// The kernel's answer to another request comes first.
    Foreign,
    /// It comes without end, in the place of the answers.
    Endless,
    Empty,
    /// All are lost, and that is said.
    Overrun,
    /// The last one is lost, and that is said before the others, or behind them.
    OverrunBefore,
    OverrunBehind,
    /// It is said that something is lost, and nothing is.
    OverrunAlone,
    Interrupted,
    Unsent,
}

pub(crate) const FATES: &[Fate] = &[
    Fate::Whole,
    Fate::Lost,
    Fate::FirstLost,
    Fate::LastLost,
    Fate::Late,
    Fate::Doubled,
    Fate::Reversed,
    Fate::Cut(18),
    Fate::Cut(7),
    Fate::Length(0),
    Fate::Length(15),
    Fate::Length(u32::MAX),
    Fate::TooLong,
    Fate::Forged,
    Fate::Foreign,
    Fate::Endless,
    Fate::Empty,
    Fate::Overrun,
    Fate::OverrunBefore,
    Fate::OverrunBehind,
    Fate::OverrunAlone,
    Fate::Interrupted,
    Fate::Unsent,
];

impl Fate {
    /// Whether the outcome is known all the same.
    fn is_harmless(self) -> bool {
        matches!(self, Self::Whole | Self::Doubled | Self::Forged | Self::Foreign)
    }

    /// Whether a kernel can do it, and a socket can tell: answers are lost with a word, or all from one on, and in order.
    pub(super) fn can_be(self, op: Op, is_always: bool) -> bool {
        let is_list = matches!(op, Op::List | Op::ListOfKind | Op::Half);
        match self {
            Self::FirstLost | Self::Reversed => {
                op != Op::Batch { one_ack: true } && !(is_list && is_always) && op != Op::ListOfKind
            }
            Self::Endless => !is_always, // it takes its time
            Self::Doubled => !is_list,   // its datagrams have no numbers
            Self::Interrupted => is_list,
            _ => true,
        }
    }

    /// What comes of `events`, the answers to `request`.
    pub(crate) fn befall(
        self,
        request: &[u8],
        mut events: Vec<Event>,
        late: &mut Vec<Event>,
    ) -> Result<Vec<Event>, Errno> {
        let header = Header::parse(request).unwrap();
        let alter = |mut events: Vec<Event>, alter: &dyn Fn(&mut Vec<u8>)| {
            if let Some(Event::Datagram(bytes)) = events.last_mut() {
                alter(bytes);
            }
            events
        };
        let other = Header { sequence: header.sequence.wrapping_add(1000), ..header };
        let before = std::mem::take(late);
        let events = match self {
            Self::Whole => events,
            Self::Lost => Vec::new(),
            Self::FirstLost => events.split_off(1.min(events.len())),
            Self::LastLost => {
                events.pop();
                events
            }
            Self::Late => {
                *late = events;
                Vec::new()
            }
            Self::Doubled => events.iter().flat_map(|event| [event.clone(), event.clone()]).collect(),
            Self::Reversed => events.into_iter().rev().collect(),
            Self::Cut(len) => alter(events, &|bytes| bytes.truncate(len)),
            Self::Length(len) => alter(events, &|bytes| bytes[..4].copy_from_slice(&len.to_ne_bytes())),
            Self::TooLong => vec![Event::TooLong],
            Self::Forged => [vec![Event::Forged(ack(header, 1))], events].concat(),
            Self::Foreign => [vec![Event::Datagram(ack(other, 1)), Event::Datagram(ack(other, 0))], events].concat(),
            Self::Endless => vec![Event::Endless(ack(other, 1))],
            Self::Empty => vec![Event::Datagram(Vec::new())],
            Self::Overrun => vec![Event::Overrun],
            Self::OverrunBefore => {
                events.pop();
                [vec![Event::Overrun], events].concat()
            }
            Self::OverrunBehind => {
                events.pop();
                [events, vec![Event::Overrun]].concat()
            }
            Self::OverrunAlone => [vec![Event::Overrun], events].concat(),
            Self::Interrupted => alter(events, &|bytes| bytes[6] |= 0x10), // NLM_F_DUMP_INTR
            Self::Unsent => return Err(Errno::ENOBUFS),
        };
        Ok([before, events].concat())
    }
}

/// A kind of operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    Up(u32),
    Delete(u32),
    Get(u32),
    Named,
    Unnamed,
    List,
    ListOfKind,
    /// A list that is left off behind its first entry.
    Half,
    Batch {
        one_ack: bool,
    },
}

pub(super) const OPS: &[Op] = &[
    Op::Up(3),
    Op::Up(99),
    Op::Delete(3),
    Op::Delete(99),
    Op::Get(3),
    Op::Get(99),
    Op::Named,
    Op::Unnamed,
    Op::List,
    Op::ListOfKind,
    Op::Half,
    Op::Batch { one_ack: false },
    Op::Batch { one_ack: true },
];

pub(crate) type Shared = Arc<Mutex<Kernel>>;

fn at(kernel: &Shared) -> MutexGuard<'_, Kernel> {
    kernel.lock().unwrap()
}

fn index(index: u32) -> IfIndex {
    IfIndex::new(index).unwrap()
}

/// Whether an outcome says no more than what was done for the last request of one of these types.
fn is_true<T>(outcome: &Result<T, Error>, record: &[Done], types: &[u16]) -> bool {
    let done = record.iter().rev().find(|done| types.contains(&done.ty)).map(|done| done.errno);
    match outcome {
        Ok(_) => done == Some(0),
        Err(error) => match error.kind() {
            ErrorKind::Kernel(kernel) => done == Some(kernel.errno),
            _ => error.is_unknown_outcome() || done.is_none(),
        },
    }
}

impl Op {
    /// Does it, and looks whether its outcome is true. Returns whether it is known.
    pub(super) fn judge(self, socket: &mut Socket, kernel: &Shared) -> bool {
        let begun = at(kernel).record.len();
        let since = || at(kernel).record[begun..].to_vec();
        match self {
            Self::Up(number) => {
                let outcome = socket.change(&LinkChange::new(index(number)).up());
                assert!(is_true(&outcome, &since(), &[RTM_SETLINK, RTM_NEWLINK]), "{outcome:?}: {:?}", since());
                is_known(&outcome)
            }
            Self::Delete(number) => {
                let outcome = socket.delete(index(number));
                assert!(is_true(&outcome, &since(), &[RTM_DELLINK]), "{outcome:?}: {:?}", since());
                is_known(&outcome)
            }
            Self::Get(number) => Self::judge_get(number, socket, kernel),
            Self::Named | Self::Unnamed => self.judge_create(socket, kernel),
            Self::List | Self::ListOfKind => {
                let list = ListLinks::new();
                let list = if self == Self::List { list } else { list.kind("macvlan") };
                let read = socket.snapshot(&list);
                let kernel = at(kernel);
                let there = kernel.links[0].iter().filter(|(_, link)| self == Self::List || link.is_macvlan());
                let expected: Vec<_> = there.map(|(index, _)| *index).collect();
                match &read {
                    Ok(links) => assert_eq!(links.iter().map(|link| link.index.get()).collect::<Vec<_>>(), expected),
                    Err(partial) => {
                        let is_there = |link: &LinkInfo| expected.contains(&link.index.get());
                        assert!(partial.items.iter().all(is_there), "{partial}");
                    }
                }
                read.is_ok()
            }
            Self::Half => socket.links(&ListLinks::new()).and_then(|mut links| links.next().map(|_| ())).is_ok(),
            Self::Batch { one_ack } => judge_batch(one_ack, socket, &since),
        }
    }

    fn judge_get(number: u32, socket: &mut Socket, kernel: &Shared) -> bool {
        let there = at(kernel).links[0].get(&number).cloned();
        let outcome = socket.link_at(index(number)).map(|link| (link.index().get(), link.name().to_string()));
        match (&outcome, there) {
            (Ok((read, name)), Some(link)) => assert!(*read == number && *name == link.name, "{outcome:?}"),
            (Ok(_), None) => panic!("{outcome:?}"),
            (Err(error), there) => assert!(there.is_none() || !error.is_no_device(), "{error}"),
        }
        is_known(&outcome)
    }

    fn judge_create(self, socket: &mut Socket, kernel: &Shared) -> bool {
        let before = at(kernel).links[0].clone();
        let name = format!("new{}", at(kernel).record.len());
        let link = NewLink::macvlan(index(2));
        let outcome = match self {
            Self::Named => socket.create(&link.name(IfName::new(&name).unwrap())),
            _ => socket.create(&link),
        };
        let mut new = at(kernel).links[0].clone();
        new.retain(|index, _| !before.contains_key(index));
        match &outcome {
            Ok(index) => assert!(new.len() == 1 && new.contains_key(&index.get()), "{index:?}: {new:?}"),
            Err(error) => assert!(new.is_empty() || error.is_unknown_outcome(), "{error}: {new:?}"),
        }
        is_known(&outcome)
    }
}

/// Steps of which some are refused, in several chunks.
fn judge_batch(one_ack: bool, socket: &mut Socket, since: &dyn Fn() -> Vec<Done>) -> bool {
    let mut batch = if one_ack { Batch::new().one_ack() } else { Batch::new() };
    for step in 0..300u32 {
        let index = index(if step % 7 == 0 { 99 } else { 1 + step % 2 });
        if step % 9 == 0 {
            batch.push(&DeleteLink::index(index)).unwrap();
        } else {
            batch.push(&LinkChange::new(index).up()).unwrap();
        }
    }
    let outcome = socket.run(&mut batch);
    let mut record = since();
    record.retain(|done| done.ty != RTM_GETLINK); // for the words of the error
    let is_sent = |step: usize| record.get(step);
    for (step, said) in batch.outcomes().iter().enumerate() {
        let is_true = match said {
            Outcome::NotSent => is_sent(step).is_none(),
            Outcome::Done => is_sent(step).is_some_and(|done| done.errno == 0),
            Outcome::Failed(error) => is_sent(step).is_some_and(|done| done.errno == error.errno),
            Outcome::Unknown => true,
        };
        assert!(is_true, "step {step}: {said:?}, and {:?}", is_sent(step));
    }
    let is_unknown = |said: &Outcome| matches!(said, Outcome::Unknown | Outcome::NotSent);
    let is_known = !batch.outcomes().iter().any(is_unknown);
    match outcome {
        Ok(()) => assert!(batch.outcomes().iter().all(|said| *said == Outcome::Done), "an outcome is not told of"),
        Err(error) if !is_known => {
            assert!(error.has_lost_answers() || error.step().is_none(), "{error}");
        }
        Err(error) => assert!(error.step().is_some(), "{error}"),
    }
    is_known
}

fn is_known<T>(outcome: &Result<T, Error>) -> bool {
    outcome.as_ref().err().is_none_or(|error| matches!(error.kind(), ErrorKind::Kernel(_)))
}

/// A socket in this namespace of `kernel`. What becomes of the answers to each send, `fate` says.
pub(crate) fn socket(
    kernel: &Shared,
    namespace: usize,
    mut fate: impl FnMut(&[u8], Vec<Event>, &mut Vec<Event>) -> Result<Vec<Event>, Errno> + Send + 'static,
) -> Socket {
    let (kernel, mut late) = (kernel.clone(), Vec::new());
    Socket::scripted(Script::new(move |request| {
        let mut kernel = kernel.lock().unwrap();
        let begun = kernel.record.len();
        let (before, links) = (late.clone(), kernel.links.clone());
        let events = kernel.work(request, namespace);
        let answer = fate(request, events, &mut late);
        if answer.is_err() {
            kernel.record.truncate(begun); // it was not sent
            (kernel.links, late) = (links, before);
        }
        answer
    }))
}

/// Whatever became of an operation's answers, what comes behind it on the same socket is answered rightly.
pub(super) fn assert_goes_on(socket: &mut Socket, kernel: &Shared) {
    for op in [Op::Get(1), Op::Up(1), Op::List, Op::Delete(99), Op::Batch { one_ack: false }] {
        assert!(op.judge(socket, kernel), "{op:?} behind it");
    }
}

#[test]
fn an_outcome_is_what_was_done_or_not_known() {
    for (op, fate, is_always) in OPS
        .iter()
        .flat_map(|op| FATES.iter().flat_map(move |fate| [(*op, *fate, false), (*op, *fate, true)]))
        .filter(|(op, fate, is_always)| fate.can_be(*op, *is_always))
    {
        println!("{op:?}, {fate:?}, always: {is_always}"); // shown when it fails
        let kernel = Arc::new(Mutex::new(Kernel::with_links(6)));
        let now = Arc::new(Mutex::new(Vec::<Fate>::new()));
        let fates = now.clone();
        let mut socket = socket(&kernel, 0, move |request, events, late| {
            let fate = fates.lock().unwrap().pop().unwrap_or(Fate::Whole);
            fate.befall(request, events, late)
        });
        assert!(Op::List.judge(&mut socket, &kernel), "at first");
        *now.lock().unwrap() = vec![fate; if is_always { 100 } else { 1 }];
        if fate == Fate::Endless {
            socket.set_time_limit(Duration::from_millis(50));
        }
        let is_known = op.judge(&mut socket, &kernel);
        assert!(is_known || !fate.is_harmless(), "it could be known");
        now.lock().unwrap().clear();
        if fate == Fate::Endless {
            Op::Get(1).judge(&mut socket, &kernel); // it goes on until something is sent
            socket.set_time_limit(Duration::from_secs(60));
        }
        assert_goes_on(&mut socket, &kernel);
    }
}
