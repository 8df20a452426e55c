//! Signals and the end of the process: the teardowns of all live tests run before the process dies.

use super::{ending, first, lasting, lock, scope::Scope};
use crate::base::{environment, signals};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    low_level::{emulate_default_handler, signal_name},
};
use std::{
    borrow::Cow,
    io::Write,
    sync::{
        Arc, Mutex, Once, OnceLock, Weak,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// How long all teardowns together may take once a signal has come. nextest kills a test 10 s after a signal.
const BUDGET: Duration = Duration::from_secs(5);

/// The tests that run now.
static LIVE: Mutex<Vec<Weak<Scope>>> = Mutex::new(Vec::new());

/// The process is about to end.
static ENDING: AtomicBool = AtomicBool::new(false);

/// Takes the test off the list of live tests when it is dropped.
#[derive(Debug)]
pub(super) struct Registered(Weak<Scope>);

/// Sees to it that somebody listens for signals and for the end of the process.
pub(super) fn listen() {
    static STARTED: Once = Once::new();
    STARTED.call_once(start);
}

/// Puts a test on the list of live tests.
pub(super) fn register(scope: &Arc<Scope>) -> Registered {
    listen();
    let scope = Arc::downgrade(scope);
    lock(&LIVE).push(scope.clone());
    Registered(scope)
}

impl Drop for Registered {
    fn drop(&mut self) {
        lock(&LIVE).retain(|live| !live.ptr_eq(&self.0));
    }
}

/// Never returns once the process is about to end: no test begins, and none is judged.
pub(super) fn block_if_ending() {
    while ENDING.load(Ordering::Acquire) {
        thread::park_timeout(BUDGET);
    }
}

fn start() {
    super::os::hook_up();
    // The parent of an isolated test has said it.
    for complaint in environment().complaints.iter().filter(|_| environment().isolated.is_none()) {
        say(&format!("warning: {complaint}"));
    }
    first::begins();
    static HEARING: OnceLock<signals::Hearing> = OnceLock::new();
    let hearing = signals::hear(&[SIGINT, SIGTERM, SIGHUP], |signal| {
        // The second signal: at once.
        if ENDING.swap(true, Ordering::AcqRel) {
            return false;
        }
        // On a thread of its own, so that the one that hears signals hears the second one.
        let end = move || {
            end_all(Cow::Borrowed(signal_name(signal).unwrap_or("a signal")));
            let _ = emulate_default_handler(signal);
        };
        if thread::Builder::new().name("qtests-signal".to_owned()).spawn(end).is_err() {
            end();
        }
        true
    });
    // Without the thread a signal kills at once, as it does where no test runs.
    if let Ok(hearing) = hearing {
        // For the rest of the process's life.
        let _ = HEARING.set(hearing);
    }
}

/// Has something said when the process exits or is ended by a signal, such as how many tests were skipped.
pub(crate) fn at_exit(say: fn()) {
    listen();
    lock(&AT_EXIT).push(say);
}

/// What is to be done at the exit; each caller registers once.
static AT_EXIT: Mutex<Vec<fn()>> = Mutex::new(Vec::new());

/// `process::exit` was called, or `main` has returned, with this status where the system tells it.
pub(super) fn process_exits(status: Option<i32>) {
    if ENDING.swap(true, Ordering::AcqRel) {
        return;
    }
    if lock(&LIVE).is_empty() {
        // All tests are over, so there is no hurry.
        lasting::end_lasting(None).iter().for_each(|report| say_report(report));
        run_at_exit();
        return;
    }
    end_all(Cow::Borrowed("the process exits"));
    if status == Some(0) {
        // Tests that never came to a verdict must not count as passed.
        say("the process ends with status 101 instead of 0: it exited in the middle of its tests");
        signal_hook::low_level::exit(101);
    }
}

/// A report begins with our name already.
pub(crate) fn say_report(report: &str) {
    say(report.strip_prefix("qtests: ").unwrap_or(report));
}

fn run_at_exit() {
    let at_exit = std::mem::take(&mut *lock(&AT_EXIT));
    at_exit.into_iter().for_each(|say| say());
}

/// The process is about to abort.
pub(super) fn emergency(why: &str) {
    if !ENDING.swap(true, Ordering::AcqRel) {
        end_all(Cow::Owned(why.to_owned()));
    }
}

/// How much of the budget is kept for scopes that last, which tests may use until they end.
const FOR_LASTING: Duration = Duration::from_millis(1_500);

/// Ends all live tests and then the scopes that last: bodies are dropped, teardowns run, for [`BUDGET`] at most.
fn end_all(why: Cow<'static, str>) {
    let began = Instant::now();
    end_live(why.clone(), began, if lasting::exist() { BUDGET - FOR_LASTING } else { BUDGET });
    lasting::end_lasting(Some((why, began + BUDGET))).iter().for_each(|report| say_report(report));
    run_at_exit();
}

fn end_live(why: Cow<'static, str>, began: Instant, budget: Duration) {
    let until = began + budget;
    let live: Vec<Arc<Scope>> = lock(&LIVE).iter().filter_map(Weak::upgrade).collect();
    for scope in &live {
        scope.watch.hurry(why.clone(), until);
        let nobody_drives = scope.watch.claim_driving();
        if nobody_drives {
            scope.ending.body_ended(ending::BodyEnd::Interrupted(why.clone()), None);
            ending::drive_elsewhere(scope, scope.watch.driver());
        }
        if scope.watch.claim_supervision() {
            let theirs = Arc::clone(scope);
            let supervise = move || ending::supervise(&theirs);
            let _ = thread::Builder::new().name("qtests-ending".to_owned()).spawn(supervise);
        }
    }
    let late: Vec<&str> = live.iter().filter(|scope| !scope.watch.wait_done(until)).map(|scope| scope.name()).collect();
    match (live.len(), late.len()) {
        (0, _) => {}
        (count, 0) => {
            say(&format!("{why}: tore down {count} running test(s) in {:.3} s", began.elapsed().as_secs_f64()))
        }
        (count, _) => say(&format!(
            "{why}: {} of {count} running test(s) were not torn down within {budget:?}: {}",
            late.len(),
            late.join(", ")
        )),
    }
}

/// One line on the real standard error, which libtest does not capture.
pub(crate) fn say(text: &str) {
    // In one write, since others write there too.
    let _ = std::io::stderr().write_all(format!("qtests: {text}\n").as_bytes());
}
