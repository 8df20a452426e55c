//! One fault as data.

use super::{Fault, Trigger};
use serde::{Deserialize, Serialize};

/// One fault as data: the part of a [`FaultPlan`](crate::plan::FaultPlan) that is about points.
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
