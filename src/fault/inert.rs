//! What is left of fault points in a product build: nothing. Arguments are type-checked and never evaluated.

use std::{error, fmt, io};

/// The error of a fault point; without the feature `live` there is no such value.
#[derive(Clone, Copy, Debug)]
pub enum Injected {}

impl Injected {
    /// The name of the point.
    pub fn point(&self) -> &'static str {
        match *self {}
    }

    /// The kind of the error.
    pub fn kind(&self) -> io::ErrorKind {
        match *self {}
    }

    /// The value that the test injected.
    ///
    /// # Errors
    /// The error itself, if it carries no such value.
    pub fn downcast<T: 'static>(self) -> Result<T, Self> {
        match self {}
    }
}

impl fmt::Display for Injected {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

impl error::Error for Injected {}

impl From<Injected> for io::Error {
    fn from(injected: Injected) -> Self {
        match injected {}
    }
}

/// A place where a test can inject a fault; a product build has none. See the module `fault`.
#[macro_export]
macro_rules! fault_point {
    (async $($rest:tt)+) => { $crate::fault_point!($($rest)+) };
    ($name:literal $(, $field:ident = $value:expr)* $(,)?) => {{
        if false {
            $(let _ = $crate::fault::ToValue::to_value(&$value);)*
        }
        ::core::result::Result::Ok::<(), $crate::fault::Injected>(())
    }};
    ($name:literal $(, $field:ident = $value:expr)*, |$injected:pat_param| $map:expr $(,)?) => {
        ::core::result::Result::map_err(
            $crate::fault_point!($name $(, $field = $value)*),
            |$injected: $crate::fault::Injected| $map,
        )
    };
}

/// A place where a test can delay or hold the code; a product build has none. See the module `fault`.
#[macro_export]
macro_rules! pause_point {
    (async $($rest:tt)+) => { $crate::pause_point!($($rest)+) };
    ($name:literal $(, $field:ident = $value:expr)* $(,)?) => {
        if false {
            $(let _ = $crate::fault::ToValue::to_value(&$value);)*
        }
    };
}

/// For `#[faulty]`: nothing.
#[doc(hidden)]
#[macro_export]
macro_rules! __way_out {
    ($kind:ident, $name:literal $(, $field:ident = $value:expr)* $(,)?) => {
        $crate::pause_point!($name $(, $field = $value)*)
    };
}

/// For `#[faulty]`: nothing.
#[doc(hidden)]
#[macro_export]
macro_rules! __leave {
    ($($rest:tt)+) => {
        ::core::result::Result::Ok::<(), $crate::fault::Injected>(())
    };
}

/// For `#[faulty]` on functions: the function as it was written.
#[doc(hidden)]
#[macro_export]
macro_rules! __if_live {
    ({ $($live:tt)* } { $($inert:tt)* }) => { $($inert)* };
}
