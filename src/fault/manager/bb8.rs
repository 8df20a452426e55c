//! The manager as bb8 wants it.

use super::FaultManager;
use crate::fault::MakeError;
use bb8::ManageConnection;

impl<M, E> ManageConnection for FaultManager<M, E>
where
    M: ManageConnection,
    E: MakeError<M::Error> + Send + Sync + 'static,
{
    type Connection = M::Connection;
    type Error = M::Error;

    async fn connect(&self) -> Result<M::Connection, M::Error> {
        self.points.connect().await.map_err(|injected| self.make_error.make(injected))?;
        self.inner.connect().await
    }

    async fn is_valid(&self, connection: &mut M::Connection) -> Result<(), M::Error> {
        self.points.check().await.map_err(|injected| self.make_error.make(injected))?;
        self.inner.is_valid(connection).await
    }

    fn has_broken(&self, connection: &mut M::Connection) -> bool {
        self.points.recycle_blocking().is_err() || self.inner.has_broken(connection)
    }
}
