//! How a test arms a fault.

use super::{
    ActiveFault, Fault, Hit, Trigger,
    plan::{FaultPlan, FaultSpec},
    table::FaultTable,
    trigger::Predicate,
    what::{Callback, MakeValue},
};
use crate::{
    base::Error,
    scope::{Test, ready},
};
use std::{io, panic::Location, sync::Arc, time::Duration};

/// A fault that is being described: when it fires, and what it does. See [`Test::fault`].
#[derive(Clone, Debug)]
#[must_use = "a fault does nothing until it is armed"]
pub struct FaultBuilder {
    t: Test,
    spec: FaultSpec,
}

impl Test {
    /// Begins the description of a fault at the points with this name; [`arm`](FaultBuilder::arm) puts it in force.
    ///
    /// ```
    /// # use qtests::{Test, fault_point};
    /// # use std::{io, time::Duration};
    /// # fn query() -> io::Result<()> { fault_point!("db.query", table = "orders")?; Ok(()) }
    /// # let t = Test::scoped();
    /// let slow = t
    ///     .fault("db.query")
    ///     .when(|hit| hit.str("table") == Some("orders"))     // of these hits ..
    ///     .after(1)                                           // .. all but the first
    ///     .delay(Duration::from_millis(1))
    ///     .fail(io::ErrorKind::TimedOut)
    ///     .arm();
    /// assert!(query().is_ok());
    /// assert_eq!(query().unwrap_err().kind(), io::ErrorKind::TimedOut);
    /// assert_eq!(slow.fired(), 1);
    /// ```
    pub fn fault(&self, point: impl Into<String>) -> FaultBuilder {
        let spec = FaultSpec { point: point.into(), when: Vec::new(), then: Vec::new(), optional: false };
        FaultBuilder { t: self.clone(), spec }
    }

    /// Arms all faults of a plan.
    ///
    /// # Panics
    /// Where [`try_arm`](Test::try_arm) errs.
    #[track_caller]
    pub fn arm(&self, plan: &FaultPlan) -> Vec<ActiveFault> {
        ready(self.try_arm(plan))
    }

    /// Arms all faults of a plan, or none.
    ///
    /// # Errors
    /// As [`FaultBuilder::try_arm`], for the first fault that cannot be armed.
    #[track_caller]
    pub fn try_arm(&self, plan: &FaultPlan) -> Result<Vec<ActiveFault>, Error> {
        let place = Location::caller();
        let mut active: Vec<ActiveFault> = Vec::new();
        for spec in &plan.faults {
            match FaultTable::of(self).arm(self, spec.clone(), place) {
                Ok(armed) => active.push(ActiveFault { armed }),
                Err(error) => {
                    active.into_iter().for_each(|fault| FaultTable::forget(&fault.armed));
                    return Err(error);
                }
            }
        }
        Ok(active)
    }
}

/// When the fault fires. Each condition sees only the hits that the one before it let through; without any the fault
/// always fires.
impl FaultBuilder {
    fn when_also(mut self, trigger: Trigger) -> Self {
        self.spec.when.push(trigger);
        self
    }

    /// At every hit. It is the default; saying so reads well.
    pub fn always(self) -> Self {
        self
    }

    /// At the first `n` hits.
    pub fn first(self, n: u64) -> Self {
        self.when_also(Trigger::First(n))
    }

    /// At the `n`th hit only, from 1.
    pub fn nth(self, n: u64) -> Self {
        self.when_also(Trigger::Nth(n))
    }

    /// At all hits but the first `n`.
    pub fn after(self, n: u64) -> Self {
        self.when_also(Trigger::After(n))
    }

    /// At each `n`th hit.
    pub fn every(self, n: u64) -> Self {
        self.when_also(Trigger::Every(n))
    }

    /// At each hit with this probability, from 0.0 to 1.0. The draws come from the test's seed, the point, the hit's
    /// argument `key` and how often this key was seen.
    pub fn probability(self, p: f64) -> Self {
        self.when_also(Trigger::Probability(p))
    }

    /// At hits whose argument `key` reads so.
    pub fn key(self, key: impl Into<String>) -> Self {
        self.when_also(Trigger::Key(key.into()))
    }

    /// At hits within this time from the arming, on the clock of the test.
    pub fn until(self, limit: Duration) -> Self {
        self.when_also(Trigger::Until(limit))
    }

    /// At hits that the closure wants. It must not arm or disarm faults, and must not block.
    pub fn when(self, wanted: impl Fn(&Hit<'_>) -> bool + Send + Sync + 'static) -> Self {
        self.when_also(Trigger::When(Predicate::new(Arc::new(wanted))))
    }
}

/// What the fault does. Several actions run in the order in which they are given; an error, a hang and a panic are the
/// last.
impl FaultBuilder {
    fn and_then(mut self, fault: Fault) -> Self {
        self.spec.then.push(fault);
        self
    }

    /// The point gives an error of this kind.
    pub fn fail(self, kind: io::ErrorKind) -> Self {
        self.and_then(Fault::Fail { kind, message: None })
    }

    /// The point gives an error of this kind with a text.
    pub fn fail_saying(self, kind: io::ErrorKind, message: impl Into<String>) -> Self {
        self.and_then(Fault::Fail { kind, message: Some(message.into()) })
    }

    /// The point gives an error with a value, which the code under test takes out with
    /// [`Injected::downcast`](super::Injected::downcast).
    pub fn fail_with<T: Send + Sync + 'static>(self, make: impl Fn() -> T + Send + Sync + 'static) -> Self {
        self.and_then(Fault::Value(MakeValue::new(Arc::new(move || Box::new(make())))))
    }

    /// The point gives the error of the system with this number, such as `libc::EIO`; an [`io::Error`] made of it says the
    /// number as [`raw_os_error`](io::Error::raw_os_error).
    pub fn fail_os(self, code: i32) -> Self {
        self.and_then(Fault::FailOs(code))
    }

    /// At most so many bytes pass in this read or write; what follows happens after them: `.short(3).fail(..)` lets three
    /// bytes pass and then fails. Only at points where bytes pass: those of streams and files.
    pub fn short(self, bytes: usize) -> Self {
        self.and_then(Fault::Short(bytes))
    }

    /// One bit of the bytes that pass is flipped; which one is drawn from the seed of the test. Only at points where bytes
    /// pass.
    pub fn corrupt(self) -> Self {
        self.and_then(Fault::Corrupt)
    }

    /// The point takes this long. The plain form of a point blocks its thread.
    pub fn delay(self, duration: Duration) -> Self {
        self.and_then(Fault::Delay(duration))
    }

    /// The point does not come back until the test ends or the fault is disarmed; then it gives an error of kind
    /// `Interrupted`.
    pub fn hang(self) -> Self {
        self.and_then(Fault::Hang)
    }

    /// The point panics. The panic does not count as a failure of the code that it goes through.
    pub fn panic(self, text: impl Into<String>) -> Self {
        self.and_then(Fault::Panic(text.into()))
    }

    /// The point waits until [`ActiveFault::release`], or until the test ends.
    pub fn hold(self) -> Self {
        self.and_then(Fault::Hold)
    }

    /// The point runs a closure, on the thread of the code under test. Closures run before the point waits for
    /// anything, whatever the order in which actions are given.
    pub fn call(self, call: impl Fn(&Hit<'_>) + Send + Sync + 'static) -> Self {
        self.and_then(Fault::Call(Callback::new(Arc::new(call))))
    }
}

impl FaultBuilder {
    /// Lets the test pass although the fault never fires.
    pub fn optional(mut self) -> Self {
        self.spec.optional = true;
        self
    }

    /// The fault as data, for a [`FaultPlan`].
    pub fn spec(self) -> FaultSpec {
        self.spec
    }

    /// Puts the fault in force until it is disarmed or the test ends. Faults at one point are asked in the order of
    /// their arming.
    ///
    /// # Panics
    /// Where [`try_arm`](FaultBuilder::try_arm) errs.
    #[track_caller]
    pub fn arm(self) -> ActiveFault {
        ready(self.try_arm())
    }

    /// [`arm`](FaultBuilder::arm) that returns its error.
    ///
    /// # Errors
    /// [`is_unknown_name`](Error::is_unknown_name) if no point has the name (near names are given),
    /// [`is_invalid`](Error::is_invalid) if a number makes no sense, nothing is to be done, or a `pause_point!` cannot
    /// do it, [`is_ended`](Error::is_ended) if the test is over, [`is_limit`](Error::is_limit) at 1,000 faults.
    #[track_caller]
    pub fn try_arm(self) -> Result<ActiveFault, Error> {
        let armed = FaultTable::of(&self.t).arm(&self.t, self.spec, Location::caller())?;
        Ok(ActiveFault { armed })
    }
}
