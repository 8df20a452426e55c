//! `#[faulty]` and `FromFault` where unsafe code and every warning is refused, under another name, and beside names of
//! the user that the expansion could have taken for its own.
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub)]
#![deny(let_underscore_drop, unused_lifetimes, single_use_lifetimes, trivial_casts, unused_results)]

/// What a crate re-exports.
pub mod renamed {
    pub use qtests;
}

use renamed::qtests::{FromFault, faulty};
use std::{future::Future, pin::Pin};

/// Names that the expansion uses with their whole paths.
pub mod shadows {
    /// Not the one of `core`.
    #[derive(Debug)]
    pub struct Ok;
    /// Not the one of `core`.
    #[derive(Debug)]
    pub struct Err;
    /// Not the one of `alloc`.
    #[derive(Debug)]
    pub struct Box;
    /// Not the one of `core`.
    #[derive(Debug)]
    pub struct Send;
}

/// An error.
#[derive(Debug, FromFault)]
#[fault(crate = crate::renamed::qtests)]
pub enum ShopError {
    /// Too slow.
    #[fault(kind = TimedOut)]
    Slow,
    /// Anything else.
    #[fault]
    Broken(String),
}

/// A public trait, whose decorator is public.
#[allow(async_fn_in_trait, reason = "for this test")]
#[faulty(crate = crate::renamed::qtests)]
pub trait Payments {
    /// What is given back.
    type T;
    /// Charges.
    async fn charge(&self, #[key] order: u64, _note: &str) -> Result<Self::T, ShopError>;
    /// A future that is sent, of a type that nothing says to be `Send`.
    fn sent(&self) -> impl Future<Output = Result<Self::T, ShopError>> + Send;
    /// The same, boxed.
    fn boxed<'a>(
        &'a self,
        #[field(of = text.len())] text: &'a str,
    ) -> Pin<Box<dyn Future<Output = Result<&'a str, ShopError>> + Send + 'a>>;
    /// Nothing fails.
    fn limit(&self, _: u64) -> u64;
    /// Deprecated.
    #[deprecated]
    fn old(&self);
    /// Is not there.
    #[cfg(any())]
    fn absent(&self) -> Absent;
}

/// A private trait, whose decorator nobody makes.
#[faulty(name = Unused, crate = renamed::qtests)]
trait Private {
    fn inner(&self) -> Result<u64, &'static str>;
    fn new() -> Self;
}

struct Nothing;

impl Private for Nothing {
    fn inner(&self) -> Result<u64, &'static str> {
        Ok(1)
    }
    fn new() -> Self {
        Self
    }
}

mod inner {
    #[allow(unused_imports, reason = "they stand in the way")]
    use crate::shadows::{Box, Err, Ok, Send};

    /// A function beside names that are others elsewhere.
    #[crate::renamed::qtests::faulty(crate = crate::renamed::qtests, point = "ui.place")]
    pub(crate) async fn place(#[key] mut order: u64) -> Result<u64, crate::ShopError> {
        order += 1;
        std::future::ready(()).await;
        check(order)?;
        std::result::Result::Ok(order)
    }

    #[crate::renamed::qtests::faulty(crate = crate::renamed::qtests, point = "ui.check", infallible)]
    fn check(order: u64) -> Result<(), crate::ShopError> {
        if order == 0 { std::result::Result::Err(crate::ShopError::Slow) } else { std::result::Result::Ok(()) }
    }
}

fn main() {
    drop(inner::place(1));
    let _ = Nothing::new().inner();
}
