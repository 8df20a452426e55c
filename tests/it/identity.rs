//! Which test a thread or task belongs to.

use qtests::{Test, bind, current_test, prelude::*};
use std::{sync::mpsc, thread};

fn here() -> Option<String> {
    current_test().map(|t| t.name().to_owned())
}

/// Checks every way in which tokio runs code for a test.
async fn everywhere(t: &Test) {
    let own = Some(t.name().to_owned());
    assert_eq!(here(), own);
    assert_eq!(tokio::spawn(async { here() }).await.unwrap(), own);
    assert_eq!(tokio::spawn(async { tokio::spawn(async { here() }).await.unwrap() }).await.unwrap(), own);
    assert_eq!(tokio::task::spawn_blocking(here).await.unwrap(), own);
    let nested = tokio::task::spawn_blocking(|| tokio::task::spawn_blocking(here));
    assert_eq!(nested.await.unwrap().await.unwrap(), own);
    let mut set = tokio::task::JoinSet::new();
    (0..4).for_each(|_| drop(set.spawn(async { here() })));
    assert!(set.join_all().await.into_iter().all(|name| name == own));
    let local = tokio::task::LocalSet::new();
    assert_eq!(local.run_until(async { tokio::task::spawn_local(async { here() }).await.unwrap() }).await, own);
}

#[qtest]
async fn one_thread_knows_its_test(t: Test) {
    everywhere(&t).await;
}

#[qtest(workers = 3)]
async fn several_threads_know_their_test(t: Test) {
    everywhere(&t).await;
    assert_eq!(tokio::task::block_in_place(here), Some(t.name().to_owned()));
}

#[qtest]
async fn other_threads_know_it_when_they_are_told(t: Test) {
    let own = Some(t.name().to_owned());
    assert_eq!(qtests::thread::spawn(here).join().unwrap(), own);
    assert_eq!(thread::spawn(bind(here)).join().unwrap(), own);
    let test = t.clone();
    let adopted = thread::spawn(move || {
        test.adopt_thread();
        here()
    });
    assert_eq!(adopted.join().unwrap(), own);
}

#[qtest]
async fn a_foreign_runtime_knows_it_when_the_future_is_bound(t: Test) {
    let foreign = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let (told, heard) = mpsc::channel();
    let bound = async move { told.send(here()).unwrap() }.in_test();
    let handle = foreign.handle().clone();
    handle.spawn(bound).await.unwrap();
    assert_eq!(heard.recv().unwrap(), Some(t.name().to_owned()));
    tokio::task::spawn_blocking(move || drop(foreign)).await.unwrap();
}

#[test]
fn a_thread_outside_of_tests_belongs_to_none() {
    assert_eq!(here(), None);
    assert_eq!(thread::spawn(bind(here)).join().unwrap(), None);
}

#[test]
fn a_thread_that_outlives_its_test_belongs_to_none() {
    let t = Test::scoped();
    let (go, wait) = mpsc::channel::<()>();
    let late = thread::spawn(bind(move || {
        wait.recv().unwrap();
        here()
    }));
    drop(t);
    go.send(()).unwrap();
    assert_eq!(late.join().unwrap(), None);
}

#[test]
fn scopes_can_be_nested_and_the_outer_one_comes_back() {
    let outer = Test::scoped();
    let (tx, rx) = mpsc::channel();
    thread::spawn(move || {
        let inner = Test::scoped();
        tx.send((here(), inner.name().to_owned())).unwrap();
        drop(inner);
        tx.send((here(), String::new())).unwrap();
    })
    .join()
    .unwrap();
    let (seen, inner) = rx.recv().unwrap();
    assert_eq!(seen, Some(inner));
    assert_eq!(rx.recv().unwrap().0, None);
    assert_eq!(here().as_deref(), Some(outer.name()));
}

#[test]
fn scopes_on_one_thread_may_end_in_any_order() {
    let first = Test::scoped();
    let second = Test::scoped();
    drop(first);
    assert_eq!(here().as_deref(), Some(second.name()));
    drop(second);
    assert_eq!(here(), None);
}

#[tokio::test]
async fn a_bound_future_is_dropped_inside_its_test() {
    struct Looks(mpsc::Sender<Option<String>>);
    impl Drop for Looks {
        fn drop(&mut self) {
            let _ = self.0.send(here());
        }
    }
    let t = Test::scoped();
    let (told, heard) = mpsc::channel();
    let looks = Looks(told);
    let bound = async move {
        let _looks = looks;
        std::future::pending::<()>().await;
    }
    .in_test();
    thread::spawn(move || drop(bound)).join().unwrap();
    assert_eq!(heard.recv().unwrap().as_deref(), Some(t.name()));
}
