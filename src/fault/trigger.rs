//! When a fault fires: a chain of conditions, each of which sees only the hits that the one before let through.

use super::{Hit, what::Closure};
use crate::base::Seed;
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    fmt,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

/// One condition. A fault fires at the hits that pass all of its conditions; without any it always fires.
///
/// The order matters: each condition counts only what the one before let through, so `.after(2).first(3)` fires at hits
/// 3, 4 and 5.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Trigger {
    /// The first `n`.
    First(u64),
    /// The `n`th only, from 1.
    Nth(u64),
    /// All but the first `n`.
    After(u64),
    /// Each `n`th.
    Every(u64),
    /// Each with this probability, drawn from the seed of the test, the point, the key and the number of the hit.
    Probability(f64),
    /// Those whose argument `key` reads so.
    Key(String),
    /// Those from this time after the arming on, on the clock of the test.
    From(#[serde(with = "crate::base::duration")] Duration),
    /// Those within this time from the arming, on the clock of the test.
    Until(#[serde(with = "crate::base::duration")] Duration),
    /// Those that the closure wants; not in plans.
    #[serde(skip)]
    When(Predicate),
}

/// A closure that chooses among hits.
pub type Predicate = Closure<dyn Fn(&Hit<'_>) -> bool + Send + Sync>;

impl Trigger {
    /// What is wrong with it, if anything.
    pub(super) fn nonsense(&self) -> Option<String> {
        match self {
            Self::First(0) | Self::Nth(0) | Self::Every(0) => {
                Some(format!("`{self}` never fires: its number is at least 1"))
            }
            Self::Probability(p) if !(0.0..=1.0).contains(p) => {
                Some(format!("`{self}` is no probability: it is a number from 0.0 to 1.0"))
            }
            _ => None,
        }
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First(n) => write!(f, "first {n}"),
            Self::Nth(n) => write!(f, "nth {n}"),
            Self::After(n) => write!(f, "after {n}"),
            Self::Every(n) => write!(f, "every {n}"),
            Self::Probability(p) => write!(f, "probability {p}"),
            Self::Key(key) => write!(f, "key {key:?}"),
            Self::From(begin) => write!(f, "from {begin:?}"),
            Self::Until(limit) => write!(f, "until {limit:?}"),
            Self::When(_) => f.write_str("when"),
        }
    }
}

impl fmt::Debug for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The most keys that draws are counted for; the keys beyond share one count.
const KEYS: usize = 10_000;

/// The conditions of an armed fault, with their counts.
#[derive(Debug)]
pub(super) struct Chain {
    stages: Vec<Stage>,
    began: Instant,
    seed: Seed,
}

#[derive(Debug)]
struct Stage {
    trigger: Trigger,
    /// How many hits came as far as this condition. Each hit takes a number of its own from it; nothing else is ordered
    /// by it.
    seen: AtomicU64,
    draws: Mutex<HashMap<String, u64>>,
}

impl Chain {
    pub(super) fn new(triggers: &[Trigger], seed: Seed, began: Instant) -> Self {
        let stage = |trigger: &Trigger| Stage {
            trigger: trigger.clone(),
            seen: AtomicU64::new(0),
            draws: Mutex::new(HashMap::new()),
        };
        Self { stages: triggers.iter().map(stage).collect(), began, seed }
    }

    /// Whether this hit passes all conditions. Runs predicates of the user, so no lock may be held.
    pub(super) fn passes(&self, hit: &Hit<'_>) -> bool {
        self.stages.iter().all(|stage| {
            let number = stage.seen.fetch_add(1, Ordering::Relaxed) + 1;
            match &stage.trigger {
                Trigger::First(n) => number <= *n,
                Trigger::Nth(n) => number == *n,
                Trigger::After(n) => number > *n,
                Trigger::Every(n) => number.is_multiple_of(*n),
                Trigger::Probability(p) => stage.draw(self.seed, hit) < *p,
                Trigger::Key(key) => hit.key() == *key,
                Trigger::From(begin) => self.began.elapsed() >= *begin,
                Trigger::Until(limit) => self.began.elapsed() < *limit,
                Trigger::When(predicate) => predicate.get().is_some_and(|wanted| wanted(hit)),
            }
        })
    }

    pub(super) fn drop_closures(&self) {
        for stage in &self.stages {
            if let Trigger::When(predicate) = &stage.trigger {
                predicate.drop_it();
            }
        }
    }

    /// Whether enough has happened for a fault that has not fired to be no accident: with a probability the demand is
    /// that a draw was made.
    pub(super) fn had_its_chance(&self) -> bool {
        let draws = |stage: &&Stage| matches!(stage.trigger, Trigger::Probability(_));
        self.stages.iter().find(draws).is_some_and(|stage| stage.seen.load(Ordering::Relaxed) > 0)
    }
}

impl Stage {
    fn draw(&self, seed: Seed, hit: &Hit<'_>) -> f64 {
        let key = hit.key();
        let mut draws = crate::scope::lock(&self.draws);
        let counted = if draws.len() < KEYS || draws.contains_key(&key) { key.clone() } else { String::new() };
        let number = draws.entry(counted).or_insert(0);
        *number += 1;
        seed.draw_unit(hit.point, &key, *number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// At which of the first `hits` hits a chain fires.
    fn fires(triggers: &[Trigger], hits: u64) -> Vec<u64> {
        let chain = Chain::new(triggers, Seed::new(1), Instant::now());
        (1..=hits).filter(|number| chain.passes(&Hit { point: "p", fields: &[], number: *number })).collect()
    }

    #[test]
    fn each_condition_counts_what_the_one_before_let_through() {
        let table: &[(&[Trigger], &[u64])] = &[
            (&[], &[1, 2, 3, 4, 5, 6, 7, 8]),
            (&[Trigger::First(2)], &[1, 2]),
            (&[Trigger::Nth(3)], &[3]),
            (&[Trigger::After(6)], &[7, 8]),
            (&[Trigger::Every(3)], &[3, 6]),
            (&[Trigger::After(2), Trigger::First(3)], &[3, 4, 5]),
            (&[Trigger::First(3), Trigger::After(2)], &[3]),
            (&[Trigger::Every(2), Trigger::First(2)], &[2, 4]),
            (&[Trigger::Probability(0.0)], &[]),
            (&[Trigger::Probability(1.0), Trigger::Nth(2)], &[2]),
        ];
        for (triggers, expected) in table {
            assert_eq!(fires(triggers, 8), *expected, "{triggers:?}");
        }
    }

    #[test]
    fn a_probability_is_kept_to() {
        let fired = fires(&[Trigger::Probability(0.3)], 20_000).len();
        // The standard deviation of 20,000 draws at 0.3 is 65.
        assert!((5_700..6_300).contains(&fired), "{fired}");
    }

    #[test]
    fn draws_of_one_key_do_not_depend_on_other_keys() {
        let keyed = |keys: &[&str]| {
            let chain = Chain::new(&[Trigger::Probability(0.5)], Seed::new(9), Instant::now());
            let hit = |key: &&str| {
                let fields = [("key", crate::fault::Value::Str(key))];
                (*key == "a").then(|| chain.passes(&Hit { point: "p", fields: &fields, number: 0 })).or_else(|| {
                    chain.passes(&Hit { point: "p", fields: &fields, number: 0 });
                    None
                })
            };
            keys.iter().filter_map(hit).collect::<Vec<_>>()
        };
        assert_eq!(keyed(&["a"; 20]), keyed(&["b", "a", "c"].repeat(20)));
    }

    proptest! {
        #[test]
        fn every_chain_fires_at_a_subset_of_its_shorter_form(
            after in 0_u64..10, first in 1_u64..10, every in 1_u64..5,
        ) {
            let long = fires(&[Trigger::After(after), Trigger::Every(every), Trigger::First(first)], 60);
            let short = fires(&[Trigger::After(after), Trigger::Every(every)], 60);
            prop_assert_eq!(&long[..], &short[..long.len()]);
            prop_assert_eq!(long.len() as u64, first.min((60 - after) / every));
        }
    }
}
