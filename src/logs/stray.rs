//! Lines that belong to no test: of threads that nobody has bound, and of what outlives its test.

use super::{line::LogLine, tail};
use crate::{
    base::{Ring, count},
    scope::{Scope, lock},
};
use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

/// How many of them the process holds.
const LIMIT: usize = 1_000;

/// Of how many of them the process holds the time, so that those of a test can be counted.
const COUNTED: usize = 100_000;

/// How many of them a failing test prints.
const TAIL: usize = 5;

static STRAYS: Mutex<Strays> = Mutex::new(Strays { lines: Ring::new(LIMIT), times: Ring::new(COUNTED) });

struct Strays {
    lines: Ring<(Instant, LogLine)>,
    /// Those of all lines, the dropped ones too.
    times: Ring<Instant>,
}

pub(super) fn push(line: LogLine) {
    lock(&STRAYS).push(Instant::now(), line);
}

/// Those since the test began that are still held, with the time since then.
pub(super) fn since(scope: &Scope) -> Vec<LogLine> {
    began(scope).map_or_else(Vec::new, |began| lock(&STRAYS).since(began))
}

fn began(scope: &Scope) -> Option<Instant> {
    Instant::now().checked_sub(scope.elapsed())
}

impl Strays {
    fn push(&mut self, at: Instant, line: LogLine) {
        self.lines.push((at, line));
        self.times.push(at);
    }

    fn since(&self, began: Instant) -> Vec<LogLine> {
        let since = |at: &Instant| at.checked_duration_since(began);
        let timed = |at: Duration, line: &LogLine| LogLine { at, ..line.clone() };
        self.lines.iter().filter_map(|(at, line)| since(at).map(|at| timed(at, line))).collect()
    }

    /// How many there were since then, the dropped ones too.
    fn counted(&self, began: Instant) -> String {
        let known = self.times.iter().rev().take_while(|at| **at >= began).count();
        // Of those whose time was dropped too nobody knows whether they came before.
        let is_least = known == COUNTED && self.times.pushed() > COUNTED as u64;
        format!("{}{}", if is_least { "at least " } else { "" }, count(known as u64))
    }
}

/// Their end, for the report of a failing test.
pub(super) fn section(scope: &Scope) -> Option<String> {
    let began = began(scope)?;
    let Some(strays) = tail::patiently(&STRAYS) else { return Some(tail::locked("logs of no test")) };
    let (lines, counted) = (strays.since(began), strays.counted(began));
    drop(strays);
    let (shown, text) = tail::tail(lines.iter(), TAIL);
    (shown > 0).then(|| format!("  logs of no test (last {shown} of {counted}):\n{text}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::line::tests::line;
    use tracing::Level;

    #[test]
    fn all_lines_since_the_test_began_are_counted_and_the_last_are_held() {
        let mut strays = Strays { lines: Ring::new(LIMIT), times: Ring::new(COUNTED) };
        let start = Instant::now();
        let at = |number: usize| start + Duration::from_micros(number as u64);
        let push = |strays: &mut Strays, number| strays.push(at(number), line(Level::INFO, "shop", "polled"));
        (0..5_000).for_each(|number| push(&mut strays, number));
        assert_eq!((strays.since(at(0)).len(), strays.counted(at(0)).as_str()), (LIMIT, "5,000"));
        assert_eq!((strays.since(at(4_990)).len(), strays.counted(at(4_990)).as_str()), (10, "10"));
        (5_000..COUNTED + 1).for_each(|number| push(&mut strays, number));
        assert_eq!(strays.counted(at(0)), "at least 100,000");
        assert_eq!(strays.counted(at(2)), "99,999");
    }
}
