//! Scopes that last as long as the process: of shared fixtures, and of a runner's suite. They end after all tests, the
//! latest first.

use super::{
    Test,
    ending::{self, BodyEnd},
    lock,
    options::Options,
    repeat::{Repeat, seed_of},
    residue,
    scope::{BodyKind, Scope},
    verdict::Verdict,
};
use std::{
    borrow::Cow,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

/// The scopes that last, in the order in which they were ready.
static LASTING: Mutex<Vec<Arc<Scope>>> = Mutex::new(Vec::new());

/// How long the end of one scope may take beside what its teardowns may: for proxies, the runtime, the directory.
const REST: Duration = Duration::from_secs(20);

/// A scope that ends when the process does. Its runtime has a thread of its own that drives it all the time.
pub(crate) fn lasting(name: String, place: (&'static str, u32)) -> Test {
    super::signal::listen();
    super::panics::install_hook();
    let options = Options::new().workers(1).no_timeout();
    let identity = (seed_of(&name, None), Repeat::OfProcess);
    let scope = Scope::new(Cow::Owned(name), place, options, identity, BodyKind::Lasting);
    residue::remember(&scope);
    lock(&LASTING).push(Arc::clone(&scope));
    Test::of(scope)
}

impl Test {
    /// What lasts is ready, with all that it needs.
    pub(crate) fn is_set_up(&self) {
        let mut lasting = lock(&LASTING);
        if let Some(at) = lasting.iter().position(|scope| Arc::ptr_eq(scope, &self.scope)) {
            let scope = lasting.remove(at);
            lasting.push(scope);
        }
        drop(lasting);
        residue::belongs_to_the_process(&self.scope);
    }
}

/// Whether there is anything to end.
pub(super) fn exist() -> bool {
    !lock(&LASTING).is_empty()
}

/// Ends all scopes that last, the latest first, and returns the reports of those that had something to fail for. Where
/// time is short, all is over at `until`.
pub(crate) fn end_lasting(hurry: Option<(Cow<'static, str>, Instant)>) -> Vec<String> {
    let mut reports = Vec::new();
    loop {
        // Not held while code of the user runs.
        let Some(scope) = lock(&LASTING).pop() else { return reports };
        if let Some((why, until)) = &hurry {
            scope.watch.hurry(why.clone(), *until);
        }
        if !scope.watch.claim_driving() {
            continue;
        }
        scope.ending.body_ended(BodyEnd::Passed, None);
        ending::drive_elsewhere(&scope, scope.watch.driver());
        if scope.watch.claim_supervision() {
            let theirs = Arc::clone(&scope);
            let _ = thread::Builder::new().name("qtests-lasting".to_owned()).spawn(move || ending::supervise(&theirs));
        }
        let limit = scope.options.teardown_timeout * u32::try_from(scope.teardowns.len()).unwrap_or(u32::MAX);
        let until = hurry.as_ref().map_or_else(|| Instant::now() + REST + limit, |(_, until)| *until);
        if scope.watch.wait_done(until) {
            reports.extend(Verdict::of(&scope).report().map(str::to_owned));
        } else {
            reports.push(format!("{} was not torn down in time", scope.name()));
        }
    }
}
