//! The cache: a redis that answers look-ups instead of the database. Everything works without it.
//!
//! Orders are placed, repeated and taken back by the database alone. So whatever becomes of the cache, it can cost who
//! looks an order up its time limit, and no order.

use crate::{bug::Bug, order::Order, settings::Settings};
use qtests::fault_point;
use redis::{AsyncConnectionConfig, AsyncTypedCommands, Client, RedisError, aio::MultiplexedConnection};
use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::timeout;

/// How long an order is kept, in seconds: a day.
const KEPT: u64 = 86_400;

/// The cache. Clones share its connection.
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    client: Client,
    /// Made at the first use, and made anew after a failure.
    connection: Arc<Mutex<Option<MultiplexedConnection>>>,
    /// How long one look may take.
    limit: Duration,
    /// The protection that is missing.
    bug: Option<Bug>,
}

impl Cache {
    /// The cache that the settings name, if they do. Nothing is connected yet.
    pub(crate) fn new(settings: &Settings) -> Result<Option<Self>, RedisError> {
        let Some(url) = &settings.cache else { return Ok(None) };
        let client = Client::open(url.as_str())?;
        Ok(Some(Self { client, connection: Arc::default(), limit: settings.cache_timeout, bug: settings.bug }))
    }

    /// An order, if the cache knows it and says so in time.
    pub(crate) async fn get(&self, order_id: &str) -> Option<Order> {
        let look = async {
            fault_point!(async "cache.get", key = order_id).map_err(io::Error::from)?;
            self.connection().await?.get(key(order_id)).await
        };
        let text = self.within_limit(look).await??;
        // Whatever else it says, it was not told by us, or by another version of us.
        serde_json::from_str(&text).ok().filter(|order: &Order| order.id == order_id && order.status.is_final())
    }

    /// Tells the cache of an order, beside whatever the caller does next.
    pub(crate) fn put(&self, order: &Order) {
        let (this, key) = (self.clone(), key(&order.id));
        let Ok(text) = serde_json::to_string(order) else { return };
        tokio::spawn(async move {
            let tell = async { this.connection().await?.set_ex(key, text, KEPT).await };
            this.within_limit(tell).await
        });
    }

    /// A cache that takes longer than the database helps nobody. After a failure the next look makes
    /// a new connection: the old one may be waiting for answers to questions that we gave up.
    async fn within_limit<T>(&self, look: impl Future<Output = Result<T, RedisError>>) -> Option<T> {
        let answer = match self.bug {
            Some(Bug::NoCacheTimeout) => Ok(look.await),
            _ => timeout(self.limit, look).await,
        };
        match answer {
            Ok(Ok(answer)) => Some(answer),
            Ok(Err(_)) | Err(_) => {
                self.slot().take();
                None
            }
        }
    }

    async fn connection(&self) -> Result<MultiplexedConnection, RedisError> {
        if let Some(connection) = self.slot().clone() {
            return Ok(connection);
        }
        // The limit is ours.
        let config = AsyncConnectionConfig::new().set_response_timeout(None).set_connection_timeout(None);
        let connection = self.client.get_multiplexed_async_connection_with_config(&config).await?;
        Ok(self.slot().insert(connection).clone())
    }

    fn slot(&self) -> MutexGuard<'_, Option<MultiplexedConnection>> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(order_id: &str) -> String {
    format!("order:{order_id}")
}
