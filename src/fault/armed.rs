//! A fault in force: its conditions, its counts and whoever waits for it.

use super::{Fault, Hit, Trigger, gate::Gate, plan::FaultSpec, trigger::Chain};
use crate::base::Seed;
use std::{
    panic::Location,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};
use tokio::{sync::watch, time::Instant};

/// A fault in force.
#[derive(Debug)]
pub(super) struct Armed {
    pub(super) spec: FaultSpec,
    pub(super) place: &'static Location<'static>,
    /// Where held code waits.
    pub(super) gate: Gate,
    /// Where hanging threads wait: until the test ends or the fault is disarmed.
    pub(super) end: Gate,
    chain: Chain,
    hits: AtomicU64,
    passed_over: AtomicU64,
    fired: watch::Sender<u64>,
    disarmed: AtomicBool,
    seed: Seed,
    draws: AtomicU64,
    /// It counts as never armed: another fault of its plan could not be armed.
    forgotten: AtomicBool,
}

impl Armed {
    pub(super) fn new(spec: FaultSpec, place: &'static Location<'static>, seed: Seed) -> Self {
        Self {
            chain: Chain::new(&spec.when, seed, Instant::now()),
            spec,
            place,
            gate: Gate::default(),
            end: Gate::default(),
            hits: AtomicU64::new(0),
            passed_over: AtomicU64::new(0),
            fired: watch::Sender::new(0),
            disarmed: AtomicBool::new(false),
            seed,
            draws: AtomicU64::new(0),
            forgotten: AtomicBool::new(false),
        }
    }

    /// Code came by the point: the number of the hit if the fault fires.
    pub(super) fn offer(&self, hit: &Hit<'_>) -> Option<u64> {
        if self.disarmed.load(Ordering::Acquire) {
            return None;
        }
        let number = self.hits.fetch_add(1, Ordering::Relaxed) + 1;
        let fires = self.chain.passes(&Hit { number, ..*hit });
        if fires {
            self.fired.send_modify(|fired| *fired += 1);
        }
        fires.then_some(number)
    }

    /// Code came by the point, but an earlier fault had the last word.
    pub(super) fn pass_over(&self) {
        self.passed_over.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn passed_over(&self) -> u64 {
        self.passed_over.load(Ordering::Relaxed)
    }

    /// A draw in `0.0..1.0`, for what a fault does rather than when.
    pub(super) fn draw(&self) -> f64 {
        let number = self.draws.fetch_add(1, Ordering::Relaxed) + 1;
        self.seed.draw_unit(&self.spec.point, "what", number)
    }

    /// Whether closures of the user are held.
    pub(super) fn has_closures(&self) -> bool {
        let predicate = |trigger: &Trigger| matches!(trigger, Trigger::When(predicate) if predicate.get().is_some());
        self.spec.then.iter().any(Fault::has_closure) || self.spec.when.iter().any(predicate)
    }

    /// Lets go of the closures of the user.
    pub(super) fn drop_closures(&self) {
        self.spec.then.iter().for_each(Fault::drop_closure);
        self.chain.drop_closures();
        for trigger in &self.spec.when {
            if let Trigger::When(predicate) = trigger {
                predicate.drop_it();
            }
        }
    }

    pub(super) fn is_disarmed(&self) -> bool {
        self.disarmed.load(Ordering::Acquire)
    }

    pub(super) fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }

    pub(super) fn fired(&self) -> u64 {
        *self.fired.borrow()
    }

    /// Resolves when the fault has fired so often.
    pub(super) async fn wait_fired(&self, count: u64) {
        let mut fired = self.fired.subscribe();
        // The sender is ours, so it cannot be gone while we wait.
        let _ = fired.wait_for(|fired| *fired >= count).await;
    }

    /// Lets everybody go on who waits.
    pub(super) fn let_go(&self) {
        self.gate.open();
        self.end.open();
    }

    /// True for the first one who asks.
    pub(super) fn disarm(&self) -> bool {
        self.let_go();
        !self.disarmed.swap(true, Ordering::AcqRel)
    }

    pub(super) fn forget(&self) {
        self.forgotten.store(true, Ordering::Release);
    }

    pub(super) fn is_forgotten(&self) -> bool {
        self.forgotten.load(Ordering::Acquire)
    }

    pub(super) fn can_still_fire_by_accident(&self) -> bool {
        self.chain.had_its_chance()
    }

    pub(super) fn describe(&self) -> String {
        let join = |words: Vec<String>| words.join(", ");
        let when = join(self.spec.when.iter().map(Trigger::to_string).collect());
        let what = join(self.spec.then.iter().map(Fault::to_string).collect());
        let colon = if when.is_empty() { "" } else { ": " };
        format!("fault `{}` ({when}{colon}{what})", self.spec.point)
    }
}
