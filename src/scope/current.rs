//! Ambient identity: which test a thread belongs to.
//!
//! A thread knows its test by a thread-local slot. The slot is weak: what outlives the test belongs to nobody, and is
//! never booked to a neighbour.

use super::{Scope, Test};
use crate::base::environment;
use std::{
    cell::RefCell,
    fmt,
    marker::PhantomData,
    pin::Pin,
    sync::{Arc, Mutex, Weak},
    task::{Context, Poll},
};

thread_local! {
    /// The tests that the thread was put into, the latest last, each with the number of its guard.
    static CURRENT: RefCell<Vec<(u64, Weak<Scope>)>> = const { RefCell::new(Vec::new()) };
}

/// The one test of a process that can hold just one, see [`claim_process`].
static SOLE: Mutex<Weak<Scope>> = Mutex::new(Weak::new());

/// The test that the calling thread belongs to, if it is still running.
#[cfg(not(qtests_process_global_scope))]
pub(crate) fn current() -> Option<Arc<Scope>> {
    // A thread of a test that is over does not fall back to another one.
    let own = CURRENT.try_with(|slot| slot.borrow().last().map(|(_, scope)| scope.upgrade())).ok().flatten();
    own.unwrap_or_else(sole).filter(|scope| !scope.is_closed())
}

/// The mutant that the isolation test must catch: one scope for the whole process.
#[cfg(qtests_process_global_scope)]
pub(crate) fn current() -> Option<Arc<Scope>> {
    super::lock(&PROCESS).upgrade().filter(|scope| !scope.is_closed())
}

#[cfg(qtests_process_global_scope)]
static PROCESS: Mutex<Weak<Scope>> = Mutex::new(Weak::new());

/// Whether the calling thread belongs, or did belong, to a test.
pub(crate) fn has_identity() -> bool {
    CURRENT.try_with(|slot| !slot.borrow().is_empty()).unwrap_or(false)
}

/// The test that the calling thread belongs to.
///
/// `None` on threads that belong to no test and once the test is over.
pub fn current_test() -> Option<Test> {
    current().map(Test::of)
}

fn sole() -> Option<Arc<Scope>> {
    environment().sole_test.as_ref()?;
    super::lock(&SOLE).upgrade()
}

/// Lets threads without a test use `scope`, if the runner says that this process runs this one test and no other. It is
/// never inferred from how many tests happen to be alive.
pub(super) fn claim_process(scope: &Arc<Scope>) {
    if environment().sole_test.as_deref() == Some(scope.name()) {
        *super::lock(&SOLE) = Arc::downgrade(scope);
    }
}

/// Puts a scope on the calling thread until the guard is dropped. Guards may be dropped in any order.
#[must_use = "dropping this takes the test off the thread at once"]
pub(crate) struct Entered {
    number: u64,
    /// The guard changes the slot of the thread that made it, so it must not leave it.
    not_send: PhantomData<*const ()>,
}

impl Entered {
    pub(crate) fn new(scope: Weak<Scope>) -> Self {
        #[cfg(qtests_process_global_scope)]
        super::lock(&PROCESS).clone_from(&scope);
        Self { number: push(scope), not_send: PhantomData }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        // Once the thread has no slot any more there is nothing to undo.
        let _ = CURRENT.try_with(|slot| {
            let mut slot = slot.borrow_mut();
            if let Some(at) = slot.iter().rposition(|(number, _)| *number == self.number) {
                slot.remove(at);
            }
        });
    }
}

impl fmt::Debug for Entered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entered")
    }
}

/// Puts a scope on the calling thread for good, in place of what is there.
pub(crate) fn install(scope: Weak<Scope>) {
    #[cfg(qtests_process_global_scope)]
    super::lock(&PROCESS).clone_from(&scope);
    let _ = CURRENT.try_with(|slot| slot.borrow_mut().clear());
    push(scope);
}

/// Numbers are of the thread: they grow with the depth, and the highest is at the end.
fn push(scope: Weak<Scope>) -> u64 {
    CURRENT
        .try_with(|slot| {
            let mut slot = slot.borrow_mut();
            let number = slot.last().map_or(0, |(number, _)| number + 1);
            slot.push((number, scope));
            number
        })
        .unwrap_or(u64::MAX)
}

fn captured() -> Weak<Scope> {
    current().map(|scope| Arc::downgrade(&scope)).unwrap_or_default()
}

/// Binds a closure to the current test: wherever it runs, it sees the faults and mocks of this test.
///
/// For threads that qtests did not start, such as `rayon::spawn(bind(f))`. Outside a test the closure is returned as it
/// is, in effect.
///
/// ```
/// use qtests::{bind, current_test, Test};
///
/// let test = Test::scoped();
/// let name = std::thread::spawn(bind(|| current_test().map(|t| t.name().to_owned()))).join().unwrap();
/// assert_eq!(name.as_deref(), Some(test.name()));
/// ```
pub fn bind<R>(run: impl FnOnce() -> R) -> impl FnOnce() -> R {
    let scope = captured();
    move || {
        let _entered = Entered::new(scope);
        run()
    }
}

/// Adds [`in_test`](InTest::in_test) to every future.
pub trait InTest: Future + Sized {
    /// Binds a future to the current test: on whatever runtime it is polled, it sees the faults and mocks of this test.
    ///
    /// For runtimes that qtests did not build. Tasks that the future spawns there are not bound by it; bind those too.
    /// Cancel safe if the future is.
    fn in_test(self) -> Bound<Self> {
        Bound { scope: captured(), future: Some(Box::pin(self)) }
    }
}

impl<F: Future> InTest for F {}

/// A future that is bound to a test, see [`InTest::in_test`].
#[must_use = "futures do nothing unless polled"]
pub struct Bound<F> {
    scope: Weak<Scope>,
    /// Taken when it is dropped, inside the test.
    future: Option<Pin<Box<F>>>,
}

impl<F: Future> Future for Bound<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let _entered = Entered::new(self.scope.clone());
        match &mut self.future {
            Some(future) => future.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}

impl<F> Drop for Bound<F> {
    fn drop(&mut self) {
        // Destructors see the test too.
        let _entered = Entered::new(self.scope.clone());
        self.future = None;
    }
}

impl<F> fmt::Debug for Bound<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bound")
    }
}
