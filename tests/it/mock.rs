//! Mock stacks: who sees them, how they are taken down, and what is verified.

use qtests::{
    Test,
    mock::{MOCK_LIMIT, Overflow},
    prelude::*,
    seam,
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

#[mockall::automock]
trait Repo: Send + Sync {
    fn get(&self, key: u32) -> u32;
}

struct Real;

impl Repo for Real {
    fn get(&self, key: u32) -> u32 {
        key
    }
}

struct Fixed(u32);

impl Repo for Fixed {
    fn get(&self, _: u32) -> u32 {
        self.0
    }
}

seam! {
    REPO: dyn Repo = Real;
    NAME_OF: fn(&str, usize) -> String = |name, length| name[..length].to_owned();
}

fn get() -> u32 {
    REPO.get().get(1)
}

fn expecting(times: usize) -> MockRepo {
    let mut mock = MockRepo::new();
    mock.expect_get().times(times).returning(|key| key + 100);
    mock
}

#[qtest]
async fn a_mock_is_seen_by_all_of_its_test(t: Test) {
    assert_eq!(get(), 1);
    t.mock(&REPO, Arc::new(Fixed(7)));
    assert_eq!(get(), 7);
    assert_eq!(tokio::spawn(async { get() }).await.unwrap(), 7);
    assert_eq!(tokio::task::spawn_blocking(get).await.unwrap(), 7);
    assert_eq!(std::thread::spawn(get).join().unwrap(), if std::env::var_os("NEXTEST").is_some() { 7 } else { 1 });
}

#[qtest]
fn functions_are_mocked_by_closures(t: Test) {
    assert_eq!(NAME_OF.get()("order", 3), "ord");
    t.mock(&NAME_OF, Arc::new(|name: &str, length: usize| format!("{name}:{length}")));
    assert_eq!(NAME_OF.get()("order", 3), "order:3");
}

#[qtest]
fn the_latest_mock_wins_and_guards_pop_in_any_order(t: Test) {
    t.mock(&REPO, Arc::new(Fixed(10)));
    let middle = t.mock_scoped(&REPO, Arc::new(Fixed(20)));
    let top = t.mock_scoped(&REPO, Arc::new(Fixed(30)));
    assert_eq!(get(), 30);
    drop(middle);
    assert_eq!(get(), 30);
    drop(top);
    assert_eq!(get(), 10);
    t.mock_scoped(&REPO, Arc::new(Fixed(40))).keep();
    assert_eq!(get(), 40);
}

#[test]
fn restore_closures_run_once_in_reverse_order() {
    let order = Arc::new(Mutex::new(Vec::new()));
    let took = |step: &'static str| {
        let order = Arc::clone(&order);
        move || order.lock().unwrap().push(step)
    };
    let t = Test::scoped();
    t.mock(&REPO, Arc::new(Fixed(1))).on_restore(took("first"));
    t.mock(&REPO, Arc::new(Fixed(2))).on_restore(took("second, inner")).on_restore(took("second, outer"));
    drop(t.mock_scoped(&REPO, Arc::new(Fixed(3))).on_restore(took("guard")));
    drop(t);
    assert_eq!(*order.lock().unwrap(), ["guard", "second, outer", "second, inner", "first"]);
    assert_eq!(get(), 1);
}

#[test]
fn restore_closures_run_once_when_the_body_panics() {
    let restored = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&restored);
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        let t = Test::scoped();
        t.mock(&REPO, Arc::new(Fixed(1))).on_restore(move || _ = count.fetch_add(1, SeqCst));
        std::panic::resume_unwind(Box::new(()));
    }));
    assert!(unwound.is_err());
    assert_eq!(restored.load(SeqCst), 1);
}

#[tokio::test]
async fn a_panicking_restore_closure_is_reported_and_the_rest_runs() {
    let restored = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&restored);
    let t = Test::scoped();
    t.mock(&REPO, Arc::new(Fixed(1))).on_restore(move || _ = count.fetch_add(1, SeqCst));
    t.mock(&REPO, Arc::new(Fixed(2))).on_restore(|| panic!("cannot restore"));
    let verdict = t.finish().await;
    let report = verdict.report().unwrap();
    assert!(report.contains("a restore closure of the mock of `REPO` pushed at tests/it/mock.rs"), "{report}");
    assert!(report.contains("cannot restore"), "{report}");
    assert_eq!(restored.load(SeqCst), 1);
}

#[test]
fn a_full_stack_refuses_and_names_the_places() {
    let t = Test::scoped();
    let guards: Vec<_> = (0..MOCK_LIMIT).map(|_| t.mock_scoped(&REPO, Arc::new(Fixed(1)))).collect();
    let error = t.try_mock(&NAME_OF, Arc::new(|_: &str, _: usize| String::new())).unwrap_err();
    assert!(error.is_limit());
    let text = error.to_string();
    assert!(text.contains("1000 of them are the mock of `REPO` pushed at tests/it/mock.rs"), "{text}");
    assert!(text.contains("cannot take the mock of `NAME_OF` pushed at tests/it/mock.rs"), "{text}");
    drop(guards);
    assert!(t.try_mock(&REPO, Arc::new(Fixed(2))).is_ok());
}

#[test]
fn a_full_stack_evicts_the_oldest_with_its_restore_when_asked_to() {
    let order = Arc::new(Mutex::new(Vec::new()));
    let t = Test::scoped();
    t.mock_overflow(Overflow::EvictOldest);
    for number in 0..MOCK_LIMIT + 3 {
        let order = Arc::clone(&order);
        t.mock(&REPO, Arc::new(Fixed(number as u32))).on_restore(move || order.lock().unwrap().push(number));
    }
    assert_eq!(*order.lock().unwrap(), [0, 1, 2]);
    assert_eq!(get(), MOCK_LIMIT as u32 + 2);
    drop(t);
    let expected: Vec<usize> = [0, 1, 2].into_iter().chain((3..MOCK_LIMIT + 3).rev()).collect();
    assert_eq!(*order.lock().unwrap(), expected);
}

#[qtest]
async fn a_satisfied_mock_is_verified(t: Test) {
    t.mock(&REPO, Arc::new(expecting(2)));
    assert_eq!(tokio::spawn(async { get() }).await.unwrap(), 101);
    assert_eq!(get(), 101);
}

#[tokio::test]
async fn an_unmet_mock_fails_the_scope() {
    let t = Test::scoped();
    t.mock(&REPO, Arc::new(expecting(2)));
    assert_eq!(get(), 101);
    let report = t.finish().await.report().unwrap().to_owned();
    assert!(report.contains("the mock of `REPO` pushed at tests/it/mock.rs"), "{report}");
    assert!(report.contains("is not satisfied: MockRepo::get: Expectation(<anything>) called 1 time(s)"), "{report}");
}

#[tokio::test]
async fn a_guarded_mock_is_verified_when_popped_without_a_panic() {
    let t = Test::scoped();
    drop(t.mock_scoped(&REPO, Arc::new(expecting(1))));
    assert_eq!(get(), 1);
    let report = t.finish().await.report().unwrap().to_owned();
    assert!(report.contains("is not satisfied"), "{report}");
}

#[tokio::test]
async fn a_mock_that_somebody_else_holds_is_not_verified_and_said_so() {
    let mock = Arc::new(expecting(1));
    let t = Test::scoped();
    t.mock(&REPO, Arc::clone(&mock) as Arc<dyn Repo>);
    assert_eq!(get(), 101);
    let report = t.finish().await.report().unwrap().to_owned();
    assert!(report.contains("is not verified: 1 other owner(s) still hold it"), "{report}");
    drop(mock);
}

#[test]
fn a_mock_is_refused_when_the_test_is_over() {
    let scoped = Test::scoped();
    let t = Test::clone(&scoped);
    drop(scoped);
    assert!(t.try_mock(&REPO, Arc::new(Fixed(1))).unwrap_err().is_ended());
}
