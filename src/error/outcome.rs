//! What became of what a failed request was about.

use crate::value::IfIndex;
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
    /// Nothing is left: it was not made, was removed again, or has left the container.
    Clean,
    /// The container has put another link in its place, or given it another MAC address; that was let alone.
    Replaced(IfIndex),
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
            Self::Replaced(index) => {
                write!(f, "link #{index} of the container is not the one attached, and was not touched")
            }
            Self::WasThere(index) => write!(f, "link #{index} was there before, and was not touched"),
            Self::LeftBehind(index) => write!(f, "link #{index} is left behind in the container"),
            Self::Unknown(index) => write!(f, "link #{index} may be left behind in the container"),
        }
    }
}
