//! What the targets share: an allocator that counts, and values of the library made from the fuzzer's bytes.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

pub mod any;

/// Bytes that are allocated, the most that were, and all that ever were.
static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
static TOTAL: AtomicUsize = AtomicUsize::new(0);

struct Counting;

fn count(layout: Layout) {
    let now = NOW.fetch_add(layout.size(), Relaxed) + layout.size();
    PEAK.fetch_max(now, Relaxed);
    TOTAL.fetch_add(layout.size(), Relaxed);
}

// An allocator cannot be written without `unsafe`. This one adds nothing to the system's but the counts.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout);
        // SAFETY: the caller's promises are the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout);
        // SAFETY: likewise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Relaxed);
        // SAFETY: likewise.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// The most bytes that may be allocated for an input: at one time, and in all. Each is a constant and a factor of the input's
/// length.
pub struct Bounds {
    pub peak: (usize, usize),
    pub total: (usize, usize),
}

/// Runs `work`, which may allocate so much for an input of `length` bytes.
pub fn bounded(length: usize, bounds: &Bounds, work: impl FnOnce()) {
    let (now, total) = (NOW.load(Relaxed), TOTAL.load(Relaxed));
    PEAK.store(now, Relaxed);
    work();
    let (peak, total) = (PEAK.load(Relaxed) - now, TOTAL.load(Relaxed) - total);
    for (what, bytes, (constant, factor)) in [("at one time", peak, bounds.peak), ("in all", total, bounds.total)] {
        assert!(bytes <= constant + factor * length, "{bytes} bytes allocated {what} for an input of {length}");
    }
}

/// Checks that nothing in a text does anything to a terminal: no control, invisible or direction-changing characters.
#[track_caller]
pub fn prints_safely(text: &str) {
    let is_unsafe = |char: char| {
        char.is_control() || matches!(char, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    assert!(!text.contains(is_unsafe), "{text:?}");
}
