//! The load run as its author describes it.

use super::{
    LoadReport, Rate,
    driver::{Course, Driven, closed_loop, open_loop},
    figures::duration,
    schedule::{Schedule, Window},
};
use crate::base::{Error, Kind};
use crate::scope::{Test, Undo, lock};
use std::{
    fmt::Display,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::Semaphore;

/// Two load runs at the same time would measure each other, so a process has one permit for all of them.
static ONE_AT_A_TIME: Semaphore = Semaphore::const_new(1);

/// A day; longer times are a slip of the pen and would overflow the clock.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Each iteration under way has a seat that is reserved beforehand.
const MOST_AT_ONCE: usize = 1_000_000;

/// A load run being described; made by [`Test::load`], driven by [`LoadRun::run`].
///
/// By default an open loop of 10 arrivals a second, held for 10 s.
#[derive(Debug, Clone)]
#[must_use = "a load run does nothing until `run` is called and awaited"]
pub struct LoadRun {
    test: Test,
    name: String,
    model: Model,
    window: Window,
    max_in_flight: usize,
    grace: Duration,
}

/// Who decides when the next iteration begins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Model {
    /// The schedule.
    Open { rate: Rate },
    /// The service: a user calls again when it was answered.
    Closed { users: usize, think: Duration },
}

impl LoadRun {
    pub(super) fn new(test: Test, name: String) -> Self {
        Self {
            test,
            name,
            model: Model::Open { rate: Rate::per_sec(10) },
            window: Window { warm_up: Duration::ZERO, hold: Duration::from_secs(10) },
            max_in_flight: 1_000,
            grace: Duration::from_secs(5),
        }
    }

    /// Open loop: arrivals come at this constant rate, whether or not earlier ones were answered. Defaults to 10 a
    /// second.
    ///
    /// The last of `rate`, `users` and `think` decides between open and closed loop.
    pub fn rate(mut self, rate: Rate) -> Self {
        self.model = Model::Open { rate };
        self
    }

    /// Closed loop: so many users, each calling again once it was answered. Defaults to the open loop.
    ///
    /// A closed loop waits together with a slow service and so asks it for less: its latencies look better than those
    /// that users with a mind of their own would see (coordinated omission). The report is labelled so. Prefer
    /// [`rate`](Self::rate) for promises on latency.
    ///
    /// # Panics
    /// If `users` is 0 or above a million.
    #[track_caller]
    pub fn users(mut self, users: usize) -> Self {
        assert!(
            (1..=MOST_AT_ONCE).contains(&users),
            "LoadRun::users: there must be 1 to {MOST_AT_ONCE} users, there are {users}"
        );
        let think = match self.model {
            Model::Closed { think, .. } => think,
            Model::Open { .. } => Duration::ZERO,
        };
        self.model = Model::Closed { users, think };
        self
    }

    /// Closed loop: how long a user waits between an answer and the next call. Defaults to zero; alone it implies one
    /// user.
    pub fn think(mut self, think: Duration) -> Self {
        let users = match self.model {
            Model::Closed { users, .. } => users,
            Model::Open { .. } => 1,
        };
        self.model = Model::Closed { users, think };
        self
    }

    /// The measured time. Defaults to 10 s.
    ///
    /// # Panics
    /// If it is zero or longer than a day.
    #[track_caller]
    pub fn hold(mut self, hold: Duration) -> Self {
        assert!(!hold.is_zero(), "LoadRun::hold: the measured time must be above zero");
        self.window.hold = at_most_a_day("hold", hold);
        self
    }

    /// Load before the measured time; what is meant to start in it is not counted. Defaults to zero.
    ///
    /// # Panics
    /// If it is longer than a day.
    #[track_caller]
    pub fn warm_up(mut self, warm_up: Duration) -> Self {
        self.window.warm_up = at_most_a_day("warm_up", warm_up);
        self
    }

    /// Open loop: so many iterations may be under way at once. Defaults to 1,000.
    ///
    /// An arrival above it is *shed*: counted as a failure that is too slow for any bound, never skipped.
    ///
    /// # Panics
    /// If it is 0 or above a million.
    #[track_caller]
    pub fn max_in_flight(mut self, most: usize) -> Self {
        assert!(
            (1..=MOST_AT_ONCE).contains(&most),
            "LoadRun::max_in_flight: it must be 1 to {MOST_AT_ONCE}, it is {most}"
        );
        self.max_in_flight = most;
        self
    }

    /// How long after the measured time iterations may still end. Defaults to 5 s.
    ///
    /// What is under way then is stopped and counted as *unfinished*: a failure, and too slow for every bound below
    /// its age. Choose it above the latency bound of your objective, else such an iteration is neither too slow nor in
    /// time.
    ///
    /// # Panics
    /// If it is longer than a day.
    #[track_caller]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = at_most_a_day("grace", grace);
        self
    }

    /// Runs the load to its end and reports.
    ///
    /// Each iteration calls `scenario` with a clone of `state`, on a task of its own (open loop) or of its user (closed
    /// loop). `Err` and panics count as failures of that iteration and do not end the run.
    ///
    /// In one process only one load run is driven at a time; others wait for it and say so in the journal. A scenario
    /// that itself starts a load run would wait for ever. Runs under a paused clock measure no host, so they neither
    /// wait nor are waited for (waiting would let their virtual time run away).
    ///
    /// Cancel safety: dropping the future stops all iterations and frees the permit; what was counted is lost.
    ///
    /// # Errors
    /// If the test ends before the run does, or if under a paused clock the users of a closed loop never wait for
    /// anything, so that time would stand still for ever.
    ///
    /// # Panics
    /// Outside a tokio runtime with its timer enabled.
    pub async fn run<S, F, Fut, T, E>(self, state: S, scenario: F) -> Result<LoadReport, Error>
    where
        S: Clone + Send + 'static,
        F: Fn(S) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        T: 'static,
        E: Display + 'static,
    {
        let test = self.test.clone();
        let name = self.name.clone();
        tokio::select! {
            biased;
            () = test.cancelled() => Err(Error::new(Kind::Ended, format!("the test ended before load run `{name}`"))),
            report = self.drive(state, scenario) => report,
        }
    }

    async fn drive<S, F, Fut, T, E>(self, state: S, scenario: F) -> Result<LoadReport, Error>
    where
        S: Clone + Send + 'static,
        F: Fn(S) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        T: 'static,
        E: Display + 'static,
    {
        let paused = self.test.clock_is_paused();
        let _permit = if paused { None } else { Some(self.permit().await?) };
        self.test.record("load", format!("`{}` begins: {}", self.name, self.describe()));
        let scenario = Arc::new(scenario);
        let course = |most| Course::new(self.window, self.grace, most, paused);
        let driven = match self.model {
            Model::Open { rate } => {
                let schedule = Schedule::paced(rate.as_per_sec(), self.window.total());
                open_loop(course(self.max_in_flight), schedule, state, scenario).await
            }
            Model::Closed { users, think } => {
                closed_loop(course(users), users, think, state, scenario).await.map_err(|_| self.stands_still())?
            }
        };
        Ok(self.report(driven, paused))
    }

    /// Waits for other load runs; the time limit of the test stands still meanwhile.
    async fn permit(&self) -> Result<impl Sized + use<>, Error> {
        let permit = match ONE_AT_A_TIME.try_acquire() {
            Ok(permit) => permit,
            Err(_) => {
                self.test.record("load", format!("`{}` waits for another load run in this process", self.name));
                let _stopped = self.test.stop_time_limit();
                ONE_AT_A_TIME.acquire().await.expect("the permit of load runs is never closed")
            }
        };
        // A run whose thread is blocked for ever is never dropped: then the end of its test gives the permit back.
        let permit = Arc::new(Mutex::new(Some(permit)));
        let theirs = Arc::clone(&permit);
        let give_back = move || drop(lock(&theirs).take());
        self.test.scope.undo_at_end(Undo::now("the permit of a load run", give_back))?;
        Ok(scopeguard::guard(permit, |permit| drop(lock(&permit).take())))
    }

    fn report(self, driven: Driven, is_virtual: bool) -> LoadReport {
        let report = LoadReport::new(self.test, self.name, self.model, self.window, driven, is_virtual);
        report.announce();
        report
    }

    fn stands_still(&self) -> Error {
        Error::invalid(format!(
            "load run `{}`: the clock is paused and its users never wait for anything, so time stands still and the \
             run cannot end; give them time to `think`",
            self.name
        ))
    }

    fn describe(&self) -> String {
        describe(self.model, &self.window)
    }
}

/// `open loop at 500/s, held 5 s after 1 s of warm-up`.
pub(super) fn describe(model: Model, window: &Window) -> String {
    let model = match model {
        Model::Open { rate } => format!("open loop at {rate}"),
        Model::Closed { users, think } if think.is_zero() => format!("closed loop of {users} users"),
        Model::Closed { users, think } => format!("closed loop of {users} users who think for {}", duration(think)),
    };
    let hold = duration(window.hold);
    if window.warm_up.is_zero() {
        format!("{model}, held {hold}")
    } else {
        format!("{model}, held {hold} after {} of warm-up", duration(window.warm_up))
    }
}

#[track_caller]
fn at_most_a_day(setting: &str, time: Duration) -> Duration {
    assert!(time <= LONGEST, "LoadRun::{setting}: a day is the longest, it is {time:?}");
    time
}
