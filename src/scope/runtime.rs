//! The runtime of a test: built so that all its threads know the test.

use super::{current, lock, options::Options, scope::Scope};
use std::{
    sync::{Arc, Mutex, Weak},
    time::Duration,
};
use tokio::runtime::{Builder, Runtime, RuntimeFlavor};

/// How long the runtime of a test may take to stop its blocking threads.
const SHUTDOWN: Duration = Duration::from_secs(1);

/// The runtime that a test and its teardowns run on. A driver takes it for each step and gives it back.
#[derive(Debug, Default)]
pub(super) struct Home {
    runtime: Mutex<Option<Arc<Runtime>>>,
}

impl Home {
    /// The runtime of the test; a fresh one if it has none, or if its own was left behind.
    pub(super) fn get(&self, scope: &Arc<Scope>) -> Arc<Runtime> {
        let mut runtime = lock(&self.runtime);
        Arc::clone(runtime.get_or_insert_with(|| Arc::new(build(&scope.options, scope))))
    }

    pub(super) fn peek(&self) -> Option<Arc<Runtime>> {
        lock(&self.runtime).clone()
    }

    /// Runs a future to its end on the runtime of the test.
    pub(super) fn block_on<F: Future>(&self, scope: &Arc<Scope>, future: F) -> F::Output {
        let runtime = self.get(scope);
        if runtime.handle().runtime_flavor() == RuntimeFlavor::CurrentThread {
            return runtime.block_on(future);
        }
        // The workers drive themselves. Nobody but `Home` holds the runtime meanwhile, so that it can be shut down
        // even if this thread never comes back.
        let handle = runtime.handle().clone();
        drop(runtime);
        handle.block_on(future)
    }

    /// Stops the runtime; true when all its threads have ended in time.
    pub(super) fn shut_down(&self, scope: &Scope) -> bool {
        let Some(runtime) = lock(&self.runtime).take().and_then(Arc::into_inner) else { return true };
        runtime.shutdown_timeout(SHUTDOWN);
        scope.ledger.runtime_threads() == 0
    }

    /// The driver is stuck: leaves its runtime behind, stopped as far as that can be done from outside.
    pub(super) fn leave_behind(&self) {
        if let Some(runtime) = lock(&self.runtime).take() {
            match Arc::try_unwrap(runtime) {
                Ok(runtime) => runtime.shutdown_background(),
                // The stuck thread itself is in `block_on`; it drops the runtime if it ever returns.
                Err(shared) => drop(shared),
            }
        }
    }
}

/// Builds a runtime whose threads, those for blocking work included, belong to the test.
fn build(options: &Options, scope: &Arc<Scope>) -> Runtime {
    let mut builder = if options.workers > 0 { Builder::new_multi_thread() } else { Builder::new_current_thread() };
    if options.workers > 0 {
        builder.worker_threads(options.workers);
    }
    let (starting, stopping): (Weak<Scope>, Weak<Scope>) = (Arc::downgrade(scope), Arc::downgrade(scope));
    let built = builder
        .enable_all()
        .start_paused(options.paused)
        .thread_name("qtests-worker")
        .on_thread_start(move || {
            if let Some(scope) = starting.upgrade() {
                scope.ledger.runtime_thread_started();
            }
            current::install(Weak::clone(&starting));
        })
        .on_thread_stop(move || {
            if let Some(scope) = stopping.upgrade() {
                scope.ledger.runtime_thread_stopped();
            }
        })
        .build();
    built.unwrap_or_else(|error| panic!("the runtime of the test cannot be built: {error}"))
}
