//! The interleavings of the hand-over between driver and supervisor, all of them, by loom.

use super::watch::*;
use loom::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
};
use std::time::Duration;

/// What a driver does after the body: one step that must be driven exactly once.
fn go_on(watch: &Watch, driver: Driver, driven: &AtomicUsize) -> Result<(), LeftBehind> {
    watch.begin(driver, StepInfo { what: "teardown".into(), kind: StepKind::Undo, limit: None })?;
    driven.fetch_add(1, SeqCst);
    watch.end(driver)?;
    watch.finish(driver);
    Ok(())
}

/// The body ends while the supervisor cuts it and leaves its driver behind: whoever goes on, the rest is driven once,
/// and the supervisor hears of the end.
#[test]
fn what_follows_an_overdue_body_is_driven_exactly_once() {
    loom::model(|| {
        let (watch, driven) = (Arc::new(Watch::default()), Arc::new(AtomicUsize::new(0)));
        assert!(watch.claim_supervision());
        let (theirs, count) = (Arc::clone(&watch), Arc::clone(&driven));
        let driver = thread::spawn(move || {
            let body = StepInfo { what: "body".into(), kind: StepKind::Body, limit: Some(Duration::ZERO) };
            let _ = theirs.begin(0, body).and_then(|_| theirs.end(0)).and_then(|()| go_on(&theirs, 0, &count));
        });
        loop {
            match watch.supervise(|_, _| {}) {
                Wake::Done => break,
                Wake::Overdue => {}
                Wake::Stuck { next, .. } => go_on(&watch, next, &driven).expect("nobody follows the second driver"),
            }
        }
        driver.join().unwrap();
        assert_eq!(driven.load(SeqCst), 1);
    });
}

/// A driver that is lost in the panic hook is always followed.
#[test]
fn a_lost_driver_is_always_followed() {
    loom::model(|| {
        let (watch, driven) = (Arc::new(Watch::default()), Arc::new(AtomicUsize::new(0)));
        assert!(watch.claim_supervision());
        let theirs = Arc::clone(&watch);
        let driver = thread::spawn(move || {
            let body = StepInfo { what: "body".into(), kind: StepKind::Body, limit: None };
            theirs.begin(0, body).expect("nobody else drives");
            assert!(theirs.lose(0, "lost"));
        });
        loop {
            match watch.supervise(|_, _| {}) {
                Wake::Done => break,
                Wake::Overdue => {}
                Wake::Stuck { next, .. } => go_on(&watch, next, &driven).expect("nobody follows the second driver"),
            }
        }
        driver.join().unwrap();
        assert_eq!(driven.load(SeqCst), 1);
    });
}
