//! Faults: when they fire, what they do, and what is refused.

use qtests::{
    Injected, Test,
    fault::{self, Value},
    fault_point, pause_point,
    plan::FaultPlan,
    prelude::*,
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};

fn sync_point() -> Result<(), Injected> {
    fault_point!("it.sync")
}

async fn async_point() -> Result<(), Injected> {
    fault_point!(async "it.async")
}

fn keyed(key: &str, amount: u64) -> Result<(), Injected> {
    fault_point!("it.keyed", key = key, amount = amount)
}

#[derive(Debug, PartialEq)]
enum ShopError {
    Declined(u32),
    Io(io::ErrorKind),
}

fn mapped() -> Result<(), ShopError> {
    fault_point!("it.mapped", |injected| match injected.downcast::<ShopError>() {
        Ok(error) => error,
        Err(injected) => ShopError::Io(injected.kind()),
    })
}

fn pause() {
    pause_point!("it.pause", step = 1);
}

/// At which of eight hits the point fails.
fn failing_hits() -> Vec<usize> {
    (1..=8).filter(|_| sync_point().is_err()).collect()
}

#[qtest]
async fn without_a_fault_nothing_happens() {
    assert!(sync_point().is_ok() && async_point().await.is_ok() && mapped().is_ok());
    pause();
}

#[qtest]
fn triggers_combine_in_the_order_in_which_they_are_written(t: Test) {
    let armed = t.fault("it.sync").after(2).first(3).fail(io::ErrorKind::Other).arm();
    assert_eq!((1..=8).map(|_| sync_point().is_err()).filter(|failed| *failed).count(), 3);
    assert_eq!((armed.hits(), armed.fired()), (8, 3));
    armed.disarm();
    let _armed = t.fault("it.sync").first(3).after(2).fail(io::ErrorKind::Other).arm();
    assert_eq!(failing_hits(), [3]);
}

#[qtest]
fn predicates_and_keys_see_the_arguments(t: Test) {
    let large = t.fault("it.keyed").when(|hit| hit.int("amount") > Some(100)).fail(io::ErrorKind::Other).arm();
    let mine = t.fault("it.keyed").key("mine").fail(io::ErrorKind::TimedOut).arm();
    assert!(keyed("other", 5).is_ok());
    assert_eq!(keyed("other", 500).unwrap_err().kind(), io::ErrorKind::Other);
    assert_eq!(keyed("mine", 5).unwrap_err().kind(), io::ErrorKind::TimedOut);
    assert_eq!((large.fired(), mine.fired()), (1, 1));
}

#[qtest]
fn a_callback_sees_the_hit(t: Test) {
    let seen = Arc::new(AtomicU64::new(0));
    let sum = Arc::clone(&seen);
    let _fault = t
        .fault("it.keyed")
        .call(move |hit| {
            assert_eq!(hit.get("key"), Some(Value::Str("k")));
            sum.fetch_add(hit.number(), SeqCst);
        })
        .arm();
    (0..3).for_each(|_| keyed("k", 1).unwrap());
    assert_eq!(seen.load(SeqCst), 6);
}

#[qtest]
fn an_error_carries_kind_text_or_a_value(t: Test) {
    let kind = t.fault("it.mapped").first(1).fail(io::ErrorKind::StorageFull).arm();
    assert_eq!(mapped(), Err(ShopError::Io(io::ErrorKind::StorageFull)));
    kind.disarm();
    let _value = t.fault("it.mapped").fail_with(|| ShopError::Declined(7)).arm();
    assert_eq!(mapped(), Err(ShopError::Declined(7)));
    let _text = t.fault("it.sync").fail_saying(io::ErrorKind::TimedOut, "the disk sleeps").arm();
    let error = io::Error::from(sync_point().unwrap_err());
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (io::ErrorKind::TimedOut, "the disk sleeps (injected at `it.sync`)")
    );
}

#[qtest(paused)]
async fn a_delay_passes_on_the_clock_of_the_test(t: Test) {
    let _slow = t.fault("it.async").delay(Duration::from_secs(3)).fail(io::ErrorKind::TimedOut).arm();
    let began = tokio::time::Instant::now();
    assert!(async_point().await.is_err());
    assert_eq!(began.elapsed().as_secs(), 3);
}

#[qtest(paused)]
async fn a_fault_until_a_time_heals(t: Test) {
    let _down = t.fault("it.async").until(Duration::from_secs(5)).fail(io::ErrorKind::ConnectionRefused).arm();
    assert!(async_point().await.is_err());
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert!(async_point().await.is_ok());
}

#[qtest]
async fn a_hang_never_comes_back(t: Test) {
    let hang = t.fault("it.async").hang().arm();
    let task = tokio::spawn(async_point());
    hang.wait_reached().await;
    assert!(!task.is_finished());
    task.abort();
}

#[qtest]
async fn held_code_waits_and_is_let_go_one_by_one_or_all_at_once(t: Test) {
    let hold = t.fault("it.async").hold().arm();
    let tasks: Vec<_> = (0..3).map(|_| t.spawn(async_point())).collect();
    hold.wait_fired(3).await;
    assert!(tasks.iter().all(|task| !task.is_finished()));
    hold.release_one();
    while !tasks.iter().any(|task| task.is_finished()) {
        tokio::task::yield_now().await;
    }
    assert_eq!(tasks.iter().filter(|task| task.is_finished()).count(), 1);
    hold.release();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
}

#[qtest]
async fn a_held_thread_waits_at_a_pause_point(t: Test) {
    let hold = t.fault("it.pause").hold().arm();
    let passed = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&passed);
    let held = tokio::task::spawn_blocking(move || {
        pause();
        count.fetch_add(1, SeqCst)
    });
    hold.wait_reached().await;
    // The thread has to get to the gate and must not get beyond it: it is given the time to be wrong.
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(passed.load(SeqCst), 0);
    hold.release();
    held.await.unwrap();
    assert_eq!(passed.load(SeqCst), 1);
}

#[qtest]
async fn threads_that_hang_or_are_held_are_let_go_when_the_test_ends(t: Test) {
    let hang = t.fault("it.sync").hang().arm();
    let hold = t.fault("it.pause").hold().arm();
    let hanging = qtests::thread::spawn(sync_point);
    let held = qtests::thread::spawn(pause);
    hang.wait_reached().await;
    hold.wait_reached().await;
    t.defer(move || {
        let error = hanging.join().unwrap().unwrap_err();
        assert!(error.to_string().starts_with("the hang ended with its test"), "{error}");
        held.join().unwrap();
    });
}

#[qtest]
async fn an_injected_panic_is_no_failure_of_the_test(t: Test) {
    let _panic = t.fault("it.async").panic("power cut").arm();
    let joined = tokio::spawn(async_point()).await;
    assert!(joined.unwrap_err().is_panic());
    assert!(t.journal().iter().any(|line| line.contains("injected a panic: power cut (injected at `it.async`)")));
}

#[qtest]
fn faults_at_one_point_are_asked_in_order_and_the_first_that_ends_it_wins(t: Test) {
    let slow = t.fault("it.sync").delay(Duration::from_millis(1)).arm();
    let first = t.fault("it.sync").first(1).fail(io::ErrorKind::TimedOut).arm();
    let second = t.fault("it.sync").fail(io::ErrorKind::NotFound).arm();
    assert_eq!(sync_point().unwrap_err().kind(), io::ErrorKind::TimedOut);
    assert_eq!(sync_point().unwrap_err().kind(), io::ErrorKind::NotFound);
    assert_eq!((slow.fired(), first.fired(), second.fired()), (2, 1, 1));
}

#[qtest(seed = 5)]
fn a_probability_repeats_with_the_seed(t: Test) {
    let draw = || {
        let fault = t.fault("it.keyed").probability(0.5).fail(io::ErrorKind::Other).arm();
        let failed: Vec<bool> = (0..64).map(|_| keyed("k", 0).is_err()).collect();
        fault.disarm();
        failed
    };
    let first = draw();
    assert_eq!(first, draw());
    assert!(first.contains(&true) && first.contains(&false));
}

#[test]
fn unknown_names_and_nonsense_are_refused_with_the_cure() {
    let t = Test::scoped();
    let refused = |builder: qtests::fault::FaultBuilder| builder.try_arm().unwrap_err();
    let unknown = refused(t.fault("it.snyc").fail(io::ErrorKind::Other));
    assert!(unknown.is_unknown_name());
    assert!(unknown.to_string().contains("did you mean `it.sync`?"), "{unknown}");
    let far = refused(t.fault("zzzzzzzzzzzz").fail(io::ErrorKind::Other)).to_string();
    assert!(far.contains("the points of this binary are") && far.contains("Payments.charge"), "{far}");
    let pause = refused(t.fault("it.pause").fail(io::ErrorKind::Other));
    assert!(pause.is_invalid() && pause.to_string().contains("tests/it/fault.rs"), "{pause}");
    for (builder, culprit) in [
        (t.fault("it.sync").first(0).fail(io::ErrorKind::Other), "`first 0` never fires"),
        (t.fault("it.sync").every(0).fail(io::ErrorKind::Other), "`every 0` never fires"),
        (t.fault("it.sync").probability(1.5).fail(io::ErrorKind::Other), "`probability 1.5` is no probability"),
        (t.fault("it.sync").probability(f64::NAN).fail(io::ErrorKind::Other), "`probability NaN` is no probability"),
        (t.fault("it.sync").first(1), "does nothing: say what it does with .fail(..)"),
    ] {
        let error = refused(builder);
        assert!(error.is_invalid() && error.to_string().contains(culprit), "{error}");
    }
}

#[test]
fn arming_an_unknown_name_panics_at_the_line_of_the_test() {
    let t = Test::scoped();
    let panic = catch_unwind(AssertUnwindSafe(|| t.fault("it.nothing").hang().arm())).unwrap_err();
    // Where it is told is in the transcript of `fault_has_an_unknown_name`.
    assert!(panic.downcast_ref::<String>().unwrap().contains("there is no fault point `it.nothing`"));
}

#[test]
fn all_points_of_the_binary_are_listed() {
    let points: Vec<_> = fault::points().into_iter().filter(|site| site.name().starts_with("it.")).collect();
    let names: Vec<_> = points.iter().map(|site| site.name()).collect();
    assert_eq!(names, ["it.async", "it.keyed", "it.locked", "it.mapped", "it.pause", "it.sync"]);
    assert!(points.iter().all(|site| site.file().ends_with("fault.rs") && site.line() > 0));
}

const PLAN: &str = r#"{ "faults": [
    { "point": "it.sync", "when": [{ "after": 1 }, { "first": 2 }], "then": [{ "fail": { "kind": "timed_out" } }] },
    { "point": "it.async", "then": [{ "delay": "1.5s" }, "hang"], "optional": true }
] }"#;

#[qtest]
fn a_plan_is_armed_from_data(t: Test) {
    let active = t.arm(&FaultPlan::from_json(PLAN).unwrap());
    assert_eq!(active.len(), 2);
    assert_eq!((1..=4).map(|_| sync_point().is_err()).collect::<Vec<_>>(), [false, true, true, false]);
}

#[test]
fn a_plan_is_written_and_read_in_several_formats() {
    let plan = FaultPlan::from_json(PLAN).unwrap();
    let written = plan.to_json().unwrap();
    assert_eq!(FaultPlan::from_json(&written).unwrap().to_json().unwrap(), written);
    let toml = toml::to_string(&plan).unwrap();
    assert_eq!(toml::from_str::<FaultPlan>(&toml).unwrap().to_json().unwrap(), written);
}

#[test]
fn a_plan_that_does_not_parse_names_the_place_and_the_cure() {
    for (text, culprit) in [
        ("{", "EOF while parsing an object at line 1 column 1"),
        (r#"{"fault": []}"#, "unknown field `fault`, expected one of `faults`, `wires`"),
        (
            r#"{"faults": [{"point": "p", "then": [], "wen": []}]}"#,
            "unknown field `wen`, expected one of `point`, `when`",
        ),
        (r#"{"faults": [{"point": "p", "then": ["hagn"]}]}"#, "unknown variant `hagn`, expected one of"),
        (
            r#"{"faults": [{"point": "p", "then": [{"delay": "5"}]}]}"#,
            "\"5\" is not a duration: write a number with a unit",
        ),
        (
            r#"{"faults": [{"point": "p", "then": [{"fail": {"kind": "timed_ot"}}]}]}"#,
            "unknown error kind `timed_ot`: did you mean timed_out?",
        ),
    ] {
        let error = FaultPlan::from_json(text).unwrap_err();
        assert!(error.is_invalid() && error.to_string().contains(culprit), "{error}");
    }
}

#[test]
fn a_plan_with_a_closure_cannot_be_written() {
    let t = Test::scoped();
    let plan = FaultPlan { faults: vec![t.fault("it.sync").when(|_| true).hang().spec()], ..FaultPlan::default() };
    assert!(plan.to_json().unwrap_err().is_invalid());
}

#[test]
fn a_plan_is_armed_whole_or_not_at_all() {
    let t = Test::scoped();
    let text = r#"{"faults": [{"point": "it.sync", "then": ["hang"]}, {"point": "it.none", "then": ["hang"]}]}"#;
    let error = t.try_arm(&FaultPlan::from_json(text).unwrap()).unwrap_err();
    assert!(error.is_unknown_name());
    assert!(sync_point().is_ok(), "the first fault of the plan is in force");
}

#[tokio::test]
async fn a_fault_that_never_fired_fails_a_scope_and_an_optional_one_does_not() {
    let t = Test::scoped();
    t.fault("it.sync").fail(io::ErrorKind::Other).optional().arm();
    assert!(t.finish().await.passed());
    let t = Test::scoped();
    t.fault("it.sync").fail(io::ErrorKind::Other).arm();
    let verdict = t.finish().await;
    assert!(verdict.report().unwrap().contains("never fired: its point was never hit"), "{verdict}");
    let t = Test::scoped();
    t.fault("it.sync").probability(0.0).fail(io::ErrorKind::Other).arm();
    assert!(sync_point().is_ok());
    let verdict = t.finish().await;
    assert!(verdict.passed(), "a draw was made: {verdict}");
}

#[test]
fn a_fault_lets_go_of_its_closures_when_its_test_ends() {
    let held = Arc::new(());
    let t = Test::scoped();
    let (test, inner) = (Test::clone(&t), Arc::clone(&held));
    let fault = t.fault("it.sync").when(|_| true).call(move |_| test.note(format!("{inner:?}"))).arm();
    sync_point().unwrap();
    drop(t);
    assert_eq!((Arc::strong_count(&held), fault.fired()), (1, 1));
}

#[qtest]
async fn a_task_that_hangs_ends_with_its_test(t: Test) {
    let hang = t.fault("it.async").hang().arm();
    let task = t.spawn(async_point());
    hang.wait_reached().await;
    t.defer_async(async move {
        let error = task.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Interrupted);
    });
}

#[qtest]
fn a_point_lets_go_of_what_its_fields_borrow_before_it_waits(t: Test) {
    let key = std::sync::Mutex::new("k".to_owned());
    let _slow = t.fault("it.locked").hold().arm();
    std::thread::scope(|threads| {
        let waits = threads.spawn(qtests::bind(|| fault_point!("it.locked", key = *key.lock().unwrap()).is_ok()));
        t.block_on(_slow.wait_reached());
        drop(key.lock().unwrap());
        _slow.release();
        assert!(waits.join().unwrap());
    });
}

#[test]
fn faults_end_with_their_test() {
    let t = Test::scoped();
    let fault = t.fault("it.sync").fail(io::ErrorKind::Other).arm();
    assert!(sync_point().is_err());
    drop(t);
    assert!(sync_point().is_ok());
    assert_eq!((fault.hits(), fault.fired()), (1, 1));
}
