//! A limit on the orders in work; who comes on top is sent away at once.
//!
//! Without it a spike makes everybody slow: all are let in, all share the same few connections and
//! the same disk, and in the end all run into their time limits, so that nobody is served at the
//! highest load. Sending some away at once costs next to nothing, tells them the truth, and keeps
//! the others as fast as on any day.
//!
//! The limit is on orders, not on connections: a server on the open internet would also limit
//! those, and how long a customer may take to send his order, since he has his place from the first
//! line of it.

use crate::bug::Bug;
use std::{num::NonZeroUsize, sync::Arc};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The door with its limit.
#[derive(Debug)]
pub(crate) struct Limit {
    /// One permit for each order that may be in work. An [`Entry`] takes one along and gives it
    /// back when dropped.
    permits: Arc<Semaphore>,
    /// How many permits there are in all.
    most: u32,
}

/// The right to be in work, until dropped: also while a panic unwinds.
#[derive(Debug)]
pub(crate) struct Entry {
    _permit: OwnedSemaphorePermit,
}

impl Limit {
    pub(crate) fn new(most: NonZeroUsize, bug: Option<Bug>) -> Self {
        let most = u32::try_from(most.get()).unwrap_or(u32::MAX);
        // A limit that nobody ever meets is as good as none.
        let most = if bug == Some(Bug::NoLoadShedding) { 1_000_000 } else { most };
        Self { permits: Arc::new(Semaphore::new(most as usize)), most }
    }

    /// Lets one in, or says at once that there is no room. It never waits: a queue would only hide
    /// the spike.
    pub(crate) fn enter(&self) -> Option<Entry> {
        let permit = Arc::clone(&self.permits).try_acquire_owned().ok()?;
        Some(Entry { _permit: permit })
    }

    /// How many are in work.
    pub(crate) fn in_work(&self) -> usize {
        (self.most as usize).saturating_sub(self.permits.available_permits())
    }

    /// Waits until nobody is in work.
    pub(crate) async fn until_empty(&self) {
        // It fails only if the semaphore is closed, which nobody does.
        let _ = self.permits.acquire_many(self.most).await;
    }
}
