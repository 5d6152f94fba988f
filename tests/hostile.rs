//! Bytes from outside: whatever they are, nothing panics, nothing hangs, and nothing is shortened without a word.
//!
//! Public API only, and no kernel: what a kernel sent once is in `fixtures`.

#[path = "hostile/corpus.rs"]
mod corpus;
#[path = "hostile/encoders.rs"]
mod encoders;
#[path = "hostile/lengths.rs"]
mod lengths;
#[path = "hostile/mutations.rs"]
mod mutations;
#[path = "hostile/outcomes.rs"]
mod outcomes;
#[path = "hostile/random.rs"]
mod random;
#[path = "hostile/read.rs"]
mod read;
#[path = "hostile/requests.rs"]
mod requests;
#[path = "hostile/sequences.rs"]
mod sequences;
#[path = "hostile/sizes.rs"]
mod sizes;
#[path = "hostile/values.rs"]
mod values;
