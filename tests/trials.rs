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

static INSIDE: AtomicUsize = AtomicUsize::new(0);

#[qtest(serial = "qtests-own-tests", cases(a(), b(), c(), d(), e(), f(), g(), h()))]
async fn runs_alone_in_its_group() {
    assert_eq!(INSIDE.fetch_add(1, SeqCst), 0, "another one of the group runs");
    // Long enough for another one to come in, if one could.
    tokio::task::spawn_blocking(|| std::thread::park_timeout(Duration::from_millis(20))).await.unwrap();
    INSIDE.fetch_sub(1, SeqCst);
}
