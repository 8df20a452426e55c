//! How often, where and beside whom a test runs: tries, tags, partitions, cases, processes of their own, serial groups.

use super::support;
use std::{collections::BTreeSet, fs, process::Output};

/// Runs tests of `tests/trials.rs` as a child.
fn trials(variables: &[(&str, &str)], arguments: &[&str]) -> (Output, String) {
    let mut command = support::clean(support::binary("trials"));
    let output = command.envs(variables.iter().copied()).args(arguments).output().unwrap();
    let text = support::text(&output);
    (output, text)
}

#[test]
fn each_case_is_a_test_of_its_own() {
    let (_, text) = trials(&[], &["--list", "--format=terse", "length::", "numbered::"]);
    let names: BTreeSet<&str> = text.lines().filter_map(|line| line.strip_suffix(": test")).collect();
    let expected =
        ["length::empty", "length::long", "length::one", "length::wrong", "numbered::first", "numbered::second"];
    assert_eq!(names, expected.into(), "{text}");
    let (output, text) = trials(&[], &["length::", "numbered::", "--include-ignored"]);
    assert!(output.status.success() && text.contains("6 passed; 0 failed; 0 ignored"), "{text}");
    assert!(trials(&[], &["length::"]).1.contains("3 passed; 0 failed; 1 ignored"));
}

#[test]
fn a_pass_after_a_failure_is_said_aloud_although_the_harness_captures_what_passing_tests_print() {
    let (output, text) = trials(&[], &["--exact", "passes_at_the_second_try"]);
    assert!(output.status.success(), "{text}");
    let flaky = "qtests: FLAKY: `passes_at_the_second_try` passed at try 2 of 3; the first one: it panicked: assertion";
    assert!(String::from_utf8_lossy(&output.stderr).contains(flaky), "{text}");
}

#[test]
fn a_flaky_test_fails_when_nothing_doubtful_may_pass_and_when_nothing_is_tried_again() {
    let (output, text) = trials(&[("QTESTS_STRICT", "1")], &["--exact", "passes_at_the_second_try"]);
    assert_eq!(output.status.code(), Some(101), "{text}");
    assert!(text.contains("tries:    it passed at number 2 of 3, which is a failure under QTESTS_STRICT=1"), "{text}");
    let (output, text) = trials(&[("QTESTS_RETRIES", "0")], &["--exact", "passes_at_the_second_try"]);
    assert_eq!(output.status.code(), Some(101), "{text}");
    assert!(!text.contains("tries:"), "{text}");
}

#[test]
fn the_environment_chooses_by_tags_and_says_how_many_it_did_not() {
    let names = ["is_slow_and_needs_a_database", "needs_a_database", "has_no_tag"];
    for (tags, skipped) in [("db", 1), ("db,!slow", 2), ("!db", 2), ("slow", 2), ("none", 3)] {
        let (output, text) = trials(&[("QTESTS_TAGS", tags)], &[&["--exact"], &names[..]].concat());
        assert!(output.status.success(), "{text}");
        let said = format!("qtests: {skipped} test(s) were skipped by QTESTS_TAGS or QTESTS_PARTITION");
        assert_eq!(text.matches(&said).count(), 1, "{tags}: {text}");
    }
    assert!(!trials(&[], &names).1.contains("skipped by"));
}

#[test]
fn a_test_that_is_alone_in_its_process_has_an_environment_and_a_directory_of_its_own() {
    let (output, text) = trials(&[], &["has_an_environment_of_its_own", "what_is_changed", "--test-threads=8"]);
    assert!(output.status.success() && text.contains("9 passed"), "{text}");
}

#[test]
fn a_shared_fixture_is_torn_down_before_those_that_it_needs() {
    let (output, text) = trials(&[], &["shares_what_needs_what_is_shared"]);
    assert!(output.status.success(), "{text}");
    let downs: Vec<&str> = text.lines().filter(|line| line.contains(" down")).collect();
    assert_eq!(downs, ["app down in time", "store down"], "{text}");
}

/// All of them pass when they are simply run, each for a reason of its own.
#[test]
fn processes_seeds_set_ups_and_drops_are_what_their_tests_say() {
    let (output, text) = trials(&[], &["--test-threads=4"]);
    assert!(output.status.success(), "{text}");
    assert!(!text.contains("too late") && !text.contains("leak: "), "{text}");
}

/// Teardowns that take long, one after the other, while a signal gives an isolated test all the time that is left.
#[test]
fn an_isolated_test_has_the_time_that_any_test_has_after_a_signal() {
    let marks = tempfile::tempdir().unwrap();
    let mut command = support::heeding(support::binary("dying"));
    command.args(["--ignored", "--exact", "tears_down_slowly"]).env("DYING_MARKS", marks.path());
    let mut child = command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
    let order = || fs::read_to_string(marks.path().join("order")).unwrap_or_default();
    support::until("it waits", || order().contains("up"));
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-s", "TERM", &id]).status().unwrap().success());
    child.wait().unwrap();
    assert_eq!(order(), "up\ndown 6\ndown 5\ndown 4\ndown 3\ndown 2\ndown 1\n");
}

#[test]
fn tests_of_a_serial_group_never_run_at_once() {
    let (output, text) = trials(&[], &["_in_its_group", "_in_a_group", "--test-threads=8"]);
    assert!(output.status.success() && text.contains("9 passed"), "{text}");
}

/// Two processes that contend for one group, as under nextest: each writes a mark when it is inside, and would see the
/// other's.
#[test]
fn tests_of_a_serial_group_never_run_at_once_in_two_processes() {
    let folder = tempfile::tempdir().unwrap();
    let start = |name: &str| {
        let mut command = support::clean(support::binary("dying"));
        command.args(["--ignored", "--exact", name]).env("DYING_MARKS", folder.path());
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap()
    };
    let mark = |name: &str| folder.path().join(format!("{name}.inside"));
    let mut first = start("serial_waits");
    support::until("the first is inside", || mark("serial_waits").exists());
    let mut second = start("serial_passes");
    // The second one has come as far as the lock when it has opened the file; it cannot pass while the first holds it.
    let waits = |id: u32| {
        let descriptors = fs::read_dir(format!("/proc/{id}/fd")).into_iter().flatten();
        descriptors
            .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
            .any(|target| target.to_string_lossy().contains("qtests-serial-"))
    };
    support::until("the second waits", || waits(second.id()));
    assert!(!mark("serial_passes").exists() && second.try_wait().unwrap().is_none());
    // Killed: the system gives the lock up.
    first.kill().unwrap();
    first.wait().unwrap();
    assert!(second.wait().unwrap().success());
    assert!(mark("serial_passes").exists());
}

/// The tests of `tests/trials.rs` that lack nothing but a server.
const LACKING: [&str; 3] = [
    "needs_redis_and_returns_the_error",
    "needs_redis_alone_and_panics_with_the_error",
    "needs_redis_in_a_shared_fixture_and_should_panic",
];

const LACKS: &str = "the server `redis-server` is not installed: it is not on PATH; install redis, for instance by \
                     `apt-get install redis-server`";

/// Runs such tests with an empty PATH.
fn without_path(variables: &[(&str, &str)], names: &[&str]) -> (Output, String) {
    trials(&[&[("PATH", "")], variables].concat(), &[&["--exact", "--include-ignored"], names].concat())
}

#[test]
fn a_test_whose_server_is_not_installed_is_skipped_aloud_and_counted() {
    let (output, text) = without_path(&[], &LACKING);
    assert!(output.status.success() && text.contains("3 passed; 0 failed"), "{text}");
    let said = String::from_utf8_lossy(&output.stderr);
    for name in LACKING {
        // libtest captures what a passing test prints; this is said past it, and once, also of the one in a child.
        assert_eq!(said.matches(&format!("qtests: SKIPPED: `{name}`: {LACKS}\n")).count(), 1, "{said}");
    }
    let count = "qtests: 3 test(s) were skipped because their servers are not installed, and prove nothing; libtest counts \
                 them as passed; with QTESTS_REQUIRE_SERVERS=1 they fail\n";
    assert_eq!(said.matches(count).count(), 1, "{said}");
}

#[test]
fn where_servers_are_required_a_test_without_one_fails() {
    let required = [("QTESTS_REQUIRE_SERVERS", "1"), ("QTESTS_RETRIES", "0")];
    let (output, text) = without_path(&required, &LACKING);
    assert_eq!(output.status.code(), Some(101), "{text}");
    assert!(text.contains("0 passed; 3 failed") && !text.contains("SKIPPED"), "{text}");
    for (name, report) in LACKING.iter().zip(["FAILED", "FAILED", "SET-UP FAILED"]) {
        assert!(text.contains(&format!("qtests: `{name}` {report} after ")), "{text}");
    }
    let happened = format!("{LACKS} (QTESTS_REQUIRE_SERVERS makes this a failure)");
    assert!(text.contains(&format!("  happened: it returned Err({happened})\n")), "{text}");
    assert!(text.contains("QTESTS_REQUIRE_SERVERS=1 cargo test"), "{text}");
}

#[test]
fn a_missing_server_hides_no_other_fault_and_a_wrong_program_is_one() {
    let names = ["lacks_redis_and_its_teardown_panics", "starts_a_program_with_a_wrong_name"];
    let (output, text) = without_path(&[], &names);
    assert_eq!(output.status.code(), Some(101), "{text}");
    assert!(text.contains("0 passed; 2 failed") && !text.contains("SKIPPED"), "{text}");
    for part in ["a fault of its own", LACKS, "the program `redis-serve` is not installed, or not on PATH"] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
}
