//! The log of one test.

use super::{line::LogLine, tail, watcher::Watcher};
use crate::{
    base::{Ring, count},
    scope::{Part, Scope, lock},
};
use std::sync::{Arc, Mutex, Weak};

#[cfg(feature = "tracing-test")]
use std::sync::OnceLock;

/// How many lines a test holds; older ones are dropped and counted.
pub const LOG_LIMIT: usize = 10_000;

/// How many of them a failing test prints.
const TAIL: usize = 20;

/// The log of one test.
#[derive(Debug)]
pub(super) struct LogBook {
    held: Mutex<Held>,
    /// The span that `#[traced_test]` has put around the body; `None` if it is refused.
    #[cfg(feature = "tracing-test")]
    pub(super) traced: OnceLock<Option<&'static str>>,
}

impl Part for LogBook {}

#[derive(Debug)]
struct Held {
    lines: Ring<Arc<LogLine>>,
    /// Those who wait for lines; as many as there are waiting futures.
    watchers: Vec<Weak<Watcher>>,
}

/// What a log holds.
pub(super) struct Lines {
    pub(super) held: Vec<Arc<LogLine>>,
    /// All lines ever logged.
    pub(super) logged: u64,
}

impl LogBook {
    pub(super) fn of(scope: &Scope) -> Arc<Self> {
        scope.part_or_insert(|| Self {
            held: Mutex::new(Held { lines: Ring::new(LOG_LIMIT), watchers: Vec::new() }),
            #[cfg(feature = "tracing-test")]
            traced: OnceLock::new(),
        })
    }

    pub(super) fn push(&self, scope: &Scope, mut line: LogLine) -> Arc<LogLine> {
        let mut held = lock(&self.held);
        // Taken under the lock, so that the times of a log never go back.
        line.at = scope.elapsed();
        let line = Arc::new(line);
        held.lines.push(Arc::clone(&line));
        let watchers: Vec<Arc<Watcher>> = held.watchers.iter().filter_map(Weak::upgrade).collect();
        watchers.iter().for_each(|watcher| watcher.show(&line));
        line
    }

    /// Shows all lines to the watcher, those that are held and those to come.
    pub(super) fn watch(&self, watcher: Watcher) -> Arc<Watcher> {
        let watcher = Arc::new(watcher);
        let mut held = lock(&self.held);
        held.lines.iter().for_each(|line| watcher.show(line));
        held.watchers.retain(|other| other.strong_count() > 0);
        if !watcher.is_complete() {
            held.watchers.push(Arc::downgrade(&watcher));
        }
        watcher
    }

    /// The lines that are still held, the oldest first.
    pub(super) fn lines(&self) -> Lines {
        let held = lock(&self.held);
        Lines { held: held.lines.iter().cloned().collect(), logged: held.lines.pushed() }
    }
}

impl Lines {
    /// How many lines have been dropped.
    pub(super) fn dropped(&self) -> u64 {
        self.logged - self.held.len() as u64
    }
}

/// The end of the log, for the report of a failing test.
pub(super) fn section(scope: &Scope) -> Option<String> {
    let lines = scope.part::<LogBook>()?.lines();
    let (shown, text) = tail::tail(lines.held.iter().map(|line| &**line), TAIL);
    (shown > 0).then(|| format!("  logs (last {shown} of {}):\n{text}", count(lines.logged)))
}
