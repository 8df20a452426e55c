//! The point on the way out of a call: what its fields are read from is gone by then.

use super::{Decision, Site, Value, decide};

/// For `#[faulty]`: a point that the code will come by when a call is done, with the fields as they were before it. They
/// are kept only while the point is armed.
#[doc(hidden)]
#[derive(Debug)]
pub struct WayOut {
    site: &'static Site,
    kept: Vec<(&'static str, Kept)>,
}

/// A field that outlives what it was read from.
#[derive(Debug)]
enum Kept {
    Int(i128),
    Float(f64),
    Bool(bool),
    Str(Box<str>),
}

impl WayOut {
    /// For the macros.
    pub fn new(site: &'static Site) -> Self {
        Self { site, kept: Vec::new() }
    }

    /// For the macros: a test has armed the point.
    #[cold]
    pub fn keep(&mut self, fields: &[(&'static str, Value<'_>)]) {
        let owned = |value: Value<'_>| match value {
            Value::Int(value) => Kept::Int(value),
            Value::Float(value) => Kept::Float(value),
            Value::Bool(value) => Kept::Bool(value),
            Value::Str(text) => Kept::Str(text.into()),
        };
        self.kept = fields.iter().map(|(name, value)| (*name, owned(*value))).collect();
    }

    /// For the macros: whether any test has armed the point.
    #[inline]
    pub fn is_armed(&self) -> bool {
        self.site.is_armed()
    }

    /// For the macros: finds out what is to happen.
    #[cold]
    pub fn decide(&self) -> Decision {
        let fields: Vec<(&'static str, Value<'_>)> =
            self.kept.iter().map(|(name, kept)| (*name, kept.value())).collect();
        decide(self.site, &fields)
    }
}

impl Kept {
    fn value(&self) -> Value<'_> {
        match self {
            Self::Int(value) => Value::Int(*value),
            Self::Float(value) => Value::Float(*value),
            Self::Bool(value) => Value::Bool(*value),
            Self::Str(text) => Value::Str(text),
        }
    }
}

/// For `#[faulty]`: calls the closure. What it is given is known to run once, so its body may give back what it borrows
/// from the variables that were moved into it.
#[doc(hidden)]
pub fn call_once<R>(body: impl FnOnce() -> R) -> R {
    body()
}
