//! The error that a fault point gives.

use std::{any::Any, error, fmt, io};

/// The error of a fault point. Converts to [`io::Error`] with the kind, or the number of the system, that was armed, and
/// to any boxed error.
pub struct Injected(Box<Inner>);

struct Inner {
    point: &'static str,
    kind: io::ErrorKind,
    message: Option<String>,
    /// The number of an error of the system.
    os: Option<i32>,
    value: Option<Box<dyn Any + Send + Sync>>,
}

impl Injected {
    pub(super) fn new(point: &'static str, kind: io::ErrorKind, message: Option<String>) -> Self {
        Self(Box::new(Inner { point, kind, message, os: None, value: None }))
    }

    pub(super) fn of_system(point: &'static str, code: i32) -> Self {
        let kind = io::Error::from_raw_os_error(code).kind();
        Self(Box::new(Inner { point, kind, message: None, os: Some(code), value: None }))
    }

    pub(super) fn with_value(point: &'static str, value: Box<dyn Any + Send + Sync>) -> Self {
        Self(Box::new(Inner { point, kind: io::ErrorKind::Other, message: None, os: None, value: Some(value) }))
    }

    /// The name of the point.
    pub fn point(&self) -> &'static str {
        self.0.point
    }

    /// The kind of the error; `Other` if the test injected a value.
    pub fn kind(&self) -> io::ErrorKind {
        self.0.kind
    }

    /// The value that the test injected with `fail_with`.
    ///
    /// # Errors
    /// The error itself, if it carries no value of this type.
    pub fn downcast<T: 'static>(mut self) -> Result<T, Self> {
        match self.0.value.take().map(<Box<dyn Any + Send + Sync>>::downcast::<T>) {
            Some(Ok(value)) => Ok(*value),
            Some(Err(other)) => {
                self.0.value = Some(other);
                Err(self)
            }
            None => Err(self),
        }
    }
}

impl fmt::Display for Injected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(code) = self.0.os {
            return write!(f, "{} (injected at `{}`)", io::Error::from_raw_os_error(code), self.0.point);
        }
        match &self.0.message {
            Some(message) => write!(f, "{message} (injected at `{}`)", self.0.point),
            None => write!(f, "{} (injected at `{}`)", self.0.kind, self.0.point),
        }
    }
}

impl fmt::Debug for Injected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Injected").field("point", &self.0.point).field("kind", &self.0.kind).finish_non_exhaustive()
    }
}

impl error::Error for Injected {}

impl From<Injected> for io::Error {
    fn from(injected: Injected) -> Self {
        match injected.0.os {
            // With a number, as the system gives it: code under test asks for that.
            Some(code) => Self::from_raw_os_error(code),
            None => Self::new(injected.kind(), injected),
        }
    }
}
