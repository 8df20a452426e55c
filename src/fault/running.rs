//! The timelines that run in one test: stopped when it ends, and judged by what they never came to.

use super::Disturbance;
use crate::scope::{Finding, Part, Test, lock};
use std::{
    panic::Location,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::Duration,
};
use tokio::sync::watch;

/// How long the end of a test waits for a step that is being taken.
const SHUT_DOWN: Duration = Duration::from_secs(1);

/// One of the disturbances of a timeline.
pub(super) struct Entry {
    pub(super) disturbance: Box<dyn Disturbance>,
    pub(super) first: Duration,
    /// Whether its time ever came; that it could not begin then is said by the timeline.
    pub(super) begun: Arc<AtomicBool>,
    /// Whether it is the plan that it comes from which says that it never began.
    pub(super) planned: bool,
}

/// The timelines of one test.
#[derive(Default)]
pub(super) struct Timelines {
    running: Mutex<Vec<Running>>,
}

pub(super) struct Running {
    stop: watch::Sender<bool>,
    /// Hangs up when it has ended all.
    ended: mpsc::Receiver<()>,
    entries: Arc<[Entry]>,
    place: &'static Location<'static>,
    /// Whether it ran until the test ended, so that it is the test that was too short for what never began.
    is_judged: bool,
}

impl Running {
    pub(super) fn new(
        stop: watch::Sender<bool>,
        ended: mpsc::Receiver<()>,
        entries: Arc<[Entry]>,
        place: &'static Location<'static>,
    ) -> Running {
        Running { stop, ended, entries, place, is_judged: false }
    }

    fn missed(&self) -> impl Iterator<Item = Finding> {
        let never_began = |entry: &&Entry| !entry.planned && !entry.begun.load(Ordering::Relaxed);
        let missed = self.entries.iter().filter(never_began).filter(|entry| !entry.disturbance.is_optional());
        missed.map(|Entry { disturbance, first, .. }| {
            Finding::vacuous(format!(
                "{} was to begin at {first:?} on the timeline started at {}, and never did: the test ended before (what \
                 does not happen shows nothing; await `finished()`, or stop the timeline, or mark it optional)",
                disturbance.describe(),
                self.place
            ))
        })
    }
}

impl Timelines {
    pub(super) fn of(t: &Test) -> Arc<Self> {
        t.slot(Self::default)
    }

    pub(super) fn join(&self, timeline: Running) {
        let mut running = lock(&self.running);
        running.retain(|known| known.ended.try_recv() != Err(mpsc::TryRecvError::Disconnected));
        running.push(timeline);
    }

    fn stop(&self) {
        for timeline in lock(&self.running).iter() {
            timeline.stop.send_replace(true);
        }
    }
}

impl Part for Timelines {
    /// What has begun ends while the teardowns run; no step is begun any more.
    fn release(&self) {
        for timeline in lock(&self.running).iter_mut() {
            timeline.is_judged = !*timeline.stop.borrow();
        }
        self.stop();
    }

    fn findings(&self) -> Vec<Finding> {
        lock(&self.running).iter().filter(|timeline| timeline.is_judged).flat_map(Running::missed).collect()
    }

    fn shut_down(&self) {
        self.stop();
        for timeline in lock(&self.running).drain(..) {
            // One that is a task ends with the runtime.
            let _ = timeline.ended.recv_timeout(SHUT_DOWN);
        }
    }
}
