//! Seams in product code, and mocks that stand in for what is behind them, for one test alone.
//!
//! ```
//! use qtests::{Test, seam};
//! use std::sync::Arc;
//!
//! trait Clock: Send + Sync {
//!     fn now(&self) -> u64;
//! }
//!
//! struct SystemClock;
//!
//! impl Clock for SystemClock {
//!     fn now(&self) -> u64 {
//!         1_700_000_000
//!     }
//! }
//!
//! seam! {
//!     /// What time it is.
//!     CLOCK: dyn Clock = SystemClock;
//!     /// A number that nobody else has.
//!     NEXT_ID: fn(&str) -> u64 = |_kind| 7;
//! }
//!
//! struct Fixed(u64);
//!
//! impl Clock for Fixed {
//!     fn now(&self) -> u64 {
//!         self.0
//!     }
//! }
//!
//! let t = Test::scoped();
//! t.mock(&CLOCK, Arc::new(Fixed(42)));
//! t.mock(&NEXT_ID, Arc::new(|kind: &str| kind.len() as u64));
//! assert_eq!((CLOCK.get().now(), NEXT_ID.get()("order")), (42, 5));
//! drop(t);                                                  // the stack is popped, and everybody sees the real thing
//! assert_eq!((CLOCK.get().now(), NEXT_ID.get()("order")), (1_700_000_000, 7));
//! ```
//!
//! A seam is a static that product code reads with [`Seam::get`]. Without the feature `live` that is the real thing and
//! nothing else; with it and no mock in the process, one relaxed load more. A mock is seen by the threads and tasks of
//! its test only. The stack is taken down, the latest first, when the test ends, whatever way that is: its restore
//! closures run exactly once, and mocks of mockall are verified then. A test holds 1,000 entries at most.
#![cfg_attr(
    feature = "mockall",
    doc = "\nThe [`guide`] shows mocks of mockall: traits, functions, sequences, futures, static methods."
)]

#[cfg(feature = "mockall")]
#[doc = include_str!("../../docs/mocks.md")]
pub mod guide {}

mod seam;
pub use seam::{Seam, SeamRef};

#[cfg(feature = "live")]
mod push;
#[cfg(feature = "live")]
mod stack;
#[cfg(feature = "live")]
pub use push::{MockGuard, Mocked};
#[cfg(feature = "live")]
pub use stack::{MOCK_LIMIT, Overflow};

/// Declares seams: statics whose value a test can replace.
///
/// Each line reads `pub NAME: TYPE = REAL;`, with attributes and visibility as for a static. `TYPE` is a trait object
/// that is `Send + Sync`, such as `dyn Clock`, or a function, such as `fn(&str) -> u64`. `REAL` is an expression that
/// is evaluated at the first use. Product code reads the seam with `NAME.get()`, which derefs to the trait object, or
/// is called: `NAME.get()("order")`. See [`mock`](mod@crate::mock) for an example.
#[macro_export]
macro_rules! seam {
    () => {};
    (
        $(#[$meta:meta])* $vis:vis $name:ident : fn($($argument:ty),* $(,)?) $(-> $output:ty)? = $real:expr;
        $($rest:tt)*
    ) => {
        $crate::seam! {
            $(#[$meta])* $vis $name:
                dyn ::core::ops::Fn($($argument),*) $(-> $output)? + ::core::marker::Send + ::core::marker::Sync = $real;
        }
        $crate::seam! { $($rest)* }
    };
    ($(#[$meta:meta])* $vis:vis $name:ident : $type:ty = $real:expr; $($rest:tt)*) => {
        $(#[$meta])*
        $vis static $name: $crate::mock::Seam<$type> =
            $crate::mock::Seam::new(::core::stringify!($name), || ::std::boxed::Box::new($real));
        $crate::seam! { $($rest)* }
    };
}
