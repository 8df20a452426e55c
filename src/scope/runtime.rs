//! The runtime of a test: built so that all its threads know the test.

use super::{
    cancel::Cancel,
    current,
    idle::Idle,
    leak, lock,
    options::{Leaks, Options},
    residue,
    scope::Scope,
};
use std::{
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use tokio::runtime::{Builder, Runtime, RuntimeFlavor};

/// How long the runtime of a test may take to stop its blocking threads.
const SHUTDOWN: Duration = Duration::from_secs(1);

/// The runtime that a test and its teardowns run on. A driver takes it for each step and gives it back.
#[derive(Debug, Default)]
pub(super) struct Home {
    built: Mutex<Option<Built>>,
    /// The numbers that the system has given the threads of the runtime, of a test with `leaks = "strict"`: at most as
    /// many as it has ever had.
    ids: Arc<Mutex<Vec<i32>>>,
}

/// A runtime, and how many of its threads live.
#[derive(Debug)]
struct Built {
    runtime: Arc<Runtime>,
    threads: Arc<AtomicUsize>,
    /// How many drivers are inside it.
    users: Arc<AtomicUsize>,
    /// Fired when it is about to stop: whoever is inside gets out.
    closing: Cancel,
    idle: Arc<Idle>,
}

impl Home {
    /// The runtime of the test; a fresh one if it has none, or if its own was left behind.
    pub(super) fn get(&self, scope: &Arc<Scope>) -> Arc<Runtime> {
        self.get_with_users(scope).0
    }

    /// The signal that the runtime is about to stop.
    pub(super) fn closing(&self, scope: &Arc<Scope>) -> Cancel {
        lock(&self.built).get_or_insert_with(|| build(&scope.options, scope, &self.ids)).closing.clone()
    }

    fn get_with_users(&self, scope: &Arc<Scope>) -> (Arc<Runtime>, Arc<AtomicUsize>) {
        let mut built = lock(&self.built);
        let built = built.get_or_insert_with(|| build(&scope.options, scope, &self.ids));
        (Arc::clone(&built.runtime), Arc::clone(&built.users))
    }

    /// For how long nothing of the test has run on the runtime, if that is so.
    pub(super) fn idle_for(&self) -> Option<Duration> {
        lock(&self.built).as_ref()?.idle.all_for()
    }

    /// The numbers of the threads of the runtime, for a test that is held to what they leave.
    pub(super) fn thread_ids(&self) -> Vec<i32> {
        lock(&self.ids).clone()
    }

    pub(super) fn peek(&self) -> Option<Arc<Runtime>> {
        lock(&self.built).as_ref().map(|built| Arc::clone(&built.runtime))
    }

    /// Runs a future to its end on the runtime of the test.
    pub(super) fn block_on<F: Future>(&self, scope: &Arc<Scope>, future: F) -> F::Output {
        let (runtime, users) = self.get_with_users(scope);
        users.fetch_add(1, Ordering::AcqRel);
        // Declared before `runtime` is moved below it, so that it runs last: who is counted out holds nothing any more.
        let _done = scopeguard::guard(users, |users| _ = users.fetch_sub(1, Ordering::AcqRel));
        let runtime = runtime;
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
        let Some(Built { runtime, threads, users, closing, .. }) = lock(&self.built).take() else { return true };
        closing.fire();
        let began = Instant::now();
        // Threads of the user that are in `t.block_on` give no signal when they have left it.
        while users.load(Ordering::Acquire) > 0 && began.elapsed() < SHUTDOWN {
            thread::park_timeout(Duration::from_millis(1));
        }
        let Some(runtime) = Arc::into_inner(runtime) else { return false };
        runtime.shutdown_timeout(SHUTDOWN);
        threads.load(Ordering::Acquire) == 0
    }

    /// A driver is stuck. If it is so inside the runtime, the runtime is left behind, stopped as far as that can be
    /// done from outside, and the next driver builds a fresh one; otherwise the runtime is healthy and stays.
    pub(super) fn leave_behind_if_in_use(&self) {
        let in_use = |built: &mut Built| built.users.load(Ordering::Acquire) > 0;
        if let Some(built) = lock(&self.built).take_if(in_use) {
            stop_elsewhere(built.runtime);
        }
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if let Some(built) = lock(&self.built).take() {
            stop_elsewhere(built.runtime);
        }
    }
}

/// Stops a runtime on a thread of its own: that drops its tasks, whose destructors may block, and it must not happen
/// inside another runtime.
fn stop_elsewhere(runtime: Arc<Runtime>) {
    let stop = move || {
        residue::this_thread_is_ours();
        // If the stuck thread itself is in `block_on`, it drops the runtime when it ever returns.
        if let Ok(runtime) = Arc::try_unwrap(runtime) {
            runtime.shutdown_background();
        }
    };
    let _ = thread::Builder::new().name("qtests-left-behind".to_owned()).spawn(stop);
}

/// Builds a runtime whose threads, those for blocking work included, belong to the test.
fn build(options: &Options, scope: &Arc<Scope>, ids: &Arc<Mutex<Vec<i32>>>) -> Built {
    let mut builder = if options.workers > 0 { Builder::new_multi_thread() } else { Builder::new_current_thread() };
    if options.workers > 0 {
        builder.worker_threads(options.workers);
    }
    let idle = Idle::new(options.workers);
    let (parking, unparking) = (Arc::clone(&idle), Arc::clone(&idle));
    leak::name_tasks(&mut builder, scope);
    let ids = (options.leaks == Leaks::Strict).then(|| Arc::clone(ids));
    let lasts = scope.lasts;
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
            if lasts {
                residue::this_thread_is_ours();
            }
            if let Some(ids) = &ids {
                lock(ids).push(rustix::thread::gettid().as_raw_nonzero().get());
            }
        })
        .on_thread_stop(move || {
            stopping.fetch_sub(1, Ordering::AcqRel);
        })
        .on_thread_park(move || parking.parks())
        .on_thread_unpark(move || unparking.unparks())
        .build();
    let (users, closing) = (Arc::default(), Cancel::new());
    match built {
        Ok(runtime) => Built { runtime: Arc::new(runtime), threads, users, closing, idle },
        Err(error) => panic!("the runtime of the test cannot be built: {error}"),
    }
}
