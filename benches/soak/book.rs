//! What both ends of all connections tell: counts, what the server saw of each, and what was wrong.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};
use tokio::sync::oneshot;

/// Failures that are kept; the others are counted.
const MAX_FAILURES: usize = 20;

/// What the server saw of one connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Served {
    pub(crate) received: u64,
    pub(crate) sent: u64,
    /// Whether it read an end of file and could send its own.
    pub(crate) finished: bool,
}

/// The book of one run.
#[derive(Debug, Default)]
pub(crate) struct Book {
    connections: AtomicU64,
    cut: AtomicU64,
    bytes: AtomicU64,
    toggles: AtomicU64,
    /// Clients that wait for what the server saw. As many as connections are open.
    waiting: Mutex<BTreeMap<u64, oneshot::Sender<Served>>>,
    failures: Mutex<(Vec<String>, usize)>,
}

/// The counts so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counts {
    pub(crate) connections: u64,
    pub(crate) cut: u64,
    pub(crate) bytes: u64,
    pub(crate) toggles: u64,
}

impl Book {
    /// A client opens a connection: its number, and where the server's view of it will come.
    pub(crate) fn open(&self) -> (u64, oneshot::Receiver<Served>) {
        let number = self.connections.fetch_add(1, Relaxed);
        let (sender, receiver) = oneshot::channel();
        lock(&self.waiting).insert(number, sender);
        (number, receiver)
    }

    /// Where to send the view of a connection; `None` if it was taken already, or if the client has given up.
    pub(crate) fn take(&self, number: u64) -> Option<oneshot::Sender<Served>> {
        lock(&self.waiting).remove(&number)
    }

    /// Bytes that were compared with what was sent.
    pub(crate) fn checked(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Relaxed);
    }

    /// A connection was refused or cut in a round in which that may happen.
    pub(crate) fn cut(&self) {
        self.cut.fetch_add(1, Relaxed);
    }

    /// A toxic was added or removed.
    pub(crate) fn toggled(&self) {
        self.toggles.fetch_add(1, Relaxed);
    }

    pub(crate) fn counts(&self) -> Counts {
        Counts {
            connections: self.connections.load(Relaxed),
            cut: self.cut.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            toggles: self.toggles.load(Relaxed),
        }
    }

    /// Something was wrong.
    pub(crate) fn fail(&self, text: String) {
        let mut failures = lock(&self.failures);
        failures.1 += 1;
        if failures.0.len() < MAX_FAILURES {
            failures.0.push(text);
        }
    }

    /// All that was wrong, the first of it in words.
    pub(crate) fn failures(&self) -> Vec<String> {
        let failures = lock(&self.failures);
        let mut all = failures.0.clone();
        let more = failures.1 - all.len();
        if more > 0 {
            all.push(format!("and {more} more"));
        }
        all
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
