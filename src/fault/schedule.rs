//! The order of a timeline's steps. Pure: it knows neither clocks nor what is disturbed.

use crate::base::{Error, Kind};
use std::time::Duration;

/// How many entries a timeline has at most.
const ENTRIES: usize = 1_000;

/// What is to begin and to end, and when.
#[derive(Debug, Default)]
pub(super) struct Plan {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    number: usize,
    next: Option<(Duration, Verb)>,
    begin: Duration,
    lasting: Option<Duration>,
    period: Option<Duration>,
}

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) at: Duration,
    pub(super) entry: usize,
    pub(super) verb: Verb,
}

/// In this order at the same moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verb {
    End,
    Begin,
}

impl Plan {
    pub(super) fn at(&mut self, number: usize, begin: Duration) {
        self.push(number, begin, None, None);
    }

    pub(super) fn between(&mut self, number: usize, begin: Duration, end: Duration) {
        // One that ends no later than it begins lasts no time, which is refused.
        self.push(number, begin, Some(end.saturating_sub(begin)), None);
    }

    pub(super) fn every(&mut self, number: usize, period: Duration, lasting: Duration) {
        self.push(number, period, Some(lasting), Some(period));
    }

    fn push(&mut self, number: usize, begin: Duration, lasting: Option<Duration>, period: Option<Duration>) {
        self.entries.push(Entry { number, next: Some((begin, Verb::Begin)), begin, lasting, period });
    }

    /// What is wrong with it.
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.entries.is_empty() {
            return Err(Error::invalid("the timeline is empty: say what happens with .at, .between or .every"));
        }
        if self.entries.len() > ENTRIES {
            let text = format!("a timeline has at most {ENTRIES} entries, this one has {}", self.entries.len());
            return Err(Error::new(Kind::Limit, text));
        }
        self.entries.iter().try_for_each(Entry::check)
    }

    /// The next step, in the order of time. Every step is given once.
    pub(super) fn next(&mut self) -> Option<Step> {
        let due = self.entries.iter_mut().filter(|entry| entry.next.is_some());
        let entry = due.min_by_key(|entry| entry.next)?;
        let (at, verb) = entry.next.take()?;
        entry.next = match verb {
            // A time beyond what can be said never comes.
            Verb::Begin => entry.lasting.and_then(|lasting| at.checked_add(lasting)).map(|end| (end, Verb::End)),
            Verb::End => entry.period.and_then(|period| {
                entry.begin = entry.begin.checked_add(period)?;
                Some((entry.begin, Verb::Begin))
            }),
        };
        Some(Step { at, entry: entry.number, verb })
    }
}

impl Entry {
    fn check(&self) -> Result<(), Error> {
        let text = match (self.period, self.lasting) {
            (Some(Duration::ZERO), _) => "a period of 0 has no end of beginnings: make it longer".to_owned(),
            (Some(period), Some(lasting)) if lasting >= period => {
                format!("what lasts {lasting:?} overlaps with itself every {period:?}: make it shorter than the period")
            }
            (_, Some(Duration::ZERO)) => {
                let begin = self.begin;
                format!("what begins at {begin:?} ends no later than that: let it end later, or use .at")
            }
            _ => return Ok(()),
        };
        Err(Error::invalid(format!("entry {} of the timeline makes no sense: {text}", self.number + 1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn steps(mut plan: Plan, count: usize) -> Vec<(u64, usize, Verb)> {
        plan.check().unwrap();
        let steps = std::iter::from_fn(|| plan.next()).take(count);
        steps.map(|step| (step.at.as_millis() as u64, step.entry, step.verb)).collect()
    }

    #[test]
    fn steps_come_in_the_order_of_time_and_ends_before_beginnings() {
        let mut plan = Plan::default();
        plan.between(0, ms(10), ms(30));
        plan.at(1, ms(30));
        plan.every(2, ms(10), ms(5));
        let expected = [
            (10, 0, Verb::Begin),
            (10, 2, Verb::Begin),
            (15, 2, Verb::End),
            (20, 2, Verb::Begin),
            (25, 2, Verb::End),
            (30, 0, Verb::End),
            (30, 1, Verb::Begin),
            (30, 2, Verb::Begin),
            (35, 2, Verb::End),
        ];
        assert_eq!(steps(plan, 9), expected);
    }

    #[test]
    fn a_plan_ends_unless_something_repeats() {
        let mut plan = Plan::default();
        plan.between(0, ms(0), ms(1));
        plan.at(1, Duration::MAX);
        assert_eq!(steps(plan, 10).len(), 3);
        let mut plan = Plan::default();
        plan.every(0, Duration::MAX, ms(1));
        assert_eq!(steps(plan, 10).len(), 1, "the end would be beyond what can be said");
    }

    #[test]
    fn nonsense_is_refused() {
        let refused = |describe: fn(&mut Plan)| {
            let mut plan = Plan::default();
            describe(&mut plan);
            plan.check().unwrap_err().to_string()
        };
        assert!(refused(|_| ()).contains("is empty"));
        assert!(refused(|plan| plan.between(0, ms(5), ms(5))).contains("ends no later"));
        assert!(refused(|plan| plan.between(0, ms(5), ms(4))).contains("ends no later"));
        assert!(refused(|plan| plan.every(0, ms(0), ms(0))).contains("a period of 0"));
        assert!(refused(|plan| plan.every(0, ms(5), ms(5))).contains("overlaps with itself"));
        assert!(refused(|plan| plan.every(0, ms(5), ms(0))).contains("ends no later"));
        assert!(refused(|plan| (0..1_001).for_each(|number| plan.at(number, ms(1)))).contains("at most 1000"));
    }
}
