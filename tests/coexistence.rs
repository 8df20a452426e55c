//! qtests beside other crates for tests, in one binary and in parallel: rstest, test-case, proptest, serial_test, sqlx
//! and `#[tokio::test]`. Whatever of theirs runs, each test sees its own faults and mocks, a test that asked for none sees
//! the real thing, and neither side disturbs the other's panics, runtimes and attributes. `docs/with-other-crates.md`
//! says what to write.

use proptest::{
    prelude::*,
    test_runner::{TestError, TestRunner},
};
use qtests::{InTest as _, Test, current_test, fault_point, prelude::*, seam};
use rstest::{fixture, rstest};
use serial_test::{parallel, serial};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};
use test_case::test_case;

#[mockall::automock]
trait Prices: Send + Sync {
    fn of(&self, sku: u32) -> u32;
}

struct List;

impl Prices for List {
    fn of(&self, sku: u32) -> u32 {
        sku
    }
}

seam! {
    PRICES: dyn Prices = List;
}

/// The product: it saves an order and returns its price.
fn order(sku: u32) -> io::Result<u32> {
    fault_point!("coexistence.save", key = sku)?;
    Ok(PRICES.get().of(sku))
}

/// What every test here does, with numbers of its own that contradict those of all others.
fn breaks_for_this_test_alone(t: &Test, number: u32) {
    let mut prices = MockPrices::new();
    prices.expect_of().times(3).returning(move |sku| sku + number);
    t.mock(&PRICES, Arc::new(prices));
    let fault = t.fault("coexistence.save").first(2).fail(io::ErrorKind::TimedOut).arm();
    let orders: Vec<Option<u32>> = (0..5).map(|sku| order(sku).ok()).collect();
    assert_eq!(orders, [None, None, Some(2 + number), Some(3 + number), Some(4 + number)]);
    assert_eq!((fault.hits(), fault.fired()), (5, 2));
}

/// What a test sees that asked for nothing.
fn all_is_real() {
    for sku in 0..50 {
        assert_eq!(order(sku).unwrap(), sku, "of another test");
        std::thread::yield_now();
    }
}

/// `#[qtest]`s and plain tests, several times, so that something runs beside every other test here.
macro_rules! neighbours {
    ($($name:ident)*) => {
        $(mod $name {
            use super::*;

            #[qtest(workers = 2)]
            async fn breaks_its_own(t: Test) {
                breaks_for_this_test_alone(&t, 1_000);
            }

            #[qtest]
            async fn breaks_what_its_tasks_do(t: Test) {
                t.fault("coexistence.save").fail(io::ErrorKind::Other).arm();
                assert!(t.spawn(async { order(7).is_err() }).await.unwrap());
                assert!(tokio::spawn(async { order(7).is_err() }).await.unwrap());
            }

            #[qtest]
            fn breaks_nothing() {
                all_is_real();
            }

            #[test]
            fn knows_nothing_of_qtests() {
                all_is_real();
            }

            #[test]
            #[should_panic(expected = "as announced")]
            fn panics_on_purpose() {
                panic!("as announced");
            }
        })*
    };
}

neighbours! { one two three four }

/// The test that `#[test_attr(qtest)]` made of a case.
#[fixture]
fn t() -> Test {
    current_test().expect("the case is a #[qtest]")
}

#[fixture]
async fn saved(#[default(5)] sku: u32) -> u32 {
    order(sku).expect("nothing is broken yet")
}

#[rstest]
#[case::small(10)]
#[case::large(20_000)]
#[test_attr(qtest)]
fn rstest_makes_qtests_of_its_cases(#[case] number: u32, t: Test) {
    assert!(t.name().starts_with("rstest_makes_qtests_of_its_cases::case_"), "{}", t.name());
    breaks_for_this_test_alone(&t, number);
}

#[rstest]
#[test_attr(qtest(workers = 2, timeout = "30s"))]
async fn rstest_makes_qtests_of_its_matrix(
    #[values(1, 2)] number: u32,
    #[values("a", "b")] name: &str,
    #[future(awt)] saved: u32,
    t: Test,
) -> Result<(), Box<dyn Error>> {
    assert_eq!((saved, name.len()), (5, 1));
    breaks_for_this_test_alone(&t, number * 100);
    t.fault("coexistence.save").fail(io::ErrorKind::Other).arm();
    assert!(tokio::spawn(async { order(1).is_err() }).await?);
    Ok(())
}

#[rstest]
#[case(30)]
#[case(40)]
#[tokio::test]
async fn rstest_with_a_scope(#[case] number: u32, #[future] saved: u32) {
    let t = Test::scoped();
    assert_eq!(saved.await, 5);
    breaks_for_this_test_alone(&t, number);
    t.finish().await.assert();
    all_is_real();
}

#[rstest]
#[case(1)]
fn rstest_without_qtests(#[case] sku: u32) {
    assert_eq!(order(sku).unwrap(), sku);
    all_is_real();
}

#[test_case(50)]
#[test_case(60; "sixty")]
#[qtest]
async fn test_case_makes_qtests_of_async_functions(number: u32) {
    breaks_for_this_test_alone(&current_test().expect("the case is a #[qtest]"), number);
}

#[test_case(70)]
#[test_case(80)]
fn test_case_with_a_scope(number: u32) {
    let t = Test::scoped();
    breaks_for_this_test_alone(&t, number);
}

#[test_case(3 => 3)]
#[test_case(9 => panics "out of stock")]
fn test_case_without_qtests(sku: u32) -> u32 {
    assert!(sku < 5, "out of stock");
    order(sku).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(32) })]

    #[test]
    fn proptest_with_a_scope_for_each_case(number in 0_u32..1_000_000) {
        let t = Test::scoped();
        breaks_for_this_test_alone(&t, number);
    }

    #[qtest]
    fn proptest_in_one_qtest_for_all_cases(sku in 0_u32..1_000, broken in any::<bool>()) {
        let t = current_test().expect("the property is a #[qtest]");
        let fault = t.fault("coexistence.save").key(sku.to_string()).first(1).fail(io::ErrorKind::Other);
        let fault = broken.then(|| fault.arm());
        prop_assert_eq!(order(sku).is_err(), fault.is_some());
    }

    #[test]
    fn proptest_without_qtests(sku in any::<u32>()) {
        prop_assert_eq!(order(sku).unwrap(), sku);
    }
}

/// A property that fails is shrunk: its cases panic in a scope that is dropped while it unwinds, again and again.
#[test]
fn proptest_shrinks_a_failure_that_scopes_are_part_of() {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    let restored = Arc::new(AtomicUsize::new(0));
    let (counted, cases) = (Arc::clone(&restored), AtomicUsize::new(0));
    let found = TestRunner::new(config).run(&(0_u32..10_000), |sku| {
        let t = Test::scoped();
        let restored = Arc::clone(&counted);
        t.mock(&PRICES, Arc::new(List)).on_restore(move || _ = restored.fetch_add(1, SeqCst));
        cases.fetch_add(1, SeqCst);
        assert!(order(sku).unwrap() < 700, "too dear");
        Ok(())
    });
    match found {
        Err(TestError::Fail(reason, smallest)) => {
            assert_eq!((smallest, reason.message().contains("too dear")), (700, true), "{reason}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(restored.load(SeqCst), cases.load(SeqCst), "every case is torn down");
    all_is_real();
}

/// The panics that proptest catches are no failures of the `#[qtest]` around it.
#[qtest]
fn proptest_may_fail_inside_a_qtest() {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    let found = TestRunner::new(config).run(&(0_u32..10_000), |sku| {
        assert!(sku < 700, "too dear");
        Ok(())
    });
    assert!(matches!(found, Err(TestError::Fail(_, 700))), "{found:?}");
}

/// How many of the tests that must be alone are running in this process. Under nextest each test has a process of its
/// own, where `#[serial]` does nothing and this always holds: what it shows is shown by `cargo test`. There it only shows
/// that the attributes go together.
static ALONE: AtomicUsize = AtomicUsize::new(0);

async fn alone() {
    assert_eq!(ALONE.fetch_add(1, SeqCst), 0, "another one is running");
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(ALONE.fetch_sub(1, SeqCst), 1, "another one began");
}

#[serial(coexistence)]
#[qtest]
async fn serial_above_a_qtest() {
    alone().await;
    breaks_for_this_test_alone(&current_test().unwrap(), 5_000);
}

#[qtest]
#[serial(coexistence)]
async fn serial_below_a_qtest() {
    alone().await;
    breaks_for_this_test_alone(&current_test().unwrap(), 6_000);
}

#[serial(coexistence)]
#[qtest]
fn serial_above_a_qtest_that_is_not_async() -> Result<(), Box<dyn Error>> {
    current_test().unwrap().block_on(alone());
    Ok(())
}

#[serial(coexistence)]
#[qtest]
#[should_panic(expected = "as announced")]
async fn serial_above_a_qtest_that_panics() {
    alone().await;
    panic!("as announced");
}

#[serial(coexistence)]
#[tokio::test]
async fn serial_with_a_scope() {
    let t = Test::scoped();
    alone().await;
    breaks_for_this_test_alone(&t, 7_000);
    t.finish().await.assert();
}

#[parallel(coexistence)]
#[qtest]
async fn parallel_to_others_but_not_to_those_that_must_be_alone() {
    assert_eq!(ALONE.load(SeqCst), 0);
    all_is_real();
}

#[tokio::test]
async fn tokio_test_with_a_scope() {
    let t = Test::scoped();
    breaks_for_this_test_alone(&t, 8_000);
    t.fault("coexistence.save").fail(io::ErrorKind::Other).arm();
    assert!(tokio::spawn(async { order(1).is_err() }).await.unwrap(), "its tasks run on its thread");
    t.finish().await.assert();
    all_is_real();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokio_test_with_workers_and_a_scope() {
    let t = Test::scoped();
    t.fault("coexistence.save").fail(io::ErrorKind::Other).arm();
    assert!(tokio::spawn(async { order(1).is_err() }.in_test()).await.unwrap());
    t.finish().await.assert();
}

#[tokio::test(start_paused = true)]
async fn tokio_test_with_a_paused_clock_and_a_scope() {
    let t = Test::scoped();
    let began = tokio::time::Instant::now();
    t.fault("coexistence.save").first(1).fail(io::ErrorKind::Other).arm();
    while order(1).is_err() {
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    assert_eq!(began.elapsed(), Duration::from_secs(60));
    drop(t);
}

#[tokio::test]
async fn tokio_test_without_qtests() {
    assert!(tokio::spawn(async { order(1).is_ok() }).await.unwrap());
    all_is_real();
}

/// A table of its own in the database that sqlx made for this test.
async fn fill(pool: &sqlx::SqlitePool, count: i64) -> sqlx::Result<i64> {
    sqlx::query("CREATE TABLE orders (sku INTEGER NOT NULL)").execute(pool).await?;
    for sku in 0..count {
        sqlx::query("INSERT INTO orders VALUES (?)").bind(sku).execute(pool).await?;
    }
    sqlx::query_scalar("SELECT count(*) FROM orders").fetch_one(pool).await
}

#[sqlx::test]
async fn sqlx_gives_a_database_and_qtests_a_scope(pool: sqlx::SqlitePool) -> sqlx::Result<()> {
    let t = Test::scoped();
    breaks_for_this_test_alone(&t, 40_000);
    assert_eq!(fill(&pool, 3).await?, 3);
    t.finish().await.assert();
    Ok(())
}

#[sqlx::test]
async fn another_database_of_sqlx_and_another_scope(pool: sqlx::SqlitePool) -> sqlx::Result<()> {
    let t = Test::scoped();
    assert_eq!(fill(&pool, 5).await?, 5);
    breaks_for_this_test_alone(&t, 50_000);
    t.finish().await.assert();
    Ok(())
}

#[sqlx::test]
async fn sqlx_without_qtests(pool: sqlx::SqlitePool) -> sqlx::Result<()> {
    all_is_real();
    assert_eq!(fill(&pool, 2).await?, 2);
    Ok(())
}

/// A pool of sqlx as what a `#[qtest]` owns: in memory, closed when the test ends.
struct Database(sqlx::SqlitePool);

impl Fixture for Database {
    async fn set_up(t: &Test) -> Result<Self, BoxError> {
        let pool = sqlx::pool::PoolOptions::new().max_connections(1).connect("sqlite::memory:").await?;
        let ours = pool.clone();
        t.defer_async(async move { ours.close().await });
        Ok(Self(pool))
    }
}

#[qtest]
async fn a_pool_of_sqlx_is_a_fixture(t: Test, database: Database) -> sqlx::Result<()> {
    breaks_for_this_test_alone(&t, 60_000);
    assert_eq!(fill(&database.0, 4).await?, 4);
    Ok(())
}
