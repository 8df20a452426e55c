//! Who drives a test, and for how long it may take: the hand-over between the thread that runs user code and the thread
//! that watches the clock.
//!
//! A *driver* runs the body and then each teardown as *steps*. A *supervisor* waits. When a step exceeds its limit the
//! supervisor asks the driver to drop it (`cut`); if the driver does not answer within [`ANSWER`] it is left behind:
//! the driver's number is raised, a new driver continues with the next step, and whatever the old one still does is
//! refused here. So each step is driven once, by one thread, whatever hangs.

use super::cancel::Cancel;
use crate::base::sync::{Condvar, Mutex, MutexGuard, lock, wait};
use std::{
    borrow::Cow,
    sync::PoisonError,
    time::{Duration, Instant},
};

/// How long a driver may take to answer when a step is cut.
pub(super) const ANSWER: Duration = Duration::from_millis(if cfg!(qtests_loom) { 0 } else { 100 });

/// The number of a driver; only the one with the highest number may act.
pub(super) type Driver = u32;

/// This driver was left behind: it must return without touching anything.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct LeftBehind;

/// The state of the hand-over, shared by drivers, the supervisor, the signal thread and the panic hook.
#[derive(Debug, Default)]
pub(super) struct Watch {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    driver: Driver,
    step: Option<Step>,
    done: bool,
    driven: bool,
    supervised: bool,
    /// Set by a signal or by `process::exit`: everything is to be over by then.
    hurry: Option<Hurry>,
}

#[derive(Clone, Debug)]
struct Hurry {
    why: Cow<'static, str>,
    until: Instant,
}

#[derive(Debug)]
struct Step {
    info: StepInfo,
    deadline: Option<Instant>,
    cut: Cancel,
    /// When the cut was asked for; the driver has [`ANSWER`] from then on.
    cut_at: Option<Instant>,
    /// The driver can never answer: its thread is parked inside a panic that would have aborted the process.
    lost: bool,
}

/// What a step is, for reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StepInfo {
    pub(super) what: Cow<'static, str>,
    pub(super) is_body: bool,
    pub(super) limit: Option<Duration>,
}

/// Why the supervisor woke up.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wake {
    /// Everything is over.
    Done,
    /// A step took too long (or somebody is in a hurry, and why); it has been cut.
    Overdue(StepInfo, Option<Cow<'static, str>>),
    /// The driver did not answer and was left behind; a new driver with this number is needed.
    Stuck(StepInfo, Driver),
}

impl Watch {
    /// The number that the next driver must show.
    pub(super) fn driver(&self) -> Driver {
        lock(&self.state).driver
    }

    /// A step begins. The signal that is returned asks for its end.
    pub(super) fn begin(&self, driver: Driver, info: StepInfo) -> Result<Cancel, LeftBehind> {
        let mut state = self.as_driver(driver)?;
        let now = Instant::now();
        let mut deadline = info.limit.map(|limit| now + limit);
        if let Some(hurry) = &state.hurry {
            deadline = Some(deadline.map_or(hurry.until, |own| own.min(hurry.until)));
        }
        let cut = Cancel::new();
        state.step = Some(Step { info, deadline, cut: cut.clone(), cut_at: None, lost: false });
        self.tell_supervisor(&state);
        Ok(cut)
    }

    /// The step is over, be it by itself or because it was cut. Without this call the driver counts as stuck.
    pub(super) fn end(&self, driver: Driver) -> Result<(), LeftBehind> {
        let mut state = self.as_driver(driver)?;
        state.step = None;
        Ok(())
    }

    /// All steps are over.
    pub(super) fn finish(&self, driver: Driver) {
        if let Ok(mut state) = self.as_driver(driver) {
            state.step = None;
            state.done = true;
            self.changed.notify_all();
        }
    }

    /// True for the first one who asks: only one thread starts to drive.
    pub(super) fn claim_driving(&self) -> bool {
        !std::mem::replace(&mut lock(&self.state).driven, true)
    }

    /// True for the first one who asks: only one thread supervises.
    pub(super) fn claim_supervision(&self) -> bool {
        !std::mem::replace(&mut lock(&self.state).supervised, true)
    }

    /// Whether somebody watches the clock.
    pub(super) fn is_supervised(&self) -> bool {
        lock(&self.state).supervised
    }

    /// Ends whatever runs now and limits all that follows.
    pub(super) fn hurry(&self, why: Cow<'static, str>, until: Instant) {
        let mut state = lock(&self.state);
        if state.hurry.is_none() {
            state.hurry = Some(Hurry { why, until });
            if let Some(step) = &mut state.step {
                let limit = if step.info.is_body { Instant::now() } else { until };
                step.deadline = Some(step.deadline.map_or(limit, |own| own.min(limit)));
            }
        }
        self.changed.notify_all();
    }

    /// Whether somebody was in a hurry, so that the process is about to end.
    pub(super) fn is_hurried(&self) -> bool {
        lock(&self.state).hurry.is_some()
    }

    /// The calling thread drives the step that runs now and will never come back. False when no supervisor is there to
    /// take over, or when the calling thread does not drive.
    pub(super) fn lose(&self, driver: Driver) -> bool {
        let Ok(mut state) = self.as_driver(driver) else { return true };
        let supervised = state.supervised;
        if let Some(step) = state.step.as_mut().filter(|_| supervised) {
            step.lost = true;
            self.changed.notify_all();
            return true;
        }
        false
    }

    /// Waits until everything is over, or until `until`; true when it is over.
    pub(super) fn wait_done(&self, until: Instant) -> bool {
        let mut state = lock(&self.state);
        while !state.done {
            let Some(left) = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) else {
                return false;
            };
            state = self.wait_for(state, left);
        }
        true
    }

    /// Waits until the supervisor has something to do. Only the thread that claimed supervision calls this.
    pub(super) fn supervise(&self) -> Wake {
        let mut state = lock(&self.state);
        loop {
            if state.done {
                return Wake::Done;
            }
            let now = Instant::now();
            let hurry = state.hurry.clone();
            let wake_at = match &mut state.step {
                None => None,
                Some(step) => match step.due(now) {
                    Due::At(at) => at,
                    Due::Cut => {
                        step.cut_at = Some(now);
                        step.cut.fire();
                        return Wake::Overdue(step.info.clone(), hurry.map(|hurry| hurry.why));
                    }
                    Due::LeaveBehind => {
                        let info = step.info.clone();
                        state.step = None;
                        state.driver += 1;
                        return Wake::Stuck(info, state.driver);
                    }
                },
            };
            state = match wake_at {
                Some(at) => self.wait_for(state, at.saturating_duration_since(now)),
                None => wait(&self.changed, state),
            };
        }
    }

    fn as_driver(&self, driver: Driver) -> Result<MutexGuard<'_, State>, LeftBehind> {
        let state = lock(&self.state);
        if state.driver == driver && !state.done { Ok(state) } else { Err(LeftBehind) }
    }

    fn tell_supervisor(&self, state: &State) {
        if state.supervised {
            self.changed.notify_all();
        }
    }

    fn wait_for<'a>(&self, state: MutexGuard<'a, State>, limit: Duration) -> MutexGuard<'a, State> {
        self.changed.wait_timeout(state, limit).unwrap_or_else(PoisonError::into_inner).0
    }
}

/// What is to be done about a step.
enum Due {
    At(Option<Instant>),
    Cut,
    LeaveBehind,
}

impl Step {
    fn due(&self, now: Instant) -> Due {
        match (self.cut_at, self.deadline) {
            _ if self.lost => Due::LeaveBehind,
            (Some(cut), _) if now >= cut + ANSWER => Due::LeaveBehind,
            (Some(cut), _) => Due::At(Some(cut + ANSWER)),
            (None, Some(deadline)) if now >= deadline => Due::Cut,
            (None, deadline) => Due::At(deadline),
        }
    }
}

#[cfg(all(test, qtests_loom))]
mod interleavings {
    use super::*;
    use loom::{
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering::SeqCst},
        },
        thread,
    };

    /// What a driver does after the body: one step that must be driven exactly once.
    fn go_on(watch: &Watch, driver: Driver, driven: &AtomicUsize) -> Result<(), LeftBehind> {
        watch.begin(driver, StepInfo { what: "teardown".into(), is_body: false, limit: None })?;
        driven.fetch_add(1, SeqCst);
        watch.end(driver)?;
        watch.finish(driver);
        Ok(())
    }

    /// The body ends while the supervisor cuts it and leaves its driver behind: whoever goes on, the rest is driven once,
    /// and the supervisor hears of the end.
    #[test]
    fn what_follows_an_overdue_body_is_driven_exactly_once() {
        loom::model(|| {
            let (watch, driven) = (Arc::new(Watch::default()), Arc::new(AtomicUsize::new(0)));
            assert!(watch.claim_supervision());
            let (theirs, count) = (Arc::clone(&watch), Arc::clone(&driven));
            let driver = thread::spawn(move || {
                let body = StepInfo { what: "body".into(), is_body: true, limit: Some(Duration::ZERO) };
                let _ = theirs.begin(0, body).and_then(|_| theirs.end(0)).and_then(|()| go_on(&theirs, 0, &count));
            });
            loop {
                match watch.supervise() {
                    Wake::Done => break,
                    Wake::Overdue(..) => {}
                    Wake::Stuck(_, next) => go_on(&watch, next, &driven).expect("nobody follows the second driver"),
                }
            }
            driver.join().unwrap();
            assert_eq!(driven.load(SeqCst), 1);
        });
    }

    /// A driver that is lost in the panic hook is always followed.
    #[test]
    fn a_lost_driver_is_always_followed() {
        loom::model(|| {
            let (watch, driven) = (Arc::new(Watch::default()), Arc::new(AtomicUsize::new(0)));
            assert!(watch.claim_supervision());
            let theirs = Arc::clone(&watch);
            let driver = thread::spawn(move || {
                let body = StepInfo { what: "body".into(), is_body: true, limit: None };
                theirs.begin(0, body).expect("nobody else drives");
                assert!(theirs.lose(0));
            });
            loop {
                match watch.supervise() {
                    Wake::Done => break,
                    Wake::Overdue(..) => {}
                    Wake::Stuck(_, next) => go_on(&watch, next, &driven).expect("nobody follows the second driver"),
                }
            }
            driver.join().unwrap();
            assert_eq!(driven.load(SeqCst), 1);
        });
    }
}

#[cfg(all(test, not(qtests_loom)))]
mod tests {
    use super::*;

    fn step(limit: Option<Duration>) -> StepInfo {
        StepInfo { what: "step".into(), is_body: true, limit }
    }

    #[test]
    fn a_step_within_its_limit_ends_and_the_rest_is_over() {
        let watch = Watch::default();
        let cut = watch.begin(0, step(Some(Duration::from_secs(60)))).unwrap();
        assert_eq!(watch.end(0), Ok(()));
        watch.finish(0);
        assert_eq!(watch.supervise(), Wake::Done);
        assert!(!cut.is_fired());
    }

    #[test]
    fn an_overdue_step_is_cut_and_then_left_behind_and_the_old_driver_is_refused() {
        let watch = Watch::default();
        let cut = watch.begin(0, step(Some(Duration::ZERO))).unwrap();
        assert!(matches!(watch.supervise(), Wake::Overdue(_, None)));
        assert!(cut.is_fired());
        assert!(matches!(watch.supervise(), Wake::Stuck(_, 1)));
        assert_eq!(watch.end(0), Err(LeftBehind));
        assert!(watch.begin(0, step(None)).is_err());
        assert!(watch.begin(1, step(None)).is_ok());
    }

    #[test]
    fn a_lost_driver_is_left_behind_at_once() {
        let watch = Watch::default();
        assert!(watch.claim_supervision() && !watch.claim_supervision());
        watch.begin(0, step(None)).unwrap();
        assert!(watch.lose(0));
        assert!(matches!(watch.supervise(), Wake::Stuck(_, 1)));
    }

    #[test]
    fn without_a_supervisor_nobody_can_take_over() {
        let watch = Watch::default();
        watch.begin(0, step(None)).unwrap();
        assert!(!watch.lose(0));
    }

    #[test]
    fn a_hurry_ends_the_body_at_once_and_says_why() {
        let watch = Watch::default();
        watch.begin(0, step(None)).unwrap();
        watch.hurry("SIGINT".into(), Instant::now() + Duration::from_secs(5));
        assert!(matches!(watch.supervise(), Wake::Overdue(_, Some(why)) if why == "SIGINT"));
        assert!(watch.is_hurried());
    }
}
