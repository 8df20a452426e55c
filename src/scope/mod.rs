//! The scope of a running test: who it is, what belongs to it, and how all of it ends.
//!
//! `#[qtest]` builds a runtime for each test and puts the test's identity on all its threads, so that whatever runs
//! there sees the faults, mocks and directory of its own test and of no other. When the test ends, by whatever way,
//! everything is undone in a fixed order.
//!
//! Start with [`Test`]; tests that are not `#[qtest]` start with [`Test::scoped`].

mod cancel;
mod current;
mod dir;
mod ending;
mod environ;
mod finding;
mod first;
mod idle;
#[cfg(all(test, qtests_loom))]
mod interleavings;
mod journal;
mod lasting;
mod leak;
mod missing;
mod options;
mod os;
mod panics;
mod parts;
mod repeat;
mod residue;
mod runner;
mod runtime;
#[allow(clippy::module_inception, reason = "the type that the module is named after has a file of its own")]
mod scope;
mod scoped;
mod set_up;
mod signal;
mod task;
mod teardown;
mod test;
pub mod thread;
mod verdict;
mod watch;

pub use current::{Bound, InTest, bind, current_test};
pub(crate) use current::{current, has_identity};
pub(crate) use finding::Finding;
#[cfg(any(feature = "tracing", feature = "metrics"))]
pub(crate) use first::AtFirstTest;
#[cfg(feature = "tracing")]
pub(crate) use first::InReport;
#[cfg(feature = "runner")]
pub(crate) use lasting::end_lasting;
pub(crate) use lasting::lasting;
pub(crate) use missing::missing_server;
pub use options::{Leaks, Meta, Options, Target, TaskPanics};
#[cfg(feature = "tracing-test")]
pub(crate) use os::before_main;
pub(crate) use panics::{InjectedPanic, catch_quietly};
pub(crate) use parts::Part;
pub(crate) use repeat::cargo_flags;
pub(crate) use residue::is_ours;
pub(crate) use runner::judge;
pub use runner::{Body, BodyFuture, BodyResult, MadeBody, Outcome};
pub(crate) use scope::Scope;
pub use scoped::Scoped;
#[cfg(feature = "runner")]
pub(crate) use signal::say_report;
pub(crate) use signal::{at_exit, say};
pub use task::TaskHandle;
pub(crate) use teardown::Undo;
pub use test::Test;
pub use verdict::Verdict;

use crate::base::Error;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks a mutex whose data is valid at every point where its holder could panic, so poison means nothing.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Turns an error into a panic at the line of the test that caused it.
#[track_caller]
pub(crate) fn ready<T>(result: Result<T, Error>) -> T {
    // A closure would not be tracked to the caller.
    match result {
        Ok(value) => value,
        Err(error) => panic!("{error:?}"),
    }
}
