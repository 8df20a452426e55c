//! The end of a test: everything is undone, in order, whatever the body did.

use qtests::{Test, prelude::*};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

/// What happened, in order.
#[derive(Clone, Default)]
struct Steps(Arc<Mutex<Vec<&'static str>>>);

impl Steps {
    fn took(&self, step: &'static str) {
        self.0.lock().unwrap().push(step);
    }

    fn all(&self) -> Vec<&'static str> {
        self.0.lock().unwrap().clone()
    }
}

/// Registers three teardowns, the middle one async.
fn register(t: &Test, steps: &Steps) {
    let (first, second, third) = (steps.clone(), steps.clone(), steps.clone());
    t.defer(move || first.took("first"));
    t.defer_async(async move {
        tokio::task::yield_now().await;
        second.took("second");
    });
    t.defer(move || third.took("third"));
}

#[test]
fn teardowns_run_in_reverse_order_when_a_scope_is_dropped() {
    let steps = Steps::default();
    let t = Test::scoped();
    register(&t, &steps);
    assert!(steps.all().is_empty());
    drop(t);
    assert_eq!(steps.all(), ["third", "second", "first"]);
}

#[test]
fn teardowns_run_while_unwinding() {
    let steps = Steps::default();
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        let t = Test::scoped();
        register(&t, &steps);
        std::panic::resume_unwind(Box::new(()));
    }));
    assert!(unwound.is_err());
    assert_eq!(steps.all(), ["third", "second", "first"]);
}

#[tokio::test]
async fn finish_tears_down_and_gives_the_verdict() {
    let steps = Steps::default();
    let t = Test::scoped();
    register(&t, &steps);
    let verdict = t.finish().await;
    assert!(verdict.passed(), "{verdict}");
    assert_eq!(steps.all(), ["third", "second", "first"]);
}

#[tokio::test]
async fn a_panicking_teardown_fails_the_scope_and_the_rest_runs() {
    let steps = Steps::default();
    let t = Test::scoped();
    let last = steps.clone();
    t.defer(move || last.took("last"));
    t.defer(|| std::panic::panic_any("the disk is full".to_owned()));
    let verdict = t.finish().await;
    assert!(verdict.report().is_some_and(|report| report.contains("the disk is full")), "{verdict}");
    assert_eq!(steps.all(), ["last"]);
}

#[test]
fn a_teardown_that_is_registered_by_a_teardown_runs_next() {
    let steps = Steps::default();
    let t = Test::scoped();
    let (outer, inner, test) = (steps.clone(), steps.clone(), Test::clone(&t));
    register(&t, &steps);
    t.defer(move || {
        outer.took("outer");
        test.defer(move || inner.took("inner"));
    });
    drop(t);
    assert_eq!(steps.all(), ["outer", "inner", "third", "second", "first"]);
}

#[test]
fn an_ended_test_takes_nothing_and_keeps_nothing() {
    let scoped = Test::scoped();
    let t = Test::clone(&scoped);
    let dir = t.dir().to_owned();
    assert!(dir.is_dir());
    drop(scoped);
    assert!(!dir.exists());
    let refused = catch_unwind(AssertUnwindSafe(|| t.defer(|| {}))).unwrap_err();
    let text = refused.downcast_ref::<String>().unwrap();
    assert!(text.contains("is over") && text.contains("the teardown deferred at tests/it/ending.rs"), "{text}");
}

#[qtest]
async fn the_token_fires_before_the_teardowns(t: Test) {
    let steps = Steps::default();
    let (task, deferred, cancelled) = (steps.clone(), steps.clone(), t.cancelled());
    let task = t.spawn(async move {
        cancelled.await;
        task.took("cancelled");
    });
    let checked = steps.clone();
    t.defer(move || assert_eq!(checked.all(), ["cancelled", "joined"]));
    t.defer_async(async move {
        task.await.expect("the task ends by itself");
        deferred.took("joined");
    });
    assert!(!t.is_cancelled());
}

#[test]
fn an_owned_resource_is_dropped_with_the_test() {
    struct Resource(Arc<AtomicUsize>);
    impl Drop for Resource {
        fn drop(&mut self) {
            self.0.fetch_add(1, SeqCst);
        }
    }
    let dropped = Arc::new(AtomicUsize::new(0));
    let t = Test::scoped();
    let resource = t.own(Resource(Arc::clone(&dropped)));
    drop(resource);
    assert_eq!(dropped.load(SeqCst), 0);
    drop(t);
    assert_eq!(dropped.load(SeqCst), 1);
}

#[qtest]
#[should_panic(expected = "as it should")]
async fn a_test_that_should_panic_passes_when_it_does() {
    panic!("as it should");
}

#[qtest]
async fn a_panic_that_is_joined_through_the_test_is_no_failure(t: Test) {
    let joined = t.spawn(async { panic!("looked at") }).await;
    assert!(joined.is_err_and(|error| error.is_panic()));
}

#[qtest]
async fn a_panic_that_is_expected_is_no_failure(t: Test) {
    t.expect_panics(1);
    assert!(tokio::spawn(async { panic!("expected") }).await.is_err());
}

#[qtest(task_panics = "allow")]
async fn panics_in_tasks_can_be_allowed() {
    assert!(tokio::spawn(async { panic!("allowed") }).await.is_err());
}

#[qtest(leaks = "off")]
async fn leaks_can_be_allowed(t: Test) {
    t.spawn(std::future::pending::<()>());
}

#[qtest]
async fn a_task_that_somebody_else_leaks_does_not_fail_the_test() {
    tokio::spawn(std::future::pending::<()>());
}

#[qtest(paused)]
async fn virtual_time_passes_at_once() {
    let began = std::time::Instant::now();
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    assert!(began.elapsed() < Duration::from_secs(60));
}

#[qtest(timeout = "off")]
async fn a_test_without_a_limit_runs_on_the_thread_of_the_runner(t: Test) {
    t.defer(|| {});
    assert_eq!(std::thread::current().name(), Some(t.name()));
}

#[qtest(seed = 7)]
async fn the_generator_repeats_with_the_seed(t: Test) {
    let draws = |mut rng: fastrand::Rng| -> Vec<u64> { (0..5).map(|_| rng.u64(..)).collect() };
    assert_eq!(draws(t.rng()), draws(t.rng()));
    assert!(t.repeat_line().contains(&format!("QTESTS_SEED={}", t.seed())));
}

#[qtest]
async fn a_listener_is_bound_and_free(t: Test) -> Result<(), Box<dyn Error>> {
    let (one, other) = (t.listener()?, t.listener()?);
    assert_ne!(one.local_addr()?.port(), other.local_addr()?.port());
    tokio::net::TcpStream::connect(one.local_addr()?).await?;
    Ok(())
}

#[qtest]
fn a_sync_test_can_await_on_its_runtime(t: Test) {
    let answer = t.block_on(async {
        tokio::time::sleep(Duration::from_millis(1)).await;
        42
    });
    assert_eq!(answer, 42);
}

#[tokio::test]
async fn a_scope_that_is_dropped_on_the_only_thread_of_a_runtime_does_not_accuse_its_tasks() {
    let t = Test::scoped();
    let cancelled = t.cancelled();
    let task = t.spawn(cancelled);
    drop(t);
    task.await.unwrap();
}

#[qtest]
async fn more_panics_than_a_test_remembers_are_counted_right(t: Test) {
    for _ in 0..150 {
        assert!(t.spawn(async { std::panic::panic_any("joined") }).await.is_err());
    }
    t.expect_panics(150);
    for _ in 0..150 {
        assert!(tokio::spawn(async { std::panic::panic_any("expected") }).await.is_err());
    }
}

#[test]
fn teardowns_share_one_runtime() {
    let steps = Steps::default();
    let t = Test::scoped();
    let (send, receive) = tokio::sync::oneshot::channel();
    let heard = steps.clone();
    t.defer_async(async move {
        receive.await.expect("the sender was dropped");
        heard.took("heard");
    });
    t.defer(move || send.send(()).expect("the receiver lives"));
    drop(t);
    assert_eq!(steps.all(), ["heard"]);
}

#[qtest]
async fn a_teardown_may_spawn(t: Test) {
    t.defer(|| drop(tokio::spawn(async {})));
}

#[test]
fn a_restore_closure_may_register_an_async_teardown() {
    qtests::seam! {
        NUMBER: fn() -> u32 = || 1;
    }
    let steps = Steps::default();
    let t = Test::scoped();
    let (test, late) = (Test::clone(&t), steps.clone());
    t.mock(&NUMBER, Arc::new(|| 2)).on_restore(move || test.defer_async(async move { late.took("late") }));
    assert_eq!(NUMBER.get()(), 2);
    drop(t);
    assert_eq!(steps.all(), ["late"]);
}

#[test]
fn a_thread_that_waits_on_the_runtime_gets_out_when_the_test_ends() {
    let t = Test::scoped();
    let test = Test::clone(&t);
    let waits = std::thread::spawn(move || test.block_on(std::future::pending::<()>()));
    // Whether it has begun to wait or not: it must not wait beyond the end.
    t.block_on(tokio::task::yield_now());
    drop(t);
    assert!(waits.join().is_err(), "it unwinds");
}

#[test]
fn a_proxy_that_is_started_at_the_very_end_is_stopped_too() {
    qtests::seam! {
        NUMBER: fn() -> u32 = || 1;
    }
    let t = Test::scoped();
    let (tell, hear) = std::sync::mpsc::channel();
    let test = Test::clone(&t);
    t.mock(&NUMBER, Arc::new(|| 2)).on_restore(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let wire = std::thread::spawn(move || runtime.block_on(test.proxy("127.0.0.1:1").into_future()).unwrap());
        tell.send(wire.join().unwrap()).unwrap();
    });
    drop(t);
    // Its port may be a neighbour's by now, but it takes no orders any more.
    let wire = hear.recv().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert!(runtime.block_on(wire.add(Down::new())).is_err());
}

#[qtest]
fn a_teardown_can_await_on_the_runtime(t: Test) {
    let test = t.clone();
    t.defer(move || assert_eq!(test.block_on(async { 42 }), 42));
}

#[test]
fn nobody_can_wait_on_the_runtime_of_a_test_that_is_over() {
    let scoped = Test::scoped();
    let t = Test::clone(&scoped);
    drop(scoped);
    let refused = catch_unwind(AssertUnwindSafe(|| t.block_on(std::future::pending::<()>()))).unwrap_err();
    assert!(refused.downcast_ref::<String>().unwrap().contains("is over: it cannot take a wait on its runtime"));
}
