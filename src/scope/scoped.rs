//! The scope of a test as a droppable owner, for tests that are not `#[qtest]`.

use super::{
    Test,
    cancel::Cancel,
    current::Entered,
    ending::{self, BodyEnd},
    options::Options,
    panics,
    repeat::{Repeat, seed_of},
    scope::{BodyKind, Scope},
    signal,
    verdict::Verdict,
};
use std::{borrow::Cow, ops::Deref, panic::Location, sync::Arc, thread};

/// A test scope that ends when it is dropped; see [`Test::scoped`].
#[derive(Debug)]
#[must_use = "dropping this ends the scope: its faults, mocks and proxies are gone at once"]
pub struct Scoped {
    test: Test,
    live: Option<signal::Registered>,
    _entered: Entered,
}

impl Test {
    /// A scope for a test that is not `#[qtest]`: for `#[tokio::test]`, rstest, proptest closures, doc tests, benches.
    ///
    /// It belongs to the calling thread. Tasks on other threads see it through [`in_test`](super::InTest::in_test) or
    /// [`bind`](super::bind). Dropping it tears everything down, also while unwinding, and panics if there is something
    /// to fail for (a fault that never fired, an unmet mock) unless the thread is panicking already;
    /// [`finish`](Scoped::finish) does the same with a verdict.
    ///
    /// ```
    /// use qtests::Test;
    /// use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
    ///
    /// static UNDONE: AtomicBool = AtomicBool::new(false);
    /// let t = Test::scoped();
    /// t.defer(|| UNDONE.store(true, SeqCst));
    /// drop(t);
    /// assert!(UNDONE.load(SeqCst));
    /// ```
    #[track_caller]
    pub fn scoped() -> Scoped {
        signal::block_if_ending();
        panics::install_hook();
        let place = Location::caller();
        let name = match thread::current().name() {
            // libtest names its threads after the tests.
            Some(name) if name != "main" => name.to_owned(),
            _ => format!("the scope at {}:{}", place.file(), place.line()),
        };
        let identity = (seed_of(&name, None), Repeat::OfProcess);
        let place = (place.file(), place.line());
        let scope = Scope::new(Cow::Owned(name), place, Options::new(), identity, BodyKind::Owned);
        let live = Some(signal::register(&scope));
        let entered = Entered::new(Arc::downgrade(&scope));
        Scoped { test: Test::of(scope), live, _entered: entered }
    }
}

impl Scoped {
    /// Tears everything down and returns the verdict. The teardowns run on a thread and a runtime of their own.
    ///
    /// Not cancel safe in this sense: when the future is dropped the teardowns go on and nobody hears the verdict.
    pub async fn finish(mut self) -> Verdict {
        let over = Cancel::new();
        if let Some(live) = self.live.take() {
            let (scope, ended) = (Arc::clone(&self.test.scope), over.clone());
            let watch = move || {
                end(&scope, BodyEnd::Passed);
                drop(live);
                ended.fire();
            };
            if let Err(error) = thread::Builder::new().name("qtests-scoped".to_owned()).spawn(watch) {
                panic!("the thread that ends a scope cannot be started: {error}");
            }
            over.fired().await;
        }
        Verdict::of(&self.test.scope)
    }
}

impl Deref for Scoped {
    type Target = Test;

    fn deref(&self) -> &Test {
        &self.test
    }
}

impl Drop for Scoped {
    fn drop(&mut self) {
        let Some(_live) = self.live.take() else { return };
        let unwinding = thread::panicking();
        self.test.scope.ledger.cannot_poll_current_runtime();
        let body = if unwinding { BodyEnd::Panicked(panics::last_of_owner()) } else { BodyEnd::Passed };
        end(&self.test.scope, body);
        let verdict = Verdict::of(&self.test.scope);
        match verdict.report() {
            Some(report) if unwinding => eprintln!("\n{report}"),
            Some(_) => verdict.assert(),
            None => {}
        }
    }
}

/// Ends the scope on a thread of its own and watches the clock on this one.
fn end(scope: &Arc<Scope>, body: BodyEnd) {
    if scope.watch.claim_driving() {
        scope.ending.body_ended(body, None);
        ending::drive_elsewhere(scope, scope.watch.driver());
    }
    if scope.watch.claim_supervision() {
        ending::supervise(scope);
    }
    // Otherwise a signal came first, somebody else sees to the end, and this thread waits for the end of the process.
    signal::block_if_ending();
}
