//! What outlives a test: tasks and threads that it started.

use super::{finding::Finding, lock, options::Leaks, scope::Scope};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// How long tasks and threads that qtests started may take to end after the cancel token has fired. Only a test that is
/// about to fail waits that long.
const GRACE: Duration = Duration::from_secs(1);

/// How many of the leaked are named.
const NAMED: usize = 20;

/// The live tasks and threads that qtests started for a test.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    live: Mutex<BTreeMap<u64, Live>>,
    next: AtomicU64,
}

#[derive(Debug)]
struct Live {
    what: String,
    /// A task of the test's runtime, which the runtime counts too.
    is_task: bool,
}

/// One live task or thread; dropped when it ends.
#[derive(Debug)]
pub(super) struct Entry {
    scope: Arc<Scope>,
    number: u64,
}

impl Entry {
    pub(super) fn new(scope: &Arc<Scope>, what: String, is_task: bool) -> Self {
        let number = scope.ledger.next.fetch_add(1, Ordering::Relaxed);
        lock(&scope.ledger.live).insert(number, Live { what, is_task });
        Self { scope: Arc::clone(scope), number }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        lock(&self.scope.ledger.live).remove(&self.number);
    }
}

impl Ledger {
    fn is_empty(&self) -> bool {
        lock(&self.live).is_empty()
    }

    fn tasks(&self) -> usize {
        lock(&self.live).values().filter(|live| live.is_task).count()
    }

    fn names(&self) -> Vec<String> {
        lock(&self.live).values().take(NAMED).map(|live| live.what.clone()).collect()
    }
}

/// Looks for what outlived the test; runs on a driver, before the runtime is shut down.
pub(super) fn check(scope: &Arc<Scope>) {
    let rule = scope.options.leaks;
    if rule == Leaks::Off {
        return;
    }
    settle(scope, rule == Leaks::Strict);
    for what in scope.ledger.names() {
        scope.find(Finding::failure(format!("leak: {what} is still running (end it when t.cancelled() resolves)")));
    }
    let foreign = foreign_tasks(scope);
    if foreign > 0 {
        let text = format!("leak: {foreign} task(s) that the test did not start through t.spawn are still running");
        scope.find(if rule == Leaks::Strict { Finding::failure(text) } else { Finding::note(text) });
    }
}

fn foreign_tasks(scope: &Arc<Scope>) -> usize {
    let alive = scope.home.peek().map_or(0, |runtime| runtime.metrics().num_alive_tasks());
    alive.saturating_sub(scope.ledger.tasks())
}

/// Lets what has been cancelled come to its end.
fn settle(scope: &Arc<Scope>, wait_for_foreign: bool) {
    let began = Instant::now();
    let unsettled = || !scope.ledger.is_empty() || (wait_for_foreign && foreign_tasks(scope) > 0);
    while unsettled() && began.elapsed() < GRACE {
        if scope.home.peek().is_some() {
            scope.home.block_on(scope, async {
                for _ in 0..16 {
                    tokio::task::yield_now().await;
                }
            });
        }
        if unsettled() {
            // Waiting for threads of the operating system, which give no signal that could be awaited here.
            std::thread::park_timeout(Duration::from_millis(1));
        }
    }
}
