//! The end of a test, always in the same order, whatever the body did.
//!
//! Cancel token, teardowns (the latest first), checks, leaks, parts, runtime, mocks, directory. Each stage is a step
//! that a supervisor can cut, and a driver that is left behind is followed by one that goes on with the next stage.

use super::{
    cancel::Cancel,
    current::Entered,
    finding::Finding,
    idle, leak, lock,
    panics::{self, Panicked},
    residue,
    scope::Scope,
    teardown::{Action, Undo},
    verdict,
    watch::{Driver, LeftBehind, StepInfo, StepKind, Wake},
};
use std::{
    borrow::Cow,
    future::poll_fn,
    pin::pin,
    sync::{Arc, Mutex},
    task::Poll,
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
    /// The fixture that kept the body from doing what it should.
    set_up: Option<String>,
    /// For how long no task had run when the body was cut.
    idle: Option<Duration>,
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
    Residue,
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
            Self::Pops => Self::Residue,
            Self::Residue => Self::Remains,
            Self::Remains | Self::Over => Self::Over,
        }
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

    /// The first thing that is known about the body stays; `set_up` names the fixture that it did not get beyond.
    pub(super) fn body_ended(&self, end: BodyEnd, set_up: Option<String>) {
        let mut state = lock(&self.state);
        if state.body.is_none() {
            (state.body, state.set_up) = (Some(end), set_up);
        }
    }

    fn was_idle(&self, idle: Option<Duration>) {
        lock(&self.state).idle = idle;
    }

    /// For how long no task had run when the body was cut; only if its thread answered, since one that is blocked did run.
    pub(super) fn idle(&self) -> Option<Duration> {
        let state = lock(&self.state);
        state.idle.filter(|_| matches!(state.body, Some(BodyEnd::TimedOut { blocked: false, .. })))
    }

    /// The fixture whose set-up failed, if that is how the body ended.
    pub(super) fn set_up(&self) -> Option<String> {
        lock(&self.state).set_up.clone()
    }

    fn body_is_blocked(&self) {
        if let Some(BodyEnd::TimedOut { blocked, .. }) = &mut lock(&self.state).body {
            *blocked = true;
        }
    }

    pub(super) fn body(&self) -> BodyEnd {
        // Whoever drives the end has said how the body ended; the default shows if that is ever wrong.
        let unknown = || BodyEnd::Interrupted("its end was never recorded".into());
        lock(&self.state).body.clone().unwrap_or_else(unknown)
    }
}

/// Runs `future` until it ends or until the step is cut; `None` when it was cut. The future is dropped either way.
pub(super) async fn until_cut<F: Future>(future: F, cut: &Cancel) -> Option<F::Output> {
    let mut future = pin!(future);
    // Unconstrained: a future that uses up its budget at each poll must not starve the signal that follows it.
    let mut fired = pin!(tokio::task::unconstrained(cut.fired()));
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => fired.as_mut().poll(cx).map(|()| None),
    })
    .await
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
    scope.teardowns.len() > 0 || has_parts(scope)
}

fn has_parts(scope: &Scope) -> bool {
    scope.parts.iter().next().is_some()
}

fn leaves_anything(scope: &Scope) -> bool {
    scope.dir.is_made() || scope.home.peek().is_some()
}

/// Watches the clock until the test is over. The caller has claimed supervision.
pub(super) fn supervise(scope: &Arc<Scope>) {
    loop {
        match scope.watch.supervise(|step, why| overdue(scope, step, why)) {
            Wake::Done => return,
            Wake::Overdue => {}
            Wake::Stuck { step, next, lost } => {
                stuck(scope, &step, lost);
                scope.home.leave_behind_if_in_use();
                if step.kind == StepKind::Stage {
                    // The next driver does not repeat what this one got stuck in.
                    scope.ending.advance();
                }
                drive_elsewhere(scope, next);
            }
        }
    }
}

fn overdue(scope: &Scope, step: &StepInfo, why: Option<Cow<'static, str>>) {
    let limit = step.limit.unwrap_or_default();
    match (step.kind == StepKind::Body, why) {
        (true, Some(why)) => scope.ending.body_ended(BodyEnd::Interrupted(why), None),
        (true, None) => {
            scope.ending.body_ended(BodyEnd::TimedOut { limit, blocked: false }, scope.set_ups.unfinished());
            scope.ending.was_idle(scope.home.idle_for());
        }
        (false, Some(why)) => scope.find(Finding::failure(format!("{} was cut off: {why}", step.what))),
        (false, None) => {
            let text = format!("{} did not end within {limit:?} and was cut off", step.what);
            scope.find(Finding::failure(text));
        }
    }
    scope.record("test", format!("cut {}", step.what));
}

fn stuck(scope: &Scope, step: &StepInfo, lost: Option<String>) {
    scope.record("test", format!("left {} behind: its thread does not answer", step.what));
    let what = &step.what;
    match (step.kind, lost) {
        (StepKind::Body, Some(text)) => scope.ending.body_ended(BodyEnd::Lost(text), scope.set_ups.unfinished()),
        (StepKind::Body, None) => scope.ending.body_is_blocked(),
        (_, Some(text)) => {
            let text = format!("a destructor panicked while {what} was unwinding; its thread is left behind: {text}");
            scope.find(Finding::failure(text));
        }
        (_, None) => scope.find(Finding::note(format!("the thread of {what} did not answer and was left behind"))),
    }
}

/// A stage counts as a step where it may wait for code of the user or for the system. Most tests have nothing to wait
/// for, and steps are most of what an empty test costs.
fn walk(scope: &Arc<Scope>, driver: Driver) -> Result<(), LeftBehind> {
    loop {
        match scope.ending.stage() {
            Stage::Cancel if !has_parts(scope) => release(scope),
            Stage::Cancel => stage(scope, driver, "the cancellation", release)?,
            Stage::Teardowns => tear_down(scope, driver)?,
            Stage::Checks | Stage::Parts if !has_parts(scope) => {}
            Stage::Checks => stage(scope, driver, "the checks", checks)?,
            Stage::Leaks if leak::nothing_lives(scope) => {}
            Stage::Leaks => stage(scope, driver, "the search for leaks", leak::check)?,
            Stage::Parts => stage(scope, driver, "the stop of proxies and servers", shut_down_parts)?,
            Stage::Runtime => stage(scope, driver, "the shutdown of the runtime", shut_down_runtime)?,
            Stage::Pops => pop_parts(scope, driver)?,
            Stage::Remains if !leaves_anything(scope) => remove_dir(scope),
            Stage::Residue if scope.before.get().is_none() => {}
            Stage::Residue => stage(scope, driver, "the search for what the system still holds", residue::check)?,
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
    // Our own waiting, for leaks and for the runtime, has limits of its own that are shorter than this.
    let limit = Some(scope.options.teardown_timeout.max(STAGE));
    step(scope, driver, StepInfo { what: what.into(), kind: StepKind::Stage, limit }, |_| run(scope))
}

/// How long one of our own stages may take at least.
const STAGE: Duration = Duration::from_secs(5);

fn step(scope: &Arc<Scope>, driver: Driver, info: StepInfo, run: impl FnOnce(&Cancel)) -> Result<(), LeftBehind> {
    let what = info.what.clone();
    let cut = scope.watch.begin(driver, info)?;
    let result = panics::catch_as_driver(driver, || run(&cut));
    scope.watch.end(driver)?;
    if let Err(panicked) = result {
        scope.step_panicked(&what, &panicked);
    }
    Ok(())
}

fn undo(scope: &Arc<Scope>, driver: Driver, undo: Undo) -> Result<(), LeftBehind> {
    let Undo { what, action, kind } = undo;
    scope.record("teardown", what.clone());
    let info = StepInfo { what, kind, limit: Some(scope.options.teardown_timeout) };
    step(scope, driver, info, |cut| match action {
        Action::Now(action) => {
            // Destructors of the user may want to spawn.
            let handle = scope.home.peek().map(|runtime| runtime.handle().clone());
            let _inside = handle.as_ref().map(tokio::runtime::Handle::enter);
            action();
        }
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
}

/// Finding out costs a panic, more than all other checks together, so it is done for failing tests and now and then.
fn check_hook(scope: &Scope) {
    if !panics::hook_is_installed() {
        panics::say_once_that_the_hook_is_gone();
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
    // While its threads live, the system knows whose children are whose.
    residue::sample(scope);
    if !scope.home.shut_down() {
        let text = "blocking work of the test (spawn_blocking, t.block_on) is still running and was left behind";
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
    // First of all: what comes from now on is refused, so what came before can be ended for good.
    scope.close();
    // Whatever a restore closure or a late teardown has started, and whoever waits in `t.block_on`.
    shut_down_parts(scope);
    scope.home.shut_down();
    if let Some(idle) = scope.ending.idle() {
        scope.find(Finding::note(idle::hint(idle)));
    }
    scope.find_all(scope.panics.findings(scope.options.task_panics));
    let keep = verdict::keeps_dir(scope);
    // libtest takes its hook, and ours with it, before the scopes that last have ended.
    if !scope.lasts && (verdict::fails(scope) || panics::hook_check_is_due()) {
        check_hook(scope);
    }
    match scope.dir.end(keep) {
        Ok(None) => {}
        Ok(Some(kept)) => scope.find(Finding::note(format!("the directory of the test is kept: {}", kept.display()))),
        Err(error) => scope.find(Finding::failure(format!("the directory of the test cannot be removed: {error}"))),
    }
}
