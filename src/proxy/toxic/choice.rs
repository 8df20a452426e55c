//! Which connections a toxic acts on. Pure: what is known of a connection comes as an argument.

use std::fmt;
use std::sync::Arc;

/// How much of what a client sent first is kept for [`Choice::matching`].
pub(in crate::proxy) const HEARD: usize = 1024;

/// How many connections can be named by their numbers.
pub(super) const MAX_NUMBERS: usize = 1_000;

type Predicate = Arc<dyn Fn(&[u8]) -> bool + Send + Sync>;

/// The conditions beside a toxic. A connection meets the toxic if it fulfils all of them.
#[derive(Clone, Default)]
pub(in crate::proxy) struct Choice {
    numbers: Vec<u64>,
    toxicity: Option<f64>,
    matching: Option<Predicate>,
    first: Option<u64>,
    optional: bool,
}

/// What is known of a connection when a toxic asks for it.
pub(in crate::proxy) struct Candidate<'a> {
    /// From 1, in the order of accepting.
    pub(in crate::proxy) number: u64,
    /// Whether it was accepted after the toxic was armed.
    pub(in crate::proxy) is_new: bool,
    /// How many connections the toxic has chosen before.
    pub(in crate::proxy) chosen: u64,
    /// In `0.0..1.0`, the same whenever it is asked for.
    pub(in crate::proxy) draw: f64,
    /// The first bytes of its client; empty while there are none.
    pub(in crate::proxy) heard: &'a [u8],
}

/// Whether a connection meets the toxic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::proxy) enum Answer {
    Yes,
    No,
    /// It does not: all conditions hold, and the draw has spared it.
    Spared,
    /// That depends on what the client has yet to send.
    NotYet,
}

impl Choice {
    #[track_caller]
    pub(super) fn first(&mut self, n: u64) {
        assert!(n > 0, "`first` must be above 0: a toxic that no connection meets does nothing");
        self.first = Some(n);
    }

    #[track_caller]
    pub(super) fn connection(&mut self, number: u64) {
        assert!(number > 0, "`connection` counts from 1: 0 is no connection");
        assert!(self.numbers.len() < MAX_NUMBERS, "`connection` names {MAX_NUMBERS} connections at most");
        self.numbers.push(number);
    }

    #[track_caller]
    pub(super) fn toxicity(&mut self, p: f64) {
        assert!((0.0..=1.0).contains(&p), "`toxicity` must be from 0.0 to 1.0, but is {p}");
        self.toxicity = Some(p);
    }

    pub(super) fn matching(&mut self, wanted: Predicate) {
        self.matching = Some(wanted);
    }

    pub(super) fn optional(&mut self) {
        self.optional = true;
    }

    pub(in crate::proxy) fn is_optional(&self) -> bool {
        self.optional
    }

    /// Whether every connection meets the toxic.
    pub(in crate::proxy) fn is_everyone(&self) -> bool {
        self.numbers.is_empty() && self.toxicity.is_none() && self.matching.is_none() && self.first.is_none()
    }

    /// Whether bytes of the client are asked for.
    pub(in crate::proxy) fn listens(&self) -> bool {
        self.matching.is_some()
    }

    /// Whether a draw decides: then the draw is what the toxic must have met.
    pub(in crate::proxy) fn draws(&self) -> bool {
        self.toxicity.is_some()
    }

    /// Runs a closure of the user. What fulfils all conditions but `first` counts for `first`.
    pub(in crate::proxy) fn asks(&self, candidate: &Candidate<'_>) -> Answer {
        let out_of_question = self.first.is_some_and(|first| !candidate.is_new || candidate.chosen >= first)
            || !(self.numbers.is_empty() || self.numbers.contains(&candidate.number));
        match &self.matching {
            _ if out_of_question => Answer::No,
            Some(_) if candidate.heard.is_empty() => Answer::NotYet,
            Some(wanted) if !wanted(candidate.heard) => Answer::No,
            // Last: where a draw decides, the draw is what the toxic must have met.
            _ if self.toxicity.is_some_and(|p| candidate.draw >= p) => Answer::Spared,
            _ => Answer::Yes,
        }
    }
}

/// As it stands behind the name of the toxic.
impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.numbers.is_empty() {
            let numbers: Vec<_> = self.numbers.iter().take(10).map(u64::to_string).collect();
            let more = if self.numbers.len() > 10 { " .." } else { "" };
            write!(f, ", connection {}{more}", numbers.join(" and "))?;
        }
        if let Some(p) = self.toxicity {
            write!(f, ", toxicity {p}")?;
        }
        if self.matching.is_some() {
            f.write_str(", matching")?;
        }
        if let Some(first) = self.first {
            write!(f, ", first {first}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANYBODY: Candidate<'_> = Candidate { number: 3, is_new: true, chosen: 0, draw: 0.5, heard: b"" };

    fn choice(describe: impl FnOnce(&mut Choice)) -> Choice {
        let mut choice = Choice::default();
        describe(&mut choice);
        choice
    }

    #[test]
    fn everyone_is_chosen_unless_something_is_asked_for() {
        assert!(Choice::default().is_everyone());
        assert_eq!(Choice::default().asks(&ANYBODY), Answer::Yes);
        assert!(choice(Choice::optional).is_everyone());
    }

    #[test]
    fn the_first_ones_are_new_ones_and_run_out() {
        let first = choice(|choice| choice.first(2));
        assert_eq!(first.asks(&ANYBODY), Answer::Yes);
        assert_eq!(first.asks(&Candidate { chosen: 1, ..ANYBODY }), Answer::Yes);
        assert_eq!(first.asks(&Candidate { chosen: 2, ..ANYBODY }), Answer::No);
        assert_eq!(first.asks(&Candidate { is_new: false, ..ANYBODY }), Answer::No);
    }

    #[test]
    fn a_draw_below_the_toxicity_is_chosen() {
        for (p, draw, answer) in [
            (0.0, 0.0, Answer::Spared),
            (0.5, 0.499, Answer::Yes),
            (0.5, 0.5, Answer::Spared),
            (1.0, 0.999_999, Answer::Yes),
        ] {
            let toxicity = choice(|choice| choice.toxicity(p));
            assert_eq!(toxicity.asks(&Candidate { draw, ..ANYBODY }), answer, "{p} {draw}");
        }
    }

    #[test]
    fn all_conditions_must_hold_and_bytes_are_asked_for_last() {
        let all = choice(|choice| {
            choice.connection(3);
            choice.connection(4);
            choice.matching(Arc::new(|heard| heard.starts_with(b"GET")));
        });
        assert_eq!(all.to_string(), ", connection 3 and 4, matching");
        assert_eq!(all.asks(&ANYBODY), Answer::NotYet);
        assert_eq!(all.asks(&Candidate { number: 5, ..ANYBODY }), Answer::No);
        assert_eq!(all.asks(&Candidate { heard: b"GET /", ..ANYBODY }), Answer::Yes);
        assert_eq!(all.asks(&Candidate { number: 4, heard: b"PUT /", ..ANYBODY }), Answer::No);
    }
}
