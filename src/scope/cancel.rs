//! A signal that is given once and that any number of tasks can wait for.

use std::sync::Arc;
use tokio::sync::watch;

/// A signal that is given once. Clones are the same signal.
#[derive(Clone, Debug)]
pub(crate) struct Cancel(Arc<watch::Sender<bool>>);

impl Cancel {
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// Gives the signal; further calls do nothing.
    pub(crate) fn fire(&self) {
        self.0.send_replace(true);
    }

    pub(crate) fn is_fired(&self) -> bool {
        *self.0.borrow()
    }

    /// Resolves when the signal has been given, at once if it was given before. Cancel safe, works on any runtime.
    pub(crate) fn fired(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut receiver = self.0.subscribe();
        // The future does not keep the sender alive: if every sender is gone, nobody will give the signal any more.
        async move {
            if receiver.wait_for(|fired| *fired).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}
