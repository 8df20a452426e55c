//! Where something was asked for.

use std::{fmt, panic::Location};

/// Who armed a fault: a line of code, or somebody outside of the program.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Origin {
    /// This line.
    Code(&'static Location<'static>),
    /// The environment variable of this name.
    Variable(&'static str),
}

impl Origin {
    /// The line that calls the caller.
    #[track_caller]
    pub(crate) fn caller() -> Origin {
        Origin::Code(Location::caller())
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Code(place) => write!(f, "at {place}"),
            Origin::Variable(name) => write!(f, "by {name}"),
        }
    }
}
