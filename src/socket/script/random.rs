//! Operations and what becomes of their answers, at random: an operation may get the late answers of those before it.

use super::Event;
use super::kernel::Kernel;
use super::scenes::{FATES, Fate, Op, Shared, assert_goes_on, socket};
use crate::value::random;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex};

/// Numbers at random, the same for the same seed (xorshift64).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// One below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() >> 16) as usize % end
    }

    pub(crate) fn of<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }

    pub(crate) fn chance(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }
}

fn an_op(random: &mut Random) -> Op {
    let number = u32::try_from(1 + random.below(12)).unwrap();
    match random.below(9) {
        0 => Op::Up(number),
        1 => Op::Delete(number),
        2 => Op::Get(number),
        3 => Op::Named,
        4 => Op::Unnamed,
        5 => Op::List,
        6 => Op::ListOfKind,
        7 => Op::Half,
        _ => Op::Batch { one_ack: random.chance(2) },
    }
}

/// Ten operations on one socket. Half of the sends are answered as they should be.
fn play(seed: u64) {
    let mut random = Random::new(seed);
    let kernel: Shared = Arc::new(Mutex::new(Kernel::with_links(6)));
    let now = Arc::new(Mutex::new(None::<(Op, Random)>));
    let shared = now.clone();
    let befall = move |request: &[u8], events: Vec<Event>, late: &mut Vec<Event>| {
        let mut now = shared.lock().unwrap();
        let Some((op, random)) = &mut *now else { return Fate::Whole.befall(request, events, late) };
        let possible: Vec<_> = FATES.iter().copied().filter(|fate| fate.can_be(*op, true)).collect();
        let fate = if random.chance(2) { Fate::Whole } else { random.of(&possible) };
        println!("    {fate:?}");
        fate.befall(request, events, late)
    };
    let mut socket = socket(&kernel, 0, befall);
    for _ in 0..10 {
        let op = an_op(&mut random);
        println!("  {op:?}");
        *now.lock().unwrap() = Some((op, Random::new(random.next())));
        op.judge(&mut socket, &kernel);
    }
    *now.lock().unwrap() = None;
    assert_goes_on(&mut socket, &kernel);
}

#[test]
fn whatever_becomes_of_answers_outcomes_are_true() {
    let new = random();
    for seed in (0..400).chain((0..50).map(|number| new.wrapping_add(number))) {
        let played = panic::catch_unwind(AssertUnwindSafe(|| play(seed)));
        assert!(played.is_ok(), "the seed is {seed}; the last lines above are its play");
        println!("seed {seed} is over");
    }
}
