//! The log of one test.

use super::{line::LogLine, tail};
use crate::{
    base::{Ring, count},
    scope::{Part, Scope, lock},
};
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

#[cfg(feature = "tracing-test")]
use std::sync::OnceLock;

/// How many lines a test holds; older ones are dropped and counted.
pub const LOG_LIMIT: usize = 10_000;

/// How many of them a failing test prints.
const TAIL: usize = 20;

/// The log of one test.
#[derive(Debug)]
pub(super) struct LogBook {
    lines: Mutex<Ring<Arc<LogLine>>>,
    /// Woken at each line.
    pub(super) pushed: Notify,
    /// The span that `#[traced_test]` has put around the body.
    #[cfg(feature = "tracing-test")]
    pub(super) traced: OnceLock<&'static str>,
}

impl Part for LogBook {}

/// What a log holds from a certain line on.
pub(super) struct Since {
    pub(super) lines: Vec<Arc<LogLine>>,
    /// The number of the line that comes next.
    pub(super) next: u64,
}

impl LogBook {
    pub(super) fn of(scope: &Scope) -> Arc<Self> {
        scope.part_or_insert(|| Self {
            lines: Mutex::new(Ring::new(LOG_LIMIT)),
            pushed: Notify::new(),
            #[cfg(feature = "tracing-test")]
            traced: OnceLock::new(),
        })
    }

    pub(super) fn push(&self, scope: &Scope, mut line: LogLine) -> Arc<LogLine> {
        let mut lines = lock(&self.lines);
        // Taken under the lock, so that the times of a log never go back.
        line.at = scope.elapsed();
        let line = Arc::new(line);
        lines.push(Arc::clone(&line));
        drop(lines);
        self.pushed.notify_waiters();
        line
    }

    /// The lines that are still held from number `from` on.
    pub(super) fn since(&self, from: u64) -> Since {
        let lines = lock(&self.lines);
        let next = lines.pushed();
        let dropped = next - lines.iter().len() as u64;
        let skip = usize::try_from(from.saturating_sub(dropped)).unwrap_or(usize::MAX);
        Since { lines: lines.iter().skip(skip).cloned().collect(), next }
    }

    /// How many lines have been dropped.
    pub(super) fn dropped(&self) -> u64 {
        let lines = lock(&self.lines);
        lines.pushed() - lines.iter().len() as u64
    }
}

/// The end of the log, for the report of a failing test.
pub(super) fn section(scope: &Scope) -> Option<String> {
    let since = scope.part::<LogBook>()?.since(0);
    let (shown, lines) = tail::tail(since.lines.iter().map(|line| &**line), TAIL);
    (shown > 0).then(|| format!("  logs (last {shown} of {}):\n{lines}", count(since.next)))
}
