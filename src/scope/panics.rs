//! Panics in the tasks and threads of a test, found by a hook that knows whose thread it runs on.

use super::{current, finding::Finding, lock, options::TaskPanics, scope::Scope};
use std::{
    any::Any,
    cell::{Cell, RefCell},
    panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook, take_hook},
    sync::{
        Arc, Mutex, Once,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::task::Id;

/// A panic with its place.
#[derive(Clone, Debug)]
pub(crate) struct Panicked {
    pub(crate) message: String,
    pub(crate) place: Option<String>,
    thread: String,
    task: Option<Id>,
}

/// The payload of a panic that a fault asked for: it does not count as a failure of the code that it goes through.
#[derive(Debug)]
pub(crate) struct InjectedPanic(pub(crate) String);

/// The payload of the panic by which a test finds out whether our hook is still there.
struct Probe;

thread_local! {
    /// What the calling thread does for qtests.
    static ROLE: Cell<Role> = const { Cell::new(Role::Stranger) };
    /// The number under which the calling thread drives a test, whatever its role is inside of that.
    static DRIVER: Cell<Option<u32>> = const { Cell::new(None) };
    /// The last panic on this thread while it had a role.
    static LAST: RefCell<Option<Panicked>> = const { RefCell::new(None) };
}

/// What a thread does when it panics outside any task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// Whatever user code does: a panic counts against the test.
    Stranger,
    /// It runs the body or a teardown; its panics are judged where they are caught.
    Driver,
    /// Its panics are expected, caught, and not to be printed.
    Quiet,
}

/// Runs code of the user as a driver of the test and returns its panic as a value.
pub(super) fn catch_as_driver<R>(driver: u32, run: impl FnOnce() -> R) -> Result<R, Panicked> {
    let before = DRIVER.replace(Some(driver));
    let _restored = scopeguard::guard(before, |before| DRIVER.set(before));
    catch_in(Role::Driver, run)
}

/// The number under which the calling thread drives a test.
pub(super) fn driver() -> Option<u32> {
    DRIVER.get()
}

/// Runs code whose panic is to be returned as a value and printed by nobody.
pub(crate) fn catch_quietly<R>(run: impl FnOnce() -> R) -> Result<R, Panicked> {
    catch_in(Role::Quiet, run)
}

fn catch_in<R>(role: Role, run: impl FnOnce() -> R) -> Result<R, Panicked> {
    install_hook();
    // A thread that unwinds already keeps what it was unwinding from.
    let (role_before, last_before) = (ROLE.replace(role), LAST.take());
    let _restored = scopeguard::guard(last_before, |last| {
        ROLE.set(role_before);
        LAST.set(last);
    });
    catch_unwind(AssertUnwindSafe(run)).map_err(|payload| {
        let message = payload_text(&*payload);
        // The payload of the user may panic when it is dropped; that is not worth a second report.
        std::mem::forget(payload);
        let last = LAST.take().filter(|last| last.message == message);
        last.unwrap_or_else(|| Panicked::new(message, None))
    })
}

/// The payload by which a body that is not async unwinds when it took too long.
struct Cut;

const CUT: &str = "the body was cut off";

/// Unwinds a body that took too long, without a message: the supervisor has said why.
pub(super) fn unwind_from_cut() -> ! {
    std::panic::resume_unwind(Box::new(Cut))
}

impl Panicked {
    fn new(message: String, place: Option<String>) -> Self {
        let thread = std::thread::current().name().unwrap_or("<unnamed>").to_owned();
        Self { message, place, thread, task: tokio::task::try_id() }
    }

    /// Whether this is no panic but the end of a body that took too long.
    pub(super) fn is_cut(&self) -> bool {
        self.message == CUT && self.place.is_none()
    }

    /// The message and, where known, the place.
    pub(crate) fn describe(&self) -> String {
        match &self.place {
            Some(place) => format!("{:?} at {place}", self.message),
            None => format!("{:?}", self.message),
        }
    }
}

/// How many panics a test remembers; the others are counted.
const LIMIT: usize = 100;

/// The panics in tasks and threads of one test.
#[derive(Debug, Default)]
pub(super) struct Panics {
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// The first of those that nobody has taken in hand.
    loose: Vec<Panicked>,
    /// All of those that nobody has taken in hand.
    count: usize,
    expected: usize,
}

impl Panics {
    fn record(&self, panicked: Panicked) {
        let mut seen = lock(&self.seen);
        seen.count += 1;
        if seen.loose.len() < LIMIT {
            seen.loose.push(panicked);
        }
    }

    /// The panic of this task was seen by whoever joined it.
    pub(super) fn forgive(&self, task: Id) {
        let mut seen = lock(&self.seen);
        let before = seen.loose.len();
        seen.loose.retain(|panicked| panicked.task != Some(task));
        let gone = before - seen.loose.len();
        // One that had no room among the remembered is taken off the count all the same.
        seen.count -= if gone > 0 { gone } else { usize::from(seen.count > before) };
    }

    pub(super) fn expect(&self, count: usize) {
        lock(&self.seen).expected += count;
    }

    /// What the panics mean for the test.
    pub(super) fn findings(&self, rule: TaskPanics) -> Vec<Finding> {
        let seen = lock(&self.seen);
        let Some(too_many) = seen.count.checked_sub(seen.expected) else {
            let text = format!("expected {} panics in tasks and threads, {} happened", seen.expected, seen.count);
            return vec![Finding::failure(text)];
        };
        let finding = if rule == TaskPanics::Fail { Finding::failure } else { Finding::note };
        let told: Vec<String> = seen.loose.iter().rev().take(too_many).rev().map(Panicked::as_stray).collect();
        let untold = too_many - told.len();
        let more = (untold > 0).then(|| format!("and {untold} more panics in tasks and threads"));
        told.into_iter().chain(more).map(finding).collect()
    }
}

impl Panicked {
    fn as_stray(&self) -> String {
        let who = match self.task {
            Some(task) => format!("task {task} on thread `{}`", self.thread),
            None => format!("thread `{}`", self.thread),
        };
        format!("{who} panicked: {} (join it through t.spawn, or call t.expect_panics)", self.describe())
    }
}

/// Chains our hook before the one that is installed now; does so once.
pub(super) fn install_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            if hook(info) == Printing::Wanted {
                before(info);
            }
        }));
    });
}

/// Whether the hook that was there before us has something to print.
#[derive(PartialEq, Eq)]
enum Printing {
    Wanted,
    Suppressed,
}

fn hook(info: &PanicHookInfo<'_>) -> Printing {
    if info.payload().is::<Probe>() {
        LAST.set(Some(Panicked::new(PROBED.to_owned(), None)));
        return Printing::Suppressed;
    }
    let message = payload_text(info.payload());
    let scope = current::current();
    if let (Some(injected), Some(scope)) = (info.payload().downcast_ref::<InjectedPanic>(), &scope) {
        scope.record("fault", format!("injected a panic: {}", injected.0));
        return Printing::Suppressed;
    }
    if ABORTING.iter().any(|text| message.starts_with(text)) {
        survive(scope.as_ref(), &message);
    }
    let panicked = Panicked::new(message, info.location().map(ToString::to_string));
    match ROLE.get() {
        Role::Quiet => {
            LAST.set(Some(panicked));
            return Printing::Suppressed;
        }
        Role::Driver if panicked.task.is_none() => LAST.set(Some(panicked)),
        Role::Stranger if panicked.task.is_none() && is_owner(scope.as_ref()) => LAST.set(Some(panicked)),
        _ => {
            if let Some(scope) = scope {
                scope.record("panic", panicked.as_stray());
                scope.panics.record(panicked);
            }
        }
    }
    Printing::Wanted
}

/// Whether the calling thread owns the scope: its panic unwinds through the scope itself, which tells it.
fn is_owner(scope: Option<&Arc<Scope>>) -> bool {
    scope.is_some_and(|scope| scope.owner == Some(std::thread::current().id()))
}

/// The panic that the calling thread, which owns a scope, unwinds from.
pub(super) fn last_of_owner() -> Panicked {
    LAST.take().unwrap_or_else(|| Panicked::new("a panic that reached no hook".to_owned(), None))
}

/// How the standard library announces that it is about to abort the process.
const ABORTING: [&str; 2] = ["panic in a destructor during cleanup", "panic in a function that cannot unwind"];

/// A destructor panicked while its thread was unwinding: when this hook returns, the process aborts and takes all other
/// tests with it. Where somebody can take over, the thread is parked here for ever instead.
fn survive(scope: Option<&Arc<Scope>>, message: &str) {
    let first = LAST.take();
    let text = match &first {
        Some(first) => format!("{message}; the last panic before was {}", first.describe()),
        None => message.to_owned(),
    };
    if let Some(scope) = scope {
        // A task that a driver polls is on the driver's thread: parking the one parks the other.
        if let Some(driver) = DRIVER.get() {
            if scope.lose_driver(driver, &text) {
                park_for_ever();
            }
        } else if scope.watch.is_supervised() {
            scope.panics.record(Panicked::new(text, None));
            park_for_ever();
        }
    }
    super::signal::emergency(message);
}

/// Parks a thread inside the panic hook, in place of the abort that would follow if the hook returned.
fn park_for_ever() -> ! {
    static GUARDED: Once = Once::new();
    GUARDED.call_once(|| {
        let _ = std::thread::Builder::new().name("qtests-lost".to_owned()).spawn(exit_when_hooks_block);
    });
    loop {
        std::thread::park();
    }
}

/// How long a panic may take to reach a hook before the hook is taken to be locked.
const LOCKED: Duration = Duration::from_secs(3);

/// The parked thread holds the standard library's lock on the hook for reading. Whoever replaces the hook waits for
/// ever, and so does every panic after that; libtest does so when all tests are over. Then only the end of the process
/// is left.
fn exit_when_hooks_block() {
    super::residue::this_thread_is_ours();
    loop {
        let (began, reached) = (Instant::now(), Arc::new(AtomicBool::new(false)));
        let theirs = Arc::clone(&reached);
        let _ = std::thread::Builder::new().name("qtests-probe".to_owned()).spawn(move || {
            hook_is_installed();
            theirs.store(true, Ordering::Release);
        });
        while !reached.load(Ordering::Acquire) {
            if began.elapsed() > LOCKED {
                super::say("the process ends with status 101: a destructor panicked while its test was unwinding");
                std::process::exit(101);
            }
            std::thread::park_timeout(Duration::from_millis(10));
        }
        std::thread::park_timeout(Duration::from_millis(100));
    }
}

const PROBED: &str = "probed";

/// Whether a panic on this thread still reaches our hook.
pub(super) fn hook_is_installed() -> bool {
    if cfg!(panic = "abort") {
        return true;
    }
    let probe = catch_unwind(|| std::panic::panic_any(Probe));
    debug_assert!(probe.is_err());
    LAST.take().is_some_and(|last| last.message == PROBED)
}

/// How often passing tests look whether the hook is still there.
const LOOK: Duration = Duration::from_millis(100);

/// Whether nobody has looked for the hook for a while.
pub(super) fn hook_check_is_due() -> bool {
    static LOOKED: Mutex<Option<Instant>> = Mutex::new(None);
    let mut looked = lock(&LOOKED);
    let due = looked.is_none_or(|looked| looked.elapsed() >= LOOK);
    if due {
        *looked = Some(Instant::now());
    }
    due
}

/// On the raw standard error, since tests that pass say nothing else.
pub(super) fn say_once_that_the_hook_is_gone() {
    static SAID: Once = Once::new();
    SAID.call_once(|| {
        super::say("somebody replaced the panic hook: from now on, panics in tasks and threads may go unseen");
    });
}

/// The text of a panic's payload.
pub(crate) fn payload_text(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&'static str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else if let Some(injected) = payload.downcast_ref::<InjectedPanic>() {
        injected.0.clone()
    } else if payload.is::<Cut>() {
        CUT.to_owned()
    } else {
        "a panic whose payload is not text".to_owned()
    }
}
