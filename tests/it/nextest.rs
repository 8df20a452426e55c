//! `cargo nextest` lists, filters, archives, partitions and runs a binary with a `main` of its own.

use super::support;
use std::{io::Write, process::Output};

/// Runs nextest on `tests/suite.rs`; nothing if it is not installed, which is said aloud.
fn nextest(command: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Option<(Output, String)> {
    if !support::clean("cargo").args(["nextest", "--version"]).output().unwrap().status.success() {
        let _ = writeln!(std::io::stderr(), "SKIPPED: cargo-nextest is not installed (cargo install cargo-nextest)");
        return None;
    }
    let mut cargo = support::clean("cargo");
    cargo.args(["nextest", command]).args(arguments).envs(variables.iter().copied());
    if !arguments.contains(&"--archive-file") || command == "archive" {
        cargo.args(["--test=suite"]).args(support::cargo_flags());
    }
    let output = cargo.output().unwrap();
    let text = support::text(&output);
    Some((output, text))
}

#[test]
fn it_lists_and_filters() {
    let Some((output, text)) = nextest("list", &["--message-format=oneline"], &[]) else { return };
    assert!(output.status.success(), "{text}");
    for name in ["begins_when_the_suite_is_ready", "made::number_1", "made::alone"] {
        assert!(text.contains(&format!("qtests::suite {name}")), "{name} in {text}");
    }
    let (output, text) = nextest("run", &["-E", "test(/^made::number/)"], &[]).unwrap();
    assert!(output.status.success() && text.contains("3 tests run: 3 passed"), "{text}");
}

#[test]
fn its_partitions_are_parts_of_the_suite() {
    let mut ran = 0;
    for partition in ["hash:1/2", "hash:2/2"] {
        let Some((output, text)) = nextest("run", &["--partition", partition, "--no-tests=pass"], &[]) else { return };
        assert!(output.status.success(), "{text}");
        let summary = text.lines().find(|line| line.contains("Summary")).unwrap();
        let count = summary.split(" tests run:").next().unwrap().rsplit(' ').next().unwrap();
        ran += count.split('/').next().unwrap().parse::<usize>().unwrap();
    }
    assert_eq!(ran, 14);
}

#[test]
fn the_suite_is_set_up_once_for_each_process_and_never_for_the_list() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let variables = [("SUITE_LOG", path.to_str().unwrap())];
    let chosen = "test(=begins_when_the_suite_is_ready) + test(=made::number_1)";
    let Some((output, text)) = nextest("run", &["-E", chosen], &variables) else { return };
    assert!(output.status.success(), "{text}");
    let lines = std::fs::read_to_string(&path).unwrap();
    for (line, count) in [("suite up", 2), ("suite down", 2), ("test", 1)] {
        assert_eq!(lines.lines().filter(|other| *other == line).count(), count, "{line} in:\n{lines}");
    }
}

#[test]
fn an_archive_runs_where_it_is_unpacked() {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("suite.tar.zst");
    let archive = archive.to_str().unwrap();
    let Some((output, text)) = nextest("archive", &["--archive-file", archive], &[]) else { return };
    assert!(output.status.success(), "{text}");
    let (output, text) = nextest("run", &["--archive-file", archive, "-E", "test(made)"], &[]).unwrap();
    assert!(output.status.success() && text.contains("7 tests run: 7 passed"), "{text}");
}

#[test]
fn what_the_environment_does_not_choose_is_skipped_and_not_passed() {
    let Some((output, text)) = nextest("run", &[], &[("QTESTS_TAGS", "made")]) else { return };
    assert!(output.status.success() && text.contains("3 tests run: 3 passed, 12 skipped"), "{text}");
}
