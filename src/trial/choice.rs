//! Which tests run: by their tags, and by the share of the suite that this machine has.

use crate::{
    base::environment,
    scope::{Meta, at_exit, say},
};
use std::sync::{
    Once,
    atomic::{AtomicUsize, Ordering},
};

/// How many tests libtest counts as passed although they were skipped.
static SKIPPED: AtomicUsize = AtomicUsize::new(0);

/// How many of the tests that libtest counts as passed had no server.
static WITHOUT_SERVER: AtomicUsize = AtomicUsize::new(0);

/// Why the environment does not choose a test; nothing if it does.
pub(crate) fn skips(meta: &Meta) -> Option<String> {
    let environment = environment();
    // The parent of an isolated test has chosen it.
    if environment.isolated.is_some() {
        return None;
    }
    if !environment.tags.chooses(meta.options.tags) {
        return Some("QTESTS_TAGS does not choose it".to_owned());
    }
    let elsewhere = environment.partition.is_some_and(|partition| !partition.has(meta.path));
    elsewhere.then(|| "QTESTS_PARTITION leaves it to another machine".to_owned())
}

/// libtest cannot skip a test that it runs, so it counts this one as passed; the end of the process says otherwise.
pub(super) fn count_skipped() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| at_exit(say_skipped));
    SKIPPED.fetch_add(1, Ordering::Relaxed);
}

fn say_skipped() {
    let count = SKIPPED.load(Ordering::Relaxed);
    say(&format!("{count} test(s) were skipped by QTESTS_TAGS or QTESTS_PARTITION; libtest counts them as passed"));
}

/// A test is skipped since its server is not installed. Nobody sees what a passing test prints, so it is said past the
/// capture of the harness, at once and at the end of the process.
pub(super) fn say_without_server(test: &str, why: &str) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| at_exit(say_how_many_without_server));
    WITHOUT_SERVER.fetch_add(1, Ordering::Relaxed);
    say(&format!("SKIPPED: `{test}`: {why}"));
}

fn say_how_many_without_server() {
    let count = WITHOUT_SERVER.load(Ordering::Relaxed);
    say(&format!(
        "{count} test(s) were skipped because their servers are not installed, and prove nothing; libtest counts them as \
         passed; with QTESTS_REQUIRE_SERVERS=1 they fail"
    ));
}
