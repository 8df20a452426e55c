//! How an injected error becomes one of the thing that is wrapped.

use super::Injected;
use std::{fmt, sync::Arc};

/// Makes an error of type `E` of an injected one, so that what is wrapped keeps its type of error. It is implemented for
/// [`ByFrom`] and [`ByMap`], and for nothing else.
pub trait MakeError<E>: sealed::Sealed {
    /// The error.
    fn make(&self, injected: Injected) -> E;
}

/// By `E: From<Injected>`, as [`io::Error`](std::io::Error) and all boxed errors have it. It is the default.
#[derive(Clone, Copy, Debug, Default)]
pub struct ByFrom;

/// By a closure that was given to `map_err`. Clones share it.
pub struct ByMap<E>(Arc<dyn Fn(Injected) -> E + Send + Sync>);

impl<E> ByMap<E> {
    pub(super) fn new(make: impl Fn(Injected) -> E + Send + Sync + 'static) -> Self {
        Self(Arc::new(make))
    }
}

impl<E: From<Injected>> MakeError<E> for ByFrom {
    fn make(&self, injected: Injected) -> E {
        injected.into()
    }
}

impl<E> MakeError<E> for ByMap<E> {
    fn make(&self, injected: Injected) -> E {
        (self.0)(injected)
    }
}

impl<E> Clone for ByMap<E> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<E> fmt::Debug for ByMap<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ByMap")
    }
}

mod sealed {
    /// Keeps the ways of making errors to those of this module.
    pub trait Sealed {}

    impl Sealed for super::ByFrom {}
    impl<E> Sealed for super::ByMap<E> {}
}
