//! The recorder of the process, and the handles that it gives out.

use super::{book::MetricBook, install};
use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};
use std::sync::Arc;

/// Hands each record to the test that it belongs to; see [`recorder`](super::recorder).
#[derive(Clone, Copy, Debug)]
pub struct TestRecorder(());

impl TestRecorder {
    pub(super) const fn new() -> Self {
        Self(())
    }
}

/// Units and descriptions say nothing about what was recorded.
impl Recorder for TestRecorder {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        // Of a counter that is only registered no test hears, so the probe needs no handle of its own.
        install::hear();
        Counter::from_arc(Handle::of(key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(Handle::of(key))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(Handle::of(key))
    }
}

/// What the code under test holds. It knows no test: code may keep it in a static, and the next test records through
/// it.
struct Handle {
    key: Key,
}

impl Handle {
    fn of(key: &Key) -> Arc<Self> {
        Arc::new(Self { key: key.clone() })
    }
}

impl CounterFn for Handle {
    fn increment(&self, value: u64) {
        MetricBook::record(|state| state.counter(&self.key, |held| held.saturating_add(value)));
    }

    fn absolute(&self, value: u64) {
        MetricBook::record(|state| state.counter(&self.key, |held| held.max(value)));
    }
}

impl GaugeFn for Handle {
    fn increment(&self, value: f64) {
        MetricBook::record(|state| state.gauge(&self.key, |held| held + value));
    }

    fn decrement(&self, value: f64) {
        MetricBook::record(|state| state.gauge(&self.key, |held| held - value));
    }

    fn set(&self, value: f64) {
        MetricBook::record(|state| state.gauge(&self.key, |_| value));
    }
}

impl HistogramFn for Handle {
    fn record(&self, value: f64) {
        self.record_many(value, 1);
    }

    fn record_many(&self, value: f64, count: usize) {
        MetricBook::record(|state| state.histogram(&self.key, value, count));
    }
}
