//! Waits for lines without looking at the log again and again.

use super::{line::LogLine, matching::Wanted};
use crate::scope::lock;
use std::{
    mem,
    sync::{Arc, Mutex},
};
use tokio::sync::Notify;

/// Collects the first lines that are wanted. The log shows it each line under its own lock, so that none is missed,
/// even if so many come that the line is dropped before whoever waits can look.
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

    pub(super) fn show(&self, line: &Arc<LogLine>) {
        if !self.wanted.matches(line) {
            return;
        }
        let mut found = lock(&self.found);
        if found.len() < self.count {
            found.push(Arc::clone(line));
            if found.len() == self.count {
                self.complete.notify_one();
            }
        }
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
