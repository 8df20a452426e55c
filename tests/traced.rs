//! `#[traced_test]` and `#[qtest]` in one binary, apart and on one function. `it/traced.rs` runs it in other orders
//! too.

use qtests::{InTest, Test, prelude::*};
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use tracing::{info, info_span, trace, warn};
use tracing_test::traced_test;

#[test]
#[traced_test]
fn a_plain_test_comes_first_and_finds_its_lines() {
    warn!("plain and first");
    trace!("even the least");
    info_span!("inner", order = 7).in_scope(|| info!(by = "card", "inside"));
    assert!(logs_contain("plain and first") && logs_contain("even the least"));
    assert!(logs_contain("inner{order=7}: traced: inside by=\"card\""));
    assert!(!logs_contain("of a qtest") && !logs_contain("never logged"));
    logs_assert(|lines| match lines.iter().filter(|line| line.contains("plain and first")).count() {
        1 => Ok(()),
        n => Err(format!("{n} lines in {lines:?}")),
    });
}

#[tokio::test]
#[traced_test]
async fn a_plain_async_test_finds_its_lines() {
    tokio::spawn(async { info!("in a task") }).await.expect("it returns");
    assert!(logs_contain("in a task"));
    assert!(!logs_contain("of a qtest"));
}

#[qtest]
async fn b_qtest_alone_finds_its_lines(t: Test) {
    info!("of a qtest");
    tokio::spawn(async { info!("of a qtest too") }).await.expect("it returns");
    assert_eq!(t.logs().containing("of a qtest").count(), 2);
    // Of this crate, which is kept whatever `QTESTS_LOG` says.
    t.logs().target("traced").containing("plain").assert_none();
}

#[qtest]
#[traced_test]
fn both_in_one_order(t: Test) {
    info!("of a qtest, one");
    qtests::thread::spawn(|| info!("in a thread, one")).join().expect("it returns");
    assert!(logs_contain("of a qtest, one") && logs_contain("in a thread, one"));
    assert!(!logs_contain(", two") && !logs_contain("plain and first"));
    assert_eq!(t.logs().containing(", one").count(), 2);
}

#[traced_test]
#[qtest]
fn both_in_the_other_order(t: Test) {
    info!("of a qtest, two\nwith a second line");
    qtests::thread::spawn(|| info!("in a thread, two")).join().expect("it returns");
    assert!(logs_contain("of a qtest, two") && logs_contain("in a thread, two") && logs_contain("a second line"));
    assert!(!logs_contain(", one") && !logs_contain("plain and first"));
    assert_eq!(t.logs().containing(", two").count(), 2);
}

/// What a test logs from tasks and threads, each with `mark`.
async fn log_everywhere(mark: &'static str) {
    tokio::spawn(async move { info!("a task {mark}") }).await.expect("it returns");
    tokio::task::spawn_blocking(move || info!("a blocking call {mark}")).await.expect("it returns");
    tokio::spawn(async move {
        info_span!("inner").in_scope(|| warn!("a span {mark}"));
        tokio::spawn(async move { info!("a task of a task {mark}") }).await.expect("it returns");
    })
    .await
    .expect("it returns");
    info!("the body {mark}");
}

const EVERYWHERE: [&str; 5] = ["a task", "a blocking call", "a span", "a task of a task", "the body"];

#[qtest]
#[traced_test]
async fn both_async() {
    log_everywhere("of three").await;
    assert!(EVERYWHERE.iter().all(|place| logs_contain(&format!("{place} of three"))));
    assert!(!logs_contain("of four") && !logs_contain("of five"));
}

#[traced_test]
#[qtest]
async fn both_async_in_the_other_order(t: Test) {
    log_everywhere("of four").await;
    assert!(EVERYWHERE.iter().all(|place| logs_contain(&format!("{place} of four"))));
    assert!(!logs_contain("of three") && !logs_contain("of five"));
    assert_eq!(t.logs().containing("of four").count(), EVERYWHERE.len());
    t.logs().span("inner").containing("a span of four").assert_any();
}

#[qtest(workers = 2)]
#[traced_test]
async fn both_on_several_threads() {
    log_everywhere("of five").await;
    assert!(EVERYWHERE.iter().all(|place| logs_contain(&format!("{place} of five"))));
    assert!(!logs_contain("of three") && !logs_contain("of four"));
}

mod inner {
    use super::*;

    /// The attribute gives its span a number, since there is a function of this name already.
    #[qtest(workers = 2)]
    #[traced_test]
    async fn both_async() {
        log_everywhere("of six").await;
        assert!(EVERYWHERE.iter().all(|place| logs_contain(&format!("{place} of six"))));
        assert!(!logs_contain("of three") && !logs_contain("of five"));
    }
}

#[qtest(retries = 1)]
#[traced_test]
fn both_tried_again() {
    static TRIES: AtomicU32 = AtomicU32::new(0);
    let number = TRIES.fetch_add(1, SeqCst);
    info!("of try {number}\nwith line {number}");
    assert!(number > 0, "to be tried again");
    assert!(logs_contain("of try 1") && logs_contain("with line 1"));
    assert!(!logs_contain("of try 0") && !logs_contain("with line 0"));
}

/// Fails, since the span of the attribute is the same for both; `it/traced.rs` looks at how.
#[qtest(cases(#[ignore = "must fail"] one(1), #[ignore = "must fail"] two(2)))]
#[traced_test]
fn both_for_cases(number: u32) {
    info!("of case {number}");
    assert!(!logs_contain("of case 3"));
}

#[tokio::test(flavor = "multi_thread")]
#[traced_test]
async fn a_scope_inside_of_a_traced_test() {
    let t = Test::scoped();
    info!("the scope begins");
    tokio::spawn(async { info!("in a task of the scope") }.in_test()).await.expect("it returns");
    assert!(logs_contain("the scope begins") && logs_contain("in a task of the scope"));
    t.logs().containing("in a task of the scope").assert_any();
}

#[test]
#[traced_test]
fn z_plain_test_comes_last_and_finds_its_lines() {
    warn!("plain and last");
    assert!(logs_contain("plain and last"));
    assert!(!logs_contain("of a qtest") && !logs_contain("plain and first"));
}
