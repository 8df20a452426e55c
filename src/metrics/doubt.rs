//! Answers that would say nothing, and are refused.

use super::{
    assert::{listed, shown},
    book::{MetricBook, State, refusal},
    near::is_slip,
    query::Wanted,
};
use metrics::Key;
use std::{fmt, sync::MutexGuard};

/// What kind of metric is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

impl Kind {
    /// What was recorded as this.
    pub(super) fn keys(self, state: &State) -> Box<dyn Iterator<Item = &Key> + '_> {
        match self {
            Self::Counter => Box::new(state.counters.keys()),
            Self::Gauge => Box::new(state.gauges.keys()),
            Self::Histogram => Box::new(state.histograms.keys()),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        })
    }
}

/// An answer that says nothing.
pub(super) struct Doubt {
    headline: String,
    happened: String,
}

impl Doubt {
    /// Why the answer to a question for such a metric says nothing.
    pub(super) fn about(kind: Kind, wanted: &Wanted, state: &State) -> Option<Self> {
        Self::refused(kind, wanted, state).or_else(|| {
            let happened = mistaken(kind, wanted, state)?;
            Some(Self { headline: format!("nothing was recorded as the {kind} {wanted}"), happened })
        })
    }

    /// Records were dropped that it may be about.
    fn refused(kind: Kind, wanted: &Wanted, state: &State) -> Option<Self> {
        state.may_have_refused(&wanted.name).then(|| Self {
            headline: format!("nobody can know the {kind} {wanted}"),
            happened: refusal(state.refused),
        })
    }

    /// In the words of the judges of this crate.
    pub(super) fn told(&self, expected: &str) -> String {
        format!("{}\n  expected: {expected}\n  happened: {}", self.headline, self.happened)
    }
}

/// Why the metric that is asked for is hardly the one that is meant.
fn mistaken(kind: Kind, wanted: &Wanted, state: &State) -> Option<String> {
    let name = wanted.name.as_str();
    let never = "if this one must never be recorded, say .assert_never()";
    let sets: Vec<&Key> = kind.keys(state).filter(|key| key.name() == name).collect();
    if sets.is_empty() {
        if let Some(other) = other_kind(name, state) {
            return Some(recorded_as(name, other));
        }
        let slip = state.keys().map(Key::name).filter(|other| is_slip(name, other)).min()?;
        return Some(format!("no `{name}` was recorded, but `{slip}` was, which comes near: ask for that, or {never}"));
    }
    if sets.iter().any(|key| wanted.matches(key)) {
        return None;
    }
    let known = || sets.iter().flat_map(|key| key.labels()).map(|label| label.key());
    let missing = wanted.labels.iter().map(|(key, _)| key.as_str()).filter(|key| !known().any(|other| other == *key));
    let slips = missing.filter_map(|key| Some((key, known().filter(|other| is_slip(key, other)).min()?)));
    slips.min().map(|(key, slip)| {
        format!("`{name}` has no label `{key}`, but `{slip}`, which comes near: ask for that, or {never}")
    })
}

/// What else this name was recorded as.
pub(super) fn other_kind(name: &str, state: &State) -> Option<Kind> {
    [Kind::Counter, Kind::Gauge, Kind::Histogram]
        .into_iter()
        .find(|kind| kind.keys(state).any(|key| key.name() == name))
}

/// What to ask instead.
pub(super) fn recorded_as(name: &str, kind: Kind) -> String {
    format!("`{name}` was recorded as a {kind}: ask t.metrics().{kind}(..)")
}

impl MetricBook {
    /// The metrics, to be asked for one, unless the answer would say nothing.
    #[track_caller]
    pub(super) fn asked(&self, kind: Kind, wanted: &Wanted) -> MutexGuard<'_, State> {
        let state = self.look();
        if let Some(doubt) = Doubt::about(kind, wanted, &state) {
            // Whoever looks on in a panic hook may record.
            drop(state);
            panic!("{}", doubt.told(&format!("records of the {kind} {wanted}, or of no other that comes near")));
        }
        state
    }

    /// Fails the test if such a metric was recorded.
    #[track_caller]
    pub(super) fn assert_never(&self, kind: Kind, wanted: &Wanted) {
        let state = self.look();
        let found = listed(shown(&state, &|key| wanted.matches(key)));
        let expected = format!("the {kind} {wanted} never to be recorded");
        let text = if found.is_empty() {
            Doubt::refused(kind, wanted, &state).map(|doubt| doubt.told(&expected))
        } else {
            let happened = found.join("\n            ");
            Some(format!("the {kind} {wanted} was recorded\n  expected: {expected}\n  happened: {happened}"))
        };
        drop(state);
        if let Some(text) = text {
            panic!("{text}");
        }
    }
}
