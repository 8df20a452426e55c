//! What outlives a test: tasks and threads that it started.

use super::{finding::Finding, lock, options::Leaks, scope::Scope};
use std::{
    collections::BTreeMap,
    panic::Location,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::runtime::{self, Handle, RuntimeFlavor};

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
    /// A runtime whose only thread is busy with the end of the test, so that its tasks cannot end.
    stopped: Mutex<Option<runtime::Id>>,
    /// Where the live tasks of the runtime that qtests did not start were spawned, as far as tokio tells.
    foreign: Mutex<BTreeMap<u64, &'static Location<'static>>>,
}

#[derive(Debug)]
struct Live {
    what: String,
    /// The runtime of a task, which counts it too.
    runtime: Option<runtime::Id>,
}

/// One live task or thread; dropped when it ends.
#[derive(Debug)]
pub(super) struct Entry {
    scope: Arc<Scope>,
    number: u64,
}

impl Entry {
    /// A thread.
    pub(super) fn thread(scope: &Arc<Scope>, what: String) -> Self {
        Self::new(scope, what, None)
    }

    /// A task of the current runtime.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[track_caller]
    pub(super) fn task(scope: &Arc<Scope>, what: String) -> Self {
        Self::new(scope, what, Some(Handle::current().id()))
    }

    fn new(scope: &Arc<Scope>, what: String, runtime: Option<runtime::Id>) -> Self {
        let number = scope.ledger.next.fetch_add(1, Ordering::Relaxed);
        lock(&scope.ledger.live).insert(number, Live { what, runtime });
        Self { scope: Arc::clone(scope), number }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        lock(&self.scope.ledger.live).remove(&self.number);
    }
}

impl Ledger {
    /// The calling thread is about to block until the test is over. If it is the only thread of a runtime, the tasks of
    /// that runtime cannot end before.
    pub(super) fn cannot_poll_current_runtime(&self) {
        if let Ok(handle) = Handle::try_current()
            && handle.runtime_flavor() == RuntimeFlavor::CurrentThread
        {
            *lock(&self.stopped) = Some(handle.id());
        }
    }

    /// The live ones, but those that cannot end now, which come second.
    fn names(&self) -> (Vec<String>, Vec<String>) {
        let stopped = *lock(&self.stopped);
        let live = lock(&self.live);
        let (cannot_end, can_end): (Vec<&Live>, Vec<&Live>) =
            live.values().partition(|live| stopped.is_some() && live.runtime == stopped);
        let names = |live: Vec<&Live>| live.into_iter().take(NAMED).map(|live| live.what.clone()).collect();
        (names(can_end), names(cannot_end))
    }

    /// A task that is known by a name of its own.
    pub(super) fn is_own(&self, task: tokio::task::Id) {
        if cfg!(tokio_unstable)
            && let Ok(number) = task.to_string().parse()
        {
            lock(&self.foreign).remove(&number);
        }
    }

    fn spawned_at(&self) -> Vec<&'static Location<'static>> {
        lock(&self.foreign).values().copied().collect()
    }

    fn tasks_of(&self, runtime: runtime::Id) -> usize {
        lock(&self.live).values().filter(|live| live.runtime == Some(runtime)).count()
    }
}

/// Whether there is nothing to look for.
pub(super) fn nothing_lives(scope: &Arc<Scope>) -> bool {
    lock(&scope.ledger.live).is_empty() && foreign_tasks(scope) == 0
}

/// Looks for what outlived the test; runs on a driver, before the runtime is shut down.
pub(super) fn check(scope: &Arc<Scope>) {
    let rule = scope.options.leaks;
    if rule == Leaks::Off {
        return;
    }
    settle(scope, rule == Leaks::Strict);
    let (leaked, cannot_end) = scope.ledger.names();
    for what in leaked {
        scope.find(Finding::failure(format!("leak: {what} is still running (end it when t.cancelled() resolves)")));
    }
    for what in cannot_end {
        let cure = "its runtime has one thread, which was busy dropping the scope: use scope.finish().await";
        scope.find(Finding::note(format!("{what} may be still running ({cure})")));
    }
    for text in foreign_leaks(foreign_tasks(scope), &scope.ledger.spawned_at()) {
        scope.find(if rule == Leaks::Strict { Finding::failure(text) } else { Finding::note(text) });
    }
}

/// What is said of tasks that were not started through `t.spawn`: where they were spawned, or how that can be known.
fn foreign_leaks(count: usize, spawned_at: &[&'static Location<'static>]) -> Vec<String> {
    if count == 0 {
        return Vec::new();
    }
    if spawned_at.is_empty() {
        let how = "run again with RUSTFLAGS=\"--cfg tokio_unstable\" to see where they were spawned";
        let what = format!("{count} task(s) that the test did not start through t.spawn are still running");
        return vec![format!("leak: {what} ({how})")];
    }
    let named =
        spawned_at.iter().take(NAMED).map(|place| format!("leak: the task spawned at {place} is still running"));
    let more = spawned_at.len().saturating_sub(NAMED);
    named.chain((more > 0).then(|| format!("leak: and {more} more task(s)"))).collect()
}

/// How many live tasks have their place remembered.
#[cfg(tokio_unstable)]
const PLACES: usize = 10_000;

/// Has the runtime tell where its tasks are spawned.
#[cfg(tokio_unstable)]
pub(super) fn name_tasks(builder: &mut tokio::runtime::Builder, scope: &Arc<Scope>) {
    let key = |meta: &tokio::runtime::TaskMeta<'_>| meta.id().to_string().parse::<u64>().unwrap_or(0);
    let (spawning, ending) = (Arc::downgrade(scope), Arc::downgrade(scope));
    builder.on_task_spawn(move |meta| {
        if let Some(scope) = spawning.upgrade() {
            let mut places = lock(&scope.ledger.foreign);
            if places.len() < PLACES {
                places.insert(key(meta), meta.spawned_at());
            }
        }
    });
    builder.on_task_terminate(move |meta| {
        if let Some(scope) = ending.upgrade() {
            lock(&scope.ledger.foreign).remove(&key(meta));
        }
    });
}

/// The stable tokio does not tell where tasks are spawned.
#[cfg(not(tokio_unstable))]
pub(super) fn name_tasks(_: &mut tokio::runtime::Builder, _: &Arc<Scope>) {}

fn foreign_tasks(scope: &Arc<Scope>) -> usize {
    let Some(runtime) = scope.home.peek() else { return 0 };
    let own = scope.ledger.tasks_of(runtime.handle().id());
    runtime.metrics().num_alive_tasks().saturating_sub(own)
}

/// Lets what has been cancelled come to its end.
fn settle(scope: &Arc<Scope>, wait_for_foreign: bool) {
    let began = Instant::now();
    let unsettled = || !scope.ledger.names().0.is_empty() || (wait_for_foreign && foreign_tasks(scope) > 0);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_are_named_by_their_place_or_it_is_said_how_to_name_them() {
        assert!(foreign_leaks(0, &[]).is_empty());
        let unnamed = foreign_leaks(3, &[]);
        assert!(unnamed.len() == 1 && unnamed[0].contains("3 task(s)") && unnamed[0].contains("tokio_unstable"));
        let many = foreign_leaks(25, &[Location::caller(); 25]);
        assert!(many[0].contains("src/scope/leak.rs:") && many.len() == 21 && many[20].contains("5 more"));
    }
}
