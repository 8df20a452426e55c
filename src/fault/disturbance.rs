//! What can be begun and ended again, whatever it is: so that a timeline, a load run or a plan can disturb the code
//! under test without knowing with what.

use super::{ActiveFault, FaultBuilder, spec::FaultSpec, table::FaultTable};
use crate::{
    base::{Error, Origin},
    scope::{Test, lock},
};
use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Mutex},
};

/// A future in a box, as [`Disturbance`] gives it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Something that goes wrong for a while: it is begun, ended, and may be begun again.
///
/// A [`FaultBuilder`] is one (begun, it is armed; ended, it is disarmed), and so is a toxic that a proxy has been asked
/// for, see [`FaultProxy::toxic`](crate::proxy::FaultProxy::toxic). Write your own for what only you can break, such as
/// a container that is stopped:
/// ```
/// use qtests::{Error, fault::{BoxFuture, Disturbance}};
/// use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
///
/// struct ReadOnly(&'static AtomicBool);
///
/// impl Disturbance for ReadOnly {
///     fn describe(&self) -> String {
///         "the volume is read-only".to_owned()
///     }
///
///     fn begin(&self) -> BoxFuture<'_, Result<(), Error>> {
///         Box::pin(async { Ok(self.0.store(true, Relaxed)) })
///     }
///
///     fn end(&self) -> BoxFuture<'_, Result<(), Error>> {
///         Box::pin(async { Ok(self.0.store(false, Relaxed)) })
///     }
/// }
/// ```
pub trait Disturbance: Send + Sync + 'static {
    /// What it is, in a few words, for the journal and for reports.
    fn describe(&self) -> String;

    /// Puts it in force. Returns when it is.
    ///
    /// # Errors
    /// If it cannot be put in force, or if it has been begun and not ended.
    fn begin(&self) -> BoxFuture<'_, Result<(), Error>>;

    /// Takes it out of force. Returns when it is. Ending what has not been begun does nothing.
    ///
    /// # Errors
    /// If it cannot be taken out of force.
    fn end(&self) -> BoxFuture<'_, Result<(), Error>>;

    /// Whether a test may pass although this never began. It may not where nothing else is said: what does not happen
    /// shows nothing.
    fn is_optional(&self) -> bool {
        false
    }
}

/// What a fault that is begun and ended remembers. A clone of the builder is another fault, so it remembers nothing.
#[derive(Default)]
pub(super) struct Armings {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    latest: Option<ActiveFault>,
    in_force: bool,
    /// Whether any of the armings has fired: then the others need not.
    fired: bool,
}

impl Armings {
    /// Arms the fault anew. All its armings are judged as one: one that has fired is enough.
    pub(super) fn begin(&self, t: &Test, spec: &FaultSpec, origin: Origin) -> Result<(), Error> {
        let mut state = lock(&self.state);
        if state.in_force {
            return Err(begun_twice(&described(spec)));
        }
        state.fired |= state.latest.as_ref().is_some_and(|latest| latest.fired() > 0);
        let optional = spec.optional || state.fired;
        let armed = FaultTable::of(t).arm(t, FaultSpec { optional, ..spec.clone() }, origin)?;
        if let Some(latest) = state.latest.replace(ActiveFault { armed }).filter(|latest| latest.fired() == 0) {
            FaultTable::forget(&latest.armed);
        }
        state.in_force = true;
        Ok(())
    }

    pub(super) fn end(&self) {
        let mut state = lock(&self.state);
        if let Some(latest) = state.latest.as_ref().filter(|_| state.in_force) {
            latest.disarm();
        }
        state.in_force = false;
    }
}

impl Clone for Armings {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl fmt::Debug for Armings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if lock(&self.state).in_force { "begun" } else { "not begun" })
    }
}

/// What is begun twice in a row is a mistake in the plan that begins it.
pub(crate) fn begun_twice(what: &str) -> Error {
    Error::invalid(format!("{what} has been begun already: end it first, or make a second one"))
}

fn described(spec: &FaultSpec) -> String {
    format!("the fault at `{}`", spec.point)
}

/// Begun, the fault is armed; ended, it is disarmed. Each beginning arms it anew, so that its counts begin again
/// (`.first(3)` means three each time). A test fails if none of the armings ever fired.
impl Disturbance for FaultBuilder {
    fn describe(&self) -> String {
        described(&self.spec)
    }

    fn begin(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async { self.armings.begin(&self.t, &self.spec, self.origin) })
    }

    fn end(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async {
            self.armings.end();
            Ok(())
        })
    }

    fn is_optional(&self) -> bool {
        self.spec.optional
    }
}

/// Shared, so that a test can keep a hand on what a timeline drives.
impl<D: Disturbance + ?Sized> Disturbance for Arc<D> {
    fn describe(&self) -> String {
        (**self).describe()
    }

    fn begin(&self) -> BoxFuture<'_, Result<(), Error>> {
        (**self).begin()
    }

    fn end(&self) -> BoxFuture<'_, Result<(), Error>> {
        (**self).end()
    }

    fn is_optional(&self) -> bool {
        (**self).is_optional()
    }
}
