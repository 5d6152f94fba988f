//! What became of what a failed request was about.

use crate::value::{IfIndex, NsId};
use std::fmt;

/// Which step of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step {
    /// From 0.
    pub index: usize,
    /// How many steps the batch has.
    pub of: usize,
}

/// Where a link is after a move that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Whereabouts {
    /// In the namespace it was to leave.
    Here,
    /// In the namespace it was to reach, down, under its old or its new name.
    There,
    /// It could not be found out.
    Unknown,
}

/// What became of a link whose attaching failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Undo {
    /// The link is not there: it was not made, or it was removed again, if need be in a namespace that the container had moved it
    /// to. What the container has stacked on it meanwhile is not looked for.
    Clean,
    /// No link of this index is in the container: the container has deleted it, or moved it where it could not be followed, or
    /// it went with its parent. After a create whose answer was lost, it may not have been made.
    Gone(IfIndex),
    /// The container has put another link in its place, which was let alone. The one attached is in no namespace that the
    /// container's has an id for.
    Replaced(IfIndex),
    /// The container has moved it to the namespace which its own numbers so, where it could not be deleted.
    OutOfReach(IfIndex, NsId),
    /// The container had a link with the index that was asked for; that was let alone. The answer to the
    /// create was lost.
    WasThere(IfIndex),
    /// It is still there, in the container's namespace, under this index: removing it failed.
    LeftBehind(IfIndex),
    /// It could not be found out: it may be there, under this index.
    Unknown(IfIndex),
}

impl fmt::Display for Whereabouts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Here => "the link has not left its namespace",
            Self::There => "the link is in the other namespace now",
            Self::Unknown => "which namespace has the link now is unknown",
        })
    }
}

impl fmt::Display for Undo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clean => f.write_str("no link is left behind"),
            Self::Gone(_) => f.write_str("the link is not in the container, and was not found elsewhere"),
            Self::Replaced(index) => {
                write!(f, "link #{index} of the container is not the one attached, and was not touched")
            }
            Self::OutOfReach(_, nsid) => {
                write!(f, "the container has moved the link to its namespace {nsid}, and it is left behind there")
            }
            Self::WasThere(index) => write!(f, "link #{index} was there before, and was not touched"),
            Self::LeftBehind(index) => write!(f, "link #{index} is left behind in the container"),
            Self::Unknown(index) => write!(f, "link #{index} may be left behind in the container"),
        }
    }
}
