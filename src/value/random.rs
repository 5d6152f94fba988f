//! Random bits, for indexes, MAC addresses and sequence numbers.

use std::hash::{BuildHasher, RandomState};

/// 64 bits from the operating system, which nobody outside can foretell.
///
/// Each call asks the kernel anew. So there is no seed that a fork could copy. `getrandom` fails only where a seccomp filter
/// forbids the system call; then the keys of the standard library's hash tables serve, mixed with the time.
pub(crate) fn random() -> u64 {
    getrandom::u64().unwrap_or_else(|_| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        RandomState::new().hash_one((now.as_nanos(), std::process::id()))
    })
}
