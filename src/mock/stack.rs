//! The mock stack of a test: what stands in for which seam, and how it is taken down.

use crate::{
    base::{Error, Kind},
    scope::{Finding, Part, Scope, Undo, catch_quietly, lock},
};
use std::{
    any::Any,
    collections::{BTreeMap, HashMap},
    fmt,
    panic::Location,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicUsize, Ordering},
    },
};

/// How many entries a test may hold, over all its seams.
pub const MOCK_LIMIT: usize = 1_000;

/// What happens when an entry is pushed onto a full stack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// The push fails with an error that names the places where the entries were pushed. The default.
    #[default]
    Error,
    /// The oldest entry is popped, its restore closures run, and a note is kept for the report.
    EvictOldest,
}

/// The mocks of one test.
pub(super) struct MockStack {
    scope: Weak<Scope>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// By age: the first is the oldest.
    entries: BTreeMap<u64, Entry>,
    /// The entries of each seam, the latest last.
    tops: HashMap<usize, Vec<u64>>,
    next: u64,
    overflow: Overflow,
    evicted: u64,
    /// Mocks that were popped while somebody else held them: they are verified by whoever drops them last.
    held: Vec<Held>,
    closed: bool,
}

/// A closure that undoes something of the user's.
pub(super) type Restore = Box<dyn FnOnce() + Send>;

/// One mock that stands in for one seam.
pub(super) struct Entry {
    pub(super) seam: usize,
    pub(super) name: &'static str,
    pub(super) place: &'static Location<'static>,
    pub(super) overrides: &'static AtomicUsize,
    pub(super) mock: Box<dyn Mock>,
    pub(super) restore: Vec<Restore>,
}

struct Held {
    what: String,
    owners: Box<dyn Fn() -> usize + Send>,
}

/// An `Arc` of any trait object.
pub(super) trait Mock: Send {
    fn as_any(&self) -> &dyn Any;

    /// Gives the mock up; panics if it is dropped by that and finds itself unsatisfied. If others hold it still, a
    /// closure that counts them is returned.
    fn retire(self: Box<Self>) -> Option<Box<dyn Fn() -> usize + Send>>;
}

impl<T: ?Sized + Send + Sync + 'static> Mock for Arc<T> {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn retire(self: Box<Self>) -> Option<Box<dyn Fn() -> usize + Send>> {
        let weak = Arc::downgrade(&*self);
        drop(self);
        (weak.strong_count() > 0).then(|| Box::new(move || weak.strong_count()) as _)
    }
}

impl MockStack {
    pub(super) fn new(scope: Weak<Scope>) -> Self {
        Self { scope, state: Mutex::default() }
    }

    /// The latest mock for a seam.
    pub(super) fn top<T: ?Sized + 'static>(&self, seam: usize) -> Option<Arc<T>> {
        let state = lock(&self.state);
        let latest = state.tops.get(&seam)?.last()?;
        state.entries.get(latest)?.mock.as_any().downcast_ref::<Arc<T>>().cloned()
    }

    pub(super) fn overflow(&self, overflow: Overflow) {
        lock(&self.state).overflow = overflow;
    }

    /// Pushes an entry and returns its number.
    pub(super) fn push(&self, entry: Entry) -> Result<u64, Error> {
        let mut state = lock(&self.state);
        if state.closed {
            return Err(Error::new(Kind::Ended, format!("the test is over: it cannot mock `{}` any more", entry.name)));
        }
        let mut evicted = None;
        if state.entries.len() >= MOCK_LIMIT {
            match state.overflow {
                Overflow::Error => return Err(state.is_full(&entry)),
                Overflow::EvictOldest => {
                    evicted = state.entries.keys().next().copied().and_then(|oldest| state.take(oldest));
                    state.evicted += 1;
                }
            }
        }
        let number = state.next;
        state.next += 1;
        entry.overrides.fetch_add(1, Ordering::Relaxed);
        state.tops.entry(entry.seam).or_default().push(number);
        state.entries.insert(number, entry);
        drop(state);
        // Code of the user runs outside of the lock.
        if let Some(evicted) = evicted {
            self.retire(evicted);
        }
        Ok(number)
    }

    /// Adds a closure to an entry; gives it back if the entry has been popped.
    pub(super) fn add_restore(&self, number: u64, restore: Restore) -> Result<(), Restore> {
        match lock(&self.state).entries.get_mut(&number) {
            Some(entry) => {
                entry.restore.push(restore);
                Ok(())
            }
            None => Err(restore),
        }
    }

    /// Pops one entry, wherever it stands; nothing if it has been popped before.
    pub(super) fn remove(&self, number: u64) {
        let entry = lock(&self.state).take(number);
        if let Some(entry) = entry {
            self.retire(entry);
        }
    }

    /// Takes an entry out of sight and leaves it on the stack.
    pub(super) fn hide(&self, number: u64) {
        let mut state = lock(&self.state);
        if let Some(seam) = state.entries.get(&number).map(|entry| entry.seam) {
            state.forget_top(seam, number);
        }
    }

    /// Runs the restore closures of an entry that is off the stack, and verifies its mock.
    fn retire(&self, entry: Entry) {
        let what = entry.what();
        let scope = self.scope.upgrade();
        let find = |text: String| {
            if let Some(scope) = &scope {
                scope.find(Finding::failure(text));
            }
        };
        for restore in entry.restore.into_iter().rev() {
            if let Err(panicked) = catch_quietly(restore) {
                find(format!("a restore closure of {what} panicked: {}", panicked.describe()));
            }
        }
        match catch_quietly(move || entry.mock.retire()) {
            Ok(None) => {}
            Ok(Some(owners)) => lock(&self.state).held.push(Held { what, owners }),
            Err(panicked) => find(format!("{what} is not satisfied: {}", panicked.message)),
        }
    }

    /// Reports what was popped while somebody else held it and is still held by them.
    fn report_held(&self, held: Vec<Held>) {
        let Some(scope) = self.scope.upgrade() else { return };
        for Held { what, owners } in held {
            let owners = owners();
            if owners > 0 {
                scope.find(Finding::failure(format!("{what} is not verified: {owners} other owner(s) still hold it")));
            }
        }
    }
}

impl Part for MockStack {
    fn findings(&self) -> Vec<Finding> {
        match lock(&self.state).evicted {
            0 => Vec::new(),
            count => {
                vec![Finding::note(format!("the mock stack was full: {count} of the oldest entries were evicted"))]
            }
        }
    }

    fn pop(&self) -> Option<Undo> {
        let ours = self.scope.upgrade()?.part_or_insert(|| Self::new(self.scope.clone()));
        let mut state = lock(&self.state);
        if let Some(latest) = state.entries.keys().next_back().copied() {
            let entry = state.take(latest)?;
            return Some(Undo::now(entry.what(), move || ours.retire(entry)));
        }
        state.closed = true;
        let held = std::mem::take(&mut state.held);
        (!held.is_empty()).then(|| Undo::now("the check of mocks that others held", move || ours.report_held(held)))
    }
}

impl State {
    /// Takes an entry off the stack; the lookups no longer see it.
    fn take(&mut self, number: u64) -> Option<Entry> {
        let entry = self.entries.remove(&number)?;
        entry.overrides.fetch_sub(1, Ordering::Relaxed);
        self.forget_top(entry.seam, number);
        Some(entry)
    }

    fn forget_top(&mut self, seam: usize, number: u64) {
        if let Some(numbers) = self.tops.get_mut(&seam) {
            numbers.retain(|other| *other != number);
            if numbers.is_empty() {
                self.tops.remove(&seam);
            }
        }
    }

    fn is_full(&self, refused: &Entry) -> Error {
        let mut places: HashMap<String, usize> = HashMap::new();
        for entry in self.entries.values() {
            *places.entry(entry.what()).or_default() += 1;
        }
        let most = places.into_iter().max_by(|a, b| a.1.cmp(&b.1).then_with(|| b.0.cmp(&a.0)));
        let most = most.map(|(what, count)| format!("; {count} of them are {what}")).unwrap_or_default();
        Error::new(
            Kind::Limit,
            format!(
                "the mock stack is full ({MOCK_LIMIT} entries{most}) and cannot take {}: pop what is not needed with \
                 the guard of t.mock_scoped, or call t.mock_overflow(Overflow::EvictOldest)",
                refused.what()
            ),
        )
    }
}

impl Entry {
    fn what(&self) -> String {
        format!("the mock of `{}` pushed at {}", self.name, self.place)
    }
}

impl fmt::Debug for MockStack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MockStack({} entries)", lock(&self.state).entries.len())
    }
}
