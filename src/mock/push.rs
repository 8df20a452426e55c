//! What a test does with its mock stack.

use super::{
    Seam,
    stack::{Entry, MockStack, Overflow},
};
use crate::{
    base::Error,
    scope::{Test, ready},
};
use std::{fmt, panic::Location, sync::Arc};

impl Test {
    /// Puts `mock` in place of a seam until the test ends, for the threads and tasks of this test only.
    ///
    /// The latest wins. When the test ends the stack is popped in reverse order, after the teardowns and the runtime. A
    /// mock of mockall is verified then, and what it has to say is reported beside the body's own failure; if somebody
    /// else still holds the `Arc`, the test fails as "not verified".
    ///
    /// # Panics
    /// If the stack is full ([`MOCK_LIMIT`](super::MOCK_LIMIT) entries over all seams), or the test is over.
    #[track_caller]
    pub fn mock<T: ?Sized + Send + Sync>(&self, seam: &'static Seam<T>, mock: Arc<T>) -> Mocked {
        ready(self.try_mock(seam, mock))
    }

    /// [`mock`](Test::mock) that returns its error.
    ///
    /// # Errors
    /// [`is_limit`](Error::is_limit) if the stack is full, [`is_ended`](Error::is_ended) if the test is over.
    #[track_caller]
    pub fn try_mock<T: ?Sized + Send + Sync>(&self, seam: &'static Seam<T>, mock: Arc<T>) -> Result<Mocked, Error> {
        self.scope.still_open("a mock")?;
        let stack = self.mock_stack();
        let number = stack.push(Entry {
            seam: seam.address(),
            name: seam.name(),
            place: Location::caller(),
            overrides: seam.overrides(),
            mock: Box::new(mock),
            restore: Vec::new(),
        })?;
        self.record("mock", format!("pushed a mock of `{}`", seam.name()));
        Ok(Mocked { stack, number })
    }

    /// Puts `mock` in place of a seam until the guard is dropped, or the test ends.
    ///
    /// # Panics
    /// As [`mock`](Test::mock). Dropping the guard does not panic: what the mock has to say is reported at the end.
    #[track_caller]
    pub fn mock_scoped<T: ?Sized + Send + Sync>(&self, seam: &'static Seam<T>, mock: Arc<T>) -> MockGuard {
        MockGuard { mocked: Some(self.mock(seam, mock)) }
    }

    /// What happens when the stack is full. Defaults to [`Overflow::Error`].
    pub fn mock_overflow(&self, overflow: Overflow) {
        self.mock_stack().overflow(overflow);
    }

    fn mock_stack(&self) -> Arc<MockStack> {
        self.scope.part_or_insert(|| MockStack::new(self.downgrade()))
    }
}

/// A mock on the stack of its test, where it stays until the test ends.
pub struct Mocked {
    stack: Arc<MockStack>,
    number: u64,
}

impl Mocked {
    /// Runs a closure, exactly once, when the mock is popped: at the end of the test, on eviction, panic, timeout or a
    /// signal. At once if it has been popped already. The latest of several comes first; a panic in it fails the test.
    pub fn on_restore(self, restore: impl FnOnce() + Send + 'static) -> Self {
        if let Err(restore) = self.stack.add_restore(self.number, Box::new(restore)) {
            restore();
        }
        self
    }
}

impl fmt::Debug for Mocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mocked({})", self.number)
    }
}

/// A mock that is popped when this is dropped; see [`Test::mock_scoped`].
#[derive(Debug)]
#[must_use = "dropping this pops the mock at once: bind it to a name, or use t.mock"]
pub struct MockGuard {
    /// Taken when the guard is let go.
    mocked: Option<Mocked>,
}

impl MockGuard {
    /// See [`Mocked::on_restore`].
    pub fn on_restore(mut self, restore: impl FnOnce() + Send + 'static) -> Self {
        self.mocked = self.mocked.take().map(|mocked| mocked.on_restore(restore));
        self
    }

    /// Lets the mock stay until the test ends.
    pub fn keep(mut self) {
        self.mocked = None;
    }
}

impl Drop for MockGuard {
    fn drop(&mut self) {
        let Some(mocked) = self.mocked.take() else { return };
        if std::thread::panicking() {
            // A mock of mockall says nothing while its thread unwinds: it is verified when the test ends.
            mocked.stack.hide(mocked.number);
        } else {
            mocked.stack.remove(mocked.number);
        }
    }
}
