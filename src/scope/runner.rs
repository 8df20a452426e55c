//! Runs one `#[qtest]`. There is one runner and it is not generic: a generic one made 1,000 tests compile in 73 s
//! instead of 2.8 s.

use super::{
    Test,
    cancel::Cancel,
    current::{Entered, claim_process},
    ending::{self, BodyEnd, until_cut},
    lock,
    options::Meta,
    panics,
    repeat::{Repeat, seed_of},
    residue,
    scope::{BodyKind, Scope},
    signal,
    verdict::Verdict,
    watch::{Driver, LeftBehind, StepInfo, StepKind},
};
use std::{
    borrow::Cow,
    fmt::{self, Debug},
    pin::Pin,
    sync::Arc,
    thread,
};

/// What the body of a test came to: `Err` holds the error's `Debug` form.
pub type BodyResult = Result<(), String>;

/// The future of an async body.
pub type BodyFuture = Pin<Box<dyn Future<Output = BodyResult>>>;

/// The body of a test, as the macro hands it over.
#[derive(Clone, Copy)]
pub enum Body {
    /// `fn`
    Sync(fn(Test) -> BodyResult),
    /// `async fn`
    Async(fn(Test) -> BodyFuture),
    /// A body that was made by code and lives as long as the process.
    Made(&'static MadeBody),
}

/// A body that was made by code.
#[allow(missing_debug_implementations, reason = "it holds closures and nothing else")]
pub enum MadeBody {
    /// What runs on the thread of the test.
    Sync(Box<dyn Fn(Test) -> BodyResult + Send + Sync>),
    /// What is awaited on the runtime of the test.
    Async(Box<dyn Fn(Test) -> BodyFuture + Send + Sync>),
}

/// Each call of it is caught by itself, and what it captures is the user's own affair.
impl std::panic::RefUnwindSafe for MadeBody {}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sync(_) | Self::Made(MadeBody::Sync(_)) => "Body(sync)",
            Self::Async(_) | Self::Made(MadeBody::Async(_)) => "Body(async)",
        })
    }
}

/// What a test may return: nothing, or a `Result` whose error can be printed.
pub trait Outcome {
    /// The error in its `Debug` form.
    fn into_body_result(self) -> BodyResult;
}

impl Outcome for () {
    fn into_body_result(self) -> BodyResult {
        Ok(())
    }
}

impl<E: Debug> Outcome for Result<(), E> {
    fn into_body_result(self) -> BodyResult {
        self.map_err(|error| format!("{error:?}"))
    }
}

/// What is done with a test before its body begins, on its thread. It must not panic.
pub(crate) type Prepare = fn(&Test);

/// Runs a test once and returns the verdict.
pub(crate) fn judge(meta: &'static Meta, body: Body, prepare: Prepare) -> Verdict {
    signal::block_if_ending();
    panics::install_hook();
    let seed = seed_of(meta.name(), meta.options.seed);
    let body_kind = BodyKind::Driven { should_panic: meta.should_panic };
    let scope = Scope::new(
        Cow::Borrowed(meta.name()),
        (meta.file, meta.line),
        meta.options.with_environment(),
        (seed, Repeat::Of(meta)),
        body_kind,
    );
    claim_process(&scope);
    scope.watch.claim_driving();
    let _live = signal::register(&scope);
    if scope.options.timeout.is_some() {
        watched(&scope, body, prepare)
    } else {
        unwatched(&scope, body, prepare)
    }
    if scope.watch.is_hurried() {
        signal::block_if_ending();
    }
    Verdict::of(&scope)
}

/// The body runs on a thread of its own, and the calling thread watches the clock.
fn watched(scope: &Arc<Scope>, body: Body, prepare: Prepare) {
    scope.watch.claim_supervision();
    let theirs = Arc::clone(scope);
    let spawned = thread::Builder::new().name(scope.name().to_owned()).spawn(move || {
        if run_body(&theirs, body, prepare).is_ok() {
            ending::drive(&theirs, 0);
        }
    });
    match spawned {
        Ok(_detached) => ending::supervise(scope),
        Err(error) => panic!("the thread of the test cannot be started: {error}"),
    }
}

/// The body runs on the calling thread. Its end is watched all the same if there is anything that could hang.
fn unwatched(scope: &Arc<Scope>, body: Body, prepare: Prepare) {
    if run_body(scope, body, prepare).is_err() {
        // A signal came and somebody else took over: the process is about to end.
        signal::block_if_ending();
    } else if ending::runs_user_code(scope) && scope.watch.claim_supervision() {
        ending::drive_elsewhere(scope, 0);
        ending::supervise(scope);
    } else {
        ending::drive(scope, 0);
    }
}

fn run_body(scope: &Arc<Scope>, body: Body, prepare: Prepare) -> Result<(), LeftBehind> {
    // Nobody has taken over before the body begins.
    let driver = 0;
    let _entered = Entered::new(Arc::downgrade(scope));
    if residue::counts(scope) {
        // The runtime has threads and descriptors of its own.
        scope.home.get(scope);
        let _ = scope.before.set(residue::before(scope));
    }
    let info = StepInfo { what: "the body".into(), kind: StepKind::Body, limit: scope.options.timeout };
    let cut = scope.watch.begin(driver, info)?;
    let test = Test::of(Arc::clone(scope));
    {
        // By the clock of the test, where it has one already: a paused one stands behind the system's.
        let handle = scope.home.peek().map(|runtime| runtime.handle().clone());
        let _inside = handle.as_ref().map(tokio::runtime::Handle::enter);
        prepare(&test);
    }
    let cuts = (driver, &cut);
    let result = panics::catch_as_driver(driver, || match body {
        Body::Sync(body) => run_sync(scope, &body, test, cuts),
        Body::Async(body) => run_async(scope, &body, test, cuts),
        Body::Made(MadeBody::Sync(body)) => run_sync(scope, body, test, cuts),
        Body::Made(MadeBody::Async(body)) => run_async(scope, body, test, cuts),
    });
    scope.watch.end(driver)?;
    match result {
        Ok(Some(Ok(()))) => scope.ending.body_ended(BodyEnd::Passed, None),
        Ok(Some(Err(error))) => scope.ending.body_ended(BodyEnd::Failed(error), scope.set_ups.failure()),
        // It was cut; the supervisor has said why.
        Ok(None) => {}
        Err(panicked) if panicked.is_cut() => {}
        Err(panicked) if cut.is_fired() => scope.step_panicked("the drop of the body", &panicked),
        Err(panicked) => scope.ending.body_ended(BodyEnd::Panicked(panicked), scope.set_ups.unfinished()),
    }
    Ok(())
}

fn run_async(
    scope: &Arc<Scope>,
    body: &dyn Fn(Test) -> BodyFuture,
    test: Test,
    (driver, cut): (Driver, &Cancel),
) -> Option<BodyResult> {
    scope.home.block_on(scope, async {
        let mut future = body(test);
        let ended = until_cut(&mut future, cut).await;
        if ended.is_none() {
            answer(scope, driver);
        }
        ended
    })
}

fn run_sync(
    scope: &Arc<Scope>,
    body: &dyn Fn(Test) -> BodyResult,
    test: Test,
    (driver, cut): (Driver, &Cancel),
) -> Option<BodyResult> {
    // The handle and not the runtime, which must be free to be stopped if the body never comes back.
    let handle = scope.home.get(scope).handle().clone();
    let _inside = handle.enter();
    *lock(&scope.sync_cut) = Some((driver, cut.clone()));
    // Teardowns that run on this thread later have limits of their own.
    let _cleared = scopeguard::guard((), |()| *lock(&scope.sync_cut) = None);
    Some(body(test))
}

/// The driver answers the cut: from now on the guards of the body have the time that a teardown has.
fn answer(scope: &Scope, driver: Driver) {
    let limit = Some(scope.options.teardown_timeout);
    let info = StepInfo { what: "the drop of the body".into(), kind: StepKind::BodyDrop, limit };
    // Whoever is left behind drops the body all the same.
    let _ = scope.watch.begin(driver, info);
}
