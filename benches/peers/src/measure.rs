//! Measuring: every way of doing a work, in one run, one after the other in turn.

use crate::count::allocations;
use crate::work::callgrind::{callgrind, has_valgrind};
use std::hint::black_box;
use std::time::Instant;

/// Takes what a way made, so that it can be looked at, and is not optimised away.
pub type Sink<'a> = &'a mut dyn FnMut(&[u8]);

/// One way of doing a work.
pub struct Way {
    pub name: &'static str,
    pub run: Box<dyn FnMut(Sink<'_>)>,
    /// Whether it is all done in this process, where it can be counted.
    pub counted: bool,
}

impl Way {
    pub fn new(name: &'static str, run: impl FnMut(Sink<'_>) + 'static) -> Self {
        Self { name, run: Box::new(run), counted: true }
    }

    pub fn by_processes(name: &'static str, mut run: impl FnMut() + 'static) -> Self {
        Self { counted: false, ..Self::new(name, move |_| run()) }
    }
}

/// What is done, by several ways: first ours, last the floor.
pub struct Work {
    /// A short name, for the command line.
    pub id: &'static str,
    pub what: &'static str,
    pub ways: Vec<Way>,
    /// What is measured is divided by this.
    pub per: usize,
    /// Calls between `before` and `after`, which are not measured.
    pub calls: usize,
    pub samples: usize,
    pub before: Box<dyn FnMut()>,
    pub after: Box<dyn FnMut()>,
}

impl Work {
    /// A work without kernel.
    pub fn of_bytes(id: &'static str, what: &'static str, calls: usize, ways: Vec<Way>) -> Self {
        Self { id, what, ways, per: 1, calls, samples: 101, before: Box::new(|| {}), after: Box::new(|| {}) }
    }
}

/// What a way costs.
#[derive(Clone)]
pub struct Cost {
    pub way: &'static str,
    /// In user space, by this process.
    pub instructions: Option<usize>,
    pub allocations: Option<usize>,
    pub nanoseconds: f64,
}

/// The costs of each way, in their order.
pub fn measure(work: &mut Work) -> Vec<Cost> {
    let instructions: Vec<_> = (0..work.ways.len()).map(|way| instructions(work, way)).collect();
    let allocations: Vec<_> = (0..work.ways.len()).map(|way| count_allocations(work, way)).collect();
    let mut samples = vec![Vec::new(); work.ways.len()];
    for _ in 0..work.samples {
        for (way, samples) in samples.iter_mut().enumerate() {
            samples.push(sample(work, way));
        }
    }
    let counts = instructions.into_iter().zip(allocations);
    let costs = work.ways.iter().zip(samples).zip(counts).map(|((way, mut samples), (instructions, allocations))| {
        samples.sort_unstable_by(f64::total_cmp);
        Cost { way: way.name, instructions, allocations, nanoseconds: samples[samples.len() / 2] / work.per as f64 }
    });
    costs.collect()
}

fn count_allocations(work: &mut Work, way: usize) -> Option<usize> {
    let Work { ways, before, after, per, .. } = work;
    let way = &mut ways[way];
    let mut count = 0;
    for _warmed_up in [false, true] {
        before();
        count = allocations(|| (way.run)(&mut |made| _ = black_box(made)));
        after();
    }
    way.counted.then_some(count.div_ceil(*per))
}

/// Nanoseconds of a call.
fn sample(work: &mut Work, way: usize) -> f64 {
    let Work { ways, before, after, calls, .. } = work;
    let run = &mut ways[way].run;
    before();
    let start = Instant::now();
    for _ in 0..*calls {
        run(&mut |made| _ = black_box(made));
    }
    let time = start.elapsed();
    after();
    time.as_nanos() as f64 / *calls as f64
}

/// What callgrind counts in a process of its own, without what the measuring itself takes.
fn instructions(work: &Work, way: usize) -> Option<usize> {
    if !work.ways[way].counted || !has_valgrind() {
        return None;
    }
    let counts =
        callgrind(&format!("{}/{way}", work.id)).unwrap_or_else(|why| panic!("{}: {why}", work.ways[way].name));
    Some((counts["work"] - counts["nothing"]).div_ceil(work.per))
}

/// The measured process: the second call, when whatever is done once is done.
pub fn be_measured(mut work: Work, way: usize) {
    let run = &mut work.ways[way].run;
    (work.before)();
    run(&mut |made| _ = black_box(made));
    (work.after)();
    (work.before)();
    measure_work(run, &mut |made| _ = black_box(made));
    (work.after)();
    measure_nothing(&mut |made| _ = black_box(made), &mut |sink: Sink<'_>| sink(black_box(&[])));
}

#[inline(never)]
fn measure_work(run: &mut dyn FnMut(Sink<'_>), sink: Sink<'_>) {
    run(sink);
}

/// Not the same as [`measure_work`], so that the compiler does not make one of two.
#[inline(never)]
fn measure_nothing(sink: Sink<'_>, run: &mut dyn FnMut(Sink<'_>)) {
    run(sink);
}
