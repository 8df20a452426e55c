//! Disturbances in time: what begins when, and when it ends.
//!
//! The clock is that of the test. While it runs, a thread of the timeline's own keeps it, so that a body that blocks
//! does not hold it up; where it is paused, a task of the test's runtime does.

use super::{
    Disturbance,
    running::{Entry, Running, Timelines},
    schedule::{Plan, Step, Verb},
};
use crate::{
    base::Error,
    scope::{Finding, Test, Undo, ready},
};
use std::{
    fmt,
    panic::Location,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};
use tokio::{
    runtime,
    sync::watch,
    time::{Instant, sleep_until},
};

/// A timeline that is being described, see [`Test::timeline`]; [`start`](Timeline::start) sets it going.
///
/// All times count from the start. What is due at the same moment ends before anything begins, and otherwise keeps the
/// order in which it was described. Steps are taken one after the other: one that takes long (a server that is started)
/// holds up those that are due meanwhile. At most 1,000 entries.
///
/// A test that passes although an entry's time never came has shown nothing of it, and fails: let it
/// [wait](ActiveTimeline::finished), [stop](ActiveTimeline::stop) the timeline, or mark the disturbance
/// [optional](Disturbance::is_optional).
#[must_use = "a timeline does nothing until it is started"]
pub struct Timeline {
    t: Test,
    plan: Plan,
    entries: Vec<Entry>,
}

impl Test {
    /// Begins the description of a timeline: which disturbance begins when, and ends when.
    ///
    /// ```
    /// # use qtests::{Test, fault_point};
    /// # use std::{io, time::Duration};
    /// # fn query() -> io::Result<()> { fault_point!("timeline.query")?; Ok(()) }
    /// # async fn example(t: Test) -> Result<(), qtests::Error> {
    /// let ms = Duration::from_millis;
    /// let storm = t
    ///     .timeline()
    ///     .between(ms(20), ms(60), t.fault("timeline.query").fail(io::ErrorKind::TimedOut))
    ///     .start();
    /// while query().is_ok() {
    ///     tokio::time::sleep(ms(1)).await;
    /// }
    /// storm.finished().await;
    /// assert!(query().is_ok());
    /// # Ok(())
    /// # }
    /// # let t = Test::scoped();
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
    /// #     .block_on(example(Test::clone(&t))).unwrap();
    /// ```
    pub fn timeline(&self) -> Timeline {
        Timeline { t: self.clone(), plan: Plan::default(), entries: Vec::new() }
    }
}

impl Timeline {
    /// Begins the disturbance at this time. It lasts until the test ends or the timeline is stopped.
    pub fn at(mut self, begin: Duration, disturbance: impl Disturbance) -> Timeline {
        self.plan.at(self.entries.len(), begin);
        self.with(begin, disturbance)
    }

    /// Begins the disturbance at `begin` and ends it at `end`.
    pub fn between(mut self, begin: Duration, end: Duration, disturbance: impl Disturbance) -> Timeline {
        self.plan.between(self.entries.len(), begin, end);
        self.with(begin, disturbance)
    }

    /// Begins the disturbance after each `period`, for the time `lasting`, until the test ends or the timeline is
    /// stopped. The first time is one period after the start.
    pub fn every(mut self, period: Duration, lasting: Duration, disturbance: impl Disturbance) -> Timeline {
        self.plan.every(self.entries.len(), period, lasting);
        self.with(period, disturbance)
    }

    fn with(mut self, first: Duration, disturbance: impl Disturbance) -> Timeline {
        let disturbance = Box::new(disturbance);
        self.entries.push(Entry { disturbance, first, begun: Arc::default(), planned: false });
        self
    }

    /// What a plan has from one time until, maybe, another; the plan is told that it began, and says if it never did.
    pub(super) fn planned(
        self,
        (from, until): (Duration, Option<Duration>),
        disturbance: impl Disturbance,
        begun: Arc<AtomicBool>,
    ) -> Timeline {
        let mut timeline = match until {
            Some(until) => self.between(from, until, disturbance),
            None => self.at(from, disturbance),
        };
        if let Some(entry) = timeline.entries.last_mut() {
            (entry.begun, entry.planned) = (begun, true);
        }
        timeline
    }

    /// Sets it going.
    ///
    /// # Panics
    /// Where [`try_start`](Timeline::try_start) errs.
    #[track_caller]
    pub fn start(self) -> ActiveTimeline {
        ready(self.try_start())
    }

    /// [`start`](Timeline::start) that returns its error.
    ///
    /// # Errors
    /// [`is_invalid`](Error::is_invalid) if nothing is to be done, if something ends no later than it begins, if a
    /// period is 0 or not longer than what it repeats; [`is_limit`](Error::is_limit) above 1,000 entries;
    /// [`is_ended`](Error::is_ended) if the test is over; or if no thread can be started.
    #[track_caller]
    pub fn try_start(self) -> Result<ActiveTimeline, Error> {
        self.t.scope.still_open("a timeline")?;
        self.plan.check()?;
        let (progress, seen) = watch::channel(Progress::default());
        let (stop, stopped) = watch::channel(false);
        let place = Location::caller();
        let entries: Arc<[Entry]> = self.entries.into();
        let drive =
            Drive { t: self.t.clone(), plan: self.plan, entries: Arc::clone(&entries), progress, stopped, place };
        let running = Timelines::of(&self.t);
        let (alive, ended) = mpsc::channel();
        running.join(Running::new(stop.clone(), ended, entries, place));
        let active = ActiveTimeline { seen, stop };
        let began = Instant::now();
        if runtime::Handle::try_current().is_ok() && self.t.clock_is_paused() {
            if self.t.scope.runs_here() {
                // Nobody polls the task any more when the body has ended, unless somebody waits for it.
                let (what, active) = (format!("the end of the timeline started at {place}"), active.clone());
                self.t.scope.undo_at_end(Undo::later(what, async move { active.stop().await }))?;
            }
            tokio::spawn(drive.run(began, alive));
        } else {
            let bind = self.t.bind_thread();
            thread::Builder::new()
                .name("qtests-timeline".to_owned())
                .spawn(move || on_thread(bind, drive, began, alive))
                .map_err(|error| Error::other("the thread of a timeline cannot be started").with_source(error))?;
        }
        Ok(active)
    }
}

impl fmt::Debug for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.entries.iter().map(|entry| entry.disturbance.describe()).collect();
        f.debug_struct("Timeline").field("disturbances", &names).finish_non_exhaustive()
    }
}

/// A timeline that runs. It goes on when this is dropped, until the test ends. Clones are the same timeline.
#[derive(Clone)]
pub struct ActiveTimeline {
    seen: watch::Receiver<Progress>,
    stop: watch::Sender<bool>,
}

/// How far a timeline has come.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    began: u64,
    ended: u64,
    /// Nothing is left to be done, or it was stopped and all is ended.
    is_over: bool,
}

impl ActiveTimeline {
    /// How often a disturbance has begun so far.
    pub fn began(&self) -> u64 {
        self.seen.borrow().began
    }

    /// How often one has ended so far.
    pub fn ended(&self) -> u64 {
        self.seen.borrow().ended
    }

    /// Resolves when all steps have been taken: what was described by [`at`](Timeline::at) goes on, and a timeline with
    /// [`every`](Timeline::every) never finishes by itself. Cancel safe.
    pub async fn finished(&self) {
        // The sender is gone only after the test: then it is over as well.
        let _ = self.seen.clone().wait_for(|progress| progress.is_over).await;
    }

    /// Takes no further step, and ends what has begun. Returns when all of it is ended. Cancel safe: once polled, it
    /// will stop.
    pub async fn stop(&self) {
        self.stop.send_replace(true);
        // The driver lets go of its end when it has ended all.
        let mut seen = self.seen.clone();
        while seen.changed().await.is_ok() {}
    }
}

impl fmt::Debug for ActiveTimeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ActiveTimeline({:?})", *self.seen.borrow())
    }
}

/// Takes the steps.
struct Drive {
    t: Test,
    plan: Plan,
    entries: Arc<[Entry]>,
    progress: watch::Sender<Progress>,
    stopped: watch::Receiver<bool>,
    place: &'static Location<'static>,
}

impl Drive {
    /// Until it is stopped, since what has begun must be ended then.
    async fn run(mut self, began: Instant, _alive: mpsc::Sender<()>) {
        self.t.record("timeline", format!("started at {}", self.place));
        let mut in_force = Vec::new();
        while let Some(step) = self.plan.next() {
            let Some(due) = began.checked_add(step.at) else { break };
            let is_stopped = tokio::select! {
                biased;
                stopped = self.stopped.wait_for(|stopped| *stopped) => stopped.map_or(true, |stopped| *stopped),
                () = sleep_until(due) => false,
            };
            if is_stopped {
                return self.end_all(in_force, began).await;
            }
            self.take(&step, began).await;
            match step.verb {
                Verb::Begin => in_force.push(step.entry),
                Verb::End => in_force.retain(|entry| *entry != step.entry),
            }
        }
        self.progress.send_modify(|progress| progress.is_over = true);
        let _ = self.stopped.wait_for(|stopped| *stopped).await;
        self.end_all(in_force, began).await;
    }

    async fn end_all(&self, in_force: Vec<usize>, began: Instant) {
        for entry in in_force.into_iter().rev() {
            self.take(&Step { at: began.elapsed(), entry, verb: Verb::End }, began).await;
        }
        self.progress.send_modify(|progress| progress.is_over = true);
    }

    async fn take(&self, step: &Step, began: Instant) {
        let Entry { disturbance, begun, .. } = &self.entries[step.entry];
        let (verb, result) = match step.verb {
            Verb::Begin => {
                begun.store(true, Ordering::Relaxed);
                ("begin", disturbance.begin().await)
            }
            Verb::End => ("end", disturbance.end().await),
        };
        let what = disturbance.describe();
        match result {
            Ok(()) => {
                let late = began.elapsed().saturating_sub(step.at);
                self.t.record("timeline", format!("{verb}: {what}, planned at {:?}, {late:?} late", step.at));
                self.progress.send_modify(|progress| match step.verb {
                    Verb::Begin => progress.began += 1,
                    Verb::End => progress.ended += 1,
                });
            }
            // A test that is over takes and keeps nothing: there is nobody left to tell.
            Err(_) if self.t.scope.is_closed() => {}
            Err(error) => {
                self.t.record("timeline", format!("cannot {verb} {what}: {error:?}"));
                let text = format!("the timeline of {} cannot {verb} {what} at {:?}: {error:?}", self.place, step.at);
                self.t.scope.find(Finding::failure(text));
            }
        }
    }
}

fn on_thread(bind: impl Fn() + Send + Sync + 'static, drive: Drive, began: Instant, alive: mpsc::Sender<()>) {
    bind();
    match runtime::Builder::new_current_thread().enable_all().on_thread_start(bind).build() {
        Ok(runtime) => {
            runtime.block_on(drive.run(began, alive));
            runtime.shutdown_background();
        }
        Err(error) => {
            drive.t.scope.find(Finding::failure(format!("the timeline of {} has no runtime: {error}", drive.place)))
        }
    }
}
