//! The handle of a running test.

use super::{
    Part, current, ending::until_cut, leak, lock, panics, ready, scope::Scope, task::TaskHandle, teardown,
    teardown::Undo,
};
use crate::base::{Error, Seed};
use std::{
    fmt,
    net::Ipv4Addr,
    panic::Location,
    path::Path,
    sync::{Arc, Weak},
    time::Duration,
};
use tokio::net::TcpListener;

/// The handle of a running test: everything that is asked of it is undone when the test ends.
///
/// `#[qtest]` passes it to the test; [`Test::scoped`] makes one for tests that are not `#[qtest]`. Clones are the same
/// test. Once the test is over a handle that is still held can do nothing any more.
#[derive(Clone)]
pub struct Test {
    pub(crate) scope: Arc<Scope>,
}

impl Test {
    pub(crate) fn of(scope: Arc<Scope>) -> Self {
        Self { scope }
    }

    /// The name of the test, as libtest shows it.
    pub fn name(&self) -> &str {
        self.scope.name()
    }

    /// The number that all randomness of this test is drawn from.
    pub fn seed(&self) -> Seed {
        self.scope.seed
    }

    /// A random number generator that gives the same sequence in each run with the same seed. Each call starts the
    /// sequence anew; not for cryptography.
    pub fn rng(&self) -> fastrand::Rng {
        fastrand::Rng::with_seed(self.seed().draw("t.rng", "", 0))
    }

    /// Undoes something when the test ends: on return, panic, timeout, a signal or `process::exit`. The latest comes
    /// first. Each may take as long as the key `teardown_timeout` says (5 s); a panic in it fails the test and the rest
    /// runs all the same.
    ///
    /// # Panics
    /// If the test is over.
    #[track_caller]
    pub fn defer(&self, undo: impl FnOnce() + Send + 'static) {
        let what = teardown::named("the teardown deferred", Location::caller());
        ready(self.scope.undo_at_end(Undo::now(what, undo)));
    }

    /// Like [`defer`](Test::defer), for a future. It is awaited on the runtime of the test; if that is blocked, on a
    /// fresh one, so it must not depend on sockets that were registered with the old one.
    ///
    /// # Panics
    /// If the test is over.
    #[track_caller]
    pub fn defer_async(&self, undo: impl Future<Output = ()> + Send + 'static) {
        let what = teardown::named("the teardown deferred", Location::caller());
        ready(self.scope.undo_at_end(Undo::later(what, undo)));
    }

    /// Keeps a resource until the test ends and drops it then, in the order of teardowns.
    ///
    /// # Panics
    /// If the test is over.
    #[track_caller]
    pub fn own<T: Send + Sync + 'static>(&self, resource: T) -> Arc<T> {
        let resource = Arc::new(resource);
        let kept = Arc::clone(&resource);
        let what = teardown::named(&format!("the {} owned", std::any::type_name::<T>()), Location::caller());
        ready(self.scope.undo_at_end(Undo::now(what, move || drop(kept))));
        resource
    }

    /// Starts a task on the current runtime that counts as the test's own: if it is still running when the test ends
    /// (and [`cancelled`](Test::cancelled) has resolved), the test fails; a panic in it fails the test unless the
    /// handle is awaited.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> TaskHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let what = teardown::named("the task spawned", Location::caller());
        let entry = leak::Entry::task(&self.scope, what);
        let inner = tokio::spawn(async move {
            let _entry = entry;
            future.await
        });
        self.scope.ledger.is_own(inner.id());
        TaskHandle { inner, scope: Arc::clone(&self.scope) }
    }

    /// Runs a future, or what turns into one such as [`Test::proxy`], to its end on the runtime of the test. For tests that
    /// are not async.
    ///
    /// # Panics
    /// If the test is over, or inside a runtime, as in an async test: await the future there. If the body takes longer than
    /// its `timeout`, or the test ends while another thread is in here, the call unwinds without a message.
    pub fn block_on<F: IntoFuture>(&self, future: F) -> F::Output {
        let future = future.into_future();
        let home = &self.scope.home;
        let body = lock(&self.scope.sync_cut).clone();
        let cut = match body {
            Some((driver, cut)) if panics::driver() == Some(driver) => cut,
            // A teardown, or a thread of the user, which must not keep the runtime beyond the end of the test.
            _ => {
                let closing = home.closing(&self.scope);
                // Asked after the runtime was taken or built: a test that closes later stops it and fires the signal.
                ready(self.scope.still_open("a wait on its runtime"));
                closing
            }
        };
        match home.block_on(&self.scope, until_cut(future, &cut)) {
            Some(output) => output,
            // The body took too long, or the test is over: the thread unwinds from here, so that its guards run.
            None => panics::unwind_from_cut(),
        }
    }

    /// Resolves when the test ends, before its teardowns run. Cancel safe.
    pub fn cancelled(&self) -> impl Future<Output = ()> + Send + 'static {
        self.scope.cancel.fired()
    }

    /// Whether the test is being torn down.
    pub fn is_cancelled(&self) -> bool {
        self.scope.cancel.is_fired()
    }

    /// The directory of the test: empty, its own, removed when the test passes; kept and printed when it fails.
    ///
    /// # Panics
    /// If it cannot be made.
    #[track_caller]
    pub fn dir(&self) -> &Path {
        ready(self.scope.still_open("a directory").and_then(|()| self.scope.dir.path(self.name())))
    }

    /// A listener on a free port of 127.0.0.1. A listener and not a number: between choosing a number and binding it
    /// another test may take it.
    ///
    /// # Errors
    /// If no port is free.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn listener(&self) -> Result<TcpListener, Error> {
        let bound = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| {
            listener.set_nonblocking(true)?;
            TcpListener::from_std(listener)
        });
        bound.map_err(|error| Error::other("a listener on 127.0.0.1 cannot be bound").with_source(error))
    }

    /// Expects `count` panics in tasks and threads of this test. Fewer fail the test, as do more.
    pub fn expect_panics(&self, count: usize) {
        self.scope.panics.expect(count);
    }

    /// Lets the calling thread belong to this test until it ends. For thread pools of others, such as the
    /// `start_handler` of rayon.
    pub fn adopt_thread(&self) {
        current::install(Arc::downgrade(&self.scope));
    }

    /// What has happened in this test, one line an event, the oldest first; at most 10,000.
    pub fn journal(&self) -> Vec<String> {
        self.scope.journal.lines()
    }

    /// Writes a line into the journal, which a failing test prints.
    pub fn note(&self, text: impl Into<String>) {
        self.record("note", text);
    }

    /// The line that repeats this test.
    pub fn repeat_line(&self) -> String {
        self.scope.repeat.line(self.name(), self.seed())
    }

    pub(crate) fn record(&self, source: &'static str, text: impl Into<String>) {
        self.scope.record(source, text.into());
    }

    /// What a part keeps for this test.
    pub(crate) fn slot<T: Part>(&self, make: impl FnOnce() -> T) -> Arc<T> {
        self.scope.part_or_insert(make)
    }

    /// Puts the test on the threads that call the closure, for `on_thread_start`. Does not keep the test alive.
    pub(crate) fn bind_thread(&self) -> impl Fn() + Send + Sync + 'static {
        let scope = self.downgrade();
        move || current::install(Weak::clone(&scope))
    }

    /// Whether the clock of the runtime that the caller is in stands still. tokio does not tell, but a clock that has
    /// not moved while that of the system did is paused.
    pub(crate) fn clock_is_paused(&self) -> bool {
        let (virtual_start, real_start) = (tokio::time::Instant::now(), std::time::Instant::now());
        while real_start.elapsed() < Duration::from_micros(2) {
            std::hint::spin_loop();
        }
        tokio::time::Instant::now() == virtual_start
    }

    /// Stops the time limit of the body until the guard is dropped, for waits that are not the test's fault.
    pub(crate) fn stop_time_limit(&self) -> impl Sized + Send + use<> {
        let left = self.scope.watch.stop_body_clock();
        scopeguard::guard(Arc::clone(&self.scope), move |scope| {
            if let Some(left) = left {
                scope.watch.start_body_clock(left);
            }
        })
    }

    /// A weak handle for threads of ours, which must not keep the test alive.
    pub(crate) fn downgrade(&self) -> Weak<Scope> {
        Arc::downgrade(&self.scope)
    }
}

impl fmt::Debug for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Test").field("name", &self.name()).finish_non_exhaustive()
    }
}
