//! The log of one test.

use super::{line::LogLine, tail, watcher::Watcher};
use crate::{
    base::{Ring, count},
    scope::{Part, Scope, lock},
};
use std::sync::{Arc, Mutex, Weak};

#[cfg(feature = "tracing-test")]
use std::sync::OnceLock;

/// How many lines a test holds; older ones are dropped and counted.
pub const LOG_LIMIT: usize = 10_000;

/// How many of them a failing test prints.
const TAIL: usize = 20;

/// The log of one test.
#[derive(Debug)]
pub(super) struct LogBook {
    held: Mutex<Held>,
    /// The span that `#[traced_test]` has put around the body; `None` if it is refused.
    #[cfg(feature = "tracing-test")]
    pub(super) traced: OnceLock<Option<&'static str>>,
}

impl Part for LogBook {}

#[derive(Debug)]
struct Held {
    lines: Ring<Arc<LogLine>>,
    /// Those who wait for lines; as many as there are waiting futures.
    watchers: Vec<Weak<Watcher>>,
}

/// What a log holds.
pub(super) struct Lines {
    pub(super) held: Vec<Arc<LogLine>>,
    /// All lines ever logged.
    pub(super) logged: u64,
}

impl LogBook {
    pub(super) fn of(scope: &Scope) -> Arc<Self> {
        scope.part_or_insert(|| Self {
            held: Mutex::new(Held { lines: Ring::new(LOG_LIMIT), watchers: Vec::new() }),
            #[cfg(feature = "tracing-test")]
            traced: OnceLock::new(),
        })
    }

    pub(super) fn push(&self, scope: &Scope, mut line: LogLine) -> Arc<LogLine> {
        let mut held = lock(&self.held);
        // Taken under the lock, so that the times of a log never go back.
        line.at = scope.elapsed();
        let line = Arc::new(line);
        held.lines.push(Arc::clone(&line));
        let watchers: Vec<Arc<Watcher>> = held.watchers.iter().filter_map(Weak::upgrade).collect();
        let complete: Vec<&Arc<Watcher>> = watchers.iter().filter(|watcher| watcher.show(&line)).collect();
        // A waker may log, which comes back to here on this thread.
        drop(held);
        complete.into_iter().for_each(|watcher| watcher.notify());
        line
    }

    /// Shows all lines to the watcher, those that are held and those to come.
    pub(super) fn watch(&self, watcher: Watcher) -> Arc<Watcher> {
        let watcher = Arc::new(watcher);
        let mut held = lock(&self.held);
        // Nobody waits yet, so there is nobody to wake.
        held.lines.iter().for_each(|line| _ = watcher.show(line));
        held.watchers.retain(|other| other.strong_count() > 0);
        if !watcher.is_complete() {
            held.watchers.push(Arc::downgrade(&watcher));
        }
        watcher
    }

    /// The lines that are still held, the oldest first.
    pub(super) fn lines(&self) -> Lines {
        Lines::of(&lock(&self.held))
    }
}

impl Lines {
    fn of(held: &Held) -> Self {
        Self { held: held.lines.iter().cloned().collect(), logged: held.lines.pushed() }
    }

    /// How many lines have been dropped.
    pub(super) fn dropped(&self) -> u64 {
        self.logged - self.held.len() as u64
    }
}

/// The end of the log, for the report of a failing test.
pub(super) fn section(scope: &Scope) -> Option<String> {
    // The report comes also if a thread is stuck that holds the log.
    let Some(held) = tail::patiently(&scope.part::<LogBook>()?.held) else { return Some(tail::locked("logs")) };
    let lines = Lines::of(&held);
    drop(held);
    let (shown, text) = tail::tail(lines.held.iter().map(|line| &**line), TAIL);
    (shown > 0).then(|| format!("  logs (last {shown} of {}):\n{text}", count(lines.logged)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        logs::{line::tests::line, matching::Wanted},
        scope::Test,
    };
    use std::{
        future::Future,
        pin::pin,
        sync::mpsc,
        task::{Context, Poll, Wake, Waker},
        thread,
        time::Duration,
    };
    use tracing::Level;

    /// Logs when it is woken, as a waker of a runtime that is traced does.
    struct Logging(Test);

    impl Wake for Logging {
        fn wake(self: Arc<Self>) {
            let scope = &self.0.scope;
            LogBook::of(scope).push(scope, line(Level::INFO, "runtime", "woken"));
        }
    }

    #[test]
    fn a_waker_may_log() {
        let t = Test::scoped();
        let (test, (ended, end)) = (Test::of(Arc::clone(&t.scope)), mpsc::channel());
        // In a thread, since a lock that is taken twice hangs.
        thread::spawn(move || {
            let book = LogBook::of(&test.scope);
            let watcher = book.watch(Watcher::new(Wanted::default(), 1));
            let mut waits = pin!(watcher.completed());
            let waker = Waker::from(Arc::new(Logging(test.clone())));
            let mut cx = Context::from_waker(&waker);
            assert_eq!(waits.as_mut().poll(&mut cx), Poll::Pending);
            book.push(&test.scope, line(Level::INFO, "shop", "placed"));
            assert_eq!(waits.as_mut().poll(&mut cx), Poll::Ready(()));
            ended.send(book.lines().held.len()).unwrap();
        });
        assert_eq!(end.recv_timeout(Duration::from_secs(60)), Ok(2));
    }

    #[test]
    fn the_report_does_not_wait_for_a_log_that_is_held_for_ever() {
        let t = Test::scoped();
        let book = LogBook::of(&t.scope);
        book.push(&t.scope, line(Level::INFO, "shop", "placed"));
        let held = lock(&book.held);
        assert_eq!(section(&t.scope).as_deref(), Some("  logs: unknown, since a thread that hangs holds them\n"));
        drop(held);
        assert!(section(&t.scope).unwrap().contains("shop: placed"));
    }
}
