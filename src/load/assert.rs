//! The one place where a verdict becomes the failure of a test.

use super::{LoadReport, Slo, Verdict, run::describe, summary};
use crate::config::strict;
use std::io::{Write, stderr};

impl LoadReport {
    /// Fails the test if `slo` is proven to be violated.
    ///
    /// An inconclusive run is no failure: it would make a test fail because its host was busy. It is written to the
    /// journal and, past the capture of the test harness, to stderr. With `QTESTS_STRICT=1` it fails as well. Use
    /// [`check`](Self::check) where a proof that the objective is met is demanded.
    ///
    /// # Panics
    /// If the objective is violated, with what was expected, what happened, where, and how to repeat it.
    #[track_caller]
    pub fn assert(&self, slo: Slo) {
        let verdict = self.check(&slo);
        self.test.record("load", format!("`{}`: {verdict}", self.name()));
        match verdict {
            Verdict::Met(_) => (),
            Verdict::Violated(_) => panic!("{}", self.failure("violated its objective", &slo, &verdict)),
            Verdict::Inconclusive(_) => {
                let text = self.failure("is inconclusive", &slo, &verdict);
                assert!(!strict(), "{text}\n  (a failure because of QTESTS_STRICT=1)");
                // A closed stderr is no reason to fail: the journal has it too.
                let _ = writeln!(stderr(), "qtests: {text}");
            }
        }
    }

    /// Tells the journal what came of the run.
    pub(super) fn announce(&self) {
        self.test.record("load", format!("`{}` ends: {}", self.name(), summary::arrivals(self)));
    }

    fn failure(&self, what: &str, slo: &Slo, verdict: &Verdict) -> String {
        let mut happened = verdict.reasons().to_vec();
        happened.extend(summary::errors(self));
        format!(
            "load run `{name}` {what}\n  expected: {slo}\n  happened: {happened}\n  \
             where: load run `{name}` ({run}) in test `{test}`\n  repeat with: {repeat}",
            name = self.name(),
            happened = happened.join("\n            "),
            run = describe(self.model, &self.window),
            test = self.test.name(),
            repeat = self.test.repeat_line(),
        )
    }
}
