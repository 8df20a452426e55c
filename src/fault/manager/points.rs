//! The points of a pool, and how each is run, whatever the pool is.

use crate::fault::{Decision, Injected, Place};
use std::fmt;

/// The four points of a pool.
#[derive(Clone, Copy)]
pub(crate) struct PoolPoints {
    connect: Place,
    check: Place,
    recycle: Place,
    close: Place,
}

impl PoolPoints {
    /// Those of the pool of this name.
    ///
    /// # Panics
    /// If the name is empty, or the process has 10,000 names of streams, layers and pools.
    #[track_caller]
    pub(crate) fn of(name: &str) -> Self {
        assert!(!name.is_empty(), "a pool needs a name, by which its faults are armed: `pool.NAME.connect`");
        let place = |point: &str| Place::new(&format!("pool.{name}.{point}"));
        Self { connect: place("connect"), check: place("check"), recycle: place("recycle"), close: place("close") }
    }

    /// A connection is about to be made.
    pub(crate) async fn connect(&self) -> Result<(), Injected> {
        run(self.connect.decide(&[])).await
    }
}

#[cfg(feature = "bb8")]
impl PoolPoints {
    /// A connection is about to be looked at, before it is handed out.
    pub(crate) async fn check(&self) -> Result<(), Injected> {
        run(self.check.decide(&[])).await
    }

    /// A connection comes back and is about to be looked at, where nobody can wait: the thread is blocked.
    pub(crate) fn recycle_blocking(&self) -> Result<(), Injected> {
        self.recycle.decide(&[]).map_or(Ok(()), Decision::run_blocking)
    }
}

#[cfg(feature = "deadpool")]
impl PoolPoints {
    /// A connection that was used before, so many times, is about to be made fit for use.
    pub(crate) async fn recycle(&self, recycled: usize) -> Result<(), Injected> {
        run(self.recycle.decide(&[("recycled", crate::fault::Value::Int(recycled as i128))])).await
    }

    /// The pool lets go of a connection, where nobody can wait: the thread is blocked.
    pub(crate) fn close_blocking(&self) {
        // Nothing that gives an error can be armed here.
        let _ = self.close.decide(&[]).map_or(Ok(()), Decision::run_blocking);
    }
}

impl fmt::Debug for PoolPoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries([self.connect, self.check, self.recycle, self.close]).finish()
    }
}

async fn run(decision: Option<Decision>) -> Result<(), Injected> {
    match decision {
        Some(decision) => decision.run().await,
        None => Ok(()),
    }
}
