//! Resilience tests under `cargo test`: break what your service depends on, and see whether it survives.
//!
//! ```
//! use qtests::{fault_point, prelude::*};
//!
//! fn save(order: u32) -> io::Result<()> {
//!     fault_point!("orders.save", key = order)?; // nothing at all in a product build
//!     Ok(())
//! }
//!
//! #[qtest]
//! async fn an_order_survives_two_failing_writes(t: Test) -> io::Result<()> {
//!     let flaky = t.fault("orders.save").first(2).fail(io::ErrorKind::TimedOut).arm(); // for this test alone
//!     let saved = (1..=3).find(|_| save(7).is_ok());
//!     assert_eq!((saved, flaky.fired()), (Some(3), 2));
//!     Ok(())
//! }
//! ```
//!
//! Everything that a test asks of its [`Test`] is isolated from other tests, which run in parallel, and undone when the
//! test ends: on return, panic, timeout, Ctrl-C and `process::exit`. A failure prints the line that repeats it.
//!
//! # I want to ...
//!
//! | I want to ... | look at |
//! |---|---|
//! | write a test that is watched, isolated and torn down | [`qtest`], [`Test`] |
//! | use the same scope in `#[tokio::test]`, rstest, proptest, a doc test | [`Test::scoped`] |
//! | make a place in my code fail, hang, panic, wait | [`fault_point!`], [`pause_point!`], [`Test::fault`], [`fault`] |
//! | have what a test needs as its arguments | [`fixture`], [`Fixture`](fixture::Fixture) |
//! | make several tests of one function, choose them by tags, try them again | [`qtest`]: `cases`, `tags`, `retries` |
//! | change the environment, or abort | [`qtest`]: `isolate = "process"`, [`Test::env`], [`Test::cwd`] |
//! | put something else in the place of a clock or a client | [`seam!`], [`Test::mock`], [`mod@mock`] |
//! | mock traits, functions and static methods with mockall | [`mock::guide`] |
//! | know what my code logged, wait for a line | [`Test::logs`], [`logs`] |
//! | know what my code counted and measured | [`Test::metrics`], [`mod@metrics`] |
//! | make any method of a trait, or any function, fail or lose its reply | [`faulty`](macro@faulty), [`FromFault`] |
//! | make the reads and writes of a stream fail, stall, come in pieces or change | [`FaultStream`](fault::FaultStream) |
//! | make a tower service fail, or lose its reply | [`fault::layer`] |
//! | make a bb8 or deadpool pool unable to connect, or its connections stale | [`fault::manager`] |
//! | make a server slow, unreachable, or reset its connections | [`Test::proxy`], [`proxy`] |
//! | make bytes late, few, in pieces, changed, cut short or lost in a black hole | [`proxy`]: Bandwidth, Slicer, Corrupt, Limit, Blackhole .. |
//! | break some connections only, from the first client on | [`proxy::Toxic`], [`ProxyBuilder::with`](proxy::ProxyBuilder::with) |
//! | let something go wrong at given times, or again and again | [`Test::timeline`], [`fault::Disturbance`] |
//! | keep faults in a file, or arm them from outside | [`plan`], `QTESTS_FAULTS` |
//! | know whether it holds 500 requests a second with p99 under 200 ms | [`Test::load`], [`load`] |
//! | start a real process that never outlives the test, make it hang, kill it, start it again | [`Test::process`], [`Test::server`], [`server`] |
//! | have a redis server of my own | [`Test::redis`] |
//! | have a postgres database, or a whole server, of my own | [`Test::postgres`] |
//! | write, copy and remove files below one directory, never outside | [`Test::files`], [`files`] |
//! | make file operations fail, or the machine die in the middle of one | [`Test::fault`] at `files.*`, [`Test::disk`], [`files`] |
//! | have a test binary of my own, with trials from code | [`runner`], [`main!`] |
//! | read settings, and say them otherwise for one test | [`config`], [`Test::configure`] |
//! | shut a service down gracefully, and see whether it does | [`shutdown`], [`shutdown_conformance!`] |
//!
//! # When a test ends
//!
//! Always in this order: [`Test::cancelled`] resolves; teardowns run, the latest first, each caught and limited in time,
//! async ones awaited; faults that never fired are found; tasks and threads that outlive the test are found; proxies
//! stop; the runtime stops; mocks are popped and verified; child processes that are left are found, where the test is
//! held to them; the directory goes. Then one report: the body's failure first,
//! all else under `also:`, the end of the journal and of the log, and `repeat with: ..`.
//!
//! - **Timeout** (60 s unless `timeout = ".."` says otherwise). The body is dropped where it runs, its guards run, and the
//!   teardowns follow. A body that blocks its thread is left behind, and the teardowns run elsewhere.
//! - **Panics** in tasks and threads fail the test, unless they are joined through [`Test::spawn`], injected by a fault,
//!   or announced by [`Test::expect_panics`].
//! - **Set-up.** If a fixture cannot be set up, the report says `SET-UP FAILED`: the body did not run.
//! - **Leaks.** What was started through the test must end with it. With `leaks = "strict"` so must all tasks and child
//!   processes and, where the test is alone in its process, threads and file descriptors.
//! - **Vacuous tests.** A fault or a toxic that was armed and never met anything fails a test that passed otherwise, as does
//!   a time on a timeline that never came.
//! - **Signals.** SIGINT, SIGTERM and SIGHUP tear down all running tests within 5 s and then kill the process; a second
//!   one does so at once. After SIGKILL the child processes that tests started die; directories stay. `process::exit(0)`
//!   in the middle of tests tears them down too, and the status becomes 101.
//! - **A destructor that panics while unwinding** would abort the process. Its thread is parked instead, the test fails,
//!   the other tests go on, and the process ends with status 101.
//!
//! # Whose faults does a thread see?
//!
//! Those of its own test. `#[qtest]` builds the runtime, so all tasks, `spawn_blocking` closures and worker threads know
//! their test, with nothing passed by hand and no lock shared between tests. Other threads are told by
//! [`thread::spawn`], [`bind`], [`InTest::in_test`] or [`Test::adopt_thread`]; who is not told belongs to no test, and
//! faults that such a thread came by are named in the report. Under `cargo nextest`, where a process runs one test,
//! threads that belong to no test are taken for that test's.
//!
//! # Features
//!
//! Products depend on `qtests` with `default-features = false`, where it has no dependency and its macros expand to
//! nothing; their dev-dependency on plain `qtests` makes them live in tests (resolver 2 keeps the two apart).
//!
//! | feature | what | default |
//! |---|---|---|
//! | `live` | everything that tests use | yes |
//! | `macros` | `#[qtest]` | yes |
//! | `faulty` | `#[faulty]`, `#[derive(FromFault)]`; for products too, without `live` | with `macros` |
//! | `runner` | [`main!`], a test binary of your own over libtest-mimic | |
//! | `report` | its JUnit report | |
//! | `mockall` | re-exports mockall, and a guide to it | |
//! | `tracing` | what a test logs: asked, awaited, printed when it fails | |
//! | `tracing-test` | `#[traced_test]` and `#[qtest]` in one binary and on one function | |
//! | `metrics` | what a test records through the facade `metrics` | |
//! | `shutdown` | graceful shutdown; for products too, without `live` | |
//! | `files` | file operations below one root; for products too, without `live` | |
//! | `tower` | [`fault::layer`]: faults in tower's middleware | |
//! | `bb8`, `deadpool` | [`fault::manager`]: faults in these pools | |
//! | `toml` | plans in TOML | |
//! | `full` | all of them | |
//!
//! # Environment
//!
#![doc = include_str!("../docs/variables.md")]
//!
//! A value that makes no sense is said and ignored, except a plan of `QTESTS_FAULTS`, which fails the tests; an unknown `QTESTS_` variable is said, with the nearest name.
//!
//! # Map of the code
//!
//! Imports point down only: `prelude`, `runner`, `rt` over `trial`, over `harness`, `load` and `plan`, over `server`, over
//! `fixture`, `proxy` and `files`, over `fault`, `mock`, `metrics`, `logs` and `config`, over `scope`, over `shutdown` and
//! `base`; `tests/it/architecture.rs` is the diagram and keeps it.
//!
//! # What it does not do
//!
//! Linux is complete; on other Unix systems refused connections, exact timers and the search for the parent's command
//! line are weaker; elsewhere it does not build. Threads that belong to no test cannot be told from each other. Two
//! processes that share one database are yours to keep apart. A test that sends SIGTERM to its own process ends the whole
//! run: run the code that handles signals in a child ([`Test::process`]). A thread that is blocked for ever can be left
//! behind, not killed. With `panic = "abort"` nothing can be caught.

pub mod config;
pub mod fault;
#[cfg(feature = "files")]
pub mod files;
#[cfg(feature = "live")]
pub mod fixture;
#[cfg(feature = "live")]
pub mod harness;
#[cfg(feature = "live")]
pub mod load;
#[cfg(feature = "tracing")]
pub mod logs;
#[cfg(feature = "metrics")]
pub mod metrics;
pub mod mock;
#[cfg(feature = "live")]
pub mod plan;
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
#[cfg(feature = "live")]
pub mod server;
#[cfg(feature = "shutdown")]
pub mod shutdown;
#[cfg(feature = "live")]
mod trial;

mod base;

pub use fault::{FromFault, Injected};

#[cfg(any(feature = "live", feature = "shutdown"))]
pub use base::Error;
#[cfg(feature = "live")]
pub use base::{Event, EventSink, Seed};
#[cfg(feature = "mockall")]
pub use mockall;
#[cfg(feature = "macros")]
pub use qtests_macros::qtest;
#[cfg(feature = "faulty")]
pub use qtests_macros::{FromFault, faulty};
#[cfg(feature = "live")]
pub use scope::{InTest, Scoped, Test, bind, current_test, thread};

/// The code of the README, compiled and run.
#[cfg(all(doctest, feature = "full"))]
#[doc = include_str!("../README.md")]
struct Readme;

/// The code of the guide to other crates, compiled and run.
#[cfg(all(doctest, feature = "full"))]
#[doc = include_str!("../docs/with-other-crates.md")]
struct WithOtherCrates;
