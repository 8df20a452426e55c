//! How every part tells the journal what happened without knowing the journal.

use std::{any::Any, borrow::Cow, fmt};

/// Something of note that happened in a test, such as a fault that fired or a connection that was cut.
///
/// The journal of the test keeps it with its time and prints its [`Display`](fmt::Display) form when the test fails.
pub trait Event: fmt::Display + Any + Send + Sync {
    /// The part that speaks, in one short word: `fault`, `proxy`, `load`.
    fn source(&self) -> &'static str;
}

/// Whoever takes events: the journal of a test, or nothing at all in production.
pub trait EventSink: Send + Sync {
    /// Takes one event. Must not block and must not panic.
    fn record(&self, event: Box<dyn Event>);
}

/// An event that is only a line of text.
#[derive(Debug)]
pub(crate) struct Line {
    source: &'static str,
    text: Cow<'static, str>,
}

impl Line {
    pub(crate) fn new(source: &'static str, text: impl Into<Cow<'static, str>>) -> Self {
        Self { source, text: text.into() }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Event for Line {
    fn source(&self) -> &'static str {
        self.source
    }
}
