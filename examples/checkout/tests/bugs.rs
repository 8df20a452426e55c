//! The proof that `resilience.rs` and `cache.rs` can fail: each protection that is taken away makes one test fail,
//! and only that one; load runs are left out where another test is to fail. It also keeps the two transcripts that the
//! README shows in step with what is really printed.

use checkout::Bug;
use qtests::prelude::*;
use regex::Regex;
use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::SystemTime,
};

const HERE: &str = env!("CARGO_MANIFEST_DIR");

/// The binary whose tests guard a protection, and the one of them that needs none.
const fn binary_for(bug: Bug) -> (&'static str, &'static str) {
    match bug {
        Bug::NoCacheTimeout => ("cache", "an_order_in_the_cache_is_shown_even_if_the_database_fails"),
        _ => ("resilience", "a_customer_can_order"),
    }
}

/// The test that guards a protection, and what it says without it.
const fn guard(bug: Bug) -> (&'static str, &'static str) {
    match bug {
        Bug::NoPaymentTimeout => ("slow_payments_do_not_keep_the_customer_waiting", "still no answer after 3"),
        Bug::NewKeyPerRetry => ("payments_that_reset_mid_answer_charge_once", "2 charges, 2000 cents"),
        Bug::NoInventoryFallback => ("inventory_down_and_back", "the inventory service failed"),
        Bug::NoTransaction => {
            ("a_fault_in_the_middle_of_the_write_leaves_nothing_behind", "1, 1 of them without the mail")
        }
        Bug::NoCompensation => ("a_crash_after_the_charge_gives_the_money_back", "1000 cents and 1 reservation kept"),
        Bug::NoLoadShedding => ("a_spike_of_load_is_shed_not_queued", "p90 < 1 s VIOLATED"),
        Bug::NoCacheTimeout => ("a_cache_that_hangs_keeps_nobody_waiting", "still no answer after 3"),
    }
}

macro_rules! bugs {
    ($($name:ident: $bug:ident;)*) => {
        $(
            #[qtest(timeout = "3m")]
            async fn $name(t: Test) -> Result<(), qtests::Error> {
                if binary_for(Bug::$bug).0 == "cache" {
                    t.redis().await?; // Where there is none, this is skipped aloud, as the tests of the cache are.
                }
                breaks_one_test(&t, Bug::$bug);
                Ok(())
            }
        )*

        #[test]
        fn every_bug_is_tried_and_has_a_test_of_its_own() {
            let tried = [$(Bug::$bug),*];
            assert_eq!(tried, Bug::ALL);
            let guards: BTreeSet<&str> = tried.into_iter().map(|bug| guard(bug).0).collect();
            assert_eq!(guards.len(), tried.len(), "two bugs have the same test");
        }
    };
}

bugs! {
    no_payment_timeout_is_noticed: NoPaymentTimeout;
    new_key_per_retry_is_noticed: NewKeyPerRetry;
    no_inventory_fallback_is_noticed: NoInventoryFallback;
    no_transaction_is_noticed: NoTransaction;
    no_compensation_is_noticed: NoCompensation;
    no_load_shedding_is_noticed: NoLoadShedding;
    no_cache_timeout_is_noticed: NoCacheTimeout;
}

fn breaks_one_test(t: &Test, bug: Bug) {
    let ((guard, says), (binary, needs_none)) = (guard(bug), binary_for(bug));
    // Load runs take longer than all the others together, and only the spike guards a protection.
    let skip: &[&str] =
        if bug == Bug::NoLoadShedding { &["--skip=sluggish"] } else { &["--skip=sluggish", "--skip=spike"] };
    let run = run(t, binary, Some(bug), skip);
    assert_eq!(run.status, Some(101), "{}", run.text);
    assert_eq!(run.with_verdict("FAILED"), [guard], "without a protection ({bug}) these failed:\n{}", run.text);
    assert!(run.with_verdict("ok").contains(&needs_none), "{}", run.text);
    let heading = format!("---- {guard} ----");
    let report = run.text.split_once(&heading).unwrap_or_else(|| panic!("no report in\n{}", run.text)).1;
    let repeat = format!("{}={bug} cargo test -p checkout --test {binary} -- --exact {guard}", Bug::VARIABLE);
    let place = format!("where:    examples/checkout/tests/{binary}.rs:");
    for part in ["expected: ", "happened: ", says, &place, "repeat with: ", &repeat] {
        assert!(report.contains(part), "no {part:?} in the report of {bug}:\n{report}");
    }
}

#[qtest(timeout = "3m")]
fn all_tests_pass_with_all_protections_as_the_readme_shows(t: Test) {
    let run = run(&t, "resilience", None, &[]);
    assert_eq!((run.status, run.with_verdict("FAILED").len()), (Some(0), 0), "{}", run.text);
    in_step("passing", &run.text);
}

#[qtest(timeout = "3m")]
fn a_failure_reads_as_the_readme_shows(t: Test) {
    let run = run(&t, "resilience", Some(Bug::NewKeyPerRetry), &["charge_once"]);
    in_step("failing", &run.text);
}

/// A storm is about no protection in particular. It must still notice that one is missing.
#[qtest(timeout = "3m")]
fn a_storm_notices_a_card_that_is_charged_twice(t: Test) {
    let run = run(&t, "storm", Some(Bug::NewKeyPerRetry), &[]);
    assert_eq!(run.status, Some(101), "{}", run.text);
    assert!(
        run.text.contains("orders, as many reservations and charges") || run.text.contains("with 2 charges"),
        "{}",
        run.text
    );
}

/// What a run of a test binary came to.
struct Run {
    status: Option<i32>,
    /// Its standard output.
    text: String,
}

impl Run {
    /// The tests of which the run says so.
    fn with_verdict(&self, verdict: &str) -> Vec<&str> {
        let lines = self.text.lines().filter_map(|line| line.strip_prefix("test ")?.split_once("... "));
        lines.filter(|(_, said)| said.trim() == verdict).map(|(name, _)| name.trim()).collect()
    }
}

/// Runs a test binary without what this run has in its environment.
fn run(t: &Test, name: &str, bug: Option<Bug>, arguments: &[&str]) -> Run {
    let mut command = Command::new(binary(name));
    for (name, _) in env::vars_os() {
        let ours = ["NEXTEST", "QTESTS_", "RUST_"].iter().any(|prefix| name.to_string_lossy().starts_with(prefix));
        if ours {
            command.env_remove(name);
        }
    }
    if let Some(bug) = bug {
        command.env(Bug::VARIABLE, bug.name());
    }
    // A test that fails keeps its directory; here it is kept no longer than this one.
    command.env("TMPDIR", t.dir()).current_dir(HERE).stdin(Stdio::null());
    let output = command.arg("--test-threads=2").args(arguments).output().expect("the binary runs");
    Run { status: output.status.code(), text: String::from_utf8_lossy(&output.stdout).into_owned() }
}

/// The newest binary of this test, which cargo puts beside this one.
fn binary(wanted: &str) -> PathBuf {
    const CURE: &str = "run `cargo test -p checkout` without --test, so that it is built";
    let this = env::current_exe().expect("this binary has a path");
    let is_wanted = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.and_then(|name| name.strip_prefix(wanted)?.strip_prefix('-'))
            .is_some_and(|hash| !hash.contains(['.', '-']))
    };
    let newest = files_in(this.parent().expect("it is in a folder")).into_iter().filter(is_wanted).max_by_key(age);
    let newest = newest.unwrap_or_else(|| panic!("there is no test binary `{wanted}`: {CURE}"));
    for folder in ["src", "tests", "tests/fakes", "tests/world"] {
        for source in files_in(&Path::new(HERE).join(folder)) {
            let is_other = folder == "tests" && !source.ends_with(format!("{wanted}.rs"));
            let is_part = !is_other && source.extension().is_some_and(|extension| extension == "rs");
            assert!(
                !is_part || age(&newest) >= age(&source),
                "the test binary `{wanted}` is older than {}: {CURE}",
                source.display()
            );
        }
    }
    newest
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).expect("the folder is there").map(|entry| entry.expect("it can be read").path()).collect()
}

fn age(path: &PathBuf) -> SystemTime {
    fs::metadata(path).and_then(|metadata| metadata.modified()).expect("a file has an age")
}

/// Compares what was printed with the transcript of an earlier run.
///
/// The transcript keeps the figures of its run; they are masked on both sides to compare, and so is
/// the order, since tests that run side by side end in any. Only directories are masked in the file.
fn in_step(name: &str, printed: &str) {
    let path = format!("{HERE}/transcripts/{name}.txt");
    let directory = Regex::new(r"/\S*/qtests-([a-z0-9-]+)-\w{6}\b").expect("a good pattern");
    let printed = directory.replace_all(printed.trim(), "/tmp/qtests-$1-XXXXXX") + "\n";
    // Whether there are logs depends on the features that the rest of the workspace asks for.
    let logs = Regex::new(r"(?m)^  logs \(last .*\n(    .*\n)*").expect("a good pattern");
    let printed = logs.replace_all(&printed, "");
    let kept = fs::read_to_string(&path).unwrap_or_default();
    if words(&masked(&kept)) == words(&masked(&printed)) {
        return;
    }
    let blessed = env::var_os("CHECKOUT_BLESS").is_some_and(|value| value == "1");
    assert!(
        blessed,
        "{path} shows something else than what is printed now. If that is as it should be, run\n  \
         CHECKOUT_BLESS=1 cargo test -p checkout\nand take the file over into the README.\n\n\
         kept:\n{kept}\nprinted now:\n{printed}"
    );
    fs::write(&path, &*printed).expect("the transcript can be written");
}

/// What differs from run to run. Seeds do not: they follow from the names of the tests.
fn masked(text: &str) -> String {
    let masks = [
        (r"\+\d+\.\d{6}s", "+TIME"),
        (r"after \d+\.\d{3} s", "after TIME"),
        (r"finished in [\d.]+s", "finished in TIME"),
        (r"(127\.0\.0\.1|\.rs):[\d:]+", "$1:NUMBER"),
        (r"leak: \d+ task", "leak: N task"),
        (r"(?m)^  (offered|response|service|lateness) .*$", "  $1 FIGURES"),
        (r"(?m)^  \d+ x .*\n", ""),
        (r"\d+ customers were served, \d+ were", "N customers were served, N were"),
        (r"closed after .*", "closed"),
        (r"test\(s\) in \d+\.\d\d s", "test(s) in TIME"),
        (r"(?m)^  slowest: .*$", "  slowest: SOME"),
    ];
    masks.iter().fold(text.to_owned(), |text, (pattern, with)| {
        Regex::new(pattern).expect("a good pattern").replace_all(&text, *with).into_owned()
    })
}

fn words(text: &str) -> Vec<&str> {
    let mut words: Vec<&str> = text.split_whitespace().collect();
    words.sort_unstable();
    words
}
