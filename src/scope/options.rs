//! What `#[qtest]` knows about a test before it runs. Code written by the macro builds these; they carry no promise.

use crate::base::{TimeLimit, environment};
use std::time::Duration;

/// What happens to tasks, threads and processes that outlive the test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaks {
    /// What qtests itself started fails the test, the rest is a note. The default.
    Fail,
    /// All tasks and child processes that outlive the test fail it; where the test is alone in its process, so do threads
    /// and file descriptors.
    Strict,
    /// Nothing is looked for.
    Off,
}

/// What a panic in a task or thread of the test does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskPanics {
    /// It fails the test. The default.
    Fail,
    /// It is a note.
    Allow,
}

/// The settings of one test.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub(super) workers: usize,
    pub(super) timeout: Option<Duration>,
    pub(super) teardown_timeout: Duration,
    pub(super) paused: bool,
    pub(super) seed: Option<u64>,
    pub(super) leaks: Leaks,
    pub(super) task_panics: TaskPanics,
    pub(crate) retries: u32,
    pub(crate) tags: &'static [&'static str],
    pub(crate) isolate: bool,
    pub(crate) serial: Option<&'static str>,
}

/// How long a test may take unless it says otherwise.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(60);

/// How long each teardown may take unless the test says otherwise.
pub(crate) const TEARDOWN_TIMEOUT: Duration = Duration::from_secs(5);

impl Options {
    /// What [`new`](Options::new) gives.
    pub const DEFAULT: Self = Self::new();

    /// The defaults: one thread, 60 s, 5 s for each teardown, real time, a derived seed.
    pub const fn new() -> Self {
        Self {
            workers: 0,
            timeout: Some(TIMEOUT),
            teardown_timeout: TEARDOWN_TIMEOUT,
            paused: false,
            seed: None,
            leaks: Leaks::Fail,
            task_panics: TaskPanics::Fail,
            retries: 0,
            tags: &[],
            isolate: false,
            serial: None,
        }
    }

    /// A multi-threaded runtime with so many workers.
    pub const fn workers(mut self, count: usize) -> Self {
        self.workers = count;
        self
    }

    /// How long the body may take.
    pub const fn timeout_millis(mut self, millis: u64) -> Self {
        self.timeout = Some(Duration::from_millis(millis));
        self
    }

    /// No limit for the body, and no thread that watches it.
    pub const fn no_timeout(mut self) -> Self {
        self.timeout = None;
        self
    }

    /// How long each teardown may take.
    pub const fn teardown_timeout_millis(mut self, millis: u64) -> Self {
        self.teardown_timeout = Duration::from_millis(millis);
        self
    }

    /// Virtual time.
    pub const fn paused(mut self) -> Self {
        self.paused = true;
        self
    }

    /// A seed of its own.
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// What leaks do.
    pub const fn leaks(mut self, leaks: Leaks) -> Self {
        self.leaks = leaks;
        self
    }

    /// What panics in tasks do.
    pub const fn task_panics(mut self, panics: TaskPanics) -> Self {
        self.task_panics = panics;
        self
    }

    /// How often it is tried again after a failure.
    pub const fn retries(mut self, count: u32) -> Self {
        self.retries = count;
        self
    }

    /// What it can be chosen by.
    pub const fn tags(mut self, tags: &'static [&'static str]) -> Self {
        self.tags = tags;
        self
    }

    /// A process of its own.
    pub const fn isolate(mut self) -> Self {
        self.isolate = true;
        self
    }

    /// The group whose tests run one at a time.
    pub const fn serial(mut self, group: &'static str) -> Self {
        self.serial = Some(group);
        self
    }
}

impl Options {
    /// What the environment says about every test of this run.
    pub(crate) fn with_environment(mut self) -> Self {
        if let Some(TimeLimit(limit)) = environment().timeout {
            self.timeout = limit;
        }
        self
    }

    /// How long the body may take.
    pub(crate) fn limit(&self) -> Option<Duration> {
        self.timeout
    }

    /// Whether its clock stands still.
    #[cfg(feature = "runner")]
    pub(crate) fn is_paused(&self) -> bool {
        self.paused
    }

    /// Whether it has worker threads.
    #[cfg(feature = "runner")]
    pub(crate) fn has_workers(&self) -> bool {
        self.workers > 0
    }

    /// How long each teardown may take.
    pub(crate) fn teardown_limit(&self) -> Duration {
        self.teardown_timeout
    }

    /// The same with the seed of another one.
    pub(crate) fn with_seed_of(mut self, other: &Self) -> Self {
        self.seed = other.seed;
        self
    }

    /// The same with a limit of its own.
    #[cfg(feature = "runner")]
    pub(crate) fn with_limit(mut self, limit: Option<Duration>) -> Self {
        self.timeout = limit;
        self
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

/// Where a test stands and how it is judged.
#[derive(Clone, Copy, Debug)]
pub struct Meta {
    /// `module_path!()` and the name of the function.
    pub path: &'static str,
    /// The file of the function.
    pub file: &'static str,
    /// The line of the function.
    pub line: u32,
    /// The package, for the line that repeats the test.
    pub package: &'static str,
    /// What cargo said about the target while it compiled it.
    pub target: Target,
    /// `#[ignore]`, with its reason.
    pub ignored: bool,
    /// `#[should_panic]`, with the text that it expects.
    pub should_panic: Option<&'static str>,
    /// The settings. Most tests share the default ones, which the compiler then need not copy.
    pub options: &'static Options,
}

impl Meta {
    /// The name that libtest gives the test: the path without the crate.
    pub fn name(&self) -> &'static str {
        self.path.split_once("::").map_or(self.path, |(_, name)| name)
    }
}

/// The cargo target that a test is compiled into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// `tests/*.rs` or a bench: whatever has `CARGO_TARGET_TMPDIR`.
    Integration,
    /// A binary or an example, with its name.
    Binary(&'static str),
    /// The library.
    Library,
}
