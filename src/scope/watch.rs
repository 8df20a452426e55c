//! Who drives a test, and for how long it may take: the hand-over between the thread that runs user code and the thread
//! that watches the clock.
//!
//! A *driver* runs the body and then each teardown as *steps*. A *supervisor* waits. When a step exceeds its limit the
//! supervisor asks the driver to drop it (`cut`); if the driver does not answer within [`ANSWER`] it is left behind:
//! the driver's number is raised, a new driver continues with the next step, and whatever the old one still does is
//! refused here. So each step is driven once, by one thread, whatever hangs.

use super::cancel::Cancel;
use crate::base::sync::{Condvar, Mutex, MutexGuard, lock};
use std::{
    borrow::Cow,
    sync::PoisonError,
    time::{Duration, Instant},
};

/// How long a driver may take to answer when a step is cut. Long enough for a thread that has to wait for a processor,
/// so that a busy machine is not taken for a blocked thread.
pub(super) const ANSWER: Duration = Duration::from_secs(if cfg!(qtests_loom) { 0 } else { 1 });

/// How long a supervisor sleeps at most. A step whose deadline is further away need not wake it when it begins, and
/// most are: waking it at each step costs more than all else that a watched test does.
const NAP: Duration = Duration::from_secs(1);

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
    /// How many threads wait for a change: waking nobody is a call of the system all the same.
    waiting: usize,
    /// When the supervisor, which sleeps now, wakes up by itself.
    wakes_at: Option<Instant>,
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
    lost: Option<String>,
}

/// What a step is, for reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StepInfo {
    pub(super) what: Cow<'static, str>,
    pub(super) kind: StepKind,
    pub(super) limit: Option<Duration>,
}

/// What a step is, for whoever goes on after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StepKind {
    /// The body of the test, and the drop of the body after it was cut.
    Body,
    BodyDrop,
    /// Something that was taken off a stack: the next driver goes on with the next thing.
    Undo,
    /// The same, for the teardown of a test in another process.
    Child,
    /// A stage that is done once: the next driver goes on with the next stage.
    Stage,
}

/// Why the supervisor woke up.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wake {
    /// Everything is over.
    Done,
    /// A step took too long and has been cut.
    Overdue,
    /// The driver did not answer and was left behind; a new driver is needed.
    Stuck {
        step: StepInfo,
        /// The number of the new driver.
        next: Driver,
        /// What the driver said before it was parked for ever.
        lost: Option<String>,
    },
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
        let own = info.limit.and_then(|limit| now.checked_add(limit));
        let deadline = state.hurry.as_ref().map(|hurry| hurry.deadline(info.kind, now)).into_iter().chain(own).min();
        let cut = Cancel::new();
        state.step = Some(Step { info, deadline, cut: cut.clone(), cut_at: None, lost: None });
        self.tell_supervisor(&state, deadline);
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
            if state.waiting > 0 {
                self.changed.notify_all();
            }
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
                let limit = Hurry { why: Cow::Borrowed(""), until }.deadline(step.info.kind, Instant::now());
                step.deadline = Some(step.deadline.map_or(limit, |own| own.min(limit)));
            }
        }
        self.changed.notify_all();
    }

    /// Stops the clock of the body; the time that it had left, if it had a limit.
    pub(super) fn stop_body_clock(&self) -> Option<Duration> {
        let mut state = lock(&self.state);
        if state.hurry.is_some() {
            return None;
        }
        let step = state.step.as_mut().filter(|step| step.info.kind == StepKind::Body && step.cut_at.is_none())?;
        step.deadline.take().map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// Lets the clock of the body go on, with so much time left.
    pub(super) fn start_body_clock(&self, left: Duration) {
        let mut state = lock(&self.state);
        if state.hurry.is_some() {
            return;
        }
        let deadline = Instant::now().checked_add(left);
        if let Some(step) = &mut state.step
            && step.info.kind == StepKind::Body
            && step.cut_at.is_none()
        {
            step.deadline = deadline;
            self.tell_supervisor(&state, deadline);
        }
    }

    /// Whether somebody was in a hurry, so that the process is about to end.
    pub(super) fn is_hurried(&self) -> bool {
        lock(&self.state).hurry.is_some()
    }

    /// The calling thread drives the step that runs now and will never come back. False when no supervisor is there to
    /// take over, or when the calling thread does not drive.
    pub(super) fn lose(&self, driver: Driver, text: &str) -> bool {
        let Ok(mut state) = self.as_driver(driver) else { return true };
        let supervised = state.supervised;
        if let Some(step) = state.step.as_mut().filter(|_| supervised) {
            step.lost = Some(text.to_owned());
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
    ///
    /// `note` hears of a step that is about to be cut, and of the hurry if there is one, before its driver can.
    pub(super) fn supervise(&self, note: impl Fn(&StepInfo, Option<Cow<'static, str>>)) -> Wake {
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
                        note(&step.info, hurry.map(|hurry| hurry.why));
                        step.cut.fire();
                        return Wake::Overdue;
                    }
                    Due::LeaveBehind => {
                        let (step, lost) = (step.info.clone(), step.lost.take());
                        state.step = None;
                        state.driver += 1;
                        return Wake::Stuck { step, next: state.driver, lost };
                    }
                },
            };
            let nap = wake_at.map_or(NAP, |at| at.saturating_duration_since(now).min(NAP));
            state.wakes_at = Some(now + nap);
            state = self.wait_for(state, nap);
            state.wakes_at = None;
        }
    }

    fn as_driver(&self, driver: Driver) -> Result<MutexGuard<'_, State>, LeftBehind> {
        let state = lock(&self.state);
        if state.driver == driver && !state.done { Ok(state) } else { Err(LeftBehind) }
    }

    /// Wakes the supervisor if it would sleep beyond the deadline. One that does not sleep looks by itself.
    fn tell_supervisor(&self, state: &State, deadline: Option<Instant>) {
        if state.wakes_at.zip(deadline).is_some_and(|(wakes_at, deadline)| deadline < wakes_at) {
            self.changed.notify_all();
        }
    }

    fn wait_for<'a>(&self, mut state: MutexGuard<'a, State>, limit: Duration) -> MutexGuard<'a, State> {
        state.waiting += 1;
        let (mut state, _) = self.changed.wait_timeout(state, limit).unwrap_or_else(PoisonError::into_inner);
        state.waiting -= 1;
        state
    }
}

impl Hurry {
    /// The body ends at once; everything else gets a share of the time that is left, so that one that hangs does not
    /// take it all.
    fn deadline(&self, kind: StepKind, now: Instant) -> Instant {
        let left = self.until.saturating_duration_since(now);
        match kind {
            StepKind::Body => now,
            // What is kept is enough to be told that it is over, and to kill what does not listen.
            StepKind::Child => now + left.saturating_sub(ANSWER + Duration::from_millis(250)),
            _ => now + (left / 4).min(Duration::from_secs(1)),
        }
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
            _ if self.lost.is_some() => Due::LeaveBehind,
            (Some(cut), _) if now >= cut + ANSWER => Due::LeaveBehind,
            (Some(cut), _) => Due::At(Some(cut + ANSWER)),
            (None, Some(deadline)) if now >= deadline => Due::Cut,
            (None, deadline) => Due::At(deadline),
        }
    }
}

#[cfg(all(test, not(qtests_loom)))]
mod tests {
    use super::*;

    fn step(limit: Option<Duration>) -> StepInfo {
        StepInfo { what: "step".into(), kind: StepKind::Body, limit }
    }

    #[test]
    fn a_step_within_its_limit_ends_and_the_rest_is_over() {
        let watch = Watch::default();
        let cut = watch.begin(0, step(Some(Duration::from_secs(60)))).unwrap();
        assert_eq!(watch.end(0), Ok(()));
        watch.finish(0);
        assert_eq!(watch.supervise(|_, _| {}), Wake::Done);
        assert!(!cut.is_fired());
    }

    #[test]
    fn an_overdue_step_is_cut_and_then_left_behind_and_the_old_driver_is_refused() {
        let watch = Watch::default();
        let cut = watch.begin(0, step(Some(Duration::ZERO))).unwrap();
        assert!(matches!(watch.supervise(|_, _| {}), Wake::Overdue));
        assert!(cut.is_fired());
        // The driver has a second to answer, and does not.
        assert!(matches!(watch.supervise(|_, _| {}), Wake::Stuck { next: 1, .. }));
        assert_eq!(watch.end(0), Err(LeftBehind));
        assert!(watch.begin(0, step(None)).is_err());
        assert!(watch.begin(1, step(None)).is_ok());
    }

    #[test]
    fn a_lost_driver_is_left_behind_at_once() {
        let watch = Watch::default();
        assert!(watch.claim_supervision() && !watch.claim_supervision());
        watch.begin(0, step(None)).unwrap();
        assert!(watch.lose(0, "lost"));
        assert!(matches!(watch.supervise(|_, _| {}), Wake::Stuck { next: 1, .. }));
    }

    #[test]
    fn without_a_supervisor_nobody_can_take_over() {
        let watch = Watch::default();
        watch.begin(0, step(None)).unwrap();
        assert!(!watch.lose(0, "lost"));
    }

    #[test]
    fn in_a_hurry_no_step_takes_all_the_time() {
        let (now, until) = (Instant::now(), Instant::now() + Duration::from_secs(2));
        let hurry = Hurry { why: "SIGINT".into(), until };
        assert_eq!(hurry.deadline(StepKind::Body, now), now);
        assert!(hurry.deadline(StepKind::Undo, now) <= now + Duration::from_millis(501));
        assert!(hurry.deadline(StepKind::Child, now) > now + Duration::from_millis(700));
    }

    #[test]
    fn a_hurry_ends_the_body_at_once_and_says_why() {
        let watch = Watch::default();
        watch.begin(0, step(None)).unwrap();
        watch.hurry("SIGINT".into(), Instant::now() + Duration::from_secs(5));
        let heard = std::cell::RefCell::new(None);
        assert_eq!(watch.supervise(|_, why| *heard.borrow_mut() = why), Wake::Overdue);
        assert_eq!(heard.into_inner().as_deref(), Some("SIGINT"));
        assert!(watch.is_hurried());
    }
}
