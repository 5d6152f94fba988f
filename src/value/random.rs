//! Random bits, for indexes, MAC addresses and sequence numbers.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// 64 bits that nobody outside can foretell, and that a fork does not repeat.
///
/// The standard library's hash keys come from the operating system once per thread; time, process and a counter keep
/// forked copies of the keys apart.
pub(crate) fn random() -> u64 {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let call = CALLS.fetch_add(1, Ordering::Relaxed) << 32 | u64::from(std::process::id());
    RandomState::new().hash_one((now.as_secs() << 30 | u64::from(now.subsec_nanos())) ^ call)
}
