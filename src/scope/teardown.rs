//! What is to be undone when a test ends: a stack of closures and futures.

use super::watch::StepKind;
use std::{borrow::Cow, fmt, panic::Location, pin::Pin, sync::Mutex};

/// One thing to undo.
pub(crate) struct Undo {
    pub(super) what: Cow<'static, str>,
    pub(super) action: Action,
    pub(super) kind: StepKind,
}

pub(super) enum Action {
    Now(Box<dyn FnOnce() + Send>),
    Later(Pin<Box<dyn Future<Output = ()> + Send>>),
}

impl Undo {
    /// `what` names the thing in a report, such as "the teardown deferred at src/shop.rs:12:5".
    pub(crate) fn now(what: impl Into<Cow<'static, str>>, action: impl FnOnce() + Send + 'static) -> Self {
        Self { what: what.into(), action: Action::Now(Box::new(action)), kind: StepKind::Undo }
    }

    pub(crate) fn later(what: impl Into<Cow<'static, str>>, action: impl Future<Output = ()> + Send + 'static) -> Self {
        Self { what: what.into(), action: Action::Later(Box::pin(action)), kind: StepKind::Undo }
    }

    /// It tears down a test of its own, in another process: when a signal leaves little time, it has most of it.
    pub(crate) fn with_most_of_the_time(mut self) -> Self {
        self.kind = StepKind::Child;
        self
    }
}

impl fmt::Debug for Undo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Undo({})", self.what)
    }
}

/// The name of what was registered at a place.
pub(super) fn named(what: &str, place: &Location<'_>) -> String {
    format!("{what} at {}:{}:{}", place.file(), place.line(), place.column())
}

/// The stack itself. What is registered while it is taken down is undone next; once it is closed nothing can be
/// registered any more.
#[derive(Debug, Default)]
pub(super) struct Teardowns {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    stack: Vec<Undo>,
    closed: bool,
}

impl Teardowns {
    /// Puts one more thing on the stack, or gives it back when the stack is closed.
    pub(super) fn push(&self, undo: Undo) -> Result<(), Undo> {
        let mut state = super::lock(&self.state);
        if state.closed {
            return Err(undo);
        }
        state.stack.push(undo);
        Ok(())
    }

    pub(super) fn pop(&self) -> Option<Undo> {
        super::lock(&self.state).stack.pop()
    }

    pub(super) fn len(&self) -> usize {
        super::lock(&self.state).stack.len()
    }

    /// Closes the stack if it is empty; false when something was registered in the meantime.
    pub(super) fn close(&self) -> bool {
        let mut state = super::lock(&self.state);
        state.closed = state.stack.is_empty();
        state.closed
    }
}
