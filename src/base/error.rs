//! What went wrong while setting up or driving a test.

use std::{borrow::Cow, fmt};

/// What went wrong while setting up or driving a test.
///
/// One opaque type for the whole crate; ask it with the `is_*` methods. What the *code under test* meets has small
/// types of its own (such as [`Injected`](crate::Injected)), and verdicts are values, not errors.
pub struct Error {
    kind: Kind,
    message: Cow<'static, str>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The kinds that [`Error`] can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "live"), allow(dead_code, reason = "the parts of a product make few of the kinds"))]
pub(crate) enum Kind {
    Invalid,
    Limit,
    Ended,
    PausedClock,
    UnknownName,
    MissingProgram,
    Timeout,
    Other,
}

impl Error {
    pub(crate) fn new(kind: Kind, message: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// A setting or an argument that makes no sense.
    pub(crate) fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Invalid, message)
    }

    /// Whatever nobody will want to tell apart.
    pub(crate) fn other(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Other, message)
    }

    /// Something that moves real bytes was asked for while the test's clock stands still.
    #[cfg(feature = "live")]
    pub(crate) fn paused_clock(what: &str) -> Self {
        let cure =
            "remove `paused` from #[qtest] (or tokio::time::pause()), or replace the socket by tokio::io::duplex";
        Self::new(
            Kind::PausedClock,
            format!(
                "{what} moves real bytes, but this test's clock is paused: every timeout would fire at once; {cure}"
            ),
        )
    }

    /// Adds the error that caused this one; [`source`](std::error::Error::source) returns it.
    pub(crate) fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// A setting, an argument or a plan made no sense; the text names it.
    pub fn is_invalid(&self) -> bool {
        self.kind == Kind::Invalid
    }

    /// A collection with a fixed limit was full, such as the mock stack with its 1,000 entries.
    pub fn is_limit(&self) -> bool {
        self.kind == Kind::Limit
    }

    /// The test was over already: whatever it owns is torn down and nothing can be added.
    pub fn is_ended(&self) -> bool {
        self.kind == Kind::Ended
    }

    /// Real sockets or processes were asked for while the clock of the test was paused.
    pub fn is_paused_clock(&self) -> bool {
        self.kind == Kind::PausedClock
    }

    /// No fault point has the name that was armed; the text lists the nearest ones.
    pub fn is_unknown_name(&self) -> bool {
        self.kind == Kind::UnknownName
    }

    /// A program that a test wanted to start is not installed.
    pub fn is_missing_program(&self) -> bool {
        self.kind == Kind::MissingProgram
    }

    /// A limit of time was exceeded.
    pub fn is_timeout(&self) -> bool {
        self.kind == Kind::Timeout
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Prints the text and the chain of causes, since a test that returns `Err` shows its `Debug` form.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
