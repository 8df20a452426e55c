//! The points of the binary: each registers itself, so that a name that does not exist can be refused.

use super::place;
use std::{
    collections::BTreeMap,
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

/// One `fault_point!` or `pause_point!` in the sources.
#[derive(Debug)]
pub struct Site {
    name: &'static str,
    point: Point,
    file: &'static str,
    line: u32,
    /// How many armed faults of the process have this name. Only a hint: who sees a number other than 0 looks closer,
    /// and arming happens before the code under test is told to run, so no order is needed.
    armed: AtomicU32,
}

/// What can happen at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// `fault_point!`: everything.
    Fallible,
    /// `pause_point!`, and where a pool closes a connection: delays, holds and panics.
    Pause,
    /// A place where bytes pass, such as a read of a wrapped stream: everything, and damage to the bytes.
    Bytes,
}

/// The entry of a point in the list of all points.
#[doc(hidden)]
#[derive(Debug)]
pub struct SiteEntry(pub &'static Site);

inventory::collect!(SiteEntry);

impl Site {
    /// For the macros.
    #[doc(hidden)]
    pub const fn new(name: &'static str, point: Point, file: &'static str, line: u32) -> Self {
        Self { name, point, file, line, armed: AtomicU32::new(0) }
    }

    /// For the macros: whether any test has armed this name.
    #[doc(hidden)]
    #[inline]
    pub fn is_armed(&self) -> bool {
        self.armed.load(Ordering::Relaxed) != 0
    }

    /// The name, by which it is armed. Several points may share one.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What can happen here.
    pub fn point(&self) -> Point {
        self.point
    }

    /// The file that it stands in; empty for a point that was made while the program runs.
    pub fn file(&self) -> &'static str {
        self.file
    }

    /// The line that it stands on.
    pub fn line(&self) -> u32 {
        self.line
    }
}

/// All points in the sources of this binary, by name and place. Those of wrapped streams, middleware, pools and files
/// are not among them.
pub fn points() -> Vec<&'static Site> {
    index().values().flatten().copied().collect()
}

fn index() -> &'static BTreeMap<&'static str, Vec<&'static Site>> {
    static INDEX: OnceLock<BTreeMap<&'static str, Vec<&'static Site>>> = OnceLock::new();
    INDEX.get_or_init(|| {
        let mut index: BTreeMap<_, Vec<&'static Site>> = BTreeMap::new();
        for entry in inventory::iter::<SiteEntry> {
            index.entry(entry.0.name).or_default().push(entry.0);
        }
        index.values_mut().for_each(|sites| sites.sort_by_key(|site| (site.file, site.line)));
        index
    })
}

/// The points with a name; empty when there is none.
pub(super) fn named(name: &str) -> Vec<&'static Site> {
    let written = index().get(name).into_iter().flatten().copied();
    written.chain(place::named(name)).collect()
}

/// The names of all points.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    index().keys().copied()
}

/// A fault was armed at the points with this name.
pub(super) fn arm(name: &str) {
    for site in named(name) {
        site.armed.fetch_add(1, Ordering::Relaxed);
    }
}

/// A fault was disarmed at the points with this name.
pub(super) fn disarm(name: &str) {
    for site in named(name) {
        site.armed.fetch_sub(1, Ordering::Relaxed);
    }
}
