//! `qtests::main!()`: a binary with a `main` of its own takes what libtest takes, and does what libtest does not.

use super::support;
use std::{fs, path::Path, process::Output};

fn run(arguments: &[&str]) -> (bool, String) {
    let output = support::run("runner", arguments);
    (output.status.success(), support::text(&output))
}

/// Runs `tests/suite.rs` as a child.
fn suite(variables: &[(&str, &str)], arguments: &[&str]) -> (Output, String) {
    let mut command = support::clean(support::binary("suite"));
    command.env_remove("GITHUB_ACTIONS").env_remove("SUITE_LOG").env_remove("SUITE_SINS").env_remove("SUITE_ONCE");
    let output = command.envs(variables.iter().copied()).args(arguments).output().unwrap();
    let text = support::text(&output);
    (output, text)
}

#[test]
fn all_tests_run_but_the_ignored_and_a_summary_ends_it() {
    let (passed, text) = run(&["--test-threads=2"]);
    assert!(passed, "{text}");
    assert!(text.contains("test result: ok. 4 passed; 0 failed; 1 ignored"), "{text}");
    assert!(text.contains("qtests: 4 test(s) in ") && text.contains("  slowest:  "), "{text}");
}

#[test]
fn tests_are_listed_by_the_names_that_libtest_would_give_them() {
    let (passed, text) = run(&["--list", "--format=terse"]);
    assert!(passed, "{text}");
    for name in ["first", "second", "inner::nested", "panics", "fails"] {
        assert!(text.lines().any(|line| line == format!("{name}: test")), "{name} in {text}");
    }
}

#[test]
fn filters_choose_by_part_or_exactly() {
    assert!(run(&["neste"]).1.contains("1 passed; 0 failed; 0 ignored; 0 measured; 4 filtered out"));
    assert!(run(&["--exact", "neste"]).1.contains("0 passed; 0 failed; 0 ignored; 0 measured; 5 filtered out"));
    assert!(run(&["--exact", "inner::nested"]).1.contains("1 passed"));
    assert!(run(&["--skip", "first"]).1.contains("3 passed"));
}

#[test]
fn a_failing_test_fails_the_binary_and_prints_its_report() {
    let (passed, text) = run(&["--ignored"]);
    assert!(!passed);
    for part in ["expected: the body to return", "happened: it panicked: it does not work", "where:    tests/runner.rs"]
    {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(text.contains("--test runner -- --exact fails --ignored"), "{text}");
    assert!(text.contains("0 passed; 1 failed"), "{text}");
}

#[test]
fn trials_from_code_run_beside_the_others() {
    let (output, text) = suite(&[], &[]);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("14 passed; 0 failed; 1 ignored"), "{text}");
    let flaky = "  flaky:    `is_flaky` passed at try 2; the first: it panicked: not the first time";
    assert!(text.contains(flaky), "{text}");
    assert!(suite(&[], &["made::number"]).1.contains("3 passed"), "a filter chooses among them");
}

#[test]
fn the_suite_is_set_up_once_before_all_tests_and_torn_down_after_all_and_after_what_is_shared() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let log = [("SUITE_LOG", path.to_str().unwrap())];
    let (output, text) = suite(&log, &["--skip=alone"]);
    assert!(output.status.success(), "{text}");
    let lines = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = lines.lines().filter(|line| *line != "test").collect();
    assert_eq!(lines, ["suite up", "shared up", "shared down", "suite down"]);
}

#[test]
fn nothing_is_set_up_for_a_list_or_if_no_test_is_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let log = [("SUITE_LOG", path.to_str().unwrap())];
    for arguments in [&["--list", "--format=terse"][..], &["no_such_test"], &["--ignored", "begins"]] {
        assert!(suite(&log, arguments).0.status.success());
        assert!(!path.exists(), "{arguments:?}");
    }
    let unknown = [log[0], ("QTESTS_TAGS", "no_such_tag"), ("SUITE_SINS", "suite")];
    assert!(suite(&unknown, &[]).0.status.success());
    assert!(!path.exists());
}

#[test]
fn if_the_suite_cannot_be_set_up_no_test_begins_and_each_says_why() {
    let (output, text) = suite(&[("SUITE_SINS", "suite")], &["made::number"]);
    assert_eq!(output.status.code(), Some(101), "{text}");
    assert_eq!(text.matches("SET-UP FAILED\n  expected: the suite to be set up").count(), 3, "{text}");
    assert!(text.contains("happened: its set_up returned Err(no database)"), "{text}");
    assert!(text.contains("where:    tests/suite.rs:"), "{text}");
}

#[test]
fn a_teardown_that_fails_after_all_tests_fails_the_run() {
    let (output, text) = suite(&[("SUITE_SINS", "teardown")], &["uses_what_is_shared"]);
    assert!(text.contains("1 passed; 0 failed"), "{text}");
    assert!(text.contains("the shared fixture cannot be torn down"), "{text}");
    assert_eq!(output.status.code(), Some(101), "{text}");
}

#[test]
fn names_that_cannot_be_told_apart_or_written_down_are_refused_before_anything_runs() {
    let (output, text) = suite(&[("SUITE_SINS", "twice")], &[]);
    assert_eq!(output.status.code(), Some(101), "{text}");
    let refusal = "no test was run: two tests are called `is_flaky`, at tests/suite.rs:";
    assert!(text.contains(refusal) && !text.contains("running"), "{text}");
    for (sin, refusal) in [("nameless", "needs a name of one line"), ("tagged", "a tag that QTESTS_TAGS cannot name")] {
        let (output, text) = suite(&[("SUITE_SINS", sin)], &[]);
        assert!(output.status.code() == Some(101) && text.contains(refusal), "{text}");
    }
}

#[test]
fn plain_tests_that_the_compiler_drops_fail_a_test_that_names_them() {
    let plain = [("SUITE_SINS", "plain")];
    let (output, text) = suite(&plain, &[]);
    assert_eq!(output.status.code(), Some(101), "{text}");
    assert!(text.contains("14 passed; 1 failed"), "{text}");
    for part in ["`plain_tests_are_run` FAILED", "1 plain test(s) are not run", "`vanishes` at ", "tests/suite.rs:"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(suite(&plain, &["--list", "--format=terse"]).1.contains("plain_tests_are_run: test"));
    assert!(!suite(&[], &["--list", "--format=terse"]).1.contains("plain_tests_are_run"));
}

#[test]
fn a_test_that_exits_with_success_in_the_middle_fails_the_run_and_the_reports_tell_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lines");
    let variables = [("SUITE_SINS", "exit"), ("QTESTS_JSON", path.to_str().unwrap())];
    let (output, text) = suite(&variables, &["--test-threads=1"]);
    assert_eq!(output.status.code(), Some(101), "{text}");
    assert!(text.contains("the process ends with status 101 instead of 0"), "{text}");
    let lines = lines_of(&path);
    let exits = lines.iter().find(|line| line["name"] == "exits_if_asked_to").unwrap();
    assert_eq!(exits["outcome"], "failed");
    assert!(exits["report"].as_str().unwrap().contains("the process ended before it"), "{exits}");
}

#[test]
fn after_a_signal_running_tests_and_the_suite_are_torn_down_and_the_reports_tell_what_ran() {
    let folder = tempfile::tempdir().unwrap();
    let (log, json) = (folder.path().join("log"), folder.path().join("lines"));
    let mut command = support::clean(support::binary("suite"));
    command.envs([("SUITE_SINS", "waits"), ("QTESTS_JSON", json.to_str().unwrap())]).env("SUITE_LOG", &log);
    command
        .args(["made::", "--skip=alone", "--test-threads=2"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null());
    let mut child = command.spawn().unwrap();
    let read = |path: &Path| fs::read_to_string(path).unwrap_or_default();
    support::until("the last test waits", || read(&log).contains("test waits") && read(&json).lines().count() >= 7);
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-s", "TERM", &id]).status().unwrap().success());
    let status = child.wait().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(15));
    assert_eq!(read(&log), "suite up\ntest waits\ntest down\nsuite down\n");
    let lines = lines_of(&json);
    let waits = lines.iter().find(|line| line["name"] == "made::waits").unwrap();
    assert_eq!((waits["outcome"].as_str(), lines.len()), (Some("failed"), 8), "{lines:?}");
}

#[test]
fn a_set_up_of_the_suite_that_blocks_its_thread_is_left_behind() {
    let (output, text) = suite(&[("SUITE_SINS", "blocks")], &["made::number_1"]);
    assert_eq!(output.status.code(), Some(101), "{text}");
    assert!(text.contains("happened: the set-up of the suite did not end within 100ms"), "{text}");
}

#[test]
fn a_set_up_of_the_suite_that_fails_in_the_process_of_one_test_is_told_by_its_parent() {
    let folder = tempfile::tempdir().unwrap();
    let once = folder.path().join("once");
    let (output, text) = suite(&[("SUITE_ONCE", once.to_str().unwrap())], &["--exact", "runs_alone"]);
    assert_eq!(output.status.code(), Some(101), "{text}");
    assert!(text.contains("`runs_alone` SET-UP FAILED"), "{text}");
    assert!(text.contains("happened: its set_up returned Err(File exists"), "{text}");
}

#[test]
fn the_line_that_repeats_a_test_is_quoted_for_a_shell() {
    let (_, text) = suite(&[("SUITE_SINS", "quoted")], &["two words"]);
    assert!(text.contains(r"--test suite -- --exact 'it'\''s two words'"), "{text}");
}

#[test]
fn each_share_of_a_suite_runs_other_tests_and_together_they_run_all() {
    let folder = tempfile::tempdir().unwrap();
    let mut ran = Vec::new();
    for share in ["1/2", "2/2"] {
        let path = folder.path().join(share.replace('/', "of"));
        let (output, text) = suite(&[("QTESTS_PARTITION", share), ("QTESTS_JSON", path.to_str().unwrap())], &[]);
        assert!(output.status.success(), "{text}");
        let lines = lines_of(&path);
        assert_eq!(lines.len(), 15, "each test has a line in each share");
        let chosen: Vec<_> = lines.iter().filter(|line| line["outcome"] != "skipped").collect();
        assert!((1..14).contains(&chosen.len()), "{share} has all or nothing: {chosen:?}");
        ran.extend(chosen.iter().map(|line| line["name"].as_str().unwrap().to_owned()));
    }
    ran.sort();
    let (count, _) = (ran.len(), ran.dedup());
    assert_eq!((ran.len(), count), (14, 14), "{ran:?}");
}

#[test]
fn tags_choose_and_what_they_do_not_choose_counts_as_ignored() {
    let (_, text) = suite(&[("QTESTS_TAGS", "made,!slow")], &[]);
    assert!(text.contains("3 passed; 0 failed; 12 ignored"), "{text}");
    assert!(text.contains("  skipped:  12, because QTESTS_TAGS does not choose it"), "{text}");
}

/// Reads the lines of `QTESTS_JSON` as outcome by name.
fn lines_of(path: &Path) -> Vec<serde_json::Value> {
    fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_line_of_json_tells_what_became_of_each_test() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("not/there/yet.jsonl");
    let variables = [("QTESTS_JSON", path.to_str().unwrap()), ("SUITE_SINS", "fail"), ("QTESTS_TAGS", "!made")];
    let (output, text) = suite(&variables, &[]);
    assert_eq!(output.status.code(), Some(101), "{text}");
    let lines = lines_of(&path);
    assert_eq!(lines.len(), 15, "{lines:?}");
    let outcome = |name: &str| {
        let line = lines.iter().find(|line| line["name"] == name).unwrap_or_else(|| panic!("{name} in {lines:?}"));
        (line["outcome"].as_str().unwrap().to_owned(), line["tries"].as_u64().unwrap())
    };
    for (name, expected, tries) in [
        ("begins_when_the_suite_is_ready", "passed", 1),
        ("is_flaky", "flaky", 2),
        ("needs_what_is_absent", "set-up failed", 1),
        ("fails_if_asked_to", "failed", 1),
        ("runs_alone", "passed", 1),
        ("made::alone", "passed", 1),
        ("made::number_1", "skipped", 0),
        ("made::not_now", "skipped", 0),
    ] {
        assert_eq!(outcome(name), (expected.to_owned(), tries), "{name}");
    }
    let failed = lines.iter().find(|line| line["name"] == "fails_if_asked_to").unwrap();
    assert!(failed["report"].as_str().unwrap().contains("100% wrong"));
    assert!(failed["repeat"].as_str().unwrap().starts_with("QTESTS_SEED="));
    assert_eq!(failed["tags"][0], "slow");
}

#[test]
fn annotations_stand_at_the_line_that_failed() {
    let (_, text) = suite(&[("GITHUB_ACTIONS", "true"), ("SUITE_SINS", "fail")], &["i"]);
    let error = text.lines().find(|line| line.starts_with("::error") && line.contains("fails_if_asked_to")).unwrap();
    assert!(error.starts_with("::error file=tests/suite.rs,line="), "{error}");
    assert!(error.contains(",title=fails_if_asked_to failed::qtests: `fails_if_asked_to` FAILED after "), "{error}");
    assert!(error.contains("%0A  happened: it panicked: 100%25 wrong"), "{error}");
    assert!(text.lines().any(|line| line.starts_with("::warning") && line.contains("is_flaky flaky")), "{text}");
    assert!(!suite(&[("SUITE_SINS", "fail")], &["i"]).1.contains("::error"));
}

#[cfg(feature = "report")]
#[test]
fn a_junit_report_keeps_failures_errors_flaky_and_skipped_tests_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("reports");
    let variables = [("QTESTS_JUNIT", path.to_str().unwrap()), ("SUITE_SINS", "fail"), ("QTESTS_TAGS", "!made")];
    suite(&variables, &[]);
    let xml = fs::read_to_string(path.join("qtests-suite.xml")).unwrap();
    assert_eq!(fs::read_dir(&path).unwrap().count(), 1, "nothing unfinished is left");
    assert!(xml.contains(r#"tests="15" skipped="4" errors="1" failures="1""#), "{xml}");
    assert!(xml.contains("<flakyFailure message=\"it panicked: not the first time"), "{xml}");
    assert!(
        xml.contains("<error message=\"the set-up of Absent failed: not installed\" type=\"set-up failed\""),
        "{xml}"
    );
    assert!(xml.contains("100% wrong") && xml.contains("QTESTS_TAGS does not choose it"), "{xml}");
}
