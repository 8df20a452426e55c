//! What failing tests print. Each transcript is kept in `snapshots/`; what changes from run to run is masked.

use super::support;

/// Replaces what differs from run to run and from machine to machine.
fn masked(text: &str) -> String {
    let masks = [
        (r"\+\d+\.\d{6}s", "+TIME"),
        (r"after \d+\.\d{3} s", "after TIME"),
        (r"\d+ filtered out", "N filtered out"),
        (r"finished in [\d.]+s", "finished in TIME"),
        (r"QTESTS_SEED=\d+", "QTESTS_SEED=SEED"),
        (r"cargo test -p qtests( \S+)* --test", "cargo test -p qtests [FLAGS] --test"),
        (r"/\S*/qtests-([a-z0-9-]+)-\w{6}\b", "/TEMP/qtests-$1-RANDOM"),
        (r"`/\S*/deps/failing-[0-9a-f]{16}`", "`[BINARY]`"),
        (r"as \d+\n", "as PID\n"),
        (r"src/trial/isolated\.rs:\d+", "src/trial/isolated.rs:LINE"),
        (r"127\.0\.0\.1:\d{4,5}", "127.0.0.1:PORT"),
        (r"\(\d+\) panicked", "(TID) panicked"),
        (r"task \d+", "task ID"),
        (r"` \(\d+\)", "` (ID)"),
        (r"descriptor \d+", "descriptor N"),
        // Whether a test that is cut after a tenth of a second had been idle by then depends on the machine.
        (r"(?m)^  note:     no task of the test had run for 0\..*\n", ""),
        (r"had run for \d\.\d s", "had run for TIME"),
        (r"(?m)^   *\d+: .*\n", ""),
        (r"(?m)^  +at .*\n", ""),
        (r"stack backtrace:\n", ""),
        (r"note: Some details are omitted.*\n", ""),
    ];
    masks.iter().fold(text.to_owned(), |text, (pattern, with)| {
        regex::Regex::new(pattern).unwrap().replace_all(&text, *with).into_owned()
    })
}

/// Runs one test that must fail and compares what it prints.
fn fails(module: &str, name: &str) {
    let path = format!("{module}{name}");
    let output = support::run("failing", &["--ignored", "--exact", &path, "--test-threads=1"]);
    let text = support::text(&output);
    assert_eq!(output.status.code(), Some(101), "{path} did not fail:\n{text}");
    for part in ["expected: ", "happened: ", "where:  ", "repeat with: QTESTS_SEED="] {
        assert!(text.contains(part), "the report of {path} has no {part:?}:\n{text}");
    }
    let report: String = text.split("failures:\n\n").nth(1).unwrap_or(&text).to_owned();
    insta::with_settings!({prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!(name.to_owned(), masked(&report));
    });
}

macro_rules! must_fail {
    ($($module:literal: [$($(#[$when:meta])? $name:ident),* $(,)?]),* $(,)?) => {
        $($($(#[$when])? #[test] fn $name() { fails($module, stringify!($name)); })*)*

        /// Every test of `tests/failing` is looked at here.
        #[test]
        fn no_failing_test_goes_unlooked_at() {
            let known = [$($(concat!($module, stringify!($name))),*),*];
            let listed = support::run("failing", &["--list", "--format", "terse"]);
            for line in support::text(&listed).lines().filter_map(|line| line.strip_suffix(": test")) {
                assert!(known.contains(&line), "`{line}` is compared nowhere");
            }
        }
    };
}

must_fail!(
    "": [
        body_panics,
        body_returns_an_error,
        body_never_ends,
        body_blocks_its_thread,
        body_blocks_one_of_several_threads,
        body_does_not_panic_as_it_should,
        body_panics_with_another_text,
        body_that_should_panic_never_ends,
        task_panics_and_nobody_joins_it,
        thread_panics_and_nobody_joins_it,
        expected_panic_does_not_come,
        teardown_panics_after_the_body,
        teardowns_hang,
        task_and_thread_outlive_the_test,
        foreign_task_outlives_a_strict_test,
        destructor_panics_while_the_body_unwinds,
        hook_is_replaced_and_the_body_panics,
        directory_is_kept,
        scope_finds_a_leak,
        scope_is_dropped_while_unwinding,
        task_of_a_foreign_runtime_panics,
        fault_never_fires,
        fault_is_hit_on_a_thread_of_no_test_only,
        fault_has_an_unknown_name,
        fault_never_fires_and_the_body_panics,
        mock_is_not_called,
        mock_is_not_called_and_the_body_panics,
        mock_is_called_too_often_in_a_task,
        mock_is_held_by_somebody_else,
        mock_stack_is_full,
        body_never_ends_and_its_mock_is_restored,
        proxy_meets_a_paused_clock,
        toxic_meets_no_traffic,
        objective_is_violated,
        teardown_panics_twice,
        body_is_busy_for_ever,
        guard_of_the_body_panics_when_it_is_cut,
        sync_body_waits_for_ever,
        guarded_mock_is_not_called_and_the_body_panics,
        drop_of_the_body_hangs_and_the_rest_is_cancelled,
        load_scenario_panics_twice,
        service_cuts_accepted_requests_off,
        timeline_is_longer_than_the_test,
    ],
    "faulty::": [
        method_is_called_with_another_key,
        method_is_called_beside_its_decorator,
        method_without_a_result_is_to_fail,
        method_has_another_name,
    ],
    "alone::": [
        fails_each_time_it_is_tried,
        isolated_body_panics,
        isolated_process_aborts,
        isolated_body_blocks_its_thread,
        environment_is_changed_beside_other_tests,
        isolated_test_leaves_a_daemon_a_thread_and_a_file,
        strict_test_leaves_a_child_that_runs_and_one_that_nobody_awaits,
        tasks_wait_for_each_other_for_ever,
        strict_test_leaves_children_of_all_its_threads,
        isolated_test_leaves_a_thread_of_a_worker_and_a_chain_of_children,
    ],
    "fixtures::": [
        fixture_returns_an_error,
        fixture_panics,
        fixture_hangs,
        fixture_needs_itself,
        shared_fixture_panics,
        shared_fixture_needs_itself,
    ],
    "streams::": [
        stream_has_a_wrong_name,
        stream_is_read_only_once,
    ],
    "logs::": [
        #[cfg(feature = "tracing")] log_holds_what_is_wanted_and_what_is_not,
        #[cfg(feature = "tracing")] log_has_no_such_line,
        #[cfg(feature = "tracing")] log_has_such_a_line_on_a_thread_of_no_test,
        #[cfg(feature = "tracing")] log_has_lines_that_must_not_be,
        #[cfg(feature = "tracing")] log_does_not_keep_what_must_not_be,
        #[cfg(feature = "tracing")] log_of_no_test_is_longer_than_what_is_held,
        #[cfg(feature = "tracing")] log_is_too_long_to_be_sure,
        #[cfg(feature = "tracing")] log_never_has_the_line_that_is_awaited,
    ],
    "metrics::": [
        #[cfg(feature = "metrics")] counter_has_another_value,
        #[cfg(feature = "metrics")] counter_has_a_wrong_name,
        #[cfg(feature = "metrics")] counter_that_must_be_0_has_a_wrong_name,
        #[cfg(feature = "metrics")] histogram_has_a_wrong_name,
        #[cfg(feature = "metrics")] counter_must_never_be_recorded,
    ],
);

/// All of them at once in one process: hanging, blocked, panicking and lost ones do not keep the others from their end.
/// Only the one that replaces the hook of the whole process stays away.
#[test]
fn tests_that_fail_in_every_way_leave_each_other_alone() {
    let listed = support::text(&support::run("failing", &["--list", "--format", "terse"]));
    let names =
        listed.lines().filter_map(|line| line.strip_suffix(": test")).filter(|name| !name.starts_with("hook_is"));
    let text = support::text(&support::run("failing", &["--ignored", "--skip=hook_is", "--test-threads=8"]));
    let mut count = 0;
    for name in names {
        count += 1;
        let report = regex::Regex::new(&format!("qtests: `{name}` (SET-UP )?FAILED after")).unwrap();
        let tries = if name.ends_with("fails_each_time_it_is_tried") { 2 } else { 1 };
        assert_eq!(report.find_iter(&text).count(), tries, "{name} in:\n{text}");
    }
    assert!(text.contains(&format!("0 passed; {count} failed")), "{text}");
}

/// Executes the line that a report gives, in a shell, as a reader would.
#[test]
fn the_line_that_repeats_a_test_does_repeat_it() {
    let flags = support::cargo_flags().join(" ");
    let first = shell(&format!("cargo test {flags} --test failing -- --exact body_returns_an_error --ignored"));
    let line = first.lines().find_map(|line| line.trim().strip_prefix("repeat with: ")).expect(&first).to_owned();
    let second = shell(&line);
    let happened = |text: &str| text.lines().find(|line| line.contains("happened:")).map(str::to_owned);
    assert_eq!(happened(&first), Some("  happened: it returned Err(\"no such order\")".to_owned()), "{first}");
    assert_eq!(happened(&second), happened(&first), "{second}");
    assert!(second.contains(&format!("repeat with: {line}")), "{second}");
}

fn shell(line: &str) -> String {
    let output = support::clean("sh").args(["-c", line]).output().unwrap();
    assert!(!output.status.success(), "`{line}` succeeded");
    support::text(&output)
}
