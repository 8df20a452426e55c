//! Judges of other people's code: give one of your parts and learn which properties of its kind it has.
//!
//! | I want to know whether | look at |
//! |---|---|
//! | my service shuts down without losing anything | [`shutdown`], [`shutdown_conformance!`](crate::shutdown_conformance) |
//!
//! A judge never reports as passed what it has not seen: a property that a subject has no use for is
//! [not applicable](Verdict::NotApplicable), and one that could not be shown this time is
//! [inconclusive](Verdict::Inconclusive). Under a macro the two are written to the real standard error, past the capture
//! of the test harness, and with `QTESTS_STRICT=1` an inconclusive one fails.

pub mod shutdown;
mod verdict;

pub use verdict::Verdict;
