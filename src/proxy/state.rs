//! What a proxy's handles and its task on the engine's thread both know.

use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::base::{Origin, Seed};
use crate::scope::lock;

use super::address::Address;
use super::refusals::{Count, Refusals};
use super::toxic::{Answer, Candidate, Choice, Cut, Direction, Door, LinkId, Spec, Tally, Toxic, later};
use super::upstream::Upstream;

/// Toxics that may be in force on a proxy at the same time.
pub(super) const MAX_ARMED: usize = 1_000;

/// Removed toxics are remembered, for the findings and for a cut that is on its way, up to this many of a proxy.
const MAX_REMOVED: usize = 1_000;

/// One proxy. It holds no `Test`, so that a test may hold it.
pub(super) struct State {
    /// From 1, in the order in which the test made them.
    pub(super) number: u64,
    pub(super) name: Option<String>,
    pub(super) seed: Seed,
    pub(super) address: Address,
    pub(super) upstream: Upstream,
    /// Changed only on the engine's thread, which also changes `version` then.
    armed: Mutex<Vec<Arc<Armed>>>,
    /// Goes up with each change of `armed`, so that a link sees with one load that it must look.
    version: AtomicU64,
    removed: Mutex<Vec<Arc<Armed>>>,
    pub(super) live: AtomicUsize,
    pub(super) accepted: AtomicU64,
    pub(super) ends: Ends,
    upstream_bytes: Traffic,
    downstream_bytes: Traffic,
}

/// How connections ended otherwise than by their peers.
#[derive(Default)]
pub(super) struct Ends {
    /// Let in by the kernel, and ended before they were accepted.
    pub(super) turned_away: AtomicU64,
    /// The server could not be reached.
    pub(super) unreachable: AtomicU64,
    /// Reset by a toxic.
    pub(super) reset: AtomicU64,
    /// Closed by a toxic.
    pub(super) closed: AtomicU64,
}

/// The bytes of one direction.
#[derive(Default)]
pub(super) struct Traffic {
    pub(super) read: AtomicU64,
    pub(super) passed: AtomicU64,
    pub(super) dropped: AtomicU64,
    pub(super) corrupted: AtomicU64,
}

impl State {
    pub(super) fn new(number: u64, name: Option<String>, seed: Seed, address: Address, upstream: Upstream) -> State {
        State {
            number,
            name,
            seed,
            address,
            upstream,
            armed: Mutex::default(),
            version: AtomicU64::new(0),
            removed: Mutex::default(),
            live: AtomicUsize::new(0),
            accepted: AtomicU64::new(0),
            ends: Ends::default(),
            upstream_bytes: Traffic::default(),
            downstream_bytes: Traffic::default(),
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
            && let Some(fired) = known.iter().position(|armed| armed.has_fired() || armed.is_optional())
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
        toxics.retain(|toxic| !toxic.is_optional() && !toxic.has_fired());
        toxics.sort_by_key(|toxic| toxic.id);
        toxics.iter().map(|toxic| self.finding(toxic)).collect()
    }

    fn finding(&self, toxic: &Armed) -> String {
        let name = self.name.as_ref().map(|name| format!("`{name}`, ")).unwrap_or_default();
        format!(
            "the toxic `{toxic}`, armed {} on the proxy {name}{} to {}, never fired: {} ({} connections were accepted \
             in all); send traffic through {} while it is armed, or mark it `.optional()`",
            toxic.origin,
            self.address,
            self.upstream,
            toxic.misses(),
            self.accepted.load(Relaxed),
            self.address,
        )
    }

    /// What other tests do from now on is not booked to this proxy's toxics, and what closures of the user hold is let
    /// go: it may be the test.
    pub(super) fn close(&self) {
        self.armed().iter().filter_map(|armed| armed.refusals.as_ref()).for_each(Refusals::end);
        // Dropped after the locks are.
        let _toxics = (std::mem::take(&mut *lock(&self.armed)), std::mem::take(&mut *lock(&self.removed)));
    }

    /// What the toxics in force do to new connections.
    pub(super) fn door(&self) -> Door {
        self.armed().iter().filter_map(|armed| armed.spec.door()).max().unwrap_or(Door::Open)
    }

    pub(super) fn traffic(&self, direction: Direction) -> &Traffic {
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
        let toxics: Vec<_> = self.armed().iter().map(ToString::to_string).collect();
        f.debug_struct("FaultProxy")
            .field("name", &self.name)
            .field("address", &self.address.to_string())
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
    choice: Choice,
    pub(super) origin: Origin,
    since: Instant,
    /// How many connections had been accepted when it was armed.
    after: u64,
    /// How many connections it has chosen.
    chosen: AtomicU64,
    /// Whether it has drawn for a connection.
    drawn: AtomicBool,
    pub(super) met: AtomicU64,
    /// Another arming of the same toxic stands for this one when the test is judged.
    pub(super) forgiven: AtomicBool,
    /// Whether a draw let something pass: its probability had its chance.
    reached: AtomicBool,
    pub(super) dropped: AtomicU64,
    pub(super) corrupted: AtomicU64,
    /// Only for a toxic that lets nobody in.
    refusals: Option<Refusals>,
}

impl Armed {
    pub(super) fn new(id: u64, toxic: Toxic, origin: Origin, proxy: &State) -> Armed {
        let Toxic { spec, choice } = toxic;
        let refusals = spec.door().map(|door| match (&proxy.address, door) {
            (Address::Tcp(_), Door::Refusing) => Refusals::watch(Count::Refused),
            (Address::Tcp(_), Door::Stalled) => Refusals::watch(Count::Dropped),
            _ => Refusals::watch(Count::Nothing),
        });
        Armed {
            id,
            spec,
            choice,
            origin,
            since: Instant::now(),
            after: proxy.accepted.load(Relaxed),
            chosen: AtomicU64::new(0),
            drawn: AtomicBool::new(false),
            met: AtomicU64::new(0),
            forgiven: AtomicBool::new(false),
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

    /// When it cuts a connection that was opened at `opened`, and how.
    pub(super) fn cut_due(&self, opened: Instant) -> Option<(Instant, Cut)> {
        self.spec.cut().map(|(delay, how)| (later(self.since.max(opened), delay), how))
    }

    /// Whether every connection meets it.
    pub(super) fn meets_everyone(&self) -> bool {
        self.choice.is_everyone()
    }

    /// Whether it asks for the first bytes of clients.
    pub(super) fn listens(&self) -> bool {
        self.choice.listens()
    }

    /// Whether the connection of this number, whose client began with `heard`, meets it. To be asked until the answer
    /// is known, and not again.
    pub(super) fn asks(&self, proxy: &State, number: u64, heard: &[u8]) -> Answer {
        let candidate = Candidate {
            number,
            is_new: number > self.after,
            chosen: self.chosen.load(Relaxed),
            // The last part keeps it apart from what effects draw.
            draw: proxy.seed.draw_unit_at(&[proxy.number, number, self.id, u64::MAX]),
            heard,
        };
        // The panic hook has told the test when its closure panics.
        let answer = panic::catch_unwind(AssertUnwindSafe(|| self.choice.asks(&candidate))).unwrap_or(Answer::No);
        if answer == Answer::Yes {
            count(&self.chosen, 1);
        }
        if self.choice.draws() && matches!(answer, Answer::Yes | Answer::Spared) {
            self.drawn.store(true, Relaxed);
        }
        answer
    }

    /// Whether it has done what a test must bring about.
    pub(super) fn has_fired(&self) -> bool {
        self.met.load(Relaxed) > 0
            || self.reached.load(Relaxed)
            || (self.choice.draws() && self.drawn.load(Relaxed))
            || self.refusals.as_ref().is_some_and(Refusals::possible)
    }

    fn is_optional(&self) -> bool {
        self.spec.is_optional() || self.choice.is_optional() || self.forgiven.load(Relaxed)
    }

    fn misses(&self) -> &'static str {
        let chose = self.chosen.load(Relaxed) > 0;
        if chose || self.meets_everyone() { self.spec.misses() } else { "no connection was one that it chooses" }
    }
}

impl fmt::Display for Armed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.spec, self.choice)
    }
}

/// Adds to a counter that only the engine's thread writes, which spares the locked instruction.
pub(super) fn count(counter: &AtomicU64, more: u64) {
    counter.store(counter.load(Relaxed) + more, Relaxed);
}
