//! Real processes and servers that a test starts, and that never outlive it.
//!
//! ```
//! use qtests::prelude::*;
//!
//! #[qtest]
//! async fn the_cache_may_die(t: Test) -> Result<(), Box<dyn Error>> {
//!     let redis = t.redis().await?; // a redis-server of its own, on a port of its own
//!     redis.pause()?; // it hangs: clients run into their time limits
//!     redis.resume()?;
//!     redis.kill()?; // connections break, new ones are refused
//!     redis.restart().await?; // and it is back on the same port
//!     Ok(())
//! }
//! ```
//!
//! | | |
//! |---|---|
//! | [`Test::process`] | any program; its pipes are yours |
//! | [`Test::server`] | a program that listens: a port that is kept for it, waiting until it is ready, its output in the journal |
//! | [`Test::redis`], [`Test::postgres`] | these servers; where they are not installed the test is skipped, aloud |
//!
//! [`Test::process`]: crate::Test::process
//! [`Test::server`]: crate::Test::server
//! [`Test::redis`]: crate::Test::redis
//! [`Test::postgres`]: crate::Test::postgres

mod builder;
mod handle;
mod output;
mod port;
mod postgres;
mod process;
mod program;
mod ready;
mod reaper;
mod redis;
mod running;
mod tree;

pub use builder::ServerBuilder;
pub use handle::Server;
pub use postgres::{Postgres, PostgresBuilder, PostgresServer, PostgresServerBuilder};
pub use process::Process;
pub use ready::Ready;
pub use redis::{Redis, RedisBuilder};
