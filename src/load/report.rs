//! What a load run measured.

use super::{
    Slo, Verdict,
    counts::Counts,
    driver::Driven,
    run::Model,
    schedule::Window,
    slices::{Moment, Slices, point_width},
    summary, verdict,
};
use crate::scope::Test;
use hdrhistogram::Histogram;
use serde::{Serialize, Serializer};
use std::{fmt, time::Duration};

/// What a load run measured, over the arrivals whose intended start lies in the measured time.
///
/// The counts are exact: `offered = finished + shed + unfinished` and `finished = ok + failed`. Latencies are right to
/// 0.1 % (lateness to 0.8 %). `Display` gives a summary with a table of latencies; `Serialize` plain figures, with
/// times in milliseconds and lengths of the run in seconds.
#[derive(Clone)]
pub struct LoadReport {
    pub(super) test: Test,
    name: String,
    pub(super) model: Model,
    pub(super) window: Window,
    is_virtual: bool,
    response: Histogram<u64>,
    service: Histogram<u64>,
    lateness: Counts<7>,
    slices: Slices,
    timeline: Vec<TimelinePoint>,
    errors: Vec<(String, u64)>,
    started_all: Duration,
    busy_share: f64,
}

/// One point of a report's timeline: the arrivals meant to start within it. Unlike the rest of the report the timeline
/// shows the warm-up too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct TimelinePoint {
    /// Where the point begins, counted from the start of the run with its warm-up.
    pub at: Duration,
    /// How long it is; the same for all points of a run.
    pub width: Duration,
    /// How many arrivals were meant to start in it.
    pub offered: u64,
    /// How many of them failed, were shed, or stayed unfinished.
    pub failed: u64,
    /// The median response time, to 6 %; unfinished arrivals count with their age, shed ones not at all.
    pub p50: Duration,
    /// The 99 % quantile of the response time, likewise.
    pub p99: Duration,
    /// The longest response time, to the microsecond.
    pub max: Duration,
}

impl LoadReport {
    pub(super) fn new(
        test: Test,
        name: String,
        model: Model,
        window: Window,
        driven: Driven,
        is_virtual: bool,
    ) -> Self {
        let Driven { recorder, started_all, threads } = driven;
        let capacity = window.total().as_secs_f64() * threads.max(1) as f64;
        let busy_share = recorder.busy.as_secs_f64() / capacity;
        let width = point_width(&window);
        Self {
            test,
            name,
            model,
            window,
            is_virtual,
            busy_share,
            response: recorder.response,
            service: recorder.service,
            lateness: recorder.lateness,
            slices: Slices::new(recorder.slices),
            timeline: recorder
                .timeline
                .iter()
                .zip(0..)
                .map(|(moment, i)| TimelinePoint::new(moment, width, i))
                .collect(),
            errors: recorder.errors.into_sorted(),
            started_all,
        }
    }

    /// How much of the time of the run, on all threads that there were, was spent inside polls of the scenario.
    pub(super) fn busy_share(&self) -> f64 {
        self.busy_share
    }

    /// The name given to [`Test::load`].
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Arrivals, whatever became of them.
    #[must_use]
    pub fn offered(&self) -> u64 {
        self.slices.all().offered()
    }

    /// Iterations that ended, well or with a failure.
    #[must_use]
    pub fn finished(&self) -> u64 {
        self.ok() + self.failed()
    }

    /// Iterations that ended with `Ok`.
    #[must_use]
    pub fn ok(&self) -> u64 {
        self.slices.all().response.total()
    }

    /// Iterations that ended with `Err` or a panic.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.slices.all().failed
    }

    /// Arrivals turned away because as many were under way as `max_in_flight` allows.
    #[must_use]
    pub fn shed(&self) -> u64 {
        self.slices.all().shed
    }

    /// Iterations still under way when the grace time was over; they were stopped.
    #[must_use]
    pub fn unfinished(&self) -> u64 {
        self.slices.all().unfinished.total()
    }

    /// The share of arrivals that failed, were shed, or stayed unfinished; 0 if nothing was offered.
    #[must_use]
    pub fn error_rate(&self) -> f64 {
        if self.offered() == 0 { 0.0 } else { (self.offered() - self.ok()) as f64 / self.offered() as f64 }
    }

    /// The response time that the share `q` did not exceed: from the *intended* start to the end.
    ///
    /// Over all finished iterations, failed ones too, and unfinished ones with their age (their least). Shed arrivals
    /// have no time; look at [`shed`](Self::shed). Zero if there is nothing.
    ///
    /// # Panics
    /// If `q` is not within 0 and 1.
    #[must_use]
    #[track_caller]
    pub fn quantile(&self, q: f64) -> Duration {
        Duration::from_nanos(self.response.value_at_quantile(within_0_and_1(q)))
    }

    /// As [`quantile`](Self::quantile), from the first poll to the end: what a test that starts late would report.
    ///
    /// # Panics
    /// If `q` is not within 0 and 1.
    #[must_use]
    #[track_caller]
    pub fn service_quantile(&self, q: f64) -> Duration {
        Duration::from_nanos(self.service.value_at_quantile(within_0_and_1(q)))
    }

    /// As [`quantile`](Self::quantile), from the intended start to the first poll: the delay of the load generator and
    /// its host, not of the service. Zero in a closed loop, which has no intentions.
    ///
    /// # Panics
    /// If `q` is not within 0 and 1.
    #[must_use]
    #[track_caller]
    pub fn lateness_quantile(&self, q: f64) -> Duration {
        Duration::from_nanos(self.lateness.quantile(within_0_and_1(q)))
    }

    /// Arrivals a second that were really offered: over the measured time, or until the last was started if that was
    /// later.
    #[must_use]
    pub fn rate(&self) -> f64 {
        let took = self.window.hold.max(self.started_all.saturating_sub(self.window.warm_up));
        self.offered() as f64 / took.as_secs_f64()
    }

    /// The measured time.
    #[must_use]
    pub fn hold(&self) -> Duration {
        self.window.hold
    }

    /// The categories of the failed iterations with their counts, the most frequent first.
    ///
    /// A category is the `Display` text of the error with runs of digits written as `#`, cut after 120 characters, or
    /// `panic: ` and the message. At most 32 are kept, the rest is counted as `other`.
    pub fn errors(&self) -> impl Iterator<Item = (&str, u64)> {
        self.errors.iter().map(|(category, count)| (category.as_str(), *count))
    }

    /// The run over time, by intended start, with its warm-up: at most 1,000 points of equal width, 10 ms or more.
    /// Points after the last arrival are left out.
    #[must_use]
    pub fn timeline(&self) -> &[TimelinePoint] {
        &self.timeline
    }

    /// Whether the clock was paused: then the report says how the code behaves in virtual time and nothing about the
    /// host.
    #[must_use]
    pub fn is_virtual(&self) -> bool {
        self.is_virtual
    }

    /// Whether users waited for answers before they called again, so that latencies are those of a closed loop.
    #[must_use]
    pub fn is_closed_loop(&self) -> bool {
        matches!(self.model, Model::Closed { .. })
    }

    /// Judges the run by `slo`; see [`Verdict`] for how sure it is.
    pub fn check(&self, slo: &Slo) -> Verdict {
        verdict::check(self, slo)
    }

    pub(super) fn slices(&self) -> &Slices {
        &self.slices
    }
}

impl TimelinePoint {
    fn new(moment: &Moment, width: Duration, index: u32) -> Self {
        Self {
            at: width * index,
            width,
            offered: moment.offered,
            failed: moment.failed,
            p50: Duration::from_micros(moment.response.quantile(0.5)),
            p99: Duration::from_micros(moment.response.quantile(0.99)),
            max: Duration::from_micros(moment.response.max()),
        }
    }
}

impl fmt::Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        summary::write(self, f)
    }
}

impl fmt::Debug for LoadReport {
    /// The counts; histograms and slices would fill screens.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadReport")
            .field("name", &self.name)
            .field("offered", &self.offered())
            .field("ok", &self.ok())
            .field("failed", &self.failed())
            .field("shed", &self.shed())
            .field("unfinished", &self.unfinished())
            .finish_non_exhaustive()
    }
}

impl Serialize for LoadReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        summary::Plain::of(self).serialize(serializer)
    }
}

#[track_caller]
fn within_0_and_1(q: f64) -> f64 {
    assert!((0.0..=1.0).contains(&q), "LoadReport: a quantile must lie within 0 and 1, it is {q}");
    q
}
