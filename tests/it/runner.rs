//! `qtests::main!()`: a binary with a `main` of its own takes what libtest takes.

use super::support;

fn run(arguments: &[&str]) -> (bool, String) {
    let output = support::run("runner", arguments);
    (output.status.success(), support::text(&output))
}

#[test]
fn all_tests_run_but_the_ignored_and_a_summary_ends_it() {
    let (passed, text) = run(&["--test-threads=2"]);
    assert!(passed, "{text}");
    assert!(text.contains("test result: ok. 4 passed; 0 failed; 1 ignored"), "{text}");
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
