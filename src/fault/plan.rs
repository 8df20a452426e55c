//! Faults as data.

use super::{Fault, Trigger};
use crate::base::Error;
use serde::{Deserialize, Serialize};

/// Faults as data, for files and for tables of tests. Serialises with serde into whatever format is at hand.
///
/// ```
/// use qtests::fault::FaultPlan;
///
/// let plan = FaultPlan::from_json(r#"{ "faults": [
///     { "point": "db.query", "when": [{ "after": 2 }, { "first": 3 }], "then": [{ "fail": { "kind": "timed_out" } }] },
///     { "point": "mail.send", "then": [{ "delay": "200ms" }], "optional": true }
/// ] }"#)?;
/// assert_eq!(plan.faults[0].point, "db.query");
/// # Ok::<(), qtests::Error>(())
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultPlan {
    /// The faults, in the order in which they are armed.
    pub faults: Vec<FaultSpec>,
}

/// One fault as data.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultSpec {
    /// The name of the point.
    pub point: String,
    /// When it fires. Defaults to always.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<Trigger>,
    /// What it does, in this order.
    pub then: Vec<Fault>,
    /// Whether a test may pass although the fault never fired. Defaults to false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
}

impl FaultPlan {
    /// Reads a plan.
    ///
    /// # Errors
    /// [`is_invalid`](Error::is_invalid) if the text is no plan; it names the place and what was expected there.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        serde_json::from_str(text).map_err(|error| Error::invalid(format!("the fault plan does not parse: {error}")))
    }

    /// Writes the plan.
    ///
    /// # Errors
    /// [`is_invalid`](Error::is_invalid) if it holds closures, which cannot be written.
    pub fn to_json(&self) -> Result<String, Error> {
        serde_json::to_string_pretty(self)
            .map_err(|error| Error::invalid(format!("the fault plan cannot be written: {error}")))
    }
}
