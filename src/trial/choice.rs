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
