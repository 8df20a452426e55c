//! The time that a service is given to let the last ones out.

use super::gate::Gate;
use std::{
    future::poll_fn,
    pin::pin,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::Duration,
};
use tokio::time::{Instant, sleep};

/// The time that a service is given to let the last ones out.
#[derive(Debug)]
pub(super) struct Drain {
    limit: Duration,
    began: OnceLock<Instant>,
    /// A server was still running when the time was over.
    cut: AtomicBool,
}

impl Drain {
    pub(super) fn new(limit: Duration) -> Self {
        Self { limit, began: OnceLock::new(), cut: AtomicBool::new(false) }
    }

    /// When it began: now, if it has not yet.
    pub(super) fn begin(&self) -> Instant {
        *self.began.get_or_init(Instant::now)
    }

    /// How much of the time is left. It begins if it has not yet.
    pub(super) fn left(&self) -> Duration {
        self.limit.saturating_sub(self.begin().elapsed())
    }

    pub(super) fn has_cut(&self) -> bool {
        self.cut.load(Ordering::Acquire)
    }

    /// Runs a server until it ends, or until the time is over that begins with the request.
    pub(super) async fn run<F: Future>(&self, gate: &Gate, server: F) -> Option<F::Output> {
        let mut server = pin!(server);
        let mut over = pin!(async {
            gate.requested().await;
            sleep(self.left()).await;
        });
        let end = poll_fn(|context| {
            // The server first: one that ends at the very moment of the limit has ended.
            match server.as_mut().poll(context) {
                Poll::Ready(output) => Poll::Ready(Some(output)),
                Poll::Pending => over.as_mut().poll(context).map(|()| None),
            }
        });
        let output = end.await;
        self.cut.fetch_or(output.is_none(), Ordering::AcqRel);
        output
    }
}
