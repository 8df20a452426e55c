//! Tests that must fail, each in one way. They are ignored here; `it/failing.rs` runs each as a child and compares what
//! it prints.
#![cfg(feature = "macros")]

use qtests::{InTest as _, Test, prelude::*};
use std::{future::pending, thread};

#[qtest]
#[ignore = "must fail"]
async fn body_panics() {
    let order: Option<u32> = None;
    order.expect("the order was placed");
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
