//! What code written by the macros of this crate calls. No promise is made about anything in here.

pub use crate::scope::{Body, BodyFuture, BodyResult, Leaks, Meta, Options, Outcome, Target, TaskPanics};
pub use crate::trial::Registered;
pub use inventory;

use crate::{
    fixture::{self, Fixture},
    scope::Test,
    trial,
};
use std::pin::Pin;

/// A registered test, for binaries with a `main` of their own.
#[derive(Debug)]
pub struct Entry(pub &'static Registered);

inventory::collect!(Entry);

/// Runs a test under libtest.
pub fn run(test: &'static Registered) {
    trial::run_under_libtest(test);
}

/// Sets up one argument of a test. Boxed, so that the compiler refuses a type that is no fixture once, and not again for
/// the future that holds it.
pub fn set_up<T: Fixture>(t: &Test) -> Pin<Box<dyn Future<Output = Result<T, String>> + '_>> {
    Box::pin(fixture::argument(t))
}

/// [`set_up`] for a test that is not async.
pub fn set_up_now<T: Fixture>(t: &Test) -> Result<T, String> {
    t.block_on(fixture::argument(t))
}

/// Puts a test on the list of all tests.
#[cfg(feature = "runner")]
#[doc(hidden)]
#[macro_export]
macro_rules! __register {
    ($test:ident) => {
        $crate::rt::inventory::submit! { $crate::rt::Entry(&$test) }
    };
}

/// Nothing: only a `main` of the feature `runner` reads the list, and an entry takes the compiler as long as a test.
#[cfg(not(feature = "runner"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __register {
    ($test:ident) => {};
}

/// The body of an async test. It is boxed by the caller without a type of its own, so that all tests that return the same
/// share the rest.
pub fn body<T: Outcome + 'static>(future: Box<dyn Future<Output = T>>) -> BodyFuture {
    let future = Box::into_pin(future);
    Box::pin(async move { future.await.into_body_result() })
}
