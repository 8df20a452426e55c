//! A JUnit report, written by quick-junit.

use super::record::{Record, RecordOutcome};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestRerun, TestSuite};
use std::{fs, io, path::Path, time::Duration};

/// Writes the report of a run into a folder, under a name that no other binary has. A set-up that failed is an *error* in the words of JUnit: nothing is known about the test.
pub(super) fn write(folder: &Path, package: &str, binary: &str, records: &[Record], took: Duration) -> io::Result<()> {
    let mut suite = TestSuite::new(format!("{package}::{binary}"));
    suite.set_time(took).add_test_cases(records.iter().map(|record| case(record, binary)));
    let mut report = Report::new(package);
    report.set_time(took).add_test_suite(suite);
    let text = report.to_string().map_err(io::Error::other)?;
    fs::create_dir_all(folder)?;
    let name = format!("{package}-{binary}.xml");
    let unfinished = folder.join(format!(".{name}.{}", std::process::id()));
    // In one step, so that nobody reads half of a report.
    fs::write(&unfinished, text).and_then(|()| fs::rename(unfinished, folder.join(name)))
}

fn case(record: &Record, binary: &str) -> TestCase {
    let status = match record.outcome {
        RecordOutcome::Passed => TestCaseStatus::success(),
        RecordOutcome::Flaky => {
            let mut status = TestCaseStatus::success();
            let mut first = TestRerun::new(NonSuccessKind::Failure);
            first.set_message(happened(record)).set_description(record.text.as_str());
            status.add_rerun(first);
            status
        }
        RecordOutcome::Failed => failure(record, NonSuccessKind::Failure),
        RecordOutcome::SetUpFailed => failure(record, NonSuccessKind::Error),
        RecordOutcome::Skipped => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(record.text.as_str());
            status
        }
    };
    let mut case = TestCase::new(record.meta.name(), status);
    case.set_classname(binary).set_time(record.took);
    case
}

fn failure(record: &Record, kind: NonSuccessKind) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_message(happened(record)).set_type(record.outcome.word()).set_description(record.text.as_str());
    status
}

fn happened(record: &Record) -> &str {
    record.labelled("happened:").unwrap_or_default()
}
