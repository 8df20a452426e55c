//! Puts plans in force.

use super::{FaultPlan, OutageSpec};
use crate::{
    base::{Error, Origin},
    fault::{ActiveFault, Planned, Window, arm_all},
    proxy::Toxic,
    scope::{Test, ready},
    server::How,
};

impl Test {
    /// Arms a plan, and returns its faults at points. What it has for proxies and servers waits until the test makes
    /// them.
    ///
    /// # Panics
    /// Where [`try_arm`](Test::try_arm) errs.
    #[track_caller]
    pub fn arm(&self, plan: &FaultPlan) -> Vec<ActiveFault> {
        ready(self.try_arm(plan))
    }

    /// Arms all of a plan, or nothing.
    ///
    /// # Errors
    /// As [`FaultBuilder::try_arm`](crate::fault::FaultBuilder::try_arm), for the first fault that cannot be armed.
    /// [`is_invalid`](Error::is_invalid) if a toxic is out of range, if something ends before it begins, or if the proxy
    /// or the server of a name is there already; [`is_limit`](Error::is_limit) above 1,000 toxics or 1,000 outages.
    #[track_caller]
    pub fn try_arm(&self, plan: &FaultPlan) -> Result<Vec<ActiveFault>, Error> {
        arm(self, plan, Origin::caller())
    }
}

pub(super) fn arm(t: &Test, plan: &FaultPlan, origin: Origin) -> Result<Vec<ActiveFault>, Error> {
    t.scope.still_open("a fault")?;
    let mut toxics = Vec::new();
    for wire in &plan.wires {
        let toxic = Toxic::try_from(wire.toxic.clone()).map_err(|error| about("proxy", &wire.proxy, &error))?;
        toxics.push((toxic, checked(wire.from, wire.until).map_err(|error| about("proxy", &wire.proxy, &error))?));
    }
    let mut windows = Vec::new();
    for server in &plan.servers {
        windows.push(checked(server.from, server.until).map_err(|error| about("server", &server.server, &error))?);
    }
    // A test that plans nothing for them keeps nothing for them.
    if !plan.wires.is_empty() {
        Planned::<Toxic>::of(t).check(plan.wires.iter().map(|wire| wire.proxy.as_str()))?;
    }
    if !plan.servers.is_empty() {
        Planned::<How>::of(t).check(plan.servers.iter().map(|server| server.server.as_str()))?;
    }
    // The last that can fail.
    let faults = match origin {
        Origin::Code(_) => arm_all(t, &plan.faults, origin)?,
        Origin::Variable(_) => arm_known(t, plan, origin)?,
    };
    for (wire, (toxic, window)) in plan.wires.iter().zip(toxics) {
        t.record("plan", format!("`{toxic}` for the proxy `{}`{window}", wire.proxy));
        Planned::of(t).add(&wire.proxy, toxic, window, origin, wire.toxic.optional);
    }
    for (server, window) in plan.servers.iter().zip(windows) {
        let how = match server.outage {
            OutageSpec::Pause => How::Paused,
            OutageSpec::Kill => How::Killed,
        };
        t.record("plan", format!("the server `{}` {how}{window}", server.server));
        Planned::of(t).add(&server.server, how, window, origin, server.optional);
    }
    Ok(faults)
}

/// Not every program has the points of a plan that all get.
fn arm_known(t: &Test, plan: &FaultPlan, origin: Origin) -> Result<Vec<ActiveFault>, Error> {
    let mut faults = Vec::new();
    for spec in &plan.faults {
        match arm_all(t, std::slice::from_ref(spec), origin) {
            Ok(armed) => faults.extend(armed),
            Err(error) if spec.optional && error.is_unknown_name() => {
                t.record("plan", format!("`{}` is no point of this program", spec.point));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(faults)
}

fn about(kind: &str, name: &str, error: &Error) -> Error {
    Error::invalid(format!("the plan for the {kind} `{name}` makes no sense: {error}"))
}

fn checked(from: std::time::Duration, until: Option<std::time::Duration>) -> Result<Window, Error> {
    let window = Window { from, until };
    window.nonsense().map_or(Ok(window), |why| Err(Error::invalid(why)))
}
