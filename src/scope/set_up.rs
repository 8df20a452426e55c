//! Which fixtures are being set up: a test that ends meanwhile has not failed, its set-up has.

use super::lock;
use std::sync::Mutex;

/// The set-ups of one test that are under way or did not succeed.
#[derive(Debug, Default)]
pub(super) struct SetUps {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    /// By number: the latest last.
    under_way: Vec<(u64, String)>,
    /// An argument of the test could not be set up.
    failed: Option<String>,
}

/// One set-up that is under way.
#[derive(Debug)]
pub(crate) struct SettingUp<'a> {
    set_ups: &'a SetUps,
    number: u64,
}

impl SetUps {
    /// The set-up of a fixture begins; `what` names it and those that asked for it.
    pub(super) fn begin(&self, what: String) -> SettingUp<'_> {
        let mut state = lock(&self.state);
        state.next += 1;
        let number = state.next;
        state.under_way.push((number, what));
        SettingUp { set_ups: self, number }
    }

    /// A fixture that the test cannot do without is not there.
    pub(super) fn failed(&self, what: String) {
        lock(&self.state).failed = Some(what);
    }

    /// The fixture that the test cannot do without and that is not there.
    pub(super) fn failure(&self) -> Option<String> {
        lock(&self.state).failed.clone()
    }

    /// The fixture that a body which did not come to an end was waiting for.
    pub(super) fn unfinished(&self) -> Option<String> {
        let state = lock(&self.state);
        state.failed.clone().or_else(|| Some(state.under_way.last()?.1.clone()))
    }
}

impl Drop for SettingUp<'_> {
    fn drop(&mut self) {
        // Whoever unwinds from a set-up leaves it here for the report.
        if !std::thread::panicking() {
            lock(&self.set_ups.state).under_way.retain(|(number, _)| *number != self.number);
        }
    }
}
