//! The runtime of a test: built so that all its threads know the test.

use super::{current, lock, options::Options, scope::Scope};
use std::{
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::runtime::{Builder, Runtime, RuntimeFlavor};

/// How long the runtime of a test may take to stop its blocking threads.
const SHUTDOWN: Duration = Duration::from_secs(1);

/// The runtime that a test and its teardowns run on. A driver takes it for each step and gives it back.
#[derive(Debug, Default)]
pub(super) struct Home {
    built: Mutex<Option<Built>>,
}

/// A runtime, and how many of its threads live.
#[derive(Debug)]
struct Built {
    runtime: Arc<Runtime>,
    threads: Arc<AtomicUsize>,
}

impl Home {
    /// The runtime of the test; a fresh one if it has none, or if its own was left behind.
    pub(super) fn get(&self, scope: &Arc<Scope>) -> Arc<Runtime> {
        let mut built = lock(&self.built);
        Arc::clone(&built.get_or_insert_with(|| build(&scope.options, scope)).runtime)
    }

    pub(super) fn peek(&self) -> Option<Arc<Runtime>> {
        lock(&self.built).as_ref().map(|built| Arc::clone(&built.runtime))
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
    pub(super) fn shut_down(&self) -> bool {
        let Some(Built { runtime, threads }) = lock(&self.built).take() else { return true };
        let Some(runtime) = Arc::into_inner(runtime) else { return true };
        runtime.shutdown_timeout(SHUTDOWN);
        threads.load(Ordering::Acquire) == 0
    }

    /// The driver is stuck: leaves its runtime behind, stopped as far as that can be done from outside.
    pub(super) fn leave_behind(&self) {
        if let Some(built) = lock(&self.built).take() {
            match Arc::try_unwrap(built.runtime) {
                Ok(runtime) => runtime.shutdown_background(),
                // The stuck thread itself is in `block_on`; it drops the runtime if it ever returns.
                Err(shared) => drop(shared),
            }
        }
    }
}

/// Builds a runtime whose threads, those for blocking work included, belong to the test.
fn build(options: &Options, scope: &Arc<Scope>) -> Built {
    let mut builder = if options.workers > 0 { Builder::new_multi_thread() } else { Builder::new_current_thread() };
    if options.workers > 0 {
        builder.worker_threads(options.workers);
    }
    let scope: Weak<Scope> = Arc::downgrade(scope);
    let threads = Arc::new(AtomicUsize::new(0));
    let (starting, stopping) = (Arc::clone(&threads), Arc::clone(&threads));
    let built = builder
        .enable_all()
        .start_paused(options.paused)
        .thread_name("qtests-worker")
        .on_thread_start(move || {
            starting.fetch_add(1, Ordering::AcqRel);
            current::install(Weak::clone(&scope));
        })
        .on_thread_stop(move || {
            stopping.fetch_sub(1, Ordering::AcqRel);
        })
        .build();
    match built {
        Ok(runtime) => Built { runtime: Arc::new(runtime), threads },
        Err(error) => panic!("the runtime of the test cannot be built: {error}"),
    }
}
