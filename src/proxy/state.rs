//! What a proxy's handles and its task on the engine's thread both know.

use std::fmt;
use std::net::SocketAddr;
use std::panic::Location;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::base::Seed;
use crate::scope::lock;

use super::refusals::Refusals;
use super::toxic::{Direction, LinkId, Spec, Tally, later};
use super::upstream::Upstream;

/// Toxics that may be in force on a proxy at the same time.
pub(super) const MAX_ARMED: usize = 1_000;

/// Removed toxics are remembered, for the findings and for a cut that is on its way, up to this many of a proxy.
const MAX_REMOVED: usize = 1_000;

/// One proxy. It holds no `Test`, so that a test may hold it.
pub(super) struct State {
    /// From 1, in the order in which the test made them.
    pub(super) number: u64,
    pub(super) seed: Seed,
    pub(super) addr: SocketAddr,
    pub(super) upstream: Upstream,
    /// Changed only on the engine's thread, which also changes `version` then.
    armed: Mutex<Vec<Arc<Armed>>>,
    /// Goes up with each change of `armed`, so that a link sees with one load that it must look.
    version: AtomicU64,
    removed: Mutex<Vec<Arc<Armed>>>,
    pub(super) live: AtomicUsize,
    pub(super) accepted: AtomicU64,
    upstream_bytes: AtomicU64,
    downstream_bytes: AtomicU64,
}

impl State {
    pub(super) fn new(number: u64, seed: Seed, addr: SocketAddr, upstream: Upstream) -> State {
        State {
            number,
            seed,
            addr,
            upstream,
            armed: Mutex::default(),
            version: AtomicU64::new(0),
            removed: Mutex::default(),
            live: AtomicUsize::new(0),
            accepted: AtomicU64::new(0),
            upstream_bytes: AtomicU64::new(0),
            downstream_bytes: AtomicU64::new(0),
        }
    }

    pub(super) fn version(&self) -> u64 {
        self.version.load(Relaxed)
    }

    /// The toxics in force, in the order of their arming.
    pub(super) fn armed(&self) -> Vec<Arc<Armed>> {
        lock(&self.armed).clone()
    }

    pub(super) fn arm(&self, armed: Arc<Armed>) {
        lock(&self.armed).push(armed);
        self.version.fetch_add(1, Relaxed);
    }

    /// Takes the toxic out of force; `None` if it was not in force.
    pub(super) fn disarm(&self, id: u64) -> Option<Arc<Armed>> {
        let mut armed = lock(&self.armed);
        let index = armed.iter().position(|armed| armed.id == id)?;
        let removed = armed.remove(index);
        drop(armed);
        self.version.fetch_add(1, Relaxed);
        if let Some(refusals) = &removed.refusals {
            refusals.end();
        }
        // Also what has fired: a cut of it may be on its way.
        let mut known = lock(&self.removed);
        if known.len() >= MAX_REMOVED
            && let Some(fired) = known.iter().position(|armed| armed.has_fired())
        {
            known.remove(fired);
        }
        if known.len() < MAX_REMOVED {
            known.push(removed.clone());
        }
        drop(known);
        Some(removed)
    }

    /// The toxic of this number, in force or no longer.
    pub(super) fn find(&self, id: u64) -> Option<Arc<Armed>> {
        let find = |list: &Mutex<Vec<Arc<Armed>>>| lock(list).iter().find(|armed| armed.id == id).cloned();
        find(&self.armed).or_else(|| find(&self.removed))
    }

    /// One text for each toxic that should have been met and was not.
    pub(super) fn vacuous(&self) -> Vec<String> {
        let mut toxics = lock(&self.removed).clone();
        toxics.extend(self.armed());
        toxics.retain(|toxic| !toxic.spec.is_optional() && !toxic.has_fired());
        toxics.sort_by_key(|toxic| toxic.id);
        toxics.iter().map(|toxic| self.finding(toxic)).collect()
    }

    fn finding(&self, toxic: &Armed) -> String {
        format!(
            "the toxic `{}`, armed at {} on the proxy {} to {}, never fired: {} ({} connections were accepted in all); \
             send traffic through {} while it is armed, or mark it `.optional()`",
            toxic.spec,
            toxic.at,
            self.addr,
            self.upstream,
            toxic.spec.misses(),
            self.accepted.load(Relaxed),
            self.addr,
        )
    }

    /// What other tests do from now on is not booked to this proxy's toxics.
    pub(super) fn close(&self) {
        self.armed().iter().filter_map(|armed| armed.refusals.as_ref()).for_each(Refusals::end);
    }

    pub(super) fn bytes(&self, direction: Direction) -> &AtomicU64 {
        match direction {
            Direction::Upstream => &self.upstream_bytes,
            Direction::Downstream => &self.downstream_bytes,
        }
    }

    pub(super) fn link(&self, connection: u64, toxic: u64, direction: Direction) -> LinkId {
        LinkId { seed: self.seed, proxy: self.number, connection, toxic, direction }
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let toxics: Vec<_> = self.armed().iter().map(|armed| armed.spec.to_string()).collect();
        f.debug_struct("FaultProxy")
            .field("addr", &self.addr)
            .field("upstream", &self.upstream.to_string())
            .field("connections", &self.live.load(Relaxed))
            .field("toxics", &toxics)
            .finish()
    }
}

/// A toxic that was added to a proxy.
pub(super) struct Armed {
    /// From 1, in the order of arming.
    pub(super) id: u64,
    pub(super) spec: Arc<dyn Spec>,
    pub(super) at: &'static Location<'static>,
    pub(super) since: Instant,
    pub(super) met: AtomicU64,
    /// Whether a draw let something pass: its probability had its chance.
    reached: AtomicBool,
    pub(super) dropped: AtomicU64,
    pub(super) corrupted: AtomicU64,
    /// Only for a toxic that refuses connections.
    pub(super) refusals: Option<Refusals>,
}

impl Armed {
    pub(super) fn new(id: u64, spec: Arc<dyn Spec>, at: &'static Location<'static>) -> Armed {
        let refusals = spec.refuses().then(Refusals::watch);
        Armed {
            id,
            spec,
            at,
            since: Instant::now(),
            met: AtomicU64::new(0),
            reached: AtomicBool::new(false),
            dropped: AtomicU64::new(0),
            corrupted: AtomicU64::new(0),
            refusals,
        }
    }

    /// Adds what it did on some link.
    pub(super) fn tally(&self, tally: &Tally) {
        count(&self.met, tally.met);
        count(&self.dropped, tally.dropped);
        count(&self.corrupted, tally.corrupted);
        if tally.reached {
            self.reached.store(true, Relaxed);
        }
    }

    /// When it resets a connection that was opened at `opened`.
    pub(super) fn cut_due(&self, opened: Instant) -> Option<Instant> {
        self.spec.cut_after().map(|delay| later(self.since.max(opened), delay))
    }

    pub(super) fn has_fired(&self) -> bool {
        self.met.load(Relaxed) > 0
            || self.reached.load(Relaxed)
            || self.refusals.as_ref().is_some_and(Refusals::possible)
    }
}

/// Adds to a counter that only the engine's thread writes, which spares the locked instruction.
pub(super) fn count(counter: &AtomicU64, more: u64) {
    counter.store(counter.load(Relaxed) + more, Relaxed);
}
