//! What each test here does: have a request refused, and compare what is said of why.

use crate::help::all;
use std::fmt::Debug;
use sublink::error::Reason;
use sublink::{Result, Socket};

/// Why a request was refused. Looking changes nothing.
#[track_caller]
pub fn why<T: Debug>(socket: &mut Socket, refused: Result<T>) -> Option<Reason> {
    let error = refused.expect_err("it should have been refused");
    let before = all(socket);
    let reason = crate::common::reason(&error, socket);
    assert_eq!(all(socket), before, "looking changed something");
    assert_eq!(crate::common::reason(&error, socket), reason, "a second look is the same");
    reason
}

/// A request is refused for this reason, which prints as this sentence.
#[track_caller]
pub fn assert_why<T: Debug>(socket: &mut Socket, refused: Result<T>, reason: &Reason, sentence: &str) {
    let said = refused.as_ref().err().map(ToString::to_string).unwrap_or_default();
    let found = why(socket, refused);
    assert_eq!(found.as_ref(), Some(reason), "{said}");
    assert_eq!(reason.to_string(), sentence, "{said}");
}

/// A request is refused in these words, which are all that can be said.
#[track_caller]
pub fn assert_no_more<T: Debug>(socket: &mut Socket, refused: Result<T>, said: &str) {
    assert_eq!(refused.as_ref().err().map(ToString::to_string).as_deref(), Some(said));
    assert_eq!(why(socket, refused), None, "{said}");
}
