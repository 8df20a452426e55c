//! Tests that must fail, each in one way, and ignored here: `it/failing.rs` runs each as a child and compares the text.
#![cfg(feature = "macros")]

mod alone;
mod faulty;
mod fixtures;
#[cfg(feature = "tracing")]
mod logs;
#[cfg(feature = "metrics")]
mod metrics;
mod streams;

use qtests::{InTest as _, Test, fault_point, prelude::*, seam};
use std::{future::pending, sync::Arc, thread};

#[qtest]
#[ignore = "must fail"]
async fn body_panics() {
    let orders: Vec<u32> = Vec::new();
    orders.first().expect("the order was placed");
}

#[qtest]
#[ignore = "must fail"]
async fn body_returns_an_error(t: Test) -> Result<(), Box<dyn Error>> {
    t.note("asking for the order");
    Err("no such order".into())
}

#[qtest(timeout = "100ms")]
#[ignore = "must fail"]
async fn body_never_ends(t: Test) {
    t.defer(|| println!("undone"));
    pending::<()>().await;
}

#[qtest(timeout = "100ms")]
#[ignore = "must fail"]
async fn body_blocks_its_thread(t: Test) {
    t.defer_async(async { println!("undone on a fresh runtime") });
    loop {
        thread::park();
    }
}

#[qtest(timeout = "100ms", workers = 2)]
#[ignore = "must fail"]
async fn body_blocks_one_of_several_threads(t: Test) {
    t.defer_async(async { println!("undone on a fresh runtime") });
    loop {
        thread::park();
    }
}

#[qtest]
#[ignore = "must fail"]
#[should_panic(expected = "out of stock")]
async fn body_does_not_panic_as_it_should() {}

#[qtest]
#[ignore = "must fail"]
#[should_panic(expected = "out of stock")]
async fn body_panics_with_another_text() {
    panic!("no such order");
}

#[qtest(timeout = "100ms")]
#[ignore = "must fail"]
#[should_panic]
async fn body_that_should_panic_never_ends() {
    pending::<()>().await;
}

#[qtest]
#[ignore = "must fail"]
async fn task_panics_and_nobody_joins_it() {
    let task = tokio::spawn(async { panic!("lost in a task") });
    assert!(task.await.is_err());
}

#[qtest]
#[ignore = "must fail"]
fn thread_panics_and_nobody_joins_it() {
    assert!(qtests::thread::spawn(|| panic!("lost in a thread")).join().is_err());
}

#[qtest]
#[ignore = "must fail"]
async fn expected_panic_does_not_come(t: Test) {
    t.expect_panics(1);
}

#[qtest]
#[ignore = "must fail"]
async fn teardown_panics_after_the_body(t: Test) {
    t.defer(|| println!("the rest is undone"));
    t.defer(|| panic!("the disk is full"));
    panic!("the body comes first");
}

#[qtest(teardown_timeout = "100ms")]
#[ignore = "must fail"]
async fn teardowns_hang(t: Test) {
    t.defer(|| println!("the rest is undone"));
    t.defer(|| {
        loop {
            thread::park();
        }
    });
    t.defer_async(pending());
}

#[qtest]
#[ignore = "must fail"]
async fn task_and_thread_outlive_the_test(t: Test) {
    t.spawn(pending::<()>());
    qtests::thread::spawn(|| {
        loop {
            thread::park();
        }
    });
}

#[qtest(leaks = "strict")]
#[ignore = "must fail"]
async fn foreign_task_outlives_a_strict_test() {
    tokio::spawn(pending::<()>());
}

struct PanicsWhenDropped;

impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        panic!("a second panic");
    }
}

#[qtest]
#[ignore = "must fail"]
async fn destructor_panics_while_the_body_unwinds(t: Test) {
    t.defer(|| println!("undone"));
    let _guard = PanicsWhenDropped;
    panic!("a first panic");
}

#[qtest]
#[ignore = "must fail"]
async fn hook_is_replaced_and_the_body_panics() {
    std::panic::set_hook(Box::new(|_| {}));
    panic!("unheard");
}

#[qtest]
#[ignore = "must fail"]
async fn directory_is_kept(t: Test) {
    std::fs::write(t.dir().join("evidence"), "42").expect("the directory is writable");
    panic!("look at the evidence");
}

#[test]
#[ignore = "must fail"]
fn scope_finds_a_leak() {
    let t = Test::scoped();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let handle = t.spawn(pending::<()>());
        drop(handle);
    });
    // The runtime lives longer than the scope.
    drop(t);
    drop(runtime);
}

#[test]
#[ignore = "must fail"]
fn scope_is_dropped_while_unwinding() {
    let t = Test::scoped();
    t.defer(|| println!("undone"));
    panic!("the test itself");
}

#[test]
#[ignore = "must fail"]
fn task_of_a_foreign_runtime_panics() {
    let t = Test::scoped();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().expect("a runtime");
    let task = async { panic!("far away") };
    let joined = runtime.block_on(runtime.spawn(task.in_test()));
    assert!(joined.is_err());
    drop(t);
}

fn point(step: u32) -> Result<(), qtests::Injected> {
    fault_point!("failing.point", step = step)
}

#[qtest]
#[ignore = "must fail"]
fn fault_never_fires(t: Test) {
    t.fault("failing.point").nth(3).fail(io::ErrorKind::TimedOut).arm();
    assert!(point(1).is_ok());
}

#[qtest]
#[ignore = "must fail"]
fn fault_is_hit_on_a_thread_of_no_test_only(t: Test) {
    t.fault("failing.point").fail(io::ErrorKind::TimedOut).arm();
    let worker = thread::Builder::new().name("pool-7".to_owned()).spawn(|| point(1).is_ok());
    assert!(worker.expect("a thread").join().expect("it returns"));
}

#[qtest]
#[ignore = "must fail"]
fn fault_has_an_unknown_name(t: Test) {
    t.fault("failing.piont").hang().arm();
}

#[qtest]
#[ignore = "must fail"]
fn fault_never_fires_and_the_body_panics(t: Test) {
    t.fault("failing.point").hang().arm();
    panic!("the body comes first");
}

#[mockall::automock]
trait Mailer: Send + Sync {
    fn send(&self, to: &str);
}

struct RealMailer;

impl Mailer for RealMailer {
    fn send(&self, _: &str) {}
}

seam! {
    MAILER: dyn Mailer = RealMailer;
}

fn expecting_one_mail() -> Arc<MockMailer> {
    let mut mailer = MockMailer::new();
    mailer.expect_send().times(1).return_const(());
    Arc::new(mailer)
}

#[qtest]
#[ignore = "must fail"]
async fn mock_is_not_called(t: Test) {
    t.mock(&MAILER, expecting_one_mail());
}

#[qtest]
#[ignore = "must fail"]
async fn mock_is_not_called_and_the_body_panics(t: Test) {
    t.mock(&MAILER, expecting_one_mail()).on_restore(|| println!("restored"));
    panic!("the body comes first");
}

#[qtest]
#[ignore = "must fail"]
async fn mock_is_called_too_often_in_a_task(t: Test) {
    t.mock(&MAILER, expecting_one_mail());
    let send = || MAILER.get().send("a@example.org");
    send();
    let _ = tokio::spawn(async move { send() }).await;
}

#[qtest]
#[ignore = "must fail"]
async fn mock_is_held_by_somebody_else(t: Test) {
    static KEPT: std::sync::Mutex<Option<Arc<MockMailer>>> = std::sync::Mutex::new(None);
    let mailer = expecting_one_mail();
    *KEPT.lock().expect("nobody panics with it") = Some(Arc::clone(&mailer));
    t.mock(&MAILER, mailer);
}

#[qtest]
#[ignore = "must fail"]
fn mock_stack_is_full(t: Test) {
    for _ in 0..=qtests::mock::MOCK_LIMIT {
        t.mock(&MAILER, Arc::new(RealMailer));
    }
}

#[qtest(timeout = "100ms")]
#[ignore = "must fail"]
async fn body_never_ends_and_its_mock_is_restored(t: Test) {
    t.mock(&MAILER, Arc::new(RealMailer)).on_restore(|| println!("restored"));
    pending::<()>().await;
}

#[qtest(paused)]
#[ignore = "must fail"]
async fn proxy_meets_a_paused_clock(t: Test) -> Result<(), Box<dyn Error>> {
    t.proxy("127.0.0.1:1").await?;
    Ok(())
}

#[qtest]
#[ignore = "must fail"]
async fn toxic_meets_no_traffic(t: Test) -> Result<(), Box<dyn Error>> {
    let server = t.listener()?;
    let wire = t.proxy(server.local_addr()?).await?;
    wire.add(Latency::of(Duration::from_millis(5))).await?;
    Ok(())
}

#[qtest(paused)]
#[ignore = "must fail"]
async fn objective_is_violated(t: Test) -> Result<(), Box<dyn Error>> {
    let run = t.load("quote").rate(Rate::per_sec(100)).hold(Duration::from_secs(20));
    let run = run
        .run((), |()| async {
            tokio::time::sleep(Duration::from_millis(80)).await;
            Ok::<_, io::Error>(())
        })
        .await?;
    run.assert(Slo::p99(Duration::from_millis(50)).error_rate(0.01));
    Ok(())
}

#[qtest]
#[ignore = "must fail"]
async fn teardown_panics_twice(t: Test) {
    t.defer(|| println!("the rest is undone"));
    t.defer(|| {
        let _guard = PanicsWhenDropped;
        panic!("a first panic");
    });
}

#[qtest(timeout = "100ms")]
#[ignore = "must fail"]
async fn body_is_busy_for_ever(t: Test) {
    t.defer(|| println!("undone"));
    let (send, mut receive) = tokio::sync::mpsc::channel(1);
    loop {
        send.send(()).await.expect("the receiver lives");
        receive.recv().await;
    }
}

#[qtest(timeout = "100ms")]
#[ignore = "must fail"]
async fn guard_of_the_body_panics_when_it_is_cut() {
    let _guard = PanicsWhenDropped;
    pending::<()>().await;
}

#[qtest(timeout = "100ms")]
#[ignore = "must fail"]
fn sync_body_waits_for_ever(t: Test) {
    let test = t.clone();
    t.defer(move || test.block_on(async { println!("a teardown can wait all the same") }));
    let _guard = scopeguard::guard((), |()| println!("its guards run"));
    t.block_on(pending::<()>());
}

#[qtest]
#[ignore = "must fail"]
async fn guarded_mock_is_not_called_and_the_body_panics(t: Test) {
    let _guard = t.mock_scoped(&MAILER, expecting_one_mail());
    panic!("the body comes first");
}

#[qtest(timeout = "100ms", teardown_timeout = "100ms")]
#[ignore = "must fail"]
async fn drop_of_the_body_hangs_and_the_rest_is_cancelled(t: Test) {
    let test = t.clone();
    t.defer(move || println!("cancelled: {}", test.is_cancelled()));
    let _guard = scopeguard::guard((), |()| {
        loop {
            thread::park();
        }
    });
    pending::<()>().await;
}

#[qtest]
#[ignore = "must fail"]
async fn load_scenario_panics_twice(t: Test) -> Result<(), Box<dyn Error>> {
    let run = t.load("bomb").rate(Rate::per_sec(100)).hold(Duration::from_millis(100));
    run.run((), |()| async {
        let _guard = PanicsWhenDropped;
        if true {
            panic!("a first panic");
        }
        Ok::<(), String>(())
    })
    .await?;
    Ok(())
}

#[qtest]
#[ignore = "must fail"]
async fn service_cuts_accepted_requests_off(t: Test) {
    use qtests::harness::{Verdict, shutdown::ShutdownProperty};
    let verdict = Verdict::Broken("of 8 requests that were accepted before SIGTERM 3 failed".to_owned());
    ShutdownProperty::AcceptedIsAnswered.assert(&t, &verdict);
}

#[qtest]
#[ignore = "must fail"]
async fn timeline_is_longer_than_the_test(t: Test) {
    let slow = t.fault("failing.point").delay(Duration::from_millis(10));
    t.timeline().between(Duration::from_secs(3_600), Duration::from_secs(7_200), slow).start();
}
