//! Resilience tests under `cargo test`.

#[cfg(feature = "live")]
mod base;
pub mod fault;
#[cfg(feature = "live")]
pub mod load;
pub mod mock;
#[cfg(feature = "live")]
pub mod prelude;
#[cfg(feature = "live")]
pub mod proxy;
#[cfg(feature = "live")]
#[doc(hidden)]
pub mod rt;
#[cfg(feature = "runner")]
pub mod runner;
#[cfg(feature = "live")]
pub mod scope;
#[cfg(all(feature = "live", unix))]
pub mod server;

pub use fault::Injected;

#[cfg(feature = "live")]
pub use base::{Error, Event, EventSink, Seed};
#[cfg(feature = "macros")]
pub use qtests_macros::qtest;
#[cfg(feature = "live")]
pub use scope::{InTest, Scoped, Test, bind, current_test, thread};
