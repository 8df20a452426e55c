//! What a run says at its end beside what libtest says: flaky tests, set-ups that failed, what was skipped, the slowest,
//! the lines that repeat the failing ones.

use super::record::{Record, RecordOutcome};
use std::{collections::BTreeMap, fmt::Write, time::Duration};

/// How many tests of a kind are named.
const NAMED: usize = 10;

/// How many of the slowest are named.
const SLOWEST: usize = 3;

/// The summary; empty if there is nothing to add to what libtest says.
pub(super) fn summary(records: &[Record], took: Duration) -> String {
    let of = |outcome| records.iter().filter(move |record| record.outcome == outcome);
    let ran = records.len() - of(RecordOutcome::Skipped).count();
    if records.len() < 2 {
        return String::new();
    }
    let mut text = format!("qtests: {ran} test(s) in {:.2} s\n", took.as_secs_f64());
    for record in of(RecordOutcome::Flaky).take(NAMED) {
        let first = record.labelled("happened:").unwrap_or_default();
        let _ =
            writeln!(text, "  flaky:    `{}` passed at try {}; the first: {first}", record.meta.name(), record.tries);
    }
    for record in of(RecordOutcome::SetUpFailed).take(NAMED) {
        let why = record.labelled("happened:").unwrap_or_default();
        let _ = writeln!(text, "  set-up:   `{}` did not begin: {why}", record.meta.name());
    }
    for record in records.iter().filter(|record| record.outcome.is_failure()).take(NAMED) {
        let _ = writeln!(text, "  repeat:   {}", record.labelled("repeat with:").unwrap_or(record.meta.name()));
    }
    let mut skipped: BTreeMap<&str, usize> = BTreeMap::new();
    for record in of(RecordOutcome::Skipped) {
        *skipped.entry(&record.text).or_default() += 1;
    }
    for (why, count) in skipped {
        let _ = writeln!(text, "  skipped:  {count}, because {why}");
    }
    if ran > 0 {
        let _ = writeln!(text, "  slowest:  {}", slowest(records));
    }
    text
}

fn slowest(records: &[Record]) -> String {
    let mut by_time: Vec<&Record> = records.iter().filter(|record| record.tries > 0).collect();
    by_time.sort_by(|a, b| b.took.cmp(&a.took).then_with(|| a.meta.name().cmp(b.meta.name())));
    let named = by_time.iter().take(SLOWEST);
    let told: Vec<String> = named.map(|record| format!("{} `{}`", rounded(record.took), record.meta.name())).collect();
    told.join(", ")
}

fn rounded(took: Duration) -> String {
    if took < Duration::from_secs(1) {
        format!("{:.0} ms", took.as_secs_f64() * 1e3)
    } else {
        format!("{:.2} s", took.as_secs_f64())
    }
}
