//! Where held code waits: a gate for threads and for tasks.

use crate::base::sync::{Condvar, Mutex, lock, wait};
use tokio::sync::Notify;

/// A gate that lets nobody through until it is opened, or one at a time.
#[derive(Debug, Default)]
pub(super) struct Gate {
    state: Mutex<State>,
    threads: Condvar,
    tasks: Notify,
}

#[derive(Debug, Default)]
struct State {
    open: bool,
    passes: u64,
}

impl Gate {
    /// Lets everybody through, now and later.
    pub(super) fn open(&self) {
        lock(&self.state).open = true;
        self.threads.notify_all();
        self.tasks.notify_waiters();
    }

    /// Lets one more through.
    pub(super) fn admit_one(&self) {
        lock(&self.state).passes += 1;
        self.threads.notify_all();
        self.tasks.notify_waiters();
    }

    fn try_pass(&self) -> bool {
        let mut state = lock(&self.state);
        state.may_pass()
    }

    /// Blocks the thread until it may pass.
    pub(super) fn wait_blocking(&self) {
        let mut state = lock(&self.state);
        while !state.may_pass() {
            state = wait(&self.threads, state);
        }
    }

    /// Waits until the task may pass. Cancel safe: who gives up takes no pass.
    pub(super) async fn wait(&self) {
        loop {
            let mut changed = std::pin::pin!(self.tasks.notified());
            // Listens before it looks, so that no opening is missed in between.
            changed.as_mut().enable();
            if self.try_pass() {
                return;
            }
            changed.await;
        }
    }
}

impl State {
    fn may_pass(&mut self) -> bool {
        if self.open {
            return true;
        }
        let passes = self.passes > 0;
        self.passes -= u64::from(passes);
        passes
    }
}

#[cfg(all(test, qtests_loom))]
mod interleavings {
    use super::*;
    use loom::{sync::Arc, thread};

    /// One waiter is admitted alone, the other by the opening; nobody sleeps through it.
    #[test]
    fn nobody_sleeps_through_an_opening() {
        loom::model(|| {
            let gate = Arc::new(Gate::default());
            let waiters: Vec<_> = (0..2)
                .map(|_| {
                    let gate = Arc::clone(&gate);
                    thread::spawn(move || gate.wait_blocking())
                })
                .collect();
            gate.admit_one();
            gate.open();
            waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
        });
    }

    /// A pass is for one: the second waiter needs another.
    #[test]
    fn a_pass_lets_exactly_one_through() {
        loom::model(|| {
            let gate = Arc::new(Gate::default());
            gate.admit_one();
            let other = Arc::clone(&gate);
            let passed = thread::spawn(move || other.try_pass());
            let ours = gate.try_pass();
            assert!(ours ^ passed.join().unwrap());
        });
    }
}
