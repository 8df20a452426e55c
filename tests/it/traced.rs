//! `#[traced_test]` and `#[qtest]` in one binary, in every order. The tests themselves are in `tests/traced.rs`.

use super::support;

fn passes(arguments: &[&str], count: usize) {
    let output = support::run("traced", arguments);
    let text = support::text(&output);
    let passed = text.contains(&format!("test result: ok. {count} passed"));
    assert!(output.status.success() && passed, "{arguments:?}:\n{text}");
    assert!(!text.contains("warning"), "{arguments:?}:\n{text}");
}

#[test]
fn they_pass_side_by_side_and_one_after_the_other() {
    let all = 12;
    for threads in ["--test-threads=1", "--test-threads=16"] {
        (0..3).for_each(|_| passes(&[threads], all));
    }
}

#[test]
fn it_does_not_matter_which_kind_comes_first() {
    // libtest runs them by name.
    passes(&["--test-threads=1", "--exact", "a_plain_async_test_finds_its_lines", "b_qtest_alone_finds_its_lines"], 2);
    passes(
        &[
            "--test-threads=1",
            "--exact",
            "b_qtest_alone_finds_its_lines",
            "z_plain_test_comes_last_and_finds_its_lines",
        ],
        2,
    );
    passes(&["--exact", "a_plain_test_comes_first_and_finds_its_lines"], 1);
    passes(&["--exact", "both_async"], 1);
}

#[test]
fn cases_that_share_the_span_of_the_attribute_fail() {
    let output = support::run("traced", &["--ignored"]);
    let text = support::text(&output);
    assert!(!output.status.success() && text.contains("0 passed; 2 failed"), "{text}");
    let why = "`#[traced_test]` on `both_for_cases` cannot tell the lines of its cases apart, so `logs_contain` and \
               `logs_assert` say nothing: leave it out, take `t: Test`, and write t.logs()";
    assert_eq!(text.matches(why).count(), 2, "{text}");
}

#[test]
fn a_variable_that_keeps_little_does_not_hide_lines_from_logs_contain() {
    let output = support::clean(support::binary("traced")).env("QTESTS_LOG", "off").output().unwrap();
    assert!(output.status.success(), "{}", support::text(&output));
}
