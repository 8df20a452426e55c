//! Tasks that a test starts by name of its own, and whose panics it may take in hand.

use super::scope::Scope;
use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::task::{AbortHandle, JoinError, JoinHandle};

/// The handle of a task that [`Test::spawn`](super::Test::spawn) started.
///
/// Awaiting it gives the task's output, or a [`JoinError`]; a panic that is seen this way does not fail the test.
/// Dropping the handle detaches the task: it must then end by itself when the test does. Cancel safe.
pub struct TaskHandle<T> {
    pub(super) inner: JoinHandle<T>,
    pub(super) scope: Arc<Scope>,
}

impl<T> TaskHandle<T> {
    /// Aborts the task at its next await.
    pub fn abort(&self) {
        self.inner.abort();
    }

    /// Whether the task has ended.
    pub fn is_finished(&self) -> bool {
        self.inner.is_finished()
    }

    /// A handle that can only abort.
    pub fn abort_handle(&self) -> AbortHandle {
        self.inner.abort_handle()
    }
}

impl<T> Future for TaskHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let ended = Pin::new(&mut self.inner).poll(cx);
        if let Poll::Ready(Err(error)) = &ended
            && error.is_panic()
        {
            self.scope.panics.forgive(error.id());
        }
        ended
    }
}

impl<T> fmt::Debug for TaskHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TaskHandle").field(&self.inner.id()).finish()
    }
}
