//! The flight recorder of a test: a bounded list of what happened, printed when the test fails.

use crate::base::{Event, EventSink, Ring};
use std::{
    fmt,
    sync::Mutex,
    time::{Duration, Instant},
};

/// How many events a journal holds; older ones are dropped and counted.
pub(crate) const JOURNAL_LIMIT: usize = 10_000;

/// How many of them a failing test prints.
const TAIL: usize = 30;

/// The flight recorder of one test.
pub(crate) struct Journal {
    started: Instant,
    entries: Mutex<Ring<Entry>>,
}

/// One event with the time since the test began.
struct Entry {
    at: Duration,
    event: Box<dyn Event>,
}

impl Journal {
    pub(super) fn new() -> Self {
        Self { started: Instant::now(), entries: Mutex::new(Ring::new(JOURNAL_LIMIT)) }
    }

    /// Wall time since the test began.
    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// All that is still held, one line an event.
    pub(super) fn lines(&self) -> Vec<String> {
        super::lock(&self.entries).iter().map(ToString::to_string).collect()
    }

    /// The last events for a report; empty when nothing happened.
    pub(super) fn tail(&self) -> String {
        let entries = super::lock(&self.entries);
        let shown = entries.iter().len().min(TAIL);
        if shown == 0 {
            return String::new();
        }
        let mut text = format!("  journal (last {shown} of {}):\n", entries.pushed());
        for entry in entries.iter().rev().take(shown).rev() {
            text.push_str(&format!("    {entry}\n"));
        }
        text
    }
}

impl EventSink for Journal {
    fn record(&self, event: Box<dyn Event>) {
        let mut entries = super::lock(&self.entries);
        // Taken under the lock, so that the times of a journal never go back.
        let at = self.started.elapsed();
        entries.push(Entry { at, event });
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{:.6}s {:<8} {}", self.at.as_secs_f64(), self.event.source(), self.event)
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Journal({} events)", super::lock(&self.entries).pushed())
    }
}
