//! Starts iterations when they are due and waits for their end.
//!
//! Everything reads `tokio::time`, so a paused clock drives a run as well as a real one. All tasks live in a `JoinSet`
//! owned by the future of the run: dropping that future stops them.

use super::{
    in_flight::InFlight,
    iteration::{begin, complete},
    recorder::{Recorder, Recorders, Sample},
    schedule::{Schedule, Window},
};
use std::{
    fmt::Display,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    runtime::Handle,
    task::{JoinSet, yield_now},
    time::{Instant, sleep_until, timeout, timeout_at},
};

/// After so many starts or iterations in a row others get their turn: a scenario that never waits would starve its
/// runtime.
const TURN: u64 = 64;
/// So many iterations of one user without any progress of a paused clock mean that it will never move.
const STANDSTILL: u64 = 100_000;
/// What was stopped has this long to run its destructors before the run returns.
const FAREWELL: Duration = Duration::from_secs(1);

/// What all tasks of one run share.
#[derive(Debug)]
pub(super) struct Course {
    start: Instant,
    window: Window,
    grace: Duration,
    recorders: Recorders,
    in_flight: InFlight,
    /// Time is virtual.
    paused: bool,
    /// A user found that time stands still.
    stuck: AtomicBool,
    /// The rest is being booked: nothing more begins.
    closed: AtomicBool,
}

/// What came of a run.
#[derive(Debug)]
pub(super) struct Driven {
    pub(super) recorder: Recorder,
    /// From the start to the moment when the last arrival was really started.
    pub(super) started_all: Duration,
    /// How many threads could run iterations.
    pub(super) threads: usize,
}

/// A paused clock cannot move, since the users of the closed loop never wait.
#[derive(Debug)]
pub(super) struct Standstill;

impl Course {
    /// A run that begins now, with at most `most` iterations at a time.
    pub(super) fn new(window: Window, grace: Duration, most: usize, paused: bool) -> Arc<Self> {
        let threads = Handle::current().metrics().num_workers() + 1;
        Arc::new(Self {
            start: Instant::now(),
            window,
            grace,
            recorders: Recorders::new(threads, window, grace),
            in_flight: InFlight::new(most),
            paused,
            stuck: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        })
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// Waits for what is under way, then books the rest as unfinished and stops it.
    async fn finish(&self, mut tasks: JoinSet<()>) -> Recorder {
        let deadline = self.start + self.window.total() + self.grace;
        // Running into the deadline is not an error: it is what makes the rest unfinished.
        let _ = timeout_at(deadline, async { while tasks.join_next().await.is_some() {} }).await;
        let now = self.elapsed();
        // Before the tasks are stopped, and before the recorders are collected: see `InFlight`.
        self.closed.store(true, Ordering::Release);
        self.book_rest(now);
        let _ = timeout(FAREWELL, tasks.shutdown()).await;
        // A user that looked just before the run was closed may have taken its seat just after it was cleared.
        self.book_rest(now);
        self.recorders.collect()
    }

    fn book_rest(&self, now: Duration) {
        for left in self.in_flight.take_rest() {
            self.recorders.count(|| true, |recorder| recorder.unfinished(&left, now));
        }
    }

    /// Books the end of the iteration in `seat`, unless the run has given it up already.
    fn book(&self, seat: usize, sample: Sample) {
        self.recorders.count(|| self.in_flight.leave(seat), |recorder| recorder.finished(sample));
    }
}

fn threads() -> usize {
    Handle::current().metrics().num_workers()
}

/// Open loop: starts each arrival of `schedule` when it is due, whatever became of those before it.
pub(super) async fn open_loop<S, F, Fut, T, E>(
    course: Arc<Course>,
    schedule: Schedule,
    state: S,
    scenario: Arc<F>,
) -> Driven
where
    S: Clone + Send + 'static,
    F: Fn(S) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<T, E>> + Send + 'static,
    T: 'static,
    E: Display + 'static,
{
    let mut tasks = JoinSet::new();
    let mut next = 0;
    while next < schedule.arrivals() {
        sleep_until(course.start + schedule.at(next)).await;
        // Else finished tasks would pile up until the end.
        while tasks.try_join_next().is_some() {}
        let due = schedule.due(course.elapsed()).min(next + TURN);
        for k in next..due {
            let intended = schedule.at(k);
            match course.in_flight.reserve() {
                Some(seat) => {
                    course.in_flight.enter(seat, intended);
                    tasks.spawn(arrival(course.clone(), seat, intended, state.clone(), scenario.clone()));
                }
                None => course.recorders.count(|| true, |recorder| recorder.shed(intended)),
            }
        }
        if due == next + TURN {
            yield_now().await;
        }
        next = due;
    }
    let started_all = course.elapsed();
    Driven { recorder: course.finish(tasks).await, started_all, threads: threads() }
}

async fn arrival<S, F, Fut, T, E>(course: Arc<Course>, seat: usize, intended: Duration, state: S, scenario: Arc<F>)
where
    F: Fn(S) -> Fut,
    Fut: Future<Output = Result<T, E>>,
    E: Display,
{
    let started = course.elapsed();
    course.in_flight.start(seat, started);
    let mut busy = Duration::ZERO;
    let error = complete(begin(|| scenario(state)), &mut busy).await.err();
    course.book(seat, Sample { intended, started, ended: course.elapsed(), busy, error });
    course.in_flight.release(seat);
}

/// Closed loop: each user calls again when its last call has ended and it has thought for `think`.
///
/// # Errors
/// [`Standstill`] if the clock is paused and the users never wait for it.
pub(super) async fn closed_loop<S, F, Fut, T, E>(
    course: Arc<Course>,
    users: usize,
    think: Duration,
    state: S,
    scenario: Arc<F>,
) -> Result<Driven, Standstill>
where
    S: Clone + Send + 'static,
    F: Fn(S) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<T, E>> + Send + 'static,
    T: 'static,
    E: Display + 'static,
{
    let mut tasks = JoinSet::new();
    for seat in 0..users {
        tasks.spawn(user(course.clone(), seat, think, state.clone(), scenario.clone()));
    }
    let recorder = course.finish(tasks).await;
    if course.stuck.load(Ordering::Relaxed) {
        return Err(Standstill);
    }
    Ok(Driven { recorder, started_all: course.window.total(), threads: threads() })
}

async fn user<S, F, Fut, T, E>(course: Arc<Course>, seat: usize, think: Duration, state: S, scenario: Arc<F>)
where
    S: Clone,
    F: Fn(S) -> Fut,
    Fut: Future<Output = Result<T, E>>,
    E: Display,
{
    let total = course.window.total();
    let mut started = course.elapsed();
    let (mut turns, mut moved) = (0_u64, 0_u64);
    while started < total && !course.stuck.load(Ordering::Relaxed) && !course.closed.load(Ordering::Acquire) {
        course.in_flight.enter(seat, started);
        course.in_flight.start(seat, started);
        let begun = begin(|| scenario(state.clone()));
        let mut busy = Duration::ZERO;
        let error = complete(begun, &mut busy).await.err();
        let ended = course.elapsed();
        course.book(seat, Sample { intended: started, started, ended, busy, error });
        turns += 1;
        if ended > started {
            moved = turns;
        }
        // Reading the clock costs more than counting: without a pause the end of one call is the start of the next.
        started = ended;
        if !think.is_zero() {
            sleep_until(course.start + total.min(ended.saturating_add(think))).await;
            (started, moved) = (course.elapsed(), turns);
        } else if turns.is_multiple_of(TURN) {
            yield_now().await;
            started = course.elapsed();
        }
        if course.paused && turns - moved >= STANDSTILL {
            course.stuck.store(true, Ordering::Relaxed);
        }
    }
}
