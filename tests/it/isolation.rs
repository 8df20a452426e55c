//! Tests that run in parallel never see each other, although they use the same names.
//!
//! Each repetition runs several tests at once; each arms the same points and mocks the same seam in its own way, and
//! looks from every place where tokio runs code. Compiled with `--cfg qtests_process_global_scope`, where all tests share
//! one scope, this must turn red: `.ci/run` sees to that.

use super::support;
use qtests::{Test, fault_point, prelude::*, rt, seam};
use std::{
    panic::catch_unwind,
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
};

seam! {
    WHO: fn() -> usize = || usize::MAX;
}

/// Which test this is, handed over by the thread that starts it.
fn number(t: &Test) -> usize {
    t.seed().value() as usize
}

fn point() -> bool {
    fault_point!("isolation.point").is_err()
}

/// What one place of a test sees: whether the point fails, and whose mock answers.
fn seen() -> (bool, usize) {
    (point(), WHO.get()())
}

/// Looks from everywhere; returns how often something of another test was seen.
async fn look(t: Test, multi: bool) -> usize {
    let own = number(&t);
    // Even tests arm the point, odd ones do not.
    let expected = (own.is_multiple_of(2), own);
    t.mock(&WHO, Arc::new(move || own));
    if expected.0 {
        t.fault("isolation.point").fail(io::ErrorKind::Other).arm();
    }
    t.note(format!("test {own}"));
    let mut all = vec![seen()];
    all.push(tokio::spawn(async { seen() }).await.unwrap());
    all.push(tokio::task::spawn_blocking(seen).await.unwrap());
    all.push(tokio::spawn(async { tokio::task::spawn_blocking(seen).await.unwrap() }).await.unwrap());
    let mut set = tokio::task::JoinSet::new();
    for _ in 0..4 {
        set.spawn(async {
            tokio::time::sleep(Duration::from_micros(1)).await;
            tokio::spawn(async { seen() }).await.unwrap()
        });
    }
    all.extend(set.join_all().await);
    let (tell, hear) = tokio::sync::oneshot::channel();
    tokio::spawn(async move { tell.send(seen()) });
    tokio::select! {
        heard = hear => all.push(heard.unwrap()),
        () = std::future::pending() => {}
    }
    let local = tokio::task::LocalSet::new();
    all.push(local.run_until(async { tokio::task::spawn_local(async { seen() }).await.unwrap() }).await);
    if multi {
        all.push(tokio::task::block_in_place(seen));
    }
    let journal =
        t.journal().iter().filter(|line| line.contains("note ") && !line.ends_with(&format!("test {own}"))).count();
    all.into_iter().filter(|seen| *seen != expected).count() + journal
}

static WRONG: AtomicUsize = AtomicUsize::new(0);
static LOOKED: AtomicUsize = AtomicUsize::new(0);

fn body(t: Test) -> rt::BodyFuture {
    Box::pin(async move {
        let multi = tokio::runtime::Handle::current().runtime_flavor() == tokio::runtime::RuntimeFlavor::MultiThread;
        WRONG.fetch_add(look(t, multi).await, SeqCst);
        LOOKED.fetch_add(1, SeqCst);
        Ok(())
    })
}

/// One test with a seed that tells its number; every third runs on several threads.
fn registered(number: usize) -> &'static rt::Registered {
    support::registered("it::isolation::one_of_many", number as u64, number.is_multiple_of(3), body)
}

fn side_by_side(tests: usize, repetitions: usize) {
    let start = Barrier::new(tests);
    let (looked, wrong) = (LOOKED.load(SeqCst), WRONG.load(SeqCst));
    thread::scope(|threads| {
        for number in 0..tests {
            let start = &start;
            threads.spawn(move || {
                let test = registered(number);
                for _ in 0..repetitions {
                    start.wait();
                    // A test that fails must not keep the others waiting at the barrier.
                    if catch_unwind(|| rt::run(test)).is_err() {
                        WRONG.fetch_add(1, SeqCst);
                    }
                }
            });
        }
    });
    assert_eq!(WRONG.load(SeqCst) - wrong, 0, "something of another test was seen");
    assert_eq!(LOOKED.load(SeqCst) - looked, tests * repetitions);
}

/// One after the other, so that the counts of one are not those of the other.
#[test]
fn a_fault_in_one_test_is_not_seen_by_its_neighbours() {
    assert_eq!(std::env::var_os("QTESTS_SEED"), None, "this test tells its tests apart by their seeds");
    side_by_side(2, 1_000);
    side_by_side(16, 1_000);
}
