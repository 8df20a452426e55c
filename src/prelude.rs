//! What most tests need: `use qtests::prelude::*;`.

#[doc(no_inline)]
pub use crate::{
    fixture::{BoxError, Fixture, Shared},
    load::{Rate, Slo},
    plan::FaultPlan,
    proxy::{Down, Latency, Reset},
    scope::{InTest, Test},
};
#[cfg(feature = "macros")]
#[doc(no_inline)]
pub use qtests_macros::qtest;
#[doc(no_inline)]
pub use std::{error::Error, io, time::Duration};
