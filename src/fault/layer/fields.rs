//! What faults see of a request.

use crate::fault::{ToValue, Value};
use std::{fmt, sync::Arc};

/// How many fields a layer may read of a request.
const FIELDS: usize = 16;

/// Reads fields of requests. It is implemented for [`NoFields`] and [`Fields`], and for nothing else.
pub trait Describe<Request>: sealed::Sealed {
    /// What the request says.
    #[doc(hidden)]
    fn see(&self, request: &Request) -> Seen;

    /// The same as a list that more can be added to.
    #[doc(hidden)]
    fn into_fields(self) -> Fields<Request>;
}

/// The fields of no request: faults see none.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFields;

/// Closures that read fields of requests of one type; at most 16. Clones share them.
pub struct Fields<Request>(Arc<Vec<(&'static str, Read<Request>)>>);

type Read<Request> = Arc<dyn Fn(&Request) -> Box<dyn Seeable> + Send + Sync>;

/// A value that was read.
trait Seeable: ToValue + Send + Sync {}

impl<V: ToValue + Send + Sync> Seeable for V {}

/// What was read of one request.
#[doc(hidden)]
#[derive(Default)]
pub struct Seen(Vec<(&'static str, Box<dyn Seeable>)>);

impl<Request> Fields<Request> {
    /// Adds one.
    ///
    /// # Panics
    /// If there are 16 already.
    #[track_caller]
    pub(super) fn add<V: ToValue + Send + Sync + 'static>(
        mut self,
        name: &'static str,
        read: impl Fn(&Request) -> V + Send + Sync + 'static,
    ) -> Self {
        assert!(self.0.len() < FIELDS, "a layer reads at most {FIELDS} fields, and `{name}` would be one more");
        let read: Read<Request> = Arc::new(move |request| Box::new(read(request)));
        Arc::make_mut(&mut self.0).push((name, read));
        self
    }
}

impl Seen {
    /// The fields, and after them what else is known; where a name occurs twice the first one counts.
    pub(super) fn and<'a>(&'a self, more: &[(&'static str, Value<'a>)]) -> Vec<(&'static str, Value<'a>)> {
        self.0.iter().map(|(name, value)| (*name, value.to_value())).chain(more.iter().copied()).collect()
    }
}

impl<Request> Describe<Request> for NoFields {
    fn see(&self, _request: &Request) -> Seen {
        Seen::default()
    }

    fn into_fields(self) -> Fields<Request> {
        Fields(Arc::default())
    }
}

impl<Request> Describe<Request> for Fields<Request> {
    fn see(&self, request: &Request) -> Seen {
        Seen(self.0.iter().map(|(name, read)| (*name, read(request))).collect())
    }

    fn into_fields(self) -> Self {
        self
    }
}

impl<Request> Clone for Fields<Request> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<Request> fmt::Debug for Fields<Request> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.and(&[])).finish()
    }
}

mod sealed {
    /// Keeps the ways of reading to those of this module.
    pub trait Sealed {}

    impl Sealed for super::NoFields {}
    impl<Request> Sealed for super::Fields<Request> {}
}
