//! Annotations on GitHub: a failing test is shown beside the line where it failed.
//!
//! The form is that of the workflow commands `::error file=..,line=..,title=..::message`.

use super::record::{Record, RecordOutcome};

/// The annotation of a test, if it needs one; pure.
pub(super) fn annotation(record: &Record) -> Option<String> {
    let level = match record.outcome {
        RecordOutcome::Failed | RecordOutcome::SetUpFailed => "error",
        RecordOutcome::Flaky => "warning",
        RecordOutcome::Passed | RecordOutcome::Skipped => return None,
    };
    let (file, line) = record.place();
    let title = format!("{} {}", record.meta.name(), record.outcome.word());
    Some(format!(
        "::{level} file={},line={line},title={}::{}",
        escaped_property(file),
        escaped_property(&title),
        escaped(record.text.trim_end())
    ))
}

/// What stands behind `::`.
fn escaped(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// What stands between `,` and `=`.
fn escaped_property(text: &str) -> String {
    escaped(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_and_signs_of_the_form_are_escaped() {
        assert_eq!(escaped("50 %\r\nnext"), "50 %25%0D%0Anext");
        assert_eq!(escaped_property("a::b, c"), "a%3A%3Ab%2C c");
    }
}
