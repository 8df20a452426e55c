//! The integration tests, one module for each part:
//!
//! - `architecture`: which module may import which, and how long files may be
//! - `ending`: the end of a test and its order
//! - `failing`: what failing tests print (the tests themselves are in `tests/failing.rs`)
//! - `identity`: which test a thread or task belongs to
//! - `signals`: SIGINT, SIGTERM, `process::exit` and SIGKILL
//! - `ui`: what the compiler says about wrong attributes
#![cfg(feature = "live")]

mod architecture;
mod ending;
mod failing;
mod identity;
mod signals;
mod support;
#[cfg(feature = "macros")]
mod ui;
