//! What a test asks of its metrics.

use super::{
    book::{MetricBook, State},
    doubt::Kind,
    histogram::Histogram,
    install,
};
use crate::scope::{Test, ready};
use metrics::Key;
use std::{fmt, sync::Arc};

/// What a test has recorded so far; see [`Test::metrics`].
#[derive(Clone, Debug)]
#[must_use = "ask for a metric by its name: `counter`, `gauge`, `histogram`"]
pub struct Metrics {
    book: Arc<MetricBook>,
}

impl Test {
    /// What this test has recorded through the facade `metrics`.
    ///
    /// # Panics
    /// If the recorder was installed by somebody else and does not pass on to ours
    /// ([`metrics::recorder`](crate::metrics::recorder)): nobody could know what was recorded.
    #[track_caller]
    pub fn metrics(&self) -> Metrics {
        ready(if install::is_heard() { Ok(()) } else { Err(install::unheard()) });
        Metrics { book: MetricBook::of(&self.scope) }
    }
}

impl Metrics {
    /// The counter with this name, over all its label sets.
    pub fn counter(&self, name: impl Into<String>) -> CounterQuery {
        CounterQuery { book: Arc::clone(&self.book), wanted: Wanted::of(name.into()) }
    }

    /// The gauge with this name.
    pub fn gauge(&self, name: impl Into<String>) -> GaugeQuery {
        GaugeQuery { book: Arc::clone(&self.book), wanted: Wanted::of(name.into()) }
    }

    /// The histogram with this name, over all its label sets.
    pub fn histogram(&self, name: impl Into<String>) -> HistogramQuery {
        HistogramQuery { book: Arc::clone(&self.book), wanted: Wanted::of(name.into()) }
    }

    /// The names of all that was recorded, of whatever kind, in the order of the alphabet; at most
    /// [`METRIC_LIMIT`](super::METRIC_LIMIT).
    pub fn names(&self) -> Vec<String> {
        let state = self.book.look();
        let mut names: Vec<String> = state.keys().map(|key| key.name().to_owned()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// Which keys are meant.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) name: String,
    pub(super) labels: Vec<(String, String)>,
}

impl Wanted {
    fn of(name: String) -> Self {
        Self { name, labels: Vec::new() }
    }

    fn with(mut self, key: impl Into<String>, value: impl fmt::Display) -> Self {
        self.labels.push((key.into(), value.to_string()));
        self
    }

    pub(super) fn matches(&self, key: &Key) -> bool {
        let has = |(wanted, value): &(String, String)| {
            key.labels().any(|label| label.key() == wanted && label.value() == value)
        };
        key.name() == self.name && self.labels.iter().all(has)
    }
}

/// A counter; see [`Metrics::counter`].
#[derive(Clone, Debug)]
#[must_use = "ask for its value"]
pub struct CounterQuery {
    pub(super) book: Arc<MetricBook>,
    pub(super) wanted: Wanted,
}

impl CounterQuery {
    /// Only label sets that have this label with this value, compared as text. Defaults to all.
    pub fn label(mut self, key: impl Into<String>, value: impl fmt::Display) -> Self {
        self.wanted = self.wanted.with(key, value);
        self
    }

    /// The sum over all label sets that match; 0 if there is none. [`assert_value`](Self::assert_value) tells what
    /// there is, too.
    ///
    /// # Panics
    /// If [the answer would say nothing](crate::metrics#answers-that-would-say-nothing).
    #[track_caller]
    pub fn value(&self) -> u64 {
        self.sum(&self.book.asked(Kind::Counter, &self.wanted))
    }

    /// Fails the test if it was recorded, even with the value 0, as whatever kind of metric.
    ///
    /// # Panics
    /// If it was, with what was recorded; if records were dropped that it may be about.
    #[track_caller]
    pub fn assert_never(&self) {
        self.book.assert_never(Kind::Counter, &self.wanted);
    }

    pub(super) fn sum(&self, state: &State) -> u64 {
        let matching = state.counters.iter().filter(|(key, _)| self.wanted.matches(key));
        matching.fold(0, |sum, (_, value)| sum.saturating_add(*value))
    }
}

/// A gauge; see [`Metrics::gauge`].
#[derive(Clone, Debug)]
#[must_use = "ask for its value"]
pub struct GaugeQuery {
    pub(super) book: Arc<MetricBook>,
    pub(super) wanted: Wanted,
}

impl GaugeQuery {
    /// Only label sets that have this label with this value, compared as text. Defaults to all.
    pub fn label(mut self, key: impl Into<String>, value: impl fmt::Display) -> Self {
        self.wanted = self.wanted.with(key, value);
        self
    }

    /// The value that it has now; `None` if it was never recorded.
    ///
    /// # Panics
    /// If several label sets match: a label says which one is meant; if [the answer would say
    /// nothing](crate::metrics#answers-that-would-say-nothing).
    #[track_caller]
    pub fn value(&self) -> Option<f64> {
        let state = self.book.asked(Kind::Gauge, &self.wanted);
        let mut matching = state.gauges.iter().filter(|(key, _)| self.wanted.matches(key));
        let value = matching.next().map(|(_, value)| *value);
        if matching.next().is_some() {
            let text = self.ambiguous(&state);
            drop(state);
            panic!("{text}");
        }
        value
    }

    /// Fails the test if it was recorded, as whatever kind of metric.
    ///
    /// # Panics
    /// If it was, with what was recorded; if records were dropped that it may be about.
    #[track_caller]
    pub fn assert_never(&self) {
        self.book.assert_never(Kind::Gauge, &self.wanted);
    }
}

/// A histogram; see [`Metrics::histogram`].
#[derive(Clone, Debug)]
#[must_use = "ask for its values"]
pub struct HistogramQuery {
    book: Arc<MetricBook>,
    wanted: Wanted,
}

impl HistogramQuery {
    /// Only label sets that have this label with this value, compared as text. Defaults to all.
    pub fn label(mut self, key: impl Into<String>, value: impl fmt::Display) -> Self {
        self.wanted = self.wanted.with(key, value);
        self
    }

    /// How many values were recorded.
    ///
    /// # Panics
    /// If [the answer would say nothing](crate::metrics#answers-that-would-say-nothing).
    #[track_caller]
    pub fn count(&self) -> u64 {
        self.fold(0, |count, histogram| count + histogram.count)
    }

    /// The sum of all values that were recorded; 0 if there is none.
    ///
    /// # Panics
    /// If [the answer would say nothing](crate::metrics#answers-that-would-say-nothing).
    #[track_caller]
    pub fn sum(&self) -> f64 {
        self.fold(0.0, |sum, histogram| sum + histogram.sum)
    }

    /// The least of all values that were recorded; `None` if there is none.
    ///
    /// # Panics
    /// If [the answer would say nothing](crate::metrics#answers-that-would-say-nothing).
    #[track_caller]
    pub fn min(&self) -> Option<f64> {
        self.fold(None, |min: Option<f64>, histogram| Some(min.map_or(histogram.min, |min| min.min(histogram.min))))
    }

    /// The greatest of all values that were recorded; `None` if there is none.
    ///
    /// # Panics
    /// If [the answer would say nothing](crate::metrics#answers-that-would-say-nothing).
    #[track_caller]
    pub fn max(&self) -> Option<f64> {
        self.fold(None, |max: Option<f64>, histogram| Some(max.map_or(histogram.max, |max| max.max(histogram.max))))
    }

    /// The last values, at most 10,000 of each label set, in the order in which they were recorded over all of them.
    ///
    /// # Panics
    /// If [the answer would say nothing](crate::metrics#answers-that-would-say-nothing).
    #[track_caller]
    pub fn values(&self) -> Vec<f64> {
        let mut values = self.fold(Vec::new(), |mut values: Vec<(u64, f64)>, histogram| {
            values.extend(&histogram.values);
            values
        });
        values.sort_by_key(|(number, _)| *number);
        values.into_iter().map(|(_, value)| value).collect()
    }

    /// Fails the test if it was recorded, as whatever kind of metric.
    ///
    /// # Panics
    /// If it was, with what was recorded; if records were dropped that it may be about.
    #[track_caller]
    pub fn assert_never(&self) {
        self.book.assert_never(Kind::Histogram, &self.wanted);
    }

    /// Over the label sets in their order, so that a sum of fractions is the same in each run.
    #[track_caller]
    fn fold<T>(&self, start: T, add: impl FnMut(T, &Histogram) -> T) -> T {
        let state = self.book.asked(Kind::Histogram, &self.wanted);
        let mut matching: Vec<(&Key, &Histogram)> =
            state.histograms.iter().filter(|(key, _)| self.wanted.matches(key)).collect();
        matching.sort_unstable_by_key(|(key, _)| *key);
        matching.into_iter().map(|(_, histogram)| histogram).fold(start, add)
    }
}
