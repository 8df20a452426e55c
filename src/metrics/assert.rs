//! The judgements on metrics, and what they say.

use super::{
    book::{State, refusal},
    doubt::{Doubt, Kind, other_kind, recorded_as},
    query::{CounterQuery, GaugeQuery, Wanted},
};
use crate::base::{count, nearest};
use metrics::Key;
use std::fmt;

/// How many metrics a failure shows.
const SHOWN: usize = 10;

impl CounterQuery {
    /// Fails the test if the sum over all label sets that match is another one.
    ///
    /// A counter that was never recorded has the value 0; [`assert_never`](Self::assert_never) tells it from one that
    /// was recorded with 0.
    ///
    /// # Panics
    /// If it is another one, with the label sets of this counter, or the names that come near to it; if [the answer
    /// would say nothing](crate::metrics#answers-that-would-say-nothing).
    #[track_caller]
    pub fn assert_value(&self, expected: u64) {
        let state = self.book.look();
        let value = self.sum(&state);
        let wanted = format!("the counter {} to be {}", self.wanted, count(expected));
        if value == expected {
            let doubt = Doubt::about(Kind::Counter, &self.wanted, &state).map(|doubt| doubt.told(&wanted));
            drop(state);
            // A closure would not be tracked to the caller.
            match doubt {
                Some(doubt) => panic!("{doubt}"),
                None => return,
            }
        }
        let mut happened = vec![format!("it is {}", count(value))];
        happened.extend(self.explain(&state));
        if state.refused > 0 {
            happened.push(refusal(state.refused));
        }
        // Whoever looks on in a panic hook may record.
        drop(state);
        panic!(
            "the counter {} has another value\n  expected: {wanted}\n  happened: {}",
            self.wanted,
            happened.join("\n            "),
        );
    }

    /// What there is that was or might have been meant.
    fn explain(&self, state: &State) -> Vec<String> {
        let name = self.wanted.name.as_str();
        let sets = |state: &State, matching: &dyn Fn(&Key) -> bool| {
            let sets = state.counters.iter().filter(|(key, _)| matching(key));
            listed(sets.map(|(key, value)| format!("{} = {}", Shown(key), count(*value))).collect())
        };
        let matching = sets(state, &|key| self.wanted.matches(key));
        if !matching.is_empty() {
            return matching;
        }
        let of_this_name = sets(state, &|key| key.name() == name);
        if !of_this_name.is_empty() {
            return [vec!["it was recorded with other labels only:".to_owned()], of_this_name].concat();
        }
        if let Some(kind) = other_kind(name, state) {
            return vec![recorded_as(name, kind)];
        }
        let near = nearest(name, state.counters.keys().map(Key::name));
        let hint = near.first().map(|near| format!(": did you mean `{near}`?")).unwrap_or_default();
        let all = listed(shown(state, &|_| true));
        let recorded = if all.is_empty() { "nothing was recorded at all" } else { "recorded were:" };
        [vec![format!("no counter `{name}` was recorded{hint}"), recorded.to_owned()], all].concat()
    }
}

impl GaugeQuery {
    /// Why it has no one value.
    pub(super) fn ambiguous(&self, state: &State) -> String {
        let sets = state.gauges.iter().filter(|(key, _)| self.wanted.matches(key));
        format!(
            "the gauge {} has several values\n  expected: one label set, chosen with .label(key, value)\n  \
             happened: {}",
            self.wanted,
            listed(sets.map(|(key, value)| format!("{} = {value}", Shown(key))).collect()).join("\n            ")
        )
    }
}

/// What was recorded of the keys that match.
pub(super) fn shown(state: &State, matching: &dyn Fn(&Key) -> bool) -> Vec<String> {
    let counters = state.counters.iter().filter(|(key, _)| matching(key));
    let gauges = state.gauges.iter().filter(|(key, _)| matching(key));
    let histograms = state.histograms.iter().filter(|(key, _)| matching(key));
    let counters = counters.map(|(key, value)| format!("{} = {}", Shown(key), count(*value)));
    let gauges = gauges.map(|(key, value)| format!("{} = {value} (gauge)", Shown(key)));
    let histograms = histograms
        .map(|(key, histogram)| format!("{}: recorded {} times (histogram)", Shown(key), count(histogram.count)));
    counters.chain(gauges).chain(histograms).collect()
}

/// The first of them in the order of the alphabet, and how many more there are.
pub(super) fn listed(mut lines: Vec<String>) -> Vec<String> {
    lines.sort_unstable();
    let more = lines.len().saturating_sub(SHOWN);
    lines.truncate(SHOWN);
    if more > 0 {
        lines.push(format!("and {} more", count(more as u64)));
    }
    lines
}

/// A key as in `orders{kind="card"}`.
struct Shown<'a>(&'a Key);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())?;
        let labels: Vec<String> = self.0.labels().map(|label| format!("{}={:?}", label.key(), label.value())).collect();
        if labels.is_empty() { Ok(()) } else { write!(f, "{{{}}}", labels.join(", ")) }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.name)?;
        let labels: Vec<String> = self.labels.iter().map(|(key, value)| format!("{key}={value:?}")).collect();
        if labels.is_empty() { Ok(()) } else { write!(f, " with {}", labels.join(", ")) }
    }
}
