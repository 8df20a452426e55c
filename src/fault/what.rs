//! What a fault does.

use super::{Hit, kind};
use serde::{Deserialize, Serialize};
use std::{any::Any, fmt, io, sync::Arc, time::Duration};

/// What a fault does at its point.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Fault {
    /// The point gives an error of this kind.
    Fail {
        /// The kind, in a plan by its name: `"timed_out"`.
        #[serde(with = "kind")]
        kind: io::ErrorKind,
        /// What the error says. Defaults to the words of the kind.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// The point takes so long, and then goes on to the next action, if any. The plain form of a point blocks its thread.
    Delay(#[serde(with = "crate::base::duration")] Duration),
    /// The point does not come back until the test ends or the fault is disarmed; then it gives an error.
    Hang,
    /// The point panics with this text. Such a panic does not count as a failure of the code that it goes through.
    Panic(String),
    /// The point waits until [`release`](super::ActiveFault::release), or until the test ends.
    Hold,
    /// The point gives an error with a value of the user's; not in plans.
    #[serde(skip)]
    Value(MakeValue),
    /// The point runs a closure, before it waits for anything; not in plans.
    #[serde(skip)]
    Call(Callback),
}

/// Makes the value of an error.
#[derive(Clone)]
pub struct MakeValue(pub(super) Arc<dyn Fn() -> Box<dyn Any + Send + Sync> + Send + Sync>);

/// A closure that runs at a point.
#[derive(Clone)]
pub struct Callback(pub(super) Arc<dyn Fn(&Hit<'_>) + Send + Sync>);

impl Fault {
    /// Whether a point where nothing can fail can do this.
    pub(super) fn can_pause(&self) -> bool {
        matches!(self, Self::Delay(_) | Self::Panic(_) | Self::Hold | Self::Call(_))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fail { kind, message: None } => write!(f, "fail ({kind})"),
            Self::Fail { kind, message: Some(message) } => write!(f, "fail ({kind}: {message})"),
            Self::Delay(duration) => write!(f, "delay {duration:?}"),
            Self::Hang => f.write_str("hang"),
            Self::Panic(text) => write!(f, "panic {text:?}"),
            Self::Hold => f.write_str("hold"),
            Self::Value(_) => f.write_str("fail with a value"),
            Self::Call(_) => f.write_str("call"),
        }
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for MakeValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MakeValue")
    }
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Callback")
    }
}
