//! What has become of each test of a run.

use crate::{
    scope::Meta,
    trial::{Conclusion, Ran},
};
use std::time::Duration;

/// One test that is over.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) meta: &'static Meta,
    pub(super) outcome: RecordOutcome,
    pub(super) tries: u32,
    pub(super) took: Duration,
    /// The report of a failing test, or of the first try of a flaky one; why a test was skipped.
    pub(super) text: String,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RecordOutcome {
    Passed,
    Flaky,
    Failed,
    SetUpFailed,
    Skipped,
}

impl Record {
    pub(super) fn of(meta: &'static Meta, ran: &Ran) -> Self {
        let (outcome, text) = match &ran.conclusion {
            Conclusion::Passed => (RecordOutcome::Passed, ""),
            Conclusion::Flaky(first) => (RecordOutcome::Flaky, first.as_str()),
            Conclusion::Failed { report, set_up: false } => (RecordOutcome::Failed, report.as_str()),
            Conclusion::Failed { report, set_up: true } => (RecordOutcome::SetUpFailed, report.as_str()),
            Conclusion::Skipped(why) | Conclusion::WithoutServer(why) => (RecordOutcome::Skipped, why.as_str()),
        };
        Self { meta, outcome, tries: ran.tries, took: ran.took, text: text.to_owned() }
    }

    /// A part of the report that stands behind a label, such as `happened:`.
    pub(super) fn labelled(&self, label: &str) -> Option<&str> {
        self.text.lines().find_map(|line| line.trim_start().strip_prefix(label)).map(str::trim)
    }

    /// File and line of the failure, or of the test.
    pub(super) fn place(&self) -> (&str, u32) {
        let told = self.labelled("where:").and_then(|place| {
            let mut parts = place.split(':');
            // What panicked in another crate is of no use beside the sources of this one.
            let file = parts.next().filter(|file| !file.starts_with('/'))?;
            Some((file, parts.next()?.parse().ok()?))
        });
        told.unwrap_or((self.meta.file, self.meta.line))
    }
}

impl RecordOutcome {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Flaky => "flaky",
            Self::Failed => "failed",
            Self::SetUpFailed => "set-up failed",
            Self::Skipped => "skipped",
        }
    }

    pub(super) fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::SetUpFailed)
    }
}
