//! Tests that must fail, each in one way. They are ignored here; `it/failing.rs` runs each as a child and compares what
//! it prints.
#![cfg(feature = "macros")]

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

struct ReturnsAnError;

impl Fixture for ReturnsAnError {
    async fn set_up(t: &Test) -> Result<Self, BoxError> {
        t.defer(|| println!("what was made before is undone"));
        Err(io::Error::new(io::ErrorKind::NotFound, "no database at 127.0.0.1").into())
    }
}

struct NeedsOneThatFails;

impl Fixture for NeedsOneThatFails {
    async fn set_up(t: &Test) -> Result<Self, BoxError> {
        t.fixture::<ReturnsAnError>().await?;
        Ok(Self)
    }
}

struct Panics;

impl Fixture for Panics {
    async fn set_up(_: &Test) -> Result<Self, BoxError> {
        panic!("the port is taken");
    }
}

struct Hangs;

impl Fixture for Hangs {
    async fn set_up(t: &Test) -> Result<Self, BoxError> {
        t.defer(|| println!("what was made before is undone"));
        pending().await
    }
}

struct NeedsItself;

impl Fixture for NeedsItself {
    async fn set_up(t: &Test) -> Result<Self, BoxError> {
        Box::pin(t.fixture::<NeedsItselfToo>()).await.map(|_| Self).map_err(Into::into)
    }
}

struct NeedsItselfToo;

impl Fixture for NeedsItselfToo {
    async fn set_up(t: &Test) -> Result<Self, BoxError> {
        t.fixture::<NeedsItself>().await.map(|_| Self).map_err(Into::into)
    }
}

#[qtest]
#[ignore = "must fail"]
async fn fixture_returns_an_error(_fixture: NeedsOneThatFails) {
    println!("the body must not run");
}

#[qtest]
#[ignore = "must fail"]
#[should_panic]
async fn fixture_panics(_fixture: Panics) {
    println!("the body must not run");
}

#[qtest(timeout = "100ms")]
#[ignore = "must fail"]
fn fixture_hangs(_fixture: Hangs) {
    println!("the body must not run");
}

#[qtest]
#[ignore = "must fail"]
async fn fixture_needs_itself(_fixture: NeedsItself) {}

#[qtest]
#[ignore = "must fail"]
async fn shared_fixture_panics(_fixture: Shared<Panics>) {}

#[qtest]
#[ignore = "must fail"]
async fn shared_fixture_needs_itself(_fixture: Shared<NeedsItsOwnShare>) {}

struct NeedsItsOwnShare;

impl Fixture for NeedsItsOwnShare {
    async fn set_up(t: &Test) -> Result<Self, BoxError> {
        Box::pin(t.fixture::<Shared<Self>>()).await.map(|_| Self).map_err(Into::into)
    }
}

#[qtest(retries = 1)]
#[ignore = "must fail"]
async fn fails_each_time_it_is_tried() {
    panic!("the service is gone");
}

#[qtest(isolate = "process")]
#[ignore = "must fail"]
async fn isolated_body_panics(t: Test) {
    println!("printed by the child");
    t.note("in the journal of the child");
    panic!("alone");
}

#[qtest(isolate = "process")]
#[ignore = "must fail"]
async fn isolated_process_aborts() {
    println!("printed before the end");
    std::process::abort();
}

#[qtest(isolate = "process", timeout = "100ms")]
#[ignore = "must fail"]
async fn isolated_body_blocks_its_thread() {
    loop {
        thread::park();
    }
}

#[qtest]
#[ignore = "must fail"]
async fn environment_is_changed_beside_other_tests(t: Test) {
    t.env("LANG", "C");
}

/// A daemon in a session of its own, whose parent ends at once.
fn start_daemon() {
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "setsid sleep 600 </dev/null >/dev/null 2>&1 &"]);
    assert!(command.status().expect("sh starts").success());
}

#[qtest(isolate = "process", leaks = "strict")]
#[ignore = "must fail"]
async fn isolated_test_leaves_a_daemon_a_thread_and_a_file(t: Test) {
    start_daemon();
    let path = t.dir().join("file");
    std::mem::forget(std::fs::File::create(path).expect("the directory is writable"));
    thread::Builder::new()
        .name("straggler".to_owned())
        .spawn(|| {
            loop {
                thread::park();
            }
        })
        .expect("a thread starts");
}

#[qtest(leaks = "strict")]
#[ignore = "must fail"]
async fn strict_test_leaves_a_child_that_runs_and_one_that_nobody_awaits() {
    let start = |text| std::process::Command::new("sh").args(["-c", text]).spawn().expect("sh starts");
    start("exec sleep 600");
    let ended = start("exec true");
    let stat = format!("/proc/{}/stat", ended.id());
    while !std::fs::read_to_string(&stat).expect("it is not awaited").contains(") Z ") {
        tokio::task::yield_now().await;
    }
}

#[qtest(timeout = "2s", workers = 2)]
#[ignore = "must fail"]
async fn tasks_wait_for_each_other_for_ever() {
    let (left, right) = (Arc::new(tokio::sync::Mutex::new(())), Arc::new(tokio::sync::Mutex::new(())));
    let both = Arc::new(tokio::sync::Barrier::new(2));
    let take = |first: Arc<tokio::sync::Mutex<()>>, second: Arc<tokio::sync::Mutex<()>>| {
        let both = Arc::clone(&both);
        tokio::spawn(async move {
            let _first = first.lock().await;
            both.wait().await;
            let _second = second.lock().await;
        })
    };
    let tasks = [take(Arc::clone(&left), Arc::clone(&right)), take(right, left)];
    for task in tasks {
        task.await.expect("it does not panic");
    }
}

#[cfg(feature = "tracing")]
mod logged {
    use qtests::logs::Level;
    use tracing::{debug, error, info, info_span, trace, warn};

    pub(super) fn shop() {
        info_span!("checkout", order = 7).in_scope(|| {
            info!(target: "shop::cart", items = 2, "placed");
            warn!(target: "shop::payment", by = "card", "the gateway answered late");
        });
        trace!(target: "shop::cart", "polled");
        debug!(target: "shop::mail", "sent\nto two people");
    }

    pub(super) fn on_a_thread_of_no_test() {
        let log = || error!(target: "shop::payment", "declined");
        let worker = std::thread::Builder::new().name("pool-7".to_owned()).spawn(log);
        worker.expect("a thread").join().expect("it returns");
    }

    pub(super) const ERROR: Level = Level::ERROR;
    pub(super) const INFO: Level = Level::INFO;
}

#[cfg(feature = "tracing")]
#[qtest]
#[ignore = "must fail"]
fn log_holds_what_is_wanted_and_what_is_not() {
    logged::shop();
    (0..3).for_each(|_| tracing::info!(target: "shop::cart", "asked again"));
    panic!("look at the log");
}

#[cfg(feature = "tracing")]
#[qtest]
#[ignore = "must fail"]
fn log_has_no_such_line(t: Test) {
    logged::shop();
    (0..10).for_each(|number| tracing::info!(target: "shop::stock", number, "counted"));
    t.logs().level(logged::ERROR).target("shop::payment").field("order", 7).assert_any();
}

#[cfg(feature = "tracing")]
#[qtest]
#[ignore = "must fail"]
fn log_has_such_a_line_on_a_thread_of_no_test(t: Test) {
    logged::on_a_thread_of_no_test();
    t.logs().level(logged::ERROR).containing("declined").assert_any();
}

#[cfg(feature = "tracing")]
#[qtest]
#[ignore = "must fail"]
fn log_has_lines_that_must_not_be(t: Test) {
    logged::shop();
    (0..10).for_each(|number| tracing::error!(target: "shop::stock", number, "sold out"));
    t.logs().level(logged::INFO).assert_none();
}

#[cfg(feature = "tracing")]
#[qtest]
#[ignore = "must fail"]
fn log_is_too_long_to_be_sure(t: Test) {
    (0..10_017).for_each(|number| tracing::info!(target: "shop::stock", number, "counted"));
    t.logs().level(logged::ERROR).assert_none();
}

#[cfg(feature = "tracing")]
#[qtest(timeout = "100ms")]
#[ignore = "must fail"]
async fn log_never_has_the_line_that_is_awaited(t: Test) {
    t.logs().target("shop").level(logged::ERROR).wait().await;
}

#[cfg(feature = "metrics")]
#[qtest]
#[ignore = "must fail"]
fn counter_has_another_value(t: Test) {
    metrics::counter!("orders.placed", "kind" => "card").increment(2);
    metrics::counter!("orders.placed", "kind" => "cash").increment(1);
    metrics::histogram!("orders.cents").record(1_999.0);
    t.metrics().counter("orders.placed").label("kind", "card").assert_value(3);
}

#[cfg(feature = "metrics")]
#[qtest]
#[ignore = "must fail"]
fn counter_has_a_wrong_name(t: Test) {
    metrics::counter!("orders.placed", "kind" => "card").increment(2);
    metrics::gauge!("orders.open").set(7.0);
    t.metrics().counter("order.placed").assert_value(2);
}
