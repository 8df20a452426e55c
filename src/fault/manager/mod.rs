//! Faults in pools of connections: one that cannot connect, finds its connections dead, or never gets an answer.
//!
//! [`FaultManager`] wraps the manager of a pool; the pool and the type of its connections stay what they are.
//!
#![cfg_attr(feature = "bb8", doc = "```")]
#![cfg_attr(not(feature = "bb8"), doc = "```text")]
//! use qtests::{Test, fault::manager::FaultManager};
//! # use std::io;
//! # struct Postgres;
//! # struct Connection;
//! # impl bb8::ManageConnection for Postgres {
//! #     type Connection = Connection;
//! #     type Error = io::Error;
//! #     async fn connect(&self) -> io::Result<Connection> { Ok(Connection) }
//! #     async fn is_valid(&self, _: &mut Connection) -> io::Result<()> { Ok(()) }
//! #     fn has_broken(&self, _: &mut Connection) -> bool { false }
//! # }
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! let t = Test::scoped();
//! let pool = bb8::Pool::builder().build_unchecked(FaultManager::new("orders", Postgres));
//! let down = t.fault("pool.orders.connect").first(2).fail(io::ErrorKind::ConnectionRefused).arm();
//! assert!(pool.get().await.is_ok()); // bb8 tries again
//! assert_eq!(down.fired(), 2);
//! # }
//! ```
//!
//! # The points
//!
//! For a pool that is called `orders`. A fault acts before the wrapped manager is asked; after an error it is not asked
//! at all.
//!
//! - `pool.orders.connect`, when a connection is made: `connect` of bb8, `create` of deadpool.
//! - `pool.orders.check`, when a connection is about to be handed out: `is_valid` of bb8. Deadpool has none.
//! - `pool.orders.recycle`: of deadpool its `recycle`, when a connection that was used before is about to be handed
//!   out; of bb8 its `has_broken`, when a connection comes back, and an error means that it is broken.
//! - `pool.orders.close`, when the pool lets go of a connection: `detach` of deadpool, which tells it for a connection
//!   that failed, was taken out or is one too many, but not for idle ones when the pool is made smaller, closed or
//!   dropped. Bb8 tells nobody, so it has none.
//!
//! Hits at `recycle` of deadpool have the field `recycled`: how often the connection was recycled before. The others
//! have none.
//!
//! `recycle` of bb8 and `close` are plain calls, mostly in the middle of a drop: there a delay, a hold and a hang
//! **block the thread**, by the clock of the system, and in deadpool's `Pool::retain` the pool too. At `close` nothing
//! can fail, so arming an error or a hang there is refused.
//!
//! # What the pools make of it
//!
//! - bb8 tries again after an error at `connect`, and says only that its `connection_timeout` is over; the errors go to
//!   its `error_sink`. It measures the time for trying again by the clock of the system, so that under a paused clock
//!   it tries on, in a task of its own.
//! - bb8 drops a connection after an error at `check`, and takes or makes another. Who gives up waiting there, also by
//!   `connection_timeout`, puts the connection back as if it were sound.
//! - deadpool returns an error at `connect` to the caller. After an error at `recycle`, or its timeout there, it drops
//!   the connection and takes or makes another.
//!
//! # Cancel safety
//!
//! The futures may be dropped at any time: who gives up at a point has not asked the wrapped manager.

#[cfg(feature = "bb8")]
mod bb8;
#[cfg(feature = "deadpool")]
mod deadpool;
mod points;

use self::points::PoolPoints;
use super::{ByFrom, ByMap, Injected};
use std::fmt;

/// The manager of a pool with fault points around it: a `bb8::ManageConnection` if what it wraps is one (feature
/// `bb8`), and a `deadpool::managed::Manager` likewise (feature `deadpool`). See the [module](self) for the points.
#[derive(Clone)]
#[must_use = "a manager does nothing until a pool is made of it"]
pub struct FaultManager<M, E = ByFrom> {
    inner: M,
    points: PoolPoints,
    make_error: E,
}

impl<M> FaultManager<M> {
    /// Wraps a manager; its points are `pool.NAME.connect` and so on. Managers with the same name share their points.
    /// Faults may be armed before or after the manager is made.
    ///
    /// # Panics
    /// If the name is empty, or the process has 10,000 names of streams, layers and pools.
    #[track_caller]
    pub fn new(name: impl AsRef<str>, inner: M) -> Self {
        Self { inner, points: PoolPoints::of(name.as_ref()), make_error: ByFrom }
    }
}

impl<M, E> FaultManager<M, E> {
    /// Says how an injected error becomes one of the wrapped manager:
    /// `.map_err(|injected| RedisError::from(io::Error::from(injected)))`. Defaults to `From<Injected>`, which
    /// [`io::Error`](std::io::Error) and boxed errors have.
    pub fn map_err<Error>(
        self,
        make: impl Fn(Injected) -> Error + Send + Sync + 'static,
    ) -> FaultManager<M, ByMap<Error>> {
        FaultManager { inner: self.inner, points: self.points, make_error: ByMap::new(make) }
    }

    /// The wrapped manager.
    pub fn get_ref(&self) -> &M {
        &self.inner
    }

    /// The wrapped manager alone.
    pub fn into_inner(self) -> M {
        self.inner
    }
}

impl<M: fmt::Debug, E> fmt::Debug for FaultManager<M, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultManager").field("inner", &self.inner).field("points", &self.points).finish_non_exhaustive()
    }
}
