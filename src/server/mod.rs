//! Real processes and servers that a test starts, and that never outlive it.
//!
//! ```
//! use qtests::Test;
//! use std::process::Command;
//!
//! let t = Test::scoped();
//! let mut command = Command::new("sleep");
//! command.arg("60");
//! let server = t.process(command)?;
//! assert!(server.try_wait()?.is_none());       // it runs, and is killed when the scope ends
//! # Ok::<(), qtests::Error>(())
//! ```

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
