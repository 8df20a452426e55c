//! The manager as deadpool wants it.

use super::FaultManager;
use crate::fault::MakeError;
use deadpool::managed::{Manager, Metrics, RecycleError, RecycleResult};

impl<M, E> Manager for FaultManager<M, E>
where
    M: Manager,
    E: MakeError<M::Error> + Send + Sync,
{
    type Type = M::Type;
    type Error = M::Error;

    async fn create(&self) -> Result<M::Type, M::Error> {
        self.points.connect().await.map_err(|injected| self.make_error.make(injected))?;
        self.inner.create().await
    }

    async fn recycle(&self, object: &mut M::Type, metrics: &Metrics) -> RecycleResult<M::Error> {
        let passed = self.points.recycle(metrics.recycle_count).await;
        passed.map_err(|injected| RecycleError::Backend(self.make_error.make(injected)))?;
        self.inner.recycle(object, metrics).await
    }

    fn detach(&self, object: &mut M::Type) {
        self.points.close_blocking();
        self.inner.detach(object);
    }
}
