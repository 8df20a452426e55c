//! One line of JSON for each test, appended as the tests end, so that a run which breaks off has told what it knows.

use super::record::Record;
use serde::Serialize;
use std::{fs::File, io::Write, path::Path};

/// A line: all there is to know about a test that is over. Fields may be added.
#[derive(Debug, Serialize)]
struct Line<'a> {
    /// Always `test`.
    r#type: &'static str,
    package: &'a str,
    /// The crate that the binary is compiled from.
    binary: &'a str,
    name: &'a str,
    /// `passed`, `flaky`, `failed`, `set-up failed` or `skipped`.
    outcome: &'static str,
    tries: u32,
    seconds: f64,
    tags: &'a [&'a str],
    file: &'a str,
    line: u32,
    #[serde(skip_serializing_if = "str::is_empty")]
    report: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    repeat: Option<&'a str>,
}

/// Appends a line in one write, so that several processes may share a file.
pub(super) fn append(path: &Path, binary: &str, record: &Record) -> std::io::Result<()> {
    let meta = record.meta;
    let line = Line {
        r#type: "test",
        package: meta.package,
        binary,
        name: meta.name(),
        outcome: record.outcome.word(),
        tries: record.tries,
        seconds: record.took.as_secs_f64(),
        tags: meta.options.tags,
        file: meta.file,
        line: meta.line,
        report: &record.text,
        repeat: record.labelled("repeat with:"),
    };
    let mut text = serde_json::to_string(&line)?;
    text.push('\n');
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    File::options().create(true).append(true).open(path)?.write_all(text.as_bytes())
}
