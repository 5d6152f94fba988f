//! The message types that this library sends, and a request in words.
//!
//! An error has to say which request failed, and which attribute of it the kernel complains about. Both are read back from
//! the request's own bytes, by the list of message types in this module. Each module below says what its messages hold
//! (`BODY`), and this list says which message type holds which.

mod info;
mod types;

pub use info::{RequestInfo, Verb};

pub(crate) use types::attribute_at;
