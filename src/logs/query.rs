//! What a test asks of its log.

use super::{
    book::{LOG_LIMIT, LogBook},
    install,
    line::LogLine,
    matching::{Condition, Wanted},
    watcher::Watcher,
};
use crate::scope::{Test, ready};
use std::{fmt, sync::Arc};
use tracing::Level;

/// The log of a test, or those of its lines that meet every condition; see [`Test::logs`].
///
/// The lines are those that are still held, at most [`LOG_LIMIT`], the oldest first, also of the teardowns so far.
#[derive(Clone)]
#[must_use = "filters do nothing until lines are asked for: `lines`, `count`, `first`, `last`, `wait`, `assert_any`"]
pub struct Logs {
    pub(super) test: Test,
    pub(super) book: Arc<LogBook>,
    pub(super) wanted: Wanted,
}

impl Test {
    /// What this test has logged through `tracing`, to be filtered, counted, waited for.
    ///
    /// # Panics
    /// If the subscriber of the calling thread was installed by somebody else and has no
    /// [`logs::layer`](crate::logs::layer): nobody could know what was logged.
    #[track_caller]
    pub fn logs(&self) -> Logs {
        ready(if install::is_heard() { Ok(()) } else { Err(install::unheard()) });
        Logs { test: self.clone(), book: LogBook::of(&self.scope), wanted: Wanted::default() }
    }
}

impl Logs {
    /// Lines that are at least so severe: `Level::WARN` takes warnings and errors. Defaults to all. A later call
    /// replaces an earlier one.
    pub fn level(mut self, level: Level) -> Self {
        self.wanted.level = Some(level);
        self
    }

    /// Lines whose target begins with this. Defaults to all.
    pub fn target(self, prefix: impl Into<String>) -> Self {
        self.with(Condition::Target(prefix.into()))
    }

    /// Lines whose message, or the value of one of whose fields, contains this text. Defaults to all.
    pub fn containing(self, text: impl Into<String>) -> Self {
        self.with(Condition::Text(text.into()))
    }

    /// Lines that have this field with this value, themselves or by a span that they were logged in. Values are
    /// compared as text. Defaults to all.
    pub fn field(self, name: &'static str, value: impl fmt::Display) -> Self {
        self.with(Condition::Field(name, value.to_string()))
    }

    /// Lines that were logged inside a span with this name. Defaults to all.
    pub fn span(self, name: impl Into<String>) -> Self {
        self.with(Condition::Span(name.into()))
    }

    fn with(mut self, condition: Condition) -> Self {
        self.wanted.conditions.push(condition);
        self
    }

    /// The lines.
    pub fn lines(&self) -> Vec<LogLine> {
        self.held().iter().map(|line| LogLine::clone(line)).collect()
    }

    /// How many lines there are.
    pub fn count(&self) -> usize {
        self.held().len()
    }

    /// The first line.
    pub fn first(&self) -> Option<LogLine> {
        self.held().first().map(|line| LogLine::clone(line))
    }

    /// The last line.
    pub fn last(&self) -> Option<LogLine> {
        self.held().last().map(|line| LogLine::clone(line))
    }

    fn held(&self) -> Vec<Arc<LogLine>> {
        let mut lines = self.book.lines().held;
        lines.retain(|line| self.wanted.matches(line));
        lines
    }

    /// Waits for the first line, whether it is there already or yet to come. Works under paused time.
    ///
    /// It waits for ever if there is none: the `timeout` of the test ends it, and the journal says what was waited for.
    /// Cancel safe.
    pub async fn wait(self) -> LogLine {
        let mut lines = self.wait_for(1).await;
        lines.swap_remove(0)
    }

    /// Waits until there are `count` lines and returns them; see [`wait`](Self::wait). Cancel safe.
    ///
    /// # Panics
    /// If `count` is more than [`LOG_LIMIT`].
    pub async fn wait_for(self, count: usize) -> Vec<LogLine> {
        assert!(count <= LOG_LIMIT, "cannot wait for {count} lines: a test holds {LOG_LIMIT}");
        let watcher = self.book.watch(Watcher::new(self.wanted.clone(), count));
        if !watcher.is_complete() {
            let lines = if count == 1 { "a line".to_owned() } else { format!("{count} lines") };
            self.test.record("logs", format!("waits for {lines}{}", self.wanted));
        }
        watcher.completed().await;
        watcher.take()
    }
}

impl fmt::Debug for Logs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logs").field("test", &self.test.name()).field("wanted", &self.wanted).finish_non_exhaustive()
    }
}
