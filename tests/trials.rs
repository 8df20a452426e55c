//! Tests with keys that decide how often, where and beside whom they run. They pass when run as they are;
//! `it/trial.rs` runs them as children under variables that choose among them.
#![cfg(feature = "macros")]

use qtests::prelude::*;
use std::{
    env,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
};

#[qtest(cases(
    empty("", 0),
    one("a", 1),
    #[should_panic(expected = "left: 3")]
    wrong("abc", 4),
    #[ignore = "it is long"]
    long(&"x".repeat(1_000), 1_000),
))]
fn length(text: &str, expected: usize) {
    assert_eq!(text.len(), expected);
}

/// Values of a case come after the test and its fixtures.
#[qtest(cases(first(1), second(2)))]
async fn numbered(t: Test, fixture: Numbers, number: u32) {
    assert!(t.name().starts_with("numbered::"));
    assert!(fixture.0.contains(&number));
}

struct Numbers(Vec<u32>);

impl Fixture for Numbers {
    async fn set_up(_: &Test) -> Result<Self, BoxError> {
        Ok(Self(vec![1, 2, 3]))
    }
}

#[qtest(retries = 2)]
async fn passes_at_the_second_try() {
    static TRIES: AtomicUsize = AtomicUsize::new(0);
    assert_eq!(TRIES.fetch_add(1, SeqCst), 1, "not yet");
}

#[qtest(tags("slow", "db"))]
fn is_slow_and_needs_a_database() {}

#[qtest(tags("db"))]
fn needs_a_database() {}

#[qtest]
fn has_no_tag() {}

/// Eight processes at once, each with its own value for the same variable.
#[qtest(isolate = "process", cases(a("1"), b("2"), c("3"), d("4"), e("5"), f("6"), g("7"), h("8")))]
async fn has_an_environment_of_its_own(t: Test, value: &str) {
    t.env("QT_OWN", value);
    t.cwd(t.dir());
    assert_eq!(env::current_dir().unwrap(), t.dir().canonicalize().unwrap());
    let seen = tokio::task::spawn_blocking(|| env::var("QT_OWN")).await.unwrap();
    assert_eq!(seen.as_deref(), Ok(value));
    let child = std::process::Command::new("sh").args(["-c", "echo $QT_OWN"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&child.stdout).trim(), value);
}

#[qtest(isolate = "process")]
fn what_is_changed_is_changed_back_before_earlier_teardowns(t: Test) {
    let before = env::current_dir().unwrap();
    t.env("QT_BACK", "before");
    t.defer(move || {
        assert_eq!(env::var("QT_BACK").as_deref(), Ok("before"));
        assert_eq!(env::current_dir().unwrap(), before);
    });
    t.env_remove("QT_BACK");
    t.cwd(t.dir());
    assert!(env::var("QT_BACK").is_err());
}

/// Its parent takes the turn, and waits for it.
#[qtest(isolate = "process", serial = "qtests-own-tests-alone", timeout = "20s")]
fn is_alone_and_in_a_group(t: Test) {
    t.env("QT_OWN", "1");
}

#[qtest(isolate = "process", seed = 7)]
fn is_alone_with_a_seed_of_its_own(t: Test) {
    assert_eq!(t.seed().value(), 7);
}

/// A server that all tests of the process share; it must live until it is torn down.
struct Sleeper(qtests::server::Process);

impl Fixture for Sleeper {
    async fn set_up(t: &Test) -> Result<Self, BoxError> {
        let mut command = std::process::Command::new("sleep");
        command.arg("600");
        let sleep = t.process(command)?;
        let ours = sleep.clone();
        t.defer(move || assert!(ours.try_wait().unwrap().is_none(), "it is gone before its teardown"));
        // Descriptors and threads of its own.
        t.own(std::net::TcpListener::bind("127.0.0.1:0")?);
        let ended = t.cancelled();
        t.spawn(ended);
        Ok(Self(sleep))
    }
}

#[qtest(isolate = "process", leaks = "strict")]
async fn what_is_shared_is_no_leak_of_the_test_that_asks_first(sleeper: Shared<Sleeper>) {
    assert!(sleeper.0.try_wait().unwrap().is_none());
}

/// What others leave to the process that adopts it, and what qtests kills, is nobody's leak.
#[qtest(isolate = "process", leaks = "strict")]
async fn children_of_children_that_have_ended_are_no_leak(t: Test) {
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "sleep 600 & sleep 600"]);
    t.process(command).unwrap();
    let mut command = std::process::Command::new("sh");
    assert!(command.args(["-c", "(exec true) & exit 0"]).status().unwrap().success());
}

/// The teardown of each needs the other: `App` is asked for first, and needs `Store`.
struct App;

struct Store;

static STORE_IS_UP: AtomicUsize = AtomicUsize::new(0);

impl Fixture for App {
    async fn set_up(t: &Test) -> Result<Self, BoxError> {
        t.fixture::<Shared<Store>>().await?;
        t.defer(|| qtests_say(if STORE_IS_UP.load(SeqCst) == 1 { "app down in time" } else { "app down too late" }));
        Ok(Self)
    }
}

impl Fixture for Store {
    async fn set_up(t: &Test) -> Result<Self, BoxError> {
        STORE_IS_UP.store(1, SeqCst);
        t.defer(|| {
            STORE_IS_UP.store(2, SeqCst);
            qtests_say("store down");
        });
        Ok(Self)
    }
}

/// Past the capture of the harness.
fn qtests_say(line: &str) {
    use std::io::Write;
    let _ = io::stderr().write_all(format!("{line}\n").as_bytes());
}

#[qtest]
async fn shares_what_needs_what_is_shared(_app: Shared<App>) {}

struct Breaks;

impl Fixture for Breaks {
    async fn set_up(_: &Test) -> Result<Self, BoxError> {
        panic!("as it does")
    }
}

/// A panic that the body expects, while a task sets up something of its own and another one could not.
#[qtest]
#[should_panic(expected = "as the body should")]
async fn what_the_body_sets_up_is_the_affair_of_the_body(t: Test) {
    t.expect_panics(1);
    let ours = t.clone();
    assert!(tokio::spawn(async move { ours.fixture::<Breaks>().await.is_ok() }).await.is_err());
    panic!("as the body should");
}

static DROPPED: AtomicUsize = AtomicUsize::new(0);

/// Its destructor needs the runtime, and comes before what the set-up deferred.
struct Spawns;

impl Drop for Spawns {
    fn drop(&mut self) {
        tokio::spawn(async {});
        DROPPED.fetch_add(1, SeqCst);
    }
}

impl Fixture for Spawns {
    async fn set_up(t: &Test) -> Result<Self, BoxError> {
        t.defer(|| assert!(DROPPED.load(SeqCst) == 1, "it is dropped first"));
        Ok(Self)
    }
}

#[qtest]
async fn a_fixture_of_the_test_is_dropped_inside_its_runtime(
    _one: std::sync::Arc<Spawns>,
    _same: std::sync::Arc<Spawns>,
) {
}

static INSIDE: AtomicUsize = AtomicUsize::new(0);

#[qtest(serial = "qtests-own-tests", cases(a(), b(), c(), d(), e(), f(), g(), h()))]
async fn runs_alone_in_its_group() {
    assert_eq!(INSIDE.fetch_add(1, SeqCst), 0, "another one of the group runs");
    // Long enough for another one to come in, if one could.
    tokio::task::spawn_blocking(|| std::thread::park_timeout(Duration::from_millis(20))).await.unwrap();
    INSIDE.fetch_sub(1, SeqCst);
}

/// Run with an empty PATH, where there is no redis.
#[qtest]
#[ignore = "run by it/trial.rs without a PATH"]
async fn needs_redis_and_returns_the_error(t: Test) -> Result<(), Box<dyn Error>> {
    t.redis().await?;
    Ok(())
}

#[qtest(isolate = "process")]
#[ignore = "run by it/trial.rs without a PATH"]
async fn needs_redis_alone_and_panics_with_the_error(t: Test) {
    t.redis().await.expect("a redis server");
}

struct Cache;

impl Fixture for Cache {
    async fn set_up(t: &Test) -> Result<Self, BoxError> {
        t.redis().await?;
        Ok(Self)
    }
}

#[qtest(retries = 2)]
#[should_panic]
#[ignore = "run by it/trial.rs without a PATH"]
async fn needs_redis_in_a_shared_fixture_and_should_panic(_cache: Shared<Cache>) {
    panic!("as it should");
}

/// It lacks a server and has a fault of its own, too.
#[qtest]
#[ignore = "run by it/trial.rs without a PATH"]
async fn lacks_redis_and_its_teardown_panics(t: Test) -> Result<(), Box<dyn Error>> {
    t.defer(|| panic!("a fault of its own"));
    t.redis().await?;
    Ok(())
}

/// A program that the test itself names is no server that might be missing, but a mistake.
#[qtest]
#[ignore = "run by it/trial.rs without a PATH"]
async fn starts_a_program_with_a_wrong_name(t: Test) -> Result<(), Box<dyn Error>> {
    t.server(|_| std::process::Command::new("redis-serve")).await?;
    Ok(())
}
