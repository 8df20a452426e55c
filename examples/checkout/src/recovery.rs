//! What is left to be taken back or completed: tried at the start, and from then on at intervals.

use crate::{checkout::Checkout, order::Status};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::sleep;

/// The most orders that are kept in memory to be taken back, 10,000. The others are still pending
/// in the database, where the next start finds them.
const MOST_UNFINISHED: usize = 10_000;

/// Names of orders that are to be taken back.
#[derive(Debug, Default)]
pub(crate) struct Unfinished {
    /// Locked for single steps only, never while waiting for somebody.
    ids: Mutex<BTreeSet<String>>,
}

impl Unfinished {
    pub(crate) fn add(&self, order_id: String) {
        let mut ids = self.lock();
        if ids.len() < MOST_UNFINISHED {
            ids.insert(order_id);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    fn remove(&self, order_id: &str) {
        self.lock().remove(order_id);
    }

    fn all(&self) -> Vec<String> {
        self.lock().iter().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tries for ever; ends by being aborted. That can happen anywhere: the next start does the rest.
///
/// One order at a time, so that a service that has just come back is not met by all of them at
/// once; and each of them in every round, so that one that fails for a reason of its own does not
/// keep the others waiting.
pub(crate) async fn run(checkout: Arc<Checkout>, interval: Duration) {
    loop {
        for id in checkout.unfinished.all() {
            if checkout.undo(&id).await.is_ok() {
                checkout.unfinished.remove(&id);
            }
        }
        let backordered = checkout.store.with_status(Status::Backordered).await;
        for order in backordered.unwrap_or_default() {
            // Still no answer, or still none there: it stays as it is, and there is another round.
            let _ = checkout.complete(&order).await;
        }
        sleep(interval).await;
    }
}
