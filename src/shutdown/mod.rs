//! Graceful shutdown of a service: stop accepting, finish what is in flight, save the state, and say how it went.
//!
//! ```
//! use qtests::shutdown::Shutdown;
//! use std::{process::ExitCode, time::Duration};
//!
//! # async fn next_request() { tokio::task::yield_now().await }
//! # async fn answer() {}
//! # async fn save_state() -> std::io::Result<()> { Ok(()) }
//! #[tokio::main]
//! async fn main() -> Result<ExitCode, qtests::Error> {
//!     let shutdown = Shutdown::new()                      // before anybody learns that we are there
//!         .on_signals()                                   // SIGTERM, SIGINT; a second one kills at once
//!         .drain_limit(Duration::from_secs(20))
//!         .hook("save state", async || save_state().await)
//!         .start()?;
//!     # shutdown.request("the example is over");
//!     loop {
//!         tokio::select! {
//!             () = shutdown.requested() => break,         // accept nothing from now on
//!             () = next_request() => {
//!                 let Some(guard) = shutdown.in_flight() else { break };
//!                 tokio::spawn(async move {
//!                     answer().await;
//!                     drop(guard);                        // until here `finish` waits
//!                 });
//!             }
//!         }
//!     }
//!     let report = shutdown.finish().await;
//!     println!("{report}");
//!     Ok(report.exit_code())
//! }
//! ```
//!
//! A part for products: it works with `default-features = false, features = ["shutdown"]`. Whether a service really
//! shuts down as it should is what `shutdown_conformance!` of the feature `live` finds out, for any service.
//!
//! # The order of the end
//! 1. The shutdown is *requested*: by a signal, by [`request`](ShutdownHandle::request), or by
//!    [`finish`](ShutdownHandle::finish) itself. [`requested`](ShutdownHandle::requested) resolves and
//!    [`in_flight`](ShutdownHandle::in_flight) refuses.
//! 2. The service leaves its accept loop, closes its listener and calls `finish`.
//! 3. What is in flight is *drained*, within the [`drain_limit`](Shutdown::drain_limit).
//! 4. The *hooks* run in their order, each within its limit, whatever happened before.
//! 5. The [`ShutdownReport`] says how it went; [`exit_code`](ShutdownReport::exit_code) is for `main`.
//!
//! All limits read tokio's clock, so a test with a paused clock goes through all of it at once.
//!
//! # Servers of libraries
//! A server that takes a future for its graceful shutdown ends when its last connection has: one client that keeps its
//! connection open keeps it for ever. [`drain`](ShutdownHandle::drain) runs it and keeps the drain limit, which counts
//! from the request then. With axum:
//!
//! ```
//! # mod axum {
//! #     pub struct Serve;
//! #     pub fn serve(_: tokio::net::TcpListener, _: ()) -> Serve { Serve }
//! #     impl Serve {
//! #         pub fn with_graceful_shutdown(self, _: impl Future) -> std::future::Ready<std::io::Result<()>> {
//! #             std::future::ready(Ok(()))
//! #         }
//! #     }
//! # }
//! use qtests::shutdown::Shutdown;
//! use std::future::IntoFuture;
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let routes = ();
//! let shutdown = Shutdown::new().on_signals().start()?;
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let server = axum::serve(listener, routes).with_graceful_shutdown(shutdown.requested());
//! let served = shutdown.drain(server.into_future()).await;    // `None` if the limit cut it
//! let report = shutdown.finish().await;                       // in every case: the hooks run here
//! println!("{report}");
//! served.transpose()?;
//! # Ok(())
//! # }
//! ```
//!
//! With hyper the loop that accepts ends by [`requested`](ShutdownHandle::requested), and what is run is
//! `shutdown.drain(graceful.shutdown())` of its `GracefulShutdown`.
//!
//! # Limits
//! A hook that blocks its thread is cut only if the runtime has another thread. Requests are counted, not cancelled:
//! what is abandoned runs until the process ends. Without `drain` the limit counts from `finish`, not from the signal,
//! so an accept loop that does not end keeps the process alive; only the second signal helps then.
//!
//! # Map of the code
//! `spec` is the specification, `handle` the running shutdown, `gate` the door with its lock over `tally`, which is
//! pure; `drain` keeps the time, `hook` runs one hook, `signal` hears signals, `report` says how it went.

mod drain;
mod gate;
mod handle;
mod hook;
mod report;
mod signal;
mod spec;
mod tally;

pub use handle::{InFlight, ShutdownHandle};
pub use report::{Cause, HookOutcome, HookReport, ShutdownReport};
pub use signal::Signal;
pub use spec::Shutdown;
