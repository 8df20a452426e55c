//! The plan that the environment has for every test.

use super::{FaultPlan, arm};
use crate::{
    base::{Error, FAULTS, Origin, environment},
    scope::{Finding, Test},
};
use std::{fs, path::Path, sync::OnceLock};

/// Arms the plan of `QTESTS_FAULTS`, if there is one. One that makes no sense fails the test: it would pass without what
/// it was asked to stand.
pub(crate) fn arm_from_outside(t: &Test) {
    let Some(text) = &environment().faults else { return };
    static PLAN: OnceLock<Result<FaultPlan, String>> = OnceLock::new();
    let plan = PLAN.get_or_init(|| read(text).map_err(|error| error.to_string()));
    let armed = match plan {
        Ok(plan) => arm::arm(t, plan, Origin::Variable(FAULTS.name())).map(drop).map_err(|error| error.to_string()),
        Err(why) => Err(why.clone()),
    };
    if let Err(why) = armed {
        t.scope.find(Finding::failure(format!("{} cannot be armed: {why}", FAULTS.name())));
    }
}

fn read(text: &str) -> Result<FaultPlan, Error> {
    let Some(path) = text.strip_prefix('@') else { return FaultPlan::from_line(text) };
    let content =
        fs::read_to_string(path).map_err(|error| Error::other(format!("the plan {path} cannot be read: {error}")))?;
    let ending = Path::new(path).extension().and_then(|ending| ending.to_str());
    let plan = match ending {
        Some("json") => FaultPlan::from_json(&content),
        #[cfg(feature = "toml")]
        Some("toml") => FaultPlan::from_toml(&content),
        #[cfg(not(feature = "toml"))]
        Some("toml") => Err(Error::invalid("plans in TOML need the feature `toml` of qtests")),
        _ => Err(Error::invalid("its name must end in .json or .toml")),
    };
    plan.map_err(|error| Error::invalid(format!("{path}: {error}")))
}
