//! Tests of a process in which somebody else has installed a subscriber or a recorder first. They are ignored here,
//! since each needs a process of its own; `it/logs.rs` and `it/metrics.rs` run them as children.

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use qtests::Test;
use tracing_subscriber::prelude::*;

/// What `t.logs()` or `t.metrics()` says.
fn refusal<T>(ask: impl FnOnce() -> T) -> String {
    let asked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(ask));
    asked.err().and_then(|panicked| panicked.downcast_ref::<String>().cloned()).unwrap_or_default()
}

#[test]
#[ignore = "for a process of its own"]
fn subscriber_of_somebody_else() {
    tracing_subscriber::registry().try_init().expect("nobody has installed one before");
    let t = Test::scoped();
    tracing::info!("unheard");
    assert!(refusal(|| t.logs()).contains("qtests::logs::layer()"));
    drop(t);
    drop(Test::scoped());
}

#[test]
#[ignore = "for a process of its own"]
fn subscriber_with_our_layer() {
    tracing_subscriber::registry().with(qtests::logs::layer()).try_init().expect("nobody has installed one before");
    let t = Test::scoped();
    tracing::info!("heard");
    t.logs().containing("heard").assert_any();
}

#[test]
#[ignore = "for a process of its own"]
fn subscriber_that_comes_too_late() {
    let t = Test::scoped();
    assert!(tracing_subscriber::registry().try_init().is_err());
    tracing::info!("heard");
    t.logs().containing("heard").assert_any();
}

#[test]
#[ignore = "for a process of its own"]
fn recorder_of_somebody_else() {
    metrics::set_global_recorder(metrics::NoopRecorder).map_err(drop).expect("nobody has installed one before");
    let t = Test::scoped();
    metrics::counter!("orders").increment(1);
    assert!(refusal(|| t.metrics()).contains("qtests::metrics::recorder()"));
    drop(t);
    drop(Test::scoped());
}

/// A recorder that passes everything on, here to one only.
#[test]
#[ignore = "for a process of its own"]
fn recorder_that_passes_on() {
    let theirs: Box<dyn metrics::Recorder + Sync> = Box::new(qtests::metrics::recorder());
    metrics::set_global_recorder(theirs).map_err(drop).expect("nobody has installed one before");
    let t = Test::scoped();
    metrics::counter!("orders").increment(1);
    t.metrics().counter("orders").assert_value(1);
}

/// Passes everything on with other names, as a layer that puts the name of the service before them does.
struct Renaming<R>(R);

impl<R> Renaming<R> {
    fn renamed(key: &Key) -> Key {
        Key::from_parts(
            format!("shop_{}_total", key.name().replace('.', "_")),
            key.labels().cloned().collect::<Vec<_>>(),
        )
    }
}

impl<R: Recorder> Recorder for Renaming<R> {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, metadata: &Metadata<'_>) -> Counter {
        self.0.register_counter(&Self::renamed(key), metadata)
    }

    fn register_gauge(&self, key: &Key, metadata: &Metadata<'_>) -> Gauge {
        self.0.register_gauge(&Self::renamed(key), metadata)
    }

    fn register_histogram(&self, key: &Key, metadata: &Metadata<'_>) -> Histogram {
        self.0.register_histogram(&Self::renamed(key), metadata)
    }
}

#[test]
#[ignore = "for a process of its own"]
fn recorder_that_renames_and_passes_on() {
    let theirs = Renaming(qtests::metrics::recorder());
    metrics::set_global_recorder(theirs).map_err(drop).expect("nobody has installed one before");
    let t = Test::scoped();
    metrics::counter!("orders").increment(1);
    t.metrics().counter("shop_orders_total").assert_value(1);
    assert_eq!(t.metrics().names(), ["shop_orders_total"]);
}
