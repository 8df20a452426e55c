//! A signal that is given once and that any number of tasks can wait for.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use tokio::sync::Notify;

/// A signal that is given once. Clones are the same signal.
#[derive(Clone, Debug)]
pub(crate) struct Cancel(Arc<Signal>);

/// A flag and whoever waits for it. Each step of a test makes one, and a channel of tokio costs ten times as much.
#[derive(Debug)]
struct Signal {
    fired: AtomicBool,
    waiting: Notify,
}

impl Cancel {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Signal { fired: AtomicBool::new(false), waiting: Notify::const_new() }))
    }

    /// Gives the signal; further calls do nothing.
    pub(crate) fn fire(&self) {
        // What was done before the signal is seen by whoever sees the signal.
        self.0.fired.store(true, Ordering::Release);
        self.0.waiting.notify_waiters();
    }

    pub(crate) fn is_fired(&self) -> bool {
        self.0.fired.load(Ordering::Acquire)
    }

    /// Resolves when the signal has been given, at once if it was given before. Cancel safe, works on any runtime.
    pub(crate) fn fired(&self) -> impl Future<Output = ()> + Send + 'static {
        let cancel = self.clone();
        async move {
            let mut given = std::pin::pin!(cancel.0.waiting.notified());
            // Listens before it looks, so that no signal is missed in between.
            given.as_mut().enable();
            if !cancel.is_fired() {
                given.await;
            }
        }
    }
}
