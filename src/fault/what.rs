//! What a fault does.

use super::{Hit, errno, kind};
use crate::scope::lock;
use serde::{Deserialize, Serialize};
use std::{
    any::Any,
    fmt, io,
    sync::{Arc, Mutex},
    time::Duration,
};

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
    /// The point gives the error of the system with this number, in a plan by its name: `"EIO"`. It has no text of its
    /// own, as a real one has not.
    FailOs(#[serde(with = "errno")] i32),
    /// At most so many bytes pass in this read or write; what comes next in the fault happens after them. Only where
    /// bytes pass.
    Short(usize),
    /// One bit of the bytes that pass is flipped, which one is drawn from the seed of the test. Only where bytes pass.
    Corrupt,
    /// The point takes so long, and then goes on to the next action, if any. The plain form of a point blocks its
    /// thread.
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
pub type MakeValue = Closure<dyn Fn() -> Box<dyn Any + Send + Sync> + Send + Sync>;

/// A closure that runs at a point.
pub type Callback = Closure<dyn Fn(&Hit<'_>) + Send + Sync>;

/// A closure of the user that is let go when the test ends, since it may hold the test. A clone is let go by itself.
pub struct Closure<T: ?Sized>(Mutex<Option<Arc<T>>>);

impl<T: ?Sized> Closure<T> {
    pub(super) fn new(closure: Arc<T>) -> Self {
        Self(Mutex::new(Some(closure)))
    }

    pub(super) fn get(&self) -> Option<Arc<T>> {
        lock(&self.0).clone()
    }

    pub(super) fn drop_it(&self) {
        // Taken first: its destructor is the user's and runs outside of the lock.
        let closure = lock(&self.0).take();
        drop(closure);
    }
}

impl<T: ?Sized> Clone for Closure<T> {
    fn clone(&self) -> Self {
        Self(Mutex::new(self.get()))
    }
}

impl<T: ?Sized> fmt::Debug for Closure<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Closure")
    }
}

impl Fault {
    /// Whether a closure of the user is held.
    pub(super) fn has_closure(&self) -> bool {
        match self {
            Self::Value(make) => make.get().is_some(),
            Self::Call(call) => call.get().is_some(),
            _ => false,
        }
    }

    pub(super) fn drop_closure(&self) {
        match self {
            Self::Value(make) => make.drop_it(),
            Self::Call(call) => call.drop_it(),
            _ => {}
        }
    }

    /// Whether it needs a point where bytes pass.
    pub(super) fn needs_bytes(&self) -> bool {
        matches!(self, Self::Short(_) | Self::Corrupt)
    }

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
            Self::FailOs(code) => write!(f, "fail with {}", errno::name(*code)),
            Self::Short(bytes) => write!(f, "short {bytes}"),
            Self::Corrupt => f.write_str("corrupt"),
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
