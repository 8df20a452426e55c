//! Tests of a process in which somebody else has installed a subscriber or a recorder first. They are ignored here,
//! since each needs a process of its own; `it/logs.rs` and `it/metrics.rs` run them as children.

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
