//! Load inside a test: arrivals that do not wait for a slow service, latencies that do not hide it, and a verdict that
//! says how sure it is.
//!
//! ```
//! use qtests::Test;
//! use qtests::load::{Rate, Slo};
//! use std::time::Duration;
//!
//! # async fn quote() -> Result<u32, std::io::Error> { Ok(42) }
//! async fn quotes_come_fast(t: Test) -> Result<(), qtests::Error> {
//!     let run = t
//!         .load("quote")
//!         .rate(Rate::per_sec(500))
//!         .hold(Duration::from_secs(5))
//!         .run((), |()| async { quote().await })
//!         .await?;
//!     println!("{run}");
//!     run.assert(Slo::p99(Duration::from_millis(300)).error_rate(0.01));
//!     Ok(())
//! }
//! ```
//!
//! # What is measured
//! An **open loop** (`rate`) fixes beforehand when each arrival is due. Three times are kept apart: the *response*
//! counts from the moment the arrival was due to its end and is what objectives speak about; the *service* time counts
//! from the first poll; the *lateness* in between is the load generator's and its host's own. A service that stands
//! still for a second therefore shows in the responses of all arrivals that were due in this second, while a tool that
//! waits for an answer before it asks again would send, and count, just one of them (coordinated omission).
//!
//! No arrival is left out: above `max_in_flight` it is *shed*, after `grace` it is *unfinished*, and both are failures.
//!
//! A **closed loop** (`users`, `think`) answers how much a number of users gets through; its latencies flatter.
//!
//! # What a verdict means
//! [`LoadReport::check`] proves `Met`, proves `Violated`, or says `Inconclusive`. It does not pretend that consecutive
//! latencies are independent, so a queueing service needs some 20,000 arrivals for a clear word on p99, a very busy one
//! 100,000. If the generator's own starts were late, a violation that the service time alone does not prove is
//! inconclusive, with the host as the reason.
//!
//! # Virtual time
//! Under a paused clock a run takes milliseconds and is the same each time: good for breakers, pools and timeouts. It
//! says nothing about the host and is labelled so. Tokio's timer ticks once a millisecond, so at rates that do not
//! divide 1,000 the starts are up to a millisecond late.
//!
//! # Limits
//! Load runs of one process wait for each other; other tests that run at the same time still disturb a measurement on
//! the real clock. Arrivals come at constant distances; ramps and random arrivals are not offered. Tokio's timer makes
//! starts 0.6 to 1 ms late on average. To measure a scenario that blocks its thread takes a runtime with several
//! workers.
//!
//! # Map
//! `run` describes a run, `schedule` says when arrivals are due, `driver` starts them, `iteration` catches how each
//! ends, `in_flight` knows which are under way, `recorder` counts (with `counts`, `slices`, `category`). `report` and
//! `summary` show it; `slo` is an objective, `judge` the statistics, `verdict` the two together, `assert` the failure
//! of the test.

mod assert;
mod category;
mod counts;
mod driver;
mod figures;
mod in_flight;
mod iteration;
mod judge;
mod rate;
mod recorder;
mod report;
mod run;
mod schedule;
#[cfg(test)]
mod simulated;
mod slices;
mod slo;
mod student;
mod summary;
mod verdict;

use crate::scope::Test;

pub use self::{
    rate::Rate,
    report::{LoadReport, TimelinePoint},
    run::LoadRun,
    slo::Slo,
    verdict::Verdict,
};

impl Test {
    /// Describes a load run called `name`, which its report and its failures carry.
    ///
    /// Nothing happens until [`LoadRun::run`] is awaited.
    pub fn load(&self, name: impl Into<String>) -> LoadRun {
        LoadRun::new(self.clone(), name.into())
    }
}
