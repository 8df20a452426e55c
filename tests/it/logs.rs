//! Whose lines are whose, what is asked of them, and how many are held.

use super::support;
use qtests::{
    Test,
    logs::{LOG_LIMIT, Level, LogLine},
};
use std::{
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};
use tokio::runtime::Builder;
use tracing::{Instrument, debug, error, info, info_span, trace, warn};

fn messages(lines: &[LogLine]) -> Vec<&str> {
    lines.iter().map(|line| line.message.as_str()).collect()
}

/// What a judgement says that fails.
fn refused(judge: impl FnOnce()) -> String {
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(judge)).unwrap_err();
    panicked.downcast_ref::<String>().unwrap().clone()
}

/// Logs from every place where a test runs code; returns how many lines that are.
async fn log_everywhere(t: &Test, own: usize) -> usize {
    info!(own, "body");
    tokio::spawn(async move { info!(own, "task") }).await.unwrap();
    tokio::task::spawn_blocking(move || info!(own, "blocking")).await.unwrap();
    t.spawn(async move { tokio::spawn(async move { info!(own, "task of a task") }).await }).await.unwrap().unwrap();
    let thread = qtests::thread::spawn(move || info!(own, "thread"));
    let bound = thread::spawn(qtests::bind(move || info!(own, "bound thread")));
    let mut set = tokio::task::JoinSet::new();
    (0..4).for_each(|_| _ = set.spawn(async move { info!(own, "one of four") }));
    set.join_all().await;
    tokio::task::spawn_blocking(|| (thread.join().unwrap(), bound.join().unwrap())).await.unwrap();
    10
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
            let logged = log_everywhere(&t, own).await;
            let lines = t.logs().target("it::logs").lines();
            assert_eq!(lines.len(), logged, "{lines:?}");
            assert_eq!(t.logs().field("own", own).count(), logged, "{lines:?}");
            RIGHT.fetch_add(1, SeqCst);
            Ok(())
        })
    }

    fn registered(number: usize) -> &'static rt::Registered {
        support::registered("it::logs::one_of_many", number as u64, number.is_multiple_of(2), body)
    }

    #[test]
    fn lines_from_everywhere_belong_to_their_test_and_to_no_neighbour() {
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
fn lines_of_threads_that_nobody_bound_and_of_a_test_that_is_over_belong_to_no_test() {
    let t = Test::scoped();
    thread::spawn(|| info!("unbound")).join().unwrap();
    info!("bound");
    let after = qtests::bind(|| info!("after the end"));
    let test = t.clone();
    drop(t);
    thread::spawn(after).join().unwrap();
    info!("after the end");
    assert_eq!(messages(&test.logs().lines()), ["bound"]);
    test.logs().containing("after").assert_none();
}

#[test]
fn a_line_holds_all_that_was_logged() {
    let t = Test::scoped();
    let began = Instant::now();
    let span = info_span!("checkout", order = 7, total = tracing::field::Empty);
    span.record("total", 1_999_u64);
    span.in_scope(|| {
        info_span!("pay").in_scope(|| {
            let how = "late";
            warn!(target: "shop::payment", by = "card", attempts = 3_u32, r#final = true, ratio = 0.5, "came {how}");
        });
    });
    let line = t.logs().first().unwrap();
    assert_eq!((line.level, &*line.target, line.message.as_str()), (Level::WARN, "shop::payment", "came late"));
    let fields: Vec<(&str, &str)> = line.fields.iter().map(|field| (field.name, field.value.as_str())).collect();
    assert_eq!(fields, [("by", "card"), ("attempts", "3"), ("final", "true"), ("ratio", "0.5")]);
    assert_eq!(line.spans.iter().map(|span| span.name).collect::<Vec<_>>(), ["checkout", "pay"]);
    assert_eq!(&*line.thread, thread::current().name().unwrap());
    assert!(line.at <= began.elapsed() + Duration::from_secs(60));
    let text = line.to_string();
    let rest = "WARN  checkout{order=7 total=1999}:pay: shop::payment: came late by=\"card\" attempts=3 \
                final=true ratio=0.5";
    assert!(text.starts_with('+') && text.ends_with(rest), "{text}");
}

#[test]
fn filters_take_lines_that_meet_all_of_them() {
    let t = Test::scoped();
    for order in 0..3 {
        info_span!("checkout", order).in_scope(|| {
            info!(target: "shop::cart", "placed");
            if order == 1 {
                error!(target: "shop::payment", code = "declined", "no money");
            }
        });
    }
    trace!(target: "shop", "not kept by default");
    debug!(target: "bank", "asked");
    assert_eq!(t.logs().count(), 5);
    assert_eq!(t.logs().target("shop").count(), 4);
    assert_eq!(t.logs().level(Level::INFO).count(), 4);
    assert_eq!(t.logs().span("checkout").field("order", 1).count(), 2);
    assert_eq!(messages(&t.logs().containing("decl").lines()), ["no money"]);
    assert_eq!(t.logs().target("shop").level(Level::ERROR).field("code", "declined").field("order", 1).count(), 1);
    assert_eq!(t.logs().target("bank").first().unwrap().message, "asked");
    assert_eq!(t.logs().target("shop").last().unwrap().fields.len(), 0);
    assert!(t.logs().target("mill").first().is_none());
    t.logs().field("order", 1).assert_any();
    t.logs().field("order", 3).assert_none();
}

#[test]
fn a_line_that_comes_from_the_crate_log_has_its_own_target() {
    let t = Test::scoped();
    // In this form tracing-log hands such lines over.
    info!(target: "log", { log.target = "shop::cart", log.line = 3 }, "placed");
    let line = t.logs().target("shop").first().unwrap();
    assert_eq!((&*line.target, line.message.as_str(), line.fields.len()), ("shop::cart", "placed", 0));
}

#[test]
fn a_text_is_cut_after_its_limit() {
    let t = Test::scoped();
    info!(long = "x".repeat(100_000), "short");
    let line = t.logs().first().unwrap();
    assert_eq!(line.message, "short");
    let value = &line.fields[0].value;
    assert!(value.len() < 9_000 && value.ends_with("x ..(cut)"), "{}", value.len());
}

fn paused() -> tokio::runtime::Runtime {
    Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
}

#[test]
fn a_wait_ends_with_the_first_line_past_or_future() {
    let t = Test::scoped();
    paused().block_on(async {
        info!("one");
        assert_eq!(t.logs().containing("one").wait().await.message, "one");
        let began = tokio::time::Instant::now();
        tokio::spawn(async {
            tokio::time::sleep(Duration::from_secs(3_600)).await;
            info!("two");
            info!("three");
        });
        assert_eq!(t.logs().containing("two").wait().await.message, "two");
        assert_eq!(began.elapsed(), Duration::from_secs(3_600));
        assert_eq!(messages(&t.logs().containing("t").wait_for(2).await), ["two", "three"]);
        let never = tokio::time::timeout(Duration::from_secs(9), t.logs().level(Level::ERROR).wait_for(2)).await;
        assert!(never.is_err());
    });
    let journal = t.journal().join("\n");
    assert!(journal.contains("logs     waits for a line containing \"two\""), "{journal}");
    assert!(journal.contains("logs     waits for 2 lines of level ERROR"), "{journal}");
    assert!(!journal.contains("\"one\""), "{journal}");
}

#[test]
fn a_wait_is_woken_by_lines_of_other_threads() {
    let t = Test::scoped();
    let runtime = Builder::new_current_thread().build().unwrap();
    let threads: Vec<_> = (0..4)
        .map(|number| {
            qtests::thread::spawn(move || {
                for line in 0..1_000 {
                    info!(number, line, "tick");
                }
            })
        })
        .collect();
    let lines = runtime.block_on(t.logs().containing("tick").wait_for(4_000));
    assert_eq!(lines.len(), 4_000);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn a_line_that_is_dropped_before_the_waiter_looks_is_not_missed() {
    let t = Test::scoped();
    let waited = paused().block_on(async {
        let wait = tokio::spawn(t.logs().containing("needle").wait());
        // It waits before the lines come, and runs again only after the line was dropped.
        tokio::task::yield_now().await;
        info!("needle");
        (0..LOG_LIMIT).for_each(|_| info!("hay"));
        assert_eq!(t.logs().containing("needle").count(), 0);
        wait.await.unwrap()
    });
    assert_eq!(waited.message, "needle");
}

#[test]
fn six_hundred_thousand_lines_are_counted_and_the_last_are_held() {
    const THREADS: usize = 4;
    const EACH: usize = 150_000;
    let t = Test::scoped();
    let threads: Vec<_> = (0..THREADS)
        .map(|number| {
            qtests::thread::spawn(move || {
                for line in 0..EACH {
                    info!(number, line, "one of many");
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let lines = t.logs().lines();
    assert_eq!(lines.len(), LOG_LIMIT);
    assert!(lines.is_sorted_by_key(|line| line.at));
    // Whoever ended last has its last line among those that are held.
    t.logs().field("line", EACH - 1).assert_any();
    let text = refused(|| t.logs().level(Level::ERROR).assert_none());
    assert!(text.contains("590,000 older ones have been dropped"), "{text}");
}

#[test]
fn a_layer_in_a_subscriber_of_another_is_enough() {
    use tracing_subscriber::prelude::*;
    let subscriber = tracing_subscriber::registry().with(qtests::logs::layer());
    let t = Test::scoped();
    tracing::subscriber::with_default(subscriber, || {
        info!("by way of another");
        t.logs().containing("another").assert_any();
    });
}

#[test]
fn a_log_that_cannot_be_heard_is_never_taken_for_an_empty_one() {
    let t = Test::scoped();
    let text = tracing::subscriber::with_default(tracing_subscriber::registry(), || {
        refused(|| t.logs().level(Level::ERROR).assert_none())
    });
    assert!(text.contains("installed by somebody else") && text.contains("qtests::logs::layer()"), "{text}");
    t.logs().level(Level::ERROR).assert_none();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_hears_the_futures_that_are_bound_to_it() {
    use qtests::InTest;
    let t = Test::scoped();
    let spawned = async { info!("far away") }.instrument(info_span!("errand")).in_test();
    tokio::spawn(spawned).await.unwrap();
    t.logs().span("errand").assert_any();
    assert!(t.finish().await.passed());
}

/// What a waker may do that belongs to a runtime which is traced.
struct Logging(std::sync::atomic::AtomicBool);

impl std::task::Wake for Logging {
    fn wake(self: std::sync::Arc<Self>) {
        info!("woken");
        self.0.store(true, std::sync::atomic::Ordering::SeqCst);
    }
}

#[test]
fn a_waker_may_log() {
    use std::{future::Future, sync::Arc, task::Context};
    let t = Test::scoped();
    let logs = t.logs();
    let (ended, end) = std::sync::mpsc::channel();
    // In a thread, since a lock that is taken twice hangs.
    qtests::thread::spawn(move || {
        let mut wait = std::pin::pin!(logs.containing("placed").wait());
        let waker = Arc::new(Logging(false.into()));
        let task = Arc::clone(&waker).into();
        let mut cx = Context::from_waker(&task);
        assert!(wait.as_mut().poll(&mut cx).is_pending());
        info!("placed");
        assert!(wait.as_mut().poll(&mut cx).is_ready());
        ended.send(waker.0.load(std::sync::atomic::Ordering::SeqCst)).unwrap();
    });
    assert_eq!(end.recv_timeout(Duration::from_secs(60)), Ok(true));
    // While some thread has a subscriber of its own, tracing gives nobody what is logged inside of a line.
    assert_eq!(t.logs().first().unwrap().message, "placed");
}

#[test]
fn what_is_not_kept_is_never_taken_for_absent() {
    let t = Test::scoped();
    trace!(target: "shop", "the secret");
    // It speaks of the lines that are kept.
    t.logs().containing("secret").assert_none();
    for logs in [t.logs().level(Level::TRACE).target("shop"), t.logs().level(Level::TRACE)] {
        let text = refused(|| logs.containing("secret").assert_none());
        assert!(
            text.starts_with("nobody can know") && text.contains("set QTESTS_LOG, such as QTESTS_LOG=trace"),
            "{text}"
        );
    }
    let text = refused(|| t.logs().level(Level::TRACE).target("shop").assert_any());
    assert!(text.contains("lines of level TRACE of a target that begins with `shop` are not kept"), "{text}");
    t.logs().level(Level::DEBUG).assert_none();
    let test = "logs::log_does_not_keep_what_must_not_be";
    for (value, part) in [
        ("off", "lines of a target that begins with `shop` are not kept: set QTESTS_LOG, such as QTESTS_LOG=debug"),
        ("off,shop=error", "lines of level TRACE of a target that begins with `shop` are not kept"),
        ("error", "lines of level TRACE of a target that begins with `shop` are not kept"),
        ("off,shop::mail=trace", "a line was logged that must not be"),
    ] {
        let text = with_variable(value, test);
        assert!(text.contains(part), "{value}: {text}");
    }
}

/// What one test of `tests/failing` prints when the variable is set.
fn log_level(value: &str) -> String {
    with_variable(value, "logs::log_holds_what_is_wanted_and_what_is_not")
}

fn with_variable(value: &str, test: &str) -> String {
    let mut command = support::clean(support::binary("failing"));
    command.args(["--ignored", "--exact", test]).env("QTESTS_LOG", value);
    support::text(&command.output().unwrap())
}

#[test]
fn the_variable_says_which_lines_are_kept() {
    for (value, placed, polled) in
        [("debug", true, false), ("error", false, false), ("off,shop::cart=trace", true, true)]
    {
        let text = log_level(value);
        let seen = (text.contains("shop::cart: placed items=2"), text.contains("TRACE shop::cart"));
        assert_eq!(seen, (placed, polled), "{value}: {text}");
    }
}

#[test]
fn a_variable_that_is_not_understood_is_said_once_and_ignored() {
    let text = log_level("inf");
    let complaint = "QTESTS_LOG=\"inf\" is not understood and ignored: did you mean the level `info` by `inf`; it \
                     takes a level, targets with levels, or both, such as `info,checkout=trace`";
    assert_eq!(text.matches(complaint).count(), 1, "{text}");
    assert!(text.contains("shop::cart: placed"), "{text}");
}

#[test]
#[cfg(feature = "metrics")]
fn a_subscriber_of_somebody_else_is_told_from_one_that_has_our_layer() {
    let warning = "warning: a tracing subscriber was installed before the first test";
    for (test, warnings) in
        [("subscriber_of_somebody_else", 1), ("subscriber_with_our_layer", 0), ("subscriber_that_comes_too_late", 0)]
    {
        let (passed, text) = support::run_elsewhere("foreign", test);
        assert!(passed, "{text}");
        assert_eq!(text.matches(warning).count(), warnings, "{text}");
    }
}
