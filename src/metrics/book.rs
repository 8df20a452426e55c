//! What one test has recorded.

use super::histogram::Histogram;
use crate::{
    base::count,
    scope::{Finding, Part, Scope, lock},
};
use metrics::Key;
use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::{Arc, Mutex, MutexGuard},
};

/// How many keys a test holds, over all kinds.
pub const METRIC_LIMIT: usize = 10_000;

/// How many values all histograms of a test keep.
const VALUES: usize = 1_000_000;

/// How many names of dropped records a test holds.
const REFUSED_NAMES: usize = 100;

/// What one test has recorded.
pub(super) struct MetricBook {
    state: Mutex<State>,
}

/// The metrics of one test.
pub(super) struct State {
    pub(super) counters: HashMap<Key, u64>,
    pub(super) gauges: HashMap<Key, f64>,
    pub(super) histograms: HashMap<Key, Histogram>,
    /// How many values can still be kept.
    room: usize,
    /// How often a value came to a histogram, which numbers the values.
    recorded: u64,
    /// Records that were dropped because there was no room for their key.
    pub(super) refused: u64,
    /// Their names; once there are as many as it holds, it may be any name.
    refused_names: HashSet<String>,
}

impl MetricBook {
    pub(super) fn of(scope: &Scope) -> Arc<Self> {
        scope.part_or_insert(|| Self {
            state: Mutex::new(State {
                counters: HashMap::new(),
                gauges: HashMap::new(),
                histograms: HashMap::new(),
                room: VALUES,
                recorded: 0,
                refused: 0,
                refused_names: HashSet::new(),
            }),
        })
    }

    pub(super) fn look(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Records something for the test that the calling thread belongs to.
    pub(super) fn record(change: impl FnOnce(&mut State)) {
        let Some(scope) = crate::scope::current() else { return };
        let book = Self::of(&scope);
        let mut state = lock(&book.state);
        let before = state.refused;
        change(&mut state);
        let is_first_refused = before == 0 && state.refused > 0;
        drop(state);
        if is_first_refused {
            scope.record("metrics", "records with new keys are dropped from here on: the test holds too many");
        }
    }
}

impl Part for MetricBook {
    fn findings(&self) -> Vec<Finding> {
        let refused = self.look().refused;
        if refused > 0 { vec![Finding::note(refusal(refused))] } else { Vec::new() }
    }
}

/// Why records were dropped.
pub(super) fn refusal(refused: u64) -> String {
    format!(
        "{} records were dropped: the test holds {} metrics already (is there a label with ever new values?)",
        count(refused),
        count(METRIC_LIMIT as u64)
    )
}

impl State {
    pub(super) fn counter(&mut self, key: &Key, change: impl FnOnce(u64) -> u64) {
        let is_full = self.is_full();
        match slot(&mut self.counters, key, is_full) {
            Some(value) => *value = change(*value),
            None => self.refuse(key, 1),
        }
    }

    pub(super) fn gauge(&mut self, key: &Key, change: impl FnOnce(f64) -> f64) {
        let is_full = self.is_full();
        match slot(&mut self.gauges, key, is_full) {
            Some(value) => *value = change(*value),
            None => self.refuse(key, 1),
        }
    }

    pub(super) fn histogram(&mut self, key: &Key, value: f64, times: usize) {
        let is_full = self.is_full();
        match slot(&mut self.histograms, key, is_full) {
            Some(histogram) => {
                self.recorded += 1;
                histogram.record((self.recorded, value), times, &mut self.room);
            }
            None => self.refuse(key, times),
        }
    }

    /// All that was recorded.
    pub(super) fn keys(&self) -> impl Iterator<Item = &Key> {
        self.counters.keys().chain(self.gauges.keys()).chain(self.histograms.keys())
    }

    fn refuse(&mut self, key: &Key, times: usize) {
        self.refused += times as u64;
        if self.refused_names.len() < REFUSED_NAMES && !self.refused_names.contains(key.name()) {
            self.refused_names.insert(key.name().to_owned());
        }
    }

    /// Whether a record with this name may have been dropped.
    pub(super) fn may_have_refused(&self, name: &str) -> bool {
        self.refused_names.contains(name) || self.refused_names.len() == REFUSED_NAMES
    }

    fn is_full(&self) -> bool {
        self.counters.len() + self.gauges.len() + self.histograms.len() >= METRIC_LIMIT
    }
}

/// The value of a key; `None` if it is new and there is no room.
#[allow(clippy::mutable_key_type, reason = "what changes inside a key is the memory of its own hash")]
fn slot<'a, T: Default>(values: &'a mut HashMap<Key, T>, key: &Key, is_full: bool) -> Option<&'a mut T> {
    if !values.contains_key(key) {
        if is_full {
            return None;
        }
        values.insert(key.clone(), T::default());
    }
    values.get_mut(key)
}

impl fmt::Debug for MetricBook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.look();
        write!(f, "MetricBook({} keys)", state.counters.len() + state.gauges.len() + state.histograms.len())
    }
}
