//! The end of a test, always in the same order, whatever the body did.
//!
//! Cancel token, teardowns (the latest first), checks, leaks, parts, runtime, mocks, directory. Each stage is a step
//! that a supervisor can cut, and a driver that is left behind is followed by one that goes on with the next stage.

use super::{
    cancel::Cancel,
    current::Entered,
    finding::Finding,
    leak, lock,
    panics::{self, Panicked},
    scope::Scope,
    teardown::{Action, Undo},
    verdict,
    watch::{Driver, LeftBehind, StepInfo, Wake},
};
use std::{
    borrow::Cow,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

/// How far a test has come.
#[derive(Debug, Default)]
pub(super) struct Ending {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    stage: Stage,
    body: Option<BodyEnd>,
}

/// The stages of the end, in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Cancel,
    Teardowns,
    Checks,
    Leaks,
    Parts,
    Runtime,
    Pops,
    Remains,
    Over,
}

/// How the body ended.
#[derive(Clone, Debug)]
pub(super) enum BodyEnd {
    Passed,
    /// It returned this error, in its `Debug` form.
    Failed(String),
    Panicked(Panicked),
    TimedOut {
        limit: Duration,
        /// Its thread did not answer and was left behind.
        blocked: bool,
    },
    /// A signal, or `process::exit`.
    Interrupted(Cow<'static, str>),
    /// A destructor panicked while the body was unwinding.
    Lost(String),
}

impl Stage {
    fn next(self) -> Self {
        match self {
            Self::Cancel => Self::Teardowns,
            Self::Teardowns => Self::Checks,
            Self::Checks => Self::Leaks,
            Self::Leaks => Self::Parts,
            Self::Parts => Self::Runtime,
            Self::Runtime => Self::Pops,
            Self::Pops => Self::Remains,
            Self::Remains | Self::Over => Self::Over,
        }
    }

    /// Stages that take one thing after the other from a stack: the next driver goes on with the next thing.
    fn is_stack(self) -> bool {
        matches!(self, Self::Teardowns | Self::Pops)
    }
}

impl Ending {
    fn stage(&self) -> Stage {
        lock(&self.state).stage
    }

    fn advance(&self) {
        let mut state = lock(&self.state);
        state.stage = state.stage.next();
    }

    /// The driver got stuck: its successor does not repeat what it got stuck in.
    fn skip_stuck(&self, was_body: bool) {
        if !was_body && !self.stage().is_stack() {
            self.advance();
        }
    }

    /// The first thing that is known about the body stays.
    pub(super) fn body_ended(&self, end: BodyEnd) {
        lock(&self.state).body.get_or_insert(end);
    }

    pub(super) fn body_is_lost(&self, text: &str) {
        self.body_ended(BodyEnd::Lost(text.to_owned()));
    }

    fn body_is_blocked(&self) {
        if let Some(BodyEnd::TimedOut { blocked, .. }) = &mut lock(&self.state).body {
            *blocked = true;
        }
    }

    pub(super) fn body(&self) -> BodyEnd {
        lock(&self.state).body.clone().unwrap_or(BodyEnd::Passed)
    }
}

/// Runs `future` until it ends or until the step is cut; `None` when it was cut. The future is dropped either way.
pub(super) async fn until_cut<F: Future>(future: F, cut: &Cancel) -> Option<F::Output> {
    tokio::select! {
        biased;
        output = future => Some(output),
        () = cut.fired() => None,
    }
}

/// Drives the end of a test on the calling thread.
pub(super) fn drive(scope: &Arc<Scope>, driver: Driver) {
    let _entered = Entered::new(Arc::downgrade(scope));
    if walk(scope, driver).is_ok() {
        scope.watch.finish(driver);
    }
}

/// Drives the end of a test on a thread of its own.
pub(super) fn drive_elsewhere(scope: &Arc<Scope>, driver: Driver) {
    let theirs = Arc::clone(scope);
    let spawned = thread::Builder::new().name(scope.name().to_owned()).spawn(move || drive(&theirs, driver));
    if spawned.is_err() {
        // No thread to be had: unwatched is better than not at all.
        drive(scope, driver);
    }
}

/// Whether the end of this test runs code of the user, which may hang.
pub(super) fn runs_user_code(scope: &Scope) -> bool {
    !scope.teardowns.is_empty() || scope.parts.iter().next().is_some()
}

/// Watches the clock until the test is over. The caller has claimed supervision.
pub(super) fn supervise(scope: &Arc<Scope>) {
    loop {
        match scope.watch.supervise() {
            Wake::Done => return,
            Wake::Overdue(step, why) => overdue(scope, step, why),
            Wake::Stuck(step, driver) => {
                stuck(scope, &step);
                scope.home.leave_behind();
                scope.ending.skip_stuck(step.is_body);
                drive_elsewhere(scope, driver);
            }
        }
    }
}

fn overdue(scope: &Scope, step: StepInfo, why: Option<Cow<'static, str>>) {
    let limit = step.limit.unwrap_or_default();
    match (step.is_body, why) {
        (true, Some(why)) => scope.ending.body_ended(BodyEnd::Interrupted(why)),
        (true, None) => scope.ending.body_ended(BodyEnd::TimedOut { limit, blocked: false }),
        (false, Some(why)) => scope.find(Finding::failure(format!("{} was cut off: {why}", step.what))),
        (false, None) => {
            let text = format!("{} did not end within {limit:?} and was cut off", step.what);
            scope.find(Finding::failure(text));
        }
    }
    scope.record("test", format!("cut {}", step.what));
}

fn stuck(scope: &Scope, step: &StepInfo) {
    scope.record("test", format!("left {} behind: its thread does not answer", step.what));
    if step.is_body {
        scope.ending.body_is_blocked();
    } else {
        let text = format!("the thread of {} did not answer and was left behind", step.what);
        scope.find(Finding::note(text));
    }
}

fn walk(scope: &Arc<Scope>, driver: Driver) -> Result<(), LeftBehind> {
    loop {
        match scope.ending.stage() {
            Stage::Cancel => stage(scope, driver, "the cancellation", release)?,
            Stage::Teardowns => tear_down(scope, driver)?,
            Stage::Checks => stage(scope, driver, "the checks", checks)?,
            Stage::Leaks => stage(scope, driver, "the search for leaks", leak::check)?,
            Stage::Parts => stage(scope, driver, "the stop of proxies and servers", shut_down_parts)?,
            Stage::Runtime => stage(scope, driver, "the shutdown of the runtime", shut_down_runtime)?,
            Stage::Pops => pop_parts(scope, driver)?,
            Stage::Remains => stage(scope, driver, "the removal of the directory", remove_dir)?,
            Stage::Over => return Ok(()),
        }
        scope.ending.advance();
    }
}

/// One of our own stages, which counts as a step since it may wait for code of the user.
fn stage(
    scope: &Arc<Scope>,
    driver: Driver,
    what: &'static str,
    run: impl FnOnce(&Arc<Scope>),
) -> Result<(), LeftBehind> {
    step(scope, driver, what.into(), |_| run(scope))
}

fn step(
    scope: &Arc<Scope>,
    driver: Driver,
    what: Cow<'static, str>,
    run: impl FnOnce(&Cancel),
) -> Result<(), LeftBehind> {
    let limit = Some(scope.options.teardown_timeout);
    let cut = scope.watch.begin(driver, StepInfo { what: what.clone(), is_body: false, limit })?;
    let result = panics::catch_as_driver(driver, || run(&cut));
    scope.watch.end(driver)?;
    if let Err(panicked) = result {
        scope.step_panicked(&what, &panicked);
    }
    Ok(())
}

fn undo(scope: &Arc<Scope>, driver: Driver, undo: Undo) -> Result<(), LeftBehind> {
    let Undo { what, action } = undo;
    scope.record("teardown", what.clone());
    step(scope, driver, what, |cut| match action {
        Action::Now(action) => action(),
        Action::Later(action) => {
            scope.home.block_on(scope, until_cut(action, cut));
        }
    })
}

fn release(scope: &Arc<Scope>) {
    scope.cancel.fire();
    scope.parts.iter().for_each(|part| part.release());
}

fn tear_down(scope: &Arc<Scope>, driver: Driver) -> Result<(), LeftBehind> {
    while let Some(next) = scope.teardowns.pop() {
        undo(scope, driver, next)?;
    }
    Ok(())
}

fn checks(scope: &Arc<Scope>) {
    for part in scope.parts.iter() {
        scope.find_all(part.findings());
    }
    if !panics::hook_is_installed() {
        scope.find(Finding::note(
            "somebody replaced the panic hook of qtests (std::panic::set_hook without calling the hook before, as \
             color_eyre::install and human_panic do): panics in tasks and threads go unseen",
        ));
    }
}

fn shut_down_parts(scope: &Arc<Scope>) {
    scope.parts.iter().for_each(|part| part.shut_down());
}

fn shut_down_runtime(scope: &Arc<Scope>) {
    if !scope.home.shut_down() {
        let text = "blocking work of the test (spawn_blocking) is still running and was left behind";
        scope.find(if scope.options.leaks == super::Leaks::Strict {
            Finding::failure(text)
        } else {
            Finding::note(text)
        });
    }
}

fn pop_parts(scope: &Arc<Scope>, driver: Driver) -> Result<(), LeftBehind> {
    // Restore closures may register more teardowns.
    loop {
        let next = scope.parts.iter().find_map(|part| part.pop()).or_else(|| scope.teardowns.pop());
        match next {
            Some(next) => undo(scope, driver, next)?,
            None if scope.teardowns.close() => return Ok(()),
            None => {}
        }
    }
}

fn remove_dir(scope: &Arc<Scope>) {
    scope.find_all(scope.panics.findings(scope.options.task_panics));
    scope.close();
    let keep = verdict::keeps_dir(scope);
    match scope.dir.end(keep) {
        Ok(None) => {}
        Ok(Some(kept)) => scope.find(Finding::note(format!("the directory of the test is kept: {}", kept.display()))),
        Err(error) => scope.find(Finding::failure(format!("the directory of the test cannot be removed: {error}"))),
    }
}
