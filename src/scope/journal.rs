//! The flight recorder of a test: a bounded list of what happened, printed when the test fails.

use crate::base::{Event, EventSink, Ring};
use std::{
    fmt::{self, Write},
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

    /// The last events for a report, equal ones in a row as one line; empty when nothing happened.
    pub(super) fn tail(&self) -> String {
        let entries = super::lock(&self.entries);
        let mut lines: Vec<(String, &Entry, usize)> = Vec::new();
        let mut shown = 0;
        for entry in entries.iter().rev() {
            let text = entry.text();
            let full = lines.len() == TAIL;
            match lines.last_mut() {
                Some((last, _, count)) if *last == text => *count += 1,
                _ if full => break,
                _ => lines.push((text, entry, 1)),
            }
            shown += 1;
        }
        if shown == 0 {
            return String::new();
        }
        let mut tail = format!("  journal (last {shown} of {}):\n", entries.pushed());
        for (text, entry, count) in lines.iter().rev() {
            let times = if *count > 1 { format!(" ({count} times)") } else { String::new() };
            let _ = writeln!(tail, "    {} {text}{times}", entry.time());
        }
        tail
    }
}

impl Entry {
    fn time(&self) -> String {
        format!("+{:.6}s", self.at.as_secs_f64())
    }

    /// The event without its time; lines after the first are indented.
    fn text(&self) -> String {
        let indent = format!("\n{:29}", "");
        format!("{:<8} {}", self.event.source(), self.event).replace('\n', &indent)
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
        write!(f, "{} {}", self.time(), self.text())
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Journal({} events)", super::lock(&self.entries).pushed())
    }
}
