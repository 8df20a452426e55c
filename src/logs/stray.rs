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

/// How many of them a failing test prints.
const TAIL: usize = 5;

static STRAYS: Mutex<Ring<(Instant, LogLine)>> = Mutex::new(Ring::new(LIMIT));

pub(super) fn push(line: LogLine) {
    lock(&STRAYS).push((Instant::now(), line));
}

/// Those since the test began, with the time since then.
pub(super) fn since(scope: &Scope) -> Vec<LogLine> {
    let Some(began) = Instant::now().checked_sub(scope.elapsed()) else { return Vec::new() };
    let strays = lock(&STRAYS);
    let since = |at: &Instant| at.checked_duration_since(began);
    let timed = |at: Duration, line: &LogLine| LogLine { at, ..line.clone() };
    strays.iter().filter_map(|(at, line)| since(at).map(|at| timed(at, line))).collect()
}

/// Their end, for the report of a failing test.
pub(super) fn section(scope: &Scope) -> Option<String> {
    let lines = since(scope);
    let (shown, text) = tail::tail(lines.iter(), TAIL);
    (shown > 0).then(|| format!("  logs of no test (last {shown} of {}):\n{text}", count(lines.len() as u64)))
}
