//! Everything that belongs to one running test.

use super::{
    cancel::Cancel,
    dir::Dir,
    ending::Ending,
    finding::{Finding, Weight},
    journal::Journal,
    leak::Ledger,
    lock,
    options::Options,
    panics::{Panicked, Panics},
    parts::{Part, Parts},
    repeat::Repeat,
    residue::Before,
    runtime::Home,
    set_up::{SetUps, SettingUp},
    teardown::{Teardowns, Undo},
    watch::{Driver, Watch},
};
use crate::base::{Error, EventSink, Kind, Line, Seed};
use std::{
    borrow::Cow,
    fmt,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, ThreadId},
};

/// Everything that belongs to one running test. [`Test`](super::Test) is the handle that users hold.
pub(crate) struct Scope {
    pub(super) name: Cow<'static, str>,
    /// File and line of the test.
    place: (&'static str, u32),
    pub(super) options: Options,
    pub(super) seed: Seed,
    /// `#[should_panic]`, with the text that it expects.
    pub(super) should_panic: Option<&'static str>,
    pub(super) repeat: Repeat,
    pub(super) journal: Journal,
    pub(super) watch: Watch,
    pub(super) ending: Ending,
    pub(super) home: Home,
    pub(super) teardowns: Teardowns,
    pub(super) parts: Parts,
    pub(super) panics: Panics,
    pub(super) ledger: Ledger,
    pub(super) dir: Dir,
    pub(super) set_ups: SetUps,
    /// What the system held before the body, of a test that is held to it.
    pub(super) before: OnceLock<Before>,
    pub(super) cancel: Cancel,
    /// The thread that owns a droppable scope: it runs the body, unwatched.
    pub(super) owner: Option<ThreadId>,
    /// Whether it ends with the process.
    pub(super) lasts: bool,
    findings: Mutex<Findings>,
    /// The signal that cuts a body that is not async, while it runs, and the number of its driver; for
    /// [`Test::block_on`](super::Test::block_on).
    pub(super) sync_cut: Mutex<Option<(Driver, Cancel)>>,
    closed: AtomicBool,
}

/// Who runs the body of a test.
pub(super) enum BodyKind {
    /// We do, and we judge it.
    Driven { should_panic: Option<&'static str> },
    /// The calling thread does, between the making and the drop of the scope.
    Owned,
    /// There is none: the scope lasts until the process ends.
    Lasting,
}

/// How many findings a report can have; what comes after is counted.
const FINDINGS: usize = 100;

#[derive(Debug, Default)]
struct Findings {
    kept: Vec<Finding>,
    more_failures: usize,
}

impl Scope {
    pub(super) fn new(
        name: Cow<'static, str>,
        place: (&'static str, u32),
        options: Options,
        (seed, repeat): (Seed, Repeat),
        body: BodyKind,
    ) -> Arc<Self> {
        Arc::new(Self {
            name,
            place,
            options,
            seed,
            should_panic: if let BodyKind::Driven { should_panic } = body { should_panic } else { None },
            owner: matches!(body, BodyKind::Owned).then(|| thread::current().id()),
            lasts: matches!(body, BodyKind::Lasting),
            repeat,
            journal: Journal::new(),
            watch: Watch::default(),
            ending: Ending::default(),
            home: Home::default(),
            teardowns: Teardowns::default(),
            parts: Parts::default(),
            panics: Panics::default(),
            ledger: Ledger::default(),
            dir: Dir::default(),
            set_ups: SetUps::default(),
            before: OnceLock::new(),
            cancel: Cancel::new(),
            findings: Mutex::default(),
            sync_cut: Mutex::default(),
            closed: AtomicBool::new(false),
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Where the test stands.
    pub(super) fn place_text(&self) -> String {
        format!("{}:{}", self.place.0, self.place.1)
    }

    /// Wall time since the test began.
    #[cfg(feature = "tracing")]
    pub(crate) fn elapsed(&self) -> std::time::Duration {
        self.journal.elapsed()
    }

    /// One line in the journal.
    pub(crate) fn record(&self, source: &'static str, text: impl Into<Cow<'static, str>>) {
        self.journal.record(Box::new(Line::new(source, text)));
    }

    /// What a part keeps for this test, if it has been asked for before. Takes no lock.
    pub(crate) fn part<T: Part>(&self) -> Option<&T> {
        self.parts.get()
    }

    /// What a part keeps for this test.
    pub(crate) fn part_or_insert<T: Part>(&self, make: impl FnOnce() -> T) -> Arc<T> {
        self.parts.get_or_insert(make)
    }

    /// The test is over: it owns nothing any more and takes nothing.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// The body has ended, and all is being taken down.
    pub(crate) fn is_ending(&self) -> bool {
        self.cancel.is_fired()
    }

    /// Whether the caller is in the runtime of the test.
    pub(crate) fn runs_here(&self) -> bool {
        let here = tokio::runtime::Handle::try_current().ok();
        here.is_some_and(|here| self.home.peek().is_some_and(|home| home.handle().id() == here.id()))
    }

    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// Refuses what can no longer be undone.
    pub(crate) fn still_open(&self, what: &str) -> Result<(), Error> {
        if self.is_closed() { Err(self.ended(what)) } else { Ok(()) }
    }

    /// Registers something to undo, unless the test is over.
    pub(crate) fn undo_at_end(&self, undo: Undo) -> Result<(), Error> {
        self.teardowns.push(undo).map_err(|undo| self.ended(&undo.what))
    }

    fn ended(&self, what: &str) -> Error {
        Error::new(Kind::Ended, format!("the test `{}` is over: it cannot take {what} any more", self.name))
    }

    pub(crate) fn find(&self, finding: Finding) {
        let mut findings = lock(&self.findings);
        if findings.kept.len() < FINDINGS {
            findings.kept.push(finding);
        } else if finding.weight != Weight::Note {
            // The first hundred may all be notes, so one failure must stand for those that have no room.
            findings.more_failures += 1;
        }
    }

    pub(super) fn find_all(&self, found: impl IntoIterator<Item = Finding>) {
        found.into_iter().for_each(|finding| self.find(finding));
    }

    pub(super) fn findings(&self) -> Vec<Finding> {
        let findings = lock(&self.findings);
        let mut all = findings.kept.clone();
        if findings.more_failures > 0 {
            all.push(Finding::failure(format!("and {} more", findings.more_failures)));
        }
        all
    }

    /// The calling thread, which drives this test, is about to be parked for ever.
    pub(super) fn lose_driver(&self, driver: Driver, text: &str) -> bool {
        self.watch.lose(driver, text)
    }

    /// The set-up of a fixture begins.
    pub(crate) fn set_up_begins(&self, what: String) -> SettingUp<'_> {
        self.set_ups.begin(what)
    }

    /// A fixture that the body needs is not there: whatever it returns now, its set-up has failed.
    pub(crate) fn set_up_failed(&self, what: String) {
        self.set_ups.failed(what);
    }

    /// A step panicked.
    pub(super) fn step_panicked(&self, what: &str, panicked: &Panicked) {
        self.find(Finding::failure(format!("{what} panicked: {}", panicked.describe())));
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").field("name", &self.name).finish_non_exhaustive()
    }
}
