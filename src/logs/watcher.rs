//! Waits for lines without looking at the log again and again.

use super::{line::LogLine, matching::Wanted};
use crate::scope::lock;
use std::{
    mem,
    sync::{Arc, Mutex},
};
use tokio::sync::Notify;

/// Collects the first lines that are wanted. The log shows it each line under its own lock, so that none is missed,
/// even if so many come that the line is dropped before whoever waits can look. Whoever waits is woken later, without
/// that lock, since wakers are code of others, and may log.
#[derive(Debug)]
pub(super) struct Watcher {
    wanted: Wanted,
    count: usize,
    found: Mutex<Vec<Arc<LogLine>>>,
    complete: Notify,
}

impl Watcher {
    pub(super) fn new(wanted: Wanted, count: usize) -> Self {
        Self { wanted, count, found: Mutex::default(), complete: Notify::new() }
    }

    /// Whether this line is the last of those that are waited for: [`notify`](Self::notify) is due then.
    #[must_use = "whoever waits is to be woken"]
    pub(super) fn show(&self, line: &Arc<LogLine>) -> bool {
        if !self.wanted.matches(line) {
            return false;
        }
        let mut found = lock(&self.found);
        if found.len() == self.count {
            return false;
        }
        found.push(Arc::clone(line));
        found.len() == self.count
    }

    /// Wakes whoever waits. No lock of ours may be held meanwhile.
    pub(super) fn notify(&self) {
        self.complete.notify_one();
    }

    pub(super) fn is_complete(&self) -> bool {
        lock(&self.found).len() == self.count
    }

    /// Resolves when all lines have come. Cancel safe; for one caller.
    pub(super) async fn completed(&self) {
        while !self.is_complete() {
            self.complete.notified().await;
        }
    }

    pub(super) fn take(&self) -> Vec<LogLine> {
        let found = mem::take(&mut *lock(&self.found));
        found.iter().map(|line| LogLine::clone(line)).collect()
    }
}
