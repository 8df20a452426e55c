//! Resilience tests under `cargo test`.

#[cfg(feature = "live")]
mod base;
#[cfg(feature = "live")]
pub mod prelude;
#[cfg(feature = "live")]
#[doc(hidden)]
pub mod rt;
#[cfg(feature = "runner")]
pub mod runner;
#[cfg(feature = "live")]
pub mod scope;
#[cfg(all(feature = "live", unix))]
pub mod server;

#[cfg(feature = "live")]
pub use base::{Error, Event, EventSink, Seed};
#[cfg(feature = "macros")]
pub use qtests_macros::qtest;
#[cfg(feature = "live")]
pub use scope::{InTest, Scoped, Test, Verdict, bind, current_test, thread};
