//! Whose records are whose, what is asked of them, and how many are held.

use super::support;
use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use qtests::{Test, metrics::METRIC_LIMIT};
use std::{
    sync::{Barrier, LazyLock},
    thread,
};

/// What a judgement says that fails.
fn refused(judge: impl FnOnce()) -> String {
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(judge)).unwrap_err();
    panicked.downcast_ref::<String>().unwrap().clone()
}

/// Handles that the code under test keeps for ever, so that most tests use what another one has registered.
static ORDERS: LazyLock<Counter> = LazyLock::new(|| counter!("metrics.orders", "kind" => "kept"));
static OPEN: LazyLock<Gauge> = LazyLock::new(|| gauge!("metrics.open"));
static CENTS: LazyLock<Histogram> = LazyLock::new(|| histogram!("metrics.cents"));

fn record(own: usize) {
    ORDERS.increment(own as u64);
    OPEN.increment(1.0);
    CENTS.record(own as f64);
    counter!("metrics.orders", "kind" => "fresh").increment(1);
}

/// Tests made by hand, so that a hundred of them run at once.
mod many {
    use super::*;
    use qtests::rt;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    const TESTS: usize = 100;
    static RIGHT: AtomicUsize = AtomicUsize::new(0);

    fn body(t: Test) -> rt::BodyFuture {
        Box::pin(async move {
            let own = t.seed().value() as usize;
            record(own);
            tokio::spawn(async move { record(own) }).await.unwrap();
            tokio::task::spawn_blocking(move || record(own)).await.unwrap();
            tokio::spawn(async move { tokio::spawn(async move { record(own) }).await.unwrap() }).await.unwrap();
            let threads =
                [qtests::thread::spawn(move || record(own)), thread::spawn(qtests::bind(move || record(own)))];
            tokio::task::spawn_blocking(|| threads.map(|thread| thread.join().unwrap())).await.unwrap();
            let held = t.metrics();
            held.counter("metrics.orders").label("kind", "kept").assert_value(6 * own as u64);
            held.counter("metrics.orders").label("kind", "fresh").assert_value(6);
            held.counter("metrics.orders").assert_value(6 * own as u64 + 6);
            assert_eq!(held.gauge("metrics.open").value(), Some(6.0));
            assert_eq!(held.histogram("metrics.cents").values(), [own as f64; 6]);
            assert_eq!(held.names(), ["metrics.cents", "metrics.open", "metrics.orders"]);
            RIGHT.fetch_add(1, SeqCst);
            Ok(())
        })
    }

    fn registered(number: usize) -> &'static rt::Registered {
        support::registered("it::metrics::one_of_many", number as u64 + 1, number.is_multiple_of(2), body)
    }

    #[test]
    fn records_from_everywhere_belong_to_their_test_and_to_no_neighbour() {
        let start = Barrier::new(TESTS);
        thread::scope(|threads| {
            for number in 0..TESTS {
                let start = &start;
                threads.spawn(move || {
                    start.wait();
                    rt::run(registered(number));
                });
            }
        });
        assert_eq!(RIGHT.load(SeqCst), TESTS);
    }
}

#[test]
fn a_handle_that_another_test_has_registered_records_for_the_test_that_uses_it() {
    let first = Test::scoped();
    let handle = counter!("metrics.kept");
    handle.increment(1);
    let first_metrics = first.metrics();
    drop(first);
    handle.increment(10);
    let second = Test::scoped();
    handle.increment(2);
    second.metrics().counter("metrics.kept").assert_value(2);
    first_metrics.counter("metrics.kept").assert_value(1);
}

#[test]
fn what_belongs_to_no_test_is_dropped() {
    let t = Test::scoped();
    thread::spawn(|| record(7)).join().unwrap();
    assert!(t.metrics().names().is_empty());
}

#[test]
fn counters_gauges_and_histograms_hold_what_was_recorded() {
    let t = Test::scoped();
    let total = counter!("total");
    total.absolute(5);
    total.absolute(3);
    total.increment(2);
    t.metrics().counter("total").assert_value(7);
    let level = gauge!("level", "pool" => "a");
    level.set(3.0);
    level.decrement(1.0);
    level.increment(0.5);
    assert_eq!(t.metrics().gauge("level").value(), Some(2.5));
    assert_eq!(t.metrics().gauge("level").label("pool", "b").value(), None);
    let seconds = histogram!("seconds");
    seconds.record_many(2.0, 3);
    seconds.record(0.5);
    let held = t.metrics().histogram("seconds");
    assert_eq!((held.count(), held.sum(), held.min(), held.max()), (4, 6.5, Some(0.5), Some(2.0)));
    assert_eq!(held.values(), [2.0, 2.0, 2.0, 0.5]);
    counter!("hits").increment(1);
    let none = t.metrics().histogram("hours");
    assert_eq!((none.count(), none.sum(), none.min(), none.max()), (0, 0.0, None, None));
    assert_eq!(t.metrics().counter("none").value(), 0);
    t.metrics().counter("none").assert_value(0);
    t.metrics().counter("none").assert_never();
}

#[test]
fn values_come_in_the_order_in_which_they_were_recorded() {
    let t = Test::scoped();
    for number in 0..300_u16 {
        histogram!("seconds", "shard" => (number % 30).to_string()).record(f64::from(number) / 10.0);
    }
    let held = t.metrics().histogram("seconds");
    assert_eq!(held.values(), (0..300_u16).map(|number| f64::from(number) / 10.0).collect::<Vec<_>>());
    let of_one = held.clone().label("shard", 7);
    assert_eq!(of_one.values(), (0..10_u16).map(|number| f64::from(7 + 30 * number) / 10.0).collect::<Vec<_>>());
    // The sum of fractions depends on their order, which is that of the label sets.
    let sums: std::collections::BTreeSet<u64> = (0..20)
        .map(|_| {
            let other = Test::scoped();
            for number in 0..300_u16 {
                histogram!("seconds", "shard" => (number % 30).to_string()).record(f64::from(number) / 10.0);
            }
            other.metrics().histogram("seconds").sum().to_bits()
        })
        .collect();
    assert_eq!(sums.len(), 1);
}

#[test]
fn an_answer_that_would_say_nothing_is_refused() {
    let t = Test::scoped();
    counter!("orders.failed", "kind" => "card").increment(5);
    gauge!("level").set(1.0);
    histogram!("latency").record(2.5);
    let held = t.metrics();
    // A slip in the name, or in that of a label.
    for text in [
        refused(|| held.counter("order.failed").assert_value(0)),
        refused(|| _ = held.counter("orders_failed").value()),
        refused(|| _ = held.gauge("levels").value()),
        refused(|| _ = held.histogram("latncy").sum()),
        refused(|| _ = held.histogram("latncy").max()),
        refused(|| _ = held.histogram("latncy").values()),
        refused(|| held.counter("orders.failed").label("kin", "card").assert_value(0)),
    ] {
        assert!(text.contains("which comes near: ask for that, or if this one must never be recorded"), "{text}");
    }
    // Another kind of metric.
    for (text, cure) in [
        (
            refused(|| held.counter("level").assert_value(0)),
            "`level` was recorded as a gauge: ask t.metrics().gauge(..)",
        ),
        (refused(|| _ = held.gauge("latency").value()), "ask t.metrics().histogram(..)"),
        (refused(|| _ = held.histogram("orders.failed").count()), "ask t.metrics().counter(..)"),
    ] {
        assert!(text.contains(cure), "{text}");
    }
    // What is merely alike is another metric, and other labels are other labels.
    held.counter("orders.placed").assert_value(0);
    held.counter("orders").assert_value(0);
    held.counter("orders.failed").label("kind", "cash").assert_value(0);
    assert_eq!(held.gauge("height").value(), None);
}

#[test]
fn what_must_never_be_recorded_is_told_from_0() {
    let t = Test::scoped();
    counter!("orders.failed", "kind" => "card").increment(0);
    let held = t.metrics();
    held.counter("orders.failed").assert_value(0);
    for text in [
        refused(|| held.counter("orders.failed").assert_never()),
        refused(|| held.gauge("orders.failed").assert_never()),
        refused(|| held.histogram("orders.failed").label("kind", "card").assert_never()),
    ] {
        assert!(text.contains("never to be recorded\n  happened: orders.failed{kind=\"card\"} = 0"), "{text}");
    }
    held.counter("order.failed").assert_never();
    held.counter("orders.failed").label("kind", "cash").assert_never();
}

#[test]
fn a_gauge_with_several_label_sets_asks_for_a_label() {
    let t = Test::scoped();
    gauge!("level", "pool" => "a").set(1.0);
    gauge!("level", "pool" => "b").set(2.0);
    assert_eq!(t.metrics().gauge("level").label("pool", "b").value(), Some(2.0));
    let text = refused(|| _ = t.metrics().gauge("level").value());
    assert!(text.contains("level{pool=\"a\"} = 1\n            level{pool=\"b\"} = 2"), "{text}");
}

#[test]
fn a_failure_names_what_was_recorded() {
    let t = Test::scoped();
    let asked = |name: &str, label: Option<&str>, expected| {
        let query = t.metrics().counter(name);
        let query = label.map_or(query.clone(), |kind| query.label("kind", kind));
        refused(|| query.assert_value(expected))
    };
    assert!(
        asked("orders", None, 1).ends_with(
            "it is 0\n            no counter `orders` was recorded\n            nothing was recorded at all"
        )
    );
    counter!("orders", "kind" => "card").increment(1_234);
    counter!("orders", "kind" => "cash").increment(1);
    histogram!("seconds").record(1.0);
    let other_sum = asked("orders", None, 1);
    let sets = "it is 1,235\n            orders{kind=\"card\"} = 1,234\n            orders{kind=\"cash\"} = 1";
    assert!(other_sum.ends_with(sets), "{other_sum}");
    let other_label = asked("orders", Some("cheque"), 1);
    assert!(other_label.contains("`orders` with kind=\"cheque\" to be 1\n"), "{other_label}");
    assert!(
        other_label.contains("with other labels only:\n            orders{kind=\"card\"} = 1,234"),
        "{other_label}"
    );
    let other_name = asked("ordrs", None, 1);
    assert!(
        other_name.contains("did you mean `orders`?") && other_name.contains("seconds: recorded 1 times (histogram)")
    );
    assert!(
        asked("seconds", None, 1).ends_with("`seconds` was recorded as a histogram: ask t.metrics().histogram(..)")
    );
}

#[test]
fn keys_beyond_the_limit_are_dropped_counted_and_said() {
    let t = Test::scoped();
    counter!("kept").increment(1);
    for user in 1..METRIC_LIMIT + 7 {
        counter!("logins", "user" => user.to_string()).increment(1);
    }
    gauge!("level").set(1.0);
    counter!("kept").increment(1);
    let held = t.metrics();
    held.counter("kept").assert_value(2);
    held.counter("never").assert_value(0);
    let text = refused(|| held.counter("logins").assert_value(10_008));
    assert!(text.contains("8 records were dropped: the test holds 10,000 metrics already"), "{text}");
    for text in [
        refused(|| held.counter("logins").assert_value(METRIC_LIMIT as u64 - 1)),
        refused(|| _ = held.counter("logins").value()),
        refused(|| held.counter("logins").label("user", "x").assert_value(0)),
        refused(|| held.counter("logins").label("user", "x").assert_never()),
        refused(|| _ = held.gauge("level").value()),
        refused(|| _ = held.histogram("level").max()),
        refused(|| held.gauge("level").assert_never()),
    ] {
        assert!(text.starts_with("nobody can know") && text.contains("8 records were dropped"), "{text}");
    }
    // So many names are not remembered, so it may be about any.
    (0..100).for_each(|number| counter!(format!("number.{number}")).increment(1));
    assert!(refused(|| held.counter("never").assert_value(0)).starts_with("nobody can know"));
    assert_eq!(
        t.journal()
            .iter()
            .filter(|line| line.contains("metrics  records with new keys are dropped from here on"))
            .count(),
        1
    );
}

#[test]
fn a_recorder_for_one_thread_can_pass_on_to_ours_and_is_noticed_if_it_does_not() {
    let t = Test::scoped();
    metrics::with_local_recorder(&qtests::metrics::recorder(), || counter!("passed.on").increment(1));
    t.metrics().counter("passed.on").assert_value(1);
    let text = metrics::with_local_recorder(&metrics::NoopRecorder, || refused(|| _ = t.metrics()));
    assert!(text.contains("installed by somebody else") && text.contains("qtests::metrics::recorder()"), "{text}");
}

#[test]
#[cfg(feature = "tracing")]
fn a_recorder_of_somebody_else_is_told_from_one_that_passes_on() {
    let warning = "warning: a recorder of metrics was installed before the first test";
    for (test, warnings) in
        [("recorder_of_somebody_else", 1), ("recorder_that_passes_on", 0), ("recorder_that_renames_and_passes_on", 0)]
    {
        let (passed, text) = super::support::run_elsewhere("foreign", test);
        assert!(passed, "{text}");
        assert_eq!(text.matches(warning).count(), warnings, "{text}");
    }
}
