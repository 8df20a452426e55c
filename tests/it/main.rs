//! The integration tests, one module for each part:
//!
//! - `architecture`: which module may import which, and how long files may be
//! - `ending`: the end of a test and its order
//! - `environment`: the variables `QTESTS_*`
//! - `failing`: what failing tests print (the tests themselves are in `tests/failing.rs`)
//! - `fault`: when faults fire, what they do, what is refused
//! - `identity`: which test a thread or task belongs to
//! - `isolation`: tests that run in parallel never see each other
//! - `load`, `load_verdict`: load runs, and what they say about objectives
//! - `mock`: who sees mocks, how they are taken down and verified
//! - `product`: what a build and a test of a product contain
//! - `proxy`, `toxic` (with `wire`): the fault proxy and what it does to connections
//! - `first_example`, `readme`: what the README shows is what happens
//! - `runner`: a test binary with a `main` of its own
//! - `shutdown`, `shutdown_conformance`: graceful shutdown, and whether services do it
//! - `signals`: SIGINT, SIGTERM, `process::exit` and SIGKILL
//! - `ui`: what the compiler says about wrong attributes
#![cfg(feature = "live")]

mod architecture;
mod ending;
mod environment;
mod failing;
mod fault;
mod first_example;
mod identity;
mod isolation;
mod load;
mod load_verdict;
mod mock;
mod product;
mod proxy;
mod readme;
#[cfg(feature = "runner")]
mod runner;
#[cfg(feature = "shutdown")]
mod shutdown;
#[cfg(feature = "shutdown")]
mod shutdown_conformance;
mod signals;
mod support;
mod toxic;
#[cfg(feature = "macros")]
mod ui;
mod wire;
